"""Selection by hand: orders, extremes, pooling, gathers and scatters, bins, clips."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import interval
from tests.meta.pairs import normal, twins


def first(x: Any, i: Any, g: Any) -> Any:
    out = np.zeros_like(x)
    np.put_along_axis(out, i, g, -1)
    return out


def max_back(g: Any, x: Any) -> Any:
    return first(x, x.argmax(-1)[..., None], g[..., None])


def median_back(g: Any, x: Any, weight: float = 0.5) -> Any:
    order, out, n = np.argsort(x, kind="stable"), np.zeros_like(x), len(x)
    out[order[n // 2]] += g * (weight if n % 2 == 0 else 1)
    if n % 2 == 0:
        out[order[n // 2 - 1]] += g * (1 - weight)
    return out


def sort_back(g: Any, x: Any, inverse: bool = True) -> Any:
    order = np.argsort(x, axis=-1, kind="stable")
    if not inverse:
        return np.take_along_axis(g, order, -1)
    return first(x, order, g)


def top2(x: Any) -> Any:
    return -np.sort(-x, axis=-1)[..., :2]


def top2_back(g: Any, x: Any, ranks: bool = True) -> Any:
    order = np.argsort(-x, axis=-1, kind="stable")[..., :2]
    return first(x, order if ranks else np.sort(order, -1), g)


def cummax_back(g: Any, x: Any, summed: bool = True) -> Any:
    out, best = np.zeros_like(x), 0
    for k in range(len(x)):
        best = k if x[k] > x[best] else best
        out[best] = out[best] + g[k] if summed else g[k]
    return out


def pool(x: Any) -> Any:
    return np.stack([x[2 * k : 2 * k + 3].max() for k in range((len(x) - 1) // 2)])


def pool_back(g: Any, x: Any, summed: bool = True, all_ties: bool = False) -> Any:
    out = np.zeros_like(x)
    for k in range(len(g)):
        w = x[2 * k : 2 * k + 3]
        hot = (w == w.max()).astype(float) if all_ties else np.eye(3)[w.argmax()]
        if summed:
            out[2 * k : 2 * k + 3] += g[k] * hot
        else:
            out[2 * k : 2 * k + 3] = np.where(hot > 0, g[k] * hot, out[2 * k : 2 * k + 3])
    return out


def lookup_back(g: Any, table: Any, idx: Any, how: str = "add") -> Any:
    out = np.zeros_like(table)
    if how == "add":
        np.add.at(out, idx, g)
    elif how == "buffered":
        out[idx] += g
    else:
        np.add.at(out, np.where(idx < 0, 0, idx), g)
    return out


def segment_max(x: Any, seg: Any) -> Any:
    return np.stack([x[seg == k].max() if (seg == k).any() else np.float64(0) for k in range(4)])


def segment_max_back(g: Any, x: Any, seg: Any, shared: str = "even") -> Any:
    hit = (x == segment_max(x, seg)[seg]).astype(float)
    n = np.bincount(seg, weights=hit, minlength=4)
    return g[seg] * hit / (n[seg] if shared == "even" else 1)


def scatter_set(x: Any, src: Any, idx: Any) -> Any:
    out = x.copy()
    out[idx] = src
    return out


def scatter_set_back(g: Any, x: Any, src: Any, idx: Any, covered: bool = True) -> Any:
    dx = g.copy()
    if covered:
        dx[idx] = 0
    return dx, g[idx]


def piecewise(x: Any, y: Any) -> Any:
    """Linear interpolation of the values y at the knots 0, 1, 2, 3; constant outside."""
    c = np.clip(x, 0, 3)
    k = np.minimum(c.astype(int), 2)
    return y[k] * (1 - (c - k)) + y[k + 1] * (c - k)


def piecewise_back(g: Any, x: Any, y: Any, flat: bool = True, summed: bool = True) -> Any:
    c = np.clip(x, 0, 3)
    k = np.minimum(c.astype(int), 2)
    inside = ((x >= 0) & (x <= 3)) if flat else 1.0
    dy = np.zeros_like(y)
    if summed:
        np.add.at(dy, k, g * (1 - (c - k)))
        np.add.at(dy, k + 1, g * (c - k))
    else:
        dy[k] += g * (1 - (c - k))
        dy[k + 1] += g * (c - k)
    return g * inside * (y[k + 1] - y[k]), dy


def norm_max_back(g: Any, x: Any, how: str = "first") -> Any:
    a = np.abs(x)
    if how == "first":
        return g * np.sign(x) * np.eye(len(x))[a.argmax()]
    return g * np.sign(x) * (a == a.max())


def clip_norm(x: Any) -> Any:
    return x / np.maximum(1.0, np.sqrt((x * x).sum()))


def clip_norm_back(g: Any, x: Any, whole: bool = True) -> Any:
    n = np.sqrt((x * x).sum())
    if n <= 1:
        return g.copy()
    return g / n - (x * (g @ x) / n**3 if whole else 0)


def range_back(g: Any, x: Any, sign: float = -1.0) -> Any:
    return max_back(g, x) + sign * max_back(g, -x)


def trimmed(x: Any) -> Any:
    return np.sort(x)[1:-1].mean()


def trimmed_back(g: Any, x: Any, n: int = 2) -> Any:
    order, out = np.argsort(x, kind="stable"), np.zeros_like(x)
    out[order[1:-1]] = g / (len(x) - n)
    return out


def quantile(x: Any, q: float) -> Any:
    return np.quantile(x, q)


def quantile_back(g: Any, x: Any, q: float, between: bool = True) -> Any:
    order, out = np.argsort(x, kind="stable"), np.zeros_like(x)
    p = q * (len(x) - 1)
    k = int(p)
    w = p - k if between else round(p - k)
    out[order[k]] += g * (1 - w)
    if w:
        out[order[k + 1]] += g * w
    return out


def sign_split(x: Any, w: Any) -> Any:
    return np.where(x >= 0, x, w * x)


def safe_root(x: Any) -> Any:
    return np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)) * x, 0.0)


def naive_root_back(g: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return g * (x > 0) * 1.5 * np.sqrt(x)


IDX = np.array([0, 2, 2, 1, 2])
NEGATIVE = np.array([0, -1, -1, 3])
SEG = np.array([0, 0, 1, 1, 3])
KNOTS = np.array([0.3, 2.7, 0.9, 1.5])

CASES = (
    *twins(
        "select: median of an even count",
        "ties and selection",
        np.median,
        median_back,
        (normal(1, 6),),
        hard=True,
        lower_one_only=lambda g, x: median_back(g, x, 0.0),
        both_whole=lambda g, x: 2 * median_back(g, x),
    ),
    *twins(
        "select: sorted rows",
        "indexing",
        lambda x: np.sort(x, axis=-1),
        sort_back,
        (np.array([[0.0, 1.0, 2.0], [3.0, 1.0, 2.0]]),),
        unseen="*",
        permutation_not_inverted=lambda g, x: sort_back(g, x, False),
    ),
    *twins(
        "select: two largest, in order",
        "cotangent mishandled",
        top2,
        top2_back,
        (normal(3, 2, 5),),
        unseen="*",
        in_order_of_place=lambda g, x: top2_back(g, x, False),
    ),
    *twins(
        "select: running maximum",
        "indexing",
        np.maximum.accumulate,
        cummax_back,
        (np.array([1.0, 0.2, 0.5, 2.0, 1.5]),),
        hard=True,
        last_one_kept=lambda g, x: cummax_back(g, x, False),
    ),
    *twins(
        "select: overlapping pools",
        "repeated index overwritten",
        pool,
        pool_back,
        (np.array([0.1, 0.4, 2.0, 0.3, -1.0, 0.2, 0.0]),),
        hard=True,
        overwritten=lambda g, x: pool_back(g, x, False),
        ties_counted_twice=lambda g, x: pool_back(g, x, True, True),
        unseen="ties_counted_twice",
    ),
    *twins(
        "select: pools of equal numbers",
        "double-counted ties",
        pool,
        pool_back,
        (np.ones(5),),
        hard=True,
        unseen="*",
        counted_thrice=lambda g, x: pool_back(g, x, True, True),
    ),
    *twins(
        "select: rows of a table",
        "repeated index overwritten",
        lambda table, idx: table[idx],
        lookup_back,
        (normal(4, 4, 2), IDX),
        buffered=lambda g, table, idx: lookup_back(g, table, idx, "buffered"),
    ),
    *twins(
        "select: rows counted from the end",
        "indexing",
        lambda table, idx: table[idx],
        lookup_back,
        (normal(5, 5, 2), NEGATIVE),
        negative_taken_for_none=lambda g, table, idx: lookup_back(g, table, idx, "clamped"),
    ),
    *twins(
        "select: maximum of segments, one empty",
        "double-counted ties",
        segment_max,
        segment_max_back,
        (np.array([1.0, 1.0, 0.5, 2.0, -3.0]), SEG),
        hard=True,
        unseen="*",
        every_tie_whole=lambda g, x, seg: segment_max_back(g, x, seg, "whole"),
    ),
    *twins(
        "select: values put into places",
        "graph accumulation",
        scatter_set,
        scatter_set_back,
        (normal(6, 5), normal(7, 2), np.array([3, 1])),
        what_was_covered=lambda g, x, src, idx: scatter_set_back(g, x, src, idx, False),
    ),
    *twins(
        "select: linear interpolation",
        "repeated index overwritten",
        piecewise,
        piecewise_back,
        (KNOTS, normal(8, 4)),
        hard=True,
        slope_outside=lambda g, x, y: piecewise_back(g, x, y, flat=False),
        values_buffered=lambda g, x, y: piecewise_back(g, x, y, summed=False),
    ),
    *twins(
        "select: maximum norm",
        "double-counted ties",
        lambda x: np.abs(x).max(),
        norm_max_back,
        (np.array([2.0, -2.0, 1.0, 0.5]),),
        hard=True,
        unseen="*",
        all_of_them=lambda g, x: norm_max_back(g, x, "all"),
    ),
    *twins(
        "select: vector clipped to the unit ball",
        "wrong only beyond a threshold",
        clip_norm,
        clip_norm_back,
        (0.1 * normal(9, 4),),
        hard=True,
        norm_constant=lambda g, x: clip_norm_back(g, x, False),
    ),
    *twins(
        "select: largest less smallest",
        "sign",
        lambda x: x.max(-1) - x.min(-1),
        range_back,
        (normal(10, 2, 4),),
        added=lambda g, x: range_back(g, x, 1.0),
    ),
    *twins(
        "select: trimmed mean",
        "constant factor",
        trimmed,
        trimmed_back,
        (normal(11, 5),),
        hard=True,
        divided_by_all=lambda g, x: trimmed_back(g, x, 0),
    ),
    *twins(
        "select: quantile between two",
        "ties and selection",
        quantile,
        quantile_back,
        (normal(12, 6),),
        options={"kwargs": {"q": 0.3}},
        hard=True,
        nearest=lambda g, x, q: quantile_back(g, x, q, False),
    ),
    *twins(
        "select: leaky unit with a learned slope",
        "activation derivative",
        sign_split,
        lambda g, x, w: (np.where(x >= 0, g, g * w), np.where(x >= 0, 0, g * x).sum(0)),
        (np.abs(normal(13, 3, 2)), np.array([0.1, 0.2])),
        slope_of_positives=lambda g, x, w: (np.where(x >= 0, g, g * w), np.where(x >= 0, g * x, 0).sum(0)),
        slope_not_summed=lambda g, x, w: (np.where(x >= 0, g, g * w), np.where(x >= 0, 0, g * x)[0]),
    ),
    *twins(
        "select: power behind a mask",
        "where and NaN",
        safe_root,
        lambda g, x: np.where(x > 0, g * 1.5 * np.sqrt(np.maximum(x, 0)), 0),
        (np.array([1.0, 4.0, 0.25]),),
        hard=True,
        nan_behind_the_mask=naive_root_back,
    ),
    *twins(
        "select: clipped at its bounds",
        "ties and selection",
        lambda x: np.clip(x, -1, 1),
        lambda g, x: g * ((x > -1) & (x < 1)),
        (np.array([-1.0, 1.0, 0.5, 1.0]),),
        hard=True,
        unseen="*",
        twice_at_the_bound=lambda g, x: g * (1.0 * (x >= -1) * (x <= 1) + (np.abs(x) == 1)),
    ),
    *twins(
        "select: halves of a rectangle",
        "indexing",
        lambda x: x[::2, 1:] * 2.0,
        lambda g, x: (out := np.zeros_like(x), out.__setitem__((slice(None, None, 2), slice(1, None)), 2 * g))[0],
        (normal(14, 4, 3),),
        shifted=lambda g, x: (out := np.zeros_like(x), out.__setitem__((slice(1, None, 2), slice(1, None)), 2 * g))[0],
    ),
    *twins(
        "select: hinge of ordered pairs",
        "ties and selection",
        lambda x: np.maximum(0, 1 - np.diff(x)),
        lambda g, x: (d := np.where(np.diff(x) < 1, g, 0), np.append(d, 0) - np.append(0, d))[1],
        (np.array([0.0, 1.0, 1.5, 4.0]),),
        hard=True,
        minus_lost=lambda g, x: (d := np.where(np.diff(x) < 1, g, 0), np.append(d, 0) + np.append(0, d))[1],
        options={"domain": interval(-50, 50)},
    ),
)
