"""Rules of losses of class labels and probabilities, in forms that a confident classifier needs."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._entrywise import Partials
from reference_nets.rules._shapes import Array
from reference_nets.rules.activations import softplus_slope as sigmoid
from reference_nets.rules.gates import log_softmax
from reference_nets.rules.regression import losses

Weights = tuple[float, ...] | None


def _rows(g: Array, weights: Array, labels: Array, reduction: str) -> Array:
    """The cotangent of each row; a mean divides by the sum of the weights of the labels."""
    if reduction == "mean":
        g = g / np.sum(weights[labels])
    return np.broadcast_to(g, labels.shape)


def _class_weights(weights: Weights, x: Array) -> Array:
    return np.asarray([1.0] * x.shape[-1] if weights is None else weights, dtype=x.dtype)


def nll(g: Array, x: Array, labels: Array, *, weights: Weights = None, reduction: str = "mean") -> tuple[Array]:
    """Minus the weight of the label at its place, else 0."""
    weight = _class_weights(weights, x)
    gradient = np.zeros_like(x)
    chosen = (-_rows(g, weight, labels, reduction) * weight[labels])[..., None]
    np.put_along_axis(gradient, labels[..., None], chosen.astype(x.dtype), axis=-1)
    return (gradient,)


def cross_entropy(
    g: Array, logits: Array, labels: Array, *, smoothing: float = 0.0, weights: Weights = None, reduction: str = "mean"
) -> tuple[Array]:
    """The loss is ``-sum_c q_c ln p_c`` with the smoothed, weighted target q: minus q is what the log-softmax gets."""
    weight = _class_weights(weights, logits)
    k = logits.shape[-1]
    target = weight * ((1 - smoothing) * (labels[..., None] == np.arange(k)) + smoothing / k)
    rows = _rows(g, weight, labels, reduction)[..., None]
    return (log_softmax((-rows * target).astype(logits.dtype), logits)[0],)


def bce(probability: Array, target: Array) -> tuple[Array, Array]:
    """``(p - t) / (p (1 - p))`` for p, and ``ln(1 - p) - ln p`` for t."""
    slope = (probability - target) / probability / (1 - probability)
    return slope, np.log1p(-probability) - np.log(probability)


def bce_with_logits(x: Array, target: Array, *, positive_weight: float = 1.0) -> tuple[Array, Array]:
    """``-w t s(-x) + (1 - t) s(x)`` for x, s the sigmoid: for t = 1, s(x) - t would cancel.

    For t it is ``w ln(1 + e^-x) - ln(1 + e^x)``, of which x is the difference for w = 1.
    """
    slope = (1 - target) * sigmoid(x) - positive_weight * target * sigmoid(-x)
    below = np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x)))
    return slope, (positive_weight - 1) * below - x


def kl_divergence(log_probability: Array, target: Array) -> tuple[Array, Array]:
    """``-t dx + (1 + ln t - x) dt``."""
    return -target, 1 + np.log(target) - log_probability


def hinge(score: Array, side: Array) -> tuple[Array]:
    """Minus the side where the margin is missed, else 0."""
    return (np.where(side * score < 1, -side, 0).astype(score.dtype),)


def squared_hinge(score: Array, side: Array) -> tuple[Array]:
    """Minus twice the side times what is missing."""
    sign = side.astype(score.dtype)
    return (-2 * sign * np.maximum(1 - sign * score, 0),)


def soft_margin(score: Array, side: Array) -> tuple[Array]:
    """Minus the side times the probability of an error."""
    sign = side.astype(score.dtype)
    return (-sign * sigmoid(-sign * score),)


def focal(x: Array, side: Array, *, gamma: float = 2.0, alpha: float = 0.25) -> tuple[Array]:
    """``-a s q^gamma (gamma p L + q)``, p the sigmoid of the margin z, q that of -z, and L = -ln p.

    The power is that of ``e^(z + L) = 1/q``, since q itself may have underflowed.
    """
    sign = side.astype(x.dtype)
    z = sign * x
    loss = np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))
    weight = np.where(side > 0, alpha, 1 - alpha).astype(x.dtype)
    power = np.exp(-gamma * (z + loss)) if gamma else np.ones_like(z)
    return (-weight * sign * power * (gamma * sigmoid(z) * loss + sigmoid(-z)),)


PARTIALS: dict[str, Partials] = {
    "bce": bce,
    "bce_with_logits": bce_with_logits,
    "kl_divergence": kl_divergence,
    "hinge": hinge,
    "squared_hinge": squared_hinge,
    "soft_margin": soft_margin,
    "focal": focal,
}

RULES = {**losses(PARTIALS), "nll": nll, "cross_entropy": cross_entropy}
JVPS: dict[str, object] = {}
