"""Rules of the normalisations: mean and variance depend on the input too, and their share must not be forgotten."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array, wide


def _standardise(g: Array, x: Array, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array]:
    """Input gradient and value of ``d / sqrt(mean d^2 + epsilon)``, ``d = x - mean x``.

    The gradient is ``(g - mean g - z mean(g z)) / root`` with z the value: g without its parts along the constant and, up to
    epsilon, along z.  As ``mean z^2 = 1 - epsilon / root^2``, a share of epsilon / root^2 of the part along z stays.  Of two numbers
    there is nothing but these parts, and one projection would leave its own roundings: a second takes them out
    (Björck, Numerical Methods for Least Squares Problems, section 2.4.5).
    """
    deviation = x - np.mean(x, axis=axes, keepdims=True)
    variance = np.mean(deviation * deviation, axis=axes, keepdims=True)
    root = np.sqrt(variance + epsilon)
    z = deviation / root
    rest = g - np.mean(g, axis=axes, keepdims=True)
    along = _component(rest, deviation, variance, axes)
    rest = rest - along * deviation
    rest = rest - np.mean(rest, axis=axes, keepdims=True)
    again = _component(rest, deviation, variance, axes)
    rest, along = rest - again * deviation, along + again
    return (rest + along * deviation * (epsilon / (variance + epsilon))) / root, z


def _component(g: Array, deviation: Array, variance: Array, axes: tuple[int, ...]) -> Array:
    """``mean(g d) / mean d^2``, and 0 where all is equal."""
    spread = np.where(variance > 0, variance, 1)
    component: Array = np.mean(g * deviation, axis=axes, keepdims=True) / spread
    return component


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


def batch_norm_inference(
    g: Array, x: Array, scale: Array, shift: Array, mean: Array, variance: Array, *, epsilon: float = 1e-5
) -> tuple[Array, Array, Array, Array, Array]:
    """The statistics are arguments like the others: nothing of x is hidden in them."""
    axes, per_channel = (0, *range(2, x.ndim)), (-1,) + (1,) * (x.ndim - 2)
    root = np.sqrt(variance + epsilon)
    total = np.sum(g, axis=axes)
    seen = np.sum(g * ((x - np.reshape(mean, per_channel)) / np.reshape(root, per_channel)), axis=axes)
    in_x = g * np.reshape(scale / root, per_channel)
    gradients = (in_x, seen, total, -scale / root * total, -scale * seen / (2 * (variance + epsilon)))
    return tuple(part.astype(x.dtype) for part in gradients)  # type: ignore[return-value]  # five of them


def group_norm(
    g: Array, x: Array, scale: Array, shift: Array, *, groups: int, epsilon: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Statistics over the channels of a group; scale and shift belong to one channel each."""
    axes, per_channel = (0, *range(2, x.ndim)), (-1,) + (1,) * (x.ndim - 2)
    split = (x.shape[0], groups, -1)
    in_split, z = _standardise(
        np.reshape(g * np.reshape(scale, per_channel), split), np.reshape(x, split), (2,), epsilon
    )
    z = np.reshape(z, x.shape)
    in_x = np.reshape(in_split, x.shape).astype(x.dtype)
    return in_x, np.sum(g * z, axis=axes).astype(scale.dtype), np.sum(g, axis=axes).astype(scale.dtype)


def instance_norm(
    g: Array, x: Array, scale: Array, shift: Array, *, epsilon: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Statistics over space; scale and shift are shared by space and batch."""
    axes = tuple(range(2, x.ndim))
    return _rule(g, x, scale, axes, (0, *axes), (-1,) + (1,) * (x.ndim - 2), epsilon)


def rms_norm(g: Array, x: Array, scale: Array, *, epsilon: float = 1e-6) -> tuple[Array, Array]:
    """``x' = (h - z mean(h z)) / root`` with ``h = scale g`` and ``z = x / root``."""
    if x.size == 0:
        return np.zeros_like(x), np.zeros_like(scale)
    root = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon)
    z, h = x / root, scale * g
    in_x = (h - z * np.mean(h * z, axis=-1, keepdims=True)) / root
    return in_x.astype(x.dtype), np.sum(g * z, axis=tuple(range(x.ndim - 1))).astype(scale.dtype)


def l2_normalise(g: Array, x: Array, *, axis: int = -1, epsilon: float = 1e-12) -> tuple[Array]:
    """What is left of g when its part along x is taken out, over the length; where epsilon divides, ``g / epsilon``."""
    g, x, dtype = wide(g), wide(x), x.dtype  # float16 has no 1e-12
    largest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0.0)
    safe = np.where(largest > 0, largest, 1)
    length = safe * np.sqrt(np.sum((x / safe) ** 2, axis=axis, keepdims=True))
    far = length > epsilon
    divisor = np.where(far, length, epsilon)
    unit = x / divisor
    along = np.where(far, unit * np.sum(g * unit, axis=axis, keepdims=True), 0)
    return (((g - along) / divisor).astype(dtype),)


def local_response_norm(
    g: Array, x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 2.0
) -> tuple[Array]:
    """``g / d^beta - 2 alpha beta x sum of (g x / d^(beta + 1))`` over the channels that see x."""
    channels = x.shape[1]
    before, after = (size - 1) // 2, size // 2
    beside = ((0, 0),) * (x.ndim - 2)
    squares = np.pad(x * x, ((0, 0), (before, after), *beside))
    d = bias + alpha * sum(squares[:, i : i + channels] for i in range(size))
    # Channel c sees c - before to c + after, so it is seen from c - after to c + before.
    weights = np.pad(g * x / d ** (beta + 1), ((0, 0), (after, before), *beside))
    seen = sum(weights[:, i : i + channels] for i in range(size))
    return ((g / d**beta - 2 * alpha * beta * x * seen).astype(x.dtype),)


def weight_norm(g: Array, direction: Array, gain: Array) -> tuple[Array, Array]:
    """The direction moves only across itself; the gain gets the part of g along it."""
    largest = np.max(np.abs(direction), axis=-1, keepdims=True, initial=0.0)
    scaled = direction / largest
    # The length is largest * root: it may overflow where nothing else does, and so may a large gain over a small length.
    root = np.sqrt(np.sum(scaled**2, axis=-1, keepdims=True))
    unit = scaled / root
    along = np.sum(g * unit, axis=-1, keepdims=True)
    in_direction = gain[..., None] * ((g - along * unit) / root / largest)
    return in_direction.astype(direction.dtype), along[..., 0].astype(gain.dtype)


RULES = {
    "layer_norm": layer_norm,
    "batch_norm": batch_norm,
    "batch_norm_inference": batch_norm_inference,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "rms_norm": rms_norm,
    "l2_normalise": l2_normalise,
    "local_response_norm": local_response_norm,
    "weight_norm": weight_norm,
}
JVPS: dict[str, object] = {}
