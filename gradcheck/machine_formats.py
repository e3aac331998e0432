"""What machines read of a run: JSON, JUnit, SARIF 2.1.0, and commands and Markdown of GitHub's.  Made from records alone.

Findings of severity wrong, contract and conflict fail; inconclusive and outside ones are warnings; the rest are notes.
"""

from __future__ import annotations

import functools
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from gradcheck.codes import CODES
from gradcheck.records import Finding, Number, Record, Severity, Status, Verdict, finding_id
from gradcheck.records_io import Run
from gradcheck.report import text
from gradcheck.report.terminal import describe

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
HOME = "https://pypi.org/project/gradcheck/"

_LEVELS: Mapping[Severity, str] = {
    Severity.WRONG: "error",
    Severity.CONTRACT: "error",
    Severity.CONFLICT: "error",
    Severity.INCONCLUSIVE: "warning",
    Severity.OUTSIDE: "warning",
}
_MOST = 50
"""Rows of a job summary; GitHub cuts it off at a megabyte, and nobody reads on that far."""


def level(finding: Finding) -> str:
    """``error``, ``warning`` or ``note``."""
    return _LEVELS.get(finding.severity, "note")


def place(record: Record, finding: Finding) -> tuple[str, int] | None:
    """File, relative to the working directory where it lies below, and line of the backward function; None if unknown.

    A record says ``file.py:12 in name`` without directories; the file is looked for among the loaded modules.
    """
    known, colon, line = record.claim.get("backward", "").rpartition(":")
    if colon and line.isdecimal():
        return known, int(line)
    file, colon, rest = finding.where.partition(":")
    line, _, name = rest.partition(" in ")
    if not colon or not line.isdecimal():
        return None
    return _full(file, int(line), name), int(line)


@cache
def _full(file: str, line: int, name: str) -> str:
    """The one loaded module below the working directory that has this file name; of several, that with the function there."""
    here = Path.cwd()
    found = {}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and os.path.basename(path) == file and Path(path).resolve().is_relative_to(here):
            found[Path(path).resolve().relative_to(here).as_posix()] = module
    if len(found) > 1:
        found = {path: module for path, module in found.items() if _has(module, name, line)}
    return next(iter(found)) if len(found) == 1 else file


def _has(module: object, name: str, line: int) -> bool:
    """Whether the module has a function of that name that begins at the line, or one in which it is defined."""
    outer, inside, _ = name.partition(".<locals>")
    try:
        first = functools.reduce(getattr, outer.split("."), module).__code__.co_firstlineno  # type: ignore[attr-defined]  # or it raises
    except AttributeError:
        return False
    return bool(first < line if inside else first == line)


def json_text(run: Run) -> str:
    """The run as one JSON object.  Numbers that JSON does not have are texts: ``"nan"``, ``"inf"``."""
    checks = [
        {
            "subject": record.subject,
            "operator": record.operator,
            "status": _status(record),
            "verdict": record.verdict.name,
            "message": str(record.verdict),
            "seed": record.seed,
            "counts": dict(record.counts),
            "certificate": record.certificate,
            "untested": list(record.untested),
            "findings": [_finding(record, finding) for finding in text.by_weight(record)],
        }
        for record in run.records
    ]
    about = {"id": run.header.run, "profile": run.header.profile, "seed": run.header.seed, "complete": run.complete}
    tree = {"format": 1, "run": about | {"versions": dict(run.header.versions)}, "checks": checks}
    return json.dumps(tree, indent=1, allow_nan=False) + "\n"


def _finding(record: Record, finding: Finding) -> dict[str, Any]:
    found = place(record, finding)
    return {
        "id": finding_id(record, finding),
        "code": finding.code,
        "severity": finding.severity.value,
        "argument": finding.argument,
        "index": None if finding.index is None else list(finding.index),
        "got": _number(finding.got),
        "expected": _number(finding.expected),
        "bound": _number(finding.bound),
        "confirmation": text.confirmation(finding) or None,
        "message": finding.message,
        "cause": finding.cause,
        "file": found[0] if found else None,
        "line": found[1] if found else None,
    }


def _number(value: Number | None) -> float | str | None:
    if value is None:
        return None
    if isinstance(value, complex):
        return text.number(value)
    return float(value) if math.isfinite(value) else repr(float(value))


def _status(record: Record) -> str:
    return "unsupported" if record.verdict is Verdict.UNSUPPORTED else record.status.value


def junit(run: Run) -> str:
    """A JUnit file: a suite per subject, a case per operator; what is inconclusive fails, as it does for the exit code."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', '<testsuites name="gradcheck">']
    for subject in dict.fromkeys(record.subject for record in run.records):
        records = [record for record in run.records if record.subject == subject]
        failures = sum(_status(record) in ("fail", "inconclusive") for record in records)
        skipped = sum(_status(record) == "unsupported" for record in records)
        seconds = sum(record.seconds for record in records)
        lines.append(
            f'<testsuite name={_attribute(subject)} tests="{len(records)}" failures="{failures}" errors="0"'
            f' skipped="{skipped}" time="{seconds:.3f}">'
        )
        for record in records:
            lines += _case(record)
        lines.append("</testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _case(record: Record) -> Iterator[str]:
    names = f"classname={_attribute(record.subject)} name={_attribute(record.operator)}"
    yield f'<testcase {names} time="{record.seconds:.3f}">'
    yield "<properties>"
    for finding in record.findings:
        yield f'<property name="finding" value={_attribute(f"{finding.code} {finding_id(record, finding)}")}/>'
    yield f'<property name="seed" value="{record.seed}"/>'
    yield "</properties>"
    status = _status(record)
    if status == "unsupported":
        yield f"<skipped message={_attribute(str(record.verdict))}/>"
    elif status != "pass":
        worst = text.by_weight(record)[:1]
        kind = worst[0].code if worst else status
        yield f"<failure type={_attribute(kind)} message={_attribute(_message(record, worst))}>"
        yield f"{_xml(describe(record))}</failure>"
    yield "</testcase>"


def _message(record: Record, worst: Sequence[Finding]) -> str:
    return worst[0].message if worst else str(record.verdict)


def _xml(content: str) -> str:
    """Text for XML 1.0, which has no escape for most control characters and for lone surrogates: these are replaced."""
    legal = "".join(
        c if c in "\t\n\r" or " " <= c < "\ud800" or "\udfff" < c < "\ufffe" or c > "\uffff" else "?" for c in content
    )
    return escape(legal)


def _attribute(content: str) -> str:
    return quoteattr(_xml(content).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"), {"\n": "&#10;"})


def commands(records: Sequence[Record]) -> list[str]:
    """GitHub's workflow commands at the line of the backward function: what fails, or where nothing does, what is open."""
    lines = []
    for record in records:
        fails = any(finding.severity.fails for finding in record.findings)
        for finding in text.by_weight(record):
            kind = level(finding)
            if kind == "note" or (fails and kind == "warning"):
                continue
            where = place(record, finding)
            at = f"file={_property(where[0])},line={where[1]}," if where else ""
            title = f"{finding.code} {record.subject} {record.operator}: {text.place(finding)}"
            got = (
                ""
                if finding.got is None
                else f"\ngot {text.number(finding.got)}, expected {text.number(finding.expected)}"
            )
            lines.append(f"::{kind} {at}title={_property(title)}::{_data(finding.message + got)}")
    return lines


def github(run: Run) -> str:
    """The annotations of a run, one a line."""
    return "".join(line + "\n" for line in commands(run.records))


def _data(content: str) -> str:
    content = "\n".join(map(text.clean, content.splitlines()))
    return content.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(content: str) -> str:
    return _data(content).replace(":", "%3A").replace(",", "%2C")


def markdown(records: Sequence[Record]) -> str:
    """A job summary: how many of each status, and a table of what is not ok."""
    statuses = [_status(record) for record in records]
    counted = ", ".join(
        f"{statuses.count(status)} {status}" for status in dict.fromkeys((*Status, "unsupported")) if status in statuses
    )
    lines = ["## gradcheck", "", f"{len(records)} checks: {counted}", ""]
    bad = [record for record, status in zip(records, statuses, strict=True) if status in ("fail", "inconclusive")]
    if bad:
        lines += ["| | check | finding | at | got | expected |", "|---|---|---|---|---|---|"]
    for record in bad[:_MOST]:
        worst = text.by_weight(record)[:1]
        cells = [_status(record), record.operator]
        if worst:
            found = place(record, worst[0])
            cells += [
                f"{worst[0].code} {text.place(worst[0])}: {worst[0].message}",
                f"{found[0]}:{found[1]}" if found else "",
            ]
            cells += [text.number(worst[0].got), text.number(worst[0].expected)]
        else:
            cells += [str(record.verdict), "", "", ""]
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    if len(bad) > _MOST:
        lines.append(f"\n{len(bad) - _MOST} more are not listed.")
    return "\n".join(lines) + "\n\n"


def _cell(content: str) -> str:
    plain = text.clean(content).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for mark in "|`*_[":
        plain = plain.replace(mark, "\\" + mark)
    return plain


def sarif(run: Run) -> str:
    """SARIF 2.1.0 (OASIS, 2020): a rule per code, a result per finding, its name as the fingerprint."""
    codes: dict[str, list[tuple[Record, Finding]]] = {}
    for record in run.records:
        for finding in text.by_weight(record):
            codes.setdefault(finding.code, []).append((record, finding))
    names = sorted(codes)
    rules = [
        {
            "id": code,
            "shortDescription": {"text": CODES.get(code, f"A finding with the code {code}.")},
            "defaultConfiguration": {"level": level(codes[code][0][1])},
            "helpUri": HOME,
        }
        for code in names
    ]
    results = [_result(record, f, names.index(f.code)) for record in run.records for f in text.by_weight(record)]
    driver = {
        "name": "gradcheck",
        "version": run.header.versions.get("gradcheck", "0"),
        "informationUri": HOME,
        "rules": rules,
    }
    invocation = {"executionSuccessful": run.complete, "commandLine": run.header.command}
    tree = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [invocation],
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(tree, indent=1, allow_nan=False) + "\n"


def _result(record: Record, finding: Finding, rule: int) -> dict[str, Any]:
    numbers = (
        "" if finding.got is None else f" Got {text.number(finding.got)}, expected {text.number(finding.expected)}."
    )
    said = f"{record.subject} {record.operator}, {text.place(finding)}: {finding.message}.{numbers}"
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "kind": "fail",
        "level": level(finding),
        "message": {"text": text.clean(said)},
        "partialFingerprints": {"gradcheckFinding/v1": finding_id(record, finding)},
        "locations": [
            {
                "logicalLocations": [
                    {"fullyQualifiedName": text.clean(f"{record.subject}.{record.operator}"), "kind": "function"}
                ]
            }
        ],
    }
    where = place(record, finding)
    if where is not None:
        from urllib.parse import quote

        artifact = {"uri": quote(where[0])}
        if not os.path.isabs(where[0]):
            artifact["uriBaseId"] = "%SRCROOT%"
        physical = {"artifactLocation": artifact, "region": {"startLine": max(1, where[1])}}
        result["locations"][0]["physicalLocation"] = physical
    return result


FORMATS = {"json": json_text, "junit": junit, "github": github, "sarif": sarif}
"""Name of a format to what writes it."""
