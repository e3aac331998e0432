"""Backward passes that are right at ordinary numbers and wrong at zeros, ones and singular matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcheck.claim import NONNEGATIVE, POSITIVE, REALS, Domain, interval
from tests.meta.case import Case
from tests.meta.drawn import pair
from tests.meta.stable import sigmoid

SINGULAR = "singular value"
ZERO = "division by a zero operand"
ONLY_ZERO = "wrong only at zero"
POWER = "power of zero"


def others(x: Any) -> Any:
    """For each entry of a vector, the product of all the others, without a division."""
    before = np.concatenate([[1.0], np.cumprod(x[:-1])])
    after = np.concatenate([[1.0], np.cumprod(x[:0:-1])])[::-1]
    return before * after


def others_if_one_zero(x: Any) -> Any:
    """Divides where it can, and forgets that a second zero makes every entry 0."""
    zero = x == 0
    rest = np.prod(x[~zero])
    return np.where(zero, rest, 0.0) if np.any(zero) else rest / x


def others_with_zeros_replaced(x: Any) -> Any:
    """Any small number in the place of a zero cancels only if the product has it too."""
    return np.prod(x) / np.where(x == 0, 1e-12, x)


def cumprod_vjp(g: Any, x: Any) -> Any:
    """sum over k >= j of g_k prod over i <= k, i != j: one product without its factor after another."""
    slopes = np.zeros_like(x)
    for k in range(len(x)):
        slopes[: k + 1] += g[k] * others(x[: k + 1])
    return slopes


def cumprod_vjp_by_division(g: Any, x: Any) -> Any:
    """0 / 0 at a zero."""
    return np.cumsum((g * np.cumprod(x))[::-1])[::-1] / x


def cumprod_vjp_zero_guarded(g: Any, x: Any) -> Any:
    """The guard avoids NaN, and gives 0 where the gradient is not."""
    return cumprod_vjp_by_division(g * 1.0, np.where(x == 0, 1.0, x)) * (x != 0)


def sinc_slope(x: Any) -> Any:
    """d/dx of sin(pi x) / (pi x): its Taylor series near 0, where the quotient loses digits."""
    y = np.pi * x
    near = np.where(np.abs(x) < 0.5, y, 0.0)
    series = sum((-1) ** k * 2 * k * near ** (2 * k - 1) / math.factorial(2 * k + 1) for k in range(1, 14))
    safe = np.where(np.abs(x) < 0.5, 1.0, x)
    return np.where(np.abs(x) < 0.5, np.pi * series, (np.cos(np.pi * safe) - np.sinc(safe)) / safe)


def determinant3(a: Any) -> Any:
    """a_0 . (a_1 x a_2) for the rows of a (3, 3) matrix."""
    return a[0, 0] * cofactor(a, 0, 0) + a[0, 1] * cofactor(a, 0, 1) + a[0, 2] * cofactor(a, 0, 2)


def cofactor(a: Any, i: int, j: int) -> Any:
    """Cyclic neighbours carry the sign with them."""
    p, q, r, s = (i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3
    return a[p, r] * a[q, s] - a[p, s] * a[q, r]


XLOGY = Domain((REALS, interval(0.1, 10.0)))

CASES: tuple[Case, ...] = (
    *pair(
        "prod/division-by-each-factor",
        ZERO,
        np.prod,
        lambda g, x: g * others(x),
        lambda g, x: g * np.prod(x) / x,
        (4,),
        invisible=True,
    ),
    *pair(
        "prod/only-one-zero-thought-of",
        SINGULAR,
        np.prod,
        lambda g, x: g * others(x),
        lambda g, x: g * others_if_one_zero(x),
        (5,),
        invisible=True,
    ),
    *pair(
        "prod/zeros-replaced-by-epsilon",
        SINGULAR,
        np.prod,
        lambda g, x: g * others(x),
        lambda g, x: g * others_with_zeros_replaced(x),
        (3,),
        invisible=True,
    ),
    *pair(
        "cumprod/division-by-each-factor", ZERO, np.cumprod, cumprod_vjp, cumprod_vjp_by_division, (4,), invisible=True
    ),
    *pair(
        "cumprod/zero-guarded-but-not-solved",
        SINGULAR,
        np.cumprod,
        cumprod_vjp,
        cumprod_vjp_zero_guarded,
        (5,),
        invisible=True,
    ),
    *pair(
        "multiply/output-over-operand",
        ZERO,
        np.multiply,
        lambda g, x, y: (g * y, g * x),
        lambda g, x, y: (g * (x * y) / x, g * (x * y) / y),
        (3,),
        (3,),
        invisible=True,
    ),
    *pair(
        "divide/output-over-numerator",
        ZERO,
        np.divide,
        lambda g, x, y: (g / y, -g * x / y / y),
        lambda g, x, y: (g * (x / y) / x, -g * x / y / y),
        (4,),
        (4,),
        invisible=True,
        domain=XLOGY,
    ),
    *pair(
        "sinc/quotient-at-zero",
        ZERO,
        np.sinc,
        lambda g, x: g * sinc_slope(x),
        lambda g, x: g * (np.cos(np.pi * x) - np.sinc(x)) / x,
        (5,),
        invisible=True,
    ),
    *pair(
        "x-times-exp/guarded-quotient-at-zero",
        ONLY_ZERO,
        lambda x: x * np.exp(-x * x),
        lambda g, x: g * (1 - 2 * x * x) * np.exp(-x * x),
        lambda g, x: g * x * np.exp(-x * x) * (1 / np.where(x == 0, 1.0, x) - 2 * x),
        (5,),
        invisible=True,
    ),
    *pair(
        "silu/guarded-quotient-at-zero",
        ONLY_ZERO,
        lambda x: x * sigmoid(x),
        lambda g, x: g * sigmoid(x) * (1 + x * sigmoid(-x)),
        lambda g, x: g * (x * sigmoid(x)) * (1 / np.where(x == 0, 1.0, x) + sigmoid(-x)),
        (4,),
        invisible=True,
    ),
    *pair(
        "xlogy/whole-row-masked-where-x-is-zero",
        ONLY_ZERO,
        lambda x, y: x * np.log(y),
        lambda g, x, y: (g * np.log(y), g * x / y),
        lambda g, x, y: (g * np.where(x == 0, 0.0, np.log(y)), g * x / y),
        (5,),
        (5,),
        invisible=True,
        domain=XLOGY,
    ),
    *pair(
        "power/exponent-zero-times-infinity",
        POWER,
        lambda x, n: x**n,
        lambda g, x, n: g * n * x ** max(n - 1, 0),
        lambda g, x, n: g * n * x ** float(n - 1),
        (4,),
        invisible=True,
        kwargs={"n": 0},
    ),
    *pair(
        "power/by-logarithm-of-the-base",
        POWER,
        lambda x: x**3,
        lambda g, x: 3 * g * x**2,
        lambda g, x: g * x**3 * 3 / x,
        (3, 2),
        invisible=True,
    ),
    *pair(
        "power/logarithm-of-a-zero-base",
        POWER,
        np.power,
        lambda g, x, y: (g * y * x ** (y - 1), g * x**y * np.log(np.where(x > 0, x, 1.0))),
        lambda g, x, y: (g * y * x ** (y - 1), g * x**y * np.log(x)),
        (4,),
        (4,),
        invisible=True,
        domain=Domain((NONNEGATIVE, interval(2.0, 3.0))),
    ),
    *pair(
        "determinant/inverse-of-a-singular-matrix",
        SINGULAR,
        determinant3,
        lambda g, a: g * np.array([[cofactor(a, i, j) for j in range(3)] for i in range(3)]),
        lambda g, a: g * determinant3(a) * np.linalg.inv(a).T,
        (3, 3),
        invisible=True,
    ),
    *pair(
        "determinant/pseudo-inverse-of-a-singular-matrix",
        SINGULAR,
        determinant3,
        lambda g, a: g * np.array([[cofactor(a, i, j) for j in range(3)] for i in range(3)]),
        lambda g, a: g * determinant3(a) * np.linalg.pinv(a).T,
        (3, 3),
        invisible=True,
    ),
    *pair(
        "product-of-four/absolute-value-of-the-sign",
        "wrong only for one sign",
        lambda a, b, c, d: a * b * c * d,
        lambda g, a, b, c, d: (g * b * c * d, g * a * c * d, g * a * b * d, g * a * b * c),
        lambda g, a, b, c, d: (
            g * b * c * d * (1 - 2 * (max(a, b, c, d) < 0)),
            g * a * c * d,
            g * a * b * d,
            g * a * b * c,
        ),
        (),
        (),
        (),
        (),
        invisible=True,
    ),
    *pair(
        "sqrt/epsilon-inside-the-backward-only",
        "wrong epsilon",
        np.sqrt,
        lambda g, x: g / (2 * np.sqrt(x)),
        lambda g, x: g / (2 * np.sqrt(x + 1e-9)),
        (4,),
        invisible=True,
        domain=Domain((POSITIVE,)),
    ),
)
