"""Where each operation of the table is looked at, and how two number systems are held against each other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st

from gradcheck.numbers.balls import Balls
from gradcheck.numbers.field import Values
from gradcheck.numbers.mpfloats import MPField
from gradcheck.numbers.operations import TABLE, Calculus, Operation

SMALLEST, LARGEST = math.ulp(0.0), 1.7976931348623157e308

REALS = (-LARGEST, LARGEST)
POSITIVE = (SMALLEST, LARGEST)

INTERVALS: dict[str, tuple[tuple[float, float], ...]] = {
    "add": (REALS, REALS),
    "sub": (REALS, REALS),
    "mul": (REALS, REALS),
    "div": (REALS, POSITIVE),
    "powr": (POSITIVE,),
    "pow": (POSITIVE, (-300.0, 300.0)),
    "sqrt": (POSITIVE,),
    "cbrt": (POSITIVE,),
    "log": (POSITIVE,),
    "log1p": ((-1 + 2.0**-53, LARGEST),),
    "asin": ((-1 + 2.0**-53, 1 - 2.0**-53),),
    "acos": ((-1 + 2.0**-53, 1 - 2.0**-53),),
    "atanh": ((-1 + 2.0**-53, 1 - 2.0**-53),),
    "acosh": ((1 + 2.0**-52, LARGEST),),
    "atan2": (REALS, POSITIVE),
    "erfinv": ((-1 + 2.0**-30, 1 - 2.0**-30),),
    "erfcinv": ((2.0**-30, 2 - 2.0**-30),),
    # mpmath is slow for large arguments of these
    "gamma": ((0.01, 100.0),),
    "lgamma": ((2.0**-100, 1e6),),
    "digamma": ((2.0**-100, 1e6),),
    "polygamma": ((0.01, 1e3),),
    "bessel_j": ((-100.0, 100.0),),
    "bessel_y": ((0.5, 20.0),),
    "bessel_i": ((0.01, 100.0),),
    "bessel_k": ((0.5, 20.0),),
    "sinc": ((-1e3, 1e3),),
    "hyp0f1": ((-1e3, 1e3),),
    "erf": ((-1e3, 1e3),),
    "erfc": ((-1e3, 1e3),),
    "erfi": ((-1e2, 1e2),),
    "lambertw": ((-0.36, 1e300),),
    "expi": ((2.0**-100, 1e3),),
}
"""The interval of each operand; REALS where an operation is not named."""

PARAMETERS: dict[str, tuple[float, ...]] = {
    "powi": (-3, -1, 2, 3, 5),
    "powr": (0.5, -1.5, 2.25, 1 / 3),
    "polygamma": (1, 2, 3),
    "bessel_j": (0, 1, 3),
    "bessel_y": (0, 1, 3),
    "bessel_i": (0, 1, 3),
    "bessel_k": (0, 1, 3),
    "sinc": (0, 1, 2),
    "hyp0f1": (1, 3),
}
"""Those at which a parametric operation is looked at."""

CASES = [(name, n) for name, op in TABLE.items() for n in PARAMETERS.get(name, (None,))]
"""Every operation with each of its parameters."""


def operands(name: str) -> st.SearchStrategy[tuple[float, ...]]:
    """Float64 numbers of the operation's intervals: of every size, the ends, both zeros, subnormal numbers."""
    count = len(TABLE[name].partials)
    intervals = INTERVALS.get(name, (REALS,) * count)
    return st.tuples(*(_numbers(low, high) for low, high in intervals))


def _numbers(low: float, high: float) -> st.SearchStrategy[float]:
    special = [
        v
        for v in (0.0, -0.0, 5e-324, -5e-324, 1e-310, 1.0, -1.0, 0.5, 2.0, 50.0, -50.0, 1e300, -1e300)
        if low <= v <= high
    ]
    near = st.floats(max(low, -30.0), min(high, 30.0))
    return st.one_of(st.floats(low, high), near, *([st.sampled_from(special)] if special else []))


def in_balls(operation: Operation, x: tuple[float, ...], n: float | None, bits: int = 128) -> tuple[Any, list[Any]]:
    """The value and the partial derivatives, as balls."""
    field = Balls(bits)
    with field.working():
        return _both(field, operation, [field.constants(np.array([v])) for v in x], n)


def in_mpmath(operation: Operation, x: tuple[float, ...], n: float | None, bits: int) -> tuple[Any, list[Any]]:
    """The same in mpmath."""
    field = MPField(bits)
    return _both(field, operation, [field.constants(np.array([v])) for v in x], n)


def _both(field: Any, operation: Operation, x: list[Values], n: float | None) -> tuple[Any, list[Any]]:
    y = field.apply(operation, tuple(x), n)
    extra = () if n is None else (n,)
    slopes = [partial(Calculus(field), *x, y, *extra) for partial in operation.partials]
    return y[0], [s if isinstance(s, int) else s[0] for s in slopes]


def meets(ball: Any, other: Any, slack_bits: int) -> bool:
    """Whether the ball reaches mpmath's number, which may itself be off by 2^-slack_bits of its size."""
    if isinstance(ball, int):
        return bool(ball == other)
    with Balls(2 * slack_bits).working():
        point = arb(other)
        return bool(ball.overlaps(point + abs(point) * arb(0, 2.0**-slack_bits)))


SLOW = ("bessel_y", "bessel_k", "bessel_i")
"""mpmath takes a large part of a second for a value: fewer points."""
