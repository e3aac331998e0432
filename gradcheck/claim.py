"""What is claimed: an operator is ONE declarative record, and its domain is part of the statement.

A claim names no implementation and no framework; who is tested against it is a parameter of the run.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradcheck.records import Array

Definition = Callable[..., Any]


class Kind(enum.StrEnum):
    """The shape of the set in which an argument lives, apart from its bounds."""

    REALS = "reals"
    SYMMETRIC = "symmetric"
    POSITIVE_DEFINITE = "positive definite"
    SIMPLEX = "simplex"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """The set in which one argument lives.

    ``low`` and ``high`` bound every entry (the ends belong to the set if ``closed``).  SYMMETRIC and POSITIVE_DEFINITE constrain the last
    two axes, SIMPLEX the last axis; there a gradient is determined only along tangents of the set, and is judged only along them.
    FIXED arguments (indices, masks, targets) are never perturbed and never re-drawn.
    """

    kind: Kind = Kind.REALS
    low: float = -math.inf
    high: float = math.inf
    closed: bool = True

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"Set(low={self.low}, high={self.high}): low must be less than high")

    def describe(self) -> str:
        """The set in words, for pages and messages."""
        if self.kind is not Kind.REALS:
            return self.kind.value
        if math.isinf(self.low) and math.isinf(self.high):
            return "all reals"
        left, right = ("[", "]") if self.closed else ("(", ")")
        return f"{'(' if math.isinf(self.low) else left}{self.low:g}, {self.high:g}{')' if math.isinf(self.high) else right}"


REALS = Set()
POSITIVE = Set(low=0.0, closed=False)
NONNEGATIVE = Set(low=0.0)
SYMMETRIC = Set(kind=Kind.SYMMETRIC)
POSITIVE_DEFINITE = Set(kind=Kind.POSITIVE_DEFINITE)
SIMPLEX = Set(kind=Kind.SIMPLEX, low=0.0, high=1.0)
FIXED = Set(kind=Kind.FIXED)


def interval(low: float = -math.inf, high: float = math.inf, *, closed: bool = True) -> Set:
    """The interval from ``low`` to ``high``; its ends belong to it if ``closed``."""
    return Set(low=low, high=high, closed=closed)


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a function is claimed to be differentiable: one ``Set`` per leaf of the arguments.

    A single set stands for all leaves.  ``gauge``, if given, maps ``(outputs, reference_outputs)`` to outputs of the same
    equivalence class nearest to the reference (for instance singular vectors with the reference's signs), so that
    outputs defined only up to a gauge can be differentiated.
    """

    sets: tuple[Set, ...] = (REALS,)
    gauge: Callable[[tuple[Array, ...], tuple[Array, ...]], tuple[Array, ...]] | None = None

    def of(self, leaf: int) -> Set:
        """The set of leaf number ``leaf``."""
        return self.sets[0] if len(self.sets) == 1 else self.sets[leaf]

    def describe(self) -> str:
        """The domain in words."""
        words = "; ".join(s.describe() for s in self.sets)
        return words + (" (modulo a gauge)" if self.gauge else "")


@dataclass(frozen=True, slots=True)
class Kink:
    """A place where the derivative jumps, and which answers are acceptable there (for the reader)."""

    where: str
    accepts: str


@dataclass(frozen=True, slots=True)
class Witness:
    """An exact known value of the definition: inputs, parameters, output to full double precision, and where it is from."""

    inputs: tuple[Any, ...]
    output: Any
    source: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """One way to call an operator: shapes of its array arguments (as strategies draw them) and its parameters.

    An entry of ``shapes`` is a shape, to be filled with numbers of the argument's set, or an array, to be passed as it is
    (indices, masks, labels).
    """

    shapes: tuple[Any, ...]
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An operator of the catalogue: the mathematics, stated once, in ordinary NumPy.

    ``definition(*inputs, **params)`` gives an array or a tuple of arrays.  ``signature`` states symbolic shapes, as
    NumPy's generalised ufuncs do.  ``special`` are values at which implementations are known to go wrong, per entry.
    ``formula`` is plain mathematical text for the page.  ``parameters`` states what a parameter may be: a set of numbers, or a sequence
    (a ``range``, a tuple of names) one of which it is; of those left out, the examples tell (see ``strategies.examples``).
    """

    name: str
    family: str
    signature: str
    definition: Definition
    examples: Sequence[Example]
    formula: str
    citation: str
    witnesses: Sequence[Witness]
    domain: Domain = Domain()
    kinks: Sequence[Kink] = ()
    special: Sequence[float] = ()
    parameters: Mapping[str, Set | Sequence[Any]] = field(default_factory=dict)
