"""Rojas's matrix form: the same network as ``mlp`` in another notation; batch, online, and the curve of the error."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import generic, losses, mlp, rojas_layers, training
from tests.reference_nets.exact_numbers import all_fractions, exact_search, random_rationals, rationals

F = (generic.bump, generic.cube)


@st.composite
def problems(draw, least=1):
    """(matrices, activations, patterns, targets) in rationals, one to three layers."""
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    matrices = tuple(draw(rationals(a + 1, b)) for a, b in itertools.pairwise(widths))
    n = draw(st.integers(least, 3))
    activations = tuple(draw(st.sampled_from((*F, generic.identity))) for _ in matrices)
    return matrices, activations, draw(rationals(n, widths[0])), draw(rationals(n, widths[-1]))


@exact_search
@given(problems())
def test_it_is_the_layered_network_with_biases_as_last_rows(problem):
    matrices, activations, x, t = problem
    layers = tuple(mlp.Layer(matrix[:-1], matrix[-1]) for matrix in matrices)
    slopes = mlp.gradient(layers, activations, losses.squared_error, x, t)
    mine = rojas_layers.gradient(matrices, activations, x, t)
    assert rojas_layers.error(*problem) == mlp.cost(layers, activations, losses.squared_error, x, t)
    for one, other in zip(mine, slopes, strict=True):
        assert (one[:-1] == other.weights).all() and (one[-1] == other.bias).all()
    assert all_fractions(mine)


@exact_search
@given(problems())
def test_the_errors_obey_their_recursion(problem):
    """delta^i = D_i W'_(i+1) delta^(i+1), with diagonal matrices written out."""
    matrices, activations, x, t = problem
    labels = rojas_layers.feed_forward(matrices, activations, x[0])
    e = labels.outputs[-1] - t[0]
    deltas = rojas_layers.backpropagated_errors(matrices, labels, e)
    assert (deltas[-1] == np.diag(labels.slopes[-1]) @ e).all()
    for i in range(len(matrices) - 1):
        assert (deltas[i] == np.diag(labels.slopes[i]) @ matrices[i + 1][:-1] @ deltas[i + 1]).all()


def setting(n):
    matrices = random_rationals(1, 3, 2), random_rationals(2, 3, 1)
    activations = (generic.square, generic.identity)  # of low degree: every step multiplies the digits by it
    return matrices, activations, random_rationals(3, n, 2) / 9, random_rationals(4, n, 1) / 9


def learnt(n, online, rate):
    return rojas_layers.learn(*setting(n), rate=rate, rounds=1, online=online)[0]


def test_batch_and_online_are_the_same_for_one_pattern_only():
    rate = Fraction(1, 100)
    assert all((a == b).all() for a, b in zip(learnt(1, False, rate), learnt(1, True, rate), strict=True))
    assert any((a != b).any() for a, b in zip(learnt(2, False, rate), learnt(2, True, rate), strict=True))


def test_batch_and_online_differ_in_second_order_of_the_rate():
    """Their difference divided by rate^2 tends to a limit that is not 0: halving the rate changes it by O(rate)."""

    def scaled(rate):
        gaps = [a - b for a, b in zip(learnt(2, False, rate), learnt(2, True, rate), strict=True)]
        return np.concatenate([np.ravel(gap) for gap in gaps]) / rate**2

    first, second, third = (scaled(Fraction(1, 2**k)) for k in (20, 21, 22))
    assert (abs(third) > 0).any()
    ratio = max(abs(first - second)) / max(abs(second - third))
    assert abs(ratio - 2) < Fraction(1, 1000)  # O(rate) halves, up to O(rate^2) with a rate of 1e-6


def test_a_batch_step_goes_down_the_gradient():
    matrices, activations, x, t = setting(3)
    slopes = rojas_layers.gradient(matrices, activations, x, t)
    stepped, curve = rojas_layers.learn(matrices, activations, x, t, rate=Fraction(1, 1000), rounds=1)
    assert all((a == w - s / 1000).all() for a, w, s in zip(stepped, matrices, slopes, strict=True))
    assert all_fractions(stepped)
    assert curve == [rojas_layers.error(m, activations, x, t) for m in (matrices, stepped)] and curve[1] < curve[0]


@pytest.mark.parametrize("online", [False, True])
def test_exclusive_or_is_learnt_and_the_curve_falls(online):
    rng = np.random.default_rng(4)
    x, t = training.exclusive_or()
    matrices = (rng.normal(size=(3, 3)), rng.normal(size=(4, 1)))
    activations = (generic.symmetric_sigmoid(), generic.logistic())
    matrices, curve = rojas_layers.learn(matrices, activations, x, t, rate=2.0, rounds=800, online=online)
    assert len(curve) == 801
    assert curve[-1] < curve[0] / 20
    outputs = [rojas_layers.feed_forward(matrices, activations, row).outputs[-1] for row in x]
    assert ((np.array(outputs) > 0.5) == (t == 1)).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"matrix 2 has 3 rows, but is fed 3 numbers: .*a last one for the biases"):
        rojas_layers.feed_forward((np.ones((3, 3)), np.ones((3, 1))), F, np.ones(2))
    with pytest.raises(ValueError, match="1 matrices need as many activations, but 2 were given"):
        rojas_layers.feed_forward((np.ones((3, 3)),), F, np.ones(2))
    with pytest.raises(ValueError, match="patterns is empty"):
        rojas_layers.gradient((np.ones((3, 3)),), F[:1], np.ones((0, 2)), np.ones((0, 3)))
