/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - one row of a table, one named test; each row starts with its name. */
#ifndef WINNOW_TESTS_UNIT_FILTERS_TABLE_H
#define WINNOW_TESTS_UNIT_FILTERS_TABLE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"

#define ADD_ROWS(tests, n, rows, func)                                              \
	for (size_t row_ = 0; row_ < ARRAY_SIZE(rows); row_++)                      \
		(tests)[(n)++] = (struct CMUnitTest){ .name = (rows)[row_].name,    \
						      .test_func = (func),          \
						      .initial_state = &(rows)[row_] }
#define ADD_TEST(tests, n, func) \
	(tests)[(n)++] = (struct CMUnitTest){ .name = #func, .test_func = (func) }
/* cmocka's own macro wants an array of exactly that length. */
#define RUN_ADDED(group, tests, n, setup, teardown) \
	_cmocka_run_group_tests(group, tests, n, setup, teardown)

#endif
