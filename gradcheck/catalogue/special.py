"""Error functions, the normal distribution, and the functions around gamma."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from gradcheck.catalogue.elementwise import BINARY, UNARY
from gradcheck.claim import POSITIVE, Domain, Example, Operator, Witness, interval
from gradcheck.records import Array


def typed(function: Callable[..., Array], *, real: bool = False) -> Callable[..., Array]:
    """A function of scipy.special, in the type of its input: those functions widen 16-bit numbers.

    ``real`` functions refuse complex numbers, although scipy has a continuation, as it keeps fewer digits.
    """

    def definition(x: Array) -> Array:
        if real and x.dtype.kind == "c":
            raise TypeError(f"{function.__name__} is defined for real numbers here; its argument is complex")
        return function(x).astype(x.dtype)

    definition.__doc__ = f"{function.__name__} of scipy.special."
    return definition


def betaln(x: Array, y: Array) -> Array:
    """The logarithm of the beta function."""
    return np.asarray(special.betaln(x, y)).astype(np.result_type(x, y))


def logit(x: Array) -> Array:
    """The inverse of the sigmoid, in two terms that keep their digits at 0 and at 1."""
    result: Array = np.log(x) - np.log1p(-x)
    return result


def trigamma(x: Array) -> Array:
    """The derivative of digamma."""
    return np.asarray(special.polygamma(1, x)).astype(x.dtype)


def gammainc(x: Array, *, a: float = 1.0) -> Array:
    """The distribution function of the gamma law of shape ``a``."""
    return np.asarray(special.gammainc(a, x)).astype(x.dtype)


def gammaincc(x: Array, *, a: float = 1.0) -> Array:
    """The upper tail of the gamma law of shape ``a``."""
    return np.asarray(special.gammaincc(a, x)).astype(x.dtype)


def hurwitz_zeta(x: Array, *, s: float = 2.0) -> Array:
    """The sum of the inverse powers of ``x``, ``x + 1``, ``x + 2`` and so on."""
    return np.asarray(special.zeta(s, x)).astype(x.dtype)


TAILS = (0.0, -0.0, 1.0, -1.0, 5.0, -5.0, 9.0, -13.0, 26.0, -37.0, 1e-8, -1e-8, 1e-20, 100.0, -100.0)
"""To where the tails of the normal distribution leave float32 (13.2) and float64 (38.5)."""

INSIDE = (0.0, -0.0, 0.5, -0.5, 0.999, -0.999, 1e-8, -1e-8, 1.0 - 2.0**-20)
PROBABILITIES = (0.5, 1e-8, 1e-20, 0.01, 0.975, 0.999, 1.0 - 2.0**-20)
POLES = (1.0, 2.0, 0.5, 1e-8, 1e-4, 1.4616321449683622, 10.0, 1e4)
"""Roots of ln gamma, next to the pole, the minimum of gamma, and far out."""

FEW = tuple(Example((shape,)) for shape in ((), (1,), (0,), (3,), (2, 2)))
"""As few entries as show a shape, for functions whose differences are costly: they do not continue to complex numbers."""

BEFORE_SATURATION = Domain((interval(0.0, 8.0),))
"""Further out a slope of 1e-3 and less is got from differences of numbers close to 1, of which none is sharp to nine digits."""

SHAPES = (*FEW[:3], *(Example(((3,),), {"a": a}) for a in (0.5, 2.0, 3.5, 12.0)))
ORDERS = (*FEW[:3], *(Example(((3,),), {"s": s}) for s in (1.5, 3.0, 4.0, 12.0)))

LN2, PI = math.log(2.0), math.pi
EULER = 0.5772156649015329

OPERATORS = (
    Operator(
        name="erf",
        family="special",
        signature="(...)->(...)",
        definition=typed(special.erf),
        examples=UNARY,
        formula="y = 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x",
        citation="DLMF 7.2.1",
        witnesses=(
            Witness((np.array([0.0, 1.0, -0.5]),), np.array([0.0, 0.8427007929497149, -0.5204998778130465]), "A&S 7.1"),
        ),
        special=TAILS,
    ),
    Operator(
        name="erfc",
        family="special",
        signature="(...)->(...)",
        definition=typed(special.erfc),
        examples=UNARY,
        formula="y = 1 - erf x",
        citation="DLMF 7.2.2",
        witnesses=(Witness((np.array([0.0, 1.0]),), np.array([1.0, 0.15729920705028513]), "A&S table 7.1"),),
        special=TAILS,
    ),
    Operator(
        name="erfcx",
        family="special",
        signature="(...)->(...)",
        definition=typed(special.erfcx, real=True),
        examples=UNARY,
        formula="y = e^(x^2) erfc x",
        citation="DLMF 7.2.3",
        witnesses=(Witness((np.array([0.0, 1.0]),), np.array([1.0, 0.427583576155807]), "A&S table 7.1: e erfc(1)"),),
        special=TAILS,
    ),
    Operator(
        name="erfinv",
        family="special",
        signature="(...)->(...)",
        definition=typed(special.erfinv),
        examples=UNARY,
        formula="erf y = x",
        citation="DLMF section 7.17",
        witnesses=(Witness((np.array([0.0, 0.5]),), np.array([0.0, 0.4769362762044699]), "OEIS A069286"),),
        domain=Domain((interval(-1.0, 1.0, closed=False),)),
        special=INSIDE,
    ),
    Operator(
        name="ndtr",
        family="special",
        signature="(...)->(...)",
        definition=typed(special.ndtr),
        examples=UNARY,
        formula="y = Phi(x), the distribution function of the standard normal law",
        citation="Abramowitz, Stegun, 26.2.2",
        witnesses=(Witness((np.array([0.0, 1.0]),), np.array([0.5, 0.8413447460685429]), "A&S table 26.1"),),
        special=TAILS,
    ),
    Operator(
        name="log_ndtr",
        family="special",
        signature="(...)->(...)",
        definition=typed(special.log_ndtr),
        examples=UNARY,
        formula="y = ln Phi(x), Phi the distribution function of the standard normal law",
        citation="Abramowitz, Stegun, 26.2.2",
        witnesses=(Witness((np.array([0.0, 1.0]),), np.log([0.5, 0.8413447460685429]), "A&S table 26.1"),),
        special=TAILS,
    ),
    Operator(
        name="ndtri",
        family="special",
        signature="(...)->(...)",
        definition=typed(special.ndtri),
        examples=UNARY,
        formula="Phi(y) = x, Phi the distribution function of the standard normal law",
        citation="Abramowitz, Stegun, section 26.2.22",
        witnesses=(Witness((np.array([0.5, 0.975]),), np.array([0.0, 1.959963984540054]), "OEIS A220510"),),
        domain=Domain((interval(0.0, 1.0, closed=False),)),
        special=PROBABILITIES,
    ),
    Operator(
        name="logit",
        family="special",
        signature="(...)->(...)",
        definition=logit,
        examples=UNARY,
        formula="y = ln(x / (1 - x))",
        citation="Berkson, J. Amer. Statist. Assoc. 39 (1944), 357-365",
        witnesses=(Witness((np.array([0.5, 0.75, 0.2]),), np.array([0.0, math.log(3.0), -2 * LN2]), "a / (1 + a)"),),
        domain=Domain((interval(0.0, 1.0, closed=False),)),
        special=PROBABILITIES,
    ),
    Operator(
        name="gammaln",
        family="special",
        signature="(...)->(...)",
        definition=typed(special.gammaln),
        examples=UNARY,
        formula="y = ln |gamma(x)|",
        citation="DLMF 5.2.1",
        witnesses=(
            Witness((np.array([0.5, 5.0, -0.5]),), np.log([PI / 4, 576.0, 4 * PI]) / 2 + [LN2, 0, 0], "DLMF 5.4.6; 4!"),
        ),
        special=(*POLES, -0.5, -1.5, -2.4570247382208006, -9.99),
    ),
    Operator(
        name="digamma",
        family="special",
        signature="(...)->(...)",
        definition=typed(special.digamma),
        examples=UNARY,
        formula="y = gamma'(x) / gamma(x)",
        citation="DLMF 5.2.2",
        witnesses=(
            Witness(
                (np.array([1.0, 0.5, 2.0]),), np.array([-EULER, -EULER - 2 * LN2, 1 - EULER]), "DLMF 5.4.12, 5.4.13"
            ),
        ),
        special=(*POLES, -0.5, -1.5, -2.4, -9.99),
    ),
    Operator(
        name="trigamma",
        family="special",
        signature="(...)->(...)",
        definition=trigamma,
        examples=UNARY,
        formula="y = (ln gamma)''(x) = sum over k >= 0 of (x + k)^-2",
        citation="DLMF 5.15.1",
        witnesses=(Witness((np.array([1.0, 0.5]),), np.array([PI * PI / 6, PI * PI / 2]), "DLMF 5.4.14"),),
        domain=Domain((POSITIVE,)),
        special=POLES,
    ),
    Operator(
        name="betaln",
        family="special",
        signature="(...),(...)->(...)",
        definition=betaln,
        examples=BINARY,
        formula="z = ln gamma(x) + ln gamma(y) - ln gamma(x + y)",
        citation="DLMF 5.12.1",
        witnesses=(Witness((np.array([0.5, 2.0]), np.array([0.5, 3.0])), np.log([PI, 1 / 12]), "DLMF 5.12.1"),),
        domain=Domain((POSITIVE,)),
        special=POLES,
    ),
    Operator(
        name="gammainc",
        family="special",
        signature="(...)->(...)",
        definition=gammainc,
        examples=SHAPES,
        formula="y = 1/gamma(a) times the integral of t^(a-1) e^-t from 0 to x",
        citation="DLMF 8.2.4",
        witnesses=(
            Witness((np.array([0.0, LN2, 2 * LN2]),), np.array([0.0, 0.5, 0.75]), "1 - e^-x"),
            Witness((np.array([1.0, 0.25]),), np.array([0.8427007929497149, 0.5204998778130465]), "erf", {"a": 0.5}),
        ),
        domain=BEFORE_SATURATION,
        special=(0.0, 1e-8, 1e-20, 1.0, 2.0, 5.0, 8.0),
    ),
    Operator(
        name="gammaincc",
        family="special",
        signature="(...)->(...)",
        definition=gammaincc,
        examples=SHAPES,
        formula="y = 1/gamma(a) times the integral of t^(a-1) e^-t from x to infinity",
        citation="DLMF 8.2.4",
        witnesses=(
            Witness((np.array([0.0, LN2, 2 * LN2]),), np.array([1.0, 0.5, 0.25]), "e^-x"),
            Witness((np.array([1.0]),), np.array([0.7357588823428847]), "(1 + x) e^-x: 2/e", {"a": 2.0}),
        ),
        domain=BEFORE_SATURATION,
        special=(0.0, 1e-8, 1e-20, 1.0, 2.0, 5.0, 8.0),
    ),
    Operator(
        name="hurwitz_zeta",
        family="special",
        signature="(...)->(...)",
        definition=hurwitz_zeta,
        examples=ORDERS,
        formula="y = sum over k >= 0 of (x + k)^-s",
        citation="DLMF 25.11.1",
        witnesses=(
            Witness((np.array([1.0, 0.5]),), np.array([PI * PI / 6, PI * PI / 2]), "DLMF 25.6.1, 25.11.11"),
            Witness((np.array([1.0, 0.5]),), np.array([1.0, 15.0]) * PI**4 / 90, "DLMF 25.6.1, 25.11.11", {"s": 4.0}),
        ),
        domain=Domain((POSITIVE,)),
        special=(1.0, 0.5, 2.0, 1e-4, 10.0, 100.0, 1e4),
    ),
)
