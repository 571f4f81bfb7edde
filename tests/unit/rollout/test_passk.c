/* SPDX-License-Identifier: Apache-2.0 */
/* test_passk.c - means of pass@k over groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "rollout/passk.h"

static void mean__is_over_groups_not_samples(void **state)
{
	const struct passk_group g[] = { { 10, 10 }, { 100, 0 } };

	(void)state;
	assert_true(fabs(passk_mean(g, 2, 1) - 0.5) < 1e-12);
	assert_true(fabs(passk_mean(g, 2, 10) - 0.5) < 1e-12);
	assert_true(isnan(passk_mean(g, 2, 100))); /* one group has too few */
}

static void groups__without_samples_do_not_count(void **state)
{
	const struct passk_group g[] = { { 0, 0 }, { 4, 1 }, { 0, 0 } };

	(void)state;
	assert_true(fabs(passk_mean(g, 3, 1) - 0.25) < 1e-12);
	assert_true(isnan(passk_mean(g, 1, 1)));
	assert_true(isnan(passk_mean(g, 0, 1)));
}

static void print__leaves_out_what_has_no_value(void **state)
{
	const struct passk_group g[] = { { 10, 5 } };
	char text[200] = "";
	json_t *j = json_object();
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_non_null(f);
	passk_print(f, g, 1);
	(void) fclose(f);
	assert_string_equal(text, "pass@1 50.00 %  pass@10 100.00 %\n");
	assert_true(passk_add(j, g, 1));
	assert_true(json_real_value(json_object_get(j, "pass_at_1")) == 0.5);
	assert_true(json_is_null(json_object_get(j, "pass_at_100")));
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mean__is_over_groups_not_samples),
		cmocka_unit_test(groups__without_samples_do_not_count),
		cmocka_unit_test(print__leaves_out_what_has_no_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
