"""Backward passes that are wrong only beyond a threshold, for one sign, or where an epsilon matters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcheck.claim import NONNEGATIVE, Domain
from tests.meta.case import Case
from tests.meta.drawn import pair
from tests.meta.stable import sigmoid, softplus

EPSILON = "epsilon forgotten"
SIGN = "wrong only for one sign"
THRESHOLD = "wrong only beyond a threshold"


def polynomial(x: Any) -> Any:
    """x + x^2/2 + x^3/6."""
    return x + x**2 / 2 + x**3 / 6


def cosine_by_series(x: Any) -> Any:
    """Ten terms of the Taylor series: good to 1e-10 for |x| < 3, useless at 20."""
    return sum((-1) ** k * x ** (2 * k) / math.factorial(2 * k) for k in range(11))


def sinh_vjp_small(g: Any, x: Any) -> Any:
    """A truncated series serves all arguments."""
    return g * sum(x ** (2 * k) / math.factorial(2 * k) for k in range(12))


def smooth_step(x: Any) -> Any:
    """x / (1 + |x|)."""
    return x / (1 + np.abs(x))


def rms_norm(x: Any) -> Any:
    """x / sqrt(mean(x^2) + 1e-8) along the last axis."""
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-8)


def rms_norm_vjp(g: Any, x: Any, eps: float) -> Any:
    """(g - y mean(g y)) / r, where r = sqrt(mean(x^2) + eps) and y = x / r."""
    r = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps)
    y = x / r
    return (g - y * np.mean(g * y, axis=-1, keepdims=True)) / r


def layer_norm(x: Any) -> Any:
    """(x - mean) / sqrt(var + 1e-6) along the last axis."""
    return (x - np.mean(x, axis=-1, keepdims=True)) / np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-6)


def layer_norm_vjp(g: Any, x: Any, eps: float) -> Any:
    """(g - mean(g) - y mean(g y)) / s, with s = sqrt(var + eps)."""
    s = np.sqrt(np.var(x, axis=-1, keepdims=True) + eps)
    y = (x - np.mean(x, axis=-1, keepdims=True)) / s
    return (g - np.mean(g, axis=-1, keepdims=True) - y * np.mean(g * y, axis=-1, keepdims=True)) / s


def smooth_norm(x: Any) -> Any:
    """sqrt(sum x^2 + 1e-10)."""
    return np.sqrt(np.sum(x * x) + 1e-10)


def beyond(limit: float, inside: Any, outside: Any) -> Any:
    """A slope in two pieces: ``inside(x)`` for |x| <= limit, ``outside(x)`` beyond."""
    return lambda g, x: g * np.where(np.abs(x) <= limit, inside(x), outside(x))


def smooth_step_slope(x: Any) -> Any:
    """1 / (1 + |x|)^2."""
    return 1 / (1 + np.abs(x)) ** 2


def times(slope: Any) -> Any:
    """The vjp of an elementwise function from its slope."""
    return lambda g, x: g * slope(x)


def arctan_slope(x: Any) -> Any:
    """1 / (1 + x^2)."""
    return 1 / (1 + x * x)


def asinh_slope(x: Any) -> Any:
    """1 / sqrt(1 + x^2)."""
    return 1 / np.sqrt(1 + x * x)


def cube_slope(x: Any) -> Any:
    """3 x^2."""
    return 3 * x * x


def sine_square_slope(x: Any) -> Any:
    """2 sin(x) cos(x) = sin(2x)."""
    return np.sin(2 * x)


def polynomial_slope(x: Any) -> Any:
    """1 + x + x^2/2."""
    return 1 + x + x * x / 2


def student_loss(x: Any) -> Any:
    """sum log(1 + x^2)."""
    return np.sum(np.log1p(x * x))


SHAPE = (3, 2)

CASES: tuple[Case, ...] = (
    *pair(
        "sin/cosine-by-a-short-series", THRESHOLD, np.sin, times(np.cos), times(cosine_by_series), SHAPE, invisible=True
    ),
    *pair("sinh/cosh-by-a-short-series", THRESHOLD, np.sinh, times(np.cosh), sinh_vjp_small, SHAPE, invisible=True),
    *pair(
        "arctan/zero-beyond-fifty",
        THRESHOLD,
        np.arctan,
        times(arctan_slope),
        beyond(50, arctan_slope, np.zeros_like),
        (4,),
        invisible=True,
    ),
    *pair(
        "softsign/saturated-beyond-ten",
        THRESHOLD,
        smooth_step,
        times(smooth_step_slope),
        beyond(10, smooth_step_slope, np.zeros_like),
        (4,),
        invisible=True,
    ),
    *pair(
        "asinh/asymptote-too-early",
        THRESHOLD,
        np.arcsinh,
        times(asinh_slope),
        beyond(5, asinh_slope, lambda x: 1 / np.maximum(np.abs(x), 1)),
        (2, 4),
        invisible=True,
    ),
    *pair(
        "square/slope-clipped-at-one-thousand",
        THRESHOLD,
        np.square,
        lambda g, x: 2 * g * x,
        lambda g, x: g * np.clip(2 * x, -1000, 1000),
        SHAPE,
        invisible=True,
    ),
    *pair(
        "cube/factor-lost-beyond-five-hundred",
        THRESHOLD,
        lambda x: x**3,
        times(cube_slope),
        beyond(500, cube_slope, np.square),
        (5,),
        invisible=True,
    ),
    *pair(
        "softplus/shortcut-returns-x",
        THRESHOLD,
        softplus,
        times(sigmoid),
        lambda g, x: g * np.where(x > 15, x, sigmoid(x)),
        SHAPE,
        invisible=True,
    ),
    *pair(
        "softplus/slope-cut-to-zero-below-minus-eight",
        THRESHOLD,
        lambda x: np.sum(softplus(0.1 * x)),
        lambda g, x: 0.1 * g * sigmoid(0.1 * x),
        lambda g, x: 0.1 * g * np.where(x < -8, 0.0, sigmoid(0.1 * x)),
        (6,),
        invisible=True,
    ),
    *pair(
        "sigmoid/argument-clipped-at-fifteen",
        THRESHOLD,
        lambda x: np.sum(sigmoid(0.05 * x)),
        lambda g, x: 0.05 * g * sigmoid(0.05 * x) * sigmoid(-0.05 * x),
        lambda g, x: 0.05 * g * sigmoid(0.05 * x) * sigmoid(-0.05 * x) * (np.abs(x) < 15),
        (6,),
        invisible=True,
    ),
    *pair(
        "polynomial/negative-branch-far-out",
        SIGN,
        polynomial,
        times(polynomial_slope),
        lambda g, x: g * np.where(x < -10, 1 - x + x * x / 2, polynomial_slope(x)),
        (4,),
        invisible=True,
    ),
    *pair(
        "sine-squared/sign-lost-for-large-positive",
        SIGN,
        lambda x: np.sin(x) ** 2,
        times(sine_square_slope),
        lambda g, x: g * np.where(x > 10, np.abs(sine_square_slope(x)), sine_square_slope(x)),
        (8,),
        invisible=True,
    ),
    *pair(
        "square/absolute-value-for-negative-arguments",
        SIGN,
        np.square,
        lambda g, x: 2 * g * x,
        lambda g, x: 2 * g * np.abs(x),
        SHAPE,
    ),
    *pair(
        "polynomial/wrong-below-minus-one",
        SIGN,
        polynomial,
        times(polynomial_slope),
        lambda g, x: g * np.where(x < -1, 1 + x, polynomial_slope(x)),
        (3, 4),
    ),
    *pair(
        "student-loss/outliers-trimmed",
        THRESHOLD,
        student_loss,
        lambda g, x: 2 * g * x / (1 + x * x),
        lambda g, x: 2 * g * x / (1 + x * x) * (np.abs(x) < 50),
        (8,),
        invisible=True,
    ),
    *pair(
        "sum-of-squares/gradient-rescaled-when-its-norm-is-large",
        THRESHOLD,
        lambda x: np.sum(x * x),
        lambda g, x: 2 * g * x,
        lambda g, x: 2 * g * x / max(1.0, float(np.linalg.norm(x)) / 90),
        (6,),
        invisible=True,
    ),
    *pair(
        "exp/flushed-to-zero-when-small",
        THRESHOLD,
        lambda x: np.exp(0.2 * x),
        lambda g, x: 0.2 * g * np.exp(0.2 * x),
        lambda g, x: 0.2 * g * np.where(x < -15, 0.0, np.exp(0.2 * x)),
        (5,),
        invisible=True,
    ),
    *pair(
        "linear/small-arguments-flushed-to-zero",
        "wrong only for small values",
        lambda x: x * x + 3 * x,
        lambda g, x: g * (2 * x + 3),
        lambda g, x: g * (2 * x + 3) * (np.abs(x) > 1e-7),
        (4,),
        invisible=True,
    ),
    *pair(
        "product/dense-layer-skips-zero-inputs",
        "wrong only at zero",
        lambda x, w: x @ w,
        lambda g, x, w: (w @ g, np.outer(x, g)),
        lambda g, x, w: (w @ g * (x != 0), np.outer(x, g)),
        (3,),
        (3, 2),
        invisible=True,
    ),
    *pair(
        "minus-zero/signbit-taken-for-negative",
        "wrong only at minus zero",
        lambda x: x * np.cos(x),
        lambda g, x: g * (np.cos(x) - x * np.sin(x)),
        lambda g, x: g * (np.cos(x) - x * np.sin(x)) * np.where((x == 0) & np.signbit(x), -1.0, 1.0),
        (4,),
        invisible=True,
    ),
    *pair(
        "log/epsilon-forgotten",
        EPSILON,
        lambda x: np.log(x + 1e-7),
        lambda g, x: g / (x + 1e-7),
        lambda g, x: g / x,
        (5,),
        domain=Domain((NONNEGATIVE,)),
        invisible=True,
    ),
    *pair(
        "rms-norm/epsilon-forgotten",
        EPSILON,
        rms_norm,
        lambda g, x: rms_norm_vjp(g, x, 1e-8),
        lambda g, x: rms_norm_vjp(g, x, 0.0),
        (2, 5),
        invisible=True,
    ),
    *pair(
        "layer-norm/epsilon-forgotten",
        EPSILON,
        layer_norm,
        lambda g, x: layer_norm_vjp(g, x, 1e-6),
        lambda g, x: layer_norm_vjp(g, x, 0.0),
        (3, 4),
        invisible=True,
    ),
    *pair(
        "layer-norm/another-epsilon-than-the-forward",
        EPSILON,
        layer_norm,
        lambda g, x: layer_norm_vjp(g, x, 1e-6),
        lambda g, x: layer_norm_vjp(g, x, 1e-5),
        (2, 6),
        invisible=True,
    ),
    *pair(
        "smooth-norm/epsilon-forgotten",
        EPSILON,
        smooth_norm,
        lambda g, x: g * x / smooth_norm(x),
        lambda g, x: g * x / np.sqrt(np.sum(x * x)),
        (4,),
        invisible=True,
    ),
    *pair(
        "reciprocal-root/epsilon-inside-instead-of-outside",
        EPSILON,
        lambda x: 1 / (np.sqrt(x * x + 1e-6) + 1e-3),
        lambda g, x: -g * x / np.sqrt(x * x + 1e-6) / (np.sqrt(x * x + 1e-6) + 1e-3) ** 2,
        lambda g, x: -g * x / np.sqrt(x * x + 1e-6) / (x * x + 2e-6),
        (3,),
    ),
)
