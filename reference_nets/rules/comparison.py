"""Partial derivatives of selections: each is how much of the result belongs to an argument."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._entrywise import Partials, alone, both
from reference_nets.rules._shapes import Array


def _larger(x: Array, y: Array) -> Array:
    """1 where x is larger, 0 where y is, one half at a tie."""
    return np.where(x == y, 0.5, x > y).astype(np.result_type(x, y))


def minimum(x: Array, y: Array) -> tuple[Array, Array]:
    """All for the smaller; half each at a tie, so that the two still add up to one."""
    return _larger(y, x), _larger(x, y)


def clip(x: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """A minimum after a maximum: the chain rule multiplies the shares."""
    of_x = _larger(x, low)
    of_high = _larger(np.maximum(x, low), high)
    return of_x * (1 - of_high), (1 - of_x) * (1 - of_high), of_high


def sign(x: Array) -> Array:
    """0 wherever there is a derivative."""
    return np.zeros_like(x)


PARTIALS: dict[str, Partials] = {"minimum": minimum, "clip": clip, "sign": alone(sign)}

RULES, _JVPS = both(PARTIALS)
# At a tie of three a line through the point may be straight, with a slope that no shares have: clip has no forward rule.
JVPS = {name: rule for name, rule in _JVPS.items() if name != "clip"}
