"""The truth at a point: asks the oracles and combines what they say.  Never sees the answer under test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.claim import Kind, Set
from gradcheck.engine.judge import Truth
from gradcheck.flat import Layout, pack, roundoff
from gradcheck.oracles.analytic import Analytic
from gradcheck.oracles.complex_step import complex_step
from gradcheck.oracles.finite_difference import line_derivatives
from gradcheck.oracles.imaginary import as_analytic, sizes
from gradcheck.records import Array, Estimate, Local
from gradcheck.subjects.callables import CAUGHT, Call

ORACLES = {"complex step": True}
"""Oracles beside finite differences; an ablation switches them off here."""

CONFLICTING = 2.0**-20
"""Distance, relative to values and natural scale, from which two oracles contradict each other and not only their estimates of rounding."""

CLOSE = 2.0**-4
"""How far an entry moves when differences and imaginary steps contradict each other: inside a turn of sin x, whatever the size of x."""

CHUNK = 30_000
"""Derivatives (directions times outputs) analysed at once: 30 samples of each are 7 MB."""


@dataclass(slots=True)
class Forward:
    """The claimed forward as a function of the packed active coordinates around one point; counts its calls."""

    call: Call
    function: Callable[..., Any]
    leaves: tuple[Any, ...]
    layout: Layout
    wide: bool
    size: int
    reference: tuple[Array, ...] | None = None
    evaluations: int = 0
    grain: float = 2.0**-53
    mode: str = ""
    """How complex numbers are handed to the forward, as ``plain`` or ``analytic`` arrays; empty while that is not known."""
    sure: bool = True
    """Whether that holds for other points, too."""
    confirmed: bool = False
    """Whether a difference confirmed, at or beside this point, what imaginary steps in that mode say."""

    @classmethod
    def at(
        cls,
        call: Call,
        function: Callable[..., Any],
        leaves: Sequence[Any],
        wide: bool,
        grain: float = 2.0**-53,
        mode: str = "",
    ) -> Forward | None:
        """Around this point; None where the forward raises there or is not finite."""
        layout = Layout.of([leaves[k] for k in call.active])
        # Copied once: a forward that changes its other arguments changes these copies, and is found out elsewhere.
        held = tuple(np.array(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves)
        made = cls(call, function, held, layout, wide, 0, grain=grain, mode=mode)
        try:
            outputs = made.outputs(pack([leaves[k] for k in call.active]))
        except CAUGHT:
            return None
        packed = pack(outputs)
        if not np.all(np.isfinite(packed)):
            return None
        made.size = packed.size
        made.reference = outputs if call.domain.gauge else None
        return made

    def outputs(self, vector: Array) -> tuple[Array, ...]:
        """Outputs at these coordinates; raises what the forward raises."""
        leaves = list(self.leaves)
        if vector.dtype.kind == "c":
            shaped = zip(self.layout.spans(), self.layout.shapes, strict=True)
            parts: Sequence[Array] = [vector[s].reshape(shape) for s, shape in shaped]
            if self.mode == "analytic":
                parts = [as_analytic(part) for part in parts]
        else:
            parts = self.layout.unpack(vector, wide=self.wide)
        for k, part in zip(self.call.active, parts, strict=True):
            # An analytic array of no dimension stays one: indexing would make a plain number of it.
            leaves[k] = part if isinstance(self.leaves[k], np.ndarray) or isinstance(part, Analytic) else part[()]
        self.evaluations += 1
        outputs = self.call.forward(leaves, self.function)
        if self.reference is not None and self.call.domain.gauge is not None:
            outputs = self.call.domain.gauge(outputs, self.reference)
        return outputs

    def with_constants_moved(self, u: float, rng: np.random.Generator) -> Forward:
        """The same forward with its other float inputs moved by a roundoff: a matrix to solve with conditions the solution.

        Whole numbers stay: they may be counts or labels.
        """
        leaves = list(self.leaves)
        for k, leaf in enumerate(leaves):
            if k in self.call.active or not isinstance(leaf, np.ndarray) or leaf.dtype.kind not in "fc":
                continue
            factor = 1 + 2 * u * rng.choice((-1.0, 1.0), size=leaf.shape)
            leaves[k] = np.where(leaf == np.round(leaf), leaf, leaf * factor).astype(leaf.dtype)
        return replace(self, leaves=tuple(leaves))

    def __call__(self, vector: Array) -> Array:
        """Packed outputs; NaN where the forward raises or changes the shape of what it gives."""
        try:
            packed = pack(self.outputs(vector))
        except CAUGHT:
            return np.full(self.size, np.nan)
        return packed if packed.size == self.size else np.full(self.size, np.nan)

    def holomorphic(self, vector: Array) -> Array:
        """Outputs at complex coordinates, for the complex step; raises what the forward raises."""
        outputs = self.outputs(vector)
        return np.concatenate([np.asarray(o).reshape(-1) for o in outputs]) if outputs else np.zeros(0)

    @property
    def analytic(self) -> bool:
        """Whether a complex step makes sense: real inputs, evaluated in full precision."""
        return all(d.kind != "c" for d in self.layout.dtypes) and self.wide

    @property
    def noise_floor(self) -> float:
        """Unit roundoff of the arithmetic in which the forward is evaluated, as far as dtypes and values show it."""
        return self.grain if self.wide else max((roundoff(d) for d in self.layout.dtypes), default=2.0**-53)


def basis(call: Call, layout: Layout) -> Array:
    """Directions (D, n) that span the tangents of the domain; the identity where it is an open set of reals."""
    blocks = []
    for k, shape, size in zip(call.active, layout.shapes, layout.sizes, strict=True):
        blocks.append(_tangents(call.domain.of(k), shape, size))
    total = layout.total
    out = np.zeros((sum(b.shape[0] for b in blocks), total))
    row = 0
    for block, span in zip(blocks, layout.spans(), strict=True):
        out[row : row + block.shape[0], span] = block
        row += block.shape[0]
    return out


def _tangents(where: Set, shape: tuple[int, ...], size: int) -> Array:
    identity = np.eye(size)
    if where.kind in (Kind.SYMMETRIC, Kind.POSITIVE_DEFINITE) and len(shape) >= 2:
        grid = np.arange(size).reshape(shape)
        mirror = np.swapaxes(grid, -1, -2).ravel()
        upper = np.flatnonzero(np.arange(size) <= mirror)
        return np.asarray(np.minimum(identity[upper] + identity[mirror[upper]], 1.0))
    if where.kind is Kind.SIMPLEX and shape and shape[-1] > 1:
        inner = np.flatnonzero(np.arange(size) % shape[-1] < shape[-1] - 1)
        return np.asarray(identity[inner] - identity[inner + 1])
    return identity


def limits(call: Call, layout: Layout, x: Array, directions: Array) -> tuple[Array, Array]:
    """How far each line stays in the domain: (D,) lowest and highest t with x + t d inside every interval."""
    low = np.full(directions.shape[0], -np.inf)
    high = np.full(directions.shape[0], np.inf)
    for k, span in zip(call.active, layout.spans(), strict=True):
        where = call.domain.of(k)
        if where.kind is not Kind.REALS or (np.isinf(where.low) and np.isinf(where.high)):
            continue
        d = directions[:, span]
        with np.errstate(divide="ignore", invalid="ignore"):
            to_low, to_high = (where.low - x[span]) / d, (where.high - x[span]) / d
        ends = np.where(d > 0, to_low, np.where(d < 0, to_high, -np.inf))
        low = np.maximum(low, np.max(ends, axis=1, initial=-np.inf))
        ends = np.where(d > 0, to_high, np.where(d < 0, to_low, np.inf))
        high = np.minimum(high, np.min(ends, axis=1, initial=np.inf))
    return np.minimum(low, 0.0), np.maximum(high, 0.0)


def estimate(
    forward: Callable[[Array], Array], owner: Forward, x: Array, directions: Array, reach: Array | None = None
) -> Estimate:
    """Finite differences along the directions, within the domain (and within ``reach`` if given)."""
    low, high = limits(owner.call, owner.layout, x, directions)
    if reach is not None:
        low, high = np.maximum(low, -reach), np.minimum(high, reach)
    grid = None if owner.wide else owner.layout.dtypes[0]
    return line_derivatives(forward, x, directions, noise_floor=owner.noise_floor, low=low, high=high, grid=grid)


def truth(
    owner: Forward, x: Array, g: Array, directions: Array, *, reach: Array | None = None, sharp: bool = True
) -> Truth:
    """The derivative of g . f along each direction, with all that the judge wants to know of it.

    The Jacobian is estimated output by output, so that A and N are sums over its entries and cancelling terms show.
    """
    step = max(1, CHUNK // max(1, owner.size))
    parts = [_chunk(owner, x, g, directions[k : k + step], reach, sharp) for k in range(0, directions.shape[0], step)]
    return Truth.join(parts)


def _chunk(owner: Forward, x: Array, g: Array, directions: Array, reach: Array | None, sharp: bool) -> Truth:
    used = np.flatnonzero(g)
    weight = g[used]
    difference = estimate(lambda v: owner(v)[used], owner, x, directions, reach)
    difference = _both_sides(owner, used, x, directions, reach, difference)
    value, bound = difference.value, difference.bound
    conflict = np.zeros(value.shape[0], bool)
    method = difference.method
    witnesses = list(difference.witnesses)
    if sharp and ORACLES["complex step"] and owner.analytic:
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
                near = estimate(lambda v: owner(v)[used], owner, x, directions[conflict], close[conflict])
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
    here = owner(x)[used]
    made = _weigh(difference, value, bound, witnesses, weight, conflict, method, x, directions, here)
    vanishing = np.flatnonzero((np.abs(made.value) <= made.bound) & (made.bound > 0) & np.isfinite(made.bound))
    if vanishing.size:
        ends = _span(owner, used, x, directions[vanishing], reach, here) @ np.abs(weight)
        made.span[vanishing] = ends
    return made


def _span(owner: Forward, used: Array, x: Array, directions: Array, reach: Array | None, here: Array) -> Array:
    """Least change of each output (D, m) over a step of the point's own size to either side; 0 where that is out of reach."""
    if reach is not None:
        return np.zeros((len(directions), here.size))
    step = sizes(x, directions)
    low, high = limits(owner.call, owner.layout, x, directions)
    out = np.full((len(directions), here.size), np.inf)
    for signed in (np.minimum(step, high), np.maximum(-step, low)):
        for row, d, t in zip(out, directions, signed, strict=True):
            if t != 0:
                change = np.abs(owner(x + t * d)[used] - here)
                np.minimum(row, np.where(np.isfinite(change), change, 0.0), out=row)
    return np.where(np.isfinite(out), out, 0.0)


def _both_sides(owner: Forward, used: Array, x: Array, directions: Array, reach: Array | None, e: Estimate) -> Estimate:
    """Where central differences stay vague: the slopes of each side, for functions that are smooth only on either side.

    (elu and softsign at 0, x |x|: their Taylor series differ on the two sides, so central extrapolation stops at order one.)
    """
    vague = (e.bound > 2.0**-30 * np.abs(e.value)) & (e.kind != Local.OUTSIDE) & (e.kind != Local.ONE_SIDED)
    vague &= (e.value != 0) | (e.bound > 0)
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
            lambda v: owner(v)[used], x, directions[rows], noise_floor=owner.noise_floor, low=low, high=high, grid=grid
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
    # Intermediate results of size one may swallow what changes: samples are then constant although the function is not, and
    # slopes of a few roundoffs are hidden; near an origin (|x| below 8 sqrt u), where x^2 is swallowed, slopes of that size.
    origin = 8 * np.sqrt(2.0**-53)
    moved = np.max(np.abs(x * (directions != 0)), axis=1, initial=0.0)
    hidden = np.where((moved <= origin) & (moved > 0), origin, 8 * 2.0**-53)
    flat = np.where((t == 0) & (b <= 2.0**-53 * np.sum(size)), hidden * float(np.sum(size)), 0.0)
    return Truth(t, b, low, high, magnitude, scale, kind, jump, jump_bound, conflict, flat, terms, np.zeros(t.shape), method)


def _complex(owner: Forward, x: Array, directions: Array, used: Array) -> Estimate | None:
    try:
        return complex_step(lambda v: owner.holomorphic(v)[used], x, directions)
    except CAUGHT:
        return None


def grain(call: Call, function: Callable[..., Any], rng: np.random.Generator) -> float:
    """Unit roundoff of the coarsest type on whose grid the forward's values lie although its inputs do not.

    A forward that computes in float32 inside is a staircase at steps below 2^-24: differences must know.
    """
    owner = Forward.at(call, function, call.leaves, wide=True)
    if owner is None or owner.size == 0:
        return 2.0**-53
    x = pack([call.leaves[k] for k in call.active])
    # 2^-10: generic neighbours, off the grid of any narrower type.
    values = np.stack(
        [
            owner(x * (1 + 2.0**-10 * rng.uniform(-1, 1, x.size)) + 2.0**-40 * rng.uniform(-1, 1, x.size))
            for _ in range(4)
        ]
    )
    moving = np.ptp(values, axis=0) > 0
    for narrow in (np.float16, np.float32):
        with np.errstate(over="ignore"):
            on_grid = np.all((values == values.astype(narrow)) & np.isfinite(values), axis=0)
        if np.any(on_grid & moving):
            return roundoff(np.dtype(narrow))
    return 2.0**-53


def widen(call: Call, function: Callable[..., Any]) -> bool:
    """Whether the forward can be evaluated in float64 in the place of the given narrow dtype, and is the same function there.

    It counts as the same if at least half of the narrow type's digits agree.
    """
    narrow = [np.asarray(call.leaves[k]).dtype for k in call.active]
    if all(d in (np.dtype(np.float64), np.dtype(np.complex128)) for d in narrow):
        return True
    native = Forward.at(call, function, call.leaves, wide=False)
    wide = Forward.at(call, function, call.leaves, wide=True)
    if native is None or wide is None or native.size != wide.size:
        return False
    x = pack([call.leaves[k] for k in call.active])
    a, b = native(x), wide(x)
    u = max(roundoff(d) for d in narrow)
    return bool(np.all(np.abs(a - b) <= np.sqrt(u) * np.max(np.abs(b), initial=0.0)))
