"""One text, many number systems: the networks' code over mpmath numbers and over certified balls.

A ``Kit`` is what a network needs beyond ``+ - * /``.  ``BALLS`` holds real numbers as intervals [m - r, m + r] with
rigorous rounding (Arb, by python-flint): whatever arithmetic does, the true result is inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flint
import mpmath
import numpy as np

from reference_nets import generic, losses

DIGITS = 70
"""Working precision.  Results are asked to agree to 50 digits: 20 are left for fewer than 10^10 roundings, and for
``mpmath.diff``, which itself works at twice the precision with a step that costs it less than 5."""
AGREED = mpmath.mpf(10) ** -50


@dataclass(frozen=True)
class Kit:
    """Two activations and the losses over one number system, and the way into it from floats."""

    name: str
    lift: Callable[[Any], Any]
    sigmoid: generic.Activation
    tanh: generic.Activation
    cross_entropy: losses.Loss | None = None
    binary: losses.Loss | None = None


def transcendental(name, lift, exp, log, tanh):
    return Kit(
        name,
        lift,
        generic.logistic(exp),
        generic.hyperbolic_tangent(tanh),
        losses.cross_entropy(exp, log),
        losses.binary_cross_entropy(log),
    )


def _method(name):
    return np.frompyfunc(lambda ball: getattr(ball, name)(), 1, 1)


def _mp(name):
    return np.frompyfunc(getattr(mpmath, name), 1, 1)


FLOATS = transcendental("float64", lambda x: x, np.exp, np.log, np.tanh)
MPMATH = transcendental("mpmath", np.frompyfunc(mpmath.mpf, 1, 1), _mp("exp"), _mp("log"), _mp("tanh"))
BALLS = transcendental(
    "balls",
    np.frompyfunc(lambda x: flint.arb(float(x)), 1, 1),
    _method("exp"),
    _method("log"),
    _method("tanh"),
)
RATIONALS = Kit("rationals", lambda x: x, generic.bump, generic.cube)
"""Rational functions in the place of the sigmoid and of tanh."""


def contains(ball, number):
    """Whether a ball contains an mpmath number, decided exactly: the number is a dyadic rational."""
    sign, man, exponent, _ = number._mpf_
    with flint.ctx.workprec(2000):
        exact = flint.arb(-int(man) if sign else int(man)) * flint.arb(2) ** int(exponent)
        assert exact.is_exact()
        return ball.contains(exact)
