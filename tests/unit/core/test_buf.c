/* SPDX-License-Identifier: Apache-2.0 */
/* test_buf.c - growth, the maximum, the sticky error. */
#include "core/buf.h"

#include "tests/unit/core/table.h"

static void buf__starts_as_an_empty_string(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	buf_clear(&b);
}

static void buf__keeps_a_nul_after_the_data(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_adds(&b, "ab");
	buf_add(&b, "\0c", 2);
	buf_addc(&b, 'd');
	buf_addf(&b, "%d-%s", 7, "x");
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.data, "ab\0cd7-x", 9);
	buf_remove_front(&b, 3);
	assert_string_equal(b.data, "cd7-x");
	buf_remove_front(&b, 100);
	assert_string_equal(b.data, "");
	buf_clear(&b);
}

static void buf__stops_at_its_maximum(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_adds(&b, "abcd");
	assert_int_equal(buf_check(&b, "text", &err), 0);
	buf_addc(&b, 'e');
	assert_int_equal(b.error, ERR_LIMIT);
	assert_string_equal(b.data, "abcd");
	assert_int_equal(buf_check(&b, "text", &err), ERR_LIMIT);
	assert_non_null(strstr(err.msg, "'text' is too large"));
	buf_remove_front(&b, 4);
	buf_adds(&b, "x"); /* sticks */
	assert_int_equal(b.len, 0);
	assert_null(buf_steal(&b, NULL));
	buf_reset(&b);
	buf_adds(&b, "xy");
	assert_string_equal(b.data, "xy");
	buf_clear(&b);
	assert_int_equal(b.max, 4);
}

static void buf__formats_to_the_last_byte(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_addf(&b, "%s", "12345");
	assert_int_equal(b.error, 0);
	buf_addf(&b, "%s", "");
	assert_int_equal(b.error, 0);
	buf_addf(&b, "%c", '6');
	assert_int_equal(b.error, ERR_LIMIT);
	buf_clear(&b);
}

static void buf__reserves_and_commits(void **state)
{
	struct buf b;
	char *to, *data;
	size_t n = 0;

	(void)state;
	buf_init(&b, 100);
	to = buf_reserve(&b, 100);
	assert_non_null(to);
	memset(to, 'a', 100);
	buf_commit(&b, 100);
	assert_null(buf_reserve(&b, 1));
	buf_reset(&b);
	buf_adds(&b, "mine");
	data = buf_steal(&b, &n);
	assert_string_equal(data, "mine");
	assert_int_equal(n, 4);
	assert_int_equal(b.len, 0);
	mem_free(data);
	data = buf_steal(&b, &n);
	assert_string_equal(data, "");
	mem_free(data);
	buf_clear(&b);
}

static void buf__says_when_there_is_no_memory(void **state)
{
	struct error err = ERROR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	mem_fault_at(1);
	buf_adds(&b, "x");
	assert_true(mem_fault_fired());
	mem_fault_at(0);
	assert_int_equal(buf_check(&b, "text", &err), ERR_NOMEM);
	assert_string_equal(b.data, "");
	buf_clear(&b);
}

static void buf__takes_a_zeroed_struct(void **state)
{
	struct buf b = { .max = 3 };

	(void)state;
	buf_reset(&b);
	buf_adds(&b, "abc");
	assert_string_equal(b.data, "abc");
	buf_clear(&b);
	b = (struct buf){ 0 };
	buf_clear(&b);
	assert_string_equal(b.data, "");
}

int main(void)
{
	static struct CMUnitTest tests[8];
	size_t n = 0;

	ADD_TEST(tests, n, buf__starts_as_an_empty_string);
	ADD_TEST(tests, n, buf__keeps_a_nul_after_the_data);
	ADD_TEST(tests, n, buf__stops_at_its_maximum);
	ADD_TEST(tests, n, buf__formats_to_the_last_byte);
	ADD_TEST(tests, n, buf__reserves_and_commits);
	ADD_TEST(tests, n, buf__says_when_there_is_no_memory);
	ADD_TEST(tests, n, buf__takes_a_zeroed_struct);
	return RUN_ADDED("buf", tests, n);
}
