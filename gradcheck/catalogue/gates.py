"""Smooth activation functions beyond the elementary ones, gates, and the relatives of softmax."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.catalogue.activations import SATURATION, SOFTMAX_EXAMPLES, sigmoid, softmax, softplus
from gradcheck.catalogue.elementwise import BINARY, UNARY
from gradcheck.catalogue.rectifiers import with_params
from gradcheck.claim import Example, Kink, Operator, Witness, interval
from gradcheck.records import Array

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
TWO_ROOT_TWO_OVER_PI = 2 * math.sqrt(2 / math.pi)


def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """The identity, and an exponential that tends to ``-alpha`` left of 0."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """As elu, with an exponential that is stretched so that its slope at 0 is 1."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def selu(x: Array) -> Array:
    """A multiple of elu that keeps mean 0 and variance 1."""
    result: Array = SELU_SCALE * elu(x, alpha=SELU_ALPHA)
    return result


def gelu_tanh(x: Array) -> Array:
    """``(1 + tanh u) / 2`` is the sigmoid of 2u, which keeps its digits far to the left."""
    return x * sigmoid(TWO_ROOT_TWO_OVER_PI * (x + 0.044715 * (x * x * x)))


def silu(x: Array) -> Array:
    """``x`` times its sigmoid."""
    return x * sigmoid(x)


def mish(x: Array) -> Array:
    """``x`` times the hyperbolic tangent of its softplus."""
    result: Array = x * np.tanh(softplus(x))
    return result


def scaled_softplus(x: Array, *, beta: float = 1.0) -> Array:
    """The softplus with a corner that is sharper for greater ``beta``."""
    return softplus(beta * x) / beta


def softsign(x: Array) -> Array:
    """``x`` over one plus its size."""
    result: Array = x / (1 + np.maximum(x, -x))
    return result


def log_sigmoid(x: Array) -> Array:
    """The logarithm of the sigmoid."""
    return -softplus(-x)


def softmin(x: Array, *, axis: int = -1) -> Array:
    """The softmax of ``-x``."""
    return softmax(-x, axis=axis)


def log_softmax(x: Array, *, axis: int = -1) -> Array:
    """The logarithm of the softmax, which does not underflow where that does."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    result: Array = shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
    return result


def glu(x: Array, *, axis: int = -1) -> Array:
    """The first half of the axis, times the sigmoid of the second."""
    value, gate = np.split(x, 2, axis=axis)
    return value * sigmoid(gate)


def swiglu(x: Array, gate: Array) -> Array:
    """``x`` times the silu of the gate."""
    return x * silu(gate)


GLU_EXAMPLES = (
    Example(((4,),)),
    Example(((2,),)),
    Example(((4, 3),), {"axis": 0}),
    Example(((2, 6),), {"axis": -1}),
    Example(((2, 2, 3),), {"axis": 1}),
    Example(((0, 4),)),
)

LN2, LN3 = math.log(2.0), math.log(3.0)
HALF = 0.6747184019351026
"""The root of sqrt(2/pi) (x + 0.044715 x^3) = ln(3)/2, whose hyperbolic tangent is 1/2."""

SILU_WITNESSES = (
    Witness(
        (np.array([0.0, LN3, -2 * LN2]),),
        np.array([0.0, 0.75 * LN3, -0.4 * LN2]),
        "sigmoid(ln a) = a / (1 + a)",
    ),
)

OPERATORS = (
    Operator(
        name="elu",
        family="gates",
        signature="(...)->(...)",
        definition=elu,
        examples=with_params({"alpha": 0.5}, {"alpha": 2.0}),
        formula="y = x if x > 0, else alpha (e^x - 1)",
        citation="Clevert, Unterthiner, Hochreiter, Exponential Linear Units, arXiv:1511.07289, equation 15",
        witnesses=(
            Witness((np.array([-LN2, 0.0, 3.0]),), np.array([-1.0, 0.0, 3.0]), "e^-ln 2 = 1/2", {"alpha": 2.0}),
        ),
        kinks=(Kink("x = 0", "anything between alpha and 1"),),
        special=SATURATION,
        parameters={"alpha": interval(-2.0, 4.0)},
    ),
    Operator(
        name="celu",
        family="gates",
        signature="(...)->(...)",
        definition=celu,
        examples=with_params({"alpha": 0.5}, {"alpha": 2.0}),
        formula="y = x if x > 0, else alpha (e^(x / alpha) - 1)",
        citation="Barron, Continuously Differentiable Exponential Linear Units, arXiv:1704.07483, equation 2",
        witnesses=(Witness((np.array([-2 * LN2, 3.0]),), np.array([-1.0, 3.0]), "e^-ln 2 = 1/2", {"alpha": 2.0}),),
        special=SATURATION,
        parameters={"alpha": interval(0.125, 4.0)},
    ),
    Operator(
        name="selu",
        family="gates",
        signature="(...)->(...)",
        definition=selu,
        examples=UNARY,
        formula="y = lambda x if x > 0, else lambda alpha (e^x - 1), lambda = 1.0507..., alpha = 1.6732...",
        citation="Klambauer et al., Self-Normalizing Neural Networks, arXiv:1706.02515, equations 2 and 14",
        witnesses=(
            Witness((np.array([1.0, -LN2]),), np.array([1.0507009873554805, -0.8790496704236883]), "constants"),
        ),
        kinks=(Kink("x = 0", "anything in [lambda, lambda alpha]"),),
        special=SATURATION,
    ),
    Operator(
        name="gelu_tanh",
        family="gates",
        signature="(...)->(...)",
        definition=gelu_tanh,
        examples=UNARY,
        formula="y = x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2",
        citation="Hendrycks, Gimpel, Gaussian Error Linear Units, arXiv:1606.08415, section 2",
        witnesses=(
            Witness((np.array([0.0, HALF, -HALF]),), np.array([0.0, 0.75, -0.25]) * HALF, "tanh(ln(3)/2) = 1/2"),
        ),
        special=SATURATION,
    ),
    Operator(
        name="silu",
        family="gates",
        signature="(...)->(...)",
        definition=silu,
        examples=UNARY,
        formula="y = x / (1 + e^-x)",
        citation="Elfwing, Uchibe, Doya, Sigmoid-weighted Linear Units, arXiv:1702.03118, equation 3",
        witnesses=SILU_WITNESSES,
        special=(*SATURATION, -1.2784645427610738),  # the minimum
    ),
    Operator(
        name="mish",
        family="gates",
        signature="(...)->(...)",
        definition=mish,
        examples=UNARY,
        formula="y = x tanh(ln(1 + e^x))",
        citation="Misra, Mish, arXiv:1908.08681, equation 1",
        witnesses=(
            Witness((np.array([LN2, -LN2]),), np.array([0.8, -5 / 13]) * LN2, "tanh(ln a) = (a^2 - 1) / (a^2 + 1)"),
        ),
        special=(*SATURATION, -1.1924358),  # close to the minimum
    ),
    Operator(
        name="scaled_softplus",
        family="gates",
        signature="(...)->(...)",
        definition=scaled_softplus,
        examples=with_params({"beta": 0.5}, {"beta": 4.0}, {"beta": -1.0}),
        formula="y = ln(1 + e^(beta x)) / beta",
        citation="Dugas et al., Incorporating Second-Order Functional Knowledge (NIPS 2000), equation 4",
        witnesses=(Witness((np.array([LN3 / 2, 0.0]),), np.array([LN2, LN2 / 2]), "ln(1 + 3) / 2", {"beta": 2.0}),),
        special=SATURATION,
        parameters={"beta": interval(-4.0, 4.0)},
    ),
    Operator(
        name="softsign",
        family="gates",
        signature="(...)->(...)",
        definition=softsign,
        examples=UNARY,
        formula="y = x / (1 + |x|)",
        citation="Glorot, Bengio, Understanding the Difficulty of Training (AISTATS 2010), section 2.2",
        witnesses=(Witness((np.array([-3.0, 0.0, 1.0]),), np.array([-0.75, 0.0, 0.5]), "exact"),),
        special=SATURATION,
    ),
    Operator(
        name="log_sigmoid",
        family="gates",
        signature="(...)->(...)",
        definition=log_sigmoid,
        examples=UNARY,
        formula="y = -ln(1 + e^-x)",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 3.10",
        witnesses=(
            Witness((np.array([0.0, LN3, -800.0]),), np.array([-LN2, LN3 - 2 * LN2, -800.0]), "ln(a / (1 + a))"),
        ),
        special=SATURATION,
    ),
    Operator(
        name="softmin",
        family="gates",
        signature="(...,n)->(...,n)",
        definition=softmin,
        examples=SOFTMAX_EXAMPLES,
        formula="y_i = e^-x_i / sum_j e^-x_j along the axis",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), equation 6.29",
        witnesses=(Witness((-np.log([1.0, 2.0, 5.0]),), np.array([0.125, 0.25, 0.625]), "softmin(-ln a) = a / sum a"),),
        special=SATURATION,
    ),
    Operator(
        name="log_softmax",
        family="gates",
        signature="(...,n)->(...,n)",
        definition=log_softmax,
        examples=SOFTMAX_EXAMPLES,
        formula="y_i = x_i - ln sum_j e^x_j along the axis",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), equation 6.30",
        witnesses=(Witness((np.log([1.0, 2.0, 5.0]),), np.log([0.125, 0.25, 0.625]), "softmax(ln a) = a / sum a"),),
        special=SATURATION,
    ),
    Operator(
        name="glu",
        family="gates",
        signature="(...,2n)->(...,n)",
        definition=glu,
        examples=GLU_EXAMPLES,
        formula="y = a / (1 + e^-b), a and b the halves of x along the axis",
        citation="Dauphin, Fan, Auli, Grangier, Gated Convolutional Networks, arXiv:1612.08083, equation 1",
        witnesses=(Witness((np.array([3.0, -4.0, LN3, 0.0]),), np.array([2.25, -2.0]), "sigmoid(ln a) = a / (1 + a)"),),
        special=SATURATION,
    ),
    Operator(
        name="swiglu",
        family="gates",
        signature="(...),(...)->(...)",
        definition=swiglu,
        examples=BINARY,
        formula="z = x y / (1 + e^-y)",
        citation="Shazeer, GLU Variants Improve Transformer, arXiv:2002.05202, equation 5",
        witnesses=(Witness((np.array([2.0, -1.0]), np.array([LN3, 0.0])), np.array([1.5 * LN3, 0.0]), "silu(ln 3)"),),
        special=SATURATION,
    ),
)
