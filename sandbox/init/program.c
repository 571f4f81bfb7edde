/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.c - from clone to exec.  The child shares our memory until its exec, and we sleep so long.
 */
#include "sandbox/init/init.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

static int exec_errno;
static bool child_reached_exec;

static void reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < 65; s++)
		if (s != SIGKILL && s != SIGSTOP)
			signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

struct child {
	const struct job *j;
	int ruleset_fd;
};

static int child(void *arg)
{
	const struct job *j = ((struct child *)arg)->j;
	int ruleset_fd = ((struct child *)arg)->ruleset_fd;

	reset_signals();
	program_enter(j, ruleset_fd, false);
	child_reached_exec = true;
	execve(j->argv[0], (char *const *)(uintptr_t)j->argv, (char *const *)(uintptr_t)j->envp);
	exec_errno = errno;
	_exit(127);
}

int program_start(const struct job *j, int ruleset_fd, int *ret_errno)
{
	static uint8_t stack[32768] __attribute__((aligned(64)));
	struct child c = { j, ruleset_fd };
	/* As vfork(), on a stack of its own. */
	long pid = init_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, stack + sizeof(stack), child, &c);

	if (pid < 0) {
		errno = (int)-pid;
		init_fail("start a process", NULL);
	}
	if (!child_reached_exec)
		_exit(1); /* it has told why */
	if (exec_errno) {
		*ret_errno = exec_errno;
		return -1;
	}
	return (int)pid;
}
