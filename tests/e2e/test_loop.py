#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_loop.py: a loop of one round is stopped, goes on, and is the same twice; train reads shards alone."""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

winnow = os.environ["WINNOW"]
root = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
tasks = os.path.join(root, "docs/demo/basics.tasks.jsonl")
select = "id:list-total,id:list-length,id:reverse-list,id:list-largest,id:string-length,id:sort-up"


def run(*args, cwd, want=0):
    done = subprocess.run([winnow, *args], capture_output=True, text=True, cwd=cwd)
    if done.returncode != want:
        sys.exit(f"winnow {' '.join(args)}: exit {done.returncode}, not {want}\n{done.stdout}{done.stderr}")
    return done


def loop(cwd, rounds="1"):
    out = run("--json", "loop", "--rounds", rounds, "--samples", "8", "--seed", "3", "--select", select, "--out", "out", cwd=cwd)
    return json.loads(out.stdout)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
    for cwd in (one, two):
        run("import", tasks, cwd=cwd)
    first = loop(one)
    # stopped after its first run: the second command goes on with what is there
    run("run", "--policy", "grammar", "--policy-version", "0:" + first["label"], "--samples", "8", "--seed", "3", "--no-confirm",
        "--select", select, cwd=two)
    second = loop(two)
    assert [r["run"] for r in second["rounds"]] == [r["run"] for r in first["rounds"]], second
    for name in ("weights-1.json", "round-0/rollouts-00000-of-00001.jsonl.zst"):
        assert digest(f"{one}/out/{name}") == digest(f"{two}/out/{name}"), f"{name} differs between two loops of one seed"
    before = digest(f"{one}/out/weights-1.json")
    again = loop(one)  # nothing is done twice
    assert again == first, again
    rates = {(r["round"], r["split"]): r["pass_at_1"] for r in first["rounds"]}
    assert {k[0] for k in rates} == {0, 1}, rates
    assert max(v for k, v in rates.items() if k[1] == "train") > 0, rates

    with open(f"{one}/out/weights-1.json") as f:
        weights = json.load(f)
    assert weights["lineage"]["parent"] is None and weights["lineage"]["rows"]["derivations"] > 0, weights["lineage"]
    with open(f"{one}/out/round-0/manifest.json") as f:
        assert weights["lineage"]["shards"][0]["sha256"] == json.load(f)["shards"][0]["sha256"]
    # from the shards alone, elsewhere, without a store
    run("train", "--out", "w.json", "--seed", "3", "--policy-version", "1:" + first["label"], f"{one}/out/round-0", cwd=two)
    assert digest(f"{two}/w.json") == before
    child = run("train", "--out", "w2.json", "--weights", "w.json", f"{one}/out/round-0", cwd=two)
    with open(f"{two}/w2.json") as f:
        assert json.load(f)["lineage"]["parent"] == before
    # a bit of a shard changed, a folder of something else, broken weights
    shard = f"{two}/out/round-0/rollouts-00000-of-00001.jsonl.zst"
    with open(shard, "r+b") as f:
        byte = f.read(1)
        f.seek(0)
        f.write(bytes([byte[0] ^ 1]))
    bad = run("train", "--out", "x.json", "out/round-0", cwd=two, want=2)
    assert "is not the file that its manifest tells of" in bad.stderr, bad.stderr
    assert "not a folder of shards" in run("train", "--out", "x.json", ".", cwd=two, want=2).stderr
    with open(f"{two}/broken.json", "w") as f:
        f.write('{"format": "winnow-grammar-weights", "version": 1, "bits": 19, "weights": [1]}')
    assert "not a list of pairs" in run("run", "--policy", "grammar:broken.json", cwd=two, want=2).stderr
    assert not os.path.exists(f"{two}/x.json")
print("loop: ok")
