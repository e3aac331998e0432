"""Small programs with a backward pass written by hand, and what goes wrong in those: paths, sums, indices, time."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.pairs import normal, twins

X = normal(21, 5)
Y = normal(22, 5)
M = normal(23, 4, 3)
TABLE = normal(24, 6, 2)
INDEX = np.array([3, 0, 3, -1, 3, 0])
MASK = np.array([True, False, True, True, False])


# --- fan-out, diamonds, shared buffers -----------------------------------------------------------------------


def fan_out(x: Any) -> Any:
    return np.sin(x) * x + x * x


def residual(x: Any) -> Any:
    return x + np.sin(2 * x)


def diamond(x: Any) -> Any:
    h = np.sin(x)
    return (2 * h) * (h * h)


def diamond_vjp(g: Any, x: Any) -> Any:
    h = np.sin(x)
    left, right = g * h * h, g * 2 * h
    return (2 * left + 2 * h * right) * np.cos(x)


def one_buffer_for_both(g: Any, x: Any, y: Any) -> Any:
    dx = dy = np.zeros_like(x)
    dx += g * y
    dy += g * x
    return dx, dy


def four_uses(x: Any) -> Any:
    return x * np.roll(x, 1) + np.cos(x) - 3 * x


def four_uses_vjp(g: Any, x: Any) -> Any:
    d = g * np.roll(x, 1)
    d += np.roll(g * x, -1)
    d -= g * np.sin(x)
    d -= 3 * g
    return d


def two_steps_in_place(x: Any) -> Any:
    y = np.sin(x)
    y *= y
    return y


PATHS = (
    *twins(
        "fan-out of three", "fan-out", fan_out, lambda g, x: g * (np.cos(x) * x + np.sin(x) + 2 * x), (X,),
        path_lost=lambda g, x: g * (np.cos(x) * x + 2 * x),
        overwritten_by_last=lambda g, x: g * 2 * x,
        last_counted_twice=lambda g, x: g * (np.cos(x) * x + np.sin(x) + 4 * x),
    ),
    *twins(
        "residual connection", "fan-out", residual, lambda g, x: g + 2 * g * np.cos(2 * x), (X,),
        skip_lost=lambda g, x: 2 * g * np.cos(2 * x),
        branch_lost=lambda g, x: g.copy(),
        inner_factor_lost=lambda g, x: g + g * np.cos(2 * x),
    ),
    *twins(
        "product with itself", "op(x, x)", lambda x: x * x, lambda g, x: g * x + g * x, (X,),
        one_operand=lambda g, x: g * x,
        four_times=lambda g, x: 4 * g * x,
    ),
    *twins(
        "difference with itself", "op(x, x)", lambda x: x * np.sin(x) - np.sin(x) * x, lambda g, x: 0 * g, (X,),
        one_operand=lambda g, x: g * np.sin(x),
    ),
    *twins(
        "matrix with itself", "op(x, x)", lambda x: x @ x, lambda g, x: g @ x.T + x.T @ g, (normal(25, 3, 3),),
        one_operand=lambda g, x: g @ x.T,
        twice_one_operand=lambda g, x: 2 * g @ x.T,
        not_transposed=lambda g, x: g @ x + x @ g,
    ),
    *twins(
        "gram matrix", "op(x, x)", lambda x: x @ x.T, lambda g, x: (g + g.T) @ x, (M,), unseen="symmetric_assumed",
        symmetric_assumed=lambda g, x: 2 * g @ x,
        one_operand=lambda g, x: g @ x,
    ),
    *twins(
        "diamond", "diamond", diamond, diamond_vjp, (X,),
        left_lost=lambda g, x: g * 4 * np.sin(x) ** 2 * np.cos(x),
        right_lost=lambda g, x: 2 * g * np.sin(x) ** 2 * np.cos(x),
        root_twice=lambda g, x: 2 * diamond_vjp(g, x),
    ),
    *twins(
        "product of leaves", "shared buffer", lambda x, y: x * y, lambda g, x, y: (g * y, g * x), (X, Y),
        one_buffer_for_both=one_buffer_for_both,
        leaf_unused=lambda g, x, y: (g * y, np.zeros_like(y)),
    ),
    *twins(
        "neighbours and more", "fan-out", four_uses, four_uses_vjp, (X,), unseen="neighbour_of_other_side",
        neighbour_of_other_side=lambda g, x: four_uses_vjp(g, x) - np.roll(g * x, -1) + np.roll(g, 1) * np.roll(x, -1),
        neighbour_lost=lambda g, x: four_uses_vjp(g, x) - np.roll(g * x, -1),
    ),
    *twins(
        "squared sine in place", "in-place", two_steps_in_place, lambda g, x: g * np.sin(2 * x), (X,),
        overwritten_value_used=lambda g, x: 2 * g * np.sin(x) ** 2 * np.cos(x),
    ),
    *twins(
        "dead end", "dead end", lambda x, y: np.sin(x) + 0 * y, lambda g, x, y: (g * np.cos(x), np.zeros_like(y)),
        (X, Y),
        copied=lambda g, x, y: (g * np.cos(x), g * np.cos(x)),
        ones=lambda g, x, y: (g * np.cos(x), np.ones_like(y)),
    ),
)  # fmt: skip


# --- indices and masks ---------------------------------------------------------------------------------------


def gather(table: Any, index: Any) -> Any:
    return table[index]


def gather_vjp(g: Any, table: Any, index: Any) -> Any:
    d = np.zeros_like(table)
    np.add.at(d, index, g)
    return d


def gather_last_wins(g: Any, table: Any, index: Any) -> Any:
    d = np.zeros_like(table)
    d[index] += g
    return d


def gather_negative_dropped(g: Any, table: Any, index: Any) -> Any:
    return gather_vjp(g[index >= 0], table, index[index >= 0])


def gather_averaged(g: Any, table: Any, index: Any) -> Any:
    counts = np.bincount(index % len(table), minlength=len(table))
    return gather_vjp(g, table, index) / np.maximum(counts, 1)[:, None]


def scatter(x: Any, index: Any) -> Any:
    out = np.zeros(6)
    out[index] = x
    return out


def scatter_vjp(g: Any, x: Any, index: Any) -> Any:
    last = np.zeros(6, dtype=int)
    last[index] = np.arange(len(index))
    return np.where(last[index] == np.arange(len(index)), g[index], 0.0)


def windows(x: Any) -> Any:
    return np.stack([x[i : i + 3] ** 2 for i in range(len(x) - 2)])


def windows_vjp(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    for i, row in enumerate(g):
        d[i : i + 3] += 2 * row * x[i : i + 3]
    return d


def windows_overwritten(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    for i, row in enumerate(g):
        d[i : i + 3] = 2 * row * x[i : i + 3]
    return d


def select(mask: Any, x: Any, y: Any) -> Any:
    return np.where(mask, np.sin(x), y * y)


INDICES = (
    *twins(
        "embedding", "indexing", gather, gather_vjp, (TABLE, INDEX), unseen="cotangent_permuted",
        duplicates_overwritten=gather_last_wins,
        duplicates_averaged=gather_averaged,
        negative_index_dropped=gather_negative_dropped,
        cotangent_permuted=lambda g, table, index: gather_vjp(g[::-1], table, index),
        row_zero_is_padding=lambda g, table, index: gather_vjp(g, table, index) * (np.arange(6) > 0)[:, None],
    ),
    *twins(
        "scatter", "indexing", scatter, scatter_vjp, (normal(26, 6), INDEX),
        overwritten_values_get_gradient=lambda g, x, index: g[index],
    ),
    *twins(
        "overlapping windows", "indexing", windows, windows_vjp, (normal(27, 7),),
        overwritten=windows_overwritten,
    ),
    *twins(
        "selection by a mask", "mask", select,
        lambda g, mask, x, y: (g * mask * np.cos(x), g * ~mask * 2 * y), (MASK, X, Y),
        mask_forgotten=lambda g, mask, x, y: (g * np.cos(x), g * 2 * y),
        mask_not_inverted=lambda g, mask, x, y: (g * mask * np.cos(x), g * mask * 2 * y),
    ),
    *twins(
        "slice with a step", "indexing", lambda x: np.sin(x[::2]), lambda g, x: _spread(g * np.cos(x[::2]), x, 0), (X,),
        off_by_one=lambda g, x: _spread((g * np.cos(x[::2]))[:2], x, 1),
    ),
)  # fmt: skip


def _spread(values: Any, x: Any, start: int) -> Any:
    d = np.zeros_like(x)
    d[start::2] = values
    return d


# --- time ----------------------------------------------------------------------------------------------------


def recurrent(w: Any, u: Any, inputs: Any) -> Any:
    """All states of h = tanh(w h + u x), from h = 0."""
    states = [np.zeros(len(w))]
    for x in inputs:
        states.append(np.tanh(w @ states[-1] + u @ x))
    return np.stack(states[1:])


def recurrent_vjp(g: Any, w: Any, u: Any, inputs: Any, *, mistake: str = "") -> Any:
    states = recurrent(w, u, inputs)
    before = np.concatenate([np.zeros((1, len(w))), states[:-1]])
    dw, du, dinputs, dh = np.zeros_like(w), np.zeros_like(u), np.zeros_like(inputs), np.zeros(len(w))
    for t in range(len(inputs)) if mistake == "forwards" else range(len(inputs))[::-1]:
        a = w @ before[t] + u @ inputs[t]
        e = np.exp(-2 * np.abs(a))
        slope = np.ones_like(a) if mistake == "no slope" else 4 * e / (1 + e) ** 2
        delta = slope * (g[t] + dh)
        dw = np.outer(delta, before[t]) + (0 if mistake == "overwritten" else dw)
        du += np.outer(delta, states[t] if mistake == "shifted" and len(u[0]) == len(w) else inputs[t])
        dinputs[t] = u.T @ delta
        dh = (w if mistake == "transpose" else w.T) @ delta
        if mistake == "truncated" and t % 2 == 0:
            dh = np.zeros_like(dh)
    return dw, du, dinputs


def broken(mistake: str) -> Any:
    return lambda g, w, u, inputs: recurrent_vjp(g, w, u, inputs, mistake=mistake)


def decayed(x: Any) -> Any:
    h, out = 0.0, np.empty_like(x)
    for t in range(len(x)):
        h = out[t] = 0.5 * h + x[t]
    return out


def decayed_vjp(g: Any, x: Any) -> Any:
    return decayed(g[::-1])[::-1]


TIME = (
    *twins(
        "recurrent network", "through time", recurrent, recurrent_vjp,
        (normal(28, 3, 3) / 2, normal(29, 3, 2), normal(30, 5, 2)),
        truncated=broken("truncated"),
        weight_overwritten=broken("overwritten"),
        run_forwards=broken("forwards"),
        slope_forgotten=broken("no slope"),
        transpose_missing=broken("transpose"),
    ),
    *twins(
        "leaky sum", "scan", decayed, decayed_vjp, (X,), unseen="",
        not_reversed=lambda g, x: decayed(g),
        answer_not_turned_back=lambda g, x: decayed(g[::-1]),
        truncated=lambda g, x: g + 0.5 * np.append(g[1:], 0),
    ),
    *twins(
        "cumulative sum", "scan", lambda x: np.cumsum(x), lambda g, x: np.cumsum(g[::-1])[::-1], (X,),
        not_reversed=lambda g, x: np.cumsum(g),
        exclusive=lambda g, x: np.cumsum(g[::-1])[::-1] - g,
    ),
)  # fmt: skip


# --- networks ------------------------------------------------------------------------------------------------


def mlp(x: Any, w1: Any, b1: Any, w2: Any) -> Any:
    return np.sin(x @ w1 + b1) @ w2


def mlp_vjp(g: Any, x: Any, w1: Any, b1: Any, w2: Any, *, mistake: str = "") -> Any:
    a = x @ w1 + b1
    h = np.sin(a)
    delta = g @ w2.T * (1 if mistake == "no slope" else np.cos(h if mistake == "slope of output" else a))
    bias = delta[-1] if mistake == "last row" else delta.mean(0) if mistake == "mean" else delta.sum(0)
    return delta @ w1.T, x.T @ delta, bias, (a if mistake == "before activation" else h).T @ g


def broken_mlp(mistake: str) -> Any:
    return lambda g, *inputs: mlp_vjp(g, *inputs, mistake=mistake)


def tied(x: Any, w: Any) -> Any:
    return np.sin(x @ w) @ w.T


def tied_vjp(g: Any, x: Any, w: Any) -> Any:
    h, delta = np.sin(x @ w), g @ w * np.cos(x @ w)
    return delta @ w.T, x.T @ delta + g.T @ h


def penalised(w: Any) -> Any:
    return 0.5 * ((w - 1) ** 2).sum() + 1e-7 * (w**2).sum()


NETWORKS = (
    *twins(
        "two layers", "network", mlp, mlp_vjp, (M, normal(31, 3, 4), normal(32, 4), normal(33, 4, 2)),
        slope_forgotten=broken_mlp("no slope"),
        slope_at_wrong_argument=broken_mlp("slope of output"),
        bias_of_last_row=broken_mlp("last row"),
        bias_averaged=broken_mlp("mean"),
        weight_from_before_activation=broken_mlp("before activation"),
    ),
    *twins(
        "tied weights", "weight sharing", tied, tied_vjp, (M, normal(34, 3, 2)),
        encoder_only=lambda g, x, w: (tied_vjp(g, x, w)[0], x.T @ (g @ w * np.cos(x @ w))),
        decoder_only=lambda g, x, w: (tied_vjp(g, x, w)[0], g.T @ np.sin(x @ w)),
    ),
    *twins(
        "weight decay", "fan-out", penalised, lambda g, w: g * (w - 1 + 2e-7 * w), (X,), unseen="*",
        decay_forgotten=lambda g, w: g * (w - 1),
        decay_halved=lambda g, w: g * (w - 1 + 1e-7 * w),
    ),
    *twins(
        "quadratic form", "degenerate point", lambda x, a: x @ a @ x,
        lambda g, x, a: (g * (a + a.T) @ x, g * np.outer(x, x)), (X, np.outer(X, X) + np.eye(5)),
        symmetric_assumed=lambda g, x, a: (2 * g * a @ x, g * np.outer(x, x)),
    ),
    *twins(
        "cube at one", "degenerate point", lambda x: x**3, lambda g, x: 3 * g * x * x, (np.ones(4),),
        missing_factor=lambda g, x: 3 * g * x,
    ),
    *twins(
        "product with zero", "degenerate point", lambda x, y: x * np.sin(y),
        lambda g, x, y: (g * np.sin(y), g * x * np.cos(y)),
        (np.zeros(5), Y),
        second_operand_ignored=lambda g, x, y: (g * np.sin(y), np.zeros_like(y)),
    ),
)  # fmt: skip


# --- forward mode beside reverse mode ------------------------------------------------------------------------


def _tangents(name: str, jvp: Any, wrong: dict[str, Any], forward: Any, vjp: Any, inputs: Any) -> tuple[Case, ...]:
    (right,) = twins(name, "forward mode", forward, vjp, inputs, options={"jvp": jvp})
    bad = (
        Case(
            name=f"{name}: {key}", group="forward mode", make=lambda: (forward, vjp), inputs=inputs, ok=False,
            twin=name, invisible=True, options={"jvp": wrong_jvp},
        )
        for key, wrong_jvp in wrong.items()
    )  # fmt: skip
    return (right, *bad)


FORWARD_MODE = (
    *_tangents(
        "jvp of sine", lambda t, x: t[0] * np.cos(x),
        {
            "transposed sign": lambda t, x: -t[0] * np.cos(x),
            "zero": lambda t, x: np.zeros_like(x),
            "rectified": lambda t, x: np.maximum(t[0], 0) * np.cos(x),
            "half a per cent off": lambda t, x: 1.005 * t[0] * np.cos(x),
        },
        np.sin, lambda g, x: g * np.cos(x), (X,),
    ),
    *_tangents(
        "jvp of a product", lambda t, x, y: t[0] * y + x * t[1],
        {
            "one path": lambda t, x, y: t[0] * y,
            "tangents swapped": lambda t, x, y: t[1] * y + x * t[0],
        },
        np.multiply, lambda g, x, y: (g * y, g * x), (X, Y),
    ),
    *_tangents(
        "jvp of a matrix map", lambda t, x: t[0] @ M, {"row sums": lambda t, x: np.ones(4) * t[0].mean() @ M},
        lambda x: x @ M, lambda g, x: M @ g, (normal(35, 4),),
    ),
)  # fmt: skip

CASES: tuple[Case, ...] = (*PATHS, *INDICES, *TIME, *NETWORKS, *FORWARD_MODE)
