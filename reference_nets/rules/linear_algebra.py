"""Rules of matrix products and inverses."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array, unbroadcast, wide


def _transposed(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


def matmul(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """``Z = X Y`` has ``X' = G Y^T`` and ``Y' = X^T G``; a vector on the left is a row, on the right a column."""
    rows = x[None, :] if x.ndim == 1 else x
    columns = y[:, None] if y.ndim == 1 else y
    g = np.asarray(g)
    if y.ndim == 1:
        g = g[..., None]
    if x.ndim == 1:
        g = g[..., None, :]
    in_x = unbroadcast(np.matmul(g, _transposed(columns)), rows)
    in_y = unbroadcast(np.matmul(_transposed(rows), g), columns)
    return np.reshape(in_x, x.shape), np.reshape(in_y, y.shape)


def matmul_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """``dZ = dX Y + X dY``."""
    dx, dy = tangents
    result: Array = np.matmul(dx, y) + np.matmul(x, dy)
    return result


def inv(g: Array, a: Array) -> tuple[Array]:
    """``dY = -Y dA Y``, hence ``A' = -Y^T G Y^T``."""
    y = _transposed(np.linalg.inv(wide(a)))
    return ((-y @ wide(g) @ y).astype(a.dtype),)


def inv_jvp(tangents: tuple[Array], a: Array) -> Array:
    """``dY = -Y dA Y``."""
    y = np.linalg.inv(wide(a))
    return (-y @ wide(tangents[0]) @ y).astype(a.dtype)


def solve(g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """``A dX = dB - dA X``, hence ``B' = A^-T G`` and ``A' = -B' X^T``."""
    columns = b[:, None] if b.ndim == 1 else b
    g = g[..., None] if b.ndim == 1 else g
    x = np.linalg.solve(wide(a), wide(columns))
    in_b = np.linalg.solve(_transposed(wide(a)), wide(g))
    in_a = -in_b @ _transposed(x)
    return unbroadcast(in_a, a), np.reshape(unbroadcast(in_b, columns), b.shape)


def solve_jvp(tangents: tuple[Array, Array], a: Array, b: Array) -> Array:
    """``A dX = dB - dA X``."""
    da, db = tangents
    x = np.linalg.solve(wide(a), wide(b))
    moved = wide(da) @ (x[..., None] if b.ndim == 1 else x)
    right = wide(db) - (moved[..., 0] if b.ndim == 1 else moved)
    if b.ndim == 1:
        right = right[..., None]
    dx = np.linalg.solve(wide(a), right)
    return (dx[..., 0] if b.ndim == 1 else dx).astype(np.promote_types(a.dtype, b.dtype))


def cofactors(a: Array) -> Array:
    """Signed determinants of what is left of each matrix without row i and column j; singular matrices have them too."""
    n = a.shape[-1]
    result = np.empty_like(a)
    for i in range(n):
        for j in range(n):
            minor = np.delete(np.delete(a, i, axis=-2), j, axis=-1)
            result[..., i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    return result


def det(g: Array, a: Array) -> tuple[Array]:
    """Laplace's expansion is linear in a row: the derivative by an entry is its cofactor."""
    return ((np.asarray(g)[..., None, None] * cofactors(wide(a))).astype(a.dtype),)


def det_jvp(tangents: tuple[Array], a: Array) -> Array:
    """The inner product with the cofactors."""
    return np.asarray(np.sum(cofactors(wide(a)) * tangents[0], axis=(-1, -2)), dtype=a.dtype)


def logabsdet(g: Array, a: Array) -> tuple[Array]:
    """``d ln |det A| = tr(A^-1 dA)``."""
    return ((np.asarray(g)[..., None, None] * _transposed(np.linalg.inv(wide(a)))).astype(a.dtype),)


def logabsdet_jvp(tangents: tuple[Array], a: Array) -> Array:
    """``tr(A^-1 dA)``."""
    return np.asarray(np.trace(np.linalg.solve(wide(a), wide(tangents[0])), axis1=-2, axis2=-1), dtype=a.dtype)


def triangular_solve(
    g: Array, a: Array, b: Array, *, lower: bool = False, transposed: bool = False, unit_diagonal: bool = False
) -> tuple[Array, Array]:
    """As ``solve`` with the triangle; entries of ``a`` that are not looked at get 0."""
    keep = np.tri(a.shape[-1], k=-1 if unit_diagonal else 0, dtype=bool)
    keep = keep if lower else keep.T
    triangle = np.where(keep, a, np.eye(a.shape[-1], dtype=a.dtype) if unit_diagonal else 0)
    in_triangle, in_b = solve(g, _transposed(triangle) if transposed else triangle, b)
    return np.where(keep, _transposed(in_triangle) if transposed else in_triangle, 0), in_b


def lstsq(g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """With ``K = (A^T A)^-1``, ``r = b - A x`` and ``z = K g``: ``b' = A z`` and ``A' = r z^T - A z x^T``.

    From ``A^T A dx = dA^T r - A^T dA x + A^T db``.  K is applied through the triangle of ``A = Q R``, in double
    precision, since it squares the condition number.  A square system has no residual: noise must not stand for it.
    """
    if a.shape[0] == a.shape[1]:
        return solve(g, a, b)
    columns, matrix = np.reshape(b, (b.shape[0], -1)).astype(np.float64), a.astype(np.float64)
    q, r = np.linalg.qr(matrix)
    x = np.linalg.solve(r, q.T @ columns)
    half = np.linalg.solve(r.T, np.reshape(g, x.shape).astype(np.float64))
    in_b = q @ half
    in_a = (columns - matrix @ x) @ np.linalg.solve(r, half).T - in_b @ x.T
    return in_a.astype(a.dtype), np.reshape(in_b, b.shape).astype(b.dtype)


def pinv(g: Array, a: Array) -> tuple[Array]:
    """``dP = -P dA P + P P^T dA^T (I - A P)`` for a tall ``A = Q R``, where ``P = R^-1 Q^T`` and ``A P = Q Q^T``.

    The pseudo-inverse of a wide matrix is the transpose of the transpose's.  In double precision, as ``lstsq``.
    """
    if a.shape[-2] < a.shape[-1]:
        return (_transposed(pinv(_transposed(g), _transposed(a))[0]),)
    q, r = np.linalg.qr(a.astype(np.float64))
    p = np.linalg.solve(r, _transposed(q))
    turned = _transposed(g)
    outside = turned - q @ (_transposed(q) @ turned) if a.shape[-2] > a.shape[-1] else 0 * turned
    gradient = outside @ p @ _transposed(p) - _transposed(p) @ g @ _transposed(p)
    return (gradient.astype(a.dtype),)


def matrix_power(g: Array, a: Array, *, n: int) -> tuple[Array]:
    """``d(A^n) = sum_k A^k dA A^(n-1-k)``; for negative n through ``A^-1``."""
    if n < 0:
        (in_inverse,) = matrix_power(g, np.linalg.inv(wide(a)), n=-n)
        return (inv(in_inverse, a)[0],)
    matrix = _transposed(wide(a))
    total = np.zeros_like(matrix)
    for k in range(n):
        total += np.linalg.matrix_power(matrix, k) @ wide(g) @ np.linalg.matrix_power(matrix, n - 1 - k)
    return (total.astype(a.dtype),)


def exponential(a: Array) -> Array:
    """The series at ``A / 2^s``, of norm 1/2 or less, squared s times; there 18 terms leave 1e-21."""
    norm = np.max(np.sum(np.abs(a), axis=-2), initial=0.5)
    squarings = int(np.ceil(np.log2(norm))) + 1
    small = a / 2.0**squarings
    total = np.eye(a.shape[-1], dtype=a.dtype)
    for k in range(18, 0, -1):  # Horner's scheme
        total = np.eye(a.shape[-1], dtype=a.dtype) + small @ total / k
    for _ in range(squarings):
        total = total @ total
    return total


def expm(g: Array, a: Array) -> tuple[Array]:
    """The upper right block of ``exp([[A^T, G], [0, A^T]])`` (Higham, Functions of Matrices, equation 3.16).

    It is linear in G, which is scaled to entries up to 1, so that it does not decide how often is squared.
    """
    matrix, n = _transposed(wide(a)), a.shape[-1]
    size = np.max(np.abs(g), initial=0.0)
    scale = size if size > 0 else 1.0
    blocks = np.zeros((*a.shape[:-2], 2 * n, 2 * n), dtype=matrix.dtype)
    blocks[..., :n, :n] = blocks[..., n:, n:] = matrix
    blocks[..., :n, n:] = g / scale
    return ((scale * exponential(blocks)[..., :n, n:]).astype(a.dtype),)


def mahalanobis(g: Array, x: Array, y: Array, covariance: Array) -> tuple[Array, Array, Array]:
    """With ``z = S^-1 (x - y)``: ``x' = z / d``, ``y' = -x'`` and ``S' = -z z^T / (2 d)``; 0 where x = y."""
    difference = wide(x - y)
    z = np.linalg.solve(wide(covariance), difference)
    distance = np.sqrt(difference @ z)
    weight = g / distance if distance > 0 else np.zeros_like(g)
    in_x = weight * z
    in_s = -in_x[:, None] * z / 2
    return in_x.astype(x.dtype), (-in_x).astype(y.dtype), in_s.astype(covariance.dtype)


RULES = {
    "matmul": matmul,
    "inv": inv,
    "solve": solve,
    "det": det,
    "logabsdet": logabsdet,
    "triangular_solve": triangular_solve,
    "lstsq": lstsq,
    "pinv": pinv,
    "matrix_power": matrix_power,
    "expm": expm,
    "mahalanobis": mahalanobis,
}
JVPS = {"matmul": matmul_jvp, "inv": inv_jvp, "solve": solve_jvp, "det": det_jvp, "logabsdet": logabsdet_jvp}
