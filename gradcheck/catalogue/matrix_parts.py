"""Operators that select parts of matrices by the position relative to the diagonal."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.shaping import SPECIAL
from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array


def triu(x: Array, *, k: int = 0) -> Array:
    """Zeros below diagonal ``k`` (positive: above the main one) of the last two axes."""
    return np.triu(x, k)


def tril(x: Array, *, k: int = 0) -> Array:
    """Zeros above diagonal ``k`` of the last two axes."""
    return np.tril(x, k)


def diag(x: Array, *, k: int = 0) -> Array:
    """The square matrix with the vector on its diagonal ``k``, and zeros elsewhere."""
    return np.diag(x, k)


def diagonal(x: Array, *, offset: int = 0, first: int = 0, second: int = 1) -> Array:
    """The diagonals of the matrices that the two axes span, as a new last axis."""
    return np.diagonal(x, offset, first, second)


def trace(x: Array, *, offset: int = 0, first: int = 0, second: int = 1) -> Array:
    """The sums of the diagonals of the matrices that the two axes span."""
    return np.asarray(np.trace(x, offset, first, second))


COUNTED = np.arange(1.0, 10.0).reshape(3, 3)

TRIANGLE_EXAMPLES = (
    Example(((3, 3),)),
    Example(((2, 4),), {"k": 1}),
    Example(((4, 2),), {"k": -1}),
    Example(((2, 3, 3),), {"k": -2}),
    Example(((1, 1),)),
    Example(((2, 2),), {"k": 5}),
    Example(((0, 2),)),
)

DIAG_EXAMPLES = (
    Example(((3,),)),
    Example(((2,),), {"k": 1}),
    Example(((3,),), {"k": -2}),
    Example(((1,),)),
    Example(((0,),), {"k": 1}),
)

DIAGONAL_EXAMPLES = (
    Example(((3, 3),)),
    Example(((2, 4),), {"offset": 1}),
    Example(((4, 2),), {"offset": -2}),
    Example(((2, 3, 3),), {"first": 1, "second": 2}),
    Example(((3, 2, 4),), {"offset": -1, "first": -1, "second": 0}),
    Example(((1, 1),)),
    Example(((2, 2),), {"offset": 2}),
)

OPERATORS = (
    Operator(
        name="triu",
        family="matrix parts",
        signature="(...,m,n)->(...,m,n)",
        definition=triu,
        examples=TRIANGLE_EXAMPLES,
        formula="y_ij = x_ij for j - i >= k, else 0",
        citation="Golub, Van Loan, Matrix Computations, section 1.2",
        witnesses=(
            Witness((COUNTED,), np.array([[1.0, 2.0, 3.0], [0.0, 5.0, 6.0], [0.0, 0.0, 9.0]]), "exact"),
            Witness((COUNTED,), np.array([[0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), "exact", {"k": 2}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="tril",
        family="matrix parts",
        signature="(...,m,n)->(...,m,n)",
        definition=tril,
        examples=TRIANGLE_EXAMPLES,
        formula="y_ij = x_ij for j - i <= k, else 0",
        citation="Golub, Van Loan, Matrix Computations, section 1.2",
        witnesses=(
            Witness((COUNTED,), np.array([[1.0, 0.0, 0.0], [4.0, 5.0, 0.0], [7.0, 8.0, 9.0]]), "exact"),
            Witness((COUNTED,), np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [7.0, 8.0, 0.0]]), "exact", {"k": -1}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="diag",
        family="matrix parts",
        signature="(n)->(m,m)",
        definition=diag,
        examples=DIAG_EXAMPLES,
        formula="y_ij = x_i for j - i = k >= 0, x_j for j - i = k < 0, else 0",
        citation="Golub, Van Loan, Matrix Computations, section 1.2",
        witnesses=(
            Witness((np.array([2.0, 3.0]),), np.array([[2.0, 0.0], [0.0, 3.0]]), "exact"),
            Witness((np.array([2.0]),), np.array([[0.0, 0.0], [2.0, 0.0]]), "exact", {"k": -1}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="diagonal",
        family="matrix parts",
        signature="(...,m,n)->(...,k)",
        definition=diagonal,
        examples=DIAGONAL_EXAMPLES,
        formula="y_i = x_(i, i + offset) for a non-negative offset, else x_(i - offset, i)",
        citation="Golub, Van Loan, Matrix Computations, section 1.2",
        witnesses=(
            Witness((COUNTED,), np.array([1.0, 5.0, 9.0]), "exact"),
            Witness((COUNTED,), np.array([4.0, 8.0]), "exact", {"offset": -1}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="trace",
        family="matrix parts",
        signature="(...,m,n)->(...)",
        definition=trace,
        examples=DIAGONAL_EXAMPLES,
        formula="y = sum_i x_(i, i + offset)",
        citation="Golub, Van Loan, Matrix Computations, section 2.1",
        witnesses=(
            Witness((COUNTED,), np.array(15.0), "of a magic square's numbers: n (n^2 + 1) / 2"),
            Witness((COUNTED,), np.array(8.0), "2 + 6", {"offset": 1}),
        ),
        special=SPECIAL,
    ),
)
