"""The page "The thread, checked": every formula that was printed wrong, the right one, and what was measured of both."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gradcheck.records import Correction, Finding, Record
from gradcheck.report import text

_MEASURED = 60  # rows of the table of a formula; the records file has all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One formula, ready to be laid out.  ``rows`` are (entry, printed, right, ratio, predicted)."""

    number: str
    page: str
    subject: str
    printed: str
    right: str
    relation: str
    network: str
    as_expected: bool
    refuted: bool
    accepted: bool
    printed_verdict: str
    right_verdict: str
    counterexample: str
    off: str
    unexplained: str
    rows: tuple[tuple[str, ...], ...]
    hidden_when: str


def entries(records: Iterable[tuple[Record, str]]) -> tuple[Entry, ...]:
    """The formulas among the records, each with the file of its own page, in the order of their numbers."""
    found = [entry(record.correction, record.subject, page) for record, page in records if record.correction]
    return tuple(sorted(found, key=lambda e: (e.subject, e.number[:1], _count(e.number[1:]), e.number)))


def entry(correction: Correction, subject: str, page: str) -> Entry:
    """One formula as text."""
    unexplained = ""
    if correction.unexplained is not None:
        gap = "0" if correction.unexplained == 0 else text.short(correction.unexplained)
        unexplained = f"{gap}, in {correction.arithmetic}"
    return Entry(
        number=text.clip(correction.number, 60),
        page=page,
        subject=subject,
        printed=text.clip(correction.printed),
        right=text.clip(correction.right),
        relation=text.clip(correction.relation),
        network=text.clip(correction.network),
        as_expected=correction.as_expected,
        refuted=correction.refuted,
        accepted=correction.accepted,
        printed_verdict=text.clip(correction.printed_verdict),
        right_verdict=text.clip(correction.right_verdict),
        counterexample=_counterexample(correction.counterexample),
        off="" if correction.off is None else text.short(correction.off),
        unexplained=unexplained,
        rows=tuple(
            (text.clip(m.entry, 80), repr(m.printed), repr(m.right), _ratio(m.printed, m.right), repr(m.predicted))
            for m in correction.measured[:_MEASURED]
        ),
        hidden_when=text.clip(correction.hidden_when),
    )


def _counterexample(finding: Finding | None) -> str:
    if finding is None:
        return ""
    numbers = (
        f"got {text.number(finding.got)}, expected {text.number(finding.expected)}, bound {text.short(finding.bound)}"
    )
    return f"{finding.code} {text.place(finding)}: {numbers}"


def _ratio(printed: float, right: float) -> str:
    """Six digits: rounding has had the last ones; a dash where there is no ratio."""
    return f"{printed / right:.6g}" if right and math.isfinite(right) else "-"


def _count(digits: str) -> int:
    return int(digits) if digits.isdecimal() else 0
