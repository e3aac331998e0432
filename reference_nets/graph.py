"""Computations as graphs whose vertices are OPERATIONS: the port hypergraph H = (V, O, in, out, f).

V is a set of variables and O a set of vertices, each of which carries an operation f_o with n_o inputs and m_o outputs.
in_o : {0 .. n_o - 1} -> V names the inputs in order; it may repeat a variable, as mul(x, x) does.  out_o names the
outputs. A graph is valid if

* every variable is assigned once: it is a source, or one output port of one vertex (all out_o are jointly injective);
* every input is a variable of the graph, and every vertex has as many ports as its operation;
* it is acyclic, so that the vertices can be put in an order in which every variable is assigned before it is used.

Unused outputs and variables that lead nowhere are allowed.  A vertex is connected to a vertex by edges, one for every
input port that reads an output port; a variable with many readers is many edges.

Sources: F. L. Bauer, Computational graphs and rounding error, SIAM J. Numer. Anal. 11 (1974) 87-96; R. Rojas, Neural
Networks (1996), section 7.2; A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed. (2008), chapters 2 and 3.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Values = tuple[Any, ...]


class GraphError(ValueError):
    """What is wrong with a graph, or with what was handed to it, and where."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A function y = f(x) of ``arity`` inputs with ``outputs`` outputs, and its derivative J in both directions.

    ``evaluate(*x)`` gives the tuple y.  ``vjp(x, y, c)`` maps one cotangent per output to one per input, J^T c, and
    ``jvp(x, y, t)`` maps one tangent per input to one per output, J t.  All of x, y, c and t are tuples.  Both are
    formulas: they must not look at the numbers that they get, so that they can also be given symbols.
    """

    name: str
    arity: int
    outputs: int
    evaluate: Callable[..., Values]
    vjp: Callable[[Values, Values, Values], Values]
    jvp: Callable[[Values, Values, Values], Values]

    def __call__(self, *x: Any) -> Values:
        """The outputs at x; at symbols, the variables that a new vertex assigns (see ``reference_nets.symbols``)."""
        symbol = next((entry for entry in x if hasattr(entry, "record")), None)
        if symbol is None:
            return self.evaluate(*x)
        outputs: Values = symbol.record(self, x)
        return outputs


@dataclass(frozen=True, slots=True)
class Vertex:
    """One use of an operation: which variables it reads, in order and with repetition, and which it assigns."""

    operation: Operation
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.outputs)} = {self.operation.name}({', '.join(self.inputs)})"


@dataclass(frozen=True)
class Graph:
    """A valid port hypergraph.  The vertices may come in any order; ``order`` numbers them so that values flow on."""

    sources: tuple[str, ...]
    vertices: tuple[Vertex, ...]
    order: tuple[int, ...] = field(init=False, repr=False, compare=False)
    readers: dict[str, tuple[tuple[int, int], ...]] = field(init=False, repr=False, compare=False)
    """For every variable, the input ports (vertex number, slot) that read it: a repeated input is there repeatedly.

    They stand in the order in which reverse accumulation comes by: the last vertex first, and its slots from 0 on.
    """

    def __post_init__(self) -> None:
        _check_ports(self.vertices)
        _check_single_assignment(self.sources, self.vertices)
        known = set(self.variables)
        for vertex in self.vertices:
            for name in vertex.inputs:
                if name not in known:
                    raise GraphError(f"'{vertex}' reads {name}, which is neither a source nor an output of any vertex")
        object.__setattr__(self, "order", _topological_order(self))
        readers: dict[str, list[tuple[int, int]]] = {name: [] for name in self.variables}
        for number in reversed(self.order):
            for slot, name in enumerate(self.vertices[number].inputs):
                readers[name].append((number, slot))
        object.__setattr__(self, "readers", {name: tuple(ports) for name, ports in readers.items()})

    @property
    def variables(self) -> tuple[str, ...]:
        """All variables: the sources, then the outputs of the vertices as given."""
        return self.sources + tuple(name for vertex in self.vertices for name in vertex.outputs)


def ancestors(graph: Graph, names: Iterable[str]) -> set[str]:
    """The variables from which a path leads to one of ``names``; these themselves are among them."""
    found = set(names)
    for number in reversed(graph.order):
        vertex = graph.vertices[number]
        if not found.isdisjoint(vertex.outputs):
            found.update(vertex.inputs)
    return found


def _check_ports(vertices: tuple[Vertex, ...]) -> None:
    for vertex in vertices:
        operation = vertex.operation
        if (len(vertex.inputs), len(vertex.outputs)) != (operation.arity, operation.outputs):
            raise GraphError(
                f"'{vertex}' has {len(vertex.inputs)} inputs and {len(vertex.outputs)} outputs, "
                f"but {operation.name} takes {operation.arity} and gives {operation.outputs}"
            )


def _check_single_assignment(sources: tuple[str, ...], vertices: tuple[Vertex, ...]) -> None:
    assigned = Counter(sources)
    for vertex in vertices:
        assigned.update(vertex.outputs)
    for name, times in assigned.items():
        if times > 1:
            by = ["a source"] * sources.count(name) + [f"'{v}'" for v in vertices for out in v.outputs if out == name]
            raise GraphError(f"{name} is assigned {times} times, by {' and '.join(by)}; give each a name of its own")


def _topological_order(graph: Graph) -> tuple[int, ...]:
    """Kahn's algorithm: a vertex is ready as soon as all its input ports have been served."""
    reading: dict[str, list[int]] = {}
    for number, vertex in enumerate(graph.vertices):
        for name in vertex.inputs:
            reading.setdefault(name, []).append(number)
    waiting = [vertex.operation.arity for vertex in graph.vertices]
    ready = deque(number for number, ports in enumerate(waiting) if ports == 0)
    order: list[int] = []

    def serve(names: tuple[str, ...]) -> None:
        for name in names:
            for number in reading.get(name, ()):
                waiting[number] -= 1
                if waiting[number] == 0:
                    ready.append(number)

    serve(graph.sources)
    while ready:
        order.append(ready.popleft())
        serve(graph.vertices[order[-1]].outputs)
    if len(order) < len(graph.vertices):
        raise GraphError(f"the vertices form a cycle: {_describe_cycle(graph, set(order))}")
    return tuple(order)


def _describe_cycle(graph: Graph, served: set[int]) -> str:
    """Walk backwards among the vertices never served; each has such a predecessor, so the walk must repeat."""
    producer = {name: number for number, vertex in enumerate(graph.vertices) for name in vertex.outputs}
    current = next(number for number in range(len(graph.vertices)) if number not in served)
    walk: dict[int, None] = {}  # an ordered set: a cycle may be as long as the graph
    while current not in walk:
        walk[current] = None
        stuck = (producer[name] for name in graph.vertices[current].inputs if name in producer)
        current = next(number for number in stuck if number not in served)
    steps = list(walk)
    cycle = [*steps[steps.index(current) :], current]
    return "  ->  ".join(str(graph.vertices[number]) for number in reversed(cycle))
