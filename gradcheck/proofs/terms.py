"""Terms of the SMT solver z3 over the reals as a number system: a program is replayed on them and becomes a formula of arithmetic.

z3 gives x / 0 any value it likes, and so a proof about it would be one about nothing: every divisor is kept, and is a hypothesis
(not 0) of whatever is asked.  A square root is a new number s with s >= 0 and s^2 = x.

Source: de Moura, Bjorner, Z3: an efficient SMT solver (TACAS 2008); Jovanovic, de Moura, Solving non-linear arithmetic (IJCAR 2012).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import z3

from gradcheck.numbers.errors import Unsupported
from gradcheck.numbers.field import Array, ObjectField, unsupported
from gradcheck.numbers.operations import Operation
from gradcheck.proofs.symbols import literal


def rational(value: Fraction) -> Any:
    """A fraction as a term."""
    return z3.Q(value.numerator, value.denominator)


class Terms(ObjectField):
    """Sums, products, quotients, whole powers and square roots of real variables; nothing else has a term."""

    name = "the terms of real arithmetic"

    def __init__(self) -> None:
        self.divisors: dict[str, Any] = {}
        self.roots: dict[str, tuple[Any, Any]] = {}
        self.readings: dict[str, None] = {}

    def element(self, value: float) -> Any:
        """The number for which a literal stands, if it is a fraction."""
        number, reading = literal(float(value))
        if not number.is_Rational:
            raise Unsupported(f"the number {number}", self.name)
        if reading:
            self.readings[reading] = None
        return z3.Q(int(number.p), int(number.q))

    def pi(self) -> Array:
        """Not one of them."""
        raise Unsupported("pi", self.name)

    def function(self, operation: Operation, parameter: float | None) -> Callable[..., Any]:
        """``div``, ``powi`` and ``sqrt``."""
        if operation.name == "div":
            return self._divided
        if operation.name == "powi" and parameter is not None and abs(parameter) <= 8:
            return lambda x: self._power(x, int(parameter))
        if operation.name == "sqrt":
            return self._root
        raise unsupported(self, operation, "it is no rational function")

    def _divided(self, a: Any, b: Any) -> Any:
        if not z3.is_rational_value(z3.simplify(b)):
            self.divisors[b.sexpr()] = b
        return a / b

    def _power(self, x: Any, n: int) -> Any:
        product: Any = z3.RealVal(1)
        for _ in range(abs(n)):
            product = product * x
        return product if n >= 0 else self._divided(z3.RealVal(1), product)

    def _root(self, x: Any) -> Any:
        key = x.sexpr()
        if key not in self.roots:
            self.roots[key] = (z3.Real(f"root{len(self.roots)}"), x)
        return self.roots[key][0]

    def hypotheses(self) -> list[Any]:
        """What every question assumes: that roots are roots."""
        return [condition for s, x in self.roots.values() for condition in (s >= 0, s * s == x)]
