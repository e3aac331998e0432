"""Seven wrong implementations of back-propagation on a graph, each a reading of the textbook that is easily made.

They are here to be refuted: a checker that accepts one of them is no checker.  Each docstring says what is wrong, and
the relation between the wrong result and the right one, by which the error is recognised.

``TRAPS`` lists G1 to G6, which have the form of ``backprop.vjp``: a graph, its values, and one cotangent for each
seeded variable, to the adjoints of the sources.  G7 is about a loss and stands alone.

Source of what they get wrong: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reference_nets.generic import Value, ones_like, zeros_like
from reference_nets.graph import Graph, Vertex

Assignment = Mapping[str, Value]
Contributions = list[tuple[str, Value]]
"""What a vertex sends back: to which variable, and how much."""


def parents_as_a_set_lose_their_order(graph: Graph, values: Assignment, seeds: Assignment) -> dict[str, Value]:
    """G1: Pa(u) is kept as a set, and comes back in the order of the names instead of that of the slots.

    For z = y - x the backward pass is that of x - y: the wrong gradient is MINUS the right one.  Operations that are
    symmetric in their inputs do not show it.
    """

    def pull(vertex: Vertex, cotangents: tuple[Value, ...]) -> Contributions:
        names = tuple(sorted(vertex.inputs))
        return list(zip(names, _vjp(vertex, names, values, cotangents), strict=True))

    return _sweep(graph, values, seeds, pull)


def parents_as_a_set_lose_multiplicity(graph: Graph, values: Assignment, seeds: Assignment) -> dict[str, Value]:
    """G2: Pa(u) is kept as a set, and a variable that is read twice sends back for its last slot alone.

    For z = x x it gives x: the wrong gradient is HALF the right one.  Without repeated inputs it is right.
    """

    def pull(vertex: Vertex, cotangents: tuple[Value, ...]) -> Contributions:
        return list(dict(zip(vertex.inputs, _vjp(vertex, vertex.inputs, values, cotangents), strict=True)).items())

    return _sweep(graph, values, seeds, pull)


def inputs_of_the_pruned_graph(
    graph: Graph, values: Assignment, seeds: Assignment, targets: tuple[str, ...] = ()
) -> dict[str, Value]:
    """G3: bprop gets its inputs from the graph pruned to what depends on the targets; other operands are gone.

    Algorithm 6.6 can be read so.  Here the targets are the first source, if not said.  A product of what is left is
    taken where a factor is missing: for z = w x with the target w the wrong gradient is the right one DIVIDED BY x.  An
    operation that does not multiply its inputs does not show it, nor does a network all of whose inputs are targets.
    """
    moving = set(targets or graph.sources[:1])
    for number in graph.order:
        if not moving.isdisjoint(graph.vertices[number].inputs):
            moving.update(graph.vertices[number].outputs)
    left = {name: value if name in moving else ones_like(value) for name, value in values.items()}

    def pull(vertex: Vertex, cotangents: tuple[Value, ...]) -> Contributions:
        return list(zip(vertex.inputs, _vjp(vertex, vertex.inputs, left, cotangents), strict=True))

    return _sweep(graph, values, seeds, pull)


def one_bprop_for_each_consumer(graph: Graph, values: Assignment, seeds: Assignment) -> dict[str, Value]:
    """G4: the consumers of a variable are asked once each, by name of the variable, and answer for the first slot.

    op.bprop(inputs, X, G) names the variable X, and z = x x has one consumer: it gives x where 2 x is right, and for
    z = x - x it gives 1 where 0 is right.  What it misses is the contribution of every slot but the first.
    """

    def pull(vertex: Vertex, cotangents: tuple[Value, ...]) -> Contributions:
        answers = _vjp(vertex, vertex.inputs, values, cotangents)
        return [(name, answers[vertex.inputs.index(name)]) for name in dict.fromkeys(vertex.inputs)]

    return _sweep(graph, values, seeds, pull)


def a_bare_zero_where_nothing_was_reached(graph: Graph, values: Assignment, seeds: Assignment) -> dict[str, Value]:
    """G5: a source from which no path leads to a seed gets the number 0.

    The gradient is an element of the source's own space: its zero has the SHAPE and the number type of the source.
    Broadcasting hides the difference until somebody concatenates, reshapes or looks.
    """
    reached = set(seeds)
    for number in reversed(graph.order):
        if not reached.isdisjoint(graph.vertices[number].outputs):
            reached.update(graph.vertices[number].inputs)
    right = _sweep(graph, values, seeds, _all_ports(values))
    return {name: bar if name in reached else 0.0 for name, bar in right.items()}


def every_output_is_seeded_with_ones(graph: Graph, values: Assignment, seeds: Assignment) -> dict[str, Value]:
    """G6: reverse accumulation starts from 1 in every entry, whatever cotangent it is given.

    For a scalar with the cotangent 1 that is right.  For an array z it is the gradient of the SUM of z's entries, and
    the wrong vjp is the same for every cotangent: it is not linear in it, and zero cotangents give something.
    """
    return _sweep(graph, values, {name: ones_like(seed) for name, seed in seeds.items()}, _all_ports(values))


def softmax_minus_target(logits: Value, p: Value, exp: Callable[[Value], Value] = np.exp) -> Value:
    """G7: the gradient of J = -sum_i p_i log q_i, q = softmax(logits), by the logits, as the familiar q - p.

    The right one is q sum_i p_i - p.  Their difference is q (1 - sum_i p_i), which is 0 for probabilities p and for
    them alone: with smoothed, masked or weighted targets q - p is the gradient of nothing.
    """
    q = exp(logits - logits.max())
    return q / q.sum() - p


TRAPS: dict[str, Callable[[Graph, Assignment, Assignment], dict[str, Value]]] = {
    "G1": parents_as_a_set_lose_their_order,
    "G2": parents_as_a_set_lose_multiplicity,
    "G3": inputs_of_the_pruned_graph,
    "G4": one_bprop_for_each_consumer,
    "G5": a_bare_zero_where_nothing_was_reached,
    "G6": every_output_is_seeded_with_ones,
}


# The sweep in its simplest form, without an error; each trap puts one in ----------------------------------------------


def _sweep(
    graph: Graph,
    values: Assignment,
    seeds: Assignment,
    pull: Callable[[Vertex, tuple[Value, ...]], Contributions],
) -> dict[str, Value]:
    bars: dict[str, Any] = {name: zeros_like(value) for name, value in values.items()} | dict(seeds)
    for number in reversed(graph.order):
        vertex = graph.vertices[number]
        for name, contribution in pull(vertex, tuple(bars[name] for name in vertex.outputs)):
            bars[name] = bars[name] + contribution
    return {name: bars[name] for name in graph.sources}


def _all_ports(values: Assignment) -> Callable[[Vertex, tuple[Value, ...]], Contributions]:
    """What a vertex sends back when nothing is wrong."""
    return lambda vertex, cotangents: list(
        zip(vertex.inputs, _vjp(vertex, vertex.inputs, values, cotangents), strict=True)
    )


def _vjp(
    vertex: Vertex, inputs: tuple[str, ...], values: Assignment, cotangents: tuple[Value, ...]
) -> tuple[Value, ...]:
    x, y = (tuple(values[name] for name in names) for names in (inputs, vertex.outputs))
    return vertex.operation.vjp(x, y, cotangents)
