"""The short way to a verdict: one imaginary step per entry, one real difference for all of them together.

Most points show nothing wrong, and there a handful of evaluations is enough.  Two computations that know nothing of each other, the answer
under test and an imaginary step, agree in every entry to within honest rounding; and a difference along a generic direction, that
knows nothing of complex numbers, confirms the slope of every output that the imaginary steps predict, and shows no kink.
Once a whole estimate has shown how the forward takes complex numbers, four values do for it elsewhere, if they are clear.
Where any of this fails, nothing is concluded: the point is looked at entry by entry (``truth``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradcheck.engine.forward import Forward, ends, limits
from gradcheck.engine.judge import Truth
from gradcheck.engine.truth import CLOSE, CONFLICTING, estimate, truth
from gradcheck.flat import pack
from gradcheck.oracles.analytic import Choice, branches
from gradcheck.oracles.imaginary import NOTHING, sizes, slopes
from gradcheck.records import Array, Estimate, Local
from gradcheck.subjects.callables import CAUGHT

CORROBORATED = 2.0**-10
"""A difference vaguer than this part of the terms confirms nothing: what is not analytic errs by the size of a term."""

BRIEF = (2.0**-9, 2.0**-11.5)
"""Two steps, relative to each coordinate's size, their ratio irrational: what a brief look at a line takes instead of two ladders."""

AGREED = 2.0**-30
"""Part of the terms within which four values must show the slope predicted: extrapolated, they err by 2^-48 of a fifth derivative, so
that what bends over an eighth of its size passes.  Chosen; what fails is looked at with two ladders, and nothing is lost but time."""

BESIDE = 2.0**-10
"""Distance from a kink, relative to each coordinate's size, at which a difference sees a smooth function on a thousandth of that size."""

MODES = ("plain", "analytic")


@dataclass(frozen=True, slots=True)
class Screened:
    """What one imaginary step per row and one difference say at a point.

    ``kinked``: the difference saw a kink; ``doubted``: it saw none, and not what the imaginary steps predict.
    """

    truth: Truth | None
    kinked: bool
    doubted: bool = False


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
    # Along every line through a point where all inputs are equal a median is smooth, and yet it is not linear.
    if here.truth is not None or not (here.kinked or (here.doubted and kinked_across(owner, x, g, rows, rng))):
        return here
    if _beside_a_kink(owner, x, rows) and (known := _untied(owner, x, g, rows)) is not None:
        return Screened(known, False)
    aside = (
        x
        + BESIDE * (sizes(x, rows) * rng.choice((-1.0, 1.0), size=len(rows)) * rng.uniform(0.5, 1.0, len(rows))) @ rows
    )
    return Screened(None, _corroborate(owner, aside, g, rows, rng).truth is not None)


def _beside_a_kink(owner: Forward, x: Array, rows: Array) -> bool:
    """Whether a kink that differences see may lie beside x, nearer than their finest step: an entry is tiny among the others."""
    size = np.abs(x[np.any(rows != 0, axis=0)])
    return bool(np.any((size > 0) & (size < 2.0**-30 * max(1.0, float(np.max(size, initial=0.0))))))


def _untied(owner: Forward, x: Array, g: Array, rows: Array) -> Truth | None:
    """The derivative by imaginary steps on analytic arrays, where these meet no tie; None else."""
    tried = replace(owner, mode="analytic")
    with branches(Choice.NATIVE) as ties:
        each = jacobian(tried, x, rows)
        tied = ties.count > 0
    if each is None or tied:
        return None
    used = np.flatnonzero(g)
    return _known(each[:, used], g[used], np.zeros(used.size))


def _corroborate(
    owner: Forward, x: Array, g: Array, rows: Array, rng: np.random.Generator, *, second: bool = False
) -> Screened:
    used = np.flatnonzero(g)
    signs = rng.choice((-1.0, 1.0), size=len(rows)) * rng.uniform(0.5, 2.0, size=len(rows))
    known: dict[str, Array] = {}
    doubted = False
    for mode in MODES:
        if owner.mode in ("", mode):
            _add(known, owner, mode, x, rows, used)
    # Where they differ, lengths or conjugates were taken and only analytic arrays carry the slope along, or something is tied.
    doubtful = len(known) == 2 and not _alike(*known.values())
    if doubtful:
        known = dict(reversed(known.items()))
    size = sizes(x, rows)
    if owner.mode and len(known) == 1:
        for weights in (signs * size, signs * np.minimum(size, 1.0))[: 1 if np.max(size) <= 1.0 else 2]:
            scale = _briefly(owner, x, rows, weights, known[owner.mode], used)
            if scale is not None:
                owner.confirmed, owner.sure = True, True
                return Screened(_known(known[owner.mode], g[used], scale), False)
    # A function that turns many times within x aliases with differences as long as x; those of length one then see it.
    for reach in (None, CLOSE) if known else ():
        if reach is not None and np.max(size) <= 1.0:
            break
        weights = signs * (size if reach is None else np.minimum(size, 1.0))
        along = None if reach is None else np.full(1, reach / float(np.max(np.abs(weights))))
        difference = estimate(lambda v: owner(v)[used], owner, x, (weights @ rows)[None], along)
        if np.any(difference.kind == Local.KINK):
            return Screened(None, True)
        if not np.all(np.isfinite(difference.bound)):
            continue
        doubted = True
        for mode, each in list(known.items())[: 2 if doubtful else 1]:
            if _confirms(replace(owner, mode=mode), difference, x, rows, weights, each, used, rng):
                # Something may be tied that no line shows, and one line may agree by chance.
                if doubtful and kinked_across(owner, x, g, rows, rng):
                    return Screened(None, True)
                owner.mode, owner.confirmed, owner.sure = mode, True, not doubtful or mode == "analytic"
                return Screened(_known(each, g[used], difference.scale[0]), False)
    if owner.mode == "plain" and not second:
        # A branch that is taken here and was not before may need the other arrays.
        owner.mode = "analytic"
        other = _corroborate(owner, x, g, rows, rng, second=True)
        if other.truth is None:
            owner.mode = "plain"
        return other
    return Screened(None, False, doubted)


def _add(known: dict[str, Array], owner: Forward, mode: str, x: Array, rows: Array, used: Array) -> None:
    tried = replace(owner, mode=mode, evaluations=0)
    each = jacobian(tried, x, rows)
    owner.evaluations += tried.evaluations
    if each is not None:
        known[mode] = each[:, used]


def _alike(a: Array, b: Array) -> bool:
    """Whether two Jacobians are the same up to the rounding of a few operations."""
    return bool(np.all(np.abs(a - b) <= 2.0**-48 * np.maximum(np.abs(a), np.abs(b))))


def _briefly(owner: Forward, x: Array, rows: Array, weights: Array, each: Array, used: Array) -> Array | None:
    """The natural scale of each used output, where four values along the weighted rows confirm the imaginary steps ``each``; else None.

    Confirmed is the slope that they predict, and that it does not jump; both are extrapolated from two steps.  None says
    nothing: the whole estimate is then made, which tells a kink from a function that bends strongly, and rounding from either.
    """
    d = weights @ rows
    low, high = limits(owner.call, owner.layout, x, d[None])
    if min(-low[0], high[0]) < BRIEF[0]:
        return None
    terms = weights[:, None] * each
    size = np.sum(np.abs(terms), axis=0)
    here = owner(x)[used]
    (up, down), (up_near, down_near) = ((owner(x + h * d)[used], owner(x - h * d)[used]) for h in BRIEF)
    far, near = BRIEF
    ratio = near / far
    slopes_far, slopes_near = (up - down) / (2 * far), (up_near - down_near) / (2 * near)
    jump_far, jump_near = ((up - here) - (here - down)) / far, ((up_near - here) - (here - down_near)) / near
    slope = (slopes_near - ratio**2 * slopes_far) / (1 - ratio**2)
    jump = (jump_near - ratio * jump_far) / (1 - ratio)
    largest = np.max(np.abs([here, up, down, up_near, down_near]), axis=0)
    # The values err by some roundoffs each, and extrapolation to the step 0 hardly enlarges that.
    rounding = 8 * owner.noise_floor * largest / near
    agrees = np.abs(slope - np.sum(terms, axis=0)) <= AGREED * size + rounding
    agrees &= np.abs(jump) <= CONFLICTING * size + rounding
    agrees &= rounding <= CORROBORATED * size
    still = (size == 0) & (up == here) & (down == here) & (up_near == here) & (down_near == here)
    return largest / max(1.0, float(np.max(np.abs(x), initial=0.0))) if np.all(agrees | still) else None


def _confirms(
    owner: Forward,
    difference: Estimate,
    x: Array,
    rows: Array,
    weights: Array,
    each: Array,
    used: Array,
    rng: np.random.Generator,
) -> bool:
    """Whether the difference along the weighted rows is what the imaginary steps ``each`` predict, and sharp enough to tell."""
    value, bound, scale = difference.value[0], difference.bound[0], difference.scale[0]
    terms = weights[:, None] * each
    size = np.sum(np.abs(terms), axis=0)
    # 2^10 u N as in the judge: a difference that is limited by the rounding of f alone confirms, too.
    sharp = bound <= np.maximum(np.maximum(CORROBORATED * size, 2.0**10 * 2.0**-53 * scale), NOTHING)
    if not sharp.all():
        d = weights @ rows
        sharp |= bound <= 2.0**-30 * _size_at(owner, x + np.stack([-d, d]), used)
        if not sharp.all():
            return False
    slack = bound + (4 + 6 * np.sqrt(len(rows))) * 2.0**-53 * size
    # Where all samples are equal, intermediate results of size one or of some input may have swallowed what changed.
    largest = max(1.0, float(np.max(np.abs(x), initial=0.0)))
    slack = slack + np.where((value == 0.0) & (bound <= 2.0**-53), 8 * 2.0**-53 * largest, 0.0)
    gap = np.abs(np.sum(terms, axis=0) - value)
    if not np.all(gap <= slack):
        # At a tie a roundoff changes everything, and excuses nothing: conditioning counts up to the sharpness asked for.
        moved = _movement_of_sum(owner, x, rows, weights, used, np.sum(terms, axis=0), rng)
        slack = slack + np.minimum(moved, CORROBORATED * size)
    return bool(np.all(gap <= slack))


def _movement_of_sum(
    owner: Forward, x: Array, rows: Array, weights: Array, used: Array, here: Array, rng: np.random.Generator
) -> Array:
    """Three times the most that the predicted slopes move under changes of all inputs by a roundoff: their conditioning."""
    most = np.zeros(here.shape)
    for _ in range(4):
        moved = x * (1 + 2.0**-52 * rng.choice((-1.0, 1.0), size=x.size))
        each = jacobian(owner.with_constants_moved(2.0**-53, rng), moved, rows)
        if each is not None:
            most = np.maximum(most, np.abs(weights @ each[:, used] - here))
    return 3 * most


def _size_at(owner: Forward, points: Array, used: Array) -> Array:
    """Size of each used output where every entry has moved by its own size: the scale of a function that vanishes at an origin."""
    values = np.abs(np.stack([owner(p)[used] for p in points]))
    return np.asarray(np.min(np.where(np.isfinite(values), values, 0.0), axis=0))


def kinked_across(owner: Forward, x: Array, g: Array, every: Array, rng: np.random.Generator) -> bool:
    """Whether the point is a kink that no single line shows: slopes there do not add up.

    Two directions may lie in one piece with their sum, for a median of four equal numbers in one draw of six: four draws are made.
    At the ends of intervals there is one orthant only, and as many draws more are made in which the second direction orders its entries
    the other way round: the largest is then another for certain, while the two in the middle may be the same.
    """
    x, inwards = ends(owner.call, owner.layout, x, every)
    for draw in range(8 if np.any(inwards) else 4):
        w = rng.normal(size=(2, len(every)))
        if draw % 2:
            w[1] = np.where(inwards != 0, 1 / np.maximum(np.abs(w[0]), 2.0**-4), w[1])
        first, second = (np.where(inwards != 0, inwards * np.abs(w), w) * sizes(x, every)) @ every
        across = truth(owner, x, g, np.stack([first, second, first + second]), sharp=False)
        with np.errstate(invalid="ignore"):
            gap = np.abs(across.value[0] + across.value[1] - across.value[2])
            # 2^-20: slopes that do not add up by more than a millionth of their terms are no rounding.
            bent = gap > np.sum(across.bound) + 2.0**-20 * np.sum(np.abs(across.value))
        if np.any(across.kind == Local.KINK) or bent:
            return True
    return False


def fixed_choices(owner: Forward, x: Array, g: Array, rows: Array) -> list[Array]:
    """Derivatives of g . f along the rows with every tied primitive choosing in the same way.

    Of the claim's text, and of that by which the subject says that its forward is made, if that has the same values here.
    Empty where nothing is tied at x, or imaginary steps do not work there.
    """
    if not owner.analytic or not owner.confirmed:
        return []
    found, text = _choices(owner, x, g, rows), owner.call.implementation.composed
    if text is not None and _same_values(owner, other := replace(owner, function=text), x):
        found += _choices(other, x, g, rows)
    return found


def _same_values(owner: Forward, other: Forward, x: Array) -> bool:
    """Whether two texts agree at x in half of the digits: the choices of another function excuse nothing."""
    try:
        a, b = pack(owner.outputs(x)), pack(other.outputs(x))
    except CAUGHT:
        return False
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= 2.0**-26 * np.maximum(np.abs(a), 1.0)))


def _choices(owner: Forward, x: Array, g: Array, rows: Array) -> list[Array]:
    out: list[Array] = []
    for choice in (Choice.LEAST, Choice.MEAN):
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
        span=zero,
        method="imaginary steps, confirmed by a difference",
    )
