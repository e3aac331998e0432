"""Rules of the scans.  An entry reaches all outputs from its own place on, so the backward scan runs from the end."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array


def cumsum(g: Array, x: Array, *, axis: int | None = None) -> tuple[Array]:
    """``sum over i >= k of g_i``: the cumulative sum from the end."""
    if axis is None:
        return (np.reshape(np.cumsum(g[::-1])[::-1], x.shape),)
    return (np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis),)


def cumsum_jvp(tangents: tuple[Array], x: Array, *, axis: int | None = None) -> Array:
    """A cumulative sum is linear: that of the tangent."""
    return np.cumsum(tangents[0], axis=axis)


def _cumprod_last(g: Array, x: Array) -> Array:
    """``L_k R_k`` along the last axis, ``L_k`` the product before k, ``R_k = g_k + x_(k+1) R_(k+1)``.

    ``R_k = sum over i >= k of g_i x_(k+1) ... x_i``.  Nothing is divided by x_k, so zeros need no care.
    """
    before = np.ones_like(x)
    before[..., 1:] = np.cumprod(x[..., :-1], axis=-1)
    behind = np.array(g, dtype=x.dtype)
    for k in range(x.shape[-1] - 2, -1, -1):
        behind[..., k] += x[..., k + 1] * behind[..., k + 1]
    result: Array = before * behind
    return result


def cumprod(g: Array, x: Array, *, axis: int | None = None) -> tuple[Array]:
    """Output i holds x_k for every i >= k; its derivative there is the product of the other factors."""
    if axis is None:
        return (np.reshape(_cumprod_last(g, np.ravel(x)), x.shape),)
    return (np.moveaxis(_cumprod_last(np.moveaxis(g, axis, -1), np.moveaxis(x, axis, -1)), -1, axis),)


RULES = {"cumsum": cumsum, "cumprod": cumprod}
JVPS = {"cumsum": cumsum_jvp}
