/* SPDX-License-Identifier: Apache-2.0 */
/* spawnfloor.c - vfork, exec, wait, and nothing else; see spawnfloor.h. */
#include "sandbox/spawnfloor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"

/*
 * The child shares our memory until its exec: it calls nothing but system
 * calls, and leaves its failure in *failure.  vfork() is what is measured here,
 * so a safer call would miss the point.
 */
/* NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */
static pid_t start(const char *const *argv, const char *dir, volatile int *failure)
{
	pid_t pid;

	*failure = 0;
	pid = vfork();
	if (pid == 0) {
		if (!dir || chdir(dir) == 0)
			(void) execve(argv[0], (char *const *)argv, environ);
		*failure = errno;
		_exit(127);
	}
	return pid;
}
/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */

/* By its own pid, since the caller may have other children. */
static int reap(pid_t *pid, const char *what, struct error *err)
{
	int status;
	pid_t got;

	do
		got = waitpid(*pid, &status, 0);
	while (got < 0 && errno == EINTR);
	*pid = -1;
	if (got < 0)
		return error_set_errno(err, ERR_IO, "cannot wait for '%s'", what);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return error_set(err, ERR_IO, "'%s' was ended by signal %d", what, WTERMSIG(status));
	return error_set(err, ERR_IO, "'%s' ended with status %d", what, WEXITSTATUS(status));
}

static int start_slot(const char *const *argv, const char *dir, pid_t *pid, struct error *err)
{
	volatile int failure;

	*pid = start(argv, dir, &failure);
	if (*pid < 0)
		return error_set_errno(err, ERR_IO, "cannot start '%s'", argv[0]);
	if (!failure)
		return 0;
	(void) reap(pid, argv[0], NULL);
	errno = failure;
	return error_set_errno(err, ERR_IO, "cannot run '%s'", argv[0]);
}

int spawnfloor_run(const char *const *argv, const char *const *dirs, unsigned parallel, uint64_t slice_us,
		   uint64_t *ret_runs, uint64_t *ret_us, struct error *err)
{
	pid_t pids[SPAWNFLOOR_PARALLEL_MAX];
	uint64_t runs = 0, began = clock_now_us();
	unsigned next = 0;
	int r = 0;

	assert(parallel >= 1 && parallel <= SPAWNFLOOR_PARALLEL_MAX);
	for (unsigned i = 0; i < parallel; i++)
		pids[i] = -1;
	for (; r == 0 && (runs == 0 || clock_now_us() - began < slice_us); next = (next + 1) % parallel) {
		if (pids[next] > 0) {
			r = reap(&pids[next], argv[0], err);
			runs += r == 0;
		}
		if (r == 0)
			r = start_slot(argv, dirs ? dirs[next] : NULL, &pids[next], err);
	}
	for (unsigned i = 0; i < parallel; i++) {
		int end = pids[i] > 0 ? reap(&pids[i], argv[0], r == 0 ? err : NULL) : 1;

		runs += end == 0;
		if (r == 0 && end < 0)
			r = end;
	}
	if (r < 0)
		return r;
	*ret_runs = runs;
	*ret_us = clock_now_us() - began;
	return 0;
}
