"""One text, many number systems: the networks' code over mpmath numbers and over certified balls.

``BALLS`` holds real numbers as intervals [m - r, m + r] with rigorous rounding (Arb, by python-flint): whatever
arithmetic does, the true result is inside.
"""

from __future__ import annotations

import flint
import mpmath
import numpy as np

from reference_nets.networks import kit

DIGITS = 70
"""Working precision.  Results are asked to agree to 50 digits, so 20 are left for the roundings of a gradient, far fewer
than 10^10.  ``mpmath.diff`` takes a central difference of step h = 2^-(p + 10) in more than twice the p bits of 70 digits:
its truncation, of the order of h^2, and its rounding, 2^-(2p + 40) / h, are both below the last of the 70."""
AGREED = mpmath.mpf(10) ** -50


def _mp(name):
    return np.frompyfunc(getattr(mpmath, name), 1, 1)


def _arb(name):
    return np.frompyfunc(lambda ball: getattr(ball, name)(), 1, 1)


MPMATH = kit("mpmath", _mp("exp"), _mp("log"), _mp("tanh"))
BALLS = kit("balls", _arb("exp"), _arb("log"), _arb("tanh"))
to_mp = _mp("mpf")
to_balls = np.frompyfunc(lambda x: flint.arb(float(x)), 1, 1)
"""Floats as balls of radius 0."""


def contains(ball, number):
    """Whether a ball contains an mpmath number, decided exactly: the number is a dyadic rational."""
    sign, man, exponent, _ = number._mpf_
    with flint.ctx.workprec(2000):
        exact = flint.arb(-int(man) if sign else int(man)) * flint.arb(2) ** int(exponent)
        assert exact.is_exact()
        return ball.contains(exact)
