"""Norms of order 1, of order infinity, and of any order between, over one or more axes."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.reductions import AXES, SPECIAL, Axis
from gradcheck.claim import Example, Kink, Operator, Witness
from gradcheck.records import Array


def norm_1(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum of the sizes."""
    size: Array = np.maximum(x, -x)
    result: Array = np.sum(size, axis=axis, keepdims=keepdims)
    return result


def norm_inf(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest size."""
    size: Array = np.maximum(x, -x)
    result: Array = np.max(size, axis=axis, keepdims=keepdims)
    return result


def norm_p(x: Array, *, order: float = 3.0, axis: Axis = None, keepdims: bool = False) -> Array:
    """The root of the sum of the powers of the sizes; the order is no less than 1."""
    size: Array = np.maximum(x, -x)
    powers: Array = np.power(size, order)
    result: Array = np.power(np.sum(powers, axis=axis, keepdims=keepdims), 1 / order)
    return result


def sum_of_squares(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The square of the Euclidean norm."""
    result: Array = np.sum(x * x, axis=axis, keepdims=keepdims)
    return result


NORM_P_EXAMPLES = (
    *AXES,
    Example(((4,),), {"order": 4.0}),
    Example(((2, 3),), {"order": 1.5, "axis": -1}),
    Example(((3, 2),), {"order": 2.0, "axis": 0, "keepdims": True}),
)
MODERATE = (0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 100.0, 1e-3, 1e-8, -1e4, 1e200, 1e-200)

INTEGERS = np.array([[3.0, -4.0], [0.0, -12.0]])

OPERATORS = (
    Operator(
        name="norm_1",
        family="norms",
        signature="(...)->(...)",
        definition=norm_1,
        examples=AXES,
        formula="y = sum |x| over the axes",
        citation="Golub, Van Loan, Matrix Computations, equation 2.2.2",
        witnesses=(Witness((INTEGERS,), np.array([7.0, 12.0]), "integers", {"axis": 1}),),
        kinks=(Kink("an entry is 0", "anything in [-1, 1] there"),),
        special=SPECIAL,
    ),
    Operator(
        name="norm_inf",
        family="norms",
        signature="(...)->(...)",
        definition=norm_inf,
        examples=AXES,
        formula="y = largest |x| over the axes",
        citation="Golub, Van Loan, Matrix Computations, equation 2.2.4",
        witnesses=(Witness((INTEGERS,), np.array([4.0, 12.0]), "integers", {"axis": 1}),),
        kinks=(Kink("several entries are largest in size", "any convex combination of their signed unit vectors"),),
        special=SPECIAL,
    ),
    Operator(
        name="norm_p",
        family="norms",
        signature="(...)->(...)",
        definition=norm_p,
        examples=NORM_P_EXAMPLES,
        formula="y = (sum |x|^p)^(1/p) over the axes",
        citation="Golub, Van Loan, Matrix Computations, equation 2.2.1",
        witnesses=(
            Witness((np.array([3.0, -4.0, 5.0]),), np.array(6.0), "27 + 64 + 125 = 216"),
            Witness((INTEGERS,), np.array([5.0, 12.0]), "Pythagorean triple", {"order": 2.0, "axis": 1}),
        ),
        kinks=(Kink("x = 0", "any vector of the closed unit ball of the dual norm"),),
        special=MODERATE,
    ),
    Operator(
        name="sum_of_squares",
        family="norms",
        signature="(...)->(...)",
        definition=sum_of_squares,
        examples=AXES,
        formula="y = sum x^2 over the axes",
        citation="Golub, Van Loan, Matrix Computations, section 2.2",
        witnesses=(Witness((INTEGERS,), np.array([25.0, 144.0]), "integers", {"axis": 1}),),
        special=SPECIAL,
    ),
)
