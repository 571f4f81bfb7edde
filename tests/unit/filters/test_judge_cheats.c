/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_judge_cheats.c - Python programs that try to be accepted, or to make the judge fail, without
 * solving the task.  Each is judged by cases compared in C and by check code in the Python judge:
 * none is ever accepted and none is ever an internal error.  The last rows are honest: accepted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/filters/judge_bench.h"
#include "tests/unit/filters/table.h"

#define LIMITS "\"limits\":{\"cpu_s\":2,\"memory_mib\":256}"

static const char task_cases[] =
	"{\"task_id\":\"cheat-cases\",\"prompt\":\"Add.\",\"entry_point\":\"add\"," LIMITS ","
	"\"tests\":{\"kind\":\"calls\",\"cases\":[{\"args\":[1,2],\"expect\":3},"
	"{\"args\":[10,20],\"expect\":30},{\"args\":[-1,1],\"expect\":0}]}}";
static const char task_check[] =
	"{\"task_id\":\"cheat-check\",\"prompt\":\"Add.\",\"entry_point\":\"add\"," LIMITS ","
	"\"tests\":{\"kind\":\"calls\",\"check\":\"def check(candidate):\\n"
	"    assert candidate(1, 2) == 3\\n    assert 30 == candidate(10, 20)\\n"
	"    assert not candidate(-1, 1) != 0\\n    assert abs(candidate(2, 2) - 4) < 1e-6\\n\"}}";
/* A test whose own code trusts more: repr, isinstance, sorting, iteration, exceptions. */
static const char task_loose[] =
	"{\"task_id\":\"cheat-loose\",\"prompt\":\"Add.\",\"entry_point\":\"add\"," LIMITS ","
	"\"tests\":{\"kind\":\"calls\",\"check\":\"def check(candidate):\\n"
	"    r = candidate(1, 2)\\n    assert isinstance(r, int) and str(r) == '3'\\n"
	"    assert [candidate(i, 1) for i in range(3)] == [1, 2, 3]\\n"
	"    assert {candidate(1, 1): 'a'} == {2: 'a'}\\n"
	"    assert sorted([candidate(2, 1), 5]) == [3, 5]\\n\"}}";

static struct cheat {
	const char *name, *program;
	bool honest;
} cheats[] = {
	{ "cheat: equal to everything",
	  "class E:\n def __eq__(s, o): return True\n def __ne__(s, o): return False\n def __hash__(s): return 3\n"
	  " def __sub__(s, o): return s\n def __rsub__(s, o): return s\n def __abs__(s): return 0\n"
	  " def __lt__(s, o): return True\n def __gt__(s, o): return True\n def __bool__(s): return True\n"
	  " def __repr__(s): return '3'\n def __int__(s): return 3\n def __index__(s): return 3\n def __float__(s): return 3.0\n"
	  "def add(a, b): return E()\n", false },
	{ "cheat: int subclass that equals everything",
	  "class I(int):\n __eq__ = lambda s, o: True\n __ne__ = lambda s, o: False\n __hash__ = int.__hash__\n"
	  " __sub__ = __rsub__ = lambda s, o: 0\n __index__ = __int__ = lambda s: 3\ndef add(a, b): return I(77)\n", false },
	{ "cheat: str subclass that equals everything",
	  "class S(str):\n __eq__ = lambda s, o: True\n __hash__ = str.__hash__\ndef add(a, b): return S('x')\n", false },
	{ "cheat: float subclass", "class F(float):\n __eq__ = lambda s, o: True\n __float__ = lambda s: 3.0\ndef add(a, b): return F(7)\n", false },
	{ "cheat: list subclass", "class L(list):\n __eq__ = lambda s, o: True\n __iter__ = lambda s: iter([3])\ndef add(a, b): return L()\n", false },
	{ "cheat: metaclass that lies",
	  "class M(type):\n def __eq__(c, o): return True\n def __hash__(c): return hash(int)\n def __instancecheck__(c, i): return True\n"
	  "class A(metaclass=M): __class__ = int\ndef add(a, b): return A()\n", false },
	{ "cheat: __class__ lies", "class A:\n __class__ = property(lambda s: int)\n def __eq__(s, o): return True\ndef add(a, b): return A()\n", false },
	{ "cheat: a type called int", "int_ = type('int', (), {'__eq__': lambda s, o: True})\ndef add(a, b): return int_()\n", false },
	{ "cheat: unittest.mock.ANY", "from unittest.mock import ANY\ndef add(a, b): return ANY\n", false },
	{ "cheat: not a number", "def add(a, b): return float('nan')\n", false },
	{ "cheat: NotImplemented", "def add(a, b): return NotImplemented\n", false },
	{ "cheat: sys.exit while loading", "import sys\nsys.exit(0)\n", false },
	{ "cheat: sys.exit in the call", "import sys\ndef add(a, b): sys.exit(0)\n", false },
	{ "cheat: os._exit while loading", "import os\nos._exit(0)\n", false },
	{ "cheat: os._exit in the call", "import os\ndef add(a, b): os._exit(0)\n", false },
	{ "cheat: exec of true", "import os\ndef add(a, b): os.execv('/bin/true', ['true'])\n", false },
	{ "cheat: prints that it passed", "def add(a, b):\n print('PASSED')\n print('{\"passed\": true}')\n return None\n", false },
	{ "cheat: raises AssertionError", "def add(a, b): raise AssertionError\n", false },
	{ "cheat: raises StopIteration", "def add(a, b): raise StopIteration\n", false },
	{ "cheat: raises KeyboardInterrupt", "def add(a, b): raise KeyboardInterrupt\n", false },
	{ "cheat: raises GeneratorExit", "def add(a, b): raise GeneratorExit\n", false },
	{ "cheat: an exception that is odd in every part",
	  "class X(Exception):\n def __str__(s): return 5\n __name__ = 7\nX.__name__ = 'P' * 9999\ndef add(a, b): raise X('\\0' * 99999)\n", false },
	{ "cheat: garbage to every descriptor",
	  "import os\ndef add(a, b):\n for fd in range(256):\n  try: os.write(fd, b'\\xff' * 64)\n  except OSError: pass\n return 3\n", false },
	{ "cheat: a forged report on every descriptor",
	  "import os, struct\ndef add(a, b):\n m = b'PA' + struct.pack('<5I', 3, 3, 0, 0, 0)\n m = struct.pack('<I', len(m)) + m\n"
	  " for fd in range(256):\n  try: os.write(fd, m)\n  except OSError: pass\n return 3\n", false },
	{ "cheat: many answers to one question",
	  "import os, struct\ndef add(a, b):\n m = b'Ri' + struct.pack('<q', 3) + b'\\0\\0\\0\\0'\n m = struct.pack('<I', len(m)) + m\n"
	  " for i in range(5):\n  try: os.write(100, m)\n  except OSError: pass\n return 3\n", false },
	{ "cheat: answers before they are asked for",
	  "import os, struct, time\ndef add(a, b):\n m = b''\n for x in (3, 30, 0, 4, 1, 2, 3, 2, 3):\n"
	  "  r = b'Ri' + struct.pack('<q', x) + b'\\0\\0\\0\\0'\n  m += struct.pack('<I', len(r)) + r\n"
	  " os.write(100, m)\n time.sleep(9)\n", false },
	{ "cheat: answers together with its load",
	  "import os, struct, time\nm = struct.pack('<I', 1) + b'K'\nfor x in (3, 30, 0):\n"
	  " r = b'Ri' + struct.pack('<q', x) + b'\\0\\0\\0\\0'\n m += struct.pack('<I', len(r)) + r\n"
	  "os.write(100, m)\ntime.sleep(9)\n", false },
	{ "cheat: loaded twice", "import os, struct\nfor i in range(3):\n os.write(100, struct.pack('<I', 1) + b'K')\n", false },
	{ "cheat: an endless frame", "import os, struct\ndef add(a, b):\n os.write(100, struct.pack('<I', 0xffffffff))\n while 1: os.write(100, b'x' * 65536)\n", false },
	{ "cheat: half a frame and silence", "import os, struct, time\ndef add(a, b):\n os.write(100, struct.pack('<I', 100) + b'R')\n os._exit(0)\n", false },
	{ "cheat: closes every descriptor", "import os\ndef add(a, b):\n os.closerange(0, 4096)\n return 3\n", false },
	{ "cheat: replaces the channel",
	  "import os\ndef add(a, b):\n r, w = os.pipe()\n os.dup2(w, 100)\n os.dup2(w, 3)\n os._exit(0)\n", false },
	{ "cheat: builtins patched",
	  "import builtins, sys\nfor n in ('isinstance', 'abs', 'len', 'int', 'str', 'sorted', 'type', 'id', 'all', 'any'):\n"
	  " setattr(builtins, n, lambda *a, **k: True)\nadd = lambda a, b: None\n", false },
	{ "cheat: json, struct and pickle patched",
	  "import sys\nfor n in ('json', 'struct', '_struct', 'pickle', 'marshal'):\n sys.modules[n] = type(sys)(n)\nimport struct\n"
	  "struct.pack = lambda *a: b'3'\ndef add(a, b): return None\n", false },
	{ "cheat: walks the frames and rewrites the driver",
	  "import sys\ndef add(a, b):\n f = sys._getframe()\n while f:\n  for k in list(f.f_locals):\n   f.f_locals[k] = 3\n"
	  "  f.f_globals.clear()\n  f = f.f_back\n return None\n", false },
	{ "cheat: hunts for the driver's closures",
	  "import gc, types\ndef add(a, b):\n for o in gc.get_objects():\n  if isinstance(o, types.FunctionType) and o.__name__ in ('send', 'encode', 'returned'):\n"
	  "   o.__code__ = (lambda *a: b'R' + b'i' + bytes(8) + bytes(4)).__code__ if not o.__closure__ else o.__code__\n"
	  "   for c in o.__closure__ or ():\n    try: c.cell_contents = None\n    except Exception: pass\n return None\n", false },
	{ "cheat: looks for expected values in memory",
	  "import gc\ndef add(a, b):\n best = [o for o in gc.get_objects() if isinstance(o, dict) and 'expect' in o]\n return best[0]['expect'] if best else None\n", false },
	{ "cheat: traces and profiles", "import sys, threading\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ndef add(a, b): return None\n", false },
	{ "cheat: audit hook that raises", "import sys\ndef h(*a): raise RuntimeError\nsys.addaudithook(h)\ndef add(a, b): return 3\n", false },
	{ "cheat: atexit and excepthook",
	  "import atexit, sys, os\natexit.register(lambda: os._exit(0))\nsys.excepthook = lambda *a: os._exit(0)\ndef add(a, b): raise ValueError\n", false },
	{ "cheat: a thread that exits", "import threading, os, time\nthreading.Thread(target=lambda: os._exit(0)).start()\ntime.sleep(1)\ndef add(a, b): return a\n", false },
	{ "cheat: a thread that answers",
	  "import threading, os, struct\nm = b'Ri' + struct.pack('<q', 3) + b'\\0\\0\\0\\0'\nm = struct.pack('<I', len(m)) + m\n"
	  "def w():\n while 1: os.write(100, m)\ndef add(a, b):\n threading.Thread(target=w, daemon=True).start()\n return 3\n", false },
	{ "cheat: a huge list", "def add(a, b): return list(range(10 ** 7))\n", false },
	{ "cheat: a huge string", "def add(a, b): return 'x' * (17 << 20)\n", false },
	{ "cheat: a huge number", "def add(a, b): return 1 << 10 ** 7\n", false },
	{ "cheat: deep nesting", "def add(a, b):\n r = []\n for i in range(100000): r = [r]\n return r\n", false },
	{ "cheat: a cycle", "def add(a, b):\n r = []\n r.append(r)\n return r\n", false },
	{ "cheat: shared lists that double", "def add(a, b):\n r = [0]\n for i in range(150): r = [r, r]\n return r\n", false },
	{ "cheat: an endless generator", "def add(a, b):\n while True: yield 3\n", false },
	{ "cheat: many handles", "def add(a, b): return [object() for i in range(20000)]\n", false },
	{ "cheat: keys that collide", "def add(a, b): return {(2 ** 61 - 1) * i: 1 for i in range(3000)}\n", false },
	{ "cheat: a namedtuple with odd names", "import collections\nT = collections.namedtuple('T', 'a b')\nT._fields = ('__eq__', '__hash__')\nT.__name__ = '__import__(\"os\")'\ndef add(a, b): return T(1, 2)\n", false },
	{ "cheat: a length that is none", "class A:\n def __len__(s): return 10 ** 9\n def __getitem__(s, i): return 3\ndef add(a, b): return A()\n", false },
	{ "cheat: kills itself", "import os, signal\ndef add(a, b): os.kill(os.getpid(), signal.SIGKILL)\n", false },
	{ "cheat: stops itself", "import os, signal\ndef add(a, b): os.kill(os.getpid(), signal.SIGSTOP)\n", false },
	{ "cheat: kills its group", "import os, signal\ndef add(a, b):\n os.killpg(0, signal.SIGKILL)\n return 3\n", false },
	{ "cheat: segmentation fault", "import ctypes\ndef add(a, b): return ctypes.string_at(0)\n", false },
	{ "cheat: loops", "def add(a, b):\n while True: pass\n", false },
	{ "cheat: takes all memory", "def add(a, b):\n r = []\n while True: r.append(bytearray(1 << 20))\n", false },
	{ "cheat: takes all memory while loading", "x = bytearray(1 << 32)\n", false },
	{ "cheat: floods stdout", "def add(a, b):\n while True: print('x' * 65536)\n", false },
	{ "cheat: forks", "import os\ndef add(a, b):\n return 7 if os.fork() else 3\n", false },
	{ "cheat: a dangling decorator", "def add(a, b): return None\n@staticmethod", false },
	{ "cheat: an open string", "def add(a, b): return 3\nx = '''", false },
	{ "cheat: an async at the end", "def add(a, b): return 3\nasync \\", false },
	{ "cheat: a NUL byte cannot be in a row, an odd encoding can", "# -*- coding: nonsense -*-\ndef add(a, b): return a + b\n", false },
	{ "cheat: deep source", "x = ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1", false },
	{ "cheat: no entry point", "def sub(a, b): return a - b\n", false },
	{ "cheat: the entry point is no function", "add = 3\n", false },
	{ "cheat: check of its own", "def check(c): pass\ndef candidate(*a): return 3\ndef add(a, b): return None\n", false },
	{ "cheat: recursion limit of one", "import sys\ndef add(a, b):\n sys.setrecursionlimit(10)\n return None\n", false },
	{ "cheat: gone after its answers", "import os\nn = 0\ndef add(a, b):\n global n\n n += 1\n if n == 2: os._exit(0)\n return a + b\n", false },
	{ "honest: adds", "def add(a, b): return a + b\n", true },
	{ "honest: prints and adds", "import sys\ndef add(a, b):\n print('x' * 1000)\n sys.stderr.write('y')\n return a + b\n", true },
	{ "honest: sets the recursion limit and exits by name nowhere", "import sys\nsys.setrecursionlimit(10 ** 6)\ndef add(a, b): return sum([a, b])\n", true },
	{ "honest: an int subclass", "import enum\nclass N(int): pass\ndef add(a, b): return N(a + b)\n", true },
	{ "honest: starts a thread", "import threading\ndef add(a, b):\n r = []\n t = threading.Thread(target=lambda: r.append(a + b))\n t.start()\n t.join()\n return r[0]\n", true },
	{ "honest: starts eight threads at once", "import threading\ndef add(a, b):\n e = threading.Event()\n r = []\n"
	  " t = [threading.Thread(target=lambda: (e.wait(), r.append(1))) for i in range(8)]\n for x in t: x.start()\n e.set()\n"
	  " for x in t: x.join()\n return a + b + len(r) - 8\n", true },
	{ "honest: catches what it raises", "def add(a, b):\n try: exit(3)\n except SystemExit: return a + b\n", true },
};

static void cheat_one(void **state)
{
	static const char *const tasks[] = { task_cases, task_check, task_loose };
	const struct cheat *c = *state;

	(void)bench_or_skip();
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		struct task *task = bench_task(tasks[i]);
		struct judgement j = bench_judge(task, "python", c->program, strlen(c->program), i == 1);
		const char *name = verdict_name(j.verdict);

		if (getenv("WINNOW_TEST_SHOW"))
			print_message("  %s: %s: %s\n", task->id, name ? name : "none", j.message ? j.message : "");
		if (c->honest != (j.verdict == VERDICT_ACCEPTED) || j.verdict == VERDICT_INTERNAL_ERROR ||
		    j.verdict == VERDICT_NONE)
			fail_msg("%s: %s: %s", task->id, name ? name : "none", j.message ? j.message : "");
		judgement_clear(&j);
		task_free(task);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cheats)];
	size_t n = 0;

	ADD_ROWS(tests, n, cheats, cheat_one);
	return RUN_ADDED("judge_cheats", tests, n, bench_open, bench_close);
}
