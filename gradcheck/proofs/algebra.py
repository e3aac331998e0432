"""Rules for all reals: is the reference rule the derivative of the definition, by computer algebra.

The inputs' space is cut into cells by the comparisons of both texts and by the zeros of what they divide by (``cells``).  In each open cell
both are formulas; sympy differentiates the definition and must reduce the difference to a literal 0.  On each
boundary where the definition is differentiable the rule must have the common value of the derivatives beside it; at a kink it must lie
between them; a boundary where the definition or its derivative has no value is excluded, by name.

Before that, both are evaluated in certified balls at points of the cell: a difference there is a counterexample, whatever sympy thinks.
Trusted: sympy's differentiation and reductions, the tracer, and the readings of literals that are listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import sympy

from gradcheck.claim import Set
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import NumbersError
from gradcheck.proofs.cells import Cell, Form, Unclear, arrange, feasible, forms_of
from gradcheck.proofs.reading import BITS, Reading, Text, exact, read, symbols_for
from gradcheck.proofs.symbols import normalised, to_tree
from gradcheck.proofs.zero import is_zero

PROVED, PART, REFUTED, UNKNOWN, EXCLUDED, KINK = "proved", "proved in part", "refuted", "unknown", "excluded", "kink"

TOLERANCE = 2.0**-30
"""Relative difference from which a point refutes: literals such as ln 2 are rounded, and stand in exponents of up to some hundreds."""

TINY = 2.0**-1074
"""The smallest positive float64: a difference below it is a saturation that no float64 rule can avoid, and refutes nothing."""

ROUNDS = 12
"""Times that new comparisons may cut the cells anew."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One cell: where, what is shown there and how; ``formulas`` is the definition and one slope per input, as data."""

    where: str
    result: str
    how: str
    point: tuple[float, ...] | None
    open: bool
    formulas: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown of one rule: the result with its branches, and the readings of literals that it assumes."""

    result: str
    branches: tuple[Branch, ...]
    assumptions: tuple[str, ...] = ()
    reason: str = ""


@dataclass(slots=True)
class _Prover:
    definition: Text
    rule: Text
    domain: list[tuple[Form, int]]
    size: int
    params: Mapping[str, Any]
    cache: dict[Any, Any] = field(default_factory=dict)
    readings: dict[str, None] = field(default_factory=dict)
    poles: dict[str, None] = field(default_factory=dict)

    def both(self, point: tuple[Fraction, ...], signs: tuple[int, ...]) -> tuple[Reading, Reading] | str:
        """Definition and rule at a point, or why not."""
        key = (point, signs)
        if key not in self.cache:
            self.cache[key] = self._both(point, signs)
        found: tuple[Reading, Reading] | str = self.cache[key]
        return found

    def _both(self, point: tuple[Fraction, ...], signs: tuple[int, ...]) -> tuple[Reading, Reading] | str:
        floats = exact(point)
        if floats is None:
            return "no float64 number stands there"
        symbols = symbols_for(self.size, signs)
        try:
            with np.errstate(all="ignore"):
                one = read(self.definition, floats, symbols, self.params)
                two = read(self.rule, (COTANGENT, *floats), (G, *symbols), self.params)
        except NumbersError as error:
            return str(error)
        if len(one.outputs) != 1 or len(two.outputs) != self.size:
            return f"{len(one.outputs)} outputs and {len(two.outputs)} gradients for {self.size} inputs"
        self.readings |= dict.fromkeys((*one.readings, *two.readings))
        return one, two


G = sympy.Symbol("g", real=True)
"""The cotangent."""

COTANGENT = 1.25
"""Of the trace: a rule that compares the cotangent with anything is declined, so that any number will do."""


def prove(definition: Text, rule: Text, sets: Sequence[Set], params: Mapping[str, Any] | None = None) -> Shown:
    """Whether ``rule(cotangent, *inputs, **params)`` is the derivative of an entrywise ``definition`` for all reals of its domain."""
    size = len(sets)
    domain = [bound for k, one in enumerate(sets) for bound in _bounds(one, k, size)]
    prover = _Prover(definition, rule, domain, size, params or {})
    try:
        forms, cells = _cut(prover)
    except Unclear as error:
        return Shown(UNKNOWN, (), tuple(prover.readings), str(error))
    opened = {cell.signs: _in_open(prover, cell, forms) for cell in cells if cell.open}
    branches = [branch for branch, _ in opened.values()]
    branches += [_on_boundary(prover, cell, forms, opened) for cell in cells if not cell.open]
    branches += [Branch(pole, EXCLUDED, "poles of the definition", None, False) for pole in prover.poles]
    return _total(branches, tuple(prover.readings))


def _total(branches: list[Branch], assumptions: tuple[str, ...]) -> Shown:
    """A refuted branch refutes; one that is not decided leaves a proof in part."""
    results = {branch.result for branch in branches}
    refuted = next((b for b in branches if b.result == REFUTED), None)
    if refuted is not None:
        return Shown(REFUTED, tuple(branches), assumptions, f"{refuted.where}: {refuted.how}")
    doubt = next((b for b in branches if b.result == UNKNOWN), None)
    proved = any(b.result == PROVED and b.open for b in branches)
    if doubt is None:
        return Shown(PROVED if proved else UNKNOWN, tuple(branches), assumptions, "" if proved else str(results))
    return Shown(PART if proved else UNKNOWN, tuple(branches), assumptions, f"{doubt.where}: {doubt.how}")


def _bounds(one: Set, k: int, size: int) -> list[tuple[Form, int]]:
    ends: list[tuple[Form, int]] = []
    for end, side in ((one.low, 1), (one.high, -1)):
        if np.isfinite(end):
            unit = [Fraction(side * (i == k)) for i in range(size)]
            ends.append(((*unit, Fraction(-side * end)), 2 if one.closed else 1))
    return ends


def _cut(prover: _Prover) -> tuple[list[Form], list[Cell]]:
    """The forms that all texts compare on all cells, and the cells, until no new form appears."""
    forms = list(dict.fromkeys(form for form, sign in prover.domain if sign == 2))
    for _ in range(ROUNDS):
        cells = arrange(forms, prover.domain, prover.size)
        fresh: dict[Form, None] = {}
        for cell in cells:
            fresh |= _asked(prover, cell, forms)
        new = [f for f in _distinct(list(fresh)) if f not in forms and tuple(-c for c in f) not in forms]
        if not new:
            return forms, cells
        forms += new
    raise Unclear(f"comparisons that depend on comparisons, more than {ROUNDS} deep")


def _asked(prover: _Prover, cell: Cell, forms: list[Form]) -> dict[Form, None]:
    """The forms that both texts compare at a cell; where these cannot be said, the cell is unknown, and others are not."""
    signs = _signs(forms, prover, cell) if cell.open else (0,) * prover.size
    found = prover.both(cell.point, signs)
    if isinstance(found, str):
        return {}
    symbols, fresh = symbols_for(prover.size, signs), dict[Form, None]()
    try:
        for reading in found:
            if any(expression.has(G) for expression in reading.compared):
                raise Unclear("the rule compares the cotangent")
            poles = [e for e in reading.critical if _is_pole(e, found[0])]
            prover.poles |= dict.fromkeys(f"{e} = 0" for e in poles)
            for expression in (*reading.compared, *(e for e in reading.critical if e not in poles)):
                fresh |= dict.fromkeys(forms_of(expression, symbols))
    except Unclear as error:
        prover.cache[cell.point, signs] = str(error)
        return {}
    return fresh


def _is_pole(expression: Any, definition: Reading) -> bool:
    """Whether this is one of infinitely many poles of the definition itself: they are excluded together."""
    endless = isinstance(expression, sympy.cos) or isinstance(1 / expression, sympy.gamma)
    return endless and expression in definition.critical and not expression.is_nonzero


def _distinct(forms: list[Form]) -> list[Form]:
    kept: list[Form] = []
    for form in forms:
        if tuple(-c for c in form) not in kept:
            kept.append(form)
    return kept


def _signs(forms: Sequence[Form], prover: _Prover, cell: Cell) -> tuple[int, ...]:
    """The sign of each input in an open cell, 0 where it is not known."""
    signs = [0] * prover.size
    for form, sign in (*zip(forms, cell.signs, strict=True), *prover.domain):
        moving = [k for k, c in enumerate(form[:-1]) if c]
        if len(moving) == 1 and sign:
            (k,) = moving
            bound = -form[-1] / form[k]
            above = (sign > 0) == (form[k] > 0)
            if above and (bound > 0 or (bound == 0 and sign != 2)):
                signs[k] = 1
            if not above and (bound < 0 or (bound == 0 and sign != 2)):
                signs[k] = -1
    return tuple(signs)


def _in_open(prover: _Prover, cell: Cell, forms: list[Form]) -> tuple[Branch, tuple[Any, ...] | None]:
    where, point = _words(forms, cell, prover), exact(cell.point)
    signs = _signs(forms, prover, cell)
    if point is None:
        return Branch(where, EXCLUDED, "too narrow for a float64 number", None, True), None
    found = prover.both(cell.point, signs)
    if isinstance(found, str):
        return Branch(where, UNKNOWN, found, point, True), None
    definition, rule = found
    if not definition.finite:
        return Branch(where, EXCLUDED, "the definition has no value there", point, True), None
    against = _counterexample(prover, found, cell, forms)
    if against:
        return Branch(where, REFUTED, against, point, True), None
    symbols = symbols_for(prover.size, signs)
    (value,) = definition.outputs
    slopes = tuple(sympy.diff(value, symbol) for symbol in symbols)
    data = (to_tree(value), *(to_tree(r) for r in rule.outputs))
    for number, (slope, stated) in enumerate(zip(slopes, rule.outputs, strict=True)):
        if not is_zero(normalised(stated - G * slope)):
            how = f"the difference from the derivative by input {number} was not reduced to 0"
            return Branch(where, UNKNOWN, how, point, True, data), None
    kept = (value, *slopes, *(sympy.expand(r / G) for r in rule.outputs))
    return Branch(where, PROVED, "the difference reduces to 0", point, True, data), kept


@lru_cache(maxsize=8)
def _pool(size: int) -> tuple[tuple[Fraction, ...], ...]:
    """Points of several magnitudes, with few bits; drawn once from a fixed seed."""
    draw = np.random.default_rng(8).normal(size=(48, size)) * np.repeat([0.25, 1.0, 4.0, 24.0], 12)[:, None]
    return tuple(tuple(Fraction(round(x * 1024), 1024) for x in row) for row in draw.tolist())


def _inside(conditions: Sequence[tuple[Form, int]], point: tuple[Fraction, ...]) -> bool:
    values = [(sum((c * x for c, x in zip(form, point, strict=False)), form[-1]), sign) for form, sign in conditions]
    return all(v >= 0 if sign == 2 else (v > 0) - (v < 0) == sign for v, sign in values)


def _counterexample(prover: _Prover, found: tuple[Reading, Reading], cell: Cell, forms: list[Form]) -> str:
    conditions = [*prover.domain, *zip(forms, cell.signs, strict=True)]
    drawn = _pool(prover.size)
    mixed = [(*p[:k], cell.point[k], *p[k + 1 :]) for p in drawn[::3] for k in range(prover.size) if prover.size > 1]
    points = [cell.point, cell.point, *(p for p in (*drawn, *mixed) if _inside(conditions, p))]
    number = Balls(BITS)
    definition, rule = found
    with number.working():
        given = [number.constants(np.array([[float(p[k])] for p in points])) for k in range(prover.size)]
        one = number.constants(np.resize([1.0, -0.75], (len(points), 1)))
        truth = definition.program.gradient(number, given, [one])
        stated = rule.program.evaluate(number, [one, *given])
        for k, (ts, rs) in enumerate(zip(truth, stated, strict=True)):
            for point, t, r in zip(points, ts.flat, rs.flat, strict=True):
                said = _apart(t, r)
                if said:
                    at = ", ".join(repr(float(x)) for x in point)
                    return f"at ({at}) the gradient of input {k} is {float(t)!r}, {said}"
    return ""


def _apart(truth: Any, stated: Any) -> str:
    """How a rule's ball certainly differs from the true one, or the empty string."""
    if not truth.is_finite():
        return ""
    if not stated.is_finite():
        return "the rule has no value"
    gap = abs(stated - truth)
    return f"the rule gives {float(stated)!r}" if gap > abs(truth) * TOLERANCE + TINY else ""


def _on_boundary(
    prover: _Prover, cell: Cell, forms: list[Form], opened: Mapping[tuple[int, ...], tuple[Branch, Any]]
) -> Branch:
    where, point = _words(forms, cell, prover), exact(cell.point)

    def branch(result: str, how: str) -> Branch:
        return Branch(where, result, how, point, False)

    if point is None:
        return branch(EXCLUDED, "no float64 number stands there")
    beside = [(s, b) for s, b in opened.items() if all(c in (0, o) for c, o in zip(cell.signs, s, strict=True))]
    if any(b.result in (UNKNOWN, REFUTED) for _, (b, _) in beside):
        return branch(UNKNOWN, "the rule is not decided beside it")
    found = prover.both(cell.point, (0,) * prover.size)
    if isinstance(found, str):
        return branch(UNKNOWN, found)
    if not found[0].finite or any(b.result == EXCLUDED for _, (b, _) in beside):
        return branch(EXCLUDED, "the definition has no value there, or none beside it")
    return Branch(where, *_compared(prover, cell, forms, found, [(s, kept) for s, (_, kept) in beside]), point, False)


def _compared(
    prover: _Prover, cell: Cell, forms: list[Form], found: tuple[Reading, Reading], beside: list[tuple[Any, Any]]
) -> tuple[str, str]:
    """What the rule has on a boundary, held against the limits of value and slopes from each side."""
    size, place, values = prover.size, _place(prover, cell, forms), _values(prover, cell)
    rule = found[1]
    here, truth, stated_balls = _at_point(prover, cell, found)
    valued = all(ball.is_finite() for ball in stated_balls)
    stated = [sympy.expand(sympy.expand(r / G).subs(place)) for r in rule.outputs]
    limits = []
    for signs, kept in beside:
        symbols = symbols_for(size, _signs(forms, prover, Cell(signs, cell.point)))
        row = [_limit(e, symbols, place, prover, cell, forms, signs) for e in kept]
        slopes = [a if _number(a) else b for a, b in zip(row[1 : size + 1], row[size + 1 :], strict=True)]
        limits.append([row[0], *slopes])
    finite = all(_number(v) for row in limits for v in row)
    heights = [row[0] for row in limits if _number(row[0])]
    if any(abs(sympy.N(height.subs(values), 30) - here) > TOLERANCE * (1 + abs(here)) for height in heights):
        return EXCLUDED, "the definition jumps there"
    if not finite and size > 1:
        smooth = all(ball.is_finite() for ball in truth)
        if not valued and (smooth or len(heights) == len(limits)):
            return REFUTED, "the rule has no value where the definition is continuous"
        if not smooth:
            return EXCLUDED, "the derivative has no value there"
        apart = next((said for t, s in zip(truth, stated_balls, strict=True) if (said := _apart(t, s))), "")
        if apart:
            return REFUTED, f"at {exact(cell.point)} the derivative is {truth}, {apart}"
    if not finite and size == 1:
        infinite = any(v.is_infinite for row in limits for v in row)
        return (EXCLUDED, "the derivative is infinite there") if infinite else (UNKNOWN, "a limit was not found")
    if not valued:
        return REFUTED, f"at {exact(cell.point)} the rule has no value, and the definition a finite slope on each side"
    if not all(_number(v) for v in (*stated, *(v for row in limits for v in row[1:]))):
        return UNKNOWN, "a formula has no value there, though the rule has one"
    if all(is_zero(a - b) for row in limits for a, b in zip(row[1:], limits[0][1:], strict=True)):
        for a, b in zip(stated, limits[0][1:], strict=True):
            if not is_zero(a - b):
                gap = abs(sympy.N((a - b).subs(values), 30))
                return REFUTED if gap > TOLERANCE else UNKNOWN, f"the rule gives {a}, the derivative is {b}"
        return PROVED, "the rule has the limit of the derivative"
    rows = [[sympy.N(v.subs(values), 30) for v in row[1:]] for row in limits]
    near = [sympy.N(a.subs(values), 30) for a in stated]
    if not _in_hull(near, rows):
        return REFUTED, f"at the kink the rule gives {near}, which is no mean of the slopes {rows} beside it"
    return KINK, "not differentiable there; the rule is a mean of the slopes beside it, at the point looked at"


def _at_point(prover: _Prover, cell: Cell, found: tuple[Reading, Reading]) -> tuple[Any, list[Any], list[Any]]:
    """In balls: the definition's value (rounded), its gradient on the branch taken there, and what the rule gives."""
    balls, (definition, rule) = Balls(BITS), found
    with balls.working():
        given = [balls.constants(np.array([float(x)])) for x in (Fraction(1), *cell.point)]
        (height,) = definition.program.evaluate(balls, given[1:])
        value = float(balls.nearest(height)[0])
        truth = [ball for out in definition.program.gradient(balls, given[1:], given[:1]) for ball in out.flat]
        stated = [ball for out in rule.program.evaluate(balls, given) for ball in out.flat]
    return value, truth, stated


def _in_hull(point: Sequence[Any], rows: Sequence[Sequence[Any]]) -> bool:
    """Whether a point is a convex combination of the rows, up to ``TOLERANCE``: Clarke's gradient, of a piecewise smooth function."""
    count = len(rows)
    unit = [tuple(Fraction(i == k) for i in range(count + 1)) for k in range(count)]
    conditions: list[tuple[Form, int]] = [(form, 2) for form in unit]
    conditions.append(((*(Fraction(1),) * count, Fraction(-1)), 0))
    for k, coordinate in enumerate(point):
        slopes, target = [Fraction(str(row[k])) for row in rows], Fraction(str(coordinate))
        room = Fraction(TOLERANCE) * (1 + sum((abs(s) for s in slopes), Fraction(0)))
        conditions.append(((*slopes, room - target), 2))
        conditions.append(((*(-s for s in slopes), room + target), 2))
    return feasible(conditions, count) is not None


def _number(value: Any) -> bool:
    return not value.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.AccumBounds, sympy.Limit)


def _values(prover: _Prover, cell: Cell) -> dict[Any, Any]:
    symbols = symbols_for(prover.size, (0,) * prover.size)
    return {s: sympy.Rational(x.numerator, x.denominator) for s, x in zip(symbols, cell.point, strict=True)}


def _place(prover: _Prover, cell: Cell, forms: list[Form]) -> dict[Any, Any]:
    """The equations of a boundary, solved."""
    symbols = symbols_for(prover.size, (0,) * prover.size)
    equations = [_expression(f, symbols) for f, sign in zip(forms, cell.signs, strict=True) if sign == 0]
    solved: dict[Any, Any] = sympy.solve(equations, symbols, dict=True)[0]
    return solved


def _expression(form: Form, symbols: Sequence[Any]) -> Any:
    return sum(
        (sympy.Rational(c.numerator, c.denominator) * s for c, s in zip(form, (*symbols, 1), strict=True)),
        sympy.Integer(0),
    )


def _limit(
    e: Any, symbols: Any, place: Any, prover: _Prover, cell: Cell, forms: list[Form], signs: tuple[int, ...]
) -> Any:
    """The value of an expression of an open cell on its boundary, by continuity or, of one input, as a limit."""
    plain = symbols_for(prover.size, (0,) * prover.size)
    value = e.xreplace(dict(zip(symbols, plain, strict=True))).subs(place)
    if _number(value) or prover.size > 1:
        return value
    k = next(k for k, sign in enumerate(cell.signs) if sign == 0)
    side = "+" if (signs[k] > 0) == (forms[k][0] > 0) else "-"
    try:
        return sympy.limit(e, symbols[0], place[plain[0]], side)
    except (NotImplementedError, ValueError, TypeError):
        return sympy.nan


def _words(forms: Sequence[Form], cell: Cell, prover: _Prover) -> str:
    symbols = symbols_for(prover.size, (0,) * prover.size)
    relation = {1: ">", 0: "=", -1: "<"}
    said = [f"{_expression(f, symbols)} {relation[s]} 0" for f, s in zip(forms, cell.signs, strict=True)]
    return ", ".join(said) or "everywhere"
