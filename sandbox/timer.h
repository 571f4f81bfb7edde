/* SPDX-License-Identifier: Apache-2.0 */
/* timer.h - the spawner's deadlines: a binary heap, so that waiting needs no ticks. */
#ifndef WINNOW_SANDBOX_TIMER_H
#define WINNOW_SANDBOX_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
	uint64_t when_us; /* monotonic */
	size_t place;     /* in the heap, from 1; 0: not armed */
	void (*fire)(void *ctx);
	void *ctx;
};
struct timers {
	struct timer **heap; /* heap[0] is not used */
	size_t n, cap;
};

/* Arm, or move.  Returns false when there is no memory. */
bool timer_arm(struct timers *ts, struct timer *t, uint64_t when_us);
void timer_disarm(struct timers *ts, struct timer *t);
/* When the first is due; UINT64_MAX: none. */
uint64_t timers_next_us(const struct timers *ts);
/* Fire, once each, what is due by now. */
void timers_fire(struct timers *ts, uint64_t now_us);
void timers_clear(struct timers *ts);

#endif
