"""Selections by comparison, entry by entry with broadcasting."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.elementwise import BINARY, SWEEP, UNARY
from gradcheck.claim import Example, Kink, Operator, Witness
from gradcheck.records import Array

BOUNDED = (
    Example(((4,), (4,), (4,))),
    Example(((), (), ())),
    Example(((2, 3), (), (2, 1))),
    Example(((1,), (2, 1), (1, 3))),
    Example(((0, 3), (3,), (1, 1))),
    Example(((3,), (2, 3), ())),
)
"""Bounds of the array's own shape, scalar, along either axis, and larger than the array.  Any order: low may exceed high."""


def clip(x: Array, low: Array, high: Array) -> Array:
    """``x``, but no less than ``low``, and no more than ``high``, which comes last."""
    return np.minimum(np.maximum(x, low), high)


OPERATORS = (
    Operator(
        name="minimum",
        family="comparison",
        signature="(...),(...)->(...)",
        definition=np.minimum,
        examples=BINARY,
        formula="z = min(x, y)",
        citation="Clarke, Optimization and Nonsmooth Analysis, proposition 2.3.12",
        witnesses=(
            Witness((np.array([1.0, -2.0, 4.0]), np.array([0.5, -1.0, 4.0])), np.array([0.5, -2.0, 4.0]), "exact"),
        ),
        kinks=(Kink("x = y", "(t, 1 - t) with t in [0, 1]"),),
        special=SWEEP,
    ),
    Operator(
        name="clip",
        family="comparison",
        signature="(...),(...),(...)->(...)",
        definition=clip,
        examples=BOUNDED,
        formula="w = min(max(x, low), high)",
        citation="Clarke, Optimization and Nonsmooth Analysis, proposition 2.3.12",
        witnesses=(
            Witness((np.array([-2.0, 0.5, 4.0]), np.array(-1.0), np.array(1.0)), np.array([-1.0, 0.5, 1.0]), "exact"),
            Witness((np.array([0.5]), np.array([2.0]), np.array([-3.0])), np.array([-3.0]), "high comes last"),
        ),
        kinks=(Kink("x = low, x = high, low = high", "any convex combination of the tied unit vectors"),),
        special=SWEEP,
    ),
    Operator(
        name="sign",
        family="comparison",
        signature="(...)->(...)",
        definition=np.sign,
        examples=UNARY,
        formula="y = 1, 0 or -1 as x is positive, zero or negative",
        citation="Iverson, A Programming Language (1962), chapter 1",
        witnesses=(Witness((np.array([-2.5, 0.0, 3.0]),), np.array([-1.0, 0.0, 1.0]), "exact"),),
        kinks=(Kink("x = 0", "nothing is claimed: the function jumps there"),),
        special=(1.0, -1.0, 1e-8, -1e-8, 1e4, -1e4, 1e20),
    ),
)
