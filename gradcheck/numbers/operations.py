"""The table of operations: what the tape may say, with derivatives, domain and the name of each in every field.

A partial derivative is written once, as a formula ``partial(k, *operands, result)`` in other operations of the table, where ``k.exp(u)``
applies one; it is therefore read in every field, and over jets for higher orders.  Formulas are chosen so that they do not cancel:
tanh' is sech squared and not one minus tanh squared.  Parameters (the order of a Bessel function, an integer exponent) come last.

Derivatives: NIST Digital Library of Mathematical Functions, chapters 4, 5, 7 and 10, cited beside the less common ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import acb, ctx
from scipy import special

from gradcheck.numbers.field import Field, Values

Formula = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Domain:
    """Where an operation is analytic: in words, and as a test of complex balls (``acb``)."""

    words: str
    clear: Callable[[Any], bool]


def _right_of(bound: float) -> Callable[[Any], bool]:
    return lambda z: bool(z.real > bound or not z.imag.contains(0))


EVERYWHERE = Domain("everywhere but at poles", lambda z: True)
POSITIVE = Domain("off the cut (-inf, 0]", _right_of(0))
ABOVE_MINUS_ONE = Domain("off the cut (-inf, -1]", _right_of(-1))
ABOVE_ONE = Domain("off the cut (-inf, 1]", _right_of(1))
BETWEEN = Domain("off the cuts (-inf, -1] and [1, inf)", lambda z: bool(abs(z.real) < 1 or not z.imag.contains(0)))
IMAGINARY = Domain("off the cuts from i and -i outwards", lambda z: bool(abs(z.imag) < 1 or not z.real.contains(0)))
BESIDE_ZERO = Domain("off the imaginary axis", lambda z: bool(z.real > 0 or z.real < 0))
STRIP = Domain("|imaginary part| < pi", lambda z: bool(abs(z.imag) < 3))  # 3 < pi
LAMBERT = Domain("off the cut (-inf, -1/e]", _right_of(-0.36))  # -1/e < -0.36
REAL = Domain("real numbers only", lambda z: False)


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """``partials``: one formula per operand.  ``ball``, ``mp``: a method's name, or a function of (context, operands, parameter)."""

    name: str
    partials: tuple[Formula, ...]
    ball: str | Callable[..., Any]
    mp: str | Callable[..., Any]
    numpy: Callable[..., Any]
    domain: Domain = EVERYWHERE
    parametric: bool = False


class Calculus:
    """``k`` of the formulas: ``k.exp(x)`` is the operation exp of the table, applied in a field."""

    def __init__(self, field: Field) -> None:
        self._field = field

    def __getattr__(self, name: str) -> Callable[..., Values]:
        operation = TABLE[name]

        def apply(*operands: Values, n: float | None = None) -> Values:
            return self._field.apply(operation, operands, n)

        setattr(self, name, apply)
        return apply

    def circle(self) -> Values:
        """The number pi."""
        return self._field.pi()

    def number(self, value: float) -> Values:
        """A float64 number, exactly."""
        return self._field.constants(np.array([value]))


def _expit(_: Any, x: Any) -> Any:
    if x.real > 0:
        return 1 / (1 + (-x).exp())
    power = x.exp()
    return power / (1 + power)


def _log_expit(_: Any, x: Any) -> Any:
    return x - x.exp().log1p() if x.real < 0 else -(-x).exp().log1p()


def _mp_expit(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x)) if m.re(x) > 0 else m.exp(x) / (1 + m.exp(x))


def _mp_log_expit(m: Any, x: Any) -> Any:
    return x - m.log1p(m.exp(x)) if m.re(x) < 0 else -m.log1p(m.exp(-x))


def _mp_erfcinv(m: Any, x: Any) -> Any:
    """With as many bits more as 1 - x would lose of a small x."""
    with m.workprec(m.prec + max(0, -m.mag(x) if x else 0)):
        value = m.erfinv(1 - x)
    return +value


def _ball_polygamma(kind: Any, x: Any, n: int) -> Any:
    """Left of 0 by reflection, DLMF 5.15.6: flint's sums there take seconds and give nothing."""
    z = acb(x)
    if z.real < 0:
        cot = z.cot_pi()
        if not cot.is_finite():
            return x / 0
        value = (-1) ** n * acb.polygamma(1 - z, n) - acb.pi() ** (n + 1) * _cotangent_slope(cot, n)
    else:
        value = acb.polygamma(z, n)
    return value.real if kind is not acb else value


def _cotangent_slope(cot: Any, n: int) -> Any:
    """The n-th derivative of cot z as a polynomial in cot z: each one is -(1 + cot^2) times the derivative of the last by cot z."""
    coefficients = [0, 1]
    for _ in range(n):
        slope = [k * c for k, c in enumerate(coefficients)][1:]
        coefficients = [-a - b for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    total = cot * 0
    for c in reversed(coefficients):
        total = total * cot + c
    return total


def _ball_sinc(kind: Any, x: Any, n: int) -> Any:
    """By the series near 0, and by DLMF 10.51.1 upward from cosine and sine beyond: there its terms do not cancel, and the series' do."""
    if n == 0:
        return x.sinc()
    if not abs(x) > 2 * n + 4:
        return (-x * x / 4).hypgeom_0f1(kind(n) + 1.5)
    before, here, inverse = x.cos(), x.sinc(), 1 / (x * x)
    for k in range(n):
        before, here = here, (here - before) * inverse * ((2 * k + 1) * (2 * k + 3))
    return here


def _bessel_slope(function: Any, k: Any, x: Any, n: int, sign: int) -> Any:
    """The derivative of J (sign -1) or I (sign 1), DLMF 10.6.1 and 10.29.1; functions of order -1 and 1 differ by that sign."""
    if n == 0:
        return function(x, n=1) * k.number(sign)
    return (function(x, n=n - 1) + function(x, n=n + 1) * k.number(sign)) * k.number(0.5)


def _ball_bessel(kind: Any, x: Any, n: int, name: str) -> Any:
    """Y or K: once more, with twice the bits, where flint's sums lose half of them, as for x from 10 to 100."""
    value = getattr(x, name)(kind(n))
    bits = ctx.prec
    if value.rel_accuracy_bits() >= bits // 2 or x.rel_accuracy_bits() < bits:
        return value
    with ctx.workprec(2 * bits):
        value = getattr(x, name)(kind(n))
    return +value


def _ball_power(kind: Any, a: Any, b: Any) -> Any:
    return a.pow(b, analytic=True) if kind is acb else a**b


def _power(x: Any, n: int) -> Any:
    return np.power(x, float(n))  # integers raised to negative integers are refused


def _lambert(x: Any) -> Any:
    value = special.lambertw(x)
    return value if np.iscomplexobj(x) else value.real


def _fixed_power_slope(k: Calculus, x: Any, y: Any, n: float) -> Any:
    """n x^(n-1), by way of the value where n - 1 is not a float64 number: a rounded exponent is another function."""
    if Fraction(n) - 1 == Fraction(n - 1):
        return k.powr(x, n=n - 1) * k.number(n)
    return k.div(y * k.number(n), x)


def _ball_atan2(kind: Any, a: Any, b: Any) -> Any:
    """The angle of (b, a); for complex numbers by arc tangents of what stays off their cuts."""
    if kind is not acb:
        return kind.atan2(a, b)
    if b.real > 0:
        return _ball_atan(a / b)
    if a.real > 0:
        return acb.pi() / 2 - _ball_atan(b / a)
    return -acb.pi() / 2 - _ball_atan(b / a) if a.real < 0 else a / 0


def _ball_atan(z: Any) -> Any:
    return z.atan() if IMAGINARY.clear(z) else z / 0


def _ball_asinh(kind: Any, z: Any) -> Any:
    """Off the imaginary axis by the logarithm of a sum without cancellation, DLMF 4.37.16: flint's loses the digits of z squared."""
    if kind is not acb or not abs(z.real) > 2:
        return z.asinh()
    a = z if z.real > 0 else -z
    value = (a + (a * a + 1).sqrt(analytic=True)).log(analytic=True)
    return value if z.real > 0 else -value


def _ball_expi(kind: Any, z: Any) -> Any:
    """On either side of 0 the continuation that is real on the real line; left of it -E1(-z), DLMF 6.2.6."""
    return z.ei() if kind is not acb or z.real > 0 else -acb.expint(-z, acb(1))


def _float_polygamma(x: Any, n: int) -> Any:
    """SciPy's knows positive arguments only, and does not come back from large negative ones."""
    right = np.asarray(x) > 0
    return np.where(right, special.polygamma(n, np.where(right, x, 1.0)), np.nan)


def _bell(k: Calculus, x: Any) -> Any:
    """The derivative of erf: 2 exp(-x^2) / sqrt(pi)."""
    return k.exp(-(x * x)) * k.powi(k.sqrt(k.circle()), n=-1) * 2


ENTRIES = (
    # arithmetic
    Operation("add", (lambda k, a, b, y: 1, lambda k, a, b, y: 1), "", "", np.add),
    Operation("sub", (lambda k, a, b, y: 1, lambda k, a, b, y: -1), "", "", np.subtract),
    Operation("mul", (lambda k, a, b, y: b, lambda k, a, b, y: a), "", "", np.multiply),
    Operation("neg", (lambda k, x, y: -1,), "", "", np.negative),
    Operation(
        "div",
        (lambda k, a, b, y: k.powi(b, n=-1), lambda k, a, b, y: -k.div(y, b)),
        lambda _, a, b: a / b,
        lambda _, a, b: a / b,
        np.divide,
    ),
    Operation(
        "powi",
        (lambda k, x, y, n: k.powi(x, n=n - 1) * n if n else k.number(0.0),),
        lambda _, x, n: x**n,
        lambda _, x, n: x**n,
        _power,
        parametric=True,
    ),
    # a fixed real exponent, which need not be differentiated
    Operation(
        "powr",
        (_fixed_power_slope,),
        lambda kind, x, n: _ball_power(kind, x, kind(n)),
        lambda m, x, n: x ** m.mpf(n),
        lambda x, n: x**n,
        POSITIVE,
        parametric=True,
    ),
    Operation(
        "pow",
        (lambda k, a, b, y: b * k.pow(a, b - 1), lambda k, a, b, y: y * k.log(a)),
        _ball_power,
        lambda _, a, b: a**b,
        np.power,
        POSITIVE,
    ),
    Operation("sqrt", (lambda k, x, y: k.powi(y * 2, n=-1),), "sqrt", "sqrt", np.sqrt, POSITIVE),
    # the real cube root is odd: the tape takes it of positive numbers only
    Operation(
        "cbrt",
        (lambda k, x, y: k.powi(y * y * 3, n=-1),),
        lambda _, x: x.root(3),
        lambda m, x: m.cbrt(x),
        np.cbrt,
        POSITIVE,
    ),
    # exponentials and logarithms
    Operation("exp", (lambda k, x, y: y,), "exp", "exp", np.exp),
    Operation("expm1", (lambda k, x, y: k.exp(x),), "expm1", "expm1", np.expm1),
    Operation("log", (lambda k, x, y: k.powi(x, n=-1),), "log", "log", np.log, POSITIVE),
    Operation("log1p", (lambda k, x, y: k.powi(x + 1, n=-1),), "log1p", "log1p", np.log1p, ABOVE_MINUS_ONE),
    Operation("expit", (lambda k, x, y: y * k.expit(-x),), _expit, _mp_expit, special.expit, STRIP),
    Operation("log_expit", (lambda k, x, y: k.expit(-x),), _log_expit, _mp_log_expit, special.log_expit, STRIP),
    # trigonometric and hyperbolic functions, DLMF 4.20, 4.24, 4.34, 4.38
    Operation("sin", (lambda k, x, y: k.cos(x),), "sin", "sin", np.sin),
    Operation("cos", (lambda k, x, y: -k.sin(x),), "cos", "cos", np.cos),
    Operation("tan", (lambda k, x, y: y * y + 1,), "tan", "tan", np.tan),
    Operation("asin", (lambda k, x, y: k.powi(k.sqrt((1 - x) * (1 + x)), n=-1),), "asin", "asin", np.arcsin, BETWEEN),
    Operation("acos", (lambda k, x, y: -k.powi(k.sqrt((1 - x) * (1 + x)), n=-1),), "acos", "acos", np.arccos, BETWEEN),
    Operation("atan", (lambda k, x, y: k.powi(x * x + 1, n=-1),), "atan", "atan", np.arctan, IMAGINARY),
    Operation(
        "atan2",
        (lambda k, a, b, y: k.div(b, a * a + b * b), lambda k, a, b, y: -k.div(a, a * a + b * b)),
        _ball_atan2,
        "atan2",
        np.arctan2,
    ),
    Operation("sinh", (lambda k, x, y: k.cosh(x),), "sinh", "sinh", np.sinh),
    Operation("cosh", (lambda k, x, y: k.sinh(x),), "cosh", "cosh", np.cosh),
    Operation("tanh", (lambda k, x, y: k.powi(k.sech(x), n=2),), "tanh", "tanh", np.tanh),
    Operation("sech", (lambda k, x, y: -y * k.tanh(x),), "sech", "sech", lambda x: 1 / np.cosh(x)),
    Operation("asinh", (lambda k, x, y: k.powi(k.sqrt(x * x + 1), n=-1),), _ball_asinh, "asinh", np.arcsinh, IMAGINARY),
    Operation(
        "acosh", (lambda k, x, y: k.powi(k.sqrt((x - 1) * (x + 1)), n=-1),), "acosh", "acosh", np.arccosh, ABOVE_ONE
    ),
    Operation("atanh", (lambda k, x, y: k.powi((1 - x) * (1 + x), n=-1),), "atanh", "atanh", np.arctanh, BETWEEN),
    # 0F1(; n + 3/2; -x^2/4): sin(x)/x for n = 0, entire for all n; DLMF 10.49, 16.3.1
    Operation(
        "sinc",
        (lambda k, x, y, n: k.div(-x * k.sinc(x, n=n + 1), k.number(2 * n + 3)),),
        _ball_sinc,
        lambda m, x, n: m.hyp0f1(n + m.mpf(1.5), -x * x / 4),
        lambda x, n: np.sinc(x / np.pi) if n == 0 else special.hyp0f1(n + 1.5, -x * x / 4),
        parametric=True,
    ),
    # error functions, DLMF 7.2, 7.10
    Operation("erf", (lambda k, x, y: _bell(k, x),), "erf", "erf", special.erf),
    Operation("erfc", (lambda k, x, y: -_bell(k, x),), "erfc", "erfc", special.erfc),
    Operation(
        "erfi", (lambda k, x, y: k.exp(x * x) * 2 * k.powi(k.sqrt(k.circle()), n=-1),), "erfi", "erfi", special.erfi
    ),
    Operation("erfinv", (lambda k, x, y: k.powi(_bell(k, y), n=-1),), "erfinv", "erfinv", special.erfinv, REAL),
    Operation(
        "erfcinv",
        (lambda k, x, y: -k.powi(_bell(k, y), n=-1),),
        "erfcinv",
        _mp_erfcinv,
        special.erfcinv,
        REAL,
    ),
    # gamma functions, DLMF 5.2, 5.15
    Operation("gamma", (lambda k, x, y: y * k.digamma(x),), "gamma", "gamma", special.gamma),
    Operation("lgamma", (lambda k, x, y: k.digamma(x),), "lgamma", "loggamma", special.gammaln, POSITIVE),
    Operation("digamma", (lambda k, x, y: k.polygamma(x, n=1),), "digamma", "digamma", special.digamma),
    Operation(
        "polygamma",
        (lambda k, x, y, n: k.polygamma(x, n=n + 1),),
        _ball_polygamma,
        lambda m, x, n: m.psi(n, x),
        _float_polygamma,
        parametric=True,
    ),
    # Bessel functions of integer order, DLMF 10.6 and 10.29; Y and K need no value at 0, and so may be divided by x
    Operation(
        "bessel_j",
        (lambda k, x, y, n: _bessel_slope(k.bessel_j, k, x, n, -1),),
        lambda kind, x, n: x.bessel_j(kind(n)),
        lambda m, x, n: m.besselj(n, x),
        lambda x, n: special.jv(n, x),
        parametric=True,
    ),
    Operation(
        "bessel_y",
        (lambda k, x, y, n: k.bessel_y(x, n=n - 1) - k.div(y * k.number(n), x) if n else -k.bessel_y(x, n=1),),
        lambda kind, x, n: _ball_bessel(kind, x, n, "bessel_y"),
        lambda m, x, n: m.bessely(n, x),
        lambda x, n: special.yv(n, x),
        POSITIVE,
        parametric=True,
    ),
    Operation(
        "bessel_i",
        (lambda k, x, y, n: _bessel_slope(k.bessel_i, k, x, n, 1),),
        lambda kind, x, n: x.bessel_i(kind(n)),
        lambda m, x, n: m.besseli(n, x),
        lambda x, n: special.iv(n, x),
        parametric=True,
    ),
    Operation(
        "bessel_k",
        (lambda k, x, y, n: -k.bessel_k(x, n=n - 1) - k.div(y * k.number(n), x) if n else -k.bessel_k(x, n=1),),
        lambda kind, x, n: _ball_bessel(kind, x, n, "bessel_k"),
        lambda m, x, n: m.besselk(n, x),
        lambda x, n: special.kv(n, x),
        POSITIVE,
        parametric=True,
    ),
    # 0F1(; n; x), entire, DLMF 16.3.1
    Operation(
        "hyp0f1",
        (lambda k, x, y, n: k.div(k.hyp0f1(x, n=n + 1), k.number(n)),),
        lambda kind, x, n: x.hypgeom_0f1(kind(n)),
        lambda m, x, n: m.hyp0f1(n, x),
        lambda x, n: special.hyp0f1(n, x),
        parametric=True,
    ),
    # others, DLMF 4.13, 6.2
    Operation("lambertw", (lambda k, x, y: k.powi(x + k.exp(y), n=-1),), "lambertw", "lambertw", _lambert, LAMBERT),
    Operation("expi", (lambda k, x, y: k.div(k.exp(x), x),), _ball_expi, "ei", special.expi, BESIDE_ZERO),
)

TABLE: dict[str, Operation] = {entry.name: entry for entry in ENTRIES}
"""The operations by name."""
