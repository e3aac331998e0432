"""The smallest point that still fails, found by Hypothesis, which is imported here alone and only when something failed.

Hypothesis shrinks towards small choices, so each coordinate is a choice among candidates, the simplest first.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.records import Array

LONG = 64
"""Coordinates that are shrunk one by one.  Of a longer vector, blocks are set to 0 first."""


def smallest(vector: Array, fails: Callable[[Array], bool], *, seed: int, max_examples: int = 150) -> Array:
    """A vector like ``vector`` in simpler numbers for which ``fails`` still holds; ``vector`` itself on any trouble.

    Coordinates become 0, 1, -1, 2, -2, 0.5 or a rounded value where ``fails`` allows it.  ``fails`` gets fresh copies, is called at most
    about ``3 * max_examples`` times and may raise (which counts as not failing).  The answer depends on the seed alone.
    """
    original = np.array(vector)
    trial = _Trial(fails, 3 * max_examples)
    try:
        if original.ndim != 1 or not original.size or not trial(original):
            return original
        current = _clear_blocks(original, trial, max_examples) if original.size > LONG else original
        free = np.flatnonzero(current)
        if 0 < free.size <= LONG:
            current = _choose(current, free, trial, seed, max_examples)
        return current if trial(current) else original
    except Exception:  # a failing check must be reported even if its point cannot be made simpler
        return np.array(vector)


class _Trial:
    """``fails`` with a memory and a budget: repeated questions get equal answers, as Hypothesis requires."""

    def __init__(self, fails: Callable[[Array], bool], budget: int) -> None:
        self.fails, self.budget = fails, budget
        self.known: dict[bytes, bool] = {}

    def __call__(self, vector: Array) -> bool:
        key = vector.tobytes()
        if key not in self.known:
            if len(self.known) >= self.budget:
                return False
            try:
                self.known[key] = bool(self.fails(vector.copy()))
            except Exception:
                self.known[key] = False
        return self.known[key]


def _clear_blocks(vector: Array, trial: _Trial, calls: int) -> Array:
    """Set to 0 the largest blocks, found by halving, without which the failure remains."""
    current = vector
    waiting = [(0, vector.size)]
    for _ in range(calls):
        if not waiting:
            break
        start, stop = waiting.pop(0)
        cleared = current.copy()
        cleared[start:stop] = 0
        if trial(cleared):
            current = cleared
        elif stop - start > 1:
            middle = (start + stop) // 2
            waiting += [(start, middle), (middle, stop)]
    return current


def _candidates(x: Any) -> list[Any]:
    """Simplest first, without repetition, and the number itself at the end."""
    simple = [0.0, 1.0, -1.0, 2.0, -2.0, 0.5, np.round(x), np.round(x, 1), np.round(x, 2)]
    kept: list[Any] = []
    for candidate in simple:
        if np.isfinite(candidate) and candidate != x and candidate not in kept:
            kept.append(candidate)
    return [*kept, x]


def _choose(vector: Array, free: Array, trial: _Trial, seed: int, max_examples: int) -> Array:
    from hypothesis import HealthCheck, Verbosity, find, settings
    from hypothesis import strategies as st

    # Each choice is the coordinate itself in all but one of n cases, so that a draw keeps them all with a chance of about 1/e:
    # the first failing example is found at once, however many coordinates matter.
    rarity = max(4, free.size)
    choices = [_candidates(vector[k]) for k in free]
    drawn = st.tuples(*(st.sampled_from(c + c[-1:] * (len(c) * (rarity - 1))) for c in choices))

    def build(values: tuple[Any, ...]) -> Array:
        made = vector.copy()
        made[free] = values
        return made

    found = find(
        st.one_of(drawn, st.just(tuple(vector[free]))),
        lambda values: trial(build(values)),
        settings=settings(
            max_examples=max_examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        ),
        random=random.Random(seed),
    )
    return build(found)
