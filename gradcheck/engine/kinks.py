"""At a kink: is the answer a generalised derivative (Clarke 1983), or refuted?

The set in question is the convex hull of the limits of gradients at points close by.  A forward that can only be evaluated gives some of
them: its gradients at x + delta w, for directions w that are random, or steered towards the answer.

* An answer in the hull of gradients that were seen is a generalised derivative: it is accepted, whatever was not seen.
* A coordinate whose gradient depends on the sign of its own w alone has a kink of its own: its set is an interval.
* Across a facet between two pieces a continuous function's gradient jumps along the facet's normal.  Coordinates that jump together
  belong together, and the whole set is the product of one set for each such group.
* Where the forward leaps, or its slope is infinite, there is no such set: that is outside.
* An answer outside of a group's hull is refuted once random directions show nothing new: every piece was met at least twice, so
  that what was never met is improbable (Good 1953), or the function is convex or concave along all that was seen, and
  steering has then found the extreme.  Otherwise it stays undecided.
"""

from __future__ import annotations

import numpy as np

from gradcheck.engine.hull import Pieces, Sampler, leaps, nearest
from gradcheck.engine.judge import Judgement, Truth, allowance
from gradcheck.records import Array, Local

__all__ = ["Sampler", "settle"]

NEARLY = 2.0**-8
"""Part of the largest gradient at which an answer counts as reached in a curved set, of which finitely many points are seen, when the
support function does not exclude it."""

NEARER = 1 - 2.0**-10
"""A search goes on while the distance falls below this part of itself; less is the samples' rounding, or no way to get there."""

TOGETHER = 24
"""Coordinates up to which groups are told apart by walking across facets, each walk costing seven gradients."""


def settle(
    sampler: Sampler, answer: Array, u: float, tiny: float, rng: np.random.Generator
) -> tuple[Array, Truth, Array]:
    """(judgement, nearest generalised derivative, allowance) of each of the sampler's rows, all (n,).

    ``u`` and ``tiny`` are the roundoff and the least subnormal of the answer's type.
    """
    n = answer.size
    out = np.full(n, int(Judgement.INCONCLUSIVE))
    if not np.all(np.isfinite(answer)):
        out = np.where(np.isfinite(answer), out, int(Judgement.WRONG))
        return out, _shown(Pieces(sampler, rng), u, tiny), np.zeros(n)
    if leaps(sampler.owner, sampler.x, sampler.g, sampler.rows, rng, jump=False):
        return np.full(n, int(Judgement.OUTSIDE)), _truth(np.full(n, np.nan), np.full(n, np.inf)), np.zeros(n)
    pieces = Pieces(sampler, rng)
    for _ in range(2):
        pieces.pair()
    while pieces.count < 2 and pieces.failed < 24:  # both of a pair may lie too near a tie for differences
        pieces.draw()
    if pieces.count < 2:
        return out, _truth(np.full(n, np.nan), np.full(n, np.inf)), np.zeros(n)
    if not _steer(pieces, answer, np.arange(n), u, tiny):
        _refute(pieces, answer, u, tiny, out)
    if pieces.failed > pieces.count:
        # More directions than not had no gradient to show: what was not met there refutes nothing.
        out[out == Judgement.WRONG] = int(Judgement.INCONCLUSIVE)
    noise, closest = _noise(pieces, u, tiny), nearest(pieces.values, answer)
    if np.all(np.abs(answer - closest) <= noise):
        out[:] = int(Judgement.RIGHT)
    return out, _truth(closest, noise), noise


def _noise(pieces: Pieces, u: float, tiny: float) -> Array:
    """Honest rounding of the answer, by the judge's formula for the largest gradient seen, and the samples' own error."""
    n = pieces.errors.size
    size = np.max(pieces.magnitudes, axis=0)
    honest = allowance(_truth(size, np.zeros(n), magnitude=size, terms=pieces.terms), u, tiny)
    # tiny / u is twice the least normal number: smaller ones have no relative precision to be judged by.
    return np.asarray(honest + pieces.errors + tiny / u)


def _steer(pieces: Pieces, v: Array, part: Array, u: float, tiny: float) -> bool:
    """Whether the answer's coordinates ``part`` come to lie in the hull of what is seen, looking where it would be reached."""
    n = v.size
    for w in (pieces.matching(v), v, -v):
        pieces.look(_spread(w, part, n))
    before = np.inf
    for _ in range(part.size + 4):
        gap = (v - nearest(pieces.values[:, part], v[part], part, v))[part]
        if np.all(np.abs(gap) <= _noise(pieces, u, tiny)[part]):
            return True
        distance = float(np.linalg.norm(gap))
        if distance >= before * NEARER:
            return False
        before = distance
        bent = pieces.curvature()[part] * gap
        for w in (gap, -gap, bent, -bent):
            pieces.look(_spread(w, part, n))
    return False


def _spread(w: Array, part: Array, n: int) -> Array:
    out = np.zeros(n)
    out[part] = w if w.size == part.size else w[part]
    return out


def _refute(pieces: Pieces, v: Array, u: float, tiny: float, out: Array) -> None:
    """Judge coordinate by coordinate, or group by group, an answer that no hull of samples contains as a whole."""
    while pieces.count < pieces.enough and pieces.draw():
        pass
    noise = _noise(pieces, u, tiny)
    low, high = np.min(pieces.values, axis=0), np.max(pieces.values, axis=0)
    outside = (v < low - noise) | (v > high + noise)
    # Before a single coordinate is refuted: where would it move?  Far to either side, at its middle, or in one place of many.
    for i in np.flatnonzero(outside)[:TOGETHER]:
        for far in (4.0, -4.0, 0.0, 0.25):
            pieces.draw(i, far)
    while outside.any() and pieces.count < 4 * pieces.enough and pieces.draw():
        pass
    noise = _noise(pieces, u, tiny)
    low, high = np.min(pieces.values, axis=0), np.max(pieces.values, axis=0)
    inside = (v >= low - noise) & (v <= high + noise)
    still = high - low <= noise
    # Chance may make an entry look like a function of its own sign: before that lets an answer pass, it is put to the test.
    for i in np.flatnonzero(inside & ~still & pieces.by_own_sign(noise))[:TOGETHER]:
        for far in (0.1, -0.1, 3.0, -3.0) * 2:
            pieces.draw(i, far)
    alone = still | pieces.by_own_sign(noise)
    out[alone] = np.where(inside, int(Judgement.RIGHT), int(Judgement.WRONG))[alone]
    rest = np.flatnonzero(~alone)
    if not rest.size:
        return
    if rest.size > (TOGETHER if pieces.sampler.cheap else 8):
        groups = [rest]
    else:
        groups = pieces.groups(rest, noise)
    for group in groups:
        out[group] = _of_group(pieces, v, group, u, tiny)
    # What was seen on the way to one group may hold the rest.
    noise = _noise(pieces, u, tiny)
    low, high = np.min(pieces.values, axis=0), np.max(pieces.values, axis=0)
    found = alone & (out == Judgement.WRONG) & (v >= low - noise) & (v <= high + noise)
    out[found] = int(Judgement.INCONCLUSIVE)


def _exchange(pieces: Pieces, v: Array, group: Array, u: float, tiny: float) -> bool:
    """Whether exchanging entries of a direction, as long as its gradient comes nearer, brings the answer into the hull.

    A function of the order of its arguments has a piece per order: chance would have to meet the answer's own among n!.
    """

    def distance(k: int) -> float:
        return float(np.linalg.norm(pieces.values[k, group] - v[group]))

    best = min(range(pieces.count), key=distance)
    left = 2 * pieces.more * group.size  # twice what chance may spend below: it comes first, and it knows where it goes
    pairs = [(i, j) for i in range(group.size) for j in range(i)]
    nearer = True
    while nearer and left > 0:
        nearer = False
        for k in pieces.rng.permutation(len(pairs))[:left]:
            i, j = group[list(pairs[k])]
            w = pieces.directions[best].copy()
            w[i], w[j] = w[j], w[i]
            left -= 1
            if pieces.take(w) and distance(pieces.count - 1) < distance(best) * NEARER:
                best, nearer = pieces.count - 1, True
    gap = v[group] - nearest(pieces.values[:, group], v[group])
    return bool(np.all(np.abs(gap) <= _noise(pieces, u, tiny)[group]))


def _of_group(pieces: Pieces, v: Array, group: Array, u: float, tiny: float) -> int:
    if _steer(pieces, v, group, u, tiny) or _exchange(pieces, v, group, u, tiny):
        return int(Judgement.RIGHT)
    limit = pieces.count + pieces.more * group.size
    while not pieces.saturated(group, _noise(pieces, u, tiny)):
        if pieces.count >= limit or not pieces.draw():
            break
    noise = _noise(pieces, u, tiny)[group]
    gap = v[group] - nearest(pieces.values[:, group], v[group])
    if np.all(np.abs(gap) <= noise):
        return int(Judgement.RIGHT)
    if pieces.saturated(group, _noise(pieces, u, tiny)):
        return int(Judgement.WRONG)
    if not pieces.one_sign(group, noise):
        return int(Judgement.INCONCLUSIVE)
    # Convex or concave: the set is what its support function says, and that is the slope along each direction.
    seen = pieces.support(group, gap)
    if seen is not None and not seen[0] - seen[2] <= v[group] @ gap <= seen[1] + seen[2] + np.abs(gap) @ noise:
        return int(Judgement.WRONG)
    near = np.linalg.norm(gap) <= NEARLY * np.max(np.abs(pieces.values[:, group]), initial=0.0)
    return int(Judgement.RIGHT if seen is not None and near else Judgement.INCONCLUSIVE)


def _shown(pieces: Pieces, u: float, tiny: float) -> Truth:
    """One of the gradients close by, for an answer that is no number and so is next to none of them."""
    pieces.pair()
    n = pieces.errors.size
    if not pieces.count:
        return _truth(np.full(n, np.nan), np.full(n, np.inf))
    return _truth(pieces.values[0], _noise(pieces, u, tiny))


def _truth(value: Array, bound: Array, magnitude: Array | None = None, terms: Array | None = None) -> Truth:
    return Truth.of(value, bound, Local.KINK, "gradients close by", magnitude=magnitude, terms=terms)
