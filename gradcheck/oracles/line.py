"""What is seen of a function along lines through a point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradcheck.oracles.steps import Lattice
from gradcheck.records import Array

Function = Callable[[Array], Array]

PAIRS, SINGLES = 14, 24
"""How many steps are looked at: both ways, or one way only."""


class Line:
    """All that was seen along the lines: steps (D, K) and values (D, K, m) on one side or both."""

    def __init__(
        self,
        f: Function,
        x: Array,
        directions: Array,
        centre: Array,
        lattice: Lattice,
        grid: np.dtype[np.generic] | None,
        limit: Array,
        first: Array,
        two_sided: bool,
        capacity: int = 0,
    ) -> None:
        """Nothing is evaluated yet.  centre: f(x), (m,).  limit, first: (D,), longest and first step."""
        self.f, self.x, self.directions, self.centre = f, x, directions, centre
        self.lattice, self.grid, self.limit, self.first, self.two_sided = lattice, grid, limit, first, two_sided
        self.count = 0
        capacity = capacity or (PAIRS if two_sided else SINGLES)
        self._steps = np.empty((len(directions), capacity))
        # Sides of the line after the directions: towards +t and, if both are looked at, -t.
        self._values = np.empty((len(directions), 2 if two_sided else 1, capacity, centre.size))

    @property
    def steps(self) -> Array:
        """Steps in the order in which they were taken, (D, K)."""
        return self._steps[:, : self.count]

    @property
    def up(self) -> Array:
        """The values at +t, (D, K, m)."""
        return self._values[:, 0, : self.count]

    @property
    def down(self) -> Array | None:
        """The values at -t, or None on one side."""
        return self._values[:, 1, : self.count] if self.two_sided else None

    def look(self, steps: Array) -> None:
        """Evaluate at +-steps (D, k), rounded to what is representable, and remember."""
        steps = self.lattice.round(np.minimum(steps, self.limit[:, None]))
        span = slice(self.count, self.count + steps.shape[1])
        self._steps[:, span] = steps
        self._values[:, 0, span] = self.values(steps)
        if self.two_sided:
            self._values[:, 1, span] = self.values(-steps)
        self.count = span.stop

    def part(self, rows: Array) -> Line:
        """Some of the directions, with what was seen along them."""
        line = self._begun(rows, self.directions[rows], self.two_sided)
        line.count = self.count
        line._steps[:], line._values[:] = self._steps[rows], self._values[rows]
        return line

    def half(self, rows: Array, sign: Array) -> Line:
        """Some of the directions, turned by their sign, to be followed one way; nothing is remembered."""
        return self._begun(rows, self.directions[rows] * sign[:, None], False)

    def _begun(self, rows: Array, directions: Array, two_sided: bool) -> Line:
        place = self.lattice.part(rows)
        limit, first = self.limit[rows], self.first[rows]
        return Line(self.f, self.x, directions, self.centre, place, self.grid, limit, first, two_sided)

    def values(self, steps: Array) -> Array:
        """f at x + steps d, (D, k) -> (D, k, m)."""
        points = self.x + steps[:, :, None] * self.directions[:, None, :]
        if self.grid is not None:
            points = points.astype(self.grid).astype(np.float64)
        f, out = self.f, np.empty((steps.size, self.centre.size))
        for row, point in zip(out, points.reshape(steps.size, -1), strict=True):
            row[:] = f(point)
        return out.reshape(*steps.shape, self.centre.size)
