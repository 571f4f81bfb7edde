/* SPDX-License-Identifier: Apache-2.0 */
/* test_progress.c - what the live line says, at any width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/mem.h"
#include "rollout/progress.h"

static const struct tally tally = { .judged = 40, .verdicts = { [VERDICT_ACCEPTED] = 10 } };
static const struct progress_now now = { .phase = "sampling", .done = 50, .total = 200, .asked = 3, .waiting = 2, .running = 4 };

static void line__says_where_the_run_is(void **state)
{
	char line[400];

	(void)state;
	(void) progress_line(line, sizeof(line), &tally, &now, 5.0, 0);
	assert_string_equal(line, "sampling [#####...............] 50/200 25%  5.0/s  accepted 10 (25.0%)"
				  "  ETA 0:30  asked 3 waiting 2 running 4");
}

static void line__fits_any_terminal(void **state)
{
	char line[400];

	(void)state;
	for (size_t columns = 1; columns < 140; columns++)
		assert_true(progress_line(line, sizeof(line), &tally, &now, 5.0, columns) < columns + (columns == 0));
}

static void line__fits_any_buffer(void **state)
{
	(void)state;
	for (size_t cap = 1; cap < 140; cap++) {
		char line[140];

		memset(line, 'x', sizeof(line));
		assert_true(progress_line(line, cap, &tally, &now, 0, 0) < cap);
		assert_int_equal(strlen(line) < cap, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line__says_where_the_run_is),
		cmocka_unit_test(line__fits_any_terminal),
		cmocka_unit_test(line__fits_any_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
