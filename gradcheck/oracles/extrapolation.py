"""Extrapolation of difference quotients to step 0, with a bound for each entry of the tableau.

Neville's recursion on arbitrary nodes (Richardson extrapolation where they are geometric), as in B. Fornberg,
"Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988), whose weights it
applies without forming them.  The entry is chosen as in C. J. F. Ridders, "Accurate computation of F'(x) and
F'(x)F''(x)", Adv. Eng. Software 4 (1982): least estimated error, where an entry's truncation error is taken from
the two entries it was made of, plus the noise that its weights let through.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gradcheck.records import Array

Index = npt.NDArray[np.intp]

SAFETY = 2.0
"""An error that falls only like step^a, a > 1/4, exceeds the difference of its two parents by up to 3^a/(3^a - 1),
which is at most 4.2; two ladders, whose bounds add, each need half of that."""


@lru_cache
def _windows(count: int) -> tuple[Index, Index, Index, Index]:
    """All windows of consecutive nodes, by size: first and last node, and the window without its first, its last node.

    Windows of one node come first, so that the parents of each window are entries before it.
    """
    first, last, inner, outer = (np.array([], dtype=np.intp),) * 4
    start = 0
    for size in range(1, count + 1):
        k = np.arange(count - size + 1)
        first, last = np.append(first, k), np.append(last, k + size - 1)
        # A single node is judged by the next coarser one, whose error is the larger one; the coarsest by nothing.
        own = start - (count - size + 2) if size > 1 else 0
        inner = np.append(inner, own + k + 1 if size > 1 else k)
        outer = np.append(outer, own + k if size > 1 else k - 1)
        start += k.size
    return first, last, inner, outer


def neville(nodes: Array, values: Array, noise: Array) -> tuple[Array, Array, Array]:
    """Value at node 0 of the polynomial through (nodes, values), its bound, and its finest node, for the best window of nodes.

    nodes: (B, K) positive and decreasing; values, noise: (B, K, m), noise bounding |error of values|.
    Values that are not finite take part in no window.  Returns value, bound and index, (B, m); bound inf where no
    window has two finite nodes.

    With decreasing positive nodes the weights of a window alternate in sign, so the same recursion on the noise with
    alternating signs gives sum |weight| noise exactly.
    """
    b, count, m = values.shape
    if count < 2:
        return np.full((b, m), np.nan), np.full((b, m), np.inf), np.zeros((b, m), dtype=np.intp)
    first, last, inner, outer = _windows(count)
    entry = np.empty((b, first.size, 2 * m))
    entry[:, :count, :m] = values
    entry[:, :count, m:] = noise
    entry[:, 1:count:2, m:] *= -1.0
    fine = nodes[:, last[count:]]
    pull = (fine / (nodes[:, first[count:]] - fine))[:, :, None]
    done = count
    for size in range(2, count + 1):
        more = count - size + 1
        coarser = entry[:, done - more - 1 : done - 1]
        finer = entry[:, done - more : done]
        new = entry[:, done : done + more]
        np.subtract(finer, coarser, out=new)
        new *= pull[:, done - count : done - count + more]
        new += finer
        done += more
    value, through = entry[:, 1:, :m], np.abs(entry[:, 1:, m:])
    gap = np.maximum(np.abs(value - entry[:, outer[1:], :m]), np.abs(value - entry[:, inner[1:], :m]))
    gap *= SAFETY
    gap += through
    cost = np.where(gap >= 0.0, gap, np.inf)
    pick = cost.argmin(axis=1)
    rows, columns = np.arange(b)[:, None], np.arange(m)
    return value[rows, pick, columns], cost[rows, pick, columns], last[1:][pick]


def two_ladders(
    nodes: Array, values: Array, noise: Array
) -> tuple[Array, Array, tuple[tuple[Array, Array], ...], Array]:
    """Extrapolate the even and the odd nodes apart and let each vouch for the other.

    nodes (B, K), values and noise (B, K, m) with K even.  Returns t, b, ((t1, b1), (t2, b2)) and k, where t is the t_i of
    the smaller b_i, k the finest node that it used, and b = b1 + b2 + |t1 - t2|.  A function that aliases with one ladder
    does not with the other: the ratio of their steps is irrational up to rounding.
    """
    b, _, m = values.shape
    # One ladder after the other, (2 B, K / 2).
    apart = nodes.reshape(b, -1, 2).transpose(2, 0, 1).reshape(2 * b, -1)
    both = (a.reshape(b, -1, 2, m).transpose(2, 0, 1, 3).reshape(2 * b, -1, m) for a in (values, noise))
    value, bound, last = neville(apart, *both)
    t1, t2, b1, b2 = value[:b], value[b:], bound[:b], bound[b:]
    better = b1 <= b2
    t = np.where(better, t1, t2)
    total = b1 + b2 + np.abs(t1 - t2)
    used = np.where(better, 2 * last[:b], 2 * last[b:] + 1)
    return t, np.where(np.isfinite(total), total, np.inf), ((t1, b1), (t2, b2)), used
