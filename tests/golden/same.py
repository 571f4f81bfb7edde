# SPDX-License-Identifier: Apache-2.0
"""same.py A B: two files of `winnow grade --out` say the same of every sample, but for what was measured."""
import json
import sys

KEYS = ("task_id", "sample", "passed", "verdict", "flags", "tests_passed", "tests_total", "program_id")


def rows(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


a, b = rows(sys.argv[1]), rows(sys.argv[2])
if len(a) != len(b) or not a:
    sys.exit("%s has %d rows, %s has %d" % (sys.argv[1], len(a), sys.argv[2], len(b)))
differ = 0
for x, y in zip(a, b):
    for key in KEYS:
        if x[key] != y[key]:
            differ += 1
            print("%s sample %s: %s is %r, then %r" % (x["task_id"], x["sample"], key, x[key], y[key]))
print("%d samples, %d accepted; %d differences" % (len(a), sum(bool(x["passed"]) for x in a), differ))
sys.exit(differ > 0)
