"""Certified truth in the judge: what it catches, when it is silent and says why, and that it leaves the user's state alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck.numbers import operations
from gradcheck.oracles.ball import METHOD, Enclosure, enclose

X = np.random.default_rng(5).normal(size=(3, 4))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_vjp(g: Any, x: Any) -> Any:
    p = softmax(x)
    return p * (g - (g * p).sum(-1, keepdims=True))


def real_sine(x: Any) -> Any:
    """Imaginary steps cannot see it, and differences lose eight digits to the offset."""
    return np.sin(np.asarray(x, dtype=float)) + 1e8


def test_a_relative_error_of_1e_12_is_caught() -> None:
    assert gradcheck.check(softmax, softmax_vjp, (X,)).ok
    wrong = gradcheck.check(softmax, lambda g, x: softmax_vjp(g, x) * (1 + 1e-12), (X,))
    assert not wrong.ok and wrong.findings[0].evidence.startswith(METHOD)


def test_what_differences_cannot_see_is_caught() -> None:
    x = X[0, :1]  # 8 u N is 9e-8 here, for an offset of 1e8
    assert gradcheck.check(real_sine, lambda g, x: g * np.cos(x), (X,)).ok
    assert gradcheck.check(real_sine, lambda g, x: g * np.cos(x), (x,)).ok
    wrong = gradcheck.check(real_sine, lambda g, x: g * np.cos(x) * (1 + 1e-6), (x,))
    assert not wrong.ok and wrong.findings[0].evidence.startswith(METHOD)


def test_one_wrong_entry_of_many_is_confirmed() -> None:
    x = np.random.default_rng(6).normal(size=300)

    def wrong(g: Any, x: Any) -> Any:
        return g * np.cos(x) * np.where(np.arange(300) == 77, 1.001, 1.0)

    result = gradcheck.check(lambda x: np.sin(x).sum(), wrong, (x,))
    finding = result.findings[0]
    assert not result.ok and finding.index == (77,) and finding.evidence.startswith(METHOD)
    assert gradcheck.check(lambda x: np.sin(x).sum(), lambda g, x: g * np.cos(x), (x,)).ok


def test_where_a_text_cannot_be_traced_the_record_names_the_call() -> None:
    result = gradcheck.check(
        lambda x: np.fft.rfft(x).real, lambda g, x: np.fft.irfft(g, x.size) * 0 + _cosines(x.size).T @ g, (X[0],)
    )
    assert result.ok and "numpy.fft.rfft stopped the trace" in str(result)


def _cosines(n: int) -> Any:
    return np.cos(2 * np.pi * np.outer(np.arange(n // 2 + 1), np.arange(n)) / n)


def ask(function: Any, x: Any) -> Enclosure | str:
    y = np.asarray(function(x.copy()))
    return enclose(function, (x,), (0,), (np.ones_like(y),), (y,), kwargs={}, limit=10_000)


def test_a_text_that_does_something_else_while_it_is_traced_is_not_believed() -> None:
    found = ask(lambda x: np.sin(x) if type(x) is np.ndarray else np.cos(x), X)
    assert isinstance(found, str) and "does not give the values" in found


def test_at_a_tie_nothing_is_enclosed() -> None:
    found = ask(lambda x: np.maximum(x, 0), np.array([0.0, 1.0]))
    assert isinstance(found, str) and "equal" in found
    assert isinstance(ask(lambda x: np.maximum(x, 0), np.array([1e-300, 1.0])), Enclosure)


@pytest.mark.parametrize("first", [np.greater, np.greater_equal])
def test_where_rounding_made_a_tie_either_gradient_is_honest(first: Any) -> None:
    # x0 + 1 is larger than 1 by 1e-20, and equal in floating point.
    def vjp(g: Any, x: Any) -> Any:
        return g * np.eye(2)[0 if first(x[0] + 1, x[1]) else 1]

    assert gradcheck.check(lambda x: np.maximum(x[0] + 1, x[1]), vjp, (np.array([1e-20, 1.0]),)).ok


@pytest.mark.parametrize("slope", [np.cos, lambda x: np.cos(x) * (1 + 1e-15)])
def test_the_enclosure_holds_the_derivative(slope: Any) -> None:
    found = ask(np.sin, X)
    assert isinstance(found, Enclosure)
    # Half an ulp of what is nearest, and the bound; numpy's own cosine errs by an ulp.
    inside = np.abs(found.value - slope(X).ravel()) <= found.bound + 2.0**-52 * np.abs(found.value)
    assert inside.all() == (slope is np.cos)


class Layer:
    def forward(self, x: Any) -> Any:
        self.x = x
        return x * x

    def backward(self, g: Any) -> Any:
        assert type(self.x) is np.ndarray and self.x.dtype == np.float64
        return 2 * g * self.x


def test_a_layer_that_keeps_its_inputs_keeps_real_ones() -> None:
    assert gradcheck.check(Layer(), None, (X,)).ok


def test_a_wrong_formula_in_the_table_is_a_conflict_and_no_accusation(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(operations.TABLE["tanh"], partials=(lambda k, x, y: 1 - y,))
    monkeypatch.setitem(operations.TABLE, "tanh", wrong)
    result = gradcheck.check(np.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2), (X,), seed=0)
    severities = {f.severity for f in result.findings}
    assert gradcheck.Severity.CONFLICT in severities and gradcheck.Severity.WRONG not in severities, result
