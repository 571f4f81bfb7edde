/* SPDX-License-Identifier: Apache-2.0 */
/* policy_bench.c - see policy_bench.h. */
#include "tests/unit/policy/policy_bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/fs.h"

#define GUARD_US 20000000

static char *copy(const char *s, size_t n)
{
	return s ? strndup(s, n) : NULL;
}

static char *copy_word(const char *s)
{
	return s ? strdup(s) : NULL;
}

static void on_completion(void *ctx, const struct policy_completion *c)
{
	struct bench *b = ctx;
	struct got *g;

	if (b->asking || b->dead)
		b->timed_out = true; /* a callback where none may come: bench_run() fails */
	/* Not by core/mem: a test that lets allocations fail means the policy's. */
	b->got = realloc(b->got, (b->n_got + 1) * sizeof(*b->got));
	if (!b->got)
		abort();
	g = &b->got[b->n_got++];
	*g = (struct got){
		.request_id = c->request_id,
		.index = c->index,
		.status = c->status,
		.mode = c->mode,
		.seed = c->seed,
		.n_token_ids = json_array_size(c->token_ids),
		.n_logprobs = json_array_size(c->logprobs),
		.text = copy(c->text, c->text_len),
		.reasoning = copy(c->reasoning, c->reasoning_len),
		.finish_reason = copy_word(c->finish_reason),
		.failure = copy_word(c->failure),
		.language = copy_word(c->language),
		.model = copy_word(c->model),
		.fingerprint = copy_word(c->fingerprint),
	};
	if (b->on_got)
		b->on_got(b, c);
	if (b->n_got == b->n_want)
		loop_stop(b->loop);
}

static void on_dead(void *ctx, const struct error *why)
{
	struct bench *b = ctx;

	b->dead = true;
	b->why = *why;
	loop_stop(b->loop);
}

static void on_guard(void *ctx)
{
	struct bench *b = ctx;

	b->timed_out = true;
	loop_stop(b->loop);
}

int bench_try_open(struct bench *b, const struct policy_options *opt, struct error *err)
{
	int r;

	*b = (struct bench){ 0 };
	assert_int_equal(loop_new(&b->loop, err), 0);
	assert_int_equal(loop_timer_new(b->loop, on_guard, b, &b->guard, err), 0);
	r = policy_open(opt, b->loop, on_completion, on_dead, b, &b->policy, err);
	if (r < 0)
		bench_close(b);
	return r;
}

void bench_open(struct bench *b, const struct policy_options *opt)
{
	struct error err = ERROR_INIT;

	if (bench_try_open(b, opt, &err) < 0)
		fail_msg("cannot open '%s': %s", opt->spec, err.msg);
}

void bench_ask(struct bench *b, uint64_t id, const struct task *task, uint32_t first, uint32_t n, const bool *skip)
{
	json_t *messages = json_pack("[{s:s,s:s}]", "role", "user", "content", task->prompt);
	struct policy_request req = {
		.id = id,
		.task = task,
		.language = "python",
		.messages = messages,
		.plain_prompt = task->prompt,
		.first = first,
		.n = n,
		.skip = skip,
		.seed = 100,
	};
	struct error err = ERROR_INIT;
	bool was = b->asking;
	int r;

	b->asking = true;
	r = policy_request(b->policy, &req, &err);
	b->asking = was;
	json_decref(messages); /* borrowed until all came: a policy that keeps them takes its own reference */
	if (r < 0)
		fail_msg("request %d: %s", (int)id, err.msg);
}

void bench_run(struct bench *b, size_t n_want)
{
	struct error err = ERROR_INIT;

	b->n_want = n_want;
	if (n_want > 0 && b->n_got >= n_want)
		return;
	/* A timer would be something left to wait for. */
	if (n_want > 0)
		assert_int_equal(loop_timer_start(b->guard, GUARD_US, 0, &err), 0);
	else
		(void)alarm(GUARD_US / 1000000);
	assert_true(loop_run(b->loop, &err) >= 0);
	(void)alarm(0);
	loop_timer_stop(b->guard);
	if (b->timed_out)
		fail_msg("time is up, or a callback came when none may: %zu of %zu came", b->n_got, n_want);
}

void bench_close(struct bench *b)
{
	policy_close(b->policy);
	loop_timer_free(b->guard);
	loop_free(b->loop);
	for (size_t i = 0; i < b->n_got; i++) {
		struct got *g = &b->got[i];

		free(g->text);
		free(g->reasoning);
		free(g->finish_reason);
		free(g->failure);
		free(g->language);
		free(g->model);
		free(g->fingerprint);
	}
	free(b->got);
	*b = (struct bench){ 0 };
}

const struct got *bench_find(const struct bench *b, uint64_t id, uint32_t index)
{
	const struct got *found = NULL;

	for (size_t i = 0; i < b->n_got; i++) {
		if (b->got[i].request_id != id || b->got[i].index != index)
			continue;
		if (found)
			fail_msg("request %d, index %u came twice", (int)id, index);
		found = &b->got[i];
	}
	if (!found)
		fail_msg("request %d, index %u did not come", (int)id, index);
	return found;
}

size_t bench_count(const struct bench *b, enum policy_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_got; i++)
		n += b->got[i].status == status;
	return n;
}

struct task *bench_task(const char *id, const char *entry_point, const char *prompt, bool code)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:{s:s, s:[{s:[], s:i}]}}", "task_id", id, "prompt", prompt, "entry_point",
			      entry_point, "tests", "kind", "calls", "cases", "args", "expect", 1);
	struct error err = ERROR_INIT;
	struct task *t = NULL;

	if (code)
		json_object_set_new(j, "prompt_language", json_string("python"));
	if (task_parse(j, &t, &err) < 0)
		fail_msg("task %s: %s", id, err.msg);
	return t;
}

char *bench_file(const char *name, const void *data, size_t n)
{
	const char *tmp = getenv("TMPDIR");
	char *path = mem_printf("%s/winnow-%d-%s", tmp ? tmp : "/tmp", (int)getpid(), name);
	struct error err = ERROR_INIT;

	assert_non_null(path);
	if (fs_write_file(path, data, n, &err) < 0)
		fail_msg("%s", err.msg);
	return path;
}

char *bench_text(const char *name, const char *text)
{
	return bench_file(name, text, strlen(text));
}
