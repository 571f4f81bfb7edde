/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_grade.c - winnow grade: judge samples made elsewhere; no store. */
#include <math.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/grade.h"
#include "rollout/options.h"
#include "rollout/passk.h"
#include "store/import.h"

#define MIN_INTERNAL_LIMIT 20

static int check_options(const struct options *o, struct error *err)
{
	bool references = options_flag(o, "references");
	double x = options_num(o, "fail-under");
	int r = options_expect_args(o, references ? 0 : 1, references ? 0 : 1, err);

	if (r < 0)
		return r;
	if (!options_str(o, "tasks"))
		return error_set(err, ERR_INPUT, "--tasks is needed: the file that holds the tasks");
	if (!isnan(x) && !(x >= 0 && x <= 1))
		return error_set(err, ERR_INPUT, "--fail-under: %g is not between 0 and 1", x);
	return check_writable(options_str(o, "out"), "--out", err);
}

static int read_tasks(const struct options *o, struct import_result *ret, struct error *err)
{
	const char *const paths[] = { options_str(o, "tasks"), NULL };
	const struct import_options opt = { .format = options_str(o, "tasks-format") };
	cleanup_json json_t *seen = json_object();
	int r = import_paths(paths, &opt, ret, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ret->n; i++) {
		const char *id = ret->tasks[i]->id;

		if (json_object_get(seen, id))
			return error_set(err, ERR_INPUT, "%s: task '%s' is there twice; the first is at %s",
					 ret->where[i], id, json_string_value(json_object_get(seen, id)));
		if (json_object_set_new(seen, id, json_string(ret->where[i])) < 0)
			return error_set(err, ERR_NOMEM, "out of memory");
	}
	return 0;
}

static int judge_all(struct grade *g, const struct options *o, struct error *err)
{
	bool references = options_flag(o, "references");
	int r = 0;

	if (references)
		r = grade_add_references(g, options_str(o, "language"), err);
	else if (!options_flag(o, "no-reference-check"))
		r = grade_check_references(g, err);
	return r < 0 ? r : grade_judge(g, err);
}

static int conclude(const struct grade *g, const struct globals *globals, const struct options *o, uint64_t wall_us,
		    struct error *err)
{
	const char *out = options_str(o, "out");
	double under = options_num(o, "fail-under");
	uint64_t internal = g->tally.verdicts[VERDICT_INTERNAL_ERROR], limit = g->n_lines / 100;
	int r = out ? grade_write(g, out, err) : 0;

	if (r < 0)
		return r;
	if (globals->json)
		r = answer_json(grade_summary(g, wall_us), err);
	else
		grade_print(g, wall_us);
	if (r < 0)
		return r;
	if (internal > (limit > MIN_INTERNAL_LIMIT ? limit : MIN_INTERNAL_LIMIT)) {
		log_error("too many internal errors (%llu)", (unsigned long long)internal);
		return EXIT_WORK_REMAINS;
	}
	if (!isnan(under)) {
		double pass = passk_mean(g->tally.groups, g->tally.n_groups, 1);

		if (isnan(pass) || pass < under)
			return EXIT_ANSWER_NO;
	}
	return EXIT_DONE;
}

static int grade_main(const struct globals *globals, const struct options *o, struct error *err)
{
	struct judging judging = { 0 };
	struct import_result tasks = { 0 };
	struct sample_file samples = { 0 };
	struct grade g = { .judging = &judging, .all_tests = options_flag(o, "all-tests"),
			   .confirm = !options_flag(o, "no-confirm") };
	uint64_t started = clock_now_us();
	int r = check_options(o, err);

	if (r == 0)
		r = judging_open(o, &judging, err);
	if (r == 0)
		r = read_tasks(o, &tasks, err);
	if (r == 0) {
		g.tasks = tasks.tasks;
		g.n_tasks = tasks.n;
	}
	if (r == 0 && !options_flag(o, "references")) {
		r = sample_file_read(options_args(o)[0], tasks.tasks, tasks.n, &samples, err);
		if (r == 0)
			r = grade_add_file(&g, &samples, options_str(o, "language"), err);
	}
	if (r == 0)
		r = judge_all(&g, o, err);
	if (r == 0)
		r = conclude(&g, globals, o, clock_now_us() - started, err);
	judging_close(&judging);
	grade_clear(&g);
	sample_file_clear(&samples);
	import_result_clear(&tasks);
	return r;
}

/* clang-format off */
static const struct option_spec grade_options[] = {
	{ "config", OPTION_STRING, "FILE", NULL, "read options from a YAML file", false },
	{ "tasks", OPTION_STRING, "FILE", NULL, "the tasks that the samples belong to", true },
	{ "tasks-format", OPTION_STRING, "FORMAT", NULL, "format of the tasks (default: told by content)", true },
	{ "language", OPTION_STRING, "L", NULL,
	  "language of samples that do not say theirs (default: the prompt's, else python)", true },
	{ "out", OPTION_STRING, "FILE", NULL, "write one JSON line a sample, in input order (- for stdout)", true },
	{ "references", OPTION_FLAG, NULL, NULL, "grade the tasks' own solutions instead of a samples file", false },
	{ "no-reference-check", OPTION_FLAG, NULL, NULL, "do not judge the tasks' own solutions first", true },
	{ "all-tests", OPTION_FLAG, NULL, NULL, "count all tests; do not stop at the first failure", true },
	{ "no-confirm", OPTION_FLAG, NULL, NULL, "judge once: do not run again what was accepted or ended near its limit", true },
	{ "fail-under", OPTION_NUMBER, "X", NULL, "exit 1 where pass@1 (a fraction) is less", true },
	COMMON_JUDGE_OPTIONS,
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};
/* clang-format on */

const struct command cmd_grade = {
	.name = "grade",
	.summary = "judge samples made elsewhere",
	.usage = "SAMPLES",
	.description =
		"Judges each sample of a file (human-eval, evalplus, bigcode or CodeT shape, told by content) against\n"
		"the tests of its task and prints pass@1, pass@10 and pass@100 by the unbiased estimator, for those k\n"
		"that every task has samples for. With --json these are fractions in one object. Equal programs are\n"
		"judged once. No store is used.\n"
		"\n"
		"Without --no-reference-check the tasks' own solutions are judged first; samples of a task whose\n"
		"solution fails are not judged.",
	.options = grade_options,
	.main = grade_main,
};
