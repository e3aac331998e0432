"""One look at one point: the answer, the truth, and the judgement of every coordinate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.claim import Kind
from gradcheck.engine.judge import Judgement, Truth, allowance, judge
from gradcheck.engine.kinks import settle
from gradcheck.engine.probes import Probe, probe
from gradcheck.engine.truth import Forward, basis, truth
from gradcheck.flat import Layout, largest, least, pack, roundoff
from gradcheck.records import Array, Local, Observation, Point
from gradcheck.strategies.directions import cotangent
from gradcheck.subjects.callables import CAUGHT, Call

PROBED = 2.0**-20
"""Relative change of inputs that shows the truth's conditioning: large against an oracle's bound, small against curvature."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one point.  ``judgement`` is per row of ``basis``, or None where probes were used instead."""

    point: Point
    observation: Observation
    layout: Layout
    answer: Array
    basis: Array | None
    truth: Truth | None
    judgement: Array | None
    probes: tuple[tuple[int, Probe], ...]
    evaluations: int
    slack: Array | None = None

    def rows_of(self, leaf: int) -> Array:
        """The rows of the basis that move this active leaf."""
        assert self.basis is not None
        span = self.layout.spans()[leaf]
        return np.flatnonzero(np.any(self.basis[:, span] != 0, axis=1))


@dataclass(slots=True)
class Looker:
    """Looks at points of one call; holds what does not change between them."""

    call: Call
    claim: Callable[..., Any]
    single: bool
    wide: bool
    rng: np.random.Generator
    grain: float = 2.0**-53

    @property
    def width(self) -> int:
        """Number of coordinates that are differentiated."""
        return Layout.of([self.call.leaves[k] for k in self.call.active]).total

    def at(
        self,
        leaves: Sequence[Any],
        origin: str,
        *,
        whole: int,
        probes: int,
        g: tuple[Array, ...] | None = None,
        only: Array | None = None,
    ) -> Look | None:
        """Look at this point; None where the claimed forward is not defined or its own dtype overflows."""
        owner = Forward.at(self.call, self.claim, leaves, self.wide, self.grain)
        if owner is None:
            return None
        try:
            outputs = self.call.forward(self.fresh(leaves))
        except CAUGHT:
            return None
        if not np.all(np.isfinite(pack(outputs))):
            return None
        g = g or cotangent(outputs, self.rng)
        point = Point(inputs=tuple(np.asarray(v) for v in leaves), cotangents=g, origin=origin)
        seen = self.call.vjp(tuple(np.array(a) for a in g), self.fresh(leaves), self.single)
        if seen.failure is not None or not seen.gradients:
            return Look(point, seen, owner.layout, np.zeros(0), None, None, None, (), owner.evaluations)
        v = self.fill(seen, owner.layout)
        # On a constrained set only tangents of the set mean anything: random signs leave it.
        free = all(self.call.domain.of(k).kind is Kind.REALS for k in self.call.active)
        if owner.layout.total > whole and free:
            found = self._probe(owner, pack(g), v, probes)
            return Look(point, seen, owner.layout, v, None, None, None, found, owner.evaluations)
        return self._whole(owner, point, seen, v, only)

    def fresh(self, leaves: Sequence[Any]) -> list[Any]:
        """Copies, so that nothing that the subject does reaches the point."""
        return [np.array(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]

    def fill(self, seen: Observation, layout: Layout) -> Array:
        """Packed gradients; an absent one is zeros here and a finding elsewhere."""
        parts = [
            np.zeros(shape, dtype) if gradient is None else _as(gradient, dtype)
            for gradient, shape, dtype in zip(seen.gradients, layout.shapes, layout.dtypes, strict=True)
        ]
        return pack(parts)

    def unit(self, layout: Layout) -> tuple[float, float]:
        """(unit roundoff, least subnormal) of the coarsest type among the gradients."""
        return max((roundoff(d) for d in layout.dtypes), default=0.0), max(
            (least(d) for d in layout.dtypes), default=0.0
        )

    def _probe(self, owner: Forward, g: Array, v: Array, count: int) -> tuple[tuple[int, Probe], ...]:
        x = pack([owner.leaves[k] for k in self.call.active])
        u, _ = self.unit(owner.layout)
        spans = owner.layout.spans()
        return tuple(
            (leaf, probe(owner, x, g, v, span, u, self.rng, count))
            for leaf, span in enumerate(spans)
            if span.stop > span.start
        )

    def _whole(self, owner: Forward, point: Point, seen: Observation, v: Array, only: Array | None) -> Look:
        x, g = pack([owner.leaves[k] for k in self.call.active]), pack(point.cotangents)
        rows = basis(self.call, owner.layout)
        answer = v if rows.shape[0] == v.size else rows @ v
        if only is not None:
            rows, answer = rows[only], answer[only]
        known = truth(owner, x, g, rows)
        u, tiny = self.unit(owner.layout)
        judgement = judge(answer, known, u, tiny)
        doubtful = np.flatnonzero((judgement == Judgement.WRONG) | (judgement == Judgement.INACCURATE))
        slack = allowance(known, u, tiny)
        if doubtful.size and only is None:
            k = self._movement(owner, x, g, rows, answer, known, doubtful, u)
            own = self._own_movement(owner, point, rows, answer, u)
            judgement = judge(answer, known, u, tiny, movement=k, own_movement=own)
            slack = allowance(known, u, tiny, k)
        if np.any(judgement == Judgement.WRONG) and self._kinked_across(owner, x, g, rows):
            if only is not None:
                return Look(
                    point,
                    seen,
                    owner.layout,
                    answer,
                    rows,
                    known,
                    np.zeros_like(judgement),
                    (),
                    owner.evaluations,
                    slack,
                )
            known = replace(known, kind=np.where(known.kind == Local.OUTSIDE, known.kind, int(Local.KINK)))
        over = known.magnitude > min((largest(d) for d in owner.layout.dtypes), default=np.inf) / 4
        judgement = np.where(over, int(Judgement.OUTSIDE), judgement)
        if np.any(known.kind == Local.KINK):
            settled = settle(owner, x, g, rows, answer, known, slack, self.rng)
            judgement = np.where(known.kind == Local.KINK, settled, judgement)
        return Look(point, seen, owner.layout, answer, rows, known, judgement, (), owner.evaluations, slack)

    def _kinked_across(self, owner: Forward, x: Array, g: Array, rows: Array) -> bool:
        """Whether the point is a kink that no single coordinate shows: the median of equal numbers is flat along each of them."""
        every = basis(self.call, owner.layout)
        first, second = self.rng.normal(size=(2, len(every))) @ every
        across = truth(owner, x, g, np.stack([first, second, first + second]), sharp=False)
        with np.errstate(invalid="ignore"):
            gap = np.abs(across.value[0] + across.value[1] - across.value[2])
            # 2^-20: slopes that do not add up by more than a millionth of their terms are no rounding.
            bent = gap > np.sum(across.bound) + 2.0**-20 * np.sum(np.abs(across.value))
        return bool(np.any(across.kind == Local.KINK) or bent)

    def _movement(
        self, owner: Forward, x: Array, g: Array, rows: Array, answer: Array, known: Truth, doubtful: Array, u: float
    ) -> Array:
        """k: three times the largest movement of the truth under ulp-sized changes of inputs and cotangent."""
        k = np.zeros(known.value.shape)
        some = doubtful
        eta = max(u, PROBED)
        error = np.abs(answer[some] - known.value[some])
        for _ in range(6):
            moved = x * (1 + eta * self.rng.choice((-1.0, 1.0), size=x.size))
            turned = g * (1 + eta * self.rng.choice((-1.0, 1.0), size=g.size))
            t = truth(owner, moved, turned, rows[some])
            change = np.abs(t.value - known.value[some]) * (u / eta)
            k[some] = np.maximum(k[some], np.where(np.isfinite(change) & (t.kind != Local.OUTSIDE), change, 0.0))
            # Draws of random signs differ by far less than a hundred: then the other five cannot excuse the error.
            if np.all(~np.isfinite(error) | (error > 300 * k[some])):
                break
        return 3 * k

    def _own_movement(self, owner: Forward, point: Point, rows: Array, answer: Array, u: float) -> Array:
        """W before its cap: the answer's own movement under such changes."""
        moved = np.zeros(answer.shape)
        for _ in range(8):
            leaves = list(point.inputs)
            for k in self.call.active:
                leaves[k] = _nudge(leaves[k], u, self.rng)
            g = tuple(_nudge(a, u, self.rng) for a in point.cotangents)
            seen = self.call.vjp(g, self._typed(leaves), self.single)
            if seen.gradients:
                v = self.fill(seen, owner.layout)
                change = np.abs((v if rows.shape[0] == v.size else rows @ v) - answer)
                moved = np.maximum(moved, np.where(np.isfinite(change), change, 0.0))
        return 2 * moved  # the answer and its repetitions may stand at opposite ends of their spread

    def _typed(self, leaves: Sequence[Any]) -> list[Any]:
        """Leaves as the user gave them: Python numbers stay Python numbers."""
        return [
            np.array(new)
            if isinstance(old, np.ndarray)
            else (new if not isinstance(new, np.ndarray) else new[()])
            if isinstance(old, np.generic)
            else (new.item() if isinstance(new, np.ndarray) else new)
            for old, new in zip(self.call.leaves, leaves, strict=True)
        ]


def _as(gradient: Array, dtype: np.dtype[Any]) -> Array:
    if gradient.dtype.kind == "c" and dtype.kind != "c":
        return gradient.real
    return gradient.astype(np.complex128) if dtype.kind == "c" else gradient


def _nudge(array: Array, u: float, rng: np.random.Generator) -> Array:
    a = np.asarray(array)
    factor = 1 + 2 * u * rng.choice((-1.0, 1.0), size=a.shape)
    return np.asarray(a * factor).astype(a.dtype)
