/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_policy_command.c - a child that speaks JSON lines: well, badly, slowly, not
 * at all.  The first child is the example of docs/user/adding-a-policy.md itself.
 */
#include "tests/unit/policy/policy_bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/fs.h"
#include "core/str.h"
#include "sandbox/sandbox.h"

static struct sandbox *sandbox;
static struct task *task, *hopeless;

static struct policy_options options(const char *spec)
{
	struct policy_options opt = BENCH_OPTIONS;

	opt.spec = spec;
	opt.sandbox = sandbox;
	return opt;
}

/* A child written in Python, as a file whose name holds a space. */
static char *child(const char *source, char **ret_path)
{
	*ret_path = bench_text("child policy.py", source);
	return mem_printf("command:/usr/bin/python3 '%s' \"an argument\"", *ret_path);
}

static char *doc_example(void)
{
	struct error err = ERROR_INIT;
	struct buf doc;
	char *from, *to, *source;

	buf_init(&doc, 1 << 20);
	if (fs_read_file("docs/user/adding-a-policy.md", &doc, &err) < 0)
		fail_msg("%s", err.msg);
	from = strstr(doc.data, "```python\n");
	assert_non_null(from);
	from += strlen("```python\n");
	to = strstr(from, "```");
	assert_non_null(to);
	source = mem_strndup(from, (size_t)(to - from));
	buf_clear(&doc);
	return source;
}

static void command__the_example_of_the_manual(void **state)
{
	static const bool skip[] = { false, true, false, false };
	cleanup_mem char *source = doc_example();
	cleanup_mem char *path = NULL;
	cleanup_mem char *spec = child(source, &path);
	struct policy_options opt = options(spec);
	struct bench b;

	(void)state;
	bench_open(&b, &opt);
	assert_string_equal(policy_kind(b.policy), "command");
	assert_int_equal(policy_room(b.policy), 64);
	bench_ask(&b, 1, task, 10, 4, skip);
	bench_ask(&b, 2, hopeless, 0, 2, NULL);
	assert_int_equal(policy_room(b.policy), 61); /* two runs of the first, one of the second */
	bench_run(&b, 5);
	assert_int_equal(bench_count(&b, POLICY_OK), 3);
	assert_true(str_starts(bench_find(&b, 1, 10)->text, "def solution(*args):\n    return "));
	assert_int_equal(bench_find(&b, 1, 12)->mode, EXTRACT_SOLUTION);
	(void)bench_find(&b, 1, 13);
	assert_int_equal(bench_find(&b, 2, 1)->status, POLICY_EMPTY);
	assert_string_equal(bench_find(&b, 2, 0)->failure, "no idea");
	assert_int_equal(policy_room(b.policy), 64);
	policy_drain(b.policy, 0);
	bench_run(&b, 0); /* nothing holds the loop any more */
	assert_int_equal(b.n_got, 5);
	bench_close(&b);
	(void)unlink(path);
}

static void command__every_field_arrives(void **state)
{
	static char stop1[] = "END", *stop[] = { stop1, NULL };
	cleanup_mem char *path = NULL;
	cleanup_mem char *spec = child("import json, sys\n"
				       "a = json.loads(sys.stdin.readline())\n"
				       "assert sys.argv[1] == 'an argument'\n"
				       "words = [a['task_id'], a['language'], a['messages'][0]['content'], a['prompt'], str(a['first']),"
				       " str(a['n']), str(a['seed']), json.dumps(a['sampling'], sort_keys=True)]\n"
				       "for i in reversed(range(a['n'])):\n"
				       "  print(json.dumps({'id': a['id'], 'index': a['first'] + i, 'text': '|'.join(words), 'reasoning': 'r',"
				       " 'finish_reason': 'length', 'language': 'c', 'model': 'm', 'fingerprint': 'f', 'token_ids': [1],"
				       " 'logprobs': [0.5, 1]}), flush=True)\n"
				       "sys.stdin.read()\n",
				       &path);
	struct policy_options opt = options(spec);
	const struct got *g;
	struct bench b;

	(void)state;
	opt.sampling = (struct policy_sampling){ 0.5, NAN, 20, stop };
	bench_open(&b, &opt);
	bench_ask(&b, 9, task, 3, 2, NULL);
	bench_run(&b, 2);
	g = bench_find(&b, 9, 3);
	assert_string_equal(g->text, "t/1|python|Write f.|Write f.|3|2|100|{\"max_tokens\": 20, \"stop\": [\"END\"], \"temperature\": 0.5}");
	assert_string_equal(g->reasoning, "r");
	assert_string_equal(g->finish_reason, "length");
	assert_string_equal(g->language, "c");
	assert_string_equal(g->model, "m");
	assert_string_equal(g->fingerprint, "f");
	assert_int_equal(g->n_token_ids, 1);
	assert_int_equal(g->n_logprobs, 2);
	assert_int_equal(g->mode, EXTRACT_CHAT);
	bench_close(&b);
	(void)unlink(path);
}

static void command__large_texts_both_ways(void **state)
{
	cleanup_mem char *path = NULL;
	cleanup_mem char *spec = child("import json, sys\n"
				       "for line in sys.stdin:\n"
				       "  a = json.loads(line)\n"
				       "  print(json.dumps({'id': a['id'], 'index': a['first'], 'text': a['prompt']}), flush=True)\n",
				       &path);
	struct policy_options opt = options(spec);
	char *prompt = malloc(300001);
	struct task *big;
	struct bench b;

	(void)state;
	memset(prompt, 'p', 300000);
	prompt[300000] = '\0';
	big = bench_task("big", "f", prompt, false);
	bench_open(&b, &opt);
	for (int i = 0; i < 20; i++)
		bench_ask(&b, (uint64_t)i, big, 0, 1, NULL);
	bench_run(&b, 20);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(strlen(bench_find(&b, i, 0)->text), 300000);
	bench_close(&b);
	task_free(big);
	free(prompt);
	(void)unlink(path);
}

static struct dead_case {
	const char *name, *source;
	size_t got; /* before that */
	const char *want;
} dead_cases[] = {
	{ "it ends without an answer", "import sys\nsys.stdin.readline()\n", 0, "it ended with requests unanswered" },
	{ "it ends at once", "pass\n", 0, "it ended" },
	{ "it writes words", "import sys\nsys.stdin.readline()\nprint('hello')\n", 0, "a line that is not JSON" },
	{ "it writes a list", "import sys\nsys.stdin.readline()\nprint('[]')\n", 0, "a line that is no answer: not an object: '[]'" },
	{ "an unknown id", "import sys\nsys.stdin.readline()\nprint('{\"id\":7,\"index\":0,\"text\":\"\"}')\n", 0,
	  "'id' is not that of a request" },
	{ "an index that was not asked", "import sys\nsys.stdin.readline()\nprint('{\"id\":0,\"index\":2,\"text\":\"\"}')\n", 0,
	  "'index' was not asked" },
	{ "an index twice",
	  "import sys\nsys.stdin.readline()\nfor i in 1, 2: print('{\"id\":0,\"index\":0,\"text\":\"\"}', flush=True)\n", 1,
	  "'index' was answered before" },
	{ "neither text nor error", "import sys\nsys.stdin.readline()\nprint('{\"id\":0,\"index\":0}')\n", 0, "neither 'text' nor 'error'" },
	{ "an unknown mode", "import sys\nsys.stdin.readline()\nprint('{\"id\":0,\"index\":0,\"text\":\"\",\"mode\":\"x\"}')\n", 0,
	  "'mode' is none of" },
};

static void is_dead(void **state)
{
	const struct dead_case *row = *state;
	cleanup_mem char *path = NULL;
	cleanup_mem char *spec = child(row->source, &path);
	struct policy_options opt = options(spec);
	struct bench b;

	bench_open(&b, &opt);
	bench_ask(&b, 1, task, 0, 2, NULL);
	bench_run(&b, 0);
	assert_true(b.dead);
	assert_int_equal(b.n_got, row->got);
	assert_int_equal(b.why.code, ERR_REMOTE);
	if (!strstr(b.why.msg, row->want))
		fail_msg("'%s' does not hold '%s'", b.why.msg, row->want);
	assert_int_equal(policy_room(b.policy), 0);
	bench_close(&b);
	(void)unlink(path);
}

static void command__silence_is_a_timeout(void **state)
{
	cleanup_mem char *path = NULL;
	cleanup_mem char *spec = child("import json, sys\n"
				       "print('{\"id\":0,\"index\":1,\"text\":\"x\"}') if sys.stdin.readline() else None\n"
				       "sys.stdout.flush()\nsys.stdin.read()\n",
				       &path);
	struct policy_options opt = options(spec);
	struct bench b;

	(void)state;
	opt.request_timeout_us = 1500000; /* enough for the interpreter to start on a busy machine */
	bench_open(&b, &opt);
	bench_ask(&b, 1, task, 0, 3, NULL);
	bench_run(&b, 3);
	assert_int_equal(bench_find(&b, 1, 1)->status, POLICY_OK);
	assert_int_equal(bench_find(&b, 1, 0)->status, POLICY_TIMEOUT);
	assert_int_equal(bench_find(&b, 1, 2)->status, POLICY_TIMEOUT);
	bench_close(&b);
	(void)unlink(path);
}

static void command__drain_waits_for_its_grace_alone(void **state)
{
	cleanup_mem char *path = NULL;
	cleanup_mem char *spec = child("import sys\nsys.stdin.read()\n", &path);
	struct policy_options opt = options(spec);
	uint64_t before = clock_now_us();
	struct bench b;

	(void)state;
	bench_open(&b, &opt);
	bench_ask(&b, 1, task, 0, 3, NULL);
	policy_drain(b.policy, 100000);
	bench_run(&b, 0);
	assert_int_equal(b.n_got, 0);
	assert_false(b.dead);
	assert_true(clock_now_us() - before < 10000000);
	bench_close(&b);
	(void)unlink(path);
}

static struct spec_case {
	const char *name, *spec;
	int code;
	const char *want;
} spec_cases[] = {
	{ "no program", "command: ", ERR_INPUT, "--policy command: no program is named" },
	{ "an open quote", "command:/bin/cat 'x", ERR_INPUT, "--policy command: no closing '" },
	{ "no such program", "command:/nonexistent/policy x", ERR_IO, "--policy command '/nonexistent/policy': " },
};

static void refuses_to_open(void **state)
{
	const struct spec_case *row = *state;
	struct policy_options opt = options(row->spec);
	struct error err = ERROR_INIT;
	struct bench b;

	assert_int_equal(bench_try_open(&b, &opt, &err), row->code);
	if (!str_starts(err.msg, row->want))
		fail_msg("'%s' does not begin with '%s'", err.msg, row->want);
}

static int start(void **state)
{
	struct sandbox_options opt = SANDBOX_OPTIONS_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	/* The child is a trusted helper outside any box: which tier there is does not matter. */
	opt.tier_given = true;
	opt.tier = TIER_NONE;
	opt.floor = TIER_NONE;
	opt.slots = 1;
	if (sandbox_open(&opt, &sandbox, &err) < 0) {
		print_error("%s\n", err.msg);
		return -1;
	}
	task = bench_task("t/1", "f", "Write f.", false);
	hopeless = bench_task("hopeless/1", "f", "Write f.", false);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	sandbox_close(sandbox);
	task_free(task);
	task_free(hopeless);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest singles[] = {
		cmocka_unit_test(command__the_example_of_the_manual),
		cmocka_unit_test(command__every_field_arrives),
		cmocka_unit_test(command__large_texts_both_ways),
		cmocka_unit_test(command__silence_is_a_timeout),
		cmocka_unit_test(command__drain_waits_for_its_grace_alone),
	};
	struct CMUnitTest tests[ARRAY_SIZE(dead_cases) + ARRAY_SIZE(spec_cases) + ARRAY_SIZE(singles)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dead_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = dead_cases[i].name, .test_func = is_dead, .initial_state = &dead_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(spec_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = spec_cases[i].name, .test_func = refuses_to_open,
						  .initial_state = &spec_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		tests[n++] = singles[i];
	return cmocka_run_group_tests(tests, start, stop);
}
