"""Certified derivatives: the function's own text, run once on a tape and differentiated in balls.

No difference and no step: the answer is an interval that holds the derivative of the real function that the text denotes, at the exact
inputs.  It trusts the formulas of the table of operations, and flint.  Where a text cannot be traced, or its trace is not the
function that floating point computes, nothing is said, and why is said in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.records import Array

METHOD = "certified balls"

FAITHFUL = 2.0**-4
"""Part of its values by which a forward may miss them: beyond it the real function is another one than what the forward shows, say
1e-68 where that gives 0."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """The derivative of sum_k <g_k, f_k>: packed midpoints and radii, (n,) both; where nothing is known, nan and inf.

    ``program`` is the branch that was traced, a function of ``inputs``, of which the derivative belongs to ``active``.  ``blurred``: the
    forward's own rounding, or what it lost to an overflow, is as large as its values: the function in floating point may be another one.
    """

    value: Array
    bound: Array
    bits: int
    program: Any
    inputs: tuple[Array, ...]
    active: tuple[int, ...]
    blurred: bool = False

    @property
    def within_range(self) -> bool:
        """Whether the values of the real function are float64 numbers."""
        from gradcheck.numbers.truth import certified_value

        return all(bool(np.all(np.isfinite(v.value))) for v in certified_value(self.program, self.inputs))

    def nearby(self, inputs: Sequence[Array], cotangents: Sequence[Array]) -> Array:
        """The derivative of the same branch at other inputs, to as many bits as it took here, (n,); nan where it has none."""
        return _gradient(self.program, inputs, cotangents, self.active, self.bits)[0]

    def with_other_constants(self, u: float, rng: np.random.Generator) -> Enclosure:
        """The same text with constants and exponents that are rounded (1/3, and not 3 or 0.5) changed by the relative amount ``u``."""

        def moved(numbers: Any) -> Any:
            given = np.asarray(numbers, np.float64)
            rounded = np.isfinite(given) & (given * 2.0**20 != np.round(given * 2.0**20))
            return np.where(rounded, given * (1 + u * rng.choice((-1.0, 1.0), size=given.shape)), given)

        program = self.program
        steps = tuple(
            replace(step, parameter=float(moved(step.parameter))) if isinstance(step.parameter, float) else step
            for step in program.steps
        )
        places, numbers = program.constants
        other = replace(program, steps=steps, constants=(places, moved(numbers)), traced=None, kept={})
        return replace(self, program=other)

    def in_floats(
        self,
        dtype: np.dtype[Any],
        inputs: Sequence[Array],
        cotangents: Sequence[Array],
        scatter: tuple[float, np.random.Generator] | None = None,
    ) -> Array:
        """What reverse accumulation of the text gives in floats of that type, (n,); nan where NumPy has no such functions.

        ``scatter``: a unit roundoff, by which each result of the forward sweep is changed at random.
        """
        from gradcheck.numbers.errors import NumbersError
        from gradcheck.numbers.floats import Perturbed, Textbook

        number = Textbook(dtype) if scatter is None else Perturbed(dtype, *scatter)
        rows = [[np.ravel(a).astype(dtype) for a in arrays] for arrays in (inputs, cotangents)]
        try:
            every = self.program.gradient(number, *rows)
        except (NumbersError, TypeError, ValueError):
            return np.full(self.value.size, np.nan)
        return np.concatenate([np.asarray(every[k], np.float64) for k in self.active])

    def from_values(self, cotangents: Sequence[Array]) -> tuple[Array, Array]:
        """The same derivative from values alone, (n,), and its bound: no derivative formula is trusted."""
        from gradcheck.numbers.truth import certified_difference

        every = certified_difference(self.program, self.inputs, _floats(cotangents))
        found = [every[k] for k in self.active]
        value, bound = (
            np.concatenate([np.ravel(part) for part in parts])
            for parts in zip(*((f.value, f.error) for f in found), strict=True)
        )
        return np.where(np.isfinite(bound), value, 0.0), np.where(np.isfinite(value), bound, np.inf)

    def beside(self, moved: Sequence[Any], cotangents: Sequence[Any]) -> Array:
        """``nearby`` with other values of the arguments that are differentiated, the rest as it was."""
        inputs = list(self.inputs)
        for k, x in zip(self.active, moved, strict=True):
            inputs[k] = np.asarray(x, np.float64)
        return self.nearby(inputs, cotangents)


def enclose(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    wrt: Sequence[int],
    cotangents: Sequence[Array],
    outputs: Sequence[Array],
    *,
    kwargs: Mapping[str, Any],
    limit: int,
    overflowed: bool = False,
) -> Enclosure | str:
    """The vjp with respect to the arguments ``wrt``, or why there is none.

    ``outputs`` are what the function gives in floating point: a trace that gives others is of another function.
    ``limit``: operations on single numbers after which a text is too long.  ``overflowed``: the function left the range of its type
    on the way to them, where x / inf is 0 and looks like a value.
    """
    from gradcheck.numbers.agreement import agrees
    from gradcheck.numbers.errors import NumbersError
    from gradcheck.numbers.tracing import trace

    # Other arrays of floats are traced, too: a matrix to solve with conditions the solution.
    traced = [k for k, x in enumerate(arguments) if k in wrt or (isinstance(x, np.ndarray) and x.dtype.kind == "f")]
    inputs = tuple(np.asarray(arguments[k], np.float64) for k in traced)
    try:
        with np.errstate(all="ignore"):
            made = trace(function, list(arguments), kwargs=dict(kwargs), wrt=traced, limit=limit)
            if made.ties:
                return "equal numbers are compared there"
            blurred = _blur(made.program, inputs, cotangents, outputs) > FAITHFUL
            same = agrees(made, inputs, outputs[0] if made.single else tuple(outputs))
            if not same and not (blurred and overflowed):
                return "the traced text does not give the values that the forward gives"
            active = tuple(traced.index(k) for k in wrt)
            value, bound, bits = _gradient(made.program, inputs, cotangents, active, 2048)
    except NumbersError as error:
        return str(error)
    return Enclosure(value, bound, bits, made.program, inputs, active, blurred)


def _blur(program: Any, inputs: Sequence[Array], cotangents: Sequence[Array], outputs: Sequence[Array]) -> float:
    """The part of g . f that the forward's own rounding makes up: its errors over its values, weighted with g."""
    from gradcheck.numbers.truth import certified_value

    errors = sizes = 0.0
    largest = max((float(np.max(np.abs(g), initial=0.0)) for g in cotangents), default=0.0) or 1.0
    for g, f, real in zip(cotangents, outputs, certified_value(program, inputs), strict=True):
        weight = np.abs(np.asarray(g, np.float64)) / largest
        errors += float(np.sum(weight * np.abs(np.asarray(f, np.float64) - real.value)))
        sizes += float(np.sum(weight * np.abs(real.value)))
    return errors / sizes if sizes > 0 and np.isfinite(errors) else 0.0


def _gradient(
    program: Any, inputs: Sequence[Array], cotangents: Sequence[Array], active: Sequence[int], limit: int
) -> tuple[Array, Array, int]:
    from gradcheck.numbers.truth import certified_gradient

    every = certified_gradient(program, inputs, _floats(cotangents), limit=limit)
    found = [every[k] for k in active]
    value = np.concatenate([f.value.reshape(-1) for f in found])
    bound = np.concatenate([f.error.reshape(-1) for f in found])
    known = np.isfinite(value) & np.isfinite(bound)
    return np.where(known, value, np.nan), np.where(known, bound, np.inf), max(f.bits for f in found)


def _floats(arrays: Sequence[Array]) -> list[Array]:
    return [np.asarray(a, np.float64) for a in arrays]
