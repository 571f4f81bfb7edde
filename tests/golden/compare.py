# SPDX-License-Identifier: Apache-2.0
"""Compare the results of `winnow grade` with known verdicts, sample by sample.

  compare.py RESULTS.jsonl TRUTH.jsonl [--refusals N] [--verdicts]

TRUTH has one line a sample in the order of the results: {"task_id", "passed"} or {"task_id", "verdict"}
(a word, or a list of the words that are right).
Fails on any false acceptance, on more than N (default 0) false refusals, on any internal_error, and with
--verdicts on any verdict that is not the very word.  Prints each sample that differs.
"""
import argparse
import json
import sys


def rows(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def words_of(w):
    """The verdict's word, or each of the words that are right."""
    return w["verdict"] if isinstance(w["verdict"], list) else [w["verdict"]]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("results")
    ap.add_argument("truth")
    ap.add_argument("--refusals", type=int, default=0)
    ap.add_argument("--verdicts", action="store_true")
    ap.add_argument("--field", default="passed", help="the truth's field that says whether a sample passes")
    a = ap.parse_args()
    got, want = rows(a.results), rows(a.truth)
    if len(got) != len(want):
        sys.exit("%s has %d rows, %s has %d" % (a.results, len(got), a.truth, len(want)))
    accepted = refused = internal = words = right = 0
    for i, (g, w) in enumerate(zip(got, want)):
        if g["task_id"] != w["task_id"]:
            sys.exit("row %d: task %s, expected %s" % (i + 1, g["task_id"], w["task_id"]))
        passes = "accepted" in words_of(w) if "verdict" in w else w[a.field]
        note = None
        if g["passed"] is None:
            internal += 1
            note = "not judged"
        elif g["passed"] and not passes:
            accepted += 1
            note = "FALSE ACCEPTANCE"
        elif passes and not g["passed"]:
            refused += 1
            note = "false refusal"
        elif a.verdicts and "verdict" in w and g["verdict"] not in words_of(w):
            words += 1
            note = "other word"
        right += bool(g["passed"])
        if note:
            print("row %d: %s sample %s: %s: %s, known: %s %s" % (
                i + 1, g["task_id"], g.get("sample"), note, g["verdict"],
                w.get("verdict", w.get(a.field)), json.dumps(g["flags"])))
    print("%d samples, %d accepted; false acceptances %d, false refusals %d, not judged %d, other words %d"
          % (len(got), right, accepted, refused, internal, words))
    return 1 if accepted or refused > a.refusals or internal or words else 0


if __name__ == "__main__":
    sys.exit(main())
