"""Rules of attention."""

from __future__ import annotations

import math

import numpy as np

from reference_nets.rules import activations
from reference_nets.rules._shapes import Array, unbroadcast


def _t(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


def attention(
    g: Array, q: Array, k: Array, v: Array, mask: Array, *, scale: float | None = None
) -> tuple[Array, Array, Array]:
    """Through the product with V, the softmax, and the product of queries and keys."""
    factor = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = np.where(mask, (q @ _t(k)) * factor, -np.inf)
    powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    weights = powers / np.sum(powers, axis=-1, keepdims=True)
    (in_scores,) = activations.softmax(g @ _t(v), scores)
    in_scores = in_scores * factor
    return (
        (in_scores @ k).astype(q.dtype),
        unbroadcast(_t(in_scores) @ q, k),
        unbroadcast(_t(weights) @ g, v),
    )


def multi_head_attention(
    g: Array, x: Array, wq: Array, wk: Array, wv: Array, wo: Array, *, heads: int
) -> tuple[Array, Array, Array, Array, Array]:
    """The input is reached through queries, keys and values; their gradients add up."""
    steps = x.shape[0]
    mask = np.ones((steps, steps), dtype=bool)

    def split(rows: Array) -> Array:
        return np.swapaxes(np.reshape(rows, (steps, heads, -1)), 0, 1)

    def join(parts: Array) -> Array:
        return np.reshape(np.swapaxes(parts, 0, 1), (steps, -1))

    q, k, v = split(x @ wq.T), split(x @ wk.T), split(x @ wv.T)
    scores = (q @ _t(k)) / math.sqrt(q.shape[-1])
    powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    seen = join(powers / np.sum(powers, axis=-1, keepdims=True) @ v)
    in_q, in_k, in_v = (join(part) for part in attention(split(g @ wo), q, k, v, mask))
    in_x = in_q @ wq + in_k @ wk + in_v @ wv
    return in_x.astype(x.dtype), in_q.T @ x, in_k.T @ x, in_v.T @ x, g.T @ seen


def _turned(x: Array, base: float, offset: int, sense: int) -> Array:
    steps, d = x.shape[-2:]
    angle = sense * np.outer(np.arange(offset, offset + steps), base ** (-np.arange(0, d, 2) / d))
    pairs = np.reshape(x, (*x.shape[:-1], d // 2, 2))
    even, odd = pairs[..., 0], pairs[..., 1]
    turned = np.stack([even * np.cos(angle) - odd * np.sin(angle), even * np.sin(angle) + odd * np.cos(angle)], axis=-1)
    return np.reshape(turned, x.shape).astype(x.dtype)


def rotary_embedding(g: Array, x: Array, *, base: float = 10000.0, offset: int = 0) -> tuple[Array]:
    """The adjoint of a rotation is the rotation back."""
    return (_turned(g, base, offset, -1),)


def rotary_embedding_jvp(tangents: tuple[Array], x: Array, *, base: float = 10000.0, offset: int = 0) -> Array:
    """The tangent turned."""
    return _turned(tangents[0], base, offset, 1)


RULES = {
    "attention": attention,
    "multi_head_attention": multi_head_attention,
    "rotary_embedding": rotary_embedding,
}
JVPS = {"rotary_embedding": rotary_embedding_jvp}
