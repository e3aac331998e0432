"""A catalogued operator on one interval: is its rule near the derivative, or the derivative within bounds?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import sympy

from gradcheck.errors import UsageError
from gradcheck.fingerprints import fingerprint
from gradcheck.numbers.errors import NumbersError
from gradcheck.numbers.program import Program
from gradcheck.proofs import programs
from gradcheck.proofs.boxes import FINER, ORDER, TOO_WIDE, Bounds, Covered, Interval, between, near
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
    pieces: list[dict[str, Any]] = []
    found, cuts = _covered(operator.definition, rule, params, interval, claim, pieces)
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
        "pieces": sorted(pieces, key=lambda piece: piece["interval"][0]),
    }


PIECES = 64
"""An interval that falls into more is given up."""


def claimed(stated: Mapping[str, Any]) -> float | Bounds:
    """The claim of a record; what is none is a ``ValueError``, ``KeyError`` or ``TypeError``."""
    if set(stated) == {"eps"}:
        return float(stated["eps"])
    sides = {side: stated[side] for side in ("strict_low", "strict_high")}
    if not set(sides.values()) <= {"True", "False"}:
        raise ValueError(f"{sides} must be True or False")
    return Bounds(
        float(stated["low"]), float(stated["high"]), sides["strict_low"] == "True", sides["strict_high"] == "True"
    )


def shown(definition: Program, rule: Program | None, piece: Interval, claim: float | Bounds, order: int) -> Covered:
    """What Taylor models of an order say of a claim on an interval on which the programs do not branch."""
    if isinstance(claim, Bounds):
        return between(definition, piece, claim, order)
    if rule is None:
        raise ValueError("a claim about a rule needs its program")
    return near(definition, rule, piece, 0.0, claim, order)


def problems(record: Mapping[str, Any]) -> Iterator[str]:
    """Why a record's claim does not follow from the programs that it holds; nothing if it does, or if it claims nothing.

    The pieces must make up the whole interval, and what lies between them must be named as excluded.
    """
    if record["result"] != "proved":
        return
    try:
        claim, pieces = claimed(record["claim"]), record["pieces"]
        ends = [float(end) for piece in pieces for end in piece["interval"]]
        low, high = map(float, record["interval"])
        joined = ends[1:-1:2] == ends[2::2] and ends[:1] == [low] and ends[-1:] == [high]
        if not (joined and ends[1:-1:2] == record["except"] and all(map(math.isfinite, ends))):
            yield "its pieces are not the interval without the points that it names"
            return
        for piece in pieces:
            one, two = (
                None if piece[text] is None else programs.from_data(piece[text]) for text in ("definition", "rule")
            )
            if one is None or not 1 <= int(piece["order"]) <= FINER:
                raise ValueError("a piece needs the definition's program, and an order from 1 to 8")
            start, end = piece["interval"]
            found = shown(one, two, (float(start), float(end)), claim, int(piece["order"]))
            if found.result != "proved" or found.bound > record["bound"]:
                yield f"on {piece['interval']} its programs do not show the claim: {found.result} {found.found}".rstrip()
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        yield f"its programs cannot be run ({type(error).__name__}: {error})"


def _covered(
    definition: Text,
    rule: Text,
    params: Mapping[str, Any],
    interval: Interval,
    claim: float | Bounds,
    pieces: list[dict[str, Any]],
) -> tuple[Covered, list[float]]:
    """What holds on all pieces, which are noted, and the points between them, of which nothing is said."""
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
            texts = [reading.program for reading in readings]
            for order in (ORDER, FINER):
                found = shown(texts[0], texts[1] if len(texts) > 1 else None, piece, claim, order)
                boxes += found.boxes
                if found.found != TOO_WIDE:
                    break
        except NumbersError as error:
            return Covered("unknown", boxes, failing=piece, found=f"not read: {error}"), cuts
        bound = max(bound, found.bound)
        if found.result != "proved":
            return replace(found, boxes=boxes), cuts
        data = [programs.to_data(text) for text in texts]
        kept = {"definition": data[0], "rule": data[1] if len(data) > 1 else None}
        pieces.append({"interval": list(piece), "order": order, **kept})
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
