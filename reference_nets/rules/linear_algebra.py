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


RULES = {"matmul": matmul, "inv": inv, "solve": solve}
JVPS = {"matmul": matmul_jvp, "inv": inv_jvp, "solve": solve_jvp}
