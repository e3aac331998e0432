"""Operators that summarise windows which slide along the last axes.

With ``overhang`` the last window may reach over the end, as long as it starts inside; what lies outside does not count.
"""

from __future__ import annotations

import numpy as np

from gradcheck.claim import POSITIVE, Domain, Example, Kink, Operator, Witness
from gradcheck.records import Array

Pair = tuple[int, int]


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


def max_pool2d(x: Array, *, size: Pair, stride: Pair = (1, 1), padding: int = 0, dilation: int = 1) -> Array:
    """The largest entry of each window along the last two axes; what pads the edges never wins."""
    beside = ((0, 0),) * (x.ndim - 2)
    inside = np.pad(np.ones(x.shape[-2:], dtype=bool), padding)
    padded = np.pad(x, (*beside, (padding, padding), (padding, padding)))
    reach = [dilation * (n - 1) + 1 for n in size]
    rows = range(0, padded.shape[-2] - reach[0] + 1, stride[0])
    columns = range(0, padded.shape[-1] - reach[1] + 1, stride[1])
    windows = [[(slice(i, i + reach[0], dilation), slice(j, j + reach[1], dilation)) for j in columns] for i in rows]
    largest = [[np.max(padded[..., a, b][..., inside[a, b]], axis=-1) for a, b in row] for row in windows]
    return np.stack([np.stack(row, axis=-1) for row in largest], axis=-2)


def avg_pool1d(x: Array, *, size: int, stride: int = 1, padding: int = 0) -> Array:
    """The sum of each window divided by its full size; the zeros that pad both ends count."""
    padded = np.pad(x, ((0, 0),) * (x.ndim - 1) + ((padding, padding),))
    starts = _starts(padded.shape[-1], size, stride, False)
    return np.stack([np.sum(padded[..., i : i + size], axis=-1) / size for i in starts], axis=-1)


def _shares(length: int, count: int) -> list[slice]:
    """Where window k of ``count`` begins, floor(k n / count), and ends, ceil((k + 1) n / count)."""
    return [slice(k * length // count, -((-(k + 1) * length) // count)) for k in range(count)]


def adaptive_avg_pool1d(x: Array, *, size: int) -> Array:
    """As many means as asked for; the windows share the last axis as evenly as they can, and overlap where they must."""
    return np.stack([np.mean(x[..., part], axis=-1) for part in _shares(x.shape[-1], size)], axis=-1)


def adaptive_avg_pool2d(x: Array, *, size: Pair) -> Array:
    """The same along the last two axes."""
    rows, columns = _shares(x.shape[-2], size[0]), _shares(x.shape[-1], size[1])
    means = [[np.mean(x[..., a, b], axis=(-2, -1)) for b in columns] for a in rows]
    return np.stack([np.stack(row, axis=-1) for row in means], axis=-2)


def adaptive_max_pool1d(x: Array, *, size: int) -> Array:
    """As many maxima as asked for, of the windows of ``adaptive_avg_pool1d``."""
    return np.stack([np.max(x[..., part], axis=-1) for part in _shares(x.shape[-1], size)], axis=-1)


def lp_pool1d(x: Array, *, p: float, size: int, stride: int = 1) -> Array:
    """The p-norm of each window along the last axis, for positive entries."""
    starts = _starts(x.shape[-1], size, stride, False)
    return np.stack([np.sum(x[..., i : i + size] ** p, axis=-1) ** (1 / p) for i in starts], axis=-1)


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

MAX_POOL2D_EXAMPLES = (
    Example(((4, 4),), {"size": (2, 2), "stride": (2, 2)}),
    Example(((2, 3, 4),), {"size": (2, 3)}),
    Example(((1, 3, 3),), {"size": (2, 2), "stride": (2, 2), "padding": 1}),
    Example(((5, 4),), {"size": (2, 2), "dilation": 2}),
    Example(((7, 6),), {"size": (3, 2), "stride": (1, 2), "dilation": 2}),
    Example(((1, 1),), {"size": (1, 1)}),
    Example(((0, 2, 2),), {"size": (2, 2)}),
)

AVG_POOL1D_EXAMPLES = (
    Example(((6,),), {"size": 2, "stride": 2}),
    Example(((2, 5),), {"size": 3, "padding": 1}),
    Example(((2, 1, 4),), {"size": 2, "stride": 3, "padding": 1}),
    Example(((4,),), {"size": 6, "padding": 3}),
    Example(((1,),), {"size": 1}),
    Example(((0, 3),), {"size": 2}),
)

ADAPTIVE1D_EXAMPLES = (
    Example(((5,),), {"size": 3}),
    Example(((2, 6),), {"size": 2}),
    Example(((2, 3),), {"size": 5}),
    Example(((2, 1, 4),), {"size": 1}),
    Example(((1,),), {"size": 1}),
    Example(((0, 3),), {"size": 2}),
)

ADAPTIVE2D_EXAMPLES = (
    Example(((3, 5),), {"size": (2, 3)}),
    Example(((3, 4, 4),), {"size": (2, 2)}),
    Example(((2, 3),), {"size": (3, 1)}),
    Example(((1, 1),), {"size": (1, 1)}),
    Example(((0, 2, 3),), {"size": (2, 2)}),
)

LP_EXAMPLES = (
    Example(((5,),), {"p": 2.0, "size": 3}),
    Example(((2, 6),), {"p": 3.0, "size": 2, "stride": 2}),
    Example(((4,),), {"p": 1.0, "size": 2}),
    Example(((2, 4),), {"p": 1.5, "size": 2, "stride": 3}),
    Example(((1,),), {"p": 2.0, "size": 1}),
    Example(((0, 3),), {"p": 2.0, "size": 2}),
)

SQUARE = np.arange(1.0, 10.0).reshape(3, 3)
FIVE = np.arange(1.0, 6.0)
SHARED = "He et al., Spatial Pyramid Pooling, arXiv:1406.4729, section 2.2"

MAX_POOL2D_WITNESSES = (
    Witness((SQUARE,), np.array([[5.0, 6.0], [8.0, 9.0]]), "exact", {"size": (2, 2)}),
    Witness(
        (-SQUARE,), np.array([[-1.0, -2.0], [-4.0, -5.0]]), "exact", {"size": (2, 2), "stride": (2, 2), "padding": 1}
    ),
)

AVG_POOL1D_WITNESSES = (
    Witness((FIVE,), np.array([1.5, 3.5]), "exact", {"size": 2, "stride": 2}),
    Witness((FIVE,), np.array([1.0, 2.0, 3.0, 4.0, 3.0]), "3 / 3 and 9 / 3 at the ends", {"size": 3, "padding": 1}),
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
    Operator(
        name="max_pool2d",
        family="pooling",
        signature="(...,h,w)->(...,m,n)",
        definition=max_pool2d,
        examples=MAX_POOL2D_EXAMPLES,
        formula="y_kl = max of x over the window at (k stride_1, l stride_2) - padding, every dilation-th entry",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3",
        witnesses=MAX_POOL2D_WITNESSES,
        kinks=(Kink("several entries of a window are largest", "any convex combination of their unit vectors"),),
        special=(0.0, 1.0, -1.0, 1e4),
    ),
    Operator(
        name="avg_pool1d",
        family="pooling",
        signature="(...,n)->(...,m)",
        definition=avg_pool1d,
        examples=AVG_POOL1D_EXAMPLES,
        formula="y_k = sum of padded x over the window that starts at k stride, divided by the size",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3",
        witnesses=AVG_POOL1D_WITNESSES,
        special=(0.0, 1.0, -1.0, 1e4),
    ),
    Operator(
        name="adaptive_avg_pool1d",
        family="pooling",
        signature="(...,n)->(...,m)",
        definition=adaptive_avg_pool1d,
        examples=ADAPTIVE1D_EXAMPLES,
        formula="y_k = mean of x_i for floor(k n / m) <= i < ceil((k + 1) n / m)",
        citation=SHARED,
        witnesses=(Witness((FIVE,), np.array([1.5, 3.0, 4.5]), "windows 1-2, 2-4, 4-5", {"size": 3}),),
        special=(0.0, 1.0, -1.0, 1e4),
    ),
    Operator(
        name="adaptive_avg_pool2d",
        family="pooling",
        signature="(...,h,w)->(...,m,n)",
        definition=adaptive_avg_pool2d,
        examples=ADAPTIVE2D_EXAMPLES,
        formula="the mean over a window of each axis as in one dimension",
        citation=SHARED,
        witnesses=(Witness((SQUARE,), np.array([[3.0, 4.0], [6.0, 7.0]]), "centres", {"size": (2, 2)}),),
        special=(0.0, 1.0, -1.0, 1e4),
    ),
    Operator(
        name="adaptive_max_pool1d",
        family="pooling",
        signature="(...,n)->(...,m)",
        definition=adaptive_max_pool1d,
        examples=ADAPTIVE1D_EXAMPLES,
        formula="y_k = max of x_i for floor(k n / m) <= i < ceil((k + 1) n / m)",
        citation=SHARED,
        witnesses=(Witness((-FIVE,), np.array([-1.0, -2.0, -4.0]), "windows 1-2, 2-4, 4-5", {"size": 3}),),
        kinks=(Kink("several entries of a window are largest", "any convex combination of their unit vectors"),),
        special=(0.0, 1.0, -1.0, 1e4),
    ),
    Operator(
        name="lp_pool1d",
        family="pooling",
        signature="(...,n)->(...,m)",
        definition=lp_pool1d,
        examples=LP_EXAMPLES,
        formula="y_k = (sum of x_i^p over the window that starts at k stride)^(1/p)",
        citation="Sermanet, Chintala, LeCun, Convolutional Neural Networks Applied to House Numbers, arXiv:1204.3968",
        witnesses=(
            Witness((np.array([3.0, 4.0, 7.5]),), np.array([5.0, 8.5]), "3-4-5 and 8-15-17", {"p": 2.0, "size": 2}),
        ),
        domain=Domain((POSITIVE,)),
        special=(1.0, 2.0, 1e-4, 1e4, 1e30, 1e200),
    ),
)
