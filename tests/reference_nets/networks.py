"""The table of networks: each as a pair (forward, vjp) of arrays, over any number system, in any small size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference_nets import (
    b_diagrams,
    extended_network,
    hessian_products,
    hidden_markov,
    losses,
    mlp,
    perceptron,
    recurrent,
    rojas_layers,
    second_order,
    two_layers,
    variational,
)
from reference_nets.mlp import Layer
from reference_nets.perceptron import Unit
from reference_nets.two_layers import Weights


@dataclass(frozen=True)
class Case:
    """``build(kit)`` gives (forward, vjp); ``shapes(n, m, k)`` the shapes of the inputs, of which the first
    ``differentiated`` have gradients.  Entries of ``probabilities``, numbered, must lie strictly between 0 and 1."""

    build: Callable[[Any], tuple[Callable[..., Any], Callable[..., Any]]]
    shapes: Callable[[int, int, int], tuple[tuple[int, ...], ...]]
    differentiated: int
    rational: bool = True
    probabilities: tuple[int, ...] = ()


def scaled(g, parts):
    return tuple(g * part for part in parts)


def sigmoid_unit(kit):
    def vjp(g, w, b, x, y):
        return scaled(g, perceptron.gradient(Unit(w, b), x, y, kit.sigmoid))

    return lambda w, b, x, y: perceptron.cost(Unit(w, b), x, y, kit.sigmoid), vjp


def two_hidden_layers(kit):
    def vjp(g, W1, W2, w3, x):
        slopes, by_x = two_layers.vjp(g, Weights(W1, W2, w3), x, kit.sigmoid)
        return (*slopes, by_x)

    return lambda W1, W2, w3, x: two_layers.forward(Weights(W1, W2, w3), x, kit.sigmoid).f, vjp


def layers_of(parts):
    return tuple(Layer(*pair) for pair in zip(parts[::2], parts[1::2], strict=True))


def layered_outputs(kit):
    activations = kit.tanh, kit.sigmoid

    def forward(W1, b1, W2, b2, x):
        return mlp.forward(layers_of((W1, b1, W2, b2)), activations, x).values[-1]

    def vjp(g, W1, b1, W2, b2, x):
        layers = layers_of((W1, b1, W2, b2))
        slopes, by_x = mlp.backward(layers, activations, mlp.forward(layers, activations, x), g)
        return (*(part for layer in slopes for part in layer), by_x)

    return forward, vjp


def layered_cost(loss_of, penalty=None, last="sigmoid"):
    def build(kit):
        setting = (kit.tanh, getattr(kit, last)), loss_of(kit)
        extra = {"penalty": penalty, "strength": 3}

        def forward(W1, b1, W2, b2, x, y):
            return mlp.cost(layers_of((W1, b1, W2, b2)), *setting, x, y, **extra)

        def vjp(g, W1, b1, W2, b2, x, y):
            slopes = mlp.gradient(layers_of((W1, b1, W2, b2)), *setting, x, y, **extra)
            return scaled(g, [part for layer in slopes for part in layer])

        return forward, vjp

    return build


def matrix_form(kit):
    activations = kit.sigmoid, kit.tanh

    def forward(M1, M2, x):
        return rojas_layers.feed_forward((M1, M2), activations, x).outputs[-1]

    def vjp(g, M1, M2, x):
        slopes, by_x = rojas_layers.vjp(g, (M1, M2), activations, x)
        return (*slopes, by_x)

    return forward, vjp


def matrix_error(kit):
    activations = kit.sigmoid, kit.tanh

    def vjp(g, M1, M2, x, t):
        return scaled(g, rojas_layers.gradient((M1, M2), activations, x, t))

    return lambda M1, M2, x, t: rojas_layers.error((M1, M2), activations, x, t), vjp


def diagram_of(kit, M1, M2, x, t):
    nodes, connections = extended_network.layered((M1, M2), (kit.sigmoid, kit.tanh))
    outputs = extended_network.layer_names((len(M1) - 1, M1.shape[1], M2.shape[1]))[-1]
    one = x[0] * 0 + 1
    values = {f"x{k}": value for k, value in enumerate(x)} | {extended_network.ONE: one}
    values |= {extended_network.target(name): value for name, value in zip(outputs, t, strict=True)}
    return extended_network.extended(nodes, connections, outputs, one=one), values


def labelled_graph(kit):
    """The extended network, node by node: the gradients are what the wires have collected."""

    def forward(M1, M2, x, t):
        diagram, values = diagram_of(kit, M1, M2, x, t)
        return extended_network.error(diagram, [values])

    def vjp(g, M1, M2, x, t):
        diagram, values = diagram_of(kit, M1, M2, x, t)
        slopes = extended_network.slopes(diagram, values)
        by_M1, by_M2 = np.array(slopes[: M1.size]), np.array(slopes[M1.size : M1.size + M2.size])
        by_x = np.array([diagram.places[f"x{k}"].collected for k in range(len(x))])
        by_t = np.array([place.collected for name, place in diagram.places.items() if name.startswith("t(")])
        return scaled(g, (by_M1.reshape(M1.shape), by_M2.reshape(M2.shape), by_x, by_t))

    return forward, vjp


def products_and_fan_out(kit):
    """F(x, y, z) = tanh(x y + x y z) * sigmoid(y z): products, fan-out of x y, y z, and two paths into one node."""
    nodes = dict.fromkeys("xyz") | dict.fromkeys(("xy", "yz", "xyz", "F"), b_diagrams.product)
    nodes |= {"t": b_diagrams.unit(kit.tanh), "s": b_diagrams.unit(kit.sigmoid)}
    edges = "x xy,y xy,y yz,z yz,xy xyz,z xyz,xy t,xyz t,yz s,t F,s F".split(",")

    def run(v):
        one = v[0] * 0 + 1
        diagram = b_diagrams.Diagram(nodes, [b_diagrams.Connection(*edge.split(), one) for edge in edges])
        diagram.feed_forward(dict(zip("xyz", v, strict=True)))
        return diagram

    def vjp(g, v):
        diagram = run(v)
        diagram.backpropagate("F")
        return (g * np.array([diagram.places[name].collected for name in "xyz"]),)

    return lambda v: run(v).places["F"].right, vjp


def through_time(kit):
    def vjp(g, W, start, x):
        return tuple(recurrent.backward(W, recurrent.forward(W, start, x, kit.tanh), kit.tanh, g))

    return lambda W, start, x: recurrent.forward(W, start, x, kit.tanh).outputs[1:], vjp


def symbols_for(emissions):
    return [(3 * t * t + t) % emissions.shape[1] for t in range(5)]


def hidden_markov_model(kit):
    def vjp(g, *parts):
        return scaled(g, hidden_markov.gradient(hidden_markov.Model(*parts), symbols_for(parts[2])))

    return lambda *parts: hidden_markov.likelihood(hidden_markov.Model(*parts), symbols_for(parts[2])), vjp


def discretised(lagrangian):
    def build(kit):
        def vjp(g, u, h):
            return (g * variational.gradient(lagrangian, u, h[0]),)

        return lambda u, h: variational.functional(lagrangian, u, h[0]), vjp

    return build


def network_of(kit, x):
    """2 units that read everything, a third that reads both and the inputs, and a last one on top of all three."""
    n = len(x)
    edges = [second_order.Edge(k, n + u) for u in (0, 1) for k in range(n)]
    edges += [second_order.Edge(k, n + 2) for k in range(n + 2)]
    edges += [second_order.Edge(k, n + 3) for k in range(n, n + 3)]
    return second_order.Network(n, (kit.sigmoid, kit.tanh, kit.sigmoid, kit.tanh), tuple(edges))


def any_network(kit):
    def vjp(g, w, x):
        return (g * second_order.gradient(network_of(kit, x), w, x),)

    return lambda w, x: second_order.expand(network_of(kit, x), w, x)[-1].value, vjp


def second_order_by_nodes(kit):
    """The gradient as the function; its vjp is the Hessian, which is symmetric."""

    def vjp(g, w, x):
        return (second_order.expand(network_of(kit, x), w, x)[-1].hessian @ g,)

    return lambda w, x: second_order.gradient(network_of(kit, x), w, x), vjp


def hessian_product(route, loss_of):
    def build(kit):
        setting = (kit.tanh, kit.sigmoid), loss_of(kit)

        def layers(flat, x, y):
            n, m = x.shape[1], 2
            like = (Layer(np.zeros((n, m)), np.zeros(m)), Layer(np.zeros((m, y.shape[1])), np.zeros(y.shape[1])))
            return mlp.unflatten(flat, like)

        def forward(flat, x, y):
            return mlp.flatten(mlp.gradient(layers(flat, x, y), *setting, x, y))

        def vjp(g, flat, x, y):
            return (mlp.flatten(route(layers(flat, x, y), *setting, x, y, layers(g, x, y))),)

        return forward, vjp

    return build


def layer_shapes(n, m, k):
    return (n, m), (m,), (m, k), (k,), (3, n)


def with_targets(n, m, k):
    return (*layer_shapes(n, m, k), (3, k))


def flat_shapes(n, m, k):
    return (2 * n + 2 + 2 * k + k,), (3, n), (3, k)


def quadratic(kit):
    return losses.quadratic


def softmax(kit):
    return kit.cross_entropy


CASES = {
    "sigmoid unit": Case(sigmoid_unit, lambda n, m, k: ((n,), (), (m, n), (m,)), 2),
    "two hidden layers": Case(two_hidden_layers, lambda n, m, k: ((m, n), (k, m), (k,), (n,)), 4),
    "mlp outputs": Case(layered_outputs, layer_shapes, 5),
    "mlp, quadratic": Case(layered_cost(quadratic), with_targets, 4),
    "mlp, squared error": Case(layered_cost(lambda kit: losses.squared_error), with_targets, 4),
    "mlp, weights penalised": Case(layered_cost(quadratic, losses.squared_weights), with_targets, 4),
    "mlp, all penalised": Case(layered_cost(quadratic, losses.squared_parameters), with_targets, 4),
    "mlp, softmax": Case(layered_cost(softmax, last="tanh"), with_targets, 4, rational=False),
    "mlp, binary": Case(layered_cost(lambda kit: kit.binary), with_targets, 4, rational=False, probabilities=(5,)),
    "matrix form": Case(matrix_form, lambda n, m, k: ((n + 1, m), (m + 1, k), (n,)), 3),
    "matrix form, error": Case(matrix_error, lambda n, m, k: ((n + 1, m), (m + 1, k), (2, n), (2, k)), 2),
    "extended network": Case(labelled_graph, lambda n, m, k: ((n + 1, m), (m + 1, k), (n,), (k,)), 4),
    "products and fan-out": Case(products_and_fan_out, lambda n, m, k: ((3,),), 1),
    "through time": Case(through_time, lambda n, m, k: ((n, n), (n,), (m, n)), 3),
    "hidden Markov": Case(hidden_markov_model, lambda n, m, k: ((n,), (n, n), (n, k)), 3),
    "variational, oscillator": Case(discretised(variational.oscillator), lambda n, m, k: ((n + m + 1,), (1,)), 1),
    "variational, coupled": Case(discretised(variational.coupled), lambda n, m, k: ((n + m + 1,), (1,)), 1),
    "any network": Case(any_network, lambda n, m, k: ((3 * n + 5,), (n,)), 1),
    "Hessian by nodes": Case(second_order_by_nodes, lambda n, m, k: ((3 * n + 5,), (n,)), 1),
    "Hessian, R-operator": Case(hessian_product(hessian_products.r_operator, quadratic), flat_shapes, 1),
    "Hessian, gradient of slope": Case(hessian_product(hessian_products.gradient_of_slope, quadratic), flat_shapes, 1),
    "Hessian, softmax": Case(hessian_product(hessian_products.r_operator, softmax), flat_shapes, 1, rational=False),
    "Hessian, softmax, by slope": Case(
        hessian_product(hessian_products.gradient_of_slope, softmax), flat_shapes, 1, rational=False
    ),
}


def random_inputs(case, rng, sizes=(2, 3, 2)):
    """Floats of size about 1 in both signs, away from 0; probabilities where they are needed."""
    shapes = case.shapes(*sizes)
    inputs = [rng.uniform(0.25, 1.25, shape) * rng.choice([-1.0, 1.0], shape) for shape in shapes]
    for place in case.probabilities:
        inputs[place] = rng.uniform(0.25, 0.75, shapes[place])
    return tuple(np.asarray(part) for part in inputs)
