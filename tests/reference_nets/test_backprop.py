"""Reverse, forward, gathered and path-summed derivatives are one, exactly; each wrong way of adding up is caught."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import backprop, generic, operations, path_sums
from reference_nets.graph import Graph, GraphError, Operation, Vertex
from tests.reference_nets.exact_numbers import (
    all_fractions,
    assert_caught,
    exact_search,
    lift,
    random_rationals,
    slope,
)
from tests.reference_nets.finite_differences import (
    DIGITS,
    central_difference,
    mp_cos,
    mp_exp,
    mp_sin,
    mp_tanh,
    to_mp,
)
from tests.reference_nets.random_graphs import MATRIX, chain, diamonds, graphs, problems
from tests.reference_nets.wrong_sweeps import SLIPS, adjoint_gap, vjp_with_a_slip

matrices = problems(shape=(2, 2), table=MATRIX, most_vertices=5)


@exact_search
@given(problems() | matrices)
def test_reverse_is_the_transpose_of_forward(problem):
    assert adjoint_gap(backprop.vjp, problem) == 0
    graph, values, tangents, seeds = problem
    assert all_fractions(list(backprop.vjp(graph, values, seeds, of=graph.variables).values()))
    assert all_fractions(list(backprop.jvp(graph, values, tangents).values()))


@exact_search
@given(problems() | matrices)
def test_forward_is_the_formal_derivative(problem):
    graph, values, tangents, _ = problem
    dual = backprop.evaluate(graph, {v: lift(values[v], tangents[v]) for v in graph.sources})
    moved = backprop.jvp(graph, values, tangents)
    assert all(np.all(moved[v] == slope(dual[v])) for v in graph.variables)


@exact_search
@given(problems(most_vertices=5))
def test_reverse_is_the_sum_over_paths(problem):
    graph, values, _, seeds = problem
    adjoints = backprop.vjp(graph, values, seeds, of=graph.variables)
    linear = path_sums.linearise(graph, values)
    for j, start in enumerate(linear.names):
        paths = sum(s * path_sums.sum_over_paths(linear, j, linear.number(end)) for end, s in seeds.items())
        assert adjoints[start] == paths


@exact_search
@given(problems() | matrices)
def test_gathering_is_scattering(problem):
    graph, values, _, seeds = problem
    one, other = (f(graph, values, seeds, of=graph.variables) for f in (backprop.vjp, backprop.vjp_gathering))
    assert all(np.all(one[v] == other[v]) for v in graph.variables)


@exact_search
@given(graphs(), st.integers(0, 2**32))
def test_gathering_is_scattering_bit_for_bit_in_floats(graph, seed):
    rng = np.random.default_rng(seed)
    values = backprop.evaluate(graph, {v: rng.normal(size=3) / 4 for v in graph.sources})
    values = {v: np.asarray(value, dtype=float) * np.ones(3) for v, value in values.items()}
    seeds = {v: rng.normal(size=3) for v in graph.variables[-2:]}
    one, other = (f(graph, values, seeds, of=graph.variables) for f in (backprop.vjp, backprop.vjp_gathering))
    assert all(one[v].tobytes() == other[v].tobytes() for v in graph.variables)


# Wrong twins ----------------------------------------------------------------------------------------------------------


@exact_search
@given(problems())
def test_the_skeleton_of_the_twins_without_a_slip_is_right(problem):
    assert adjoint_gap(vjp_with_a_slip("none"), problem) == 0


@pytest.mark.parametrize("slip", SLIPS)
def test_wrong_sweeps_are_caught(slip):
    assert_caught(problems(), lambda problem: adjoint_gap(vjp_with_a_slip(slip), problem) != 0)


def test_two_is_what_separates_x_times_x():
    graph = Graph(("x",), (Vertex(operations.multiply, ("x", "x"), ("y",)),))
    x, one = Fraction(3, 7), Fraction(1)
    values = backprop.evaluate(graph, {"x": x})
    assert backprop.vjp(graph, values, {"y": one}) == {"x": 2 * x}
    for slip in ("parents are a set", "overwritten instead of added"):
        assert vjp_with_a_slip(slip)(graph, values, {"y": one})["x"] == x


# Every operation, shapes, zeros, depth --------------------------------------------------------------------------------


def exact_operations():
    two_by_two = (2, 2)
    elementwise = [operations.add, operations.subtract, operations.multiply, operations.sum_and_product]
    yield from ((operation, (two_by_two, two_by_two)) for operation in elementwise)
    yield from ((operation, (two_by_two,)) for operation in (operations.negative, operations.squared, operations.cubed))
    yield operations.divide, ((2,), (2,))
    yield operations.matmul, ((2, 3), (3, 4))
    yield operations.total, ((2, 3),)
    yield operations.split, ((4, 2),)
    yield from ((operations.entrywise(f), ((3,),)) for f in (generic.identity, generic.bump, generic.relu))


@pytest.mark.parametrize("operation, shapes", [pytest.param(*case, id=case[0].name) for case in exact_operations()])
def test_every_rational_operation(operation, shapes):
    names, outputs = ("x", "y")[: len(shapes)], ("a", "b")[: operation.outputs]
    graph = Graph(names, (Vertex(operation, names, outputs),))
    # no entry is 0, which divide and relu need: 11 divides no denominator of a random rational
    inputs = {v: random_rationals(k, *shapes[k]) + Fraction(1, 11) for k, v in enumerate(names)}
    tangents = {v: random_rationals(k + 5, *shapes[k]) for k, v in enumerate(names)}
    values = backprop.evaluate(graph, inputs)
    seeds = {v: random_rationals(k + 7, *np.shape(values[v])) for k, v in enumerate(outputs)}
    dual = backprop.evaluate(graph, {v: lift(inputs[v], tangents[v]) for v in names})
    moved = backprop.jvp(graph, values, tangents)
    assert all(np.all(moved[v] == slope(dual[v])) for v in outputs)
    assert adjoint_gap(backprop.vjp, (graph, values, tangents, seeds)) == 0
    if operation.outputs == 2:
        alone = (graph, values, tangents, {"b": seeds["b"]})
        assert adjoint_gap(backprop.vjp, alone) == 0
        assert all_fractions(list(backprop.vjp(graph, values, {"b": seeds["b"]}).values()))


@pytest.mark.parametrize("name", ["sin", "cos", "exp", "tanh", "logistic"])
def test_every_transcendental_operation_against_finite_differences(name):
    """y = f(x), p = y x, s = y + x and z = p s, whose slope is known only if all paths are added."""
    activation = {
        "sin": generic.Activation("sin", mp_sin, mp_cos),
        "cos": generic.Activation("cos", mp_cos, lambda z: -mp_sin(z)),
        "exp": generic.Activation("exp", mp_exp, mp_exp),
        "tanh": generic.hyperbolic_tangent(mp_tanh),
        "logistic": generic.logistic(mp_exp),
    }[name]
    graph = Graph(
        ("x",),
        (
            Vertex(operations.entrywise(activation), ("x",), ("y",)),
            Vertex(operations.sum_and_product, ("y", "x"), ("s", "p")),
            Vertex(operations.multiply, ("p", "s"), ("z",)),
        ),
    )
    with mpmath.workdps(DIGITS):
        x = mpmath.mpf(3) / 7
        value, bound = central_difference(lambda t: backprop.evaluate(graph, {"x": x + t})["z"])
        assert abs(backprop.gradient(graph, {"x": x}, "z")["x"] - value) <= bound < 1e-25
        wrong = vjp_with_a_slip("overwritten instead of added")
        values = backprop.evaluate(graph, {"x": x})
        assert abs(wrong(graph, values, {"z": mpmath.mpf(1)})["x"] - value) > bound


def test_float_operations_are_the_same_formulas():
    """The records over NumPy's functions against the records over 60 digits, at one point.

    Each value passes through at most 6 roundings and 2 library functions, of 1 ulp each at worst: 8 * 2^-52 in all.
    """
    pairs = {
        operations.sin: generic.Activation("sin", mp_sin, mp_cos),
        operations.cos: generic.Activation("cos", mp_cos, lambda z: -mp_sin(z)),
        operations.exp: generic.Activation("exp", mp_exp, mp_exp),
        operations.tanh: generic.hyperbolic_tangent(mp_tanh),
    }
    x = np.array([-0.75, 0.5, 1.25])
    for operation, precise in pairs.items():
        (got,) = operation.vjp((x,), operation.evaluate(x), (np.ones(3),))
        with mpmath.workdps(DIGITS):
            expected = precise.derivative(to_mp(x)).astype(float)
        # 1 - tanh^2 is computed as a product whose factor 1 - tanh >= 0.15 magnifies an error of tanh by less than 6
        np.testing.assert_allclose(got, expected, rtol=6 * 8 * 2.0**-52, atol=0)


def test_a_target_that_is_no_ancestor_gets_a_zero_of_its_shape_and_type():
    graph = Graph(
        ("x", "idle"), (Vertex(operations.squared, ("x",), ("y",)), Vertex(operations.exp, ("y",), ("dead",)))
    )
    inputs = {"x": np.array([1.0, -2.0]), "idle": np.ones((2, 3), dtype=np.float32)}
    adjoints = backprop.vjp(graph, backprop.evaluate(graph, inputs), {"y": np.ones(2)}, of=("idle", "dead", "x"))
    assert adjoints["idle"].shape == (2, 3) and adjoints["idle"].dtype == np.float32 and not adjoints["idle"].any()
    assert adjoints["dead"].shape == (2,) and not adjoints["dead"].any()
    assert adjoints["x"].tolist() == [2.0, -4.0]


def test_a_dead_end_passes_nothing_on_even_where_its_slope_is_infinite():
    """0 times an infinite partial would be nan: what was not reached must not be multiplied by zero."""
    root = operations.entrywise(generic.Activation("root", np.sqrt, lambda z: np.full_like(z, np.inf)))
    graph = Graph(("x",), (Vertex(root, ("x",), ("dead",)), Vertex(operations.squared, ("x",), ("y",))))
    assert backprop.gradient(graph, {"x": np.array(0.0)}, "y")["x"] == 0


def test_what_does_not_fit_is_refused():
    graph = Graph(("x", "y"), (Vertex(operations.multiply, ("x", "y"), ("z",)),))
    values = backprop.evaluate(graph, {"x": np.ones(2), "y": np.ones(2)})
    with pytest.raises(GraphError, match=r"needed for the sources \['x', 'y'\], but came for \['x'\]"):
        backprop.evaluate(graph, {"x": np.ones(2)})
    with pytest.raises(GraphError, match=r"z has shape \(2,\), not \(\): use vjp with a cotangent"):
        backprop.gradient(graph, {"x": np.ones(2), "y": np.ones(2)}, "z")
    with pytest.raises(GraphError, match="w is not a variable"):
        backprop.gradient(graph, {"x": np.ones(2), "y": np.ones(2)}, "w")
    with pytest.raises(GraphError, match=r"z has shape \(2,\), but was given \(3,\)"):
        backprop.vjp(graph, values, {"z": np.ones(3)})
    with pytest.raises(GraphError, match="w is not a variable"):
        backprop.vjp(graph, values, {"w": np.ones(2)})
    for derivative in (backprop.vjp, backprop.vjp_gathering):
        with pytest.raises(GraphError, match="w is not a variable"):
            derivative(graph, values, {"z": np.ones(2)}, of=["w"])
    with pytest.raises(GraphError, match=r"\['z'\] are not sources"):
        backprop.jvp(graph, values, {"z": np.ones(2)})
    broadcast = {"x": np.ones(2), "y": np.array(1.0)}
    with pytest.raises(GraphError, match=r"the cotangent of input 1 has shape \(2,\), but the input has shape \(\)"):
        backprop.vjp(graph, backprop.evaluate(graph, broadcast), {"z": np.ones(2)})
    rows = Graph(("x",), (Vertex(operations.split, ("x",), ("a", "b")),))
    with pytest.raises(GraphError, match="even number of rows, not 3"):
        backprop.evaluate(rows, {"x": np.ones(3)})


def test_a_hundred_thousand_vertices_deep():
    """No recursion: x -> -x, an even number of times; and as many diamonds as a float can count the paths of."""
    depth = 100_000
    graph = chain(operations.negative, depth)
    values = backprop.evaluate(graph, {"v0": np.array(2.0)})
    assert backprop.vjp(graph, values, {f"v{depth}": np.array(1.0)}) == {"v0": 1.0}
    assert backprop.vjp_gathering(graph, values, {f"v{depth}": np.array(1.0)}) == {"v0": 1.0}
    assert backprop.jvp(graph, values, {"v0": np.array(1.0)}, of=[f"v{depth}"]) == {f"v{depth}": 1.0}
    assert backprop.gradient(diamonds(1000), {"v0": np.array(1.0)}, "v1000")["v0"] == 2.0**1000


def test_each_vertex_is_pulled_back_once_however_many_paths_there_are():
    """The cost is one vjp per vertex, though k diamonds have 2^k paths."""
    calls = []

    def pull(x, y, c):
        calls.append(1)
        return c[0], c[0]

    counted = Operation("add", 2, 1, operations.add.evaluate, pull, operations.add.jvp)
    vertices = tuple(Vertex(counted, (f"v{k}", f"v{k}"), (f"v{k + 1}",)) for k in range(40))
    assert backprop.gradient(Graph(("v0",), vertices), {"v0": Fraction(1)}, "v40") == {"v0": 2**40}
    assert len(calls) == 40
    few = diamonds(10)
    values = backprop.evaluate(few, {"v0": Fraction(1)})
    linear = path_sums.linearise(few, values)
    assert path_sums.sum_over_paths(linear, 0, 10) == 2**10
