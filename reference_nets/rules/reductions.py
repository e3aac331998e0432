"""Rules of the reductions.  Each brings the cotangent back over the axes that were folded."""

from __future__ import annotations

import math

import numpy as np

from reference_nets.rules._shapes import Array, Axis, axes_of, expand


def total(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """Every entry of a sum gets the cotangent of that sum."""
    return (np.broadcast_to(expand(g, x, axis), x.shape).astype(x.dtype),)


def total_jvp(tangents: tuple[Array], x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """A sum is linear: the sum of the tangent."""
    result: Array = np.sum(tangents[0], axis=axis, keepdims=keepdims)
    return result


def others(x: Array) -> Array:
    """Along the last axis, the product of all OTHER entries: of those before, times those behind.

    No division, so zeros need no care: one zero leaves its own derivative, two leave none.
    """
    ones = np.ones_like(x[..., :1])
    before = np.cumprod(np.concatenate([ones, x[..., :-1]], axis=-1), axis=-1)
    behind = np.cumprod(np.concatenate([ones, x[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return before * behind


def _others_over(x: Array, axis: Axis) -> Array:
    """``others`` over several axes, which are laid out as one last axis for it and brought back."""
    folded = axes_of(x, axis)
    last = tuple(range(x.ndim - len(folded), x.ndim))
    moved = np.moveaxis(x, folded, last)
    count = math.prod(x.shape[k] for k in folded)
    flat = np.reshape(moved, (*moved.shape[: x.ndim - len(folded)], count))
    return np.moveaxis(np.reshape(others(flat), moved.shape), last, folded)


def prod(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """The derivative of a product in one factor is the product of the others."""
    if x.size == 0:
        return (np.zeros_like(x),)
    return (expand(g, x, axis) * _others_over(x, axis),)


def largest(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """The cotangent goes to the largest entry; equal ones share it, so that it is counted once."""
    if x.size == 0:
        return (np.zeros_like(x),)
    hit = x == np.max(x, axis=axis, keepdims=True)
    # The number of ties may exceed what float16 holds: divide in float64, round once.
    share = expand(g, x, axis) / np.sum(hit, axis=axis, keepdims=True, dtype=np.float64)
    return (np.where(hit, share, 0).astype(x.dtype),)


def var(g: Array, x: Array, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> tuple[Array]:
    """``2 (x - mean) / (n - ddof)``: the mean moves too, but deviations add up to 0, so that it does not show."""
    if x.size == 0:
        return (np.zeros_like(x),)
    count = math.prod(x.shape[k] for k in axes_of(x, axis))
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    return (expand(g, x, axis) * (deviation * (2.0 / (count - ddof))),)


def logsumexp(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """The softmax over the folded axes."""
    if x.size == 0:
        return (np.zeros_like(x),)
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return (expand(g, x, axis) * (powers / np.sum(powers, axis=axis, keepdims=True)),)


def norm(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """The unit vector of x, and 0 where x is 0; scaled first, since squares leave the range long before x does."""
    largest_entry = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    scaled = x / np.where(largest_entry > 0, largest_entry, 1)
    length = np.sqrt(np.sum(scaled * scaled, axis=axis, keepdims=True))
    return (expand(g, x, axis) * (scaled / np.where(length > 0, length, 1)),)


RULES = {"sum": total, "prod": prod, "max": largest, "var": var, "logsumexp": logsumexp, "norm": norm}
JVPS = {"sum": total_jvp}
