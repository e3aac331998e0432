"""A number type that counts the arithmetic done with it.

With it the cheap gradient principle can be asserted instead of believed: a value and ALL its partial derivatives cost
at most five times the operations of the value alone, however many variables there are.

Why five: reverse accumulation calls the vjp of every vertex once, and adds up what arrives at every variable.  A
vertex with n inputs sends n contributions; the first to arrive at a variable is stored, the others are added.  Since
every vertex owns the variable that it assigns, n - 1 additions a vertex pay for all of them.  Then

    operation   value   vjp   additions   in all        operation    value   vjp   additions   in all
    x + y       1       0     1           2             1 / x        1       3     0           4
    x - y       1       1     1           3             exp x        1       1     0           2
    x y         1       2     1           4             tanh x       1       4     0           5
    x / y       1       3     1           5             log x        1       2     0           3

and the sum over the vertices of "in all" is at most five times the sum of "value".  A sign change counts as an
operation, and so does one call of an elementary function, which in truth costs more: the ratio is then smaller.

Sources: W. Baur and V. Strassen, The complexity of partial derivatives, Theoretical Computer Science 22 (1983) 317-330;
A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed. (2008), section 4.6.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np


def _operation(kind: str, apply: Callable[[Any, Any], Any]) -> Callable[[Counted, Any], Any]:
    def method(self: Counted, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # NumPy then comes with the entries, one by one
        return self.count(kind, apply(self.value, _plain(other)))

    return method


class Counted:
    """A number that enters every operation into the tally that it carries: ``tally["*"]`` and so on."""

    __slots__ = ("tally", "value")

    def __init__(self, value: Any, tally: Counter[str]) -> None:
        self.value = value
        self.tally = tally

    def count(self, kind: str, value: Any) -> Counted:
        """The result of one operation."""
        self.tally[kind] += 1
        return Counted(value, self.tally)

    def __neg__(self) -> Counted:
        return self.count("neg", -self.value)

    __add__ = __radd__ = _operation("+", operator.add)
    __mul__ = __rmul__ = _operation("*", operator.mul)
    __sub__ = _operation("-", operator.sub)
    __rsub__ = _operation("-", lambda a, b: b - a)
    __truediv__ = _operation("/", operator.truediv)
    __rtruediv__ = _operation("/", lambda a, b: b / a)

    # comparisons choose between computations; they are none themselves
    def __gt__(self, other: Any) -> bool:
        return bool(self.value > _plain(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= _plain(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < _plain(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= _plain(other))

    def _call(self, function: Callable[[float], float]) -> Counted:
        return self.count(function.__name__, function(self.value))

    # NumPy calls these for np.exp(number) and so on
    def exp(self) -> Counted:
        """One call of exp."""
        return self._call(math.exp)

    def log(self) -> Counted:
        """One call of log."""
        return self._call(math.log)

    def tanh(self) -> Counted:
        """One call of tanh."""
        return self._call(math.tanh)

    def sin(self) -> Counted:
        """One call of sin."""
        return self._call(math.sin)

    def cos(self) -> Counted:
        """One call of cos."""
        return self._call(math.cos)


def _plain(other: Any) -> Any:
    return other.value if isinstance(other, Counted) else other
