"""The short way to a verdict: one imaginary step per entry, one real difference for all of them together.

Most points show nothing wrong, and there a handful of evaluations is enough.  Two computations that know nothing of each other, the answer
under test and an imaginary step, agree in every entry to within honest rounding; and a difference along a generic direction, that
knows nothing of complex numbers, confirms the slope of every output that the imaginary steps predict, and shows no kink.
Where any of this fails, nothing is concluded: the point is looked at entry by entry (``truth``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradcheck.engine.truth import Forward, Truth, estimate
from gradcheck.oracles.analytic import branches
from gradcheck.oracles.imaginary import generic, sizes, slopes
from gradcheck.records import Array, Local

CORROBORATED = 2.0**-10
"""A difference vaguer than this part of the terms confirms nothing: what is not analytic errs by the size of a term."""

BESIDE = 2.0**-10
"""Distance from a kink, relative to each coordinate's size, at which a difference sees a smooth function on a thousandth of that size."""

MODES = ("plain", "analytic")


@dataclass(frozen=True, slots=True)
class Screened:
    """What one imaginary step per row and one difference say at a point; ``kinked`` if the difference saw a kink."""

    truth: Truth | None
    kinked: bool


def jacobian(owner: Forward, x: Array, rows: Array) -> Array | None:
    """Slopes of all outputs along all rows (D, m) by imaginary steps, in the mode of ``owner``; None if it has none."""
    return slopes(owner.holomorphic, x, rows, owner.size) if owner.analytic else None


def screen(owner: Forward, x: Array, g: Array, rows: Array, rng: np.random.Generator) -> Screened:
    """The derivative of g . f along each row, if it is corroborated.

    ``owner.mode`` and ``owner.confirmed`` then say how the forward takes complex numbers.  At a kink that is found out close by.
    """
    if not owner.analytic or not len(rows) or not np.any(g):
        return Screened(None, False)
    here = _corroborate(owner, x, g, rows, rng)
    if not here.kinked:
        return here
    aside = x + BESIDE * (sizes(x, rows) * rng.choice((-1.0, 1.0), size=len(rows)) * rng.uniform(0.5, 1.0, len(rows))) @ rows
    return Screened(None, _corroborate(owner, aside, g, rows, rng).truth is not None)


def _corroborate(owner: Forward, x: Array, g: Array, rows: Array, rng: np.random.Generator) -> Screened:
    used = np.flatnonzero(g)
    weights = rng.choice((-1.0, 1.0), size=len(rows)) * rng.uniform(0.5, 2.0, size=len(rows))
    d = generic(x, rows, weights)
    difference = None
    for mode in (owner.mode, *(m for m in MODES if m != owner.mode)):
        tried = replace(owner, mode=mode, evaluations=0)
        each = jacobian(tried, x, rows)
        owner.evaluations += tried.evaluations
        if each is None:
            continue
        if difference is None:
            difference = estimate(lambda v: owner(v)[used], owner, x, d[None])
            if np.any(difference.kind == Local.KINK):
                return Screened(None, True)
            if not np.all(np.isfinite(difference.bound)):
                return Screened(None, False)
        terms = (weights * sizes(x, rows))[:, None] * each[:, used]
        size = np.sum(np.abs(terms), axis=0)
        slack = difference.bound[0] + (4 + 6 * np.sqrt(len(rows))) * 2.0**-53 * size
        gap = np.abs(np.sum(terms, axis=0) - difference.value[0])
        # 2^10 u N as in the judge: a difference that is limited by the rounding of f alone confirms, too.
        rounding = 2.0**10 * (2.0**-53 * difference.scale[0] + np.finfo(float).smallest_subnormal)
        if np.all((gap <= slack) & (difference.bound[0] <= np.maximum(CORROBORATED * size, rounding))):
            owner.mode, owner.confirmed = mode, True
            return Screened(_known(each[:, used], g[used], difference.scale[0]), False)
    return Screened(None, False)


def imaginary_movement(
    owner: Forward, x: Array, g: Array, rows: Array, known: Truth, u: float, rng: np.random.Generator
) -> Array:
    """k: three times the largest movement of the truth in six draws, under changes of inputs and cotangent by one roundoff.

    An imaginary step has no noise of its own but its rounding, so the changes need not be larger than those that are meant.
    """
    most = np.zeros(len(rows))
    for _ in range(6):
        moved = x * (1 + 2 * u * rng.choice((-1.0, 1.0), size=x.size))
        turned = g * (1 + u * rng.choice((-1.0, 1.0), size=g.size))
        each = jacobian(owner, moved, rows)
        if each is not None:
            most = np.maximum(most, np.abs(each @ turned - known.value))
    return 3 * most


def fixed_choices(owner: Forward, x: Array, g: Array, rows: Array) -> list[Array]:
    """Derivatives of g . f along the rows with every tied primitive taking its first branch, its second, or their mean.

    Empty where nothing is tied at x, or imaginary steps do not work there.
    """
    if not owner.analytic or not owner.confirmed:
        return []
    out = []
    for choice in (0.0, 0.5, 1.0):
        with branches(choice) as ties:
            each = jacobian(replace(owner, mode="analytic"), x, rows)
            tied = ties.count > 0
        if each is None or not tied:
            return out
        out.append(each @ g)
    return out


def _known(each: Array, g: Array, scale: Array) -> Truth:
    n = len(each)
    zero, none = np.zeros(n), np.zeros(n, bool)
    value = each @ g
    return Truth(
        value=value,
        bound=zero,
        low=value,
        high=value,
        magnitude=np.abs(each) @ np.abs(g),
        scale=np.full(n, float(scale @ np.abs(g))),
        kind=np.full(n, int(Local.SMOOTH)),
        jump=zero,
        jump_bound=zero,
        conflict=none,
        flat=zero,
        terms=np.count_nonzero(each != 0, axis=1),
        method="imaginary steps, confirmed by a difference",
    )
