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
