"""The one protocol by which every implementation under test enters, the project's own included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from gradcheck.claim import Domain
from gradcheck.records import Correction, Dataflow

Forward = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Implementation:
    """A backward pass with its forward, as plain callables on NumPy arrays.

    ``forward(*inputs, **params)`` gives an array or a tuple of arrays; ``vjp(cotangent, *inputs, **params)`` gives one array per
    differentiable input (an array, or a tuple of them); ``jvp(tangents, *inputs, **params)``, where there is one, the
    output tangent.  ``stateful`` means that ``vjp`` refers to the last call of ``forward``.
    ``where`` is the place of the backward function in the source, ``file:line in name``.  ``composed`` is the composition in
    NumPy by which a forward that cannot be read is made: at a kink, what one fixed choice for each tied primitive of it gives is
    a convention, as it is for a forward that can be read.  ``vjp_text``, where it is stated, is the vjp in ordinary NumPy on arrays
    of any kind of number, without casts: what is itself differentiated for order two.
    """

    forward: Forward
    vjp: Callable[..., Any]
    jvp: Callable[..., Any] | None = None
    stateful: bool = False
    where: str = ""
    composed: Forward | None = None
    vjp_text: Callable[..., Any] | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """Something of the subject's own that is in no catalogue: functions, and inputs at which to look at them.

    ``forward`` and ``vjp`` are as in ``Implementation``; ``wrt`` says which inputs are differentiated, ``words`` what
    is claimed.  ``graph`` is the computation drawn at a point, where there is a drawing.

    With ``correction``, there is also a pair that is EXPECTED to be refuted: ``printed`` = (forward, vjp), looked at at
    the same inputs; ``intent`` is the forward whose derivative it should be, if that is not its own.  A sentence has no
    derivative: then ``holds`` = (as printed, as it should be) decides, and there are no functions.
    """

    forward: Forward | None = None
    vjp: Callable[..., Any] | None = None
    inputs: tuple[Any, ...] = ()
    wrt: tuple[int, ...] = ()
    domain: Domain | None = None
    words: Mapping[str, str]
    graph: Dataflow | None = None
    correction: Correction | None = None
    printed: tuple[Forward, Callable[..., Any]] | None = None
    intent: Forward | None = None
    holds: tuple[Callable[[], bool], Callable[[], bool]] | None = None


def exhibits_of(subject: Subject) -> Mapping[str, Callable[[], Exhibit]]:
    """The exhibits of a subject by name, each to be made when it is its turn; none if it has no method ``exhibits``.

    Any subject may have some; their names have a colon, as no operator's has: ``net:sigmoid-unit``.  One with a method
    ``language`` has the whole programs that it can say (``gradcheck.subjects.programs``).
    """
    method, language = getattr(subject, "exhibits", None), getattr(subject, "language", None)
    found: Mapping[str, Callable[[], Exhibit]] = method() if callable(method) else {}
    if callable(language):
        from gradcheck.subjects import programs

        found = {**found, **programs.exhibits(language())}
    return found
