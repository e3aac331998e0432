"""The forward that is the truth, as a function of the coordinates that are differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.claim import Kind, Set
from gradcheck.flat import Layout, pack, roundoff
from gradcheck.oracles.analytic import Analytic
from gradcheck.oracles.imaginary import as_analytic
from gradcheck.records import Array
from gradcheck.subjects.callables import CAUGHT, Call

ROUNDED = 2.0**-12
"""Steps of equal height that are smaller than this part of the largest value, as float16 rounds, are rounding; larger ones are stairs."""

VAGUE = 2.0**-22
"""Coarser steps than this part of the values excuse no vaguer truth: the judge allows 2^12 times as much, which is three digits."""


@dataclass(frozen=True, slots=True)
class Grain:
    """How finely the values of a forward are resolved."""

    unit: float = 2.0**-53
    """Relative: unit roundoff of the arithmetic."""
    quantum: float = 0.0
    """Absolute: all values are multiples of it, as after rounding to decimals, or once a large offset was added and taken away."""
    size: float = 1.0
    """Largest value seen; the quantum is small beside it."""


FINE = Grain()
"""What nothing coarser is known of."""


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
    grain: Grain = FINE
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
        grain: Grain = FINE,
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
        return self.grain.unit if self.wide else max((roundoff(d) for d in self.layout.dtypes), default=2.0**-53)

    @property
    def resolution(self) -> float:
        """The quantum of the values, as far as it is no part of ``noise_floor``."""
        return self.grain.quantum if self.wide else 0.0

    @property
    def coarseness(self) -> float:
        """Relative resolution of the largest values: the noise floor, or the quantum."""
        return max(self.noise_floor, min(self.resolution / self.grain.size, VAGUE))


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


def ends(call: Call, layout: Layout, x: Array, rows: Array) -> tuple[Array, Array]:
    """x (n,) with what is all but at the end of its interval put there, and the sign into the domain (D,) for rows that move that; else 0.

    Nearer than 2^-26 of the largest entry, or of one, one-sided differences step past it: a kink at the end is then a kink at x.
    """
    at, signs = x.copy(), np.zeros(x.size)
    near = 2.0**-26 * max(1.0, float(np.max(np.abs(x), initial=0.0)))
    for k, span in zip(call.active, layout.spans(), strict=True):
        where = call.domain.of(k)
        if where.kind is not Kind.REALS:
            continue
        for end, sign in ((where.low, 1.0), (where.high, -1.0)):
            here = np.abs(x[span] - end) <= near
            at[span][here], signs[span][here] = end, sign
    return at, np.asarray(np.sign(rows @ signs))


def grain(call: Call, function: Callable[..., Any], rng: np.random.Generator) -> Grain:
    """The grid on which the forward's values lie although its inputs do not: of a narrow type, or of equal steps.

    A forward that computes in float32 inside is a staircase at steps below 2^-24: differences must know.
    """
    owner = Forward.at(call, function, call.leaves, wide=True)
    if owner is None or owner.size == 0:
        return FINE
    x = pack([call.leaves[k] for k in call.active])
    # 2^-10: generic neighbours, off the grid of any narrower type.
    values = np.stack(
        [
            owner(x * (1 + 2.0**-10 * rng.uniform(-1, 1, x.size)) + 2.0**-40 * rng.uniform(-1, 1, x.size))
            for _ in range(4)
        ]
    )
    moving = np.ptp(values, axis=0) > 0
    # Numbers of every type, and counts are no rounding: floor is no float16.
    counted = np.all((values == np.rint(values)) & (np.abs(values) <= 2.0**24), axis=0)
    values = values[:, moving & ~counted & np.all(np.isfinite(values) & (values != 0), axis=0)]
    size = float(np.max(np.abs(values), initial=0.0))
    units = _units(values)
    quantum = _quantum(values, units, size)
    for narrow in (np.float16, np.float32):
        with np.errstate(over="ignore"):
            on_grid = np.all(values == values.astype(narrow), axis=0)
        u = roundoff(np.dtype(narrow))
        # A few multiples of any unit are numbers of every type.  Those of a type use all of its digits, and no more.
        full = on_grid & (units <= 8 * u * np.max(np.abs(values), axis=0, initial=0.0))
        if full.any() and not (0 < quantum <= np.max(units[~full], initial=0.0)):
            return Grain(u)
    return Grain(quantum=quantum, size=size or 1.0)


def _units(values: Array) -> Array:
    """The largest power of two that divides all values (4, m) of each component, none 0."""
    mantissa, exponent = np.frexp(values)
    bits = np.ldexp(mantissa, 53).astype(np.int64)
    last = np.frexp((bits & -bits).astype(float))[1] - 1
    return np.asarray(np.ldexp(1.0, np.min(exponent - 53 + last, axis=0, initial=1023)))


def _quantum(values: Array, units: Array, size: float) -> float:
    """The largest power of two or of ten that divides all values (4, m) of some component, and is no more than ROUNDED of ``size``; or 0.

    Four values have ten bits fewer than they could, or are decimals to 2^-15 of their unit, in one case of 2^40 by chance.
    """
    binary = units[units >= 2.0**-43 * np.max(np.abs(values), axis=0, initial=0.0)]
    known = [0.0, *binary[binary <= ROUNDED * size]]
    for digits in range(1, 16):
        count = np.abs(values) * 10.0**digits
        whole = (np.abs(count - np.rint(count)) <= 2.0**-51 * count) & (count <= 2.0**36)
        if whole.all(axis=0).any() and 10.0**-digits <= ROUNDED * size:
            known.append(10.0**-digits)
            break
    return float(max(known))


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
