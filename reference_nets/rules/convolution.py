"""Rules of the convolution, which is linear in the image and in the kernel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from reference_nets.rules._shapes import Array

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
NONE: Padding = ((0, 0), (0, 0))


def _places(kernel: Array, size: Pair, stride: Pair) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Each place (i, j) of the kernel with the slices of the padded image that it is multiplied by."""
    for i in range(kernel.shape[2]):
        for j in range(kernel.shape[3]):
            rows = slice(i, i + (size[0] - 1) * stride[0] + 1, stride[0])
            yield i, j, (rows, slice(j, j + (size[1] - 1) * stride[1] + 1, stride[1]))


def conv2d(g: Array, x: Array, kernel: Array, *, stride: Pair = (1, 1), padding: Padding = NONE) -> tuple[Array, Array]:
    """At each place of the kernel the forward is a product of matrices over the channels; so is its adjoint."""
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    in_padded, in_kernel = np.zeros_like(padded), np.zeros_like(kernel)
    for i, j, (rows, columns) in _places(kernel, (g.shape[2], g.shape[3]), stride):
        in_padded[:, :, rows, columns] += np.einsum("nohw,oc->nchw", g, kernel[:, :, i, j])
        in_kernel[:, :, i, j] = np.einsum("nohw,nchw->oc", g, padded[:, :, rows, columns])
    (top, _), (left, _) = padding
    return in_padded[:, :, top : top + x.shape[2], left : left + x.shape[3]], in_kernel


def _forward(x: Array, kernel: Array, stride: Pair, padding: Padding) -> Array:
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    height = (padded.shape[2] - kernel.shape[2]) // stride[0] + 1
    width = (padded.shape[3] - kernel.shape[3]) // stride[1] + 1
    result = np.zeros((x.shape[0], kernel.shape[0], height, width), dtype=np.result_type(x, kernel))
    for i, j, (rows, columns) in _places(kernel, (height, width), stride):
        result += np.einsum("nchw,oc->nohw", padded[:, :, rows, columns], kernel[:, :, i, j])
    return result


def conv2d_jvp(
    tangents: tuple[Array, Array], x: Array, kernel: Array, *, stride: Pair = (1, 1), padding: Padding = NONE
) -> Array:
    """The product rule of a bilinear function."""
    dx, dk = tangents
    return _forward(dx, kernel, stride, padding) + _forward(x, dk, stride, padding)


def _windows(
    shape: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Each place of a kernel of this shape with the slices that it is multiplied by, on any number of axes."""
    for place in np.ndindex(*shape):
        first = [i * d for i, d in zip(place, dilation, strict=True)]
        stops = [f + (n - 1) * s + 1 for f, n, s in zip(first, size, stride, strict=True)]
        yield place, tuple(slice(f, stop, s) for f, stop, s in zip(first, stops, stride, strict=True))


def _grouped(
    g: Array,
    x: Array,
    kernel: Array,
    stride: tuple[int, ...],
    padding: tuple[Pair, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> tuple[Array, Array]:
    """At each place of the kernel, and in each group of channels, the forward is a product of matrices."""
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    in_padded, in_kernel = np.zeros_like(padded), np.zeros_like(kernel)
    batch, outs, ins = x.shape[0], kernel.shape[0] // groups, kernel.shape[1]
    points = math.prod(g.shape[2:])
    h = np.reshape(g, (batch, groups, outs, points))
    split = np.reshape(kernel, (groups, outs, *kernel.shape[1:]))
    for place, window in _windows(kernel.shape[2:], g.shape[2:], stride, dilation):
        at: Any = (slice(None), slice(None), *window)
        of_kernel: Any = (slice(None), slice(None), *place)
        part = np.einsum("ngop,goc->ngcp", h, split[(slice(None), *of_kernel)])
        in_padded[at] += np.reshape(part, in_padded[at].shape)
        seen = np.reshape(padded[at], (batch, groups, ins, points))
        in_kernel[of_kernel] = np.reshape(np.einsum("ngop,ngcp->goc", h, seen), (-1, ins))
    inner: Any = tuple(slice(before, before + n) for (before, _), n in zip(padding, x.shape[2:], strict=True))
    return in_padded[(slice(None), slice(None), *inner)], in_kernel


def conv1d(
    g: Array, x: Array, kernel: Array, *, stride: int = 1, padding: Pair = (0, 0), dilation: int = 1, groups: int = 1
) -> tuple[Array, Array]:
    """One axis."""
    return _grouped(g, x, kernel, (stride,), (padding,), (dilation,), groups)


def grouped_conv2d(
    g: Array,
    x: Array,
    kernel: Array,
    *,
    stride: Pair = (1, 1),
    padding: int = 0,
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> tuple[Array, Array]:
    """Two axes."""
    return _grouped(g, x, kernel, stride, ((padding, padding),) * 2, dilation, groups)


def conv3d(
    g: Array, x: Array, kernel: Array, *, stride: tuple[int, int, int] = (1, 1, 1), padding: int = 0
) -> tuple[Array, Array]:
    """Three axes."""
    return _grouped(g, x, kernel, stride, ((padding, padding),) * 3, (1, 1, 1), 1)


def _transposed(g: Array, x: Array, kernel: Array, stride: tuple[int, ...], padding: int) -> tuple[Array, Array]:
    """The adjoint of an adjoint is the convolution itself: each entry collects what its copy of the kernel touched."""
    padded = np.pad(g, ((0, 0), (0, 0), *((padding, padding),) * len(stride)))
    in_x, in_kernel = np.zeros_like(x), np.zeros_like(kernel)
    for place, window in _windows(kernel.shape[2:], x.shape[2:], stride, (1,) * len(stride)):
        whole = (slice(None), slice(None))
        touched: Array = padded[whole + window]
        at: Any = whole + place
        in_x += np.einsum("no...,co->nc...", touched, kernel[at])
        rows = np.reshape(touched, (*touched.shape[:2], -1))
        in_kernel[at] = np.einsum("ncp,nop->co", np.reshape(x, (*x.shape[:2], -1)), rows)
    return in_x, in_kernel


def conv_transpose1d(
    g: Array, x: Array, kernel: Array, *, stride: int = 1, padding: int = 0, extra: int = 0
) -> tuple[Array, Array]:
    """One axis; the extra zeros at the end depend on nothing."""
    return _transposed(g, x, kernel, (stride,), padding)


def conv_transpose2d(
    g: Array, x: Array, kernel: Array, *, stride: Pair = (1, 1), padding: int = 0
) -> tuple[Array, Array]:
    """Two axes."""
    return _transposed(g, x, kernel, stride, padding)


def convolve(g: Array, x: Array, y: Array, *, mode: str = "full") -> tuple[Array, Array]:
    """``x'_i = sum_j g_(i + j) y_j``: a correlation, after what was cut off is put back as zeros."""
    n, m = x.shape[0], y.shape[0]
    cut = {"full": 0, "same": (min(n, m) - 1) // 2, "valid": min(n, m) - 1}[mode]
    whole = np.zeros(n + m - 1, dtype=g.dtype)
    whole[cut : cut + g.shape[0]] = g
    return np.correlate(whole, y, "valid"), np.correlate(whole, x, "valid")


def convolve_jvp(tangents: tuple[Array, Array], x: Array, y: Array, *, mode: Any = "full") -> Array:
    """The product rule of a bilinear function."""
    result: Array = np.convolve(tangents[0], y, mode) + np.convolve(x, tangents[1], mode)
    return result


RULES = {
    "conv2d": conv2d,
    "conv1d": conv1d,
    "grouped_conv2d": grouped_conv2d,
    "conv3d": conv3d,
    "conv_transpose1d": conv_transpose1d,
    "conv_transpose2d": conv_transpose2d,
    "convolve": convolve,
}
JVPS = {"conv2d": conv2d_jvp, "convolve": convolve_jvp}
