"""What a proof by algebra is made of: the two texts, the tolerances of refutations, and the branches on which something is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from gradcheck.numbers.errors import NumbersError
from gradcheck.proofs.cells import Cell, Form
from gradcheck.proofs.reading import Reading, Text, exact, read, symbols_for

PROVED, PART, REFUTED, UNKNOWN, EXCLUDED, KINK = "proved", "proved in part", "refuted", "unknown", "excluded", "kink"
ALMOST = "proved almost everywhere"
"""All but a set of measure zero, on which something vanishes that is a divisor, has a root or is compared with 0."""

BOUNDED = "proved up to a bound"
"""The rule is not the derivative, and differs from it by no more than float64 can tell; the bound is said."""

TOLERANCE = 2.0**-30
"""Relative difference from which a point refutes: literals such as ln 2 are rounded, and stand in exponents of up to some hundreds."""

TINY = 2.0**-1074
"""The smallest positive float64: a difference below it is a saturation that no float64 rule can avoid, and refutes nothing."""

G = sympy.Symbol("g", real=True)
"""The cotangent."""

COTANGENT = 1.25
"""Of the trace: a rule that compares the cotangent with anything is declined, so that any number will do."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One cell: where, what is shown there and how; ``formulas`` is the definition and one slope per input, as data."""

    where: str
    result: str
    how: str
    point: tuple[float, ...] | None
    open: bool
    formulas: tuple[Any, ...] = ()
    boxes: Mapping[str, Any] | None = None
    """Of what is proved up to a bound: both programs, the interval and the order of the Taylor models."""


@dataclass(slots=True)
class Setting:
    """One question: definition, rule, domain and parameters, with what was read so far."""

    definition: Text
    rule: Text
    domain: list[tuple[Form, int]]
    size: int
    params: Mapping[str, Any]
    cache: dict[Any, Any] = field(default_factory=dict)
    readings: dict[str, None] = field(default_factory=dict)
    poles: dict[str, str] = field(default_factory=dict)
    """Places that are infinitely many and excluded together, in words, and why."""

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


def signs_of(forms: Sequence[Form], setting: Setting, cell: Cell) -> tuple[int, ...]:
    """The sign of each input in an open cell, 0 where it is not known."""
    signs = [0] * setting.size
    for form, sign in (*zip(forms, cell.signs, strict=True), *setting.domain):
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


def interval_of(forms: Sequence[Form], setting: Setting, cell: Cell) -> tuple[float, float]:
    """The ends of a cell of one input, rounded outwards."""
    low, high = -np.inf, np.inf
    for form, sign in (*zip(forms, cell.signs, strict=True), *setting.domain):
        end = -form[-1] / form[0]
        near, above = float(end), (sign > 0) == (form[0] > 0)
        if (Fraction(near) > end) if above else (Fraction(near) < end):
            near = float(np.nextafter(near, -np.inf if above else np.inf))
        low, high = (max(low, near), high) if above else (low, min(high, near))
    return low, high


def apart(truth: Any, stated: Any) -> str:
    """How a rule's ball certainly differs from the true one, or the empty string."""
    if not truth.is_finite():
        return ""
    if not stated.is_finite():
        return "the rule has no value"
    gap = abs(stated - truth)
    return f"the rule gives {float(stated)!r}" if gap > abs(truth) * TOLERANCE + TINY else ""


def expression(form: Form, symbols: Sequence[Any]) -> Any:
    """A linear form in symbols."""
    return sum(
        (sympy.Rational(c.numerator, c.denominator) * s for c, s in zip(form, (*symbols, 1), strict=True)),
        sympy.Integer(0),
    )


def words(forms: Sequence[Form], cell: Cell, setting: Setting) -> str:
    """A cell for a person to read."""
    symbols = symbols_for(setting.size, (0,) * setting.size)
    relation = {1: ">", 0: "=", -1: "<"}
    said = [f"{expression(f, symbols)} {relation[s]} 0" for f, s in zip(forms, cell.signs, strict=True)]
    return ", ".join(said) or "everywhere"
