"""Slopes of the scalar families keep their digits where formulae lose them, against mpmath at sixty digits."""

import ml_dtypes
import mpmath
import numpy as np
import pytest
from mpmath import mpf

from reference_nets.rules import RULES

mp = mpmath.mp


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def mish(x):
    s = mpmath.log(1 + mpmath.exp(x))
    return mpmath.tanh(s) + x * mpmath.sech(s) ** 2 * sigmoid(x)


def gelu_tanh(x):
    root = 2 * mpmath.sqrt(2 / mpmath.pi)
    z = root * (x + mpf(0.044715) * x**3)
    return sigmoid(z) + x * sigmoid(z) * sigmoid(-z) * root * (1 + 3 * mpf(0.044715) * x * x)


def ierfc(x):
    return 2 * x * mpmath.exp(x * x) * mpmath.erfc(x) - 2 / mpmath.sqrt(mpmath.pi)


def i0e(x):
    return mpmath.exp(-abs(x)) * (mpmath.besseli(1, x) - mpmath.sign(x) * mpmath.besseli(0, x))


def i1e(x):
    a = abs(x)
    return mpmath.exp(-a) * (mpmath.besseli(0, a) - mpmath.besseli(1, a) / a - mpmath.besseli(1, a))


def sinc(x):
    return mpmath.diff(mpmath.sincpi, x) if x == 0 else (mpmath.cospi(x) - mpmath.sincpi(x)) / x


TAILS = (1e-8, 0.3, 1.0, 5.0, 20.0, 36.0, 80.0)
"""In float32 a sigmoid computed as 1 - s is 0 from 17 on, in float64 from 37 on."""

# Slope, points (each with both signs, if the domain has both), and by how many units u a slope may move when x moves by
# one: the exponent of the exponentials that it is made of, and a few dozen roundings.
EXACT = {
    "silu": (lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), TAILS, lambda x: 2 * x),
    "mish": (mish, TAILS, lambda x: 3 * x),
    "gelu_tanh": (gelu_tanh, TAILS[:4], lambda x: 8 * x * x + 8 * x),
    "log_sigmoid": (lambda x: sigmoid(-x), TAILS, lambda x: x),
    "softsign": (lambda x: 1 / (1 + abs(x)) ** 2, (*TAILS, 1e4), lambda x: 0),
    "log_ndtr": (lambda x: mpmath.npdf(x) / mpmath.ncdf(x), TAILS[:5], lambda x: 2 * x * x),
    "erf": (lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x), TAILS[:4], lambda x: 2 * x * x),
    "erfcx": (ierfc, (1e-8, 0.3, 1.0, 1.4), lambda x: 2 * x * x),
    "bessel_i0e": (i0e, (0.3, 1.0, 5.0, 36.0, 700.0, 1e4), lambda x: 0),
    "bessel_i1e": (i1e, (1e-8, 0.3, 5.0, 36.0, 700.0, 1e4), lambda x: 0),
    "bessel_i1": (lambda x: (mpmath.besseli(0, x) + mpmath.besseli(2, x)) / 2, TAILS, lambda x: 2 * x),
    "sinc": (sinc, (1e-20, 1e-8, 1e-3, 0.1, 0.49, 0.51, 2.0), lambda x: 0),
    "arctan": (lambda x: 1 / (1 + x * x), (*TAILS, 1e4), lambda x: 0),
}

ONE_SIDED = {
    "erfcx": (ierfc, (1.4, 1.6, 5.0, 36.0, 1e4), lambda x: 0),
    "log1mexp": (lambda x: 1 / mpmath.expm1(x), (1e-8, 0.3, 1.0, 20.0, 80.0), lambda x: x),
    "digamma": (lambda x: mpmath.psi(1, x), (1e-4, 0.3, 1.0, 80.0, 1e4), lambda x: 0),
    "trigamma": (lambda x: mpmath.psi(2, x), (1e-4, 0.3, 1.0, 80.0, 1e4), lambda x: 0),
    "logit": (lambda x: 1 / (x * (1 - x)), (1e-20, 1e-8, 0.3, 0.5, 0.875), lambda x: 0),
    "arccosh": (lambda x: 1 / mpmath.sqrt(x * x - 1), (1 + 2.0**-20, 1.5, 80.0, 1e10), lambda x: 0),
    "arctanh": (lambda x: 1 / (1 - x * x), (1e-8, 0.3, 1 - 2.0**-20), lambda x: 0),
}

POINTS = [(n, s * x, dtype) for n in EXACT for x in EXACT[n][1] for s in (1, -1) for dtype in ("f8", "f4")] + [
    (n, x, dtype) for n in ONE_SIDED for x in ONE_SIDED[n][1] for dtype in ("f8", "f4") if dtype == "f8" or x < 1e10
]


def miss(name, x, dtype, slope):
    """How far a slope is from the exact one, in units of what is allowed there: at most 1 if it is right."""
    function, _, moves = EXACT[name] if name in EXACT and (name not in ONE_SIDED or x < 0) else ONE_SIDED[name]
    with mpmath.workdps(60):
        exact = function(mpf(float(np.dtype(dtype).type(x))))
        gap = abs(mpf(float(slope)) - exact)
        u = np.finfo(dtype).eps / 2
        return float(gap / ((64 + 2 * moves(abs(x))) * u * abs(exact) + float(np.finfo(dtype).tiny)))


@pytest.mark.parametrize(("name", "x", "dtype"), POINTS)
def test_slopes_keep_their_digits(name, x, dtype):
    (slope,) = RULES[name](np.ones((), dtype), np.asarray(x, dtype))
    assert slope.dtype == dtype
    assert miss(name, x, dtype, slope) <= 1


EDGES = {
    "exp2": (lambda x: mpmath.log(2) * mpf(2) ** x, (15.9921875, 16.0, 127.5, 128.0, -20.0)),
    "rsqrt": (lambda x: -(mpf(x) ** mpf(-1.5)) / 2, (0.0003876686096191406, 1.0, 6e4, 1e-20)),
    "log_ndtr": (lambda x: mpmath.npdf(x) / mpmath.ncdf(x), (-65504.0, -20.0, 4.0, 13.3125)),
    "sinc": (sinc, (20864.0, 1023.5, 29.34375, 0.75, 1.0833208165647064e38)),
    "bessel_i0e": (i0e, (32768.0, 65504.0, 1.0, 1.7014118346046923e38)),
    "bessel_i1e": (i1e, (32768.0, 65504.0, 1.0, 1.7014118346046923e38)),
    "bessel_i1": (lambda x: (mpmath.besseli(0, x) + mpmath.besseli(2, x)) / 2, (10.0, 91.5)),
    "bessel_j0": (lambda x: -mpmath.besselj(1, x), (3.0, -4.0, 99.0, 101.0, -65504.0, 1.7811655143517873e38)),
    "bessel_j1": (lambda x: (mpmath.besselj(0, x) - mpmath.besselj(2, x)) / 2, (3.0, -101.0, 65504.0, 3.36e38)),
    "bessel_y0": (lambda x: -mpmath.bessely(1, x), (3.0, 99.0, 101.0, 65504.0, 2.9339178931063513e29)),
    "bessel_y1": (lambda x: (mpmath.bessely(0, x) - mpmath.bessely(2, x)) / 2, (3.0, 101.0, 65504.0, 2.1e17)),
}
"""Inputs at which a formula left the range of 16 bits, of float32, or lost all digits of a large argument."""


SIXTEEN = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
IN_THE_TYPE = [
    (name, x, dtype)
    for name in EDGES
    for x in EDGES[name][1]
    for dtype in SIXTEEN
    if float(ml_dtypes.finfo(dtype).tiny) <= abs(x) <= float(ml_dtypes.finfo(dtype).max)
]


@pytest.mark.parametrize(("name", "x", "dtype"), IN_THE_TYPE)
def test_sixteen_bits_are_rounded_once(name, x, dtype):
    """The rule works in float32, whose own error is far below a thousandth of a 16-bit ulp: at most 0.501 ulp are lost."""
    x = np.asarray(x, dtype)
    with np.errstate(over="ignore"):  # a slope may lie beyond the type
        (slope,) = RULES[name](np.ones((), dtype), x)
    limits = ml_dtypes.finfo(dtype)
    with mpmath.workdps(120):  # the largest arguments have 39 digits before the point
        exact = EDGES[name][0](mpf(float(x)))
        beyond = abs(exact) > mpf(float(limits.max)) * (1 + mpf(float(limits.eps)) / 4)
        ulp = mpf(float(limits.eps)) * max(mpf(2) ** mpmath.floor(mpmath.log(abs(exact), 2)), mpf(float(limits.tiny)))
        assert slope.dtype == dtype
        assert np.isinf(slope) if beyond else abs(mpf(float(slope)) - exact) <= 0.501 * ulp


NAIVE = {
    "log_sigmoid": (lambda x: 1 - 1 / (1 + np.exp(-x)), 36.0),
    "erfcx": (lambda x: 2 * x * float(mpmath.exp(x * x) * mpmath.erfc(x)) - 2 / np.sqrt(np.pi), 36.0),
    "sinc": (lambda x: (np.cos(np.pi * x) - np.sinc(x)) / x, 1e-3),
    "bessel_i0e": (
        lambda x: float(mpmath.exp(-x) * mpmath.besseli(1, x)) - float(mpmath.exp(-x) * mpmath.besseli(0, x)),
        1e4,
    ),
    "arccosh": (lambda x: 1 / np.sqrt(np.float32(x) ** 2 - np.float32(1)), 1 + 2.0**-20),
    "log1mexp": (lambda x: np.exp(-x) / (1 - np.exp(-x)), 1e-8),
}


@pytest.mark.parametrize("name", NAIVE)
def test_the_naive_formula_is_refused(name):
    formula, x = NAIVE[name]
    assert miss(name, x, "f8", formula(x)) > 1


@pytest.mark.parametrize("b", [1e-8, 1e-3, 0.5, 1.0, 3.0, 1e4])
@pytest.mark.parametrize("a", [1e-8, 1e-3, 0.5, 1.0, 3.0, 1e4])
def test_betaln_keeps_the_digits_of_small_differences(a, b):
    """``digamma(a) - digamma(a + b)`` for b far below a: the plain difference has no digit left at a = 1e4, b = 1e-8."""
    with mpmath.workdps(60):
        exact = float(mpmath.digamma(mpf(a)) - mpmath.digamma(mpf(a) + mpf(b)))
    (slope, _) = RULES["betaln"](np.ones(()), np.asarray(a), np.asarray(b))
    assert abs(slope - exact) <= 64 * 2.0**-53 * abs(exact)  # 18 terms of one sign, of a few roundings each


def test_confident_losses_keep_their_digits():
    one, far = np.ones(()), np.asarray(50.0)
    for name, side in (("soft_margin", np.asarray(1)), ("bce_with_logits", np.asarray(1.0))):
        slope = RULES[name](one, far, side)[0]
        assert abs(slope + np.exp(-50.0)) <= 128 * 2.0**-53 * np.exp(-50.0)  # an exponent of 50 errs by 50 u
    (slope,) = RULES["cross_entropy"](one, np.array([[50.0, 0.0, 0.0]]), np.array([0]))
    assert np.all(np.abs(slope / np.exp(-50.0) - [-2.0, 1.0, 1.0]) <= 256 * 2.0**-53)
    (slope,) = RULES["focal"](one, np.asarray(-400.0), np.asarray(1), gamma=2.0)
    assert abs(slope + 0.25) <= 64 * 2.0**-53 * 0.25  # p vanishes, and gamma p L + q tends to 1


def test_kinks_get_a_generalised_derivative():
    one = np.ones(())
    assert np.array_equal(RULES["hypot"](one, np.zeros(()), np.zeros(())), [0.0, 0.0])
    assert np.array_equal(RULES["norm_p"](one, np.zeros(3))[0], np.zeros(3))
    assert np.array_equal(RULES["std"](one, np.full(5, 0.7))[0], np.zeros(5))
    assert np.array_equal(RULES["norm_inf"](np.asarray(6.0), np.array([-5.0, 1.0, 5.0]))[0], [-3.0, 0.0, 3.0])
    assert np.array_equal(RULES["median"](np.asarray(6.0), np.array([2.0, 2.0, 2.0, 9.0]))[0], [2.0, 2.0, 2.0, 0.0])
    assert np.array_equal(RULES["ptp"](np.asarray(6.0), np.array([2.0, 2.0, 5.0]))[0], [-3.0, -3.0, 6.0])
    for name in ("cummax", "cummin"):
        assert np.array_equal(RULES[name](np.array([1.0, 2.0, 4.0]), np.ones(3))[0], [7.0, 0.0, 0.0])
    shares = RULES["clip"](one, np.ones(()), np.ones(()), np.ones(()))
    assert sum(shares) == 1 and min(shares) >= 0


def test_shares_of_a_selection_add_up_to_one():
    x, low, high = np.random.default_rng(0).integers(-1, 2, size=(3, 200)).astype(float)  # ties in all combinations
    assert np.array_equal(sum(RULES["clip"](np.ones(200), x, low, high)), np.ones(200))
    assert np.array_equal(sum(RULES["minimum"](np.ones(200), x, low)), np.ones(200))
