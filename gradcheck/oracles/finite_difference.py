"""Slopes of an opaque function along lines, by differences, each with a bound that is measured and not assumed.

For every direction d the function t -> f(x + t d) is evaluated at pairs +-t, at most 30 times with f(x) included.

1. Scouting: two to four pairs, far apart, find the length R on which the function is tame (``steps``).
2. Noise: six equally spaced values about x give the noise of f itself (``noise``; Moré and Wild 2011).
   The rounding of the values, u |f|, is added; u is the roundoff that the caller states.
3. Ladders: steps H 3^-k and H 3^-k / sqrt 2 with H a fraction of R, placed so that all sampled points are
   representable if the direction allows it.  Every pair from 1 and 2 is a node of a ladder too.
4. Central differences are extrapolated to step 0 in even powers, per ladder and component (``extrapolation``;
   Ridders 1982, Fornberg 1988).  b = b1 + b2 + |t1 - t2| bounds the error: a value is believed as far as two sets of
   steps, that cannot alias together, agree.
5. Noise again: pairs finer than the chosen ones must reproduce the slope up to the noise; if not, the noise was
   larger than it seemed (a coarsely rounded function is flat to tiny steps) and 4 is repeated with what was seen.
   Noise above rounding gets one look more, much closer: what is smooth there, with another slope, is no noise.
6. Symmetric second differences S(t) = (f(x+t) - 2 f(x) + f(x-t)) / t tend to right slope minus left slope.  Central
   differences alone see nothing of a kink.  One-sided slopes that keep growing mean a jump or an infinite slope.

Complex steps (Squire and Trapp 1998) are in ``complex_step``.  A bound here is an estimate, not a theorem.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck.oracles import evidence
from gradcheck.oracles import noise as noise_level
from gradcheck.oracles.extrapolation import two_ladders
from gradcheck.oracles.line import Function, Line
from gradcheck.oracles.steps import RATIO, Lattice, first_step, measure_scale, unit_step
from gradcheck.records import Array, Curve, Estimate, Local

BUDGET = 30
"""Evaluations per direction, f(x) included."""

TOP = 0.06
"""H / R.  With four nodes H 3^-k the guarded truncation error, about (H/R)^6 / 3^6, then meets the noise, u R / H 3^3."""

SPREAD = 4.0
"""Noise amplitude in standard deviations: evenly distributed noise reaches 1.7, and its estimate from seven values
may be half of the truth."""

LADDER = np.stack([3.0 ** -np.arange(8.0), 3.0 ** -np.arange(8.0) / np.sqrt(2.0)], axis=1).ravel()
"""Steps of both ladders in units of H, decreasing."""

COARSEST = 2.0**-7
"""Coarser than the rounding of any floating-point format: noise of that size, relative to f, is structure not resolved."""

GLIMPSE = 2.0**-34
"""The closest look in units of the first step: 2^17 ulp of x."""


def line_derivatives(
    f: Function,
    x: Array,
    directions: Array,
    *,
    noise_floor: Array | float,
    low: Array | None = None,
    high: Array | None = None,
    budget: int = BUDGET,
    grid: np.dtype[np.generic] | type | None = None,
) -> Estimate:
    """Derivatives of t -> f(x + t d) at 0 for each direction d, with bounds.

    f: (n,) -> (m,), real or complex; NaN or inf where it is not defined.  x: (n,).  directions: (D, n).
    noise_floor: relative roundoff of the values of f, scalar or (m,).  low, high: (D,) least and largest t in the domain; a
    line that can hardly be followed one way is looked at from the other side, and its entries are ONE_SIDED.  grid: dtype
    whose values all entries of the evaluated inputs must have.  Entries of the answer have the shape (D, m).
    At a KINK the value is the mean of right and left slope, so that right = value + jump / 2.
    """
    if budget < BUDGET:
        raise ValueError(f"budget is {budget}; the steps need {BUDGET} evaluations per direction")
    x = np.asarray(x, dtype=np.float64)
    directions = np.atleast_2d(np.asarray(directions, dtype=np.float64))
    low_t = np.full(len(directions), -np.inf) if low is None else np.asarray(low, dtype=np.float64)
    high_t = np.full(len(directions), np.inf) if high is None else np.asarray(high, dtype=np.float64)
    near, far = np.minimum(high_t, -low_t), np.maximum(high_t, -low_t)
    # Nearer to the edge than RATIO^2 of the first step, a pair would see rounding only.
    edge = near < RATIO**2 * np.minimum(first_step(x, directions), far)
    if not edge.any():
        return _derivatives(f, x, directions, near, True, noise_floor, grid)
    sign = np.where(high_t >= -low_t, 1.0, -1.0)
    both, single = np.flatnonzero(~edge), np.flatnonzero(edge)
    towards = directions[single] * sign[single, None]
    outer = _flip(_derivatives(f, x, towards, far[single], False, noise_floor, grid), sign[single])
    if not both.size:
        return outer
    inner = _derivatives(f, x, directions[both], near[both], True, noise_floor, grid)
    return _merge(inner, outer, np.argsort(np.concatenate([both, single])))


def one_sided(
    f: Function,
    x: Array,
    directions: Array,
    *,
    noise_floor: Array | float,
    side: int = 1,
    limit: Array | None = None,
    grid: np.dtype[np.generic] | type | None = None,
) -> Estimate:
    """Right (side = 1) or left (side = -1) slopes along each direction; ``limit`` (D,) is how far |t| may go.

    Arguments and shapes as for :func:`line_derivatives`.
    """
    x = np.asarray(x, dtype=np.float64)
    directions = np.atleast_2d(np.asarray(directions, dtype=np.float64))
    sign = np.full(len(directions), 1.0 if side > 0 else -1.0)
    reach = np.full(len(directions), np.inf) if limit is None else np.asarray(limit, dtype=np.float64)
    found = _derivatives(f, x, directions * sign[:, None], reach, False, noise_floor, grid)
    return _flip(found, sign)


def _derivatives(
    f: Function,
    x: Array,
    directions: Array,
    limit: Array,
    two_sided: bool,
    noise_floor: Array | float,
    grid: np.dtype[np.generic] | type | None,
) -> Estimate:
    centre = np.asarray(f(x.copy()))
    if np.iscomplexobj(centre):
        return _complex_valued(f, x, directions, limit, two_sided, noise_floor, grid)
    centre = centre.astype(np.float64).reshape(-1)
    count, m = len(directions), centre.size
    if not count or not m or not directions.any():
        return _nothing_moves((count, m))
    dtype = np.dtype(np.float64 if grid is None else grid)
    roundoff = np.broadcast_to(np.asarray(noise_floor, dtype=np.float64), (m,))
    with np.errstate(all="ignore"):
        lattice = Lattice.of(x, directions, dtype)
        first = lattice.round(np.minimum(first_step(x, directions), limit)[:, None])
        line = Line(f, x, directions, centre, lattice, None if grid is None else dtype, limit, first[:, 0], two_sided)
        line.look(np.concatenate([first, first * RATIO], axis=1))
        if not two_sided:
            return _finish(line, roundoff)
        seen_up, seen_down = (np.isfinite(v).any(axis=1) for v in (line.up, line.down))
        dead: Array = np.any(seen_up != seen_down, axis=1)
        if not dead.any():
            return _finish(line, roundoff)
        # One side is outside the domain: start again on the other one.
        sign = np.where(np.any(seen_up & ~seen_down, axis=1), 1.0, -1.0)[dead]
        rows = np.flatnonzero(dead)
        lone = line.half(rows, sign)
        lone.look(np.concatenate([first, first * RATIO], axis=1)[rows])
        outer = _flip(_finish(lone, roundoff), sign)
        outer = replace(outer, evaluations=outer.evaluations + 4 * rows.size)
        if dead.all():
            return outer
        inner = _finish(line.part(np.flatnonzero(~dead)), roundoff)
        return _merge(inner, outer, np.argsort(np.concatenate([np.flatnonzero(~dead), rows])))


def _finish(line: Line, roundoff: Array) -> Estimate:
    sigma = _explore(line, roundoff)
    found = _analyse(line, sigma, roundoff)
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
    apart = rest > found.bound * step + curvature + 8.0 * roundoff * size
    lost = noisy & smooth & apart & (found.kind != Local.KINK)
    return replace(
        found,
        value=np.where(lost, np.nan, found.value),
        bound=np.where(lost, np.inf, found.bound),
        kind=np.where(lost, int(Local.UNDECIDED), found.kind),
        witnesses=tuple((np.where(lost, np.nan, t), np.where(lost, np.inf, b)) for t, b in found.witnesses),
        evaluations=found.evaluations + step.size,
    )


def _explore(line: Line, roundoff: Array) -> Array:
    """Scout on, place the ladders, measure the noise: 14 pairs in all, or 24 steps on one side.

    Returns the standard deviation of the noise, (D, m).
    """
    unit = 0.25 * unit_step(line.directions)
    rungs = 7 if line.two_sided else 14
    scale = measure_scale(line.steps, line.up, line.below, line.centre, roundoff)
    for depth, spare in ((1, rungs), (2, rungs + 1)):
        smallest = np.min(line.steps, axis=1)
        rung = TOP * np.minimum(scale.length, line.limit) * LADDER[spare]
        # The last look goes as near as values of size 1 allow to be resolved: a kink may be close to x.
        deeper = np.where(smallest * RATIO > unit, unit, smallest * RATIO**depth)
        # A component that stays the same on a quarter of x is constant there; next to 0 it may only seem so.
        widest = np.max(line.steps, axis=1)
        wider = scale.blind & (widest < unit) & ~scale.descend
        # What lies between a first step near 0 and the unit step is learnt from one more pair below the latter.
        below = (widest == unit) & (line.first < unit * RATIO**2)
        step = np.where(below, unit * RATIO, np.where(scale.descend, deeper, np.where(wider, unit, rung)))
        line.look(step[:, None])
        if (scale.descend | wider | below).any():
            scale = measure_scale(line.steps, line.up, line.below, line.centre, roundoff)
    length = np.where(scale.rough, 4.0 * line.first, scale.length)
    ladder = TOP * np.minimum(length, line.limit)[:, None] * LADDER[:rungs]
    # A ladder far out beside an x near 0: what is constant near x, and moves out there, is looked at in both places.
    apart = (np.max(line.steps, axis=1) == unit) & (length > 16.0 * line.first) & (line.first < unit * RATIO**2)
    ladder[:, -2:] = np.where(apart[:, None], line.first[:, None] * LADDER[2:4] * LADDER[2], ladder[:, -2:])
    # Nothing tame was found: spread the rungs over all that was scouted, down to the smallest step.
    smallest, largest = np.min(line.steps, axis=1)[:, None], np.max(line.steps, axis=1)[:, None]
    everywhere = smallest * (largest / smallest) ** np.linspace(0.9, 0.05, rungs)
    line.look(np.where((scale.descend & ~scale.rough)[:, None], everywhere, ladder))
    return _noise(line, ladder[:, 0] * RATIO)


def _noise(line: Line, spacing: Array) -> Array:
    """Standard deviation of the noise from seven closely spaced values, (D, m)."""
    multiples = noise_level.PAIRED if line.two_sided else noise_level.SINGLE_SIDED
    # Rounded first, so that samples closer than the representable steps do not fall together.
    spacing = line.lattice.round(np.minimum(spacing, line.limit / multiples[-1])[:, None], 2.0 * multiples[-1])
    line.look(spacing * multiples)
    k = multiples.size
    t, up = line.steps[:, -k:], line.up[:, -k:]
    middle = np.broadcast_to(line.centre, (len(spacing), 1, line.centre.size))
    if not line.two_sided:
        return noise_level.sigma(np.concatenate([0.0 * t[:, :1], t], axis=1), np.concatenate([middle, up], axis=1))
    down = line.down[:, : -k - 1 : -1]
    return noise_level.sigma(
        np.concatenate([-t[:, ::-1], 0.0 * t[:, :1], t], axis=1), np.concatenate([down, middle, up], axis=1)
    )


def _analyse(line: Line, sigma: Array, roundoff: Array) -> Estimate:
    order = np.argsort(-line.steps, axis=1)
    rows = np.arange(len(order))[:, None]
    steps, up, centre = line.steps[rows, order], line.up[rows, order], line.centre
    h = steps[:, :, None]
    size = np.maximum(np.abs(up), np.abs(centre))
    near = 4.0 * line.first[:, None, None]
    flat = up == centre
    right = (up - centre) / h
    # Steps that rounding has made equal must not vouch for each other.
    right[:, 1:][steps[:, 1:] == steps[:, :-1]] = np.nan
    down = left = None
    slope, weight = right, 2.0
    steepest = np.abs(right)
    if line.two_sided:
        down = line.down[rows, order]
        size = np.maximum(size, np.abs(down))
        flat &= down == centre
        left = (centre - down) / h
        # Two values err in each difference, but those of a central one are 2 h apart.
        slope, weight = np.where(np.isnan(right), np.nan, (up - down) / (2.0 * h)), 1.0
        steepest = np.fmax(steepest, np.abs(left))
        sigma = evidence.beside_kink(sigma, right - left, flat, h)
    tiny = np.finfo(np.float64).smallest_subnormal
    measured = SPREAD * np.where(np.isfinite(sigma), sigma, 0.0)[:, None]
    measured = np.maximum(measured, evidence.quantum(up, down, centre, flat, size))
    rounding = np.maximum(roundoff * size + tiny, evidence.hidden(slope, steepest, flat, size, h, near))
    nodes, noise = steps / steps[:, :1], weight * (measured + rounding) / h
    jump = jump_bound = None
    if left is None:
        value, bound, witnesses, used = two_ladders(nodes, slope, noise)
    else:
        # Slopes and the jump of the slope in one go: even powers of the step for one, all powers for the other.
        both = two_ladders(
            np.concatenate([nodes**2, nodes]),
            np.concatenate([slope, right - left]),
            np.concatenate([noise, 4.0 * noise]),
        )
        value, jump = np.split(both[0], 2)
        bound, jump_bound = np.split(both[1], 2)
        witnesses = tuple((t[: len(value)], b[: len(value)]) for t, b in both[2])
        used = both[3][: len(value)]
    unseen = evidence.unseen_noise(slope, value, bound, measured + rounding, h, 1 if left is None else 2, used)
    if unseen.any():
        steady = evidence.steady(slope, value)
        measured = np.maximum(measured, np.where(steady, 0.0, unseen))
        slope[:, :-8] = np.where(steady & (unseen > 0.0), np.nan, slope[:, :-8])
        noise = weight * (measured + rounding) / h
        value, bound, witnesses, used = two_ladders(nodes if left is None else nodes**2, slope, noise)
        if left is not None:
            jump, jump_bound, _, _ = two_ladders(nodes, right - left, 4.0 * noise)
    bound = bound + 4.0 * np.finfo(np.float64).eps * np.abs(value)
    kind = np.full(value.shape, int(Local.SMOOTH if line.two_sided else Local.ONE_SIDED))
    steep = evidence.diverges(right, size, h)
    if left is not None and jump is not None:
        kind[np.abs(jump) > jump_bound] = int(Local.KINK)
        # The derivative lies between the one-sided slopes.  Half of their difference, doubled as it is an estimate.
        bound = bound + np.where(kind == Local.SMOOTH, np.abs(jump), 0.0)
        steep |= evidence.diverges(left, size, h)
    stairs = evidence.staircase(value, bound, flat, size, h, used, near)
    drowned = measured[:, 0] > np.maximum(COARSEST * size[:, 2], 64.0 * evidence.UNIT)
    kind[stairs | drowned | ~np.isfinite(bound)] = int(Local.UNDECIDED)
    kind[steep | ~np.isfinite(centre)] = int(Local.OUTSIDE)
    lost = (kind == Local.UNDECIDED) | (kind == Local.OUTSIDE)
    reached = np.maximum.accumulate(size[:, ::-1], axis=1)[:, ::-1] / h
    return Estimate(
        method="finite differences",
        value=np.where(lost, np.nan, value),
        bound=np.where(lost, np.inf, bound),
        scale=np.min(np.where(np.isfinite(reached), reached, np.inf), axis=1),
        kind=kind,
        jump=jump,
        jump_bound=jump_bound,
        witnesses=tuple((np.where(lost, np.nan, t), np.where(lost, np.inf, b)) for t, b in witnesses),
        evaluations=1 + steps.size * (2 if line.two_sided else 1),
    )


def _nothing_moves(shape: tuple[int, int]) -> Estimate:
    zero = np.zeros(shape)
    kind = np.full(shape, int(Local.SMOOTH))
    return Estimate(
        method="finite differences",
        value=zero,
        bound=zero,
        scale=zero,
        kind=kind,
        jump=zero,
        jump_bound=zero,
        evaluations=1,
    )


def _complex_valued(
    f: Function,
    x: Array,
    directions: Array,
    limit: Array,
    two_sided: bool,
    noise_floor: Array | float,
    grid: np.dtype[np.generic] | type | None,
) -> Estimate:
    """Real and imaginary parts apart; the bounds are combined as lengths."""

    def real(point: Array) -> Array:
        value = np.asarray(f(point), dtype=np.complex128).reshape(-1)
        return np.concatenate([value.real, value.imag])

    floor = noise_floor if np.ndim(noise_floor) == 0 else np.tile(noise_floor, 2)
    e = _derivatives(real, x, directions, limit, two_sided, floor, grid)
    m = e.value.shape[1] // 2

    def join(a: Array) -> Array:
        return a[:, :m] + 1j * a[:, m:]

    def length(a: Array) -> Array:
        return np.hypot(a[:, :m], a[:, m:])

    # Codes by how much they spoil an entry that has one good and one bad part.
    rank = {Local.SMOOTH: 0, Local.ONE_SIDED: 1, Local.KINK: 2, Local.UNDECIDED: 3, Local.OUTSIDE: 4}
    ranks = np.array([rank[code] for code in Local])
    kind = np.where(ranks[e.kind[:, :m]] >= ranks[e.kind[:, m:]], e.kind[:, :m], e.kind[:, m:])
    return replace(
        e,
        value=join(e.value),
        bound=length(e.bound),
        scale=length(e.scale),
        kind=kind,
        jump=None if e.jump is None else join(e.jump),
        jump_bound=None if e.jump_bound is None else length(e.jump_bound),
        witnesses=tuple((join(t), length(b)) for t, b in e.witnesses),
        evaluations=e.evaluations + 1,
    )


def _flip(e: Estimate, sign: Array) -> Estimate:
    """Slopes along -d, read as slopes along d."""
    s = sign[:, None]
    return replace(e, value=e.value * s, witnesses=tuple((t * s, b) for t, b in e.witnesses))


def _merge(a: Estimate, b: Estimate, order: Array) -> Estimate:
    """Rows of two estimates in a common order; one without a jump has the jump 0, unknown."""

    def rows(p: Array, q: Array) -> Array:
        return np.concatenate([p, q])[order]

    def jumps(e: Estimate) -> tuple[Array, Array]:
        if e.jump is None or e.jump_bound is None:
            return np.zeros_like(e.value), np.full(e.bound.shape, np.inf)
        return e.jump, e.jump_bound

    pairs = zip(a.witnesses, b.witnesses, strict=False)
    return Estimate(
        method=a.method,
        value=rows(a.value, b.value),
        bound=rows(a.bound, b.bound),
        scale=rows(a.scale, b.scale),
        kind=rows(a.kind, b.kind),
        jump=rows(jumps(a)[0], jumps(b)[0]),
        jump_bound=rows(jumps(a)[1], jumps(b)[1]),
        witnesses=tuple((rows(p[0], q[0]), rows(p[1], q[1])) for p, q in pairs),
        evaluations=a.evaluations + b.evaluations,
    )


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
        line = Line(entry, x, d, centre, lattice, None, np.full(1, np.inf), first, True)
        line.look(first[:, None] * np.array([1.0, RATIO]))
        sigma = _explore(line, np.full(1, noise_floor))
        top = TOP * measure_scale(line.steps, line.up, line.down, centre, np.full(1, noise_floor)).length[0]
        # From a step at which f moves by its own size down to one at which its noise is all there is.
        line.look(top * np.geomspace(1.0 / TOP, 2.0**-36, points)[None])
        steps = line.steps[0, -points:]
        slopes = (line.up[0, -points:, 0] - line.down[0, -points:, 0]) / (2.0 * steps)
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
