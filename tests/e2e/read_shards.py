#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Read an export as a trainer would, and say whether it is what it claims.

    read_shards.py FOLDER [--same-as FOLDER] [--same-rows-as FOLDER] [--quiet]

Knows nothing of Winnow's code: Python's standard library, and the zstd command
where shards are compressed with zstd.  Checks the manifest, every hash and
count, that no group is split, and each row's shape: TRL's for sft, dpo and kto, the
canonical row of docs/formats/rollout.schema.json for rollouts (with its reward
and advantage recomputed).  Exit 0: all holds; 1: it does not; 77: zstd is missing.
"""
import argparse
import gzip
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys

VERDICTS = {
    "accepted", "wrong_answer", "compile_error", "runtime_error", "time_limit", "memory_limit",
    "output_limit", "security_violation", "no_program", "internal_error",
}
HEX64 = re.compile(r"[0-9a-f]{64}\Z")
SHARD = re.compile(r"(?P<name>[a-z-]+)-(?P<i>\d{5})-of-(?P<n>\d{5})\.jsonl(?P<packed>\.zst|\.gz)?\Z")
NOTHING = type(None)


class Wrong(Exception):
    pass


def need(holds, *words):
    if not holds:
        raise Wrong(" ".join(str(w) for w in words))


def is_text(x):
    return isinstance(x, str)


def is_count(x):
    return isinstance(x, int) and not isinstance(x, bool) and x >= 0


def is_number(x):
    return isinstance(x, (int, float)) and not isinstance(x, bool)


def read_shard(folder, shard):
    """The shard's text, once its bytes are those of the manifest."""
    path = os.path.join(folder, shard["file"])
    packed = SHARD.match(shard["file"])["packed"]
    with open(path, "rb") as f:
        data = f.read()
    need(len(data) == shard["bytes"], shard["file"], "has", len(data), "bytes, not", shard["bytes"])
    need(hashlib.sha256(data).hexdigest() == shard["sha256"], shard["file"], "does not match its sha256")
    if packed == ".gz":
        return gzip.decompress(data)
    if packed == ".zst":
        if not shutil.which("zstd"):
            print("SKIP: the zstd command is missing", file=sys.stderr)
            sys.exit(77)
        return subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
    return data


def rows_of(plain, where):
    """Strict JSON lines: no blank line, no NaN, a newline after each."""
    def refuse(word):
        raise Wrong(where, "is not JSON:", word)

    def no_twice(pairs):
        need(len({k for k, _ in pairs}) == len(pairs), where, "has a key twice")
        return dict(pairs)

    text = plain.decode("utf-8", errors="strict")
    need(not text or text.endswith("\n"), where, "does not end with a newline")
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            row = json.loads(line, parse_constant=refuse, object_pairs_hook=no_twice)
        except ValueError as e:
            raise Wrong(f"{where}:{number}: {e}")
        need(isinstance(row, dict), f"{where}:{number}: is no object")
        yield f"{where}:{number}", row


# --- shapes ---

def check_messages(messages, at, last_role=None):
    need(isinstance(messages, list) and messages, at, "messages: not a list with something in it")
    for m in messages:
        need(isinstance(m, dict) and set(m) >= {"role", "content"}, at, "a message without role and content")
        need(m["role"] in ("system", "user", "assistant"), at, "unknown role", m["role"])
        need(is_text(m["content"]), at, "content is no text")
    if last_role:
        need(messages[-1]["role"] == last_role, at, "the last message is not of", last_role)


def check_sft(row, at, shape):
    if shape == "messages":
        need("messages" in row and "prompt" not in row, at, "TRL SFT wants messages")
        check_messages(row["messages"], at, "assistant")
        need(row["messages"][-1]["content"], at, "an empty answer")
    else:
        need("messages" not in row, at, "messages beside prompt and completion")
        need(is_text(row.get("prompt")) and is_text(row.get("completion")), at, "TRL SFT wants two texts")
    need(is_text(row["task_id"]) and is_text(row["language"]) and HEX64.match(row["id"]), at, "extra columns")


def check_dpo(row, at, shape):
    for key in ("prompt", "chosen", "rejected"):
        need(key in row, at, "TRL DPO wants", key)
        if shape == "messages":
            check_messages(row[key], at, "assistant" if key != "prompt" else None)
        else:
            need(is_text(row[key]), at, key, "is no text")
    if shape == "messages":
        need(row["prompt"][-1]["role"] == "user", at, "the prompt does not end with the user")
        need(len(row["chosen"]) == len(row["rejected"]) == 1, at, "an answer is one message")
    need(row["chosen"] != row["rejected"], at, "chosen and rejected are the same")
    need(row["rejected_verdict"] in VERDICTS - {"accepted", "internal_error"}, at, row["rejected_verdict"])


def check_kto(row, at, shape):
    for key in ("prompt", "completion"):
        need(key in row, at, "TRL KTO wants", key)
        if shape == "messages":
            check_messages(row[key], at, "user" if key == "prompt" else "assistant")
        else:
            need(is_text(row[key]), at, key, "is no text")
    need(shape != "messages" or len(row["completion"]) == 1, at, "an answer is one message")
    need(isinstance(row["label"], bool), at, "label is no boolean")
    need(row["verdict"] in VERDICTS - {"internal_error"}, at, row["verdict"])
    need(row["label"] is (row["verdict"] == "accepted"), at, "label", row["label"], "of", row["verdict"])
    need(is_text(row["task_id"]) and is_text(row["language"]) and HEX64.match(row["id"]), at, "extra columns")


def check_prompts(row, at, name, with_tests):
    check_messages(row["messages"], at, "user")
    for key in ("prompt", "task_id", "task_rev", "digest", "tests_kind"):
        need(is_text(row[key]), at, key)
    for key in ("cases", "samples", "solved", "distinct_accepted"):
        need(is_count(row[key]), at, key)
    need(row["distinct_accepted"] <= row["solved"] <= row["samples"], at, "more solved than samples")
    need((row["solve_rate"] is None) == (row["samples"] == 0), at, "solve_rate")
    need(row["solve_rate"] is None or row["solve_rate"] == row["solved"] / row["samples"], at, "solve_rate")
    need(name != "hard-unsolved" or row["samples"] > 0 and row["solved"] == 0, at, "solved, or never sampled")
    need(("tests" in row) == with_tests, at, "tests")


CANONICAL = {
    "id": str, "task_id": str, "task_rev": str, "group": str, "group_size": int, "sample": int,
    "messages": (list, NOTHING), "prompt": (str, NOTHING), "completion": str, "reasoning": (str, NOTHING),
    "program": (str, NOTHING), "program_id": (str, NOTHING), "language": str, "reward": (float, NOTHING),
    "reward_parts": dict, "advantage": (float, NOTHING), "verdict": str, "flags": list,
    "passed": (bool, NOTHING), "tests_passed": (int, NOTHING), "tests_total": (int, NOTHING), "policy": dict,
    "template": (str, NOTHING), "sampling": (dict, NOTHING), "seed": (int, NOTHING),
    "finish_reason": (str, NOTHING), "truncated": bool, "token_ids": (list, NOTHING),
    "logprobs": (list, NOTHING), "mode": str, "parent": (str, NOTHING), "split": (str, NOTHING), "judging": (str, NOTHING),
}


def check_program_id(row, at):
    program = row["program"]
    if program is None:
        need(row["program_id"] is None, at, "a program_id without a program")
        return
    data = program.encode("utf-8")
    want = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    need(row["program_id"] == want, at, "program_id is not the git blob id of the program")


def check_reward(row, at, scheme):
    """The reward by the manifest's scheme; of `speed` only its bounds, since no row says its rank."""
    accepted = row["verdict"] == "accepted"
    ran = row["verdict"] not in ("compile_error", "no_program")
    fraction = row["reward_parts"]["tests_fraction"]
    if scheme == "speed":
        need(0.5 <= row["reward"] <= 1 if accepted else row["reward"] == 0, at, "reward")
        return
    want = 1.0 if accepted else 0.0
    if not accepted and ran and scheme == "fraction":
        want = fraction
    elif not accepted and ran and scheme == "weighted":
        want = 0.1 + 0.4 * (fraction or 0)
    need(row["reward"] == want or want is not None and math.isclose(row["reward"], want, rel_tol=1e-9), at, "reward",
         row["reward"], want)


def check_canonical(row, at, shape, measured, scheme):
    keys = list(CANONICAL)
    if shape != "canonical":
        keys.remove("messages")
        if shape == "messages":
            check_messages(row["prompt"], at)
            check_messages(row["completion"], at, "assistant")
        else:
            need(is_text(row["prompt"]) and is_text(row["completion"]), at, "prompt and completion are no texts")
    need(list(row) == keys + (["measured"] if measured else []), at, "keys or their order:", *row)
    for key in keys:
        if shape != "canonical" and key in ("prompt", "completion"):
            continue
        kinds = CANONICAL[key] if isinstance(CANONICAL[key], tuple) else (CANONICAL[key],)
        value = row[key]
        if isinstance(value, bool):
            need(bool in kinds, at, key, "is", value)
        else:
            need(isinstance(value, kinds), at, key, "is", repr(value))
    need(row["verdict"] in VERDICTS, at, "unknown verdict", row["verdict"])
    need(HEX64.match(row["id"]), at, "id")
    need(row["flags"] == sorted(set(row["flags"])), at, "flags are not sorted")
    if shape == "canonical" and row["messages"] is not None:
        check_messages(row["messages"], at)
    if row["mode"] == "completion":
        need(row["prompt"] is not None, at, "a continuation without its prompt")
    parts = row["reward_parts"]
    need(set(parts) == {"compiled", "tests_fraction", "all_passed"}, at, "reward_parts")
    if row["verdict"] == "internal_error":
        need(row["reward"] is None and row["passed"] is None and row["advantage"] is None, at, "our failure has a reward")
        need(parts["all_passed"] is None and parts["compiled"] is None, at, "our failure has reward parts")
    else:
        accepted = row["verdict"] == "accepted"
        need(row["passed"] is accepted and parts["all_passed"] is accepted, at, "passed")
        check_reward(row, at, scheme)
        need(isinstance(row["advantage"], NOTHING if row["reward"] is None else float), at, "advantage")
    if row["tests_passed"] is not None:
        need(row["tests_total"] is not None and 0 <= row["tests_passed"] <= row["tests_total"], at, "tests_passed")
    if parts["tests_fraction"] is not None:
        need(0 <= parts["tests_fraction"] <= 1, at, "tests_fraction")
    need(set(row["policy"]) == {"kind", "name", "version", "model", "fingerprint"}, at, "policy")
    if row["token_ids"] is not None:
        need(all(is_count(t) for t in row["token_ids"]), at, "token_ids")
    check_program_id(row, at)
    if measured:
        need(set(row["measured"]) == {"cpu_ms", "wall_ms", "memory_kib", "isolation", "toolchain"}, at, "measured")
        need(is_number(row["measured"]["cpu_ms"]), at, "cpu_ms")
    else:
        need("near_limit" not in row["flags"], at, "a measured flag")


def check_group(rows, at):
    """All rows of one group: size, order, and the advantage from the formula of the manifest."""
    need(all(r["group_size"] == len(rows) for r in rows), at, "group_size is not", len(rows))
    need(len({r["task_id"] for r in rows}) == 1 and len({r["language"] for r in rows}) == 1, at, "a group of two tasks")
    samples = [r["sample"] for r in rows]
    need(samples == sorted(set(samples)), at, "samples out of order")
    rewards = [r["reward"] for r in rows if r["reward"] is not None]
    if not rewards:
        return
    mean = sum(rewards) / len(rewards)
    std = math.sqrt(sum((r - mean) ** 2 for r in rewards) / len(rewards))
    for row in rows:
        if row["reward"] is None:
            continue
        want = (row["reward"] - mean) / std if std > 0 else 0.0
        need(math.isclose(row["advantage"], want, rel_tol=1e-9, abs_tol=1e-9), at, "advantage", row["advantage"], want)


# --- the whole ---

def check_manifest(m, folder):
    need(m.get("format") == "winnow-shards" and m.get("version") == 1, "manifest: format or version")
    need(m["name"] in ("sft", "rollouts", "dpo", "kto", "prompts", "hard-unsolved"), "manifest: name", m["name"])
    need(m["shape"] in ("messages", "plain", "canonical"), "manifest: shape", m["shape"])
    need(is_text(m["store"]["store_id"]), "manifest: store_id")
    need(isinstance(m["runs"], list), "manifest: runs")
    for run in m["runs"]:
        need(is_count(run["run_id"]) and isinstance(run["config"], (dict, NOTHING)), "manifest: a run without its config")
    for key, n in m["filters"]["left_out"].items():
        need(is_count(n) and n > 0, "manifest: left_out", key)
    if m["name"] == "rollouts":
        need(m["formulas"]["scheme"] in ("binary", "fraction", "weighted", "speed"), "manifest: scheme")
        need(is_text(m["formulas"]["reward"]) and is_text(m["formulas"]["advantage"]), "manifest: formulas")
    shards = m["shards"]
    need(shards, "manifest: no shards")
    for i, shard in enumerate(shards):
        named = SHARD.match(shard["file"])
        need(named and named["name"] == m["name"] and int(named["i"]) == i and int(named["n"]) == len(shards),
             "manifest: shard", i, "is called", shard["file"])
        need(HEX64.match(shard["sha256"]), "manifest: sha256 of", shard["file"])
    need(sum(s["rows"] for s in shards) == m["rows"], "manifest: rows don't add up")
    need(sum(s["groups"] for s in shards) == m["groups"], "manifest: groups don't add up")
    have = sorted(f for f in os.listdir(folder) if f not in ("manifest.json", "README.md"))
    need(have == sorted(s["file"] for s in shards), "the folder holds other files than the manifest:", *have)


def check_folder(folder):
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as f:
        m = json.load(f)
    check_manifest(m, folder)
    ids, seen_groups, programs, group, taken = set(), set(), set(), [], {}
    measured = m["with_measurements"]

    def end_group():
        if group:
            check_group(group, f"group {group[0]['group']}")
            need(group[0]["group"] not in seen_groups, "group", group[0]["group"], "is split or there twice")
            seen_groups.add(group[0]["group"])
            group.clear()

    for shard in m["shards"]:
        plain = read_shard(folder, shard)
        n, groups_before = 0, len(seen_groups)
        for at, row in rows_of(plain, shard["file"]):
            n += 1
            if m["name"] == "rollouts":
                check_canonical(row, at, m["shape"], measured, m["formulas"]["scheme"])
                if group and group[0]["group"] != row["group"]:
                    end_group()
                group.append(row)
            elif m["name"] == "sft":
                check_sft(row, at, m["shape"])
                key = (row["task_id"], row["language"], row["program_id"])
                need(key not in programs, at, "this program of the task was there before")
                programs.add(key)
            elif m["name"] == "kto":
                check_kto(row, at, m["shape"])
                if row["program_id"] is not None:
                    key = (row["task_id"], row["language"], row["program_id"])
                    need(key not in programs, at, "this program of the task was there before")
                    programs.add(key)
                limit = m["filters"]["per_task"]
                taken[row["task_id"], row["language"], row["label"]] = n_taken = taken.get(
                    (row["task_id"], row["language"], row["label"]), 0) + 1
                need(limit is None or n_taken <= limit, at, "more rows of the task than per_task")
            elif m["name"] in ("prompts", "hard-unsolved"):
                check_prompts(row, at, m["name"], m["filters"]["with_tests"])
                key = (row["task_id"], row["task_rev"], row["language"])
                need(key not in programs, at, "this task was there before in this language")
                programs.add(key)
            else:
                check_dpo(row, at, m["shape"])
            if m["filters"]["split"] is not None:
                need(row["split"] == m["filters"]["split"], at, "split", row["split"])
            if "id" in row:
                need(row["id"] not in ids, at, "id", row["id"], "is there twice")
                ids.add(row["id"])
        end_group()  # a group never goes on in the next shard
        need(n == shard["rows"], shard["file"], "has", n, "rows, not", shard["rows"])
        if m["name"] == "rollouts":
            need(len(seen_groups) - groups_before == shard["groups"], shard["file"], "groups")
    return m


def files_of(folder):
    out = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            out[name] = hashlib.sha256(f.read()).hexdigest()
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("folder")
    p.add_argument("--same-as", help="another export whose files must be the same, byte by byte")
    p.add_argument("--same-rows-as", help="another export whose shards (not its manifest) must be the same")
    p.add_argument("--quiet", action="store_true")
    o = p.parse_args()
    try:
        m = check_folder(o.folder)
        if o.same_as:
            need(files_of(o.folder) == files_of(o.same_as), o.folder, "and", o.same_as, "differ")
        if o.same_rows_as:
            a, b = files_of(o.folder), files_of(o.same_rows_as)
            for name in ("manifest.json", "README.md"):
                a.pop(name), b.pop(name)
            need(a == b, "the shards of", o.folder, "and", o.same_rows_as, "differ")
    except Wrong as e:
        print(f"{o.folder}: {e}", file=sys.stderr)
        return 1
    except (OSError, KeyError, ValueError, TypeError, subprocess.CalledProcessError) as e:
        print(f"{o.folder}: {type(e).__name__}: {e}", file=sys.stderr)
        return 1
    if not o.quiet:
        print(f"{o.folder}: {m['name']}, {m['shape']}, {m['rows']} rows in {m['groups']} groups, {len(m['shards'])} shards: sound")
    return 0


if __name__ == "__main__":
    sys.exit(main())
