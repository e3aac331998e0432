"""Slopes of an opaque function along lines, by differences, each with a bound that is measured and not assumed.

For every direction d the function t -> f(x + t d) is evaluated at pairs +-t, at most 30 times with f(x) included.

1. Scouting: two to four pairs, far apart, find the length R on which the function is tame (``steps``, ``scouting``).
2. Ladders: steps H 3^-k and H 3^-k / sqrt 2 with H a fraction of R, placed so that all sampled points are
   representable if the direction allows it.  Every pair from 1 and 3 is a node of a ladder too.
3. Noise: six closely spaced values about x give the noise of f itself (``noise``; Moré and Wild 2011).
   The rounding of the values, u |f|, is added; u is the roundoff that the caller states.  Where f stays exactly the
   same near x and moves farther out, what rounding inside f may hide is added, too (``evidence``).
4. Central differences are extrapolated to step 0 in even powers, per ladder and component (``extrapolation``;
   Ridders 1982, Fornberg 1988).  b = b1 + b2 + |t1 - t2| bounds the error: a value is believed as far as two sets of
   steps, that cannot alias together, agree.
5. Noise again: pairs finer than the chosen ones must reproduce the slope up to the noise; if not, the noise was
   larger than it seemed (a coarsely rounded function is flat to tiny steps) and 4 is repeated with what was seen.
   Noise above rounding gets one look more, much closer: what is smooth there, with another slope, is no noise.
6. Symmetric second differences S(t) = (f(x+t) - 2 f(x) + f(x-t)) / t tend to right slope minus left slope.  Central
   differences alone see nothing of a kink.  One-sided slopes that keep growing mean a jump or an infinite slope.

Complex steps (Squire and Trapp 1998) are in ``complex_step``.  A bound here is an estimate, not a theorem.  What no step
can show stays unseen: a wave shorter than the steps whose height is a few hundred ulp of f, a term that rounding has
swallowed whole while others still move, and an error that all samples share, as when the same ill-conditioned matrix
is factored for each.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck.oracles.analysis import analyse
from gradcheck.oracles.estimates import as_complex, flip, merge, nothing_moves, without
from gradcheck.oracles.line import PAIRS, Function, Line
from gradcheck.oracles.scouting import TOP, explore
from gradcheck.oracles.steps import RATIO, Lattice, first_step, measure_scale
from gradcheck.records import Array, Curve, Estimate, Local

BUDGET = 30
"""Evaluations per direction, f(x) included."""

GLIMPSE = 2.0**-34
"""The closest look in units of the first step: 2^17 ulp of x."""


def line_derivatives(
    f: Function,
    x: Array,
    directions: Array,
    *,
    noise_floor: Array | float,
    quantum: float = 0.0,
    low: Array | None = None,
    high: Array | None = None,
    budget: int = BUDGET,
    grid: np.dtype[np.generic] | type | None = None,
) -> Estimate:
    """Derivatives of t -> f(x + t d) at 0 for each direction d, with bounds.

    f: (n,) -> (m,), real or complex; NaN or inf where it is not defined.  x: (n,).  directions: (D, n).
    noise_floor: relative roundoff of the values of f, scalar or (m,).  quantum: their absolute
    resolution.  low, high: (D,) least and largest t in the domain; a
    line that can hardly be followed one way is looked at from the other side, and its entries are ONE_SIDED.  grid: dtype
    whose values all entries of the evaluated inputs must have.  Entries of the answer have the shape (D, m).
    At a KINK the value is the mean of right and left slope, so that right = value + jump / 2; the kink is no farther from
    x than the finest step, but need not be at x.
    """
    if budget < BUDGET:
        raise ValueError(f"budget is {budget}; the steps need {BUDGET} evaluations per direction")
    x = np.asarray(x, dtype=np.float64)
    directions = np.atleast_2d(np.asarray(directions, dtype=np.float64))
    if low is None and high is None:
        return _derivatives(f, x, directions, np.full(len(directions), np.inf), True, noise_floor, quantum, grid)
    low_t = np.full(len(directions), -np.inf) if low is None else np.asarray(low, dtype=np.float64)
    high_t = np.full(len(directions), np.inf) if high is None else np.asarray(high, dtype=np.float64)
    near, far = np.minimum(high_t, -low_t), np.maximum(high_t, -low_t)
    # Nearer to the edge than RATIO^2 of the first step, a pair would see rounding only.
    edge = near < RATIO**2 * np.minimum(first_step(x, directions), far)
    if not edge.any():
        return _derivatives(f, x, directions, near, True, noise_floor, quantum, grid)
    sign = np.where(high_t >= -low_t, 1.0, -1.0)
    both, single = np.flatnonzero(~edge), np.flatnonzero(edge)
    towards = directions[single] * sign[single, None]
    outer = flip(_derivatives(f, x, towards, far[single], False, noise_floor, quantum, grid), sign[single])
    if not both.size:
        return outer
    inner = _derivatives(f, x, directions[both], near[both], True, noise_floor, quantum, grid)
    return merge(inner, outer, np.argsort(np.concatenate([both, single])))


def _derivatives(
    f: Function,
    x: Array,
    directions: Array,
    limit: Array,
    two_sided: bool,
    noise_floor: Array | float,
    quantum: float,
    grid: np.dtype[np.generic] | type | None,
) -> Estimate:
    centre = np.asarray(f(x.copy()))
    if np.iscomplexobj(centre):
        return _complex_valued(f, x, directions, limit, two_sided, noise_floor, quantum, grid)
    centre = centre.astype(np.float64).reshape(-1)
    count, m = len(directions), centre.size
    if not count or not m or not directions.any():
        return nothing_moves((count, m))
    dtype = np.dtype(np.float64 if grid is None else grid)
    roundoff = np.asarray(noise_floor, dtype=np.float64)
    with np.errstate(all="ignore"):
        lattice = Lattice.of(x, directions, dtype)
        first = lattice.round(np.minimum(first_step(x, directions), limit)[:, None])
        line = Line(f, x, directions, centre, lattice, None if grid is None else dtype, limit, first[:, 0], two_sided)
        line.look(np.concatenate([first, first * RATIO], axis=1))
        if line.down is None:
            return _finish(line, roundoff, quantum)
        seen_up, seen_down = (np.isfinite(v).any(axis=1) for v in (line.up, line.down))
        dead = (seen_up != seen_down).any(axis=1)
        if not dead.any():
            return _finish(line, roundoff, quantum)
        # One side is outside the domain: start again on the other one.
        sign = np.where(np.any(seen_up & ~seen_down, axis=1), 1.0, -1.0)[dead]
        rows = np.flatnonzero(dead)
        lone = line.half(rows, sign)
        lone.look(np.concatenate([first, first * RATIO], axis=1)[rows])
        outer = flip(_finish(lone, roundoff, quantum), sign)
        outer = replace(outer, evaluations=outer.evaluations + 4 * rows.size)
        if dead.all():
            return outer
        inner = _finish(line.part(np.flatnonzero(~dead)), roundoff, quantum)
        return merge(inner, outer, np.argsort(np.concatenate([np.flatnonzero(~dead), rows])))


def _finish(line: Line, roundoff: Array, quantum: float) -> Estimate:
    sigma = explore(line, roundoff)
    found = analyse(line, sigma, roundoff, quantum)
    # The last step was the widest of the equally spaced ones.
    wide, near = line.steps[:, -1:], line.up[:, -1] - line.centre
    size = np.maximum(np.abs(line.centre), np.abs(line.up[:, -1]))
    noisy = (sigma > 64.0 * roundoff * size) & np.isfinite(found.bound)
    if not noisy.any():
        return found
    step = line.lattice.round(np.minimum(GLIMPSE * line.first, line.limit)[:, None])
    change = line.values(step)[:, 0] - line.centre
    # Random values differ by about sigma at any distance, rounded ones by 0 or by a quantum, at least sigma.
    rest = np.abs(change - found.value * step)
    smooth = (change != 0.0) & (rest < sigma / 16.0)
    curvature = 4.0 * np.abs(near - found.value * wide) * (step / wide) ** 2
    apart = rest > found.bound * step + curvature + 8.0 * (roundoff * size + quantum)
    lost = noisy & smooth & apart & (found.kind != Local.KINK)
    return replace(without(found, lost), evaluations=found.evaluations + step.size)


def _complex_valued(
    f: Function,
    x: Array,
    directions: Array,
    limit: Array,
    two_sided: bool,
    noise_floor: Array | float,
    quantum: float,
    grid: np.dtype[np.generic] | type | None,
) -> Estimate:
    """Real and imaginary parts apart; the bounds are combined as lengths."""

    def real(point: Array) -> Array:
        value = np.asarray(f(point), dtype=np.complex128).reshape(-1)
        return np.concatenate([value.real, value.imag])

    floor = noise_floor if np.ndim(noise_floor) == 0 else np.tile(noise_floor, 2)
    e = as_complex(_derivatives(real, x, directions, limit, two_sided, floor, quantum, grid))
    return replace(e, evaluations=e.evaluations + 1)


def v_curve(
    f: Function,
    x: Array,
    direction: Array,
    component: int,
    truth: float,
    *,
    noise_floor: float = 2.0**-53,
    points: int = 40,
) -> Curve:
    """Error of a plain central difference against its step, for a picture; evaluates f about 100 times.

    The lines that explain it: truncation |f3| h^2 / 6, with the third derivative f3 from the difference at the top of the ladder, and
    rounding (sigma + u |f|) / h.  ``chosen`` is the step at which their sum is least.
    """
    x, d = np.asarray(x, dtype=np.float64), np.asarray(direction, dtype=np.float64).reshape(1, -1)
    with np.errstate(all="ignore"):

        def entry(p: Array) -> Array:
            return np.asarray(f(p), dtype=np.float64).reshape(-1)[component : component + 1]

        centre = entry(x)
        first = first_step(x, d)
        lattice = Lattice.of(x, d, np.dtype(np.float64))
        line = Line(entry, x, d, centre, lattice, None, np.full(1, np.inf), first, True, PAIRS + points)
        line.look(first[:, None] * np.array([1.0, RATIO]))
        sigma = explore(line, np.full(1, noise_floor))
        top = TOP * measure_scale(line.steps, line.up, line.down, centre, np.full(1, noise_floor)).length[0]
        # From a step at which f moves by its own size down to one at which its noise is all there is.
        line.look(top * np.geomspace(1.0 / TOP, 2.0**-36, points)[None])
        steps, below = line.steps[0, -points:], line._values[:, 1]
        slopes = (line.up[0, -points:, 0] - below[0, -points:, 0]) / (2.0 * steps)
        near = int(np.argmin(np.abs(np.log(steps / top))))
        rounding = (sigma[0, 0] + noise_floor * np.abs(centre[0])) / steps
        truncation = np.abs(slopes[near] - truth) * (steps / steps[near]) ** 2
        chosen = float(steps[int(np.argmin(truncation + rounding))])
    return Curve(
        steps=steps,
        errors=np.abs(slopes - truth),
        truncation=truncation,
        rounding=rounding,
        chosen=chosen,
        entry=f"component {component}",
    )
