"""From a run to the view of its index."""

from __future__ import annotations

from collections.abc import Sequence

from gradcheck.records import Record, Status, Verdict
from gradcheck.records_io import Run
from gradcheck.report import text
from gradcheck.report.coverage import ENTRIES, by_subject
from gradcheck.report.difference import Change, Difference
from gradcheck.report.status import failed
from gradcheck.report.views import Changes, Index, Page, Subject

_LISTED = 300  # of each list of the index: names of missing pairs, and of pairs that changed


def index(run: Run, pages: Sequence[Page], difference: Difference | None = None) -> Index:
    """The view of the whole run."""
    names = tuple(dict.fromkeys([s for s, _ in run.header.planned] + [record.subject for record in run.records]))
    cells = {(page.operator, page.subject): page for page in pages}
    operators = sorted({page.operator for page in pages})
    board = tuple((name, tuple(cells.get((name, text.clip(s))) for s in names)) for name in operators)
    header = run.header
    about = {"run": header.run, "profile": header.profile, "seed": str(header.seed), "command": header.command}
    about |= dict(header.environment) | dict(header.versions)
    return Index(
        pages=tuple(pages),
        subjects=tuple(_subject(name, [r for r in run.records if r.subject == name]) for name in names),
        board=board if len(names) > 1 else (),
        tried=by_subject(run.records),
        run=tuple((text.clip(key), text.clip(value)) for key, value in about.items()),
        incomplete=not run.complete,
        missing=tuple((text.clip(s), text.clip(o)) for s, o in run.missing[:_LISTED]),
        problems=tuple(text.clip(problem) for problem in run.problems[:_LISTED]),
        changes=_changes(difference, pages) if difference is not None else None,
        exhibits=any(record.claim.get("exhibit") for record in run.records),
    )


def _changes(difference: Difference, pages: Sequence[Page]) -> Changes:
    files = {(page.subject, page.operator): page.file for page in pages}
    groups = []
    for change in Change:
        pairs = difference.of(change)
        if change is not Change.SAME and pairs:
            listed = tuple((pair, files.get((pair.subject, pair.operator), "")) for pair in pairs[:_LISTED])
            groups.append((f"{change.capitalize()} ({len(pairs)})", listed))
    return Changes(
        old=difference.old,
        conditions=tuple(text.clip(words) for words in difference.conditions),
        groups=tuple(groups),
        same=len(difference.of(Change.SAME)),
    )


def _subject(name: str, records: Sequence[Record]) -> Subject:
    supported = [record for record in records if record.verdict is not Verdict.UNSUPPORTED]
    entries = sum(record.counts.get(key, 0) for record in supported for key in ENTRIES)
    undecided = sum(record.counts.get("inconclusive", 0) for record in supported)
    broken = sum(map(failed, supported))
    passed = sum(record.status is Status.PASS and not failed(record) for record in supported)
    return Subject(
        name=text.clip(name),
        total=len(supported),
        passed=passed,
        failed=broken,
        open=len(supported) - broken - passed,
        findings=sum(len(record.findings) for record in supported),
        absent=len(records) - len(supported),
        share=f"{undecided / entries:.2%}" if entries else "-",
    )
