/* SPDX-License-Identifier: Apache-2.0 */
/* grade_output.c - result lines (docs/formats/results.md) and the summary. */
#include "rollout/grade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "rollout/passk.h"

static json_t *count_or_null(int n)
{
	return n < 0 ? json_null() : json_integer(n);
}

/* Thousandths are enough, and shorter to read. */
static json_t *thousandths(uint64_t v, uint64_t unit)
{
	uint64_t n = v * 1000 / unit;

	return json_real((double)n / 1000.0);
}

static json_t *passed_json(int passed)
{
	return passed < 0 ? json_null() : json_boolean(passed);
}

/* The sample's own name, or its number within the task. */
static json_t *sample_name(const struct grade_line *line)
{
	if (line->sample)
		return json_incref((json_t *)(uintptr_t)line->sample);
	return json_integer((json_int_t)line->number);
}

static json_t *flags_of(const struct grade_line *line)
{
	json_t *ret;

	if (!line->skip)
		return flags_to_json((line->job ? line->job->result.flags : 0) | (line->truncated ? FLAG_TRUNCATED : 0));
	ret = json_array();
	if (ret)
		(void) json_array_append_new(ret, json_string(line->skip));
	return ret;
}

json_t *grade_result(const struct grade *g, size_t number)
{
	const struct grade_line *line = &g->lines[number];
	const struct judgement *j = line->job ? &line->job->result : NULL;
	enum verdict v = line->no_program ? VERDICT_NO_PROGRAM : j ? j->verdict : VERDICT_NONE;
	json_t *ret = json_object();
	struct { const char *key; json_t *value; } fields[] = {
		{ "task_id", json_string(g->tasks[line->task]->id) },
		{ "sample", sample_name(line) },
		{ "passed", passed_json(line->skip ? -1 : judgement_passed(v)) },
		{ "verdict", verdict_name(v) ? json_string(verdict_name(v)) : json_null() },
		{ "flags", flags_of(line) },
		{ "tests_passed", count_or_null(j && g->all_tests ? j->tests_passed : -1) },
		{ "tests_total", count_or_null(j && g->all_tests ? j->tests_total : -1) },
		{ "cpu_ms", j ? thousandths(j->cpu_us, 1000) : json_null() },
		{ "wall_ms", j ? thousandths(j->wall_us, 1000) : json_null() },
		{ "memory_kib", j ? json_integer((json_int_t)(j->memory_bytes / 1024)) : json_null() },
		{ "program_id", line->program_id[0] ? json_string(line->program_id) : json_null() },
		{ "judging", line->skip ? json_null() : json_string(j && j->judging ? j->judging : "separate") },
		{ "duplicate_of", line->job && line->job->first_line != number ?
					  json_integer((json_int_t)line->job->first_line) : json_null() },
	};
	bool good = ret != NULL;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (good)
			good = json_object_set_new(ret, fields[i].key, fields[i].value) == 0;
		else
			json_decref(fields[i].value);
	}
	if (good && line->extra)
		good = json_object_set(ret, "extra", (json_t *)(uintptr_t)line->extra) == 0;
	if (good)
		return ret;
	json_decref(ret);
	return NULL;
}

static int add_bytes(const char *data, size_t n, void *ctx)
{
	buf_add(ctx, data, n);
	return 0;
}

static int write_lines(const struct grade *g, FILE *out, const char *path, struct error *err)
{
	cleanup_buf struct buf b;
	int rc = 0;

	buf_init(&b, 64u << 20);
	for (size_t i = 0; i < g->n_lines && rc == 0; i++) {
		json_t *line = grade_result(g, i);

		buf_reset(&b);
		/* 15 digits: what is measured in thousandths is written so. */
		if (!line || json_dump_callback(line, add_bytes, &b, JSON_COMPACT | JSON_REAL_PRECISION(15)) < 0)
			rc = error_set(err, ERR_NOMEM, "out of memory");
		json_decref(line);
		buf_addc(&b, '\n');
		if (rc == 0)
			rc = buf_check(&b, "result line", err);
		if (rc == 0 && fwrite(b.data, 1, b.len, out) != b.len)
			rc = error_set_errno(err, ERR_IO, "cannot write '%s'", path);
	}
	return rc;
}

int grade_write(const struct grade *g, const char *path, struct error *err)
{
	bool special = fs_is_special(path); /* a rename would put a file in its place */
	cleanup_mem char *aside = NULL;
	FILE *out;
	int rc;

	if (str_eq(path, "-"))
		return write_lines(g, stdout, "standard output", err);
	aside = special ? mem_strdup(path) : mem_printf("%s.tmp.%d", path, (int)getpid());
	if (!aside)
		return error_set(err, ERR_NOMEM, "out of memory");
	out = fopen(aside, "we");
	if (!out)
		return error_set_errno(err, ERR_IO, "--out: cannot write '%s'", path);
	rc = write_lines(g, out, path, err);
	if (rc == 0 && (fflush(out) != 0 || (!special && fsync(fileno(out)) < 0)))
		rc = error_set_errno(err, ERR_IO, "cannot write '%s'", path);
	if (fclose(out) != 0 && rc == 0)
		rc = error_set_errno(err, ERR_IO, "cannot write '%s'", path);
	if (rc == 0 && !special && rename(aside, path) < 0)
		rc = error_set_errno(err, ERR_IO, "cannot rename '%s' to '%s'", aside, path);
	if (rc < 0 && !special)
		(void) unlink(aside);
	return rc;
}

static size_t tasks_with_lines(const struct grade *g)
{
	size_t n = 0, per = g->judging->languages.n;

	for (size_t i = 0; i < g->n_tasks; i++)
		for (size_t k = 0; k < per; k++)
			if (g->tally.groups[i * per + k].n) {
				n++;
				break;
			}
	return n;
}

json_t *grade_summary(const struct grade *g, uint64_t wall_us)
{
	const struct tally *t = &g->tally;
	json_t *ret, *verdicts = json_object(), *skipped = json_object();

	for (int v = 0; verdicts && v < VERDICT_COUNT; v++)
		if (v != VERDICT_OK)
			(void) json_object_set_new(verdicts, verdict_name((enum verdict)v),
						   json_integer((json_int_t)t->verdicts[v]));
	for (int i = 0; skipped && i < SKIP_REASON_COUNT; i++)
		if (t->skipped[i])
			(void) json_object_set_new(skipped, skip_reason_name((enum skip_reason)i),
						   json_integer((json_int_t)t->skipped[i]));
	ret = json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:f, s:s}", "tasks", (json_int_t)tasks_with_lines(g),
			"samples", (json_int_t)g->n_lines, "judged", (json_int_t)t->judged, "accepted",
			(json_int_t)t->verdicts[VERDICT_ACCEPTED], "verdicts", verdicts, "skipped", skipped, "judgements",
			(json_int_t)t->judged_now, "duplicates", (json_int_t)t->duplicates, "wall_s",
			(double)wall_us / 1e6, "isolation", tier_name(judge_info(g->judging->judge)->tier));
	if (ret && passk_add(ret, t->groups, t->n_groups))
		return ret;
	json_decref(ret);
	return NULL;
}

void grade_print(const struct grade *g, uint64_t wall_us)
{
	const struct tally *t = &g->tally;

	printf("%zu samples of %zu tasks, %.1f s, isolation %s\n", g->n_lines, tasks_with_lines(g), (double)wall_us / 1e6,
	       tier_name(judge_info(g->judging->judge)->tier));
	for (int v = VERDICT_COUNT - 1; v >= 0; v--)
		if (t->verdicts[v])
			printf("  %-20s %10llu  %5.1f %%\n", verdict_name((enum verdict)v),
			       (unsigned long long)t->verdicts[v], 100.0 * (double)t->verdicts[v] / (double)t->judged);
	for (int i = 0; i < SKIP_REASON_COUNT; i++)
		if (t->skipped[i])
			printf("  %-20s %10llu  not judged\n", skip_reason_name((enum skip_reason)i),
			       (unsigned long long)t->skipped[i]);
	if (t->duplicates)
		printf("  %-20s %10llu\n", "duplicates", (unsigned long long)t->duplicates);
	passk_print(stdout, t->groups, t->n_groups);
}
