"""Slopes of piecewise linear activation functions: one comparison per corner.

At a corner each takes the slope of the flatter side, as frameworks do.
"""

from __future__ import annotations

import numpy as np

from reference_nets.rules._entrywise import Partials, Slope, alone, both
from reference_nets.rules._shapes import Array


def leaky_relu(x: Array, *, slope: float = 0.01) -> Array:
    """1 for positive x, else the parameter."""
    return np.where(x > 0, 1, np.asarray(slope, dtype=x.dtype))


def prelu(x: Array, slope: Array) -> tuple[Array, Array]:
    """1 or the slope for x; for the slope, x where it is negative."""
    return np.where(x > 0, 1, slope), np.minimum(x, 0)


def _between(x: Array, low: float, high: float) -> Array:
    return ((x > low) & (x < high)).astype(x.dtype)


def hardtanh(x: Array, *, low: float = -1.0, high: float = 1.0) -> Array:
    """1 between the bounds, else 0."""
    return _between(x, low, high)


def hardsigmoid(x: Array) -> Array:
    """1/6 between -3 and 3, else 0."""
    return _between(x, -3, 3) / 6


def hardswish(x: Array) -> Array:
    """``x / 3 + 1/2`` between -3 and 3, 0 left of it, 1 right of it."""
    return np.where(x >= 3, 1, np.where(x <= -3, 0, np.clip(x, -3, 3) / 3 + 0.5))


def relu6(x: Array) -> Array:
    """1 between 0 and 6, else 0."""
    return _between(x, 0, 6)


def softshrink(x: Array, *, threshold: float = 0.5) -> Array:
    """1 beyond the threshold, else 0; with threshold 0 both sides meet, and it is the identity."""
    return ((np.abs(x) > threshold) | (threshold == 0)).astype(x.dtype)


def hardshrink(x: Array, *, threshold: float = 0.5) -> Array:
    """1 beyond the threshold, else 0."""
    return (np.abs(x) > threshold).astype(x.dtype)


SLOPES: dict[str, Slope] = {
    "leaky_relu": leaky_relu,
    "hardtanh": hardtanh,
    "hardsigmoid": hardsigmoid,
    "hardswish": hardswish,
    "relu6": relu6,
    "softshrink": softshrink,
    "hardshrink": hardshrink,
}

PARTIALS: dict[str, Partials] = {**{name: alone(slope) for name, slope in SLOPES.items()}, "prelu": prelu}

RULES, JVPS = both(PARTIALS)
