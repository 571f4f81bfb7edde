/* SPDX-License-Identifier: Apache-2.0 */
/* test_pytext.c - logical lines, asserts and calls in Python text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "store/pytext.h"

struct asserts_case { const char *name, *text, *want; /* texts joined by '|' */ };
static struct asserts_case asserts_cases[] = {
	{ "asserts: of a module", "import x\nassert a\nassert b == 1\n", "assert a|assert b == 1" },
	{ "asserts: of check only", "assert no\ndef check(c):\n    assert c(1)\n    for i in x:\n        assert c(i)\n"
	  "    assert c(2)\nassert neither\n", "assert c(1)|assert c(2)" },
	{ "asserts: the last check counts", "def check(c):\n\tassert a\ndef check ( c ):\n\tassert b\n", "assert b" },
	{ "asserts: over several lines", "def check(c):\n  assert c([\n 1,\n 2]) == [\n 3\n]\n  assert c(\\\n 4)\n",
	  "assert c([\n 1,\n 2]) == [\n 3\n]|assert c(\\\n 4)" },
	{ "asserts: brackets in strings and comments", "assert f(\"(\") == '['  # ( [\nassert g('''\n)(\n''')\n",
	  "assert f(\"(\") == '['|assert g('''\n)(\n''')" },
	{ "asserts: split by semicolons", "assert a; assert b;\nx = 1; assert c\n", "assert a|assert b|assert c" },
	{ "asserts: not words that begin so", "asserts(a)\nassert_equal(b)\nassert(c)\n", "assert(c)" },
	{ "asserts: CRLF", "root = 1\r\nassert f(root)\r\n\r\nassert g\r\n", "assert f(root)|assert g" },
	{ "asserts: an open bracket takes the rest", "assert f(1\nassert g\n", "assert f(1\nassert g" },
	{ "asserts: a string that never ends", "assert '''a\nassert b", "assert '''a\nassert b" },
	{ "asserts: a backslash at the very end", "assert a\\", "assert a\\" },
	{ "asserts: none", "", "" },
	{ "asserts: comment at column 0 within check", "def check(c):\n    assert a\n# note\n    assert b\n", "assert a|assert b" },
};

static bool join(void *ctx, size_t number, const struct py_line *line)
{
	struct buf *b = ctx;

	if (number)
		buf_addc(b, '|');
	buf_add(b, line->p, line->n);
	return true;
}

static void asserts_run(void **state)
{
	const struct asserts_case *c = *state;
	cleanup_buf struct buf b;

	buf_init(&b, 4096);
	py_each_assert(c->text, strlen(c->text), join, &b);
	assert_string_equal(b.data, c->want);
}

struct call_case { const char *name, *text, *want; };
static struct call_case call_cases[] = {
	{ "calls: plain", "f(1) and f(2, 'x')", "1|2, 'x'" },
	{ "calls: nested", "f(g(1), f(2))", "g(1), f(2)" },
	{ "calls: no definition, no method, no longer name", "def f(a):\n x.f(1); ff(2); f_(3); f (4)", "4" },
	{ "calls: brackets in strings", "f(')', \"(\")", "')', \"(\"" },
	{ "calls: an apostrophe in prose hides none", "don't f(1) can't", "1" },
	{ "calls: an open one is passed over", "f(1, f(2)", "2" },
	{ "calls: empty", "f()", "" },
	{ "calls: at the very end", "f(", "" },
};

static void call_run(void **state)
{
	const struct call_case *c = *state;
	size_t at = 0, n, start;
	cleanup_buf struct buf b;
	const char *args;
	bool any = false;

	buf_init(&b, 4096);
	while (py_find_call(c->text, strlen(c->text), "f", &at, &args, &n, &start)) {
		if (any)
			buf_addc(&b, '|');
		any = true;
		assert_true(start < at);
		buf_add(&b, args, n);
	}
	assert_string_equal(b.data, c->want);
}

static void normalise__drops_space_outside_strings(void **state)
{
	cleanup_buf struct buf b;
	static const char text[] = "[ 1,\n 'a b' , \"c\" ]  # note";

	(void)state;
	buf_init(&b, 4096);
	py_normalise(text, strlen(text), &b);
	assert_string_equal(b.data, "[1,\"a b\",\"c\"]");
}

static void defines__sees_the_top_level(void **state)
{
	static const char code[] = "class A:\r\n    def inner(self): pass\r\nasync def g(): pass\r\nh = lambda x: x\r\n"
				   "def f(x):\r\n    k = 1\r\n    return x == m\r\n";
	static const struct { const char *name; bool want; } table[] = {
		{ "A", true }, { "g", true }, { "h", true }, { "f", true },
		{ "inner", false }, { "k", false }, { "m", false }, { "F", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(py_defines(code, strlen(code), table[i].name, strlen(table[i].name)), table[i].want);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(asserts_cases) + ARRAY_SIZE(call_cases) + 2];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(asserts_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = asserts_cases[i].name, .test_func = asserts_run,
						  .initial_state = &asserts_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(call_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = call_cases[i].name, .test_func = call_run,
						  .initial_state = &call_cases[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(normalise__drops_space_outside_strings);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(defines__sees_the_top_level);
	return cmocka_run_group_tests_name("pytext", tests, NULL, NULL);
}
