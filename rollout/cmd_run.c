/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_run.c - winnow run: the main job, new or resumed.
 *
 * Order matters: the spawner is forked first, while the process is small and no library
 * keeps locks; then the store is locked and opened, then the policy.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/dry_run.h"
#include "rollout/engine.h"
#include "rollout/options.h"
#include "rollout/ranking.h"
#include "rollout/run.h"
#include "rollout/summary.h"

struct session {
	const struct globals *globals;
	const struct options *options;
	struct deadline deadline;
	double fail_under;               /* NaN: not given */
	struct run run;
	struct judging judging;
	struct store *store;
	struct loop *loop;
	struct engine *engine;
	struct policy *policy;
	struct store_task *known;        /* replay: all tasks of the store, chosen or not */
	size_t n_known;
	struct task **tasks;             /* as policy_options wants them */
	uint64_t started_us;
};

static int check_options(struct session *s, struct error *err)
{
	const struct options *o = s->options;
	int r = options_expect_args(o, 0, 0, err);

	if (r == 0)
		r = deadline_parse(options_str(o, "deadline"), &s->deadline, err);
	if (r == 0)
		r = check_writable(options_str(o, "metrics"), "--metrics", err);
	if (r == 0)
		r = run_configure(&s->run, o, err);
	if (r < 0)
		return r;
	s->fail_under = options_num(o, "fail-under");
	if (!isnan(s->fail_under) && !(s->fail_under >= 0 && s->fail_under <= 1))
		return error_set(err, ERR_INPUT, "--fail-under: %g is not between 0 and 1", s->fail_under);
	if (!options_str(o, "resume") && !run_str(&s->run, "policy"))
		return error_set(err, ERR_INPUT, "--policy is needed: replay:FILE, openai:URL#MODEL, command:ARGV or grammar[:WEIGHTS]");
	return 0;
}

static int open_store(struct session *s, bool dry, struct error *err)
{
	const char *path = s->globals->store;

	if (!fs_exists(path))
		return error_set(err, ERR_NOTFOUND, "there is no store '%s'; 'winnow import' makes one", path);
	return store_open(path, dry ? STORE_READ : STORE_WRITE, options_u64(s->options, "wait"), "winnow run", &s->store,
			  err);
}

/* A new run, or the one to go on with. */
static int prepare_run(struct session *s, struct error *err)
{
	const char *resume = options_str(s->options, "resume");
	int r;

	if (!resume)
		return run_plan(&s->run, s->store, &s->judging, err);
	r = run_load(&s->run, resume, s->options, s->store, &s->judging, err);
	/* A run that was killed before it had begun has left nothing: begin it. */
	if (r == ERR_NOTFOUND && !s->run.has_loaded && str_eq(resume, "last") && run_str(&s->run, "policy")) {
		log_info("there is no run to resume: starting one");
		s->run.id = 0;
		return run_plan(&s->run, s->store, &s->judging, err);
	}
	return r;
}

/* A file of recorded samples holds those of other tasks too: they are not unknown, just not wanted. */
static int policy_tasks(struct session *s, struct policy_options *opt, struct error *err)
{
	int r = 0;

	if (s->run.by_record)
		r = store_select_tasks(s->store, NULL, true, &s->known, &s->n_known, err);
	if (r < 0)
		return r;
	opt->n_tasks = s->run.by_record ? s->n_known : s->run.n_tasks;
	s->tasks = mem_calloc(opt->n_tasks + 1, sizeof(struct task *));
	if (!s->tasks)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < opt->n_tasks; i++)
		s->tasks[i] = s->run.by_record ? s->known[i].task : s->run.tasks[i].task;
	opt->tasks = s->tasks;
	return 0;
}

static int open_policy(struct session *s, struct error *err)
{
	struct policy_options opt;
	int r = run_policy_options(&s->run, &s->judging, &opt, err);

	if (r < 0)
		return r;
	r = policy_tasks(s, &opt, err);
	if (r == 0)
		r = policy_open(&opt, s->loop, engine_on_completion, engine_on_policy_dead, s->engine, &s->policy, err);
	mem_free(opt.sampling.stop);
	if (r == 0)
		engine_set_policy(s->engine, s->policy);
	return r;
}

static int set_state(struct session *s, const char *state, const char *summary, struct error *err)
{
	int r = store_begin(s->store, err);

	if (r < 0)
		return r;
	r = store_run_set_state(s->store, s->run.id, state, summary, err);
	if (r == 0)
		r = store_commit(s->store, err);
	if (r < 0)
		store_rollback(s->store);
	return r;
}

static int duplicates_row(void *ctx, size_t n, const char *const *names, json_t *const *values)
{
	(void)n;
	(void)names;
	*(uint64_t *)ctx = (uint64_t)json_integer_value(values[0]);
	return 0;
}

static uint64_t count_duplicates(struct session *s)
{
	char id[24];
	const char *const params[] = { id, NULL };
	uint64_t ret = 0;

	(void) snprintf(id, sizeof(id), "%lld", (long long)s->run.id);
	if (store_query_bound(s->store,
			      "SELECT coalesce(sum(k - 1), 0) FROM (SELECT count(*) AS k FROM sample WHERE run_id ="
			      " CAST(?1 AS INTEGER) AND judgement_id IS NOT NULL AND program_row IS NOT NULL"
			      " GROUP BY task_row, judgement_id)",
			      params, duplicates_row, &ret, NULL) < 0)
		return 0;
	return ret;
}

/* Ranks, the run's row, the summary.  A failure here turns a good end into an error. */
static int conclude(struct session *s, enum engine_end how, struct error *why, struct error *err)
{
	struct summary sum = { .run = &s->run, .engine = s->engine, .end = how, .error = why,
			       .store = store_path(s->store), .isolation = tier_name(judge_info(s->judging.judge)->tier) };
	cleanup_json json_t *object = NULL;
	cleanup_buf struct buf text;
	struct error late = ERROR_INIT;
	int r = 0, status;

	buf_init(&text, 1u << 20);
	if (how == ENGINE_COMPLETE)
		r = ranking_run(s->store, s->run.id, &late);
	sum.duplicates = how == ENGINE_ERROR ? 0 : count_duplicates(s);
	sum.wall_us = clock_now_us() - s->started_us;
	object = summary_json(&sum);
	if (!object || json_dump_canonical(object, &text, err) < 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (r == 0)
		r = set_state(s, engine_end_state(how), text.data, &late);
	if (r < 0 && how != ENGINE_ERROR) {
		*why = late;
		sum.end = how = ENGINE_ERROR;
		json_decref(object);
		object = summary_json(&sum);
	}
	store_checkpoint(s->store);
	if (engine_write_metrics(s->engine, engine_end_state(how), &late) < 0)
		log_warn("%s", late.msg);
	status = engine_end_exit_status(how);
	if (status == EXIT_WORK_REMAINS)
		log_error("%s; '--resume last' goes on", why->msg);
	if (status == EXIT_DONE && !isnan(s->fail_under)) {
		double pass = passk_mean(s->run.tally.groups, s->run.tally.n_groups, 1);

		if (isnan(pass) || pass < s->fail_under) {
			log_warn("pass@1 %.4f is under --fail-under %g", isnan(pass) ? 0.0 : pass, s->fail_under);
			status = EXIT_ANSWER_NO;
		}
	}
	if (s->globals->json)
		r = answer_json(json_incref(object), err);
	else
		summary_print(stdout, &sum);
	return s->globals->json && r < 0 ? r : status;
}

static int run_session(struct session *s, struct error *err)
{
	struct engine_options opt = { .run = &s->run, .store = s->store, .judging = &s->judging,
				      .deadline = s->deadline, .metrics_path = options_str(s->options, "metrics"),
				      .guard = { .path = store_path(s->store),
						 .min_free_bytes = options_u64(s->options, "min-free") },
				      .check_references = !run_flag(&s->run, "no_reference_check") };
	struct error why = ERROR_INIT;
	enum engine_end how;
	int r = loop_new(&s->loop, err);

	opt.loop = s->loop;
	if (r == 0)
		r = engine_new(&opt, &s->engine, err);
	if (r == 0)
		r = open_policy(s, err);
	if (r == 0)
		r = s->run.resumed ? set_state(s, "running", NULL, err)
				   : run_create(&s->run, s->store, &s->judging, s->policy, err);
	if (r < 0)
		return r;
	log_info("%s run %lld: %zu tasks, %llu samples, %s, isolation %s, %u boxes", s->run.resumed ? "resuming" : "starting",
		 (long long)s->run.id, s->run.n_tasks, (unsigned long long)s->run.tally.planned, run_str(&s->run, "policy"),
		 tier_name(judge_info(s->judging.judge)->tier), judge_slots(s->judging.judge));
	r = engine_run(s->engine, &how, &why);
	if (r < 0) {
		*err = why;
		return r;
	}
	return conclude(s, how, &why, err);
}

static void session_close(struct session *s)
{
	policy_close(s->policy);
	engine_free(s->engine);
	judging_close(&s->judging);
	loop_free(s->loop);
	run_clear(&s->run);
	store_tasks_free(s->known, s->n_known);
	store_close(s->store);
	mem_free(s->tasks);
}

static int run_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct session s = { .globals = g, .options = o, .started_us = clock_now_us() };
	bool dry = options_flag(o, "dry-run");
	int r = check_options(&s, err);

	if (r == 0)
		r = judging_open(o, &s.judging, err);
	if (r == 0)
		r = open_store(&s, dry, err);
	if (r == 0)
		r = prepare_run(&s, err);
	if (r == 0)
		r = dry ? dry_run_print(&s.run, s.store, &s.judging, g->json, err) : run_session(&s, err);
	session_close(&s);
	return r;
}

/* clang-format off */
static const struct option_spec run_options[] = {
	{ "config", OPTION_STRING, "FILE", NULL, "read options from a YAML file", false },
	{ "select", OPTION_STRING, "EXPR", NULL,
	  "which tasks: comma-separated id:GLOB tag:T split:S source:S or @FILE (default: all)", true },
	{ "policy", OPTION_STRING, "SPEC", NULL,
	  "where samples come from: replay:FILE, openai:http://host:port/v1#MODEL, command:ARGV, grammar[:WEIGHTS]", true },
	{ "samples", OPTION_UINT, "N", "10", "samples of each task and language", true },
	{ "languages", OPTION_STRING, "L,…", "python",
	  "languages to sample in (with replay: those whose records are taken)", true },
	{ "deadline", OPTION_STRING, "T", NULL,
	  "stop sampling at a local time (06:00) or after a while (8h), finish judging, exit 4", true },
	{ "shard", OPTION_STRING, "I/N", NULL, "only every Nth task, from the Ith on (counted from 0)", true },
	{ "resume", OPTION_STRING, "RUN", NULL, "go on with a run by its number, or with the last", false },
	{ "dry-run", OPTION_FLAG, NULL, NULL, "print the plan and change nothing", false },
	{ "template", OPTION_STRING, "NAME", "chat-v1", "prompt template", true },
	{ "templates-dir", OPTION_STRING, "DIR", NULL, "folder of prompt templates", true },
	{ "seed", OPTION_UINT, "S", "0", "seed of everything that is drawn", true },
	{ "temperature", OPTION_NUMBER, "X", NULL, "sampling temperature (default: the server's)", true },
	{ "top-p", OPTION_NUMBER, "X", NULL, "nucleus sampling (default: the server's)", true },
	{ "max-tokens", OPTION_UINT, "N", NULL, "longest completion in tokens (default: the server's)", true },
	{ "stop", OPTION_LIST, "TEXT", NULL, "stop string", true },
	{ "api", OPTION_STRING, "chat|completions", NULL, "which interface of an openai server (default: chat)", true },
	{ "policy-version", OPTION_STRING, "N[:LABEL]", NULL, "version of the policy, for what needs an order", true },
	{ "logprobs", OPTION_FLAG, NULL, NULL, "keep token ids and log probabilities where the server gives them", true },
	{ "requests", OPTION_UINT, "N", NULL, "requests to the policy at a time (default: the policy's own)", true },
	{ "request-timeout", OPTION_NUMBER, "S", NULL, "seconds until a request is given up (default: 600)", true },
	{ "retries", OPTION_UINT, "N", NULL, "how often a failed request is sent again (default: 6)", true },
	{ "api-key-file", OPTION_STRING, "FILE", NULL,
	  "file with the server's key (default: WINNOW_API_KEY, then OPENAI_API_KEY)", true },
	{ "all-tests", OPTION_FLAG, NULL, NULL, "count all tests; do not stop at the first failure", true },
	{ "no-confirm", OPTION_FLAG, NULL, NULL, "judge once: do not run again what was accepted or ended near its limit", true },
	{ "no-reference-check", OPTION_FLAG, NULL, NULL, "do not judge the tasks' own solutions first", true },
	{ "fail-under", OPTION_NUMBER, "X", NULL, "exit 1 where pass@1 (a fraction) is less", true },
	{ "wait", OPTION_DURATION, "S", "0", "wait so long for the store where another process writes it", true },
	{ "min-free", OPTION_SIZE, "SIZE", NULL, "pause while less is free where the store is (5G)", true },
	{ "metrics", OPTION_STRING, "FILE", NULL, "keep a Prometheus textfile up to date", true },
	COMMON_JUDGE_OPTIONS,
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};
/* clang-format on */

const struct command cmd_run = {
	.name = "run",
	.summary = "sample, judge and store: the main job",
	.usage = "",
	.description =
		"Asks the policy for samples of every selected task, judges each in the sandbox and stores it with\n"
		"its verdict. Equal programs are judged once. Before sampling, the tasks' own solutions are judged:\n"
		"a task whose solution fails is quarantined and left out.\n"
		"\n"
		"A run may be killed at any point; '--resume last' goes on with it, and nothing is done twice. A\n"
		"resumed run takes its configuration from the store; what is said differently is an error, but for\n"
		"what concerns one session alone (jobs, deadline, metrics, wait, min-free, requests, …).\n"
		"\n"
		"SIGTERM: no more sampling, what is under way is finished within 30 s, exit 4. SIGINT: at once, exit\n"
		"130. Without room on the disk (--min-free) the run pauses. With --json the last line on stdout is\n"
		"the summary.",
	.options = run_options,
	.main = run_main,
};
