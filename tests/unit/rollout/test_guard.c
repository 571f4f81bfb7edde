/* SPDX-License-Identifier: Apache-2.0 */
/* test_guard.c - the disk's free space against a minimum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "rollout/guard.h"

static void guard__tells_of_changes_once(void **state)
{
	struct guard g = { .path = "/", .min_free_bytes = UINT64_C(1) << 62 };

	(void)state;
	assert_int_equal(guard_poll(&g), GUARD_BECAME_LOW);
	assert_true(g.low);
	assert_true(g.free_bytes > 0);
	assert_int_equal(guard_poll(&g), GUARD_SAME);
	g.min_free_bytes = 1;
	assert_int_equal(guard_poll(&g), GUARD_BECAME_FREE);
	assert_int_equal(guard_poll(&g), GUARD_SAME);
}

static void guard__wants_a_little_more_to_go_on(void **state)
{
	struct guard g = { .path = "/", .min_free_bytes = UINT64_C(1) << 62 };

	(void)state;
	assert_int_equal(guard_poll(&g), GUARD_BECAME_LOW);
	g.min_free_bytes = g.free_bytes / 100 * 97; /* free, but by less than a sixteenth */
	assert_int_equal(guard_poll(&g), GUARD_SAME);
	assert_true(g.low);
}

static void guard__without_a_minimum_or_a_disk_changes_nothing(void **state)
{
	struct guard none = { .path = "/" }, lost = { .path = "/no/such/place", .min_free_bytes = UINT64_C(1) << 62 };

	(void)state;
	assert_int_equal(guard_poll(&none), GUARD_SAME);
	assert_int_equal(guard_poll(&lost), GUARD_SAME);
	assert_false(lost.low);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guard__tells_of_changes_once),
		cmocka_unit_test(guard__wants_a_little_more_to_go_on),
		cmocka_unit_test(guard__without_a_minimum_or_a_disk_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
