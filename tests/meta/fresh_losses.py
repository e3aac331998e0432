"""Losses by hand: regression, classification, distances, likelihoods."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradcheck import interval
from tests.meta.pairs import normal, twins


def logsumexp(x: Any) -> Any:
    m = x.max(-1, keepdims=True)
    return (m + np.log(np.exp(x - m).sum(-1, keepdims=True)))[..., 0]


def soft(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def smoothed(x: Any, labels: Any, a: float = 0.1) -> Any:
    n = x.shape[-1]
    t = (1 - a) * np.eye(n)[labels] + a / n
    return (logsumexp(x) - (t * x).sum(-1)).mean()


def smoothed_vjp(g: Any, x: Any, labels: Any, a: float = 0.1, share: int = 0, mean: bool = True) -> Any:
    n = x.shape[-1]
    t = (1 - a) * np.eye(n)[labels] + a / (n - share)
    return g * (soft(x) - t) / (len(x) if mean else 1)


def huber(x: Any, y: Any, d: float = 1.0) -> Any:
    e = np.abs(x - y)
    return np.where(e <= d, 0.5 * e * e, d * (e - 0.5 * d))


def pinball(x: Any, y: Any, q: float = 0.9) -> Any:
    return np.maximum(q * (y - x), (q - 1) * (y - x))


def bce(x: Any, t: Any) -> Any:
    return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))


def bce_ratio(g: Any, x: Any, t: Any) -> Any:
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-x))
        return g * (p - t) / (p * (1 - p)) * p * (1 - p), -g * x


def focal(x: Any, power: float = 2.0) -> Any:
    return (special.expit(-x)) ** power * np.logaddexp(0, -x)


def focal_vjp(g: Any, x: Any, power: float = 2.0, both: bool = True) -> Any:
    p, q = special.expit(x), special.expit(-x)
    first = -power * q**power * p * np.logaddexp(0, -x)
    return g * ((first if both else 0) - q ** (power + 1))


def cosine(a: Any, b: Any) -> Any:
    return (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))


def cosine_vjp(g: Any, a: Any, b: Any, projected: bool = True) -> Any:
    g, n, m = g[..., None], np.sqrt((a * a).sum(-1, keepdims=True)), np.sqrt((b * b).sum(-1, keepdims=True))
    u, v = a / n, b / m
    c = (u * v).sum(-1, keepdims=True) if projected else 0
    return g * (v - c * u) / n, g * (u - c * v) / m


def multi_margin(x: Any, labels: Any) -> Any:
    rows = np.arange(len(x))
    m = np.maximum(0, 1 + x - x[rows, labels][:, None])
    m[rows, labels] = 0
    return m.sum(-1)


def multi_margin_vjp(g: Any, x: Any, labels: Any, own: bool = True) -> Any:
    rows = np.arange(len(x))
    on = (1 + x - x[rows, labels][:, None] > 0).astype(float)
    on[rows, labels] = 0
    on[rows, labels] = -on.sum(-1) if own else -1.0
    return g[:, None] * on


def triplet(a: Any, p: Any, n: Any) -> Any:
    return np.maximum(0, ((a - p) ** 2).sum(-1) - ((a - n) ** 2).sum(-1) + 0.5)


def triplet_vjp(g: Any, a: Any, p: Any, n: Any, gated: bool = True) -> Any:
    on = (triplet(a, p, n) > 0) if gated else 1.0
    k = (2 * g * on)[:, None]
    return k * (n - p), k * (p - a), k * (a - n)


def gauss_nll(mu: Any, s: Any, y: Any) -> Any:
    return s + 0.5 * ((y - mu) * np.exp(-s)) ** 2


def dice(p: Any, t: Any) -> Any:
    return 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


def dice_vjp(g: Any, p: Any, t: Any, whole: bool = True) -> Any:
    a, b = 2 * (p * t).sum() + 1, p.sum() + t.sum() + 1
    tail = a / b**2 if whole else 0.0
    return g * (tail - 2 * t / b), g * (tail - 2 * p / b)


def info_nce(z: Any) -> Any:
    """Rows 2k and 2k + 1 are partners; similarity of a row with itself is left out."""
    s = z @ z.T
    s = np.where(np.eye(len(z), dtype=bool), -np.inf, s)
    partner = np.arange(len(z)) ^ 1
    return logsumexp(s) - s[np.arange(len(z)), partner]


def info_nce_vjp(g: Any, z: Any, both: bool = True) -> Any:
    s = np.where(np.eye(len(z), dtype=bool), -np.inf, z @ z.T)
    d = g[:, None] * (soft(s) - np.eye(len(z))[np.arange(len(z)) ^ 1])
    return (d + d.T) @ z if both else 2 * d @ z


def masked_lse(x: Any, keep: Any) -> Any:
    return logsumexp(np.where(keep, x, -np.inf))


def masked_lse_vjp(g: Any, x: Any, keep: Any) -> Any:
    return g[:, None] * soft(np.where(keep, x, -np.inf))


def masked_lse_naive(g: Any, x: Any, keep: Any) -> Any:
    with np.errstate(all="ignore"):
        e = np.where(keep, np.exp(x), 0)
        return g[:, None] * e / e.sum(-1, keepdims=True)


def expectile(x: Any, y: Any, t: float = 0.2) -> Any:
    d = y - x
    return np.where(d > 0, t, 1 - t) * d * d


def smooth_ap(x: Any) -> Any:
    return special.expit(10 * (x[:, None] - x[None, :])).sum(1)


def smooth_ap_vjp(g: Any, x: Any, other: bool = True) -> Any:
    s = special.expit(10 * (x[:, None] - x[None, :]))
    w = 10 * g[:, None] * s * special.expit(-10 * (x[:, None] - x[None, :]))
    return w.sum(1) - (w.sum(0) if other else 0)


def sinkhorn(c: Any) -> Any:
    """Cost of the plan after one scaling of rows of exp(-c)."""
    p = soft(-c)
    return (p * c).sum(-1)


def sinkhorn_vjp(g: Any, c: Any, plan: bool = True) -> Any:
    p = soft(-c)
    g = g[:, None]
    inner = (p * c).sum(-1, keepdims=True)
    return g * p * (1 + (inner - c if plan else 0))


LOGITS, LABELS = normal(1, 3, 4), np.array([0, 2, 2])
TARGETS = np.array([0.0, 1.0, 0.3, 1.0])
KEEP = np.array([[True, True, False], [False, True, True]])
PAIRS = (normal(2, 3, 4), normal(3, 3, 4))

CASES = (
    *twins(
        "loss: cross entropy, smoothed labels",
        "constant factor",
        smoothed,
        smoothed_vjp,
        (LOGITS, LABELS),
        shared_among_the_others=lambda g, x, labels: smoothed_vjp(g, x, labels, share=1),
        sum_for_mean=lambda g, x, labels: smoothed_vjp(g, x, labels, mean=False),
        smoothing_lost=lambda g, x, labels: smoothed_vjp(g, x, labels, 0.0),
    ),
    *twins(
        "loss: huber",
        "wrong only beyond a threshold",
        huber,
        lambda g, x, y: (g * np.clip(x - y, -1, 1), -g * np.clip(x - y, -1, 1)),
        (0.1 * normal(4, 5), 0.1 * normal(5, 5)),
        hard=True,
        one_sided=lambda g, x, y: (g * np.minimum(x - y, 1), -g * np.minimum(x - y, 1)),
        never_linear=lambda g, x, y: (g * np.where(np.abs(x - y) < 8, x - y, 0), -g * (x - y)),
    ),
    *twins(
        "loss: quantile",
        "sign",
        pinball,
        lambda g, x, y: (g * (d := np.where(y > x, -0.9, 0.1)), -g * d),
        (normal(6, 6), normal(6, 6)),
        hard=True,
        unseen="beyond_at_the_tie",
        quantile_turned_round=lambda g, x, y: (g * (d := np.where(y > x, -0.1, 0.9)), -g * d),
        beyond_at_the_tie=lambda g, x, y: (g * (d := np.where(y > x, -0.9, np.where(y < x, 0.1, 0.5))), -g * d),
    ),
    *twins(
        "loss: binary cross entropy of logits",
        "saturation",
        bce,
        lambda g, x, t: (g * (special.expit(x) - t), -g * x),
        (normal(7, 4), TARGETS),
        unseen="*",
        hard=True,
        nothing_over_nothing=bce_ratio,
    ),
    *twins(
        "loss: focal",
        "product rule",
        focal,
        focal_vjp,
        (normal(8, 5),),
        modulator_constant=lambda g, x: focal_vjp(g, x, both=False),
    ),
    *twins(
        "loss: cosine similarity",
        "statistic held constant",
        cosine,
        cosine_vjp,
        PAIRS,
        norms_constant=lambda g, a, b: cosine_vjp(g, a, b, False),
        options={"domain": interval(0.01, 10)},
    ),
    *twins(
        "loss: margins of many classes",
        "indexing",
        multi_margin,
        multi_margin_vjp,
        (normal(9, 3, 5), LABELS),
        hard=True,
        own_class_once=lambda g, x, labels: multi_margin_vjp(g, x, labels, False),
    ),
    *twins(
        "loss: triplet, all violated",
        "wrong only beyond a threshold",
        triplet,
        triplet_vjp,
        (1 + 0.1 * normal(10, 2, 3), 1 + 0.1 * normal(11, 2, 3), 1 + 0.1 * normal(12, 2, 3)),
        hard=True,
        always_on=lambda g, a, p, n: triplet_vjp(g, a, p, n, False),
    ),
    *twins(
        "loss: gaussian likelihood with log scale",
        "sign",
        gauss_nll,
        lambda g, mu, s, y: (
            g * (r := (mu - y) * np.exp(-2 * s)),
            g * (1 - ((y - mu) * np.exp(-s)) ** 2),
            -g * r,
        ),
        (normal(13, 4), 0.3 * normal(14, 4), normal(15, 4)),
        scale_constant=lambda g, mu, s, y: (g * (r := (mu - y) * np.exp(-2 * s)), g * np.ones_like(s), -g * r),
        half=lambda g, mu, s, y: (
            g * (r := (mu - y) * np.exp(-2 * s)),
            g * (1 - 0.5 * ((y - mu) * np.exp(-s)) ** 2),
            -g * r,
        ),
    ),
    *twins(
        "loss: dice",
        "statistic held constant",
        dice,
        dice_vjp,
        (np.linspace(0.1, 0.9, 5), np.array([0.0, 1.0, 1.0, 0.0, 1.0])),
        denominator_constant=lambda g, p, t: dice_vjp(g, p, t, False),
        options={"domain": interval(0, 1)},
    ),
    *twins(
        "loss: contrast of pairs",
        "cotangent mishandled",
        info_nce,
        info_nce_vjp,
        (0.5 * normal(16, 4, 3),),
        assumed_symmetric=lambda g, z: info_nce_vjp(g, z, False),
    ),
    *twins(
        "loss: logsumexp over a mask",
        "overflow",
        masked_lse,
        masked_lse_vjp,
        (normal(17, 2, 3), KEEP),
        unseen="overflow",
        hard=True,
        overflow=masked_lse_naive,
        mask_lost=lambda g, x, keep: g[:, None] * soft(x),
    ),
    *twins(
        "loss: expectile",
        "sign",
        expectile,
        lambda g, x, y: (g * (d := -2 * np.where(y > x, 0.2, 0.8) * (y - x)), -g * d),
        (0.5 * np.abs(normal(18, 4)) - 3, 0.5 * np.abs(normal(19, 4)) + 3),
        one_side_only=lambda g, x, y: (g * (d := -2 * 0.2 * (y - x)), -g * d),
    ),
    *twins(
        "loss: soft ranks",
        "fan-out lost",
        smooth_ap,
        smooth_ap_vjp,
        (0.2 * normal(20, 4),),
        column_lost=lambda g, x: smooth_ap_vjp(g, x, False),
    ),
    *twins(
        "loss: entropic transport of rows",
        "statistic held constant",
        sinkhorn,
        sinkhorn_vjp,
        (normal(21, 3, 3),),
        plan_constant=lambda g, c: sinkhorn_vjp(g, c, False),
    ),
    *twins(
        "loss: divergence of log probabilities",
        "operands swapped",
        lambda p, q: np.where(p > 0, special.xlogy(p, p) - p * q, 0).sum(-1),
        lambda g, p, q: (g[:, None] * (np.log(p) + 1 - q), -g[:, None] * p),
        (np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]), np.log([[0.3, 0.3, 0.4], [0.2, 0.2, 0.6]])),
        log_taken_twice=lambda g, p, q: (g[:, None] * (np.log(p) + 1 - q), -g[:, None] * np.exp(q)),
        one_lost=lambda g, p, q: (g[:, None] * (np.log(p) - q), -g[:, None] * p),
        options={"domain": interval(1e-3, 20)},
    ),
    *twins(
        "loss: mean absolute error",
        "constant factor",
        lambda x, y: np.abs(x - y).mean(),
        lambda g, x, y: (g * np.sign(x - y) / x.size, -g * np.sign(x - y) / x.size),
        (normal(22, 2, 3), normal(23, 2, 3)),
        hard=True,
        rows_counted=lambda g, x, y: (g * np.sign(x - y) / len(x), -g * np.sign(x - y) / len(x)),
        sign_without_zero=lambda g, x, y: (
            g * np.where(x >= y, 1, -1) / x.size,
            g * np.where(x >= y, 1, -1) / x.size,
        ),
    ),
)
