"""Examine one call: all looks and all checks, composed into a Record.  The heart of ``check`` and ``verify``."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.claim import Kind
from gradcheck.engine import contract, findings, forward_mode
from gradcheck.engine.certify import Certifier
from gradcheck.engine.forward import basis, grain, widen
from gradcheck.engine.judge import Judgement, common_factor
from gradcheck.engine.look import Look
from gradcheck.engine.looker import Looker
from gradcheck.engine.profiles import Profile
from gradcheck.errors import UsageError
from gradcheck.flat import Layout, roundoff
from gradcheck.records import Finding, Point, Record, Severity, Status, Verdict
from gradcheck.strategies.points import closer, nearby
from gradcheck.strategies.sets import settle
from gradcheck.strategies.shrink import smallest
from gradcheck.subjects.callables import CAUGHT, Call, describe_failure
from gradcheck.subjects.stochastic import draws, rewound

TANGENTS = 6
"""Further points at which a jvp is held against the truth, too."""

MET = 8
"""Further points that are to be met, where fewer of the planned ones are defined: a wrong value in one of them shows."""

ALONE = 24
"""Coordinates up to which each is taken to extremes alone."""

COARSE = 2.0**-10
"""Relative bound to which an argument is judged of which nothing is known better: three digits."""

NARROW = 2.0**-12
"""Unit roundoff from which a type has so few digits that eight roundoffs are parts of a hundred: float16 and bfloat16."""

DEAREST = 4
"""The part of the evaluations that one point is charged with at most: a hull at one kink may take them all, and the rest is to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is examined: a call, the forward that is the truth, and the words for the record."""

    call: Call
    name: str
    subject: str = "given"
    claim: Callable[..., Any] | None = None
    special: tuple[float, ...] = ()
    intent: str = ""
    order: int = 1
    words: Mapping[str, str] | None = None


def seed_of(call: Call) -> int:
    """A seed from the bytes of the inputs: the same inputs are looked at in the same way."""
    digest = hashlib.blake2b(digest_size=4)
    for path, leaf in zip(call.paths, call.leaves, strict=True):
        digest.update(path.encode())
        digest.update(leaf.tobytes() if isinstance(leaf, np.ndarray) else repr(leaf).encode())
    return int.from_bytes(digest.digest(), "little")


def examine(case: Case, profile: Profile, seed: int | None) -> Record:
    """The record of one case.  Raises ``UsageError`` if the forward cannot be run at the given point, and nothing else."""
    number = seed_of(case.call) if seed is None else seed
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _Examination(case, profile, number).run()


class _Examination:
    def __init__(self, case: Case, profile: Profile, seed: int) -> None:
        self.case, self.profile, self.seed = case, profile, seed
        self.call = case.call
        self.rng = np.random.default_rng(seed)
        self.found: list[Finding] = []
        self.counts: Counter[str] = Counter()
        self.oracles: Counter[str] = Counter()
        self.untested: list[str] = []
        self.leaves = list(self.call.leaves)
        self.tangents = 0
        self.charged = 0
        self.begun = time.process_time()
        self.narrow = any(roundoff(np.asarray(self.call.leaves[k]).dtype) >= NARROW for k in self.call.active)
        self.ratios: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self.first_point: Point | None = None

    def run(self) -> Record:
        first = self.outputs()
        second: tuple[np.ndarray, ...] = ()

        def once_more() -> None:
            nonlocal second
            second = self.outputs()

        drawn = draws(self.call.implementation, self.call.kwargs, once_more)
        if drawn or _bytes(first) != _bytes(second):
            self.call = replace(self.call, implementation=rewound(self.call.implementation, self.call.kwargs))
            first, second = self.outputs(), self.outputs()
            if _bytes(first) != _bytes(second):
                return self.record(Verdict.STOCHASTIC, Status.INCONCLUSIVE)
            self.untested.append(
                "other draws of the forward's random numbers: its generators were rewound before each call"
            )
        if not all(np.all(np.isfinite(o.astype(complex))) for o in first):
            raise UsageError(
                "inputs: the forward is not finite at the given point, so it has no derivative there; give another point"
            )
        if not any(np.size(self.call.leaves[k]) for k in self.call.active):
            self.empty()
            return self.record(Verdict.EMPTY, Status.FAIL if any(f.severity.fails for f in self.found) else Status.PASS)
        claim = self.case.claim or self.call.implementation.forward
        looker = Looker(
            self.call,
            claim,
            self.single,
            widen(self.call, claim),
            self.rng,
            grain(self.call, claim, self.rng),
            certifier=None if drawn else Certifier.of(self.call, claim, single=self.single),
        )
        p = self.profile
        given = looker.at(self.leaves, "the given point", short=p.short, full=p.full, whole=p.whole, probes=p.probes)
        if given is None:
            raise UsageError(
                "inputs: the claimed operator is not defined at the given point; give a point of its domain"
            )
        given = self.coarsely(given)
        self.take(given)
        self.breaches(given)
        if given.observation.failure is None and given.observation.gradients:
            self.inspect(given)
            self.found += forward_mode.inspect(self.call, looker, given)
            if self.case.order > 1:
                self.found += forward_mode.symmetric_second_order(self.call, looker, given)
            self.wander(looker)
        if looker.certifier is not None and looker.certifier.reason:
            self.untested.append(f"certified derivatives at some points: {looker.certifier.reason}")
        self.common_factors()
        self.shrink(looker, given.layout)
        return self.conclude(given)

    def outputs(self) -> tuple[np.ndarray, ...]:
        leaves = [np.array(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in self.leaves]
        try:
            value = self.call.implementation.forward(*self.call.build(leaves), **self.call.kwargs)
            self.single = not isinstance(value, (tuple, list))
            arrays = tuple(np.asarray(v) for v in ((value,) if self.single else value))
        except CAUGHT as error:
            failure = describe_failure(error)
            raise UsageError(
                f"forward: it raises {failure.kind} at the given inputs: {failure.message} ({failure.where}); "
                "call it with these inputs yourself and mend that first"
            ) from error
        for a in arrays:
            if a.dtype.kind in "OSUV" and not a.dtype.name.startswith(("bfloat16", "float8")):
                raise UsageError(
                    f"forward: it returned {a.dtype} and not numbers; return an array or a tuple of arrays"
                )
        return arrays

    def empty(self) -> None:
        g = tuple(np.zeros(o.shape, o.dtype) for o in self.outputs())
        seen = self.call.vjp(g, self.leaves, self.single)
        look = Look(Point(inputs=(), cotangents=()), seen, Layout((), ()), np.zeros(0), None, None, None, (), 0)
        self.breaches(look)
        if seen.failure is not None:
            self.found += findings.of_look(self.call, look)

    def common_factors(self) -> None:
        """In types of a few digits, what excuses an entry is per cents; a factor that all entries share is not excused."""
        for leaf, k in enumerate(self.call.active):
            u = roundoff(np.asarray(self.call.leaves[k]).dtype)
            if u < NARROW or not self.ratios[leaf]:
                continue
            answer, known = np.array(self.ratios[leaf]).T
            factor = common_factor(answer, known, u)
            if factor is not None and not any(
                f.argument == self.call.paths[k] and f.code == "GC101" for f in self.found
            ):
                self.found.append(
                    findings.common_factor(self.call, self.call.paths[k], factor, answer, known, u, self.first_point)
                )

    def remember(self, look: Look) -> None:
        """Answer and truth of entries that one term dominates, for the search of a common factor."""
        if look.judgement is None or look.truth is None or look.basis is None or not self.narrow:
            return
        settled = np.isin(look.judgement, (Judgement.RIGHT, Judgement.INACCURATE))
        size = np.abs(look.truth.value)
        # Far from underflow, and without cancellation: there a relative error means something.
        clear = settled & (size > 2.0**-10) & (look.truth.magnitude <= 2 * size) & (look.truth.bound <= 2.0**-20 * size)
        for leaf in range(len(self.call.active)):
            rows = look.rows_of(leaf)
            rows = rows[clear[rows]]
            self.ratios[leaf] += zip(look.answer[rows].tolist(), look.truth.value[rows].tolist(), strict=True)

    def coarsely(self, given: Look) -> Look:
        """The given look, with an argument of which nothing was decided judged to the few digits that are known of its derivative.

        A forward that is nearly singular rounds so much that no difference of it is sharp.  What agrees to COARSE is then taken for
        right, the certificate states how much would have been seen, and what is hidden is said.
        """
        if given.judgement is None or given.truth is None:
            return given
        judgement, known = given.judgement.copy(), given.truth
        near = (judgement == Judgement.INCONCLUSIVE) & (known.bound <= COARSE * np.abs(known.value))
        near &= np.abs(given.answer - known.value) <= known.bound
        for leaf, k in enumerate(self.call.active):
            rows = given.rows_of(leaf)
            if not rows.size or np.isin(judgement[rows], findings.SETTLED).any() or not near[rows].any():
                continue
            judgement[rows[near[rows]]] = int(Judgement.RIGHT)
            digits = float(np.max(known.bound[rows][near[rows]]))
            self.untested.append(
                f"errors of {self.call.paths[k]} below {digits:.2g}: the forward's own rounding hides them"
            )
        return replace(given, judgement=judgement)

    def take(self, look: Look) -> None:
        self.remember(look)
        self.first_point = self.first_point or look.point
        self.counts["points"] += 1
        self.counts["evaluations"] += look.evaluations
        self.charged += min(look.evaluations, self.profile.evaluations // DEAREST)
        self.found += findings.of_look(self.call, look)
        if look.judgement is not None and look.truth is not None:
            counts = np.bincount(look.judgement, minlength=len(Judgement))
            for j in np.flatnonzero(counts):
                self.counts[Judgement(int(j)).name.lower()] += int(counts[j])
            self.oracles[look.truth.method] += int(counts[list(findings.SETTLED)].sum())
        for _, probe in look.probes:
            self.counts[
                "right" if probe.decided and not probe.wrong else "wrong" if probe.wrong else "inconclusive"
            ] += 1
            self.oracles[probe.method] += int(probe.decided)

    def breaches(self, look: Look) -> None:
        for code, path, message in look.observation.breaches:
            self.found.append(
                Finding(
                    code=code,
                    severity=Severity.CONTRACT,
                    argument=path,
                    message=message,
                    point=look.point,
                    where=self.call.implementation.where,
                )
            )

    def inspect(self, given: Look) -> None:
        magnitude, scale = np.full(given.layout.total, np.nan), None
        if given.truth is not None and given.basis is not None and given.basis.shape[0] == magnitude.size:
            magnitude, scale = given.truth.magnitude, given.truth.scale
        self.found += contract.inspect_contract(
            self.call,
            given.point.cotangents,
            self.single,
            magnitude,
            self.rng,
            thorough=self.profile.contract,
            scale=scale,
        )

    def wander(self, looker: Looker) -> None:
        skipped = late = 0
        # Beyond a thousand entries each evaluation costs in proportion, and so counts.
        most = self.profile.evaluations // (1 + looker.width // 1000)
        for origin, leaves in nearby(self.call, self.rng, profile=self.profile.name, special=self.case.special):
            if self.hopeless():
                self.untested.append("further points: every argument was found wrong already")
                break
            if self.late():
                late += 1
                continue
            spent = self.charged
            if spent >= 2 * most:
                skipped += 1
                continue
            # With the budget spent, the rest is probed along one direction per argument instead of entry by entry.
            self.visit(looker, origin, leaves, self.profile.nearby if spent < most else 0)
        for origin, leaves in closer(self.call, self.rng):
            # A forward that is defined on a narrow interval is met nowhere else.
            if self.counts["points"] > MET or self.late() or self.hopeless():
                break
            self.visit(looker, origin, leaves, self.profile.nearby)
        self.extremes(looker)
        if late:
            self.untested.append(
                f"{late} further points: the {self.profile.seconds:.0f} s of the processor that the profile allows were used up"
            )
        if skipped:
            self.untested.append(
                f"{skipped} further points: the {2 * most} evaluations that the profile allows were used up"
            )
        if self.counts["undefined points"]:
            self.untested.append(
                f"{self.counts['undefined points']} points where the forward is not defined or not finite"
            )

    def visit(self, looker: Looker, origin: str, leaves: tuple[Any, ...], whole: int) -> None:
        """Look at one further point, and take in what is found there."""
        p = self.profile
        look = looker.at(leaves, origin, short=p.short, whole=whole, probes=1, guilty=self.guilty())
        if look is None:
            self.counts["undefined points"] += 1
            return
        if whole < p.nearby and any(probe.wrong for _, probe in look.probes):
            # One direction cannot tell a kink that no line shows: a median is smooth along all lines through equal numbers.
            look = looker.at(leaves, origin, short=p.short, whole=p.nearby, probes=1, g=look.point.cotangents) or look
        if look.observation.failure is not None and not looker.differentiable(look):
            # A backward pass may refuse where there is no derivative, as at a singular matrix.
            self.counts["refused where nothing is differentiable"] += 1
            return
        self.take(look)
        if self.tangents < TANGENTS and look.observation.failure is None:
            self.tangents += 1
            self.found += forward_mode.inspect(self.call, looker, look)
        known = {(f.code, f.argument) for f in self.found}
        self.breaches(replace_breaches(look, known))

    def late(self) -> bool:
        """Whether the time is used up after which nothing further is begun."""
        return time.process_time() - self.begun > self.profile.seconds

    def extremes(self, looker: Looker) -> None:
        """Every entry alone at large values of both signs: an answer that is not finite there shows without any truth.

        exp overflows float32 from 88.7 and float64 from 709.8, and a square overflows float16 from 256.
        """
        if not self.profile.extremes or looker.width > ALONE or self.late() or self.hopeless():
            return
        for k in self.call.active:
            leaf = np.asarray(self.call.leaves[k])
            if self.call.domain.of(k).kind is not Kind.REALS or leaf.dtype.kind == "c":
                continue
            for entry in range(leaf.size):
                for value in (-800.0, 800.0, -100.0, 100.0):
                    changed = leaf.astype(np.float64)
                    changed.reshape(-1)[entry] = value
                    leaves = list(self.call.leaves)
                    leaves[k] = settle(changed, self.call.leaves[k], self.call.domain.of(k))
                    if looker.answer_is_finite(leaves):
                        continue
                    path = self.call.paths[k]
                    look = looker.at(
                        leaves, f"one entry of {path} at {value:g}", short=0, whole=self.profile.whole, probes=1
                    )
                    if look is not None and look.observation.failure is None:
                        self.take(look)
                        return

    def hopeless(self) -> bool:
        """Whether every argument is wrong at enough points: more of them would say nothing new."""
        return len(self.guilty()) == len(self.call.active)

    def guilty(self) -> list[int]:
        """The arguments, of those that are differentiated, that are wrong at enough points."""
        seen = Counter(f.argument for f in self.found if f.code in ("GC101", "GC102", "GC109"))
        return [
            leaf
            for leaf, k in enumerate(self.call.active)
            if max(seen[self.call.paths[k]], seen["*"]) >= self.profile.convinced
        ]

    def shrink(self, looker: Looker, layout: Layout) -> None:
        self.found = findings.merge(self.found)
        for k, finding in enumerate(self.found):
            if finding.severity is Severity.WRONG and finding.point is not None and finding.code in ("GC101", "GC102"):
                if layout.total > self.profile.whole or finding.index is None:
                    continue
                row = self.row(layout, finding)
                self.found[k] = findings.smaller(
                    self.call,
                    finding,
                    layout,
                    lambda p, brief, row=row: self.again(looker, p, row if brief else None),  # type: ignore[misc]  # bound at once
                    smallest,
                    self.seed,
                    self.profile.shrink,
                )
                break

    def row(self, layout: Layout, finding: Finding) -> np.ndarray:
        """The row of the basis that shows the finding's entry."""
        leaf = [self.call.paths[k] for k in self.call.active].index(finding.argument)
        rows = basis(self.call, layout)
        span = layout.spans()[leaf]
        width = 2 if layout.dtypes[leaf].kind == "c" else 1
        entry = int(np.ravel_multi_index(finding.index, layout.shapes[leaf])) if finding.index else 0
        return np.flatnonzero(np.any(rows[:, span][:, entry * width : entry * width + width] != 0, axis=1))[:width]

    def again(self, looker: Looker, point: Point, row: np.ndarray | None) -> list[Finding]:
        """The findings at a point that is tried in the place of a finding's own: of one row as fast as can be, or (None) of all."""
        if row is not None and (self.late() or self.counts["shrinking"] > self.profile.evaluations // 2):
            return []
        p = self.profile
        look = looker.at(
            point.inputs, point.origin, short=p.short, whole=p.whole, probes=1, g=point.cotangents, only=row
        )
        if look is None:
            return []
        self.counts["shrinking"] += look.evaluations
        return findings.of_look(self.call, look)

    def conclude(self, given: Look) -> Record:
        if self.case.intent:
            self.found = [
                replace(f, severity=Severity.DECLARED, message=f"{f.message}; declared: {self.case.intent}")
                if f.severity is Severity.WRONG and f.code in ("GC101", "GC102")
                else f
                for f in self.found
            ]
        severities = {f.severity for f in self.found}
        undecided = self.undecided(given)
        if any(s.fails for s in severities):
            status = Status.FAIL
            worst = next(s for s in (Severity.WRONG, Severity.CONFLICT, Severity.CONTRACT) if s in severities)
            verdict = {Severity.WRONG: Verdict.WRONG, Severity.CONFLICT: Verdict.CONFLICT}.get(worst, Verdict.CONTRACT)
        elif undecided and not self.case.intent:
            status = Status.INCONCLUSIVE
            verdict = Verdict.OUTSIDE if Severity.OUTSIDE in severities else Verdict.UNDECIDED
            self.untested.append(f"no entry of {', '.join(undecided)} was decided at the given point")
        else:
            status = Status.PASS
            verdict = (
                Verdict.SURROGATE
                if Severity.DECLARED in severities
                else Verdict.INACCURATE
                if Severity.INACCURATE in severities
                else Verdict.CONVENTION
                if Severity.CONVENTION in severities
                else Verdict.RIGHT
            )
        return self.record(verdict, status, findings.certificate(self.call, given))

    def undecided(self, given: Look) -> list[str]:
        out = []
        for leaf, k in enumerate(self.call.active):
            if not np.size(self.call.leaves[k]):
                continue
            if given.judgement is not None:
                decided = bool(np.any(np.isin(given.judgement[given.rows_of(leaf)], findings.SETTLED)))
            else:
                decided = any(p.decided for n, p in given.probes if n == leaf)
            if not decided:
                out.append(self.call.paths[k])
        return out

    def record(self, verdict: Verdict, status: Status, certified: str = "") -> Record:
        still = [p for k, p in enumerate(self.call.paths) if k not in self.call.active]
        if still:
            self.untested.append(f"derivatives with respect to {', '.join(still)}: not differentiated")
        if self.case.order == 1:
            self.untested.append("derivatives of order two and higher")
        return Record(
            operator=self.case.name,
            subject=self.case.subject,
            verdict=verdict,
            status=status,
            findings=tuple(findings.merge(self.found)) if verdict is Verdict.STOCHASTIC else tuple(self.found),
            counts=dict(self.counts),
            certificate=certified,
            untested=tuple(self.untested),
            oracles=dict(self.oracles),
            claim=dict(self.case.words or {}),
            seed=self.seed,
        )


def replace_breaches(look: Look, known: set[tuple[str, str]]) -> Look:
    """The look without the breaches of form that are known already."""
    fresh = tuple(b for b in look.observation.breaches if (b[0], b[1]) not in known)
    return replace(look, observation=replace(look.observation, breaches=fresh))


def _bytes(arrays: tuple[np.ndarray, ...]) -> list[tuple[Any, ...]]:
    return [(a.shape, a.dtype.str, a.tobytes()) for a in arrays]
