"""At a kink: is the answer a generalised derivative (Clarke 1983), or refuted?

For a forward that can only be evaluated, three things can be known.

* If the directional slopes of sign combinations are the sums of the coordinates' own one-sided slopes, the kinks are separate and
  Clarke's set is the box between them: that decides.
* An answer within the hull of gradients at points close by, some of them chosen by steering towards the answer, is accepted.
* An answer that the hull cannot reach is refuted where the direction of the gap is smooth (all slopes along it agree), or where
  the function is convex or concave along all the lines that were seen, since then steering finds the extreme gradient.
  Otherwise it stays undecided.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from gradcheck.engine.judge import Judgement, Truth
from gradcheck.engine.truth import Forward, truth
from gradcheck.records import Array, Local

NEAR = 2.0**-26
"""Distance of the points close by, relative to the point's own size: curvature moves their gradients by about as much, and a
difference inside that distance keeps the other half of the digits."""

MOST = 24
"""Kinked coordinates up to which a hull is searched; each of its points costs a whole gradient."""


def settle(
    owner: Forward,
    x: Array,
    g: Array,
    basis: Array,
    answer: Array,
    known: Truth,
    slack: Array,
    rng: np.random.Generator,
) -> Array:
    """Judgements of the coordinates that are kinked in ``known``; the other entries of the result are as RIGHT.

    ``answer`` and ``slack`` (the honest rounding) are per row of ``basis``.
    """
    out = np.full(answer.shape, int(Judgement.RIGHT))
    where = np.flatnonzero(known.kind == Local.KINK)
    v, rows = answer[where], basis[where]
    if not np.all(np.isfinite(v)):
        out[where] = np.where(np.isfinite(v), Judgement.INCONCLUSIVE, Judgement.WRONG)
        return out
    right, left = known.value[where] + known.jump[where] / 2, known.value[where] - known.jump[where] / 2
    error = slack[where] + known.bound[where] + known.jump_bound[where]
    if separate(owner, x, g, rows, right, left, error, rng):
        inside = (v >= np.minimum(left, right) - error) & (v <= np.maximum(left, right) + error)
        out[where] = np.where(inside, Judgement.RIGHT, Judgement.WRONG)
        return out
    out[where] = hull(owner, x, g, rows, v, right, left, error, rng)
    return out


def slopes(owner: Forward, x: Array, g: Array, directions: Array) -> tuple[Array, Array, Array]:
    """One-sided slopes (right, left) along each direction, and their bound."""
    t = truth(owner, x, g, directions, sharp=False)
    unknown = (t.kind == Local.UNDECIDED) | (t.kind == Local.OUTSIDE)
    return t.value + t.jump / 2, t.value - t.jump / 2, np.where(unknown, np.inf, t.bound + t.jump_bound)


def separate(
    owner: Forward, x: Array, g: Array, rows: Array, right: Array, left: Array, error: Array, rng: np.random.Generator
) -> bool:
    """Whether slopes along combinations of signs are the sums of the single ones."""
    n = len(rows)
    if n == 1:
        return True
    if n <= 4:
        signs = np.array(list(product((1.0, -1.0), repeat=n)))
    else:
        signs = np.vstack([np.ones(n), -np.ones(n), rng.choice((-1.0, 1.0), size=(5, n))])
    seen, _, bound = slopes(owner, x, g, signs @ rows)
    expected = np.where(signs > 0, right, -left) @ np.ones(n)
    return bool(np.all(np.abs(seen - expected) <= bound + np.sum(error)))


def hull(
    owner: Forward,
    x: Array,
    g: Array,
    rows: Array,
    v: Array,
    right: Array,
    left: Array,
    error: Array,
    rng: np.random.Generator,
) -> int:
    """RIGHT, WRONG or INCONCLUSIVE for the kinked coordinates together."""
    n = len(rows)
    if n <= MOST:
        curvature = np.sign(right - left)
        found: list[Array] = []
        tried: list[Array] = []
        noise = error.copy()
        mixed = np.ptp(curvature) > 0  # else steering by curvature is steering by the gap itself
        for w in [rng.normal(size=n), v, -v, *([curvature * v] if mixed else [])]:
            _sample(owner, x, g, rows, w, found, tried, noise, rng)
        steered = True
        for _ in range(n + 4):
            if not found:
                return int(Judgement.INCONCLUSIVE)
            gap = v - nearest(np.array(found), v)
            if np.all(np.abs(gap) <= noise):
                return int(Judgement.RIGHT)
            seen_both = [_sample(owner, x, g, rows, w, found, tried, noise, rng) for w in (gap, -gap)]
            steered = all(seen_both)
            for w in (curvature * gap, -curvature * gap) if mixed else ():
                _sample(owner, x, g, rows, w, found, tried, noise, rng)
            if nearest_distance(np.array(found), v) >= np.linalg.norm(gap) * (1 - 2.0**-10):
                break
        if not steered:
            return int(Judgement.INCONCLUSIVE)
        # Steering finds extremes; a median, say, is reached in the middle only.  Before an answer is refuted: chance, too.
        for _ in range(4 * n):
            _sample(owner, x, g, rows, rng.normal(size=n), found, tried, noise, rng)
        if np.all(np.abs(v - nearest(np.array(found), v)) <= noise):
            return int(Judgement.RIGHT)
        gap = v - nearest(np.array(found), v)
        candidates = [gap / np.max(np.abs(gap)), np.ones(n)]
    else:
        found, tried, noise = [], [], error
        candidates = [np.ones(n), rng.choice((-1.0, 1.0), size=n)]
    for d in candidates:
        r, lft, bound = slopes(owner, x, g, (d @ rows)[None])
        allowed = bound[0] + np.abs(d) @ noise
        seen = [float(s @ d) for s in found] + [float(r[0]), float(lft[0])]
        if max(seen) - min(seen) <= allowed and not min(seen) - allowed <= v @ d <= max(seen) + allowed:
            return int(Judgement.WRONG)
    if found and one_sign(owner, x, g, rows, found, tried, noise):
        return int(Judgement.WRONG)
    return int(Judgement.INCONCLUSIVE)


def _sample(
    owner: Forward,
    x: Array,
    g: Array,
    rows: Array,
    w: Array,
    found: list[Array],
    tried: list[Array],
    noise: Array,
    rng: np.random.Generator,
) -> bool:
    """Add the gradient close by in direction ``w``, or near it where that line keeps a tie; whether one was found."""
    if _close(owner, x, g, rows, w, found, tried, noise):
        return True
    # An eighth: breaks ties among the entries of w and leaves the order of the distinct ones.
    size = np.max(np.abs(w), initial=0.0)
    return any(
        _close(owner, x, g, rows, w + size / 8 * rng.uniform(-1, 1, w.size), found, tried, noise) for _ in range(2)
    )


def _close(
    owner: Forward, x: Array, g: Array, rows: Array, w: Array, found: list[Array], tried: list[Array], noise: Array
) -> bool:
    """Add the gradient at distance NEAR along ``w``, extrapolated to the point; ``noise`` grows to hold its error."""
    size = np.max(np.abs(w), initial=0.0)
    if not size > 0:
        return False
    w = np.where(w == 0, 2.0**-6, w / size)
    reach = NEAR * max(1.0, float(np.max(np.abs(x), initial=0.0))) if np.any(x) else NEAR
    step = reach * (w @ rows)
    there = truth(owner, x + step, g, rows, reach=np.full(len(rows), reach / 4), sharp=False)
    if np.any(there.kind != Local.SMOOTH):
        return False
    # The gradient changes by about NEAR over that distance if the function's own length is the point's; it may be a
    # sixteenth of it.
    error = there.bound + 16 * NEAR * np.maximum(np.abs(there.value), np.max(np.abs(there.value)))
    if not np.all(np.isfinite(error)):
        return False
    found.append(there.value)
    tried.append(w)
    np.maximum(noise, error, out=noise)
    return True


def nearest(points: Array, v: Array) -> Array:
    """The point of the convex hull of ``points`` nearest to ``v`` (nonnegative least squares with a heavy sum row)."""
    from scipy.optimize import nnls  # late: scipy is slow to import and few functions have kinks

    scale = max(float(np.max(np.abs(points - v))), np.finfo(float).tiny)
    heavy = 2.0**20  # weighs the constraint so that its residue is below 2^-40 of the distance
    system = np.vstack([(points - v).T / scale, np.full((1, len(points)), heavy)])
    weights, _ = nnls(system, np.concatenate([np.zeros(len(v)), [heavy]]))
    total = weights.sum()
    return np.asarray(weights @ points / total) if total > 0 else points[0]


def nearest_distance(points: Array, v: Array) -> float:
    """Euclidean distance of ``v`` from the hull."""
    return float(np.linalg.norm(v - nearest(points, v)))


def one_sign(
    owner: Forward, x: Array, g: Array, rows: Array, found: list[Array], tried: list[Array], noise: Array
) -> bool:
    """Whether all that was seen is consistent with a convex function, or all with a concave one.

    For a convex function the slope along w is the largest <s, w> over Clarke's set, for a concave one the smallest.
    """
    directions = np.array(tried) @ rows
    seen, _, bound = slopes(owner, x, g, directions)
    values = np.array(tried) @ np.array(found).T
    slack = bound + np.abs(np.array(tried)) @ noise
    if not np.all(np.isfinite(slack)):
        return False
    return bool(np.all(np.max(values, axis=1) <= seen + slack) or np.all(np.min(values, axis=1) >= seen - slack))
