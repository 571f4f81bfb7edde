# SPDX-License-Identifier: Apache-2.0
"""What the owner of a nightly job relies on: deadline, signals, the lock, the disk, metrics."""
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from e2e import SAMPLES, SLOWDOWN, TASKS, Case, read, samples, stop, write_jsonl


def slow_samples(n=40, seconds=0.3):
    rows = []
    for t in TASKS:
        head = t["solutions"]["python"]
        for i in range(n):
            rows.append({"task_id": t["task_id"], "sample": i, "solution":
                         "import time\n_t = time.process_time()\nwhile time.process_time() - _t < %g:\n    pass\n# %d\n%s"
                         % (seconds, i, head)})
    return rows


class Nightly(Case):
    def setUp(self):
        super().setUp()
        self.slow = self.path("slow.jsonl")
        write_jsonl(self.slow, slow_samples())

    def slow_args(self, store, *more):
        return self.run_args(store, *more, samples_file=self.slow, n=40)

    def wait_for(self, what, test, timeout=30):
        end = time.monotonic() + timeout * SLOWDOWN
        while time.monotonic() < end:
            value = test()
            if value:
                return value
            time.sleep(0.02)
        self.fail("waited in vain for " + what)

    def judged(self, store):
        try:
            return self.query(store, "SELECT count(*) FROM sample WHERE state = 'judged'")[0][0]
        except Exception:
            return 0

    def test_deadline_stops_in_good_order(self):
        store = self.store()
        write_jsonl(self.slow, slow_samples(100, 0.001))   # more than are asked for at a time
        s = self.summary(self.winnow(*self.run_args(store, "--deadline", "1s", "--jobs", 1, samples_file=self.slow,
                                                    n=100), status=4))
        self.assertEqual((s["state"], s["exit_reason"]), ("stopped", "deadline"))
        self.assertEqual(s["pending"], 0)     # what was there has been judged
        self.assertGreater(s["unsampled"], 0)
        self.assertEqual(self.query(store, "SELECT state FROM run"), [("stopped",)])
        self.sound(store)

    def test_sigterm_drains_and_exits_4(self):
        store = self.store()
        p = self.start(*self.slow_args(store, "--jobs", 1))
        self.wait_for("a verdict", lambda: self.judged(store))
        began = time.monotonic()
        stop(p)
        status, out, err = self.end(p, timeout=45)
        self.assertEqual(status, 4, err)
        self.assertLess(time.monotonic() - began, 15 * SLOWDOWN)
        s = self.summary(out)
        self.assertEqual(s["state"], "stopped")
        self.sound(store)
        self.assertEqual(s["judged"], self.judged(store))

    def test_second_sigterm_and_sigint_leave_at_once(self):
        for signals, want in (([signal.SIGTERM, signal.SIGTERM], 4), ([signal.SIGINT], 130)):
            store = self.store("s%d.db" % want)
            p = self.start(*self.slow_args(store, "--jobs", 1))
            self.wait_for("a verdict", lambda: self.judged(store))
            began = time.monotonic()
            for s in signals:
                stop(p, s)
                time.sleep(0.3)
            status, out, err = self.end(p, timeout=20)
            self.assertEqual(status, want, err)
            self.assertLess(time.monotonic() - began, 8 * SLOWDOWN)
            self.assertEqual(self.summary(out)["state"], "stopped")
            self.assertGreater(self.query(store, "SELECT count(*) FROM sample WHERE state = 'pending'")[0][0], 0)
            self.sound(store)

    def test_second_writer_waits_or_names_the_holder(self):
        store = self.store()
        p = self.start(*self.slow_args(store, "--jobs", 1))
        self.wait_for("a verdict", lambda: self.judged(store))
        began = time.monotonic()
        q = self.winnow(*self.run_args(store), status=3)
        self.assertIn("winnow run", q.stderr)
        self.assertIn(str(p.pid), q.stderr)
        q = self.winnow(*self.run_args(store, "--wait", "1"), status=3)
        self.assertGreaterEqual(time.monotonic() - began, 1)
        waiter = self.start(*self.run_args(store, "--wait", "60"))
        time.sleep(0.3)
        stop(p, signal.SIGINT)
        self.end(p)
        status, out, err = self.end(waiter, timeout=90)
        self.assertEqual(status, 0, err)
        self.assertEqual(self.summary(out)["run_id"], 2)

    def test_dead_spawner_is_exit_3_and_resume_goes_on(self):
        store = self.store()
        write_jsonl(self.slow, slow_samples(12))
        p = self.start(*self.run_args(store, "--jobs", 1, "--select", "id:add", samples_file=self.slow, n=12))
        self.wait_for("a verdict", lambda: self.judged(store))
        with open("/proc/%d/task/%d/children" % (p.pid, p.pid)) as f:
            children = [int(x) for x in f.read().split()]
        self.assertTrue(children)
        os.kill(children[0], signal.SIGKILL)
        status, out, err = self.end(p, timeout=30)
        self.assertEqual(status, 3, err)
        self.assertEqual(self.summary(out)["exit_reason"], "spawner_dead")
        self.sound(store)
        s = self.summary(self.winnow("--store", store, "--json", "run", "--resume", "last", "--jobs", 2))
        self.assertEqual((s["state"], s["judged"]), ("complete", 12))

    def test_min_free_pauses(self):
        store = self.store()
        p = self.winnow(*self.run_args(store, "--min-free", "900000T", "--deadline", "2s"), status=4)
        self.assertIn("--min-free", p.stderr)
        s = self.summary(p)
        self.assertEqual((s["sampled"], s["unsampled"]), (0, len(TASKS) * SAMPLES))

    def test_one_run_over_several_nights(self):
        """The command of docs/user/nightly.md: the same each night, whatever the last one left."""
        store = self.store()
        with open(self.path("nightly.yaml"), "w") as f:
            f.write("policy: replay:%s\nsamples: %d\nseed: 1\nmetrics: %s\n"
                    % (self.samples, SAMPLES, self.path("w.prom")))
        nights = []
        for deadline in ("0", "0", "300s", "300s"):
            p = self.winnow("--store", store, "--json", "run", "--config", "nightly.yaml", "--resume", "last",
                            "--deadline", deadline, status=None)
            nights.append((p.returncode, self.summary(p)))
        self.assertEqual([n[0] for n in nights], [4, 4, 0, 0])
        self.assertEqual({n[1]["run_id"] for n in nights}, {1})
        self.assertEqual([n[1]["resumed"] for n in nights], [False, True, True, True])
        self.assertEqual([n[1]["judged"] for n in nights[2:]], [len(TASKS) * SAMPLES] * 2)
        self.assertEqual(nights[3][1]["judgements"], 0)

    def test_a_server_that_holds_up_is_left_and_asked_again_for_the_rest(self):
        store = self.store()
        server = Server(answers=20)
        self.addCleanup(server.close)
        spec = "openai:http://127.0.0.1:%d/v1#m" % server.port
        args = ["--store", store, "--json", "run", "--samples", 10, "--requests", 2]
        p = self.start(*args, "--policy", spec)
        self.wait_for("verdicts", lambda: self.judged(store) >= 10)
        stop(p)
        status, out, err = self.end(p, timeout=45)
        self.assertEqual(status, 4, err)
        s = self.summary(out)
        self.assertLess(s["sampled"], s["planned"])
        server.begin(10 ** 9)
        s = self.summary(self.winnow(*args, "--resume", "last"))
        self.assertEqual((s["state"], s["sampled"], s["judged"]), ("complete", 40, 40))
        self.assertEqual(server.served, 40)                # nothing was asked for twice
        rows = self.query(store, "SELECT finish_reason, truncated, count(*) FROM v_samples GROUP BY 1, 2")
        self.assertEqual(sum(n for f, t, n in rows if f == "length"), sum(n for f, t, n in rows if t))
        self.assertGreater(sum(n for f, t, n in rows if t), 0)
        self.sound(store)

    def test_policy_that_dies_is_exit_3_and_resume_goes_on(self):
        store, counter = self.store(), self.path("answered")
        with open(self.path("policy.py"), "w") as f:
            f.write(DYING_POLICY)
        # the first session sees 13 answers and a death, the second failures that pass, the third the rest
        args = ["--store", store, "--json", "run", "--resume", "last", "--samples", 10,
                "--policy", "command:%s %s %s" % (sys.executable, self.path("policy.py"), counter)]
        p = self.winnow(*args, status=3)
        s = self.summary(p)
        self.assertEqual((s["state"], s["exit_reason"], s["sampled"], s["judged"]), ("failed", "policy_dead", 13, 13))
        self.assertIn("--resume last", p.stderr)
        s = self.summary(self.winnow(*args))
        self.assertEqual((s["state"], s["sampled"], s["failed"]["http"]), ("complete", 20, 20))
        self.assertEqual(self.query(store, "SELECT reason, count(*) FROM v_samples WHERE state = 'failed' GROUP BY 1"),
                         [("http", 20)])
        s = self.summary(self.winnow(*args))
        self.assertEqual((s["state"], s["sampled"], s["judged"], s["failed"]["http"]), ("complete", 40, 40, 0))
        with open(counter) as f:
            asked = [tuple(line.split()) for line in f]
        self.assertEqual(len(asked), 60)                   # 40, and 20 of them twice since they had failed
        self.assertEqual(len(set(asked)), 40)
        self.sound(store)

    def test_metrics_file(self):
        store, file = self.store(), self.path("winnow.prom")
        self.winnow(*self.run_args(store, "--metrics", file))
        text = read(file).decode()
        self.assertIn('winnow_samples_total{state="judged"} %d\n' % (len(TASKS) * SAMPLES), text)
        self.assertRegex(text, r'winnow_run_info\{run="1",state="complete",policy="replay",')
        success = float(re.search(r"^winnow_last_success_timestamp_seconds (\S+)$", text, re.M).group(1))
        self.assertLess(abs(success - time.time()), 120)
        helped, typed = set(), set()
        for line in text.splitlines():
            if line.startswith("# HELP "):
                helped.add(line.split()[2])
            elif line.startswith("# TYPE "):
                self.assertIn(line.split()[3], ("counter", "gauge"))
                typed.add(line.split()[2])
            else:
                m = re.fullmatch(r'([a-z_]+)(\{[a-z_]+="(?:[^"\\]|\\.)*"(?:,[a-z_]+="(?:[^"\\]|\\.)*")*\})? (-?[0-9.]+)', line)
                self.assertTrue(m, line)
                self.assertIn(m.group(1), helped & typed)
        # a run that stops does not forget when the last one succeeded
        self.winnow(*self.run_args(store, "--metrics", file, "--deadline", "0", "--seed", 5), status=4)
        self.assertIn("winnow_last_success_timestamp_seconds %.3f" % success, read(file).decode())
        self.assertEqual([n for n in os.listdir(self.dir) if ".tmp" in n], [])
        p = self.winnow(*self.run_args(store, "--metrics", "/nowhere/x.prom"), status=2)
        self.assertIn("--metrics", p.stderr)

    def test_read_only_folder(self):
        store = self.store()
        if os.geteuid() == 0:
            self.skipTest("root writes read-only folders")
        os.chmod(self.dir, 0o555)
        try:
            self.winnow(*self.run_args(store), status=3)
        finally:
            os.chmod(self.dir, 0o755)
        self.sound(store)

    def test_read_only_mount(self):
        with Mount(self, "4m") as where:
            store = os.path.join(where, "w.db")
            self.winnow("--store", store, "import", self.tasks)
            subprocess.run(["mount", "-o", "remount,ro", where], check=True)
            p = self.winnow(*self.run_args(store), status=3)
            self.assertTrue(p.stderr.strip())

    def test_full_disk(self):
        with Mount(self, "2m") as where:
            store = os.path.join(where, "w.db")
            self.winnow("--store", store, "import", self.tasks)
            with open(os.path.join(where, "filler"), "wb") as f:
                st = os.statvfs(where)
                f.write(b"x" * (st.f_bavail * st.f_bsize - 200 * 1024))
            big = [dict(r, solution=r["solution"] + "#" * 20000) for r in samples(60)]
            for i, r in enumerate(big):
                r["solution"] += "\n# %d\n" % i
            write_jsonl(self.samples, big)
            p = self.winnow(*self.run_args(store, n=60), status=3)
            self.assertRegex(p.stderr, "full|space")
            os.unlink(os.path.join(where, "filler"))
            subprocess.run(["mount", "-o", "remount,size=64m", where], check=True)
            s = self.summary(self.winnow(*self.run_args(store, "--resume", "last", n=60)))
            self.assertEqual((s["state"], s["judged"]), ("complete", 60 * len(TASKS)))
            self.sound(store)


DYING_POLICY = """
import json, os, sys
counter = sys.argv[1]
before = sum(1 for _ in open(counter)) if os.path.exists(counter) else 0
out = open(counter, "a")
n = before
for line in sys.stdin:
    ask = json.loads(line)
    for index in range(ask["first"], ask["first"] + ask["n"]):
        if before == 0 and n == 13:
            sys.exit(1)
        answer = {"id": ask["id"], "index": index, "mode": "solution", "text": "def f(): return %d" % index}
        if before == 13 and n >= 20:
            answer = {"id": ask["id"], "index": index, "error": "busy", "status": "http"}
        out.write("%s %d\\n" % (ask["task_id"], index))
        out.flush()
        n += 1
        print(json.dumps(answer), flush=True)
"""


class Server:
    """An OpenAI-compatible server that answers so many completions and holds all that follow."""

    def __init__(self, answers):
        outer = self
        self.answers, self.served, self.era, self.lock = answers, 0, 0, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def send(self, body):
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                self.send({"object": "list", "data": [{"id": "m", "object": "model"}]})

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                n, era = request.get("n") or 1, outer.era
                while True:
                    with outer.lock:
                        if era != outer.era:              # whoever asked has gone
                            self.close_connection = True
                            return
                        if outer.served + n <= outer.answers:
                            outer.served += n
                            number = outer.served
                            break
                    time.sleep(0.05)
                text = "Sure:\n```python\ndef %s(*a):\n    return %d\n```\n" % ("add", number % 5)
                self.send({"id": "x", "object": "chat.completion", "model": "m", "choices": [
                    {"index": i, "finish_reason": "length" if number % 4 == 0 else "stop",
                     "message": {"role": "assistant", "content": text}} for i in range(n)],
                    "usage": {"prompt_tokens": 5, "completion_tokens": 7}})

            def log_message(self, *args):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.daemon_threads = True
        self.httpd.handle_error = lambda *args: None      # clients hang up: that is the test
        self.port = self.httpd.server_address[1]
        self.thread = threading.Thread(target=self.httpd.serve_forever, daemon=True)
        self.thread.start()

    def begin(self, answers):
        """From now on answer so many more; what was held is never answered."""
        with self.lock:
            self.answers, self.era = answers, self.era + 1

    def close(self):
        self.begin(0)
        self.httpd.shutdown()
        self.httpd.server_close()


class Mount:
    """A tmpfs of some size; the test is skipped by name where we may not mount."""

    def __init__(self, case, size):
        self.case, self.size = case, size

    def __enter__(self):
        self.where = tempfile.mkdtemp(prefix="winnow-mount-")
        p = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + self.size, "tmpfs", self.where],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if p.returncode:
            os.rmdir(self.where)
            self.case.skipTest("no tmpfs can be mounted here: " + p.stderr.strip())
        return self.where

    def __exit__(self, *exc):
        subprocess.run(["umount", "-l", self.where], check=False)
        os.rmdir(self.where)


if __name__ == "__main__":
    unittest.main(verbosity=2)
