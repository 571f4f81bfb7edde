# needs: sandbox
# every row has a baseline of the same run; the numbers are the host's own
TMPDIR=$PWD $WINNOW --json bench --seconds 0.1 > answer || exit
python3 - <<'PY'
import json, os
a = json.load(open("answer"))
cores = sorted({r["cores"] for r in a["rows"]})
assert cores == [1, 2][:min(2, len(os.sched_getaffinity(0)))], cores
for r in a["rows"]:
    assert 0 < r["ratio_low"] <= r["ratio"] <= r["ratio_high"], r
    assert 0 < r["per_s_low"] <= r["per_s"] <= r["per_s_high"] and r["baseline_per_s"] > 0, r
print(sorted(a), sorted(a["rows"][0]))
for r in a["rows"]:
    if r["cores"] == 1:
        print(r["name"], "/", r["baseline"], r["batches"])
PY
ls -d winnow-bench-* 2>/dev/null
true
