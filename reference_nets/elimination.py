"""The Jacobian by eliminating the inner vertices of a linear graph, one after the other, in any order.

To eliminate vertex j is to lay an edge past it for every pair of an edge into it and an edge out of it,

    c_ik <- c_ik + c_ij c_jk        for every successor i and every predecessor k of j,

and to take j away.  No sum over paths from a vertex that stays to a vertex that stays is changed by this: the paths
through j are exactly those that the new edges stand for.  When only the independent and the dependent variables are
left, every path is one edge and c is the Jacobian.

Every order gives the same Jacobian, but not at the same price: j costs predecessors x successors multiplications.
First to last is forward mode (with one tangent for each independent variable), last to first is reverse mode, and to
find the cheapest order is NP-complete.

Sources: A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed. (2008), section 9.2; U. Naumann, Optimal Jacobian
accumulation is NP-complete, Mathematical Programming 112 (2008) 427-441.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reference_nets.generic import Value
from reference_nets.graph import GraphError
from reference_nets.path_sums import LinearGraph


class Elimination(NamedTuple):
    """The edges that are left, and what they cost."""

    rows: dict[int, dict[int, Value]]
    """rows[i][k] = d v_i / d v_k; where there is no entry the derivative is 0, for want of a path."""
    multiplications: int


def eliminate(linear: LinearGraph, order: Iterable[int]) -> Elimination:
    """Eliminate the vertices ``order``, in this order; those not named stay."""
    rows = {i: dict(row) for i, row in enumerate(linear.rows)}
    readers: dict[int, set[int]] = {i: set() for i in rows}
    for i, row in rows.items():
        for j in row:
            readers[j].add(i)
    multiplications = 0
    for j in order:
        if j not in rows:
            raise GraphError(f"there is no vertex {j} to eliminate: it never was, or is eliminated already")
        into = rows.pop(j)
        for i in readers.pop(j):
            through = rows[i].pop(j)
            for k, partial in into.items():
                product = through * partial
                rows[i][k] = rows[i][k] + product if k in rows[i] else product
                readers[k].add(i)
                multiplications += 1
        for k in into:
            readers[k].discard(j)
    return Elimination(rows, multiplications)
