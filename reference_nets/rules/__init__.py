"""Derivative rules, one file per family, written from the mathematics.

``RULES[name](cotangent, *inputs, **params)`` gives one gradient per floating-point input, of the input's shape and
type: the transposed Jacobian applied to the cotangent.  ``JVPS[name](tangents, *inputs, **params)`` gives the Jacobian
applied to the tangents, one per floating-point input, for operators that have a forward rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference_nets.rules import (
    activations,
    arithmetic,
    attention,
    bessel,
    classification,
    comparison,
    convolution,
    decompositions,
    distances,
    elementwise,
    exponential,
    extension,
    fourier,
    gates,
    indexing,
    interpolation,
    linear_algebra,
    losses,
    matrix_parts,
    normalisation,
    norms,
    pooling,
    products,
    rectifiers,
    recurrent,
    reductions,
    regression,
    scans,
    shaping,
    sorting,
    special,
    statistics,
    trigonometric,
)

_FAMILIES = (
    elementwise,
    arithmetic,
    exponential,
    trigonometric,
    special,
    bessel,
    comparison,
    activations,
    rectifiers,
    gates,
    reductions,
    statistics,
    norms,
    scans,
    linear_algebra,
    indexing,
    losses,
    regression,
    classification,
    distances,
    normalisation,
    pooling,
    convolution,
    shaping,
    extension,
    matrix_parts,
    sorting,
    products,
    decompositions,
    recurrent,
    attention,
    interpolation,
    fourier,
)

RULES: dict[str, Callable[..., tuple[Any, ...]]] = {
    name: rule for family in _FAMILIES for name, rule in family.RULES.items()
}
JVPS: dict[str, Callable[..., Any]] = {name: rule for family in _FAMILIES for name, rule in family.JVPS.items()}
