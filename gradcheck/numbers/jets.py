"""Jets of arrays: derivatives along a curve, of any order, over any field.

A jet holds a value and its first derivatives along x(t): arrays v, v', v'', ... .  The product is Leibniz's rule, and a function of the
table is differentiated by its own formula: y' = sum_i p_i(x, y) x_i', whose derivatives are taken in jets of one order less.  Arrays of
derivatives may have batch axes in front that the values lack, one entry for each direction.

Source: Griewank, Walther, Evaluating Derivatives (2008), chapter 13, with derivatives in place of Taylor coefficients.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from math import comb
from typing import Any

from gradcheck.numbers.field import Field, Floats, Ids, Values
from gradcheck.numbers.operations import Calculus, Operation


class Jet:
    """``parts[k]`` is the k-th derivative along the curve."""

    __array_ufunc__ = None  # arrays leave the arithmetic with jets to the jets
    __slots__ = ("parts",)

    def __init__(self, *parts: Values) -> None:
        self.parts = parts

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        shape: tuple[int, ...] = self.parts[0].shape
        return shape

    def __getitem__(self, index: Any) -> Jet:
        return Jet(*(part[index] for part in self.parts))

    def __setitem__(self, index: Any, jet: Jet) -> None:
        for part, new in zip(self.parts, jet.parts, strict=True):
            part[index] = new

    def _terms(self, other: Any) -> tuple[Values, ...]:
        return other.parts if isinstance(other, Jet) else (other, *(0 * p for p in self.parts[1:]))

    def __neg__(self) -> Jet:
        return Jet(*(-p for p in self.parts))

    def __add__(self, other: Any) -> Jet:
        return Jet(*(a + b for a, b in zip(self.parts, self._terms(other), strict=True)))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Jet:
        return Jet(*(a - b for a, b in zip(self.parts, self._terms(other), strict=True)))

    def __rsub__(self, other: Any) -> Jet:
        difference: Jet = -self + other
        return difference

    def __mul__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return Jet(*(p * other for p in self.parts))
        a, b = self.parts, other.parts
        return Jet(*(_leibniz(a, b, order, order + 1) for order in range(len(a))))

    __rmul__ = __mul__


def _leibniz(a: tuple[Values, ...], b: tuple[Values, ...], order: int, stop: int) -> Values:
    """The terms j < ``stop`` of the derivative of that order of a product: C(order, j) a^(j) b^(order - j)."""
    total = None
    for j in range(stop):
        term = a[j] * b[order - j]
        factor = comb(order, j)
        term = term if factor == 1 else term * factor
        total = term if total is None else total + term
    return total


class JetField(Field):
    """Jets of the given order over ``base``, a field like any other."""

    def __init__(self, base: Field, order: int = 1) -> None:
        self.base = base
        self.order = order
        self.name = f"jets of order {order} over {base.name}"
        self._lower = base if order == 1 else JetField(base, order - 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JetField) and (self.base, self.order) == (other.base, other.order)

    def __hash__(self) -> int:
        return hash((self.base, self.order))

    def working(self) -> AbstractContextManager[Any]:
        """That of the base."""
        return self.base.working()

    def constant(self, value: Values) -> Jet:
        """A value that does not move."""
        return Jet(value, *(self.base.zeros(value.shape) for _ in range(self.order)))

    def variable(self, value: Values, tangent: Values) -> Jet:
        """A straight line through the value."""
        return Jet(value, tangent, *(self.base.zeros(value.shape) for _ in range(self.order - 1)))

    def constants(self, values: Floats) -> Jet:
        """Numbers do not move."""
        return self.constant(self.base.constants(values))

    def zeros(self, shape: tuple[int, ...]) -> Jet:
        """A store in which values and derivatives have one shape."""
        return Jet(*(self.base.zeros(shape) for _ in range(self.order + 1)))

    def pi(self) -> Jet:
        """Of the base."""
        return self.constant(self.base.pi())

    def apply(self, operation: Operation, operands: tuple[Jet, ...], parameter: float | None = None) -> Jet:
        """Ring operations by Leibniz's rule, everything else by the formulas of the table."""
        if operation.name == "mul":
            return operands[0] * operands[1]
        value = self.base.apply(operation, tuple(x.parts[0] for x in operands), parameter)
        if self.order == 1:
            lower: tuple[Values, ...] = tuple(x.parts[0] for x in operands)
            result: Values = value
        else:
            lower = tuple(Jet(*x.parts[:-1]) for x in operands)
            result = self._lower.apply(operation, lower, parameter)
        k = Calculus(self._lower)
        extra = () if parameter is None else (parameter,)
        slopes = [partial(k, *lower, result, *extra) for partial in operation.partials]
        derivatives = []
        for order in range(self.order):
            total = None
            for slope, x in zip(slopes, operands, strict=True):
                if isinstance(slope, int):
                    term = x.parts[order + 1] if slope == 1 else x.parts[order + 1] * slope
                else:
                    parts = slope.parts if isinstance(slope, Jet) else (slope,)
                    term = _leibniz(parts, x.parts[1:], order, order + 1)
                total = term if total is None else total + term
            derivatives.append(total)
        return Jet(value, *derivatives)

    def sum(self, terms: Jet) -> Jet:
        """Part by part."""
        return Jet(*(self.base.sum(part) for part in terms.parts))

    def accumulate(self, store: Jet, ids: Ids, terms: Jet) -> None:
        """Part by part."""
        for part, term in zip(store.parts, terms.parts, strict=True):
            self.base.accumulate(part, ids, term)


def along(field: Field, value: Values, tangents: Values) -> Jet:
    """The first-order jet of ``value`` (n,) along each of ``tangents`` (..., n)."""
    moving: Jet = JetField(field).variable(value, tangents)
    return moving
