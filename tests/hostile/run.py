#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile programs and cheating completions against the built program, with honest ones beside them.

    WINNOW=build/release/winnow tests/hostile/run.py programs|cheats [--full] [--at PLACE] [--only NAME] [-v]

Every entry of the corpora must end in one of the verdicts that it allows; nothing may be an internal_error, and the
host must be as it was (host.py).  The quick part runs every other program, each in one of the places, and leaves out
what is slow; --full (or WINNOW_FULL) runs all of them everywhere.  Places are a tier and a user: README.md.
"""
import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corpus
import host

HERE = os.path.dirname(os.path.abspath(__file__))
WINNOW = os.path.realpath(os.environ.get("WINNOW", "build/release/winnow"))
ORDINARY = 12345
EXPECTED = "HELD\n"
SLOW_CPU_S = 0.3


class Place:
    def __init__(self, name, tier, uid, env=None, chroot=False, full=False):
        self.name, self.tier, self.uid, self.env, self.chroot, self.full = name, tier, uid, env or {}, chroot, full


def places(full):
    me = os.geteuid()
    old = {"WINNOW_LANDLOCK_ABI": "1"}
    users = [(0, "root"), (ORDINARY, "user")] if me == 0 else [(me, "user")]
    found = [Place("%s-%s" % (tier, name), tier, uid) for tier in ("namespaces", "landlock") for uid, name in users]
    found += [Place("landlock-abi1-%s" % name, "landlock", uid, old, full=True) for uid, name in users]
    if me == 0:
        found.append(Place("uid-chroot", "uid", 0, chroot=True, full=True))
    return [p for p in found if full or not p.full]


class Runner:
    def __init__(self, place, bait_host, verbose):
        self.place, self.host, self.verbose = place, bait_host, verbose

    def command(self, args):
        argv = [WINNOW] + args
        if self.place.chroot:
            shown = {os.path.dirname(WINNOW)}
            folder = os.environ.get("WINNOW_LANGUAGES_DIR") or os.path.join(HERE, "../../sandbox/languages")
            shown.add(os.path.realpath(folder))
            return host.in_chroot(argv, self.host.base, sorted(shown))
        return host.as_user(argv, self.place.uid)

    def run(self, args, timeout=600):
        env = dict(os.environ, TMPDIR=self.host.scratch, WINNOW_TEST_SECRET=host.SECRET_TEXT, **self.place.env)
        return subprocess.run(self.command(args), env=env, cwd=self.host.work, stdin=subprocess.DEVNULL, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def grade(self, tasks, samples, jobs, extra=()):
        """Rows of the results, in order; None where the program says that this place is not to be had."""
        for name, rows in (("tasks.jsonl", tasks), ("samples.jsonl", samples)):
            with open(os.path.join(self.host.work, name), "w", encoding="utf-8") as f:
                f.writelines(json.dumps(r) + "\n" for r in rows)
        p = self.run(["grade", "--tasks", os.path.join(self.host.work, "tasks.jsonl"), "--isolation", self.place.tier,
                      "--jobs", str(jobs), "--out", "-", "--no-reference-check", *extra,
                      os.path.join(self.host.work, "samples.jsonl")])
        if p.returncode == 2 and b"isolation tier" in p.stderr:
            return None
        rows = [json.loads(line) for line in p.stdout.decode().splitlines() if line.startswith("{")]
        if len(rows) != len(samples):
            raise SystemExit("%s: %d results of %d samples, exit %d\n%s" % (self.place.name, len(rows), len(samples), p.returncode,
                                                                            p.stderr.decode("utf-8", "replace")))
        return rows

    def execute(self, language, text):
        path = os.path.join(self.host.work, "one")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        p = self.run(["exec", "--lang", language, "--isolation", self.place.tier, "--time", "1", "--memory", "256", path])
        return p.stdout.decode("utf-8", "replace")


def task_of(entry):
    return "memory" if entry.option("memory") else "short" if entry.want == {"time_limit"} else "held"


def program_task(task_id, cpu_s, memory_mib=256):
    return {"task_id": task_id, "prompt": "Hold.", "limits": {"cpu_s": cpu_s, "memory_mib": memory_mib},
            "tests": {"kind": "stdio", "cases": [{"in": "", "out": EXPECTED}]}}


def load_programs(bait):
    found = []
    folder = os.path.join(HERE, "programs")
    for name in sorted(os.listdir(folder)):
        language, ext = os.path.splitext(name)
        if ext == ".corpus":
            found += [(language, e) for e in corpus.read(os.path.join(folder, name), bait)]
    return found


def quick_part(items, number, n_places, entry_of=lambda x: x[1]):
    """Every other hostile one and all honest ones, each in one of the places."""
    chosen = [x for x in items if not entry_of(x).option("slow")]
    honest = [x for x in chosen if entry_of(x).honest]
    hostile = [x for x in chosen if not entry_of(x).honest][::2]
    return (hostile + honest)[number::n_places]


def judge_rows(place, entries, rows, explain):
    wrong = []
    for (language, e), row in zip(entries, rows):
        if "no_toolchain" in row["flags"]:
            continue
        if row["verdict"] not in e.want:
            wrong.append("%s: %s %s (%s): %s, not %s %s\n%s" % (place.name, language, e.name, e.where, row["verdict"],
                                                             " or ".join(sorted(e.want)), row["flags"], explain(language, e)))
    return wrong


def run_programs(place, number, n_places, options):
    wrong = []
    h = host.Host(place.uid)
    try:
        r = Runner(place, h, options.verbose)
        entries = [(l, e) for l, e in load_programs(h.bait())
                   if (not e.option("tiers") or place.tier in e.option("tiers").split(","))
                   and (not options.only or options.only in e.name)]
        if not options.full:
            entries = quick_part(entries, number, n_places)
        if not entries:
            return [], 0
        tasks = [program_task("held", 2), program_task("short", SLOW_CPU_S), program_task("memory", 20, 64)]
        samples = [{"task_id": task_of(e), "language": l, "solution": e.text} for l, e in entries]
        rows = r.grade(tasks, samples, options.jobs, ["--no-confirm"])
        if rows is None:
            print("%-20s not to be had here" % place.name)
            return [], 0
        wrong += judge_rows(place, entries, rows, lambda l, e: r.execute(l, e.text)[:2000])
        for language, e in entries:
            if e.option("leak"):
                said = r.execute(language, e.text)
                if host.SECRET_TEXT in said or "root:" in said or "leaked_secret" in said:
                    wrong.append("%s: %s %s (%s): told what a file of the host holds\n%s" % (place.name, language, e.name, e.where, said))
        wrong += ["%s: %s" % (place.name, x) for x in h.residue()]
        return wrong, len(entries)
    finally:
        h.close()


def load_cheats():
    folder = os.path.join(HERE, "cheats")
    found = []
    for name in sorted(os.listdir(folder)):
        stem, ext = os.path.splitext(name)
        if ext == ".corpus":
            found += [(stem, e) for e in corpus.read(os.path.join(folder, name), {})]
    return found


def run_cheats(place, number, n_places, options):
    wrong = []
    h = host.Host(place.uid)
    try:
        r = Runner(place, h, options.verbose)
        with open(os.path.join(HERE, "cheats", "tasks.json"), encoding="utf-8") as f:
            sets = json.load(f)
        tasks = [t for ts in sets.values() for t in ts]
        entries, samples = [], []
        for stem, e in load_cheats():
            if options.only and options.only not in e.name:
                continue
            names = e.option("task")
            for t in sets[stem]:
                if names and t["task_id"] not in names.split(","):
                    continue
                entries.append((t["task_id"], e))
                samples.append({"task_id": t["task_id"], "language": e.option("language") or "python", "solution": e.text})
        if not options.full:
            both = quick_part(list(zip(entries, samples)), number, n_places, lambda x: x[0][1])
            entries, samples = [x[0] for x in both], [x[1] for x in both]
        if not entries:
            return [], 0
        rows = r.grade(tasks, samples, options.jobs)
        if rows is None:
            print("%-20s not to be had here" % place.name)
            return [], 0
        wrong += judge_rows(place, entries, rows, lambda l, e: "")
        wrong += ["%s: %s" % (place.name, x) for x in h.residue()]
        return wrong, len(entries)
    finally:
        h.close()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("part", choices=("programs", "cheats"))
    a.add_argument("--full", action="store_true", default=bool(os.environ.get("WINNOW_FULL")))
    a.add_argument("--at")
    a.add_argument("--only")
    a.add_argument("--jobs", type=int, default=6)
    a.add_argument("-v", dest="verbose", action="store_true")
    options = a.parse_args()
    wrong, total = [], 0
    all_places = [p for p in places(options.full or options.at) if not options.at or p.name == options.at]
    if options.at or options.only:
        options.full = True
    for i, place in enumerate(all_places):
        part = run_programs if options.part == "programs" else run_cheats
        found, n = part(place, i, len(all_places), options)
        print("%-20s %4d %s, %d wrong" % (place.name, n, options.part, len(found)), flush=True)
        wrong += found
        total += n
    for line in wrong:
        print(line)
    if not total:
        print("nothing was run")
        return 77
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
