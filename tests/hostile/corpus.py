# SPDX-License-Identifier: Apache-2.0
"""Reads corpus files (form: README.md)."""
import os
import re

VERDICTS = {"accepted", "wrong_answer", "compile_error", "runtime_error", "time_limit", "memory_limit", "output_limit",
            "security_violation", "no_program"}


class Entry:
    def __init__(self, where, name, want, options, text):
        self.where, self.name, self.want, self.options, self.text = where, name, want, options, text
        self.honest = name.startswith("honest")

    def option(self, key):
        for o in self.options:
            if o == key:
                return True
            if o.startswith(key + "="):
                return o[len(key) + 1:]
        return None


def substitute(text, words):
    def one(m):
        if m[1] == "NUL":
            return "\0"
        if m[1] == "DEEP":
            return "(" * 100000
        if m[1].startswith("REPEAT("):
            return m[1][7:-1] * 3000
        return words[m[1]]
    return re.sub(r"@([A-Z_]+(?:\([^@\n]*\))?)@", one, text)


def read(path, words):
    """The entries of one file, the prelude put before each."""
    entries, prelude, where = [], "", None
    with open(path, encoding="utf-8") as f:
        text = f.read()
    parts = re.split(r"^@@ (.*)\n", text, flags=re.M)
    line = parts[0].count("\n") + 1
    for head, body in zip(parts[1::2], parts[2::2]):
        where = "%s:%d" % (os.path.basename(path), line)
        line += 1 + body.count("\n")
        fields = [f.strip() for f in head.split("|")]
        if fields[0] == "prelude":
            prelude = body
            continue
        want = set(fields[1].split())
        if not want or want - VERDICTS:
            raise SystemExit("%s: '%s' is not a list of verdicts" % (where, fields[1]))
        options = fields[2].split() if len(fields) > 2 else []
        own = "" if "bare" in options else prelude
        entries.append(Entry(where, fields[0], want, options, substitute(own + body.strip("\n") + "\n", words)))
    names = [e.name for e in entries]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise SystemExit("%s: twice: %s" % (path, ", ".join(sorted(twice))))
    return entries
