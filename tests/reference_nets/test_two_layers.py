"""Two hidden layers: the vectors are the sum over paths, exactly; every shape that does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import generic, mlp, two_layers
from reference_nets.two_layers import Weights
from tests.reference_nets.exact_numbers import all_fractions, exact_search, random_rationals, rationals


@st.composite
def problems(draw):
    """(weights, x, activation) in rationals."""
    m, n1, n2 = (draw(st.integers(1, 3)) for _ in range(3))
    weights = Weights(draw(rationals(n1, m)), draw(rationals(n2, n1)), draw(rationals(n2)))
    return weights, draw(rationals(m)), draw(st.sampled_from([generic.bump, generic.cube, generic.square]))


@exact_search
@given(problems())
def test_the_vectors_are_the_sum_over_paths(problem):
    weights, x, s = problem
    slopes, _ = two_layers.vjp(1, weights, x, s)
    by_paths = two_layers.gradient_by_paths(weights, x, s)
    assert all((a == b).all() for a, b in zip(slopes, by_paths, strict=True))
    assert all_fractions(tuple(slopes))


@exact_search
@given(problems())
def test_it_is_a_layered_network_transposed(problem):
    """Rows instead of columns, no biases, a linear last layer."""
    (W1, W2, w3), x, s = problem
    layers = tuple(mlp.Layer(W.T, W[:, 0] * 0) for W in (W1, W2, w3[None]))
    activations = (s, s, generic.identity)
    tape = mlp.forward(layers, activations, x[None])
    slopes, by_x = mlp.backward(layers, activations, tape, np.array([[x[0] * 0 + 1]]))
    mine, mine_x = two_layers.vjp(1, Weights(W1, W2, w3), x, s)
    assert two_layers.forward(Weights(W1, W2, w3), x, s).f == tape.values[-1][0, 0]
    assert all((a == b.weights.T).all() for a, b in zip(mine, slopes, strict=True))
    assert (mine_x == by_x[0]).all()


def test_losing_the_paths_between_lanes_is_seen():
    """The pair of the first test: W2 without its transpose is another gradient, unless W2 is symmetric."""
    W1, w3, x = random_rationals(1, 2, 2), random_rationals(2, 2), random_rationals(3, 2)
    for W2, same in ((random_rationals(4, 2, 2), False), (np.array([[1, 2], [2, 3]], dtype=object), True)):
        tape = two_layers.forward(Weights(W1, W2, w3), x, generic.bump)
        d2 = w3 * generic.bump.derivative(tape.a2)
        untransposed = np.outer((W2 @ d2) * generic.bump.derivative(tape.a1), x)
        right = two_layers.gradient_by_paths(Weights(W1, W2, w3), x, generic.bump).W1
        assert (untransposed == right).all() == same


def test_shapes_that_do_not_fit_are_refused():
    weights = Weights(np.ones((3, 2)), np.ones((4, 2)), np.ones(4))
    with pytest.raises(ValueError, match=r"\(4, 2\).*give \(m,\), \(n1, m\), \(n2, n1\), \(n2,\)"):
        two_layers.forward(weights, np.ones(2), generic.bump)
