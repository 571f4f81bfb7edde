/* SPDX-License-Identifier: Apache-2.0 */
/* test_timer.c - the heap of deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "core/mem.h"
#include "core/rng.h"
#include "sandbox/timer.h"

#define N 500
static uint64_t order[N];
static size_t fired;
static struct timer ts[N];
static struct timers heap;

static void note(void *ctx)
{
	const struct timer *t = ctx;

	order[fired++] = t->when_us;
}

static void timers__fire_in_order_of_time(void **state)
{
	struct rng r;

	(void)state;
	rng_seed(&r, 1, "timer");
	fired = 0;
	for (size_t i = 0; i < N; i++) {
		ts[i] = (struct timer){ .fire = note, .ctx = &ts[i] };
		assert_true(timer_arm(&heap, &ts[i], rng_below(&r, 1000)));
	}
	for (size_t i = 0; i < N; i += 3) /* move some */
		assert_true(timer_arm(&heap, &ts[i], rng_below(&r, 1000)));
	for (size_t i = 1; i < N; i += 5) /* and drop some */
		timer_disarm(&heap, &ts[i]);
	timers_fire(&heap, 499);
	for (size_t i = 0; i < N; i++)
		if (ts[i].place)
			assert_true(ts[i].when_us > 499);
	timers_fire(&heap, 2000);
	assert_int_equal(fired, N - N / 5);
	for (size_t i = 1; i < fired; i++)
		assert_true(order[i - 1] <= order[i]);
	assert_true(timers_next_us(&heap) == UINT64_MAX);
	timers_clear(&heap);
}

static void again(void *ctx)
{
	struct timer *t = ctx;

	if (++fired < 3)
		timer_arm(&heap, t, t->when_us + 10);
}

static void timers__may_be_armed_while_they_fire(void **state)
{
	struct timer t = { .fire = again, .ctx = &t };

	(void)state;
	fired = 0;
	timer_arm(&heap, &t, 10);
	timers_fire(&heap, 15);
	assert_int_equal(fired, 1);
	timers_fire(&heap, 100);
	assert_int_equal(fired, 3);
	timers_clear(&heap);
}

static void timers__survive_a_lack_of_memory(void **state)
{
	struct timer t = { .fire = note, .ctx = &t };

	(void)state;
	mem_fault_at(1);
	assert_false(timer_arm(&heap, &t, 1));
	mem_fault_at(0);
	assert_int_equal(t.place, 0);
	timers_clear(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers__fire_in_order_of_time),
		cmocka_unit_test(timers__may_be_armed_while_they_fire),
		cmocka_unit_test(timers__survive_a_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
