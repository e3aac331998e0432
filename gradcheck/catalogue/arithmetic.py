"""Sums, differences, quotients, roots and angles, entry by entry with broadcasting."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.catalogue.elementwise import BINARY, SWEEP, UNARY
from gradcheck.claim import NONNEGATIVE, POSITIVE, REALS, Domain, Example, Kink, Operator, Witness, interval
from gradcheck.records import Array

MODERATE = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 100.0, 1e-8, 1e4)

TERNARY = (
    Example(((4,), (4,), (4,))),
    Example(((), (), ())),
    Example(((2, 3), (3,), (2, 1)), {"value": -0.5}),
    Example(((1,), (2, 1), (1, 3)), {"value": 3.0}),
    Example(((0, 3), (3,), (1, 1))),
    Example(((3,), (), (2, 3)), {"value": 0.0}),
    Example(((2, 3, 2), (3, 1), (1, 2)), {"value": -2.0}),
    Example(((3, 1), (1, 2), (2, 3, 2)), {"value": 2.0}),
    Example(((1, 2), (2, 3, 2), (3, 1)), {"value": 0.5}),
    Example(((1, 1, 2), (1, 1), (1,)), {"value": 0.5}),
)
"""Every operand is repeated, along an added axis and one of length one at once too; factors of either sign, and zero."""

LERP_EXAMPLES = tuple(Example(example.shapes) for example in TERNARY)


def reciprocal(x: Array) -> Array:
    """One over ``x``."""
    result: Array = 1 / x
    return result


def rsqrt(x: Array) -> Array:
    """One over the square root."""
    result: Array = 1 / np.sqrt(x)
    return result


def addcmul(x: Array, y: Array, z: Array, *, value: float = 1.0) -> Array:
    """A multiple of a product added to ``x``."""
    result: Array = x + value * y * z
    return result


def addcdiv(x: Array, y: Array, z: Array, *, value: float = 1.0) -> Array:
    """A multiple of a quotient added to ``x``."""
    result: Array = x + value * y / z
    return result


def lerp(start: Array, end: Array, weight: Array) -> Array:
    """The straight line from ``start`` (weight 0) to ``end`` (weight 1), and beyond."""
    result: Array = start + weight * (end - start)
    return result


DIVISION = Domain((REALS, interval(0.25, 8.0)))
"""A divisor that is small next to x leaves no room between two jumps."""

THREE_FOUR = (np.array([3.0, -5.0, 0.0]), np.array([-4.0, 12.0, 2.0]))

ARCTAN2_WITNESSES = (
    Witness(
        (np.array([1.0, 1.0, -1.0, 0.0, 2.0]), np.array([1.0, -1.0, -1.0, 3.0, 0.0])),
        np.array([math.pi / 4, 3 * math.pi / 4, -3 * math.pi / 4, 0.0, math.pi / 2]),
        "DLMF 4.23(iv): the diagonals and axes",
    ),
)

SUM_WITNESS = Witness((np.array([3.0, -0.5]), np.array([[7.0], [4.0]])), np.array([[10.0, 6.5], [7.0, 3.5]]), "exact")
DIFFERENCE_WITNESS = Witness((np.array([3.0, -0.5]), np.array([[7.0]])), np.array([[-4.0, -7.5]]), "exact")

OPERATORS = (
    Operator(
        name="add",
        family="arithmetic",
        signature="(...),(...)->(...)",
        definition=np.add,
        examples=BINARY,
        formula="z = x + y",
        citation="Spivak, Calculus, ch. 10, theorem 3",
        witnesses=(SUM_WITNESS,),
        special=SWEEP,
    ),
    Operator(
        name="subtract",
        family="arithmetic",
        signature="(...),(...)->(...)",
        definition=np.subtract,
        examples=BINARY,
        formula="z = x - y",
        citation="Spivak, Calculus, ch. 10, theorem 3",
        witnesses=(DIFFERENCE_WITNESS,),
        special=SWEEP,
    ),
    Operator(
        name="negative",
        family="arithmetic",
        signature="(...)->(...)",
        definition=np.negative,
        examples=UNARY,
        formula="y = -x",
        citation="Spivak, Calculus, ch. 10, theorem 5",
        witnesses=(Witness((np.array([-2.5, 0.0, 3.0]),), np.array([2.5, 0.0, -3.0]), "exact"),),
        special=SWEEP,
    ),
    Operator(
        name="reciprocal",
        family="arithmetic",
        signature="(...)->(...)",
        definition=reciprocal,
        examples=UNARY,
        formula="y = 1 / x",
        citation="Spivak, Calculus, ch. 10, theorem 7",
        witnesses=(Witness((np.array([4.0, -0.5, 3.0]),), np.array([0.25, -2.0, 1 / 3]), "x y = 1"),),
        special=(*SWEEP, 1e-8, 2.0),  # x = 0 is a pole and lies outside
    ),
    Operator(
        name="square",
        family="arithmetic",
        signature="(...)->(...)",
        definition=np.square,
        examples=UNARY,
        formula="y = x^2",
        citation="Spivak, Calculus, ch. 10, theorem 6",
        witnesses=(Witness((np.array([-12.0, 0.5, 0.0]),), np.array([144.0, 0.25, 0.0]), "exact"),),
        special=SWEEP,
    ),
    Operator(
        name="sqrt",
        family="arithmetic",
        signature="(...)->(...)",
        definition=np.sqrt,
        examples=UNARY,
        formula="y = x^(1/2)",
        citation="DLMF section 4.2(iv), Powers",
        witnesses=(Witness((np.array([144.0, 0.25, 2.0]),), np.array([12.0, 0.5, 1.4142135623730951]), "A002193"),),
        domain=Domain((NONNEGATIVE,)),
        special=(0.0, 1.0, 4.0, 1e-8, 1e-20, 1e4, 1e20),  # the slope at 0 is infinite
    ),
    Operator(
        name="rsqrt",
        family="arithmetic",
        signature="(...)->(...)",
        definition=rsqrt,
        examples=UNARY,
        formula="y = x^(-1/2)",
        citation="DLMF section 4.2(iv), Powers",
        witnesses=(Witness((np.array([4.0, 0.25, 2.0]),), np.array([0.5, 2.0, 0.7071067811865476]), "A010503"),),
        domain=Domain((POSITIVE,)),
        special=(1.0, 4.0, 0.5, 1e-8, 1e-20, 1e4, 1e20),
    ),
    Operator(
        name="cbrt",
        family="arithmetic",
        signature="(...)->(...)",
        definition=np.cbrt,
        examples=UNARY,
        formula="y = x^(1/3), of the sign of x",
        citation="IEEE 754-2019, table 9.1 (rootn)",
        witnesses=(Witness((np.array([-27.0, 0.125, 2.0]),), np.array([-3.0, 0.5, 1.2599210498948732]), "A002580"),),
        special=(*SWEEP, 8.0, -27.0),  # the slope at 0 is infinite
    ),
    Operator(
        name="hypot",
        family="arithmetic",
        signature="(...),(...)->(...)",
        definition=np.hypot,
        examples=BINARY,
        formula="z = sqrt(x^2 + y^2)",
        citation="IEEE 754-2019, table 9.1 (hypot)",
        witnesses=(Witness(THREE_FOUR, np.array([5.0, 13.0, 2.0]), "Pythagorean triples"),),
        kinks=(Kink("x = y = 0", "any vector of the closed unit disc"),),
        special=SWEEP,
    ),
    Operator(
        name="arctan2",
        family="arithmetic",
        signature="(...),(...)->(...)",
        definition=np.arctan2,
        examples=BINARY,
        formula="z = the angle in (-pi, pi] of the point with ordinate x and abscissa y",
        citation="IEEE 754-2019, table 9.1 (atan2)",
        witnesses=ARCTAN2_WITNESSES,
        kinks=(Kink("the negative abscissa, and the origin", "nothing is claimed: the angle jumps there"),),
        special=SWEEP,
    ),
    Operator(
        name="addcmul",
        family="arithmetic",
        signature="(...),(...),(...)->(...)",
        definition=addcmul,
        examples=TERNARY,
        formula="w = x + value y z",
        citation="Spivak, Calculus, ch. 10, theorem 4 (product rule)",
        witnesses=(
            Witness((np.array([1.0, 2.0]), np.array([3.0, -4.0]), np.array(5.0)), np.array([16.0, -18.0]), "integers"),
        ),
        special=MODERATE,
    ),
    Operator(
        name="addcdiv",
        family="arithmetic",
        signature="(...),(...),(...)->(...)",
        definition=addcdiv,
        examples=TERNARY,
        formula="w = x + value y / z",
        citation="Spivak, Calculus, ch. 10, theorem 8 (quotient rule)",
        witnesses=(
            Witness((np.array([1.0]), np.array([3.0]), np.array([4.0])), np.array([2.5]), "exact", {"value": 2.0}),
        ),
        special=MODERATE,
    ),
    Operator(
        name="lerp",
        family="arithmetic",
        signature="(...),(...),(...)->(...)",
        definition=lerp,
        examples=LERP_EXAMPLES,
        formula="w = x + z (y - x)",
        citation="Davis, Interpolation and Approximation (1963), section 2.4",
        witnesses=(
            Witness((np.array([1.0, 2.0]), np.array([3.0, -2.0]), np.array(0.25)), np.array([1.5, 1.0]), "exact"),
        ),
        special=MODERATE,
    ),
    Operator(
        name="fmod",
        family="arithmetic",
        signature="(...),(...)->(...)",
        definition=np.fmod,
        examples=BINARY,
        formula="z = x - y trunc(x / y)",
        citation="ISO/IEC 9899:2018 (C17), section 7.12.10.1",
        witnesses=(
            Witness((np.array([7.0, -7.0, 1.5]), np.array([4.0, 4.0, 8.0])), np.array([3.0, -3.0, 1.5]), "exact"),
        ),
        domain=DIVISION,
        kinks=(Kink("x / y an integer other than 0", "nothing is claimed: the remainder jumps there"),),
        special=(0.25, -0.25, 0.7, 1.3, -2.6, 30.3),
    ),
    Operator(
        name="remainder",
        family="arithmetic",
        signature="(...),(...)->(...)",
        definition=np.remainder,
        examples=BINARY,
        formula="z = x - y floor(x / y)",
        citation="Knuth, The Art of Computer Programming, volume 1, section 1.2.4",
        witnesses=(
            Witness((np.array([7.0, -7.0, 1.5]), np.array([4.0, 4.0, 8.0])), np.array([3.0, 1.0, 1.5]), "exact"),
        ),
        domain=DIVISION,
        kinks=(Kink("x / y an integer", "nothing is claimed: the remainder jumps there"),),
        special=(0.25, -0.25, 0.7, 1.3, -2.6, 30.3),
    ),
)
