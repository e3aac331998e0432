"""Looks at points of one call: the short way first, entry by entry where that decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradcheck.claim import Kind
from gradcheck.engine.answers import Answers, fresh
from gradcheck.engine.certify import Certifier, along
from gradcheck.engine.conditioning import imaginary_movement, movement
from gradcheck.engine.forward import FINE, Forward, Grain, basis
from gradcheck.engine.hull import leaps
from gradcheck.engine.judge import Judgement, Truth, allowance, judge, lost
from gradcheck.engine.kinks import Sampler, settle
from gradcheck.engine.look import Look
from gradcheck.engine.probes import Probe, probe
from gradcheck.engine.screen import fixed_choices, jacobian, kinked_across, screen
from gradcheck.engine.tolerance import GRANTED, Tolerance
from gradcheck.engine.truth import CONFLICTING, estimate, truth
from gradcheck.flat import Layout, largest, least, pack, roundoff
from gradcheck.oracles.imaginary import sizes
from gradcheck.records import Array, Local, Observation, Point
from gradcheck.strategies.directions import cotangent
from gradcheck.subjects.callables import CAUGHT, Call

GLARING = 2.0**-16
"""Part of the terms by which an answer misses a confirmed truth so that no rounding of a float64 formula needs to be thought of."""


SHORTER = 16
"""Steps shorter than those of the ladders, each four times the one before: from 64 ulp to 2^36 ulp."""

FEW = 1000
"""Coordinates up to which a matrix of all directions is no burden."""


@dataclass(frozen=True, slots=True)
class Site:
    """One point, with all that is needed to judge the answer there; ``rows`` (D, n) are the directions, ``answer`` (D,) along them."""

    owner: Forward
    point: Point
    seen: Observation
    x: Array
    g: Array
    rows: Array
    answer: Array
    u: float
    tiny: float

    def part(self, rows: Array) -> Site:
        """Some of the directions."""
        return replace(self, rows=self.rows[rows], answer=self.answer[rows])

    def look(self, known: Truth, judgement: Array, slack: Array) -> Look:
        """The look that ends with this."""
        owner = self.owner
        return Look(
            self.point, self.seen, owner.layout, self.answer, self.rows, known, judgement, (), owner.evaluations, slack
        )

    @property
    def top(self) -> float:
        """A gradient larger than this may overflow in the arithmetic of its own type."""
        return min((largest(d) for d in self.owner.layout.dtypes), default=np.inf) / 4


@dataclass(slots=True)
class Looker:
    """Looks at points of one call; holds what does not change between them."""

    call: Call
    claim: Callable[..., Any]
    single: bool
    wide: bool
    rng: np.random.Generator
    grain: Grain = FINE
    mode: str = ""
    certifier: Certifier | None = None
    """Asked where a look is full, or finds something that is not right."""
    tolerance: Tolerance = field(init=False)

    def __post_init__(self) -> None:
        self.tolerance = Tolerance(pack([self.call.leaves[k] for k in self.call.active]))

    @property
    def width(self) -> int:
        """Number of coordinates that are differentiated."""
        return Layout.of([self.call.leaves[k] for k in self.call.active]).total

    @property
    def answers(self) -> Answers:
        """The vjp under test."""
        return Answers(self.call, self.single, self.rng)

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
        guilty: Sequence[int] = (),
    ) -> Look | None:
        """Look at this point; None where the claimed forward is not defined, or overflows and certified truth is not to be had.

        Arithmetic may take a subnormal number for 0: where the forward is not defined there, it is not here.

        Up to ``short`` coordinates the short way is tried first (``screen``); it is all that is done, unless a doubt
        arises or the look is to be ``full``.  Else each of up to ``whole`` coordinates gets a bounded derivative of its
        own, and with more of them each argument gets ``probes`` directional ones.  With ``only`` some rows of the basis
        a glaring error of these is believed at once: enough to try whether a smaller point fails, too.  So is one in the rows of
        ``guilty`` arguments, which were found wrong elsewhere.
        """
        flushed = self._flushed(leaves)
        try:
            outputs = self.call.forward(fresh(leaves))
            if flushed is not None and not np.all(np.isfinite(pack(self.call.forward(flushed)))):
                return None
        except CAUGHT:
            return None
        owner = Forward.at(self.call, self.claim, leaves, self.wide, self.grain, self.mode)
        if owner is None or not np.all(np.isfinite(pack(outputs))):
            return self._overflowing(leaves, origin, outputs, whole, g, only)
        g = g or cotangent(outputs, self.rng)
        point = Point(inputs=tuple(np.asarray(v) for v in leaves), cotangents=g, origin=origin)
        seen = self.answers.observe(leaves, g)
        if seen.failure is not None or not seen.gradients:
            return Look(point, seen, owner.layout, np.zeros(0), None, None, None, (), owner.evaluations)
        v = self.answers.fill(seen, owner.layout)
        made = None
        # On a constrained set only tangents of the set mean anything: random signs leave it.
        free = all(self.call.domain.of(k).kind is Kind.REALS for k in self.call.active)
        if owner.layout.total <= short and np.all(np.isfinite(v)):
            made = self._short(self._site(owner, point, seen, v), only, guilty)
            self.mode = owner.mode if owner.sure else self.mode
            # What lines show of a kink that no line shows is nothing: there the short look is all there is to see.
            hidden = made is not None and made.truth is not None and bool(np.all(made.truth.kind == Local.KINK))
            if made is not None and (not full or hidden) and (only is not None or np.all(made.settled)):
                return made
        elif owner.layout.total > whole and free:
            return self._probe(owner, point, seen, v, probes)
        if owner.layout.total > whole and free and made is None:
            return self._probe(owner, point, seen, v, probes)
        site = self._site(owner, point, seen, v)
        if made is None:
            return self._whole(site, np.arange(len(site.rows)) if only is None else only, full)
        if full:
            return self._whole(site, np.arange(len(site.rows)), full).or_else(made)
        rows = np.flatnonzero(~made.settled)
        return made.with_rows(rows, self._whole(site, rows))

    def _flushed(self, leaves: Sequence[Any]) -> list[Any] | None:
        """The leaves with 0 for each subnormal number; None where there is none."""
        out, any_ = fresh(leaves), False
        for k in self.call.active:
            a = np.asarray(leaves[k])
            if a.dtype.kind == "f":
                small = (a != 0) & (np.abs(a) < np.finfo(a.dtype).smallest_normal)
                if small.any():
                    out[k], any_ = np.where(small, a.dtype.type(0), a), True
        return out if any_ else None

    def answer_is_finite(self, leaves: Sequence[Any]) -> bool:
        """Whether the answer is finite at this point, or need not be: the forward is not finite there, or raises."""
        try:
            outputs = self.call.forward(fresh(leaves))
        except CAUGHT:
            return True
        if not np.all(np.isfinite(pack(outputs))):
            return True
        seen = self.answers.observe(leaves, cotangent(outputs, self.rng))
        return all(g is None or bool(np.all(np.isfinite(pack([g])))) for g in seen.gradients)

    def differentiable(self, look: Look) -> bool:
        """Whether differences find a derivative, or a kink, along each of three random directions at the point of the look."""
        owner = Forward.at(self.call, self.claim, look.point.inputs, self.wide, self.grain)
        if owner is None:
            return False
        x = pack([owner.leaves[k] for k in self.call.active])
        rows = basis(self.call, owner.layout)
        d = (self.rng.normal(size=(3, len(rows))) * sizes(x, rows)) @ rows
        found = estimate(owner, owner, x, d)
        return not np.any((found.kind == Local.OUTSIDE) | (found.kind == Local.UNDECIDED))

    def _overflowing(
        self,
        leaves: Sequence[Any],
        origin: str,
        outputs: tuple[Array, ...],
        whole: int,
        g: tuple[Array, ...] | None,
        only: Array | None,
    ) -> Look | None:
        """The look at a point where the forward overflows and the real function does not; None where that is not known.

        Where an answer is not finite either, or a derivative of the text would err as much in floating point, nothing is wrong with it.
        """
        layout = Layout.of([leaves[k] for k in self.call.active])
        if self.certifier is None or self.certifier.hopeless or layout.total > whole:
            return None
        g = g or cotangent(outputs, self.rng)
        found = self.certifier.at(leaves, g)
        if found is None or not found.within_range:
            return None
        point = Point(inputs=tuple(np.asarray(v) for v in leaves), cotangents=g, origin=origin)
        seen = self.answers.observe(leaves, g)
        if seen.failure is not None or not seen.gradients:
            return None
        rows = basis(self.call, layout)
        rows = rows if only is None else rows[only]
        answer, unit = rows @ self.answers.fill(seen, layout), self.unit(layout)
        coarsest = max(layout.dtypes, key=roundoff)
        known, judgement, slack = self.certifier.judged(found, rows, answer, leaves, g, coarsest, unit, self.rng)
        outside = ~(np.isfinite(answer) & np.isfinite(known.value))
        judgement = np.where(outside, int(Judgement.OUTSIDE), judgement)
        return Look(point, seen, layout, answer, rows, known, judgement, (), 0, slack)

    def _site(self, owner: Forward, point: Point, seen: Observation, v: Array) -> Site:
        x, g = pack([owner.leaves[k] for k in self.call.active]), pack(point.cotangents)
        rows = basis(self.call, owner.layout)
        u, tiny = self.unit(owner.layout)
        return Site(owner, point, seen, x, g, rows, v if rows.shape[0] == v.size else rows @ v, u, tiny)

    def unit(self, layout: Layout) -> tuple[float, float]:
        """(unit roundoff, least subnormal) of the coarsest type among the gradients."""
        return max((roundoff(d) for d in layout.dtypes), default=0.0), max(
            (least(d) for d in layout.dtypes), default=0.0
        )

    def _short(self, at: Site, only: Array | None, guilty: Sequence[int] = ()) -> Look | None:
        """The look that imaginary steps allow, undecided where they raise a doubt; None where they say nothing."""
        owner, answer = at.owner, at.answer
        screened = screen(owner, at.x, at.g, at.rows, self.rng)
        if screened.kinked:
            sampler = Sampler(owner, at.x, at.g, at.rows)
            judgement, known, slack = settle(sampler, answer, at.u, at.tiny, self.rng)
            return at.look(known, _conventions(at, judgement, slack), slack)
        known_here = screened.truth
        if known_here is None or np.any(known_here.magnitude > at.top):
            return None
        error = np.abs(answer - known_here.value)
        slack = allowance(known_here, at.u, at.tiny)
        if only is None and np.any(error > slack):
            k = imaginary_movement(owner, at.x, at.g, at.rows, known_here, at.u, self.rng)
            slack = allowance(known_here, at.u, at.tiny, k)
        judgement = np.where(error <= slack, int(Judgement.RIGHT), int(Judgement.INCONCLUSIVE))
        believed = np.zeros(len(at.rows), bool)
        believed[[] if only is None else only] = True
        for leaf in guilty:
            believed |= np.any(at.rows[:, owner.layout.spans()[leaf]] != 0, axis=1)
        glaring = error > GLARING * (known_here.magnitude + known_here.scale) + 2**20 * at.u * known_here.scale
        judgement = np.where(believed & glaring, int(Judgement.WRONG), judgement)
        return at.look(known_here, judgement, slack)

    def _probe(self, owner: Forward, point: Point, seen: Observation, v: Array, count: int) -> Look:
        x, g = pack([owner.leaves[k] for k in self.call.active]), pack(point.cotangents)
        u, _ = self.unit(owner.layout)

        def excuse(d: Array, error: float) -> float:
            known = truth(owner, x, g, d[None])
            at = Site(owner, point, seen, x, g, d[None], np.array([v @ d]), u, 0.0)
            if _unresolved(at, known, self._vouched(at, known, np.array([int(Judgement.WRONG)])))[0] != Judgement.WRONG:
                return np.inf
            k = movement(owner, x, g, d[None], known, np.array([error]), u, self.rng)
            if k[0] > known.magnitude[0] / 4:
                return float(64 * k[0])  # ill-posed, as the judge has it
            size = np.abs(known.value) + np.where(np.isfinite(known.scale), known.scale, 0.0)
            if self.tolerance.at(owner, x):
                return float(GRANTED * size[0])
            cap = np.sqrt(u) * size
            own = min(self.answers.own_movement(owner, point, d[None], known, u)[0], cap[0])
            # Digits that entries lose are of either sign along random ones, and add up like their squares.
            return float(k[0] + max(own, lost(float(np.linalg.norm(v * d)), k[0], u)))

        found: tuple[tuple[int, Probe], ...] = tuple(
            (leaf, probe(owner, x, g, v, span, u, self.rng, count, excuse))
            for leaf, span in enumerate(owner.layout.spans())
            if span.stop > span.start
        )
        blank = any(not np.isfinite(v[c]) for _, p in found for c, _, _ in p.wrong)
        if blank and leaps(owner, x, g, np.eye(x.size) if x.size <= FEW else x[None], self.rng, jump=True):
            found = ()  # no answer is asked for where the forward jumps
        if self.certifier is not None and any(p.wrong for _, p in found):
            coarsest = max(owner.layout.dtypes, key=roundoff)
            found = self.certifier.confirm(found, v, point.inputs, point.cotangents, coarsest, self.rng)
        return Look(point, seen, owner.layout, v, None, None, None, found, owner.evaluations)

    def _whole(self, every: Site, chosen: Array, full: bool = False) -> Look:
        """Each of the chosen rows by itself."""
        return self._despite_blur(every.part(chosen), self._by_rows(every, chosen, full))

    def _despite_blur(self, at: Site, look: Look) -> Look:
        """The look with INCONCLUSIVE where the answer is the derivative of the text, and not of what floating point shows.

        Where the forward's rounding is as large as its values these are two functions: wrong is what is the derivative of neither.
        """
        blurred = None if self.certifier is None else self.certifier.blurred
        if blurred is None or self.certifier is None or look.judgement is None:
            return look
        wrong = np.flatnonzero(look.judgement == Judgement.WRONG)
        if not wrong.size:
            return look
        some, coarsest = at.part(wrong), max(at.owner.layout.dtypes, key=roundoff)
        _, again, _ = self.certifier.judged(
            blurred, some.rows, some.answer, at.point.inputs, at.point.cotangents, coarsest, (at.u, at.tiny), self.rng
        )
        judgement = np.array(look.judgement)
        judgement[wrong[again != Judgement.WRONG]] = int(Judgement.INCONCLUSIVE)
        return replace(look, judgement=judgement)

    def _by_rows(self, every: Site, chosen: Array, full: bool) -> Look:
        at = every.part(chosen)
        owner, answer = at.owner, at.answer
        known = truth(owner, at.x, at.g, at.rows)
        judgement = judge(answer, known, at.u, at.tiny, grain=owner.coarseness)
        enclosed = None
        if self.certifier is not None and (full or not np.isin(judgement, (Judgement.RIGHT, Judgement.KINK)).all()):
            enclosed = self.certifier.at(at.point.inputs, at.point.cotangents)
            sharp = self.certifier.sharpen(known, at.rows, enclosed)
            if sharp is None:
                enclosed = None
            else:
                known = sharp
                judgement = judge(answer, known, at.u, at.tiny, grain=owner.coarseness)
        slack = allowance(known, at.u, at.tiny)
        doubtful = np.flatnonzero((judgement == Judgement.WRONG) | (judgement == Judgement.INACCURATE))
        if doubtful.size:
            k = np.zeros(answer.size)
            some = at.part(doubtful)
            error = np.abs(some.answer - known.value[doubtful])
            if self.certifier is not None and enclosed is not None:
                k[doubtful] = self.certifier.movement(enclosed, some.rows, at.point.cotangents, at.u, self.rng)
            else:
                k[doubtful] = movement(owner, at.x, at.g, some.rows, known.part(doubtful), error, at.u, self.rng)
            own, honest = np.zeros(answer.size), np.zeros(answer.size)
            # Its cap is sqrt(u) N: an error beyond that needs no look at places close by.
            cap = np.sqrt(at.u) * np.where(np.isfinite(known.scale), known.scale, 0.0)
            reach = (known.bound + allowance(known, at.u, at.tiny, k) + cap)[doubtful]
            moving = doubtful[error <= reach * (1 + 2.0**-20)]
            if moving.size:
                rows = at.rows[moving]
                close_by = None if enclosed is None else along(enclosed, rows)
                own[moving] = self.answers.own_movement(owner, at.point, rows, known.part(moving), at.u, close_by)
            grain = owner.coarseness
            judgement = judge(answer, known, at.u, at.tiny, movement=k, own_movement=own, grain=grain)
            wrong = np.flatnonzero(judgement == Judgement.WRONG)
            if enclosed is not None and self.certifier is not None and wrong.size:
                # A table that is wrong itself measures nothing: it is tried before an answer is measured by it.
                clash = self.certifier.contradicted(enclosed, at.rows, at.point.cotangents)
                coarsest, here = max(owner.layout.dtypes, key=roundoff), at.part(wrong)
                honest[wrong] = self.certifier.honest(
                    enclosed,
                    here.rows,
                    here.answer,
                    at.point.inputs,
                    at.point.cotangents,
                    known.magnitude[wrong],
                    coarsest,
                    self.rng,
                )
                judgement = judge(
                    answer, known, at.u, at.tiny, movement=k, own_movement=own, honest=honest, grain=grain
                )
                judgement = np.where(clash, int(Judgement.CONFLICT), judgement)
            slack = allowance(known, at.u, at.tiny, k)
        if enclosed is not None and known.certified:  # nothing is tied there, and so there is no other piece
            judgement = self.tolerance.excuse(owner, at.x, at.g, at.rows, answer, known, judgement)
            return at.look(known, np.where(known.magnitude > at.top, int(Judgement.OUTSIDE), judgement), slack)
        judgement = _unresolved(at, known, self._vouched(at, known, judgement))
        wrong = judgement == Judgement.WRONG
        if wrong.any() and not owner.confirmed and leaps(owner, at.x, at.g, every.rows, self.rng, jump=True):
            # Smooth along each coordinate and no derivative all the same: an angle at the origin.
            judgement = np.where(wrong, int(Judgement.OUTSIDE), judgement)
        elif (
            (wrong.any() or np.count_nonzero(known.kind == Local.ONE_SIDED) > 1)  # in a corner each line shows one side
            and not owner.confirmed
            and kinked_across(owner, at.x, at.g, every.rows, self.rng)
        ):
            sampler = Sampler(owner, at.x, at.g, every.rows)
            judgement, nearest, slack = settle(sampler, every.answer, at.u, at.tiny, self.rng)
            judgement = _conventions(every, judgement, slack)
            return at.look(nearest.part(chosen), judgement[chosen], slack[chosen])
        judgement = np.where(known.magnitude > at.top, int(Judgement.OUTSIDE), judgement)
        kinked = np.flatnonzero(known.kind == Local.KINK)
        if kinked.size:
            sampler = Sampler(owner, at.x, at.g, at.rows[kinked])
            settled, nearest, noise = settle(sampler, answer[kinked], at.u, at.tiny, self.rng)
            if kinked.size == 1:
                # One coordinate alone has the interval between its slopes, which differences know from either side.
                reach = np.abs(known.jump[kinked]) / 2 + known.bound[kinked] + known.jump_bound[kinked] + slack[kinked]
                inside = np.abs(answer[kinked] - known.value[kinked]) <= reach
                settled = np.where(inside & np.isfinite(reach), int(Judgement.RIGHT), settled)
            judgement[kinked], slack[kinked] = settled, noise
            known = known.with_rows(kinked, nearest)
        judgement = self._of_another_piece(every, chosen, known, judgement)
        judgement = self.tolerance.excuse(owner, at.x, at.g, at.rows, answer, known, judgement)
        return at.look(known, _conventions(at, judgement, slack), slack)

    def _of_another_piece(self, every: Site, chosen: Array, known: Truth, judgement: Array) -> Array:
        """The judgement with RIGHT for what is no slope along its own line, and yet the gradient of a piece that meets this point.

        In max(min(a, b), c) with all equal, a and b are smooth by themselves with slope 0, and (1, 0, 0) is a gradient close by.
        """
        gap = np.abs(every.answer[chosen] - known.value)
        rows = np.flatnonzero(
            (judgement == Judgement.WRONG)
            & (known.kind == Local.SMOOTH)
            & (gap > CONFLICTING * np.maximum(np.abs(known.value), known.scale))
        )
        kink = bool(np.any(known.kind == Local.KINK))
        owner, x, g = every.owner, every.x, every.g
        if not rows.size or not (kink or kinked_across(owner, x, g, every.rows, self.rng)):
            return judgement
        settled, _, _ = settle(Sampler(owner, x, g, every.rows), every.answer, every.u, every.tiny, self.rng)
        judgement = judgement.copy()
        judgement[rows[settled[chosen[rows]] == Judgement.RIGHT]] = int(Judgement.RIGHT)
        return judgement

    def _vouched(self, at: Site, known: Truth, judgement: Array) -> Array:
        """The judgement with RIGHT where an imaginary step, too, says what the answer says, and differences hardly differ.

        Two computations that know nothing of each other agree to within rounding; what differs by less than a conflict is then the
        bound of the differences, drawn too tight where the rounding of intermediate results is not seen as noise.
        """
        rows = np.flatnonzero(judgement == Judgement.WRONG)
        gap = np.abs(at.answer - known.value)
        rows = rows[gap[rows] <= CONFLICTING * np.maximum(np.abs(known.value), known.scale)[rows]]
        some = at.part(rows)
        # In the mode that was confirmed elsewhere; plain numbers that nothing confirmed may lose a branch, as the answer may.
        owner = replace(at.owner, mode=at.owner.mode or "analytic")
        each = jacobian(owner, at.x, some.rows) if rows.size else None
        if each is not None:
            value, magnitude = each @ at.g, np.abs(each) @ np.abs(at.g)
            here = replace(known.part(rows), value=value, magnitude=magnitude)
            k = imaginary_movement(owner, at.x, at.g, some.rows, here, at.u, self.rng)
            agreed = np.abs(some.answer - value) <= allowance(here, at.u, at.tiny, k)
            judgement = judgement.copy()
            judgement[rows[agreed]] = int(Judgement.RIGHT)
        return judgement


def _unresolved(at: Site, known: Truth, judgement: Array) -> Array:
    """The judgement with INCONCLUSIVE where differences over far shorter steps say what the answer says, and not the estimate.

    The forward then varies within the steps of both ladders: sin(10^9 t) looks like noise about a constant from afar.  Of a wrong answer
    a short step shows the estimate again, or noise: that three steps in a row meet the answer by chance is next to impossible.
    """
    out = judgement
    for row in np.flatnonzero((judgement == Judgement.WRONG) & np.isfinite(at.answer)):
        d, gap = at.rows[row], abs(float(at.answer[row]) - float(known.value[row]))
        moved = np.abs(at.x[d != 0])
        shortest = 64 * float(np.max(np.spacing(moved), initial=0.0)) / float(np.max(np.abs(d)))
        if not np.isfinite(gap) or shortest == 0:
            continue
        run = 0
        for k in range(SHORTER):
            h = shortest * 4.0**k
            slope = float((at.owner(at.x + h * d) - at.owner(at.x - h * d)) @ at.g) / (2 * h)
            run = run + 1 if abs(slope - at.answer[row]) <= gap / 16 else 0
            if run == 3:
                out = np.where(np.arange(out.size) == row, int(Judgement.INCONCLUSIVE), out)
                break
    return out


def _conventions(at: Site, judgement: Array, slack: Array) -> Array:
    """The judgement with CONVENTION for wrong answers that one fixed choice per tied primitive gives."""
    wrong = judgement == Judgement.WRONG
    if not wrong.any():
        return judgement
    for value in fixed_choices(at.owner, at.x, at.g, at.rows):
        if np.all(np.abs(at.answer - value)[wrong] <= slack[wrong]):
            return np.where(wrong, int(Judgement.CONVENTION), judgement)
    return judgement
