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
    """A scalar function applied to each entry, z -> f(z), its derivative z -> f'(z), and where wanted z -> f''(z).

    ``by_output`` gives the derivative from f(z), where that is shorter: Rojas's units store it so, on their left half.
    """

    name: str
    function: Callable[[Value], Value]
    derivative: Callable[[Value], Value]
    second: Callable[[Value], Value] | None = None
    by_output: Callable[[Value], Value] | None = None

    def slope(self, z: Value, output: Value) -> Value:
        """f'(z), where ``output`` is f(z)."""
        return self.derivative(z) if self.by_output is None else self.by_output(output)


def second_derivative(activation: Activation) -> Callable[[Value], Value]:
    """The function f'' of an activation; an error that names the activation if it was left out."""
    if activation.second is None:
        raise ValueError(
            f"activation {activation.name!r} states no second derivative; give it as Activation(..., second=...)"
        )
    return activation.second


def _bump_second(z: Value) -> Value:
    below = 1 + z * z
    return 2 * z * (z * z - 3) / (below * below * below)


identity = Activation("identity", lambda z: z, ones_like, zeros_like)
square = Activation("square", lambda z: z * z, lambda z: 2 * z, lambda z: 2 * ones_like(z))
cube = Activation("cube", lambda z: z * z * z, lambda z: 3 * z * z, lambda z: 6 * z)
relu = Activation("relu", lambda z: z * (z > 0), lambda z: ones_like(z) * (z > 0), zeros_like)
"""max(z, 0).  It has no derivative at z = 0; the convention here is 0."""
bump = Activation("bump", lambda z: z / (1 + z * z), lambda z: (1 - z * z) / ((1 + z * z) * (1 + z * z)), _bump_second)
"""z / (1 + z^2): bounded and smooth like a sigmoid near 0, but rational, so that exact arithmetic can follow it."""


def logistic(exp: Callable[[Value], Value] = np.exp, steepness: Value = 1) -> Activation:
    """The sigmoid s(z) = 1 / (1 + exp(-c z)) of steepness c, with s' = c s (1 - s) and s'' = c^2 s (1 - s) (1 - 2 s).

    1 - s is computed as s(-z), the same number without the cancellation for large z.
    In float64, exp overflows where |c z| > 709.  Source: Rojas, Neural Networks (1996), section 7.1.
    """
    c = steepness

    def s(z: Value) -> Value:
        return 1 / (1 + exp(-c * z))

    def second(z: Value) -> Value:
        up, down = s(z), s(-z)
        return c * c * up * down * (down - up)

    return Activation("logistic", s, lambda z: c * s(z) * s(-z), second)


def symmetric_sigmoid(exp: Callable[[Value], Value] = np.exp) -> Activation:
    """Rojas's S(z) = 2 s(z) - 1 = tanh(z / 2), with S' = 2 s (1 - s) and S'' = 2 s (1 - s) (1 - 2 s)."""
    s = logistic(exp)
    return Activation(
        "symmetric sigmoid",
        lambda z: (1 - exp(-z)) / (1 + exp(-z)),
        lambda z: 2 * s.derivative(z),
        lambda z: 2 * second_derivative(s)(z),
    )


def hyperbolic_tangent(
    tanh: Callable[[Value], Value] = np.tanh, cosh: Callable[[Value], Value] | None = None
) -> Activation:
    """The function tanh, with tanh' = 1 - tanh^2 and tanh'' = -2 tanh tanh'.

    With ``cosh`` the slope is 1 / cosh^2, which keeps its digits where tanh is near 1.  Without, it is (1 - tanh)(1 + tanh), which
    costs nothing once tanh is there, and is right to a roundoff of 1.
    """

    if cosh is not None:

        def steep(z: Value) -> Value:
            below = cosh(z)
            return 1 / (below * below)

        return Activation("tanh", tanh, steep, lambda z: -2 * tanh(z) * steep(z))

    def by_output(t: Value) -> Value:
        return (1 - t) * (1 + t)

    def second(z: Value) -> Value:
        t = tanh(z)
        return -2 * t * by_output(t)

    return Activation("tanh", tanh, lambda z: by_output(tanh(z)), second, by_output)
