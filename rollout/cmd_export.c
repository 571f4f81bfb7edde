/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_export.c - winnow export: shards and a manifest. */
#include <stdio.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/str.h"
#include "filters/contamination.h"
#include "filters/neardup.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/decontaminate.h"
#include "rollout/options.h"
#include "store/export.h"
#include "store/store.h"

static int is_near(void *ctx, const char *language, const char *program, size_t n, struct error *err)
{
	return neardup_add(ctx, language, program, n, err);
}

static void forget_programs(void *ctx)
{
	neardup_reset(ctx);
}

static int read_options(const struct options *o, struct export_options *ret, struct error *err)
{
	const char *format = options_str(o, "format"), *container = options_str(o, "container");
	const char *trainer = options_str(o, "trainer"), *dedup;
	int r;

	if (!format)
		return error_set(err, ERR_INPUT, "--format is needed: sft, rollouts, dpo, kto, prompts or hard-unsolved");
	r = export_format_parse(format, &ret->format, err);
	if (r < 0)
		return error_prefix(err, r, "--format");
	if (!options_str(o, "out"))
		return error_set(err, ERR_INPUT, "--out is needed: the folder for the shards");
	if (!str_eq(container, "jsonl"))
		return error_set(err, ERR_INPUT, "--container: unknown container '%s'; there is jsonl", container);
	if (trainer && !str_eq(trainer, "trl"))
		return error_set(err, ERR_INPUT, "--trainer: unknown trainer '%s'; there is trl", trainer);
	r = compress_parse(options_str(o, "compress"), &ret->compress, err);
	if (r < 0)
		return error_prefix(err, r, "--compress");
	if (options_u64(o, "shards") > 99999)
		return error_set(err, ERR_INPUT, "--shards: %s is more than 99999", options_str(o, "shards"));
	if (options_given(o, "shards") && !options_u64(o, "shards"))
		return error_set(err, ERR_INPUT, "--shards: must be at least 1");
	if (options_given(o, "pairs") && !options_u64(o, "pairs"))
		return error_set(err, ERR_INPUT, "--pairs: must be at least 1");
	if (options_given(o, "per-task") && !options_u64(o, "per-task"))
		return error_set(err, ERR_INPUT, "--per-task: must be at least 1");
	if (options_given(o, "per-task") && ret->format != EXPORT_SFT && ret->format != EXPORT_KTO)
		return error_set(err, ERR_INPUT, "--per-task is for sft and kto; a group of rollouts is never cut, and dpo has --pairs");
	r = export_reward_parse(options_str(o, "reward"), &ret->reward, err);
	if (r < 0)
		return error_prefix(err, r, "--reward");
	if (options_given(o, "reward") && ret->format != EXPORT_ROLLOUTS)
		return error_set(err, ERR_INPUT, "--reward is for rollouts; other rows have none");
	ret->per_task = options_u64(o, "per-task");
	ret->split = options_str(o, "split");
	ret->out_dir = options_str(o, "out");
	ret->shards = (uint32_t)options_u64(o, "shards");
	ret->runs = options_str(o, "run");
	ret->where = options_str(o, "where");
	ret->with_measurements = options_flag(o, "with-measurements");
	ret->with_same_process = options_flag(o, "with-same-process");
	ret->with_flaky = options_flag(o, "with-flaky");
	ret->with_tests = options_flag(o, "with-tests");
	if (ret->with_tests && ret->format != EXPORT_PROMPTS && ret->format != EXPORT_HARD_UNSOLVED)
		return error_set(err, ERR_INPUT, "--with-tests is for prompts and hard-unsolved; other rows hold no tests");
	ret->trainer = trainer;
	ret->pairs_per_task = options_u64(o, "pairs");
	dedup = options_str(o, "dedup");
	if (!str_eq(dedup, "text") && !str_eq(dedup, "near"))
		return error_set(err, ERR_INPUT, "--dedup: unknown kind '%s'; there are: text near", dedup);
	if (options_given(o, "dedup") && ret->format != EXPORT_SFT)
		return error_set(err, ERR_INPUT, "--dedup is for sft; other rows are compared with each other");
	ret->near = str_eq(dedup, "near") ? is_near : NULL;
	ret->with_contaminated = options_flag(o, "with-contaminated");
	if (ret->with_contaminated && !options_given(o, "decontaminate"))
		return error_set(err, ERR_INPUT, "--with-contaminated goes with --decontaminate FILE");
	ret->winnow_version = winnow_version();
	return 0;
}

static int say_words(const char *out_dir, const json_t *manifest, struct error *err)
{
	cleanup_mem char *path = fs_join(out_dir, "manifest.json");
	const json_t *shards = json_object_get(manifest, "shards"), *shard;
	json_int_t rows = 0, bytes = 0;
	size_t i;

	if (!path)
		return error_set(err, ERR_NOMEM, "out of memory");
	json_array_foreach(shards, i, shard) {
		rows += json_get_int(shard, "rows", 0);
		bytes += json_get_int(shard, "bytes", 0);
	}
	(void) printf("%s: %lld row%s in %zu shard%s, %lld bytes\n", path, (long long)rows,
		      rows == 1 ? "" : "s", json_array_size(shards),
		      json_array_size(shards) == 1 ? "" : "s", (long long)bytes);
	return 0;
}

static int export_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct export_options opt = { 0 };
	cleanup_json json_t *manifest = NULL, *sets = NULL;
	struct contamination *evaluation = NULL;
	struct neardup *programs = NULL;
	struct store *s = NULL;
	int r = options_expect_args(o, 0, 0, err);

	if (r == 0)
		r = read_options(o, &opt, err);
	if (r == 0 && options_given(o, "decontaminate")) {
		r = decontaminate_load(options_list(o, "decontaminate"), &evaluation, &sets, err);
		opt.contaminated = decontaminate_find;
		opt.contaminated_ctx = evaluation;
		opt.evaluation_sets = sets;
	}
	if (r == 0 && opt.near) {
		programs = neardup_new(NEARDUP_THRESHOLD);
		opt.near_reset = forget_programs;
		opt.near_ctx = programs;
		opt.near_threshold = NEARDUP_THRESHOLD;
		if (!programs)
			r = error_set(err, ERR_NOMEM, "out of memory");
	}
	if (r == 0)
		r = store_open(g->store, STORE_READ, 0, "winnow export", &s, err);
	if (r == 0)
		r = export_run(s, &opt, &manifest, err);
	store_close(s);
	contamination_free(evaluation);
	neardup_free(programs);
	if (r < 0)
		return r;
	return g->json ? answer_json(json_incref(manifest), err) : say_words(opt.out_dir, manifest, err);
}

static const struct option_spec export_option_table[] = {
	{ "format", OPTION_STRING, "F", NULL, "sft, rollouts, dpo, kto, prompts or hard-unsolved", false },
	{ "out", OPTION_STRING, "DIR", NULL, "folder for the shards and manifest.json; made where it is missing", false },
	{ "run", OPTION_STRING, "R", NULL, "run ids (1,3) or last (default: all runs)", false },
	{ "where", OPTION_STRING, "SQL", NULL, "only samples for which this holds: SQL over the columns of v_samples", false },
	{ "shards", OPTION_UINT, "N", NULL, "how many shards (default: by size, about 256 MiB each)", false },
	{ "compress", OPTION_STRING, "C", "zstd", "zstd, gzip or none", false },
	{ "container", OPTION_STRING, "C", "jsonl", "jsonl", false },
	{ "trainer", OPTION_STRING, "NAME", NULL, "the shape that this trainer reads: trl (default: the canonical row)", false },
	{ "pairs", OPTION_UINT, "N", "8", "dpo: at most so many pairs a task", false },
	{ "reward", OPTION_STRING, "SCHEME", "binary", "rollouts: binary, fraction, weighted or speed", false },
	{ "split", OPTION_STRING, "S", NULL, "only tasks of this split", false },
	{ "per-task", OPTION_UINT, "N", NULL, "sft, kto: at most so many rows a task and language, kto of each label", false },
	{ "dedup", OPTION_STRING, "KIND", "text", "sft: text, each program once a task and language, or near, one of those that are alike but for names and layout, over all tasks", false },
	{ "decontaminate", OPTION_LIST, "FILE", NULL, "leave out tasks that share 8 words in a row with a task of this file, in any format that import reads; may be given several times", false },
	{ "with-contaminated", OPTION_FLAG, NULL, NULL, "do not leave them out: the manifest lists them, shard by shard", false },
	{ "with-measurements", OPTION_FLAG, NULL, NULL, "also measured times and memory, which differ from run to run", false },
	{ "with-tests", OPTION_FLAG, NULL, NULL, "prompts, hard-unsolved: also the hidden tests", false },
	{ "with-same-process", OPTION_FLAG, NULL, NULL, "also verdicts of tests that ran in the candidate's own process", false },
	{ "with-flaky", OPTION_FLAG, NULL, NULL, "also samples whose verdict was not the same twice", false },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};

const struct command cmd_export = {
	.name = "export",
	.summary = "write shards that a policy trainer reads, and their manifest",
	.usage = "",
	.description =
		"Shards are written aside, synced and renamed, so that a reader never sees half of one; a task's group of "
		"samples is never split. Two exports of one store are the same bytes.\n\n"
		"Verdicts of the same process, flaky and damaged rows stay out unless asked for by name, and the manifest "
		"says so.\n\n"
		"Prints the manifest's path and the counts; with --json the manifest itself.",
	.options = export_option_table,
	.main = export_main,
};
