"""Balls: real numbers (arb) and complex ones (acb) as a midpoint and a radius that certainly contain the result.

Source: Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic, IEEE Trans. Computers 66 (2017).  Complex
balls are for functions that must be analytic: an operation whose argument touches a cut is not a number there, never a branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import acb, arb, ctx
from numpy.typing import NDArray

from gradcheck.numbers.field import LOCK, UNDECIDED, Array, Floats, ObjectField, Ordered, Values, unsupported
from gradcheck.numbers.operations import Operation


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Sets flint's working precision, which the whole process shares, and restores it; the lock is held meanwhile."""
    with LOCK:
        before = ctx.prec
        ctx.prec = bits
        try:
            yield
        finally:
            ctx.prec = before


def _found(field: ObjectField, kind: Any, operation: Operation, parameter: float | None) -> Callable[..., Any]:
    given = operation.ball
    if isinstance(given, str):
        method: Callable[..., Any] | None = getattr(kind, given, None)
        if method is None:
            raise unsupported(field, operation)
        return method
    if parameter is None:
        return lambda *x: given(kind, *x)
    return lambda *x: given(kind, *x, parameter)


LARGEST = 2**1023
"""Larger integers may be no float64 numbers."""


@dataclass(frozen=True)
class Balls(ObjectField, Ordered):
    """Real balls at a working precision of ``bits``."""

    bits: int = 128

    @property
    def name(self) -> str:  # type: ignore[override]  # read-only here
        """With the precision."""
        return f"real balls at {self.bits} bits"

    @contextmanager
    def working(self) -> Iterator[None]:
        """Holds the precision's lock."""
        with precision(self.bits):
            yield

    def element(self, value: float) -> arb:
        """Every float64 number is a ball of radius zero."""
        return arb(value)

    def pi(self) -> Array:
        """Enclosed at the working precision."""
        return _one(arb.pi())

    def function(self, operation: Operation, parameter: float | None) -> Callable[..., Any]:
        """A method of arb, or a formula in them."""
        return _found(self, arb, operation, parameter)

    def compare(self, left: Values, right: Values) -> NDArray[np.int8]:
        """Certain where the balls do not overlap, or are the same point."""
        out = np.full(np.broadcast_shapes(left.shape, right.shape), UNDECIDED)
        out[np.asarray(left == right, bool)] = 0
        out[np.asarray(left < right, bool)] = -1
        out[np.asarray(left > right, bool)] = 1
        return out

    def keys(self, values: Values) -> list[Any]:
        """Midpoints are points, which are in order."""
        return [v.mid() for v in values.flat]

    def floor(self, values: Values) -> Floats:
        """Known where both ends of the ball have one floor."""
        out = np.full(values.shape, np.nan)
        for i, v in enumerate(values.flat):
            whole = v.floor().unique_fmpz() if v.is_finite() else None
            if whole is not None and abs(whole) < LARGEST and arb(float(int(whole))) == whole:
                out.flat[i] = float(int(whole))
        return out

    def finite(self, values: Values) -> NDArray[np.bool_]:
        """Whether midpoint and radius are."""
        return np.array([v.is_finite() for v in values.flat], bool).reshape(values.shape)

    def nearest(self, values: Values) -> Floats:
        """The midpoint, rounded; of a ball without end nothing is near."""
        near = [float(v) if v.is_finite() or v.is_exact() else np.nan for v in values.flat]
        return np.array(near, float).reshape(values.shape)


@dataclass(frozen=True)
class ComplexBalls(ObjectField):
    """Complex balls (rectangles) at a working precision of ``bits``, for analytic functions."""

    bits: int = 128

    @property
    def name(self) -> str:  # type: ignore[override]  # read-only here
        """With the precision."""
        return f"complex balls at {self.bits} bits"

    @contextmanager
    def working(self) -> Iterator[None]:
        """Holds the precision's lock."""
        with precision(self.bits):
            yield

    def element(self, value: float) -> acb:
        """A point on the real line."""
        return acb(value)

    def pi(self) -> Array:
        """Enclosed at the working precision."""
        return _one(acb.pi())

    def function(self, operation: Operation, parameter: float | None) -> Callable[..., Any]:
        """A method of acb, guarded by the operation's domain."""
        bare = _found(self, acb, operation, parameter)
        clear = operation.domain.clear
        nowhere = acb(arb.nan(), arb.nan())

        def guarded(z: acb, *others: acb) -> acb:
            return bare(z, *others) if clear(z) else nowhere

        return guarded


def _one(value: Any) -> Array:
    out = np.empty(1, object)
    out[0] = value
    return out
