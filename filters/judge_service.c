/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_service.c - the judge inside the spawner: requests in, a queue of jobs, one result each out.
 *
 * Invariants:
 *  1. a job is in exactly one of the two lists, queue or running;
 *  2. a job has at most one box; nothing of the job is freed while it has one;
 *  3. a job that has a Python judge (judge_check.c) gives it back before it is freed or retried;
 *  4. each job is answered once, unless it was cancelled;
 *  5. a job that has ended is freed at the next event, never under its caller.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "filters/judge_internal.h"
#include "filters/portable.h"

#define MAX_REPLY_BYTES ((size_t)1 << 30)
#define MAX_SLOTS 120u
#define RETRY_DELAY_US UINT64_C(50000)

static void service_pump(struct service *s);

/* --- tasks --- */

static struct service_task *task_find(struct service *s, const uint8_t digest[HASH_SHA256_BYTES])
{
	for (struct service_task *t = s->tasks; t; t = t->next)
		if (!t->forgotten && !memcmp(t->task->digest, digest, HASH_SHA256_BYTES))
			return t;
	return NULL;
}

static void task_drop(struct service *s, struct service_task *t)
{
	if (t->users || !t->forgotten)
		return;
	for (struct service_task **p = &s->tasks; *p; p = &(*p)->next) {
		if (*p != t)
			continue;
		*p = t->next;
		break;
	}
	if (t->validator_fd >= 0)
		(void) close(t->validator_fd);
	assertions_free(t->assertions);
	task_free(t->task);
	mem_free(t);
}

static struct service_task *task_add(struct service *s, const char *text, size_t n, struct error *err)
{
	struct service_task *t;
	json_t *json;

	if (json_parse(text, n, &json, err) < 0)
		return NULL;
	t = mem_zalloc(sizeof(*t));
	if (!t) {
		json_decref(json);
		(void) error_set(err, ERR_NOMEM, "out of memory for a task");
		return NULL;
	}
	t->validator_fd = -1;
	if (task_parse(json, &t->task, err) < 0) {
		mem_free(t);
		return NULL;
	}
	t->next = s->tasks;
	s->tasks = t;
	return t;
}

static void task_forget(struct service *s, const uint8_t digest[HASH_SHA256_BYTES])
{
	struct service_task *t = task_find(s, digest);

	python_judge_forget(s, digest);
	if (!t)
		return;
	t->forgotten = true;
	task_drop(s, t);
}

/* --- jobs --- */

static void unlink_from(struct job **list, const struct job *job)
{
	for (; *list; list = &(*list)->next) {
		if (*list != job)
			continue;
		*list = job->next;
		return;
	}
}

static void job_clear_run(struct job *job)
{
	if (job->artifact_fd >= 0)
		(void) close(job->artifact_fd);
	job->artifact_fd = -1;
	value_pool_free(job->pool);
	job->pool = NULL;
	value_numbers_free(job->numbers);
	job->numbers = NULL;
	buf_clear(&job->compile_out);
	buf_clear(&job->held_question);
	buf_clear(&job->team_output);
	mem_free(job->report_message);
	job->report_message = NULL;
	judgement_clear(&job->result);
	exec_result_clear(&job->exec);
}

static void job_init_run(struct job *job)
{
	job->result = (struct judgement){
		.verdict = VERDICT_NONE,
		.tests_passed = -1,
		.tests_total = -1,
		.visible_passed = -1,
		.visible_total = -1,
		.judging = "separate",
		.exit_code = -1,
	};
	job->exec = (struct exec_result){ .exit_code = -1, .compile_exit_code = -1 };
	buf_init(&job->exec.out, SIZE_MAX);
	buf_init(&job->exec.err, SIZE_MAX);
	buf_init(&job->exec.compile_out, COMPILE_OUTPUT_KEEP);
	buf_init(&job->compile_out, COMPILE_OUTPUT_KEEP);
	buf_init(&job->held_question, VALUE_MAX_FRAME_BYTES);
	buf_init(&job->team_output, SIZE_MAX);
	job->artifact_fd = -1;
	job->asked = 0;
	job->n_questions = 0;
	job->answer_bytes = 0;
	job->loaded = job->stopping = job->reported = job->judge_turn = job->consumed = false;
	job->death = job->first_verdict = VERDICT_NONE;
	job->death_message[0] = job->first_message[0] = '\0';
	job->case_index = job->step_index = 0;
	job->handle = 0;
	job->args = NULL;
	job->outcome = 0;
	job->assertions = NULL;
	job->examining = false;
}

static void job_free(struct job *job)
{
	if (job->retry_timer)
		spawner_timer_cancel(job->retry_timer);
	job_clear_run(job);
	judgement_clear(&job->first);
	judgement_clear(&job->named_judgement);
	exec_result_clear(&job->named_exec);
	if (job->task) {
		job->task->users--;
		task_drop(job->service, job->task);
	}
	survey_free(job->values);
	mem_free(job->program);
	mem_free(job->stdin_data);
	mem_free(job);
}

static void reply(struct job *job)
{
	const struct sandbox_info *info = spawner_info(job->service->spawner);
	struct buf b;

	buf_init(&b, MAX_REPLY_BYTES);
	if (job->kind == REQUEST_JUDGE) {
		struct judgement *j = &job->result;

		(void) snprintf(j->tier, sizeof(j->tier), "%s", tier_name(info->tier));
		if (job->language)
			(void) snprintf(j->toolchain, sizeof(j->toolchain), "%s",
					job->language->toolchain);
		if (job->compile_out.len && !j->compile_output)
			j->compile_output = mem_strndup(job->compile_out.data, job->compile_out.len);
		/* A program that fails may not have been asked all. */
		if (job->values && job->survey && j->verdict == VERDICT_ACCEPTED) {
			j->surveyed = true;
			j->traits |= survey_traits(job->values);
		}
		judgement_pack(&b, j);
	} else {
		struct exec_result *r = &job->exec;

		(void) snprintf(r->tier, sizeof(r->tier), "%s", tier_name(info->tier));
		if (job->language)
			(void) snprintf(r->toolchain, sizeof(r->toolchain), "%s",
					job->language->toolchain);
		exec_result_pack(&b, r);
	}
	/* Where there is no memory for it main sees an empty reply: an internal error. */
	(void) spawner_reply(job->service->spawner, job->id, b.data, b.error ? 0 : b.len);
	buf_clear(&b);
}

/* --- the second run --- */

static void on_retry(void *ctx);

static bool wants_second(const struct job *job)
{
	const struct judgement *j = &job->result;

	return job->kind == REQUEST_JUDGE && job->confirm && !job->second && !job->naming && !job->cancelled &&
	       (j->verdict == VERDICT_ACCEPTED ||
		(j->flags & FLAG_NEAR_LIMIT && j->verdict != VERDICT_COMPILE_ERROR));
}

static void put_first_by(struct job *job)
{
	job->first = job->result;
	job->result = (struct judgement){ 0 };
	job->second = true;
	job->seed++;
}

/* Start again from the compiled program, the result put by.  Not from under the machine that has just ended. */
static bool start_again(struct job *job, void (*put_by)(struct job *job))
{
	int artifact_fd = job->artifact_fd;

	job->retry_timer = spawner_timer_start(job->service->spawner, 0, on_retry, job);
	if (!job->retry_timer)
		return false;
	if (job->compile_out.len && !job->result.compile_output)
		job->result.compile_output = mem_strndup(job->compile_out.data, job->compile_out.len);
	put_by(job);
	job->artifact_fd = -1;
	job_clear_run(job);
	job_init_run(job);
	job->artifact_fd = artifact_fd;
	job->retrying = true;
	job->finishing = false;
	return true;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What both runs together say.  A failure of ours in the second is ours, whatever the first said. */
static void settle(struct job *job)
{
	struct judgement *a = &job->first, *b = &job->result;

	if (b->verdict == VERDICT_INTERNAL_ERROR)
		return;
	if (a->verdict == b->verdict) {
		a->cpu_us = lesser(a->cpu_us, b->cpu_us);
		a->wall_us = lesser(a->wall_us, b->wall_us);
		a->memory_bytes = lesser(a->memory_bytes, b->memory_bytes);
	} else {
		char *was = a->message;

		a->message = mem_printf("a second run ended in %s%s%.200s%s%.60s", verdict_name(b->verdict),
					b->message ? ": " : "", b->message ? b->message : "", was ? "; the first: " : "",
					was ? was : "");
		mem_free(was);
		a->flags |= FLAG_FLAKY;
	}
	judgement_clear(b);
	*b = *a;
	*a = (struct judgement){ 0 };
}

/* The job's box is gone and nothing is left to wait for. */
static void job_complete(struct job *job)
{
	struct service *s = job->service;

	if (wants_second(job) && start_again(job, put_first_by))
		return;
	if (job->naming)
		job_end_naming(job);
	else if (job->second && !job->cancelled)
		settle(job);
	if (job_wants_naming(job) && start_again(job, job_start_naming))
		return;
	unlink_from(&s->running, job);
	s->n_running--;
	if (!job->cancelled)
		reply(job);
	job->finishing = true;
	job->next = s->dead;
	s->dead = job;
	service_pump(s);
}

/* Whoever ended a job may still look at it on the way out: it is freed with the next event. */
static void bury(struct service *s)
{
	struct job *job;

	while ((job = s->dead) != NULL) {
		s->dead = job->next;
		job_free(job);
	}
}

bool job_has_ended(const struct job *job)
{
	return job->finishing || job->retrying;
}

static void finish_now(struct job *job)
{
	job->finishing = true;
	check_cancel(job);
	if (job->box)
		box_kill(job->box);
	else
		job_complete(job);
}

void job_finish(struct job *job, enum verdict v)
{
	struct judgement *j = &job->result;

	j->verdict = v;
	if (v != VERDICT_INTERNAL_ERROR && v != VERDICT_TIME_LIMIT &&
	    j->cpu_us >= job->limits.cpu_us / 10 * 7)
		j->flags |= FLAG_NEAR_LIMIT;
	/* All that could be seen is right and the rest is not. */
	if (v != VERDICT_ACCEPTED && j->visible_total > 0 && j->visible_passed == j->visible_total &&
	    j->tests_passed < j->tests_total)
		j->flags |= FLAG_OVERFIT;
	if (!job->all_tests)
		j->tests_passed = j->tests_total = j->visible_passed = j->visible_total = -1;
	job->exec.verdict = v;
	finish_now(job);
}

void job_end(struct job *job, enum verdict v, uint32_t flags, const char *fmt, ...)
{
	char message[301];
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	job->result.flags |= flags;
	mem_free(job->result.message);
	job->result.message = message[0] ? mem_strdup(message) : NULL;
	job_finish(job, v);
}

static void internal_error(struct job *job)
{
	(void) snprintf(job->exec.failure, sizeof(job->exec.failure), "%s", job->failure);
	job->exec.flags = job->result.flags = 0;
	job->result.tests_passed = job->result.visible_passed = -1;
	mem_free(job->result.message);
	job->result.message = mem_strdup(job->failure);
	job_finish(job, VERDICT_INTERNAL_ERROR);
}

static void on_retry(void *ctx)
{
	struct job *job = ctx;

	job->retry_timer = NULL;
	job->retrying = false;
	job_run(job);
}

static void try_again(struct job *job)
{
	job_clear_run(job);
	job_init_run(job);
	job->retry_timer = spawner_timer_start(job->service->spawner, RETRY_DELAY_US * job->tries,
					       on_retry, job);
	if (!job->retry_timer) {
		job->retrying = false;
		internal_error(job);
	}
}

void job_failed(struct job *job, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(job->failure, sizeof(job->failure), fmt, ap);
	va_end(ap);
	if (job->naming || ++job->tries >= JUDGE_TRIES) {
		internal_error(job);
		return;
	}
	job_restart(job);
}

void job_restart(struct job *job)
{
	job->retrying = true;
	check_cancel(job);
	if (job->box)
		box_kill(job->box);
	else
		try_again(job);
}

void job_task_fault(struct job *job, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(job->failure, sizeof(job->failure), fmt, ap);
	va_end(ap);
	internal_error(job);
}

void job_not_portable(struct job *job, const char *why)
{
	job->result.flags = 0;
	mem_free(job->result.message);
	job->result.message = mem_printf("not portable to %s: %s", job->language->title, why);
	job_finish(job, VERDICT_NONE);
}

/* --- the one box of a job --- */

static void box_frame(void *ctx, struct box *box, const uint8_t *frame, size_t n)
{
	struct job *job = ctx;

	(void) box;
	if (!job_has_ended(job) && !job->cancelled && job->machine.frame)
		job->machine.frame(job, frame, n);
}

static void box_ended(void *ctx, struct box *box, const struct box_result *result)
{
	struct job *job = ctx;

	(void) box;
	bury(job->service);
	job->box = NULL;
	job_hear(job, result);
	if (job->finishing || job->cancelled)
		job_complete(job);
	else if (job->retrying)
		try_again(job);
	else
		job->machine.ended(job, result);
}

bool job_box(struct job *job, const struct box_spec *spec, const struct machine *machine)
{
	static const struct box_events events = { .frame = box_frame, .ended = box_ended };
	struct box_spec wanted = *spec;
	struct error err = ERROR_INIT;

	wanted.name_refused = job->naming;
	job->machine = *machine;
	if (box_start(job->service->spawner, &wanted, &events, job, &job->box, &err) < 0) {
		job->box = NULL;
		job_failed(job, "cannot start a box: %s", err.msg);
		return false;
	}
	return true;
}

struct value_numbers *job_numbers(struct job *job)
{
	if (!job->numbers)
		job->numbers = value_numbers_new();
	return job->numbers;
}

void job_measure(struct job *job, const struct box_result *r)
{
	struct judgement *j = &job->result;

	j->flags |= r->flags;
	if (r->cpu_us > j->cpu_us)
		j->cpu_us = r->cpu_us;
	if (r->wall_us > j->wall_us)
		j->wall_us = r->wall_us;
	if (r->memory_bytes > j->memory_bytes)
		j->memory_bytes = r->memory_bytes;
	j->exit_code = r->exit_code;
	j->signal = r->signal;
}

void job_run(struct job *job)
{
	if (compile_needed(job)) {
		compile_start(job);
		return;
	}
	if (job->kind == REQUEST_EXEC)
		exec_start(job);
	else if (job->task->task->kind == TESTS_STDIO)
		stdio_start(job);
	else if (job->task->task->kind == TESTS_CHECK)
		check_start(job);
	else
		calls_start(job);
}

static void service_pump(struct service *s)
{
	/* A job that ends at once comes here again: one loop, not a recursion. */
	if (s->pumping)
		return;
	s->pumping = true;
	while (!s->stopping && s->queue && s->n_running < s->slots) {
		struct job *job = s->queue;

		s->queue = job->next;
		if (!s->queue)
			s->queue_tail = &s->queue;
		job->next = s->running;
		s->running = job;
		s->n_running++;
		job->running = true;
		job_run(job);
	}
	s->pumping = false;
}

static void queue_add(struct service *s, struct job *job)
{
	job->next = NULL;
	*s->queue_tail = job;
	s->queue_tail = &job->next;
	service_pump(s);
}

/* --- requests --- */

static bool read_judge_request(struct service *s, struct job *job, struct unpack *u, struct error *err)
{
	const uint8_t *digest;
	const char *text;
	size_t n;

	digest = unpack_bytes(u, &n);
	if (!digest || n != HASH_SHA256_BYTES)
		return error_set(err, ERR_INTERNAL, "a request without a task"), false;
	job->task = task_find(s, digest);
	text = unpack_bytes(u, &n);
	if (text && n && !job->task) {
		job->task = task_add(s, text, n, err);
		if (!job->task)
			return false;
	}
	if (!job->task)
		return error_set(err, ERR_INTERNAL, "a request for an unknown task"), false;
	job->task->users++;
	for (uint32_t k = unpack_u32(u); k > 0 && !u->bad; k--) {
		digest = unpack_bytes(u, &n);
		if (digest && n == HASH_SHA256_BYTES)
			task_forget(s, digest);
	}
	job->seed = unpack_u64(u);
	job->all_tests = unpack_u8(u) != 0;
	job->confirm = unpack_u8(u) != 0;
	job->survey = unpack_u8(u) != 0;
	return true;
}

static bool read_request(struct service *s, struct job *job, struct unpack *u, struct error *err)
{
	const char *name;
	const void *p;
	size_t n;

	job->kind = (enum request_kind)unpack_u8(u);
	name = unpack_str(u);
	job->language = name ? language_find(s->languages, name) : NULL;
	if (!job->language)
		return error_set(err, ERR_INTERNAL, "unknown language '%s'", name ? name : ""), false;
	p = unpack_bytes(u, &n);
	job->program = p ? mem_memdup(p, n) : NULL;
	job->program_len = n;
	limits_unpack(u, &job->limits);
	if (!job->program)
		return error_set(err, ERR_NOMEM, "out of memory for a request"), false;
	if (job->kind == REQUEST_JUDGE) {
		if (!read_judge_request(s, job, u, err))
			return false;
	} else {
		p = unpack_bytes(u, &n);
		job->stdin_data = p && n ? mem_memdup(p, n) : NULL;
		job->stdin_len = job->stdin_data ? n : 0;
		job->keep_bytes = unpack_u64(u);
		if (p && n && !job->stdin_data)
			return error_set(err, ERR_NOMEM, "out of memory for a request"), false;
	}
	if (!unpack_done(u))
		return error_set(err, ERR_INTERNAL, "a malformed request"), false;
	return true;
}

static void service_request(void *state, uint64_t id, const uint8_t *msg, size_t n)
{
	struct service *s = state;
	struct error err = ERROR_INIT;
	struct job *job = mem_zalloc(sizeof(*job));
	struct unpack u;

	bury(s);
	if (!job) {
		(void) spawner_reply(s->spawner, id, "", 0);
		return;
	}
	job->service = s;
	job->id = id;
	job_init_run(job);
	unpack_init(&u, msg, n);
	if (read_request(s, job, &u, &err)) {
		queue_add(s, job);
		return;
	}
	(void) snprintf(job->exec.failure, sizeof(job->exec.failure), "%.190s", err.msg);
	job->exec.verdict = job->result.verdict = VERDICT_INTERNAL_ERROR;
	job->result.message = mem_strdup(err.msg);
	reply(job);
	job_free(job);
}

static void service_cancel(void *state, uint64_t id)
{
	struct service *s = state;

	bury(s);
	for (struct job **p = &s->queue; *p; p = &(*p)->next) {
		struct job *job = *p;

		if (job->id != id)
			continue;
		*p = job->next;
		if (!*p && s->queue_tail == &job->next)
			s->queue_tail = p;
		job_free(job);
		return;
	}
	for (struct job *job = s->running; job; job = job->next) {
		if (job->id != id || job->cancelled)
			continue;
		job->cancelled = true;
		check_cancel(job);
		if (job->box)
			box_kill(job->box);
		else
			job_complete(job);
		return;
	}
}

static int service_start(struct spawner *sp, void *arg, void **ret, struct error *err)
{
	const struct judge_service_arg *a = arg;
	struct service *s = mem_zalloc(sizeof(*s));

	if (!s)
		return error_set(err, ERR_NOMEM, "out of memory for the judge");
	s->spawner = sp;
	s->languages = a->languages;
	s->plain = a->plain;
	s->queue_tail = &s->queue;
	/* A job may need two boxes: the candidate and its Python judge. */
	s->slots = spawner_slots(sp) < MAX_SLOTS ? spawner_slots(sp) : MAX_SLOTS;
	*ret = s;
	return 0;
}

static void service_stop(void *state)
{
	struct service *s = state;
	struct job *job;

	/* The spawner has killed every box or is about to; nothing is called back any more. */
	s->stopping = true;
	python_judges_close(s);
	bury(s);
	while ((job = s->queue) != NULL) {
		s->queue = job->next;
		job_free(job);
	}
	while ((job = s->running) != NULL) {
		s->running = job->next;
		job_free(job);
	}
	while (s->tasks) {
		struct service_task *t = s->tasks;

		t->forgotten = true;
		t->users = 0;
		task_drop(s, t);
	}
	mem_free(s);
}

const struct spawner_service judge_service = {
	.start = service_start,
	.request = service_request,
	.cancel = service_cancel,
	.stop = service_stop,
};
