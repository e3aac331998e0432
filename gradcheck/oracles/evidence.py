"""What the samples along a line say beside their slope: noise not seen at first, plateaus, kinks, endless growth.

Arrays are (D, K, m), with the steps h (D, K, 1) decreasing along the second axis.
"""

from __future__ import annotations

import numpy as np

from gradcheck.oracles.noise import KINKED
from gradcheck.oracles.steps import SINGLE
from gradcheck.records import Array

RESOLVED = 2.0**-20
"""Smaller jumps, relative to f, may be the rounding of float32 values."""

STEEP = 0.03
"""Slopes that grow like step^-0.03 or faster count as growing without end; x log x does so at steps of 1e-14 still."""


def beside_kink(sigma: Array, twist: Array, flat: Array, h: Array) -> Array:
    """Sigma, or what the three finest second differences say where a kink beside x has spoilt the equally spaced ones.

    They hold 3/2 of the variance.  Where f stays the same at such steps they say nothing.
    """
    even = 0.5 * (twist * h)[:, -3:]
    finest = np.sqrt(np.mean(even * even, axis=1) / 1.5)
    return np.asarray(np.where((sigma > KINKED * finest) & ~flat[:, -3:].any(axis=1), finest, sigma))


def unseen_noise(slope: Array, value: Array, bound: Array, jitter: Array, h: Array, power: int) -> Array:
    """Noise (D, 1, m) that the five finest slopes need to agree with the extrapolated value; 0 if none.

    They may differ by the bound, and by what a coarser slope, the sixth, differs, times the ratio of the steps to the
    power of the step with which difference quotients err.
    """
    fine, reference = slice(-5, None), slice(-6, -5)
    # A quarter more than that, for the fourth powers and the noise of the sixth slope itself.
    curvature = 1.25 * np.abs(slope[:, reference] - value[:, None]) * (h[:, fine] / h[:, reference]) ** power
    gap = np.abs(slope[:, fine] - value[:, None]) - bound[:, None] - curvature
    excess = np.where(np.isfinite(gap), gap * h[:, fine], 0.0)
    return np.asarray(1.5 * np.max(np.where(excess > 2.0 * jitter[:, fine], excess, 0.0), axis=1, keepdims=True))


def steady(slope: Array, value: Array) -> Array:
    """Whether the five finest slopes differ far less from each other than from the value (D, 1, m).

    Then they are right, and coarser ones agreed by accident.
    """
    fine = slope[:, -5:]
    spread = np.max(fine, axis=1) - np.min(fine, axis=1)
    gap = np.min(np.abs(fine - value[:, None]), axis=1)
    return np.asarray((spread < gap / 8.0) & (fine != 0.0).any(axis=1))[:, None]


def hidden(slope: Array, flat: Array, size: Array, h: Array) -> Array:
    """What a rounding to float32 inside may hide at steps where f stays exactly the same, (D, K, m).

    The least slope seen at steps where f does move, times the step, unless float32 would have shown that much.
    """
    moving = np.where(flat | ~np.isfinite(slope), np.inf, np.abs(slope))
    hidden = np.min(moving, axis=1, keepdims=True) * h
    return np.where(flat & (hidden <= 4.0 * SINGLE * size), hidden, 0.0)


def diverges(slope: Array, size: Array, h: Array) -> Array:
    """Whether one-sided slopes (D, K, m) grow without end towards step 0: a jump or an infinite slope.

    Looks at the six finest differences above RESOLVED |f|: of one sign, each slope larger than the one before, and
    the growth per factor of the step not fading, as it does where a slope is reached.
    """
    ratio = h[:, :-1] / h[:, 1:]
    grows = slope[:, 1:] / slope[:, :-1] > ratio**STEEP
    if not (np.count_nonzero(grows, axis=1) >= 5).any():
        return np.zeros(slope.shape[::2], dtype=bool)
    seen = np.abs(slope) * h > RESOLVED * size
    rank = np.cumsum(seen[:, ::-1], axis=1)[:, ::-1]
    among = seen[:, 1:] & seen[:, :-1] & (rank[:, :-1] <= 6)
    growth = np.abs(slope[:, 1:] - slope[:, :-1]) / np.log(ratio)
    lasts = growth[:, 1:] > 0.8 * growth[:, :-1]
    steady = np.all(lasts | ~(among[:, 1:] & among[:, :-1]), axis=1) & np.all(grows | ~among, axis=1)
    return np.asarray(steady & (np.count_nonzero(among, axis=1) == 5))
