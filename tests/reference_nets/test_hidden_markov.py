"""The hidden Markov model: everything against the sum over all paths of states, exactly."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import hidden_markov
from reference_nets.hidden_markov import Model
from tests.reference_nets.exact_numbers import all_fractions, assert_caught, exact_search


@st.composite
def rows(draw, *shape):
    """Stochastic rows of positive rationals."""
    count = int(np.prod(shape))
    parts = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    table = np.array([Fraction(part) for part in parts], dtype=object).reshape(shape)
    return table / table.sum(axis=-1, keepdims=True)


@st.composite
def problems(draw, least=1):
    n, kinds = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    symbols = draw(st.lists(st.integers(0, kinds - 1), min_size=least, max_size=4))
    return Model(draw(rows(n)), draw(rows(n, n)), draw(rows(n, kinds))), symbols


def paths(model, symbols):
    """(states, joint probability of states and symbols) of every path: the definition, spelt out."""
    for states in itertools.product(range(len(model.start)), repeat=len(symbols)):
        probability = model.start[states[0]]
        for one, other in itertools.pairwise(states):
            probability = probability * model.moves[one, other]
        for state, symbol in zip(states, symbols, strict=True):
            probability = probability * model.emissions[state, symbol]
        yield states, probability


@exact_search
@given(problems())
def test_the_likelihood_is_the_sum_over_paths(problem):
    assert hidden_markov.likelihood(*problem) == sum(probability for _, probability in paths(*problem))


def counted(model, symbols):
    """Expected counts of starts, moves and emissions given the symbols, path by path."""
    counts = Model(*(part * 0 for part in model))
    for states, probability in paths(model, symbols):
        counts.start[states[0]] += probability
        for one, other in itertools.pairwise(states):
            counts.moves[one, other] += probability
        for state, symbol in zip(states, symbols, strict=True):
            counts.emissions[state, symbol] += probability
    return Model(*(part / hidden_markov.likelihood(model, symbols) for part in counts))


@exact_search
@given(problems())
def test_logarithmic_derivatives_are_the_expected_counts(problem):
    counts = hidden_markov.expected_counts(*problem)
    assert all((a == b).all() for a, b in zip(counts, counted(*problem), strict=True))
    assert all_fractions(tuple(counts))
    steps = len(problem[1])
    assert (counts.start.sum(), counts.moves.sum(), counts.emissions.sum()) == (1, steps - 1, steps)


def test_derivatives_without_their_parameter_are_no_counts():
    def differs(problem):
        slopes = hidden_markov.gradient(*problem).moves / hidden_markov.likelihood(*problem)
        return slopes.sum() != len(problem[1]) - 1

    assert_caught(problems(least=2), differs)


@exact_search
@given(problems(), st.data())
def test_the_adjoints_of_the_forward_variables_are_the_backward_variables(problem, data):
    """beta_t(i) is how much P changes when alpha_t(i) alone is changed, and the rest of the recursion goes on."""
    model, symbols = problem
    t = data.draw(st.integers(0, len(symbols) - 1), label="t")
    i = data.draw(st.integers(0, len(model.start) - 1), label="i")
    alpha = hidden_markov.forward(model, symbols)[t]

    def rest(alpha):
        for symbol in symbols[t + 1 :]:
            alpha = (alpha @ model.moves) * model.emissions[:, symbol]
        return alpha.sum()

    nudged = alpha.copy()
    nudged[i] += 1  # P is linear in alpha_t, so a step of 1 gives the derivative exactly
    beta = hidden_markov.backward_variables(model, symbols)
    assert rest(nudged) - rest(alpha) == beta[t, i]
    assert all((a * b).sum() == rest(alpha) for a, b in zip(hidden_markov.forward(model, symbols), beta, strict=True))


@exact_search
@given(problems())
def test_reestimation_never_lowers_the_likelihood(problem):
    """On positive models whose every state is left at least once; rows stay distributions."""
    model, symbols = problem
    if len(symbols) > 1:
        better = hidden_markov.reestimate(model, symbols)
        assert hidden_markov.likelihood(better, symbols) >= hidden_markov.likelihood(model, symbols)
        assert (better.moves.sum(axis=1) == 1).all() and (better.emissions.sum(axis=1) == 1).all()


def test_other_reestimates_may_lower_it():
    """The twin takes the squares of the counts: also a larger weight for what is used more, but no ascent."""

    def lowers(problem):
        model, symbols = problem
        squares = (count * count for count in hidden_markov.expected_counts(model, symbols))
        twin = Model(*(count / count.sum(axis=-1, keepdims=True) for count in squares))
        return hidden_markov.likelihood(twin, symbols) < hidden_markov.likelihood(model, symbols)

    assert_caught(problems(least=2), lowers)


def test_all_strings_of_one_length_have_probability_one():
    model = Model(*(np.array(part, dtype=object) for part in ([0, 1], [[0, 1], [1, 0]], [[1, 0], [0, 1]])))
    assert sum(hidden_markov.likelihood(model, s) for s in itertools.product((0, 1), repeat=3)) == 1
    assert hidden_markov.likelihood(model, (1, 0, 1)) == 1


def test_what_does_not_fit_is_refused():
    model = Model(np.ones(2), np.ones((2, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"symbols is \[0, 3\]; give at least one, each in 0 ... 2"):
        hidden_markov.forward(model, [0, 3])
    with pytest.raises(ValueError, match="give at least one"):
        hidden_markov.forward(model, [])
    with pytest.raises(ValueError, match=r"give \(n,\), \(n, n\), \(n, symbols\)"):
        hidden_markov.forward(model._replace(moves=np.ones((2, 3))), [0])
