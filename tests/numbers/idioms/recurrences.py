# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# (users annotate little)
"""Loops over time and iterations: cells, filters, recursions and integrators."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from tests.numbers.idioms.idiom import Idiom, normal, positive_definite, uniform


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def vanilla_rnn(xs, h0, Wx, Wh, b):
    h = h0
    hs = []
    for x in xs:
        h = np.tanh(x @ Wx + h @ Wh + b)
        hs.append(h)
    return np.stack(hs)


def lstm_cell(x, h, c, W, b):
    z = np.concatenate([x, h]) @ W + b
    i, f, g, o = np.split(z, 4)
    c_new = sigmoid(f + 1.0) * c + sigmoid(i) * np.tanh(g)
    h_new = sigmoid(o) * np.tanh(c_new)
    return h_new, c_new


class GRU:
    """Keeps its hidden state between calls."""

    def __init__(self, U, V):
        self.U, self.V = U, V
        self.n = U.shape[1] // 3
        self.h = np.zeros(self.n)

    def step(self, x):
        n = self.n
        a, r = x @ self.U, self.h @ self.V
        z = sigmoid(a[:n] + r[:n])
        q = sigmoid(a[n : 2 * n] + r[n : 2 * n])
        cand = np.tanh(a[2 * n :] + q * r[2 * n :])
        self.h = (1 - z) * self.h + z * cand
        return self.h


def gru_last_state(xs, U, V):
    cell = GRU(U, V)
    for t in range(xs.shape[0]):
        out = cell.step(xs[t])
    return out


def kalman_step(x, P, z, R):
    F = np.array([[1.0, 0.1], [0.0, 1.0]])
    H = np.array([[1.0, 0.0]])
    Q = 0.01 * np.identity(2)
    # predict
    x = F @ x
    P = F @ P @ F.T + Q
    # update
    S = H @ P @ H.T + R
    K = P @ H.T @ np.linalg.inv(S)
    x = x + K @ (z - H @ x)
    P = (np.eye(2) - K @ H) @ P
    return x, P


def hmm_forward(log_pi, log_A, log_B, obs):
    T = len(obs)
    alpha = np.empty((T, log_pi.shape[0]))
    alpha[0] = log_pi + log_B[:, obs[0]]
    for t in range(1, T):
        alpha[t] = logsumexp(alpha[t - 1][:, None] + log_A, axis=0) + log_B[:, obs[t]]
    return logsumexp(alpha[-1])


def euler_lotka_volterra(y0, theta):
    a, b, c, d = theta
    x, y = y0
    dt = 0.05
    path = [[x, y]]
    for _ in range(10):
        dx = a * x - b * x * y
        dy = -c * y + d * x * y
        x, y = x + dt * dx, y + dt * dy
        path.append([x, y])
    return np.array(path)


def rk4_pendulum(state, g_over_l):
    def deriv(s):
        th, om = s
        return np.array([om, -g_over_l * np.sin(th) - 0.1 * om])

    h = 0.1
    for _ in range(5):
        k1 = deriv(state)
        k2 = deriv(state + h / 2 * k1)
        k3 = deriv(state + h / 2 * k2)
        k4 = deriv(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state


def kepler_newton(M, e):
    """Eccentric anomaly; iterate until the correction is small everywhere."""
    E = M + e * np.sin(M)
    delta = np.ones_like(E)
    it = 0
    while np.max(np.abs(delta)) > 1e-12 and it < 50:
        delta = (E - e * np.sin(E) - M) / (1 - e * np.cos(E))
        E = E - delta
        it += 1
    return E


def horner(coeffs, x):
    result = 0.0
    for c in coeffs[::-1]:
        result = result * x + c
    return result


def garch_nll(params, returns):
    omega = np.exp(params[0])
    alpha, beta = 1 / (2 + np.exp(-params[1:]))
    sigma2 = np.zeros(len(returns))
    sigma2[0] = returns.var()
    for t in range(1, len(returns)):
        sigma2[t] = omega + alpha * returns[t - 1] ** 2 + beta * sigma2[t - 1]
    return 0.5 * (np.log(2 * np.pi * sigma2) + returns**2 / sigma2).sum()


OBSERVED = np.array([0, 2, 1, 1])

IDIOMS = (
    Idiom(
        "rnn stacking a list",
        "cells",
        vanilla_rnn,
        (normal(150, 4, 3), normal(151, 2), normal(152, 3, 2), normal(153, 2, 2), normal(154, 2)),
    ),
    Idiom(
        "lstm cell by split",
        "cells",
        lstm_cell,
        (normal(155, 3), normal(156, 2), normal(157, 2), normal(158, 5, 8), normal(159, 8)),
    ),
    Idiom("gru as a class", "state", gru_last_state, (normal(160, 3, 2), normal(161, 2, 6), normal(162, 2, 6))),
    Idiom(
        "kalman step",
        "filters",
        kalman_step,
        (normal(163, 2), positive_definite(164, 2), normal(165, 1), uniform(166, 0.2, 0.5, 1, 1)),
    ),
    Idiom(
        "hidden markov forward recursion",
        "logsumexp",
        hmm_forward,
        (normal(167, 2), normal(168, 2, 2), normal(169, 2, 3), OBSERVED),
    ),
    Idiom("euler on scalars", "integrators", euler_lotka_volterra, (uniform(170, 1, 2, 2), uniform(171, 0.5, 1.5, 4))),
    Idiom("rk4 with a nested function", "integrators", rk4_pendulum, (normal(172, 2), uniform(173, 5, 10))),
    Idiom("newton until it is converged", "while", kepler_newton, (uniform(174, 0.3, 2.5, 4), uniform(175, 0.1, 0.4))),
    Idiom("horner", "polynomials", horner, (normal(176, 5), normal(177, 4))),
    Idiom("garch variance recursion", "likelihoods", garch_nll, (normal(178, 3), normal(179, 6))),
)
