"""The records of one operator's examples as one record: the gravest verdict, sums of counts, each finding once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradcheck.claim import Example, Operator
from gradcheck.engine.definition import words
from gradcheck.engine.order_two import FIRST_ALONE, ORDERS
from gradcheck.records import Coverage, Finding, Record, Severity, Status, Verdict

GRAVEST = (
    Verdict.WRONG,
    Verdict.UNREFUTED,
    Verdict.CONFLICT,
    Verdict.CONTRACT,
    Verdict.STOPPED,
    Verdict.STOCHASTIC,
    Verdict.UNDECIDED,
    Verdict.OUTSIDE,
    Verdict.INACCURATE,
    Verdict.CONVENTION,
    Verdict.SURROGATE,
    Verdict.RIGHT,
    Verdict.REFUTED,
    Verdict.EMPTY,
    Verdict.UNSUPPORTED,
)
"""Verdicts in the order in which one speaks for all: an empty example must not stand for the right ones beside it."""

STATUSES = (Status.FAIL, Status.INCONCLUSIVE, Status.PASS)


@dataclass(frozen=True, slots=True)
class Part:
    """What came of one example in one type."""

    record: Record
    example: Example
    shapes: tuple[tuple[int, ...], ...]
    dtype: str

    @property
    def coverage(self) -> Coverage:
        """Its row in the table of coverage."""
        counts = Counter(self.record.counts)
        contract = sum(f.severity is Severity.CONTRACT for f in self.record.findings)
        keys = ("points", "right", "wrong", "inaccurate", "convention", "inconclusive", "outside")
        return Coverage(
            parameters=", ".join(f"{k}={v!r}" for k, v in self.example.params.items()),
            shapes=" ".join(str(shape).replace(" ", "") for shape in self.shapes),
            dtype=self.dtype,
            counts={k: counts[k] for k in keys} | {"contract": contract},
        )


def merge(subject: str, operator: Operator, parts: Sequence[Part], seed: int) -> Record:
    """One record of all parts; there is at least one."""
    worst = min((p.record for p in parts), key=lambda r: (STATUSES.index(r.status), GRAVEST.index(r.verdict)))
    counts: Counter[str] = Counter()
    oracles: Counter[str] = Counter()
    found: dict[tuple[str, str, str], list[Finding]] = {}
    for part in parts:
        counts.update(part.record.counts)
        oracles.update(part.record.oracles)
        for f in part.record.findings:
            named = replace(f, kwargs=f.kwargs or dict(part.example.params))
            found.setdefault((f.code, f.severity.value, f.argument), []).append(named)
    severities = list(Severity)
    return Record(
        operator=operator.name,
        subject=subject,
        verdict=worst.verdict,
        status=worst.status,
        findings=tuple(sorted(map(_smallest, found.values()), key=lambda f: severities.index(f.severity))),
        counts=dict(counts),
        coverage=tuple(p.coverage for p in parts),
        certificate=next((p.record.certificate for p in parts if p.record.certificate), ""),
        untested=_untested(part.record for part in parts),
        oracles=dict(oracles),
        claim=words(operator),
        seed=seed,
    )


def _untested(records: Iterable[Record]) -> tuple[str, ...]:
    """What no part tested, once each; that order two was not, only where no part says more about higher orders."""
    said = dict.fromkeys(text for record in records for text in record.untested)
    if any(text.startswith(ORDERS) and text != FIRST_ALONE for text in said):
        said.pop(FIRST_ALONE, None)
    return tuple(said)


def _smallest(findings: list[Finding]) -> Finding:
    """The one with the fewest numbers in its counterexample, the first of equals; it says how many examples show it.

    A counterexample without any number comes last: it shows the least.
    """

    best = min(findings, key=numbers)
    if len(findings) == 1:
        return best
    many = f"found in {len(findings)} combinations of parameters, shapes and type"
    return replace(best, evidence="; ".join(filter(None, (best.evidence, many))))


def numbers(finding: Finding) -> int:
    """How many numbers the counterexample has; one without a point, or without any number, shows the least and counts as large."""
    point = finding.point
    if point is None:
        return 2**62
    return sum(int(np.size(a)) for a in (*point.inputs, *point.cotangents)) or 2**61
