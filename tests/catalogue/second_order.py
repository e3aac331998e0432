"""The engine's second derivatives, with what only the tests ask: the rule of the reference, and its first order along tangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.engine.second_order import BALLS, NoDerivativeError, UnreadError, dot
from gradcheck.engine.second_order import Place as Place
from reference_nets.rules import RULES

__all__ = ["NoDerivativeError", "Place", "UnreadError", "first_gap", "rule_of"]


def first_gap(place: Place, rule: Callable[..., Any]) -> float:
    """The rule in float64 against the gradient in balls along both tangents, in units of half the digits: the same function?"""
    read = place.read(place.operator.definition, list(place.inputs))
    if read.ties:
        raise NoDerivativeError("the definition compares equal numbers here")
    with BALLS.working():
        given = [BALLS.constants(x.ravel()) for x in place.moving]
        slopes = read.program.gradient(BALLS, given, [BALLS.constants(place.cotangent.ravel())])
        sums = [dot(slopes, tangents) for tangents in (place.u, place.v)]
    got = rule(place.cotangent, *place.inputs, **place.example.params)
    value = np.max(np.abs(read.value[0]), initial=0.0) * np.max(np.abs(place.cotangent), initial=0.0)
    gaps = []
    for (truth, terms), tangents in zip(sums, (place.u, place.v), strict=True):
        mine = sum(float(np.sum(p * t)) for p, t in zip(got, tangents, strict=True))
        gaps.append(abs(mine - truth) / (2.0**-26 * (terms + value * place.steepness) + np.finfo(float).tiny))
    return float(max(gaps))


def rule_of(name: str) -> Callable[..., Any]:
    """The reference's."""
    return RULES[name]
