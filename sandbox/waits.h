/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waits.h - how long the tasks of a box have waited for a core.
 *
 * A wall limit is there for programs that sleep or block.  On a machine with
 * more work than cores a program may be ready to run and not be run; the
 * scheduler counts that time for each task, and /proc shows it to everybody.
 * Where /proc is not there, or counts nothing, all is zero.
 */
#ifndef WINNOW_SANDBOX_WAITS_H
#define WINNOW_SANDBOX_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WAITS_MAX_TASKS 64 /* what a tree has above that is not looked at */

struct wait_task { pid_t tid; uint64_t cpu_us, waited_us; };
struct waits {
	struct wait_task tasks[WAITS_MAX_TASKS];
	size_t n;
	bool runnable; /* one of them runs, or would like to */
};

/* proc ("/proc") numbers processes as we do. */
bool waits_usable(const char *proc);
/* The tasks of program and of all that lies below init; init is not counted itself. */
void waits_read(const char *proc, pid_t init, pid_t program, struct waits *ret);
/* CPU time of all tasks that were seen. */
uint64_t waits_cpu_us(const struct waits *w);
/* The processes of the same tree, at most max of them; init is not among them.  Returns how many. */
size_t waits_pids(const char *proc, pid_t init, pid_t program, pid_t *pids, size_t max);
/* What a single task has waited; 0: unknown. */
uint64_t waits_of_task(const char *proc, pid_t tid);
/* What the tasks of now have used and waited since before. */
struct waits_growth {
	uint64_t cpu_us, waited_us;
	bool moved; /* one of them has begun, ended, run, or had its waiting counted */
};
struct waits_growth waits_since(const struct waits *before, const struct waits *now);

#endif
