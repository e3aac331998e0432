"""Backward passes that take the right cotangent to the wrong place: permutations, padding, strides, groups.

An all-ones cotangent cannot tell where an entry came from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.drawn import pair

PLACE = "cotangent in the wrong place"
WINDOW = "stride, padding or groups"


def windows(x: Any, width: int, stride: int) -> Any:
    """All windows of a vector: an array (number of windows, width)."""
    return np.stack([x[i : i + width] for i in range(0, len(x) - width + 1, stride)])


def convolve(x: Any, w: Any, stride: int = 1, before: int = 0, after: int = 0) -> Any:
    """Cross-correlation of a vector with a kernel, after padding with zeros."""
    return windows(np.concatenate([np.zeros(before), x, np.zeros(after)]), len(w), stride) @ w


def convolve_vjp(g: Any, x: Any, w: Any, stride: int = 1, before: int = 0, after: int = 0) -> Any:
    """Each output gives its cotangent back to the window that it saw."""
    padded = np.concatenate([np.zeros(before), x, np.zeros(after)])
    slope = np.zeros(len(padded))
    for k, weight in enumerate(g):
        slope[k * stride : k * stride + len(w)] += weight * w
    return slope[before : before + len(x)], g @ windows(padded, len(w), stride)


def convolve_vjp_cropped_at_the_end(g: Any, x: Any, w: Any, before: int, after: int) -> Any:
    """The padding is taken off the wrong side."""
    padded = convolve_vjp(g, np.concatenate([np.zeros(before), x, np.zeros(after)]), w)
    return padded[0][after : after + len(x)], padded[1]


def convolve_vjp_without_remainder(g: Any, x: Any, w: Any, stride: int) -> Any:
    """Dilates the cotangent, and stretches it over an input of another length than the windows reach."""
    dx, dw = convolve_vjp(g, x, w, stride)
    reach = (len(g) - 1) * stride + len(w)
    return np.concatenate([np.zeros(len(x) - reach), dx[:reach]]), dw


def mean_pool(x: Any, width: int) -> Any:
    """Means of blocks of ``width``; a remainder is dropped."""
    count = len(x) // width
    return np.mean(x[: count * width].reshape(count, width), axis=1)


def mean_pool_vjp(g: Any, x: Any, width: int) -> Any:
    """The remainder gets nothing."""
    return np.concatenate([np.repeat(g / width, width), np.zeros(len(x) % width)])


def grouped(x: Any, w: Any) -> Any:
    """Two groups of channels, each with its own matrix: x (n, 4), w (2, 2, 2), result (n, 4)."""
    return np.concatenate([x[:, :2] @ w[0], x[:, 2:] @ w[1]], axis=1)


def grouped_vjp(g: Any, x: Any, w: Any, order: tuple[int, int] = (0, 1)) -> Any:
    """``order`` says which matrix each group is pulled back by."""
    dx = np.concatenate([g[:, :2] @ w[order[0]].T, g[:, 2:] @ w[order[1]].T], axis=1)
    return dx, np.stack([x[:, :2].T @ g[:, :2], x[:, 2:].T @ g[:, 2:]])


def moved(name: str, forward: Any, right: Any, wrong: Any, *shapes: Any, **options: Any) -> tuple[Case, Case]:
    """A cotangent that arrives at the wrong place: no all-ones cotangent can tell."""
    return pair(name, PLACE, forward, right, wrong, *shapes, invisible=True, **options)


PLACES = (
    *moved("transpose/reshaped-instead", np.transpose, lambda g, x: g.T, lambda g, x: g.reshape(x.shape), (2, 3)),
    *moved("transpose/square-left-as-it-is", np.transpose, lambda g, x: g.T, lambda g, x: 1.0 * g, (3, 3)),
    *moved(
        "transpose/permutation-not-inverted",
        lambda x: np.transpose(x, (1, 2, 0)),
        lambda g, x: np.transpose(g, (2, 0, 1)),
        lambda g, x: np.transpose(g, (1, 2, 0)),
        (2, 2, 2),
    ),
    *moved("flip/not-flipped-back", np.flip, lambda g, x: np.flip(g), lambda g, x: 1.0 * g, (5,)),
    *moved(
        "roll/rolled-further", lambda x: np.roll(x, 2), lambda g, x: np.roll(g, -2), lambda g, x: np.roll(g, 2), (5,)
    ),
    *moved(
        "repeat/taken-for-tile",
        lambda x: np.repeat(x, 3),
        lambda g, x: g.reshape(-1, 3).sum(axis=1),
        lambda g, x: g.reshape(3, -1).sum(axis=0),
        (4,),
    ),
    *moved(
        "tile/taken-for-repeat",
        lambda x: np.tile(x, 2),
        lambda g, x: g.reshape(2, -1).sum(axis=0),
        lambda g, x: g.reshape(-1, 2).sum(axis=1),
        (3,),
    ),
    *moved(
        "concatenate/parts-returned-in-the-other-order",
        lambda x, y: np.concatenate([x, y]),
        lambda g, x, y: (g[:3], g[3:]),
        lambda g, x, y: (g[3:], g[:3]),
        (3,),
        (3,),
    ),
    *moved(
        "stack/cut-along-the-wrong-axis",
        lambda x, y: np.stack([x, y], axis=1),
        lambda g, x, y: (g[:, 0], g[:, 1]),
        lambda g, x, y: (g[0], g[1]),
        (2,),
        (2,),
    ),
    *moved(
        "flatten/column-order",
        np.ravel,
        lambda g, x: g.reshape(x.shape),
        lambda g, x: g.reshape(x.shape[::-1]).T,
        (2, 3),
    ),
    *moved(
        "pad/cropped-on-the-other-side",
        lambda x: np.concatenate([np.zeros(2), x, np.zeros(1)]),
        lambda g, x: g[2:-1],
        lambda g, x: g[1:-2],
        (4,),
    ),
    *moved(
        "gather/permutation-applied-instead-of-inverted",
        lambda x: x[[2, 0, 3, 1]],
        lambda g, x: g[[1, 3, 0, 2]],
        lambda g, x: g[[2, 0, 3, 1]],
        (4,),
    ),
)

CONVOLUTIONS = (
    *pair(
        "convolution/padding-taken-off-the-wrong-side",
        WINDOW,
        convolve,
        convolve_vjp,
        convolve_vjp_cropped_at_the_end,
        (5,),
        (3,),
        kwargs={"before": 2, "after": 0},
    ),
    *pair(
        "convolution/stride-remainder-at-the-wrong-end",
        WINDOW,
        convolve,
        convolve_vjp,
        convolve_vjp_without_remainder,
        (6,),
        (3,),
        kwargs={"stride": 2},
    ),
    *pair(
        "convolution/stride-ignored-for-the-kernel",
        WINDOW,
        convolve,
        convolve_vjp,
        lambda g, x, w, stride: (convolve_vjp(g, x, w, stride)[0], g @ windows(x, len(w), 1)[: len(g)]),
        (7,),
        (2,),
        kwargs={"stride": 2},
    ),
    *pair(
        "mean-pool/divides-by-the-input-length",
        WINDOW,
        mean_pool,
        mean_pool_vjp,
        lambda g, x, width: mean_pool_vjp(g, x, width) * width / len(x),
        (6,),
        kwargs={"width": 2},
    ),
    *pair(
        "mean-pool/remainder-gets-the-last-cotangent",
        WINDOW,
        mean_pool,
        mean_pool_vjp,
        lambda g, x, width: np.append(np.repeat(g, width), np.repeat(g[-1:], len(x) % width)) / width,
        (7,),
        kwargs={"width": 3},
    ),
    *pair(
        "grouped-linear/groups-swapped",
        WINDOW,
        grouped,
        grouped_vjp,
        lambda g, x, w: grouped_vjp(g, x, w, (1, 0)),
        (3, 4),
        (2, 2, 2),
    ),
    *pair(
        "grouped-linear/weight-gradient-shared-by-the-groups",
        WINDOW,
        grouped,
        grouped_vjp,
        lambda g, x, w: (grouped_vjp(g, x, w)[0], np.stack([np.mean(grouped_vjp(g, x, w)[1], axis=0)] * 2)),
        (2, 4),
        (2, 2, 2),
    ),
)

CASES: tuple[Case, ...] = (*PLACES, *CONVOLUTIONS)
