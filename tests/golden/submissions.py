# SPDX-License-Identifier: Apache-2.0
"""Turn the submissions of ICPC problem packages into a samples file and its truth.

  submissions.py PACKAGE... SAMPLES.jsonl TRUTH.jsonl

The folder that a submission lies in says its verdict (the ICPC format knows no verdict for memory: there it is a
run-time error); languages that Winnow does not have yet are left out.
"""
import json
import os
import sys

LANGUAGES = {".c": "c", ".cc": "cpp", ".cpp": "cpp", ".py": "python"}
VERDICTS = {"accepted": "accepted", "wrong_answer": "wrong_answer", "run_time_error": ["runtime_error", "memory_limit"],
            "time_limit_exceeded": "time_limit"}
*packages, samples, truth = sys.argv[1:]
with open(samples, "w") as s, open(truth, "w") as t:
    for package in packages:
        task = os.path.basename(package.rstrip("/"))
        for folder, verdict in VERDICTS.items():
            path = os.path.join(package, "submissions", folder)
            for name in sorted(os.listdir(path)) if os.path.isdir(path) else ():
                language = LANGUAGES.get(os.path.splitext(name)[1])
                if language is None:
                    continue
                with open(os.path.join(path, name)) as f:
                    row = {"task_id": task, "solution": f.read(), "language": language, "submission": folder + "/" + name}
                s.write(json.dumps(row) + "\n")
                t.write(json.dumps({"task_id": task, "verdict": verdict}) + "\n")
