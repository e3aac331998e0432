"""What a run says of its failures on the terminal: the first of them in full, each with how to see it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck.cli import RECORDS
from gradcheck.engine.order_two import POINTS
from gradcheck.records import Record, finding_id
from gradcheck.records_io import Run
from gradcheck.report import text
from gradcheck.report.coverage import ENTRIES
from gradcheck.report.terminal import describe

if TYPE_CHECKING:
    from rich.console import Console

HEAD = ("", "points", "shapes", "parameters", "types", "orders", "inconclusive", "decided by")

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
    rows = [HEAD]
    for record in records:
        if not record.coverage:  # an exhibit, or nothing that was looked at
            continue
        entries = sum(record.counts.get(key, 0) for key in ENTRIES)
        open_ = record.counts.get("inconclusive", 0)
        oracles = sorted((name for name, count in record.oracles.items() if count), key=lambda n: -record.oracles[n])
        rows.append(
            (
                text.clean(f"{record.subject} {record.operator}"),
                str(record.counts.get("points", 0)),
                str(len({row.shapes for row in record.coverage})),
                str(len({row.parameters for row in record.coverage})),
                str(len({row.dtype for row in record.coverage})),
                "2" if record.counts.get(POINTS) else "1",
                f"{open_ / entries:.2%}" if entries else "-",
                ", ".join(f"{name} {record.oracles[name]}" for name in oracles) or "none",
            )
        )
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
