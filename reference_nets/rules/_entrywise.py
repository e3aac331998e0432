"""Operators that act on each entry by itself: their Jacobian is diagonal, and its diagonals are all that a rule states.

``partials(*inputs, **params)`` gives one partial derivative per floating-point input, as arrays that broadcast to the
shape of the output.  Of 16-bit inputs it is given float32 copies: the result is rounded to 16 bits once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reference_nets.rules._shapes import Array, unbroadcast, wide

Slope = Callable[[Array], Array]
Partials = Callable[..., tuple[Array, ...]]


def floats(inputs: tuple[Any, ...]) -> list[Array]:
    """The differentiable inputs, in order.  NumPy counts bfloat16 among the types it does not know, so it goes by name."""
    return [x for x in map(np.asarray, inputs) if x.dtype.kind == "f" or x.dtype.name == "bfloat16"]


def _wide(inputs: tuple[Any, ...]) -> list[Array]:
    return [wide(np.asarray(x)) for x in inputs]


def backward(partials: Partials) -> Callable[..., tuple[Array, ...]]:
    """The backward rule: cotangent times partial derivative, summed over the axes along which an input was repeated."""

    def vjp(g: Array, *inputs: Any, **params: Any) -> tuple[Array, ...]:
        slopes = partials(*_wide(inputs), **params)
        return tuple(
            unbroadcast(wide(np.asarray(g)) * slope, x) for slope, x in zip(slopes, floats(inputs), strict=True)
        )

    return vjp


def forward(partials: Partials) -> Callable[..., Array]:
    """The forward rule: the sum over the inputs of partial derivative times tangent."""

    def jvp(tangents: tuple[Array, ...], *inputs: Any, **params: Any) -> Array:
        slopes = partials(*_wide(inputs), **params)
        total = sum(slope * wide(np.asarray(t)) for slope, t in zip(slopes, tangents, strict=True))
        return np.asarray(total).astype(np.result_type(*floats(inputs)))

    return jvp


def alone(slope: Callable[..., Array]) -> Partials:
    """The partial derivatives of an operator of one input, from its slope."""

    def partials(x: Array, **params: Any) -> tuple[Array]:
        return (slope(x, **params),)

    return partials


def both(table: Mapping[str, Partials]) -> tuple[dict[str, Callable[..., Any]], dict[str, Callable[..., Any]]]:
    """Backward and forward rules by name, from partial derivatives by name."""
    return {k: backward(p) for k, p in table.items()}, {k: forward(p) for k, p in table.items()}
