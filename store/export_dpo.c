/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_dpo.c - pairs for preference training: an accepted program over one that is not.
 *
 * Pairs are made within a group, so both answered the same prompt.  Accepted
 * programs come in order of their index, each once a task; each gets the
 * rejected program not used yet that is best to learn from: wrong_answer
 * before any other verdict, then the nearest in length, then by program id.
 */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "store/export_internal.h"

/* Smaller is better; what is none of these is no rejected answer. */
static int rejected_rank(enum verdict v)
{
	switch (v) {
	case VERDICT_WRONG_ANSWER:
		return 0;
	case VERDICT_RUNTIME_ERROR:
	case VERDICT_TIME_LIMIT:
	case VERDICT_MEMORY_LIMIT:
	case VERDICT_OUTPUT_LIMIT:
	case VERDICT_COMPILE_ERROR:
		return 1;
	case VERDICT_SECURITY_VIOLATION:
	case VERDICT_NO_PROGRAM:
		return 2;
	default:
		return -1;
	}
}

static uint64_t distance(const struct export_item *a, const struct export_item *b)
{
	int64_t d = a->completion_bytes - b->completion_bytes;

	return (uint64_t)(d < 0 ? -d : d);
}

/* Whether p is a better partner of chosen than q. */
static bool better(const struct export_item *chosen, const struct export_item *p, const struct export_item *q)
{
	int rank = rejected_rank(p->verdict) - rejected_rank(q->verdict), ids;
	uint64_t dp = distance(chosen, p), dq = distance(chosen, q);

	if (rank)
		return rank < 0;
	if (dp != dq)
		return dp < dq;
	ids = strcmp(p->program_id, q->program_id);
	return ids ? ids < 0 : p->index < q->index;
}

static struct export_item *best_partner(struct export_group *g, const struct export_item *chosen)
{
	struct export_item *best = NULL;

	for (size_t i = 0; i < g->n; i++) {
		struct export_item *p = &g->items[i];

		if (p->left == LEFT_NONE && rejected_rank(p->verdict) >= 0 && p->plain == chosen->plain &&
		    (!best || better(chosen, p, best)))
			best = p;
	}
	return best;
}

static int pair_row(struct export_ctx *x, const struct export_group *g, const struct export_item *chosen,
		    const struct export_item *rejected, struct error *err)
{
	struct export_text a = { 0 }, b = { 0 };
	cleanup_json json_t *row = json_object();
	char chosen_id[HASH_SHA256_HEX], rejected_id[HASH_SHA256_HEX];
	int r = row ? export_load(x, chosen, &a, err) : error_set(err, ERR_NOMEM, "out of memory for a row");

	if (r == 0)
		r = export_load(x, rejected, &b, err);
	if (r == 0)
		r = export_row_id(g, chosen, a.completion, chosen_id, err);
	if (r == 0)
		r = export_row_id(g, rejected, b.completion, rejected_id, err);
	if (r < 0 || (r = export_set(row, "prompt", export_prompt(g, chosen->plain), err)) < 0 ||
	    (r = export_set(row, "chosen", export_answer(&a, chosen->plain), err)) < 0 ||
	    (r = export_set(row, "rejected", export_answer(&b, chosen->plain), err)) < 0 ||
	    (r = export_set(row, "task_id", json_string(g->task_id), err)) < 0 ||
	    (r = export_set(row, "language", json_string(g->language), err)) < 0 ||
	    (r = export_set(row, "chosen_id", json_string(chosen_id), err)) < 0 ||
	    (r = export_set(row, "rejected_id", json_string(rejected_id), err)) < 0 ||
	    (r = export_set(row, "rejected_verdict", json_string(verdict_name(rejected->verdict)), err)) < 0 ||
	    (r = export_set(row, "split", g->split ? json_string(g->split) : NULL, err)) < 0)
		goto cleanup;
	if (a.measured && ((r = export_set(row, "chosen_measured", json_incref(a.measured), err)) < 0 ||
			   (r = export_set(row, "rejected_measured", json_incref(b.measured), err)) < 0))
		goto cleanup;
	r = export_emit(x, mem_steal(&row), err);
cleanup:
	export_text_clear(&a);
	export_text_clear(&b);
	return r;
}

/* Mark what cannot be in a pair: no verdict, or a program that the task had before. */
static int sort_out(struct export_ctx *x, struct export_group *g, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		struct export_item *p = &g->items[i];
		int r;

		p->left = LEFT_NONE;
		if (p->verdict == VERDICT_INTERNAL_ERROR) {
			p->left = LEFT_NOT_GRADED;
			continue;
		}
		r = export_first_of_task(x, p, err);
		if (r < 0)
			return r;
		if (!r)
			p->left = LEFT_DUPLICATE;
	}
	return 0;
}

int export_dpo_group(struct export_ctx *x, struct export_group *g, struct error *err)
{
	uint64_t most = x->opt->pairs_per_task ? x->opt->pairs_per_task : 8;
	int r = sort_out(x, g, err);

	for (size_t i = 0; r == 0 && i < g->n && x->pairs < most; i++) {
		struct export_item *chosen = &g->items[i], *rejected;

		if (chosen->left != LEFT_NONE || chosen->verdict != VERDICT_ACCEPTED)
			continue;
		rejected = best_partner(g, chosen);
		if (!rejected)
			break;
		x->pairs++;
		chosen->left = rejected->left = LEFT_COUNT; /* used */
		r = export_shape(x, chosen->plain, err);
		if (r == 0)
			r = export_counting(x) ? export_emit(x, NULL, err) :
						 pair_row(x, g, chosen, rejected, err);
	}
	for (size_t i = 0; r == 0 && i < g->n; i++) {
		enum export_reason left = g->items[i].left;

		if (left != LEFT_COUNT)
			x->left[left == LEFT_NONE ? LEFT_UNPAIRED : left]++;
	}
	return r;
}
