"""Puts the stand-ins where the text looks for them, and takes them away again.

NumPy's own namespace stays as it is: compiled code finds its creators there and writes into their memory.  Replaced are names in the
text's globals and closures, and in those of functions that it reaches: a function by its stand-in, a module by a proxy that has
stand-ins for attributes.  Imports inside the text's functions find the proxies too.  All under one lock, for the thread of the trace alone,
and undone also when the text raises.
"""

from __future__ import annotations

import builtins
import functools
import math
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy
import scipy.linalg
import scipy.special

from gradcheck.numbers.array import STATE
from gradcheck.numbers.creation import REPLACEMENTS, VECTORIZE, vectorize_call

LIBRARIES = frozenset(sys.stdlib_module_names) - {"__main__"} | {"numpy", "scipy", "mpmath", "flint", "gradcheck"}
"""Packages whose functions are not the text's own, as are all installed ones but the text's; gradcheck's catalogue consists of texts."""

TEXTS = ("gradcheck.catalogue",)

INSTALLED = ("site-packages", "dist-packages")

REACH = 20_000
"""Objects that are looked through for functions that the text may call."""

PROXIED = (np, np.lib, np.lib.stride_tricks, np.linalg, math, scipy, scipy.linalg, scipy.special)
"""Modules in whose stead the text finds a proxy."""


class _Proxy(types.ModuleType):
    """A module with stand-ins for some attributes."""

    def __init__(self, original: types.ModuleType) -> None:
        super().__init__(original.__name__, original.__doc__)
        self.__dict__["_original"] = original

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.__dict__["_original"], name)
        return stand_in(value)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_original"])


PROXIES = {id(module): _Proxy(module) for module in PROXIED}


def stand_in(value: Any) -> Any:
    """What the text is to find in the place of ``value``: mostly itself."""
    if isinstance(value, types.ModuleType):
        return PROXIES.get(id(value), value)
    pair = REPLACEMENTS.get(id(value))
    return pair[1] if pair is not None and pair[0] is value else value


def _namespaces(text: Any) -> Iterator[tuple[dict[str, Any], tuple[Any, ...]]]:
    """The globals and closures of all functions that the text can reach, libraries left out."""
    seen: set[int] = set()
    todo = [text]
    own = package(getattr(text, "__module__", None) or type(text).__module__)
    while todo and len(seen) < REACH:
        thing = todo.pop()
        if id(thing) in seen or thing is None:
            continue
        seen.add(id(thing))
        if isinstance(thing, functools.partial):
            todo += [thing.func, *thing.args, *thing.keywords.values()]
        elif isinstance(thing, types.MethodType):
            todo += [thing.__func__, thing.__self__]
        elif isinstance(thing, types.FunctionType):
            if library(thing.__module__, own):
                continue
            cells = thing.__closure__ or ()
            todo += [c.cell_contents for c in cells if _filled(c)]
            todo += list(thing.__defaults__ or ())
            todo.append(getattr(thing, "__wrapped__", None))
            if id(thing.__globals__) not in seen:
                seen.add(id(thing.__globals__))
                todo += [
                    v
                    for v in thing.__globals__.values()
                    if isinstance(v, types.FunctionType | type | types.ModuleType | functools.partial)
                ]
                yield thing.__globals__, cells
            else:
                yield {}, cells
        elif isinstance(thing, types.ModuleType):
            if not library(thing.__name__, own):
                todo += [v for v in vars(thing).values() if isinstance(v, types.FunctionType)]
        elif isinstance(thing, type):
            if not library(thing.__module__, own):
                todo += [v for k in thing.__mro__ if not library(k.__module__, own) for v in vars(k).values()]
        elif isinstance(thing, functools._lru_cache_wrapper):
            todo.append(thing.__wrapped__)
        elif isinstance(thing, staticmethod | classmethod):
            todo.append(thing.__func__)
        elif isinstance(thing, property):
            todo += [thing.fget, thing.fset]
        elif hasattr(thing, "__dict__") and not isinstance(thing, np.ndarray):
            todo += [type(thing), *vars(thing).values()]
        elif isinstance(thing, list | tuple):
            todo += list(thing)
        elif isinstance(thing, dict):
            todo += list(thing.values())


def package(module: str | None) -> str:
    """The outermost package of a module's name."""
    return (module or "").partition(".")[0]


def library(module: str | None, own: str) -> bool:
    """Whether a module is somebody else's: of a known library, or installed and not of the text's own package."""
    if module is None or module.startswith(TEXTS):
        return False
    outermost = package(module)
    if outermost in LIBRARIES:
        return True
    file = getattr(sys.modules.get(outermost), "__file__", None) or ""
    return outermost != own and any(part in file for part in INSTALLED)


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _importer(namespaces: set[int], original: Callable[..., Any]) -> Callable[..., Any]:
    def load(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        module = original(name, globals, locals, fromlist, level)
        return stand_in(module) if id(globals) in namespaces and STATE.outside() else module

    return load


@contextmanager
def replaced(text: Any) -> Iterator[None]:
    """Within, the text meets the stand-ins; the caller holds the lock."""
    undo: list[Callable[[], None]] = []
    spaces = list(_namespaces(text))
    try:
        for namespace, cells in spaces:
            for name, value in list(namespace.items()):
                new = stand_in(value)
                if new is not value:
                    undo.append(functools.partial(namespace.__setitem__, name, value))
                    namespace[name] = new
            for cell in cells:
                if _filled(cell) and stand_in(cell.cell_contents) is not cell.cell_contents:
                    undo.append(functools.partial(setattr, cell, "cell_contents", cell.cell_contents))
                    cell.cell_contents = stand_in(cell.cell_contents)
        undo.append(functools.partial(setattr, builtins, "__import__", builtins.__import__))
        builtins.__import__ = _importer({id(namespace) for namespace, _ in spaces}, builtins.__import__)
        undo.append(functools.partial(setattr, np.vectorize, "__call__", VECTORIZE))
        np.vectorize.__call__ = vectorize_call  # type: ignore[method-assign]  # put back below
        yield
    finally:
        for restore in reversed(undo):
            restore()
