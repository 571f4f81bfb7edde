/* SPDX-License-Identifier: Apache-2.0 */
/* test_str.c - strict parsing, globs, UTF-8. */
#include "core/str.h"

#include "tests/unit/core/table.h"

enum parse_kind { NUMBER, SIZE, DURATION };

static struct number_case {
	const char *name;
	enum parse_kind kind;
	const char *text;
	bool ok;
	uint64_t want;
} number_cases[] = {
	{ "u64: zero", NUMBER, "0", true, 0 },
	{ "u64: the largest", NUMBER, "18446744073709551615", true, UINT64_MAX },
	{ "u64: one more", NUMBER, "18446744073709551616", false, 0 },
	{ "u64: nothing", NUMBER, "", false, 0 },
	{ "u64: a sign", NUMBER, "-1", false, 0 },
	{ "u64: a plus", NUMBER, "+1", false, 0 },
	{ "u64: a space", NUMBER, " 1", false, 0 },
	{ "u64: text after", NUMBER, "1x", false, 0 },
	{ "u64: hexadecimal", NUMBER, "0x10", false, 0 },
	{ "size: bytes", SIZE, "512", true, 512 },
	{ "size: K", SIZE, "64K", true, 65536 },
	{ "size: lower case", SIZE, "2m", true, 2097152 },
	{ "size: fraction", SIZE, "1.5G", true, UINT64_C(1610612736) },
	{ "size: T", SIZE, "1T", true, UINT64_C(1) << 40 },
	{ "size: beyond", SIZE, "99999999999T", false, 0 },
	{ "size: unknown unit", SIZE, "5X", false, 0 },
	{ "size: unit alone", SIZE, "G", false, 0 },
	{ "size: negative", SIZE, "-5K", false, 0 },
	{ "size: hexadecimal", SIZE, "0x5K", false, 0 },
	{ "size: nan", SIZE, "nan", false, 0 },
	{ "duration: seconds", DURATION, "90", true, 90000000 },
	{ "duration: s", DURATION, "90s", true, 90000000 },
	{ "duration: ms", DURATION, "250ms", true, 250000 },
	{ "duration: m", DURATION, "15m", true, 900000000 },
	{ "duration: h", DURATION, "8h", true, UINT64_C(28800000000) },
	{ "duration: d", DURATION, "2d", true, UINT64_C(172800000000) },
	{ "duration: half an hour", DURATION, "0.5h", true, 1800000000 },
	{ "duration: clock time", DURATION, "06:00", false, 0 },
	{ "duration: nothing", DURATION, "", false, 0 },
};

static void parses_number(void **state)
{
	const struct number_case *row = *state;
	struct error err = ERROR_INIT;
	uint64_t v = 12345;
	int r;

	if (row->kind == NUMBER)
		r = str_parse_u64(row->text, "--n", 0, UINT64_MAX, &v, &err);
	else if (row->kind == SIZE)
		r = str_parse_size(row->text, "--n", &v, &err);
	else
		r = str_parse_duration(row->text, "--n", &v, &err);
	assert_int_equal(r, row->ok ? 0 : ERR_INPUT);
	assert_true(v == (row->ok ? row->want : 12345));
	if (!row->ok)
		assert_non_null(strstr(err.msg, "--n: "));
}

static void u64__keeps_its_bounds(void **state)
{
	struct error err = ERROR_INIT;
	uint64_t v = 0;

	(void)state;
	assert_int_equal(str_parse_u64("4", "--jobs", 5, 9, &v, &err), ERR_INPUT);
	assert_string_equal(err.msg, "--jobs: '4' is less than 5");
	assert_int_equal(str_parse_u64("10", "--jobs", 5, 9, &v, &err), ERR_INPUT);
	assert_string_equal(err.msg, "--jobs: '10' is more than 9");
	assert_int_equal(str_parse_u64("9", "--jobs", 5, 9, &v, &err), 0);
}

static struct double_case {
	const char *name, *text;
	bool ok;
	double want;
} double_cases[] = {
	{ "double: fraction", "0.25", true, 0.25 }, { "double: exponent", "-1e3", true, -1000 },
	{ "double: point first", ".5", true, .5 },  { "double: nan", "nan", false, 0 },
	{ "double: inf", "inf", false, 0 },	    { "double: overflow", "1e999", false, 0 },
	{ "double: hexadecimal", "0x1p3", false, 0 }, { "double: text after", "1.5x", false, 0 },
	{ "double: two points", "1.2.3", false, 0 }, { "double: nothing", "", false, 0 },
	{ "double: beyond the maximum", "2000", false, 0 }, { "double: space", " 1", false, 0 },
};

static void parses_double(void **state)
{
	const struct double_case *row = *state;
	double v = 0;

	assert_int_equal(str_parse_double(row->text, "x", -1000, 1000, &v, NULL),
			 row->ok ? 0 : ERR_INPUT);
	assert_true(v == row->want);
}

static struct glob_case {
	const char *name, *pattern, *text;
	bool match;
} glob_cases[] = {
	{ "glob: plain", "abc", "abc", true },
	{ "glob: shorter", "abc", "ab", false },
	{ "glob: longer", "ab", "abc", false },
	{ "glob: star", "*", "", true },
	{ "glob: star within", "a*c", "abbbc", true },
	{ "glob: stars", "*a*b*", "xxaxxbxx", true },
	{ "glob: star, no match", "a*c", "abbb", false },
	{ "glob: question mark", "a?c", "abc", true },
	{ "glob: question mark needs one", "a?", "a", false },
	{ "glob: set", "[abc]x", "bx", true },
	{ "glob: not in set", "[abc]x", "dx", false },
	{ "glob: range", "T/[0-9]", "T/5", true },
	{ "glob: negated", "[!a]", "a", false },
	{ "glob: bracket first in a set", "[]]", "]", true },
	{ "glob: bracket never closed", "[a", "[a", true },
	{ "glob: empty both", "", "", true },
	{ "glob: slashes are ordinary", "Human*/1", "HumanEval/1", true },
	{ "glob: many stars stay quick", "*a*a*a*a*a*a*a*a*b",
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

static void globs(void **state)
{
	const struct glob_case *row = *state;

	assert_int_equal(str_glob(row->pattern, row->text), row->match);
}

static struct utf8_case {
	const char *name, *text;
	size_t want;
} utf8_cases[] = {
	{ "utf8: ascii", "abc", 3 },
	{ "utf8: two, three and four bytes", "\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", 9 },
	{ "utf8: a continuation alone", "a\x80", 1 },
	{ "utf8: overlong slash", "\xc0\xaf", 0 },
	{ "utf8: overlong of three", "a\xe0\x80\xaf", 1 },
	{ "utf8: surrogate", "ab\xed\xa0\x80", 2 },
	{ "utf8: beyond the last", "\xf4\x90\x80\x80", 0 },
	{ "utf8: cut", "ab\xe6\x97", 2 },
	{ "utf8: bad byte", "\xff", 0 },
	{ "utf8: the last of all", "\xf4\x8f\xbf\xbf", 4 },
};

static void utf8(void **state)
{
	const struct utf8_case *row = *state;

	assert_int_equal(str_utf8_valid(row->text, strlen(row->text)), row->want);
}

static void str__splits(void **state)
{
	char **list = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(str_split("a,,bc", ',', &list, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(list[0], "a");
	assert_string_equal(list[1], "");
	assert_string_equal(list[2], "bc");
	assert_null(list[3]);
	str_list_free(list);
	for (unsigned long nth = 1;; nth++) {
		int r;

		mem_fault_at(nth);
		r = str_split("a,b", ',', &list, &n, NULL);
		if (!mem_fault_fired()) {
			str_list_free(list);
			break;
		}
		assert_int_equal(r, ERR_NOMEM);
	}
	mem_fault_at(0);
	str_list_free(NULL);
}

static void str__compares(void **state)
{
	(void)state;
	assert_true(str_eq(NULL, NULL) && str_eq("a", "a"));
	assert_false(str_eq(NULL, "a") || str_eq("a", NULL) || str_eq("a", "b"));
	assert_true(str_starts("abc", "ab") && !str_starts("ab", "abc"));
	assert_true(str_ends("a.jsonl", ".jsonl") && !str_ends("l", ".jsonl"));
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(number_cases) + ARRAY_SIZE(double_cases) +
				       ARRAY_SIZE(glob_cases) + ARRAY_SIZE(utf8_cases) + 3];
	size_t n = 0;

	ADD_ROWS(tests, n, number_cases, parses_number);
	ADD_ROWS(tests, n, double_cases, parses_double);
	ADD_ROWS(tests, n, glob_cases, globs);
	ADD_ROWS(tests, n, utf8_cases, utf8);
	ADD_TEST(tests, n, u64__keeps_its_bounds);
	ADD_TEST(tests, n, str__splits);
	ADD_TEST(tests, n, str__compares);
	return RUN_ADDED("str", tests, n);
}
