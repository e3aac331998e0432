"""Decompositions of matrices, in the form that leaves no freedom of sign or order.

Factors that are defined up to signs or rotations are made unique (a positive diagonal, a first row without minus), or
only what does not depend on the choice is claimed: eigenvalues in ascending order, the projection on an invariant
subspace, the orthogonal factor of a polar decomposition.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gradcheck.claim import POSITIVE_DEFINITE, SYMMETRIC, Domain, Example, Kink, Operator, Witness
from gradcheck.records import Array

SPECIAL = (0.0, 1.0, -1.0, 2.0, 1e-4, 100.0)


def _widened(x: Array) -> Array:
    """LAPACK knows no 16-bit numbers; all others stay as they are."""
    return x.astype(np.promote_types(x.dtype, np.float32))


def _newton(step: Callable[[Array], Array], x: Array) -> Array:
    """Steps until half of the digits stay; each further step doubles their number, for derivatives one step later."""
    for _ in range(100):  # a size of 10^-20 is doubled 66 times until it is near 1
        before, x = x, step(x)
        size = np.max(np.abs(np.real(x)), initial=0.0)
        if np.max(np.abs(np.real(x - before)), initial=0.0) <= np.sqrt(np.finfo(x.dtype).eps) * size:
            break
    return step(step(x))


def cholesky(a: Array) -> Array:
    """The lower triangle ``l`` with a positive diagonal and ``l l^T = a``, column by column."""
    low = np.zeros_like(a)
    for j in range(a.shape[-1]):
        rest = a[..., j:, j] - np.sum(low[..., j:, :j] * low[..., j : j + 1, :j], axis=-1)
        low[..., j:, j] = rest / np.sqrt(rest[..., :1])
    return low


def qr(a: Array) -> Array:
    """``q`` with orthonormal columns above the upper triangle ``r`` of positive diagonal; ``q r = a``, by Gram-Schmidt."""
    q, r = np.zeros_like(a), np.zeros_like(a[..., : a.shape[-1], :])
    for j in range(a.shape[-1]):
        rest = a[..., j]
        for i in (*range(j), *range(j)):  # twice: what cancellation left over along q_i is taken out too
            along = np.sum(q[..., i] * rest, axis=-1)
            r[..., i, j] = r[..., i, j] + along
            rest = rest - along[..., None] * q[..., i]
        r[..., j, j] = np.sqrt(np.sum(rest * rest, axis=-1))
        q[..., j] = rest / r[..., j, j, None]
    return np.concatenate((q, r), axis=-2)


def eigvalsh(a: Array) -> Array:
    """The eigenvalues of a symmetric matrix in ascending order."""
    values: Array = np.linalg.eigvalsh(_widened(a))
    return values.astype(a.dtype)


def eigh(a: Array) -> Array:
    """The eigenvalues in ascending order as a row above the unit eigenvectors, whose first entries are positive.

    An eigenvector that begins with 0 has no such sign, and is outside.
    """
    values, vectors = np.linalg.eigh(_widened(a))
    return np.concatenate((values[..., None, :], vectors * np.sign(vectors[..., :1, :])), axis=-2).astype(a.dtype)


def spectral_projector(a: Array, *, k: int) -> Array:
    """The orthogonal projection on the eigenvectors of the ``k`` smallest eigenvalues of a symmetric matrix.

    By Newton's iteration for the matrix sign (-1 below a number between two eigenvalues, 1 above it): no eigenvector.
    """
    one, matrix = np.eye(a.shape[-1], dtype=a.dtype), _widened(a)
    values = np.linalg.eigvalsh(np.real(matrix))
    between = (values[..., k - 1] + values[..., k])[..., None, None] / 2
    sign = _newton(lambda x: (x + np.linalg.inv(x)) / 2, matrix - one * between)
    result: Array = (one - sign) / 2
    return result.astype(a.dtype)


def svdvals(a: Array) -> Array:
    """The singular values in descending order."""
    values: Array = np.linalg.svd(_widened(a), compute_uv=False)
    return values.astype(a.dtype)


def polar(a: Array) -> Array:
    """The factor with orthonormal columns of a tall matrix, by the iteration that takes the mean of s and 1/s."""

    def step(w: Array) -> Array:
        inverse: Array = np.linalg.inv(np.matmul(np.swapaxes(w, -1, -2), w))
        mean: Array = (w + np.matmul(w, inverse)) / 2
        return mean

    return _newton(step, _widened(a)).astype(a.dtype)


def sqrtm(a: Array) -> Array:
    """The positive definite square root of a positive definite matrix, by the iteration of Denman and Beavers."""
    one = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    root_and_inverse = np.stack([_widened(a), _widened(one)])
    root: Array = _newton(lambda x: (x + np.linalg.inv(x[::-1])) / 2, root_and_inverse)[0]
    return root.astype(a.dtype)


SQUARE = (Example(((3, 3),)), Example(((2, 2),)), Example(((1, 1),)), Example(((2, 2, 2),)), Example(((0, 2, 2),)))

TALL = (Example(((3, 2),)), Example(((2, 2),)), Example(((4, 1),)), Example(((2, 3, 2),)), Example(((1, 1),)))

PROJECTOR_EXAMPLES = (
    Example(((3, 3),), {"k": 1}),
    Example(((3, 3),), {"k": 2}),
    Example(((2, 2),), {"k": 1}),
    Example(((2, 2, 2),), {"k": 1}),
)

SVD_EXAMPLES = (*TALL, Example(((2, 3),)), Example(((0, 2, 1),)))

PASCAL = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [1.0, 3.0, 6.0]])
ROOT = math.sqrt(2.0)
HALF = math.sqrt(0.5)
SECOND_DIFFERENCE = np.array([[2.0, -1.0, 0.0], [-1.0, 2.0, -1.0], [0.0, -1.0, 2.0]])
"""Eigenvalues 2 - 2 cos(k pi / 4), eigenvectors sin(i k pi / 4) / sqrt 2."""

EQUAL = Kink("eigenvalues are equal", "each eigenvalue's slope is that of some choice of eigenvectors")

CHOLESKY_WITNESSES = (
    Witness((PASCAL,), np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 2.0, 1.0]]), "of Pascal's matrix: binomials"),
    Witness((np.array([[4.0, 2.0], [2.0, 10.0]]),), np.array([[2.0, 0.0], [1.0, 3.0]]), "integers"),
)

QR_WITNESSES = (
    Witness(
        (np.array([[3.0, 1.0], [4.0, 8.0]]),), np.array([[0.6, -0.8], [0.8, 0.6], [5.0, 7.0], [0.0, 4.0]]), "3-4-5"
    ),
)

EIGH_WITNESSES = (
    Witness((np.array([[1.0, 2.0], [2.0, 1.0]]),), np.array([[-1.0, 3.0], [HALF, HALF], [-HALF, HALF]]), "symmetry"),
    Witness(
        (SECOND_DIFFERENCE,),
        np.array([[2 - ROOT, 2.0, 2 + ROOT], [0.5, HALF, 0.5], [HALF, 0.0, -HALF], [0.5, -HALF, 0.5]]),
        "sines",
    ),
)

SVDVALS_WITNESSES = (
    Witness((np.array([[3.0, 0.0], [4.0, 5.0]]),), np.sqrt([45.0, 5.0]), "A^T A has trace 50 and determinant 225"),
)

OPERATORS = (
    Operator(
        name="cholesky",
        family="decompositions",
        signature="(...,n,n)->(...,n,n)",
        definition=cholesky,
        examples=SQUARE,
        formula="L L^T = A, L lower triangular, L_ii > 0",
        citation="Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527",
        witnesses=CHOLESKY_WITNESSES,
        domain=Domain((POSITIVE_DEFINITE,)),
        special=SPECIAL,
    ),
    Operator(
        name="qr",
        family="decompositions",
        signature="(...,m,n)->(...,m+n,n)",
        definition=qr,
        examples=TALL,
        formula="Q R = A, Q^T Q = I, R upper triangular, R_ii > 0; for full column rank",
        citation="Walter, Lehmann, Algorithmic differentiation of linear algebra functions, arXiv:1001.1654",
        witnesses=QR_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="eigvalsh",
        family="decompositions",
        signature="(...,n,n)->(...,n)",
        definition=eigvalsh,
        examples=SQUARE,
        formula="w_1 <= ... <= w_n with A v_k = w_k v_k",
        citation="Giles, Collected Matrix Derivative Results (2008), section 3.1",
        witnesses=(Witness((SECOND_DIFFERENCE,), np.array([2 - ROOT, 2.0, 2 + ROOT]), "2 - 2 cos(k pi / 4)"),),
        domain=Domain((SYMMETRIC,)),
        kinks=(EQUAL,),
        special=SPECIAL,
    ),
    Operator(
        name="eigh",
        family="decompositions",
        signature="(...,n,n)->(...,n+1,n)",
        definition=eigh,
        examples=SQUARE,
        formula="A V = V diag(w), V^T V = I, w ascending, V_1k > 0; for distinct eigenvalues",
        citation="Giles, Collected Matrix Derivative Results (2008), section 3.1",
        witnesses=EIGH_WITNESSES,
        domain=Domain((SYMMETRIC,)),
        kinks=(EQUAL,),
        special=SPECIAL,
    ),
    Operator(
        name="spectral_projector",
        family="decompositions",
        signature="(...,n,n)->(...,n,n)",
        definition=spectral_projector,
        examples=PROJECTOR_EXAMPLES,
        formula="P = sum over i <= k of v_i v_i^T, A v_i = w_i v_i; for w_k < w_(k+1)",
        citation="Kato, Perturbation Theory for Linear Operators, section II.1.4",
        witnesses=(
            Witness((np.array([[1.0, 2.0], [2.0, 1.0]]),), np.array([[0.5, -0.5], [-0.5, 0.5]]), "symmetry", {"k": 1}),
        ),
        domain=Domain((SYMMETRIC,)),
        special=SPECIAL,
    ),
    Operator(
        name="svdvals",
        family="decompositions",
        signature="(...,m,n)->(...,k)",
        definition=svdvals,
        examples=SVD_EXAMPLES,
        formula="s_1 >= ... >= s_k >= 0, s_i^2 the largest eigenvalues of A^T A",
        citation="Giles, Collected Matrix Derivative Results (2008), section 3.2",
        witnesses=SVDVALS_WITNESSES,
        kinks=(Kink("singular values are equal, or 0", "that of some choice of singular vectors"),),
        special=SPECIAL,
    ),
    Operator(
        name="polar",
        family="decompositions",
        signature="(...,m,n)->(...,m,n)",
        definition=polar,
        examples=TALL,
        formula="W = A (A^T A)^(-1/2), the nearest matrix with orthonormal columns; for full column rank",
        citation="Higham, Functions of Matrices (2008), chapter 8",
        witnesses=(
            Witness((np.array([[3.0, -8.0], [4.0, 6.0]]),), np.array([[0.6, -0.8], [0.8, 0.6]]), "orthogonal columns"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="sqrtm",
        family="decompositions",
        signature="(...,n,n)->(...,n,n)",
        definition=sqrtm,
        examples=SQUARE,
        formula="Y Y = A, Y symmetric and positive definite",
        citation="Higham, Functions of Matrices (2008), chapter 6",
        witnesses=(
            Witness((np.array([[5.0, 4.0], [4.0, 5.0]]),), np.array([[2.0, 1.0], [1.0, 2.0]]), "a square of integers"),
        ),
        domain=Domain((POSITIVE_DEFINITE,)),
        special=SPECIAL,
    ),
)
