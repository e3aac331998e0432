"""A catalogued operator on one interval: is its rule near the derivative, or the derivative within bounds?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import sympy

from gradcheck.errors import UsageError
from gradcheck.fingerprints import fingerprint
from gradcheck.numbers.errors import NumbersError
from gradcheck.proofs.boxes import Bounds, Covered, Interval, between, near
from gradcheck.proofs.claims import tool
from gradcheck.proofs.reading import Reading, Text, read
from gradcheck.proofs.setting import COTANGENT, G
from gradcheck.proofs.symbols import Whole

if TYPE_CHECKING:
    from gradcheck.claim import Operator


def on_interval(
    operator: Operator, rule: Text, params: Mapping[str, Any], interval: Interval, claim: float | Bounds
) -> dict[str, Any]:
    """The record of |rule - derivative| <= claim on an interval, or of the bounds that the derivative keeps to.

    The interval is cut where the texts compare, and the record says ``except`` which points: nothing is claimed of them.  A text that
    rounds, or compares what is not linear, is declined.
    """
    low, high = interval
    one = operator.domain.of(0)
    if not (low < high and max(abs(low), abs(high)) < 2.0**1023):
        raise UsageError(f"--box {low:g} {high:g}: give two finite numbers, the lower first")
    if not (one.low <= low and high <= one.high):
        raise UsageError(f"--box {low:g} {high:g}: {operator.name} lives in {one.describe()}; give a box within")
    found, cuts = _covered(operator.definition, rule, params, interval, claim)
    stated = {"eps": claim} if isinstance(claim, float) else {k: str(v) for k, v in asdict(claim).items()}
    return {
        "name": operator.name,
        "params": dict(params),
        "interval": [low, high],
        "except": sorted(cuts),
        "claim": stated,
        "texts": {"definition": fingerprint(operator.definition), "rule": fingerprint(rule)},
        "tool": tool(),
        **asdict(found),
    }


PIECES = 64
"""An interval that falls into more is given up."""


def _covered(
    definition: Text, rule: Text, params: Mapping[str, Any], interval: Interval, claim: float | Bounds
) -> tuple[Covered, list[float]]:
    """What holds on all pieces, and the points between them, of which nothing is said."""
    x = sympy.Symbol("x", real=True)
    todo, cuts, boxes, bound = [interval], list[float](), 0, 0.0
    while todo:
        low, high = piece = todo.pop()
        middle = low / 2 + high / 2
        try:
            readings = [read(definition, [middle], (x,), params)]
            if not isinstance(claim, Bounds):
                readings.append(read(rule, [COTANGENT, middle], (G, x), params))
            ends = _ends(readings, x)
            if ends is None or len(cuts) > PIECES or not low < middle < high:
                return Covered(
                    "unknown", boxes, failing=piece, found="a text compares or rounds here as is not followed"
                ), cuts
            inner = sorted(end for end in ends if low < end < high)
            if inner:
                cuts += inner
                todo += zip([low, *inner], [*inner, high], strict=True)
                continue
            if isinstance(claim, Bounds):
                found = between(readings[0].program, piece, claim)
            else:
                found = near(readings[0].program, readings[1].program, piece, 0.0, claim)
        except NumbersError as error:
            return Covered("unknown", boxes, failing=piece, found=f"not read: {error}"), cuts
        boxes, bound = boxes + found.boxes, max(bound, found.bound)
        if found.result != "proved":
            return replace(found, boxes=boxes), cuts
    return Covered("proved", boxes, bound), cuts


def _ends(readings: Sequence[Reading], x: Any) -> set[float] | None:
    """Where comparisons may change: the zeros of linear forms that are float64 numbers; None where there are others."""
    ends = set()
    for reading in readings:
        if any(one.has(Whole) for one in reading.outputs):
            return None
        for form in map(sympy.expand, reading.compared):
            slope = form.diff(x)
            if form.free_symbols - {x} or not (slope.is_Rational and form.subs(x, 0).is_Rational):
                return None
            if slope != 0:
                end = Fraction(str(-form.subs(x, 0) / slope))
                if Fraction(float(end)) != end:
                    return None
                ends.add(float(end))
    return ends
