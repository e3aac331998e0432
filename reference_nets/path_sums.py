"""Derivatives as sums over paths, and as the inverse of a triangular matrix.

At given values a graph of scalars v_1 ... v_n, numbered so that values flow on, is linear to first order:

    dv_i = sum_j c_ij dv_j        c_ij = the sum, over the slots of v_i's operation that read v_j, of its partials

C is strictly lower triangular.  Bauer's theorem: the derivative of v_i by v_j, everything in between included, is

    sum over all paths from j to i of the product of the c along the path = ((I - C)^-1)_ij

because (C^m)_ij is that sum over the paths of m edges, and C^n = 0 makes I + C + C^2 + ... the inverse of I - C.  The
two ways to solve with I - C are the two modes of differentiation:

* (I - C) x = b by forward substitution, first row first: tangents x for the tangents b of the sources, forward mode.
* (I - C)^T x = b by back substitution, last row first: adjoints x for the seeds b, reverse mode.

``sum_over_paths`` is the definition spelt out, slow and obvious: k diamonds in a row have 2^k paths.

Sources: F. L. Bauer, Computational graphs and rounding error, SIAM J. Numer. Anal. 11 (1974) 87-96; A. Griewank and
A. Walther, Evaluating Derivatives, 2nd ed. (2008), chapter 2 for I - C, the extended Jacobian.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reference_nets.generic import Value, ones_like, zeros_like
from reference_nets.graph import Graph, GraphError


@dataclass(frozen=True)
class LinearGraph:
    """The matrix C of a graph at given values, by rows and without its zeros."""

    names: tuple[str, ...]
    """The variable of each number, so that every edge leads from a smaller number to a greater one."""
    rows: tuple[dict[int, Value], ...]
    """rows[i][j] = c_ij, for every j that v_i is computed from."""

    def number(self, name: str) -> int:
        """The place of a variable."""
        return self.names.index(name)


def linearise(graph: Graph, values: Mapping[str, Value]) -> LinearGraph:
    """The partials of every vertex at the given values, which must be scalars."""
    names = list(graph.sources)
    rows: list[dict[int, Value]] = [{} for _ in names]
    number = {name: place for place, name in enumerate(names)}
    for place in graph.order:
        vertex = graph.vertices[place]
        x, y = (tuple(values[name] for name in ports) for ports in (vertex.inputs, vertex.outputs))
        if any(np.shape(value) != () for value in (*x, *y)):
            raise GraphError(f"'{vertex}' is not about scalars; a partial is a number only between scalars")
        for port, output in enumerate(vertex.outputs):
            unit = tuple(ones_like(v) if j == port else zeros_like(v) for j, v in enumerate(y))
            row: dict[int, Value] = {}
            for name, partial in zip(vertex.inputs, vertex.operation.vjp(x, y, unit), strict=True):
                j = number[name]
                row[j] = row[j] + partial if j in row else partial
            number[output] = len(names)
            names.append(output)
            rows.append(row)
    return LinearGraph(tuple(names), tuple(rows))


def paths(linear: LinearGraph, start: int, end: int) -> Iterator[tuple[int, ...]]:
    """All paths, each as the numbers from ``end`` back to ``start``; the path from a variable to itself has no edge."""
    unfinished: list[tuple[int, ...]] = [(end,)]
    while unfinished:
        path = unfinished.pop()
        if path[-1] == start:
            yield path
        else:
            unfinished.extend((*path, j) for j in linear.rows[path[-1]] if j >= start)


def sum_over_paths(linear: LinearGraph, start: int, end: int) -> Value:
    """Bauer's formula: the sum over all paths of the product of the partials along it."""
    result: Value = 0
    for path in paths(linear, start, end):
        product: Value = 1
        for i, j in pairwise(path):
            product = product * linear.rows[i][j]
        result = result + product
    return result


def forward_substitution(linear: LinearGraph, b: Sequence[Value]) -> list[Value]:
    """The x with (I - C) x = b: x_i = b_i + sum_j c_ij x_j, first row first."""
    x = list(b)
    for i, row in enumerate(linear.rows):
        for j, partial in row.items():
            x[i] = x[i] + partial * x[j]
    return x


def back_substitution(linear: LinearGraph, b: Sequence[Value]) -> list[Value]:
    """The x with (I - C)^T x = b: x_j = b_j + sum_i x_i c_ij, last row first, each sent on as soon as it is known."""
    x = list(b)
    for i in reversed(range(len(x))):
        for j, partial in linear.rows[i].items():
            x[j] = x[j] + x[i] * partial
    return x


def inverse(linear: LinearGraph) -> list[list[Value]]:
    """(I - C)^-1, whose entry (i, j) is the derivative of v_i by v_j, from n forward substitutions."""
    n = len(linear.names)
    columns = [forward_substitution(linear, [int(i == j) for i in range(n)]) for j in range(n)]
    return [[columns[j][i] for j in range(n)] for i in range(n)]
