"""On ALL small graphs reverse accumulation is the sum over paths, whatever the partials are, in every graph model.

The vertices are linear, v_i = sum_j w_ij v_j, with an indeterminate for every w_ij and one for the seed of every
variable; so what is compared are polynomials, and equality holds for all numbers.  More general vertices add nothing:
at given values reverse accumulation sees their partials only.

The sum over paths is written from the definition, without a graph: a sequence of vertices is a path if all its edges
are there.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

from reference_nets import backprop, goodfellow, path_sums
from reference_nets.elimination import eliminate
from reference_nets.graph import Graph, Operation, Vertex
from reference_nets.graph_models import from_operations, from_variables, operation_graph, variable_graph
from tests.reference_nets.polynomials import Polynomial, indeterminate
from tests.reference_nets.random_graphs import ports_as_names, rename
from tests.reference_nets.wrong_sweeps import SLIPS, vjp_with_a_slip

NEEDS_MORE = ("parents are a set", "only the first output is pulled back")
"""Slips that no graph of single edges and single outputs can show; ``test_backprop`` shows them."""
NAMES = "abcdef"
SIZE = len(NAMES)


@cache
def weight(start, end):
    return indeterminate(SIZE * start + end)


@cache
def seed(vertex):
    """On the diagonal, where no weight is."""
    return indeterminate(SIZE * vertex + vertex)


@cache
def linear(end, starts):
    """v_end = sum of w v_start; one record for each choice of parents."""
    weights = [weight(start, end) for start in starts]
    return Operation(
        f"linear{end}{starts}",
        len(starts),
        1,
        evaluate=lambda *x: (sum((w * v for w, v in zip(weights, x, strict=True)), Polynomial()),),
        vjp=lambda x, y, c: tuple(c[0] * w for w in weights),
        jvp=lambda x, y, t: (sum((w * v for w, v in zip(weights, t, strict=True)), Polynomial()),),
    )


def build(parents):
    """The port hypergraph of a choice of parents for every vertex; those without are sources."""
    sources = tuple(NAMES[i] for i, starts in enumerate(parents) if not starts)
    vertices = (
        Vertex(linear(i, starts), tuple(NAMES[j] for j in starts), (NAMES[i],))
        for i, starts in enumerate(parents)
        if starts
    )
    return Graph(sources, tuple(vertices))


@cache
def possible_paths(size, ordered):
    """All sequences of vertices: (start, end, edges needed, product of the weights times the seed of the end)."""
    found = []
    for length in range(1, size + 1):
        for path in (itertools.combinations if ordered else itertools.permutations)(range(size), length):
            edges = list(itertools.pairwise(path))
            product = seed(path[-1])
            for edge in edges:
                product = product * weight(*edge)
            (term,) = product.terms
            found.append((path[0], path[-1], sum(1 << (SIZE * j + i) for j, i in edges), term))
    return found


def sums_over_paths(parents, *, ordered, end=None):
    """For every vertex the sum over all paths from it (to the end, if said): what its adjoint should be."""
    size = len(parents)
    missing = ~sum(1 << (SIZE * j + i) for i, starts in enumerate(parents) for j in starts)
    terms = {name: {} for name in NAMES[:size]}
    for start, last, needed, term in possible_paths(size, ordered):
        if not needed & missing and end in (None, last):
            terms[NAMES[start]][term] = 1
    return {name: Polynomial(found) for name, found in terms.items()}


def ordered_dags(size):
    """Every set of edges that lead from a smaller number to a greater one."""
    subsets = [[s for length in range(i + 1) for s in itertools.combinations(range(i), length)] for i in range(size)]
    return itertools.product(*subsets)


def labelled_dags(size):
    """Every acyclic set of edges: those from which all vertices can be taken away, one without parents after the other."""
    pairs = [(j, i) for i in range(size) for j in range(size) if j != i]
    sets = np.arange(1 << len(pairs), dtype=np.uint32)
    parents = np.zeros((size, len(sets)), dtype=np.uint8)
    for bit, (j, i) in enumerate(pairs):
        parents[i] |= ((sets >> bit & 1) << j).astype(np.uint8)
    gone = np.zeros(len(sets), dtype=np.uint8)
    for _ in range(size):
        free = sum(((parents[i] & ~gone) == 0).astype(np.uint8) << i for i in range(size))
        gone |= free.astype(np.uint8)
    for place in np.flatnonzero(gone == (1 << size) - 1):
        yield tuple(tuple(j for j in range(size) if parents[i, place] >> j & 1) for i in range(size))


def check_every_model(parents, *, ordered):
    """Scattering on the hypergraph, gathering in the operation-vertex model, build_grad in the variable-vertex model."""
    graph = build(parents)
    names, zeros = graph.variables, dict.fromkeys(graph.variables, Polynomial())
    expected = sums_over_paths(parents, ordered=ordered)
    seeds = {name: seed(NAMES.index(name)) for name in names}
    assert backprop.vjp(graph, zeros, seeds, of=names) == expected

    called, drawn = ports_as_names(graph), from_operations(operation_graph(graph))
    assert drawn == rename(graph, called)
    zero = dict.fromkeys(drawn.variables, Polynomial())
    gathered = backprop.vjp_gathering(drawn, zero, {called[n]: s for n, s in seeds.items()}, of=drawn.variables)
    assert {name: gathered[called[name]] for name in names} == expected

    by_variables = variable_graph(graph)
    assert from_variables(by_variables) == graph
    last = len(parents) - 1
    z = NAMES[last]
    gradients = goodfellow.build_gradients(by_variables, zeros, z, names, seed(last))
    assert gradients == sums_over_paths(parents, ordered=ordered, end=last)


@pytest.mark.parametrize("size", range(1, SIZE + 1))
def test_every_set_of_edges_among_ordered_vertices(size):
    """2^(n (n - 1) / 2) graphs on n vertices; 2^15 on six."""
    checked = 0
    for parents in ordered_dags(size):
        check_every_model(parents, ordered=True)
        checked += 1
    assert checked == 2 ** (size * (size - 1) // 2)


LABELLED = [1, 3, 25, 543, 29281]
"""The labelled acyclic digraphs on 1 to 5 vertices; R. W. Robinson (1973), sequence A003024 of the OEIS."""


@pytest.mark.parametrize("size", range(1, len(LABELLED) + 1))
def test_every_labelled_graph(size):
    """The names say nothing of the order here: the vertices must be sorted first."""
    checked = 0
    for parents in labelled_dags(size):
        check_every_model(parents, ordered=False)
        checked += 1
    assert checked == LABELLED[size - 1]


@pytest.mark.parametrize("size", range(1, 6))
def test_the_other_ways_to_sum_over_paths(size):
    """Substitution with I - C in both directions, its inverse, elimination, and algorithm 6.2, on all ordered graphs."""
    rng = np.random.default_rng(size)
    for parents in ordered_dags(size):
        graph = build(parents)
        zeros = dict.fromkeys(graph.variables, Polynomial())
        linear_graph = path_sums.linearise(graph, zeros)
        names = linear_graph.names
        expected = sums_over_paths(parents, ordered=True)
        seeds = [seed(NAMES.index(name)) for name in names]
        assert dict(zip(names, path_sums.back_substitution(linear_graph, seeds), strict=True)) == expected
        inverse = path_sums.inverse(linear_graph)
        for j, name in enumerate(names):
            assert sum(s * row[j] for s, row in zip(seeds, inverse, strict=True)) == expected[name]
            assert expected[name] == sum(s * path_sums.sum_over_paths(linear_graph, j, i) for i, s in enumerate(seeds))
        z, end = NAMES[size - 1], names.index(NAMES[size - 1])
        table = goodfellow.table_filling(variable_graph(graph), zeros, z)
        assert {name: seeds[end] * slope for name, slope in table.items()} == sums_over_paths(
            parents, ordered=True, end=size - 1
        )
        inner = [i for i, name in enumerate(names) if name not in graph.sources and i != end]
        left = eliminate(linear_graph, rng.permutation(inner).tolist()).rows[end]
        for j in range(len(graph.sources)):
            if j != end:
                assert left.get(j, Polynomial()) == inverse[end][j]


@pytest.mark.parametrize("slip", [slip for slip in SLIPS if slip not in NEEDS_MORE])
def test_a_wrong_sweep_fails_on_some_small_graph(slip):
    def is_wrong(parents):
        graph = build(parents)
        zeros = dict.fromkeys(graph.variables, Polynomial())
        seeds = {name: seed(NAMES.index(name)) for name in graph.variables}
        return vjp_with_a_slip(slip)(graph, zeros, seeds) != sums_over_paths(parents, ordered=True)

    assert any(is_wrong(parents) for parents in ordered_dags(3))
