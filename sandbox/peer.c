/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.c - trusted programs of `command:` policies.
 *
 * The spawner leaves the host's network and mounts for its boxes' sake, but a
 * peer needs both.  So before it leaves it forks a helper, which does nothing
 * but wait on a socket of main's for an argument vector, start that program
 * with two pipes, and send main's ends back.  The helper dies with the spawner,
 * peers die with the helper.
 */
#include "sandbox/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/mem.h"

#define REQUEST_BYTES 65536
#define MAX_ARGUMENTS 256

struct peer_answer {
	int32_t error; /* errno of what failed; 0: two descriptors come along */
};

static int send_answer(int fd, int error, const int pipes[2])
{
	struct peer_answer a = { error };
	struct iovec iov = { &a, sizeof(a) };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { { 0 } };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (!error) {
		struct cmsghdr *c;

		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(2 * sizeof(int));
		memcpy(CMSG_DATA(c), pipes, 2 * sizeof(int));
	}
	return sendmsg(fd, &h, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void become_peer(char **argv, int in, int out, int error_fd, pid_t helper) __attribute__((noreturn));
static void become_peer(char **argv, int in, int out, int error_fd, pid_t helper)
{
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != helper)
		_exit(127);
	for (int s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			signal(s, SIG_DFL);
	if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0)
		execvp(argv[0], argv);
	error = errno;
	if (write(error_fd, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* Returns 0 and main's ends (its writing end first), or an errno. */
static int start_peer(char **argv, int ret[2])
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, report[2] = { -1, -1 };
	pid_t helper = getpid(), pid;
	int error = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0) {
		error = errno;
	} else {
		pid = fork();
		if (pid == 0)
			become_peer(argv, in[0], out[1], report[1], helper);
		if (pid < 0)
			error = errno;
		close(report[1]);
		report[1] = -1;
		/* Ends when the exec closes it. */
		if (pid > 0 && read(report[0], &error, sizeof(error)) <= 0)
			error = 0;
	}
	for (size_t i = 0; i < 2; i++) {
		int fds[] = { report[i], i == 0 ? in[0] : out[1], error ? (i == 0 ? in[1] : out[0]) : -1 };

		for (size_t k = 0; k < ARRAY_SIZE(fds); k++)
			if (fds[k] >= 0)
				close(fds[k]);
	}
	ret[0] = in[1];
	ret[1] = out[0];
	return error;
}

static void serve(int fd) __attribute__((noreturn));
static void serve(int fd)
{
	static char request[REQUEST_BYTES];
	char *argv[MAX_ARGUMENTS + 1];

	for (;;) {
		ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
		size_t argc = 0;
		int pipes[2] = { -1, -1 }, error;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		request[n] = '\0';
		for (ssize_t at = 0; at < n && argc < MAX_ARGUMENTS; at += (ssize_t)strlen(request + at) + 1)
			argv[argc++] = request + at;
		argv[argc] = NULL;
		error = argc ? start_peer(argv, pipes) : EINVAL;
		if (send_answer(fd, error, pipes) < 0)
			_exit(0);
		if (!error) {
			close(pipes[0]);
			close(pipes[1]);
		}
	}
}

int peer_start_helper(int peer_fd, struct error *err)
{
	pid_t spawner = getpid(), pid = fork();

	if (pid < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot start the helper for peers");
	if (pid > 0) {
		close(peer_fd);
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != spawner)
		_exit(0);
	signal(SIGCHLD, SIG_IGN); /* peers bury themselves */
	serve(peer_fd);
}

int peer_request(int peer_fd, const char *const *argv, int *ret_in_fd, int *ret_out_fd, struct error *err)
{
	cleanup_buf struct buf b;
	struct peer_answer a = { 0 };
	struct iovec iov = { &a, sizeof(a) };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { { 0 } };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int fds[2];
	ssize_t n;
	int r;

	if (!argv || !argv[0])
		return error_set(err, ERR_INPUT, "a command needs a program");
	buf_init(&b, REQUEST_BYTES - 1);
	for (size_t i = 0; argv[i]; i++)
		buf_add(&b, argv[i], strlen(argv[i]) + 1);
	r = buf_check(&b, "command line", err);
	if (r < 0)
		return r;
	if (send(peer_fd, b.data, b.len, MSG_NOSIGNAL) < 0)
		return error_set_errno(err, ERR_IO, "cannot ask the spawner for '%s'", argv[0]);
	do
		n = recvmsg(peer_fd, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(a))
		return error_set(err, ERR_IO, "the spawner died while starting '%s'", argv[0]);
	if (a.error) {
		errno = a.error;
		return error_set_errno(err, ERR_IO, "cannot start '%s'", argv[0]);
	}
	c = CMSG_FIRSTHDR(&h);
	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(fds)))
		return error_set(err, ERR_IO, "the spawner sent no pipes for '%s'", argv[0]);
	memcpy(fds, CMSG_DATA(c), sizeof(fds));
	for (size_t i = 0; i < 2; i++)
		fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
	*ret_in_fd = fds[0];
	*ret_out_fd = fds[1];
	return 0;
}
