"""Losses of class labels and of probabilities."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from gradcheck.catalogue.activations import SATURATION, softplus
from gradcheck.catalogue.gates import log_softmax
from gradcheck.catalogue.losses import LABELS, reduced
from gradcheck.catalogue.regression import NONE, PAIRS, SUM, pairs
from gradcheck.claim import FIXED, POSITIVE, REALS, Domain, Example, Kink, Operator, Witness, interval
from gradcheck.records import Array

SIDES = np.array([1, -1, -1, 1])
Weights = tuple[float, ...] | None


def _averaged(losses: Array, weights: Array, reduction: str) -> Array:
    """As ``reduced``, with the mean that divides by the sum of the weights."""
    if reduction == "mean":
        result: Array = np.sum(losses) / np.sum(weights)
        return result
    return reduced(losses, reduction)


def _class_weights(weights: Weights, x: Array) -> Array:
    if weights is not None and len(weights) != x.shape[-1]:
        raise ValueError(f"weights: {len(weights)} of them for {x.shape[-1]} classes; give one for each")
    return np.asarray([1.0] * x.shape[-1] if weights is None else weights, dtype=x.real.dtype)


def nll(log_probabilities: Array, labels: Array, *, weights: Weights = None, reduction: str = "mean") -> Array:
    """Minus the entry of the label, times the weight of that class."""
    weight = _class_weights(weights, log_probabilities)[labels]
    chosen = np.take_along_axis(log_probabilities, labels[..., None], axis=-1)[..., 0]
    return _averaged(-weight * chosen, weight, reduction)


def cross_entropy(
    logits: Array, labels: Array, *, smoothing: float = 0.0, weights: Weights = None, reduction: str = "mean"
) -> Array:
    """A part ``smoothing`` of the target is spread over all classes; each class has its weight."""
    weight = _class_weights(weights, logits)
    logs = log_softmax(logits)
    chosen = np.take_along_axis(logs, labels[..., None], axis=-1)[..., 0]
    spread = np.sum(weight * logs, axis=-1) / logits.shape[-1]
    return _averaged(-(1 - smoothing) * weight[labels] * chosen - smoothing * spread, weight[labels], reduction)


def bce(probability: Array, target: Array, *, reduction: str = "mean") -> Array:
    """Minus the logarithm of the probability of a target that is 1, or of one that is 0, mixed by the target."""
    losses = -special.xlogy(target, probability) - special.xlog1py(1 - target, -probability)
    return reduced(losses if losses.dtype.kind == "c" else losses.astype(probability.dtype), reduction)


def bce_with_logits(x: Array, target: Array, *, positive_weight: float = 1.0, reduction: str = "mean") -> Array:
    """The same of the sigmoid of ``x``; a target of 1 counts ``positive_weight`` times."""
    return reduced(positive_weight * target * softplus(-x) + (1 - target) * softplus(x), reduction)


def kl_divergence(log_probability: Array, target: Array, *, reduction: str = "mean") -> Array:
    """One term of the relative entropy of ``target`` to a distribution that is given by its logarithm."""
    own = special.xlogy(target, target)
    return reduced((own if own.dtype.kind == "c" else own.astype(target.dtype)) - target * log_probability, reduction)


def hinge(score: Array, side: Array, *, reduction: str = "mean") -> Array:
    """What is missing to a margin of 1 on the right side, which is 1 or -1."""
    return reduced(np.maximum(1 - side.astype(score.real.dtype) * score, 0), reduction)


def squared_hinge(score: Array, side: Array, *, reduction: str = "mean") -> Array:
    """The square of what is missing to a margin of 1."""
    return reduced(np.square(np.maximum(1 - side.astype(score.real.dtype) * score, 0)), reduction)


def soft_margin(score: Array, side: Array, *, reduction: str = "mean") -> Array:
    """The logistic loss of a score and a side."""
    return reduced(softplus(-side.astype(score.real.dtype) * score), reduction)


def focal(x: Array, side: Array, *, gamma: float = 2.0, alpha: float = 0.25, reduction: str = "mean") -> Array:
    """The logistic loss, less by the power ``gamma`` of the probability of an error; sides weigh alpha and 1 - alpha."""
    margin = side.astype(x.real.dtype) * x
    weight = np.where(side > 0, alpha, 1 - alpha).astype(x.real.dtype)
    return reduced(weight * np.exp(-gamma * softplus(margin)) * softplus(-margin), reduction)


SIDED = (
    Example(((4,), SIDES)),
    Example(((), np.array(-1))),
    Example(((2, 2), SIDES.reshape(2, 2)), SUM),
    Example(((2, 2), SIDES.reshape(2, 2)), NONE),
)

FOCAL_EXAMPLES = (
    *SIDED,
    Example(((4,), SIDES), {"gamma": 0.0, "alpha": 0.5}),
    Example(((4,), SIDES), {"gamma": 0.5, "alpha": 0.75, **NONE}),
)

NLL_EXAMPLES = (
    Example(((4, 3), LABELS)),
    Example(((4, 3), LABELS), {"weights": (0.5, 1.0, 4.0)}),
    Example(((4, 3), LABELS), {"weights": (0.0, 1.0, 2.0), **SUM}),
    Example(((4, 5), LABELS), NONE),
    Example(((3,), np.array(1))),
    Example(((2, 2, 3), LABELS.reshape(2, 2)), {"weights": (2.0, 1.0, 0.5), **NONE}),
)

CROSS_ENTROPY_EXAMPLES = (
    *NLL_EXAMPLES,
    Example(((4, 3), LABELS), {"smoothing": 0.1}),
    Example(((4, 3), LABELS), {"smoothing": 0.5, "weights": (0.5, 1.0, 4.0), **SUM}),
    Example(((1, 1), np.array([0])), {"smoothing": 0.1}),
)

LN2, LN3 = math.log(2.0), math.log(3.0)
SCORES = (np.array([0.5, -3.0, 4.0]), np.array([1, 1, 1]))
RIGHT = Domain((REALS, FIXED))
UNIT = Domain((interval(0.0, 1.0, closed=False), interval(0.0, 1.0)))

NLL_WITNESSES = (
    Witness(
        (np.array([[1.0, 2.0], [5.0, 7.0]]), np.array([0, 1])),
        np.array(-5.5),
        "-22 / 4",
        {"weights": (1.0, 3.0)},
    ),
)

CROSS_ENTROPY_WITNESSES = (
    Witness((np.log([[1.0, 2.0, 5.0]]), np.array([2])), np.array(math.log(1.6)), "-ln(5/8)"),
    Witness((np.log([[1.0, 3.0]]), np.array([1])), np.array(2 * LN2 - 0.75 * LN3), "1/4, 3/4", {"smoothing": 0.5}),
)

BCE_WITNESSES = (
    Witness((np.array([0.5, 0.25, 0.75]), np.array([0.3, 1.0, 0.0])), np.array([1.0, 2.0, 2.0]) * LN2, "-ln p", NONE),
)

KL_DIVERGENCE_WITNESSES = (
    Witness((np.array([-LN2, -5.0, 0.0]), np.array([2.0, 0.0, 1.0])), np.array([4 * LN2, 0.0, 0.0]), "2 ln 4", NONE),
)

OPERATORS = (
    Operator(
        name="nll",
        family="classification",
        signature="(...,k),(...)->()",
        definition=nll,
        examples=NLL_EXAMPLES,
        formula="loss = -w_label x_label; the mean divides by the sum of the weights",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), equation 5.59",
        witnesses=NLL_WITNESSES,
        domain=RIGHT,
        special=(0.0, 1.0, -1.0, 20.0, -20.0, -800.0),
    ),
    Operator(
        name="cross_entropy",
        family="classification",
        signature="(...,k),(...)->()",
        definition=cross_entropy,
        examples=CROSS_ENTROPY_EXAMPLES,
        formula="loss = -(1 - e) w_label ln p_label - e/k sum_c w_c ln p_c; the mean divides by the sum of w_label",
        citation="Szegedy et al., Rethinking the Inception Architecture, arXiv:1512.00567, section 7",
        witnesses=CROSS_ENTROPY_WITNESSES,
        domain=RIGHT,
        special=(0.0, 1.0, -1.0, 20.0, -20.0, 100.0, -100.0, 800.0, -800.0),
    ),
    Operator(
        name="bce",
        family="classification",
        signature="(...),(...)->()",
        definition=bce,
        examples=PAIRS,
        formula="loss = -t ln p - (1 - t) ln(1 - p)",
        citation="Bishop, Pattern Recognition and Machine Learning (2006), equation 4.90",
        witnesses=BCE_WITNESSES,
        domain=UNIT,
        special=(0.0, 1.0, 0.5, 1e-8, 0.999, 1.0 - 2.0**-20),
    ),
    Operator(
        name="bce_with_logits",
        family="classification",
        signature="(...),(...)->()",
        definition=bce_with_logits,
        examples=pairs("positive_weight", 0.5, 3.0),
        formula="loss = w t ln(1 + e^-x) + (1 - t) ln(1 + e^x)",
        citation="Bishop, Pattern Recognition and Machine Learning (2006), equation 4.90",
        witnesses=(
            Witness((np.array([LN3, LN3]), np.array([0.0, 1.0])), np.array([2 * LN2, 2 * LN2 - LN3]), "3/4", NONE),
        ),
        domain=Domain((REALS, interval(0.0, 1.0))),
        special=SATURATION,
    ),
    Operator(
        name="kl_divergence",
        family="classification",
        signature="(...),(...)->()",
        definition=kl_divergence,
        examples=PAIRS,
        formula="loss = t (ln t - x), and 0 for t = 0",
        citation="Cover, Thomas, Elements of Information Theory, equation 2.26",
        witnesses=KL_DIVERGENCE_WITNESSES,
        domain=Domain((REALS, POSITIVE)),
        special=(0.0, 1.0, 0.5, -1.0, 1e-8, -20.0, 1e4),
    ),
    Operator(
        name="hinge",
        family="classification",
        signature="(...),(...)->()",
        definition=hinge,
        examples=SIDED,
        formula="loss = max(1 - s x, 0), with the side s = 1 or -1",
        citation="Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, equation 12.25",
        witnesses=(Witness(SCORES, np.array([0.5, 4.0, 0.0]), "exact", NONE),),
        domain=RIGHT,
        kinks=(Kink("s x = 1", "anything in [-1, 0], times s"),),
        special=(0.0, 1.0, -1.0, 0.5, 2.0, 100.0, -1e4),
    ),
    Operator(
        name="squared_hinge",
        family="classification",
        signature="(...),(...)->()",
        definition=squared_hinge,
        examples=SIDED,
        formula="loss = max(1 - s x, 0)^2, with the side s = 1 or -1",
        citation="Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, table 12.1",
        witnesses=(Witness(SCORES, np.array([0.25, 16.0, 0.0]), "exact", NONE),),
        domain=RIGHT,
        special=(0.0, 1.0, -1.0, 0.5, 2.0, 100.0, -1e4),
    ),
    Operator(
        name="soft_margin",
        family="classification",
        signature="(...),(...)->()",
        definition=soft_margin,
        examples=SIDED,
        formula="loss = ln(1 + e^(-s x)), with the side s = 1 or -1",
        citation="Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, table 12.1",
        witnesses=(
            Witness((np.array([LN3, LN3]), np.array([-1, 1])), np.array([2 * LN2, 2 * LN2 - LN3]), "ln(1 + a)", NONE),
        ),
        domain=RIGHT,
        special=SATURATION,
    ),
    Operator(
        name="focal",
        family="classification",
        signature="(...),(...)->()",
        definition=focal,
        examples=FOCAL_EXAMPLES,
        formula="loss = -a (1 - p)^gamma ln p, p the sigmoid of s x, a = alpha for the side s = 1, else 1 - alpha",
        citation="Lin, Goyal, Girshick, He, Dollar, Focal Loss, arXiv:1708.02002, equation 5",
        witnesses=(
            Witness((np.array([0.0, LN3]), np.array([1, -1])), np.array([0.0625, 0.84375]) * LN2, "p = 1/2, 1/4", NONE),
        ),
        domain=RIGHT,
        special=SATURATION,
        parameters={"gamma": interval(0.0, 5.0)},
    ),
)
