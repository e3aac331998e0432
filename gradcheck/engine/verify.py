"""Verify a whole backend against the catalogue: every example of every operator, in every type that the subject supports."""

from __future__ import annotations

import copy
import functools
import signal
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  # registers bfloat16
import numpy as np

from gradcheck import fingerprints
from gradcheck.claim import Domain, Example, Operator
from gradcheck.engine.confirm import with_confirmations
from gradcheck.engine.containment import Expired, contained, limited
from gradcheck.engine.definition import fill, words
from gradcheck.engine.definition import forward_findings as forward_findings
from gradcheck.engine.definition import with_findings as with_findings
from gradcheck.engine.examine import Case, examine
from gradcheck.engine.jacobian import jacobian_of
from gradcheck.engine.merging import Part, merge
from gradcheck.engine.order_two import FIRST_ALONE, UNSTATED, order_two
from gradcheck.engine.pictures import curve_of, ulps_of
from gradcheck.engine.profiles import Profile, profile_named
from gradcheck.errors import UsageError
from gradcheck.records import (
    ALONE,
    Curve,
    Failure,
    Finding,
    Jacobian,
    Point,
    Record,
    Severity,
    Status,
    UlpSamples,
    Verdict,
)
from gradcheck.subjects.callables import Call, arrange, describe_failure
from gradcheck.subjects.protocol import Implementation, Subject
from gradcheck.subjects.standalone import standalone

NARROW = ("float32", "float16", "bfloat16")
"""Types in which two examples are looked at; all are in float64."""

FIT = 9
"""Special values that the default profile visits of every example: two points each, of half of those that are no sweep."""


@dataclass(frozen=True, slots=True)
class Run:
    """The records of a verification; ``ok`` if every supported operator passed."""

    records: tuple[Record, ...]

    @property
    def ok(self) -> bool:
        """Whether no record failed and none stayed undecided."""
        return all(r.status is Status.PASS or r.verdict is Verdict.UNSUPPORTED for r in self.records)

    def __str__(self) -> str:
        from gradcheck.report.terminal import describe

        return "\n\n".join(describe(r) for r in self.records)


def verify(
    subject: str | Subject,
    operators: str | Sequence[str] = "*",
    *,
    profile: str = "default",
    seed: int = 0,
    limit: float | None = None,
) -> Run:
    """Verify ``subject`` (a name such as ``"autograd"``, or an object of the subject protocol) against the catalogue.

    ``operators`` are names or patterns.  Returns one record per operator; unmapped ones are recorded as unsupported.
    ``limit``: seconds per operator, after which it is stopped and recorded as such (see ``verify_operator``).
    Raises ``UsageError`` for a subject that cannot be loaded, a pattern that matches nothing, an unknown profile, a
    negative seed and a limit that is not positive.
    """
    from gradcheck.catalogue import select
    from gradcheck.subjects import load, refuse

    if isinstance(subject, str):
        tested = load(subject)
    else:
        tested = subject
        refuse(subject, f"subject {subject!r:.80}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise UsageError(f"seed: {seed!r} is not a non-negative integer")
    if limit is not None and not limit > 0:
        raise UsageError(f"limit: {limit!r} seconds; give a positive number, or None for no limit")
    profile_named(profile)
    chosen = select(operators)
    return Run(tuple(verify_operator(tested, o, profile=profile, seed=int(seed), limit=limit) for o in chosen))


def verify_operator(
    subject: Subject, operator: Operator, *, profile: str = "default", seed: int = 0, limit: float | None = None
) -> Record:
    """One operator of one subject.  Never raises for what the subject does, an interrupt from the keyboard excepted.

    ``limit``: seconds after which the operator is stopped; what was found until then is kept, and the record is
    inconclusive unless it failed already.  Works in the main thread on POSIX; elsewhere there is no limit.
    """
    chosen = profile_named(profile)
    number = seed ^ zlib.crc32(operator.name.encode())  # each operator draws its own points
    begun = time.perf_counter()
    verification = _Verification(subject, operator, chosen, number)
    stopped: Finding | None = None
    try:
        with contained(), limited(limit):
            verification.run()
    except Expired as error:
        stopped = stop_finding(limit or 0.0, place_of(error))
    record = verification.record(seed, stopped)
    return replace(record, seconds=time.perf_counter() - begun)


class _Verification:
    """Collects the parts of one operator, so that they survive when the rest is cut off."""

    def __init__(self, subject: Subject, operator: Operator, profile: Profile, number: int) -> None:
        self.subject, self.operator, self.profile, self.number = subject, operator, profile, number
        self.rng = np.random.default_rng(number)
        self.parts: list[Part] = []
        self.pictured: Call | None = None
        self.failing: tuple[Call, Point] | None = None
        self.jacobian: Jacobian | None = None
        self.curve: Curve | None = None
        self.ulps: tuple[UlpSamples, ...] = ()
        self.untested: tuple[str, ...] = ()
        self.special = tuple(self.operator.special)
        self.refuted: dict[tuple[str, str], int] = {}
        self.patched = False  # whether order two was looked at at the special values
        self.rule: Callable[..., Any] | None = None  # the vjp as a text, where the subject states it
        self.made: Implementation | None = None

    def run(self) -> None:
        cases = list(_cases(self.operator))
        for number, (example, dtype) in enumerate(cases):
            # No example has room for a long list: each begins elsewhere, and together they visit all of it.
            start = len(self.operator.special) * number // len(cases) if len(self.operator.special) > FIT else 0
            self.special = (*self.operator.special[start:], *self.operator.special[:start])
            inputs, domain = fill(example, self.operator.domain, dtype, self.rng)
            record = self.checked(example, inputs, domain, dtype)
            if record is not None:
                self.parts.append(Part(record, example, tuple(np.shape(x) for x in inputs), dtype))
        if self.pictured is not None:
            self.draw(self.pictured)

    def checked(self, example: Example, inputs: tuple[Any, ...], domain: Domain, dtype: str) -> Record | None:
        """The record of one example in one type; None where the subject does not have it."""
        params = copy.deepcopy(dict(example.params))  # the catalogue's own must survive whatever is done to them
        call = None
        try:
            implementation = self.implementation(params, dtype)
            if implementation is None:
                return None
            call = arrange(implementation, inputs, kwargs=params, domain=domain)
            record = self.examined(call, _narrowed(self.profile, dtype))
            record = with_confirmations(record, call, self.operator.definition, self.number, self.refuted)
            if dtype == "float64":
                record = self.twice(record, example, inputs, implementation)
        except UsageError as error:
            if call is not None and (refuted := self.undefined(call)) is not None:
                return refuted
            point = Point(inputs=tuple(map(np.asarray, inputs)), cotangents=())
            return self.failed(
                Finding(code="GC121", severity=Severity.WRONG, argument="forward", message=str(error), point=point)
            )
        except BaseException as error:
            if isinstance(error, Expired) or _interrupt(error):
                raise
            if _of_subject(error):
                return self.failed(_raised(describe_failure(error), inputs))
            nothing = Record(operator=self.operator.name, subject=self.subject.name, **_OPEN)
            return with_stop(nothing, own_failure(error))
        if dtype == "float64" and (self.pictured is None or pack_size(self.pictured) < 2 <= pack_size(call)):
            self.pictured = call
        self.failing = _smaller(self.failing, call, record)
        return record

    def implementation(self, params: dict[str, Any], dtype: str) -> Implementation | None:
        """The subject's own, or None where it has none for these parameters or this type.  Raises what the subject raises."""
        made = self.subject.implementation(self.operator.name, params)
        if made is None or not self.subject.supports(self.operator.name, np.dtype(dtype)):
            return None
        if not isinstance(made, Implementation):
            raise TypeError(f"implementation() gave a {type(made).__name__}; it must be an Implementation, or None")
        self.rule, self.made = made.vjp_text, made
        jvp = None if made.jvp is None else _calm(made.jvp)
        return replace(made, forward=_calm(made.forward), vjp=_calm(made.vjp), jvp=jvp, where=str(made.where))

    def examined(self, call: Call, profile: Profile) -> Record:
        definition = self.operator.definition
        case = Case(
            call=call,
            name=self.operator.name,
            subject=self.subject.name,
            claim=definition,
            special=self.special,
        )
        record = with_findings(examine(case, profile, self.number), forward_findings(call, definition))
        return replace(record, findings=tuple(_placed(call, finding) for finding in record.findings))

    def undefined(self, call: Call) -> Record | None:
        """The record of a forward that is not finite at the example's inputs, where the definition is."""
        found = [f for f in forward_findings(call, self.operator.definition) if f.expected is not None]
        if not found or not np.isfinite(found[0].expected or np.nan):
            return None
        found[0] = replace(found[0], message="the forward is not finite where the catalogue's operator is")
        nothing = Record(operator=self.operator.name, subject=self.subject.name, **_OPEN)
        return with_confirmations(
            with_findings(nothing, found), call, self.operator.definition, self.number, self.refuted
        )

    def twice(self, record: Record, example: Example, inputs: tuple[Any, ...], made: Implementation) -> Record:
        """The record with derivatives of order two, where the first is right and the subject's text can be differentiated."""
        if made.vjp_text is None:
            untested = (UNSTATED if text == FIRST_ALONE else text for text in record.untested)
            return replace(record, untested=tuple(untested))
        sizes = [np.size(x) for x in inputs]
        if record.status is not Status.PASS or 0 in sizes:
            return record
        special = not self.patched and (max(sizes) > 1 or example is self.operator.examples[-1])
        self.patched |= special
        return order_two(self.operator, example, inputs, made, self.number, special=special).added(record)

    def failed(self, finding: Finding) -> Record:
        """A record of one finding and nothing else."""
        wrong = finding.severity is Severity.WRONG
        return Record(
            operator=self.operator.name,
            subject=self.subject.name,
            verdict=Verdict.WRONG if wrong else Verdict.CONTRACT,
            status=Status.FAIL,
            findings=(finding,),
        )

    def draw(self, call: Call) -> None:
        try:
            self.curve = curve_of(call, self.operator.definition)
            typed = [name for name in ("float64", *NARROW) if self.subject.supports(self.operator.name, np.dtype(name))]
            self.ulps = ulps_of(call, self.operator.definition, self.rng, typed)
            looked_at, leaves, origin = call, call.leaves, "the given point"
            if self.failing is not None:
                looked_at, point = self.failing
                leaves, origin = point.inputs, point.origin
            rng = np.random.default_rng(self.number)
            self.jacobian = jacobian_of(
                looked_at, self.operator.definition, leaves, origin, rng, failing=self.failing is not None
            )
        except BaseException as error:
            if isinstance(error, Expired) or _interrupt(error):
                raise
            self.untested = (f"pictures: {describe_failure(error).kind} was raised while they were made",)

    def record(self, seed: int, stopped: Finding | None) -> Record:
        """All parts as one record; ``stopped`` is added to it, and makes it inconclusive if it has not failed."""
        name = self.subject.name
        if self.parts:
            merged = merge(name, self.operator, self.parts, seed)
            untested = (*merged.untested, *self.untested)
            merged = replace(merged, untested=untested, curve=self.curve, ulps=self.ulps, jacobian=self.jacobian)
        else:
            nothing = Verdict.UNSUPPORTED
            merged = Record(operator=self.operator.name, subject=name, verdict=nothing, status=Status.INCONCLUSIVE)
            merged = replace(merged, claim=words(self.operator), seed=seed)
        merged = replace(merged, claim={**merged.claim, **fingerprints.words(rule=self.rule), **self.alone(merged)})
        return merged if stopped is None else with_stop(merged, stopped)

    def alone(self, record: Record) -> dict[str, str]:
        """The source of an adapter of this package, if it failed: its snippets shall need the framework alone."""
        if self.made is None or record.status is not Status.FAIL:
            return {}
        source = standalone(self.made.forward, self.made.vjp)
        return {ALONE: source} if source else {}


def _smaller(known: tuple[Call, Point] | None, call: Call, record: Record) -> tuple[Call, Point] | None:
    """The call with the smallest counterexample of a failure, and that counterexample: this record's, or the one known so far."""
    points = [f.point for f in record.findings if f.severity.fails and f.point is not None and f.point.inputs]
    for point in points:
        if known is None or sum(map(np.size, point.inputs)) < sum(map(np.size, known[1].inputs)):
            known = (call, point)
    return known


def with_stop(record: Record, finding: Finding) -> Record:
    """The record of an operator that was cut off: inconclusive, unless it failed before."""
    failed = record.status is Status.FAIL
    return replace(
        record,
        findings=(*record.findings, finding),
        status=Status.FAIL if failed else Status.INCONCLUSIVE,
        verdict=record.verdict if failed else Verdict.STOPPED,
        untested=(*record.untested, "what was to come after the check was stopped"),
    )


def _placed(call: Call, finding: Finding) -> Finding:
    """The finding with all that its reproduction needs: the number of its input, and the inputs of an empty example."""
    leaf = call.paths.index(finding.argument) if finding.argument in call.paths else None
    point = finding.point
    if point is not None and not point.inputs:
        outputs = call.forward([np.array(leaf) for leaf in call.leaves])
        inputs = tuple(np.array(leaf) for leaf in call.leaves)
        point = replace(point, inputs=inputs, cotangents=tuple(map(np.zeros_like, outputs)))
    return replace(finding, leaf=leaf, point=point)


def _calm(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; what it does to NumPy's error handling ends with each call, and does not reach the oracles."""

    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        with np.errstate():
            return function(*arguments, **options)

    return called


_OPEN: Any = {"verdict": Verdict.STOPPED, "status": Status.INCONCLUSIVE}


def _of_subject(error: BaseException) -> bool:
    """Whether it was raised in a call of the subject: all of them go through ``called`` or ``implementation`` above."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(frame.filename == __file__ and frame.name in ("called", "implementation") for frame in frames)


def own_failure(error: BaseException) -> Finding:
    """GC126: an exception of gradcheck itself.  Nobody's gradient is to blame, and nothing was decided."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return Finding(
        code="GC126",
        severity=Severity.INCONCLUSIVE,
        argument="*",
        message=f"gradcheck itself raised {type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno} "
        f"in {frame.name}); that is a bug of gradcheck, please report it",
    )


def _interrupt(error: BaseException) -> bool:
    """Whether it is the user at the keyboard; where interrupts are ignored, it is the code under test."""
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def place_of(error: Expired) -> str:
    """Where the code under test was when its time was over."""
    where = describe_failure(error).where
    return f"at {where}" if where else "inside gradcheck, between two calls of the subject"


def stop_finding(limit: float, place: str) -> Finding:
    """GC124: the time limit of ``limit`` seconds was reached."""
    return Finding(
        code="GC124",
        severity=Severity.INCONCLUSIVE,
        argument="*",
        message=f"stopped after {limit:g} s, {place}; the rest of this operator was not looked at",
    )


def _raised(failure: Failure, inputs: tuple[object, ...]) -> Finding:
    place = f" ({failure.where})" if failure.where else ""
    said = f"{failure.kind}: {failure.message}" if failure.message else failure.kind
    return Finding(
        code="GC123",
        severity=Severity.CONTRACT,
        argument="*",
        message=f"the subject raised {said}{place}, which ended the check of this example",
        point=Point(inputs=tuple(np.asarray(x) for x in inputs), cotangents=()),
    )


def pack_size(call: Call) -> int:
    """Number of differentiated entries."""
    return sum(int(np.size(call.leaves[k])) for k in call.active)


def _cases(operator: Operator) -> Iterator[tuple[Example, str]]:
    """Every example in float64; in each narrow type the first, and another one from type to type."""
    examples = tuple(operator.examples)
    yield from ((example, "float64") for example in examples)
    for number, dtype in enumerate(NARROW):
        second = 1 + number % max(1, len(examples) - 1)
        yield from ((example, dtype) for example in (examples[0], *examples[second : second + 1]))


def _narrowed(profile: Profile, dtype: str) -> Profile:
    """An example is one of many: each gets a part of the profile's evaluations, narrow types a smaller one."""
    share = 4 if dtype == "float64" else 12
    return replace(profile, evaluations=max(300, profile.evaluations // share))
