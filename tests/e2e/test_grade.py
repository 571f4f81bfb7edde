# SPDX-License-Identifier: Apache-2.0
"""winnow grade: result lines, duplicates, pass@k, bad input."""
import json
import os
import unittest

from e2e import SAMPLES, TASKS, Case, samples, write_jsonl

FIELDS = ["task_id", "sample", "passed", "verdict", "flags", "tests_passed", "tests_total", "cpu_ms", "wall_ms",
          "memory_kib", "program_id", "judging", "duplicate_of"]


def estimate(n, c, k):
    if n - c < k:
        return 1.0
    p = 1.0
    for i in range(n - c + 1, n + 1):
        p *= 1.0 - k / i
    return 1.0 - p


class Grade(Case):
    def grade(self, *more, status=0, rows=None):
        if rows is not None:
            write_jsonl(self.samples, rows)
        return self.winnow("--json", "grade", "--tasks", self.tasks, "--out", self.path("r.jsonl"), *more, self.samples,
                           status=status)

    def results(self):
        with open(self.path("r.jsonl")) as f:
            return [json.loads(line) for line in f]

    def test_one_line_a_sample_in_order(self):
        rows = samples()
        for i, r in enumerate(rows):
            r["note"] = i
        s = self.summary(self.grade(rows=rows))
        got = self.results()
        self.assertEqual(len(got), len(rows))
        for i, (g, r) in enumerate(zip(got, rows)):
            self.assertEqual(list(g), FIELDS + ["extra"])
            self.assertEqual((g["task_id"], g["sample"], g["extra"]), (r["task_id"], r["sample"], {"note": i}))
            self.assertEqual(g["passed"], g["verdict"] == "accepted")
            self.assertIsNone(g["tests_passed"])
            self.assertEqual(g["program_id"] is None, g["verdict"] == "no_program")
        self.assertEqual(got[1]["duplicate_of"], 0)
        self.assertIsNone(got[0]["duplicate_of"])
        self.assertEqual(got[SAMPLES + 1]["duplicate_of"], SAMPLES)
        counts = {}
        for g in got:
            n, c = counts.get(g["task_id"], (0, 0))
            counts[g["task_id"]] = (n + 1, c + g["passed"])
        for k in (1, 10):
            want = sum(estimate(n, c, k) for n, c in counts.values()) / len(counts)
            self.assertAlmostEqual(s["pass_at_%d" % k], want)
        self.assertIsNone(s["pass_at_100"])
        self.assertFalse([n for n in os.listdir(self.dir) if ".tmp" in n])

    def test_all_tests_counts_them(self):
        self.grade("--all-tests")
        for g, i in zip(self.results(), range(SAMPLES)):     # task add has 3 cases
            if g["verdict"] == "accepted":
                self.assertEqual((g["tests_passed"], g["tests_total"]), (3, 3))
            elif g["verdict"] == "wrong_answer":
                self.assertEqual((g["tests_passed"], g["tests_total"]), (0, 3))

    def test_references(self):
        p = self.winnow("--json", "grade", "--tasks", self.tasks, "--references", "--fail-under", "1")
        s = self.summary(p)
        self.assertEqual((s["samples"], s["accepted"], s["pass_at_1"]), (len(TASKS), len(TASKS), 1.0))

    def test_quarantined_tasks_are_not_judged(self):
        bad = json.loads(json.dumps(TASKS))
        bad[0]["solutions"]["python"] = "def add(a, b):\n    return 7\n"
        write_jsonl(self.tasks, bad)
        s = self.summary(self.grade())
        self.assertEqual(s["skipped"], {"task_quarantined": SAMPLES})
        for g in self.results()[:SAMPLES]:
            self.assertIsNone(g["passed"])
            self.assertIsNone(g["verdict"])
            self.assertEqual(g["flags"], ["task_quarantined"])
        s = self.summary(self.grade("--no-reference-check"))
        self.assertEqual(s["skipped"], {})

    def test_fail_under(self):
        self.grade("--fail-under", "0.99", status=1)
        self.grade("--fail-under", "0.01", status=0)

    def test_people_get_a_table(self):
        p = self.winnow("grade", "--tasks", self.tasks, self.samples)
        self.assertIn("pass@1 ", p.stdout)
        self.assertIn("pass@10 ", p.stdout)
        self.assertNotIn("pass@100", p.stdout)

    def test_bad_input_names_file_and_line(self):
        rows = samples()
        p = self.grade(rows=rows[:4] + [{"task_id": "nosuch", "solution": "x"}], status=2)
        self.assertIn("samples.jsonl:5", p.stderr)
        self.assertIn("nosuch", p.stderr)
        with open(self.samples, "w") as f:
            f.write(json.dumps(rows[0]) + "\n" + '{"task_id": "add", "solution": "trunc')
        p = self.grade(status=2)
        self.assertIn("samples.jsonl:2", p.stderr)
        write_jsonl(self.tasks, TASKS + TASKS[:1])
        write_jsonl(self.samples, rows)
        p = self.grade(status=2)
        self.assertIn("tasks.jsonl:5", p.stderr)
        self.assertIn("add", p.stderr)
        p = self.winnow("grade", "--tasks", self.path("none.jsonl"), self.samples, status=2)
        self.assertIn("none.jsonl", p.stderr)
        p = self.winnow("grade", self.samples, status=2)
        self.assertIn("--tasks", p.stderr)
        self.assertFalse(os.path.exists(self.path("r.jsonl")))
        p = self.winnow("grade", "--tasks", self.tasks, "--out", "/nowhere/r.jsonl", self.samples, status=2)
        self.assertIn("--out", p.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
