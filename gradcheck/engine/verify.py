"""Verify a whole backend against the catalogue: every example of every operator, in every type that the subject supports."""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.claim import FIXED, Domain, Example, Kind, Operator, Set
from gradcheck.engine.examine import Case, examine
from gradcheck.engine.pictures import curve_of, ulps_of
from gradcheck.engine.profiles import Profile, profile_named
from gradcheck.errors import UsageError
from gradcheck.flat import pack, roundoff
from gradcheck.records import Array, Coverage, Finding, Record, Severity, Status, Verdict
from gradcheck.subjects.callables import CAUGHT, Call, arrange
from gradcheck.subjects.protocol import Implementation, Subject

TYPES = ("float64", "float32", "float16")


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
    subject: str | Subject, operators: str | Sequence[str] = "*", *, profile: str = "default", seed: int = 0
) -> Run:
    """Verify ``subject`` (a name such as ``"autograd"``, or an object of the subject protocol) against the catalogue.

    ``operators`` are names or patterns.  Returns one record per operator; unmapped ones are recorded as unsupported.
    """
    from gradcheck.catalogue import select
    from gradcheck.subjects import load

    tested = load(subject) if isinstance(subject, str) else subject
    return Run(tuple(verify_operator(tested, o, profile=profile, seed=seed) for o in select(operators)))


def verify_operator(subject: Subject, operator: Operator, *, profile: str = "default", seed: int = 0) -> Record:
    """One operator of one subject.  Never raises for what the subject does."""
    chosen = profile_named(profile)
    number = seed ^ zlib.crc32(operator.name.encode())  # each operator draws its own points
    begun = time.perf_counter()
    rng = np.random.default_rng(number)
    parts: list[tuple[Record, Coverage]] = []
    pictured: tuple[Call, Callable[..., Any]] | None = None
    for example, dtype in _cases(operator):
        implementation = _implementation(subject, operator, example)
        if implementation is None or not subject.supports(operator.name, np.dtype(dtype)):
            continue
        inputs, domain = fill(example, operator.domain, dtype, rng)
        call = arrange(implementation, inputs, kwargs=example.params, domain=domain)
        record = _one(call, operator, subject, _narrowed(chosen, dtype), number)
        if record is None:
            continue
        parts.append((record, _coverage(record, example, inputs, dtype)))
        if dtype == "float64" and (pictured is None or pack_size(pictured[0]) < 2 <= pack_size(call)):
            pictured = (call, operator.definition)
    if not parts:
        return _empty(subject, operator, seed)
    curve = curve_of(*pictured) if pictured else None
    ulps = ulps_of(*pictured, rng) if pictured else ()
    return replace(_merge(subject, operator, parts, seed), curve=curve, ulps=ulps, seconds=time.perf_counter() - begun)


def pack_size(call: Call) -> int:
    """Number of differentiated entries."""
    return sum(int(np.size(call.leaves[k])) for k in call.active)


def _cases(operator: Operator) -> Iterator[tuple[Example, str]]:
    for example in operator.examples:
        yield example, "float64"
    for dtype in TYPES[1:]:
        yield from ((example, dtype) for example in operator.examples[:2])


def _narrowed(profile: Profile, dtype: str) -> Profile:
    """An example is one of many: each gets a part of the profile's evaluations, narrow types a smaller one."""
    share = 4 if dtype == "float64" else 12
    return replace(profile, evaluations=max(300, profile.evaluations // share))


def _implementation(subject: Subject, operator: Operator, example: Example) -> Implementation | None:
    try:
        return subject.implementation(operator.name, example.params)
    except CAUGHT:
        return None


def fill(example: Example, domain: Domain, dtype: str, rng: np.random.Generator) -> tuple[tuple[Any, ...], Domain]:
    """Arrays for an example: shapes are filled with numbers of their set, arrays are passed as they are (and fixed)."""
    inputs: list[Any] = []
    sets: list[Set] = []
    for k, shape in enumerate(example.shapes):
        where = domain.of(k) if len(domain.sets) == 1 or k < len(domain.sets) else Set()
        if isinstance(shape, tuple):
            inputs.append(draw(where, shape, rng).astype(dtype))
            sets.append(where)
        else:
            value = np.asarray(shape)
            inputs.append(value)
            sets.append(where if value.dtype.kind == "f" and where.kind is not Kind.FIXED else FIXED)
    return tuple(inputs), Domain(tuple(sets), domain.gauge)


def draw(where: Set, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """An ordinary member of the set, away from its ends."""
    x = rng.normal(size=shape)
    if where.kind is Kind.POSITIVE_DEFINITE:
        return np.asarray(x @ np.swapaxes(x, -1, -2) + shape[-1] * np.eye(shape[-1]))
    if where.kind is Kind.SYMMETRIC:
        return np.asarray(x + np.swapaxes(x, -1, -2))
    if where.kind is Kind.SIMPLEX:
        p = np.exp(x)
        return np.asarray(p / p.sum(-1, keepdims=True))
    if np.isfinite(where.low) and np.isfinite(where.high):
        return np.asarray(where.low + (where.high - where.low) * rng.uniform(0.05, 0.95, size=shape))
    if np.isfinite(where.low):
        return np.asarray(where.low + np.abs(x) + 0.125)
    return np.asarray(where.high - np.abs(x) - 0.125 if np.isfinite(where.high) else x)


def _one(call: Call, operator: Operator, subject: Subject, profile: Profile, seed: int) -> Record | None:
    case = Case(
        call=call, name=operator.name, subject=subject.name, claim=operator.definition, special=tuple(operator.special)
    )
    try:
        record = examine(case, profile, seed)
    except UsageError as error:
        finding = Finding(
            code="GC121", severity=Severity.WRONG, argument="forward", message=str(error), kwargs=dict(call.kwargs)
        )
        return Record(
            operator=operator.name,
            subject=subject.name,
            verdict=Verdict.WRONG,
            status=Status.FAIL,
            findings=(finding,),
            seed=seed,
        )
    return with_findings(record, forward_findings(call, operator.definition))


def forward_findings(call: Call, definition: Callable[..., Any]) -> list[Finding]:
    """Whether the forward gives the values of the catalogue's definition, to half of the digits of its type.

    Half of the digits: this asks whether it is the same function, not how well it is rounded.
    """
    leaves = [np.array(v) if isinstance(v, np.ndarray) else v for v in call.leaves]
    try:
        with np.errstate(all="ignore"):
            expected = call.forward(leaves, definition)
            got = call.forward([np.array(v) if isinstance(v, np.ndarray) else v for v in call.leaves])
    except CAUGHT as error:
        return [
            Finding(
                code="GC120",
                severity=Severity.WRONG,
                argument="forward",
                message=f"one of forward and definition raised: {error}",
            )
        ]
    if [o.shape for o in got] != [o.shape for o in expected]:
        message = f"the forward gives shapes {[o.shape for o in got]}, the definition {[o.shape for o in expected]}"
        return [Finding(code="GC120", severity=Severity.WRONG, argument="forward", message=message)]
    a, b = pack(got), pack(expected)
    u = max((roundoff(o.dtype) for o in got if o.dtype.kind in "fc"), default=0.0)
    bad = np.flatnonzero(~(np.abs(a - b) <= np.sqrt(u) * np.max(np.abs(b), initial=0.0)))
    if not bad.size:
        return []
    j = int(bad[0])
    return [
        Finding(
            code="GC120",
            severity=Severity.WRONG,
            argument="forward",
            index=(j,),
            got=float(a[j]),
            expected=float(b[j]),
            message="the forward is not the catalogue's operator: its values differ",
            wrong_entries=int(bad.size),
            entries=int(a.size),
        )
    ]


def with_findings(record: Record, more: list[Finding]) -> Record:
    """The record with further wrong findings, failed if there are any."""
    if not more:
        return record
    return replace(record, findings=(*more, *record.findings), status=Status.FAIL, verdict=Verdict.WRONG)


def _coverage(record: Record, example: Example, inputs: tuple[Any, ...], dtype: str) -> Coverage:
    c = Counter(record.counts)
    contract = sum(f.severity is Severity.CONTRACT for f in record.findings)
    keys = ("points", "right", "wrong", "inaccurate", "convention", "inconclusive", "outside")
    return Coverage(
        parameters=", ".join(f"{k}={v!r}" for k, v in example.params.items()),
        shapes=" ".join(str(np.shape(x)).replace(" ", "") for x in inputs),
        dtype=dtype,
        counts={k: c[k] for k in keys} | {"contract": contract},
    )


def _merge(subject: Subject, operator: Operator, parts: list[tuple[Record, Coverage]], seed: int) -> Record:
    order = [Status.FAIL, Status.INCONCLUSIVE, Status.PASS]
    worst = min((r for r, _ in parts), key=lambda r: order.index(r.status))
    counts: Counter[str] = Counter()
    oracles: Counter[str] = Counter()
    kept: dict[tuple[str, str, str], Finding] = {}
    for record, row in parts:
        counts.update(record.counts)
        oracles.update(record.oracles)
        for f in record.findings:
            named = replace(f, kwargs=f.kwargs or _params(row, operator))
            kept.setdefault((f.code, f.severity.value, f.argument), named)
    severities = list(Severity)
    return Record(
        operator=operator.name,
        subject=subject.name,
        verdict=worst.verdict,
        status=worst.status,
        findings=tuple(sorted(kept.values(), key=lambda f: severities.index(f.severity))),
        counts=dict(counts),
        coverage=tuple(row for _, row in parts),
        certificate=next((r.certificate for r, _ in parts if r.certificate), ""),
        untested=tuple(dict.fromkeys(text for r, _ in parts for text in r.untested)),
        oracles=dict(oracles),
        claim=words(operator),
        seed=seed,
    )


def _params(row: Coverage, operator: Operator) -> dict[str, Any]:
    for example in operator.examples:
        if ", ".join(f"{k}={v!r}" for k, v in example.params.items()) == row.parameters:
            return dict(example.params)
    return {}


def words(operator: Operator) -> dict[str, str]:
    """The claim in words, for the page."""
    import inspect

    try:
        source = inspect.getsource(operator.definition)
    except (OSError, TypeError):
        source = ""
    return {
        "formula": operator.formula,
        "citation": operator.citation,
        "family": operator.family,
        "signature": operator.signature,
        "domain": operator.domain.describe(),
        "kinks": "; ".join(f"{k.where}: {k.accepts}" for k in operator.kinks),
        "definition": source,
    }


def _empty(subject: Subject, operator: Operator, seed: int) -> Record:
    return Record(
        operator=operator.name,
        subject=subject.name,
        verdict=Verdict.UNSUPPORTED,
        status=Status.INCONCLUSIVE,
        claim=words(operator),
        seed=seed,
    )
