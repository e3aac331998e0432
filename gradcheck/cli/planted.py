"""Well-known mistakes of hand-written backward passes, planted into the reference rules: what ``gradcheck demo`` finds.

Every one of them runs, has the right shape where it is tried first, and trains a network badly instead of not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.records import Array
from gradcheck.subjects.callables import place
from gradcheck.subjects.protocol import Exhibit, Implementation
from gradcheck.subjects.reference import ReferenceSubject

NAME = "demo"
LOAD = "gradcheck.cli.planted:Planted"
FAN_OUT, MATRICES = "net:fan-out", "net:square-matmul"

Rule = Callable[..., tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Bug:
    """A mistake: its name, where it sits, and what the rule should have been."""

    name: str
    operator: str
    right: str


BUGS = (
    Bug("missing transpose", MATRICES, "dA = G @ B.T"),
    Bug("sum over the broadcast axis forgotten", "add", "sum dz over the axes along which y was repeated"),
    Bug("wrong sign", "cos", "dx = -g sin x"),
    Bug("diagonal of the Jacobian only", "softmax", "dx = y (g - sum(g y)), the sum along the axis"),
    Bug("gradient through the mean forgotten", "batch_norm", "the statistics depend on x: subtract the mean of g, too"),
    Bug("slope from the input instead of the output", "tanh", "dx = g (1 - y^2), with y = tanh x"),
    Bug("adjoint overwritten at fan-out", FAN_OUT, "add what comes back from each reader: dx = 1 + 2 x"),
)


def add(g: Array, x: Array, y: Array) -> tuple[Any, ...]:
    """What was repeated along an axis gets the first of its gradients instead of their sum."""
    return tuple(_first(g, like) for like in (x, y))


def _first(g: Array, like: Array) -> Array:
    while g.ndim > like.ndim:
        g = g[0] if len(g) else np.zeros(g.shape[1:], g.dtype)
    for axis, length in enumerate(like.shape):
        if length == 1 != g.shape[axis]:
            g = g[(slice(None),) * axis + (slice(0, 1),)] if g.shape[axis] else np.zeros(like.shape, g.dtype)
    return g


def cos(g: Array, x: Array) -> tuple[Any, ...]:
    """The derivative of cos is -sin."""
    return (g * np.sin(x),)


def softmax(g: Array, x: Array, *, axis: int = -1) -> tuple[Any, ...]:
    """Only the diagonal y_i (1 - y_i) of the Jacobian; the rest is -y_i y_j."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    y = e / np.sum(e, axis=axis, keepdims=True)
    return (g * y * (1 - y),)


def batch_norm(g: Array, x: Array, scale: Array, shift: Array, *, epsilon: float = 1e-5) -> tuple[Any, ...]:
    """Mean and variance are taken for constants."""
    axes, per_channel = (0, *range(2, x.ndim)), (-1,) + (1,) * (x.ndim - 2)
    root = np.sqrt(np.var(x, axis=axes, keepdims=True) + epsilon)
    z = (x - np.mean(x, axis=axes, keepdims=True)) / root
    return g * np.reshape(scale, per_channel) / root, np.sum(g * z, axis=axes), np.sum(g, axis=axes)


def tanh(g: Array, x: Array) -> tuple[Any, ...]:
    """1 - x^2 where 1 - tanh(x)^2 is meant."""
    return (g * (1 - x * x),)


RULES: Mapping[str, Rule] = {
    "add": add,
    "cos": cos,
    "softmax": softmax,
    "batch_norm": batch_norm,
    "tanh": tanh,
}


def residual(x: Array) -> Array:
    """z = x + x^2: x has two readers."""
    return np.asarray(x + x * x)


def residual_vjp(g: Array, x: Array) -> Array:
    """The adjoint of x is overwritten by the second reader instead of added to."""
    adjoint: Array = g  # of x + ...
    adjoint = np.asarray(g * 2 * x)  # of ... x^2
    return adjoint


def product(a: Array, b: Array) -> Array:
    """C = A B of square matrices, for which a missing transpose goes unnoticed."""
    return a @ b


def product_vjp(g: Array, a: Array, b: Array) -> tuple[Any, ...]:
    """The second factor is not transposed."""
    return g @ b, a.T @ g


class Planted:
    """The reference rules in float64 with one mistake in each operator of ``RULES``, and none elsewhere."""

    name = NAME

    def __init__(self) -> None:
        self.reference = ReferenceSubject()
        self.version = self.reference.version

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Double precision alone: a demonstration is to be quick."""
        return dtype == np.float64 and self.reference.supports(operator, dtype)

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The reference's own, with the planted rule as its backward."""
        right = self.reference.implementation(operator, params)
        rule = RULES.get(operator)
        if right is None or rule is None:
            return right
        return replace(right, vjp=rule, jvp=None, where=place(rule))

    def exhibits(self) -> Mapping[str, Callable[[], Exhibit]]:
        """A product of square matrices, and a program in which a value is read twice."""
        return {MATRICES: _matrices, FAN_OUT: _fan_out}


def _matrices() -> Exhibit:
    return Exhibit(
        forward=product,
        vjp=product_vjp,
        inputs=(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 1.0], [2.0, 3.0]])),
        wrt=(0, 1),
        words={"formula": "C = A B", "citation": "M. Giles, Collected matrix derivative results (2008), section 2.2.2"},
    )


def _fan_out() -> Exhibit:
    return Exhibit(
        forward=residual,
        vjp=residual_vjp,
        inputs=(np.array(1.0),),
        wrt=(0,),
        words={"formula": "z = x + x^2", "citation": "R. Rojas, Neural Networks (1996), section 7.2"},
    )
