"""A gradient that is a graph gives, at numbers, what the gradient as numbers is; differentiated again, to any order."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import backprop, generic, operations
from reference_nets.graph import Graph, GraphError, Operation, Vertex
from reference_nets.symbols import Drawing, gradient_graph, vjp_graph
from tests.reference_nets.exact_numbers import (
    assert_caught,
    exact_search,
    lift,
    random_rationals,
    rationals,
    slope,
    slope_by_interpolation,
)
from tests.reference_nets.finite_differences import (
    DIGITS,
    central_difference,
    mp_cos,
    mp_exp,
    mp_log,
    mp_sin,
    mp_tanh,
)
from tests.reference_nets.random_graphs import MATRIX, diamonds, graphs, problems


def run(derived, inputs, seeds=None):
    """The derivatives that a derived graph holds, at numbers."""
    cotangents = {derived.seeds[z]: seed for z, seed in (seeds or {}).items()}
    values = backprop.evaluate(derived.graph, {**inputs, **cotangents})
    return {name: values[at] for name, at in derived.names.items()}


@exact_search
@given(problems() | problems(shape=(2, 2), table=MATRIX, most_vertices=5))
def test_symbols_then_numbers_is_numbers(problem):
    graph, values, _, seeds = problem
    derived = vjp_graph(graph, seeds, of=graph.variables)
    inputs = {name: values[name] for name in graph.sources}
    got, expected = run(derived, inputs, seeds), backprop.vjp(graph, values, seeds, of=graph.variables)
    assert all(np.all(got[name] == expected[name]) for name in graph.variables)
    assert derived.graph.vertices[: len(graph.vertices)] == graph.vertices


@st.composite
def second_order(draw, **choices):
    """(graph, scalar z in it, values of the sources, a direction): all scalar and rational."""
    graph = draw(graphs(**choices))
    inputs, direction = ({name: draw(rationals())[()] for name in graph.sources} for _ in range(2))
    return graph, graph.variables[-1], inputs, direction


def hessian(graph, z, inputs):
    first = gradient_graph(graph, z)
    second = {row: gradient_graph(first.graph, first.names[row], of=graph.sources) for row in graph.sources}
    return {row: run(derived, inputs) for row, derived in second.items()}


@exact_search
@given(second_order(most_vertices=5))
def test_the_gradient_of_the_gradient_is_the_formal_second_derivative(problem):
    """H d by symbols, against the part in e of the gradient at x + d e; and H is symmetric."""
    graph, z, inputs, direction = problem
    rows = hessian(graph, z, inputs)
    dual = backprop.gradient(graph, {v: lift(inputs[v], direction[v]) for v in graph.sources}, z)
    for row in graph.sources:
        assert sum(rows[row][column] * direction[column] for column in graph.sources) == slope(dual[row])
        assert all(rows[row][column] == rows[column][row] for column in graph.sources)


def power_graph(exponent):
    """x^n as x (x (x ...)), with every x the same variable."""
    names = ["x", *(f"p{k}" for k in range(2, exponent + 1))]
    return Graph(("x",), tuple(Vertex(operations.multiply, ("x", a), (b,)) for a, b in itertools.pairwise(names)))


def derivatives(graph, target, orders):
    """The graph and the names of target, target', target'' ... by its only source."""
    names = [target]
    for _ in range(orders):
        derived = gradient_graph(graph, names[-1])
        graph = derived.graph
        names.append(derived.names["x"])
    return graph, names


def test_all_orders_of_a_power():
    """x^5 and its derivatives 5!/(5 - k)! x^(5 - k), up to the sixth, which is 0."""
    graph, names = derivatives(power_graph(5), "p5", 6)
    x = Fraction(-3, 2)
    values = backprop.evaluate(graph, {"x": x})
    assert [values[name] for name in names] == [math.perm(5, k) * x ** (5 - k) if k <= 5 else 0 for k in range(7)]


def test_all_orders_of_the_elementary_functions_in_fifty_digits():
    """exp(sin x) + log(x) tanh(x) cos(x), to the fourth order, against mpmath's Taylor coefficients.

    mpmath.taylor works by differences at a precision of its own, four times as many digits; it and the graph, whose
    few dozen operations have one rounding each, are here asked for 40 of 50 digits.
    """
    f = operations.elementary(mp_exp, mp_log, mp_tanh, mp_sin, mp_cos)
    vertices = (
        Vertex(f.sin, ("x",), ("s",)),
        Vertex(f.exp, ("s",), ("e",)),
        Vertex(f.log, ("x",), ("l",)),
        Vertex(f.tanh, ("x",), ("t",)),
        Vertex(f.cos, ("x",), ("c",)),
        Vertex(operations.multiply, ("l", "t"), ("lt",)),
        Vertex(operations.multiply, ("lt", "c"), ("ltc",)),
        Vertex(operations.add, ("e", "ltc"), ("z",)),
    )
    graph, names = derivatives(Graph(("x",), vertices), "z", 4)
    with mpmath.workdps(50):
        x = mpmath.mpf(5) / 4
        values = backprop.evaluate(graph, {"x": x})

        def function(t):
            return mpmath.exp(mpmath.sin(t)) + mpmath.log(t) * mpmath.tanh(t) * mpmath.cos(t)

        for order, (name, coefficient) in enumerate(zip(names, mpmath.taylor(function, x, 4), strict=True)):
            expected = coefficient * mpmath.factorial(order)
            assert abs(values[name] - expected) <= abs(expected) * mpmath.mpf(10) ** -40


def test_the_slope_of_a_polynomial_graph_by_interpolation():
    """A second route that shares nothing with a backward pass: f'' at 0 from the values of f' at degree + 1 points."""
    graph, names = derivatives(power_graph(4), "p4", 2)

    def first(x):
        return backprop.evaluate(graph, {"x": x})[names[1]]

    x = Fraction(2, 7)
    assert backprop.evaluate(graph, {"x": x})[names[2]] == slope_by_interpolation(lambda t: first(x + t), 3)


def test_tensors_differentiate_again():
    """The Hessian-vector product of a scalar function of two matrices, against dual numbers."""
    vertices = (
        Vertex(operations.matmul, ("x", "y"), ("a",)),
        Vertex(operations.transpose, ("a",), ("b",)),
        Vertex(operations.split, ("b",), ("u", "v")),
        Vertex(operations.multiply, ("u", "v"), ("w",)),
        Vertex(operations.joined, ("w", "u"), ("j",)),
        Vertex(operations.entrywise(generic.bump), ("j",), ("k",)),
        Vertex(operations.total, ("k",), ("z",)),
    )
    graph = Graph(("x", "y"), vertices)
    inputs = {"x": random_rationals(1, 3, 2), "y": random_rationals(2, 2, 4)}
    direction = {"x": random_rationals(3, 3, 2), "y": random_rationals(4, 2, 4)}
    first = gradient_graph(graph, "z")
    seeds = {first.names[name]: direction[name] for name in graph.sources}
    second = vjp_graph(first.graph, seeds, of=graph.sources)
    by_symbols = run(second, inputs, seeds)
    dual = backprop.gradient(graph, {v: lift(inputs[v], direction[v]) for v in graph.sources}, "z")
    assert all(np.all(by_symbols[name] == slope(dual[name])) for name in graph.sources)


def test_relu_is_drawn_and_has_no_curvature():
    relu = operations.entrywise(generic.relu)
    graph = Graph(("x",), (Vertex(relu, ("x",), ("r",)), Vertex(operations.multiply, ("r", "x"), ("z",))))
    derived, names = derivatives(graph, "z", 2)
    for x, expected in ((Fraction(3), [9, 6, 2]), (Fraction(-3), [0, 0, 0])):
        values = backprop.evaluate(derived, {"x": x})
        assert [values[name] for name in names] == expected


def test_elementary_functions_of_numpy_are_drawn():
    """tanh as an activation record calls np.tanh on a symbol; its slope at a number is then the record's own."""
    graph = Graph(("x",), (Vertex(operations.entrywise(generic.hyperbolic_tangent()), ("x",), ("z",)),))
    second = gradient_graph(gradient_graph(graph, "z").graph, gradient_graph(graph, "z").names["x"])
    x = 0.5
    with mpmath.workdps(DIGITS):
        expected, bound = central_difference(lambda t: 1 - mpmath.tanh(x + t) ** 2)
        # about ten operations of one rounding each and three calls of tanh, none of which cancels: 20 x 2^-53
        assert abs(run(second, {"x": x})["x"] - expected) <= abs(expected) * 20 * mpmath.mpf(2) ** -53 + bound


def test_diamonds_have_a_small_graph_of_derivatives():
    """2^k paths, but a fixed number of vertices for each diamond, in the first and the second derivative."""

    def sizes(count):
        squares = Vertex(operations.squared, (f"v{count}",), ("z",))
        graph = Graph(("v0",), (*diamonds(count).vertices, squares))
        first = gradient_graph(graph, "z")
        second = gradient_graph(first.graph, first.names["v0"])
        return first, second, len(first.graph.vertices), len(second.graph.vertices)

    first, second, *_ = sizes(40)
    assert run(first, {"v0": Fraction(3)}) == {"v0": 2 * 3 * 2**80}
    assert run(second, {"v0": Fraction(3)}) == {"v0": 2 * 2**80}
    counts = np.array([sizes(count)[2:] for count in (10, 20, 30)])
    assert np.all(np.diff(counts, n=2, axis=0) == 0)


def test_a_cotangent_that_is_there_already_gets_a_name_of_its_own():
    """z = x^2 pulled back with a, and the same z once more with b: two sources, and the second adjoint is 2 x b."""
    graph = Graph(("x",), (Vertex(operations.squared, ("x",), ("z",)),))
    first = vjp_graph(graph, ["z"])
    second = vjp_graph(first.graph, ["z"], of=["x"])
    assert first.seeds["z"] != second.seeds["z"]
    x, a, b = Fraction(3), Fraction(5), Fraction(7)
    assert run(second, {"x": x, first.seeds["z"]: a}, {"z": b}) == {"x": 2 * x * b}


def test_dropping_vertices_drops_no_vertex_that_is_needed():
    graph = Graph(("x", "y"), (Vertex(operations.multiply, ("x", "y"), ("z",)),))
    both, one = gradient_graph(graph, "z"), gradient_graph(graph, "z", of=["x"])
    assert run(one, {"x": 2.0, "y": 3.0}) == {"x": 3.0}
    assert len(one.graph.vertices) < len(both.graph.vertices)


def test_vertices_without_outputs_stay():
    sink = Operation("sink", 1, 0, lambda x: (), lambda x, y, c: (x[0] * 0,), lambda x, y, t: ())
    graph = Graph(("x",), (Vertex(sink, ("x",), ()), Vertex(operations.squared, ("x",), ("z",))))
    assert gradient_graph(graph, "z").graph.vertices[:2] == graph.vertices


def test_a_wrong_rule_for_symbols_is_caught():
    """An operation whose derivative is right as a number but is hidden from the drawing: the second order is wrong."""

    def frozen(x, y, c):
        return (operations.multiply(c[0], operations.scaled(0)(x[0])[0] + 2)[0],)  # slope 2 at x = 1, and at 1 alone

    wrong = Operation("square at 1", 1, 1, lambda x: (x * x,), frozen, lambda x, y, t: (2 * t[0],))
    graph = Graph(("x",), (Vertex(wrong, ("x",), ("z",)),))
    first = gradient_graph(graph, "z")
    assert run(first, {"x": Fraction(1)}) == {"x": 2}
    assert hessian(graph, "z", {"x": Fraction(1)}) == {"x": {"x": 0}} != {"x": {"x": 2}}


def test_second_order_tells_gradient_graphs_apart():
    """The Hessian of some drawn graph is not zero: the tests above do not compare zeros only."""
    assert_caught(
        second_order(most_vertices=5),
        lambda problem: any(v for row in hessian(*problem[:3]).values() for v in row.values()),
    )


def test_what_cannot_be_drawn_is_refused():
    drawing = Drawing()
    x, stranger = drawing.source("x"), Drawing().source("x")
    with pytest.raises(GraphError, match="is not a variable of this drawing"):
        x + stranger
    with pytest.raises(GraphError, match="whether it is true shows only when numbers come"):
        bool(x > 0)
    with pytest.raises(GraphError, match=r"numpy\.arctan of a symbol is not in the table"):
        np.arctan(x)
    with pytest.raises(GraphError, match=r"numpy\.multiply of a symbol is not in the table"):
        np.ones(2) * x
    with pytest.raises(GraphError, match="an array stands beside the symbol x; make it a source"):
        x * np.ones(2)
    with pytest.raises(GraphError, match="w is not a variable of the drawing"):
        drawing.variable("w")
    graph = Graph(("x",), (Vertex(operations.squared, ("x",), ("z",)),))
    with pytest.raises(GraphError, match=r"only a scalar has a gradient, not an output of shape \(2,\)"):
        run(gradient_graph(graph, "z"), {"x": np.ones(2)})
    for arguments in (("w",), ("z", ["w"])):
        with pytest.raises(GraphError, match="w is not a variable"):
            gradient_graph(graph, *arguments)


def test_every_way_to_write_arithmetic_with_symbols():
    """Each operator, with a symbol and with a number on either side, beside the same expression in rationals."""
    expressions = [
        lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: -x,
        lambda x, y: x + 3, lambda x, y: 3 + x, lambda x, y: x - 3, lambda x, y: 3 - x, lambda x, y: x * 3,
        lambda x, y: 3 * x, lambda x, y: x / 3, lambda x, y: 3 / x, lambda x, y: (x > y) * x, lambda x, y: (x > 1) * y,
    ]  # fmt: skip
    point = {"x": Fraction(5, 3), "y": Fraction(-2, 7)}
    for expression in expressions:
        drawing = Drawing()
        z = expression(drawing.source("x"), drawing.source("y"))
        values = backprop.evaluate(drawing.graph(), point)
        assert values[z.name] == expression(point["x"], point["y"])
        x, y = point.values()
        assert backprop.gradient(drawing.graph(), point, z.name) == {
            "x": slope(expression(lift(x, Fraction(1)), lift(y, Fraction(0)))),
            "y": slope(expression(lift(x, Fraction(0)), lift(y, Fraction(1)))),
        }
