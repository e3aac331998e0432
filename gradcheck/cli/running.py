"""A run of the command line: plan, check, record as it goes, build the pages, say what came of it."""

from __future__ import annotations

import contextlib
import difflib
import fnmatch
import os
import platform
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck import catalogue, records_io, subjects
from gradcheck.cli import INTERRUPTED, NOT_OK, OK, RECORDS, busy, telling, workers
from gradcheck.engine.containment import contained
from gradcheck.errors import UsageError
from gradcheck.records import Footer, Header, Record, Status, Verdict
from gradcheck.report import history
from gradcheck.report.text import clean
from gradcheck.subjects.protocol import exhibits_of

if TYPE_CHECKING:
    from rich.console import Console

    from gradcheck.subjects.protocol import Subject

Pair = tuple[str, str]

FILE = RECORDS
OUTPUT = "output.txt"
ENTRIES = ("right", "wrong", "inaccurate", "convention", "inconclusive", "outside")
DECIDED = ("right", "wrong", "inaccurate", "convention")
PEERS = ("numpy", "scipy", "hypothesis", "ml_dtypes")

LIMITS = {"quick": 120.0, "default": 600.0, "thorough": 7200.0}
"""Seconds per operator: about fifty times what the slowest of ours takes on an idle processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line; None where nothing was said."""

    subjects: Sequence[str]
    operators: str
    profile: str | None
    seed: int | None
    out: Path
    resume: bool
    jobs: int
    limit: float | None
    settings: tuple[str, ...] = ()
    """Where settings come from that were not given on the command line."""


def run(request: Request, version: str, console: Console) -> int:
    """Check the named subjects and give the exit code.  Raises UsageError before anything is written."""
    names = tuple(dict.fromkeys(request.subjects))
    loaded = {name: _load(name) for name in names}
    selected = _selected(request.operators, list(loaded.values()))
    by_name = {subject.name: name for name, subject in loaded.items()}
    if len(by_name) < len(loaded):
        raise UsageError(f"two of the subjects {', '.join(names)} call themselves by one name; run them one at a time")
    planned = tuple((subject, operator) for subject in by_name for operator in selected[subject])
    versions = versions_of(version, list(loaded.values()))
    path = request.out / FILE
    earlier = records_io.read(path) if request.resume and _begun(path) else None
    if earlier is not None:
        _same_run(path, earlier.header, planned, versions, request)
        header = earlier.header
    else:
        command = f"gradcheck run {' '.join(names)} --operators {request.operators}"
        header = header_of(
            planned, request.profile or "default", request.seed or 0, version, list(loaded.values()), command
        )
    left = earlier.missing if earlier is not None else planned
    limit = LIMITS[header.profile] if request.limit is None else request.limit or None
    tasks = [workers.Task(by_name[s], s, operator, header.profile, header.seed, limit) for s, operator in left]
    console.print(
        f"gradcheck {version}  profile {header.profile}  seed {header.seed}  {len(left)} check{'s' * (len(left) != 1)} to do"
    )
    if request.settings:
        console.print(f"settings  {', '.join(request.settings)}")
    started = time.perf_counter()
    interrupted = False
    if earlier is None:
        history.remember(path)  # the run that is about to be overwritten
    with records_io.Writer(path, append=earlier is not None) as writer:
        if earlier is None:
            writer.header(header)
            (request.out / OUTPUT).unlink(missing_ok=True)
        try:
            for record in shown(_checked(tasks, request), len(tasks), console):
                writer.record(record)
        except KeyboardInterrupt:
            interrupted = True
        found = records_io.read(path)
        if not found.complete and not found.missing:
            writer.footer(footer_of(found.records))
    if interrupted:
        console.print("Interrupted.  `--resume` goes on from here.")
    found = records_io.read(path)
    close(found, request.out, console)
    if (request.out / OUTPUT).exists():
        console.print(f"printed  {request.out / OUTPUT}  (by the code under test)")
    console.print(f"{time.perf_counter() - started:.1f} s")
    return INTERRUPTED if interrupted else NOT_OK if any(map(not_ok, found.records)) else OK


def versions_of(version: str, tested: Sequence[Subject]) -> dict[str, str]:
    """What a run depends on: gradcheck, Python, what computes the truth, and the subjects."""
    versions = {"gradcheck": version, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in PEERS}
    return versions | {f"subject {subject.name}": subject.version for subject in tested}


def header_of(
    planned: tuple[Pair, ...], profile: str, seed: int, version: str, tested: Sequence[Subject], command: str
) -> Header:
    """The first line of a new run."""
    return Header(
        run=secrets.token_hex(4),
        planned=planned,
        profile=profile,
        seed=seed,
        versions=versions_of(version, tested),
        environment={"platform": platform.system(), "machine": platform.machine(), "byteorder": sys.byteorder},
        command=command,
    )


def footer_of(records: Sequence[Record]) -> Footer:
    """The last line of a complete run."""
    seconds = sum(record.seconds for record in records)
    return Footer(records=len(records), failed=sum(map(not_ok, records)), seconds=seconds)


def _selected(operators: str, tested: Sequence[Subject]) -> dict[str, list[str]]:
    """What is checked of each subject: the operators that match, and those of its exhibits that do.

    A pattern has to match an operator, or else an exhibit of some subject.
    """
    patterns = [part.strip() for part in operators.split(",") if part.strip()]
    own = {subject.name: list(exhibits_of(subject)) for subject in tested}
    everything = [name for names in own.values() for name in names]
    of_catalogue = [
        part for part in patterns if not fnmatch.filter(everything, part) or fnmatch.filter(catalogue.operators(), part)
    ]
    for part in of_catalogue:
        if ":" in part:  # no operator's name has one
            closest = difflib.get_close_matches(part, everything, n=1, cutoff=0.0)
            mend = f"the closest is {closest[0]!r}" if closest else "these subjects bring nothing of their own"
            raise UsageError(f"--operators {part}: nothing that the subjects bring of their own matches; {mend}")
    found = [operator.name for operator in catalogue.select(of_catalogue)] if of_catalogue or not patterns else []
    return {
        name: found + [mine for mine in names if any(fnmatch.fnmatch(mine, part) for part in patterns)]
        for name, names in own.items()
    }


def _load(name: str) -> Subject:
    """The subject; what its module prints while it is imported goes to the error stream."""
    with contained(), contextlib.redirect_stdout(sys.stderr):
        return subjects.load(name)


def _begun(path: Path) -> bool:
    """Whether an earlier run got as far as a whole first line."""
    try:
        with open(path, "rb") as file:
            return file.readline().endswith(b"\n")
    except FileNotFoundError:
        return False


def _checked(tasks: Sequence[workers.Task], request: Request) -> Iterator[Record]:
    """The records as they are ready; what the code under test prints is kept in a file of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="gradcheck-") as scratch,
        contextlib.closing(workers.checked(tasks, request.jobs or processors(), Path(scratch))) as results,
    ):
        for done in results:
            if done.printed:
                heading = f"--- {done.record.subject} {done.record.operator}\n"
                with open(request.out / OUTPUT, "a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(heading + done.printed.rstrip("\n") + "\n")
            yield done.record


def not_ok(record: Record) -> bool:
    """Whether the subject has the operator and did not pass: it failed, or an argument is undecided."""
    return record.status is not Status.PASS and record.verdict is not Verdict.UNSUPPORTED


def close(found: records_io.Run, out: Path, console: Console, *, single: bool = False) -> None:
    """Build the pages, or all of them as a ``single`` file, and print one closing line per subject."""
    from gradcheck import report  # the pages are heavy, and come last

    if not single:
        for line in telling.tried(found.records):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        telling.tell(found, out, console)
    with busy(console, "building the pages"):
        index = report.single_file(found, out / "report.html") if single else report.build(found, out)[0]
    for subject in dict.fromkeys(name for name, _ in found.header.planned):
        records = [record for record in found.records if record.subject == subject]
        console.print(_summary(subject, records, sum(name == subject for name, _ in found.header.planned)))
    console.print(f"pages  {index}")


def _summary(subject: str, records: Sequence[Record], planned: int) -> str:
    supported = [record for record in records if record.verdict is not Verdict.UNSUPPORTED]
    what = "checks" if any(record.claim.get("exhibit") for record in supported) else "operators"
    parts = [f"{len(supported)} {what}", f"{sum(not not_ok(record) for record in supported)} ok"]
    parts.append(f"{sum(map(not_ok, supported))} not ok")
    parts.append(f"{sum(len(record.findings) for record in supported)} findings")
    entries = sum(record.counts.get(key, 0) for record in supported for key in ENTRIES)
    open_ = sum(record.counts.get("inconclusive", 0) for record in supported)
    parts.append(f"{open_ / entries:.2%} of the entries inconclusive" if entries else "no entries judged")
    judged = [record for record in supported if record.correction is None or record.counts]  # a sentence has no entries
    undecided = [record.operator for record in judged if not any(record.counts.get(key, 0) for key in DECIDED)]
    each = what.removesuffix("s")
    parts.append(f"no entry decided of {', '.join(undecided)}" if undecided else f"some entry decided of every {each}")
    if len(supported) < len(records):
        parts.append(f"{len(records) - len(supported)} not implemented")
    if len(records) < planned:
        parts.append(f"INCOMPLETE: {planned - len(records)} missing")
    return clean(f"{subject}  " + ", ".join(parts))


def _same_run(
    path: Path, header: Header, planned: tuple[Pair, ...], versions: dict[str, str], request: Request
) -> None:
    """Refuse to mix two different runs in one file."""
    given = (("--profile", request.profile, header.profile), ("--seed", request.seed, header.seed))
    for option, wanted, found in given:
        if wanted is not None and wanted != found:
            raise UsageError(
                f"{path} was begun with {option} {found}, not {wanted}; "
                f"give {option} {found}, or leave out --resume to start anew"
            )
    if planned != header.planned:
        raise UsageError(
            f"{path} was begun by `{header.command}`, which planned other checks; "
            "name the same subjects and operators, or leave out --resume to start anew"
        )
    for name in dict.fromkeys((*header.versions, *versions)):
        before, now = header.versions.get(name, "nothing"), versions.get(name, "nothing")
        if before != now:
            raise UsageError(
                f"{path} was begun with {name} {before}, and this is {now}; "
                "install that version, or leave out --resume to start anew"
            )


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def shown(results: Iterator[Record], total: int, console: Console) -> Iterator[Record]:
    """The records, each shown as it passes: a progress bar on a terminal, one line each elsewhere."""
    if not console.is_terminal:
        for number, record in enumerate(results, start=1):
            console.print(f"[{number:>{len(str(total))}}/{total}] {_headline(record)}")
            yield record
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("checking", total=total)
        for record in results:
            if not_ok(record):
                progress.console.print(_headline(record))
            progress.update(task, advance=1, description=clean(f"{record.subject} {record.operator}"))
            yield record


def _headline(record: Record) -> str:
    codes = " ".join(dict.fromkeys(f.code for f in record.findings if f.severity.fails))
    mark = "not there" if record.verdict is Verdict.UNSUPPORTED else record.status.value
    mark = mark.upper() if not_ok(record) else mark
    return clean(f"{mark:<12} {record.subject} {record.operator}  {codes}".rstrip())
