"""Exponentials and logarithms, and the entropies that are made of them."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from gradcheck.catalogue.elementwise import BINARY, UNARY
from gradcheck.claim import POSITIVE, REALS, Domain, Operator, Witness, interval
from gradcheck.records import Array

GROWTH = (0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 88.0, -100.0, 700.0, -800.0, 1e-8, -1e-8, 1e-20)
"""From where the exponential is linear to where it leaves float32 (88.7) and float64 (709.8)."""

MAGNITUDES = (1.0, 1e-6, 1e-20, 1e-300, 1e20, 1e300, 1.0 + 2.0**-20, 1.0 - 2.0**-20)
"""Around the root of the logarithm, and from the smallest numbers to the largest."""

LN2 = math.log(2.0)


def _typed(value: Array, *inputs: Array) -> Array:
    """The value in the common type of the inputs: functions of scipy widen 16-bit numbers."""
    return value.astype(np.result_type(value, *inputs) if value.dtype.kind == "c" else np.result_type(*inputs))


def xlogy(x: Array, y: Array) -> Array:
    """``x ln y``, and 0 for x = 0."""
    return _typed(special.xlogy(x, y), x, y)


def xlog1py(x: Array, y: Array) -> Array:
    """``x ln(1 + y)``, and 0 for x = 0."""
    return _typed(special.xlog1py(x, y), x, y)


def entr(x: Array) -> Array:
    """The entropy of one probability."""
    return -xlogy(x, x)


def rel_entr(x: Array, y: Array) -> Array:
    """One term of the relative entropy of two distributions."""
    return xlogy(x, x / y)


def kl_div(x: Array, y: Array) -> Array:
    """Relative entropy of numbers that do not add up to one: never negative, 0 for x = y."""
    return xlogy(x, x / y) - x + y


def log1mexp(x: Array) -> Array:
    """Two texts of one function; each keeps its digits on its side of ln 2."""
    near, far = np.minimum(x, LN2), np.maximum(x, LN2)
    return np.where(x < LN2, np.log(-np.expm1(-near)), np.log1p(-np.exp(-far)))


E = 2.718281828459045

KL_DIV_WITNESSES = (
    Witness((np.array([2.0, 1.0, 0.0]), np.array([1.0, 1.0, 3.0])), np.array([2 * LN2 - 1, 0.0, 3.0]), "A002162"),
)

OPERATORS = (
    Operator(
        name="exp",
        family="exponential",
        signature="(...)->(...)",
        definition=np.exp,
        examples=UNARY,
        formula="y = e^x",
        citation="DLMF section 4.2(iii), The Exponential Function",
        witnesses=(
            Witness((np.array([0.0, 1.0, -1.0]),), np.array([1.0, E, 0.36787944117144233]), "A001113, A068985"),
        ),
        special=GROWTH,
    ),
    Operator(
        name="exp2",
        family="exponential",
        signature="(...)->(...)",
        definition=np.exp2,
        examples=UNARY,
        formula="y = 2^x",
        citation="IEEE 754-2019, table 9.1 (exp2)",
        witnesses=(
            Witness(
                (np.array([10.0, -1.0, 0.5]),), np.array([1024.0, 0.5, 1.4142135623730951]), "2^10, A002193: sqrt 2"
            ),
        ),
        special=(*GROWTH, 127.0, 1000.0),
    ),
    Operator(
        name="expm1",
        family="exponential",
        signature="(...)->(...)",
        definition=np.expm1,
        examples=UNARY,
        formula="y = e^x - 1",
        citation="IEEE 754-2019, table 9.1 (expm1)",
        witnesses=(Witness((np.array([0.0, 1.0, -LN2]),), np.array([0.0, E - 1, -0.5]), "A091131: e - 1"),),
        special=GROWTH,
    ),
    Operator(
        name="log1p",
        family="exponential",
        signature="(...)->(...)",
        definition=np.log1p,
        examples=UNARY,
        formula="y = ln(1 + x)",
        citation="IEEE 754-2019, table 9.1 (logp1)",
        witnesses=(
            Witness((np.array([0.0, 1.0, -0.5]),), np.array([0.0, 0.6931471805599453, -0.6931471805599453]), "A002162"),
        ),
        domain=Domain((interval(low=-1.0, closed=False),)),
        special=(0.0, -0.0, 1e-8, -1e-8, 1e-20, -0.999, 1.0, 1e4, 1e20),
    ),
    Operator(
        name="log2",
        family="exponential",
        signature="(...)->(...)",
        definition=np.log2,
        examples=UNARY,
        formula="y = ln x / ln 2",
        citation="IEEE 754-2019, table 9.1 (log2)",
        witnesses=(Witness((np.array([8.0, 0.5, 10.0]),), np.array([3.0, -1.0, 3.321928094887362]), "OEIS A020862"),),
        domain=Domain((POSITIVE,)),
        special=MAGNITUDES,
    ),
    Operator(
        name="log10",
        family="exponential",
        signature="(...)->(...)",
        definition=np.log10,
        examples=UNARY,
        formula="y = ln x / ln 10",
        citation="IEEE 754-2019, table 9.1 (log10)",
        witnesses=(
            Witness((np.array([1000.0, 0.1, 2.0]),), np.array([3.0, -1.0, 0.3010299956639812]), "OEIS A007524"),
        ),
        domain=Domain((POSITIVE,)),
        special=MAGNITUDES,
    ),
    Operator(
        name="logaddexp",
        family="exponential",
        signature="(...),(...)->(...)",
        definition=np.logaddexp,
        examples=BINARY,
        formula="z = ln(e^x + e^y)",
        citation="Boyd, Vandenberghe, Convex Optimization, section 3.1.5",
        witnesses=(
            Witness(
                (np.log([3.0, 1.0]), np.log([5.0, 1.0])), np.array([2.0794415416798357, LN2]), "A016631: ln 8; ln 2"
            ),
        ),
        special=GROWTH,
    ),
    Operator(
        name="logaddexp2",
        family="exponential",
        signature="(...),(...)->(...)",
        definition=np.logaddexp2,
        examples=BINARY,
        formula="z = log_2(2^x + 2^y)",
        citation="Boyd, Vandenberghe, Convex Optimization, section 3.1.5",
        witnesses=(
            Witness((np.array([1.0, 1.0]), np.array([1.0, np.log2(6.0)])), np.array([2.0, 3.0]), "2 + 2, 2 + 6"),
        ),
        special=GROWTH,
    ),
    Operator(
        name="xlogy",
        family="exponential",
        signature="(...),(...)->(...)",
        definition=xlogy,
        examples=BINARY,
        formula="z = x ln y, and 0 for x = 0",
        citation="Cover, Thomas, Elements of Information Theory, section 2.1",
        witnesses=(
            Witness((np.array([3.0, 0.0, -1.0]), np.array([2.0, 7.0, 2.0])), np.array([3, 0, -1]) * LN2, "A002162"),
        ),
        domain=Domain((REALS, POSITIVE)),
        special=(0.0, -0.0, 1.0, -1.0, 1e-8, 1e4, 1e20, 2.0),
    ),
    Operator(
        name="xlog1py",
        family="exponential",
        signature="(...),(...)->(...)",
        definition=xlog1py,
        examples=BINARY,
        formula="z = x ln(1 + y), and 0 for x = 0",
        citation="Cover, Thomas, Elements of Information Theory, section 2.1",
        witnesses=(
            Witness((np.array([3.0, 0.0, 1.0]), np.array([1.0, 7.0, -0.5])), np.array([3, 0, -1]) * LN2, "A002162"),
        ),
        domain=Domain((REALS, interval(low=-1.0, closed=False))),
        special=(0.0, -0.0, 1.0, -0.999, 1e-8, -1e-8, 1e-20, 1e4),
    ),
    Operator(
        name="entr",
        family="exponential",
        signature="(...)->(...)",
        definition=entr,
        examples=UNARY,
        formula="y = -x ln x, and 0 for x = 0",
        citation="Cover, Thomas, Elements of Information Theory, equation 2.1",
        witnesses=(Witness((np.array([0.5, 1.0, 0.0, 2.0]),), np.array([LN2 / 2, 0.0, 0.0, -2 * LN2]), "A002162"),),
        domain=Domain((POSITIVE,)),
        special=(1.0, 0.5, 1e-8, 1e-20, 1e4, 1 / E),  # at 0 the slope is infinite, at 1/e it is 0
    ),
    Operator(
        name="rel_entr",
        family="exponential",
        signature="(...),(...)->(...)",
        definition=rel_entr,
        examples=BINARY,
        formula="z = x ln(x / y), and 0 for x = 0",
        citation="Cover, Thomas, Elements of Information Theory, equation 2.26",
        witnesses=(
            Witness((np.array([2.0, 1.0, 0.0]), np.array([1.0, 2.0, 3.0])), np.array([2, -1, 0]) * LN2, "A002162"),
        ),
        domain=Domain((POSITIVE,)),
        special=(0.0, 1.0, 0.5, 2.0, 1e-8, 1e4, 1e-20),
    ),
    Operator(
        name="kl_div",
        family="exponential",
        signature="(...),(...)->(...)",
        definition=kl_div,
        examples=BINARY,
        formula="z = x ln(x / y) - x + y, and y for x = 0",
        citation="Boyd, Vandenberghe, Convex Optimization, example 3.19",
        witnesses=KL_DIV_WITNESSES,
        domain=Domain((POSITIVE,)),
        special=(0.0, 1.0, 0.5, 2.0, 1e-8, 1e4, 1.0 + 2.0**-20),
    ),
    Operator(
        name="log1mexp",
        family="exponential",
        signature="(...)->(...)",
        definition=log1mexp,
        examples=UNARY,
        formula="y = ln(1 - e^-x)",
        citation="Maechler, Accurately Computing log(1 - exp(-|a|)) (2012), equation 7",
        witnesses=(Witness((np.log([2.0, 4.0, 1.25]),), np.log([0.5, 0.75, 0.2]), "ln(1 - 1/a) at x = ln a"),),
        domain=Domain((POSITIVE,)),
        special=(LN2, 1e-8, 1e-20, 1.0, 20.0, 88.0, 100.0, 800.0),
    ),
)
