"""Products and inverses of matrices.

Singular matrices are a set of measure zero that no interval expresses: there the definition raises or answers inf, and
the point lies outside.
"""

from __future__ import annotations

import math

import numpy as np

from gradcheck.claim import POSITIVE_DEFINITE, REALS, Domain, Example, Kink, Operator, Witness
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


def det(a: Array) -> Array:
    """The determinant of each matrix of the stack."""
    d: Array = np.asanyarray(np.linalg.det(_widened(a)))
    return d.astype(a.dtype)


def logabsdet(a: Array) -> Array:
    """The logarithm of the size of the determinant; singular matrices are outside."""
    d = np.linalg.det(_widened(a))
    result: Array = np.asanyarray(np.log(np.maximum(d, -d)))
    return result.astype(a.dtype)


def triangular_solve(
    a: Array, b: Array, *, lower: bool = False, transposed: bool = False, unit_diagonal: bool = False
) -> Array:
    """``solve`` with one triangle of ``a``, the other entries of which are not looked at."""
    triangle = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        triangle = (np.tril(a, -1) if lower else np.triu(a, 1)) + np.eye(a.shape[-1], dtype=a.dtype)
    return solve(np.swapaxes(triangle, -1, -2) if transposed else triangle, b)


def lstsq(a: Array, b: Array) -> Array:
    """The minimiser of ``|a x - b|`` by the normal equations, for ``a`` of full column rank."""
    rows = np.swapaxes(a, -1, -2)
    return solve(np.matmul(rows, a), np.matmul(rows, b))


def pinv(a: Array) -> Array:
    """The pseudo-inverse of a matrix of full rank, tall or wide."""
    turned = np.swapaxes(a, -1, -2)
    if a.shape[-2] >= a.shape[-1]:
        return solve(np.matmul(turned, a), turned)
    return np.swapaxes(solve(np.matmul(a, turned), a), -1, -2)


def matrix_power(a: Array, *, n: int) -> Array:
    """The product of ``n`` copies, of the inverse for a negative ``n``; the identity for 0."""
    return np.linalg.matrix_power(_widened(a), n).astype(a.dtype)


def expm(a: Array) -> Array:
    """The series at ``a / 2^s``, of norm 1/2 or less, where 18 terms leave 1e-21; then squared s times."""
    norm = np.max(np.sum(np.abs(np.real(_widened(a))), axis=-2), initial=0.5)
    squarings = int(np.ceil(np.log2(norm))) + 1
    small = _widened(a) / 2.0**squarings
    one = np.eye(a.shape[-1], dtype=small.dtype)
    total = one
    for k in range(18, 0, -1):  # Horner's scheme
        total = one + np.matmul(small, total) / k
    for _ in range(squarings):
        total = np.matmul(total, total)
    return total.astype(a.dtype)


def mahalanobis(x: Array, y: Array, covariance: Array) -> Array:
    """The distance of two vectors in the metric of the inverse covariance."""
    d = x - y
    result: Array = np.sqrt(np.sum(d * solve(covariance, d), axis=-1))
    return result


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

STACKED_EXAMPLES = (
    Example(((3, 3),)),
    Example(((1, 1),)),
    Example(((2, 2),)),
    Example(((3, 2, 2),)),
    Example(((2, 1, 3, 3),)),
    Example(((0, 2, 2),)),
)

TRIANGULAR_EXAMPLES = (
    Example(((3, 3), (3,))),
    Example(((2, 2), (2, 3)), {"lower": True}),
    Example(((3, 3), (3, 1)), {"transposed": True}),
    Example(((2, 2), (2,)), {"lower": True, "transposed": True, "unit_diagonal": True}),
    Example(((2, 3, 3), (3, 2)), {"unit_diagonal": True}),
    Example(((1, 1), (1,))),
)

LSTSQ_EXAMPLES = (
    Example(((4, 2), (4,))),
    Example(((3, 1), (3, 2))),
    Example(((2, 2), (2,))),
    Example(((5, 3), (5, 1))),
    Example(((1, 1), (1,))),
)

PINV_EXAMPLES = (
    Example(((3, 2),)),
    Example(((2, 3),)),
    Example(((2, 2),)),
    Example(((2, 3, 2),)),
    Example(((1, 3),)),
    Example(((0, 2, 1),)),
)

POWER_EXAMPLES = (
    Example(((2, 2),), {"n": 2}),
    Example(((3, 3),), {"n": 3}),
    Example(((2, 2),), {"n": 0}),
    Example(((2, 2, 2),), {"n": 1}),
    Example(((2, 2),), {"n": -1}),
    Example(((2, 2),), {"n": -2}),
    Example(((1, 1),), {"n": 5}),
)

EXPM_EXAMPLES = (
    Example(((2, 2),)),
    Example(((1, 1),)),
    Example(((3, 3),)),
    Example(((3, 2, 2),)),
)

MAHALANOBIS_EXAMPLES = (
    Example(((3,), (3,), (3, 3))),
    Example(((2,), (2,), (2, 2))),
    Example(((1,), (1,), (1, 1))),
    Example(((4,), (4,), (4, 4))),
)

ONES_PLUS = np.array([[2.0, 1.0, 1.0], [1.0, 2.0, 1.0], [1.0, 1.0, 2.0]])
"""The identity plus ones: its determinant is n + 1."""

FIBONACCI = np.array([[1.0, 1.0], [1.0, 0.0]])
LINE = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
"""Columns 1 and t at t = 0, 1, 2: a least-squares fit with it is a regression line."""

WEIGHTS = np.array([[5.0, 2.0, -1.0], [-3.0, 0.0, 3.0]]) / 6
"""The pseudo-inverse of LINE: weights of intercept and slope."""

DET_WITNESSES = (
    Witness((ONES_PLUS,), np.array(4.0), "of I + ones: n + 1"),
    Witness((SECOND_DIFFERENCE,), np.array(4.0), "of the second difference: n + 1"),
    Witness((np.array([[1.0, 2.0], [3.0, 4.0]]),), np.array(-2.0), "a d - b c"),
)

TRIANGULAR_WITNESSES = (
    Witness((np.array([[2.0, 1.0], [9.0, 4.0]]), np.array([5.0, 8.0])), np.array([1.5, 2.0]), "back substitution"),
    Witness(
        (np.array([[9.0, 9.0], [3.0, 9.0]]), np.array([1.0, 5.0])),
        np.array([1.0, 2.0]),
        "forward substitution",
        {"lower": True, "unit_diagonal": True},
    ),
)

POWER_WITNESSES = (
    Witness((FIBONACCI,), np.array([[89.0, 55.0], [55.0, 34.0]]), "Fibonacci numbers", {"n": 10}),
    Witness((FIBONACCI,), np.array([[1.0, -1.0], [-1.0, 2.0]]), "Fibonacci numbers, backwards", {"n": -2}),
)

ANGLE = math.pi / 6

EXPM_WITNESSES = (
    Witness(
        (np.array([[0.0, -ANGLE], [ANGLE, 0.0]]),),
        np.array([[math.sqrt(0.75), -0.5], [0.5, math.sqrt(0.75)]]),
        "a rotation by 30 degrees",
    ),
    Witness((np.array([[0.0, 2.0], [0.0, 0.0]]),), np.array([[1.0, 2.0], [0.0, 1.0]]), "nilpotent: I + A"),
)

MAHALANOBIS_WITNESSES = (
    Witness((np.array([4.0, 3.0]), np.array([1.0, 1.0]), np.eye(2) * 0.25), np.array(2 * math.sqrt(13.0)), "scaled"),
    Witness((np.array([3.0, 4.0]), np.zeros(2), np.diag([1.0, 4.0])), np.array(math.sqrt(13.0)), "9 + 16 / 4"),
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
    Operator(
        name="det",
        family="linear algebra",
        signature="(...,n,n)->(...)",
        definition=det,
        examples=STACKED_EXAMPLES,
        formula="y = sum over permutations p of sign(p) product_i a_(i, p_i)",
        citation="Giles, Collected Matrix Derivative Results (2008), section 2.2.4",
        witnesses=DET_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="logabsdet",
        family="linear algebra",
        signature="(...,n,n)->(...)",
        definition=logabsdet,
        examples=STACKED_EXAMPLES,
        formula="y = ln |det A|",
        citation="Boyd, Vandenberghe, Convex Optimization, section A.4.1",
        witnesses=(Witness((ONES_PLUS,), np.array(math.log(4.0)), "of I + ones: ln (n + 1)"),),
        special=SPECIAL,
    ),
    Operator(
        name="triangular_solve",
        family="linear algebra",
        signature="(...,n,n),(...,n,k?)->(...,n,k?)",
        definition=triangular_solve,
        examples=TRIANGULAR_EXAMPLES,
        formula="X solves T X = B or T^T X = B, T a triangle of A",
        citation="Golub, Van Loan, Matrix Computations, section 3.1",
        witnesses=TRIANGULAR_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="lstsq",
        family="linear algebra",
        signature="(m,n),(m,k?)->(n,k?)",
        definition=lstsq,
        examples=LSTSQ_EXAMPLES,
        formula="x minimises |A x - b|: A^T A x = A^T b",
        citation="Golub, Pereyra, SIAM J. Numer. Anal. 10 (1973), 413-432",
        witnesses=(Witness((LINE, np.array([1.0, 2.0, 2.0])), np.array([7 / 6, 0.5]), "a regression line"),),
        special=SPECIAL,
    ),
    Operator(
        name="pinv",
        family="linear algebra",
        signature="(...,m,n)->(...,n,m)",
        definition=pinv,
        examples=PINV_EXAMPLES,
        formula="Y = (A^T A)^-1 A^T, or A^T (A A^T)^-1 for a wide A",
        citation="Golub, Pereyra, SIAM J. Numer. Anal. 10 (1973), 413-432",
        witnesses=(Witness((LINE,), WEIGHTS, "weights of intercept and slope"),),
        special=SPECIAL,
    ),
    Operator(
        name="matrix_power",
        family="linear algebra",
        signature="(...,n,n)->(...,n,n)",
        definition=matrix_power,
        examples=POWER_EXAMPLES,
        formula="Y = A A ... A (n factors), of A^-1 for negative n",
        citation="Higham, Functions of Matrices (2008), section 4.1",
        witnesses=POWER_WITNESSES,
        special=SPECIAL,
        parameters={"n": range(-3, 7)},
    ),
    Operator(
        name="expm",
        family="linear algebra",
        signature="(...,n,n)->(...,n,n)",
        definition=expm,
        examples=EXPM_EXAMPLES,
        formula="Y = I + A + A^2 / 2! + A^3 / 3! + ...",
        citation="Higham, Functions of Matrices (2008), chapter 10",
        witnesses=EXPM_WITNESSES,
        special=(0.0, -0.0, 1.0, -1.0, 2.0, 1e-8),
    ),
    Operator(
        name="mahalanobis",
        family="linear algebra",
        signature="(n),(n),(n,n)->()",
        definition=mahalanobis,
        examples=MAHALANOBIS_EXAMPLES,
        formula="d = sqrt((x - y)^T S^-1 (x - y))",
        citation="Mahalanobis, On the generalised distance in statistics, Proc. Nat. Inst. Sci. India 2 (1936), 49-55",
        witnesses=MAHALANOBIS_WITNESSES,
        domain=Domain((REALS, REALS, POSITIVE_DEFINITE)),
        kinks=(Kink("x = y", "any vector of the ellipsoid z^T S z <= 1"),),
        special=SPECIAL,
    ),
)
