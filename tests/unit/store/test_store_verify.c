/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_verify.c - damage is found, whatever bit it is in, and crashes nothing; copies are whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/rng.h"
#include "core/str.h"
#include "store/export.h"
#include "store/store_verify.h"
#include "store_fixture.h"

#define FLIPS 500

static int count_damage(void *ctx, const struct store_damage *d)
{
	unsigned *by_checksum = ctx;

	assert_non_null(d->what);
	*by_checksum += str_eq(d->kind, "checksum");
	return 0;
}

static void fill(struct fixture *f, unsigned n_tasks, unsigned n_samples)
{
	struct fill how = { .n_tasks = n_tasks, .n_samples = n_samples, .seed = 11 };
	struct error err = ERROR_INIT;
	int64_t run;

	fixture_open(f);
	if (fixture_fill(f->s, &how, &run, &err) < 0)
		fail_msg("%s", err.msg);
	store_close(f->s);
	f->s = NULL;
}

/* 0: all sound; else the number of damages.  A store that cannot be opened is damage found. */
static uint64_t damages(struct fixture *f)
{
	struct error err = ERROR_INIT;
	struct store_verified sum;
	unsigned by_checksum = 0;
	uint64_t n = 1;
	int r = store_open(f->path, STORE_READ, 0, "a test", &f->s, &err);

	if (r == 0) {
		r = store_verify(f->s, count_damage, &by_checksum, &sum, &err);
		if (r < 0)
			fail_msg("verify: %s", err.msg);
		n = sum.damages;
	}
	store_close(f->s);
	f->s = NULL;
	return n;
}

/* A digest of every value of every table as SQLite gives it, or false where something cannot be read. */
static bool dump(const char *path, uint8_t ret[HASH_SHA256_BYTES])
{
	static const char sql_tables[] = "SELECT 'SELECT * FROM \"' || name || '\"' FROM sqlite_schema WHERE type = 'table' ORDER BY name";
	struct hash_sha256 *h = hash_sha256_new();
	sqlite3_stmt *tables = NULL, *rows = NULL;
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), end = SQLITE_DONE;

	assert_non_null(h);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, sql_tables, -1, &tables, NULL);
	while (rc == SQLITE_OK && end == SQLITE_DONE && (rc = sqlite3_step(tables)) == SQLITE_ROW) {
		const char *sql = (const char *)sqlite3_column_text(tables, 0);

		rc = sqlite3_prepare_v2(db, sql ? sql : "", -1, &rows, NULL);
		while (rc == SQLITE_OK && rows && (end = sqlite3_step(rows)) == SQLITE_ROW)
			for (int i = 0; i < sqlite3_column_count(rows); i++) {
				int type = sqlite3_column_type(rows, i);
				const void *p = sqlite3_column_blob(rows, i);

				hash_sha256_add(h, &type, sizeof(type));
				hash_sha256_add_field(h, p, (size_t)sqlite3_column_bytes(rows, i));
			}
		sqlite3_finalize(rows);
		rows = NULL;
	}
	sqlite3_finalize(tables);
	sqlite3_close(db);
	hash_sha256_end(h, ret);
	return rc == SQLITE_DONE && end == SQLITE_DONE;
}

static void write_file(const char *path, const char *data, size_t n)
{
	struct error err = ERROR_INIT;

	if (fs_write_file(path, data, n, &err) < 0)
		fail_msg("%s", err.msg);
}

/* An export of a damaged store says what it left out or fails; it ends either way. */
static void export_ends(struct fixture *f)
{
	cleanup_mem char *out = mem_printf("%s/shards", f->dir);
	struct export_options opt = { .format = EXPORT_ROLLOUTS, .out_dir = out, .compress = COMPRESS_NONE };
	struct error err = ERROR_INIT;
	json_t *manifest = NULL;

	if (store_open(f->path, STORE_READ, 0, "a test", &f->s, &err) == 0 && export_run(f->s, &opt, &manifest, &err) < 0)
		assert_true(err.msg[0]);
	json_decref(manifest);
	store_close(f->s);
	f->s = NULL;
	(void)fs_remove_tree(out, NULL);
}

/* Bits of the file at random: where one changes what is stored, or makes it unreadable, it is found. */
static void verify__finds_any_bit_of_the_file(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	uint8_t before[HASH_SHA256_BYTES], after[HASH_SHA256_BYTES];
	struct buf file;
	struct rng rng;
	unsigned changed = 0;

	fill(f, 4, 24);
	assert_true(dump(f->path, before));
	assert_int_equal(damages(f), 0);
	buf_init(&file, 64u << 20);
	assert_int_equal(fs_read_file(f->path, &file, &err), 0);
	rng_seed(&rng, 3, "flips");
	for (unsigned i = 0; i < FLIPS; i++) {
		size_t at = rng_below(&rng, (uint32_t)file.len);
		char bit = (char)(1 << rng_below(&rng, 8));
		bool readable;

		file.data[at] = (char)(file.data[at] ^ bit);
		write_file(f->path, file.data, file.len);
		readable = dump(f->path, after);
		if (!readable || memcmp(before, after, sizeof(before)) != 0) {
			changed++;
			if (damages(f) == 0)
				fail_msg("bit %d of byte %zu changes what is stored and is not found", bit, at);
		} else {
			(void)damages(f);
		}
		if (i % 10 == 0)
			export_ends(f);
		file.data[at] = (char)(file.data[at] ^ bit);
	}
	write_file(f->path, file.data, file.len);
	buf_clear(&file);
	assert_int_equal(damages(f), 0);
	assert_true(changed > FLIPS / 4);
}

/* ---- by SQL: the value changes and every index with it, so that the checksum alone can tell ---- */

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* Flip one bit of one value of table.column; false where it is NULL or empty, or would be another's key. */
static bool flip_value(sqlite3 *db, struct rng *rng, const char *table, const char *column)
{
	cleanup_mem char *read = mem_printf("SELECT rowid, %s FROM %s LIMIT 1 OFFSET abs(?1) %% (SELECT count(*) FROM %s)", column, table, table);
	cleanup_mem char *write = mem_printf("UPDATE %s SET %s = CASE ?3 WHEN 3 THEN CAST(?2 AS TEXT) ELSE ?2 END WHERE rowid = ?1", table, column);
	char bytes[16384];
	sqlite3_stmt *st = NULL;
	int64_t row;
	int type, rc;
	size_t n;

	assert_int_equal(sqlite3_prepare_v2(db, read, -1, &st, NULL), SQLITE_OK);
	sqlite3_bind_int64(st, 1, rng_below(rng, 100000));
	if (sqlite3_step(st) != SQLITE_ROW) {
		sqlite3_finalize(st);
		return false;
	}
	row = sqlite3_column_int64(st, 0);
	type = sqlite3_column_type(st, 1);
	n = (size_t)sqlite3_column_bytes(st, 1);
	if (type == SQLITE_NULL || n == 0 || n > sizeof(bytes)) {
		sqlite3_finalize(st);
		return false;
	}
	if (type != SQLITE_INTEGER)
		memcpy(bytes, sqlite3_column_blob(st, 1), n);
	else
		memcpy(bytes, &(int64_t){ sqlite3_column_int64(st, 1) ^ (int64_t)(UINT64_C(1) << rng_below(rng, 63)) }, 8);
	sqlite3_finalize(st);
	st = NULL;
	assert_int_equal(sqlite3_prepare_v2(db, write, -1, &st, NULL), SQLITE_OK);
	sqlite3_bind_int64(st, 1, row);
	sqlite3_bind_int(st, 3, type);
	if (type == SQLITE_INTEGER) {
		int64_t value;

		memcpy(&value, bytes, 8);
		sqlite3_bind_int64(st, 2, value);
	} else {
		bytes[rng_below(rng, (uint32_t)n)] ^= (char)(1 << rng_below(rng, 8));
		sqlite3_bind_blob(st, 2, bytes, (int)n, SQLITE_STATIC);
	}
	rc = sqlite3_step(st);
	if (rc != SQLITE_DONE && rc != SQLITE_CONSTRAINT) /* it may have become another row's key */
		fail_msg("%s: %s", write, sqlite3_errmsg(db));
	sqlite3_finalize(st);
	return rc == SQLITE_DONE;
}

static void verify__finds_any_bit_of_a_value(void **state)
{
	static const struct { const char *table, *column; } places[] = {
		{ "content", "body" },      { "content", "digest" },        { "content", "bytes" },       { "judgement", "verdict" },
		{ "judgement", "flags" },   { "judgement", "tests_passed" }, { "judgement", "cpu_us" },    { "judgement", "judging" },
		{ "judgement", "isolation" }, { "judgement", "message" },   { "sample", "flags" },        { "sample", "state" },
		{ "sample", "judgement_id" }, { "sample", "completion_row" }, { "sample", "program_row" }, { "sample", "seed" },
		{ "program", "program_id" }, { "program", "language" },     { "run", "config" },          { "run", "seed" },
		{ "run", "policy_version" }, { "task", "task_id" },         { "task", "split" },          { "sampling", "parameters" },
	};
	struct fixture *f = *state;
	struct rng rng;
	unsigned done = 0;

	fill(f, 4, 24);
	rng_seed(&rng, 5, "values");
	for (unsigned i = 0; done < FLIPS / 2 && i < 4 * FLIPS; i++) {
		struct error err = ERROR_INIT;
		struct buf file;
		sqlite3 *db = NULL;
		bool flipped;

		buf_init(&file, 64u << 20);
		assert_int_equal(fs_read_file(f->path, &file, &err), 0);
		assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, "PRAGMA ignore_check_constraints = 1; PRAGMA synchronous = OFF", NULL, NULL, NULL), SQLITE_OK);
		flipped = flip_value(db, &rng, places[i % ARRAY_SIZE(places)].table, places[i % ARRAY_SIZE(places)].column);
		assert_true(ask(db, "SELECT count(*) FROM sample") > 0);
		sqlite3_close(db);
		if (flipped) {
			done++;
			if (damages(f) == 0)
				fail_msg("a changed bit of %s.%s is not found", places[i % ARRAY_SIZE(places)].table,
					 places[i % ARRAY_SIZE(places)].column);
		}
		write_file(f->path, file.data, file.len);
		buf_clear(&file);
	}
	assert_int_equal(done, FLIPS / 2);
	assert_int_equal(damages(f), 0);
}

/* ---- copies ---- */

static void backup__is_whole_while_a_writer_writes(void **state)
{
	struct fixture *f = *state;
	struct fill how = { .n_tasks = 3, .n_samples = 20, .seed = 1 };
	cleanup_mem char *copy = mem_printf("%s/copy.db", f->dir);
	struct error err = ERROR_INIT;
	struct store *reader = NULL;
	uint64_t bytes = 0;
	int64_t run;

	fixture_open(f);
	if (fixture_fill(f->s, &how, &run, &err) < 0)
		fail_msg("%s", err.msg);
	/* a transaction that is open holds what the copy must not have, and hinders nothing */
	assert_int_equal(store_begin(f->s, &err), 0);
	assert_int_equal(store_put_event(f->s, run, "info", "not committed", &err), 0);
	assert_int_equal(store_open(f->path, STORE_READ, 0, "a test", &reader, &err), 0);
	if (store_backup(reader, copy, &bytes, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(bytes > 4096);
	assert_int_equal(store_backup(reader, copy, &bytes, &err), ERR_EXISTS);
	store_close(reader);
	assert_int_equal(store_commit(f->s, &err), 0);
	snprintf(f->path, sizeof(f->path), "%s", copy);
	fixture_reopen(f, STORE_READ);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM sample"), 60);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM run_event"), 1);
	fixture_assert_sound(f->s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(verify__finds_any_bit_of_the_file),
		TEST(verify__finds_any_bit_of_a_value),
		TEST(backup__is_whole_while_a_writer_writes),
	};

	return cmocka_run_group_tests_name("store_verify", tests, NULL, NULL);
}
