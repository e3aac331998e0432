"""Operators that summarise windows which slide along the last axes.

With ``overhang`` the last window may reach over the end, as long as it starts inside; what lies outside does not count.
"""

from __future__ import annotations

import numpy as np

from gradcheck.claim import Example, Kink, Operator, Witness
from gradcheck.records import Array


def _starts(length: int, size: int, stride: int, overhang: bool) -> range:
    """Where windows begin."""
    return range(0, length if overhang else length - size + 1, stride)


def max_pool1d(x: Array, *, size: int, stride: int = 1, overhang: bool = False) -> Array:
    """The largest entry of each window along the last axis."""
    starts = _starts(x.shape[-1], size, stride, overhang)
    return np.stack([np.max(x[..., i : i + size], axis=-1) for i in starts], axis=-1)


def avg_pool2d(x: Array, *, size: tuple[int, int], stride: tuple[int, int] = (1, 1), overhang: bool = False) -> Array:
    """The mean of each window along the last two axes; an overhanging window averages what it covers."""
    rows = _starts(x.shape[-2], size[0], stride[0], overhang)
    columns = _starts(x.shape[-1], size[1], stride[1], overhang)
    means = [[np.mean(x[..., i : i + size[0], j : j + size[1]], axis=(-2, -1)) for j in columns] for i in rows]
    return np.stack([np.stack(row, axis=-1) for row in means], axis=-2)


MAX_POOL1D_EXAMPLES = (
    Example(((6,),), {"size": 2, "stride": 2}),
    Example(((2, 3, 7),), {"size": 3, "stride": 2}),
    Example(((2, 8),), {"size": 3, "stride": 3}),
    Example(((2, 7),), {"size": 3, "stride": 3, "overhang": True}),
    Example(((1, 1),), {"size": 1}),
    Example(((2, 6),), {"size": 2, "stride": 3}),
    Example(((5,),), {"size": 3}),
    Example(((0, 4),), {"size": 2}),
)

MAX_POOL1D_WITNESSES = (
    Witness((np.array([3.0, 1.0, 4.0, 1.0, 5.0]),), np.array([4.0, 5.0]), "exact", {"size": 3, "stride": 2}),
    Witness(
        (np.array([3.0, 1.0, 4.0, 1.0, -5.0]),),
        np.array([3.0, 4.0, -5.0]),
        "exact",
        {"size": 2, "stride": 2, "overhang": True},
    ),
)

AVG_POOL2D_EXAMPLES = (
    Example(((4, 4),), {"size": (2, 2), "stride": (2, 2)}),
    Example(((2, 1, 5, 4),), {"size": (3, 2), "stride": (2, 1)}),
    Example(((2, 5, 7),), {"size": (2, 3), "stride": (2, 3), "overhang": True}),
    Example(((3, 4),), {"size": (3, 1)}),
    Example(((1, 1),), {"size": (1, 1)}),
    Example(((5, 3),), {"size": (1, 2), "stride": (3, 2)}),
    Example(((0, 3, 3),), {"size": (2, 2)}),
)

AVG_POOL2D_WITNESSES = (
    Witness(
        (np.arange(1.0, 10.0).reshape(3, 3),),
        np.array([[3.0, 4.0], [6.0, 7.0]]),
        "centre of the window",
        {"size": (2, 2)},
    ),
    Witness(
        (np.arange(1.0, 10.0).reshape(3, 3),),
        np.array([[3.0, 4.5], [7.5, 9.0]]),
        "centre of what is covered",
        {"size": (2, 2), "stride": (2, 2), "overhang": True},
    ),
)

OPERATORS = (
    Operator(
        name="max_pool1d",
        family="pooling",
        signature="(...,n)->(...,m)",
        definition=max_pool1d,
        examples=MAX_POOL1D_EXAMPLES,
        formula="y_k = max of x_i for k stride <= i < k stride + size",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3",
        witnesses=MAX_POOL1D_WITNESSES,
        kinks=(Kink("several entries of a window are largest", "any convex combination of their unit vectors"),),
        special=(0.0, -0.0, 1.0, -1.0, 1e4),
    ),
    Operator(
        name="avg_pool2d",
        family="pooling",
        signature="(...,h,w)->(...,m,n)",
        definition=avg_pool2d,
        examples=AVG_POOL2D_EXAMPLES,
        formula="y_kl = mean of x_ij over the window that starts at (k stride_1, l stride_2)",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3",
        witnesses=AVG_POOL2D_WITNESSES,
        special=(0.0, 1.0, -1.0, 1e4),
    ),
)
