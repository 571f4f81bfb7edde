/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_check.c - tests of kind `check`: the relay between a Python judge and a candidate.
 *
 * The judge's questions go to the candidate as they are; the candidate's answers are read to the
 * last byte (candidate.c) before the same bytes go on.  Only the relay says how a candidate died.
 *
 * Where the test code turns out, when the judge is taught it, to be nothing but assertions of one
 * call each (assertions.h), judge_calls.c takes the candidate over, and later jobs need no judge.
 *
 *   judge  : taught -> running -> (question <-> answer)* -> report 'P' -> child gone 'Z' -> idle
 *   program: started -> loaded 'K' -> answers -> stopped, or dead before the report
 *
 * A program that dies has the judge told ('Q'): it reports what it has counted so far.  The job ends
 * when the candidate is gone and the judge is idle (or gone).  What the judge's own limits mean
 * depends on whether it had taken data of the candidate: then the candidate pays, otherwise the
 * fault is ours.
 */
#include <endian.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"
#include "filters/judge_internal.h"
#include "filters/portable.h"

#define WATCH_US UINT64_C(5000000)
#define JUDGE_TURN_US UINT64_C(40000000) /* 10 s of CPU on a very busy machine */

static void finish_if_all_gone(struct job *job);

/* --- the end --- */

struct meaning {
	char outcome;
	enum verdict verdict;
	uint32_t flags;
};

static const struct meaning meanings[] = {
	{ 'A', VERDICT_ACCEPTED, 0 },
	{ 'W', VERDICT_WRONG_ANSWER, 0 },
	{ 'X', VERDICT_RUNTIME_ERROR, FLAG_EXCEPTION },
	{ 'x', VERDICT_RUNTIME_ERROR, FLAG_EXCEPTION },
	{ 'm', VERDICT_MEMORY_LIMIT, FLAG_EXCEPTION | FLAG_MEMORY_LIMIT },
	{ 'M', VERDICT_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT },
	{ 'U', VERDICT_WRONG_ANSWER, FLAG_NOT_PLAIN },
	{ 'B', VERDICT_RUNTIME_ERROR, FLAG_PROTOCOL },
	{ '?', VERDICT_RUNTIME_ERROR, FLAG_NO_ENTRY_POINT },
	{ 'T', VERDICT_WRONG_ANSWER, FLAG_TEST_ERROR },
};

static void end_by_report(struct job *job)
{
	const char *message = job->report_message ? job->report_message : "";
	const char *task = job->task->task->id;
	uint32_t flags;

	if (job->outcome == 'N') {
		job_not_portable(job, message);
		return;
	}
	if (job->outcome == 'M' && !job->consumed) {
		job_task_fault(job, "task '%.60s': the test code takes too much memory", task);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		enum verdict v = meanings[i].verdict;

		if (meanings[i].outcome != job->outcome)
			continue;
		flags = meanings[i].flags;
		if (job->outcome == 'x' && strstr(message, "SystemExit"))
			flags |= FLAG_EARLY_EXIT;
		if (job->outcome == 'U' && (strstr(message, "size") || strstr(message, "handles"))) {
			v = VERDICT_OUTPUT_LIMIT;
			flags |= FLAG_OUTPUT_LIMIT;
		}
		job_end(job, v, flags, "%.280s", message);
		return;
	}
	job_failed(job, "the judge reported '%c'", job->outcome);
}

/*
 * An array of a language that has no tuples stands for a list or for a tuple, and test code does not
 * say which: the program is right where either makes it so.
 */
static bool try_tuples(struct job *job)
{
	if (!job->gave_array || job->as_tuples || job->outcome == 'A' || job->death != VERDICT_NONE)
		return false;
	job->as_tuples = true;
	job_restart(job);
	return true;
}

static void finish_if_all_gone(struct job *job)
{
	if (job_has_ended(job) || job->box || job->judge)
		return;
	if (job->reported && job->outcome != 'Q' && try_tuples(job))
		return;
	if (job->reported && job->outcome != 'Q')
		end_by_report(job);
	else if (job->death == VERDICT_INTERNAL_ERROR)
		job_failed(job, "%s", job->death_message);
	else if (job->death != VERDICT_NONE)
		job_end(job, job->death, 0, "%s", job->death_message);
	else
		job_failed(job, "the judge ended without a report");
}

void check_cancel(struct job *job)
{
	if (job->watch)
		spawner_timer_cancel(job->watch);
	job->watch = NULL;
	if (job->judge)
		python_judge_give(job->judge, true);
}

/* --- the values --- */

/* The arguments of a call of the program by name, from the judge's question; NULL: it is no such, or there is no memory. */
static const struct value *called_with(const uint8_t *frame, size_t n, struct value_pool *pool, bool *ret_keywords)
{
	struct value_numbers *numbers = value_numbers_new();
	struct error err = ERROR_INIT;
	struct value *args = NULL, *keywords = NULL;
	const uint8_t *p = frame + 5, *end = frame + n;
	uint32_t len = 0;

	if (numbers && n > 5 && frame[0] == '?') {
		memcpy(&len, frame + 1, sizeof(len));
		len = le32toh(len);
		if (len > n - 5)
			len = 0;
		p += len;
		if (!len || value_decode_numbered(numbers, pool, &p, end, &args, &err) < 0 ||
		    value_decode_numbered(numbers, pool, &p, end, &keywords, &err) < 0)
			args = NULL;
		*ret_keywords = keywords && keywords->n_items;
	}
	value_numbers_free(numbers);
	return args;
}

/* Look at what the tests pass: whether the language can hold it, and (survey) for what is to be known of the task. */
static bool look_at_question(struct job *job, const uint8_t *frame, size_t n)
{
	struct value_pool *pool;
	const struct value *args;
	const char *why;
	bool keywords = false;

	job->called = false;
	if (!job->language->calls_plain && !job->survey)
		return true;
	if (!job->values)
		job->values = survey_new();
	pool = job->values ? value_pool_new() : NULL;
	if (!pool)
		return true;
	args = called_with(frame, n, pool, &keywords);
	job->called = args != NULL;
	if (args)
		survey_call(job->values, args, NULL);
	if (keywords)
		survey_mark(job->values, TRAIT_KEYWORDS);
	value_pool_free(pool);
	if (!args || !job->language->calls_plain)
		return true;
	job->result.traits = survey_traits(job->values);
	why = portable_reason(job->result.traits, job->language);
	if (!why)
		return true;
	job->result.surveyed = true;
	job_not_portable(job, why);
	return false;
}

/* --- the judge's side --- */

static void tell(struct job *job, const void *frame, size_t n)
{
	struct error err = ERROR_INIT;

	if (!job->judge)
		return;
	job->judge_turn = true;
	job->judge_since_us = clock_now_us();
	if (python_judge_send(job->judge, frame, n, &err) < 0)
		job_failed(job, "telling the judge: %s", err.msg);
}

/* The judge stopped without a verdict: who pays? */
static void judge_lost(struct job *job, enum verdict if_consumed, uint32_t flags, const char *why)
{
	if (job->reported || job->death != VERDICT_NONE) {
		/* What is known stays known. */
	} else if (job->consumed) {
		job->death = if_consumed;
		job->result.flags |= flags;
		(void) snprintf(job->death_message, sizeof(job->death_message),
				"%s while reading the answers", why);
	} else {
		job->death = VERDICT_INTERNAL_ERROR;
		(void) snprintf(job->death_message, sizeof(job->death_message), "task '%.60s': %s",
				job->task->task->id, why);
	}
	if (job->box)
		candidate_stop(job);
	else
		finish_if_all_gone(job);
}

static void on_watch(void *ctx)
{
	struct job *job = ctx;
	struct python_judge *judge = job->judge;

	job->watch = NULL;
	if (!judge)
		return;
	if (job->judge_turn && clock_now_us() - job->judge_since_us > JUDGE_TURN_US) {
		python_judge_give(judge, true);
		judge_lost(job, VERDICT_TIME_LIMIT, FLAG_WALL_LIMIT, "the judge ran out of time");
		return;
	}
	job->watch = spawner_timer_start(job->service->spawner, WATCH_US, on_watch, job);
}

static bool is_question(uint8_t op)
{
	return op && strchr("?(.=[]#>$-", op);
}

static bool read_report(struct job *job, const uint8_t *frame, size_t n)
{
	struct judgement *j = &job->result;
	uint32_t v[5];

	if (n < 22)
		return false;
	for (size_t i = 0; i < 5; i++) {
		memcpy(&v[i], frame + 2 + 4 * i, 4);
		v[i] = le32toh(v[i]);
	}
	if (v[4] != n - 22)
		return false;
	job->outcome = (char)frame[1];
	j->tests_passed = (int)v[0];
	j->tests_total = (int)v[1];
	j->visible_passed = (int)v[2];
	j->visible_total = (int)v[3];
	mem_free(job->report_message);
	job->report_message = mem_strndup((const char *)frame + 22, v[4]);
	return true;
}

static void stop_watching(struct job *job)
{
	if (job->watch)
		spawner_timer_cancel(job->watch);
	job->watch = NULL;
}

/* The judge's child is gone: it is idle again. */
static void on_idle(struct job *job, const uint8_t *frame, size_t n)
{
	uint32_t status = 0;
	int signal = 0;

	if (n == 5) {
		memcpy(&status, frame + 1, 4);
		signal = WIFSIGNALED(le32toh(status)) ? WTERMSIG(le32toh(status)) : 0;
	}
	stop_watching(job);
	python_judge_give(job->judge, false);
	if (!job->reported) {
		if (signal == SIGXCPU || signal == SIGKILL)
			judge_lost(job, VERDICT_TIME_LIMIT, FLAG_CPU_LIMIT,
				   "the judge ran out of CPU time");
		else
			judge_lost(job, VERDICT_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT, "the judge broke down");
		return;
	}
	finish_if_all_gone(job);
}

static void put_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_add(b, &v, sizeof(v));
}

/* Have the judge judge this one. */
static void start_sample(struct job *job)
{
	const struct task *t = job->task->task;
	uint64_t seed = htole64(job->seed);
	struct buf b;

	buf_init(&b, VALUE_MAX_FRAME_BYTES);
	buf_addc(&b, 'S');
	put_u32(&b, HASH_SHA256_BYTES);
	buf_add(&b, t->digest, HASH_SHA256_BYTES);
	buf_add(&b, &seed, sizeof(seed));
	/* bit 1: the program is meant to hold the prompt. */
	buf_addc(&b, (char)((job->all_tests ? 1 : 0) |
			    (str_eq(t->prompt_language, job->language->name) ? 2 : 0)));
	put_u32(&b, (uint32_t)t->n_visible_asserts);
	for (size_t i = 0; i < t->n_visible_asserts; i++)
		put_u32(&b, (uint32_t)t->visible_asserts[i]);
	if (b.error)
		job_failed(job, "out of memory for a judge");
	else
		tell(job, b.data, b.len);
	buf_clear(&b);
}

/* May judge_calls.c judge it, where the test code is recognised?  Plain values it must: Python would see no kinds. */
static bool may_take_over(const struct job *job)
{
	return !job->unsure && (!job->service->plain || job->language->calls_plain);
}

static bool by_assertions(const struct job *job)
{
	return job->task->assertions && may_take_over(job);
}

/* The judge knows the task now; what it has recognised in it follows its 't'. */
static void taught(struct job *job, const uint8_t *found, size_t n)
{
	struct service_task *st = job->task;
	const struct task *t = st->task;
	struct error err = ERROR_INIT;

	if (!st->examined && n &&
	    assertions_read(found, n, t->visible_asserts, t->n_visible_asserts, &st->assertions, &err) < 0) {
		job_failed(job, "the judge recognised what cannot be read: %s", err.msg);
		return;
	}
	st->examined = true;
	if (!job->examining)
		return;
	job->examining = false;
	if (by_assertions(job)) {
		stop_watching(job);
		python_judge_give(job->judge, false);
		calls_take_over(job);
		return;
	}
	start_sample(job);
	/* It died meanwhile: the judge still counts. */
	if (job->death != VERDICT_NONE && !job_has_ended(job))
		tell(job, "Q", 1);
}

static void judge_frame(struct job *job, const uint8_t *frame, size_t n)
{
	uint8_t op = n ? frame[0] : 0;

	if (job_has_ended(job))
		return;
	if (op == 't') {
		taught(job, frame + 1, n - 1);
		return;
	}
	job->examining = false;
	if (op == 'x') {
		python_judge_unteach(job->judge, job->task->task->digest);
		job->reported = true;
		job->outcome = 'T';
		mem_free(job->report_message);
		job->report_message = mem_printf("the test code does not compile: %.*s",
						 n > 5 ? (int)(n - 5 < 200 ? n - 5 : 200) : 0,
						 n > 5 ? (const char *)frame + 5 : "");
		python_judge_give(job->judge, true);
		candidate_stop(job);
	} else if (op == 'P') {
		job->judge_turn = false;
		if (job->reported || !read_report(job, frame, n)) {
			job_failed(job, "the judge sent a bad report");
			return;
		}
		job->reported = true;
		/* Its child ends now; 'Z' follows. */
		job->judge_turn = true;
		job->judge_since_us = clock_now_us();
		if (job->box)
			candidate_stop(job);
	} else if (op == 'Z') {
		on_idle(job, frame, n);
	} else if (is_question(op) && !job->reported) {
		job->judge_turn = false;
		if (job->death != VERDICT_NONE)
			return; /* it was told, or will be */
		if (!look_at_question(job, frame, n))
			return;
		if (job->loaded) {
			candidate_ask(job, frame, n);
			return;
		}
		buf_reset(&job->held_question);
		buf_add(&job->held_question, frame, n);
		if (job->held_question.error)
			job_failed(job, "out of memory for a question");
	} else {
		job_failed(job, "the judge sent an odd frame");
	}
}

static void judge_gone(struct job *job, const struct box_result *r)
{
	if (job_has_ended(job) || job->cancelled)
		return;
	if (r->end == BOX_FAILED) {
		job_failed(job, "the judge's box: %.150s", r->failure);
		return;
	}
	judge_lost(job, r->end == BOX_CPU_LIMIT ? VERDICT_TIME_LIMIT : VERDICT_OUTPUT_LIMIT,
		   r->end == BOX_CPU_LIMIT ? FLAG_CPU_LIMIT : FLAG_OUTPUT_LIMIT,
		   "the judge broke down");
}

/* --- the candidate's side --- */

static void on_loaded(struct job *job)
{
	if (job->held_question.len) {
		candidate_ask(job, (const uint8_t *)job->held_question.data, job->held_question.len);
		buf_reset(&job->held_question);
	}
}

static void tell_tuple(struct job *job, struct value *v)
{
	struct buf b;

	v->kind = VALUE_TUPLE;
	buf_init(&b, VALUE_MAX_FRAME_BYTES);
	buf_addc(&b, 'R');
	value_encode(v, &b);
	put_u32(&b, 0);
	if (b.error)
		job_failed(job, "out of memory for an answer");
	else
		tell(job, b.data, b.len);
	buf_clear(&b);
}

static void on_answer(struct job *job, const struct answer *a, const uint8_t *frame, size_t n)
{
	if (a->op == 'U')
		job->result.flags |= FLAG_NOT_PLAIN;
	job->consumed = true;
	if (job->survey && job->called && a->op == 'R')
		survey_call(job->values, NULL, a->value);
	if (job->survey && job->called && a->op == 'X')
		survey_mark(job->values, TRAIT_RAISES);
	if (job->language->calls_plain && a->op == 'R' && a->value->kind == VALUE_LIST) {
		job->gave_array = true;
		if (job->as_tuples) {
			tell_tuple(job, a->value);
			return;
		}
	}
	tell(job, frame, n);
}

static void on_died(struct job *job)
{
	if (job->judge && !job->reported && !job->examining)
		tell(job, "Q", 1);
	finish_if_all_gone(job);
}

static void on_stopped(struct job *job)
{
	finish_if_all_gone(job);
}

static void start_judge(struct job *job)
{
	static const struct python_judge_events events = { .frame = judge_frame, .gone = judge_gone };
	struct error err = ERROR_INIT;
	bool just_taught = false;

	job->judge = python_judge_take(job, &events, &just_taught, &err);
	job->watch = spawner_timer_start(job->service->spawner, WATCH_US, on_watch, job);
	if (!job->judge || !job->watch) {
		job_failed(job, "cannot start a judge: %s", err.msg);
		return;
	}
	job->judge_turn = true;
	job->judge_since_us = clock_now_us();
	job->examining = just_taught && may_take_over(job);
	if (!job->examining)
		start_sample(job);
}

void check_start(struct job *job)
{
	static const struct candidate_events events = {
		.loaded = on_loaded,
		.answer = on_answer,
		.died = on_died,
		.stopped = on_stopped,
	};

	if (by_assertions(job)) {
		calls_start(job);
		return;
	}
	candidate_start(job, &events);
	if (!job_has_ended(job) && job->box)
		start_judge(job);
}
