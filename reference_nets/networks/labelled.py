"""Networks whose nodes label themselves: the extended network, and one with products and fan-out."""

from __future__ import annotations

import numpy as np

from reference_nets import b_diagrams, extended_network
from reference_nets.b_diagrams import Connection, Diagram, Primitive
from reference_nets.generic import Value, ones_like
from reference_nets.networks.records import Gradients, Kit, Network, Pair, scaled


def extended_diagram(kit: Kit, M1: Value, M2: Value, x: Value, t: Value) -> tuple[Diagram, dict[str, Value]]:
    """The extended network of two layers, and the values of its inputs for one pattern and its target."""
    nodes, connections = extended_network.layered((M1, M2), (kit.sigmoid, kit.tanh))
    outputs = extended_network.layer_names((len(M1) - 1, M1.shape[1], M2.shape[1]))[-1]
    one = ones_like(x[0])
    values = {f"x{k}": value for k, value in enumerate(x)} | {extended_network.ONE: one}
    values |= {extended_network.target(name): value for name, value in zip(outputs, t, strict=True)}
    return extended_network.extended(nodes, connections, outputs, one=one), values


def extended(kit: Kit) -> Pair:
    """E for one pattern, by the weights, the pattern and the target: all from one run back."""

    def forward(M1: Value, M2: Value, x: Value, t: Value) -> Value:
        diagram, values = extended_diagram(kit, M1, M2, x, t)
        return extended_network.error(diagram, [values])

    def vjp(g: Value, M1: Value, M2: Value, x: Value, t: Value) -> Gradients:
        diagram, values = extended_diagram(kit, M1, M2, x, t)
        slopes = extended_network.slopes(diagram, values)
        by_M1, by_M2 = np.array(slopes[: M1.size]), np.array(slopes[M1.size : M1.size + M2.size])
        by_x = np.array([diagram.places[f"x{k}"].collected for k in range(len(x))])
        by_t = np.array([place.collected for name, place in diagram.places.items() if name.startswith("t(")])
        return scaled(g, (by_M1.reshape(M1.shape), by_M2.reshape(M2.shape), by_x, by_t))

    return forward, vjp


EDGES = "x xy, y xy, y yz, z yz, xy xyz, z xyz, xy t, xyz t, yz s, t F, s F"


def product_diagram(kit: Kit, v: Value) -> Diagram:
    """F(x, y, z) = tanh(x y + x y z) sigmoid(y z), labelled forward: x y and y z are each used several times."""
    nodes: dict[str, Primitive | None] = dict.fromkeys("xyz")
    nodes |= dict.fromkeys(("xy", "yz", "xyz", "F"), b_diagrams.product)
    nodes |= {"t": b_diagrams.unit(kit.tanh), "s": b_diagrams.unit(kit.sigmoid)}
    ends = (edge.split() for edge in EDGES.split(","))
    diagram = Diagram(nodes, [Connection(start, end, ones_like(v[0])) for start, end in ends])
    diagram.feed_forward(dict(zip("xyz", v, strict=True)))
    return diagram


def products_and_fan_out(kit: Kit) -> Pair:
    """F of ``product_diagram``, by its three inputs as one array."""

    def vjp(g: Value, v: Value) -> Gradients:
        diagram = product_diagram(kit, v)
        diagram.backpropagate("F")
        return (g * np.array([diagram.places[name].collected for name in "xyz"]),)

    return lambda v: product_diagram(kit, v).places["F"].right, vjp


NETWORKS = {
    "extended network": Network(
        extended,
        lambda n, m, k: ((n + 1, m), (m + 1, k), (n,), (k,)),
        4,
        formula="E = sum_j (o_j - t_j)^2 / 2 where o = tanh((sigma((x, 1) M_1), 1) M_2)",
    ),
    "products and fan-out": Network(
        products_and_fan_out,
        lambda n, m, k: ((3,),),
        1,
        formula="F(x, y, z) = tanh(x y + x y z) sigma(y z) where v = (x, y, z)",
    ),
}
