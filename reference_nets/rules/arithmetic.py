"""Partial derivatives of sums, quotients, roots and angles, in forms that stay in range."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._entrywise import Partials, Slope, alone, both
from reference_nets.rules._shapes import Array


def _ones(*inputs: Array) -> Array:
    return np.ones((), dtype=np.result_type(*inputs))


def add(x: Array, y: Array) -> tuple[Array, Array]:
    """``d(x + y) = dx + dy``."""
    return _ones(x, y), _ones(x, y)


def subtract(x: Array, y: Array) -> tuple[Array, Array]:
    """``d(x - y) = dx - dy``."""
    return _ones(x, y), -_ones(x, y)


def negative(x: Array) -> Array:
    """``d(-x) = -dx``."""
    return -_ones(x)


def reciprocal(x: Array) -> Array:
    """``-1 / x^2``."""
    y = 1 / x
    slope: Array = -y * y
    return slope


def square(x: Array) -> Array:
    """``2 x``."""
    return 2 * x


def sqrt(x: Array) -> Array:
    """``1 / (2 sqrt x)``."""
    slope: Array = 0.5 / np.sqrt(x)
    return slope


def rsqrt(x: Array) -> Array:
    """``-x^(-3/2) / 2``."""
    slope: Array = -0.5 / np.sqrt(x) / x
    return slope


def cbrt(x: Array) -> Array:
    """``x^(-2/3) / 3``, by the root itself, which has a sign that its square does not."""
    root = np.cbrt(x)
    slope: Array = 1 / (3 * root * root)
    return slope


def hypot(x: Array, y: Array) -> tuple[Array, Array]:
    """The unit vector of (x, y), and 0 at the origin."""
    length = np.hypot(x, y)
    length = np.where(length > 0, length, 1)
    return x / length, y / length


def arctan2(y: Array, x: Array) -> tuple[Array, Array]:
    """``(x dy - y dx) / r^2``; the radius divides twice, for its square may leave the range."""
    radius = np.hypot(x, y)
    return x / radius / radius, -y / radius / radius


def addcmul(x: Array, y: Array, z: Array, *, value: float = 1.0) -> tuple[Array, Array, Array]:
    """``d(x + c y z) = dx + c z dy + c y dz``."""
    return _ones(x, y, z), value * z, value * y


def addcdiv(x: Array, y: Array, z: Array, *, value: float = 1.0) -> tuple[Array, Array, Array]:
    """``d(x + c y / z) = dx + c dy / z - c (y / z) dz / z``; z is never squared."""
    return _ones(x, y, z), value / z, -value * (y / z) / z


def lerp(start: Array, end: Array, weight: Array) -> tuple[Array, Array, Array]:
    """``(1 - w) ds + w de + (e - s) dw``."""
    return 1 - weight, weight, end - start


def fmod(x: Array, y: Array) -> tuple[Array, Array]:
    """``dx - trunc(x / y) dy``.

    The rounded quotient may reach an integer that the true one does not; x less its remainder is a true multiple.
    """
    return _ones(x, y), -np.rint((x - np.fmod(x, y)) / y)


def remainder(x: Array, y: Array) -> tuple[Array, Array]:
    """``dx - floor(x / y) dy``, the floor as for ``fmod``."""
    return _ones(x, y), -np.rint((x - np.remainder(x, y)) / y)


SLOPES: dict[str, Slope] = {
    "negative": negative,
    "reciprocal": reciprocal,
    "square": square,
    "sqrt": sqrt,
    "rsqrt": rsqrt,
    "cbrt": cbrt,
}

PARTIALS: dict[str, Partials] = {
    **{name: alone(slope) for name, slope in SLOPES.items()},
    "add": add,
    "subtract": subtract,
    "hypot": hypot,
    "arctan2": arctan2,
    "addcmul": addcmul,
    "addcdiv": addcdiv,
    "lerp": lerp,
    "fmod": fmod,
    "remainder": remainder,
}

RULES, JVPS = both(PARTIALS)
