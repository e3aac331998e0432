"""Rules of means, spreads and order statistics."""

from __future__ import annotations

import math

import numpy as np

from reference_nets.rules._shapes import Array, Axis, axes_of, expand
from reference_nets.rules.reductions import largest, logsumexp


def mean(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """Each of n entries gets the n-th part of the cotangent."""
    count = max(1, math.prod(x.shape[k] for k in axes_of(x, axis)))
    return (np.broadcast_to(expand(g, x, axis) / float(count), x.shape).astype(x.dtype),)


def mean_jvp(tangents: tuple[Array], x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """A mean is linear: the mean of the tangent."""
    result: Array = np.mean(tangents[0], axis=axis, keepdims=keepdims)
    return result


def smallest(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """The cotangent goes to the smallest entry; equal ones share it.  ``min x = -max(-x)``, and both signs cancel."""
    return largest(g, -x, axis=axis, keepdims=keepdims)


def ptp(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """To the largest entry, and from the smallest."""
    (upper,), (lower,) = largest(g, x, axis=axis), smallest(g, x, axis=axis)
    return (upper - lower,)


def std(g: Array, x: Array, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> tuple[Array]:
    """``(x - mean) / ((n - ddof) y)``, and 0 where all entries are equal.

    Counted from the least entry, equal ones are 0 and so is their mean, which else may be off by a rounding.  Scaled by
    the largest deviation, since squares may leave the range.
    """
    if x.size == 0:
        return (np.zeros_like(x),)
    count = math.prod(x.shape[k] for k in axes_of(x, axis))
    above = x - np.min(x, axis=axis, keepdims=True)
    deviation = above - np.mean(above, axis=axis, keepdims=True)
    most = np.max(np.abs(deviation), axis=axis, keepdims=True)
    scaled = deviation / np.where(most > 0, most, 1)
    length = np.sqrt(np.sum(scaled * scaled, axis=axis, keepdims=True))
    unit = scaled / np.where(length > 0, length, 1)
    return (expand(g, x, axis) * (unit / math.sqrt(count - ddof)),)


def median(g: Array, x: Array, *, axis: int = -1, keepdims: bool = False) -> tuple[Array]:
    """Half to either middle entry, which for an odd number is the same one twice.

    Entries equal to it share: they stand in the sorted order next to each other, and any of them may be the middle.
    """
    if x.size == 0:
        return (np.zeros_like(x),)
    n = x.shape[axis]
    ordered = np.sort(x, axis=axis)
    total = np.zeros_like(x)
    for place in ((n - 1) // 2, n // 2):
        hit = x == np.take(ordered, [place], axis=axis)
        share = 0.5 / np.sum(hit, axis=axis, keepdims=True, dtype=np.float64)
        total += np.where(hit, expand(g, x, axis) * share, 0).astype(x.dtype)
    return (total,)


def average(g: Array, x: Array, weights: Array, *, axis: int = -1) -> tuple[Array, Array]:
    """``w / sum w`` for x, and ``(x - y) / sum w`` for w."""
    if x.size == 0:
        return np.zeros_like(x), np.zeros_like(weights)
    total = np.sum(weights, axis=axis, keepdims=True)
    share = weights / total
    centre = np.sum(share * x, axis=axis, keepdims=True)
    spread = expand(g, x, axis)
    return spread * share, spread * ((x - centre) / total)


def logmeanexp(g: Array, x: Array, *, axis: int = -1) -> tuple[Array]:
    """That of logsumexp: the logarithm of n is a constant."""
    return logsumexp(g, x, axis=axis)


RULES = {
    "mean": mean,
    "min": smallest,
    "ptp": ptp,
    "std": std,
    "median": median,
    "average": average,
    "logmeanexp": logmeanexp,
}
JVPS = {"mean": mean_jvp}
