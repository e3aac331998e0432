"""Every network of the table, four ways: against finite differences, 50 digits, certified balls, and exactly.

Each way also meets a wrong twin: the same gradient with one entry off by a millionth of the largest.
"""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcheck
from reference_nets.networks import FLOATS, NETWORKS, RATIONALS, random_inputs
from tests.reference_nets.exact_numbers import all_fractions, assert_caught, exact_search, inner, lift, rationals, slope
from tests.reference_nets.number_systems import AGREED, BALLS, DIGITS, MPMATH, contains, to_balls, to_mp

RATIONAL = [name for name, case in NETWORKS.items() if case.rational]
MILLION = 2**20
"""A twin is off by the largest entry divided by this; an integer, so that rationals stay rational."""


def spoil(vjp):
    """The same vjp, but the last entry of the last gradient is off."""

    def spoilt(*args):
        parts = [np.array(part, copy=True) for part in vjp(*args)]
        largest = max((abs(entry) for part in parts for entry in np.ravel(part)), key=float)
        last = parts[-1].reshape(-1)
        last[-1] = last[-1] + largest / MILLION
        return tuple(parts)

    return spoilt


@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_is_the_derivative_by_the_checker(name):
    case = NETWORKS[name]
    forward, vjp = case.build(FLOATS)
    inputs = random_inputs(case, np.random.default_rng(1))
    options = {"wrt": tuple(range(case.differentiated)), "seed": 1}
    if case.probabilities:
        options["domain"] = _probabilities(case)
    right = gradcheck.check(_float(forward), vjp, inputs, **options)
    assert right.ok, right
    wrong = gradcheck.check(_float(forward), spoil(vjp), inputs, profile="quick", **options)
    assert wrong.verdict is gradcheck.Verdict.WRONG, wrong


def _float(forward):
    return lambda *inputs: np.asarray(forward(*inputs))


def _probabilities(case):
    sets = [gradcheck.REALS] * len(case.shapes(1, 1, 1))
    for place in case.probabilities:
        sets[place] = gradcheck.interval(0, 1)
    return gradcheck.Domain(tuple(sets))


def high_precision_case(case, seed):
    """(forward, vjp, inputs, cotangent) over mpmath numbers that are floats."""
    rng = np.random.default_rng(seed)
    forward, vjp = case.build(MPMATH)
    inputs = tuple(to_mp(part) for part in random_inputs(case, rng))
    value = forward(*inputs)
    return forward, vjp, inputs, to_mp(rng.choice([-1.0, 1.0, 0.5], np.shape(value)))


def gradient_by_mpmath(case, forward, inputs, cotangent):
    """mpmath.diff of <cotangent, forward>, entry by entry."""
    gradients = []
    for place in range(case.differentiated):
        flat = np.ravel(np.asarray(inputs[place], dtype=object))
        answers = np.empty(flat.shape, dtype=object)
        for k in range(flat.size):

            def along(t, place=place, k=k, flat=flat):
                moved = flat.copy()
                moved[k] = t
                parts = list(inputs)
                parts[place] = moved.reshape(np.shape(inputs[place]))[()]
                return sum(np.ravel(np.asarray(cotangent * forward(*parts), dtype=object)))

            answers[k] = mpmath.diff(along, flat[k])
        gradients.append(answers)
    return gradients


def furthest(gradients, expected):
    """The largest difference of two lists of gradients, relative to 1 and to the largest entry."""
    got = np.concatenate([np.ravel(np.asarray(part, dtype=object)) for part in gradients])
    wanted = np.concatenate(expected)
    return max(abs(got - wanted)) / (1 + max(abs(wanted)))


@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_agrees_with_mpmath_to_50_digits(name):
    case = NETWORKS[name]
    with mpmath.workdps(DIGITS):
        forward, vjp, inputs, cotangent = high_precision_case(case, 2)
        expected = gradient_by_mpmath(case, forward, inputs, cotangent)
        assert furthest(vjp(cotangent, *inputs), expected) <= AGREED
        assert furthest(spoil(vjp)(cotangent, *inputs), expected) > AGREED


@pytest.mark.parametrize("name", NETWORKS)
def test_balls_contain_the_gradient(name):
    """The same code over balls of 53 bits, at inputs that are floats and hence exact: the 70 digits lie inside."""
    case = NETWORKS[name]
    _, vjp = case.build(BALLS)
    with mpmath.workdps(DIGITS):
        _, vjp_mp, inputs, cotangent = high_precision_case(case, 3)
        expected, spoilt = vjp_mp(cotangent, *inputs), spoil(vjp_mp)(cotangent, *inputs)
        balls = vjp(to_balls(cotangent), *(to_balls(part) for part in inputs))

        def all_inside(gradients):
            return all(
                contains(ball, mpmath.mpf(number))
                for part, wanted in zip(balls, gradients, strict=True)
                for ball, number in zip(np.ravel(np.asarray(part)), np.ravel(np.asarray(wanted)), strict=True)
            )

        assert all_inside(expected)
        assert not all_inside(spoilt)


@st.composite
def exact_problems(draw, name):
    """(forward, vjp, inputs, directions, cotangent) in rationals, of drawn sizes."""
    case = NETWORKS[name]
    forward, vjp = case.build(RATIONALS)
    shapes = case.shapes(*(draw(st.integers(1, 3), label=size) for size in "nmk"))
    inputs = tuple(draw(rationals(*shape))[()] for shape in shapes)
    if name.startswith("variational"):
        inputs = (inputs[0], draw(rationals(1).filter(lambda h: h[0] != 0)))
    directions = tuple(draw(rationals(*shape))[()] for shape in shapes[: case.differentiated])
    cotangent = draw(rationals(*np.shape(forward(*inputs))))[()]
    return forward, vjp, inputs, directions, cotangent


@pytest.mark.parametrize("name", RATIONAL)
def test_gradient_is_exact_in_rationals(name):
    """<c, f'(x) d> by dual numbers, which know nothing of backward passes, equals <vjp(c), d> as rationals."""

    @exact_search
    @given(exact_problems(name))
    def holds(problem):
        forward, vjp, inputs, directions, cotangent = problem
        moved = tuple(lift(x, d) for x, d in zip(inputs, directions, strict=False))
        tangent = slope(forward(*moved, *inputs[len(moved) :]))
        gradients = vjp(cotangent, *inputs)
        assert inner(cotangent, tangent) == inner(tuple(gradients), directions)
        assert all_fractions(tuple(gradients))
        assert [np.shape(part) for part in gradients] == [np.shape(d) for d in directions]

    holds()
    assert_caught(exact_problems(name), _is_refused)


def _is_refused(problem):
    """Whether the spoilt gradient fails the same equation."""
    forward, vjp, inputs, directions, cotangent = problem
    moved = tuple(lift(x, d) for x, d in zip(inputs, directions, strict=False))
    tangent = slope(forward(*moved, *inputs[len(moved) :]))
    return inner(cotangent, tangent) != inner(spoil(vjp)(cotangent, *inputs), directions)


def test_a_kit_without_logarithms_says_so():
    for name in set(NETWORKS) - set(RATIONAL):
        with pytest.raises(ValueError, match="the kit 'rationals' has no logarithms, which this network needs"):
            NETWORKS[name].build(RATIONALS)
