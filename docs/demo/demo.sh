#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The whole of Winnow, end to end, with nothing but this machine: demo.sh WINNOW OUT
set -euo pipefail
winnow=$(realpath "$1")
out=$2
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$out"
rm -rf "${out:?}"/demo.db* "${out:?}"/{sft,rollouts,dpo,loop,report.html,loop.json}
cd "$out"
db() { "$winnow" --store demo.db "$@"; }
ask() { db --json sql "$1" | sed -E 's/^\{"a":"?([^"}]*)"?\}$/\1/'; }
say() { printf '\n== %s\n' "$*"; }

say "what this host allows"
db doctor || true
say "1/4  recorded samples: 17 tasks in Python, C and C++, judged in the sandbox"
db import "$here/demo.tasks.jsonl" "$here/basics.tasks.jsonl"
db run --policy "replay:$here/demo.samples.jsonl" --select source:demo --samples 5 --languages python,c,cpp --seed 1
say "2/4  a policy that learns: sample, judge, export, train on the train split, sample again"
# every third task of the shipped set, train and holdout alike
python3 - "$here/basics.tasks.jsonl" > loop.ids <<'PY'
import json, sys
with open(sys.argv[1], encoding="utf-8") as f:
    for i, line in enumerate(f):
        if i % 3 == 0:
            print(json.loads(line)["task_id"])
PY
db --json loop --rounds 1 --samples "${WINNOW_DEMO_SAMPLES:-16}" --seed 1 --select @loop.ids --out loop > loop.json
say "3/4  export: what a trainer reads"
db export --format sft --compress none --out sft
db export --format rollouts --out rollouts
db export --format dpo --out dpo
say "4/4  report"
db report --out report.html

rate() { ask "SELECT printf('%.1f', 100 * avg(pass_at_1)) || ' %, ' || sum(c > 0) || ' of ' || count(*) || ' solved' AS a FROM v_pass_at_k WHERE split = '$2' AND run_id = (SELECT $1(run_id) FROM run WHERE policy_kind = 'grammar')"; }
n() { ask "SELECT count(*) AS a FROM v_samples$1"; }
cat <<TEXT

== what happened
tasks       $(ask "SELECT count(DISTINCT task_id) AS a FROM v_samples") tasks, $(n "") samples, $(n " WHERE state = 'judged'") judged
funnel      $(n " WHERE verdict = 'no_program'") held no program, $(n " WHERE verdict = 'compile_error'") did not compile, $(n " WHERE verdict IN ('runtime_error', 'time_limit', 'memory_limit', 'output_limit', 'security_violation')") broke or met a limit, $(n " WHERE verdict = 'wrong_answer'") were wrong, $(n " WHERE verdict = 'accepted'") accepted
recorded    $(ask "SELECT printf('%.1f', 100 * avg(pass_at_1)) || ' % pass@1 in Python, C and C++' AS a FROM v_pass_at_k WHERE run_id = 1")
train       pass@1 $(rate min train) untrained; $(rate max train) after one round
holdout     pass@1 $(rate min holdout) untrained; $(rate max holdout) after one round (never trained on)
best        $(ask "SELECT count(*) || ' best programs by task and language' AS a FROM v_best")
store       $PWD/demo.db
shards      $PWD/{sft,rollouts,dpo,loop/round-0}/
weights     $PWD/loop/weights-1.json
report      $PWD/report.html
TEXT
