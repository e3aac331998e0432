"""A program: one branch of a text, cut down to what its outputs need, and replayed in any field.

Forward it is evaluated (over jets: differentiated along directions); in reverse it accumulates adjoints over the instructions, which costs
a small multiple of one evaluation for all inputs together.

Source: Griewank, Walther, Evaluating Derivatives (2008), sections 3.2 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradcheck.numbers.field import Field, Floats, Ids, Values
from gradcheck.numbers.operations import TABLE, Calculus
from gradcheck.numbers.tape import Tape


@dataclass(frozen=True)
class Step:
    """An instruction that is needed: ``places`` (n,) hold its results, ``operands`` are (n,) or (n, k).

    ``moving``: which operands depend on an input at all; ``distinct``: which have no place twice, so that adjoints need no sum.
    """

    name: str
    places: Ids
    operands: tuple[Ids, ...]
    parameter: float | None
    moving: tuple[bool, ...]

    @cached_property
    def distinct(self) -> tuple[bool, ...]:
        """Found once, at the first reverse sweep."""
        return tuple(np.unique(ids).size == ids.size for ids in self.operands)


@dataclass(frozen=True)
class Program:
    """``inputs`` and ``outputs``: the places of each argument and result, in their shapes; ``constants``: places and numbers.

    ``traced``: the field of the trace and the values of all places there.
    """

    size: int
    inputs: tuple[Ids, ...]
    outputs: tuple[Ids, ...]
    steps: tuple[Step, ...]
    constants: tuple[Ids, Floats]
    traced: tuple[Field, Values] | None = field(default=None, repr=False, compare=False)
    kept: dict[Field, Values] = field(default_factory=dict, repr=False, compare=False)

    def evaluate(self, number: Field, inputs: Sequence[Values]) -> tuple[Values, ...]:
        """The outputs, each (..., m) with its entries in a row, from inputs (..., n) given likewise, with batch axes in front."""
        with number.working():
            store = self.run(number, inputs)
            return tuple(store[..., ids.ravel()] for ids in self.outputs)

    def run(self, number: Field, inputs: Sequence[Values]) -> Values:
        """All places (..., size), to be read only; the caller holds the field's context."""
        if self.traced is not None and self.traced[0] == number and self._are_traced(inputs):
            return self.traced[1]
        batch = np.broadcast_shapes(*(x.shape[:-1] for x in inputs)) if inputs else ()
        store = number.zeros((*batch, self.size))
        for ids, x in zip(self.inputs, inputs, strict=True):
            store[..., ids.ravel()] = x
        places, numbers = self.constants
        if places.size:
            if number not in self.kept:
                self.kept[number] = number.constants(numbers)
            store[..., places] = self.kept[number]
        for step in self.steps:
            given = tuple(store[..., ids] for ids in step.operands)
            if step.name == "sum":
                value = number.sum(given[0])
            elif step.name == "dot":
                value = number.sum(given[0] * given[1])
            else:
                value = number.apply(TABLE[step.name], given, step.parameter)
            store[..., step.places] = value
        return store

    def _are_traced(self, inputs: Sequence[Values]) -> bool:
        """Whether these are the numbers of the trace itself: of balls, only points are equal."""
        assert self.traced is not None
        return all(
            x.shape == (ids.size,) and bool(np.all(x == self.traced[1][ids.ravel()]))
            for ids, x in zip(self.inputs, inputs, strict=True)
        )

    def adjoint(self, number: Field, store: Values, cotangents: Sequence[Values]) -> Values:
        """The gradient of sum_k <cotangent_k, output_k> to every place, from a ``store`` that ``run`` filled.

        Cotangents are (..., m).  Places on which no output with a cotangent other than the number zero depends are left out, as are
        their partial derivatives, which may be infinite.
        """
        slopes = number.zeros(store.shape)
        reached = np.zeros(self.size, bool)
        for ids, g in zip(self.outputs, cotangents, strict=True):
            number.accumulate(slopes, ids.ravel(), g)
            reached[ids.ravel()[_nonzero(g)]] = True
        k = Calculus(number)
        for step in reversed(self.steps):
            rows = reached[step.places]
            if not rows.any():
                continue
            if rows.all():
                self._back(number, k, store, slopes, step, step.places, step.operands, True)
                touched = step.operands
            else:
                touched = tuple(ids[rows] for ids in step.operands)
                self._back(number, k, store, slopes, step, step.places[rows], touched, False)
            for ids, moves in zip(touched, step.moving, strict=True):
                if moves:
                    reached[ids] = True
        return slopes

    @staticmethod
    def _back(
        number: Field,
        k: Calculus,
        store: Values,
        slopes: Values,
        step: Step,
        places: Ids,
        operands: tuple[Ids, ...],
        whole: bool,
    ) -> None:
        g = slopes[..., places]
        reduction = step.name in ("sum", "dot")
        if reduction:
            g = g[..., None]
            values: tuple[Values, ...] = tuple(store[..., ids] for ids in operands) if step.name == "dot" else ()
        else:
            values = tuple(store[..., ids] for ids in operands)
        for i, ids in enumerate(operands):
            if not step.moving[i]:
                continue
            if step.name == "sum":
                term = g + number.zeros((1,) * (ids.ndim - 1) + ids.shape[-1:])
            elif step.name == "dot":
                term = g * values[1 - i]
            else:
                extra = () if step.parameter is None else (step.parameter,)
                partial = number.partials(TABLE[step.name])[i](k, *values, store[..., places], *extra)
                term = g * partial if not isinstance(partial, int) else g if partial == 1 else -g
            term = number.term(term)
            if step.distinct[i] or ids.size == 1:
                slopes[..., ids] = slopes[..., ids] + term
            else:
                number.accumulate(slopes, ids, term)

    def gradient(self, number: Field, inputs: Sequence[Values], cotangents: Sequence[Values]) -> tuple[Values, ...]:
        """The vjp: one array (..., n) for each input, by one run and one reverse sweep."""
        with number.working():
            slopes = self.adjoint(number, self.run(number, inputs), cotangents)
            return tuple(slopes[..., ids.ravel()] for ids in self.inputs)


def _nonzero(g: Values) -> NDArray[np.bool_]:
    """Which of the last axis's entries are not exactly zero, in some row of the batch and some part of a jet.

    Asked as ``not (g == 0)``: of a ball that contains zero neither ``==`` nor ``!=`` is certain, and both answer False.
    """
    found = np.zeros(g.shape[-1], bool)
    for part in getattr(g, "parts", (g,)):
        found |= ~np.asarray(part == 0, bool).all(axis=tuple(range(part.ndim - 1)))
    return found


def program(tape: Tape, inputs: Sequence[Ids], outputs: Sequence[Ids]) -> Program:
    """What of the tape the outputs need."""
    live = np.zeros(tape.size, bool)
    for ids in outputs:
        live[ids] = True
    steps: list[Step] = []
    for made in reversed(tape.instructions):
        places = np.arange(made.start, made.start + made.size)
        rows = live[places]
        if not rows.any():
            continue
        operands = made.operands if rows.all() else tuple(ids[rows] for ids in made.operands)
        for ids in operands:
            live[ids] = True
        moving = tuple(bool(tape.active[ids].any()) for ids in operands)
        steps.append(Step(made.name, places[rows], operands, made.parameter, moving))
    fixed = np.flatnonzero(live & ~tape.active[: tape.size])
    constants: tuple[Any, Any] = (fixed, tape.floats[fixed])
    seen = (tape.ordered, tape.values[: tape.size])
    return Program(tape.size, tuple(inputs), tuple(outputs), tuple(reversed(steps)), constants, seen)
