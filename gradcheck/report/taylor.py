"""The slope of the Taylor remainder: 2 for the derivative, 1 for anything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradcheck.records import Array, Curve

CLEAR = 64.0
"""Times its rounding that a remainder must be to be fitted: its logarithm is then known to a fiftieth."""

FITTED = 6
"""Smallest steps that are fitted: they are halved each time, so that the largest is 32 times the least, and still small."""

FEWEST = 4
"""With fewer steps above rounding no line is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """The slope by least squares over the ``used`` steps, with the spread of the slopes between neighbours as its uncertainty.

    None where the remainder is rounding alone: along that direction the function is linear, and the gradient its slope.
    """

    used: Array
    value: float | None
    spread: float = 0.0


def slope(curve: Curve) -> Slope | None:
    """The slope of the remainder; None where the curve has no remainders."""
    if curve.remainder_steps is None or curve.remainders is None or curve.remainder_noise is None:
        return None
    h, r, noise = (
        np.asarray(a, np.float64).ravel() for a in (curve.remainder_steps, curve.remainders, curve.remainder_noise)
    )
    with np.errstate(all="ignore"):
        clear = np.flatnonzero(np.isfinite(r) & (r > CLEAR * noise) & (r > 0) & (h > 0))
    used = np.zeros(h.size, bool)
    if clear.size < FEWEST:
        return Slope(used=used, value=None)
    chosen = clear[np.argsort(h[clear])][:FITTED]
    used[chosen] = True
    x, y = np.log(h[chosen]), np.log(r[chosen])
    if not np.ptp(x) > 0:
        return Slope(used=used, value=None)
    value = float(np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2))
    with np.errstate(all="ignore"):
        between = np.diff(y) / np.diff(x)
    return Slope(used=used, value=value, spread=float(np.max(np.abs(between - value))))
