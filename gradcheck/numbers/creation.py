"""What is replaced while a text is traced, and put back afterwards.

NumPy's creators make arrays of plain floats, which cannot hold traced numbers: meanwhile they make traced constants where they would
make floats.  Python's ``math`` and SciPy's Python functions dispatch nothing and get stand-ins.  Replaced are the attributes of the
libraries' modules and the names in the text's own globals and closures, and those of functions it can reach; all under one lock, for the
thread of the trace alone, and restored also when the text raises.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import numpy as np
import scipy.linalg
from scipy import special as scipy_special

from gradcheck.numbers import linalg, special
from gradcheck.numbers.array import STATE, UFUNCS, Traced, cast, constants, depends, lift, promoted, traced_within, wrap
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.structure import implements, stacked

LIBRARIES = ("numpy", "scipy", "mpmath", "flint", "gradcheck", "math", "builtins")
"""Packages whose functions are not the text's own; gradcheck's catalogue and tests are texts."""

TEXTS = ("gradcheck.catalogue",)


def _while_tracing(original: Any, replacement: Callable[..., Any]) -> Any:
    """Calls the replacement from the text alone: not from our own code, another thread or after the trace."""

    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not STATE.outside():
            return original(*args, **kwargs)
        with STATE.inside():
            return replacement(*args, **kwargs)

    return call


def _is_float(dtype: Any) -> bool:
    return np.dtype(dtype).kind == "f" or np.dtype(dtype).name == "bfloat16"


def _converter(original: Any, *, fresh: bool) -> Callable[..., Any]:
    """``array`` and its kin; ``fresh``: always a copy."""

    def convert(obj: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        if traced_within(obj):
            if dtype is not None and np.dtype(dtype).kind == "O":
                raise Untraceable(f"numpy.{original.__name__}", "an array of objects")
            array = (
                obj
                if isinstance(obj, Traced) and not (fresh and kwargs.get("copy", True))
                else wrap(lift(obj, f"numpy.{original.__name__}"))
            )
            array = array if dtype is None else cast(array, dtype, copy=False)
            missing = kwargs.get("ndmin", 0) - array.ndim
            return array.reshape((1,) * missing + array.shape) if missing > 0 else array
        result = original(obj, *(() if dtype is None else (dtype,)), *args, **kwargs)
        return result if result is obj or (isinstance(obj, np.ndarray) and not fresh) else promoted(result)

    return convert


def _maker(original: Any) -> Callable[..., Any]:
    """``zeros`` and its kin."""

    def make(*args: Any, **kwargs: Any) -> Any:
        if traced_within(args) or traced_within(list(kwargs.values())):
            return _full(*args, **kwargs)
        return promoted(original(*args, **kwargs))

    return make


def _full(shape: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    if traced_within(shape) or (dtype is not None and not _is_float(dtype)):
        raise Untraceable("a creator of arrays", "its shape or its bounds depend on the inputs")
    return wrap(np.broadcast_to(lift(fill_value, "numpy.full"), shape))


def _fromiter(iterable: Any, dtype: Any, *args: Any, **kwargs: Any) -> Any:
    entries = list(iterable)
    return (
        stacked(entries, "numpy.fromiter") if traced_within(entries) else np.fromiter(entries, dtype, *args, **kwargs)
    )


def _frombuffer(buffer: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(buffer, Traced):
        raise Untraceable("numpy.frombuffer", "the bits of a number are no real function of it")
    return np.frombuffer(buffer, *args, **kwargs)


def _as_strided(x: Any, shape: Any = None, strides: Any = None, **kwargs: Any) -> Any:
    if not isinstance(x, Traced):
        return np.lib.stride_tricks.as_strided(x, shape, strides, **kwargs)
    offsets = lift(x, "numpy.lib.stride_tricks.as_strided")
    # places take half the room of an entry of the traced array, whose strides the text counts in
    near = np.ascontiguousarray(offsets)
    if near.strides != tuple(s // 2 for s in x.strides):
        raise Untraceable("numpy.lib.stride_tricks.as_strided", "of an array that is not contiguous")
    steps = near.strides if strides is None else tuple(s // 2 for s in strides)
    return wrap(np.lib.stride_tricks.as_strided(near, near.shape if shape is None else shape, steps).copy())


@implements(np.linspace)
def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, **_: Any) -> Any:
    a, b = wrap(lift(start, "numpy.linspace")), wrap(lift(stop, "numpy.linspace"))
    step = (b - a) / max(num - 1 if endpoint else num, 1)
    row = a + step * np.arange(num).reshape((num,) + (1,) * step.ndim)
    return (row, step) if retstep else row


def _vectorized(self: Any, *args: Any, **kwargs: Any) -> Any:
    if kwargs or self.signature is not None or self.excluded:
        raise Untraceable("numpy.vectorize", "with keywords, a signature or excluded arguments")
    arrays = [wrap(lift(a, "numpy.vectorize")) for a in args]
    spread = np.broadcast_arrays(*(a for a in arrays))
    with_text = [self.pyfunc(*(s[index] for s in spread)) for index in np.ndindex(spread[0].shape)]
    return stacked(with_text, "numpy.vectorize").reshape(spread[0].shape)


_VECTORIZE = np.vectorize.__call__


def _vectorize_call(self: Any, *args: Any, **kwargs: Any) -> Any:
    if STATE.outside() and depends(args):
        return _vectorized(self, *args, **kwargs)
    return _VECTORIZE(self, *args, **kwargs)


class _ScalarType(type):
    """``np.float64`` while a text is traced: the same type in every respect, but a call keeps traced numbers."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and traced_within(args[0]):
            with STATE.inside():
                return cast(wrap(lift(args[0], cls.__name__)), cls.__mro__[1], copy=True)
        return cls.__mro__[1](*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, subclass: Any) -> bool:
        return issubclass(subclass, cls.__mro__[1])

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.__mro__[1]

    def __hash__(cls) -> int:
        return hash(cls.__mro__[1])


def _scalar_type(original: Any) -> Any:
    return _ScalarType(original.__name__, (original,), {})


MATH = {
    **{
        name: name
        for name in ("exp", "expm1", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")
    },
    **{
        "asin": "arcsin",
        "acos": "arccos",
        "atan": "arctan",
        "atan2": "arctan2",
        "asinh": "arcsinh",
        "acosh": "arccosh",
    },
    **{"atanh": "arctanh", "fabs": "fabs", "pow": "power", "hypot": "hypot", "fmod": "fmod", "copysign": "copysign"},
    **{"erf": "erf", "erfc": "erfc", "gamma": "gamma", "lgamma": "gammaln", "isnan": "isnan", "isinf": "isinf"},
    **{"isfinite": "isfinite", "degrees": "degrees", "radians": "radians", "cbrt": "cbrt", "exp2": "exp2"},
}
"""Python's functions of one number, and the ufunc that is the same function."""


def _mathematical(original: Any, name: str) -> Callable[..., Any]:
    ufunc = getattr(np, name, None) or getattr(scipy_special, name)

    def call(*args: Any) -> Any:
        return ufunc(*args) if depends(args) else original(*args)

    return call


def _log(*args: Any) -> Any:
    if not depends(args):
        return math.log(*args)
    return np.log(args[0]) if len(args) == 1 else np.log(args[0]) / np.log(wrap(lift(args[1], "math.log")))


def _only_traced(original: Any, stand_in: Any) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        given = [*args, *kwargs.values()]
        return stand_in(*args, **kwargs) if depends(given) else promoted(original(*_plain(args), **_plain(kwargs)))

    return call


def _plain(x: Any) -> Any:
    from gradcheck.numbers.array import demoted

    return demoted(x)


def _replacements() -> dict[int, tuple[Any, Any]]:
    """By identity of the original: (original, replacement)."""
    pairs: list[tuple[Any, Any]] = []
    for name in (
        "array",
        "asarray",
        "asanyarray",
        "ascontiguousarray",
        "asfortranarray",
        "asarray_chkfinite",
        "require",
    ):
        original = getattr(np, name)
        pairs.append((original, _while_tracing(original, _converter(original, fresh=name == "array"))))
    for name in ("zeros", "ones", "empty", "full", "eye", "identity", "arange", "linspace", "tri"):
        original = getattr(np, name)
        pairs.append((original, _while_tracing(original, _maker(original))))
    pairs.append((np.fromiter, _while_tracing(np.fromiter, _fromiter)))
    pairs.append((np.frombuffer, _while_tracing(np.frombuffer, _frombuffer)))
    strided = np.lib.stride_tricks.as_strided
    pairs.append((strided, _while_tracing(strided, _as_strided)))
    for name, ufunc in MATH.items():
        if hasattr(math, name) and ufunc in UFUNCS:
            original = getattr(math, name)
            pairs.append((original, _while_tracing(original, _mathematical(original, ufunc))))
    pairs.append((math.log, _while_tracing(math.log, _log)))
    for original, stand_in in (*linalg.SCIPY.items(), *special.SCIPY.items()):
        pairs.append((original, _while_tracing(original, _only_traced(original, stand_in))))
    pairs += [(kind, _scalar_type(kind)) for kind in (np.float64, np.float32, np.float16)]
    return {id(original): (original, replacement) for original, replacement in pairs}


REPLACEMENTS = _replacements()
MODULES = (np, math, np.lib.stride_tricks, scipy.linalg, scipy_special)


def _namespaces(text: Any) -> Iterator[tuple[dict[str, Any], tuple[Any, ...]]]:
    """The globals and closures of all functions that the text can reach, libraries left out."""
    seen: set[int] = set()
    todo = [text]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or thing is None:
            continue
        seen.add(id(thing))
        if isinstance(thing, partial):
            todo += [thing.func, *thing.args, *thing.keywords.values()]
        elif isinstance(thing, types.MethodType):
            todo += [thing.__func__, thing.__self__]
        elif isinstance(thing, types.FunctionType):
            if _library(thing.__module__):
                continue
            cells = thing.__closure__ or ()
            todo += [c.cell_contents for c in cells if _filled(c)]
            todo += list(thing.__defaults__ or ())
            if getattr(thing, "__wrapped__", None) is not None:
                todo.append(thing.__wrapped__)
            if id(thing.__globals__) not in seen:
                seen.add(id(thing.__globals__))
                todo += [
                    v
                    for v in thing.__globals__.values()
                    if isinstance(v, types.FunctionType | type | types.ModuleType | partial)
                ]
                yield thing.__globals__, cells
            else:
                yield {}, cells
        elif isinstance(thing, types.ModuleType):
            if (
                not _library(thing.__name__)
                and hasattr(thing, "__file__")
                and "lib/python" not in (thing.__file__ or "")
            ):
                todo += [v for v in vars(thing).values() if isinstance(v, types.FunctionType)]
        elif isinstance(thing, type):
            if not _library(thing.__module__):
                todo += [v for k in thing.__mro__ if not _library(k.__module__) for v in vars(k).values()]
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


def _library(module: str | None) -> bool:
    if module is None or module.startswith(TEXTS):
        return False
    return module.partition(".")[0] in LIBRARIES


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


@contextmanager
def replaced(text: Any) -> Iterator[None]:
    """Within, the text meets the replacements; the caller holds the lock."""
    undo: list[Callable[[], None]] = []
    try:
        for module in MODULES:
            for name, value in list(vars(module).items()):
                if id(value) in REPLACEMENTS and REPLACEMENTS[id(value)][0] is value:
                    undo.append(partial(setattr, module, name, value))
                    setattr(module, name, REPLACEMENTS[id(value)][1])
        for namespace, cells in list(_namespaces(text)):
            for name, value in list(namespace.items()):
                if id(value) in REPLACEMENTS and REPLACEMENTS[id(value)][0] is value:
                    undo.append(partial(namespace.__setitem__, name, value))
                    namespace[name] = REPLACEMENTS[id(value)][1]
            for cell in cells:
                if _filled(cell) and id(cell.cell_contents) in REPLACEMENTS:
                    original = cell.cell_contents
                    undo.append(partial(setattr, cell, "cell_contents", original))
                    cell.cell_contents = REPLACEMENTS[id(original)][1]
        undo.append(partial(setattr, np.vectorize, "__call__", _VECTORIZE))
        np.vectorize.__call__ = _vectorize_call  # type: ignore[method-assign]  # put back below
        yield
    finally:
        for restore in reversed(undo):
            restore()


__all__ = ["REPLACEMENTS", "constants", "replaced"]
