"""Four roads to a gradient meet, at every size of number; and a wrong rule parts them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from gradcheck.numbers import operations
from gradcheck.numbers.agreement import agrees, rounding_bound
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.tracing import trace
from gradcheck.numbers.truth import (
    Certified,
    certified_difference,
    certified_gradient,
    high_precision_difference,
    high_precision_gradient,
    natural_scale,
)

ONE = [np.ones(1)]


def interval(c: Certified, index: Any = 0) -> Any:
    return arb(c.value[index]) + arb(c.rest[index]) + arb(0, c.bound[index])


def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def log_of_one_and_square(x: Any) -> Any:
    return np.log1p(x * x)


def scalar(x: Any) -> Any:
    return np.sum(np.tanh(x) * np.exp(-x / 9) + np.sqrt(x * x + 1) * np.sin(x))


@settings(max_examples=40)
@given(st.lists(st.floats(-700, 700), min_size=1, max_size=3))
def test_the_four_roads_meet(entries: list[float]) -> None:
    x = [np.array(entries)]
    found = trace(scalar, x)
    scale = natural_scale(x, found.value, ONE)
    by_rules = certified_gradient(found.program, x, ONE, scale=scale)[0]
    by_values = certified_difference(found.program, x, ONE, scale=scale)[0]
    in_mp = high_precision_gradient(found.program, x, ONE, bits=400)[0]
    by_diff = high_precision_difference(found.program, x, ONE, bits=400)[0]
    with Balls(512).working():
        for k in range(len(entries)):
            a, b = interval(by_rules, k), interval(by_values, k)
            assert a.overlaps(b)
            # mpmath's own error at 400 bits is far below a float64 bound of this size
            for number in (arb(in_mp[k]), arb(by_diff[k])):
                assert a.overlaps(number + arb(0, 2.0**-180) * (1 + abs(number)))
            assert by_rules.bound[k] <= 2.0**-60 * max(abs(by_rules.value[k]), 2.0**-53 * scale)


@pytest.mark.parametrize("x", [1e-300, 5e-324, 1e300, -1e300, 0.0, 1e16, 709.0, 800.0])
@pytest.mark.parametrize("text", [np.sin, np.tanh, logistic, log_of_one_and_square])
def test_at_the_ends_of_the_range(text: Any, x: float) -> None:
    given = [np.array([x])]
    program = trace(text, given).program
    by_rules, by_values = certified_gradient(program, given, ONE)[0], certified_difference(program, given, ONE)[0]
    with Balls(512).working():
        if np.isfinite(by_rules.bound[0]) and np.isfinite(by_values.bound[0]):
            assert interval(by_rules).overlaps(interval(by_values))
        else:
            assert abs(x) >= 1e300  # exp(1e300) is beyond flint's exponents


def test_a_cancelling_gradient_is_zero_within_its_radius() -> None:
    x = [np.array([0.3, 1.2, -0.7])]
    found = trace(lambda x: np.sum(np.exp(x - x.max()) / np.sum(np.exp(x - x.max()))), x)
    truth = certified_gradient(found.program, x, ONE, scale=natural_scale(x, found.value, ONE))[0]
    assert np.all(np.abs(truth.value) <= 2.0**-100) and truth.bits == 128


def test_the_precision_is_raised_where_digits_cancel() -> None:
    x = [np.array([1e-30])]
    found = trace(lambda x: np.exp(x) ** 2 - 2 * np.exp(x) + 1, x)  # slope 2 e^x (e^x - 1), about 2e-30
    truth = certified_gradient(found.program, x, ONE)[0]
    assert truth.bits > 128
    assert truth.bound[0] <= 2.0**-60 * truth.value[0]
    with Balls(512).working():
        e = arb(1e-30).exp()
        assert (2 * e * (e - 1)).overlaps(interval(truth))


@pytest.mark.parametrize("text", [np.sinc, special.y0, special.y1, special.k1])
def test_far_from_zero_128_bits_are_enough(text: Any) -> None:
    """Flint's sums alone lose half of them and more from 10 to 100."""
    x = np.geomspace(0.1, 300.0, 60)
    (found,) = certified_gradient(trace(text, [x]).program, [x], [np.ones(x.size)], bits=128, limit=128)
    assert np.all(found.bound <= 2.0**-60 * np.abs(found.value))
    (other,) = high_precision_gradient(trace(text, [x]).program, [x], [np.ones(x.size)], bits=300)
    assert np.all(np.abs(other.astype(np.float64) - found.value) <= 2.0**-52 * np.abs(found.value))


def test_value_and_rest_are_closer_than_value() -> None:
    x = [np.array([0.1])]
    truth = certified_gradient(trace(np.exp, x).program, x, ONE)[0]
    assert 0 < abs(truth.rest[0]) <= np.spacing(truth.value[0]) / 2
    assert truth.error[0] >= abs(truth.rest[0])
    with Balls(256).working():
        assert abs(arb(0.1).exp() - arb(truth.value[0])) <= arb(truth.error[0])


def test_where_nothing_is_known_the_bound_is_infinite() -> None:
    x = [np.array([0.0])]
    program = trace(np.sqrt, x).program
    for truth in (certified_gradient(program, x, ONE)[0], certified_difference(program, x, ONE)[0]):
        assert np.isnan(truth.value[0]) and truth.bound[0] == np.inf


def test_the_difference_does_not_certify_across_a_branch_point() -> None:
    """sqrt(z^2) is |z| on the real line: its complex continuation has a cut through 0, and discs stay away from it."""
    x = [np.array([2.0**-20])]
    truth = certified_difference(trace(lambda x: np.sqrt(x * x), x).program, x, ONE)[0]
    assert truth.value[0] == 1.0 and truth.bound[0] < 2.0**-60
    zero = [np.array([0.0])]
    assert certified_difference(trace(lambda x: np.sqrt(x * x), zero).program, zero, ONE)[0].bound[0] == np.inf


def test_a_wrong_rule_in_the_table_is_contradicted_by_values(monkeypatch: pytest.MonkeyPatch) -> None:
    x = [np.array([0.7])]
    program = trace(np.tanh, x).program
    right = certified_gradient(program, x, ONE)[0]
    wrong = replace(operations.TABLE["tanh"], partials=(lambda k, x, y: 1 - y,))
    monkeypatch.setitem(operations.TABLE, "tanh", wrong)
    found = certified_gradient(program, x, ONE)[0]
    by_values = certified_difference(program, x, ONE)[0]
    with Balls(256).working():
        assert interval(right).overlaps(interval(by_values))
        assert not interval(found).overlaps(interval(by_values))


def test_a_cotangent_of_zero_keeps_infinite_slopes_away() -> None:
    x = [np.array([0.0, 4.0])]
    program = trace(np.sqrt, x).program
    assert np.array_equal(certified_gradient(program, x, [np.array([0.0, 1.0])])[0].value, [0.0, 0.25])


def test_branches_that_are_not_taken_do_not_matter() -> None:
    x = [np.array([-1.0, 4.0])]
    program = trace(lambda x: np.where(x > 0, np.log(x), x), x).program
    assert np.array_equal(certified_gradient(program, x, [np.ones(2)])[0].value, [1.0, 0.25])


def mlp(W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
    return np.tanh(W3 @ np.tanh(W2 @ np.tanh(W1 @ np.linspace(-1, 1, 8) + b1) + b2) + b3)


def test_433_weights_are_certified_with_and_without_rules() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=s) for s in ((16, 8), 16, (16, 16), 16, (1, 16), 1)]
    found = trace(mlp, weights)
    assert agrees(found, weights, mlp(*weights))
    by_rules = certified_gradient(found.program, weights, ONE)
    by_values = certified_difference(found.program, weights, ONE)
    assert sum(c.value.size for c in by_rules) == 433
    for a, b in zip(by_rules, by_values, strict=True):
        assert np.array_equal(a.value, b.value)
        assert np.all(np.abs(a.rest - b.rest) <= a.bound + b.bound + 2.0**-53 * np.abs(a.rest))
        assert max(a.bound.max(), b.bound.max()) < 2.0**-100


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=5), st.integers(-40, -30))
def test_a_value_off_by_more_than_rounding_does_not_agree(entries: list[float], exponent: int) -> None:
    x = np.array(entries)
    found = trace(scalar, [x])
    right = scalar(x)
    assert agrees(found, [x], right)
    size = np.sum(np.sqrt(x * x + 1) + np.abs(np.tanh(x)) * np.exp(-x / 9))
    assert not agrees(found, [x], right + 2.0**exponent * size)
    assert not agrees(found, [x], np.array([right]))


def test_single_precision_agrees_in_its_own_unit_alone() -> None:
    x = np.array([0.3, -1.2], np.float32)

    def text(x: Any) -> Any:
        return np.tanh(x) * x.sum()

    found = trace(text, [x])
    value = text(x)
    assert value.dtype == np.float32 and agrees(found, [x], value)
    assert not agrees(found, [x], value * np.float32(1.001))
    assert not agrees(found, [x], value.astype(np.float64))


def test_overflow_in_the_float_forward_is_no_disagreement() -> None:
    x = np.array([800.0, 1.0])
    found = trace(lambda x: np.log(np.exp(x)), [x])
    with np.errstate(over="ignore"):
        assert agrees(found, [x], np.log(np.exp(x)))
    assert np.all(np.isfinite(rounding_bound(found, [x])[0]))
    assert np.array_equal(certified_gradient(found.program, [x], [np.ones(2)])[0].value, [1.0, 1.0])
