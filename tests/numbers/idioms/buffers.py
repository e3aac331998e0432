# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# (users annotate little)
"""Arrays that are filled or changed in place, scattered sums, and objects that carry state."""

from __future__ import annotations

import numpy as np

from tests.numbers.idioms.idiom import Idiom, normal, uniform

EDGES = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]])


def affine_with_out(x, W, b):
    y = np.empty((x.shape[0], W.shape[1]))
    np.matmul(x, W, out=y)
    y += b
    np.tanh(y, out=y)
    return y


def convolve1d(x, k):
    n, m = len(x), len(k)
    out = np.zeros(n - m + 1)
    for i in range(n - m + 1):
        for j in range(m):
            out[i] += x[i + j] * k[m - 1 - j]
    return out


def message_passing(h, W):
    # sum of neighbours
    agg = np.zeros_like(h)
    src, dst = EDGES[:, 0], EDGES[:, 1]
    np.add.at(agg, dst, h[src])
    np.add.at(agg, src, h[dst])
    deg = np.bincount(EDGES.ravel(), minlength=h.shape[0])
    agg /= deg[:, None]
    return np.maximum(agg @ W + h, 0)


def spring_forces(pos, k):
    F = np.zeros(pos.shape)
    L0 = 1.0
    for (i, j), kij in zip(EDGES, k, strict=True):
        d = pos[j] - pos[i]
        L = np.sqrt((d**2).sum())
        f = kij * (L - L0) * d / L
        F[i] += f
        F[j] -= f
    return F


class SGDMomentum:
    def __init__(self, lr=0.1, momentum=0.9):
        self.lr = lr
        self.momentum = momentum
        self.velocity = None

    def step(self, params, grads):
        if self.velocity is None:
            self.velocity = [np.zeros_like(p) for p in params]
        for p, g, v in zip(params, grads, self.velocity, strict=True):
            v *= self.momentum
            v -= self.lr * g
            p += v


def three_sgd_steps(w, A):
    w = w.copy()
    opt = SGDMomentum()
    for _ in range(3):
        opt.step([w], [2 * A.T @ (A @ w - 1.0)])
    return w


class Adam:
    def __init__(self, shape, lr=0.05, b1=0.9, b2=0.999):
        self.m, self.v, self.t = np.zeros(shape), np.zeros(shape), 0
        self.lr, self.b1, self.b2 = lr, b1, b2

    def update(self, g):
        self.t += 1
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g**2
        m_hat = self.m / (1 - self.b1**self.t)
        v_hat = self.v / (1 - self.b2**self.t)
        return -self.lr * m_hat / (np.sqrt(v_hat) + 1e-8)


def unrolled_adam(theta, target):
    opt = Adam(theta.shape)
    for _ in range(4):
        theta = theta + opt.update(np.sinh(theta - target))
    return theta


def tridiagonal_solve(a, b, c, d):
    """Thomas algorithm."""
    n = len(d)
    cp = np.zeros(n)
    dp = np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i - 1] * cp[i - 1]
        if i < n - 1:
            cp[i] = c[i] / m
        dp[i] = (d[i] - a[i - 1] * dp[i - 1]) / m
    x = np.zeros(n)
    x[-1] = dp[-1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return x


def jacobi_relax(u, rhs):
    u = np.array(u)
    for _ in range(3):
        new = u.copy()
        new[1:-1, 1:-1] = 0.25 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - rhs[1:-1, 1:-1])
        u[:] = new
    return u


def soft_edit_distance(cost, gap):
    n, m = cost.shape
    D = np.full((n + 1, m + 1), 0.0)
    D[1:, 0] = gap * np.arange(1, n + 1)
    D[0, 1:] = gap * np.arange(1, m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            options = np.array([D[i - 1, j] + gap, D[i, j - 1] + gap, D[i - 1, j - 1] + cost[i - 1, j - 1]])
            D[i, j] = -np.log(np.sum(np.exp(-options)))
    return D[n, m]


def deposit_charge(x, q):
    """Cloud-in-cell deposition of particle charge on a periodic grid."""
    nx = 6
    cell = np.floor(x).astype(int)
    frac = x - cell
    rho = np.zeros(nx)
    np.add.at(rho, cell % nx, q * (1 - frac))
    np.add.at(rho, (cell + 1) % nx, q * frac)
    return rho


IDIOMS = (
    Idiom("affine layer with out=", "in place", affine_with_out, (normal(20, 3, 4), normal(21, 4, 2), normal(22, 2))),
    Idiom("convolution by two loops", "buffers", convolve1d, (normal(23, 6), normal(24, 3))),
    Idiom("graph layer by add.at", "scatter", message_passing, (normal(25, 4, 3), normal(26, 3, 3))),
    Idiom("spring forces edge by edge", "buffers", spring_forces, (normal(27, 4, 2), uniform(28, 1, 2, 5))),
    Idiom("momentum steps in place", "state", three_sgd_steps, (normal(29, 3), normal(30, 4, 3) / 2)),
    Idiom("adam as a class", "state", unrolled_adam, (normal(31, 4), normal(32, 4))),
    Idiom(
        "thomas algorithm",
        "buffers",
        tridiagonal_solve,
        (normal(33, 4), uniform(34, 4, 5, 5), normal(35, 4), normal(36, 5)),
    ),
    Idiom("jacobi sweeps on slices", "in place", jacobi_relax, (normal(37, 5, 5), normal(38, 5, 5))),
    Idiom("soft alignment table", "buffers", soft_edit_distance, (uniform(39, 0, 1, 3, 4), uniform(40, 0.3, 0.8))),
    Idiom("charge deposition by floor and add.at", "scatter", deposit_charge, (uniform(41, 0, 6, 5), normal(42, 5))),
)
