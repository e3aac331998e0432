"""At kinks every generalised derivative is accepted, and nothing outside of Clarke's set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcheck
from gradcheck.claim import Domain, Set
from gradcheck.engine.forward import Forward
from gradcheck.engine.hull import Sampler
from gradcheck.engine.judge import Judgement
from gradcheck.engine.kinks import settle
from gradcheck.engine.screen import kinked_across, screen
from gradcheck.subjects.callables import arrange, recognise

U, TINY = 2.0**-53, 5e-324


def site(f: Any, x: np.ndarray, domain: Domain | None = None) -> Forward:
    call = arrange(recognise(f, lambda g, x: g, None, False), (x,), domain=domain)
    owner = Forward.at(call, f, call.leaves, wide=True)
    assert owner is not None
    return owner


def judged(f: Any, x: Any, answer: Any, seed: int = 0, g: Any = None) -> set[Judgement]:
    x = np.asarray(x, float)
    owner = site(f, x)
    weight = np.ones(owner.size) if g is None else np.asarray(g, float)
    rng = np.random.default_rng(seed)
    rows = np.eye(x.size)
    screen(owner, x, weight, rows, rng)  # finds out how the forward takes complex numbers
    out, _, _ = settle(Sampler(owner, x, weight, rows), np.asarray(answer, float), U, TINY, rng)
    return {Judgement(int(j)) for j in out}


def through_floats(f: Any) -> Any:
    """The same function, for which only differences are left."""
    return lambda x: np.asarray(f(np.array(x, dtype=float)))


def norm(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


seeds = st.integers(0, 2**32)


@settings(max_examples=30)
@given(seeds, st.integers(1, 8), st.data())
def test_relu_at_zero_may_answer_anything_between_0_and_1(seed: int, n: int, data: st.DataObject) -> None:
    part = data.draw(st.lists(st.sampled_from([0.0, 1.0, 0.5, 0.25]), min_size=n, max_size=n))
    assert judged(lambda x: np.maximum(x, 0), np.zeros(n), part, seed, np.ones(n)) == {Judgement.RIGHT}


@settings(max_examples=20)
@given(seeds, st.integers(1, 6), st.sampled_from([-0.1, 1.1, 2.0]))
def test_relu_at_zero_may_answer_nothing_else(seed: int, n: int, answer: float) -> None:
    got = judged(lambda x: np.maximum(x, 0), np.zeros(n), np.full(n, answer), seed, np.ones(n))
    assert got == {Judgement.WRONG}


@settings(max_examples=30)
@given(seeds, st.integers(2, 7), st.data())
def test_a_tie_of_max_may_be_shared_in_any_way(seed: int, n: int, data: st.DataObject) -> None:
    shares = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n).filter(any)), float)
    assert judged(np.max, np.ones(n), shares / shares.sum(), seed) == {Judgement.RIGHT}


@settings(max_examples=15)
@given(seeds, st.integers(2, 6))
def test_a_tie_of_max_is_neither_counted_twice_nor_lost(seed: int, n: int) -> None:
    for wrong in (np.ones(n), np.zeros(n), np.full(n, 2.0 / n)):
        assert Judgement.RIGHT not in judged(np.max, np.ones(n), wrong, seed)
        assert Judgement.WRONG in judged(np.max, np.ones(n), wrong, seed)


@settings(max_examples=15)
@given(seeds, st.integers(1, 3).map(lambda k: 2 * k + 1))
def test_a_median_of_equal_numbers_is_one_of_them_or_a_mean(seed: int, n: int) -> None:
    one = np.eye(n)[seed % n]
    assert judged(np.median, np.ones(n), one, seed) == {Judgement.RIGHT}
    assert judged(np.median, np.ones(n), np.full(n, 1 / n), seed) == {Judgement.RIGHT}
    assert Judgement.WRONG in judged(np.median, np.ones(n), 2 * one, seed)


@settings(max_examples=15)
@given(seeds, st.integers(2, 4))
def test_a_norm_at_zero_has_the_ball(seed: int, n: int) -> None:
    direction = np.random.default_rng(seed).normal(size=n)
    unit = direction / np.linalg.norm(direction)
    for length in (0.0, 0.5, 0.99):
        assert judged(norm, np.zeros(n), length * unit, seed) == {Judgement.RIGHT}
    assert Judgement.WRONG not in judged(norm, np.zeros(n), unit, seed)
    assert judged(norm, np.zeros(n), 1.2 * unit, seed) == {Judgement.WRONG}


@pytest.mark.parametrize("seed", range(4))
def test_differences_alone_come_to_the_same_answers(seed: int) -> None:
    relu, top = through_floats(lambda x: np.maximum(x, 0)), through_floats(np.max)
    assert judged(relu, np.zeros(3), [0, 1, 0.5], seed, np.ones(3)) == {Judgement.RIGHT}
    assert judged(relu, np.zeros(3), [0, 1, 2], seed, np.ones(3)) >= {Judgement.WRONG}
    assert judged(top, np.ones(3), [0, 1, 0], seed) == {Judgement.RIGHT}
    assert Judgement.WRONG in judged(top, np.ones(3), [1, 1, 1], seed)


@given(seeds)
def test_a_nan_is_no_generalised_derivative(seed: int) -> None:
    assert judged(np.abs, [0.0, 0.0], [np.nan, 0.0], seed, np.ones(2)) == {Judgement.WRONG, Judgement.INCONCLUSIVE}


@settings(max_examples=20)
@given(seeds)
def test_a_kink_that_no_line_shows_is_found_and_a_smooth_point_is_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for f, x, kinked in (
        (np.median, np.zeros(5), True),
        (np.median, np.ones(4), True),
        (lambda x: np.sum(np.sin(x)), np.zeros(5), False),
        (lambda x: np.sum(x * np.abs(x)), np.zeros(5), False),
        (np.median, np.arange(5.0), False),
    ):
        assert kinked_across(site(f, x), x, np.ones(1), np.eye(x.size), rng) == kinked


@given(seeds)
def test_so_it_is_in_a_corner_of_the_domain(seed: int) -> None:
    """With an order and its reverse alone the middle two of four are the same ones, and a median may look smooth."""
    x, corner = np.zeros(4), Domain((Set(low=0.0),))
    for f, kinked in ((np.median, True), (np.max, True), (np.min, True), (np.sum, False)):
        owner = site(f, x, corner)
        assert kinked_across(owner, x, np.ones(1), np.eye(4), np.random.default_rng(seed)) == kinked


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_of_all_orders_of_equal_numbers_the_answers_own_is_found(seed: int) -> None:
    """A sort of six zeros has 720 pieces, far more than there are random draws."""
    g = np.random.default_rng(seed).normal(size=6)
    order = np.random.default_rng(seed + 1).permutation(6)
    assert judged(np.sort, np.zeros(6), g[order], seed=seed, g=g) == {Judgement.RIGHT}


def test_what_is_no_number_at_a_kink_is_told_a_slope_that_is_there() -> None:
    """Slopes of 0.25 and 2: zero is none of them, and nothing that is expected."""

    def bent(x: Any) -> Any:
        return np.where(x > 0, 2 * x, 0.25 * x)

    def vjp(g: Any, x: Any) -> Any:
        return np.where(x == 0, np.nan, g * np.where(x > 0, 2.0, 0.25))

    result = gradcheck.check(bent, vjp, (np.array([0.5, 0.0]),), profile="quick", seed=0)
    [finding] = [f for f in result.findings if f.code == "GC102"]
    assert finding.point is not None and finding.expected is not None and finding.index is not None
    slope = finding.expected / finding.point.cotangents[0][finding.index]
    assert min(abs(slope - 0.25), abs(slope - 2)) < 1e-6  # by differences: half of the digits, and more
    assert "beside this kink" in finding.message
