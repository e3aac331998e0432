"""Boundaries of cells: there the rule must have the common limit of the slopes beside it, or, at a kink, be a mean of them.

Source of the latter: Clarke, Optimization and Nonsmooth Analysis (1983), theorem 2.5.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from gradcheck.numbers.balls import Balls
from gradcheck.proofs.cells import Cell, Form, feasible
from gradcheck.proofs.reading import BITS, Reading, exact, symbols_for
from gradcheck.proofs.setting import (
    EXCLUDED,
    KINK,
    PROVED,
    REFUTED,
    TOLERANCE,
    UNKNOWN,
    Branch,
    G,
    Setting,
    apart,
    expression,
    signs_of,
    words,
)
from gradcheck.proofs.symbols import Whole
from gradcheck.proofs.zero import is_zero


def on_boundary(
    setting: Setting, cell: Cell, forms: list[Form], opened: Mapping[tuple[int, ...], tuple[Branch, Any]]
) -> Branch:
    """What is shown on one boundary, given what is shown in the open cells."""
    where, point = words(forms, cell, setting), exact(cell.point)

    def branch(result: str, how: str) -> Branch:
        return Branch(where, result, how, point, False)

    if point is None:
        return branch(EXCLUDED, "no float64 number stands there")
    beside = [(s, b) for s, b in opened.items() if all(c in (0, o) for c, o in zip(cell.signs, s, strict=True))]
    if any(b.result in (UNKNOWN, REFUTED) for _, (b, _) in beside):
        return branch(UNKNOWN, "the rule is not decided beside it")
    found = setting.both(cell.point, (0,) * setting.size)
    if isinstance(found, str):
        return branch(UNKNOWN, found)
    if not (found[0].finite or found[0].undefined):
        return branch(UNKNOWN, "the definition's value is too large to be told")
    if found[0].undefined or any(b.result == EXCLUDED for _, (b, _) in beside):
        return branch(EXCLUDED, "the definition has no value there, or none beside it")
    return Branch(where, *_held(setting, cell, forms, found, [(s, kept) for s, (_, kept) in beside]), point, False)


def _held(
    setting: Setting, cell: Cell, forms: list[Form], found: tuple[Reading, Reading], beside: list[tuple[Any, Any]]
) -> tuple[str, str]:
    """What the rule has on a boundary, held against the limits of value and slopes from each side."""
    size, place, values = setting.size, _place(setting, cell, forms), _values(setting, cell)
    rule = found[1]
    if any(
        expression.has(Whole) for kept in (found[0].outputs, *(row[:1] for _, row in beside)) for expression in kept
    ):
        return EXCLUDED, "the definition rounds to whole numbers there, and may jump"
    here, truth, stated_balls = _at_point(setting, cell, found)
    valued = all(ball.is_finite() for ball in stated_balls)
    stated = [sympy.expand(sympy.expand(r / G).subs(place)) for r in rule.outputs]
    limits = []
    for signs, kept in beside:
        symbols = symbols_for(size, signs_of(forms, setting, Cell(signs, cell.point)))
        row = [_limit(e, symbols, place, setting, cell, forms, signs) for e in kept]
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
        differs = next((said for t, s in zip(truth, stated_balls, strict=True) if (said := apart(t, s))), "")
        if differs:
            return REFUTED, f"at {exact(cell.point)} the derivative is {truth}, {differs}"
    if not finite and size == 1:
        infinite = any(v.is_infinite for row in limits for v in row)
        return (EXCLUDED, "the derivative is infinite there") if infinite else (UNKNOWN, "a limit was not found")
    if not valued:
        return _by_way_of_infinity(setting, cell, limits)
    if not all(_number(v) for v in (*stated, *(v for row in limits for v in row[1:]))):
        return UNKNOWN, "a formula has no value there, though the rule has one"
    if all(is_zero(a - b) for row in limits for a, b in zip(row[1:], limits[0][1:], strict=True)):
        for a, b in zip(stated, limits[0][1:], strict=True):
            if not is_zero(a - b):
                gap = abs(sympy.N((a - b).subs(values), 30))
                return REFUTED if gap > TOLERANCE else UNKNOWN, f"the rule gives {a}, the derivative is {b}"
        added = "" if finite else "; that the definition is continuous there is taken from its own branch at the point"
        return PROVED, f"the rule has the limit of the derivative{added}"
    rows = [[sympy.N(v.subs(values), 30) for v in row[1:]] for row in limits]
    near = [sympy.N(a.subs(values), 30) for a in stated]
    if not _in_hull(near, rows):
        return REFUTED, f"at the kink the rule gives {near}, which is no mean of the slopes {rows} beside it"
    return KINK, "not differentiable there; the rule is a mean of the slopes beside it, at the point looked at"


def _at_point(setting: Setting, cell: Cell, found: tuple[Reading, Reading]) -> tuple[Any, list[Any], list[Any]]:
    """In balls: the definition's value (rounded), its gradient on the branch taken there, and what the rule gives."""
    balls, (definition, rule) = Balls(BITS), found
    with balls.working():
        given = [balls.constants(np.array([float(x)])) for x in (Fraction(1), *cell.point)]
        (height,) = definition.program.evaluate(balls, given[1:])
        value = float(balls.nearest(height)[0])
        truth = [ball for out in definition.program.gradient(balls, given[1:], given[:1]) for ball in out.flat]
        stated = [ball for out in rule.program.evaluate(balls, given) for ball in out.flat]
    return value, truth, stated


def _by_way_of_infinity(setting: Setting, cell: Cell, limits: list[list[Any]]) -> tuple[str, str]:
    """A rule without a real value where slopes are finite: float64 has infinities, and exp(-inf) = 0 may be what is meant."""
    with np.errstate(all="ignore"):
        given = setting.rule(np.float64(1.0), *(np.float64(x) for x in cell.point), **setting.params)
    near = [float(np.asarray(one)) for one in (given if isinstance(given, tuple | list) else (given,))]
    rows = [[sympy.N(v.subs(_values(setting, cell)), 30) for v in row[1:]] for row in limits]
    if np.all(np.isfinite(near)) and _in_hull([sympy.Float(x, 30) for x in near], rows):
        return EXCLUDED, "the rule has its value there by way of an infinity of float64"
    return REFUTED, f"at {exact(cell.point)} the rule has no value, and the definition a finite slope on each side"


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


def _values(setting: Setting, cell: Cell) -> dict[Any, Any]:
    symbols = symbols_for(setting.size, (0,) * setting.size)
    return {s: sympy.Rational(x.numerator, x.denominator) for s, x in zip(symbols, cell.point, strict=True)}


def _place(setting: Setting, cell: Cell, forms: list[Form]) -> dict[Any, Any]:
    """The equations of a boundary, solved."""
    symbols = symbols_for(setting.size, (0,) * setting.size)
    equations = [expression(f, symbols) for f, sign in zip(forms, cell.signs, strict=True) if sign == 0]
    solved: dict[Any, Any] = sympy.solve(equations, symbols, dict=True)[0]
    return solved


def _limit(
    e: Any, symbols: Any, place: Any, setting: Setting, cell: Cell, forms: list[Form], signs: tuple[int, ...]
) -> Any:
    """The value of an expression of an open cell on its boundary, by continuity or, of one input, as a limit."""
    plain = symbols_for(setting.size, (0,) * setting.size)
    value = e.xreplace(dict(zip(symbols, plain, strict=True))).subs(place)
    if _number(value) or setting.size > 1:
        return value
    k = next(k for k, sign in enumerate(cell.signs) if sign == 0)
    side = "+" if (signs[k] > 0) == (forms[k][0] > 0) else "-"
    try:
        return sympy.limit(e, symbols[0], place[plain[0]], side)
    except (NotImplementedError, ValueError, TypeError):
        return sympy.nan
