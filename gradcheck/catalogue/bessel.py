"""Bessel functions of order 0 and 1, ordinary and modified."""

from __future__ import annotations

import numpy as np
from scipy import special

from gradcheck.catalogue.special import FEW, typed
from gradcheck.claim import POSITIVE, Domain, Kink, Operator, Witness

GROWTH = (0.0, -0.0, 1.0, -1.0, 7.9, 8.1, -20.0, 88.0, -100.0, 700.0, 1e-8, -1e-8, 1e-20)
"""Around 8, where numerical texts change their expansion, and to the end of both types."""

DECAY = (1e10, -1e12, 1.0, -1.0, 7.9, 8.1, -20.0, 100.0, 700.0, 1e-8, -1e-8, 1e4, -1e4)
"""As ``GROWTH``, and first, as differences are costly here and not all are reached, where only a series in 1/x keeps I0 - I1."""

WAVES = (0.0, -0.0, 1.0, -1.0, 2.404825557695773, 3.8317059702075125, 4.9, 5.1, -20.0, 100.0, 1e4, 1e-8, -1e-8)
"""Roots of J0 and J1 (A&S table 9.5), around 5, where numerical texts change their expansion, and far out."""

RIGHT = (0.8935769662791675, 2.197141326031017, 1.0, 4.9, 5.1, 20.0, 100.0, 1e-8, 1e-4)
"""Roots of Y0 and Y1 (A&S table 9.5), and next to the pole."""

I0, I1 = 1.2660658777520084, 0.565159103992485
I0E, I1E = 0.46575960759364043, 0.20791041534970845

OPERATORS = (
    Operator(
        name="bessel_i0",
        family="bessel",
        signature="(...)->(...)",
        definition=typed(special.i0),
        examples=FEW,
        formula="y = I_0(x), modified Bessel function of the first kind",
        citation="DLMF 10.25.2",
        witnesses=(Witness((np.array([0.0, 1.0, -1.0]),), np.array([1.0, I0, I0]), "OEIS A197036"),),
        special=GROWTH,
    ),
    Operator(
        name="bessel_i1",
        family="bessel",
        signature="(...)->(...)",
        definition=typed(special.i1),
        examples=FEW,
        formula="y = I_1(x), modified Bessel function of the first kind",
        citation="DLMF 10.25.2",
        witnesses=(Witness((np.array([0.0, 1.0, -1.0]),), np.array([0.0, I1, -I1]), "OEIS A096789"),),
        special=GROWTH,
    ),
    Operator(
        name="bessel_i0e",
        family="bessel",
        signature="(...)->(...)",
        definition=typed(special.i0e),
        examples=FEW,
        formula="y = e^-|x| I_0(x)",
        citation="DLMF 10.25.2; Abramowitz, Stegun, table 9.8",
        witnesses=(Witness((np.array([0.0, 1.0, -1.0]),), np.array([1.0, I0E, I0E]), "A&S table 9.8"),),
        kinks=(Kink("x = 0", "anything in [-1, 1]"),),
        special=DECAY,
    ),
    Operator(
        name="bessel_i1e",
        family="bessel",
        signature="(...)->(...)",
        definition=typed(special.i1e),
        examples=FEW,
        formula="y = e^-|x| I_1(x)",
        citation="DLMF 10.25.2; Abramowitz, Stegun, table 9.8",
        witnesses=(Witness((np.array([0.0, 1.0, -1.0]),), np.array([0.0, I1E, -I1E]), "A&S table 9.8"),),
        special=DECAY,
    ),
    Operator(
        name="bessel_j0",
        family="bessel",
        signature="(...)->(...)",
        definition=typed(special.j0),
        examples=FEW,
        formula="y = J_0(x), Bessel function of the first kind",
        citation="DLMF 10.2.2",
        witnesses=(Witness((np.array([0.0, 1.0]),), np.array([1.0, 0.7651976865579666]), "A&S table 9.1"),),
        special=WAVES,
    ),
    Operator(
        name="bessel_j1",
        family="bessel",
        signature="(...)->(...)",
        definition=typed(special.j1),
        examples=FEW,
        formula="y = J_1(x), Bessel function of the first kind",
        citation="DLMF 10.2.2",
        witnesses=(Witness((np.array([0.0, 1.0]),), np.array([0.0, 0.44005058574493355]), "A&S table 9.1"),),
        special=WAVES,
    ),
    Operator(
        name="bessel_y0",
        family="bessel",
        signature="(...)->(...)",
        definition=typed(special.y0),
        examples=FEW,
        formula="y = Y_0(x), Bessel function of the second kind",
        citation="DLMF 10.2.3",
        witnesses=(
            Witness((np.array([1.0, 2.0]),), np.array([0.08825696421567697, 0.510375672649745]), "A&S table 9.1"),
        ),
        domain=Domain((POSITIVE,)),
        special=RIGHT,
    ),
    Operator(
        name="bessel_y1",
        family="bessel",
        signature="(...)->(...)",
        definition=typed(special.y1),
        examples=FEW,
        formula="y = Y_1(x), Bessel function of the second kind",
        citation="DLMF 10.2.3",
        witnesses=(Witness((np.array([1.0]),), np.array([-0.7812128213002887]), "A&S table 9.1"),),
        domain=Domain((POSITIVE,)),
        special=RIGHT,
    ),
)
