/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_view.c - the contract's views over a filled store. */
#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/record.h"
#include "store_fixture.h"

#define CONTRACT_COLUMNS                                                                                              \
	"sample_id run_id task_id task_rev split sample group_id parent_id origin language policy policy_version "    \
	"template seed finish_reason truncated state verdict flags passed tests_passed tests_total reward cpu_ms "    \
	"wall_ms memory_kib judging isolation toolchain flaky duplicate_of program_id created_at judged_at "

static int64_t fill(struct fixture *f, unsigned n_tasks, unsigned n_samples)
{
	struct fill how = { .n_tasks = n_tasks, .n_samples = n_samples, .seed = 7 };
	struct error err = ERROR_INIT;
	int64_t run = 0;

	fixture_open(f);
	if (fixture_fill(f->s, &how, &run, &err) < 0)
		fail_msg("cannot fill: %s", err.msg);
	return run;
}

static int join_names(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	(void)n;
	(void)names;
	strcat(ctx, json_string_value(values[0]));
	strcat(ctx, " ");
	return 0;
}

static void samples__has_the_columns_of_the_contract_first(void **state)
{
	struct fixture *f = *state;
	char names[2048] = "";
	struct error err = ERROR_INIT;

	fixture_open(f);
	if (store_query(f->s, "SELECT name FROM pragma_table_info('v_samples') ORDER BY cid", join_names, names, &err) < 0)
		fail_msg("%s", err.msg);
	names[strlen(CONTRACT_COLUMNS)] = '\0';
	assert_string_equal(names, CONTRACT_COLUMNS);
}

static void samples__a_filled_store_is_sound(void **state)
{
	struct fixture *f = *state;

	fill(f, 12, 60);
	fixture_assert_sound(f->s);
	fixture_reopen(f, STORE_READ);
	fixture_assert_sound(f->s);
}

/* Each row: a statement that must give this. */
static void samples__tells_what_was_put(void **state)
{
	static const struct { const char *sql, *want; } asks[] = {
		{ "SELECT count(*) FROM v_samples", "720" },
		{ "SELECT DISTINCT policy || ' ' || policy_version || ' ' || template FROM v_samples", "\"made v1 plain@1\"" },
		{ "SELECT group_id FROM v_samples ORDER BY sample_id LIMIT 1", "\"1/Made/0\"" },
		{ "SELECT count(*) FROM v_samples WHERE task_rev <> (SELECT task_rev FROM v_tasks t WHERE t.task_id = v_samples.task_id)", "0" },
		{ "SELECT count(*) FROM v_samples WHERE state = 'failed' AND (verdict IS NOT NULL OR passed IS NOT NULL OR reward IS NOT NULL OR reason <> 'timeout')", "0" },
		{ "SELECT count(*) FROM v_samples WHERE verdict = 'internal_error' AND passed IS NULL AND reward IS NULL", "12" },
		{ "SELECT count(*) FROM v_samples WHERE verdict = 'internal_error'", "12" },
		{ "SELECT count(*) FROM v_samples WHERE state = 'judged' AND verdict <> 'internal_error' AND (passed IS NULL OR passed <> (verdict = 'accepted') OR reward <> passed)", "0" },
		{ "SELECT count(*) FROM v_samples WHERE truncated AND NOT EXISTS (SELECT 1 FROM json_each(flags) WHERE value = 'truncated')", "0" },
		{ "SELECT flags FROM v_samples WHERE flags LIKE '%near_limit%' AND flags LIKE '%cpu_limit%' AND truncated = 0 LIMIT 1", "\"[\\\"cpu_limit\\\",\\\"near_limit\\\"]\"" },
		{ "SELECT count(*) FROM v_samples WHERE flags <> (SELECT json_group_array(value) FROM (SELECT DISTINCT value FROM json_each(flags) ORDER BY value))", "0" },
		{ "SELECT count(*) FROM v_samples WHERE flaky <> EXISTS (SELECT 1 FROM json_each(flags) WHERE value = 'flaky')", "0" },
		{ "SELECT count(*) FROM v_samples WHERE flaky", NULL },
		{ "SELECT count(*) FROM v_samples WHERE (state = 'judged') <> (judged_at IS NOT NULL)", "0" },
		{ "SELECT count(*) FROM v_samples WHERE created_at NOT GLOB '2[0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z'", "0" },
		{ "SELECT typeof(cpu_ms) || typeof(wall_ms) || typeof(memory_kib) FROM v_samples WHERE passed = 1 LIMIT 1", "\"realrealreal\"" },
		{ "SELECT DISTINCT memory_kib FROM v_samples WHERE memory_kib IS NOT NULL", "8192.0" },
		/* duplicates: the first of each program within a task, and nothing else, has none */
		{ "SELECT count(*) FROM v_samples s WHERE duplicate_of IS NOT (SELECT nullif(min(d.sample_id), s.sample_id) FROM v_samples d WHERE d.task_id = s.task_id AND d.program_id = s.program_id AND d.state = 'judged' AND d.verdict <> 'internal_error') AND state = 'judged' AND verdict <> 'internal_error'", "0" },
		{ "SELECT count(*) > 50 FROM v_samples WHERE duplicate_of IS NOT NULL", "1" },
		{ "SELECT count(*) FROM v_samples WHERE rank IS NOT NULL AND passed IS NOT 1", NULL },
		{ "SELECT count(*) FROM v_samples WHERE passed = 1 AND rank IS NULL", "0" },
		{ "SELECT length(program_id) FROM v_samples WHERE program_id IS NOT NULL LIMIT 1", "40" },
	};
	struct fixture *f = *state;

	fill(f, 12, 60);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		const char *got = fixture_ask(f->s, asks[i].sql);

		if (!asks[i].want ? atoll(got) <= 0 : strcmp(got, asks[i].want) != 0)
			fail_msg("%s gives %s, not %s", asks[i].sql, got, asks[i].want ? asks[i].want : "more than 0");
	}
}

static void funnel__adds_up(void **state)
{
	struct fixture *f = *state;

	fill(f, 12, 60);
	assert_int_equal(fixture_count(f->s, "SELECT n FROM v_funnel WHERE stage = 'sampled'"), 720);
	assert_int_equal(fixture_count(f->s, "SELECT sum(n) FROM v_funnel WHERE stage NOT IN ('sampled', 'duplicate', 'accepted_distinct', 'flaky')"), 720);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_funnel"), 17);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_funnel f WHERE n <> (SELECT count(*) FROM v_samples s WHERE coalesce(s.verdict, s.state) = f.stage) AND stage NOT IN ('sampled', 'duplicate', 'accepted_distinct', 'flaky')"), 0);
	assert_int_equal(fixture_count(f->s, "SELECT n - (SELECT count(*) FROM v_samples WHERE duplicate_of IS NOT NULL) FROM v_funnel WHERE stage = 'duplicate'"), 0);
	assert_int_equal(fixture_count(f->s, "SELECT n - (SELECT count(*) FROM v_samples WHERE passed AND duplicate_of IS NULL) FROM v_funnel WHERE stage = 'accepted_distinct'"), 0);
	assert_int_equal(fixture_count(f->s, "SELECT n - (SELECT count(*) FROM v_samples WHERE flaky) FROM v_funnel WHERE stage = 'flaky'"), 0);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM (SELECT stage_order, lag(stage_order) OVER () AS before FROM v_funnel) WHERE before >= stage_order"), 0);
	assert_string_equal(fixture_ask(f->s, "SELECT share FROM v_funnel WHERE stage = 'sampled'"), "1.0");
}

static int check_estimate(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	static const uint64_t ks[] = { 1, 10, 100 };
	uint64_t samples = (uint64_t)json_integer_value(values[0]), c = (uint64_t)json_integer_value(values[1]);

	(void)n;
	(void)names;
	++*(unsigned *)ctx;
	for (size_t i = 0; i < 3; i++) {
		if (samples < ks[i]) {
			assert_true(json_is_null(values[2 + i]));
			continue;
		}
		if (fabs(json_number_value(values[2 + i]) - pass_at_k(samples, c, ks[i])) > 1e-12)
			fail_msg("pass@%d of %d, %d is %.17g, not %.17g", (int)ks[i], (int)samples, (int)c,
				 json_number_value(values[2 + i]), pass_at_k(samples, c, ks[i]));
	}
	return 0;
}

static void pass_at_k__is_the_unbiased_estimator(void **state)
{
	static const unsigned sizes[] = { 6, 40, 130 };
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	unsigned rows = 0;

	fixture_open(f);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct fill how = { .n_tasks = 9, .n_samples = sizes[i], .seed = i };
		int64_t run;

		assert_int_equal(fixture_fill(f->s, &how, &run, &err), 0);
	}
	assert_int_equal(store_query(f->s, "SELECT n, c, pass_at_1, pass_at_10, pass_at_100 FROM v_pass_at_k", check_estimate, &rows, &err), 0);
	assert_int_equal(rows, 27);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_pass_at_k k WHERE n <> (SELECT count(passed) FROM v_samples s WHERE s.run_id = k.run_id AND s.task_id = k.task_id) OR c <> (SELECT sum(passed) FROM v_samples s WHERE s.run_id = k.run_id AND s.task_id = k.task_id)"), 0);
	/* Means exist only where every task has enough samples. */
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_pass_at_k_run WHERE pass_at_1 IS NOT NULL AND tasks = 9"), 3);
	assert_int_equal(fixture_count(f->s, "SELECT count(pass_at_10) * 10 + count(pass_at_100) FROM v_pass_at_k_run"), 21);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_pass_at_k_run r WHERE abs(pass_at_1 - (SELECT avg(c * 1.0 / n) FROM v_pass_at_k k WHERE k.run_id = r.run_id)) > 1e-12"), 0);
}

static void best__has_one_good_program_a_task(void **state)
{
	struct fixture *f = *state;

	fill(f, 12, 60);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_best"), 12);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_best b JOIN v_samples s USING (sample_id) WHERE s.passed IS NOT 1 OR s.flaky OR s.program_id <> b.program_id OR s.duplicate_of IS NOT NULL"), 0);
	/* nothing that is neither flaky nor same-process is better */
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_best b JOIN v_samples s ON s.task_id = b.task_id WHERE s.passed = 1 AND NOT s.flaky AND (s.rank < b.rank OR (s.rank = b.rank AND s.program_id < b.program_id))"), 0);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_best WHERE program NOT LIKE 'def twice%'"), 0);
}

/* Each row: a change from outside, and what must be found damaged by it: samples, or rows of a table. */
static const struct { const char *change, *table; bool samples; } damages[] = {
	{ "UPDATE sample SET truncated = 1 - truncated WHERE sample_id = (SELECT min(sample_id) FROM sample)", "sample", true },
	{ "UPDATE sample SET flags = '[\"flaky\"]' WHERE sample_id = (SELECT max(sample_id) FROM sample)", "sample", true },
	{ "UPDATE sample SET judged_us = judged_us + 1 WHERE state = 'judged'", "sample", true },
	{ "UPDATE judgement SET verdict = 'accepted' WHERE judgement_id = (SELECT min(judgement_id) FROM judgement WHERE verdict = 'wrong_answer')", "judgement", true },
	{ "UPDATE judgement SET cpu_us = cpu_us + 1 WHERE judgement_id = 1", "judgement", true },
	{ "UPDATE content SET body = body || ' ' WHERE content_row = (SELECT completion_row FROM sample WHERE state = 'judged' LIMIT 1)", "content", true },
	{ "UPDATE content SET body = body || ' ' WHERE content_row = (SELECT content_row FROM program LIMIT 1)", "content", true },
	{ "UPDATE content SET body = NULL WHERE content_row = (SELECT messages_row FROM run_task LIMIT 1)", "content", true },
	{ "UPDATE program SET program_id = replace(program_id, substr(program_id, 1, 1), 'x') WHERE program_row = 1", "program", true },
	{ "UPDATE sampling SET parameters = '{}'", "sampling", true },
	{ "UPDATE task SET split = 'train' WHERE split = 'holdout'", "task", true },
	{ "UPDATE run SET policy_version = 'v2'", "run", true },
	{ "UPDATE run_task SET language = 'c' WHERE ordinal = 0", "run_task", true },
	{ "DELETE FROM judgement WHERE judgement_id = 1", NULL, true },
	{ "UPDATE program_rank SET rank = rank + 1 WHERE rank = 1", "program_rank", false },
	{ "UPDATE task_tag SET tag = 'tiny' WHERE tag = 'small'", "task_tag", false },
	{ "UPDATE run_event SET body = 'x'", "run_event", false },
	{ "UPDATE import SET path = 'x'", "import", false },
	{ "UPDATE store SET store_id = upper(store_id) || '0'", "store", false },
};

static void intact__finds_each_change_from_outside(void **state)
{
	struct fixture *f = *state;
	char sql[200];
	sqlite3 *db;

	fill(f, 3, 20);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		snprintf(sql, sizeof(sql), "VACUUM INTO '%s/copy-%zu.db'", f->dir, i);
		assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	}
	sqlite3_close(db);
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct error err = ERROR_INIT;
		struct store *s;
		char path[160];

		snprintf(path, sizeof(path), "%s/copy-%zu.db", f->dir, i);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		if (sqlite3_exec(db, damages[i].change, NULL, NULL, NULL) != SQLITE_OK || sqlite3_changes(db) == 0)
			fail_msg("%s: %s", damages[i].change, sqlite3_errmsg(db));
		sqlite3_close(db);
		assert_int_equal(store_open(path, STORE_READ, 0, "a test", &s, &err), 0);
		if (damages[i].table) {
			snprintf(sql, sizeof(sql), "SELECT count(*) FROM temp.intact_%s WHERE NOT intact", damages[i].table);
			if (fixture_count(s, sql) == 0)
				fail_msg("not found in the table: %s", damages[i].change);
		}
		if ((fixture_count(s, "SELECT count(*) FROM temp.intact_sample_all WHERE NOT intact") > 0) != damages[i].samples)
			fail_msg("%s the samples: %s", damages[i].samples ? "not found in" : "wrongly found in", damages[i].change);
		store_close(s);
	}
}

static void policy_versions__sums_runs(void **state)
{
	struct fixture *f = *state;

	fill(f, 4, 20);
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM v_policy_versions"), 1);
	assert_int_equal(fixture_count(f->s, "SELECT sampled FROM v_policy_versions WHERE policy = 'made' AND policy_version_number = 1"), 80);
	assert_int_equal(fixture_count(f->s, "SELECT accepted - (SELECT sum(passed) FROM v_samples) FROM v_policy_versions"), 0);
}

/* As a researcher has it: another connection, with no function of ours, to a store that may only be read. */
static void views__need_nothing_of_ours(void **state)
{
	struct fixture *f = *state;
	sqlite3_stmt *names, *rows;
	unsigned n = 0;
	sqlite3 *db;

	fill(f, 6, 40);
	assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT 'SELECT * FROM ' || name FROM sqlite_schema WHERE type = 'view'", -1, &names, NULL), SQLITE_OK);
	while (sqlite3_step(names) == SQLITE_ROW) {
		const char *sql = (const char *)sqlite3_column_text(names, 0);
		unsigned had = 0;

		if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK)
			fail_msg("%s: %s", sql, sqlite3_errmsg(db));
		while (sqlite3_step(rows) == SQLITE_ROW)
			had++;
		if (sqlite3_finalize(rows) != SQLITE_OK || !had)
			fail_msg("%s: %u rows, %s", sql, had, sqlite3_errmsg(db));
		n++;
	}
	sqlite3_finalize(names);
	sqlite3_close(db);
	assert_true(n >= 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(samples__has_the_columns_of_the_contract_first, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(samples__a_filled_store_is_sound, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(samples__tells_what_was_put, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(funnel__adds_up, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(pass_at_k__is_the_unbiased_estimator, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(best__has_one_good_program_a_task, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(views__need_nothing_of_ours, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(intact__finds_each_change_from_outside, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(policy_versions__sums_runs, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("store_view", tests, NULL, NULL);
}
