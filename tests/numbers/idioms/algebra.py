# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# (users annotate little)
"""Linear algebra: products, solves, determinants, factorisations and iterations."""

from __future__ import annotations

import numpy as np
import numpy.linalg as la
from numpy.linalg import inv, norm

from tests.numbers.idioms.idiom import Idiom, normal, positive_definite, uniform


def ridge(X, y, lam):
    n_features = X.shape[1]
    A = X.T @ X + lam * np.eye(n_features)
    return np.linalg.solve(A, X.T @ y)


def mahalanobis(X, mu, cov):
    d = X - mu
    return np.sqrt(np.einsum("ij,jk,ik->i", d, inv(cov), d))


def gp_log_marginal(x, y, log_params):
    ell, sf, sn = np.exp(log_params)
    K = sf**2 * np.exp(-0.5 * (x[:, None] - x[None, :]) ** 2 / ell**2)
    K = K + sn**2 * np.eye(len(x))
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return -0.5 * y.dot(alpha) - np.log(np.diag(L)).sum() - 0.5 * len(x) * np.log(2 * np.pi)


def bilinear(x1, x2, W):
    """out[b, o] = x1[b, i] W[o, i, j] x2[b, j]"""
    out = np.einsum("bi,oij,bj->bo", x1, W, x2)
    return out


def tensor_network(A, B, v):
    T = np.tensordot(A, B, axes=([1, 2], [0, 1]))
    T = np.tensordot(T, v, axes=1)
    return T / np.sqrt(np.tensordot(T, T, axes=T.ndim))


def multihead_scores(Q, K):
    B, T, D = Q.shape
    H = 2
    q = Q.reshape(B, T, H, D // H).transpose(0, 2, 1, 3)
    k = K.reshape(T, H, D // H).transpose(1, 0, 2)  # shared over the batch
    return np.matmul(q, np.swapaxes(k, -1, -2)) / np.sqrt(D // H)


def power_iteration(A):
    v = np.ones(A.shape[0])
    for _ in range(8):
        v = np.dot(A, v)
        v = v / norm(v)
    return np.dot(v, np.dot(A, v)), v


def gram_schmidt(A):
    Q = []
    for a in A.T:
        u = a - sum(np.dot(q, a) * q for q in Q)
        Q.append(u / la.norm(u))
    return np.column_stack(Q)


def expm_taylor(A, t):
    n = A.shape[0]
    result = np.eye(n)
    term = np.eye(n)
    for k in range(1, 15):
        term = term @ A * t / k
        result = result + term
    return result


def sherman_morrison(A, u, v):
    Ai = np.linalg.inv(A)
    Au = Ai @ u
    vA = v @ Ai
    return Ai - np.outer(Au, vA) / (1.0 + np.dot(v, Au))


def poly_fit(x, y):
    """Coefficients of the least squares parabola, highest power first."""
    V = np.vander(x, 3)
    coef, *_ = np.linalg.lstsq(V, y, rcond=None)
    return coef


def jacobian_volume(u):
    """Log volume change of a small planar flow: x = u + tanh(B u)."""
    B = np.array([[0.3, -0.2, 0.1], [0.0, 0.4, 0.2], [0.1, 0.1, -0.3]])
    h = np.tanh(u @ B.T)
    out = np.zeros(len(u))
    for i in range(len(u)):
        J = np.eye(3) + np.diag(1 - h[i] ** 2) @ B
        out[i] = np.log(abs(np.linalg.det(J)))
    return u + h, out


IDIOMS = (
    Idiom("ridge regression by solve", "solve", ridge, (normal(50, 6, 3), normal(51, 6), uniform(52, 0.1, 1))),
    Idiom(
        "mahalanobis by inv and einsum", "inv", mahalanobis, (normal(53, 5, 3), normal(54, 3), positive_definite(55, 3))
    ),
    Idiom(
        "marginal likelihood by cholesky",
        "cholesky",
        gp_log_marginal,
        (normal(56, 5), normal(57, 5), np.array([0.1, 0.3, -0.8])),
    ),
    Idiom("bilinear layer by einsum", "einsum", bilinear, (normal(58, 2, 3), normal(59, 2, 4), normal(60, 5, 3, 4))),
    Idiom(
        "contraction by tensordot",
        "tensordot",
        tensor_network,
        (normal(61, 2, 3, 4), normal(62, 3, 4, 5), normal(63, 5)),
    ),
    Idiom("heads by reshape and matmul", "matmul", multihead_scores, (normal(64, 2, 3, 4), normal(65, 3, 4))),
    Idiom("power iteration", "norm", power_iteration, (positive_definite(66, 4),)),
    Idiom("gram-schmidt over a list", "norm", gram_schmidt, (normal(67, 4, 3),)),
    Idiom("matrix exponential by its series", "matmul", expm_taylor, (normal(68, 3, 3), uniform(69, 0.2, 0.6))),
    Idiom(
        "rank one update of an inverse",
        "inv",
        sherman_morrison,
        (positive_definite(70, 3), normal(71, 3), normal(72, 3)),
    ),
    Idiom("parabola by vander and lstsq", "least squares", poly_fit, (normal(73, 6), normal(74, 6))),
    Idiom("volume change by det", "det", jacobian_volume, (normal(75, 2, 3),)),
)
