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
def _windows(count: int) -> tuple[Index, Index]:
    """First and last node of all windows of consecutive nodes, from the smallest windows to the largest."""
    sizes = range(1, count + 1)
    first = [np.arange(count - size + 1) for size in sizes]
    return np.concatenate(first), np.concatenate([k + size - 1 for k, size in zip(first, sizes, strict=True)])


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
    first, last = _windows(count)
    # Windows come first, so that each size is one block, and lines last, so that factors of a line vary fastest.
    t = np.ascontiguousarray(nodes.T)
    entry = np.empty((2, first.size, m, b))
    entry[0, :count], entry[1, :count] = values.transpose(1, 2, 0), noise.transpose(1, 2, 0)
    np.negative(entry[1, 1:count:2], out=entry[1, 1:count:2])
    fine = t[last[count:]]
    pull = (fine / (t[first[count:]] - fine))[:, None, :]
    # A single node is judged by the next coarser one, whose error is the larger one.
    gap, scratch = np.empty((first.size - 1, m, b)), np.empty((count - 1, m, b))
    np.abs(np.subtract(entry[0, 1:count], entry[0, : count - 1], out=gap[: count - 1]), out=gap[: count - 1])
    done = count
    for size in range(2, count + 1):
        more = count - size + 1
        parents, new = entry[:, done - more - 1 : done], entry[:, done : done + more]
        here, other = gap[done - 1 : done - 1 + more], scratch[:more]
        np.subtract(parents[:, 1:], parents[:, :-1], out=new)
        new *= pull[done - count : done - count + more]
        np.abs(new[0], out=here)
        new += parents[:, 1:]
        np.abs(np.subtract(new[0], parents[0, :-1], out=other), out=other)
        np.maximum(here, other, out=here)
        done += more
    gap *= SAFETY
    gap += np.abs(entry[1, 1:], out=entry[1, 1:])
    np.fmin(gap, np.inf, out=gap)
    pick = gap.argmin(axis=0)
    rows, columns = np.arange(m)[:, None], np.arange(b)
    return entry[0, 1:][pick, rows, columns].T, gap[pick, rows, columns].T, last[1:][pick].T


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
