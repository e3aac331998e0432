"""Operators that fold one or more axes to a single entry."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.claim import Example, Kink, Operator, Witness
from gradcheck.records import Array

Axis = int | tuple[int, ...] | None

SPECIAL = (0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 800.0, -800.0, 1e-20, 1e4, -1e4)
"""Zeros, units, and values whose exponentials, squares or products leave the range of a narrow type."""

SQUARES = (*SPECIAL, 1e200, 1e-200)
"""And values whose squares leave the range of float64."""

AXES = (
    Example(((),)), Example(((1,),)), Example(((5,),)), Example(((3, 4),)), Example(((3, 4),), {"axis": 0}),
    Example(((4, 2),), {"axis": -1, "keepdims": True}), Example(((2, 3, 2),), {"axis": (0, 2)}),
    Example(((2, 1, 3),), {"axis": (-1, 0), "keepdims": True}), Example(((0, 3),), {"axis": 1}),
)  # fmt: skip
"""Every way to name axes: none, first, negative, a tuple, kept or not; 0-d, one entry, empty."""


def var(x: Array, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Array:
    """The mean squared deviation, with the count lessened by ``ddof``."""
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    total: Array = np.sum(deviation * deviation, axis=axis, keepdims=keepdims)
    count = x.size // max(total.size, 1)
    return total / (count - ddof)


def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """Shifted by the largest entry, which changes nothing but the range of the exponentials."""
    shift = np.max(x, axis=axis, keepdims=True)
    result: Array = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return result if keepdims else np.squeeze(result, axis=axis)


def norm(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The Euclidean norm over the axes."""
    result: Array = np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    return result


VAR_EXAMPLES = (
    *AXES,
    Example(((5,),), {"ddof": 1}),
    Example(((4, 3),), {"axis": 0, "ddof": 1}),
    Example(((2, 5),), {"axis": (0, 1), "ddof": 2}),
)

OPERATORS = (
    Operator(
        name="sum",
        family="reductions",
        signature="(...)->(...)",
        definition=np.sum,
        examples=(*AXES, Example(((0, 3),), {"axis": 0})),
        formula="y = sum of x over the axes",
        citation="Knuth, The Art of Computer Programming, volume 1, section 1.2.3",
        witnesses=(
            Witness((np.arange(1.0, 101.0),), np.array(5050.0), "n (n + 1) / 2"),
            Witness((np.array([[1.0, 2.0], [3.0, 4.0]]),), np.array([3.0, 7.0]), "integers", {"axis": -1}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="prod",
        family="reductions",
        signature="(...)->(...)",
        definition=np.prod,
        examples=(*AXES, Example(((0, 3),), {"axis": 0})),
        formula="y = product of x over the axes",
        citation="Knuth, The Art of Computer Programming, volume 1, section 1.2.3",
        witnesses=(
            Witness((np.arange(1.0, 11.0),), np.array(3628800.0), "10!"),
            Witness((np.array([[0.0, 2.0], [3.0, -4.0]]),), np.array([0.0, -8.0]), "integers", {"axis": 0}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="max",
        family="reductions",
        signature="(...)->(...)",
        definition=np.max,
        examples=AXES,
        formula="y = largest x over the axes",
        citation="Clarke, Optimization and Nonsmooth Analysis, proposition 2.3.12",
        witnesses=(
            Witness((np.array([[1.0, 5.0, 5.0], [-3.0, -2.0, -4.0]]),), np.array([5.0, -2.0]), "exact", {"axis": 1}),
        ),
        kinks=(Kink("several entries are largest", "any convex combination of their unit vectors"),),
        special=SPECIAL,
    ),
    Operator(
        name="var",
        family="reductions",
        signature="(...)->(...)",
        definition=var,
        examples=VAR_EXAMPLES,
        formula="y = sum (x - mean x)^2 / (n - ddof)",
        citation="Knuth, The Art of Computer Programming, volume 2, section 4.2.2",
        witnesses=(
            Witness((np.arange(1.0, 8.0),), np.array(4.0), "variance of 1..n: (n^2 - 1) / 12"),
            Witness((np.arange(1.0, 6.0),), np.array(2.5), "of a sample 1..n: n (n + 1) / 12", {"ddof": 1}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="logsumexp",
        family="reductions",
        signature="(...)->(...)",
        definition=logsumexp,
        examples=AXES,
        formula="y = ln sum e^x over the axes",
        citation="Boyd, Vandenberghe, Convex Optimization, section 3.1.5",
        witnesses=(
            Witness((np.log([1.0, 2.0, 5.0]),), np.array(math.log(8.0)), "logsumexp(ln a) = ln sum a"),
            Witness((np.array([1000.0, 1000.0]),), np.array(1000.6931471805599), "1000 + ln 2"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="norm",
        family="reductions",
        signature="(...)->(...)",
        definition=norm,
        examples=(*AXES, Example(((0, 3),), {"axis": 0})),
        formula="y = sqrt(sum x^2) over the axes",
        citation="Golub, Van Loan, Matrix Computations, section 2.2",
        witnesses=(
            Witness((np.array([[3.0, 4.0], [5.0, -12.0]]),), np.array([5.0, 13.0]), "Pythagorean triples", {"axis": 1}),
            Witness((np.array([[1.0, 2.0], [2.0, 0.0]]),), np.array(3.0), "Pythagorean quadruple"),
        ),
        kinks=(Kink("x = 0", "any vector of the closed unit ball"),),
        special=SQUARES,
    ),
)
