"""Back-propagation through time is back-propagation through the unfolded network, its copies added up."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import generic, mlp, recurrent
from tests.reference_nets.exact_numbers import all_fractions, assert_caught, exact_search, rationals


@st.composite
def problems(draw, least=1):
    """(W, o(0), x, e) in rationals."""
    n, steps = draw(st.integers(1, 3)), draw(st.integers(least, 3))
    return draw(rationals(n, n)), draw(rationals(n)), draw(rationals(steps, n)), draw(rationals(steps, n))


def unfolded(weights, start, inputs, f, cotangents):
    """The gradient of every COPY of W, from layered networks: o(t) as the output of the first t layers, for each t."""
    steps = len(inputs)
    copies = [weights * 0 for _ in range(steps)]
    for t in range(1, steps + 1):
        layers = [mlp.Layer(weights, x) for x in inputs[:t]]
        tape = mlp.forward(layers, [f] * t, start[None])
        slopes, _ = mlp.backward(layers, [f] * t, tape, cotangents[t - 1][None])
        for k, slope in enumerate(slopes):
            copies[k] = copies[k] + slope.weights
    return copies


@exact_search
@given(problems())
def test_the_copies_of_a_weight_are_added_up(problem):
    weights, start, inputs, e = problem
    run = recurrent.forward(weights, start, inputs, generic.cube)
    slopes = recurrent.backward(weights, run, generic.cube, e)
    assert (slopes.weights == sum(unfolded(weights, start, inputs, generic.cube, e))).all()
    assert all_fractions(tuple(slopes))


def test_one_copy_alone_is_another_gradient():
    def last_copy_differs(problem):
        weights, start, inputs, e = problem
        run = recurrent.forward(weights, start, inputs, generic.cube)
        last = unfolded(weights, start, inputs, generic.cube, e)[-1]
        return (recurrent.backward(weights, run, generic.cube, e).weights != last).any()

    assert_caught(problems(least=2), last_copy_differs)


def test_descent_learns_to_remember():
    """A unit has to answer, two steps later, what another was told."""
    rng = np.random.default_rng(3)
    f = generic.hyperbolic_tangent()
    secret = np.array([[0.0, 1.0, 0], [0, 0, 1.0], [0, 0, 0]])

    def case(value):
        inputs = np.zeros((3, 3))
        inputs[0, 0] = value
        return inputs, recurrent.forward(secret, np.zeros(3), inputs, f).outputs[1:]

    cases = [case(value) for value in (0.8, -0.8)]
    weights, curve = rng.normal(size=(3, 3)) / 4, []
    for _ in range(300):
        curve.append(sum(recurrent.error(weights, np.zeros(3), *pair, f) for pair in cases))
        weights = weights - 0.2 * sum(recurrent.gradient(weights, np.zeros(3), *pair, f).weights for pair in cases)
    assert all(after < before for before, after in itertools.pairwise(curve))
    assert curve[-1] < curve[0] / 1_000_000


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"with 2 units give \(2, 2\), \(2,\) and \(T, 2\), T >= 1"):
        recurrent.forward(np.ones((2, 2)), np.ones(2), np.ones((3, 1)), generic.cube)
    with pytest.raises(ValueError, match="T >= 1"):
        recurrent.forward(np.ones((2, 2)), np.ones(2), np.ones((0, 2)), generic.cube)
