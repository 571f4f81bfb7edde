/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_kto.c - answers with a label each, for training on desirable and undesirable ones (KTO).
 *
 * {"prompt":…, "completion":…, "label":true|false, …}: true where the verdict is
 * accepted.  Each program once a task; what could not be judged has no label and stays out.
 */
#include "core/mem.h"
#include "store/export_internal.h"

static int build(json_t *row, const struct export_group *g, const struct export_item *item, const struct export_text *t,
		 struct error *err)
{
	char id[HASH_SHA256_HEX];
	int r = export_row_id(g, item, t->completion, id, err);

	if (r < 0 || (r = export_set(row, "prompt", export_prompt(g, item->plain), err)) < 0 ||
	    (r = export_set(row, "completion", export_answer(t, item->plain), err)) < 0 ||
	    (r = export_set(row, "label", json_boolean(item->verdict == VERDICT_ACCEPTED), err)) < 0 ||
	    (r = export_set(row, "id", json_string(id), err)) < 0 ||
	    (r = export_set(row, "task_id", json_string(g->task_id), err)) < 0 ||
	    (r = export_set(row, "language", json_string(g->language), err)) < 0 ||
	    (r = export_set(row, "verdict", json_string(verdict_name(item->verdict)), err)) < 0 ||
	    (r = export_set(row, "program_id", *item->program_id ? json_string(item->program_id) : NULL, err)) < 0 ||
	    (r = export_set(row, "split", g->split ? json_string(g->split) : NULL, err)) < 0)
		return r;
	return t->measured ? export_set(row, "measured", json_incref(t->measured), err) : 0;
}

static int one_row(struct export_ctx *x, const struct export_group *g, const struct export_item *item, struct error *err)
{
	cleanup_json json_t *row = json_object();
	struct export_text t = { 0 };
	int r = row ? export_load(x, item, &t, err) : error_set(err, ERR_NOMEM, "out of memory for a row");

	if (r == 0)
		r = build(row, g, item, &t, err);
	export_text_clear(&t);
	return r < 0 ? r : export_emit(x, mem_steal(&row), err);
}

int export_kto_group(struct export_ctx *x, struct export_group *g, struct error *err)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct export_item *item = &g->items[i];
		int r;

		if (item->verdict == VERDICT_INTERNAL_ERROR) {
			x->left[LEFT_NOT_GRADED]++;
			continue;
		}
		r = export_first_of_task(x, item, err);
		if (r < 0)
			return r;
		if (!r || !export_take_row(x, item->verdict == VERDICT_ACCEPTED)) {
			x->left[r ? LEFT_PER_TASK : LEFT_DUPLICATE]++;
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
