"""Formulas that subtract nearly equal numbers: right ones lose their digits close to 0, where wrong ones are no better hidden."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.pairs import twins

X = np.array([0.5, 1.2, -2.0])
BOTH_SIGNS = np.array([0.4, -1.1, 2.3, -0.2, 0.9])
LABELS = np.array([0.0, 1.0, 1.0, 0.0, 0.3])


def langevin(x: Any) -> Any:
    return (x * np.cosh(x) - np.sinh(x)) / (x * np.sinh(x))


def langevin_vjp(g: Any, x: Any, sign: float = 1.0) -> Any:
    return g * (1 / x**2 - sign / np.sinh(x) ** 2)


def between(x: Any) -> Any:
    return (np.tan(x) - np.sin(x)) / x**3


def between_vjp(g: Any, x: Any, power: int = 4) -> Any:
    return g * ((1 / np.cos(x) ** 2 - np.cos(x)) / x**3 - 3 * (np.tan(x) - np.sin(x)) / x**power)


def versine(x: Any) -> Any:
    return (1 - np.cos(x)) / x**2


def versine_vjp(g: Any, x: Any, factor: float = 2.0) -> Any:
    return g * (np.sin(x) / x**2 - factor * (1 - np.cos(x)) / x**3)


def sinc(x: Any) -> Any:
    return np.sin(x) / x


def sinc_vjp(g: Any, x: Any, sign: float = 1.0) -> Any:
    # At a subnormal number inf - inf; flushed to 0 the forward is not defined there.
    return g * (np.cos(x) / x - sign * np.sin(x) / x**2)


def unit(x: Any) -> Any:
    size = np.max(np.abs(x))
    return x / size / np.sqrt(np.sum((x / size) ** 2))


def unit_vjp(g: Any, x: Any, scaled: bool = True) -> Any:
    size = np.max(np.abs(x)) if scaled else 1.0
    x = x / size
    r = np.sqrt(np.sum(x * x))  # unscaled it is infinite from 1e154 on, and the answer 0
    return (g / r - x * np.sum(g * x / r) / r / r) / size


def logistic_loss(x: Any) -> Any:
    p = 1 / (1 + np.exp(-x))
    return -np.mean(LABELS * np.log(p) + (1 - LABELS) * np.log(1 - p))


def logistic_loss_vjp(g: Any, x: Any, divided: bool = True) -> Any:
    return g * (1 / (1 + np.exp(-x)) - LABELS) / (x.size if divided else 1)


CASES = (
    *twins(
        "cancelling: coth x - 1/x", "lost digits", langevin, langevin_vjp, (X,), hard=True,
        sign_of_second=lambda g, x: langevin_vjp(g, x, -1.0),
        in_float32=lambda g, x: langevin_vjp(g, x.astype(np.float32)).astype(np.float64),
    ),
    *twins(
        "cancelling: tan less sin over cube", "lost digits", between, between_vjp, (X,), hard=True,
        cube_in_the_second=lambda g, x: between_vjp(g, x, 3),
    ),
    *twins(
        "cancelling: 1 - cos over square", "lost digits", versine, versine_vjp, (X,), hard=True,
        factor_three=lambda g, x: versine_vjp(g, x, 3.0),
        off_by_a_billionth=lambda g, x: versine_vjp(g, x, 2.0 + 1e-9),
    ),
    *twins(
        "cancelling: sine over argument", "lost digits", sinc, sinc_vjp, (X,), hard=True,
        sign_of_second=lambda g, x: sinc_vjp(g, x, -1.0),
    ),
    *twins(
        "cancelling: unit vector of huge entries", "overflow in a naive formula", unit, unit_vjp, (np.array([1e200, -2e200, 0.5e200]),),
        hard=True,
        squares_unscaled=lambda g, x: unit_vjp(g, x, scaled=False),
    ),
    *twins(
        "cancelling: logistic loss from probabilities", "lost digits", logistic_loss, logistic_loss_vjp, (BOTH_SIGNS,), hard=True,
        not_divided=lambda g, x: logistic_loss_vjp(g, x, divided=False),
    ),
)  # fmt: skip
