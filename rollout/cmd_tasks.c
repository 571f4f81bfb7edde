/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_tasks.c - winnow tasks check: how much of what is wrong do a task's tests find?
 *
 * The reference must pass; then programs that differ from it in one place are judged by the same tests.
 * One that is accepted has survived: the tests do not tell it from the reference, because it does the same or
 * because they look too little.  Mutants are made by mutants/mutate.py inside a box, since it parses
 * programs that others wrote.
 */
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "filters/judge.h"
#include "rollout/answer.h"
#include "rollout/commands.h"
#include "rollout/common.h"
#include "rollout/options.h"
#include "rollout/reference.h"
#include "rollout/tasks_portable.h"
#include "store/store.h"

#define WAIT_US 200000
#define MUTATED_LANGUAGE "python"
#define MUTANTS_BYTES (16u << 20)

__asm__(".pushsection .rodata\n"
	".global mutate_py_start\n"
	".global mutate_py_end\n"
	"mutate_py_start:\n"
	".incbin \"" WINNOW_MUTATE_PY "\"\n"
	"mutate_py_end:\n"
	".byte 0\n"
	".popsection\n");
extern const char mutate_py_start[], mutate_py_end[];

enum outcome { OUTCOME_CHECKED, OUTCOME_NO_REFERENCE, OUTCOME_REFERENCE_FAILS, OUTCOME_NOT_JUDGED, OUTCOME_COUNT };
static const char *const outcome_words[] = { "checked", "no_reference", "reference_fails", "not_judged" };
_Static_assert(ARRAY_SIZE(outcome_words) == OUTCOME_COUNT, "a word for each outcome");

struct mutant {
	struct check *check;
	const json_t *made;            /* {"what", "line", "program"} */
	bool killed, judged;
};
struct check {
	const struct task *task;
	struct judging *judging;
	json_t *made;                  /* of mutants */
	struct mutant *mutants;
	size_t n_mutants, n_killed, n_judged;
	size_t n_running;
	bool mutated;
	enum outcome outcome;
	enum verdict reference;
	char why[160];
};

static struct judge_request request_for(const struct check *c, const char *program, size_t n)
{
	return (struct judge_request){ .task = c->task, .language = MUTATED_LANGUAGE, .program = program, .program_len = n,
				       .limits = limits_merge(&c->task->limits, &c->judging->over) };
}

static void reference_done(void *ctx, uint64_t id, struct judgement *j)
{
	struct check *c = ctx;

	(void)id;
	c->n_running--;
	c->reference = j->verdict;
	(void) snprintf(c->why, sizeof(c->why), "%s%s%s", verdict_name(j->verdict), j->message ? ": " : "", j->message ? j->message : "");
}

static void mutant_done(void *ctx, uint64_t id, struct judgement *j)
{
	struct mutant *m = ctx;
	int passed = judgement_passed(j->verdict);

	(void)id;
	m->check->n_running--;
	m->judged = passed >= 0;
	m->killed = passed == 0;
	m->check->n_judged += m->judged;
	m->check->n_killed += m->killed;
}

static void mutation_done(void *ctx, uint64_t id, struct exec_result *r)
{
	struct check *c = ctx;
	const char *p = r->out.data;

	(void)id;
	c->n_running--;
	c->made = json_array();
	c->mutated = r->verdict == VERDICT_OK && !r->out_truncated && c->made;
	if (!c->mutated)
		(void) snprintf(c->why, sizeof(c->why), "its mutants could not be made: %s", verdict_name(r->verdict));
	while (c->mutated && p && p < r->out.data + r->out.len) {
		const char *end = memchr(p, '\n', (size_t)(r->out.data + r->out.len - p));
		json_t *made;

		if (!end || json_parse(p, (size_t)(end - p), &made, NULL) < 0 || json_array_append_new(c->made, made) < 0)
			c->mutated = false;
		p = end ? end + 1 : NULL;
	}
}

static int wait_for(struct check *c, size_t until, struct error *err)
{
	int r = 0;

	while (r >= 0 && c->n_running > until)
		r = judge_wait(c->judging->judge, WAIT_US, err);
	return r < 0 ? r : 0;
}

static int make_mutants(struct check *c, const char *program, size_t n, struct error *err)
{
	struct exec_request req = { .language = MUTATED_LANGUAGE, .program = mutate_py_start,
				    .program_len = (size_t)(mutate_py_end - mutate_py_start), .stdin_data = program,
				    .stdin_len = n, .keep_bytes = MUTANTS_BYTES };
	struct limits none = { 0 }, wide = { .cpu_us = 20000000, .output_bytes = MUTANTS_BYTES };
	uint64_t id;
	int r;

	req.limits = limits_merge(&wide, &none);
	r = judge_exec(c->judging->judge, &req, mutation_done, c, &id, err);
	if (r < 0)
		return r;
	c->n_running++;
	return wait_for(c, 0, err);
}

static int judge_mutants(struct check *c, uint64_t most, struct error *err)
{
	size_t window = 2 * (size_t)judge_slots(c->judging->judge) + 2, all = json_array_size(c->made);
	int r = 0;

	c->n_mutants = most && all > most ? (size_t)most : all;
	c->mutants = mem_calloc(c->n_mutants + 1, sizeof(*c->mutants));
	if (!c->mutants)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < c->n_mutants && r >= 0; i++) {
		struct mutant *m = &c->mutants[i];
		struct judge_request req;
		const json_t *text;
		uint64_t id;

		/* spread over the program where not all are judged */
		*m = (struct mutant){ .check = c, .made = json_array_get(c->made, i * all / c->n_mutants) };
		text = json_object_get(m->made, "program");
		req = request_for(c, json_string_value(text), json_string_length(text));
		r = judge_submit(c->judging->judge, &req, mutant_done, m, &id, err);
		if (r < 0)
			break;
		c->n_running++;
		r = wait_for(c, window, err);
	}
	return r < 0 ? r : wait_for(c, 0, err);
}

static int check_task(struct check *c, uint64_t most, struct error *err)
{
	size_t n = 0;
	const char *program = reference_solution(c->task, MUTATED_LANGUAGE, &n);
	struct judge_request req;
	uint64_t id;
	int r;

	if (!program) {
		c->outcome = OUTCOME_NO_REFERENCE;
		return 0;
	}
	if (judge_skip_reason(c->judging->judge, c->task, MUTATED_LANGUAGE)) {
		c->outcome = OUTCOME_NOT_JUDGED;
		return 0;
	}
	req = request_for(c, program, n);
	r = judge_submit(c->judging->judge, &req, reference_done, c, &id, err);
	if (r < 0)
		return r;
	c->n_running++;
	r = wait_for(c, 0, err);
	if (r < 0)
		return r;
	if (judgement_passed(c->reference) != 1) {
		c->outcome = judgement_passed(c->reference) == 0 ? OUTCOME_REFERENCE_FAILS : OUTCOME_NOT_JUDGED;
		return 0;
	}
	c->why[0] = '\0';
	r = make_mutants(c, program, n, err);
	if (r < 0 || !c->mutated) {
		c->outcome = OUTCOME_NOT_JUDGED;
		return r;
	}
	return judge_mutants(c, most, err);
}

static json_t *survivors(const struct check *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_mutants && list; i++)
		if (c->mutants[i].judged && !c->mutants[i].killed && json_array_append(list, (json_t *)c->mutants[i].made) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *check_json(const struct check *c)
{
	return json_pack("{s:s, s:s, s:s?, s:I, s:I, s:I, s:o, s:o}", "task_id", c->task->id, "outcome", outcome_words[c->outcome],
			 "message", c->why[0] ? c->why : NULL, "mutants", (json_int_t)c->n_mutants, "judged", (json_int_t)c->n_judged,
			 "killed", (json_int_t)c->n_killed, "strength",
			 c->n_judged ? json_real((double)c->n_killed / (double)c->n_judged) : json_null(), "survivors", survivors(c));
}

static void check_clear(struct check *c)
{
	mem_free(c->mutants);
	json_decref(c->made);
}

struct totals {
	uint64_t tasks, outcomes[OUTCOME_COUNT], mutants, judged, killed, whole;
};

static int say_task(const struct globals *g, const struct check *c, struct error *err)
{
	if (g->json)
		return answer_json(check_json(c), err);
	if (c->outcome != OUTCOME_CHECKED)
		(void) printf("%s: %s%s%s\n", c->task->id, outcome_words[c->outcome], c->why[0] ? ": " : "", c->why);
	for (size_t i = 0; i < c->n_mutants; i++)
		if (c->mutants[i].judged && !c->mutants[i].killed)
			(void) printf("%s: a changed %s in line %lld survives\n", c->task->id, json_get_str(c->mutants[i].made, "what"),
				      (long long)json_get_int(c->mutants[i].made, "line", 0));
	return 0;
}

static int say_totals(const struct globals *g, const struct totals *t, struct error *err)
{
	double share = t->judged ? 100.0 * (double)t->killed / (double)t->judged : 0;

	if (g->json)
		return answer_json(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "tasks", (json_int_t)t->tasks, "checked",
					     (json_int_t)t->outcomes[OUTCOME_CHECKED], "no_reference",
					     (json_int_t)t->outcomes[OUTCOME_NO_REFERENCE], "reference_fails",
					     (json_int_t)t->outcomes[OUTCOME_REFERENCE_FAILS], "not_judged",
					     (json_int_t)t->outcomes[OUTCOME_NOT_JUDGED], "mutants", (json_int_t)t->mutants, "judged",
					     (json_int_t)t->judged, "killed", (json_int_t)t->killed, "strength",
					     t->judged ? json_real(share / 100) : json_null()), err);
	(void) printf("%llu tasks: %llu references pass, %llu fail, %llu have none, %llu could not be judged\n"
		      "%llu mutants: %llu killed (%.1f %%); %llu tasks kill all of theirs\n",
		      (unsigned long long)t->tasks, (unsigned long long)t->outcomes[OUTCOME_CHECKED],
		      (unsigned long long)t->outcomes[OUTCOME_REFERENCE_FAILS], (unsigned long long)t->outcomes[OUTCOME_NO_REFERENCE],
		      (unsigned long long)t->outcomes[OUTCOME_NOT_JUDGED], (unsigned long long)t->judged,
		      (unsigned long long)t->killed, share, (unsigned long long)t->whole);
	return 0;
}

static int check_all(const struct globals *g, const struct options *o, struct judging *judging, const struct store_task *tasks,
		     size_t n, struct totals *t, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		struct check c = { .task = tasks[i].task, .judging = judging };

		r = check_task(&c, options_u64(o, "mutants"), err);
		if (r >= 0) {
			t->tasks++;
			t->outcomes[c.outcome]++;
			t->mutants += c.n_mutants;
			t->judged += c.n_judged;
			t->killed += c.n_killed;
			t->whole += c.n_judged && c.n_killed == c.n_judged;
			r = say_task(g, &c, err);
		} else {
			r = error_prefix(err, r, "task '%s'", tasks[i].task->id);
		}
		check_clear(&c);
	}
	return r;
}

static int tasks_main(const struct globals *g, const struct options *o, struct error *err)
{
	struct judging judging = { 0 };
	struct store_task *tasks = NULL;
	struct store *s = NULL;
	struct totals t = { 0 };
	double under = options_num(o, "fail-under");
	size_t n = 0;
	bool portable;
	int r = options_expect_args(o, 1, 1, err);

	portable = r == 0 && str_eq(options_args(o)[0], "portable");
	if (r == 0 && !portable && !str_eq(options_args(o)[0], "check"))
		r = error_set(err, ERR_INPUT, "unknown word '%s'; there are 'tasks check' and 'tasks portable'", options_args(o)[0]);
	if (r == 0 && !portable && options_str(o, "languages"))
		r = error_set(err, ERR_INPUT, "--languages is for 'tasks portable'");
	if (r == 0 && under == under && !(under >= 0 && under <= 1))
		r = error_set(err, ERR_INPUT, "--fail-under: %g is not between 0 and 1", under);
	if (r == 0)
		r = judging_open(o, &judging, err);
	if (r == 0)
		r = store_open(g->store, STORE_READ, 0, "winnow tasks", &s, err);
	if (r == 0)
		r = store_select_tasks(s, options_str(o, "select"), true, &tasks, &n, err);
	store_close(s);
	if (r == 0 && portable) {
		r = tasks_portable(g, &judging, options_str(o, "languages"), tasks, n, err);
		judging_close(&judging);
		store_tasks_free(tasks, n);
		return r;
	}
	if (r == 0)
		r = check_all(g, o, &judging, tasks, n, &t, err);
	if (r >= 0)
		r = say_totals(g, &t, err);
	if (r >= 0 && (t.outcomes[OUTCOME_REFERENCE_FAILS] || (under == under && (double)t.killed < under * (double)t.judged)))
		r = EXIT_ANSWER_NO;
	judging_close(&judging);
	store_tasks_free(tasks, n);
	return r;
}

/* clang-format off */
static const struct option_spec tasks_options[] = {
	{ "select", OPTION_STRING, "EXPR", NULL, "which tasks, as 'winnow run' takes it (default: all)", false },
	{ "languages", OPTION_STRING, "L,...", NULL, "portable: to which languages (default: all)", false },
	{ "mutants", OPTION_UINT, "N", NULL, "at most so many of a task, spread over the program (default: all)", false },
	{ "fail-under", OPTION_NUMBER, "X", NULL, "exit 1 where less than this share (a fraction) of the mutants is killed", false },
	COMMON_JUDGE_OPTIONS,
	{ NULL, OPTION_FLAG, NULL, NULL, NULL, false }
};
/* clang-format on */

const struct command cmd_tasks = {
	.name = "tasks",
	.summary = "check the tasks' own tests: references pass, mutants of them are killed; to which languages they are portable",
	.usage = "check | portable",
	.description =
		"check: judges each task's Python reference, then programs that differ from it in one place: an operator, a\n"
		"comparison, a constant, a bound, a condition. A mutant that is accepted survives: it does the same as\n"
		"the reference, or the tests look too little. Exit 1 where a reference fails its tests.\n"
		"\n"
		"portable: for each task the languages whose programs its tests can judge, and why not the others. What\n"
		"test code passes and expects is seen by running the reference in Python.\n"
		"\n"
		"With --json one object a task, survivors with their programs, and a last one with the totals.",
	.options = tasks_options,
	.main = tasks_main,
};
