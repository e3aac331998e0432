"""Piecewise linear and piecewise quadratic activation functions."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.elementwise import BINARY, UNARY
from gradcheck.claim import Example, Kink, Operator, Witness, interval
from gradcheck.records import Array

CORNERS = (0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 1e-8, -1e-8, 100.0, -1e4)
"""Where one piece ends and another begins."""


def with_params(*params: dict[str, float]) -> tuple[Example, ...]:
    """The shapes of a function of one array, and one more example for each choice of parameters."""
    return (*UNARY, *(Example(((5,),), chosen) for chosen in params))


def clipped(x: Array, low: float, high: float) -> Array:
    """``x``, but no less than ``low`` and no more than ``high``."""
    return np.minimum(np.maximum(x, low), high)


def leaky_relu(x: Array, *, slope: float = 0.01) -> Array:
    """Negative numbers are multiplied by ``slope``, which may be 0, negative, or above one."""
    return np.where(x > 0, x, slope * x)


def prelu(x: Array, slope: Array) -> Array:
    """The leaky rectifier with a slope that is learnt."""
    return np.where(x > 0, x, slope * x)


def hardtanh(x: Array, *, low: float = -1.0, high: float = 1.0) -> Array:
    """The identity between two constants."""
    return clipped(x, low, high)


def hardsigmoid(x: Array) -> Array:
    """The straight line through (-3, 0) and (3, 1), between 0 and 1."""
    return clipped(x / 6 + 0.5, 0, 1)


def hardswish(x: Array) -> Array:
    """``x`` times the hard sigmoid."""
    return x * hardsigmoid(x)


def relu6(x: Array) -> Array:
    """The positive part, no more than 6."""
    return clipped(x, 0, 6)


def softshrink(x: Array, *, threshold: float = 0.5) -> Array:
    """``x`` moved towards 0 by the threshold, and 0 where that would change its sign."""
    return np.maximum(x - threshold, 0) + np.minimum(x + threshold, 0)


def hardshrink(x: Array, *, threshold: float = 0.5) -> Array:
    """``x``, but 0 up to the threshold."""
    return np.where((x > threshold) | (x < -threshold), x, 0 * x)


OPERATORS = (
    Operator(
        name="leaky_relu",
        family="rectifiers",
        signature="(...)->(...)",
        definition=leaky_relu,
        examples=with_params({"slope": 0.2}, {"slope": 0.0}, {"slope": -0.5}, {"slope": 1.5}),
        formula="y = x if x > 0, else slope x",
        citation="Maas, Hannun, Ng, Rectifier Nonlinearities Improve Acoustic Models (ICML 2013), section 2",
        witnesses=(Witness((np.array([-8.0, 0.0, 3.5]),), np.array([-2.0, 0.0, 3.5]), "exact", {"slope": 0.25}),),
        kinks=(Kink("x = 0", "anything between slope and 1"),),
        special=CORNERS,
        parameters={"slope": interval(-2.0, 2.0)},
    ),
    Operator(
        name="prelu",
        family="rectifiers",
        signature="(...),(...)->(...)",
        definition=prelu,
        examples=BINARY,
        formula="y = x if x > 0, else slope x",
        citation="He, Zhang, Ren, Sun, Delving Deep into Rectifiers, arXiv:1502.01852, equation 1",
        witnesses=(Witness((np.array([-8.0, 3.5]), np.array([0.25, 0.5])), np.array([-2.0, 3.5]), "exact"),),
        kinks=(Kink("x = 0", "anything between slope and 1"),),
        special=CORNERS,
    ),
    Operator(
        name="hardtanh",
        family="rectifiers",
        signature="(...)->(...)",
        definition=hardtanh,
        examples=with_params({"low": -0.5, "high": 2.0}, {"low": 0.25, "high": 0.75}),
        formula="y = min(max(x, low), high)",
        citation="Collobert, Large Scale Machine Learning (2004), section 3.3",
        witnesses=(Witness((np.array([-8.0, 0.25, 3.5]),), np.array([-1.0, 0.25, 1.0]), "exact"),),
        kinks=(Kink("x = low, x = high", "anything in [0, 1]"),),
        special=(*CORNERS, 2.0, 0.25),
    ),
    Operator(
        name="hardsigmoid",
        family="rectifiers",
        signature="(...)->(...)",
        definition=hardsigmoid,
        examples=UNARY,
        formula="y = min(max(x / 6 + 1/2, 0), 1)",
        citation="Howard et al., Searching for MobileNetV3, arXiv:1905.02244, section 5.2",
        witnesses=(Witness((np.array([-8.0, 1.5, 3.5]),), np.array([0.0, 0.75, 1.0]), "exact"),),
        kinks=(Kink("|x| = 3", "anything in [0, 1/6]"),),
        special=CORNERS,
    ),
    Operator(
        name="hardswish",
        family="rectifiers",
        signature="(...)->(...)",
        definition=hardswish,
        examples=UNARY,
        formula="y = x min(max(x / 6 + 1/2, 0), 1)",
        citation="Howard et al., Searching for MobileNetV3, arXiv:1905.02244, section 5.2",
        witnesses=(Witness((np.array([-8.0, 1.5, 3.5]),), np.array([0.0, 1.125, 3.5]), "exact"),),
        kinks=(Kink("x = -3, x = 3", "anything in [-1/2, 0]; anything in [1, 3/2]"),),
        special=CORNERS,
    ),
    Operator(
        name="relu6",
        family="rectifiers",
        signature="(...)->(...)",
        definition=relu6,
        examples=UNARY,
        formula="y = min(max(x, 0), 6)",
        citation="Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10 (2010), section 2.2",
        witnesses=(Witness((np.array([-8.0, 1.5, 7.0]),), np.array([0.0, 1.5, 6.0]), "exact"),),
        kinks=(Kink("x = 0, x = 6", "anything in [0, 1]"),),
        special=(*CORNERS, 7.0),
    ),
    Operator(
        name="softshrink",
        family="rectifiers",
        signature="(...)->(...)",
        definition=softshrink,
        examples=with_params({"threshold": 0.25}, {"threshold": 1.0}, {"threshold": 0.0}),
        formula="y = sign(x) max(|x| - threshold, 0)",
        citation="Donoho, De-noising by Soft-thresholding, IEEE Trans. Inf. Theory 41 (1995), equation 2",
        witnesses=(Witness((np.array([-8.0, 0.25, 3.5]),), np.array([-7.5, 0.0, 3.0]), "exact"),),
        kinks=(Kink("|x| = threshold", "anything in [0, 1]"),),
        special=CORNERS,
        parameters={"threshold": interval(0.0, 3.0)},
    ),
    Operator(
        name="hardshrink",
        family="rectifiers",
        signature="(...)->(...)",
        definition=hardshrink,
        examples=with_params({"threshold": 0.25}, {"threshold": 1.0}),
        formula="y = x if |x| > threshold, else 0",
        citation="Donoho, Johnstone, Ideal Spatial Adaptation by Wavelet Shrinkage, Biometrika 81 (1994), section 2.2",
        witnesses=(Witness((np.array([-8.0, 0.25, 3.5]),), np.array([-8.0, 0.0, 3.5]), "exact"),),
        kinks=(Kink("|x| = threshold", "nothing is claimed: the function jumps there"),),
        special=CORNERS,
        parameters={"threshold": interval(0.125, 3.0)},
    ),
)
