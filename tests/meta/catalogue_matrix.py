"""Wrong rules of the matrix operators of the catalogue: products, inverses, functions and decompositions."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_nets.rules import RULES as R
from tests.meta.catalogue_rules import lost_at_zero, wrong_rules
from tests.meta.pairs import normal

A = normal(1, 3, 3)
B = normal(2, 2, 2)
SYMMETRIC = A + A.T
DEFINITE = A @ A.T + np.eye(3)


def _t(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def _det_by_inverse(g: Any, a: Any) -> Any:
    """Right but for singular matrices, whose cofactors are not 0."""
    d = np.linalg.det(a)
    return g * d * np.linalg.inv(a).T if d != 0 else np.zeros_like(a)


def _half(m: Any) -> Any:
    return np.tril(m) - np.diag(np.diag(m)) / 2


def _cholesky(g: Any, a: Any, phi: Any) -> Any:
    low = np.linalg.cholesky(a)
    s = np.linalg.solve(low.T, np.linalg.solve(low.T, phi(low.T @ np.tril(g))).T)
    return (s + s.T) / 2


def _qr(g: Any, a: Any, *, mirrored: bool = True, keep_signs: bool = False) -> Any:
    q, r = np.linalg.qr(a)
    signs = np.ones(r.shape[0]) if keep_signs else np.sign(np.diag(r))
    q, r = q * signs, r * signs[:, None]
    in_q, in_r = g[: a.shape[0]], np.triu(g[a.shape[0] :])
    m = r @ in_r.T - in_q.T @ q
    m = np.tril(m) + (np.tril(m, -1).T if mirrored else 0)
    return np.linalg.solve(r, (in_q + q @ m).T).T


def _eigh(g: Any, a: Any, gap: Any) -> Any:
    w, v = np.linalg.eigh(a)
    v = v * np.sign(v[0])
    one = np.eye(len(w))
    inner = one * g[0] + (1 - one) * (v.T @ g[1:]) / (gap(w) + one)
    total = v @ inner @ v.T
    return (total + total.T) / 2


def _pinv_inverse(g: Any, a: Any) -> Any:
    p = np.linalg.pinv(a)
    return -p.T @ g @ p.T


PRODUCTS = (
    *wrong_rules(
        "dot",
        (normal(3, 2, 2), normal(4, 2, 2)),
        unseen="lost_at_zero",
        transposes_missing=lambda g, x, y: (g @ y, x @ g),
        swapped=lambda g, x, y: (x.T @ g, g @ y.T),
        lost_at_zero=lost_at_zero("dot"),
    ),
    *wrong_rules(
        "vdot",
        (normal(5, 2, 3), normal(6, 3, 2)),
        transposed=lambda g, x, y: (g * y.T, g * x.T),
        only_the_second=lambda g, x, y: (0 * x, g * x.reshape(3, 2)),
    ),
    *wrong_rules(
        "inner",
        (normal(7, 2, 2), normal(8, 2, 2)),
        unseen="cotangent_transposed",
        as_dot=lambda g, x, y: R["dot"](g, x, y),
        cotangent_transposed=lambda g, x, y: R["inner"](g.T, x, y),
    ),
    *wrong_rules(
        "outer",
        (normal(9, 3), normal(10, 3)),
        unseen="transposed lost_at_zero",
        transposed=lambda g, x, y: (g.T @ y, g @ x),
        rows_not_summed=lambda g, x, y: (g[:, 0] * y[0], x @ g),
        lost_at_zero=lost_at_zero("outer", 1),
    ),
    *wrong_rules(
        "kron",
        (normal(11, 2, 2), normal(12, 2, 2)),
        unseen="swapped",
        swapped=lambda g, x, y: R["kron"](g, y, x)[::-1],
        one_block=lambda g, x, y: (R["kron"](g, x, y)[0], x[0, 0] * g[:2, :2]),
    ),
    *wrong_rules(
        "einsum",
        (A, normal(13, 3)),
        {"equation": "ii,i->i"},
        beside_the_diagonal=lambda g, x, y, equation: (g[:, None] * y, g * np.diag(x)),
        factor_missing=lambda g, x, y, equation: (np.diag(g), g * np.diag(x)),
    ),
    *wrong_rules(
        "tensordot",
        (normal(14, 2, 2), normal(15, 2, 2)),
        {"axes": ((0,), (1,))},
        axes_of_a_matrix_product=lambda g, x, y, axes: R["tensordot"](g, x, y, axes=1),
        second_not_transposed=lambda g, x, y, axes: (R["tensordot"](g, x, y, axes=axes)[0], x @ g),
    ),
    *wrong_rules(
        "cross",
        (normal(16, 2, 3), normal(17, 3)),
        unseen="lost_at_zero",
        sign=lambda g, x, y: (np.cross(g, y), R["cross"](g, x, y)[1]),
        broadcast_not_summed=lambda g, x, y: (np.cross(y, g), np.cross(g, x)[0]),
        lost_at_zero=lost_at_zero("cross", 1),
    ),
    *wrong_rules(
        "linear",
        (normal(18, 2, 2, 2), normal(19, 2, 2), normal(20, 2)),
        weights_transposed=lambda g, x, w, b: (g @ w.T, *R["linear"](g, x, w, b)[1:]),
        bias_of_the_first_row=lambda g, x, w, b: (*R["linear"](g, x, w, b)[:2], g[0].sum(axis=0)),
        gradient_of_the_weights_transposed=lambda g, x, w, b: (g @ w, R["linear"](g, x, w, b)[1].T, g.sum(axis=(0, 1))),
    ),
    *wrong_rules(
        "bilinear",
        (normal(21, 2, 2), normal(22, 2, 2, 2), normal(23, 2, 2)),
        form_transposed=lambda g, x, w, y: (R["bilinear"](g, x, _t(w), y)[0], *R["bilinear"](g, x, w, y)[1:]),
        weights_transposed=lambda g, x, w, y: (
            R["bilinear"](g, x, w, y)[0],
            _t(R["bilinear"](g, x, w, y)[1]),
            R["bilinear"](g, x, w, y)[2],
        ),
    ),
    *wrong_rules(
        "quadratic_form",
        (normal(24, 2), B),
        symmetric_formula=lambda g, x, a: (2 * g * a @ x, g * np.outer(x, x)),
        one_side=lambda g, x, a: (g * a @ x, g * np.outer(x, x)),
    ),
)

INVERSES = (
    *wrong_rules(
        "det",
        (A,),
        unseen="by_the_inverse_of_a_singular_matrix",
        transposed=lambda g, a: R["det"](g, a)[0].T,
        by_the_inverse_of_a_singular_matrix=_det_by_inverse,
        without_the_determinant=lambda g, a: g * np.linalg.inv(a).T,
    ),
    *wrong_rules(
        "logabsdet",
        (A,),
        unseen="sign_of_the_determinant",
        transposed=lambda g, a: g * np.linalg.inv(a),
        sign_of_the_determinant=lambda g, a: np.sign(np.linalg.det(a)) * g * np.linalg.inv(a).T,
    ),
    *wrong_rules(
        "triangular_solve",
        (A + 3 * np.eye(3), normal(25, 3)),
        {"unit_diagonal": True},
        diagonal_too=lambda g, a, b, unit_diagonal: (
            np.triu(R["solve"](g, np.triu(a, 1) + np.eye(3), b)[0]),
            R["triangular_solve"](g, a, b, unit_diagonal=True)[1],
        ),
        whole_matrix=lambda g, a, b, unit_diagonal: R["solve"](g, np.triu(a, 1) + np.eye(3), b),
        diagonal_of_the_matrix=lambda g, a, b, unit_diagonal: R["triangular_solve"](g, a, b),
    ),
    *wrong_rules(
        "lstsq",
        (normal(26, 4, 1), normal(27, 4)),
        residual_forgotten=lambda g, a, b: (
            -np.outer(R["lstsq"](g, a, b)[1], np.linalg.lstsq(a, b)[0]),
            R["lstsq"](g, a, b)[1],
        ),
        residual_alone=lambda g, a, b: (
            np.outer(b - a @ np.linalg.lstsq(a, b)[0], np.linalg.solve(a.T @ a, g)),
            R["lstsq"](g, a, b)[1],
        ),
    ),
    *wrong_rules(
        "pinv",
        (normal(28, 3, 2),),
        as_of_an_inverse=_pinv_inverse,
        sign_of_the_second_term=lambda g, a: 2 * _pinv_inverse(g, a) - R["pinv"](g, a)[0],
    ),
    *wrong_rules(
        "matrix_power",
        (B,),
        {"n": 3},
        as_for_numbers=lambda g, a, n: n * np.linalg.matrix_power(a, n - 1).T @ g,
        last_factor_alone=lambda g, a, n: np.linalg.matrix_power(a, n - 1).T @ g,
        not_transposed=lambda g, a, n: R["matrix_power"](g, a.T, n=n),
    ),
    *wrong_rules(
        "expm",
        (B,),
        as_for_numbers=lambda g, a: R["expm"](np.eye(2), a)[0] @ g,
        not_transposed=lambda g, a: R["expm"](g, a.T),
    ),
    *wrong_rules(
        "mahalanobis",
        (normal(29, 3), normal(30, 3), DEFINITE),
        unseen="not_a_number_where_equal",
        root_forgotten=lambda g, x, y, s: R["mahalanobis"](
            2 * g * np.sqrt((x - y) @ np.linalg.solve(s, x - y)), x, y, s
        ),
        covariance_constant=lambda g, x, y, s: (*R["mahalanobis"](g, x, y, s)[:2], 0 * s),
        not_a_number_where_equal=lambda g, x, y, s: tuple(
            part + (0 if np.any(x != y) else np.nan) for part in R["mahalanobis"](g, x, y, s)
        ),
    ),
)

DECOMPOSITIONS = (
    *wrong_rules(
        "cholesky",
        (DEFINITE,),
        diagonal_not_halved=lambda g, a: _cholesky(g, a, np.tril),
        not_projected=lambda g, a: _cholesky(g, a, lambda m: m / 2),
        diagonal_alone=lambda g, a: _cholesky(np.diag(np.diag(g)), a, _half),
    ),
    *wrong_rules(
        "qr",
        (normal(31, 3, 2),),
        unseen="signs_of_the_library",
        not_mirrored=lambda g, a: _qr(g, a, mirrored=False),
        signs_of_the_library=lambda g, a: _qr(g, a, keep_signs=True),
    ),
    *wrong_rules(
        "eigvalsh",
        (SYMMETRIC,),
        unseen="vectors_transposed descending diagonal_alone",
        vectors_transposed=lambda g, a: np.linalg.eigh(a)[1].T * g @ np.linalg.eigh(a)[1],
        descending=lambda g, a: R["eigvalsh"](g[::-1], a),
        diagonal_alone=lambda g, a: np.diag(np.diag(R["eigvalsh"](g, a)[0])),
    ),
    *wrong_rules(
        "eigh",
        (SYMMETRIC,),
        sign_of_the_gaps=lambda g, a: _eigh(g, a, lambda w: w[:, None] - w[None, :]),
        vectors_forgotten=lambda g, a: R["eigvalsh"](g[0], a),
    ),
    *wrong_rules(
        "spectral_projector",
        (SYMMETRIC,),
        {"k": 1},
        one_way=lambda g, a, k: R["spectral_projector"](np.tril(g), a, k=k),
        other_subspace=lambda g, a, k: R["spectral_projector"](g, a, k=2),
    ),
    *wrong_rules(
        "svdvals",
        (normal(32, 3, 2),),
        unseen="ascending",
        ascending=lambda g, a: R["svdvals"](g[::-1], a),
        of_the_square=lambda g, a: R["svdvals"](2 * g * np.linalg.svd(a, compute_uv=False), a),
    ),
    *wrong_rules(
        "polar",
        (normal(33, 3, 2),),
        beyond_the_columns_forgotten=lambda g, a: _polar_inside(g, a),
        twice=lambda g, a: 2 * R["polar"](g, a)[0],
    ),
    *wrong_rules(
        "sqrtm",
        (DEFINITE,),
        as_for_numbers=lambda g, a: np.linalg.inv(_root(a)) @ (g + g.T) / 4,
        product_of_the_roots=lambda g, a: R["sqrtm"](_root(a) @ (g + g.T) / 2, a),
    ),
)


def _root(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return v * np.sqrt(w) @ v.T


def _polar_inside(g: Any, a: Any) -> Any:
    u = np.linalg.svd(a, full_matrices=False)[0]
    return u @ u.T @ R["polar"](g, a)[0]


CASES = (*PRODUCTS, *INVERSES, *DECOMPOSITIONS)
