/* SPDX-License-Identifier: Apache-2.0 */
/* export_manifest.c - see export_manifest.h; the schema is docs/formats/manifest.schema.json. */
#include "store/export_manifest.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define MANIFEST_FORMAT "winnow-shards"
#define MANIFEST_VERSION 1

static const char *const reason_words[] = {
#define X(name, word) word,
	EXPORT_REASONS(X)
#undef X
};
_Static_assert(ARRAY_SIZE(reason_words) == LEFT_COUNT, "a word for each reason");

/* Columns that hold JSON are given parsed. */
static const char sql_run[] =
	"SELECT run_id, kind, state, policy_spec, policy_kind, policy_name, policy_version, template_name,"
	" template_version, lower(hex(template_digest)) AS template_digest, selection, seed, samples, isolation,"
	" judge_version, extract_version, winnow_version, shard, strftime('%Y-%m-%dT%H:%M:%fZ', created_us / 1e6,"
	" 'unixepoch') AS created_at, config, toolchains FROM run WHERE run_id = ?1";
static const char sql_store[] = "SELECT store_id, (SELECT user_version FROM pragma_user_version) FROM store";

static int set_column(json_t *obj, sqlite3_stmt *st, int i, struct error *err)
{
	const char *name = sqlite3_column_name(st, i), *text;
	json_t *value = NULL;

	/* 64 bits without a sign; JSON integers of ours have one */
	if (str_eq(name, "seed") && sqlite3_column_int64(st, i) < 0)
		return export_set(obj, name, json_sprintf("%llu", (unsigned long long)sqlite3_column_int64(st, i)), err);
	if (sqlite3_column_type(st, i) == SQLITE_INTEGER)
		return export_set(obj, name, json_integer(sqlite3_column_int64(st, i)), err);
	text = (const char *)sqlite3_column_text(st, i);
	if (text && (str_eq(name, "config") || str_eq(name, "toolchains")) &&
	    json_parse(text, (size_t)sqlite3_column_bytes(st, i), &value, NULL) == 0)
		return export_set(obj, name, value, err);
	if (text && str_eq(name, "template_digest") && !*text)
		text = NULL;
	return export_set(obj, name, text ? json_string_lossy(text, strlen(text), &(bool){ false }) : NULL, err);
}

static int add_runs(struct export_ctx *x, json_t *m, const json_t *runs, struct error *err)
{
	json_t *list = json_array(), *id;
	sqlite3_stmt *st;
	size_t i;
	int r = list ? export_set(m, "runs", list, err) : error_set(err, ERR_NOMEM, "out of memory");

	json_array_foreach(runs, i, id) {
		json_t *run = json_object();

		if (r == 0 && json_array_append_new(list, run) < 0)
			r = error_set(err, ERR_NOMEM, "out of memory");
		if (r == 0)
			r = store_stmt(x->s, sql_run, &st, err);
		if (r < 0)
			return r;
		sqlite3_bind_int64(st, 1, json_integer_value(id));
		r = store_step(x->s, st, "read a run", err);
		if (r < 0)
			return r;
		for (int c = 0; r > 0 && c < sqlite3_column_count(st); c++)
			if (set_column(run, st, c, err) < 0)
				r = ERR_NOMEM;
		sqlite3_reset(st);
		if (r < 0)
			return r;
		r = 0;
	}
	return r;
}

static int add_store(struct export_ctx *x, json_t *m, struct error *err)
{
	sqlite3_stmt *st;
	json_t *j;
	int r = store_stmt(x->s, sql_store, &st, err);

	if (r == 0)
		r = store_step(x->s, st, "read the store's id", err);
	if (r <= 0)
		return r < 0 ? r : error_set(err, ERR_CORRUPT, "store '%s' has no id", store_path(x->s));
	j = json_pack("{s:s, s:I}", "store_id", (const char *)sqlite3_column_text(st, 0), "schema_version",
		      (json_int_t)sqlite3_column_int64(st, 1));
	sqlite3_reset(st);
	return j ? export_set(m, "store", j, err) : error_set(err, ERR_NOMEM, "out of memory");
}

static int add_filters(struct export_ctx *x, json_t *m, struct error *err)
{
	const struct export_options *o = x->opt;
	json_t *filters = json_object(), *left = json_object();
	int r;

	if ((r = filters ? export_set(m, "filters", filters, err) : error_set(err, ERR_NOMEM, "out of memory")) < 0) {
		json_decref(left);
		return r;
	}
	if ((r = left ? export_set(filters, "left_out", left, err) : error_set(err, ERR_NOMEM, "out of memory")) < 0 ||
	    (r = export_set(filters, "where", o->where ? json_string(o->where) : NULL, err)) < 0 ||
	    (r = export_set(filters, "split", o->split ? json_string(o->split) : NULL, err)) < 0 ||
	    (r = export_set(filters, "per_task", o->per_task ? json_integer((json_int_t)o->per_task) : NULL, err)) < 0 ||
	    (r = export_set(filters, "near_threshold", o->near ? json_real(o->near_threshold) : NULL, err)) < 0 ||
	    (r = export_set(filters, "with_same_process", json_boolean(o->with_same_process), err)) < 0 ||
	    (r = export_set(filters, "with_flaky", json_boolean(o->with_flaky), err)) < 0 ||
	    (r = export_set(filters, "quarantined_tasks", json_false(), err)) < 0 ||
	    (r = export_set(filters, "damaged_rows", json_false(), err)) < 0)
		return r;
	if (o->format == EXPORT_DPO &&
	    (r = export_set(filters, "pairs_per_task",
			    json_integer(o->pairs_per_task ? (json_int_t)o->pairs_per_task : 8), err)) < 0)
		return r;
	if (x->kind->walk && (r = export_set(filters, "with_tests", json_boolean(o->with_tests), err)) < 0)
		return r;
	for (int i = LEFT_NONE + 1; r == 0 && i < LEFT_COUNT; i++)
		if (x->left[i])
			r = export_set(left, reason_words[i], json_integer((json_int_t)x->left[i]), err);
	return r;
}

static const char *shape_of(const struct export_ctx *x)
{
	if (x->opt->format == EXPORT_ROLLOUTS && !x->opt->trainer)
		return "canonical";
	return x->shape == 2 ? "plain" : "messages";
}

/* What was compared with what, and what was found, shard by shard; NULL (null): nothing was. */
static json_t *contamination(const struct export_ctx *x)
{
	if (!x->opt->contaminated)
		return NULL;
	/* jansson counts references through a const pointer too */
	return json_pack("{s:O, s:[i,i], s:b, s:O}", "sets", (json_t *)(uintptr_t)x->opt->evaluation_sets, "words", 8, 13,
			 "left_out", !x->opt->with_contaminated, "tasks", x->findings);
}

int export_manifest_build(struct export_ctx *x, const json_t *runs, json_t **ret, struct error *err)
{
	const struct export_options *o = x->opt;
	cleanup_json json_t *m = json_object();
	int r;

	if (!m)
		return error_set(err, ERR_NOMEM, "out of memory");
	if ((r = export_set(m, "format", json_string(MANIFEST_FORMAT), err)) < 0 ||
	    (r = export_set(m, "version", json_integer(MANIFEST_VERSION), err)) < 0 ||
	    (r = export_set(m, "name", json_string(x->kind->name), err)) < 0 ||
	    (r = export_set(m, "shape", json_string(shape_of(x)), err)) < 0 ||
	    (r = export_set(m, "trainer", o->trainer ? json_string(o->trainer) : NULL, err)) < 0 ||
	    (r = export_set(m, "winnow_version", o->winnow_version ? json_string(o->winnow_version) : NULL, err)) < 0 ||
	    (r = add_store(x, m, err)) < 0 || (r = add_filters(x, m, err)) < 0 ||
	    (r = export_set(m, "formulas", x->kind->advantage ? json_pack("{s:s, s:s, s:s}", "scheme",
			    export_reward_name(o->reward), "reward", export_reward_formula(o->reward), "advantage",
			    x->kind->advantage) : NULL, err)) < 0 ||
	    (r = export_set(m, "order", json_string("source, task_id by number, task_rev, language, group, sample"),
			    err)) < 0 ||
	    (r = export_set(m, "with_measurements", json_boolean(o->with_measurements), err)) < 0 ||
	    (r = export_set(m, "contamination", contamination(x), err)) < 0 ||
	    (r = export_set(m, "rows", json_integer((json_int_t)x->rows), err)) < 0 ||
	    (r = export_set(m, "groups", json_integer((json_int_t)x->groups), err)) < 0 ||
	    (r = add_runs(x, m, runs, err)) < 0)
		return r;
	*ret = mem_steal(&m);
	return 0;
}
