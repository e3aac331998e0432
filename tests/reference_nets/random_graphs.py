"""Random port hypergraphs over the rationals: fan-out, repeated inputs, diamonds, several outputs, dead ends."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from reference_nets import operations
from reference_nets.generic import bump
from reference_nets.graph import Graph, Vertex

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


def diamonds(count):
    """x -> (x, x) -> x + x and so on: ``count`` diamonds in a row, with 2^count paths from first to last."""
    vertices = [Vertex(operations.add, (f"v{k}", f"v{k}"), (f"v{k + 1}",)) for k in range(count)]
    return Graph(("v0",), tuple(vertices))


def chain(operation, length):
    """One operation of one input, ``length`` times."""
    return Graph(("v0",), tuple(Vertex(operation, (f"v{k}",), (f"v{k + 1}",)) for k in range(length)))
