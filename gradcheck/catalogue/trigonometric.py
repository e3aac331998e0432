"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.catalogue.elementwise import UNARY
from gradcheck.claim import Domain, Operator, Witness, interval

ANGLES = (0.0, -0.0, math.pi / 2, -math.pi / 2, math.pi, math.pi / 4, 1e-8, -1e-8, 1e-20, 100.0, -1e4)
"""Roots and turning points, where the function is its own argument, and after many turns."""

ENDS = (0.0, -0.0, 1.0, -1.0, 0.999, -0.999, 1e-8, -1e-8, 1e-20, 1.0 - 2.0**-20)
"""The ends of [-1, 1] and what is close to them."""

FAR = (0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 88.0, -100.0, 700.0, 1e4, 1e20, -1e20, 1e-8, -1e-8, 1e-20)

UNIT, OPEN_UNIT = Domain((interval(-1.0, 1.0),)), Domain((interval(-1.0, 1.0, closed=False),))

PI, LN2, ROOT2, ROOT3 = math.pi, math.log(2.0), 1.4142135623730951, 1.7320508075688772

SINC_WITNESS = Witness(
    (np.array([0.0, 0.5, -1 / 6]),),
    np.array([1.0, 0.6366197723675814, 0.954929658551372]),
    "A060294, A089491: 2/pi, 3/pi",
)

OPERATORS = (
    Operator(
        name="sin",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.sin,
        examples=UNARY,
        formula="y = sin x",
        citation="DLMF 4.14.1",
        witnesses=(
            Witness((np.array([0.0, PI / 6, -PI / 4]),), np.array([0.0, 0.5, -ROOT2 / 2]), "DLMF table 4.17.1"),
        ),
        special=ANGLES,
    ),
    Operator(
        name="cos",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.cos,
        examples=UNARY,
        formula="y = cos x",
        citation="DLMF 4.14.2",
        witnesses=(Witness((np.array([0.0, PI / 3, -PI / 4]),), np.array([1.0, 0.5, ROOT2 / 2]), "DLMF table 4.17.1"),),
        special=ANGLES,
    ),
    Operator(
        name="tan",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.tan,
        examples=UNARY,
        formula="y = sin x / cos x",
        citation="DLMF 4.14.4",
        witnesses=(Witness((np.array([0.0, PI / 4, -PI / 3]),), np.array([0.0, 1.0, -ROOT3]), "DLMF table 4.17.1"),),
        special=ANGLES,
    ),
    Operator(
        name="arcsin",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.arcsin,
        examples=UNARY,
        formula="y = arcsin x",
        citation="DLMF 4.23.1",
        witnesses=(Witness((np.array([0.0, 0.5, -1.0]),), np.array([0.0, PI / 6, -PI / 2]), "DLMF table 4.17.1"),),
        domain=UNIT,
        special=ENDS,  # the slope at both ends is infinite
    ),
    Operator(
        name="arccos",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.arccos,
        examples=UNARY,
        formula="y = arccos x",
        citation="DLMF 4.23.2",
        witnesses=(Witness((np.array([0.0, 0.5, -1.0]),), np.array([PI / 2, PI / 3, PI]), "DLMF table 4.17.1"),),
        domain=UNIT,
        special=ENDS,  # the slope at both ends is infinite
    ),
    Operator(
        name="arctan",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.arctan,
        examples=UNARY,
        formula="y = arctan x",
        citation="DLMF 4.23.3",
        witnesses=(Witness((np.array([0.0, 1.0, -ROOT3]),), np.array([0.0, PI / 4, -PI / 3]), "DLMF table 4.17.1"),),
        special=FAR,
    ),
    Operator(
        name="sinc",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.sinc,
        examples=UNARY,
        formula="y = sin(pi x) / (pi x), and 1 for x = 0",
        citation="Woodward, Probability and Information Theory (1953), section 2.1",
        witnesses=(SINC_WITNESS,),
        special=(0.0, -0.0, 1.0, -1.0, 0.5, 1e-8, 1e-3, -1e-3, 1e-20, 100.0, 1e4),
    ),
    Operator(
        name="sinh",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.sinh,
        examples=UNARY,
        formula="y = (e^x - e^-x) / 2",
        citation="DLMF 4.28.1",
        witnesses=(Witness((np.array([0.0, LN2, -2 * LN2]),), np.array([0.0, 0.75, -1.875]), "(a - 1/a) / 2"),),
        special=FAR,
    ),
    Operator(
        name="cosh",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.cosh,
        examples=UNARY,
        formula="y = (e^x + e^-x) / 2",
        citation="DLMF 4.28.2",
        witnesses=(Witness((np.array([0.0, LN2, -2 * LN2]),), np.array([1.0, 1.25, 2.125]), "(a + 1/a) / 2"),),
        special=FAR,
    ),
    Operator(
        name="arcsinh",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.arcsinh,
        examples=UNARY,
        formula="y = ln(x + sqrt(x^2 + 1))",
        citation="DLMF 4.37.16",
        witnesses=(Witness((np.array([0.0, 0.75, -1.875]),), np.array([0.0, LN2, -2 * LN2]), "(a - 1/a) / 2"),),
        special=FAR,
    ),
    Operator(
        name="arccosh",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.arccosh,
        examples=UNARY,
        formula="y = ln(x + sqrt(x^2 - 1))",
        citation="DLMF 4.37.19",
        witnesses=(Witness((np.array([1.0, 1.25, 2.125]),), np.array([0.0, LN2, 2 * LN2]), "(a + 1/a) / 2"),),
        domain=Domain((interval(low=1.0),)),
        special=(1.0, 1.0 + 2.0**-20, 1.001, 2.0, 100.0, 1e4, 1e20),  # the slope at 1 is infinite
    ),
    Operator(
        name="arctanh",
        family="trigonometric",
        signature="(...)->(...)",
        definition=np.arctanh,
        examples=UNARY,
        formula="y = ln((1 + x) / (1 - x)) / 2",
        citation="DLMF 4.37.24",
        witnesses=(Witness((np.array([0.0, 0.6, -0.8]),), np.array([0.0, LN2, -math.log(3.0)]), "tanh(ln a)"),),
        domain=OPEN_UNIT,
        special=ENDS,
    ),
)
