# SPDX-License-Identifier: Apache-2.0
"""mutate.py: Python program on stdin, its mutants on stdout, one JSON object a line.

Mutants differ from the program in one place: an operator, a comparison, a constant, a bound of a
slice or a range, a condition, an argument of min and max.  Docstrings and prompts are left alone.
Each is the whole program, written by ast.unparse; one that parses to what was there is left out.
"""
import ast
import copy
import json
import sys

ARITHMETIC = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Add], ast.Div: [ast.Mult], ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd],
    ast.BitXor: [ast.BitOr], ast.LShift: [ast.RShift], ast.RShift: [ast.LShift],
}
COMPARISONS = {
    ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE], ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.In: [ast.NotIn], ast.NotIn: [ast.In],
    ast.Is: [ast.IsNot], ast.IsNot: [ast.Is],
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "sum": "max", "sorted": "list", "set": "list"}
METHODS = {"upper": "lower", "lower": "upper", "startswith": "endswith", "endswith": "startswith", "isupper": "islower",
           "islower": "isupper", "count": "index", "index": "count", "lstrip": "rstrip", "rstrip": "lstrip"}


def changes(node):
    """(what, function that changes a copy of the node in place)"""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        for op in ARITHMETIC.get(type(node.op), []):
            yield "operator", lambda n, op=op: setattr(n, "op", op())
    elif isinstance(node, ast.Compare):
        for i, was in enumerate(node.ops):
            for op in COMPARISONS.get(type(was), []):
                yield "comparison", lambda n, i=i, op=op: n.ops.__setitem__(i, op())
    elif isinstance(node, ast.BoolOp):
        yield "operator", lambda n: setattr(n, "op", ast.Or() if isinstance(n.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "condition", lambda n: setattr(n, "op", ast.Not()) or setattr(n, "operand", ast.UnaryOp(ast.Not(), n.operand))
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield "constant", lambda n: setattr(n, "value", not n.value)
        elif isinstance(node.value, int):
            yield "constant", lambda n: setattr(n, "value", n.value + 1)
            yield "constant", lambda n: setattr(n, "value", n.value - 1)
        elif isinstance(node.value, float):
            yield "constant", lambda n: setattr(n, "value", n.value + 1.0)
        elif isinstance(node.value, str):
            yield "constant", lambda n: setattr(n, "value", n.value + "x" if n.value else "x")
    elif isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            if getattr(node, end) is not None:
                yield "bound", lambda n, end=end: setattr(n, end, ast.BinOp(getattr(n, end), ast.Add(), ast.Constant(1)))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in CALLS:
            yield "operator", lambda n: setattr(n.func, "id", CALLS[n.func.id])
        if node.func.id == "range" and node.args:
            last = min(len(node.args), 2) - 1
            for op in (ast.Add, ast.Sub):
                yield "bound", lambda n, last=last, op=op: n.args.__setitem__(last, ast.BinOp(n.args[last], op(), ast.Constant(1)))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
        yield "operator", lambda n: setattr(n.func, "attr", METHODS[n.func.attr])
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield "condition", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))


def docstrings(tree):
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
    return found


def main():
    tree = ast.parse(sys.stdin.read())
    skip = docstrings(tree)
    nodes = list(ast.walk(tree))
    seen = {ast.unparse(tree)}
    for i, node in enumerate(nodes):
        if id(node) in skip:
            continue
        for what, change in changes(node):
            other = copy.deepcopy(tree)
            # walking is breadth first and the same for a copy
            change(list(ast.walk(other))[i])
            text = ast.unparse(ast.fix_missing_locations(other))
            if text not in seen:
                seen.add(text)
                print(json.dumps({"what": what, "line": getattr(node, "lineno", 0), "program": text + "\n"}))


main()
