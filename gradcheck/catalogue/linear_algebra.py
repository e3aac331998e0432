"""Products and inverses of matrices.

Singular matrices are a set of measure zero that no interval expresses: there the definition raises or answers inf, and
the point lies outside.
"""

from __future__ import annotations

import numpy as np

from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array

SPECIAL = (0.0, -0.0, 1.0, -1.0, 2.0, 1e-8, 1e4, -1e4)

SECOND_DIFFERENCE = np.array([[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]])
"""The matrix of the second difference; its inverse is min(i, j) (n + 1 - max(i, j)) / (n + 1)."""


def _widened(x: Array) -> Array:
    """LAPACK knows no 16-bit numbers; all others stay as they are."""
    return x.astype(np.promote_types(x.dtype, np.float32))


def inv(a: Array) -> Array:
    """The inverse of each matrix of the stack."""
    return np.linalg.inv(_widened(a)).astype(a.dtype)


def solve(a: Array, b: Array) -> Array:
    """The solution of ``a x = b``; ``b`` is a vector if it has one axis, else a stack of matrices."""
    columns = b[:, None] if b.ndim == 1 else b
    x = np.linalg.solve(_widened(a), _widened(columns)).astype(np.promote_types(a.dtype, b.dtype))
    return x[..., 0] if b.ndim == 1 else x


MATMUL_EXAMPLES = tuple(
    Example(shapes)
    for shapes in (
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((5, 2), (2, 3)),
        ((1, 1), (1, 1)),
        ((2, 0), (0, 3)),
        ((0, 2), (2, 3)),
        ((2, 3, 4), (2, 4, 1)),
        ((2, 3, 4), (4, 2)),
        ((3, 4), (2, 4, 2)),
        ((1, 2, 3), (3, 3, 2)),
        ((2, 3, 2), (2,)),
        ((2,), (3, 2, 4)),
    )
)

MATMUL_WITNESSES = (
    Witness(
        (np.array([[1.0, 1.0], [1.0, 0.0]]), np.array([[8.0, 5.0], [5.0, 3.0]])),
        np.array([[13.0, 8.0], [8.0, 5.0]]),
        "Fibonacci numbers",
    ),
)

INV_EXAMPLES = (
    Example(((1, 1),)),
    Example(((2, 2),)),
    Example(((4, 4),)),
    Example(((3, 2, 2),)),
    Example(((0, 2, 2),)),
    Example(((0, 0),)),
)

INV_WITNESSES = (
    Witness(
        (SECOND_DIFFERENCE,),
        np.array([[0.75, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.75]]),
        "Green's function of the second difference",
    ),
    Witness((np.array([[2.0, 4.0], [0.0, 8.0]]),), np.array([[0.5, -0.25], [0.0, 0.125]]), "dyadic rationals"),
)

SOLVE_EXAMPLES = tuple(
    Example(shapes)
    for shapes in (
        ((2, 2), (2,)),
        ((1, 1), (1,)),
        ((3, 3), (3, 1)),
        ((2, 2), (2, 4)),
        ((3, 2, 2), (3, 2, 1)),
        ((2, 2), (3, 2, 2)),
        ((3, 2, 2), (2, 4)),
        ((2, 3, 3), (3,)),
        ((3, 3), (3, 0)),
    )
)

OPERATORS = (
    Operator(
        name="matmul",
        family="linear algebra",
        signature="(m?,k),(k,n?)->(m?,n?)",
        definition=np.matmul,
        examples=MATMUL_EXAMPLES,
        formula="z_ij = sum_k x_ik y_kj",
        citation="Golub, Van Loan, Matrix Computations, section 1.1",
        witnesses=MATMUL_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="inv",
        family="linear algebra",
        signature="(...,n,n)->(...,n,n)",
        definition=inv,
        examples=INV_EXAMPLES,
        formula="Y = X^-1, X Y = I",
        citation="Giles, Collected Matrix Derivative Results (2008), section 2.2.3",
        witnesses=INV_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="solve",
        family="linear algebra",
        signature="(...,n,n),(...,n,k?)->(...,n,k?)",
        definition=solve,
        examples=SOLVE_EXAMPLES,
        formula="X solves A X = B",
        citation="Giles, Collected Matrix Derivative Results (2008), section 2.3.1",
        witnesses=(
            Witness(
                (SECOND_DIFFERENCE, np.ones(3)), np.array([1.5, 2.0, 1.5]), "-u'' = 1 on three points: i (4 - i) / 2"
            ),
        ),
        special=SPECIAL,
    ),
)
