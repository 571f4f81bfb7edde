/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_engine.c - whole runs against a real store and the replay policy, with a fake judge.
 *
 * What ends a run at any point (signals, a dead spawner, our own failures) must leave a
 * store that a resumed run brings to the very rows of an undisturbed one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "fake_judge.h"
#include "rollout/commands.h"
#include "rollout/engine.h"
#include "rollout/options.h"
#include "rollout/ranking.h"
#include "rollout/summary.h"
#include "store/store.h"

#define TASKS 4
#define SAMPLES 30

static char dir[64];
static char store_file[128], samples_file[128];

/* --- the set-up: tasks in a store, samples in a file --- */

static struct task *make_task(unsigned i, bool broken)
{
	struct error err = ERROR_INIT;
	struct task *t = NULL;
	json_t *j = json_pack("{s:o, s:s, s:s, s:{s:[{s:s, s:s}], s:s}, s:{s:s, s:[{s:[i], s:i}]}, s:{s:s}}", "task_id",
			      json_sprintf("task-%u", i), "prompt", "Write f.", "entry_point", "f", "signature", "params",
			      "name", "x", "type", "int", "returns", "int", "tests", "kind", "calls", "cases", "args", 1,
			      "expect", (int)i, "solutions", "python", broken ? "refuse" : "accept by reference");

	assert_non_null(j);
	assert_int_equal(task_parse(j, &t, &err), 0);
	return t;
}

static void import_tasks(bool broken_first)
{
	struct store_import imp = { .format = "native", .path = "test" };
	struct store_import_result result;
	struct task *tasks[TASKS];
	struct error err = ERROR_INIT;
	struct store *s;

	for (unsigned i = 0; i < TASKS; i++)
		tasks[i] = make_task(i, broken_first && i == 0);
	assert_int_equal(store_open(store_file, STORE_WRITE, 0, "test", &s, &err), 0);
	assert_int_equal(store_begin(s, &err), 0);
	assert_int_equal(store_put_tasks(s, &imp, tasks, NULL, TASKS, &result, &err), 0);
	assert_int_equal(store_commit(s, &err), 0);
	store_close(s);
	for (unsigned i = 0; i < TASKS; i++)
		task_free(tasks[i]);
}

/* Of each task: thirds are accepted; every fifth is equal to its neighbour; one is empty; `internal` of them are that. */
static void write_samples(unsigned internal)
{
	struct error err = ERROR_INIT;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (unsigned t = 0; t < TASKS; t++)
		for (unsigned i = 0; i < SAMPLES; i++) {
			unsigned same = i % 5 == 1 ? i - 1 : i;

			if (i == 7)
				buf_addf(&b, "{\"task_id\":\"task-%u\",\"sample\":%u,\"solution\":\" \"}\n", t, i);
			else
				buf_addf(&b, "{\"task_id\":\"task-%u\",\"sample\":%u,\"solution\":\"%s %u\"}\n", t, i,
					 i >= SAMPLES - internal ? "internal" : same % 3 == 0 ? "accept" : "wrong", same);
		}
	assert_int_equal(fs_write_file(samples_file, b.data, b.len, &err), 0);
	buf_clear(&b);
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	memset(&fake_judge, 0, sizeof(fake_judge));
	(void) snprintf(dir, sizeof(dir), "/tmp/winnow-engine-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void) snprintf(store_file, sizeof(store_file), "%s/w.db", dir);
	(void) snprintf(samples_file, sizeof(samples_file), "%s/samples.jsonl", dir);
	write_samples(0);
	return 0;
}

static int teardown(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	return fs_remove_tree(dir, &err);
}

/* --- one session, as cmd_run.c has it --- */

struct outcome {
	enum engine_end end;
	struct error error;
	struct tally tally;      /* without groups */
	size_t quarantined;
};
struct session_args {
	const char *resume, *deadline, *extra;
	uint64_t min_free;
	bool no_reference_check;
};

static void run_session(const struct session_args *a, struct outcome *ret)
{
	char *argv[12], policy[200], samples[8];
	struct judging judging = { .judge = fake_judge_new() };
	struct engine_options opt = { 0 };
	struct policy_options popt;
	struct task *tasks[TASKS];
	struct error err = ERROR_INIT;
	struct policy *p = NULL;
	struct options *o = NULL;
	struct engine *e = NULL;
	struct loop *loop = NULL;
	struct run run;
	struct store *s;
	int argc = 0, r;

	(void) snprintf(policy, sizeof(policy), "--policy=replay:%s", samples_file);
	(void) snprintf(samples, sizeof(samples), "%d", SAMPLES);
	argv[argc++] = policy;
	argv[argc++] = (char *)(uintptr_t)"--samples";
	argv[argc++] = samples;
	if (a->extra)
		argv[argc++] = (char *)(uintptr_t)a->extra;
	argv[argc] = NULL;
	r = options_parse(&cmd_run, argc, argv, &o, &err);
	assert_int_equal(r, 0);
	assert_int_equal(language_load(language_default_dir(), &judging.languages, &err), 0);
	for (size_t i = 0; i < judging.languages.n; i++)
		judging.languages.items[i].present = true;
	assert_int_equal(run_configure(&run, o, &err), 0);
	assert_int_equal(store_open(store_file, STORE_WRITE, 0, "test", &s, &err), 0);
	r = a->resume ? run_load(&run, a->resume, o, s, &judging, &err) : run_plan(&run, s, &judging, &err);
	if (r < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(run.n_tasks, TASKS);
	assert_int_equal(loop_new(&loop, &err), 0);
	opt = (struct engine_options){ .run = &run, .store = s, .judging = &judging, .loop = loop,
				       .guard = { .path = store_file, .min_free_bytes = a->min_free },
				       .check_references = !a->no_reference_check };
	assert_int_equal(deadline_parse(a->deadline, &opt.deadline, &err), 0);
	assert_int_equal(engine_new(&opt, &e, &err), 0);
	assert_int_equal(run_policy_options(&run, &judging, &popt, &err), 0);
	for (size_t i = 0; i < TASKS; i++)
		tasks[i] = run.tasks[i].task;
	popt.tasks = tasks;
	popt.n_tasks = TASKS;
	r = policy_open(&popt, loop, engine_on_completion, engine_on_policy_dead, e, &p, &err);
	if (r < 0)
		fail_msg("%s", err.msg);
	mem_free(popt.sampling.stop);
	engine_set_policy(e, p);
	if (!run.resumed)
		assert_int_equal(run_create(&run, s, &judging, p, &err), 0);
	memset(ret, 0, sizeof(*ret));
	assert_int_equal(engine_run(e, &ret->end, &ret->error), 0);
	ret->tally = run.tally;
	ret->tally.groups = NULL;
	ret->quarantined = engine_quarantined(e);
	policy_close(p);
	engine_free(e);
	judge_close(judging.judge);
	language_set_clear(&judging.languages);
	loop_free(loop);
	run_clear(&run);
	store_close(s);
	options_free(o);
}

static int add_row(void *ctx, size_t n, const char *const *names, json_t *const *v)
{
	struct buf *b = ctx;

	(void)names;
	for (size_t i = 0; i < n; i++)
		(void) json_dump_line(v[i], b, NULL);
	buf_addc(b, '\n');
	return 0;
}

/* All that must not depend on how a run went: no times, no row numbers. */
static char *rows_of_store(void)
{
	struct error err = ERROR_INIT;
	struct store *s;
	struct buf b;

	buf_init(&b, 16 << 20);
	assert_int_equal(store_open(store_file, STORE_READ, 0, "test", &s, &err), 0);
	assert_int_equal(store_query(s,
				     "SELECT sample_id, task_id, language, state, reason, verdict, flags, passed, duplicate_of,"
				     " program_id FROM v_samples ORDER BY sample_id", add_row, &b, &err), 0);
	store_close(s);
	return buf_steal(&b, NULL);
}

static char *undisturbed(unsigned internal)
{
	struct session_args a = { 0 };
	struct outcome out;
	char *rows;

	write_samples(internal);
	import_tasks(false);
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	rows = rows_of_store();
	assert_int_equal(unlink(store_file), 0);
	memset(&fake_judge, 0, sizeof(fake_judge));
	import_tasks(false);
	return rows;
}

/* --- the tests --- */

static void run__judges_each_program_once(void **state)
{
	struct session_args a = { 0 };
	struct outcome out;

	(void)state;
	import_tasks(false);
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	assert_int_equal(out.tally.judged, TASKS * SAMPLES);
	assert_int_equal(out.tally.pending, 0);
	assert_int_equal(out.tally.verdicts[VERDICT_NO_PROGRAM], TASKS);
	assert_int_equal(out.tally.verdicts[VERDICT_ACCEPTED] + out.tally.verdicts[VERDICT_WRONG_ANSWER],
			 TASKS * (SAMPLES - 1));
	/* 30 samples: 6 equal a neighbour, one is empty; and a reference for each task */
	assert_int_equal(fake_judge.submitted, TASKS * (SAMPLES - 7) + TASKS);
	assert_int_equal(out.tally.judged_now, TASKS * (SAMPLES - 7));
	assert_true(fake_judge.max_in_flight <= 6);
	/* Again: everything is known. */
	fake_judge.submitted = 0;
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	assert_int_equal(out.tally.judged, TASKS * SAMPLES);
	assert_int_equal(fake_judge.submitted, 0);
	assert_int_equal(out.tally.reused, TASKS * (SAMPLES - 1));
}

static void interrupted__anywhere_is_resumed_to_the_same_rows(void **state)
{
	char *want = undisturbed(0);
	size_t points[] = { 1, 2, 3, 4, 5, 7, 11, 30, 60, 90, 95, 96 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		struct session_args a = { 0 };
		struct outcome out;
		char *got;

		memset(&fake_judge, 0, sizeof(fake_judge));
		fake_judge.signal_after = points[i];
		fake_judge.signal_number = SIGINT;
		run_session(&a, &out);
		a.resume = "last";
		if (out.end != ENGINE_COMPLETE) { /* the last answers may be in before the signal is seen */
			assert_int_equal(out.end, ENGINE_INTERRUPTED);
			fake_judge.signal_after = 0;
			run_session(&a, &out);
		}
		assert_int_equal(out.end, ENGINE_COMPLETE);
		assert_int_equal(out.tally.judged, TASKS * SAMPLES);
		got = rows_of_store();
		assert_string_equal(got, want);
		mem_free(got);
		assert_int_equal(unlink(store_file), 0);
		import_tasks(false);
	}
	mem_free(want);
}

static void spawner_death__leaves_work_that_a_resume_does(void **state)
{
	char *want = undisturbed(0), *got;
	struct session_args a = { 0 };
	struct outcome out;

	(void)state;
	fake_judge.die_after = 40;
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_SPAWNER_DEAD);
	assert_int_equal(engine_end_exit_status(out.end), EXIT_WORK_REMAINS);
	assert_non_null(strstr(out.error.msg, "spawner"));
	fake_judge.die_after = 0;
	a.resume = "1";
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	got = rows_of_store();
	assert_string_equal(got, want);
	mem_free(got);
	mem_free(want);
}

static void sigterm__finishes_what_is_under_way(void **state)
{
	struct session_args a = { 0 };
	struct outcome out;

	(void)state;
	import_tasks(false);
	fake_judge.signal_after = 2; /* while references are judged: nothing has been asked for */
	fake_judge.signal_number = SIGTERM;
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_TERMINATED);
	assert_int_equal(out.tally.judged, 0);
	fake_judge.signal_after = fake_judge.answered + 20;
	a.resume = "last";
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_TERMINATED);
	assert_true(out.tally.judged > 0);
	assert_true(out.tally.pending > 0); /* what waited for a box is kept for the next session */
	fake_judge.signal_after = 0;
	a.resume = "last";
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	assert_int_equal(out.tally.judged, TASKS * SAMPLES);
}

static void internal_errors__few_are_rows_many_stop_the_run(void **state)
{
	struct session_args a = { 0 };
	struct outcome out;
	char *want;

	(void)state;
	import_tasks(false);
	write_samples(2); /* 2 x 4 */
	fake_judge.internal_fails = true;
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	assert_int_equal(out.tally.verdicts[VERDICT_INTERNAL_ERROR], 8);
	assert_int_equal(out.tally.judged, TASKS * SAMPLES);
	assert_int_equal(unlink(store_file), 0);

	fake_judge.internal_fails = false;
	want = undisturbed(10); /* where the machinery works they are accepted */
	fake_judge.internal_fails = true;
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_INTERNAL_ERRORS);
	assert_non_null(strstr(out.error.msg, "too many internal errors"));
	assert_int_equal(out.tally.verdicts[VERDICT_INTERNAL_ERROR], 0); /* none became a row */
	fake_judge.internal_fails = false;
	a.resume = "last";
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	char *got = rows_of_store();
	assert_string_equal(got, want);
	mem_free(got);
	mem_free(want);
}

static void reference__that_fails_quarantines_its_task(void **state)
{
	struct session_args a = { 0 };
	struct outcome out;

	(void)state;
	import_tasks(true);
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	assert_int_equal(out.quarantined, 1);
	assert_int_equal(out.tally.skipped[SKIP_TASK_QUARANTINED], SAMPLES);
	assert_int_equal(out.tally.judged, (TASKS - 1) * SAMPLES);
	/* Remembered: the same plan, the same rows, nothing judged. */
	fake_judge.submitted = 0;
	run_session(&a, &out);
	assert_int_equal(out.tally.skipped[SKIP_TASK_QUARANTINED], SAMPLES);
	assert_int_equal(fake_judge.submitted, 0);
	/* By hand only what the store says counts. */
	a.no_reference_check = true;
	a.extra = "--no-reference-check";
	run_session(&a, &out);
	assert_int_equal(out.tally.skipped[SKIP_TASK_QUARANTINED], SAMPLES);
}

static void deadline__stops_and_resume_goes_on(void **state)
{
	struct session_args a = { .deadline = "0" };
	struct outcome out;

	(void)state;
	import_tasks(false);
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_DEADLINE);
	assert_int_equal(engine_end_exit_status(out.end), EXIT_STOPPED);
	assert_true(out.tally.judged < TASKS * SAMPLES);
	a.deadline = NULL;
	a.resume = "last";
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	assert_int_equal(out.tally.judged, TASKS * SAMPLES);
}

static void min_free__pauses_until_the_deadline(void **state)
{
	struct session_args a = { .deadline = "1", .min_free = UINT64_C(1) << 60 };
	struct outcome out;

	(void)state;
	import_tasks(false);
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_DEADLINE);
	assert_int_equal(fake_judge.submitted, 0);
	assert_int_equal(out.tally.sampled, 0);
}

static void language__without_toolchain_is_skipped_by_name(void **state)
{
	struct session_args a = { .extra = "--languages=c" };
	struct outcome out;

	(void)state;
	import_tasks(false);
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	assert_int_equal(out.tally.skipped[SKIP_NO_TOOLCHAIN], TASKS * SAMPLES);
	assert_int_equal(out.tally.judged, 0);
}

static void sample__that_is_missing_is_a_failed_row(void **state)
{
	struct session_args a = { .extra = "--samples=32" };
	struct outcome out;

	(void)state;
	import_tasks(false);
	run_session(&a, &out);
	assert_int_equal(out.end, ENGINE_COMPLETE);
	assert_int_equal(out.tally.failed[POLICY_MISSING], TASKS * 2);
	assert_int_equal(out.tally.judged, TASKS * SAMPLES);
}

static void resume__refuses_another_configuration(void **state)
{
	char *argv[] = { (char *)(uintptr_t)"--seed=9", (char *)(uintptr_t)"--top-p=0.5", NULL };
	struct judging judging = { .judge = fake_judge_new() };
	struct session_args a = { 0 };
	struct error err = ERROR_INIT;
	struct outcome out;
	struct options *o;
	struct store *s;
	struct run run;

	(void)state;
	import_tasks(false);
	run_session(&a, &out);
	assert_int_equal(options_parse(&cmd_run, 2, argv, &o, &err), 0);
	assert_int_equal(run_configure(&run, o, &err), 0);
	assert_int_equal(store_open(store_file, STORE_WRITE, 0, "test", &s, &err), 0);
	assert_int_equal(run_load(&run, "last", o, s, &judging, &err), ERR_INPUT);
	assert_non_null(strstr(err.msg, "--seed"));
	assert_non_null(strstr(err.msg, "--top-p"));
	assert_null(strstr(err.msg, "--samples"));
	run_clear(&run);
	options_free(o);
	store_close(s);
	judge_close(judging.judge);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(run__judges_each_program_once),
		TEST(interrupted__anywhere_is_resumed_to_the_same_rows),
		TEST(spawner_death__leaves_work_that_a_resume_does),
		TEST(sigterm__finishes_what_is_under_way),
		TEST(internal_errors__few_are_rows_many_stop_the_run),
		TEST(reference__that_fails_quarantines_its_task),
		TEST(deadline__stops_and_resume_goes_on),
		TEST(min_free__pauses_until_the_deadline),
		TEST(language__without_toolchain_is_skipped_by_name),
		TEST(sample__that_is_missing_is_a_failed_row),
		TEST(resume__refuses_another_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
