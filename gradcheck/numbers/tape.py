"""The tape: what a text did to its inputs, as vector instructions on numbered places.

A PLACE is a number: an input, a float64 constant, or the result of an instruction.  Place 0 is the constant zero, so that memory filled
with zeros means what it says.  The tape computes as it goes, in an ordered field, because a text compares; a comparison that the field
decides leaves no instruction behind, only a note, and the tape is the one branch that was taken.  Equality is decided too, and noted as a
tie: there the branch beside may have another derivative.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradcheck.numbers.errors import NumbersError, Undecided, Untraceable
from gradcheck.numbers.field import UNDECIDED, Floats, Ids, Ordered, Values
from gradcheck.numbers.operations import TABLE

REDUCTIONS = ("sum", "dot")
"""Instructions over the last axis of their operands: a sum of terms, a sum of products."""

SAME_BUDGET = 10_000
"""Pairs of places that are looked at to see whether two results come from the same expression."""

_serial = count(1)


@dataclass(frozen=True, slots=True)
class Instruction:
    """Places ``start`` to ``start + n`` are ``name`` of the operands: arrays (n,) of places, or (n, k) for a reduction."""

    name: str
    start: int
    operands: tuple[Ids, ...]
    parameter: float | None = None

    @property
    def size(self) -> int:
        """How many places it fills."""
        return int(self.operands[0].shape[0])


@dataclass(frozen=True, slots=True)
class Decision:
    """Comparisons that were decided: ``order`` is -1, 0 or 1 for each pair of places; ``call`` asked for them."""

    call: str
    left: Ids
    right: Ids
    order: NDArray[np.int8]


@dataclass(slots=True)
class Tape:
    """Grows while a text runs.  ``active`` places depend on an input, all others are constants, held in ``floats`` too.

    ``unit``: the unit roundoff of the narrowest type that the text casts to.  ``stopped``: what stopped the trace, should the text
    hide it.  ``work`` counts operations on single numbers, up to ``limit``.
    """

    ordered: Ordered
    serial: int = field(default_factory=lambda: next(_serial))
    instructions: list[Instruction] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    ties: list[Decision] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    size: int = 0
    values: Values = None
    floats: Floats = field(default_factory=lambda: np.empty(0))
    active: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    known: dict[bytes, int] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)
    unit: float = 2.0**-53
    stopped: NumbersError | None = None
    limit: int = 2_000_000
    work: int = 0

    def __post_init__(self) -> None:
        self.constant(0.0)

    def _grow(self, values: Values, floats: Floats | None) -> Ids:
        start, size = self.size, self.size + values.shape[-1]
        if size > self.floats.size:
            room = max(64, 2 * size)
            grown, more, flags = self.ordered.zeros((room,)), np.full(room, np.nan), np.zeros(room, bool)
            if start:
                grown[:start], more[:start], flags[:start] = (
                    self.values[:start],
                    self.floats[:start],
                    self.active[:start],
                )
            self.values, self.floats, self.active = grown, more, flags
        self.values[start:size] = values
        self.active[start:size] = floats is None
        if floats is not None:
            self.floats[start:size] = floats
        self.size = size
        return np.arange(start, size)

    def constant(self, value: float) -> int:
        """The place of one number; equal numbers share one (the two zeros are one real number)."""
        key = np.float64(value + 0.0).tobytes()
        place = self.known.get(key)
        if place is None:
            single = np.array([value + 0.0])
            place = self.known[key] = int(self._grow(self.ordered.constants(single), single)[0])
        return place

    def constants(self, values: Floats) -> Ids:
        """Places of float64 numbers, of their shape."""
        if values.size <= 4:
            return np.array([self.constant(float(v)) for v in values.flat], np.int64).reshape(values.shape)
        distinct, inverse = np.unique(values.ravel(), return_inverse=True)
        if distinct.size <= 4:
            return self.constants(distinct)[inverse].reshape(values.shape)
        return self._grow(self.ordered.constants(distinct), distinct)[inverse].reshape(values.shape)

    def input(self, values: Values) -> Ids:
        """Places (n,) of an argument's entries, elements of the field."""
        return self._grow(values, None)

    def emit(self, name: str, *operands: Ids, parameter: float | None = None) -> Ids:
        """One operation element by element, with NumPy's broadcasting; the places of the results, in their shape."""
        shaped = np.broadcast_arrays(*operands)
        flat = tuple(ids.flatten() for ids in shaped)  # copies: whoever gave them may write into its array afterwards
        if flat[0].size == 0:
            return np.zeros(shaped[0].shape, np.int64)
        self._pay(name, flat[0].size)
        value = self.ordered.apply(TABLE[name], tuple(self.values[ids] for ids in flat), parameter)
        return self._append(name, flat, value, parameter).reshape(shaped[0].shape)

    def reduce(self, name: str, *operands: Ids) -> Ids:
        """``sum`` of one operand or ``dot`` of two, over the last axis."""
        shaped = np.broadcast_arrays(*operands)
        shape = shaped[0].shape
        if 0 in shape:
            return np.zeros(shape[:-1], np.int64)
        self._pay(name, int(np.prod(shape)))
        flat = tuple(ids.flatten().reshape(-1, shape[-1]) for ids in shaped)
        gathered = [self.values[ids] for ids in flat]
        value = self.ordered.sum(gathered[0] if name == "sum" else gathered[0] * gathered[1])
        return self._append(name, flat, value, None).reshape(shape[:-1])

    def _pay(self, call: str, operations: int) -> None:
        self.work += operations
        if self.work > self.limit:
            raise Untraceable(call, f"the text takes more than {self.limit} operations on single numbers, limit=")

    def _append(self, name: str, flat: tuple[Ids, ...], value: Values, parameter: float | None) -> Ids:
        start = self.size
        ids = self._grow(value, None)
        self.instructions.append(Instruction(name, start, flat, parameter))
        self.starts.append(start)
        return ids

    def compare(self, call: str, left: Ids, right: Ids) -> NDArray[np.int8]:
        """The certain order of each pair: -1, 0 or 1.  Equality of numbers that depend on the inputs is noted as a tie."""
        left, right = np.broadcast_arrays(left, right)
        a, b = left.flatten(), right.flatten()
        moving = (self.active[a] | self.active[b]) & (a != b)
        out = np.zeros(a.size, np.int8)
        fixed = ~moving & (a != b)
        if fixed.any():
            x, y = self.floats[a[fixed]], self.floats[b[fixed]]
            if np.isnan(x).any() or np.isnan(y).any():
                raise Undecided(call, "nan", "a number")
            out[fixed] = np.where(x < y, -1, np.where(x > y, 1, 0))
        if moving.any():
            x, y = a[moving], b[moving]
            order = self.ordered.compare(self.values[x], self.values[y])
            for k in np.flatnonzero(order == UNDECIDED):
                if not self._same(int(x[k]), int(y[k])):
                    show = self.ordered.show
                    raise Undecided(call, show(self.values[x[k]]), show(self.values[y[k]]))
                order[k] = 0
            self._note(call, x, y, order)
            out[moving] = order
        return out.reshape(left.shape)

    def _note(self, call: str, left: Ids, right: Ids, order: NDArray[np.int8]) -> None:
        self.decisions.append(Decision(call, left, right, order))
        equal = order == 0
        if equal.any():
            self.ties.append(Decision(call, left[equal], right[equal], order[equal]))

    def _same(self, left: int, right: int) -> bool:
        """Whether two places certainly hold one number because one expression made them of numbers that are the same."""
        seen: set[tuple[int, int]] = set()
        todo = [(left, right)]
        while todo:
            a, b = todo.pop()
            if a == b or (a, b) in seen:
                continue
            seen.add((a, b))
            if len(seen) > SAME_BUDGET:
                return False
            x, y = self.values[a : a + 1], self.values[b : b + 1]
            if self.ordered.compare(x, y)[0] == 0:
                continue
            made, other = self._maker(a), self._maker(b)
            if made is None or other is None:
                return False
            (one, i), (two, j) = made, other
            if (one.name, one.parameter) != (two.name, two.parameter) or one.operands[0][i].shape != two.operands[0][
                j
            ].shape:
                return False
            for p, q in zip(one.operands, two.operands, strict=True):
                todo += zip(np.atleast_1d(p[i]).tolist(), np.atleast_1d(q[j]).tolist(), strict=True)
        return True

    def _maker(self, place: int) -> tuple[Instruction, int] | None:
        if not self.active[place]:
            return None
        k = int(np.searchsorted(self.starts, place, side="right")) - 1
        if k < 0:
            return None
        made = self.instructions[k]
        return (made, place - made.start) if place < made.start + made.size else None

    def floor(self, call: str, ids: Ids) -> Floats:
        """The integers below; at an integer itself a tie is noted."""
        flat = ids.ravel()
        values = self.values[flat]
        whole = self.ordered.floor(values)
        unknown = np.flatnonzero(np.isnan(whole))
        if unknown.size:
            raise Undecided(call, self.ordered.show(values[unknown[0]]), "the integers")
        self.compare(call, flat, self.constants(whole))
        return whole.reshape(ids.shape)

    def show(self, ids: Ids) -> Any:
        """Values close by, for a person to read."""
        return self.ordered.nearest(self.values[ids.ravel()]).reshape(ids.shape)
