"""Second derivatives on any feed-forward network of units: every node stores f, f' and f''.

Nodes are numbered so that edges lead upwards.  Node g adds up s = sum_l w_l F_l over its edges l -> g and gives
F_g = f_g(s).  Let a and b be any two weights of the network.  With subscripts for derivatives, the chain rule once is

    s_a = sum_l w_l dF_l/da + 1{a is the edge k -> g} F_k            dF_g/da = f_g'(s) s_a

and once more

    d2F_g/da db = f_g''(s) s_a s_b
                + f_g'(s) [ sum_l w_l d2F_l/da db + 1{a = (k -> g)} dF_k/db + 1{b = (k -> g)} dF_k/da ]

The last two terms are there because s is bilinear in a weight and in what passes through it; they meet where the path
through a also carries b.  Every node holds a vector and a matrix over all weights, so this costs (weights)^2 a node: it
is the whole Hessian, not a product with it.  For products see ``hessian_products``.

Source: R. Rojas, Neural Networks: A Systematic Introduction (1996), section 8.4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reference_nets.generic import Activation, Value, ones_like, second_derivative, zeros_like


class Edge(NamedTuple):
    """An edge from a lower node to a higher one; the weight at the same place in ``weights`` belongs to it."""

    start: int
    end: int


class Network(NamedTuple):
    """``inputs`` nodes without edges into them, numbered first, then one unit per activation.

    An input that is held at 1 turns the edges from it into biases.
    """

    inputs: int
    units: tuple[Activation, ...]
    edges: tuple[Edge, ...]


class Expansion(NamedTuple):
    """The value of a node, its gradient by all weights, shape (E,), and its Hessian, shape (E, E)."""

    value: Value
    gradient: Value
    hessian: Value


def _check(network: Network, weights: Value, x: Value) -> None:
    if len(x) != network.inputs:
        raise ValueError(f"x has {len(x)} entries; the network has {network.inputs} inputs")
    if len(weights) != len(network.edges):
        raise ValueError(f"weights has {len(weights)} entries; the network has {len(network.edges)} edges")
    nodes = network.inputs + len(network.units)
    for edge in network.edges:
        if not (0 <= edge.start < edge.end < nodes and edge.end >= network.inputs):
            raise ValueError(f"{edge}: give edges from a lower node to a higher unit, numbers below {nodes}")


def expand(network: Network, weights: Value, x: Value) -> list[Expansion]:
    """Value, gradient and Hessian of EVERY node, from weights of shape (E,) and inputs of shape (inputs,)."""
    _check(network, weights, x)
    flat = zeros_like(weights)
    square = np.multiply.outer(flat, flat)
    nodes = [Expansion(value, flat, square) for value in x]
    for f, arriving in zip(network.units, _arriving(network), strict=True):
        s, first, second = zeros_like(weights[0]), flat, square
        for place, start in arriving:
            value, slope, curvature = nodes[start]
            s = s + weights[place] * value
            here = _unit_vector(weights, place)
            first = first + slope * weights[place] + here * value
            mixed = np.multiply.outer(here, slope)
            second = second + curvature * weights[place] + mixed + mixed.T
        one, two = f.derivative(s), second_derivative(f)(s)
        hessian = np.multiply.outer(first, first) * two + second * one
        nodes.append(Expansion(f.function(s), first * one, hessian))
    return nodes


def gradient(network: Network, weights: Value, x: Value) -> Value:
    """The gradient of the last node by all weights, by one run back: the cheap way, for comparison."""
    _check(network, weights, x)
    arriving = _arriving(network)
    values: list[Value] = list(x)
    sums: list[Value] = []
    for f, edges in zip(network.units, arriving, strict=True):
        s = zeros_like(weights[0])
        for place, start in edges:
            s = s + weights[place] * values[start]
        sums.append(s)
        values.append(f.function(s))
    adjoints = [zeros_like(value) for value in values]
    adjoints[-1] = ones_like(values[-1])
    result = zeros_like(weights)
    for unit in reversed(range(len(network.units))):
        delta = network.units[unit].derivative(sums[unit]) * adjoints[network.inputs + unit]
        for place, start in arriving[unit]:
            result[place] = values[start] * delta
            adjoints[start] = adjoints[start] + weights[place] * delta
    return result


def layered(widths: Sequence[int], activations: Sequence[Activation]) -> Network:
    """The layered network with those widths, inputs first, as a network of edges; one more input, the last, is the 1.

    The weights come layer by layer, in each row by row of W_l, then the biases: as ``mlp.flatten`` arranges them.
    """
    one = widths[0]
    below, first = list(range(widths[0])), widths[0] + 1
    units: list[Activation] = []
    edges: list[Edge] = []
    for width, activation in zip(widths[1:], activations, strict=True):
        layer = list(range(first, first + width))
        edges += [Edge(start, end) for start in [*below, one] for end in layer]
        units += [activation] * width
        below, first = layer, first + width
    return Network(widths[0] + 1, tuple(units), tuple(edges))


def _arriving(network: Network) -> list[list[tuple[int, int]]]:
    """For every unit, the places of the edges into it, and the nodes where they start."""
    arriving: list[list[tuple[int, int]]] = [[] for _ in network.units]
    for place, (start, end) in enumerate(network.edges):
        arriving[end - network.inputs].append((place, start))
    return arriving


def _unit_vector(weights: Value, place: int) -> Value:
    vector = zeros_like(weights)
    vector[place] = vector[place] + 1
    return vector
