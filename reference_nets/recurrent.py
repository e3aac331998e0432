"""Back-propagation through time: a network of n units, each connected to each, unfolded over T steps.

With row vectors, o(t) of shape (n,), a matrix W of shape (n, n) and external input x(t) of shape (n,) to the units,

    s(t) = o(t-1) W + x(t)          o(t) = f(s(t))          t = 1 ... T,  from a given o(0)

Unfolded, this is a network of T layers in which the SAME weight w_ij is used T times.  A variable that is used several
times receives the sum of what its uses receive: take T copies w_ij(t) that are kept equal, so that by the chain rule
dE/dw_ij = sum_t dE/dw_ij(t).  With e(t) = the derivative of E by o(t) where it enters E directly, D(t) = the diagonal of
f'(s(t)), and delta(T+1) = 0,

    delta(t) = D(t) [e(t) + W delta(t+1)]        t = T ... 1
    dE/dw_ij = sum_t o_i(t-1) delta_j(t)         dE/dx(t) = delta(t)         dE/do(0) = W delta(1)

Source: R. Rojas, Neural Networks: A Systematic Introduction (1996), section 7.4.1; P. Werbos, Backpropagation through
time: what it does and how to do it, Proceedings of the IEEE 78 (1990) 1550-1560.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reference_nets.generic import Activation, Value, zeros_like


class Run(NamedTuple):
    """A run through time: o(0) ... o(T), of shape (T+1, n), and the sums s(1) ... s(T), of shape (T, n)."""

    outputs: Value
    sums: Value


class Slopes(NamedTuple):
    """Derivatives by W, by o(0) and by x(1) ... x(T)."""

    weights: Value
    start: Value
    inputs: Value


def forward(weights: Value, start: Value, inputs: Value, f: Activation) -> Run:
    """Run through T steps: W of shape (n, n), o(0) of shape (n,), x of shape (T, n) with T >= 1."""
    n = len(start)
    if np.shape(weights) != (n, n) or np.ndim(inputs) != 2 or np.shape(inputs)[1] != n or len(inputs) == 0:
        raise ValueError(
            f"weights, start and inputs have shapes {np.shape(weights)}, {np.shape(start)}, {np.shape(inputs)}; "
            f"with {n} units give ({n}, {n}), ({n},) and (T, {n}), T >= 1"
        )
    outputs, sums = [start], []
    for x in inputs:
        sums.append(outputs[-1] @ weights + x)
        outputs.append(f.function(sums[-1]))
    return Run(np.stack(outputs), np.stack(sums))


def backward(weights: Value, run: Run, f: Activation, cotangents: Value) -> Slopes:
    """The gradients of sum_t e(t) . o(t), from the e(t), shape (T, n), one for each o(1) ... o(T)."""
    slopes = f.derivative(run.sums)
    deltas: list[Value] = []
    back = zeros_like(cotangents[0])
    for slope, e in zip(slopes[::-1], cotangents[::-1], strict=True):
        deltas.append(slope * (e + back))
        back = weights @ deltas[-1]
    delta = np.stack(deltas[::-1])
    return Slopes(weights=run.outputs[:-1].T @ delta, start=back, inputs=delta)


def error(weights: Value, start: Value, inputs: Value, targets: Value, f: Activation) -> Value:
    """E = 1/2 sum_t |o(t) - target(t)|^2."""
    gap = forward(weights, start, inputs, f).outputs[1:] - targets
    return (gap * gap).sum() / 2


def gradient(weights: Value, start: Value, inputs: Value, targets: Value, f: Activation) -> Slopes:
    """The gradient of ``error``: e(t) = o(t) - target(t)."""
    run = forward(weights, start, inputs, f)
    return backward(weights, run, f, run.outputs[1:] - targets)
