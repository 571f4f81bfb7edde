#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job, end to end, over the shipped tasks and samples: demo.sh WINNOW OUT
set -euo pipefail
winnow=$(realpath "$1")
out=$2
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$out"
rm -rf "${out:?}"/demo.db* "${out:?}"/sft "${out:?}"/rollouts "${out:?}"/dpo
cd "$out"
say() { printf '\n== %s\n' "$*"; }

say "what this host allows"
"$winnow" doctor || true
say "import: 17 tasks in Python, C and C++"
"$winnow" --store demo.db import "$here/demo.tasks.jsonl"
say "run: 20 recorded samples a task, judged in the sandbox"
"$winnow" --store demo.db run --policy "replay:$here/demo.samples.jsonl" --samples 20 --languages python,c,cpp --seed 1
say "export: what a trainer reads"
"$winnow" --store demo.db export --format sft --compress none --out sft
"$winnow" --store demo.db export --format rollouts --out rollouts
"$winnow" --store demo.db export --format dpo --out dpo
say "the best accepted program of each task"
"$winnow" --store demo.db sql "SELECT task_id, language, round(cpu_ms, 1) AS cpu_ms, substr(program_id, 1, 10) AS program FROM v_best ORDER BY task_id, language"
say "done"
printf 'store    %s\nshards   %s\n' "$PWD/demo.db" "$PWD/{sft,rollouts,dpo}/"
printf 'ask it   %s --store %s show funnel\n' "$winnow" "$PWD/demo.db"
