/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - the rows of a query as table, CSV or JSON; see rows.h. */
#include "rollout/rows.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "rollout/answer.h"

#define STOPPED 1 /* the reader went away: end the query quietly */

struct printing {
	enum rows_form form;
	struct table *table;
	bool begun;
	json_t *list; /* rows_fetch() */
	int r;        /* of our own part, kept past the store's */
	struct error err;
};

/* Views keep these as JSON text. */
static bool is_json_column(const char *name)
{
	static const char *const names[] = { "flags", "tags", "summary", "json", "sampling", "messages", "refused" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(name, names[i]))
			return true;
	return false;
}

static json_t *row_object(size_t n, const char *const *names, json_t *const *values, bool parse)
{
	json_t *row = json_object();

	for (size_t i = 0; row && i < n; i++) {
		json_t *v = NULL;

		if (parse && is_json_column(names[i]) && json_is_string(values[i]))
			(void) json_parse(json_string_value(values[i]), json_string_length(values[i]), &v, NULL);
		if (json_object_set_new(row, names[i], v ? v : json_incref(values[i]))) {
			json_decref(row);
			return NULL;
		}
	}
	return row;
}

static void csv_cell(const char *s, size_t n, bool last)
{
	if (memchr(s, '"', n) || memchr(s, ',', n) || memchr(s, '\n', n) || memchr(s, '\r', n)) {
		(void) putchar('"');
		for (size_t i = 0; i < n; i++) {
			if (s[i] == '"')
				(void) putchar('"');
			(void) putchar(s[i]);
		}
		(void) putchar('"');
	} else {
		(void) fwrite(s, 1, n, stdout);
	}
	(void) fputs(last ? "\r\n" : ",", stdout);
}

static void csv_value(const json_t *v, bool last)
{
	char number[64] = "";

	if (json_is_string(v)) {
		csv_cell(json_string_value(v), json_string_length(v), last);
		return;
	}
	if (json_is_integer(v))
		(void) snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		(void) snprintf(number, sizeof(number), "%.15g", json_real_value(v));
	csv_cell(number, strlen(number), last);
}

static int begin(struct printing *p, size_t n, const char *const *names)
{
	p->begun = true;
	if (p->form == ROWS_TABLE)
		return table_new(n, names, &p->table, &p->err);
	for (size_t i = 0; p->form == ROWS_CSV && i < n; i++)
		csv_cell(names[i], strlen(names[i]), i + 1 == n);
	return 0;
}

static int row(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	struct printing *p = ctx;

	if (!p->begun)
		p->r = begin(p, n, names);
	if (p->r == 0 && answer_broken())
		p->r = STOPPED;
	if (p->r)
		return p->r;
	for (size_t i = 0; i < n; i++) {
		if (p->form == ROWS_TABLE)
			table_json(p->table, values[i]);
		else if (p->form == ROWS_CSV)
			csv_value(values[i], i + 1 == n);
	}
	if (p->form == ROWS_JSON || p->form == ROWS_JSON_PARSED)
		p->r = answer_json(row_object(n, names, values, p->form == ROWS_JSON_PARSED), &p->err);
	return p->r;
}

static int keep(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	struct printing *p = ctx;

	if (json_array_append_new(p->list, row_object(n, names, values, true)))
		p->r = error_set(&p->err, ERR_NOMEM, "out of memory for rows");
	return p->r;
}

static int query(struct store *s, const char *sql, const char *const *params, store_row_fn *fn,
		 struct printing *p, struct error *err)
{
	int r = params ? store_query_bound(s, sql, params, fn, p, err) : store_query(s, sql, fn, p, err);

	/* Where our own part ended the query, its word counts. */
	if (p->r < 0) {
		if (err)
			*err = p->err;
		return p->r;
	}
	return p->r == STOPPED ? 0 : r;
}

int rows_print(struct store *s, const char *sql, const char *const *params, enum rows_form form,
	       struct error *err)
{
	struct printing p = { .form = form, .err = ERROR_INIT };
	int r = query(s, sql, params, row, &p, err);

	if (r >= 0 && p.table)
		r = table_end(p.table, err);
	table_free(p.table);
	return r;
}

int rows_fetch(struct store *s, const char *sql, const char *const *params, json_t **ret,
	       struct error *err)
{
	struct printing p = { .list = json_array(), .err = ERROR_INIT };
	int r;

	if (!p.list)
		return error_set(err, ERR_NOMEM, "out of memory for rows");
	r = query(s, sql, params, keep, &p, err);
	if (r < 0)
		json_decref(p.list);
	else
		*ret = p.list;
	return r < 0 ? r : 0;
}

int rows_fetch_one(struct store *s, const char *sql, const char *const *params, json_t **ret,
		   struct error *err)
{
	cleanup_json json_t *list = NULL;
	int r = rows_fetch(s, sql, params, &list, err);

	if (r < 0)
		return r;
	if (!json_array_size(list))
		return error_set(err, ERR_NOTFOUND, "no such row");
	*ret = json_incref(json_array_get(list, 0));
	return 0;
}
