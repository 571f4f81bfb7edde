/* SPDX-License-Identifier: Apache-2.0 */
/* test_judge_refused.c - which forbidden calls ended a program: named for every kind of task, without touching its verdict. */
#include "tests/unit/filters/judge_bench.h"
#include "tests/unit/filters/table.h"

#define LIMITS "\"limits\":{\"cpu_s\":1,\"memory_mib\":256}"
#define HEAD "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"f\"," LIMITS ",\"tests\":"
#define CASES HEAD "{\"kind\":\"calls\",\"cases\":[{\"args\":[1],\"expect\":1},{\"args\":[2],\"expect\":2}]}}"
#define CHECK HEAD "{\"kind\":\"calls\",\"check\":\"assert f(1) == 1\\nassert f(2) == 2\\n\"}}"
#define LOOPS HEAD "{\"kind\":\"calls\",\"check\":\"for i in range(3):\\n    assert f(i) == i\\n\"}}"
#define STDIO "{\"task_id\":\"t\",\"prompt\":\"p\"," LIMITS ",\"tests\":{\"kind\":\"stdio\",\"cases\":[{\"in\":\"1\\n\",\"out\":\"1\\n\"}," \
	      "{\"in\":\"2\\n\",\"out\":\"2\\n\"}]}}"
#define LIBC "import ctypes\nlibc = ctypes.CDLL(None)\n"

static struct row {
	const char *name, *task, *language, *program;
	bool all_tests;
	enum verdict verdict;
	const char *refused; /* NULL: none is to be named */
} rows[] = {
	{ "cases: while loading", CASES, "python", LIBC "libc.ptrace(0, 0, 0, 0)\ndef f(x): return x\n", false, VERDICT_SECURITY_VIOLATION, "{\"ptrace\":1}" },
	{ "cases: in each call", CASES, "python", LIBC "def f(x):\n libc.mount(0, 0, 0, 0, 0)\n libc.unshare(0)\n return x\n", false, VERDICT_SECURITY_VIOLATION, "{\"mount\":2,\"unshare\":2}" },
	{ "cases: wrong as well", CASES, "python", LIBC "def f(x):\n libc.acct(0)\n return 7\n", false, VERDICT_SECURITY_VIOLATION, "{\"acct\":1}" },
	{ "cases: in an endless loop", CASES, "python", LIBC "def f(x):\n while True: libc.swapoff(0)\n", false, VERDICT_SECURITY_VIOLATION, "{\"swapoff\":1000}" },
	{ "cases: then asleep", CASES, "python", LIBC "import time\ndef f(x):\n libc.swapoff(0)\n time.sleep(1000)\n", false, VERDICT_SECURITY_VIOLATION, "{\"swapoff\":1}" },
	{ "cases: honest", CASES, "python", "def f(x): return x\n", false, VERDICT_ACCEPTED, NULL },
	{ "cases: refused a socket, and right", CASES, "python", "import socket\ntry: socket.socket()\nexcept OSError: pass\ndef f(x): return x\n", false, VERDICT_ACCEPTED, NULL },
	{ "check: assertions", CHECK, "python", LIBC "def f(x):\n libc.setns(0, 0)\n return x\n", false, VERDICT_SECURITY_VIOLATION, "{\"setns\":2}" },
	{ "check: by the Python judge", LOOPS, "python", LIBC "def f(x):\n libc.setns(0, 0)\n return x\n", true, VERDICT_SECURITY_VIOLATION, "{\"setns\":3}" },
	{ "stdio: one of two cases", STDIO, "python", LIBC "x = input()\nif x == '2': libc.reboot(0)\nprint(x)\n", false, VERDICT_SECURITY_VIOLATION, "{\"reboot\":1}" },
	{ "stdio: c, with a number of its own", STDIO, "c",
	  "#define _GNU_SOURCE\n#include <unistd.h>\n#include <sys/syscall.h>\nint main(void) { syscall(SYS_keyctl, 0, 0, 0, 0, 0); syscall(SYS_bpf, 0, 0, 0); return 0; }\n",
	  true, VERDICT_SECURITY_VIOLATION, "{\"keyctl\":2,\"bpf\":2}" },
	{ "stdio: c, and a signal that may take the call back", STDIO, "c",
	  "#include <signal.h>\n#include <stdio.h>\n#include <unistd.h>\n#include <sys/ptrace.h>\n#include <sys/time.h>\n"
	  "static void leave(int s) { (void)s; _exit(0); }\n"
	  "int main(void) { int n; struct itimerval t = { { 0, 0 }, { 0, 50000 } }; scanf(\"%d\", &n); printf(\"%d\\n\", n); fflush(stdout);\n"
	  " signal(SIGALRM, leave); setitimer(ITIMER_REAL, &t, NULL); for (;;) ptrace(PTRACE_TRACEME, 0, 0, 0); }\n",
	  false, VERDICT_SECURITY_VIOLATION, "" },
};

static void name_one(void **state)
{
	const struct row *r = *state;
	struct judge *judge = bench_or_skip();
	struct task *task = bench_task(r->task);

	if (!judge_info(judge)->seccomp)
		skip();
	for (int confirm = 0; confirm < 2; confirm++) {
		struct judgement j = bench_judge_request((struct judge_request){
			.task = task, .language = r->language, .program = r->program, .program_len = strlen(r->program),
			.all_tests = r->all_tests, .confirm = confirm });
		bool ended = j.verdict == VERDICT_SECURITY_VIOLATION;

		if (j.verdict != r->verdict || (ended && (!(j.flags & FLAG_REFUSED_CALL) || j.signal != 31)))
			fail_msg("%s, flags %x, signal %d: %s", verdict_name(j.verdict), j.flags, j.signal, j.message ? j.message : "");
		if (r->refused && !*r->refused) /* whatever was heard of it */
			assert_true(!j.refused || strncmp(j.refused, "{\"ptrace\":", 10) == 0);
		else if (r->refused)
			assert_string_equal(j.refused ? j.refused : "none", r->refused);
		else
			assert_null(j.refused);
		assert_false(j.flags & FLAG_FLAKY);
		judgement_clear(&j);
	}
	task_free(task);
}

/* At every moment of either run. */
static void name__can_be_cancelled(void **state)
{
	struct task *task = bench_task(CHECK);
	struct judgement last;

	(void)state;
	(void)bench_or_skip();
	for (unsigned i = 0; i < 12; i++)
		bench_cancel_after((struct judge_request){ .task = task, .language = "python", .program = rows[0].program,
							   .program_len = strlen(rows[0].program) }, 1 + i * 3000);
	last = bench_judge(task, "python", "def f(x): return x\n", 19, false);
	assert_int_equal(last.verdict, VERDICT_ACCEPTED);
	judgement_clear(&last);
	task_free(task);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 1];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, name_one);
	ADD_TEST(tests, n, name__can_be_cancelled);
	return RUN_ADDED("judge_refused", tests, n, bench_open, bench_close);
}
