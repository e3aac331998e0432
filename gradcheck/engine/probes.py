"""Arguments too large for one derivative per entry: directional derivatives along random signs.

With d of random signs the scalar <v - t, d> shows any single wrong entry with its full weight, whatever the number of entries;
several independent directions guard against errors that cancel.  Halving the coordinates of a failing direction then names the entries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradcheck.engine.forward import Forward
from gradcheck.engine.truth import truth
from gradcheck.flat import largest, least
from gradcheck.records import Array, Local

NAMED = 8
"""Wrong entries that are named; beyond that the count is open."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What directional probes of one leaf saw: the wrong coordinates with their truth and bound, and the smallest error surely seen."""

    wrong: tuple[tuple[int, float, float], ...]
    seen: float
    decided: bool
    directions: int
    method: str


def excess(owner: Forward, x: Array, g: Array, v: Array, d: Array, u: float) -> tuple[float, float]:
    """(error beyond the bound, what is allowed) along ``d``; the error is NaN where nothing decides."""
    t = truth(owner, x, g, d[None])
    terms = np.abs(d) @ np.abs(v)
    # Honest rounding of each entry is at most (4 + 6 sqrt m) u |v_i|; added over the entries it cannot exceed this sum.
    allowed = (4 + min(t.terms[0], 6 * np.sqrt(t.terms[0]))) * u * (terms + t.magnitude[0]) + 8 * u * t.scale[0]
    # Each entry may lose a subnormal number per term; along random signs these add up like their root.
    count = np.count_nonzero(d)
    tiny = max(least(kind) for kind in owner.layout.dtypes)
    allowed += (t.terms[0] + 1) * tiny * min(count, 6 * np.sqrt(count))
    kind = Local(int(t.kind[0]))
    if kind not in (Local.SMOOTH, Local.ONE_SIDED) or not np.isfinite(t.bound[0]):
        return np.nan, np.inf
    if t.flat[0] > 0 and np.abs(v @ d) <= t.flat[0]:
        return np.nan, np.inf
    error = np.abs(v @ d - t.value[0])
    return float(max(0.0, error - t.bound[0] - allowed)), float(t.bound[0] + allowed)


def probe(
    owner: Forward,
    x: Array,
    g: Array,
    v: Array,
    span: slice,
    u: float,
    rng: np.random.Generator,
    count: int,
    excuse: Callable[[Array, float], float],
) -> Probe:
    """Probe the coordinates of one leaf along ``count`` random-sign directions.

    ``excuse(d, error)`` is what conditioning and the answer's own rounding explain of an error along d.
    """
    coordinates = np.arange(span.start, span.stop)
    wrong: dict[int, tuple[float, float]] = {}
    seen, decided = np.inf, 0
    for k in coordinates[~np.isfinite(v[coordinates])][:NAMED]:
        single = np.zeros((1, x.size))
        single[0, k] = 1.0
        t = truth(owner, x, g, single)
        # A gradient that overflows its own type is no wrong one.
        fits = not abs(t.value[0]) > min(largest(kind) for kind in owner.layout.dtypes) / 4
        if fits and t.kind[0] != Local.OUTSIDE and (np.isnan(v[k]) or np.isfinite(t.bound[0])):
            wrong[int(k)] = (float(t.value[0]), float(t.bound[0]))
    if wrong or not np.all(np.isfinite(v[coordinates])):
        return Probe(tuple((k, t, b) for k, (t, b) in sorted(wrong.items())), np.inf, bool(wrong), 0, "finiteness")
    for _ in range(count):
        d = np.zeros(x.size)
        d[coordinates] = rng.choice((-1.0, 1.0), size=coordinates.size)
        error, allowed = excess(owner, x, g, v, d, u)
        if np.isnan(error):
            continue
        decided += 1
        # An error e in one entry moves <v, d> by e: it is beyond the bound as soon as e exceeds twice what is allowed.
        seen = min(seen, 2 * allowed)
        if error > 0 and error > excuse(d, error) and additive(owner, x, g, d, coordinates):
            _bisect(owner, x, g, v, d, coordinates, u, wrong)
            break
    found = tuple((k, t, b) for k, (t, b) in sorted(wrong.items()))
    return Probe(found, float(seen), decided > 0, decided, "random-sign directional differences")


def additive(owner: Forward, x: Array, g: Array, d: Array, coordinates: Array) -> bool:
    """Whether the slope along ``d`` is the sum of the slopes of its halves; if not, the point is a kink and refutes nothing."""
    parts = np.zeros((3, x.size))
    parts[0] = d
    half = coordinates.size // 2
    parts[1, coordinates[:half]] = d[coordinates[:half]]
    parts[2, coordinates[half:]] = d[coordinates[half:]]
    t = truth(owner, x, g, parts, sharp=False)
    if not np.all(np.isfinite(t.bound)):
        return True
    # 2^-20: what is missing by more than a millionth of the terms is no rounding.
    slack = np.sum(t.bound) + 2.0**-20 * np.sum(np.abs(t.value))
    return bool(np.abs(t.value[0] - t.value[1] - t.value[2]) <= slack)


def _bisect(
    owner: Forward,
    x: Array,
    g: Array,
    v: Array,
    d: Array,
    coordinates: Array,
    u: float,
    wrong: dict[int, tuple[float, float]],
) -> None:
    pending = [coordinates]
    while pending and len(wrong) < NAMED:
        part = pending.pop()
        restricted = np.zeros_like(d)
        restricted[part] = d[part]
        error, _ = excess(owner, x, g, v, restricted, u)
        if not error > 0:
            continue
        if part.size == 1:
            single = np.zeros((1, x.size))
            single[0, part[0]] = 1.0
            t = truth(owner, x, g, single)
            wrong[int(part[0])] = (float(t.value[0]), float(t.bound[0]))
            continue
        half = part.size // 2
        pending += [part[half:], part[:half]]
