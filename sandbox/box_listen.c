/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box_listen.c - which calls that no honest program makes did this one make?
 *
 * The kernel kills for such a call at once, and tells nobody its number.  Where the name is wanted the run is
 * made once more with a listener (init/enter.c): the calls are answered EPERM from here, as a refused call
 * would be, and counted by name.  That run gives evidence and no verdict.
 *
 * Each round of the loop answers one call of a box.  A program that goes on and on is ended after
 * HEARD_MAX: it costs the spawner less than a program that writes as much.
 */
#include "sandbox/box_internal.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "core/record.h"
#include "sandbox/syscalls.h"

#define HEARD_MAX 1000

bool box_hears(const struct spawner *sp, const struct box_spec *spec)
{
	return spec->name_refused && spec->phase == BOX_RUN && sp->jail.seccomp;
}

static void count(struct box *box, int nr)
{
	struct box_result *r = &box->result;
	const char *call = syscalls_violation_name(nr);
	size_t i = 0;

	while (i < r->n_refused && r->refused[i].call != call)
		i++;
	if (!call || i == BOX_MAX_REFUSED)
		return;
	if (i == r->n_refused)
		r->refused[r->n_refused++] = (struct box_refused){ call, 0 };
	r->refused[i].count++;
}

static void hear(struct watch *w, uint32_t events)
{
	struct box *box = w->owner;
	struct seccomp_notif notice = { 0 };
	struct seccomp_notif_resp answer = { .error = -EPERM };

	if (!(events & EPOLLIN)) { /* every task that could call is dead */
		spawner_unwatch(box->sp, w);
		return;
	}
	/* Never waits: the kernel counts what was posted, and answers ENOENT for what was taken back since. */
	if (ioctl(w->fd, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0)
		return;
	count(box, notice.data.nr);
	answer.id = notice.id;
	ioctl(w->fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	if (++box->n_heard >= HEARD_MAX) {
		spawner_unwatch(box->sp, w); /* what it calls before the kill reaches it is answered ENOSYS by the kernel */
		box_end_by(box, BOX_VIOLATION, FLAG_REFUSED_CALL);
	}
}

void box_listen(struct box *box, int fd)
{
	struct error err = ERROR_INIT;

	box->listener = (struct watch){ -1, hear, box };
	if (spawner_watch(box->sp, &box->listener, fd, EPOLLIN, &err) < 0)
		box_fail(box, "%s", err.msg);
}
