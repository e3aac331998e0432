"""Second derivatives by three ways that share no formula: nodes with matrices, the R-operator, gradient of a slope."""

from __future__ import annotations

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import generic, hessian_products, losses, mlp, second_order
from reference_nets.mlp import Layer
from reference_nets.second_order import Edge, Network
from tests.reference_nets.exact_numbers import (
    all_fractions,
    assert_caught,
    exact_search,
    inner,
    lift,
    random_rationals,
    rationals,
    slope,
)
from tests.reference_nets.number_systems import AGREED, DIGITS, MPMATH, to_mp

F = (generic.identity, generic.square, generic.cube, generic.bump)


@st.composite
def networks(draw):
    """(network, weights, x) in rationals: any edges that lead upwards, parallel ones too, in any order."""
    inputs, units = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    edges = []
    for number in range(inputs, inputs + units):
        edges += [Edge(draw(st.integers(0, number - 1)), number) for _ in range(draw(st.integers(0, 3)))]
    if not edges:
        edges = [Edge(0, inputs)]
    activations = tuple(draw(st.sampled_from(F)) for _ in range(units))
    network = Network(inputs, activations, tuple(draw(st.permutations(edges))))
    return network, draw(rationals(len(edges))), draw(rationals(inputs))


@exact_search
@given(networks(), st.data())
def test_the_hessian_is_the_derivative_of_the_gradient(problem, data):
    network, weights, x = problem
    last = second_order.expand(network, weights, x)[-1]
    direction = data.draw(rationals(len(weights)), label="direction")
    moved = slope(second_order.gradient(network, lift(weights, direction), x))
    assert (last.hessian @ direction == moved).all()
    assert (last.hessian == last.hessian.T).all()
    assert (last.gradient == second_order.gradient(network, weights, x)).all()
    assert all_fractions((last.value, last.gradient, last.hessian))


def hessian_with_a_slip(slip, network, weights, x):
    """Rojas's formula of a node, with one of its terms lost."""
    flat = weights * 0
    nodes = [second_order.Expansion(value, flat, np.multiply.outer(flat, flat)) for value in x]
    for number, f in enumerate(network.units, start=network.inputs):
        s, first, second = weights[0] * 0, flat, np.multiply.outer(flat, flat)
        for place, (start, end) in enumerate(network.edges):
            if end == number:
                value, slope_, curvature = nodes[start]
                here = flat.copy()
                here[place] = here[place] + 1
                s, first = s + weights[place] * value, first + weights[place] * slope_ + here * value
                mixed = np.multiply.outer(here, slope_)
                second = second + weights[place] * curvature
                second = second + (0 * mixed if slip == "bilinear" else mixed + mixed.T)
                if slip == "one side":
                    second = second - mixed.T
        bent = generic.second_derivative(f)(s) * (0 if slip == "f''" else 1)
        hessian = np.multiply.outer(first, first) * bent + second * (1 if slip == "f'" else f.derivative(s))
        nodes.append(second_order.Expansion(f.function(s), first * f.derivative(s), hessian))
    return nodes[-1].hessian


def is_wrong(slip):
    return lambda problem: (hessian_with_a_slip(slip, *problem) != second_order.expand(*problem)[-1].hessian).any()


@exact_search
@given(networks())
def test_the_skeleton_of_the_twins_without_a_slip_is_right(problem):
    assert not is_wrong("none")(problem)


@pytest.mark.parametrize("slip", ["bilinear", "one side", "f''", "f'"])
def test_a_lost_term_is_caught(slip):
    assert_caught(networks(), is_wrong(slip))


@st.composite
def layered_problems(draw):
    """(layers, activations, loss, x, y, direction) in rationals, one to three layers."""
    widths = draw(st.lists(st.integers(1, 2), min_size=2, max_size=4))
    shapes = list(itertools.pairwise(widths))
    layers, direction = (tuple(Layer(draw(rationals(a, b)), draw(rationals(b))) for a, b in shapes) for _ in range(2))
    activations = tuple(draw(st.sampled_from(F)) for _ in shapes)
    loss = draw(st.sampled_from([losses.quadratic, losses.squared_error]))
    n = draw(st.integers(1, 2))
    return layers, activations, loss, draw(rationals(n, widths[0])), draw(rationals(n, widths[-1])), direction


@exact_search
@given(layered_problems())
def test_both_routes_give_the_same_product(problem):
    """And it is the derivative of the gradient along the direction, by dual numbers."""
    *setting, direction = problem
    layers, *rest = setting
    one, other = (mlp.flatten(route(*problem)) for route in ROUTES)
    moved = tuple(
        Layer(*(lift(p, d) for p, d in zip(a, b, strict=True))) for a, b in zip(layers, direction, strict=True)
    )
    assert (one == slope(mlp.flatten(mlp.gradient(moved, *rest)))).all()
    assert (one == other).all()
    assert all_fractions(one)


ROUTES = (hessian_products.r_operator, hessian_products.gradient_of_slope)


def test_the_product_without_the_curvature_of_the_loss_is_another():
    """The twin treats dC/dA as a constant."""
    flat_loss = losses.Loss("", losses.quadratic.value, losses.quadratic.gradient, lambda a, y, t: 0 * t)

    def differs(problem):
        layers, activations, _, x, y, direction = problem
        right, wrong = (
            mlp.flatten(hessian_products.r_operator(layers, activations, loss, x, y, direction))
            for loss in (losses.quadratic, flat_loss)
        )
        return (right != wrong).any()

    assert_caught(layered_problems(), differs)


@exact_search
@given(layered_problems())
def test_the_hessian_of_a_layered_network_by_nodes_and_by_products(problem):
    """H of 1/2 sum |A - y|^2, pattern by pattern: gradient gradient^T + (A - y) Hessian of A, summed over outputs."""
    layers, activations, _, x, y, _ = problem
    widths = [x.shape[1], *(len(layer.bias) for layer in layers)]
    weights = mlp.flatten(layers)
    network = second_order.layered(widths, activations)
    total = np.multiply.outer(weights, weights) * 0
    for row, target in zip(x, y, strict=True):
        outputs = second_order.expand(network, weights, np.append(row, Fraction(1)))[-widths[-1] :]
        for (value, gradient, hessian), wanted in zip(outputs, target, strict=True):
            total = total + np.multiply.outer(gradient, gradient) + hessian * (value - wanted)
    assert (hessian_products.hessian(layers, activations, losses.squared_error, x, y) == total).all()


@pytest.mark.parametrize("activation", ["identity", "square", "cube", "bump", "logistic", "steep", "symmetric", "tanh"])
def test_first_and_second_derivatives_of_activations(activation):
    exp, tanh = (np.frompyfunc(f, 1, 1) for f in (mpmath.exp, mpmath.tanh))
    f = {
        "logistic": generic.logistic(exp),
        "steep": generic.logistic(exp, steepness=3),
        "symmetric": generic.symmetric_sigmoid(exp),
        "tanh": generic.hyperbolic_tangent(tanh),
    }.get(activation) or getattr(generic, activation)
    with mpmath.workdps(DIGITS):
        for z in map(mpmath.mpf, (-2.5, -0.375, 0.0, 0.5, 3.0)):
            assert abs(f.derivative(z) - mpmath.diff(f.function, z)) <= AGREED
            assert abs(generic.second_derivative(f)(z) - mpmath.diff(f.function, z, 2)) <= AGREED


def test_the_symmetric_sigmoid_is_a_tanh_of_half():
    with mpmath.workdps(DIGITS):
        f = generic.symmetric_sigmoid(np.frompyfunc(mpmath.exp, 1, 1))
        for z in map(mpmath.mpf, (-3.0, 0.25, 2.0)):
            assert abs(f.function(z) - mpmath.tanh(z / 2)) <= AGREED


@pytest.mark.parametrize("name", ["quadratic", "squared error", "softmax", "binary"])
def test_the_curvature_of_a_loss_is_the_derivative_of_its_gradient(name):
    loss = {
        "quadratic": losses.quadratic,
        "squared error": losses.squared_error,
        "softmax": MPMATH.cross_entropy,
        "binary": MPMATH.binary,
    }[name]
    rng = np.random.default_rng(1)
    with mpmath.workdps(DIGITS):
        a, y = (to_mp(rng.uniform(0.25, 0.75, (2, 3))) for _ in range(2))
        t = to_mp(rng.normal(size=(2, 3)))
        got = loss.curvature(a, y, t)
        for i, j in np.ndindex(a.shape):
            wanted = mpmath.diff(lambda h, i=i, j=j: loss.gradient(a + h * t, y)[i, j], 0)
            assert abs(got[i, j] - wanted) <= AGREED


def test_the_penalties_have_their_own_curvature():
    layers = (Layer(random_rationals(1, 2, 2), random_rationals(2, 2)),)
    direction = (Layer(random_rationals(3, 2, 2), random_rationals(4, 2)),)
    moved = tuple(
        Layer(lift(a.weights, d.weights), lift(a.bias, d.bias)) for a, d in zip(layers, direction, strict=True)
    )
    for penalty in (losses.squared_weights, losses.squared_parameters):
        assert inner(penalty.gradient(layers), direction) == slope(penalty.value(moved))
        assert (mlp.flatten(penalty.curvature(layers, direction)) == slope(mlp.flatten(penalty.gradient(moved)))).all()
    assert inner(losses.squared_parameters.gradient(layers), direction) != slope(losses.squared_weights.value(moved))


def test_what_states_no_second_derivative_is_refused():
    network = Network(1, (generic.Activation("bent", np.abs, np.sign),), (Edge(0, 1),))
    with pytest.raises(ValueError, match="activation 'bent' states no second derivative"):
        second_order.expand(network, np.ones(1), np.ones(1))
    loss = losses.Loss("l", losses.quadratic.value, losses.quadratic.gradient)
    layer = (Layer(np.ones((1, 1)), np.ones(1)),)
    with pytest.raises(ValueError, match="loss 'l' states no curvature"):
        hessian_products.r_operator(layer, (generic.square,), loss, np.ones((1, 1)), np.ones((1, 1)), layer)


def test_what_does_not_fit_is_refused():
    network = Network(1, (generic.square,), (Edge(0, 1),))
    with pytest.raises(ValueError, match="x has 2 entries; the network has 1 inputs"):
        second_order.expand(network, np.ones(1), np.ones(2))
    with pytest.raises(ValueError, match="weights has 2 entries; the network has 1 edges"):
        second_order.gradient(network, np.ones(2), np.ones(1))
    with pytest.raises(ValueError, match=r"Edge\(start=1, end=1\): give edges from a lower node to a higher unit"):
        second_order.expand(network._replace(edges=(Edge(1, 1),)), np.ones(1), np.ones(1))
    with pytest.raises(ValueError, match=r"flat has shape \(3,\); these layers have 2 parameters"):
        mlp.unflatten(np.ones(3), (Layer(np.ones((1, 1)), np.ones(1)),))
