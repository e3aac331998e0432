"""The networks as they train, in float64, against finite differences that bring their own bound.

The other tests hold the formulas to exact numbers; this one shows that nothing is lost on the way to floats.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gradcheck.oracles.finite_difference import line_derivatives
from reference_nets import backprop, generic, mlp, operations, perceptron
from reference_nets.graph import Graph, Vertex
from reference_nets.mlp import Layer
from reference_nets.perceptron import Unit

ROUNDOFF = 64 * 2.0**-53
"""A value or a slope here is a sum of at most 24 terms, each reached by fewer than 40 operations:
at most 64 roundings on the way to any entry, relative to the largest number that they act on."""


def perceptron_case(rng):
    x, y = rng.normal(size=(6, 3)), rng.integers(0, 2, 6).astype(float)

    def unpack(flat):
        return Unit(flat[:3], flat[3])

    def cost(flat):
        return perceptron.cost(unpack(flat), x, y, generic.logistic())

    def gradient(flat):
        slopes = perceptron.gradient(unpack(flat), x, y, generic.logistic())
        return np.append(slopes.weights, slopes.bias)

    return cost, gradient, rng.normal(size=4)


def mlp_case(rng, loss):
    widths = (2, 3, 2)
    activations = generic.logistic(), generic.hyperbolic_tangent()
    x, y = rng.normal(size=(4, 2)), rng.random((4, 2))

    def unpack(flat):
        layers, start = [], 0
        for a, b in itertools.pairwise(widths):
            weights, bias = flat[start : start + a * b], flat[start + a * b : start + a * b + b]
            layers.append(Layer(weights.reshape(a, b), bias))
            start += a * b + b
        return tuple(layers)

    def cost(flat):
        return mlp.cost(unpack(flat), activations, loss, x, y)

    def gradient(flat):
        slopes = mlp.gradient(unpack(flat), activations, loss, x, y)
        return np.concatenate([np.ravel(part) for layer in slopes for part in layer])

    return cost, gradient, rng.normal(size=17)


def graph_case(rng):
    """sum of sin(x) (tanh(x) + exp(x)) * (tanh(x) exp(x)) / x: a variable with four readers, two outputs in use."""
    graph = Graph(
        ("x",),
        (
            Vertex(operations.total, ("ratio",), ("out",)),
            Vertex(operations.tanh, ("x",), ("t",)),
            Vertex(operations.exp, ("x",), ("e",)),
            Vertex(operations.sum_and_product, ("t", "e"), ("s", "p")),
            Vertex(operations.sin, ("x",), ("w",)),
            Vertex(operations.multiply, ("s", "p"), ("sp",)),
            Vertex(operations.multiply, ("w", "sp"), ("wsp",)),
            Vertex(operations.divide, ("wsp", "x"), ("ratio",)),
        ),
    )

    def cost(flat):
        return backprop.evaluate(graph, {"x": flat})["out"]

    return cost, lambda flat: backprop.gradient(graph, {"x": flat}, "out")["x"], rng.uniform(0.5, 1.5, size=4)


CASES = {
    "perceptron": perceptron_case,
    "mlp, quadratic": lambda rng: mlp_case(rng, mlp.quadratic),
    "mlp, cross-entropy": lambda rng: mlp_case(rng, mlp.cross_entropy()),
    "graph": graph_case,
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", [1, 2])
def test_gradient_is_within_the_bound_of_finite_differences(name, seed):
    cost, gradient, point = CASES[name](np.random.default_rng(seed))
    seen = line_derivatives(lambda flat: np.array([cost(flat)]), point, np.eye(len(point)), noise_floor=ROUNDOFF)
    got = gradient(point)
    allowed = seen.bound[:, 0] + ROUNDOFF * np.abs(got).max()
    assert (np.abs(got - seen.value[:, 0]) <= allowed).all()
    # the bound decides: an entry with a wrong sign would be seen, unless it is smaller than a millionth of the largest
    visible = np.abs(got) > 1e-6 * np.abs(got).max()
    assert visible.any() and (2 * np.abs(got) > allowed)[visible].all()
