"""Taylor models in balls: what holds on every point of an interval, and not only at those looked at.

On a box with centre c and radius r a smooth function lies in sum over k < n of f_k(c) h^k / k! + f_n(box) h^n / n!, h in [-r, r]: Taylor's
theorem with Lagrange's remainder, where only the last derivative is taken over the whole box.  Derivatives come from jets of the texts'
own programs.  A box on which the enclosure is too wide is halved; one at whose centre the claim certainly fails refutes it.

Source: Makino, Berz, Taylor models and other validated functional inclusion methods, Int. J. Pure Appl. Math. 4 (2003), section 2;
Tucker, Validated Numerics (2011), chapter 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from gradcheck.numbers.balls import Balls
from gradcheck.numbers.jets import JetField
from gradcheck.numbers.operations import Operation
from gradcheck.numbers.program import Program

ORDER = 4
"""Of the remainder.  Derivatives by the table cost about twice as much for each order more."""

FINER = 8
"""Where boxes of ``ORDER`` become too many: a small bound takes fewer of this order, each twenty times as dear."""

TOO_WIDE = "the enclosure is too wide"

BITS = 2560
"""Of the balls: as many as tell x (1 - tanh x) from 0 where x is 2^1023 and it is less than the smallest float64 number, 2^-1074."""

MOST = 400
"""Boxes, beyond the first ones, after which an interval is given up: some seconds."""

FARTHEST = 2.0**1023
"""Where the last dyadic box ends: the largest power of two in float64."""

Interval = tuple[float, float]


MONOTONE = frozenset({"exp", "expm1", "tanh", "expit", "log_expit", "erf", "erfc", "atan", "asinh", "sinh"})
"""Analytic on all reals, and monotone: on a wide ball the values at its two ends bound all others."""

WIDE = 2.0**-20
"""Radius from which it pays to look at the ends."""


@dataclass(frozen=True)
class Hulls(Balls):
    """Balls whose monotone functions are taken at the ends: cosh of a wide ball contains 0, and its inverse is then no number."""

    def function(self, operation: Operation, parameter: float | None) -> Callable[..., Any]:
        """By the ends, where that is right."""
        bare = super().function(operation, parameter)
        if operation.name in MONOTONE:
            return lambda x: bare(x.lower()).union(bare(x.upper())) if x.is_finite() and x.rad() > WIDE else bare(x)
        if operation.name == "sech":  # falls with |x|
            return lambda x: _falling(bare, x) if x.is_finite() and x.rad() > WIDE else bare(x)
        return bare


def _falling(bare: Callable[..., Any], x: Any) -> Any:
    return bare(arb(abs(x).abs_lower())).union(bare(arb(abs(x).abs_upper())))


@dataclass(frozen=True, slots=True)
class Covered:
    """What boxes show: ``proved``, the number of boxes; or the box that refutes it or was given up, with what was found there."""

    result: str
    boxes: int
    bound: float = 0.0
    failing: Interval | None = None
    found: str = ""


Model = Callable[[Sequence[Interval]], list[list[Any]]]
"""For each box the derivatives 0 to n - 1 at the centre, and the n-th over the box."""


def centre(box: Interval) -> arb:
    """Exactly."""
    return (arb(box[0]) + arb(box[1])) / 2


def radius(box: Interval) -> arb:
    """Exactly, as a ball around 0 of that radius."""
    return arb(0, (arb(box[1]) - arb(box[0])) / 2)


def slopes(definition: Program, order: int = ORDER, first: int = 1) -> Model:
    """Derivatives of the definition, from number ``first`` on."""

    def model(boxes: Sequence[Interval]) -> list[list[Any]]:
        rows = _jets(definition, boxes, order + first, None)
        return [row[first:] for row in rows]

    return model


def difference(definition: Program, rule: Program, order: int = ORDER) -> Model:
    """Rule, with cotangent 1, less the definition's derivative."""

    def model(boxes: Sequence[Interval]) -> list[list[Any]]:
        truth, stated = _jets(definition, boxes, order + 1, None), _jets(rule, boxes, order, 1.0)
        return [[b - a for a, b in zip(t[1:], s, strict=True)] for t, s in zip(truth, stated, strict=True)]

    return model


def _jets(text: Program, boxes: Sequence[Interval], order: int, cotangent: float | None) -> list[list[Any]]:
    """Derivatives 0 to order - 1 at the centres, the last over the boxes."""
    base = Hulls(BITS)
    jets = JetField(base, order)
    with base.working():
        points = _column([centre(box) for box in boxes] + [centre(box) + radius(box) for box in boxes])
        moving = jets.variable(points, base.constants(np.ones(points.shape)))
        given = [moving]
        if cotangent is not None:
            given = [jets.constant(base.constants(np.full(points.shape, cotangent))), moving]
        (found,) = text.evaluate(jets, given)
        shape = (2 * len(boxes),)
        parts = [np.broadcast_to(part[..., 0], shape) for part in found.parts]
    n = len(boxes)
    return [[*(part[k] for part in parts[:-1]), parts[-1][n + k]] for k in range(n)]


def _column(values: list[Any]) -> Any:
    out = np.empty((len(values), 1), object)
    for k, value in enumerate(values):
        out[k, 0] = value
    return out


def enclosure(derivatives: Sequence[Any], box: Interval) -> Any:
    """The ball that contains the function's values on a box."""
    h, total, power = radius(box), arb(0), arb(1)
    for k, derivative in enumerate(derivatives):
        total += derivative * power / math.factorial(k)
        power *= h
    return total


def dyadic(low: float, high: float) -> Iterator[Interval]:
    """Boxes that cover an interval; from 1 outwards each is twice as long as the one before, up to 2^1023."""
    if low < 0:
        yield from ((-b, -a) for a, b in dyadic(max(0.0, -high), -low))
        low = 0.0
    while low < min(high, FARTHEST):
        end = min(high, FARTHEST, 2 * low if low >= 1 else math.floor(low) + 1.0)
        yield low, end
        low = end


Verdict = Callable[[Sequence[Any], Interval], tuple[bool, str]]
"""Of the derivatives on a box: whether the claim holds there, and else how it certainly fails, or the empty string."""


def cover(model: Callable[[Sequence[Interval]], list[Any]], boxes: Sequence[Interval], verdict: Verdict) -> Covered:
    """Halve until every box is proved, one refutes, or ``MOST`` more have been looked at."""
    todo, seen, most = list(boxes), 0, len(boxes) + MOST
    while todo:
        now, todo = todo[-32:], todo[:-32]
        seen += len(now)
        with Balls(BITS).working():
            rows = model(now)
        halves: list[Interval] = []
        for box, row in zip(now, rows, strict=True):
            with Balls(BITS).working():
                held, against = verdict(row, box)
            if against:
                return Covered("refuted", seen, failing=box, found=against)
            middle = (box[0] + box[1]) / 2
            if not held and (seen > most or not box[0] < middle < box[1]):
                return Covered("unknown", seen, failing=box, found=TOO_WIDE)
            halves += [] if held else [(box[0], middle), (middle, box[1])]
        todo += halves
    return Covered("proved", seen)


def near(
    definition: Program, rule: Program, interval: Interval, relative: float, absolute: float, order: int = ORDER
) -> Covered:
    """Whether |rule - derivative| <= relative * (largest |derivative| of the box) + absolute, all over an interval.

    Boxes are at most as long as their distance from 0, or 1, so that "largest" is no loose word.  ``bound`` is the largest difference.
    """
    largest = [0.0]

    def model(boxes: Sequence[Interval]) -> list[Any]:
        return list(zip(difference(definition, rule, order)(boxes), slopes(definition, order)(boxes), strict=True))

    def verdict(row: Sequence[Any], box: Interval) -> tuple[bool, str]:
        gap, slope = row
        size = abs(enclosure(slope, box))
        room = (size.abs_upper() if size.is_finite() else arb(0)) * relative + absolute
        far = abs(enclosure(gap, box))
        if far.is_finite() and far <= room:
            largest[0] = max(largest[0], math.nextafter(float(far.abs_upper()), math.inf))
            return True, ""
        apart = bool(abs(gap[0]) > room)
        return False, f"at {float(centre(box))!r} they differ by {float(abs(gap[0]))!r}" if apart else ""

    found = cover(model, list(dyadic(*interval)), verdict)
    return Covered(found.result, found.boxes, largest[0], found.failing, found.found)


@dataclass(frozen=True, slots=True)
class Bounds:
    """low < f' < high, with equality where it is not ``strict``; an end that is infinite claims nothing."""

    low: float = -math.inf
    high: float = math.inf
    strict_low: bool = False
    strict_high: bool = False

    def sentence(self) -> str:
        """The bounds that are claimed, in words."""
        low = f"{'>' if self.strict_low else '>='} {self.low:g}"
        high = f"{'<' if self.strict_high else '<='} {self.high:g}"
        return " and ".join(one for one, end in ((low, self.low), (high, self.high)) if not math.isinf(end))


def between(definition: Program, interval: Interval, bounds: Bounds, order: int = ORDER) -> Covered:
    """Whether the definition's derivative lies within bounds on a whole interval, or a box in which it does not.

    A bound that is attained at a point p of a box, exactly and with slope exactly 0, is proved by the sign of the second derivative there.
    """
    model = slopes(definition, order)

    def verdict(row: Sequence[Any], box: Interval) -> tuple[bool, str]:
        held = []
        for end, side, strict in ((bounds.low, 1, bounds.strict_low), (bounds.high, -1, bounds.strict_high)):
            if math.isinf(end):
                continue
            room = (enclosure(row, box) - end) * side
            here = (row[0] - end) * side
            if here < 0 or (strict and here == 0):
                return False, f"at {float(centre(box))!r} it is {float(row[0])!r}"
            held.append(bool(room > 0) or (not strict and (bool(room >= 0) or _touches(model, row, box, end, side))))
        return all(held), ""

    return cover(model, [interval], verdict)


def _touches(model: Model, row: Sequence[Any], box: Interval, end: float, side: int) -> bool:
    """Whether the slope reaches its bound in the centre or at an end, and curves away from it all over the box."""
    if not enclosure(row[2:], box) * side > 0:
        return False
    ends = model([(box[0], box[0]), (box[1], box[1])])
    return any(bool(at[0] - end == 0) and bool(at[1] == 0) for at in (row, *ends))
