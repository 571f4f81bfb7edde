/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawner.c - the process that owns every box, deadline and pipe.
 *
 *   main ──link──▶ spawner ──clone──▶ winnow-init ──vfork──▶ program
 *     │              │  ▲ │                 │                  │ │ │
 *     │              │  │ └── status socket ┘   stdout, stderr,│ │ │
 *     │              │  └─────────────────────── channel ──────┴─┴─┘
 *     └──peer socket─┴─fork─▶ helper ──fork──▶ peers (peer.c)
 *
 * One epoll loop, one heap of deadlines, no threads, no ticks.  It is forked
 * from main before anything large is loaded, enters its jail (jail.c), proves
 * the tier by running a program in a whole box, tells main, starts the service
 * and serves until main hangs up; then it kills every box and ends.  Signals
 * meant for main (terminal, scheduler) are ignored here: main decides.  Should
 * main be killed, the hang-up of the link ends the spawner as well (and, if that
 * takes too long, an alarm set by the parent death signal); should the spawner be
 * killed, so is every init, by their parent death signal or by the hang-up of
 * their status sockets, and with it its box.
 */
#include "sandbox/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/pack.h"

#define EVENTS_AT_ONCE 64
#define PROBE_US UINT64_C(10000000)
#define STALL_US 5000    /* a round this long is time in which boxes could not be served */
#define LEAVE_US 3000000 /* main waits no longer for our end */

struct spawner_timer {
	struct timer timer;
	struct spawner *sp;
	void (*cb)(void *ctx);
	void *ctx;
};

int spawner_watch(struct spawner *sp, struct watch *w, int fd, uint32_t events, struct error *err)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	w->fd = fd;
	if (epoll_ctl(sp->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		return error_set_errno(err, ERR_IO, "cannot watch a descriptor");
	return 0;
}

void spawner_rewatch(struct spawner *sp, struct watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	epoll_ctl(sp->epoll_fd, EPOLL_CTL_MOD, w->fd, &e);
}

void spawner_unwatch(struct spawner *sp, struct watch *w)
{
	if (w->fd < 0)
		return;
	epoll_ctl(sp->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	close(w->fd);
	w->fd = -1;
}

static int wait_events(struct spawner *sp, struct epoll_event *events, uint64_t wait_us)
{
	struct timespec t = { (time_t)(wait_us / 1000000), (long)(wait_us % 1000000) * 1000 };
	static bool no_pwait2;
	int n = -1;

	if (!no_pwait2) {
		n = epoll_pwait2(sp->epoll_fd, events, EVENTS_AT_ONCE, wait_us == UINT64_MAX ? NULL : &t, NULL);
		if (n >= 0 || errno != ENOSYS)
			return n;
		no_pwait2 = true;
	}
	if (wait_us > 86400000000)
		wait_us = 86400000000;
	return epoll_wait(sp->epoll_fd, events, EVENTS_AT_ONCE, (int)((wait_us + 999) / 1000));
}

int spawner_round(struct spawner *sp, uint64_t until_us, struct error *err)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	uint64_t now, due, began, served;
	int n;

	/* A reply queued while the socket was writable needs no event to go. */
	if (link_wants_write(&sp->link))
		link_flush(&sp->link, NULL);
	if (sp->link_watch.fd >= 0) {
		uint32_t want = EPOLLIN | (link_wants_write(&sp->link) ? EPOLLOUT : 0);

		if (want != sp->link_events)
			spawner_rewatch(sp, &sp->link_watch, want);
		sp->link_events = want;
	}
	now = clock_now_us();
	due = timers_next_us(&sp->timers);
	if (due > until_us)
		due = until_us;
	n = wait_events(sp, events, due == UINT64_MAX ? UINT64_MAX : due > now ? due - now : 0);
	if (n < 0 && errno != EINTR)
		return error_set_errno(err, ERR_IO, "cannot wait for events");
	began = clock_now_us();
	for (int i = 0; i < n; i++) {
		struct watch *w = events[i].data.ptr;

		/* Closed by an earlier event of this round; boxes are freed after it. */
		if (w->fd >= 0)
			w->ready(w, events[i].events);
	}
	timers_fire(&sp->timers, clock_now_us());
	boxes_free_dead(sp);
	served = clock_now_us() - began;
	if (served >= STALL_US)
		sp->stalled_us += served;
	return 0;
}

/* --- for the service --- */

int spawner_reply(struct spawner *sp, uint64_t id, const void *msg, size_t n)
{
	return link_send(&sp->link, LINK_REPLY, id, msg, n, NULL);
}

const struct sandbox_info *spawner_info(const struct spawner *sp)
{
	return &sp->info;
}

unsigned spawner_slots(const struct spawner *sp)
{
	return sp->info.slots;
}

static void timer_due(void *ctx)
{
	struct spawner_timer *t = ctx;
	void (*cb)(void *) = t->cb;
	void *cb_ctx = t->ctx;

	mem_free(t);
	cb(cb_ctx);
}

struct spawner_timer *spawner_timer_start(struct spawner *sp, uint64_t delay_us, void (*cb)(void *ctx), void *ctx)
{
	struct spawner_timer *t = mem_zalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->sp = sp;
	t->cb = cb;
	t->ctx = ctx;
	t->timer.fire = timer_due;
	t->timer.ctx = t;
	if (!timer_arm(&sp->timers, &t->timer, clock_now_us() + delay_us)) {
		mem_free(t);
		return NULL;
	}
	return t;
}

void spawner_timer_cancel(struct spawner_timer *t)
{
	if (!t)
		return;
	timer_disarm(&t->sp->timers, &t->timer);
	mem_free(t);
}

/* --- main's messages --- */

static void link_ready(struct watch *w, uint32_t events)
{
	struct spawner *sp = w->owner;
	enum link_kind kind;
	uint64_t id;
	const uint8_t *p;
	size_t n;

	if (events & EPOLLOUT)
		link_flush(&sp->link, NULL);
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if (link_fill(&sp->link, NULL) < 0)
		sp->leaving = true;
	while (!sp->leaving && link_next(&sp->link, &kind, &id, &p, &n)) {
		if (!sp->service)
			continue;
		if (kind == LINK_REQUEST)
			sp->service->request(sp->service_state, id, p, n);
		else if (kind == LINK_CANCEL && sp->service->cancel)
			sp->service->cancel(sp->service_state, id);
	}
}

/* --- the proof of a tier --- */

struct probe {
	bool over;
	enum box_end end;
	int exit_code, signal;
	char failure[200];
};

static void probe_ended(void *ctx, struct box *box, const struct box_result *r)
{
	struct probe *p = ctx;

	(void)box;
	p->over = true;
	p->end = r->end;
	p->exit_code = r->exit_code;
	p->signal = r->signal;
	memcpy(p->failure, r->failure, sizeof(p->failure));
}

/* Build a whole box and run a program (our own init) in it. */
static int prove(struct spawner *sp, struct error *err)
{
	static const char *const argv[] = { "./probe", INIT_PROBE_ARGUMENT, NULL };
	static const struct box_events events = { .ended = probe_ended };
	const struct box_file file = { .name = "probe", .fd = sp->image_fd, .executable = true };
	const struct box_spec spec = {
		.phase = BOX_RUN,
		.argv = argv,
		.files = &file,
		.n_files = 1,
		.cpu_us = 5000000,
		.wall_us = PROBE_US,
		.memory_bytes = UINT64_C(64) << 20,
		.output_bytes = 4096,
		.file_bytes = 4 << 20,
		.processes = 4,
	};
	struct probe p = { 0 };
	uint64_t deadline = clock_now_us() + 2 * PROBE_US;
	struct box *box;
	int r = box_start(sp, &spec, &events, &p, &box, err);

	while (r == 0 && !p.over && clock_now_us() < deadline)
		r = spawner_round(sp, deadline, err);
	if (r < 0)
		return r;
	if (!p.over)
		return error_set(err, ERR_KERNEL, "the probe of the box never ended");
	if (p.failure[0])
		return error_set(err, ERR_KERNEL, "%s", p.failure);
	if (p.end != BOX_EXITED || p.exit_code != INIT_PROBE_EXIT)
		return error_set(err, ERR_KERNEL, "the probe of the box ended wrongly (end %d, exit %d, signal %d)",
				 (int)p.end, p.exit_code, p.signal);
	return 0;
}

/* --- life --- */

static unsigned usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	return 1;
}

/* Executable where the kernel tells memfds apart, else as they always were. */
static int make_image(struct error *err)
{
	size_t n = (size_t)(winnow_init_image_end - winnow_init_image), at = 0;
	int fd = memfd_create("winnow-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x10u /* MFD_EXEC */);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("winnow-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_set_errno(err, ERR_KERNEL, "cannot make the memfd of winnow-init");
	while (at < n) {
		ssize_t w = write(fd, winnow_init_image + at, n - at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0) {
			close(fd);
			return error_set_errno(err, ERR_IO, "cannot write winnow-init");
		}
		at += (size_t)w;
	}
	fchmod(fd, 0500);
	fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return fd;
}

/* The hang-up of the link makes us leave in good order.  Should that hang, the
 * alarm ends us, and our death every box. */
static void main_died(int sig)
{
	(void)sig;
	signal(SIGALRM, SIG_DFL);
	alarm(2 * LEAVE_US / 1000000);
}

static void take_signals(pid_t parent)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGALRM };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGUSR2, main_died);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0);
	if (getppid() != parent)
		_exit(1);
}

static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int set_up(struct spawner *sp, const struct spawner_start *s, struct error *err)
{
	int r;

	*sp = (struct spawner){ .epoll_fd = -1, .null_fd = -1, .image_fd = -1, .info = *s->so_far };
	link_init(&sp->link, s->link_fd);
	sp->cpus = usable_cpus();
	sp->info.slots = s->options->slots ? s->options->slots : sp->cpus;
	sp->info.tier = s->way->tier;
	sp->info.user_namespace = s->way->user_namespace;
	sp->link_watch = (struct watch){ -1, link_ready, sp };
	r = peer_start_helper(s->peer_fd, err);
	if (r < 0)
		return r;
	raise_descriptors();
	sp->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sp->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (sp->epoll_fd < 0 || sp->null_fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open what the spawner needs");
	sp->image_fd = r = make_image(err);
	if (r < 0)
		return r;
	r = jail_enter(&sp->jail, s->way, s->options->scratch_dir, err);
	if (r < 0)
		return r;
	sp->info.landlock_abi = sp->jail.landlock_abi;
	sp->info.seccomp = sp->jail.seccomp;
	return prove(sp, err);
}

static void tell_and_end(struct spawner *sp, enum link_kind kind, const void *p, size_t n) __attribute__((noreturn));
static void tell_and_end(struct spawner *sp, enum link_kind kind, const void *p, size_t n)
{
	fcntl(sp->link.fd, F_SETFL, 0);
	link_send(&sp->link, kind, 0, p, n, NULL);
	link_flush(&sp->link, NULL);
	jail_clear(&sp->jail);
	_exit(1);
}

static int start_service(struct spawner *sp, const struct sandbox_options *o, struct error *err)
{
	int r = 0;

	sp->service = o->service;
	if (sp->service && sp->service->start)
		r = sp->service->start(sp, o->service_arg, &sp->service_state, err);
	sp->service_started = r == 0;
	return r;
}

static void leave(struct spawner *sp) __attribute__((noreturn));
static void leave(struct spawner *sp)
{
	uint64_t deadline = clock_now_us() + LEAVE_US;

	if (sp->service && sp->service->stop && sp->service_started)
		sp->service->stop(sp->service_state);
	spawner_unwatch(sp, &sp->link_watch);
	boxes_kill_all(sp);
	while (sp->n_boxes && clock_now_us() < deadline)
		if (spawner_round(sp, deadline, NULL) < 0)
			break;
	jail_clear(&sp->jail);
	_exit(sp->n_boxes ? 1 : 0);
}

void spawner_main(const struct spawner_start *s)
{
	struct spawner *sp = mem_zalloc(sizeof(*sp));
	struct error err = ERROR_INIT;
	cleanup_buf struct buf ready;

	if (!sp)
		_exit(1);
	take_signals(s->parent);
	/* What main prints is not ours, and what it reads neither. */
	if (set_up(sp, s, &err) < 0)
		tell_and_end(sp, LINK_REFUSED, err.msg, strlen(err.msg));
	if (start_service(sp, s->options, &err) < 0) {
		buf_init(&ready, 4096);
		pack_u32(&ready, (uint32_t)err.code);
		pack_str(&ready, err.msg);
		tell_and_end(sp, LINK_BROKEN, ready.data, ready.len);
	}
	buf_init(&ready, 65536);
	pack_bytes(&ready, &sp->info, sizeof(sp->info));
	pack_str(&ready, sp->jail.scratch);
	link_send(&sp->link, LINK_READY, 0, ready.data, ready.len, NULL);
	buf_clear(&ready);
	if (spawner_watch(sp, &sp->link_watch, sp->link.fd, EPOLLIN, &err) < 0)
		_exit(1);
	sp->link_events = EPOLLIN;
	while (!sp->leaving)
		if (spawner_round(sp, UINT64_MAX, &err) < 0)
			break;
	leave(sp);
}
