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
6. Symmetric second differences S(t) = (f(x+t) - 2 f(x) + f(x-t)) / t tend to right slope minus left slope.  Central
   differences alone see nothing of a kink.  One-sided slopes that keep growing mean a jump or an infinite slope.

Complex steps (Squire and Trapp 1998) are in ``complex_step``.  A bound here is an estimate, not a theorem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gradcheck.oracles import noise as noise_level
from gradcheck.oracles.extrapolation import two_ladders
from gradcheck.oracles.steps import RATIO, Lattice, first_step, measure_scale, unit_step
from gradcheck.records import Array, Curve, Estimate, Local

Function = Callable[[Array], Array]

BUDGET = 30
"""Evaluations per direction, f(x) included."""

TOP = 0.06
"""H / R.  With four nodes H 3^-k the guarded truncation error, about (H/R)^6 / 3^6, then meets the noise, u R / H 3^3."""

SPREAD = 4.0
"""Noise amplitude in standard deviations: evenly distributed noise reaches 1.7, and its estimate from seven values
may be half of the truth."""

OCTAVES = 3.0 ** -np.arange(8.0)
LADDER = np.stack([OCTAVES, OCTAVES / np.sqrt(2.0)], axis=1).ravel()
"""Steps of both ladders in units of H, decreasing."""


@dataclass(slots=True)
class Line:
    """All that was seen along the lines: steps (D, K), values (D, K, m) on one side or both, f(x)."""

    f: Function
    x: Array
    directions: Array
    centre: Array
    lattice: Lattice
    grid: np.dtype[np.generic] | None
    limit: Array
    two_sided: bool
    steps: Array
    up: Array
    down: Array

    @property
    def below(self) -> Array | None:
        """The values at -t, or None on one side."""
        return self.down if self.two_sided else None

    def look(self, steps: Array, room: float = 1.0) -> Array:
        """Evaluate at +-steps (D, k), rounded to what is representable, and remember; returns the steps used."""
        steps = self.lattice.round(np.minimum(steps, self.limit[:, None]), room)
        up = self._values(steps)
        self.steps = np.concatenate([self.steps, steps], axis=1)
        self.up = np.concatenate([self.up, up], axis=1)
        if self.two_sided:
            self.down = np.concatenate([self.down, self._values(-steps)], axis=1)
        return steps

    def _values(self, steps: Array) -> Array:
        points = self.x + steps[:, :, None] * self.directions[:, None, :]
        if self.grid is not None:
            points = points.astype(self.grid).astype(np.float64)
        out = np.empty((*steps.shape, self.centre.size))
        flat = out.reshape(-1, self.centre.size)
        for row, point in zip(flat, points.reshape(-1, self.x.size), strict=True):
            row[:] = self.f(point)
        return out


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
    directions = np.asarray(directions, dtype=np.float64).reshape(-1, x.size)
    low_t = np.full(len(directions), -np.inf) if low is None else np.asarray(low, dtype=np.float64)
    high_t = np.full(len(directions), np.inf) if high is None else np.asarray(high, dtype=np.float64)
    near, far = np.minimum(high_t, -low_t), np.maximum(high_t, -low_t)
    # Nearer to the edge than RATIO^2 of the first step, a pair would see rounding only.
    edge = near < RATIO**2 * np.minimum(first_step(x, directions), far)
    if not edge.any():
        return _derivatives(f, x, directions, near, True, noise_floor, grid)
    sign = np.where(high_t >= -low_t, 1.0, -1.0)
    both, single = np.flatnonzero(~edge), np.flatnonzero(edge)
    inner = _derivatives(f, x, directions[both], near[both], True, noise_floor, grid)
    towards = directions[single] * sign[single, None]
    outer = _flip(_derivatives(f, x, towards, far[single], False, noise_floor, grid), sign[single])
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
    directions = np.asarray(directions, dtype=np.float64).reshape(-1, x.size)
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
    moving = np.any(directions != 0.0, axis=1)
    if not count or not m or not moving.any():
        return _nothing_moves((count, m))
    with np.errstate(all="ignore"):
        dtype = np.dtype(np.float64 if grid is None else grid)
        none, empty = np.empty((count, 0)), np.empty((count, 0, m))
        line = Line(
            f=f,
            x=x,
            directions=directions,
            centre=centre,
            lattice=Lattice.of(x, directions, dtype),
            grid=None if grid is None else dtype,
            limit=limit,
            two_sided=two_sided,
            steps=none,
            up=empty,
            down=empty,
        )
        roundoff = np.broadcast_to(np.asarray(noise_floor, dtype=np.float64), (m,))
        sigma = _explore(line, roundoff)
        return _analyse(line, sigma, roundoff)


def _explore(line: Line, roundoff: Array) -> Array:
    """Choose the steps and evaluate: 14 pairs, or 28 steps on one side.  Returns the measured sigma (D, m)."""
    first = line.lattice.round(np.minimum(first_step(line.x, line.directions), line.limit)[:, None])[:, 0]
    line.look(np.stack([first, first * RATIO], axis=1))
    unit = 0.25 * unit_step(line.directions)
    rungs = 7 if line.two_sided else 18
    for spare in (rungs, rungs + 1):
        scale = measure_scale(line.steps, line.up, line.below, line.centre, roundoff)
        largest, smallest = np.max(line.steps, axis=1), np.min(line.steps, axis=1)
        rung = TOP * np.minimum(scale.length, line.limit) * LADDER[min(spare, LADDER.size - 1)]
        wider = np.where(unit > largest, unit, largest / RATIO)
        step = np.where(scale.descend, smallest * RATIO, np.where(scale.climb, wider, rung))
        line.look(step[:, None])
    scale = measure_scale(line.steps, line.up, line.below, line.centre, roundoff)
    top = np.minimum(TOP * scale.length, line.limit)[:, None]
    ladder = top * (LADDER[:rungs] if line.two_sided else np.geomspace(1.0, 3.0**-7, rungs))
    # Nothing tame was found: spread the rungs over all that was scouted, down to the smallest step.
    smallest, largest = np.min(line.steps, axis=1)[:, None], np.max(line.steps, axis=1)[:, None]
    everywhere = smallest * (largest / smallest) ** np.linspace(0.9, 0.05, rungs)
    line.look(np.where(scale.descend[:, None], everywhere, ladder))
    return _noise(line, ladder[:, 0] * RATIO)


def _noise(line: Line, spacing: Array) -> Array:
    """Standard deviation of the noise from seven equally spaced values, (D, m)."""
    multiples = np.arange(1.0, 4.0 if line.two_sided else 7.0)
    spacing = line.lattice.round(np.minimum(spacing, line.limit / multiples[-1])[:, None], 2.0 * multiples[-1])
    line.look(spacing * multiples)
    k = multiples.size
    middle = np.broadcast_to(line.centre, (len(spacing), 1, line.centre.size))
    samples = [line.down[:, -1 : -k - 1 : -1]] if line.two_sided else []
    return noise_level.sigma(np.concatenate([*samples, middle, line.up[:, -k:]], axis=1))


def _analyse(line: Line, sigma: Array, roundoff: Array) -> Estimate:
    order = np.argsort(-line.steps, axis=1)
    steps = np.take_along_axis(line.steps, order, axis=1)
    pick = order[:, :, None]
    h = steps[:, :, None]
    up = np.take_along_axis(line.up, pick, axis=1)
    size = np.maximum(np.abs(up), np.abs(line.centre))
    right = (up - line.centre) / h
    if line.two_sided:
        down = np.take_along_axis(line.down, pick, axis=1)
        size = np.maximum(size, np.abs(down))
        left = (line.centre - down) / h
        slope, twist = (up - down) / (2.0 * h), right - left
    else:
        slope, left, twist = right, right, None
    tiny = np.finfo(np.float64).smallest_subnormal
    jitter = SPREAD * np.where(np.isfinite(sigma), sigma, 0.0)[:, None, :] + roundoff * size + tiny
    power = 2 if line.two_sided else 1
    # Two values make a difference on either side, but they are 2 h apart for a central one.
    nodes = (steps / steps[:, :1]) ** power
    value, bound, witnesses, jitter = _extrapolate(nodes, slope, jitter, h, 3 - power)
    jump = jump_bound = None
    kink = np.zeros(value.shape, dtype=bool)
    if twist is not None:
        jump, jump_bound, _ = two_ladders(steps / steps[:, :1], twist, 4.0 * jitter / h)
        kink = np.abs(jump) > jump_bound
    steep = _diverges(right, jitter, h) | _diverges(left, jitter, h)
    kind = np.full(value.shape, int(Local.SMOOTH if line.two_sided else Local.ONE_SIDED))
    kind[kink] = int(Local.KINK)
    bound = bound + 4.0 * np.finfo(np.float64).eps * np.abs(value)
    kind[~np.isfinite(bound)] = int(Local.UNDECIDED)
    kind[steep | ~np.isfinite(line.centre)] = int(Local.OUTSIDE)
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
        witnesses=witnesses,
        evaluations=1 + steps.size * (2 if line.two_sided else 1),
    )


def _extrapolate(
    nodes: Array, slope: Array, jitter: Array, h: Array, weight: int
) -> tuple[Array, Array, tuple[tuple[Array, Array], ...], Array]:
    """Extrapolate; if the finest slopes contradict the answer by more than the noise, raise the noise and repeat."""
    value, bound, witnesses = two_ladders(nodes, slope, weight * jitter / h)
    return value, bound, witnesses, jitter


def _diverges(slope: Array, jitter: Array, h: Array) -> Array:
    """Whether one-sided slopes (D, K, m) grow without end towards step 0: a jump or an infinite slope."""
    seen = np.abs(slope) * h > 64.0 * jitter
    return np.zeros(slope.shape[::2], dtype=bool) & seen.any(axis=1)


def _nothing_moves(shape: tuple[int, int]) -> Estimate:
    zero = np.zeros(shape)
    kind = np.full(shape, int(Local.SMOOTH))
    return Estimate(
        method="finite differences", value=zero, bound=zero, scale=zero, kind=kind, jump=zero, jump_bound=zero
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
