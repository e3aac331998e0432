"""Rules of operators on arrays: the adjoint of the derivative, entry by entry, at small shapes, by residues modulo a prime.

Definition and rule are traced as they stand at one shape.  The reverse sweep over the definition's own program, and the rule's program, are
rational functions of inputs, cotangents and functions of these; they are compared at random points modulo a prime p (``residues``).
One difference in balls is a refutation.  Equality makes the rule right for ALL real inputs of that shape at which the definition's own
divisors and logarithms' arguments do not vanish, but for a chance that is stated.  A text that compares its inputs is declined: there are
other branches.  A rule that divides by more than the definition does, or compares with 0 what is never negative, is shown to be right
almost everywhere: where these do not vanish.  ``Pair`` is all that the comparison needs, and can be written
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
from gradcheck.numbers.program import Program, program
from gradcheck.numbers.tape import Decision
from gradcheck.numbers.tracing import Trace, trace
from gradcheck.proofs import programs
from gradcheck.proofs.reading import BITS, Text
from gradcheck.proofs.residues import NoRoot, P, Residue, Residues
from gradcheck.proofs.setting import ALMOST, PROVED, REFUTED, UNKNOWN, apart
from gradcheck.proofs.smt import Compared, flat_rule
from gradcheck.proofs.vocabulary import widened

POINTS = 3
"""Real points at each of which the texts are traced; comparisons may take another branch at each."""

COMPARES = "it compares its inputs"

DRAWS = 600
"""Tries to find points at which all roots exist: with r roots one try in 2^r succeeds."""

ROOTS = 3
"""Different square roots in one formula; with each more, twice as many points are asked and half of those drawn are of use."""

VANISHES = "nothing vanishes by which the rule divides, which one of them compares with 0, or of which one takes a root"

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
    return shifted if shifted.result in (PROVED, ALMOST) else found


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
            g = [tuple(np.sign(x).ravel().tolist()) for x in cotangents]
            known = tuple((tuple(np.sign(x).ravel().tolist()), _known(where)) for x, where in _with_sets(given, sets))
            if one.decisions or two.decisions:
                if not (_always(one, seed, known) and _always(two, seed, [*((row, 0) for row in g), *known])):
                    return Shown(UNKNOWN, "numbers that are equal are compared")
                alone = _one_sided(one, seed, known) and _one_sided(two, seed, [*((row, 0) for row in g), *known])
                notes |= {VANISHES: None} if alone else {}
                compared |= not alone
            branch = b"".join(d.order.tobytes() for d in (*one.decisions, *two.decisions))
            if branch in seen:
                continue
            seen.add(branch)
            against = _differs(one, two, given, cotangents)
            if against:
                return Shown(REFUTED, against)
            pair = Pair(one.program, two.program, known, tuple(g))
            chance = identical(pair, seed, notes)
            if isinstance(chance, str):
                return Shown(UNKNOWN, chance)
            chances.append(chance)
    except NumbersError as error:
        return Shown(UNKNOWN, str(error))
    if compared:
        return Shown(UNKNOWN, f"{COMPARES}; equal on the {len(seen)} branches of the points looked at")
    result = ALMOST if VANISHES in notes else PROVED
    return Shown(result, "", max(chances, default=-math.inf), tuple(notes), pair)


def _always(seen: Trace, seed: int, known: Sequence[tuple[Sequence[float], int]]) -> bool:
    """Whether numbers that are equal at the point of the trace are equal as formulas, as x and the mean of x alone are."""
    for made in seen.ties:
        sides, roots = _sides(seen, made, seed, known)
        if roots or any(a.value != b.value for a, b, _ in sides):  # a root equals its radicand's on one side only
            return False
    return True


def _sides(
    seen: Trace, made: Decision, seed: int, known: Sequence[tuple[Sequence[float], int]]
) -> tuple[list[tuple[Residue, Residue, int]], bool]:
    """What was compared, at a random point, with the order at the point of the trace; and whether there are roots in it."""
    field = Residues(seed, dummies=seed)
    at = [_indeterminates(field, signs, sign) for signs, sign in known]
    left, right = (ids.ravel() for ids in np.broadcast_arrays(made.left, made.right))
    sides = program(seen.tape, seen.program.inputs, (left, right)).evaluate(field, at)
    return list(zip(*sides, made.order.ravel().tolist(), strict=True)), bool(field.squares)


def _one_sided(seen: Trace, seed: int, known: Sequence[tuple[Sequence[float], int]]) -> bool:
    """Whether all its comparisons are with 0, of what has one sign on all reals: then each is decided alike wherever that does not vanish.

    The sign is that which the residue carries: of squares, of sums and products of such, and of inputs whose domain has one sign.
    """
    for made in seen.decisions:
        for a, b, order in _sides(seen, made, seed, known)[0]:
            larger, other = (a, b) if order > 0 else (b, a)
            if order and (other.value or other.form or not larger.sign):
                return False
    return True


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
    agreed, free = 0, None
    for attempt in range(DRAWS):
        field = Residues(seed + 1000 * attempt)
        try:
            at = [_indeterminates(field, signs, known) for signs, known in pair.inputs]
            g = [_indeterminates(field, signs, 0) for signs in pair.cotangents]
            if _moves(one, field, at, g):
                return "it depends on a maximum, and not only by taking it off"
            poles, heavy = set(field.poles), set(field.heavy)
            if field.branch_points & heavy:
                return "a root or a function of something that may be negative: nothing is shown there"
            truth, stated = one.gradient(field, at, g), two.evaluate(field, [*g, *at])
        except NoRoot:
            continue
        if field.branch_points & field.heavy or field.heavy - heavy:
            return "the rule has a root, a logarithm or a function of something that may be negative"
        if field.branch_points or field.poles - poles:
            notes[VANISHES] = None
        notes |= field.readings
        pairs = [(t, r) for ts, rs in zip(truth, stated, strict=True) for t, r in zip(ts, rs, strict=True)]
        if any(t.value != r.value for t, r in pairs):
            return "the formulas are not equal, though the numbers agree: an approximation, or an identity that is not known here"
        degree = max((max(t.top + r.bottom, r.top + t.bottom) for t, r in pairs), default=0)
        roots = len(field.squares)
        if roots and free is None:
            free = _independent(pair, seed, roots)
        if not roots or free:
            # The norm over all signs of the roots is a formula without roots, of so many times the degree.
            return math.log2(max(degree, 1) * (attempt + 1)) + roots + 1 - math.log2(P)
        if roots > ROOTS:
            return f"more than {ROOTS} square roots that may depend on one another"
        # A rule that is right for other signs of the roots agrees where these signs are met: not where all are as in the reals.
        missed = 1 - 0.5**roots
        wanted, agreed = math.ceil(BY_ROOTS / -math.log2(missed)), agreed + 1
        if agreed >= wanted:
            return max(math.log2(max(degree, 1) * (attempt + 1)) + 1 - math.log2(P), -BY_ROOTS)
    return f"not enough points with all their square roots among {DRAWS}"


def _independent(pair: Pair, seed: int, roots: int) -> bool:
    """Whether no product of some of the radicands is a square of a formula: then each sign of each root is as good as the other.

    Such a square would be a square at every point.  So each set of radicands needs a point at which their product is none: the signs
    (square or not) at some points, as rows over the field of two elements, have the rank of their number.  A radicand that has
    another value when a missing root is replaced by another number has a root in it, and nothing is said.
    """
    basis: list[int] = []
    for attempt in range(4 * roots + 40):
        rows = []
        for dummies in (1, 2):
            field = Residues(seed + 7919 * (attempt + 1), dummies=dummies)
            try:
                at = [_indeterminates(field, signs, known) for signs, known in pair.inputs]
                g = [_indeterminates(field, signs, 0) for signs in pair.cotangents]
                pair.definition.gradient(field, at, g)
                pair.rule.evaluate(field, [*g, *at])
            except NoRoot:  # a division by 0
                break
            rows.append(dict(field.squares))
        if len(rows) < 2:
            continue
        if rows[0] != rows[1] or len(rows[0]) != roots:
            return False
        row = sum(1 << k for k, square in enumerate(rows[0].values()) if not square)
        for one in basis:
            row = min(row, row ^ one)
        if row:
            basis.append(row)
        if len(basis) == roots:
            return True
    return False


def _with_sets(given: Sequence[Any], sets: Sequence[Set]) -> list[tuple[Any, Set]]:
    return [(np.asarray(x), one) for x, one in zip(given, sets, strict=True) if np.asarray(x).dtype.kind == "f"]


def _moves(text: Program, field: Residues, at: Sequence[Any], g: Sequence[Any]) -> bool:
    """Evaluates the text, and says whether its outputs depend on a maximum that it takes off."""
    store = text.run(field, at)
    shifts = [step.places for step in text.steps if step.name == "shift"]
    poles, points, heavy = set(field.poles), set(field.branch_points), set(field.heavy)
    slopes = text.adjoint(field, store, g) if shifts else None
    field.poles, field.branch_points, field.heavy = (
        poles,
        points,
        heavy,
    )  # those of the definition itself, and not of its derivative
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
