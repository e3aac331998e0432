"""Functions that no trace can read yet: every float16 and bfloat16 input against flint's own function, rounded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from flint import arb, ctx

from gradcheck.catalogue import operator
from reference_nets.rules import RULES

BITS = 256
"""So many that every ball below is smaller than 2^-60 of its middle: see ``slopes``, which asserts it."""

EXACT: dict[str, Callable[..., arb]] = {
    "gammainc": lambda x, a=1.0: x ** (arb(a) - 1) * (-x).exp() / arb(a).gamma(),
    "gammaincc": lambda x, a=1.0: -(x ** (arb(a) - 1)) * (-x).exp() / arb(a).gamma(),
    "hurwitz_zeta": lambda x, s=2.0: -arb(s) * (arb(s) + 1).zeta(x),
}
"""The derivatives: DLMF 8.8.13, 8.8.14 and 25.11.17."""

CASES = [
    (name, params) for name in EXACT for params in ({}, *(dict(e.params) for e in operator(name).examples if e.params))
]
TYPES = [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)]
LIMITS = {
    "float16": (2.0**-10, 2.0**-14, 65504.0),
    "bfloat16": (2.0**-7, 2.0**-126, float(ml_dtypes.bfloat16("3.38953139e38"))),
}
"""Distance from 1 to the next number, smallest normal number, largest number."""

STEP = 7
"""Every seventh positive number, and so every binade and every last bit: flint's zeta takes a tenth of a millisecond."""


def positive(name: str, dtype: np.dtype[Any]) -> Any:
    """The numbers of a type that lie in the domain of the operator and are positive."""
    x = np.arange(1, 0x8000, STEP, dtype=np.uint16).view(dtype)
    with np.errstate(invalid="ignore"):  # some patterns are signalling nans
        x = x[np.isfinite(x)]
    return x[x.astype(np.float64) < operator(name).domain.of(0).high]


def slopes(name: str, x: Any, params: dict[str, Any]) -> Any:
    """The derivative at each x as a float64 number."""
    found = np.empty(x.size)
    with ctx.workprec(BITS):
        for k, value in enumerate(x.astype(np.float64)):
            ball = EXACT[name](arb(value), **params)
            assert ball.rel_accuracy_bits() > 60
            found[k] = float(ball)
    return found


def misses(got: Any, exact: Any, dtype: np.dtype[Any]) -> Any:
    """By how many ulp each result misses; a result that is infinite where the exact one rounds to a number misses by inf."""
    epsilon, smallest, largest = LIMITS[dtype.name]
    with np.errstate(all="ignore"):
        ulp = epsilon * np.maximum(2.0 ** np.floor(np.log2(np.abs(exact))), smallest)
        beyond = np.abs(exact) >= largest * (1 + epsilon / 4)
        return np.where(beyond & np.isinf(got.astype(np.float64)), 0, np.abs(got.astype(np.float64) - exact) / ulp)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize(("name", "params"), CASES)
def test_the_rule_misses_by_half_an_ulp_and_a_little(name: str, params: dict[str, Any], dtype: np.dtype[Any]) -> None:
    x = positive(name, dtype)
    with np.errstate(over="ignore", under="ignore"):
        (got,) = RULES[name](np.ones(x.shape, dtype), x, **params)
    found = misses(got, slopes(name, x, params), dtype)
    assert got.dtype == dtype
    assert np.max(found) <= 0.75, (float(x[np.argmax(found)]), float(np.max(found)))


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_a_slope_that_is_off_by_two_ulp_is_seen(dtype: np.dtype[Any]) -> None:
    x = positive("gammainc", dtype)
    exact = slopes("gammainc", x, {"a": 2.0})
    spoilt = (exact * (1 + 4 * LIMITS[dtype.name][0])).astype(dtype)
    assert np.max(misses(exact.astype(dtype), exact, dtype)) <= 0.5
    assert np.max(misses(spoilt, exact, dtype)) > 0.75
