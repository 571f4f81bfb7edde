/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_rank.c - ranks of accepted programs within (task revision, language).
 *
 * Ranks are the store's, not a run's: at the end of a run the tasks it touched
 * are ranked anew over all programs that were ever accepted for them, so that
 * v_best compares a program of last night with those of nights before.
 */
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "store/store_internal.h"

/* One row a program: the measures of its first judgement. */
static const char sql_accepted[] =
	"SELECT s.task_row, p.language, s.program_row, p.program_id, j.cpu_us, j.memory_bytes, c.bytes, min(j.judgement_id)"
	" FROM run_task i JOIN sample s ON s.task_row = i.task_row"
	" JOIN judgement j ON j.judgement_id = s.judgement_id"
	" JOIN program p ON p.program_row = s.program_row JOIN content c ON c.content_row = p.content_row"
	" WHERE i.run_id = ?1 AND j.verdict = 'accepted'"
	" GROUP BY s.task_row, p.language, s.program_row ORDER BY s.task_row, p.language, p.program_id";
static const char sql_delete[] =
	"DELETE FROM program_rank WHERE task_row IN (SELECT task_row FROM run_task WHERE run_id = ?1)";
static const char sql_put[] =
	"INSERT INTO program_rank(task_row, program_row, language, rank, run_id, checksum)"
	" VALUES (?1, ?2, ?3, ?4, ?5, row_checksum(?1, ?2, ?3, ?4, ?5))";

struct group { int64_t task_row; char *language; size_t first, n; };
struct ranking {
	struct store_rank_item *items;
	char **ids;               /* the items' program_ids, in reading order */
	struct group *groups;
	size_t n, cap_items, cap_ids, n_groups, cap_groups;
};

static void ranking_clear(struct ranking *k)
{
	for (size_t i = 0; i < k->n; i++)
		mem_free(k->ids[i]);
	for (size_t i = 0; i < k->n_groups; i++)
		mem_free(k->groups[i].language);
	mem_free(k->ids);
	mem_free(k->items);
	mem_free(k->groups);
}

static int add_item(struct ranking *k, sqlite3_stmt *st, struct error *err)
{
	int64_t task_row = sqlite3_column_int64(st, 0);
	const char *language = (const char *)sqlite3_column_text(st, 1);
	struct group *g = k->n_groups ? &k->groups[k->n_groups - 1] : NULL;
	char *id;
	int r;

	if (!g || g->task_row != task_row || !str_eq(g->language, language)) {
		if (!mem_grow(&k->groups, &k->cap_groups, k->n_groups + 1, sizeof(*k->groups)))
			return error_set(err, ERR_NOMEM, "out of memory");
		g = &k->groups[k->n_groups];
		*g = (struct group){ .task_row = task_row, .first = k->n };
		r = store_column_dup(st, 1, &g->language, err);
		if (r < 0)
			return r;
		k->n_groups++;
	}
	if (!mem_grow(&k->items, &k->cap_items, k->n + 1, sizeof(*k->items)) ||
	    !mem_grow(&k->ids, &k->cap_ids, k->n + 1, sizeof(*k->ids)))
		return error_set(err, ERR_NOMEM, "out of memory");
	r = store_column_dup(st, 3, &id, err);
	if (r < 0)
		return r;
	k->ids[k->n] = id;
	k->items[k->n++] = (struct store_rank_item){
		.program_row = sqlite3_column_int64(st, 2),
		.program_id = id,
		.cpu_us = (uint64_t)sqlite3_column_int64(st, 4),
		.memory_bytes = (uint64_t)sqlite3_column_int64(st, 5),
		.program_len = (uint64_t)sqlite3_column_int64(st, 6),
	};
	g->n++;
	return 0;
}

static int read_accepted(struct store *s, int64_t run_id, struct ranking *k, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_accepted, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, run_id);
	while ((r = store_step(s, st, "read accepted programs", err)) > 0) {
		r = add_item(k, st, err);
		if (r < 0) {
			sqlite3_reset(st);
			return r;
		}
	}
	return r;
}

static int write_ranks(struct store *s, int64_t run_id, const struct ranking *k, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_delete, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, run_id);
	r = store_do(s, st, "renew ranks", err);
	for (size_t g = 0; g < k->n_groups && r == 0; g++) {
		const struct group *group = &k->groups[g];

		for (size_t i = group->first; i < group->first + group->n && r == 0; i++) {
			r = store_stmt(s, sql_put, &st, err);
			if (r < 0)
				return r;
			sqlite3_bind_int64(st, 1, group->task_row);
			sqlite3_bind_int64(st, 2, k->items[i].program_row);
			store_bind_str(st, 3, group->language);
			sqlite3_bind_int64(st, 4, k->items[i].rank);
			sqlite3_bind_int64(st, 5, run_id);
			r = store_do(s, st, "store a rank", err);
		}
	}
	return r;
}

int store_rank_run(struct store *s, int64_t run_id, store_rank_fn *rank, void *ctx, struct error *err)
{
	struct ranking k = { 0 };
	struct store_scope scope;
	int r = read_accepted(s, run_id, &k, err);

	for (size_t g = 0; g < k.n_groups && r == 0; g++)
		rank(ctx, k.items + k.groups[g].first, k.groups[g].n);
	if (r == 0)
		r = store_scope_begin(s, &scope, err);
	if (r == 0) {
		r = write_ranks(s, run_id, &k, err);
		r = store_scope_end(s, &scope, r, err);
	}
	ranking_clear(&k);
	return r;
}
