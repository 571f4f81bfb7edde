/* SPDX-License-Identifier: Apache-2.0 */
/* test_import.c - line formats, detection, and what is wrong with a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "import_fixture.h"

#define NATIVE(id) "{\"task_id\":\"" id "\",\"prompt\":\"p\",\"entry_point\":\"f\",\"tests\":{\"kind\":\"calls\"," \
		   "\"cases\":[{\"args\":[1],\"expect\":2}]}}\n"
#define HUMAN                                                                                                  \
	"{\"task_id\":\"HumanEval/7\",\"prompt\":\"def dbl(x):\\n    \\\"\\\"\\\" Twice.\\n    >>> dbl( 2 )\\n    4\\n" \
	"    >>> dbl('a')\\n    'aa'\\n    \\\"\\\"\\\"\\n\",\"entry_point\":\"dbl\",\"canonical_solution\":"        \
	"\"    return x * 2\\n\",\"test\":\"def check(candidate):\\n    assert candidate(1) == 2\\n"             \
	"    assert candidate(2) == 4\\n    assert candidate(\\\"a\\\") == 'aa'\\n\"}\n"
#define MBPP                                                                                                        \
	"{\"text\":\"Write it.\",\"code\":\"class Pair: pass\\r\\ndef helper(x):\\r\\n  return x\\r\\ndef is_it(x):\\r\\n" \
	"  return helper(x)\",\"task_id\":11,\"test_setup_code\":\"root = Pair()\",\"test_list\":[\"assert (is_it(root)) == 1\"," \
	"\"assert is_it(2)\"],\"challenge_test_list\":[\"assert is_it(3)\"]}\n"

/* --- what is refused, each with its place --- */

struct bad_case { const char *name, *file, *text, *format, *want; };
static struct bad_case bad_cases[] = {
	{ "bad: a truncated line", "a.tasks.jsonl", NATIVE("a") "{\"task_id\":\"b\",\"prom", NULL, "a.tasks.jsonl:2:|truncated" },
	{ "bad: no object", "a.tasks.jsonl", "[1]\n", NULL, "a.tasks.jsonl:1:|object" },
	{ "bad: invalid UTF-8", "a.tasks.jsonl", NATIVE("a") "{\"task_id\":\"\xff\"}\n", NULL, "a.tasks.jsonl:2:|UTF-8|byte 13" },
	{ "bad: two of one id", "a.tasks.jsonl", NATIVE("a") "\n" NATIVE("a"), NULL, "a.tasks.jsonl:3:|two tasks of one id|'a'|a.tasks.jsonl:1" },
	{ "bad: empty file", "a.tasks.jsonl", "", NULL, "a.tasks.jsonl|no tasks" },
	{ "bad: blank lines alone", "a.tasks.jsonl", "\n  \n", NULL, "a.tasks.jsonl|no tasks" },
	{ "bad: no tests", "a.tasks.jsonl", "{\"task_id\":\"a\",\"prompt\":\"p\"}\n", "native", "a.tasks.jsonl:1:|tests" },
	{ "bad: no cases", "a.tasks.jsonl", "{\"task_id\":\"a\",\"prompt\":\"p\",\"entry_point\":\"f\",\"tests\":{\"kind\":\"calls\",\"cases\":[]}}\n",
	  NULL, "a.tasks.jsonl:1:|tests" },
	{ "bad: keys of no format", "a.jsonl", "{\"question\":1}\n", NULL, "a.jsonl:1:|unknown format" },
	{ "bad: tests of another language", "a.jsonl", "{\"task_id\":\"MBCPP/1\",\"prompt\":\"p\",\"entry_point\":\"f\",\"test\":\"t\",\"language\":\"cpp\"}\n",
	  NULL, "a.jsonl:1:|unknown format|cpp" },
	{ "bad: the same, though named humaneval", "a.jsonl", "{\"task_id\":\"MBCPP/1\",\"prompt\":\"p\",\"entry_point\":\"f\",\"test\":\"t\",\"language\":\"cpp\"}\n",
	  "humaneval", "a.jsonl:1:|not this format|cpp" },
	{ "bad: humaneval without tests", "a.jsonl", "{\"task_id\":\"H/1\",\"prompt\":\"p\",\"entry_point\":\"f\"}\n", "humaneval", "a.jsonl:1:|H/1|no tests" },
	{ "bad: humaneval without an entry point", "a.jsonl", "{\"task_id\":\"H/1\",\"prompt\":\"p\",\"test\":\"t\"}\n", "humaneval", "a.jsonl:1:|entry_point|missing" },
	{ "bad: mbpp without tests", "a.jsonl", "{\"task_id\":1,\"text\":\"p\",\"code\":\"def f(): pass\",\"test_list\":[]}\n", "mbpp", "a.jsonl:1:|MBPP/1|no tests" },
	{ "bad: mbpp whose code defines nothing", "a.jsonl", "{\"task_id\":1,\"text\":\"p\",\"code\":\"1\",\"test_list\":[\"assert f(1)\"]}\n", NULL, "a.jsonl:1:|MBPP/1|defines" },
	{ "bad: mbpp with a number for an assert", "a.jsonl", "{\"task_id\":1,\"text\":\"p\",\"code\":\"def f(): pass\",\"test_list\":[1]}\n", NULL, "a.jsonl:1:|test_list[0]" },
	{ "bad: a format that is none", "a.jsonl", NATIVE("a"), "apps", "unknown format 'apps'|native|humaneval" },
	{ "bad: a file is no package", "a.jsonl", NATIVE("a"), "icpc", "icpc" },
	{ "bad: a case file out of the folder", "a.tasks.jsonl", "{\"task_id\":\"a\",\"prompt\":\"p\",\"tests\":{\"kind\":\"stdio\",\"cases\":[{\"in_file\":\"../x\",\"out\":\"\"}]}}\n",
	  NULL, "a.tasks.jsonl:1:|in_file|../x" },
	{ "bad: a case file at the root", "a.tasks.jsonl", "{\"task_id\":\"a\",\"prompt\":\"p\",\"tests\":{\"kind\":\"stdio\",\"cases\":[{\"in\":\"\",\"out_file\":\"/etc/passwd\"}]}}\n",
	  NULL, "a.tasks.jsonl:1:|out_file|/etc/passwd" },
	{ "bad: a case file that is missing", "a.tasks.jsonl", "{\"task_id\":\"a\",\"prompt\":\"p\",\"tests\":{\"kind\":\"stdio\",\"cases\":[{\"in_file\":\"x.in\",\"out\":\"\"}]}}\n",
	  NULL, "a.tasks.jsonl:1:|in_file|no such file|x.in" },
	{ "bad: gzip that is cut off", "a.tasks.jsonl", "\x1f\x8b\x08\x00\x00", NULL, "a.tasks.jsonl" },
};

static void bad_run(void **state)
{
	const struct bad_case *c = *state;
	struct imported *f;
	void *own;

	assert_int_equal(imported_setup(&own), 0);
	f = own;
	imported_put(f, c->file, c->text);
	imported_run(f, c->file, c->format, false);
	imported_expect_error(f, c->want);
	imported_teardown(&own);
}

static void bad__gzip_names_the_file(void **state)
{
	struct imported *f = *state;

	imported_put_bytes(f, "a.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
	imported_run(f, "a.gz", NULL, false);
	assert_true(f->r < 0);
	assert_non_null(strstr(f->err.msg, "a.gz"));
}

static void missing__is_not_found(void **state)
{
	struct imported *f = *state;

	assert_int_equal(imported_run(f, "none.jsonl", NULL, false), ERR_NOTFOUND);
	assert_non_null(strstr(f->err.msg, "none.jsonl"));
}

static void skip_bad__takes_the_rest_and_lists_what_it_left(void **state)
{
	struct imported *f = *state;

	imported_put(f, "a.tasks.jsonl", NATIVE("a") "{broken\n" NATIVE("a") NATIVE("b") "{\"task_id\":\"c\"}\n");
	assert_int_equal(imported_run(f, "a.tasks.jsonl", NULL, true), 0);
	assert_int_equal(f->got.n, 2);
	assert_string_equal(f->got.tasks[1]->id, "b");
	assert_int_equal(f->got.n_left, 3);
	assert_non_null(strstr(f->got.left[0], "a.tasks.jsonl:2:"));
	assert_non_null(strstr(f->got.left[1], "a.tasks.jsonl:3:"));
	assert_non_null(strstr(f->got.left[2], "a.tasks.jsonl:5:"));
}

/* --- native --- */

static void native__embeds_the_files_of_cases(void **state)
{
	struct imported *f = *state;

	imported_put(f, "data/1.in", "1 2\n");
	imported_put(f, "data/1.out", "3\n");
	imported_put(f, "a.tasks.jsonl", "\n{\"task_id\":\"a\",\"prompt\":\"p\",\"tests\":{\"kind\":\"stdio\",\"cases\":["
		     "{\"in_file\":\"data/1.in\",\"out_file\":\"./data/1.out\",\"visible\":true}]}}\r\n\n");
	if (imported_run(f, "a.tasks.jsonl", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	assert_string_equal(f->got.format, "native");
	assert_true(str_ends(f->got.where[0], "a.tasks.jsonl:2"));
	assert_string_equal(f->got.tasks[0]->cases[0].in, "1 2\n");
	assert_string_equal(f->got.tasks[0]->cases[0].out, "3\n");
	assert_true(f->got.tasks[0]->cases[0].visible);
	assert_null(imported_member(f, 0, "tests.cases.0.in_file"));
}

static void native__takes_a_split_where_none_is_given(void **state)
{
	struct imported *f = *state;
	struct import_options opt = { .split = "holdout" };
	const char *paths[] = { NULL, NULL };

	imported_put(f, "a.tasks.jsonl", NATIVE("a"));
	paths[0] = f->path;
	assert_int_equal(import_paths(paths, &opt, &f->got, &f->err), 0);
	assert_string_equal(f->got.tasks[0]->split, "holdout");
}

static void paths__share_one_set_of_ids(void **state)
{
	struct imported *f = *state;
	struct import_options opt = { 0 };
	char *a;
	const char *paths[3] = { NULL };

	imported_put(f, "a.tasks.jsonl", NATIVE("a"));
	a = mem_strdup(f->path);
	imported_put(f, "b.jsonl", HUMAN);
	paths[0] = a;
	paths[1] = f->path;
	assert_int_equal(import_paths(paths, &opt, &f->got, &f->err), 0);
	assert_int_equal(f->got.n, 2);
	assert_string_equal(f->got.format, "native");
	import_result_clear(&f->got);
	imported_put(f, "b.jsonl", NATIVE("a"));
	paths[1] = f->path;
	f->r = import_paths(paths, &opt, &f->got, &f->err);
	imported_expect_error(f, "b.jsonl:1:|two tasks of one id|a.tasks.jsonl:1");
	mem_free(a);
}

/* --- humaneval --- */

static void humaneval__marks_what_the_docstring_shows(void **state)
{
	struct imported *f = *state;
	const struct task *t;

	imported_put(f, "h.jsonl", HUMAN);
	if (imported_run(f, "h.jsonl", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	t = f->got.tasks[0];
	assert_string_equal(f->got.format, "humaneval");
	assert_string_equal(t->id, "HumanEval/7");
	assert_string_equal(t->source, "humaneval");
	assert_string_equal(t->prompt_language, "python");
	assert_int_equal(t->kind, TESTS_CHECK);
	assert_int_equal(t->n_visible_asserts, 2);
	assert_int_equal(t->visible_asserts[0], 1);
	assert_int_equal(t->visible_asserts[1], 2);
	assert_string_equal(imported_text(f, 0, "tests.examples.0"), ">>> dbl( 2 )\n4");
	assert_string_equal(imported_text(f, 0, "tests.examples.1"), ">>> dbl('a')\n'aa'");
	assert_true(str_ends(imported_text(f, 0, "solutions.python"), "\"\"\"\n    return x * 2\n"));
	assert_true(str_starts(imported_text(f, 0, "solutions.python"), "def dbl(x):\n"));
}

static void humaneval__reads_gzip(void **state)
{
	struct imported *f = *state;
	struct compressor *c;
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(compressor_new(COMPRESS_GZIP, &c, NULL), 0);
	assert_int_equal(compressor_add(c, HUMAN, strlen(HUMAN), &b, NULL), 0);
	assert_int_equal(compressor_end(c, &b, NULL), 0);
	compressor_free(c);
	imported_put_bytes(f, "h.jsonl.gz", b.data, b.len);
	buf_clear(&b);
	assert_int_equal(imported_run(f, "h.jsonl.gz", NULL, false), 0);
	assert_int_equal(f->got.n, 1);
}

static void humaneval__keeps_evalplus_fields_and_takes_no_null_solution(void **state)
{
	struct imported *f = *state;

	imported_put(f, "h.jsonl", "{\"task_id\":\"MBPP/3\",\"prompt\":\"def f(x):\\n\",\"entry_point\":\"f\",\"canonical_solution\":null,"
		     "\"test\":\"def check(candidate):\\n    assert candidate(1)\\n\",\"language\":\"python\",\"description\":\"d\","
		     "\"plus_input\":[[1],[2]],\"base_input\":[[3]],\"atol\":0,\"contract\":\"\"}\n"
		     "{\"task_id\":\"Other/3\",\"prompt\":\"def f(x):\\n\",\"entry_point\":\"f\",\"assertion\":\"assert f(1)\"}\n");
	if (imported_run(f, "h.jsonl", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	assert_string_equal(f->got.tasks[0]->source, "mbxp");
	assert_string_equal(f->got.tasks[1]->source, "other");
	assert_null(imported_member(f, 0, "solutions"));
	assert_int_equal(json_array_size(imported_member(f, 0, "meta.plus_input")), 2);
	assert_string_equal(imported_text(f, 0, "meta.description"), "d");
	assert_string_equal(f->got.tasks[1]->check, "assert f(1)");
	assert_int_equal(f->got.tasks[0]->n_visible_asserts, 0);
}

/* --- mbpp --- */

static void mbpp__joins_setup_and_asserts(void **state)
{
	struct imported *f = *state;
	const struct task *t;

	imported_put(f, "m.jsonl", MBPP);
	if (imported_run(f, "m.jsonl", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	t = f->got.tasks[0];
	assert_string_equal(f->got.format, "mbpp");
	assert_string_equal(t->id, "MBPP/11");
	assert_string_equal(t->entry_point, "is_it");
	assert_string_equal(t->check, "root = Pair()\nassert (is_it(root)) == 1\nassert is_it(2)\n");
	assert_int_equal(t->n_visible_asserts, 1);
	assert_int_equal(t->visible_asserts[0], 0);
	assert_string_equal(imported_text(f, 0, "tests.examples.0"), "assert (is_it(root)) == 1");
	assert_non_null(strstr(imported_text(f, 0, "solutions.python"), "\r\n"));
	assert_int_equal(json_array_size(imported_member(f, 0, "meta.challenge_test_list")), 1);
	assert_null(t->prompt_language);
}

static void mbpp__reads_the_sanitized_variant(void **state)
{
	struct imported *f = *state;

	imported_put(f, "m.jsonl", "{\"prompt\":\"Write it.\",\"code\":\"def g(x): return x\\ndef last(x): return x\",\"task_id\":\"MBPP/2\","
		     "\"test_imports\":[\"import math\",\"assert math\"],\"test_list\":[\"assert set(unknown(1))\"]}\n");
	if (imported_run(f, "m.jsonl", NULL, false) < 0)
		fail_msg("%s", f->err.msg);
	assert_string_equal(f->got.tasks[0]->check, "import math\nassert math\nassert set(unknown(1))\n");
	assert_int_equal(f->got.tasks[0]->visible_asserts[0], 1);
	assert_string_equal(f->got.tasks[0]->entry_point, "last");
}

/* --- every allocation fails in turn --- */

static void memory__each_failure_is_clean(void **state)
{
	struct imported *f = *state;
	unsigned long nth, failures = 0;

	imported_put(f, "data/1.in", "1 2\n");
	imported_put(f, "a.tasks.jsonl", "{\"task_id\":\"a\",\"prompt\":\"p\",\"tests\":{\"kind\":\"stdio\",\"cases\":["
		     "{\"in_file\":\"data/1.in\",\"out\":\"3\"}]}}\n" NATIVE("b"));
	imported_put(f, "h.jsonl", HUMAN);
	for (int which = 0; which < 2; which++)
		for (nth = 1; nth < 5000; nth++) {
			bool fired;

			mem_fault_at(nth);
			imported_run(f, which ? "h.jsonl" : "a.tasks.jsonl", NULL, false);
			fired = mem_fault_fired();
			mem_fault_at(0);
			if (!fired)
				break;
			failures += f->r < 0;
			if (f->r < 0)
				assert_int_equal(f->got.n, 0);
		}
	assert_true(failures > 10);
}

/* --- the real sets --- */

static void real_run(const char *name, size_t n, const char *format, struct imported *f)
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
	assert_string_equal(f->got.format, format);
}

static void real__humaneval(void **state)
{
	struct imported *f = *state;
	size_t visible = 0;

	real_run("humaneval/HumanEval.jsonl", 164, "humaneval", f);
	for (size_t i = 0; i < f->got.n; i++)
		visible += f->got.tasks[i]->n_visible_asserts > 0;
	assert_int_equal(visible, 111);
	/* HumanEval/0: neither of its docstring's calls is among its asserts. */
	assert_int_equal(f->got.tasks[0]->n_visible_asserts, 0);
	assert_int_equal(json_array_size(imported_member(f, 0, "tests.examples")), 2);
}

static void real__mbpp_entry_points(void **state)
{
	struct imported *f = *state, *other;
	void *second;

	real_run("mbpp/mbpp.jsonl", 974, "mbpp", f);
	assert_int_equal(imported_setup(&second), 0);
	other = second;
	real_run("mbxp/mbpp_release_v1.jsonl", 974, "humaneval", other);
	for (size_t i = 0; i < f->got.n; i++) {
		assert_string_equal(f->got.tasks[i]->id, other->got.tasks[i]->id);
		assert_string_equal(f->got.tasks[i]->entry_point, other->got.tasks[i]->entry_point);
	}
	imported_teardown(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, imported_setup, imported_teardown)

int main(void)
{
	const struct CMUnitTest others[] = {
		TEST(bad__gzip_names_the_file), TEST(missing__is_not_found),
		TEST(skip_bad__takes_the_rest_and_lists_what_it_left), TEST(native__embeds_the_files_of_cases),
		TEST(native__takes_a_split_where_none_is_given), TEST(paths__share_one_set_of_ids),
		TEST(humaneval__marks_what_the_docstring_shows), TEST(humaneval__reads_gzip),
		TEST(humaneval__keeps_evalplus_fields_and_takes_no_null_solution), TEST(mbpp__joins_setup_and_asserts),
		TEST(mbpp__reads_the_sanitized_variant), TEST(memory__each_failure_is_clean), TEST(real__humaneval),
		TEST(real__mbpp_entry_points),
	};
	struct CMUnitTest tests[ARRAY_SIZE(bad_cases) + ARRAY_SIZE(others)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = bad_cases[i].name, .test_func = bad_run,
						  .initial_state = &bad_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tests[n++] = others[i];
	return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
