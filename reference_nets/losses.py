"""Losses of a batch, and penalties on parameters: each a record of a function and its derivatives.

A loss C(a, y) compares predictions a with targets y, both of shape (N, m); the rows are patterns.  ``gradient`` is
dC/da, of the shape of a.  ``curvature(a, y, t)`` is the derivative of that gradient along a change t of a, that is
the Hessian by a times t.  A Hessian is symmetric, so the same function also is its own transpose.

Sources: Goodfellow, Bengio and Courville, Deep Learning (2016), sections 6.2 and 7.1; R. Rojas, Neural Networks (1996),
section 7.1 for the sum of squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reference_nets.generic import Value, zeros_like


class Layer(NamedTuple):
    """The parameters of one layer, or a gradient with respect to them."""

    weights: Value
    bias: Value


Layers = Sequence[Layer]


@dataclass(frozen=True, slots=True)
class Loss:
    """A number C(prediction, target), its gradient by the prediction, and where wanted its curvature."""

    name: str
    value: Callable[[Value, Value], Value]
    gradient: Callable[[Value, Value], Value]
    curvature: Callable[[Value, Value, Value], Value] | None = None


quadratic = Loss(
    "quadratic",
    lambda a, y: ((a - y) * (a - y)).sum() / (2 * len(y)),
    lambda a, y: (a - y) / len(y),
    lambda a, y, t: t / len(y),
)
"""C = 1/(2N) sum_i |a_i - y_i|^2: the mean over the patterns."""

squared_error = Loss(
    "squared error",
    lambda a, y: ((a - y) * (a - y)).sum() / 2,
    lambda a, y: a - y,
    lambda a, y, t: t,
)
"""E = 1/2 sum_p |o_p - t_p|^2: Rojas's error, the sum over the patterns."""


def cross_entropy(exp: Callable[[Value], Value] = np.exp, log: Callable[[Value], Value] = np.log) -> Loss:
    """Softmax and cross-entropy in one: C = -1/N sum_i p_i . log q_i with q_i = exp(a_i) / sum_k exp(a_ik).

    The gradient by a_i is (q_i sum_k p_ik - p_i) / N.  The familiar q - p holds only where the entries of p sum to 1.
    As dq_i along t_i is q_i (t_i - q_i . t_i), the curvature is sum_k p_ik q_i (t_i - q_i . t_i) / N.
    """

    def log_softmax(a: Value) -> Value:
        a = a - a.max(axis=1, keepdims=True)  # changes nothing in exact arithmetic; keeps exp from overflowing
        return a - log(exp(a).sum(axis=1, keepdims=True))

    def gradient_by_logits(a: Value, p: Value) -> Value:
        return (exp(log_softmax(a)) * p.sum(axis=1, keepdims=True) - p) / len(p)

    def curvature(a: Value, p: Value, t: Value) -> Value:
        q = exp(log_softmax(a))
        return p.sum(axis=1, keepdims=True) * q * (t - (q * t).sum(axis=1, keepdims=True)) / len(p)

    return Loss(
        "softmax cross-entropy", lambda a, p: -(p * log_softmax(a)).sum() / len(p), gradient_by_logits, curvature
    )


def binary_cross_entropy(log: Callable[[Value], Value] = np.log) -> Loss:
    """C = -1/N sum_i [y_i . log a_i + (1 - y_i) . log(1 - a_i)] for predictions 0 < a < 1.

    The gradient is (a - y) / (a (1 - a)) / N, the curvature (y / a^2 + (1 - y) / (1 - a)^2) t / N.
    """
    return Loss(
        "binary cross-entropy",
        lambda a, y: -(y * log(a) + (1 - y) * log(1 - a)).sum() / len(y),
        lambda a, y: (a - y) / (a * (1 - a)) / len(y),
        lambda a, y, t: (y / (a * a) + (1 - y) / ((1 - a) * (1 - a))) * t / len(y),
    )


@dataclass(frozen=True, slots=True)
class Penalty:
    """A number Omega(layers) that does not look at the data, its gradient, and its Hessian times a direction."""

    name: str
    value: Callable[[Layers], Value]
    gradient: Callable[[Layers], tuple[Layer, ...]]
    curvature: Callable[[Layers, Layers], tuple[Layer, ...]]


def _only_weights(layers: Layers) -> tuple[Layer, ...]:
    return tuple(Layer(layer.weights, zeros_like(layer.bias)) for layer in layers)


squared_weights = Penalty(
    "squared weights",
    lambda layers: sum((layer.weights * layer.weights).sum() for layer in layers) / 2,
    _only_weights,
    lambda layers, direction: _only_weights(direction),
)
"""Omega = 1/2 sum of the squares of all weights; biases are left free, as in Goodfellow's section 7.1."""

squared_parameters = Penalty(
    "squared parameters",
    lambda layers: sum((part * part).sum() for layer in layers for part in layer) / 2,
    tuple,
    lambda layers, direction: tuple(direction),
)
"""Omega = 1/2 sum of the squares of all weights and biases."""
