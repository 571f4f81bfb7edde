/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_load.c - a run as the store holds it, for a session that goes on with it.
 *
 * What is there is marked in the plan; what was sampled and not judged is kept with its
 * text.  Samples that failed for a passing reason (http, timeout) are asked for again.
 */
#include "rollout/run_internal.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "filters/extract.h"

static int nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

static bool passing_reason(const char *reason)
{
	return str_eq(reason, policy_status_name(POLICY_HTTP)) || str_eq(reason, policy_status_name(POLICY_TIMEOUT));
}

struct load {
	struct run *run;
	const struct judging *judging;
	struct error err;
};

static int mark_one(void *ctx, const struct store_sample *row)
{
	struct load *l = ctx;

	if (row->state == SAMPLE_FAILED && passing_reason(row->reason))
		return 0;
	return plan_mark(&l->run->plan, row->task_ordinal, row->index, &l->err);
}

static int keep_pending(void *ctx, const struct store_sample *row)
{
	struct load *l = ctx;
	struct run *r = l->run;
	const struct language *language = language_find(&l->judging->languages, row->language);
	struct run_pending *p;

	if (!language)
		return error_set(&l->err, ERR_INPUT, "run %lld holds samples in '%s', which has no recipe here",
				 (long long)r->id, row->language);
	if (!mem_grow(&r->pending, &r->cap_pending, r->n_pending + 1, sizeof(*r->pending)))
		return nomem(&l->err);
	p = &r->pending[r->n_pending];
	*p = (struct run_pending){ .sample_id = row->sample_id, .item = row->task_ordinal, .index = row->index,
				   .attempt = row->attempt, .language = language, .text_len = row->completion_len,
				   .mode = row->mode, .extra_flags = row->truncated ? FLAG_TRUNCATED : 0 };
	p->text = mem_memdup(row->completion ? row->completion : "", row->completion_len);
	if (!p->text)
		return nomem(&l->err);
	r->n_pending++;
	return 0;
}

/* One row of counts: ordinal, language, state, reason, verdict, n. */
static int count_row(void *ctx, size_t n_columns, const char *const *names, json_t *const *v)
{
	struct load *l = ctx;
	struct run *r = l->run;
	struct tally *t = &r->tally;
	const char *state = json_string_value(v[2]), *reason = json_string_value(v[3]);
	uint64_t n = (uint64_t)json_integer_value(v[5]);
	json_int_t item = json_integer_value(v[0]);
	int which;

	(void)n_columns;
	(void)names;
	if (item < 0 || (size_t)item >= r->n_items)
		return error_set(&l->err, ERR_CORRUPT, "run %lld holds a sample outside its plan", (long long)r->id);
	if (str_eq(state, "skipped")) {
		which = skip_reason_parse(reason);
		t->skipped[which < 0 ? SKIP_BUDGET : which] += n;
		return 0;
	}
	if (str_eq(state, "failed")) {
		which = policy_status_parse(reason);
		if (!passing_reason(reason))
			t->failed[which < 0 ? POLICY_MISSING : which] += n;
		return 0;
	}
	t->sampled += n;
	if (str_eq(state, "pending")) {
		t->pending += n;
	} else {
		enum verdict verdict = verdict_parse(json_string_value(v[4]));
		const struct language *language = language_find(&l->judging->languages, json_string_value(v[1]));

		if (verdict == VERDICT_NONE)
			return error_set(&l->err, ERR_CORRUPT, "run %lld holds a judged sample without a verdict",
					 (long long)r->id);
		for (uint64_t i = 0; i < n; i++)
			tally_judged(t, run_group(r, (size_t)item, language), verdict);
	}
	return 0;
}

static int cpu_row(void *ctx, size_t n_columns, const char *const *names, json_t *const *v)
{
	struct load *l = ctx;

	(void)n_columns;
	(void)names;
	l->run->tally.cpu_us = (uint64_t)json_integer_value(v[0]);
	return 0;
}

static int load_counts(struct load *l, struct store *s, struct error *err)
{
	char id[24];
	const char *const params[] = { id, NULL };
	int rc;

	(void) snprintf(id, sizeof(id), "%lld", (long long)l->run->id);
	rc = store_query_bound(s,
			       "SELECT s.ordinal, s.language, s.state, s.reason, j.verdict, count(*) FROM sample s"
			       " LEFT JOIN judgement j ON j.judgement_id = s.judgement_id"
			       " WHERE s.run_id = CAST(?1 AS INTEGER) GROUP BY 1, 2, 3, 4, 5",
			       params, count_row, l, err);
	if (rc == 0)
		rc = store_query_bound(s,
				       "SELECT coalesce(sum(cpu_us), 0) FROM judgement WHERE judgement_id IN"
				       " (SELECT judgement_id FROM sample WHERE run_id = CAST(?1 AS INTEGER))",
				       params, cpu_row, l, err);
	return rc;
}

static int adopt_tasks(struct run *r, const struct judging *j, struct error *err)
{
	const struct store_run_row *row = &r->loaded;
	size_t n = row->n_plan;

	r->tasks = mem_calloc(n + 1, sizeof(*r->tasks));
	r->items = mem_calloc(n + 1, sizeof(*r->items));
	if (!r->tasks || !r->items)
		return nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct language *l = language_find(&j->languages, row->plan[i].language);

		if (!l)
			return error_set(err, ERR_INPUT, "run %lld uses the language '%s', which has no recipe here",
					 (long long)r->id, row->plan[i].language);
		/* The items of one task stand together. */
		if (!r->n_tasks || r->tasks[r->n_tasks - 1].row != row->plan[i].task_row)
			r->tasks[r->n_tasks++] = (struct run_task){ .task = row->tasks[i], .row = row->plan[i].task_row };
		r->items[i] = (struct run_item){ .task = r->n_tasks - 1, .language = l,
						 .messages_json = row->plan[i].messages_json };
		if (row->plan[i].skip_reason) {
			int which = skip_reason_parse(row->plan[i].skip_reason);

			if (which < 0)
				return error_set(err, ERR_CORRUPT, "run %lld: unknown skip reason '%s'",
						 (long long)r->id, row->plan[i].skip_reason);
			r->items[i].skip = skip_reason_name((enum skip_reason)which);
		}
	}
	r->n_items = n;
	return 0;
}

/* What the rows depend on and no option names. */
static int same_surroundings(const struct run *r, const struct judging *j, struct error *err)
{
	const struct store_run *was = &r->loaded.run;
	const char *tier = tier_name(judge_info(j->judge)->tier);

	if (was->isolation && !str_eq(was->isolation, tier))
		return error_set(err, ERR_INPUT,
				 "run %lld was made with another configuration: isolation was %s, and is %s here (--isolation=%s may be had)",
				 (long long)r->id, was->isolation, tier, was->isolation);
	if (was->template_digest && memcmp(was->template_digest, prompt_template_digest(r->template), 32) != 0)
		return error_set(err, ERR_INPUT,
				 "run %lld was made with another configuration: the files of template '%s' have changed",
				 (long long)r->id, prompt_template_name(r->template));
	if ((was->judge_version && !str_eq(was->judge_version, JUDGE_VERSION)) ||
	    (was->extract_version && !str_eq(was->extract_version, EXTRACT_VERSION)))
		log_warn("run %lld was begun by winnow %s with judge %s and extraction %s; its other samples get %s and %s",
			 (long long)r->id, was->winnow_version ? was->winnow_version : "?",
			 was->judge_version ? was->judge_version : "?",
			 was->extract_version ? was->extract_version : "?", JUDGE_VERSION, EXTRACT_VERSION);
	return 0;
}

int run_load(struct run *r, const char *text, const struct options *o, struct store *s, const struct judging *j,
	     struct error *err)
{
	struct load l = { .run = r, .judging = j };
	cleanup_json json_t *stored = NULL;
	int rc;

	rc = store_run_find(s, text, &r->id, err);
	if (rc < 0)
		return error_prefix(err, rc, "--resume");
	rc = store_run_load(s, r->id, &r->loaded, err);
	if (rc < 0)
		return rc;
	r->has_loaded = true;
	r->resumed = true;
	if (r->loaded.state && !(r->state = mem_strdup(r->loaded.state)))
		return nomem(err);
	rc = json_parse(r->loaded.run.config_json, strlen(r->loaded.run.config_json), &stored, err);
	if (rc < 0)
		return error_prefix(err, rc, "configuration of run %lld", (long long)r->id);
	rc = run_merge_config(r, stored, o, err);
	if (rc == 0)
		rc = run_resolve_languages(r, j, err);
	if (rc == 0)
		rc = run_open_template(r, err);
	if (rc == 0)
		rc = same_surroundings(r, j, err);
	if (rc == 0)
		rc = adopt_tasks(r, j, err);
	if (rc == 0)
		rc = run_init_plan(r, err);
	if (rc == 0)
		rc = load_counts(&l, s, err);
	if (rc == 0)
		rc = store_each_sample(s, r->id, false, false, mark_one, &l, err);
	if (rc == 0)
		rc = store_each_sample(s, r->id, true, true, keep_pending, &l, err);
	if (l.err.code) {
		*err = l.err;
		return err->code;
	}
	return rc;
}
