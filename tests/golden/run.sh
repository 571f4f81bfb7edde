#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Known verdicts, end to end with the built program: run.sh WINNOW CASE
#   synthetic    the golden set made from our own tasks, every verdict word for word
#   references   HumanEval and MBPP reference answers          (needs WINNOW_DATA)
#   golden       HumanEval x CodeGen-16B samples                (needs WINNOW_DATA; every tenth sample, all when WINNOW_FULL)
#   stdio        library-checker and Kattis packages, C++, C and Python (needs WINNOW_DATA)
#   others       MBXP Python and LLMDebugger samples            (needs WINNOW_DATA)
#   plain        the same verdicts, flags and counts with and without shortcuts (needs WINNOW_DATA; a slice, all when WINNOW_FULL)
#   load         four busy loops a core beside it: no verdict differs from the truth (needs WINNOW_DATA and WINNOW_FULL)
# Exit 77: skipped, with the reason as the last line.
set -euo pipefail
winnow=$(realpath "$1")
case_name=$2
here=$(cd "$(dirname "$0")" && pwd)
python=/usr/bin/python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

need_data() {
	if [ -z "${WINNOW_DATA:-}" ]; then
		echo "skipped: golden.$case_name needs WINNOW_DATA"
		exit 77
	fi
}
grade() { "$winnow" grade --no-reference-check "$@"; }

# The truth of one-sample-a-task files, in the order of the results.
join_truth() {
	$python - "$1" "$2" <<'PY'
import json, sys
truth = {r["task_id"]: r for r in map(json.loads, open(sys.argv[2]))}
for row in map(json.loads, open(sys.argv[1])):
    print(json.dumps(truth[row["task_id"]]))
PY
}

case "$case_name" in
synthetic)
	$python "$here/make_golden.py" golden "$work"
	grade --tasks "$work/golden.tasks.jsonl" --out "$work/results.jsonl" "$work/golden.samples.jsonl"
	$python "$here/compare.py" --verdicts "$work/results.jsonl" "$work/golden.truth.jsonl"
	;;
references)
	need_data
	grade --tasks "$WINNOW_DATA/humaneval/HumanEval.jsonl" --references --out "$work/he.jsonl"
	join_truth "$work/he.jsonl" "$WINNOW_DATA/verdicts/humaneval_canonical.jsonl" > "$work/he.truth.jsonl"
	$python "$here/compare.py" "$work/he.jsonl" "$work/he.truth.jsonl"
	grade --tasks "$WINNOW_DATA/mbpp/mbpp.jsonl" --references --out "$work/mbpp.jsonl"
	join_truth "$work/mbpp.jsonl" "$WINNOW_DATA/verdicts/mbpp_canonical.jsonl" > "$work/mbpp.truth.jsonl"
	$python "$here/compare.py" "$work/mbpp.jsonl" "$work/mbpp.truth.jsonl"
	;;
golden)
	need_data
	samples=$WINNOW_DATA/samples/humaneval_codegen16b_n100.jsonl
	truth=$WINNOW_DATA/verdicts/humaneval_codegen16b_n100.jsonl
	if [ -z "${WINNOW_FULL:-}" ]; then
		awk 'NR % 10 == 1' "$samples" > "$work/samples.jsonl"; samples=$work/samples.jsonl
		awk 'NR % 10 == 1' "$truth" > "$work/truth.jsonl"; truth=$work/truth.jsonl
	fi
	grade --tasks "$WINNOW_DATA/humaneval/HumanEval.jsonl" --time 5 --memory 2048 --out "$work/results.jsonl" "$samples"
	$python "$here/compare.py" --refusals 5 "$work/results.jsonl" "$truth"
	;;
others)
	need_data
	grade --tasks "$WINNOW_DATA/mbxp/mbpp_release_v1.jsonl" --tasks-format humaneval --time 5 --memory 2048 \
		--out "$work/mbxp.jsonl" "$WINNOW_DATA/mbxp/examples/mbpp_samples.jsonl"
	join_truth "$work/mbxp.jsonl" "$WINNOW_DATA/verdicts/mbxp_mbpp_samples.jsonl" > "$work/mbxp.truth.jsonl"
	$python "$here/compare.py" --refusals 2 "$work/mbxp.jsonl" "$work/mbxp.truth.jsonl"
	grade --tasks "$WINNOW_DATA/humaneval/HumanEval.jsonl" --time 5 --memory 2048 --out "$work/debugger.jsonl" \
		"$WINNOW_DATA/samples/llmdebugger/humaneval/gpt-3.5-turbo-0613/seed.jsonl"
	$python "$here/compare.py" "$work/debugger.jsonl" "$WINNOW_DATA/verdicts/llmdebugger_humaneval_gpt-3.5.jsonl"
	;;
load)
	need_data
	if [ -z "${WINNOW_FULL:-}" ]; then
		echo "skipped: golden.load needs WINNOW_FULL"
		exit 77
	fi
	burners=()
	for _ in $(seq $((4 * $(nproc)))); do
		timeout 3600 sh -c 'while :; do :; done' &
		burners+=($!)
	done
	trap 'kill "${burners[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
	awk 'NR % 10 == 1' "$WINNOW_DATA/samples/humaneval_codegen16b_n100.jsonl" > "$work/samples.jsonl"
	awk 'NR % 10 == 1' "$WINNOW_DATA/verdicts/humaneval_codegen16b_n100.jsonl" > "$work/truth.jsonl"
	grade --tasks "$WINNOW_DATA/humaneval/HumanEval.jsonl" --time 5 --memory 2048 --out "$work/results.jsonl" "$work/samples.jsonl"
	$python "$here/compare.py" --refusals 5 "$work/results.jsonl" "$work/truth.jsonl"
	;;
plain)
	need_data
	nth=40
	[ -z "${WINNOW_FULL:-}" ] || nth=1
	awk -v n=$nth 'NR % n == 7 % n' "$WINNOW_DATA/samples/humaneval_codegen16b_n100.jsonl" > "$work/humaneval.jsonl"
	awk -v n=$nth 'NR % n == 7 % n' "$WINNOW_DATA/mbxp/examples/mbpp_samples.jsonl" > "$work/mbxp.jsonl"
	for way in quick plain; do
		option=
		[ $way = quick ] || option=--plain
		grade --no-confirm $option --tasks "$WINNOW_DATA/humaneval/HumanEval.jsonl" --time 5 --memory 2048 \
			--out "$work/humaneval.$way" "$work/humaneval.jsonl"
		grade --no-confirm $option --tasks "$WINNOW_DATA/mbxp/mbpp_release_v1.jsonl" --tasks-format humaneval --time 5 --memory 2048 \
			--out "$work/mbxp.$way" "$work/mbxp.jsonl"
	done
	for set in humaneval mbxp; do
		$python "$here/same.py" "$work/$set.quick" "$work/$set.plain"
	done
	;;
stdio)
	need_data
	for set in library-checker kattis; do
		$python "$here/submissions.py" "$WINNOW_DATA/stdio/$set"/*/ "$work/samples.jsonl" "$work/truth.jsonl"
		grade --tasks "$WINNOW_DATA/stdio/$set" --tasks-format icpc --out "$work/results.jsonl" "$work/samples.jsonl"
		$python "$here/compare.py" --verdicts "$work/results.jsonl" "$work/truth.jsonl"
	done
	;;
*)
	echo "run.sh: unknown case '$case_name'" >&2
	exit 2
	;;
esac
