/* SPDX-License-Identifier: Apache-2.0 */
/* init.h - what the files of winnow-init share.  It needs no libc (libc.c) and never allocates. */
#ifndef WINNOW_SANDBOX_INIT_INIT_H
#define WINNOW_SANDBOX_INIT_INIT_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include "sandbox/init/protocol.h"

struct job_mount { enum job_mount_kind kind; const char *source, *target; };
struct job_rule { uint64_t access; const char *path; };
struct job_limit { int resource; uint64_t value; };
struct job_file { const char *name; bool executable, from_fd; uint64_t offset, len; };

struct job {
	uint32_t flags, uid, gid;
	const char *stage;   /* NEW_ROOT: an existing folder to build the root on */
	const char *home;    /* the box's private folder: holds work/ and tmp/ */
	uint64_t file_bytes;
	struct job_mount mounts[JOB_MAX_MOUNTS]; size_t n_mounts;
	struct job_limit limits[JOB_MAX_LIMITS]; size_t n_limits;
	uint64_t landlock_fs, landlock_net, landlock_scoped; /* fs 0: no Landlock */
	struct job_rule rules[JOB_MAX_RULES]; size_t n_rules;
	struct sock_fprog program; /* len 0: no system call table */
	struct sock_fprog listener; /* JOB_LISTEN */
	const char *argv[JOB_MAX_ARGS + 1];
	const char *envp[JOB_MAX_ARGS + 1];
	struct job_file files[JOB_MAX_FILES]; size_t n_files;
	const char *collect; /* NULL: nothing */
	uint64_t collect_max;
};

/* say.c.  Send INIT_FAILED with this step and errno; does not return. */
void init_fail(const char *step, const char *detail) __attribute__((noreturn));
uint64_t init_now_us(void);
void init_send(struct init_msg *m, int fd); /* fd -1: none */
void init_send_to(int to, struct init_msg *m, int fd);

void job_read(struct job *j);                   /* job.c */
void root_build(const struct job *j);           /* root.c: afterwards / is the box's */
void files_place(const struct job *j);          /* files.c: home, work/, tmp/, files; cwd is work/ */
int files_collect(const struct job *j);         /* memfd, -1 where there is nothing to take */
void root_mount_home(const struct job *j);      /* root.c: a fresh tmpfs on home, which is there */
/* libc.c: clone; the child calls run(arg) on the given stack.  Returns the process id or -errno. */
long init_clone(unsigned long flags, void *stack_top, int (*run)(void *arg), void *arg);
/* program.c: start the program (vfork); returns its process id in our
 * namespace, or -1 with *ret_errno set where exec failed. */
int program_start(const struct job *j, int ruleset_fd, int *ret_errno);
/* enter.c: the last steps of a program's own process, from limits to the system call table; tells the spawner
 * that it is there (INIT_CHILD), and with `warm` that it runs (INIT_STARTED). */
void program_enter(const struct job *j, int ruleset_fd, bool warm);
int landlock_build(const struct job *j);        /* landlock_rules.c: ruleset, -1 where the job has none */
void landlock_enter(int ruleset_fd);            /* async-signal-safe; _exits through init_fail() */
void caps_bound(void);                          /* caps.c: empty the bounding set */
void caps_drop(bool keep_some);                 /* all, or all but what killing and collecting need */
void caps_keep(void);                           /* over an exec: what a warm runner needs to build boxes */

#endif
