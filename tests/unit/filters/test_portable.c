/* SPDX-License-Identifier: Apache-2.0 */
/* test_portable.c - which traits the values of cases have, and which languages lack them. */
#include "filters/portable.h"
#include "tests/unit/filters/table.h"

#define CASES(cases) "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"f\",\"tests\":{\"kind\":\"calls\",\"cases\":[" cases "]}}"

static struct row {
	const char *name, *task;
	uint32_t traits;
} rows[] = {
	{ "one type in each place", CASES("{\"args\":[1,\"a\",[2,3]],\"expect\":[\"x\"]},{\"args\":[2.5,\"\",[]],\"expect\":[]}"), 0 },
	{ "a bool and a number are numbers", CASES("{\"args\":[[true,1,2.5]],\"expect\":1}"), 0 },
	{ "none or a value", CASES("{\"args\":[[1]],\"expect\":null},{\"args\":[[]],\"expect\":3}"), 0 },
	{ "several types in a list", CASES("{\"args\":[[1,\"a\"]],\"expect\":1},{\"args\":[[1]],\"expect\":1}"), TRAIT_MIXED | TRAIT_DEEP },
	{ "several types over the calls", CASES("{\"args\":[1],\"expect\":1},{\"args\":[\"a\"],\"expect\":1}"), TRAIT_MIXED },
	{ "several types over the answers", CASES("{\"args\":[1],\"expect\":1},{\"args\":[2],\"expect\":[2]}"), TRAIT_MIXED },
	{ "a tuple of several types", CASES("{\"args\":[1],\"expect\":{\"$tuple\":[1,\"a\"]}},{\"args\":[2],\"expect\":{\"$tuple\":[2,\"b\"]}}"), 0 },
	{ "tuples of several types and lengths", CASES("{\"args\":[1],\"expect\":{\"$tuple\":[1,\"a\"]}},{\"args\":[2],\"expect\":{\"$tuple\":[2]}}"), TRAIT_MIXED | TRAIT_DEEP },
	{ "rows", CASES("{\"args\":[[[1],[2,3]]],\"expect\":[[\"a\"]]}"), 0 },
	{ "rows of rows", CASES("{\"args\":[[[[1]],[[2,3],[4]],[[1]]]],\"expect\":1},{\"args\":[[[[1]]]],\"expect\":1}"), TRAIT_DEEP },
	{ "a map of lists", CASES("{\"args\":[{\"a\":[1]}],\"expect\":1}"), TRAIT_DEEP },
	{ "beyond 64 bits", CASES("{\"args\":[{\"$int\":\"99999999999999999999\"}],\"expect\":1}"), TRAIT_BIG },
	{ "64 bits", CASES("{\"args\":[{\"$int\":\"9223372036854775807\"}],\"expect\":1}"), 0 },
	{ "complex, bytes and a zero byte", CASES("{\"args\":[{\"$complex\":[1,2]},{\"$bytes\":\"AA==\"},\"a\\u0000\"],\"expect\":1}"), TRAIT_COMPLEX | TRAIT_BYTES | TRAIT_NUL },
	{ "an exception", CASES("{\"args\":[1],\"raises\":\"ValueError\"}"), TRAIT_RAISES },
	{ "an object", CASES("{\"script\":[{\"new\":\"C\",\"args\":[]}]}"), TRAIT_SCRIPT },
	{ "another number of arguments", CASES("{\"args\":[1],\"expect\":1},{\"args\":[1,2],\"expect\":1}"), TRAIT_ARITY },
};

static void has_traits(void **state)
{
	const struct row *r = *state;
	struct error err = ERROR_INIT;
	struct task *task = NULL;
	json_t *json = NULL;

	if (json_parse(r->task, strlen(r->task), &json, &err) < 0 || task_parse(json, &task, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(survey_cases(task->cases, task->n_cases), r->traits);
	task_free(task);
}

static void lacks_them(void **state)
{
	char mixed[] = "mixed", *lacks[] = { mixed, NULL };
	struct language plain = { .calls_plain = true, .calls_lacks = lacks }, python = { .calls_plain = false };

	(void) state;
	assert_null(portable_reason(TRAIT_DEEP, &plain));
	assert_string_equal(portable_reason(TRAIT_DEEP | TRAIT_MIXED, &plain), "values of several types in one place");
	assert_null(portable_reason(TRAIT_BIG, &plain));
	plain.calls_int_bits = 64;
	assert_string_equal(portable_reason(TRAIT_BIG, &plain), "an integer beyond 64 bits");
	assert_null(portable_reason(~0u, &python));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, has_traits);
	ADD_TEST(tests, n, lacks_them);
	return RUN_ADDED("portable", tests, n, NULL, NULL);
}
