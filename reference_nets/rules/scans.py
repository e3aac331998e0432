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


def _along(g: Array, x: Array, axis: int | None) -> tuple[Array, Array]:
    """Cotangent and input with the axis of the scan last; without an axis both are flat."""
    if axis is None:
        return g, np.reshape(x, -1)
    return np.moveaxis(g, axis, -1), np.moveaxis(x, axis, -1)


def _back(gradient: Array, x: Array, axis: int | None) -> tuple[Array]:
    return (np.reshape(gradient, x.shape) if axis is None else np.moveaxis(gradient, -1, axis),)


def cummax(g: Array, x: Array, *, axis: int | None = None) -> tuple[Array]:
    """Each cotangent goes to the entry that was largest then, the first of equal ones."""
    h, v = _along(g, x, axis)
    if v.size == 0:
        return (np.zeros_like(x),)
    places = np.arange(v.shape[-1])
    before = np.maximum.accumulate(v, axis=-1)[..., :-1]
    rising = np.concatenate([np.ones_like(v[..., :1], dtype=bool), v[..., 1:] > before], axis=-1)
    holder = np.maximum.accumulate(np.where(rising, places, 0), axis=-1)
    hit = holder[..., None, :] == places[:, None]
    return _back(np.sum(np.where(hit, h[..., None, :], 0), axis=-1).astype(x.dtype), x, axis)


def cummin(g: Array, x: Array, *, axis: int | None = None) -> tuple[Array]:
    """Each cotangent goes to the entry that was smallest then: that of ``-cummax(-x)``, in which both signs cancel."""
    return cummax(g, -x, axis=axis)


def logcumsumexp(g: Array, x: Array, *, axis: int | None = None) -> tuple[Array]:
    """``e^(x_k - y_k) R_k`` with ``R_k = g_k + e^(y_k - y_(k+1)) R_(k+1)``: no exponent is positive, so nothing overflows."""
    h, v = _along(g, x, axis)
    y = np.logaddexp.accumulate(v, axis=-1)
    behind = np.array(h, dtype=x.dtype)
    for k in range(v.shape[-1] - 2, -1, -1):
        behind[..., k] += np.exp(y[..., k] - y[..., k + 1]) * behind[..., k + 1]
    return _back(np.exp(v - y) * behind, x, axis)


RULES = {"cumsum": cumsum, "cumprod": cumprod, "cummax": cummax, "cummin": cummin, "logcumsumexp": logcumsumexp}
JVPS = {"cumsum": cumsum_jvp}
