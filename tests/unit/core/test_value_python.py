# SPDX-License-Identifier: Apache-2.0
"""Python's own ==, repr and integers against core/value: random and chosen pairs.

usage: test_value_python.py PEER
"""
import collections
import itertools
import random
import struct
import subprocess
import sys

Point = collections.namedtuple("Point", "x y")


def text(b):
    return struct.pack("<I", len(b)) + b


def encode(v):
    """One value as docs/formats/frame.md has it (no sharing)."""
    t = type(v)
    if v is None:
        return b"N"
    if v is True:
        return b"T"
    if v is False:
        return b"F"
    if v is Ellipsis:
        return b"e"
    if v is NotImplemented:
        return b"m"
    if t is int:
        if -(1 << 63) <= v < 1 << 63:
            return b"i" + struct.pack("<q", v)
        return b"I" + bytes([v < 0]) + text(b"%x" % abs(v))
    if t is float:
        return b"f" + struct.pack("<d", v)
    if t is complex:
        return b"c" + struct.pack("<dd", v.real, v.imag)
    if t is str:
        return b"s" + text(v.encode("utf-8", "surrogatepass"))
    if t is bytes:
        return b"b" + text(v)
    if t is bytearray:
        return b"y" + text(bytes(v))
    if t is Point:
        return (b"n" + text(b"Point") + struct.pack("<I", 2) + text(b"x") + text(b"y")
                + b"".join(map(encode, v)))
    if t is range:
        return b"r" + encode(v.start) + encode(v.stop) + encode(v.step)
    if isinstance(v, type):
        return b"k" + text(v.__name__.encode())
    for kind, tag in ((list, b"l"), (tuple, b"t"), (collections.deque, b"q"), (set, b"S"),
                      (frozenset, b"Z")):
        if t is kind:
            return tag + struct.pack("<I", len(v)) + b"".join(map(encode, v))
    for kind, tag in ((dict, b"d"), (collections.Counter, b"C"), (collections.OrderedDict, b"O"),
                      (collections.defaultdict, b"D")):
        if t is kind:
            return tag + struct.pack("<I", len(v)) + b"".join(
                encode(k) + encode(x) for k, x in v.items())
    raise TypeError(t)


NUMBERS = [0, 1, True, False, -1, 1.0, 0.0, -0.0, 1 + 0j, 0j, 1j, 2**53, 2.0**53, 2**53 + 1,
           2**63 - 1, 2**63, 2.0**63, -2**63, -2.0**63, -2**63 - 1, 10**30, 1e30, float(10**30),
           int(1e30), int(1e300), 1e300, 1.5, float("inf"), float("-inf"), float("nan"), 1e16,
           1e-5, 0.1, 123456789.123, 5e-324, 1.7976931348623157e308, 1e22, complex(1e30, 0),
           complex(float("nan"), 1), complex(-0.0, -0.0), 10**100, -10**100, 2**64, 1 << 1000]
LEAVES = NUMBERS + [None, Ellipsis, NotImplemented, "", "a", "1", "\ud800", "é", "日本", "\U0001f600",
                    "it's", "\"'", "\n\t\\\x00\x7f", "a" * 70, b"", b"a", b"\x00\xff'", int, str, list]
UNHASHED = [bytearray(b"a"), bytearray(), range(0), range(1, 1), range(0, 10, 3), range(0, 12, 3),
            range(5, 6), range(5, 7, 2), range(5, 0, -1), range(2**63, 2**63 + 2),
            range(2**70, 2**70 + 5, 2), range(2**70, 2**70 + 6, 2)]


def hashable(r, depth):
    if depth == 0 or r.random() < .6:
        return r.choice(LEAVES)
    kids = [hashable(r, depth - 1) for _ in range(r.randrange(4))]
    if r.random() < .2:
        return Point(*(kids + [0, 1])[:2])
    return r.choice((tuple, frozenset))(kids)


def value(r, depth):
    pick = r.randrange(12)
    if depth == 0 or pick < 4:
        return r.choice(LEAVES + UNHASHED)
    if pick < 6:
        return hashable(r, depth)
    n = r.choice((0, 1, 2, 3, 3, 20))
    if pick == 6:
        return r.choice((set, frozenset))(hashable(r, 1) for _ in range(n))
    if pick < 9:
        kind = r.choice((dict, collections.Counter, collections.OrderedDict,
                         lambda p: collections.defaultdict(None, p)))
        return kind({hashable(r, 1): value(r, depth - 1) for _ in range(n)})
    return r.choice((list, tuple, collections.deque))(value(r, depth - 1) for _ in range(n))


def vary(r, v, as_key=False):
    """What is often equal to v though written otherwise."""
    t = type(v)
    if t in (int, bool, float):
        return r.choice([x for x in NUMBERS if x == v] or [v])
    if t in (list, tuple, collections.deque, set, frozenset):
        items = [vary(r, x, as_key or t in (set, frozenset)) for x in v]
        if t in (set, frozenset):
            r.shuffle(items)
            t = frozenset if as_key else r.choice((set, frozenset))
        elif not as_key and r.random() < .05:
            t = r.choice((list, tuple))
        return t(items)
    if isinstance(v, dict):
        pairs = [(k, vary(r, x)) for k, x in v.items()]
        if r.random() < .7:
            r.shuffle(pairs)
        if t is collections.Counter and r.random() < .5:
            pairs.append(("none", r.choice((0, 0.0, False, 1))))
        t = r.choice((t, t, t, dict, collections.OrderedDict, collections.Counter))
        return t(dict(pairs)) if t is not collections.defaultdict else t(None, pairs)
    if t is Point and r.random() < .5:
        return tuple(v)
    if t is bytes and not as_key and r.random() < .3:
        return bytearray(v)
    return v


def fresh_nan(v):
    """Python's containers compare by identity first; the frame carries none.  So every NaN is made anew."""
    t = type(v)
    if t is float:
        return struct.unpack("<d", struct.pack("<d", v))[0]
    if t is complex:
        return complex(v.real, v.imag)
    if t is Point:
        return Point(*map(fresh_nan, v))
    if t in (list, tuple, collections.deque, set, frozenset):
        return t([fresh_nan(x) for x in v])
    if isinstance(v, dict):
        pairs = [(fresh_nan(k), fresh_nan(x)) for k, x in v.items()]
        return t(None, pairs) if t is collections.defaultdict else t(dict(pairs))
    return v


def has_unordered_repr(v):
    """Counter prints the most common first and dicts of Counters below do too."""
    if isinstance(v, collections.Counter):
        return True
    if isinstance(v, collections.OrderedDict) and sys.version_info >= (3, 12):
        return True  # we print what 3.11 prints
    if isinstance(v, dict):
        return any(map(has_unordered_repr, itertools.chain(v, v.values())))
    return type(v) in (list, tuple, Point, collections.deque, set, frozenset) and any(
        map(has_unordered_repr, v))


def main():
    r = random.Random(20260101)
    pairs = list(itertools.product(LEAVES + UNHASHED, repeat=2))
    for _ in range(20000):
        a = value(r, 3)
        pairs.append((a, vary(r, a)))
    for _ in range(2000):
        pairs.append((value(r, 2), value(r, 2)))
    for n in (100, 1000, 20000):
        items = [r.choice((i, float(i))) for i in range(n)]
        shuffled = r.sample(items, n)
        pairs += [(set(items), set(shuffled)), (set(items), set(shuffled[1:] + [-1])),
                  (dict.fromkeys(items, 1), dict.fromkeys(shuffled, True)),
                  (collections.Counter(items), collections.Counter(shuffled))]
    for digits in (19, 20, 308, 309, 5000):
        for sign in (1, -1):
            n = sign * r.randrange(10**(digits - 1), 10**digits)
            pairs += [(n, n), (n, n + 1)]

    sys.set_int_max_str_digits(0)
    pairs = [(a, fresh_nan(b)) for a, b in pairs]
    records = []
    for a, b in pairs:
        frame = encode(a) + encode(b)
        records.append(struct.pack("<I", len(frame)) + frame)
    out = subprocess.run([sys.argv[1]], input=b"".join(records), stdout=subprocess.PIPE,
                         check=True).stdout.decode().split("\n")
    assert len(out) == len(pairs) + 1, (len(out), len(pairs))
    bad = n_equal = 0
    for (a, b), line in zip(pairs, out):
        words = line.split(" ")
        want = a == b
        n_equal += want
        problem = None
        if words[0] != "11" * want + "00" * (not want):
            problem = "equality"
        elif bytes.fromhex(words[1]) != encode(a):
            problem = "encoding"
        elif not has_unordered_repr(a):
            printed = bytes.fromhex(words[2]).decode("utf-8", "replace")
            if printed != repr(a):
                problem = "repr"
        if problem:
            bad += 1
            if bad <= 10:
                print("FAIL", problem, repr(a)[:200], "|", repr(b)[:200], "|", line[:300])
    print(len(pairs), "pairs,", n_equal, "equal,", bad, "bad")
    assert 1000 < n_equal < len(pairs) - 1000
    return bad != 0


sys.exit(main())
