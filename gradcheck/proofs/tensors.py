"""Rules of operators on arrays: the adjoint of the derivative, entry by entry, at small shapes, by residues modulo a prime.

Definition and rule are traced as they stand at one shape.  The reverse sweep over the definition's own program, and the rule's program, are
rational functions of inputs, cotangents and functions of these; they are compared at random points modulo p = 2^127 - 1 (``residues``).
One difference in balls is a refutation.  Equality makes the rule right for ALL real inputs of that shape at which the definition's own
divisors and logarithms' arguments do not vanish, but for a chance that is stated.  A text that compares its inputs is declined: there are
other branches.  So is a rule that divides by more than the definition does.  ``Pair`` is all that the comparison needs, and can be written
to a file: it is then repeated at other points without the texts and the tracer.

Trusted: the tracer, the derivatives of single operations, Python's integers.  Not covered: other shapes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.claim import Kind, Set
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import NumbersError, Untraceable
from gradcheck.numbers.program import Program
from gradcheck.numbers.tracing import Trace, trace
from gradcheck.proofs import programs
from gradcheck.proofs.reading import BITS, Text
from gradcheck.proofs.residues import NoRoot, P, Residues
from gradcheck.proofs.setting import PROVED, REFUTED, UNKNOWN, apart
from gradcheck.proofs.smt import Compared, flat_rule
from gradcheck.proofs.vocabulary import widened

POINTS = 3
"""Real points at each of which the texts are traced; comparisons may take another branch at each."""

COMPARES = "it compares its inputs"

DRAWS = 600
"""Tries to find points at which all roots exist: with r roots one try in 2^r succeeds."""

ROOTS = 3
"""Different square roots in one formula; with each more, twice as many points are asked and half of those drawn are of use."""

AGREES = 2.0**-24
"""Of the largest value: room for the text's own rounding, in float32 too; a trace that misses something is off by more."""

BY_ROOTS = 24.0
"""log2 of one over the chance that is left to a rule with the wrong sign of a root."""

WORK = 60_000
"""Operations on single numbers beyond which a shape is left alone: about a second."""

COTANGENTS = (1.25, -0.75, 2.125, 0.375, -1.5, 0.625)


@dataclass(frozen=True)
class Pair:
    """Both programs, with the signs of inputs (and what is known of them, as ``Residue.sign``) and of cotangents at the real point."""

    definition: Program
    rule: Program
    inputs: tuple[tuple[tuple[float, ...], int], ...]
    cotangents: tuple[tuple[float, ...], ...]

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "definition": programs.to_data(self.definition),
            "rule": programs.to_data(self.rule),
            "inputs": [[list(signs), known] for signs, known in self.inputs],
            "cotangents": [list(signs) for signs in self.cotangents],
        }


def pair_from(data: Mapping[str, Any]) -> Pair:
    """Read again; what is no such data is a ``ValueError``, ``KeyError`` or ``TypeError``."""
    inputs = tuple((tuple(map(float, signs)), int(known)) for signs, known in data["inputs"])
    cotangents = tuple(tuple(map(float, signs)) for signs in data["cotangents"])
    return Pair(programs.from_data(data["definition"]), programs.from_data(data["rule"]), inputs, cotangents)


@dataclass(frozen=True, slots=True)
class Shown:
    """The result for one shape; ``chance``: log2 of the probability that a wrong rule passes, over the draw of the points."""

    result: str
    reason: str = ""
    chance: float = 0.0
    assumptions: tuple[str, ...] = ()
    pair: Pair | None = None


def prove(
    definition: Text,
    rule: Text,
    shapes: Sequence[Any],
    sets: Sequence[Set],
    params: Mapping[str, Any] | None = None,
    seed: int = 8,
) -> Shown:
    """Whether ``rule`` is the adjoint at these shapes; an entry of ``shapes`` is a shape, or an array that is passed as it is.

    A maximum along an axis that is only taken off, as in softmax, is no comparison: both are shown not to depend on the number taken off.
    """
    with widened(symbolic=False):
        found = _prove(definition, rule, shapes, sets, params or {}, seed, POINTS)
    if not found.reason.startswith(COMPARES):
        return found
    with widened(symbolic=False, shifts=True):
        shifted = _prove(definition, rule, shapes, sets, params or {}, seed, 1)
    return shifted if shifted.result == PROVED else found


def _prove(
    definition: Text,
    rule: Text,
    shapes: Sequence[Any],
    sets: Sequence[Set],
    params: Mapping[str, Any],
    seed: int,
    points: int,
) -> Shown:
    draw, notes, chances, seen = np.random.default_rng(seed), dict[str, None](), list[float](), set[bytes]()
    compared, pair = False, None
    try:
        for _ in range(points):
            given = [_drawn(draw, shape, one) for shape, one in zip(shapes, sets, strict=True)]
            one, two, cotangents = _traced(definition, rule, given, params)
            wanted = [np.shape(x) for x in given if np.asarray(x).dtype.kind == "f"]
            if [v.shape for v in two.value] != wanted:
                return Shown(
                    REFUTED, f"gradients of shapes {[v.shape for v in two.value]} for inputs of shapes {wanted}"
                )
            if one.ties or two.ties:
                return Shown(UNKNOWN, "numbers that are equal are compared")
            compared |= bool(one.decisions or two.decisions)
            branch = b"".join(d.order.tobytes() for d in (*one.decisions, *two.decisions))
            if branch in seen:
                continue
            seen.add(branch)
            against = _differs(one, two, given, cotangents)
            if against:
                return Shown(REFUTED, against)
            known = tuple((tuple(np.sign(x).ravel().tolist()), _known(where)) for x, where in _with_sets(given, sets))
            signs = tuple(tuple(np.sign(x).ravel().tolist()) for x in cotangents)
            pair = Pair(one.program, two.program, known, signs)
            chance = identical(pair, seed, notes)
            if isinstance(chance, str):
                return Shown(UNKNOWN, chance)
            chances.append(chance)
    except NumbersError as error:
        return Shown(UNKNOWN, str(error))
    if compared:
        return Shown(UNKNOWN, f"{COMPARES}; equal on the {len(seen)} branches of the points looked at")
    return Shown(PROVED, "", max(chances, default=-math.inf), tuple(notes), pair)


def _drawn(draw: np.random.Generator, shape: Any, one: Set) -> Any:
    if not isinstance(shape, tuple):
        return shape
    if one.kind not in (Kind.REALS, Kind.FIXED):
        raise NumbersError(f"a domain of kind {one.kind.value}: there the gradient is determined along the set alone")
    low = one.low if math.isfinite(one.low) else one.high - 4 if math.isfinite(one.high) else -2.0
    high = one.high if math.isfinite(one.high) else low + 4.0
    share = np.round(draw.uniform(0.05, 0.95, size=shape) * 2**20) / 2**20
    return np.asarray(low + (high - low) * share)


def _traced(
    definition: Text, rule: Text, given: list[Any], params: Mapping[str, Any]
) -> tuple[Trace, Trace, list[Any]]:
    with np.errstate(all="ignore"):
        one = trace(definition, given, kwargs=dict(params), field=Compared(BITS), limit=WORK)
        cotangents = [np.resize(np.array(COTANGENTS), v.shape) for v in one.value]
        rule = flat_rule(rule, len(cotangents))
        two = trace(rule, [*cotangents, *given], kwargs=dict(params), field=Compared(BITS), limit=WORK)
        _as_run(one, definition, given, params)
        _as_run(two, rule, [*cotangents, *given], params)
    return one, two, cotangents


def _as_run(seen: Trace, text: Text, given: list[Any], params: Mapping[str, Any]) -> None:
    """A trace counts only if its value is that of the text as NumPy runs it."""
    result = text(*(np.array(x) for x in given), **params)
    values = list(result) if isinstance(result, tuple | list) else [result]
    for traced, run in zip(seen.value, values, strict=True):
        scale = max(1.0, float(np.max(np.abs(traced), initial=0.0)))
        if np.shape(run) != traced.shape or not np.all(np.abs(traced - run) <= AGREES * scale):
            raise Untraceable("the text", "its trace has another value than its run")


def _real(given: Sequence[Any]) -> list[Any]:
    return [np.asarray(x) for x in given if np.asarray(x).dtype.kind == "f"]


def _differs(one: Trace, two: Trace, given: list[Any], cotangents: list[Any]) -> str:
    """A certain difference in balls at the point of the trace, in words."""
    balls = Balls(BITS)
    with balls.working():
        at = [balls.constants(x.astype(float).ravel()) for x in _real(given)]
        g = [balls.constants(x.ravel()) for x in cotangents]
        truth, stated = one.program.gradient(balls, at, g), two.program.evaluate(balls, [*g, *at])
        for k, (ts, rs) in enumerate(zip(truth, stated, strict=True)):
            for j, (t, r) in enumerate(zip(ts, rs, strict=True)):
                said = apart(t, r)
                if said:
                    return f"entry {j} of the gradient of input {k} is {float(t)!r}, {said}"
    return ""


def identical(pair: Pair, seed: int, notes: dict[str, None]) -> float | str:
    """log2 of the chance that different formulas look equal; or why they are not shown to be equal."""
    one, two = pair.definition, pair.rule
    wanted, agreed, chance = 1, 0, 0.0
    for attempt in range(DRAWS):
        field = Residues(seed + 1000 * attempt)
        try:
            at = [_indeterminates(field, signs, known) for signs, known in pair.inputs]
            g = [_indeterminates(field, signs, 0) for signs in pair.cotangents]
            if _moves(one, field, at, g):
                return "it depends on a maximum, and not only by taking it off"
            poles = set(field.poles)
            if field.branch_points:
                return "a root or a function of something that may vanish: nothing is shown there"
            truth, stated = one.gradient(field, at, g), two.evaluate(field, [*g, *at])
        except NoRoot:
            continue
        if field.branch_points or field.poles - poles:
            return "the rule divides by something that may vanish, and by which the definition does not divide"
        notes |= field.readings
        pairs = [(t, r) for ts, rs in zip(truth, stated, strict=True) for t, r in zip(ts, rs, strict=True)]
        if any(t.value != r.value for t, r in pairs):
            return "the formulas are not equal, though the numbers agree: an approximation, or an identity that is not known here"
        degree = max((max(t.top + r.bottom, r.top + t.bottom) for t, r in pairs), default=0)
        if len(field.roots) > ROOTS:
            return f"more than {ROOTS} different square roots"
        # A rule that is right for other signs of the roots agrees where these signs are met: not where all are as in the reals.
        missed = 1 - 0.5 ** len(field.roots)
        wanted, agreed = math.ceil(BY_ROOTS / -math.log2(missed)) if missed else 1, agreed + 1
        chance = max(math.log2(max(degree, 1) * (attempt + 1)) + 1 - math.log2(P), -BY_ROOTS if missed else -math.inf)
        if agreed >= wanted:
            return chance
    return f"not enough points with all their square roots among {DRAWS}"


def _with_sets(given: Sequence[Any], sets: Sequence[Set]) -> list[tuple[Any, Set]]:
    return [(np.asarray(x), one) for x, one in zip(given, sets, strict=True) if np.asarray(x).dtype.kind == "f"]


def _moves(text: Program, field: Residues, at: Sequence[Any], g: Sequence[Any]) -> bool:
    """Evaluates the text, and says whether its outputs depend on a maximum that it takes off."""
    store = text.run(field, at)
    shifts = [step.places for step in text.steps if step.name == "shift"]
    poles, points = set(field.poles), set(field.branch_points)
    slopes = text.adjoint(field, store, g) if shifts else None
    field.poles, field.branch_points = poles, points  # those of the definition itself, and not of its derivative
    return slopes is not None and any(slope.value for places in shifts for slope in slopes[places])


def _known(one: Set) -> int:
    """What a set says of the sign of its numbers."""
    return 2 if one.low > 0 or (one.low == 0 and not one.closed) else int(one.low == 0)


def _indeterminates(field: Residues, signs: Sequence[float], known: int) -> Any:
    """One for each number, of its sign."""
    row = field.zeros((len(signs),))
    for j, sign in enumerate(signs):
        row[j] = field.of_sign(sign)
        row[j].sign = known
    return row
