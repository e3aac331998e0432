"""Operators that act on each entry by itself, with broadcasting."""

from __future__ import annotations

import numpy as np

from gradcheck.claim import POSITIVE, REALS, Domain, Example, Kink, Operator, Witness
from gradcheck.records import Array

SWEEP = (0.0, -0.0, 1.0, -1.0, 1e-20, -1e-20, 1e4, -1e4, 1e20, -1e20)
"""Zeros of both signs, units, and magnitudes at which a formula loses digits."""

UNARY = (
    Example(((),)),
    Example(((1,),)),
    Example(((0,),)),
    Example(((7,),)),
    Example(((2, 3),)),
    Example(((2, 1, 3),)),
)
"""0-d, one entry, empty, and one to three axes."""

BINARY = tuple(
    Example(shapes)
    for shapes in (
        ((), ()),
        ((4,), (4,)),
        ((4,), ()),
        ((), (2, 3)),
        ((3, 1), (1, 4)),
        ((2, 1, 3), (4, 1)),
        ((0, 3), (1, 3)),
        ((3,), (2, 3)),
        ((3, 1), (2, 3, 4)),
        ((1, 1, 4), (1, 1)),
    )
)
"""Equal shapes, a scalar on either side, axes of length one on either side, added axes, both at once, empty."""


def absolute(x: Array) -> Array:
    """``|x| = max(x, -x)``: unlike the modulus, this text is analytic on either side of 0."""
    return np.maximum(x, -x)


DIVIDE_WITNESSES = (
    Witness(
        (np.array([1.0, -7.0, 0.0]), np.array([8.0, 2.0, -3.0])),
        np.array([0.125, -3.5, 0.0]),
        "dyadic rationals",
    ),
)

POWER_WITNESSES = (
    Witness(
        (np.array([2.0, 4.0, 2.0, 9.0, 5.0]), np.array([10.0, 0.5, 0.5, -0.5, 0.0])),
        np.array([1024.0, 2.0, 1.4142135623730951, 1 / 3, 1.0]),
        "y^2 = 4, 2, 1/9",
    ),
)

LOG_WITNESSES = (
    Witness(
        (np.array([1.0, 2.0, 10.0]),),
        np.array([0.0, 0.6931471805599453, 2.302585092994046]),
        "OEIS A002162 and A002392: ln 2, ln 10",
    ),
)

OPERATORS = (
    Operator(
        name="multiply",
        family="elementwise",
        signature="(...),(...)->(...)",
        definition=np.multiply,
        examples=BINARY,
        formula="z = x y",
        citation="Spivak, Calculus, ch. 10, theorem 4 (product rule)",
        witnesses=(
            Witness(
                (np.array([3.0, -0.5]), np.array([[7.0], [4.0]])), np.array([[21.0, -3.5], [12.0, -2.0]]), "integers"
            ),
        ),
        special=SWEEP,
    ),
    Operator(
        name="divide",
        family="elementwise",
        signature="(...),(...)->(...)",
        definition=np.divide,
        examples=BINARY,
        formula="z = x / y",
        citation="Spivak, Calculus, ch. 10, theorem 8 (quotient rule)",
        witnesses=DIVIDE_WITNESSES,
        special=(*SWEEP, 1e-8, 2.0),  # y = 0 is a pole: the quotient is inf there and the point lies outside
    ),
    Operator(
        name="power",
        family="elementwise",
        signature="(...),(...)->(...)",
        definition=np.power,
        examples=BINARY,
        formula="z = x^y = exp(y ln x)",
        citation="DLMF section 4.2(iv), Powers",
        witnesses=POWER_WITNESSES,
        domain=Domain((POSITIVE, REALS)),
        special=(0.0, 1.0, 2.0, 0.5, -1.0, 3.0, 1e-8, 1e4, -2.0),
    ),
    Operator(
        name="log",
        family="elementwise",
        signature="(...)->(...)",
        definition=np.log,
        examples=UNARY,
        formula="y = ln x",
        citation="DLMF section 4.2(i), The Logarithm",
        witnesses=LOG_WITNESSES,
        domain=Domain((POSITIVE,)),
        special=(1.0, 1e-6, 1e-20, 1e-300, 1e20, 1e300, 1.0 + 2.0**-20),
    ),
    Operator(
        name="abs",
        family="elementwise",
        signature="(...)->(...)",
        definition=absolute,
        examples=UNARY,
        formula="y = |x|",
        citation="Clarke, Optimization and Nonsmooth Analysis, example 2.1.3",
        witnesses=(Witness((np.array([-2.5, 0.0, 3.0]),), np.array([2.5, 0.0, 3.0]), "exact"),),
        kinks=(Kink("x = 0", "anything in [-1, 1]"),),
        special=SWEEP,
    ),
    Operator(
        name="maximum",
        family="elementwise",
        signature="(...),(...)->(...)",
        definition=np.maximum,
        examples=BINARY,
        formula="z = max(x, y)",
        citation="Clarke, Optimization and Nonsmooth Analysis, proposition 2.3.12",
        witnesses=(
            Witness((np.array([1.0, -2.0, 4.0]), np.array([0.5, -1.0, 4.0])), np.array([1.0, -1.0, 4.0]), "exact"),
        ),
        kinks=(Kink("x = y", "(t, 1 - t) with t in [0, 1]"),),
        special=SWEEP,
    ),
)
