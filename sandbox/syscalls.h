/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscalls.h - which system calls a boxed program may make.
 *
 * Default deny: what has no row answers ENOSYS.  A row says what happens and
 * why (syscall_table.c, sorted by name).  Built once a spawner into programs
 * that init loads: a balanced tree, since the kernel walks a program once for
 * every number when it is loaded (a linear list costs ten times the tree).
 */
#ifndef WINNOW_SANDBOX_SYSCALLS_H
#define WINNOW_SANDBOX_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include "core/buf.h"
#include "core/error.h"
#include "sandbox/box.h"

enum syscall_rule {
	RULE_ALLOW,
	RULE_ERRNO,      /* answer row.error; 0: "done" */
	RULE_VIOLATION,  /* kills: no honest program calls it (named by a run of its own, box.h) */
	/* Rules that look at the phase, at what else holds the box, or at arguments. */
	RULE_FORK,       /* not in the run phase */
	RULE_CLONE,      /* threads; processes not in the run phase; never a namespace */
	RULE_SIGNAL,     /* to anyone where the box holds signals in, else to itself (run phase) or nobody */
	RULE_SIGNAL_ANY, /* only where the box holds signals in */
	RULE_IOCTL,
	RULE_FCNTL,
	RULE_PRCTL,
	RULE_ARCH_PRCTL,
	RULE_SELF_OR_ZERO, /* first argument 0 or its own process id */
	RULE_ZERO,         /* first argument 0 */
	RULE_PERSONALITY,
	RULE_UNIX_PAIR,
	RULE_CONNECTED,    /* fifth argument NULL */
	RULE_MKNOD,        /* FIFOs and plain files */
	RULE_MKNODAT,
	RULE_LOCK,         /* not in the run phase */
	RULE_METADATA,     /* only where files of the host are out of reach */
	RULE_UTIMENS,
	RULE_TRUNCATE,
	RULE_ALLOCATE,     /* run phase: only where the folder is bounded by itself */
	RULE_COUNT
};
struct syscall_row {
	const char *name;
	enum syscall_rule rule;
	int error;
	const char *reason;
};
extern const struct syscall_row syscall_table[];
extern const size_t n_syscall_rows;

/* What else holds the box, as far as rows depend on it. */
struct syscall_surroundings {
	bool own_root;      /* no file of the host can be named but read-only mounts */
	bool signals_held;  /* a pid namespace or Landlock's scope */
	bool truncate_held; /* own root, or Landlock ABI 3 */
	bool files_held;    /* the working folder is a tmpfs of its own, with a size */
};

/* Append the BPF instructions (struct sock_filter) for this phase to program.
 * The constant SYSCALL_OWN_PID in them stands for the program's process id. */
int syscalls_build(enum box_phase phase, const struct syscall_surroundings *around, struct buf *program,
		   struct error *err);
/*
 * The pair for a run whose refused calls are to be named (box.h): `listener` hands the violations, and nothing
 * else, to whoever holds its descriptor; `program` is the run phase's table without them.  A program is only
 * ever given the second where it got the first.
 */
int syscalls_build_listener(const struct syscall_surroundings *around, struct buf *listener, struct buf *program,
			    struct error *err);
/* The name of a violation by its number on this machine, static; NULL: none of the table's. */
const char *syscalls_violation_name(int nr);

#endif
