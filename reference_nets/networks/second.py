"""Second derivatives: the gradient as a function, whose vjp is the Hessian, by each of the ways to it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference_nets import hessian_products, losses, mlp, second_order
from reference_nets.generic import Value
from reference_nets.losses import Loss
from reference_nets.mlp import Layer
from reference_nets.networks.layered import MEAN, OUTPUTS
from reference_nets.networks.records import Gradients, Kit, Network, Pair, needed
from reference_nets.second_order import Edge


def small_network(kit: Kit, inputs: int) -> second_order.Network:
    """Two units that read every input, a third that reads both and the inputs, and a last one on top of all three."""
    edges = [Edge(k, inputs + unit) for unit in (0, 1) for k in range(inputs)]
    edges += [Edge(k, inputs + 2) for k in range(inputs + 2)]
    edges += [Edge(k, inputs + 3) for k in range(inputs, inputs + 3)]
    return second_order.Network(inputs, (kit.sigmoid, kit.tanh, kit.sigmoid, kit.tanh), tuple(edges))


def any_network(kit: Kit) -> Pair:
    """The output of ``small_network``, by its weights."""

    def vjp(g: Value, w: Value, x: Value) -> Gradients:
        return (g * second_order.gradient(small_network(kit, len(x)), w, x),)

    return lambda w, x: second_order.expand(small_network(kit, len(x)), w, x)[-1].value, vjp


def hessian_by_nodes(kit: Kit) -> Pair:
    """The gradient of that output, by the weights: Rojas's matrices at the nodes."""

    def vjp(g: Value, w: Value, x: Value) -> Gradients:
        return (second_order.expand(small_network(kit, len(x)), w, x)[-1].hessian @ g,)

    return lambda w, x: second_order.gradient(small_network(kit, len(x)), w, x), vjp


Route = Callable[..., tuple[Layer, ...]]


def hessian_by_products(route: Route, loss_of: Callable[[Kit], Loss]) -> Callable[[Kit], Pair]:
    """The gradient of a layered network's cost, by all parameters: Hessian-vector products with the cotangent."""

    def build(kit: Kit) -> Pair:
        activations, loss = (kit.tanh, kit.sigmoid), loss_of(kit)

        def layers(flat: Value, x: Value, y: Value) -> tuple[Layer, ...]:
            n, k = x.shape[1], y.shape[1]
            like = (Layer(np.zeros((n, 2)), np.zeros(2)), Layer(np.zeros((2, k)), np.zeros(k)))
            return mlp.unflatten(flat, like)

        def forward(flat: Value, x: Value, y: Value) -> Value:
            return mlp.flatten(mlp.gradient(layers(flat, x, y), activations, loss, x, y))

        def vjp(g: Value, flat: Value, x: Value, y: Value) -> Gradients:
            return (mlp.flatten(route(layers(flat, x, y), activations, loss, x, y, layers(g, x, y))),)

        return forward, vjp

    return build


def _weights(n: int, m: int, k: int) -> tuple[tuple[int, ...], ...]:
    return (3 * n + 5,), (n,)


def _parameters(n: int, m: int, k: int) -> tuple[tuple[int, ...], ...]:
    return (2 * n + 2 + 2 * k + k,), (3, n), (3, k)


def _quadratic(kit: Kit) -> Loss:
    return losses.quadratic


def _softmax(kit: Kit) -> Loss:
    return needed(kit.cross_entropy, kit)


_R, _SLOPE = hessian_products.r_operator, hessian_products.gradient_of_slope

UNITS = (
    "F = tanh(w_4 . (h_1, h_2, h_3)) where h_3 = sigma(w_3 . (x, h_1, h_2)), h_2 = tanh(w_2 . x), h_1 = sigma(w_1 . x)"
)
BY_NODES = f"the gradient by w of {UNITS}"
BY_PRODUCTS = f"the gradient by W_1, b_1, W_2, b_2 of C = {MEAN} where {OUTPUTS}"
OF_SOFTMAX = f"the gradient by W_1, b_1, W_2, b_2 of C = -1/N sum_i y_i . log softmax(a_i) where {OUTPUTS}"

NETWORKS = {
    "any network": Network(any_network, _weights, 1, formula=UNITS),
    "Hessian by nodes": Network(hessian_by_nodes, _weights, 1, formula=BY_NODES),
    "Hessian, R-operator": Network(hessian_by_products(_R, _quadratic), _parameters, 1, formula=BY_PRODUCTS),
    "Hessian, gradient of slope": Network(hessian_by_products(_SLOPE, _quadratic), _parameters, 1, formula=BY_PRODUCTS),
    "Hessian, softmax, R-operator": Network(
        hessian_by_products(_R, _softmax), _parameters, 1, rational=False, formula=OF_SOFTMAX
    ),
    "Hessian, softmax, gradient of slope": Network(
        hessian_by_products(_SLOPE, _softmax), _parameters, 1, rational=False, formula=OF_SOFTMAX
    ),
}
