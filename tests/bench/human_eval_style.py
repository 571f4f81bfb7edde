#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A checker in the style of human-eval's: the baseline of human_eval_speed.py.

  human_eval_style.py PROBLEMS.jsonl SAMPLES.jsonl --workers N --timeout S

For each sample a manager process for its result and a fork that runs program and tests in one process, with
an interval timer against loops and many functions of os and shutil set to None: no isolation.  Prints the samples
passed and the seconds that checking took.
"""
import argparse
import concurrent.futures
import contextlib
import faulthandler
import gzip
import io
import json
import multiprocessing
import os
import platform
import shutil
import signal
import tempfile
import time


class TimedOut(Exception):
    pass


class WriteOnly(io.StringIO):
    def read(self, *args, **kwargs):
        raise OSError

    readline = readlines = read

    def readable(self, *args, **kwargs):
        return False


@contextlib.contextmanager
def time_limit(seconds):
    def on_alarm(number, frame):
        raise TimedOut

    signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.signal(signal.SIGALRM, on_alarm)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def swallow():
    stream = WriteOnly()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield


@contextlib.contextmanager
def own_folder():
    with tempfile.TemporaryDirectory() as folder:
        was = os.getcwd()
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(was)


def guard():
    faulthandler.disable()
    import builtins
    builtins.exit = builtins.quit = None
    os.environ['OMP_NUM_THREADS'] = '1'
    for name in ('kill', 'system', 'putenv', 'remove', 'removedirs', 'rmdir', 'fchdir', 'setuid', 'fork', 'forkpty', 'killpg',
                 'rename', 'renames', 'truncate', 'replace', 'unlink', 'fchmod', 'fchown', 'chmod', 'chown', 'chroot', 'lchown',
                 'getcwd', 'chdir'):
        setattr(os, name, None)
    shutil.rmtree = shutil.move = shutil.chown = None
    import subprocess
    subprocess.Popen = None


def run(problem, completion, timeout, result):
    with own_folder():
        import os as os_
        import shutil as shutil_
        keep = shutil_.rmtree, os_.rmdir, os_.chdir, os_.unlink, os_.getcwd
        guard()
        program = '%s%s\n%s\ncheck(%s)' % (problem['prompt'], completion, problem['test'], problem['entry_point'])
        try:
            with swallow(), time_limit(timeout):
                exec(program, {})
            result.append('passed')
        except TimedOut:
            result.append('timed out')
        except BaseException as error:
            result.append('failed: %s' % error)
        shutil_.rmtree, os_.rmdir, os_.chdir, os_.unlink, os_.getcwd = keep


def check(problem, completion, timeout):
    manager = multiprocessing.Manager()
    result = manager.list()
    process = multiprocessing.Process(target=run, args=(problem, completion, timeout, result))
    process.start()
    process.join(timeout=timeout + 1)
    if process.is_alive():
        process.kill()
    passed = bool(result) and result[0] == 'passed'
    manager.shutdown()
    return passed


def rows(path):
    with (gzip.open if path.endswith('.gz') else open)(path, 'rt', encoding='utf-8') as file:
        return [json.loads(line) for line in file if line.strip()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('problems')
    parser.add_argument('samples')
    parser.add_argument('--workers', type=int, default=4)
    parser.add_argument('--timeout', type=float, default=3.0)
    a = parser.parse_args()
    problems = {p['task_id']: p for p in rows(a.problems)}
    samples = rows(a.samples)
    since = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(max_workers=a.workers) as pool:
        passed = sum(pool.map(lambda s: check(problems[s['task_id']], s['completion'], a.timeout), samples))
    print(json.dumps({'samples': len(samples), 'passed': passed, 'seconds': time.perf_counter() - since,
                      'python': platform.python_version()}))


if __name__ == '__main__':
    main()
