/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_card.c - README.md beside the manifest: what somebody who is handed the shards must know.
 *
 * Everything is from the manifest and the store, nothing from the clock.
 */
#include "core/mem.h"
#include "core/str.h"
#include "store/export_manifest.h"

#define CARD_MAX_BYTES (1u << 20)

static const char sql_sources[] =
	"SELECT coalesce(t.source, ''), coalesce(t.license, ''), count(DISTINCT t.task_row)"
	" FROM run_task p JOIN task t ON t.task_row = p.task_row WHERE p.run_id IN (SELECT value FROM json_each(?1))"
	" GROUP BY 1, 2 ORDER BY 1, 2";

/* A cell of a table: no bars, no lines. */
static void cell(struct buf *b, const char *text)
{
	buf_adds(b, "| ");
	for (const char *p = text && *text ? text : "not said"; *p; p++)
		buf_addc(b, *p == '|' || *p == '\n' || *p == '\r' ? ' ' : *p);
	buf_addc(b, ' ');
}

static int add_sources(struct export_ctx *x, const json_t *runs, struct buf *b, struct error *err)
{
	cleanup_buf struct buf ids;
	sqlite3_stmt *st;
	int r;

	buf_init(&ids, CARD_MAX_BYTES);
	r = json_dump_line(runs, &ids, err);
	if (r == 0)
		r = store_stmt(x->s, sql_sources, &st, err);
	if (r < 0)
		return r;
	buf_adds(b, "\n## Tasks and their licences\n\nOf the tasks that the exported runs were given.\n\n| source | licence | tasks |\n|---|---|---|\n");
	store_bind_str(st, 1, ids.data);
	while ((r = store_step(x->s, st, "list the sources", err)) > 0) {
		cell(b, (const char *)sqlite3_column_text(st, 0));
		cell(b, (const char *)sqlite3_column_text(st, 1));
		buf_addf(b, "| %lld |\n", (long long)sqlite3_column_int64(st, 2));
	}
	return r;
}

static void add_policies(const json_t *manifest, struct buf *b)
{
	const json_t *run;
	size_t i;

	buf_adds(b, "\n## Runs\n\n| run | policy | version | seed | samples a task | isolation |\n|---|---|---|---|---|---|\n");
	json_array_foreach(json_object_get(manifest, "runs"), i, run) {
		const json_t *seed = json_object_get(run, "seed");

		buf_addf(b, "| %lld ", (long long)json_get_int(run, "run_id", 0));
		cell(b, json_get_str(run, "policy_name") ? json_get_str(run, "policy_name") : json_get_str(run, "policy_spec"));
		cell(b, json_get_str(run, "policy_version"));
		if (json_is_integer(seed))
			buf_addf(b, "| %lld ", (long long)json_integer_value(seed));
		else
			cell(b, json_string_value(seed));
		buf_addf(b, "| %lld ", (long long)json_get_int(run, "samples", 0));
		cell(b, json_get_str(run, "isolation"));
		buf_adds(b, "|\n");
	}
}

static void add_filters(const json_t *manifest, struct buf *b)
{
	const json_t *filters = json_object_get(manifest, "filters"), *n;
	const char *where = json_get_str(filters, "where"), *split = json_get_str(filters, "split"), *key;

	buf_adds(b, "\n## What is in, and what was left out\n\n");
	buf_addf(b, "%lld rows of %lld groups. ", (long long)json_get_int(manifest, "rows", 0),
		 (long long)json_get_int(manifest, "groups", 0));
	if (where)
		buf_addf(b, "Only samples for which this holds: `%s`. ", where);
	if (split)
		buf_addf(b, "Only tasks of the split `%s`. ", split);
	buf_adds(b, "Samples left out, by the first reason:\n\n| reason | samples |\n|---|---|\n");
	json_object_foreach((json_t *)(uintptr_t)json_object_get(filters, "left_out"), key, n)
		buf_addf(b, "| %s | %lld |\n", key, (long long)json_integer_value(n));
}

static void add_contamination(const json_t *manifest, struct buf *b)
{
	const json_t *c = json_object_get(manifest, "contamination"), *set, *task;
	size_t i;

	buf_adds(b, "\n## Evaluation sets\n\n");
	if (!json_is_object(c)) {
		buf_adds(b, "The tasks were not compared with any.\n");
		return;
	}
	buf_addf(b, "The text of each task was compared with these by runs of 8 words; tasks that share one %s.\n\n"
		 "| set | items | that can be found |\n|---|---|---|\n",
		 json_get_bool(c, "left_out", true) ? "were left out" : "are in all the same");
	json_array_foreach(json_object_get(c, "sets"), i, set) {
		cell(b, json_get_str(set, "file"));
		buf_addf(b, "| %lld | %lld |\n", (long long)json_get_int(set, "items", 0), (long long)json_get_int(set, "usable", 0));
	}
	buf_adds(b, "\n| shard | task | shares with | runs of 8 words | of 13 | rows here |\n|---|---|---|---|---|---|\n");
	json_array_foreach(json_object_get(c, "tasks"), i, task) {
		buf_addf(b, "| %lld ", (long long)json_get_int(task, "shard", 0));
		cell(b, json_get_str(task, "task_id"));
		cell(b, json_get_str(task, "item"));
		buf_addf(b, "| %lld | %lld | %lld |\n", (long long)json_get_int(task, "shared_8", 0),
			 (long long)json_get_int(task, "shared_13", 0), (long long)json_get_int(task, "rows", 0));
	}
}

int export_card_build(struct export_ctx *x, const json_t *runs, const json_t *manifest, struct buf *b, struct error *err)
{
	const json_t *formulas = json_object_get(manifest, "formulas");
	int r;

	buf_init(b, CARD_MAX_BYTES);
	buf_addf(b, "# %s\n\nShards of winnow %s; `manifest.json` has the counts, hashes and settings for programs, this page "
		 "says the same to people.\n\n- rows: `%s`, shape `%s`", x->kind->name,
		 json_get_str(manifest, "winnow_version") ? json_get_str(manifest, "winnow_version") : "(unknown version)",
		 x->kind->name, json_get_str(manifest, "shape"));
	if (x->opt->trainer)
		buf_addf(b, ", for %s", x->opt->trainer);
	buf_addf(b, "\n- order: %s\n", json_get_str(manifest, "order"));
	if (json_is_object(formulas))
		buf_addf(b, "- reward: %s\n- advantage: %s\n", json_get_str(formulas, "reward"), json_get_str(formulas, "advantage"));
	add_filters(manifest, b);
	r = add_sources(x, runs, b, err);
	if (r < 0)
		return r;
	add_policies(manifest, b);
	add_contamination(manifest, b);
	buf_adds(b, "\n## Known limits\n\n"
		 "- accepted means: every test of its task passed, in a sandbox, judged from outside the program's process. Tests that "
		 "are weak accept programs that are wrong; nothing here says how strong the tests of a source are.\n"
		 "- A program's text is as the policy gave it. It was not searched for secrets or for licence notices.\n"
		 "- Verdicts hold for the toolchains and limits that the manifest names.\n");
	return buf_check(b, "the data card", err);
}
