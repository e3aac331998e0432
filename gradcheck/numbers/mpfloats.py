"""mpmath's floating-point numbers at any precision: strong evidence by another library, without a bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from mpmath import libmp

from gradcheck.numbers.field import Array, ObjectField, unsupported
from gradcheck.numbers.operations import Operation


@lru_cache(maxsize=32)
def context(bits: int) -> Any:
    """A context of our own: mpmath's global precision is left alone."""
    own = mpmath.MPContext()
    own.prec = bits
    return own


@dataclass(frozen=True)
class MPField(ObjectField):
    """Real numbers of ``bits`` binary digits, rounded to nearest; the result is nan outside of a domain, and where mpmath gives up."""

    bits: int = 170

    @property
    def name(self) -> str:  # type: ignore[override]  # read-only here
        """With the precision."""
        return f"mpmath at {self.bits} bits"

    def element(self, value: float) -> Any:
        """Float64 numbers are binary fractions."""
        return context(self.bits).mpf(value)

    def pi(self) -> Array:
        """Rounded."""
        rounded: Array = self.constants(np.ones(1)) * (+context(self.bits).pi)
        return rounded

    def function(self, operation: Operation, parameter: float | None) -> Callable[..., Any]:
        """A function of the context; mpmath answers with complex numbers where we want none."""
        m = context(self.bits)
        given = operation.mp
        if isinstance(given, str):
            found = getattr(m, given, None)
            if found is None:
                raise unsupported(self, operation)
            bare: Callable[..., Any] = found
        else:
            extra = () if parameter is None else (parameter,)
            formula = given
            bare = lambda *x: formula(m, *x, *extra)  # noqa: E731  one of two ways

        def real(*x: Any) -> Any:
            try:
                value = bare(*x)
            except (ArithmeticError, ValueError, libmp.NoConvergence):
                return m.nan
            return value if isinstance(value, m.mpf) else m.nan

        return real
