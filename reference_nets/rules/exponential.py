"""Partial derivatives of exponentials, logarithms and entropies."""

from __future__ import annotations

import math

import numpy as np

from reference_nets.rules._entrywise import Partials, Slope, alone, both
from reference_nets.rules._shapes import Array
from reference_nets.rules.activations import softplus_slope as sigmoid

LN2, LN10 = math.log(2.0), math.log(10.0)


def exp2(x: Array) -> Array:
    """``2^x ln 2``, as ``2^(x - 1)`` times ``2 ln 2``: the power may leave the range where the slope does not."""
    slope: Array = 2 * LN2 * np.exp2(x - 1)
    return slope


def log1p(x: Array) -> Array:
    """``1 / (1 + x)``."""
    slope: Array = 1 / (1 + x)
    return slope


def log2(x: Array) -> Array:
    """``1 / (x ln 2)``; divided one after the other, for the product may leave the range."""
    slope: Array = 1 / LN2 / x
    return slope


def log10(x: Array) -> Array:
    """``1 / (x ln 10)``."""
    slope: Array = 1 / LN10 / x
    return slope


def logaddexp(x: Array, y: Array) -> tuple[Array, Array]:
    """The sigmoid of the difference, either way: the two add up to one, and neither is got from the other."""
    return sigmoid(x - y), sigmoid(y - x)


def logaddexp2(x: Array, y: Array) -> tuple[Array, Array]:
    """The same in base two: ``2^x / (2^x + 2^y)``."""
    return sigmoid(LN2 * (x - y)), sigmoid(LN2 * (y - x))


def xlogy(x: Array, y: Array) -> tuple[Array, Array]:
    """``ln y dx + x/y dy``."""
    return np.log(y), x / y


def xlog1py(x: Array, y: Array) -> tuple[Array, Array]:
    """``ln(1 + y) dx + x/(1 + y) dy``."""
    return np.log1p(y), x / (1 + y)


def entr(x: Array) -> Array:
    """``-1 - ln x``."""
    slope: Array = -1 - np.log(x)
    return slope


def _log_ratio(x: Array, y: Array) -> Array:
    """``ln(x / y)``; close to 1 by ``log1p`` of the relative difference, which is exact there."""
    apart = (x - y) / y
    close = np.abs(apart) < 0.5
    return np.where(close, np.log1p(np.where(close, apart, 0)), np.log(x) - np.log(y))


def rel_entr(x: Array, y: Array) -> tuple[Array, Array]:
    """``(1 + ln(x / y)) dx - x/y dy``."""
    return 1 + _log_ratio(x, y), -x / y


def kl_div(x: Array, y: Array) -> tuple[Array, Array]:
    """``ln(x / y) dx + (1 - x/y) dy``, the second as a quotient of the difference."""
    return _log_ratio(x, y), (y - x) / y


def log1mexp(x: Array) -> Array:
    """``e^-x / (1 - e^-x)``."""
    slope: Array = np.exp(-x) / -np.expm1(-x)
    return slope


SLOPES: dict[str, Slope] = {
    "exp": np.exp,
    "exp2": exp2,
    "expm1": np.exp,
    "log1p": log1p,
    "log2": log2,
    "log10": log10,
    "entr": entr,
    "log1mexp": log1mexp,
}

PARTIALS: dict[str, Partials] = {
    **{name: alone(slope) for name, slope in SLOPES.items()},
    "logaddexp": logaddexp,
    "logaddexp2": logaddexp2,
    "xlogy": xlogy,
    "xlog1py": xlog1py,
    "rel_entr": rel_entr,
    "kl_div": kl_div,
}

RULES, _JVPS = both(PARTIALS)
# The forward of kl_div cancels for x close to y, and with it all that a difference could tell of a single tangent.
JVPS = {name: rule for name, rule in _JVPS.items() if name != "kl_div"}
