"""A variational problem as a network: the gradient of the discretised integral tends to Euler's and Lagrange's equation.

Wanted is the function u on [a, b], with both ends fixed, that minimises the integral of F(u, u').  On a grid of spacing
h with values u_0 ... u_N and p_i = (u_(i+1) - u_i) / h, the integral becomes

    J = sum_(i=0)^(N-1) F(u_i, p_i) h

An inner u_i is used three times: as u_i in term i, in p_i with factor -1/h, and in p_(i-1) with factor 1/h.  Running the
network backwards adds the three:

    dJ/du_i = h F_u(u_i, p_i) - F_p(u_i, p_i) + F_p(u_(i-1), p_(i-1))

and dJ/du_i / h tends to F_u - d/dx F_p as h goes to 0.  That it vanishes is the Euler-Lagrange equation.

Source: R. Rojas, Neural Networks: A Systematic Introduction (1996), section 7.4.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reference_nets.generic import Value


@dataclass(frozen=True, slots=True)
class Lagrangian:
    """F(u, p), entry by entry, with its two partial derivatives."""

    name: str
    function: Callable[[Value, Value], Value]
    by_u: Callable[[Value, Value], Value]
    by_p: Callable[[Value, Value], Value]


stretched_string = Lagrangian("stretched string", lambda u, p: p * p / 2, lambda u, p: 0 * u, lambda u, p: p)
"""F = p^2 / 2.  The minimum is the straight line: u'' = 0."""

oscillator = Lagrangian("oscillator", lambda u, p: (p * p - u * u) / 2, lambda u, p: -u, lambda u, p: p)
"""F = (p^2 - u^2) / 2, kinetic less potential energy: u'' = -u."""

coupled = Lagrangian("coupled", lambda u, p: u * u * p * p, lambda u, p: 2 * u * p * p, lambda u, p: 2 * u * u * p)
"""F = u^2 p^2, in which F_p depends on u too: 2 u p^2 - d/dx (2 u^2 p) = -2 u (p^2 + u u'')."""


def _slopes(u: Value, h: Value) -> Value:
    if np.ndim(u) != 1 or len(u) < 2:
        raise ValueError(f"u has shape {np.shape(u)}; give at least two grid values, shape (N + 1,)")
    return (u[1:] - u[:-1]) / h


def functional(lagrangian: Lagrangian, u: Value, h: Value) -> Value:
    """J, from the grid values u of shape (N + 1,) at spacing h."""
    return (lagrangian.function(u[:-1], _slopes(u, h)) * h).sum()


def gradient(lagrangian: Lagrangian, u: Value, h: Value) -> Value:
    """dJ/du_i at ALL grid values, shape (N + 1,); the ends have fewer uses and are not to be moved."""
    p = _slopes(u, h)
    by_p = lagrangian.by_p(u[:-1], p)
    own = h * lagrangian.by_u(u[:-1], p) - by_p
    return np.concatenate([own[:1], own[1:] + by_p[:-1], by_p[-1:]])


def descend(lagrangian: Lagrangian, u: Value, h: Value, *, rate: Value, steps: int) -> tuple[Value, list[Value]]:
    """The grid values after ``steps`` steps of gradient descent on the inner ones, and the curve of J."""
    curve = [functional(lagrangian, u, h)]
    for _ in range(steps):
        slope = gradient(lagrangian, u, h)
        u = np.concatenate([u[:1], u[1:-1] - rate * slope[1:-1], u[-1:]])
        curve.append(functional(lagrangian, u, h))
    return u, curve
