"""Definitions of the scalar families against mpmath, at points of their domains that no witness has."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from gradcheck.catalogue import operators
from gradcheck.strategies.sets import settle

EXACT = {
    "exp": mpmath.exp, "exp2": lambda x: mpf(2) ** x, "expm1": mpmath.expm1, "log1p": mpmath.log1p,
    "log2": lambda x: mpmath.log(x, 2), "log10": mpmath.log10, "sqrt": mpmath.sqrt, "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), "log1mexp": lambda x: mpmath.log(1 - mpmath.exp(-x)),
    "entr": lambda x: -x * mpmath.log(x), "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "arcsin": mpmath.asin,
    "arccos": mpmath.acos, "arctan": mpmath.atan, "sinc": mpmath.sincpi, "sinh": mpmath.sinh, "cosh": mpmath.cosh,
    "arcsinh": mpmath.asinh, "arccosh": mpmath.acosh, "arctanh": mpmath.atanh, "erf": mpmath.erf, "erfc": mpmath.erfc,
    "erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x), "erfinv": mpmath.erfinv, "ndtr": mpmath.ncdf,
    "log_ndtr": lambda x: mpmath.log(mpmath.ncdf(x)), "ndtri": lambda p: mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1),
    "logit": lambda p: mpmath.log(p / (1 - p)), "gammaln": lambda x: mpmath.log(abs(mpmath.gamma(x))),
    "digamma": mpmath.digamma, "trigamma": lambda x: mpmath.psi(1, x), "gammainc": lambda x: 1 - mpmath.exp(-x),
    "gammaincc": lambda x: mpmath.exp(-x), "hurwitz_zeta": lambda x: mpmath.zeta(2, x),
    "bessel_i0": lambda x: mpmath.besseli(0, x), "bessel_i1": lambda x: mpmath.besseli(1, x),
    "bessel_i0e": lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(0, x),
    "bessel_i1e": lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(1, x),
    "bessel_j0": lambda x: mpmath.besselj(0, x), "bessel_j1": lambda x: mpmath.besselj(1, x),
    "bessel_y0": lambda x: mpmath.bessely(0, x), "bessel_y1": lambda x: mpmath.bessely(1, x),
    "silu": lambda x: x / (1 + mpmath.exp(-x)), "mish": lambda x: x * mpmath.tanh(mpmath.log(1 + mpmath.exp(x))),
    "log_sigmoid": lambda x: -mpmath.log(1 + mpmath.exp(-x)), "celu": lambda x: x if x > 0 else mpmath.expm1(x),
    "gelu_tanh": lambda x: x / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + mpf("0.044715") * x**3))),
}  # fmt: skip

POINTS = (0.013, -0.013, 0.4375, -0.4375, 0.9, -0.9, 1.7, -1.7, 3.3, -3.3, 6.1, -6.1)


def misses(name, spoil=1.0):
    """The largest error of a definition times ``spoil``, in units of what is allowed: at most 1 if it is right.

    Up to 64 roundings of the value, and of the argument: where that moves the value more, no text can do better.
    """
    record = operators()[name]
    x = settle(np.array(POINTS), np.empty(len(POINTS)), record.domain.of(0))
    u, worst = 2.0**-53, 0.0
    for point, value in zip(x, record.definition(x), strict=True):
        with mpmath.workdps(40):
            exact = EXACT[name](mpf(point))
            moved = abs(EXACT[name](mpf(point) * (1 + mpf(2) ** -60)) - exact) * 2**60
            allowed = 64 * u * (abs(exact) + moved)
            worst = max(worst, float(abs(mpf(value * spoil) - exact) / allowed))
    return worst


@pytest.mark.parametrize("name", EXACT)
def test_definition_is_the_function_of_that_name(name):
    assert misses(name) <= 1
    assert misses(name, 1 + 1e-12) > 1


def test_a_definition_for_real_numbers_refuses_complex_ones():
    for name in ("erfcx", "gammaln", "bessel_i0e", "hypot", "gammainc"):
        record = operators()[name]
        shapes = record.examples[0].shapes
        with pytest.raises(TypeError):
            record.definition(*(np.ones(shape, complex) for shape in shapes))
