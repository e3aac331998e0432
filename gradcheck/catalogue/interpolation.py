"""Operators that read between the entries of an array."""

from __future__ import annotations

import numpy as np

from gradcheck.claim import Example, Kink, Operator, Witness
from gradcheck.records import Array

SPECIAL = (0.0, 1.0, -1.0, 0.5, 1e4)
Pair = tuple[int, int]


def upsample_nearest2d(x: Array, *, size: Pair) -> Array:
    """The last two axes in a new size; entry k of m shows entry floor(k n / m) of n."""
    rows = np.arange(size[0]) * x.shape[-2] // size[0]
    columns = np.arange(size[1]) * x.shape[-1] // size[1]
    return x[..., rows, :][..., columns]


def _resized(x: Array, size: int, align_corners: bool) -> Array:
    """The last axis in a new size, linearly between the centres of its entries, constant beyond the outermost ones."""
    n = x.shape[-1]
    if align_corners:
        at = np.arange(size) * ((n - 1) / max(size - 1, 1))
    else:
        at = np.clip((np.arange(size) + 0.5) * (n / size) - 0.5, 0, n - 1)
    left = np.minimum(at.astype(int), n - 1)
    t = (at - left).astype(x.dtype)
    result: Array = x[..., left] * (1 - t) + x[..., np.minimum(left + 1, n - 1)] * t
    return result


def upsample_linear1d(x: Array, *, size: int, align_corners: bool = False) -> Array:
    """The last axis in a new size: ends on ends (``align_corners``), or entries as cells of equal width."""
    return _resized(x, size, align_corners)


def upsample_bilinear2d(x: Array, *, size: Pair, align_corners: bool = False) -> Array:
    """The last two axes in a new size, one after the other."""
    wide = _resized(x, size[1], align_corners)
    return np.swapaxes(_resized(np.swapaxes(wide, -1, -2), size[0], align_corners), -1, -2)


def interp(x: Array, values: Array, *, knots: tuple[float, ...]) -> Array:
    """The broken line through (knot, value), at each entry of ``x``; constant beyond the ends."""
    at = np.array(knots)
    left = np.clip(np.sum(x[..., None] >= at, axis=-1) - 1, 0, len(knots) - 2)
    t = (x - at[left].astype(x.dtype)) / (at[left + 1] - at[left]).astype(x.dtype)
    t = np.minimum(np.maximum(t, 0), 1)
    result: Array = values[left] * (1 - t) + values[left + 1] * t
    return result


def grid_sample(image: Array, grid: Array) -> Array:
    """A (channels, h, w) image at points (row, column) in pixels, bilinear, with zeros outside: (channels, points)."""
    rows, columns = grid[:, 0], grid[:, 1]
    top, left = np.floor(np.real(rows)).astype(int), np.floor(np.real(columns)).astype(int)
    down, right = rows - top.astype(rows.dtype), columns - left.astype(rows.dtype)
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    total = 0
    for i in (0, 1):
        for j in (0, 1):
            row, column = top + i, left + j
            seen = padded[:, np.clip(row, -1, image.shape[1]) + 1, np.clip(column, -1, image.shape[2]) + 1]
            total = total + seen * (down if i else 1 - down) * (right if j else 1 - right)
    return np.asanyarray(total)


NEAREST_EXAMPLES = (
    Example(((2, 3),), {"size": (4, 6)}),
    Example(((2, 3, 2),), {"size": (4, 5)}),
    Example(((1, 1),), {"size": (2, 2)}),
    Example(((3, 4),), {"size": (2, 2)}),
    Example(((0, 1, 2),), {"size": (2, 2)}),
)

LINEAR_EXAMPLES = (
    Example(((3,),), {"size": 6}),
    Example(((2, 3),), {"size": 5, "align_corners": True}),
    Example(((4,),), {"size": 2}),
    Example(((2, 1),), {"size": 3}),
    Example(((3,),), {"size": 1, "align_corners": True}),
    Example(((0, 2),), {"size": 3}),
)

BILINEAR_EXAMPLES = (
    Example(((2, 3),), {"size": (4, 5)}),
    Example(((2, 3, 2),), {"size": (4, 5), "align_corners": True}),
    Example(((3, 4),), {"size": (2, 2)}),
    Example(((1, 1),), {"size": (2, 3)}),
)

INTERP_EXAMPLES = (
    Example(((3,), (3,)), {"knots": (-0.75, 0.25, 1.5)}),
    Example(((2, 2), (4,)), {"knots": (-1.0, -0.5, 0.25, 0.5)}),
    Example(((), (2,)), {"knots": (-3.0, 3.0)}),
    Example(((1,), (3,)), {"knots": (-4.0, -2.0, 8.0)}),
    Example(((0,), (2,)), {"knots": (0.0, 1.0)}),
)

GRID_EXAMPLES = (
    Example(((2, 3, 3), (4, 2))),
    Example(((1, 2, 4), (3, 2))),
    Example(((1, 1, 1), (2, 2))),
    Example(((2, 2, 2), (0, 2))),
)

SQUARE = np.arange(1.0, 5.0).reshape(2, 2)

NEAREST_WITNESSES = (
    Witness(
        (SQUARE,), np.array([[1.0, 1.0, 2.0], [1.0, 1.0, 2.0], [3.0, 3.0, 4.0]]), "floor(2 k / 3)", {"size": (3, 3)}
    ),
)

LINEAR_WITNESSES = (
    Witness((np.array([0.0, 4.0]),), np.array([0.0, 1.0, 3.0, 4.0]), "quarters of the way", {"size": 4}),
    Witness((np.array([0.0, 4.0]),), np.arange(5.0), "a straight line", {"size": 5, "align_corners": True}),
)

BILINEAR_WITNESSES = (
    Witness(
        (SQUARE,),
        np.array([[1.0, 1.5, 2.0], [2.0, 2.5, 3.0], [3.0, 3.5, 4.0]]),
        "1 + 2 row + column",
        {"size": (3, 3), "align_corners": True},
    ),
    Witness((SQUARE,), np.array([[1.0, 1.25, 1.75, 2.0], [3.0, 3.25, 3.75, 4.0]]), "quarters", {"size": (2, 4)}),
)

INTERP_WITNESSES = (
    Witness(
        (np.array([-1.0, 0.5, 2.0, 9.0]), np.array([1.0, 3.0, -1.0])),
        np.array([1.0, 2.0, 1.0, -1.0]),
        "midpoints and ends",
        {"knots": (0.0, 1.0, 3.0)},
    ),
)

GRID_WITNESSES = (
    Witness(
        (SQUARE[None], np.array([[0.5, 0.5], [1.0, 0.25], [-0.5, 0.0], [7.0, 0.0]])),
        np.array([[2.5, 3.25, 0.5, 0.0]]),
        "1 + 2 row + column; half of 1 half outside; nothing far outside",
    ),
)

KEYS = "Keys, Cubic convolution interpolation, IEEE Trans. ASSP 29 (1981), section 1"

OPERATORS = (
    Operator(
        name="upsample_nearest2d",
        family="interpolation",
        signature="(...,h,w)->(...,m,n)",
        definition=upsample_nearest2d,
        examples=NEAREST_EXAMPLES,
        formula="y_kl = x_(floor(k h / m), floor(l w / n))",
        citation=KEYS,
        witnesses=NEAREST_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="upsample_linear1d",
        family="interpolation",
        signature="(...,n)->(...,m)",
        definition=upsample_linear1d,
        examples=LINEAR_EXAMPLES,
        formula="y_k = (1 - t) x_i + t x_(i+1), i + t = (k + 1/2) n / m - 1/2, or k (n - 1) / (m - 1) with aligned corners",
        citation=KEYS,
        witnesses=LINEAR_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="upsample_bilinear2d",
        family="interpolation",
        signature="(...,h,w)->(...,m,n)",
        definition=upsample_bilinear2d,
        examples=BILINEAR_EXAMPLES,
        formula="upsample_linear1d along both axes",
        citation="Press et al., Numerical Recipes (3rd ed.), section 3.6.1",
        witnesses=BILINEAR_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="interp",
        family="interpolation",
        signature="(...),(n)->(...)",
        definition=interp,
        examples=INTERP_EXAMPLES,
        formula="y = (1 - t) v_i + t v_(i+1), t = (x - k_i) / (k_(i+1) - k_i), k_i <= x < k_(i+1)",
        citation="Press et al., Numerical Recipes (3rd ed.), section 3.0",
        witnesses=INTERP_WITNESSES,
        kinks=(Kink("x is a knot", "anything between the slopes on both sides"),),
        special=(0.25, -0.75, 1.5, -0.5, 0.5, -1.0, 3.0, 1e4),
    ),
    Operator(
        name="grid_sample",
        family="interpolation",
        signature="(c,h,w),(n,2)->(c,n)",
        definition=grid_sample,
        examples=GRID_EXAMPLES,
        formula="y_cn = sum over pixels of x_cij max(0, 1 - |r_n - i|) max(0, 1 - |s_n - j|)",
        citation="Jaderberg et al., Spatial Transformer Networks, arXiv:1506.02025, equation 5",
        witnesses=GRID_WITNESSES,
        kinks=(Kink("a coordinate is a whole number", "anything between the slopes on both sides"),),
        special=(0.0, 1.0, -1.0, 0.5, 2.0, 3.0),
    ),
)
