"""Wrong rules of the catalogue's losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from tests.meta.pairs import normal
from tests.meta.spoilt import PART, SIDES, P, X, Y, entry, over, right, scaled, whole

M = normal(9, 2, 3)


def residual_over_size(g: Any, p: Any, t: Any) -> Any:
    s = g / p.size * (p - t) / np.abs(p - t)
    return s, -s


NONE = {"reduction": "none"}
LABELS = np.array([2, 0])
ROWS = normal(16, 2, 3)
LOGS = np.log(special.softmax(ROWS, 1))
WEIGHTS = {"weights": (0.5, 1.0, 4.0)}

LOSSES = (
    *whole("mse", X, Y, half=scaled("mse", 0.5), target_constant=scaled("mse", (1.0, 0.0))),
    *whole(
        "mse",
        normal(17, 2, 3),
        normal(18, 3),
        of="rows",
        group="axis, shape, broadcast",
        rows_only=scaled("mse", 2.0),
        target_mean=scaled("mse", (1.0, 0.5)),
    ),
    *whole("mae", X, Y, total=scaled("mae", 4.0), nothing_over_nothing=residual_over_size),
    *entry(
        "smooth_l1",
        X,
        Y,
        params={"beta": 2.0, **NONE},
        group="parameter",
        beta_ignored=lambda p, t, **k: (np.clip(p - t, -1, 1), -np.clip(p - t, -1, 1)),
        never_linear=lambda p, t, **k: ((p - t) / 2, (t - p) / 2),
    ),
    *entry(
        "log_cosh",
        X,
        Y,
        params=NONE,
        linear=lambda p, t, **k: (p - t, t - p),
        overflow=lambda p, t, **k: (np.sinh(p - t) / np.cosh(p - t), -np.sinh(p - t) / np.cosh(p - t)),
    ),
    *entry(
        "pinball",
        X,
        Y,
        params={"quantile": 0.1, **NONE},
        group="parameter",
        median=lambda p, t, **k: (np.sign(p - t) / 2, np.sign(t - p) / 2),
        crossed=lambda p, t, **k: (np.where(p < t, -0.9, 0.1), np.where(p < t, 0.9, -0.1)),
    ),
    *entry(
        "poisson_nll",
        X,
        Y,
        params=NONE,
        exponential=lambda x, t, **k: (x - t, -x),
        nothing_below=(lambda x, t, **k: x < -10, lambda x, t, **k: (0.0, -x)),
    ),
    *entry(
        "gaussian_nll",
        X,
        Y,
        P[[0, 1, 2, 0]],
        params=NONE,
        logarithm=lambda m, t, v, **k: ((m - t) / v, (t - m) / v, -((m - t) ** 2) / v**2 / 2),
        clipped=lambda m, t, v, **k: (
            (m - t) / np.maximum(v, 1e-2),
            (t - m) / np.maximum(v, 1e-2),
            (1 / v - ((m - t) / v) ** 2) / 2,
        ),
    ),
    *whole(
        "nll",
        LOGS,
        LABELS,
        params=WEIGHTS,
        group="parameter",
        weights_ignored=lambda g, x, y, weights: -g / 2 * (y[:, None] == np.arange(3)),
        divided_by_count=scaled("nll", 4.5 / 2),
    ),
    *whole(
        "cross_entropy",
        ROWS,
        LABELS,
        params={"smoothing": 0.1},
        group="parameter",
        smoothing_ignored=scaled("cross_entropy", 1.0, smoothing=0.0),
        overflow=lambda g, x, y, smoothing: (
            g / 2 * (np.exp(x) / np.exp(x).sum(1, keepdims=True) - (0.9 * (y[:, None] == np.arange(3)) + 0.1 / 3))
        ),
    ),
    *whole(
        "cross_entropy",
        ROWS,
        LABELS,
        params=WEIGHTS,
        group="parameter",
        weights_ignored=scaled("cross_entropy", 1.0, weights=None),
        divided_by_count=scaled("cross_entropy", 4.5 / 2),
    ),
    *entry(
        "bce",
        PART,
        PART[::-1].copy(),
        params=NONE,
        undivided=lambda p, t, **k: (p - t, np.log1p(-p) - np.log(p)),
        clipped=lambda p, t, **k: ((p - t) / np.maximum(p * (1 - p), 0.01), np.log1p(-p) - np.log(p)),
    ),
    *entry(
        "bce_with_logits",
        X,
        PART[[0, 1, 2, 0]],
        params={"positive_weight": 3.0, **NONE},
        group="parameter",
        weight_ignored=lambda x, t, **k: (special.expit(x) - t, -x),
        overflow=lambda x, t, **k: (
            np.exp(x) / (1 + np.exp(x)) * (1 - t) - 3 * t * special.expit(-x),
            -2 * special.log_expit(x) - x,
        ),
    ),
    *entry(
        "kl_divergence",
        -P,
        PART,
        params=NONE,
        one=lambda x, t, **k: (-t, np.log(t) - x),
        nothing_beyond_one=(lambda x, t, **k: t > 1, 0.0),
    ),
    *whole(
        "hinge", X, SIDES, params=NONE, side=lambda g, x, s, **k: -g * (s * x < 1), always=lambda g, x, s, **k: -g * s
    ),
    *whole(
        "squared_hinge",
        X,
        SIDES,
        params=NONE,
        factor=scaled("squared_hinge", 0.5),
        always=lambda g, x, s, **k: -2 * g * s * (1 - s * x),
    ),
    *whole(
        "soft_margin",
        X,
        SIDES,
        params=NONE,
        side=lambda g, x, s, **k: -g * special.expit(-s * x),
        overflow=lambda g, x, s, **k: -g * s * np.exp(-s * x) / (1 + np.exp(-s * x)),
    ),
    *whole(
        "focal",
        X,
        SIDES,
        params=NONE,
        power_constant=lambda g, x, s, **k: -g * np.where(s > 0, 0.25, 0.75) * s * special.expit(-s * x) ** 3,
        nothing_over_nothing=lambda g, x, s, **k: right("focal", g, x, s, **k)[0] * (np.exp(x) / np.exp(x)),
    ),
    *whole(
        "focal",
        X,
        SIDES,
        params={"gamma": 0.5, "alpha": 0.75, **NONE},
        group="parameter",
        gamma_ignored=scaled("focal", 1.0, gamma=2.0),
        alpha_crossed=scaled("focal", 1.0, alpha=0.25),
    ),
    *whole(
        "cosine_similarity",
        M,
        normal(19, 2, 3),
        not_projected=lambda g, x, y: (
            over(g) * y / np.linalg.norm(x, axis=1, keepdims=True) / np.linalg.norm(y, axis=1, keepdims=True),
            right("cosine_similarity", g, x, y)[1],
        ),
        symmetric=lambda g, x, y: right("cosine_similarity", g, x, y)[::-1],
    ),
    *whole(
        "cosine_embedding",
        M,
        normal(20, 2, 3),
        np.array([1, -1]),
        params={"margin": -0.9, **NONE},
        group="parameter",
        side=lambda g, x, y, s, **k: right("cosine_embedding", g, x, y, -s, **k),
        margin_ignored=scaled("cosine_embedding", 1.0, margin=0.0),
    ),
    *whole(
        "triplet_margin",
        M,
        normal(21, 2, 3),
        normal(22, 2, 3),
        params={"margin": 5.0},
        group="parameter",
        one_distance=scaled("triplet_margin", (1.0, 1.0, 0.0)),
        margin_ignored=scaled("triplet_margin", 1.0, margin=0.0),
    ),
    *whole(
        "margin_ranking",
        X,
        Y,
        SIDES,
        params={"margin": 0.5, **NONE},
        group="parameter",
        side=lambda g, x, y, s, **k: right("margin_ranking", g, y, x, -s, **k),
        margin_ignored=scaled("margin_ranking", 1.0, margin=0.0),
    ),
)

CASES = LOSSES
