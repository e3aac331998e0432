"""Rules of losses that are taken entry by entry; each is stated by the partial derivatives of one entry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reference_nets.rules._entrywise import Partials, backward
from reference_nets.rules._shapes import Array
from reference_nets.rules.losses import per_row


def losses(table: Mapping[str, Partials]) -> dict[str, Callable[..., tuple[Array, ...]]]:
    """Backward rules: the cotangent of the reduced loss becomes one of each entry, which the partial derivatives take on."""
    return {name: _rule(partials) for name, partials in table.items()}


def _rule(partials: Partials) -> Callable[..., tuple[Array, ...]]:
    each = backward(partials)

    def vjp(g: Array, *inputs: Any, reduction: str = "mean", **params: Any) -> tuple[Array, ...]:
        shape = np.broadcast_shapes(*(np.shape(x) for x in inputs))
        return each(per_row(g, shape, math.prod(shape), reduction), *inputs, **params)

    return vjp


def mse(prediction: Array, target: Array) -> tuple[Array, Array]:
    """Twice the residual; the target gets it with the other sign, here and below."""
    slope = 2 * (prediction - target)
    return slope, -slope


def mae(prediction: Array, target: Array) -> tuple[Array, Array]:
    """The sign of the residual, 0 for 0."""
    slope = np.sign(prediction - target)
    return slope, -slope


def smooth_l1(prediction: Array, target: Array, *, beta: float = 1.0) -> tuple[Array, Array]:
    """The residual in units of ``beta``, clipped to [-1, 1]."""
    slope = np.clip((prediction - target) / beta, -1, 1)
    return slope, -slope


def log_cosh(prediction: Array, target: Array) -> tuple[Array, Array]:
    """The hyperbolic tangent of the residual."""
    slope = np.tanh(prediction - target)
    return slope, -slope


def pinball(prediction: Array, target: Array, *, quantile: float = 0.5) -> tuple[Array, Array]:
    """``-q`` for an under-estimate, ``1 - q`` for an over-estimate, their middle for neither."""
    slope = (np.sign(prediction - target) + 1) / 2 - quantile
    return slope, -slope


def poisson_nll(log_rate: Array, target: Array) -> tuple[Array, Array]:
    """``(e^x - t) dx - x dt``."""
    return np.exp(log_rate) - target, -log_rate


def gaussian_nll(mean: Array, target: Array, variance: Array) -> tuple[Array, Array, Array]:
    """``r/v`` for the mean, and ``(1 - r^2/v) / (2 v)`` for the variance; the residual is divided before it is squared."""
    residual = mean - target
    slope = residual / variance
    return slope, -slope, (1 - slope * residual) / variance / 2


PARTIALS: dict[str, Partials] = {
    "mse": mse,
    "mae": mae,
    "smooth_l1": smooth_l1,
    "log_cosh": log_cosh,
    "pinball": pinball,
    "poisson_nll": poisson_nll,
    "gaussian_nll": gaussian_nll,
}

RULES = losses(PARTIALS)
JVPS: dict[str, object] = {}
