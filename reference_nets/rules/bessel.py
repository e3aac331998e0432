"""Slopes of Bessel functions.  Each comes from a recurrence; the form is chosen in which nothing cancels."""

from __future__ import annotations

import numpy as np
from scipy import special

from reference_nets.rules._entrywise import Slope, alone, both
from reference_nets.rules._shapes import Array


def i1(x: Array) -> Array:
    """``(I_0 + I_2) / 2``, a sum of positive numbers (DLMF 10.29.1).

    Close to 0 the second is ``x^2/8``, to within ``x^4/96``; scipy's ``iv(2, x)`` is NaN for the smallest numbers.
    """
    far = np.abs(x) > 1e-4
    second = np.where(far, special.iv(2, np.where(far, x, 1)), x * x / 8)
    slope: Array = (special.i0(x) + second) / 2
    return slope


def _gap(x: Array) -> Array:
    """``e^-x (I_0(x) - I_1(x))`` for x >= 0: far out the two agree in almost all digits.

    As ``e^-x I_0(x) = 1F1(1/2; 1; -2x)`` (DLMF 10.39.5), it is minus the derivative of that function.
    """
    gap: Array = special.hyp1f1(1.5, 2, -2 * x)
    return gap


def i0e(x: Array) -> Array:
    """``-sign(x) e^-|x| (I_0 - I_1)(|x|)``, and 0 at 0: the middle of the subdifferential."""
    slope: Array = -np.sign(x) * _gap(np.abs(x))
    return slope


def i1e(x: Array) -> Array:
    """``e^-|x| (I_0 - I_1 - I_1/x)(|x|)``, and 1/2 at 0."""
    away = np.abs(x)
    safe = np.where(away > 0, away, 1)
    return np.where(away > 0, _gap(safe) - special.i1e(safe) / safe, 0.5)


def j0(x: Array) -> Array:
    """``-J_1`` (DLMF 10.6.3)."""
    slope: Array = -special.j1(x)
    return slope


def j1(x: Array) -> Array:
    """``(J_0 - J_2) / 2`` (DLMF 10.6.1)."""
    slope: Array = (special.j0(x) - special.jn(2, x)) / 2
    return slope


def y0(x: Array) -> Array:
    """``-Y_1`` (DLMF 10.6.3)."""
    slope: Array = -special.y1(x)
    return slope


def y1(x: Array) -> Array:
    """``(Y_0 - Y_2) / 2`` (DLMF 10.6.1)."""
    slope: Array = (special.y0(x) - special.yn(2, x)) / 2
    return slope


SLOPES: dict[str, Slope] = {
    "bessel_i0": special.i1,
    "bessel_i1": i1,
    "bessel_i0e": i0e,
    "bessel_i1e": i1e,
    "bessel_j0": j0,
    "bessel_j1": j1,
    "bessel_y0": y0,
    "bessel_y1": y1,
}

RULES, JVPS = both({name: alone(slope) for name, slope in SLOPES.items()})
