/* SPDX-License-Identifier: Apache-2.0 */
/* test_import_icpc.c - problem packages, and their statements as text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "import_fixture.h"
#include "store/statement.h"

static void put_package(struct imported *f, const char *yaml)
{
	imported_put(f, "sum/problem.yaml", yaml);
	imported_put(f, "sum/problem_statement/problem.en.tex", "\\problemname{Sum}\nAdd.\n");
	imported_put(f, "sum/data/sample/1.in", "1 2\n");
	imported_put(f, "sum/data/sample/1.ans", "3\n");
	imported_put(f, "sum/data/secret/b/2.in", "2 2\n");
	imported_put(f, "sum/data/secret/b/2.ans", "4\n");
	imported_put(f, "sum/data/secret/a.in", "5 5\n");
	imported_put(f, "sum/data/secret/a.ans", "10\n");
}

struct checker_case {
	const char *name, *yaml;
	enum checker_kind kind;
	double abs, rel;
	bool case_sensitive, space_sensitive;
};
static struct checker_case checker_cases[] = {
	{ "checker: tokens by default", "name: Sum\n", CHECKER_TOKENS, -1, -1, false, false },
	{ "checker: validation default says nothing", "validation: default\n", CHECKER_TOKENS, -1, -1, false, false },
	{ "checker: case and space", "validator_flags: case_sensitive space_change_sensitive\n", CHECKER_TOKENS, -1, -1, true, true },
	{ "checker: both tolerances", "validator_flags: float_tolerance 1e-6\n", CHECKER_FLOAT, 1e-6, 1e-6, false, false },
	{ "checker: by the newer name", "output_validator_flags: float_tolerance 1e-6\n", CHECKER_FLOAT, 1e-6, 1e-6, false, false },
	{ "checker: one tolerance", "validator_flags: float_absolute_tolerance 0.5\n", CHECKER_FLOAT, 0.5, -1, false, false },
	{ "checker: two tolerances", "validator_flags: float_absolute_tolerance 0.5 float_relative_tolerance 1e-3 case_sensitive\n",
	  CHECKER_FLOAT, 0.5, 1e-3, true, false },
	{ "checker: flags as a list", "validator_flags: [float_relative_tolerance, 1e-3]\n", CHECKER_FLOAT, -1, 1e-3, false, false },
};

static void checker_run(void **state)
{
	const struct checker_case *c = *state;
	const struct checker *k;
	struct imported *f;
	void *own;

	assert_int_equal(imported_setup(&own), 0);
	f = own;
	put_package(f, c->yaml);
	if (imported_run(f, "sum", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	k = &f->got.tasks[0]->checker;
	assert_int_equal(k->kind, c->kind);
	assert_true(k->abs_tol == c->abs || (k->abs_tol < 0 && c->abs < 0));
	assert_true(k->rel_tol == c->rel || (k->rel_tol < 0 && c->rel < 0));
	assert_int_equal(k->case_sensitive, c->case_sensitive);
	assert_int_equal(k->space_sensitive, c->space_sensitive);
	imported_teardown(&own);
}

static void package__becomes_a_task(void **state)
{
	struct imported *f = *state;
	const struct task *t;

	put_package(f, "name: Sum\nlicense: cc by-sa\nlimits:\n  memory: 512\n  output: 8\n");
	imported_put(f, "sum/.timelimit", "2\n");
	if (imported_run(f, "sum", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	t = f->got.tasks[0];
	assert_string_equal(f->got.format, "icpc");
	assert_string_equal(t->id, "sum");
	assert_string_equal(t->prompt, "\\problemname{Sum}\nAdd.\n");
	assert_string_equal(t->license, "cc by-sa");
	assert_int_equal(t->kind, TESTS_STDIO);
	assert_int_equal(t->n_cases, 3);
	assert_true(t->cases[0].visible);
	assert_false(t->cases[1].visible);
	assert_string_equal(t->cases[1].in, "5 5\n");
	assert_string_equal(t->cases[2].out, "4\n");
	assert_string_equal(imported_text(f, 0, "tests.cases.2.name"), "secret/b/2");
	assert_int_equal(t->limits.cpu_us, 2000000);
	assert_int_equal(t->limits.memory_bytes, UINT64_C(512) << 20);
	assert_int_equal(t->limits.output_bytes, UINT64_C(8) << 20);
}

static void package__with_a_program_checker(void **state)
{
	struct imported *f = *state;

	put_package(f, "validation: custom\nvalidator_flags: strict 7\n");
	imported_put(f, "sum/output_validators/check/v.cpp", "int main(){return 42;}\n");
	if (imported_run(f, "sum", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	assert_int_equal(f->got.tasks[0]->checker.kind, CHECKER_PROGRAM);
	assert_string_equal(f->got.tasks[0]->checker.language, "cpp");
	assert_string_equal(f->got.tasks[0]->checker.source, "int main(){return 42;}\n");
	assert_string_equal(imported_text(f, 0, "tests.checker.args.1"), "7");
}

static void folder__of_packages_in_order(void **state)
{
	struct imported *f = *state;

	put_package(f, "name: Sum\n");
	imported_put(f, "deep/er/z/info.toml", "title = 'Z'\ntimelimit = 2.5\n[[tests]]\nname = 'x'\n[params]\nMAX = 1_000\n");
	imported_put(f, "deep/er/z/data/sample/example_00.in", "1\n");
	imported_put(f, "deep/er/z/data/sample/example_00.ans", "2\n");
	imported_put(f, "deep/er/z/task.md", "## @{keyword.statement}\n@{lang.en}\nUp to @{param.MAX}.\n@{lang.ja}\nJa.\n"
		     "@{lang.end}\n@{example.example_00}\n@{param.NONE}\n");
	if (imported_run(f, "", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	assert_int_equal(f->got.n, 2);
	assert_string_equal(f->got.tasks[0]->id, "z");
	assert_int_equal(f->got.tasks[0]->limits.cpu_us, 2500000);
	assert_string_equal(f->got.tasks[0]->prompt,
			    "## Statement\nUp to 1000.\nInput:\n```\n1\n```\nOutput:\n```\n2\n```\n@{param.NONE}\n");
	assert_string_equal(f->got.tasks[1]->id, "sum");
}

static void titles__with_a_colon_are_read(void **state)
{
	struct imported *f = *state;

	put_package(f, "name: Sum: it's part 1\nauthor: A: B\nvalidator_flags: float_tolerance 1e-6\n");
	if (imported_run(f, "sum", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	assert_int_equal(f->got.tasks[0]->checker.kind, CHECKER_FLOAT);
}

/* --- what is refused --- */

struct refuse_case { const char *name, *file, *text, *want; };
static struct refuse_case refuse_cases[] = {
	{ "refused: an interactive problem", "sum/problem.yaml", "validation: custom interactive\n", "problem.yaml:1|interactive" },
	{ "refused: a problem of type interactive", "sum/problem.yaml", "type: interactive\n", "problem.yaml:1|interactive" },
	{ "refused: custom without a program", "sum/problem.yaml", "validation: custom\n", "sum|output_validators" },
	{ "refused: an unknown flag", "sum/problem.yaml", "validator_flags: fuzzy\n", "sum|unknown validator flag 'fuzzy'" },
	{ "refused: a flag without its number", "sum/problem.yaml", "validator_flags: float_tolerance\n", "sum|needs a number" },
	{ "refused: broken YAML", "sum/problem.yaml", "name: [\n", "problem.yaml" },
	{ "refused: a limit that is none", "sum/problem.yaml", "limits:\n  memory: much\n", "problem.yaml:2" },
	{ "refused: an input without an answer", "sum/data/secret/c.in", "1\n", "c.in|no answer" },
	{ "refused: an answer without an input", "sum/data/secret/c.ans", "1\n", "c.ans|no input" },
	{ "refused: data that is no UTF-8", "sum/data/secret/a.ans", "\xff\xfe", "data/secret/a.ans|UTF-8" },
	{ "refused: flags that differ", "sum/data/testdata.yaml", "output_validator_flags: case_sensitive\n", "testdata.yaml|differ" },
	{ "refused: an empty statement", "sum/problem_statement/problem.en.tex", "", "problem.en.tex|empty" },
	{ "refused: a time limit that is none", "sum/.timelimit", "soon\n", ".timelimit" },
};

static void refuse_run(void **state)
{
	const struct refuse_case *c = *state;
	struct imported *f;
	void *own;

	assert_int_equal(imported_setup(&own), 0);
	f = own;
	put_package(f, "name: Sum\nvalidator_flags: float_tolerance 1e-6\n");
	imported_put(f, c->file, c->text);
	imported_run(f, "sum", NULL, false);
	imported_expect_error(f, c->want);
	/* Beside a good one, skip_bad takes the good one. */
	imported_put(f, "good/problem.yaml", "name: G\n");
	imported_put(f, "good/data/sample/1.in", "");
	imported_put(f, "good/data/sample/1.ans", "");
	imported_put(f, "good/problem_statement/problem.html", "<p>G</p>");
	assert_int_equal(imported_run(f, "", NULL, true), 0);
	assert_int_equal(f->got.n, 1);
	assert_int_equal(f->got.n_left, 1);
	imported_teardown(&own);
}

static void refused__two_validators(void **state)
{
	struct imported *f = *state;

	put_package(f, "validation: custom\n");
	imported_put(f, "sum/output_validators/a.py", "1\n");
	imported_put(f, "sum/output_validators/b.c", "1\n");
	imported_run(f, "sum", NULL, false);
	imported_expect_error(f, "b.c|more than one");
}

static void refused__no_package(void **state)
{
	struct imported *f = *state;

	imported_put(f, "x/readme.txt", "hello");
	imported_run(f, "x", NULL, false);
	imported_expect_error(f, "no problem package");
	put_package(f, "name: Sum\n");
	imported_run(f, "sum", "mbpp", false);
	imported_expect_error(f, "is a folder|mbpp");
}

/* --- HTML --- */

struct html_case { const char *name, *html, *want; };
static struct html_case html_cases[] = {
	{ "html: paragraphs and spaces", "<p>Hello\n   <b>you</b>.</p><p>Two</p>", "Hello you.\n\nTwo\n" },
	{ "html: no head, script, style", "<head><title>T</title><style>p{}</style></head><script>var a='<p>';</script>x", "x\n" },
	{ "html: entities", "a &lt; b &amp;&amp; c &#x2264; d &#65; &unknown; &", "a < b && c \xe2\x89\xa4 d A &unknown; &\n" },
	{ "html: pre keeps its lines", "<pre>\n1  2\n3\n</pre>after", "1  2\n3\n\nafter\n" },
	{ "html: lists", "<ul><li>a</li><li>b</li></ul>", "- a\n- b\n" },
	{ "html: powers", "10<sup>9</sup> and x<sub>i</sub>", "10^9 and x_i\n" },
	{ "html: a lone sign", "1 < 2 <- 3", "1 < 2 <- 3\n" },
	{ "html: comments", "a<!-- <p> -->b", "ab\n" },
	{ "html: cut off", "a<b", "a<b\n" },
	{ "html: nothing", "<p></p>", "" },
};

static void html_run(void **state)
{
	const struct html_case *c = *state;
	cleanup_buf struct buf b;

	buf_init(&b, 4096);
	statement_from_html(c->html, strlen(c->html), &b);
	assert_string_equal(b.data, c->want);
}

/* --- the real packages --- */

static void real_run(struct imported *f, const char *name, size_t n)
{
	const char *data = getenv("WINNOW_DATA");
	struct import_options opt = { 0 };
	const char *paths[] = { NULL, NULL };
	char *path;

	if (!data || !*data) {
		print_message("SKIP: WINNOW_DATA is not set\n");
		skip();
	}
	path = fs_join(data, name);
	paths[0] = path;
	if (import_paths(paths, &opt, &f->got, &f->err) < 0)
		fail_msg("%s", f->err.msg);
	mem_free(path);
	assert_int_equal(f->got.n, n);
}

static void real__library_checker(void **state)
{
	struct imported *f = *state;

	real_run(f, "stdio/library-checker", 8);
	assert_string_equal(f->got.tasks[0]->id, "aplusb");
	assert_int_equal(f->got.tasks[0]->limits.cpu_us, 2000000);
	for (size_t i = 0; i < f->got.n; i++) {
		assert_int_equal(f->got.tasks[i]->checker.kind, CHECKER_TOKENS);
		assert_null(strstr(f->got.tasks[i]->prompt, "@{"));
	}
}

static void real__kattis(void **state)
{
	struct imported *f = *state;

	real_run(f, "stdio/kattis", 1);
	assert_int_equal(f->got.tasks[0]->limits.memory_bytes, UINT64_C(512) << 20);
	assert_int_equal(f->got.tasks[0]->n_cases, 1);
}

static void real__code_jam(void **state)
{
	struct imported *f = *state;

	real_run(f, "stdio/coding-competitions-archive", 25);
	for (size_t i = 0; i < f->got.n; i++) {
		assert_int_equal(f->got.tasks[i]->checker.kind, CHECKER_FLOAT);
		assert_null(strstr(f->got.tasks[i]->prompt, "<p>"));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, imported_setup, imported_teardown)
#define ROWS(table, run)                                                                                  \
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)                                                    \
		tests[n++] = (struct CMUnitTest){ .name = (table)[i].name, .test_func = (run), .initial_state = &(table)[i] }

int main(void)
{
	const struct CMUnitTest others[] = {
		TEST(package__becomes_a_task), TEST(package__with_a_program_checker), TEST(folder__of_packages_in_order),
		TEST(titles__with_a_colon_are_read), TEST(refused__two_validators), TEST(refused__no_package),
		TEST(real__library_checker), TEST(real__kattis), TEST(real__code_jam),
	};
	struct CMUnitTest tests[ARRAY_SIZE(checker_cases) + ARRAY_SIZE(refuse_cases) + ARRAY_SIZE(html_cases) +
				ARRAY_SIZE(others)];
	size_t n = 0;

	ROWS(checker_cases, checker_run);
	ROWS(refuse_cases, refuse_run);
	ROWS(html_cases, html_run);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tests[n++] = others[i];
	return cmocka_run_group_tests_name("import_icpc", tests, NULL, NULL);
}
