/* SPDX-License-Identifier: Apache-2.0 */
/* grade.c - lines to jobs to results.  Works without an event loop: judge_wait() is where time passes. */
#include "rollout/grade.h"

#include <string.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "filters/extract.h"
#include "rollout/progress.h"

#define WAIT_US 200000

static int nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory");
}

/* --- lines --- */

int grade_add_line(struct grade *g, const struct grade_line *line, struct error *err)
{
	if (!mem_grow(&g->lines, &g->cap_lines, g->n_lines + 1, sizeof(*g->lines)))
		return nomem(err);
	if (!g->lines_of_task)
		g->lines_of_task = mem_calloc(g->n_tasks + 1, sizeof(*g->lines_of_task));
	if (!g->lines_of_task)
		return nomem(err);
	g->lines[g->n_lines] = *line;
	g->lines[g->n_lines++].number = g->lines_of_task[line->task]++;
	return 0;
}

static int line_language(const struct grade *g, const struct sample_file *f, const struct sample_record *r,
			 const char *wanted, const struct language **ret, struct error *err)
{
	const struct task *t = g->tasks[r->task];
	const char *name = r->language ? r->language : wanted ? wanted : t->prompt_language ? t->prompt_language : "python";
	int rc = language_wanted(&g->judging->languages, name, ret, err);

	if (rc < 0 && r->line)
		return error_prefix(err, rc, "%s:%lu", f->path, r->line);
	return rc < 0 ? error_prefix(err, rc, "%s", f->path) : 0;
}

int grade_add_file(struct grade *g, const struct sample_file *f, const char *language, struct error *err)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct sample_record *r = &f->items[i];
		struct grade_line line = { .task = r->task, .mode = r->mode, .text = r->text, .text_len = r->text_len,
					   .sample = r->sample, .extra = r->extra,
					   .truncated = str_eq(r->finish_reason, "length") };
		int rc = line_language(g, f, r, language, &line.language, err);

		if (rc == 0)
			rc = grade_add_line(g, &line, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int grade_add_references(struct grade *g, const char *language, struct error *err)
{
	const struct language_set *set = &g->judging->languages;
	const struct language *only = NULL;
	size_t without = 0;
	int rc = language ? language_wanted(set, language, &only, err) : 0;

	for (size_t i = 0; i < g->n_tasks && rc == 0; i++) {
		size_t before = g->n_lines;

		for (size_t k = 0; k < set->n && rc == 0; k++) {
			struct grade_line line = { .task = i, .language = &set->items[k], .mode = EXTRACT_SOLUTION };

			if ((only && only != line.language) || !line.language->present)
				continue;
			line.text = reference_solution(g->tasks[i], line.language->name, &line.text_len);
			if (line.text)
				rc = grade_add_line(g, &line, err);
		}
		without += g->n_lines == before;
	}
	if (rc == 0 && without)
		log_info("%zu of %zu tasks have no reference solution%s%s", without, g->n_tasks,
			 language ? " in " : "", language ? language : "");
	if (rc == 0 && !g->n_lines)
		return error_set(err, ERR_INPUT, "--references: no task has a solution%s%s", language ? " in " : "",
				 language ? language : "");
	return rc;
}

/* --- references --- */

int grade_check_references(struct grade *g, struct error *err)
{
	cleanup_mem struct task **used = mem_calloc(g->n_tasks + 1, sizeof(struct task *));
	cleanup_mem size_t *number = mem_calloc(g->n_tasks + 1, sizeof(*number));
	struct reference_hooks hooks = { .need_values = false };
	struct reference *r = NULL;
	struct reference_counts counts;
	size_t n = 0;
	int rc;

	g->quarantined = mem_calloc(g->n_tasks + 1, sizeof(char *));
	if (!used || !number || !g->quarantined)
		return nomem(err);
	for (size_t i = 0; i < g->n_lines; i++)
		hooks.need_values = hooks.need_values || g->lines[i].language->calls_plain;
	for (size_t i = 0; i < g->n_tasks && g->lines_of_task; i++) {
		if (!g->lines_of_task[i])
			continue;
		number[n] = i;
		used[n++] = g->tasks[i];
	}
	rc = reference_new(g->judging->judge, &g->judging->languages, used, n, &g->judging->over, &hooks, &r, err);
	while (rc >= 0 && !reference_finished(r)) {
		rc = reference_pump(r, err);
		if (rc >= 0 && !reference_finished(r))
			rc = judge_wait(g->judging->judge, WAIT_US, err);
	}
	for (size_t i = 0; i < n && rc >= 0; i++) {
		const char *reason = reference_reason(r, i);

		if (!reason)
			continue;
		log_warn("task '%s' is quarantined: %s", used[i]->id, reason);
		g->quarantined[number[i]] = mem_strdup(reason);
		if (!g->quarantined[number[i]])
			rc = nomem(err);
	}
	if (rc >= 0) {
		counts = reference_counts(r);
		if (counts.internal_errors)
			log_warn("%zu reference solutions could not be judged; their tasks are used unchecked",
				 counts.internal_errors);
	}
	reference_free(r);
	return rc < 0 ? rc : 0;
}

/* --- judging --- */

static void on_done(void *ctx, uint64_t id, struct judgement *result)
{
	struct grade_job *j = ctx;

	(void)id;
	j->result = *result;
	*result = (struct judgement){ .verdict = VERDICT_NONE };
	j->done = true;
	j->grade->n_running--;
	j->grade->tally.judged_now++;
	if (j->result.verdict == VERDICT_INTERNAL_ERROR)
		log_warn("result %zu: internal error: %s", j->first_line,
			 j->result.message ? j->result.message : "no reason was given");
	if (j->result.verdict == VERDICT_NONE)
		log_info("result %zu: %s", j->first_line, j->result.message ? j->result.message : "not portable");
}

static int new_job(struct grade *g, size_t line, const struct judge_request *req,
		   const uint8_t key[HASH_SHA256_BYTES], struct error *err)
{
	struct grade_job *j;
	uint64_t id;
	int rc;

	if (!mem_grow(&g->jobs, &g->cap_jobs, g->n_jobs + 1, sizeof(struct grade_job *)))
		return nomem(err);
	j = mem_zalloc(sizeof(*j));
	if (!j)
		return nomem(err);
	g->jobs[g->n_jobs++] = j;
	j->grade = g;
	j->first_line = line;
	j->result.verdict = VERDICT_NONE;
	memcpy(j->key, key, sizeof(j->key));
	rc = reuse_put(g->jobs_by_key, key, j, err);
	if (rc == 0)
		rc = judge_submit(g->judging->judge, req, on_done, j, &id, err);
	if (rc < 0)
		return error_prefix(err, rc, "task '%s'", req->task->id);
	g->n_running++;
	g->lines[line].job = j;
	return 0;
}

static int start_program(struct grade *g, size_t number, const struct extracted *x, struct error *err)
{
	struct grade_line *line = &g->lines[number];
	const struct task *t = g->tasks[line->task];
	struct judge_request req = { .task = t, .language = line->language->name, .program = x->program.data,
				     .program_len = x->program.len, .all_tests = g->all_tests,
				     .confirm = g->confirm,
				     .limits = limits_merge(&t->limits, &g->judging->over) };
	uint8_t key[HASH_SHA256_BYTES];
	int rc = judge_verdict_key(g->judging->judge, &req, key, err);

	if (rc < 0)
		return rc;
	hash_git_blob(x->program.data, x->program.len, line->program_id);
	line->job = reuse_get(g->jobs_by_key, key);
	if (line->job) {
		g->tally.duplicates++;
		return 0;
	}
	return new_job(g, number, &req, key, err);
}

static int start_line(struct grade *g, size_t number, struct error *err)
{
	struct grade_line *line = &g->lines[number];
	const struct task *t = g->tasks[line->task];
	struct extracted x = { .found = false };
	int rc;

	if (g->quarantined && g->quarantined[line->task])
		line->skip = skip_reason_name(SKIP_TASK_QUARANTINED);
	else
		line->skip = judge_skip_reason(g->judging->judge, t, line->language->name);
	if (line->skip)
		return 0;
	rc = extract_program(t, line->language->name, line->mode, line->text, line->text_len, &x, err);
	if (rc == ERR_LIMIT || (rc == 0 && !x.found)) {
		line->no_program = true;
		rc = 0;
	} else if (rc == 0) {
		rc = start_program(g, number, &x, err);
	}
	extracted_clear(&x);
	return rc;
}

/* A group is a task in a language; groups are numbered by first appearance. */
static int count_results(struct grade *g, struct error *err)
{
	size_t n_languages = g->judging->languages.n;
	const struct language *first = g->judging->languages.items;
	struct tally *t = &g->tally;

	t->n_groups = g->n_tasks * n_languages;
	t->groups = mem_calloc(t->n_groups + 1, sizeof(*t->groups));
	if (!t->groups)
		return nomem(err);
	memset(t->verdicts, 0, sizeof(t->verdicts)); /* what the live line showed counted programs */
	t->judged = 0;
	for (size_t i = 0; i < g->n_lines; i++) {
		struct grade_line *line = &g->lines[i];

		/* Known only after it was tried: test code, and no reference that shows its values. */
		if (!line->skip && !line->no_program && line->job->result.verdict == VERDICT_NONE) {
			line->skip = skip_reason_name(SKIP_NOT_PORTABLE);
			line->job = NULL;
		}

		if (line->skip)
			t->skipped[skip_reason_parse(line->skip)]++;
		else
			tally_judged(t, line->task * n_languages + (size_t)(line->language - first),
				     line->no_program ? VERDICT_NO_PROGRAM : line->job->result.verdict);
	}
	return 0;
}

int grade_judge(struct grade *g, struct error *err)
{
	struct judge *judge = g->judging->judge;
	size_t window = 2 * (size_t)judge_slots(judge) + 2, next = 0;
	struct progress progress;
	int rc = 0;

	g->tally.planned = g->n_lines;
	g->jobs_by_key = reuse_new();
	if (!g->jobs_by_key)
		return nomem(err);
	progress_start(&progress);
	while (rc >= 0 && (next < g->n_lines || g->n_running)) {
		struct progress_now now = { .phase = "judging", .done = next - (g->n_running < next ? g->n_running : next),
					    .total = g->n_lines, .running = g->n_running };

		while (rc >= 0 && next < g->n_lines && g->n_running < window)
			rc = start_line(g, next++, err);
		if (rc >= 0 && g->n_running)
			rc = judge_wait(judge, WAIT_US, err);
		progress_update(&progress, &g->tally, &now);
	}
	progress_end(&progress);
	return rc < 0 ? rc : count_results(g, err);
}

void grade_clear(struct grade *g)
{
	for (size_t i = 0; i < g->n_jobs; i++) {
		judgement_clear(&g->jobs[i]->result);
		mem_free(g->jobs[i]);
	}
	mem_free(g->jobs);
	mem_free(g->lines);
	mem_free(g->lines_of_task);
	reuse_free(g->jobs_by_key);
	mem_free(g->tally.groups);
	if (g->quarantined)
		for (size_t i = 0; i < g->n_tasks; i++)
			mem_free(g->quarantined[i]);
	mem_free(g->quarantined);
	memset(g, 0, sizeof(*g));
}
