"""The short way: what it confirms is the derivative, and what it cannot know it does not confirm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.claim import NONNEGATIVE, Domain
from gradcheck.engine.conditioning import imaginary_movement, movement
from gradcheck.engine.forward import Forward
from gradcheck.engine.hull import leaps
from gradcheck.engine.screen import _briefly, fixed_choices, jacobian, screen
from gradcheck.engine.truth import truth
from gradcheck.subjects.callables import arrange, recognise

seeds = st.integers(0, 2**32)


def site(f: Any, *inputs: Any, wrt: Any = None) -> tuple[Forward, np.ndarray]:
    call = arrange(recognise(f, lambda g, *x: g, None, False), inputs, wrt=wrt)
    owner = Forward.at(call, f, call.leaves, wide=True)
    assert owner is not None
    return owner, np.concatenate([np.ravel(call.leaves[k]) for k in call.active])


def screened(f: Any, x: Any, seed: int = 0) -> Any:
    owner, vector = site(f, np.asarray(x, float))
    return owner, screen(owner, vector, np.ones(owner.size), np.eye(vector.size), np.random.default_rng(seed))


@settings(max_examples=50)
@given(seeds, st.sampled_from([1e-6, 1.0, 30.0, 1e4]))
def test_what_is_confirmed_is_the_derivative(seed: int, size: float) -> None:
    x = size * np.random.default_rng(seed).normal(size=4)
    _, found = screened(lambda v: np.sin(v) * np.exp(-np.abs(v) / 1e4), x, seed)
    if found.truth is not None:
        decay = np.exp(-np.abs(x) / 1e4)
        exact = np.cos(x) * decay - np.sin(x) * decay * np.sign(x) / 1e4
        # sin and cos of 1e4 keep all digits but the last few; each factor rounds once.
        assert found.truth.value == pytest.approx(exact, rel=1e-13, abs=1e-13)
    elif size <= 30.0:
        pytest.fail("a smooth function of moderate arguments was not confirmed")


def test_lengths_of_complex_numbers_are_found_out() -> None:
    owner, found = screened(lambda v: np.maximum(v, 0) + np.log1p(np.exp(-np.abs(v))), [33.0, -33.0, 0.5])
    assert owner.mode == "analytic"
    # e^-33 is 4.7e-15: a plain complex step loses it, and a difference does not see it.
    assert found.truth.value == pytest.approx(1 / (1 + np.exp([-33.0, 33.0, -0.5])), rel=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: np.asarray(v).real * np.asarray(v),
        lambda v: np.abs(np.asarray(v)) * np.asarray(v),
        lambda v: np.conj(np.asarray(v)) * np.asarray(v),
    ],
    ids=["real part", "length", "conjugate"],
)
def test_what_is_not_analytic_is_not_confirmed(f: Any) -> None:
    owner, found = screened(f, [0.7, -1.3])
    assert found.truth is None and not owner.confirmed


def test_kinks_are_seen_and_hidden_ones_too() -> None:
    assert screened(np.abs, [0.0, 1.0])[1].kinked
    assert screened(lambda v: np.max(v), [1.0, 1.0, 0.0])[1].kinked
    assert screened(np.median, np.ones(5))[1].kinked
    assert not screened(np.median, np.arange(5.0))[1].kinked


def briefly(f: Any, x: Any, domain: Any = None) -> Any:
    """What four values say where the mode of imaginary steps is known from elsewhere."""
    call = arrange(recognise(f, lambda g, *x: g, None, False), (np.asarray(x, float),), domain=domain)
    owner = Forward.at(call, f, call.leaves, wide=True, mode="plain")
    assert owner is not None
    vector, rows = np.asarray(x, float), np.eye(len(x))
    each = jacobian(owner, vector, rows)
    assert each is not None
    weights = np.array([0.7, -1.3, 1.9])[: len(x)] * np.maximum(np.abs(vector), 0.5)
    before = owner.evaluations
    found = _briefly(owner, vector, rows, weights, each, np.arange(owner.size))
    assert owner.evaluations <= before + 5
    return found


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.sin, [0.3, -1.2, 2.0]),
        (lambda v: np.exp(v).sum(), [3.0, -2.0, 1.0]),
        (lambda v: v / np.sqrt(np.sum(v * v)), [1e100, -2e100, 0.0]),
        (lambda v: v[:2] * 0.0 + 5.0, [1.0, 2.0, 3.0]),
        (lambda v: np.maximum(v, 0.0), [1e-3, -0.5, 2.0]),
    ],
    ids=["sine", "exponentials", "direction", "constant", "beside kinks"],
)
def test_four_values_confirm_what_is_smooth(f: Any, x: Any) -> None:
    assert briefly(f, x) is not None


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda v: np.sqrt(v * v), [0.0, 1.0, 2.0]),
        (lambda v: np.maximum(v, 0.0), [1.0, 0.0, 2.0]),
        (lambda v: np.max(v), [1.0, 1.0, 0.5]),
        (np.median, [1.0, 1.0, 1.0]),
        (lambda v: v + 2.0**-25 * np.sin(v.real), [0.3, -1.2, 2.0]),
        (lambda v: np.round(v * 2.0**20) / 2.0**20 + 0 * v, [0.3, -1.2, 2.0]),
        (lambda v: v.astype(np.complex64).astype(complex) if v.dtype == complex else v.astype(np.float32), [0.3, 1.2]),
        (lambda v: np.sin(1e4 * v), [0.3, -1.2, 2.0]),
    ],
    ids=["kink", "rectifier", "tie", "median", "hidden part", "staircase", "single precision", "fast"],
)
def test_four_values_confirm_nothing_else(f: Any, x: Any) -> None:
    assert briefly(f, x) is None


def test_four_values_do_not_step_over_an_edge() -> None:
    inside = Domain((NONNEGATIVE,))
    assert briefly(np.sin, [0.3, 1.2, 2.0], inside) is not None
    assert briefly(np.sin, [0.3, 1e-9, 2.0], inside) is None


def test_conventions_are_the_choices_of_tied_primitives() -> None:
    owner, _ = screened(lambda v: np.maximum(v, 0) - np.maximum(-v, 0), [0.0, 2.0])
    found = fixed_choices(owner, np.array([0.0, 2.0]), np.ones(2), np.eye(2))
    assert [list(v) for v in found] == [[0.0, 1.0], [1.0, 1.0]]
    owner, _ = screened(np.sin, [0.0, 2.0])
    assert fixed_choices(owner, np.array([0.0, 2.0]), np.ones(2), np.eye(2)) == []


HILBERT = 1.0 / (np.arange(6)[:, None] + np.arange(6) + 1.0)


def test_conditioning_counts_the_inputs_that_are_not_differentiated() -> None:
    owner, x = site(np.linalg.solve, HILBERT, np.ones(6), wrt=(1,))
    rng, g, rows = np.random.default_rng(0), np.ones(6), np.eye(6)
    known = truth(owner, x, g, rows)
    for k in (
        movement(owner, x, g, rows, known, np.full(6, np.inf), 2.0**-53, rng),
        imaginary_movement(owner, x, g, rows, known, 2.0**-53, rng),
    ):
        relative = k / np.abs(known.value)
        # Condition 1.5e7: a roundoff of the matrix moves the solution by about 1e-9 of itself.
        assert np.all(relative > 1e-12) and np.all(relative < 1e-6)


@pytest.mark.parametrize(
    ("f", "x", "jump", "slope"),
    [
        (np.floor, [2.0, 0.5], True, True),
        (lambda v: np.arctan2(v[:1], v[1:]), [0.0, 0.0], True, True),
        (lambda v: np.sqrt(np.abs(v)), [0.0, 1.0], False, True),
        (np.abs, [0.0, 1.0], False, False),
        (np.sin, [0.0, 1.0], False, False),
    ],
    ids=["floor", "angle at the origin", "square root", "kink", "smooth"],
)
def test_leaps_and_infinite_slopes_are_told_from_kinks(f: Any, x: Any, jump: bool, slope: bool) -> None:
    owner, vector = site(f, np.array(x))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        ones = np.ones(owner.size)
        assert leaps(owner, vector, ones, np.eye(2), rng, jump=True) == jump
        assert leaps(owner, vector, ones, np.eye(2), rng, jump=False) == slope


def test_a_slope_that_an_intermediate_result_swallows_is_not_called_zero() -> None:
    def log_softmax(v: Any) -> Any:
        return v - np.log(np.sum(np.exp(v)))

    owner, x = site(lambda v: log_softmax(v)[:1], np.array([16.766, -13.95, -30.69]))
    found = truth(owner, x, np.ones(1), np.eye(3)[:1], sharp=False)
    exact = -np.expm1(16.766 - np.logaddexp(16.766, np.logaddexp(-13.95, -30.69)))
    assert abs(found.value[0] - exact) <= found.bound[0]
