/* SPDX-License-Identifier: Apache-2.0 */
/* fake_judge.c - answers from a timer, newest first, so that nothing may lean on the order. */
#include "fake_judge.h"

#include <signal.h>
#include <string.h>

#include "core/mem.h"

#define SLOTS 2
#define QUEUE 64

struct question {
	uint64_t id;
	char *program;
	judge_done_fn *done;
	void *ctx;
};
struct judge {
	struct loop *loop;
	struct loop_timer *timer;
	void (*on_dead)(void *ctx, const struct error *why);
	void *dead_ctx;
	struct question queue[QUEUE];
	size_t n;
	uint64_t next_id;
	struct sandbox_info info;
};
struct fake_judge fake_judge;

struct judge *fake_judge_new(void)
{
	struct judge *j = mem_zalloc(sizeof(*j));

	j->info.tier = TIER_LANDLOCK;
	j->info.slots = SLOTS;
	return j;
}

const struct sandbox_info *judge_info(const struct judge *j)
{
	return &j->info;
}

struct sandbox *judge_sandbox(struct judge *j)
{
	(void)j;
	return NULL;
}

unsigned judge_slots(const struct judge *j)
{
	(void)j;
	return SLOTS;
}

size_t judge_in_flight(const struct judge *j)
{
	return j->n;
}

static void drop(struct judge *j, size_t i)
{
	mem_free(j->queue[i].program);
	j->queue[i] = j->queue[--j->n];
}

void judge_close(struct judge *j)
{
	if (!j)
		return;
	while (j->n)
		drop(j, 0);
	loop_timer_free(j->timer);
	mem_free(j);
}

static enum verdict verdict_of(const char *program)
{
	if (strstr(program, "internal") && fake_judge.internal_fails)
		return VERDICT_INTERNAL_ERROR;
	return strstr(program, "accept") || strstr(program, "internal") ? VERDICT_ACCEPTED : VERDICT_WRONG_ANSWER;
}

static void answer(struct judge *j)
{
	struct question q = j->queue[j->n - 1];
	struct judgement result = { .verdict = verdict_of(q.program), .tests_passed = -1, .tests_total = -1,
				    .visible_passed = -1, .visible_total = -1, .judging = "separate",
				    .tier = "landlock", .toolchain = "fake 1", .cpu_us = 1000, .wall_us = 2000,
				    .memory_bytes = 4096, .exit_code = -1 };

	j->n--;
	fake_judge.answered++;
	if (fake_judge.signal_after && fake_judge.answered == fake_judge.signal_after)
		(void) raise(fake_judge.signal_number);
	if (fake_judge.die_after && fake_judge.answered == fake_judge.die_after) {
		struct error why = ERROR_INIT;

		(void) error_set(&why, ERR_IO, "the spawner was killed");
		mem_free(q.program);
		j->on_dead(j->dead_ctx, &why);
		return;
	}
	q.done(q.ctx, q.id, &result);
	judgement_clear(&result);
	mem_free(q.program);
}

static void on_timer(void *ctx)
{
	struct judge *j = ctx;

	if (j->n && !fake_judge.stuck)
		answer(j);
	if (j->n) /* not at once: descriptors and signals want their turn */
		(void) loop_timer_start(j->timer, 1000, 0, NULL);
}

int judge_attach(struct judge *j, struct loop *loop, void (*on_dead)(void *ctx, const struct error *why), void *ctx,
		 struct error *err)
{
	j->loop = loop;
	j->on_dead = on_dead;
	j->dead_ctx = ctx;
	return loop_timer_new(loop, on_timer, j, &j->timer, err);
}

int judge_wait(struct judge *j, uint64_t timeout_us, struct error *err)
{
	(void)timeout_us;
	(void)err;
	if (!j->n)
		return 0;
	answer(j);
	return 1;
}

const char *judge_skip_reason(const struct judge *j, const struct task *task, const char *language)
{
	(void)j;
	(void)task;
	return strcmp(language, "c") == 0 ? "no_toolchain" : NULL;
}

const char *judge_not_portable(const struct judge *j, const struct task *task, const char *language)
{
	(void)j;
	(void)task;
	(void)language;
	return NULL;
}

bool judge_knows_values(const struct judge *j, const struct task *task)
{
	(void)j;
	(void)task;
	return true;
}

int judge_submit(struct judge *j, const struct judge_request *req, judge_done_fn *done, void *ctx, uint64_t *ret_id,
		 struct error *err)
{
	if (j->n == QUEUE)
		return error_set(err, ERR_LIMIT, "the engine asks for more than it may");
	j->queue[j->n] = (struct question){ .id = ++j->next_id, .program = mem_strndup(req->program, req->program_len),
					    .done = done, .ctx = ctx };
	*ret_id = j->next_id;
	fake_judge.submitted++;
	if (++j->n > fake_judge.max_in_flight)
		fake_judge.max_in_flight = j->n;
	return j->loop && j->n == 1 ? loop_timer_start(j->timer, 1000, 0, err) : 0;
}

void judge_cancel(struct judge *j, uint64_t id)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->queue[i].id == id) {
			drop(j, i);
			return;
		}
}

int judge_verdict_key(const struct judge *j, const struct judge_request *req, uint8_t ret[HASH_SHA256_BYTES],
		      struct error *err)
{
	struct hash_sha256 *h = hash_sha256_new();

	(void)j;
	if (!h)
		return error_set(err, ERR_NOMEM, "out of memory");
	hash_sha256_add_field(h, req->task->tests_digest, sizeof(req->task->tests_digest));
	hash_sha256_add_field(h, req->language, strlen(req->language));
	hash_sha256_add_field(h, req->program, req->program_len);
	hash_sha256_end(h, ret);
	return 0;
}

/* What other commands of the library need of the judge; no test here gets there. */
int judge_open(const struct judge_options *opt, struct judge **ret, struct error *err)
{
	(void)opt;
	(void)ret;
	return error_set(err, ERR_KERNEL, "there is no sandbox in this test");
}

int judge_exec(struct judge *j, const struct exec_request *req, exec_done_fn *done, void *ctx, uint64_t *ret_id,
	       struct error *err)
{
	(void)j;
	(void)req;
	(void)done;
	(void)ctx;
	(void)ret_id;
	return error_set(err, ERR_KERNEL, "there is no sandbox in this test");
}
