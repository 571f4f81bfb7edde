#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check.py [ROOT]: is the order of the folders kept?

Prints "FILE:LINE: what is wrong" for each breach and exits 1 if there was one.
The rules are the table of docs/ARCHITECTURE.md: what each folder may include of
ours, which folder alone meets which part of the outside world, and who may start
a process.  Comments and strings do not count.  Nothing but the standard library.
"""
import os
import re
import sys

MAY_INCLUDE = {
    "core": {"core"},
    "sandbox": {"sandbox", "core"},
    "filters": {"filters", "core", "sandbox"},
    "store": {"store", "core"},
    "policy": {"policy", "core", "sandbox"},
    "rollout": {"rollout", "core", "sandbox", "filters", "store", "policy"},
}

# header (a regular expression on what stands between <>): the folder that alone may include it
ALONE = [
    (r"jansson\.h", "core"),
    (r"yaml\.h", "core"),
    (r"zstd.*\.h|zdict\.h", "core"),
    (r"zlib\.h", "core"),
    (r"xxhash\.h|xxh3\.h", "core"),
    (r"nettle/.*", "core"),
    (r"uv\.h|uv/.*", "core"),
    (r"sqlite3.*\.h", "store"),
    (r"git2\.h|git2/.*", "store"),
    (r"curl/.*", "policy"),
    (r"microhttpd\.h", "rollout"),
    (r"seccomp\.h|linux/seccomp\.h|linux/landlock\.h|linux/filter\.h", "sandbox"),
    (r"spawn\.h", "sandbox"),
]

# calls: the folder that alone may make them (None: nobody), and why
CALLS = [
    (r"v?fork|_Fork|clone|clone3|posix_spawnp?|system|popen|exec(?:v|l)p?e?|execvpe|execveat|fexecve|daemon",
     "sandbox", "only sandbox/ starts processes"),
    (r"SYS_(?:v?fork|clone3?|execve(?:at)?)|__NR_(?:v?fork|clone3?|execve(?:at)?)",
     "sandbox", "only sandbox/ starts processes"),
    (r"uv_spawn", None, "it would reap the sandbox's children"),
]

# a libuv header is core's; within core it is one module's
ONE_FILE = [(r"uv\.h", "core/loop")]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.M)
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def strip(text, keep_strings):
    """The text without comments (and strings), every newline in its place."""
    def one(match):
        if keep_strings and match.group(0)[0] in "\"'":
            return match.group(0)
        return blank(match)
    return NOISE.sub(one, text)


def sources(root, folder):
    for where, folders, files in os.walk(os.path.join(root, folder)):
        relative = os.path.relpath(where, root)
        # Recipes and drivers of languages are data that is never linked into the program.
        folders[:] = sorted(f for f in folders if os.path.join(relative, f) != "sandbox/languages")
        for name in sorted(files):
            if name.endswith((".c", ".h", ".inc")):
                yield os.path.join(relative, name)


def check_includes(path, folder, text, report):
    for match in INCLUDE.finditer(strip(text, True)):
        ours, theirs = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        header = ours or theirs
        target = header.split("/")[0]
        if ours and target in MAY_INCLUDE:
            if target not in MAY_INCLUDE[folder]:
                report(path, line, f"{folder}/ may not include {header}")
            elif header.endswith("_internal.h") and target != folder:
                report(path, line, f"{header} is for {target}/ alone")
        for pattern, alone in ALONE:
            if re.fullmatch(pattern, header) and folder != alone:
                report(path, line, f"only {alone}/ may include {header}")
        for pattern, module in ONE_FILE:
            if re.fullmatch(pattern, header) and folder == module.split("/")[0] \
                    and not path.startswith(module):
                report(path, line, f"only {module}.c may include {header}")


def check_calls(path, folder, text, report):
    bare = strip(text, False)
    for pattern, alone, why in CALLS:
        if folder == alone:
            continue
        # A member of a struct (x.clone(…), x->system) is not the call.
        tail = r"\b" if pattern.startswith("SYS_") else r"[ \t]*\("
        for match in re.finditer(r"(?<![\w.>])(" + pattern + r")" + tail, bare):
            line = bare.count("\n", 0, match.start()) + 1
            report(path, line, f"{match.group(1)}: {why}")


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    breaches, seen, n = [], {}, 0

    def report(path, line, words):
        breaches.append(f"{path}:{line}: {words}")

    for folder in MAY_INCLUDE:
        for path in sources(root, folder):
            with open(os.path.join(root, path), encoding="utf-8") as f:
                text = f.read()
            n += 1
            check_includes(path, folder, text, report)
            check_calls(path, folder, text, report)
            name = os.path.basename(path)
            if name in seen and name != "main.c":  # each program has one
                report(path, 1, f"file names are unique in the tree: there is {seen[name]} too")
            seen[name] = path
    for breach in breaches:
        print(breach)
    if n == 0:
        print(f"{root}: no sources found")
        return 2
    if not breaches:
        print(f"{n} files keep the order")
    return 1 if breaches else 0


sys.exit(main())
