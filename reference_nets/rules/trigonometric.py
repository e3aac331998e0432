"""Slopes of trigonometric and hyperbolic functions and of their inverses."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._entrywise import Slope, alone, both
from reference_nets.rules._shapes import Array


def cos(x: Array) -> Array:
    """``-sin x``."""
    slope: Array = -np.sin(x)
    return slope


def tan(x: Array) -> Array:
    """``1 / cos^2 x = 1 + tan^2 x``, the sum having no pole but that of the tangent."""
    t = np.tan(x)
    slope: Array = 1 + t * t
    return slope


def arcsin(x: Array) -> Array:
    """``1 / sqrt(1 - x^2)``; the factors of ``(1 - x)(1 + x)`` are exact where the square is not."""
    slope: Array = 1 / np.sqrt((1 - x) * (1 + x))
    return slope


def arccos(x: Array) -> Array:
    """``-1 / sqrt(1 - x^2)``."""
    return -arcsin(x)


def arctan(x: Array) -> Array:
    """``1 / (1 + x^2)``; beyond 1 by the reciprocal, whose square does not overflow."""
    far = np.abs(x) > 1
    r = 1 / np.where(far, x, 1)
    near = np.where(far, 0, x)
    return np.where(far, r * r / (1 + r * r), 1 / (1 + near * near))


def sinc(x: Array) -> Array:
    """``(cos(pi x) - sinc x) / x``; close to 0 its series, for there the difference cancels.

    With ``q = (pi x)^2`` the series is ``pi^2 x sum over k >= 1 of (-1)^k 2k q^(k-1) / (2k + 1)!``.
    """
    near = np.abs(x) < 0.5
    small = np.where(near, x, 0)
    q = np.pi * np.pi * small * small
    series = np.zeros_like(q)
    for k in range(12, 0, -1):
        # Horner: term k + 1 is term k times -q (k + 1) / k / ((2k + 2)(2k + 3)).
        series = 1 - q * series * ((k + 1) / k / ((2 * k + 2) * (2 * k + 3)))
    large = np.where(near, 1, x)
    turned = large - 2 * np.rint(large / 2)  # exact, and both functions of pi x have period 2
    cosine = np.sin(np.pi * (0.5 - np.abs(turned)))  # exactly 0 where it is
    far = (cosine - np.sin(np.pi * turned) / np.pi / large) / large
    return np.where(near, -np.pi * np.pi / 3 * small * series, far)


def arcsinh(x: Array) -> Array:
    """``1 / sqrt(1 + x^2)``."""
    slope: Array = 1 / np.hypot(x, 1)
    return slope


def arccosh(x: Array) -> Array:
    """``1 / sqrt(x^2 - 1)``, by factors: one is exact near 1, and the other does not overflow."""
    slope: Array = 1 / np.sqrt(x - 1) / np.sqrt(x + 1)
    return slope


def arctanh(x: Array) -> Array:
    """``1 / (1 - x^2)``, by factors."""
    slope: Array = 1 / ((1 - x) * (1 + x))
    return slope


SLOPES: dict[str, Slope] = {
    "sin": np.cos,
    "cos": cos,
    "tan": tan,
    "arcsin": arcsin,
    "arccos": arccos,
    "arctan": arctan,
    "sinc": sinc,
    "sinh": np.cosh,
    "cosh": np.sinh,
    "arcsinh": arcsinh,
    "arccosh": arccosh,
    "arctanh": arctanh,
}

RULES, JVPS = both({name: alone(slope) for name, slope in SLOPES.items()})
