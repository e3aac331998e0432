"""The port hypergraph and two ordinary graphs drawn from it: operations as vertices, or variables as vertices.

*Operation-vertex model*: the vertices are the operations, with every source as an operation without inputs, and an edge
(o, j, o', k) wherever input slot k of o' reads output port j of o.  Labels and port counts are kept, so unused ports
are too, and nothing is lost but the names of the variables: ``operation_graph`` and ``from_operations`` undo each other.

*Variable-vertex model*: the vertices are the variables, and an edge (u, v, k) stands wherever v is computed by an
operation whose slot k reads u.  The operation is folded into its output, which takes operations of exactly one output.
An operation of several becomes a variable whose value is the TUPLE of them, and one projection for every output; the
tuple lives in the product space, where cotangents add entry by entry.  ``variable_graph`` and ``from_variables`` undo
each other.

For operations of one output the two models are one labelled graph, with every operation called by its output.  Edges
carry slots in both models: without them mul(x, x) would be one edge, and sub(x, y) would be sub(y, x).

Sources: R. Rojas, Neural Networks (1996), section 7.2, draws operations; Goodfellow, Bengio and Courville, Deep
Learning (2016), section 6.5.1, draws variables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from reference_nets.generic import zeros_like
from reference_nets.graph import Graph, GraphError, Operation, Values, Vertex

# Operations as vertices -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OperationGraph:
    """Vertices are operations, None for a source; vertex numbers are places in ``operations``."""

    operations: tuple[Operation | None, ...]
    edges: frozenset[tuple[int, int, int, int]]
    """(from vertex, output port, to vertex, input slot)."""


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


def from_operations(drawn: OperationGraph) -> Graph:
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
        inputs = _in_order(feeds, number, operation)
        vertices.append(Vertex(operation, inputs, tuple(f"{number}.{port}" for port in range(operation.outputs))))
    return Graph(tuple(sources), tuple(vertices))


# Variables as vertices ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VariableGraph:
    """Vertices are variables, each with the operation that computes it, None for a source."""

    operations: dict[str, Operation | None]
    edges: frozenset[tuple[str, str, int]]
    """(from variable, to variable, input slot)."""
    folded: Graph = field(init=False, repr=False, compare=False)
    """The same as a port hypergraph, whose vertices have one output each; vertex and output are one and the same."""

    def __post_init__(self) -> None:
        feeds: dict[tuple[str, int], str] = {}
        for start, end, slot in self.edges:
            if (end, slot) in feeds:
                raise GraphError(f"input slot {slot} of {end} has two edges; it reads exactly one variable")
            feeds[end, slot] = start
        vertices = []
        for name, operation in self.operations.items():
            if operation is not None:
                vertices.append(Vertex(operation, _in_order(feeds, name, operation), (name,)))
        if len(feeds) != sum(len(vertex.inputs) for vertex in vertices):
            ports = {(vertex.outputs[0], slot) for vertex in vertices for slot in range(len(vertex.inputs))}
            end, slot = next(port for port in feeds if port not in ports)
            raise GraphError(f"an edge leads to slot {slot} of {end}, which has no such slot")
        sources = tuple(name for name, operation in self.operations.items() if operation is None)
        object.__setattr__(self, "folded", Graph(sources, tuple(vertices)))


def variable_graph(graph: Graph) -> VariableGraph:
    """Fold every operation into its output; where it has not exactly one, into the tuple of its outputs."""
    operations: dict[str, Operation | None] = dict.fromkeys(graph.sources)
    edges: set[tuple[str, str, int]] = set()
    for vertex in graph.vertices:
        single = len(vertex.outputs) == 1
        folded = vertex.outputs[0] if single else f"({', '.join(vertex.outputs)})"
        while folded in operations:  # operations without outputs would all be called "()"
            folded += "'"
        operations[folded] = vertex.operation if single else bundled(vertex.operation)
        edges.update((name, folded, slot) for slot, name in enumerate(vertex.inputs))
        if not single:
            for port, name in enumerate(vertex.outputs):
                operations[name] = projection(port, len(vertex.outputs))
                edges.add((folded, name, 0))
    return VariableGraph(operations, frozenset(edges))


def from_variables(drawn: VariableGraph) -> Graph:
    """Give every tuple variable and its projections back to the operation that they came from.

    Every port needs its one projection.  The graph of a gradient may project a tuple a second time; then there is no
    hypergraph to go back to, and that is said.
    """
    parts: dict[str, dict[int, str]] = {}
    vertices = drawn.folded.vertices
    for vertex in vertices:
        if isinstance(vertex.operation, Bundled):
            parts[vertex.outputs[0]] = {}
    for vertex in vertices:
        if isinstance(vertex.operation, Projection) and vertex.inputs[0] in parts:
            ports = parts[vertex.inputs[0]]
            if vertex.operation.port in ports:
                raise GraphError(f"port {vertex.operation.port} of {vertex.inputs[0]} has two projections")
            ports[vertex.operation.port] = vertex.outputs[0]
    merged = []
    for vertex in vertices:
        if isinstance(vertex.operation, Bundled):
            original, ports = vertex.operation.original, parts[vertex.outputs[0]]
            if sorted(ports) != list(range(original.outputs)):
                raise GraphError(f"'{vertex}' has projections on the ports {sorted(ports)} of {original.outputs}")
            merged.append(Vertex(original, vertex.inputs, tuple(ports[port] for port in range(original.outputs))))
        elif not (isinstance(vertex.operation, Projection) and vertex.inputs[0] in parts):
            merged.append(vertex)
    return Graph(drawn.folded.sources, tuple(merged))


class Tuple:
    """An element of a product space; it adds entry by entry, and times 0 it is the zero of that space."""

    def __init__(self, *entries: Any) -> None:
        self.entries = entries

    def __add__(self, other: Tuple) -> Tuple:
        return Tuple(*(a + b for a, b in zip(self.entries, other.entries, strict=True)))

    def __mul__(self, number: Any) -> Tuple:
        return Tuple(*(zeros_like(entry) if number == 0 else entry * number for entry in self.entries))


@dataclass(frozen=True, slots=True)
class Bundled(Operation):
    """An operation whose one output is the tuple of the outputs of another."""

    original: Operation = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Projection(Operation):
    """The operation that takes a tuple to one of its entries."""

    port: int = field(kw_only=True)


@cache
def tupling(size: int) -> Operation:
    """The operation that makes a tuple of its inputs."""
    return Operation(
        f"tuple of {size}",
        size,
        1,
        evaluate=lambda *x: (Tuple(*x),),
        vjp=lambda x, y, c: _entries(c[0], size),
        jvp=lambda x, y, t: tupling(size)(*t),
    )


@cache
def projection(port: int, size: int) -> Projection:
    """The projection of tuples of ``size`` on entry ``port``; backwards, zeros come to stand beside a cotangent."""

    def beside_zeros(x: Values, y: Values, c: Values) -> Values:
        return tupling(size)(*(c[0] if j == port else zeros_like(e) for j, e in enumerate(_entries(x[0], size))))

    return Projection(
        f"entry {port}",
        1,
        1,
        evaluate=lambda x1: (x1.entries[port],),
        vjp=beside_zeros,
        jvp=lambda x, y, t: projection(port, size)(t[0]),
        port=port,
    )


@cache
def bundled(f: Operation) -> Bundled:
    """The operation f with its outputs in a tuple."""
    size = f.outputs
    return Bundled(
        f"tuple of {f.name}",
        f.arity,
        1,
        evaluate=lambda *x: (Tuple(*f.evaluate(*x)),),
        vjp=lambda x, y, c: f.vjp(x, _entries(y[0], size), _entries(c[0], size)),
        jvp=lambda x, y, t: tupling(size)(*f.jvp(x, _entries(y[0], size), t)),
        original=f,
    )


def _entries(value: Any, size: int) -> Values:
    return tuple(projection(port, size)(value)[0] for port in range(size))


def _in_order(feeds: dict[Any, str], vertex: Any, operation: Operation) -> tuple[str, ...]:
    """What the input slots read, from the edges; every slot must be fed."""
    missing = [slot for slot in range(operation.arity) if (vertex, slot) not in feeds]
    if missing:
        raise GraphError(f"no edge leads to input slot {missing[0]} of vertex {vertex}, {operation.name}")
    return tuple(feeds[vertex, slot] for slot in range(operation.arity))
