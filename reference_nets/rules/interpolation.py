"""Rules of interpolation: linear in the entries, so the weights with which they were read go back to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_nets.rules._shapes import Array, wide

Pair = tuple[int, int]


def upsample_nearest2d(g: Array, x: Array, *, size: Pair) -> tuple[Array]:
    """Each entry gets the sum over all that show it."""
    gradient = wide(np.zeros_like(x))
    rows = np.arange(size[0]) * x.shape[-2] // size[0]
    columns = np.arange(size[1]) * x.shape[-1] // size[1]
    shown: Any = (..., rows[:, None], columns)
    np.add.at(gradient, shown, g)
    return (gradient.astype(x.dtype),)


def _weights(n: int, size: int, align_corners: bool) -> Array:
    """The matrix (size, n) of linear interpolation: a hat around each entry, the outermost ones continued."""
    if align_corners:
        at = np.arange(size) * ((n - 1) / max(size - 1, 1))
    else:
        at = np.clip((np.arange(size) + 0.5) * (n / size) - 0.5, 0, n - 1)
    hats: Array = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(n)))
    return hats


def upsample_linear1d(g: Array, x: Array, *, size: int, align_corners: bool = False) -> tuple[Array]:
    """The transposed matrix."""
    return ((g @ _weights(x.shape[-1], size, align_corners)).astype(x.dtype),)


def upsample_linear1d_jvp(tangents: tuple[Array], x: Array, *, size: int, align_corners: bool = False) -> Array:
    """The matrix applied to the tangent."""
    return (tangents[0] @ _weights(x.shape[-1], size, align_corners).T).astype(x.dtype)


def upsample_bilinear2d(g: Array, x: Array, *, size: Pair, align_corners: bool = False) -> tuple[Array]:
    """The transposed matrices of both axes."""
    rows = _weights(x.shape[-2], size[0], align_corners)
    columns = _weights(x.shape[-1], size[1], align_corners)
    return ((rows.T @ g @ columns).astype(x.dtype),)


def interp(g: Array, x: Array, values: Array, *, knots: tuple[float, ...]) -> tuple[Array, Array]:
    """The slope of the piece on which x lies, 0 beyond the ends; each value gets the weight with which it was read."""
    at = np.array(knots)
    left = np.clip(np.searchsorted(at, x, side="right") - 1, 0, len(knots) - 2)
    width = at[left + 1] - at[left]
    t = np.clip((x - at[left]) / width, 0, 1)
    inside = (x >= at[0]) & (x < at[-1])
    in_x = np.where(inside, g * ((values[left + 1] - values[left]) / width), 0)
    in_values = np.zeros(values.shape)
    np.add.at(in_values, left, g * (1 - t))
    np.add.at(in_values, left + 1, g * t)
    return in_x.astype(x.dtype), in_values.astype(values.dtype)


def grid_sample(g: Array, image: Array, grid: Array) -> tuple[Array, Array]:
    """Each of the four neighbours gets its share; along a coordinate the shares change by -1 and 1."""
    in_image, in_grid = wide(np.zeros_like(image)), wide(np.zeros_like(grid))
    corner = np.floor(grid).astype(int)
    t = grid - corner
    for i in (0, 1):
        for j in (0, 1):
            row, column = corner[:, 0] + i, corner[:, 1] + j
            inside = (row >= 0) & (row < image.shape[1]) & (column >= 0) & (column < image.shape[2])
            row, column = row[inside], column[inside]
            down, right = (t[:, 0] if i else 1 - t[:, 0])[inside], (t[:, 1] if j else 1 - t[:, 1])[inside]
            at: Any = (slice(None), row, column)
            np.add.at(in_image, at, g[:, inside] * down * right)
            seen = np.sum(g[:, inside] * image[:, row, column], axis=0)
            in_grid[inside, 0] += (2 * i - 1) * seen * right
            in_grid[inside, 1] += (2 * j - 1) * seen * down
    return in_image.astype(image.dtype), in_grid.astype(grid.dtype)


RULES = {
    "upsample_nearest2d": upsample_nearest2d,
    "upsample_linear1d": upsample_linear1d,
    "upsample_bilinear2d": upsample_bilinear2d,
    "interp": interp,
    "grid_sample": grid_sample,
}
JVPS = {"upsample_linear1d": upsample_linear1d_jvp}
