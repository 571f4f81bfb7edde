# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a small task set, samples of known verdict, and ways to run the program.

Needs WINNOW (the built program) in the environment, and nothing but the standard library.
"""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

WINNOW = os.path.realpath(os.environ["WINNOW"])
SLOWDOWN = float(os.environ.get("TEST_SLOWDOWN", "1"))
SAMPLES = 12


def task(task_id, entry, params, returns, cases, right, cpu_s=1, **more):
    return {
        "task_id": task_id, "prompt": "Write %s." % entry, "entry_point": entry,
        "signature": {"params": [{"name": n, "type": t} for n, t in params], "returns": returns},
        "tests": {"kind": "calls", "cases": [{"args": a, "expect": e, "visible": i == 0}
                                             for i, (a, e) in enumerate(cases)]},
        "limits": {"cpu_s": cpu_s, "memory_mib": 256}, "int_bits": 64, "split": "train",
        "solutions": {"python": right}, **more}


TASKS = [
    task("add", "add", [("a", "int"), ("b", "int")], "int", [([1, 2], 3), ([-1, 1], 0), ([10, 5], 15)],
         "def add(a, b):\n    return a + b\n"),
    task("largest", "largest", [("xs", "list<int>")], "int", [([[1, 3, 2]], 3), ([[-5]], -5)],
         "def largest(xs):\n    return max(xs)\n"),
    task("shout", "shout", [("s", "string")], "string", [(["abc"], "ABC"), ([""], "")],
         "def shout(s):\n    return s.upper()\n"),
    task("evens", "evens", [("xs", "list<int>")], "list<int>", [([[1, 2, 4]], [2, 4]), ([[]], [])],
         "def evens(xs):\n    return [x for x in xs if x % 2 == 0]\n"),
]


def samples(n=SAMPLES):
    """Rows of a human-eval samples file: by index right, equal to right, wrong, crashing, empty, broken, not there …"""
    rows = []
    for t in TASKS:
        name, right = t["entry_point"], t["solutions"]["python"]
        args = ", ".join(p["name"] for p in t["signature"]["params"])
        head = "def %s(%s):\n    " % (name, args)
        kinds = [
            right,
            right,                                         # the same program again
            right + "\n# another text of it\n",
            head + "return None\n",
            head + "raise ValueError('no')\n",
            "",                                            # no program
            head + "return (\n",                           # does not compile
            "x = 1\n",                                     # no entry point
            head + "return None\n",                        # a wrong one again
            "import os\n" + right,
            head + "import sys; sys.exit(0)\n",
        ]
        for i in range(n):
            text = kinds[i] if i < len(kinds) else right + "\n# variant %d\n" % i
            rows.append({"task_id": t["task_id"], "sample": i, "solution": text})
    return rows


def write_jsonl(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row) + "\n")


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Case(unittest.TestCase):
    """A folder of its own with tasks.jsonl, samples.jsonl and, by store(), an imported store."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="winnow-e2e-")
        self.tasks = self.path("tasks.jsonl")
        self.samples = self.path("samples.jsonl")
        write_jsonl(self.tasks, TASKS)
        write_jsonl(self.samples, samples())

    def tearDown(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def argv(self, *args):
        return [WINNOW, *[str(a) for a in args]]

    def winnow(self, *args, status=0, timeout=120, **kw):
        p = subprocess.run(self.argv(*args), cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=timeout * SLOWDOWN, text=True, stdin=subprocess.DEVNULL, **kw)
        if status is not None:
            self.assertEqual(p.returncode, status, "winnow %s\n%s\n%s" % (" ".join(map(str, args)), p.stdout, p.stderr))
        return p

    def start(self, *args, **kw):
        p = subprocess.Popen(self.argv(*args), cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, stdin=subprocess.DEVNULL, **kw)
        self.addCleanup(self.reap, p)
        return p

    def reap(self, p):
        if p.poll() is None:
            p.kill()
        p.wait()
        p.stdout.close()
        p.stderr.close()

    def end(self, p, timeout=60):
        """Wait for a started program; (status, stdout, stderr)."""
        try:
            out, err = p.communicate(timeout=timeout * SLOWDOWN)
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
            raise
        return p.returncode, out, err

    def store(self, name="w.db"):
        path = self.path(name)
        self.winnow("--store", path, "import", self.tasks)
        return path

    def run_args(self, store, *more, samples_file=None, n=SAMPLES):
        return ["--store", store, "--json", "run", "--policy", "replay:" + (samples_file or self.samples),
                "--samples", n, *more]

    def summary(self, p):
        return json.loads((p if isinstance(p, str) else p.stdout).strip().splitlines()[-1])

    def query(self, store, sql):
        db = sqlite3.connect("file:%s?mode=ro" % store, uri=True)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def rows(self, store, run=1):
        """All of a run that must not depend on how it went."""
        return self.query(store, "SELECT sample_id, task_id, sample, language, state, reason, verdict, flags, passed,"
                          " tests_passed, tests_total, reward, judging, isolation, toolchain, duplicate_of, program_id"
                          " FROM v_samples WHERE run_id = %d ORDER BY sample_id" % run)

    def sound(self, store):
        self.assertEqual(self.query(store, "PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.query(store, "PRAGMA foreign_key_check"), [])


def stop(p, signum=signal.SIGTERM):
    os.kill(p.pid, signum)


if __name__ == "__main__":
    raise SystemExit("this is a library; run test_*.py")
