"""Rules of the convolution, which is linear in the image and in the kernel."""

from __future__ import annotations

from collections.abc import Iterator

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


RULES = {"conv2d": conv2d}
JVPS = {"conv2d": conv2d_jvp}
