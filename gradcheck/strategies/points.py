"""Points to look at besides the given one, most telling first.

A gradient is seldom wrong at one random normal point: it is wrong at zeros, at ties, where something saturates, or in
one sign.  So values are edited (``edits``, in the order of ``plan``), and brought back into the domain (``sets``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcheck.records import Array
from gradcheck.strategies import edits, sets
from gradcheck.strategies.plan import COUNTS, Plan
from gradcheck.subjects.callables import Call


def nearby(
    call: Call, rng: np.random.Generator, *, profile: str, special: Sequence[float] = ()
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """(origin, leaves) of further points of the claimed domain; the leaves keep shape, dtype and Python type.

    ``special`` are values at which implementations are known to go wrong: each is put at one entry, and at all.
    The points depend on the state of ``rng`` alone, not on what is drawn from it while they are used.
    Raises KeyError if the profile is not one of ``COUNTS``.
    """
    return _distinct(call, Plan(call, np.random.default_rng(rng.integers(2**63)), special), COUNTS[profile])


CLOSER = tuple(2.0**-k for k in (3, 4, 5, 6, 8, 10, 14, 18))
"""Distances of ``closer``, relative to each entry: a forward that is defined on any interval around the given point is met."""


def closer(call: Call, rng: np.random.Generator) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """(origin, leaves) of points that draw nearer to the given one, for forwards that are undefined at most others."""
    plan = Plan(call, np.random.default_rng(rng.integers(2**63)), ())
    for by in CLOSER:
        made = plan.redraw(edits.within(by), f"re-drawn within {by:.2g} of the given values")
        if made[1]:
            yield made[0], _leaves(call, made[1])


def _distinct(call: Call, plan: Plan, count: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    seen = {_key(call, call.leaves)}
    if not plan.numbers:
        return
    misses = 0
    for item in plan.items(count):
        made = item()
        leaves = _leaves(call, made[1]) if made else call.leaves
        key = _key(call, leaves)
        if made is None or key in seen:
            misses += 1
            if misses > 10 * count:  # a domain with few points, such as the simplex of one entry
                return
            continue
        seen.add(key)
        yield made[0], leaves
        if len(seen) > count:
            return


def _leaves(call: Call, changed: dict[int, Array]) -> tuple[Any, ...]:
    return tuple(
        sets.settle(changed[k], leaf, call.domain.of(k)) if k in changed else leaf for k, leaf in enumerate(call.leaves)
    )


def _key(call: Call, leaves: Sequence[Any]) -> bytes:
    return b"".join(np.asarray(leaves[k]).tobytes() for k in call.active)
