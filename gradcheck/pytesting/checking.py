"""One call of the fixture: check, keep the record, and say in full what is wrong, or that it is known."""

from __future__ import annotations

import inspect
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gradcheck
from gradcheck.engine.result import Result
from gradcheck.errors import GradientError
from gradcheck.pytest_plugin import PENDING, SESSION, place
from gradcheck.pytesting import known
from gradcheck.records import Record, finding_id
from gradcheck.report import text
from gradcheck.report.terminal import describe

SHOWN = 6
"""Lines of a backward function that a failure shows."""

LONGEST = 60
"""Characters of a test's name from which its page may have another name than by itself: long ones are cut and numbered."""


def check(
    request: pytest.FixtureRequest, number: int, forward: Any, vjp: Any, inputs: Any, options: dict[str, Any]
) -> Result:
    """``gradcheck.check``; the record goes with the report of the test."""
    result = gradcheck.check(forward, vjp, inputs, **options)
    _keep(request, _named(request, number, result.record, _backward(forward, vjp)), asserted=False)
    return result


def assert_gradients(
    request: pytest.FixtureRequest, number: int, forward: Any, vjp: Any, inputs: Any, options: dict[str, Any]
) -> None:
    """As ``gradcheck.assert_gradients``, with the failure as pytest should show it, and known failures expected."""
    __tracebackhide__ = True
    result = gradcheck.check(forward, vjp, inputs, **options)
    record = _named(request, number, result.record, _backward(forward, vjp))
    session = request.config.stash.get(SESSION, None)
    pinned = session.known.of(request.node.nodeid, number) if session and session.known and not session.pin else []
    _keep(request, record, asserted=True)
    if pinned:
        wrong = known.unlike(pinned, result.record, forward, vjp, inputs, options)
        if wrong:
            pytest.fail(wrong, pytrace=False)
        pytest.xfail("; ".join(dict.fromkeys(entry.reason or f"known {entry.finding.code}" for entry in pinned)))
    if result.ok:
        return
    said = describe(
        replace(record, operator=result.record.operator),
        source=source(_backward(forward, vjp)),
        repro=f"pytest {shlex.quote(request.node.nodeid)} --gradcheck-seed={record.seed}",
        page=_page(request, record),
    )
    error = GradientError(result)
    error.args = (said,)
    raise error


def _backward(forward: Any, vjp: Any) -> Any:
    """What has the backward function: itself, or the object that differentiates itself."""
    return forward if vjp is None else vjp


def _named(request: pytest.FixtureRequest, number: int, record: Record, backward: Any) -> Record:
    """The record under the name of the test, with the place of the backward function from the root of the project."""
    name = request.node.nodeid if number == 1 else f"{request.node.nodeid} #{number}"
    code = _code(backward)
    claim = dict(record.claim) | {"checked": record.operator}
    if code is not None:
        claim["backward"] = f"{place(code.co_filename, request.config.rootpath)}:{code.co_firstlineno}"
    return replace(record, operator=name, claim=claim)


def _keep(request: pytest.FixtureRequest, record: Record, *, asserted: bool) -> None:
    properties = request.node.user_properties
    properties.append(("gradcheck.verdict", record.verdict.name))
    properties.append(("gradcheck.seed", str(record.seed)))
    if "backward" in record.claim:
        properties.append(("gradcheck.backward", record.claim["backward"]))
    for finding in text.by_weight(record):
        if finding.severity.fails:
            properties.append(
                ("gradcheck.finding", f"{finding.code} {text.place(finding)} {finding_id(record, finding)}")
            )
    if SESSION in request.config.stash:
        from gradcheck.cli.workers import line

        kept = {"test": request.node.nodeid, "record": line(record).decode(), "asserted": asserted}
        request.node.stash.setdefault(PENDING, []).append(kept)


def _code(function: Any) -> Any:
    """The code object of the backward function: of the function itself, or of ``backward`` of an object or a class."""
    for candidate in (function, getattr(function, "backward", None)):
        try:
            return inspect.unwrap(candidate).__code__  # type: ignore[arg-type]  # what is none raises
        except (AttributeError, ValueError):
            continue
    return None


def source(function: Any) -> list[str]:
    """The backward function as it stands, with line numbers; at most ``SHOWN`` lines, none where there is no source."""
    code = _code(function)
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError):
        return []
    width = len(str(first + len(lines)))
    shown = [f"{first + k:>{width}} | {line.rstrip().expandtabs(4)}" for k, line in enumerate(lines[:SHOWN])]
    return shown + ([f"{'':>{width}} | ... {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else [])


def _page(request: pytest.FixtureRequest, record: Record) -> str:
    """Address of the page about the gravest finding; empty where no report is written."""
    session = request.config.stash.get(SESSION, None)
    if session is None or session.directory is None:
        return ""
    from gradcheck.report.render import file_names

    name = "index.html"  # where the page can be found whatever its name is
    if len(record.operator) < LONGEST:
        name = file_names([(record.subject, record.operator)])[0]
    anchor = "".join(f"#{finding_id(record, finding)}" for finding in text.by_weight(record)[:1])
    return f"{Path(place(session.directory, request.config.invocation_params.dir)) / name}{anchor}"
