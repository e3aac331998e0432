"""Rules of pooling.  Windows may overlap, so every window adds to what is there."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array

Pair = tuple[int, int]


def _starts(length: int, size: int, stride: int, overhang: bool) -> range:
    return range(0, length if overhang else length - size + 1, stride)


def max_pool1d(g: Array, x: Array, *, size: int, stride: int = 1, overhang: bool = False) -> tuple[Array]:
    """Each window hands its cotangent to its largest entry; equal ones share it."""
    gradient = np.zeros_like(x)
    for k, start in enumerate(_starts(x.shape[-1], size, stride, overhang)):
        window = x[..., start : start + size]
        hit = window == np.max(window, axis=-1, keepdims=True)
        share = hit / np.sum(hit, axis=-1, keepdims=True)
        gradient[..., start : start + size] += (g[..., k, None] * share).astype(x.dtype)
    return (gradient,)


def avg_pool2d(g: Array, x: Array, *, size: Pair, stride: Pair = (1, 1), overhang: bool = False) -> tuple[Array]:
    """Each window hands its cotangent in equal parts to the entries that it covers."""
    gradient = np.zeros_like(x)
    for k, top in enumerate(_starts(x.shape[-2], size[0], stride[0], overhang)):
        for m, left in enumerate(_starts(x.shape[-1], size[1], stride[1], overhang)):
            window = gradient[..., top : top + size[0], left : left + size[1]]
            covered = window.shape[-2] * window.shape[-1]
            window += g[..., k, m, None, None] / float(covered)
    return (gradient,)


def avg_pool2d_jvp(
    tangents: tuple[Array], x: Array, *, size: Pair, stride: Pair = (1, 1), overhang: bool = False
) -> Array:
    """A mean is linear: the means of the tangent."""
    rows = _starts(x.shape[-2], size[0], stride[0], overhang)
    columns = _starts(x.shape[-1], size[1], stride[1], overhang)
    result = np.empty((*x.shape[:-2], len(rows), len(columns)), dtype=x.dtype)
    for k, top in enumerate(rows):
        for m, left in enumerate(columns):
            result[..., k, m] = np.mean(tangents[0][..., top : top + size[0], left : left + size[1]], axis=(-2, -1))
    return result


RULES = {"max_pool1d": max_pool1d, "avg_pool2d": avg_pool2d}
JVPS = {"avg_pool2d": avg_pool2d_jvp}
