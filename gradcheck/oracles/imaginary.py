"""Whole Jacobians from one imaginary step per direction, and how they are corroborated.

Im f(x + i h d) / h with h^2 far below one roundoff (Squire and Trapp 1998) has no truncation and no cancellation, so a single evaluation
gives a slope to about the rounding of f itself.  It is right only where f is evaluated analytically, which one evaluation cannot show:
a Jacobian is believed only after a real difference along a generic direction has confirmed the sum it predicts.
``complex_step`` is the oracle that bounds each entry by itself, at some thirty times the cost.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from gradcheck.oracles.analytic import Analytic
from gradcheck.oracles.steps import first_step
from gradcheck.records import Array

STEP = 2.0**-100
"""Imaginary step relative to the size of x: its square is far below one ulp, and itself far above underflow."""

SMALLEST = 2.0**-900
"""Below this a step of 2^-100 would run out of exponents; 2^-60, whose square is below one ulp too, does then."""

NOTHING = 2.0**-1000
"""Smaller numbers count as 0: a step inside them has no digits left for the slope (the least normal number is 2^-1022)."""


def slopes(f: Callable[[Array], Array], x: Array, directions: Array, m: int) -> Array | None:
    """Im f(x + i h d) / h for directions (D, n): (D, m), or None where f rejects complex numbers or is not finite.

    f takes complex (n,) and gives (m,) numbers; a real answer means that nothing was carried along, unless m is 0.
    """
    out = np.empty((len(directions), m))
    first = first_step(x, directions)
    steps = np.where(STEP * first < SMALLEST, np.maximum(2.0**-60 * first, NOTHING), STEP * first)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            # A cast that drops imaginary parts is a warning of NumPy, and here a refusal.
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            for row, d, h in zip(out, directions, steps, strict=True):
                value = np.asarray(f(x + 1j * (h * d)))
                if value.size != m or (value.dtype.kind != "c" and m):
                    return None
                row[:] = value.imag / h
    except Exception:  # whatever f raises on complex input means that it rejects it
        return None
    return out if np.all(np.isfinite(out)) else None


def as_analytic(array: Array) -> Analytic:
    """The complex array as one that keeps to the branch of its real part."""
    return array.view(Analytic)


def sizes(x: Array, rows: Array) -> Array:
    """Size of the coordinates that each row moves, (D,): the largest |x_i|; where that is 0, the geometric mean elsewhere or 1."""
    each = np.max(np.where(rows != 0.0, np.abs(x), 0.0), axis=1, initial=0.0)
    used = each > NOTHING
    mean = float(np.exp(np.mean(np.log(each[used])))) if used.any() else 1.0
    return np.where(used, each, mean)
