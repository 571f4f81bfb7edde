/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_show.c - winnow show: what the store knows, by the questions that come up most. */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/options.h"
#include "rollout/rows.h"
#include "store/store.h"

/* A question that is one query: short columns for people, all of them for programs. */
struct question {
	const char *name;
	const char *people, *programs;
	bool of_run; /* ?1 is the run's id */
};

/* clang-format off */
static const struct question questions[] = {
	{ "runs",
	  "SELECT run_id AS run, state, policy, policy_version AS version, template, tasks, sampled, isolation, created_at FROM v_runs ORDER BY run_id",
	  "SELECT * FROM v_runs ORDER BY run_id", false },
	{ "tasks",
	  "SELECT task_id, source, split, tests_kind AS tests, n_cases AS cases, tags, quarantined FROM v_tasks WHERE current = 1 "
	  "ORDER BY source, length(task_id), task_id",
	  "SELECT task_id, task_rev, source, split, license, entry_point, tests_kind, n_cases, tags, quarantined, imported_from, format, url, "
	  "revision, created_at FROM v_tasks WHERE current = 1 ORDER BY source, length(task_id), task_id", false },
	{ "funnel",
	  "SELECT stage, n, round(100 * share, 2) AS percent, round(cpu_ms / 1e3, 2) AS cpu_s, "
	  "round(cpu_ms / nullif(n, 0), 2) AS cpu_ms_each FROM v_funnel WHERE run_id = CAST(?1 AS INTEGER) "
	  "AND (n > 0 OR stage = 'sampled') ORDER BY stage_order",
	  "SELECT run_id, stage, n, share, cpu_ms FROM v_funnel WHERE run_id = CAST(?1 AS INTEGER) ORDER BY stage_order", true },
	{ "passk",
	  "SELECT language, tasks, solved, n AS samples, c AS accepted, round(100 * pass_at_1, 2) AS 'pass@1 %', "
	  "round(100 * pass_at_10, 2) AS 'pass@10 %', round(100 * pass_at_100, 2) AS 'pass@100 %' "
	  "FROM v_pass_at_k_run WHERE run_id = CAST(?1 AS INTEGER) ORDER BY language",
	  "SELECT * FROM v_pass_at_k_run WHERE run_id = CAST(?1 AS INTEGER) ORDER BY language", true },
};
/* clang-format on */

static const char passk_tasks_sql[] =
	"SELECT task_id, language, n, c, pass_at_1, pass_at_10, pass_at_100 FROM v_pass_at_k "
	"WHERE run_id = CAST(?1 AS INTEGER) ORDER BY source, length(task_id), task_id, language";

static int show_question(const struct globals *g, const struct options *o, struct store *s,
			 const struct question *q, struct error *err)
{
	const char *sql = g->json ? q->programs : q->people;
	char run_text[32];
	const char *params[] = { run_text, NULL };
	int64_t run;
	int r;

	if (!q->of_run && options_given(o, "run"))
		return error_set(err, ERR_INPUT, "--run: 'show %s' is not about one run", q->name);
	if (options_flag(o, "tasks") && !str_eq(q->name, "passk"))
		return error_set(err, ERR_INPUT, "--tasks goes with 'show passk' alone");
	if (!q->of_run)
		return rows_print(s, sql, NULL, g->json ? ROWS_JSON_PARSED : ROWS_TABLE, err);
	r = store_run_find(s, options_str(o, "run"), &run, err);
	if (r < 0)
		return error_prefix(err, r, "--run");
	(void) snprintf(run_text, sizeof(run_text), "%lld", (long long)run);
	if (options_flag(o, "tasks"))
		sql = passk_tasks_sql;
	if (!g->json)
		(void) printf("run %s\n", run_text);
	return rows_print(s, sql, params, g->json ? ROWS_JSON_PARSED : ROWS_TABLE, err);
}

/* --- one thing, all that is known of it --- */

/* "key: value" for each plain member that says something. */
static void print_members(const json_t *obj, const char *const *skip)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)obj, key, v) {
		cleanup_buf struct buf text = { 0 };
		cleanup_buf struct buf safe = { 0 };
		bool skipped = json_is_null(v);

		for (size_t i = 0; skip[i]; i++)
			skipped |= str_eq(skip[i], key);
		if (skipped || (json_is_array(v) && !json_array_size(v)))
			continue;
		buf_init(&text, SIZE_MAX);
		buf_init(&safe, SIZE_MAX);
		if (json_is_string(v))
			buf_add(&text, json_string_value(v), json_string_length(v));
		else if (json_is_real(v))
			buf_addf(&text, "%.10g", json_real_value(v));
		else
			(void) json_dump_line(v, &text, NULL);
		answer_safe(&safe, text.data, text.len);
		(void) printf("%-16s %s\n", key, safe.data);
	}
}

static void print_text(const char *title, const json_t *text)
{
	cleanup_buf struct buf safe = { 0 };

	if (!json_is_string(text) || !json_string_length(text))
		return;
	buf_init(&safe, SIZE_MAX);
	answer_safe(&safe, json_string_value(text), json_string_length(text));
	(void) printf("\n--- %s ---\n%s%s", title, safe.data, safe.len && safe.data[safe.len - 1] == '\n' ? "" : "\n");
}

static int fetch_named(struct store *s, const char *sql, const char *id, const char *what, json_t **ret,
		       struct error *err)
{
	const char *params[] = { id, NULL };
	int r = rows_fetch_one(s, sql, params, ret, err);

	if (r == ERR_NOTFOUND)
		return error_set(err, ERR_NOTFOUND, "no %s '%s' in '%s'", what, id, store_path(s));
	return r;
}

static int show_task(const struct globals *g, struct store *s, const char *id, struct error *err)
{
	static const char *const skip[] = { "json", "prompt", "current", NULL };
	const char *params[] = { id, NULL };
	cleanup_json json_t *task = NULL, *runs = NULL;
	const json_t *native;
	int r = fetch_named(s, "SELECT * FROM v_tasks WHERE task_id = ?1 AND current = 1", id, "task", &task, err);

	if (r == 0)
		r = rows_fetch(s,
			       "SELECT run_id, language, n, c, pass_at_1, pass_at_10, pass_at_100 FROM v_pass_at_k "
			       "WHERE task_id = ?1 ORDER BY run_id, language",
			       params, &runs, err);
	if (r < 0)
		return r;
	native = json_object_get(task, "json");
	if (g->json) {
		if (json_object_set(task, "task", (json_t *)native) || json_object_del(task, "json") ||
		    json_object_set(task, "runs", runs))
			return error_set(err, ERR_NOMEM, "out of memory");
		return answer_json(json_incref(task), err);
	}
	print_members(task, skip);
	print_text("prompt", json_object_get(native, "prompt"));
	if (!json_array_size(runs))
		return 0;
	(void) printf("\n--- runs ---\n");
	return rows_print(s,
			  "SELECT run_id AS run, language, n, c, round(100 * pass_at_1, 2) AS 'pass@1 %', "
			  "round(100 * pass_at_10, 2) AS 'pass@10 %', round(100 * pass_at_100, 2) AS 'pass@100 %' "
			  "FROM v_pass_at_k WHERE task_id = ?1 ORDER BY run_id, language",
			  params, ROWS_TABLE, err);
}

/* clang-format off */
static const char sample_sql[] =
	"SELECT v.*, j.message, j.refused, j.compile_output, j.exit_code, nullif(j.signal, 0) AS signal, j.visible_passed, j.visible_total, j.compile_us / 1e3 AS compile_cpu_ms, "
	"g.parameters AS sampling, g.model, g.fingerprint, m.body AS messages, a.body AS reasoning, c.body AS completion, b.body AS program "
	"FROM v_samples v JOIN sample s ON s.sample_id = v.sample_id "
	"LEFT JOIN (SELECT judgement_id, message, refused, compile_output, exit_code, signal, visible_passed, visible_total, compile_cpu_us AS compile_us "
	"           FROM judgement) j ON j.judgement_id = s.judgement_id "
	"LEFT JOIN sampling g ON g.sampling_row = s.sampling_row "
	"LEFT JOIN run_task p ON p.run_id = s.run_id AND p.ordinal = s.ordinal "
	"LEFT JOIN content m ON m.content_row = p.messages_row "
	"LEFT JOIN content a ON a.content_row = s.reasoning_row "
	"LEFT JOIN content c ON c.content_row = s.completion_row "
	"LEFT JOIN program q ON q.program_row = s.program_row "
	"LEFT JOIN content b ON b.content_row = q.content_row "
	"WHERE v.sample_id = CAST(?1 AS INTEGER)";
/* clang-format on */

static int show_sample(const struct globals *g, struct store *s, const char *id, struct error *err)
{
	static const char *const skip[] = { "compile_output", "messages", "reasoning", "completion", "program", NULL };
	cleanup_json json_t *sample = NULL;
	const json_t *messages, *message;
	uint64_t number;
	size_t i;
	int r = str_parse_u64(id, "sample ID", 0, INT64_MAX, &number, err);

	if (r == 0)
		r = fetch_named(s, sample_sql, id, "sample", &sample, err);
	if (r < 0)
		return r;
	if (g->json)
		return answer_json(json_incref(sample), err);
	print_members(sample, skip);
	messages = json_object_get(sample, "messages");
	json_array_foreach(messages, i, message) {
		cleanup_mem char *title = mem_printf("message: %s", json_get_str(message, "role") ?: "?");

		print_text(title ? title : "message", json_object_get(message, "content"));
	}
	print_text("reasoning", json_object_get(sample, "reasoning"));
	print_text("completion", json_object_get(sample, "completion"));
	print_text("program", json_object_get(sample, "program"));
	print_text("compiler", json_object_get(sample, "compile_output"));
	return 0;
}

static int show_in(const struct globals *g, const struct options *o, struct store *s, struct error *err)
{
	const char *what = options_args(o)[0], *id = options_args(o)[1];
	bool one = str_eq(what, "task") || str_eq(what, "sample");

	if (one && !id)
		return error_set(err, ERR_INPUT, "an argument is missing: winnow show %s ID", what);
	if (one && (options_given(o, "run") || options_flag(o, "tasks")))
		return error_set(err, ERR_INPUT, "--run and --tasks do not go with 'show %s'", what);
	if (str_eq(what, "task"))
		return show_task(g, s, id, err);
	if (str_eq(what, "sample"))
		return show_sample(g, s, id, err);
	if (id)
		return error_set(err, ERR_INPUT, "'%s' is not wanted after 'show %s'", id, what);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		if (str_eq(what, questions[i].name))
			return show_question(g, o, s, &questions[i], err);
	return error_set(err, ERR_INPUT, "cannot show '%s'; there are runs, tasks, funnel, passk, task ID and sample ID",
			 what);
}

static int show_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct store *s = NULL;
	int r = options_expect_args(o, 1, 2, err);

	if (r == 0)
		r = store_open(g->store, STORE_READ, 0, "winnow show", &s, err);
	if (r == 0)
		r = show_in(g, o, s, err);
	store_close(s);
	return r < 0 ? r : EXIT_DONE;
}

static const struct option_spec show_options[] = {
	{ "run", OPTION_STRING, "R", "last", "the run that funnel and passk are about: its id, or last", false },
	{ "tasks", OPTION_FLAG, NULL, NULL, "passk of each task", false },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_show = {
	.name = "show",
	.summary = "show runs, tasks, the funnel, pass@k, one task or one sample",
	.usage = "runs|tasks|funnel|passk|task ID|sample ID",
	.description =
		"funnel says how many samples each filter met, rejected and what CPU time went into them; passk is the unbiased "
		"estimator over the run's tasks, empty where a task has fewer samples than k.\n\n"
		"With --json one object a row.",
	.options = show_options,
	.main = show_main,
};
