"""Axes of a chart: where a value stands between two ends, and which values get a tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gradcheck.records import Array

Kind = Literal["linear", "log", "symlog"]

LARGEST = 1e200
"""Axes end here at the latest: a margin beyond 1.8e308 would be infinite."""

_TICKS = 6  # on one axis at most: seven decades with their labels fill the width of a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A scale from ``low`` to ``high``; symlog is linear up to 1 and logarithmic beyond, on both sides of zero."""

    kind: Kind
    low: float
    high: float
    label: str

    def share(self, values: Array) -> Array:
        """Where the values stand, 0 at the low end and 1 at the high one; values beyond an end stand at it."""
        low, high = self._bent(np.array([self.low, self.high]))
        inside = np.clip(np.asarray(values, np.float64), self.low, self.high)
        return np.asarray((self._bent(inside) - low) / (high - low))

    def _bent(self, values: Array) -> Array:
        if self.kind == "linear":
            return values
        if self.kind == "log":
            return np.asarray(np.log10(values))
        beyond = 1 + np.log10(np.maximum(np.abs(values), 1.0))
        return np.where(np.abs(values) <= 1, values, np.sign(values) * beyond)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Values with a tick: round numbers, or powers of ten, and 0 where it is on the axis."""
        if self.kind == "linear":
            return _round_numbers(self.low, self.high)
        if self.kind == "log":
            return tuple(10.0**k for k in _powers(np.log10(self.low), np.log10(self.high)))
        above = [10.0**k for k in _beyond_one(self.high)]
        below = [-(10.0**k) for k in _beyond_one(-self.low)]
        zero = [0.0] if self.low <= 0 <= self.high else []
        return (*reversed(below), *zero, *above)


def logarithmic(values: Sequence[Array], label: str) -> Axis:
    """From a factor of 3 below the least positive value to a factor of 3 above the largest."""
    some = np.concatenate([np.asarray(v, np.float64) for v in values] or [np.zeros(0)])
    some = some[np.isfinite(some) & (some > 0)]
    low, high = (float(some.min()), float(some.max())) if some.size else (1.0, 1.0)
    low, high = np.clip([low / 3, high], 1 / LARGEST, LARGEST / 3)
    return Axis(kind="log", low=float(low), high=float(3 * high), label=label)


def signed(values: Array, label: str) -> Axis:
    """Both signs, from 1.2 times the least to 1.2 times the largest; bent where everything near 0 would be one point."""
    low, high = float(np.min(values, initial=-1.0)), float(np.max(values, initial=1.0))
    kind: Kind = "symlog" if max(-low, high) > 100 else "linear"
    return Axis(kind=kind, low=max(1.2 * low, -LARGEST), high=min(1.2 * high, LARGEST), label=label)


def counted(values: Array, label: str) -> Axis:
    """From 0 to twice the largest value, bent beyond 1."""
    return Axis(kind="symlog", low=0.0, high=min(2 * float(np.max(values, initial=1.0)), LARGEST), label=label)


def _powers(low: float, high: float) -> range:
    """Whole exponents between these, evenly spaced, so many that their labels have room."""
    first, last = int(np.ceil(low - 1e-9)), int(np.floor(high + 1e-9))  # log10 of a power of ten errs by an ulp
    step = max(1, -(-(last - first + 1) // _TICKS))
    return range(first, last + 1, step)


def _beyond_one(end: float) -> range:
    """Exponents from 0, or from the first step where the stretch up to 1 is too short for a label."""
    powers = _powers(0.0, float(np.log10(max(end, 1.0)))) if end >= 1 else range(0)
    return powers[1:] if powers.step > 1 else powers


def _round_numbers(low: float, high: float) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / _TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(k * power) for k in (1, 2, 5, 10) if k * power >= rough)
    return tuple(float(round(k * step, 12)) for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1))
