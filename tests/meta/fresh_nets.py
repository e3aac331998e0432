"""Layers of networks by hand: normalisation, attention, recurrent cells, gates."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.pairs import normal, twins


def sigmoid(x: Any) -> Any:
    return 0.5 * (1 + np.tanh(0.5 * x))


def standard(x: Any, axes: Any, eps: float = 1e-5) -> tuple[Any, Any]:
    inv = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    return (x - x.mean(axis=axes, keepdims=True)) * inv, inv


def standard_vjp(g: Any, x: Any, axes: Any, eps: float = 1e-5) -> Any:
    hat, inv = standard(x, axes, eps)
    return inv * (g - g.mean(axis=axes, keepdims=True) - hat * (g * hat).mean(axis=axes, keepdims=True))


def layer_norm(x: Any, gain: Any, shift: Any) -> Any:
    return standard(x, -1)[0] * gain + shift


def layer_norm_vjp(g: Any, x: Any, gain: Any, shift: Any) -> Any:
    hat, _ = standard(x, -1)
    return standard_vjp(g * gain, x, -1), (g * hat).sum((0, 1)), g.sum((0, 1))


def layer_norm_late_gain(g: Any, x: Any, gain: Any, shift: Any) -> Any:
    hat, _ = standard(x, -1)
    return standard_vjp(g, x, -1) * gain, (g * hat).sum((0, 1)), g.sum((0, 1))


def layer_norm_no_eps(g: Any, x: Any, gain: Any, shift: Any) -> Any:
    hat, _ = standard(x, -1)
    return standard_vjp(g * gain, x, -1, 0.0), (g * hat).sum((0, 1)), g.sum((0, 1))


def group_norm(x: Any) -> Any:
    return standard(x.reshape(2, 2, 6), -1)[0].reshape(x.shape)


def group_norm_vjp(g: Any, x: Any) -> Any:
    return standard_vjp(g.reshape(2, 2, 6), x.reshape(2, 2, 6), -1).reshape(x.shape)


def bessel(g: Any, x: Any) -> Any:
    hat, inv = standard(x, 0)
    return inv * (g - g.mean(0) - hat * (g * hat).sum(0) / max(len(x) - 1, 1))


def scores(q: Any, k: Any) -> Any:
    s = q @ k.T / np.sqrt(q.shape[-1])
    return np.where(np.tri(len(q), len(k), dtype=bool), s, -np.inf)


def softmax(s: Any, axis: int = -1) -> Any:
    e = np.exp(s - s.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def attention_back(g: Any, q: Any, k: Any, v: Any, p: Any, scale: float) -> Any:
    dp = g @ v.T
    ds = p * (dp - (p * dp).sum(-1, keepdims=True)) * scale
    return ds @ k, ds.T @ q, p.T @ g


def naive_softmax(s: Any) -> Any:
    e = np.exp(s)
    return e / e.sum(-1, keepdims=True)


def masked_mean(x: Any, mask: Any) -> Any:
    n = mask.sum(-1, keepdims=True)
    return np.where(mask, x, 0).sum(-1, keepdims=True) / np.maximum(n, 1)


def masked_pool(s: Any, v: Any, mask: Any) -> Any:
    """Softmax over the positions that the mask keeps; a row that keeps none gives 0."""
    top = np.where(mask, s, -np.inf).max(-1, keepdims=True)
    e = np.where(mask, np.exp(np.where(mask, s - np.where(np.isfinite(top), top, 0), 0)), 0)
    p = e / np.maximum(e.sum(-1, keepdims=True), 1e-300)
    return (p * v).sum(-1)


def masked_weights(s: Any, mask: Any, least: float) -> Any:
    top = np.where(mask, s, -np.inf).max(-1, keepdims=True)
    e = np.where(mask, np.exp(np.where(mask, s - np.where(np.isfinite(top), top, 0), 0)), 0)
    with np.errstate(all="ignore"):
        return e / np.maximum(e.sum(-1, keepdims=True), least)


def masked_pool_vjp(g: Any, s: Any, v: Any, mask: Any, least: float = 1e-300) -> Any:
    p, g = masked_weights(s, mask, least), g[:, None]
    return p * g * (v - (p * v).sum(-1, keepdims=True)), p * g


def lstm(x: Any, h: Any, c: Any, W: Any) -> Any:
    i, f, o, a = np.split(np.concatenate([x, h], -1) @ W, 4, axis=-1)
    new = sigmoid(f) * c + sigmoid(i) * np.tanh(a)
    return sigmoid(o) * np.tanh(new), new


def lstm_vjp(g: Any, x: Any, h: Any, c: Any, W: Any, fault: str = "") -> Any:
    gh, gc = g[::-1] if fault == "swapped" else g
    z = np.concatenate([x, h], -1)
    i, f, o, a = np.split(z @ W, 4, axis=-1)
    i, f, o, a = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(a)
    new = np.tanh(f * c + i * a)
    dc = gh * o * (1 - new**2) + (0 if fault == "dropped" else gc)
    candidate = dc * i * ((1 - a) * (1 + a) if fault != "gate" else a * (1 - a))
    gates = [dc * a * i * (1 - i), dc * c * f * (1 - f), gh * new * o * (1 - o), candidate]
    d = np.concatenate(gates, -1)
    dz = d @ W.T
    return dz[:, : x.shape[1]], dz[:, x.shape[1] :], dc * f, z.T @ d


def gru(x: Any, h: Any, U: Any) -> Any:
    r, z = sigmoid(x * h), sigmoid(x - h)
    return (1 - z) * h + z * np.tanh(x + (r * h) @ U)


def gru_vjp(g: Any, x: Any, h: Any, U: Any, reset: bool = True) -> Any:
    r, z = sigmoid(x * h), sigmoid(x - h)
    n = np.tanh(x + (r * h) @ U)
    dn = g * z * (1 - n) * (1 + n)
    dz = g * (n - h) * z * (1 - z)
    drh = dn @ U.T
    dr = drh * h * r * (1 - r) if reset else 0 * drh
    return dn + dz + dr * h, g * (1 - z) - dz + drh * r + dr * x, np.outer(r * h, dn)


ANGLES = np.outer(np.arange(3), [1.0, 0.1])


def rotary(x: Any, sign: float = 1.0) -> Any:
    c, s = np.cos(ANGLES), sign * np.sin(ANGLES)
    a, b = x[:, 0::2], x[:, 1::2]
    return np.stack([a * c - b * s, a * s + b * c], -1).reshape(x.shape)


def weight_norm(v: Any, g: Any) -> Any:
    return g[:, None] * v / np.sqrt((v**2).sum(1, keepdims=True))


def weight_norm_vjp(t: Any, v: Any, g: Any, kept: bool = True) -> Any:
    n = np.sqrt((v**2).sum(1, keepdims=True))
    u = v / n
    along = (t * u).sum(1, keepdims=True)
    return g[:, None] / n * (t - (u * along if kept else 0)), along[:, 0]


def experts(x: Any, w: Any) -> Any:
    """Each row goes through its best expert, weighted by the softmax of the scores."""
    p = softmax(x @ w)
    return p.max(-1)


def experts_vjp(g: Any, x: Any, w: Any, whole: bool = True) -> Any:
    p = softmax(x @ w)
    best = p.argmax(-1)
    top = p[np.arange(len(x)), best]
    hot = np.eye(w.shape[1])[best]
    ds = (g * top)[:, None] * (hot - (p if whole else p * hot))
    return ds @ w.T, x.T @ ds


def heads(x: Any) -> Any:
    t = x.reshape(len(x), 2, 3).transpose(1, 0, 2)
    return t @ t.transpose(0, 2, 1)


def heads_vjp(g: Any, x: Any, symmetric: bool = False) -> Any:
    t = x.reshape(len(x), 2, 3).transpose(1, 0, 2)
    d = 2 * g @ t if symmetric else (g + g.transpose(0, 2, 1)) @ t
    return d.transpose(1, 0, 2).reshape(x.shape)


MASK = np.array([[True, False, True, True], [False, False, False, False], [True, True, False, False]])
NORMED = (normal(1, 2, 3, 4), np.ones(4), np.zeros(4))
CELL = (normal(2, 2, 3), normal(3, 2, 2), normal(4, 2, 2), normal(5, 5, 8))
TRIPLE = (normal(6, 4, 3), normal(7, 4, 3), normal(8, 4, 2))

CASES = (
    *twins(
        "net: layer norm, gain one",
        "values",
        layer_norm,
        layer_norm_vjp,
        NORMED,
        late_gain=layer_norm_late_gain,
        epsilon_lost=layer_norm_no_eps,
    ),
    *twins(
        "net: whitening of rows",
        "statistic held constant",
        lambda x: standard(x, -1)[0],
        lambda g, x: standard_vjp(g, x, -1),
        (normal(9, 3, 5),),
        unseen="*",
        variance_constant=lambda g, x: standard(x, -1)[1] * (g - g.mean(-1, keepdims=True)),
    ),
    *twins(
        "net: batch norm of two rows",
        "statistic held constant",
        lambda x: standard(x, 0)[0],
        lambda g, x: standard_vjp(g, x, 0),
        (normal(10, 2, 3),),
        unseen="*",
        hard=True,
        bessel=bessel,
    ),
    *twins(
        "net: batch norm of one row",
        "shapes",
        lambda x, w: standard(x, 0)[0] * w + x,
        lambda g, x, w: (standard_vjp(g * w, x, 0) + g, (g * standard(x, 0)[0]).sum(0)),
        (normal(11, 1, 3), normal(12, 3)),
        hard=True,
        variance_of_one=lambda g, x, w: (g * w / np.sqrt(1e-5) + g, (g * standard(x, 0)[0]).sum(0)),
    ),
    *twins(
        "net: group norm",
        "wrong axis",
        group_norm,
        group_norm_vjp,
        (normal(13, 2, 4, 3),),
        unseen="*",
        whole_layer=lambda g, x: standard_vjp(g.reshape(2, 12), x.reshape(2, 12), -1).reshape(x.shape),
    ),
    *twins(
        "net: rms norm",
        "mean for sum",
        lambda x, w: w * x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6),
        lambda g, x, w: (
            (r := 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6))
            * (g * w - x * r * r * (g * w * x).mean(-1, keepdims=True)),
            (g * x * r).sum(0),
        ),
        (normal(14, 2, 4), normal(15, 4)),
        sum_for_mean=lambda g, x, w: (
            (r := 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6))
            * (g * w - x * r * r * (g * w * x).sum(-1, keepdims=True)),
            (g * x * r).sum(0),
        ),
    ),
    *twins(
        "net: causal attention",
        "saturation",
        lambda q, k, v: softmax(scores(q, k)) @ v,
        lambda g, q, k, v: attention_back(g, q, k, v, softmax(scores(q, k)), 1 / np.sqrt(q.shape[-1])),
        TRIPLE,
        unseen="scores_overflow",
        hard=True,
        scale_lost=lambda g, q, k, v: attention_back(g, q, k, v, softmax(scores(q, k)), 1.0),
        scores_overflow=lambda g, q, k, v: attention_back(
            g, q, k, v, naive_softmax(scores(q, k)), 1 / np.sqrt(q.shape[-1])
        ),
        mask_lost=lambda g, q, k, v: attention_back(
            g, q, k, v, softmax(q @ k.T / np.sqrt(q.shape[-1])), 1 / np.sqrt(q.shape[-1])
        ),
    ),
    *twins(
        "net: masked pooling with an empty row",
        "masks",
        masked_pool,
        masked_pool_vjp,
        (normal(16, 3, 4), normal(17, 3, 4), MASK),
        hard=True,
        nothing_over_nothing=lambda g, s, v, mask: masked_pool_vjp(g, s, v, mask, 0.0),
    ),
    *twins(
        "net: masked mean",
        "masks",
        masked_mean,
        lambda g, x, mask: np.where(mask, g / np.maximum(mask.sum(-1, keepdims=True), 1), 0),
        (normal(18, 3, 4), MASK),
        all_counted=lambda g, x, mask: np.where(mask, g / mask.shape[-1], 0),
        through_the_mask=lambda g, x, mask: g / np.maximum(mask.sum(-1, keepdims=True), 1) + 0 * x,
    ),
    *twins(
        "net: lstm cell",
        "cotangent mishandled",
        lstm,
        lstm_vjp,
        CELL,
        unseen="swapped",
        swapped=lambda g, *a: lstm_vjp(g, *a, fault="swapped"),
        cell_dropped=lambda g, *a: lstm_vjp(g, *a, fault="dropped"),
        candidate_as_gate=lambda g, *a: lstm_vjp(g, *a, fault="gate"),
    ),
    *twins(
        "net: gru cell",
        "graph accumulation",
        gru,
        gru_vjp,
        (normal(19, 3), normal(20, 3), normal(21, 3, 3)),
        reset_path_lost=lambda g, x, h, U: gru_vjp(g, x, h, U, False),
    ),
    *twins(
        "net: gated halves",
        "operands swapped",
        lambda x: x[..., :3] * sigmoid(x[..., 3:]),
        lambda g, x: np.concatenate(
            [g * (s := sigmoid(x[..., 3:])), g * x[..., :3] * s * sigmoid(-x[..., 3:])], axis=-1
        ),
        (normal(22, 2, 6),),
        swapped=lambda g, x: np.concatenate(
            [g * (s := sigmoid(x[..., :3])), g * x[..., 3:] * s * sigmoid(-x[..., :3])], axis=-1
        ),
    ),
    *twins(
        "net: rotary embedding",
        "transpose missing",
        rotary,
        lambda g, x: rotary(g, -1.0),
        (normal(23, 3, 4),),
        turned_on=lambda g, x: rotary(g),
    ),
    *twins(
        "net: weight norm",
        "statistic held constant",
        weight_norm,
        weight_norm_vjp,
        (normal(24, 2, 3), normal(25, 2)),
        norm_constant=lambda t, v, g: weight_norm_vjp(t, v, g, False),
    ),
    *twins(
        "net: best expert",
        "ties and selection",
        experts,
        experts_vjp,
        (normal(26, 3, 2), normal(27, 2, 4)),
        only_the_diagonal=lambda g, x, w: experts_vjp(g, x, w, False),
    ),
    *twins(
        "net: gram of heads",
        "cotangent mishandled",
        heads,
        heads_vjp,
        (normal(28, 4, 6),),
        unseen="*",
        assumed_symmetric=lambda g, x: heads_vjp(g, x, True),
    ),
    *twins(
        "net: softmax along the first axis",
        "constant factor",
        lambda x: softmax(x, 0),
        lambda g, x: (s := softmax(x, 0)) * (g - (g * s).sum(0)),
        (normal(29, 3, 4),),
        unseen="*",
        twice=lambda g, x: 2 * (s := softmax(x, 0)) * (g - (g * s).sum(0)),
        sign=lambda g, x: (s := softmax(x, 0)) * ((g * s).sum(0) - g),
    ),
)
