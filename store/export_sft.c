/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_sft.c - accepted programs for supervised fine-tuning, each once a task.
 *
 * Chat: {"messages":[…prompt…, {"role":"assistant","content":completion}], …}.
 * Plain: {"prompt":text, "completion":text, …}.  The completion is the policy's
 * own, as it was sampled.
 */
#include "core/mem.h"
#include "store/export_internal.h"

static json_t *with_answer(const struct export_group *g, const struct export_text *t)
{
	json_t *messages = json_copy(g->messages);
	json_t *answer = export_answer(t, false);

	if (!messages || !answer || json_array_extend(messages, answer) < 0) {
		json_decref(messages);
		messages = NULL;
	}
	json_decref(answer);
	return messages;
}

static int one_row(struct export_ctx *x, const struct export_group *g, const struct export_item *item,
		   struct error *err)
{
	struct export_text t = { 0 };
	cleanup_json json_t *row = json_object();
	char id[HASH_SHA256_HEX];
	int r;

	if (!row)
		return error_set(err, ERR_NOMEM, "out of memory for a row");
	r = export_load(x, item, &t, err);
	if (r < 0)
		return r;
	if ((r = export_row_id(g, item, t.completion, id, err)) < 0)
		goto cleanup;
	if (item->plain) {
		if ((r = export_set(row, "prompt", export_prompt(g, true), err)) < 0 ||
		    (r = export_set(row, "completion", export_answer(&t, true), err)) < 0)
			goto cleanup;
	} else {
		json_t *messages = with_answer(g, &t);

		if (!messages)
			r = error_set(err, ERR_NOMEM, "out of memory for a row");
		else
			r = export_set(row, "messages", messages, err);
		if (r < 0)
			goto cleanup;
	}
	if ((r = export_set(row, "id", json_string(id), err)) < 0 ||
	    (r = export_set(row, "task_id", json_string(g->task_id), err)) < 0 ||
	    (r = export_set(row, "language", json_string(g->language), err)) < 0 ||
	    (r = export_set(row, "program", json_incref(t.program), err)) < 0 ||
	    (r = export_set(row, "program_id", json_string(item->program_id), err)) < 0 ||
	    (r = export_set(row, "split", g->split ? json_string(g->split) : NULL, err)) < 0)
		goto cleanup;
	if (t.measured)
		r = export_set(row, "measured", json_incref(t.measured), err);
	if (r == 0)
		r = export_emit(x, mem_steal(&row), err);
cleanup:
	export_text_clear(&t);
	return r;
}

/* 1: a program like it is in this export. */
static int is_near(struct export_ctx *x, const struct export_group *g, const struct export_item *item, struct error *err)
{
	struct export_text t = { 0 };
	int r;

	if (!x->opt->near)
		return 0;
	r = export_load(x, item, &t, err);
	if (r == 0 && t.program)
		r = x->opt->near(x->opt->near_ctx, g->language, json_string_value(t.program), json_string_length(t.program), err);
	export_text_clear(&t);
	return r;
}

int export_sft_group(struct export_ctx *x, struct export_group *g, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct export_item *item = &g->items[i];
		int r;

		if (item->verdict != VERDICT_ACCEPTED) {
			x->left[LEFT_NOT_ACCEPTED]++;
			continue;
		}
		r = export_first_of_task(x, item, err);
		if (r < 0)
			return r;
		if (!r) {
			x->left[LEFT_DUPLICATE]++;
			continue;
		}
		r = is_near(x, g, item, err);
		if (r < 0)
			return r;
		if (r) {
			x->left[LEFT_NEAR]++;
			continue;
		}
		if (!export_take_row(x, true)) {
			x->left[LEFT_PER_TASK]++;
			continue;
		}
		r = export_shape(x, item->plain, err);
		if (r == 0)
			r = export_counting(x) ? export_emit(x, NULL, err) : one_row(x, g, item, err);
		if (r < 0)
			return r;
	}
	return 0;
}
