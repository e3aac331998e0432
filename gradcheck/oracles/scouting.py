"""Where along each line to look, decided while looking; and how much the function jitters there."""

from __future__ import annotations

import numpy as np

from gradcheck.oracles import noise
from gradcheck.oracles.line import Line
from gradcheck.oracles.steps import RATIO, Scale, measure_scale, unit_step
from gradcheck.records import Array

TOP = 0.06
"""H / R.  With four nodes H 3^-k the guarded truncation error, about (H/R)^6 / 3^6, then meets the noise, u R / H 3^3."""

LADDER = np.stack([3.0 ** -np.arange(8.0), 3.0 ** -np.arange(8.0) / np.sqrt(2.0)], axis=1).ravel()
"""Steps of both ladders in units of H, decreasing."""

PAIRED, SINGLE_SIDED = 7, 14
"""Rungs of the ladders; the next two are scouted first, where nothing better is to be learnt."""

AT_ONCE = {n: np.concatenate([LADDER[n : n + 2], LADDER[:n]]) for n in (PAIRED, SINGLE_SIDED)}
"""These two, and the ladders, in the order in which they are taken."""


def explore(line: Line, roundoff: Array) -> Array:
    """Scout on, place the ladders, measure the noise: 14 pairs in all, or 24 steps on one side.

    Returns the standard deviation of the noise, (D, m).
    """
    unit = 0.25 * unit_step(line.directions)
    rungs = PAIRED if line.two_sided else SINGLE_SIDED
    scale = measure_scale(line.steps, line.up, line.down, line.centre, roundoff)
    # What is constant between a first step near 0 and the unit step is learnt beyond only.
    hollow = line.first < unit * RATIO**2
    widest = line.steps[:, 0]
    if not (scale.descend | (scale.blind & (widest < unit)) | (hollow & (widest == unit))).any():
        # Tame at once: nothing more is to be learnt before the ladders are placed.
        top = TOP * np.minimum(scale.length, line.limit)
        return _look_and_listen(line, top[:, None] * AT_ONCE[rungs], top * RATIO)
    for depth, spare in ((1, rungs), (2, rungs + 1)):
        scale = _scout(line, scale, unit, hollow, depth, LADDER[spare], roundoff)
    length = np.where(scale.rough, 4.0 * line.first, scale.length)
    ladder = TOP * np.minimum(length, line.limit)[:, None] * LADDER[:rungs]
    spacing = ladder[:, 0] * RATIO
    smallest, largest = np.min(line.steps, axis=1), np.max(line.steps, axis=1)
    # A ladder far out beside an x near 0: what is constant near x, and moves out there, is looked at in both places.
    apart = (largest == unit) & (length > 16.0 * line.first) & hollow
    ladder[:, -2:] = np.where(apart[:, None], line.first[:, None] * LADDER[2:4] * LADDER[2], ladder[:, -2:])
    # Nothing tame was found: spread the rungs over all that was scouted, down to the smallest step.
    everywhere = smallest[:, None] * (largest / smallest)[:, None] ** np.linspace(0.9, 0.05, rungs)
    return _look_and_listen(line, np.where((scale.descend & ~scale.rough)[:, None], everywhere, ladder), spacing)


def _scout(line: Line, scale: Scale, unit: Array, hollow: Array, depth: int, spare: float, roundoff: Array) -> Scale:
    """Take one more step, chosen by what is known of the scale, and measure it again."""
    smallest, widest = np.min(line.steps, axis=1), np.max(line.steps, axis=1)
    rung = TOP * np.minimum(scale.length, line.limit) * spare
    # The last look goes as near as values of size 1 allow to be resolved: a kink may be close to x.
    deeper = np.where(smallest * RATIO > unit, unit, smallest * RATIO**depth)
    # A component that stays the same on a quarter of x is constant there; next to 0 it may only seem so.
    wider = scale.blind & (widest < unit) & ~scale.descend
    below = (widest == unit) & hollow
    step = np.where(below, unit * RATIO, np.where(scale.descend, deeper, np.where(wider, unit, rung)))
    line.look(step[:, None])
    if not (scale.descend | wider | below).any():
        return scale
    return measure_scale(line.steps, line.up, line.down, line.centre, roundoff)


def _look_and_listen(line: Line, steps: Array, spacing: Array) -> Array:
    """Take these steps, and some closely spaced ones that give the standard deviation of the noise, (D, m)."""
    multiples = noise.PAIRED if line.two_sided else noise.SINGLE_SIDED
    # Rounded first, so that samples closer than the representable steps do not fall together.
    spacing = line.lattice.round(np.minimum(spacing, line.limit / multiples[-1])[:, None], 2.0 * multiples[-1])
    line.look(np.concatenate([steps, spacing * multiples], axis=1))
    k = multiples.size
    t, up, down = line.steps[:, -k:], line.up[:, -k:], line.down
    # Of f - f(x), so that the sums of what is constant vanish exactly.
    nodes, samples = np.zeros((len(t), 7)), np.zeros((len(t), 7, line.centre.size))
    nodes[:, 7 - k :] = t
    np.subtract(up, line.centre, out=samples[:, 7 - k :])
    if down is not None:
        nodes[:, :k] = -t[:, ::-1]
        np.subtract(down[:, : -k - 1 : -1], line.centre, out=samples[:, :k])
    return noise.sigma(nodes, samples)
