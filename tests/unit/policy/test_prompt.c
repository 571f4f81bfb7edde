/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_prompt.c - what the shipped templates make of tasks, letter by letter; that
 * a hidden case never enters; what is wrong with broken templates.
 */
#include "policy/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/fs.h"
#include "core/str.h"
#include "tests/unit/policy/policy_bench.h"

/* --- rendering --- */

static struct render_case {
	const char *name, *task, *language, *title;
	const char *want; /* the last message of chat-v1 */
	const char *conventions;
} render_cases[] = {
	{ "words with a signature and visible cases",
	  "{\"task_id\":\"sum\",\"prompt\":\"Return the sum.\",\"entry_point\":\"total\",\"signature\":{\"params\":[{\"name\":\"xs\","
	  "\"type\":\"list<int>\"}],\"returns\":\"int\"},\"tests\":{\"kind\":\"calls\",\"cases\":[{\"args\":[[1,2]],\"expect\":3,"
	  "\"visible\":true},{\"args\":[[41]],\"expect\":41},{\"args\":[[]],\"raises\":\"ValueError\",\"visible\":true}]}}",
	  "cpp", "C++",
	  "Return the sum.\n\nThe function's signature, in general terms:\n\ntotal(xs: list<int>) -> int\n\nExamples:\n\n"
	  "total([1, 2]) returns 3\ntotal([]) raises ValueError", NULL },
	{ "words with an entry point alone",
	  "{\"task_id\":\"m\",\"prompt\":\"Write it.\",\"entry_point\":\"go\",\"tests\":{\"kind\":\"calls\",\"check\":\"assert go() == 41\","
	  "\"visible\":[0],\"examples\":[\"assert go() == 2\"]}}",
	  "python", "Python",
	  "Write it.\n\nThe function must be called `go`.\n\nExamples:\n\nassert go() == 2", NULL },
	{ "code that a completion continues",
	  "{\"task_id\":\"h\",\"prompt\":\"def f(x):\\n    '''Doc.'''\\n\",\"prompt_language\":\"python\",\"entry_point\":\"f\","
	  "\"tests\":{\"kind\":\"calls\",\"check\":\"def check(candidate):\\n    assert candidate(1) == 41\"}}",
	  "python", "Python",
	  "Complete this Python code. Give the whole of it, with the imports and helpers that it needs.\n\n"
	  "```python\ndef f(x):\n    '''Doc.'''\n```", NULL },
	{ "code of another language",
	  "{\"task_id\":\"h\",\"prompt\":\"def f(x):\\n    '''Doc.'''\\n\",\"prompt_language\":\"python\",\"entry_point\":\"f\","
	  "\"tests\":{\"kind\":\"calls\",\"cases\":[{\"args\":[1],\"expect\":41}]}}",
	  "c", "C",
	  "The start of a program in python specifies a function. Write the function `f` in C instead, together with whatever it "
	  "needs.\n\n```python\ndef f(x):\n    '''Doc.'''\n```\n\nHow values of those types look in C:\n\n- int is `long`.",
	  "- int is `long`.\n" },
	{ "code of the wanted language needs no conventions",
	  "{\"task_id\":\"h\",\"prompt\":\"long f(long x) {\\n\",\"prompt_language\":\"c\",\"entry_point\":\"f\","
	  "\"tests\":{\"kind\":\"calls\",\"cases\":[{\"args\":[1],\"expect\":41}]}}",
	  "c", "C",
	  "Complete this C code. Give the whole of it, with the imports and helpers that it needs.\n\n```c\nlong f(long x) {\n```",
	  "- int is `long`.\n" },
	{ "stdio",
	  "{\"task_id\":\"s\",\"prompt\":\"Add.\",\"tests\":{\"kind\":\"stdio\",\"cases\":[{\"in\":\"1 2\\n\",\"out\":\"3\\n\",\"visible\":true},"
	  "{\"in\":\"40 1\",\"out\":\"41\"},{\"in\":\"\",\"out\":\"0\",\"visible\":true}]}}",
	  "python", NULL,
	  "Add.\n\nWrite a python program that reads its input from standard input and writes its answer to standard output.\n\n"
	  "Examples:\n\nInput:\n```\n1 2\n```\nOutput:\n```\n3\n```\n\nInput:\n```\n\n```\nOutput:\n```\n0\n```", NULL },
	{ "a class",
	  "{\"task_id\":\"c\",\"prompt\":\"A stack.\",\"entry_point\":\"Stack\",\"tests\":{\"kind\":\"calls\",\"cases\":[{\"visible\":true,"
	  "\"script\":[{\"new\":\"Stack\",\"args\":[2]},{\"call\":\"push\",\"args\":[\"a\"],\"expect\":1}]},"
	  "{\"script\":[{\"new\":\"Stack\",\"args\":[41]}]}]}}",
	  "python", "Python",
	  "A stack.\n\nThe function must be called `Stack`.\n\nExamples:\n\nobject = Stack(2)\nobject.push('a') returns 1", NULL },
};

static struct task *parse_task(const char *text)
{
	struct error err = ERROR_INIT;
	struct task *t = NULL;
	json_t *j = NULL;

	if (json_parse(text, strlen(text), &j, &err) < 0 || task_parse(j, &t, &err) < 0)
		fail_msg("%s", err.msg);
	return t;
}

static struct prompt_template *shipped(const char *name)
{
	struct prompt_template *t = NULL;
	struct error err = ERROR_INIT;

	if (prompt_template_open("policy/templates", name, &t, &err) < 0)
		fail_msg("%s", err.msg);
	return t;
}

static void renders(void **state)
{
	const struct render_case *row = *state;
	struct task *task = parse_task(row->task);
	struct prompt_template *t = shipped("chat-v1");
	cleanup_json json_t *messages = NULL;
	struct error err = ERROR_INIT;
	const json_t *last;

	assert_int_equal(prompt_messages(t, task, row->language, row->title, row->conventions, &messages, &err), 0);
	assert_int_equal(json_array_size(messages), 2);
	last = json_array_get(messages, 1);
	assert_string_equal(json_get_str(last, "role"), "user");
	assert_string_equal(json_get_str(last, "content"), row->want);
	assert_null(strstr(json_get_str(last, "content"), "41")); /* each hidden case has a 41 in it */
	assert_string_equal(json_get_str(json_array_get(messages, 0), "role"), "system");
	assert_non_null(strstr(json_get_str(json_array_get(messages, 0), "content"), row->title ? row->title : row->language));
	prompt_template_close(t);
	task_free(task);
}

static void plain__code_as_it_is(void **state)
{
	struct task *task = parse_task(render_cases[2].task);
	struct prompt_template *t = shipped("plain");
	struct error err = ERROR_INIT;
	char *text = NULL;

	(void)state;
	assert_int_equal(prompt_plain(t, task, "python", "Python", NULL, &text, &err), 0);
	assert_string_equal(text, task->prompt);
	mem_free(text);
	assert_string_equal(prompt_template_stop(t)[0], "\nclass");
	assert_string_equal(prompt_template_stop(t)[4], "\nprint");
	assert_null(prompt_template_stop(t)[5]);
	prompt_template_close(t);
	t = shipped("chat-v1");
	assert_null(prompt_template_stop(t));
	assert_int_equal(prompt_plain(t, task, "c", "C", NULL, &text, &err), 0);
	assert_true(str_starts(text, "You are an expert C programmer."));
	assert_non_null(strstr(text, "\n\nThe start of a program in python"));
	mem_free(text);
	prompt_template_close(t);
	task_free(task);
}

static void examples__few_and_short(void **state)
{
	json_t *cases = json_array(), *native;
	char *big = malloc(9001);
	struct prompt_template *t = shipped("chat-v1");
	cleanup_json json_t *messages = NULL;
	struct error err = ERROR_INIT;
	struct task *task = NULL;
	const char *text, *at;
	size_t n = 0;

	(void)state;
	memset(big, 'z', 9000);
	big[9000] = '\0';
	json_array_append_new(cases, json_pack("{s:[s], s:i, s:b}", "args", big, "expect", 1, "visible", 1));
	for (int i = 0; i < 20; i++)
		json_array_append_new(cases, json_pack("{s:[i], s:i, s:b}", "args", i, "expect", i, "visible", 1));
	native = json_pack("{s:s, s:s, s:s, s:{s:s, s:o}}", "task_id", "t", "prompt", "P", "entry_point", "f", "tests", "kind",
			   "calls", "cases", cases);
	assert_int_equal(task_parse(native, &task, &err), 0);
	assert_int_equal(prompt_messages(t, task, "python", NULL, NULL, &messages, &err), 0);
	text = json_get_str(json_array_get(messages, 1), "content");
	assert_null(strstr(text, "zzz"));
	for (at = text; (at = strstr(at, " returns ")) != NULL; at++)
		n++;
	assert_int_equal(n, 8);
	prompt_template_close(t);
	task_free(task);
	free(big);
}

/* --- templates --- */

static char *dir;

static void write_template(const char *yaml, const char *user)
{
	cleanup_mem char *folder = fs_join(dir, "mine");
	cleanup_mem char *yaml_path = fs_join(folder, "template.yaml");
	cleanup_mem char *user_path = fs_join(folder, "user.txt");
	struct error err = ERROR_INIT;

	assert_int_equal(fs_mkdir_all(folder, &err), 0);
	assert_int_equal(fs_write_file(yaml_path, yaml, strlen(yaml), &err), 0);
	assert_int_equal(fs_write_file(user_path, user, strlen(user), &err), 0);
}

#define GOOD_YAML "name: mine\nversion: 3\nmessages:\n  - role: user\n    file: user.txt\n"

static struct bad_case {
	const char *name, *yaml, *user;
	const char *want; /* after the folder's name */
} bad_cases[] = {
	{ "an unknown placeholder", GOOD_YAML, "a\nb {{task.answer}}\n", "/mine/user.txt:2: unknown placeholder '{{task.answer}}'" },
	{ "an unknown condition", GOOD_YAML, "{{#if hidden}}\n", "/mine/user.txt:1: unknown placeholder '{{#if hidden}}'" },
	{ "a condition as text", GOOD_YAML, "\n\n{{stdio}}", "/mine/user.txt:3: '{{stdio}}' has no text: it is for {{#if}} alone" },
	{ "an if without end", GOOD_YAML, "{{#if examples}}\nx\n{{#if stdio}}\n{{/if}}\n", "/mine/user.txt:1: {{#if}} without {{/if}}" },
	{ "an end without if", GOOD_YAML, "x\n{{/if}}\n", "/mine/user.txt:2: {{/if}} without {{#if}}" },
	{ "braces without end", GOOD_YAML, "x\n{{language", "/mine/user.txt:2: '{{' without '}}'" },
	{ "an unknown key", "name: mine\nversion: 1\ncolour: red\nmessages: []\n", "", "/mine/template.yaml:3: unknown key 'colour'" },
	{ "another name", "name: yours\nversion: 1\nmessages: []\n", "",
	  "/mine/template.yaml:1: the name is 'yours', but the folder's is 'mine'" },
	{ "no version", "name: mine\nmessages: []\n", "", "/mine/template.yaml:1: 'version' is missing" },
	{ "no messages", "name: mine\nversion: 1\n", "", "/mine/template.yaml:1: 'messages' is not a list of messages" },
	{ "an unknown role", "name: mine\nversion: 1\nmessages:\n  - role: boss\n    file: user.txt\n", "",
	  "/mine/template.yaml:4: unknown role 'boss'" },
	{ "a file of another folder", "name: mine\nversion: 1\nmessages:\n  - role: user\n    file: ../user.txt\n", "",
	  "/mine/template.yaml:4: file '../user.txt' is not of this folder" },
	{ "bad UTF-8", GOOD_YAML, "a\xff", "/mine/template.yaml:4: " },
};

static void refuses(void **state)
{
	const struct bad_case *row = *state;
	struct prompt_template *t = NULL;
	struct error err = ERROR_INIT;
	size_t n = strlen(dir);

	write_template(row->yaml, row->user);
	assert_int_equal(prompt_template_open(dir, "mine", &t, &err), ERR_INPUT);
	assert_null(t);
	if (strncmp(err.msg, dir, n) != 0 || !str_starts(err.msg + n, row->want))
		fail_msg("'%s' is not DIR'%s'", err.msg, row->want);
}

static void open__no_such_template_lists_what_there_is(void **state)
{
	struct prompt_template *t = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(prompt_template_open("policy/templates", "chat-v9", &t, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "no template 'chat-v9' in 'policy/templates' (there are: chat-v1, plain)");
	assert_int_equal(prompt_template_open("policy/templates", "../x", &t, &err), ERR_INPUT);
}

static void open__the_digest_is_of_all_files(void **state)
{
	struct prompt_template *t = NULL;
	struct error err = ERROR_INIT;
	uint8_t first[HASH_SHA256_BYTES];

	(void)state;
	write_template(GOOD_YAML, "hello {{language}}");
	assert_int_equal(prompt_template_open(dir, "mine", &t, &err), 0);
	assert_string_equal(prompt_template_name(t), "mine");
	assert_string_equal(prompt_template_version(t), "3");
	memcpy(first, prompt_template_digest(t), sizeof(first));
	prompt_template_close(t);
	assert_int_equal(prompt_template_open(dir, "mine", &t, &err), 0);
	assert_memory_equal(first, prompt_template_digest(t), sizeof(first));
	prompt_template_close(t);
	write_template(GOOD_YAML, "hello {{language}}!");
	assert_int_equal(prompt_template_open(dir, "mine", &t, &err), 0);
	assert_memory_not_equal(first, prompt_template_digest(t), sizeof(first));
	cleanup_json json_t *text = prompt_template_text(t);

	assert_string_equal(json_get_str(json_object_get(text, "files"), "user.txt"), "hello {{language}}!");
	assert_string_equal(json_get_str(json_object_get(text, "files"), "template.yaml"), GOOD_YAML);
	prompt_template_close(t);
}

static void dir__from_the_environment(void **state)
{
	(void)state;
	(void)setenv("WINNOW_TEMPLATES", "/some/where", 1);
	assert_string_equal(prompt_default_dir(), "/some/where");
	(void)unsetenv("WINNOW_TEMPLATES");
	assert_true(fs_is_dir(prompt_default_dir()));
}

static int start(void **state)
{
	(void)state;
	dir = mem_printf("%s/winnow-%d-templates", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
	return dir ? 0 : -1;
}

static int stop(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	(void)fs_remove_tree(dir, &err);
	mem_free(dir);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest singles[] = {
		cmocka_unit_test(plain__code_as_it_is),
		cmocka_unit_test(examples__few_and_short),
		cmocka_unit_test(open__no_such_template_lists_what_there_is),
		cmocka_unit_test(open__the_digest_is_of_all_files),
		cmocka_unit_test(dir__from_the_environment),
	};
	struct CMUnitTest tests[ARRAY_SIZE(render_cases) + ARRAY_SIZE(bad_cases) + ARRAY_SIZE(singles)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(render_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = render_cases[i].name, .test_func = renders, .initial_state = &render_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = bad_cases[i].name, .test_func = refuses, .initial_state = &bad_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		tests[n++] = singles[i];
	return cmocka_run_group_tests(tests, start, stop);
}
