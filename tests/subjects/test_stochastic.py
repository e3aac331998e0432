"""A forward that draws is recognised by its generator, whatever it draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.subjects.callables import recognise
from gradcheck.subjects.stochastic import draws


def implementation(forward: Any) -> Any:
    return recognise(forward, lambda g, x: g, None, False)


def test_equal_draws_are_draws() -> None:
    rng = np.random.default_rng(0)
    made = implementation(lambda x: x * (rng.random() < 2.0))  # always 1
    assert draws(made, {}, lambda: made.forward(np.ones(2)))


def test_numpys_global_generator_counts() -> None:
    made = implementation(lambda x: x + 0 * np.random.rand())
    before = np.random.get_state()
    try:
        assert draws(made, {}, lambda: made.forward(np.ones(2)))
    finally:
        np.random.set_state(before)


def test_a_generator_that_is_not_used_is_none() -> None:
    rng = np.random.default_rng(0)
    made = implementation(lambda x: x if rng is not None else 2 * x)
    assert not draws(made, {}, lambda: made.forward(np.ones(2)))
