"""Rules of triangles and diagonals: linear selections, whose adjoints put back what was selected."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array


def triu(g: Array, x: Array, *, k: int = 0) -> tuple[Array]:
    """A projection is its own adjoint."""
    return (np.triu(g, k),)


def triu_jvp(tangents: tuple[Array], x: Array, *, k: int = 0) -> Array:
    """The upper triangle of the tangent."""
    return np.triu(tangents[0], k)


def tril(g: Array, x: Array, *, k: int = 0) -> tuple[Array]:
    """A projection is its own adjoint."""
    return (np.tril(g, k),)


def tril_jvp(tangents: tuple[Array], x: Array, *, k: int = 0) -> Array:
    """The lower triangle of the tangent."""
    return np.tril(tangents[0], k)


def diag(g: Array, x: Array, *, k: int = 0) -> tuple[Array]:
    """Read the diagonal on which the vector was written."""
    return (np.array(np.diagonal(g, k)),)


def diag_jvp(tangents: tuple[Array], x: Array, *, k: int = 0) -> Array:
    """The tangent on the same diagonal."""
    return np.diag(tangents[0], k)


def diagonal(g: Array, x: Array, *, offset: int = 0, first: int = 0, second: int = 1) -> tuple[Array]:
    """Write the cotangent on the diagonal that was read."""
    gradient = np.zeros_like(x)
    matrices = np.moveaxis(gradient, (first, second), (-2, -1))  # a view: what is written there is in the gradient
    i = np.arange(g.shape[-1])
    matrices[..., i + max(-offset, 0), i + max(offset, 0)] = g
    return (gradient,)


def diagonal_jvp(tangents: tuple[Array], x: Array, *, offset: int = 0, first: int = 0, second: int = 1) -> Array:
    """The diagonals of the tangent."""
    return np.diagonal(tangents[0], offset, first, second)


def trace(g: Array, x: Array, *, offset: int = 0, first: int = 0, second: int = 1) -> tuple[Array]:
    """Each entry of a diagonal gets the cotangent of its sum."""
    length = np.diagonal(x, offset, first, second).shape[-1]
    return diagonal(np.repeat(np.asarray(g)[..., None], length, axis=-1), x, offset=offset, first=first, second=second)


def trace_jvp(tangents: tuple[Array], x: Array, *, offset: int = 0, first: int = 0, second: int = 1) -> Array:
    """The traces of the tangent."""
    return np.asarray(np.trace(tangents[0], offset, first, second))


RULES = {"triu": triu, "tril": tril, "diag": diag, "diagonal": diagonal, "trace": trace}
JVPS = {"triu": triu_jvp, "tril": tril_jvp, "diag": diag_jvp, "diagonal": diagonal_jvp, "trace": trace_jvp}
