"""Orders: a candidate by midpoints, confirmed by comparing neighbours, which is enough as the order is transitive."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.numbers.array import Traced, demoted, lift, tape, wrap
from gradcheck.numbers.dispatch import last
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.field import Array, Ids
from gradcheck.numbers.lowering import compare
from gradcheck.numbers.structure import implements


def order_of(call: str, ids: Ids) -> Array:
    """The stable order of the entries along the last axis, certain; equal neighbours are noted as ties."""
    t = tape(call)
    flat = ids.reshape(-1, ids.shape[-1])
    order = np.zeros(flat.shape, np.int64)
    for k, entries in enumerate(flat):
        keys = t.ordered.keys(t.values[entries])
        order[k] = sorted(range(len(keys)), key=keys.__getitem__)
    ranked = np.take_along_axis(flat, order, axis=1)
    if flat.shape[1] > 1 and flat.size:
        equal = compare(call, ranked[:, :-1], ranked[:, 1:]) == 0
        for row in np.flatnonzero(equal.any(axis=1)):  # equal numbers with other midpoints: by index
            edges = np.flatnonzero(~equal[row]) + 1
            order[row] = np.concatenate([np.sort(run) for run in np.split(order[row], edges)])
    return order.reshape(ids.shape)


@implements(np.argsort)
def argsort(a: Any, axis: int | None = -1, **_: Any) -> Array:
    """Indices in ascending order."""
    ids = lift(a, "numpy.argsort")
    if axis is None:
        return order_of("numpy.argsort", ids.ravel())
    return np.moveaxis(order_of("numpy.argsort", np.moveaxis(ids, axis, -1)), -1, axis)


@implements(np.argpartition)
def argpartition(a: Any, kth: Any, axis: int | None = -1, **_: Any) -> Any:
    """In order altogether, which is a partition at every entry."""
    return argsort(a, axis)


@implements(np.sort)
def sort(a: Any, axis: int | None = -1, **_: Any) -> Any:
    """Entries in ascending order."""
    ids = lift(a, "numpy.sort")
    if axis is None:
        ids, axis = ids.ravel(), -1
    moved = np.moveaxis(ids, axis, -1)
    ranked = np.take_along_axis(moved, order_of("numpy.sort", moved), axis=-1)
    return wrap(np.moveaxis(ranked, -1, axis))


@implements(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1, **_: Any) -> Any:
    """In order altogether, which is a partition at every entry."""
    return sort(a, axis)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """How many entries lie below (or at) each number."""
    nodes, ids = lift(a, "numpy.searchsorted"), lift(v, "numpy.searchsorted")
    order = compare("numpy.searchsorted", nodes if sorter is None else nodes[sorter], ids[..., None])
    return np.sum(order < 0 if side == "left" else order <= 0, axis=-1)


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """The interval of ascending bins."""
    return searchsorted(bins, x, side="left" if right else "right")


@implements(np.median, np.nanmedian)
def median(a: Any, axis: Any = None, keepdims: Any = False, **_: Any) -> Any:
    """The middle entry, or the mean of the two in the middle."""
    return quantile(a, 0.5, axis=axis, keepdims=keepdims)


@implements(np.percentile, np.nanpercentile)
def percentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Any:
    """A quantile in hundredths."""
    return quantile(a, np.asarray(demoted(q)) / 100, *args, **kwargs)


METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


@implements(np.quantile, np.nanquantile)
def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    **_: Any,
) -> Any:
    """Between the entries next to position q (n - 1) of the sorted ones."""
    if method not in METHODS:
        raise Untraceable("numpy.quantile", f"method={method!r}")
    ids, _axes, kept = last(a, axis, "numpy.quantile")
    ranked = wrap(np.take_along_axis(ids, order_of("numpy.quantile", ids), axis=-1))
    results: list[Traced] = []
    where = np.asarray(demoted(q), float)
    for one in where.ravel():
        position = float(one) * (ids.shape[-1] - 1)
        low, high = int(np.floor(position)), int(np.ceil(position))
        weight = position - low
        if method in ("lower", "higher", "nearest") or low == high:
            chosen = {"lower": low, "higher": high, "nearest": int(np.rint(position))}.get(method, low)
            value = ranked[..., chosen]
        else:
            weight = 0.5 if method == "midpoint" else weight
            value = ranked[..., low] + (ranked[..., high] - ranked[..., low]) * weight
        results.append(value.reshape(kept) if keepdims is True else value)
    return results[0] if where.ndim == 0 else np.stack(results).reshape(where.shape + results[0].shape)
