"""A run of the command line: plan, check, record as it goes, build the pages, say what came of it."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import platform
import secrets
import signal
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck import catalogue, records_io, subjects
from gradcheck.cli import INTERRUPTED, NOT_OK, OK
from gradcheck.errors import UsageError
from gradcheck.records import Footer, Header, Record, Status, Verdict

if TYPE_CHECKING:
    from rich.console import Console

Pair = tuple[str, str]

FILE = "records.jsonl"
ENTRIES = ("right", "wrong", "inaccurate", "convention", "inconclusive", "outside")
PEERS = ("numpy", "scipy", "hypothesis", "ml_dtypes")


def run(
    names: Sequence[str],
    *,
    operators: str,
    profile: str | None,
    seed: int | None,
    out: Path,
    resume: bool,
    jobs: int,
    version: str,
    console: Console,
) -> int:
    """Check the named subjects and give the exit code.  Raises UsageError before anything is written."""
    selected = [operator.name for operator in catalogue.select(operators)]
    loaded = [subjects.load(name) for name in dict.fromkeys(names)]
    planned = tuple((subject.name, operator) for subject in loaded for operator in selected)
    by_name = dict(zip((subject.name for subject in loaded), dict.fromkeys(names), strict=True))
    if len(by_name) < len(loaded):
        raise UsageError(f"two of the subjects {', '.join(names)} call themselves by one name; run them one at a time")
    path = out / FILE
    earlier = records_io.read(path) if resume and path.exists() else None
    if earlier is not None:
        _same_run(path, earlier.header, planned, profile, seed)
        header = earlier.header
    else:
        versions = {"gradcheck": version, "python": platform.python_version()}
        versions |= {name: metadata.version(name) for name in PEERS}
        header = Header(
            run=secrets.token_hex(4),
            planned=planned,
            profile=profile or "default",
            seed=0 if seed is None else seed,
            versions=versions | {f"subject {subject.name}": subject.version for subject in loaded},
            environment={"platform": platform.system(), "machine": platform.machine(), "byteorder": sys.byteorder},
            command=f"gradcheck run {' '.join(names)} --operators {operators}",
        )
    left = earlier.missing if earlier is not None else planned
    finished = earlier is not None and earlier.complete
    done = list(earlier.records) if earlier is not None else []
    console.print(f"gradcheck {version}  profile {header.profile}  seed {header.seed}  {len(left)} checks to do")
    started = time.perf_counter()
    interrupted = ""
    with records_io.Writer(path, append=earlier is not None) as writer:
        if earlier is None:
            writer.header(header)
        try:
            tasks = [(by_name[subject], operator, header.profile, header.seed) for subject, operator in left]
            with contextlib.closing(_verified(tasks, jobs)) as results:
                for record in _shown(results, len(left), console):
                    writer.record(record)
                    done.append(record)
            if not finished:
                seconds = sum(record.seconds for record in done)
                writer.footer(Footer(records=len(done), failed=sum(map(not_ok, done)), seconds=seconds))
        except KeyboardInterrupt:
            interrupted = "Interrupted"
        except BrokenProcessPool:
            interrupted = "A worker process died (killed, or out of memory)"
    if interrupted:
        console.print(f"{interrupted}.  `--resume` goes on from here.")
    close(records_io.read(path), out, console)
    console.print(f"{time.perf_counter() - started:.1f} s")
    return INTERRUPTED if interrupted else NOT_OK if any(map(not_ok, done)) else OK


def not_ok(record: Record) -> bool:
    """Whether the subject has the operator and did not pass: it failed, or an argument is undecided."""
    return record.status is not Status.PASS and record.verdict is not Verdict.UNSUPPORTED


def close(found: records_io.Run, out: Path, console: Console) -> None:
    """Build the pages and print one closing line per subject."""
    from gradcheck import report  # the pages are heavy, and come last

    index = report.build(found, out)[0]
    for subject in dict.fromkeys(name for name, _ in found.header.planned):
        records = [record for record in found.records if record.subject == subject]
        console.print(_summary(subject, records, sum(name == subject for name, _ in found.header.planned)))
    console.print(f"pages  {index}")


def _summary(subject: str, records: Sequence[Record], planned: int) -> str:
    supported = [record for record in records if record.verdict is not Verdict.UNSUPPORTED]
    parts = [f"{len(supported)} operators", f"{sum(not not_ok(record) for record in supported)} ok"]
    parts.append(f"{sum(map(not_ok, supported))} not ok")
    parts.append(f"{sum(len(record.findings) for record in supported)} findings")
    entries = sum(record.counts.get(key, 0) for record in supported for key in ENTRIES)
    open_ = sum(record.counts.get("inconclusive", 0) for record in supported)
    parts.append(f"{open_ / entries:.2%} inconclusive" if entries else "no entries judged")
    if len(supported) < len(records):
        parts.append(f"{len(records) - len(supported)} not implemented")
    if len(records) < planned:
        parts.append(f"INCOMPLETE: {planned - len(records)} missing")
    return f"{subject}  " + ", ".join(parts)


def _same_run(path: Path, header: Header, planned: tuple[Pair, ...], profile: str | None, seed: int | None) -> None:
    """Refuse to mix two different runs in one file."""
    for option, wanted, found in (("--profile", profile, header.profile), ("--seed", seed, header.seed)):
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


def _verify(task: tuple[str, str, str, int]) -> Record:
    """Check one operator of one subject; runs in a worker process."""
    from gradcheck.engine.verify import verify_operator

    subject, operator, profile, seed = task
    [claim] = catalogue.select(operator)
    tested = subjects.load(subject)
    record = verify_operator(tested, claim, profile=profile, seed=seed)
    if subject == tested.name:
        return record
    # The page's snippet has to load the subject by the name it was asked for.
    return dataclasses.replace(record, claim={**record.claim, "load": subject})


def _verified(tasks: Sequence[tuple[str, str, str, int]], jobs: int) -> Generator[Record]:
    """The records of the tasks, in their order whatever the number of processes: equal runs give equal files."""
    jobs = min(jobs or _processors(), len(tasks))
    if jobs <= 1:
        yield from map(_verify, tasks)
        return
    # spawn, not fork: forking a process with threads (BLAS, progress bar) may deadlock.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_ignore_interrupts)
    try:
        yield from pool.map(_verify, tasks)
    except (KeyboardInterrupt, GeneratorExit):
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means


def _shown(results: Iterator[Record], total: int, console: Console) -> Iterator[Record]:
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
            progress.update(task, advance=1, description=f"{record.subject} {record.operator}")
            yield record


def _headline(record: Record) -> str:
    codes = " ".join(dict.fromkeys(f.code for f in record.findings if f.severity.fails))
    mark = "not there" if record.verdict is Verdict.UNSUPPORTED else record.status.value
    mark = mark.upper() if not_ok(record) else mark
    return f"{mark:<12} {record.subject} {record.operator}  {codes}".rstrip()
