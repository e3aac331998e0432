"""Directions to look along: cotangents of outputs and tangents of signs.

A direction from {-1, 1}^n weighs every entry alike, so that no single wrong entry can hide in it.  A cotangent is
neither all ones (a backward pass that ignores it would pass) nor of one sign (one that rectifies it would pass) nor
one-hot.
"""

from __future__ import annotations

import numpy as np

from gradcheck import trees
from gradcheck.records import Array

STEPS = 24
"""Magnitudes are 0.5 + k/16 for k = 0 ... 24: at most 6 significant bits (float16 holds 11, bfloat16 8)."""


def signs(n: int, rng: np.random.Generator) -> Array:
    """A random vector of n entries, each -1.0 or 1.0 (float64)."""
    return 2.0 * rng.integers(0, 2, n) - 1.0


def cotangent(outputs: tuple[Array, ...], rng: np.random.Generator) -> tuple[Array, ...]:
    """One array per output, of its shape: random signs times magnitudes in [0.5, 2], exact in the output's dtype.

    A complex output gets such real and imaginary parts.  An output that is not of floating point gets float64.
    """
    return tuple(_one(np.asarray(output), rng) for output in outputs)


def _one(output: Array, rng: np.random.Generator) -> Array:
    dtype = output.dtype if trees.is_float(output) else np.dtype(np.float64)
    values: Array = _signed(output.size, rng)
    if dtype.kind == "c":
        values = values + 1j * _signed(output.size, rng)
    return values.reshape(output.shape).astype(dtype)


def _signed(n: int, rng: np.random.Generator) -> Array:
    return signs(n, rng) * (0.5 + rng.integers(0, STEPS + 1, n) / 16.0)
