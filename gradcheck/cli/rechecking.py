"""``gradcheck prove --recheck``: the files of an earlier run are checked again, each kind by what it holds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcheck import catalogue, claims_io
from gradcheck.cli import NOT_OK, OK, every_input
from gradcheck.cli.proving import JOBS, LIMIT, in_order, limited, needs_sympy, run_enumeration
from gradcheck.errors import UsageError
from gradcheck.fingerprints import fingerprint

if TYPE_CHECKING:
    from rich.console import Console

    from gradcheck.claim import Operator


Task = tuple[str, Path, float, str | None]
"""The kind of a file, the file, seconds, and the subject whose code it is about."""


def recheck(
    console: Console, directory: Path, limit: float = LIMIT, jobs: int = JOBS, subject: str | None = None
) -> int:
    """Check the files of an earlier run again; every problem is printed.

    Of files about a subject's code only those of ``subject``: no file may say what code is loaded.
    """
    needs_sympy()
    tasks: list[Task] = [
        (kind, file, limit, None) for kind in CHECKS for file in sorted((directory / kind).glob("*.json"))
    ]
    of_subjects = sorted((directory / every_input.FOLDER).glob("*/*.json"))
    asked = [file for file in of_subjects if subject and file.parent.name == claims_io.folder(subject)]
    tasks += [(every_input.FOLDER, file, limit, subject) for file in asked]
    if len(of_subjects) > len(asked):
        names = ", ".join(sorted({file.parent.name for file in of_subjects} - {file.parent.name for file in asked}))
        console.print(f"left out: what was measured of {names}; --subject NAME checks it", markup=False)
    if not tasks:
        raise UsageError(f"--recheck {directory}: there is no claim in it; gradcheck prove --output writes them")
    refused = 0
    for (_, file, *_), found in zip(tasks, in_order(_problems, tasks, jobs), strict=True):
        name = file.relative_to(directory)
        for problem in found:
            console.print(f"REFUSED {name}: {problem}", markup=False)
        refused += bool(found)
    console.print(f"{len(tasks)} files checked again, {refused} refused")
    return NOT_OK if refused else OK


def _problems(task: Task) -> list[str]:
    kind, file, limit, subject = task
    try:
        return list(_exhaustive(file, limit, subject) if subject else CHECKS[kind](file, limit))
    except UsageError as error:
        return [str(error)]
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        return [f"it is no record of this kind ({type(error).__name__}: {error})"]


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} cannot be read ({error}): prove again") from error


def _known(name: str) -> tuple[Operator, Callable[..., Any]]:
    from reference_nets.rules import RULES

    return catalogue.operator(name), RULES[name]


def _changed(record: Mapping[str, Any], operator: Operator, rule: Callable[..., Any]) -> Iterator[str]:
    if record["texts"] != {"definition": fingerprint(operator.definition), "rule": fingerprint(rule)}:
        yield "a text has changed since: prove it again"


def _differs(record: Mapping[str, Any], fresh: Mapping[str, Any]) -> Iterator[str]:
    """The fields in which what is found today is another; NaN is equal to itself here."""
    fresh = json.loads(json.dumps(fresh))
    for name in sorted(set(record) | set(fresh)):
        if json.dumps(record.get(name)) != json.dumps(fresh.get(name)):
            yield f"a fresh run has another {name} than the record"


def _claims(file: Path, limit: float) -> Iterator[str]:
    """By algebra, the solver and residues: from the evidence alone, and then anew."""
    from gradcheck.proofs.claims import problems, read_claims
    from gradcheck.proofs.setting import UNKNOWN

    for record in read_claims(file):
        if record["result"] == UNKNOWN:
            continue  # nothing is claimed
        # a signal must not strike within z3, which has limits of its own
        timed = limited(2 * limit) if record["prover"] == "algebra" else nullcontext()
        try:
            with timed:
                yield from list(problems(record, *_known(record["name"])))
        except TimeoutError:
            yield f"no answer within {2 * limit:g} s"


def _boxes(file: Path, limit: float) -> Iterator[str]:
    """Taylor models of the recorded programs on the recorded pieces, and then of the texts of today."""
    from gradcheck.proofs import intervals

    for record in _read(file):
        yield from intervals.problems(record)
        operator, rule = _known(record["name"])
        yield from _changed(record, operator, rule)
        low, high = record["interval"]
        claim = intervals.claimed(record["claim"])
        yield from _differs(record, intervals.on_interval(operator, rule, record["params"], (low, high), claim))


def _graphs(file: Path, limit: float) -> Iterator[str]:
    """The code that runs is the evidence: all graphs and programs are enumerated again."""
    from reference_nets.backprop import vjp

    record = _read(file)
    if record["texts"] != {"vjp": fingerprint(vjp)}:
        yield "the reverse sweep has changed since: prove it again"
    for row in record["claims"]:
        kind, size, inputs = row["task"]
        yield from _differs(row, run_enumeration((str(kind), int(size), int(inputs))))


def _exhaustive(file: Path, limit: float, subject: str | None = None) -> Iterator[str]:
    """Every number once more, with tables made anew: those in the cache are of the run that is checked."""
    rows = _read(file)
    (name,) = {row["name"] for row in rows}
    with tempfile.TemporaryDirectory() as tables:
        fresh = every_input.every_number(name, Path(tables), subject, limit)
    if len(fresh) != len(rows):
        yield f"it has {len(rows)} rows, and a fresh run {len(fresh)}"
        return
    for row, now in zip(rows, fresh, strict=True):
        yield from _differs(row, now)


def _float32(file: Path, limit: float) -> Iterator[str]:
    """A sample of the sweep, drawn now, is run again; and the sums must add up."""
    from gradcheck.proofs.sweep import problems

    record = _read(file)
    about = record["about"]
    operator, rule = _known(about["name"])
    yield from _changed(about, operator, rule)
    yield from problems(record, operator.definition, rule, operator.domain.of(0), about["params"])


CHECKS: dict[str, Callable[[Path, float], Iterator[str]]] = {
    "": _claims,
    "boxes": _boxes,
    "graphs": _graphs,
    "exhaustive": _exhaustive,
    "float32": _float32,
}
"""By the directory in which a kind of record is kept."""
