"""What is known of a gradient at a point, by four roads that share as little as they can.

``certified_gradient``: reverse accumulation in balls; its bound is a proof that trusts the table's derivative formulas and flint.
``certified_difference``: values only, in balls; trusts no derivative formula.  ``high_precision_gradient`` and
``high_precision_difference`` are the same two in mpmath, evidence by another library and without a bound.

All speak of the branch that was traced: where the trace has ties, another branch lies beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from flint import acb, arb

from gradcheck.numbers.balls import Balls, ComplexBalls
from gradcheck.numbers.errors import Unsupported
from gradcheck.numbers.field import Floats, Values
from gradcheck.numbers.mpfloats import MPField, context
from gradcheck.numbers.program import Program

TARGET = 2.0**-60
"""Relative radius that is asked for: a hundredth of an ulp of float64."""

LIMIT = 2048
"""Bits at which raising the precision ends."""

TRIES = (*((k, 60) for k in (3, 8, 20, 50, 120, 300, 700, 1100)), *((k, 1200) for k in (3, 50, 1100)))
"""Discs and steps of certified differences: (k, s) is a radius of 2^-k of the entry's size and a step of 2^-s of that.  What is left
open is 2^-2s of the bound on the disc; the last ones are for sums of numbers as far apart as float64 has them."""


@dataclass(frozen=True)
class Certified:
    """Real numbers t with \\|t - (value + rest)\\| <= ``bound``; ``value`` is a float64 close by, ``bits`` the precision that gave them.

    Where nothing is known ``value`` is nan and ``bound`` inf.
    """

    value: Floats
    rest: Floats
    bound: Floats
    bits: int

    @property
    def error(self) -> Floats:
        """How far ``value`` alone may be from t."""
        return np.nextafter(np.abs(self.rest) + self.bound, np.inf)


def certified(balls: Values, shape: tuple[int, ...], bits: int) -> Certified:
    """Balls as float64 numbers with what is left over; the caller holds the precision."""
    rows = [_split(ball) for ball in balls.flat]
    value, rest, bound = (
        (np.array(column, float).reshape(shape) for column in zip(*rows, strict=True))
        if rows
        else (np.zeros(shape) for _ in range(3))
    )
    return Certified(value, rest, bound, bits)


def _split(ball: arb) -> tuple[float, float, float]:
    """Value, rest and bound of one ball."""
    if not ball.is_finite():
        return math.nan, 0.0, math.inf
    near = float(ball)
    if not math.isfinite(near):
        return near, 0.0, math.inf
    left = ball - near
    more = float(left)
    over = left - more
    # float() rounds to nearest: the next number is an upper bound.
    return near, more, 0.0 if over == 0 else math.nextafter(float(over.abs_upper()), math.inf)


def _elements(field: Any, arrays: Sequence[Any]) -> list[Values]:
    return [field.constants(np.asarray(a, np.float64).ravel()) for a in arrays]


def natural_scale(inputs: Sequence[Any], value: Sequence[Floats], cotangents: Sequence[Any]) -> float:
    """\\|g\\|.\\|f\\| over the size of the point: what an entry is compared with whose terms cancel."""
    with np.errstate(all="ignore"):
        size = sum(float(np.sum(np.abs(np.ravel(g) * np.ravel(v)))) for g, v in zip(cotangents, value, strict=True))
    length = max([1.0, *(float(np.max(np.abs(x), initial=0.0)) for x in inputs)])
    return size / length if np.isfinite(size) else 0.0


def _scale(program: Program, inputs: Sequence[Any], cotangents: Sequence[Any]) -> float:
    field = Balls(64)
    with field.working():
        values = [field.nearest(v) for v in program.evaluate(field, _elements(field, inputs))]
    return natural_scale(inputs, values, cotangents)


def _sharp(found: Sequence[Certified], scale: float) -> bool:
    """Whether each radius is within TARGET of its number, or of u times the largest entry or the natural scale."""
    sizes = [np.abs(c.value) for c in found]
    largest = max([scale, *(float(np.max(s, initial=0.0, where=np.isfinite(s))) for s in sizes)])
    return all(
        bool(np.all(c.bound <= np.maximum(TARGET * np.maximum(s, 2.0**-53 * largest), 2.0**-1074)))
        for c, s in zip(found, sizes, strict=True)
    )


def certified_gradient(
    program: Program,
    inputs: Sequence[Any],
    cotangents: Sequence[Any],
    *,
    bits: int = 128,
    limit: int = LIMIT,
    scale: float | None = None,
) -> tuple[Certified, ...]:
    """The vjp sum_k <g_k, d f_k> for each traced input, in balls, at a precision that is doubled until the radii are small.

    ``inputs`` are the traced ones.  A radius is small beside its number, or beside ``scale`` (by default the ``natural_scale``) times the
    unit roundoff, where terms cancel.
    """
    while True:
        field = Balls(bits)
        with field.working():
            store = program.run(field, _elements(field, inputs))
            weights = [
                _where_defined(store[ids.ravel()], g)
                for ids, g in zip(program.outputs, _elements(field, cotangents), strict=True)
            ]
            places = program.adjoint(field, store, weights)
            slopes = [places[ids.ravel()] for ids in program.inputs]
            found = tuple(certified(s, np.shape(x), bits) for s, x in zip(slopes, inputs, strict=True))
        if bits * 2 > limit or _sharp(found, scale or 0.0):
            return found
        if scale is None:  # it costs an evaluation, and is seldom wanted
            scale = _scale(program, inputs, cotangents)
            if _sharp(found, scale):
                return found
        bits *= 2


def _where_defined(values: Values, weights: Values) -> Values:
    """The cotangent, and nan where it weighs what is no number: 1/x is a number at -1, the derivative of log x is none."""
    out = weights.copy()
    for k, (v, g) in enumerate(zip(values, weights, strict=True)):
        if not v.is_finite() and not g == 0:
            out[k] = arb.nan()
    return out


def certified_value(
    program: Program, inputs: Sequence[Any], *, bits: int = 128, limit: int = LIMIT
) -> tuple[Certified, ...]:
    """The outputs in balls, at a precision that is doubled until the radii are small."""
    while True:
        field = Balls(bits)
        with field.working():
            values = program.evaluate(field, _elements(field, inputs))
            found = tuple(certified(v, ids.shape, bits) for v, ids in zip(values, program.outputs, strict=True))
        if bits * 2 > limit or _sharp(found, 0.0):
            return found
        bits *= 2


def _total(outputs: Sequence[Values], weights: Sequence[Values]) -> Values:
    """sum_k <g_k, f_k>, one number for each row of the batch."""
    total: Any = 0
    for f, g in zip(outputs, weights, strict=True):
        if f.shape[-1]:
            total = total + np.add.reduce(f * g, axis=-1)
    return np.atleast_1d(np.asarray(total, object))


@lru_cache(maxsize=4096)
def _power(exponent: int) -> arb:
    return arb(2) ** exponent


def _exponents(x: Floats) -> Any:
    """e with \\|x\\| < 2^e <= 2 \\|x\\|, and 0 for zero: the size of each entry."""
    return np.where(x == 0, 0, np.frexp(x)[1]).astype(int)


def certified_difference(
    program: Program, inputs: Sequence[Any], cotangents: Sequence[Any], *, bits: int = 256, scale: float | None = None
) -> tuple[Certified, ...]:
    """The same vjp from values alone.

    phi = sum_k <g_k, f_k> is analytic on a polydisc around x if complex balls say so, and \\|phi\\| <= M there; then along each entry
    \\|(phi(x + h) - phi(x - h)) / 2h - phi'(x)\\| <= (M / R) q^2 / (1 - q^2), q = h / R, by Cauchy's estimates of the Taylor coefficients
    (Ahlfors, Complex Analysis, section 4.2.3).  The radius R is 2^-k of the entry's size; k grows until the bound is small.
    """
    if scale is None:
        scale = _scale(program, inputs, cotangents)
    points = [np.asarray(x, np.float64) for x in inputs]
    flat = np.concatenate([p.ravel() for p in points]) if points else np.zeros(0)
    sizes = _exponents(flat)
    best: tuple[Certified, ...] | None = None
    for k, step in TRIES:
        working = bits + k + 4 * (step - TRIES[0][1])
        field, plane = Balls(working), ComplexBalls(working)
        with field.working():
            largest = _largest(program, plane, points, sizes - k, cotangents)
            if largest is None:
                continue
            slopes = _differences(program, field, points, flat, sizes - k, step, cotangents)
            for i, e in enumerate(sizes - k):
                open_ = largest * _power(-int(e)) * _power(-2 * step) / (1 - _power(-2 * step))
                slopes[i] = slopes[i] + arb(0, 1) * open_
            rows = np.split(slopes, np.cumsum([p.size for p in points])[:-1])
            found = tuple(certified(s, p.shape, working) for s, p in zip(rows, points, strict=True))
        best = found if best is None else tuple(_better(a, b) for a, b in zip(best, found, strict=True))
        if _sharp(best, scale):
            return best
    if best is not None:
        return best
    nothing = [np.full(p.shape, np.nan) for p in points]
    return tuple(Certified(n, np.zeros(n.shape), np.full(n.shape, np.inf), bits) for n in nothing)


def _better(a: Certified, b: Certified) -> Certified:
    pick = b.bound < a.bound
    return Certified(
        np.where(pick, b.value, a.value),
        np.where(pick, b.rest, a.rest),
        np.where(pick, b.bound, a.bound),
        max(a.bits, b.bits),
    )


def _largest(
    program: Program, plane: ComplexBalls, points: Sequence[Floats], radii: Any, cotangents: Sequence[Any]
) -> arb | None:
    """A bound of \\|phi\\| on the polydisc of radii 2^e, or None where it is not analytic for certain."""
    wide = []
    start = 0
    for p in points:
        z = np.empty(p.size, object)
        for i, x in enumerate(p.flat):
            r = _power(int(radii[start + i]))
            z[i] = acb(arb(float(x)) + arb(0, 1) * r, arb(0, 1) * r)
        wide.append(z)
        start += p.size
    try:
        total = _total(program.evaluate(plane, wide), _elements(plane, cotangents))
    except Unsupported:  # flint has no complex version of every function
        return None
    size = total[0].abs_upper() if isinstance(total[0], acb) else arb(0)
    return size if size.is_finite() else None


def _differences(
    program: Program,
    field: Balls,
    points: Sequence[Floats],
    flat: Floats,
    radii: Any,
    step: int,
    cotangents: Sequence[Any],
) -> Values:
    """(phi(x + h) - phi(x - h)) / 2h for each entry, h = 2^(e - step)."""
    n = flat.size
    slopes = np.empty(n, object)
    middle = field.constants(flat)
    weights = _elements(field, cotangents)
    chunk = max(1, 2_000_000 // max(program.size, 1))
    for start in range(0, n, chunk):
        rows = range(start, min(start + chunk, n))
        ahead = np.tile(middle, (2 * len(rows), 1))
        for j, i in enumerate(rows):
            h = _power(int(radii[i]) - step)
            ahead[2 * j, i] = middle[i] + h
            ahead[2 * j + 1, i] = middle[i] - h
        batches = np.split(ahead, np.cumsum([p.size for p in points])[:-1], axis=1)
        phi = np.broadcast_to(_total(program.evaluate(field, batches), weights), (2 * len(rows),))
        for j, i in enumerate(rows):
            slopes[i] = (phi[2 * j] - phi[2 * j + 1]) * _power(step - 1 - int(radii[i]))
    return slopes


def high_precision_gradient(
    program: Program, inputs: Sequence[Any], cotangents: Sequence[Any], *, bits: int = 170
) -> tuple[Values, ...]:
    """The vjp by reverse accumulation in mpmath, as arrays of mpf."""
    field = MPField(bits)
    slopes = program.gradient(field, _elements(field, inputs), _elements(field, cotangents))
    return tuple(s.reshape(np.shape(x)) for s, x in zip(slopes, inputs, strict=True))


def high_precision_difference(
    program: Program, inputs: Sequence[Any], cotangents: Sequence[Any], *, bits: int = 170
) -> tuple[Values, ...]:
    """The same by ``mpmath.diff``: from values alone, at a working precision that it chooses for its step."""
    own = context(bits)
    results = []
    for position, x in enumerate(inputs):
        slopes = np.empty(np.shape(x), object)
        for index in np.ndindex(np.shape(x)):
            slopes[index] = own.diff(_line(program, inputs, cotangents, position, index), own.mpf(0))
        results.append(slopes)
    return tuple(results)


def _line(
    program: Program, inputs: Sequence[Any], cotangents: Sequence[Any], position: int, index: tuple[int, ...]
) -> Any:
    """t -> phi(x + t e), evaluated in the precision at which mpmath asks."""

    def phi(t: Any) -> Any:
        field = MPField(t.context.prec)
        moved = _elements(field, inputs)
        k = int(np.ravel_multi_index(index, np.shape(inputs[position]))) if index else 0
        moved[position][k] = moved[position][k] + context(field.bits).mpf(t)
        value = _total(program.evaluate(field, moved), _elements(field, cotangents))[0]
        return t.context.mpf(value)

    return phi
