"""Rules of the losses."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array, unbroadcast


def per_row(g: Array, shape: tuple[int, ...], count: int, reduction: str) -> Array:
    """The cotangent of each single loss."""
    if reduction == "mean":
        g = g / float(max(count, 1))
    return np.broadcast_to(g, shape)


def softmax_cross_entropy(g: Array, logits: Array, labels: Array, *, reduction: str = "mean") -> tuple[Array]:
    """``softmax(x) - onehot(label)``; the label's entry is minus the sum of the others, which a confident net needs."""
    rows = per_row(g, labels.shape, labels.size, reduction)
    powers = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    slopes = powers / np.sum(powers, axis=-1, keepdims=True)
    chosen = labels[..., None]
    np.put_along_axis(slopes, chosen, 0, axis=-1)
    np.put_along_axis(slopes, chosen, -np.sum(slopes, axis=-1, keepdims=True), axis=-1)
    return ((rows[..., None] * slopes).astype(logits.dtype),)


def huber(
    g: Array, prediction: Array, target: Array, *, delta: float = 1.0, reduction: str = "mean"
) -> tuple[Array, Array]:
    """The residual, clipped to ``[-delta, delta]``; the target gets it with the other sign."""
    slopes = np.clip(prediction - target, -delta, delta)
    gradient = per_row(g, slopes.shape, slopes.size, reduction) * slopes
    return unbroadcast(gradient, prediction), unbroadcast(-gradient, target)


RULES = {"softmax_cross_entropy": softmax_cross_entropy, "huber": huber}
JVPS: dict[str, object] = {}
