"""Definition and rule, read as formulas on the branch that they take at one point.

Both are traced as they stand; nothing is typed anew for the prover.  Comparisons are kept as the expressions whose signs they asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from gradcheck.fingerprints import Text as Text
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.field import Floats, Values
from gradcheck.numbers.program import Program, program
from gradcheck.numbers.tracing import Trace, trace
from gradcheck.proofs.symbols import Expressions, formulas
from gradcheck.proofs.vocabulary import SAID

BITS = 256


@dataclass(frozen=True)
class Watched(Balls):
    """Balls that refuse to round to whole numbers and to sort: those branches are too many, and leave no comparison behind."""

    def floor(self, values: Values) -> Floats:
        """Refused."""
        raise Untraceable("floor", "it has infinitely many branches")

    def keys(self, values: Values) -> list[Any]:
        """Refused."""
        raise Untraceable("sorting", "its branches are not followed")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text on one branch: its outputs, the expressions whose signs it asked for, and those whose zeros are critical."""

    outputs: tuple[Any, ...]
    compared: tuple[Any, ...]
    critical: tuple[Any, ...]
    readings: tuple[str, ...]
    program: Program
    finite: bool
    """Whether the value at the point is a number; ``undefined`` where it certainly is none, and not only too large for a ball."""
    undefined: bool


def read(text: Text, point: Sequence[float], symbols: Sequence[Any], params: Mapping[str, Any]) -> Reading:
    """The formulas of ``text`` at and around ``point``; ``NumbersError`` where it cannot be read."""
    seen = trace(text, [np.array(x) for x in point], kwargs=dict(params), field=Watched(BITS))
    field, given = Expressions(), [np.array([symbol], object) for symbol in symbols]
    outputs = [one for values in seen.program.evaluate(field, given) for one in formulas(values)]
    critical = tuple(field.critical)
    compared = _compared(seen, field, given)
    balls = [ball for ids in seen.program.outputs for ball in seen.tape.values[ids.ravel()]]
    finite = all(ball.is_finite() for ball in balls)
    undefined = not finite and any(_is_none(e, symbols, point) for e in (*outputs, *(1 / c for c in critical)))
    readings = (*field.readings, *(note.removeprefix(SAID) for note in seen.notes if note.startswith(SAID)))
    return Reading(tuple(outputs), compared, critical, readings, seen.program, finite, undefined)


def _is_none(output: Any, symbols: Sequence[Any], point: Sequence[float]) -> bool:
    """Whether a formula certainly has no real value at a point: a ball that is none may only have been too large on the way.

    Asked too of the inverses of what is critical, for sympy drops 0 (y / z), and with it that z = 0 has no value.
    """
    value = output.subs({s: sympy.Rational(*x.as_integer_ratio()) for s, x in zip(symbols, point, strict=True)})
    return value.has(sympy.zoo, sympy.nan) or value.is_extended_real is False


def _compared(seen: Trace, field: Expressions, given: list[Any]) -> tuple[Any, ...]:
    asked = [ids for decision in seen.decisions for ids in (decision.left, decision.right)]
    if not asked:
        return ()
    values = program(seen.tape, seen.program.inputs, asked).evaluate(field, given)
    pairs = zip(values[::2], values[1::2], strict=True)
    return tuple(a - b for left, right in pairs for a, b in zip(formulas(left), formulas(right), strict=True))


def exact(point: Sequence[Fraction]) -> tuple[float, ...] | None:
    """The point in float64 numbers, if they can say it."""
    floats = tuple(float(x) for x in point)
    return floats if all(Fraction(f) == x for f, x in zip(floats, point, strict=True)) else None


def symbols_for(count: int, signs: Sequence[int]) -> tuple[Any, ...]:
    """Real symbols; of those whose sign is known, with it."""
    names = ("x", "y", "z", "u", "v", "w")[:count] if count <= 6 else tuple(f"x{k}" for k in range(count))
    known = {1: {"positive": True}, -1: {"negative": True}, 0: {"real": True}}
    return tuple(sympy.Symbol(name, **known[sign]) for name, sign in zip(names, signs, strict=True))
