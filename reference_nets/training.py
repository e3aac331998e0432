"""Stochastic gradient descent on batches, and data to learn from.

One ROUND visits every pattern once, in a random order, in batches of a given size.  The gradient of a batch is that of
its own mean cost: an estimate of the gradient over all patterns, unbiased where the batches have equal size.  With one
batch of everything this is plain gradient descent, with batches of one pattern it is Rojas's online learning.

Sources: Goodfellow, Bengio and Courville, Deep Learning (2016), section 8.1.3; R. Rojas, Neural Networks (1996),
section 7.3.2.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from reference_nets import mlp
from reference_nets.generic import Value
from reference_nets.mlp import Activations, Layer, Layers, Loss, Penalty

Array = npt.NDArray[Any]


class Data(NamedTuple):
    """Patterns x of shape (N, m), and their targets y of shape (N, k)."""

    x: Array
    y: Array


def exclusive_or() -> Data:
    """The four patterns of exclusive or, which no single unit can tell apart."""
    return Data(np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]]))


def rings(count: int, rng: np.random.Generator) -> Data:
    """``count`` points in the plane, class 0 within radius 1 and class 1 between 1.5 and 2.5, as one-hot targets."""
    labels = rng.integers(0, 2, count)
    radius = np.where(labels == 0, rng.random(count), 1.5 + rng.random(count))
    angle = rng.random(count) * 2 * np.pi
    return Data(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), np.eye(2)[labels])


def random_layers(widths: Sequence[int], rng: np.random.Generator) -> tuple[Layer, ...]:
    """Weights of mean 0 and variance 1/(number of inputs), so that a sum of inputs of size 1 has size 1; biases 0."""
    pairs = itertools.pairwise(widths)
    return tuple(Layer(rng.normal(size=(a, b)) / np.sqrt(a), np.zeros(b)) for a, b in pairs)


def batches(count: int, size: int, rng: np.random.Generator) -> Iterator[Array]:
    """The numbers 0 ... count - 1 in a random order, in pieces of ``size``; the last piece may be smaller."""
    if size < 1:
        raise ValueError(f"size is {size}; give batches of at least one pattern")
    order = rng.permutation(count)
    return (order[start : start + size] for start in range(0, count, size))


def train(
    layers: Layers,
    activations: Activations,
    loss: Loss,
    data: Data,
    *,
    rate: Value,
    rounds: int,
    batch: int,
    rng: np.random.Generator,
    penalty: Penalty | None = None,
    strength: Value = 0,
) -> tuple[tuple[Layer, ...], list[Value]]:
    """The layers after ``rounds`` rounds, and the cost over all data before, between and after them."""

    def whole(layers: Layers) -> Value:
        return mlp.cost(layers, activations, loss, data.x, data.y, penalty=penalty, strength=strength)

    layers = tuple(layers)
    costs = [whole(layers)]
    for _ in range(rounds):
        for chosen in batches(len(data.x), batch, rng):
            x, y = data.x[chosen], data.y[chosen]
            slopes = mlp.gradient(layers, activations, loss, x, y, penalty=penalty, strength=strength)
            layers = mlp.descend(layers, slopes, rate)
        costs.append(whole(layers))
    return layers, costs
