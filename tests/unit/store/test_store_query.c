/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_query.c - a query reads, whatever it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "store_fixture.h"

static int to_array(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	json_t *row = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set(row, names[i], values[i]);
	return json_array_append_new(ctx, row);
}

static int stop(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	(void)n;
	(void)names;
	(void)values;
	return ++*(int *)ctx == 2 ? 77 : 0;
}

/* Each row: SQL, its parameter, and the rows as JSON, or the words of the error. */
static const struct ask { const char *sql, *param, *want, *error; } asks[] = {
	{ "SELECT 1 AS a, 2.5 AS b, 'x' AS c, NULL AS d, x'00ff' AS e", NULL, "[{\"a\":1,\"b\":2.5,\"c\":\"x\",\"d\":null,\"e\":\"00ff\"}]", NULL },
	{ "SELECT CAST(x'61ff62' AS TEXT) AS a", NULL, "[{\"a\":\"a\xef\xbf\xbd" "b\"}]", NULL },
	{ "SELECT 9e999 AS a, -9e999 AS b", NULL, "[{\"a\":\"Infinity\",\"b\":\"-Infinity\"}]", NULL },
	{ "SELECT ?1 AS a", "it's", "[{\"a\":\"it's\"}]", NULL },
	{ "SELECT 1 AS a;  -- done\n /* really */ ;", NULL, "[{\"a\":1}]", NULL },
	{ "-- first\nSELECT 1 AS a", NULL, "[{\"a\":1}]", NULL },
	{ "SELECT count(*) AS n FROM task", NULL, "[{\"n\":3}]", NULL },
	{ "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3) SELECT sum(i) AS n FROM c", NULL, "[{\"n\":6}]", NULL },
	{ "SELECT name FROM pragma_table_info('task') WHERE cid = 0", NULL, "[{\"name\":\"task_row\"}]", NULL },
	{ "PRAGMA application_id", NULL, "[{\"application_id\":1464421975}]", NULL },
	{ "SELECT 1 WHERE 0", NULL, "[]", NULL },
	{ "EXPLAIN QUERY PLAN SELECT 1 WHERE 0 LIMIT 0", NULL, NULL, NULL },
	{ "", NULL, NULL, "there is no statement" },
	{ " -- nothing\n", NULL, NULL, "there is no statement" },
	{ "SELECT 1; SELECT 2", NULL, NULL, "one statement" },
	{ "SELECT 1; DELETE FROM task", NULL, NULL, "one statement" },
	{ "SELEC 1", NULL, NULL, "near \"SELEC\": syntax error" },
	{ "SELECT x FROM nowhere", NULL, NULL, "no such table: nowhere" },
	{ "SELECT ?1, ?2", "only one", "[{\"?1\":\"only one\",\"?2\":null}]", NULL },
	{ "SELECT 1", "too many", NULL, "fewer than 1 parameters" },
	{ "DELETE FROM task", NULL, NULL, "not authorized" },
	{ "INSERT INTO task_tag VALUES (1, 'x', 0)", NULL, NULL, "not authorized" },
	{ "UPDATE task SET task_id = 'x'", NULL, NULL, "not authorized" },
	{ "WITH c AS (SELECT 1) DELETE FROM task", NULL, NULL, "not authorized" },
	{ "CREATE TABLE t(x)", NULL, NULL, "not authorized" },
	{ "CREATE TEMP TABLE t(x)", NULL, NULL, "not authorized" },
	{ "DROP VIEW v_samples", NULL, NULL, "not authorized" },
	{ "ALTER TABLE task ADD COLUMN x", NULL, NULL, "not authorized" },
	{ "ATTACH ':memory:' AS x", NULL, NULL, "not authorized" },
	{ "DETACH main", NULL, NULL, "not authorized" },
	{ "PRAGMA user_version = 7", NULL, NULL, "not authorized" },
	{ "PRAGMA query_only = 0", NULL, NULL, "not authorized" },
	{ "PRAGMA journal_mode = DELETE", NULL, NULL, "not authorized" },
	{ "PRAGMA writable_schema = 1", NULL, NULL, "not authorized" },
	{ "SELECT * FROM pragma_user_version('x')", NULL, NULL, "" },
	{ "UPDATE sqlite_master SET sql = ''", NULL, NULL, "may not be modified" },
	{ "SELECT count(*) AS n FROM pragma_foreign_key_check", NULL, "[{\"n\":0}]", NULL },
	{ "SELECT name FROM pragma_table_list WHERE name = 'v_samples'", NULL, "[{\"name\":\"v_samples\"}]", NULL },
	{ "BEGIN", NULL, NULL, "not authorized" },
	{ "COMMIT", NULL, NULL, "not authorized" },
	{ "SAVEPOINT a", NULL, NULL, "not authorized" },
	{ "VACUUM", NULL, NULL, "a query may only read" },
	{ "REINDEX", NULL, NULL, "not authorized" },
	{ "ANALYZE", NULL, NULL, "not authorized" },
	{ "SELECT load_extension('x')", NULL, NULL, "not authorized" },
};

static void ask_all(struct store *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		const char *params[] = { asks[i].param, NULL };
		struct error err = ERROR_INIT;
		json_t *rows = json_array();
		char *text;
		int r = store_query_bound(s, asks[i].sql, params, to_array, rows, &err);

		text = json_dumps(rows, JSON_COMPACT);
		json_decref(rows);
		if (asks[i].error ? r != ERR_INPUT || !strstr(err.msg, asks[i].error)
				  : r != 0 || (asks[i].want && strcmp(text, asks[i].want) != 0))
			fail_msg("%s: %d, %s %s", asks[i].sql, r, text, err.msg);
		free(text);
	}
}

static void query__reads_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);

	assert_int_equal(fixture_put_tasks(s, 3, 0, NULL, &err), 0);
	ask_all(s);
	/* and within a transaction, which goes on afterwards */
	assert_int_equal(store_begin(s, &err), 0);
	ask_all(s);
	assert_int_equal(fixture_put_tasks(s, 4, 0, NULL, &err), 0);
	assert_int_equal(store_commit(s, &err), 0);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM task"), 4);
	fixture_assert_sound(s);
}

static void query__on_a_reader(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;

	assert_int_equal(fixture_put_tasks(fixture_open(f), 3, 0, NULL, &err), 0);
	fixture_reopen(f, STORE_READ);
	ask_all(f->s);
}

static void query__a_callback_can_stop_it(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	int seen = 0;

	assert_int_equal(fixture_put_tasks(fixture_open(f), 3, 0, NULL, &err), 0);
	assert_int_equal(store_query(f->s, "SELECT task_id FROM task", stop, &seen, &err), 77);
	assert_int_equal(seen, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(query__reads_and_nothing_else, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(query__on_a_reader, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(query__a_callback_can_stop_it, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("store_query", tests, NULL, NULL);
}
