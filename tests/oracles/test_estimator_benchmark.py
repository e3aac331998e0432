"""The benchmark against other packages explains what it lists, and counts what it claims."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from benchmarks.estimator_cases import Case
from benchmarks.estimators import TOOLS, measure, ours, reason

SWALLOWED = Case("log(1 + x^2) at 1e-9", lambda x: np.log(1 + x * x), lambda x: mp.log1p(x * x), 1e-9)
WAVE = Case("steep, and a wave", lambda x: x**3 + np.sin(1000 * x), lambda x: x**3 + mp.sin(1000 * x), 10390.1)
SMOOTH = Case("exp", np.exp, mp.exp, 0.3)


@pytest.mark.parametrize(
    ("case", "said"),
    [(SWALLOWED, "rounding inside the forward"), (WAVE, "faster than the steps")],
    ids=lambda a: getattr(a, "name", a),
)
def test_a_miss_is_explained_by_experiment(case, said):
    assert reason(case).startswith(said)


def test_what_is_bounded_rightly_with_an_exact_forward_is_not_blamed_on_the_steps():
    assert not reason(SMOOTH).startswith("faster")


def test_a_tool_that_claims_too_much_is_caught():
    boasting = measure(lambda f, x: (float(f(x)), 0.0), [Case("sin", np.sin, mp.sin, 1.0)], [float(mp.cos(1))])
    assert len(boasting.misses) == 1
    assert not measure(ours, [SMOOTH], [SMOOTH.truth()]).misses


def test_the_peers_are_named():
    assert list(TOOLS) == ["gradcheck", "numdifftools", "jacobi", "fdm", "scipy"]
