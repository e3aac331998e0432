"""Two hidden layers and a linear output, written out component by component: f = w3 . s(W2 s(W1 x)).

With column vectors, W1 of shape (n1, m), W2 of shape (n2, n1) and w3 of shape (n2,),

    a1 = W1 x      h1 = s(a1)      a2 = W2 h1      h2 = s(a2)      f = w3 . h2

The chain rule, with every index:

    df/dw3_i  = h2_i
    df/dW2_ij = w3_i s'(a2_i) h1_j                            one path leads through W2_ij
    df/dW1_jk = sum_i w3_i s'(a2_i) W2_ij s'(a1_j) x_k        one path for EVERY unit i of the second layer

In vectors, with d2 = w3 * s'(a2) and d1 = (W2^T d2) * s'(a1), where * is entry by entry:

    df/dw3 = h2        df/dW2 = d2 h1^T        df/dW1 = d1 x^T        df/dx = W1^T d1

The matrix W2^T in d1 is where the sum over the paths has gone, and W2 is any matrix: it need not be square, and nothing
makes it symmetric.  ``gradient_by_paths`` is the formula with indices, loop for loop.

Source: the chain rule; R. Rojas, Neural Networks (1996), section 7.3, has the same with row vectors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reference_nets.generic import Activation, Value, zeros_like


class Weights(NamedTuple):
    """W1 of shape (n1, m), W2 of shape (n2, n1), w3 of shape (n2,); or a gradient with respect to them."""

    W1: Value
    W2: Value
    w3: Value


class Tape(NamedTuple):
    """The forward pass: sums a1 and a2, activities h1 and h2, and the output f."""

    a1: Value
    h1: Value
    a2: Value
    h2: Value
    f: Value


def forward(weights: Weights, x: Value, s: Activation) -> Tape:
    """Run the network on one pattern x of shape (m,); s is the activation of both hidden layers."""
    W1, W2, w3 = weights
    if np.shape(W1)[1:] != np.shape(x) or np.shape(W2) != (*np.shape(w3), len(W1)):
        raise ValueError(
            f"x, W1, W2, w3 have shapes {np.shape(x)}, {np.shape(W1)}, {np.shape(W2)}, {np.shape(w3)}; "
            "give (m,), (n1, m), (n2, n1), (n2,)"
        )
    a1 = W1 @ x
    h1 = s.function(a1)
    a2 = W2 @ h1
    h2 = s.function(a2)
    return Tape(a1, h1, a2, h2, w3 @ h2)


def vjp(cotangent: Value, weights: Weights, x: Value, s: Activation) -> tuple[Weights, Value]:
    """The gradients of cotangent * f, by the weights and by x."""
    tape = forward(weights, x, s)
    d2 = cotangent * weights.w3 * s.derivative(tape.a2)
    d1 = (weights.W2.T @ d2) * s.derivative(tape.a1)
    slopes = Weights(W1=np.outer(d1, x), W2=np.outer(d2, tape.h1), w3=cotangent * tape.h2)
    return slopes, weights.W1.T @ d1


def gradient_by_paths(weights: Weights, x: Value, s: Activation) -> Weights:
    """The gradient by the formulas with indices, one product per path: slow and obvious."""
    tape = forward(weights, x, s)
    slope1, slope2 = s.derivative(tape.a1), s.derivative(tape.a2)
    W1, W2 = zeros_like(weights.W1), zeros_like(weights.W2)
    for i in range(len(weights.w3)):
        for j in range(len(weights.W1)):
            W2[i, j] = weights.w3[i] * slope2[i] * tape.h1[j]
            for k in range(len(x)):
                W1[j, k] = W1[j, k] + weights.w3[i] * slope2[i] * weights.W2[i, j] * slope1[j] * x[k]
    return Weights(W1, W2, tape.h2)
