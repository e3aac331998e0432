"""``gradcheck replay ID``: the finding of that name out of a records file, and its case again in a process of its own."""

from __future__ import annotations

import difflib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcheck.cli import busy
from gradcheck.errors import RecordError, UsageError
from gradcheck.records import Finding, Record, finding_id
from gradcheck.records_io import decode_line, encode_line, read
from gradcheck.report.snippet import GIVEN

if TYPE_CHECKING:
    from rich.console import Console

    from gradcheck.replay import Outcome

NEAR = 5
"""Names that an error lists."""

CODES = {"reproduced": 0, "changed": 1, "not reproduced": 3}
"""Exit codes: 3 and not 1, so that a script can tell a case that is mended from one that fails otherwise."""


READY = "ready"
"""What the process says when gradcheck and the subject are loaded."""


def replay(name: str, file: Path, limit: float, console: Console) -> int:
    """Find, show and repeat; the exit code."""
    record, finding, profile = find(name, file)
    console.print(
        f"{finding_id(record, finding)}  {record.subject} {record.operator}  {finding.code} {finding.argument}"
    )
    console.print(f"was  {' '.join(finding.message.split())}")
    with busy(console, "the case again"):
        outcome = outcome_of(record, finding, limit, profile)
    console.print(f"{outcome.word}  {' '.join(outcome.about.split())}")
    return CODES[outcome.word]


def find(name: str, file: Path) -> tuple[Record, Finding, str]:
    """The finding whose name begins with ``name``, and the profile of its run.  Raises UsageError unless there is exactly one."""
    run = read(file)
    named = {finding_id(record, f): (record, f) for record in run.records for f in findings_of(record)}
    wanted = name.lower().lstrip("#")
    matches = [key for key in named if key.startswith(wanted)] if wanted else list(named)
    if len(matches) == 1:
        return *named[matches[0]], run.header.profile
    if matches:
        listed = "; ".join(_said(key, named) for key in matches[:NEAR])
        more = f"; and {len(matches) - NEAR} more" if len(matches) > NEAR else ""
        raise UsageError(
            f"replay {name!r}: {len(matches)} findings of {file} begin so: {listed}{more}; give more digits"
        )
    if not named:
        raise UsageError(f"replay {name!r}: {file} has no findings")
    near = difflib.get_close_matches(wanted, named, n=NEAR, cutoff=0.5) or list(named)[:NEAR]
    raise UsageError(
        f"replay {name!r}: no finding of {file} begins so; it has {'; '.join(_said(key, named) for key in near)}"
        + (f"; and {len(named) - len(near)} more" if len(named) > len(near) else "")
    )


def findings_of(record: Record) -> Sequence[Finding]:
    """All findings, that against a printed formula included."""
    shown = record.correction.counterexample if record.correction is not None else None
    return record.findings if shown is None else (*record.findings, shown)


def _said(key: str, named: dict[str, tuple[Record, Finding]]) -> str:
    record, finding = named[key]
    return f"{key} ({record.subject} {record.operator}: {finding.code} {finding.argument})"


def outcome_of(record: Record, finding: Finding, limit: float, profile: str = "default") -> Outcome:
    """The case again, in a process that it may take down, for at most ``limit`` seconds (0: for ever)."""
    from gradcheck.replay import CHANGED, REPRODUCED, Outcome

    context = multiprocessing.get_context("spawn")  # as the workers are: no threads of ours in it
    ours, theirs = context.Pipe()
    slim = replace(record, findings=(finding,), curve=None, ulps=(), coverage=(), graph=None, jacobian=None)
    process = context.Process(target=_again, args=(theirs, encode_line(slim), os.getcwd(), profile), daemon=True)
    process.start()
    theirs.close()
    try:
        word, about = ours.recv()  # when everything is loaded, and the clock begins to run
        if word == READY:
            wait([ours], timeout=limit or None)
        if word == READY and not ours.poll():
            said = f"it did not return within {limit:g} s"
            return Outcome(REPRODUCED if finding.code == "GC124" else CHANGED, said)
        if word == READY:
            word, about = ours.recv()
    except EOFError:
        process.join()
        ended = process.exitcode or 0
        how = f"was ended by {_signal(-ended)}" if ended < 0 else f"exited with code {ended}"
        same = finding.code == "GC125" and f"ran {how}" in finding.message
        return Outcome(REPRODUCED if same else CHANGED, f"the process {how}")
    finally:
        process.kill()
        process.join()
        ours.close()
    if word == "usage":
        raise UsageError(about)
    return Outcome(word, about)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _again(connection: Connection[Any, Any], line: bytes, directory: str, profile: str) -> None:
    """In the process: load the subject, make the call, send what came of it."""
    import sys

    from gradcheck import subjects
    from gradcheck.replay import replay, replay_given

    if directory not in sys.path:
        sys.path.insert(0, directory)
    record = decode_line(line)
    assert isinstance(record, Record)
    try:
        os.dup2(2, 1)  # what the code under test prints is no answer of ours
        given = record.subject == GIVEN
        subject = None if given else subjects.load(record.claim.get("load", record.subject))
        connection.send((READY, ""))
        if subject is None:
            outcome = replay_given(record, record.findings[0])
        else:
            outcome = replay(subject, record, record.findings[0], profile=profile)
        connection.send((outcome.word, outcome.about))
    except (UsageError, RecordError) as error:
        connection.send(("usage", str(error)))
