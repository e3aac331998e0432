"""The call as users make it: inside their own property tests, twice alike, and on functions that nothing can be told of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcheck


def cube_back(g: Any, x: Any) -> Any:
    return 3 * g * x**2


@settings(max_examples=5)
@given(st.lists(st.floats(-3, 3).filter(lambda x: x == 0 or abs(x) > 1e-6), min_size=1, max_size=3))
def test_inside_a_users_own_property_a_wrong_gradient_is_found_and_shrunk(values: list[float]) -> None:
    x = np.array(values)
    assert gradcheck.check(lambda v: v**3, cube_back, (x,)).ok
    result = gradcheck.check(lambda v: v**3, lambda g, v: 2 * g * v**2, (x,))
    assert not result.ok and any("shrunk" in f.point.origin for f in result.findings if f.point)


@pytest.mark.parametrize("profile", ["quick", "default"])
def test_equal_calls_give_equal_answers(profile: str) -> None:
    def once() -> Any:
        return gradcheck.check(np.tanh, lambda g, v: g * (1 - np.tanh(v)), (np.linspace(-1, 1, 4),), profile=profile)

    first, second = once(), once()
    assert str(first) == str(second) and first.seed == second.seed


def test_the_answer_leaves_the_callers_state_alone() -> None:
    x, before = np.linspace(-1, 1, 4), np.random.get_state()[1].copy()  # type: ignore[index]  # the legacy state is a tuple
    copy, errors = x.copy(), np.geterr()
    gradcheck.check(np.sqrt, lambda g, v: g / (2 * np.sqrt(v)), (np.abs(x),))
    assert np.array_equal(x, copy) and np.geterr() == errors
    assert np.array_equal(np.random.get_state()[1], before)  # type: ignore[index]  # as above


def test_a_function_that_differences_cannot_resolve_is_not_called_wrong() -> None:
    def ragged(v: Any) -> Any:
        return np.asarray([float(np.sin(1e9 * float(t))) for t in v])

    result = gradcheck.check(ragged, lambda g, v: 1e9 * g * np.cos(1e9 * v), (np.array([0.3, 0.7]),))
    assert not [f for f in result.findings if f.severity is gradcheck.Severity.WRONG]


def test_conventions_do_not_fail_and_are_told() -> None:
    def identity(v: Any) -> Any:
        return np.maximum(v, 0) - np.maximum(-v, 0)

    result = gradcheck.check(identity, lambda g, v: g * (v != 0), (np.array([0.0, 1.0]),))
    assert result.ok and result.verdict is gradcheck.Verdict.CONVENTION
    assert not gradcheck.check(identity, lambda g, v: g * np.where(v == 0, 2.0, 1.0), (np.array([0.0, 1.0]),)).ok


@pytest.mark.parametrize("wrong_at_zero", [True, False])
def test_an_argument_that_is_wrong_everywhere_hides_nothing_of_another(wrong_at_zero: bool) -> None:
    def vjp(g: Any, a: Any, b: Any) -> Any:
        right = g * a * np.cos(b)
        return 2 * g * np.sin(b), np.where(b == 0, 0.0, right) if wrong_at_zero else right

    found = gradcheck.check(lambda a, b: a * np.sin(b), vjp, (np.array([0.7, -1.3]), np.array([0.4, 1.1])))
    named = {f.argument for f in found.findings if f.code == "GC101"}
    assert named == ({"a", "b"} if wrong_at_zero else {"a"})
