"""Rules of norms: in each the gradient is a vector that the dual norm measures as one."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array, Axis, expand
from reference_nets.rules.reductions import largest


def norm_1(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """The signs, 0 for 0."""
    return (expand(g, x, axis) * np.sign(x),)


def norm_1_jvp(tangents: tuple[Array], x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The sum of the tangents with the signs of x."""
    result: Array = np.sum(np.sign(x) * tangents[0], axis=axis, keepdims=keepdims)
    return result


def norm_inf(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """The sign of the entry that is largest in size; equal ones share."""
    return (largest(g, np.abs(x), axis=axis)[0] * np.sign(x),)


def norm_p(g: Array, x: Array, *, order: float = 3.0, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """``sign x (|x| / y)^(p - 1)``, and 0 where all is 0; scaled by the largest size, so that no power leaves the range."""
    size = np.abs(x)
    most = np.max(size, axis=axis, keepdims=True, initial=0)
    scaled = size / np.where(most > 0, most, 1)
    length = np.sum(scaled**order, axis=axis, keepdims=True) ** (1 / order)
    ratio = scaled / np.where(length > 0, length, 1)
    return (expand(g, x, axis) * (np.sign(x) * ratio ** (order - 1)),)


def sum_of_squares(g: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> tuple[Array]:
    """``2 x``."""
    return (expand(g, x, axis) * (2 * x),)


def sum_of_squares_jvp(tangents: tuple[Array], x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """``2 x . t``."""
    result: Array = np.sum(2 * x * tangents[0], axis=axis, keepdims=keepdims)
    return result


RULES = {"norm_1": norm_1, "norm_inf": norm_inf, "norm_p": norm_p, "sum_of_squares": sum_of_squares}
JVPS = {"norm_1": norm_1_jvp, "sum_of_squares": sum_of_squares_jvp}
