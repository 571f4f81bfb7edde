/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - the reference check.  Checks are made in order of task, then language name. */
#include "rollout/reference.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

struct check {
	struct reference *owner;
	size_t task;
	const struct language *language;
	uint64_t judge_id;        /* 0: not under way */
	uint8_t key[HASH_SHA256_BYTES];
};
struct reference {
	struct judge *judge;
	struct task *const *tasks;
	size_t n_tasks;
	struct limits over;
	struct reference_hooks hooks;
	struct check *checks;
	size_t n_checks, next, n_running;
	char **reasons;           /* one a task */
	size_t *reason_check;     /* which check gave it: the first of several wins, whatever came first */
	struct reference_counts counts;
	struct error failure;     /* of a hook, kept for the next pump */
	void (*on_progress)(void *ctx);
	void *progress_ctx;
};

const char *reference_solution(const struct task *t, const char *language, size_t *ret_len)
{
	const json_t *text = json_object_get(json_object_get(t->json, "solutions"), language);

	if (!json_is_string(text))
		return NULL;
	*ret_len = json_string_length(text);
	return json_string_value(text);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static struct limits reference_limits(const struct task *t, const struct limits *over)
{
	struct limits none = { 0 }, l = limits_merge(&t->limits, &none), wide = l;

	wide.cpu_us = larger(l.cpu_us, over->cpu_us);
	wide.memory_bytes = larger(l.memory_bytes, over->memory_bytes);
	wide.output_bytes = larger(l.output_bytes, over->output_bytes);
	wide.wall_us = 0;
	wide = limits_merge(&wide, &none);
	wide.wall_us = larger(wide.wall_us, l.wall_us);
	return wide;
}

static int add_checks(struct reference *r, const struct language_set *languages, size_t task, size_t *cap,
		      struct error *err)
{
	bool any = false;
	size_t len;

	for (size_t i = 0; i < languages->n; i++) {
		const struct language *l = &languages->items[i];

		if (!reference_solution(r->tasks[task], l->name, &len) || !l->present ||
		    judge_skip_reason(r->judge, r->tasks[task], l->name))
			continue;
		if (!mem_grow(&r->checks, cap, r->n_checks + 1, sizeof(*r->checks)))
			return error_set(err, ERR_NOMEM, "out of memory");
		r->checks[r->n_checks++] = (struct check){ .owner = r, .task = task, .language = l };
		any = true;
	}
	if (!any)
		r->counts.without++;
	return 0;
}

int reference_new(struct judge *judge, const struct language_set *languages, struct task *const *tasks, size_t n_tasks,
		  const struct limits *over, const struct reference_hooks *hooks, struct reference **ret,
		  struct error *err)
{
	struct reference *r = mem_zalloc(sizeof(*r));
	size_t cap = 0;
	int rc = 0;

	if (!r)
		return error_set(err, ERR_NOMEM, "out of memory");
	r->judge = judge;
	r->tasks = tasks;
	r->n_tasks = n_tasks;
	r->over = *over;
	if (hooks)
		r->hooks = *hooks;
	r->reasons = mem_calloc(n_tasks + 1, sizeof(*r->reasons));
	r->reason_check = mem_calloc(n_tasks + 1, sizeof(*r->reason_check));
	if (!r->reasons || !r->reason_check)
		rc = error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n_tasks && rc == 0; i++)
		rc = add_checks(r, languages, i, &cap, err);
	if (rc < 0) {
		reference_free(r);
		return rc;
	}
	r->counts.total = r->n_checks;
	*ret = r;
	return 0;
}

void reference_free(struct reference *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_checks; i++)
		if (r->checks[i].judge_id)
			judge_cancel(r->judge, r->checks[i].judge_id);
	if (r->reasons)
		for (size_t i = 0; i < r->n_tasks; i++)
			mem_free(r->reasons[i]);
	mem_free(r->reasons);
	mem_free(r->reason_check);
	mem_free(r->checks);
	mem_free(r);
}

static void fail_task(struct reference *r, struct check *c, const char *why)
{
	size_t number = (size_t)(c - r->checks);
	char *reason;

	if (r->reasons[c->task] && r->reason_check[c->task] < number)
		return;
	reason = mem_printf("reference solution (%s) fails its tests%s%s", c->language->name, why ? ": " : "",
			    why ? why : "");
	if (!reason) {
		(void) error_set(&r->failure, ERR_NOMEM, "out of memory");
		return;
	}
	if (!r->reasons[c->task])
		r->counts.failed_tasks++;
	mem_free(r->reasons[c->task]);
	r->reasons[c->task] = reason;
	r->reason_check[c->task] = number;
}

static void on_done(void *ctx, uint64_t id, struct judgement *j)
{
	struct check *c = ctx;
	struct reference *r = c->owner;
	cleanup_mem char *why = NULL;
	bool passed = judgement_passed(j->verdict) == 1;

	(void)id;
	c->judge_id = 0;
	r->n_running--;
	r->counts.done++;
	if (j->verdict == VERDICT_NONE) {
		/* Its language cannot be asked: no word on the task. */
	} else if (judgement_passed(j->verdict) < 0) {
		r->counts.internal_errors++;
	} else {
		if (!passed) {
			why = mem_printf("%s%s%s", verdict_name(j->verdict), j->message ? ": " : "",
					 j->message ? j->message : "");
			fail_task(r, c, why);
		}
		if (r->hooks.checked && !r->failure.code)
			(void) r->hooks.checked(r->hooks.ctx, c->task, c->language->name, c->key, passed, why,
						&r->failure);
	}
	if (r->on_progress)
		r->on_progress(r->progress_ctx);
}

static int submit(struct reference *r, struct check *c, struct error *err)
{
	const struct task *t = r->tasks[c->task];
	struct judge_request req = { .task = t, .language = c->language->name,
				     .limits = reference_limits(t, &r->over) };
	int rc, known;

	req.program = reference_solution(t, c->language->name, &req.program_len);
	rc = judge_verdict_key(r->judge, &req, c->key, err);
	if (rc < 0)
		return rc;
	known = r->hooks.known ? r->hooks.known(r->hooks.ctx, c->key) : -1;
	req.survey = r->hooks.need_values && !c->language->calls_plain && !judge_knows_values(r->judge, t);
	if (known >= 0 && !req.survey) {
		r->counts.done++;
		r->counts.remembered++;
		if (!known)
			fail_task(r, c, NULL);
		return 0;
	}
	rc = judge_submit(r->judge, &req, on_done, c, &c->judge_id, err);
	if (rc < 0)
		return error_prefix(err, rc, "reference of task '%s'", t->id);
	r->n_running++;
	return 0;
}

int reference_pump(struct reference *r, struct error *err)
{
	size_t window = 2 * (size_t)judge_slots(r->judge) + 2;

	while (!r->failure.code && r->next < r->n_checks && r->n_running < window) {
		int rc = submit(r, &r->checks[r->next], err);

		if (rc < 0)
			return rc;
		r->next++;
	}
	if (r->failure.code) {
		*err = r->failure;
		return err->code;
	}
	return 0;
}

bool reference_finished(const struct reference *r)
{
	return r->next == r->n_checks && !r->n_running;
}

void reference_on_progress(struct reference *r, void (*fn)(void *ctx), void *ctx)
{
	r->on_progress = fn;
	r->progress_ctx = ctx;
}

const char *reference_reason(const struct reference *r, size_t task)
{
	return r->reasons[task];
}

struct reference_counts reference_counts(const struct reference *r)
{
	return r->counts;
}
