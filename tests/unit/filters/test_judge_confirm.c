/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_judge_confirm.c - the second run: who gets one, what it looks like from inside, and what is
 * said of a program that does not do the same twice.
 */
#include "tests/unit/filters/judge_bench.h"
#include "tests/unit/filters/table.h"

#define LIMITS "\"limits\":{\"cpu_s\":1,\"memory_mib\":256}"
#define HEAD "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"f\"," LIMITS ",\"tests\":"
#define CASES HEAD "{\"kind\":\"calls\",\"cases\":[{\"args\":[1],\"expect\":1,\"visible\":true},{\"args\":[2],\"expect\":2},{\"args\":[3],\"expect\":3}]}}"
#define CHECK HEAD "{\"kind\":\"calls\",\"check\":\"assert f(1) == 1\\nassert f(2) == 2\\nassert f(3) == 3\\n\"}}"
#define STDIO "{\"task_id\":\"t\",\"prompt\":\"p\"," LIMITS ",\"tests\":{\"kind\":\"stdio\",\"checker\":{\"kind\":\"tokens\"}," \
	      "\"cases\":[{\"in\":\"1\\n\",\"out\":\"1\\n\"},{\"in\":\"2\\n\",\"out\":\"2\\n\"}]}}"
/* True in the first run, by the hash seed that both can see. */
#define FIRST "import os, time\nfirst = os.environ['PYTHONHASHSEED'] == '0'\n"
#define BUSY "def busy(s):\n t = time.process_time()\n while time.process_time() - t < s: pass\n"

static struct row {
	const char *name, *task, *language, *program;
	enum verdict verdict;
	bool flaky;
	const char *says; /* in the message; NULL: not looked at */
} rows[] = {
	{ "cases: the same twice", CASES, "python", "def f(x): return x\n", VERDICT_ACCEPTED, false, NULL },
	{ "cases: another hash seed", CASES, "python", FIRST "def f(x): return x if first else 0\n", VERDICT_ACCEPTED, true, "wrong_answer" },
	{ "cases: the other order", CASES, "python", "n = 0\ndef f(x):\n global n\n n += 1\n return n\n", VERDICT_ACCEPTED, true, "case 3" },
	{ "cases: a memory of its own is fine", CASES, "python", "m = {}\ndef f(x):\n if x not in m: m[x] = x\n return m[x]\n", VERDICT_ACCEPTED, false, NULL },
	{ "cases: dead in the second run", CASES, "python", FIRST "def f(x): return x if first else os._exit(0)\n", VERDICT_ACCEPTED, true, "runtime_error" },
	{ "cases: endless in the second run", CASES, "python", FIRST "def f(x):\n while not first: pass\n return x\n", VERDICT_ACCEPTED, true, "time_limit" },
	{ "cases: wrong is judged once", CASES, "python", FIRST "def f(x): return 0 if first else x\n", VERDICT_WRONG_ANSWER, false, "case 1" },
	{ "cases: near its limit and wrong, then right", CASES, "python", FIRST BUSY "if first: busy(0.8)\ndef f(x): return 0 if first else x\n", VERDICT_WRONG_ANSWER, true, "accepted" },
	{ "cases: a time limit is not tried again", CASES, "python", FIRST "def f(x):\n while first: pass\n return x\n", VERDICT_TIME_LIMIT, false, NULL },
	{ "check: the same twice", CHECK, "python", "def f(x): return x\n", VERDICT_ACCEPTED, false, NULL },
	{ "check: another hash seed", CHECK, "python", FIRST "def f(x): return x if first else 0\n", VERDICT_ACCEPTED, true, "wrong_answer" },
	{ "check: its order stays", CHECK, "python", "n = 0\ndef f(x):\n global n\n n += 1\n return n\n", VERDICT_ACCEPTED, false, NULL },
	{ "check: in the order of a set of strings", CHECK, "python", "names = list({'ab', 'cd', 'ef', 'gh', 'ij', 'kl', 'mn', 'op'})\ndef f(x): return x if hash('winnow') == hash('win' + 'now') else 0\n", VERDICT_ACCEPTED, false, NULL },
	{ "stdio: the same twice", STDIO, "python", "print(input())\n", VERDICT_ACCEPTED, false, NULL },
	{ "stdio: another hash seed", STDIO, "python", FIRST "print(input() if first else 0)\n", VERDICT_ACCEPTED, true, "wrong_answer" },
	{ "stdio: c, from one compilation", STDIO, "c", "#include <stdio.h>\nint main(void) { int n; scanf(\"%d\", &n); printf(\"%d\\n\", n); return 0; }\n", VERDICT_ACCEPTED, false, NULL },
	{ "a compile error is judged once", STDIO, "c", "int main(void) { return x; }\n", VERDICT_COMPILE_ERROR, false, NULL },
};

static struct judgement judge_it(const struct row *r, struct task *task, bool confirm, bool all_tests)
{
	return bench_judge_request((struct judge_request){
		.task = task,
		.language = r->language,
		.program = r->program,
		.program_len = strlen(r->program),
		.confirm = confirm,
		.all_tests = all_tests,
	});
}

static void confirm_one(void **state)
{
	const struct row *r = *state;
	struct task *task;

	(void)bench_or_skip();
	task = bench_task(r->task);
	for (unsigned all_tests = 0; all_tests < 2; all_tests++) {
		struct judgement j = judge_it(r, task, true, all_tests);

		if (j.verdict != r->verdict || !!(j.flags & FLAG_FLAKY) != r->flaky || (r->says && (!j.message || !strstr(j.message, r->says))))
			fail_msg("%s, flags %x: %s", verdict_name(j.verdict), j.flags, j.message ? j.message : "");
		/* Counts are those of the first run. */
		if (all_tests && r->verdict == VERDICT_ACCEPTED)
			assert_int_equal(j.tests_passed, j.tests_total);
		judgement_clear(&j);
	}
	task_free(task);
}

static void confirm__is_asked_for(void **state)
{
	struct task *task;

	(void)state;
	(void)bench_or_skip();
	task = bench_task(CASES);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct judgement j;

		if (strcmp(rows[i].task, CASES) != 0)
			continue;
		if (rows[i].verdict == VERDICT_TIME_LIMIT)
			continue;
		j = judge_it(&rows[i], task, false, false);
		assert_int_equal(j.verdict, rows[i].verdict);
		assert_false(j.flags & FLAG_FLAKY);
		judgement_clear(&j);
	}
	task_free(task);
}

/* At every moment of either run: no answer for what was cancelled, and the rest is still served. */
static void confirm__can_be_cancelled(void **state)
{
	const char *program = "def f(x): return x\n";
	struct task *task = bench_task(CHECK);
	struct judgement last;

	(void)state;
	(void)bench_or_skip();
	for (unsigned i = 0; i < 30; i++)
		bench_cancel_after((struct judge_request){ .task = task, .language = "python", .program = program,
							   .program_len = strlen(program), .confirm = true },
				   1000 * (5 + 7 * (uint64_t)i));
	last = bench_judge(task, "python", "def f(x): return x\n", 19, false);
	assert_int_equal(last.verdict, VERDICT_ACCEPTED);
	judgement_clear(&last);
	task_free(task);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, confirm_one);
	ADD_TEST(tests, n, confirm__is_asked_for);
	ADD_TEST(tests, n, confirm__can_be_cancelled);
	return RUN_ADDED("judge_confirm", tests, n, bench_open, bench_close);
}
