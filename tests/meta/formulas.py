"""Elementwise backward passes with a wrong formula: sign, factor, a missing term, an activation's slope."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcheck.claim import POSITIVE, REALS, Domain, interval
from tests.meta.case import Case
from tests.meta.drawn import pair
from tests.meta.stable import sigmoid

SIGN = "sign"
FACTOR = "constant factor"
MISSING = "missing factor x"
ACTIVATION = "activation derivative"
TERM = "missing term"
MODERATE = Domain((interval(0.5, 20.0),))


def scaled(name: str, forward: Any, slope: Any, factor: float, *shapes: Any, **options: Any) -> tuple[Case, Case]:
    """An elementwise function whose backward is off by ``factor``."""
    return pair(
        name,
        SIGN if factor == -1 else FACTOR,
        forward,
        lambda g, x: g * slope(x),
        lambda g, x: factor * g * slope(x),
        *shapes,
        **options,
    )


def horner_vjp(g: Any, c: Any, x: Any, shift: int) -> Any:
    """vjp of sum c_k x^k; ``shift`` is an error of the powers in the slope."""
    k = np.arange(1, len(c))
    return g * x ** np.arange(len(c)), g * np.sum(k * c[1:] * x ** (k - 1 + shift))


def trapezoid_vjp(g: Any, x: Any, ends: float) -> Any:
    """The two ends weigh a half."""
    weights = np.ones(len(x))
    weights[[0, -1]] = ends
    return g * weights * np.cos(x)


FACTORS = (
    *scaled("sin/sign", np.sin, np.cos, -1, (4,)),
    *scaled("cos/sign-of-sine-forgotten", np.cos, lambda x: -np.sin(x), -1, (2, 3)),
    *scaled("exp-of-minus-x/sign", lambda x: np.exp(-x / 8), lambda x: -np.exp(-x / 8) / 8, -1, (3,)),
    *scaled("square/factor-two-forgotten", np.square, lambda x: 2 * x, 0.5, (5,)),
    *scaled("half-square/factor-two-kept", lambda x: x * x / 2, lambda x: 1.0 * x, 2, (5,)),
    *scaled(
        "log10/natural-slope",
        lambda x: np.log10(1 + x * x),
        lambda x: 2 * x / (1 + x * x) / math.log(10),
        math.log(10),
        (4,),
    ),
    *scaled(
        "log2/multiplied-instead",
        lambda x: np.log2(1 + x * x),
        lambda x: 2 * x / (1 + x * x) / math.log(2),
        math.log(2) ** 2,
        (4,),
    ),
    *scaled("log/base-ten-slope", np.log, lambda x: 1 / x, 1 / math.log(10), (4,), domain=MODERATE),
    *scaled(
        "exp2/logarithm-of-two-forgotten",
        lambda x: np.exp2(x / 16),
        lambda x: np.exp2(x / 16) * math.log(2) / 16,
        1 / math.log(2),
        (4,),
    ),
    *scaled("sqrt/half-forgotten", np.sqrt, lambda x: 0.5 / np.sqrt(x), 2, (4,), domain=Domain((POSITIVE,))),
    *scaled("mean/length-forgotten", lambda x: np.mean(x**3), lambda x: 3 * x * x / x.size, 5, (5,)),
    *scaled("sum/divided-by-the-length", lambda x: np.sum(np.tanh(x)), lambda x: 1 / np.cosh(x) ** 2, 1 / 6, (6,)),
    *scaled(
        "sine-in-degrees/conversion-forgotten",
        lambda x: np.sin(np.pi * x / 180),
        lambda x: np.cos(np.pi * x / 180) * np.pi / 180,
        180 / np.pi,
        (4,),
    ),
    *scaled(
        "erf-like/two-over-root-pi-rounded",
        lambda x: np.arctan(x) * 2 / np.sqrt(np.pi),
        lambda x: 2 / np.sqrt(np.pi) / (1 + x * x),
        1.128 / 1.1283791670955126,
        (4,),
    ),
    *scaled(
        "softplus/inner-factor-forgotten", lambda x: np.logaddexp(0, 3 * x), lambda x: 3 * sigmoid(3 * x), 1 / 3, (4,)
    ),
)


ELEMENTWISE = (
    *pair(
        "x-exp/factor-x-forgotten",
        MISSING,
        lambda x: np.exp(-x * x),
        lambda g, x: -2 * g * x * np.exp(-x * x),
        lambda g, x: -2 * g * np.exp(-x * x),
        (4,),
    ),
    *pair(
        "x-sin/product-rule-first-term-only",
        TERM,
        lambda x: x * np.sin(x),
        lambda g, x: g * (np.sin(x) + x * np.cos(x)),
        lambda g, x: g * np.sin(x),
        (4,),
    ),
    *pair(
        "silu/second-term-forgotten",
        TERM,
        lambda x: x * sigmoid(x),
        lambda g, x: g * sigmoid(x) * (1 + x * sigmoid(-x)),
        lambda g, x: g * sigmoid(x),
        (2, 3),
    ),
    *pair(
        "residual/skip-path-lost",
        TERM,
        lambda x: x + np.tanh(x),
        lambda g, x: g * (1 + 1 / np.cosh(x) ** 2),
        lambda g, x: g / np.cosh(x) ** 2,
        (4,),
    ),
    *pair(
        "tanh/one-minus-output-without-square",
        ACTIVATION,
        np.tanh,
        lambda g, x: g / np.cosh(x) ** 2,
        lambda g, x: g * (1 - np.tanh(x)),
        (5,),
    ),
    *pair(
        "tanh/slope-at-the-input-taken-for-the-output",
        ACTIVATION,
        np.tanh,
        lambda g, x: g / np.cosh(x) ** 2,
        lambda g, x: g * (1 - x**2),
        (5,),
    ),
    *pair(
        "sigmoid/slope-formula-fed-with-the-input",
        ACTIVATION,
        sigmoid,
        lambda g, x: g * sigmoid(x) * sigmoid(-x),
        lambda g, x: g * x * (1 - x),
        (4,),
    ),
    *pair(
        "sigmoid/activation-applied-twice",
        ACTIVATION,
        sigmoid,
        lambda g, x: g * sigmoid(x) * sigmoid(-x),
        lambda g, x: g * sigmoid(sigmoid(x)) * sigmoid(-sigmoid(x)),
        (4,),
    ),
    *pair(
        "trapezoid/ends-weigh-one",
        FACTOR,
        lambda x: np.sum((np.sin(x[1:]) + np.sin(x[:-1])) / 2),
        lambda g, x: trapezoid_vjp(g, x, 0.5),
        lambda g, x: trapezoid_vjp(g, x, 1.0),
        (5,),
    ),
    *pair(
        "polynomial/power-not-lowered",
        MISSING,
        lambda c, x: np.sum(c * x ** np.arange(len(c))),
        lambda g, c, x: horner_vjp(g, c, x, 0),
        lambda g, c, x: horner_vjp(g, c, x, 1),
        (4,),
        (),
    ),
    *pair(
        "divide/sign-of-the-denominator",
        SIGN,
        np.divide,
        lambda g, x, y: (g / y, -g * x / y**2),
        lambda g, x, y: (g / y, g * x / y**2),
        (3,),
        (3,),
        domain=Domain((REALS, interval(0.5, 20.0))),
    ),
)

CASES: tuple[Case, ...] = (*FACTORS, *ELEMENTWISE)
