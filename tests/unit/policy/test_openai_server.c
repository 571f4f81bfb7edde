/* SPDX-License-Identifier: Apache-2.0 */
/* test_openai_server.c - breaker, how many choices to ask, keys and blotting, seeds; without a server. */
#include "policy/openai_server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "policy/openai_request.h"
#include "tests/unit/policy/policy_bench.h"

static const struct server_limits limits = { .base_us = 100, .cap_us = 400, .dead_after_us = 100000, .max_trips = 4 };

static void breaker__opens_doubles_and_closes(void **state)
{
	static const uint64_t pauses[] = { 100, 200, 400, 400 };
	struct openai_server s = { 0 };
	uint64_t now = 1000, when;

	(void)state;
	assert_true(server_usable(&s, now, &when));
	for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
		server_started(&s);
		server_ended(&s);
		server_unreached(&s, &limits, now, "refused");
		assert_false(server_is_dead(&s, &limits, now));
		assert_false(server_usable(&s, now, &when));
		assert_int_equal(when, now + pauses[i]);
		server_unreached(&s, &limits, now, "refused"); /* others in flight: no further trip */
		now = when;
		assert_true(server_usable(&s, now, &when));
	}
	server_started(&s); /* half open: one alone */
	assert_false(server_usable(&s, now, &when));
	assert_true(when == UINT64_MAX);
	server_ended(&s);
	server_answered(&s);
	assert_true(server_usable(&s, now, &when));
	server_unreached(&s, &limits, now, "refused");
	assert_false(server_usable(&s, now, &when));
	assert_int_equal(when, now + 100); /* from the start again */
}

static void breaker__too_many_trips_or_too_long_is_dead(void **state)
{
	struct openai_server s = { 0 };
	uint64_t now = 0;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_false(server_is_dead(&s, &limits, now));
		now += 1000;
		server_started(&s);
		server_ended(&s);
		server_unreached(&s, &limits, now, "refused");
	}
	assert_true(server_is_dead(&s, &limits, now));
	server_answered(&s);
	assert_false(server_is_dead(&s, &limits, now));
	server_unreached(&s, &limits, now, "refused");
	assert_false(server_is_dead(&s, &limits, now + 99999));
	assert_true(server_is_dead(&s, &limits, now + 100000));
}

static void retry_after__holds_the_server(void **state)
{
	struct openai_server s = { .not_before_us = 500 };
	uint64_t when;

	(void)state;
	assert_false(server_usable(&s, 499, &when));
	assert_int_equal(when, 500);
	assert_true(server_usable(&s, 500, &when));
}

static void n__is_probed_and_learnt(void **state)
{
	struct openai_server s = { 0 };
	bool probe;

	(void)state;
	assert_int_equal(server_ask(&s, 1, &probe), 1);
	assert_false(probe);
	assert_int_equal(server_ask(&s, 50, &probe), 2);
	assert_true(probe);
	server_learn_n(&s, 2, 2);
	assert_int_equal(server_ask(&s, 50, &probe), 50);
	assert_int_equal(server_ask(&s, 500, &probe), SERVER_MAX_N);
	assert_false(probe);
	server_learn_n(&s, 50, 7); /* once is an accident */
	assert_int_equal(server_ask(&s, 50, &probe), 50);
	server_learn_n(&s, 50, 50);
	server_learn_n(&s, 50, 7);
	server_learn_n(&s, 50, 7);
	assert_int_equal(server_ask(&s, 50, &probe), 7);
	server_refused_n(&s, 7);
	assert_int_equal(server_ask(&s, 50, &probe), 3);
	server_refused_n(&s, 3);
	assert_int_equal(server_ask(&s, 50, &probe), 1);
}

static void n__ignored_is_one_by_one(void **state)
{
	struct openai_server s = { 0 };
	bool probe;

	(void)state;
	server_learn_n(&s, 2, 1);
	assert_int_equal(server_ask(&s, 50, &probe), 1);
	assert_false(probe);
}

static struct redact_case {
	const char *name, *text, *key, *want;
	unsigned room;
} redact_cases[] = {
	{ "no key", "as it is", NULL, "as it is", 64 },
	{ "the key, twice", "a KEY b KEY", "KEY", "a [key] b [key]", 64 },
	{ "the key alone", "KEY", "KEY", "[key]", 64 },
	{ "line ends", "a\nb\tc", NULL, "a b c", 64 },
	{ "cut to the room", "abcdef", NULL, "abc", 4 },
	{ "cut within the blot", "aKEY", "KEY", "a[k", 4 },
	{ "not within a character", "ab\xc3\xa4", NULL, "ab", 4 },
};

static void redacts(void **state)
{
	const struct redact_case *row = *state;
	char out[64];

	openai_redact(row->text, row->key, out, row->room);
	assert_string_equal(out, row->want);
}

static void key__from_file_or_environment(void **state)
{
	cleanup_mem char *good = bench_text("key", "\n file-key \n");
	cleanup_mem char *empty = bench_text("key-empty", " \n");
	cleanup_mem char *two = bench_text("key-two", "one two\n");
	struct error err = ERROR_INIT;
	char *key = NULL;

	(void)state;
	(void)unsetenv("WINNOW_API_KEY");
	(void)unsetenv("OPENAI_API_KEY");
	assert_int_equal(openai_key_read(NULL, &key, &err), 0);
	assert_null(key);
	(void)setenv("OPENAI_API_KEY", "second", 1);
	assert_int_equal(openai_key_read(NULL, &key, &err), 0);
	assert_string_equal(key, "second");
	mem_free(key);
	(void)setenv("WINNOW_API_KEY", "first", 1);
	assert_int_equal(openai_key_read(NULL, &key, &err), 0);
	assert_string_equal(key, "first");
	mem_free(key);
	assert_int_equal(openai_key_read(good, &key, &err), 0);
	assert_string_equal(key, "file-key");
	mem_free(key);
	(void)setenv("WINNOW_API_KEY", "bad key", 1);
	assert_int_equal(openai_key_read(NULL, &key, &err), ERR_INPUT);
	assert_string_equal(err.msg, "environment variable 'WINNOW_API_KEY': the key is not one word of printable characters");
	assert_int_equal(openai_key_read(empty, &key, &err), ERR_INPUT);
	assert_int_equal(openai_key_read(two, &key, &err), ERR_INPUT);
	assert_null(strstr(err.msg, "one two"));
	assert_int_equal(openai_key_read("/nonexistent/key", &key, &err), ERR_NOTFOUND);
	(void)unsetenv("WINNOW_API_KEY");
	(void)unsetenv("OPENAI_API_KEY");
	(void)unlink(good);
	(void)unlink(empty);
	(void)unlink(two);
}

static void spec__several_servers(void **state)
{
	struct openai_spec s = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(openai_spec_parse("http://a:1/v1/,https://b#org/model#tag", &s, &err), 0);
	assert_int_equal(s.n_servers, 2);
	assert_string_equal(s.servers[0].url, "http://a:1/v1");
	assert_string_equal(s.servers[1].url, "https://b");
	assert_string_equal(s.model, "org/model#tag");
	openai_spec_clear(&s);
}

static void seed__leaves_room_and_differs(void **state)
{
	int64_t a = openai_seed_base(1, 1), b = openai_seed_base(1, 2), c = openai_seed_base(2, 1);

	(void)state;
	assert_true(a != b && a != c && b != c);
	assert_true(a >= 0 && a < (INT64_C(1) << 52));
	assert_int_equal(a & 0x1ffff, 0);
	assert_true(a == openai_seed_base(1, 1));
}

int main(void)
{
	static const struct CMUnitTest singles[] = {
		cmocka_unit_test(breaker__opens_doubles_and_closes),
		cmocka_unit_test(breaker__too_many_trips_or_too_long_is_dead),
		cmocka_unit_test(retry_after__holds_the_server),
		cmocka_unit_test(n__is_probed_and_learnt),
		cmocka_unit_test(n__ignored_is_one_by_one),
		cmocka_unit_test(key__from_file_or_environment),
		cmocka_unit_test(spec__several_servers),
		cmocka_unit_test(seed__leaves_room_and_differs),
	};
	struct CMUnitTest tests[ARRAY_SIZE(redact_cases) + ARRAY_SIZE(singles)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(redact_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = redact_cases[i].name, .test_func = redacts, .initial_state = &redact_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		tests[n++] = singles[i];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
