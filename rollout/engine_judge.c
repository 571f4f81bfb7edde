/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_judge.c - from a completion to its verdict: extract, reuse, queue, judge.
 *
 * Invariants:
 *   1. A job is in exactly one of e->queue, e->running, and in e->in_flight all the while.
 *   2. Each waiter's sample is in the store (or in the open transaction) as pending.
 *   3. A verdict is stored before the job leaves e->in_flight: whoever has the same
 *      program finds it in one place or the other.
 */
#include "rollout/engine_internal.h"

#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "filters/extract.h"

#define MIN_INTERNAL_LIMIT 20

static int nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

static void list_add(struct job_list *l, struct job *j)
{
	j->next = NULL;
	j->prev = l->tail;
	if (l->tail)
		l->tail->next = j;
	else
		l->head = j;
	l->tail = j;
	l->n++;
}

static void list_remove(struct job_list *l, struct job *j)
{
	if (j->prev)
		j->prev->next = j->next;
	else
		l->head = j->next;
	if (j->next)
		j->next->prev = j->prev;
	else
		l->tail = j->prev;
	l->n--;
}

static void free_waiters(struct waiter *w)
{
	while (w) {
		struct waiter *next = w->next;

		mem_free(w);
		w = next;
	}
}

static void job_free(struct job *j)
{
	if (!j)
		return;
	free_waiters(j->waiters);
	mem_free(j->program);
	mem_free(j);
}

void engine_free_jobs(struct engine *e)
{
	struct job_list *lists[] = { &e->queue, &e->running };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		while (lists[i]->head) {
			struct job *j = lists[i]->head;

			list_remove(lists[i], j);
			if (j->judge_id)
				judge_cancel(e->opt.judging->judge, j->judge_id);
			if (e->in_flight)
				(void) reuse_remove(e->in_flight, j->key);
			job_free(j);
		}
	}
	while (e->internal) {
		struct internal *i = e->internal;

		e->internal = i->next;
		free_waiters(i->waiters);
		judgement_clear(&i->judgement);
		mem_free(i);
	}
}

/* --- the sample's end --- */

/* Give one sample its verdict: by one write where it is new, else on its row. */
static int settle(struct engine *e, const struct subject *s, int64_t judgement_id, enum verdict v, struct error *err)
{
	struct tally *t = &e->run->tally;
	int r;

	if (s->row) {
		s->row->state = SAMPLE_JUDGED;
		s->row->judgement_id = judgement_id;
		r = engine_put_sample(e, s->row, err);
	} else {
		r = engine_put_verdict(e, s->sample_id, judgement_id, s->extra_flags, err);
		if (r == 0)
			t->pending--;
	}
	if (r < 0)
		return r;
	tally_judged(t, run_group(e->run, s->item, s->language), v);
	t->session_samples++;
	return 0;
}

/* The task turned out to be not portable to the language: no verdict, and not counted as judged. */
static int skip_waiters(struct engine *e, struct waiter *list, struct error *err)
{
	for (struct waiter *w = list; w; w = w->next) {
		int r = engine_put_skipped(e, w->sample_id, skip_reason_name(SKIP_NOT_PORTABLE), err);

		if (r < 0)
			return r;
		e->run->tally.pending--;
		e->run->tally.skipped[SKIP_NOT_PORTABLE]++;
		e->run->tally.session_samples++;
	}
	return 0;
}

static int settle_waiters(struct engine *e, struct waiter *list, int64_t judgement_id, enum verdict v,
			  struct error *err)
{
	for (struct waiter *w = list; w; w = w->next) {
		struct subject s = { .sample_id = w->sample_id, .item = w->item, .language = w->language,
				     .extra_flags = w->extra_flags };
		int r = settle(e, &s, judgement_id, v, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* No program: nothing was run, and one judgement says so for all such samples. */
static int settle_no_program(struct engine *e, const struct subject *s, const char *why, struct error *err)
{
	const char *tier = tier_name(judge_info(e->opt.judging->judge)->tier);
	struct judgement j = { .verdict = VERDICT_NO_PROGRAM, .tests_passed = -1, .tests_total = -1,
			       .visible_passed = -1, .visible_total = -1, .judging = "separate", .exit_code = -1 };
	struct hash_sha256 *h = hash_sha256_new();
	uint8_t key[HASH_SHA256_BYTES];
	int64_t id;
	int r;

	if (!h)
		return nomem(err);
	hash_sha256_add_field(h, "no_program", 10);
	hash_sha256_add_field(h, why, strlen(why));
	hash_sha256_add_field(h, EXTRACT_VERSION, strlen(EXTRACT_VERSION));
	hash_sha256_add_field(h, tier, strlen(tier));
	hash_sha256_end(h, key);
	memcpy(j.tier, tier, strlen(tier) + 1);
	j.message = mem_strdup(why);
	if (!j.message)
		return nomem(err);
	r = engine_put_judgement(e, key, &j, &id, err);
	judgement_clear(&j);
	return r < 0 ? r : settle(e, s, id, VERDICT_NO_PROGRAM, err);
}

/* --- the judge's answer --- */

static int keep_internal(struct engine *e, struct job *j, struct judgement *result, struct error *err)
{
	struct internal *i = mem_zalloc(sizeof(*i));
	uint64_t limit = e->run->tally.planned / 100;
	const char *why = result->message ? result->message : "no reason was given";

	if (!i)
		return nomem(err);
	for (struct waiter *w = j->waiters; w; w = w->next)
		e->n_internal++;
	log_warn("task '%s': internal error: %s", j->task->id, why);
	engine_event(e, "error", "task '%s' (%s): internal error: %s", j->task->id, j->language->name, why);
	memcpy(i->key, j->key, sizeof(i->key));
	i->waiters = mem_steal(&j->waiters);
	i->judgement = *result;
	*result = (struct judgement){ .verdict = VERDICT_NONE };
	i->next = e->internal;
	e->internal = i;
	if (limit < MIN_INTERNAL_LIMIT)
		limit = MIN_INTERNAL_LIMIT;
	if (e->n_internal > limit) {
		struct error many = ERROR_INIT;

		(void) error_set(&many, ERR_INTERNAL, "too many internal errors (%llu); the last, in task '%s': %s",
				 (unsigned long long)e->n_internal, j->task->id,
				 i->judgement.message ? i->judgement.message : "no reason was given");
		engine_fail(e, ENGINE_INTERNAL_ERRORS, &many);
	}
	return 0;
}

static void on_judged(void *ctx, uint64_t id, struct judgement *result)
{
	struct job *j = ctx;
	struct engine *e = j->engine;
	struct tally *t = &e->run->tally;
	struct error err = ERROR_INIT;
	int64_t judgement_id;
	int r;

	(void)id;
	j->judge_id = 0;
	list_remove(&e->running, j);
	for (struct waiter *w = j->waiters; w; w = w->next)
		e->n_waiting--;
	if (result->verdict == VERDICT_INTERNAL_ERROR) {
		r = keep_internal(e, j, result, &err);
	} else if (result->verdict == VERDICT_NONE) {
		log_info("task '%s' is %s", j->task->id, result->message ? result->message : "not portable");
		r = skip_waiters(e, j->waiters, &err);
	} else {
		r = engine_put_judgement(e, j->key, result, &judgement_id, &err);
		if (r == 0) {
			t->judged_now++;
			t->cpu_us += result->cpu_us;
			r = settle_waiters(e, j->waiters, judgement_id, result->verdict, &err);
		}
	}
	(void) reuse_remove(e->in_flight, j->key);
	job_free(j);
	if (r < 0)
		engine_fail(e, ENGINE_ERROR, &err);
	engine_wake(e);
}

/* At the end of a run that came to it: our failures become rows of their own. */
int engine_settle_internal(struct engine *e, struct error *err)
{
	for (struct internal *i = e->internal; i; i = i->next) {
		int64_t id;
		int r = engine_put_judgement(e, i->key, &i->judgement, &id, err);

		if (r == 0)
			r = settle_waiters(e, i->waiters, id, VERDICT_INTERNAL_ERROR, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- the queue --- */

int engine_submit_jobs(struct engine *e, struct error *err)
{
	struct judge *judge = e->opt.judging->judge;
	size_t window = 2 * (size_t)judge_slots(judge) + 2;

	while (e->queue.head && e->running.n < window) {
		struct job *j = e->queue.head;
		struct judge_request req = { .task = j->task, .language = j->language->name, .program = j->program,
					     .program_len = j->program_len, .all_tests = e->run->all_tests,
					     .confirm = e->run->confirm,
					     .limits = limits_merge(&j->task->limits, &e->run->over) };
		int r = judge_submit(judge, &req, on_judged, j, &j->judge_id, err);

		if (r < 0)
			return error_prefix(err, r, "task '%s'", j->task->id);
		list_remove(&e->queue, j);
		list_add(&e->running, j);
	}
	return 0;
}

static int wait_on(struct engine *e, struct job *j, const struct subject *s, struct error *err)
{
	struct waiter *w = mem_zalloc(sizeof(*w));

	if (!w)
		return nomem(err);
	*w = (struct waiter){ .next = j->waiters, .sample_id = s->sample_id, .item = s->item,
			      .language = s->language, .extra_flags = s->extra_flags };
	j->waiters = w;
	e->n_waiting++;
	return 0;
}

static int new_job(struct engine *e, const struct task *task, const struct language *language, struct buf *program,
		   const uint8_t key[HASH_SHA256_BYTES], struct job **ret, struct error *err)
{
	struct job *j = mem_zalloc(sizeof(*j));
	int r;

	if (!j)
		return nomem(err);
	j->engine = e;
	j->task = task;
	j->language = language;
	memcpy(j->key, key, sizeof(j->key));
	j->program = buf_steal(program, &j->program_len);
	r = j->program ? reuse_put(e->in_flight, key, j, err) : nomem(err);
	if (r < 0) {
		job_free(j);
		return r;
	}
	list_add(&e->queue, j);
	*ret = j;
	return 0;
}

static int judge_program(struct engine *e, struct subject *s, struct extracted *x, struct error *err)
{
	const struct task *task = e->run->tasks[e->run->items[s->item].task].task;
	struct judge_request req = { .task = task, .language = s->language->name, .program = x->program.data,
				     .program_len = x->program.len, .all_tests = e->run->all_tests,
					     .confirm = e->run->confirm,
				     .limits = limits_merge(&task->limits, &e->run->over) };
	struct judgement known = { .verdict = VERDICT_NONE };
	uint8_t key[HASH_SHA256_BYTES];
	int64_t judgement_id;
	struct job *j;
	int r;

	r = judge_verdict_key(e->opt.judging->judge, &req, key, err);
	if (r < 0)
		return r;
	j = reuse_get(e->in_flight, key);
	if (j) {
		e->run->tally.duplicates++;
	} else {
		r = store_find_judgement(e->opt.store, key, &judgement_id, &known, err);
		if (r < 0)
			return r;
		if (r == 1) {
			enum verdict v = known.verdict;

			judgement_clear(&known);
			e->run->tally.reused++;
			return settle(e, s, judgement_id, v, err);
		}
	}
	if (s->row) {
		r = engine_put_sample(e, s->row, err);
		if (r < 0)
			return r;
		e->run->tally.pending++;
	}
	if (!j)
		r = new_job(e, task, s->language, &x->program, key, &j, err);
	return r < 0 ? r : wait_on(e, j, s, err);
}

int engine_judge_text(struct engine *e, struct subject *s, enum extract_mode mode, const char *text, size_t n,
		      struct error *err)
{
	const struct task *task = e->run->tasks[e->run->items[s->item].task].task;
	struct extracted x = { .found = false };
	int r = extract_program(task, s->language->name, mode, text, n, &x, err);

	if (r == ERR_LIMIT) {
		r = settle_no_program(e, s, "the completion is larger than 4 MiB", err);
	} else if (r == 0 && !x.found) {
		r = settle_no_program(e, s, "no program in the completion", err);
	} else if (r == 0) {
		if (s->row) {
			s->row->program = x.program.data;
			s->row->program_len = x.program.len;
			if (x.reasoning.len && !s->row->reasoning) {
				s->row->reasoning = x.reasoning.data;
				s->row->reasoning_len = x.reasoning.len;
			}
		}
		r = judge_program(e, s, &x, err);
	}
	extracted_clear(&x);
	return r;
}
