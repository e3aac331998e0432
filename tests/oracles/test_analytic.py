"""Analytic arrays: the continuation of every ufunc rule is the real function, and its slope is the derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special as sp
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.oracles.analytic import Analytic, Choice, branches

STEP = 1e-100
"""Its square is nothing beside one, and it is far from underflow."""


def through(f: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """(value, slope) of f at real x along ones, by one imaginary step through an analytic array."""
    z = (np.asarray(x, float) + 1j * STEP).view(Analytic)
    out = np.asarray(f(z))
    return out.real, out.imag / STEP


UNARY: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "absolute": (np.abs, np.sign),
    "cbrt": (np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2)),
    "expit": (sp.expit, lambda x: sp.expit(x) * sp.expit(-x)),
    "log_expit": (sp.log_expit, lambda x: sp.expit(-x)),
    "gammaln": (sp.gammaln, sp.digamma),
    "erfc": (sp.erfc, lambda x: -2 / np.sqrt(np.pi) * np.exp(-x * x)),
    "hypot": (lambda x: np.hypot(x, 2.0), lambda x: x / np.hypot(x, 2.0)),
    "arctan2 above": (lambda x: np.arctan2(x, -1.0), lambda x: -1 / (1 + x * x)),
    "arctan2 below": (lambda x: np.arctan2(2.0, x), lambda x: -2 / (4 + x * x)),
    "logaddexp": (lambda x: np.logaddexp(x, 0.5), lambda x: sp.expit(x - 0.5)),
    "logaddexp2": (lambda x: np.logaddexp2(x, 0.5), lambda x: sp.expit((x - 0.5) * np.log(2))),
    "maximum": (lambda x: np.maximum(x, 0.25), lambda x: 1.0 * (x > 0.25)),
    "minimum": (lambda x: np.minimum(x, 0.25), lambda x: 1.0 * (x < 0.25)),
    "clip": (lambda x: np.clip(x, -1.0, 1.0), lambda x: 1.0 * (np.abs(x) < 1)),
    "remainder": (lambda x: np.remainder(x, 1.5), np.ones_like),
    "fmod": (lambda x: np.fmod(x, 1.5), np.ones_like),
    "copysign": (lambda x: np.copysign(x, -1.0), lambda x: -np.sign(x)),
    "where": (lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.where(x > 0, 1.0, 0.1)),
    "floor": (np.floor, np.zeros_like),
    "norm": (lambda x: np.linalg.norm(np.stack([x, x * 0 + 3.0]), axis=0), lambda x: x / np.hypot(x, 3.0)),
    "softplus": (lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), sp.expit),
    "conj": (lambda x: x.conj() * x, lambda x: 2 * x),
    "round": (lambda x: np.round(x, 1) + x.round(), np.zeros_like),
}


@pytest.mark.parametrize("name", UNARY)
@given(st.floats(-6, 6).filter(lambda x: abs(x - round(20 * x) / 20) > 1e-3))
def test_values_and_slopes_are_those_of_the_real_function(name: str, x: float) -> None:
    f, slope = UNARY[name]
    at = np.array([x])
    value, seen = through(f, at)
    # A dozen operations, each of which rounds once; gammaln and erfc are sums that cancel near their zeros.
    # Beside a pole of gamma the argument's own rounding counts in proportion to its nearness.
    scale = 64 * 2.0**-53 * (1 + 1 / abs(x - round(4 * x) / 4))
    assert value == pytest.approx(np.real(f(at)), rel=scale, abs=8 * scale)
    assert seen == pytest.approx(slope(at), rel=8 * scale, abs=64 * scale)


def test_a_plain_complex_array_would_lose_the_branch() -> None:
    z = np.array([-2.0 + 1j * STEP])
    assert np.isrealobj(np.abs(z))
    assert through(np.abs, [-2.0])[1] == -1.0


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=6))
def test_variance_and_norm_agree_with_mpmath(values: list[float]) -> None:
    x = np.array(values)
    if np.ptp(x) < 1e-3:
        return
    weights = np.linspace(1.0, 2.0, x.size)
    z = (x + 1j * STEP * weights).view(Analytic)
    mean = mpmath.fsum(values) / x.size
    terms = [(mpmath.mpf(v) - mean) * w for v, w in zip(values, weights, strict=True)]
    exact = 2 * mpmath.fsum(terms) / x.size
    assert np.asarray(np.var(z)).imag / STEP == pytest.approx(float(exact), rel=1e-12, abs=1e-13 * np.max(np.abs(x)))
    length = mpmath.sqrt(mpmath.fsum(mpmath.mpf(v) ** 2 for v in values))
    along = mpmath.fsum(mpmath.mpf(v) * w for v, w in zip(values, weights, strict=True)) / length
    assert np.asarray(np.linalg.norm(z)).imag / STEP == pytest.approx(float(along), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("function", [np.linalg.svd, np.linalg.eigvalsh, np.linalg.cholesky, np.angle])
def test_what_means_something_else_for_complex_numbers_is_refused(function: Any) -> None:
    with pytest.raises(TypeError):
        function(np.eye(2).astype(complex).view(Analytic))


def test_nothing_degrades_to_a_float() -> None:
    with pytest.raises(TypeError):
        float(np.array(1.0 + 1j).view(Analytic))


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


@pytest.mark.parametrize(
    ("f", "choice", "slope"),
    [
        (relu, Choice.LEAST, 0.0),
        (relu, Choice.MEAN, 0.5),
        (np.abs, Choice.LEAST, 0.0),
        (np.abs, Choice.MEAN, 0.0),
        (lambda x: relu(x) - relu(-x), Choice.LEAST, 0.0),
        (lambda x: relu(x) - relu(-x), Choice.MEAN, 1.0),
        (lambda x: np.maximum(x, 0) + np.minimum(2 * x, 0), Choice.LEAST, 0.0),
    ],
)
def test_ties_are_broken_as_chosen_and_counted(f: Any, choice: Choice, slope: float) -> None:
    with branches(choice) as ties:
        assert through(f, [0.0])[1] == slope
        assert ties.count > 0
    with branches(choice) as ties:
        through(f, [0.7])
        assert ties.count == 0


def test_choices_of_a_maximum_over_an_axis() -> None:
    x = np.zeros((2, 3))
    for choice, expected in ((Choice.LEAST, [1, 0, 0]), (Choice.MEAN, [1 / 3, 1 / 3, 1 / 3])):
        seen = []
        for k in range(3):
            z = (x + 1j * STEP * (np.arange(3) == k)).view(Analytic)
            with branches(choice):
                seen.append(np.asarray(np.max(z, axis=1)).imag / STEP)
        assert np.array(seen).T == pytest.approx(np.array([expected, expected]))
