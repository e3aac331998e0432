"""How long the pages of a run take: all of them, again with nothing changed, and after one record has changed.

    python -m benchmarks.pages [RECORDS] [--operators 150]

RECORDS is the records file of a run; its records are taken in turn, under names of their own, until there are as many as
asked for.  Without one, the built-in sample is taken: every record has a Jacobian, both curves, samples in four types, findings,
coverage and a graph, which is all pictures at once; no single record of a run has that.  What is printed is seconds by the clock on
this machine, the largest page, and the targets: 150 operators within 60 s, an unchanged report within 5 s, a page of 400,000 bytes.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gradcheck.records import Record
from gradcheck.records_io import Run, read
from gradcheck.report import build, single_file
from gradcheck.report.limits import LARGEST
from tests.report import sample


def heavy() -> Record:
    """A record with every picture there is."""
    types = tuple(sample.ulps(dtype) for dtype in ("float64", "float32", "float16", "bfloat16"))
    return replace(sample.failing(), ulps=types, graph=sample.network().graph)


def run_of(records: tuple[Record, ...], count: int) -> Run:
    """A run of so many operators."""
    made = tuple(
        replace(record, subject="reference", operator=f"{record.operator}_{number}")
        for number, record in enumerate(itertools.islice(itertools.cycle(records), count))
    )
    return Run(header=sample.header(tuple((r.subject, r.operator) for r in made)), records=made)


def timed(run: Run, out: Path) -> tuple[float, int]:
    """Seconds of one build, and how many files it wrote."""
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.html")}
    start = time.perf_counter()
    pages = build(run, out)
    seconds = time.perf_counter() - start
    return seconds, sum(before.get(path) != path.stat().st_mtime_ns for path in pages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, nargs="?")
    parser.add_argument("--operators", type=int, default=150)
    given = parser.parse_args()
    records = (heavy(),) if given.records is None else read(given.records).records
    run = run_of(records, given.operators)
    changed = replace(run, records=(replace(run.records[0], seconds=99.0), *run.records[1:]))
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory)
        for name, this, target in (
            ("all pages", run, "60 s"),
            ("unchanged", run, "5 s"),
            ("one record changed", changed, "-"),
        ):
            seconds, written = timed(this, out)
            print(f"{name:<20} {seconds:6.2f} s   target {target:<5} {written:4} files written")
        largest = max(out.glob("*.html"), key=lambda path: path.stat().st_size)
        print(f"{'largest page':<20} {largest.stat().st_size:,} bytes of {LARGEST:,}   {largest.name}")
        start = time.perf_counter()
        one = single_file(run, out / "one" / "report.html")
        print(f"{'one file':<20} {time.perf_counter() - start:6.2f} s   {one.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
