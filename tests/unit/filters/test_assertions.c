/* SPDX-License-Identifier: Apache-2.0 */
/* test_assertions.c - what an answer means for a recognised assertion, and reading what was recognised. */
#include "filters/assertions.h"

#include <endian.h>

#include "core/json.h"
#include "tests/unit/filters/table.h"

static struct value *read_value(struct value_pool *pool, const char *text)
{
	struct error err = ERROR_INIT;
	struct value *v = NULL;
	json_t *j = NULL;

	if (!strcmp(text, "nan")) { /* no JSON */
		v = value_new(pool, VALUE_FLOAT);
		v->real = __builtin_nan("");
		return v;
	}
	if (!strcmp(text, "handle")) {
		v = value_new(pool, VALUE_HANDLE);
		v->str = "object";
		v->len = 6;
		return v;
	}
	if (json_parse(text, strlen(text), &j, &err) < 0 || value_from_json(pool, j, NULL, &v, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	json_decref(j);
	return v;
}

/* --- what an answer means --- */

static struct meaning_case {
	const char *name;
	char kind;
	double tolerance;
	const char *answer, *expect;
	enum assertion_answer said;
} meaning_cases[] = {
	{ "equal: an int", 'E', 0, "3", "3", ASSERTION_HOLDS },
	{ "equal: another int", 'E', 0, "4", "3", ASSERTION_FAILS },
	{ "equal: a float that is an int", 'E', 0, "3.0", "3", ASSERTION_HOLDS },
	{ "equal: True is 1", 'E', 0, "true", "1", ASSERTION_HOLDS },
	{ "equal: a text is no number", 'E', 0, "\"3\"", "3", ASSERTION_FAILS },
	{ "equal: a list is no tuple", 'E', 0, "[1,2]", "{\"$tuple\":[1,2]}", ASSERTION_FAILS },
	{ "equal: a set has no order", 'E', 0, "{\"$set\":[1,2]}", "{\"$set\":[2,1]}", ASSERTION_HOLDS },
	{ "equal: a dict has no order", 'E', 0, "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", ASSERTION_HOLDS },
	{ "equal: a prefix is not enough", 'E', 0, "[1,2]", "[1,2,3]", ASSERTION_FAILS },
	{ "equal: None", 'E', 0, "null", "null", ASSERTION_HOLDS },
	{ "equal: NaN equals nothing", 'E', 0, "nan", "nan", ASSERTION_FAILS },
	{ "equal: big ints to the last digit", 'E', 0, "{\"$int\":\"36893488147419103233\"}", "{\"$int\":\"36893488147419103232\"}",
	  ASSERTION_FAILS },
	{ "equal: an object is for Python", 'E', 0, "handle", "3", ASSERTION_UNSURE },
	{ "equal: an object in a list too", 'E', 0, "{\"$bytearray\":\"\"}", "3", ASSERTION_UNSURE },
	{ "not equal: another", 'N', 0, "4", "3", ASSERTION_HOLDS },
	{ "not equal: the same", 'N', 0, "3.0", "3", ASSERTION_FAILS },
	{ "not equal: NaN", 'N', 0, "nan", "nan", ASSERTION_HOLDS },
	{ "not equal: an object is for Python", 'N', 0, "handle", "3", ASSERTION_UNSURE },
	{ "is None", 'I', 0, "null", "null", ASSERTION_HOLDS },
	{ "is None: False is not", 'I', 0, "false", "null", ASSERTION_FAILS },
	{ "is True", 'I', 0, "true", "true", ASSERTION_HOLDS },
	{ "is True: 1 is not", 'I', 0, "1", "true", ASSERTION_FAILS },
	{ "is True: False is not", 'I', 0, "false", "true", ASSERTION_FAILS },
	{ "is not None", 'J', 0, "0", "null", ASSERTION_HOLDS },
	{ "is not None: None", 'J', 0, "null", "null", ASSERTION_FAILS },
	{ "true: a number", 'T', 0, "2", "null", ASSERTION_HOLDS },
	{ "true: zero", 'T', 0, "0", "null", ASSERTION_FAILS },
	{ "true: minus zero", 'T', 0, "-0.0", "null", ASSERTION_FAILS },
	{ "true: NaN", 'T', 0, "nan", "null", ASSERTION_HOLDS },
	{ "true: an empty text", 'T', 0, "\"\"", "null", ASSERTION_FAILS },
	{ "true: a text", 'T', 0, "\"0\"", "null", ASSERTION_HOLDS },
	{ "true: an empty list", 'T', 0, "[]", "null", ASSERTION_FAILS },
	{ "true: a list of nothing", 'T', 0, "[null]", "null", ASSERTION_HOLDS },
	{ "true: an empty dict", 'T', 0, "{}", "null", ASSERTION_FAILS },
	{ "true: None", 'T', 0, "null", "null", ASSERTION_FAILS },
	{ "true: an object is for Python", 'T', 0, "handle", "null", ASSERTION_UNSURE },
	{ "false: False", 'F', 0, "false", "null", ASSERTION_HOLDS },
	{ "false: True", 'F', 0, "true", "null", ASSERTION_FAILS },
	{ "near", '<', 1e-6, "1.0000001", "1", ASSERTION_HOLDS },
	{ "near: not so near", '<', 1e-6, "1.1", "1.0", ASSERTION_FAILS },
	{ "near: just at it is not near", '<', 0.5, "1.5", "1", ASSERTION_FAILS },
	{ "near or at: just at it", ',', 0.5, "1.5", "1", ASSERTION_HOLDS },
	{ "near: NaN is near nothing", '<', 1e300, "nan", "1", ASSERTION_FAILS },
	{ "near: a text has no distance, as Python says", '<', 1, "\"1\"", "1", ASSERTION_UNSURE },
	{ "near: an int past what doubles hold is for Python", '<', 1, "9007199254740993", "9007199254740992",
	  ASSERTION_UNSURE },
	{ "always", 'A', 0, "null", "null", ASSERTION_HOLDS },
	{ "never", 'Z', 0, "null", "null", ASSERTION_FAILS },
};

static void test_meaning(void **state)
{
	const struct meaning_case *c = *state;
	struct value_pool *pool = value_pool_new();
	struct assertion a = { .kind = (enum assertion_kind)c->kind, .tolerance = c->tolerance };

	assert_int_equal(assertion_check(&a, read_value(pool, c->answer), read_value(pool, c->expect)), c->said);
	value_pool_free(pool);
}

/* --- reading --- */

static void put_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_add(b, &v, sizeof(v));
}

static void put_assertion(struct buf *b, char kind, const char *args, const char *expect)
{
	struct value_pool *pool = value_pool_new();
	uint64_t tolerance = 0;
	struct buf body;

	buf_init(&body, 1 << 20);
	buf_addc(&body, kind);
	buf_add(&body, &tolerance, sizeof(tolerance));
	value_encode(read_value(pool, args), &body);
	value_encode(read_value(pool, expect), &body);
	put_u32(b, (uint32_t)body.len);
	buf_add(b, body.data, body.len);
	buf_clear(&body);
	value_pool_free(pool);
}

static void test_reads(void **state)
{
	static const size_t visible[] = { 1, 7 };
	struct error err = ERROR_INIT;
	struct assertions *a = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	put_u32(&b, 2);
	put_assertion(&b, 'E', "{\"$tuple\":[1,[2]]}", "[3]");
	put_assertion(&b, 'T', "{\"$tuple\":[]}", "null");
	assert_int_equal(assertions_read((const uint8_t *)b.data, b.len, visible, ARRAY_SIZE(visible), &a, &err), 0);
	assert_int_equal(a->n, 2);
	assert_int_equal(a->items[0].kind, ASSERT_EQUAL);
	assert_int_equal(a->cases[0].args->n_items, 2);
	assert_int_equal(a->cases[0].expect->kind, VALUE_LIST);
	assert_false(a->cases[0].visible);
	assert_true(a->cases[1].visible); /* the eighth is none, and no matter */
	assertions_free(a);
	/* No prefix of it is well-formed, nor it with a byte more. */
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(assertions_read((const uint8_t *)b.data, n, NULL, 0, &a, &err), ERR_INPUT);
	buf_addc(&b, 0);
	assert_int_equal(assertions_read((const uint8_t *)b.data, b.len, NULL, 0, &a, &err), ERR_INPUT);
	buf_clear(&b);
}

static struct bad_case {
	const char *name;
	char kind;
	const char *args;
	const char *words;
} bad_cases[] = {
	{ "bad: no such kind", '?', "{\"$tuple\":[]}", "assertion 1 is of no known kind" },
	{ "bad: kind nul", 0, "{\"$tuple\":[]}", "assertion 1 is of no known kind" },
	{ "bad: arguments that are no tuple", 'E', "[1]", "assertion 1 is not well-formed" },
};

static void test_bad(void **state)
{
	const struct bad_case *c = *state;
	struct error err = ERROR_INIT;
	struct assertions *a = NULL;
	struct buf b;

	buf_init(&b, 1 << 20);
	put_u32(&b, 1);
	put_assertion(&b, c->kind, c->args, "null");
	assert_int_equal(assertions_read((const uint8_t *)b.data, b.len, NULL, 0, &a, &err), ERR_INPUT);
	assert_string_equal(err.msg, c->words);
	buf_clear(&b);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(meaning_cases) + ARRAY_SIZE(bad_cases) + 1];
	size_t n = 0;

	ADD_ROWS(tests, n, meaning_cases, test_meaning);
	ADD_ROWS(tests, n, bad_cases, test_bad);
	ADD_TEST(tests, n, test_reads);
	return RUN_ADDED("assertions", tests, n, NULL, NULL);
}
