"""Means of slopes, exactly: whether an answer at a kink lies in Clarke's generalised gradient of a piecewise smooth function.

Source: Clarke, Optimization and Nonsmooth Analysis (1983), theorem 2.5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import fmpq

from gradcheck.proofs.cells import Form, feasible


def in_hull(point: Sequence[fmpq], rows: Sequence[Sequence[fmpq]]) -> bool:
    """Whether a point is a mean of the rows, exactly."""
    count = len(rows)
    conditions: list[tuple[Form, int]] = [(tuple(Fraction(i == k) for i in range(count + 1)), 2) for k in range(count)]
    conditions.append(((*(Fraction(1),) * count, Fraction(-1)), 0))
    for k, value in enumerate(point):
        conditions.append(((*(_plain(row[k]) for row in rows), -_plain(value)), 0))
    return feasible(conditions, count) is not None


def _plain(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))
