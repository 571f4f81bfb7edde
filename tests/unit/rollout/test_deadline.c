/* SPDX-License-Identifier: Apache-2.0 */
/* test_deadline.c - times of day and durations, with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/mem.h"
#include "rollout/deadline.h"

#define HOUR (INT64_C(3600) * 1000000)

static int64_t fake_wall;
static uint64_t fake_now;

static uint64_t now_us(void)
{
	return fake_now;
}

static int64_t wall_us(void)
{
	return fake_wall;
}

static int setup(void **state)
{
	(void)state;
	fake_now = 1000;
	/* 2026-11-23 08:30:00 UTC */
	fake_wall = INT64_C(1795422600) * 1000000;
	clock_set_fake(now_us, wall_us);
	(void) setenv("TZ", "UTC0", 1);
	tzset();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	clock_set_fake(NULL, NULL);
	(void) unsetenv("TZ");
	tzset();
	return 0;
}

static void duration__counts_from_now(void **state)
{
	struct error err = ERROR_INIT;
	struct deadline d;

	(void)state;
	assert_int_equal(deadline_parse("8h", &d, &err), 0);
	assert_true(deadline_left_us(&d) == 8 * HOUR);
	fake_wall += 100 * HOUR; /* a clock that is set does not matter */
	assert_true(deadline_left_us(&d) == 8 * HOUR);
	fake_now += 8 * HOUR - 1;
	assert_true(deadline_left_us(&d) == 1);
	fake_now += 5;
	assert_true(deadline_left_us(&d) == 0);
}

static void time_of_day__is_the_next_one(void **state)
{
	struct error err = ERROR_INIT;
	struct deadline d;

	(void)state;
	assert_int_equal(deadline_parse("09:30", &d, &err), 0);
	assert_true(deadline_left_us(&d) == HOUR);
	assert_int_equal(deadline_parse("06:00", &d, &err), 0);
	assert_true(deadline_left_us(&d) == 21 * HOUR + HOUR / 2);
	assert_int_equal(deadline_parse("08:30", &d, &err), 0); /* this very minute has begun: tomorrow */
	assert_true(deadline_left_us(&d) == 24 * HOUR);
	fake_wall += 24 * HOUR;
	assert_true(deadline_left_us(&d) == 0);
}

static void time_of_day__knows_short_days(void **state)
{
	struct error err = ERROR_INIT;
	struct deadline d;

	(void)state;
	(void) setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	fake_wall = INT64_C(1774735200) * 1000000; /* 2026-03-28 23:00 CET; the next night has 23 hours */
	assert_int_equal(deadline_parse("06:00", &d, &err), 0);
	assert_true(deadline_left_us(&d) == 6 * HOUR);
}

static void none__never_comes(void **state)
{
	struct error err = ERROR_INIT;
	struct deadline d;

	(void)state;
	assert_int_equal(deadline_parse(NULL, &d, &err), 0);
	assert_true(deadline_left_us(&d) == UINT64_MAX);
}

static void nonsense__names_the_option(void **state)
{
	static const char *const bad[] = { "", "25:00", "6:00", "06:60", "06:00:00", "noon", "8x", "-1h", ":", "ab:cd" };
	struct deadline d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(deadline_parse(bad[i], &d, &err), ERR_INPUT);
		assert_non_null(strstr(err.msg, "--deadline"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(duration__counts_from_now, setup, teardown),
		cmocka_unit_test_setup_teardown(time_of_day__is_the_next_one, setup, teardown),
		cmocka_unit_test_setup_teardown(time_of_day__knows_short_days, setup, teardown),
		cmocka_unit_test_setup_teardown(none__never_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense__names_the_option, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
