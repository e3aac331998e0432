"""The project's own rules as a subject.  They enter by the same protocol as anybody's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np

from gradcheck.catalogue import operators
from gradcheck.records import Array
from gradcheck.subjects.protocol import Exhibit, Implementation
from gradcheck.subjects.reference_exhibits import exhibits
from reference_nets.rules import JVPS, RULES

TYPES = ("float16", "bfloat16", "float32", "float64")


def _narrow(dtype: np.dtype[Any]) -> bool:
    return dtype.name in ("float16", "bfloat16")


def _widen(x: Any) -> Array:
    """16-bit numbers as float32, anything else as it is."""
    array = np.asarray(x)
    return array.astype(np.float32) if _narrow(array.dtype) else array


def _round(x: Any, dtype: np.dtype[Any]) -> Array:
    """Round to the type that was asked for; what is too large for 16 bits is inf, as the type has it."""
    with np.errstate(over="ignore"):
        return np.asarray(x).astype(dtype)


def _floats(inputs: Sequence[Any]) -> list[np.dtype[Any]]:
    """Types of the differentiable inputs, in order."""
    types = [np.asarray(x).dtype for x in inputs]
    return [t for t in types if _narrow(t) or t.kind in "fc"]


def _output(inputs: Sequence[Any]) -> np.dtype[Any]:
    """The type of an output: the common one of the differentiable inputs."""
    return np.result_type(*_floats(inputs))


@dataclass(frozen=True, slots=True)
class ReferenceSubject:
    """The catalogue's definitions as forward, the rules of ``reference_nets`` as backward.

    In 16-bit types both are computed in float32 and rounded once at the end, as hardware with wide accumulators does.
    """

    name: str = "reference"
    version: str = field(default_factory=lambda: _version())

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """Definition and rule of a catalogue operator; None for an operator that has no rule."""
        if operator not in RULES or operator not in operators():
            return None
        definition, rule, jvp = operators()[operator].definition, RULES[operator], JVPS.get(operator)
        return Implementation(
            forward=_forward(definition),
            vjp=_vjp(rule),
            jvp=None if jvp is None else _jvp(jvp),
            where=_place(rule),
            vjp_text=rule,
        )

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """All operators that have a rule, in the real floating-point types."""
        return operator in RULES and np.dtype(dtype).name in TYPES

    def exhibits(self) -> Mapping[str, Callable[[], Exhibit]]:
        """The networks of ``reference_nets``, and the formulas that its ``thread`` corrects."""
        return exhibits()


def _forward(definition: Callable[..., Any]) -> Callable[..., Array]:
    def forward(*inputs: Any, **params: Any) -> Array:
        return _round(definition(*map(_widen, inputs), **params), _output(inputs))

    return forward


def _vjp(rule: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Array, ...]]:
    def vjp(cotangent: Any, *inputs: Any, **params: Any) -> tuple[Array, ...]:
        gradients = rule(_widen(cotangent), *map(_widen, inputs), **params)
        return tuple(_round(g, dtype) for g, dtype in zip(gradients, _floats(inputs), strict=True))

    return vjp


def _jvp(rule: Callable[..., Any]) -> Callable[..., Array]:
    def jvp(tangents: Sequence[Any], *inputs: Any, **params: Any) -> Array:
        return _round(rule(tuple(map(_widen, tangents)), *map(_widen, inputs), **params), _output(inputs))

    return jvp


def _place(function: Callable[..., Any]) -> str:
    """``file:line in name`` of a rule."""
    code = function.__code__
    return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno} in {code.co_qualname}"


def _version() -> str:
    try:
        return metadata.version("gradcheck")
    except metadata.PackageNotFoundError:
        return "0+source"  # run from a source tree that is not installed
