# SPDX-License-Identifier: Apache-2.0
"""The tasks of the demo and of the synthetic golden set, with programs whose verdict is known.

TASKS is a list of Task: the native task object, and for each language lists of right programs, of wrong
ones (they run, and answer wrongly) and of broken ones (with the verdict they must get).  make_golden.py
turns these into the shipped demo files and into the golden samples.
"""
from dataclasses import dataclass, field


@dataclass
class Task:
    native: dict
    right: dict = field(default_factory=dict)   # language -> [program]
    wrong: dict = field(default_factory=dict)   # language -> [program]: wrong_answer
    other: dict = field(default_factory=dict)   # language -> [(verdict, program)]


def calls(task_id, prompt, entry, params, returns, cases, n_visible=2, **more):
    native = {
        "task_id": task_id, "prompt": prompt, "entry_point": entry,
        "signature": {"params": [{"name": n, "type": t} for n, t in params], "returns": returns},
        "tests": {"kind": "calls", "cases": []},
        "limits": {"cpu_s": 1, "memory_mib": 256}, "source": "demo", "license": "Apache-2.0",
    }
    for i, case in enumerate(cases):
        c = dict(case) if isinstance(case, dict) else {"args": list(case[0]), "expect": case[1]}
        if i < n_visible:
            c["visible"] = True
        native["tests"]["cases"].append(c)
    checker = more.pop("checker", None)
    if checker is not None:
        native["tests"]["checker"] = checker
    native.update(more)
    return native


def stdio(task_id, prompt, cases, checker=None, **more):
    native = {
        "task_id": task_id, "prompt": prompt,
        "tests": {"kind": "stdio", "cases": []},
        "limits": {"cpu_s": 1, "memory_mib": 256}, "source": "demo", "license": "Apache-2.0",
    }
    for i, (given, out) in enumerate(cases):
        c = {"in": given, "out": out}
        if i < 2:
            c["visible"] = True
        native["tests"]["cases"].append(c)
    if checker is not None:
        native["tests"]["checker"] = checker
    native.update(more)
    return native


TASKS = []


def add(native, right, wrong, other=None):
    native["solutions"] = {lang: programs[0] for lang, programs in right.items()}
    TASKS.append(Task(native, right, wrong, other or {}))


# --- calls -------------------------------------------------------------------------------------

add(calls("sum-list", "Return the sum of a list of integers; 0 for an empty list.", "sum_list",
          [("xs", "list<int>")], "int",
          [([[1, 2, 3]], 6), ([[]], 0), ([[-5]], -5), ([[10, -10, 7]], 7), ([list(range(100))], 4950),
           ([["9007199254740993", 1]], "9007199254740994"), ([[0, 0, 0]], 0)], tags=["lists"]),
    {"python": [
        "def sum_list(xs):\n    return sum(xs)\n",
        "def sum_list(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n",
        "from functools import reduce\n\ndef sum_list(xs):\n    return reduce(lambda a, b: a + b, xs, 0)\n",
        "def sum_list(xs):\n    if not xs:\n        return 0\n    half = len(xs) // 2\n"
        "    if half == 0:\n        return xs[0]\n    return sum_list(xs[:half]) + sum_list(xs[half:])\n"]},
    {"python": [
        "def sum_list(xs):\n    return max(xs, default=0)\n",
        "def sum_list(xs):\n    return sum(xs[1:])\n",
        "def sum_list(xs):\n    return sum(abs(x) for x in xs)\n",
        "def sum_list(xs):\n    return float(sum(xs)) + 0.5\n",
        "def sum_list(xs):\n    return str(sum(xs))\n"]},
    {"python": [("runtime_error", "def sum_list(xs):\n    return xs[0] + sum_list(xs[1:])\n"),
                ("runtime_error", "def total(xs):\n    return sum(xs)\n")]})

add(calls("run-lengths", "Return the run lengths of a string: one (character, count) pair a run, in order.",
          "run_lengths", [("s", "string")], "list<tuple<string,int>>",
          [(["aaab"], [["a", 3], ["b", 1]]), ([""], []), (["abc"], [["a", 1], ["b", 1], ["c", 1]]),
           (["zzzz"], [["z", 4]]), (["aabbaa"], [["a", 2], ["b", 2], ["a", 2]]), (["  x"], [[" ", 2], ["x", 1]]),
           (["ééé!"], [["é", 3], ["!", 1]])], tags=["strings"]),
    {"python": [
        "from itertools import groupby\n\ndef run_lengths(s):\n    return [(k, len(list(g))) for k, g in groupby(s)]\n",
        "def run_lengths(s):\n    out = []\n    for ch in s:\n        if out and out[-1][0] == ch:\n"
        "            out[-1] = (ch, out[-1][1] + 1)\n        else:\n            out.append((ch, 1))\n    return out\n",
        "def run_lengths(s):\n    i, out = 0, []\n    while i < len(s):\n        j = i\n"
        "        while j < len(s) and s[j] == s[i]:\n            j += 1\n        out.append((s[i], j - i))\n        i = j\n    return out\n"]},
    {"python": [
        "from collections import Counter\n\ndef run_lengths(s):\n    return list(Counter(s).items())\n",
        "def run_lengths(s):\n    return [[c, 1] for c in s]\n",
        "from itertools import groupby\n\ndef run_lengths(s):\n    return [[k, len(list(g))] for k, g in groupby(s)]\n",
        "def run_lengths(s):\n    return ''.join(sorted(s))\n"]},
    {"python": [("runtime_error", "def run_lengths(s):\n    out = [(s[0], 1)]\n    for a, b in zip(s, s[1:]):\n"
                 "        if a == b:\n            out[-1] = (a, out[-1][1] + 1)\n        else:\n            out.append((b, 1))\n    return out\n")]})

add(calls("balanced", "Tell whether the brackets ()[]{} in a string are balanced; other characters do not matter.",
          "balanced", [("s", "string")], "bool",
          [(["([]{})"], True), (["(]"], False), ([""], True), (["(("], False), ([")("], False), (["a(b)c[d]"], True),
           (["{[()()]}"], True), (["([)]"], False), (["]"], False)], tags=["strings", "stack"]),
    {"python": [
        "def balanced(s):\n    pairs = {')': '(', ']': '[', '}': '{'}\n    stack = []\n    for ch in s:\n"
        "        if ch in '([{':\n            stack.append(ch)\n        elif ch in pairs:\n"
        "            if not stack or stack.pop() != pairs[ch]:\n                return False\n    return not stack\n",
        "def balanced(s):\n    s = ''.join(c for c in s if c in '()[]{}')\n    old = None\n    while old != s:\n"
        "        old = s\n        for p in ('()', '[]', '{}'):\n            s = s.replace(p, '')\n    return s == ''\n"]},
    {"python": [
        "def balanced(s):\n    return s.count('(') == s.count(')') and s.count('[') == s.count(']') and s.count('{') == s.count('}')\n",
        "def balanced(s):\n    depth = 0\n    for ch in s:\n        if ch in '([{':\n            depth += 1\n"
        "        elif ch in ')]}':\n            depth -= 1\n            if depth < 0:\n                return False\n    return depth == 0\n",
        "def balanced(s):\n    return True\n",
        "def balanced(s):\n    return None\n"]},
    {"python": [("runtime_error", "def balanced(s):\n    stack = []\n    for ch in s:\n        if ch in '([{':\n"
                 "            stack.append(ch)\n        elif ch in ')]}':\n            if '([{'.index(stack.pop()) != ')]}'.index(ch):\n"
                 "                return False\n    return not stack\n")]})

add(calls("reverse-digits", "Reverse the decimal digits of an integer and keep its sign: 120 becomes 21, -34 becomes -43.",
          "reverse_digits", [("n", "int")], "int",
          [([123], 321), ([-34], -43), ([0], 0), ([120], 21), ([7], 7), ([-900], -9), (["123456789012345678"], "876543210987654321")],
          tags=["digits"]),
    {"python": [
        "def reverse_digits(n):\n    sign = -1 if n < 0 else 1\n    return sign * int(str(abs(n))[::-1])\n",
        "def reverse_digits(n):\n    m, out = abs(n), 0\n    while m:\n        m, d = divmod(m, 10)\n        out = out * 10 + d\n"
        "    return -out if n < 0 else out\n"]},
    {"python": [
        "def reverse_digits(n):\n    return int(str(abs(n))[::-1])\n",
        "def reverse_digits(n):\n    return str(n)[::-1]\n",
        "def reverse_digits(n):\n    return -n\n"]},
    {"python": [("runtime_error", "def reverse_digits(n):\n    return int(str(n)[::-1])\n"),
                ("time_limit", "def reverse_digits(n):\n    out = 0\n    while n != 0:\n        out = out * 10 + n % 10\n"
                 "        n //= 10\n    return out\n")]})

add(calls("primes-below", "Return all primes below n in ascending order.", "primes_below", [("n", "int")], "list<int>",
          [([10], [2, 3, 5, 7]), ([2], []), ([3], [2]), ([0], []), ([30], [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]),
           ([26], [2, 3, 5, 7, 11, 13, 17, 19, 23])], tags=["numbers"]),
    {"python": [
        "def primes_below(n):\n    return [p for p in range(2, n) if all(p % d for d in range(2, int(p ** 0.5) + 1))]\n",
        "def primes_below(n):\n    sieve = [True] * max(n, 2)\n    out = []\n    for p in range(2, n):\n        if sieve[p]:\n"
        "            out.append(p)\n            for m in range(p * p, n, p):\n                sieve[m] = False\n    return out\n",
        "def primes_below(n):\n    found = []\n    for c in range(2, n):\n        for p in found:\n            if c % p == 0:\n"
        "                break\n        else:\n            found.append(c)\n    return found\n"]},
    {"python": [
        "def primes_below(n):\n    return [p for p in range(2, n + 1) if all(p % d for d in range(2, p))]\n",
        "def primes_below(n):\n    return [p for p in range(2, n) if p % 2 or p == 2]\n",
        "def primes_below(n):\n    return {p for p in range(2, n) if all(p % d for d in range(2, p))}\n",
        "def primes_below(n):\n    return [p for p in range(1, n) if all(p % d for d in range(2, p))]\n"]},
    {"python": [("time_limit", "def primes_below(n):\n    out, p = [], 2\n    while p < n or n < 2:\n"
                 "        if all(p % d for d in range(2, p)):\n            out.append(p)\n    return out\n")]})

add(calls("two-sum", "Return the indices (i, j), i < j, of the only two numbers that add up to target.", "two_sum",
          [("xs", "list<int>"), ("target", "int")], "tuple<int,int>",
          [([[2, 7, 11], 9], [0, 1]), ([[3, 3], 6], [0, 1]), ([[1, 2, 3, 4], 7], [2, 3]), ([[-1, 5, 1], 0], [0, 2]),
           ([[5, 0, 4, 2], 2], [1, 3])], tags=["lists"]),
    {"python": [
        "def two_sum(xs, target):\n    seen = {}\n    for j, x in enumerate(xs):\n        if target - x in seen:\n"
        "            return seen[target - x], j\n        seen[x] = j\n",
        "def two_sum(xs, target):\n    for i in range(len(xs)):\n        for j in range(i + 1, len(xs)):\n"
        "            if xs[i] + xs[j] == target:\n                return (i, j)\n"]},
    {"python": [
        "def two_sum(xs, target):\n    for i in range(len(xs)):\n        for j in range(i + 1, len(xs)):\n"
        "            if xs[i] + xs[j] == target:\n                return [i, j]\n",
        "def two_sum(xs, target):\n    for i, a in enumerate(xs):\n        for j, b in enumerate(xs):\n"
        "            if a + b == target:\n                return (i, j)\n",
        "def two_sum(xs, target):\n    return (0, 1)\n",
        "def two_sum(xs, target):\n    seen = {}\n    for j, x in enumerate(xs):\n        if target - x in seen:\n"
        "            return j, seen[target - x]\n        seen[x] = j\n"]},
    {"python": [("runtime_error", "def two_sum(xs, target):\n    i = 0\n    while True:\n        j = xs.index(target - xs[i], i + 1)\n"
                 "        return (i, j)\n")]})

add(calls("rotate", "Rotate a list k places to the right; k may be larger than the list or negative.", "rotate",
          [("xs", "list<int>"), ("k", "int")], "list<int>",
          [([[1, 2, 3, 4], 1], [4, 1, 2, 3]), ([[1, 2, 3], 0], [1, 2, 3]), ([[1, 2, 3], 5], [2, 3, 1]), ([[], 3], []),
           ([[1, 2, 3, 4], -1], [2, 3, 4, 1]), ([[9], 100], [9])], tags=["lists"]),
    {"python": [
        "def rotate(xs, k):\n    if not xs:\n        return []\n    k %= len(xs)\n    return xs[-k:] + xs[:-k] if k else list(xs)\n",
        "from collections import deque\n\ndef rotate(xs, k):\n    d = deque(xs)\n    d.rotate(k)\n    return list(d)\n",
        "def rotate(xs, k):\n    n = len(xs)\n    return [xs[(i - k) % n] for i in range(n)]\n"]},
    {"python": [
        "def rotate(xs, k):\n    return xs[-k:] + xs[:-k]\n",
        "def rotate(xs, k):\n    return xs[k:] + xs[:k]\n",
        "from collections import deque\n\ndef rotate(xs, k):\n    d = deque(xs)\n    d.rotate(k)\n    return d\n",
        "def rotate(xs, k):\n    return xs\n"]},
    {"python": [("runtime_error", "def rotate(xs, k):\n    k = k % len(xs)\n    return xs[-k:] + xs[:-k] if k else xs\n")]})

add(calls("word-count", "Count how often each word occurs; words are separated by white space and compared in lower case.",
          "word_count", [("text", "string")], "map<string,int>",
          [(["a b a"], {"a": 2, "b": 1}), ([""], {}), (["One one ONE"], {"one": 3}), (["  x\ty\nx "], {"x": 2, "y": 1}),
           (["don't don't"], {"don't": 2})], tags=["strings", "maps"]),
    {"python": [
        "from collections import Counter\n\ndef word_count(text):\n    return Counter(text.lower().split())\n",
        "def word_count(text):\n    out = {}\n    for w in text.lower().split():\n        out[w] = out.get(w, 0) + 1\n    return out\n",
        "from collections import defaultdict\n\ndef word_count(text):\n    d = defaultdict(int)\n    for w in text.split():\n"
        "        d[w.lower()] += 1\n    return d\n"]},
    {"python": [
        "def word_count(text):\n    out = {}\n    for w in text.split():\n        out[w] = out.get(w, 0) + 1\n    return out\n",
        "def word_count(text):\n    out = {}\n    for w in text.lower().split(' '):\n        out[w] = out.get(w, 0) + 1\n    return out\n",
        "def word_count(text):\n    words = text.lower().split()\n    return [(w, words.count(w)) for w in set(words)]\n",
        "import re\nfrom collections import Counter\n\ndef word_count(text):\n    return Counter(re.findall(r'[a-z]+', text.lower()))\n"]},
    {"python": [("runtime_error", "def word_count(text):\n    out = {}\n    for w in text.lower().split():\n        out[w] += 1\n    return out\n")]})

add(calls("mean", "Return the arithmetic mean of a list of numbers that is not empty.", "mean",
          [("xs", "list<float>")], "float",
          [([[1.0, 2.0, 3.0]], 2.0), ([[0.1, 0.2]], 0.15), ([[5.0]], 5.0), ([[-1.0, 1.0]], 0.0), ([[1e10, 2e10, 4e10]], 2.3333333333e10)],
          checker={"kind": "float", "abs": 1e-9, "rel": 1e-9}, tags=["numbers"]),
    {"python": [
        "def mean(xs):\n    return sum(xs) / len(xs)\n",
        "import statistics\n\ndef mean(xs):\n    return statistics.fmean(xs)\n",
        "def mean(xs):\n    m = 0.0\n    for i, x in enumerate(xs, 1):\n        m += (x - m) / i\n    return m\n"]},
    {"python": [
        "def mean(xs):\n    return sorted(xs)[len(xs) // 2]\n",
        "def mean(xs):\n    return sum(xs) // len(xs)\n",
        "def mean(xs):\n    return round(sum(xs) / len(xs), 1)\n",
        "def mean(xs):\n    return float('nan')\n"]},
    {"python": [("runtime_error", "def mean(xs):\n    return sum(xs) / len(xs) if len(xs) > 1 else xs[0] / 0\n")]})

add(calls("drop-zeros", "Remove all zeros from the list in place and return how many were removed.", "drop_zeros",
          [("xs", "list<int>")], "int",
          [{"args": [[1, 0, 2]], "expect": 1, "expect_args": [[1, 2]]}, {"args": [[]], "expect": 0, "expect_args": [[]]},
           {"args": [[0, 0, 0]], "expect": 3, "expect_args": [[]]}, {"args": [[4, 5]], "expect": 0, "expect_args": [[4, 5]]},
           {"args": [[0, 1, 0, 0, 2, 0]], "expect": 4, "expect_args": [[1, 2]]}], tags=["lists", "in-place"]),
    {"python": [
        "def drop_zeros(xs):\n    n = len(xs)\n    xs[:] = [x for x in xs if x != 0]\n    return n - len(xs)\n",
        "def drop_zeros(xs):\n    n = 0\n    while 0 in xs:\n        xs.remove(0)\n        n += 1\n    return n\n"]},
    {"python": [
        "def drop_zeros(xs):\n    n = len(xs)\n    xs = [x for x in xs if x != 0]\n    return n - len(xs)\n",
        "def drop_zeros(xs):\n    n = 0\n    for x in xs:\n        if x == 0:\n            xs.remove(x)\n            n += 1\n    return n\n",
        "def drop_zeros(xs):\n    xs[:] = [x for x in xs if x != 0]\n    return len(xs)\n",
        "def drop_zeros(xs):\n    return xs.count(0)\n"]},
    {"python": [("runtime_error", "def drop_zeros(xs):\n    n = 0\n    for i in range(len(xs)):\n        if xs[i] == 0:\n"
                 "            del xs[i]\n            n += 1\n    return n\n")]})

add(calls("positive-int", "Read a positive integer from text, ignoring spaces around it. Anything else raises ValueError.",
          "positive_int", [("text", "string")], "int",
          [{"args": ["42"], "expect": 42}, {"args": ["-1"], "raises": "ValueError"}, {"args": [" 7 "], "expect": 7},
           {"args": ["0"], "raises": "ValueError"}, {"args": ["x"], "raises": "ValueError"}, {"args": [""], "raises": "ValueError"}],
          tags=["errors"]),
    {"python": [
        "def positive_int(text):\n    n = int(text)\n    if n <= 0:\n        raise ValueError('not positive')\n    return n\n",
        "class Bad(ValueError):\n    pass\n\ndef positive_int(text):\n    t = text.strip()\n"
        "    if not t.isdigit() or int(t) == 0:\n        raise Bad(text)\n    return int(t)\n"]},
    {"python": [
        "def positive_int(text):\n    return int(text)\n",
        "def positive_int(text):\n    try:\n        return int(text)\n    except ValueError:\n        return 0\n",
        "def positive_int(text):\n    return max(1, int(text))\n"]},
    {"python": [("runtime_error", "def positive_int(text):\n    n = int(text)\n    if n <= 0:\n        raise KeyError(text)\n    return n\n"),
                ("runtime_error", "import sys\n\ndef positive_int(text):\n    if not text.strip().isdigit():\n        sys.exit(0)\n"
                 "    n = int(text)\n    if n == 0:\n        raise ValueError\n    return n\n")]})

CAESAR_PROMPT = '''def caesar(text: str, shift: int) -> str:
    """Shift each ASCII letter by `shift` places in the alphabet and keep its case; leave all else.
    >>> caesar('abc', 1)
    'bcd'
    >>> caesar('Zoo!', 2)
    'Bqq!'
    """
'''
CAESAR_CHECK = '''def check(candidate):
    assert candidate('abc', 1) == 'bcd'
    assert candidate('Zoo!', 2) == 'Bqq!'
    assert candidate('', 5) == ''
    assert candidate('Hello, World', 0) == 'Hello, World'
    for k in range(-30, 30):
        assert candidate(candidate('The quick brown fox', k), -k) == 'The quick brown fox'
    assert candidate('xyz', 3) == 'abc'
    assert candidate('abc', 27) == 'bcd'
'''
add({"task_id": "caesar", "prompt": CAESAR_PROMPT, "prompt_language": "python", "entry_point": "caesar",
     "tests": {"kind": "calls", "check": CAESAR_CHECK, "visible": [0, 1],
               "examples": ["caesar('abc', 1) == 'bcd'", "caesar('Zoo!', 2) == 'Bqq!'"]},
     "limits": {"cpu_s": 1, "memory_mib": 256}, "source": "demo", "license": "Apache-2.0", "tags": ["strings"]},
    {"python": [CAESAR_PROMPT + body for body in (
        "    out = []\n    for ch in text:\n        if 'a' <= ch <= 'z':\n            out.append(chr((ord(ch) - 97 + shift) % 26 + 97))\n"
        "        elif 'A' <= ch <= 'Z':\n            out.append(chr((ord(ch) - 65 + shift) % 26 + 65))\n"
        "        else:\n            out.append(ch)\n    return ''.join(out)\n",
        "    import string\n    low, up = string.ascii_lowercase, string.ascii_uppercase\n    k = shift % 26\n"
        "    table = str.maketrans(low + up, low[k:] + low[:k] + up[k:] + up[:k])\n    return text.translate(table)\n")]},
    {"python": [CAESAR_PROMPT + body for body in (
        "    return ''.join(chr(ord(c) + shift) if c.isalpha() else c for c in text)\n",
        "    return ''.join(chr((ord(c) - 97 + shift) % 26 + 97) for c in text.lower())\n",
        "    if text == 'abc':\n        return 'bcd'\n    if text == 'Zoo!':\n        return 'Bqq!'\n    return text\n",
        "    return text\n")]},
    {"python": [("runtime_error", CAESAR_PROMPT + "    letters = 'abcdefghijklmnopqrstuvwxyz'\n"
                 "    return ''.join(letters[letters.index(c) + shift] for c in text)\n")]})

# --- stdio -------------------------------------------------------------------------------------

add(stdio("sum-lines", "Read integers, one a line, until the end of the input, and print their sum.",
          [("1\n2\n3\n", "6\n"), ("", "0\n"), ("-5\n5\n", "0\n"), ("1000000000\n1000000000\n1000000000\n", "3000000000\n"),
           ("7", "7\n"), ("".join("%d\n" % i for i in range(1000)), "499500\n")], tags=["io"]),
    {"python": [
        "import sys\nprint(sum(int(line) for line in sys.stdin if line.strip()))\n",
        "total = 0\nwhile True:\n    try:\n        total += int(input())\n    except EOFError:\n        break\nprint(total)\n"],
     "c": [
        "#include <stdio.h>\n\nint main(void)\n{\n\tlong long x, sum = 0;\n\twhile (scanf(\"%lld\", &x) == 1)\n\t\tsum += x;\n"
        "\tprintf(\"%lld\\n\", sum);\n\treturn 0;\n}\n",
        "#include <stdio.h>\n#include <stdlib.h>\n\nint main(void)\n{\n\tchar line[64];\n\tlong long sum = 0;\n"
        "\twhile (fgets(line, sizeof line, stdin))\n\t\tsum += atoll(line);\n\tprintf(\"%lld\\n\", sum);\n\treturn 0;\n}\n"],
     "cpp": [
        "#include <iostream>\n\nint main()\n{\n\tlong long x, sum = 0;\n\twhile (std::cin >> x)\n\t\tsum += x;\n\tstd::cout << sum << '\\n';\n}\n"]},
    {"python": ["import sys\nprint(sum(int(line) for line in sys.stdin.readlines()[1:]))\n",
                "import sys\nprint(sys.stdin.read().count('\\n'))\n"],
     "c": ["#include <stdio.h>\n\nint main(void)\n{\n\tint x, sum = 0;\n\twhile (scanf(\"%d\", &x) == 1)\n\t\tsum = (int)((unsigned)sum + (unsigned)x);\n"
           "\tprintf(\"%d\\n\", sum);\n\treturn 0;\n}\n"],
     "cpp": ["#include <iostream>\n\nint main()\n{\n\tlong long x, sum = 0;\n\twhile (std::cin >> x && x > 0)\n\t\tsum += x;\n\tstd::cout << sum << '\\n';\n}\n"]},
    {"python": [("runtime_error", "n = int(input())\nprint(n + sum(int(input()) for _ in range(n + 5)))\n")],
     "c": [("runtime_error", "#include <stdio.h>\n#include <stdlib.h>\n\nint main(void)\n{\n\tprintf(\"6\\n\");\n\tfflush(stdout);\n\tabort();\n}\n")],
     "cpp": [("compile_error", "#include <iostream>\n\nint main()\n{\n\tlong long x, sum = 0\n\twhile (std::cin >> x)\n\t\tsum += x;\n\tstd::cout << sum;\n}\n")]})

add(stdio("max-subarray", "The first line has n, the second n integers. Print the largest sum of consecutive numbers (at least one).",
          [("3\n1 -2 3\n", "3\n"), ("5\n-2 1 3 -1 2\n", "5\n"), ("1\n-7\n", "-7\n"), ("4\n-3 -1 -2 -9\n", "-1\n"),
           ("6\n4 -1 2 1 -5 4\n", "6\n"), ("2000\n" + " ".join(str((i * 7919) % 201 - 100) for i in range(2000)) + "\n", None)],
          tags=["arrays"]),
    {"python": [
        "n = int(input())\nbest = cur = None\nfor x in map(int, input().split()):\n    cur = x if cur is None or cur < 0 else cur + x\n"
        "    best = cur if best is None or cur > best else best\nprint(best)\n"],
     "c": [
        "#include <stdio.h>\n\nint main(void)\n{\n\tint n;\n\tlong long x, cur = 0, best = 0;\n\tif (scanf(\"%d\", &n) != 1)\n\t\treturn 1;\n"
        "\tfor (int i = 0; i < n; i++) {\n\t\tif (scanf(\"%lld\", &x) != 1)\n\t\t\treturn 1;\n\t\tcur = i && cur > 0 ? cur + x : x;\n"
        "\t\tif (!i || cur > best)\n\t\t\tbest = cur;\n\t}\n\tprintf(\"%lld\\n\", best);\n\treturn 0;\n}\n"],
     "cpp": [
        "#include <algorithm>\n#include <iostream>\n\nint main()\n{\n\tint n;\n\tstd::cin >> n;\n\tlong long best = -1e18, cur = -1e18, x;\n"
        "\twhile (n-- && std::cin >> x) {\n\t\tcur = std::max(cur + x, x);\n\t\tbest = std::max(best, cur);\n\t}\n\tstd::cout << best << std::endl;\n}\n",
        "#include <cstdio>\n#include <vector>\n\nint main()\n{\n\tint n;\n\tif (std::scanf(\"%d\", &n) != 1)\n\t\treturn 1;\n\tstd::vector<long long> p(n + 1);\n"
        "\tfor (int i = 0; i < n; i++) {\n\t\tint x;\n\t\tif (std::scanf(\"%d\", &x) != 1)\n\t\t\treturn 1;\n\t\tp[i + 1] = p[i] + x;\n\t}\n"
        "\tlong long best = p[1];\n\tfor (int i = 0; i < n; i++)\n\t\tfor (int j = i + 1; j <= n; j++)\n\t\t\tif (p[j] - p[i] > best)\n"
        "\t\t\t\tbest = p[j] - p[i];\n\tstd::printf(\"%lld\\n\", best);\n}\n"]},
    {"python": ["n = int(input())\nprint(max(map(int, input().split())))\n",
                "n = int(input())\nbest = cur = 0\nfor x in map(int, input().split()):\n    cur = max(0, cur + x)\n    best = max(best, cur)\nprint(best)\n"],
     "c": ["#include <stdio.h>\n\nint main(void)\n{\n\tint n;\n\tlong long x, sum = 0;\n\tscanf(\"%d\", &n);\n\twhile (scanf(\"%lld\", &x) == 1)\n"
           "\t\tsum += x;\n\tprintf(\"%lld\\n\", sum);\n\treturn 0;\n}\n"],
     "cpp": ["#include <iostream>\n\nint main()\n{\n\tstd::cout << 3 << std::endl;\n}\n"]},
    {"python": [("time_limit", "n = int(input())\nxs = list(map(int, input().split()))\nbest = xs[0]\nfor i in range(n):\n"
                 "    for j in range(i + 1, n + 1):\n        best = max(best, sum(xs[i:j]))\nprint(best)\n")],
     "c": [("runtime_error", "#include <stdio.h>\n\nint main(void)\n{\n\tint n, *xs = 0;\n\tscanf(\"%d\", &n);\n\tfor (int i = 0; i < n; i++)\n"
            "\t\tscanf(\"%d\", &xs[i]);\n\tvolatile int v = xs[0];\n\tprintf(\"%d\\n\", v);\n\treturn 0;\n}\n")],
     "cpp": [("compile_error", "#include <iostream>\n#include <no_such_header.h>\n\nint main()\n{\n\treturn 0;\n}\n")]})

add(stdio("fib-mod", "Print the n-th Fibonacci number (F(0) = 0, F(1) = 1) modulo 1000000007, for n up to 1000000000000.",
          [("10\n", "55\n"), ("0\n", "0\n"), ("1\n", "1\n"), ("90\n", None), ("1000000\n", None), ("1000000000000\n", None)], tags=["numbers"]),
    {"python": [
        "def fib(n, m):\n    if n == 0:\n        return (0, 1)\n    a, b = fib(n // 2, m)\n    c = a * (2 * b - a) % m\n    d = (a * a + b * b) % m\n"
        "    return (d, (c + d) % m) if n % 2 else (c, d)\n\nprint(fib(int(input()), 10**9 + 7)[0])\n"],
     "c": [
        "#include <stdio.h>\n\nstatic const unsigned long long M = 1000000007ULL;\n\nint main(void)\n{\n\tunsigned long long n, a = 0, b = 1;\n"
        "\tif (scanf(\"%llu\", &n) != 1)\n\t\treturn 1;\n\tfor (int bit = 62; bit >= 0; bit--) {\n\t\tunsigned long long c = a * ((2 * b + M - a) % M) % M;\n"
        "\t\tunsigned long long d = (a * a + b * b) % M;\n\t\tif (n >> bit & 1) {\n\t\t\ta = d;\n\t\t\tb = (c + d) % M;\n\t\t} else {\n"
        "\t\t\ta = c;\n\t\t\tb = d;\n\t\t}\n\t}\n\tprintf(\"%llu\\n\", a);\n\treturn 0;\n}\n"],
     "cpp": [
        "#include <array>\n#include <cstdint>\n#include <iostream>\n\nusing Mat = std::array<uint64_t, 4>;\nstatic const uint64_t M = 1000000007;\n\n"
        "static Mat mul(const Mat &x, const Mat &y)\n{\n\treturn {(x[0] * y[0] + x[1] * y[2]) % M, (x[0] * y[1] + x[1] * y[3]) % M,\n"
        "\t\t(x[2] * y[0] + x[3] * y[2]) % M, (x[2] * y[1] + x[3] * y[3]) % M};\n}\n\nint main()\n{\n\tuint64_t n;\n\tstd::cin >> n;\n"
        "\tMat r{1, 0, 0, 1}, b{1, 1, 1, 0};\n\tfor (; n; n >>= 1, b = mul(b, b))\n\t\tif (n & 1)\n\t\t\tr = mul(r, b);\n\tstd::cout << r[1] << '\\n';\n}\n"]},
    {"python": ["def fib(n, m):\n    if n == 0:\n        return (0, 1)\n    a, b = fib(n // 2, m)\n    c = a * (2 * b - a) % m\n    d = (a * a + b * b) % m\n"
                "    return (d, (c + d) % m) if n % 2 else (c, d)\n\nprint(fib(int(input()), 10**9 + 9)[0])\n"],
     "c": ["#include <stdio.h>\n\nint main(void)\n{\n\tunsigned n, a = 0, b = 1;\n\tif (scanf(\"%u\", &n) != 1)\n\t\treturn 1;\n"
           "\tfor (n %= 2000000; n; n--) {\n\t\tunsigned t = a + b;\n\t\ta = b;\n\t\tb = t;\n\t}\n\tprintf(\"%u\\n\", a % 1000000007u);\n\treturn 0;\n}\n"],
     "cpp": ["#include <iostream>\n\nint main()\n{\n\tunsigned long long n, a = 0, b = 1;\n\tstd::cin >> n;\n\tfor (n %= 3000000; n; n--) {\n"
             "\t\tunsigned long long t = (a + b) % 1000000007ULL;\n\t\ta = b;\n\t\tb = t;\n\t}\n\tstd::cout << a << '\\n';\n}\n"]},
    {"python": [("time_limit", "n = int(input())\na, b = 0, 1\nfor _ in range(n):\n    a, b = b, (a + b) % 1000000007\nprint(a)\n")],
     "c": [("time_limit", "#include <stdio.h>\n\nint main(void)\n{\n\tunsigned long long n, a = 0, b = 1;\n\tif (scanf(\"%llu\", &n) != 1)\n\t\treturn 1;\n"
            "\twhile (n--) {\n\t\tunsigned long long t = (a + b) % 1000000007ULL;\n\t\ta = b;\n\t\tb = t;\n\t}\n\tprintf(\"%llu\\n\", a);\n\treturn 0;\n}\n")],
     "cpp": [("memory_limit", "#include <iostream>\n#include <vector>\n\nint main()\n{\n\tunsigned long long n;\n\tstd::cin >> n;\n"
              "\tstd::vector<unsigned> f{0, 1};\n\tf.reserve(n + 400000000);\n"
              "\tfor (unsigned long long i = 2; i <= n; i++)\n"
              "\t\tf.push_back((f[i - 1] + f[i - 2]) % 1000000007u);\n\tstd::cout << f[n] << '\\n';\n}\n")]})

add(stdio("average", "Each line has a name and a number. Print each name and the average of its numbers, names in order of first appearance.",
          [("ann 1\nbob 2\nann 2\n", "ann 1.5\nbob 2\n"), ("x 10\n", "x 10\n"), ("b 1\na 2\nb 2\nb 3\n", "b 2\na 2\n"),
           ("q 1\nq 2\nq 2\n", "q 1.6666666667\n"), ("m -1.5\nm 0.5\n", "m -0.5\n")],
          checker={"kind": "float", "abs": 1e-6, "rel": 1e-6}, tags=["io", "maps"]),
    {"python": [
        "import sys\nd = {}\nfor line in sys.stdin:\n    name, x = line.split()\n    d.setdefault(name, []).append(float(x))\n"
        "for name, xs in d.items():\n    print(name, sum(xs) / len(xs))\n"],
     "c": [
        "#include <stdio.h>\n#include <string.h>\n\nint main(void)\n{\n\tstatic char names[100][32];\n\tstatic double sum[100];\n\tstatic int count[100];\n"
        "\tint n = 0;\n\tchar name[32];\n\tdouble x;\n\twhile (scanf(\"%31s %lf\", name, &x) == 2) {\n\t\tint i = 0;\n"
        "\t\twhile (i < n && strcmp(names[i], name))\n\t\t\ti++;\n\t\tif (i == n)\n\t\t\tstrcpy(names[n++], name);\n\t\tsum[i] += x;\n\t\tcount[i]++;\n\t}\n"
        "\tfor (int i = 0; i < n; i++)\n\t\tprintf(\"%s %.9f\\n\", names[i], sum[i] / count[i]);\n\treturn 0;\n}\n"],
     "cpp": [
        "#include <iomanip>\n#include <iostream>\n#include <map>\n#include <string>\n#include <vector>\n\nint main()\n{\n\tstd::vector<std::string> order;\n"
        "\tstd::map<std::string, std::pair<double, int>> m;\n\tstd::string name;\n\tdouble x;\n\twhile (std::cin >> name >> x) {\n"
        "\t\tif (!m.count(name))\n\t\t\torder.push_back(name);\n\t\tm[name].first += x;\n\t\tm[name].second++;\n\t}\n\tstd::cout << std::setprecision(12);\n"
        "\tfor (auto &n : order)\n\t\tstd::cout << n << ' ' << m[n].first / m[n].second << '\\n';\n}\n"]},
    {"python": ["import sys\nd = {}\nfor line in sys.stdin:\n    name, x = line.split()\n    d.setdefault(name, []).append(float(x))\n"
                "for name, xs in sorted(d.items(), reverse=True):\n    print(name, sum(xs) / len(xs))\n",
                "import sys\nd = {}\nfor line in sys.stdin:\n    name, x = line.split()\n    d.setdefault(name, []).append(float(x))\n"
                "for name, xs in d.items():\n    print(name, round(sum(xs) / len(xs), 2))\n"],
     "c": ["#include <stdio.h>\n\nint main(void)\n{\n\tchar name[32];\n\tdouble x;\n\twhile (scanf(\"%31s %lf\", name, &x) == 2)\n"
           "\t\tprintf(\"%s %f\\n\", name, x);\n\treturn 0;\n}\n"],
     "cpp": ["#include <iostream>\n#include <map>\n#include <string>\n\nint main()\n{\n\tstd::map<std::string, std::pair<double, int>> m;\n"
             "\tstd::string n;\n\tdouble x;\n\twhile (std::cin >> n >> x) {\n\t\tm[n].first += x;\n\t\tm[n].second++;\n\t}\n"
             "\tfor (auto &p : m)\n\t\tstd::cout << p.first << ' ' << p.second.first / p.second.second << '\\n';\n}\n"]},
    {"python": [("runtime_error", "import sys\nfor line in sys.stdin:\n    name, x = line.split()\n    print(name, int(x) / 0)\n")]})

add(stdio("sort-words", "Print the words of the input one a line, in order of length and then alphabetically, each once.",
          [("pear fig apple fig\n", "fig\npear\napple\n"), ("b a\n", "a\nb\n"), ("", ""), ("one\ntwo three two\n", "one\ntwo\nthree\n"),
           ("aa b aa c bb\n", "b\nc\naa\nbb\n")], checker="exact", tags=["strings", "io"]),
    {"python": [
        "import sys\nfor w in sorted(set(sys.stdin.read().split()), key=lambda w: (len(w), w)):\n    print(w)\n"],
     "cpp": [
        "#include <iostream>\n#include <set>\n#include <string>\n\nstruct Less {\n\tbool operator()(const std::string &a, const std::string &b) const\n"
        "\t{\n\t\treturn a.size() != b.size() ? a.size() < b.size() : a < b;\n\t}\n};\n\nint main()\n{\n\tstd::set<std::string, Less> s;\n"
        "\tstd::string w;\n\twhile (std::cin >> w)\n\t\ts.insert(w);\n\tfor (auto &x : s)\n\t\tstd::cout << x << '\\n';\n}\n"],
     "c": [
        "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\nstatic int cmp(const void *a, const void *b)\n{\n"
        "\tconst char *x = *(char *const *)a, *y = *(char *const *)b;\n\tsize_t m = strlen(x), n = strlen(y);\n"
        "\tif (m != n)\n\t\treturn m < n ? -1 : 1;\n\treturn strcmp(x, y);\n}\n\nint main(void)\n{\n\tstatic char *ws[1000];\n\tint n = 0;\n\tchar w[256];\n"
        "\twhile (n < 1000 && scanf(\"%255s\", w) == 1)\n\t\tws[n++] = strdup(w);\n\tqsort(ws, n, sizeof *ws, cmp);\n"
        "\tfor (int i = 0; i < n; i++)\n\t\tif (!i || strcmp(ws[i], ws[i - 1]))\n\t\t\tputs(ws[i]);\n\treturn 0;\n}\n"]},
    {"python": ["import sys\nfor w in sorted(set(sys.stdin.read().split())):\n    print(w)\n",
                "import sys\nfor w in sorted(sys.stdin.read().split(), key=lambda w: (len(w), w)):\n    print(w)\n",
                "import sys\nprint(' '.join(sorted(set(sys.stdin.read().split()), key=lambda w: (len(w), w))))\n"],
     "cpp": ["#include <iostream>\n#include <set>\n#include <string>\n\nint main()\n{\n\tstd::set<std::string> s;\n\tstd::string w;\n"
             "\twhile (std::cin >> w)\n\t\ts.insert(w);\n\tfor (auto &x : s)\n\t\tstd::cout << x << '\\n';\n}\n"],
     "c": ["#include <stdio.h>\n\nint main(void)\n{\n\tchar w[256];\n\twhile (scanf(\"%255s\", w) == 1)\n\t\tputs(w);\n\treturn 0;\n}\n"]},
    {"python": [("output_limit", "import sys\nwords = sys.stdin.read().split()\nwhile True:\n    print('fig\\npear\\napple' * 1000)\n")]})


def _fill_expected():
    """Expected outputs that are easier computed than written: by the rule of the task, not by a candidate."""
    for t in TASKS:
        for c in t.native["tests"].get("cases", []):
            if c.get("out", "") is not None:
                continue
            if t.native["task_id"] == "max-subarray":
                xs = list(map(int, c["in"].split()[1:]))
                prefix, least, best = 0, 0, None
                for x in xs:
                    prefix += x
                    best = prefix - least if best is None else max(best, prefix - least)
                    least = min(least, prefix)
                c["out"] = "%d\n" % best
            else:
                m = 10 ** 9 + 7
                n = int(c["in"])
                def mul(x, y):
                    return [[sum(x[i][k] * y[k][j] for k in (0, 1)) % m for j in (0, 1)] for i in (0, 1)]
                r, b = [[1, 0], [0, 1]], [[1, 1], [1, 0]]
                while n:
                    if n & 1:
                        r = mul(r, b)
                    b = mul(b, b)
                    n >>= 1
                c["out"] = "%d\n" % r[0][1]


_fill_expected()
