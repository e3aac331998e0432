"""One look at one point: the answer, the truth, and the judgement of every coordinate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.claim import Kind
from gradcheck.engine.judge import Judgement, Truth, allowance, judge
from gradcheck.engine.kinks import Sampler, settle
from gradcheck.engine.probes import Probe, probe
from gradcheck.engine.screen import fixed_choices, imaginary_movement, jacobian, screen
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

    @property
    def settled(self) -> Array:
        """Rows whose judgement says something."""
        assert self.judgement is not None
        return np.asarray(self.judgement != Judgement.INCONCLUSIVE)

    def with_rows(self, rows: Array, other: Look) -> Look:
        """This look with some rows from another one, that looked at these rows only."""
        assert self.truth is not None and other.truth is not None
        assert self.judgement is not None and self.slack is not None
        judgement, slack = self.judgement.copy(), self.slack.copy()
        judgement[rows], slack[rows] = other.judgement, other.slack
        known = self.truth.with_rows(rows, other.truth)
        return replace(self, truth=known, judgement=judgement, slack=slack, evaluations=other.evaluations)

    def or_else(self, made: Look) -> Look:
        """This look, with rows that it left open taken from the short one, if that one found them right."""
        assert self.judgement is not None and made.judgement is not None
        assert self.slack is not None and made.slack is not None
        agreed = ~self.settled & (self.judgement == Judgement.INCONCLUSIVE) & (made.judgement == Judgement.RIGHT)
        judgement = np.where(agreed, int(Judgement.RIGHT), self.judgement)
        return replace(self, judgement=judgement, slack=np.where(agreed, made.slack, self.slack))

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
    mode: str = ""
    _nearby: tuple[tuple[Any, ...], tuple[Array, ...]] = ((), ())

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
        short: int = 0,
        full: bool = False,
        g: tuple[Array, ...] | None = None,
        only: Array | None = None,
    ) -> Look | None:
        """Look at this point; None where the claimed forward is not defined or its own dtype overflows.

        Up to ``short`` coordinates the short way is tried first (``screen``); it is all that is done, unless a
        doubt arises or the look is to be ``full``.  Else each of up to ``whole`` coordinates gets a
        bounded derivative of its own, and with more of them each argument gets ``probes`` directional ones.
        """
        owner = Forward.at(self.call, self.claim, leaves, self.wide, self.grain, self.mode)
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
        made = self._short(owner, point, seen, v, short) if short else None
        self.mode = owner.mode if owner.sure else self.mode
        if made is not None and not full and np.all(made.settled):
            return made
        # On a constrained set only tangents of the set mean anything: random signs leave it.
        free = all(self.call.domain.of(k).kind is Kind.REALS for k in self.call.active)
        if owner.layout.total > whole and free:
            found = self._probe(owner, pack(g), v, probes)
            return Look(point, seen, owner.layout, v, None, None, None, found, owner.evaluations)
        look = self._whole(owner, point, seen, v, only, None if full else made)
        return look if made is None or not full else look.or_else(made)

    def _short(self, owner: Forward, point: Point, seen: Observation, v: Array, most: int) -> Look | None:
        """The look that imaginary steps allow, undecided where they raise a doubt; None where they say nothing."""
        if owner.layout.total > most or not np.all(np.isfinite(v)):
            return None
        x, g = pack([owner.leaves[k] for k in self.call.active]), pack(point.cotangents)
        rows = basis(self.call, owner.layout)
        answer = v if rows.shape[0] == v.size else rows @ v
        screened = screen(owner, x, g, rows, self.rng)
        u, tiny = self.unit(owner.layout)
        if screened.kinked:
            judgement, known, slack = settle(Sampler(owner, x, g, rows), answer, u, tiny, self.rng)
            judgement = self._conventions(owner, x, g, rows, answer, judgement, slack)
        elif screened.truth is not None and not np.any(screened.truth.magnitude > self._top(owner)):
            known = screened.truth
            slack = allowance(known, u, tiny)
            if np.any(np.abs(answer - known.value) > slack):
                slack = allowance(known, u, tiny, imaginary_movement(owner, x, g, rows, known, u, self.rng))
            agreed = np.abs(answer - known.value) <= slack
            judgement = np.where(agreed, int(Judgement.RIGHT), int(Judgement.INCONCLUSIVE))
        else:
            return None
        return Look(point, seen, owner.layout, answer, rows, known, judgement, (), owner.evaluations, slack)

    def _conventions(
        self, owner: Forward, x: Array, g: Array, rows: Array, answer: Array, judgement: Array, slack: Array
    ) -> Array:
        """The judgement with CONVENTION for wrong answers that one fixed choice per tied primitive gives."""
        wrong = judgement == Judgement.WRONG
        if not wrong.any():
            return judgement
        for value in fixed_choices(owner, x, g, rows):
            if np.all(np.abs(answer - value)[wrong] <= slack[wrong]):
                return np.where(wrong, int(Judgement.CONVENTION), judgement)
        return judgement

    def _top(self, owner: Forward) -> float:
        """A gradient larger than this may overflow in the arithmetic of its own type."""
        return min((largest(d) for d in owner.layout.dtypes), default=np.inf) / 4

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

    def _whole(
        self, owner: Forward, point: Point, seen: Observation, v: Array, only: Array | None, made: Look | None
    ) -> Look:
        """Each row by itself: all of them, ``only`` some, or those that the short look ``made`` left open."""
        x, g = pack([owner.leaves[k] for k in self.call.active]), pack(point.cotangents)
        every = basis(self.call, owner.layout)
        rows, answer = every, v if every.shape[0] == v.size else every @ v
        if only is None and made is not None and made.truth is not None:
            only = np.flatnonzero(~made.settled)
        brief = only is not None and made is None
        if only is not None:
            rows, answer = rows[only], answer[only]
        known = truth(owner, x, g, rows)
        u, tiny = self.unit(owner.layout)
        judgement = judge(answer, known, u, tiny, grain=owner.noise_floor)
        doubtful = np.flatnonzero((judgement == Judgement.WRONG) | (judgement == Judgement.INACCURATE))
        slack = allowance(known, u, tiny)
        if doubtful.size and not brief:
            k = self._movement(owner, x, g, rows, answer, known, doubtful, u)
            own = self._own_movement(owner, point, every, only, answer, u)
            judgement = judge(
                answer, known, u, tiny, movement=k, own_movement=own, grain=owner.noise_floor
            )
            slack = allowance(known, u, tiny, k)
        if np.any(judgement == Judgement.WRONG) and not owner.confirmed and self._kinked_across(owner, x, g, every):
            if brief:
                judgement = np.where(judgement == Judgement.WRONG, int(Judgement.INCONCLUSIVE), judgement)
            known = replace(known, kind=np.where(known.kind == Local.OUTSIDE, known.kind, int(Local.KINK)))
        judgement = np.where(known.magnitude > self._top(owner), int(Judgement.OUTSIDE), judgement)
        if np.any(known.kind == Local.KINK) and not brief:
            judgement, known, slack = self._at_kink(owner, x, g, rows, answer, known, judgement, slack, u, tiny)
        judgement = self._conventions(owner, x, g, rows, answer, judgement, slack)
        look = Look(point, seen, owner.layout, answer, rows, known, judgement, (), owner.evaluations, slack)
        return look if made is None or brief else made.with_rows(np.arange(len(every)) if only is None else only, look)

    def _at_kink(
        self,
        owner: Forward,
        x: Array,
        g: Array,
        rows: Array,
        answer: Array,
        known: Truth,
        judgement: Array,
        slack: Array,
        u: float,
        tiny: float,
    ) -> tuple[Array, Truth, Array]:
        """Judgement, truth and allowance with the kinked coordinates settled; the others keep theirs, which are sharper."""
        kinked = np.flatnonzero(known.kind == Local.KINK)
        settled, nearest, noise = settle(Sampler(owner, x, g, rows[kinked]), answer[kinked], u, tiny, self.rng)
        judgement, slack = judgement.copy(), slack.copy()
        judgement[kinked], slack[kinked] = settled, noise
        value, bound = known.value.copy(), known.bound.copy()
        value[kinked], bound[kinked] = nearest.value, nearest.bound
        return judgement, replace(known, value=value, bound=bound), slack

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
        if owner.confirmed:
            k[some] = imaginary_movement(owner, x, g, rows[some], known.part(some), u, self.rng)
            return k
        eta = max(u, PROBED)
        error = np.abs(answer[some] - known.value[some])
        for _ in range(6):
            moved = x * (1 + eta * self.rng.choice((-1.0, 1.0), size=x.size))
            turned = g * (1 + eta * self.rng.choice((-1.0, 1.0), size=g.size))
            t = truth(owner.with_constants_moved(eta, self.rng), moved, turned, rows[some])
            change = np.abs(t.value - known.value[some]) * (u / eta)
            k[some] = np.maximum(k[some], np.where(np.isfinite(change) & (t.kind != Local.OUTSIDE), change, 0.0))
            # Draws of random signs differ by far less than a hundred: then the other five cannot excuse the error.
            if np.all(~np.isfinite(error) | (error > 300 * k[some])):
                break
        return 3 * k

    def _own_movement(
        self, owner: Forward, point: Point, every: Array, only: Array | None, answer: Array, u: float
    ) -> Array:
        """W before its cap: the answer's own movement under such changes, or its scatter about the truth close by.

        A result that is rounded coarsely inside may not move at all under a roundoff of its inputs; its error then scatters from place
        to place, which that of a wrong formula does not.
        """
        moved = np.zeros(answer.shape)
        for _ in range(8):
            v = self._answer_near(owner, point, u)
            if v is not None:
                along = v if every.shape[0] == v.size else every @ v
                change = np.abs((along if only is None else along[only]) - answer)
                moved = np.maximum(moved, np.where(np.isfinite(change), change, 0.0))
        if owner.confirmed:
            moved = np.maximum(moved, self._scatter(owner, point, every, only, answer, u))
        return 2 * moved  # the answer and its repetitions may stand at opposite ends of their spread

    def _answer_near(self, owner: Forward, point: Point, by: float) -> Array | None:
        leaves = list(point.inputs)
        for k in self.call.active:
            leaves[k] = _nudge(leaves[k], by, self.rng)
        g = tuple(_nudge(a, by, self.rng) for a in point.cotangents)
        seen = self.call.vjp(g, self._typed(leaves), self.single)
        self._nearby = tuple(leaves), g
        return self.fill(seen, owner.layout) if seen.gradients else None

    def _scatter(
        self, owner: Forward, point: Point, every: Array, only: Array | None, answer: Array, u: float
    ) -> Array:
        """The largest error of the answer over nine places close by, where it scatters; else 0."""
        errors = []
        rows = every if only is None else every[only]
        for _ in range(9):
            v = self._answer_near(owner, point, max(u, PROBED))
            if v is None:
                continue
            leaves, g = self._nearby
            each = jacobian(owner, pack([leaves[k] for k in self.call.active]), rows)
            if each is not None:
                errors.append(rows @ v - each @ pack(g))
        if len(errors) < 6:
            return np.zeros(answer.shape)
        seen = np.array(errors)
        # A wrong formula errs by nearly the same at places a millionth apart; what scatters by a quarter of itself is rounding.
        scatters = np.ptp(seen, axis=0) >= np.abs(np.mean(seen, axis=0)) / 4
        most = np.max(np.abs(seen), axis=0)
        return np.where(scatters & np.all(np.isfinite(seen), axis=0), most, 0.0)

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
