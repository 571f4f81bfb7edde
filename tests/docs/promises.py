#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every test that docs/THREAT-MODEL.md names is there, and every row of its tables of promises names one.

    promises.py BUILD_FOLDER
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def ctest_names(build):
    out = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], stdout=subprocess.PIPE, check=True).stdout
    return {t["name"] for t in json.loads(out)["tests"]}


def corpus_names():
    names = set()
    for part in ("programs", "cheats"):
        for name in os.listdir(os.path.join(ROOT, "tests/hostile", part)):
            if name.endswith(".corpus"):
                names |= set(re.findall(r"^@@ ([^|\n]+?) *\|", read("tests/hostile", part, name), re.M))
    return names


def main():
    text = read("docs/THREAT-MODEL.md")
    tests, corpus = ctest_names(sys.argv[1]), corpus_names()
    box_rows = set(re.findall(r'^\t\{ "([^"]+)",', read("tests/unit/sandbox/test_box.c"), re.M))
    prefixes = {t.split(".")[0] for t in tests}
    wrong, named = [], 0
    for word in re.findall(r"`([^`\n]+)`", text):
        if ": " in word and word.split(": ")[0] in ("hostile", "unit.box"):
            kind, name = word.split(": ", 1)
            if name == "…":
                continue
            named += 1
            if name not in (corpus if kind == "hostile" else box_rows):
                wrong.append("no such %s entry: '%s'" % (kind, name))
        elif re.fullmatch(r"[a-z0-9]+\.[a-z0-9_]+", word) and word.split(".")[0] in prefixes:
            named += 1
            if word not in tests:
                wrong.append("no such test: '%s'" % word)
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith(("|---", "| promise", "| attacker")):
            last = line.rstrip("|").split("|")[-1]
            if not re.search(r"`(hostile|unit|fuzz|golden)[.:]", last):
                wrong.append("a promise without a test: %s" % line[:70])
    for line in wrong:
        print("docs/THREAT-MODEL.md: " + line)
    print("%d tests are named" % named)
    return 1 if wrong or named < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
