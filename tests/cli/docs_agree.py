#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs_agree.py PROGRAM ROOT: help, manual pages, the reference and the schema say the same.

Each command's --help, its manual page and its section of docs/reference/cli.md
must name the same options with the same argument; the reference and
docs/formats/config.schema.json must be what the program prints; the schema must
name the keys that `config show` shows.
"""
import json
import re
import subprocess
import sys

winnow, root = sys.argv[1], sys.argv[2]
failed = 0


def run(*args):
    done = subprocess.run([winnow, *args], capture_output=True, text=True)
    if done.returncode:
        complain(f"winnow {' '.join(args)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def complain(words):
    global failed
    failed += 1
    print(words)


def same(what, a, b):
    if a != b:
        complain(f"{what}: {sorted(a - b)} against {sorted(b - a)}")


def read(path):
    try:
        with open(f"{root}/{path}", encoding="utf-8") as f:
            return f.read()
    except OSError as e:
        complain(f"{path}: {e.strerror}")
        return ""


def help_options(text):
    own = text.split("\noptions:\n", 1)
    if len(own) < 2:
        return set()
    body = own[1].split("\nand -C DIR", 1)[0]
    return {m.group(1).strip() for m in re.finditer(r"^ [ *](--[a-z-]+(?: [^ \n]+)?)(?:  |\n|$)", body, re.M)}


def man_options(text, ours):
    plain = text.replace("\\fI", "").replace("\\fP", "").replace("\\-", "-")
    found = {m.group(1).removesuffix(" *").strip() for m in re.finditer(r"^\.TP\n\.B (--.*)$", plain, re.M)}
    return found - ours


def markdown_options(section):
    return {m.group(1).replace("\\|", "|") for m in re.finditer(r"^\| `(--[^`]+)` \|", section, re.M)}


def main():
    markdown = run("help", "--markdown")
    if markdown != read("docs/reference/cli.md"):
        complain("docs/reference/cli.md is not what `winnow help --markdown` prints; write it anew from that")
    sections = dict(re.findall(r"^## winnow ([a-z]+)\n(.*?)(?=^## |\Z)", markdown, re.M | re.S))
    names = run("help", "--names").split()
    same("sections of the reference", set(sections), set(names))
    ours = markdown_options(markdown.split("\n## ", 1)[0])
    if len(ours) < 3 or len(names) < 10:
        complain(f"too little was read: {ours}, {names}")
    for name in names:
        help_text = run(name, "--help")
        if help_text != run("help", name):
            complain(f"winnow {name} --help and winnow help {name} differ")
        wanted = markdown_options(sections.get(name, ""))
        same(f"options of {name}, help against reference", help_options(help_text), wanted)
        same(f"options of {name}, manual against reference", man_options(run("help", "--man", name), ours), wanted)
    if "run" in names:
        schema_text = run("config", "schema")
        if schema_text != read("docs/formats/config.schema.json"):
            complain("docs/formats/config.schema.json is not what `winnow config schema` prints")
        shown = json.loads(run("--json", "config", "show"))
        same("keys of the schema against config show", set(json.loads(schema_text)["properties"]), set(shown))
    print(f"{len(names)} commands compared")
    return 1 if failed else 0


sys.exit(main())
