"""What the table says of a network, and what a network needs of a number system."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reference_nets import generic, losses
from reference_nets.generic import Activation, Value
from reference_nets.losses import Loss

Gradients = tuple[Value, ...]
Pair = tuple[Callable[..., Value], Callable[..., Gradients]]
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Kit:
    """What the networks need beyond ``+ - * /`` over one number system: two activations, and losses with logarithms."""

    name: str
    sigmoid: Activation
    tanh: Activation
    cross_entropy: Loss | None = None
    binary: Loss | None = None


def kit(name: str, exp: Callable[[Value], Value], log: Callable[[Value], Value], tanh: Callable[[Value], Value]) -> Kit:
    """The kit of a number system from its elementary functions, each of which works on arrays, entry by entry.

    This is all that a new number system has to bring: floats of any precision, certified balls, dual numbers.
    """

    def cosh(z: Value) -> Value:
        e = exp(z)
        return (e + 1 / e) / 2

    return Kit(
        name,
        generic.logistic(exp),
        generic.hyperbolic_tangent(tanh, cosh),
        losses.cross_entropy(exp, log),
        losses.binary_cross_entropy(log),
    )


FLOATS = kit("float64", np.exp, np.log, np.tanh)
RATIONALS = Kit("rationals", generic.bump, generic.cube)
"""Rational functions in the place of the sigmoid and of tanh, and no logarithms: for exact arithmetic."""


@dataclass(frozen=True, slots=True)
class Network:
    """One network for a checker.

    ``build(kit)`` gives (forward, vjp); ``shapes(n, m, k)`` the shapes of the inputs, of which the first
    ``differentiated`` have gradients.  ``rational`` says that it needs nothing that ``RATIONALS`` lacks.  The inputs
    numbered in ``probabilities`` have entries strictly between 0 and 1.  ``formula`` is what ``forward`` computes in the
    names of its inputs, over numbers that have tanh and the logistic function sigma.
    """

    build: Callable[[Kit], Pair]
    shapes: Callable[[int, int, int], tuple[tuple[int, ...], ...]]
    differentiated: int
    rational: bool = True
    probabilities: tuple[int, ...] = ()
    formula: str = ""


def random_inputs(
    network: Network, rng: np.random.Generator, sizes: tuple[int, int, int] = (2, 3, 2)
) -> tuple[Array, ...]:
    """Floats of size about 1 in both signs, away from 0; probabilities where they are needed."""
    shapes = network.shapes(*sizes)
    inputs = [rng.uniform(0.25, 1.25, shape) * rng.choice([-1.0, 1.0], shape) for shape in shapes]
    for place in network.probabilities:
        inputs[place] = rng.uniform(0.25, 0.75, shapes[place])
    return tuple(np.asarray(part) for part in inputs)


def scaled(g: Value, parts: Iterable[Value]) -> Gradients:
    """The gradient of a number times its cotangent g."""
    return tuple(g * part for part in parts)


def needed(loss: Loss | None, kit: Kit) -> Loss:
    """A loss that a kit may lack."""
    if loss is None:
        raise ValueError(f"the kit {kit.name!r} has no logarithms, which this network needs")
    return loss
