/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_doc.c - docs/store.md tells the truth: its columns are the schema's, its queries run.
 *
 * Read there: "### `name`" begins a table or view, whose rows "| `column` | …"
 * name the columns in order; a fenced block ```sql whose first line is a
 * comment is a query.  Run from the root of the sources, as ctest does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "store_fixture.h"

#define DOC "docs/store.md"

static int join_names(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	(void)n;
	(void)names;
	buf_adds(ctx, json_string_value(values[0]));
	buf_addc(ctx, ' ');
	return 0;
}

static void expect_columns(struct store *s, const char *name, const char *documented)
{
	const char *params[] = { name, NULL };
	struct error err = ERROR_INIT;
	struct buf real;

	buf_init(&real, 1 << 16);
	if (store_query_bound(s, "SELECT name FROM pragma_table_info(?1) ORDER BY cid", params, join_names, &real, &err) < 0)
		fail_msg("%s", err.msg);
	if (strcmp(real.data, documented) != 0)
		fail_msg("%s: `%s` has the columns\n%s\nand not\n%s", DOC, name, real.data, documented);
	buf_clear(&real);
}

/* The word in backquotes after prefix, or false. */
static bool quoted(const char *line, const char *prefix, char *ret, size_t n)
{
	const char *from = line + strlen(prefix), *to;

	if (!str_starts(line, prefix) || !(to = strchr(from, '`')) || (size_t)(to - from) >= n)
		return false;
	memcpy(ret, from, (size_t)(to - from));
	ret[to - from] = '\0';
	return true;
}

static void columns__are_those_of_the_schema(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	char name[64] = "", column[64], next[64];
	struct fs_lines *lines;
	struct buf columns;
	const char *line;
	unsigned n = 0;
	size_t len;
	int r;

	fixture_open(f);
	buf_init(&columns, 1 << 16);
	assert_int_equal(fs_lines_open(DOC, 1 << 16, &lines, &err), 0);
	do {
		bool heading;

		r = fs_lines_next(lines, &line, &len, &err);
		assert_true(r >= 0);
		heading = r > 0 && quoted(line, "### `", next, sizeof(next));
		if (r > 0 && quoted(line, "| `", column, sizeof(column)))
			buf_addf(&columns, "%s ", column);
		if (name[0] && (heading || r == 0)) {
			expect_columns(f->s, name, columns.data);
			n++;
		}
		if (heading) {
			buf_reset(&columns);
			snprintf(name, sizeof(name), "%s", next);
		}
	} while (r > 0);
	fs_lines_close(lines);
	buf_clear(&columns);
	/* and none is left out */
	assert_int_equal(n, fixture_count(f->s, "SELECT count(*) FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"));
}

static int count_rows(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	(void)n;
	(void)names;
	(void)values;
	++*(unsigned *)ctx;
	return 0;
}

static void cookbook__every_query_answers(void **state)
{
	struct fill how = { .n_tasks = 12, .n_samples = 120, .seed = 5 };
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct fs_lines *lines;
	struct buf sql;
	const char *line;
	unsigned queries = 0;
	bool inside = false;
	int64_t run;
	size_t len;

	fixture_open(f);
	if (fixture_fill(f->s, &how, &run, &err) < 0)
		fail_msg("%s", err.msg);
	fixture_reopen(f, STORE_READ);
	buf_init(&sql, 1 << 16);
	assert_int_equal(fs_lines_open(DOC, 1 << 16, &lines, &err), 0);
	while (fs_lines_next(lines, &line, &len, &err) > 0) {
		if (!inside && strcmp(line, "```sql") == 0) {
			inside = true;
			buf_reset(&sql);
		} else if (inside && strcmp(line, "```") == 0) {
			unsigned rows = 0;

			inside = false;
			if (!str_starts(sql.data, "-- "))
				fail_msg("a query of %s has no name:\n%s", DOC, sql.data);
			if (store_query(f->s, sql.data, count_rows, &rows, &err) < 0)
				fail_msg("%s\n%s", err.msg, sql.data);
			if (rows == 0)
				fail_msg("no rows from\n%s", sql.data);
			queries++;
		} else if (inside) {
			buf_addf(&sql, "%s\n", line);
		}
	}
	fs_lines_close(lines);
	buf_clear(&sql);
	assert_false(inside);
	assert_true(queries >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(columns__are_those_of_the_schema, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(cookbook__every_query_answers, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("store_doc", tests, NULL, NULL);
}
