"""Rules of decompositions.  Gradients by symmetric matrices are symmetric."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array, wide


def _t(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


def _symmetric(a: Array) -> Array:
    return (a + _t(a)) / 2


def cholesky(g: Array, a: Array) -> tuple[Array]:
    """``A' = L^-T Phi(L^T G) L^-1``, symmetrised; Phi keeps the lower triangle and half of the diagonal.

    (Murray, arXiv:1602.07527, equation 10.)
    """
    low = np.linalg.cholesky(wide(a))
    m = np.tril(_t(low) @ np.tril(wide(g)))
    m = m - np.tril(np.triu(m)) / 2
    left = np.linalg.solve(_t(low), m)
    return (_symmetric(_t(np.linalg.solve(_t(low), _t(left)))).astype(a.dtype),)


def qr(g: Array, a: Array) -> tuple[Array]:
    """``A' = ((I - Q Q^T) Q' + Q (mirror(R R'^T) + low(N^T - N))) R^-T`` with ``N = Q'^T Q``.

    ``mirror`` copies the lower triangle to the upper one, ``low`` keeps what is below the diagonal.  (Walter, Lehmann,
    arXiv:1001.1654, section 3.3, with the terms that cancel left out: where R is small they would leave noise.)
    """
    q, r = np.linalg.qr(wide(a))
    signs = np.sign(np.diagonal(r, axis1=-2, axis2=-1))
    q, r = q * signs[..., None, :], r * signs[..., :, None]
    in_q, in_r = wide(g[..., : a.shape[-2], :]), np.triu(g[..., a.shape[-2] :, :]).astype(q.dtype)
    of_r, n = r @ _t(in_r), _t(in_q) @ q
    inner = np.tril(of_r) + _t(np.tril(of_r, -1)) + np.tril(_t(n) - n, -1)
    beyond = in_q - q @ (_t(q) @ in_q) if a.shape[-2] > a.shape[-1] else 0 * in_q
    return (_t(np.linalg.solve(r, _t(beyond + q @ inner))).astype(a.dtype),)


def eigvalsh(g: Array, a: Array) -> tuple[Array]:
    """``dw_k = v_k^T dA v_k``, hence ``A' = V diag(g) V^T``."""
    _, v = np.linalg.eigh(wide(a))
    return (((v * g[..., None, :]) @ _t(v)).astype(a.dtype),)


def eigh(g: Array, a: Array) -> tuple[Array]:
    """``dv_k = sum over i of v_i (v_i^T dA v_k) / (w_k - w_i)``; the signs that were chosen are constant."""
    w, v = np.linalg.eigh(wide(a))
    v = v * np.sign(v[..., :1, :])
    in_w, in_v = g[..., 0, :], g[..., 1:, :]
    one = np.eye(a.shape[-1], dtype=v.dtype)
    gaps = w[..., None, :] - w[..., :, None] + one
    inner = one * in_w[..., None, :] + (1 - one) * (_t(v) @ wide(in_v)) / gaps
    return (_symmetric(v @ inner @ _t(v)).astype(a.dtype),)


def spectral_projector(g: Array, a: Array, *, k: int) -> tuple[Array]:
    """Only rotations from inside the subspace to outside move it: ``1 / (w_i - w_j)`` for i <= k < j, both ways."""
    w, v = np.linalg.eigh(wide(a))
    inside, outside = v[..., :k], v[..., k:]
    turned = _t(inside) @ (wide(g) + _t(wide(g))) @ outside / (w[..., :k, None] - w[..., None, k:])
    return (_symmetric(inside @ turned @ _t(outside)).astype(a.dtype),)


def svdvals(g: Array, a: Array) -> tuple[Array]:
    """``ds_k = u_k^T dA v_k``, hence ``A' = U diag(g) V^T``."""
    u, _, vt = np.linalg.svd(wide(a), full_matrices=False)
    return (((u * g[..., None, :]) @ vt).astype(a.dtype),)


def polar(g: Array, a: Array) -> tuple[Array]:
    """``U ((M - M^T) / (s_i + s_j)) V^T + (I - U U^T) G V S^-1 V^T`` with ``M = U^T G V``."""
    u, s, vt = np.linalg.svd(wide(a), full_matrices=False)
    gv = wide(g) @ _t(vt)
    m = _t(u) @ gv
    turned = (m - _t(m)) / (s[..., :, None] + s[..., None, :])
    beyond = (gv - u @ m) / s[..., None, :] if a.shape[-2] > a.shape[-1] else 0 * gv
    return (((u @ turned + beyond) @ vt).astype(a.dtype),)


def sqrtm(g: Array, a: Array) -> tuple[Array]:
    """``Y dY + dY Y = dA`` in the basis of the eigenvectors: divide by the sum of two roots."""
    w, v = np.linalg.eigh(wide(a))
    root = np.sqrt(w)
    inner = (_t(v) @ wide(g) @ v) / (root[..., :, None] + root[..., None, :])
    return (_symmetric(v @ inner @ _t(v)).astype(a.dtype),)


RULES = {
    "cholesky": cholesky,
    "qr": qr,
    "eigvalsh": eigvalsh,
    "eigh": eigh,
    "spectral_projector": spectral_projector,
    "svdvals": svdvals,
    "polar": polar,
    "sqrtm": sqrtm,
}
JVPS: dict[str, object] = {}
