# SPDX-License-Identifier: Apache-2.0
"""The main job, whole: verdicts, determinism, resume after kill -9 at random moments, dry run."""
import collections
import json
import os
import random
import signal
import subprocess
import time
import unittest

from e2e import SAMPLES, SLOWDOWN, TASKS, Case, read, samples, write_jsonl

WANT = ["accepted", "accepted", "accepted", "wrong_answer", "runtime_error", "no_program", "compile_error", None,
        "wrong_answer", "accepted", "runtime_error", "accepted"]


class Run(Case):
    def test_verdicts_and_summary(self):
        store = self.store()
        s = self.summary(self.winnow(*self.run_args(store)))
        self.assertEqual((s["state"], s["exit_reason"], s["run_id"]), ("complete", "complete", 1))
        self.assertEqual(s["planned"], len(TASKS) * SAMPLES)
        self.assertEqual(s["judged"], s["planned"])
        self.assertEqual((s["pending"], s["unsampled"], s["internal_errors"]), (0, 0, 0))
        self.assertEqual(s["references_checked"], len(TASKS))
        self.assertEqual(sum(s["verdicts"].values()), s["judged"])
        self.assertEqual(s["verdicts"]["no_program"], len(TASKS))
        self.assertEqual(s["isolation"], self.query(store, "SELECT DISTINCT isolation FROM run")[0][0])
        self.assertAlmostEqual(s["pass_at_1"], s["verdicts"]["accepted"] / s["judged"])
        self.assertIsNone(s["pass_at_100"])
        self.assertIsNotNone(s["pass_at_10"])
        self.assertGreater(s["wall_s"], 0)
        for task_id, sample, verdict in self.query(store, "SELECT task_id, sample, verdict FROM v_samples"):
            if WANT[sample]:
                self.assertEqual(verdict, WANT[sample], "%s sample %d" % (task_id, sample))
            else:
                self.assertNotEqual(verdict, "accepted")
        # the neighbour is known to be equal, and the summary's counts are the store's
        self.assertEqual(self.query(store, "SELECT count(*) FROM v_samples WHERE sample = 1 AND duplicate_of IS NOT NULL"),
                         [(len(TASKS),)])
        self.assertEqual(s["duplicates"],
                         self.query(store, "SELECT n FROM v_funnel WHERE stage = 'duplicate'")[0][0])
        stored = json.loads(self.query(store, "SELECT summary FROM run")[0][0])
        self.assertEqual(stored["verdicts"], s["verdicts"])
        self.assertGreater(self.query(store, "SELECT count(*) FROM program_rank")[0][0], 0)
        self.sound(store)

    def test_people_get_a_table(self):
        store = self.store()
        args = [a for a in self.run_args(store) if a != "--json"]
        p = self.winnow(*args)
        self.assertIn("pass@1 ", p.stdout)
        self.assertIn("accepted", p.stdout)
        self.assertNotIn("\r", p.stderr)   # no live line where there is no terminal

    def test_same_seed_same_rows_and_exports(self):
        stores = [self.store("a.db"), self.store("b.db")]
        self.winnow(*self.run_args(stores[0], "--jobs", 1, "--seed", 3))
        self.winnow(*self.run_args(stores[1], "--jobs", 4, "--seed", 3))
        self.assertEqual(self.rows(stores[0]), self.rows(stores[1]))
        for fmt in ("sft", "rollouts", "dpo"):
            got = []
            for i, store in enumerate(stores):
                out = self.path("out-%s-%d" % (fmt, i))
                self.winnow("--store", store, "export", "--format", fmt, "--compress", "none", "--out", out)
                got.append({n: read(os.path.join(out, n)) for n in sorted(os.listdir(out))
                            if n != "manifest.json"})
            self.assertTrue(got[0])
            self.assertEqual(got[0], got[1])

    def test_second_run_reuses_every_verdict(self):
        store = self.store()
        self.winnow(*self.run_args(store))
        s = self.summary(self.winnow(*self.run_args(store)))
        self.assertEqual((s["run_id"], s["judgements"]), (2, 0))
        first = [r[1:15] + r[16:] for r in self.rows(store, 1)]
        self.assertEqual(first, [r[1:15] + r[16:] for r in self.rows(store, 2)])

    def test_dry_run_changes_nothing(self):
        store = self.store()
        before = read(store)
        p = self.winnow(*self.run_args(store, "--dry-run"))
        plan = self.summary(p)
        self.assertTrue(plan["dry_run"])
        self.assertEqual((plan["tasks"], plan["planned"], plan["to_sample"]), (4, 48, 48))
        self.assertIsNone(plan["run_id"])
        self.assertEqual(read(store), before)
        self.assertEqual(self.query(store, "SELECT count(*) FROM run"), [(0,)])
        missing = self.path("none.db")
        self.winnow(*self.run_args(missing, "--dry-run"), status=2)
        self.assertFalse(os.path.exists(missing))

    def test_dry_run_of_a_resume_says_what_is_left(self):
        store = self.store()
        self.winnow(*self.run_args(store, "--deadline", "0"), status=4)
        plan = self.summary(self.winnow("--store", store, "--json", "run", "--resume", "last", "--dry-run"))
        self.assertEqual(plan["run_id"], 1)
        self.assertEqual(plan["planned"], plan["judged"] + plan["pending"] + plan["to_sample"])

    def test_bad_usage_names_the_option(self):
        store = self.store()
        for args, word in ((["--policy", "replay:nowhere.jsonl"], "nowhere.jsonl"),
                           (["--policy", "magic:8ball"], "--policy"),
                           (["--shard", "4/4"], "--shard"),
                           (["--deadline", "noon"], "--deadline"),
                           (["--samples", "0"], "--samples"),
                           (["--languages", "klingon"], "klingon"),
                           (["--select", "id:nothing*"], "--select"),
                           (["--template", "nosuch"], "nosuch"),
                           (["--resume", "77"], "--resume"),
                           (["--fail-under", "7"], "--fail-under")):
            p = self.winnow(*self.run_args(store), *args, status=2)
            self.assertIn(word, p.stderr)
        p = self.winnow("--store", store, "run", status=2)
        self.assertIn("--policy", p.stderr)
        self.assertEqual(self.query(store, "SELECT count(*) FROM run"), [(0,)])

    def test_samples_file_names_line_of_what_is_broken(self):
        store = self.store()
        rows = [json.dumps(r) for r in samples()]
        for broken, word in (('{"task_id": "add", "solu', ":3:"), ('{"task_id":"nosuch","solution":"x"}', "nosuch")):
            with open(self.path("bad.jsonl"), "w") as f:
                f.write("\n".join(rows[:2] + [broken] + rows[2:]) + "\n")
            p = self.winnow(*self.run_args(store, samples_file=self.path("bad.jsonl")), status=2)
            self.assertIn("bad.jsonl:3", p.stderr)
            self.assertIn(word, p.stderr)
        self.assertEqual(self.query(store, "SELECT count(*) FROM run"), [(0,)])

    def test_shards_cover_everything_once(self):
        seen = collections.Counter()
        for i in range(3):
            store = self.store("shard%d.db" % i)
            self.winnow(*self.run_args(store, "--shard", "%d/3" % i))
            seen.update(t for t, in self.query(store, "SELECT DISTINCT task_id FROM v_samples"))
        self.assertEqual(seen, collections.Counter(t["task_id"] for t in TASKS))

    def test_select_and_fail_under(self):
        store = self.store()
        s = self.summary(self.winnow(*self.run_args(store, "--select", "id:add", "--fail-under", "0.99"), status=1))
        self.assertEqual(s["tasks"], 1)
        self.winnow(*self.run_args(store, "--select", "id:add", "--fail-under", "0.1"))

    def test_failing_reference_quarantines_its_task(self):
        bad = json.loads(json.dumps(TASKS))
        bad[1]["solutions"]["python"] = "def largest(xs):\n    return min(xs)\n"
        write_jsonl(self.tasks, bad)
        store = self.store()
        p = self.winnow(*self.run_args(store))
        s = self.summary(p)
        self.assertEqual((s["quarantined"], s["skipped"]["task_quarantined"]), (1, SAMPLES))
        self.assertIn("largest", p.stderr)
        self.assertIn("reference solution (python)", self.query(store, "SELECT quarantined FROM task WHERE task_id = 'largest'")[0][0])
        self.assertEqual(self.query(store, "SELECT DISTINCT state FROM v_samples WHERE task_id = 'largest'"), [("skipped",)])
        # again: remembered, and the same rows
        self.assertEqual(self.summary(self.winnow(*self.run_args(store)))["quarantined"], 1)
        self.assertEqual([r[1:15] for r in self.rows(store, 1)], [r[1:15] for r in self.rows(store, 2)])


class Resume(Case):
    def test_refuses_another_configuration_and_names_the_keys(self):
        store = self.store()
        self.winnow(*self.run_args(store, "--deadline", "0", "--seed", 1), status=4)
        p = self.winnow(*self.run_args(store, "--resume", "last", "--seed", 2, "--top-p", "0.5"), status=2)
        self.assertIn("--seed", p.stderr)
        self.assertIn("--top-p", p.stderr)
        self.assertNotIn("--samples", p.stderr)
        # what concerns a session alone may differ, and what is not said is the run's own
        self.winnow("--store", store, "run", "--resume", "1", "--jobs", 1, "--metrics", self.path("m.prom"))
        self.assertEqual(self.query(store, "SELECT state, seed FROM run"), [("complete", 1)])
        # a run that is complete stays so
        self.winnow("--store", store, "run", "--resume", "last")
        self.assertEqual(len(self.rows(store)), len(TASKS) * SAMPLES)

    def test_kill_9_at_random_moments(self):
        n = 60
        write_jsonl(self.samples, samples(n))
        want_store = self.store("want.db")
        began = time.monotonic()
        self.winnow(*self.run_args(want_store, n=n))
        whole = time.monotonic() - began
        want = self.rows(want_store)
        rng = random.Random(int(os.environ.get("E2E_SEED", "1")))
        kills = 0
        for attempt in range(4 if os.environ.get("WINNOW_FULL") else 2):
            store = self.store("kill%d.db" % attempt)
            args = self.run_args(store, n=n)
            for _ in range(200):
                p = self.start(*args, "--resume", "last")
                try:
                    p.wait(timeout=rng.uniform(0.02, 1.0) * whole / 3 if kills < 6 * (attempt + 1) else 120 * SLOWDOWN)
                except subprocess.TimeoutExpired:
                    os.kill(p.pid, signal.SIGKILL)
                    kills += 1
                status, out, err = self.end(p)
                if status != -signal.SIGKILL:
                    self.assertEqual(status, 0, err)
                    break
            self.assertEqual(self.rows(store), want)
            self.assertEqual(self.query(store, "SELECT state FROM run"), [("complete",)])
            self.sound(store)
        self.assertGreaterEqual(kills, 6)


if __name__ == "__main__":
    unittest.main(verbosity=2)
