# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# (users annotate little)
"""Layers of networks: convolution, pooling, normalisation, attention, embedding, dropout and whole small nets."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from scipy.special import expit

from tests.numbers.idioms.idiom import Idiom, normal


def conv2d_windows(x, w, b):
    # x: (C, H, W), w: (F, C, kh, kw)
    kh, kw = w.shape[2:]
    windows = sliding_window_view(x, (kh, kw), axis=(1, 2))
    return np.einsum("chwij,fcij->fhw", windows, w) + b[:, None, None]


def im2col_conv(img, kernel, stride=1):
    H, W = img.shape
    k = kernel.shape[0]
    oh, ow = (H - k) // stride + 1, (W - k) // stride + 1
    s0, s1 = img.strides
    cols = as_strided(img, shape=(oh, ow, k, k), strides=(s0 * stride, s1 * stride, s0, s1))
    cols = cols.reshape(oh * ow, k * k)
    return (cols @ kernel.ravel()).reshape(oh, ow)


def padded_depthwise(x, k):
    C, H, W = x.shape
    p = k.shape[-1] // 2
    xp = np.pad(x, ((0, 0), (p, p), (p, p)), mode="constant")
    out = np.zeros_like(x)
    for c in range(C):
        for i in range(H):
            for j in range(W):
                out[c, i, j] = np.sum(xp[c, i : i + k.shape[1], j : j + k.shape[2]] * k[c])
    return out


def max_pool(x, size=2):
    h, w = x.shape
    assert h % size == 0 and w % size == 0
    return x.reshape(h // size, size, w // size, size).max(axis=(1, 3))


def batch_norm(x, gamma, beta, eps=1e-5):
    mu = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    x_hat = (x - mu) / np.sqrt(var + eps)
    return gamma * x_hat + beta


class LayerNorm:
    def __init__(self, g, b):
        self.g, self.b = g, b
        self.cache = {}

    def __call__(self, x):
        mean = x.mean(-1, keepdims=True)
        xc = x - mean
        rstd = 1.0 / np.sqrt((xc**2).mean(axis=-1, keepdims=True) + 1e-5)
        self.cache["xc"], self.cache["rstd"] = xc, rstd
        return xc * rstd * self.g + self.b


def post_norm_block(x, W, g, b):
    ln = LayerNorm(g, b)
    return ln(x + np.tanh(x @ W))


def causal_attention(q, k, v):
    T, d = q.shape
    scores = q @ k.T / np.sqrt(d)
    mask = np.triu(np.ones((T, T), dtype=bool), k=1)
    scores = np.where(mask, -np.inf, scores)
    scores -= scores.max(axis=-1, keepdims=True)
    w = np.exp(scores)
    w /= w.sum(axis=-1, keepdims=True)
    return w @ v


def bag_of_words(E, W, tokens):
    emb = E[tokens]  # (batch, length, dim)
    pad = tokens == 0
    emb[pad] = 0.0
    lengths = np.maximum((~pad).sum(axis=1), 1)
    pooled = emb.sum(axis=1) / lengths[:, None]
    return pooled @ W


def dropout_mlp(x, W1, W2, p=0.25):
    rng = np.random.default_rng(42)
    h = np.maximum(0.0, x @ W1)
    keep = rng.random(h.shape) >= p
    h = h * keep / (1 - p)
    return h @ W2


def mlp_from_dict(x, W1, b1, W2, b2):
    params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    acts = {"hidden": np.tanh, "out": lambda z: z}

    def dense(h, i, act):
        return acts[act](np.dot(h, params[f"W{i}"]) + params[f"b{i}"])

    h = dense(x, 1, "hidden")
    return dense(h, 2, "out")


def make_resnet(depth, alpha=0.5):
    def block(h, W):
        return h + alpha * expit(h @ W) * h

    def forward(x, weights):
        h = np.asarray(x, dtype=np.float64)
        for layer in range(depth):
            h = block(h, weights[layer])
        return h.mean(axis=0)

    return forward


def robust_head(X, w):
    """Inputs scaled by median and interquartile range, then one logistic unit."""
    med = np.median(X, axis=0)
    q75, q25 = np.percentile(X, [75, 25], axis=0)
    Z = (X - med) / (q75 - q25)
    return expit(Z.dot(w))


TOKENS = np.array([[1, 3, 0], [2, 2, 4]])

IDIOMS = (
    Idiom(
        "convolution by sliding windows",
        "convolution",
        conv2d_windows,
        (normal(110, 2, 4, 4), normal(111, 3, 2, 2, 2), normal(112, 3)),
    ),
    Idiom("convolution by as_strided", "convolution", im2col_conv, (normal(113, 5, 5), normal(114, 3, 3))),
    Idiom("depthwise with zero padding", "convolution", padded_depthwise, (normal(115, 2, 3, 4), normal(116, 2, 3, 3))),
    Idiom("max pool by reshape", "pooling", max_pool, (normal(117, 4, 6),)),
    Idiom("batch norm", "normalisation", batch_norm, (normal(118, 5, 3), normal(119, 3), normal(120, 3))),
    Idiom(
        "layer norm with a cache",
        "normalisation",
        post_norm_block,
        (normal(121, 3, 4), normal(122, 4, 4), normal(123, 4), normal(124, 4)),
    ),
    Idiom(
        "causal attention with -inf",
        "attention",
        causal_attention,
        (normal(125, 4, 3), normal(126, 4, 3), normal(127, 4, 2)),
    ),
    Idiom("embedding with padding", "embedding", bag_of_words, (normal(128, 5, 3), normal(129, 3, 2), TOKENS)),
    Idiom(
        "dropout from a fixed generator",
        "random",
        dropout_mlp,
        (normal(130, 3, 4), normal(131, 4, 6), normal(132, 6, 2)),
    ),
    Idiom(
        "mlp from a dictionary",
        "closures",
        mlp_from_dict,
        (normal(133, 2, 3), normal(134, 3, 4), normal(135, 4), normal(136, 4, 2), normal(137, 2)),
    ),
    Idiom("residual net from a factory", "closures", make_resnet(3), (normal(138, 2, 3), normal(139, 3, 3, 3))),
    Idiom("robust scaling by percentiles", "normalisation", robust_head, (normal(140, 6, 3), normal(141, 3))),
)
