"""Backward passes that overflow, or saturate, where the forward does not."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.drawn import pair
from tests.meta.stable import elu, log_cosh, logsumexp, sigmoid, softmax, softmax_vjp, softplus

OVERFLOW = "overflow in a naive formula"
SATURATION = "saturation"


def naive_softmax(x: Any) -> Any:
    """The textbook formula: inf / inf where an entry exceeds 709."""
    return np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)


def naive_sigmoid(x: Any) -> Any:
    """The textbook formula: inf / inf above 709."""
    return np.exp(x) / (1 + np.exp(x))


LABEL = np.array([0.0, 1.0, 1.0, 0.0, 1.0])


def cross_entropy(z: Any) -> Any:
    """Binary cross entropy of five logits with fixed labels."""
    return np.sum(softplus(z) - z * LABEL)


def cross_entropy_through_probability(g: Any, z: Any) -> Any:
    """0 / 0 once a probability is exactly 0 or 1."""
    p = sigmoid(z)
    return g * (p - LABEL) / (p * (1 - p)) * (p * (1 - p))


def class_loss_with_clipped_probability(g: Any, z: Any) -> Any:
    """The clip was meant for a logarithm, and moves the gradient."""
    p = np.clip(softmax(z), 1e-4, 1 - 1e-4)
    return g * (p - np.eye(4)[2])


def gelu(x: Any) -> Any:
    """The tanh approximation of x Phi(x)."""
    return 0.5 * x * (1 + np.tanh(0.8 * (x + 0.044715 * x**3)))


def gelu_vjp(g: Any, x: Any, square: Any) -> Any:
    """``square(u)`` gives 1 / cosh(u)^2."""
    u = 0.8 * (x + 0.044715 * x**3)
    return g * (0.5 * (1 + np.tanh(u)) + 0.4 * x * square(u) * (1 + 0.134145 * x**2))


def sech_squared_by_cosh(u: Any) -> Any:
    """1 / cosh(u)^2: cosh may overflow, the quotient is then 0 as it should be."""
    return 1 / np.cosh(u) ** 2


def sech_squared_by_exp(u: Any) -> Any:
    """inf / inf for large u."""
    return 4 * np.exp(2 * u) / (np.exp(2 * u) + 1) ** 2


CASES: tuple[Case, ...] = (
    *pair(
        "sigmoid/quotient-of-exponentials-squared",
        OVERFLOW,
        sigmoid,
        lambda g, x: g * sigmoid(x) * sigmoid(-x),
        lambda g, x: g * np.exp(x) / (1 + np.exp(x)) ** 2,
        (6,),
        invisible=True,
    ),
    *pair(
        "softplus/naive-sigmoid",
        OVERFLOW,
        softplus,
        lambda g, x: g * sigmoid(x),
        lambda g, x: g * naive_sigmoid(x),
        (2, 3),
        invisible=True,
    ),
    *pair(
        "log-sigmoid/overflow-on-the-negative-side",
        OVERFLOW,
        lambda x: -softplus(-x),
        lambda g, x: g * sigmoid(-x),
        lambda g, x: g * np.exp(-x) / (1 + np.exp(-x)),
        (5,),
        invisible=True,
    ),
    *pair(
        "tanh/difference-of-hyperbolic-squares",
        OVERFLOW,
        np.tanh,
        lambda g, x: g * sech_squared_by_cosh(x),
        lambda g, x: g * (np.cosh(x) ** 2 - np.sinh(x) ** 2) / np.cosh(x) ** 2,
        (4,),
        invisible=True,
    ),
    *pair(
        "softmax/unshifted-in-the-backward",
        OVERFLOW,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: softmax_vjp(g, naive_softmax(x)),
        (2, 4),
        invisible=True,
    ),
    *pair(
        "logsumexp/unshifted-in-the-backward",
        OVERFLOW,
        logsumexp,
        lambda g, x: g[..., None] * softmax(x),
        lambda g, x: g[..., None] * naive_softmax(x),
        (3, 4),
        invisible=True,
    ),
    *pair(
        "logsumexp/minus-infinity-when-all-are-small",
        OVERFLOW,
        logsumexp,
        lambda g, x: g[..., None] * softmax(x),
        lambda g, x: g[..., None] * np.exp(x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True))),
        (5,),
        invisible=True,
    ),
    *pair(
        "logaddexp/quotient-of-exponentials",
        OVERFLOW,
        np.logaddexp,
        lambda g, x, y: (g * sigmoid(x - y), g * sigmoid(y - x)),
        lambda g, x, y: (g * np.exp(x) / (np.exp(x) + np.exp(y)), g * np.exp(y) / (np.exp(x) + np.exp(y))),
        (4,),
        (4,),
        invisible=True,
    ),
    *pair(
        "log-cosh/sinh-over-cosh",
        OVERFLOW,
        log_cosh,
        lambda g, x: g * np.tanh(x),
        lambda g, x: g * np.sinh(x) / np.cosh(x),
        (3, 2),
        invisible=True,
    ),
    *pair(
        "silu/naive-sigmoid",
        OVERFLOW,
        lambda x: x * sigmoid(x),
        lambda g, x: g * (sigmoid(x) + x * sigmoid(x) * sigmoid(-x)),
        lambda g, x: g * naive_sigmoid(x) * (1 + x * (1 - naive_sigmoid(x))),
        (7,),
        invisible=True,
    ),
    *pair(
        "elu/zero-times-infinity",
        OVERFLOW,
        elu,
        lambda g, x: g * np.where(x > 0, 1.0, np.exp(np.minimum(x, 0))),
        lambda g, x: g * ((x > 0) + (x <= 0) * np.exp(x)),
        (6,),
        invisible=True,
    ),
    *pair(
        "gelu/sech-squared-by-exponentials",
        OVERFLOW,
        gelu,
        lambda g, x: gelu_vjp(g, x, sech_squared_by_cosh),
        lambda g, x: gelu_vjp(g, x, sech_squared_by_exp),
        (5,),
        invisible=True,
    ),
    *pair(
        "cross-entropy/through-the-probability",
        SATURATION,
        cross_entropy,
        lambda g, z: g * (sigmoid(z) - LABEL),
        cross_entropy_through_probability,
        (5,),
        invisible=True,
    ),
    *pair(
        "class-loss/probability-clipped-in-the-backward",
        SATURATION,
        lambda z: logsumexp(z) - z[2],
        lambda g, z: g * (softmax(z) - np.eye(4)[2]),
        class_loss_with_clipped_probability,
        (4,),
        invisible=True,
    ),
    *pair(
        "exp-of-minus-square/unbounded-factor",
        OVERFLOW,
        lambda x: np.exp(-x * x),
        lambda g, x: -2 * g * x * np.exp(-x * x),
        lambda g, x: -2 * g * x * np.exp(x * x) / np.exp(x * x) ** 2,
        (4,),
        invisible=True,
    ),
)
