/* SPDX-License-Identifier: Apache-2.0 */
/* test_task.c - the native task format: what is read, what is refused and how that is said. */
#include "core/fs.h"
#include "core/record.h"
#include "core/str.h"

#include "tests/unit/core/table.h"

#define CALLS(cases) "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"f\"," \
		     "\"tests\":{\"kind\":\"calls\",\"cases\":[" cases "]}}"
#define WITH(rest) "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"f\"," rest \
		   ",\"tests\":{\"kind\":\"calls\",\"cases\":[{\"args\":[],\"expect\":1}]}}"
#define TESTS(rest) "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"f\",\"tests\":{" rest "}}"
#define STDIO(rest) TESTS("\"kind\":\"stdio\",\"cases\":[{\"in\":\"1\",\"out\":\"2\"}]" rest)

static int parse(const char *text, struct task **ret, struct error *err)
{
	json_t *j;
	int r = json_parse(text, strlen(text), &j, err);

	return r < 0 ? r : task_parse(j, ret, err);
}

/* --- refused --- */

static struct refused {
	const char *name, *text, *says;
} refused[] = {
	{ "task: an array is not a task", "[]", "task: expected an object" },
	{ "task: no id", "{\"prompt\":\"p\"}", "task_id: is missing" },
	{ "task: empty id", "{\"task_id\":\"\",\"prompt\":\"p\"}", "task_id: is empty" },
	{ "task: id of another type", "{\"task_id\":1}", "task_id: expected a string" },
	{ "task: NUL in a prompt", "{\"task_id\":\"a\",\"prompt\":\"a\\u0000b\"}", "prompt: a NUL" },
	{ "task: unknown key", WITH("\"testz\":1"), "unknown key 'testz'" },
	{ "task: no tests", "{\"task_id\":\"t\",\"prompt\":\"p\"}", "tests: is missing" },
	{ "task: tests are not an object", "{\"task_id\":\"t\",\"prompt\":\"p\",\"tests\":3}",
	  "tests: expected an object" },
	{ "task: no kind", TESTS("\"cases\":[]"), "tests.kind: is missing" },
	{ "task: unknown kind", TESTS("\"kind\":\"x\""), "tests.kind: unknown kind 'x'" },
	{ "task: a command", TESTS("\"kind\":\"command\",\"run\":\"make\""),
	  "tests.kind 'command' cannot be judged yet" },
	{ "task: empty cases", CALLS(""), "tests.cases: a task without tests" },
	{ "task: empty check", TESTS("\"kind\":\"calls\",\"check\":\" \\n\""),
	  "tests.check: a task without tests" },
	{ "task: neither cases nor check", TESTS("\"kind\":\"calls\""), "tests.cases: is missing" },
	{ "task: cases and check", TESTS("\"kind\":\"calls\",\"cases\":[],\"check\":\"x\""),
	  "tests: has both" },
	{ "task: check under stdio", STDIO(",\"check\":\"x\""), "tests.check: is only for" },
	{ "task: unknown key of tests", STDIO(",\"weight\":1"), "tests: unknown key 'weight'" },
	{ "task: visible beside cases", STDIO(",\"visible\":[0]"), "tests.visible: is only for 'check'" },
	{ "task: visible of strings", TESTS("\"kind\":\"calls\",\"check\":\"x\",\"visible\":[\"a\"]"),
	  "tests.visible[0]: expected a number" },
	{ "task: examples", STDIO(",\"examples\":[1]"), "tests.examples[0]: expected a string" },
	{ "task: case without args", CALLS("{\"expect\":1}"), "tests.cases[0].args: is missing" },
	{ "task: case without expect", CALLS("{\"args\":[]}"), "tests.cases[0]: needs 'expect'" },
	{ "task: expect and raises", CALLS("{\"args\":[],\"expect\":1,\"raises\":\"E\"}"),
	  "tests.cases[0]: has both" },
	{ "task: case is no object", CALLS("3"), "tests.cases[0]: expected an object" },
	{ "task: unknown key of a case", CALLS("{\"args\":[],\"expect\":1,\"in\":\"\"}"),
	  "tests.cases[0]: unknown key 'in'" },
	{ "task: visible must be a bool", CALLS("{\"args\":[],\"expect\":1,\"visible\":1}"),
	  "tests.cases[0].visible: expected true or false" },
	{ "task: bad expected value", CALLS("{\"args\":[],\"expect\":[1,{\"$set\":[[1]]}]}"),
	  "tests.cases[0].expect: [1].$set[0]: unhashable list in a set" },
	{ "task: expect_args of another length",
	  CALLS("{\"args\":[1],\"expect\":1,\"expect_args\":[]}"), "expect_args: expected 1" },
	{ "task: script and args", CALLS("{\"args\":[1],\"script\":[{\"new\":\"C\",\"args\":[]}]}"),
	  "has both 'script' and 'args'" },
	{ "task: empty script", CALLS("{\"script\":[]}"), "script: expected a non-empty array" },
	{ "task: script without new", CALLS("{\"script\":[{\"call\":\"m\",\"args\":[]}]}"),
	  "script[0]: the first step must be 'new'" },
	{ "task: step of two kinds", CALLS("{\"script\":[{\"new\":\"C\",\"call\":\"m\",\"args\":[]}]}"),
	  "script[0]: needs either" },
	{ "task: no entry point", "{\"task_id\":\"t\",\"prompt\":\"\",\"tests\":{\"kind\":\"calls\","
				  "\"cases\":[{\"args\":[],\"expect\":1}]}}", "entry_point: is missing" },
	{ "task: stdio without out", TESTS("\"kind\":\"stdio\",\"cases\":[{\"in\":\"\"}]"),
	  "tests.cases[0].out: is missing" },
	{ "task: stdio by file", TESTS("\"kind\":\"stdio\",\"cases\":[{\"in_file\":\"a\"}]"),
	  "must have been read by the importer" },
	{ "task: checker of no kind", STDIO(",\"checker\":\"fuzzy\""), "unknown kind 'fuzzy'" },
	{ "task: tokens of calls", TESTS("\"kind\":\"calls\",\"checker\":\"tokens\",\"cases\":[]"),
	  "'tokens' is only for stdio" },
	{ "task: checker beside check", TESTS("\"kind\":\"calls\",\"check\":\"x\",\"checker\":\"exact\""),
	  "tests.checker: test code compares" },
	{ "task: program by word", STDIO(",\"checker\":\"program\""), "needs an object" },
	{ "task: program without source", STDIO(",\"checker\":{\"kind\":\"program\",\"language\":\"c\"}"),
	  "tests.checker.source: is missing" },
	{ "task: program in no language",
	  STDIO(",\"checker\":{\"kind\":\"program\",\"language\":\"perl\",\"source\":\"1\"}"),
	  "tests.checker.language: expected" },
	{ "task: abs without float", STDIO(",\"checker\":{\"kind\":\"exact\",\"abs\":1}"),
	  "tests.checker.abs: is only for" },
	{ "task: negative abs", STDIO(",\"checker\":{\"kind\":\"float\",\"abs\":-1}"),
	  "tests.checker.abs: expected a number" },
	{ "task: case_sensitive of calls", TESTS("\"kind\":\"calls\",\"cases\":[{\"args\":[],\"expect\":1}],"
						 "\"checker\":{\"kind\":\"exact\",\"case_sensitive\":true}"),
	  "tests.checker.case_sensitive: is only for" },
	{ "task: limit of 0", WITH("\"limits\":{\"cpu_s\":0}"), "limits.cpu_s: expected a number above 0" },
	{ "task: half a process", WITH("\"limits\":{\"processes\":1.5}"), "limits.processes" },
	{ "task: unknown limit", WITH("\"limits\":{\"cpu\":1}"), "limits: unknown key 'cpu'" },
	{ "task: int_bits 32", WITH("\"int_bits\":32"), "int_bits: expected 64" },
	{ "task: tags", WITH("\"tags\":[1]"), "tags[0]: expected a string" },
	{ "task: solutions", WITH("\"solutions\":{\"c\":1}"), "solutions.c: expected a string" },
	{ "task: meta", WITH("\"meta\":[]"), "meta: expected an object" },
	{ "task: signature without params", WITH("\"signature\":{\"returns\":\"int\"}"),
	  "signature.params: expected an array" },
	{ "task: bad type", WITH("\"signature\":{\"params\":[{\"name\":\"x\",\"type\":\"lost\"}]}"),
	  "signature.params[0].type: type 'lost': unknown type at column 1" },
	{ "task: number of arguments", WITH("\"signature\":{\"params\":[{\"name\":\"x\",\"type\":\"int\"}]}"),
	  "tests.cases[0].args: expected 1 arguments, got 0" },
	{ "task: argument by type",
	  "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"f\",\"signature\":{\"params\":"
	  "[{\"name\":\"x\",\"type\":\"list<int>\"}]},\"tests\":{\"kind\":\"calls\",\"cases\":"
	  "[{\"args\":[[1,\"a\"]],\"expect\":1}]}}",
	  "tests.cases[0].args[0]: [1]: expected int or a string of decimal digits" },
};

static void is_refused(void **state)
{
	const struct refused *row = *state;
	struct error err = ERROR_INIT;
	struct task *t = NULL;

	assert_int_equal(parse(row->text, &t, &err), ERR_INPUT);
	assert_null(t);
	if (!strstr(err.msg, row->says))
		fail_msg("said '%s', not '%s'", err.msg, row->says);
}

/* --- read --- */

static struct task *must_parse(const char *text)
{
	struct error err = ERROR_INIT;
	struct task *t = NULL;

	if (parse(text, &t, &err) < 0)
		fail_msg("%s", err.msg);
	return t;
}

static void task__reads_calls(void **state)
{
	struct task *t = must_parse(
		"{\"task_id\":\"sum-list\",\"prompt\":\"Return the sum.\",\"entry_point\":\"sum_list\","
		"\"signature\":{\"params\":[{\"name\":\"xs\",\"type\":\"set<float>\"}],\"returns\":\"int\"},"
		"\"tests\":{\"kind\":\"calls\",\"checker\":{\"kind\":\"float\",\"abs\":0.5},\"cases\":["
		"{\"args\":[[1,2]],\"expect\":\"36893488147419103232\",\"visible\":true},"
		"{\"args\":[[]],\"raises\":\"ValueError\"},{\"args\":[[]],\"expect_args\":[[3]],\"name\":\"n\"}]},"
		"\"limits\":{\"cpu_s\":1.5,\"memory_mib\":256,\"processes\":2},\"int_bits\":64,"
		"\"split\":\"train\",\"tags\":[\"lists\"],\"license\":\"MIT\",\"source\":\"here\","
		"\"solutions\":{\"python\":\"def\"},\"meta\":{\"any\":[1]}}");

	(void)state;
	assert_string_equal(t->id, "sum-list");
	assert_string_equal(t->entry_point, "sum_list");
	assert_true(t->has_signature && t->n_params == 1);
	assert_int_equal(t->kind, TESTS_CASES);
	assert_int_equal(t->n_cases, 3);
	assert_true(t->cases[0].visible && !t->cases[1].visible);
	assert_int_equal(t->cases[0].args->items[0]->kind, VALUE_SET);
	assert_int_equal(t->cases[0].args->items[0]->items[0]->kind, VALUE_FLOAT);
	assert_int_equal(t->cases[0].expect->kind, VALUE_BIGINT);
	assert_string_equal(t->cases[1].raises, "ValueError");
	assert_null(t->cases[1].expect);
	assert_null(t->cases[2].expect);
	assert_non_null(t->cases[2].expect_args);
	assert_string_equal(t->cases[2].name, "n");
	assert_int_equal(t->checker.kind, CHECKER_FLOAT);
	assert_true(t->checker.abs_tol == 0.5 && t->checker.rel_tol < 0);
	assert_true(t->limits.cpu_us == 1500000 && t->limits.wall_us == 0);
	assert_true(t->limits.memory_bytes == UINT64_C(256) << 20 && t->limits.processes == 2);
	assert_int_equal(t->int_bits, 64);
	assert_string_equal(t->license, "MIT");
	task_free(t);
}

static void task__reads_check(void **state)
{
	struct task *t = must_parse("{\"task_id\":\"t\",\"prompt\":\"def f():\\n\",\"prompt_language\":"
				    "\"python\",\"tests\":{\"kind\":\"calls\",\"check\":\"assert f()\","
				    "\"visible\":[0,2],\"examples\":[\"f() == 1\"]}}");

	(void)state;
	assert_int_equal(t->kind, TESTS_CHECK);
	assert_string_equal(t->check, "assert f()");
	assert_int_equal(t->n_visible_asserts, 2);
	assert_int_equal(t->visible_asserts[1], 2);
	assert_string_equal(t->prompt_language, "python");
	assert_null(t->entry_point);
	assert_int_equal(t->returns->kind, TYPE_ANY);
	task_free(t);
}

static void task__reads_stdio(void **state)
{
	struct task *t = must_parse(STDIO(",\"checker\":{\"kind\":\"program\",\"language\":\"cpp\","
					  "\"source\":\"int main\",\"args\":[\"a\"]}"));
	struct task *plain = must_parse(STDIO("")), *loose = must_parse(STDIO(",\"checker\":\"float\""));

	(void)state;
	assert_int_equal(t->kind, TESTS_STDIO);
	assert_string_equal(t->cases[0].in, "1");
	assert_int_equal(t->cases[0].out_len, 1);
	assert_int_equal(t->checker.kind, CHECKER_PROGRAM);
	assert_int_equal(json_array_size(t->checker.args), 1);
	assert_int_equal(plain->checker.kind, CHECKER_TOKENS);
	assert_false(plain->checker.case_sensitive);
	assert_true(loose->checker.abs_tol == 1e-6 && loose->checker.rel_tol == 1e-6);
	task_free(t);
	task_free(plain);
	task_free(loose);
}

static void task__reads_scripts(void **state)
{
	struct task *t = must_parse(
		"{\"task_id\":\"t\",\"prompt\":\"p\",\"tests\":{\"kind\":\"calls\",\"cases\":[{\"script\":["
		"{\"new\":\"C\",\"args\":[1]},{\"call\":\"m\",\"args\":[],\"expect\":2},"
		"{\"call\":\"m\",\"args\":[],\"raises\":\"E\"}]}]}}");

	(void)state;
	assert_int_equal(t->cases[0].n_script, 3);
	assert_true(t->cases[0].script[0].is_new);
	assert_string_equal(t->cases[0].script[1].name, "m");
	assert_int_equal(t->cases[0].script[1].expect->integer, 2);
	assert_string_equal(t->cases[0].script[2].raises, "E");
	task_free(t);
}

/* --- digests --- */

static struct digests {
	const char *name, *a, *b;
	bool same_task, same_tests;
} digests[] = {
	{ "task digest: the order of keys makes no difference", WITH("\"split\":\"a\",\"license\":\"b\""),
	  WITH("\"license\":\"b\",\"split\":\"a\""), true, true },
	{ "task digest: limits, tags and splits are not of the tests", WITH("\"limits\":{\"cpu_s\":1}"),
	  WITH("\"tags\":[\"a\"]"), false, true },
	{ "task digest: visible and names are not of the tests",
	  CALLS("{\"args\":[],\"expect\":1,\"visible\":true,\"name\":\"a\"}"),
	  CALLS("{\"args\":[],\"expect\":1}"), false, true },
	{ "task digest: an expected value is", CALLS("{\"args\":[],\"expect\":1}"),
	  CALLS("{\"args\":[],\"expect\":1.0}"), false, false },
	{ "task digest: int_bits is", WITH("\"int_bits\":64"), WITH("\"split\":\"a\""), false, false },
	{ "task digest: a prompt for people is not",
	  "{\"task_id\":\"t\",\"prompt\":\"a\",\"tests\":{\"kind\":\"stdio\",\"cases\":[{\"in\":\"\",\"out\":\"\"}]}}",
	  "{\"task_id\":\"u\",\"prompt\":\"b\",\"tests\":{\"kind\":\"stdio\",\"cases\":[{\"in\":\"\",\"out\":\"\"}]}}",
	  false, true },
	{ "task digest: a prompt that tests may use is",
	  "{\"task_id\":\"t\",\"prompt\":\"a\",\"tests\":{\"kind\":\"calls\",\"check\":\"x\"}}",
	  "{\"task_id\":\"t\",\"prompt\":\"b\",\"tests\":{\"kind\":\"calls\",\"check\":\"x\"}}", false, false },
	{ "task digest: examples and visible asserts are not",
	  "{\"task_id\":\"t\",\"prompt\":\"a\",\"tests\":{\"kind\":\"calls\",\"check\":\"x\",\"visible\":[1]}}",
	  "{\"task_id\":\"t\",\"prompt\":\"a\",\"tests\":{\"kind\":\"calls\",\"check\":\"x\",\"examples\":[]}}",
	  false, true },
};

static void compares_digests(void **state)
{
	const struct digests *row = *state;
	struct task *a = must_parse(row->a), *b = must_parse(row->b);

	assert_int_equal(memcmp(a->digest, b->digest, sizeof(a->digest)) == 0, row->same_task);
	assert_int_equal(memcmp(a->tests_digest, b->tests_digest, sizeof(a->tests_digest)) == 0,
			 row->same_tests);
	task_free(a);
	task_free(b);
}

/* --- the schema --- */

static struct lists {
	const char *name, *object, *def;
} lists[] = {
	{ "task schema: task", "task", NULL },
	{ "task schema: signature", "signature", "signature" },
	{ "task schema: param", "param", "param" },
	{ "task schema: tests", "tests", "tests" },
	{ "task schema: case of calls", "calls_case", "calls_case" },
	{ "task schema: case of stdio", "stdio_case", "stdio_case" },
	{ "task schema: step of a script", "script_step", "script_step" },
	{ "task schema: limits", "limits", "limits" },
	{ "task schema: checker", "checker", "checker" },
};

static void schema_has_the_same_keys(void **state)
{
	const struct lists *row = *state;
	const char *const *keys = task_keys(row->object);
	struct error err = ERROR_INIT;
	json_t *schema = NULL, *obj;
	struct buf text;
	size_t n = 0;

	buf_init(&text, 1u << 20);
	assert_int_equal(fs_read_file("docs/formats/task.schema.json", &text, &err), 0);
	assert_int_equal(json_parse(text.data, text.len, &schema, &err), 0);
	obj = row->def ? json_object_get(json_object_get(schema, "$defs"), row->def) : schema;
	if (row->def && str_eq(row->def, "checker"))
		obj = json_array_get(json_object_get(obj, "oneOf"), 1);
	obj = json_object_get(obj, "properties");
	assert_non_null(keys);
	for (; keys[n]; n++)
		if (!json_object_get(obj, keys[n]))
			fail_msg("'%s' is not in the schema", keys[n]);
	assert_int_equal(json_object_size(obj), n);
	json_decref(schema);
	buf_clear(&text);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(refused) + ARRAY_SIZE(digests) + ARRAY_SIZE(lists) + 8];
	size_t n = 0;

	ADD_ROWS(tests, n, refused, is_refused);
	ADD_ROWS(tests, n, digests, compares_digests);
	ADD_ROWS(tests, n, lists, schema_has_the_same_keys);
	ADD_TEST(tests, n, task__reads_calls);
	ADD_TEST(tests, n, task__reads_check);
	ADD_TEST(tests, n, task__reads_stdio);
	ADD_TEST(tests, n, task__reads_scripts);
	return RUN_ADDED("task", tests, n);
}
