"""Operators that shift and scale to mean 0 and variance 1, then to a learnt mean and scale."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.claim import NONNEGATIVE, REALS, Domain, Example, Kink, Operator, Witness
from gradcheck.records import Array

SPECIAL = (0.0, 1.0, -1.0, 1e-3, -3e-3, 1e4, -1e4, 100.0)
"""Among them values whose variance is about the size of epsilon."""


LENGTHS = (*SPECIAL, 1e30, -1e-30, 1e200, -1e-200)
"""Among them values whose squares leave the range of float32, or of float64."""


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


def batch_norm_inference(
    x: Array, scale: Array, shift: Array, mean: Array, variance: Array, *, epsilon: float = 1e-5
) -> Array:
    """As ``batch_norm``, with a mean and a variance per channel that were gathered before."""
    per_channel = (-1,) + (1,) * (x.ndim - 2)
    factor: Array = scale / np.sqrt(variance + epsilon)
    scaled: Array = (x - np.reshape(mean, per_channel)) * np.reshape(factor, per_channel)
    result: Array = scaled + np.reshape(shift, per_channel)
    return result


def group_norm(x: Array, scale: Array, shift: Array, *, groups: int, epsilon: float = 1e-5) -> Array:
    """Axis 1 counts the channels; each group of neighbouring ones is standardised over channels and space."""
    split = np.reshape(x, (x.shape[0], groups, -1))
    per_channel = (-1,) + (1,) * (x.ndim - 2)
    scaled: Array = np.reshape(_standardised(split, (2,), epsilon), x.shape) * np.reshape(scale, per_channel)
    result: Array = scaled + np.reshape(shift, per_channel)
    return result


def instance_norm(x: Array, scale: Array, shift: Array, *, epsilon: float = 1e-5) -> Array:
    """Axis 1 counts the channels; each is standardised over space, for each member of the batch by itself."""
    per_channel = (-1,) + (1,) * (x.ndim - 2)
    scaled: Array = _standardised(x, tuple(range(2, x.ndim)), epsilon) * np.reshape(scale, per_channel)
    result: Array = scaled + np.reshape(shift, per_channel)
    return result


def rms_norm(x: Array, scale: Array, *, epsilon: float = 1e-6) -> Array:
    """The last axis divided by the root of its mean square, which epsilon keeps from 0."""
    result: Array = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon) * scale
    return result


def l2_normalise(x: Array, *, axis: int = -1, epsilon: float = 1e-12) -> Array:
    """Lines along the axis divided by their length, or by epsilon if that is larger."""
    length: Array = np.sqrt(np.sum(x * x, axis=axis, keepdims=True))
    return x / np.maximum(length, epsilon)


def local_response_norm(x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 2.0) -> Array:
    """Each channel (axis 1) divided by a power of the squares of the ``size`` channels around it."""
    width = ((0, 0), ((size - 1) // 2, size // 2)) + ((0, 0),) * (x.ndim - 2)
    squares = np.pad(x * x, width)
    total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    result: Array = x / (bias + alpha * total) ** beta
    return result


def weight_norm(direction: Array, gain: Array) -> Array:
    """Rows of length ``gain`` in the direction of the rows given."""
    length = np.sqrt(np.sum(direction * direction, axis=-1, keepdims=True))
    result: Array = gain[..., None] * direction / length
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

INFERENCE_EXAMPLES = (
    Example(((2, 3), (3,), (3,), (3,), (3,))),
    Example(((2, 2, 3), (2,), (2,), (2,), (2,)), {"epsilon": 1e-2}),
    Example(((1, 1), (1,), (1,), (1,), (1,))),
    Example(((2, 2, 1, 2), (2,), (2,), (2,), (2,))),
    Example(((0, 2), (2,), (2,), (2,), (2,))),
)

GROUP_NORM_EXAMPLES = (
    Example(((2, 4, 2), (4,), (4,)), {"groups": 2}),
    Example(((2, 4), (4,), (4,)), {"groups": 2, "epsilon": 1e-2}),
    Example(((1, 3, 2, 2), (3,), (3,)), {"groups": 1}),
    Example(((2, 2, 3), (2,), (2,)), {"groups": 2, "epsilon": 1e-3}),
)

INSTANCE_NORM_EXAMPLES = (
    Example(((2, 2, 4), (2,), (2,))),
    Example(((1, 2, 2, 3), (2,), (2,)), {"epsilon": 1e-2}),
    Example(((2, 3, 1), (3,), (3,)), {"epsilon": 1e-3}),
    Example(((0, 2, 3), (2,), (2,))),
)

RMS_NORM_EXAMPLES = (
    Example(((4,), (4,))),
    Example(((2, 3), (3,)), {"epsilon": 1e-2}),
    Example(((2, 1, 2), (2,))),
    Example(((2, 1), (1,)), {"epsilon": 1e-3}),
    Example(((0, 3), (3,))),
)

L2_EXAMPLES = (
    Example(((4,),)),
    Example(((2, 3),)),
    Example(((3, 2),), {"axis": 0, "epsilon": 0.5}),
    Example(((2, 3, 2),), {"axis": 1}),
    Example(((2, 1),)),
    Example(((0, 3),)),
)

RESPONSE_EXAMPLES = (
    Example(((2, 5),), {"size": 3, "alpha": 0.5}),
    Example(((1, 4, 2),), {"size": 2, "alpha": 1.0, "beta": 0.5, "bias": 1.0}),
    Example(((1, 3, 2, 1),), {"size": 5}),
    Example(((2, 3),), {"size": 1, "alpha": 1.0, "beta": 1.0}),
    Example(((0, 3),), {"size": 3}),
)

WEIGHT_NORM_EXAMPLES = (
    Example(((2, 3), (2,))),
    Example(((4,), ())),
    Example(((2, 2, 2), (2, 2))),
    Example(((3, 1), (3,))),
    Example(((0, 2), (0,))),
)

TRIPLES = Witness((np.array([[3.0, 4.0], [5.0, -12.0]]),), np.array([[0.6, 0.8], [5 / 13, -12 / 13]]), "3-4-5, 5-12-13")

INFERENCE_WITNESSES = (
    Witness(
        (
            np.array([[5.0, 2.0]]),
            np.array([2.0, 7.0]),
            np.array([1.0, 3.0]),
            np.array([1.0, 2.0]),
            np.array([1.0, 0.0]),
        ),
        np.array([[5.0, 3.0]]),
        "variances 1 and 0, epsilon 3",
        {"epsilon": 3.0},
    ),
)

GROUP_NORM_WITNESSES = (
    Witness(
        (np.array([[1.0, 3.0, 5.0, 5.0]]), np.array([2.0, 2.0, 1.0, 1.0]), np.array([0.0, 1.0, 2.0, 3.0])),
        np.array([[-1.0, 2.0, 2.0, 3.0]]),
        "variances 1 and 0, epsilon 3",
        {"groups": 2, "epsilon": 3.0},
    ),
)

INSTANCE_NORM_WITNESSES = (
    Witness(
        (np.array([[[1.0, 2.0, 3.0]], [[7.0, 7.0, 7.0]]]), np.array([1.0]), np.array([0.5])),
        np.array([[[0.5 - ROOT, 0.5, 0.5 + ROOT]], [[0.5, 0.5, 0.5]]]),
        "1, 2, 3 has variance 2/3; a constant has none",
        {"epsilon": 1e-300},
    ),
)

RMS_NORM_WITNESSES = (
    Witness((np.array([1.0, 7.0]), np.array([5.0, 10.0])), np.array([1.0, 14.0]), "mean square 25", {"epsilon": 0.0}),
    Witness((np.array([1.0, 1.0]), np.array([2.0, 4.0])), np.array([1.0, 2.0]), "mean square 1", {"epsilon": 3.0}),
)

RESPONSE_WITNESSES = (
    Witness(
        (np.array([[2.0, 1.0, 2.0]]),),
        np.array([[math.sqrt(0.8), 1 / 3, math.sqrt(0.8)]]),
        "squares 4 + 1, 4 + 1 + 4, 1 + 4",
        {"size": 3, "alpha": 1.0, "beta": 0.5, "bias": 0.0},
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
    Operator(
        name="batch_norm_inference",
        family="normalisation",
        signature="(n,c,...),(c),(c),(c),(c)->(n,c,...)",
        definition=batch_norm_inference,
        examples=INFERENCE_EXAMPLES,
        formula="y = (x - mean) / sqrt(variance + epsilon) * scale + shift, with given statistics",
        citation="Ioffe, Szegedy, Batch Normalization, arXiv:1502.03167, algorithm 2",
        witnesses=INFERENCE_WITNESSES,
        domain=Domain((REALS, REALS, REALS, REALS, NONNEGATIVE)),
        special=SPECIAL,
    ),
    Operator(
        name="group_norm",
        family="normalisation",
        signature="(n,c,...),(c),(c)->(n,c,...)",
        definition=group_norm,
        examples=GROUP_NORM_EXAMPLES,
        formula="y = (x - mean) / sqrt(var + epsilon) * scale + shift, per group of channels",
        citation="Wu, He, Group Normalization, arXiv:1803.08494, equations 1 and 6",
        witnesses=GROUP_NORM_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="instance_norm",
        family="normalisation",
        signature="(n,c,...),(c),(c)->(n,c,...)",
        definition=instance_norm,
        examples=INSTANCE_NORM_EXAMPLES,
        formula="y = (x - mean) / sqrt(var + epsilon) * scale + shift, per channel and member of the batch",
        citation="Ulyanov, Vedaldi, Lempitsky, Instance Normalization, arXiv:1607.08022, equation 3",
        witnesses=INSTANCE_NORM_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="rms_norm",
        family="normalisation",
        signature="(...,n),(n)->(...,n)",
        definition=rms_norm,
        examples=RMS_NORM_EXAMPLES,
        formula="y = x / sqrt(mean x^2 + epsilon) * scale over the last axis",
        citation="Zhang, Sennrich, Root Mean Square Layer Normalization, arXiv:1910.07467, equation 4",
        witnesses=RMS_NORM_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="l2_normalise",
        family="normalisation",
        signature="(...,n)->(...,n)",
        definition=l2_normalise,
        examples=L2_EXAMPLES,
        formula="y = x / max(|x|, epsilon) along the axis",
        citation="Golub, Van Loan, Matrix Computations, section 2.2",
        witnesses=(TRIPLES,),
        kinks=(Kink("|x| = epsilon", "any convex combination of the slopes on both sides"),),
        special=LENGTHS,
    ),
    Operator(
        name="local_response_norm",
        family="normalisation",
        signature="(n,c,...)->(n,c,...)",
        definition=local_response_norm,
        examples=RESPONSE_EXAMPLES,
        formula="y_c = x_c / (bias + alpha sum of x^2 over the size channels around c)^beta",
        citation="Krizhevsky, Sutskever, Hinton, ImageNet Classification (2012), section 3.3",
        witnesses=RESPONSE_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="weight_norm",
        family="normalisation",
        signature="(...,n),(...)->(...,n)",
        definition=weight_norm,
        examples=WEIGHT_NORM_EXAMPLES,
        formula="w = gain v / |v| row by row",
        citation="Salimans, Kingma, Weight Normalization, arXiv:1602.07868, equation 2",
        witnesses=(Witness((np.array([[3.0, 4.0]]), np.array([10.0])), np.array([[6.0, 8.0]]), "3-4-5"),),
        special=LENGTHS,
    ),
)
