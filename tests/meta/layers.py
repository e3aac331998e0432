"""Backward passes of layers that lose a path: an activation, a bias, a statistic, the rest of a Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.drawn import pair
from tests.meta.stable import logsumexp, softmax, softmax_vjp

SIGN = "sign"
FACTOR = "constant factor"
ACTIVATION = "activation derivative"
DIAGONAL = "only the diagonal of a Jacobian"
STATISTIC = "statistic held constant"
TERM = "missing term"
BIAS = "bias forgotten"
BESSEL = "Bessel"


def dense(x: Any, w: Any, b: Any) -> Any:
    """tanh(x w + b) for rows x."""
    return np.tanh(x @ w + b)


def dense_vjp(g: Any, x: Any, w: Any, b: Any, slope: Any = None) -> Any:
    """``slope(z, y)`` is the derivative of the activation with pre-activation z and output y."""
    z = x @ w + b
    d = g * (slope or (lambda z, y: 1 / np.cosh(z) ** 2))(z, np.tanh(z))
    return d @ w.T, x.T @ d, np.sum(d, axis=0)


def dense_without_bias_vjp(g: Any, x: Any, w: Any, b: Any) -> Any:
    """The bias is taken for a constant."""
    return *dense_vjp(g, x, w, b)[:2], np.zeros_like(b)


def dense_slope_without_bias_vjp(g: Any, x: Any, w: Any, b: Any) -> Any:
    """The slope is taken at x w instead of x w + b."""
    return dense_vjp(g, x, w, b, lambda z, y: 1 / np.cosh(z - b) ** 2)


def two_layers_vjp(g: Any, x: Any, v: Any, w: Any, inner: Any) -> Any:
    """vjp of tanh(x v) w with the slope ``inner(h)`` of the hidden layer h."""
    h = np.tanh(x @ v)
    d = (g @ w.T) * inner(h)
    return d @ v.T, x.T @ d, h.T @ g


def standardise(x: Any) -> Any:
    """(x - mean) / sqrt(var + 0.01) over the batch, axis 0."""
    return (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + 0.01)


def standardise_vjp(g: Any, x: Any, through_mean: bool = True, through_variance: bool = True) -> Any:
    """Each statistic can be held constant."""
    y, s = standardise(x), np.sqrt(np.var(x, axis=0) + 0.01)
    d = g - np.mean(g, axis=0) if through_mean else g
    return (d - y * np.mean(g * y, axis=0)) / s if through_variance else d / s


def root_mean_square_vjp(g: Any, x: Any, full: bool) -> Any:
    """vjp of x / sqrt(mean(x^2) + 0.01)."""
    s = np.sqrt(np.mean(x * x) + 0.01)
    return (g - full * x * np.mean(g * x) / s**2) / s


def log_softmax(x: Any) -> Any:
    """x - logsumexp(x) over the last axis."""
    return x - logsumexp(x)[..., None]


def attention(q: Any, k: Any, v: Any) -> Any:
    """softmax(q k' / 2) v for keys of dimension 4."""
    return softmax(q @ k.T / 2) @ v


def attention_vjp(g: Any, q: Any, k: Any, v: Any, scale: float = 0.5) -> Any:
    """``scale`` is the factor of the scores."""
    p = softmax(q @ k.T / 2)
    d = scale * softmax_vjp(g @ v.T, p)
    return d @ k, d.T @ q, p.T @ g


CASES: tuple[Case, ...] = (
    *pair(
        "dense/activation-forgotten",
        ACTIVATION,
        dense,
        dense_vjp,
        lambda g, x, w, b: dense_vjp(g, x, w, b, lambda z, y: 1.0),
        (3, 2),
        (2, 3),
        (3,),
    ),
    *pair(
        "dense/slope-at-the-output-of-the-output",
        ACTIVATION,
        dense,
        dense_vjp,
        lambda g, x, w, b: dense_vjp(g, x, w, b, lambda z, y: 1 - np.tanh(y) ** 2),
        (2, 3),
        (3, 2),
        (2,),
    ),
    *pair(
        "dense/slope-without-the-bias",
        BIAS,
        dense,
        dense_vjp,
        dense_slope_without_bias_vjp,
        (3, 2),
        (2, 2),
        (2,),
    ),
    *pair("dense/bias-gets-nothing", BIAS, dense, dense_vjp, dense_without_bias_vjp, (2, 2), (2, 4), (4,)),
    *pair(
        "two-layers/inner-activation-forgotten",
        ACTIVATION,
        lambda x, v, w: np.tanh(x @ v) @ w,
        lambda g, x, v, w: two_layers_vjp(g, x, v, w, lambda h: 1 - h * h),
        lambda g, x, v, w: two_layers_vjp(g, x, v, w, lambda h: 1.0),
        (2, 3),
        (3, 2),
        (2, 2),
    ),
    *pair(
        "softmax/only-the-diagonal",
        DIAGONAL,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: g * softmax(x) * (1 - softmax(x)),
        (5,),
    ),
    *pair(
        "softmax/twice-as-large",
        FACTOR,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: 2 * softmax_vjp(g, softmax(x)),
        (2, 4),
        invisible=True,
    ),
    *pair(
        "softmax/sign",
        SIGN,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: -softmax_vjp(g, softmax(x)),
        (3, 3),
        invisible=True,
    ),
    *pair(
        "softmax/nothing-because-the-sum-is-constant",
        TERM,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: 0 * g,
        (4,),
        invisible=True,
    ),
    *pair(
        "log-softmax/cotangent-not-summed",
        DIAGONAL,
        log_softmax,
        lambda g, x: g - softmax(x) * np.sum(g, axis=-1, keepdims=True),
        lambda g, x: g - softmax(x) * g,
        (4,),
    ),
    *pair(
        "log-softmax/count-in-the-place-of-the-sum",
        "cotangent ignored",
        log_softmax,
        lambda g, x: g - softmax(x) * np.sum(g, axis=-1, keepdims=True),
        lambda g, x: g - softmax(x) * x.shape[-1],
        (2, 3),
        invisible=True,
    ),
    *pair(
        "temperature-softmax/temperature-forgotten",
        FACTOR,
        lambda x: softmax(x / 3),
        lambda g, x: softmax_vjp(g, softmax(x / 3)) / 3,
        lambda g, x: softmax_vjp(g, softmax(x / 3)),
        (4,),
        invisible=True,
    ),
    *pair(
        "attention/scale-forgotten",
        FACTOR,
        attention,
        attention_vjp,
        lambda g, q, k, v: attention_vjp(g, q, k, v, 1.0),
        (2, 4),
        (3, 4),
        (3, 2),
    ),
    *pair(
        "batch-norm/mean-held-constant",
        STATISTIC,
        standardise,
        standardise_vjp,
        lambda g, x: standardise_vjp(g, x, through_mean=False),
        (4, 2),
    ),
    *pair(
        "batch-norm/variance-held-constant",
        STATISTIC,
        standardise,
        standardise_vjp,
        lambda g, x: standardise_vjp(g, x, through_variance=False),
        (5, 2),
        invisible=True,
    ),
    *pair(
        "batch-norm/nothing-because-the-mean-is-zero",
        STATISTIC,
        standardise,
        standardise_vjp,
        lambda g, x: np.zeros_like(x),
        (3, 3),
        invisible=True,
    ),
    *pair(
        "rms-norm/scale-held-constant",
        STATISTIC,
        lambda x: x / np.sqrt(np.mean(x * x) + 0.01),
        lambda g, x: root_mean_square_vjp(g, x, True),
        lambda g, x: root_mean_square_vjp(g, x, False),
        (5,),
    ),
    *pair(
        "variance/bessel-in-the-backward-only",
        BESSEL,
        np.var,
        lambda g, x: 2 * g * (x - np.mean(x)) / x.size,
        lambda g, x: 2 * g * (x - np.mean(x)) / (x.size - 1),
        (6,),
    ),
    *pair(
        "variance/bessel-in-the-forward-only",
        BESSEL,
        lambda x: np.var(x, axis=0, ddof=1),
        lambda g, x: 2 * g * (x - np.mean(x, axis=0)) / (len(x) - 1),
        lambda g, x: 2 * g * (x - np.mean(x, axis=0)) / len(x),
        (5, 2),
    ),
    *pair(
        "variance/mean-held-at-zero",
        STATISTIC,
        np.var,
        lambda g, x: 2 * g * (x - np.mean(x)) / x.size,
        lambda g, x: 2 * g * x / x.size,
        (4,),
    ),
)
