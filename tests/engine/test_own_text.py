"""The backward pass's own text in real numbers: unstable formulas lose digits and are right; wrong ones stay wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcheck

X = np.array([0.5, 1.2, -2.0])

Pair = tuple[Callable[..., Any], Callable[..., Any]]


def sinc_back(g: Any, x: Any) -> Any:
    return g * (np.cos(x) / x - np.sin(x) / x**2)


def langevin_back(g: Any, x: Any) -> Any:
    return g * (1 / x**2 - 1 / np.sinh(x) ** 2)


UNSTABLE: dict[str, Pair] = {
    "(1 - cos x) / x^2": (
        lambda x: (1 - np.cos(x)) / x**2,
        lambda g, x: g * (np.sin(x) / x**2 - 2 * (1 - np.cos(x)) / x**3),
    ),
    "sin x / x": (lambda x: np.sin(x) / x, sinc_back),
    "(tan x - sin x) / x^3": (
        lambda x: (np.tan(x) - np.sin(x)) / x**3,
        lambda g, x: g * ((1 / np.cos(x) ** 2 - np.cos(x)) / x**3 - 3 * (np.tan(x) - np.sin(x)) / x**4),
    ),
    "coth x - 1/x, by another formula": (lambda x: (x * np.cosh(x) - np.sinh(x)) / (x * np.sinh(x)), langevin_back),
}


@pytest.mark.parametrize("name", UNSTABLE)
@pytest.mark.parametrize("seed", range(3))
def test_a_formula_that_loses_digits_is_right(name: str, seed: int) -> None:
    forward, vjp = UNSTABLE[name]
    result = gradcheck.check(forward, vjp, (X,), seed=seed)
    assert result.ok, result
    assert {f.severity.value for f in result.findings} <= {"inaccurate", "inconclusive", "outside"}


class Buffered:
    """An object whose backward fills a buffer of its own, from what its forward has kept."""

    def forward(self, x: Any) -> Any:
        self.x = x
        return (x * np.cosh(x) - np.sinh(x)) / (x * np.sinh(x))

    def backward(self, g: Any) -> Any:
        out = np.zeros(self.x.shape)
        out[...] = langevin_back(g, self.x)
        return out


def test_buffers_and_objects_are_read_too() -> None:
    assert gradcheck.check(Buffered(), None, (X,)).ok


@pytest.mark.parametrize("name", UNSTABLE)
def test_a_wrong_formula_beside_it_is_wrong(name: str) -> None:
    forward, vjp = UNSTABLE[name]
    assert not gradcheck.check(forward, lambda g, x: vjp(g, x) + 1e-9 * g * x, (X,)).ok


def test_an_answer_in_a_narrower_type_is_not_excused() -> None:
    def narrow(g: Any, x: Any) -> Any:
        return langevin_back(g, x.astype(np.float32)).astype(np.float64)

    assert not gradcheck.check(UNSTABLE["coth x - 1/x, by another formula"][0], narrow, (X,)).ok


def test_an_answer_that_overflows_on_its_way_is_not_excused() -> None:
    def unit(x: Any) -> Any:
        size = np.max(np.abs(x))
        return x / size / np.sqrt(np.sum((x / size) ** 2))

    def back(g: Any, x: Any) -> Any:
        r = np.sqrt(np.sum(x * x))  # infinite from 1e154 on
        return g / r - x * np.sum(g * x / r) / r / r

    assert not gradcheck.check(unit, back, (np.array([1e200, -2e200, 0.5e200]),)).ok
    assert gradcheck.check(unit, back, (X,)).ok


def test_where_the_forward_keeps_no_digit_both_functions_count() -> None:
    # The real function is x, and what floating point computes rounds to whole numbers.
    magic = 1.5 * 2.0**52
    assert not gradcheck.check(lambda x: (x + magic) - magic, lambda g, x: 3 * g, (X,)).ok


def centred(x: Any, w: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5) * w


def centred_back(g: Any, x: Any, w: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    r = 1 / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5)
    # As a fused multiplication and addition has it: x r - mean r, which is the rounding of mean r where x is one number.
    fused = np.asarray(x * r.astype(np.longdouble) - mean * r, np.float64)
    return np.zeros_like(x), (g * fused).sum(0)


def test_what_is_exact_in_one_order_of_operations_need_not_be_in_another() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x, w = rng.normal(size=(2, 1)), rng.normal(size=1)
        assert gradcheck.check(centred, centred_back, (x, w), seed=seed).ok
        assert not gradcheck.check(centred, lambda g, x, w: (0 * x, (g * w).sum(0)), (x, w), seed=seed).ok
