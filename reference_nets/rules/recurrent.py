"""Rules of recurrent cells: back through the gates, and for a sequence back through time."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array
from reference_nets.rules.activations import sigmoid_slope, softplus_slope, tanh_slope


def sigmoid(x: Array) -> Array:
    """The slope of softplus, in a form without overflow."""
    return softplus_slope(x)


def _affine(
    delta: Array, x: Array, h: Array, weights: Array, recurrent: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Gradients of ``W x + U h + b`` by x, h, W, U and b, for the cotangent ``delta`` of the sum."""
    return delta @ weights, delta @ recurrent, delta.T @ x, delta.T @ h, np.sum(delta, axis=0)


def rnn_cell(
    g: Array, x: Array, h: Array, weights: Array, recurrent: Array, bias: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Through the tanh, then through the sum."""
    delta = g * tanh_slope(x @ weights.T + h @ recurrent.T + bias)
    return _affine(delta, x, h, weights, recurrent)


def rnn(
    g: Array, x: Array, h: Array, weights: Array, recurrent: Array, bias: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Back through time: a state's cotangent is its own and what comes back from the next one."""
    states = [h]
    for seen in x:
        states.append(np.tanh(seen @ weights.T + states[-1] @ recurrent.T + bias))
    in_x, in_state = np.zeros_like(x), np.zeros_like(h)
    in_weights, in_recurrent, in_bias = np.zeros_like(weights), np.zeros_like(recurrent), np.zeros_like(bias)
    for t in reversed(range(x.shape[0])):
        in_x[t], in_state, *parts = rnn_cell(g[t] + in_state, x[t], states[t], weights, recurrent, bias)
        in_weights += parts[0]
        in_recurrent += parts[1]
        in_bias += parts[2]
    return in_x, in_state, in_weights, in_recurrent, in_bias


def lstm_cell(
    g: Array, x: Array, h: Array, c: Array, weights: Array, recurrent: Array, bias: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The memory is reached from its own cotangent and from the state's; then each gate through its slope."""
    i, f, candidate, o = np.split(x @ weights.T + h @ recurrent.T + bias, 4, axis=-1)
    memory = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
    in_state, in_memory = g[0], g[1] + g[0] * sigmoid(o) * tanh_slope(memory)
    delta = np.concatenate(
        (
            in_memory * np.tanh(candidate) * sigmoid_slope(i),
            in_memory * c * sigmoid_slope(f),
            in_memory * sigmoid(i) * tanh_slope(candidate),
            in_state * np.tanh(memory) * sigmoid_slope(o),
        ),
        axis=-1,
    )
    in_x, in_h, *rest = _affine(delta, x, h, weights, recurrent)
    return in_x, in_h, in_memory * sigmoid(f), rest[0], rest[1], rest[2]


def gru_cell(
    g: Array, x: Array, h: Array, weights: Array, recurrent: Array, bias: Array, inner: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The old state comes in three times: kept by the update, and through both sums of the gates and the candidate."""
    from_x = np.split(x @ weights.T + bias, 3, axis=-1)
    from_h = np.split(h @ recurrent.T + inner, 3, axis=-1)
    r, z = from_x[0] + from_h[0], from_x[1] + from_h[1]
    candidate = from_x[2] + sigmoid(r) * from_h[2]
    in_candidate = g * sigmoid(-z) * tanh_slope(candidate)
    in_r = in_candidate * from_h[2] * sigmoid_slope(r)
    in_z = g * (h - np.tanh(candidate)) * sigmoid_slope(z)
    of_x = np.concatenate((in_r, in_z, in_candidate), axis=-1)
    of_h = np.concatenate((in_r, in_z, in_candidate * sigmoid(r)), axis=-1)
    in_h = of_h @ recurrent + g * sigmoid(z)
    return of_x @ weights, in_h, of_x.T @ x, of_h.T @ h, np.sum(of_x, axis=0), np.sum(of_h, axis=0)


RULES = {"rnn_cell": rnn_cell, "rnn": rnn, "lstm_cell": lstm_cell, "gru_cell": gru_cell}
JVPS: dict[str, object] = {}
