"""What stands in, while a text is traced, for functions that NumPy does not hand over.

NumPy's creators make arrays of plain floats, which cannot hold traced numbers: meanwhile they make traced constants where they would
make floats.  Python's ``math`` and SciPy's Python functions dispatch nothing and get stand-ins.  ``patching`` puts them where the text
looks for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from scipy import special as scipy_special

from gradcheck.numbers import linalg, special
from gradcheck.numbers.array import (
    FUNCTIONS,
    STATE,
    UFUNCS,
    VIEWS,
    Traced,
    cast,
    demoted,
    depends,
    lift,
    promoted,
    traced_within,
    wrap,
)
from gradcheck.numbers.dispatch import function_call
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.structure import implements, stacked


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
    return bool(np.dtype(dtype).kind == "f") or np.dtype(dtype).name == "bfloat16"


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
            return (np.linspace if original is np.linspace else _full)(*args, **kwargs)
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


def _ndenumerate(arr: Any) -> Any:
    if not traced_within(arr):
        return np.ndenumerate(arr)
    array = wrap(lift(arr, "numpy.ndenumerate"))
    return iter([(index, array[index]) for index in np.ndindex(array.shape)])


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


VECTORIZE = np.vectorize.__call__


def vectorize_call(self: Any, *args: Any, **kwargs: Any) -> Any:
    """The method of ``np.vectorize`` objects, which the text may have made long before."""
    if STATE.outside() and depends(args):
        return _vectorized(self, *args, **kwargs)
    return VECTORIZE(self, *args, **kwargs)


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
        return stand_in(*args, **kwargs) if depends(given) else promoted(original(*demoted(args), **demoted(kwargs)))

    return call


def _listed(original: Any) -> Callable[..., Any]:
    """NumPy does not look into lists for traced numbers; this does."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, list | tuple) and traced_within(a) for a in args):
            return function_call(original, args, kwargs)
        STATE.depth -= 1  # the text goes on, by way of NumPy
        try:
            return original(*args, **kwargs)
        finally:
            STATE.depth += 1

    return call


def _is_scalar(element: Any) -> bool:
    return (isinstance(element, Traced) and element.ndim == 0) or bool(np.isscalar(element))


class _Joined:
    """``np.r_`` and ``np.c_``."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not (STATE.outside() and traced_within(parts)):
            return self.original[key]
        with STATE.inside():
            if any(isinstance(part, str) for part in parts):
                raise Untraceable("numpy.r_", "with a string of directives")
            call = "numpy.r_"
            ids = tuple(lift(np.r_[p] if isinstance(p, slice) else p, call) for p in parts)
            return wrap(self.original[ids])


def _replacements() -> dict[int, tuple[Any, Any]]:
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
    strided = np.lib.stride_tricks.as_strided
    for original, stand_in in (
        (np.fromiter, _fromiter),
        (np.frombuffer, _frombuffer),
        (np.ndenumerate, _ndenumerate),
        (strided, _as_strided),
        (np.isscalar, _is_scalar),
        (math.log, _log),
    ):
        pairs.append((original, _while_tracing(original, stand_in)))
    pairs += [(original, _Joined(original)) for original in (np.r_, np.c_)]
    for name, ufunc in MATH.items():
        if hasattr(math, name) and ufunc in UFUNCS:
            original = getattr(math, name)
            pairs.append((original, _while_tracing(original, _mathematical(original, ufunc))))
    for original, stand_in in (*linalg.SCIPY.items(), *special.SCIPY.items()):
        pairs.append((original, _while_tracing(original, _only_traced(original, stand_in))))
    known = {id(original) for original, _ in pairs}
    for original in (*FUNCTIONS, *VIEWS):
        if id(original) not in known and not isinstance(original, np.ufunc):
            pairs.append((original, _while_tracing(original, _listed(original))))
    pairs += [(kind, _scalar_type(kind)) for kind in (np.float64, np.float32, np.float16)]
    return {id(original): (original, replacement) for original, replacement in pairs}


REPLACEMENTS = _replacements()
"""By identity of the original: (original, replacement)."""
