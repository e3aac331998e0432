"""Slopes of Bessel functions.  Each comes from a recurrence; the form is chosen in which nothing cancels."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from reference_nets.rules._entrywise import Slope, alone, both
from reference_nets.rules._shapes import Array


def i1(x: Array) -> Array:
    """``(I_0 + I_2) / 2``, a sum of positive numbers (DLMF 10.29.1).

    Close to 0 the second is ``x^2/8 0F1(; 3; x^2/4)`` (DLMF 10.39.9); scipy's ``iv(2, x)`` is NaN for the smallest numbers.
    """
    far = np.abs(x) > 1e-4
    small = np.where(far, 0, x)
    square = small * small
    second = np.where(far, special.iv(2, np.where(far, x, 1)), square / 8 * special.hyp0f1(3, square / 4))
    slope: Array = special.i0(x) / 2 + second / 2  # the sum may leave the range where its half does not
    return slope


def _gap(x: Array) -> Array:
    """``e^-x (I_0(x) - I_1(x))`` for x >= 0: far out the two agree in almost all digits.

    As ``e^-x I_0(x) = 1F1(1/2; 1; -2x)`` (DLMF 10.39.5), it is minus the derivative of that function; far out its asymptotic
    series ``(2x)^(-3/2) (1 + 3/(8x) + O(x^-2)) / sqrt(pi)`` (DLMF 13.7.2), whose factors stay in range.
    """
    beyond = x > 1e8
    near, far = np.where(beyond, 1, x), np.where(beyond, x, 1)
    series = (1 + 0.375 / far) / (2 * math.sqrt(2 * math.pi)) / far / np.sqrt(far)
    return np.where(beyond, series, special.hyp1f1(1.5, 2, -2 * near))


def i0e(x: Array) -> Array:
    """``-sign(x) e^-|x| (I_0 - I_1)(|x|)``, and 0 at 0: the middle of the subdifferential."""
    slope: Array = -np.sign(x) * _gap(np.abs(x))
    return slope


def i1e(x: Array) -> Array:
    """``e^-|x| (I_0 - I_1 - I_1/x)(|x|)``, and 1/2 close to 0, where ``I_1`` is a subnormal number and has few digits."""
    away = np.abs(x)
    beyond = away > 2.0**-100  # within, the slope is 1/2 - x
    safe = np.where(beyond, away, 1)
    return np.where(beyond, _gap(safe) - special.i1e(safe) / safe, 0.5)


def _wave(order: int, x: Array) -> tuple[Array, Array]:
    """``J_n`` and ``Y_n`` for n = 0 or 1 and x from 100 on, by Hankel's expansion (DLMF 10.17.3, 10.17.4).

    The sine and cosine of the phase ``x - n pi/2 - pi/4`` come from those of x: in large x the difference would lose its digits.
    Eight bits of the input decide a zero of the result to 2^-8 only if the result has more: all is in float64.
    """
    x = x.astype(np.float64)
    term = p = np.ones_like(x)
    q = np.zeros_like(x)
    for k in range(1, 13):
        term = term * (4 * order**2 - (2 * k - 1) ** 2) / (8 * k) / x
        if k % 2:
            q = q + (-1) ** (k // 2) * term
        else:
            p = p + (-1) ** (k // 2) * term
    plus, minus = np.sin(x) + np.cos(x), np.sin(x) - np.cos(x)
    cosine, sine = (plus, minus) if order == 0 else (minus, -plus)
    size = 1 / np.sqrt(np.pi) / np.sqrt(x)
    return size * (p * cosine - q * sine), size * (p * sine + q * cosine)


def _parts(x: Array) -> tuple[Array, Array, Array]:
    """Where ``|x| > 100``; x where not; and ``|x|`` there: each with a harmless number elsewhere."""
    beyond = np.abs(x) > 100
    return beyond, np.where(beyond, 1, x), np.where(beyond, np.abs(x), 101)


def j0(x: Array) -> Array:
    """``-J_1`` (DLMF 10.6.3), which is odd."""
    beyond, near, far = _parts(x)
    return -np.where(beyond, np.sign(x) * _wave(1, far)[0], special.j1(near))


def j1(x: Array) -> Array:
    """``(J_0 - J_2) / 2`` (DLMF 10.6.1), far out ``J_0 - J_1 / x`` (10.6.2), which is even."""
    beyond, near, far = _parts(x)
    return np.where(beyond, _wave(0, far)[0] - _wave(1, far)[0] / far, (special.j0(near) - special.jn(2, near)) / 2)


def y0(x: Array) -> Array:
    """``-Y_1`` (DLMF 10.6.3)."""
    beyond, near, far = _parts(x)
    return -np.where(beyond, _wave(1, far)[1], special.y1(near))


def y1(x: Array) -> Array:
    """``(Y_0 - Y_2) / 2`` (DLMF 10.6.1), far out ``Y_0 - Y_1 / x`` (10.6.2)."""
    beyond, near, far = _parts(x)
    return np.where(beyond, _wave(0, far)[1] - _wave(1, far)[1] / far, (special.y0(near) - special.yn(2, near)) / 2)


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
