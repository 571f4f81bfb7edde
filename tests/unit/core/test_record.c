/* SPDX-License-Identifier: Apache-2.0 */
/* test_record.c - words of verdicts and flags, limits, pass@k. */
#include <math.h>

#include "core/record.h"

#include "tests/unit/core/table.h"

static void verdict__words_come_back(void **state)
{
	(void)state;
	for (int v = 0; v < VERDICT_COUNT; v++)
		assert_int_equal(verdict_parse(verdict_name((enum verdict)v)), v);
	assert_null(verdict_name(VERDICT_NONE));
	assert_int_equal(verdict_parse("fine"), VERDICT_NONE);
	assert_int_equal(verdict_parse(NULL), VERDICT_NONE);
	assert_int_equal(VERDICT_INTERNAL_ERROR, 0); /* the worst comes first */
	assert_true(VERDICT_TIME_LIMIT < VERDICT_WRONG_ANSWER);
}

static void verdict__passed_is_three_valued(void **state)
{
	(void)state;
	assert_int_equal(judgement_passed(VERDICT_ACCEPTED), 1);
	assert_int_equal(judgement_passed(VERDICT_WRONG_ANSWER), 0);
	assert_int_equal(judgement_passed(VERDICT_NO_PROGRAM), 0);
	assert_int_equal(judgement_passed(VERDICT_INTERNAL_ERROR), -1);
	assert_int_equal(judgement_passed(VERDICT_NONE), -1);
}

static void flags__are_a_sorted_list_of_words(void **state)
{
	struct error err = ERROR_INIT;
	uint32_t flags = 0;
	json_t *j = flags_to_json(FLAG_TRUNCATED | FLAG_CPU_LIMIT | FLAG_SAME_PROCESS);

	(void)state;
	assert_int_equal(json_array_size(j), 3);
	assert_string_equal(json_string_value(json_array_get(j, 0)), "cpu_limit");
	assert_string_equal(json_string_value(json_array_get(j, 1)), "same_process");
	assert_string_equal(json_string_value(json_array_get(j, 2)), "truncated");
	assert_int_equal(flags_parse(j, &flags, &err), 0);
	assert_int_equal(flags, FLAG_TRUNCATED | FLAG_CPU_LIMIT | FLAG_SAME_PROCESS);
	json_array_append_new(j, json_string("shiny"));
	assert_int_equal(flags_parse(j, &flags, &err), ERR_INPUT);
	assert_string_equal(err.msg, "flags: unknown flag 'shiny'");
	json_array_clear(j);
	assert_int_equal(flags_parse(j, &flags, &err), 0);
	assert_int_equal(flags, 0);
	json_array_append_new(j, json_integer(1));
	assert_int_equal(flags_parse(j, &flags, &err), ERR_INPUT);
	assert_int_equal(flags_parse(NULL, &flags, &err), ERR_INPUT);
	json_decref(j);
	j = flags_to_json(UINT32_MAX);
	assert_int_equal(json_array_size(j), FLAG_COUNT);
	json_decref(j);
}

static void limits__merge_by_rank(void **state)
{
	struct limits task = { .cpu_us = 2000000, .memory_bytes = 100 };
	struct limits over = { .cpu_us = 1000000, .processes = 3 };
	struct limits l = limits_merge(&task, &over);

	(void)state;
	assert_true(l.cpu_us == 1000000 && l.memory_bytes == 100 && l.processes == 3);
	assert_true(l.wall_us == 5000000);
	assert_true(l.output_bytes == UINT64_C(16) << 20);
	l = limits_merge(NULL, NULL);
	assert_true(l.cpu_us == 5000000 && l.wall_us == 17000000 && l.processes == 64);
	over.wall_us = 7;
	assert_true(limits_merge(&task, &over).wall_us == 7);
	over = (struct limits){ .cpu_us = UINT64_MAX };
	assert_true(limits_merge(NULL, &over).wall_us == UINT64_MAX);
}

static struct pass_case {
	const char *name;
	uint64_t n, c, k;
	double want;
} pass_cases[] = {
	{ "pass@k: none right", 10, 0, 5, 0 },
	{ "pass@k: all right", 10, 10, 1, 1 },
	{ "pass@1 is the share", 200, 50, 1, 0.25 },
	{ "pass@k: too few wrong ones", 10, 6, 5, 1 },
	{ "pass@2 of 4, 1 right", 4, 1, 2, 0.5 },
	{ "pass@10 of 100, 3 right", 100, 3, 10, 0.27346938775510204 },
	{ "pass@k: more than there are", 5, 2, 6, -1 },
	{ "pass@0", 5, 2, 0, -1 },
	{ "pass@k: more right than there are", 5, 6, 1, -1 },
};

static void passes_at_k(void **state)
{
	const struct pass_case *row = *state;
	double p = pass_at_k(row->n, row->c, row->k);

	if (row->want < 0)
		assert_true(isnan(p));
	else
		assert_true(fabs(p - row->want) < 1e-12);
}

static void judgement__is_cleared(void **state)
{
	struct judgement j = { .message = mem_strdup("x"), .compile_output = mem_strdup("y") };

	(void)state;
	judgement_clear(&j);
	assert_true(!j.message && !j.compile_output && j.verdict == VERDICT_NONE);
	assert_int_equal(j.tests_passed, -1);
	assert_string_equal(sample_state_name(SAMPLE_SKIPPED), "skipped");
	assert_null(sample_state_name(SAMPLE_STATE_COUNT));
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(pass_cases) + 5];
	size_t n = 0;

	ADD_ROWS(tests, n, pass_cases, passes_at_k);
	ADD_TEST(tests, n, verdict__words_come_back);
	ADD_TEST(tests, n, verdict__passed_is_three_valued);
	ADD_TEST(tests, n, flags__are_a_sorted_list_of_words);
	ADD_TEST(tests, n, limits__merge_by_rank);
	ADD_TEST(tests, n, judgement__is_cleared);
	return RUN_ADDED("record", tests, n);
}
