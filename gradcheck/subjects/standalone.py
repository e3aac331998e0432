"""The source of an adapter's functions, with all that they reach in this package, so that it runs where the package is not.

A finding against a framework is shown by the framework alone: what ran is read from the source, function by function, every free
name is bound to what it was bound to, and what belongs to the framework, to NumPy or to Python is imported.  So the text is
not a second version of the adapter that could say something else.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import inspect
import math
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

OWN = "gradcheck"
"""The package whose functions are written out and never imported."""

NAMESPACES = tuple(
    """torch torch.nn.functional torch.linalg torch.special torch.fft jax jax.numpy jax.nn jax.lax jax.numpy.linalg jax.numpy.fft
    jax.scipy.special jax.scipy.linalg autograd.numpy autograd.numpy.linalg autograd.scipy.special autograd.scipy.signal mygrad
    mygrad.linalg mygrad.nnet.activations numpy tinygrad.Tensor""".split()
)
"""Modules, and a class, in which a framework's functions have their public names: many do not know these themselves."""

GIVEN = frozenset(
    """params inputs cotangents cotangent outputs answer gradients reproduced base64 ml_dtypes definition slope is_float leaf x slopes
    forward vjp""".split()
)
"""Names that a snippet has already."""


class UnreadableError(Exception):
    """What cannot be written out: no source, or a value that no text gives again."""


def standalone(forward: Callable[..., Any], vjp: Callable[..., Any]) -> str:
    """Source that defines ``forward`` and ``vjp``, as they are here, without this package; empty where that is not possible.

    Empty, too, for functions that are not of this package: whoever has those imports them.
    """
    if _owner(getattr(inspect.unwrap(vjp), "__module__", "")) != OWN:
        return ""
    made = _Text()
    try:
        pair = [f"{name} = {made.expression(what, name)}" for name, what in (("forward", forward), ("vjp", vjp))]
    except (UnreadableError, OSError, SyntaxError):
        return ""
    return "\n".join([*made.imports, "", *made.blocks, *pair, ""])


class _Text:
    """What is written so far: imports, definitions in the order in which they need one another, and names by object."""

    def __init__(self) -> None:
        self.imports: dict[str, None] = {}
        self.blocks: list[str] = []
        self.names: dict[int, str] = {}
        self.taken = {*GIVEN, "np"}
        self.kept: list[Any] = []  # so that no id is used twice

    def expression(self, value: Any, hint: str) -> str:
        """An expression that gives ``value``; what it needs is written before."""
        if id(value) in self.names:
            return self.names[id(value)]
        self.kept.append(value)
        if _is_literal(value):
            return repr(value)
        if type(value) is float:
            return f"float({str(value)!r})"
        if getattr(builtins, hint, None) is value:
            return hint
        if isinstance(value, types.ModuleType):
            return self._module(value, hint)
        if public := _public(value):
            return self._imported(*public)
        if isinstance(value, functools.partial):
            partial = self.expression(functools.partial, "partial")
            given = [self.expression(v, f"argument_{k}") for k, v in enumerate(value.args)]
            given += [f"{k}={self.expression(v, k)}" for k, v in value.keywords.items()]
            return f"{partial}({', '.join([self.expression(value.func, hint), *given])})"
        if isinstance(value, types.SimpleNamespace):
            given = [f"{k}={self.expression(v, k)}" for k, v in vars(value).items()]
            return f"{self.expression(types.SimpleNamespace, 'SimpleNamespace')}({', '.join(given)})"
        function = inspect.unwrap(value) if callable(value) else value
        if isinstance(function, types.FunctionType) and _owner(function.__module__) == OWN:
            return self._written(value, function)
        raise UnreadableError(f"{hint}: {type(value).__name__} has no text")

    def _fresh(self, hint: str) -> str:
        stem = hint if hint.isidentifier() else "function"
        name, number = stem, 1
        while name in self.taken or hasattr(builtins, name):
            number += 1
            name = f"{stem}_{number}"
        self.taken.add(name)
        return name

    def _module(self, value: types.ModuleType, hint: str) -> str:
        if _owner(value.__name__) == OWN:
            raise UnreadableError(f"{value.__name__} is not there without this package")
        if value.__name__ == "numpy":
            return "np"  # every snippet has it
        if value.__name__ == hint:
            return self._imported(hint, "")
        name = self.names[id(value)] = self._fresh(hint)
        self.imports[f"import {value.__name__} as {name}"] = None
        return name

    def _imported(self, module: str, name: str) -> str:
        if module == "numpy":
            return f"np.{name}"
        self.taken.add(_owner(module))
        self.imports[f"import {module if module in sys.modules else module.rpartition('.')[0]}"] = None
        return f"{module}.{name}" if name else module

    def _written(self, value: Any, function: types.FunctionType) -> str:
        """The name of a function of this package, whose text is added."""
        node = _node(function)
        name = self.names[id(value)] = self._fresh(function.__name__)
        bound = _bound(node)
        named: dict[str, str] = {}
        for free, given in _free(function, node, bound):
            named[free] = self.expression(given, free)
        body: list[ast.stmt] = node.body if isinstance(node, ast.FunctionDef) else [ast.Return(node.body)]
        made = ast.FunctionDef(name=name, args=node.args, body=body, decorator_list=[], lineno=1, col_offset=0)
        made.decorator_list = node.decorator_list if isinstance(node, ast.FunctionDef) else []
        self.blocks += [ast.unparse(ast.fix_missing_locations(_Renamed(named).visit(made))), ""]
        return name


class _Renamed(ast.NodeTransformer):
    """Other expressions for free names, and no annotations, which would want imports of their own."""

    def __init__(self, named: dict[str, str]) -> None:
        self.named = named

    def visit_Name(self, node: ast.Name) -> ast.AST:
        text = self.named.get(node.id)
        return node if text is None else ast.parse(text, mode="eval").body

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(arg=node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        return None if node.value is None else ast.Assign(targets=[node.target], value=node.value)


Node = ast.FunctionDef | ast.Lambda


def _node(function: types.FunctionType) -> Node:
    """The text of a function; of several lambdas on a line, the one in which its instructions stand."""
    code = function.__code__
    found: list[Node] = []
    for node in _functions(code.co_filename):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if node.name == code.co_name and first == code.co_firstlineno:
                found.append(node)
        elif code.co_name == "<lambda>" and node.lineno == code.co_firstlineno and _inside(code, node.body):
            found.append(node)
    if len(found) != 1:
        raise UnreadableError(f"{function.__qualname__}: its text is not found")
    return copy.deepcopy(found[0])


@functools.lru_cache(maxsize=32)
def _functions(file: str) -> tuple[Node, ...]:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return tuple(node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda)))


def _inside(code: types.CodeType, body: ast.expr) -> bool:
    """Whether the instructions of a lambda stand in this text; the first ones, which enter it, have no width."""
    start, end = (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
    places = [((a, c), (b, d)) for a, b, c, d in code.co_positions() if None not in (a, b, c, d) and (a, c) != (b, d)]
    return bool(places) and all(start <= first and last <= end for first, last in places)


def _bound(node: Node) -> set[str]:
    """Names that the function itself, or one inside it, gives a meaning."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.arg):
            found.add(inner.arg)
        elif isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            found.add(inner.id)
        elif isinstance(inner, (ast.Import, ast.ImportFrom)):
            if _owner(getattr(inner, "module", None) or inner.names[0].name) == OWN:
                raise UnreadableError("it imports a part of this package")
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in inner.names}
        elif isinstance(inner, ast.FunctionDef) and inner is not node:
            found.add(inner.name)
    return found


def _free(function: types.FunctionType, node: Node, bound: set[str]) -> Iterator[tuple[str, Any]]:
    """The other names, and what they mean to the function."""
    closed = inspect.getclosurevars(function).nonlocals
    if bound & set(closed):
        raise UnreadableError(f"{function.__qualname__}: one name with two meanings")
    without = _Renamed({}).visit(copy.deepcopy(node))  # annotations are no use of a name
    names = {n.id for n in ast.walk(without) if isinstance(n, ast.Name)}
    for name in sorted(names - bound):
        if name in closed:
            yield name, closed[name]
        elif name in function.__globals__:
            yield name, function.__globals__[name]
        elif not hasattr(builtins, name):
            raise UnreadableError(f"{function.__qualname__}: {name} has no value yet")


def _is_literal(value: Any) -> bool:
    if isinstance(value, (tuple, frozenset)):
        return all(map(_is_literal, value))
    if type(value) is dict:
        return all(map(_is_literal, (*value, *value.values())))
    return value is None or type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value))


def _public(value: Any) -> tuple[str, str] | None:
    """A module and a name in it by which everybody gets this value."""
    own = str(getattr(value, "__name__", ""))
    for module in NAMESPACES:
        place = _at(module)
        if getattr(place, own, None) is value and not own.startswith("_"):
            return module, own
        for name, each in vars(place).items() if isinstance(place, types.ModuleType) else ():
            if each is value and not name.startswith("_"):
                return module, name
    module, name = str(getattr(value, "__module__", "")), str(getattr(value, "__qualname__", ""))
    found = value is not None and _owner(module) != OWN and _at(f"{module}.{name}") is value
    return (module, name) if found else None


def _at(path: str) -> Any:
    """What has this name of those modules that are loaded already; None if nothing has."""
    module, names = path, list[str]()
    while module not in sys.modules:
        module, dot, name = module.rpartition(".")
        names.insert(0, name)
        if not dot:
            return None
    found: Any = sys.modules[module]
    for name in names:
        found = getattr(found, name, None)
    return found


def _owner(module: str | None) -> str:
    return (module or "").partition(".")[0]
