/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_warm.c - a run that is forked from a warm runner is, to its program and to us, as one that was
 * started anew: each program is run by a judge that takes shortcuts and by one that takes none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "filters/judge.h"
#include "tests/unit/filters/table.h"

#define PATIENCE_US UINT64_C(60000000)
#define TRIES 200
#define CPU_US UINT64_C(1000000)
#define CPU_MUCH_US UINT64_C(30000000) /* however dear a page is */

static struct language_set languages;
static struct judge *warm, *plain;

static int setup(void **state)
{
	struct judge_options opt = { .sandbox = SANDBOX_OPTIONS_INIT, .languages = &languages };
	struct error err = ERROR_INIT;

	(void)state;
	opt.sandbox.slots = 1;
	opt.sandbox.tier_given = getenv("WARM_LANDLOCK") != NULL;
	opt.sandbox.tier = TIER_LANDLOCK; /* where it is given */
	if (language_load(language_default_dir(), &languages, &err) < 0 || language_detect(&languages, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return -1;
	}
	if (judge_open(&opt, &warm, &err) < 0)
		warm = NULL;
	opt.plain = true;
	if (warm && judge_open(&opt, &plain, &err) < 0)
		return -1;
	return warm || err.code == ERR_KERNEL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	judge_close(warm);
	judge_close(plain);
	language_set_clear(&languages);
	return 0;
}

struct ran {
	struct exec_result r;
	bool done;
};

static void keep(void *ctx, uint64_t id, struct exec_result *result)
{
	struct ran *ran = ctx;

	(void)id;
	ran->r = *result;
	*result = (struct exec_result){ 0 };
	ran->done = true;
}

static struct exec_result run_for(struct judge *j, const char *program, const char *input, uint64_t cpu_us)
{
	struct exec_request req = {
		.language = "python",
		.program = program,
		.program_len = strlen(program),
		.stdin_data = input,
		.stdin_len = input ? strlen(input) : 0,
		.keep_bytes = 1 << 16,
	};
	uint64_t deadline = clock_now_us() + PATIENCE_US;
	struct ran ran = { 0 };
	struct error err = ERROR_INIT;

	req.limits = limits_merge(&(struct limits){ .cpu_us = cpu_us, .memory_bytes = 256u << 20 }, NULL);
	assert_int_equal(judge_exec(j, &req, keep, &ran, NULL, &err), 0);
	while (!ran.done && clock_now_us() < deadline)
		if (judge_wait(j, 1000000, &err) < 0)
			fail_msg("%s", err.msg);
	assert_true(ran.done);
	return ran.r;
}

static struct exec_result run(struct judge *j, const char *program, const char *input)
{
	return run_for(j, program, input, CPU_US);
}

/* Until a runner is there: only a fork of one has ctypes loaded that nobody asked for. */
static void warm_up(void)
{
	for (int i = 0; i < TRIES; i++) {
		struct exec_result r = run(warm, "import sys\nprint('ctypes' in sys.modules)", NULL);
		bool is = r.out.len >= 4 && memcmp(r.out.data, "True", 4) == 0;

		exec_result_clear(&r);
		if (is)
			return;
	}
	fail_msg("no run was forked from a warm runner");
}

#define ANY_MESSAGE 1u /* what is written to stderr names other lines */
#define MUCH_CPU 2u    /* meets another limit than that of CPU time */

static struct row {
	const char *name, *program, *input;
	unsigned how;
} rows[] = {
	{ "warm: environment, folder, descriptors, ids", 
	  "import os, sys\n"
	  "home = os.path.dirname(os.getcwd())\n" /* another for each run, where there is no root of its own */
	  "print(sorted((k, v.replace(home, 'HOME')) for k, v in os.environ.items()), os.path.basename(os.getcwd()))\n"
	  "print(os.umask(0), os.getresuid()[0] > 0, os.getgroups(), os.getpgrp() == os.getpid())\n"
	  "print(sorted(os.listdir('.')), sorted(os.listdir('..')), os.listdir(os.environ['TMPDIR']), os.stat('main.py').st_mode)\n"
	  "def is_open(n):\n try: os.fstat(n)\n except OSError: return False\n return True\n"
	  "print([n for n in range(256) if is_open(n)])\n", NULL, 0 },
	{ "warm: limits",
	  "import resource as r\n"
	  "print([(n, r.getrlimit(getattr(r, n))) for n in dir(r) if n.startswith('RLIMIT_') and n != 'RLIMIT_AS'])\n", NULL, 0 },
	{ "warm: the address space that is left",
	  "import mmap\nn = 0\nheld = []\ntry:\n while True:\n  held.append(mmap.mmap(-1, 8 << 20))\n  n += 1\nexcept OSError: pass\nprint(n)\n",
	  NULL, 0 },
	{ "warm: signals", "import signal as s\nprint([(n, str(s.getsignal(n))) for n in range(1, 65)], s.pthread_sigmask(s.SIG_BLOCK, []))\n",
	  NULL, 0 },
	{ "warm: the interpreter",
	  "import sys, _thread\nprint(sys.argv, sys.path, sys.flags, hash('abc'), __name__, sorted(globals()), sys.getrecursionlimit(), _thread.stack_size())\n"
	  "print([(f.fileno(), f.encoding, f.errors, f.line_buffering, f.isatty(), f.mode) for f in (sys.stdin, sys.stdout, sys.stderr)])\n",
	  NULL, 0 },
	{ "warm: input read in parts", "import sys\nprint(input(), sys.stdin.readline(), sys.stdin.buffer.read(), sys.stdin.read())\n", "a b\nc\nd\n", 0 },
	{ "warm: no input", "try:\n input()\nexcept EOFError: print('end')\n", NULL, 0 },
	{ "warm: threads", "import threading\nt = threading.Thread(target=print, args=('hello',))\nt.start()\nt.join()\nprint(threading.active_count())\n",
	  NULL, 0 },
	{ "warm: random is random, and seeded alike",
	  "import random\nrandom.seed(5)\nprint(random.random(), random.SystemRandom().random() != random.SystemRandom().random())\n", NULL, 0 },
	{ "warm: imports", "import math, decimal, json, re, collections, statistics, heapq\nprint(math.pi, decimal.Decimal('1.1'), json.dumps({'a': [1]}))\n",
	  NULL, 0 },
	{ "warm: at exit", "import atexit\natexit.register(print, 'bye')\nprint('hello', end=' ')\n", NULL, 0 },
	{ "warm: what an end runs",
	  "import atexit, weakref\n"
	  "class A:\n def __init__(self, n): self.n = n\n def __del__(self): print('gone', self.n)\n"
	  "a, b = A(1), A(2)\nb.itself = b\natexit.register(print, 'bye')\nprint('hello')\n", NULL, 0 },
	{ "warm: an end of no dictionary", "class A:\n __slots__ = ()\n def __del__(self): print('gone')\na = A()\n", NULL, 0 },
	{ "warm: an end added later", "class A: pass\na = A()\nA.__del__ = lambda self: print('gone')\n", NULL, 0 },
	{ "warm: an end of a class of classes", "class M(type):\n def __del__(self): print('gone')\nclass A(metaclass=M): pass\n", NULL, 0 },
	{ "warm: a generator that waits", "def g():\n try: yield\n finally: print('gone')\nx = g()\nnext(x)\n", NULL, 0 },
	{ "warm: a generator in a frame", "def g():\n try: yield\n finally: print('gone')\ndef f():\n x = g()\n next(x)\n raise ValueError\nf()\n", NULL,
	  ANY_MESSAGE },
	{ "warm: a file that nobody closed", "f = open('kept', 'w')\nf.write('x' * 100)\nimport atexit\n"
	  "atexit.register(lambda: print(open('kept').read()))\n", NULL, 0 },
	{ "warm: another standard output", "import io, os, sys\nprint('a')\nsys.stdout = open(os.dup(1), 'w')\nprint('b')\n", NULL, 0 },
	{ "warm: written behind its back", "import ctypes\nctypes.CDLL(None).puts(b'a')\n", NULL, 0 },
	{ "warm: no standard output", "import os\nprint('x')\nos.close(1)\n", NULL, 0 },
	{ "warm: a closed standard output", "import sys\nprint('x')\nsys.stdout.close()\n", NULL, 0 },
	{ "warm: a reference with a callback", "import weakref\nclass A: pass\na = A()\nr = weakref.ref(a, lambda r: print('gone'))\n", NULL, 0 },
	{ "warm: a finalizer", "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'gone')\n", NULL, 0 },
	{ "warm: a thread that goes on", "import threading, time\n"
	  "threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()\nprint('early')\n", NULL, 0 },
	{ "warm: a thread that nobody waits for", "import threading, time\n"
	  "threading.Thread(target=lambda: time.sleep(100), daemon=True).start()\nprint('early')\n", NULL, 0 },
	{ "warm: frozen before the end", "import gc\nclass A:\n def __del__(self): print('gone')\na = A()\ngc.freeze()\n", NULL, 0 },
	{ "warm: a trace of all lines", "import sys\nsys.settrace(lambda *a: print(a[1]))\n", NULL, 0 },
	{ "warm: exit codes", "import sys\nsys.exit(-300)\n", NULL, 0 },
	{ "warm: an exit of none", "import sys\nprint('x')\nsys.exit()\n", NULL, 0 },
	{ "warm: an exit of true", "import sys\nsys.exit(True)\n", NULL, 0 },
	{ "warm: interrupted", "raise KeyboardInterrupt\n", NULL, ANY_MESSAGE },
	{ "warm: exit code", "import sys\nprint('x')\nsys.exit(3)\n", NULL, 0 },
	{ "warm: exit words", "import sys\nsys.exit('no')\n", NULL, 0 },
	{ "warm: an exception", "print('x', flush=True)\nraise ValueError('no')\n", NULL, ANY_MESSAGE },
	{ "warm: no program at all", "def f(:\n", NULL, 0 },
	{ "warm: abort", "import os\nos.abort()\n", NULL, ANY_MESSAGE },
	{ "warm: kill -9", "import os\nos.kill(os.getpid(), 9)\n", NULL, 0 },
	{ "warm: too much memory", "x = bytearray(1 << 30)\n", NULL, ANY_MESSAGE | MUCH_CPU },
	{ "warm: too deep", "def f(n): return f(n + 1) + 1\nf(0)\n", NULL, ANY_MESSAGE },
	{ "warm: too long", "while True: pass\n", NULL, 0 },
	{ "warm: too much output", "while True: print('x' * 1000)\n", NULL, ANY_MESSAGE },
	{ "warm: a process", "import os\nprint('before', flush=True)\nos.fork()\nprint('after')\n", NULL, ANY_MESSAGE },
	{ "warm: a socket", "import socket\nsocket.socket()\n", NULL, ANY_MESSAGE },
	{ "warm: what the runner holds",
	  "import os\nfor n in (64, 96, 97, 100):\n try: os.write(n, b'x')\n except OSError as e: print(e.errno)\n", NULL, 0 },
	{ "warm: nothing of a run before", "import os\nprint(os.path.exists('left'), os.path.exists(os.environ['TMPDIR'] + '/left'))\n"
	  "open('left', 'w').close()\nopen(os.environ['TMPDIR'] + '/left', 'w').close()\n", NULL, 0 },
};

static void same(const char *what, const struct buf *a, const struct buf *b)
{
	if (a->len != b->len || (a->len && memcmp(a->data, b->data, a->len) != 0))
		fail_msg("%s: warm:\n%.*s\nplain:\n%.*s", what, (int)a->len, a->data ? a->data : "", (int)b->len,
			 b->data ? b->data : "");
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct exec_result a, b;

	if (!warm) {
		skip();
		return;
	}
	warm_up();
	for (int twice = 0; twice < 2; twice++) {
		uint64_t cpu_us = row->how & MUCH_CPU ? CPU_MUCH_US : CPU_US;

		a = run_for(warm, row->program, row->input, cpu_us);
		b = run_for(plain, row->program, row->input, cpu_us);
		if (!(row->how & ANY_MESSAGE)) {
			same("stdout", &a.out, &b.out);
			same("stderr", &a.err, &b.err);
		}
		assert_int_equal(a.verdict, b.verdict);
		assert_int_equal(a.flags, b.flags);
		assert_int_equal(a.exit_code, b.exit_code);
		assert_int_equal(a.signal, b.signal);
		exec_result_clear(&a);
		exec_result_clear(&b);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, test_row);
	return RUN_ADDED("warm", tests, n, setup, teardown);
}
