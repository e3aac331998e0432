"""``gradcheck diff``: what changed from one run to another, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck.cli import NOT_OK, OK, RECORDS
from gradcheck.errors import UsageError
from gradcheck.records_io import Run, read
from gradcheck.report import history, text
from gradcheck.report.difference import Change, Difference, between

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 40
"""Pairs that are listed of each kind; the rest is counted."""


def diff(old: Path, new: Path | None, console: Console) -> int:
    """Print the difference; 1 if something is newly wrong.  With one file the other is the last run kept beside it."""
    latest = _file(old if new is None else new)
    after = read(latest)
    before = _kept(latest, after) if new is None else read(_file(old))
    found = between(before, after)
    for line in lines(found):
        console.print(line)
    return NOT_OK if found.of(Change.WRONG) else OK


def _file(path: Path) -> Path:
    return path / RECORDS if path.is_dir() else path


def _kept(file: Path, run: Run) -> Run:
    earlier = history.previous(file.parent, run)
    if earlier is None:
        raise UsageError(f"diff {file}: no earlier run of the same checks is kept beside it; name two records files")
    return earlier


def lines(found: Difference) -> Iterator[str]:
    """The difference as text: conditions, then each kind of change with its pairs, then what is the same."""
    yield f"old  run {found.old}"
    yield f"new  run {found.new}"
    for condition in found.conditions:
        yield f"     {text.clean(condition)}"
    for change in Change:
        pairs = found.of(change)
        if not pairs:
            continue
        yield f"{change.value}  {len(pairs)}"
        if change is Change.SAME:
            continue
        width = max(len(f"{pair.subject} {pair.operator}") for pair in pairs[:SHOWN])
        for pair in pairs[:SHOWN]:
            name = text.clean(f"{pair.subject} {pair.operator}")
            yield f"  {name:<{width}}  {'; '.join(pair.sentences) or pair.after or pair.before}".rstrip()
        if len(pairs) > SHOWN:
            yield f"  and {len(pairs) - SHOWN} more"
