"""Derivatives along a graph, backwards (vjp) and forwards (jvp).

For a graph with values v, write vbar for the adjoint of a variable, the derivative of sum_u seed(u) . u with respect
to it.  By the chain rule it is collected from every input port (o, k), slot k of vertex o, that reads the variable:

    vbar = seed(v) + sum over ports (o, k) with in_o(k) = v of sum_j (d f_(o,j) / d x_k)^T obar_j

A variable that is read twice, by two vertices or by one, receives two contributions.  No vertex may pass anything on
before all its outputs have received everything, hence the reverse topological order.  No function here recurs, so the
depth of a graph is limited by memory alone.  ``path_sums`` holds the definition that this is measured against.

Sources: R. Rojas, Neural Networks (1996), section 7.2 (the backpropagation diagram and proposition 11); Goodfellow,
Bengio and Courville, Deep Learning (2016), section 6.5; A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed.
(2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from reference_nets.generic import Value, ones_like, zeros_like
from reference_nets.graph import Graph, GraphError, Values, Vertex

Assignment = Mapping[str, Value]
Reverse = Callable[[Graph, Assignment, Assignment], Mapping[str, Value]]
"""A graph, its values and the seeds to the adjoints of the sources."""


def evaluate(graph: Graph, inputs: Assignment) -> dict[str, Value]:
    """The value of every variable, from one value per source."""
    if set(inputs) != set(graph.sources):
        raise GraphError(f"values are needed for the sources {sorted(graph.sources)}, but came for {sorted(inputs)}")
    values = dict(inputs)
    for number in graph.order:
        vertex = graph.vertices[number]
        values.update(zip(vertex.outputs, vertex.operation.evaluate(*_read(values, vertex.inputs)), strict=True))
    return values


def vjp(graph: Graph, values: Assignment, seeds: Assignment, of: Iterable[str] | None = None) -> dict[str, Value]:
    """Reverse accumulation: the adjoints of the variables ``of`` (the sources, if not said), for cotangents ``seeds``.

    Every vertex SCATTERS: visited once, in reverse order, it adds to the adjoint of each input.  A vertex none of whose
    outputs was reached has nothing to pass on.  A variable that was never reached gets a zero of its own shape and
    type.
    """
    adjoints = _checked(values, seeds)
    for number in reversed(graph.order):
        vertex = graph.vertices[number]
        if not adjoints.keys().isdisjoint(vertex.outputs):
            contributions = _pull(vertex, values, adjoints)
            for name, contribution in zip(vertex.inputs, contributions, strict=True):
                adjoints[name] = adjoints[name] + contribution if name in adjoints else contribution
    return _or_zeros(values, adjoints, graph.sources if of is None else of)


def vjp_gathering(
    graph: Graph, values: Assignment, seeds: Assignment, of: Iterable[str] | None = None
) -> dict[str, Value]:
    """The same adjoints in the other form: every variable GATHERS from the input ports that read it.

    ``readers`` lists the ports in the order in which ``vjp`` serves them, so the sums agree bit for bit.
    """
    adjoints = _checked(values, seeds)
    pulled: dict[int, Values] = {}

    def gather(name: str) -> None:
        for number, slot in graph.readers[name]:
            if number in pulled:
                contribution = pulled[number][slot]
                adjoints[name] = adjoints[name] + contribution if name in adjoints else contribution

    for number in reversed(graph.order):
        vertex = graph.vertices[number]
        for name in vertex.outputs:
            gather(name)
        if not adjoints.keys().isdisjoint(vertex.outputs):
            pulled[number] = _pull(vertex, values, adjoints)
    for name in graph.sources:
        gather(name)
    return _or_zeros(values, adjoints, graph.sources if of is None else of)


def jvp(graph: Graph, values: Assignment, tangents: Assignment, of: Iterable[str] | None = None) -> dict[str, Value]:
    """Forward accumulation: the tangents of the variables ``of`` (all, if not said), for tangents of some sources."""
    stray = set(tangents) - set(graph.sources)
    if stray:
        raise GraphError(f"tangents belong to sources, but {sorted(stray)} are not sources")
    moved = _checked(values, tangents)
    for number in graph.order:
        vertex = graph.vertices[number]
        if not moved.keys().isdisjoint(vertex.inputs):
            inputs, outputs = _read(values, vertex.inputs), _read(values, vertex.outputs)
            incoming = tuple(_or_zeros(values, moved, vertex.inputs)[name] for name in vertex.inputs)
            moved.update(zip(vertex.outputs, vertex.operation.jvp(inputs, outputs, incoming), strict=True))
    return _or_zeros(values, moved, graph.variables if of is None else of)


def gradient(graph: Graph, inputs: Assignment, target: str) -> dict[str, Value]:
    """The gradient of one scalar variable with respect to every source."""
    values = evaluate(graph, inputs)
    if target not in values:
        raise GraphError(f"{target} is not a variable of the graph")
    shape = np.shape(values[target])
    if shape != ():
        raise GraphError(f"{target} has shape {shape}, not (): use vjp with a cotangent of that shape")
    return vjp(graph, values, {target: ones_like(values[target])})


def adjoint_gap(
    graph: Graph, values: Assignment, tangents: Assignment, seeds: Assignment, reverse: Reverse = vjp
) -> Value:
    """<seeds, J t> - <J^T seeds, t>, where J t comes from forward accumulation and J^T seeds from ``reverse``.

    It is 0 in exact arithmetic for all t and all seeds if and only if the two modes are transposes of each other.
    """
    moved, bars = jvp(graph, values, tangents), reverse(graph, values, seeds)
    forwards = sum(np.sum(seed * moved[name]) for name, seed in seeds.items())
    backwards = sum(np.sum(bars[name] * tangent) for name, tangent in tangents.items())
    return forwards - backwards


def _read(values: Assignment, names: Iterable[str]) -> Values:
    return tuple([values[name] for name in names])


def _pull(vertex: Vertex, values: Assignment, adjoints: Assignment) -> Values:
    """The contributions of a vertex to its inputs, slot by slot."""
    inputs, outputs = _read(values, vertex.inputs), _read(values, vertex.outputs)
    cotangents = tuple([adjoints[n] if n in adjoints else zeros_like(values[n]) for n in vertex.outputs])
    contributions = vertex.operation.vjp(inputs, outputs, cotangents)
    for slot, (primal, contribution) in enumerate(zip(inputs, contributions, strict=True)):
        if _shape(contribution) != _shape(primal):
            raise GraphError(
                f"'{vertex}': the cotangent of input {slot} has shape {np.shape(contribution)}, "
                f"but the input has shape {np.shape(primal)}"
            )
    return contributions


def _shape(value: Value) -> tuple[int, ...]:
    return () if isinstance(value, float) else np.shape(value)  # NumPy would make an array of the float first


def _checked(values: Assignment, given: Assignment) -> dict[str, Value]:
    for name, value in given.items():
        if name not in values:
            raise GraphError(f"{name} is not a variable of the graph")
        if _shape(value) != _shape(values[name]):
            raise GraphError(f"{name} has shape {np.shape(values[name])}, but was given {np.shape(value)}")
    return dict(given)


def _or_zeros(values: Assignment, known: Assignment, names: Iterable[str]) -> dict[str, Value]:
    names = tuple(names)
    for name in names:
        if name not in values:
            raise GraphError(f"{name} is not a variable of the graph")
    return {name: known[name] if name in known else zeros_like(values[name]) for name in names}
