"""Networks that use a parameter many times: recurrent, hidden Markov, variational."""

from __future__ import annotations

from collections.abc import Callable

from reference_nets import hidden_markov, recurrent, variational
from reference_nets.generic import Value
from reference_nets.hidden_markov import Model
from reference_nets.networks.records import Gradients, Kit, Network, Pair, scaled
from reference_nets.variational import Lagrangian


def through_time(kit: Kit) -> Pair:
    """All outputs o(1) ... o(T), by W, o(0) and x."""

    def vjp(g: Value, W: Value, start: Value, x: Value) -> Gradients:
        return tuple(recurrent.backward(W, recurrent.forward(W, start, x, kit.tanh), kit.tanh, g))

    return lambda W, start, x: recurrent.forward(W, start, x, kit.tanh).outputs[1:], vjp


def symbols_for(emissions: Value) -> list[int]:
    """Five observed symbols that a table of emissions knows, with repetitions."""
    return [(3 * t * t + t) % emissions.shape[1] for t in range(5)]


def hidden_markov_model(kit: Kit) -> Pair:
    """The likelihood of five symbols, by all parameters; it is a polynomial in them, so signs do not matter."""

    def vjp(g: Value, *parts: Value) -> Gradients:
        return scaled(g, hidden_markov.gradient(Model(*parts), symbols_for(parts[2])))

    return lambda start, moves, emissions: hidden_markov.likelihood(
        Model(start, moves, emissions), symbols_for(emissions)
    ), vjp


def discretised(lagrangian: Lagrangian) -> Callable[[Kit], Pair]:
    """The discretised integral, by all grid values; the spacing is an array of one entry."""

    def build(kit: Kit) -> Pair:
        def vjp(g: Value, u: Value, h: Value) -> Gradients:
            return (g * variational.gradient(lagrangian, u, h[0]),)

        return lambda u, h: variational.functional(lagrangian, u, h[0]), vjp

    return build


def _grid(n: int, m: int, k: int) -> tuple[tuple[int, ...], ...]:
    return (n + m + 1,), (1,)


NETWORKS = {
    "through time": Network(
        through_time, lambda n, m, k: ((n, n), (n,), (m, n)), 3, formula="o(t) = tanh(o(t - 1) W + x(t))"
    ),
    "hidden Markov": Network(
        hidden_markov_model,
        lambda n, m, k: ((n,), (n, n), (n, k)),
        3,
        formula="P = sum_j alpha_T(j) where alpha_t(j) = sum_i alpha_(t-1)(i) a_ij b_j(O_t), alpha_1(j) = pi_j b_j(O_1)",
    ),
    "variational, oscillator": Network(
        discretised(variational.oscillator),
        _grid,
        1,
        formula="J = sum_i (p_i^2 - u_i^2) / 2 h where p_i = (u_(i+1) - u_i) / h",
    ),
    "variational, coupled": Network(
        discretised(variational.coupled), _grid, 1, formula="J = sum_i u_i^2 p_i^2 h where p_i = (u_(i+1) - u_i) / h"
    ),
}
