/* SPDX-License-Identifier: Apache-2.0 */
/* store_task.c - tasks and their revisions, quarantine, remembered checks of references. */
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "store/store_internal.h"
#include "store/store_task.h"

#define REV_DIGITS 12
#define MAX_TASK_BYTES ((size_t)1 << 30)

#define TASK_COLUMNS \
	"task_row, task_id, digest, tests_digest, task_rev, current, source, split, license, entry_point," \
	" tests_kind, n_cases, content_row, import_row, origin, quarantined, created_us"

static const char sql_insert_import[] =
	"INSERT INTO import(import_row, format, path, url, revision, added, updated, imported_us, checksum)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, row_checksum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))"
	" ON CONFLICT (import_row) DO UPDATE SET added = excluded.added, updated = excluded.updated, checksum = excluded.checksum";
static const char sql_find_digest[] = "SELECT task_row, current FROM task WHERE digest = ?1";
static const char sql_find_current[] = "SELECT task_row FROM task WHERE task_id = ?1 AND current = 1";
static const char sql_set_current[] = "UPDATE task SET current = ?2 WHERE task_row = ?1";
static const char sql_set_quarantine[] = "UPDATE task SET quarantined = ?2 WHERE task_row = ?1";
static const char sql_seal[] = "UPDATE task SET checksum = row_checksum(" TASK_COLUMNS ") WHERE task_row = ?1";
static const char sql_insert_task[] =
	"INSERT INTO task(" TASK_COLUMNS ", checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
	" ?15, ?16, ?17, row_checksum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17))";
static const char sql_insert_tag[] =
	"INSERT INTO task_tag(task_row, tag, checksum) VALUES (?1, ?2, row_checksum(?1, ?2)) ON CONFLICT DO NOTHING";
static const char sql_find_check[] = "SELECT passed FROM reference_check WHERE key = ?1";
static const char sql_put_check[] =
	"INSERT INTO reference_check(key, task_row, language, passed, message, checked_us, checksum)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, row_checksum(?1, ?2, ?3, ?4, ?5, ?6))"
	" ON CONFLICT (key) DO UPDATE SET task_row = excluded.task_row, language = excluded.language, passed = excluded.passed,"
	" message = excluded.message, checked_us = excluded.checked_us, checksum = excluded.checksum";
static const char sql_task_content[] = "SELECT content_row, task_id FROM task WHERE task_row = ?1";

static const char *const kind_words[] = { "cases", "check", "stdio" };
_Static_assert(ARRAY_SIZE(kind_words) == TESTS_KIND_COUNT, "a word for each kind of tests");

/* One import under way. */
struct putting {
	const struct store_import *imp;
	struct store_import_result done;
	int64_t import_row; /* 0: nothing changed yet, so there is no row */
	int64_t at_us;
};

static int seal(struct store *s, int64_t task_row, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_seal, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, task_row);
	return store_do(s, st, "seal a task", err);
}

static int set_current(struct store *s, int64_t task_row, int current, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_set_current, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, task_row);
	sqlite3_bind_int(st, 2, current);
	r = store_do(s, st, "set the current revision", err);
	return r < 0 ? r : seal(s, task_row, err);
}

/* 1 and the rows, 0 none. */
static int find_task(struct store *s, const char *sql, const struct task *t, int64_t *ret_row, int *ret_current, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql, &st, err);

	if (r < 0)
		return r;
	if (sql == sql_find_digest)
		store_bind_blob(st, 1, t->digest, sizeof(t->digest));
	else
		store_bind_str(st, 1, t->id);
	r = store_step(s, st, "find a task", err);
	if (r <= 0)
		return r;
	*ret_row = sqlite3_column_int64(st, 0);
	if (ret_current)
		*ret_current = sqlite3_column_int(st, 1);
	sqlite3_reset(st);
	return 1;
}

static int put_import(struct store *s, struct putting *p, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = 0;

	if (!p->import_row)
		r = store_new_id(s, IDS_IMPORT, &p->import_row, err);
	if (r == 0)
		r = store_stmt(s, sql_insert_import, &st, err);
	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, p->import_row);
	store_bind_str(st, 2, p->imp ? p->imp->format : NULL);
	store_bind_str(st, 3, p->imp ? p->imp->path : NULL);
	store_bind_str(st, 4, p->imp ? p->imp->url : NULL);
	store_bind_str(st, 5, p->imp ? p->imp->revision : NULL);
	sqlite3_bind_int64(st, 6, (sqlite3_int64)p->done.added);
	sqlite3_bind_int64(st, 7, (sqlite3_int64)p->done.updated);
	sqlite3_bind_int64(st, 8, p->at_us);
	return store_do(s, st, "store an import", err);
}

static int put_tags(struct store *s, int64_t task_row, const struct task *t, struct error *err)
{
	const json_t *tags = json_object_get(t->json, "tags");
	sqlite3_stmt *st = NULL;
	int r;

	for (size_t i = 0; i < json_array_size(tags); i++) {
		const json_t *tag = json_array_get(tags, i);

		if (!json_is_string(tag))
			continue;
		r = store_stmt(s, sql_insert_tag, &st, err);
		if (r < 0)
			return r;
		sqlite3_bind_int64(st, 1, task_row);
		store_bind_text(st, 2, json_string_value(tag), json_string_length(tag));
		r = store_do(s, st, "store a tag", err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int insert_task(struct store *s, struct putting *p, const struct task *t, const char *where, int64_t content,
		       struct error *err)
{
	char rev[HASH_SHA256_HEX];
	sqlite3_stmt *st = NULL;
	int64_t row;
	int r = store_new_id(s, IDS_TASK, &row, err);

	if (r == 0)
		r = store_stmt(s, sql_insert_task, &st, err);
	if (r < 0)
		return r;
	hash_hex(t->digest, sizeof(t->digest), rev);
	rev[REV_DIGITS] = '\0';
	sqlite3_bind_int64(st, 1, row);
	store_bind_str(st, 2, t->id);
	store_bind_blob(st, 3, t->digest, sizeof(t->digest));
	store_bind_blob(st, 4, t->tests_digest, sizeof(t->tests_digest));
	store_bind_str(st, 5, rev);
	sqlite3_bind_int(st, 6, 1);
	store_bind_str(st, 7, t->source);
	store_bind_str(st, 8, t->split);
	store_bind_str(st, 9, t->license);
	store_bind_str(st, 10, t->entry_point);
	store_bind_str(st, 11, kind_words[t->kind]);
	sqlite3_bind_int64(st, 12, (sqlite3_int64)t->n_cases);
	sqlite3_bind_int64(st, 13, content);
	sqlite3_bind_int64(st, 14, p->import_row);
	store_bind_str(st, 15, where);
	sqlite3_bind_int64(st, 17, p->at_us);
	r = store_do(s, st, "store a task", err);
	return r < 0 ? r : put_tags(s, row, t, err);
}

/* The canonical text of a task, whose digest is the task's revision. */
static int put_task_text(struct store *s, const struct task *t, int64_t *ret_content, struct error *err)
{
	uint8_t digest[HASH_SHA256_BYTES];
	cleanup_buf struct buf text;
	int r;

	buf_init(&text, MAX_TASK_BYTES);
	r = json_dump_canonical(t->json, &text, err);
	if (r < 0)
		return r;
	hash_sha256_of(text.data, text.len, digest);
	if (memcmp(digest, t->digest, sizeof(digest)) != 0)
		return error_set(err, ERR_INTERNAL, "the task was changed after it was parsed");
	return store_intern(s, 0, text.data, text.len, ret_content, err);
}

static int put_task(struct store *s, struct putting *p, const struct task *t, const char *where, struct error *err)
{
	int64_t row = 0, old = 0, content = 0;
	int current, known, had, r;

	known = find_task(s, sql_find_digest, t, &row, &current, err);
	if (known < 0)
		return known;
	if (known && current) {
		p->done.unchanged++;
		return 0;
	}
	had = find_task(s, sql_find_current, t, &old, NULL, err);
	if (had < 0)
		return had;
	r = had ? set_current(s, old, 0, err) : 0;
	if (r < 0)
		return r;
	if (had)
		p->done.updated++;
	else
		p->done.added++;
	if (known)
		return set_current(s, row, 1, err);
	r = p->import_row ? 0 : put_import(s, p, err);
	if (r == 0)
		r = put_task_text(s, t, &content, err);
	return r < 0 ? r : insert_task(s, p, t, where, content, err);
}

/* ---- two of one id ---- */

struct id_place { const char *id; size_t i; };

static int compare_ids(const void *a, const void *b)
{
	const struct id_place *x = a, *y = b;
	int c = strcmp(x->id, y->id);

	return c ? c : (x->i > y->i) - (x->i < y->i);
}

static int check_distinct(struct task *const *tasks, const char *const *where, size_t n, struct error *err)
{
	cleanup_mem struct id_place *p = mem_calloc(n ? n : 1, sizeof(*p));

	if (!p)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		p[i] = (struct id_place){ tasks[i]->id, i };
	qsort(p, n, sizeof(*p), compare_ids);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(p[i - 1].id, p[i].id) != 0)
			continue;
		if (where && where[p[i].i] && where[p[i - 1].i])
			return error_set(err, ERR_INPUT, "%s: task '%s' was given before, at %s", where[p[i].i], p[i].id,
					 where[p[i - 1].i]);
		return error_set(err, ERR_INPUT, "two tasks have the id '%s'", p[i].id);
	}
	return 0;
}

int store_put_tasks(struct store *s, const struct store_import *imp, struct task *const *tasks, const char *const *where,
		    size_t n, struct store_import_result *ret, struct error *err)
{
	struct putting p = { .imp = imp, .at_us = clock_wall_us() };
	struct store_scope scope;
	int r = check_distinct(tasks, where, n, err);

	if (r == 0)
		r = store_scope_begin(s, &scope, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = put_task(s, &p, tasks[i], where ? where[i] : NULL, err);
		if (r < 0 && where && where[i])
			error_prefix(err, r, "%s", where[i]);
	}
	if (r == 0 && p.import_row)
		r = put_import(s, &p, err);
	r = store_scope_end(s, &scope, r, err);
	if (r == 0 && ret)
		*ret = p.done;
	return r;
}

int store_quarantine_task(struct store *s, int64_t task_row, const char *reason, struct error *err)
{
	struct store_scope scope;
	sqlite3_stmt *st = NULL;
	int r = store_scope_begin(s, &scope, err);

	if (r < 0)
		return r;
	r = store_stmt(s, sql_set_quarantine, &st, err);
	if (r == 0) {
		sqlite3_bind_int64(st, 1, task_row);
		store_bind_str(st, 2, reason);
		r = store_do(s, st, "quarantine a task", err);
	}
	if (r == 0 && sqlite3_changes(s->db) == 0)
		r = error_set(err, ERR_NOTFOUND, "store '%s' has no task row %lld", s->path, (long long)task_row);
	if (r == 0)
		r = seal(s, task_row, err);
	return store_scope_end(s, &scope, r, err);
}

int store_reference_check(struct store *s, const uint8_t key[32])
{
	sqlite3_stmt *st = NULL;
	int passed = -1;

	if (store_stmt(s, sql_find_check, &st, NULL) < 0)
		return -1;
	store_bind_blob(st, 1, key, HASH_SHA256_BYTES);
	if (store_step(s, st, "find a check", NULL) > 0) {
		passed = sqlite3_column_int(st, 0);
		sqlite3_reset(st);
	}
	sqlite3_clear_bindings(st);
	return passed;
}

int store_put_reference_check(struct store *s, int64_t task_row, const char *language, const uint8_t key[32], bool passed,
			      const char *message, struct error *err)
{
	struct store_scope scope;
	sqlite3_stmt *st = NULL;
	int r = store_scope_begin(s, &scope, err);

	if (r < 0)
		return r;
	r = store_stmt(s, sql_put_check, &st, err);
	if (r == 0) {
		store_bind_blob(st, 1, key, HASH_SHA256_BYTES);
		sqlite3_bind_int64(st, 2, task_row);
		store_bind_str(st, 3, language);
		sqlite3_bind_int(st, 4, passed);
		store_bind_str(st, 5, message);
		sqlite3_bind_int64(st, 6, clock_wall_us());
		r = store_do(s, st, "store a reference's check", err);
	}
	return store_scope_end(s, &scope, r, err);
}

int store_load_task(struct store *s, int64_t task_row, struct task **ret, struct error *err)
{
	cleanup_mem char *text = NULL;
	json_t *native = NULL;
	int64_t content;
	sqlite3_stmt *st = NULL;
	size_t n;
	int r = store_stmt(s, sql_task_content, &st, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 1, task_row);
	r = store_step(s, st, "read a task", err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, ERR_CORRUPT, "store '%s': task row %lld is missing", s->path, (long long)task_row);
	content = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	r = store_content(s, content, &text, &n, err);
	if (r == 0)
		r = json_parse(text, n, &native, err);
	if (r == 0)
		r = task_parse(native, ret, err);
	return r == ERR_INPUT ? error_prefix(err, ERR_CORRUPT, "store '%s': stored task", s->path) : r;
}
