"""The sigmoid unit's gradient is exact; Rosenblatt's rule converges within Novikoff's bound."""

from __future__ import annotations

import itertools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import generic, perceptron
from reference_nets.perceptron import Unit
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
from tests.reference_nets.finite_differences import DIGITS, central_difference, mp_exp, mp_tanh, to_mp

RATIONAL = {a.name: a for a in (generic.identity, generic.square, generic.cube, generic.relu, generic.bump)}
POLYNOMIAL_DEGREE = {"identity": 1, "square": 2, "cube": 3}


@st.composite
def problems(draw):
    """(unit, x, y, activation, direction) in rationals."""
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    unit, direction = (Unit(draw(rationals(m)), draw(rationals())[()]) for _ in range(2))
    return unit, draw(rationals(n, m)), draw(rationals(n)), draw(st.sampled_from(list(RATIONAL.values()))), direction


def off_the_kink(problem):
    unit, x, _, activation, _ = problem
    return activation is not generic.relu or all(perceptron.preactivation(unit, x) != 0)


def exact_error(gradient, problem):
    """<gradient, d> minus the formal derivative of the cost along d: zero for a right gradient."""
    unit, x, y, activation, direction = problem
    moved = tree_map(lift, unit, direction)
    return inner(gradient(unit, x, y, activation), direction) - slope(perceptron.cost(moved, x, y, activation))


@exact_search
@given(problems().filter(off_the_kink))
def test_gradient_is_the_formal_derivative(problem):
    assert exact_error(perceptron.gradient, problem) == 0
    assert all_fractions(perceptron.gradient(*problem[:4]))


@pytest.mark.parametrize("name", POLYNOMIAL_DEGREE)
def test_gradient_is_the_slope_of_the_polynomial_through_exact_costs(name):
    unit, direction = (Unit(random_rationals(s, 3), random_rationals(s + 9)) for s in (1, 2))
    x, y = random_rationals(3, 4, 3), random_rationals(4, 4)

    def along(t):
        return perceptron.cost(Unit(*(p + t * d for p, d in zip(unit, direction, strict=True))), x, y, RATIONAL[name])

    expected = slope_by_interpolation(along, 2 * POLYNOMIAL_DEGREE[name])
    assert inner(perceptron.gradient(unit, x, y, RATIONAL[name]), direction) == expected


def without_mean(unit, x, y, f):
    return tree_map(lambda g: g * len(y), perceptron.gradient(unit, x, y, f))


def without_input(unit, x, y, f):
    right = perceptron.gradient(unit, x, y, f)
    return Unit(right.weights * 0 + right.bias, right.bias)


def without_bias(unit, x, y, f):
    right = perceptron.gradient(unit, x, y, f)
    return Unit(right.weights, right.bias * 0)


def without_derivative(unit, x, y, f):
    return perceptron.gradient(unit, x, y, generic.Activation("", f.function, generic.ones_like))


def two_logits(unit, x, y, f):
    """The value at x.w, the derivative at x.w + b."""
    delta = (f.function(x @ unit.weights) - y) * f.derivative(perceptron.preactivation(unit, x)) / len(y)
    return Unit(delta @ x, delta.sum())


@pytest.mark.parametrize("twin", [without_mean, without_input, without_bias, without_derivative, two_logits])
def test_wrong_gradients_are_caught(twin):
    assert_caught(problems().filter(off_the_kink), lambda problem: exact_error(twin, problem) != 0)


def test_wrong_gradients_that_one_example_without_bias_cannot_show():
    """At N = 1 the forgotten mean is invisible, at b = 0 the two logits are one."""
    unit, x, y = Unit(random_rationals(1, 2), Fraction(0)), random_rationals(2, 1, 2), random_rationals(3, 1)
    problem = (unit, x, y, generic.cube, Unit(random_rationals(4, 2), Fraction(1)))
    assert exact_error(without_mean, problem) == exact_error(two_logits, problem) == 0
    assert exact_error(without_input, problem) != 0


@pytest.mark.parametrize("smooth", ["logistic", "tanh"])
def test_gradient_agrees_with_finite_differences(smooth):
    activation = generic.logistic(mp_exp) if smooth == "logistic" else generic.hyperbolic_tangent(mp_tanh)
    rng = np.random.default_rng(5)
    with mpmath.workdps(DIGITS):
        unit, direction = (Unit(to_mp(rng.normal(size=3)), mpmath.mpf(rng.normal())) for _ in range(2))
        x, y = to_mp(rng.normal(size=(5, 3))), to_mp(rng.integers(0, 2, 5).astype(float))
        value, bound = central_difference(
            lambda t: perceptron.cost(tree_map(lambda p, d: p + t * d, unit, direction), x, y, activation)
        )
        slopes = perceptron.gradient(unit, x, y, activation)
        got = slopes.weights @ direction.weights + slopes.bias * direction.bias
        wrong = slopes.weights @ direction.weights
    assert abs(got - value) <= bound < 1e-25
    assert abs(wrong - value) > bound


def test_training_lowers_the_error_in_floats_and_in_rationals():
    """Two half planes; the rate is small against the curvature, so every single step must lower the cost."""
    rng = np.random.default_rng(1)
    x = rng.integers(-4, 5, (12, 2)) / 4
    y = (x.sum(axis=1) > 0).astype(float)
    start = Unit(np.array([0.5, -0.25]), 0.25)
    _, costs = perceptron.train(start, x, y, generic.logistic(), rate=1.0, steps=200)
    assert all(after < before for before, after in itertools.pairwise(costs))
    assert costs[-1] < costs[0] / 4

    exact = (tree_map(exactly, start), exactly(x), exactly(y), generic.identity)
    trained, costs = perceptron.train(*exact, rate=Fraction(1, 4), steps=6)
    assert all_fractions(trained)
    assert all(after < before for before, after in itertools.pairwise(costs))


# Rosenblatt's step unit -----------------------------------------------------------------------------------------------


@st.composite
def separable(draw):
    """(x, y, u): distinct examples of either class, and a (w, b) that separates them strictly."""
    m = draw(st.integers(1, 3))
    u = np.array(draw(st.lists(st.integers(-3, 3), min_size=m + 1, max_size=m + 1).filter(any)))
    rows = draw(st.lists(st.lists(st.integers(-4, 4), min_size=m, max_size=m), min_size=1, max_size=8))
    side = np.array([[*row, 1] for row in rows]) @ u
    x = np.array(rows)[side != 0]
    return exactly(x), (side > 0).astype(int)[side != 0], exactly(u)


def most_mistakes(x, y, u):
    """Novikoff's (R / gamma)^2 = R^2 |u|^2 / (min_i s_i u.X_i)^2, an exact rational."""
    extended = np.array([[*row, Fraction(1)] for row in x])
    margin = min((2 * y - 1) * (extended @ u))
    return max((row * row).sum() for row in extended) * (u * u).sum() / margin**2


@exact_search
@given(separable().filter(lambda data: len(data[0])))
def test_rosenblatt_converges_within_novikoffs_bound(data):
    """Every pass but the last has a mistake, so the bound on mistakes also bounds the passes."""
    x, y, u = data
    lesson = perceptron.learn_from_mistakes(x, y, passes=int(most_mistakes(x, y, u)) + 1)
    assert lesson.converged
    assert (perceptron.classify(lesson.unit, x) == (y == 1)).all()
    assert lesson.mistakes <= most_mistakes(x, y, u)


def learn_away_from_mistakes(x, y, passes):
    """The rule with its sign lost: it moves the unit by + x whatever the class was."""
    unit, mistakes = Unit(x[0] * 0, Fraction(0)), 0
    for _ in range(passes):
        for example, label in zip(x, y, strict=True):
            if perceptron.classify(unit, example) != (label == 1):
                unit, mistakes = Unit(unit.weights + example, unit.bias + 1), mistakes + 1
    return mistakes


def test_the_rule_without_its_sign_breaks_novikoffs_bound():
    strategy = separable().filter(lambda data: len(data[0]))
    assert_caught(strategy, lambda data: learn_away_from_mistakes(*data[:2], passes=50) > most_mistakes(*data))


def test_on_the_boundary_the_class_is_one():
    unit, boundary = Unit(exactly([2, -1]), Fraction(1)), exactly([[1, 3]])
    assert perceptron.classify(unit, boundary).tolist() == [True]
    assert perceptron.learn_from_mistakes(boundary, np.array([1]), passes=1).mistakes == 0
    assert perceptron.learn_from_mistakes(boundary, np.array([0]), passes=2).mistakes == 1


def test_exclusive_or_is_never_learnt():
    x, y = exactly(np.array([[0, 0], [0, 1], [1, 0], [1, 1]])), np.array([0, 1, 1, 0])
    lesson = perceptron.learn_from_mistakes(x, y, passes=50)
    assert not lesson.converged
    assert lesson.mistakes >= 50


def test_the_class_has_no_slope_to_descend():
    """With the class in its place the cost is constant around almost every unit, though it is not at its minimum."""
    x, y = random_rationals(1, 6, 2), np.array([0, 1, 1, 0, 1, 0])
    unit = Unit(random_rationals(2, 2), random_rationals(3))
    clearance = min(abs(perceptron.preactivation(unit, x)))
    assert clearance > 0
    step = clearance / (2 * max(abs(x).sum(axis=1)) + 2)  # |x.dw + db| <= step (|x|_1 + 1) < clearance
    for sign in (-1, 1):
        moved = Unit(unit.weights + sign * step, unit.bias + sign * step)
        assert (perceptron.classify(moved, x) == perceptron.classify(unit, x)).all()
    assert not (perceptron.classify(unit, x) == (y == 1)).all()


def test_patterns_that_do_not_fit_the_weights_are_refused():
    with pytest.raises(ValueError, match=r"shapes \(4, 2\) and \(3,\); give \(N, m\) and \(m,\)"):
        perceptron.cost(Unit(np.ones(3), 0.0), np.ones((4, 2)), np.ones(4), generic.square)
