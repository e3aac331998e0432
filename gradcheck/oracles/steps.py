"""Where along a line to look: representable steps, and the length on which a function is tame.

The length R of a component is the step at which its first neglected Taylor terms would be as large as the kept ones.
It is found by comparing the odd and even parts of f(x + t d) at steps far apart: for a tame function they scale like t
and t^2, and what is left over tells R.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradcheck.records import Array

RATIO = 2.0**-9
"""Between scouting steps: coarse enough to cross nine decades with four, fine enough that a remainder of 1e-6 shows in
float64 after the division by RATIO^2."""

SINGLE = 2.0**-24
"""Roundoff of float32, which functions of float64 inputs may use inside."""

TAME = 0.25
"""A remainder above a quarter of the part itself means that the step is not inside the tame region."""


def first_step(x: Array, directions: Array) -> Array:
    """A quarter of the geometric mean of |x_i / d_i| over the entries that move and are not 0; else 1 / (4 max |d|)."""
    size, move = np.abs(x), np.abs(directions)
    used = (move > 0.0) & (size > 0.0)
    count = np.add.reduce(used, axis=1)
    logs = np.log(np.where(used, size, 1.0)) - np.log(np.where(used, move, 1.0))
    mean = np.exp(np.add.reduce(logs, axis=1) / np.maximum(count, 1))
    return 0.25 * np.where(count > 0, mean, unit_step(directions))


def unit_step(directions: Array) -> Array:
    """The step that moves the fastest entry by 1; 1 for a zero direction."""
    longest = np.maximum.reduce(np.abs(directions), axis=1, initial=0.0)
    return 1.0 / np.where(longest > 0.0, longest, 1.0)


@dataclass(frozen=True, slots=True)
class Lattice:
    """Rounds steps so that x + t d is representable, for directions whose nonzero entries have one magnitude.

    For other directions no step does that in general: the rounding of the argument is then part of the noise.
    """

    length: Array
    """(D,) that magnitude, 0 where the entries differ."""
    reach: Array
    """(D,) largest |x_i| among the entries that move."""
    dtype: np.dtype[np.generic]

    @classmethod
    def of(cls, x: Array, directions: Array, dtype: np.dtype[np.generic]) -> Lattice:
        """The lattice of a point and its directions (D, n)."""
        move = np.abs(directions)
        moved = move > 0.0
        longest = np.maximum.reduce(move, axis=1, initial=0.0)
        even = np.logical_and.reduce(~moved | (move == longest[:, None]), axis=1)
        reach = np.maximum.reduce(np.where(moved, np.abs(x), 0.0), axis=1, initial=0.0)
        return cls(np.where(even, longest, 0.0), reach, dtype)

    def part(self, rows: Array) -> Lattice:
        """The lattice of some of the directions."""
        return Lattice(self.length[rows], self.reach[rows], self.dtype)

    def round(self, steps: Array, room: float = 1.0) -> Array:
        """The nearest steps (D, K) for which x +- t d, and multiples up to ``room``, are exact; never 0."""
        length = self.length[:, None]
        even = length > 0.0
        unit = np.where(even, length, 1.0)
        moves = steps * unit
        spacing = np.spacing((self.reach[:, None] + room * moves).astype(self.dtype, copy=False))
        if spacing.dtype != np.float64:
            spacing = spacing.astype(np.float64)
        exact = np.maximum(np.rint(moves / spacing), 1.0) * spacing / unit
        return np.where(even & np.isfinite(exact), exact, steps)


@dataclass(frozen=True, slots=True)
class Scale:
    """What the scouting steps say about each direction; all (D,)."""

    length: Array
    """R, the least over the components that say something; four times the longest step if none does."""
    descend: Array
    """Whether some component is wild at every step: look closer."""
    blind: Array
    """Whether some component drowns in rounding at the longest step: look wider."""
    rough: Array
    """Whether a wild component moves at the smallest step as much as at the next, or not at all: noise, or a jump."""


def parts(up: Array, down: Array | None, centre: Array) -> Array:
    """Odd and even part of f(x + t d) - f(x), (2, D, K, m), or on one side the difference itself, (1, D, K, m).

    Their leading powers of t are 1 and 2.
    """
    if down is None:
        return np.asarray((up - centre)[None])
    out = np.empty((2, *up.shape))
    np.multiply(up - down, 0.5, out=out[0])
    np.add(0.5 * (up - centre), 0.5 * (down - centre), out=out[1])
    return out


def measure_scale(h: Array, up: Array, down: Array | None, centre: Array, roundoff: Array) -> Scale:
    """Estimate R from scouting steps h (D, K), K >= 2, in any order, with values up and down (D, K, m)."""
    if h.shape[1] > 2:
        order = np.argsort(-h, axis=1)
        rows = np.arange(len(h))[:, None]
        h, up = h[rows, order], up[rows, order]
        down = None if down is None else down[rows, order]
    size = np.maximum(np.abs(up), np.abs(centre))
    if down is not None:
        size = np.maximum(size, np.abs(down))
    noise = 4.0 * roundoff * size
    ratio = (h[:, 1:] / h[:, :-1])[:, :, None]
    both = parts(up, down, centre)
    shrink = np.stack([ratio, ratio * ratio])[: len(both)]
    rest_power = len(both)
    rest = np.abs(both[:, :, :-1] - both[:, :, 1:] / shrink) / (1.0 - shrink[-1])
    swell = noise[:, 1:] * (1.0 + 1.0 / shrink)
    kept = np.add.reduce(np.abs(both[:, :, :-1]))
    left = np.add.reduce(np.where(rest <= swell, 0.0, rest))
    # What overflows is wild, and no noise hides it.
    finite = kept < np.inf
    blind = (kept <= 4.0 * noise[:, :-1]) & finite
    tame = (left <= TAME * kept) & ~blind & finite
    coarse = h[:, :-1, None]
    # A remainder below 2^-12 is hardly resolved, and a longer step would gain nothing.
    grown = np.maximum(left / kept, 2.0**-12)
    length = np.where(tame, coarse / (np.sqrt(grown) if rest_power == 2 else grown), 0.0).max(axis=1)
    lost: Array = np.zeros(length.shape, dtype=bool)
    rough = any_wild = lost
    neither = ~(tame | blind)
    if neither.any():
        # Not tame, but by no more than the noise of float32 inside would make it, is not wild either.
        wild = neither & (~finite | np.logical_or.reduce(~(rest <= swell * (SINGLE / roundoff))))
        any_wild, any_tame = wild.any(axis=1), tame.any(axis=1)
        smallest_tame = np.where(tame, coarse, np.inf).min(axis=1)
        wall = np.where(wild & (coarse > smallest_tame[:, None]), coarse, np.inf).min(axis=1)
        last_wild = np.where(wild, coarse, np.inf).min(axis=1)
        length = np.where(any_tame, np.minimum(length, wall), np.where(any_wild, last_wild, np.inf))
        # A kink moves by 2^-9 of before on a step 2^-9 as long, an infinite slope like that of a square root by 2^-4.5.
        lost = ~any_tame & any_wild
        last, before = (np.add.reduce(np.abs(both[:, :, -k])) for k in (1, 2))
        rough = lost & ((last == 0.0) | (last > 2.0**-4 * before))
    else:
        length = np.where(length > 0.0, length, np.inf)
    known = length.min(axis=1, initial=np.inf)
    return Scale(
        length=np.where(np.isfinite(known), known, 4.0 * h[:, 0]),
        descend=np.any(lost, axis=1),
        blind=np.any(blind[:, 0] & ~any_wild, axis=1),
        rough=np.any(rough, axis=1),
    )
