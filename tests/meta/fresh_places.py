"""Places where checkers go blind or cry wolf: offsets, magnitudes, curvature, kinks, noise, degenerate points."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy import special

from gradcheck import Domain, interval
from tests.meta.fresh_special import quiet
from tests.meta.pairs import normal, twins


def slow(x: Any) -> Any:
    time.sleep(0.001)
    return np.sin(x) * x


def single_inside(x: Any) -> Any:
    return np.tanh(x.astype(np.float32) * np.float32(0.5)).astype(np.float64)


def flat_top(x: Any) -> Any:
    y = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 0.0, np.exp(-1 / y**2))


def flat_top_back(g: Any, x: Any) -> Any:
    y = np.where(np.abs(x) < 0.03, 1.0, x)
    return g * np.where(np.abs(x) < 0.03, 0.0, 2 * np.exp(-1 / y**2) / y**3)


def geometric(x: Any) -> Any:
    """The sum of x**k, until a term no longer changes it."""
    total, term = np.zeros_like(x), np.ones_like(x)
    for _ in range(400):
        total, term = total + term, term * x
    return total


def spline(x: Any) -> Any:
    """The cubic B-spline: two derivatives are continuous, the third jumps."""
    a = np.abs(x)
    return np.where(a < 1, 2 / 3 - a * a + a**3 / 2, np.maximum(2 - a, 0) ** 3 / 6)


def spline_back(g: Any, x: Any, signed: bool = True) -> Any:
    a = np.abs(x)
    d = np.where(a < 1, -2 * a + 1.5 * a * a, -0.5 * np.maximum(2 - a, 0) ** 2)
    return g * d * (np.sign(x) if signed else 1)


def uneven(x: Any) -> Any:
    return np.array([1e8, 1.0, 1e-6]) @ np.sin(x)


def uneven_back(g: Any, x: Any, last: float = 1.0) -> Any:
    return g * np.array([1e8, 1.0, 1e-6 * last]) * np.cos(x)


def elastic(x: Any) -> Any:
    return np.abs(x).sum() + 0.5 * (x * x).sum()


def welsch(x: Any) -> Any:
    return -np.expm1(-0.5 * x * x)


def norm(x: Any) -> Any:
    return np.sqrt((x * x).sum(-1))


def norm_back(g: Any, x: Any, at_zero: Any = 0.0) -> Any:
    n = norm(x)[..., None]
    return g[..., None] * np.where(n == 0, at_zero, x / np.where(n == 0, 1, n))


def cross_terms(x: Any) -> Any:
    return x[0] * x[1] * np.tanh(x[2])


def cross_terms_back(g: Any, x: Any, third: bool = True) -> Any:
    t = np.tanh(x[2])
    last = x[0] * x[1] * (1 - t) * (1 + t) if third else 0 * x[2]
    return g * np.stack([x[1] * t, x[0] * t, last])


def cancelling(x: Any, y: Any) -> Any:
    return np.sin(x) - np.sin(y)


def reuse(x: Any) -> Any:
    """A value used three times: directly, through a square and through a sum."""
    y = np.tanh(x)
    return y + y * y + y.sum()


def reuse_back(g: Any, x: Any, paths: int = 3) -> Any:
    y = np.tanh(x)
    dy = g + (2 * g * y if paths > 1 else 0) + (g.sum() if paths > 2 else 0)
    return dy * (1 - y) * (1 + y)


def log_ratio(x: Any) -> Any:
    return np.log1p(x) - x


BY_PARTS = np.array([0.0, 0.0, 0.0])
EIGHT = np.zeros(8)

CASES = (
    *twins(
        "place: a sine on a great offset",
        "noise",
        lambda x: 1e9 + np.sin(x),
        lambda g, x: g * np.cos(x),
        (normal(1, 3),),
        hard=True,
        by_a_hundredth=lambda g, x: g * np.cos(x) * 1.01,
        sign=lambda g, x: -g * np.cos(x),
    ),
    *twins(
        "place: a fast sine",
        "curvature",
        lambda x: np.sin(1000 * x),
        lambda g, x: 1000 * g * np.cos(1000 * x),
        (normal(2, 3),),
        hard=True,
        by_a_millionth=lambda g, x: 1000 * g * np.cos(1000 * x) * (1 + 1e-6),
        options={"domain": interval(-20, 20)},
    ),
    *twins(
        "place: a steep exponential",
        "curvature",
        lambda x: np.exp(100 * x),
        lambda g, x: 100 * g * np.exp(100 * x),
        (0.3 * normal(3, 3),),
        hard=True,
        hundred_lost=lambda g, x: g * np.exp(100 * x),
        options={"domain": interval(-5, 5)},
    ),
    *twins(
        "place: a logarithm near its pole",
        "domain",
        np.log,
        lambda g, x: g / x,
        (np.array([1e-6, 1e-3, 2.0]),),
        hard=True,
        epsilon=lambda g, x: g / (x + 1e-8),
        clipped=lambda g, x: g / np.maximum(x, 1e-5),
        options={"domain": interval(1e-8, 1e8)},
    ),
    *twins(
        "place: squares of great numbers",
        "magnitude",
        lambda x: x * x,
        lambda g, x: 2 * g * x,
        (np.array([1e10, -3e10, 2.0]),),
        hard=True,
        one_less=lambda g, x: 2 * g * (x - 1),
    ),
    *twins(
        "place: single precision inside",
        "noise",
        single_inside,
        lambda g, x: g * 0.5 * (1 - np.tanh(0.5 * x) ** 2),
        (normal(4, 4),),
        hard=True,
        half_lost=lambda g, x: g * (1 - np.tanh(0.5 * x) ** 2),
    ),
    *twins(
        "place: a slow forward",
        "cost",
        slow,
        lambda g, x: g * (np.sin(x) + x * np.cos(x)),
        (normal(5, 3),),
        hard=True,
        one_term=lambda g, x: g * x * np.cos(x),
    ),
    *twins(
        "place: tiny gradients",
        "magnitude",
        lambda x: 1e-12 * np.sin(x),
        lambda g, x: 1e-12 * g * np.cos(x),
        (normal(6, 4),),
        hard=True,
        unseen="*",
        sign=lambda g, x: -1e-12 * g * np.cos(x),
        nothing=lambda g, x: 0.0 * g,
    ),
    *twins(
        "place: components of uneven size",
        "magnitude",
        uneven,
        uneven_back,
        (normal(7, 3),),
        hard=True,
        sign_of_the_smallest=lambda g, x: uneven_back(g, x, -1.0),
    ),
    *twins(
        "place: a narrow peak",
        "curvature",
        lambda x: 1 / (1 + 1e6 * x * x),
        lambda g, x: -2e6 * g * x / (1 + 1e6 * x * x) ** 2,
        (np.array([0.0003, -0.002, 0.5]),),
        hard=True,
        square_lost=lambda g, x: -2e6 * g * x / (1 + 1e6 * x * x),
    ),
    *twins(
        "place: one less a cosine",
        "noise",
        lambda x: 1 - np.cos(x),
        lambda g, x: g * np.sin(x),
        (np.array([1e-3, 0.5, -2.0]),),
        hard=True,
        linear=lambda g, x: g * x,
        options={"domain": interval(-50, 50)},
    ),
    *twins(
        "place: a naive logarithm of one and a little",
        "noise",
        lambda x: np.log(1 + x),
        lambda g, x: g / (1 + x),
        (np.array([1e-3, 0.4, 2.0]),),
        hard=True,
        one_forgotten=lambda g, x: g / x,
        options={"domain": interval(-0.9, 1e6)},
    ),
    *twins(
        "place: difference of roots",
        "noise",
        lambda x: np.sqrt(x + 1) - np.sqrt(x),
        lambda g, x: -0.5 * g / (np.sqrt(x + 1) * np.sqrt(x) * (np.sqrt(x + 1) + np.sqrt(x))),
        (np.array([1.0, 1e3, 1e6]),),
        hard=True,
        sign=lambda g, x: 0.5 * g / (np.sqrt(x + 1) * np.sqrt(x) * (np.sqrt(x + 1) + np.sqrt(x))),
        options={"domain": interval(0.1, 1e7)},
    ),
    *twins(
        "place: a function flat at zero",
        "degenerate point",
        flat_top,
        flat_top_back,
        (BY_PARTS,),
        hard=True,
        nothing=lambda g, x: 0.0 * g,
        power_of_two=lambda g, x: flat_top_back(g, x) * np.where(x == 0, 1, x),
    ),
    *twins(
        "place: geometric series",
        "wrong power",
        geometric,
        lambda g, x: g / (1 - x) ** 2,
        (np.array([0.5, -0.3, 0.1]),),
        hard=True,
        not_squared=lambda g, x: g / (1 - x),
        options={"domain": interval(-0.8, 0.8)},
    ),
    *twins(
        "place: a spline at its knots",
        "sign",
        spline,
        spline_back,
        (np.array([0.0, 1.0, -1.0, 2.0, 0.5]),),
        hard=True,
        sign_forgotten=lambda g, x: spline_back(g, x, False),
    ),
    *twins(
        "place: rectifier at zeros, three tenths",
        "kinks",
        lambda x: np.maximum(x, 0),
        lambda g, x: g * np.where(x == 0, 0.3, x > 0),
        (EIGHT,),
        hard=True,
        two=lambda g, x: g * np.where(x == 0, 2.0, x > 0),
        below=lambda g, x: g * np.where(x == 0, -0.1, x > 0),
        not_a_number=lambda g, x: g * np.where(x == 0, np.nan, x > 0),
        unseen="*",
    ),
    *twins(
        "place: rectifiers whose difference is the identity",
        "kinks",
        lambda x: np.maximum(x, 0) - np.maximum(-x, 0),
        lambda g, x: g * (1.0 * (x > 0) + (x < 0)),
        (np.array([0.0, 1.0, -2.0]),),
        hard=True,
        minus=lambda g, x: g * (1.0 * (x > 0) - (x < 0)),
    ),
    *twins(
        "place: larger of two equal numbers",
        "double-counted ties",
        np.maximum,
        lambda g, x, y: (
            g * np.where(x == y, 0.25, x > y),
            g * np.where(x == y, 0.75, y > x),
        ),
        (np.array([1.0, 2.0, 0.0]), np.array([1.0, 1.0, 0.0])),
        hard=True,
        unseen="*",
        both=lambda g, x, y: (g * (x >= y), g * (y >= x)),
        neither=lambda g, x, y: (g * (x > y), g * (y > x)),
    ),
    *twins(
        "place: elastic penalty at zeros",
        "kinks",
        elastic,
        lambda g, x: g * (np.sign(x) + x),
        (np.array([0.0, 0.0, 1.0, -2.0]),),
        hard=True,
        root_lost=lambda g, x: g * (np.sign(x) + np.abs(x)),
    ),
    *twins(
        "place: length of a vector of zeros",
        "values",
        norm,
        norm_back,
        (np.zeros((2, 3)),),
        hard=True,
        unseen="*",
        too_long=lambda g, x: norm_back(g, x, 1.0),
        not_a_number=quiet(lambda g, x: g[:, None] * x / norm(x)[:, None]),
    ),
    *twins(
        "place: three factors, one zero",
        "degenerate point",
        cross_terms,
        cross_terms_back,
        (np.array([1.0, 0.0, 0.5]),),
        third_lost=lambda g, x: cross_terms_back(g, x, False),
    ),
    *twins(
        "place: the difference of equal arguments",
        "op(x, x)",
        cancelling,
        lambda g, x, y: (g * np.cos(x), -g * np.cos(y)),
        ((z := normal(8, 3)), z.copy()),
        hard=True,
        swapped=lambda g, x, y: (g * np.cos(y), -g * np.cos(x)),
        nothing=lambda g, x, y: (0 * g, 0 * g),
    ),
    *twins(
        "place: a value used three times",
        "graph accumulation",
        reuse,
        reuse_back,
        (normal(9, 4),),
        hard=True,
        two_paths=lambda g, x: reuse_back(g, x, 2),
        one_path=lambda g, x: reuse_back(g, x, 1),
    ),
    *twins(
        "place: robust error",
        "saturation",
        welsch,
        lambda g, x: g * x * np.exp(-0.5 * x * x),
        (normal(10, 4),),
        hard=True,
        square_of_the_exponential=lambda g, x: g * x * np.exp(-x * x),
    ),
    *twins(
        "place: a logarithm less its tangent",
        "noise",
        log_ratio,
        lambda g, x: -g * x / (1 + x),
        (np.array([1e-4, 0.2, 3.0]),),
        hard=True,
        power=lambda g, x: -g * x / (1 + x) ** 2,
        options={"domain": interval(-0.9, 1e4)},
    ),
    *twins(
        "place: a wave of growing frequency",
        "curvature",
        lambda x: np.sin(1 / x),
        lambda g, x: -g * np.cos(1 / x) / (x * x),
        (np.array([0.02, 0.3, 1.0]),),
        hard=True,
        power=lambda g, x: -g * np.cos(1 / x) / x,
        options={"domain": interval(0.01, 10)},
    ),
    *twins(
        "place: a weight for extreme odds",
        "saturation",
        lambda x, y: special.expit(x) * y,
        lambda g, x, y: (g * y * special.expit(x) * special.expit(-x), g * special.expit(x)),
        (np.array([30.0, -30.0, 0.5]), normal(11, 3)),
        hard=True,
        clipped=lambda g, x, y: (
            g * y * (p := np.clip(special.expit(x), 1e-7, 1 - 1e-7)) * (1 - p),
            g * special.expit(x),
        ),
        options={"domain": Domain((interval(-800, 800), interval(-10, 10)))},
    ),
)
