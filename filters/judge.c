/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.c - the main side of the judge: requests to the service in the spawner, results back.
 *
 * A task goes over with the first request that needs it and stays there; main remembers which are
 * there, in order of use, and has the oldest forgotten when there are too many.
 */
#include "filters/judge.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"
#include "filters/judge_internal.h"
#include "filters/portable.h"

#define MAX_REQUEST_BYTES ((size_t)1 << 30)
#define MAX_TASKS_SENT 1024

struct pending {
	uint64_t id;
	uint8_t digest[HASH_SHA256_BYTES]; /* judged: of the task */
	judge_done_fn *judged; /* one of the two */
	exec_done_fn *ran;
	void *ctx;
};

struct sent_task {
	uint8_t digest[HASH_SHA256_BYTES];
	uint64_t used; /* the id of the last request that used it */
};

/* What is known of the values of a task's test code. */
struct learned {
	uint8_t digest[HASH_SHA256_BYTES];
	uint32_t traits;
};

struct judge {
	struct learned *learned;
	size_t n_learned, cap_learned;
	struct sandbox *sandbox;
	const struct language_set *languages;
	uint64_t last_id;
	struct pending *pending;
	size_t n_pending, cap_pending;
	struct sent_task *sent;
	size_t n_sent, cap_sent;
	struct loop *loop;
	struct loop_poll *poll;
	bool poll_writes, dead;
	void (*on_dead)(void *ctx, const struct error *why);
	void *dead_ctx;
};

int judge_open(const struct judge_options *opt, struct judge **ret, struct error *err)
{
	struct judge_service_arg arg = { .languages = opt->languages, .plain = opt->plain };
	struct sandbox_options sandbox = opt->sandbox;
	struct judge *j = mem_zalloc(sizeof(*j));
	int r;

	if (!j)
		return error_set(err, ERR_NOMEM, "out of memory for the judge");
	j->languages = opt->languages;
	sandbox.service = &judge_service;
	sandbox.service_arg = &arg;
	r = sandbox_open(&sandbox, &j->sandbox, err);
	if (r < 0) {
		mem_free(j);
		return r;
	}
	*ret = j;
	return 0;
}

const struct sandbox_info *judge_info(const struct judge *j)
{
	return sandbox_info(j->sandbox);
}

struct sandbox *judge_sandbox(struct judge *j)
{
	return j->sandbox;
}

unsigned judge_slots(const struct judge *j)
{
	return sandbox_info(j->sandbox)->slots;
}

const struct language_set *judge_languages(const struct judge *j)
{
	return j->languages;
}

size_t judge_in_flight(const struct judge *j)
{
	return j->n_pending;
}

void judge_close(struct judge *j)
{
	if (!j)
		return;
	if (j->poll)
		loop_poll_free(j->poll);
	sandbox_close(j->sandbox);
	mem_free(j->pending);
	mem_free(j->sent);
	mem_free(j->learned);
	mem_free(j);
}

/* --- replies --- */

static bool take_pending(struct judge *j, uint64_t id, struct pending *ret)
{
	for (size_t i = 0; i < j->n_pending; i++) {
		if (j->pending[i].id != id)
			continue;
		*ret = j->pending[i];
		j->pending[i] = j->pending[--j->n_pending];
		return true;
	}
	return false;
}

static struct learned *find_learned(const struct judge *j, const uint8_t *digest)
{
	for (size_t i = 0; i < j->n_learned; i++)
		if (!memcmp(j->learned[i].digest, digest, HASH_SHA256_BYTES))
			return &j->learned[i];
	return NULL;
}

/* Where there is no memory for it, it is learned another time. */
static void learn(struct judge *j, const uint8_t *digest, uint32_t traits)
{
	struct learned *l = find_learned(j, digest);

	if (l) {
		l->traits |= traits;
		return;
	}
	if (!mem_grow(&j->learned, &j->cap_learned, j->n_learned + 1, sizeof(*j->learned)))
		return;
	l = &j->learned[j->n_learned++];
	memcpy(l->digest, digest, sizeof(l->digest));
	l->traits = traits;
}

static void call_back(struct judge *j, const struct pending *p, const uint8_t *msg, size_t n)
{
	struct unpack u;

	unpack_init(&u, msg, n);
	if (p->judged) {
		struct judgement result;

		if (!judgement_unpack(&u, &result)) {
			judgement_clear(&result);
			result = (struct judgement){
				.verdict = VERDICT_INTERNAL_ERROR,
				.tests_passed = -1, .tests_total = -1,
				.visible_passed = -1, .visible_total = -1,
				.judging = "separate", .exit_code = -1,
				.message = mem_strdup("the judge had no memory for its answer"),
			};
		}
		if (result.surveyed)
			learn(j, p->digest, result.traits);
		p->judged(p->ctx, p->id, &result);
		judgement_clear(&result);
	} else {
		struct exec_result result;

		if (!exec_result_unpack(&u, &result)) {
			result.verdict = VERDICT_INTERNAL_ERROR;
			(void) snprintf(result.failure, sizeof(result.failure), "%s",
					"the judge had no memory for its answer");
		}
		p->ran(p->ctx, p->id, &result);
		exec_result_clear(&result);
	}
}

/* Move bytes and call back what is complete.  The number of callbacks, or negative. */
static int pump(struct judge *j, struct error *err)
{
	const uint8_t *msg;
	struct pending p;
	uint64_t id;
	int called = 0, r;
	size_t n;

	r = sandbox_pump(j->sandbox, err);
	if (r < 0)
		return r;
	while ((r = sandbox_next(j->sandbox, &id, &msg, &n, err)) > 0) {
		if (!take_pending(j, id, &p))
			continue; /* cancelled meanwhile */
		call_back(j, &p, msg, n);
		called++;
	}
	return r < 0 ? r : called;
}

static void watch(struct judge *j)
{
	struct error err = ERROR_INIT;
	bool writes = sandbox_wants_write(j->sandbox);

	if (!j->poll || j->dead || writes == j->poll_writes)
		return;
	j->poll_writes = writes;
	(void) loop_poll_set(j->poll, writes ? LOOP_READ | LOOP_WRITE : LOOP_READ, &err);
}

static void died(struct judge *j, const struct error *why)
{
	if (j->dead)
		return;
	j->dead = true;
	if (j->poll)
		loop_poll_free(j->poll);
	j->poll = NULL;
	j->n_pending = 0;
	if (j->on_dead)
		j->on_dead(j->dead_ctx, why);
}

static void on_poll(void *ctx, int events)
{
	struct error err = ERROR_INIT;
	struct judge *j = ctx;

	(void) events;
	if (pump(j, &err) < 0)
		died(j, &err);
	else
		watch(j);
}

int judge_attach(struct judge *j, struct loop *loop, void (*on_dead)(void *ctx, const struct error *why),
		 void *ctx, struct error *err)
{
	int r = loop_poll_new(loop, sandbox_fd(j->sandbox), on_poll, j, &j->poll, err);

	if (r < 0)
		return r;
	j->loop = loop;
	j->on_dead = on_dead;
	j->dead_ctx = ctx;
	j->poll_writes = true;
	r = loop_poll_set(j->poll, LOOP_READ | LOOP_WRITE, err);
	return r;
}

int judge_wait(struct judge *j, uint64_t timeout_us, struct error *err)
{
	uint64_t until = clock_now_us() + timeout_us;

	for (;;) {
		struct pollfd p = { .fd = sandbox_fd(j->sandbox), .events = POLLIN };
		uint64_t now = clock_now_us();
		int r = pump(j, err);

		if (r != 0)
			return r;
		if (now >= until)
			return 0;
		if (sandbox_wants_write(j->sandbox))
			p.events |= POLLOUT;
		now = until - now;
		if (poll(&p, 1, now > 3600000000u ? 3600000 : (int)((now + 999) / 1000)) < 0 &&
		    errno != EINTR)
			return error_set_errno(err, ERR_IO, "waiting for the judge");
	}
}

/* --- requests --- */

bool judge_knows_values(const struct judge *j, const struct task *task)
{
	return task->kind != TESTS_CHECK || find_learned(j, task->digest);
}

const char *judge_not_portable(const struct judge *j, const struct task *task, const char *language)
{
	const struct language *l = language_find(j->languages, language);
	const struct learned *known;

	if (!l || task->kind == TESTS_STDIO)
		return NULL;
	if (!l->driver)
		return "its programs cannot be called";
	/* A validator reads what a program wrote; calls write nothing. */
	if (task->checker.kind == CHECKER_PROGRAM)
		return "a validator cannot check calls";
	if (!l->calls_plain)
		return NULL;
	if (task->kind == TESTS_CASES)
		return portable_reason(survey_cases(task->cases, task->n_cases), l);
	known = find_learned(j, task->digest);
	return known ? portable_reason(known->traits, l) : NULL;
}

const char *judge_skip_reason(const struct judge *j, const struct task *task, const char *language)
{
	const struct language *l = language_find(j->languages, language);
	const struct language *python = language_find(j->languages, "python"), *checker;

	if (!l || !l->present)
		return "no_toolchain";
	if (judge_not_portable(j, task, language))
		return "not_portable";
	if (task->kind == TESTS_CHECK && (!python || !python->present))
		return "no_toolchain";
	if (task->kind == TESTS_STDIO && task->checker.kind == CHECKER_PROGRAM) {
		checker = task->checker.language ? language_find(j->languages, task->checker.language)
						 : NULL;
		if (!checker || !checker->present)
			return "no_toolchain";
	}
	return NULL;
}

static int send_request(struct judge *j, struct buf *b, const struct pending *p, struct error *err)
{
	int r = buf_check(b, "request", err);

	if (r == 0 && j->dead)
		r = error_set(err, ERR_IO, "the judge is gone");
	if (r == 0 && !mem_grow(&j->pending, &j->cap_pending, j->n_pending + 1, sizeof(*j->pending)))
		r = error_set(err, ERR_NOMEM, "out of memory for a request");
	if (r == 0)
		r = sandbox_send(j->sandbox, p->id, b->data, b->len, err);
	if (r < 0)
		return r;
	j->pending[j->n_pending++] = *p;
	watch(j);
	return 0;
}

static void pack_head(struct buf *b, enum request_kind kind, const struct language *l,
		      const char *program, size_t n, const struct limits *limits)
{
	struct limits merged = limits_merge(NULL, limits);

	pack_u8(b, (uint8_t)kind);
	pack_str(b, l->name);
	pack_bytes(b, program, n);
	limits_pack(b, &merged);
}

/* The task (its text only the first time), then digests that may be forgotten. */
static int pack_task(struct judge *j, const struct task *t, uint64_t id, struct buf *b,
		     struct error *err)
{
	size_t oldest = 0, at = SIZE_MAX;
	struct buf text;
	int r = 0;

	pack_bytes(b, t->digest, HASH_SHA256_BYTES);
	for (size_t i = 0; i < j->n_sent; i++) {
		if (!memcmp(j->sent[i].digest, t->digest, HASH_SHA256_BYTES))
			at = i;
		if (j->sent[i].used < j->sent[oldest].used)
			oldest = i;
	}
	if (at != SIZE_MAX) {
		j->sent[at].used = id;
		pack_bytes(b, "", 0);
		pack_u32(b, 0);
		return 0;
	}
	if (!mem_grow(&j->sent, &j->cap_sent, j->n_sent + 1, sizeof(*j->sent)))
		return error_set(err, ERR_NOMEM, "out of memory for a request");
	buf_init(&text, MAX_REQUEST_BYTES);
	r = json_dump_canonical(t->json, &text, err);
	if (r == 0)
		pack_bytes(b, text.data, text.len);
	buf_clear(&text);
	if (r < 0)
		return r;
	if (j->n_sent >= MAX_TASKS_SENT) {
		pack_u32(b, 1);
		pack_bytes(b, j->sent[oldest].digest, HASH_SHA256_BYTES);
		at = oldest;
	} else {
		pack_u32(b, 0);
		at = j->n_sent++;
	}
	memcpy(j->sent[at].digest, t->digest, HASH_SHA256_BYTES);
	j->sent[at].used = id;
	return 0;
}

int judge_submit(struct judge *j, const struct judge_request *req, judge_done_fn *done, void *ctx,
		 uint64_t *ret_id, struct error *err)
{
	struct pending p = { .id = j->last_id + 1, .judged = done, .ctx = ctx };
	const struct language *l = language_find(j->languages, req->language);
	struct buf b;
	int r;

	if (!l)
		return error_set(err, ERR_INPUT, "unknown language '%s'", req->language);
	buf_init(&b, MAX_REQUEST_BYTES);
	pack_head(&b, REQUEST_JUDGE, l, req->program, req->program_len, &req->limits);
	r = pack_task(j, req->task, p.id, &b, err);
	pack_u64(&b, req->seed);
	pack_u8(&b, req->all_tests);
	pack_u8(&b, req->confirm);
	pack_u8(&b, req->survey);
	memcpy(p.digest, req->task->digest, sizeof(p.digest));
	if (r == 0)
		r = send_request(j, &b, &p, err);
	buf_clear(&b);
	if (r < 0) {
		/* Whether the task went over is not known: it will be sent again. */
		for (size_t i = 0; i < j->n_sent; i++)
			if (j->sent[i].used == p.id)
				j->sent[i] = j->sent[--j->n_sent];
		return r;
	}
	j->last_id = p.id;
	if (ret_id)
		*ret_id = p.id;
	return 0;
}

int judge_exec(struct judge *j, const struct exec_request *req, exec_done_fn *done, void *ctx,
	       uint64_t *ret_id, struct error *err)
{
	struct pending p = { .id = j->last_id + 1, .ran = done, .ctx = ctx };
	const struct language *l = language_find(j->languages, req->language);
	struct buf b;
	int r;

	if (!l)
		return error_set(err, ERR_INPUT, "unknown language '%s'", req->language);
	buf_init(&b, MAX_REQUEST_BYTES);
	pack_head(&b, REQUEST_EXEC, l, req->program, req->program_len, &req->limits);
	pack_bytes(&b, req->stdin_data, req->stdin_len);
	pack_u64(&b, req->keep_bytes);
	r = send_request(j, &b, &p, err);
	buf_clear(&b);
	if (r < 0)
		return r;
	j->last_id = p.id;
	if (ret_id)
		*ret_id = p.id;
	return 0;
}

void judge_cancel(struct judge *j, uint64_t id)
{
	struct error err = ERROR_INIT;
	struct pending p;

	if (!take_pending(j, id, &p))
		return;
	(void) sandbox_cancel(j->sandbox, id, &err);
	watch(j);
}
