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
from gradcheck.numbers.operations import TABLE, Calculus
from gradcheck.numbers.program import Program, Step
from gradcheck.numbers.tape import REDUCTIONS
from gradcheck.numbers.tracing import Trace
from gradcheck.numbers.truth import certified_value

ARITHMETIC = ("add", "sub", "mul", "div", "neg", "sqrt")
"""Operations that IEEE 754 rounds correctly: off by one unit roundoff at most."""

ELEMENTARY = (
    *(
        "exp",
        "expm1",
        "log",
        "log1p",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "atan2",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
    ),
    *("acosh", "atanh", "cbrt", "powi", "powr", "pow", "sech"),
)
"""Functions of NumPy and the C library: off by a few ulp of the value."""

LIBRARY = 16.0
"""Unit roundoffs by which a library's function may be off: NumPy and glibc state 4 ulp or less for their own, SciPy is a little worse, and
it may be the value of an argument that is off by so much (the exponential within erfc, the phase of a Bessel function)."""

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
    count = program.outputs[position].size
    out = np.zeros(count)
    step = max(1, CELLS // max(program.size, 1))
    with field.working():
        store = program.run(field, [field.constants(np.asarray(x, float).ravel()) for x in inputs])
        noise = _local(program, field, store, unit)
        made = np.flatnonzero(np.asarray(noise != 0, bool))
        for start in range(0, count, step):
            rows = np.arange(start, min(start + step, count))
            chosen = np.zeros((rows.size, count))
            chosen[np.arange(rows.size), rows] = 1.0
            cotangents = [
                field.constants(chosen) if k == position else field.zeros((rows.size, ids.size))
                for k, ids in enumerate(program.outputs)
            ]
            spread = np.broadcast_to(store, (rows.size, program.size))
            slopes = np.abs(program.adjoint(field, spread, cotangents)[:, made])
            # a place that the output does not depend on may hold no number
            terms = np.where(np.asarray(slopes == 0, bool), slopes, slopes * noise[made])
            out[rows] = HIGHER * np.array([float(v) for v in field.sum(terms)])
    return out


def _local(program: Program, field: Field, values: Values, unit: float) -> Values:
    """The roundoff of each place: of its own size, or of the terms that it adds up; and what underflow may take."""
    tiny = {2.0**-11: 2.0**-24, 2.0**-24: 2.0**-149, 2.0**-8: 2.0**-133}.get(unit, 2.0**-1074)
    noise = np.full(values.shape, 0.0, values.dtype)
    for step in program.steps:
        terms = [np.abs(values[ids]) for ids in step.operands]
        if step.name in REDUCTIONS:
            products = terms[0] if step.name == "sum" else terms[0] * terms[1]
            size = np.add.reduce(products, axis=-1) * float(products.shape[-1])
        elif step.name in ARITHMETIC:
            size = np.abs(values[step.places])
        else:
            size = np.abs(values[step.places]) * LIBRARY
            if step.name not in ELEMENTARY:
                size = size + LIBRARY * _moved(field, step, values)
        noise[step.places] = size * unit + tiny
    if unit > 2.0**-53:  # casts to the narrower type may round the inputs
        for ids in program.inputs:
            noise[ids.ravel()] = np.abs(values[ids.ravel()]) * unit
    return noise


def _moved(field: Field, step: Step, values: Values) -> Values:
    """\\|x f'(x)\\|: what a relative change of the argument does to the value."""
    operands = [values[ids] for ids in step.operands]
    extra = () if step.parameter is None else (step.parameter,)
    slopes = [p(Calculus(field), *operands, values[step.places], *extra) for p in TABLE[step.name].partials]
    return sum(np.abs(x * slope) for x, slope in zip(operands, slopes, strict=True))


def agrees(trace: Trace, inputs: Sequence[Any], value: Any) -> bool:
    """Whether the float forward's ``value`` lies within the rounding bound of the trace's wherever it is finite.

    ``inputs`` are the traced ones.  The unit roundoff is that of the value's own type.
    """
    values = [value] if trace.single else list(value)
    units = {"float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
    widest = max((units.get(np.asarray(v).dtype.name, 2.0**-53) for v in values), default=2.0**-53)
    bounds = rounding_bound(trace, inputs, widest)
    truths = certified_value(trace.program, inputs)
    for v, known, bound in zip(values, truths, bounds, strict=True):
        found = np.asarray(v, np.float64)
        if found.shape != known.value.shape:
            return False
        finite = np.isfinite(found)
        with np.errstate(all="ignore"):
            # the result is rounded to its type
            near = np.abs(found - known.value) <= bound + known.error + 2 * widest * np.abs(known.value)
        if not np.all(near[finite]):
            return False
    return True
