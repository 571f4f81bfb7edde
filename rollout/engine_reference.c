/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_reference.c - before sampling: tasks whose own solution fails are quarantined.
 *
 * What was found is remembered in the store together with the quarantine, in one
 * transaction, so that a killed run knows at its next session what this one knew.
 */
#include "rollout/engine_internal.h"

#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"

static int known(void *ctx, const uint8_t key[32])
{
	struct engine *e = ctx;

	return store_reference_check(e->opt.store, key);
}

static int checked(void *ctx, size_t task, const char *language, const uint8_t key[32], bool passed,
		   const char *message, struct error *err)
{
	struct engine *e = ctx;
	const struct run_task *t = &e->run->tasks[task];
	int r = engine_begin(e, err);

	if (r == 0)
		r = store_put_reference_check(e->opt.store, t->row, language, key, passed, message, err);
	if (r == 0 && !passed)
		r = store_quarantine_task(e->opt.store, t->row, reference_reason(e->reference, task), err);
	return r < 0 ? r : engine_wrote(e, err);
}

static void on_progress(void *ctx)
{
	engine_wake(ctx);
}

int engine_start_references(struct engine *e, struct error *err)
{
	struct reference_hooks hooks = { .known = known, .checked = checked, .ctx = e };
	struct run *r = e->run;
	int rc;

	e->reference_tasks = mem_calloc(r->n_tasks + 1, sizeof(struct task *));
	if (!e->reference_tasks)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < r->n_items; i++)
		hooks.need_values = hooks.need_values || r->items[i].language->calls_plain;
	for (size_t i = 0; i < r->n_tasks; i++)
		e->reference_tasks[i] = r->tasks[i].task;
	rc = reference_new(e->opt.judging->judge, &e->opt.judging->languages, e->reference_tasks, r->n_tasks, &r->over,
			   &hooks, &e->reference, err);
	if (rc < 0)
		return rc;
	reference_on_progress(e->reference, on_progress, e);
	return 0;
}

/* The answers are in: what fails is left out of this run, and what passes again is let in. */
static int apply(struct engine *e, struct error *err)
{
	static const char quarantined[] = "task_quarantined";
	struct run *r = e->run;

	for (size_t i = 0; i < r->n_tasks; i++) {
		const struct run_task *t = &r->tasks[i];
		const char *reason = reference_reason(e->reference, i);
		bool by_reference = t->quarantined && str_starts(t->quarantined, "reference ");
		int rc = 0;

		if (reason) {
			log_warn("task '%s' is quarantined: %s", t->task->id, reason);
			engine_event(e, "warning", "task '%s' is quarantined: %s", t->task->id, reason);
		}
		if (!reason && !by_reference)
			continue;
		rc = engine_begin(e, err);
		/* Known from earlier, but somebody lifted it by hand. */
		if (rc == 0 && reason && !t->quarantined && !r->resumed)
			rc = store_quarantine_task(e->opt.store, t->row, reason, err);
		if (rc == 0 && !reason && !e->reference_counts.internal_errors) {
			log_info("task '%s' passes its reference again and is used", t->task->id);
			rc = store_quarantine_task(e->opt.store, t->row, NULL, err);
		}
		if (rc == 0)
			rc = engine_wrote(e, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < r->n_items && !r->by_record; i++) {
		const struct task *task = r->tasks[r->items[i].task].task;
		const char *why = judge_not_portable(e->opt.judging->judge, task, r->items[i].language->name);

		if (!r->items[i].skip && why) {
			log_info("task '%s' is not portable to %s: %s", task->id, r->items[i].language->title, why);
			r->items[i].skip = skip_reason_name(SKIP_NOT_PORTABLE);
		}
	}
	for (size_t i = 0; i < r->n_items; i++)
		if (!r->items[i].skip && reference_reason(e->reference, r->items[i].task))
			r->items[i].skip = skip_reason_name((enum skip_reason)skip_reason_parse(quarantined));
	return 0;
}

int engine_pump_references(struct engine *e, struct error *err)
{
	int r = reference_pump(e->reference, err);

	e->reference_counts = reference_counts(e->reference);
	if (r < 0 || !reference_finished(e->reference))
		return r;
	if (e->reference_counts.internal_errors)
		log_warn("%zu reference solutions could not be judged; their tasks are used unchecked",
			 e->reference_counts.internal_errors);
	r = apply(e, err);
	reference_free(e->reference);
	e->reference = NULL;
	return r < 0 ? r : engine_commit(e, err);
}
