/* SPDX-License-Identifier: Apache-2.0 */
/* store_run.c - runs, their plans (task and prompt of each), states and events. */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/store_internal.h"
#include "store/store_task.h"

#define MAX_TEMPLATE_BYTES ((size_t)64 << 20)

#define RUN_COLUMNS \
	"run_id, kind, state, policy_spec, policy_kind, policy_name, policy_version, policy_version_number, template_name," \
	" template_version, template_row, template_digest, config, selection, seed, samples, isolation, toolchains," \
	" judge_version, extract_version, winnow_version, shard, summary, created_us, changed_us"

static const char sql_insert[] =
	"INSERT INTO run(" RUN_COLUMNS ", checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
	" ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, row_checksum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
	" ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25))";
static const char sql_insert_plan[] =
	"INSERT INTO run_task(run_id, ordinal, task_row, language, messages_row, skip_reason, checksum)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, row_checksum(?1, ?2, ?3, ?4, ?5, ?6))";
static const char sql_last[] = "SELECT max(run_id) FROM run";
static const char sql_exists[] = "SELECT run_id FROM run WHERE run_id = ?1";
static const char sql_read[] = "SELECT " RUN_COLUMNS " FROM run WHERE run_id = ?1";
static const char sql_read_plan[] =
	"SELECT i.task_row, i.language, i.skip_reason, c.body, i.messages_row FROM run_task i"
	" LEFT JOIN content c ON c.content_row = i.messages_row WHERE i.run_id = ?1 ORDER BY i.ordinal";
static const char sql_set_state[] =
	"UPDATE run SET state = ?2, summary = coalesce(?3, summary), changed_us = ?4 WHERE run_id = ?1";
static const char sql_seal[] = "UPDATE run SET checksum = row_checksum(" RUN_COLUMNS ") WHERE run_id = ?1";
static const char sql_event[] =
	"INSERT INTO run_event(event_id, run_id, at_us, level, body, checksum)"
	" VALUES (?1, ?2, ?3, ?4, ?5, row_checksum(?1, ?2, ?3, ?4, ?5))";

/* ---- making ---- */

static int put_template(struct store *s, const json_t *text, int64_t *ret_row, struct error *err)
{
	cleanup_buf struct buf out;
	int r;

	buf_init(&out, MAX_TEMPLATE_BYTES);
	*ret_row = 0;
	if (!text)
		return 0;
	r = json_dump_canonical(text, &out, err);
	return r < 0 ? r : store_intern(s, 0, out.data, out.len, ret_row, err);
}

static int put_run(struct store *s, int64_t id, const struct store_run *run, struct error *err)
{
	int64_t now = clock_wall_us(), template_row;
	sqlite3_stmt *st = NULL;
	int r = put_template(s, run->template_text, &template_row, err);

	if (r == 0)
		r = store_stmt(s, sql_insert, &st, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, id);
	store_bind_str(st, 2, run->kind);
	store_bind_str(st, 3, "running");
	store_bind_str(st, 4, run->policy_spec);
	store_bind_str(st, 5, run->policy_kind);
	store_bind_str(st, 6, run->policy_name);
	store_bind_str(st, 7, run->policy_version);
	store_bind_natural(st, 8, run->policy_version_number);
	store_bind_str(st, 9, run->template_name);
	store_bind_str(st, 10, run->template_version);
	store_bind_row(st, 11, template_row);
	store_bind_blob(st, 12, run->template_digest, HASH_SHA256_BYTES);
	store_bind_str(st, 13, run->config_json);
	store_bind_str(st, 14, run->select);
	sqlite3_bind_int64(st, 15, (sqlite3_int64)run->seed);
	sqlite3_bind_int64(st, 16, run->samples);
	store_bind_str(st, 17, run->isolation);
	store_bind_str(st, 18, run->toolchains_json);
	store_bind_str(st, 19, run->judge_version);
	store_bind_str(st, 20, run->extract_version);
	store_bind_str(st, 21, run->winnow_version);
	store_bind_str(st, 22, run->shard);
	sqlite3_bind_int64(st, 24, now);
	sqlite3_bind_int64(st, 25, now);
	return store_do(s, st, "store a run", err);
}

static int put_plan_item(struct store *s, int64_t id, size_t ordinal, const struct store_plan_item *item, struct error *err)
{
	int64_t messages;
	sqlite3_stmt *st = NULL;
	int r = store_intern_str(s, 0, item->messages_json, &messages, err);

	if (r == 0)
		r = store_stmt(s, sql_insert_plan, &st, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)ordinal);
	sqlite3_bind_int64(st, 3, item->task_row);
	store_bind_str(st, 4, item->language);
	store_bind_row(st, 5, messages);
	store_bind_str(st, 6, item->skip_reason);
	return store_do(s, st, "store a plan", err);
}

int store_run_create(struct store *s, const struct store_run *run, const struct store_plan_item *plan, size_t n, int64_t *ret_id,
		     struct error *err)
{
	struct store_scope scope;
	int64_t id;
	int r;

	if (n > STORE_MAX_TASKS)
		return error_set(err, ERR_LIMIT, "a run has at most %u tasks; this one has %zu: split it by --shard", STORE_MAX_TASKS, n);
	if (run->samples > STORE_MAX_SAMPLES)
		return error_set(err, ERR_LIMIT, "a run has at most %u samples a task", STORE_MAX_SAMPLES);
	r = store_scope_begin(s, &scope, err);
	if (r < 0)
		return r;
	r = store_new_id(s, IDS_RUN, &id, err);
	if (r == 0)
		r = put_run(s, id, run, err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = put_plan_item(s, id, i, &plan[i], err);
	r = store_scope_end(s, &scope, r, err);
	if (r == 0)
		*ret_id = id;
	return r;
}

/* ---- finding and loading ---- */

int store_run_find(struct store *s, const char *text, int64_t *ret_id, struct error *err)
{
	bool last = strcmp(text, "last") == 0;
	uint64_t number = 0;
	sqlite3_stmt *st = NULL;
	int r = 0;

	if (!last)
		r = str_parse_u64(text, "run", 0, INT64_MAX, &number, err);
	if (r == 0)
		r = store_stmt(s, last ? sql_last : sql_exists, &st, err);
	if (r < 0)
		return r;
	if (!last)
		sqlite3_bind_int64(st, 1, (sqlite3_int64)number);
	r = store_step(s, st, "find a run", err);
	if (r < 0)
		return r;
	if (r > 0 && sqlite3_column_type(st, 0) != SQLITE_NULL) {
		*ret_id = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
		return 0;
	}
	sqlite3_reset(st);
	if (last)
		return error_set(err, ERR_NOTFOUND, "store '%s' has no run yet", s->path);
	return error_set(err, ERR_NOTFOUND, "store '%s' has no run %s", s->path, text);
}

/* Keep a column's text in the row's owned array and give it out borrowed. */
static int own(struct store_run_row *row, sqlite3_stmt *st, int i, const char **ret, struct error *err)
{
	const char *text = (const char *)sqlite3_column_text(st, i);
	json_t *j;

	*ret = NULL;
	if (!text)
		return sqlite3_column_type(st, i) == SQLITE_NULL ? 0 : error_set(err, ERR_NOMEM, "out of memory");
	j = json_stringn_nocheck(text, (size_t)sqlite3_column_bytes(st, i));
	if (!j || json_array_append_new(row->owned, j) < 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	*ret = json_string_value(j);
	return 0;
}

static int own_template(struct store *s, struct store_run_row *row, int64_t template_row, const void *digest, size_t n_digest,
			struct error *err)
{
	cleanup_mem char *text = NULL;
	json_t *j = NULL;
	size_t n;
	int r = 0;

	if (digest) {
		if (n_digest != HASH_SHA256_BYTES)
			return error_set(err, ERR_CORRUPT, "the digest of the run's template is damaged");
		j = json_stringn_nocheck(digest, n_digest);
		if (!j || json_array_append_new(row->owned, j) < 0)
			return error_set(err, ERR_NOMEM, "out of memory");
		row->run.template_digest = (const uint8_t *)json_string_value(j);
	}
	if (!template_row)
		return 0;
	r = store_content(s, template_row, &text, &n, err);
	if (r == 0)
		r = json_parse(text, n, &j, err);
	if (r < 0)
		return r == ERR_INPUT ? error_prefix(err, ERR_CORRUPT, "template of the run") : r;
	if (json_array_append_new(row->owned, j) < 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	row->run.template_text = j;
	return 0;
}

static int read_run(struct store *s, int64_t id, struct store_run_row *row, struct error *err)
{
	struct store_run *run = &row->run;
	const struct { int column; const char **to; } texts[] = {
		{ 1, &run->kind },           { 3, &run->policy_spec },     { 4, &run->policy_kind },
		{ 5, &run->policy_name },    { 6, &run->policy_version },  { 8, &run->template_name },
		{ 9, &run->template_version }, { 12, &run->config_json },  { 13, &run->select },
		{ 16, &run->isolation },     { 17, &run->toolchains_json }, { 18, &run->judge_version },
		{ 19, &run->extract_version }, { 20, &run->winnow_version }, { 21, &run->shard },
	};
	uint8_t digest[HASH_SHA256_BYTES];
	int64_t template_row;
	size_t n_digest;
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_read, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, id);
	r = store_step(s, st, "read a run", err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, ERR_NOTFOUND, "store '%s' has no run %lld", s->path, (long long)id);
	run->id = id;
	run->policy_version_number = sqlite3_column_type(st, 7) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 7);
	run->seed = (uint64_t)sqlite3_column_int64(st, 14);
	run->samples = (uint32_t)sqlite3_column_int64(st, 15);
	template_row = sqlite3_column_int64(st, 10);
	n_digest = (size_t)sqlite3_column_bytes(st, 11);
	if (n_digest == sizeof(digest))
		memcpy(digest, sqlite3_column_blob(st, 11), sizeof(digest));
	r = store_column_dup(st, 2, &row->state, err);
	for (size_t i = 0; i < ARRAY_SIZE(texts) && r == 0; i++)
		r = own(row, st, texts[i].column, texts[i].to, err);
	sqlite3_reset(st);
	return r < 0 ? r : own_template(s, row, template_row, n_digest ? digest : NULL, n_digest, err);
}

static int read_plan(struct store *s, int64_t id, struct store_run_row *row, struct error *err)
{
	size_t cap = 0;
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_read_plan, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, id);
	while ((r = store_step(s, st, "read a plan", err)) > 0) {
		struct store_plan_item *item;

		if (!mem_grow(&row->plan, &cap, row->n_plan + 1, sizeof(*row->plan))) {
			r = error_set(err, ERR_NOMEM, "out of memory");
			break;
		}
		item = &row->plan[row->n_plan++];
		*item = (struct store_plan_item){ .task_row = sqlite3_column_int64(st, 0) };
		r = own(row, st, 1, &item->language, err);
		if (r == 0)
			r = own(row, st, 2, &item->skip_reason, err);
		if (r == 0)
			r = own(row, st, 3, &item->messages_json, err);
		if (r == 0 && !item->messages_json && sqlite3_column_int64(st, 4))
			r = error_set(err, ERR_CORRUPT, "a prompt of run %lld is missing", (long long)id);
		if (r < 0)
			break;
	}
	sqlite3_reset(st);
	return r;
}

struct place { int64_t task_row; size_t i; };

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->task_row != y->task_row)
		return x->task_row < y->task_row ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

/* One struct task a revision, shared by the plan's items (one a language) that need it. */
static int load_tasks(struct store *s, struct store_run_row *row, struct error *err)
{
	cleanup_mem struct place *p = mem_calloc(row->n_plan ? row->n_plan : 1, sizeof(*p));
	int r;

	row->tasks = mem_calloc(row->n_plan ? row->n_plan : 1, sizeof(struct task *));
	if (!p || !row->tasks)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < row->n_plan; i++)
		p[i] = (struct place){ row->plan[i].task_row, i };
	qsort(p, row->n_plan, sizeof(*p), compare_places);
	for (size_t i = 0; i < row->n_plan; i++) {
		if (i > 0 && p[i].task_row == p[i - 1].task_row) {
			row->tasks[p[i].i] = row->tasks[p[i - 1].i];
			continue;
		}
		r = store_load_task(s, p[i].task_row, &row->tasks[p[i].i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

int store_run_load(struct store *s, int64_t id, struct store_run_row *ret, struct error *err)
{
	struct store_run_row row = { .owned = json_array() };
	int r = row.owned ? read_run(s, id, &row, err) : error_set(err, ERR_NOMEM, "out of memory");

	if (r == 0)
		r = read_plan(s, id, &row, err);
	if (r == 0)
		r = load_tasks(s, &row, err);
	if (r < 0)
		store_run_row_clear(&row);
	else
		*ret = row;
	return r;
}

static int compare_pointers(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (struct task *const *)a, y = (uintptr_t) * (struct task *const *)b;

	return (x > y) - (x < y);
}

void store_run_row_clear(struct store_run_row *r)
{
	if (r->tasks) {
		qsort(r->tasks, r->n_plan, sizeof(struct task *), compare_pointers);
		for (size_t i = 0; i < r->n_plan; i++)
			if (i == 0 || r->tasks[i] != r->tasks[i - 1])
				task_free(r->tasks[i]);
	}
	mem_free(r->tasks);
	mem_free(r->plan);
	mem_free(r->state);
	json_decref(r->owned);
	memset(r, 0, sizeof(*r));
}

/* ---- changing ---- */

int store_run_set_state(struct store *s, int64_t id, const char *state, const char *summary_json, struct error *err)
{
	struct store_scope scope;
	sqlite3_stmt *st = NULL;
	int r = store_scope_begin(s, &scope, err);

	if (r < 0)
		return r;
	r = store_stmt(s, sql_set_state, &st, err);
	if (r == 0) {
		sqlite3_bind_int64(st, 1, id);
		store_bind_str(st, 2, state);
		store_bind_str(st, 3, summary_json);
		sqlite3_bind_int64(st, 4, clock_wall_us());
		r = store_do(s, st, "set the state of a run", err);
	}
	if (r == 0 && sqlite3_changes(s->db) == 0)
		r = error_set(err, ERR_NOTFOUND, "store '%s' has no run %lld", s->path, (long long)id);
	if (r == 0)
		r = store_stmt(s, sql_seal, &st, err);
	if (r == 0) {
		sqlite3_bind_int64(st, 1, id);
		r = store_do(s, st, "seal a run", err);
	}
	return store_scope_end(s, &scope, r, err);
}

int store_put_event(struct store *s, int64_t run_id, const char *level, const char *text, struct error *err)
{
	struct store_scope scope;
	sqlite3_stmt *st = NULL;
	int64_t id;
	int r = store_scope_light(s, &scope, err);

	if (r < 0)
		return r;
	r = store_new_id(s, IDS_EVENT, &id, err);
	if (r == 0)
		r = store_stmt(s, sql_event, &st, err);
	if (r == 0) {
		sqlite3_bind_int64(st, 1, id);
		sqlite3_bind_int64(st, 2, run_id);
		sqlite3_bind_int64(st, 3, clock_wall_us());
		store_bind_str(st, 4, level);
		store_bind_str(st, 5, text);
		r = store_do(s, st, "store an event", err);
	}
	return store_scope_end(s, &scope, r, err);
}
