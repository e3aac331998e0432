"""Operators that shift and scale to mean 0 and variance 1, then to a learnt mean and scale."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array

SPECIAL = (0.0, 1.0, -1.0, 1e-3, -3e-3, 1e4, -1e4, 100.0)
"""Among them values whose variance is about the size of epsilon."""


def _standardised(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    deviation = x - np.mean(x, axis=axes, keepdims=True)
    result: Array = deviation / np.sqrt(np.mean(deviation * deviation, axis=axes, keepdims=True) + epsilon)
    return result


def layer_norm(x: Array, scale: Array, shift: Array, *, epsilon: float = 1e-5) -> Array:
    """The last axis is standardised; ``scale`` and ``shift`` have its length."""
    return _standardised(x, (-1,), epsilon) * scale + shift


def batch_norm(x: Array, scale: Array, shift: Array, *, epsilon: float = 1e-5) -> Array:
    """Axis 1 counts the channels; each is standardised over all other axes with the statistics of this batch."""
    per_channel = (-1,) + (1,) * (x.ndim - 2)
    axes = (0, *range(2, x.ndim))
    scaled: Array = _standardised(x, axes, epsilon) * np.reshape(scale, per_channel)
    result: Array = scaled + np.reshape(shift, per_channel)
    return result


ROOT = math.sqrt(1.5)

LAYER_NORM_EXAMPLES = (
    Example(((4,), (4,), (4,))),
    Example(((3, 5), (5,), (5,))),
    Example(((2, 3, 4), (4,), (4,)), {"epsilon": 1e-2}),
    Example(((2, 1), (1,), (1,))),
    Example(((0, 3), (3,), (3,))),
    Example(((6, 3), (3,), (3,)), {"epsilon": 1e-3}),
)

LAYER_NORM_WITNESSES = (
    Witness(
        (np.array([[1.0, 2.0, 3.0]]), np.ones(3), np.zeros(3)),
        np.array([[-ROOT, 0.0, ROOT]]),
        "1, 2, 3 has variance 2/3",
        {"epsilon": 0.0},
    ),
    Witness(
        (np.array([1.0, -1.0]), np.array([2.0, 4.0]), np.array([1.0, 0.5])),
        np.array([2.0, -1.5]),
        "variance 1, epsilon 3",
        {"epsilon": 3.0},
    ),
)

BATCH_NORM_EXAMPLES = (
    Example(((5, 3), (3,), (3,))),
    Example(((3, 2, 4), (2,), (2,))),
    Example(((2, 3, 2, 2), (3,), (3,)), {"epsilon": 1e-2}),
    Example(((1, 2), (2,), (2,))),
    Example(((4, 1), (1,), (1,)), {"epsilon": 1e-3}),
)

BATCH_NORM_WITNESSES = (
    Witness(
        (np.array([[1.0], [2.0], [3.0]]), np.ones(1), np.zeros(1)),
        np.array([[-ROOT], [0.0], [ROOT]]),
        "1, 2, 3 has variance 2/3",
        {"epsilon": 0.0},
    ),
    Witness(
        (np.array([[1.0, 5.0], [-1.0, 5.0]]), np.array([2.0, 7.0]), np.array([1.0, 3.0])),
        np.array([[2.0, 3.0], [0.0, 3.0]]),
        "variances 1 and 0, epsilon 3",
        {"epsilon": 3.0},
    ),
)

OPERATORS = (
    Operator(
        name="layer_norm",
        family="normalisation",
        signature="(...,n),(n),(n)->(...,n)",
        definition=layer_norm,
        examples=LAYER_NORM_EXAMPLES,
        formula="y = (x - mean) / sqrt(var + epsilon) * scale + shift over the last axis",
        citation="Ba, Kiros, Hinton, Layer Normalization, arXiv:1607.06450, equations 3 and 4",
        witnesses=LAYER_NORM_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="batch_norm",
        family="normalisation",
        signature="(n,c,...),(c),(c)->(n,c,...)",
        definition=batch_norm,
        examples=BATCH_NORM_EXAMPLES,
        formula="y = (x - mean) / sqrt(var + epsilon) * scale + shift, per channel over batch and space",
        citation="Ioffe, Szegedy, Batch Normalization, arXiv:1502.03167, algorithm 1",
        witnesses=BATCH_NORM_WITNESSES,
        special=SPECIAL,
    ),
)
