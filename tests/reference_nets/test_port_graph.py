"""Valid graphs are ordered, invalid ones are refused with a reason, and the graph models say the same."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import operations
from reference_nets.graph import Graph, GraphError, Operation, Vertex
from reference_nets.graph_models import OperationGraph, from_operations, operation_graph, variable_graph
from tests.reference_nets.exact_numbers import assert_caught, exact_search
from tests.reference_nets.random_graphs import SCALAR, diamonds, graphs, ports_as_names, rename

add, mul, neg = operations.add, operations.multiply, operations.negative


@exact_search
@given(graphs())
def test_order_assigns_every_variable_once_and_before_it_is_read(graph):
    assigned = set(graph.sources)
    assert sorted(graph.order) == list(range(len(graph.vertices)))
    for number in graph.order:
        vertex = graph.vertices[number]
        assert set(vertex.inputs) <= assigned
        assert not set(vertex.outputs) & assigned
        assigned.update(vertex.outputs)
    assert assigned == set(graph.variables)


@exact_search
@given(graphs())
def test_readers_are_the_input_ports(graph):
    ports = {(o, k): name for o, vertex in enumerate(graph.vertices) for k, name in enumerate(vertex.inputs)}
    listed = [(port, name) for name, readers in graph.readers.items() for port in readers]
    assert dict(listed) == ports and len(listed) == len(ports)


def test_the_order_as_given_would_not_do():
    """Some drawn graph lists a vertex before what it reads, so the sorting is put to the test."""
    assert_caught(graphs(), lambda graph: graph.order != tuple(range(len(graph.vertices))))


@pytest.mark.parametrize(
    "sources, vertices, reason",
    [
        (("x", "x"), (), r"x is assigned 2 times, by a source and a source"),
        (("x",), (Vertex(neg, ("x",), ("x",)),), r"x is assigned 2 times, by a source and 'x = neg\(x\)'"),
        (
            ("x",),
            (Vertex(neg, ("x",), ("y",)), Vertex(add, ("x", "x"), ("y",))),
            r"y is assigned 2 times, by 'y = neg\(x\)' and 'y = add\(x, x\)'; give each a name of its own",
        ),
        (("x",), (Vertex(operations.sum_and_product, ("x", "x"), ("y", "y")),), r"y is assigned 2 times"),
        (("x",), (Vertex(neg, ("z",), ("y",)),), r"'y = neg\(z\)' reads z, which is neither a source nor an output"),
        (("x",), (Vertex(add, ("x",), ("y",)),), r"has 1 inputs and 1 outputs, but add takes 2 and gives 1"),
        (("x",), (Vertex(neg, ("x",), ()),), r"has 1 inputs and 0 outputs, but neg takes 1 and gives 1"),
        (("x",), (Vertex(add, ("x", "y"), ("y",)),), r"cycle: y = add\(x, y\)  ->  y = add\(x, y\)"),
        (
            ("x",),
            (
                Vertex(neg, ("c",), ("d",)),
                Vertex(add, ("x", "b"), ("a",)),
                Vertex(neg, ("a",), ("b",)),
                Vertex(neg, ("b",), ("c",)),
            ),
            r"cycle: (b = neg\(a\)  ->  a = add\(x, b\)  ->  b = neg\(a\)"
            r"|a = add\(x, b\)  ->  b = neg\(a\)  ->  a = add\(x, b\))$",
        ),
    ],
)
def test_invalid_graphs_are_refused_with_the_reason(sources, vertices, reason):
    with pytest.raises(GraphError, match=reason):
        Graph(sources, vertices)


def test_no_vertices_no_inputs_and_no_outputs_are_allowed():
    sink = Operation("sink", 1, 0, lambda x: (), lambda x, y, c: (x[0] * 0,), lambda x, y, t: ())
    graph = Graph((), (Vertex(sink, ("c",), ()), Vertex(operations.constant(1), (), ("c",))))
    assert graph.order == (1, 0)
    assert Graph((), ()).order == ()


# The other models -----------------------------------------------------------------------------------------------------


@exact_search
@given(graphs())
def test_hypergraph_and_operation_graph_undo_each_other_up_to_names(graph):
    drawn = operation_graph(graph)
    assert from_operations(drawn) == rename(graph, ports_as_names(graph))
    assert operation_graph(from_operations(drawn)) == drawn


@exact_search
@given(graphs())
def test_every_edge_joins_two_vertices(graph):
    drawn = operation_graph(graph)
    assert len(drawn.edges) == sum(len(vertex.inputs) for vertex in graph.vertices)
    for start, port, end, slot in drawn.edges:
        source, reader = drawn.operations[start], drawn.operations[end]
        assert port < (source.outputs if source else 1) and slot < reader.arity


single = tuple(operation for operation in SCALAR if operation.outputs == 1)


@exact_search
@given(graphs(table=single))
def test_for_single_outputs_both_models_are_one_labelled_graph(graph):
    by_operation, by_variable = operation_graph(graph), variable_graph(graph)
    called = dict(enumerate(graph.variables))
    assert {(called[o], called[p], k) for o, _, p, k in by_operation.edges} == by_variable.edges
    assert {called[o]: f for o, f in enumerate(by_operation.operations)} == by_variable.operations


def test_edges_without_slots_lose_the_multiplicity_and_the_order():
    def without_slots(graph):
        return {(u, v) for u, v, _ in variable_graph(graph).edges}

    def graph(operation, *inputs):
        return Graph(("x", "y"), (Vertex(operation, inputs, ("z",)),))

    sub = operations.subtract
    assert without_slots(graph(sub, "x", "y")) == without_slots(graph(sub, "y", "x"))
    assert variable_graph(graph(sub, "x", "y")) != variable_graph(graph(sub, "y", "x"))
    assert len(without_slots(graph(mul, "x", "x"))) == 1
    assert len(variable_graph(graph(mul, "x", "x")).edges) == 2


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(GraphError, match="no edge leads to input slot 1 of vertex 1, add"):
        from_operations(OperationGraph((None, add), frozenset({(0, 0, 1, 0)})))
    with pytest.raises(GraphError, match="input slot 0 of vertex 2 has two edges"):
        from_operations(OperationGraph((None, None, neg), frozenset({(0, 0, 2, 0), (1, 0, 2, 0)})))


@given(st.integers(0, 6))
def test_diamonds_have_a_path_for_every_choice(count):
    edges = variable_graph(diamonds(count)).edges
    ways = {"v0": 1}
    for k in range(1, count + 1):
        ways[f"v{k}"] = sum(ways[u] for u, v, _ in edges if v == f"v{k}")
    assert ways[f"v{count}"] == 2**count == len(list(itertools.product((0, 1), repeat=count)))
