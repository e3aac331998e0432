"""Scans and steps in time by hand: products with zeros, recurrences, filters, ordinary differential equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import interval
from tests.meta.pairs import normal, twins


def reverse_sum(g: Any, axis: int = -1) -> Any:
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def cumprod_back(g: Any, x: Any) -> Any:
    """By products of what is to the left and a scan of what is to the right; no division."""
    out, left = np.zeros_like(x), np.ones_like(x)
    left[1:] = np.cumprod(x)[:-1]
    tail = 0.0
    for k in range(len(x) - 1, -1, -1):
        tail = g[k] + (x[k + 1] * tail if k + 1 < len(x) else 0)
        out[k] = left[k] * tail
    return out


def cumprod_by_division(g: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.where(x == 0, 0, reverse_sum(g * np.cumprod(x)) / x)


def prod_back(g: Any, x: Any, zeros: str = "all") -> Any:
    left = np.concatenate([np.ones_like(x[:, :1]), np.cumprod(x[:, :-1], 1)], 1)
    right = np.flip(np.concatenate([np.ones_like(x[:, :1]), np.cumprod(np.flip(x, 1)[:, :-1], 1)], 1), 1)
    full = g[:, None] * left * right
    if zeros == "none":
        return np.where(x == 0, 0, full)
    if zeros == "first":
        seen = np.cumsum(x == 0, 1)
        p = np.where(x == 0, 1, x).prod(1, keepdims=True)
        return np.where((x == 0) & (seen == 1), g[:, None] * p, np.where(seen[:, -1:] > 0, 0, full))
    return full


def lcse(x: Any) -> Any:
    return np.logaddexp.accumulate(x)


def lcse_back(g: Any, x: Any, naive: bool = False) -> Any:
    y = lcse(x)
    if naive:
        with np.errstate(all="ignore"):
            return np.exp(x) * reverse_sum(g * np.exp(-y))
    out, tail = np.zeros_like(x), 0.0
    for k in range(len(x) - 1, -1, -1):
        tail = g[k] + (np.exp(y[k] - y[k + 1]) * tail if k + 1 < len(x) else 0)
        out[k] = np.exp(x[k] - y[k]) * tail
    return out


def ema(x: Any, a: Any) -> Any:
    out = [x[0]]
    for k in range(1, len(x)):
        out.append(a * x[k] + (1 - a) * out[-1])
    return np.stack(out)


def ema_back(g: Any, x: Any, a: Any, rate: str = "whole", start: bool = True) -> Any:
    y, dx, da, tail = ema(x, a), np.zeros_like(x), np.zeros_like(a), 0.0
    for k in range(len(x) - 1, 0, -1):
        tail = g[k] + tail
        dx[k] = a * tail
        da = da + tail * (x[k] - (y[k - 1] if rate == "whole" else 0))
        tail = (1 - a) * tail
    dx[0] = (g[0] + tail) * (1 if start else a)
    return dx, da


def rnn(x: Any, w: Any, h: Any) -> Any:
    out = []
    for row in x:
        h = np.tanh(row + w @ h)
        out.append(h)
    return np.stack(out)


def rnn_back(g: Any, x: Any, w: Any, h: Any, window: int = 99, latest: bool = False) -> Any:
    states = [h, *rnn(x, w, h)]
    dx, dw, tail = np.zeros_like(x), np.zeros_like(w), np.zeros_like(h)
    for k in range(len(x) - 1, -1, -1):
        if (len(x) - 1 - k) % window == 0 and k < len(x) - 1:
            tail = np.zeros_like(h)
        dx[k] = (g[k] + tail) * (1 - states[k + 1]) * (1 + states[k + 1])
        dw = dw + np.outer(dx[k], states[k + 1] if latest else states[k])
        tail = w.T @ dx[k]
    return dx, dw, tail


def field(y: Any, a: Any) -> Any:
    return a * np.sin(y)


def field_back(g: Any, y: Any, a: Any) -> tuple[Any, Any]:
    return g * a * np.cos(y), (g * np.sin(y)).sum()


def rk4(y: Any, a: Any, h: float = 0.2) -> Any:
    k1 = field(y, a)
    k2 = field(y + h / 2 * k1, a)
    k3 = field(y + h / 2 * k2, a)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(y + h * k3, a))


def rk4_back(
    g: Any, y: Any, a: Any, h: float = 0.2, weights: tuple[int, ...] = (1, 2, 2, 1), chain: bool = True
) -> Any:
    k1 = field(y, a)
    k2 = field(y + h / 2 * k1, a)
    k3 = field(y + h / 2 * k2, a)
    stages = [(y, 0.0), (y + h / 2 * k1, h / 2), (y + h / 2 * k2, h / 2), (y + h * k3, h)]
    dy, da, carried = g, 0 * a, 0 * g
    for (at, step), w in zip(stages[::-1], weights[::-1], strict=True):
        d, p = field_back(h / 6 * w * g + carried, at, a)
        dy, da = dy + d, da + p
        carried = step * d if chain else 0 * g
    return dy, da


def verlet(q: Any, p: Any, h: float = 0.1) -> tuple[Any, Any]:
    for _ in range(3):
        p = p - h / 2 * np.sin(q)
        q = q + h * p
        p = p - h / 2 * np.sin(q)
    return q, p


def verlet_back(g: Any, q: Any, p: Any, h: float = 0.1, stale: bool = False) -> Any:
    places = []
    for _ in range(3):
        places.append(q)
        p = p - h / 2 * np.sin(q)
        q = q + h * p
        places.append(q)
        p = p - h / 2 * np.sin(q)
    dq, dp = g
    for k in (2, 1, 0):
        dq = dq - h / 2 * np.cos(places[2 * k if stale else 2 * k + 1]) * dp
        dp = dp + h * dq
        dq = dq - h / 2 * np.cos(places[2 * k]) * dp
    return dq, dp


def discounted(r: Any, d: Any) -> Any:
    out = 0.0 * d
    for k in range(len(r) - 1, -1, -1):
        out = r[k] + d * out
    return out


def discounted_back(g: Any, r: Any, d: Any, shift: int = 0) -> Any:
    n = np.arange(len(r))
    powers = d ** np.maximum(n - 1, 0)
    return g * d ** (n + shift), g * (r * n * powers).sum()


def newton_root(a: Any) -> Any:
    """The root of y + y**3 = a, by 60 steps of Newton: the vjp comes from the implicit function."""
    y = np.cbrt(a) * np.abs(a) / (1 + np.abs(a))
    for _ in range(60):
        y = y - (y + y**3 - a) / (1 + 3 * y * y)
    return y


def horner(c: Any, x: Any) -> Any:
    y = np.zeros_like(x)
    for k in range(len(c)):
        y = y * x + c[k]
    return y


def horner_back(g: Any, c: Any, x: Any, ascending: bool = False, slope: bool = True) -> Any:
    n = len(c)
    powers = np.stack([x ** (n - 1 - k) for k in range(n)])
    dx = sum(c[k] * (n - 1 - k) * x ** (n - 2 - k) for k in range(n - 1)) if slope else c[0] * x
    return (powers[::-1] if ascending else powers) @ g, g * dx


def scan_matrices(m: Any) -> Any:
    return m[0] @ m[1] @ m[2]


def scan_matrices_back(g: Any, m: Any, middle: bool = True) -> Any:
    mid = m[0].T @ g @ m[2].T if middle else m[2].T @ g @ m[0].T
    return np.stack([g @ (m[1] @ m[2]).T, mid, (m[0] @ m[1]).T @ g])


def logistic_map(x: Any, steps: int) -> Any:
    for _ in range(steps):
        x = 3.2 * x * (1 - x)
    return x


def logistic_map_back(g: Any, x: Any, steps: int, ends: bool = False) -> Any:
    if ends:
        return g * (3.2 * (1 - 2 * x)) ** steps
    d = np.ones_like(x)
    for _ in range(steps):
        d, x = d * 3.2 * (1 - 2 * x), 3.2 * x * (1 - x)
    return g * d


def with_zeros(*where: int) -> Any:
    x = normal(40, 5)
    x[list(where)] = 0
    return x


TWO = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]])
SHORT = (normal(41, 4, 2), normal(42, 2, 2), normal(43, 2))

CASES = (
    *twins(
        "scan: running product",
        "division by a zero operand",
        np.cumprod,
        cumprod_back,
        (normal(44, 5),),
        unseen="*",
        hard=True,
        by_division=cumprod_by_division,
    ),
    *twins(
        "scan: product of rows",
        "division by a zero operand",
        lambda x: x.prod(1),
        prod_back,
        (TWO,),
        unseen="*",
        hard=True,
        none_at_zeros=lambda g, x: prod_back(g, x, "none"),
        one_of_two_zeros=lambda g, x: prod_back(g, x, "first"),
    ),
    *twins(
        "scan: running logsumexp",
        "overflow",
        lcse,
        lcse_back,
        (normal(45, 5),),
        unseen="*",
        hard=True,
        exponentials_apart=lambda g, x: lcse_back(g, x, True),
    ),
    *twins(
        "scan: moving average with a learned rate",
        "one path lost",
        ema,
        ema_back,
        (normal(46, 5), np.array(0.3)),
        rate_of_the_input_only=lambda g, x, a: ema_back(g, x, a, "input"),
        start_weighted=lambda g, x, a: ema_back(g, x, a, start=False),
        options={"domain": interval(-10, 10)},
    ),
    *twins(
        "scan: recurrent net",
        "truncated through time",
        rnn,
        rnn_back,
        SHORT,
        cut_after_two=lambda g, x, w, h: rnn_back(g, x, w, h, 2),
        later_state=lambda g, x, w, h: rnn_back(g, x, w, h, latest=True),
    ),
    *twins(
        "scan: one step of Runge and Kutta",
        "one path lost",
        rk4,
        rk4_back,
        (normal(47, 3), np.array(0.7)),
        stages_independent=lambda g, y, a: rk4_back(g, y, a, chain=False),
        weights_of_euler=lambda g, y, a: rk4_back(g, y, a, weights=(6, 0, 0, 0)),
        options={"domain": interval(-100, 100)},
    ),
    *twins(
        "scan: leapfrog",
        "stale state",
        verlet,
        verlet_back,
        (normal(48, 3), normal(49, 3)),
        old_place=lambda g, q, p: verlet_back(g, q, p, stale=True),
        momentum_cotangent_lost=lambda g, q, p: verlet_back((g[0], 0 * g[1]), q, p),
    ),
    *twins(
        "scan: discounted return",
        "wrong exponent",
        discounted,
        discounted_back,
        (normal(50, 4), np.array(0.9)),
        one_too_many=lambda g, r, d: discounted_back(g, r, d, 1),
        options={"domain": interval(-3, 3)},
        hard=True,
    ),
    *twins(
        "scan: root by Newton, implicitly",
        "wrong formula",
        newton_root,
        lambda g, a: g / (1 + 3 * newton_root(a) ** 2),
        (normal(51, 4),),
        hard=True,
        at_the_argument=lambda g, a: g / (1 + 3 * a**2),
        options={"domain": interval(-1000, 1000)},
    ),
    *twins(
        "scan: polynomial",
        "indexing",
        horner,
        horner_back,
        (np.array([1.0, -2.0, 0.5, 3.0]), np.array([1.0, -1.0, 1.0])),
        coefficients_ascending=lambda g, c, x: horner_back(g, c, x, True),
        slope_of_the_first=lambda g, c, x: horner_back(g, c, x, slope=False),
    ),
    *twins(
        "scan: product of three matrices",
        "operands swapped",
        scan_matrices,
        scan_matrices_back,
        (normal(52, 3, 2, 2),),
        middle_turned_round=lambda g, m: scan_matrices_back(g, m, False),
    ),
    *twins(
        "scan: iterated map",
        "activation derivative at the wrong argument",
        logistic_map,
        logistic_map_back,
        (np.array([0.2, 0.6, 0.9]),),
        always_at_the_start=lambda g, x, steps: logistic_map_back(g, x, steps, True),
        options={"kwargs": {"steps": 8}, "domain": interval(0, 1)},
        hard=True,
    ),
    *twins(
        "scan: running sum from the end",
        "scan not reversed",
        lambda x: np.cumsum(x, 1),
        lambda g, x: reverse_sum(g, 1),
        (normal(53, 2, 4),),
        forwards=lambda g, x: np.cumsum(g, 1),
        wrong_axis=lambda g, x: reverse_sum(g, 0),
    ),
    *twins(
        "scan: running product with one zero",
        "division by a zero operand",
        np.cumprod,
        cumprod_back,
        (with_zeros(2),),
        hard=True,
        unseen="*",
        masked_division=cumprod_by_division,
    ),
    *twins(
        "scan: running product with two zeros",
        "division by a zero operand",
        lambda x: np.cumprod(x) + x[::-1],
        lambda g, x: cumprod_back(g, x) + g[::-1],
        (with_zeros(1, 3),),
        hard=True,
        unseen="*",
        masked_division=lambda g, x: cumprod_by_division(g, x) + g[::-1],
    ),
)
