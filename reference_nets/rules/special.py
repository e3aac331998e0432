"""Partial derivatives of error functions and of the functions around gamma."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from reference_nets.rules._entrywise import Partials, Slope, alone, both
from reference_nets.rules._shapes import Array

ROOT_PI = math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2 * math.pi)


def erf(x: Array) -> Array:
    """``2/sqrt(pi) e^(-x^2)``."""
    with np.errstate(over="ignore"):  # where the square leaves the range, e^-inf is the right 0
        slope: Array = 2 / ROOT_PI * np.exp(-x * x)
    return slope


def erfc(x: Array) -> Array:
    """Minus that of ``erf``."""
    return -erf(x)


def erfcx(x: Array) -> Array:
    """``2 x erfcx x - 2/sqrt(pi)``, whose two terms cancel far to the right.

    There it is ``-erfcx(x) / (x + 1/(x + (3/2)/(x + 2/(x + ...))))``, the quotient of the first two repeated integrals
    of erfc (DLMF 7.22.3 and its continued fraction): no difference.  80 terms are enough from x = 1.5 on.
    """
    far = np.maximum(x, 1.5)
    fraction = far
    for k in range(80, 1, -1):
        fraction = far + (k / 2) / fraction
    return np.where(x > 1.5, -special.erfcx(far) / fraction, 2 * x * special.erfcx(x) - 2 / ROOT_PI)


def erfinv(x: Array) -> Array:
    """One over the slope of ``erf`` at y."""
    y = special.erfinv(x)
    slope: Array = ROOT_PI / 2 * np.exp(y * y)
    return slope


def ndtr(x: Array) -> Array:
    """The normal density."""
    with np.errstate(over="ignore"):  # as in erf
        slope: Array = np.exp(-x * x / 2) / ROOT_TWO_PI
    return slope


def log_ndtr(x: Array) -> Array:
    """``phi / Phi``; left of 0, where both vanish, as ``sqrt(2/pi) / erfcx(-x / sqrt 2)``, which overflows right of it."""
    left, right = np.minimum(x, 0), np.maximum(x, 0)
    quotient = math.sqrt(2 / math.pi) / special.erfcx(-left / math.sqrt(2))
    return np.where(x > 0, ndtr(right) / special.ndtr(right), quotient)


def ndtri(x: Array) -> Array:
    """One over the normal density at y."""
    y = special.ndtri(x)
    slope: Array = ROOT_TWO_PI * np.exp(y * y / 2)
    return slope


def logit(x: Array) -> Array:
    """``1 / (x (1 - x))``, one factor after the other."""
    slope: Array = 1 / x / (1 - x)
    return slope


def digamma(x: Array) -> Array:
    """``zeta(2, x)``; left of 0 by the reflection ``pi^2 / sin^2(pi x) - zeta(2, 1 - x)`` (DLMF 5.15.6)."""
    right = x > 0
    sine = np.sin(np.pi * np.where(right, 0.5, x - np.rint(x)))  # exact, and the square has period 1
    reflected = (np.pi / sine) ** 2 - special.zeta(2.0, np.where(right, 1, 1 - x))
    return np.where(right, special.zeta(2.0, np.where(right, x, 1)), reflected)


def trigamma(x: Array) -> Array:
    """``-2 zeta(3, x)``."""
    slope: Array = -2 * special.zeta(3.0, x)
    return slope


def _digamma_difference(a: Array, b: Array) -> Array:
    """``digamma(a + b) - digamma(a)`` for positive a and b, without cancellation for b small next to a.

    One step of the recurrence (DLMF 5.5.2) leads to arguments above 1.  From there, for b up to a, the Taylor series about the
    middle m has only odd terms, ``2 (b/2)^k zeta(k + 1, m)``; their quotients tend to ``(b/2 / m)^2``, a ninth at the most.
    """
    step = b / (a + b) / a
    a = a + 1
    near = b <= a
    half = np.where(near, b, 0) / 2
    middle = a + half
    series = sum(2 * half**k * special.zeta(k + 1.0, middle) for k in range(1, 36, 2))
    far = special.digamma(a + b) - special.digamma(a)
    difference: Array = step + np.where(near, series, far)
    return difference


def betaln(x: Array, y: Array) -> tuple[Array, Array]:
    """``(digamma(x) - digamma(x + y)) dx``, and the same for y."""
    a, b = x.astype(np.float64), y.astype(np.float64)  # powers up to the 35th leave the range of float32
    return -_digamma_difference(a, b), -_digamma_difference(b, a)


def gammainc(x: Array, *, a: float = 1.0) -> Array:
    """``x^(a-1) e^-x / gamma(a)``, by its logarithm; the power is 1 for a = 1, at x = 0, too."""
    slope: Array = np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))
    return slope


def gammaincc(x: Array, *, a: float = 1.0) -> Array:
    """Minus that of ``gammainc``: the two functions add up to one."""
    return -gammainc(x, a=a)


def hurwitz_zeta(x: Array, *, s: float = 2.0) -> Array:
    """``-s zeta(s + 1, x)``."""
    slope: Array = -s * special.zeta(s + 1, x)
    return slope


SLOPES: dict[str, Slope] = {
    "erf": erf,
    "erfc": erfc,
    "erfcx": erfcx,
    "erfinv": erfinv,
    "ndtr": ndtr,
    "log_ndtr": log_ndtr,
    "ndtri": ndtri,
    "logit": logit,
    "gammaln": special.digamma,
    "digamma": digamma,
    "trigamma": trigamma,
    "gammainc": gammainc,
    "gammaincc": gammaincc,
    "hurwitz_zeta": hurwitz_zeta,
}

PARTIALS: dict[str, Partials] = {**{name: alone(slope) for name, slope in SLOPES.items()}, "betaln": betaln}

RULES, JVPS = both(PARTIALS)
