"""Backward passes that are right where entries differ, and wrong at a tie or at a kink.

At a tie any convex combination of the tied branches is accepted, and nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.drawn import pair

DOUBLE = "double-counted ties"
KINK = "wrong at a kink"
NORM = "zero over zero at a kink"


def share(hit: Any, axis: Any) -> Any:
    """Equal shares for all tied entries of the mask ``hit``."""
    return hit / np.sum(hit, axis=axis, keepdims=True)


def extreme(pick: Any, axis: Any, split: bool) -> tuple[Any, Any]:
    """``pick`` (np.max or np.min) along ``axis``, and its vjp: tied entries share the cotangent, or each gets all."""

    def vjp(g: Any, x: Any) -> Any:
        hit = 1.0 * (x == pick(x, axis=axis, keepdims=True))
        g = g if axis is None else np.expand_dims(g, axis)
        return g * (share(hit, axis) if split else hit)

    return lambda x: pick(x, axis=axis), vjp


def reduction(name: str, pick: Any, axis: Any, shape: tuple[int, ...]) -> tuple[Case, Case]:
    """Every tied entry believes to be the only one."""
    forward, right = extreme(pick, axis, split=True)
    return pair(name, DOUBLE, forward, right, extreme(pick, axis, split=False)[1], shape, invisible=True)


def binary_slopes(at_tie: float, sign: int) -> Any:
    """vjp of maximum (sign 1) or minimum (sign -1), with the slope ``at_tie`` for both operands of a tie."""
    return lambda g, x, y: (
        g * np.heaviside(sign * (x - y), at_tie),
        g * np.heaviside(sign * (y - x), at_tie),
    )


def from_order(weights: Any) -> Any:
    """vjp of ``weights @ sort(x)``: each entry gets the weight of its place in a stable order."""

    def vjp(g: Any, x: Any) -> Any:
        slope = np.zeros_like(x)
        slope[np.argsort(x, kind="stable")] = weights
        return g * slope

    return vjp


def from_value(weights: Any) -> Any:
    """Finds the place of an entry by its value: tied entries all find the first place."""
    return lambda g, x: g * weights[np.searchsorted(np.sort(x), x)]


def order_statistic(name: str, weights: list[float], invisible: bool = True) -> tuple[Case, Case]:
    """A weighted sum of sorted entries (median, quantile, trimmed mean, range, sum of the largest)."""
    w = np.array(weights)
    return pair(name, DOUBLE, lambda x: np.sort(x) @ w, from_order(w), from_value(w), w.shape, invisible=invisible)


def sort_vjp(g: Any, x: Any) -> Any:
    """The cotangent goes back along the permutation."""
    slope = np.zeros_like(x)
    slope[np.argsort(x, kind="stable")] = g
    return slope


def running_max_vjp(g: Any, x: Any) -> Any:
    """g_k goes to the first place where the maximum of x_0 .. x_k is reached."""
    slope = np.zeros_like(x)
    for k in range(len(x)):
        slope[np.argmax(x[: k + 1])] += g[k]
    return slope


def running_max_vjp_to_all(g: Any, x: Any) -> Any:
    """g_k goes to every place where it is reached."""
    slope = np.zeros_like(x)
    for k in range(len(x)):
        slope[: k + 1] += g[k] * (x[: k + 1] == np.max(x[: k + 1]))
    return slope


def max_pool(x: Any) -> Any:
    """Maxima of the 2 x 2 blocks of a (2a, 2b) image: an array (a, b)."""
    return np.max(blocks(x), axis=(1, 3))


def blocks(x: Any) -> Any:
    """View a (2a, 2b) image as (a, 2, b, 2)."""
    return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2)


def max_pool_vjp(g: Any, x: Any, split: bool) -> Any:
    """A block of equal pixels shares its cotangent, or every pixel gets all of it."""
    b = blocks(x)
    hit = 1.0 * (b == np.max(b, axis=(1, 3), keepdims=True))
    return ((share(hit, (1, 3)) if split else hit) * g[:, None, :, None]).reshape(x.shape)


def max_norm_vjp(g: Any, x: Any, split: bool) -> Any:
    """vjp of max |x|."""
    hit = 1.0 * (np.abs(x) == np.max(np.abs(x)))
    return g * np.sign(x) * (share(hit, None) if split else hit)


def three_way_clip_vjp(g: Any, x: Any, low: Any, high: Any) -> Any:
    """vjp of minimum(maximum(x, low), high): at a tie the last candidate wins."""
    y = np.maximum(x, low)
    return g * ((x > low) & (y < high)), g * ((x <= low) & (y < high)), g * (y >= high)


def three_way_clip_vjp_closed(g: Any, x: Any, low: Any, high: Any) -> Any:
    """At x = low both claim the cotangent."""
    y = np.maximum(x, low)
    return g * ((x >= low) & (y <= high)), g * ((x <= low) & (y <= high)), g * (y >= high)


def unit(x: Any) -> Any:
    """x / |x| of a vector, 0 at 0; scaled first, so that the smallest numbers keep their direction."""
    top = np.max(np.abs(x))
    x = x / np.where(top > 0, top, 1.0)
    size = np.hypot.reduce(x)
    return x / np.where(size > 0, size, 1.0)


def norm(x: Any) -> Any:
    """The Euclidean norm of a vector, without underflow."""
    return np.hypot.reduce(x)


def distances(x: Any) -> Any:
    """Sum of the distances of all pairs of rows of an (n, 2) array, each with itself included."""
    d = x[:, None] - x[None]
    return np.hypot(d[..., 0], d[..., 1])


def distances_vjp(g: Any, x: Any, guard: bool) -> Any:
    """Row i is pulled by row j along the unit vector between them."""
    d = x[:, None] - x[None]
    r = distances(x)[..., None]
    pull = g[..., None] * d / (np.where(r > 0, r, 1.0) if guard else r)
    return np.sum(pull, axis=1) - np.sum(pull, axis=0)


def spread(x: Any) -> Any:
    """The standard deviation of a vector."""
    return norm(x - np.mean(x)) / np.sqrt(len(x))


def spread_vjp(g: Any, x: Any) -> Any:
    """0 for equal entries, the centred unit vector otherwise."""
    top = np.max(np.abs(x))
    x = x / np.where(top > 0, top, 1.0)
    return g * np.where(np.ptp(x) > 0, unit(x - np.mean(x)), 0.0) / np.sqrt(len(x))


def shrink(x: Any) -> Any:
    """sign(x) max(|x| - 1, 0)."""
    return np.sign(x) * np.maximum(np.abs(x) - 1, 0)


def huber(x: Any) -> Any:
    """x^2/2 for |x| <= 1, |x| - 1/2 beyond."""
    return np.where(np.abs(x) <= 1, x * x / 2, np.abs(x) - 0.5)


def leaky(x: Any) -> Any:
    """x for x > 0, x/10 otherwise."""
    return np.where(x > 0, x, 0.1 * x)


def relu(x: Any) -> Any:
    """max(x, 0)."""
    return np.maximum(x, 0)


def celu(x: Any) -> Any:
    """x for x > 0, exp(x) - 1 otherwise: once continuously differentiable."""
    return np.maximum(x, 0) + np.expm1(np.minimum(x, 0))


CASES: tuple[Case, ...] = (
    *reduction("max/every-tied-entry-gets-all", np.max, None, (5,)),
    *reduction("max/every-tied-entry-of-a-row-gets-all", np.max, 1, (2, 3)),
    *reduction("max/every-tied-entry-of-two-axes-gets-all", np.max, (0, 2), (2, 3, 2)),
    *reduction("min/every-tied-entry-gets-all", np.min, 0, (3, 2)),
    *order_statistic("median/odd-count-found-by-value", [0, 0, 1, 0, 0]),
    *order_statistic("median/even-count-found-by-value", [0, 0.5, 0.5, 0]),
    *order_statistic("quantile/found-by-value", [0, 0.75, 0.25, 0, 0]),
    *order_statistic("trimmed-mean/found-by-value", [0, 0.25, 0.25, 0.25, 0.25, 0]),
    *order_statistic("range/found-by-value", [-1, 0, 0, 1]),
    *order_statistic("sum-of-the-two-largest/found-by-value", [0, 0, 0, 1, 1]),
    *order_statistic("margin-of-the-winner/found-by-value", [0, 0, -1, 1]),
    *pair(
        "sort/cotangent-found-by-value",
        DOUBLE,
        np.sort,
        sort_vjp,
        lambda g, x: g[np.searchsorted(np.sort(x), x)],
        (5,),
        invisible=True,
    ),
    *pair(
        "running-max/every-tied-entry-gets-all",
        DOUBLE,
        np.maximum.accumulate,
        running_max_vjp,
        running_max_vjp_to_all,
        (5,),
        invisible=True,
    ),
    *pair(
        "max-pool/every-tied-pixel-gets-all",
        DOUBLE,
        max_pool,
        lambda g, x: max_pool_vjp(g, x, True),
        lambda g, x: max_pool_vjp(g, x, False),
        (2, 4),
        invisible=True,
    ),
    *pair(
        "max-norm/every-tied-entry-gets-all",
        DOUBLE,
        lambda x: np.max(np.abs(x)),
        lambda g, x: max_norm_vjp(g, x, True),
        lambda g, x: max_norm_vjp(g, x, False),
        (4,),
        invisible=True,
    ),
    *pair(
        "maximum/both-operands-get-all",
        DOUBLE,
        np.maximum,
        binary_slopes(0.5, 1),
        binary_slopes(1.0, 1),
        (4,),
        (4,),
        invisible=True,
    ),
    *pair(
        "maximum/neither-operand-gets-anything",
        DOUBLE,
        np.maximum,
        binary_slopes(0.5, 1),
        binary_slopes(0.0, 1),
        (3,),
        (3,),
        invisible=True,
    ),
    *pair(
        "minimum/both-operands-get-all",
        DOUBLE,
        np.minimum,
        binary_slopes(0.5, -1),
        binary_slopes(1.0, -1),
        (2, 2),
        (2, 2),
        invisible=True,
    ),
    *pair(
        "maximum/three-operands-each-tie-counted",
        DOUBLE,
        lambda x, y, z: np.max([x, y, z], axis=0),
        lambda g, x, y, z: tuple(g * share(1.0 * (np.stack([x, y, z]) == np.max([x, y, z], axis=0)), 0)),
        lambda g, x, y, z: tuple(g * (np.stack([x, y, z]) == np.max([x, y, z], axis=0))),
        (3,),
        (3,),
        (3,),
        invisible=True,
    ),
    *pair(
        "clip/bound-and-argument-both-claim-a-tie",
        DOUBLE,
        lambda x, low, high: np.minimum(np.maximum(x, low), high),
        three_way_clip_vjp,
        three_way_clip_vjp_closed,
        (4,),
        (4,),
        (4,),
        invisible=True,
    ),
    *pair(
        "relu/two-at-zero",
        KINK,
        relu,
        lambda g, x: g * (x > 0),
        lambda g, x: g * (1.0 * (x >= 0) + (x == 0)),
        (5,),
        invisible=True,
    ),
    *pair(
        "relu/minus-one-at-zero",
        KINK,
        relu,
        lambda g, x: g * np.heaviside(x, 0.5),
        lambda g, x: g * np.heaviside(x, -1.0),
        (2, 3),
        invisible=True,
    ),
    *pair(
        "relu/output-over-input",
        NORM,
        relu,
        lambda g, x: g * (x >= 0),
        lambda g, x: g * relu(x) / x,
        (4,),
        invisible=True,
    ),
    *pair(
        "leaky-relu/both-slopes-at-zero",
        KINK,
        leaky,
        lambda g, x: g * np.where(x > 0, 1.0, 0.1),
        lambda g, x: g * (1.0 * (x >= 0) + 0.1 * (x <= 0)),
        (5,),
        invisible=True,
    ),
    *pair(
        "leaky-relu/no-slope-at-zero",
        KINK,
        leaky,
        lambda g, x: g * np.where(x >= 0, 1.0, 0.1),
        lambda g, x: g * (1.0 * (x > 0) + 0.1 * (x < 0)),
        (6,),
        invisible=True,
    ),
    *pair(
        "celu/both-branches-at-zero",
        KINK,
        celu,
        lambda g, x: g * np.exp(np.minimum(x, 0)),
        lambda g, x: g * ((x >= 0) + (x <= 0) * np.exp(np.minimum(x, 0))),
        (5,),
        invisible=True,
    ),
    *pair(
        "huber/both-branches-at-the-seam",
        KINK,
        huber,
        lambda g, x: g * np.clip(x, -1, 1),
        lambda g, x: g * ((np.abs(x) <= 1) * x + (np.abs(x) >= 1) * np.sign(x)),
        (5,),
        invisible=True,
    ),
    *pair(
        "hinge/output-over-margin",
        NORM,
        lambda x: np.maximum(1 - x, 0),
        lambda g, x: -g * (x < 1),
        lambda g, x: -g * np.maximum(1 - x, 0) / (1 - x),
        (4,),
        invisible=True,
    ),
    *pair(
        "soft-threshold/output-over-distance-to-the-threshold",
        NORM,
        shrink,
        lambda g, x: g * (np.abs(x) > 1),
        lambda g, x: g * shrink(x) / (x - np.sign(x)),
        (5,),
        invisible=True,
    ),
    *pair(
        "abs/x-over-absolute-x",
        NORM,
        np.abs,
        lambda g, x: g * np.sign(x),
        lambda g, x: g * x / np.abs(x),
        (4,),
        invisible=True,
    ),
    *pair(
        "absolute-error/quotient-at-equal-arguments",
        NORM,
        lambda x, y: np.sum(np.abs(x - y)),
        lambda g, x, y: (g * np.sign(x - y), g * np.sign(y - x)),
        lambda g, x, y: (g * (x - y) / np.abs(x - y), g * (y - x) / np.abs(y - x)),
        (3,),
        (3,),
        invisible=True,
    ),
    *pair(
        "norm/zero-over-zero", NORM, norm, lambda g, x: g * unit(x), lambda g, x: g * x / norm(x), (3,), invisible=True
    ),
    *pair(
        "hypot/zero-over-zero",
        NORM,
        np.hypot,
        lambda g, x, y: tuple(g * unit(np.array([x, y]))),
        lambda g, x, y: (g * x / np.hypot(x, y), g * y / np.hypot(x, y)),
        (),
        (),
        invisible=True,
    ),
    *pair(
        "distance/zero-over-zero-at-equal-arguments",
        NORM,
        lambda x, y: norm(x - y),
        lambda g, x, y: (g * unit(x - y), g * unit(y - x)),
        lambda g, x, y: (g * (x - y) / norm(x - y), g * (y - x) / norm(x - y)),
        (3,),
        (3,),
        invisible=True,
    ),
    *pair(
        "distance/epsilon-in-the-denominator-only",
        NORM,
        lambda x, y: norm(x - y),
        lambda g, x, y: (g * unit(x - y), g * unit(y - x)),
        lambda g, x, y: (g * (x - y) / (norm(x - y) + 1e-8), g * (y - x) / (norm(x - y) + 1e-8)),
        (4,),
        (4,),
        invisible=True,
    ),
    *pair(
        "pairwise-distances/diagonal-zero-over-zero",
        NORM,
        distances,
        lambda g, x: distances_vjp(g, x, True),
        lambda g, x: distances_vjp(g, x, False),
        (3, 2),
    ),
    *pair(
        "standard-deviation/zero-over-zero-for-a-constant",
        NORM,
        spread,
        spread_vjp,
        lambda g, x: g * (x - np.mean(x)) / (len(x) * spread(x)),
        (4,),
        invisible=True,
    ),
)
