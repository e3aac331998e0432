"""Random port hypergraphs over the rationals: fan-out, repeated inputs, diamonds, several outputs, dead ends."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from reference_nets import backprop, operations
from reference_nets.generic import bump
from reference_nets.graph import Graph, Vertex
from tests.reference_nets.exact_numbers import rationals

SCALAR = (
    operations.add,
    operations.subtract,
    operations.multiply,
    operations.negative,
    operations.squared,
    operations.sum_and_product,
    operations.entrywise(bump),
    operations.constant(Fraction(2, 3), "two_thirds"),
)
MATRIX = (*SCALAR[:-1], operations.matmul)


@st.composite
def graphs(draw, table=SCALAR, most_vertices=7):
    """Each vertex draws its inputs from all variables so far, with repetition; the vertices are then shuffled."""
    sources = tuple(f"x{i}" for i in range(draw(st.integers(1, 3))))
    variables, vertices = list(sources), []
    for number in range(draw(st.integers(1, most_vertices))):
        operation = draw(st.sampled_from(table))
        inputs = tuple(draw(st.sampled_from(variables)) for _ in range(operation.arity))
        outputs = tuple(f"v{number}{letter}" for letter in "ab"[: operation.outputs])
        vertices.append(Vertex(operation, inputs, outputs))
        variables.extend(outputs)
    return Graph(sources, tuple(draw(st.permutations(vertices))))


@st.composite
def problems(draw, shape=(), **choices):
    """(graph, values, tangents of the sources, seeds of some variables), every variable of one shape."""
    graph = draw(graphs(**choices))
    inputs, tangents = ({name: draw(rationals(*shape))[()] for name in graph.sources} for _ in range(2))
    seeded = draw(st.lists(st.sampled_from(graph.variables), min_size=1, max_size=3, unique=True))
    seeds = {name: draw(rationals(*shape))[()] for name in seeded}
    return graph, backprop.evaluate(graph, inputs), tangents, seeds


def diamonds(count):
    """x -> (x, x) -> x + x and so on: ``count`` diamonds in a row, with 2^count paths from first to last."""
    vertices = [Vertex(operations.add, (f"v{k}", f"v{k}"), (f"v{k + 1}",)) for k in range(count)]
    return Graph(("v0",), tuple(vertices))


def chain(operation, length):
    """One operation of one input, ``length`` times."""
    return Graph(("v0",), tuple(Vertex(operation, (f"v{k}",), (f"v{k + 1}",)) for k in range(length)))


def rename(graph, names):
    return Graph(
        tuple(names[v] for v in graph.sources),
        tuple(
            Vertex(v.operation, tuple(names[i] for i in v.inputs), tuple(names[o] for o in v.outputs))
            for v in graph.vertices
        ),
    )


def ports_as_names(graph):
    """The names that ``from_operations`` gives: vertex number, with the sources first, and output port."""
    names = {name: f"{number}.0" for number, name in enumerate(graph.sources)}
    for number, vertex in enumerate(graph.vertices, start=len(graph.sources)):
        names.update({name: f"{number}.{port}" for port, name in enumerate(vertex.outputs)})
    return names
