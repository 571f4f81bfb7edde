/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_prompts.c - tasks for a trainer that samples by itself: what to ask, and how often it was solved.
 *
 * One row a task and language: {"messages":[…], "prompt":text, "task_id":…, "samples":…, "solved":…,
 * "solve_rate":…, …}.  The messages are those of the last chosen run that asked for the task in that language;
 * a task that none asked for is one message, its own text, and has no language.  Hidden tests are there only
 * when they are asked for by name.  hard-unsolved: those that were sampled and never solved.
 */
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "store/export_internal.h"

#define INTACT(what, column, row) \
	"EXISTS (SELECT 1 FROM temp.intact_" what " i WHERE i." column " = " row " AND i.intact)"

/* ?1: the chosen runs.  A bare column beside max() is of the row that has the maximum. */
static const char sql_tasks[] =
	"SELECT t.task_id, t.task_rev, lower(hex(t.digest)), t.split, t.source, t.license, t.entry_point, t.tests_kind,"
	" t.n_cases, t.quarantined, a.language, m.body, b.body, " INTACT("task", "task_row", "t.task_row")
	" AND " INTACT("content", "content_row", "t.content_row")
	" AND (a.messages_row IS NULL OR " INTACT("content", "content_row", "a.messages_row") ")"
	" FROM task t LEFT JOIN (SELECT task_row, language, max(run_id), messages_row FROM run_task"
	"  WHERE run_id IN (SELECT value FROM json_each(?1)) AND skip_reason IS NULL GROUP BY task_row, language) a"
	"  ON a.task_row = t.task_row"
	" LEFT JOIN content b ON b.content_row = t.content_row LEFT JOIN content m ON m.content_row = a.messages_row"
	" WHERE t.current = 1 ORDER BY t.source, export_natural(t.task_id), t.task_id, a.language";
enum {
	T_ID, T_REV, T_DIGEST, T_SPLIT, T_SOURCE, T_LICENSE, T_ENTRY, T_KIND, T_CASES, T_QUARANTINED, T_LANGUAGE, T_MESSAGES,
	T_BODY, T_INTACT
};

/* Ends where the condition is to follow. */
const char export_sql_rate[] =
	"SELECT count(*), total(passed), count(DISTINCT CASE WHEN passed = 1 THEN program_id END) FROM v_samples"
	" WHERE task_id = ?1 AND task_rev = ?2 AND language = ?3 AND run_id IN (SELECT value FROM json_each(?4))"
	" AND origin = 'sample' AND passed IS NOT NULL AND (?5 OR NOT flaky) AND (?6 OR judging IS NOT 'same-process')"
	" AND EXISTS (SELECT 1 FROM temp.intact_sample_all i WHERE i.sample_id = v_samples.sample_id AND i.intact)"
	" AND (";

struct rate { int64_t samples, solved, distinct; };

static int read_rate(struct export_ctx *x, sqlite3_stmt *rates, sqlite3_stmt *t, const char *runs, struct rate *ret, struct error *err)
{
	int rc;

	*ret = (struct rate){ 0 };
	if (sqlite3_column_type(t, T_LANGUAGE) == SQLITE_NULL)
		return 0;
	sqlite3_reset(rates);
	for (int i = 0; i < 2; i++)
		sqlite3_bind_value(rates, i + 1, sqlite3_column_value(t, i ? T_REV : T_ID));
	sqlite3_bind_value(rates, 3, sqlite3_column_value(t, T_LANGUAGE));
	store_bind_str(rates, 4, runs);
	sqlite3_bind_int(rates, 5, x->opt->with_flaky);
	sqlite3_bind_int(rates, 6, x->opt->with_same_process);
	rc = sqlite3_step(rates);
	if (rc == SQLITE_ROW)
		*ret = (struct rate){ sqlite3_column_int64(rates, 0), sqlite3_column_int64(rates, 1), sqlite3_column_int64(rates, 2) };
	sqlite3_reset(rates);
	return rc == SQLITE_ROW ? 0 : store_sql_error(x->s, rc, "count what was solved", err);
}

static json_t *text(sqlite3_stmt *t, int column)
{
	const char *p = (const char *)sqlite3_column_text(t, column);

	return p ? json_string_lossy(p, (size_t)sqlite3_column_bytes(t, column), &(bool){ false }) : json_null();
}

static json_t *parsed(sqlite3_stmt *t, int column)
{
	const char *p = (const char *)sqlite3_column_text(t, column);
	json_t *j = NULL;

	return p && json_parse(p, (size_t)sqlite3_column_bytes(t, column), &j, NULL) == 0 ? j : NULL;
}

static int one_row(struct export_ctx *x, sqlite3_stmt *t, const struct rate *rate, struct error *err)
{
	static const struct { const char *key; int column; } texts[] = {
		{ "task_id", T_ID }, { "task_rev", T_REV }, { "digest", T_DIGEST }, { "language", T_LANGUAGE }, { "split", T_SPLIT },
		{ "source", T_SOURCE }, { "license", T_LICENSE }, { "entry_point", T_ENTRY }, { "tests_kind", T_KIND },
	};
	cleanup_json json_t *row = json_object(), *task = parsed(t, T_BODY);
	json_t *messages = parsed(t, T_MESSAGES), *prompt = json_object_get(task, "prompt");
	int r;

	if (!messages)
		messages = json_pack("[{s:s, s:O}]", "role", "user", "content", prompt);
	if (!row || !task || !messages) {
		json_decref(messages);
		return error_set(err, ERR_NOMEM, "out of memory for a row");
	}
	r = export_set(row, "messages", messages, err);
	if (r == 0)
		r = export_set(row, "prompt", json_incref(prompt), err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
		r = export_set(row, texts[i].key, text(t, texts[i].column), err);
	if (r < 0 || (r = export_set(row, "cases", json_integer(sqlite3_column_int64(t, T_CASES)), err)) < 0 ||
	    (r = export_set(row, "samples", json_integer(rate->samples), err)) < 0 ||
	    (r = export_set(row, "solved", json_integer(rate->solved), err)) < 0 ||
	    (r = export_set(row, "distinct_accepted", json_integer(rate->distinct), err)) < 0 ||
	    (r = export_set(row, "solve_rate", rate->samples ? json_real((double)rate->solved / (double)rate->samples) : NULL, err)) < 0)
		return r;
	if (x->opt->with_tests &&
	    (r = export_set(row, "tests", json_incref(json_object_get(task, "tests")), err)) < 0)
		return r;
	return export_emit(x, mem_steal(&row), err);
}

static int take_task(struct export_ctx *x, sqlite3_stmt *rates, sqlite3_stmt *t, const char *runs, struct error *err)
{
	struct rate rate;
	int r = read_rate(x, rates, t, runs, &rate, err);

	if (r < 0)
		return r;
	if (x->opt->format == EXPORT_HARD_UNSOLVED && (!rate.samples || rate.solved)) {
		x->left[rate.samples ? LEFT_SOLVED : LEFT_NOT_SAMPLED]++;
		return 0;
	}
	r = export_counting(x) ? export_emit(x, NULL, err) : one_row(x, t, &rate, err);
	x->groups++;
	if (r == 0 && !export_counting(x))
		shards_count_group(x->shards);
	return r;
}

static int one_task(struct export_ctx *x, sqlite3_stmt *rates, sqlite3_stmt *t, const char *runs, struct error *err)
{
	cleanup_json json_t *task = NULL;
	int r;

	x->group_rows = 0;

	if (x->opt->split && !str_eq(x->opt->split, (const char *)sqlite3_column_text(t, T_SPLIT))) {
		x->left[LEFT_SPLIT]++;
		return 0;
	}
	if (sqlite3_column_type(t, T_QUARANTINED) != SQLITE_NULL) {
		x->left[LEFT_QUARANTINED]++;
		return 0;
	}
	if (!sqlite3_column_int(t, T_INTACT)) {
		x->left[LEFT_DAMAGED]++;
		return 0;
	}
	task = parsed(t, T_BODY);
	r = export_ask_contaminated(x, json_get_str(task, "prompt"), err);
	if (r < 0)
		return r;
	if (x->finding && !x->opt->with_contaminated)
		x->left[LEFT_CONTAMINATED]++;
	else
		r = take_task(x, rates, t, runs, err);
	return r < 0 ? r : export_note_contaminated(x, (const char *)sqlite3_column_text(t, T_ID),
						    (const char *)sqlite3_column_text(t, T_REV), err);
}

int export_prompts_walk(struct export_ctx *x, sqlite3_stmt *rates, const char *runs, struct error *err)
{
	sqlite3_stmt *t;
	int rc, r = store_stmt(x->s, sql_tasks, &t, err);

	if (r < 0)
		return r;
	store_bind_str(t, 1, runs);
	while (r == 0 && (rc = sqlite3_step(t)) != SQLITE_DONE)
		r = rc == SQLITE_ROW ? one_task(x, rates, t, runs, err) : store_sql_error(x->s, rc, "read the tasks", err);
	sqlite3_reset(t);
	return r;
}
