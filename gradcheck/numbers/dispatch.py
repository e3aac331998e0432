"""What NumPy hands over: ufuncs with their methods, and functions, looked up and called.

A ufunc's ``reduce``, ``accumulate``, ``outer``, ``at`` and ``reduceat`` are made of its calls, by their definition in NumPy's reference,
unless ``REDUCTIONS`` knows a shorter way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from gradcheck.numbers.array import (
    FUNCTIONS,
    UFUNCS,
    Traced,
    constants,
    demoted,
    depends,
    lift,
    places,
    promoted,
    wrap,
    write,
)
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.field import Ids

REDUCTIONS: dict[str, Callable[[Ids], Ids]] = {}
"""Ufuncs with a reduction of their own: from places (..., k), k > 0, to places (...)."""

IDENTITIES: dict[str, float] = {"add": 0.0, "multiply": 1.0, "logaddexp": -np.inf, "hypot": 0.0}
"""What the reduction of nothing is, and that ``initial`` is combined with."""

LOGICAL = ("logical_and", "logical_or", "logical_xor")


def ufunc_call(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``ufunc.method(*inputs, **kwargs)`` with a traced array among them."""
    call = _name(ufunc) + ("" if method == "__call__" else f".{method}")
    out = kwargs.pop("out", None)
    outs = out if isinstance(out, tuple) else (out,)
    if not depends(inputs) and not depends(kwargs.get("initial")) and method != "at":
        where = kwargs.get("where", True)
        if all(o is None for o in outs) or where is True:
            return _store(promoted(getattr(ufunc, method)(*demoted(inputs), **demoted(kwargs))), outs, call)
    if ufunc.signature is not None:
        handler = FUNCTIONS.get(ufunc)
        if handler is None or kwargs:
            raise Untraceable(
                call, "no function that is known here" if handler is None else f"with {', '.join(kwargs)}="
            )
        return _store(handler(*inputs), outs, call)
    wanted = kwargs.pop("dtype", None)
    if wanted is not None and np.dtype(wanted).kind != "f":
        raise Untraceable(call, f"dtype={wanted!r} is not a type of real numbers")
    for name in ("casting", "order", "subok", "signature"):
        kwargs.pop(name, None)
    if method == "__call__":
        return _plain_call(ufunc, call, inputs, kwargs.pop("where", True), outs)
    methods: dict[str, Callable[..., Any]] = {
        "reduce": _reduce,
        "accumulate": _accumulate,
        "outer": _outer,
        "at": _at,
        "reduceat": _reduceat,
    }
    return _store(methods[method](ufunc, call, *inputs, **kwargs), outs, call)


def _name(ufunc: np.ufunc) -> str:
    name = ufunc.__name__
    if getattr(np, name, None) is ufunc:
        return f"numpy.{name}"
    return f"scipy.special.{name}" if getattr(special, name, None) is ufunc else name


def _known(ufunc: np.ufunc, call: str) -> Callable[..., Any]:
    handler = UFUNCS.get(ufunc.__name__)
    if handler is None or "." not in _name(ufunc):
        raise Untraceable(call, "no operation on real numbers that is known here")
    return handler


def _store(result: Any, outs: tuple[Any, ...], call: str) -> Any:
    if all(o is None for o in outs):
        return result
    results = result if isinstance(result, tuple) else (result,)
    for value, o in zip(results, outs, strict=True):
        if o is not None:
            write(o, ..., value, call)
    return outs if isinstance(result, tuple) else outs[0]


def apply(ufunc: np.ufunc, *inputs: Any) -> Any:
    """One call of a ufunc on arrays of any kind."""
    if not depends(inputs):
        return promoted(ufunc(*demoted(inputs)))
    call = _name(ufunc)
    if "." not in call and ufunc.nout == 1 and all(set(kind) <= set("O->") for kind in ufunc.types):
        return _python_calls(ufunc, call, inputs)
    if ufunc.__name__ in LOGICAL or ufunc.__name__ == "logical_not":
        return ufunc(*(x != 0 if isinstance(x, Traced) else np.asarray(x, bool) for x in inputs))
    return _known(ufunc, call)(*(lift(x, call) for x in inputs))


def _python_calls(ufunc: np.ufunc, call: str, inputs: tuple[Any, ...]) -> Traced:
    """A ufunc made of a Python function, ``np.frompyfunc``: of one entry after another."""
    arrays = np.broadcast_arrays(*(lift(x, call) for x in inputs))
    out = np.zeros(arrays[0].shape, np.int64)
    for index in np.ndindex(out.shape):
        entries = [np.empty((), object) for _ in arrays]
        for entry, ids in zip(entries, arrays, strict=True):
            entry[()] = wrap(ids[index])
        out[index] = lift(ufunc(*entries), call)
    return wrap(out)


def _plain_call(ufunc: np.ufunc, call: str, inputs: tuple[Any, ...], where: Any, outs: tuple[Any, ...]) -> Any:
    if where is True:
        return _store(apply(ufunc, *inputs), outs, call)
    if len(outs) != 1:
        raise Untraceable(call, "where= with several results")
    arrays = [wrap(lift(x, call)) for x in inputs]
    shape = np.broadcast_shapes(np.shape(where), *(a.shape for a in arrays), *(o.shape for o in outs if o is not None))
    chosen = np.broadcast_to(np.asarray(where, bool), shape)
    part = apply(ufunc, *(np.broadcast_to(a, shape)[chosen] for a in arrays))
    target = outs[0]
    if target is None:
        target = constants(np.zeros(shape)) if isinstance(part, Traced) else np.zeros(shape, part.dtype)
    write(target, chosen, part, call)
    return target


def last(x: Any, axis: Any, call: str) -> tuple[Ids, tuple[int, ...], tuple[int, ...]]:
    """Places with the reduced axes as one, at the end; which these are; the shape that keeps them, as ones."""
    ids = lift(x, call)
    axes = tuple(range(ids.ndim)) if axis is None else (axis,) if isinstance(axis, int | np.integer) else tuple(axis)
    axes = tuple(sorted(int(a) % ids.ndim if -ids.ndim <= a < ids.ndim else _bad_axis(int(a), ids.ndim) for a in axes))
    rest = tuple(a for a in range(ids.ndim) if a not in axes)
    shape = tuple(ids.shape[a] for a in rest)
    length = int(np.prod([ids.shape[a] for a in axes], dtype=int))
    kept = tuple(1 if a in axes else ids.shape[a] for a in range(ids.ndim))
    return ids.transpose(*rest, *axes).reshape(*shape, length), axes, kept


def _bad_axis(axis: int, ndim: int) -> int:
    raise np.exceptions.AxisError(axis, ndim)


def reduce_places(ufunc: np.ufunc, call: str, ids: Ids) -> Any:
    """The reduction of places (..., k) over the last axis."""
    name = ufunc.__name__
    if ids.shape[-1] == 0:
        if name not in IDENTITIES:
            raise ValueError(f"zero-size array to reduction operation {name} which has no identity")
        return constants(np.full(ids.shape[:-1], IDENTITIES[name]))
    if name in REDUCTIONS:
        return wrap(REDUCTIONS[name](ids))
    total: Any = wrap(ids[..., 0])
    for k in range(1, ids.shape[-1]):
        total = apply(ufunc, total, wrap(ids[..., k]))
    return total


def _reduce(
    ufunc: np.ufunc, call: str, x: Any, axis: Any = 0, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    name = ufunc.__name__
    if name in LOGICAL:
        mask = x != 0 if isinstance(x, Traced) else np.asarray(x, bool)
        return ufunc.reduce(mask, axis=axis, keepdims=keepdims, where=where)
    if where is not True:
        neutral = IDENTITIES[name] if name in IDENTITIES and initial is None else initial
        if neutral is None or neutral is np._NoValue:
            raise Untraceable(call, "where= without initial=")
        x = np.where(where, x, neutral)
    ids, _, kept = last(x, axis, call)
    if ids.shape[-1] == 0 and initial is not None and initial is not np._NoValue:
        result = wrap(np.broadcast_to(lift(initial, call), ids.shape[:-1]))
        return result.reshape(kept) if keepdims else result
    result = reduce_places(ufunc, call, ids)
    if initial is not None and initial is not np._NoValue:
        result = apply(ufunc, result, initial)
    return result.reshape(kept) if keepdims else result


def _accumulate(ufunc: np.ufunc, call: str, x: Any, axis: int = 0) -> Any:
    ids = np.moveaxis(lift(x, call), axis, 0)
    rows = [wrap(ids[0])] if len(ids) else []
    for row in ids[1:]:
        rows.append(apply(ufunc, rows[-1], wrap(row)))
    if not rows:
        return wrap(np.moveaxis(ids, 0, axis))
    return wrap(np.moveaxis(np.stack([lift(r, call) for r in rows]), 0, axis))


def _outer(ufunc: np.ufunc, call: str, a: Any, b: Any, **_: Any) -> Any:
    left, right = lift(a, call), lift(b, call)
    return apply(ufunc, wrap(left.reshape(left.shape + (1,) * right.ndim)), wrap(right))


def _at(ufunc: np.ufunc, call: str, target: Any, index: Any, *values: Any) -> None:
    """In rounds: the k-th writes to all places that are written to k times or more are independent of each other."""
    if not isinstance(target, Traced):
        if depends(values):
            raise Untraceable(call, "a plain array, made before the trace, is to hold the result")
        return ufunc.at(target, index, *demoted(values))
    where = np.arange(target.size).reshape(target.shape)[index]
    spread = [np.broadcast_to(lift(v, call), where.shape).ravel() for v in values]
    flat = where.ravel()
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if flat.size else np.zeros(0, int)
    rank = np.empty(flat.size, int)
    rank[order] = np.arange(flat.size) - np.repeat(starts, np.diff(np.r_[starts, flat.size]))
    ids = places(target, call).ravel()
    for k in range(int(rank.max(initial=-1)) + 1):
        now = rank == k
        result = apply(ufunc, wrap(ids[flat[now]]), *(wrap(v[now]) for v in spread))
        ids[flat[now]] = lift(result, call)
    write(target, ..., wrap(ids.reshape(target.shape)), call)
    return None


def _reduceat(ufunc: np.ufunc, call: str, x: Any, indices: Any, axis: int = 0) -> Any:
    ids = np.moveaxis(lift(x, call), axis, -1)
    starts = [int(i) for i in indices]
    parts = []
    for start, stop in zip(starts, [*starts[1:], ids.shape[-1]], strict=True):
        part = ids[..., start:stop] if start < stop else ids[..., start : start + 1]
        parts.append(lift(reduce_places(ufunc, call, part), call))
    return wrap(np.moveaxis(np.stack(parts, axis=-1), -1, axis))


def function_call(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``func(*args, **kwargs)`` with a traced array among the arguments."""
    call = f"{getattr(func, '__module__', 'numpy') or 'numpy'}.{getattr(func, '__name__', func)}"
    handler = FUNCTIONS.get(func)
    out = kwargs.get("out")
    if not depends(args) and not depends({k: v for k, v in kwargs.items() if k != "out"}):
        in_place = func in (np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal)
        if not in_place and (handler is None or not getattr(handler, "shapes", False)):
            plain = {key: value for key, value in kwargs.items() if key != "out"}
            return _store(promoted(func(*demoted(args), **demoted(plain))), (out,), call)
    if handler is None:
        raise Untraceable(call, "no function that is known here")
    if out is not None and not getattr(handler, "takes_out", False):
        kwargs = {key: value for key, value in kwargs.items() if key != "out"}
        target = out[0] if isinstance(out, tuple) else out
        return _store(handler(*args, **kwargs), (target,), call)
    return handler(*args, **kwargs)
