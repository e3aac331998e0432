"""Rules of smooth activation functions, gates, and the relatives of softmax; all keep their digits in both tails."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from reference_nets.rules._entrywise import Partials, Slope, alone, both
from reference_nets.rules._shapes import Array
from reference_nets.rules.activations import sigmoid_slope, softmax
from reference_nets.rules.activations import softplus_slope as sigmoid

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """1 right of 0, ``alpha e^x`` left of it."""
    return np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """1 right of 0, ``e^(x / alpha)`` left of it."""
    return np.where(x > 0, 1, np.exp(np.minimum(x, 0) / alpha))


def selu(x: Array) -> Array:
    """That of elu times the scale."""
    return SELU_SCALE * elu(x, alpha=SELU_ALPHA)


def gelu_tanh(x: Array) -> Array:
    """``s(z) + x s'(z) z'`` with the sigmoid s and ``z = 2 sqrt(2/pi) (x + 0.044715 x^3)``."""
    root = 2 * math.sqrt(2 / math.pi)
    with np.errstate(
        over="ignore"
    ):  # where the cube leaves the range, s' is the right 0, which x multiplies one by one
        z = root * x * (1 + 0.044715 * x * x)
    bell = root * sigmoid_slope(z) * x
    slope: Array = sigmoid(z) + (bell + 3 * 0.044715 * (bell * x * x))
    return slope


def silu(x: Array) -> Array:
    """``s + x s'`` with the sigmoid s."""
    slope: Array = sigmoid(x) + x * sigmoid_slope(x)
    return slope


def mish(x: Array) -> Array:
    """``t + x (1 - t^2) s`` with the sigmoid s and t the hyperbolic tangent of the softplus.

    As ``1 + e^x`` is the exponential of the softplus, all are rational in ``e = exp(-|x|)``, with nothing that cancels.
    """
    e = np.exp(-np.abs(x))
    right = x >= 0
    top = np.where(right, 1 + 2 * e, e * e + 2 * e)
    bottom = np.where(right, 1 + 2 * e + 2 * e * e, e * e + 2 * e + 2)
    rise = 4 * (1 + e) * np.where(right, e * e, e) / (bottom * bottom)
    slope: Array = top / bottom + x * rise
    return slope


def scaled_softplus(x: Array, *, beta: float = 1.0) -> Array:
    """The sigmoid of ``beta x``."""
    return sigmoid(beta * x)


def softsign(x: Array) -> Array:
    """``1 / (1 + |x|)^2``, a square of a quotient, which does not overflow."""
    y = 1 / (1 + np.abs(x))
    slope: Array = y * y
    return slope


def log_sigmoid(x: Array) -> Array:
    """The sigmoid of ``-x``."""
    return sigmoid(-x)


def softmin(g: Array, x: Array, *, axis: int = -1) -> tuple[Array]:
    """That of softmax at ``-x``, with the other sign."""
    return (-softmax(g, -x, axis=axis)[0],)


def softmin_jvp(tangents: tuple[Array], x: Array, *, axis: int = -1) -> Array:
    """The Jacobian is symmetric, so the forward rule is the backward one."""
    return softmin(tangents[0], x, axis=axis)[0]


def _shares(x: Array, axis: int) -> tuple[Array, Array]:
    """The softmax s, and ``1 - s`` as the sum of the others wherever s is more than a half."""
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    total = np.sum(powers, axis=axis, keepdims=True)
    largest = np.argmax(x, axis=axis, keepdims=True)
    others = np.array(powers)
    np.put_along_axis(others, largest, 0, axis=axis)
    rest = np.sum(others, axis=axis, keepdims=True) / total
    s = powers / total
    remainder = 1 - s
    np.put_along_axis(remainder, largest, rest, axis=axis)
    return s, remainder


def log_softmax(g: Array, x: Array, *, axis: int = -1) -> tuple[Array]:
    """``g_i (1 - s_i) - s_i (sum of the other g)``: where s_i is close to 1, ``g_i - s_i sum g`` would cancel."""
    if x.size == 0:
        return (np.zeros_like(x),)
    s, remainder = _shares(x, axis)
    n = x.shape[axis]
    table = np.moveaxis(g, axis, -1)[..., None, :] * (1 - np.eye(n, dtype=x.dtype))
    others = np.moveaxis(np.sum(table, axis=-1), -1, axis)
    return (g * remainder - s * others,)


def glu(g: Array, x: Array, *, axis: int = -1) -> tuple[Array]:
    """``s(b) da + a s'(b) db``, the halves put together again."""
    value, gate = np.split(x, 2, axis=axis)
    return (np.concatenate([g * sigmoid(gate), g * value * sigmoid_slope(gate)], axis=axis),)


def glu_jvp(tangents: tuple[Array], x: Array, *, axis: int = -1) -> Array:
    """``s(b) da + a s'(b) db``."""
    value, gate = np.split(x, 2, axis=axis)
    in_value, in_gate = np.split(tangents[0], 2, axis=axis)
    result: Array = sigmoid(gate) * in_value + value * sigmoid_slope(gate) * in_gate
    return result


def swiglu(x: Array, gate: Array) -> tuple[Array, Array]:
    """``silu(y) dx + x silu'(y) dy``."""
    return gate * sigmoid(gate), x * silu(gate)


SLOPES: dict[str, Slope] = {
    "elu": elu,
    "celu": celu,
    "selu": selu,
    "gelu_tanh": gelu_tanh,
    "silu": silu,
    "mish": mish,
    "scaled_softplus": scaled_softplus,
    "softsign": softsign,
    "log_sigmoid": log_sigmoid,
}

PARTIALS: dict[str, Partials] = {**{name: alone(slope) for name, slope in SLOPES.items()}, "swiglu": swiglu}

# Where a tangent underflows, these have only the digits that are left: they are stated in reverse mode alone.
_REVERSE = ("mish", "swiglu")
_VJPS, _JVPS = both(PARTIALS)
RULES: dict[str, Any] = {**_VJPS, "softmin": softmin, "log_softmax": log_softmax, "glu": glu}
JVPS: dict[str, Any] = {
    **{name: rule for name, rule in _JVPS.items() if name not in _REVERSE},
    "softmin": softmin_jvp,
    "glu": glu_jvp,
}
