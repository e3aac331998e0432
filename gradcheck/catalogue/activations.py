"""Activation functions of neural networks."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from gradcheck.catalogue.elementwise import UNARY
from gradcheck.claim import Example, Kink, Operator, Witness
from gradcheck.records import Array

SATURATION = (0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 100.0, -100.0, 800.0, -800.0, 1e4, -1e4, 1e-8, -1e-8)
"""From where the slope is steepest to where naive formulae overflow (88 in float32, 710 in float64)."""


def sigmoid(x: Array) -> Array:
    """Where ``exp(-x)`` overflows, the quotient is 0 and right: the true value is below the smallest normal number."""
    result: Array = 1 / (1 + np.exp(-x))
    return result


def relu(x: Array) -> Array:
    """The positive part."""
    return np.maximum(x, 0)


def softplus(x: Array) -> Array:
    """Both branches are the same function; the exponential of the chosen one does not overflow."""
    return np.where(x > 0, x + np.log1p(np.exp(-x)), np.log1p(np.exp(x)))


def gelu(x: Array) -> Array:
    """``x`` times the normal distribution function, by ``erfc`` so that the left tail keeps its digits."""
    tail = special.erfc(x / -math.sqrt(2.0)) / 2
    result: Array = x * tail.astype(x.dtype)  # erfc widens 16-bit numbers
    return result


def softmax(x: Array, *, axis: int = -1) -> Array:
    """Shifted by the largest entry, which changes nothing but the range of the exponentials."""
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    result: Array = powers / np.sum(powers, axis=axis, keepdims=True)
    return result


TANH_WITNESSES = (
    Witness(
        (np.array([0.0, math.log(2.0), -math.log(3.0)]),),
        np.array([0.0, 0.6, -0.8]),
        "tanh(ln a) = (a^2 - 1) / (a^2 + 1)",
    ),
)

SIGMOID_WITNESSES = (
    Witness(
        (np.array([0.0, math.log(3.0), -math.log(4.0)]),),
        np.array([0.5, 0.75, 0.2]),
        "sigmoid(ln a) = a / (1 + a)",
    ),
)

SOFTPLUS_WITNESSES = (
    Witness(
        (np.array([0.0, math.log(3.0), 800.0]),),
        np.array([0.6931471805599453, 1.3862943611198906, 800.0]),
        "softplus(ln a) = ln(1 + a)",
    ),
)

GELU_WITNESSES = (
    Witness(
        (np.array([0.0, 1.0, 2.0]),),
        np.array([0.0, 0.8413447460685429, 1.9544997361036416]),
        "Abramowitz, Stegun, table 26.1: Phi(1), Phi(2)",
    ),
)

SOFTMAX_EXAMPLES = (
    Example(((4,),)),
    Example(((1,),)),
    Example(((2, 3),), {"axis": 0}),
    Example(((5, 2),), {"axis": -1}),
    Example(((2, 1, 3),), {"axis": 1}),
    Example(((0, 3),)),
)

OPERATORS = (
    Operator(
        name="tanh",
        family="activations",
        signature="(...)->(...)",
        definition=np.tanh,
        examples=UNARY,
        formula="y = (e^x - e^-x) / (e^x + e^-x)",
        citation="DLMF 4.28.4",
        witnesses=TANH_WITNESSES,
        special=SATURATION,
    ),
    Operator(
        name="sigmoid",
        family="activations",
        signature="(...)->(...)",
        definition=sigmoid,
        examples=UNARY,
        formula="y = 1 / (1 + e^-x)",
        citation="Rojas, Neural Networks (1996), section 7.1",
        witnesses=SIGMOID_WITNESSES,
        special=SATURATION,
    ),
    Operator(
        name="relu",
        family="activations",
        signature="(...)->(...)",
        definition=relu,
        examples=UNARY,
        formula="y = max(x, 0)",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 6.3.1",
        witnesses=(Witness((np.array([-2.0, 0.0, 3.5]),), np.array([0.0, 0.0, 3.5]), "exact"),),
        kinks=(Kink("x = 0", "anything in [0, 1]"),),
        special=SATURATION,
    ),
    Operator(
        name="softplus",
        family="activations",
        signature="(...)->(...)",
        definition=softplus,
        examples=UNARY,
        formula="y = ln(1 + e^x)",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), equation 3.31",
        witnesses=SOFTPLUS_WITNESSES,
        special=SATURATION,
    ),
    Operator(
        name="gelu",
        family="activations",
        signature="(...)->(...)",
        definition=gelu,
        examples=UNARY,
        formula="y = x Phi(x), Phi the distribution function of the standard normal law",
        citation="Hendrycks, Gimpel, Gaussian Error Linear Units, arXiv:1606.08415, section 2",
        witnesses=GELU_WITNESSES,
        special=SATURATION,
    ),
    Operator(
        name="softmax",
        family="activations",
        signature="(...,n)->(...,n)",
        definition=softmax,
        examples=SOFTMAX_EXAMPLES,
        formula="y_i = e^x_i / sum_j e^x_j along the axis",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), equation 6.29",
        witnesses=(
            Witness((np.log([1.0, 2.0, 5.0]),), np.array([0.125, 0.25, 0.625]), "softmax(ln a) = a / sum a"),
            Witness((np.array([[800.0], [800.0]]),), np.array([[0.5], [0.5]]), "symmetry", {"axis": 0}),
        ),
        special=SATURATION,
    ),
)
