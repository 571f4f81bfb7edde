/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - libuv behind loop.h.
 *
 * Each of our objects embeds its uv handle.  A freed object is closed at once
 * (no callback comes any more) and its memory released when libuv says so.
 */
#include "core/loop.h"

#include <uv.h>

#include "core/mem.h"

struct loop {
	uv_loop_t uv;
	bool stopping;
};

/* The uv handle comes first in each of the three, so its address is the object's. */
struct loop_poll {
	uv_poll_t uv;
	void (*cb)(void *ctx, int events);
	void *ctx;
	int events;
};

struct loop_timer {
	uv_timer_t uv;
	void (*cb)(void *ctx);
	void *ctx;
};

struct loop_signal {
	uv_signal_t uv;
	void (*cb)(void *ctx, int signum);
	void *ctx;
};

static int uv_error(struct error *err, int e, const char *what)
{
	int code = e == UV_ENOMEM ? ERR_NOMEM : ERR_IO;

	error_set(err, code, "%s: %s", what, uv_strerror(e));
	if (err)
		err->sys_errno = -e;
	return code;
}

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for the event loop");
}

static void free_closed(uv_handle_t *h)
{
	mem_free(h);
}

static void close_handle(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, free_closed);
}

static void close_each(uv_handle_t *h, void *ctx)
{
	(void)ctx;
	close_handle(h);
}

int loop_new(struct loop **ret, struct error *err)
{
	struct loop *l = mem_zalloc(sizeof(*l));
	int e;

	if (!l)
		return no_memory(err);
	e = uv_loop_init(&l->uv);
	if (e < 0) {
		mem_free(l);
		return uv_error(err, e, "cannot make an event loop");
	}
	*ret = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	uv_walk(&l->uv, close_each, NULL);
	/* Runs the closing callbacks; nothing else is left that could call back. */
	while (uv_run(&l->uv, UV_RUN_NOWAIT) > 0)
		;
	(void) uv_loop_close(&l->uv);
	mem_free(l);
}

int loop_run(struct loop *l, struct error *err)
{
	int e = 0;

	/* A stop from before the start (or from the last callback) counts. */
	if (!l->stopping)
		e = uv_run(&l->uv, UV_RUN_DEFAULT);
	l->stopping = false;
	return e < 0 ? uv_error(err, e, "the event loop failed") : 0;
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
	uv_stop(&l->uv);
}

/* --- polls --- */

static void on_poll(uv_poll_t *uv, int status, int events)
{
	struct loop_poll *p = (struct loop_poll *)uv;
	int ready = 0;

	if (events & (UV_READABLE | UV_DISCONNECT))
		ready |= LOOP_READ;
	if (events & UV_WRITABLE)
		ready |= LOOP_WRITE;
	/* An error shows itself to whoever reads or writes next. */
	if (status < 0)
		ready = p->events;
	p->cb(p->ctx, ready & p->events);
}

int loop_poll_new(struct loop *l, int fd, void (*cb)(void *ctx, int events), void *ctx,
		  struct loop_poll **ret, struct error *err)
{
	struct loop_poll *p = mem_zalloc(sizeof(*p));
	int e;

	if (!p)
		return no_memory(err);
	e = uv_poll_init(&l->uv, &p->uv, fd);
	if (e < 0) {
		mem_free(p);
		return uv_error(err, e, "cannot watch a descriptor");
	}
	p->cb = cb;
	p->ctx = ctx;
	*ret = p;
	return 0;
}

int loop_poll_set(struct loop_poll *p, int events, struct error *err)
{
	int want = (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0);
	int e;

	if (events == p->events)
		return 0;
	e = want ? uv_poll_start(&p->uv, want, on_poll) : uv_poll_stop(&p->uv);
	if (e < 0)
		return uv_error(err, e, "cannot watch a descriptor");
	p->events = events;
	return 0;
}

void loop_poll_free(struct loop_poll *p)
{
	if (p)
		close_handle((uv_handle_t *)&p->uv);
}

/* --- timers --- */

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *t = (struct loop_timer *)uv;

	t->cb(t->ctx);
}

int loop_timer_new(struct loop *l, void (*cb)(void *ctx), void *ctx, struct loop_timer **ret,
		   struct error *err)
{
	struct loop_timer *t = mem_zalloc(sizeof(*t));

	if (!t)
		return no_memory(err);
	(void) uv_timer_init(&l->uv, &t->uv); /* cannot fail */
	t->cb = cb;
	t->ctx = ctx;
	*ret = t;
	return 0;
}

/* libuv counts milliseconds: round up, so that a timer is never early. */
static uint64_t to_ms(uint64_t us)
{
	return us / 1000 + (us % 1000 != 0);
}

int loop_timer_start(struct loop_timer *t, uint64_t delay_us, uint64_t repeat_us, struct error *err)
{
	int e;

	/* The loop's clock stands still within a callback. */
	uv_update_time(t->uv.loop);
	e = uv_timer_start(&t->uv, on_timer, to_ms(delay_us), to_ms(repeat_us));
	return e < 0 ? uv_error(err, e, "cannot start a timer") : 0;
}

void loop_timer_stop(struct loop_timer *t)
{
	(void) uv_timer_stop(&t->uv);
}

void loop_timer_free(struct loop_timer *t)
{
	if (t)
		close_handle((uv_handle_t *)&t->uv);
}

/* --- signals --- */

static void on_signal(uv_signal_t *uv, int signum)
{
	struct loop_signal *s = (struct loop_signal *)uv;

	s->cb(s->ctx, signum);
}

int loop_signal_new(struct loop *l, int signum, void (*cb)(void *ctx, int signum), void *ctx,
		    struct loop_signal **ret, struct error *err)
{
	struct loop_signal *s = mem_zalloc(sizeof(*s));
	int e;

	if (!s)
		return no_memory(err);
	e = uv_signal_init(&l->uv, &s->uv);
	if (e < 0) {
		mem_free(s);
		return uv_error(err, e, "cannot watch a signal");
	}
	s->cb = cb;
	s->ctx = ctx;
	e = uv_signal_start(&s->uv, on_signal, signum);
	if (e < 0) {
		close_handle((uv_handle_t *)&s->uv);
		return uv_error(err, e, "cannot watch a signal");
	}
	*ret = s;
	return 0;
}

void loop_signal_free(struct loop_signal *s)
{
	if (s)
		close_handle((uv_handle_t *)&s->uv);
}
