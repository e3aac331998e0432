"""A record as terminal text: what is wrong, where, by how much, how it is known, and how to see it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradcheck.records import Finding, Record, Status
from gradcheck.report import text
from gradcheck.report.snippet import GIVEN

_COLOURS = {Status.PASS: "32", Status.FAIL: "31", Status.INCONCLUSIVE: "33"}
_LABEL = 13  # the widest label and two blanks
_LONGEST = 2000
"""Characters of one line at most: some twenty lines of a terminal; the records file has all of it."""

_ALSO = 8  # further findings that are listed by name; more would push the first one off the screen


def describe(
    record: Record, *, colour: bool = False, source: Sequence[str] = (), repro: str = "", page: str = ""
) -> str:
    """The whole record in a few lines.  ``colour`` adds ANSI colours; the words alone say everything.

    ``source`` are lines of the backward function, where they are known; ``repro`` says how to see it again, where that is
    not by the record's own call or run, and ``page`` where all of it is shown.
    """
    findings = text.by_weight(record)
    lines = [_headline(record, findings, colour)]
    if record.status is Status.FAIL and findings:
        lines += _finding(findings[0], source)
        lines += _others(findings[1:])
    else:
        lines.append(f"  {record.verdict}")
        lines += _others(findings)
    lines += _basis(record, repro, page)
    return "\n".join(lines)


def _short(words: str) -> str:
    """On one line, harmless, and no longer than it can be read."""
    return text.clean(text.clip(words, _LONGEST))


def _headline(record: Record, findings: list[Finding], colour: bool) -> str:
    word = record.status.value.upper()
    if colour:
        word = f"\x1b[1;{_COLOURS[record.status]}m{word}\x1b[0m"
    name = _short(record.operator)
    if record.subject != GIVEN:
        name = f"{_short(record.subject)} {name}"
    if record.status is not Status.FAIL or not findings:
        return f"{word}  {name}"
    first = findings[0]
    title = first.severity.value if first.cause == "unexplained" else _short(first.cause)
    return f"{word}  {name} : {_short(first.argument)}    {_short(first.code)} {title}"


def _finding(finding: Finding, source: Sequence[str]) -> Iterator[str]:
    if finding.where:
        yield f"  {_short(finding.where)}"
    for line in source:
        yield f"     {_short(line)}"
    yield f"  {_short(finding.message)}"
    if finding.point is not None:
        types = " ".join(dict.fromkeys(values.dtype.name for values in finding.point.inputs))
        yield _row("smallest case", f"{types}, {_short(finding.point.origin)}")
        for label, arrays in (("input", finding.point.inputs), ("cotangent", finding.point.cotangents)):
            for number, values in enumerate(arrays):
                name = label if len(arrays) == 1 else f"{label} {number}"
                yield from _block(name, text.array(values))
        if finding.kwargs:
            yield from _block("parameters", text.parameters(finding.kwargs))
    if finding.got is not None or finding.expected is not None:
        bound = "" if finding.bound is None else f"   bound {text.short(finding.bound)}"
        got, expected = text.number(finding.got), text.number(finding.expected)
        yield f"      {text.place(finding)}   got {got}   expected {expected}{bound}"
    if finding.wrong_entries:
        yield f"      {finding.wrong_entries} of {finding.entries} entries wrong in {_short(finding.argument)}"
    if finding.evidence:
        yield _row("evidence", _short(finding.evidence))
    if finding.confirmation is not None:
        yield _row("once more", _short(text.confirmation(finding)))


def _block(name: str, content: str) -> Iterator[str]:
    """A named value, its further lines under the first."""
    first, *rest = content.splitlines()
    head = f"      {name} = "
    yield head + first
    for line in rest:
        yield " " * len(head) + line


def _others(findings: list[Finding]) -> Iterator[str]:
    for finding in findings[:_ALSO]:
        cause = "" if finding.cause == "unexplained" else f" ({_short(finding.cause)})"
        label = "also" if finding.severity.fails else finding.severity.value
        yield _row(label, f"{_short(finding.code)} {text.place(finding)}{cause}: {_short(finding.message)}")
    if len(findings) > _ALSO:
        yield _row("also", f"{len(findings) - _ALSO} more findings")


def _row(label: str, content: str) -> str:
    return f"  {label:<{_LABEL}}  {content}"


def _basis(record: Record, repro: str, page: str) -> Iterator[str]:
    """What the verdict rests on, said on a pass as on a failure."""
    counts = [f"{count} {_short(key)}" for key, count in record.counts.items() if count]
    if counts:
        yield _row("looked at", ", ".join(counts))
    if record.oracles:
        yield _row("decided by", ", ".join(f"{_short(name)} {count}" for name, count in record.oracles.items()))
    if record.certificate:
        yield _row("certificate", _short(record.certificate))
    for number, what in enumerate(record.untested):
        yield _row("not tested" if number == 0 else "", _short(what))
    yield _row("seed", f"{record.seed}" if repro else f"{record.seed}   repro  {_repro(record)}")
    if repro:
        yield _row("repro", repro)
    if page:
        yield _row("page", page)


def _repro(record: Record) -> str:
    if record.subject == GIVEN:
        return f"the same call with seed={record.seed}"
    subject = _short(record.claim.get("load", record.subject))
    return f"gradcheck run {subject} --operators {_short(record.operator)} --seed {record.seed}"
