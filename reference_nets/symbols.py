"""Derivatives that are graphs again: a number type that, instead of computing, draws the graph of the computation.

A symbol stands for a variable of a graph under construction.  ``+ - * / @ .T``, comparison with 0 and NumPy's
elementary functions, applied to symbols, put a new vertex into that graph and give the symbol of its output.  So the
very formulas that give a number at numbers give a graph at symbols: run reverse accumulation on symbols, and what comes
out is the graph of the gradient.

    G, target z, sources x   ->   G' containing G, with a variable for every dz/dx

G' is a graph like G, so that it can be evaluated at numbers of any type, and differentiated again, to any order.  Its
size is that of G times a constant, however many paths G has, since reverse accumulation visits every edge once.

Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.5.5, which calls this the symbol-to-symbol
approach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from reference_nets import operations
from reference_nets.backprop import vjp
from reference_nets.graph import Graph, GraphError, Operation, Vertex, ancestors

_FUNCTIONS: dict[np.ufunc, Operation] = {
    np.exp: operations.exp,
    np.log: operations.log,
    np.tanh: operations.tanh,
    np.sin: operations.sin,
    np.cos: operations.cos,
}


class Drawing:
    """A graph under construction."""

    def __init__(self, graph: Graph | None = None) -> None:
        self.sources = list(graph.sources) if graph else []
        self.vertices = list(graph.vertices) if graph else []
        self._taken = set(graph.variables) if graph else set()
        self._numbers = count()

    def source(self, name: str) -> Symbol:
        """A new source, with a prime to its name where the name is taken."""
        while name in self._taken:
            name += "'"
        self.sources.append(name)
        self._taken.add(name)
        return Symbol(self, name)

    def variable(self, name: str) -> Symbol:
        """The symbol of a variable that is in the graph already."""
        if name not in self._taken:
            raise GraphError(f"{name} is not a variable of the drawing")
        return Symbol(self, name)

    def add(self, operation: Operation, inputs: tuple[Any, ...]) -> tuple[Symbol, ...]:
        """A new vertex; its outputs get names of their own."""
        names = []
        for entry in inputs:
            if not isinstance(entry, Symbol) or entry.drawing is not self:
                raise GraphError(f"{operation.name} reads {entry!r}, which is not a variable of this drawing")
            names.append(entry.name)
        outputs = tuple(self._fresh() for _ in range(operation.outputs))
        self.vertices.append(Vertex(operation, tuple(names), outputs))
        return tuple(Symbol(self, name) for name in outputs)

    def graph(self) -> Graph:
        """The graph as drawn so far."""
        return Graph(tuple(self.sources), tuple(self.vertices))

    def _fresh(self) -> str:
        name = next(name for number in self._numbers if (name := f"_{number}") not in self._taken)
        self._taken.add(name)
        return name


@dataclass(frozen=True, slots=True, eq=False)
class Symbol:
    """A variable of a drawing, to compute with.  Python numbers may stand beside it, arrays may not."""

    drawing: Drawing
    name: str

    def record(self, operation: Operation, inputs: tuple[Any, ...]) -> tuple[Symbol, ...]:
        """Put a vertex into the drawing; this is what ``Operation.__call__`` asks of a symbol."""
        return self.drawing.add(operation, inputs)

    def _one(self, operation: Operation) -> Symbol:
        return self.drawing.add(operation, (self,))[0]

    def _two(self, operation: Operation, other: Any, with_number: Callable[[Any], Operation]) -> Symbol:
        if isinstance(other, Symbol):
            return self.drawing.add(operation, (self, other))[0]
        if isinstance(other, np.ndarray):
            raise GraphError(
                f"an array stands beside the symbol {self.name}; make it a source, or a constant operation"
            )
        return self._one(with_number(other))

    def __neg__(self) -> Symbol:
        return self._one(operations.negative)

    def __add__(self, other: Any) -> Symbol:
        return self._two(operations.add, other, operations.shifted)

    def __sub__(self, other: Any) -> Symbol:
        return self._two(operations.subtract, other, lambda k: operations.shifted(-k))

    def __mul__(self, other: Any) -> Symbol:
        return self._two(operations.multiply, other, operations.scaled)

    def __truediv__(self, other: Any) -> Symbol:
        return self._two(operations.divide, other, operations.divided)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Symbol:
        return (-self).__add__(other)

    def __rtruediv__(self, other: Any) -> Symbol:
        return self._one(operations.over(other))

    def __matmul__(self, other: Symbol) -> Symbol:
        return self.drawing.add(operations.matmul, (self, other))[0]

    def __gt__(self, other: Any) -> Symbol:
        return self.__sub__(other)._one(operations.positive)

    @property
    def T(self) -> Symbol:
        """The transpose."""
        return self._one(operations.transpose)

    def __bool__(self) -> bool:
        raise GraphError(f"{self.name} is a symbol: whether it is true shows only when numbers come")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Symbol:
        if ufunc not in _FUNCTIONS or method != "__call__" or options:
            raise GraphError(
                f"numpy.{ufunc.__name__} of a symbol is not in the table; make it an Operation and call that"
            )
        return self._one(_FUNCTIONS[ufunc])


class Derived(NamedTuple):
    """A graph that holds derivatives, and the name of the variable that holds each."""

    graph: Graph
    names: dict[str, str]
    seeds: dict[str, str]
    """The source that takes the cotangent of each output, where cotangents are to be given."""


def vjp_graph(graph: Graph, outputs: Iterable[str], of: Iterable[str] | None = None) -> Derived:
    """The graph of the adjoints of ``of`` (the sources, if not said); the cotangent of each output is a new source."""
    drawing = Drawing(graph)
    cotangents = {z: drawing.source(f"cotangent of {z}") for z in outputs}
    derived = _derive(drawing, graph, cotangents, of)
    return derived._replace(seeds={z: symbol.name for z, symbol in cotangents.items()})


def gradient_graph(graph: Graph, target: str, of: Iterable[str] | None = None) -> Derived:
    """The graph of the gradient of a scalar with respect to ``of`` (the sources, if not said).

    Whether the target is a scalar shows when numbers come: an array is refused then.
    """
    drawing = Drawing(graph)
    return _derive(drawing, graph, {target: operations.one(drawing.variable(target))[0]}, of)


def _derive(drawing: Drawing, graph: Graph, seeds: dict[str, Symbol], of: Iterable[str] | None) -> Derived:
    """Reverse accumulation on symbols.  Vertices that only serve adjoints nobody asked for are dropped."""
    symbols = {name: drawing.variable(name) for name in graph.variables}
    adjoints = vjp(graph, symbols, seeds, of)
    names = {name: symbol.name for name, symbol in adjoints.items()}
    needed = ancestors(drawing.graph(), names.values())
    new = (vertex for vertex in drawing.vertices[len(graph.vertices) :] if not needed.isdisjoint(vertex.outputs))
    return Derived(Graph(tuple(drawing.sources), (*graph.vertices, *new)), names, seeds={})
