"""Functions of one number by hand: poles, removable singularities, saturation, powers, angles, special functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from gradcheck import Domain, interval
from tests.meta.pairs import normal, twins


def quiet(function: Any) -> Any:
    """The function, with its warnings off: an overflow is part of what is wrong."""

    def inner(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments)

    return inner


def sinc(x: Any) -> Any:
    y = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, np.sin(y) / y)


def sinc_back(g: Any, x: Any) -> Any:
    q = x * x
    near = -x / 3 * (1 - q / 10 * (1 - q / 28 * (1 - q / 54 * (1 - q / 88 * (1 - q / 130)))))
    y = np.where(np.abs(x) < 0.5, 1.0, x)
    return g * np.where(np.abs(x) < 0.5, near, (np.cos(y) - np.sin(y) / y) / y)


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gelu(x: Any) -> Any:
    return x * special.ndtr(x)


def gelu_back(g: Any, x: Any, both: bool = True) -> Any:
    return g * (special.ndtr(x) + (x * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi) if both else 0))


def gelu_by_tanh(g: Any, x: Any) -> Any:
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x))


def log_ndtr_back(g: Any, x: Any) -> Any:
    """By the scaled complementary error function, which neither overflows nor vanishes."""
    low = np.sqrt(2 / np.pi) / special.erfcx(-np.minimum(x, 5) / np.sqrt(2))
    high = np.exp(-0.5 * np.clip(x, 5, 100) ** 2) / np.sqrt(2 * np.pi) / special.ndtr(np.maximum(x, 5))
    return g * np.where(x < 5, low, high)


def elu(x: Any) -> Any:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def smoothstep(x: Any) -> Any:
    t = np.clip(x, 0, 1)
    return t * t * (3 - 2 * t)


def atan2_back(g: Any, y: Any, x: Any) -> Any:
    r = x * x + y * y
    return g * x / r, -g * y / r


def atan2_by_ratio(g: Any, y: Any, x: Any) -> Any:
    q = 1 / (1 + (y / x) ** 2)
    return g * q / x, -g * q * y / x**2


def hypot_back(g: Any, x: Any, y: Any) -> Any:
    r = np.hypot(x, y)
    s = np.where(r == 0, 1, r)
    return g * (x / s), g * (y / s)


def power_back(g: Any, x: Any, n: Any) -> Any:
    safe = np.where(x == 0, 1, x)
    return g * n * x ** (n - 1), g * np.where(x == 0, 0, x**n * np.log(safe))


def log_cosh(x: Any) -> Any:
    a = np.abs(x)
    return a + np.log1p(np.exp(-2 * a)) - np.log(2)


def log1mexp(x: Any) -> Any:
    """The logarithm of 1 - exp(-x), for x > 0."""
    return np.where(x < 0.7, np.log(-np.expm1(-x)), np.log1p(-np.exp(-x)))


def digamma_by_series(g: Any, x: Any) -> Any:
    return g * np.where(x > 100, np.log(x) - 0.5 / x, special.digamma(x))


def p_norm(x: Any, p: float = 3.0) -> Any:
    return (np.abs(x) ** p).sum(-1) ** (1 / p)


def p_norm_back(g: Any, x: Any, p: float = 3.0, outer: bool = True, safe: bool = True) -> Any:
    n = p_norm(x, p)[..., None]
    d = np.where(n == 0, 1, n) if safe else n
    return g[..., None] * np.sign(x) * (np.abs(x) / d) ** (p - 1) * (1 if outer else d ** (p - 1))


HALF = {"domain": interval(0.001, 0.999)}
POSITIVE = np.array([0.5, 1.5, 3.0])

CASES = (
    *twins(
        "special: sine over x",
        "removable singularity",
        sinc,
        sinc_back,
        (np.array([0.3, -2.0, 5.0]),),
        hard=True,
        unseen="*",
        nothing_over_nothing=quiet(lambda g, x: g * (np.cos(x) / x - np.sin(x) / x**2)),
        one_at_zero=quiet(lambda g, x: np.where(x == 0, g, sinc_back(g, x))),
    ),
    *twins(
        "special: log odds",
        "missing factor",
        lambda p: np.log(p) - np.log1p(-p),
        lambda g, p: g / (p * (1 - p)),
        (np.array([0.2, 0.5, 0.9]),),
        options=HALF,
        one_factor=lambda g, p: g / p,
        sign=lambda g, p: g / (p * (p - 1)),
    ),
    *twins(
        "special: softplus",
        "wrong only beyond a threshold",
        softplus,
        lambda g, x: g * special.expit(x),
        (normal(1, 4),),
        hard=True,
        unseen="*",
        overflow=quiet(lambda g, x: g * np.exp(x) / (1 + np.exp(x))),
        one_beyond_ten=lambda g, x: g * np.where(x > 10, 1, special.expit(x)),
        nothing_below=lambda g, x: g * np.where(x < -8, 0, special.expit(x)),
    ),
    *twins(
        "special: gaussian error unit",
        "wrong formula",
        gelu,
        gelu_back,
        (normal(2, 4),),
        hard=True,
        by_tanh=gelu_by_tanh,
        density_lost=lambda g, x: gelu_back(g, x, False),
    ),
    *twins(
        "special: swish",
        "missing factor",
        lambda x: x * special.expit(x),
        lambda g, x: g * special.expit(x) * (1 + x * special.expit(-x)),
        (normal(3, 4),),
        x_missing=lambda g, x: g * special.expit(x) * (1 + special.expit(-x)),
    ),
    *twins(
        "special: log of the normal distribution",
        "saturation",
        special.log_ndtr,
        log_ndtr_back,
        (normal(4, 4),),
        hard=True,
        unseen="*",
        nothing_over_nothing=quiet(lambda g, x: g * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi) / special.ndtr(x)),
        guarded=quiet(lambda g, x: g * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi) / np.maximum(special.ndtr(x), 1e-8)),
    ),
    *twins(
        "special: exponential unit of positive numbers",
        "overflow",
        elu,
        lambda g, x: g * np.exp(np.minimum(x, 0)),
        (np.abs(normal(5, 4)),),
        hard=True,
        unseen="infinity_times_nothing",
        infinity_times_nothing=quiet(lambda g, x: g * ((x > 0) + (x <= 0) * np.exp(x))),
        forgets_the_negative=lambda g, x: 1.0 * g,
    ),
    *twins(
        "special: smooth step",
        "wrong only beyond a threshold",
        smoothstep,
        lambda g, x: g * 6 * np.clip(x, 0, 1) * (1 - np.clip(x, 0, 1)),
        (np.array([0.2, 0.5, 0.7]),),
        not_clipped=lambda g, x: g * 6 * x * (1 - x),
    ),
    *twins(
        "special: angle of a point",
        "division by a zero operand",
        np.arctan2,
        atan2_back,
        (normal(6, 3), normal(7, 3)),
        unseen="by_the_ratio",
        by_the_ratio=quiet(atan2_by_ratio),
        swapped=lambda g, y, x: atan2_back(g, y, x)[::-1],
        options={"domain": interval(-1e5, 1e5)},
    ),
    *twins(
        "special: length of a point",
        "division by a zero operand",
        np.hypot,
        hypot_back,
        (normal(8, 3), normal(9, 3)),
        hard=True,
        unseen="*",
        nothing_over_nothing=quiet(lambda g, x, y: (g * x / np.hypot(x, y), g * y / np.hypot(x, y))),
    ),
    *twins(
        "special: power with both arguments",
        "division by a zero operand",
        lambda x, n: x**n,
        power_back,
        (np.array([0.5, 2.0, 0.0]), np.array([1.5, 2.0, 3.0])),
        hard=True,
        logarithm_of_zero=quiet(lambda g, x, n: (g * n * x ** (n - 1), g * x**n * np.log(x))),
        base_ten=lambda g, x, n: (power_back(g, x, n)[0], power_back(g, x, n)[1] / np.log(10)),
        options={"domain": Domain((interval(0, 10), interval(1.5, 3)))},
    ),
    *twins(
        "special: x log y, guarded",
        "masks",
        special.xlogy,
        lambda g, x, y: (g * np.log(y), g * x / y),
        (np.array([0.5, 1.0, 2.0]), np.array([0.4, 2.0, 3.0])),
        unseen="*",
        masked_at_zero=lambda g, x, y: (g * np.where(x == 0, 0, np.log(y)), g * x / y),
        options={"domain": Domain((interval(-3, 3), interval(0.1, 10)))},
    ),
    *twins(
        "special: log gamma",
        "wrong only beyond a threshold",
        special.gammaln,
        lambda g, x: g * special.digamma(x),
        (POSITIVE,),
        unseen="short_series",
        short_series=digamma_by_series,
        logarithm=lambda g, x: g * np.log(x),
        options={"domain": interval(0.05, 1e5)},
    ),
    *twins(
        "special: log cosh",
        "overflow",
        log_cosh,
        lambda g, x: g * np.tanh(x),
        (normal(10, 4),),
        unseen="*",
        hard=True,
        overflow=quiet(lambda g, x: g * np.sinh(x) / np.cosh(x)),
    ),
    *twins(
        "special: hyperbolic tangent, from its value",
        "wrong power",
        np.tanh,
        lambda g, x: g * (1 - np.tanh(x) ** 2),
        (normal(11, 4),),
        hard=True,
        not_squared=lambda g, x: g * (1 - np.tanh(np.abs(x))),
    ),
    *twins(
        "special: cube root",
        "infinite slope",
        np.cbrt,
        lambda g, x: g / (3 * np.cbrt(x) ** 2),
        (normal(12, 4),),
        hard=True,
        power_of_negative=quiet(lambda g, x: g / 3 * x ** (-2 / 3)),
        options={"domain": interval(-1e4, 1e4)},
    ),
    *twins(
        "special: arc sine near its ends",
        "domain",
        np.arcsin,
        lambda g, x: g / np.sqrt((1 - x) * (1 + x)),
        (np.array([0.999999, -0.5, 0.1]),),
        hard=True,
        of_the_cosine=lambda g, x: -g / np.sqrt((1 - x) * (1 + x)),
        clipped_root=lambda g, x: g / np.sqrt(np.maximum((1 - x) * (1 + x), 1e-3)),
        options={"domain": interval(-1, 1, closed=False)},
    ),
    *twins(
        "special: remainder",
        "one path lost",
        lambda x, y: x - y * np.floor(x / y),
        lambda g, x, y: (1.0 * g, -g * np.floor(x / y)),
        (np.array([0.3, 0.8, 0.1]), np.array([1.0, 1.5, 2.0])),
        hard=True,
        divisor_constant=lambda g, x, y: (1.0 * g, 0 * g),
        options={"domain": interval(0.05, 20)},
    ),
    *twins(
        "special: smoothed modulus",
        "epsilon forgotten",
        lambda x: np.sqrt(x * x + 1e-8),
        lambda g, x: g * x / np.sqrt(x * x + 1e-8),
        (normal(13, 4),),
        hard=True,
        unseen="*",
        nothing_over_nothing=quiet(lambda g, x: g * x / np.sqrt(x * x)),
        sign=lambda g, x: g * np.sign(x),
    ),
    *twins(
        "special: bessel function",
        "sign",
        special.j0,
        lambda g, x: -g * special.j1(x),
        (np.array([0.5, 2.0, 7.0]),),
        sign=lambda g, x: g * special.j1(x),
        options={"domain": interval(0, 100)},
    ),
    *twins(
        "special: norm of third order",
        "values",
        p_norm,
        p_norm_back,
        (normal(14, 2, 3),),
        hard=True,
        unseen="nothing_over_nothing",
        nothing_over_nothing=quiet(lambda g, x: p_norm_back(g, x, safe=False)),
        outer_power_lost=lambda g, x: p_norm_back(g, x, outer=False),
    ),
    *twins(
        "special: log of one less an exponential",
        "saturation",
        log1mexp,
        lambda g, x: g / np.expm1(x),
        (np.array([0.1, 1.0, 4.0]),),
        hard=True,
        unseen="overflow",
        overflow=quiet(lambda g, x: g * np.exp(-x) / -np.expm1(-x) * np.exp(x) / np.exp(x)),
        sign=lambda g, x: -g / np.expm1(x),
        options={"domain": interval(1e-6, 5000)},
    ),
    *twins(
        "special: softsign of positive numbers",
        "missing modulus",
        lambda x: x / (1 + np.abs(x)),
        lambda g, x: g / (1 + np.abs(x)) ** 2,
        (POSITIVE,),
        modulus_forgotten=quiet(lambda g, x: g / (1 + x) ** 2),
    ),
    *twins(
        "special: fractional part",
        "constant",
        lambda x: x - np.floor(x),
        lambda g, x: 1.0 * g,
        (normal(15, 4),),
        hard=True,
        nothing=lambda g, x: 0.0 * g,
    ),
    *twins(
        "special: sum of exponentials in a ratio",
        "overflow",
        lambda x: special.expit(x[0] - x[1]) * x[0],
        lambda g, x: (
            (p := special.expit(x[0] - x[1])),
            (d := g * x[0] * p * special.expit(x[1] - x[0])),
            np.stack([d + g * p, -d]),
        )[2],
        (normal(16, 2),),
        hard=True,
        unseen="*",
        overflow=quiet(
            lambda g, x: (
                (p := np.exp(x[0]) / (np.exp(x[0]) + np.exp(x[1]))),
                (d := g * x[0] * p * (1 - p)),
                np.stack([d + g * p, -d]),
            )[2]
        ),
    ),
)
