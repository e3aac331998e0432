"""What may be special about the values of one leaf.

An edit maps a flat wide vector to a new one, or to None where it cannot apply.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradcheck.records import Array
from gradcheck.strategies.directions import signs

Edit = Callable[[Array, np.random.Generator], Array | None]

EDGES = (-8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 4.3)
"""Exponents that bound the strata of a sweep: decades, halved from 0.1 to 1000, where most thresholds lie.

They end at 10^4.3 = 19953, which float16 still holds."""

CELLS = 2 * (len(EDGES) - 1)
"""Strata of a sweep, each in both signs."""

EXTREMES = (20.0, 100.0, 800.0, 6.0, 300.0, 1e4, 60.0, 12.0, 30.0, 3.0)
"""tanh is 1 in float64 from 19.1, exp overflows float32 from 88.7 and float64 from 709.8; most telling first."""


def normal(v: Array, rng: np.random.Generator) -> Array:
    """A standard normal draw, complex where the vector is."""
    drawn: Array = rng.standard_normal(v.size)
    return drawn + 1j * rng.standard_normal(v.size) if v.dtype.kind == "c" else drawn


def around(v: Array, rng: np.random.Generator) -> Array:
    """Every entry moved by about 0.3, relatively and absolutely."""
    return v * (1 + 0.3 * rng.standard_normal(v.size)) + 0.3 * normal(v, rng)


def within(by: float) -> Edit:
    """Every entry moved by about ``by`` of its size, and zeros by ``by``."""
    return lambda v, rng: v + by * rng.standard_normal(v.size) * np.where(v == 0, 1.0, np.abs(v))


def around_with_zero(v: Array, rng: np.random.Generator) -> Array:
    """The same, and one entry set to 0."""
    new = around(v, rng)
    if new.size:
        new[rng.integers(new.size)] = 0.0
    return new


def put(value: float, count: int | None = 1) -> Edit:
    """``count`` random entries set to ``value``; None: all of them.  Not applicable to a vector with fewer entries."""

    def edit(v: Array, rng: np.random.Generator) -> Array | None:
        if count is None:
            return np.full_like(v, value)
        if v.size < count:
            return None
        new = v.copy()
        new[rng.choice(v.size, count, replace=False)] = value
        return new

    return edit


def put_half(value: float) -> Edit:
    """Half of the entries set to plus or minus ``value``."""

    def edit(v: Array, rng: np.random.Generator) -> Array | None:
        if v.size < 2:
            return None
        new = v.copy()
        chosen = rng.choice(v.size, v.size // 2, replace=False)
        new[chosen] = value * signs(chosen.size, rng)
        return new

    return edit


def band(low: float, high: float, sign: float = 0.0) -> Edit:
    """Magnitudes 10^u, u uniform in [low, high], of random signs; a ``sign`` other than 0 is the first entry's."""

    def edit(v: Array, rng: np.random.Generator) -> Array:
        direction = signs(v.size, rng)
        if sign and v.size:
            direction = direction * direction[0] * sign
        return np.asarray(phase(v, rng) * direction * 10.0 ** rng.uniform(low, high, v.size))

    return edit


def phase(v: Array, rng: np.random.Generator) -> Array:
    """Ones; for a complex vector, unit numbers on the axes, the diagonals and between them."""
    if v.dtype.kind != "c":
        return np.ones(v.size)
    return np.asarray(np.exp(0.125j * np.pi * rng.integers(0, 16, v.size)))


class Deck:
    """The strata of one leaf's sweep in random order: each is visited once before any is visited again."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.cells: list[int] = []

    def deal(self, v: Array) -> Array:
        """A vector like ``v`` with one stratum, drawn in its inside, for each entry."""
        while len(self.cells) < v.size:
            self.cells += self.rng.permutation(CELLS).tolist()
        taken, self.cells = np.array(self.cells[: v.size], dtype=int), self.cells[v.size :]
        low, high = np.array(EDGES)[taken // 2], np.array(EDGES)[taken // 2 + 1]
        exponents = low + (high - low) * self.rng.uniform(
            0.02, 0.98, v.size
        )  # inside: rounding must not change the decade
        return np.asarray(phase(v, self.rng) * (1.0 - 2.0 * (taken % 2)) * 10.0**exponents)


def _tie(v: Array, rng: np.random.Generator) -> Array | None:
    if v.size < 2:
        return None
    first, second = rng.choice(v.size, 2, replace=False)
    new = v.copy()
    # The largest entry is tied in one case of two: selection by maximum looks at no other.
    source = int(np.argmax(v.real)) if rng.integers(2) else first
    new[second if source != second else first] = v[source]
    return new


def _several(function: Edit) -> Edit:
    return lambda v, rng: function(v, rng) if v.size > 1 else None


KINDS: tuple[tuple[str, Edit], ...] = (
    ("one zero", put(0.0)),
    ("a tie", _tie),
    ("all zeros", put(0.0, None)),
    ("all signs flipped", lambda v, rng: -v),
    ("two zeros", put(0.0, 2)),
    ("all equal", _several(lambda v, rng: np.full_like(v, v[rng.integers(v.size)]))),
    ("random signs", lambda v, rng: np.abs(v) * phase(v, rng) * signs(v.size, rng)),
    ("permuted", _several(lambda v, rng: rng.permutation(v))),
    ("a normal draw", normal),
    ("ones", put(1.0, None)),
    ("one -0.0", put(-0.0)),
    ("sorted", _several(lambda v, rng: np.sort(v))),
    ("all about 1e-20", lambda v, rng: v * 1e-20),
    ("one of 1e-20", put(1e-20)),
    ("re-drawn around the given values", around),
    ("all -0.0", put(-0.0, None)),
    ("one 1", put(1.0)),
    ("sorted downwards", _several(lambda v, rng: np.sort(v)[::-1].copy())),
)
"""Name and edit, most telling first."""


def _rows(v: Array, shape: tuple[int, ...]) -> Array:
    """A copy as a stack of matrices."""
    return v.reshape(-1, *shape[-2:]).copy()


def repeat_row(shape: tuple[int, ...]) -> Edit:
    """One row of each matrix made equal to another: singular if square, and with rows to tie."""

    def edit(v: Array, rng: np.random.Generator) -> Array | None:
        if shape[-2] < 2:
            return None
        new = _rows(v, shape)
        first, second = rng.choice(shape[-2], 2, replace=False)
        new[:, second] = new[:, first]
        return new.reshape(-1)

    return edit


def repeat_column(shape: tuple[int, ...]) -> Edit:
    """One column of each matrix made equal to another."""

    def edit(v: Array, rng: np.random.Generator) -> Array | None:
        if shape[-1] < 2:
            return None
        new = _rows(v, shape)
        first, second = rng.choice(shape[-1], 2, replace=False)
        new[:, :, second] = new[:, :, first]
        return new.reshape(-1)

    return edit


def clear_row(shape: tuple[int, ...]) -> Edit:
    """One row of each matrix set to zero: a group that is all zeros beside groups that are not."""

    def edit(v: Array, rng: np.random.Generator) -> Array | None:
        new = _rows(v, shape)
        new[:, rng.integers(shape[-2])] = 0
        return new.reshape(-1)

    return edit


def identity(shape: tuple[int, ...]) -> Edit:
    """The identity, or its upper left part: orthogonal, with equal singular values."""
    return lambda v, rng: np.broadcast_to(np.eye(shape[-2], shape[-1]), shape).astype(v.dtype).reshape(-1)


def mirrored(shape: tuple[int, ...]) -> Edit:
    """A symmetric matrix, where it is square."""

    def edit(v: Array, rng: np.random.Generator) -> Array | None:
        if shape[-2] != shape[-1] or shape[-1] < 2:
            return None
        new = _rows(v, shape)
        return np.asarray((new + np.swapaxes(new, -1, -2)) / 2).reshape(-1)

    return edit


MATRICES: tuple[tuple[str, Callable[[tuple[int, ...]], Edit]], ...] = (
    ("two equal rows", repeat_row),
    ("one row of zeros", clear_row),
    ("the identity", identity),
    ("two equal columns", repeat_column),
    ("a symmetric matrix", mirrored),
)
"""Name and edit of arrays with two axes or more, most telling first; each takes the shape."""
