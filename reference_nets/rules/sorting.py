"""Rules of sorting and of reductions over segments."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array, wide


def sort(g: Array, x: Array, *, axis: int = -1, descending: bool = False) -> tuple[Array]:
    """The inverse permutation: each cotangent goes to the entry that came to its rank."""
    order = np.argsort(x, axis=axis, kind="stable")
    gradient = np.zeros_like(x)
    np.put_along_axis(gradient, np.flip(order, axis) if descending else order, g, axis=axis)
    return (gradient,)


def sort_jvp(tangents: tuple[Array], x: Array, *, axis: int = -1, descending: bool = False) -> Array:
    """The permutation that sorts x, applied to the tangent."""
    order = np.argsort(x, axis=axis, kind="stable")
    return np.take_along_axis(tangents[0], np.flip(order, axis) if descending else order, axis=axis)


def _largest(x: Array, k: int, axis: int) -> Array:
    """Where the ``k`` largest entries stand, largest first."""
    return np.flip(np.take(np.argsort(x, axis=axis, kind="stable"), range(-k, 0), axis=axis), axis)


def topk(g: Array, x: Array, *, k: int, axis: int = -1) -> tuple[Array]:
    """The cotangents go to the entries that were selected; the others get 0."""
    gradient = np.zeros_like(x)
    np.put_along_axis(gradient, _largest(x, k, axis), g, axis=axis)
    return (gradient,)


def topk_jvp(tangents: tuple[Array], x: Array, *, k: int, axis: int = -1) -> Array:
    """The tangents of the entries that were selected."""
    return np.take_along_axis(tangents[0], _largest(x, k, axis), axis=axis)


def segment_sum(g: Array, x: Array, labels: Array, *, segments: int) -> tuple[Array]:
    """Every row gets the cotangent of its segment."""
    return (np.take(g, labels, axis=0),)


def segment_sum_jvp(tangents: tuple[Array], x: Array, labels: Array, *, segments: int) -> Array:
    """The sums of the tangents."""
    total = np.zeros((segments, *x.shape[1:]), dtype=x.dtype)
    np.add.at(total, labels, tangents[0])
    return total


def segment_mean(g: Array, x: Array, labels: Array, *, segments: int) -> tuple[Array]:
    """Every row gets its share of the cotangent of its segment."""
    count = np.bincount(labels, minlength=segments)[labels]
    return ((np.take(g, labels, axis=0) / np.reshape(count, (-1,) + (1,) * (x.ndim - 1))).astype(x.dtype),)


def segment_max(g: Array, x: Array, labels: Array, *, segments: int) -> tuple[Array]:
    """The cotangent of a segment goes to its largest entry; equal ones share it."""
    gradient = wide(np.zeros_like(x))
    for i in range(segments):
        rows = x[labels == i]
        hit = rows == np.max(rows, axis=0)
        gradient[labels == i] = hit * (g[i] / np.sum(hit, axis=0))
    return (gradient.astype(x.dtype),)


RULES = {
    "sort": sort,
    "topk": topk,
    "segment_sum": segment_sum,
    "segment_mean": segment_mean,
    "segment_max": segment_max,
}
JVPS = {"sort": sort_jvp, "topk": topk_jvp, "segment_sum": segment_sum_jvp}
