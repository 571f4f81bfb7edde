# SPDX-License-Identifier: Apache-2.0
"""Exports of real runs, read by the independent reader: shapes, hashes, the same bytes twice."""
import gzip
import json
import os
import subprocess
import sys
import unittest

import e2e

READER = os.path.join(os.path.dirname(os.path.realpath(__file__)), "read_shards.py")
FORMATS = ("sft", "rollouts", "dpo", "kto", "prompts", "hard-unsolved")


class Export(e2e.Case):
    def setUp(self):
        super().setUp()
        self.db = self.store()
        self.winnow(*self.run_args(self.db))

    def export(self, fmt, out, *more, store=None, **kw):
        # gzip, so that the reader needs the standard library alone
        return self.winnow("--store", store or self.db, "export", "--format", fmt, "--compress", "gzip",
                           "--out", self.path(out), *more, **kw)

    def read(self, *args, status=0):
        p = subprocess.run([sys.executable, READER, *[str(a) for a in args]], cwd=self.dir, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        return p

    def manifest(self, out):
        return json.loads(e2e.read(self.path(out, "manifest.json")))

    def test_every_format_is_sound(self):
        for fmt in FORMATS:
            for more in ((), ("--shards", 2), ("--with-measurements",)):
                out = "%s%d" % (fmt, len(more)) + "".join(map(str, more)).replace("-", "")
                self.export(fmt, out, *more)
                self.read(self.path(out))
        self.export("rollouts", "trl", "--trainer", "trl")
        self.read(self.path("trl"))
        rows = self.query(self.db, "SELECT count(*) FROM v_samples WHERE state = 'judged'")[0][0]
        self.assertEqual(self.manifest("rollouts0")["rows"], rows)
        self.assertGreater(self.manifest("sft0")["rows"], 0)
        self.assertGreater(self.manifest("dpo0")["rows"], 0)

    def test_rows_a_task_and_splits(self):
        for fmt in ("sft", "kto"):
            whole = self.export(fmt, fmt + "-all") and self.manifest(fmt + "-all")
            self.export(fmt, fmt + "-one", "--per-task", 1)
            self.read(self.path(fmt + "-one"))
            one = self.manifest(fmt + "-one")
            self.assertLess(one["rows"], whole["rows"])
            self.assertEqual(one["rows"] + one["filters"]["left_out"]["per_task"], whole["rows"])
            self.export(fmt, fmt + "-none", "--split", "no such split")
            self.read(self.path(fmt + "-none"))
            self.assertEqual(self.manifest(fmt + "-none")["rows"], 0)
        self.assertIn("--per-task", self.export("rollouts", "r", "--per-task", 1, status=2).stderr)

    def test_reward_schemes_and_the_card(self):
        whole = self.store("whole.db")
        rows = e2e.samples()
        rows[3]["solution"] = "def add(a, b):\n    return 3\n"  # right of one case
        e2e.write_jsonl(self.samples, rows)
        self.winnow(*self.run_args(whole), "--all-tests")
        rewards = {}
        for scheme in ("binary", "fraction", "weighted", "speed"):
            self.export("rollouts", scheme, "--reward", scheme, store=whole)
            self.read(self.path(scheme))
            m = self.manifest(scheme)
            self.assertEqual(m["formulas"]["scheme"], scheme)
            with gzip.open(self.path(scheme, m["shards"][0]["file"]), "rt") as file:
                rewards[scheme] = [json.loads(line)["reward"] for line in file]
        self.assertEqual(set(rewards["binary"]), {0.0, 1.0})
        self.assertTrue(any(r is not None and 0 < r < 1 for r in rewards["fraction"]))
        self.assertTrue(all(r is None or r == 0 or 0.1 <= r <= 1 for r in rewards["weighted"]))
        self.assertTrue(any(r == 1 for r in rewards["speed"]))
        card = e2e.read(self.path("weighted", "README.md")).decode()
        for words in ("## Tasks and their licences", "## What is in, and what was left out", "## Known limits", "0.4"):
            self.assertIn(words, card)
        self.assertIn("--reward", self.export("rollouts", "x", "--reward", "more", status=2).stderr)
        self.assertIn("--reward", self.export("sft", "x", "--reward", "binary", status=2).stderr)

    def test_near_duplicates(self):
        """The samples hold, for each task, one program under two texts; the tasks' own programs differ."""
        self.export("sft", "text")
        self.export("sft", "near", "--shards", 2, "--dedup", "near")
        self.read(self.path("near"))
        text, near = self.manifest("text"), self.manifest("near")
        left = near["filters"]["left_out"]["near_duplicate"]
        self.assertGreaterEqual(left, len(e2e.TASKS))
        self.assertEqual(near["rows"] + left, text["rows"])
        self.assertEqual(near["filters"]["near_threshold"], 0.85)
        self.assertEqual(len(near["shards"]), 2)
        tasks = set()
        for shard in near["shards"]:
            with gzip.open(self.path("near", shard["file"]), "rt") as file:
                tasks |= {json.loads(line)["task_id"] for line in file}
        self.assertEqual(tasks, {t["task_id"] for t in e2e.TASKS})
        self.assertIn("text near", self.export("sft", "x", "--dedup", "all", status=2).stderr)
        self.assertIn("--dedup", self.export("dpo", "x", "--dedup", "near", status=2).stderr)

    def test_tasks_of_an_evaluation_set_are_found(self):
        """Planted with another case, other spacing and other names; listed by shard, left out or kept."""
        sentence = "Tell whether some two of the values lie nearer to each other than the given limit allows them to."
        item = e2e.task("eval/7", "near_pair", [("values", "list<float>"), ("limit", "float")], "bool",
                        [([[1.0, 2.0], 0.5], False)], "def near_pair(values, limit):\n    return False\n")
        item["prompt"] = 'def near_pair(values, limit):\n    """ %s """\n' % sentence
        short = e2e.task("eval/8", "one", [], "int", [([], 1)], "def one():\n    return 1\n")
        e2e.write_jsonl(self.path("evaluation.jsonl"), [item, short])
        planted = {
            "add": sentence.upper().replace(" ", "  \n"),
            "shout": "def close(xs, eps):\n    '''%s'''\n" % sentence.replace("values", "xs").replace("limit", "eps"),
        }
        tasks = [dict(t, prompt=planted.get(t["task_id"], t["prompt"])) for t in e2e.TASKS]
        e2e.write_jsonl(self.path("planted.jsonl"), tasks)
        db = self.path("planted.db")
        self.winnow("--store", db, "import", self.path("planted.jsonl"))
        self.winnow(*self.run_args(db))
        counts = {}
        for more in ((), ("--with-contaminated",)):
            out = "clean" + "".join(more)
            self.export("sft", out, "--shards", 4, "--decontaminate", self.path("evaluation.jsonl"), *more, store=db)
            self.read(self.path(out))
            m = self.manifest(out)
            found = m["contamination"]
            self.assertEqual(found["sets"], [{"file": "evaluation.jsonl", "format": "native", "items": 2, "usable": 1}])
            self.assertEqual({(t["task_id"], t["item"]) for t in found["tasks"]}, {("add", "eval/7"), ("shout", "eval/7")})
            self.assertTrue(all(t["shared_8"] > 0 and t["shared_13"] > 0 for t in found["tasks"]))
            by_task = {}
            for n, shard in enumerate(m["shards"]):
                with gzip.open(self.path(out, shard["file"]), "rt") as file:
                    for line in file:
                        by_task.setdefault(json.loads(line)["task_id"], set()).add(n)
            for t in found["tasks"]:
                self.assertEqual(by_task.get(t["task_id"], set()), {t["shard"]} if more else set())
                self.assertEqual(t["rows"] > 0, bool(more))
            self.assertTrue(by_task.keys() >= {"largest", "evens"})
            counts[out] = m["filters"]["left_out"].get("contaminated", 0)
            self.assertIn("eval/7", e2e.read(self.path(out, "README.md")).decode())
        self.export("prompts", "clean-prompts", "--decontaminate", self.path("evaluation.jsonl"), store=db)
        self.read(self.path("clean-prompts"))
        self.assertEqual({t["task_id"] for t in self.manifest("clean-prompts")["contamination"]["tasks"]}, {"add", "shout"})
        self.assertFalse({"add", "shout"} & {row["task_id"] for row in self.rows("clean-prompts")})
        self.assertGreater(counts["clean"], 0)
        self.assertEqual(counts["clean--with-contaminated"], 0)
        self.assertIn("nothing.jsonl", self.export("sft", "x", "--decontaminate", "nothing.jsonl", store=db, status=2).stderr)
        self.assertIn("--decontaminate", self.export("sft", "x", "--with-contaminated", store=db, status=2).stderr)

    def rows(self, out):
        found = []
        for shard in self.manifest(out)["shards"]:
            with gzip.open(self.path(out, shard["file"]), "rt") as file:
                found += map(json.loads, file)
        return found

    def test_prompts_are_the_tasks_with_their_solve_rates(self):
        tasks = [dict(e2e.TASKS[0], task_id="never-asked"), dict(e2e.TASKS[0], task_id="never-solved", prompt="Say no.")]
        e2e.write_jsonl(self.path("more.tasks.jsonl"), tasks)
        wrong = [{"task_id": "never-solved", "sample": i, "solution": "def add(a, b):\n    return %d\n" % -i} for i in range(3)]
        e2e.write_jsonl(self.path("wrong.jsonl"), wrong)
        self.winnow("--store", self.db, "import", self.path("more.tasks.jsonl"))
        self.winnow("--store", self.db, "run", "--policy", "replay:" + self.path("wrong.jsonl"), "--samples", 3, "--select", "id:never-solved")
        self.export("prompts", "p")
        self.read(self.path("p"))
        rows = {row["task_id"]: row for row in self.rows("p")}
        self.assertEqual(set(rows), {t["task_id"] for t in e2e.TASKS + tasks})
        want = self.query(self.db, "SELECT task_id, count(*), sum(passed) FROM v_samples WHERE passed IS NOT NULL AND NOT flaky GROUP BY 1")
        for task_id, samples, solved in want:
            self.assertEqual((rows[task_id]["samples"], rows[task_id]["solved"]), (samples, solved))
        never = rows["never-asked"]
        self.assertEqual((never["language"], never["solve_rate"]), (None, None))
        self.assertEqual(never["messages"], [{"role": "user", "content": e2e.TASKS[0]["prompt"]}])
        # Tests are no part of it unless asked for: not one of the hidden cases' texts.
        self.assertFalse([row for row in rows.values() if "tests" in row])
        self.export("prompts", "t", "--with-tests")
        self.read(self.path("t"))
        self.assertEqual({r["task_id"]: r["tests"] for r in self.rows("t")}["never-solved"]["kind"], e2e.TASKS[0]["tests"]["kind"])
        self.export("hard-unsolved", "h")
        self.read(self.path("h"))
        unsolved = {task_id for task_id, samples, solved in want if samples and not solved}
        self.assertIn("never-solved", unsolved)
        self.assertEqual({row["task_id"] for row in self.rows("h")}, unsolved)
        self.export("prompts", "w", "--where", "sample = 0")
        self.assertEqual({row["samples"] for row in self.rows("w")}, {0, 1})
        self.assertIn("--with-tests", self.export("sft", "x", "--with-tests", status=2).stderr)

    def test_two_exports_of_one_store_are_the_same_bytes(self):
        for fmt in FORMATS:
            self.export(fmt, fmt + "-a", "--with-measurements")
            self.export(fmt, fmt + "-b", "--with-measurements")
            self.read(self.path(fmt + "-a"), "--same-as", self.path(fmt + "-b"))

    def test_two_runs_of_one_seed_export_the_same_rows(self):
        other = self.store("other.db")
        self.winnow(*self.run_args(other, "--jobs", 1))
        self.winnow(*self.run_args(self.db))
        for fmt in FORMATS:
            self.export(fmt, fmt + "-1", "--run", "1")
            self.export(fmt, fmt + "-last", "--run", "last")
            self.export(fmt, fmt + "-other", store=other)
            self.read(self.path(fmt + "-1"), "--same-rows-as", self.path(fmt + "-last"))
            self.read(self.path(fmt + "-1"), "--same-rows-as", self.path(fmt + "-other"))

    def test_the_reader_sees_damage(self):
        self.export("sft", "out")
        shard = self.path("out", self.manifest("out")["shards"][0]["file"])
        data = bytearray(e2e.read(shard))
        data[len(data) // 2] ^= 1
        with open(shard, "wb") as f:
            f.write(data)
        self.assertIn("sha256", self.read(self.path("out"), status=1).stderr)

    def test_bad_options_leave_nothing(self):
        for more, word in ((("--where", "colour = 1"), "colour"), (("--run", "77"), "77"),
                           (("--where", "1; DELETE FROM sample"), ";"), (("--trainer", "none"), "none")):
            p = self.export("sft", "bad", *more, status=2)
            self.assertIn(word, p.stderr)
            self.assertFalse(os.path.exists(self.path("bad")))
        self.export("sft", "taken")
        p = self.export("dpo", "taken", status=2)
        self.assertIn("taken", p.stderr)
        self.read(self.path("taken"))

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_a_folder_that_cannot_be_written_is_status_3(self):
        os.mkdir(self.path("locked"), 0o555)
        self.export("sft", "locked/out", status=3)

    def test_the_folder_is_a_file(self):
        with open(self.path("file"), "w") as f:
            f.write("x")
        p = self.export("sft", "file", status=None)
        self.assertIn(p.returncode, (2, 3))
        self.assertIn("file", p.stderr)
        self.assertEqual(e2e.read(self.path("file")), b"x")


if __name__ == "__main__":
    unittest.main()
