/* SPDX-License-Identifier: Apache-2.0 */
/* test_retry.c - Retry-After in all its forms, pauses, which answers are worth another try. */
#include "policy/retry.h"

#include "tests/unit/policy/policy_bench.h"

/* Sun, 06 Nov 1994 08:49:37 GMT */
#define NOV_1994 INT64_C(784111777)

static struct after_case {
	const char *name, *value;
	int64_t now_s;
	bool ok;
	uint64_t want_us;
} after_cases[] = {
	{ "seconds", "120", 0, true, 120000000 },
	{ "zero", "0", 0, true, 0 },
	{ "a fraction", "1.25", 0, true, 1250000 },
	{ "white space around", " 7 ", 0, true, 7000000 },
	{ "more than a day is a day", "9999999999999999999999", 0, true, UINT64_C(86400000000) },
	{ "IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", NOV_1994 - 90, true, 90000000 },
	{ "RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", NOV_1994 - 1, true, 1000000 },
	{ "asctime", "Sun Nov  6 08:49:37 1994", NOV_1994 - 3600, true, UINT64_C(3600000000) },
	{ "RFC 850 in this century", "Friday, 13-Nov-26 00:00:00 GMT", INT64_C(1794528000) - 5, true, 5000000 },
	{ "a date that is past", "Sun, 06 Nov 1994 08:49:37 GMT", NOV_1994 + 5, true, 0 },
	{ "a date far away is a day", "Sun, 06 Nov 1994 08:49:37 GMT", 0, true, UINT64_C(86400000000) },
	{ "nothing", "", 0, false, 0 },
	{ "words", "soon", 0, false, 0 },
	{ "negative", "-1", 0, false, 0 },
	{ "seconds and more", "5 minutes", 0, false, 0 },
	{ "no such month", "Sun, 06 Nox 1994 08:49:37 GMT", 0, false, 0 },
	{ "no such hour", "Sun, 06 Nov 1994 25:49:37 GMT", 0, false, 0 },
	{ "another zone", "Sun, 06 Nov 1994 08:49:37 CET", 0, false, 0 },
	{ "text after the date", "Sun, 06 Nov 1994 08:49:37 GMT x", 0, false, 0 },
	{ "a date cut short", "Sun, 06 Nov", 0, false, 0 },
};

static void parses_after(void **state)
{
	const struct after_case *row = *state;
	uint64_t us = 77;

	assert_int_equal(retry_after_parse(row->value, row->now_s * 1000000, &us), row->ok);
	assert_int_equal(us, row->ok ? row->want_us : 77);
}

static void backoff__doubles_and_is_capped_and_jittered(void **state)
{
	struct rng rng, again;
	bool differs = false;

	(void)state;
	rng_seed(&rng, 1, "t");
	rng_seed(&again, 1, "t");
	for (unsigned attempt = 1; attempt < 70; attempt++) {
		uint64_t full = attempt > 6 ? 6000 : UINT64_C(100) << (attempt - 1);
		uint64_t pause;

		if (full > 6000)
			full = 6000;
		pause = retry_backoff_us(&rng, attempt, 100, 6000);
		assert_true(pause >= full / 2 && pause <= full);
		assert_int_equal(pause, retry_backoff_us(&again, attempt, 100, 6000)); /* by the seed alone */
		differs = differs || pause != full;
	}
	assert_true(differs);
	assert_true(retry_backoff_us(&rng, 70, UINT64_MAX / 3, UINT64_MAX) >= UINT64_MAX / 2);
	assert_int_equal(retry_backoff_us(&rng, 3, 0, 0), 0);
}

static void status__which_are_worth_another_try(void **state)
{
	static const long yes[] = { 408, 409, 425, 429, 500, 502, 503, 504, 529, 599 };
	static const long no[] = { 200, 301, 302, 400, 401, 403, 404, 405, 413, 422, 600 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(retry_http_status(yes[i]));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(retry_http_status(no[i]));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(after_cases) + 2] = {
		cmocka_unit_test(backoff__doubles_and_is_capped_and_jittered),
		cmocka_unit_test(status__which_are_worth_another_try),
	};

	for (size_t i = 0; i < ARRAY_SIZE(after_cases); i++)
		tests[2 + i] = (struct CMUnitTest){ .name = after_cases[i].name, .test_func = parses_after,
						    .initial_state = &after_cases[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
