"""Every trap is refuted twice: by the exact relation that its docstring states, and by ``gradcheck.check``.

The right implementation, given the same graph, is accepted; so it is the trap that is refused and not the graph.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcheck
from reference_nets import backprop, operations, wrong_graphs
from reference_nets.graph import Graph, Vertex
from tests.reference_nets.exact_numbers import exact_search, random_rationals, rationals
from tests.reference_nets.random_graphs import graphs, problems
from tests.reference_nets.wrong_sweeps import adjoint_gap


def one_vertex(operation, *inputs, sources=("x",)):
    return Graph(sources, (Vertex(operation, inputs, ("z",)),))


TELLING = {
    "G1": one_vertex(operations.subtract, "y", "x", sources=("x", "y")),
    "G2": one_vertex(operations.multiply, "x", "x"),
    "G3": one_vertex(operations.multiply, "w", "x", sources=("w", "x")),
    "G4": one_vertex(operations.subtract, "x", "x"),
    "G5": one_vertex(operations.squared, "x", sources=("x", "idle")),
    "G6": one_vertex(operations.squared, "x"),
}
"""For each trap a graph that shows it; z is an array in all of them."""


def as_functions(graph, reverse):
    """A graph as a function of arrays with a vjp, as ``gradcheck.check`` takes it."""

    def forward(*inputs):
        return backprop.evaluate(graph, dict(zip(graph.sources, inputs, strict=True)))["z"]

    def vjp(cotangent, *inputs):
        values = backprop.evaluate(graph, dict(zip(graph.sources, inputs, strict=True)))
        bars = reverse(graph, values, {"z": cotangent})
        return tuple(bars[name] for name in graph.sources)

    return forward, vjp


BLAMED = {"G1": {"x0", "x1"}, "G2": {"x0"}, "G3": {"x0"}, "G4": {"x0"}, "G5": {"x1"}, "G6": {"x0"}}
"""The arguments whose gradient is wrong, as ``gradcheck.check`` calls them."""


@pytest.mark.parametrize("trap", TELLING)
def test_the_checker_refuses_the_trap_and_accepts_the_right_one(trap):
    graph = TELLING[trap]
    inputs = tuple(np.array([0.75, -1.5, 2.25]) + k for k in range(len(graph.sources)))
    assert gradcheck.check(*as_functions(graph, backprop.vjp), inputs, seed=0).ok
    refused = gradcheck.check(*as_functions(graph, wrong_graphs.TRAPS[trap]), inputs, seed=0)
    assert not refused.ok
    assert {finding.argument for finding in refused.findings if finding.severity in ("wrong", "contract")} == BLAMED[
        trap
    ]


def both(trap, inputs, seeds):
    graph = TELLING[trap]
    values = backprop.evaluate(graph, inputs)
    return (reverse(graph, values, seeds) for reverse in (wrong_graphs.TRAPS[trap], backprop.vjp))


@exact_search
@given(rationals(3), rationals(3), rationals(3), rationals(3))
def test_the_relations_of_the_docstrings_hold_exactly(x, y, c, d):
    wrong, right = both("G1", {"x": x, "y": y}, {"z": c})
    assert all(np.all(wrong[name] == -right[name]) for name in "xy")
    wrong, right = both("G2", {"x": x}, {"z": c})
    assert np.all(2 * wrong["x"] == right["x"])
    wrong, right = both("G3", {"w": x, "x": y}, {"z": c})
    assert np.all(wrong["w"] * y == right["w"])
    wrong, right = both("G4", {"x": x}, {"z": c})
    assert np.all(wrong["x"] == c) and np.all(right["x"] == 0)
    wrong, right = both("G5", {"x": x, "idle": y}, {"z": c})
    assert np.shape(wrong["idle"]) == () and np.shape(right["idle"]) == (3,) and np.all(right["idle"] == 0)
    (wrong, right), (again, _) = both("G6", {"x": x}, {"z": c}), both("G6", {"x": x}, {"z": d})
    assert np.all(wrong["x"] == again["x"]) and np.all(c * wrong["x"] == right["x"])


@exact_search
@given(problems())
def test_the_sweep_into_which_the_errors_are_put_is_right(problem):
    def without_error(graph, values, seeds):
        return wrong_graphs._sweep(graph, values, seeds, wrong_graphs._all_ports(values))

    assert adjoint_gap(without_error, problem) == 0


@exact_search
@given(graphs(), st.data())
def test_without_repeated_inputs_the_traps_of_repetition_are_right(graph, data):
    """G2 and G4 need a repeated input, and are exactly right without: the relation names the cause."""
    repeated = any(len(set(vertex.inputs)) < len(vertex.inputs) for vertex in graph.vertices)
    values = backprop.evaluate(graph, {name: data.draw(rationals())[()] for name in graph.sources})
    seeds = {graph.variables[-1]: Fraction(1)}
    right = backprop.vjp(graph, values, seeds)
    for trap in ("G2", "G4"):
        assert repeated or wrong_graphs.TRAPS[trap](graph, values, seeds) == right


# G7 -------------------------------------------------------------------------------------------------------------------


def cross_entropy(logits, p):
    shifted = logits - logits.max()
    return -(p * (shifted - np.log(np.exp(shifted).sum()))).sum()


def right_by_logits(logits, p):
    q = np.exp(logits - logits.max())
    return q / q.sum() * p.sum() - p


LOGITS = np.array([0.25, -1.0, 1.5])


def test_softmax_minus_target_is_refused_where_the_target_does_not_sum_to_one():
    def judged(gradient, p):
        return gradcheck.check(lambda z: cross_entropy(z, p), lambda c, z: c * gradient(z, p), (LOGITS,), seed=0)

    smoothed, probabilities = np.array([0.5, 0.25, 0.5]), np.array([0.5, 0.25, 0.25])
    assert not judged(wrong_graphs.softmax_minus_target, smoothed).ok
    assert judged(right_by_logits, smoothed).ok
    assert judged(wrong_graphs.softmax_minus_target, probabilities).ok


def test_softmax_minus_target_errs_by_q_times_what_is_missing_to_one():
    """Over the rationals, with 2^z for exp; the gradient is then that of the loss with log to base 2, up to ln 2."""
    power = np.frompyfunc(lambda z: Fraction(2) ** int(z), 1, 1)
    logits = np.array([Fraction(1), Fraction(-2), Fraction(0)], dtype=object)
    p = random_rationals(3, 3)
    q = power(logits - logits.max())
    q = q / q.sum()
    wrong = wrong_graphs.softmax_minus_target(logits, p, exp=power)
    assert p.sum() != 1
    assert np.all(wrong - (q * p.sum() - p) == q * (1 - p.sum()))
