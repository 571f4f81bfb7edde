#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""run.py --winnow PROGRAM [--record] [CASE…]: exact output of the command line.

A case is cases/NAME.sh, a shell script that is run in an empty folder with
$WINNOW (the program) and $CASES (this folder's cases/), and cases/NAME.expect:
its exit status, stdout and stderr to the letter.  The empty folder's path
appears there as $TMP.  What differs from run to run is taken out by the case
itself (sed).  --record writes the .expect files anew: read the diff before
committing it.  A first line '# needs: WORD' skips the case (exit 77) where
environment NEEDS_MISSING holds WORD.
"""
import argparse
import difflib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases")
ROOT = os.path.dirname(os.path.dirname(HERE))
SECONDS = 600
SKIPPED = 77


def environment(winnow, tmp):
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
    return keep | {
        "HOME": tmp, "LC_ALL": "C.UTF-8", "TZ": "UTC", "WINNOW": winnow, "CASES": CASES,
        "WINNOW_LANGUAGES_DIR": os.path.join(ROOT, "sandbox", "languages"),
        "WINNOW_TEMPLATES": os.path.join(ROOT, "policy", "templates"),
    }


def run_case(winnow, name):
    """The case's output in the form of an .expect file."""
    with tempfile.TemporaryDirectory(prefix="winnow-cli-") as tmp:
        run = subprocess.run(["/bin/sh", os.path.join(CASES, name + ".sh")], cwd=tmp, env=environment(winnow, tmp),
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
        def text(b):
            s = b.decode("utf-8", "backslashreplace").replace(tmp, "$TMP").replace(ROOT, "$ROOT")
            return s + ("\n(no newline)\n" if s and not s.endswith("\n") else "")
        return f"exit {run.returncode}\n--- stdout\n{text(run.stdout)}--- stderr\n{text(run.stderr)}"


def needs_sandbox(name):
    with open(os.path.join(CASES, name + ".sh"), encoding="utf-8") as f:
        return f.readline().strip() == "# needs: sandbox"


def below_the_floor(winnow):
    """Only doctor's own 'no': a doctor that fails otherwise is no reason to skip."""
    with tempfile.TemporaryDirectory() as tmp:
        return subprocess.run([winnow, "doctor"], cwd=tmp, env=environment(winnow, tmp),
                              capture_output=True).returncode == 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--winnow", required=True)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("case", nargs="*")
    args = parser.parse_args()
    names = args.case or sorted(n[:-3] for n in os.listdir(CASES) if n.endswith(".sh"))
    winnow = os.path.abspath(args.winnow)
    if not os.access(winnow, os.X_OK):
        sys.exit(f"{winnow}: no such program")
    failed = skipped = 0
    for name in names:
        if needs_sandbox(name) and below_the_floor(winnow):
            print(f"skipped {name}: this host has no isolation at or above the floor (winnow doctor)")
            skipped += 1
            continue
        got = run_case(winnow, name)
        expect = os.path.join(CASES, name + ".expect")
        want = ""
        if os.path.exists(expect):
            with open(expect, encoding="utf-8", newline="") as f:
                want = f.read()
        if got == want:
            print(f"ok {name}")
        elif args.record:
            with open(expect, "w", encoding="utf-8", newline="") as f:
                f.write(got)
            print(f"recorded {name}")
        else:
            failed += 1
            print(f"FAILED {name}")
            sys.stdout.writelines(difflib.unified_diff(want.splitlines(True), got.splitlines(True),
                                                       f"{name}.expect", "now"))
    if failed:
        return 1
    return SKIPPED if skipped == len(names) else 0


sys.exit(main())
