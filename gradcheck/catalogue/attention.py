"""Attention, and the rotation that tells it positions."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.catalogue.activations import softmax
from gradcheck.claim import FIXED, REALS, Domain, Example, Operator, Witness, interval
from gradcheck.records import Array

SPECIAL = (0.0, 1.0, -1.0, 20.0, -20.0, 100.0)


def attention(q: Array, k: Array, v: Array, mask: Array, *, scale: float | None = None) -> Array:
    """Means of the rows of ``v``, weighted by how well the keys fit a query; only where the mask holds is looked."""
    factor = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = np.matmul(q, np.swapaxes(k, -1, -2)) * factor
    result: Array = np.matmul(softmax(np.where(mask, scores, -np.inf)), v)
    return result


def multi_head_attention(x: Array, wq: Array, wk: Array, wv: Array, wo: Array, *, heads: int) -> Array:
    """Self-attention of the rows of ``x`` (time, d), by every head on its share of the projected columns."""

    def split(w: Array) -> Array:
        return np.swapaxes(np.reshape(np.matmul(x, np.transpose(w)), (x.shape[0], heads, -1)), 0, 1)

    seen = attention(split(wq), split(wk), split(wv), np.ones((x.shape[0], x.shape[0]), dtype=bool))
    result: Array = np.matmul(np.reshape(np.swapaxes(seen, 0, 1), (x.shape[0], -1)), np.transpose(wo))
    return result


def rotary_embedding(x: Array, *, base: float = 10000.0, offset: int = 0) -> Array:
    """Pairs of neighbouring columns of row t turned by the angle t / base^(2 i / d) for pair i."""
    steps, d = x.shape[-2:]
    angle = np.outer(np.arange(offset, offset + steps), base ** (-np.arange(0, d, 2) / d))
    cosine, sine = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.reshape(np.stack([even * cosine - odd * sine, even * sine + odd * cosine], axis=-1), x.shape)


ATTENTION_EXAMPLES = (
    Example(((2, 3), (3, 3), (3, 2), np.ones((2, 3), dtype=bool))),
    Example(((3, 2), (3, 2), (3, 1), np.tri(3, dtype=bool))),
    Example(((2, 2, 1), (2, 2, 1), (2, 2, 2), np.array([[True, False], [True, True]])), {"scale": 2.0}),
    Example(((1, 1), (1, 1), (1, 1), np.array([[True]]))),
    Example(((2, 2), (3, 2), (3, 2), np.array([[False, True, False], [True, False, True]]))),
)

MULTI_HEAD_EXAMPLES = (
    Example(((2, 2), (2, 2), (2, 2), (2, 2), (2, 2)), {"heads": 2}),
    Example(((3, 2), (2, 2), (2, 2), (2, 2), (1, 2)), {"heads": 1}),
    Example(((1, 1), (2, 1), (2, 1), (2, 1), (1, 2)), {"heads": 2}),
)

ROTARY_EXAMPLES = (
    Example(((3, 4),)),
    Example(((2, 2, 2),), {"base": 10.0}),
    Example(((2, 4),), {"offset": 5, "base": 100.0}),
    Example(((1, 2),)),
    Example(((0, 2),)),
)

ROWS = np.array([[1.0, 0.0], [0.0, 1.0]])

ATTENTION_WITNESSES = (
    Witness(
        (np.array([[1.0]]), np.log([[1.0], [3.0]]), ROWS, np.ones((1, 2), dtype=bool)),
        np.array([[0.25, 0.75]]),
        "weights proportional to 1 and 3",
    ),
    Witness(
        (
            np.array([[1.0]]),
            np.log([[1.0], [3.0], [4.0]]),
            np.array([[1.0], [5.0], [9.0]]),
            np.array([[True, False, True]]),
        ),
        np.array([[7.4]]),
        "weights 1/5 and 4/5 without the masked one",
    ),
)

MULTI_HEAD_WITNESSES = (
    Witness(
        (
            np.array([[1.0, 2.0], [3.0, 6.0]]),
            np.zeros((2, 2)),
            np.zeros((2, 2)),
            np.eye(2),
            np.array([[1.0, 0.0], [1.0, 1.0]]),
        ),
        np.array([[2.0, 6.0], [2.0, 6.0]]),
        "without scores: means",
        {"heads": 2},
    ),
    Witness(
        (np.array([[0.0], [1.0]]), np.ones((1, 1)), np.array([[math.log(3.0)]]), np.ones((1, 1)), np.array([[4.0]])),
        np.array([[2.0], [3.0]]),
        "weights 1 : 1, then 1 : 3",
        {"heads": 1},
    ),
)

ROTARY_WITNESSES = (
    Witness(
        (np.array([[1.0, 2.0], [1.0, 2.0]]),),
        np.array([[1.0, 2.0], [math.cos(1) - 2 * math.sin(1), math.sin(1) + 2 * math.cos(1)]]),
        "rotations by 0 and 1",
    ),
)

OPERATORS = (
    Operator(
        name="attention",
        family="attention",
        signature="(...,t,d),(...,s,d),(...,s,e),(t,s)->(...,t,e)",
        definition=attention,
        examples=ATTENTION_EXAMPLES,
        formula="y = softmax(scale Q K^T, where the mask holds) V, scale = 1 / sqrt(d)",
        citation="Vaswani et al., Attention Is All You Need, arXiv:1706.03762, equation 1",
        witnesses=ATTENTION_WITNESSES,
        domain=Domain((REALS, REALS, REALS, FIXED)),
        special=SPECIAL,
    ),
    Operator(
        name="multi_head_attention",
        family="attention",
        signature="(t,d),(h e,d),(h e,d),(h e,d),(o,h e)->(t,o)",
        definition=multi_head_attention,
        examples=MULTI_HEAD_EXAMPLES,
        formula="y = concat over heads of attention(x Wq^T, x Wk^T, x Wv^T), times Wo^T",
        citation="Vaswani et al., Attention Is All You Need, arXiv:1706.03762, section 3.2.2",
        witnesses=MULTI_HEAD_WITNESSES,
        special=(0.0, 1.0, -1.0, 4.0),
    ),
    Operator(
        name="rotary_embedding",
        family="attention",
        signature="(...,t,d)->(...,t,d)",
        definition=rotary_embedding,
        examples=ROTARY_EXAMPLES,
        formula="(y_2i, y_2i+1) = (x_2i, x_2i+1) turned by t base^(-2 i / d)",
        citation="Su et al., RoFormer, arXiv:2104.09864, equation 15",
        witnesses=ROTARY_WITNESSES,
        special=SPECIAL,
        parameters={"base": interval(2.0, 1e4), "offset": range(9)},
    ),
)
