"""The judge: pure.  No input or output, no randomness, no framework.

A number that excuses an error is derived, or says beside it that it was chosen.

Per coordinate i, with u the unit roundoff of the vjp's dtype, v its answer, t the truth and b its bound, g the
cotangent, J the Jacobian with m outputs, ``tiny`` the least subnormal:

* honest rounding      R = k + (4 + min(m, 6 sqrt(m))) u A + (m + 1) tiny,   A_i = sum_j |g_j J_ji|;
  a sum of m products errs by m u A at the most and by about sqrt(m) u A in practice (Higham & Mary 2019), 4 roundings
  belong to the factors; k is the truth's own movement under ulp-sized changes of inputs and cotangent;
* natural scale        N_i = sum_j |g_j| min_rho max|f_j|/rho  (Cauchy's inequality);
* the implementation's own movement W, capped at sqrt(u) N, the error of an honest derivative of the same text, that which rounding of the
  answer's own text explains, and a few lost digits D = u^(13/16) A + u^(-1/8) k: they may turn wrong into inaccurate, never into right.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from gradcheck.records import Array, Local


class Judgement(enum.IntEnum):
    """What is said of one coordinate."""

    RIGHT = 0
    INACCURATE = 1
    WRONG = 2
    INCONCLUSIVE = 3
    OUTSIDE = 4
    KINK = 5
    CONFLICT = 6
    CONVENTION = 7


@dataclass(frozen=True, slots=True)
class Truth:
    """The derivative of Re<g, f> along each coordinate's direction, as the oracles know it.

    Arrays of shape (n,).  ``low`` and ``high`` enclose what ALL corroborating estimates leave possible for exclusion:
    an answer is excluded only outside of each of them.  ``magnitude`` is A and ``scale`` is N of the module's formulas.
    ``jump`` is right slope minus left slope.
    """

    value: Array
    bound: Array
    low: Array
    high: Array
    magnitude: Array
    scale: Array
    kind: Array
    jump: Array
    jump_bound: Array
    conflict: Array
    flat: Array
    """Size below which an answer cannot be refuted, where the forward is constant in floating point near an origin; else 0."""
    terms: Array
    span: Array
    """Least change of g . f as an entry moves by its own size, or by one; filled in where the truth is 0 within its bound, else 0."""
    method: str
    certified: bool = False

    @classmethod
    def of(
        cls,
        value: Array,
        bound: Array,
        kind: Local,
        method: str,
        *,
        magnitude: Array | None = None,
        terms: Array | None = None,
        certified: bool = False,
    ) -> Truth:
        """A truth of which nothing else is known."""
        n = value.size
        zero = np.zeros(n)
        return cls(
            value=value,
            bound=bound,
            low=value - bound,
            high=value + bound,
            magnitude=np.abs(value) if magnitude is None else magnitude,
            scale=zero,
            kind=np.full(n, int(kind)),
            jump=zero,
            jump_bound=zero,
            conflict=np.zeros(n, bool),
            flat=zero,
            terms=np.ones(n) if terms is None else terms,
            span=zero,
            method=method,
            certified=certified,
        )

    def part(self, rows: Array) -> Truth:
        """Some of the coordinates."""
        chosen: dict[str, Any] = {name: getattr(self, name)[rows] for name in PER_COORDINATE}
        return replace(self, **chosen)

    def with_rows(self, rows: Array, other: Truth) -> Truth:
        """This truth with some coordinates from another one, that holds these coordinates only."""
        made: dict[str, Any] = {name: np.array(getattr(self, name)) for name in PER_COORDINATE}
        for name in PER_COORDINATE:
            made[name][rows] = getattr(other, name)
        return replace(self, **made, method=other.method)

    @classmethod
    def join(cls, parts: Sequence[Truth]) -> Truth:
        """One truth of the coordinates of all parts, in order."""
        if len(parts) == 1:
            return parts[0]
        joined: dict[str, Any] = {name: np.concatenate([getattr(p, name) for p in parts]) for name in PER_COORDINATE}
        return replace(parts[0], **joined)


PER_COORDINATE = tuple(f.name for f in fields(Truth) if f.name not in ("method", "certified"))
"""Fields of ``Truth`` that hold one number per coordinate."""


def allowance(truth: Truth, u: float, tiny: float, movement: Array | float = 0.0) -> Array:
    """R, the rounding that an honest implementation may commit."""
    m = np.maximum(truth.terms, 1)
    magnitude = np.where(np.isfinite(truth.magnitude), truth.magnitude, np.abs(truth.value))
    return np.asarray(movement + (4 + np.minimum(m, 6 * np.sqrt(m))) * u * magnitude + (m + 1) * tiny)


LOST = 13 / 16
"""Exponent of u below which an error, relative to the terms, is digits lost and no wrong formula: 1e-13 in float64, where 1e-12 is to be
caught.  An iteration to 1e-14, and a rotation by twenty through the exponential of a matrix, were seen to err by 1e-14 to 2e-14; a text
that cannot be read, or differs from the answer's, tells nothing of either.  Chosen between that and 1e-12, not derived.  The fewer digits
a type has, the fewer are given away."""

MORE = 1 / 8
"""Exponent of 1/u by which an honest answer may err more than the truth moves: a hundred times in float64.  The answer may go by another
way than the text, a rotation by the exponential of a matrix, which is rounded worse than the text.
Chosen with room, not derived."""


def lost(size: Array | float, movement: Array | float, u: float) -> Array:
    """D, the digits that an honest answer may lose: of terms of this size, whose sum moves by k under changes by a roundoff."""
    return np.asarray(u**LOST * np.asarray(size) + u**-MORE * np.asarray(movement))


def judge(
    answer: Array,
    truth: Truth,
    u: float,
    tiny: float,
    *,
    movement: Array | float = 0.0,
    own_movement: Array | float = 0.0,
    honest: Array | float = 0.0,
    grain: float = 0.0,
) -> Array:
    """One ``Judgement`` per coordinate.

    ``movement`` is k, ``own_movement`` is W before its cap, ``honest`` the error that an automatic derivative of the text commits in the
    same arithmetic, or that rounding of the answer's own text explains, ``grain`` the roundoff of the arithmetic in the forward.
    A truth that is looser than every allowance can refute but not confirm: there the judgement is INCONCLUSIVE.
    """
    t, b = truth.value, truth.bound
    rounding = allowance(truth, u, tiny, movement)
    scale = np.where(np.isfinite(truth.scale), truth.scale, 0.0)
    capped = np.minimum(own_movement, np.sqrt(u) * scale)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(np.isfinite(answer), np.maximum(0.0, np.abs(answer - t) - b), np.inf)
        # 2^-30: an error relative to the truth above one part in 10^9 is to be caught, so a truth this sharp confirms.
        # 2^12 u N: a difference divides noise of at least u |f| by steps inside rho, and its extrapolation and its two
        # ladders cost up to twelve bits more; a truth that is limited by nothing else confirms, too.
        sharp = b <= np.maximum(np.maximum(rounding, 2.0**-30 * np.abs(t)), 2.0**12 * max(u, grain) * scale)
        # tiny / u: numbers below twice the least normal one have no relative precision to be judged by.
        sharp |= b <= tiny / u
        # Where all vanishes nothing close by sets a scale; a zero is sharp against the slope over one step of the point's size.
        sharp |= (np.abs(t) <= b) & (b <= 2.0**-30 * truth.span)
        # tiny / u is twice the least normal number: below it hardware may flush to zero, which loses digits and is no wrong formula.
        digits = lost(np.where(np.isfinite(truth.magnitude), truth.magnitude, 0.0), movement, u)
        loose = rounding + np.maximum.reduce([8 * u * scale, capped, digits, np.broadcast_to(honest, t.shape)])
        loose = np.maximum(loose, rounding + tiny / u)
        excluded = ~np.isfinite(answer) | (answer < truth.low - loose) | (answer > truth.high + loose)
    out = np.full(answer.shape, int(Judgement.INCONCLUSIVE))
    out[(error <= rounding) & sharp] = Judgement.RIGHT
    out[(error > rounding) & (error <= loose) & sharp] = Judgement.INACCURATE
    out[(error > loose) & np.isfinite(b) & excluded] = Judgement.WRONG
    # Where roundoffs of the inputs turn the truth into something else, a few times of that proves nothing.
    ill_posed = (np.asarray(movement) > truth.magnitude / 4) & (error <= 64 * np.asarray(movement))
    out[(out == Judgement.WRONG) & ill_posed] = Judgement.INCONCLUSIVE
    out[(out == Judgement.WRONG) & (truth.flat > 0) & (np.abs(answer) <= truth.flat)] = Judgement.INCONCLUSIVE
    out[truth.kind == Local.UNDECIDED] = Judgement.INCONCLUSIVE
    # NaN is no derivative, however vague the truth is; an infinite answer is refuted by a finite bound.
    nowhere = truth.kind == Local.OUTSIDE
    out[(np.isnan(answer) | (np.isinf(answer) & np.isfinite(b))) & ~nowhere] = Judgement.WRONG
    if nowhere.any():  # unless nothing is known of it, and others have no derivative here: a singular matrix, say
        out[np.isnan(answer) & ~np.isfinite(b)] = Judgement.INCONCLUSIVE
    out[truth.kind == Local.KINK] = Judgement.KINK
    out[truth.kind == Local.OUTSIDE] = Judgement.OUTSIDE
    out[truth.conflict] = Judgement.CONFLICT
    return out


FEWEST = 12
"""Entries from which a common factor is concluded: four standard errors of their mean are then about one standard deviation."""


def common_factor(answer: Array, truth: Array, u: float) -> float | None:
    """The factor by which all entries (n,) are off alike, if there is one that rounding does not explain; else None.

    Rounding errors of different entries are independent, so their relative size scatters by about u; a factor that is common to all of them
    stems from the formula.  A constant of the formula may itself be rounded, and few formulas have more than four: below 4 u nothing is
    concluded.
    """
    if answer.size < FEWEST:
        return None
    ratio = answer / truth
    factor, spread = float(np.mean(ratio)), float(np.std(ratio))
    off = abs(factor - 1) - 4 * spread / np.sqrt(answer.size)
    return factor if off > 4 * u and spread <= abs(factor - 1) / 4 else None
