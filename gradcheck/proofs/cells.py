"""Cells: the regions into which the comparisons of a text cut the space of its inputs, with a point in each.

A comparison asks for the sign of a linear form with rational coefficients, or of something whose sign linear forms decide.  A cell gives
each form a sign in {-1, 0, 1}.  Fourier-Motzkin elimination over the rationals decides exactly which cells are empty, and
finds a point in each that is not; so the cells that are looked at are all there are.

Source: Schrijver, Theory of Linear and Integer Programming (1986), section 12.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from gradcheck.proofs.symbols import Whole

Form = tuple[Fraction, ...]
"""Coefficients of the variables, and the constant last."""

STRIP = sympy.Rational(1, 2**80)
"""Relative half-width of the strip that stands for an irrational boundary."""

LONGEST = 60
"""Operations of an expression whose zeros are looked for."""

LIMIT = 243
"""Cells beyond which a text is left alone: five forms in three signs."""


class Unclear(Exception):  # noqa: N818  it is a state
    """Where an expression changes its sign cannot be said by finitely many linear forms."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A region: the sign of each form, and a point with it."""

    signs: tuple[int, ...]
    point: tuple[Fraction, ...]

    @property
    def open(self) -> bool:
        """Whether it is of full dimension."""
        return 0 not in self.signs


def feasible(conditions: Sequence[tuple[Form, int]], size: int) -> tuple[Fraction, ...] | None:
    """A point at which each form has its sign, or None if there is none.  A sign of 2 asks for >= 0."""
    todo = [(tuple(-c for c in form), 1) if sign < 0 else (form, sign) for form, sign in conditions]
    if size == 0:
        return () if all(_holds(form[-1], sign) for form, sign in todo) else None
    k = size - 1
    equal = next((form for form, sign in todo if sign == 0 and form[k]), None)
    if equal is not None:
        rest = [(_without(form, equal, k), sign) for form, sign in todo if form is not equal]
        point = feasible(rest, k)
        return None if point is None else (*point, -_at(equal, point, k) / equal[k])
    below = [(form, sign) for form, sign in todo if form[k] > 0]
    above = [(form, sign) for form, sign in todo if form[k] < 0]
    rest = [(_drop(form, k), sign) for form, sign in todo if not form[k]]
    for low, one in below:
        for high, two in above:
            mixed = tuple(low[k] * h - high[k] * b for b, h in zip(low, high, strict=True))
            rest.append((_drop(mixed, k), 1 if 1 in (one, two) else 2))
    point = feasible(rest, k)
    if point is None:
        return None
    lows = [-_at(form, point, k) / form[k] for form, _ in below]
    highs = [-_at(form, point, k) / form[k] for form, _ in above]
    return (*point, _between(max(lows, default=None), min(highs, default=None)))


def _holds(value: Fraction, sign: int) -> bool:
    return value == 0 if sign == 0 else value > 0 if sign == 1 else value >= 0


def _drop(form: Form, k: int) -> Form:
    return form[:k] + form[k + 1 :]


def _without(form: Form, equal: Form, k: int) -> Form:
    factor = form[k] / equal[k]
    return _drop(tuple(a - factor * b for a, b in zip(form, equal, strict=True)), k)


def _at(form: Form, point: tuple[Fraction, ...], k: int) -> Fraction:
    """The form without its variable k."""
    return sum((c * x for c, x in zip(form[:k], point, strict=True)), form[-1])


def _between(low: Fraction | None, high: Fraction | None) -> Fraction:
    """A number with few digits strictly between, or their common value; not a round one, at which rules are special."""
    beyond = Fraction(5, 8)
    if low is None:
        return -_between(-high, None) if high is not None else beyond
    if high is None:
        return low // 1 + beyond + (low % 1 >= beyond)
    if low == high:
        return low
    step = Fraction(1)
    while step * 4 > high - low:
        step /= 2
    return (low + high) // (2 * step) * step + step / 8


def arrange(forms: Sequence[Form], domain: Sequence[tuple[Form, int]], size: int) -> list[Cell]:
    """All cells of the domain that are not empty."""
    kept: list[tuple[tuple[int, ...], tuple[Fraction, ...]]] = [((), feasible(domain, size) or ())]
    for number in range(len(forms)):
        grown = []
        for signs, _ in kept:
            for sign in (-1, 1, 0):
                asked = [*domain, *zip(forms, (*signs, sign), strict=False)]
                point = feasible(asked, size)
                if point is not None:
                    grown.append(((*signs, sign), point))
        if len(grown) > LIMIT:
            raise Unclear(f"the comparisons make more than {LIMIT} regions, of {number + 1} forms")
        kept = grown
    return [Cell(signs, point) for signs, point in kept]


def forms_of(expression: Any, symbols: Sequence[Any]) -> list[Form]:
    """Linear forms whose signs together decide the sign of an expression, wherever it has one."""
    if sympy.count_ops(expression) > LONGEST:
        raise Unclear(f"a comparison or a denominator of more than {LONGEST} operations is not followed")
    if expression.has(Whole):
        raise Unclear("a comparison or a denominator has a rounded number in it")
    if expression.is_positive or expression.is_negative or not expression.free_symbols:
        return []
    top, bottom = sympy.fraction(sympy.together(expression))
    return [form for part in (top, bottom) for form in _forms(sympy.factor(part), symbols)]


def _forms(part: Any, symbols: Sequence[Any]) -> list[Form]:
    if part.is_positive or part.is_negative or not part.free_symbols:
        return []
    if part.is_Mul:
        return [form for factor in part.args for form in _forms(factor, symbols)]
    if part.is_Pow and (part.exp.is_integer or part.exp.is_positive):
        return _forms(part.base, symbols)
    linear = _linear(part, symbols)
    if linear is not None:
        return [linear]
    if part.is_polynomial(*symbols):
        terms = sympy.Poly(part, *symbols).terms()
        if all(c > 0 and all(e % 2 == 0 for e in powers) for powers, c in terms):  # vanishes with its variables only
            return [form for s in sorted(part.free_symbols, key=str) for form in _forms(s, symbols)]
    if len(part.free_symbols) == 1:
        return _roots(part, next(iter(part.free_symbols)), symbols)
    raise Unclear(f"where {part} = 0 is not a straight line")


def _linear(part: Any, symbols: Sequence[Any]) -> Form | None:
    if not part.is_polynomial(*symbols):
        return None
    poly = sympy.Poly(part, *symbols)
    if poly.total_degree() != 1 or not all(c.is_Rational for c in poly.coeffs()):
        return None
    units = [tuple(int(i == k) for i in range(len(symbols))) for k in range(len(symbols))]
    constant = (0,) * len(symbols)
    form = tuple(Fraction(int(c.p), int(c.q)) for c in (poly.coeff_monomial(u) for u in (*units, constant)))
    size = next(abs(c) for c in form if c)
    return tuple(c / size for c in form)


def _around(root: Any) -> tuple[Any, Any]:
    """Fractions on either side of an irrational number, closer than two float64 numbers are."""
    near = sympy.Rational(str(sympy.N(root, 60)))
    if not sympy.N(abs(near - root), 10, maxn=500) < abs(near) * STRIP:
        raise Unclear(f"the size of {root} is not found")
    return near * (1 - STRIP), near * (1 + STRIP)


def _roots(part: Any, symbol: Any, symbols: Sequence[Any]) -> list[Form]:
    try:
        found = sympy.solveset(part, symbol, sympy.S.Reals)
    except (NotImplementedError, ValueError, TypeError) as error:
        raise Unclear(f"where {part} = 0 is not found") from error
    if not isinstance(found, sympy.FiniteSet) and found is not sympy.S.EmptySet:
        raise Unclear(f"where {part} = 0 is not a finite set")
    forms = []
    for root in found:
        for end in (root,) if root.is_Rational else _around(root):
            forms += [form] if (form := _linear(symbol - end, symbols)) else []
    return forms
