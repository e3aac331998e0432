"""Layers and losses that NumPy-like packages do not have, composed of the functions that they have.

Left out is what divides, or has a root, at points where the whole is smooth: there the composition would be to blame.
``xp`` is their namespace in the place of numpy, ``special`` in that of scipy.special.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.subjects.mapped import Function


def table(xp: Any, special: Any) -> dict[str, Function]:
    """Everything here, by its name in the catalogue."""
    return {**losses(xp, special), **layers(xp), **pools(xp), **pieces(xp), **gates(xp)}


def embedding(xp: Any, weights: Any, indices: Any, padding: int | None) -> Any:
    """Rows of the weights, and zeros for the padding."""
    rows = weights[indices]
    return rows if padding is None else xp.where((indices == padding)[..., None], 0.0, rows).astype(rows.dtype)


def losses(xp: Any, special: Any) -> dict[str, Function]:
    """Sums and means of terms."""

    def reduced(terms: Any, reduction: str) -> Any:
        return terms if reduction == "none" else xp.mean(terms) if reduction == "mean" else xp.sum(terms)

    def loss(terms: Function) -> Function:
        def value(*inputs: Any, reduction: str = "mean", **params: Any) -> Any:
            return reduced(terms(*inputs, **params), reduction)

        return value

    def of_labels(logits: Any, labels: Any) -> Any:
        chosen = logits[(*np.indices(labels.shape), labels)]
        return special.logsumexp(logits, axis=-1) - chosen

    def huber(prediction: Any, target: Any, *, delta: float = 1.0) -> Any:
        residual = xp.abs(prediction - target)
        return xp.where(residual <= delta, residual**2 / 2, delta * (residual - delta / 2))

    def smooth_l1(prediction: Any, target: Any, *, beta: float = 1.0) -> Any:
        residual = xp.abs(prediction - target)
        return xp.where(residual < beta, residual**2 / (2 * beta), residual - beta / 2)

    def pinball(prediction: Any, target: Any, *, quantile: float = 0.5) -> Any:
        under = target - prediction
        return xp.maximum(quantile * under, (quantile - 1) * under)

    def margin_ranking(x: Any, y: Any, side: Any, *, margin: float = 0.0) -> Any:
        return xp.maximum(margin - side.astype(x.dtype) * (x - y), 0)

    return {
        "mse": loss(lambda prediction, target: (prediction - target) ** 2),
        "mae": loss(lambda prediction, target: xp.abs(prediction - target)),
        "huber": loss(huber),
        "smooth_l1": loss(smooth_l1),
        "pinball": loss(pinball),
        "poisson_nll": loss(lambda rate, target: xp.exp(rate) - target * rate),
        "gaussian_nll": loss(lambda mean, target, variance: (xp.log(variance) + (mean - target) ** 2 / variance) / 2),
        "bce": loss(lambda p, t: -t * xp.log(p) - (1 - t) * xp.log1p(-p)),
        "hinge": loss(lambda score, side: xp.maximum(1 - side.astype(score.dtype) * score, 0)),
        "squared_hinge": loss(lambda score, side: xp.maximum(1 - side.astype(score.dtype) * score, 0) ** 2),
        "soft_margin": loss(lambda score, side: xp.logaddexp(0.0 * score, -side.astype(score.dtype) * score)),
        "margin_ranking": loss(margin_ranking),
        "softmax_cross_entropy": loss(of_labels),
    }


NORMALISATIONS = frozenset("layer_norm batch_norm instance_norm rms_norm batch_norm_inference".split())
"""Of these no half precision is asked: libraries of layers compute mean and variance in single precision there, and squares that overflow
in half would be our composition's fault and not the framework's."""


def layers(xp: Any) -> dict[str, Function]:
    """Normalisations."""

    def standardised(x: Any, axes: Any, epsilon: float) -> Any:
        return (x - xp.mean(x, axes, keepdims=True)) / xp.sqrt(xp.var(x, axes, keepdims=True) + epsilon)

    def layer_norm(x: Any, scale: Any, shift: Any, *, epsilon: float = 1e-5) -> Any:
        return standardised(x, -1, epsilon) * scale + shift

    def per_channel(x: Any, v: Any) -> Any:
        return xp.reshape(v, (-1,) + (1,) * (x.ndim - 2))

    def batch_norm(x: Any, scale: Any, shift: Any, *, epsilon: float = 1e-5) -> Any:
        normal = standardised(x, (0, *range(2, x.ndim)), epsilon)
        return normal * per_channel(x, scale) + per_channel(x, shift)

    def instance_norm(x: Any, scale: Any, shift: Any, *, epsilon: float = 1e-5) -> Any:
        return standardised(x, tuple(range(2, x.ndim)), epsilon) * per_channel(x, scale) + per_channel(x, shift)

    def rms_norm(x: Any, scale: Any, *, epsilon: float = 1e-6) -> Any:
        return x / xp.sqrt(xp.mean(x * x, -1, keepdims=True) + epsilon) * scale

    def spread_norm(x: Any, scale: Any, shift: Any, mean: Any, variance: Any, *, epsilon: float = 1e-5) -> Any:
        scale, shift, mean, variance = (per_channel(x, v) for v in (scale, shift, mean, variance))
        return (x - mean) / xp.sqrt(variance + epsilon) * scale + shift

    return {
        "layer_norm": layer_norm,
        "batch_norm": batch_norm,
        "instance_norm": instance_norm,
        "rms_norm": rms_norm,
        "batch_norm_inference": spread_norm,
        "linear": lambda x, w, b: xp.matmul(x, xp.transpose(w)) + b,
        "rnn_cell": lambda x, h, w, u, b: xp.tanh(xp.matmul(x, xp.transpose(w)) + xp.matmul(h, xp.transpose(u)) + b),
    }


def pools(xp: Any) -> dict[str, Function]:
    """Poolings, window by window."""

    def starts(length: int, size: int, stride: int, overhang: bool) -> range:
        return range(0, length if overhang else length - size + 1, stride)

    def max_pool1d(x: Any, *, size: int, stride: int = 1, overhang: bool = False) -> Any:
        windows = [x[..., k : k + size] for k in starts(x.shape[-1], size, stride, overhang)]
        return xp.stack([xp.max(window, axis=-1) for window in windows], axis=-1)

    def avg_pool2d(x: Any, *, size: Any, stride: Any = (1, 1), overhang: bool = False) -> Any:
        rows, columns = (starts(x.shape[k], size[k], stride[k], overhang) for k in (-2, -1))
        means = [[xp.mean(x[..., i : i + size[0], j : j + size[1]], axis=(-2, -1)) for j in columns] for i in rows]
        return xp.stack([xp.stack(row, axis=-1) for row in means], axis=-2)

    return {"max_pool1d": max_pool1d, "avg_pool2d": avg_pool2d}


def pieces(xp: Any) -> dict[str, Function]:
    """Parts of arrays, and sums."""

    def sliced(x: Any, *, start: Any, stop: Any, step: int = 1, axis: int = 0) -> Any:
        return x[(slice(None),) * (axis % x.ndim) + (slice(start, stop, step),)]

    def take(x: Any, indices: Any, *, axis: int | None = None) -> Any:
        return xp.reshape(x, (-1,))[indices] if axis is None else x[(slice(None),) * (axis % x.ndim) + (indices,)]

    return {
        "slice": sliced,
        "take": take,
        "pick": lambda x, labels: x[(*np.indices(labels.shape), labels)],
        "compress": lambda x, mask: x[mask],
        "norm_1": lambda x, *, axis=None, keepdims=False: xp.sum(xp.abs(x), axis=axis, keepdims=keepdims),
        "norm_inf": lambda x, *, axis=None, keepdims=False: xp.max(xp.abs(x), axis=axis, keepdims=keepdims),
        "sum_of_squares": lambda x, *, axis=None, keepdims=False: xp.sum(x**2, axis=axis, keepdims=keepdims),
        "addcmul": lambda x, y, z, *, value=1.0: x + value * y * z,
        "lerp": lambda start, end, weight: start + weight * (end - start),
        "quadratic_form": lambda x, a: xp.sum(xp.matmul(x[..., None, :], a)[..., 0, :] * x, axis=-1),
    }


def gates(xp: Any) -> dict[str, Function]:
    """Activations with thresholds."""

    def hardtanh(x: Any, *, low: float = -1.0, high: float = 1.0) -> Any:
        return xp.minimum(xp.maximum(x, low), high)

    return {
        "relu6": lambda x: xp.minimum(xp.maximum(x, 0), 6),
        "hardtanh": hardtanh,
        "hardsigmoid": lambda x: xp.minimum(xp.maximum(x / 6 + 0.5, 0), 1),
        "hardswish": lambda x: x * xp.minimum(xp.maximum(x / 6 + 0.5, 0), 1),
        "softsign": lambda x: x / (1 + xp.abs(x)),
        "prelu": lambda x, slope: xp.where(x > 0, x, slope * x),
        "leaky_relu": lambda x, *, slope=0.01: xp.where(x > 0, x, slope * x),
        "masked_fill": lambda x, mask, *, value: xp.where(mask, value, x),
    }
