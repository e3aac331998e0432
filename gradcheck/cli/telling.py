"""What a run says of its failures on the terminal: the first of them in full, each with how to see it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck.cli import RECORDS
from gradcheck.records import Record, finding_id
from gradcheck.records_io import Run
from gradcheck.report import coverage, text
from gradcheck.report.terminal import describe

if TYPE_CHECKING:
    from rich.console import Console

HEAD = ("", *coverage.TRIED)

SHOWN = 3
"""Failures that are told in full: about a screen.  The pages have all of them."""


def failing(run: Run) -> list[Record]:
    """Records with a finding that fails."""
    return [record for record in run.records if any(finding.severity.fails for finding in record.findings)]


def page_names(records: Sequence[Record]) -> dict[tuple[str, str], str]:
    """File name of the page about each (subject, operator)."""
    from gradcheck.report.render import file_names

    pairs = sorted((record.subject, record.operator) for record in records)
    return dict(zip(pairs, file_names(pairs), strict=True))


def tried(records: Sequence[Record]) -> list[str]:
    """One aligned line for each operator that was looked at: how much was tried, counted from the records, and what decided."""
    rows: list[tuple[str, ...]] = [HEAD]
    for record in records:
        if not record.coverage:  # an exhibit, or nothing that was looked at
            continue
        rows.append((text.clean(f"{record.subject} {record.operator}"), *coverage.tried([record])))
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEAD))]
    aligned = [
        "  ".join(
            [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:-1], widths[1:-1], strict=True)), row[-1]]
        )
        for row in rows
    ]
    return aligned if len(rows) > 1 else []


def tell(run: Run, out: Path, console: Console) -> None:
    """The first failures in full, and how many more there are."""
    found = failing(run)
    pages = page_names(run.records)
    for record in found[:SHOWN]:
        console.print("")
        show(record, out, console, pages[record.subject, record.operator])
    if found:
        console.print("")
    if len(found) > SHOWN:
        console.print(f"{len(found) - SHOWN} more fail; the pages have all of them")


def show(record: Record, out: Path, console: Console, page: str) -> None:
    """One failure in full; colours where the console has some."""
    from rich.text import Text

    name = finding_id(record, text.by_weight(record)[0])
    repro = f"gradcheck replay {name} --records {out / RECORDS}"
    colour = console.is_terminal and not console.no_color
    console.print(Text.from_ansi(describe(record, colour=colour, repro=repro, page=f"{out / page}#{name}")))
