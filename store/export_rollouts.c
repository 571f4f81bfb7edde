/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_rollouts.c - the canonical row: a sample with its reward, group by group.
 *
 * Every judged sample is in, whatever its verdict; an internal_error has reward
 * null, never 0.  Shape: docs/formats/rollout.schema.json.
 */
#include <math.h>

#include "core/mem.h"
#include "core/str.h"
#include "store/export_internal.h"

/* Every JSON null below says "not known", never "no". */
static json_t *reward_parts(const struct export_item *item, const struct export_text *t)
{
	json_int_t total = json_integer_value(t->tests_total);
	bool known = item->verdict != VERDICT_INTERNAL_ERROR;
	json_t *parts = json_object(), *fraction = NULL;
	int bad = !parts;

	if (item->verdict == VERDICT_ACCEPTED)
		fraction = json_real(1);
	else if (known && t->tests_passed && total > 0)
		fraction = json_real((double)json_integer_value(t->tests_passed) / (double)total);
	else
		fraction = json_null();
	bad |= json_object_set_new(parts, "compiled",
				   !known ? json_null() :
				   json_boolean(item->verdict != VERDICT_COMPILE_ERROR &&
						item->verdict != VERDICT_NO_PROGRAM));
	bad |= json_object_set_new(parts, "tests_fraction", fraction);
	bad |= json_object_set_new(parts, "all_passed",
				   !known ? json_null() : json_boolean(item->verdict == VERDICT_ACCEPTED));
	if (bad) {
		json_decref(parts);
		return NULL;
	}
	return parts;
}

static int add_prompt(json_t *row, const struct export_ctx *x, const struct export_group *g,
		      const struct export_item *item, const struct export_text *t, struct error *err)
{
	int r;

	if (str_eq(x->opt->trainer, "trl")) {
		r = export_set(row, "prompt", export_prompt(g, item->plain), err);
		return r < 0 ? r : export_set(row, "completion", export_answer(t, item->plain), err);
	}
	if ((r = export_set(row, "messages", json_incref(g->messages), err)) < 0 ||
	    (r = export_set(row, "prompt", item->plain ? export_prompt(g, true) : NULL, err)) < 0)
		return r;
	return export_set(row, "completion", json_incref(t->completion), err);
}

static int add_policy(json_t *row, const struct export_group *g, const struct export_text *t, struct error *err)
{
	json_t *policy = json_object();
	int r = policy ? export_set(row, "policy", policy, err) : error_set(err, ERR_NOMEM, "out of memory");

	if (r == 0)
		r = export_set(policy, "kind", g->policy_kind ? json_string(g->policy_kind) : NULL, err);
	if (r == 0)
		r = export_set(policy, "name", g->policy_name ? json_string(g->policy_name) : NULL, err);
	if (r == 0)
		r = export_set(policy, "version", g->policy_version ? json_string(g->policy_version) : NULL, err);
	if (r == 0)
		r = export_set(policy, "model", json_incref(t->model), err);
	return r < 0 ? r : export_set(policy, "fingerprint", json_incref(t->fingerprint), err);
}

static int build(json_t *row, const struct export_ctx *x, const struct export_group *g,
		 const struct export_item *item, const struct export_text *t, struct error *err)
{
	char id[HASH_SHA256_HEX];
	json_t *parts;
	int r = export_row_id(g, item, t->completion, id, err);

	if (r < 0)
		return r;
	if ((r = export_set(row, "id", json_string(id), err)) < 0 ||
	    (r = export_set(row, "task_id", json_string(g->task_id), err)) < 0 ||
	    (r = export_set(row, "task_rev", json_string(g->task_rev), err)) < 0 ||
	    (r = export_set(row, "group", json_string(g->group_id), err)) < 0 ||
	    (r = export_set(row, "group_size", json_integer((json_int_t)g->n), err)) < 0 ||
	    (r = export_set(row, "sample", json_integer(item->index), err)) < 0 ||
	    (r = add_prompt(row, x, g, item, t, err)) < 0 ||
	    (r = export_set(row, "reasoning", json_incref(t->reasoning), err)) < 0 ||
	    (r = export_set(row, "program", json_incref(t->program), err)) < 0 ||
	    (r = export_set(row, "program_id", *item->program_id ? json_string(item->program_id) : NULL, err)) < 0 ||
	    (r = export_set(row, "language", json_string(g->language), err)) < 0 ||
	    (r = export_set(row, "reward", export_number(item->reward), err)) < 0)
		return r;
	parts = reward_parts(item, t);
	if (!parts)
		return error_set(err, ERR_NOMEM, "out of memory for a row");
	if ((r = export_set(row, "reward_parts", parts, err)) < 0 ||
	    (r = export_set(row, "advantage", export_number(item->advantage), err)) < 0 ||
	    (r = export_set(row, "verdict", json_string(verdict_name(item->verdict)), err)) < 0 ||
	    (r = export_set(row, "flags", json_incref(t->flags), err)) < 0 ||
	    (r = export_set(row, "passed", judgement_passed(item->verdict) < 0 ? NULL :
			    json_boolean(judgement_passed(item->verdict)), err)) < 0 ||
	    (r = export_set(row, "tests_passed", json_incref(t->tests_passed), err)) < 0 ||
	    (r = export_set(row, "tests_total", json_incref(t->tests_total), err)) < 0 ||
	    (r = add_policy(row, g, t, err)) < 0 ||
	    (r = export_set(row, "template", g->template ? json_string(g->template) : NULL, err)) < 0 ||
	    (r = export_set(row, "sampling", json_incref(t->parameters), err)) < 0 ||
	    (r = export_set(row, "seed", json_incref(t->seed), err)) < 0 ||
	    (r = export_set(row, "finish_reason", json_incref(t->finish_reason), err)) < 0 ||
	    (r = export_set(row, "truncated", json_boolean(t->truncated), err)) < 0 ||
	    (r = export_set(row, "token_ids", json_incref(t->token_ids), err)) < 0 ||
	    (r = export_set(row, "logprobs", json_incref(t->logprobs), err)) < 0 ||
	    (r = export_set(row, "mode", json_string(t->mode), err)) < 0 ||
	    (r = export_set(row, "parent", NULL, err)) < 0 ||
	    (r = export_set(row, "split", g->split ? json_string(g->split) : NULL, err)) < 0 ||
	    (r = export_set(row, "judging", json_incref(t->judging), err)) < 0)
		return r;
	return t->measured ? export_set(row, "measured", json_incref(t->measured), err) : 0;
}

/* Group-relative: (r - mean) / standard deviation over the group's rewards; 0 where all are equal. */
static void set_advantages(struct export_group *g)
{
	double sum = 0, squares = 0, mean, std;
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		if (!isnan(g->items[i].reward)) {
			sum += g->items[i].reward;
			n++;
		}
	mean = n ? sum / (double)n : 0;
	for (size_t i = 0; i < g->n; i++)
		if (!isnan(g->items[i].reward))
			squares += (g->items[i].reward - mean) * (g->items[i].reward - mean);
	std = n ? sqrt(squares / (double)n) : 0;
	for (size_t i = 0; i < g->n; i++) {
		double reward = g->items[i].reward;

		g->items[i].advantage = isnan(reward) ? NAN : std > 0 ? (reward - mean) / std : 0;
	}
}

int export_rollouts_group(struct export_ctx *x, struct export_group *g, struct error *err)
{
	set_advantages(g);
	for (size_t i = 0; i < g->n; i++) {
		cleanup_json json_t *row = NULL;
		struct export_text t = { 0 };
		int r = 0;

		if (str_eq(x->opt->trainer, "trl"))
			r = export_shape(x, g->items[i].plain, err);
		if (r == 0 && !export_counting(x)) {
			row = json_object();
			r = row ? export_load(x, &g->items[i], &t, err) :
				  error_set(err, ERR_NOMEM, "out of memory for a row");
			if (r == 0)
				r = build(row, x, g, &g->items[i], &t, err);
			export_text_clear(&t);
		}
		if (r == 0)
			r = export_emit(x, mem_steal(&row), err);
		if (r < 0)
			return r;
	}
	return 0;
}
