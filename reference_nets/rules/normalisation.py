"""Rules of the normalisations: mean and variance depend on the input too, and their share must not be forgotten."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array


def _standardise(g: Array, x: Array, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array]:
    """Input gradient and value of ``d / sqrt(mean d^2 + epsilon)``, ``d = x - mean x``.

    The gradient is ``(g - mean g - z mean(g z)) / root`` with z the value: what is left of g when its parts along the
    constant and (up to epsilon) along z are taken out.
    """
    deviation = x - np.mean(x, axis=axes, keepdims=True)
    root = np.sqrt(np.mean(deviation * deviation, axis=axes, keepdims=True) + epsilon)
    z = deviation / root
    centred = g - np.mean(g, axis=axes, keepdims=True)
    return (centred - z * np.mean(centred * z, axis=axes, keepdims=True)) / root, z


def _rule(
    g: Array,
    x: Array,
    scale: Array,
    axes: tuple[int, ...],
    rows: tuple[int, ...],
    per_channel: tuple[int, ...],
    epsilon: float,
) -> tuple[Array, Array, Array]:
    """``axes`` are standardised together; along ``rows`` one scale and shift is shared, reshaped to ``per_channel``."""
    if x.size == 0:
        return np.zeros_like(x), np.zeros_like(scale), np.zeros_like(scale)
    in_x, z = _standardise(g * np.reshape(scale, per_channel), x, axes, epsilon)
    return in_x.astype(x.dtype), np.sum(g * z, axis=rows).astype(scale.dtype), np.sum(g, axis=rows).astype(scale.dtype)


def layer_norm(g: Array, x: Array, scale: Array, shift: Array, *, epsilon: float = 1e-5) -> tuple[Array, Array, Array]:
    """Statistics over the last axis; scale and shift are shared by all the others."""
    return _rule(g, x, scale, (-1,), tuple(range(x.ndim - 1)), scale.shape, epsilon)


def batch_norm(g: Array, x: Array, scale: Array, shift: Array, *, epsilon: float = 1e-5) -> tuple[Array, Array, Array]:
    """Statistics over all axes but the channels, axis 1; scale and shift are shared by the same axes."""
    axes = (0, *range(2, x.ndim))
    return _rule(g, x, scale, axes, axes, (-1,) + (1,) * (x.ndim - 2), epsilon)


RULES = {"layer_norm": layer_norm, "batch_norm": batch_norm}
JVPS: dict[str, object] = {}
