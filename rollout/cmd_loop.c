/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_loop.c - winnow loop: sample, judge, export, train, and again.
 *
 * A round is a run of its own in the store, made by the very commands that a person would give:
 *
 *   run --policy grammar[:weights-K] --policy-version K:LABEL     all chosen tasks
 *   export --format rollouts --split train --run R                DIR/round-K
 *   train --weights weights-K DIR/round-0 … DIR/round-K           DIR/weights-K+1.json
 *
 * and, after the last training, one more run that shows what it gave.  What is there already is not
 * done again: a weights file ends its round, and a round's run is found in the store by its policy
 * version, whose label is a hash of what the loop is about.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/options.h"
#include "store/store.h"

#define MAX_WORDS 48
#define MAX_ROUNDS 100

struct loop_job {
	const struct globals *globals;
	const struct options *options;
	const char *dir, *split;
	char label[32];
	uint64_t rounds;
};

/* Words of one command; each is the list's own. */
struct words {
	char *at[MAX_WORDS + 1];
	int n;
	bool failed;
};

static void word(struct words *w, const char *text)
{
	if (w->n == MAX_WORDS || !text) {
		w->failed = true;
		return;
	}
	w->at[w->n] = mem_strdup(text);
	w->failed = w->failed || !w->at[w->n];
	w->n++;
}

static void two_words(struct words *w, const char *name, const char *value)
{
	word(w, name);
	word(w, value);
}

static void words_clear(struct words *w)
{
	for (int i = 0; i < w->n; i++)
		mem_free(w->at[i]);
	w->n = 0;
}

/* Hand an option of ours on, where it was given. */
static void hand_on(struct words *w, const struct options *o, const char *name)
{
	cleanup_mem char *flag = mem_printf("--%s", name);

	if (options_given(o, name))
		two_words(w, flag, options_str(o, name));
}

/* What a command says on stdout is talk here: the loop's own answer comes at its end. */
static int call(const struct loop_job *job, const struct command *cmd, struct words *w, struct error *err)
{
	struct globals g = *job->globals;
	cleanup_options struct options *o = NULL;
	cleanup_fd int kept = -1;
	int r;

	if (w->failed)
		return error_set(err, ERR_NOMEM, "out of memory");
	r = options_parse(cmd, w->n, w->at, &o, err);
	if (r < 0)
		return r;
	g.json = false;
	(void) fflush(stdout);
	kept = dup(STDOUT_FILENO);
	if (kept < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_set_errno(err, ERR_IO, "cannot turn stdout to stderr");
	r = cmd->main(&g, o, err);
	(void) fflush(stdout);
	if (dup2(kept, STDOUT_FILENO) < 0)
		return error_set_errno(err, ERR_IO, "cannot turn stdout back");
	return r;
}

static char *weights_path(const struct loop_job *job, uint64_t round)
{
	return mem_printf("%s/weights-%llu.json", job->dir, (unsigned long long)round);
}

/* --- the store --- */
static int first_integer(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	(void)n;
	(void)names;
	*(json_int_t *)ctx = json_integer_value(values[0]);
	return 0;
}

static int query_integer(const struct loop_job *job, const char *sql, const char *a, json_int_t *ret, struct error *err)
{
	const char *const params[] = { a, NULL };
	struct store *s = NULL;
	int r = store_open(job->globals->store, STORE_READ, 0, "winnow loop", &s, err);

	*ret = 0;
	if (r == 0)
		r = store_query_bound(s, sql, params, first_integer, ret, err);
	store_close(s);
	return r;
}

static int find_run(const struct loop_job *job, uint64_t round, json_int_t *ret, struct error *err)
{
	cleanup_mem char *version = mem_printf("%llu:%s", (unsigned long long)round, job->label);

	if (!version)
		return error_set(err, ERR_NOMEM, "out of memory");
	return query_integer(job, "SELECT coalesce(max(run_id), 0) FROM run WHERE policy_version = ?1", version, ret, err);
}

static int is_complete(const struct loop_job *job, json_int_t run, bool *ret, struct error *err)
{
	char id[24];
	json_int_t n;
	int r;

	(void) snprintf(id, sizeof(id), "%lld", (long long)run);
	r = query_integer(job, "SELECT count(*) FROM run WHERE run_id = CAST(?1 AS INTEGER) AND state = 'complete'", id, &n, err);
	*ret = n > 0;
	return r;
}

/* --- the steps of a round --- */
static int do_run(const struct loop_job *job, uint64_t round, json_int_t *ret_run, struct error *err)
{
	struct words w = { 0 };
	cleanup_mem char *weights = weights_path(job, round), *policy = NULL, *version = NULL;
	char id[24];
	bool complete = false;
	int r = find_run(job, round, ret_run, err);

	if (r == 0 && *ret_run)
		r = is_complete(job, *ret_run, &complete, err);
	if (r < 0 || complete)
		return r;
	policy = round ? mem_printf("grammar:%s", weights) : mem_strdup("grammar");
	version = mem_printf("%llu:%s", (unsigned long long)round, job->label);
	if (*ret_run) {
		(void) snprintf(id, sizeof(id), "%lld", (long long)*ret_run);
		two_words(&w, "--resume", id);
	} else {
		two_words(&w, "--policy", policy);
		two_words(&w, "--policy-version", version);
		two_words(&w, "--samples", options_str(job->options, "samples"));
		two_words(&w, "--seed", options_str(job->options, "seed"));
		word(&w, "--no-confirm");
		hand_on(&w, job->options, "select");
		hand_on(&w, job->options, "temperature");
		hand_on(&w, job->options, "time");
	}
	hand_on(&w, job->options, "jobs");
	hand_on(&w, job->options, "deadline");
	hand_on(&w, job->options, "wait");
	r = call(job, &cmd_run, &w, err);
	words_clear(&w);
	if (r == 0 && !*ret_run)
		r = find_run(job, round, ret_run, err);
	return r;
}

static int do_export(const struct loop_job *job, uint64_t round, json_int_t run, struct error *err)
{
	struct words w = { 0 };
	cleanup_mem char *out = mem_printf("%s/round-%llu", job->dir, (unsigned long long)round);
	char id[24];
	int r;

	(void) snprintf(id, sizeof(id), "%lld", (long long)run);
	two_words(&w, "--format", "rollouts");
	two_words(&w, "--run", id);
	two_words(&w, "--split", job->split);
	two_words(&w, "--out", out);
	r = call(job, &cmd_export, &w, err);
	words_clear(&w);
	return r;
}

static int do_train(const struct loop_job *job, uint64_t round, struct error *err)
{
	struct words w = { 0 };
	cleanup_mem char *from = weights_path(job, round), *to = weights_path(job, round + 1),
			 *version = mem_printf("%llu:%s", (unsigned long long)round + 1, job->label);
	int r;

	two_words(&w, "--out", to);
	two_words(&w, "--seed", options_str(job->options, "seed"));
	two_words(&w, "--policy-version", version);
	if (round)
		two_words(&w, "--weights", from);
	for (uint64_t k = round >= 3 ? round - 3 : 0; k <= round; k++) {
		cleanup_mem char *shards = mem_printf("%s/round-%llu", job->dir, (unsigned long long)k);

		word(&w, shards);
	}
	r = call(job, &cmd_train, &w, err);
	words_clear(&w);
	return r;
}

static int do_round(const struct loop_job *job, uint64_t round, struct error *err)
{
	cleanup_mem char *done = weights_path(job, round + 1);
	json_int_t run;
	int r;

	if (!done)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (round < job->rounds && fs_exists(done))
		return 0;
	log_info("round %llu of %llu", (unsigned long long)round, (unsigned long long)job->rounds);
	r = do_run(job, round, &run, err);
	if (r != 0 || round == job->rounds)
		return r;
	r = do_export(job, round, run, err);
	return r == 0 ? do_train(job, round, err) : r;
}

/* --- the answer --- */
static const char sql_rounds[] =
	"SELECT r.policy_version_number AS round, r.run_id AS run, p.split, count(*) AS tasks, sum(p.c > 0) AS solved,"
	" avg(p.pass_at_1) AS pass_at_1, min(p.n) AS samples FROM run r JOIN v_pass_at_k p ON p.run_id = r.run_id"
	" WHERE r.policy_version LIKE '%:' || ?1 GROUP BY r.run_id, p.split ORDER BY r.policy_version_number, r.run_id, p.split DESC";

struct answer {
	json_t *rows;
};

static int add_answer(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	struct answer *a = ctx;
	json_t *row = json_object();

	for (size_t i = 0; i < n; i++)
		(void) json_object_set(row, names[i], values[i]);
	return json_array_append_new(a->rows, row);
}

static int print_rounds(const json_t *rows, struct error *err)
{
	static const char *const titles[] = { "round", "run", "split", "tasks", "pass@1 %", "solved %", "samples", NULL };
	cleanup_table struct table *t = NULL;
	json_t *row;
	size_t i;
	int r = table_new(7, titles, &t, err);

	if (r < 0)
		return r;
	json_array_foreach((json_t *)rows, i, row) {
		double tasks = json_number_value(json_object_get(row, "tasks"));

		table_json(t, json_object_get(row, "round"));
		table_json(t, json_object_get(row, "run"));
		table_json(t, json_object_get(row, "split"));
		table_json(t, json_object_get(row, "tasks"));
		table_number(t, "%.2f", 100 * json_number_value(json_object_get(row, "pass_at_1")));
		table_number(t, "%.1f", tasks > 0 ? 100 * json_number_value(json_object_get(row, "solved")) / tasks : 0);
		table_json(t, json_object_get(row, "samples"));
	}
	return table_end(t, err);
}

static int say(const struct loop_job *job, struct error *err)
{
	const char *const params[] = { job->label, NULL };
	cleanup_json json_t *rows = json_array();
	struct answer a = { .rows = rows };
	struct store *s = NULL;
	int r = store_open(job->globals->store, STORE_READ, 0, "winnow loop", &s, err);

	if (r == 0)
		r = store_query_bound(s, sql_rounds, params, add_answer, &a, err);
	store_close(s);
	if (r < 0)
		return r;
	if (job->globals->json) {
		cleanup_mem char *last = weights_path(job, job->rounds);

		return answer_json(json_pack("{s:O, s:s, s:s}", "rounds", rows, "weights", last, "label", job->label), err);
	}
	return print_rounds(rows, err);
}

static int configure(struct loop_job *job, struct error *err)
{
	const struct options *o = job->options;
	cleanup_mem char *what = NULL;
	const char *select = options_str(o, "select"), *temperature = options_str(o, "temperature"), *time = options_str(o, "time");
	uint8_t digest[HASH_SHA256_BYTES];
	char hex[HASH_SHA256_HEX];
	int r = options_expect_args(o, 0, 0, err);

	if (r < 0)
		return r;
	job->rounds = options_u64(o, "rounds");
	if (job->rounds < 1 || job->rounds > MAX_ROUNDS)
		return error_set(err, ERR_INPUT, "--rounds: %llu is not between 1 and %d", (unsigned long long)job->rounds, MAX_ROUNDS);
	if (!fs_exists(job->globals->store))
		return error_set(err, ERR_NOTFOUND, "there is no store '%s'; 'winnow import' makes one", job->globals->store);
	job->dir = options_str(o, "out");
	job->split = options_str(o, "train-split");
	what = mem_printf("%s|%s|%s|%s|%s|%s|%s", job->dir, job->split, select ? select : "", options_str(o, "samples"),
			  options_str(o, "seed"), temperature ? temperature : "", time ? time : "");
	if (!what)
		return error_set(err, ERR_NOMEM, "out of memory");
	hash_sha256_of(what, strlen(what), digest);
	hash_hex(digest, sizeof(digest), hex);
	(void) snprintf(job->label, sizeof(job->label), "loop-%.12s", hex);
	return fs_mkdir_all(job->dir, err);
}

static int loop_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct loop_job job = { .globals = g, .options = o };
	int r = configure(&job, err);

	for (uint64_t round = 0; round <= job.rounds && r == 0; round++)
		r = do_round(&job, round, err);
	return r == 0 ? say(&job, err) : r;
}

/* clang-format off */
static const struct option_spec loop_options[] = {
	{ "rounds", OPTION_UINT, "N", "3", "how often to train", true },
	{ "out", OPTION_STRING, "DIR", "loop-out", "folder for shards and weights", true },
	{ "samples", OPTION_UINT, "N", "64", "samples of each task, a round", true },
	{ "select", OPTION_STRING, "EXPR", NULL, "which tasks, as 'winnow run' takes it (default: all)", true },
	{ "train-split", OPTION_STRING, "S", "train", "the split that is trained on; all others are only measured", true },
	{ "seed", OPTION_UINT, "S", "0", "seed of everything that is drawn", true },
	{ "temperature", OPTION_NUMBER, "X", NULL, "sampling temperature (default: 1)", true },
	{ "jobs", OPTION_UINT, "N", NULL, "boxes at a time (default: one a core)", true },
	{ "time", OPTION_NUMBER, "S", NULL, "CPU seconds of a program, instead of the task's own limit", true },
	{ "deadline", OPTION_STRING, "T", NULL, "stop sampling at a local time (06:00) or after a while (8h), exit 4", true },
	{ "wait", OPTION_DURATION, "S", "0", "wait so long for the store where another process writes it", true },
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};
/* clang-format on */

const struct command cmd_loop = {
	.name = "loop",
	.summary = "sample, judge, export, train, and again, with the grammar policy",
	.usage = "",
	.description =
		"Round K samples every chosen task with the weights of round K (none in round 0), judges, exports the\n"
		"rollouts of the training split to DIR/round-K and trains DIR/weights-K+1.json on them and on the\n"
		"three rounds before. After the last training one more run shows what it gave. Prints pass@1 and the\n"
		"share of tasks solved by round, each split apart.\n"
		"\n"
		"Stopped or killed, the same command goes on where it was; a larger --rounds adds rounds.",
	.options = loop_options,
	.main = loop_main,
};
