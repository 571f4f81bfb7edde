/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_task.c - tasks, their revisions, selections and quarantine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/fs.h"
#include "core/mem.h"
#include "store/store_task.h"
#include "store_fixture.h"

static void put_tasks__keeps_revisions(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store_import_result got;
	struct store *s = fixture_open(f);

	assert_int_equal(fixture_put_tasks(s, 5, 0, &got, &err), 0);
	assert_int_equal(got.added * 100 + got.updated * 10 + got.unchanged, 500);
	assert_int_equal(fixture_put_tasks(s, 5, 0, &got, &err), 0);
	assert_int_equal(got.added * 100 + got.updated * 10 + got.unchanged, 5);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM import"), 1); /* nothing came of the second */
	assert_int_equal(fixture_put_tasks(s, 6, 1, &got, &err), 0);
	assert_int_equal(got.added * 100 + got.updated * 10 + got.unchanged, 150);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM task"), 11);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM task WHERE current"), 6);
	/* back to what was: the first revision is current again, nothing is stored twice */
	assert_int_equal(fixture_put_tasks(s, 5, 0, &got, &err), 0);
	assert_int_equal(got.added * 100 + got.updated * 10 + got.unchanged, 50);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM task"), 11);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM task WHERE current AND task_row <= 5"), 5);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM v_tasks WHERE tags <> CASE WHEN CAST(substr(task_id, 6) AS INTEGER) % 2 THEN 'odd,small' ELSE 'even,small' END"), 0);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM v_tasks WHERE current AND json_extract(json, '$.task_id') <> task_id"), 0);
	fixture_assert_sound(s);
}

static void put_tasks__refuses_two_of_one_id_and_keeps_nothing(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);
	struct task *tasks[] = { fixture_task(1, 0), fixture_task(2, 0), fixture_task(1, 5) };
	const char *where[] = { "a.jsonl:1", "a.jsonl:2", "b.jsonl:7" };

	assert_int_equal(store_put_tasks(s, NULL, tasks, where, 3, NULL, &err), ERR_INPUT);
	assert_string_equal(err.msg, "b.jsonl:7: task 'Made/1' was given before, at a.jsonl:1");
	assert_int_equal(store_put_tasks(s, NULL, tasks, NULL, 3, NULL, &err), ERR_INPUT);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM task"), 0);
	/* A failure within a caller's transaction takes back its own rows alone. */
	assert_int_equal(store_begin(s, &err), 0);
	assert_int_equal(fixture_put_tasks(s, 1, 0, NULL, &err), 0);
	json_object_set_new(tasks[1]->json, "prompt", json_string("changed behind our back"));
	assert_int_equal(store_put_tasks(s, NULL, tasks, where, 2, NULL, &err), ERR_INTERNAL);
	assert_non_null(strstr(err.msg, "a.jsonl:2: "));
	assert_int_equal(store_commit(s, &err), 0);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM task"), 1);
	fixture_assert_sound(s);
	for (size_t i = 0; i < 3; i++)
		task_free(tasks[i]);
}

/* ---- selections ---- */

static const struct selection_case { const char *expr, *want; int error; } selections[] = {
	{ NULL, "0 1 2 3 4 5 6 7 8 9 10 11 ", 0 },
	{ "id:Made/1", "1 ", 0 },
	{ "id:Made/1*", "1 10 11 ", 0 },
	{ "id:Made/1,id:Made/[34]", "1 3 4 ", 0 },
	{ "split:holdout", "2 5 8 11 ", 0 },
	{ "split:holdout,tag:odd", "5 11 ", 0 },
	{ "tag:odd,tag:even,split:holdout", "2 5 8 11 ", 0 },
	{ "tag:nothing", "", 0 },
	{ "source:Made", "0 1 2 3 4 5 6 7 8 9 10 11 ", 0 },
	{ "source:Other", "", 0 },
	{ "@LIST", "3 10 ", 0 },
	{ "@LIST,tag:odd", "3 ", 0 },
	{ "@LIST,id:Made/7", "3 7 10 ", 0 },
	{ "@EMPTY", "", 0 },
	{ "@BAD", "2: there is no task 'Made/99'", ERR_INPUT },
	{ "@MISSING", "MISSING", ERR_NOTFOUND },
	{ "id:", "bad selection term 'id:'", ERR_INPUT },
	{ "@", "bad selection term '@'", ERR_INPUT },
	{ "Made/1", "bad selection term 'Made/1'", ERR_INPUT },
	{ "id:Made/1,,tag:odd", "bad selection term ''", ERR_INPUT },
	{ "", "bad selection term ''", ERR_INPUT },
	{ "language:c", "expected id:GLOB, tag:T, split:S, source:S or @FILE", ERR_INPUT },
};

static void write_list(const struct fixture *f, const char *name, const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(fs_write_file(path, text, strlen(text), NULL), 0);
}

static void select__each_expression(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);

	assert_int_equal(fixture_put_tasks(s, 12, 0, NULL, &err), 0);
	write_list(f, "LIST", "Made/10\n\n  Made/3  \r\nMade/10\n");
	write_list(f, "EMPTY", "\n");
	write_list(f, "BAD", "Made/1\nMade/99\n");
	for (size_t i = 0; i < ARRAY_SIZE(selections); i++) {
		const struct selection_case *c = &selections[i];
		char expr[300] = "", got[300] = "";
		struct store_task *tasks = NULL;
		size_t n = 0;
		int r;

		/* files are named relative to the fixture's folder */
		if (c->expr && c->expr[0] == '@' && c->expr[1])
			snprintf(expr, sizeof(expr), "@%s/%s", f->dir, c->expr + 1);
		else if (c->expr)
			snprintf(expr, sizeof(expr), "%s", c->expr);
		err = (struct error)ERROR_INIT;
		r = store_select_tasks(s, c->expr ? expr : NULL, false, &tasks, &n, &err);
		if (r == 0)
			for (size_t k = 0; k < n; k++)
				snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", tasks[k].task->id + 5);
		if (r != c->error || (r == 0 ? strcmp(got, c->want) != 0 : !strstr(err.msg, c->want)))
			fail_msg("'%s' gives %d '%s' '%s', not '%s'", c->expr ? c->expr : "NULL", r, got, err.msg, c->want);
		if (r == 0)
			store_tasks_free(tasks, n);
	}
}

static const struct { const char *a, *b; int want; } orders[] = {
	{ "HumanEval/2", "HumanEval/10", -1 }, { "a", "a", 0 }, { "a2b3", "a2b10", -1 }, { "a10", "a9b", 1 },
	{ "a", "a1", -1 }, { "1", "a", -1 }, { "x99999999999999999999998", "x99999999999999999999999", -1 },
	{ "7", "07", 1 }, { "a07b1", "a7b2", -1 }, { "B", "a", -1 }, { "", "0", -1 }, { "\xc3\xa9", "z", 1 },
};

static void natural_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		int there = store_natural_compare(orders[i].a, orders[i].b), back = store_natural_compare(orders[i].b, orders[i].a);

		if ((there > 0) - (there < 0) != orders[i].want || (back > 0) - (back < 0) != -orders[i].want)
			fail_msg("'%s' and '%s': %d, back %d", orders[i].a, orders[i].b, there, back);
	}
}

static void quarantine__leaves_a_task_out_until_lifted(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);
	struct store_task *tasks;
	int64_t row;
	size_t n;

	assert_int_equal(fixture_put_tasks(s, 3, 0, NULL, &err), 0);
	assert_int_equal(store_select_tasks(s, "id:Made/1", false, &tasks, &n, &err), 0);
	row = tasks[0].row;
	assert_null(tasks[0].quarantined);
	store_tasks_free(tasks, n);
	assert_int_equal(store_quarantine_task(s, row, "its reference fails: wrong_answer", &err), 0);
	assert_int_equal(store_select_tasks(s, NULL, false, &tasks, &n, &err), 0);
	assert_int_equal(n, 2);
	store_tasks_free(tasks, n);
	assert_int_equal(store_select_tasks(s, "id:Made/1", true, &tasks, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(tasks[0].quarantined, "its reference fails: wrong_answer");
	store_tasks_free(tasks, n);
	fixture_assert_sound(s);
	assert_int_equal(store_quarantine_task(s, row, NULL, &err), 0);
	assert_int_equal(fixture_count(s, "SELECT count(*) FROM v_tasks WHERE quarantined IS NULL"), 3);
	assert_int_equal(store_quarantine_task(s, 999, "x", &err), ERR_NOTFOUND);
	fixture_assert_sound(s);
}

static void reference_check__is_remembered_by_key(void **state)
{
	static const uint8_t key[32] = { 1 }, other[32] = { 2 };
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store *s = fixture_open(f);

	assert_int_equal(fixture_put_tasks(s, 1, 0, NULL, &err), 0);
	assert_int_equal(store_reference_check(s, key), -1);
	assert_int_equal(store_put_reference_check(s, 1, "python", key, false, "wrong_answer", &err), 0);
	assert_int_equal(store_put_reference_check(s, 1, "python", other, true, NULL, &err), 0);
	assert_int_equal(store_reference_check(s, key), 0);
	assert_int_equal(store_reference_check(s, other), 1);
	assert_int_equal(store_put_reference_check(s, 1, "python", key, true, NULL, &err), 0);
	assert_int_equal(store_reference_check(s, key), 1);
	fixture_assert_sound(s);
}

/* A stored task whose text was changed from outside is told, not used. */
static void select__tells_a_damaged_task(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct store_task *tasks;
	char command[300];
	size_t n;

	assert_int_equal(fixture_put_tasks(fixture_open(f), 3, 0, NULL, &err), 0);
	store_close(f->s);
	f->s = NULL;
	snprintf(command, sizeof(command), "sqlite3 %s \"UPDATE content SET body = replace(body, 'twice', 'twixe') WHERE content_row = 2\"", f->path);
	if (system(command) != 0)
		skip();
	fixture_open(f);
	assert_int_equal(store_select_tasks(f->s, NULL, false, &tasks, &n, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.msg, "task 'Made/1'"));
	assert_int_equal(fixture_count(f->s, "SELECT count(*) FROM temp.intact_content WHERE NOT intact"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(put_tasks__keeps_revisions, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(put_tasks__refuses_two_of_one_id_and_keeps_nothing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(select__each_expression, fixture_setup, fixture_teardown),
		cmocka_unit_test(natural_order),
		cmocka_unit_test_setup_teardown(quarantine__leaves_a_task_out_until_lifted, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(reference_check__is_remembered_by_key, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(select__tells_a_damaged_task, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("store_task", tests, NULL, NULL);
}
