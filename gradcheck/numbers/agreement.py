"""Whether a trace's value is the float forward's: if it is not, the trace is of another function and is worth nothing.

Each instruction may be off by its own roundoff; what that does to an output is its adjoint there, to first order.
Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), section 3.1; Griewank, Walther (2008), section 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck.numbers.balls import Balls
from gradcheck.numbers.field import Field, Floats, Values
from gradcheck.numbers.floats import FLOAT64
from gradcheck.numbers.program import Program
from gradcheck.numbers.tracing import Trace

ARITHMETIC = ("add", "sub", "mul", "div", "neg", "sqrt")
"""Operations that IEEE 754 rounds correctly: off by one unit roundoff at most."""

LIBRARY = 16.0
"""Unit roundoffs by which a library's function may be off: NumPy and glibc state 4 ulp or less for their own, SciPy is a little worse."""

HIGHER = 4.0
"""For terms of higher order, and for a text that computes the same number in another order than the tape."""

CELLS = 4_000_000
"""Adjoints held at once."""


def rounding_bound(trace: Trace, inputs: Sequence[Any], unit: float = 2.0**-53) -> tuple[Floats, ...]:
    """How far each entry of the text's value may be from the real one when it computes with the unit roundoff ``unit``; inf if unknown."""
    unit = max(unit, trace.unit)
    bounds = []
    for position, ids in enumerate(trace.program.outputs):
        bound = _bounds(trace, inputs, position, unit, FLOAT64)
        unknown = np.flatnonzero(~np.isfinite(bound))
        if unknown.size:  # an intermediate result overflows in float64
            bound[unknown] = _bounds(trace, inputs, position, unit, Balls(64))[unknown]
        bounds.append(np.where(np.isfinite(bound), bound, np.inf).reshape(ids.shape))
    return tuple(bounds)


def _bounds(trace: Trace, inputs: Sequence[Any], position: int, unit: float, field: Field) -> Floats:
    program = trace.program
    with field.working():
        given = [field.constants(np.asarray(x, float).ravel()) for x in inputs]
        store = program.run(field, given)
        count = program.outputs[position].size
        out = np.zeros(count)
        step = max(1, CELLS // max(program.size, 1))
        noise = _local(program, _near(store), unit)
        for start in range(0, count, step):
            rows = np.arange(start, min(start + step, count))
            unit_vectors = np.zeros((rows.size, count))
            unit_vectors[np.arange(rows.size), rows] = 1.0
            cotangents = [
                field.constants(unit_vectors) if k == position else field.zeros((rows.size, ids.size))
                for k, ids in enumerate(program.outputs)
            ]
            spread = _spread(store, rows.size, field)
            slopes = np.abs(_near(program.adjoint(field, spread, cotangents)))
            with np.errstate(all="ignore"):
                terms = np.where(noise > 0, slopes * noise, 0.0)
                out[rows] = HIGHER * np.sum(terms, axis=-1)
    return out


def _spread(store: Values, rows: int, field: Field) -> Values:
    return np.broadcast_to(store, (rows, store.shape[-1]))


def _near(values: Values) -> Floats:
    if values.dtype != object:
        return np.asarray(values, float)
    return np.array([float(v) for v in values.flat], float).reshape(values.shape)


def _local(program: Program, values: Floats, unit: float) -> Floats:
    """The roundoff of each place: of its own size, or of the terms that it adds up; and what underflow may take."""
    noise = np.zeros(program.size)
    tiny = 2.0**-1074 if unit <= 2.0**-53 else 2.0**-24 if unit == 2.0**-11 else 2.0**-149
    with np.errstate(all="ignore"):
        for step in program.steps:
            if step.name == "sum":
                size = np.sum(np.abs(values[step.operands[0]]), axis=-1) * step.operands[0].shape[-1]
            elif step.name == "dot":
                size = (
                    np.sum(np.abs(values[step.operands[0]] * values[step.operands[1]]), axis=-1)
                    * step.operands[0].shape[-1]
                )
            else:
                size = np.abs(values[step.places]) * (1.0 if step.name in ARITHMETIC else LIBRARY)
            noise[step.places] = size * unit + tiny
        for ids in program.inputs:  # a narrower type is exact for its own numbers, but casts may round
            noise[ids.ravel()] = 0.0 if unit <= 2.0**-53 else np.abs(values[ids.ravel()]) * unit
    return noise


def agrees(trace: Trace, inputs: Sequence[Any], value: Any) -> bool:
    """Whether the float forward's ``value`` lies within the rounding bound of the trace's wherever it is finite.

    ``inputs`` are the traced ones.  The unit roundoff is that of the value's own type.
    """
    values = [value] if trace.single else list(value)
    units = {"float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
    widest = max((units.get(np.asarray(v).dtype.name, 2.0**-53) for v in values), default=2.0**-53)
    bounds = rounding_bound(trace, inputs, widest)
    for v, known, bound in zip(values, trace.value, bounds, strict=True):
        found = np.asarray(v, np.float64)
        if found.shape != known.shape:
            return False
        finite = np.isfinite(found)
        with np.errstate(all="ignore"):
            # the trace's own value is rounded to float64, and the result to its type
            near = np.abs(found - known) <= bound + 2 * widest * np.abs(known)
        if not np.all(near[finite]):
            return False
    return True
