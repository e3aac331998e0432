"""Losses: how far an answer is from a target."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.catalogue.reductions import logsumexp
from gradcheck.claim import FIXED, REALS, Domain, Example, Kink, Operator, Witness, interval
from gradcheck.records import Array

LABELS = np.array([2, 0, 2, 1])


def reduced(losses: Array, reduction: str) -> Array:
    """All losses, their sum, or their mean (0 for none)."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction={reduction!r}: it is 'mean', 'sum' or 'none'")
    if reduction == "none":
        return losses
    total: Array = np.sum(losses)
    return total / max(losses.size, 1) if reduction == "mean" else total


def softmax_cross_entropy(logits: Array, labels: Array, *, reduction: str = "mean") -> Array:
    """Classes lie along the last axis; ``labels`` are integers, one per row."""
    chosen = np.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    return reduced(logsumexp(logits, axis=-1) - chosen, reduction)


def huber(prediction: Array, target: Array, *, delta: float = 1.0, reduction: str = "mean") -> Array:
    """Quadratic for residuals up to ``delta``, linear beyond; the slope is continuous."""
    residual = prediction - target
    size = np.maximum(residual, -residual)
    return reduced(np.where(size <= delta, residual * residual / 2, delta * (size - delta / 2)), reduction)


SOFTMAX_CROSS_ENTROPY_EXAMPLES = (
    Example(((4, 3), LABELS)),
    Example(((4, 3), LABELS), {"reduction": "sum"}),
    Example(((4, 5), LABELS), {"reduction": "none"}),
    Example(((1, 1), np.array([0]))),
    Example(((3,), np.array(1))),
    Example(((2, 2, 3), LABELS.reshape(2, 2)), {"reduction": "none"}),
)

SOFTMAX_CROSS_ENTROPY_WITNESSES = (
    Witness((np.zeros((2, 5)), np.array([3, 0])), np.array(math.log(5.0)), "uniform distribution: ln k"),
    Witness((np.log([[1.0, 2.0, 5.0]]), np.array([2])), np.array([math.log(1.6)]), "-ln(5/8)", {"reduction": "none"}),
)

HUBER_EXAMPLES = (
    Example(((4,), (4,))),
    Example(((), ())),
    Example(((2, 3), (2, 3)), {"reduction": "sum", "delta": 0.5}),
    Example(((2, 3), (2, 3)), {"reduction": "none"}),
    Example(((3, 1), (2,)), {"delta": 2.0}),
    Example(((5,), (5,)), {"delta": 100.0}),
)

HUBER_WITNESSES = (
    Witness(
        (np.array([0.5, 3.0, -2.0, 1.0]), np.zeros(4)),
        np.array([0.125, 2.5, 1.5, 0.5]),
        "dyadic rationals",
        {"reduction": "none"},
    ),
    Witness((np.array([0.5, 3.0]), np.array([0.0, 0.0])), np.array(1.3125), "mean of 1/8 and 5/2"),
)

OPERATORS = (
    Operator(
        name="softmax_cross_entropy",
        family="losses",
        signature="(...,k),(...)->()",
        definition=softmax_cross_entropy,
        examples=SOFTMAX_CROSS_ENTROPY_EXAMPLES,
        formula="loss = ln sum_j e^x_j - x_label, averaged or summed over the rows",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 6.2.2.3",
        witnesses=SOFTMAX_CROSS_ENTROPY_WITNESSES,
        domain=Domain((REALS, FIXED)),
        special=(0.0, 1.0, -1.0, 20.0, -20.0, 100.0, -100.0, 800.0, -800.0),
    ),
    Operator(
        name="huber",
        family="losses",
        signature="(...),(...)->()",
        definition=huber,
        examples=HUBER_EXAMPLES,
        formula="loss = r^2 / 2 if |r| <= delta, else delta (|r| - delta / 2), with r = prediction - target",
        citation="Huber, Robust Estimation of a Location Parameter, Ann. Math. Statist. 35 (1964), 73-101",
        witnesses=HUBER_WITNESSES,
        kinks=(Kink("|r| = delta", "the slope is continuous there: only the second derivative jumps"),),
        special=(0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 100.0, -1e4),
        parameters={"delta": interval(0.125, 128.0)},
    ),
)
