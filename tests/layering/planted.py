#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""planted.py: the layering check must find each breach that is planted here, and nothing else."""
import os
import subprocess
import sys
import tempfile

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check.py")

# (file, its text, what the check must say of it; None: nothing)
CASES = [
    ("core/a.c", '#include "store/store.h"\n', "core/a.c:1: core/ may not include store/store.h"),
    ("core/a.h", '\n#  include "rollout/common.h"\n', "core/a.h:2: core/ may not include rollout/common.h"),
    ("sandbox/a.c", '#include "filters/judge.h"\n', "sandbox/a.c:1: sandbox/ may not include filters/judge.h"),
    ("filters/a.c", '#include "policy/policy.h"\n', "filters/a.c:1: filters/ may not include policy/policy.h"),
    ("store/a.c", '#include "sandbox/box.h"\n', "store/a.c:1: store/ may not include sandbox/box.h"),
    ("store/a.c", '#include "filters/rank.h"\n', "store/a.c:1: store/ may not include filters/rank.h"),
    ("policy/a.c", '#include "store/store.h"\n', "policy/a.c:1: policy/ may not include store/store.h"),
    ("rollout/a.c", '#include "store/store_internal.h"\n',
     "rollout/a.c:1: store/store_internal.h is for store/ alone"),
    ("rollout/a.c", "#include <sqlite3.h>\n", "rollout/a.c:1: only store/ may include sqlite3.h"),
    ("rollout/a.c", "#include <git2/tree.h>\n", "rollout/a.c:1: only store/ may include git2/tree.h"),
    ("rollout/a.c", "#include <curl/curl.h>\n", "rollout/a.c:1: only policy/ may include curl/curl.h"),
    ("store/a.c", "#include <jansson.h>\n", "store/a.c:1: only core/ may include jansson.h"),
    ("policy/a.c", "#include <yaml.h>\n", "policy/a.c:1: only core/ may include yaml.h"),
    ("store/a.c", "#include <zstd.h>\n", "store/a.c:1: only core/ may include zstd.h"),
    ("store/a.c", "#include <zlib.h>\n", "store/a.c:1: only core/ may include zlib.h"),
    ("store/a.c", "#include <nettle/sha2.h>\n", "store/a.c:1: only core/ may include nettle/sha2.h"),
    ("store/a.c", "#include <xxhash.h>\n", "store/a.c:1: only core/ may include xxhash.h"),
    ("rollout/a.c", "#include <uv.h>\n", "rollout/a.c:1: only core/ may include uv.h"),
    ("core/a.c", "#include <uv.h>\n", "core/a.c:1: only core/loop.c may include uv.h"),
    ("core/loop.c", "#include <uv.h>\n", None),
    ("rollout/a.c", "#include <linux/landlock.h>\n", "rollout/a.c:1: only sandbox/ may include linux/landlock.h"),
    ("rollout/a.c", "int f(void) { return fork(); }\n", "rollout/a.c:1: fork: only sandbox/ starts processes"),
    ("policy/a.c", "/* x */\nint f(void)\n{\n\treturn vfork ();\n}\n",
     "policy/a.c:4: vfork: only sandbox/ starts processes"),
    ("rollout/a.c", "int f(void) { return clone(g, 0, 0, 0); }\n",
     "rollout/a.c:1: clone: only sandbox/ starts processes"),
    ("store/a.c", "int f(void) { return posix_spawnp(0, 0, 0, 0, 0, 0); }\n",
     "store/a.c:1: posix_spawnp: only sandbox/ starts processes"),
    ("filters/a.c", 'int f(void) { return system("true"); }\n',
     "filters/a.c:1: system: only sandbox/ starts processes"),
    ("rollout/a.c", 'void *f(void) { return popen("true", "r"); }\n',
     "rollout/a.c:1: popen: only sandbox/ starts processes"),
    ("rollout/a.c", "long f(void) { return syscall(SYS_clone3, 0, 0); }\n",
     "rollout/a.c:1: SYS_clone3: only sandbox/ starts processes"),
    ("rollout/a.c", "int f(void) { return execve(0, 0, 0); }\n",
     "rollout/a.c:1: execve: only sandbox/ starts processes"),
    ("sandbox/a.c", "int f(void) { return uv_spawn(0, 0, 0); }\n",
     "sandbox/a.c:1: uv_spawn: it would reap the sandbox's children"),
    ("sandbox/same.h", "", "store/same.h:1: file names are unique in the tree: there is sandbox/same.h too"),
    # what must pass
    ("sandbox/a.c", "#include <linux/seccomp.h>\nint f(void) { return fork(); }\n", None),
    ("rollout/a.c", '#include "store/store.h"\n#include "filters/judge.h"\n#include "policy/policy.h"\n', None),
    ("rollout/a.c", '/* fork() and system() are not ours:\n#include <sqlite3.h>\n*/\n', None),
    ("rollout/a.c", 'const char *s = "popen(\\"fork()\\")";\nchar c = \'"\'; // system(\n', None),
    ("rollout/a.c", "int f(struct x *x) { return x->clone(1) + x->y.system(2) + my_fork(3); }\n", None),
]


def say(root):
    run = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True)
    return run.returncode, run.stdout.splitlines()


def plant(path, text):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "core"))
        with open(os.path.join(root, "core", "sound.c"), "w") as f:
            f.write('#include "core/error.h"\n')
        names = [path, "store/same.h"] if path.endswith("same.h") else [path]
        for name in names:
            os.makedirs(os.path.join(root, os.path.dirname(name)), exist_ok=True)
            with open(os.path.join(root, name), "w") as f:
                f.write(text)
        return say(root)


failed = 0
for path, text, want in CASES:
    status, lines = plant(path, text)
    good = (status == 1 and lines == [want]) if want else status == 0
    if not good:
        failed += 1
        print(f"planted in {path}: {text!r}\n  wanted {want!r}\n  got status {status}: {lines}")
with tempfile.TemporaryDirectory() as empty:
    if say(empty)[0] != 2:
        failed += 1
        print("an empty tree must not pass")
print(f"{len(CASES) + 1 - failed} of {len(CASES) + 1} planted cases behave")
sys.exit(1 if failed else 0)
