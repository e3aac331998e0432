"""A sentence about graphs, P13: what is joined, and what joins.

In a graph the NODES are the VERTICES, two words for one thing, and EDGES join them: an edge has one start and one end.
How many edges meet at a vertex is not fixed: an operation has as many incoming edges as inputs, and its results may be
read by any number of others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reference_nets.thread.records import Statement


def edges_join_vertices(vertices: Iterable[Any], edges: Iterable[tuple[Any, Any]]) -> bool:
    """Every edge starts at a vertex and ends at a vertex."""
    known = set(vertices)
    return all(start in known and end in known for start, end in edges)


def vertices_join_edges(vertices: Iterable[Any], edges: Iterable[tuple[Any, Any]]) -> bool:
    """The sentence as printed, taken at its word: what connects is a vertex, so it has exactly two ends."""
    met = Counter(vertex for edge in edges for vertex in edge)
    return all(met[vertex] == 2 for vertex in vertices)


P13 = Statement(
    id="P13",
    printed="nodes are connected by vertices",
    right="nodes, that is vertices, are connected by edges",
    relation="every edge has exactly two ends; the number of edges at a vertex is any number",
    claimed=vertices_join_edges,
    mended=edges_join_vertices,
)

STATEMENTS = {statement.id: statement for statement in (P13,)}
