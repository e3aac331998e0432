"""The one protocol by which every implementation under test enters, the project's own included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

Forward = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Implementation:
    """A backward pass with its forward, as plain callables on NumPy arrays.

    ``forward(*inputs, **params)`` gives an array or a tuple of arrays; ``vjp(cotangent, *inputs, **params)`` gives one array per
    differentiable input (an array, or a tuple of them); ``jvp(tangents, *inputs, **params)``, where there is one, the
    output tangent.  ``stateful`` means that ``vjp`` refers to the last call of ``forward``.
    ``where`` is the place of the backward function in the source, ``file:line in name``.
    """

    forward: Forward
    vjp: Callable[..., Any]
    jvp: Callable[..., Any] | None = None
    stateful: bool = False
    where: str = ""


@runtime_checkable
class Subject(Protocol):
    """A backend: a collection of implementations of catalogue operators."""

    name: str
    version: str

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The subject's implementation of a catalogue operator, or None where it has none."""
        ...

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Whether the subject computes this operator in this dtype."""
        ...
