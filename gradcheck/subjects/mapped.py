"""What all adapters of frameworks share: a table of names, the parameters that are left out, and the types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.subjects.protocol import Implementation

Function = Callable[..., Any]
Lacks = Callable[[Mapping[str, Any]], bool]

WIDE = ("float32", "float64")
ALL = ("float16", "bfloat16", *WIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Catalogue names to a framework's functions, which take and give the framework's own arrays.

    ``lacks`` says for which parameters a name is not there after all; ``wide`` are the names that the framework has in
    single and double precision alone, ``double`` and ``single`` those in one of them alone, out of its ``types``.
    """

    functions: Mapping[str, Function]
    lacks: Mapping[str, Lacks] = field(default_factory=dict)
    wide: frozenset[str] = frozenset()
    double: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    types: tuple[str, ...] = ALL

    def function(self, operator: str, params: Mapping[str, Any]) -> Function | None:
        """The framework's function, or None where it has none for these parameters."""
        lacks = self.lacks.get(operator)
        return None if lacks is not None and lacks(params) else self.functions.get(operator)

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Whether the name is in the table, and has this type."""
        name = np.dtype(dtype).name
        if operator in self.single:
            return name == "float32"
        types = ("float64",) if operator in self.double else WIDE if operator in self.wide else ALL
        return operator in self.functions and name in self.types and name in types


def implementation(
    function: Function, forward: Callable[..., Any], vjp: Callable[..., Any], text: Function | None = None
) -> Implementation:
    """An implementation out of ``forward(function, inputs, params)`` and ``vjp(function, cotangent, inputs, params)``."""

    def run(*inputs: Any, **params: Any) -> Any:
        return forward(function, inputs, params)

    def pull(cotangent: Any, *inputs: Any, **params: Any) -> Any:
        return vjp(function, cotangent, inputs, params)

    return Implementation(forward=run, vjp=pull, composed=text)


def active(inputs: tuple[Any, ...]) -> tuple[int, ...]:
    """The numbers of the inputs that are differentiated: those of floating or complex type."""
    kinds = [np.asarray(x).dtype for x in inputs]
    return tuple(k for k, d in enumerate(kinds) if d.kind in "fc" or d.name == "bfloat16")
