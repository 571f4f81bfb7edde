/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the report's data by queries, and the page around it; see report.h. */
#include "rollout/report.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "rollout/common.h"
#include "rollout/rows.h"

/* The page travels in the binary. */
__asm__(".pushsection .rodata\n"
	".global report_page_start\n"
	"report_page_start:\n"
	".incbin \"" WINNOW_REPORT_PAGE "\"\n"
	".global report_page_end\n"
	"report_page_end:\n"
	".popsection\n");
extern const char report_page_start[], report_page_end[];

static const char data_mark[] = "<!--DATA-->";

/* Upper edges of the classes of the distributions; what is larger falls into one more. */
static const unsigned cpu_ms_edges[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000 };
static const unsigned memory_mib_edges[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096 };
static const double speedup_edges[] = { 0.1, 0.25, 0.5, 0.8, 1.25, 2, 4, 10 };

/* clang-format off */
/* One list of the page each. */
static const struct { const char *name, *sql; } lists[] = {
	{ "runs",
	  "SELECT run_id, kind, state, policy, policy_spec, policy_version, template, seed, isolation, tasks, sampled, created_at "
	  "FROM v_runs ORDER BY run_id DESC LIMIT 200" },
	{ "funnel",
	  "SELECT run_id, stage, n, share, cpu_ms FROM v_funnel WHERE n > 0 OR stage = 'sampled' ORDER BY run_id, stage_order" },
	{ "passk",
	  "SELECT run_id, language, split, n, c, count(*) AS tasks FROM v_pass_at_k GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5" },
	{ "solved",
	  "SELECT run_id, count(DISTINCT task_id) AS judged, count(DISTINCT CASE WHEN c > 0 THEN task_id END) AS solved "
	  "FROM v_pass_at_k GROUP BY run_id ORDER BY run_id" },
	{ "versions",
	  "SELECT policy, policy_version, policy_version_number, runs, sampled, judged, accepted, pass_rate FROM v_policy_versions "
	  "ORDER BY policy, policy_version_number, policy_version" },
	{ "flags",
	  "SELECT s.run_id, f.value AS flag, count(*) AS n FROM v_samples s, json_each(s.flags) f GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2" },
	{ "translations",
	  "SELECT p.language AS source, s.language AS target, count(*) AS n, sum(s.passed) AS accepted "
	  "FROM v_samples s JOIN v_samples p ON p.sample_id = s.parent_id "
	  "WHERE s.origin = 'translation' AND s.passed IS NOT NULL AND s.judging IS NOT 'same-process' GROUP BY 1, 2 ORDER BY 1, 2" },
	{ "tasks",
	  "WITH counts AS (SELECT task_id, sum(n) AS n, sum(c) AS c FROM v_pass_at_k GROUP BY task_id) "
	  "SELECT t.task_id, t.source, t.split, t.tags, t.quarantined, substr(json_extract(t.json, '$.prompt'), 1, 1500) AS prompt, "
	  "coalesce(k.n, 0) AS n, coalesce(k.c, 0) AS c FROM v_tasks t LEFT JOIN counts k ON k.task_id = t.task_id WHERE t.current = 1 "
	  "ORDER BY k.n IS NULL, k.c * 1.0 / k.n, t.task_id LIMIT 2000" },
	{ "verdicts",
	  "WITH hardest AS (SELECT task_id FROM v_pass_at_k GROUP BY task_id ORDER BY sum(c) * 1.0 / sum(n), task_id LIMIT 2000) "
	  "SELECT task_id, verdict, count(*) AS n FROM v_samples WHERE state = 'judged' AND origin = 'sample' "
	  "AND task_id IN (SELECT task_id FROM hardest) GROUP BY 1, 2 ORDER BY 1, 2" },
	{ "counts_row",
	  "SELECT (SELECT count(*) FROM v_runs) AS runs, (SELECT count(*) FROM v_tasks WHERE current = 1) AS tasks, "
	  "(SELECT coalesce(sum(sampled), 0) FROM v_runs) AS samples" },
	{ "store_row",
	  "SELECT (SELECT store_id FROM store) AS id, (SELECT max(changed_at) FROM v_runs) AS newest" },
};

/* Programs worth a look: which samples, in which order.  The sample of a program is its first. */
static const struct { const char *why, *sql; } offences[] = {
	{ "Slowest accepted",
	  "SELECT min(sample_id) AS sample_id, count(*) AS copies FROM v_samples WHERE passed = 1 AND cpu_ms IS NOT NULL "
	  "GROUP BY task_id, program_id ORDER BY max(cpu_ms) DESC, 1 LIMIT 8" },
	{ "Most repeated wrong programs",
	  "SELECT min(sample_id) AS sample_id, count(*) AS copies FROM v_samples WHERE passed = 0 AND program_id IS NOT NULL "
	  "GROUP BY task_id, program_id ORDER BY 2 DESC, 1 LIMIT 8" },
	{ "Tricks and violations",
	  "SELECT min(sample_id) AS sample_id, count(*) AS copies FROM v_samples WHERE verdict = 'security_violation' OR EXISTS "
	  "(SELECT 1 FROM json_each(flags) WHERE value IN ('protocol', 'not_plain', 'refused_call')) "
	  "GROUP BY task_id, program_id ORDER BY max(verdict = 'security_violation') DESC, 2 DESC, 1 LIMIT 12" },
	{ "Passed every visible test, failed a hidden one",
	  "SELECT min(sample_id) AS sample_id, count(*) AS copies FROM v_samples WHERE instr(flags, '\"overfit\"') > 0 "
	  "GROUP BY task_id, program_id ORDER BY 2 DESC, 1 LIMIT 8" },
	{ "Most memory",
	  "SELECT min(sample_id) AS sample_id, count(*) AS copies FROM v_samples WHERE memory_kib IS NOT NULL "
	  "GROUP BY task_id, program_id ORDER BY max(memory_kib) DESC, 1 LIMIT 6" },
	{ "Longest without an answer",
	  "SELECT min(sample_id) AS sample_id, count(*) AS copies FROM v_samples WHERE verdict = 'time_limit' "
	  "GROUP BY task_id, program_id ORDER BY max(cpu_ms) DESC, 1 LIMIT 6" },
	{ "Not the same verdict twice",
	  "SELECT min(sample_id) AS sample_id, count(*) AS copies FROM v_samples WHERE flaky = 1 "
	  "GROUP BY task_id, program_id ORDER BY 2 DESC, 1 LIMIT 8" },
};

static const char offender_sql[] =
	"SELECT v.sample_id, v.run_id, v.task_id, v.language, v.verdict, v.flags, v.cpu_ms, v.memory_kib, substr(c.body, 1, 8192) AS program "
	"FROM v_samples v JOIN sample s ON s.sample_id = v.sample_id LEFT JOIN program p ON p.program_row = s.program_row "
	"LEFT JOIN content c ON c.content_row = p.content_row WHERE v.sample_id = CAST(?1 AS INTEGER)";
/* clang-format on */

static int no_memory(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for the report");
}

/* "CASE WHEN x < 1 THEN 0 WHEN x < 2 THEN 1 … ELSE n END" */
static void add_classes(struct buf *sql, const char *x, const double *edges, size_t n)
{
	buf_adds(sql, "CASE");
	for (size_t i = 0; i < n; i++)
		buf_addf(sql, " WHEN %s < %g THEN %zu", x, edges[i], i);
	buf_addf(sql, " ELSE %zu END", n);
}

static int fetch_into(struct store *s, json_t *data, const char *name, const char *sql, struct error *err)
{
	json_t *rows = NULL;
	int r = rows_fetch(s, sql, NULL, &rows, err);

	if (r < 0)
		return error_prefix(err, r, "report, %s", name);
	return json_object_set_new(data, name, rows) ? no_memory(err) : 0;
}

/* How many judged programs of each run fall into which class of a measured column. */
static int fetch_spread(struct store *s, json_t *data, const char *name, const char *x, const unsigned *edges,
			size_t n, struct error *err)
{
	cleanup_buf struct buf sql;
	double as_double[32];
	int r;

	buf_init(&sql, 1 << 16);
	for (size_t i = 0; i < n; i++)
		as_double[i] = edges[i];
	buf_adds(&sql, "SELECT run_id, passed, ");
	add_classes(&sql, x, as_double, n);
	buf_addf(&sql, " AS bin, count(*) AS n FROM v_samples WHERE passed IS NOT NULL AND program_id IS NOT NULL "
		       "AND %s IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3", x);
	r = buf_check(&sql, name, err);
	return r < 0 ? r : fetch_into(s, data, name, sql.data, err);
}

static int fetch_speedups(struct store *s, json_t *data, struct error *err)
{
	cleanup_buf struct buf sql;
	int r;

	buf_init(&sql, 1 << 16);
	buf_adds(&sql, "SELECT s.origin, p.language AS source, s.language AS target, ");
	add_classes(&sql, "p.cpu_ms / max(s.cpu_ms, 0.001)", speedup_edges, ARRAY_SIZE(speedup_edges));
	buf_adds(&sql, " AS bin, count(*) AS n FROM v_samples s JOIN v_samples p ON p.sample_id = s.parent_id "
		       "WHERE s.origin IN ('translation', 'improve') AND s.passed = 1 AND p.passed = 1 "
		       "AND s.judging IS NOT 'same-process' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4");
	r = buf_check(&sql, "speedups", err);
	return r < 0 ? r : fetch_into(s, data, "speedups", sql.data, err);
}

static int add_offenders(struct store *s, json_t *list, const char *why, const char *sql, struct error *err)
{
	cleanup_json json_t *found = NULL;
	const json_t *row;
	size_t i;
	int r = rows_fetch(s, sql, NULL, &found, err);

	if (r < 0)
		return error_prefix(err, r, "report, '%s'", why);
	json_array_foreach(found, i, row) {
		cleanup_mem char *id = mem_printf("%lld", (long long)json_get_int(row, "sample_id", 0));
		const char *params[] = { id, NULL };
		cleanup_json json_t *sample = NULL;

		if (!id)
			return no_memory(err);
		r = rows_fetch_one(s, offender_sql, params, &sample, err);
		if (r < 0)
			return error_prefix(err, r, "report, sample %s", id);
		/* Too large for a script's numbers. */
		if (json_object_set_new(sample, "sample_id", json_string(id)) ||
		    json_object_set_new(sample, "why", json_string(why)) ||
		    json_object_set(sample, "copies", json_object_get(row, "copies")) || json_array_append(list, sample))
			return no_memory(err);
	}
	return 0;
}

static json_t *edges_json(const unsigned *edges, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, json_integer(edges[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* A list of one row becomes the row. */
static int unwrap(json_t *data, const char *list, const char *name, struct error *err)
{
	json_t *row = json_array_get(json_object_get(data, list), 0);

	if (!row || json_object_set(data, name, row) || json_object_del(data, list))
		return no_memory(err);
	return 0;
}

static int collect(struct store *s, json_t *data, struct error *err)
{
	json_t *offenders = json_array(), *edges = json_object();
	int r = 0;

	if (json_object_set_new(data, "offenders", offenders) || json_object_set_new(data, "edges", edges) ||
	    json_object_set_new(edges, "cpu_ms", edges_json(cpu_ms_edges, ARRAY_SIZE(cpu_ms_edges))) ||
	    json_object_set_new(edges, "memory_mib", edges_json(memory_mib_edges, ARRAY_SIZE(memory_mib_edges))) ||
	    json_object_set_new(data, "winnow_version", json_string(winnow_version())))
		return no_memory(err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lists); i++)
		r = fetch_into(s, data, lists[i].name, lists[i].sql, err);
	if (r == 0)
		r = unwrap(data, "counts_row", "counts", err);
	if (r == 0)
		r = unwrap(data, "store_row", "store", err);
	if (r == 0)
		r = fetch_spread(s, data, "times", "cpu_ms", cpu_ms_edges, ARRAY_SIZE(cpu_ms_edges), err);
	if (r == 0)
		r = fetch_spread(s, data, "memory", "(memory_kib / 1024)", memory_mib_edges, ARRAY_SIZE(memory_mib_edges), err);
	if (r == 0)
		r = fetch_speedups(s, data, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(offences); i++)
		r = add_offenders(s, offenders, offences[i].why, offences[i].sql, err);
	if (r == 0 && json_object_set_new(json_object_get(data, "store"), "path", json_string(store_path(s))))
		r = no_memory(err);
	return r;
}

int report_data(struct store *s, json_t **ret, struct error *err)
{
	cleanup_json json_t *data = json_object();
	int r = data ? collect(s, data, err) : no_memory(err);

	if (r == 0)
		*ret = json_incref(data);
	return r;
}

int report_page(const json_t *data, struct buf *out, struct error *err)
{
	const char *end = report_page_end;
	const char *mark = memmem(report_page_start, (size_t)(end - report_page_start), data_mark, strlen(data_mark));
	cleanup_buf struct buf text;
	int r;

	buf_init(&text, out->max);
	r = json_dump_line(data, &text, err);
	if (r < 0)
		return r;
	buf_add(out, report_page_start, (size_t)(mark - report_page_start));
	for (size_t i = 0, from = 0; i <= text.len; i++) {
		if (i < text.len && text.data[i] != '<')
			continue;
		buf_add(out, text.data + from, i - from);
		if (i < text.len)
			buf_adds(out, "\\u003c");
		from = i + 1;
	}
	mark += strlen(data_mark);
	buf_add(out, mark, (size_t)(end - mark));
	return buf_check(out, "report", err);
}
