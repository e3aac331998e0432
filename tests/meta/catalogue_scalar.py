"""Wrong rules of the catalogue's scalar families: for each operator one in the formula, and one at a special place."""

from __future__ import annotations

import numpy as np
from scipy import special

from tests.meta import catalogue_scalar_losses, catalogue_scalar_nets
from tests.meta.pairs import normal
from tests.meta.spoilt import IN, PART, P, Q, X, Y, density, entry, whole

ROOT_PI = np.sqrt(np.pi)

ARITHMETIC = (
    *whole(
        "add",
        normal(1, 2, 3),
        normal(2, 3),
        group="axis, shape, broadcast",
        sign=lambda g, x, y: (g, -g.sum(0)),
        mean=lambda g, x, y: (g, g.mean(0)),
    ),
    *whole(
        "subtract",
        normal(3, 2, 3),
        normal(4, 2, 1),
        group="axis, shape, broadcast",
        sign=lambda g, x, y: (g, g.sum(1, keepdims=True)),
        first=lambda g, x, y: (g, -g[:, :1]),
    ),
    *entry("negative", X, sign=lambda x: 1.0, none_at_zero=(lambda x: x == 0, 0.0)),
    *entry("reciprocal", X, power=lambda x: -1 / x, nothing_far_out=(lambda x: np.abs(x) > 50, 0.0)),
    *entry("square", P, half=lambda x: x, size=lambda x: 2 * np.abs(x)),
    *entry("sqrt", P, factor=lambda x: 1 / np.sqrt(x), nothing_far_out=(lambda x: x > 50, 0.0)),
    *entry("rsqrt", P, power=lambda x: -0.5 / x, clipped=lambda x: -0.5 / np.maximum(x, 1e-3) ** 1.5),
    *entry("cbrt", P, factor=lambda x: np.cbrt(x) ** -2.0, power_of_negatives=lambda x: x ** (-2 / 3) / 3),
    *entry(
        "hypot",
        X,
        Y,
        undivided=lambda x, y: (x, y),
        nothing_over_nothing=lambda x, y: (x / np.hypot(x, y), y / np.hypot(x, y)),
    ),
    *entry(
        "arctan2",
        X,
        Y,
        swapped=lambda y, x: (-y / (x * x + y * y), x / (x * x + y * y)),
        by_ratio=lambda y, x: (1 / (1 + (y / x) ** 2) / x, -y / (1 + (y / x) ** 2) / x**2),
    ),
    *entry(
        "addcmul",
        P,
        Q,
        P[::-1].copy(),
        params={"value": -0.5},
        value=lambda x, y, z, value: (1.0, z, y),
        nothing_at_zero=(lambda x, y, z, value: y * z == 0, lambda x, y, z, value: (0.0, value * z, value * y)),
    ),
    *entry(
        "addcdiv",
        P,
        Q,
        P[::-1].copy(),
        params={"value": 2.0},
        value=lambda x, y, z, value: (1.0, 1 / z, -y / z**2),
        nothing_at_zero=(lambda x, y, z, value: y == 0, 0.0),
    ),
    *entry(
        "lerp",
        P,
        Q,
        IN,
        ends=lambda s, e, w: (w, 1 - w, e - s),
        clipped=lambda s, e, w: (1 - np.clip(w, 0, 1), np.clip(w, 0, 1), e - s),
    ),
    *entry("fmod", P * 3, Q, constant=lambda x, y: (1.0, 0.0), floor=lambda x, y: (1.0, -np.floor(x / y))),
    *entry("remainder", P * 3, Q, constant=lambda x, y: (1.0, 0.0), trunc=lambda x, y: (1.0, -np.trunc(x / y))),
)

EXPONENTIALS = (
    *entry("exp", X, less_one=np.expm1, nothing_below=(lambda x: x < -10, 0.0)),
    *entry("exp2", X, base=np.exp2, clipped=lambda x: np.log(2) * np.exp2(np.clip(x, -20, 20))),
    *entry("expm1", X, less_one=np.expm1, nothing_below=(lambda x: x < -10, 0.0)),
    *entry("log1p", P, pole=lambda x: 1 / x, nothing_far_out=(lambda x: x > 50, 0.0)),
    *entry("log2", P, base=lambda x: 1 / x, clipped=lambda x: 1 / np.maximum(x, 1e-3) / np.log(2)),
    *entry("log10", P, base=lambda x: 1 / x / np.log(2), clipped=lambda x: 1 / np.maximum(x, 1e-3) / np.log(10)),
    *entry(
        "logaddexp",
        X,
        Y,
        shares=lambda x, y: (0.5, 0.5),
        overflow=lambda x, y: (np.exp(x) / (np.exp(x) + np.exp(y)), np.exp(y) / (np.exp(x) + np.exp(y))),
    ),
    *entry(
        "logaddexp2",
        X,
        Y,
        base=lambda x, y: (special.expit(x - y), special.expit(y - x)),
        all_to_the_larger=(lambda x, y: np.abs(x - y) > 10, lambda x, y: (1.0 * (x > y), 1.0 * (y > x))),
    ),
    *entry("xlogy", P, Q, factor=lambda x, y: (np.log(y), 1 / y), constant_at_zero=(lambda x, y: x == 0, 0.0)),
    *entry(
        "xlog1py", P, Q, factor=lambda x, y: (np.log1p(y), 1 / (1 + y)), constant_at_zero=(lambda x, y: x == 0, 0.0)
    ),
    *entry("entr", PART, one=lambda x: -np.log(x), nothing_beyond_one=(lambda x: x > 1, 0.0)),
    *entry("rel_entr", P, Q, one=lambda x, y: (np.log(x / y), -x / y), nothing_for_equals=(lambda x, y: x == y, 0.0)),
    *entry("kl_div", P, Q, one=lambda x, y: (np.log(x / y), -x / y), one_for_equals=(lambda x, y: x == y, 1.0)),
    *entry("log1mexp", P, sign=lambda x: -1 / np.expm1(x), clipped=lambda x: 1 / np.expm1(np.maximum(x, 1e-3))),
)

ANGLES = (
    *entry("sin", X, sign=lambda x: -np.cos(x), nothing_far_out=(lambda x: np.abs(x) > 50, 0.0)),
    *entry("cos", P, sign=np.sin, size=lambda x: -np.abs(np.sin(x))),
    *entry("tan", X, sign=lambda x: 1 - np.tan(x) ** 2, series=(lambda x: np.abs(x) < 0.1, 1.0)),
    *entry("arcsin", IN, root=lambda x: 1 / (1 - x * x), clipped=lambda x: 1 / np.sqrt(np.maximum(1 - x * x, 0.01))),
    *entry(
        "arccos", IN, sign=lambda x: 1 / np.sqrt(1 - x * x), clipped=lambda x: -1 / np.sqrt(np.maximum(1 - x * x, 0.01))
    ),
    *entry("arctan", X, square=lambda x: 1 / (1 + np.abs(x)), nothing_far_out=(lambda x: np.abs(x) > 50, 0.0)),
    *entry(
        "sinc",
        X,
        without_pi=lambda x: (np.cos(x) - np.sin(x) / x) / x,
        nothing_over_nothing=lambda x: (np.cos(np.pi * x) - np.sinc(x)) / x,
    ),
    *entry("sinh", X, itself=np.sinh, clipped=lambda x: np.cosh(np.clip(x, -15, 15))),
    *entry("cosh", P, itself=np.cosh, size=lambda x: np.sinh(np.abs(x))),
    *entry("arcsinh", X, root=lambda x: 1 / (1 + x * x), nothing_far_out=(lambda x: np.abs(x) > 50, 0.0)),
    *entry("arccosh", P + 1, sign=lambda x: 1 / np.sqrt(x * x + 1), far_out=(lambda x: x > 50, 0.0)),
    *entry("arctanh", IN, sign=lambda x: 1 / (1 + x * x), clipped=lambda x: 1 / np.maximum(1 - x * x, 0.1)),
)


SPECIAL = (
    *entry("erf", X, factor=lambda x: np.exp(-x * x) / ROOT_PI, saturated=(lambda x: np.abs(x) > 3, 0.0)),
    *entry("erfc", X, sign=lambda x: 2 / ROOT_PI * np.exp(-x * x), saturated=(lambda x: np.abs(x) > 3, 0.0)),
    *entry("erfcx", X, term=lambda x: 2 * x * special.erfcx(x), nothing_far_out=(lambda x: x > 20, 0.0)),
    *entry(
        "erfinv",
        IN,
        sign=lambda x: ROOT_PI / 2 * np.exp(-(special.erfinv(x) ** 2)),
        clipped=lambda x: ROOT_PI / 2 * np.exp(np.minimum(special.erfinv(x) ** 2, 1)),
    ),
    *entry("ndtr", X, square=lambda x: np.exp(-x * x) / np.sqrt(2 * np.pi), saturated=(lambda x: np.abs(x) > 4, 0.0)),
    *entry("log_ndtr", X, quotient=density, nothing_over_nothing=lambda x: density(x) / special.ndtr(x)),
    *entry(
        "ndtri",
        PART,
        sign=lambda x: np.sqrt(2 * np.pi) * np.exp(-(special.ndtri(x) ** 2) / 2),
        clipped=lambda x: 1 / density(np.clip(special.ndtri(x), -2, 2)),
    ),
    *entry(
        "logit",
        PART,
        factor=lambda x: 1 / x,
        clipped=lambda x: 1 / np.clip(x, 0.01, 0.99) / (1 - np.clip(x, 0.01, 0.99)),
    ),
    *entry("gammaln", P, logarithm=np.log, logarithm_far_out=(lambda x: x > 50, lambda x: np.log(np.abs(x)))),
    *entry("digamma", P, reciprocal=lambda x: 1 / x, reciprocal_far_out=(lambda x: x > 50, lambda x: 1 / x)),
    *entry(
        "trigamma", P, sign=lambda x: 2 * special.zeta(3.0, x), power_far_out=(lambda x: x > 50, lambda x: -1 / x**2)
    ),
    *entry(
        "betaln",
        P,
        Q,
        one_term=lambda x, y: (special.digamma(x), special.digamma(y)),
        nothing_for_equals=(lambda x, y: x == y, 0.0),
    ),
    *entry("gammainc", P, shape_ignored=lambda x, a=1.0: np.exp(-x) * x, nothing_at_zero=(lambda x: x == 0, 0.0)),
    *entry(
        "gammainc",
        P,
        params={"a": 3.5},
        group="parameter",
        shape_ignored=lambda x, a: np.exp(-x),
        gamma_missing=lambda x, a: x ** (a - 1) * np.exp(-x),
    ),
    *entry("gammaincc", P, sign=lambda x: np.exp(-x), nothing_at_zero=(lambda x: x == 0, 0.0)),
    *entry(
        "hurwitz_zeta",
        P,
        params={"s": 4.0},
        sign=lambda x, s: s * special.zeta(s + 1, x),
        order_ignored=lambda x, s: -2 * special.zeta(3.0, x),
    ),
    *entry("bessel_i0", X, itself=special.i0, size=lambda x: np.abs(special.i1(x))),
    *entry("bessel_i1", X, term=special.i0, nothing_over_nothing=lambda x: special.i0(x) - special.i1(x) / x),
    *entry("bessel_i0e", P, scale_constant=special.i1e, even=lambda x: special.i1e(np.abs(x)) - special.i0e(x)),
    *entry(
        "bessel_i1e",
        X,
        scale_constant=lambda x: (special.i0e(x) + special.ive(2, x)) / 2,
        nothing_over_nothing=lambda x: special.i0e(x) - special.i1e(x) / x - np.sign(x) * special.i1e(x),
    ),
    *entry("bessel_j0", P, sign=special.j1, size=lambda x: -special.j1(np.abs(x))),
    *entry("bessel_j1", X, term=special.j0, nothing_over_nothing=lambda x: special.j0(x) - special.j1(x) / x),
    *entry("bessel_y0", P, sign=special.y1, nothing_far_out=(lambda x: x > 50, 0.0)),
    *entry(
        "bessel_y1",
        P,
        term=special.y0,
        clipped=lambda x: (special.y0(np.maximum(x, 1e-2)) - special.yn(2, np.maximum(x, 1e-2))) / 2,
    ),
)

COMPARISONS = (
    *entry(
        "minimum",
        X,
        Y,
        the_other=lambda x, y: (1.0 * (x > y), 1.0 * (y > x)),
        twice_at_a_tie=lambda x, y: (1.0 * (x <= y), 1.0 * (y <= x)),
    ),
    *entry(
        "clip",
        X * 2,
        -P[[0, 1, 2, 0]],
        Q[[0, 1, 2, 0]],
        bounds_constant=lambda x, a, b: (1.0 * ((x > a) & (x < b)), 0.0 * x, 0.0 * x),
        crossed=lambda x, a, b: (1.0 * ((x > a) & (x < b)), 1.0 * (x <= a), 1.0 * (x >= b)),
    ),
    *entry("sign", X, identity=lambda x: 1.0, straight_through=(lambda x: np.abs(x) < 0.2, 1.0)),
)

CASES = (
    *ARITHMETIC,
    *EXPONENTIALS,
    *ANGLES,
    *SPECIAL,
    *COMPARISONS,
    *catalogue_scalar_nets.CASES,
    *catalogue_scalar_losses.CASES,
)
