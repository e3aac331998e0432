"""Constants of the number type at hand, and activation functions as records.

An object array made by ``np.zeros`` holds Python ints, and ``0 / 2`` is the float 0.0, which then spoils every exact
sum it meets.  ``zeros_like`` and ``ones_like`` therefore take their constants from the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Value = Any
"""An array of any dtype, or a bare number: NumPy unwraps an object array of shape ()."""


def zeros_like(value: Value) -> Value:
    """The zero of the shape and number type of ``value``."""
    if isinstance(value, float):  # NumPy would make an array of it, and all that follows ten times as slow
        return type(value)(0)
    return value * 0 if np.asarray(value).dtype == object else np.zeros_like(value)


def ones_like(value: Value) -> Value:
    """The all-ones array of the shape and number type of ``value``."""
    return zeros_like(value) + 1


@dataclass(frozen=True, slots=True)
class Activation:
    """A scalar function applied to each entry, z -> f(z), and its derivative z -> f'(z)."""

    name: str
    function: Callable[[Value], Value]
    derivative: Callable[[Value], Value]


identity = Activation("identity", lambda z: z, ones_like)
square = Activation("square", lambda z: z * z, lambda z: 2 * z)
cube = Activation("cube", lambda z: z * z * z, lambda z: 3 * z * z)
relu = Activation("relu", lambda z: z * (z > 0), lambda z: ones_like(z) * (z > 0))
"""max(z, 0).  It has no derivative at z = 0; the convention here is 0."""
bump = Activation("bump", lambda z: z / (1 + z * z), lambda z: (1 - z * z) / ((1 + z * z) * (1 + z * z)))
"""z / (1 + z^2): bounded and smooth like a sigmoid near 0, but rational, so that exact arithmetic can follow it."""


def logistic(exp: Callable[[Value], Value] = np.exp) -> Activation:
    """The sigmoid s(z) = 1 / (1 + exp(-z)), with s' = s (1 - s).

    The derivative is computed as s(z) s(-z), the same number without the cancellation in 1 - s for large z.
    In float64, exp overflows where |z| > 709.
    """

    def s(z: Value) -> Value:
        return 1 / (1 + exp(-z))

    return Activation("logistic", s, lambda z: s(z) * s(-z))


def hyperbolic_tangent(tanh: Callable[[Value], Value] = np.tanh) -> Activation:
    """The function tanh, with tanh' = 1 - tanh^2 computed as (1 - tanh)(1 + tanh)."""

    def slope(z: Value) -> Value:
        t = tanh(z)
        return (1 - t) * (1 + t)

    return Activation("tanh", tanh, slope)
