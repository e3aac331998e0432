"""Reverse mode through a long chain with few states stored: the optimal schedule, revolve.

A chain x_(k+1) = F_k(x_k), k = 0 ... l - 1, is reversed by xbar_k = F_k'(x_k)^T xbar_(k+1), which needs the states last
one first.  Storing all of them takes l places.  With s places, a state that is missing is computed again from the last
one stored before it.  Take a place, jump k steps on and store; reverse the l - k steps behind with the s - 1 places
left; free the place and reverse the k steps before.  The steps run, besides the one that every reversal of a step runs
for itself, are

    t(l, s) = min over k of  k + t(l - k, s - 1) + t(k, s)        t(1, s) = 0        t(l, 1) = l (l - 1) / 2

whose solution is   t(l, s) = r l - beta(s + 1, r - 1),   beta(s, r) = (s + r)! / (s! r!),

with the r for which beta(s, r - 1) < l <= beta(s, r): so many times at most is any step run, and l grows as s^r / r!.
Ten places reverse 184 756 steps with every step run at most ten times.  What is computed is the same, bit by bit, since
a state that is computed again is the same number.

Source: A. Griewank and A. Walther, Algorithm 799: revolve, ACM Transactions on Mathematical Software 26 (2000) 19-45;
the same, Evaluating Derivatives, 2nd ed. (2008), section 12.3.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import Any, NamedTuple

State = Any
Step = Callable[[int, State], State]
"""step(k, x_k) gives x_(k+1); it must leave x_k as it is."""
Pull = Callable[[int, State, Any], Any]
"""pull(k, x_k, xbar_(k+1)) gives xbar_k."""


class Reversal(NamedTuple):
    """The cotangent of the first state, and what it took."""

    cotangent: Any
    steps: int
    """Calls of ``step``; ``pull`` is called once for every step of the chain."""
    most_stored: int


def beta(s: int, r: int) -> int:
    """The longest chain that s places reverse with no step run more than r times; 0 for r < 0."""
    return comb(s + r, s) if r >= 0 else 0


def repetitions(length: int, places: int) -> int:
    """The r with beta(s, r - 1) < l <= beta(s, r)."""
    if length < 1 or places < 1:
        raise ValueError(f"a chain of {length} steps and {places} places: both must be at least 1")
    r = 0
    while beta(places, r) < length:
        r += 1
    return r


def fewest_steps(length: int, places: int) -> int:
    """t(l, s), from the closed formula."""
    r = repetitions(length, places)
    return r * length - beta(places + 1, r - 1)


def jump(length: int, places: int) -> int:
    """A k for which the minimum in t(l, s) is taken, for l >= 2 and s >= 2.

    The two parts must be reversible with r - 1 and r repetitions and no fewer: beta(s, r - 2) <= k <= beta(s, r - 1) and
    beta(s - 1, r - 1) <= l - k <= beta(s - 1, r).  The greatest such k is taken.
    """
    r = repetitions(length, places)
    return min(beta(places, r - 1), length - beta(places - 1, r - 1))


def reverse(step: Step, pull: Pull, state: State, length: int, places: int, cotangent: Any) -> Reversal:
    """The cotangent of ``state``, the first of a chain, from that of the last; never more than ``places`` states kept."""
    repetitions(length, places)  # refuses what cannot be
    stored = [(0, state)]
    steps, most = 0, 1
    for end in range(length, 0, -1):
        position, x = stored[-1]
        while position < end - 1:
            free = places - len(stored)
            goal = position + jump(end - position, free + 1) if free else end - 1
            while position < goal:
                x = step(position, x)
                position, steps = position + 1, steps + 1
            if free:
                stored.append((position, x))
                most = max(most, len(stored))
        cotangent = pull(position, x, cotangent)
        if stored[-1][0] == end - 1:
            stored.pop()  # nothing behind it is left to reverse
    return Reversal(cotangent, steps, most)
