/* SPDX-License-Identifier: Apache-2.0 */
/* say.c - what init tells the spawner. */
#include "sandbox/init/init.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t init_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void init_send_to(int to, struct init_msg *m, int fd)
{
	struct iovec iov = { m, sizeof(*m) };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	m->time_us = init_now_us();
	if (fd >= 0) {
		struct cmsghdr *c;

		m->has_fd = 1;
		memset(&control, 0, sizeof(control));
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	while (sendmsg(to, &h, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			_exit(1); /* the spawner is gone, and with it the reason to run */
	if (fd >= 0)
		close(fd);
}

void init_send(struct init_msg *m, int fd)
{
	init_send_to(INIT_FD_STATUS, m, fd);
}

void init_fail(const char *step, const char *detail)
{
	struct init_msg m = { .kind = INIT_FAILED, .error = errno };

	snprintf(m.step, sizeof(m.step), "cannot %s%s%s%s", step, detail ? " '" : "", detail ? detail : "",
		 detail ? "'" : "");
	init_send(&m, -1);
	_exit(1);
}
