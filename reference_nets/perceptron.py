"""One unit: the sigmoid unit trained by gradient descent, and Rosenblatt's step unit trained by its mistakes.

Both compute z_i = x_i . w + b for the rows x_i of a batch x of shape (N, m), with w of shape (m,) and a number b.

The sigmoid unit answers with a SCORE yhat_i = f(z_i), which has a derivative.  The step unit answers with a CLASS
1[z_i >= 0], whose derivative is 0 wherever it exists: gradient descent has nothing to go by there, and the step unit
learns from its mistakes instead.

Sources: F. Rosenblatt, The perceptron, Psychological Review 65 (1958) 386-408; A. B. J. Novikoff, On convergence proofs
on perceptrons, Symposium on the Mathematical Theory of Automata 12 (1962) 615-622; R. Rojas, Neural Networks (1996),
ch. 3-4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reference_nets.generic import Activation, Value, zeros_like


class Unit(NamedTuple):
    """The parameters of one unit, or a gradient with respect to them."""

    weights: Value
    bias: Value


def preactivation(unit: Unit, x: Value) -> Value:
    """The numbers z_i = x_i . w + b, shape (N,); one number for one pattern of shape (m,)."""
    if np.shape(x)[-1:] != np.shape(unit.weights):
        raise ValueError(
            f"x and the weights have shapes {np.shape(x)} and {np.shape(unit.weights)}; give (N, m) and (m,)"
        )
    return x @ unit.weights + unit.bias


# The sigmoid unit -----------------------------------------------------------------------------------------------------


def score(unit: Unit, x: Value, activation: Activation) -> Value:
    """The numbers yhat_i = f(z_i), shape (N,)."""
    return activation.function(preactivation(unit, x))


def cost(unit: Unit, x: Value, y: Value, activation: Activation) -> Value:
    """The quadratic cost C = 1/(2N) sum_i (yhat_i - y_i)^2 of targets y, shape (N,)."""
    error = score(unit, x, activation) - y
    return (error * error).sum() / (2 * len(y))


def gradient(unit: Unit, x: Value, y: Value, activation: Activation) -> Unit:
    """The gradient of the cost, by the chain rule through yhat_i and z_i.

    dC/dyhat_i = (yhat_i - y_i) / N;  dyhat_i/dz_i = f'(z_i);  dz_i/dw = x_i;  dz_i/db = 1.  With
    delta_i = (yhat_i - y_i) f'(z_i) / N this gives dC/dw = sum_i delta_i x_i and dC/db = sum_i delta_i.
    """
    z = preactivation(unit, x)
    delta = (activation.function(z) - y) * activation.derivative(z) / len(y)
    return Unit(weights=delta @ x, bias=delta.sum())


def descend(unit: Unit, slope: Unit, rate: Value) -> Unit:
    """One step of gradient descent: w - rate dC/dw, b - rate dC/db."""
    return Unit(unit.weights - rate * slope.weights, unit.bias - rate * slope.bias)


def train(
    unit: Unit, x: Value, y: Value, activation: Activation, *, rate: Value, steps: int
) -> tuple[Unit, list[Value]]:
    """The unit after ``steps`` steps of descent on the whole batch, and the costs before, between and after them."""
    costs = [cost(unit, x, y, activation)]
    for _ in range(steps):
        unit = descend(unit, gradient(unit, x, y, activation), rate)
        costs.append(cost(unit, x, y, activation))
    return unit, costs


# Rosenblatt's step unit -----------------------------------------------------------------------------------------------


def classify(unit: Unit, x: Value) -> Value:
    """The classes 1[z_i >= 0], shape (N,): True is class 1, False is class 0."""
    return preactivation(unit, x) >= 0


class Lesson(NamedTuple):
    """How the mistake-driven rule ended: the unit, its mistakes so far, and whether the last pass was free of them."""

    unit: Unit
    mistakes: int
    converged: bool


def learn_from_mistakes(x: Value, y: Value, *, passes: int) -> Lesson:
    """Rosenblatt's rule from w = 0, b = 0: visit the examples in turn; after a mistake add s_i (x_i, 1) to (w, b).

    Here y_i is 0 or 1 and s_i = 2 y_i - 1 is its sign; an example answered rightly changes nothing.  It stops after a
    pass without a mistake, or gives up after ``passes`` passes.

    Novikoff's theorem: write X_i = (x_i, 1) and R = max |X_i|.  If some u has s_i u.X_i >= gamma |u| > 0 for all i,
    then the mistakes are at most (R / gamma)^2, in whatever order the examples come.  For after M mistakes, W = (w,
    b) obeys W.u >= M gamma |u|, since each mistake adds at least gamma |u|, and |W|^2 <= M R^2, since each mistake
    adds 2 s_i W.X_i + |X_i|^2 with s_i W.X_i <= 0; and W.u <= |W| |u|.
    """
    unit = Unit(weights=zeros_like(x[0]), bias=zeros_like(x[0][0]))
    mistakes = 0
    for _ in range(passes):
        before = mistakes
        for example, label in zip(x, y, strict=True):
            if classify(unit, example) != (label == 1):
                sign = 1 if label == 1 else -1
                unit = Unit(unit.weights + sign * example, unit.bias + sign)
                mistakes += 1
        if mistakes == before:
            return Lesson(unit, mistakes, converged=True)
    return Lesson(unit, mistakes, converged=False)
