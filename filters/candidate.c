/* SPDX-License-Identifier: Apache-2.0 */
/*
 * candidate.c - a program that answers questions: its box, and the only decoding of what it says.
 *
 * Strictly one question, one answer.  A frame that answers no question, or not this one, or that is
 * not well-formed to its last byte, ends the candidate with FLAG_PROTOCOL: it can only ever be a
 * failure of the candidate's own.  The wall clock runs while a question (or the load) is out.
 */
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "filters/judge_internal.h"

#define QUESTION_REF UINT32_C(0x80000000)
#define MAX_BASES 64
#define MAX_MESSAGE 4096
#define POOL_KEEP_BYTES ((size_t)1 << 20)

/* --- reading an answer --- */

struct reader {
	struct job *job;
	const uint8_t *p, *end;
	struct error err;
};

static bool malformed(struct reader *r, const char *what)
{
	(void) error_set(&r->err, ERR_INPUT, "%s", what);
	return false;
}

static bool get_u32(struct reader *r, uint32_t *ret)
{
	uint32_t v;

	if (r->end - r->p < 4)
		return malformed(r, "an answer ends before its time");
	memcpy(&v, r->p, sizeof(v));
	r->p += 4;
	*ret = le32toh(v);
	return true;
}

/* A str of at most max bytes, as a C string in the pool (a NUL in it becomes '?'). */
static bool get_str(struct reader *r, size_t max, const char **ret)
{
	uint32_t n;
	char *copy;

	if (!get_u32(r, &n))
		return false;
	if (n > max || n > (size_t)(r->end - r->p))
		return malformed(r, "a string in an answer is too long");
	copy = value_alloc(r->job->pool, n + 1);
	if (!copy) {
		(void) error_set(&r->err, ERR_NOMEM, "out of memory for an answer");
		return false;
	}
	for (uint32_t i = 0; i < n; i++)
		copy[i] = r->p[i] ? (char)r->p[i] : '?';
	copy[n] = '\0';
	r->p += n;
	*ret = copy;
	return true;
}

static bool get_value(struct reader *r, struct value_numbers *numbers, struct value **ret)
{
	return value_decode_numbered(numbers, r->job->pool, &r->p, r->end, ret, &r->err) == 0;
}

/*
 * Put the question's own containers where a value refers to them.  `boolean` marks a container
 * that was seen (a container has no other use for it), so that shared parts cost no more than once.
 */
static bool resolve(struct reader *r, struct value **at, unsigned depth)
{
	struct value *v = *at;

	if (v->kind == VALUE_REF) {
		uint64_t number = (uint64_t)v->integer & ~(uint64_t)QUESTION_REF;
		struct value *named = r->job->numbers
					      ? value_numbers_at(r->job->numbers, (size_t)number)
					      : NULL;

		if (!named)
			return malformed(r, "a reference to no container of the question");
		*at = named;
		return true;
	}
	if (!v->n_items || v->boolean || depth > VALUE_MAX_DEPTH)
		return true;
	v->boolean = true;
	for (size_t i = 0; i < v->n_items; i++)
		if (!resolve(r, &v->items[i], depth + 1))
			return false;
	return true;
}

static bool is_mutable(enum value_kind k)
{
	return k == VALUE_LIST || k == VALUE_SET || k == VALUE_DICT || k == VALUE_COUNTER ||
	       k == VALUE_ORDERED_DICT || k == VALUE_DEFAULT_DICT || k == VALUE_DEQUE ||
	       k == VALUE_BYTEARRAY;
}

/* The changed containers at the end of R and X.  For `cases` they are written into the question. */
static bool get_changes(struct reader *r, struct value_numbers *numbers, bool apply)
{
	uint32_t n, number;

	if (!get_u32(r, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct value *now, *old;

		if (!get_u32(r, &number) || !get_value(r, numbers, &now))
			return false;
		if (!apply)
			continue;
		old = r->job->numbers ? value_numbers_at(r->job->numbers, number) : NULL;
		if (!old || !is_mutable(old->kind))
			return malformed(r, "a change of what is no container of the question");
		if (!resolve(r, &now, 0))
			return false;
		/* Identity stays: all that name the old one see the new content. */
		old->kind = now->kind;
		old->str = now->str;
		old->len = now->len;
		old->items = now->items;
		old->n_items = now->n_items;
	}
	return true;
}

static bool get_exception(struct reader *r, struct answer *a)
{
	const char **bases;
	uint32_t n;

	if (!get_str(r, 4096, &a->name) || !get_str(r, MAX_MESSAGE, &a->message) || !get_u32(r, &n))
		return false;
	if (n > MAX_BASES)
		return malformed(r, "an exception of too many classes");
	bases = value_alloc(r->job->pool, (n + 1) * sizeof(*bases));
	if (!bases) {
		(void) error_set(&r->err, ERR_NOMEM, "out of memory for an answer");
		return false;
	}
	for (uint32_t i = 0; i < n; i++)
		if (!get_str(r, 200, &bases[i]))
			return false;
	a->bases = bases;
	a->n_bases = n;
	return true;
}

static bool get_items(struct reader *r, struct value_numbers *numbers, bool apply, struct answer *a)
{
	uint32_t n;

	if (!get_u32(r, &n))
		return false;
	if (n > r->job->asked_items || n > (size_t)(r->end - r->p))
		return malformed(r, "more items than were asked for");
	if (!n && a->op == 'V')
		return malformed(r, "an empty batch that is not the last");
	a->value = value_new(r->job->pool, VALUE_LIST);
	if (a->value)
		a->value->items = value_alloc(r->job->pool, n * sizeof(*a->value->items) + 1);
	if (!a->value || !a->value->items) {
		(void) error_set(&r->err, ERR_NOMEM, "out of memory for an answer");
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!get_value(r, numbers, &a->value->items[i]) ||
		    (apply && !resolve(r, &a->value->items[i], 0)))
			return false;
		a->value->n_items = i + 1;
	}
	return true;
}

static bool may_answer(char question, char answer)
{
	switch (question) {
	case 'L':
		return answer == 'K' || answer == '!';
	case '-':
		return answer == 'K';
	case '>':
		return strchr("VEXU", answer) != NULL;
	case '?':
	case '$':
		return strchr("RXU?", answer) != NULL;
	default:
		return strchr("RXU", answer) != NULL;
	}
}

static bool read_answer(struct reader *r, struct value_numbers *numbers, bool apply, struct answer *a)
{
	if (r->p == r->end)
		return malformed(r, "an empty answer");
	a->op = (char)*r->p++;
	if (!a->op || !may_answer(r->job->asked, a->op))
		return malformed(r, "an answer of another kind than the question");
	switch (a->op) {
	case 'K':
		break;
	case '!':
		if (!get_exception(r, a))
			return false;
		break;
	case 'R':
		if (!get_value(r, numbers, &a->value) || !get_changes(r, numbers, apply) ||
		    (apply && !resolve(r, &a->value, 0)))
			return false;
		break;
	case 'X':
		if (!get_exception(r, a) || !get_changes(r, numbers, apply))
			return false;
		break;
	case 'U':
		if (!get_str(r, 64, &a->name))
			return false;
		break;
	case '?':
		if (!get_str(r, VALUE_MAX_FRAME_BYTES, &a->name))
			return false;
		break;
	default:
		if (!get_items(r, numbers, apply, a))
			return false;
		break;
	}
	return r->p == r->end || malformed(r, "an answer with more after its end");
}

/* --- the conversation --- */

void candidate_fault(struct job *job, enum verdict v, uint32_t flags, const char *fmt, ...)
{
	va_list ap;

	if (job->death != VERDICT_NONE || job->stopping || job_has_ended(job))
		return;
	va_start(ap, fmt);
	(void) vsnprintf(job->death_message, sizeof(job->death_message), fmt, ap);
	va_end(ap);
	job->death = v;
	job->result.flags |= flags;
	job->asked = 0;
	if (job->box) {
		box_question(job->box, false);
		box_kill(job->box);
	}
}

static bool is_class(const struct answer *a, const char *name)
{
	for (size_t i = 0; i < a->n_bases; i++)
		if (!strcmp(a->bases[i], name))
			return true;
	return false;
}

static void not_loaded(struct job *job, const struct answer *a)
{
	if (is_class(a, "SyntaxError"))
		candidate_fault(job, VERDICT_COMPILE_ERROR, 0, "%.60s: %.120s", a->name, a->message);
	else if (is_class(a, "MemoryError"))
		candidate_fault(job, VERDICT_MEMORY_LIMIT, FLAG_MEMORY_LIMIT | FLAG_EXCEPTION,
				"MemoryError while loading");
	else if (is_class(a, "SystemExit"))
		candidate_fault(job, VERDICT_RUNTIME_ERROR, FLAG_EARLY_EXIT,
				"the program ended while loading");
	else
		candidate_fault(job, VERDICT_RUNTIME_ERROR, FLAG_EXCEPTION, "loading: %.60s: %.110s",
				a->name, a->message);
}

static void on_frame(struct job *job, const uint8_t *frame, size_t n)
{
	struct reader r = { .job = job, .p = frame, .end = frame + n, .err = ERROR_INIT };
	bool apply = job->task->task->kind == TESTS_CASES;
	struct value_numbers *numbers;
	struct answer a = { 0 };
	bool ok;

	if (job->stopping || job->death != VERDICT_NONE)
		return;
	if (!job->asked) {
		candidate_fault(job, VERDICT_RUNTIME_ERROR, FLAG_PROTOCOL,
				"the program wrote to the channel unasked");
		return;
	}
	box_question(job->box, false);
	job->answer_bytes += n;
	if (job->answer_bytes > JUDGE_MAX_ANSWER_BYTES) {
		candidate_fault(job, VERDICT_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT,
				"the answers take more than 256 MiB");
		return;
	}
	if (!apply) {
		/* Only looked at: what the last one took is of no use any more. */
		if (value_pool_bytes(job->pool) > POOL_KEEP_BYTES) {
			value_pool_free(job->pool);
			job->pool = value_pool_new();
		} else {
			value_pool_reset(job->pool);
		}
	}
	numbers = value_numbers_new();
	if (!numbers || !job->pool) {
		value_numbers_free(numbers);
		job_failed(job, "out of memory for an answer");
		return;
	}
	ok = read_answer(&r, numbers, apply, &a);
	value_numbers_free(numbers);
	if (!ok) {
		if (r.err.code == ERR_NOMEM)
			job_failed(job, "%s", r.err.msg);
		else if (r.err.code == ERR_LIMIT)
			candidate_fault(job, VERDICT_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT | FLAG_NOT_PLAIN,
					"%.150s", r.err.msg);
		else
			candidate_fault(job, VERDICT_RUNTIME_ERROR, FLAG_PROTOCOL, "%.150s", r.err.msg);
		return;
	}
	job->asked = 0;
	if (a.op == '!') {
		not_loaded(job, &a);
	} else if (!job->loaded) {
		job->loaded = true;
		job->candidate->loaded(job);
	} else {
		job->candidate->answer(job, &a, frame, n);
	}
}

static void on_ended(struct job *job, const struct box_result *r)
{
	uint32_t flags = 0;
	char why[200];
	enum verdict v;

	if (job->stopping) {
		job_measure(job, r);
		/* How it ended then was our doing. */
		job->result.flags &= ~(uint32_t)(FLAG_SIGNAL | FLAG_NONZERO_EXIT |
							     FLAG_STDOUT_TRUNCATED);
		job->result.exit_code = -1;
		job->result.signal = 0;
		job->candidate->stopped(job);
		return;
	}
	if (r->end == BOX_KILLED && (r->flags & FLAG_PROTOCOL) && job->death == VERDICT_NONE) {
		job->death = VERDICT_RUNTIME_ERROR;
		(void) snprintf(job->death_message, sizeof(job->death_message),
				"a frame that is too long");
	}
	if (job->death == VERDICT_NONE) {
		v = end_verdict(job->language, r, &flags, why);
		if (v == VERDICT_INTERNAL_ERROR) {
			job_failed(job, "the candidate's box: %.150s", why);
			return;
		}
		if (v == VERDICT_OK || v == VERDICT_COMPILE_ERROR)
			v = VERDICT_RUNTIME_ERROR;
		if (r->end == BOX_EXITED)
			flags |= FLAG_EARLY_EXIT;
		job->death = v;
		(void) snprintf(job->death_message, sizeof(job->death_message), "%s",
				r->end == BOX_EXITED && r->exit_code == 0
					? "the program ended before the last question"
					: why);
	}
	job_measure(job, r);
	job->result.flags |= flags;
	/* Nothing of stdout was wanted. */
	job->result.flags &= ~(uint32_t)FLAG_STDOUT_TRUNCATED;
	job->asked = 0;
	job->candidate->died(job);
}

void candidate_start(struct job *job, const struct candidate_events *events)
{
	static const struct machine machine = { .frame = on_frame, .ended = on_ended };
	const struct language *l = job->language;
	struct run_files files;
	struct box_spec spec = {
		.phase = BOX_RUN,
		.channel = true,
		.cpu_us = job->limits.cpu_us,
		.wall_us = limits_wall_us(&job->limits),
		.wall_counts_questions = true,
		.memory_bytes = job->limits.memory_bytes,
		.output_bytes = job->limits.output_bytes,
		.stderr_keep = 4096,
		.output_ends = true,
		.file_bytes = job->limits.file_bytes,
		.processes = job->limits.processes,
	};
	struct error err = ERROR_INIT;
	struct buf b;
	bool started;

	job->candidate = events;
	job->pool = value_pool_new();
	if (!calls_spec(job, l, &spec, &files) || !job->pool) {
		run_files_clear(&files);
		job_failed(job, "out of memory for a candidate");
		return;
	}
	started = job_box(job, &spec, &machine);
	run_files_clear(&files);
	if (!started)
		return;
	buf_init(&b, VALUE_MAX_FRAME_BYTES);
	buf_addc(&b, 'L');
	buf_add(&b, &(uint32_t){ htole32((uint32_t)job->program_len) }, 4);
	buf_add(&b, job->program, job->program_len);
	job->asked = 'L';
	if (b.error == ERR_NOMEM || (!b.error && box_send(job->box, b.data, b.len, &err) < 0 &&
				     err.code != ERR_LIMIT))
		job_failed(job, "sending a program: %s", b.error ? "out of memory" : err.msg);
	else if (b.error || err.code == ERR_LIMIT)
		candidate_fault(job, VERDICT_COMPILE_ERROR, 0, "the program is too large");
	else
		box_question(job->box, true);
	buf_clear(&b);
}

void candidate_ask(struct job *job, const uint8_t *frame, size_t n)
{
	struct error err = ERROR_INIT;
	uint32_t most = 0;

	if (job->death != VERDICT_NONE || job->stopping)
		return;
	if (++job->n_questions > JUDGE_MAX_QUESTIONS) {
		candidate_fault(job, VERDICT_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT,
				"more than %u questions", JUDGE_MAX_QUESTIONS);
		return;
	}
	/* What came before the question cannot be its answer. */
	if (box_has_unread(job->box)) {
		candidate_fault(job, VERDICT_RUNTIME_ERROR, FLAG_PROTOCOL,
				"the program wrote to the channel unasked");
		return;
	}
	job->asked = (char)frame[0];
	if (job->asked == '>' && n == 13)
		memcpy(&most, frame + 9, sizeof(most));
	job->asked_items = le32toh(most);
	if (box_send(job->box, frame, n, &err) < 0) {
		job_failed(job, "asking a question: %s", err.msg);
		return;
	}
	box_question(job->box, true);
}

void candidate_stop(struct job *job)
{
	if (!job->box) {
		job->candidate->stopped(job);
		return;
	}
	if (job->stopping)
		return;
	job->stopping = true;
	box_question(job->box, false);
	box_kill(job->box);
}
