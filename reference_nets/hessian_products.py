"""The Hessian of a layered network's cost times a direction, without the Hessian, by two routes.

Let J(theta) be the cost of ``mlp`` and v a direction, one (V_l, c_l) per layer (W_l, b_l).  Wanted is H v.

Route 1, Pearlmutter's R-OPERATOR: R{q} = d/dt q(theta + t v) at t = 0.  Applied to every line of the forward and the
backward pass it obeys the rules of differentiation, with R{theta} = v and R{x} = 0:

    R{Z_l} = R{A_(l-1)} W_l + A_(l-1) V_l + c_l             R{A_l} = f'(Z_l) R{Z_l}
    R{delta_l} = R{G_l} f'(Z_l) + G_l f''(Z_l) R{Z_l}       with G_l = dC/dA_l, R{G_L} = (Hessian of C) R{A_L}
    R{G_(l-1)} = R{delta_l} W_l^T + delta_l V_l^T
    H v: R{dC/dW_l} = R{A_(l-1)}^T delta_l + A_(l-1)^T R{delta_l},  R{dC/db_l} = sum of the rows of R{delta_l}

Route 2, the GRADIENT OF (gradient . v) with v constant: run the backward pass of the whole computation of gradient . v,
first through the backward pass, in the order opposite to it, then through the forward pass.  With a bar for adjoints,

    through the backward pass, l = 1 ... L:
        deltabar_l = A_(l-1) V_l + c_l + Gbar_(l-1) W_l     Wbar_l = Gbar_(l-1)^T delta_l     Abar_(l-1) = delta_l V_l^T
        Gbar_l = deltabar_l f'(Z_l)                         Zbar_l = deltabar_l G_l f''(Z_l)
    Abar_L = (Hessian of C) Gbar_L
    through the forward pass, l = L ... 1:
        Zbar_l += Abar_l f'(Z_l)     Wbar_l += A_(l-1)^T Zbar_l     bbar_l = sum of rows of Zbar_l
        Abar_(l-1) += Zbar_l W_l^T

Compare the first lines: deltabar_l = R{Z_l} and Gbar_l = R{A_l}.  Both routes cost a small multiple of one gradient.

Sources: B. A. Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6 (1994) 147-160; Goodfellow,
Bengio and Courville, Deep Learning (2016), section 6.5.10, for H v as the gradient of (gradient . v).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reference_nets import mlp
from reference_nets.generic import Value, second_derivative, zeros_like
from reference_nets.mlp import Activations, Layer, Layers, Loss


class _Sweep(NamedTuple):
    """One gradient, with everything on the way; entry l - 1 of each belongs to layer l, but values[l] is A_l."""

    values: tuple[Value, ...]
    first: list[Value]
    second: list[Value]
    incoming: list[Value]
    deltas: list[Value]


def _sweep(layers: Layers, activations: Activations, loss: Loss, x: Value, y: Value) -> _Sweep:
    tape = mlp.forward(layers, activations, x)
    zs = list(zip(activations, tape.preactivations, strict=True))
    first = [f.derivative(z) for f, z in zs]
    second = [second_derivative(f)(z) for f, z in zs]
    g = loss.gradient(tape.values[-1], y)
    incoming, deltas = [], []
    for layer, slope in zip(reversed(layers), reversed(first), strict=True):
        incoming.append(g)
        deltas.append(g * slope)
        g = deltas[-1] @ layer.weights.T
    return _Sweep(tape.values, first, second, incoming[::-1], deltas[::-1])


def _curve(loss: Loss, a: Value, y: Value, t: Value) -> Value:
    if loss.curvature is None:
        raise ValueError(f"loss {loss.name!r} states no curvature; give it as Loss(..., curvature=...)")
    return loss.curvature(a, y, t)


def r_operator(
    layers: Layers, activations: Activations, loss: Loss, x: Value, y: Value, direction: Layers
) -> tuple[Layer, ...]:
    """H v by route 1: forward over reverse."""
    values, first, second, incoming, deltas = _sweep(layers, activations, loss, x, y)
    r_values, r_sums = [zeros_like(x)], []
    for number, (layer, v) in enumerate(zip(layers, direction, strict=True)):
        r_sums.append(r_values[-1] @ layer.weights + values[number] @ v.weights + v.bias)
        r_values.append(first[number] * r_sums[-1])
    r_g = _curve(loss, values[-1], y, r_values[-1])
    product: list[Layer] = []
    for number in reversed(range(len(layers))):
        r_delta = r_g * first[number] + incoming[number] * second[number] * r_sums[number]
        weights = r_values[number].T @ deltas[number] + values[number].T @ r_delta
        product.append(Layer(weights, r_delta.sum(axis=0)))
        r_g = r_delta @ layers[number].weights.T + deltas[number] @ direction[number].weights.T
    return tuple(reversed(product))


def gradient_of_slope(
    layers: Layers, activations: Activations, loss: Loss, x: Value, y: Value, direction: Layers
) -> tuple[Layer, ...]:
    """H v by route 2: the gradient of (gradient . v), reverse over reverse."""
    values, first, second, incoming, deltas = _sweep(layers, activations, loss, x, y)
    g_bar = zeros_like(x)
    w_bars, a_bars, z_bars = [], [], []
    for number, (layer, v) in enumerate(zip(layers, direction, strict=True)):
        delta_bar = values[number] @ v.weights + v.bias + g_bar @ layer.weights
        w_bars.append(g_bar.T @ deltas[number])
        a_bars.append(deltas[number] @ v.weights.T)
        g_bar = delta_bar * first[number]
        z_bars.append(delta_bar * incoming[number] * second[number])
    a_bar = _curve(loss, values[-1], y, g_bar)
    product: list[Layer] = []
    for number in reversed(range(len(layers))):
        z_bar = z_bars[number] + a_bar * first[number]
        product.append(Layer(w_bars[number] + values[number].T @ z_bar, z_bar.sum(axis=0)))
        a_bar = a_bars[number] + z_bar @ layers[number].weights.T
    return tuple(reversed(product))


def hessian(layers: Layers, activations: Activations, loss: Loss, x: Value, y: Value) -> Value:
    """The full Hessian by all parameters in the order of ``mlp.flatten``: one product per column."""
    flat = mlp.flatten(layers)
    columns = []
    for place in range(len(flat)):
        unit = zeros_like(flat)
        unit[place] = unit[place] + 1
        columns.append(mlp.flatten(r_operator(layers, activations, loss, x, y, mlp.unflatten(unit, layers))))
    return np.stack(columns, axis=1)
