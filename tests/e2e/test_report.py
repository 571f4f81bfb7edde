# SPDX-License-Identifier: Apache-2.0
"""The report page: what is in it, that no program can break out of it, and how a real browser draws it."""
import json
import os
import re
import shutil
import subprocess
import unittest

import e2e

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = "</script><script>document.title='broken out'</script><!-- <img src=x onerror=alert(1)>"


def data_of(page):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1)
    return json.loads(text)


class Report(e2e.Case):
    def setUp(self):
        super().setUp()
        rows = e2e.samples()
        rows[4]["solution"] = "# %s\ndef add(a, b):\n    return 1\n" % HOSTILE
        rows[8]["solution"] = rows[4]["solution"]
        e2e.write_jsonl(self.samples, rows)
        self.db = self.store()
        self.winnow(*self.run_args(self.db))

    def page(self):
        self.winnow("--store", self.db, "report", "--out", self.path("r.html"))
        return e2e.read(self.path("r.html")).decode("utf-8")

    def test_agrees_with_the_store(self):
        data = data_of(self.page())
        self.assertEqual([(r["run_id"], r["stage"], r["n"]) for r in data["funnel"]],
                         self.query(self.db, "SELECT run_id, stage, n FROM v_funnel WHERE n > 0 OR stage = 'sampled' ORDER BY run_id, stage_order"))
        accepted, counted = self.query(self.db, "SELECT sum(c), sum(n) FROM v_pass_at_k")[0]
        self.assertEqual(sum(r["c"] * r["tasks"] for r in data["passk"]), accepted)
        self.assertEqual(sum(r["n"] * r["tasks"] for r in data["passk"]), counted)
        self.assertEqual(sum(r["n"] for r in data["times"]),
                         self.query(self.db, "SELECT count(*) FROM v_samples WHERE passed IS NOT NULL AND program_id IS NOT NULL")[0][0])
        self.assertEqual(data["counts"], {"runs": 1, "tasks": len(e2e.TASKS), "samples": len(e2e.samples())})
        self.assertEqual({t["task_id"] for t in data["tasks"]}, {t["task_id"] for t in e2e.TASKS})
        for o in data["offenders"]:
            found = self.query(self.db, "SELECT task_id, verdict, program_id IS NULL FROM v_samples WHERE sample_id = " + o["sample_id"])[0]
            self.assertEqual((o["task_id"], o["verdict"], o["program"] is None), found)

    def test_is_whole_and_loads_nothing(self):
        page = self.page()
        self.assertTrue(page.rstrip().endswith("</html>"))
        self.assertEqual(re.findall(r'(?:src|href)\s*=\s*["\']?(?!#|data:)[a-z]+:', re.sub(r'id="data">.*?</script>', "", page, flags=re.S)), [])
        self.assertNotIn(HOSTILE, page)
        self.assertIn(HOSTILE, [line for o in data_of(page)["offenders"] for line in (o["program"] or "").replace("# ", "").split("\n")])

    def test_goes_where_it_is_told(self):
        p = self.winnow("--store", self.db, "report", "--out", "-")
        self.assertEqual(p.stdout, self.page())
        answer = json.loads(self.winnow("--store", self.db, "--json", "report", "--out", "j.html").stdout)
        self.assertEqual(answer, {"path": "j.html", "bytes": os.path.getsize(self.path("j.html"))})
        self.assertIn("--out", self.winnow("--store", self.db, "report", "--out", "none/r.html", status=2).stderr)
        self.assertIn("none.db", self.winnow("--store", "none.db", "report", status=2).stderr)

    def test_of_an_empty_store(self):
        empty = self.store("empty.db")
        self.winnow("--store", empty, "report", "--out", self.path("empty.html"))
        data = data_of(e2e.read(self.path("empty.html")).decode())
        self.assertEqual((data["runs"], data["offenders"]), ([], []))
        if BROWSER:
            self.browse("empty.html")

    def browse(self, name):
        """The page as the browser has drawn it, and the milliseconds that its script took."""
        p = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                            "--disable-background-networking", "--disable-component-update", "--disable-sync",
                            "--user-data-dir=" + self.path("browser"), "--enable-logging=stderr", "--dump-dom",
                            "file://" + self.path(name)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual([line for line in p.stderr.splitlines() if "CONSOLE" in line], [])
        drawn = re.search(r'data-drawn-ms="(\d+)"', p.stdout)
        self.assertIsNotNone(drawn, "the script did not come to its end")
        return p.stdout, int(drawn.group(1))

    @unittest.skipUnless(BROWSER, "needs chromium")
    def test_in_a_browser(self):
        self.page()
        dom, ms = self.browse("r.html")
        print("drawn in %d ms" % ms)
        self.assertIn("<title>Winnow report</title>", dom)
        for part in ("funnel", "passk", "rounds", "reward", "time", "memory"):
            self.assertRegex(dom, r'<div id="%s"><svg [^>]*role="img"' % part)
        for t in e2e.TASKS:
            self.assertIn("<summary>%s</summary>" % t["task_id"], dom)
        self.assertIn("&lt;/script&gt;&lt;script&gt;", dom)
        for stage, n in self.query(self.db, "SELECT stage, n FROM v_funnel WHERE n > 0"):
            self.assertIn("<td>%s</td><td class=\"n\">%d</td>" % (stage, n), dom)


if __name__ == "__main__":
    unittest.main()
