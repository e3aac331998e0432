"""Certified derivatives: the function's own text, run once on a tape and differentiated in balls.

No difference and no step: the answer is an interval that holds the derivative of the real function that the text denotes, at the exact
inputs.  It trusts the formulas of the table of operations, and flint.  Where a text cannot be traced, or its trace is not the
function that floating point computes, nothing is said, and why is said in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.records import Array

METHOD = "certified balls"


@dataclass(frozen=True, slots=True)
class Enclosure:
    """The derivative of sum_k <g_k, f_k>: packed midpoints and radii, (n,) both; where nothing is known, nan and inf."""

    value: Array
    bound: Array
    bits: int


def enclose(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    wrt: Sequence[int],
    cotangents: Sequence[Array],
    outputs: Sequence[Array],
    *,
    kwargs: Mapping[str, Any],
    limit: int,
) -> Enclosure | str:
    """The vjp with respect to the arguments ``wrt``, or why there is none.

    ``outputs`` are what the function gives in floating point: a trace that gives others is of another function.
    ``limit``: operations on single numbers after which a text is too long.
    """
    from gradcheck.numbers.agreement import agrees
    from gradcheck.numbers.errors import NumbersError
    from gradcheck.numbers.tracing import trace
    from gradcheck.numbers.truth import certified_gradient

    inputs = [np.asarray(arguments[k], np.float64) for k in wrt]
    try:
        with np.errstate(all="ignore"):
            made = trace(function, list(arguments), kwargs=dict(kwargs), wrt=list(wrt), limit=limit)
            if made.ties:
                return "equal numbers are compared there"
            if not agrees(made, inputs, outputs[0] if made.single else tuple(outputs)):
                return "the traced text does not give the values that the forward gives"
            found = certified_gradient(made.program, inputs, [np.asarray(g, np.float64) for g in cotangents])
    except NumbersError as error:
        return str(error)
    value = np.concatenate([f.value.reshape(-1) for f in found]) if found else np.zeros(0)
    bound = np.concatenate([f.error.reshape(-1) for f in found]) if found else np.zeros(0)
    known = np.isfinite(value) & np.isfinite(bound)
    return Enclosure(np.where(known, value, np.nan), np.where(known, bound, np.inf), max(f.bits for f in found))
