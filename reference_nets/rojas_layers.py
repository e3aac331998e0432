"""Layered networks in Rojas's matrix form: row vectors, the bias as the last row, and the extended network.

A pattern is a row vector o^0.  With oh = (o, 1), a 1 appended, and extended matrices W_i of shape (n_(i-1) + 1, n_i),
whose last row holds the biases,

    s^i = oh^(i-1) W_i          o^i = f_i(s^i)          D_i = the diagonal matrix of f_i'(s^i)

The EXTENDED network goes on to the error: for the target t, one node per output computes (o_j - t_j)^2 / 2, and a last
node adds them up to E.  Those nodes store the derivatives e = o^L - t, so that the backward pass begins with e:

    delta^L = D_L e          delta^i = D_i W'_(i+1) delta^(i+1)          (W' is W without its last row)

Here the deltas are columns: the bias row is dropped because no unit of layer i feeds it.  The corrections are

    Delta W_i^T = - gamma delta^i oh^(i-1)        that is  dE/dw_ij = oh_i delta_j

For many patterns E = 1/2 sum_p |o_p - t_p|^2.  BATCH learning adds the corrections of all patterns, then changes the
weights; ONLINE learning changes them after each pattern.  In both, ALL deltas are computed before any weight changes.

Source: R. Rojas, Neural Networks: A Systematic Introduction (1996), sections 7.1 and 7.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reference_nets.generic import Activation, Value, ones_like

Matrices = Sequence[Value]
Activations = Sequence[Activation]


class Labels(NamedTuple):
    """What the units store of one pattern: o^0 ... o^L in their right halves, the diagonals of D_1 ... D_L left."""

    outputs: tuple[Value, ...]
    slopes: tuple[Value, ...]


def extend(o: Value) -> Value:
    """The row (o, 1), in the number type of o."""
    return np.concatenate([o, ones_like(o[:1])])


def feed_forward(matrices: Matrices, activations: Activations, pattern: Value) -> Labels:
    """Run one pattern of shape (n_0,) through the extended matrices, and store both labels of every unit."""
    if len(matrices) != len(activations):
        raise ValueError(f"{len(matrices)} matrices need as many activations, but {len(activations)} were given")
    outputs, slopes = [pattern], []
    for number, (matrix, f) in enumerate(zip(matrices, activations, strict=True), start=1):
        if len(matrix) != len(outputs[-1]) + 1:
            raise ValueError(
                f"matrix {number} has {len(matrix)} rows, but is fed {len(outputs[-1])} numbers: "
                "give one row for each, and a last one for the biases"
            )
        s = extend(outputs[-1]) @ matrix
        outputs.append(f.function(s))
        slopes.append(f.derivative(s))
    return Labels(tuple(outputs), tuple(slopes))


def backpropagated_errors(matrices: Matrices, labels: Labels, e: Value) -> tuple[Value, ...]:
    """The errors delta^1 ... delta^L, from the derivatives e that the extended part stores, shape (n_L,)."""
    deltas = [labels.slopes[-1] * e]
    for matrix, slope in zip(reversed(matrices[1:]), reversed(labels.slopes[:-1]), strict=True):
        deltas.append(slope * (matrix[:-1] @ deltas[-1]))
    return tuple(reversed(deltas))


def vjp(
    cotangent: Value, matrices: Matrices, activations: Activations, pattern: Value
) -> tuple[tuple[Value, ...], Value]:
    """The gradients of cotangent . o^L, by the extended matrices and by the pattern."""
    labels = feed_forward(matrices, activations, pattern)
    deltas = backpropagated_errors(matrices, labels, cotangent)
    slopes = tuple(np.outer(extend(o), delta) for o, delta in zip(labels.outputs[:-1], deltas, strict=True))
    return slopes, matrices[0][:-1] @ deltas[0]


def error(matrices: Matrices, activations: Activations, patterns: Value, targets: Value) -> Value:
    """E = 1/2 sum_p |o_p - t_p|^2 over patterns of shape (N, n_0) and targets of shape (N, n_L)."""
    gaps = [feed_forward(matrices, activations, x).outputs[-1] - t for x, t in zip(patterns, targets, strict=True)]
    return sum((gap * gap).sum() for gap in gaps) / 2


def gradient(matrices: Matrices, activations: Activations, patterns: Value, targets: Value) -> tuple[Value, ...]:
    """dE/dW_1 ... dE/dW_L: the sum over the patterns."""
    total: tuple[Value, ...] | None = None
    for x, t in zip(patterns, targets, strict=True):
        e = feed_forward(matrices, activations, x).outputs[-1] - t
        slopes, _ = vjp(e, matrices, activations, x)
        total = slopes if total is None else tuple(a + b for a, b in zip(total, slopes, strict=True))
    if total is None:
        raise ValueError("patterns is empty; give at least one pattern")
    return total


def learn(
    matrices: Matrices,
    activations: Activations,
    patterns: Value,
    targets: Value,
    *,
    rate: Value,
    rounds: int,
    online: bool = False,
) -> tuple[tuple[Value, ...], list[Value]]:
    """The matrices after ``rounds`` passes over the patterns, and the curve of E before, between and after them."""
    matrices = tuple(matrices)
    curve = [error(matrices, activations, patterns, targets)]
    size = 1 if online else len(patterns)
    for _ in range(rounds):
        for start in range(0, len(patterns), size):
            chosen = slice(start, start + size)
            slopes = gradient(matrices, activations, patterns[chosen], targets[chosen])
            matrices = tuple(w - rate * slope for w, slope in zip(matrices, slopes, strict=True))
        curve.append(error(matrices, activations, patterns, targets))
    return matrices, curve
