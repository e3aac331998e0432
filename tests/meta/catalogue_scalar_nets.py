"""Wrong rules of the catalogue's activation functions, statistics, norms and scans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from tests.meta.pairs import normal
from tests.meta.spoilt import P, X, Y, density, entry, over, right, scaled, whole

ACTIVATIONS = (
    *entry(
        "leaky_relu",
        X,
        params={"slope": -0.5},
        group="parameter",
        flat=lambda x, slope: 1.0 * (x > 0),
        by_sign_of_value=lambda x, slope: np.where(np.where(x > 0, x, slope * x) > 0, 1, slope),
    ),
    *whole(
        "prelu",
        normal(5, 2, 3),
        np.array([0.2, 0.5, -0.3]),
        mean=scaled("prelu", (1.0, 0.5)),
        positive_too=lambda g, x, a: (g * np.where(x > 0, 1, a), (g * x).sum(0)),
    ),
    *entry(
        "hardtanh",
        X,
        params={"low": -0.5, "high": 2.0},
        group="parameter",
        bounds_ignored=lambda x, low, high: 1.0 * (np.abs(x) < 1),
        no_bound_above=(lambda x, low, high: x > 10, 1.0),
    ),
    *entry("hardsigmoid", X, factor=lambda x: 0.2 * (np.abs(x) < 3), no_bound_above=lambda x: (x > -3) / 6),
    *entry(
        "hardswish",
        X,
        product=lambda x: np.clip(x / 6 + 0.5, 0, 1),
        no_bound_above=lambda x: np.where(x > -3, x / 3 + 0.5, 0),
    ),
    *entry("relu6", X, sign=lambda x: 1.0 * (x < 0), no_bound_above=lambda x: 1.0 * (x > 0)),
    *entry(
        "softshrink",
        X,
        params={"threshold": 1.0},
        group="parameter",
        threshold_ignored=lambda x, threshold: 1.0 * (np.abs(x) > 0.5),
        one_sided=lambda x, threshold: 1.0 * (x > threshold),
    ),
    *entry(
        "hardshrink",
        X,
        params={"threshold": 1.0},
        group="parameter",
        threshold_ignored=lambda x, threshold: 1.0 * (np.abs(x) > 0.5),
        one_sided=lambda x, threshold: 1.0 * (x > threshold),
    ),
    *entry(
        "elu",
        X,
        params={"alpha": 2.0},
        alpha_ignored=lambda x, alpha: np.exp(np.minimum(x, 0)),
        nothing_below=(lambda x, alpha: x < -10, 0.0),
    ),
    *entry(
        "celu",
        X,
        params={"alpha": 2.0},
        alpha_ignored=lambda x, alpha: np.exp(np.minimum(x, 0)),
        nothing_below=(lambda x, alpha: x < -10, 0.0),
    ),
    *entry(
        "selu",
        X,
        scale=lambda x: np.where(x > 0, 1, 1.0507009873554805 * 1.6732632423543772 * np.exp(x)),
        nothing_below=(lambda x: x < -10, 0.0),
    ),
    *entry("gelu_tanh", X, exact=lambda x: special.ndtr(x) + x * density(x), overflow=lambda x: scaled_tanh(x)),
    *entry(
        "silu",
        X,
        factor=lambda x: special.expit(x) * special.expit(-x),
        overflow=lambda x: np.exp(x) / (1 + np.exp(x)) * (1 + x / (1 + np.exp(x))),
    ),
    *entry(
        "mish",
        X,
        term=lambda x: np.tanh(np.logaddexp(0, x)),
        overflow=lambda x: (
            np.tanh(np.log1p(np.exp(x))) + x * np.exp(x) / (1 + np.exp(x)) / np.cosh(np.log1p(np.exp(x))) ** 2
        ),
    ),
    *entry(
        "scaled_softplus",
        X,
        params={"beta": 4.0},
        group="parameter",
        beta_ignored=lambda x, beta: special.expit(x),
        overflow=lambda x, beta: np.exp(beta * x) / (1 + np.exp(beta * x)),
    ),
    *entry("softsign", P, square=lambda x: 1 / (1 + np.abs(x)), size=lambda x: 1 / (1 + x) ** 2),
    *entry("log_sigmoid", X, sign=special.expit, overflow=lambda x: np.exp(-x) / (1 + np.exp(-x))),
    *whole(
        "softmin",
        normal(6, 3, 2),
        params={"axis": 0},
        sign=scaled("softmin", -1.0),
        last_axis=scaled("softmin", 1.0, axis=-1),
    ),
    *whole(
        "log_softmax",
        normal(7, 3, 2),
        params={"axis": 0},
        cotangent_constant=lambda g, x, axis: g - special.softmax(x, axis),
        overflow=lambda g, x, axis: g - np.exp(x) / np.exp(x).sum(axis) * g.sum(axis),
    ),
    *whole(
        "glu",
        normal(8, 2, 4),
        halves=lambda g, x: np.concatenate([right("glu", g, x)[0][:, 2:], right("glu", g, x)[0][:, :2]], 1),
        saturated=lambda g, x: np.where(np.abs(x) > 10, 0, right("glu", g, x)[0]),
    ),
    *entry(
        "swiglu",
        X,
        Y,
        product=lambda x, y: (y * special.expit(y), x * special.expit(y)),
        overflow=lambda x, y: (y * np.exp(y) / (1 + np.exp(y)), right("swiglu", 1.0 + 0 * x, x, y)[1]),
    ),
)


def scaled_tanh(x: Any) -> Any:
    c = np.sqrt(2 / np.pi)
    u = c * (x + 0.044715 * x**3)
    e = np.exp(2 * u)
    t = (e - 1) / (e + 1)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)


def to_all_ties(find: Any) -> Callable[..., Any]:
    return lambda g, x, axis: over(g, axis) * (x == find(x, axis=axis, keepdims=True))


def spread(g: Any, x: Any, axis: int, ddof: int) -> Any:
    n = x.shape[axis] - ddof
    deviation = x - x.mean(axis, keepdims=True)
    return over(g, axis) * deviation / (n * np.sqrt((deviation**2).sum(axis, keepdims=True) / n))


def middle(g: Any, x: Any, axis: int) -> Any:
    return over(g, axis) * (x == np.median(x, axis=axis, keepdims=True))


AXIS = {"axis": 1}
M = normal(9, 2, 3)

STATISTICS = (
    *whole(
        "mean",
        M,
        params=AXIS,
        group="axis, shape, broadcast",
        total=scaled("mean", 3.0),
        whole_count=scaled("mean", 0.5),
    ),
    *whole("min", M, params=AXIS, group="ties", largest=to_all_ties(np.max), twice_at_a_tie=to_all_ties(np.min)),
    *whole(
        "ptp",
        M,
        params=AXIS,
        group="ties",
        upper_only=to_all_ties(np.max),
        twice_at_a_tie=lambda g, x, axis: to_all_ties(np.max)(g, x, axis) - to_all_ties(np.min)(g, x, axis),
    ),
    *whole(
        "std",
        M,
        params={"axis": 1, "ddof": 1},
        group="parameter",
        bessel=lambda g, x, axis, ddof: right("std", g, x, axis=axis)[0],
        nothing_over_nothing=spread,
    ),
    *whole(
        "median",
        normal(10, 2, 4),
        params=AXIS,
        group="ties",
        lower_middle=lambda g, x, axis: over(g, axis) * (x == np.sort(x, axis)[:, 1:2]),
        odd_formula=middle,
    ),
    *whole(
        "median",
        normal(11, 2, 5),
        of="an odd number",
        params=AXIS,
        group="ties",
        mean=lambda g, x, axis: over(g, axis) / 5 + 0 * x,
        twice_at_a_tie=middle,
    ),
    *whole(
        "average",
        M,
        np.abs(normal(12, 2, 3)),
        params=AXIS,
        weights_constant=scaled("average", (1.0, 0.0)),
        not_centred=lambda g, x, w, axis: (
            right("average", g, x, w, axis=axis)[0],
            over(g, axis) * x / w.sum(axis, keepdims=True),
        ),
    ),
    *whole(
        "logmeanexp",
        M,
        params=AXIS,
        count=scaled("logmeanexp", 1 / 3),
        overflow=lambda g, x, axis: over(g, axis) * np.exp(x) / np.exp(x).sum(axis, keepdims=True),
    ),
    *whole(
        "norm_1",
        M,
        params=AXIS,
        sign=lambda g, x, axis: over(g, axis) + 0 * x,
        nothing_over_nothing=lambda g, x, axis: over(g, axis) * x / np.abs(x),
    ),
    *whole(
        "norm_inf",
        M,
        params=AXIS,
        group="ties",
        sign=lambda g, x, axis: np.abs(right("norm_inf", 1 + 0 * g, x, axis=axis)[0]) * over(g, axis),
        twice_at_a_tie=lambda g, x, axis: to_all_ties(np.max)(g, np.abs(x), axis) * np.sign(x),
    ),
    *whole(
        "norm_p",
        M,
        params={"order": 3.0, "axis": 1},
        group="parameter",
        order=scaled("norm_p", 1.0, order=2.0),
        nothing_over_nothing=lambda g, x, order, axis: (
            over(g, axis) * x * np.abs(x) / (np.abs(x) ** 3).sum(axis, keepdims=True) ** (2 / 3)
        ),
    ),
    *whole(
        "sum_of_squares",
        M,
        params=AXIS,
        half=scaled("sum_of_squares", 0.5),
        size=lambda g, x, axis: over(g, axis) * 2 * np.abs(x),
    ),
)


def running_ties(find: Any) -> Callable[..., Any]:
    def vjp(g: Any, x: Any) -> Any:
        hit = (find.accumulate(x)[None, :] == x[:, None]) & (np.arange(x.size)[None, :] >= np.arange(x.size)[:, None])
        return (hit * g).sum(1)

    return vjp


SCANS = (
    *whole(
        "cummax",
        normal(13, 4),
        group="ties",
        largest_only=lambda g, x: g.sum() * (x == x.max()),
        twice_at_a_tie=running_ties(np.maximum),
    ),
    *whole(
        "cummin", normal(14, 4), group="ties", largest=running_ties(np.maximum), twice_at_a_tie=running_ties(np.minimum)
    ),
    *whole(
        "logcumsumexp",
        normal(15, 4),
        group="scan not reversed",
        forwards=lambda g, x: np.exp(x) * np.cumsum(g * np.exp(-np.logaddexp.accumulate(x))),
        overflow=lambda g, x: np.exp(x) * np.cumsum((g / np.cumsum(np.exp(x)))[::-1])[::-1],
    ),
)

CASES = (*ACTIVATIONS, *STATISTICS, *SCANS)
