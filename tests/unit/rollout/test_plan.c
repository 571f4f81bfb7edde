/* SPDX-License-Identifier: Apache-2.0 */
/* test_plan.c - shards, seeds, marks and the walk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/mem.h"
#include "rollout/plan.h"

static void shard__takes_every_nth_task(void **state)
{
	struct plan_shard all, part;
	struct error err = ERROR_INIT;
	unsigned seen[10] = { 0 };

	(void)state;
	assert_int_equal(plan_shard_parse(NULL, &all, &err), 0);
	for (size_t i = 0; i < 10; i++)
		assert_true(plan_shard_has(&all, i));
	for (uint32_t k = 0; k < 3; k++) {
		char text[8] = { (char)('0' + k), '/', '3', 0 };

		assert_int_equal(plan_shard_parse(text, &part, &err), 0);
		for (size_t i = 0; i < 10; i++)
			seen[i] += plan_shard_has(&part, i);
	}
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(seen[i], 1);
}

static void shard__refuses_what_is_no_part(void **state)
{
	static const char *const bad[] = { "", "1", "/", "4/4", "-1/4", "1/0", "a/4", "1/4x", "1/ 4" };
	struct plan_shard s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;

		assert_int_equal(plan_shard_parse(bad[i], &s, &err), ERR_INPUT);
		assert_non_null(strstr(err.msg, "--shard"));
	}
}

static void seed__depends_on_all_three(void **state)
{
	uint64_t a = plan_seed(1, "t", "python");

	(void)state;
	assert_true(a == plan_seed(1, "t", "python"));
	assert_true(a != plan_seed(2, "t", "python"));
	assert_true(a != plan_seed(1, "u", "python"));
	assert_true(a != plan_seed(1, "t", "c"));
	assert_true(a >> 63 == 0);
}

static void walk__has_fixed_borders(void **state)
{
	struct error err = ERROR_INIT;
	struct plan_batch b;
	struct plan p;
	size_t n = 0;

	(void)state;
	assert_int_equal(plan_init(&p, 2, 150, &err), 0);
	assert_int_equal(plan_size(&p), 300);
	for (; plan_next(&p, &b); n++) {
		assert_int_equal(b.item, n / 3);
		assert_int_equal(b.first, n % 3 * PLAN_BATCH);
		assert_int_equal(b.n, n % 3 == 2 ? 22 : PLAN_BATCH);
		assert_int_equal(b.wanted, b.n);
	}
	assert_int_equal(n, 6);
	assert_false(plan_next(&p, &b));
	plan_clear(&p);
}

static void walk__leaves_out_what_is_marked(void **state)
{
	struct error err = ERROR_INIT;
	struct plan_batch b;
	struct plan p;

	(void)state;
	assert_int_equal(plan_init(&p, 3, 70, &err), 0);
	for (uint32_t i = 0; i < 70; i++) /* item 0 is all there */
		assert_int_equal(plan_mark(&p, 0, i, &err), 0);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(plan_mark(&p, 1, i, &err), 0);
	assert_int_equal(plan_mark(&p, 1, 66, &err), 0);
	assert_int_equal(plan_mark(&p, 1, 66, &err), 0); /* twice is once */
	assert_int_equal(p.n_marked, 135);
	assert_true(plan_marked(&p, 0, 69));
	assert_true(plan_marked(&p, 1, 66));
	assert_false(plan_marked(&p, 1, 65));
	assert_true(plan_next(&p, &b));
	assert_int_equal(b.item, 1);
	assert_int_equal(b.first, 64);
	assert_int_equal(b.n, 6);
	assert_int_equal(b.wanted, 5);
	assert_true(b.skip[2]);
	assert_false(b.skip[3]);
	assert_true(plan_next(&p, &b));
	assert_int_equal(b.item, 2);
	plan_clear(&p);
}

static void limits__are_those_of_a_sample_id(void **state)
{
	struct error err = ERROR_INIT;
	struct plan p;

	(void)state;
	assert_int_equal(plan_init(&p, (1u << 18) + 1, 1, &err), ERR_INPUT);
	assert_int_equal(plan_init(&p, 1, (1u << 17) + 1, &err), ERR_INPUT);
	assert_int_equal(plan_init(&p, 1, 1u << 17, &err), 0);
	assert_int_equal(plan_mark(&p, 1, 0, &err), ERR_CORRUPT);
	assert_int_equal(plan_mark(&p, 0, 1u << 17, &err), ERR_CORRUPT);
	plan_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shard__takes_every_nth_task),
		cmocka_unit_test(shard__refuses_what_is_no_part),
		cmocka_unit_test(seed__depends_on_all_three),
		cmocka_unit_test(walk__has_fixed_borders),
		cmocka_unit_test(walk__leaves_out_what_is_marked),
		cmocka_unit_test(limits__are_those_of_a_sample_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
