/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the one event loop of the main process: polls, timers, signals.
 * The only user of libuv (uv_spawn is never used: it would reap our children).
 */
#ifndef WINNOW_CORE_LOOP_H
#define WINNOW_CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include "core/error.h"

#define LOOP_READ 1
#define LOOP_WRITE 2

struct loop;
struct loop_poll;
struct loop_timer;
struct loop_signal;

int loop_new(struct loop **ret, struct error *err);
void loop_free(struct loop *l);               /* closes what is left open on it */
int loop_run(struct loop *l, struct error *err); /* until loop_stop() or nothing is left to wait for */
void loop_stop(struct loop *l);

/* Watch fd (not owned).  events is LOOP_READ | LOOP_WRITE; 0 pauses. */
int loop_poll_new(struct loop *l, int fd, void (*cb)(void *ctx, int events), void *ctx,
		  struct loop_poll **ret, struct error *err);
int loop_poll_set(struct loop_poll *p, int events, struct error *err);
void loop_poll_free(struct loop_poll *p);

/* A timer that calls back once after delay_us (and every repeat_us where > 0). */
int loop_timer_new(struct loop *l, void (*cb)(void *ctx), void *ctx, struct loop_timer **ret, struct error *err);
int loop_timer_start(struct loop_timer *t, uint64_t delay_us, uint64_t repeat_us, struct error *err);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

int loop_signal_new(struct loop *l, int signum, void (*cb)(void *ctx, int signum), void *ctx,
		    struct loop_signal **ret, struct error *err);
void loop_signal_free(struct loop_signal *s);

#endif
