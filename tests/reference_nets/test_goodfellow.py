"""The textbook's algorithms on graphs of variables give what reverse accumulation on the hypergraph gives."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import backprop, goodfellow, operations
from reference_nets.graph import Graph, GraphError, Vertex
from reference_nets.graph_models import VariableGraph, from_variables, variable_graph
from tests.reference_nets.exact_numbers import exact_search, rationals
from tests.reference_nets.random_graphs import MATRIX, SCALAR, chain, diamonds, graphs, problems

single = tuple(operation for operation in SCALAR if operation.outputs == 1)


@exact_search
@given(problems())
def test_forward_propagation_is_evaluation(problem):
    graph, values, _, _ = problem
    u = goodfellow.forward_propagation(variable_graph(graph), {name: values[name] for name in graph.sources})
    assert all(u[name] == values[name] for name in graph.variables)


@exact_search
@given(problems(table=single), st.data())
def test_the_table_is_reverse_accumulation(problem, data):
    graph, values, _, _ = problem
    z = data.draw(st.sampled_from(graph.variables))
    table = goodfellow.table_filling(variable_graph(graph), values, z)
    assert table == backprop.vjp(graph, values, {z: Fraction(1)}, of=graph.variables)


@exact_search
@given(problems() | problems(shape=(2, 2), table=MATRIX, most_vertices=5), st.data())
def test_build_grad_is_reverse_accumulation(problem, data):
    """Any z and any targets, with several outputs as tuples, and targets that are no ancestors."""
    graph, values, _, seeds = problem
    z, seed = next(iter(seeds.items()))
    targets = data.draw(st.lists(st.sampled_from(graph.variables), unique=True))
    drawn = variable_graph(graph)
    u = goodfellow.forward_propagation(drawn, {name: values[name] for name in graph.sources})
    gradients = goodfellow.build_gradients(drawn, u, z, targets, seed)
    expected = backprop.vjp(graph, values, {z: seed}, of=targets)
    assert list(gradients) == targets
    for name in targets:
        assert np.all(gradients[name] == expected[name]) and np.shape(gradients[name]) == np.shape(values[name])


@exact_search
@given(graphs(table=single), st.integers(0, 2**32))
def test_build_grad_adds_in_the_order_of_reverse_accumulation(graph, seed):
    """Bit for bit, where no tuple puts zeros beside a cotangent: 0 + -0 is 0."""
    rng = np.random.default_rng(seed)
    values = {v: np.asarray(rng.normal(size=3) / 4) for v in graph.sources}
    values = {v: np.asarray(value, dtype=float) * np.ones(3) for v, value in backprop.evaluate(graph, values).items()}
    z = graph.variables[-1]
    gradients = goodfellow.build_gradients(variable_graph(graph), values, z, graph.sources, np.ones(3))
    expected = backprop.vjp(graph, values, {z: np.ones(3)})
    assert all(gradients[name].tobytes() == expected[name].tobytes() for name in graph.sources)


@exact_search
@given(graphs(most_vertices=5), st.data())
def test_symbol_to_symbol_is_symbol_to_number(graph, data):
    inputs = {name: data.draw(rationals())[()] for name in graph.sources}
    drawn, z = variable_graph(graph), graph.variables[-1]
    u = goodfellow.forward_propagation(drawn, inputs)
    bigger, names = goodfellow.symbol_to_symbol(drawn, z, graph.sources)
    v = goodfellow.forward_propagation(bigger, inputs)
    assert {name: v[at] for name, at in names.items()} == goodfellow.build_gradients(drawn, u, z, graph.sources)
    assert drawn.operations.items() <= bigger.operations.items() and drawn.edges <= bigger.edges


def test_symbol_to_symbol_to_any_order():
    """z = x^4 by two squarings: 4 x^3, 12 x^2, 24 x, 24, 0."""
    graph, name = variable_graph(chain(operations.squared, 2)), "v2"
    x = Fraction(5, 3)
    for expected in (4 * x**3, 12 * x**2, 24 * x, 24, 0):
        graph, names = goodfellow.symbol_to_symbol(graph, name, ["v0"])
        name = names["v0"]
        assert goodfellow.forward_propagation(graph, {"v0": x})[name] == expected


def test_the_gradient_graph_of_a_multi_output_operation_differentiates_again():
    """z = (x + y) (x y): its second derivatives are 2 y, 2 (x + y), 2 x."""
    both = Vertex(operations.sum_and_product, ("x", "y"), ("s", "p"))
    graph = variable_graph(Graph(("x", "y"), (both, Vertex(operations.multiply, ("s", "p"), ("z",)))))
    first, names = goodfellow.symbol_to_symbol(graph, "z", ["x", "y"])
    x, y = Fraction(2, 3), Fraction(5)
    second = {}
    for row in ("x", "y"):
        again, columns = goodfellow.symbol_to_symbol(first, names[row], ["x", "y"])
        u = goodfellow.forward_propagation(again, {"x": x, "y": y})
        second[row] = [u[columns[column]] for column in ("x", "y")]
    assert second == {"x": [2 * y, 2 * (x + y)], "y": [2 * (x + y), 2 * x]}


def test_the_table_is_small_where_the_paths_are_many():
    graph = variable_graph(diamonds(60))
    u = goodfellow.forward_propagation(graph, {"v0": Fraction(1)})
    table = goodfellow.table_filling(graph, u, "v60")
    assert table["v0"] == 2**60 and len(table) == 61
    assert goodfellow.build_gradients(graph, u, "v60", ["v0"]) == {"v0": 2**60}
    bigger, _ = goodfellow.symbol_to_symbol(graph, "v60", ["v0"])
    assert len(bigger.operations) == 61 + 1 + 60  # the graph, the seed, and one addition for every diamond


def test_each_operand_stays_though_only_one_is_a_target():
    """d(w x)/dw is x: the inputs are those of the whole graph, pruned is only what is differentiated."""
    graph = variable_graph(Graph(("w", "x"), (Vertex(operations.multiply, ("w", "x"), ("z",)),)))
    u = goodfellow.forward_propagation(graph, {"w": 2.0, "x": 5.0})
    assert goodfellow.build_gradients(graph, u, "z", ["w"]) == {"w": 5.0}


def test_nothing_is_asked_outside_of_the_pruned_graph():
    """A branch that leads from no target costs nothing, though it leads to z."""
    untouchable = operations.Operation("untouchable", 1, 1, lambda x: (x,), lambda x, y, c: 1 / 0, lambda x, y, t: t)
    vertices = (Vertex(untouchable, ("x",), ("a",)), Vertex(operations.multiply, ("w", "a"), ("z",)))
    graph = variable_graph(Graph(("w", "x"), vertices))
    u = goodfellow.forward_propagation(graph, {"w": 2.0, "x": 5.0})
    assert goodfellow.build_gradients(graph, u, "z", ["w"]) == {"w": 5.0}
    with pytest.raises(ZeroDivisionError):
        goodfellow.build_gradients(graph, u, "z", ["x"])


def test_a_hundred_thousand_vertices_deep():
    graph = variable_graph(chain(operations.negative, 100_000))
    u = goodfellow.forward_propagation(graph, {"v0": 2.0})
    assert goodfellow.build_gradients(graph, u, "v100000", ["v0"]) == {"v0": 1.0}
    assert goodfellow.table_filling(graph, u, "v100000")["v0"] == 1.0


def test_what_does_not_fit_is_refused():
    graph = variable_graph(Graph(("x",), (Vertex(operations.squared, ("x",), ("z",)),)))
    u = goodfellow.forward_propagation(graph, {"x": np.ones(2)})
    with pytest.raises(
        GraphError, match=r"only a scalar has a gradient, not an output of shape \(2,\): give it a seed"
    ):
        goodfellow.build_gradients(graph, u, "z", ["x"])
    with pytest.raises(GraphError, match=r"the seed has shape \(\), but z has shape \(2,\)"):
        goodfellow.build_gradients(graph, u, "z", ["x"], 1.0)
    with pytest.raises(GraphError, match="w is not a variable"):
        goodfellow.build_gradients(graph, u, "z", ["w"])
    with pytest.raises(GraphError, match=r"has shape \(2,\); the table is for scalars"):
        goodfellow.table_filling(graph, u, "z")
    with pytest.raises(GraphError, match=r"needed for \['x'\], but came for \[\]"):
        goodfellow.forward_propagation(graph, {})


@exact_search
@given(graphs())
def test_tuples_and_their_projections_go_back_into_operations(graph):
    """H to variables and back is the same graph; variables to H and back is the same drawing."""
    drawn = variable_graph(graph)
    assert from_variables(drawn) == graph
    assert variable_graph(from_variables(drawn)) == drawn


def test_a_drawing_that_came_from_no_hypergraph_is_refused():
    both = Vertex(operations.sum_and_product, ("x", "y"), ("s", "p"))
    drawn = variable_graph(Graph(("x", "y"), (both,)))
    again = drawn.operations | {"q": drawn.operations["p"]}
    with pytest.raises(GraphError, match=r"port 1 of \(s, p\) has two projections"):
        from_variables(VariableGraph(again, drawn.edges | {("(s, p)", "q", 0)}))
    lone = {name: operation for name, operation in drawn.operations.items() if name != "p"}
    with pytest.raises(GraphError, match=r"has projections on the ports \[0\] of 2"):
        from_variables(VariableGraph(lone, frozenset(edge for edge in drawn.edges if edge[1] != "p")))
    with pytest.raises(GraphError, match="an edge leads to slot 1 of s, which has no such slot"):
        VariableGraph(drawn.operations, drawn.edges | {("x", "s", 1)})
    with pytest.raises(GraphError, match="input slot 0 of s has two edges"):
        VariableGraph(drawn.operations, drawn.edges | {("x", "s", 0)})
