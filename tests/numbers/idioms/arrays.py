# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# (users annotate little)
"""Making, joining, ordering, scanning and looping over arrays."""

from __future__ import annotations

import numpy as np

from tests.numbers.idioms.idiom import Idiom, normal, uniform


def random_fourier_features(x, W, b):
    assert x.ndim == 2 and x.shape[1] == W.shape[0]
    proj = 2 * np.pi * (x @ W) + b
    return np.hstack([np.cos(proj), np.sin(proj)]) * np.sqrt(1.0 / W.shape[1])


def polynomial_features(X):
    X = np.atleast_2d(X)
    n, d = X.shape
    cols = [np.ones(n)]
    for i in range(d):
        cols.append(X[:, i])
    for i in range(d):
        for j in range(i, d):
            cols.append(X[:, i] * X[:, j])
    return np.column_stack(cols)


def expected_shortfall(pnl, q=0.4):
    losses = np.sort(-pnl)[::-1]
    k = int(np.ceil(q * len(losses)))
    drawdown = np.maximum.accumulate(np.cumsum(pnl)) - np.cumsum(pnl)
    return losses[:k].mean() + drawdown.max()


def rank_loss(scores, relevance):
    order = np.argsort(-scores)
    discounts = 1.0 / np.log2(np.arange(2, len(scores) + 2))
    gains = (2.0**relevance - 1)[order]
    p = np.exp(scores[order]) / np.cumsum(np.exp(scores[order])[::-1])[::-1]
    return np.sum(gains * discounts * np.log(p))


def arc_length(t, r):
    x = r * np.cos(t)
    y = r * np.sin(t)
    ds = np.hypot(np.diff(x), np.diff(y))
    return np.concatenate(([0.0], np.cumsum(ds)))


def stick_breaking(v):
    v = 1 / (1 + np.exp(-v.ravel()))
    remaining = np.cumprod(1 - v)
    w = v.copy()
    w[1:] *= remaining[:-1]
    return np.append(w, remaining[-1])


def interpolate_table(x, knots_y):
    knots_x = np.linspace(0.0, 1.0, len(knots_y))
    idx = np.searchsorted(knots_x, x, side="right") - 1
    idx = np.clip(idx, 0, len(knots_x) - 2)
    t = (x - knots_x[idx]) / (knots_x[idx + 1] - knots_x[idx])
    m = np.gradient(knots_y)
    h00, h10 = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2
    h01, h11 = t**2 * (3 - 2 * t), t**2 * (t - 1)
    return h00 * knots_y[idx] + h10 * m[idx] + h01 * knots_y[idx + 1] + h11 * m[idx + 1]


def smooth_and_resample(t_new, t, y):
    kernel = np.array([0.25, 0.5, 0.25])
    y = np.convolve(y, kernel, mode="same")
    return np.interp(t_new, t, y)


def gaussian_beam(w0, center):
    xs = np.linspace(-1, 1, 5)
    ys = np.arange(-1.0, 1.1, 0.5)
    X, Y = np.meshgrid(xs, ys, indexing="ij")
    I = np.exp(-2 * ((X - center[0]) ** 2 + (Y - center[1]) ** 2) / w0**2)  # noqa: E741 -- intensity in optics
    return np.trapezoid(np.trapezoid(I, ys, axis=1), xs)


@np.vectorize
def soft_threshold(v, lam):
    if v > lam:
        return v - lam
    elif v < -lam:
        return v + lam
    return 0.0


def row_zscores(X):
    def z(row):
        row = row - row.mean()
        return row / np.sqrt(np.sum(row**2) / (len(row) - 1))

    return np.apply_along_axis(z, 1, X)


def ising_energy(s, J):
    n, m = s.shape
    energy = 0.0
    for i, j in np.ndindex(n, m):
        energy -= J * s[i, j] * (s[(i + 1) % n, j] + s[i, (j + 1) % m])
    for (i, j), v in np.ndenumerate(s):
        energy += 0.25 * (v**2 - 1) ** 2 * (1 + i + j)
    return energy


def total_variation(img):
    """Smoothed total variation; accepts anything array-like."""
    if not isinstance(img, np.ndarray):
        img = np.array(img)
    if img.dtype != np.float64:
        img = img.astype(np.float64)
    p = np.pad(img, 1, mode="edge")
    dx = p[2:, 1:-1] - p[1:-1, 1:-1]
    dy = p[1:-1, 2:] - p[1:-1, 1:-1]
    total = 0
    for a, b in zip(dx.flat, dy.flat, strict=True):
        total += np.sqrt(a * a + b * b + 1e-2)
    return np.float64(total)


IDIOMS = (
    Idiom(
        "random fourier features",
        "features",
        random_fourier_features,
        (normal(210, 3, 2), normal(211, 2, 3), uniform(212, 0, 6, 3)),
    ),
    Idiom("polynomial features by columns", "features", polynomial_features, (normal(213, 4, 2),)),
    Idiom("shortfall by sort and accumulate", "sort", expected_shortfall, (normal(214, 6),)),
    Idiom("listwise ranking by argsort", "sort", rank_loss, (normal(215, 5), np.array([1, 0, 2, 0, 1]))),
    Idiom(
        "arc length by diff and cumsum", "scans", arc_length, (np.sort(uniform(216, 0, 3, 5)), uniform(217, 1, 2, 5))
    ),
    Idiom("stick breaking by cumprod", "scans", stick_breaking, (normal(218, 2, 2),)),
    Idiom(
        "hermite spline by searchsorted", "interpolation", interpolate_table, (uniform(219, 0, 1, 4), normal(220, 5))
    ),
    Idiom(
        "smoothing by convolve and interp",
        "interpolation",
        smooth_and_resample,
        (uniform(229, 0.5, 4.5, 4), np.arange(6) + uniform(230, -0.2, 0.2, 6), normal(231, 6)),
    ),
    Idiom("beam power on a grid", "grids", gaussian_beam, (uniform(221, 0.8, 1.4), normal(222, 2) / 3)),
    Idiom("soft threshold by vectorize", "loops", soft_threshold, (normal(223, 6), uniform(224, 0.2, 0.4))),
    Idiom("z-scores by apply_along_axis", "loops", row_zscores, (normal(225, 3, 4),)),
    Idiom("lattice energy by ndindex", "loops", ising_energy, (normal(226, 3, 3), normal(227))),
    Idiom("total variation over flat", "loops", total_variation, (normal(228, 4, 4),)),
)
