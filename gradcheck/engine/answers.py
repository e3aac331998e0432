"""The vjp under test, asked at a point and at places close by."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.engine.forward import Forward
from gradcheck.engine.judge import Truth
from gradcheck.engine.screen import jacobian
from gradcheck.flat import Layout, pack
from gradcheck.records import Array, Observation, Point
from gradcheck.subjects.callables import Call

CLOSE_BY = (2.0**-20, 2.0**-10)
"""Relative changes of inputs and cotangent that move a rounding error, and hardly that of a wrong formula.  The second is for answers
that are rounded so coarsely that the first does not reach the next value: 1 - z with z = 1 - 2^-40, say."""

WORST = 4.0
"""How much more an answer may err than its repetitions move: twice, as both may stand at opposite ends of their spread, and twice again,
as the answer that is asked about is the worst of some hundreds in a check, and its repetitions are some twenty.
Chosen, not derived; softmax as p (g - p . g) with one entry far above the others was seen to need 2.1."""

Slopes = Callable[[Sequence[Array], Sequence[Array]], Array | None]
"""The derivative of g . f along some rows, (D,), from the active inputs and the cotangents g; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Asks one call for gradients, as one packed vector."""

    call: Call
    single: bool
    rng: np.random.Generator

    def observe(self, leaves: Sequence[Any], g: tuple[Array, ...]) -> Observation:
        """What the subject answers; it gets copies, so that nothing that it does reaches the point."""
        return self.call.vjp(tuple(np.array(a) for a in g), fresh(leaves), self.single)

    def fill(self, seen: Observation, layout: Layout) -> Array:
        """Packed gradients; an absent one is zeros here and a finding elsewhere."""
        parts = [
            np.zeros(shape, dtype) if gradient is None else _as(gradient, dtype)
            for gradient, shape, dtype in zip(seen.gradients, layout.shapes, layout.dtypes, strict=True)
        ]
        return pack(parts)

    def own_movement(
        self, owner: Forward, point: Point, rows: Array, known: Truth, u: float, close_by: Slopes | None = None
    ) -> Array:
        """W before its cap, per row, where the truth is ``known``, and close by ``close_by``, or else imaginary steps.

        The answer's own movement under ulp-sized changes, or its scatter about the truth close by.

        A result that is rounded coarsely inside may not move at all under a roundoff of its inputs; its error then
        scatters from place to place, which that of a wrong formula does not.
        """
        answer = self._near(owner, point, 0.0)[0]
        moved = np.zeros(len(rows))
        if answer is None:
            return moved
        for _ in range(8):
            v = self._near(owner, point, u)[0]
            if v is not None:
                change = np.abs(rows @ (v - answer))
                moved = np.maximum(moved, np.where(np.isfinite(change), change, 0.0))
        true: Array | bool = True
        if close_by is None:
            # Imaginary steps serve as the truth close by where they are the truth here.
            close_by = functools.partial(_by_imaginary_steps, owner, rows)
            here = close_by([point.inputs[k] for k in self.call.active], point.cotangents)
            if here is None:
                return WORST * moved
            true = np.abs(here - known.value) <= known.bound + CLOSE_BY[0] * np.abs(known.value)
        for by in CLOSE_BY:
            moved = np.maximum(moved, np.where(true, self._scatter(owner, point, rows, max(u, by), close_by), 0.0))
        return WORST * moved

    def _scatter(self, owner: Forward, point: Point, rows: Array, by: float, close_by: Slopes) -> Array:
        """The largest error of the answer over nine places close by, where it scatters; else 0."""
        errors = []
        for _ in range(9):
            v, moved, g = self._near(owner, point, by)
            true = None if v is None else close_by(moved, g)
            if true is not None:
                errors.append(rows @ v - true)
        if len(errors) < 6:
            return np.zeros(len(rows))
        seen = np.array(errors)
        # A wrong formula errs by nearly the same at all of them; what scatters by a quarter of itself is rounding.
        scatters = np.ptp(seen, axis=0) >= np.abs(np.mean(seen, axis=0)) / 4
        most = np.max(np.abs(seen), axis=0)
        return np.where(scatters & np.all(np.isfinite(seen), axis=0), most, 0.0)

    def _near(self, owner: Forward, point: Point, by: float) -> tuple[Array | None, list[Array], tuple[Array, ...]]:
        """(answer, active inputs, cotangents) with every number changed by the relative amount 2 ``by``, of random sign."""
        leaves = list(point.inputs)
        for k in self.call.active:
            leaves[k] = _nudge(leaves[k], by, self.rng)
        g = tuple(_nudge(a, by, self.rng) for a in point.cotangents)
        seen = self.call.vjp(g, self._typed(leaves), self.single)
        v = self.fill(seen, owner.layout) if seen.gradients else None
        return v, [leaves[k] for k in self.call.active], g

    def _typed(self, leaves: Sequence[Any]) -> list[Any]:
        """Leaves as the user gave them: Python numbers stay Python numbers."""
        out: list[Any] = []
        for old, new in zip(self.call.leaves, leaves, strict=True):
            if isinstance(old, np.ndarray):
                out.append(np.array(new))
            elif isinstance(new, np.ndarray):
                out.append(new[()] if isinstance(old, np.generic) else new.item())
            else:
                out.append(new)
        return out


def _by_imaginary_steps(owner: Forward, rows: Array, moved: Sequence[Array], g: Sequence[Array]) -> Array | None:
    each = jacobian(owner, pack(list(moved)), rows)
    return None if each is None else np.asarray(each @ pack(list(g)))


def fresh(leaves: Sequence[Any]) -> list[Any]:
    """Copies of the arrays."""
    return [np.array(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]


def _as(gradient: Array, dtype: np.dtype[Any]) -> Array:
    if gradient.dtype.kind == "c" and dtype.kind != "c":
        return gradient.real
    return gradient.astype(np.complex128) if dtype.kind == "c" else gradient


def _nudge(array: Array, u: float, rng: np.random.Generator) -> Array:
    a = np.asarray(array)
    factor = 1 + 2 * u * rng.choice((-1.0, 1.0), size=a.shape)
    return np.asarray(a * factor).astype(a.dtype)
