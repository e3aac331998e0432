"""Types, shapes, trees, complex numbers, several outputs, choices of arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from tests.meta.pairs import normal, twins


@dataclass
class Dense:
    W: Any
    b: Any


def wide_softmax(x: Any) -> Any:
    w = x.astype(np.float64)
    e = np.exp(w - w.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype(x.dtype)


def wide_softmax_back(g: Any, x: Any) -> Any:
    w = x.astype(np.float64)
    e = np.exp(w - w.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    g = g.astype(np.float64)
    return (p * (g - (g * p).sum(-1, keepdims=True))).astype(x.dtype)


def narrow_softmax_back(g: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        e = np.exp(x)
        p = e / e.sum(-1, keepdims=True, dtype=x.dtype)
        return (p * (g - (g * p).sum(-1, keepdims=True))).astype(x.dtype)


def long_mean_back(g: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.broadcast_to(g / x.dtype.type(x.size), x.shape).astype(x.dtype)


def mixed(x: Any, w: Any) -> Any:
    return x.astype(np.float64) @ w


def two_layers(params: Any, x: Any) -> Any:
    return np.tanh(x @ params["in"].W + params["in"].b) @ params["out"].W + params["out"].b


def two_layers_back(g: Any, params: Any, x: Any, fault: str = "") -> Any:
    h = np.tanh(x @ params["in"].W + params["in"].b)
    dh = g @ params["out"].W.T * (1 - h) * (1 + h)
    rows = g[:1] if fault == "bias" else g
    dense = Dense(x.T @ dh, dh.sum(0)), Dense(h.T @ g, rows.sum(0))
    if fault == "linear":
        dense = Dense(x.T @ (g @ params["out"].W.T), dh.sum(0)), dense[1]
    return {"in": dense[0], "out": dense[1]}, dh @ params["in"].W.T


def chain(layers: Any, x: Any) -> Any:
    for w, b in layers:
        x = np.maximum(x @ w + b, 0)
    return x


def chain_back(g: Any, layers: Any, x: Any, own: bool = True) -> Any:
    seen = [x]
    for w, b in layers:
        seen.append(np.maximum(seen[-1] @ w + b, 0))
    out = []
    for k in range(len(layers) - 1, -1, -1):
        g = g * (seen[k + 1] > 0)
        out.append((seen[k].T @ g, g.sum(0)))
        g = g @ layers[k][0].T
    return (out[::-1] if own else out), g


def moments(x: Any) -> Any:
    return x.mean(0), x.var(0)


def moments_back(g: Any, x: Any, centred: bool = True, spread: bool = True) -> Any:
    m, n = x.mean(0), len(x)
    tail = 2 * g[1] * (x - (m if centred else 0)) / n
    return g[0] / n + (tail if spread else 0 * x)


def outer_sum(x: Any, y: Any, z: Any) -> Any:
    return x + y * z


def fit(g: Any, shape: tuple[int, ...]) -> Any:
    lead = g.ndim - len(shape)
    g = g.sum(tuple(range(lead)))
    ones = tuple(k for k, n in enumerate(shape) if n == 1)
    return g.sum(ones, keepdims=True) if ones else g


def outer_sum_back(g: Any, x: Any, y: Any, z: Any, lead: bool = True) -> Any:
    dx = fit(g, x.shape) if lead else g[0].sum(0, keepdims=True)
    return dx, fit(g * z, y.shape), fit(g * y, z.shape)


def cmatmul_back(g: Any, a: Any, b: Any, conj: bool = True) -> Any:
    return (g @ b.conj().T, a.conj().T @ g) if conj else (g @ b.T, a.T @ g)


def polar(r: Any, t: Any) -> Any:
    return r * np.exp(1j * t)


def polar_back(g: Any, r: Any, t: Any, turned: bool = True) -> Any:
    u = np.exp(1j * t)
    return (np.conj(u) * g).real, (np.conj(1j * u * r) * g).real if turned else (np.conj(u * r) * g).real


def axis_norm(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.sqrt((x * x).sum(axis=axis, keepdims=keepdims))


def axis_norm_back(g: Any, x: Any, axis: Any, keepdims: bool, strict: bool = True) -> Any:
    n = np.sqrt((x * x).sum(axis=axis, keepdims=True))
    if strict and not keepdims:
        g = np.expand_dims(g, axis)
    return g * x / np.where(n == 0, 1, n)


B16 = np.dtype(ml_dtypes.bfloat16)
PARAMS = {"in": Dense(normal(1, 3, 4), normal(2, 4)), "out": Dense(normal(3, 4, 2), normal(4, 2))}
LAYERS = [(normal(5, 3, 3), normal(6, 3)), (normal(7, 3, 3), normal(8, 3))]
Z = normal(9, 3) + 1j * normal(10, 3)
ZM = normal(11, 2, 3) + 1j * normal(12, 2, 3)
ZN = normal(13, 3, 2) + 1j * normal(14, 3, 2)

CASES = (
    *twins(
        "types: softmax in half precision",
        "overflow",
        wide_softmax,
        wide_softmax_back,
        (normal(15, 2, 4).astype(np.float16),),
        hard=True,
        unseen="*",
        overflow_at_twelve=narrow_softmax_back,
    ),
    *twins(
        "types: mean of more than half precision counts",
        "dtype",
        lambda x: x.mean(dtype=np.float64).astype(x.dtype),
        lambda g, x: np.full(x.shape, g.astype(np.float64) / x.size).astype(x.dtype),
        (normal(16, 70000).astype(np.float16),),
        hard=True,
        count_overflows=long_mean_back,
    ),
    *twins(
        "types: bfloat16 times float32",
        "dtype",
        lambda x, w: x.astype(np.float32) * w,
        lambda g, x, w: ((g * w).astype(x.dtype), g * x.astype(np.float32)),
        (normal(17, 4).astype(B16), normal(18, 4).astype(np.float32)),
        hard=True,
        type_of_the_other=lambda g, x, w: (g * w, g * x.astype(np.float32)),
        swapped=lambda g, x, w: ((g * x.astype(np.float32)).astype(x.dtype), g * w),
    ),
    *twins(
        "types: single and double together",
        "dtype",
        mixed,
        lambda g, x, w: ((g @ w.T).astype(x.dtype), x.astype(np.float64).T @ g),
        (normal(19, 2, 3).astype(np.float32), normal(20, 3, 2)),
        hard=True,
        promoted=lambda g, x, w: (g @ w.T, x.astype(np.float64).T @ g),
        rounded_to_half=lambda g, x, w: (
            (g @ w.T).astype(np.float32),
            x.astype(np.float64).T @ g.astype(np.float16).astype(np.float64),
        ),
    ),
    *twins(
        "types: a number without axes",
        "shapes",
        lambda x: np.asarray(np.exp(-x * x)),
        lambda g, x: np.asarray(-2 * g * x * np.exp(-x * x)),
        (np.array(0.4),),
        one_axis=lambda g, x: np.reshape(-2 * g * x * np.exp(-x * x), (1,)),
        x_lost=lambda g, x: np.asarray(-2 * g * np.exp(-x * x)),
    ),
    *twins(
        "types: no rows",
        "shapes",
        lambda x, w, b: x @ w + b,
        lambda g, x, w, b: (g @ w.T, x.T @ g + 0 * w, g.sum(0) + 0 * b),
        (np.zeros((0, 3)), normal(21, 3, 2), normal(22, 2)),
        hard=True,
        one_for_nothing=lambda g, x, w, b: (g @ w.T, x.T @ g + 0 * w, np.ones_like(b) + 0 * g.sum(0)),
    ),
    *twins(
        "types: dictionary of dense layers",
        "bias forgotten",
        two_layers,
        two_layers_back,
        (PARAMS, normal(23, 3, 3)),
        first_row_of_the_bias=lambda g, p, x: two_layers_back(g, p, x, "bias"),
        activation_forgotten=lambda g, p, x: two_layers_back(g, p, x, "linear"),
        key_forgotten=lambda g, p, x: ({"in": (r := two_layers_back(g, p, x))[0]["in"]}, r[1]),
    ),
    *twins(
        "types: list of equal layers",
        "operands swapped",
        chain,
        chain_back,
        (LAYERS, normal(24, 2, 3)),
        hard=True,
        in_backward_order=lambda g, layers, x: chain_back(g, layers, x, False),
    ),
    *twins(
        "types: mean and variance together",
        "cotangent ignored",
        moments,
        moments_back,
        (normal(25, 4, 2),),
        second_ignored=lambda g, x: moments_back(g, x, spread=False),
        not_centred=lambda g, x: moments_back(g, x, centred=False),
    ),
    *twins(
        "types: broadcast of three",
        "sum over a broadcast axis missing",
        outer_sum,
        outer_sum_back,
        (normal(26, 1, 4), normal(27, 2, 3, 1), normal(28, 4)),
        hard=True,
        first_block_only=lambda g, x, y, z: outer_sum_back(g, x, y, z, False),
        axes_kept=lambda g, x, y, z: (r := outer_sum_back(g, x, y, z), (r[0], r[1], (g * y).sum((0, 1))[None]))[1],
    ),
    *twins(
        "types: square of complex numbers",
        "conjugate missing",
        lambda z: z * z,
        lambda g, z: 2 * np.conj(z) * g,
        (Z,),
        not_conjugated=lambda g, z: 2 * z * g,
        half=lambda g, z: np.conj(z) * g,
    ),
    *twins(
        "types: modulus squared of complex numbers",
        "constant factor",
        lambda z: (z * z.conj()).real,
        lambda g, z: 2 * g * z,
        (Z,),
        wirtinger=lambda g, z: g * z,
        conjugated=lambda g, z: 2 * g * z.conj(),
    ),
    *twins(
        "types: product of complex matrices",
        "conjugate missing",
        lambda a, b: a @ b,
        cmatmul_back,
        (ZM, ZN),
        not_conjugated=lambda g, a, b: cmatmul_back(g, a, b, False),
    ),
    *twins(
        "types: transform of complex numbers",
        "conjugate missing",
        np.fft.fft,
        lambda g, z: len(z) * np.fft.ifft(g),
        (Z,),
        forward_again=lambda g, z: np.fft.fft(g),
        unscaled=lambda g, z: np.fft.ifft(g),
    ),
    *twins(
        "types: polar numbers from real ones",
        "only one part",
        polar,
        polar_back,
        (np.abs(normal(29, 3)) + 0.5, normal(30, 3)),
        quarter_turn_lost=lambda g, r, t: polar_back(g, r, t, False),
        complex_answer=lambda g, r, t: (np.conj(np.exp(1j * t)) * g, polar_back(g, r, t)[1]),
    ),
    *twins(
        "types: norm along a negative axis",
        "wrong axis",
        axis_norm,
        axis_norm_back,
        (normal(31, 3, 3),),
        options={"kwargs": {"axis": -2, "keepdims": False}},
        hard=True,
        broadcast_from_the_right=lambda g, x, axis, keepdims: axis_norm_back(g.T, x.T, axis, keepdims, False),
    ),
    *twins(
        "types: norm over two axes",
        "wrong axis",
        axis_norm,
        axis_norm_back,
        (normal(32, 2, 3, 2),),
        options={"kwargs": {"axis": (0, 2), "keepdims": False}},
        hard=True,
        first_axis_only=lambda g, x, axis, keepdims: (
            np.expand_dims(g, axis) * x / np.sqrt((x * x).sum(0, keepdims=True))
        ),
    ),
    *twins(
        "types: only the second argument",
        "operands swapped",
        lambda x, w, n: (x @ w) ** n,
        lambda g, x, w, n: n * x.T @ (g * (x @ w) ** (n - 1)),
        (normal(33, 2, 3), normal(34, 3, 2), 3),
        options={"wrt": "w"},
        hard=True,
        power_lost=lambda g, x, w, n: x.T @ (g * (x @ w) ** (n - 1)),
    ),
    *twins(
        "types: only one leaf of a tree",
        "missing factor",
        lambda p, x: p["a"] * x + p["c"] * 2.0,
        lambda g, p, x: {"a": g * x, "c": 2.0 * g},
        ({"a": normal(35, 3), "c": normal(36, 3)}, normal(37, 3)),
        options={"wrt": "p"},
        factor_lost=lambda g, p, x: {"a": g * x, "c": 1.0 * g},
    ),
    *twins(
        "types: single precision layer norm at an offset",
        "statistic held constant",
        lambda x: (
            (w := x.astype(np.float64)),
            ((w - w.mean()) / np.sqrt(w.var() + 1e-3)).astype(x.dtype),
        )[1],
        lambda g, x: (
            (w := x.astype(np.float64)),
            (inv := 1 / np.sqrt(w.var() + 1e-3)),
            (hat := (w - w.mean()) * inv),
            (inv * (g - g.mean(dtype=float) - hat * (g * hat).mean())).astype(x.dtype),
        )[3],
        ((100 + normal(38, 5)).astype(np.float32),),
        hard=True,
        variance_constant=lambda g, x: (
            (w := x.astype(np.float64)),
            ((g - g.mean(dtype=float)) / np.sqrt(w.var() + 1e-3)).astype(x.dtype),
        )[1],
    ),
    *twins(
        "types: product of halves",
        "only the diagonal",
        lambda x: x * x[::-1],
        lambda g, x: g * x[::-1] + (g * x)[::-1],
        (normal(39, 4).astype(np.float16),),
        hard=True,
        other_place_lost=lambda g, x: 2 * g * x[::-1],
    ),
)
