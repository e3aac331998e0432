"""Exact numbers: rationals, integers mod p, polynomials with rational coefficients.  Only arithmetic is theirs, and it does not round."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from flint import Ordering, fmpq, fmpq_mpoly_ctx, nmod
from numpy.typing import NDArray

from gradcheck.numbers.errors import Unsupported
from gradcheck.numbers.field import Array, Floats, ObjectField, Ordered, Values, unsupported
from gradcheck.numbers.operations import Operation


def rational(value: float, field: str) -> fmpq:
    """A float64 number as a fraction."""
    if not math.isfinite(value):
        raise Unsupported(f"the number {value}", field)
    return fmpq(*value.as_integer_ratio())


class ExactField(ObjectField):
    """What exact fields share: quotients and whole powers, and no other function."""

    def pi(self) -> Array:
        """Not one of them."""
        raise Unsupported("pi", self.name)

    def inverse(self, x: Any) -> Any:
        """One by x."""
        raise NotImplementedError

    def function(self, operation: Operation, parameter: float | None) -> Callable[..., Any]:
        """``div`` and ``powi``."""
        if operation.name == "div":
            return lambda a, b: a * self.inverse(b)
        if operation.name == "powi" and parameter is not None:
            n = int(parameter)
            return (lambda x: x**n) if n >= 0 else (lambda x: self.inverse(x) ** -n)
        raise unsupported(self, operation, "its value is not one of the field, or not always")


@dataclass(frozen=True)
class Rationals(ExactField, Ordered):
    """Fractions of integers (fmpq); their order is decided always."""

    @property
    def name(self) -> str:  # type: ignore[override]  # read-only here
        """In words."""
        return "the rational numbers"

    def element(self, value: float) -> fmpq:
        """Exactly."""
        return rational(value, self.name)

    def inverse(self, x: fmpq) -> fmpq:
        """Of zero there is none."""
        return 1 / x

    def compare(self, left: Values, right: Values) -> NDArray[np.int8]:
        """Always certain."""
        less, more = np.asarray(left < right, bool), np.asarray(left > right, bool)
        return more.astype(np.int8) - less.astype(np.int8)

    def keys(self, values: Values) -> list[Any]:
        """The numbers themselves."""
        return list(values.flat)

    def floor(self, values: Values) -> Floats:
        """Exactly, if a float64 number can say it."""
        return np.array([float(int(v.floor())) for v in values.flat], float).reshape(values.shape)

    def finite(self, values: Values) -> NDArray[np.bool_]:
        """All are."""
        return np.ones(values.shape, bool)

    def nearest(self, values: Values) -> Floats:
        """Rounded by Python's integer division."""
        return np.array([int(v.p) / int(v.q) for v in values.flat], float).reshape(values.shape)


@dataclass(frozen=True)
class ModP(ExactField):
    """Integers modulo a prime p < 2^63 (nmod); a float64 number is the quotient that its fraction names."""

    p: int = 2**61 - 1

    @property
    def name(self) -> str:  # type: ignore[override]  # read-only here
        """With the modulus."""
        return f"the integers modulo {self.p}"

    def element(self, value: float) -> nmod:
        """Exactly; a fraction whose denominator p divides is none of them."""
        fraction = rational(value, self.name)
        return nmod(int(fraction.p), self.p) / nmod(int(fraction.q), self.p)

    def inverse(self, x: nmod) -> nmod:
        """Of zero there is none."""
        return 1 / x


@lru_cache(maxsize=64)
def _ring(names: tuple[str, ...]) -> Any:
    return fmpq_mpoly_ctx.get(names, Ordering.lex)


@dataclass(frozen=True)
class Polynomials(ExactField):
    """Polynomials in the named variables over the rationals (fmpq_mpoly): a ring, in which only constants divide."""

    names: tuple[str, ...] = ("x",)

    @property
    def name(self) -> str:  # type: ignore[override]  # read-only here
        """With the variables."""
        return f"the polynomials in {', '.join(self.names)}"

    def variables(self) -> Array:
        """One for each name."""
        out = np.empty(len(self.names), object)
        for k, variable in enumerate(_ring(self.names).gens()):
            out[k] = variable
        return out

    def element(self, value: float) -> Any:
        """A constant polynomial."""
        return _ring(self.names).constant(rational(value, self.name))

    def inverse(self, x: Any) -> Any:
        """Of a constant that is not zero."""
        if not x.is_constant() or x == 0:
            raise Unsupported("division by a polynomial", self.name)
        return _ring(self.names).constant(1 / x.coefficient(0))
