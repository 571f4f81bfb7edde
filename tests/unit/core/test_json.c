/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c - parsing with columns, canonical text. */
#include "core/hash.h"
#include "core/json.h"

#include "tests/unit/core/table.h"

static struct bad_case {
	const char *name, *text, *says;
} bad_cases[] = {
	{ "json: empty", "", "not JSON: no value, the text is empty" },
	{ "json: spaces alone", "  ", "not JSON: no value, the text is empty" },
	{ "json: truncated object", "{\"a\": [1, 2", "not JSON: truncated at column 11" },
	{ "json: truncated string", "\"abc", "not JSON: truncated at column 4" },
	{ "json: truncated on a second line", "{\n\"a\":", "not JSON: truncated at line 2, column 4" },
	{ "json: the same key twice", "{\"a\":1,\"a\":2}", "duplicate" },
	{ "json: text after", "{} x", "end of file expected" },
	{ "json: a bad token", "{\"a\": nope}", "at column" },
	{ "json: invalid UTF-8", "[\"ab\xff\"]", "invalid UTF-8 at column 5" },
	{ "json: lone surrogate", "\"\\ud800\"", "invalid Unicode" },
	{ "json: an integer beyond 64 bits", "123456789012345678901", "too big" },
};

static void is_bad(void **state)
{
	const struct bad_case *row = *state;
	struct error err = ERROR_INIT;
	json_t *j = NULL;

	assert_int_equal(json_parse(row->text, strlen(row->text), &j, &err), ERR_INPUT);
	assert_null(j);
	if (!strstr(err.msg, row->says))
		fail_msg("said '%s', not '%s'", err.msg, row->says);
}

static struct canonical_case {
	const char *name, *text, *want;
} canonical_cases[] = {
	{ "json: keys are sorted at every depth", "{\"b\":{\"d\":1,\"c\":2},\"a\":[]}",
	  "{\"a\":[],\"b\":{\"c\":2,\"d\":1}}" },
	{ "json: numbers keep their kind", "[1, 1.0, -0.0, 0.1, 1e100]", "[1,1.0,-0.0,0.10000000000000001,1e100]" },
	{ "json: any value", " \"x\" ", "\"x\"" },
	{ "json: NUL in a string", "\"a\\u0000b\"", "\"a\\u0000b\"" },
	{ "json: text stays UTF-8", "\"\\u00e9\"", "\"\xc3\xa9\"" },
};

static void is_canonical(void **state)
{
	const struct canonical_case *row = *state;
	uint8_t direct[HASH_SHA256_BYTES], of_text[HASH_SHA256_BYTES];
	struct hash_sha256 *h = hash_sha256_new();
	json_t *j = NULL;
	struct buf b;

	buf_init(&b, 1000);
	assert_int_equal(json_parse(row->text, strlen(row->text), &j, NULL), 0);
	assert_int_equal(json_dump_canonical(j, &b, NULL), 0);
	assert_string_equal(b.data, row->want);
	assert_int_equal(json_hash_canonical(j, h, NULL), 0);
	hash_sha256_end(h, direct);
	hash_sha256_of(b.data, b.len, of_text);
	assert_memory_equal(direct, of_text, sizeof(direct));
	json_decref(j);
	buf_clear(&b);
}

static void json__keeps_the_order_of_keys_in_a_line(void **state)
{
	json_t *j = json_pack("{s:i,s:i}", "b", 1, "a", 2);
	struct error err = ERROR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(json_dump_line(j, &b, NULL), 0);
	assert_string_equal(b.data, "{\"b\":1,\"a\":2}");
	buf_clear(&b);
	buf_init(&b, 5);
	assert_int_equal(json_dump_line(j, &b, &err), ERR_LIMIT);
	buf_clear(&b);
	json_decref(j);
}

static void json__reads_keys_with_fallbacks(void **state)
{
	json_t *j = json_pack("{s:s,s:b,s:i,s:f}", "s", "x", "b", 1, "i", 5, "f", 2.5);

	(void)state;
	assert_string_equal(json_get_str(j, "s"), "x");
	assert_null(json_get_str(j, "i"));
	assert_null(json_get_str(j, "none"));
	assert_true(json_get_bool(j, "b", false));
	assert_true(json_get_bool(j, "s", true));
	assert_int_equal(json_get_int(j, "i", 9), 5);
	assert_int_equal(json_get_int(j, "f", 9), 9);
	assert_true(json_get_num(j, "f", 0) == 2.5 && json_get_num(j, "i", 0) == 5);
	json_cleanup(&j);
	assert_null(j);
}

static void json__replaces_what_is_not_utf8(void **state)
{
	bool replaced = false;
	json_t *j = json_string_lossy("a\xff\xe6\x97z\xc3\xa9", 7, &replaced);

	(void)state;
	assert_true(replaced);
	assert_string_equal(json_string_value(j), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa9");
	json_decref(j);
	j = json_string_lossy("a\0b", 3, &replaced);
	assert_false(replaced);
	assert_int_equal(json_string_length(j), 3);
	json_decref(j);
	j = json_string_lossy("", 0, NULL);
	assert_int_equal(json_string_length(j), 0);
	json_decref(j);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(bad_cases) + ARRAY_SIZE(canonical_cases) + 3];
	size_t n = 0;

	ADD_ROWS(tests, n, bad_cases, is_bad);
	ADD_ROWS(tests, n, canonical_cases, is_canonical);
	ADD_TEST(tests, n, json__keeps_the_order_of_keys_in_a_line);
	ADD_TEST(tests, n, json__reads_keys_with_fallbacks);
	ADD_TEST(tests, n, json__replaces_what_is_not_utf8);
	return RUN_ADDED("json", tests, n);
}
