"""Whole Jacobians from one imaginary step per direction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradcheck.oracles.imaginary import NOTHING, sizes, slopes

WEIGHTS = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.5]])


def model(x: Any) -> Any:
    return np.tanh(WEIGHTS @ x)


@given(hnp.arrays(float, 3, elements=st.floats(-3, 3)))
def test_each_row_is_the_derivative_to_rounding(x: Any) -> None:
    seen = slopes(model, x, np.eye(3), 2)
    exact = ((1 / np.cosh(WEIGHTS @ x)) ** 2)[:, None] * WEIGHTS
    assert seen is not None
    # tanh and its argument round a few times each; cosh amplifies that by its argument.
    assert seen.T == pytest.approx(exact, rel=1e-13, abs=1e-300)


@pytest.mark.parametrize("x", [5e-324, 1e-300, 1e-20, 1.0, 1e20, 1e150])
def test_steps_fit_every_magnitude(x: float) -> None:
    seen = slopes(lambda z: 3.0 * z, np.array([x]), np.ones((1, 1)), 1)
    assert seen is not None and seen[0, 0] == pytest.approx(3.0, rel=1e-15)


@pytest.mark.parametrize(
    "f", [lambda z: np.floor(z), lambda z: z.real, lambda z: z.astype(float), lambda z: z / 0.0, lambda z: z[:1]]
)
def test_none_where_nothing_is_carried_along(f: Any) -> None:
    assert slopes(f, np.array([1.5, 2.5]), np.eye(2), 2) is None


def test_sizes_of_zeros_are_those_of_the_others() -> None:
    x = np.array([4.0, 0.0, 1.0, NOTHING / 2])
    assert sizes(x, np.eye(4)).tolist() == [4.0, 2.0, 1.0, 2.0]
    assert sizes(np.zeros(2), np.eye(2)).tolist() == [1.0, 1.0]
