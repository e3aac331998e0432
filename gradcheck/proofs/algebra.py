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
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import sympy

from gradcheck.claim import Set
from gradcheck.numbers.balls import Balls
from gradcheck.proofs import boxes, programs
from gradcheck.proofs.boundary import on_boundary
from gradcheck.proofs.cells import Cell, Form, Unclear, arrange, forms_of
from gradcheck.proofs.reading import BITS, Reading, Text, exact, symbols_for
from gradcheck.proofs.setting import (
    BOUNDED,
    EXCLUDED,
    PART,
    PROVED,
    REFUTED,
    TINY,
    UNKNOWN,
    Branch,
    G,
    Setting,
    apart,
    interval_of,
    signs_of,
    words,
)
from gradcheck.proofs.symbols import Whole, normalised, to_tree, unwound
from gradcheck.proofs.vocabulary import widened
from gradcheck.proofs.zero import is_zero

RELATIVE = 2.0**-49
"""Of the largest slope close by: eight units in the last place of float64, what a series cut short or a tail set to 0 may be off."""

SHORT = 64.0
"""Intervals within these are cut into boxes of Taylor models; on longer ones a box is as long as its distance from 0, and order 1 does."""

ROUNDS = 12
"""Times that new comparisons may cut the cells anew."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shown of one rule: the result with its branches, and the readings of literals that it assumes."""

    result: str
    branches: tuple[Branch, ...]
    assumptions: tuple[str, ...] = ()
    reason: str = ""


def prove(definition: Text, rule: Text, sets: Sequence[Set], params: Mapping[str, Any] | None = None) -> Shown:
    """Whether ``rule(cotangent, *inputs, **params)`` is the derivative of an entrywise ``definition`` for all reals of its domain."""
    size = len(sets)
    domain = [bound for k, one in enumerate(sets) for bound in _bounds(one, k, size)]
    setting = Setting(definition, rule, domain, size, params or {})
    with widened():
        return _prove(setting)


def _prove(setting: Setting) -> Shown:
    try:
        forms, cells = _cut(setting)
    except Unclear as error:
        return Shown(UNKNOWN, (), tuple(setting.readings), str(error))
    opened = {cell.signs: _in_open(setting, cell, forms) for cell in cells if cell.open}
    branches = [branch for branch, _ in opened.values()]
    branches += [on_boundary(setting, cell, forms, opened) for cell in cells if not cell.open]
    branches += [Branch(where, EXCLUDED, why, None, False) for where, why in setting.poles.items()]
    return _total(branches, tuple(setting.readings))


def _total(branches: list[Branch], assumptions: tuple[str, ...]) -> Shown:
    """A refuted branch refutes; one that is not decided leaves a proof in part."""
    results = {branch.result for branch in branches}
    refuted = next((b for b in branches if b.result == REFUTED), None)
    if refuted is not None:
        return Shown(REFUTED, tuple(branches), assumptions, f"{refuted.where}: {refuted.how}")
    doubt = next((b for b in branches if b.result == UNKNOWN), None)
    proved = any(b.result in (PROVED, BOUNDED) and b.open for b in branches)
    if doubt is None and BOUNDED in results:
        return Shown(BOUNDED, tuple(branches), assumptions)
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


def _cut(setting: Setting) -> tuple[list[Form], list[Cell]]:
    """The forms that all texts compare on all cells, and the cells, until no new form appears."""
    forms = list(dict.fromkeys(form for form, sign in setting.domain if sign == 2))
    for _ in range(ROUNDS):
        cells = arrange(forms, setting.domain, setting.size)
        fresh: dict[Form, None] = {}
        for cell in cells:
            fresh |= _asked(setting, cell, forms)
        new = [f for f in _distinct(list(fresh)) if f not in forms and tuple(-c for c in f) not in forms]
        if not new:
            return forms, cells
        forms += new
    raise Unclear(f"comparisons that depend on comparisons, more than {ROUNDS} deep")


def _asked(setting: Setting, cell: Cell, forms: list[Form]) -> dict[Form, None]:
    """The forms that both texts compare at a cell; where these cannot be said, the cell is unknown, and others are not."""
    signs = signs_of(forms, setting, cell) if cell.open else (0,) * setting.size
    found = setting.both(cell.point, signs)
    if isinstance(found, str) or (setting.size == 1 and not cell.open and found[0].undefined):
        return {}
    symbols, fresh = symbols_for(setting.size, signs), dict[Form, None]()
    try:
        for reading in found:
            if any(expression.has(G) for expression in reading.compared):
                raise Unclear("the rule compares the cotangent")
            poles = [e for e in reading.critical if _is_pole(e, found[0])]
            setting.poles |= dict.fromkeys((f"{e} = 0" for e in poles), "poles of the definition")
            known = [e for e in reading.critical if e in poles or _among_poles(e, setting)]
            for expression in (*reading.compared, *(e for e in reading.critical if e not in known)):
                fresh |= dict.fromkeys(forms_of(expression, symbols))
    except Unclear as error:
        setting.cache[cell.point, signs] = str(error)
        return {}
    for rounded in found[0].outputs[0].atoms(Whole):
        setting.poles[f"{rounded.args[0]} is a whole number"] = "the definition may jump there"
    return fresh


def _is_pole(expression: Any, definition: Reading) -> bool:
    """Whether this is one of infinitely many poles of the definition itself: they are excluded together."""
    endless = isinstance(expression, sympy.cos) or isinstance(1 / expression, sympy.gamma)
    return endless and expression in definition.critical and not expression.is_nonzero


def _among_poles(expression: Any, setting: Setting) -> bool:
    """Whether this is sin(pi x) of x < 0, where 1/gamma(x) is 0 too, and the definition has its poles there."""
    bare = [part for part in sympy.Mul.make_args(unwound(expression)) if not _unit(part)]
    if len(bare) != 1 or not isinstance(bare[0], sympy.sin):
        return False
    x = bare[0].args[0] / sympy.pi
    return bool(x.is_Symbol and x.is_negative and f"{1 / sympy.gamma(x)} = 0" in setting.poles)


def _unit(part: Any) -> bool:
    """A sign, (-1)^n of a whole n."""
    return part == -1 or (part.is_Pow and part.base == -1 and part.exp.is_integer is True)


def _distinct(forms: list[Form]) -> list[Form]:
    kept: list[Form] = []
    for form in forms:
        if tuple(-c for c in form) not in kept:
            kept.append(form)
    return kept


def _in_open(setting: Setting, cell: Cell, forms: list[Form]) -> tuple[Branch, tuple[Any, ...] | None]:
    where, point = words(forms, cell, setting), exact(cell.point)
    signs = signs_of(forms, setting, cell)
    if point is None:
        return Branch(where, EXCLUDED, "too narrow for a float64 number", None, True), None
    found = setting.both(cell.point, signs)
    if isinstance(found, str):
        return Branch(where, UNKNOWN, found, point, True), None
    definition, rule = found
    if definition.undefined:
        return Branch(where, EXCLUDED, "the definition has no value there", point, True), None
    if not definition.finite:
        return Branch(where, UNKNOWN, "the definition's value is too large to be told", point, True), None
    against = _counterexample(setting, found, cell, forms)
    if against:
        return Branch(where, REFUTED, against, point, True), None
    symbols = symbols_for(setting.size, signs)
    (value,) = definition.outputs
    slopes = tuple(sympy.diff(value, symbol) for symbol in symbols)
    data = (to_tree(value), *(to_tree(r) for r in rule.outputs))
    for number, (slope, stated) in enumerate(zip(slopes, rule.outputs, strict=True)):
        if not is_zero(normalised(stated - G * slope)):
            bound = _bounded(setting, found, cell, forms)
            if bound is not None:
                kept = (value, slope, sympy.expand(stated / G))
                return Branch(where, BOUNDED, bound.pop("how"), point, True, data, bound), kept
            how = f"the difference from the derivative by input {number} was not reduced to 0"
            return Branch(where, UNKNOWN, how, point, True, data), None
    kept = (value, *slopes, *(sympy.expand(r / G) for r in rule.outputs))
    return Branch(where, PROVED, "the difference reduces to 0", point, True, data), kept


def _bounded(setting: Setting, found: tuple[Reading, Reading], cell: Cell, forms: list[Form]) -> dict[str, Any] | None:
    """What boxes show of a rule of one input that is as good as float64 can tell: ``how``, in words, and what it takes to see it again."""
    interval = interval_of(forms, setting, cell) if setting.size == 1 else None
    if interval is None or sympy.expand(found[1].outputs[0] / G).has(G) or found[0].outputs[0].has(Whole):
        return None
    definition, rule = (one.program for one in found)
    order = boxes.ORDER if all(abs(end) <= SHORT for end in interval) else 1
    shown = boxes.near(definition, rule, interval, RELATIVE, TINY, order)
    if shown.result != PROVED:
        return None
    limit = ", for |x| up to 2^1023" if not np.all(np.isfinite(interval)) else ""
    how = f"differs from the derivative by at most {shown.bound:.3g} times the cotangent{limit}: Taylor models on {shown.boxes} boxes"
    ends = [end.hex() for end in interval]  # infinities too, which JSON has not
    texts = {"definition": programs.to_data(definition), "rule": programs.to_data(rule)}
    return {"how": how, "interval": ends, "order": order, **texts}


def bounded_again(kept: Mapping[str, Any]) -> str:
    """Why the programs of a branch that is proved up to a bound do not show it, or the empty string."""
    texts = [programs.from_data(kept[name]) for name in ("definition", "rule")]
    low, high = map(float.fromhex, kept["interval"])
    order = int(kept["order"])
    if not (low < high and 1 <= order <= boxes.ORDER):
        return f"an interval from {low} to {high} and order {order} are no boxes"
    shown = boxes.near(texts[0], texts[1], (low, high), RELATIVE, TINY, order)
    return "" if shown.result == PROVED else f"{shown.result}: {shown.found}"


@lru_cache(maxsize=8)
def _pool(size: int) -> tuple[tuple[Fraction, ...], ...]:
    """Points of several magnitudes, with few bits; drawn once from a fixed seed."""
    draw = np.random.default_rng(8).normal(size=(48, size)) * np.repeat([0.25, 1.0, 4.0, 24.0], 12)[:, None]
    return tuple(tuple(Fraction(round(x * 1024), 1024) for x in row) for row in draw.tolist())


def _inside(conditions: Sequence[tuple[Form, int]], point: tuple[Fraction, ...]) -> bool:
    values = [(sum((c * x for c, x in zip(form, point, strict=False)), form[-1]), sign) for form, sign in conditions]
    return all(v >= 0 if sign == 2 else (v > 0) - (v < 0) == sign for v, sign in values)


def _counterexample(setting: Setting, found: tuple[Reading, Reading], cell: Cell, forms: list[Form]) -> str:
    conditions = [*setting.domain, *zip(forms, cell.signs, strict=True)]
    drawn = _pool(setting.size)
    mixed = [(*p[:k], cell.point[k], *p[k + 1 :]) for p in drawn[::3] for k in range(setting.size) if setting.size > 1]
    points = [cell.point, cell.point, *(p for p in (*drawn, *mixed) if _inside(conditions, p))]
    number = Balls(BITS)
    definition, rule = found
    with number.working():
        given = [number.constants(np.array([[float(p[k])] for p in points])) for k in range(setting.size)]
        one = number.constants(np.resize([1.0, -0.75], (len(points), 1)))
        truth = definition.program.gradient(number, given, [one])
        stated = rule.program.evaluate(number, [one, *given])
        for k, (ts, rs) in enumerate(zip(truth, stated, strict=True)):
            for point, t, r in zip(points, ts.flat, rs.flat, strict=True):
                said = apart(t, r)
                if said:
                    at = ", ".join(repr(float(x)) for x in point)
                    return f"at ({at}) the gradient of input {k} is {float(t)!r}, {said}"
    return ""
