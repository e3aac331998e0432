"""The truth at a point: asks the oracles and combines what they say.  Never sees the answer under test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gradcheck.engine.forward import Forward, limits
from gradcheck.engine.judge import Truth
from gradcheck.oracles.complex_step import complex_step
from gradcheck.oracles.finite_difference import line_derivatives
from gradcheck.oracles.imaginary import sizes
from gradcheck.records import Array, Estimate, Local
from gradcheck.subjects.callables import CAUGHT

CONFLICTING = 2.0**-20
"""Distance, relative to values and natural scale, from which two oracles contradict each other and not only their estimates of rounding."""

CLOSE = 2.0**-4
"""How far an entry moves when differences and imaginary steps contradict each other: inside a turn of sin x, whatever the size of x."""

TOGETHER = 256
"""Outputs that are differentiated one by one; more of them are added up in as many groups."""

CHUNK = 30_000
"""Derivatives (directions times outputs) analysed at once: 30 samples of each are 7 MB."""


def estimate(
    forward: Callable[[Array], Array], owner: Forward, x: Array, directions: Array, reach: Array | None = None
) -> Estimate:
    """Finite differences along the directions, within the domain (and within ``reach`` if given)."""
    low, high = limits(owner.call, owner.layout, x, directions)
    if reach is not None:
        low, high = np.maximum(low, -reach), np.minimum(high, reach)
    grid = None if owner.wide else owner.layout.dtypes[0]
    return line_derivatives(
        forward, x, directions, noise_floor=owner.noise_floor, quantum=owner.resolution, low=low, high=high, grid=grid
    )


def truth(
    owner: Forward, x: Array, g: Array, directions: Array, *, reach: Array | None = None, sharp: bool = True
) -> Truth:
    """The derivative of g . f along each direction, with all that the judge wants to know of it.

    The Jacobian is estimated output by output, so that A and N are sums over its entries and cancelling terms show.
    """
    step = max(1, CHUNK // max(1, min(owner.size, TOGETHER)))
    parts = [_chunk(owner, x, g, directions[k : k + step], reach, sharp) for k in range(0, directions.shape[0], step)]
    return Truth.join(parts)


Outputs = Callable[[Array], Array]


def _used(g: Array) -> tuple[Outputs, Array]:
    """How to take from all outputs those that are looked at, and their weights.

    Outputs without weight are left out.  Of more than TOGETHER, neighbours are weighted and added up: each derivative is then one of
    a few hundred sums, so that a long vector costs no more than that, and two kinks or terms that cancel must be close to hide.
    """
    some = np.flatnonzero(g)
    if some.size <= TOGETHER:
        return lambda f: f[some], g[some]
    starts = np.linspace(0, some.size, TOGETHER, endpoint=False).astype(int)
    return lambda f: np.add.reduceat(f[some] * g[some], starts), np.ones(TOGETHER)


def _chunk(owner: Forward, x: Array, g: Array, directions: Array, reach: Array | None, sharp: bool) -> Truth:
    used, weight = _used(g)
    difference = estimate(lambda v: used(owner(v)), owner, x, directions, reach)
    if not owner.confirmed:  # else imaginary steps are there to be sharp
        difference = _both_sides(owner, used, x, directions, reach, difference)
    if reach is None:
        difference = _swallowed(owner, used, x, directions, difference)
    value, bound = difference.value, difference.bound
    conflict = np.zeros(value.shape[0], bool)
    method = difference.method
    witnesses = list(difference.witnesses)
    if sharp and owner.analytic:
        better = _complex(owner, x, directions, used)
        if better is not None:
            # The complex step stands on holomorphy, differences on smoothness: each must lie in the other's bound.
            smooth = (difference.kind == Local.SMOOTH) & np.isfinite(better.bound) & np.isfinite(bound)
            gap = np.where(smooth, np.abs(better.value - value), 0.0)
            apart = smooth & (gap > better.bound + bound)
            # Bounds that were drawn a little too tight are widened until they meet; beyond a millionth it is a conflict.
            # An imaginary step that no difference has confirmed here is no oracle, and contradicts nothing.
            conflict = np.any(
                owner.confirmed
                & apart
                & (gap > CONFLICTING * np.maximum(np.maximum(np.abs(value), np.abs(better.value)), difference.scale)),
                axis=1,
            )
            if conflict.any() and reach is None:
                # Differences may alias where the function turns many times within x: closer to, they must still contradict.
                close = np.minimum(CLOSE, CLOSE / np.maximum(np.max(np.abs(directions), axis=1), 2.0**-60))
                near = estimate(lambda v: used(owner(v)), owner, x, directions[conflict], close[conflict])
                fine = np.abs(near.value - better.value[conflict]) <= near.bound + better.bound[conflict]
                rows = np.flatnonzero(conflict)[np.all(fine | ~apart[conflict], axis=1)]
                bound[rows], witnesses = better.bound[rows], []
                value = np.where(np.isin(np.arange(len(value)), rows)[:, None], better.value, value)
                conflict[rows], apart[rows] = False, False
            bound = np.where(apart & owner.confirmed, bound + gap, bound)
            chosen = smooth & ~apart & (better.bound < bound)
            # Where differences say nothing, an imaginary step that is holomorphic around the point stands by itself.
            alone = (difference.kind == Local.UNDECIDED) & np.isfinite(better.bound) & owner.confirmed
            if alone.any():
                chosen |= alone
                difference = replace(difference, kind=np.where(alone, int(Local.SMOOTH), difference.kind))
            value, bound = np.where(chosen, better.value, value), np.where(chosen, better.bound, bound)
            method = "complex step within finite differences" if chosen.any() else method
            witnesses = [(np.where(chosen, value, w), np.where(chosen, bound, b)) for w, b in witnesses]
    here = used(owner(x))
    made = _weigh(difference, value, bound, witnesses, weight, conflict, method, x, directions, here)
    vanishing = np.flatnonzero((np.abs(made.value) <= made.bound) & (made.bound > 0) & np.isfinite(made.bound))
    if vanishing.size:
        ends = _span(owner, used, x, directions[vanishing], reach, here) @ np.abs(weight)
        made.span[vanishing] = ends
    return made


FAR = 64.0
"""Sizes of an entry by which it is moved, and by one at least, to find out whether an output depends on it at all."""


def _swallowed(owner: Forward, used: Outputs, x: Array, directions: Array, e: Estimate) -> Estimate:
    """Where an output stays exactly the same over all steps and not far out: the bound, widened by what may be hidden.

    An intermediate result of size one, or of the size of some input, swallows changes below its roundoff, and so slopes below that over
    the step of this entry's size.
    """
    still = (e.value == 0) & (e.bound <= 2.0**-53)
    rows = np.flatnonzero(still.any(axis=1))
    if not rows.size:
        return e
    low, high = limits(owner.call, owner.layout, x, directions[rows])
    size = sizes(x, directions[rows])
    here = used(owner(x))
    hidden = np.zeros(e.bound.shape)
    for row, k in enumerate(rows):
        far = max(FAR * size[row], 1.0)
        ends = (min(far, high[row]), max(-far, low[row]))
        moved = np.any([used(owner(x + t * directions[k])) != here for t in ends], axis=0)
        # The steps that are extrapolated from are up to a sixteenth of that size.
        hidden[k] = np.where(still[k] & moved, 16 * 2 * 2.0**-53 * _largest(x) / min(size[row], 1.0), 0.0)
    return replace(
        e,
        bound=e.bound + hidden,
        witnesses=tuple((t, b + np.where(np.isfinite(b), hidden, 0.0)) for t, b in e.witnesses),
    )


def _largest(x: Array) -> float:
    """The largest intermediate result that is assumed: some input, or one."""
    return max(1.0, float(np.max(np.abs(x), initial=0.0)))


def _span(owner: Forward, used: Outputs, x: Array, directions: Array, reach: Array | None, here: Array) -> Array:
    """Least change of each output (D, m) over a step of the point's own size to either side; 0 where that is out of reach."""
    if reach is not None:
        return np.zeros((len(directions), here.size))
    step = sizes(x, directions)
    low, high = limits(owner.call, owner.layout, x, directions)
    out = np.full((len(directions), here.size), np.inf)
    for signed in (np.minimum(step, high), np.maximum(-step, low)):
        for row, d, t in zip(out, directions, signed, strict=True):
            if t != 0:
                change = np.abs(used(owner(x + t * d)) - here)
                np.minimum(row, np.where(np.isfinite(change), change, 0.0), out=row)
    return np.where(np.isfinite(out), out, 0.0)


def _both_sides(
    owner: Forward, used: Outputs, x: Array, directions: Array, reach: Array | None, e: Estimate
) -> Estimate:
    """Where central differences stay vague: the slopes of each side, for functions that are smooth only on either side.

    (elu and softsign at 0, x |x|: their Taylor series differ on the two sides, so central extrapolation stops at order one.)
    """
    # Where central differences have no bound at all, as on a staircase, the sides have none that one could trust.
    vague = (e.bound > 2.0**-30 * np.abs(e.value)) & np.isfinite(e.bound) & (e.kind != Local.ONE_SIDED)
    rows = np.flatnonzero(np.any(vague, axis=1))
    if not rows.size:
        return e
    low, high = limits(owner.call, owner.layout, x, directions[rows])
    if reach is not None:
        low, high = np.maximum(low, -reach[rows]), np.minimum(high, reach[rows])
    grid = None if owner.wide else owner.layout.dtypes[0]
    nowhere = np.zeros(len(rows))

    def slope(low: Array, high: Array) -> Estimate:
        return line_derivatives(
            lambda v: used(owner(v)),
            x,
            directions[rows],
            noise_floor=owner.noise_floor,
            quantum=owner.resolution,
            low=low,
            high=high,
            grid=grid,
        )

    right, left = slope(nowhere, high), slope(low, nowhere)
    known = ((right.kind == Local.ONE_SIDED) | (right.kind == Local.SMOOTH)) & (
        (left.kind == Local.ONE_SIDED) | (left.kind == Local.SMOOTH)
    )
    with np.errstate(invalid="ignore"):
        gap, doubt = right.value - left.value, right.bound + left.bound
        middle, spread = (right.value + left.value) / 2, np.maximum(right.bound, left.bound) + np.abs(gap) / 2
    meet = known & (np.abs(gap) <= doubt) & (spread < e.bound[rows])
    apart = known & (np.abs(gap) > doubt) & (doubt < e.bound[rows])
    value, bound, kind = e.value.copy(), e.bound.copy(), e.kind.copy()
    jump = np.zeros_like(value) if e.jump is None else e.jump.copy()
    jump_bound = np.zeros_like(value) if e.jump_bound is None else e.jump_bound.copy()
    value[rows] = np.where(meet | apart, middle, value[rows])
    bound[rows] = np.where(meet, spread, np.where(apart, doubt / 2, bound[rows]))
    kind[rows] = np.where(meet, int(Local.SMOOTH), np.where(apart, int(Local.KINK), kind[rows]))
    jump[rows] = np.where(apart, gap, jump[rows])
    jump_bound[rows] = np.where(apart, doubt, jump_bound[rows])
    replaced = np.zeros(value.shape, bool)
    replaced[rows] = meet | apart
    pairs = tuple((np.where(replaced, value, w), np.where(replaced, bound, b)) for w, b in e.witnesses)
    return replace(e, value=value, bound=bound, kind=kind, jump=jump, jump_bound=jump_bound, witnesses=pairs)


def _weigh(
    e: Estimate,
    value: Array,
    bound: Array,
    witnesses: list[tuple[Array, Array]],
    g: Array,
    conflict: Array,
    method: str,
    x: Array,
    directions: Array,
    here: Array,
) -> Truth:
    size = np.abs(g)
    with np.errstate(invalid="ignore", over="ignore"):
        t, b = value @ g, bound @ size
        low, high = t - b, t + b
        for w, wb in witnesses:
            low, high = np.minimum(low, w @ g - wb @ size), np.maximum(high, w @ g + wb @ size)
        jump = np.zeros(t.shape) if e.jump is None else np.where(e.kind == Local.KINK, e.jump, 0.0) @ g
        jump_bound = (
            np.zeros(t.shape) if e.jump_bound is None else np.where(e.kind == Local.KINK, e.jump_bound, 0.0) @ size
        )
        magnitude = np.abs(value) @ size
        # On the real line a bounded function has M/rho as small as one likes; Cauchy's inequality needs a disc in which
        # it is analytic, and the point's own size (or one) stands for that: N is no less than |f| over it.
        length = np.maximum(np.max(np.abs(x * (directions != 0)), axis=1, initial=0.0), 1.0)
        scale = np.maximum(e.scale @ size, float(np.abs(here) @ size) / length)
        scale = np.maximum(scale, np.where(np.isfinite(magnitude), magnitude, 0.0))  # |f'| <= M/rho, whatever rho
    kind = np.full(t.shape, int(Local.SMOOTH))
    for local in (Local.ONE_SIDED, Local.KINK, Local.UNDECIDED, Local.OUTSIDE):
        kind[np.any(e.kind == local, axis=1)] = local
    # A gradient entry is a sum over the outputs that depend on its input, and no more.
    terms = np.count_nonzero((value != 0) & (size > 0), axis=1)
    # Intermediate results of size one, or of the size of some input, may swallow what changes over a step of this entry's size:
    # samples are then constant although the function is not, and slopes of a few roundoffs over that step are hidden; near an
    # origin (|x| below 8 sqrt u), where x^2 is swallowed, slopes of that size.
    origin = 8 * np.sqrt(2.0**-53)
    moved = np.max(np.abs(x * (directions != 0)), axis=1, initial=0.0)
    step = np.where(moved > origin, np.minimum(moved, 1.0), 1.0)
    swallowed = 8 * 2.0**-53 * _largest(x) / step
    hidden = np.where((moved <= origin) & (moved > 0), origin, swallowed)
    flat = np.where((t == 0) & (b <= 2.0**-53 * np.sum(size)), hidden * float(np.sum(size)), 0.0)
    return Truth(
        t, b, low, high, magnitude, scale, kind, jump, jump_bound, conflict, flat, terms, np.zeros(t.shape), method
    )


def _complex(owner: Forward, x: Array, directions: Array, used: Outputs) -> Estimate | None:
    try:
        return complex_step(lambda v: used(owner.holomorphic(v)), x, directions)
    except CAUGHT:
        return None
