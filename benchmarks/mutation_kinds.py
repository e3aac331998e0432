"""Mutants of a module's functions: one small change each, of the kinds of fault that derivatives are written with."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change.  ``key`` names the function, the kind and the change, and no line: it outlives edits above."""

    file: str
    line: int
    function: str
    kind: str
    key: str
    tree: ast.Module


SIGNS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}
FACTORS: dict[type[ast.operator], type[ast.operator]] = {ast.Mult: ast.Div, ast.Div: ast.Mult}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def mutants_of(text: str, file: str) -> Iterator[Mutant]:
    """All mutants of the functions of a module, in the order of its text."""
    tree, seen = ast.parse(text, file), Counter[str]()
    for place, outer in enumerate(tree.body):
        if not isinstance(outer, ast.FunctionDef):
            continue
        for number, node in enumerate(_expressions(outer)):
            for kind, new in _changes(node):
                if ast.unparse(new) == ast.unparse(node):  # a square with its factors exchanged
                    continue
                changed = copy.copy(tree)
                changed.body = list(tree.body)
                changed.body[place] = copy.deepcopy(outer)
                target = list(_expressions(changed.body[place]))[number]
                _keep_names(changed.body[place], target)
                _Swap(target, new).visit(changed.body[place])
                key = f"{outer.name} {kind}: {ast.unparse(node)} -> {ast.unparse(new)}"
                seen[key] += 1
                key += f" #{seen[key]}" if seen[key] > 1 else ""
                stem = file.rpartition("/")[2].removesuffix(".py")
                yield Mutant(file, node.lineno, outer.name, kind, f"{stem}.{key}", ast.fix_missing_locations(changed))


def _keep_names(function: ast.AST, lost: ast.expr) -> None:
    """Name what ``lost`` names in the function around it, where it is never run: a variable of a closure stays one."""
    own = {part.arg for part in ast.walk(lost) if isinstance(part, ast.arg)}
    named = [part for part in ast.walk(lost) if isinstance(part, ast.Name)]
    own |= {part.id for part in named if not isinstance(part.ctx, ast.Load)}
    around = [f for f in ast.walk(function) if isinstance(f, ast.FunctionDef) and any(p is lost for p in ast.walk(f))]
    names = sorted({part.id for part in named} - own)
    never: list[ast.stmt] = [ast.Expr(ast.Name(name, ast.Load())) for name in names]
    if never:
        around[-1].body.append(ast.If(ast.Constant(False), never, []))  # walked outermost first


class _Swap(ast.NodeTransformer):
    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self.old:
            return ast.copy_location(copy.deepcopy(self.new), node)
        return self.generic_visit(node)


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions that are computed, outermost first: no annotations, defaults, decorators or docstrings."""
    if isinstance(node, ast.expr):
        yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "args", "decorator_list") and not isinstance(node, ast.Call):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield from _expressions(part)


def _changes(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.BinOp(left, operator, right):
            for kind, table in (("sign", SIGNS), ("factor", FACTORS)):
                if type(operator) in table:
                    yield kind, ast.BinOp(left, table[type(operator)](), right)
            if isinstance(operator, (ast.Div, ast.Pow, ast.MatMult)):
                yield "operand", ast.BinOp(right, operator, left)
            if isinstance(operator, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
                yield "dropped term", left
                yield "dropped term", right
        case ast.UnaryOp(ast.USub(), operand) if not isinstance(operand, ast.Constant):
            yield "sign", operand
        case ast.Compare(left, [operator], [right]) if type(operator) in COMPARISONS:
            yield "comparison", ast.Compare(left, [COMPARISONS[type(operator)]()], [right])
        case ast.Call(ast.Attribute(_, "where"), [condition, yes, no], []):
            yield "operand", ast.Call(node.func, [condition, no, yes], [])
        case ast.Call(function, arguments, keywords):
            for k, keyword in enumerate(keywords):
                if keyword.arg == "axis" and (value := _integer(keyword.value)) is not None:
                    other = ast.keyword("axis", ast.Constant(0 if value != 0 else -1))
                    yield "axis", ast.Call(function, arguments, [*keywords[:k], other, *keywords[k + 1 :]])
        case ast.Subscript(base, index) if (value := _integer(index)) is not None:
            yield "index", ast.Subscript(base, ast.Constant(0 if value != 0 else 1), ast.Load())
        case ast.Constant(float() as value):
            yield "factor", ast.Constant(2 * value if value else 1.0)


def _integer(node: ast.expr) -> int | None:
    """The integer that is written there, with its sign."""
    match node:
        case ast.Constant(int() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(int() as value)):
            return -value
    return None
