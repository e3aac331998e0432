"""Forwards that work to a tolerance are told from those that do not, and excuse a tolerance only."""

from __future__ import annotations

import cProfile
import pstats
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import gradcheck
from gradcheck.claim import Domain, Set
from gradcheck.engine.judge import lost
from gradcheck.records import Severity

X = np.array([0.4, -0.7, 0.2])
NEAR = Domain((Set(low=-5.0, high=5.0),))
"""Where the routines do what they are asked for."""


def iterated(x: Any, tolerance: float = 1e-14) -> Any:
    z = np.zeros_like(x)
    while True:
        after = 0.5 * np.tanh(z) + x
        if np.abs(after - z).max() < tolerance:
            return after
        z = after


def iterated_vjp(g: Any, x: Any) -> Any:
    return g / (1 - 0.5 / np.cosh(iterated(x)) ** 2)


def integrated(x: Any) -> Any:
    return np.array([scipy.integrate.quad(np.cos, 0, end, epsabs=1e-12)[0] for end in np.asarray(x).reshape(-1)])


def sought(x: Any) -> Any:
    return np.array([scipy.optimize.brentq(lambda m, a=a: m**3 + m - a, -1e6, 1e6, xtol=1e-13) for a in np.asarray(x)])


def thresholded(x: Any) -> Any:
    """Compares with something tiny, entry by entry, and ends at nothing."""
    return np.stack([np.sinh(v) if np.abs(v) > 1e-12 else v for v in x])


PAIRS = {
    "iterated": (iterated, iterated_vjp),
    "integrated": (integrated, lambda g, x: g * np.cos(x)),
    "sought": (sought, lambda g, x: g / (3 * sought(x) ** 2 + 1)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_tolerance_is_no_wrong_formula(name: str) -> None:
    forward, vjp = PAIRS[name]
    result = gradcheck.check(forward, lambda g, x: vjp(g, x) * (1 + 1e-8), (X,), domain=NEAR, seed=0)
    assert not [f for f in result.findings if f.severity is Severity.WRONG], str(result)


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_more_than_a_tolerance_is_wrong(name: str) -> None:
    forward, vjp = PAIRS[name]
    assert gradcheck.check(forward, lambda g, x: vjp(g, x) * (1 + 1e-5), (X,), domain=NEAR, seed=0).status == "fail"


def test_it_is_seen_under_a_profiler_which_goes_on() -> None:
    """cProfile is no function that ``sys.setprofile`` could put back."""
    forward, vjp = PAIRS["integrated"]
    profile = cProfile.Profile()
    with profile:
        result = gradcheck.check(forward, lambda g, x: vjp(g, x) * (1 + 1e-8), (X,), domain=NEAR, seed=0)
        iterated_vjp(X, X)
    assert not [f for f in result.findings if f.severity is Severity.WRONG], str(result)
    assert {"check", "iterated_vjp"} <= {name for _, _, name in vars(pstats.Stats(profile))["stats"]}


def test_a_threshold_is_no_iteration() -> None:
    """A text that compares with tiny numbers and does not iterate gives nothing away."""
    assert gradcheck.check(thresholded, lambda g, x: g * np.cosh(x), (X,), seed=0).ok
    assert gradcheck.check(thresholded, lambda g, x: g * np.cosh(x) * (1 + 1e-8), (X,), seed=0).status == "fail"


def test_a_wrong_special_case_for_tiny_inputs_is_seen() -> None:
    """The iteration stops at once there, and excuses only what the derivative is everywhere else."""
    assert gradcheck.check(iterated, iterated_vjp, (X,), seed=0).ok
    wrong = gradcheck.check(iterated, lambda g, x: iterated_vjp(g, x) * (np.abs(x).max() > 1e-9), (X,), seed=0)
    assert wrong.status == "fail"


def test_lost_digits_are_fewer_where_there_are_fewer() -> None:
    """In float64 below 1e-12, which is to be caught; in half precision a few roundoffs."""
    assert lost(1.0, 0.0, 2.0**-53) < 2e-13
    assert lost(1.0, 0.0, 2.0**-11) < 8 * 2.0**-11
