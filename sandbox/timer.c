/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - a binary heap of deadlines. */
#include "sandbox/timer.h"

#include "core/mem.h"

static void put(struct timers *ts, struct timer *t, size_t at)
{
	ts->heap[at] = t;
	t->place = at;
}

static void sift_up(struct timers *ts, struct timer *t, size_t at)
{
	for (; at > 1 && ts->heap[at / 2]->when_us > t->when_us; at /= 2)
		put(ts, ts->heap[at / 2], at);
	put(ts, t, at);
}

static void sift_down(struct timers *ts, struct timer *t, size_t at)
{
	for (;;) {
		size_t child = at * 2;

		if (child > ts->n)
			break;
		if (child < ts->n && ts->heap[child + 1]->when_us < ts->heap[child]->when_us)
			child++;
		if (ts->heap[child]->when_us >= t->when_us)
			break;
		put(ts, ts->heap[child], at);
		at = child;
	}
	put(ts, t, at);
}

bool timer_arm(struct timers *ts, struct timer *t, uint64_t when_us)
{
	timer_disarm(ts, t);
	if (!mem_grow(&ts->heap, &ts->cap, ts->n + 2, sizeof(struct timer *)))
		return false;
	t->when_us = when_us;
	ts->n++;
	sift_up(ts, t, ts->n);
	return true;
}

void timer_disarm(struct timers *ts, struct timer *t)
{
	size_t at = t->place;
	struct timer *last;

	if (!at)
		return;
	t->place = 0;
	last = ts->heap[ts->n--];
	if (last == t)
		return;
	if (at > 1 && ts->heap[at / 2]->when_us > last->when_us)
		sift_up(ts, last, at);
	else
		sift_down(ts, last, at);
}

uint64_t timers_next_us(const struct timers *ts)
{
	return ts->n ? ts->heap[1]->when_us : UINT64_MAX;
}

void timers_fire(struct timers *ts, uint64_t now_us)
{
	while (ts->n && ts->heap[1]->when_us <= now_us) {
		struct timer *t = ts->heap[1];

		timer_disarm(ts, t);
		t->fire(t->ctx);
	}
}

void timers_clear(struct timers *ts)
{
	mem_free(ts->heap);
	*ts = (struct timers){ 0 };
}
