"""How the truth itself moves: under changes of inputs by a roundoff, and across directions where it is not linear."""

from __future__ import annotations

import numpy as np

from gradcheck.engine.forward import Forward
from gradcheck.engine.judge import Truth
from gradcheck.engine.screen import jacobian
from gradcheck.engine.truth import truth
from gradcheck.records import Array, Local

PROBED = 2.0**-20
"""Relative change of inputs that shows the truth's conditioning: large against an oracle's bound, small against curvature."""


def movement(
    owner: Forward,
    x: Array,
    g: Array,
    rows: Array,
    known: Truth,
    error: Array,
    u: float,
    rng: np.random.Generator,
) -> Array:
    """k: three times the largest movement of the truth (D,) under changes of inputs and cotangent by a roundoff.

    ``error`` is what is to be excused: draws end where they cannot.
    """
    if owner.confirmed:
        return imaginary_movement(owner, x, g, rows, known, u, rng)
    k = np.zeros(len(rows))
    # True roundoffs, which may change everything; and changes well above the noise of differences, scaled down.
    for draw, eta in enumerate((2 * u, max(u, PROBED)) * 3):
        moved = x * (1 + eta * rng.choice((-1.0, 1.0), size=x.size))
        turned = g * (1 + eta * rng.choice((-1.0, 1.0), size=g.size))
        t = truth(owner.with_constants_moved(eta, rng), moved, turned, rows)
        change = np.abs(t.value - known.value)
        change = change * (u / eta) if eta > 2 * u else np.maximum(change - t.bound - known.bound, 0.0)
        k = np.maximum(k, np.where(np.isfinite(change) & (t.kind != Local.OUTSIDE), change, 0.0))
        if eta == 2 * u:  # a roundoff away there is no derivative at all: what is here has no digit of its own
            k = np.where((t.kind == Local.OUTSIDE) & (known.kind != Local.OUTSIDE), np.inf, k)
        # Draws of random signs differ by far less than a hundred: then the other five cannot excuse the error.
        if draw > 1 and np.all(~np.isfinite(error) | (error > 300 * k)):
            break
    return 3 * k


def imaginary_movement(
    owner: Forward, x: Array, g: Array, rows: Array, known: Truth, u: float, rng: np.random.Generator
) -> Array:
    """k: three times the largest movement of the truth in six draws, under changes of inputs and cotangent by one roundoff.

    An imaginary step has no noise of its own but its rounding, so the changes need not be larger than those that are meant.
    """
    most = np.zeros(len(rows))
    for _ in range(6):
        moved = x * (1 + 2 * u * rng.choice((-1.0, 1.0), size=x.size))
        turned = g * (1 + u * rng.choice((-1.0, 1.0), size=g.size))
        each = jacobian(owner.with_constants_moved(u, rng), moved, rows)
        if each is not None:
            most = np.maximum(most, np.abs(each @ turned - known.value))
    return 3 * most
