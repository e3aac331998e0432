"""Rules of the activation functions, in forms that keep their digits far out in both tails."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from reference_nets.rules._entrywise import Slope, alone, both
from reference_nets.rules._shapes import Array


def tanh_slope(x: Array) -> Array:
    """``1 - tanh^2 x = 4 e / (1 + e)^2`` with ``e = exp(-2|x|)``: the difference would be 0 from x = 20 on."""
    e = np.exp(-2 * np.abs(x))
    slope: Array = 4 * e / (1 + e) ** 2
    return slope


def sigmoid_slope(x: Array) -> Array:
    """``s (1 - s) = e / (1 + e)^2`` with ``e = exp(-|x|)``, even in x and free of overflow."""
    e = np.exp(-np.abs(x))
    slope: Array = e / (1 + e) ** 2
    return slope


def relu_slope(x: Array) -> Array:
    """1 for positive x, else 0 (at 0 too)."""
    return (x > 0).astype(x.dtype)


def softplus_slope(x: Array) -> Array:
    """The sigmoid, with ``e = exp(-|x|)``: ``1 / (1 + e)`` right of 0, ``e / (1 + e)`` left of it."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def gelu_slope(x: Array) -> Array:
    """``Phi(x) + x phi(x)`` of the normal distribution ``Phi`` and its density ``phi``."""
    distribution = special.erfc(x / -math.sqrt(2.0)) / 2
    with np.errstate(over="ignore"):  # where the square leaves the range, e^-inf is the right 0
        density = np.exp(-x * x / 2) / math.sqrt(2.0 * math.pi)
    slope: Array = distribution + x * density
    return slope


SLOPES: dict[str, Slope] = {
    "tanh": tanh_slope,
    "sigmoid": sigmoid_slope,
    "relu": relu_slope,
    "softplus": softplus_slope,
    "gelu": gelu_slope,
}


def softmax(g: Array, x: Array, *, axis: int = -1) -> tuple[Array]:
    """``s_i (g_i - sum_j s_j g_j)``, with the cotangent counted from its value at the largest entry.

    A constant added to g changes nothing.  Counted so, the term of an s_i close to 1 is exactly 0, and the difference
    never cancels to noise where the softmax is saturated.
    """
    if x.size == 0:
        return (np.zeros_like(x),)
    largest = np.argmax(x, axis=axis, keepdims=True)
    powers = np.exp(x - np.take_along_axis(x, largest, axis=axis))
    s = powers / np.sum(powers, axis=axis, keepdims=True)
    h = g - np.take_along_axis(g, largest, axis=axis)
    return (s * (h - np.sum(s * h, axis=axis, keepdims=True)),)


def softmax_jvp(tangents: tuple[Array], x: Array, *, axis: int = -1) -> Array:
    """The Jacobian ``diag(s) - s s^T`` is symmetric, so the forward rule is the backward one."""
    return softmax(tangents[0], x, axis=axis)[0]


_VJPS, _JVPS = both({name: alone(slope) for name, slope in SLOPES.items()})
RULES = {**_VJPS, "softmax": softmax}
JVPS = {**_JVPS, "softmax": softmax_jvp}
