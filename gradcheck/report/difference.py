"""What changed from one run to another: newly wrong, newly right, changed digits, what came and what went."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from gradcheck.records import Header, Record
from gradcheck.records_io import Run
from gradcheck.report import text
from gradcheck.report.status import status_of, worst

DOUBLED = 2.0
"""Factor by which a worst error changes to count: one binary digit.  Another seed looks at other inputs, and moves it by less."""


class Change(enum.StrEnum):
    """What became of one (subject, operator) between two runs, the gravest first."""

    WRONG = "newly wrong"
    RIGHT = "newly right"
    VERDICT = "another verdict"
    DIGITS = "changed digits"
    NEW = "new in this run"
    GONE = "not in this run"
    SAME = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One (subject, operator) in both runs; ``before`` and ``after`` are the words of their badges, empty where there is no record."""

    subject: str
    operator: str
    change: Change
    before: str
    after: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All pairs of two runs, in the order of their names; ``conditions`` says in what the runs themselves differ."""

    old: str
    new: str
    conditions: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def changed(self) -> tuple[Pair, ...]:
        """Pairs with a change, the gravest first."""
        order = list(Change)
        return tuple(
            sorted((p for p in self.pairs if p.change is not Change.SAME), key=lambda p: order.index(p.change))
        )

    def of(self, change: Change) -> tuple[Pair, ...]:
        """Pairs with this change."""
        return tuple(pair for pair in self.pairs if pair.change is change)

    def pair(self, subject: str, operator: str) -> Pair | None:
        """What became of one of them; None for one that is in neither run."""
        return next((p for p in self.pairs if (p.subject, p.operator) == (subject, operator)), None)


def between(old: Run, new: Run) -> Difference:
    """The difference of two runs.  Where a run has several records of one pair the last one counts."""
    before = {(record.subject, record.operator): record for record in old.records}
    after = {(record.subject, record.operator): record for record in new.records}
    return Difference(
        old=old.header.run,
        new=new.header.run,
        conditions=tuple(_conditions(old.header, new.header)),
        pairs=tuple(_pair(*key, before.get(key), after.get(key)) for key in sorted({*before, *after})),
    )


def _conditions(old: Header, new: Header) -> Iterator[str]:
    for name in ("profile", "seed"):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield f"{name} {was} before, {now} now"
    for name in dict.fromkeys((*old.versions, *new.versions)):
        was, now = old.versions.get(name, "absent"), new.versions.get(name, "absent")
        if was != now:
            yield f"{name} {was} before, {now} now"


def _pair(subject: str, operator: str, old: Record | None, new: Record | None) -> Pair:
    before, after = (status_of(record) if record is not None else "" for record in (old, new))
    sentences: list[str] = []
    if old is None or new is None:
        change = Change.NEW if old is None else Change.GONE
    else:
        digits = list(_digits(old, new))
        change = _verdict(before, after) or (Change.DIGITS if digits else Change.SAME)
        if before != after:
            sentences.append(f"{before} before, {after} now")
        sentences += [*_findings(old, new), *digits]
    return Pair(
        subject=subject, operator=operator, change=change, before=before, after=after, sentences=tuple(sentences)
    )


def _verdict(before: str, after: str) -> Change | None:
    if before == after:
        return None
    return {"fail": Change.WRONG, "pass": Change.RIGHT}.get(after, Change.VERDICT)


def _findings(old: Record, new: Record) -> Iterator[str]:
    """Codes and arguments with a finding in one run only."""
    was, now = (
        dict.fromkeys(f"{text.clean(f.code)} at {text.clean(f.argument)}" for f in record.findings)
        for record in (old, new)
    )
    if came := [name for name in now if name not in was]:
        yield f"new findings: {', '.join(came)}"
    if went := [name for name in was if name not in now]:
        yield f"findings that are gone: {', '.join(went)}"


def _digits(old: Record, new: Record) -> Iterator[str]:
    """Types whose worst error in ulp doubled or halved, or became visible above the bound of the truth, or vanished under it."""
    was, now = ({samples.dtype: worst(samples) for samples in record.ulps} for record in (old, new))
    for dtype in was:
        if dtype not in now:
            continue
        a, b = was[dtype], now[dtype]
        low, high = (worst_.error if worst_ is not None else 0.0 for worst_ in (a, b))
        if max(low, high) >= DOUBLED * min(low, high) and low != high:
            yield f"worst error in {text.clean(dtype)} {low:.3g} ulp before, {high:.3g} ulp now"
