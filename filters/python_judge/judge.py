# SPDX-License-Identifier: Apache-2.0
"""The Python judge: runs a task's own test code; the candidate is at the other end of a channel.

Runs in a box of its own and executes trusted code only: the task's prompt (for its
helpers) and its tests.  A candidate is met as questions and answers alone, which the
relay in the spawner has checked frame by frame; what arrives is made into fresh plain
objects, proxies (Handle) or exceptions of Python's own, so nothing of the candidate's
can run, compare or convert itself here.

One server process keeps the compiled tasks.  For each sample it forks a child, which
rebuilds the namespace, runs the tests, reports once and ends; the server then tells how
the child ended.  Frames: docs/formats/frame.md.
"""
import ast
import builtins
import collections
import gc
import os
import random
import resource
import signal
import symtable
import sys
import weakref
from struct import Struct

CHANNEL = 3
CPU_SECONDS = 10
MEMORY_BYTES = 1 << 30
MAX_FRAME, MAX_DEPTH, MAX_BITS = 16 << 20, 200, 332192
QUESTION = 0x80000000

U32, I64, U64, F64, F64F64 = Struct('<I'), Struct('<q'), Struct('<Q'), Struct('<d'), Struct('<dd')

BUILTIN_TYPES = {value: value.__name__ for name, value in vars(builtins).items()
                 if isinstance(value, type) and name[0] != '_'}
BUILTIN_TYPES[type(None)] = 'NoneType'
TYPE_BY_NAME = {name: value for value, name in BUILTIN_TYPES.items()}
ERROR_BY_NAME = {name: value for name, value in TYPE_BY_NAME.items()
                 if issubclass(value, BaseException)}

# Modules that test code may name without importing them.
MODULES = frozenset((
    'array', 'bisect', 'cmath', 'collections', 'copy', 'datetime', 'decimal', 'fractions',
    'functools', 'heapq', 'itertools', 'json', 'math', 'operator', 'random', 're', 'statistics',
    'string', 'sys', 'time', 'typing'))
COLLECTIONS = frozenset(('Counter', 'OrderedDict', 'defaultdict', 'deque', 'namedtuple'))


# --- the channel ---

def read_exactly(n):
    parts = []
    while n > 0:
        part = os.read(CHANNEL, n)
        if not part:
            os._exit(0)
        parts.append(part)
        n -= len(part)
    return b''.join(parts)


def receive():
    return read_exactly(U32.unpack(read_exactly(4))[0])


def send(body):
    view = memoryview(U32.pack(len(body)) + body)
    while view:
        view = view[os.write(CHANNEL, view):]


def text(s):
    raw = s.encode('utf-8', 'surrogatepass')
    return U32.pack(len(raw)) + raw


def get_raw(raw, at):
    n, = U32.unpack_from(raw, at)
    at += 4
    if at + n > len(raw):
        raise BadAnswer('a string ends before its time')
    return raw[at:at + n], at + n


def get_text(raw, at):
    s, at = get_raw(raw, at)
    return str(s, 'utf-8', 'surrogatepass'), at


# --- what can end a test besides its own assertions ---

class Ended(BaseException):
    """Nothing that test code catches by `except Exception`."""


class BadAnswer(Ended):
    """The answer is not what the question asks for."""


class NotPlain(Ended):
    """The candidate's value could not cross."""


class NotPortable(Ended):
    """The test passes a function: no candidate can ever be asked this."""


class TooMuch(Exception):
    """The test passes what cannot cross; it may have got it from the candidate."""


class NoEntryPoint(Ended):
    """The program does not define the entry point."""


class CandidateExit(Ended):
    """The candidate raised what ends a program, SystemExit say."""


# --- objects that stay with the candidate ---

handles = weakref.WeakValueDictionary()     # number -> Handle
forgotten = []                              # numbers of handles that nobody here has any more


class Handle:
    """An object of the candidate.  Equal to itself only, always true, without operators."""
    __slots__ = ('_number', '__weakref__')

    def __getattr__(self, name):
        if name[:2] == '__' and name[-2:] == '__':
            raise AttributeError(name)
        return ask(b'.' + U64.pack(number_of(self)) + text(name))

    def __setattr__(self, name, value):
        if name[:2] == '__' and name[-2:] == '__':
            raise AttributeError(name)
        question = Question(b'=' + U64.pack(number_of(self)) + text(name))
        question.add(value)
        question.ask()

    def __call__(self, *args, **kwargs):
        return call(b'(' + U64.pack(number_of(self)), args, kwargs)

    def __getitem__(self, key):
        question = Question(b'[' + U64.pack(number_of(self)))
        question.add(key)
        return question.ask()

    def __setitem__(self, key, value):
        question = Question(b']' + U64.pack(number_of(self)))
        question.add(key)
        question.add(value)
        question.ask()

    def __len__(self):
        n = ask(b'#' + U64.pack(number_of(self)))
        if type(n) is not int:
            raise BadAnswer('a length that is no int')
        return n

    def __bool__(self):
        return True

    def __iter__(self):
        try:
            method = ask(b'.' + U64.pack(number_of(self)) + text('__iter__'))
        except AttributeError:
            raise TypeError('object is not iterable') from None
        if type(method) is not Handle:
            raise BadAnswer('an __iter__ that cannot be called')
        it = method()
        if type(it) is Handle:
            return Iterator(it)
        return iter(it)

    def __repr__(self):
        return '<object of the candidate>'

    def __del__(self):
        forgotten.append(number_of(self))


number_of = Handle._number.__get__
set_number = Handle._number.__set__


class Iterator:
    """An iterator of the candidate; items are fetched in growing batches."""
    __slots__ = ('_handle', '_items', '_ended', '_most')

    def __init__(self, handle):
        self._handle, self._items, self._ended, self._most = handle, collections.deque(), False, 1

    def __iter__(self):
        return self

    def __next__(self):
        if not self._items and not self._ended:
            self._items.extend(self._fetch())
        if not self._items:
            raise StopIteration
        return self._items.popleft()

    def _fetch(self):
        items, self._ended = fetch(number_of(self._handle), self._most)
        self._most = min(self._most * 2, 1024)
        return items

    def __repr__(self):
        return '<iterator of the candidate>'


def handle(number):
    found = handles.get(number)
    if found is None:
        found = Handle()
        set_number(found, number)
        handles[number] = found
    return found


def fetch(number, most):
    """(items, ended) of the candidate's iterator."""
    question = Question(b'>' + U64.pack(number) + U32.pack(most))
    return question.ask()


def view(number, kind):
    """A dict view of the judge's own with the items of the candidate's."""
    items, ended = [], False
    while not ended:
        more, ended = fetch(number, 1024)
        items += more
    if kind == 'dict_keys':
        return dict.fromkeys(items).keys()
    if kind == 'dict_values':
        return dict(enumerate(items)).values()
    for item in items:
        if type(item) is not tuple or len(item) != 2:
            raise BadAnswer('dict_items of what is no pair')
    return dict(items).items()


# --- questions ---

def raw_int(value):
    if -0x8000000000000000 <= value <= 0x7fffffffffffffff:
        return b'i' + I64.pack(value)
    if value.bit_length() > MAX_BITS:
        raise TooMuch('an int of more than 100000 digits')
    digits = format(abs(value), 'x').encode()
    return (b'I\1' if value < 0 else b'I\0') + U32.pack(len(digits)) + digits


def put_items(tag):
    def put(q, value, depth, head=None):
        if depth >= MAX_DEPTH:
            raise TooMuch('an argument nests too deep')
        q.memo[id(value)] = None
        number = len(q.containers)
        q.containers.append(value)
        q.out.append(tag + (U32.pack(len(value)) if head is None else head))
        if tag in b'dCOD':
            for k, v in value.items():
                q.put(k, depth + 1)
                q.put(v, depth + 1)
        else:
            for item in value:
                q.put(item, depth + 1)
        q.memo[id(value)] = number
    return put


def put_tuple(q, value, depth):
    fields = getattr(type(value), '_fields', None)
    if type(fields) is tuple and len(fields) == len(value):
        head = (text(type(value).__name__) + U32.pack(len(fields)) +
                b''.join([text(field) for field in fields]))
        put_items(b'n')(q, value, depth, head)
    else:
        put_items(b't')(q, value, depth)


def put_bytearray(q, value, depth):
    q.memo[id(value)] = len(q.containers)
    q.containers.append(value)
    q.out.append(b'y' + U32.pack(len(value)) + bytes(value))


def put_range(q, value, depth):
    q.out.append(b'r' + raw_int(value.start) + raw_int(value.stop) + raw_int(value.step))


def put_handle(q, value, depth):
    q.keep.append(value)
    q.out.append(b'h' + U64.pack(number_of(value)) + text('object'))


def put_iterator(q, value, depth):
    if value._items or value._ended or value._most != 1:
        raise TooMuch('an iterator of the candidate that has been read from')
    q.keep.append(value)
    q.out.append(b'g' + U64.pack(number_of(value._handle)) + text('iterator'))


PUT = {
    bool: lambda q, v, d: q.out.append(b'T' if v else b'F'),
    int: lambda q, v, d: q.out.append(raw_int(int(v))),
    float: lambda q, v, d: q.out.append(b'f' + F64.pack(v)),
    complex: lambda q, v, d: q.out.append(b'c' + F64F64.pack(v.real, v.imag)),
    str: lambda q, v, d: q.out.append(b's' + text(str(v))),
    bytes: lambda q, v, d: q.out.append(b'b' + U32.pack(len(v)) + bytes(v)),
    bytearray: put_bytearray, range: put_range,
    type(None): lambda q, v, d: q.out.append(b'N'),
    type(...): lambda q, v, d: q.out.append(b'e'),
    type(NotImplemented): lambda q, v, d: q.out.append(b'm'),
    list: put_items(b'l'), tuple: put_tuple, set: put_items(b'S'), frozenset: put_items(b'Z'),
    collections.deque: put_items(b'q'), collections.Counter: put_items(b'C'),
    collections.OrderedDict: put_items(b'O'), collections.defaultdict: put_items(b'D'),
    dict: put_items(b'd'), Handle: put_handle, Iterator: put_iterator,
}


class Question:
    """One question under way: its bytes, and the containers that it names by number."""

    def __init__(self, head):
        self.out, self.memo, self.containers, self.keep = [head], {}, [], []

    def put(self, value, depth):
        if id(value) in self.memo:
            number = self.memo[id(value)]
            if number is None:
                raise TooMuch('an argument that holds itself')
            self.out.append(b'@' + U32.pack(number))
            return
        for base in type(value).__mro__:
            put = PUT.get(base)
            if put is not None:
                put(self, value, depth)
                return
        if value in BUILTIN_TYPES if isinstance(value, type) else False:
            self.out.append(b'k' + text(BUILTIN_TYPES[value]))
            return
        if callable(value) and not isinstance(value, type):
            raise NotPortable("an argument of type '%s'" % type(value).__name__)
        raise TooMuch("an argument of type '%s'" % type(value).__name__)

    def add(self, value):
        self.put(value, 0)

    def ask(self):
        if len(forgotten) >= 256:
            gone = [number for number in forgotten if number not in handles]
            forgotten.clear()
            send(b'-' + U32.pack(len(gone)) + b''.join([U64.pack(number) for number in gone]))
            if receive()[:1] == b'Q':
                run.stop()
        body = b''.join(self.out)
        if len(body) > MAX_FRAME:
            raise TooMuch('an argument of more than 16 MiB')
        send(body)
        raw = receive()
        if raw[:1] == b'Q':
            run.stop()
        try:
            return self.answer(raw)
        except (Ended, MemoryError):
            raise
        except Exception as error:
            if error is run.raised:
                raise
            raise BadAnswer('%s: %s' % (type(error).__name__, error)) from None

    def answer(self, raw):
        op = raw[0]
        asked = self.out[0][:1]
        decoder = Decoder(raw, self.containers)
        if op == 82 and asked != b'>':      # R
            value = decoder.value(1)
            self.apply(decoder)
            return value
        if op == 88:                        # X
            name, at = get_text(raw, 1)
            message, at = get_text(raw, at)
            n, = U32.unpack_from(raw, at)
            at += 4
            bases = []
            for _ in range(n):
                base, at = get_text(raw, at)
                bases.append(base)
            decoder.at = at
            self.apply(decoder)
            self.fail(name, message, bases)
        if op in b'VE' and asked == b'>':
            n, = U32.unpack_from(raw, 1)
            decoder.at = 5
            items = [decoder.value(decoder.at) for _ in range(n)]
            if op == 86 and not items:
                raise BadAnswer('an empty batch that is not the last')
            return items, op == 69
        if op == 85:                        # U
            raise NotPlain(get_text(raw, 1)[0])
        if op == 63 and asked in b'?$':
            name = get_text(raw, 1)[0]
            if asked == b'?':
                raise NoEntryPoint(name)
            return MISSING
        raise BadAnswer('an answer of another kind than the question')

    def apply(self, decoder):
        """Write the changed containers of an answer back into the caller's objects."""
        n, = U32.unpack_from(decoder.raw, decoder.at)
        decoder.at += 4
        changes = []
        for _ in range(n):
            number, = U32.unpack_from(decoder.raw, decoder.at)
            changes.append((self.containers[number], decoder.value(decoder.at + 4)))
        for old, new in changes:
            if isinstance(old, dict) and isinstance(new, dict):
                old.clear()
                dict.update(old, new) if not isinstance(old, collections.OrderedDict) \
                    else old.update(new)
            elif isinstance(old, (list, bytearray)) and isinstance(new, (list, bytearray)):
                old[:] = new
            elif isinstance(old, set) and isinstance(new, set):
                old.clear()
                old.update(new)
            elif isinstance(old, collections.deque) and isinstance(new, collections.deque):
                old.clear()
                old.extend(new)
            else:
                raise BadAnswer('a changed argument of another type')

    def fail(self, name, message, bases):
        """Raise in the test what the candidate raised, as a class of Python's own."""
        run.raised_name = name
        for base in bases:
            kind = ERROR_BY_NAME.get(base)
            if kind is None:
                continue
            if not issubclass(kind, Exception):
                if kind is BaseException:
                    continue
                raise CandidateExit(base)
            try:
                error = kind(message)
            except TypeError:
                continue
            run.raised = error
            raise error
        raise CandidateExit(name)


MISSING = object()


def ask(body):
    return Question(body).ask()


def call(head, args, kwargs):
    question = Question(head)
    question.add(args)
    question.add(kwargs)
    return question.ask()


def function(name):
    """The candidate's function of this name."""
    head = b'?' + text(name)

    def candidate(*args, **kwargs):
        return call(head, args, kwargs)
    candidate.__name__ = candidate.__qualname__ = name
    return candidate


# --- answers ---

class Decoder:
    """Values of one frame, as fresh objects."""

    def __init__(self, raw, question):
        self.raw, self.question, self.containers, self.at = raw, question, [], 0

    def value(self, at):
        value, self.at = self.read(at)
        return value

    def read(self, at):
        raw = self.raw
        tag = raw[at]
        at += 1
        if tag == 105:      # i
            return I64.unpack_from(raw, at)[0], at + 8
        if tag == 115:      # s
            return get_text(raw, at)
        if tag in b'ltqSZdCOD':
            return self.container(tag, at)
        if tag == 64:       # @
            number, = U32.unpack_from(raw, at)
            if number >= QUESTION:
                return self.question[number - QUESTION], at + 4
            value = self.containers[number]
            if value is None:
                raise BadAnswer('a cycle')
            return value, at + 4
        if tag == 102:      # f
            return F64.unpack_from(raw, at)[0], at + 8
        if tag == 78:
            return None, at
        if tag == 84:
            return True, at
        if tag == 70:
            return False, at
        if tag == 73:       # I
            digits, end = get_raw(raw, at + 1)
            value = int(digits, 16)
            return (-value if raw[at] else value), end
        if tag == 99:       # c
            return complex(*F64F64.unpack_from(raw, at)), at + 16
        if tag == 98:       # b
            return get_raw(raw, at)
        if tag == 121:      # y
            value, at = get_raw(raw, at)
            self.containers.append(bytearray(value))
            return self.containers[-1], at
        if tag == 110:      # n
            return self.named_tuple(at)
        if tag == 114:      # r
            start, at = self.read(at)
            stop, at = self.read(at)
            step, at = self.read(at)
            return range(start, stop, step), at
        if tag == 101:
            return ..., at
        if tag == 109:
            return NotImplemented, at
        if tag == 107:      # k
            name, at = get_text(raw, at)
            return TYPE_BY_NAME[name], at
        if tag == 103:      # g
            number, = U64.unpack_from(raw, at)
            kind, at = get_text(raw, at + 8)
            if kind in ('dict_keys', 'dict_values', 'dict_items'):
                return view(number, kind), at
            return Iterator(handle(number)), at
        if tag == 104:      # h
            number, = U64.unpack_from(raw, at)
            return handle(number), get_raw(raw, at + 8)[1]
        raise BadAnswer('an unknown tag')

    def container(self, tag, at):
        n, = U32.unpack_from(self.raw, at)
        at += 4
        number = len(self.containers)
        self.containers.append(None)
        if tag in b'dCOD':
            pairs = []
            for _ in range(n):
                k, at = self.read(at)
                v, at = self.read(at)
                pairs.append((k, v))
            if tag == 100:
                value = dict(pairs)
            elif tag == 79:
                value = collections.OrderedDict(pairs)
            elif tag == 68:
                value = collections.defaultdict(None, pairs)
            else:
                value = collections.Counter()
                dict.update(value, pairs)
        else:
            value = []
            for _ in range(n):
                item, at = self.read(at)
                value.append(item)
            if tag == 116:
                value = tuple(value)
            elif tag == 83:
                value = set(value)
            elif tag == 90:
                value = frozenset(value)
            elif tag == 113:
                value = collections.deque(value)
        self.containers[number] = value
        return value, at

    def named_tuple(self, at):
        number = len(self.containers)
        self.containers.append(None)
        name, at = get_text(self.raw, at)
        n, = U32.unpack_from(self.raw, at)
        at += 4
        fields, items = [], []
        for _ in range(n):
            field, at = get_text(self.raw, at)
            fields.append(field)
        for _ in range(n):
            item, at = self.read(at)
            items.append(item)
        value = named_tuple_type(name, tuple(fields))._make(items)
        self.containers[number] = value
        return value, at


named_tuple_types = {}


def named_tuple_type(name, fields):
    """collections.namedtuple() of names that the candidate chose; dunders and odd names never."""
    for field in fields + (name,):
        if not (field.isidentifier() and field.isascii()) or len(field) > 200:
            raise BadAnswer('a bad name in a namedtuple')
    key = (name, fields)
    if key not in named_tuple_types:
        named_tuple_types[key] = collections.namedtuple(name, fields, rename=True)
    return named_tuple_types[key]


# --- tasks ---

def holds_assert(node):
    return any(isinstance(n, (ast.Assert, ast.Raise)) for n in ast.walk(node))


class Task:
    """A task's tests, compiled: each assert at the top level is a case, a loop of asserts is one."""

    def __init__(self, entry_point, prompt, test):
        self.entry_point = entry_point
        self.prompt = self.compile_prompt(prompt)
        tree = ast.parse(test, 'test.py')
        self.visible_of_case = []   # for each case: its number among the asserts, or None
        self.lines = []
        function_node = None
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == 'check':
                function_node = node
        self.has_check = any(
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == 'check' or
            isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == 'check'
                                                 for t in node.targets) for node in tree.body)
        self.names = self.global_names(test, tree)
        if function_node is not None:
            if not function_node.decorator_list and not any(
                    isinstance(n, (ast.Yield, ast.YieldFrom)) for n in ast.walk(function_node)):
                function_node.body = self.split(function_node.body)
        elif not self.has_check:
            tree.body = self.split(tree.body)
        self.total = len(self.lines)
        ast.fix_missing_locations(tree)
        self.code = compile(tree, 'test.py', 'exec', dont_inherit=True)

    @staticmethod
    def compile_prompt(prompt):
        if not prompt.strip():
            return None
        for tail in ('', '\n    pass\n', '\n        pass\n', '\n\tpass\n'):
            try:
                return compile(prompt + tail, 'prompt.py', 'exec', dont_inherit=True)
            except (SyntaxError, ValueError):
                continue
        return None

    @staticmethod
    def global_names(test, tree):
        """Names that the test code takes from elsewhere: {name: used as a module}."""
        used, defined = set(), set()

        def walk(table):
            top = table.get_type() == 'module'
            for symbol in table.get_symbols():
                if top and (symbol.is_assigned() or symbol.is_imported() or
                            symbol.is_namespace()):
                    defined.add(symbol.get_name())
                elif symbol.is_declared_global() and symbol.is_assigned():
                    defined.add(symbol.get_name())
                if symbol.is_referenced() and (top or symbol.is_global()):
                    used.add(symbol.get_name())
            for child in table.get_children():
                walk(child)
        walk(symtable.symtable(test, 'test.py', 'exec'))
        dotted = {node.value.id for node in ast.walk(tree)
                  if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
        return {name: name in dotted for name in sorted(used - defined)}

    def split(self, body):
        out, ordinal = [], 0
        for node in body:
            is_assert = isinstance(node, ast.Assert)
            if not is_assert and (isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef,
                                                    ast.ClassDef)) or not holds_assert(node)):
                out.append(node)
                continue
            case = len(self.lines)
            self.lines.append(node.lineno)
            self.visible_of_case.append(ordinal if is_assert else None)
            ordinal += is_assert
            out.append(ast.copy_location(ast.Try(
                body=[node],
                handlers=[ast.ExceptHandler(
                    type=ast.Name('__winnow_any__', ast.Load()), name='__winnow_error__',
                    body=[self.call('__winnow_failed__', case, '__winnow_error__')])],
                orelse=[self.call('__winnow_passed__', case)], finalbody=[]), node))
        return out

    @staticmethod
    def call(name, case, error=None):
        args = [ast.Constant(case)]
        if error is not None:
            args.append(ast.Name(error, ast.Load()))
        return ast.Expr(ast.Call(ast.Name(name, ast.Load()), args, []))


# --- tests that need no Python to be judged ---

CONSTRUCTORS = ('dict', 'float', 'frozenset', 'list', 'range', 'set', 'tuple')
CONSTANT_NODES = (
    ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Load, ast.UnaryOp, ast.UAdd, ast.USub, ast.Not,
    ast.Invert, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
NO_VALUE = object()


class NotRecognised(Exception):
    """These tests are for the Python judge."""


class Recogniser:
    """Tests that are nothing but assertions of one call each, against constants.

    Such tests can be asked and compared by the relay itself.  Whatever is not surely of that kind
    raises NotRecognised; what an answer means is decided there, and only where it is sure.
    """

    def __init__(self, task, tree):
        self.foreign = set(task.prompt.co_names) if task.prompt is not None else set()
        self.callees = {task.entry_point}
        body = tree.body
        functions = [n for n in body if isinstance(n, ast.FunctionDef) and n.name == 'check']
        if task.has_check:
            if len(functions) != 1 or body.count(functions[0]) != 1:
                raise NotRecognised
            for node in body:
                if node is not functions[0]:
                    self.harmless(node)
            body = self.parameter_of(functions[0])
        self.assertions = []
        for node in body:
            if isinstance(node, ast.Assert):
                self.assertions.append(self.assertion(node))
            else:
                self.harmless(node)
        if not self.assertions:
            raise NotRecognised

    def parameter_of(self, function):
        a = function.args
        if function.decorator_list or len(a.args) != 1 or a.posonlyargs or a.kwonlyargs or a.vararg or \
                a.kwarg or a.defaults:
            raise NotRecognised
        self.callees.add(a.args[0].arg)
        if self.callees & {'abs', 'check', *CONSTRUCTORS}:
            raise NotRecognised
        return function.body

    def harmless(self, node):
        """A statement that can neither fail nor change what an assertion means."""
        if isinstance(node, ast.Pass) or isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and \
                isinstance(node.targets[0], ast.Name) and \
                node.targets[0].id not in self.callees | {'abs', 'check', *CONSTRUCTORS}:
            self.constant(node.value)
            return
        if isinstance(node, ast.Import) and all(
                alias.name in MODULES and alias.name not in self.callees and
                (alias.asname or alias.name) == alias.name for alias in node.names):
            return
        raise NotRecognised

    def constant(self, node):
        for part in ast.walk(node):
            if isinstance(part, ast.Call):
                if not isinstance(part.func, ast.Name) or part.keywords or \
                        part.func.id not in CONSTRUCTORS or part.func.id in self.foreign:
                    raise NotRecognised
            elif isinstance(part, ast.Name):
                if part.id not in CONSTRUCTORS:
                    raise NotRecognised
            elif not isinstance(part, CONSTANT_NODES):
                raise NotRecognised
        try:
            return eval(compile(ast.Expression(node), 'test.py', 'eval', dont_inherit=True), {})
        except Exception:
            raise NotRecognised from None

    def call(self, node):
        """The arguments of a call of the program, or NO_VALUE."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.callees and \
                not node.keywords and not any(isinstance(a, ast.Starred) for a in node.args):
            return tuple([self.constant(a) for a in node.args])
        return NO_VALUE

    def assertion(self, node):
        """(kind, tolerance, arguments, constant) of docs/formats/frame.md."""
        if node.msg is not None and not isinstance(node.msg, ast.Constant):
            raise NotRecognised
        test = node.test
        if isinstance(test, ast.Constant):
            return (b'A' if test.value else b'Z', 0.0, (), None)
        args = self.call(test)
        if args is not NO_VALUE:
            return (b'T', 0.0, args, None)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            args = self.call(test.operand)
            if args is NO_VALUE:
                raise NotRecognised
            return (b'F', 0.0, args, None)
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            raise NotRecognised
        op, left, right = type(test.ops[0]), test.left, test.comparators[0]
        if op in (ast.Eq, ast.NotEq):
            args, other = self.call(left), right
            if args is NO_VALUE:
                args, other = self.call(right), left
            if args is NO_VALUE:
                raise NotRecognised
            return (b'E' if op is ast.Eq else b'N', 0.0, args, self.constant(other))
        if op in (ast.Is, ast.IsNot):
            args = self.call(left)
            if args is NO_VALUE or not isinstance(right, ast.Constant) or \
                    not (right.value is None or right.value is True or right.value is False):
                raise NotRecognised
            return (b'I' if op is ast.Is else b'J', 0.0, args, right.value)
        if op in (ast.Lt, ast.LtE) and 'abs' not in self.foreign:
            return self.near(b'<' if op is ast.Lt else b',', left, right)
        raise NotRecognised

    def near(self, kind, left, right):
        """abs(program(…) - constant) < tolerance"""
        if not isinstance(left, ast.Call) or not isinstance(left.func, ast.Name) or left.func.id != 'abs' or \
                left.keywords or len(left.args) != 1 or not isinstance(left.args[0], ast.BinOp) or \
                not isinstance(left.args[0].op, ast.Sub):
            raise NotRecognised
        args, other = self.call(left.args[0].left), left.args[0].right
        if args is NO_VALUE:
            args, other = self.call(left.args[0].right), left.args[0].left
        if args is NO_VALUE:
            raise NotRecognised
        other, tolerance = self.constant(other), self.constant(right)
        if type(other) not in (int, float) or type(tolerance) not in (int, float) or \
                abs(tolerance) >= 1 << 53:
            raise NotRecognised
        return (kind, float(tolerance), args, other)

    def encode(self):
        out = [U32.pack(len(self.assertions))]
        for kind, tolerance, args, constant in self.assertions:
            values = Question(kind + F64.pack(tolerance))
            values.add(args)
            values.add(constant)
            body = b''.join(values.out)
            out.append(U32.pack(len(body)) + body)
        return b''.join(out)


def recognised(task, test):
    """Bytes that stand for the whole of the tests; none where only Python can judge them."""
    try:
        found = Recogniser(task, ast.parse(test, 'test.py'))
        raw = found.encode()
    except (NotRecognised, NotPortable, TooMuch, RecursionError, MemoryError):
        return b''
    return raw if len(found.assertions) == task.total and len(raw) < MAX_FRAME else b''


class Stop(Ended):
    """A case failed and the rest need not be run."""


class Run:
    """One sample, in the child."""

    def __init__(self, task, all_tests, whole, visible):
        self.task, self.all_tests, self.whole, self.visible = task, all_tests, whole, visible
        self.passed = [False] * task.total
        self.first = None       # (outcome, message) of what failed first
        self.raised = None      # the last exception that came from the candidate
        self.raised_name = ''

    def note(self, error, case=None):
        """Remember what failed, if it is the first thing that did."""
        if self.first is None:
            self.first = self.outcome_of(error)
            if case is not None:
                self.first = (self.first[0], 'case %d, line %d: %s' % (
                    case + 1, self.task.lines[case], self.first[1]))

    def outcome_of(self, error):
        words = str(error)[:300] if isinstance(error, Ended) or error is self.raised else ''
        if error is self.raised:
            if isinstance(error, MemoryError):
                return b'm', 'the program raised MemoryError'
            return b'X', 'the program raised %s: %s' % (self.raised_name[:100], words)
        if isinstance(error, AssertionError):
            return b'W', 'assertion failed'
        if isinstance(error, CandidateExit):
            return b'x', 'the program raised %s' % words
        if isinstance(error, NotPlain):
            return b'U', words
        if isinstance(error, BadAnswer):
            return b'B', words
        if isinstance(error, NotPortable):
            return b'N', words
        if isinstance(error, NoEntryPoint):
            return b'?', "the program does not define '%s'" % words
        if isinstance(error, MemoryError):
            return b'M', 'the answers take too much memory'
        try:
            words = str(error)[:300]
        except Exception:
            words = ''
        return b'T', 'the test code raised %s: %s' % (type(error).__name__, words)

    def case_passed(self, case):
        self.passed[case] = True

    def case_failed(self, case, error):
        if isinstance(error, Stop):
            raise error
        self.note(error, case)
        if not self.all_tests or isinstance(error, (CandidateExit, NoEntryPoint, MemoryError)):
            raise Stop

    def stop(self):
        """The relay wants no more: the candidate is gone."""
        if self.first is None:
            self.first = (b'Q', '')
        self.report()

    def report(self):
        task, (outcome, message) = self.task, self.first or (b'A', '')
        passed, total = sum(self.passed), task.total
        seen = [p for p, v in zip(self.passed, task.visible_of_case) if v in self.visible]
        if not total:
            passed, total = int(outcome == b'A'), 1
        send(b'P' + outcome + U32.pack(passed) + U32.pack(total) + U32.pack(sum(seen)) +
             U32.pack(len(seen)) + text(message))
        os._exit(0)

    def main(self):
        task = self.task
        space = {'__name__': 'test', '__builtins__': builtins}
        try:
            if task.prompt is not None:
                exec(task.prompt, space)
            candidate = space[task.entry_point] = function(task.entry_point)
            self.resolve(space)
            space['__winnow_any__'] = BaseException
            space['__winnow_passed__'] = self.case_passed
            space['__winnow_failed__'] = self.case_failed
            exec(task.code, space)
            if task.has_check:
                space['check'](candidate)
        except Stop:
            pass
        except BaseException as error:
            self.note(error)
        self.report()

    def resolve(self, space):
        for name, dotted in self.task.names.items():
            if name in space:
                # Helpers are always the prompt's own, but a program that is meant to hold the
                # prompt and does not is not the program that was asked for.
                if self.whole and name != self.task.entry_point and \
                        ask(b'$' + text(name)) is MISSING:
                    del space[name]
                continue
            if hasattr(builtins, name):
                continue
            if dotted and name in MODULES:
                space[name] = __import__(name)
            elif name in COLLECTIONS:
                space[name] = getattr(collections, name)
            else:
                value = ask(b'$' + text(name))
                if value is not MISSING:
                    space[name] = value


run = None


def child(task, seed, flags, visible):
    global run
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    random.seed(seed)
    run = Run(task, flags & 1 != 0, flags & 2 != 0, visible)
    run.main()


def serve():
    tasks = {}
    sys.setrecursionlimit(3000)
    gc.collect()
    gc.freeze()
    while True:
        raw = receive()
        op = raw[0]
        if op == 84:        # T
            digest, at = get_raw(raw, 1)
            entry_point, at = get_text(raw, at)
            prompt, at = get_text(raw, at)
            test, at = get_text(raw, at)
            try:
                task = tasks[digest] = Task(entry_point, prompt, test)
            except Exception as error:
                send(b'x' + text('%s: %s' % (type(error).__name__, error)))
            else:
                send(b't' + recognised(task, test))
        elif op == 83:      # S
            digest, at = get_raw(raw, 1)
            seed, = U64.unpack_from(raw, at)
            n, = U32.unpack_from(raw, at + 9)
            visible = {U32.unpack_from(raw, at + 13 + 4 * i)[0] for i in range(n)}
            pid = os.fork()
            if pid == 0:
                try:
                    child(tasks[digest], seed, raw[at + 8], visible)
                finally:
                    os._exit(70)
            status = os.waitpid(pid, 0)[1]
            send(b'Z' + U32.pack(status))
        elif op == 70:      # F
            tasks.pop(get_raw(raw, 1)[0], None)
        elif op != 81:      # a Q that came after the child had ended
            os._exit(71)


if __name__ == '__main__':
    serve()
