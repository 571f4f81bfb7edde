# SPDX-License-Identifier: Apache-2.0
"""A warm runner of Python: an interpreter that has started and is forked for each run.

Called as: warm.py ARGV..., the command of the plain path.  Loads what that command would run and
the modules that programs use most, then forks for each run that the spawner asks for.  The fork
puts up its fences (warm.so, of sandbox/init/warm_library.c) and only then runs the code.  The runner itself
never reads what a program wrote.
"""
import sys

PRELOAD = ('os', 're', 'math', 'collections', 'collections.abc', 'itertools', 'functools', 'typing', 'heapq', 'bisect',
           'string', 'operator', 'copy', 'datetime', 'time', 'fractions', 'decimal', 'json',
           'enum', 'dataclasses', 'abc', 'traceback', 'io')


def runner_of(program, library):
    """A function that runs the code of a program as __main__, and sees to a short end.

    An interpreter that ends takes apart all that it has loaded, which nobody sees, and which costs more than
    all else in a small run.  What could be seen of it is done here: the last exit callback of all flushes
    what print() wrote and ends the process.  It leaves that to the interpreter wherever the program has
    left a thread, or anything whose end may run code: a __del__, a generator that waits, a file of its
    own, a weak reference with a callback.  No code of the program runs while it looks.
    """
    import _thread
    import atexit
    import gc
    import operator
    import sys  # a run's names are its own: ours are gone by then
    import types
    import weakref
    many = 50000  # blocks of memory: to look at what they hold costs as much as to take it apart
    weak_set = weakref.WeakSet.add.__globals__
    mro_of, dict_of = type.__dict__['__mro__'].__get__, type.__dict__['__dict__'].__get__
    callback_of = weakref.ref.__dict__['__callback__'].__get__
    get_objects, get_freeze_count, unfreeze, blocks = gc.get_objects, gc.get_freeze_count, gc.unfreeze, sys.getallocatedblocks
    ref, threads, streams = weakref.ref, _thread._count, (sys.stdout, sys.stderr)
    modules, traced, profiled = sys.modules, sys.gettrace, sys.getprofile
    frozen = began = code = None

    def has_finalizer(kind):
        for base in mro_of(kind):
            if '__del__' in dict_of(base):
                return True
        return False

    def harmless(callback):
        kind = type(callback)
        if kind is types.BuiltinFunctionType:
            return callback.__name__ == '_destroy'  # of the cache of an abstract class
        return callback is None or kind is types.FunctionType and callback.__globals__ is weak_set

    def nothing_to_see():
        if get_freeze_count() > frozen or threads() > 0 or blocks() > began + many:
            return False
        seen = set()
        for thing in get_objects():
            kind = type(thing)
            if id(kind) not in seen:
                if has_finalizer(kind):
                    return False
                if issubclass(kind, ref):
                    if not harmless(callback_of(thing)):
                        return False
                else:
                    seen.add(id(kind))
            if issubclass(kind, type) and has_finalizer(thing):
                return False
        return True

    def finish():
        try:
            if code is not None and (sys.stdout, sys.stderr) == streams and nothing_to_see():
                for stream in streams:
                    stream.flush()
                library.warm_exit(code)
        except BaseException:
            pass
        if get_freeze_count() <= frozen:
            unfreeze()  # the names of __main__ are among what has to be found garbage

    def run():
        nonlocal frozen, began, code
        last = [finish]
        frozen, began = get_freeze_count(), blocks()
        atexit.register(next, map(operator.methodcaller('__call__'), last), None)
        try:
            exec(program, modules['__main__'].__dict__)
            code = 0
        except SystemExit as error:
            if type(error.code) in (int, type(None)):
                code = (error.code or 0) & 255
            raise
        except Exception:
            code = 1
            raise
        finally:
            if not traced() is profiled() is None:
                last[0] = unfreeze  # no call that the program would see
    return run


def after_fork(command, library):
    """What a fork has to call, given a python command line, and its sys.argv.

    The code of a -c is run then, as __main__; a script (the driver) is run now, and its serve() called.
    """
    import importlib.util
    import marshal
    at = 1
    while command[at].startswith('-') and command[at] != '-c':
        at += 1
    if command[at] == '-c':
        code = compile(command[at + 1], '<string>', 'exec', dont_inherit=True)
        return runner_of(code, library), ['-c', *command[at + 2:]]
    with open(command[at], 'rb') as file:
        raw = file.read()
    code = marshal.loads(raw[16:]) if raw[:4] == importlib.util.MAGIC_NUMBER else \
        compile(raw, command[at], 'exec', dont_inherit=True)
    script = {'__name__': 'driver', '__builtins__': __builtins__}
    exec(code, script)
    return script['serve'], command[at:]


# What most programs do, so that a fork is ready for it.
REHEARSAL = b"""
import math, re
from typing import List
from collections import defaultdict

class Point:
    def __init__(self, x):
        self.x = x

def add(a, b):
    found = defaultdict(list)
    for i, c in enumerate(sorted(str(a * 7919) + "hello world".upper())):
        found[c].append(Point(i).x)
    return {k: (len(v), sum(v) / 2.0, [math.gcd(x, 6) for x in v]) for k, v in found.items() if k.strip()}

print(len(add(12, 30)), "%.2f" % 1.5)
"""


def rehearse(fork, run, asks, library):
    """Let a fork do what runs do, up to where it waits for us, and learn from its memory.

    asks: run() answers questions (docs/formats/frame.md); else it runs main.py.
    """
    import ctypes
    import posix
    from struct import pack, unpack
    pair = (ctypes.c_int * 2)()
    if library.warm_pair(pair) != 0:
        return
    ours, theirs = pair
    if not asks:
        with open('main.py', 'wb') as file:
            file.write(REHEARSAL + b'import sys\nsys.stdout.flush()\nsys.stdin.read()\n')
    pid = fork()
    if pid == 0:
        try:
            for number in (3,) if asks else (0, 1):
                posix.dup2(theirs, number)
            run()
        finally:
            posix._exit(0)
    posix.close(theirs)
    if asks:
        for frame in (b'L' + pack('<I', len(REHEARSAL)) + REHEARSAL, *[
                b'?' + pack('<I3sBIBqBqBI', 3, b'add', 116, 2, 105, x, 105, 30, 100, 0) for x in (12, 14)]):
            posix.write(ours, pack('<I', len(frame)) + frame)
            size, = unpack('<I', posix.read(ours, 4))
            while size > 0:
                size -= len(posix.read(ours, size)) or size
    else:
        posix.read(ours, 65536)
    library.warm_learn(pid)
    posix.close(ours)
    posix.kill(pid, 9)
    posix.waitpid(pid, 0)
    if not asks:
        posix.unlink('main.py')


def main(names):
    import ctypes
    import gc
    import os
    import posix
    library = ctypes.PyDLL('./warm.so')
    library.warm_enter.restype = ctypes.POINTER(ctypes.c_char_p)
    library.warm_start()
    for name in PRELOAD:
        try:
            __import__(name)
        except ImportError:
            pass
    run, argv = after_fork(sys.argv[1:], library)
    before, in_parent, in_child = [ctypes.pythonapi[name] for name in (
        'PyOS_BeforeFork', 'PyOS_AfterFork_Parent', 'PyOS_AfterFork_Child')]

    def fork():
        before()
        pid = library.warm_fork()
        (in_parent if pid else in_child)()
        return pid

    gc.collect()
    gc.freeze()
    rehearse(fork, run, argv[0] != '-c', library)
    library.warm_ready()
    while True:
        if not library.warm_next():
            posix._exit(0)
        pid = fork()
        if pid == 0:
            break
        library.warm_wait(pid)
    # Fences first; then what an interpreter of its own would have found.
    environment = {}
    for word in library.warm_enter():
        if word is None:
            break
        name, _, value = word.partition(b'=')
        environment[name] = value
    for place in (posix.environ, os.environ._data):
        place.clear()
        place.update(environment)
    sys.argv = argv
    for name in names.keys() - {'__name__', '__doc__', '__package__', '__loader__', '__spec__', '__annotations__',
                                '__builtins__'}:
        del names[name]
    names['__doc__'] = None
    return run


if __name__ == '__main__':
    # What is defined here must not be part of __main__, which a run's end has to find as its program left it.
    with open(__file__, 'rb') as _source:
        _source = compile(_source.read(), __file__, 'exec')
    exec(_source, {'__name__': 'warm', '__builtins__': __builtins__})
else:
    main(sys.modules['__main__'].__dict__)()
