"""The hidden Markov model as a network of sums and products: its adjoints are the backward variables.

States 0 ... n-1 begin with probabilities pi_i, move from i to j with probability a_ij and emit symbol k with
probability b_ik.  For observed symbols O_1 ... O_T the forward variables alpha_t(i) = P(O_1 ... O_t, state i at t) are

    alpha_1(i) = pi_i b_i(O_1)        alpha_(t+1)(j) = [sum_i alpha_t(i) a_ij] b_j(O_(t+1))        P = sum_i alpha_T(i)

This is a feed-forward network without activations, in which every a_ij is used T - 1 times.  Run backwards from P, the
adjoint of alpha_t(i) is dP/dalpha_t(i) = beta_t(i), the probability of the rest given state i at t:

    beta_T(i) = 1        beta_t(i) = sum_j a_ij b_j(O_(t+1)) beta_(t+1)(j)
    dP/dpi_i  = b_i(O_1) beta_1(i)
    dP/da_ij  = sum_t alpha_t(i) b_j(O_(t+1)) beta_(t+1)(j)
    dP/db_jk  = sum over t with O_t = k of (pi_j or [sum_i alpha_(t-1)(i) a_ij]) beta_t(j)

P is a polynomial in all of them, and the derivatives are those of the polynomial: the rows need not sum to 1.  The
expected counts of Baum and Welch are logarithmic derivatives: a_ij dlog P/da_ij is the expected number of moves from i
to j given O.  Each path makes T - 1 moves, so they add up to T - 1.

P is a product of T factors below 1 and underflows float64 for strings of some hundred symbols; fractions do not.

Sources: R. Rojas, Neural Networks: A Systematic Introduction (1996), section 7.4.2; L. E. Baum, T. Petrie, G. Soules and
N. Weiss, A maximization technique ..., Annals of Mathematical Statistics 41 (1970) 164-171.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reference_nets.generic import Value, ones_like, zeros_like


class Model(NamedTuple):
    """pi of shape (n,), a of shape (n, n), b of shape (n, symbols); or a gradient with respect to them."""

    start: Value
    moves: Value
    emissions: Value


def forward(model: Model, symbols: Sequence[int]) -> Value:
    """The forward variables alpha, shape (T, n)."""
    n, kinds = np.shape(model.emissions)
    if np.shape(model.start) != (n,) or np.shape(model.moves) != (n, n):
        raise ValueError(
            f"start, moves and emissions have shapes {np.shape(model.start)}, {np.shape(model.moves)}, "
            f"{np.shape(model.emissions)}; give (n,), (n, n), (n, symbols)"
        )
    if not len(symbols) or min(symbols) < 0 or max(symbols) >= kinds:
        raise ValueError(f"symbols is {list(symbols)}; give at least one, each in 0 ... {kinds - 1}")
    alpha = [model.start * model.emissions[:, symbols[0]]]
    for symbol in symbols[1:]:
        alpha.append((alpha[-1] @ model.moves) * model.emissions[:, symbol])
    return np.stack(alpha)


def likelihood(model: Model, symbols: Sequence[int]) -> Value:
    """P, the probability of the observed symbols."""
    return forward(model, symbols)[-1].sum()


def backward_variables(model: Model, symbols: Sequence[int]) -> Value:
    """The backward variables beta, shape (T, n): the adjoints of the forward variables."""
    beta = [ones_like(model.start)]
    for symbol in reversed(symbols[1:]):
        beta.append(model.moves @ (model.emissions[:, symbol] * beta[-1]))
    return np.stack(beta[::-1])


def gradient(model: Model, symbols: Sequence[int]) -> Model:
    """The gradient of ``likelihood``."""
    alpha, beta = forward(model, symbols), backward_variables(model, symbols)
    moves, emissions = zeros_like(model.moves), zeros_like(model.emissions)
    emissions[:, symbols[0]] = model.start * beta[0]
    for t, symbol in enumerate(symbols[1:], start=1):
        moves = moves + np.outer(alpha[t - 1], model.emissions[:, symbol] * beta[t])
        emissions[:, symbol] = emissions[:, symbol] + (alpha[t - 1] @ model.moves) * beta[t]
    return Model(model.emissions[:, symbols[0]] * beta[0], moves, emissions)


def expected_counts(model: Model, symbols: Sequence[int]) -> Model:
    """How often each start, move and emission is used, in expectation given the symbols: theta dlog P/dtheta."""
    slopes, probability = gradient(model, symbols), likelihood(model, symbols)
    return Model(*(theta * slope / probability for theta, slope in zip(model, slopes, strict=True)))


def reestimate(model: Model, symbols: Sequence[int]) -> Model:
    """One step of Baum and Welch: the expected counts, each row divided by its sum.  P does not become smaller."""
    counts = expected_counts(model, symbols)
    return Model(
        counts.start / counts.start.sum(),
        counts.moves / counts.moves.sum(axis=1, keepdims=True),
        counts.emissions / counts.emissions.sum(axis=1, keepdims=True),
    )
