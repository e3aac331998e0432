"""Losses of real numbers: entry by entry, with broadcasting, then averaged, summed, or kept."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.catalogue.activations import softplus
from gradcheck.catalogue.losses import reduced
from gradcheck.claim import POSITIVE, REALS, Domain, Example, Kink, Operator, Witness, interval
from gradcheck.records import Array

SPECIAL = (0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 1e-8, 20.0, -20.0, 100.0, -1e4)

NONE, SUM = {"reduction": "none"}, {"reduction": "sum"}

PAIRS = (
    Example(((4,), (4,))),
    Example(((), ())),
    Example(((2, 3), (2, 3)), SUM),
    Example(((2, 3), (2, 3)), NONE),
    Example(((3, 1), (2,))),
)
"""Every reduction; prediction and target of different shapes."""


def pairs(name: str, *values: float) -> tuple[Example, ...]:
    """The pairs, and each value of one parameter."""
    return (*PAIRS, *(Example(((4,), (4,)), {name: value, "reduction": "none"}) for value in values))


def mse(prediction: Array, target: Array, *, reduction: str = "mean") -> Array:
    """The squared residual."""
    return reduced(np.square(prediction - target), reduction)


def mae(prediction: Array, target: Array, *, reduction: str = "mean") -> Array:
    """The size of the residual."""
    return reduced(np.maximum(prediction - target, target - prediction), reduction)


def smooth_l1(prediction: Array, target: Array, *, beta: float = 1.0, reduction: str = "mean") -> Array:
    """Quadratic for residuals up to ``beta``; beyond, the size of the residual less half of ``beta``."""
    residual = prediction - target
    size = np.maximum(residual, -residual)
    return reduced(np.where(size < beta, residual * residual / (2 * beta), size - beta / 2), reduction)


def log_cosh(prediction: Array, target: Array, *, reduction: str = "mean") -> Array:
    """The logarithm of the hyperbolic cosine of the residual."""
    residual = prediction - target
    return reduced(residual + softplus(-2 * residual) - math.log(2.0), reduction)


def pinball(prediction: Array, target: Array, *, quantile: float = 0.5, reduction: str = "mean") -> Array:
    """Under-estimates cost ``quantile`` a unit, over-estimates the rest of one."""
    missing = target - prediction
    return reduced(np.maximum(quantile * missing, (quantile - 1) * missing), reduction)


def poisson_nll(log_rate: Array, target: Array, *, reduction: str = "mean") -> Array:
    """Minus the logarithm of the Poisson probability of the target, without its constant."""
    return reduced(np.exp(log_rate) - target * log_rate, reduction)


def gaussian_nll(mean: Array, target: Array, variance: Array, *, reduction: str = "mean") -> Array:
    """Minus the logarithm of the normal density at the target, without its constant."""
    residual = mean - target
    return reduced((np.log(variance) + residual * residual / variance) / 2, reduction)


GAUSSIAN_EXAMPLES = (
    Example(((4,), (4,), (4,))),
    Example(((), (), ())),
    Example(((2, 3), (2, 3), (2, 1)), SUM),
    Example(((2, 3), (3,), ()), NONE),
)

LN2, LN3 = math.log(2.0), math.log(3.0)

SMOOTH_L1_WITNESSES = (
    Witness((np.array([3.0, -1.0]), np.array([0.0, 0.0])), np.array([2.0, 0.25]), "exact", {**NONE, "beta": 2.0}),
)

PINBALL_WITNESSES = (
    Witness((np.array([3.0, -1.0]), np.array([1.0, 3.0])), np.array([1.5, 1.0]), "exact", {**NONE, "quantile": 0.25}),
)

GAUSSIAN_NLL_WITNESSES = (
    Witness(
        (np.array([3.0, 1.0]), np.array([1.0, 0.0]), np.array([2.0, 1.0])), [LN2 / 2 + 1, 0.5], "ln 2 / 2 + 4 / 4", NONE
    ),
)

OPERATORS = (
    Operator(
        name="mse",
        family="regression",
        signature="(...),(...)->()",
        definition=mse,
        examples=PAIRS,
        formula="loss = r^2, with r = prediction - target",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), equation 5.4",
        witnesses=(
            Witness((np.array([3.0, -1.0]), np.array([1.0, 0.0])), np.array([4.0, 1.0]), "integers", NONE),
            Witness((np.array([3.0, -1.0]), np.array([1.0, 0.0])), np.array(2.5), "the mean of 4 and 1"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="mae",
        family="regression",
        signature="(...),(...)->()",
        definition=mae,
        examples=PAIRS,
        formula="loss = |r|, with r = prediction - target",
        citation="Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, section 10.6",
        witnesses=(Witness((np.array([3.0, -1.0]), np.array([1.0, 0.0])), np.array(1.5), "the mean of 2 and 1"),),
        kinks=(Kink("r = 0", "anything in [-1, 1]"),),
        special=SPECIAL,
    ),
    Operator(
        name="smooth_l1",
        family="regression",
        signature="(...),(...)->()",
        definition=smooth_l1,
        examples=pairs("beta", 0.5, 2.0),
        formula="loss = r^2 / (2 beta) if |r| < beta, else |r| - beta / 2, with r = prediction - target",
        citation="Girshick, Fast R-CNN, arXiv:1504.08083, equation 3",
        witnesses=SMOOTH_L1_WITNESSES,
        kinks=(Kink("|r| = beta", "the slope is continuous there: only the second derivative jumps"),),
        special=SPECIAL,
        parameters={"beta": interval(0.125, 8.0)},
    ),
    Operator(
        name="log_cosh",
        family="regression",
        signature="(...),(...)->()",
        definition=log_cosh,
        examples=PAIRS,
        formula="loss = ln cosh r, with r = prediction - target",
        citation="Green, Bayesian Reconstructions from Emission Tomography, IEEE Trans. Med. Imaging 9 (1990), 84-93",
        witnesses=(
            Witness((np.array([LN2, -LN3]), np.zeros(2)), np.log([1.25, 5 / 3]), "cosh(ln a) = (a + 1/a) / 2", NONE),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="pinball",
        family="regression",
        signature="(...),(...)->()",
        definition=pinball,
        examples=pairs("quantile", 0.1, 0.9),
        formula="loss = max(q m, (q - 1) m), with m = target - prediction",
        citation="Koenker, Bassett, Regression Quantiles, Econometrica 46 (1978), 33-50",
        witnesses=PINBALL_WITNESSES,
        kinks=(Kink("prediction = target", "anything in [-q, 1 - q]"),),
        special=SPECIAL,
        parameters={"quantile": interval(0.0, 1.0)},
    ),
    Operator(
        name="poisson_nll",
        family="regression",
        signature="(...),(...)->()",
        definition=poisson_nll,
        examples=PAIRS,
        formula="loss = e^x - t x",
        citation="McCullagh, Nelder, Generalized Linear Models, section 6.2",
        witnesses=(
            Witness((np.array([LN2, 0.0]), np.array([3.0, 5.0])), np.array([2 - 3 * LN2, 1.0]), "e^ln 2", NONE),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="gaussian_nll",
        family="regression",
        signature="(...),(...),(...)->()",
        definition=gaussian_nll,
        examples=GAUSSIAN_EXAMPLES,
        formula="loss = (ln v + (mean - target)^2 / v) / 2",
        citation="Nix, Weigend, Estimating the Mean and Variance of the Target Distribution (ICNN 1994), equation 3",
        witnesses=GAUSSIAN_NLL_WITNESSES,
        domain=Domain((REALS, REALS, POSITIVE)),
        special=(0.0, -0.0, 0.5, 1.0, -1.0, 2.0, 4.0, 20.0, -20.0, 1e-3, 1e4),
    ),
)
