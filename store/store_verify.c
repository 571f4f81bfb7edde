/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_verify.c - see store_verify.h.
 *
 * A change of one bit of stored content is found by the row's checksum, by a
 * text's digest beside that; one of a page's own structure by SQLite's check.
 * Each part goes on when another met a page that cannot be read.
 */
#include "store/store_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/store_internal.h"

struct verify { struct store *s; store_damage_fn *found; void *ctx; struct store_verified *sum; };

static int tell(struct verify *v, const char *kind, const char *table, const char *row, const char *what)
{
	struct store_damage d = { .kind = kind, .table = table, .row = row, .what = what };

	v->sum->damages++;
	return v->found(v->ctx, &d);
}

/* Damage that stops a statement is told and is no failure; anything else is one. */
static int statement_ended(struct verify *v, int rc, const char *table, struct error *err)
{
	struct error why = ERROR_INIT;
	int r;

	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return 0;
	r = store_sql_error(v->s, rc, "verify", &why);
	if (r == ERR_CORRUPT || (rc & 0xff) == SQLITE_ERROR || (rc & 0xff) == SQLITE_TOOBIG)
		return tell(v, "structure", table, NULL, why.msg);
	if (err)
		*err = why;
	return r;
}

typedef int row_fn(struct verify *v, sqlite3_stmt *st, const char *table);

/* Not a kept statement: its text differs from call to call. */
static int each(struct verify *v, const char *sql, const char *table, row_fn *fn, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(v->s->db, sql, -1, &st, NULL), r = 0;

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW)
			break;
		r = fn(v, st, table);
		if (r < 0) {
			sqlite3_finalize(st);
			return r;
		}
	}
	r = statement_ended(v, rc, table, err);
	sqlite3_finalize(st);
	return r;
}

static const char *text_of(sqlite3_stmt *st, int i)
{
	const char *text = (const char *)sqlite3_column_text(st, i);

	return text ? text : "";
}

static int structure_row(struct verify *v, sqlite3_stmt *st, const char *table)
{
	(void)table;
	return str_eq(text_of(st, 0), "ok") ? 0 : tell(v, "structure", NULL, NULL, text_of(st, 0));
}

static int reference_row(struct verify *v, sqlite3_stmt *st, const char *table)
{
	cleanup_mem char *row = mem_printf("rowid=%lld", (long long)sqlite3_column_int64(st, 1));
	cleanup_mem char *what = mem_printf("refers to a row of %s that is not there", text_of(st, 2));

	(void)table;
	if (!row || !what)
		return ERR_NOMEM;
	return tell(v, "reference", text_of(st, 0), sqlite3_column_type(st, 1) == SQLITE_NULL ? NULL : row, what);
}

static int checksum_row(struct verify *v, sqlite3_stmt *st, const char *table)
{
	v->sum->rows++;
	if (sqlite3_column_int(st, 0))
		return 0;
	return tell(v, "checksum", table, text_of(st, 1), "the row's checksum does not hold");
}

static int digest_row(struct verify *v, sqlite3_stmt *st, const char *table)
{
	uint8_t digest[HASH_SHA256_BYTES];
	cleanup_mem char *row = mem_printf("content_row=%lld", (long long)sqlite3_column_int64(st, 0));
	const void *text = sqlite3_column_blob(st, 2);
	size_t n = (size_t)sqlite3_column_bytes(st, 2);

	if (!row)
		return ERR_NOMEM;
	v->sum->texts++;
	hash_sha256_of(text ? text : "", n, digest);
	if (sqlite3_column_bytes(st, 1) == (int)sizeof(digest) &&
	    memcmp(sqlite3_column_blob(st, 1), digest, sizeof(digest)) == 0 && sqlite3_column_int64(st, 3) == (int64_t)n)
		return 0;
	return tell(v, "digest", table, row, "the text is not that of its digest");
}

/* ---- each table ---- */

/* "a=1, b=2" of the primary key, as an SQL expression. */
static int key_expression(struct store *s, const char *table, struct buf *ret, struct error *err)
{
	static const char sql[] = "SELECT name FROM pragma_table_info(?1, 'main') WHERE pk > 0 ORDER BY pk";
	const char *between = "";
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql, &st, err);

	if (r < 0)
		return r;
	store_bind_str(st, 1, table);
	while ((r = store_step(s, st, "read the schema", err)) > 0) {
		buf_addf(ret, "%s'%s%s=' || quote(\"%s\")", *between ? " || " : "", between, text_of(st, 0), text_of(st, 0));
		between = ", ";
	}
	if (!ret->len)
		buf_adds(ret, "NULL");
	return r < 0 ? r : buf_check(ret, "a statement", err);
}

static int verify_table(struct verify *v, const char *table, struct error *err)
{
	cleanup_buf struct buf key, sql;
	int r;

	buf_init(&key, 1 << 12);
	buf_init(&sql, 1 << 14);
	r = key_expression(v->s, table, &key, err);
	if (r < 0)
		return r;
	buf_addf(&sql, "SELECT intact, CASE WHEN NOT intact THEN %s END FROM temp.\"intact_%s\"", key.data, table);
	r = buf_check(&sql, "a statement", err);
	return r < 0 ? r : each(v, sql.data, table, checksum_row, err);
}

/* ---- the schema ---- */

static const char sql_schema[] = "SELECT coalesce(group_concat(type || ' ' || name || ' ' || coalesce(sql, ''), char(10)), '') FROM "
				 "(SELECT * FROM main.sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name)";

static int schema_text(sqlite3 *db, char **ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql_schema, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	*ret = rc == SQLITE_ROW ? mem_strdup(text_of(st, 0)) : NULL;
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int verify_schema(struct verify *v, struct error *err)
{
	cleanup_mem char *is = NULL, *should = NULL;
	sqlite3 *fresh = NULL;
	int rc = sqlite3_open(":memory:", &fresh);

	for (int i = 0; i < n_store_migrations && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(fresh, store_migrations[i].sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = schema_text(fresh, &should);
	sqlite3_close(fresh);
	if (rc != SQLITE_OK)
		return error_set(err, ERR_INTERNAL, "cannot make a schema to compare with: %s", sqlite3_errstr(rc));
	rc = schema_text(v->s->db, &is);
	if (rc != SQLITE_OK)
		return statement_ended(v, rc, NULL, err);
	if (!is || !should)
		return error_set(err, ERR_NOMEM, "out of memory");
	return str_eq(is, should) ? 0 : tell(v, "schema", NULL, NULL, "the schema is not the one of this version");
}

/* ---- the whole ---- */

static int verify_all(struct verify *v, struct error *err)
{
	static const char sql_tables[] = "SELECT substr(name, 8) FROM temp.sqlite_schema WHERE name LIKE 'intact\\_%' ESCAPE '\\'"
					 " AND name <> 'intact_sample_all' ORDER BY 1";
	char **tables = NULL;
	size_t n = 0, cap = 0;
	sqlite3_stmt *st = NULL;
	int r = each(v, "PRAGMA main.integrity_check(1000000)", NULL, structure_row, err);

	if (r == 0)
		r = each(v, "PRAGMA main.foreign_key_check", NULL, reference_row, err);
	if (r == 0)
		r = verify_schema(v, err);
	if (r == 0)
		r = store_stmt(v->s, sql_tables, &st, err);
	if (r < 0)
		return r;
	while ((r = store_step(v->s, st, "list the tables", err)) > 0) {
		if (!mem_grow(&tables, &cap, n + 1, sizeof(*tables)) || !(tables[n] = mem_strdup(text_of(st, 0)))) {
			sqlite3_reset(st);
			r = error_set(err, ERR_NOMEM, "out of memory");
			break;
		}
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = verify_table(v, tables[i], err);
		mem_free(tables[i]);
	}
	mem_free(tables);
	if (r == 0)
		r = each(v, "SELECT content_row, digest, body, bytes FROM content WHERE body IS NOT NULL", "content", digest_row, err);
	return r;
}

int store_verify(struct store *s, store_damage_fn *found, void *ctx, struct store_verified *ret, struct error *err)
{
	struct verify v = { .s = s, .found = found, .ctx = ctx, .sum = ret };
	bool own = sqlite3_get_autocommit(s->db) != 0;
	int r;

	*ret = (struct store_verified){ 0 };
	r = own ? store_exec(s, "BEGIN", "begin to read", err) : 0;
	if (r < 0)
		return r;
	r = verify_all(&v, err);
	if (own)
		(void)store_exec(s, "COMMIT", "end reading", NULL);
	return r;
}

/* ---- copies ---- */

static int copy_pages(struct store *s, const char *aside, struct error *err)
{
	sqlite3 *to = NULL;
	sqlite3_backup *b;
	int rc = sqlite3_open_v2(aside, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), r;

	if (rc != SQLITE_OK) {
		sqlite3_close(to);
		return error_set(err, ERR_IO, "cannot make '%s': %s", aside, sqlite3_errstr(rc));
	}
	b = sqlite3_backup_init(to, "main", s->db, "main");
	if (b) {
		/* all at once: one read transaction, so a writer can neither wait for us nor make us begin again */
		(void)sqlite3_backup_step(b, -1);
		rc = sqlite3_backup_finish(b);
	} else {
		rc = sqlite3_errcode(to);
	}
	r = rc == SQLITE_OK ? 0 : (rc & 0xff) == SQLITE_FULL ? ERR_NOSPACE : (rc & 0xff) == SQLITE_CORRUPT ? ERR_CORRUPT : ERR_IO;
	sqlite3_close(to);
	return r < 0 ? error_set(err, r, "cannot copy to '%s': %s", aside, sqlite3_errstr(rc)) : 0;
}

int store_backup(struct store *s, const char *path, uint64_t *ret_bytes, struct error *err)
{
	cleanup_mem char *aside = mem_printf("%s.tmp-%ld", path, (long)getpid());
	cleanup_fd int fd = -1;
	struct stat sb;
	int r;

	if (!aside)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (fs_exists(path))
		return error_set(err, ERR_EXISTS, "'%s' is there already", path);
	r = copy_pages(s, aside, err);
	if (r == 0) {
		fd = open(aside, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0 || fstat(fd, &sb) < 0)
			r = error_set_errno(err, ERR_IO, "cannot sync '%s'", aside);
		else if (link(aside, path) < 0) /* not rename(): what came meanwhile is left as it is */
			r = errno == EEXIST ? error_set(err, ERR_EXISTS, "'%s' is there already", path) :
					      error_set_errno(err, ERR_IO, "cannot make '%s'", path);
	}
	(void)unlink(aside);
	if (r == 0)
		*ret_bytes = (uint64_t)sb.st_size;
	return r;
}
