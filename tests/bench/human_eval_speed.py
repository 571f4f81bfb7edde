#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Samples of HumanEval judged a second, against a checker in human-eval's style, in one run.

  human_eval_speed.py --winnow PROGRAM --problems HumanEval.jsonl [--samples FILE] [--every N] [--cores N]
                      [--rounds N] [--timeout S] [--plain] [--without-timeouts]

Without --samples the reference answers.  Both sides get the same samples, the same cores (taskset) and the same
limit of time, turn about; the ratio is of neighbours, its median first.  The verdicts of both must agree, but for samples
that Winnow's separate judge rightly refuses or that hit a limit: those are listed.  --without-timeouts leaves out what
Winnow says is a time_limit.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def rows(path):
    with open(path, encoding='utf-8') as file:
        return [json.loads(line) for line in file if line.strip()]


def write(path, lines):
    with open(path, 'w', encoding='utf-8') as file:
        for line in lines:
            file.write(json.dumps(line) + '\n')


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--winnow', required=True)
    p.add_argument('--problems', required=True)
    p.add_argument('--samples')
    p.add_argument('--every', type=int, default=1)
    p.add_argument('--cores', type=int, default=1)
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--timeout', type=float, default=3.0)
    p.add_argument('--plain', action='store_true')
    p.add_argument('--without-timeouts', action='store_true')
    a = p.parse_args()
    cores = ','.join(str(c) for c in sorted(os.sched_getaffinity(0))[:a.cores])
    with tempfile.TemporaryDirectory() as folder:
        samples = os.path.join(folder, 'samples.jsonl')
        out = os.path.join(folder, 'out.jsonl')
        if a.samples:
            chosen = rows(a.samples)[::a.every]
        else:
            chosen = [{'task_id': r['task_id'], 'completion': r['canonical_solution']} for r in rows(a.problems)][::a.every]
        write(samples, chosen)
        ours = ['taskset', '-c', cores, a.winnow, 'grade', '--no-reference-check', '--no-confirm', '--tasks', a.problems,
                '--jobs', str(a.cores), '--time', str(a.timeout), '--memory', '2048', '--out', out, *(['--plain'] * a.plain), samples]
        theirs = ['taskset', '-c', cores, sys.executable, os.path.join(HERE, 'human_eval_style.py'), a.problems, samples,
                  '--workers', str(a.cores), '--timeout', str(a.timeout)]

        def run_ours():
            since = time.perf_counter()
            subprocess.run(ours, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return time.perf_counter() - since

        run_ours()
        if a.without_timeouts:
            chosen = [s for s, r in zip(chosen, rows(out)) if r['verdict'] != 'time_limit']
            write(samples, chosen)
        ratios = []
        for i in range(a.rounds):
            base = json.loads(subprocess.run(theirs, check=True, capture_output=True, text=True).stdout)
            mine = run_ours()
            passed = sum(bool(r['passed']) for r in rows(out))
            ratios.append(base['seconds'] / mine)
            print('round %d: baseline %.1f/s (%d passed), winnow %.1f/s (%d passed), ratio %.2f' % (
                i + 1, len(chosen) / base['seconds'], base['passed'], len(chosen) / mine, passed, ratios[-1]), flush=True)
        print('ratio %.2f (%.2f to %.2f) over %d samples on %d core(s)' % (
            statistics.median(ratios), min(ratios), max(ratios), len(chosen), a.cores))


if __name__ == '__main__':
    main()
