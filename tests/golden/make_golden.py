# SPDX-License-Identifier: Apache-2.0
"""Write the demo files, or the synthetic golden set: samples whose verdict is known because of how they were made.

  make_golden.py demo DIR      demo.tasks.jsonl and demo.samples.jsonl (20 samples a task), as shipped
  make_golden.py golden DIR    golden.tasks.jsonl, golden.samples.jsonl and golden.truth.jsonl

Every sample is a program of tasks.py put through changes that keep its verdict (comments, unused helpers, blank
lines, how a chat model would wrap it), or through one that gives it another verdict for certain (a cut that no
parser takes, an endless loop before the first line, too much memory, an exit, an object that claims to equal
everything).  Same seed, same bytes.
"""
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tasks import TASKS  # noqa: E402

COMMENT = {"python": "# %s\n", "c": "/* %s */\n", "cpp": "// %s\n"}
HELPER = {
    "python": "def _unused_%d(a, b=%d):\n    return a if a else b\n\n",
    "c": "static inline int unused_%d(int a) { return a + %d; }\n",
    "cpp": "[[maybe_unused]] static int unused_%d(int a) { return a + %d; }\n",
}


def decorate(rng, lang, program):
    """A different text, the same verdict."""
    n = rng.randrange(1 << 20)
    kind = rng.randrange(4)
    if kind == 0:
        return COMMENT[lang] % ("attempt %d" % n) + program
    if kind == 1:
        return program + "\n" * (1 + n % 3) + COMMENT[lang] % ("end of attempt %d" % n)
    if kind == 2 and lang == "python":
        return program + "\n\n" + HELPER[lang] % (n, n)
    if kind == 2:
        return HELPER[lang] % (n, n) + program
    return COMMENT[lang] % ("idea %d" % n) + "\n" + program + "\n"


def chat(rng, lang, program):
    """As a chat model would say it."""
    word = {"python": ["python", "py", "Python", ""], "c": ["c", "C"], "cpp": ["cpp", "c++", "C++"]}[lang]
    before = ["", "Here is the program:\n\n", "Sure! The idea is simple.\n\n", "<think>It might be a trick.</think>\n"]
    after = ["", "\n\nThis handles the edge cases.", "\n"]
    return "%s```%s\n%s```%s" % (rng.choice(before), rng.choice(word), program, rng.choice(after))


def breakages(native, lang, program):
    """(verdict, program) made from a right program by a change whose verdict is certain."""
    calls = native["tests"]["kind"] == "calls"
    entry = native.get("entry_point")
    if lang == "python":
        yield "compile_error", program + "\ndef broken(:\n    pass\n"
        yield "compile_error", program.replace("return", "retrun", 1) if calls and "return " in program else program + "\nif True print(1)\n"
        yield "time_limit", "while True:\n    pass\n" + program
        yield "memory_limit", "x = []\nwhile True:\n    x.append(bytes(1 << 24))\n" + program
        yield "runtime_error" if calls else "wrong_answer", "import os\nos._exit(0)\n" + program
        yield "runtime_error", "raise SystemExit(0)\n" + program if calls else "raise SystemExit(1)\n" + program
        yield "runtime_error", program + "\nraise RuntimeError('at the end')\n"
        if calls:
            yield "wrong_answer", (program + "\n\nclass _Any(object):\n    def __eq__(self, other):\n        return True\n"
                                   "    def __ne__(self, other):\n        return False\n\ndef %s(*a, **k):\n    return _Any()\n" % entry)
            yield "wrong_answer", program + "\n\ndef %s(*a, **k):\n    return 'accepted'\n" % entry
            yield "runtime_error", program + "\ndel %s\n" % entry
            yield "runtime_error", program + "\n\ndef %s(*a, **k):\n    print('1 passed, 0 failed')\n    import os\n    os._exit(0)\n" % entry
            yield "runtime_error", program + "\n\ndef %s(*a, **k):\n    raise AssertionError('no')\n" % entry
        else:
            yield "wrong_answer", "print('0 0 0')\n" + program
    else:
        yield "compile_error", program.replace("main(", "main((", 1)
        yield "compile_error", program[:len(program) * 2 // 3]
        yield "time_limit", program.replace("{\n", "{\n\tfor (volatile int spin = 0;; spin = 1)\n\t\t;\n", 1) if program.count("main") == 1 and program.find("{\n") > program.find("main") else program.replace("main(", "main((", 1)
        body = program.rfind("main(")
        at = program.find("{", body) + 1
        yield "runtime_error", program[:at] + "\n\t__builtin_trap();\n" + program[at:]
        yield "runtime_error", program[:at] + "\n\treturn 3;\n" + program[at:]
        yield "wrong_answer", "#include <stdio.h>\n\nint main(void)\n{\n\tputs(\"accepted\");\n\treturn 0;\n}\n"


def verdict_of(lang, verdict, program, original):
    """A loop that could not be planted became a broken parenthesis."""
    if lang != "python" and verdict == "time_limit" and "spin" not in program:
        return "compile_error"
    if lang == "python" and verdict == "compile_error" and "retrun" in program:
        return None  # `retrun x` is a syntax error only where something follows it: not certain, left out
    return verdict


def pool(rng, task):
    """(verdict, language, program) of a task: the hand-made ones first."""
    out = []
    for lang, programs in task.right.items():
        out += [("accepted", lang, p) for p in programs]
    for lang, programs in task.wrong.items():
        out += [("wrong_answer", lang, p) for p in programs]
    for lang, programs in task.other.items():
        out += [(v, lang, p) for v, p in programs]
    return out


def record(rng, task, index, lang, program, continuations):
    """One line of a samples file; continuations: also as the raw text that goes on where the prompt ends."""
    native = task.native
    row = {"task_id": native["task_id"], "sample": index, "language": lang}
    prompt = native["prompt"] if native.get("prompt_language") else None
    if continuations and prompt and program.startswith(prompt) and rng.random() < 0.6:
        row["completion"] = program[len(prompt):]
    elif rng.random() < 0.5:
        row["solution"] = program
    else:
        row["completion"] = chat(rng, lang, program)
        row["mode"] = "chat"
    return row


def make(kind, out_dir):
    rng = random.Random(20240229 if kind == "demo" else 7)
    tasks, samples, truth = [], [], []
    for task in TASKS:
        tasks.append(task.native)
        rows = []
        hand = pool(rng, task)
        if kind == "demo":
            rng.shuffle(hand)
            rows = hand[:20]
            broken = [(verdict_of(lang, v, q, p), lang, q) for _, lang, p in hand if _ == "accepted" for v, q in breakages(task.native, lang, p)]
            broken = [b for b in broken if b[0] and b[0] != "time_limit"]
            rng.shuffle(broken)
            while len(rows) < 17:
                rows.append(broken.pop())
            while len(rows) < 19:
                v, lang, p = rng.choice(hand)
                rows.append((v, lang, decorate(rng, lang, p)))
            rows.append(rng.choice(rows))
        else:
            rows += hand
            slow = 0
            while len(rows) < 124:
                v, lang, p = rng.choice(hand)
                if lang == "cpp" and rng.random() < 0.6:
                    continue
                if v == "accepted" and rng.random() < 0.5:
                    options = [(verdict_of(lang, w, q, p), q) for w, q in breakages(task.native, lang, p)]
                    v, p = rng.choice([o for o in options if o[0]])
                if v == "time_limit":
                    if slow >= 2:
                        continue
                    slow += 1
                if rng.random() < 0.85 and v != "compile_error":
                    p = decorate(rng, lang, p)
                rows.append((v, lang, p))
            rng.shuffle(rows)
        for i, (v, lang, p) in enumerate(rows):
            samples.append(record(rng, task, i, lang, p, kind == "golden"))
            truth.append({"task_id": task.native["task_id"], "sample": i, "verdict": v})
        if kind == "golden":
            for text, mode in (("", "chat"), ("I am sorry, I cannot help with that.", "chat"), ("   \n", "completion")):
                i = len([1 for s in samples if s["task_id"] == task.native["task_id"]])
                row = {"task_id": task.native["task_id"], "sample": i, "language": "python", "completion": text}
                if mode == "chat":
                    row["mode"] = "chat"
                samples.append(row)
                truth.append({"task_id": task.native["task_id"], "sample": i, "verdict": "no_program"})

    os.makedirs(out_dir, exist_ok=True)
    for name, rows in (("tasks", tasks), ("samples", samples)) + ((("truth", truth),) if kind == "golden" else ()):
        with open(os.path.join(out_dir, "%s.%s.jsonl" % (kind, name)), "w", encoding="utf-8") as f:
            for row in rows:
                f.write(json.dumps(row, ensure_ascii=False) + "\n")
    print("%s: %d tasks, %d samples" % (kind, len(tasks), len(samples)))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("demo", "golden"):
        sys.exit(__doc__)
    make(sys.argv[1], sys.argv[2])
