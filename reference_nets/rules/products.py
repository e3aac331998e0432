"""Rules of products: each factor's gradient is the cotangent times the other factor, summed over what it lacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_nets.rules._shapes import Array, unbroadcast

Axes = int | tuple[tuple[int, ...], tuple[int, ...]]


def dot(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """The cotangent has the free axes of x, then those of y; sum over those of the other factor."""
    if x.ndim == 0 or y.ndim == 0:
        return unbroadcast(g * y, x), unbroadcast(g * x, y)
    summed = max(y.ndim - 2, 0)
    return tensordot(g, x, y, axes=((x.ndim - 1,), (summed,)))


def dot_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """The product rule, as for all that follow."""
    return np.asarray(np.dot(tangents[0], y) + np.dot(x, tangents[1]))


def vdot(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Each entry meets the one of the same number in the other."""
    return g * np.reshape(y, x.shape), g * np.reshape(x, y.shape)


def vdot_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """The product rule."""
    return np.asarray(np.vdot(tangents[0], y) + np.vdot(x, tangents[1]))


def inner(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """As ``dot``, with the sum over both last axes."""
    if x.ndim == 0 or y.ndim == 0:
        return unbroadcast(g * y, x), unbroadcast(g * x, y)
    return tensordot(g, x, y, axes=((x.ndim - 1,), (y.ndim - 1,)))


def inner_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """The product rule."""
    return np.asarray(np.inner(tangents[0], y) + np.inner(x, tangents[1]))


def outer(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """``x' = G y`` and ``y' = G^T x``."""
    return np.reshape(g @ np.reshape(y, -1), x.shape), np.reshape(np.reshape(x, -1) @ g, y.shape)


def outer_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """The product rule."""
    result: Array = np.outer(tangents[0], y) + np.outer(x, tangents[1])
    return result


def kron(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """With each axis split in (place in x, place in y) it is an outer product."""
    axes = max(x.ndim, y.ndim)
    p, q = (1,) * (axes - x.ndim) + x.shape, (1,) * (axes - y.ndim) + y.shape
    split = np.reshape(g, [length for pair in zip(p, q, strict=True) for length in pair])
    of_x, of_y = tuple(range(0, 2 * axes, 2)), tuple(range(1, 2 * axes, 2))
    in_x = np.tensordot(split, np.reshape(y, q), (of_y, tuple(range(axes))))
    in_y = np.tensordot(split, np.reshape(x, p), (of_x, tuple(range(axes))))
    return np.reshape(in_x, x.shape), np.reshape(in_y, y.shape)


def kron_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """The product rule."""
    result: Array = np.kron(tangents[0], y) + np.kron(x, tangents[1])
    return result


def _factor(g: Array, out: str, other: Array, other_letters: str, x: Array, letters: str) -> Array:
    """Gradient of the factor with ``letters``: ones for those that were summed away, diagonals for repeated ones."""
    distinct = "".join(dict.fromkeys(letters))
    lonely = "".join(c for c in distinct if c not in out and c not in other_letters)
    ones = np.ones([x.shape[letters.index(c)] for c in lonely], dtype=x.dtype)
    gradient = np.zeros_like(x)
    # A repeated letter runs along two axes at once: only the diagonal is written.
    run = dict(zip(distinct, np.ix_(*(np.arange(x.shape[letters.index(c)]) for c in distinct)), strict=True))
    places = tuple(run[c] for c in letters)
    gradient[places] = np.einsum(f"{out},{other_letters},{lonely}->{distinct}", g, other, ones)
    return gradient


def einsum(g: Array, x: Array, y: Array, *, equation: str) -> tuple[Array, Array]:
    """The cotangent takes the place of the factor in the sum."""
    letters, out = equation.split("->")
    of_x, of_y = letters.split(",")
    return _factor(g, out, y, of_y, x, of_x), _factor(g, out, x, of_x, y, of_y)


def einsum_jvp(tangents: tuple[Array, Array], x: Array, y: Array, *, equation: str) -> Array:
    """The product rule."""
    return np.asarray(np.einsum(equation, tangents[0], y) + np.einsum(equation, x, tangents[1]))


def tensordot(g: Array, x: Array, y: Array, *, axes: Axes) -> tuple[Array, Array]:
    """Sum the cotangent with the other factor over its free axes, then put the axes back in order."""
    if isinstance(axes, int):
        axes = (tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes)))
    of_x, of_y = [k % x.ndim for k in axes[0]], [k % y.ndim for k in axes[1]]
    free_x = [k for k in range(x.ndim) if k not in of_x]
    free_y = [k for k in range(y.ndim) if k not in of_y]
    g = np.asarray(g)
    in_x = np.tensordot(g, y, (list(range(len(free_x), g.ndim)), free_y))  # axes free_x, then those of the sum
    in_y = np.tensordot(x, g, (free_x, list(range(len(free_x)))))  # axes of the sum, then free_y
    # What is left of y is in the order of y's own axes, and so is what is left of x.
    sum_x = [of_x[of_y.index(k)] for k in sorted(of_y)]
    sum_y = [of_y[of_x.index(k)] for k in sorted(of_x)]
    return np.transpose(in_x, np.argsort(free_x + sum_x)), np.transpose(in_y, np.argsort(sum_y + free_y))


def tensordot_jvp(tangents: tuple[Array, Array], x: Array, y: Array, *, axes: Axes) -> Array:
    """The product rule."""
    result: Array = np.tensordot(tangents[0], y, axes) + np.tensordot(x, tangents[1], axes)
    return result


def cross(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """The triple product is cyclic: ``g . (dx x y) = dx . (y x g)`` and ``g . (x x dy) = dy . (g x x)``."""
    return unbroadcast(np.cross(y, g), x), unbroadcast(np.cross(g, x), y)


def cross_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """The product rule."""
    result: Array = np.cross(tangents[0], y) + np.cross(x, tangents[1])
    return result


def linear(g: Array, x: Array, weights: Array, bias: Array) -> tuple[Array, Array, Array]:
    """``x' = G W``; the weights get ``G^T x`` and the bias the sum, over all rows."""
    rows, seen = np.reshape(g, (-1, g.shape[-1])), np.reshape(x, (-1, x.shape[-1]))
    return g @ weights, rows.T @ seen, np.sum(rows, axis=0)


def linear_jvp(tangents: tuple[Array, Array, Array], x: Array, weights: Array, bias: Array) -> Array:
    """The product rule, and the bias's tangent."""
    dx, dw, db = tangents
    result: Array = dx @ weights.T + x @ dw.T + db
    return result


def bilinear(g: Array, x: Array, weights: Array, y: Array) -> tuple[Any, Any, Any]:
    """Each factor's place in the sum is taken by the cotangent."""
    return (
        np.einsum("bo,oij,bj->bi", g, weights, y),
        np.einsum("bo,bi,bj->oij", g, x, y),
        np.einsum("bo,bi,oij->bj", g, x, weights),
    )


def quadratic_form(g: Array, x: Array, a: Array) -> tuple[Array, Array]:
    """``x' = (A + A^T) x`` and ``A' = x x^T``, weighted by the cotangent."""
    weighted = np.asarray(g)[..., None] * x
    rows = np.reshape(x, (-1, x.shape[-1]))
    return weighted @ (a + a.T), np.reshape(weighted, rows.shape).T @ rows


RULES = {
    "dot": dot,
    "vdot": vdot,
    "inner": inner,
    "outer": outer,
    "kron": kron,
    "einsum": einsum,
    "tensordot": tensordot,
    "cross": cross,
    "linear": linear,
    "bilinear": bilinear,
    "quadratic_form": quadratic_form,
}
JVPS = {
    "dot": dot_jvp,
    "vdot": vdot_jvp,
    "inner": inner_jvp,
    "outer": outer_jvp,
    "kron": kron_jvp,
    "einsum": einsum_jvp,
    "tensordot": tensordot_jvp,
    "cross": cross_jvp,
    "linear": linear_jvp,
}
