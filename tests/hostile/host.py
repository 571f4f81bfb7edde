# SPDX-License-Identifier: Apache-2.0
"""The host that hostile programs must not touch: bait laid out before a run, and what is left of it afterwards.

Bait: a secret file, a folder and sockets that anybody may use, a process of the same user.  What a program
leaves (processes, files, mounts, System V and POSIX IPC, keys) is looked for after each run.
"""
import ctypes
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

SECRET_TEXT = "the-words-of-the-secret-file"
SECRET = "int leaked_secret = 1; /* %s */\n" % SECRET_TEXT
NAME = "hostile_residue"
WHERE = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/", "/etc", "/root", "/home", "/usr", "/usr/bin", "/usr/lib", "/dev/mqueue")


def lines(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def children():
    found = []
    for path in glob.glob("/proc/self/task/*/children"):
        found += lines(path)
    return {int(n) for line in found for n in line.split()}


class Host:
    def __init__(self, uid=0):
        self.uid = uid
        # Orphans of the program under test become ours, so that we see them.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        self.base = tempfile.mkdtemp(prefix="hostile-", dir="/tmp")
        os.chmod(self.base, 0o755)
        self.secret = os.path.join(self.base, "secret.h")
        with open(self.secret, "w") as f:
            f.write(SECRET)
        self.outside = self.folder("outside", 0o777)
        self.scratch = self.folder("scratch", 0o777)
        self.work = self.folder("work", 0o777)
        self.bystander = subprocess.Popen(as_user(["sleep", "3600"], uid), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL)
        self.touched, self.listeners = [], []  # connections that came; what waits for them
        self.port = self.listen(socket.AF_INET, ("127.0.0.1", 0)).getsockname()[1]
        self.abstract = os.path.basename(self.base)
        self.listen(socket.AF_UNIX, "\0" + self.abstract)
        self.listen(socket.AF_UNIX, "\0" + self.abstract, socket.SOCK_DGRAM)
        self.socket = os.path.join(self.base, "socket")
        self.listen(socket.AF_UNIX, self.socket)
        os.chmod(self.socket, 0o777)
        self.before = self.state()

    def folder(self, name, mode):
        path = os.path.join(self.base, name)
        os.mkdir(path)
        os.chmod(path, mode)
        return path

    def listen(self, family, address, kind=socket.SOCK_STREAM):
        s = socket.socket(family, kind)
        self.listeners.append(s)
        s.bind(address)
        if kind == socket.SOCK_STREAM:
            s.listen()

        def wait():
            try:
                s.accept() if kind == socket.SOCK_STREAM else s.recv(10)
                self.touched.append("%s %r was reached" % (family.name, address))
            except OSError:
                pass
        threading.Thread(target=wait, daemon=True).start()
        return s

    def bait(self):
        return {"SECRET": self.secret, "OUTSIDE": self.outside, "HOST_PID": str(self.bystander.pid), "PORT": str(self.port),
                "ABSTRACT": self.abstract, "SOCKET": self.socket}

    def state(self):
        ipc = set()
        for kind in ("shm", "sem", "msg"):
            ipc |= {"%s %s" % (kind, " ".join(line.split()[:2])) for line in lines("/proc/sysvipc/" + kind)[1:]}
        return {
            "ipc": ipc,
            "key": {line for line in lines("/proc/keys") if NAME in line},
            "mount": {line for line in lines("/proc/self/mountinfo") if "winnow" in line or "hostile" in line},
            "file": {p for d in WHERE for p in glob.glob(os.path.join(d, "*" + NAME + "*")) + glob.glob(os.path.join(d, "hostile_note*"))},
            "child": children(),
        }

    def residue(self):
        """What is not as it was, in words; nothing is waited for but the ends of processes that are ending."""
        end = time.monotonic() + 5
        while children() - self.before["child"] and time.monotonic() < end:
            try:
                os.waitpid(-1, os.WNOHANG) if self.bystander.poll() is None else None
            except ChildProcessError:
                pass
            time.sleep(0.01)
        now = self.state()
        found = ["%s left: %s" % (kind, x) for kind in now for x in sorted(now[kind] - self.before[kind], key=str)]
        found += ["file left: %s" % p for d in (self.outside, self.scratch) for p in glob.glob(os.path.join(d, "**"), recursive=True)
                  if p.rstrip("/") != d]
        if self.bystander.poll() is not None:
            found.append("a process of the host was killed")
        elif lines("/proc/%d/stat" % self.bystander.pid)[0].split()[2] == "T":
            found.append("a process of the host was stopped")
        with open(self.secret) as f:
            if f.read() != SECRET or os.stat(self.secret).st_mode & 0o777 != 0o644:
                found.append("the secret file was changed")
        return found + self.touched

    def close(self):
        self.bystander.kill()
        self.bystander.wait()
        for s in self.listeners:
            s.close()
        shutil.rmtree(self.base, ignore_errors=True)


def as_user(argv, uid):
    return argv if uid == os.geteuid() else ["setpriv", "--reuid=%d" % uid, "--regid=%d" % uid, "--clear-groups"] + argv


def in_chroot(argv, base, shown):
    """Root without CAP_SYS_ADMIN in a root of its own, as in a default container: argv, made over `base`/root."""
    script = ["set -e", "mount --make-rprivate /", "r=%s/root" % base, "mkdir -p $r", "mount -t tmpfs root $r"]
    for path in ["/usr", "/etc", "/dev", "/proc", base] + shown:
        script.append("mkdir -p $r%s; mount --rbind %s $r%s" % (path, path, path))
    for path in ("/bin", "/sbin", "/lib", "/lib64", "/lib32"):
        if os.path.islink(path):
            script.append("ln -s %s $r%s" % (os.readlink(path), path))
        elif os.path.isdir(path):
            script.append("mkdir -p $r%s; mount --rbind %s $r%s" % (path, path, path))
    script.append("mkdir -p $r/tmp $r/root $r/home; chmod 1777 $r/tmp")
    script.append('exec chroot $r setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$@"')
    return ["unshare", "--mount", "sh", "-c", "\n".join(script), "sh"] + argv
