/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_calls.c - tests of kind `calls` with `cases`, and test code that was recognised as nothing
 * but assertions (assertions.h): the arguments go over, what comes back is compared here.  No code
 * runs for it but ours; a case has passed only when its answer was seen and found right.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "filters/checker.h"
#include "filters/judge_internal.h"
#include "filters/portable.h"
#include "filters/shape.h"

static void next_case(struct job *job);

static const struct test_case *cases(const struct job *job)
{
	return job->assertions ? job->assertions->cases : job->task->task->cases;
}

static size_t n_cases(const struct job *job)
{
	return job->assertions ? job->assertions->n : job->task->task->n_cases;
}

/* Where we are.  The second run takes cases from the other end; test code keeps its order. */
static size_t case_place(const struct job *job)
{
	return job->second && !job->assertions ? n_cases(job) - 1 - job->case_index : job->case_index;
}

static const struct test_case *case_of(const struct job *job)
{
	return &cases(job)[case_place(job)];
}

/* As people count them. */
static size_t case_number(const struct job *job)
{
	return case_place(job) + 1;
}

static const struct script_step *step_of(const struct job *job)
{
	const struct test_case *c = case_of(job);

	return c->n_script ? &c->script[job->step_index] : NULL;
}

/* --- the end of a case, and of all --- */

static void finish(struct job *job)
{
	if (job->first_verdict == VERDICT_NONE)
		job_end(job, VERDICT_ACCEPTED, 0, "%s", "");
	else
		job_end(job, job->first_verdict, 0, "%s", job->first_message);
}

static void note_failure(struct job *job, enum verdict v, const char *why)
{
	if (job->first_verdict != VERDICT_NONE)
		return;
	job->first_verdict = v;
	(void) snprintf(job->first_message, sizeof(job->first_message), "case %zu: %s",
			case_number(job), why);
}

static void case_done(struct job *job, enum verdict v, const char *why)
{
	const struct test_case *c = case_of(job);
	struct judgement *j = &job->result;

	if (v == VERDICT_ACCEPTED) {
		j->tests_passed++;
		j->visible_passed += c->visible;
	} else {
		note_failure(job, v, why);
	}
	job->case_index++;
	job->step_index = 0;
	job->handle = 0;
	if ((v != VERDICT_ACCEPTED && !job->all_tests) ||
	    job->case_index == n_cases(job))
		candidate_stop(job);
	else
		next_case(job);
}

static void check_assertion(struct job *job, const struct answer *a);

static bool asks_nothing(const struct assertion *a)
{
	return a->kind == ASSERT_ALWAYS || a->kind == ASSERT_NEVER;
}

/* --- questions --- */

static void put_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_add(b, &v, sizeof(v));
}

static void put_u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_add(b, &v, sizeof(v));
}

static void put_str(struct buf *b, const char *s)
{
	put_u32(b, (uint32_t)strlen(s));
	buf_adds(b, s);
}

/*
 * The arguments, twice: as bytes for the candidate, and read back into the job's own pool, so that
 * what the candidate changes is changed in our copy and never in the task.
 */
static bool put_args(struct job *job, const struct value *args, struct buf *b)
{
	struct value_numbers *numbers = value_numbers_new();
	struct error err = ERROR_INIT;
	const uint8_t *p;
	size_t at = b->len;
	bool ok;

	if (!numbers)
		return false;
	value_encode_numbered(numbers, args, b);
	buf_addc(b, 'd');
	put_u32(b, 0);
	value_numbers_free(numbers);
	value_pool_reset(job->pool);
	if (b->error || !job_numbers(job))
		return false;
	value_numbers_reset(job->numbers);
	p = (const uint8_t *)b->data + at;
	ok = value_decode_numbered(job->numbers, job->pool, &p, (const uint8_t *)b->data + b->len,
				   &job->args, &err) == 0;
	return ok;
}

static void ask(struct job *job, const struct buf *b, bool ok)
{
	if (!ok || b->error) {
		if (b->error == ERR_LIMIT)
			job_task_fault(job, "task '%s': case %zu: the arguments are too large to ask",
				       job->task->task->id, case_number(job));
		else
			job_failed(job, "out of memory for a question");
		return;
	}
	candidate_ask(job, (const uint8_t *)b->data, b->len);
}

/* Call a name of the program, or (name NULL) the handle number. */
static void ask_call(struct job *job, const char *name, uint64_t number, const struct value *args)
{
	struct buf b;
	bool ok;

	buf_init(&b, VALUE_MAX_FRAME_BYTES);
	if (name) {
		buf_addc(&b, '?');
		put_str(&b, name);
	} else {
		buf_addc(&b, '(');
		put_u64(&b, number);
	}
	ok = put_args(job, args, &b);
	ask(job, &b, ok);
	buf_clear(&b);
}

static void ask_method(struct job *job, const char *name)
{
	struct buf b;

	buf_init(&b, VALUE_MAX_FRAME_BYTES);
	buf_addc(&b, '.');
	put_u64(&b, job->handle);
	put_str(&b, name);
	ask(job, &b, true);
	buf_clear(&b);
}

static void next_step(struct job *job)
{
	const struct script_step *s = step_of(job);

	if (s->is_new)
		ask_call(job, s->name, 0, s->args);
	else if (!job->handle)
		job_task_fault(job, "task '%s': case %zu: step %zu calls a method of nothing",
			       job->task->task->id, case_number(job), job->step_index + 1);
	else
		ask_method(job, s->name);
}

static void next_case(struct job *job)
{
	const struct test_case *c = case_of(job);

	if (job->assertions && asks_nothing(&job->assertions->items[job->case_index]))
		check_assertion(job, NULL);
	else if (c->n_script)
		next_step(job);
	else
		ask_call(job, job->task->task->entry_point, 0, c->args);
}

/* --- answers --- */

static bool raised_as(const struct answer *a, const char *wanted)
{
	if (!strcmp(a->name, wanted))
		return true;
	for (size_t i = 0; i < a->n_bases; i++)
		if (!strcmp(a->bases[i], wanted))
			return true;
	return false;
}

/* What an answer that is no value means where a value was wanted. */
static enum verdict failed_answer(struct job *job, const struct answer *a, char why[200])
{
	bool memory = false, left = false;

	switch (a->op) {
	case 'X':
		memory = raised_as(a, "MemoryError");
		left = raised_as(a, "SystemExit");
		job->result.flags |= (uint32_t)FLAG_EXCEPTION | (memory ? FLAG_MEMORY_LIMIT : 0u) |
				     (left ? FLAG_EARLY_EXIT : 0u);
		(void) snprintf(why, 200, "the program raised %.60s: %.100s", a->name, a->message);
		return memory ? VERDICT_MEMORY_LIMIT : VERDICT_RUNTIME_ERROR;
	case 'U':
		job->result.flags |= FLAG_NOT_PLAIN;
		(void) snprintf(why, 200, "the answer cannot cross: %.60s", a->name);
		if (str_eq(a->name, "size") || str_eq(a->name, "handles")) {
			job->result.flags |= FLAG_OUTPUT_LIMIT;
			return VERDICT_OUTPUT_LIMIT;
		}
		return VERDICT_WRONG_ANSWER;
	case '?':
		job->result.flags |= FLAG_NO_ENTRY_POINT;
		(void) snprintf(why, 200, "the program does not define '%.100s'", a->name);
		return VERDICT_RUNTIME_ERROR;
	default:
		(void) snprintf(why, 200, "%s", "an answer that was not asked for");
		job->result.flags |= FLAG_PROTOCOL;
		return VERDICT_RUNTIME_ERROR;
	}
}

/* One value against what is expected of a case or of a step. */
static enum verdict compare(struct job *job, const struct answer *a, const struct value *expect,
			    const char *raises, const struct value *expect_args, char why[200])
{
	const struct checker *c = &job->task->task->checker;

	why[0] = '\0';
	if (raises) {
		if (a->op == 'X' && raised_as(a, raises))
			return VERDICT_ACCEPTED;
		if (a->op == 'R') {
			(void) snprintf(why, 200, "it did not raise %.100s", raises);
			return VERDICT_WRONG_ANSWER;
		}
		return failed_answer(job, a, why);
	}
	if (a->op != 'R')
		return failed_answer(job, a, why);
	if (job->language->calls_plain && expect)
		shape_like(a->value, expect);
	if (job->language->calls_plain && expect_args)
		shape_like(job->args, expect_args);
	if (expect && !checker_value(c, a->value, expect)) {
		(void) snprintf(why, 200, "%s", "wrong answer");
		return VERDICT_WRONG_ANSWER;
	}
	/* A changed argument is exact, whatever order the answer itself may have. */
	if (expect_args && !(c->kind == CHECKER_FLOAT ? checker_value(c, job->args, expect_args)
						      : value_equal(job->args, expect_args))) {
		(void) snprintf(why, 200, "%s", "the arguments are not left as expected");
		return VERDICT_WRONG_ANSWER;
	}
	return VERDICT_ACCEPTED;
}

static void step_answer(struct job *job, const struct answer *a)
{
	const struct test_case *c = case_of(job);
	const struct script_step *s = step_of(job);
	enum verdict v = VERDICT_ACCEPTED;
	char why[200] = "";

	/* The attribute first, then its call. */
	if (!s->is_new && job->asked_attribute) {
		job->asked_attribute = false;
		if (a->op == 'R' && a->value->kind == VALUE_HANDLE) {
			ask_call(job, NULL, (uint64_t)a->value->integer, s->args);
			return;
		}
		v = a->op == 'R' ? VERDICT_RUNTIME_ERROR : failed_answer(job, a, why);
		if (a->op == 'R')
			(void) snprintf(why, sizeof(why), "'%.100s' is no method", s->name);
		case_done(job, v, why);
		return;
	}
	if (s->is_new && !s->raises) {
		if (a->op != 'R')
			v = failed_answer(job, a, why);
		else if (a->value->kind == VALUE_HANDLE)
			job->handle = (uint64_t)a->value->integer;
		else {
			v = VERDICT_WRONG_ANSWER;
			(void) snprintf(why, sizeof(why), "'%.100s' makes no object", s->name);
		}
	} else {
		v = compare(job, a, s->expect, s->raises, NULL, why);
	}
	if (v == VERDICT_ACCEPTED && ++job->step_index < c->n_script) {
		job->asked_attribute = !step_of(job)->is_new;
		next_step(job);
		return;
	}
	case_done(job, v, why);
}

/* What ends test code even where all is to be counted: the program left, or has nothing to ask. */
static bool ends_all(const struct answer *a)
{
	return a->op == '?' || (a->op == 'X' && (!raised_as(a, "Exception") || raised_as(a, "MemoryError")));
}

/* a: the answer; NULL where none was asked for. */
static void check_assertion(struct job *job, const struct answer *a)
{
	enum assertion_answer said;
	enum verdict v;
	char why[200];

	if (a && a->op != 'R') {
		v = failed_answer(job, a, why);
		if (ends_all(a)) {
			note_failure(job, v, why);
			candidate_stop(job);
		} else {
			case_done(job, v, why);
		}
		return;
	}
	if (a && job->language->calls_plain && case_of(job)->expect)
		shape_like(a->value, case_of(job)->expect);
	said = assertion_check(&job->assertions->items[job->case_index], a ? a->value : NULL, case_of(job)->expect);
	/* An object is no plain value, and there is no asking Python about one of another language. */
	if (said == ASSERTION_UNSURE && job->language->calls_plain)
		said = ASSERTION_FAILS;
	if (said == ASSERTION_UNSURE) {
		job->unsure = true;
		job_restart(job);
		return;
	}
	case_done(job, said == ASSERTION_HOLDS ? VERDICT_ACCEPTED : VERDICT_WRONG_ANSWER, "assertion failed");
}

static void on_answer(struct job *job, const struct answer *a, const uint8_t *frame, size_t n)
{
	const struct test_case *c = case_of(job);
	enum verdict v;
	char why[200];

	(void) frame;
	(void) n;
	if (job->assertions) {
		check_assertion(job, a);
		return;
	}
	if (c->n_script) {
		step_answer(job, a);
		return;
	}
	v = compare(job, a, c->expect, c->raises, c->expect_args, why);
	case_done(job, v, why);
}

static uint32_t assertion_traits(const struct assertions *a)
{
	struct survey *s = survey_new();
	uint32_t traits;

	if (!s)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (!asks_nothing(&a->items[i]))
			survey_call(s, a->cases[i].args, a->cases[i].expect);
	traits = survey_traits(s);
	survey_free(s);
	return traits;
}

/* What of the tests the candidate's language cannot hold; NULL: nothing. */
static const char *unportable(struct job *job)
{
	if (!job->language->calls_plain && !job->survey)
		return NULL;
	job->result.traits = job->assertions ? assertion_traits(job->assertions) : survey_cases(cases(job), n_cases(job));
	job->result.surveyed = true;
	return portable_reason(job->result.traits, job->language);
}

static void on_loaded(struct job *job)
{
	const char *why = unportable(job);

	if (why) {
		job_not_portable(job, why);
		return;
	}
	if (job->assertions)
		next_case(job);
	else if (!job->task->task->n_cases)
		job_task_fault(job, "task '%.60s' has no cases", job->task->task->id);
	else if (job->task->task->checker.kind == CHECKER_PROGRAM)
		job_task_fault(job, "task '%.60s' is not portable: a validator cannot check calls",
			       job->task->task->id);
	else
		next_case(job);
}

static void on_died(struct job *job)
{
	if (job->first_verdict == VERDICT_NONE) {
		job->first_verdict = job->death;
		(void) snprintf(job->first_message, sizeof(job->first_message), "%s",
				job->death_message);
	}
	finish(job);
}

static const struct candidate_events events = {
	.loaded = on_loaded,
	.answer = on_answer,
	.died = on_died,
	.stopped = finish,
};

static void begin(struct job *job)
{
	struct judgement *j = &job->result;

	job->assertions = job->task->task->kind == TESTS_CHECK ? job->task->assertions : NULL;
	j->tests_passed = j->visible_passed = j->visible_total = 0;
	j->tests_total = (int)n_cases(job);
	for (size_t i = 0; i < n_cases(job); i++)
		j->visible_total += cases(job)[i].visible;
	job->asked_attribute = false;
}

void calls_start(struct job *job)
{
	begin(job);
	candidate_start(job, &events);
}

void calls_take_over(struct job *job)
{
	begin(job);
	job->candidate = &events;
	if (!job->box)
		on_died(job);
	else if (job->loaded)
		on_loaded(job);
}
