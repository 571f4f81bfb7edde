#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_tasks_check.py: mutants of a reference are killed by tests that look, and survive those that do not."""
import json
import os
import subprocess
import sys
import tempfile

winnow = os.environ["WINNOW"]


def task(name, cases, program):
    return {"task_id": name, "prompt": "Count the numbers above k.", "entry_point": "f",
            "signature": {"params": [{"name": "xs", "type": "list<int>"}, {"name": "k", "type": "int"}], "returns": "int"},
            "tests": {"kind": "calls", "cases": [{"args": a, "expect": e} for a, e in cases]}, "solutions": {"python": program}}


right = "def f(xs, k):\n    return sum(1 for x in xs if x > k)\n"
strong = [([[1, 5, 7], 4], 2), ([[], 3], 0), ([[5], 5], 0), ([[6, 6], 5], 2), ([[4], 5], 0)]
weak = [([[], 3], 0)]
tasks = [task("strong", strong, right), task("weak", weak, right), task("wrong", strong, right.replace(">", ">=")),
         {**task("without", strong, right), "solutions": {}}]

with tempfile.TemporaryDirectory() as d:
    with open(f"{d}/t.tasks.jsonl", "w") as f:
        for t in tasks:
            f.write(json.dumps(t) + "\n")

    def run(*args, want):
        done = subprocess.run([winnow, *args], capture_output=True, text=True, cwd=d)
        if done.returncode != want:
            sys.exit(f"winnow {' '.join(args)}: exit {done.returncode}, not {want}\n{done.stdout}{done.stderr}")
        return done

    run("import", "t.tasks.jsonl", want=0)
    lines = [json.loads(x) for x in run("--json", "tasks", "check", want=1).stdout.splitlines()]
    by = {x["task_id"]: x for x in lines[:-1]}
    assert [by[n]["outcome"] for n in ("strong", "weak", "wrong", "without")] == \
        ["checked", "checked", "reference_fails", "no_reference"], by
    assert by["strong"]["strength"] == 1.0 and by["strong"]["mutants"] >= 4 and not by["strong"]["survivors"], by["strong"]
    assert by["weak"]["strength"] < 1 and by["weak"]["survivors"], by["weak"]
    assert all("def f(xs, k)" in s["program"] for s in by["weak"]["survivors"])
    total = lines[-1]
    assert total["tasks"] == 4 and total["judged"] == by["strong"]["judged"] + by["weak"]["judged"], total
    run("tasks", "check", "--select", "id:strong", "--fail-under", "1", want=0)
    run("tasks", "check", "--select", "id:weak", "--fail-under", "0.99", want=1)
    assert json.loads(run("--json", "tasks", "check", "--select", "id:strong", "--mutants", "2", want=0).stdout.splitlines()[0])["mutants"] == 2
    assert "unknown word" in run("tasks", "chek", want=2).stderr
print("tasks check: ok")
