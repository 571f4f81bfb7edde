/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_clone.c - from clone to the exec of winnow-init.
 *
 * The child shares the spawner's memory (CLONE_VM | CLONE_VFORK: no page table
 * is copied, and the spawner sleeps until the exec), runs on a stack of its own
 * and makes system calls only.  It is kept free of sanitizer instrumentation,
 * whose shadow memory would be shared as well.
 */
#include "sandbox/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHILD_STACK_BYTES 65536
#define PARKED_FROM 300 /* above any target number */

struct child_args {
	struct box_clone *c;
	char uid_map[64], gid_map[64];
	size_t uid_len, gid_len;
	int parked[BOX_CLONE_MAX_FDS + 1];
};

__attribute__((no_sanitize("address", "undefined", "thread"))) static int child_fail(struct child_args *a,
										       const char *step)
{
	a->c->failed_errno = errno;
	a->c->failed_step = step;
	syscall(SYS_exit, 1);
	return 1;
}

__attribute__((no_sanitize("address", "undefined", "thread"))) static int write_file(const char *path,
										       const char *text,
										       size_t n)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
	long r;

	if (fd < 0)
		return -1;
	r = syscall(SYS_write, fd, text, n);
	syscall(SYS_close, fd);
	return r == (long)n ? 0 : -1;
}

/* Keep the capabilities of the new user namespace over the exec: init is not
 * root in there, so only ambient ones stay. */
__attribute__((no_sanitize("address", "undefined", "thread"))) static int keep_capabilities(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct d[2];
	static const int wanted[] = { CAP_SYS_ADMIN, CAP_SETPCAP, CAP_KILL };

	if (syscall(SYS_capget, &h, d) < 0)
		return -1;
	d[0].inheritable = d[0].permitted;
	d[1].inheritable = d[1].permitted;
	if (syscall(SYS_capset, &h, d) < 0)
		return -1;
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, wanted[i], 0, 0) < 0)
			return -1;
	return 0;
}

__attribute__((no_sanitize("address", "undefined", "thread"))) static int child(void *arg)
{
	static const char *const no_strings[] = { NULL };
	static const char *const name[] = { "winnow-init", NULL };
	struct child_args *a = arg;
	struct box_clone *c = a->c;

	if (c->map_ids) {
		if (write_file("/proc/self/setgroups", "deny", 4) < 0 ||
		    write_file("/proc/self/uid_map", a->uid_map, a->uid_len) < 0 ||
		    write_file("/proc/self/gid_map", a->gid_map, a->gid_len) < 0)
			return child_fail(a, "map the ids of the user namespace");
		if (keep_capabilities() < 0)
			return child_fail(a, "keep capabilities for init");
	}
	/* Out of the way first: a source may be another's target. */
	for (size_t i = 0; i <= c->n_fds; i++) {
		int fd = i < c->n_fds ? c->fds[i] : c->image_fd;

		a->parked[i] = -1;
		if (fd < 0)
			continue;
		a->parked[i] = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, PARKED_FROM);
		if (a->parked[i] < 0)
			return child_fail(a, "duplicate a descriptor");
	}
	for (size_t i = 0; i < c->n_fds; i++) {
		if (a->parked[i] < 0)
			syscall(SYS_close, i);
		else if (syscall(SYS_dup3, a->parked[i], i, 0) < 0)
			return child_fail(a, "place a descriptor");
	}
	if (syscall(SYS_dup3, a->parked[c->n_fds], c->n_fds, O_CLOEXEC) < 0 ||
	    syscall(SYS_close_range, c->n_fds + 1, ~0u, 0) < 0)
		return child_fail(a, "close descriptors");
	syscall(SYS_execveat, c->n_fds, "", name, no_strings, AT_EMPTY_PATH);
	return child_fail(a, "execute winnow-init");
}

pid_t box_clone(struct box_clone *c)
{
	static uint8_t stack[CHILD_STACK_BYTES] __attribute__((aligned(64)));
	static struct child_args args;
	int pidfd = -1;
	pid_t pid;

	args.c = c;
	c->failed_step = NULL;
	c->failed_errno = 0;
	args.uid_len = (size_t)snprintf(args.uid_map, sizeof(args.uid_map), "%u %u 1", c->uid, c->uid);
	args.gid_len = (size_t)snprintf(args.gid_map, sizeof(args.gid_map), "%u %u 1", c->gid, c->gid);
	pid = clone(child, stack + sizeof(stack), c->flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &args,
		    &pidfd);
	if (pid < 0) {
		c->failed_errno = errno;
		c->failed_step = "start a process";
	}
	c->pidfd = pidfd;
	return pid;
}
