/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - winnow-init: puts up the fences of one box, starts its program and
 * buries all that it leaves.
 *
 * A freestanding executable of a few pages, embedded in the library and started by
 * the spawner from a memfd, in new namespaces where the tier has them: then it
 * is pid 1, and its end is everybody's.  Elsewhere it is the subreaper of the
 * program's tree; the program leads a process group that nobody may leave, so
 * one killpg finds all.
 *
 * It ends only when every descendant is dead, having said so (INIT_ENDED).
 * When the spawner goes away (hang-up of the status socket) it kills and ends.
 */
#include "sandbox/init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct job job;

static uint64_t micro(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

/* Kill all that is left. */
static void kill_rest(pid_t leader)
{
	char path[64], list[4096];
	ssize_t n;
	int fd;

	if (job.flags & JOB_PID_NAMESPACE) {
		kill(-1, SIGKILL);
		return;
	}
	kill(-leader, SIGKILL);
	if (job.program.len)
		return;
	/* Without a system call table a process may have left the group: as we are
	 * the subreaper, it is, sooner or later, a child of ours. */
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, list, sizeof(list) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	list[n] = '\0';
	for (char *p = list, *end; (end = strchr(p, ' ')); p = end + 1)
		kill((pid_t)strtol(p, NULL, 10), SIGKILL);
}

struct tally {
	uint64_t cpu_us, memory_bytes;
	int status;
	bool leader_dead;
};

/* Reap what is dead.  Returns false where no child is left at all. */
static bool reap(pid_t leader, struct tally *t, int flags)
{
	struct rusage ru;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, flags | __WALL, &ru)) > 0) {
		uint64_t peak = (uint64_t)ru.ru_maxrss << 10;

		t->cpu_us += micro(&ru.ru_utime) + micro(&ru.ru_stime);
		if (peak > t->memory_bytes)
			t->memory_bytes = peak;
		if (pid == leader) {
			t->leader_dead = true;
			t->status = status;
		}
	}
	return pid == 0 || errno == EINTR;
}

static void supervise(pid_t leader, int signal_fd, struct tally *t)
{
	struct pollfd p[2] = { { .fd = signal_fd, .events = POLLIN }, { .fd = INIT_FD_STATUS, .events = 0 } };
	struct signalfd_siginfo si;

	while (!t->leader_dead) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents) { /* the spawner is gone */
			kill_rest(leader);
			if (!(job.flags & JOB_PID_NAMESPACE))
				reap(leader, t, 0);
			_exit(1);
		}
		if (p[0].revents && read(signal_fd, &si, sizeof(si)) < 0 && errno != EAGAIN)
			init_fail("wait for the program", NULL);
		reap(leader, t, WNOHANG);
	}
	kill_rest(leader);
	if (job.program.len || (job.flags & JOB_PID_NAMESPACE)) {
		while (reap(leader, t, 0))
			;
		return;
	}
	for (int i = 0; i < 1000 && reap(leader, t, WNOHANG); i++) {
		usleep(1000);
		kill_rest(leader);
	}
}

int main(int argc, char **argv)
{
	struct init_msg started = { .kind = INIT_STARTED }, failed = { .kind = INIT_EXEC_FAILED };
	struct init_msg ended = { .kind = INIT_ENDED };
	struct tally tally = { 0 };
	int ruleset, signal_fd, result = -1;
	sigset_t chld;
	pid_t leader;

	/* The program that proves a tier is this one, run inside the box. */
	if (argc == 2 && strcmp(argv[1], INIT_PROBE_ARGUMENT) == 0)
		_exit(INIT_PROBE_EXIT);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	syscall(436 /* close_range */, INIT_FD_STATUS, ~0u, 4u /* CLOEXEC */);
	job_read(&job);
	if (job.flags & JOB_PID_NAMESPACE)
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	else
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	setsid();
	umask(077);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal_fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		init_fail("make a signalfd", NULL);
	if (job.flags & JOB_NEW_ROOT) {
		umask(0022);
		root_build(&job);
		umask(077);
	}
	files_place(&job);
	if (!(job.flags & JOB_RUNNER)) /* caps_keep() does it later */
		caps_bound();
	ruleset = landlock_build(&job);
	leader = program_start(&job, ruleset, &failed.error);
	caps_drop(true);
	if (leader < 0) {
		init_send(&failed, -1);
		while (wait4(-1, NULL, __WALL, NULL) > 0)
			;
		_exit(0);
	}
	close(0);
	close(1);
	close(2);
	close(INIT_FD_CHANNEL);
	init_send(&started, -1);
	supervise(leader, signal_fd, &tally);
	ended.status = tally.status;
	ended.cpu_us = tally.cpu_us;
	ended.memory_bytes = tally.memory_bytes;
	if (job.collect && WIFEXITED(tally.status) && WEXITSTATUS(tally.status) == 0)
		result = files_collect(&job);
	init_send(&ended, result);
	_exit(0);
}
