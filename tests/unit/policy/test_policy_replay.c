/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_replay.c - recorded samples come from the loop, each once, and what is missing is said. */
#include "tests/unit/policy/policy_bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/str.h"

static struct task *tasks[2], *stranger;
static char *path, *spec;

static struct policy_options options(void)
{
	struct policy_options opt = BENCH_OPTIONS;

	opt.spec = spec;
	opt.tasks = tasks;
	opt.n_tasks = ARRAY_SIZE(tasks);
	return opt;
}

static void replay__gives_what_the_file_holds(void **state)
{
	struct policy_options opt = options();
	const struct got *g;
	struct bench b;

	(void)state;
	opt.version = "4:x";
	bench_open(&b, &opt);
	assert_string_equal(policy_kind(b.policy), "replay");
	assert_true(str_ends(policy_name(b.policy), "replay.jsonl"));
	assert_string_equal(policy_version(b.policy), "4:x");
	assert_int_equal(policy_room(b.policy), 64);
	bench_ask(&b, 1, tasks[0], 0, 4, NULL);
	bench_ask(&b, 2, tasks[1], 0, 1, NULL);
	assert_int_equal(b.n_got, 0); /* not from within the request */
	assert_int_equal(policy_room(b.policy), 62);
	bench_run(&b, 0);
	assert_int_equal(b.n_got, 5);
	g = bench_find(&b, 1, 0);
	assert_string_equal(g->text, "zero");
	assert_int_equal(g->status, POLICY_OK);
	assert_int_equal(g->mode, EXTRACT_COMPLETION);
	assert_null(g->language);
	assert_true(g->seed == -1);
	assert_string_equal(bench_find(&b, 1, 1)->text, "one");
	assert_string_equal(bench_find(&b, 1, 1)->language, "c");
	assert_string_equal(bench_find(&b, 1, 1)->reasoning, "thought");
	assert_string_equal(bench_find(&b, 1, 1)->finish_reason, "length");
	assert_string_equal(bench_find(&b, 2, 0)->text, "other");
	assert_int_equal(bench_find(&b, 2, 0)->mode, EXTRACT_CHAT);
	g = bench_find(&b, 1, 2);
	assert_int_equal(g->status, POLICY_MISSING);
	assert_non_null(strstr(g->failure, "holds no sample 2 of task 'T/0'"));
	assert_string_equal(bench_find(&b, 1, 3)->text, "three");
	assert_int_equal(policy_stats(b.policy).failed, 1);
	assert_int_equal(policy_room(b.policy), 64);
	bench_close(&b);
}

static void replay__a_task_of_which_nothing_is_there(void **state)
{
	struct policy_options opt = options();
	struct bench b;

	(void)state;
	bench_open(&b, &opt);
	bench_ask(&b, 1, stranger, 0, 2, NULL);
	bench_run(&b, 2);
	assert_int_equal(bench_count(&b, POLICY_MISSING), 2);
	bench_close(&b);
}

static void replay__what_is_there_is_not_given_again(void **state)
{
	static const bool skip[] = { true, false, true, true };
	struct policy_options opt = options();
	struct bench b;

	(void)state;
	bench_open(&b, &opt);
	bench_ask(&b, 1, tasks[0], 0, 4, skip);
	bench_run(&b, 0);
	assert_int_equal(b.n_got, 1);
	assert_string_equal(bench_find(&b, 1, 1)->text, "one");
	bench_close(&b);
}

static void ask_more(struct bench *b, const struct policy_completion *c)
{
	if (c->request_id < 500)
		bench_ask(b, c->request_id + 1, tasks[0], 0, 1, NULL);
}

static void replay__more_is_asked_from_a_callback(void **state)
{
	struct policy_options opt = options();
	struct bench b;

	(void)state;
	bench_open(&b, &opt);
	b.on_got = ask_more;
	bench_ask(&b, 0, tasks[0], 0, 1, NULL);
	bench_run(&b, 0);
	assert_int_equal(b.n_got, 501);
	bench_close(&b);
}

static void drain_now(struct bench *b, const struct policy_completion *c)
{
	(void)c;
	policy_drain(b->policy, 0);
}

static void replay__drain_drops_what_waits(void **state)
{
	struct policy_options opt = options();
	struct bench b;

	(void)state;
	bench_open(&b, &opt);
	b.on_got = drain_now;
	bench_ask(&b, 0, tasks[0], 0, 4, NULL);
	bench_ask(&b, 1, tasks[0], 0, 4, NULL);
	bench_run(&b, 0);
	assert_int_equal(b.n_got, 1);
	assert_int_equal(policy_room(b.policy), 0);
	bench_close(&b);
}

static void replay__a_bad_file_is_an_error_at_open(void **state)
{
	cleanup_mem char *bad = bench_text("bad.jsonl", "{\"task_id\":\"T/0\",\"sample\":1,\"completion\":\"a\"}\n"
							"{\"task_id\":\"T/0\",\"sample\":1,\"completion\":\"b\"}\n");
	cleanup_mem char *bad_spec = mem_printf("replay:%s", bad);
	struct policy_options opt = options();
	struct error err = ERROR_INIT;
	struct bench b;

	(void)state;
	opt.spec = bad_spec;
	assert_int_equal(bench_try_open(&b, &opt, &err), ERR_INPUT);
	assert_string_equal(err.msg + strlen(bad), ":2: task 'T/0' has sample 1 twice, first in line 1");
	opt.spec = "replay:/nonexistent.jsonl";
	assert_int_equal(bench_try_open(&b, &opt, &err), ERR_NOTFOUND);
	(void)unlink(bad);
}

static int start(void **state)
{
	(void)state;
	tasks[0] = bench_task("T/0", "f0", "def f0():\n", true);
	tasks[1] = bench_task("T/1", "f1", "Write f1.", false);
	stranger = bench_task("T/9", "f9", "Write f9.", false);
	path = bench_text("replay.jsonl", "{\"task_id\":\"T/0\",\"sample\":3,\"completion\":\"three\"}\n"
					  "{\"task_id\":\"T/1\",\"completion\":\"other\",\"mode\":\"chat\"}\n"
					  "{\"task_id\":\"T/0\",\"sample\":1,\"completion\":\"one\",\"language\":\"c\","
					  "\"reasoning\":\"thought\",\"finish_reason\":\"length\"}\n"
					  "{\"task_id\":\"T/0\",\"sample\":0,\"completion\":\"zero\"}\n");
	spec = mem_printf("replay:%s", path);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	(void)unlink(path);
	mem_free(path);
	mem_free(spec);
	task_free(tasks[0]);
	task_free(tasks[1]);
	task_free(stranger);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay__gives_what_the_file_holds),
		cmocka_unit_test(replay__a_task_of_which_nothing_is_there),
		cmocka_unit_test(replay__what_is_there_is_not_given_again),
		cmocka_unit_test(replay__more_is_asked_from_a_callback),
		cmocka_unit_test(replay__drain_drops_what_waits),
		cmocka_unit_test(replay__a_bad_file_is_an_error_at_open),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
