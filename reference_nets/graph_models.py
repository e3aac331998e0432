"""The port hypergraph and two ordinary graphs drawn from it: operations as vertices, or variables as vertices.

*Operation-vertex model*: the vertices are the operations, with every source as an operation without inputs, and an edge
(o, j, o', k) wherever input slot k of o' reads output port j of o.  Labels and port counts are kept, so unused ports
are too, and nothing is lost but the names of the variables: ``operation_graph`` and ``port_graph`` undo each other.

*Variable-vertex model*: the vertices are the variables, and an edge (u, v, k) stands wherever v is computed by an
operation whose slot k reads u.  The operation is folded into its output, which takes operations of exactly one
output.  There the two models are one labelled graph, with every operation called by its output.  Edges carry slots in
both models: without them mul(x, x) would be one edge, and sub(x, y) would be sub(y, x).

Sources: R. Rojas, Neural Networks (1996), section 7.2, draws operations; Goodfellow, Bengio and Courville, Deep
Learning (2016), section 6.5.1, draws variables.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_nets.graph import Graph, GraphError, Operation, Vertex


@dataclass(frozen=True, slots=True)
class OperationGraph:
    """Vertices are operations, None for a source; vertex numbers are places in ``operations``."""

    operations: tuple[Operation | None, ...]
    edges: frozenset[tuple[int, int, int, int]]
    """(from vertex, output port, to vertex, input slot)."""


@dataclass(frozen=True, slots=True)
class VariableGraph:
    """Vertices are variables, each with the operation that computes it, None for a source."""

    operations: dict[str, Operation | None]
    edges: frozenset[tuple[str, str, int]]
    """(from variable, to variable, input slot)."""


def operation_graph(graph: Graph) -> OperationGraph:
    """Forget the names of the variables.  The sources come first, then the vertices as given."""
    first = len(graph.sources)
    port = {name: (number, 0) for number, name in enumerate(graph.sources)}
    for number, vertex in enumerate(graph.vertices):
        port.update({name: (first + number, j) for j, name in enumerate(vertex.outputs)})
    edges = (
        (*port[name], first + number, slot)
        for number, vertex in enumerate(graph.vertices)
        for slot, name in enumerate(vertex.inputs)
    )
    return OperationGraph((None,) * first + tuple(vertex.operation for vertex in graph.vertices), frozenset(edges))


def port_graph(drawn: OperationGraph) -> Graph:
    """Name every variable "o.j" by the vertex and the port that assign it."""
    feeds: dict[tuple[int, int], str] = {}
    for start, port, end, slot in drawn.edges:
        if (end, slot) in feeds:
            raise GraphError(f"input slot {slot} of vertex {end} has two edges; it reads exactly one variable")
        feeds[end, slot] = f"{start}.{port}"
    sources, vertices = [], []
    for number, operation in enumerate(drawn.operations):
        if operation is None:
            sources.append(f"{number}.0")
            continue
        missing = [slot for slot in range(operation.arity) if (number, slot) not in feeds]
        if missing:
            raise GraphError(f"no edge leads to input slot {missing[0]} of vertex {number}, {operation.name}")
        inputs = tuple(feeds[number, slot] for slot in range(operation.arity))
        vertices.append(Vertex(operation, inputs, tuple(f"{number}.{port}" for port in range(operation.outputs))))
    return Graph(tuple(sources), tuple(vertices))


def variable_graph(graph: Graph) -> VariableGraph:
    """Fold every operation into its output, where all operations have exactly one."""
    operations: dict[str, Operation | None] = dict.fromkeys(graph.sources)
    edges: set[tuple[str, str, int]] = set()
    for vertex in graph.vertices:
        if len(vertex.outputs) != 1:
            raise GraphError(f"'{vertex}' has {len(vertex.outputs)} outputs; a variable graph needs exactly one")
        (output,) = vertex.outputs
        operations[output] = vertex.operation
        edges.update((name, output, slot) for slot, name in enumerate(vertex.inputs))
    return VariableGraph(operations, frozenset(edges))
