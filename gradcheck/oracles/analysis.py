"""From what was seen along lines to slopes with bounds, and to what kind of place the point is."""

from __future__ import annotations

import numpy as np

from gradcheck.oracles import evidence
from gradcheck.oracles.estimates import without
from gradcheck.oracles.extrapolation import two_ladders
from gradcheck.oracles.line import Line
from gradcheck.oracles.steps import unit_step
from gradcheck.records import Array, Estimate, Local

SPREAD = 4.0
"""Noise amplitude in standard deviations: evenly distributed noise reaches 1.7, and its estimate from seven values
may be half of the truth."""

COARSEST = 2.0**-7
"""Coarser than the rounding of any floating-point format: noise of that size, relative to f, is structure not resolved."""

EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).smallest_subnormal)


def analyse(line: Line, sigma: Array, roundoff: Array, quantum: float) -> Estimate:
    """The estimate from all steps of a line; sigma (D, m): standard deviation of the noise; roundoff: (m,);
    quantum: absolute resolution of the values.
    """
    order = (-line.steps).argsort(axis=1)
    rows = np.arange(len(order))[:, None]
    steps, up, centre, down = line.steps[rows, order], line.up[rows, order], line.centre, line.down
    h = steps[:, :, None]
    rise = up - centre
    flat = rise == 0.0
    size = np.maximum(np.abs(up), np.abs(centre))
    right = rise / h
    slope, weight = right, 2.0
    twist = left = fall = None
    if down is not None:
        down = down[rows, order]
        fall = centre - down
        flat &= fall == 0.0
        size = np.maximum(size, np.abs(down))
        left = fall / h
        # Two values err in each difference, but those of a central one are 2 h apart.
        slope, weight = (up - down) / (2.0 * h), 1.0
        twist = right - left
    # Steps that rounding has made equal must not vouch for each other.
    equal = steps[:, 1:] == steps[:, :-1]
    if equal.any():
        for quotient in (slope, twist):
            if quotient is not None:
                quotient[:, 1:][equal] = np.nan
    measured = SPREAD * np.where(np.isfinite(sigma), sigma, 0.0)[:, None]
    rounding = roundoff * size + quantum + TINY
    constant = bool(flat.any())
    near = 4.0 * line.first[:, None, None]
    if constant:
        measured = np.maximum(measured, evidence.quantum(rise, fall, flat, size))
        steepest = np.abs(right) if left is None else np.fmax(np.abs(right), np.abs(left))
        rounding = np.maximum(rounding, evidence.hidden(slope, steepest, flat, size, h, near))
    nodes, jitter = steps / steps[:, :1], measured + rounding
    noise = weight * jitter / h
    jump = jump_bound = None
    if twist is None:
        value, bound, witnesses, used = two_ladders(nodes, slope, noise)
    else:
        # Slopes and the jump of the slope in one go: even powers of the step for one, all powers for the other.
        both = two_ladders(
            np.concatenate([nodes * nodes, nodes]),
            np.concatenate([slope, twist]),
            np.concatenate([noise, 4.0 * noise]),
        )
        b = len(nodes)
        value, bound, used, jump, jump_bound = both[0][:b], both[1][:b], both[3][:b], both[0][b:], both[1][b:]
        witnesses = tuple((t[:b], wb[:b]) for t, wb in both[2])
    unseen = evidence.unseen_noise(slope, value, bound, jitter, h, 1 if twist is None else 2, used)
    if unseen.any():
        measured = np.maximum(measured, unseen)
        noise = weight * (measured + rounding) / h
        value, bound, witnesses, used = two_ladders(nodes if twist is None else nodes**2, slope, noise)
        if twist is not None:
            jump, jump_bound, _, _ = two_ladders(nodes, twist, 4.0 * noise)
    # Noise as large as f is rounding of results of size one, if anything: long steps do not make less of it than steps of that size.
    swamped = measured[:, 0] > COARSEST * size[:, 2]
    if swamped.any():
        amplitude = np.maximum(measured[:, 0], np.max(size, axis=1))
        least = np.where(swamped, amplitude / unit_step(line.directions)[:, None], 0.0)
        bound = np.maximum(bound, least)
        witnesses = tuple((t, np.maximum(b, least)) for t, b in witnesses)
        jump_bound = None if jump_bound is None else np.maximum(jump_bound, least)
    if twist is None:
        # At an end of the domain x^1.5 and the like have a slope that no whole powers of the step extrapolate.
        bent = evidence.fractional(slope, noise, h)
        finest = slope[:, -1]
        bound = np.where(bent, np.maximum(bound, 2.0 * np.abs(value - finest)), bound)
    bound = bound + 4.0 * EPS * np.abs(value)
    kind = np.full(value.shape, int(Local.ONE_SIDED if twist is None else Local.SMOOTH))
    if left is None or jump is None or jump_bound is None:
        steep = evidence.diverges(right, size, h)
    else:
        bends = np.abs(jump)
        kind[bends > jump_bound] = int(Local.KINK)
        # The derivative lies between the one-sided slopes.  Half of their difference, doubled as it is an estimate.
        bound = bound + np.where(kind == Local.SMOOTH, bends, 0.0)
        m = centre.size
        steep = evidence.diverges(np.concatenate([right, left], axis=2), np.concatenate([size, size], axis=2), h)
        steep = steep[:, :m] | steep[:, m:]
    # Such noise is structure, unless f is so small that the rounding of results of size one explains it.
    unclear = swamped & (measured[:, 0] > 64.0 * evidence.UNIT)
    unclear |= ~np.isfinite(bound)
    if constant:
        unclear |= evidence.staircase(value, bound, flat, size, h, used, near)
    outside = steep | ~np.isfinite(centre)
    reached = np.maximum.accumulate(size[:, ::-1], axis=1)[:, ::-1] / h
    found = Estimate(
        method="finite differences",
        value=value,
        bound=bound,
        scale=np.where(np.isfinite(reached), reached, np.inf).min(axis=1),
        kind=kind,
        jump=jump,
        jump_bound=jump_bound,
        witnesses=witnesses,
        evaluations=1 + steps.size * (1 if twist is None else 2),
    )
    lost = unclear | outside
    if lost.any():
        found = without(found, lost)
        found.kind[outside] = int(Local.OUTSIDE)
    return found
