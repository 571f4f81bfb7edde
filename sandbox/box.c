/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box.c - start one box.
 *
 * box_start() makes the pipes and the job, then clones winnow-init.  States:
 *
 *   waiting   the clone met EAGAIN or ENOMEM and is tried again a little later
 *   set-up    init puts up the fences; INIT_CHILD brings the program's pidfd
 *   running   INIT_STARTED came: clocks run, output and frames are relayed
 *   dying     a limit was met or box_kill() called: the program is killed
 *   over      init is dead, and so is every descendant; ended() was called
 *
 * The box is freed in the round of the loop after that.
 */
#include "sandbox/box.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "sandbox/box_internal.h"
#include "sandbox/warm.h"

#define START_TRIES 6
#define START_DELAY_US 10000 /* doubled each time */
#define SETUP_US 20000000    /* a box that is not up by then never will be */

static void setup_over(void *ctx)
{
	box_fail(ctx, "the box was not set up within %d s", SETUP_US / 1000000);
}

static void init_dead(struct watch *w, uint32_t events)
{
	struct box *box = w->owner;
	siginfo_t si;

	(void)events;
	while (box_read_status(box))
		;
	while (waitid(P_PIDFD, (id_t)w->fd, &si, WEXITED) < 0)
		if (errno != EINTR)
			break;
	/* Only if init was killed from outside: what it could not bury. */
	if (!box->ended && !box->sp->jail.pid_namespace && box->program_pid > 0)
		kill(-box->program_pid, SIGKILL);
	if (!box->ended_us)
		box->ended_us = clock_now_us();
	box_finish(box);
}

static void status_ready(struct watch *w, uint32_t events)
{
	(void)events;
	while (box_read_status(w->owner))
		;
}

static void await_setup(struct box *box)
{
	box->setup_deadline.fire = setup_over;
	box->setup_deadline.ctx = box;
	timer_arm(&box->sp->timers, &box->setup_deadline, clock_now_us() + SETUP_US);
}

/* What the box has got by now. */
static void close_given(struct box *box)
{
	for (size_t i = 0; i < box->n_fds; i++) {
		if (box->fds[i] >= 0)
			close(box->fds[i]);
		box->fds[i] = -1;
	}
}

static bool start_warm(struct box *box)
{
	struct warm *w = box->warm;

	if (!warm_run(w, box)) {
		box->warm = NULL;
		warm_done(w, true);
		return false;
	}
	box->init_pid = warm_pid(w);
	close_given(box);
	await_setup(box);
	return true;
}

static void try_start(void *ctx)
{
	struct box *box = ctx;
	struct spawner *sp = box->sp;
	struct box_clone c = {
		.fds = box->fds,
		.n_fds = box->n_fds,
		.image_fd = sp->image_fd,
		.flags = jail_clone_flags(&sp->jail),
		.map_ids = sp->jail.way.user_namespace,
		.uid = sp->jail.uid,
		.gid = sp->jail.gid,
	};
	struct error err = ERROR_INIT;
	pid_t pid;

	if (box->warm && start_warm(box))
		return;
	pid = box_clone(&c);
	if (pid < 0) {
		bool again = c.failed_errno == EAGAIN || c.failed_errno == ENOMEM;

		if (again && ++box->tries < START_TRIES &&
		    timer_arm(&sp->timers, &box->retry, clock_now_us() + (START_DELAY_US << box->tries)))
			return;
		box_fail(box, "cannot %s: %s", c.failed_step, strerror(c.failed_errno));
		return;
	}
	box->init_pid = pid;
	close_given(box);
	if (spawner_watch(sp, &box->init, c.pidfd, EPOLLIN, &err) < 0) {
		/* Can't be told of its end: end it here and now. */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		box->init_pid = 0;
		box_fail(box, "%s", err.msg);
		return;
	}
	if (c.failed_step) {
		box_fail(box, "cannot %s: %s", c.failed_step, strerror(c.failed_errno));
		return;
	}
	await_setup(box);
}

static int make_stdin(const struct box_spec *spec, int null_fd, int *ret, struct error *err)
{
	cleanup_fd int mem = -1;
	char path[32];
	size_t at = 0;

	if (!spec->stdin_data || !spec->stdin_len) {
		*ret = fcntl(null_fd, F_DUPFD_CLOEXEC, 0);
		return *ret < 0 ? error_set_errno(err, ERR_IO, "cannot duplicate a descriptor") : 0;
	}
	mem = memfd_create("stdin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (mem < 0)
		return error_set_errno(err, ERR_IO, "cannot make the memfd of a box's input");
	while (at < spec->stdin_len) {
		ssize_t n = write(mem, (const char *)spec->stdin_data + at, spec->stdin_len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, ERR_IO, "cannot write a box's input");
		at += (size_t)n;
	}
	if (lseek(mem, 0, SEEK_SET) < 0 ||
	    fcntl(mem, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return error_set_errno(err, ERR_IO, "cannot seal a box's input");
	/* Read-only where /proc lets us reopen it; sealed in any case. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mem);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	if (*ret < 0)
		*ret = fd_steal(&mem);
	return 0;
}

static int make_status(int ret[2], struct error *err)
{
	int on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return error_set_errno(err, ERR_IO, "cannot make the status socket of a box");
	/* Its messages then carry the sender's process id as we see it. */
	if (setsockopt(ret[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return error_set_errno(err, ERR_IO, "cannot ask for the sender's process id");
	return 0;
}

static int check_spec(const struct spawner *sp, const struct box_spec *spec, struct error *err)
{
	size_t n_argv = 0, n_envp = 0;

	while (spec->argv && spec->argv[n_argv])
		n_argv++;
	while (spec->envp && spec->envp[n_envp])
		n_envp++;
	if (!n_argv || n_argv > JOB_MAX_ARGS || n_envp + 2 > JOB_MAX_ARGS)
		return error_set(err, ERR_INPUT, "a box needs between 1 and %d arguments", JOB_MAX_ARGS);
	if (spec->n_files > JOB_MAX_FILES)
		return error_set(err, ERR_INPUT, "a box takes at most %d files, not %zu", JOB_MAX_FILES, spec->n_files);
	if (!spec->cpu_us || !spec->wall_us || !spec->memory_bytes || !spec->file_bytes)
		return error_set(err, ERR_INPUT, "a box needs limits of CPU time, wall time, memory and files");
	if (spec->phase > BOX_WARM)
		return error_set(err, ERR_INPUT, "a box of an unknown phase");
	if (spec->needs_proc && !sp->jail.own_root && sp->jail.way.tier != TIER_NONE)
		return error_set(err, ERR_KERNEL, "tier '%s' can't show /proc, which this program needs",
				 tier_name(sp->jail.way.tier));
	return 0;
}

static int take_slot(struct spawner *sp, unsigned *ret, struct error *err)
{
	for (unsigned i = 0; i < sizeof(sp->slot_used); i++)
		if (!sp->slot_used[i]) {
			sp->slot_used[i] = 1;
			*ret = i;
			return 0;
		}
	return error_set(err, ERR_BUSY, "%zu boxes run already", sizeof(sp->slot_used));
}

/* Pipes, sockets and the job.  What was made is in box->fds and its watches,
 * for box_finish() or the caller to close. */
static int prepare(struct box *box, const struct box_spec *spec, struct error *err)
{
	struct spawner *sp = box->sp;
	int out[2] = { -1, -1 }, errs[2] = { -1, -1 }, chan[2] = { -1, -1 }, status[2] = { -1, -1 };
	int r;

	box->n_fds = INIT_FD_FILES;
	r = make_stdin(spec, sp->null_fd, &box->fds[0], err);
	if (r < 0)
		return r;
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errs, O_CLOEXEC) < 0 ||
	    (spec->channel && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, chan) < 0))
		r = error_set_errno(err, ERR_IO, "cannot make the pipes of a box");
	if (r == 0)
		r = make_status(status, err);
	box->fds[1] = out[1];
	box->fds[2] = errs[1];
	/* Without a channel the number is held by /dev/null until init closes it for the program. */
	box->fds[INIT_FD_CHANNEL] = spec->channel ? chan[1] : fcntl(sp->null_fd, F_DUPFD_CLOEXEC, 0);
	box->fds[INIT_FD_STATUS] = status[1];
	if (r < 0) {
		int ours[] = { out[0], errs[0], chan[0], status[0] };

		for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
			if (ours[i] >= 0)
				close(ours[i]);
		return r;
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(errs[0], F_SETFL, O_NONBLOCK);
	r = box_watch_io(box, out[0], errs[0], chan[0], err);
	if (r < 0) {
		close(status[0]);
		return r;
	}
	r = spawner_watch(sp, &box->status, status[0], EPOLLIN, err);
	if (r < 0)
		return r;
	r = jail_make_home(&sp->jail, box->slot, &box->home, err);
	if (r < 0)
		return r;
	if (box_hears(sp, spec))
		r = jail_build_listener(&sp->jail, err);
	if (r == 0)
		r = box_job_write(sp, spec, box->slot, box->home, err);
	if (r < 0)
		return r;
	box->fds[INIT_FD_JOB] = r;
	for (size_t i = 0; i < spec->n_files; i++) {
		if (spec->files[i].data || spec->files[i].fd < 0)
			continue;
		box->fds[box->n_fds] = fcntl(spec->files[i].fd, F_DUPFD_CLOEXEC, 0);
		if (box->fds[box->n_fds++] < 0)
			return error_set_errno(err, ERR_IO, "cannot duplicate the descriptor of file '%s'",
					       spec->files[i].name);
	}
	return 0;
}

int box_start(struct spawner *sp, const struct box_spec *spec, const struct box_events *events, void *ctx,
	      struct box **ret, struct error *err)
{
	struct box *box;
	unsigned slot = 0;
	int r = check_spec(sp, spec, err);

	if (r == 0)
		r = take_slot(sp, &slot, err);
	if (r < 0)
		return r;
	box = mem_zalloc(sizeof(*box));
	if (!box) {
		sp->slot_used[slot] = 0;
		return error_set(err, ERR_NOMEM, "no memory for a box");
	}
	box->sp = sp;
	box->slot = slot;
	box->phase = spec->phase;
	box->cpu_limit_us = spec->cpu_us;
	box->wall_limit_us = spec->wall_us;
	box->memory_limit_bytes = spec->memory_bytes;
	box->output_limit_bytes = spec->output_bytes;
	box->file_limit_bytes = spec->file_bytes;
	box->processes = spec->processes;
	box->wall_counts_questions = spec->wall_counts_questions;
	box->output_ends = spec->output_ends;
	box->program_pidfd = -1;
	box->result.collected_fd = -1;
	box->result.exit_code = -1;
	box->retry.fire = try_start;
	box->retry.ctx = box;
	box->init = (struct watch){ -1, init_dead, box };
	box->status = (struct watch){ -1, status_ready, box };
	box->out.watch.fd = box->err.watch.fd = box->channel.fd = box->listener.fd = -1;
	box->out.keep = spec->stdout_keep;
	box->err.keep = spec->stderr_keep;
	buf_init(&box->out.kept, spec->stdout_keep + 1);
	buf_init(&box->err.kept, spec->stderr_keep + 1);
	for (size_t i = 0; i < BOX_CLONE_MAX_FDS; i++)
		box->fds[i] = -1;
	box->link = &sp->boxes;
	box->next = sp->boxes;
	if (box->next)
		box->next->link = &box->next;
	sp->boxes = box;
	sp->n_boxes++;
	r = prepare(box, spec, err);
	if (r < 0) { /* bury it in silence */
		box_finish(box);
		return r;
	}
	if (spec->warm && spec->phase == BOX_RUN && !spec->collect && !spec->needs_proc && !spec->name_refused)
		box->warm = warm_take(sp, spec->warm, box);
	*ret = box;
	/* From the loop, so that ended() never comes before box_start() has returned. */
	box->events = events;
	box->ctx = ctx;
	if (!timer_arm(&sp->timers, &box->retry, 0)) {
		box->events = NULL;
		box_finish(box);
		return error_set(err, ERR_NOMEM, "no memory for a box");
	}
	return 0;
}

void boxes_kill_all(struct spawner *sp)
{
	for (struct box *box = sp->boxes; box; box = box->next)
		if (box->phase != BOX_WARM) /* whose end ends the run that it serves */
			box->events = NULL;
	for (struct box *box = sp->boxes, *next; box; box = next) {
		next = box->next;
		box_kill(box);
	}
}
