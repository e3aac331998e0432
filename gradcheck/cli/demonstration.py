"""``gradcheck demo``: plant well-known mistakes, find them with the real checker, show what a finding looks like."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck import records_io
from gradcheck.cli import NOT_OK, OK, busy, planted, running, telling, workers
from gradcheck.records import Record
from gradcheck.report import build

if TYPE_CHECKING:
    from rich.console import Console


def demo(out: Path, version: str, console: Console) -> int:
    """Find the planted mistakes and write the report; 0 if all of them were found."""
    console.print(f"{len(planted.BUGS)} well-known mistakes are planted into the reference rules:")
    width = max(len(bug.operator) for bug in planted.BUGS)
    for bug in planted.BUGS:
        console.print(f"  {bug.operator:<{width}}  {bug.name}")
    console.print("")
    planned = tuple((planted.NAME, bug.operator) for bug in planted.BUGS)
    header = running.header_of(planned, "default", 0, version, [planted.Planted()], "gradcheck demo")
    tasks = [
        workers.Task(planted.LOAD, planted.NAME, operator, "default", 0, running.LIMITS["default"])
        for _, operator in planned
    ]
    records = []
    with tempfile.TemporaryDirectory(prefix="gradcheck-") as scratch, records_io.Writer(out / running.FILE) as writer:
        writer.header(header)
        results = workers.checked(tasks, running.processors(), Path(scratch))
        for record in running.shown((done.record for done in results), len(tasks), console):
            writer.record(record)
            records.append(record)
        writer.footer(running.footer_of(records))
    return told(out, records, console)


def told(out: Path, records: Sequence[Record], console: Console) -> int:
    """What was found of each mistake, in the order in which they were planted; 0 if each was found."""
    by_operator = {record.operator: record for record in records}
    pages, found = telling.page_names(records), 0
    for bug in planted.BUGS:
        record = by_operator.get(bug.operator)
        console.print("")
        if record is None or not any(finding.severity.fails for finding in record.findings):
            console.print(f"NOT FOUND  {bug.name}, in {bug.operator}")
            continue
        found += 1
        console.print(f"planted        {bug.name}; right would be: {bug.right}")
        telling.show(record, out, console, pages[record.subject, record.operator])
    run = records_io.read(out / running.FILE)
    with busy(console, "building the pages"):
        index = build(run, out)[0]
    console.print("")
    console.print(f"{found} of {len(planted.BUGS)} mistakes were found.")
    console.print(f"pages  {index}")
    console.print("next   gradcheck run YOUR_MODULE:YOUR_SUBJECT, or gradcheck.check(forward, vjp, inputs) in Python")
    return OK if found == len(planted.BUGS) else NOT_OK
