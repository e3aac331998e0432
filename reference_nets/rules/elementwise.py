"""Rules of the entrywise operators.  ``g`` is the cotangent throughout."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array, unbroadcast


def multiply(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """``d(xy) = y dx + x dy``."""
    return unbroadcast(g * y, x), unbroadcast(g * x, y)


def multiply_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """``d(xy) = y dx + x dy``."""
    dx, dy = tangents
    result: Array = y * dx + x * dy
    return result


def divide(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """``d(x/y) = dx / y - (x/y) dy / y``; y is never squared, so nothing leaves the range on the way."""
    quotient = g / y
    return unbroadcast(quotient, x), unbroadcast(-quotient * (x / y), y)


def divide_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """``d(x/y) = dx / y - (x/y) dy / y``."""
    dx, dy = tangents
    return dx / y - (x / y) * (dy / y)


def _power_slopes(x: Array, y: Array) -> tuple[Array, Array]:
    """``y x^(y-1)``, and ``x^y ln x``; at x = 0 the second is taken as 0, and the first if y = 0, too.

    Elsewhere y = 0 is no case of its own: the slope is 0, but its derivative by y is not.
    """
    nothing = (x == 0) & (y == 0)
    in_base = np.where(nothing, 0, y * np.power(np.where(nothing, 1, x), y - 1))
    positive = x > 0
    in_exponent = np.where(positive, np.power(x, y) * np.log(np.where(positive, x, 1)), 0)
    return in_base, in_exponent


def power(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """``d(x^y) = y x^(y-1) dx + x^y ln x dy``."""
    in_base, in_exponent = _power_slopes(x, y)
    return unbroadcast(g * in_base, x), unbroadcast(g * in_exponent, y)


def power_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """``d(x^y) = y x^(y-1) dx + x^y ln x dy``."""
    in_base, in_exponent = _power_slopes(x, y)
    dx, dy = tangents
    result: Array = in_base * dx + in_exponent * dy
    return result


def log(g: Array, x: Array) -> tuple[Array]:
    """``d ln x = dx / x``."""
    return (g / x,)


def log_jvp(tangents: tuple[Array], x: Array) -> Array:
    """``d ln x = dx / x``."""
    return tangents[0] / x


def absolute(g: Array, x: Array) -> tuple[Array]:
    """``d|x| = sign(x) dx``, with 0 at 0: the middle of the subdifferential."""
    return (g * np.sign(x),)


def absolute_jvp(tangents: tuple[Array], x: Array) -> Array:
    """``d|x| = sign(x) dx``, with 0 at 0."""
    return tangents[0] * np.sign(x)


def _share(x: Array, y: Array) -> tuple[Array, Array]:
    """How much of ``max(x, y)`` belongs to x, and how much to y: all or nothing, half each at a tie."""
    of_x = np.where(x == y, 0.5, x > y).astype(np.result_type(x, y))
    return of_x, 1 - of_x


def maximum(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """The cotangent goes to the larger; at a tie each gets half, so that the two still add up to it."""
    of_x, of_y = _share(x, y)
    return unbroadcast(g * of_x, x), unbroadcast(g * of_y, y)


def maximum_jvp(tangents: tuple[Array, Array], x: Array, y: Array) -> Array:
    """The tangent of the larger; of both, half each, at a tie."""
    of_x, of_y = _share(x, y)
    result: Array = of_x * tangents[0] + of_y * tangents[1]
    return result


RULES = {"multiply": multiply, "divide": divide, "power": power, "log": log, "abs": absolute, "maximum": maximum}
JVPS = {
    "multiply": multiply_jvp,
    "divide": divide_jvp,
    "power": power_jvp,
    "log": log_jvp,
    "abs": absolute_jvp,
    "maximum": maximum_jvp,
}
