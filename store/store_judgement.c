/* SPDX-License-Identifier: Apache-2.0 */
/* store_judgement.c - judgements by verdict key: kept once, found again, but for our own failures. */
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/store_internal.h"

#define COLUMNS \
	"judgement_id, key, verdict, flags, tests_passed, tests_total, visible_passed, visible_total, cpu_us, wall_us," \
	" memory_bytes, compile_cpu_us, message, compile_output, refused, judging, isolation, toolchain, exit_code, signal, created_us"

static const char sql_insert[] =
	"INSERT INTO judgement(" COLUMNS ", checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
	" ?16, ?17, ?18, ?19, ?20, ?21, row_checksum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
	" ?18, ?19, ?20, ?21)) ON CONFLICT (key) WHERE verdict <> 'internal_error' DO NOTHING";
static const char sql_find[] =
	"SELECT " COLUMNS " FROM judgement WHERE key = ?1 AND verdict <> 'internal_error'";
static const char sql_find_id[] = "SELECT judgement_id FROM judgement WHERE key = ?1 AND verdict <> 'internal_error'";

int store_put_judgement(struct store *s, const uint8_t key[32], const struct judgement *j, int64_t *ret_id, struct error *err)
{
	cleanup_mem char *flags_owned = NULL;
	struct store_scope scope;
	const char *flags;
	sqlite3_stmt *st = NULL;
	int64_t id;
	int r;

	if (j->verdict < 0 || j->verdict >= VERDICT_OK)
		return error_set(err, ERR_INTERNAL, "a judgement needs a verdict");
	r = store_flags_text(j->flags, &flags_owned, &flags, err);
	if (r == 0)
		r = store_scope_light(s, &scope, err);
	if (r < 0)
		return r;
	r = store_new_id(s, IDS_JUDGEMENT, &id, err);
	if (r == 0)
		r = store_stmt(s, sql_insert, &st, err);
	if (r == 0) {
		sqlite3_bind_int64(st, 1, id);
		store_bind_blob(st, 2, key, HASH_SHA256_BYTES);
		store_bind_str(st, 3, verdict_name(j->verdict));
		store_bind_str(st, 4, flags);
		store_bind_natural(st, 5, j->tests_passed);
		store_bind_natural(st, 6, j->tests_total);
		store_bind_natural(st, 7, j->visible_passed);
		store_bind_natural(st, 8, j->visible_total);
		sqlite3_bind_int64(st, 9, (sqlite3_int64)j->cpu_us);
		sqlite3_bind_int64(st, 10, (sqlite3_int64)j->wall_us);
		sqlite3_bind_int64(st, 11, (sqlite3_int64)j->memory_bytes);
		sqlite3_bind_int64(st, 12, (sqlite3_int64)j->compile_cpu_us);
		store_bind_str(st, 13, j->message);
		store_bind_str(st, 14, j->compile_output);
		store_bind_str(st, 15, j->refused);
		store_bind_str(st, 16, j->judging);
		store_bind_str(st, 17, j->tier[0] ? j->tier : NULL);
		store_bind_str(st, 18, j->toolchain[0] ? j->toolchain : NULL);
		store_bind_natural(st, 19, j->exit_code);
		sqlite3_bind_int(st, 20, j->signal);
		sqlite3_bind_int64(st, 21, clock_wall_us());
		r = store_do(s, st, "store a judgement", err);
	}
	if (r == 0 && sqlite3_changes(s->db) == 0) {
		s->next_id[IDS_JUDGEMENT]--;
		r = store_stmt(s, sql_find_id, &st, err);
		if (r == 0) {
			store_bind_blob(st, 1, key, HASH_SHA256_BYTES);
			r = store_step(s, st, "find a judgement", err);
			id = r > 0 ? sqlite3_column_int64(st, 0) : 0;
			sqlite3_reset(st);
			if (r >= 0)
				r = r > 0 ? 0 : error_set(err, ERR_CORRUPT, "store '%s': an index and the judgements disagree", s->path);
		}
	}
	r = store_scope_end(s, &scope, r, err);
	if (r == 0)
		*ret_id = id;
	return r;
}

static int natural(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? -1 : sqlite3_column_int(st, i);
}

static void copy_text(char *to, size_t n, sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	to[0] = '\0';
	if (text)
		strncat(to, text, n - 1);
}

static int read_judgement(sqlite3_stmt *st, struct judgement *ret, struct error *err)
{
	static const char *const judgings[] = { "separate", "same-process" };
	const char *judging = (const char *)sqlite3_column_text(st, 15);
	const char *verdict = (const char *)sqlite3_column_text(st, 2);
	struct judgement j = { 0 };
	int r;

	j.verdict = verdict ? verdict_parse(verdict) : VERDICT_NONE;
	if (j.verdict == VERDICT_NONE)
		return error_set(err, ERR_CORRUPT, "a stored judgement has no known verdict");
	r = store_flags_read((const char *)sqlite3_column_text(st, 3), &j.flags, err);
	if (r < 0)
		return r;
	j.tests_passed = natural(st, 4);
	j.tests_total = natural(st, 5);
	j.visible_passed = natural(st, 6);
	j.visible_total = natural(st, 7);
	j.cpu_us = (uint64_t)sqlite3_column_int64(st, 8);
	j.wall_us = (uint64_t)sqlite3_column_int64(st, 9);
	j.memory_bytes = (uint64_t)sqlite3_column_int64(st, 10);
	j.compile_cpu_us = (uint64_t)sqlite3_column_int64(st, 11);
	for (size_t i = 0; i < ARRAY_SIZE(judgings); i++)
		if (str_eq(judging, judgings[i]))
			j.judging = judgings[i];
	copy_text(j.tier, sizeof(j.tier), st, 16);
	copy_text(j.toolchain, sizeof(j.toolchain), st, 17);
	j.exit_code = natural(st, 18);
	j.signal = sqlite3_column_int(st, 19);
	r = store_column_dup(st, 12, &j.message, err);
	if (r == 0)
		r = store_column_dup(st, 13, &j.compile_output, err);
	if (r == 0)
		r = store_column_dup(st, 14, &j.refused, err);
	if (r < 0) {
		judgement_clear(&j);
		return r;
	}
	*ret = j;
	return 0;
}

int store_find_judgement(struct store *s, const uint8_t key[32], int64_t *ret_id, struct judgement *ret, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_find, &st, err);

	if (r < 0)
		return r;
	store_bind_blob(st, 1, key, HASH_SHA256_BYTES);
	r = store_step(s, st, "find a judgement", err);
	if (r <= 0) {
		sqlite3_clear_bindings(st);
		return r;
	}
	r = read_judgement(st, ret, err);
	if (r == 0 && ret_id)
		*ret_id = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return r < 0 ? r : 1;
}
