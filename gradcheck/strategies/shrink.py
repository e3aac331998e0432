"""The smallest point that still fails, found by Hypothesis, imported here alone and only when something failed.

Hypothesis shrinks towards small choices, so each coordinate is a choice among candidates, the simplest first.
"""

from __future__ import annotations

import contextlib
import math
import random
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcheck.records import Array

LONG = 64
"""The most coordinates that are shrunk one by one, among those that could not be set to 0 in blocks."""

DRAWS = 600
"""The most numbers that Hypothesis is asked for: one costs it about 0.15 ms, all about 0.1 s."""


def smallest(vector: Array, fails: Callable[[Array], bool], *, seed: int, max_examples: int = 150) -> Array:
    """A vector like ``vector`` in simpler numbers for which ``fails`` still holds; ``vector`` itself on any trouble.

    Coordinates become 0, 1, -1, 2, -2, 0.5 or a rounded value where ``fails`` allows it.  ``fails`` gets fresh copies,
    is called at most ``3 * max_examples`` times and may raise (that is: not fail).  Equal seeds give equal answers.
    """
    original = np.array(vector)
    trial = _Trial(fails, 3 * max_examples)
    try:
        if original.ndim != 1 or not original.size or not trial(original):
            return original
        current = _clear_blocks(original, trial, max_examples)
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


@contextlib.contextmanager
def _no_files() -> Iterator[None]:
    """Keep Hypothesis from leaving its directory behind, in which it caches the numbers of source files."""
    from hypothesis import configuration

    name = "__hypothesis_home_directory"
    before = getattr(configuration, name, None)
    with tempfile.TemporaryDirectory() as directory:
        configuration.set_hypothesis_home_dir(directory)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)


class _Enough(BaseException):
    """Ends a search from inside; Hypothesis lets what is no ``Exception`` pass."""


def _choose(vector: Array, free: Array, trial: _Trial, seed: int, max_examples: int) -> Array:
    from hypothesis import HealthCheck, Phase, Verbosity, find, settings
    from hypothesis import strategies as st
    from hypothesis._settings import local_settings

    # A choice beyond the candidates is the coordinate itself, in all but one of ``rarity`` cases: a draw keeps all
    # coordinates with a chance of about 1/e, so that a failing example is found at once.  (An alternative that gives
    # the whole vector would take fewer choices than the others, and so count as the simplest of all.)
    rarity = max(4, free.size)
    choices = [_candidates(vector[k]) for k in free]
    drawn = st.tuples(*(st.integers(0, rarity * len(c) - 1) for c in choices))
    best, most = vector, min(max_examples, DRAWS // free.size)
    draws, lightest = 0, math.inf

    def build(numbers: tuple[int, ...]) -> Array:
        made = vector.copy()
        made[free] = [c[min(k, len(c) - 1)] for c, k in zip(choices, numbers, strict=True)]
        return made

    def condition(numbers: tuple[int, ...]) -> bool:
        nonlocal best, draws, lightest
        draws += 1
        if draws > most:
            raise _Enough
        made = build(numbers)
        weight = sum(min(k, len(c) - 1) for c, k in zip(choices, numbers, strict=True))
        if not trial(made):
            return False
        if weight < lightest:
            best, lightest = made, weight
        return True

    quiet = settings(
        max_examples=max_examples,
        phases=(Phase.generate, Phase.shrink),  # explaining costs more than all else
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    # The health check against a @given inside another reads the settings around it, not those of the search.
    with local_settings(quiet), _no_files(), contextlib.suppress(_Enough):
        return build(find(drawn, condition, settings=quiet, random=random.Random(seed)))
    return best
