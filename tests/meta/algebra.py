"""Backward passes of scans, recurrences, correlations and matrix functions that take a wrong turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.claim import POSITIVE_DEFINITE, REALS, Domain
from tests.meta.case import Case
from tests.meta.drawn import pair

SIGN = "sign"
SCAN = "scan not reversed"
MATRIX = "wrong matrix formula"
KERNEL = "kernel flipped"
INVERTIBLE = Domain((POSITIVE_DEFINITE,))


def leaky_sum(x: Any, decay: float) -> Any:
    """s_t = decay s_(t-1) + x_t."""
    out, state = [], 0.0 * x[0]
    for entry in x:
        state = decay * state + entry
        out.append(state)
    return np.stack(out)


def recurrent(x: Any, a: Any) -> Any:
    """The last state of s_t = tanh(a s_(t-1) + x_t)."""
    return recurrent_states(x, a)[-1]


def recurrent_states(x: Any, a: Any) -> list[Any]:
    """All states, the first of which is 0."""
    states = [0.0 * x[0]]
    for entry in x:
        states.append(np.tanh(a * states[-1] + entry))
    return states


def recurrent_vjp(g: Any, x: Any, a: Any, steps: int = 99) -> Any:
    """Through at most ``steps`` steps of time."""
    states = recurrent_states(x, a)
    dx, da = np.zeros_like(x), 0.0
    for t in range(len(x) - 1, max(len(x) - 1 - steps, -1), -1):
        g = g / np.cosh(a * states[t] + x[t]) ** 2
        dx[t] = g
        da = da + g * states[t]
        g = a * g
    return dx, da


def inverse_vjp(g: Any, a: Any, sign: float = -1.0, transpose: bool = True) -> Any:
    """-a^-T g a^-T."""
    b = np.linalg.inv(a)
    b = b.T if transpose else b
    return sign * b @ g @ b


def solve_vjp(g: Any, a: Any, b: Any, sign: float = -1.0) -> Any:
    """(-d x', d) with d = a^-T g and x = a^-1 b."""
    d = np.linalg.solve(a.T, g)
    return sign * np.outer(d, np.linalg.solve(a, b)), d


def convolution_vjp(g: Any, x: Any, w: Any, flip: bool) -> Any:
    """vjp of the valid cross-correlation; the input needs the kernel as a convolution flips it."""
    dx = np.convolve(g, w if flip else w[::-1], mode="full")
    return dx, np.array([x[i : i + len(g)] @ g for i in range(len(w))])


def correlate(x: Any, w: Any) -> Any:
    """sum over i of x_(k+i) w_i."""
    return sum(x[i : len(x) - len(w) + 1 + i] * w[i] for i in range(len(w)))


SCANS = (
    *pair(
        "correlation/kernel-flipped",
        KERNEL,
        correlate,
        lambda g, x, w: convolution_vjp(g, x, w, True),
        lambda g, x, w: convolution_vjp(g, x, w, False),
        (6,),
        (3,),
    ),
    *pair(
        "correlation/kernel-gradient-flipped",
        KERNEL,
        correlate,
        lambda g, x, w: convolution_vjp(g, x, w, True),
        lambda g, x, w: (convolution_vjp(g, x, w, True)[0], convolution_vjp(g, x, w, True)[1][::-1]),
        (7,),
        (3,),
    ),
    *pair(
        "cumsum/not-reversed", SCAN, np.cumsum, lambda g, x: np.cumsum(g[::-1])[::-1], lambda g, x: np.cumsum(g), (5,)
    ),
    *pair(
        "cumsum/own-entry-left-out",
        SCAN,
        np.cumsum,
        lambda g, x: np.cumsum(g[::-1])[::-1],
        lambda g, x: np.cumsum(g[::-1])[::-1] - g,
        (6,),
    ),
    *pair(
        "leaky-sum/not-reversed",
        SCAN,
        leaky_sum,
        lambda g, x, decay: leaky_sum(g[::-1], decay)[::-1],
        lambda g, x, decay: leaky_sum(g, decay),
        (5,),
        kwargs={"decay": 0.75},
    ),
    *pair(
        "recurrent/truncated-through-time",
        "truncated through time",
        recurrent,
        recurrent_vjp,
        lambda g, x, a: recurrent_vjp(g, x, a, steps=2),
        (4,),
        (),
    ),
)


MATRICES = (
    *pair(
        "inverse/sign", SIGN, np.linalg.inv, inverse_vjp, lambda g, a: inverse_vjp(g, a, 1.0), (3, 3), domain=INVERTIBLE
    ),
    *pair(
        "inverse/only-one-factor",
        MATRIX,
        np.linalg.inv,
        inverse_vjp,
        lambda g, a: -np.linalg.inv(a).T @ g,
        (2, 2),
        domain=INVERTIBLE,
    ),
    *pair(
        "log-determinant/matrix-itself-for-its-inverse",
        MATRIX,
        lambda a: np.linalg.slogdet(a)[1],
        lambda g, a: g * np.linalg.inv(a).T,
        lambda g, a: g * a.T / np.linalg.det(a),
        (3, 3),
        domain=INVERTIBLE,
    ),
    *pair(
        "solve/sign-of-the-matrix-gradient",
        SIGN,
        np.linalg.solve,
        solve_vjp,
        lambda g, a, b: solve_vjp(g, a, b, 1.0),
        (3, 3),
        (3,),
        domain=Domain((POSITIVE_DEFINITE, REALS)),
    ),
    *pair(
        "cross/order-of-the-factors",
        SIGN,
        np.cross,
        lambda g, x, y: (np.cross(y, g), np.cross(g, x)),
        lambda g, x, y: (np.cross(g, y), np.cross(x, g)),
        (3,),
        (3,),
    ),
    *pair(
        "determinant/cofactor-sign",
        SIGN,
        lambda a: a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0],
        lambda g, a: g * np.array([[a[1, 1], -a[1, 0]], [-a[0, 1], a[0, 0]]]),
        lambda g, a: g * np.array([[a[1, 1], a[1, 0]], [a[0, 1], a[0, 0]]]),
        (2, 2),
    ),
)

CASES: tuple[Case, ...] = (*SCANS, *MATRICES)
