/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_query.c - any one read-only statement, for people.
 *
 * Three things hold it read-only, each enough by itself: the authorizer of
 * store.c, sqlite3_stmt_readonly(), and PRAGMA query_only.
 */
#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "store/store_internal.h"

/* For a query's mistake the error is SQLite's own words, and the user's to mend. */
static int asking_error(struct store *s, int rc, struct error *err)
{
	int code = rc & 0xff;

	if (code == SQLITE_AUTH)
		return error_set(err, ERR_INPUT, "a query may only read (%s)", sqlite3_errmsg(s->db));
	if (code == SQLITE_ERROR || code == SQLITE_RANGE || code == SQLITE_MISMATCH ||
	    code == SQLITE_READONLY)
		return error_set(err, ERR_INPUT, "%s", sqlite3_errmsg(s->db));
	return store_sql_error(s, rc, "query", err);
}

static int prepare(struct store *s, const char *sql, sqlite3_stmt **ret, struct error *err)
{
	const char *rest = sql;
	sqlite3_stmt *st = NULL, *second = NULL;
	int rc;

	while (!st && *rest) { /* empty statements and comments give none */
		rc = sqlite3_prepare_v2(s->db, rest, -1, &st, &rest);
		if (rc != SQLITE_OK)
			return asking_error(s, rc, err);
	}
	if (!st)
		return error_set(err, ERR_INPUT, "there is no statement in the query");
	while (!second && *rest) {
		rc = sqlite3_prepare_v2(s->db, rest, -1, &second, &rest);
		if (rc != SQLITE_OK || second) {
			sqlite3_finalize(second);
			sqlite3_finalize(st);
			return error_set(err, ERR_INPUT, "a query is one statement; there is more after the first");
		}
	}
	if (!sqlite3_stmt_readonly(st)) {
		sqlite3_finalize(st);
		return error_set(err, ERR_INPUT, "a query may only read");
	}
	*ret = st;
	return 0;
}

static json_t *column_json(sqlite3_stmt *st, int i)
{
	static const char digits[] = "0123456789abcdef";
	double real;

	switch (sqlite3_column_type(st, i)) {
	case SQLITE_NULL:
		return json_null();
	case SQLITE_INTEGER:
		return json_integer(sqlite3_column_int64(st, i));
	case SQLITE_FLOAT:
		real = sqlite3_column_double(st, i);
		return isfinite(real) ? json_real(real) : json_string(real > 0 ? "Infinity" : "-Infinity");
	case SQLITE_TEXT: {
		const char *text = (const char *)sqlite3_column_text(st, i);
		bool replaced;

		return text ? json_string_lossy(text, (size_t)sqlite3_column_bytes(st, i), &replaced) : NULL;
	}
	default: {
		const uint8_t *p = sqlite3_column_blob(st, i);
		size_t n = (size_t)sqlite3_column_bytes(st, i);
		cleanup_mem char *hex = mem_alloc(2 * n + 1);

		if (!hex)
			return NULL;
		for (size_t k = 0; k < n; k++) {
			hex[2 * k] = digits[p[k] >> 4];
			hex[2 * k + 1] = digits[p[k] & 15];
		}
		return json_stringn(hex, 2 * n);
	}
	}
}

static int give_row(struct store *s, sqlite3_stmt *st, size_t n, const char *const *names, json_t **values, store_row_fn *fn,
		    void *ctx, struct error *err)
{
	int r = 0;

	(void)s;
	for (size_t i = 0; i < n; i++)
		values[i] = NULL;
	for (size_t i = 0; i < n && r == 0; i++) {
		values[i] = column_json(st, (int)i);
		if (!values[i])
			r = error_set(err, ERR_NOMEM, "out of memory for a row");
	}
	if (r == 0)
		r = fn(ctx, n, names, values);
	for (size_t i = 0; i < n; i++)
		json_decref(values[i]);
	return r;
}

static int run(struct store *s, sqlite3_stmt *st, store_row_fn *fn, void *ctx, struct error *err)
{
	size_t n = (size_t)sqlite3_column_count(st);
	cleanup_mem const char **names = mem_calloc(n ? n : 1, sizeof(*names));
	cleanup_mem json_t **values = mem_calloc(n ? n : 1, sizeof(json_t *));
	int rc, r = 0;

	if (!names || !values)
		return error_set(err, ERR_NOMEM, "out of memory");
	while (r == 0) {
		s->asking = true;
		rc = sqlite3_step(st);
		s->asking = false;
		if (rc == SQLITE_DONE)
			return 0;
		if (rc != SQLITE_ROW)
			return asking_error(s, rc, err);
		for (size_t i = 0; i < n; i++) { /* a re-prepared statement may move its names */
			names[i] = sqlite3_column_name(st, (int)i);
			if (!names[i])
				return error_set(err, ERR_NOMEM, "out of memory");
		}
		r = give_row(s, st, n, names, values, fn, ctx, err);
	}
	return r;
}

int store_query_bound(struct store *s, const char *sql, const char *const *params, store_row_fn *fn, void *ctx,
		      struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r;

	if (s->mode == STORE_WRITE) {
		r = store_exec(s, "PRAGMA query_only = 1", "query", err);
		if (r < 0)
			return r;
	}
	s->asking = true;
	r = prepare(s, sql, &st, err);
	s->asking = false;
	for (int i = 1; r == 0 && params && params[i - 1]; i++) {
		int rc = sqlite3_bind_text(st, i, params[i - 1], -1, SQLITE_STATIC);

		if (rc == SQLITE_RANGE)
			r = error_set(err, ERR_INPUT, "the query has fewer than %d parameters", i);
		else if (rc != SQLITE_OK)
			r = store_sql_error(s, rc, "query", err);
	}
	if (r == 0)
		r = run(s, st, fn, ctx, err);
	sqlite3_finalize(st);
	if (s->mode == STORE_WRITE)
		(void)sqlite3_exec(s->db, "PRAGMA query_only = 0", NULL, NULL, NULL);
	return r;
}

int store_query(struct store *s, const char *sql, store_row_fn *fn, void *ctx, struct error *err)
{
	return store_query_bound(s, sql, NULL, fn, ctx, err);
}
