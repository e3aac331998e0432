"""A forward that overflows where the real function does not is judged by certified truth alone, and an honest backward not blamed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcheck

X = np.array([8.0, 9.0, -3.0])


def naive(x: Any) -> Any:
    with np.errstate(over="ignore"):
        return np.log(np.exp(x).sum())


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum()


def as_naive(g: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return g * np.exp(x) / np.exp(x).sum()


@pytest.mark.parametrize("vjp", [lambda g, x: g * softmax(x), as_naive])
def test_right_rules_pass_stable_or_not(vjp: Any) -> None:
    assert gradcheck.check(naive, vjp, (X,), seed=0).ok


def test_what_is_wrong_only_there_is_caught() -> None:
    result = gradcheck.check(naive, lambda g, x: g * (softmax(x) if x.max() < 700 else 0 * x + 1 / 3), (X,), seed=0)
    assert result.verdict is gradcheck.Verdict.WRONG
    assert "certified balls" in str(result)


def unit_vector(x: Any) -> Any:
    return x / np.sqrt(np.sum(x * x))


def unit_vector_vjp(g: Any, x: Any) -> Any:
    """Without a square that overflows, and rounded once."""
    wide, most = x.astype(np.float64), np.max(np.abs(x)).astype(np.float64)
    length = most * np.sqrt(np.sum((wide / most) ** 2))
    unit = wide / length
    return ((g - unit * np.sum(g * unit)) / length).astype(x.dtype)


@pytest.mark.parametrize(("kind", "largest"), [("float16", 800), ("float32", 1e30), ("float64", 1e200)])
def test_where_the_forward_lost_its_values_to_an_overflow_the_real_derivative_is_not_called_wrong(
    kind: str, largest: float
) -> None:
    x = (np.array([0.15, -0.6, 1.0]) * largest).astype(kind)
    with np.errstate(over="ignore"):
        assert not unit_vector(x).any()  # x / inf
        found = gradcheck.check(unit_vector, unit_vector_vjp, x)
        assert found.status in ("pass", "inconclusive")
        # What is the derivative of neither the real function nor of 0 is wrong there, too.
        wrong = gradcheck.check(unit_vector, lambda g, x: np.asarray(g), x)
    assert wrong.status == "fail"
