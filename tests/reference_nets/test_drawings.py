"""Drawings: the graph of every network computes its value, and its adjoints are the network's own backward pass."""

from __future__ import annotations

import numpy as np
import pytest

from reference_nets.drawings import DRAWING, SUM, Drawn, draw
from reference_nets.networks import FLOATS, NETWORKS, random_inputs
from tests.reference_nets.test_networks import spoil

STEPS = 8
"""Roundings per edge at most: of a partial (four, in the slope of a sigmoid), its product, its sum, twice over."""


def case(name):
    network = NETWORKS[name]
    inputs = random_inputs(network, np.random.default_rng(1), (2, 1, 2))
    forward, vjp = network.build(FLOATS)
    cotangent = np.ones(np.shape(forward(*inputs)))
    labels = [f"x{k}" for k in range(len(inputs))]
    nodes = draw(network.build(DRAWING)[0], labels, inputs, network.differentiated, cotangent)
    return network, inputs, forward, vjp, cotangent, nodes


def sizes(nodes):
    """Reverse accumulation on absolute values: the sum of |product of partials| over all paths to the output."""
    total = [0.0] * len(nodes)
    total[-1] = 1.0
    for i in range(len(nodes) - 1, -1, -1):
        for j, partial in zip(nodes[i].inputs, nodes[i].left, strict=True):
            total[j] += total[i] * abs(partial)
    return total


def agrees(nodes, inputs, slopes):
    """Whether the adjoints of the inputs are these slopes, up to the rounding of so many edges."""
    found = {node.name: (node.adjoint, size) for node, size in zip(nodes, sizes(nodes), strict=True) if not node.inputs}
    edges = sum(len(node.inputs) for node in nodes)
    for place, slope in enumerate(slopes):
        for index in np.ndindex(np.shape(inputs[place])):
            adjoint, size = found.get(f"x{place}{list(index) if index else ''}", (0.0, 0.0))
            if abs(adjoint - np.asarray(slope)[index]) > STEPS * edges * np.finfo(float).eps * size:
                return False
    return True


@pytest.mark.parametrize("name", NETWORKS)
def test_adjoints_of_the_inputs_are_the_networks_own_gradient(name):
    _, inputs, _, vjp, cotangent, nodes = case(name)
    assert agrees(nodes, inputs, vjp(cotangent[()], *inputs))
    assert not agrees(nodes, inputs, spoil(vjp)(cotangent[()], *inputs))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_node_reads_only_nodes_before_it_and_the_last_is_the_output(name):
    _, inputs, forward, _, cotangent, nodes = case(name)
    assert all(j < i for i, node in enumerate(nodes) for j in node.inputs)
    assert all(len(node.inputs) == len(node.left) for node in nodes)
    assert {j for node in nodes for j in node.inputs} == set(range(len(nodes) - 1))  # all lead to the output
    assert nodes[-1].adjoint == 1
    value = float(np.sum(cotangent * forward(*inputs)))
    largest = max(abs(node.value) for node in nodes)
    assert abs(nodes[-1].value - value) <= STEPS * len(nodes) * np.finfo(float).eps * max(1.0, largest)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_adjoint_is_what_comes_back_along_the_wires(name):
    """Rojas's collected traffic: the sum over the readers of adjoint times partial, exactly but for the order."""
    *_, nodes = case(name)
    totals = [0.0] * (len(nodes) - 1)
    for node in nodes:
        for j, partial in zip(node.inputs, node.left, strict=True):
            totals[j] += node.adjoint * partial
    edges = sum(len(node.inputs) for node in nodes)
    for total, node, size in zip(totals, nodes, sizes(nodes), strict=False):
        assert abs(total - node.adjoint) <= edges * np.finfo(float).eps * size


def test_the_two_halves_of_a_unit_and_of_a_product():
    nodes = draw(lambda w, x: DRAWING.tanh.function(w * x), ("w", "x"), (np.asarray(0.5), np.asarray(2.0)), 2, 1.0)
    _, _, product, unit = nodes
    assert product.left == (2.0, 0.5) and product.value == 1.0
    assert unit.name == "tanh" and unit.value == np.tanh(1.0)
    assert unit.left == ((1 - np.tanh(1.0)) * (1 + np.tanh(1.0)),)
    assert [node.adjoint for node in nodes] == [2.0 * unit.left[0], 0.5 * unit.left[0], unit.left[0], 1]


def test_sums_of_sums_are_one_node_unless_a_sum_is_read_twice():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    (*_, total) = draw(lambda v: v[0] + v[1] - (v[2] - v[3]), ("v",), (x,), 1, 1.0)
    assert (total.name, total.inputs, total.left) == (SUM, (0, 1, 2, 3), (1, 1, -1, 1))

    def twice(v):
        s = v[0] + v[1]
        return (s + v[2]) * s

    nodes = draw(twice, ("v",), (x,), 1, 1.0)
    assert [node.name for node in nodes if node.inputs] == [SUM, SUM, "\N{MULTIPLICATION SIGN}"]
    assert [node.adjoint for node in nodes[:3]] == [9, 9, 3]


def test_what_depends_on_no_input_is_refused():
    with pytest.raises(TypeError, match="does not depend on any input"):
        draw(lambda x: 3.0, ("x",), (np.asarray(1.0),), 1, 1.0)


def test_constants_that_change_nothing_are_not_drawn():
    nodes = draw(lambda x: (x * 0 + 1) * x + 0, ("x",), (np.asarray(3.0),), 1, 1.0)
    assert [(node.name, node.value, node.adjoint) for node in nodes] == [("x", 3.0, 1)]
    assert isinstance(Drawn(1.0, [], [], "x") * 1, Drawn)
