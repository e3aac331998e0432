"""Extrapolation of difference quotients to step 0, with a bound for each entry of the tableau.

Neville's recursion on arbitrary nodes (Richardson extrapolation where they are geometric), as in B. Fornberg,
"Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988), whose weights it
applies without forming them.  The entry is chosen as in C. J. F. Ridders, "Accurate computation of F'(x) and
F'(x)F''(x)", Adv. Eng. Software 4 (1982): least estimated error, where an entry's truncation error is taken from
the two entries it was made of, plus the noise that its weights let through.
"""

from __future__ import annotations

import numpy as np

from gradcheck.records import Array

SAFETY = 2.0
"""An error that falls only like step^a, a > 1/4, exceeds the difference of its two parents by up to 3^a/(3^a - 1),
which is at most 4.2; two ladders, whose bounds add, each need half of that."""


def neville(nodes: Array, values: Array, noise: Array) -> tuple[Array, Array]:
    """Value at node 0 of the polynomial through (nodes, values), and its bound, for the best window of nodes.

    nodes: (B, K) positive and decreasing; values, noise: (B, K, m), noise bounding |error of values|.
    Values that are not finite take part in no window.  Returns value and bound, (B, m); bound inf where no
    window has two finite nodes.

    With decreasing positive nodes the weights of a window alternate in sign, so the same recursion on the noise with
    alternating signs gives sum |weight| noise exactly.
    """
    count, m = values.shape[1:]
    sign = np.where(np.arange(count) % 2 == 0, 1.0, -1.0)[:, None]
    entry = np.concatenate([values, noise * sign], axis=2)
    best = np.full(values.shape[::2], np.nan)
    least = np.full(values.shape[::2], np.inf)
    # Windows of one node: judged by the next coarser node, whose error is the larger one.
    steps = np.abs(values[:, 1:] - values[:, :-1])
    candidates = [values[:, 1:]]
    costs = [SAFETY * steps + noise[:, 1:]]
    for size in range(2, count + 1):
        coarse = nodes[:, : count - size + 1]
        fine = nodes[:, size - 1 :]
        pull = (fine / (coarse - fine))[:, :, None]
        previous = entry
        change = (previous[:, 1:] - previous[:, :-1]) * pull
        entry = previous[:, 1:] + change
        value = entry[:, :, :m]
        gap = np.maximum(np.abs(change[:, :, :m]), np.abs(value - previous[:, :-1, :m]))
        candidates.append(value)
        costs.append(SAFETY * gap + np.abs(entry[:, :, m:]))
    value = np.concatenate(candidates, axis=1)
    cost = np.concatenate(costs, axis=1)
    cost[~(cost >= 0.0)] = np.inf
    if value.shape[1]:
        pick = np.argmin(cost, axis=1)[:, None]
        best = np.take_along_axis(value, pick, axis=1)[:, 0]
        least = np.take_along_axis(cost, pick, axis=1)[:, 0]
    return best, least


def two_ladders(nodes: Array, values: Array, noise: Array) -> tuple[Array, Array, tuple[tuple[Array, Array], ...]]:
    """Extrapolate the even and the odd nodes apart and let each vouch for the other.

    nodes (B, K), values and noise (B, K, m) with K even.  Returns t, b and ((t1, b1), (t2, b2)), where t is the t_i of
    the smaller b_i and b = b1 + b2 + |t1 - t2|.  A function that aliases with one ladder does not with the other:
    the ratio of their steps is irrational up to rounding.
    """
    b = nodes.shape[0]

    def split(a: Array) -> Array:
        return np.concatenate([a[:, 0::2], a[:, 1::2]], axis=0)

    value, bound = neville(split(nodes), split(values), split(noise))
    t1, t2, b1, b2 = value[:b], value[b:], bound[:b], bound[b:]
    t = np.where(b1 <= b2, t1, t2)
    total = b1 + b2 + np.abs(t1 - t2)
    return t, np.where(np.isfinite(total), total, np.inf), ((t1, b1), (t2, b2))
