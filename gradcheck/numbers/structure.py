"""Functions that move numbers about and compute nothing: they are run on the places instead.

``tril``, ``diag`` or ``pad`` fill with zeros, and place 0 is the number zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gradcheck.numbers.array import (
    FUNCTIONS,
    VIEWS,
    Traced,
    cast,
    constants,
    demoted,
    depends,
    lift,
    tape,
    traced_within,
    wrap,
    write,
)
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.field import Array

VIEWS |= {
    *(np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.squeeze, np.expand_dims),
    *(np.atleast_1d, np.atleast_2d, np.atleast_3d, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit),
    *(np.diagonal, np.flip, np.fliplr, np.flipud, np.rot90, np.shape, np.ndim, np.size, np.shares_memory),
    *(np.may_share_memory, np.linalg.diagonal, np.linalg.matrix_transpose),
    # written in terms of other functions, for arrays of any class
    *(np.diff, np.trapezoid, np.gradient, np.polyval, np.ediff1d),
}
for _name in ("unstack", "matrix_transpose", "permute_dims"):
    if hasattr(np, _name):
        VIEWS.add(getattr(np, _name))


def implements(*functions: Any, shapes: bool = False, takes_out: bool = False) -> Callable[[Any], Any]:
    """Registers a stand-in.  ``shapes``: also for constants, as the result must become able to hold traced numbers."""

    def keep(handler: Any) -> Any:
        handler.shapes = shapes
        handler.takes_out = takes_out
        for function in functions:
            FUNCTIONS[function] = handler
        return handler

    return keep


def whole(x: Any) -> Any:
    """An index, an axis, a mask: plain, though it came as traced constants."""
    return demoted(x) if traced_within(x) and not depends(x) else x


def _on_places(function: Any, data: tuple[int | str, ...]) -> None:
    """Runs ``function`` on the places of the arguments at the given positions (or of these names)."""

    def handler(*args: Any, **kwargs: Any) -> Any:
        call = f"numpy.{function.__name__}"
        kwargs = {k: v for k, v in kwargs.items() if k not in ("out", "dtype", "casting")}
        new = [_lifted(a, call) if i in data else whole(a) for i, a in enumerate(args)]
        named = {k: _lifted(v, call) if k in data else whole(v) for k, v in kwargs.items()}
        return _wrapped(function(*new, **named))

    implements(function)(handler)


def _lifted(x: Any, call: str) -> Any:
    if isinstance(x, list | tuple):
        return [_lifted(v, call) if isinstance(v, list | tuple) else lift(v, call) for v in x]
    return lift(x, call)


def _wrapped(result: Any) -> Any:
    if isinstance(result, np.ndarray | np.integer):
        return wrap(np.asarray(result, np.int64))
    return type(result)(_wrapped(r) for r in result)


for _function, _data in (
    (np.concatenate, (0, "arrays")),
    (np.stack, (0, "arrays")),
    (np.vstack, (0, "tup")),
    (np.hstack, (0, "tup")),
    (np.dstack, (0, "tup")),
    (np.column_stack, (0, "tup")),
    (np.block, (0, "arrays")),
    (np.append, (0, 1, "arr", "values")),
    (np.insert, (0, 2, "arr", "values")),
    (np.delete, (0, "arr")),
    (np.tile, (0, "A")),
    (np.repeat, (0, "a")),
    (np.roll, (0, "a")),
    (np.resize, (0, "a")),
    (np.tril, (0, "m")),
    (np.triu, (0, "m")),
    (np.diag, (0, "v")),
    (np.diagflat, (0, "v")),
    (np.take, (0, "a")),
    (np.take_along_axis, (0, "arr")),
    (np.compress, (1, "a")),
    (np.extract, (1, "arr")),
    (np.choose, (1, "choices")),
    (np.broadcast_to, (0, "array")),
    (np.meshgrid, tuple(range(32))),
    (np.broadcast_arrays, tuple(range(32))),
    (np.lib.stride_tricks.sliding_window_view, (0, "x")),
):
    _on_places(_function, _data)


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Traced:
    if (
        mode not in ("constant", "edge", "reflect", "symmetric", "wrap", "empty")
        or kwargs.get("reflect_type", "even") != "even"
    ):
        raise Untraceable("numpy.pad", f"mode={mode!r} computes with the numbers")
    if "constant_values" in kwargs:
        kwargs["constant_values"] = lift(kwargs["constant_values"], "numpy.pad")
    return wrap(np.pad(lift(array, "numpy.pad"), pad_width, "constant" if mode == "empty" else mode, **kwargs))


@implements(np.where)
def _where(condition: Any, *choices: Any) -> Any:
    mask = condition != 0 if isinstance(condition, Traced) else np.asarray(condition)
    if not choices:
        return np.nonzero(mask)
    return wrap(np.where(mask, *(lift(c, "numpy.where") for c in choices)))


@implements(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Traced:
    masks = [c != 0 if isinstance(c, Traced) else np.asarray(c) for c in condlist]
    return wrap(np.select(masks, [lift(c, "numpy.select") for c in choicelist], lift(default, "numpy.select")))


@implements(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Traced:
    masks = [np.broadcast_to(np.asarray(c, bool), x.shape) for c in condlist]
    if len(funclist) == len(masks) + 1:
        masks.append(~np.logical_or.reduce(masks))
    out = constants(np.zeros(x.shape))
    for mask, function in zip(masks, funclist, strict=True):
        if mask.any():
            out[mask] = function(x[mask], *args, **kw) if callable(function) else function
    return out


def _in_place(function: Any, values: int | str, position: int) -> None:
    """A function that writes into its first argument numbers found at ``position``."""

    @implements(function)
    def handler(target: Any, *args: Any, **kwargs: Any) -> None:
        call = f"numpy.{function.__name__}"
        kwargs.pop("casting", None)
        if not isinstance(target, Traced):
            if not depends(args) and not depends(kwargs):
                function(target, *demoted(args), **demoted(kwargs))
                return
            raise Untraceable(call, "a plain array, made before the trace, is to hold the result")
        ids = lift(target, call).copy()
        new = [lift(a, call) if i + 1 == position else whole(a) for i, a in enumerate(args)]
        named = {k: lift(v, call) if k == values else whole(v) for k, v in kwargs.items()}
        function(ids, *new, **named)
        write(target, ..., wrap(ids), call)


_in_place(np.copyto, "src", 1)
_in_place(np.put, "v", 2)
_in_place(np.place, "vals", 2)
_in_place(np.putmask, "values", 2)
_in_place(np.put_along_axis, "values", 2)
_in_place(np.fill_diagonal, "val", 1)


def _is_float(dtype: Any) -> bool:
    return dtype is None or np.dtype(dtype).kind == "f" or np.dtype(dtype).name == "bfloat16"


@implements(np.zeros_like, np.empty_like, shapes=True)
def _zeros_like(a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, **_: Any) -> Any:
    shape = np.shape(a) if shape is None else shape
    return constants(np.zeros(shape)) if _is_float(dtype) else np.zeros(shape, dtype)


@implements(np.ones_like, shapes=True)
def _ones_like(a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, **_: Any) -> Any:
    shape = np.shape(a) if shape is None else shape
    return constants(np.ones(shape)) if _is_float(dtype) else np.ones(shape, dtype)


@implements(np.full_like)
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, **_: Any
) -> Any:
    shape = np.shape(a) if shape is None else shape
    if not _is_float(dtype):
        return np.full(shape, demoted(fill_value), dtype)
    return wrap(np.broadcast_to(lift(fill_value, "numpy.full_like"), shape))


FUNCTIONS[np.full_like].shapes = True  # type: ignore[attr-defined]  # set by implements


@implements(np.copy, shapes=True)
def _copy(a: Any, *_: Any, **__: Any) -> Traced:
    return wrap(lift(a, "numpy.copy"))


@implements(np.real, np.real_if_close, shapes=True)
def _real(a: Any, *_: Any) -> Any:
    return a


@implements(np.imag, shapes=True)
def _imag(a: Any) -> Any:
    return constants(np.zeros(np.shape(a)))


@implements(np.iscomplexobj)
def _iscomplexobj(x: Any) -> bool:
    return False


@implements(np.isrealobj)
def _isrealobj(x: Any) -> bool:
    return True


@implements(np.isreal)
def _isreal(x: Any) -> Array:
    return np.ones(np.shape(x), bool)


@implements(np.iscomplex)
def _iscomplex(x: Any) -> Array:
    return np.zeros(np.shape(x), bool)


@implements(np.result_type, np.common_type, shapes=True)
def _result_type(*given: Any) -> Any:
    return np.result_type(*(np.float64 if isinstance(g, Traced) else g for g in given))


@implements(np.min_scalar_type, shapes=True)
def _min_scalar_type(a: Any) -> Any:
    return np.dtype(np.float64)


@implements(np.can_cast, shapes=True)
def _can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    return bool(np.can_cast(np.float64 if isinstance(from_, Traced) else from_, to, casting))


@implements(np.array_repr, np.array_str, np.array2string, shapes=True)
def _shown(a: Any, *args: Any, **kwargs: Any) -> str:
    return str(tape("str()").show(lift(a, "str()")))


if hasattr(np, "astype"):

    @implements(np.astype, shapes=True)
    def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
        return cast(x, dtype, copy=copy)


def stacked(parts: Iterable[Any], call: str, axis: int = 0) -> Traced:
    """Arrays of one shape as one array."""
    return wrap(np.stack([lift(p, call) for p in parts], axis=axis))


@implements(np.apply_along_axis)
def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    moved = np.moveaxis(arr, axis, -1)
    results = [func1d(moved[index], *args, **kwargs) for index in np.ndindex(moved.shape[:-1])]
    first = np.ndim(results[0])
    row = stacked(results, "numpy.apply_along_axis").reshape(moved.shape[:-1] + np.shape(results[0]))
    ahead = moved.ndim - 1
    return (
        row
        if first == 0
        else np.moveaxis(row, range(ahead, ahead + first), range(axis % arr.ndim, axis % arr.ndim + first))
    )
