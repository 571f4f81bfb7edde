/* SPDX-License-Identifier: Apache-2.0 */
/* test_answer.c - tables, JSON lines and text made safe for terminals, as they come out of stdout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "rollout/answer.h"
#include "rollout/base64.h"
#include "rollout/bench.h"

static FILE *saved;
static char *text;
static size_t text_len;

/* stdout becomes memory, so that what is printed can be compared. */
static int catch(void **state)
{
	(void) state;
	saved = stdout;
	stdout = open_memstream(&text, &text_len);
	return stdout ? 0 : -1;
}

static int release(void **state)
{
	(void) state;
	if (stdout != saved)
		(void) fclose(stdout);
	stdout = saved;
	free(text);
	text = NULL;
	return 0;
}

static char *caught(void)
{
	(void) fclose(stdout);
	stdout = saved;
	return text;
}

static void table__aligns_words_left_and_numbers_right(void **state)
{
	static const char *const titles[] = { "name", "n", "note" };
	struct table *t;

	(void) state;
	assert_int_equal(table_new(3, titles, &t, NULL), 0);
	table_text(t, "häh");
	table_number(t, "%d", 7);
	table_text(t, "x");
	table_text(t, "longer name");
	table_number(t, "%d", 12345);
	table_text(t, NULL);
	assert_int_equal(table_end(t, NULL), 0);
	table_free(t);
	assert_string_equal(caught(), "name             n  note\n"
				      "häh              7  x\n"
				      "longer name  12345\n");
}

static void table__a_word_among_numbers_makes_a_column_of_words(void **state)
{
	static const char *const titles[] = { "n", "m" };
	struct table *t;

	(void) state;
	assert_int_equal(table_new(2, titles, &t, NULL), 0);
	table_number(t, "%d", 7);
	table_number(t, "%d", 1);
	table_text(t, "none");
	table_number(t, "%d", 10);
	assert_int_equal(table_end(t, NULL), 0);
	table_free(t);
	assert_string_equal(caught(), "n      m\n"
				      "7      1\n"
				      "none  10\n");
}

static void table__cells_are_one_safe_line_of_at_most_a_hundred(void **state)
{
	static const char *const titles[] = { "cell" };
	char wide[400], want[500];
	struct table *t;
	size_t n = 0;

	(void) state;
	for (size_t i = 0; i < 101; i++)
		n += (size_t)snprintf(wide + n, sizeof(wide) - n, "ä");
	(void) snprintf(want, sizeof(want), "cell\na\\nb\\tc\\x1b\\x7f\\x9b\n%.*s…\n", (int)n - 2, wide);
	assert_int_equal(table_new(1, titles, &t, NULL), 0);
	table_text(t, "a\nb\tc\x1b\x7f\xc2\x9b");
	table_text(t, wide);
	assert_int_equal(table_end(t, NULL), 0);
	table_free(t);
	assert_string_equal(caught(), want);
}

static void table__streams_past_a_thousand_rows(void **state)
{
	static const char *const titles[] = { "number" };
	struct table *t;
	size_t lines = 0;

	(void) state;
	assert_int_equal(table_new(1, titles, &t, NULL), 0);
	for (int i = 0; i < 3000; i++) {
		table_number(t, "%d", i);
		if (i == 1500) {
			(void) fflush(stdout);
			assert_true(text_len > 0); /* not all is kept back */
		}
	}
	assert_int_equal(table_end(t, NULL), 0);
	table_free(t);
	for (const char *p = caught(); *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 3001);
	assert_non_null(strstr(text, "\n  2999\n"));
}

static void table__tells_of_a_failed_allocation(void **state)
{
	static const char *const titles[] = { "a", "b" };
	unsigned long nth;

	(void) state;
	for (nth = 1; nth < 1000; nth++) {
		struct error err = ERROR_INIT;
		struct table *t = NULL;
		int r;

		mem_fault_at(nth);
		r = table_new(2, titles, &t, &err);
		if (r == 0) {
			table_text(t, "x\n");
			table_number(t, "%d", 1);
			r = table_end(t, &err);
		}
		table_free(t);
		if (!mem_fault_fired()) {
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, ERR_NOMEM);
	}
	mem_fault_at(0);
	assert_true(nth > 5 && nth < 1000);
}

static void answer_json__prints_one_line(void **state)
{
	(void) state;
	assert_int_equal(answer_json(json_pack("{s:s, s:f, s:n}", "z", "a\nb", "a", 0.1, "n"), NULL), 0);
	assert_int_equal(answer_json(NULL, NULL), ERR_NOMEM);
	assert_string_equal(caught(), "{\"z\":\"a\\nb\",\"a\":0.1,\"n\":null}\n");
}

static void base64__is_that_of_the_rfc(void **state)
{
	static const char *const cases[][2] = { { "", "" },	    { "f", "Zg==" },	   { "fo", "Zm8=" },
						{ "foo", "Zm9v" },  { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
						{ "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "//79" } };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got = base64_of(cases[i][0], strlen(cases[i][0]));

		assert_non_null(got);
		assert_string_equal(got, cases[i][1]);
		mem_free(got);
	}
}

static void bench_median__is_the_middle(void **state)
{
	double odd[] = { 5, 1, 3 }, even[] = { 4, 1, 3, 2 }, one[] = { 7 };

	(void) state;
	assert_true(bench_median(odd, 3) == 3);
	assert_true(bench_median(even, 4) == 2.5);
	assert_true(bench_median(one, 1) == 7);
}

/* A measured thing that is always half as fast as its baseline, on a machine whose speed drifts. */
struct drifting {
	double speed;
	unsigned measured, baseline;
};

static int half(void *ctx, unsigned parallel, uint64_t slice_us, double *ret, struct error *err)
{
	struct drifting *d = ctx;

	(void) slice_us;
	(void) err;
	d->measured++;
	*ret = parallel * d->speed / 2;
	return 0;
}

static int whole(void *ctx, unsigned parallel, uint64_t slice_us, double *ret, struct error *err)
{
	struct drifting *d = ctx;

	(void) slice_us;
	(void) err;
	d->baseline++;
	*ret = parallel * d->speed;
	return 0;
}

static int broken(void *ctx, unsigned parallel, uint64_t slice_us, double *ret, struct error *err)
{
	(void) ctx;
	(void) parallel;
	(void) slice_us;
	(void) ret;
	return error_set(err, ERR_IO, "it broke");
}

static void bench_compare__gives_the_ratio_of_neighbours(void **state)
{
	struct drifting d = { .speed = 100 };
	struct bench_pair pair = { .name = "x", .baseline = "y", .measure = half, .measure_baseline = whole, .ctx = &d };
	struct bench_row row;
	struct error err = ERROR_INIT;

	(void) state;
	assert_int_equal(bench_compare(&pair, 2, 7, 0.1, &row, &err), 0);
	assert_true(row.ratio == 0.5 && row.ratio_low == 0.5 && row.ratio_high == 0.5);
	assert_true(row.per_s == 100 && row.baseline_per_s == 200);
	assert_int_equal(d.measured, 8); /* seven and the warm-up */
	assert_int_equal(d.baseline, 8);
	pair.measure_baseline = broken;
	assert_int_equal(bench_compare(&pair, 1, 7, 0.1, &row, &err), ERR_IO);
	assert_string_equal(err.msg, "x: it broke");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(table__aligns_words_left_and_numbers_right, catch, release),
		cmocka_unit_test_setup_teardown(table__a_word_among_numbers_makes_a_column_of_words, catch, release),
		cmocka_unit_test_setup_teardown(table__cells_are_one_safe_line_of_at_most_a_hundred, catch, release),
		cmocka_unit_test_setup_teardown(table__streams_past_a_thousand_rows, catch, release),
		cmocka_unit_test_setup_teardown(table__tells_of_a_failed_allocation, catch, release),
		cmocka_unit_test_setup_teardown(answer_json__prints_one_line, catch, release),
		cmocka_unit_test(base64__is_that_of_the_rfc),
		cmocka_unit_test(bench_median__is_the_middle),
		cmocka_unit_test(bench_compare__gives_the_ratio_of_neighbours),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
