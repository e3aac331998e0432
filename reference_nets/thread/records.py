"""What is recorded of a formula: what was printed, what is right, and how the two are related."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from reference_nets.generic import Value

Array = npt.NDArray[Any]
Gradients = tuple[Value, ...]
Jacobian = Callable[..., Gradients]
"""Maps inputs to one array per differentiated input, of shape (size of the output, *shape of that input)."""


class Rule(NamedTuple):
    """``forward(*inputs)`` and ``vjp(cotangent, *inputs)``: one gradient per DIFFERENTIATED input."""

    forward: Callable[..., Value]
    vjp: Callable[..., Gradients]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula as printed against the formula as it should be.

    ``claimed`` puts the printed formula into code, ``mended`` the right one.  ``truth`` is the vjp that ``claimed.vjp``
    should have been: that of ``claimed.forward``, or for a wrong DEFINITION that of ``mended.forward``; where nothing
    is said it is ``mended.vjp``.  ``predicted`` is the relation as code: from the Jacobian of the truth, as a function
    of the inputs, it computes the Jacobian of the printed formula.
    """

    id: str
    printed: str
    right: str
    relation: str
    inputs: tuple[str, ...]
    differentiated: int
    """The first so many inputs are differentiated."""
    claimed: Rule
    mended: Rule
    predicted: Callable[..., Gradients]
    example: Callable[[np.random.Generator], tuple[Array, ...]]
    """Draws inputs at which the error shows."""
    hidden: Callable[[np.random.Generator], tuple[Array, ...]] | None = None
    """Draws inputs at which it does not show; None if it always shows."""
    hidden_when: str = ""
    truth: Callable[..., Gradients] | None = None
    definition: bool = False
    """Whether what is wrong is the function itself, and not its derivative."""

    @property
    def expected(self) -> Callable[..., Gradients]:
        """The vjp that the printed one should have been."""
        return self.mended.vjp if self.truth is None else self.truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sentence about graphs as printed, and as it should be, each as a predicate on (vertices, edges)."""

    id: str
    printed: str
    right: str
    relation: str
    claimed: Callable[[Iterable[Any], Iterable[tuple[Any, Any]]], bool]
    mended: Callable[[Iterable[Any], Iterable[tuple[Any, Any]]], bool]


def jacobian(forward: Callable[..., Value], vjp: Callable[..., Gradients]) -> Jacobian:
    """The Jacobian that a vjp claims: one row for every entry of the output, by unit cotangents."""

    def rows(*inputs: Value) -> Gradients:
        value = forward(*inputs)
        shape, size = np.shape(value), np.size(value)
        zero = np.ravel(np.asarray(value)) * 0
        answers = []
        for k in range(size):
            unit = zero.copy()
            unit[k] = unit[k] + 1
            answers.append(vjp(np.reshape(unit, shape)[()], *inputs))
        return tuple(np.stack([np.asarray(row) for row in column]) for column in zip(*answers, strict=True))

    return rows


class Measurement(NamedTuple):
    """Jacobians by each differentiated input: as printed, as they should be, and as the relation predicts."""

    printed: Gradients
    expected: Gradients
    predicted: Gradients

    @property
    def off(self) -> Value:
        """The largest |printed - expected|: how wrong the printed formula is here."""
        return _largest_gap(self.printed, self.expected)

    @property
    def unexplained(self) -> Value:
        """The largest |printed - predicted|: 0, up to rounding, if the relation is as stated."""
        return _largest_gap(self.printed, self.predicted)

    def ratio(self, place: int = 0) -> Value:
        """printed / expected by one input, entry by entry; the expected Jacobian must have no zero there."""
        return self.printed[place] / self.expected[place]


def measure(formula: Formula, *inputs: Value) -> Measurement:
    """Both Jacobians of a formula at some inputs, and the one that its relation predicts from the right one."""
    forward = formula.claimed.forward
    truth = jacobian(forward, formula.expected)
    return Measurement(
        jacobian(forward, formula.claimed.vjp)(*inputs), truth(*inputs), formula.predicted(truth, *inputs)
    )


def _largest_gap(some: Gradients, others: Gradients) -> Value:
    return max(abs(entry) for a, b in zip(some, others, strict=True) for entry in np.ravel(np.asarray(a - b)))
