/* SPDX-License-Identifier: Apache-2.0 */
/* test_checker.c - texts and values against what is expected of them. */
#include "filters/checker.h"

#include "core/json.h"
#include "tests/unit/filters/table.h"

#define NO_TOL .abs_tol = -1, .rel_tol = -1
#define EXACT { .kind = CHECKER_EXACT, NO_TOL }
#define TOKENS { .kind = CHECKER_TOKENS, NO_TOL }
#define TOKENS_CASE { .kind = CHECKER_TOKENS, NO_TOL, .case_sensitive = true }
#define TOKENS_SPACE { .kind = CHECKER_TOKENS, NO_TOL, .space_sensitive = true }
#define FLOAT(a, r) { .kind = CHECKER_FLOAT, .abs_tol = (a), .rel_tol = (r) }
#define UNORDERED { .kind = CHECKER_UNORDERED, NO_TOL }

static struct text_case {
	const char *name;
	struct checker checker;
	const char *got, *want;
	bool same;
	size_t line;
} text_cases[] = {
	{ "exact: the same", EXACT, "1 2\n3\n", "1 2\n3\n", true, 0 },
	{ "exact: nothing and nothing", EXACT, "", "", true, 0 },
	{ "exact: no final newline is forgiven", EXACT, "1\n2", "1\n2\n", true, 0 },
	{ "exact: nor one more", EXACT, "1\n2\n", "1\n2", true, 0 },
	{ "exact: two more are not", EXACT, "1\n2\n\n", "1\n2", false, 2 },
	{ "exact: case", EXACT, "Yes\n", "yes\n", false, 1 },
	{ "exact: space at the end of a line", EXACT, "1 \n2\n", "1\n2\n", false, 1 },
	{ "exact: the line is named", EXACT, "1\n2\n4\n", "1\n2\n3\n", false, 3 },
	{ "exact: a prefix is not enough", EXACT, "1\n", "1\n2\n", false, 1 },
	{ "exact: more is too much", EXACT, "1\n2\n", "1\n", false, 1 },
	{ "exact: an empty line for nothing", EXACT, "\n", "", true, 0 },
	{ "tokens: white space is one", TOKENS, "1   2\n\n3", "1 2 3\n", true, 0 },
	{ "tokens: tabs and returns", TOKENS, "1\t2\r\n3", "1 2\n3\n", true, 0 },
	{ "tokens: case does not count", TOKENS, "YES no", "Yes NO", true, 0 },
	{ "tokens: case counts where asked", TOKENS_CASE, "YES", "Yes", false, 1 },
	{ "tokens: one too few", TOKENS, "1 2", "1 2 3", false, 1 },
	{ "tokens: one too many", TOKENS, "1 2 3\n4", "1 2 3", false, 2 },
	{ "tokens: another", TOKENS, "1\n2\n5", "1 2 3", false, 3 },
	{ "tokens: numbers are words", TOKENS, "1.0", "1", false, 1 },
	{ "tokens: nothing against something", TOKENS, "", "1", false, 1 },
	{ "tokens: white and nothing", TOKENS, " \n", "", true, 0 },
	{ "tokens: space counts where asked", TOKENS_SPACE, "1  2", "1 2", false, 1 },
	{ "tokens: the same space", TOKENS_SPACE, "1 2\n", "1 2\n", true, 0 },
	{ "tokens: a missing newline where space counts", TOKENS_SPACE, "1 2", "1 2\n", false, 1 },
	{ "float: within abs", FLOAT(1e-6, -1), "0.3333333", "0.33333333", true, 0 },
	{ "float: not within abs", FLOAT(1e-6, -1), "0.3334", "0.3333", false, 1 },
	{ "float: within rel", FLOAT(-1, 1e-6), "1000000.5", "1000000", true, 0 },
	{ "float: not within rel", FLOAT(-1, 1e-9), "1000000.5", "1000000", false, 1 },
	{ "float: either will do", FLOAT(1e-3, 1e-9), "0.0005", "0", true, 0 },
	{ "float: another notation", FLOAT(1e-9, -1), "1e3", "1000.0", true, 0 },
	{ "float: a word for a number", FLOAT(1e-6, -1), "one", "1", false, 1 },
	{ "float: words as words", FLOAT(1e-6, -1), "Case 1: 2.0000001", "case 1: 2", true, 0 },
	{ "float: a number for a word", FLOAT(1e-6, -1), "1", "one", false, 1 },
	{ "float: nan is never near", FLOAT(1e300, -1), "nan", "1", false, 1 },
	{ "float: inf is never near", FLOAT(1e300, 1e300), "inf", "1", false, 1 },
	{ "float: too large to be finite", FLOAT(1e300, 1e300), "1e999", "1", false, 1 },
	{ "float: what no double holds is a word", FLOAT(-1, 1e-6), "1e400", "1e500", false, 1 },
	{ "float: the same word that no double holds", FLOAT(-1, 1e-6), "1e400", "1e400", true, 0 },
	{ "float: hexadecimal is a word", FLOAT(1, -1), "0x1", "1", false, 1 },
	{ "float: no tolerance is equality of numbers", FLOAT(-1, -1), "2.50", "2.5", true, 0 },
	{ "float: no tolerance and a difference", FLOAT(-1, -1), "2.51", "2.5", false, 1 },
	{ "float: half a number is a word", FLOAT(1, -1), "1x", "1", false, 1 },
	{ "float: a sign alone is a word", FLOAT(1, -1), "-", "0", false, 1 },
	{ "unordered: any order", UNORDERED, "b\na\nc\n", "a\nb\nc\n", true, 0 },
	{ "unordered: space at the ends of lines", UNORDERED, "b \na\r\n", "a\nb\n", true, 0 },
	{ "unordered: empty lines at the end", UNORDERED, "a\n\n\n", "a", true, 0 },
	{ "unordered: how often counts", UNORDERED, "a\na\nb\n", "a\nb\nb\n", false, 0 },
	{ "unordered: one missing", UNORDERED, "a\n", "a\nb\n", false, 0 },
	{ "unordered: nothing and nothing", UNORDERED, "", "\n", true, 0 },
	{ "program: compares nothing here", { .kind = CHECKER_PROGRAM }, "a", "a", false, 0 },
};

static void text_one(void **state)
{
	struct text_case *c = *state;
	bool nomem = true;
	size_t line = 99;

	assert_int_equal(checker_text(&c->checker, c->got, strlen(c->got), c->want, strlen(c->want),
				      &line, &nomem), c->same);
	assert_int_equal(line, c->line);
	assert_false(nomem);
}

static void text_with_nul(void **state)
{
	struct checker c = TOKENS;

	(void)state;
	assert_false(checker_text(&c, "a\0b", 3, "a\0c", 3, NULL, NULL));
	assert_false(checker_text(&c, "a\0b", 3, "a", 1, NULL, NULL));
	c.kind = CHECKER_EXACT;
	assert_true(checker_text(&c, "a\0b", 3, "a\0b", 3, NULL, NULL));
	assert_false(checker_text(&c, "a\0b", 3, "a\0c", 3, NULL, NULL));
}

static void text_without_memory(void **state)
{
	struct checker c = UNORDERED;
	bool nomem;

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		bool same;

		mem_fault_at(nth);
		same = checker_text(&c, "a\nb\n", 4, "b\na\n", 4, NULL, &nomem);
		if (!mem_fault_fired()) {
			mem_fault_at(0);
			assert_true(same);
			assert_true(nth > 1);
			return;
		}
		assert_false(same);
		assert_true(nomem);
	}
}

static struct value_case {
	const char *name;
	struct checker checker;
	const char *got, *want;
	bool same;
} value_cases[] = {
	{ "value: exact", EXACT, "[1,2]", "[1,2]", true },
	{ "value: 1 is 1.0", EXACT, "[1,2]", "[1.0,2.0]", true },
	{ "value: True is 1", EXACT, "true", "1", true },
	{ "value: a list is no tuple", EXACT, "[1]", "{\"$tuple\":[1]}", false },
	{ "value: a str is no int", EXACT, "\"1\"", "1", false },
	{ "value: order counts", EXACT, "[2,1]", "[1,2]", false },
	{ "value: unordered", UNORDERED, "[2,1]", "[1,2]", true },
	{ "value: unordered counts", UNORDERED, "[1,1,2]", "[1,2,2]", false },
	{ "value: unordered is exact below", UNORDERED, "[[2,1]]", "[[1,2]]", false },
	{ "value: near at depth", FLOAT(1e-6, -1), "{\"a\":[0.30000000004]}", "{\"a\":[0.3]}", true },
	{ "value: not near", FLOAT(1e-6, -1), "[0.31]", "[0.3]", false },
	{ "value: near needs the same shape", FLOAT(1e-6, -1), "[0.3]", "0.3", false },
};

static void value_one(void **state)
{
	struct value_case *c = *state;
	struct value_pool *pool = value_pool_new();
	struct error err = ERROR_INIT;
	struct value *got = NULL, *want = NULL;
	json_t *a = json_loads(c->got, JSON_DECODE_ANY, NULL);
	json_t *b = json_loads(c->want, JSON_DECODE_ANY, NULL);
	bool same;

	assert_non_null(pool);
	assert_int_equal(value_from_json(pool, a, NULL, &got, &err), 0);
	assert_int_equal(value_from_json(pool, b, NULL, &want, &err), 0);
	same = checker_value(&c->checker, got, want);
	json_decref(a);
	json_decref(b);
	value_pool_free(pool);
	assert_int_equal(same, c->same);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(text_cases) + ARRAY_SIZE(value_cases) + 2];
	size_t n = 0;

	ADD_ROWS(tests, n, text_cases, text_one);
	ADD_TEST(tests, n, text_with_nul);
	ADD_TEST(tests, n, text_without_memory);
	ADD_ROWS(tests, n, value_cases, value_one);
	return RUN_ADDED("checker", tests, n, NULL, NULL);
}
