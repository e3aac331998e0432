"""Mistakes that only certified truth sees, and right answers that it must not refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import digamma, gammaln

from gradcheck.claim import POSITIVE, Domain
from tests.meta.pairs import normal, twins

GAMMA = twins(
    "alone: logarithm of the gamma function", "small errors", gammaln, lambda g, x: g * digamma(x),
    (0.5 + np.abs(normal(71, 5)),), unseen="*", options={"domain": Domain((POSITIVE,))},
    the_thirteenth_digit=lambda g, x: g * digamma(x) * (1 + 5e-13 * np.sin(x)),
)  # fmt: skip


def larger(x: Any) -> Any:
    return np.maximum(x[0] + x[1], x[2])


def larger_vjp(g: Any, x: Any) -> Any:
    return g * (np.array([1.0, 1.0, 0.0]) if x[0] + x[1] > x[2] else np.array([0.0, 0.0, 1.0]))


TIED = twins(
    "alone: a sum that rounds to its bound", "ties and selection", larger, larger_vjp,
    (np.array([1.0, 2.0**-54, 1.0]),), hard=True,
    bound_alone=lambda g, x: g * np.array([0.0, 0.0, 1.0]),
)  # fmt: skip


def fast(x: Any) -> Any:
    """A way of its own for plain arrays, as code has that serves several libraries."""
    return x * x if type(x) is np.ndarray else x * np.abs(x)


TYPES = twins(
    "alone: a square by type", "values", fast, lambda g, x: 2 * g * x, (normal(72, 4),), hard=True,
    of_sizes=lambda g, x: 2 * g * np.abs(x),
)  # fmt: skip


def gap(x: Any) -> Any:
    return (1 - np.tanh(x)) ** 2


def gap_vjp(g: Any, x: Any, power: int = 1) -> Any:
    t = np.tanh(x)
    return -2 * g * (1 - t) ** power * (1 - t * t)


GAP = twins(
    "alone: squared distance from saturation", "saturation", gap, gap_vjp, (np.array([0.3, 40.0, -1.0]),), hard=True,
    one_power_less=lambda g, x: gap_vjp(g, x, 0),
)  # fmt: skip


def steepness(x: Any) -> Any:
    t = np.tanh(x)
    return ((1 - t) * (1 + t)) ** 2


def steepness_vjp(g: Any, x: Any, power: int = 2) -> Any:
    t = np.tanh(x)
    return -4 * g * t * ((1 - t) * (1 + t)) ** power


STEEPNESS = twins(
    "alone: squared slope of a saturated unit", "saturation", steepness, steepness_vjp,
    (np.array([0.3, 12.0, -11.0, 13.0]),), hard=True,
    one_power_less=lambda g, x: steepness_vjp(g, x, 1),
)  # fmt: skip


def ripple(x: Any) -> Any:
    return np.array([t**3 + 6.5 * np.sin(1e3 * t) for t in map(float, np.ravel(x))]).reshape(np.shape(x))


RIPPLE = twins(
    "alone: a fast ripple on a cube, real", "aliasing", ripple, lambda g, x: g * (3 * x * x + 6.5e3 * np.cos(1e3 * x)),
    (np.array([0.3, 1.0e4]),), hard=True,
    cube_alone=lambda g, x: 3 * g * x * x,
)  # fmt: skip

CASES = (*GAMMA, *TIED, *TYPES, *GAP, *STEEPNESS, *RIPPLE)
