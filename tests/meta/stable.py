"""Functions that many cases share, written so that they neither overflow nor divide by zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1 + e)


def softmax(x: Any) -> Any:
    """exp(x) / sum exp(x) over the last axis, without overflow."""
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_vjp(g: Any, p: Any) -> Any:
    """(diag(p) - p p') g along the last axis."""
    return p * (g - np.sum(g * p, axis=-1, keepdims=True))


def logsumexp(x: Any) -> Any:
    """log sum exp(x) over the last axis."""
    m = np.max(x, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(x - m), axis=-1)) + m[..., 0]


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log_cosh(x: Any) -> Any:
    """log cosh(x), without overflow."""
    return np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - math.log(2)


def elu(x: Any) -> Any:
    """x for x > 0, exp(x) - 1 below."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
