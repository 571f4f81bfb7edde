/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_intact.c - temporary views that tell damaged rows, on connections of ours alone.
 *
 * temp.intact_<table> has the table's columns and `intact`: 1 where the row's
 * checksum holds.  temp.intact_sample_all(sample_id, intact) covers a sample and
 * all that an export takes from it: its texts, program, sampling parameters,
 * judgement, plan item, prompt, task and run.  A row whose referred row is gone is not intact.
 */
#include <string.h>

#include "store/store_internal.h"

static const char sql_tables[] = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE '%checksum%' ORDER BY name";
static const char sql_columns[] = "SELECT name FROM pragma_table_info(?1, 'main') WHERE name <> 'checksum' ORDER BY cid";

#define CONTENT_INTACT(row) "EXISTS (SELECT 1 FROM temp.intact_content c WHERE c.content_row = " row " AND c.intact)"
#define MAYBE_CONTENT(row) "(" row " IS NULL OR " CONTENT_INTACT(row) ")"

static const char sql_all[] =
	"CREATE TEMP VIEW intact_sample_all AS SELECT s.sample_id, s.intact"
	" AND " MAYBE_CONTENT("s.completion_row") " AND " MAYBE_CONTENT("s.reasoning_row")
	" AND " MAYBE_CONTENT("s.token_ids_row") " AND " MAYBE_CONTENT("s.logprobs_row")
	" AND (s.sampling_row IS NULL OR EXISTS (SELECT 1 FROM temp.intact_sampling m"
	"      WHERE m.sampling_row = s.sampling_row AND m.intact))"
	" AND (s.program_row IS NULL OR EXISTS (SELECT 1 FROM temp.intact_program p"
	"      WHERE p.program_row = s.program_row AND p.intact AND " CONTENT_INTACT("p.content_row") "))"
	" AND (s.judgement_id IS NULL OR EXISTS (SELECT 1 FROM temp.intact_judgement j"
	"      WHERE j.judgement_id = s.judgement_id AND j.intact))"
	" AND EXISTS (SELECT 1 FROM temp.intact_run_task i WHERE i.run_id = s.run_id AND i.ordinal = s.ordinal"
	"      AND i.task_row = s.task_row AND i.intact AND " MAYBE_CONTENT("i.messages_row") ")"
	" AND EXISTS (SELECT 1 FROM temp.intact_task t WHERE t.task_row = s.task_row AND t.intact AND "
	CONTENT_INTACT("t.content_row") ")"
	" AND EXISTS (SELECT 1 FROM temp.intact_run r WHERE r.run_id = s.run_id AND r.intact) AS intact"
	" FROM temp.intact_sample s";

static int make_one(struct store *s, const char *table, struct error *err)
{
	cleanup_buf struct buf sql;
	sqlite3_stmt *st = NULL;
	bool first = true;
	int r;

	buf_init(&sql, 1 << 16);
	buf_addf(&sql, "CREATE TEMP VIEW \"intact_%s\" AS SELECT *, row_checksum(", table);
	r = store_stmt(s, sql_columns, &st, err);
	if (r < 0)
		return r;
	store_bind_str(st, 1, table);
	while ((r = store_step(s, st, "read the schema", err)) > 0) {
		buf_addf(&sql, "%s\"%s\"", first ? "" : ", ", (const char *)sqlite3_column_text(st, 0));
		first = false;
	}
	if (r < 0)
		return r;
	buf_addf(&sql, ") IS checksum AS intact FROM main.\"%s\"", table);
	r = buf_check(&sql, "a view of checksums", err);
	return r < 0 ? r : store_exec(s, sql.data, "make a view of checksums", err);
}

int store_make_intact_views(struct store *s, struct error *err)
{
	sqlite3_stmt *st = NULL;
	int r = store_stmt(s, sql_tables, &st, err);

	if (r < 0)
		return r;
	while ((r = store_step(s, st, "read the schema", err)) > 0) {
		r = make_one(s, (const char *)sqlite3_column_text(st, 0), err);
		if (r < 0)
			break;
	}
	sqlite3_reset(st);
	return r < 0 ? r : store_exec(s, sql_all, "make a view of checksums", err);
}
