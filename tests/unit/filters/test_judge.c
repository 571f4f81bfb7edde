/* SPDX-License-Identifier: Apache-2.0 */
/* test_judge.c - verdicts, flags and counts of small programs on small tasks, through real boxes. */
#include "filters/judge.h"

#include "core/clock.h"
#include "tests/unit/filters/judge_bench.h"
#include "tests/unit/filters/table.h"

#define LIMITS "\"limits\":{\"cpu_s\":2,\"memory_mib\":256}"
#define HEAD(entry) "{\"task_id\":\"t\",\"prompt\":\"p\",\"entry_point\":\"" entry "\"," LIMITS ",\"tests\":"
#define CASES(entry, cases) HEAD(entry) "{\"kind\":\"calls\",\"cases\":[" cases "]}}"
#define CHECK(entry, text) HEAD(entry) "{\"kind\":\"calls\",\"check\":\"" text "\"}}"
#define STDIO(checker, cases) "{\"task_id\":\"t\",\"prompt\":\"p\"," LIMITS ",\"tests\":" "{\"kind\":\"stdio\",\"checker\":" checker ",\"cases\":[" cases "]}}"
#define CONTINUES(entry, prompt, text)                                                        \
	"{\"task_id\":\"t\",\"prompt\":\"" prompt "\",\"prompt_language\":\"python\","           \
	"\"entry_point\":\"" entry "\"," LIMITS ",\"tests\":{\"kind\":\"calls\",\"check\":\"" text "\"}}"

#define ADD CASES("add", "{\"args\":[1,2],\"expect\":3,\"visible\":true},{\"args\":[10,20],\"expect\":30}," \
			 "{\"args\":[5,5],\"expect\":10}")
#define TWICE STDIO("{\"kind\":\"tokens\"}", "{\"in\":\"3\\n\",\"out\":\"6\\n\",\"visible\":true},{\"in\":\"50\\n\",\"out\":\"100\\n\"}")
#define COUNTER "{\"kind\":\"calls\",\"cases\":[{\"script\":[{\"new\":\"Counter\",\"args\":[5]}," \
		"{\"call\":\"up\",\"args\":[2],\"expect\":7},{\"call\":\"up\",\"args\":[1],\"expect\":8}," \
		"{\"call\":\"bad\",\"args\":[],\"raises\":\"ValueError\"}]}]}}"
#define VALIDATOR(lang, source) "{\"kind\":\"program\",\"language\":\"" lang "\",\"source\":\"" source "\",\"args\":[\"7\"]}"
#define PY_VALIDATOR VALIDATOR("python", "import sys\\nassert sys.argv[4] == '7' and sys.argv[3].endswith('/')\\n" \
	"n = int(open(sys.argv[1]).read())\\nopen(sys.argv[2]).read()\\nopen(sys.argv[3] + 'judgemessage.txt', 'w').write('x')\\n" \
	"a, b = map(int, sys.stdin.read().split())\\nsys.exit(42 if a + b == n else 43)\\n")
#define C_VALIDATOR VALIDATOR("c", "#include <stdio.h>\\nint main(int c, char **v) { FILE *f = fopen(v[1], \\\"r\\\"); int n, a, b;\\n" \
	"if (c != 5 || !f || fscanf(f, \\\"%d\\\", &n) != 1) return 1;\\nif (scanf(\\\"%d%d\\\", &a, &b) != 2) return 43;\\nreturn a + b == n ? 42 : 43; }\\n")
#define SPLIT_CASES "{\"in\":\"10\\n\",\"out\":\"5 5\\n\"},{\"in\":\"3\\n\",\"out\":\"1 2\\n\"}"

static struct row {
	const char *name, *task, *language, *program;
	enum verdict verdict;
	uint32_t flags;    /* exactly these, but for near_limit */
	bool all_tests;
	int passed, total, visible_passed, visible_total;
	const char *says;  /* in the message, or NULL */
} rows[] = {
	/* --- calls with cases --- */
	{ "cases: right", ADD, "python", "def add(a, b): return a + b\n", VERDICT_ACCEPTED, 0, true, 3, 3, 1, 1, NULL },
	{ "cases: right, not counted", ADD, "python", "def add(a, b): return a + b\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "cases: a failing one does not stop the next", ADD, "python", "def add(a, b): return a + b if a != 10 else 0\n",
	  VERDICT_WRONG_ANSWER, FLAG_OVERFIT, true, 2, 3, 1, 1, "case 2" },
	{ "cases: the visible one alone is overfit", ADD, "python", "def add(a, b): return 3\n", VERDICT_WRONG_ANSWER, FLAG_OVERFIT, true, 1, 3, 1, 1, "case 2" },
	{ "cases: 1.0 is 1", ADD, "python", "def add(a, b): return float(a + b)\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "cases: an exception", ADD, "python", "def add(a, b): raise KeyError('k')\n", VERDICT_RUNTIME_ERROR, FLAG_EXCEPTION, true, 0, 3, 0, 1, "KeyError" },
	{ "cases: dead in the second", ADD, "python", "import os\ndef add(a, b): return a + b if a == 1 else os._exit(7)\n",
	  VERDICT_RUNTIME_ERROR, FLAG_EARLY_EXIT | FLAG_NONZERO_EXIT | FLAG_OVERFIT, true, 1, 3, 1, 1, "exit code 7" },
	{ "cases: exit code 0 is no answer", ADD, "python", "import os\ndef add(a, b): os._exit(0)\n", VERDICT_RUNTIME_ERROR, FLAG_EARLY_EXIT, true, 0, 3, 0, 1, "before the last question" },
	{ "cases: no entry point", ADD, "python", "def ad(a, b): return a + b\n", VERDICT_RUNTIME_ERROR, FLAG_NO_ENTRY_POINT, false, -1, -1, -1, -1, "'add'" },
	{ "cases: no program", ADD, "python", "def add(a, b) return\n", VERDICT_COMPILE_ERROR, 0, true, 0, 3, 0, 1, "SyntaxError" },
	{ "cases: indentation", ADD, "python", "def add(a, b):\nreturn a\n", VERDICT_COMPILE_ERROR, 0, false, -1, -1, -1, -1, "IndentationError" },
	{ "cases: loading raises", ADD, "python", "import no_such_module\n", VERDICT_RUNTIME_ERROR, FLAG_EXCEPTION, false, -1, -1, -1, -1, "ModuleNotFoundError" },
	{ "cases: loading exits", ADD, "python", "exit()\n", VERDICT_RUNTIME_ERROR, FLAG_EARLY_EXIT, false, -1, -1, -1, -1, NULL },
	{ "cases: too slow", ADD, "python", "def add(a, b):\n while 1: pass\n", VERDICT_TIME_LIMIT, 0, true, 0, 3, 0, 1, "time" },
	{ "cases: sleeps", CASES("f", "{\"args\":[],\"expect\":1}"), "python", "import time\ndef f(): time.sleep(100)\n", VERDICT_TIME_LIMIT, FLAG_WALL_LIMIT, false, -1, -1, -1, -1, "wall" },
	{ "cases: too much memory", ADD, "python", "def add(a, b): return bytearray(1 << 33)\n", VERDICT_MEMORY_LIMIT, FLAG_MEMORY_LIMIT | FLAG_EXCEPTION, false, -1, -1, -1, -1, NULL },
	{ "cases: raises as expected", CASES("f", "{\"args\":[1],\"raises\":\"LookupError\"}"), "python", "def f(x): raise KeyError(x)\n", VERDICT_ACCEPTED, 0, true, 1, 1, 0, 0, NULL },
	{ "cases: raises another", CASES("f", "{\"args\":[1],\"raises\":\"KeyError\"}"), "python", "def f(x): raise ValueError(x)\n", VERDICT_RUNTIME_ERROR, FLAG_EXCEPTION, false, -1, -1, -1, -1, NULL },
	{ "cases: raises nothing", CASES("f", "{\"args\":[1],\"raises\":\"KeyError\"}"), "python", "def f(x): pass\n", VERDICT_WRONG_ANSWER, 0, false, -1, -1, -1, -1, "KeyError" },
	{ "cases: changed in place", CASES("f", "{\"args\":[[3,1,2]],\"expect\":null,\"expect_args\":[[1,2,3]]}"), "python", "def f(x): x.sort()\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "cases: not changed", CASES("f", "{\"args\":[[3,1,2]],\"expect\":null,\"expect_args\":[[1,2,3]]}"), "python", "def f(x): sorted(x)\n", VERDICT_WRONG_ANSWER, 0, false, -1, -1, -1, -1, "arguments" },
	{ "cases: changed deep down", CASES("f", "{\"args\":[[[1],{\"a\":[2]}]],\"expect_args\":[[[1,9],{\"a\":[]}]],\"expect\":null}"), "python",
	  "def f(x):\n x[0].append(9)\n x[1]['a'].clear()\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "cases: its own argument comes back", CASES("f", "{\"args\":[[1]],\"expect\":[1,2]}"), "python", "def f(x):\n x.append(2)\n return x\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "cases: the next case sees the original", CASES("f", "{\"args\":[[1]],\"expect\":1},{\"args\":[[1]],\"expect\":1}"), "python", "def f(x):\n n = len(x)\n x.append(2)\n return n\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "cases: a class", HEAD("Counter") COUNTER, "python", "class Counter:\n def __init__(s, n): s.n = n\n def up(s, k):\n  s.n += k\n  return s.n\n def bad(s): raise ValueError\n",
	  VERDICT_ACCEPTED, 0, true, 1, 1, 0, 0, NULL },
	{ "cases: a class that forgets", HEAD("Counter") COUNTER, "python", "class Counter:\n def __init__(s, n): s.n = n\n def up(s, k): return s.n + k\n def bad(s): raise ValueError\n",
	  VERDICT_WRONG_ANSWER, 0, true, 0, 1, 0, 0, NULL },
	{ "cases: a class without the method", HEAD("Counter") COUNTER, "python", "class Counter:\n def __init__(s, n): s.n = n\n", VERDICT_RUNTIME_ERROR, FLAG_EXCEPTION, false, -1, -1, -1, -1, "AttributeError" },
	{ "cases: a big number", CASES("f", "{\"args\":[],\"expect\":{\"$int\":\"1267650600228229401496703205376\"}}"), "python", "def f(): return 2 ** 100\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "cases: a cycle cannot cross", CASES("f", "{\"args\":[],\"expect\":1}"), "python", "def f():\n r = []\n r.append(r)\n return r\n", VERDICT_WRONG_ANSWER, FLAG_NOT_PLAIN, false, -1, -1, -1, -1, "cycle" },
	/* --- check code --- */
	{ "check: right", CHECK("add", "def check(candidate):\\n    assert candidate(1, 2) == 3\\n    for i in range(3):\\n        assert candidate(i, i) == 2 * i\\n"), "python",
	  "def add(a, b): return a + b\n", VERDICT_ACCEPTED, 0, true, 2, 2, 0, 0, NULL },
	{ "check: each assert is a case, a loop is one", CHECK("add", "def check(candidate):\\n    assert candidate(1, 2) == 0\\n    for i in range(3):\\n        assert candidate(i, i) == 2 * i\\n    assert candidate(2, 2) == 0\\n    assert True\\n"), "python",
	  "def add(a, b): return a + b\n", VERDICT_WRONG_ANSWER, 0, true, 2, 4, 0, 0, "case 1, line 2" },
	{ "check: asserts at the top level", CHECK("add", "x = 2\\nassert add(1, x) == 3\\nassert add(2, x) == 4, \\\"text\\\"\\n"), "python", "def add(a, b): return a + b\n", VERDICT_ACCEPTED, 0, true, 2, 2, 0, 0, NULL },
	{ "check: visible asserts are counted apart",
	  HEAD("add") "{\"kind\":\"calls\",\"visible\":[0],\"check\":\"assert add(1, 2) == 3\\nassert add(2, 2) == 4\\nassert add(0, 0) == 0\\n\"}}", "python",
	  "def add(a, b): return 3\n", VERDICT_WRONG_ANSWER, FLAG_OVERFIT, true, 1, 3, 1, 1, "case 2" },
	{ "check: stops at the first failure when not counting", CHECK("add", "assert add(1, 2) == 4\\nassert add(9, 9) == 18\\n"), "python",
	  "import os\ndef add(a, b): return a + b if a == 1 else os._exit(0)\n", VERDICT_WRONG_ANSWER, 0, false, -1, -1, -1, -1, "case 1" },
	{ "check: killed, the rest fails, the first failure names it", CHECK("add", "assert add(1, 2) == 3\\nassert add(9, 9) == 18\\nassert add(1, 1) == 2\\n"), "python",
	  "import os\ndef add(a, b): return a + b if a == 1 else os._exit(0)\n", VERDICT_RUNTIME_ERROR, FLAG_EARLY_EXIT, true, 1, 3, 0, 0, NULL },
	{ "check: set-up that raises", CHECK("add", "x = add(1, 2) + 'a'\\nassert x\\n"), "python", "def add(a, b): return a + b\n", VERDICT_WRONG_ANSWER, FLAG_TEST_ERROR, true, 0, 1, 0, 0, "TypeError" },
	{ "check: an exception that the test expects", CHECK("f", "def check(candidate):\\n    try:\\n        candidate(1)\\n        assert False\\n    except ValueError as e:\\n        assert str(e) == 'one'\\n"), "python",
	  "class E(ValueError): pass\ndef f(x): raise E('one')\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "check: an exception that it does not", CHECK("f", "def check(candidate):\\n    assert candidate(1) == 1\\n"), "python", "def f(x): raise ValueError('one')\n", VERDICT_RUNTIME_ERROR, FLAG_EXCEPTION, false, -1, -1, -1, -1, "ValueError" },
	{ "check: SystemExit ends it", CHECK("f", "def check(candidate):\\n    try:\\n        candidate(1)\\n    except Exception:\\n        pass\\n"), "python", "import sys\ndef f(x): sys.exit(0)\n", VERDICT_RUNTIME_ERROR, FLAG_EXCEPTION | FLAG_EARLY_EXIT, false, -1, -1, -1, -1, "SystemExit" },
	{ "check: objects of the candidate", CHECK("total", "n = Node(1)\\nn.next = Node(2)\\nn.next.value = 5\\nassert total(n) == 6\\nassert n.next.value == 5 and len(n) == 2 and [x for x in n] == [1, 5] and n[1] == 5\\nassert n == n and n != Node(1) and n.missing() is None\\n"), "python",
	  "class Node:\n def __init__(s, v): s.value, s.next = v, None\n def __iter__(s):\n  while s:\n   yield s.value\n   s = s.next\n def __len__(s): return 2\n def __getitem__(s, i): return list(s)[i]\n def missing(s): pass\n"
	  "def total(n): return sum(n)\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "check: iterators", CHECK("f", "assert list(f(3)) == [0, 1, 2]\\nassert sorted(g(2)) == ['0', '1']\\nassert h({1: 2}) == {1}\\nassert next(f(9)) == 0\\nassert f(1) != [0]\\n"), "python",
	  "def f(n):\n for i in range(n): yield i\ng = lambda n: map(str, range(n))\nh = lambda d: d.keys()\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "check: an endless iterator that the test eats", CHECK("f", "assert list(f()) == []\\n"), "python", "def f():\n while True: yield 'x' * 1000\n", VERDICT_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT, false, -1, -1, -1, -1, NULL },
	{ "check: in place, with identity", CHECK("f", "a = [1]\\nb = [a, a]\\nr = f(b)\\nassert r is b and b[0] is b[1] and b[0] is a and a == [1, 2]\\n"), "python", "def f(x):\n x[0].append(2)\n return x\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "check: collections arrive as such", CHECK("f", "import collections\\nr = f()\\nassert type(r[0]) is collections.Counter and r[0]['a'] == 2 and r[0]['zz'] == 0\\nassert type(r[1]) is collections.deque and r[2].x == 1 and r[2] == (1, 2)\\nassert type(r[3]) is collections.OrderedDict and r[4] == {1: []}\\n"), "python",
	  "from collections import *\nP = namedtuple('P', 'x y')\ndef f():\n d = defaultdict(list)\n d[1]\n return [Counter('aab'), deque([1]), P(1, 2), OrderedDict(a=1), d]\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "check: the prompt's helpers are the prompt's", CONTINUES("dec", "def enc(s):\\n    return s + '!'\\n\\ndef dec(s):\\n", "def check(candidate):\\n    assert candidate(enc('a')) == 'a' and dec(enc('b')) == 'b'\\n"), "python",
	  "def enc(s):\n    return None\n\ndef dec(s):\n    return s[:-1]\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "check: and must be in the program", CONTINUES("dec", "def enc(s):\\n    return s + '!'\\n\\ndef dec(s):\\n", "def check(candidate):\\n    assert candidate(enc('a')) == 'a'\\n"), "python",
	  "def dec(s):\n    return s[:-1]\n", VERDICT_WRONG_ANSWER, FLAG_TEST_ERROR, false, -1, -1, -1, -1, "NameError" },
	{ "check: modules are the judge's own", CHECK("f", "assert f() == math.pi\\nassert math.floor(2.5) == 2\\n"), "python", "import math\nmath.pi = 4\nmath.floor = None\ndef f(): return 3.141592653589793\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "check: test code that is no Python", CHECK("f", "assert f( ==\\n"), "python", "def f(): pass\n", VERDICT_WRONG_ANSWER, FLAG_TEST_ERROR, false, -1, -1, -1, -1, "does not compile" },
	{ "check: a function as argument is not portable", CHECK("f", "assert f(lambda: 1) == 1\\n"), "python", "def f(g): return g()\n", VERDICT_NONE, 0, false, -1, -1, -1, -1, "not portable" },
	{ "check: a test that never ends with what it got", CHECK("f", "x = f()\\nwhile x: pass\\nassert True\\n"), "python", "def f(): return 1\n", VERDICT_TIME_LIMIT, 0, false, -1, -1, -1, -1, "judge" },
	{ "check: answers that take the judge's memory", CHECK("f", "x = f()\\nwhile True: x = x + x\\n"), "python", "def f(): return 'x' * 1000\n", VERDICT_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT, false, -1, -1, -1, -1, NULL },
	{ "check: no program", CHECK("f", "assert f() == 1\\n"), "python", "def f(:\n", VERDICT_COMPILE_ERROR, 0, true, 0, 1, 0, 0, "SyntaxError" },
	/* --- stdio --- */
	{ "stdio: python", TWICE, "python", "print(2 * int(input()))\n", VERDICT_ACCEPTED, 0, true, 2, 2, 1, 1, NULL },
	{ "stdio: python runs as main and knows exit", TWICE, "python", "if __name__ == '__main__':\n print(2 * int(input()))\n exit(0)\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "stdio: wrong in the hidden case", TWICE, "python", "print(6)\n", VERDICT_WRONG_ANSWER, FLAG_OVERFIT, true, 1, 2, 1, 1, "case 2" },
	{ "stdio: right but exit code 3", TWICE, "python", "print(2 * int(input()))\nexit(3)\n", VERDICT_RUNTIME_ERROR, FLAG_NONZERO_EXIT, true, 0, 2, 0, 1, "exit code 3" },
	{ "stdio: python that is none", TWICE, "python", "print(\n", VERDICT_COMPILE_ERROR, 0, true, 0, 2, 0, 1, NULL },
	{ "stdio: python that raises SyntaxError itself", TWICE, "python", "raise SyntaxError\n", VERDICT_RUNTIME_ERROR, FLAG_NONZERO_EXIT, false, -1, -1, -1, -1, NULL },
	{ "stdio: python out of memory", TWICE, "python", "x = bytearray(1 << 33)\n", VERDICT_MEMORY_LIMIT, FLAG_NONZERO_EXIT | FLAG_MEMORY_LIMIT, false, -1, -1, -1, -1, NULL },
	{ "stdio: c", TWICE, "c", "#include <stdio.h>\nint main(void) { int n; scanf(\"%d\", &n); printf(\"%d\\n\", 2 * n); return 0; }\n", VERDICT_ACCEPTED, 0, true, 2, 2, 1, 1, NULL },
	{ "stdio: c that does not compile", TWICE, "c", "int main(void) { return x; }\n", VERDICT_COMPILE_ERROR, 0, false, -1, -1, -1, -1, "compile" },
	{ "stdio: c that ends badly", TWICE, "c", "#include <stdlib.h>\nint main(void) { abort(); }\n", VERDICT_RUNTIME_ERROR, FLAG_SIGNAL, false, -1, -1, -1, -1, "signal 6" },
	{ "stdio: c that loops", TWICE, "c", "int main(void) { for (volatile int i = 0;; i++); }\n", VERDICT_TIME_LIMIT, 0, false, -1, -1, -1, -1, "time" },
	{ "stdio: c that floods", TWICE, "c", "#include <stdio.h>\nint main(void) { for (;;) puts(\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"); }\n", VERDICT_OUTPUT_LIMIT, FLAG_OUTPUT_LIMIT | FLAG_STDOUT_TRUNCATED, false, -1, -1, -1, -1, "output" },
	{ "stdio: c++", TWICE, "cpp", "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << 2 * n << '\\n'; }\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "stdio: c++ out of memory", TWICE, "cpp", "#include <vector>\nint main() { std::vector<char> v(1L << 33); return v[5]; }\n", VERDICT_MEMORY_LIMIT, FLAG_SIGNAL | FLAG_MEMORY_LIMIT, false, -1, -1, -1, -1, NULL },
	{ "stdio: near enough", STDIO("{\"kind\":\"float\",\"abs\":1e-3}", "{\"in\":\"\",\"out\":\"0.3333\\n\"}"), "python", "print(1 / 3)\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "stdio: exact is exact", STDIO("{\"kind\":\"exact\"}", "{\"in\":\"\",\"out\":\"a b\\n\"}"), "python", "print('a  b')\n", VERDICT_WRONG_ANSWER, 0, false, -1, -1, -1, -1, "line 1" },
	{ "validator: python says yes", STDIO(PY_VALIDATOR, SPLIT_CASES), "python", "n = int(input())\nprint(n - 1, 1)\n", VERDICT_ACCEPTED, 0, true, 2, 2, 0, 0, NULL },
	{ "validator: python says no", STDIO(PY_VALIDATOR, SPLIT_CASES), "python", "print(1, 1)\n", VERDICT_WRONG_ANSWER, 0, true, 0, 2, 0, 0, "validator says no" },
	{ "validator: python breaks down over the output", STDIO(PY_VALIDATOR, SPLIT_CASES), "python", "print('zero')\n", VERDICT_WRONG_ANSWER, FLAG_TEST_ERROR, false, -1, -1, -1, -1, "validator ended" },
	{ "validator: c says yes", STDIO(C_VALIDATOR, SPLIT_CASES), "python", "n = int(input())\nprint(n - 1, 1)\n", VERDICT_ACCEPTED, 0, false, -1, -1, -1, -1, NULL },
	{ "validator: c says no", STDIO(C_VALIDATOR, SPLIT_CASES), "c", "int main(void) { return 0; }\n", VERDICT_WRONG_ANSWER, 0, false, -1, -1, -1, -1, NULL },
	{ "validator: one that does not compile is the task's fault", STDIO(VALIDATOR("c", "int main("), SPLIT_CASES), "python", "print(1)\n", VERDICT_INTERNAL_ERROR, 0, false, -1, -1, -1, -1, "quarantine" },
};

static void judge_one(void **state)
{
	const uint32_t loose = FLAG_NEAR_LIMIT | FLAG_REFUSED_CALL;
	const struct row *r = *state;
	struct judgement j;
	struct task *task;
	uint32_t flags;

	(void)bench_or_skip();
	task = bench_task(r->task);
	j = bench_judge(task, r->language, r->program, strlen(r->program), r->all_tests);
	flags = j.flags & ~loose;
	/* On a busy machine the wall clock may come first. */
	if (r->verdict == VERDICT_TIME_LIMIT && !r->flags) {
		assert_true(flags & (FLAG_CPU_LIMIT | FLAG_WALL_LIMIT));
		flags = 0;
	}
	if (j.verdict != r->verdict || flags != r->flags || j.tests_passed != r->passed || j.tests_total != r->total ||
	    j.visible_passed != r->visible_passed || j.visible_total != r->visible_total ||
	    (r->says && (!j.message || !strstr(j.message, r->says))))
		fail_msg("%s, flags %x, %d of %d, visible %d of %d: %s", verdict_name(j.verdict) ?: "none", flags, j.tests_passed,
			 j.tests_total, j.visible_passed, j.visible_total, j.message ? j.message : "");
	assert_string_equal(j.judging, "separate");
	assert_true(strlen(j.tier) > 0 && strlen(j.toolchain) > 0);
	if (j.verdict == VERDICT_ACCEPTED)
		assert_true(j.cpu_us > 0 && j.memory_bytes > 0);
	if (r->verdict == VERDICT_COMPILE_ERROR && task->kind == TESTS_STDIO)
		assert_true(j.compile_output && strstr(j.compile_output, "rror"));
	judgement_clear(&j);
	task_free(task);
}

/* --- what is around a judgement --- */

static void judge__nul_bytes_are_no_program(void **state)
{
	struct task *task;
	struct judgement j;

	(void)state;
	(void)bench_or_skip();
	task = bench_task(ADD);
	j = bench_judge(task, "python", "x = 1\0\n", 7, false);
	assert_int_equal(j.verdict, VERDICT_COMPILE_ERROR);
	judgement_clear(&j);
	j = bench_judge(task, "python", "\xff\xfe", 2, false);
	assert_int_equal(j.verdict, VERDICT_COMPILE_ERROR);
	judgement_clear(&j);
	task_free(task);
}

struct tally {
	unsigned n[VERDICT_COUNT], calls;
};

static void tally_up(void *ctx, uint64_t id, struct judgement *j)
{
	struct tally *t = ctx;

	(void)id;
	t->calls++;
	t->n[j->verdict]++;
}

static void judge__many_in_flight_and_some_cancelled(void **state)
{
	struct judge *judge = bench_or_skip();
	struct task *tasks[] = { bench_task(ADD), bench_task(CHECK("add", "assert add(1, 2) == 3\\n")), bench_task(TWICE) };
	static const char *const programs[] = { "def add(a, b): return a + b\n", "def add(a, b): return 7\n", "print(2 * int(input()))\n" };
	struct error err = ERROR_INIT;
	struct tally tally = { 0 };
	uint64_t ids[30], deadline = clock_now_us() + 100000000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct judge_request req = { .task = tasks[i % 3], .language = "python",
					     .program = i % 3 == 2 ? programs[2] : programs[i % 2] };

		req.program_len = strlen(req.program);
		req.limits = limits_merge(&req.task->limits, NULL);
		assert_int_equal(judge_submit(judge, &req, tally_up, &tally, &ids[i], &err), 0);
	}
	assert_int_equal(judge_in_flight(judge), 30);
	(void)judge_wait(judge, 1000000, &err);
	for (size_t i = 20; i < 30; i++)
		judge_cancel(judge, ids[i]);
	while (judge_in_flight(judge) && clock_now_us() < deadline)
		assert_true(judge_wait(judge, 1000000, &err) >= 0);
	assert_true(tally.calls >= 20);
	/* 0, 6, 12, 18 and 4, 10, 16 are right; 2, 5, 8 … are the stdio ones; the rest wrong. */
	assert_true(tally.n[VERDICT_ACCEPTED] >= 13);
	assert_true(tally.n[VERDICT_WRONG_ANSWER] >= 7);
	assert_int_equal(tally.n[VERDICT_ACCEPTED] + tally.n[VERDICT_WRONG_ANSWER], tally.calls);
	for (size_t i = 0; i < 3; i++)
		task_free(tasks[i]);
}

static struct exec_result ran;

static void keep_run(void *ctx, uint64_t id, struct exec_result *r)
{
	(void)id;
	*(bool *)ctx = true;
	ran = *r;
	buf_init(&r->out, 0);
	buf_init(&r->err, 0);
	buf_init(&r->compile_out, 0);
}

static void run_it(const char *language, const char *program, const char *in)
{
	struct judge *judge = bench_or_skip();
	struct exec_request req = { .language = language, .program = program, .program_len = strlen(program),
				    .stdin_data = in, .stdin_len = strlen(in), .limits = LIMITS_DEFAULT, .keep_bytes = 100 };
	uint64_t deadline = clock_now_us() + 100000000;
	struct error err = ERROR_INIT;
	bool done = false;

	assert_int_equal(judge_exec(judge, &req, keep_run, &done, NULL, &err), 0);
	while (!done && clock_now_us() < deadline)
		assert_true(judge_wait(judge, 1000000, &err) >= 0);
	assert_true(done);
}

static void exec__runs_a_bare_program(void **state)
{
	(void)state;
	run_it("python", "import sys\nprint(input() + '!')\nsys.stderr.write('e')\n", "hi\n");
	assert_int_equal(ran.verdict, VERDICT_OK);
	assert_string_equal(ran.out.data, "hi!\n");
	assert_string_equal(ran.err.data, "e");
	assert_int_equal(ran.exit_code, 0);
	assert_false(ran.compiled);
	exec_result_clear(&ran);
	run_it("python", "print('x' * 1000)\nraise SystemExit(4)\n", "");
	assert_int_equal(ran.verdict, VERDICT_RUNTIME_ERROR);
	assert_int_equal(ran.exit_code, 4);
	assert_true(ran.out_truncated && ran.out.len == 100);
	exec_result_clear(&ran);
	run_it("c", "#include <stdio.h>\nint main(void) { puts(\"c\"); return 0; }\n", "");
	assert_int_equal(ran.verdict, VERDICT_OK);
	assert_true(ran.compiled && ran.compile_verdict == VERDICT_OK && ran.compile_exit_code == 0);
	assert_string_equal(ran.out.data, "c\n");
	exec_result_clear(&ran);
	run_it("cpp", "int main() { return x; }\n", "");
	assert_int_equal(ran.verdict, VERDICT_COMPILE_ERROR);
	assert_true(ran.compiled && ran.compile_verdict == VERDICT_COMPILE_ERROR);
	assert_non_null(strstr(ran.compile_out.data, "error"));
	exec_result_clear(&ran);
}

static void key__is_what_a_verdict_depends_on(void **state)
{
	struct judge *judge = bench_or_skip();
	struct task *add = bench_task(ADD), *other = bench_task(CHECK("add", "assert add(1, 2) == 3\\n"));
	struct judge_request base = { .task = add, .language = "python", .program = "x = 1\n", .program_len = 6,
				      .limits = LIMITS_DEFAULT };
	struct judge_request r[10];
	uint8_t keys[10][HASH_SHA256_BYTES], again[HASH_SHA256_BYTES];
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = base;
	r[1].program_len = 5;
	r[2].task = other;
	r[3].language = "c";
	r[4].limits.cpu_us++;
	r[5].limits.memory_bytes++;
	r[6].seed = 1;
	r[7].all_tests = true;
	r[8].limits.processes++;
	r[9].confirm = true;
	for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
		assert_int_equal(judge_verdict_key(judge, &r[i], keys[i], &err), 0);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(keys[i], keys[k], HASH_SHA256_BYTES);
	}
	assert_int_equal(judge_verdict_key(judge, &base, again, &err), 0);
	assert_memory_equal(keys[0], again, HASH_SHA256_BYTES);
	base.language = "py"; /* another name for the same */
	assert_int_equal(judge_verdict_key(judge, &base, again, &err), 0);
	assert_memory_equal(keys[0], again, HASH_SHA256_BYTES);
	base.language = "cobol";
	assert_int_equal(judge_verdict_key(judge, &base, again, &err), ERR_INPUT);
	task_free(add);
	task_free(other);
}

static void skip__says_what_cannot_be_judged(void **state)
{
	struct judge *judge = bench_or_skip();
	struct task *calls = bench_task(ADD), *stdio = bench_task(TWICE);
	struct judge_request req = { .task = calls, .language = "cobol", .program = "", .limits = LIMITS_DEFAULT };
	struct error err = ERROR_INIT;

	(void)state;
	assert_null(judge_skip_reason(judge, calls, "python"));
	assert_null(judge_skip_reason(judge, stdio, "c"));
	assert_null(judge_skip_reason(judge, calls, "c"));
	assert_string_equal(judge_skip_reason(judge, calls, "cobol"), "no_toolchain");
	assert_int_equal(judge_submit(judge, &req, tally_up, NULL, NULL, &err), ERR_INPUT);
	assert_non_null(strstr(err.msg, "cobol"));
	task_free(calls);
	task_free(stdio);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 5];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, judge_one);
	ADD_TEST(tests, n, judge__nul_bytes_are_no_program);
	ADD_TEST(tests, n, judge__many_in_flight_and_some_cancelled);
	ADD_TEST(tests, n, exec__runs_a_bare_program);
	ADD_TEST(tests, n, key__is_what_a_verdict_depends_on);
	ADD_TEST(tests, n, skip__says_what_cannot_be_judged);
	return RUN_ADDED("judge", tests, n, bench_open, bench_close);
}
