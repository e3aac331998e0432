"""A layered network of any depth, with its backward pass written out in matrices.

The rows of x, shape (N, m_0), are patterns.  With A_0 = x, layer l = 1 ... L computes

    Z_l = A_(l-1) W_l + b_l        A_l = f_l(Z_l)        W_l of shape (m_(l-1), m_l), b_l of shape (m_l,)

and C is a loss of A_L.  Write delta_l = dC/dZ_l, the back-propagated error, one row per pattern.  Then

    delta_L = dC/dA_L * f_L'(Z_L)                       (* is the product entry by entry)
    delta_l = (delta_(l+1) W_(l+1)^T) * f_l'(Z_l)       for l = L-1 ... 1
    dC/dW_l = A_(l-1)^T delta_l        dC/db_l = sum of the rows of delta_l        dC/dx = delta_1 W_1^T

The matrix product with W_(l+1)^T is a sum over ALL paths through the next layer, and A^T delta is a sum over the
patterns. All deltas belong to the same weights: no weight may change before the last delta is known.

Sources: R. Rojas, Neural Networks (1996), section 7.3; Goodfellow, Bengio and Courville, Deep Learning (2016),
section 6.5, algorithms 6.3 and 6.4.  Rojas's D_l is the diagonal matrix of f_l'(Z_l) for one pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reference_nets.generic import Activation, Value


class Layer(NamedTuple):
    """The parameters of one layer, or a gradient with respect to them."""

    weights: Value
    bias: Value


Layers = Sequence[Layer]
Activations = Sequence[Activation]


@dataclass(frozen=True, slots=True)
class Loss:
    """A number C(prediction, target) and its gradient with respect to the prediction; the rows are patterns."""

    name: str
    value: Callable[[Value, Value], Value]
    gradient: Callable[[Value, Value], Value]


quadratic = Loss(
    "quadratic",
    lambda a, y: ((a - y) * (a - y)).sum() / (2 * len(y)),
    lambda a, y: (a - y) / len(y),
)
"""C = 1/(2N) sum_i |a_i - y_i|^2."""


def cross_entropy(exp: Callable[[Value], Value] = np.exp, log: Callable[[Value], Value] = np.log) -> Loss:
    """Softmax and cross-entropy in one: C = -1/N sum_i p_i . log q_i with q_i = exp(a_i) / sum_k exp(a_ik).

    The gradient by a_i is (q_i sum_k p_ik - p_i) / N.  The familiar q - p holds only where the entries of p sum to 1.
    """

    def log_softmax(a: Value) -> Value:
        a = a - a.max(axis=1, keepdims=True)  # changes nothing in exact arithmetic; keeps exp from overflowing
        return a - log(exp(a).sum(axis=1, keepdims=True))

    def gradient_by_logits(a: Value, p: Value) -> Value:
        return (exp(log_softmax(a)) * p.sum(axis=1, keepdims=True) - p) / len(p)

    return Loss("softmax cross-entropy", lambda a, p: -(p * log_softmax(a)).sum() / len(p), gradient_by_logits)


class Tape(NamedTuple):
    """What the backward pass needs of the forward pass: Z_1 ... Z_L, and A_0 ... A_L."""

    preactivations: tuple[Value, ...]
    values: tuple[Value, ...]


def forward(layers: Layers, activations: Activations, x: Value) -> Tape:
    """Run the network on a batch x of shape (N, m_0) and store every Z_l and A_l; the output is ``values[-1]``."""
    preactivations, values = [], [x]
    for layer, activation in zip(layers, activations, strict=True):
        preactivations.append(values[-1] @ layer.weights + layer.bias)
        values.append(activation.function(preactivations[-1]))
    return Tape(tuple(preactivations), tuple(values))


def backward(layers: Layers, activations: Activations, tape: Tape, cotangent: Value) -> tuple[tuple[Layer, ...], Value]:
    """The gradient by every layer, and by x, of the sum of cotangent * A_L; for a loss, the cotangent is dC/dA_L."""
    slopes: list[Layer] = []
    for index in reversed(range(len(layers))):
        delta = cotangent * activations[index].derivative(tape.preactivations[index])
        slopes.append(Layer(weights=tape.values[index].T @ delta, bias=delta.sum(axis=0)))
        cotangent = delta @ layers[index].weights.T  # dC/dA_(l-1): every path through the layer
    return tuple(reversed(slopes)), cotangent


def cost(layers: Layers, activations: Activations, loss: Loss, x: Value, y: Value) -> Value:
    """The loss C of the network's output on x against the targets y, shape (N, m_L)."""
    return loss.value(forward(layers, activations, x).values[-1], y)


def gradient(layers: Layers, activations: Activations, loss: Loss, x: Value, y: Value) -> tuple[Layer, ...]:
    """The gradient of ``cost`` by every layer, in the shape of the layers."""
    tape = forward(layers, activations, x)
    slopes, _ = backward(layers, activations, tape, loss.gradient(tape.values[-1], y))
    return slopes


def descend(layers: Layers, slopes: Layers, rate: Value) -> tuple[Layer, ...]:
    """One step of gradient descent on all layers at once, after all slopes are known."""
    return tuple(
        Layer(layer.weights - rate * slope.weights, layer.bias - rate * slope.bias)
        for layer, slope in zip(layers, slopes, strict=True)
    )


def train(
    layers: Layers, activations: Activations, loss: Loss, x: Value, y: Value, *, rate: Value, steps: int
) -> tuple[tuple[Layer, ...], list[Value]]:
    """The layers after ``steps`` steps of descent on the whole batch, and the costs before, between and after them."""
    layers = tuple(layers)
    costs = [cost(layers, activations, loss, x, y)]
    for _ in range(steps):
        layers = descend(layers, gradient(layers, activations, loss, x, y), rate)
        costs.append(cost(layers, activations, loss, x, y))
    return layers, costs


class Network:
    """The same network as an object that remembers its last forward pass, as frameworks arrange it."""

    def __init__(self, layers: Layers, activations: Activations) -> None:
        if len(layers) != len(activations):
            raise ValueError(f"{len(layers)} layers need as many activations, but {len(activations)} were given")
        self.layers = tuple(layers)
        self.activations = tuple(activations)
        self.tape: Tape | None = None

    def forward(self, x: Value) -> Value:
        """The output for a batch x."""
        self.tape = forward(self.layers, self.activations, x)
        return self.tape.values[-1]

    def backward(self, cotangent: Value) -> tuple[tuple[Layer, ...], Value]:
        """The gradients by the layers and by the last x, for the cotangent of the last output."""
        if self.tape is None:
            raise RuntimeError("backward before forward: call forward(x) first, it stores what backward needs")
        return backward(self.layers, self.activations, self.tape, cotangent)
