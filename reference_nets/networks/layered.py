"""The sigmoid unit, two hidden layers, the layered network with each loss and penalty, and Rojas's matrix form."""

from __future__ import annotations

from collections.abc import Callable

from reference_nets import losses, mlp, perceptron, rojas_layers, two_layers
from reference_nets.generic import Activation, Value
from reference_nets.losses import Loss, Penalty
from reference_nets.mlp import Layer
from reference_nets.networks.records import Gradients, Kit, Network, Pair, needed, scaled
from reference_nets.perceptron import Unit
from reference_nets.two_layers import Weights


def sigmoid_unit(kit: Kit) -> Pair:
    """The cost of one unit, by w and b."""

    def vjp(g: Value, w: Value, b: Value, x: Value, y: Value) -> Gradients:
        return scaled(g, perceptron.gradient(Unit(w, b), x, y, kit.sigmoid))

    return lambda w, b, x, y: perceptron.cost(Unit(w, b), x, y, kit.sigmoid), vjp


def two_hidden_layers(kit: Kit) -> Pair:
    """The output of ``two_layers``, by all weights and by x."""

    def vjp(g: Value, W1: Value, W2: Value, w3: Value, x: Value) -> Gradients:
        slopes, by_x = two_layers.vjp(g, Weights(W1, W2, w3), x, kit.sigmoid)
        return (*slopes, by_x)

    return lambda W1, W2, w3, x: two_layers.forward(Weights(W1, W2, w3), x, kit.sigmoid).f, vjp


def layered_outputs(kit: Kit) -> Pair:
    """The outputs of a layered network for a batch, by all parameters and by x."""
    activations = kit.tanh, kit.sigmoid

    def forward(W1: Value, b1: Value, W2: Value, b2: Value, x: Value) -> Value:
        return mlp.forward((Layer(W1, b1), Layer(W2, b2)), activations, x).values[-1]

    def vjp(g: Value, W1: Value, b1: Value, W2: Value, b2: Value, x: Value) -> Gradients:
        layers = Layer(W1, b1), Layer(W2, b2)
        slopes, by_x = mlp.backward(layers, activations, mlp.forward(layers, activations, x), g)
        return (*(part for layer in slopes for part in layer), by_x)

    return forward, vjp


def layered_cost(
    loss_of: Callable[[Kit], Loss], penalty: Penalty | None = None, last: Callable[[Kit], Activation] | None = None
) -> Callable[[Kit], Pair]:
    """The cost of a layered network on a batch, by all parameters; three times the penalty is added."""

    def build(kit: Kit) -> Pair:
        activations = kit.tanh, kit.sigmoid if last is None else last(kit)
        loss = loss_of(kit)

        def forward(W1: Value, b1: Value, W2: Value, b2: Value, x: Value, y: Value) -> Value:
            layers = Layer(W1, b1), Layer(W2, b2)
            return mlp.cost(layers, activations, loss, x, y, penalty=penalty, strength=3)

        def vjp(g: Value, W1: Value, b1: Value, W2: Value, b2: Value, x: Value, y: Value) -> Gradients:
            layers = Layer(W1, b1), Layer(W2, b2)
            slopes = mlp.gradient(layers, activations, loss, x, y, penalty=penalty, strength=3)
            return scaled(g, [part for layer in slopes for part in layer])

        return forward, vjp

    return build


def matrix_form(kit: Kit) -> Pair:
    """The outputs of ``rojas_layers`` for one pattern, by the extended matrices and the pattern."""
    activations = kit.sigmoid, kit.tanh

    def vjp(g: Value, M1: Value, M2: Value, x: Value) -> Gradients:
        slopes, by_x = rojas_layers.vjp(g, (M1, M2), activations, x)
        return (*slopes, by_x)

    return lambda M1, M2, x: rojas_layers.feed_forward((M1, M2), activations, x).outputs[-1], vjp


def matrix_error(kit: Kit) -> Pair:
    """Rojas's error E over two patterns, by the extended matrices."""
    activations = kit.sigmoid, kit.tanh

    def vjp(g: Value, M1: Value, M2: Value, x: Value, t: Value) -> Gradients:
        return scaled(g, rojas_layers.gradient((M1, M2), activations, x, t))

    return lambda M1, M2, x, t: rojas_layers.error((M1, M2), activations, x, t), vjp


Shapes = tuple[tuple[int, ...], ...]


def _without_targets(n: int, m: int, k: int) -> Shapes:
    return (n, m), (m,), (m, k), (k,), (3, n)


def _with_targets(n: int, m: int, k: int) -> Shapes:
    return (*_without_targets(n, m, k), (3, k))


def _of_cost(
    formula: str,
    loss_of: Callable[[Kit], Loss],
    penalty: Penalty | None = None,
    last: Callable[[Kit], Activation] | None = None,
    rational: bool = True,
    probabilities: tuple[int, ...] = (),
) -> Network:
    return Network(layered_cost(loss_of, penalty, last), _with_targets, 4, rational, probabilities, formula)


OUTPUTS = "a = sigma(tanh(x W_1 + b_1) W_2 + b_2)"
MEAN = "1/(2N) sum_i |a_i - y_i|^2"

NETWORKS = {
    "sigmoid unit": Network(
        sigmoid_unit,
        lambda n, m, k: ((n,), (), (m, n), (m,)),
        2,
        formula="C = 1/(2N) sum_i (sigma(w . x_i + b) - y_i)^2",
    ),
    "two hidden layers": Network(
        two_hidden_layers,
        lambda n, m, k: ((m, n), (k, m), (k,), (n,)),
        4,
        formula="f = w_3 . sigma(W_2 sigma(W_1 x))",
    ),
    "mlp outputs": Network(layered_outputs, _without_targets, 5, formula=OUTPUTS),
    "mlp, quadratic": _of_cost(f"C = {MEAN} where {OUTPUTS}", lambda kit: losses.quadratic),
    "mlp, squared error": _of_cost(f"E = 1/2 sum_p |a_p - y_p|^2 where {OUTPUTS}", lambda kit: losses.squared_error),
    "mlp, weights penalised": _of_cost(
        f"J = {MEAN} + 3/2 (|W_1|^2 + |W_2|^2) where {OUTPUTS}", lambda kit: losses.quadratic, losses.squared_weights
    ),
    "mlp, all penalised": _of_cost(
        f"J = {MEAN} + 3/2 (|W_1|^2 + |b_1|^2 + |W_2|^2 + |b_2|^2) where {OUTPUTS}",
        lambda kit: losses.quadratic,
        losses.squared_parameters,
    ),
    "mlp, softmax": _of_cost(
        "C = -1/N sum_i y_i . log softmax(a_i) where a = tanh(tanh(x W_1 + b_1) W_2 + b_2)",
        lambda kit: needed(kit.cross_entropy, kit),
        last=lambda kit: kit.tanh,
        rational=False,
    ),
    "mlp, binary": _of_cost(
        f"C = -1/N sum_i [y_i . log(a_i) + (1 - y_i) . log(1 - a_i)] where {OUTPUTS}",
        lambda kit: needed(kit.binary, kit),
        rational=False,
        probabilities=(5,),
    ),
    "matrix form": Network(
        matrix_form,
        lambda n, m, k: ((n + 1, m), (m + 1, k), (n,)),
        3,
        formula="o = tanh((sigma((x, 1) M_1), 1) M_2)",
    ),
    "matrix form, error": Network(
        matrix_error,
        lambda n, m, k: ((n + 1, m), (m + 1, k), (2, n), (2, k)),
        2,
        formula="E = 1/2 sum_p |o_p - t_p|^2 where o_p = tanh((sigma((x_p, 1) M_1), 1) M_2)",
    ),
}
