/* SPDX-License-Identifier: Apache-2.0 */
/* test_tally.c - sums, reason words, and ranks handed back to the items they belong to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "rollout/ranking.h"
#include "rollout/tally.h"

static void reasons__are_the_contracts_words(void **state)
{
	(void)state;
	for (int i = 0; i < SKIP_REASON_COUNT; i++)
		assert_int_equal(skip_reason_parse(skip_reason_name((enum skip_reason)i)), i);
	assert_int_equal(skip_reason_parse("not_portable"), SKIP_NOT_PORTABLE);
	assert_int_equal(skip_reason_parse("nonsense"), -1);
	assert_int_equal(skip_reason_parse(NULL), -1);
	assert_int_equal(policy_status_parse("timeout"), POLICY_TIMEOUT);
	assert_int_equal(policy_status_parse("ok"), -1); /* no reason to have failed */
}

static void judged__counts_in_its_group_unless_the_failure_is_ours(void **state)
{
	struct passk_group groups[2] = { { 0, 0 }, { 0, 0 } };
	struct tally t = { .groups = groups, .n_groups = 2 };

	(void)state;
	tally_judged(&t, 0, VERDICT_ACCEPTED);
	tally_judged(&t, 0, VERDICT_NO_PROGRAM);
	tally_judged(&t, 1, VERDICT_INTERNAL_ERROR);
	t.failed[POLICY_EMPTY] = 2;
	t.skipped[SKIP_NO_TOOLCHAIN] = 3;
	assert_int_equal(groups[0].n, 2);
	assert_int_equal(groups[0].c, 1);
	assert_int_equal(groups[1].n, 0);
	assert_int_equal(t.judged, 3);
	assert_int_equal(tally_done(&t), 8);
}

static void ranks__go_to_their_programs(void **state)
{
	struct store_rank_item items[] = {
		{ .program_row = 1, .program_id = "cc", .cpu_us = 9000, .memory_bytes = 100, .program_len = 10 },
		{ .program_row = 2, .program_id = "aa", .cpu_us = 1000, .memory_bytes = 100, .program_len = 10 },
		{ .program_row = 3, .program_id = "bb", .cpu_us = 4000, .memory_bytes = 100, .program_len = 10 },
	};
	int failed = 0;

	(void)state;
	ranking_fill(&failed, items, ARRAY_SIZE(items));
	assert_int_equal(failed, 0);
	assert_int_equal(items[0].program_row, 1); /* the store's order stays */
	assert_int_equal(items[0].rank, 3);
	assert_int_equal(items[1].rank, 1);
	assert_int_equal(items[2].rank, 2);
	mem_fault_at(1);
	ranking_fill(&failed, items, ARRAY_SIZE(items));
	mem_fault_at(0);
	assert_int_equal(failed, ERR_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons__are_the_contracts_words),
		cmocka_unit_test(judged__counts_in_its_group_unless_the_failure_is_ours),
		cmocka_unit_test(ranks__go_to_their_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
