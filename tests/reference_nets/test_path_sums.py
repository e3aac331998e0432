"""Forward and back substitution are forward and reverse mode; elimination in any order keeps all sums over paths."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import backprop, operations
from reference_nets.elimination import eliminate
from reference_nets.graph import Graph, GraphError, Vertex
from reference_nets.path_sums import (
    LinearGraph,
    back_substitution,
    forward_substitution,
    inverse,
    linearise,
    paths,
    sum_over_paths,
)
from tests.reference_nets.exact_numbers import assert_caught, exact_search
from tests.reference_nets.random_graphs import chain, diamonds, problems


@exact_search
@given(problems())
def test_the_two_substitutions_are_the_two_modes(problem):
    graph, values, tangents, seeds = problem
    linear = linearise(graph, values)
    moved = forward_substitution(linear, [tangents.get(name, Fraction(0)) for name in linear.names])
    bars = back_substitution(linear, [seeds.get(name, Fraction(0)) for name in linear.names])
    assert dict(zip(linear.names, moved, strict=True)) == backprop.jvp(graph, values, tangents)
    assert dict(zip(linear.names, bars, strict=True)) == backprop.vjp(graph, values, seeds, of=graph.variables)


@exact_search
@given(problems(most_vertices=6))
def test_the_inverse_holds_the_sum_over_paths(problem):
    graph, values, _, _ = problem
    linear = linearise(graph, values)
    n, entries = len(linear.names), inverse(linear)
    for i, j in itertools.product(range(n), repeat=2):
        assert entries[i][j] == sum_over_paths(linear, j, i)
    for i, j in itertools.product(range(n), repeat=2):  # (I - C) times it is I
        assert entries[i][j] - sum(c * entries[k][j] for k, c in linear.rows[i].items()) == int(i == j)


@exact_search
@given(problems(), st.data())
def test_elimination_in_any_order_gives_the_jacobian(problem, data):
    graph, values, _, _ = problem
    linear = linearise(graph, values)
    outputs = data.draw(st.sets(st.sampled_from(graph.variables), min_size=1))
    stay = {linear.number(name) for name in outputs | set(graph.sources)}
    gone = data.draw(st.permutations([i for i in range(len(linear.names)) if i not in stay]))
    left = eliminate(linear, gone)
    assert set(left.rows) == stay
    reduced = LinearGraph(tuple(linear.names[i] for i in sorted(stay)), _renumbered(left.rows, sorted(stay)))
    for output, source in itertools.product(outputs, graph.sources):
        expected = backprop.vjp(graph, values, {output: Fraction(1)})[source]
        assert sum_over_paths(reduced, reduced.number(source), reduced.number(output)) == expected


def _renumbered(rows, stay):
    """An output may read another, so what is left can have paths of several edges."""
    return tuple({stay.index(j): c for j, c in rows[i].items()} for i in stay)


def test_an_order_is_dear_or_cheap_but_never_wrong():
    """k inputs summed one after the other, then a chain: last to first costs k n products less than first to last."""
    k, n = 6, 10
    adding = [Vertex(operations.add, (f"s{i - 1}" if i > 1 else "x0", f"x{i}"), (f"s{i}",)) for i in range(1, k)]
    tail = [Vertex(operations.squared, (f"s{k - 1}" if i == 0 else f"t{i - 1}",), (f"t{i}",)) for i in range(n)]
    graph = Graph(tuple(f"x{i}" for i in range(k)), (*adding, *tail))
    values = backprop.evaluate(graph, {name: Fraction(1, 10) for name in graph.sources})
    linear = linearise(graph, values)
    inner = range(k, len(linear.names) - 1)
    forward, reverse = eliminate(linear, inner), eliminate(linear, reversed(inner))
    assert forward.rows == reverse.rows
    # last to first, every inner vertex has one reader, and as many products as inputs: 2 in the sum, 1 in the chain
    assert reverse.multiplications == 2 * (k - 1) + (n - 1)
    # first to last, the first i inputs have gathered in vertex i; behind the sum it is all k of them
    assert forward.multiplications == sum(range(2, k + 1)) + k * (n - 1)


def test_paths_are_listed_each_once():
    """Four diamonds of two vertices each: v -> a, b -> v' has 2 paths, and four in a row 16."""
    vertices = []
    for i in range(4):
        vertices += [
            Vertex(operations.negative, (f"v{i}",), (f"a{i}",)),
            Vertex(operations.squared, (f"v{i}",), (f"b{i}",)),
            Vertex(operations.add, (f"a{i}", f"b{i}"), (f"v{i + 1}",)),
        ]
    graph = Graph(("v0",), tuple(vertices))
    linear = linearise(graph, backprop.evaluate(graph, {"v0": Fraction(1, 3)}))
    found = list(paths(linear, 0, linear.number("v4")))
    assert len(found) == len(set(found)) == 16
    assert all(j in linear.rows[i] for path in found for i, j in itertools.pairwise(path))
    assert list(paths(linear, 3, 0)) == []


def test_edges_of_a_repeated_input_are_added():
    graph = diamonds(1)
    assert linearise(graph, backprop.evaluate(graph, {"v0": Fraction(5)})).rows == ({}, {0: 2})


def test_a_path_left_out_is_noticed():
    """An elimination that overwrites where it should add loses the paths that were there."""

    def loses(problem):
        graph, values, _, _ = problem
        linear = linearise(graph, values)
        rows = [dict(row) for row in linear.rows]
        for j in range(len(graph.sources), len(rows) - 1):
            for row in rows[j + 1 :]:
                if j in row:
                    through = row.pop(j)
                    row.update({k: through * c for k, c in rows[j].items()})  # should be added
        end = len(rows) - 1
        right = inverse(linear)[end]
        return any(rows[end].get(j, 0) != right[j] for j in range(len(graph.sources)))

    assert_caught(problems(), loses)


def test_long_chains_need_no_recursion():
    n = 20_000
    graph = chain(operations.negative, n)
    linear = linearise(graph, backprop.evaluate(graph, {"v0": 1.0}))
    unit = [1.0] + [0.0] * n
    assert forward_substitution(linear, unit)[-1] == back_substitution(linear, unit[::-1])[0] == 1.0
    assert eliminate(linear, range(1, n)).rows == {0: {}, n: {0: 1.0}}


def test_what_does_not_fit_is_refused():
    graph = chain(operations.squared, 2)
    with pytest.raises(GraphError, match=r"'v1 = square\(v0\)' is not about scalars"):
        linearise(graph, backprop.evaluate(graph, {"v0": np.ones(2)}))
    linear = linearise(graph, backprop.evaluate(graph, {"v0": 1.0}))
    with pytest.raises(GraphError, match="no vertex 1 to eliminate"):
        eliminate(linear, [1, 1])
