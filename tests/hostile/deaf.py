#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The names of refused calls are evidence: where the kernel refuses the listener, everything else stays the same.

A task can be heard by one listener only.  This process takes that place before it starts winnow, as some containers
do, and compares what `winnow exec` says with what it says otherwise.
"""
import ctypes
import json
import os
import struct
import subprocess
import sys
import tempfile

WINNOW = os.path.realpath(os.environ.get("WINNOW", "build/release/winnow"))
SECCOMP = {"x86_64": 317, "aarch64": 277}.get(os.uname().machine)
PROGRAMS = [
    ("one call", "import ctypes\nctypes.CDLL(None).ptrace(0, 0, 0, 0)\nprint(1)\n", [("ptrace", 1)]),
    ("some calls", "import ctypes\nl = ctypes.CDLL(None)\nfor i in range(3): l.unshare(0)\nl.mount(0, 0, 0, 0, 0)\n",
     [("unshare", 3), ("mount", 1)]),
    ("in a thread", "import ctypes, threading, os\nt = threading.Thread(target=ctypes.CDLL(None).acct)\nt.start()\nt.join()\n", [("acct", 1)]),
    ("none", "print(1)\n", []),
]


def take_the_place():
    """A listener that hears nothing: every call is allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    allow = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 1, ctypes.addressof(allow)))
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    fd = libc.syscall(SECCOMP, 1, 8, program)  # SET_MODE_FILTER, NEW_LISTENER
    if fd < 0:
        os._exit(77)
    os.set_inheritable(fd, True)  # the place is free again with its last descriptor


def execute(text, tier, deaf):
    with tempfile.NamedTemporaryFile("w", suffix=".py") as f:
        f.write(text)
        f.flush()
        p = subprocess.run([WINNOW, "exec", "--isolation", tier, f.name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, close_fds=False, preexec_fn=take_the_place if deaf else None, check=False)
    if p.returncode == 2 and b"isolation tier" in p.stderr:
        return None
    if p.returncode:
        raise SystemExit("exit %d: %s" % (p.returncode, p.stderr.decode("utf-8", "replace")))
    return json.loads(p.stdout)


def main():
    if not SECCOMP:
        return 77
    wrong, compared = [], 0
    for tier in ("namespaces", "uid", "landlock"):
        for name, text, calls in PROGRAMS:
            hearing, deaf = execute(text, tier, False), execute(text, tier, True)
            if not hearing or not deaf:
                print("%s: not to be had here" % tier)
                break
            compared += 1
            for key in ("verdict", "exit_code", "signal", "flags", "stdout", "stderr"):
                if hearing[key] != deaf[key]:
                    wrong.append("%s: %s: %s is %r, and %r where nobody hears" % (tier, name, key, hearing[key], deaf[key]))
            if hearing["refused"] != dict(calls):
                wrong.append("%s: %s: heard %r" % (tier, name, hearing["refused"]))
            if deaf["refused"]:
                wrong.append("%s: %s: heard %r where nobody hears" % (tier, name, deaf["refused"]))
    print("\n".join(wrong) or "%d compared" % compared)
    return 1 if wrong else 0 if compared else 77


if __name__ == "__main__":
    sys.exit(main())
