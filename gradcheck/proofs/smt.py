"""Rational and piecewise rational rules by the SMT solver z3: for all real numbers, piece by piece, and the kinks between the pieces.

Definition and rule are traced together at a point; the comparisons that both decided there are the piece.  z3 is asked for a point of the
domain outside all pieces known so far, until it answers that there is none: so the pieces are all there are.  In an open piece z3 must
refute "some gradient of the definition differs from the rule".  Where a comparison is an equality the rule must be a mean of the
definition's slopes on the pieces beside it (Clarke), at the point looked at, one primitive at a time: means do not compose.

Trusted: z3, the tracer, the derivatives of products, quotients and roots in ``gradcheck/numbers/operations.py``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import metadata
from typing import Any

import numpy as np
import z3

from gradcheck.claim import Kind, Set
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import NumbersError, Undecided, Untraceable
from gradcheck.numbers.exact import Rationals
from gradcheck.numbers.field import Floats, Values
from gradcheck.numbers.program import program
from gradcheck.numbers.tracing import Trace, trace
from gradcheck.proofs.clarke import in_hull
from gradcheck.proofs.reading import BITS, Text
from gradcheck.proofs.setting import EXCLUDED, KINK, PROVED, REFUTED, UNKNOWN, Branch, apart
from gradcheck.proofs.terms import Terms, rational

MILLISECONDS = 2000
"""For one question.  Those that are answered take 1 to 50."""

SECONDS = 10.0
"""For one operator: twenty times what the slowest that is proved takes."""

PIECES = 120
"""After which an operator is left alone."""

GRIDS = (1, 3, 10, 20)
"""Powers of 1/2 to whose multiples a point is rounded, so that float64 can say it."""


@dataclass(frozen=True)
class Compared(Balls):
    """Balls that refuse to round to whole numbers: the branch has two ends, and only one of them would be noted as a comparison."""

    def floor(self, values: Values) -> Floats:
        """Refused."""
        raise Untraceable("floor", "it has infinitely many branches")


@dataclass(frozen=True, slots=True)
class Shown:
    """The result, a branch for each piece, and the readings of literals."""

    result: str
    branches: tuple[Branch, ...]
    assumptions: tuple[str, ...] = ()
    reason: str = ""


def tool() -> str:
    """Name and version of what is trusted."""
    return f"z3 {z3.get_version_string()}, python-flint {metadata.version('python-flint')}"


class WrongShape(Exception):  # noqa: N818  it is a state
    """A gradient has not the shape of its input."""


class Declined(Exception):  # noqa: N818  it is a state
    """The rule is outside what this prover can say, with the reason."""


@dataclass(slots=True)
class Question:
    """Definition and rule with the shapes of the differentiable inputs; ``fixed`` are the inputs that are arrays already."""

    definition: Text
    rule: Text
    shapes: tuple[Any, ...]
    sets: Sequence[Set]
    params: Mapping[str, Any]
    deadline: float
    terms: Terms = field(default_factory=Terms)
    variables: list[Any] = field(default_factory=list)
    domain: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        for k, shape in enumerate(self.shapes):
            if isinstance(shape, tuple):
                names = np.empty(int(np.prod(shape)), object)
                for j in range(names.size):
                    names[j] = z3.Real("xyzuvw"[k] + (str(j) if names.size > 1 else ""))
                    self.domain += _within(names[j], self.sets[k])
                self.variables.append(names)

    def hurry(self) -> None:
        """Declines when the time is up.  No signal may do it: it would strike within z3."""
        if time.monotonic() > self.deadline:
            raise Declined("no answer within the time given")

    @property
    def flat(self) -> list[Any]:
        """All variables in a row."""
        return [v for row in self.variables for v in row]


@dataclass(slots=True)
class Piece:
    """What both texts do around a point: the conditions, the definition's gradient and the rule, as terms."""

    point: tuple[Fraction, ...]
    conditions: list[Any]
    ties: bool
    slopes: list[Any] = field(default_factory=list)
    stated: list[Any] = field(default_factory=list)
    traces: tuple[Trace, Trace] | None = None
    trouble: str = ""


def _within(x: Any, one: Set) -> list[Any]:
    if one.kind is not Kind.REALS:
        raise Declined(f"a domain of kind {one.kind.value}")
    ends = []
    if np.isfinite(one.low):
        low = rational(Fraction(one.low))
        ends.append(x >= low if one.closed else x > low)
    if np.isfinite(one.high):
        high = rational(Fraction(one.high))
        ends.append(x <= high if one.closed else x < high)
    return ends


def prove(
    definition: Text,
    rule: Text,
    shapes: Sequence[Any],
    sets: Sequence[Set],
    params: Mapping[str, Any] | None = None,
    seconds: float = SECONDS,
) -> Shown:
    """Whether ``rule`` is the adjoint of the derivative of ``definition`` for all inputs of these shapes in their sets.

    An entry of ``shapes`` is a shape, or an array that is passed as it is.  After ``seconds`` it declines.
    """
    try:
        question = Question(definition, rule, tuple(shapes), sets, params or {}, time.monotonic() + seconds)
        pieces = _explore(question)
        # z3 finds the pieces in an order that depends on what it did before
        branches = sorted((_decide(question, piece) for piece in pieces), key=lambda branch: branch.where)
    except (Declined, NumbersError) as error:
        return Shown(UNKNOWN, (), (), str(error))
    except WrongShape as error:
        return Shown(REFUTED, (), (), str(error))
    return _total(branches, tuple(question.terms.readings))


def _total(branches: list[Branch], readings: tuple[str, ...]) -> Shown:
    for result in (REFUTED, UNKNOWN):
        first = next((b for b in branches if b.result == result), None)
        if first is not None:
            return Shown(result, tuple(branches), readings, f"{first.where}: {first.how}")
    proved = any(b.open and b.result == PROVED for b in branches)
    return Shown(PROVED if proved else UNKNOWN, tuple(branches), readings, "" if proved else "no open piece")


def _solver(*conditions: Any) -> Any:
    solver = z3.Solver()
    solver.set("timeout", MILLISECONDS)
    solver.set("random_seed", 0)
    solver.add(*conditions)
    return solver


def _explore(question: Question) -> list[Piece]:
    """Pieces that cover the domain, each with a point in float64."""
    pieces: list[Piece] = []
    known: list[Any] = []
    while True:
        question.hurry()
        solver = _solver(*question.domain, *known, *question.terms.hypotheses())
        answer = solver.check()
        if answer == z3.unsat:
            return pieces
        if answer == z3.unknown or len(pieces) >= PIECES:
            raise Declined("the pieces are not found" if answer == z3.unknown else f"more than {PIECES} pieces")
        point = _round(question, solver.model(), [*question.domain, *known])
        if point is None:
            raise Declined("a piece has no point in float64")
        piece = _read(question, point)
        pieces.append(piece)
        known.append(z3.Not(z3.And(*piece.conditions)) if piece.conditions else z3.BoolVal(False))


def _round(question: Question, model: Any, conditions: list[Any]) -> tuple[Fraction, ...] | None:
    """The model's point, with few binary digits if the conditions still hold there."""
    values = [_fraction(model.eval(v, model_completion=True)) for v in question.flat]
    for digits in GRIDS:
        grid = 1 << digits
        near = tuple(Fraction(round(x * grid), grid) for x in values)
        if _hold(question, conditions, near):
            return near
    near = tuple(Fraction(float(x)) for x in values)
    return near if _hold(question, conditions, near) else None


def _fraction(value: Any) -> Fraction:
    if z3.is_algebraic_value(value):
        value = value.approx(30)
    return Fraction(value.numerator_as_long(), value.denominator_as_long())


def _hold(question: Question, conditions: list[Any], point: Sequence[Fraction]) -> bool:
    pairs = [(v, rational(x)) for v, x in zip(question.flat, point, strict=True)]
    roots = question.terms.roots
    if any(z3.is_false(z3.simplify(z3.substitute(c, *pairs))) for c in conditions):
        return False
    return (
        not roots or _solver(*conditions, *question.terms.hypotheses(), *(v == x for v, x in pairs)).check() == z3.sat
    )


def _read(question: Question, point: tuple[Fraction, ...]) -> Piece:
    """Both texts at a point, their comparisons as conditions."""
    given = _arrays(question, point)
    try:
        with np.errstate(all="ignore"):
            one = trace(question.definition, given, kwargs=dict(question.params), field=Compared(BITS))
            # A cotangent of primes: a rule that compares it with anything is not followed below.
            cotangents = [np.resize([1.25, -0.75, 2.125, 0.375], v.shape) for v in one.value]
            flat = flat_rule(question.rule, len(cotangents))
            two = trace(flat, [*cotangents, *given], kwargs=dict(question.params), field=Compared(BITS))
    except Undecided as error:
        return Piece(point, _at(question, point), True, trouble=str(error))
    wanted = [np.shape(x) for x, shape in zip(given, question.shapes, strict=True) if isinstance(shape, tuple)]
    if [v.shape for v in two.value] != wanted:
        raise WrongShape(f"gradients of shapes {[v.shape for v in two.value]} for inputs of shapes {wanted}")
    terms = question.terms
    g = [_named(f"g{k}_", v.size) for k, v in enumerate(cotangents)]
    terms.divisors.clear()  # of this piece alone
    conditions = _conditions(one, terms, question.variables)
    slopes = [t for row in one.program.gradient(terms, question.variables, g) for t in row]
    conditions += _conditions(two, terms, [*g, *question.variables])
    names = {str(v) for row in g for v in row}
    if any(_mentions(c, names) for c in conditions):
        raise Declined("the rule compares the cotangent")
    stated = [t for row in two.program.evaluate(terms, [*g, *question.variables]) for t in row]
    ties = bool(one.ties or two.ties)
    zero = [b for b in terms.divisors.values() if _vanishes(question, b, point)]
    if zero:
        return Piece(point, [*conditions, *(b == 0 for b in zero)], True, slopes, stated, (one, two), "a divisor is 0")
    conditions += [b != 0 for b in terms.divisors.values()]
    finite = all(
        ball.is_finite() for t in (one, two) for ids in t.program.outputs for ball in t.tape.values[ids.ravel()]
    )
    return Piece(point, conditions, ties, slopes, stated, (one, two), "" if finite else "a value is not finite")


def flat_rule(rule: Text, outputs: int) -> Text:
    """The rule with its cotangents as separate arguments."""
    if outputs == 1:
        return rule
    return lambda *arguments, **params: rule(tuple(arguments[:outputs]), *arguments[outputs:], **params)


def _named(prefix: str, size: int) -> Any:
    row = np.empty(size, object)
    for j in range(size):
        row[j] = z3.Real(f"{prefix}{j}")
    return row


def _at(question: Question, point: Sequence[Fraction]) -> list[Any]:
    return [v == rational(x) for v, x in zip(question.flat, point, strict=True)]


def _mentions(term: Any, names: set[str]) -> bool:
    if z3.is_const(term):
        return str(term) in names
    return any(_mentions(child, names) for child in term.children())


def _vanishes(question: Question, divisor: Any, point: Sequence[Fraction]) -> bool:
    solver = _solver(*question.terms.hypotheses(), *_at(question, point), divisor == 0)
    return bool(solver.check() != z3.unsat)


def _conditions(seen: Trace, terms: Terms, given: list[Any]) -> list[Any]:
    asked = [ids for decision in seen.decisions for ids in (decision.left, decision.right)]
    if not asked:
        return []
    values = program(seen.tape, seen.program.inputs, asked).evaluate(terms, given)
    found: dict[str, Any] = {}
    for k, decision in enumerate(seen.decisions):
        for a, b, order in zip(values[2 * k], values[2 * k + 1], decision.order.ravel(), strict=True):
            condition = a < b if order < 0 else a > b if order > 0 else a == b
            found.setdefault(condition.sexpr(), condition)
    return list(found.values())


def _decide(question: Question, piece: Piece) -> Branch:
    question.hurry()
    where = ", ".join(" ".join(str(c).split()) for c in piece.conditions) or "everywhere"
    point = tuple(float(x) for x in piece.point)

    def branch(result: str, how: str, asked: str = "") -> Branch:
        return Branch(where, result, how, point, not piece.ties, (asked,) if asked else ())

    if piece.trouble:
        return _troubled(question, piece, branch)
    if piece.ties:
        return branch(*_kink(question, piece))
    differs = z3.Or(*(a != b for a, b in zip(piece.slopes, piece.stated, strict=True)))
    solver = _solver(*question.domain, *piece.conditions, *question.terms.hypotheses(), differs)
    answer = solver.check()
    if answer == z3.unsat:
        return branch(PROVED, "no point where rule and derivative differ", solver.to_smt2())
    if answer == z3.sat:
        model = solver.model()
        said = _confirmed(question, piece, model)
        return branch(REFUTED, said) if said else branch(UNKNOWN, "they differ by less than float64 can tell")
    return branch(UNKNOWN, "z3 does not answer")


def _confirmed(question: Question, piece: Piece, model: Any) -> str:
    """The counterexample in words, if balls say that rule and derivative are apart there by more than literals are rounded."""
    assert piece.traces is not None
    one, two = piece.traces
    balls = Balls(BITS)
    with balls.working():
        at = [balls.constants(_floats(model, row)) for row in question.variables]
        g = [balls.constants(_floats(model, _named(f"g{k}_", v.size))) for k, v in enumerate(one.value)]
        truth = [t for row in one.program.gradient(balls, at, g) for t in row]
        stated = [t for row in two.program.evaluate(balls, [*g, *at]) for t in row]
        said = next((s for t, r in zip(truth, stated, strict=True) if (s := apart(t, r))), "")
    point = ", ".join(repr(x) for row in question.variables for x in _floats(model, row).tolist())
    return f"they differ at ({point}): {said}" if said else ""


def _floats(model: Any, row: Any) -> Floats:
    return np.array([float(_fraction(model.eval(v, model_completion=True))) for v in row], np.float64)


def _troubled(question: Question, piece: Piece, branch: Callable[[str, str], Branch]) -> Branch:
    """Where something is divided by 0: the place is excluded if it is the definition; if the rule alone, it is wrong there."""
    if piece.traces is None:
        return branch(UNKNOWN, piece.trouble)
    one, two = ([ball for ids in t.program.outputs for ball in t.tape.values[ids.ravel()]] for t in piece.traces)
    if not all(ball.is_finite() for ball in one):
        return branch(EXCLUDED, "the definition has no value there")
    balls = Balls(BITS)
    with balls.working():
        ones = [balls.constants(np.ones(v.size)) for v in piece.traces[0].value]
        slopes = [
            s for row in piece.traces[0].program.gradient(balls, _rows(question, piece.point, balls), ones) for s in row
        ]
    if not all(s.is_finite() for s in slopes):
        return branch(UNKNOWN, "the definition has a value there, and no derivative that is known")
    if not all(ball.is_finite() for ball in two):
        return branch(REFUTED, "the rule has no value where the definition has a derivative")
    return branch(UNKNOWN, piece.trouble)


def _kink(question: Question, piece: Piece) -> tuple[str, str]:
    """Clarke membership at the point: the rule against the slopes on the pieces beside it, cotangent by unit cotangent."""
    assert piece.traces is not None
    one, two = piece.traces
    given = _arrays(question, piece.point)
    beside = []
    for direction in _directions(question):
        try:
            seen = trace(question.definition, given, kwargs=dict(question.params), direction=direction)
        except NumbersError as error:
            return UNKNOWN, str(error)
        if not seen.ties:
            beside.append(seen)
    exact = Rationals()
    here = _rows(question, piece.point, exact)
    try:
        height = [v for row in one.program.evaluate(exact, here) for v in row]
        heights = [[v for row in s.program.evaluate(exact, here) for v in row] for s in beside]
        if any(h != height for h in heights):
            return EXCLUDED, "the definition jumps there"
        for unit in _units(one, exact):
            slopes = {tuple(v for row in s.program.gradient(exact, here, unit) for v in row) for s in beside}
            stated = tuple(v for row in two.program.evaluate(exact, [*unit, *here]) for v in row)
            if not in_hull(stated, sorted(slopes)):
                said = f"the rule gives {[str(v) for v in stated]}, no mean of {[[str(v) for v in s] for s in sorted(slopes)]}"
                return (REFUTED if len(question.flat) == 1 else UNKNOWN), said
    except (NumbersError, ZeroDivisionError) as error:
        return UNKNOWN, f"no fractions at the kink: {error}"
    return KINK, "the rule is a mean of the slopes beside it, at the point looked at"


def _arrays(question: Question, point: Sequence[Fraction]) -> list[Any]:
    given, start = [], 0
    for shape in question.shapes:
        if isinstance(shape, tuple):
            size = int(np.prod(shape))
            given.append(np.array([float(x) for x in point[start : start + size]]).reshape(shape))
            start += size
        else:
            given.append(shape)
    return given


def _rows(question: Question, point: Sequence[Fraction], exact: Rationals | Balls) -> list[Any]:
    rows, start = [], 0
    for names in question.variables:
        rows.append(exact.constants(np.array([float(x) for x in point[start : start + names.size]])))
        start += names.size
    return rows


def _directions(question: Question) -> list[list[Any]]:
    """Both signs of every entry, in some order of sizes: as many as there are for one or two entries, a few dozen for more."""
    n = len(question.flat)
    draw = np.random.default_rng(8)
    flat = [np.array(s, float) for s in itertools.product((-1, 1), repeat=n)] if n <= 4 else []
    flat += [draw.normal(size=n) for _ in range(32)]
    found = []
    for one in flat:
        start, parts = 0, []
        for names, shape in zip(question.variables, (s for s in question.shapes if isinstance(s, tuple)), strict=True):
            parts.append(one[start : start + names.size].reshape(shape))
            start += names.size
        found.append(parts)
    return found


def _units(one: Trace, exact: Rationals) -> list[list[Any]]:
    """The unit cotangents."""
    sizes = [v.size for v in one.value]
    return [
        [exact.constants(np.array([float((k, j) == (i, m)) for m in range(size)])) for i, size in enumerate(sizes)]
        for k, n in enumerate(sizes)
        for j in range(n)
    ]
