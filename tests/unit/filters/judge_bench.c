/* SPDX-License-Identifier: Apache-2.0 */
/* judge_bench.c - see judge_bench.h. */
#include "tests/unit/filters/judge_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "tests/unit/filters/table.h"

#define PATIENCE_US UINT64_C(100000000)

static struct language_set languages;
static struct judge *judge;
static struct error why;

int bench_open(void **state)
{
	struct judge_options opt = { .sandbox = SANDBOX_OPTIONS_INIT, .languages = &languages };

	(void)state;
	opt.sandbox.slots = 2;
	opt.plain = getenv("BENCH_PLAIN") != NULL;
	if (language_load(language_default_dir(), &languages, &why) < 0 ||
	    language_detect(&languages, &why) < 0) {
		(void)fprintf(stderr, "%s\n", why.msg);
		return -1;
	}
	if (judge_open(&opt, &judge, &why) < 0)
		judge = NULL;
	return judge || why.code == ERR_KERNEL ? 0 : -1;
}

int bench_close(void **state)
{
	(void)state;
	judge_close(judge);
	language_set_clear(&languages);
	return 0;
}

struct judge *bench_or_skip(void)
{
	if (!judge) {
		print_message("no box on this host: %s\n", why.msg);
		skip();
	}
	return judge;
}

const struct language_set *bench_languages(void)
{
	return &languages;
}

struct task *bench_task(const char *text)
{
	struct error err = ERROR_INIT;
	struct task *task = NULL;
	json_t *json;

	if (json_parse(text, strlen(text), &json, &err) < 0 || task_parse(json, &task, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	return task;
}

static void done(void *ctx, uint64_t id, struct judgement *result)
{
	struct judgement *ret = ctx;

	(void)id;
	*ret = *result;
	result->message = result->compile_output = result->refused = NULL;
}

struct judgement bench_judge(const struct task *task, const char *language, const char *program,
			     size_t n, bool all_tests)
{
	return bench_judge_request((struct judge_request){
		.task = task,
		.language = language,
		.program = program,
		.program_len = n,
		.all_tests = all_tests,
	});
}

struct judgement bench_judge_request(struct judge_request req)
{
	struct judgement result = { .verdict = VERDICT_NONE };
	uint64_t deadline = clock_now_us() + PATIENCE_US;
	struct error err = ERROR_INIT;

	req.limits = limits_merge(&req.task->limits, NULL);
	assert_int_equal(judge_submit(judge, &req, done, &result, NULL, &err), 0);
	while (judge_in_flight(judge) && clock_now_us() < deadline)
		if (judge_wait(judge, 1000000, &err) < 0)
			fail_msg("%s", err.msg);
	assert_int_equal(judge_in_flight(judge), 0);
	return result;
}

static void count(void *ctx, uint64_t id, struct judgement *result)
{
	unsigned *answered = ctx;

	(void)id;
	(void)result;
	(*answered)++;
}

void bench_cancel_after(struct judge_request req, uint64_t us)
{
	unsigned answered = 0, before;
	struct error err = ERROR_INIT;
	uint64_t id;

	req.limits = limits_merge(&req.task->limits, NULL);
	assert_int_equal(judge_submit(judge, &req, count, &answered, &id, &err), 0);
	(void)judge_wait(judge, us, &err);
	before = answered;
	judge_cancel(judge, id);
	(void)judge_wait(judge, 1000, &err);
	assert_int_equal(answered, before);
}
