"""Cells of recurrent networks, and a recurrent layer over a whole sequence."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.activations import sigmoid
from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array

SPECIAL = (0.0, 1.0, -1.0, 20.0, -20.0, 100.0)


def _affine(x: Array, weights: Array, h: Array, recurrent: Array, bias: Array) -> Array:
    result: Array = np.matmul(x, np.transpose(weights)) + np.matmul(h, np.transpose(recurrent)) + bias
    return result


def rnn_cell(x: Array, h: Array, weights: Array, recurrent: Array, bias: Array) -> Array:
    """The new state (batch, d) from an input (batch, i) and the old state."""
    return np.tanh(_affine(x, weights, h, recurrent, bias))


def rnn(x: Array, h: Array, weights: Array, recurrent: Array, bias: Array) -> Array:
    """All states (time, batch, d) of an ``rnn_cell`` that reads ``x`` (time, batch, i) from the state ``h`` on."""
    states = []
    for seen in x:
        h = rnn_cell(seen, h, weights, recurrent, bias)
        states.append(h)
    return np.stack(states)


def lstm_cell(x: Array, h: Array, c: Array, weights: Array, recurrent: Array, bias: Array) -> Array:
    """The new state and the new memory, stacked; weights of input, forget, candidate and output below each other."""
    i, f, g, o = np.split(_affine(x, weights, h, recurrent, bias), 4, axis=-1)
    memory = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return np.stack([sigmoid(o) * np.tanh(memory), memory])


def gru_cell(x: Array, h: Array, weights: Array, recurrent: Array, bias: Array, inner: Array) -> Array:
    """The new state; weights of reset, update and candidate below each other; ``inner`` is the recurrent bias."""
    from_x = np.split(np.matmul(x, np.transpose(weights)) + bias, 3, axis=-1)
    from_h = np.split(np.matmul(h, np.transpose(recurrent)) + inner, 3, axis=-1)
    reset, update = sigmoid(from_x[0] + from_h[0]), sigmoid(from_x[1] + from_h[1])
    result: Array = (1 - update) * np.tanh(from_x[2] + reset * from_h[2]) + update * h
    return result


RNN_CELL_EXAMPLES = (
    Example(((2, 3), (2, 2), (2, 3), (2, 2), (2,))),
    Example(((1, 1), (1, 1), (1, 1), (1, 1), (1,))),
    Example(((3, 1), (3, 2), (2, 1), (2, 2), (2,))),
    Example(((0, 2), (0, 1), (1, 2), (1, 1), (1,))),
)

RNN_EXAMPLES = (
    Example(((3, 1, 2), (1, 2), (2, 2), (2, 2), (2,))),
    Example(((1, 2, 1), (2, 1), (1, 1), (1, 1), (1,))),
    Example(((4, 1, 1), (1, 2), (2, 1), (2, 2), (2,))),
)

LSTM_EXAMPLES = (
    Example(((2, 2), (2, 1), (2, 1), (4, 2), (4, 1), (4,))),
    Example(((1, 1), (1, 2), (1, 2), (8, 1), (8, 2), (8,))),
    Example(((0, 1), (0, 1), (0, 1), (4, 1), (4, 1), (4,))),
)

GRU_EXAMPLES = (
    Example(((2, 2), (2, 1), (3, 2), (3, 1), (3,), (3,))),
    Example(((1, 1), (1, 2), (6, 1), (6, 2), (6,), (6,))),
    Example(((0, 1), (0, 1), (3, 1), (3, 1), (3,), (3,))),
)

LN2, LN3 = np.log([[2.0]]), np.log([[3.0]])

RNN_CELL_WITNESSES = (
    Witness((LN2, LN3, np.ones((1, 1)), -np.ones((1, 1)), np.log([3.0])), np.array([[0.6]]), "tanh(ln 2) = 3/5"),
)

RNN_WITNESSES = (
    Witness(
        (np.stack([LN2, -LN3]), np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 1)), np.zeros(1)),
        np.array([[[0.6]], [[-0.8]]]),
        "tanh(ln a) = (a^2 - 1) / (a^2 + 1)",
    ),
)

LSTM_WITNESSES = (
    Witness(
        (
            np.ones((1, 1)),
            np.zeros((1, 1)),
            np.full((1, 1), np.log(3.0)),
            np.zeros((4, 1)),
            np.zeros((4, 1)),
            np.array([0.0, 800.0, 0.0, np.log(3.0)]),
        ),
        np.array([[[0.6]], [[np.log(3.0)]]]),
        "memory kept: 3/4 of tanh(ln 3) = 4/5",
    ),
    Witness(
        (
            np.ones((1, 1)),
            np.zeros((1, 1)),
            np.ones((1, 1)),
            np.array([[np.log(4.0)], [0.0], [np.log(2.0)], [0.0]]),
            np.zeros((4, 1)),
            np.array([0.0, -800.0, 0.0, -800.0]),
        ),
        np.array([[[0.0]], [[0.48]]]),
        "memory replaced by 4/5 of tanh(ln 2) = 3/5",
    ),
)

GRU_WITNESSES = (
    Witness(
        (
            np.ones((1, 1)),
            np.ones((1, 1)),
            np.array([[0.0], [np.log(3.0)], [0.0]]),
            np.zeros((3, 1)),
            np.zeros(3),
            np.array([0.0, 0.0, 2 * np.log(2.0)]),
        ),
        np.array([[0.9]]),
        "1/4 of tanh(ln 2) = 3/5, half of the inner bias, plus 3/4",
    ),
)

OPERATORS = (
    Operator(
        name="rnn_cell",
        family="recurrent",
        signature="(n,i),(n,d),(d,i),(d,d),(d)->(n,d)",
        definition=rnn_cell,
        examples=RNN_CELL_EXAMPLES,
        formula="h' = tanh(W x + U h + b)",
        citation="Elman, Finding Structure in Time, Cognitive Science 14 (1990), 179-211",
        witnesses=RNN_CELL_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="rnn",
        family="recurrent",
        signature="(t,n,i),(n,d),(d,i),(d,d),(d)->(t,n,d)",
        definition=rnn,
        examples=RNN_EXAMPLES,
        formula="h_t = tanh(W x_t + U h_(t-1) + b)",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 10.2",
        witnesses=RNN_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="lstm_cell",
        family="recurrent",
        signature="(n,i),(n,d),(n,d),(4d,i),(4d,d),(4d)->(2,n,d)",
        definition=lstm_cell,
        examples=LSTM_EXAMPLES,
        formula="c' = s(f) c + s(i) tanh(g), h' = s(o) tanh(c'), (i, f, g, o) = W x + U h + b",
        citation="Gers, Schmidhuber, Cummins, Learning to Forget, Neural Computation 12 (2000), section 3",
        witnesses=LSTM_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="gru_cell",
        family="recurrent",
        signature="(n,i),(n,d),(3d,i),(3d,d),(3d),(3d)->(n,d)",
        definition=gru_cell,
        examples=GRU_EXAMPLES,
        formula="h' = (1 - z) tanh(W x + b + r (U h + b')) + z h, r and z sigmoids of W x + b + U h + b'",
        citation="Cho et al., Learning Phrase Representations, arXiv:1406.1078, section 2.3",
        witnesses=GRU_WITNESSES,
        special=SPECIAL,
    ),
)
