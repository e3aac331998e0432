"""The judge is pure: what it says of an entry follows from numbers alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.engine.judge import FEWEST, Judgement, Truth, allowance, common_factor, judge
from gradcheck.records import Local

U, TINY = 2.0**-53, 5e-324
numbers = st.floats(-1e6, 1e6).filter(lambda t: abs(t) > 1e-6)


def known(
    value: float, bound: float = 0.0, kind: Local = Local.SMOOTH, scale: float | None = None, **more: Any
) -> Truth:
    one = np.ones(1)
    fields = {
        "value": one * value,
        "bound": one * bound,
        "low": one * (value - bound),
        "high": one * (value + bound),
        "magnitude": one * abs(value),
        "scale": one * (abs(value) if scale is None else scale),
        "kind": np.array([int(kind)]),
        "jump": 0 * one,
        "jump_bound": 0 * one,
        "conflict": np.zeros(1, bool),
        "flat": 0 * one,
        "terms": one,
        "span": 0 * one,
    }
    return Truth(**{**fields, **more}, method="given")  # type: ignore[arg-type]  # arrays and flags of one table


def verdict(answer: float, truth: Truth, **more: Any) -> Judgement:
    return Judgement(int(judge(np.array([answer]), truth, U, TINY, **more)[0]))


@given(numbers)
def test_honest_rounding_is_right_and_a_relative_error_of_1e_9_is_wrong(t: float) -> None:
    assert verdict(t, known(t)) is Judgement.RIGHT
    assert verdict(t * (1 + 2 * U), known(t)) is Judgement.RIGHT
    assert verdict(t * (1 + 1e-9), known(t)) is Judgement.WRONG
    assert verdict(-t, known(t)) is Judgement.WRONG


@given(numbers, st.floats(0.01, 10))
def test_a_vague_truth_refutes_but_does_not_confirm(t: float, part: float) -> None:
    vague = known(t, bound=part * abs(t))
    assert verdict(t, vague) is Judgement.INCONCLUSIVE
    assert verdict(t + 3 * part * abs(t), vague) is Judgement.WRONG
    assert verdict(t + 0.5 * part * abs(t), vague) is Judgement.INCONCLUSIVE


@given(numbers)
def test_nan_and_infinities_are_wrong_where_there_is_a_derivative_and_nothing_is_said_where_there_is_none(
    t: float,
) -> None:
    for answer in (np.nan, np.inf, -np.inf):
        assert verdict(answer, known(t)) is Judgement.WRONG
        assert verdict(answer, known(t, kind=Local.OUTSIDE)) is Judgement.OUTSIDE
    assert verdict(np.nan, known(np.nan, bound=np.inf, kind=Local.UNDECIDED)) is Judgement.WRONG


@given(numbers)
def test_digits_lost_within_the_natural_scale_are_inaccurate_not_wrong(t: float) -> None:
    cancelling = known(t, scale=1e6 * abs(t))
    assert verdict(t * (1 + 1e-10), cancelling) is Judgement.INACCURATE
    assert verdict(t * (1 + 1e-8), cancelling) is Judgement.WRONG


@given(numbers)
def test_its_own_movement_excuses_an_answer_as_inaccurate_at_most(t: float) -> None:
    assert verdict(t * (1 + 1e-9), known(t), own_movement=np.abs([t])) is Judgement.INACCURATE
    assert verdict(t * 1.5, known(t), own_movement=np.abs([t])) is Judgement.WRONG  # capped at sqrt(u) N


@given(numbers)
def test_the_truths_own_movement_is_honest_rounding(t: float) -> None:
    assert verdict(t * (1 + 1e-9), known(t), movement=np.abs([1e-8 * t])) is Judgement.RIGHT


def test_kinks_conflicts_and_places_without_derivative_are_passed_on() -> None:
    assert verdict(1.0, known(1.0, kind=Local.KINK)) is Judgement.KINK
    assert verdict(1.0, known(1.0, conflict=np.ones(1, bool))) is Judgement.CONFLICT


def test_a_plateau_does_not_refute_what_it_may_hide() -> None:
    hidden = known(0.0, flat=np.ones(1) * 1e-8, scale=0.0)
    assert verdict(1e-9, hidden) is Judgement.INCONCLUSIVE
    assert verdict(1e-7, hidden) is Judgement.WRONG


@given(numbers, st.integers(1, 10_000))
def test_allowance_grows_with_the_terms_but_never_beyond_their_number(t: float, m: int) -> None:
    few, many = known(t), known(t, terms=np.full(1, m))
    assert allowance(few, U, TINY)[0] <= allowance(many, U, TINY)[0] <= (5 + m) * U * abs(t) + (m + 1) * TINY


def test_parts_and_joins_are_inverse() -> None:
    whole = Truth.join([known(1.0), known(2.0), known(3.0)])
    assert whole.part(np.array([2, 0])).value.tolist() == [3.0, 1.0]
    assert whole.with_rows(np.array([1]), known(7.0)).value.tolist() == [1.0, 7.0, 3.0]


@given(st.integers(0, 2**32), st.floats(1.02, 2.0))
def test_a_common_factor_is_told_from_rounding(seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    u = 2.0**-8
    truth = rng.uniform(0.5, 2, 40) * rng.choice((-1.0, 1.0), 40)
    rounded = truth * (1 + u * rng.uniform(-1, 1, 40))
    assert common_factor(rounded, truth, u) is None
    found = common_factor(rounded * factor, truth, u)
    if factor - 1 > 6 * u:
        assert found == pytest.approx(factor, abs=u)
    assert common_factor(rounded[: FEWEST - 1] * factor, truth[: FEWEST - 1], u) is None


def test_an_error_that_differs_from_entry_to_entry_is_no_common_factor() -> None:
    truth = np.linspace(1, 2, 40)
    assert common_factor(truth * np.linspace(0.9, 1.2, 40), truth, 2.0**-8) is None


def test_nan_is_not_wrong_where_nothing_is_known_and_others_have_no_derivative() -> None:
    unknown = Truth.of(np.array([np.nan, np.nan]), np.array([np.inf, np.inf]), Local.SMOOTH, "differences")
    assert list(judge(np.array([np.nan, 1.0]), unknown, U, TINY)) == [Judgement.WRONG, Judgement.INCONCLUSIVE]
    singular = replace(unknown, kind=np.array([int(Local.SMOOTH), int(Local.OUTSIDE)]))
    assert list(judge(np.array([np.nan, np.nan]), singular, U, TINY)) == [Judgement.INCONCLUSIVE, Judgement.OUTSIDE]
