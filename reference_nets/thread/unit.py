"""The formulas about one sigmoid unit: z_i = x_i . w + b, yhat_i = sigma(z_i), C = 1/(2N) sum_i (yhat_i - y_i)^2.

The errors show at N >= 2 patterns, b != 0 and patterns that are not constant; several are hidden otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference_nets import perceptron
from reference_nets.generic import Activation, Value, logistic, zeros_like
from reference_nets.perceptron import Unit
from reference_nets.thread.records import Array, Formula, Gradients, Jacobian, Rule


def _example(n: int = 4, m: int = 3, bias: float = 0.75) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """(w, b, x, y): no entry of x is near 0 or the same as another."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        x = rng.uniform(0.5, 1.5, (n, m)) * rng.choice([-1.0, 1.0], (n, m))
        return rng.uniform(0.25, 1.0, m), np.asarray(bias), x, rng.integers(0, 2, n).astype(float)

    return draw


def _first(count: int, draw: Callable[[np.random.Generator], tuple[Array, ...]]) -> Callable[..., tuple[Array, ...]]:
    return lambda rng: draw(rng)[:count]


def _predictions(n: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        return rng.uniform(0.1, 0.4, n), rng.uniform(0.6, 0.9, n)

    return draw


def sigmoid_formulas(exp: Callable[[Value], Value]) -> tuple[Formula, ...]:
    """P1 and P3: the sigmoid itself."""
    right = logistic(exp)

    def as_printed(z: Value) -> Value:
        return 1 / (1 + exp(z))

    def printed_slope(z: Value) -> Value:
        return as_printed(z) * right.function(z)  # s (1 - s), as 1 - s is the right sigmoid

    def example(rng: np.random.Generator) -> tuple[Array, ...]:
        return (rng.uniform(-2, 2, 5),)

    mended = Rule(lambda z: right.function(z), lambda g, z: (g * right.derivative(z),))
    true_to_itself = Rule(as_printed, lambda g, z: (-g * printed_slope(z),))
    return (
        Formula(
            id="P1",
            printed="sigma(z) = 1 / (1 + exp(z))",
            right="sigma(z) = 1 / (1 + exp(-z))",
            relation="printed = 1 - right, so it decreases: its derivative is -1 times the right one",
            inputs=("z",),
            differentiated=1,
            claimed=true_to_itself,
            mended=mended,
            predicted=lambda J, z: (-J(z)[0],),
            example=example,
            definition=True,
        ),
        Formula(
            id="P3",
            printed="sigma'(z) = sigma(z) (1 - sigma(z)), for sigma(z) = 1 / (1 + exp(z))",
            right="sigma'(z) = -sigma(z) (1 - sigma(z)) for that sigma",
            relation="printed / right = -1, whatever N is",
            inputs=("z",),
            differentiated=1,
            claimed=Rule(as_printed, lambda g, z: (g * printed_slope(z),)),
            mended=true_to_itself,
            predicted=lambda J, z: (-J(z)[0],),
            example=example,
        ),
    )


def unit_formulas(sigma: Activation) -> tuple[Formula, ...]:
    """P2 and P4 to P11, for any activation sigma."""

    def score(w: Value, b: Value, x: Value) -> Value:
        return sigma.function(x @ w + b)

    def score_vjp(at: Callable[..., Value]) -> Callable[..., Gradients]:
        """The vjp of ``score`` by w and b, with sigma' taken at whatever is said."""

        def vjp(g: Value, w: Value, b: Value, x: Value) -> Gradients:
            delta = g * sigma.derivative(at(w, b, x))
            return delta @ x, delta.sum()

        return vjp

    def with_bias(w: Value, b: Value, x: Value) -> Value:
        return x @ w + b

    def without_bias(w: Value, b: Value, x: Value) -> Value:
        return x @ w

    def cost(w: Value, b: Value, x: Value, y: Value) -> Value:
        return perceptron.cost(Unit(w, b), x, y, sigma)

    def cost_vjp(g: Value, w: Value, b: Value, x: Value, y: Value) -> Gradients:
        slope = perceptron.gradient(Unit(w, b), x, y, sigma)
        return g * slope.weights, g * slope.bias

    def by_predictions(p: Value, y: Value) -> Value:
        return ((p - y) * (p - y)).sum() / (2 * len(y))

    def by_predictions_vjp(g: Value, p: Value, y: Value) -> Gradients:
        return (g * (p - y) / len(y),)

    def by_first_only(g: Value, p: Value, y: Value) -> Gradients:
        """The derivative of 1/(2N) sum_i (yhat - y)^2 where yhat and y are those of one pattern, the first."""
        slope = zeros_like(p)
        slope[0] = g * (p[0] - y[0])
        return (slope,)

    def slope_ratio(above: Callable[..., Value], below: Callable[..., Value], *inputs: Value) -> Value:
        return sigma.derivative(above(*inputs)) / sigma.derivative(below(*inputs))

    def scaled_rows(J: Gradients, factor: Value) -> Gradients:
        return tuple(part * np.reshape(factor, (-1, *[1] * (part.ndim - 1))) for part in J)

    def only_w(vjp: Callable[..., Gradients]) -> Callable[..., Gradients]:
        return lambda *args: vjp(*args)[:1]

    def class_cost(w: Value, b: Value, x: Value, y: Value) -> Value:
        gap = perceptron.classify(Unit(w, b), x) * (0 * y + 1) - y
        return (gap * gap).sum() / (2 * len(y))

    def p4(J: Jacobian, p: Value, y: Value) -> Gradients:
        only_first = J(p, y)[0] * len(y)
        only_first[:, 1:] = only_first[:, 1:] * 0
        return (only_first,)

    return (
        Formula(
            id="P2",
            printed="sigma(w.x) = 1 / (1 + exp(w.x + b)): z is w.x on the left and w.x + b on the right",
            right="one z = w.x + b on both sides",
            relation="the two z differ by b; the gradients by the factor sigma'(w.x) / sigma'(w.x + b), per pattern",
            inputs=("w", "b", "x"),
            differentiated=2,
            claimed=Rule(score, score_vjp(without_bias)),
            mended=Rule(score, score_vjp(with_bias)),
            predicted=lambda J, *inputs: scaled_rows(J(*inputs), slope_ratio(without_bias, with_bias, *inputs)),
            example=_first(3, _example()),
            hidden=_first(3, _example(bias=0.0)),
            hidden_when="b = 0",
        ),
        Formula(
            id="P4",
            printed="C = 1/(2N) sum_i (yhat - y)^2, with no index inside the sum",
            right="C = 1/(2N) sum_i (yhat_i - y_i)^2",
            relation="read as one pattern, say the first, it counts N times and the others not at all: printed / right = N, 0, ..., 0",
            inputs=("p", "y"),
            differentiated=1,
            claimed=Rule(by_predictions, by_first_only),
            mended=Rule(by_predictions, by_predictions_vjp),
            predicted=p4,
            example=_predictions(4),
            hidden=_predictions(1),
            hidden_when="N = 1",
        ),
        Formula(
            id="P6",
            printed="dC/dyhat = yhat - y",
            right="dC/dyhat_i = (yhat_i - y_i) / N",
            relation="printed / right = N",
            inputs=("p", "y"),
            differentiated=1,
            claimed=Rule(by_predictions, lambda g, p, y: (g * (p - y),)),
            mended=Rule(by_predictions, by_predictions_vjp),
            predicted=lambda J, p, y: (len(y) * J(p, y)[0],),
            example=_predictions(4),
            hidden=_predictions(1),
            hidden_when="N = 1",
        ),
        Formula(
            id="P7",
            printed="yhat = sigma(w.x), but its derivative is taken at w.x + b",
            right="one z for the function and its derivative",
            relation="printed / right = sigma'(w.x + b) / sigma'(w.x), per pattern",
            inputs=("w", "b", "x"),
            differentiated=1,
            claimed=Rule(lambda w, b, x: sigma.function(x @ w), only_w(score_vjp(with_bias))),
            mended=Rule(score, only_w(score_vjp(with_bias))),
            truth=only_w(score_vjp(without_bias)),
            predicted=lambda J, *inputs: scaled_rows(J(*inputs), slope_ratio(with_bias, without_bias, *inputs)),
            example=_first(3, _example()),
            hidden=_first(3, _example(bias=0.0)),
            hidden_when="b = 0",
        ),
        Formula(
            id="P8",
            printed="dyhat/dw = sigma'(z)",
            right="dyhat_i/dw_j = sigma'(z_i) x_ij",
            relation="printed / right = 1 / x_ij; what is printed is dyhat/db",
            inputs=("w", "b", "x"),
            differentiated=1,
            claimed=Rule(score, lambda g, w, b, x: (score_vjp(with_bias)(g, w, b, x)[1] + 0 * w,)),
            mended=Rule(score, only_w(score_vjp(with_bias))),
            predicted=lambda J, w, b, x: (J(w, b, x)[0] / x,),
            example=_first(3, _example()),
            hidden=lambda rng: (*_example()(rng)[:2], np.ones((4, 3))),
            hidden_when="every x_ij is 1",
        ),
        Formula(
            id="P9",
            printed="dC/dw alone; nothing is said of the bias",
            right="dC/db = 1/N sum_i (yhat_i - y_i) sigma'(z_i) as well",
            relation="printed / right = 1 for w and 0 for b",
            inputs=("w", "b", "x", "y"),
            differentiated=2,
            claimed=Rule(cost, lambda g, *inputs: (cost_vjp(g, *inputs)[0], cost_vjp(g, *inputs)[1] * 0)),
            mended=Rule(cost, cost_vjp),
            predicted=lambda J, *inputs: (J(*inputs)[0], J(*inputs)[1] * 0),
            example=_example(),
        ),
        Formula(
            id="P11",
            printed='yhat is "the predicted class"',
            right="yhat is a score; the class is 1 where z >= 0, else 0",
            relation="with the class in it C is piecewise constant, its gradient 0: printed is not 0 but that of the score",
            inputs=("w", "b", "x", "y"),
            differentiated=2,
            claimed=Rule(class_cost, cost_vjp),
            mended=Rule(cost, cost_vjp),
            truth=lambda g, w, b, x, y: (zeros_like(w), zeros_like(b)),
            predicted=lambda J, *inputs: tuple(
                a + b for a, b in zip(J(*inputs), _one_row(cost_vjp(1, *inputs)), strict=True)
            ),
            example=_example(),
        ),
    )


def _one_row(gradients: Gradients) -> Gradients:
    return tuple(np.asarray(part)[None] for part in gradients)
