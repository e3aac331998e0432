"""The layered network: every matrix formula exactly, in rationals, and with transcendental functions in 60 digits."""

from __future__ import annotations

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import generic, mlp
from reference_nets.mlp import Layer
from tests.reference_nets.exact_numbers import (
    all_fractions,
    assert_caught,
    exact_search,
    exactly,
    inner,
    lift,
    random_rationals,
    rationals,
    slope,
    slope_by_interpolation,
    tree_map,
)
from tests.reference_nets.finite_differences import DIGITS, central_difference, mp_exp, mp_log, mp_tanh, to_mp

RATIONAL = (generic.identity, generic.square, generic.cube, generic.relu, generic.bump)


@st.composite
def problems(draw, least_depth=1):
    """(layers, activations, loss, x, y, direction) in rationals."""
    depth, n = draw(st.integers(least_depth, 3)), draw(st.integers(1, 3))
    widths = draw(st.lists(st.integers(1, 3), min_size=depth + 1, max_size=depth + 1))
    layers, direction = (
        tuple(Layer(draw(rationals(a, b)), draw(rationals(b))) for a, b in itertools.pairwise(widths)) for _ in range(2)
    )
    activations = tuple(draw(st.sampled_from(RATIONAL)) for _ in range(depth))
    return layers, activations, mlp.quadratic, draw(rationals(n, widths[0])), draw(rationals(n, widths[-1])), direction


def off_the_kinks(problem):
    layers, activations, _, x, _, _ = problem
    zs = mlp.forward(layers, activations, x).preactivations
    return all(f is not generic.relu or (z != 0).all() for f, z in zip(activations, zs, strict=True))


def exact_error(gradient, problem):
    """<gradient, d> minus the formal derivative of the cost along d: zero for a right gradient."""
    layers, *rest, direction = problem
    moved = tree_map(lift, layers, direction)
    return inner(gradient(layers, *rest), direction) - slope(mlp.cost(moved, *rest))


@exact_search
@given(problems().filter(off_the_kinks))
def test_gradient_is_the_formal_derivative(problem):
    assert exact_error(mlp.gradient, problem) == 0
    slopes = mlp.gradient(*problem[:-1])
    assert all_fractions(slopes)
    assert tree_map(np.shape, slopes) == tree_map(np.shape, problem[0])


@exact_search
@given(problems().filter(off_the_kinks), st.data())
def test_adjoint_identity_with_respect_to_the_input(problem, data):
    """<c, J d> = <J^T c, d> for a direction d of x and a cotangent c of the output."""
    layers, activations, _, x, y, _ = problem
    d, c = data.draw(rationals(*x.shape), label="d"), data.draw(rationals(*y.shape), label="c")
    tangent = slope(mlp.forward(layers, activations, lift(x, d)).values[-1])
    _, cotangent = mlp.backward(layers, activations, mlp.forward(layers, activations, x), c)
    assert inner(c, tangent) == inner(cotangent, d)


def test_gradient_is_the_slope_of_the_polynomial_through_exact_costs():
    """Two layers, cube then square: z_2 has degree 4 in the weights, A_2 degree 8 and the cost degree 16."""
    layers, direction = (
        tuple(Layer(random_rationals(s + k, 2, 2), random_rationals(s + k + 2, 2)) for k in (0, 1)) for s in (10, 20)
    )
    setting = (generic.cube, generic.square), mlp.quadratic, random_rationals(1, 3, 2), random_rationals(2, 3, 2)

    def along(t):
        return mlp.cost(tree_map(lambda p, d: p + t * d, layers, direction), *setting)

    assert inner(mlp.gradient(layers, *setting), direction) == slope_by_interpolation(along, 16)


# Wrong twins: the same backward pass with one slip each ---------------------------------------------------------------


def backward_with_a_slip(slip):
    def gradient(layers, activations, loss, x, y):
        tape = mlp.forward(layers, activations, x)
        weights = [layer.weights for layer in layers]
        cotangent = loss.gradient(tape.values[-1], y)
        if slip == "the mean is forgotten":
            cotangent = cotangent * len(y)
        slopes = []
        for index in reversed(range(len(layers))):
            delta = cotangent * activations[index].derivative(tape.preactivations[index])
            if slip == "f' is forgotten":
                delta = cotangent
            if slip == "f' is taken at A instead of Z":
                delta = cotangent * activations[index].derivative(tape.values[index + 1])
            dw, db = tape.values[index].T @ delta, delta.sum(axis=0)
            if slip == "the activity h of the layer below is forgotten":
                dw = (tape.values[index] * 0 + 1).T @ delta
            if slip == "only the first pattern counts for the bias":
                db = delta[0]
            if slip == "W_2 is updated before delta_1":
                weights[index] = weights[index] - dw
            back = weights[index].T
            if slip == "one path instead of the sum over paths":
                back = back * np.eye(*back.shape, dtype=int)
            cotangent = delta @ back
            slopes.append(Layer(dw, db))
        return tuple(reversed(slopes))

    return gradient


def test_the_skeleton_of_the_twins_without_a_slip_is_right():
    problem = (
        tuple(Layer(random_rationals(k, 2, 2), random_rationals(k + 5, 2)) for k in (1, 2)),
        (generic.cube, generic.bump),
        mlp.quadratic,
        random_rationals(3, 3, 2),
        random_rationals(4, 3, 2),
        tuple(Layer(random_rationals(k, 2, 2), random_rationals(k + 5, 2)) for k in (11, 12)),
    )
    assert exact_error(backward_with_a_slip("none"), problem) == 0


@pytest.mark.parametrize(
    "slip",
    [
        "the mean is forgotten",
        "f' is forgotten",
        "f' is taken at A instead of Z",
        "the activity h of the layer below is forgotten",
        "only the first pattern counts for the bias",
        "W_2 is updated before delta_1",
        "one path instead of the sum over paths",
    ],
)
def test_wrong_gradients_are_caught(slip):
    gradient = backward_with_a_slip(slip)
    assert_caught(problems(least_depth=2).filter(off_the_kinks), lambda problem: exact_error(gradient, problem) != 0)


def test_updating_early_is_invisible_in_one_layer():
    """The reason why the twin above needs two layers."""
    layers, direction = ((Layer(random_rationals(s, 2, 2), random_rationals(s, 2)),) for s in (1, 2))
    problem = layers, (generic.cube,), mlp.quadratic, random_rationals(3, 3, 2), random_rationals(4, 3, 2), direction
    assert exact_error(backward_with_a_slip("W_2 is updated before delta_1"), problem) == 0


# Transcendental functions, in 60 digits -------------------------------------------------------------------------------


def random_net(seed, widths, n):
    rng = np.random.default_rng(seed)
    layers, direction = (
        tuple(Layer(to_mp(rng.normal(size=(a, b))), to_mp(rng.normal(size=b))) for a, b in itertools.pairwise(widths))
        for _ in range(2)
    )
    return layers, direction, to_mp(rng.normal(size=(n, widths[0]))), to_mp(rng.normal(size=(n, widths[-1])))


def directional(slopes, direction):
    return sum((s.weights * d.weights).sum() + (s.bias * d.bias).sum() for s, d in zip(slopes, direction, strict=True))


@pytest.mark.parametrize("loss", ["quadratic", "cross-entropy", "cross-entropy of targets that do not sum to 1"])
def test_gradient_agrees_with_finite_differences(loss):
    with mpmath.workdps(DIGITS):
        layers, direction, x, y = random_net(3, (3, 4, 2), 5)
        if loss != "quadratic":
            y = mp_exp(y)
            if loss == "cross-entropy":
                y = y / y.sum(axis=1, keepdims=True)
        setting = (
            (generic.logistic(mp_exp), generic.hyperbolic_tangent(mp_tanh)),
            mlp.quadratic if loss == "quadratic" else mlp.cross_entropy(mp_exp, mp_log),
            x,
            y,
        )
        value, bound = central_difference(
            lambda t: mlp.cost(tree_map(lambda p, d: p + t * d, layers, direction), *setting)
        )
        assert abs(directional(mlp.gradient(layers, *setting), direction) - value) <= bound < 1e-25


def test_softmax_minus_target_needs_targets_that_sum_to_one():
    with mpmath.workdps(DIGITS):
        loss = mlp.cross_entropy(mp_exp, mp_log)
        _, _, logits, step = random_net(4, (3, 3), 2)

        def q_minus_p(a, p):
            return (mp_exp(a) / mp_exp(a).sum(axis=1, keepdims=True) - p) / len(p)

        for scale, agrees in ((1, True), (2, False)):
            p = mp_exp(step)
            p = scale * p / p.sum(axis=1, keepdims=True)
            value, bound = central_difference(lambda t, p=p: loss.value(logits + t * step, p))
            assert abs((loss.gradient(logits, p) * step).sum() - value) <= bound < 1e-25
            assert (abs((q_minus_p(logits, p) * step).sum() - value) <= bound) == agrees


# Training, and the object ---------------------------------------------------------------------------------------------


def test_training_lowers_the_error_and_learns_exclusive_or():
    x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
    rng = np.random.default_rng(2)
    layers = tuple(Layer(rng.normal(size=shape), np.zeros(shape[1])) for shape in ((2, 4), (4, 1)))
    activations = (generic.hyperbolic_tangent(), generic.logistic())
    trained, costs = mlp.train(layers, activations, mlp.quadratic, x, y, rate=2.0, steps=600)
    assert costs[-1] < costs[0] / 20
    output = mlp.forward(trained, activations, x).values[-1]
    assert ((output > 0.5) == (y == 1)).all()


def test_a_step_in_rationals_is_exact():
    layers = (Layer(random_rationals(1, 2, 3), random_rationals(2, 3)), Layer(random_rationals(3, 3, 1), exactly([1])))
    setting = (generic.bump, generic.identity), mlp.quadratic, random_rationals(4, 4, 2), random_rationals(5, 4, 1)
    trained, costs = mlp.train(layers, *setting, rate=Fraction(1, 1000), steps=2)
    assert all_fractions(trained)
    assert costs[2] < costs[1] < costs[0]


def test_the_object_is_the_functions():
    layers = (Layer(random_rationals(1, 2, 2), random_rationals(2, 2)),)
    x, c = random_rationals(3, 3, 2), random_rationals(4, 3, 2)
    network = mlp.Network(layers, (generic.cube,))
    with pytest.raises(RuntimeError, match=r"call forward\(x\) first"):
        network.backward(c)
    tape = mlp.forward(layers, (generic.cube,), x)
    assert (network.forward(x) == tape.values[-1]).all()
    ((slopes,), dx), ((expected,), dx_expected) = network.backward(c), mlp.backward(layers, (generic.cube,), tape, c)
    assert (slopes.weights == expected.weights).all() and (slopes.bias == expected.bias).all()
    assert (dx == dx_expected).all()
    with pytest.raises(ValueError, match="need as many activations"):
        mlp.Network(layers, ())
