"""Learning on the extended network: the error is a node, so that one backward run gives every correction.

To a network with outputs o_1 ... o_m the extension adds, for every output, an input t_j for its target, a node that
computes (o_j - t_j)^2 / 2, and last of all one node that adds these up.  Its output is E.  The target enters by a fixed
wire of weight -1, so that the new node is a unit like the others: it adds up o_j - t_j, and applies z^2 / 2.

Running the extended network backwards from E leaves delta_j at every unit and dE/dw_ij = o_i delta_j at every wire.
Biases are wires from an input that is constantly 1.

Source: R. Rojas, Neural Networks: A Systematic Introduction (1996), sections 7.2.4 and 7.3, figures 7.9 to 7.17.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reference_nets.b_diagrams import Connection, Diagram, DiagramError, Primitive, unit
from reference_nets.generic import Activation, Value, identity, ones_like

half_square = Activation("half square", lambda z: z * z / 2, lambda z: z, ones_like)
"""z^2 / 2, which turns o - t into the error of one output."""

ERROR = "E"
"""The name of the last node of an extended network."""
ONE = "1"
"""The name of the input that is constantly 1, the start of every bias."""


def target(output: str) -> str:
    """The name of the input for the target of an output."""
    return f"t({output})"


def layer_names(widths: Sequence[int]) -> list[list[str]]:
    """The names that ``layered`` gives: x0, x1, ... for the inputs, then 1.0, 1.1, ... for the first layer, and so on."""
    return [[f"x{k}" if number == 0 else f"{number}.{k}" for k in range(width)] for number, width in enumerate(widths)]


def layered(
    matrices: Sequence[Value], activations: Sequence[Activation]
) -> tuple[dict[str, Primitive | None], list[Connection]]:
    """Nodes and connections of a layered network, from the extended matrices of ``rojas_layers``.

    The connections come in the order of the matrices' entries: row by row, the biases last in each matrix.
    """
    names = layer_names([len(matrices[0]) - 1, *(matrix.shape[1] for matrix in matrices)])
    nodes: dict[str, Primitive | None] = dict.fromkeys([*names[0], ONE])
    connections: list[Connection] = []
    for below, layer, matrix, activation in zip(names[:-1], names[1:], matrices, activations, strict=True):
        nodes.update(dict.fromkeys(layer, unit(activation)))
        for start, row in zip([*below, ONE], matrix, strict=True):
            connections.extend(Connection(start, end, weight) for end, weight in zip(layer, row, strict=True))
    return nodes, connections


def extended(
    nodes: Mapping[str, Primitive | None], connections: Iterable[Connection], outputs: Sequence[str], one: Value = 1
) -> Diagram:
    """The network with its error nodes and the node E; ``one`` is the 1 of the number type of the weights."""
    whole, wires = dict(nodes), list(connections)
    for output in outputs:
        if output not in nodes:
            raise DiagramError(f"the output {output} is not a node; the nodes are {sorted(nodes)}")
        gap = f"gap({output})"
        whole.update({target(output): None, gap: unit(half_square)})
        wires += [
            Connection(output, gap, one, fixed=True),
            Connection(target(output), gap, -one, fixed=True),
            Connection(gap, ERROR, one, fixed=True),
        ]
    whole[ERROR] = unit(identity)
    return Diagram(whole, wires)


def slopes(diagram: Diagram, values: Mapping[str, Value]) -> list[Value]:
    """dE/dw of every wire for one pattern, by one run forward and one back; ``values`` holds inputs and targets."""
    diagram.feed_forward(values)
    diagram.backpropagate(ERROR)
    return [wire.slope for wire in diagram.wires]


def error(diagram: Diagram, patterns: Iterable[Mapping[str, Value]]) -> Value:
    """E, summed over patterns."""
    total: Value = 0
    for values in patterns:
        diagram.feed_forward(values)
        total = total + diagram.places[ERROR].right
    return total


def learn(diagram: Diagram, patterns: Sequence[Mapping[str, Value]], *, rate: Value, rounds: int) -> list[Value]:
    """Online learning: after each pattern every wire corrects itself.  Gives the curve of E; the wires change."""
    curve = [error(diagram, patterns)]
    for _ in range(rounds):
        for values in patterns:
            slopes(diagram, values)
            diagram.correct(rate)
        curve.append(error(diagram, patterns))
    return curve
