"""Every wrong formula of one question-and-answer thread about back-propagation, as code that can be put to a checker.

The thread asks for an account of back-propagation in full generality, and its answers contain slips: a lost sign, a lost
mean, a lost sum over paths.  Each is a ``Formula``: as it was printed, as it should be, both as code, and the RELATION
between them as code too, so that it can be measured rather than believed.  The numbering is P for the answer about the
perceptron, L for the linked answer about two hidden layers, O for orders of computation that are often got wrong.

Source: the question "A good reference for the back propagation algorithm?" with its answers; for what is right, the modules
``perceptron``, ``two_layers``, ``rojas_layers`` and ``recurrent``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference_nets.generic import Activation, Value, logistic
from reference_nets.thread.layers import layer_formulas
from reference_nets.thread.orders import order_formulas
from reference_nets.thread.records import Formula, Measurement, Rule, Statement, jacobian, measure
from reference_nets.thread.unit import sigmoid_formulas, unit_formulas
from reference_nets.thread.words import STATEMENTS

__all__ = ["STATEMENTS", "Formula", "Measurement", "Rule", "Statement", "formulas", "jacobian", "measure"]


def formulas(exp: Callable[[Value], Value] = np.exp, sigma: Activation | None = None) -> dict[str, Formula]:
    """All formulas by their numbers, over the number type of ``exp``.

    ``sigma`` replaces the sigmoid in those that hold for any activation: a rational one makes them exact in rationals.
    P1 and P3 are about the sigmoid itself and use ``exp``.
    """
    chosen = logistic(exp) if sigma is None else sigma
    found = (*sigmoid_formulas(exp), *unit_formulas(chosen), *layer_formulas(chosen), *order_formulas(chosen))
    return {formula.id: formula for formula in sorted(found, key=lambda f: (f.id[0], int(f.id[1:])))}
