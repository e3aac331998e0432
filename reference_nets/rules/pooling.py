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


def max_pool2d(
    g: Array, x: Array, *, size: Pair, stride: Pair = (1, 1), padding: int = 0, dilation: int = 1
) -> tuple[Array]:
    """Each window hands its cotangent to its largest entry, equal ones share it; padding takes no part."""
    beside = ((0, 0),) * (x.ndim - 2)
    padded = np.pad(x, (*beside, (padding, padding), (padding, padding)), constant_values=-np.inf)
    gradient = np.zeros_like(padded)
    for k in range(g.shape[-2]):
        for m in range(g.shape[-1]):
            top, left = k * stride[0], m * stride[1]
            rows = slice(top, top + dilation * (size[0] - 1) + 1, dilation)
            columns = slice(left, left + dilation * (size[1] - 1) + 1, dilation)
            window = padded[..., rows, columns]
            hit = window == np.max(window, axis=(-2, -1), keepdims=True)
            share = g[..., k, m, None, None] / np.sum(hit, axis=(-2, -1), keepdims=True)
            gradient[..., rows, columns] += (hit * share).astype(x.dtype)
    return (gradient[..., padding : padding + x.shape[-2], padding : padding + x.shape[-1]],)


def avg_pool1d(g: Array, x: Array, *, size: int, stride: int = 1, padding: int = 0) -> tuple[Array]:
    """Each window hands its cotangent in equal parts to all its places; what falls on the padding is lost."""
    gradient = np.zeros((*x.shape[:-1], x.shape[-1] + 2 * padding), dtype=x.dtype)
    for k in range(g.shape[-1]):
        gradient[..., k * stride : k * stride + size] += g[..., k, None] / size
    return (gradient[..., padding : padding + x.shape[-1]],)


def _share(length: int, count: int, k: int) -> slice:
    """Window k of ``count``: from floor(k n / count) until before ceil((k + 1) n / count)."""
    return slice((k * length) // count, ((k + 1) * length + count - 1) // count)


def adaptive_avg_pool1d(g: Array, x: Array, *, size: int) -> tuple[Array]:
    """Each window hands its cotangent in equal parts to the entries that it covers."""
    gradient = np.zeros_like(x)
    for k in range(size):
        window = gradient[..., _share(x.shape[-1], size, k)]
        window += g[..., k, None] / window.shape[-1]
    return (gradient,)


def adaptive_avg_pool1d_jvp(tangents: tuple[Array], x: Array, *, size: int) -> Array:
    """The means of the tangent."""
    return np.stack([np.mean(tangents[0][..., _share(x.shape[-1], size, k)], axis=-1) for k in range(size)], axis=-1)


def adaptive_avg_pool2d(g: Array, x: Array, *, size: Pair) -> tuple[Array]:
    """Each rectangle hands its cotangent in equal parts to the entries that it covers."""
    gradient = np.zeros_like(x)
    for k in range(size[0]):
        for m in range(size[1]):
            window = gradient[..., _share(x.shape[-2], size[0], k), _share(x.shape[-1], size[1], m)]
            window += g[..., k, m, None, None] / (window.shape[-2] * window.shape[-1])
    return (gradient,)


def adaptive_max_pool1d(g: Array, x: Array, *, size: int) -> tuple[Array]:
    """Each window hands its cotangent to its largest entry; equal ones share it."""
    gradient = np.zeros_like(x)
    for k in range(size):
        part = _share(x.shape[-1], size, k)
        hit = x[..., part] == np.max(x[..., part], axis=-1, keepdims=True)
        gradient[..., part] += (g[..., k, None] * (hit / np.sum(hit, axis=-1, keepdims=True))).astype(x.dtype)
    return (gradient,)


def lp_pool1d(g: Array, x: Array, *, p: float, size: int, stride: int = 1) -> tuple[Array]:
    """``(x_i / y)^(p - 1)``, with y from entries scaled to the largest one, so that no power leaves the range."""
    gradient = np.zeros_like(x)
    for k in range(g.shape[-1]):
        window = x[..., k * stride : k * stride + size]
        scaled = window / np.max(window, axis=-1, keepdims=True)
        norm = np.sum(scaled**p, axis=-1, keepdims=True) ** (1 / p)
        gradient[..., k * stride : k * stride + size] += g[..., k, None] * (scaled / norm) ** (p - 1)
    return (gradient,)


RULES = {
    "max_pool1d": max_pool1d,
    "avg_pool2d": avg_pool2d,
    "max_pool2d": max_pool2d,
    "avg_pool1d": avg_pool1d,
    "adaptive_avg_pool1d": adaptive_avg_pool1d,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
    "adaptive_max_pool1d": adaptive_max_pool1d,
    "lp_pool1d": lp_pool1d,
}
JVPS = {"avg_pool2d": avg_pool2d_jvp, "adaptive_avg_pool1d": adaptive_avg_pool1d_jvp}
