/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enter.c - the last steps of a process before hostile code runs in it.
 *
 * The order matters: what needs rights (ids) comes before they go, the system
 * call table comes last, since it allows little of what stands above it.
 *
 * JOB_LISTEN: the job's table lets the violations through, which is only safe behind the
 * listener's, so that one comes first or nothing does.
 */
#include "sandbox/init/init.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void set_limits(const struct job *j)
{
	for (size_t i = 0; i < j->n_limits; i++) {
		struct rlimit had, want;
		int resource = j->limits[i].resource;

		if (getrlimit((__rlimit_resource_t)resource, &had) < 0)
			init_fail("read a resource limit", NULL);
		want.rlim_cur = want.rlim_max = j->limits[i].value;
		/* The signal of the CPU limit first, the kill a second later. */
		if (resource == RLIMIT_CPU)
			want.rlim_max++;
		if (want.rlim_max > had.rlim_max)
			want.rlim_max = had.rlim_max;
		if (want.rlim_cur > want.rlim_max)
			want.rlim_cur = want.rlim_max;
		if (setrlimit((__rlimit_resource_t)resource, &want) < 0)
			init_fail("set a resource limit", NULL);
	}
}

static void set_ids(const struct job *j)
{
	if (!(j->flags & JOB_SET_IDS))
		return;
	if (syscall(SYS_setgroups, 0, NULL) < 0)
		init_fail("drop groups", NULL);
	if (syscall(SYS_setresgid, j->gid, j->gid, j->gid) < 0 ||
	    syscall(SYS_setresuid, j->uid, j->uid, j->uid) < 0)
		init_fail("take the slot's user id", NULL);
}

/* Tell the spawner who we are: it reads our CPU clock and may kill us. */
static void announce(void)
{
	struct init_msg m = { .kind = INIT_CHILD };
	struct timespec t;
	int pidfd = (int)syscall(434 /* pidfd_open */, getpid(), 0);

	if (pidfd < 0)
		init_fail("open a pidfd", NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	m.cpu_us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	init_send(&m, pidfd);
}

static void hear_refused_calls(const struct job *j)
{
	struct init_msg m = { .kind = INIT_LISTENER };
	int fd;

	if (!(j->flags & JOB_LISTEN))
		return;
	fd = (int)syscall(SYS_seccomp, 1 /* SET_MODE_FILTER */, 8 /* NEW_LISTENER */, &j->listener);
	if (fd < 0)
		init_fail(INIT_LISTEN_STEP, NULL);
	init_send(&m, fd);
}

static void enter_syscall_table(const struct job *j)
{
	uint32_t self = (uint32_t)getpid();

	if (!j->program.len)
		return;
	for (size_t i = 0; i < j->program.len; i++) {
		struct sock_filter *f = &j->program.filter[i];

		if (BPF_CLASS(f->code) == BPF_JMP && f->k == SYSCALL_OWN_PID)
			f->k = self;
	}
	if (syscall(SYS_seccomp, 1 /* SET_MODE_FILTER */, 0, &j->program) < 0)
		init_fail("load the system call table", NULL);
}

void program_enter(const struct job *j, int ruleset_fd, bool warm)
{
	if (setsid() < 0)
		init_fail("start a session", NULL);
	set_limits(j);
	set_ids(j);
	if (j->flags & JOB_RUNNER)
		caps_keep();
	else
		caps_drop(false);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		init_fail("set no_new_privs", NULL);
	landlock_enter(ruleset_fd);
	if (!(j->flags & JOB_CHANNEL))
		close(INIT_FD_CHANNEL);
	announce();
	if (warm) {
		struct init_msg started = { .kind = INIT_STARTED };

		init_send(&started, -1);
	}
	hear_refused_calls(j);
	enter_syscall_table(j);
}
