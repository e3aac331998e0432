"""Known failures: each is pinned to a stored counterexample, so that what is expected is one case and not a colour.

The file is JSON: ``{"format": 1, "failures": [{"test", "call", "reason", "record"}]}``; ``record`` is a line of a records file with
the one finding.  The pinned case is made again, bit for bit: whether the failure is still the known one is not left to a
search.  It is not, if the case passes (mended, or never reproduced), if it fails otherwise (changed), if something else
fails beside it (new), or if the test makes no such call any more (stale); then the test fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gradcheck.claim import Domain, Set
from gradcheck.errors import UsageError
from gradcheck.records import Finding, Record, Severity, Status, finding_id
from gradcheck.records_io import decode_line

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One known failure: the ``call``-th call of the fixture in ``test``, and the record with its one finding."""

    test: str
    call: int
    reason: str
    record: Record

    @property
    def finding(self) -> Finding:
        """The finding that is known."""
        return self.record.findings[0]

    @property
    def name(self) -> str:
        """The name of the finding."""
        return finding_id(self.record, self.finding)


@dataclass(frozen=True, slots=True)
class Known:
    """The known failures of a file."""

    path: Path | None = None
    entries: tuple[Entry, ...] = ()

    def of(self, test: str, call: int) -> list[Entry]:
        """Those of one call of one test."""
        return [entry for entry in self.entries if (entry.test, entry.call) == (test, call)]


def read(path: Path, *, absent: bool) -> Known:
    """The file.  Raises UsageError for one that is not there (unless it may be ``absent``), or that cannot be read."""
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if absent:
            return Known(path)
        raise UsageError(f"--gradcheck-known {path}: there is no such file; --gradcheck-pin makes it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--gradcheck-known {path}: it cannot be read ({error})") from None
    try:
        tree = json.loads(content)
        if not isinstance(tree, dict) or tree.get("format") != FORMAT:
            raise ValueError(f'it is not an object with "format": {FORMAT}')
        return Known(path, tuple(_entry(item, number) for number, item in enumerate(tree["failures"], start=1)))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--gradcheck-known {path}: {error}; --gradcheck-pin writes it anew") from None


def _entry(item: Mapping[str, Any], number: int) -> Entry:
    try:
        record = decode_line(json.dumps(item["record"]).encode())
        if not isinstance(record, Record) or len(record.findings) != 1:
            raise ValueError("its record has not exactly one finding")
        return Entry(str(item["test"]), int(item["call"]), str(item.get("reason", "")), record)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"failure {number}: {type(error).__name__} {error}") from None


def write(path: Path, records: Iterable[tuple[str, Record]], before: Known, ran: set[str], gone: set[str]) -> int:
    """Pin the failures of (test, record) pairs; the number of entries.

    Reasons of what was pinned before are kept, and so are the entries of tests that neither ``ran`` now nor are ``gone``.
    """
    from gradcheck.cli.workers import line

    reasons = {(e.test, e.call, e.finding.code, e.finding.argument): e.reason for e in before.entries}
    failures = [
        {"test": e.test, "call": e.call, "reason": e.reason, "record": json.loads(line(e.record))}
        for e in before.entries
        if e.test not in ran | gone
    ]
    for test, record in records:
        if record.status is Status.PASS:
            continue
        call = call_of(record, test)
        for finding in pinnable(record):
            slim = replace(
                record,
                findings=(finding,),
                curve=None,
                ulps=(),
                jacobian=None,
                coverage=(),
                counts={},
                oracles={},
                untested=(),
            )
            tree = json.loads(line(replace(slim, certificate="", seconds=0.0)))
            reason = reasons.get((test, call, finding.code, finding.argument), "")
            failures.append({"test": test, "call": call, "reason": reason, "record": tree})
    failures.sort(key=lambda failure: (failure["test"], failure["call"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, "failures": failures}, indent=1, ensure_ascii=True)
    path.write_text(text + "\n", encoding="utf-8")
    return len(failures)


def call_of(record: Record, test: str) -> int:
    """Which call of its test a record is of, from its name."""
    return int(record.operator.removeprefix(test).removeprefix(" #") or 1)


def pinnable(record: Record) -> list[Finding]:
    """The findings for which the result is not ok."""
    failing = [finding for finding in record.findings if finding.severity.fails]
    undecided = (Severity.INCONCLUSIVE, Severity.OUTSIDE)
    return failing or [finding for finding in record.findings if finding.severity in undecided]


def unlike(
    pinned: Sequence[Entry], record: Record, forward: Any, vjp: Any, inputs: Any, options: Mapping[str, Any]
) -> str:
    """In what the failure is not the known one, in words; empty if it is."""
    said = []
    for entry in pinned:
        what = f"known failure {entry.name} ({entry.finding.code} {entry.finding.argument})"
        word, about = _again(entry.finding, record, forward, vjp, inputs, options)
        if word == "changed":
            said.append(f"{what} has changed: {about}")
        elif word == "not reproduced" and not pinnable(record):
            said.append(f"{what} no longer fails; take it out of the file of known failures")
        elif word == "not reproduced":
            said.append(f"{what} is not reproduced by its stored case, and the check fails all the same")
    expected = {(entry.finding.code, entry.finding.argument) for entry in pinned}
    for finding in record.findings:
        if finding.severity.fails and (finding.code, finding.argument) not in expected:
            said.append(f"beside the known failure: {finding.code} {finding.argument}: {finding.message}")
    return "\n".join(said)


def _again(
    finding: Finding, record: Record, forward: Any, vjp: Any, inputs: Any, options: Mapping[str, Any]
) -> tuple[str, str]:
    """The stored case again with the functions of the test: word and reason."""
    from gradcheck import catalogue
    from gradcheck.claim import Operator
    from gradcheck.replay import CHANGED, at_point, compare
    from gradcheck.subjects.callables import arrange, recognise

    if finding.point is None:
        outcome = compare(finding, list(record.findings))
        return outcome.word, outcome.about
    like, domain = options.get("like"), options.get("domain")
    operator = like if isinstance(like, Operator) or like is None else catalogue.operator(like)
    where = Domain((domain,)) if isinstance(domain, Set) else domain or (operator.domain if operator else None)
    try:
        implementation = recognise(forward, vjp, options.get("jvp"), bool(options.get("stateful")))
        call = arrange(implementation, inputs, wrt=options.get("wrt"), kwargs=options.get("kwargs"), domain=where)
        outcome = compare(finding, at_point(call, finding, None if operator is None else operator.definition))
    except Exception as error:  # of the forward, or because the arguments have another form now
        return CHANGED, f"{type(error).__name__}: {error}"
    return outcome.word, outcome.about


def stale(known: Known, made: set[tuple[str, int]], ran: set[str], gone: set[str]) -> list[str]:
    """Sentences about entries whose call is not made any more: the test ran without it, or is gone."""
    said = []
    for entry in known.entries:
        what = f"known failure {entry.name} of {entry.test}, call {entry.call}, is stale"
        if entry.test in gone:
            said.append(f"{what}: there is no such test any more")
        elif entry.test in ran and (entry.test, entry.call) not in made:
            said.append(f"{what}: the test does not make this call any more")
    return said
