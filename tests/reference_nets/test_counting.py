"""Counted, a value with its whole gradient costs at most five times the value: on every operation and on drawn graphs."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import backprop, generic, operations
from reference_nets.counting import Counted
from reference_nets.graph import Graph, Operation, Vertex, ancestors
from reference_nets.networks import FLOATS, NETWORKS, random_inputs
from tests.reference_nets.exact_numbers import assert_caught, exact_search
from tests.reference_nets.random_graphs import SCALAR, chain, graphs

UNARY = (
    operations.negative, operations.squared, operations.cubed, operations.entrywise(generic.bump), operations.exp,
    operations.log, operations.tanh, operations.sin, operations.cos, operations.over(3), operations.scaled(3),
    operations.shifted(3), operations.divided(3),
)  # fmt: skip
TABLE = (*SCALAR, operations.divide, operations.scaled(Fraction(3, 2)), operations.over(Fraction(1, 2)))


def costs(graph, inputs, z):
    """Operations of the value z, and of the value with its gradient by all sources that z depends on.

    Only the vertices that z depends on are there: what z does not need is not part of its cost.  Constants are sources
    here, or what is done with them alone would not be counted in the value, and would be in the gradient.
    """
    needed = ancestors(graph, [z])
    constants = {v.outputs[0]: v.operation.evaluate()[0] for v in graph.vertices if not v.inputs}
    inputs = {name: x for name, x in {**inputs, **constants}.items() if name in needed}
    kept = (v for v in graph.vertices if v.inputs and not needed.isdisjoint(v.outputs))
    graph = Graph(tuple(inputs), tuple(kept))
    tally = Counter()
    values = backprop.evaluate(graph, {name: Counted(x, tally) for name, x in inputs.items()})
    alone = tally.total()
    bars = backprop.vjp(graph, values, {z: Counted(1, tally)})
    return alone, tally.total(), {name: bar.value for name, bar in bars.items() if name not in constants}


def is_dear(vertex_costs):
    alone, together, _ = vertex_costs
    return together > 5 * alone


@pytest.mark.parametrize("operation", UNARY, ids=lambda operation: operation.name)
def test_every_operation_of_one_input(operation):
    alone, together, _ = costs(chain(operation, 1), {"v0": 1.25}, "v1")
    assert 0 < alone and together <= 5 * alone


TOGETHER = {operations.add: 2, operations.subtract: 3, operations.multiply: 4, operations.divide: 5}


@pytest.mark.parametrize("operation", TOGETHER, ids=lambda operation: operation.name)
def test_the_table_of_the_docstring(operation):
    """One source read twice: two contributions and so one addition, as the table charges for every vertex."""
    graph = Graph(("x",), (Vertex(operation, ("x", "x"), ("z",)),))
    alone, together, _ = costs(graph, {"x": Fraction(3)}, "z")
    assert (alone, together) == (1, TOGETHER[operation])


@exact_search
@given(graphs(table=TABLE, most_vertices=12), st.integers(1, 50))
def test_the_cheap_gradient_principle_on_drawn_graphs(graph, number):
    inputs = {name: Fraction(number + 7 * k, 13 + k) for k, name in enumerate(graph.sources)}
    try:
        counted = costs(graph, inputs, graph.variables[-1])
        plain = backprop.gradient(graph, inputs, graph.variables[-1])
    except ZeroDivisionError:
        return  # a drawn divisor is 0: there is no value to count
    assert not is_dear(counted)
    assert all(plain[name] == slope for name, slope in counted[2].items())


def test_many_inputs_cost_no_more():
    """x0 x1 ... x(n - 1): n partials for 3 (n - 1) operations more or less; one by one they would be n^2."""
    n = 200
    vertices = [Vertex(operations.multiply, (f"x{i}", f"p{i - 1}" if i > 1 else "x0"), (f"p{i}",)) for i in range(1, n)]
    graph = Graph(tuple(f"x{i}" for i in range(n)), tuple(vertices))
    alone, together, slopes = costs(graph, {name: Fraction(1) for name in graph.sources}, f"p{n - 1}")
    assert (alone, together) == (n - 1, 3 * (n - 1)) and len(slopes) == n


def test_a_wasteful_rule_is_caught():
    """A quotient whose rule squares the divisor and divides twice passes every test of its value, but is too dear."""

    def wasteful(x, y, c):
        return c[0] / x[1], -c[0] * x[0] / (x[1] * x[1])

    dear = Operation("dear", 2, 1, operations.divide.evaluate, wasteful, operations.divide.jvp)
    graph = Graph(("x", "y"), (Vertex(dear, ("x", "y"), ("z",)), Vertex(dear, ("z", "x"), ("w",))))
    inputs = {"x": Fraction(3), "y": Fraction(2)}
    assert is_dear(costs(graph, inputs, "w"))
    assert backprop.gradient(graph, inputs, "w")["y"] == Fraction(-1, 4)


def test_forward_mode_is_not_cheap():
    """The same gradient by one tangent for each source: the bound is about reverse mode, and it can fail."""

    def by_tangents(graph):
        tally = Counter()
        values = backprop.evaluate(graph, {name: Counted(Fraction(2), tally) for name in graph.sources})
        alone = tally.total()
        for source in graph.sources:
            backprop.jvp(graph, values, {source: Counted(Fraction(1), tally)})
        return tally.total() > 5 * alone

    many = graphs(table=(operations.multiply, operations.squared), most_vertices=12)
    assert_caught(many, by_tangents)


# The networks ---------------------------------------------------------------------------------------------------------

FULL_HESSIAN = ("any network", "Hessian by nodes")
"""Section 8.4.3 of Rojas labels the nodes with a full Hessian, n^2 numbers: in the value of the one, in the vjp of the
other.  The principle is about gradients."""


def counted(tally, array):
    entries = np.empty(np.shape(array), dtype=object)
    entries[...] = np.frompyfunc(lambda value: Counted(value, tally), 1, 1)(array)
    return entries


@pytest.mark.parametrize("sizes", [(2, 3, 2), (4, 5, 3)], ids=str)
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in FULL_HESSIAN])
def test_every_network(name, sizes):
    """A vjp of the table goes forward itself, so that its operations are those of value and gradient together."""
    case, tally = NETWORKS[name], Counter()
    forward, vjp = case.build(FLOATS)
    inputs = [counted(tally, part) for part in random_inputs(case, np.random.default_rng(0), sizes)]
    value = forward(*inputs)
    alone = tally.total()
    tally.clear()
    vjp(counted(tally, np.ones(np.shape(value))), *inputs)
    assert 0 < tally.total() <= 5 * alone


def test_numbers_in_arrays_are_counted_one_by_one():
    tally = Counter()
    x, ones = Counted(3, tally), counted(tally, np.ones(4))
    for product in (x * ones, ones * x):
        assert product.shape == (4,) and all(entry.value == 3 for entry in product)
    assert tally == {"*": 8}


def test_the_numbers_count_what_is_done():
    tally = Counter()
    x, y = Counted(3, tally), Counted(2, tally)
    z = (1 + x * y - 1) / 2 + 6 / x - (-y) + 2 * np.exp(y) + (4 - x)
    assert z.value == 3 + 2 + 2 + 2 * math.exp(2) + 1
    assert tally == {"*": 2, "+": 4, "-": 3, "/": 2, "neg": 1, "exp": 1}
