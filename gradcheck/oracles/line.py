"""What is seen of a function along lines through a point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradcheck.oracles.steps import Lattice
from gradcheck.records import Array

Function = Callable[[Array], Array]


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
    ) -> None:
        """Nothing is evaluated yet.  centre: f(x), (m,).  limit, first: (D,), longest and first step."""
        self.f, self.x, self.directions, self.centre = f, x, directions, centre
        self.lattice, self.grid, self.limit, self.first, self.two_sided = lattice, grid, limit, first, two_sided
        self.steps = np.empty((len(directions), 0))
        self.up = self.down = np.empty((len(directions), 0, centre.size))

    @property
    def below(self) -> Array | None:
        """The values at -t, or None on one side."""
        return self.down if self.two_sided else None

    def look(self, steps: Array, room: float = 1.0) -> None:
        """Evaluate at +-steps (D, k), rounded to what is representable, and remember."""
        steps = self.lattice.round(np.minimum(steps, self.limit[:, None]), room)
        up = self.values(steps)
        self.steps = np.concatenate([self.steps, steps], axis=1)
        self.up = np.concatenate([self.up, up], axis=1)
        if self.two_sided:
            self.down = np.concatenate([self.down, self.values(-steps)], axis=1)

    def part(self, rows: Array) -> Line:
        """Some of the directions, with what was seen along them."""
        lattice = self.lattice.part(rows)
        line = Line(
            self.f,
            self.x,
            self.directions[rows],
            self.centre,
            lattice,
            self.grid,
            self.limit[rows],
            self.first[rows],
            self.two_sided,
        )
        line.steps, line.up, line.down = self.steps[rows], self.up[rows], self.down[rows]
        return line

    def half(self, rows: Array, sign: Array) -> Line:
        """Some of the directions, turned by their sign, to be followed one way; nothing is remembered."""
        line = self.part(rows)
        line.directions = line.directions * sign[:, None]
        line.two_sided = False
        line.steps, line.up = line.steps[:, :0], line.up[:, :0]
        return line

    def values(self, steps: Array) -> Array:
        """f at x + steps d, (D, k) -> (D, k, m)."""
        points = self.x + steps[:, :, None] * self.directions[:, None, :]
        if self.grid is not None:
            points = points.astype(self.grid).astype(np.float64)
        out = np.empty((steps.size, self.centre.size))
        for row, point in zip(out, points.reshape(-1, self.x.size), strict=True):
            row[:] = self.f(point)
        return out.reshape(*steps.shape, self.centre.size)
