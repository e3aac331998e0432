"""What the benchmark of certified derivatives compares is the same derivative, and intervals that exclude each other are seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb

from benchmarks.truth import BITS, BY_HAND, by_hand, draws, overlap, radius, unary
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.tracing import trace
from gradcheck.numbers.truth import Certified, certified_gradient

OPERATORS = {op.name: op for op in unary()}


def test_each_scalar_operator_of_one_argument_is_measured() -> None:
    assert len(OPERATORS) >= 50 and BY_HAND.keys() <= OPERATORS.keys()


def certificate(name: str, draw: str) -> tuple[Any, Certified]:
    x = draws(OPERATORS[name], np.random.default_rng(3))[draw][:50]
    return x, certified_gradient(trace(OPERATORS[name].definition, [x]).program, [x], [np.ones(x.size)], bits=BITS)[0]


def meets(found: Certified, balls: list[arb]) -> bool:
    with Balls(256).working():
        rows = zip(found.value, found.rest, found.bound, balls, strict=True)
        return all((arb(v) + arb(r) + arb(0, b)).overlaps(ball) for v, r, b, ball in rows)


@pytest.mark.parametrize("draw", ["normal", "wide"])
@pytest.mark.parametrize("name", BY_HAND)
def test_derivatives_by_hand_are_the_certified_ones(name: str, draw: str) -> None:
    x, found = certificate(name, draw)
    assert found.bits == BITS and radius([found]) <= 2.0**-60
    assert meets(found, by_hand(BY_HAND[name], x))
    assert not meets(found, by_hand(lambda v: BY_HAND[name](v * (1 + arb(2.0**-50))), x))


def test_intervals_that_exclude_each_other_are_seen() -> None:
    _, found = certificate("tanh", "normal")
    assert overlap([found], [found])
    rest = found.rest.copy()
    rest[7] += 4 * found.bound[7] + np.spacing(rest[7])
    assert not overlap([found], [replace(found, rest=rest)])
