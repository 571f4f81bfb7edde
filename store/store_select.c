/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_select.c - choose tasks by EXPR: id:GLOB tag:T split:S source:S @FILE, comma-separated.
 *
 * Terms of one kind are alternatives (ids and files of ids are one kind), kinds are combined by and.
 */
#include <stdlib.h>
#include <string.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "store/store_internal.h"
#include "store/store_task.h"

#define MAX_ID_LINE 65536

enum term_kind { TERM_ID, TERM_TAG, TERM_SPLIT, TERM_SOURCE, TERM_COUNT };
static const char *const term_prefix[] = { "id:", "tag:", "split:", "source:" };
_Static_assert(ARRAY_SIZE(term_prefix) == TERM_COUNT, "a prefix for each kind");

struct terms { char **texts; size_t n, cap; };
struct listed { char *id; char *where; bool met; }; /* of @FILE, sorted by id */
struct selection {
	struct terms of[TERM_COUNT];
	struct listed *listed;
	size_t n_listed, cap_listed;
	bool has_files;
};

static const char sql_current[] =
	"SELECT task_row, task_id, source, split, quarantined FROM task WHERE current = 1";
static const char sql_has_tag[] = "SELECT 1 FROM task_tag WHERE task_row = ?1 AND tag = ?2";

int store_natural_compare(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x && *y) {
		size_t m, n;
		int c;

		if (*x < '0' || *x > '9' || *y < '0' || *y > '9') {
			if (*x != *y)
				return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
			x++;
			y++;
			continue;
		}
		while (*x == '0')
			x++;
		while (*y == '0')
			y++;
		m = strspn(x, "0123456789");
		n = strspn(y, "0123456789");
		if (m != n)
			return m < n ? -1 : 1;
		c = memcmp(x, y, m);
		if (c)
			return c < 0 ? -1 : 1;
		x += m;
		y += n;
	}
	if (*x || *y)
		return *x ? 1 : -1;
	return strcmp(a, b); /* 07 and 7 */
}

static void selection_clear(struct selection *sel)
{
	for (int k = 0; k < TERM_COUNT; k++) {
		for (size_t i = 0; i < sel->of[k].n; i++)
			mem_free(sel->of[k].texts[i]);
		mem_free(sel->of[k].texts);
	}
	for (size_t i = 0; i < sel->n_listed; i++) {
		mem_free(sel->listed[i].id);
		mem_free(sel->listed[i].where);
	}
	mem_free(sel->listed);
}

static int add_term(struct terms *t, const char *text, struct error *err)
{
	if (!mem_grow(&t->texts, &t->cap, t->n + 1, sizeof(*t->texts)))
		return error_set(err, ERR_NOMEM, "out of memory");
	t->texts[t->n] = mem_strdup(text);
	if (!t->texts[t->n])
		return error_set(err, ERR_NOMEM, "out of memory");
	t->n++;
	return 0;
}

static int add_listed(struct selection *sel, const char *id, size_t n, const char *file, unsigned long line, struct error *err)
{
	struct listed *l;

	if (!mem_grow(&sel->listed, &sel->cap_listed, sel->n_listed + 1, sizeof(*sel->listed)))
		return error_set(err, ERR_NOMEM, "out of memory");
	l = &sel->listed[sel->n_listed++];
	*l = (struct listed){ .id = mem_strndup(id, n), .where = mem_printf("%s:%lu", file, line) };
	if (!l->id || !l->where)
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

static int read_ids(struct selection *sel, const char *file, struct error *err)
{
	struct fs_lines *lines;
	const char *line;
	size_t n;
	int r = fs_lines_open(file, MAX_ID_LINE, &lines, err);

	if (r < 0)
		return r;
	sel->has_files = true;
	while ((r = fs_lines_next(lines, &line, &n, err)) > 0) {
		while (n && strchr(" \t\r", line[n - 1]))
			n--;
		while (n && (*line == ' ' || *line == '\t')) {
			line++;
			n--;
		}
		if (!n)
			continue;
		r = add_listed(sel, line, n, file, fs_lines_number(lines), err);
		if (r < 0)
			break;
	}
	fs_lines_close(lines);
	return r;
}

static int parse_term(struct selection *sel, const char *term, struct error *err)
{
	if (term[0] == '@' && term[1])
		return read_ids(sel, term + 1, err);
	for (int k = 0; k < TERM_COUNT; k++)
		if (str_starts(term, term_prefix[k]) && term[strlen(term_prefix[k])])
			return add_term(&sel->of[k], term + strlen(term_prefix[k]), err);
	return error_set(err, ERR_INPUT, "bad selection term '%.200s': expected id:GLOB, tag:T, split:S, source:S or @FILE", term);
}

static int compare_listed(const void *a, const void *b)
{
	return strcmp(((const struct listed *)a)->id, ((const struct listed *)b)->id);
}

static int parse_selection(struct selection *sel, const char *expr, struct error *err)
{
	char **terms = NULL;
	size_t n = 0;
	int r = str_split(expr, ',', &terms, &n, err);

	for (size_t i = 0; i < n && r == 0; i++)
		r = parse_term(sel, terms[i], err);
	str_list_free(terms);
	if (r == 0 && sel->n_listed)
		qsort(sel->listed, sel->n_listed, sizeof(*sel->listed), compare_listed);
	return r;
}

static bool any_equal(const struct terms *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->texts[i], text))
			return true;
	return t->n == 0;
}

static bool id_chosen(struct selection *sel, const char *id)
{
	struct listed key = { .id = (char *)(uintptr_t)id }, *hit;
	bool chosen = sel->of[TERM_ID].n == 0 && !sel->has_files;

	if (sel->n_listed) {
		hit = bsearch(&key, sel->listed, sel->n_listed, sizeof(key), compare_listed);
		if (hit) {
			/* the same id may be listed twice */
			while (hit > sel->listed && strcmp(hit[-1].id, id) == 0)
				hit--;
			for (; hit < sel->listed + sel->n_listed && strcmp(hit->id, id) == 0; hit++)
				hit->met = true;
			chosen = true;
		}
	}
	for (size_t i = 0; i < sel->of[TERM_ID].n && !chosen; i++)
		chosen = str_glob(sel->of[TERM_ID].texts[i], id);
	return chosen;
}

/* 1 where it has one of the tags wanted. */
static int tag_chosen(struct store *s, const struct selection *sel, int64_t task_row, struct error *err)
{
	const struct terms *t = &sel->of[TERM_TAG];
	sqlite3_stmt *st = NULL;
	int r = t->n == 0;

	for (size_t i = 0; i < t->n && r == 0; i++) {
		r = store_stmt(s, sql_has_tag, &st, err);
		if (r < 0)
			return r;
		sqlite3_bind_int64(st, 1, task_row);
		store_bind_str(st, 2, t->texts[i]);
		r = store_step(s, st, "read tags", err);
		sqlite3_reset(st);
	}
	return r;
}

struct chosen { int64_t row; char *id, *source, *quarantined; };

static int compare_chosen(const void *a, const void *b)
{
	const struct chosen *x = a, *y = b;
	int c = strcmp(x->source ? x->source : "", y->source ? y->source : "");

	return c ? c : store_natural_compare(x->id, y->id);
}

struct chosen_list { struct chosen *c; size_t n, cap; };

static void chosen_clear(struct chosen_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		mem_free(l->c[i].id);
		mem_free(l->c[i].source);
		mem_free(l->c[i].quarantined);
	}
	mem_free(l->c);
}

static int consider(struct store *s, struct selection *sel, bool with_quarantined, sqlite3_stmt *st, struct chosen_list *l,
		    struct error *err)
{
	int64_t row = sqlite3_column_int64(st, 0);
	const char *id = (const char *)sqlite3_column_text(st, 1);
	struct chosen *c;
	int r;

	if (!id)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (!id_chosen(sel, id) || !any_equal(&sel->of[TERM_SOURCE], (const char *)sqlite3_column_text(st, 2)) ||
	    !any_equal(&sel->of[TERM_SPLIT], (const char *)sqlite3_column_text(st, 3)))
		return 0;
	if (!with_quarantined && sqlite3_column_type(st, 4) != SQLITE_NULL)
		return 0;
	r = tag_chosen(s, sel, row, err);
	if (r <= 0)
		return r;
	if (!mem_grow(&l->c, &l->cap, l->n + 1, sizeof(*l->c)))
		return error_set(err, ERR_NOMEM, "out of memory");
	c = &l->c[l->n++];
	*c = (struct chosen){ .row = row };
	r = store_column_dup(st, 1, &c->id, err);
	if (r == 0)
		r = store_column_dup(st, 2, &c->source, err);
	if (r == 0)
		r = store_column_dup(st, 4, &c->quarantined, err);
	return r;
}

static int choose(struct store *s, struct selection *sel, bool with_quarantined, struct chosen_list *l, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_current, &st, err);

	while (r >= 0 && (r = store_step(s, st, "read tasks", err)) > 0) {
		r = consider(s, sel, with_quarantined, st, l, err);
		if (r < 0)
			sqlite3_reset(st);
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < sel->n_listed; i++)
		if (!sel->listed[i].met)
			return error_set(err, ERR_INPUT, "%s: there is no task '%s'", sel->listed[i].where, sel->listed[i].id);
	if (l->n)
		qsort(l->c, l->n, sizeof(*l->c), compare_chosen);
	return 0;
}

static int load_chosen(struct store *s, struct chosen_list *l, struct store_task **ret, size_t *ret_n, struct error *err)
{
	struct store_task *t = mem_calloc(l->n ? l->n : 1, sizeof(*t));

	if (!t)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < l->n; i++) {
		int r;

		t[i].row = l->c[i].row;
		t[i].quarantined = mem_steal(&l->c[i].quarantined);
		r = store_load_task(s, t[i].row, &t[i].task, err);
		if (r < 0) {
			r = error_prefix(err, r, "task '%s'", l->c[i].id);
			store_tasks_free(t, i + 1);
			return r;
		}
	}
	*ret = t;
	*ret_n = l->n;
	return 0;
}

int store_select_tasks(struct store *s, const char *expr, bool with_quarantined, struct store_task **ret, size_t *ret_n,
		       struct error *err)
{
	struct selection sel = { 0 };
	struct chosen_list l = { 0 };
	int r = expr ? parse_selection(&sel, expr, err) : 0;

	if (r == 0)
		r = choose(s, &sel, with_quarantined, &l, err);
	if (r == 0)
		r = load_chosen(s, &l, ret, ret_n, err);
	chosen_clear(&l);
	selection_clear(&sel);
	return r;
}

void store_tasks_free(struct store_task *t, size_t n)
{
	for (size_t i = 0; t && i < n; i++) {
		task_free(t[i].task);
		mem_free(t[i].quarantined);
	}
	mem_free(t);
}
