"""The text of the backward pass itself, in real numbers: is it the derivative there, and how far may rounding take it from that?

A formula that subtracts nearly equal numbers loses any number of digits and is no wrong formula, though no digit of the answer be right.
What tells the two apart is the formula in exact arithmetic.  It is traced as the forward is, and evaluated in balls; the bound of its
rounding is that of a trace (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), so that an answer which
overflowed, or was cast to a narrower type, is not excused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.flat import roundoff
from gradcheck.records import Array
from gradcheck.subjects.callables import CAUGHT, Call


def in_real_numbers(
    call: Call, leaves: Sequence[Any], cotangents: Sequence[Array], single: bool, dtype: np.dtype[Any], limit: int
) -> tuple[Array, Array, Array] | None:
    """What the text of the vjp gives in real numbers, its bound, and how far rounding in ``dtype`` may take it, each (n,); None if unknown.

    ``single``: the forward gives one array and not a tuple.  ``limit``: operations on single numbers after which a text is too long.
    """
    from gradcheck.numbers.agreement import rounding_bound
    from gradcheck.numbers.errors import NumbersError
    from gradcheck.numbers.tracing import trace
    from gradcheck.numbers.truth import certified_value

    count, u = len(cotangents), roundoff(dtype)
    given = [np.asarray(g, np.float64) for g in cotangents] if all(g.dtype.kind == "f" for g in cotangents) else []
    if not given or not call.plain:
        return None
    arguments = [*given, *(np.array(x) if isinstance(x, np.ndarray) else x for x in leaves)]
    floats = [isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in arguments]
    traced = [k for k in range(len(arguments)) if floats[k] or k - count in call.active]

    made_of = call.implementation
    vjp, forward = made_of.vjp_text or made_of.vjp, made_of.forward
    stated = replace(call, implementation=replace(made_of, vjp=vjp))

    def text(*values: Any) -> tuple[Any, ...]:
        assert callable(vjp) and callable(forward)  # the trace looks for the text in this function's closure
        return tuple(stated.parts(stated.pull(values[:count], values[count:], single)) or ())

    text.__module__ = getattr(vjp, "__module__", None) or type(vjp).__module__
    inputs = [np.asarray(arguments[k], np.float64) for k in traced]
    try:
        with np.errstate(all="ignore"):
            made = trace(text, arguments, wrt=traced, limit=limit)
            if made.unit > u or [v.shape for v in made.value] != [np.shape(leaves[k]) for k in call.active]:
                return None
            exact = certified_value(made.program, inputs)
            rounding = rounding_bound(made, inputs, u)
    except (NumbersError, *CAUGHT):
        return None
    value, bound, off = (
        np.concatenate([np.ravel(a) for a in part])
        for part in ([e.value for e in exact], [e.error for e in exact], rounding)
    )
    return value, bound, off
