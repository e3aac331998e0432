"""Numbers of the set in which an argument lives: any array is brought into it, and sets with structure are drawn from.

Arrays are handled *wide*, in float64 or complex128, and rounded to the dtype of the leaf at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.claim import Kind, Set
from gradcheck.flat import largest
from gradcheck.records import Array

INSIDE = 2.0**-10
"""A number at an end that is not in the set moves inwards by this, times the width: near the pole, not at it."""

STRUCTURED = (Kind.POSITIVE_DEFINITE, Kind.SIMPLEX)
"""Sets that an array cannot be brought into without losing what was special in it: they are drawn from instead."""


def wide(leaf: Any) -> Array:
    """A float64 or complex128 copy of a leaf, at least of the leaf's own shape."""
    array = np.asarray(leaf)
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def settle(values: Array, leaf: Any, within: Set) -> Any:
    """The nearest of kin of ``values`` in the set, with the shape, dtype and Python type of ``leaf``."""
    model = np.asarray(leaf)
    values = values.reshape(model.shape)
    if within.kind is Kind.SYMMETRIC:
        values = _mirror(values, _hermitian(model))
    if within.kind is Kind.REALS and values.dtype.kind != "c":
        values = fold(values, within)
    top = largest(model.dtype)
    if values.dtype.kind == "c":
        values = np.clip(values.real, -top, top) + 1j * np.clip(values.imag, -top, top)
    else:
        values = np.clip(values, -top, top)
    with np.errstate(under="ignore"):
        array = np.asarray(values.astype(model.dtype))
    if within.kind is Kind.REALS and array.dtype.kind != "c":
        array = _inwards(array, within)
    if isinstance(leaf, np.ndarray):
        return array
    return array[()] if isinstance(leaf, np.generic) else array.item()


def fold(values: Array, within: Set) -> Array:
    """Reflect numbers at the ends of the interval until they lie in it; from an open end, a little inwards."""
    low, high = within.low, within.high
    width = high - low
    if np.isfinite(low) and np.isfinite(high):
        away = np.mod(values - low, 2 * width)
        reflected = np.clip(low + np.minimum(away, 2 * width - away), low, high)
    elif np.isfinite(low):
        reflected, width = low + np.abs(values - low), 1.0
    elif np.isfinite(high):
        reflected, width = high - np.abs(high - values), 1.0
    else:
        return values
    folded = np.where((values >= low) & (values <= high), values, reflected)
    if not within.closed:
        folded = np.where(folded <= low, low + width * INSIDE, folded)
        folded = np.where(folded >= high, high - width * INSIDE, folded)
    return folded


def contains(array: Array, within: Set) -> Array:
    """Entry by entry, whether real numbers lie in the interval of the set."""
    values = array.astype(np.float64)
    if within.closed:
        return (values >= within.low) & (values <= within.high)
    return (values > within.low) & (values < within.high)


def _inwards(array: Array, within: Set) -> Array:
    """Undo the rounding to a narrow dtype where it left the interval: underflow to 0 in (0, 1), for instance."""
    for _ in range(2):  # one step undoes one rounding; the second leaves an open end that the first may have reached
        outside = ~contains(array, within)
        if not outside.any():
            break
        below = array.astype(np.float64) <= within.low
        ends = np.where(below, largest(array.dtype), -largest(array.dtype)).astype(array.dtype)
        array = np.asarray(np.where(outside, np.nextafter(array, ends), array))
    return array


def draw(leaf: Any, within: Set, rng: np.random.Generator) -> Array:
    """A fresh wide array of a structured set, of the leaf's shape.

    POSITIVE_DEFINITE: s (B B^H / n + I / 4), of condition number about 20, with a scale s from [0.3, 3].
    SIMPLEX: positive numbers divided by their sum; exponential ones are uniform on it, their squares more uneven.
    """
    model = wide(leaf)
    if within.kind is Kind.SIMPLEX:
        mass = rng.exponential(size=model.shape) ** rng.integers(1, 3) + INSIDE
        return np.asarray(mass / mass.sum(axis=-1, keepdims=True))
    n = model.shape[-1]
    b = rng.standard_normal(model.shape)
    if model.dtype.kind == "c":
        b = b + 1j * rng.standard_normal(model.shape)
    drawn = (b @ np.conj(np.swapaxes(b, -1, -2)) / n + np.eye(n) / 4) * 10.0 ** rng.uniform(-0.5, 0.5)
    return _mirror(drawn, True)


def _hermitian(model: Array) -> bool:
    return model.dtype.kind == "c" and bool(np.array_equal(model, np.conj(np.swapaxes(model, -1, -2))))


def _mirror(matrix: Array, hermitian: bool) -> Array:
    """The lower triangle copied onto the upper one: unlike a mean with the transpose, this keeps zeros and ties."""
    lower = np.tri(matrix.shape[-1], dtype=bool)
    other = np.swapaxes(matrix, -1, -2)
    if hermitian and matrix.dtype.kind == "c":
        mirrored = np.where(lower, matrix, np.conj(other))
        return np.where(np.eye(matrix.shape[-1], dtype=bool), mirrored.real, mirrored)
    return np.where(lower, matrix, other)
