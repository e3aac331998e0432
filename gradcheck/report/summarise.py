"""From records to views: everything a page shows, as frozen values that a template only has to lay out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.records import Array, Curve, Dataflow, Finding, Header, Record, Status, UlpSamples, Verdict
from gradcheck.records_io import Run
from gradcheck.report import graphs, pictures, text, thread
from gradcheck.report.snippet import snippet

COUNTS = ("points", "right", "wrong", "inaccurate", "convention", "inconclusive", "outside", "contract")
ENTRIES = ("right", "wrong", "inaccurate", "convention", "inconclusive", "outside")
"""The counts that are of judged entries; the others count points, evaluations and calls."""

_WORST = 12  # rows of the table under a scatter: the picture has the rest
_NODES = 400  # rows of the table of a graph; the records file has all of them
_FINDINGS = 200  # rows of the findings table; more are counted, not listed

_CLAIM = {  # order and wording of the claim on the page
    "formula": "Formula",
    "signature": "Signature",
    "family": "Family",
    "citation": "Source",
    "domain": "Domain",
    "kinks": "Kinks",
    "definition": "Definition",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A labelled array of a counterexample."""

    label: str
    kind: str
    text: str
    abridged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding, as a row of a table."""

    code: str
    severity: str
    place: str
    got: str
    expected: str
    bound: str
    ulps: str
    message: str
    cause: str
    entries: str
    evidence: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The smallest counterexample."""

    finding: Row
    origin: str
    arrays: tuple[Named, ...]
    parameters: str
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of text: head and body."""

    head: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture with everything it needs to be understood, seen or unseen."""

    name: str
    title: str
    about: str
    reading: str
    svg: str
    numbers: Table
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One (subject, operator): all that its page shows, in reading order."""

    file: str
    subject: str
    operator: str
    status: str
    failed: bool
    verdict: str
    cause: str
    case: Case | None
    findings: tuple[Row, ...]
    unlisted: int
    curve: Picture | None
    ulps: tuple[Picture, ...]
    coverage: Table
    claim: tuple[tuple[str, str], ...]
    certificate: str
    untested: tuple[str, ...]
    oracles: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    formula: str
    family: str
    codes: tuple[str, ...]
    right: int
    inconclusive: int
    seconds: str
    seed: int
    repro: str
    graph: Picture | None = None
    entry: thread.Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One subject in the summary of the index."""

    name: str
    total: int
    passed: int
    failed: int
    open: int
    findings: int
    absent: int
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """All that the index shows.  ``board`` has one row per operator and one cell per subject."""

    pages: tuple[Page, ...]
    subjects: tuple[Subject, ...]
    board: tuple[tuple[str, tuple[Page | None, ...]], ...]
    run: tuple[tuple[str, str], ...]
    incomplete: bool
    missing: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    exhibits: bool = False
    """Whether some record is of something that is in no catalogue."""


def failed(record: Record) -> bool:
    """Whether the record counts as a failure and not only as undecided."""
    return record.status is Status.FAIL or any(finding.severity.fails for finding in record.findings)


def status_of(record: Record) -> str:
    """The word of the badge: pass, fail, inconclusive, or absent where the subject does not have the operator."""
    if record.verdict is Verdict.UNSUPPORTED:
        return "absent"
    return "fail" if failed(record) else record.status.value


def index(run: Run, pages: Sequence[Page]) -> Index:
    """The view of the whole run."""
    names = tuple(dict.fromkeys([s for s, _ in run.header.planned] + [page.subject for page in pages]))
    cells = {(page.operator, page.subject): page for page in pages}
    operators = sorted({page.operator for page in pages})
    board = tuple((name, tuple(cells.get((name, subject)) for subject in names)) for name in operators)
    header = run.header
    about = {"run": header.run, "profile": header.profile, "seed": str(header.seed), "command": header.command}
    return Index(
        pages=tuple(pages),
        subjects=tuple(_subject(name, [r for r in run.records if r.subject == name]) for name in names),
        board=board if len(names) > 1 else (),
        run=tuple((key, value) for key, value in (about | dict(header.environment) | dict(header.versions)).items()),
        incomplete=not run.complete,
        missing=run.missing,
        problems=run.problems,
        exhibits=any(record.claim.get("exhibit") for record in run.records),
    )


def _subject(name: str, records: Sequence[Record]) -> Subject:
    supported = [record for record in records if record.verdict is not Verdict.UNSUPPORTED]
    entries = sum(record.counts.get(key, 0) for record in supported for key in ENTRIES)
    undecided = sum(record.counts.get("inconclusive", 0) for record in supported)
    broken = sum(map(failed, supported))
    passed = sum(record.status is Status.PASS and not failed(record) for record in supported)
    return Subject(
        name=name,
        total=len(supported),
        passed=passed,
        failed=broken,
        open=len(supported) - broken - passed,
        findings=sum(len(record.findings) for record in supported),
        absent=len(records) - len(supported),
        share=f"{undecided / entries:.2%}" if entries else "-",
    )


def page(record: Record, header: Header, file: str) -> Page:
    """The view of one record."""
    findings = text.by_weight(record)
    pointed = next((finding for finding in findings if finding.point is not None), None)
    first = findings[0] if findings else None
    environment = {"run": header.run, "profile": header.profile, "seed": str(record.seed), "run seed": str(header.seed)}
    environment |= dict(header.environment) | dict(header.versions)
    return Page(
        file=file,
        subject=record.subject,
        operator=record.operator,
        status=status_of(record),
        failed=failed(record),
        verdict=record.verdict.value,
        cause=first.cause if first and first.severity.fails else "",
        case=_case(record, pointed) if pointed else None,
        findings=tuple(map(_row, findings[:_FINDINGS])),
        unlisted=max(0, len(findings) - _FINDINGS),
        curve=_v_curve(record.curve) if record.curve else None,
        ulps=tuple(_scatter(samples, f"ulp{number}") for number, samples in enumerate(record.ulps)),
        coverage=_coverage(record),
        claim=_claim(record.claim),
        certificate=record.certificate,
        untested=record.untested,
        oracles=tuple((name, f"{count:,}") for name, count in record.oracles.items()),
        environment=tuple(environment.items()),
        formula=record.claim.get("formula", ""),
        family=record.claim.get("family", ""),
        codes=tuple(dict.fromkeys(finding.code for finding in findings)),
        right=record.counts.get("right", 0),
        inconclusive=record.counts.get("inconclusive", 0),
        seconds=f"{record.seconds:.2f}",
        seed=record.seed,
        repro=f"gradcheck run {record.claim.get('load', record.subject)} --operators {record.operator}"
        f" --seed {header.seed} --profile {header.profile}",
        graph=_graph(record.graph) if record.graph and record.graph.nodes else None,
        entry=thread.entry(record.correction, record.subject, file) if record.correction else None,
    )


def _graph(graph: Dataflow) -> Picture:
    numbers, counts, total = graphs.nearest(graph), graphs.readers(graph), len(graph.nodes)
    listed = list(enumerate(graph.nodes))[-_NODES:]
    rows = tuple(
        (
            str(number),
            text.clean(node.operation),
            ", ".join(map(repr, node.left)) or "-",
            repr(node.value),
            repr(node.adjoint),
            ", ".join(map(str, node.inputs)) or "-",
            str(counts[number]),
        )
        for number, node in listed
    )
    parts = []
    if len(numbers) < total:
        parts.append(f"{len(numbers)} of {total} nodes drawn: those nearest to the output")
    if len(listed) < total:
        parts.append(f"the last {len(listed)} in the table")
    return Picture(
        name="dataflow",
        title="Values and adjoints on the nodes",
        about=f"{total} nodes; {graph.about}." if graph.about else f"{total} nodes.",
        reading=(
            "From the inputs, dashed, to the output. The right half of a node is its value o, the left half the "
            "derivative of o by what came in: one number for a unit, one partial per wire for a product. The coloured number below "
            "is the adjoint, the derivative of the output by o: what comes back along each wire out, added up. A node with "
            "a heavy frame is read more than once, so that its adjoint is such a sum. Numbers of the program are not nodes."
        ),
        svg=graphs.draw(graph, numbers, "dataflow"),
        numbers=Table(
            head=("node", "computes", "left: partials", "right: o", "adjoint", "reads", "read by"), body=rows
        ),
        label="; ".join(parts),
    )


def _row(finding: Finding) -> Row:
    ulps = text.ulps(finding)
    return Row(
        code=finding.code,
        severity=finding.severity.value,
        place=text.place(finding),
        got=text.number(finding.got),
        expected=text.number(finding.expected),
        bound=text.short(finding.bound),
        ulps=text.short(ulps) if ulps is not None else "-",
        message=finding.message,
        cause="" if finding.cause == "unexplained" else finding.cause,
        entries=f"{finding.wrong_entries} of {finding.entries}" if finding.wrong_entries else "-",
        evidence=finding.evidence,
        where=finding.where,
    )


def _case(record: Record, finding: Finding) -> Case:
    point = finding.point
    assert point is not None
    groups: list[tuple[str, tuple[Array, ...]]] = [("input", point.inputs), ("cotangent", point.cotangents)]
    arrays = [
        Named(
            label=name if len(group) == 1 else f"{name} {number}",
            kind=f"{values.dtype.name} {'x'.join(map(str, values.shape)) or 'scalar'}",
            text=text.array(values),
            abridged=values.size > text.SHOWN_IN_FULL,
        )
        for name, group in groups
        for number, values in enumerate(group)
    ]
    return Case(
        finding=_row(finding),
        origin=point.origin,
        arrays=tuple(arrays),
        parameters=text.parameters(finding.kwargs),
        snippet=snippet(record, finding),
    )


def _v_curve(curve: Curve) -> Picture:
    columns = (curve.steps, curve.errors, curve.truncation, curve.rounding)
    rows = tuple(tuple(f"{float(value):.3e}" for value in row) for row in zip(*columns, strict=True))
    return Picture(
        name="vcurve",
        title=f"Error of a central difference against its step, {curve.entry}",
        about=f"Logarithmic axes; {len(rows)} steps from {_range(curve.steps)}; the chosen step is {curve.chosen:.2e}.",
        reading=(
            "To the right the truncation of the difference, which falls with the square of the step; to the left "
            "rounding, which rises as the step shrinks. Their crossing is the best that a single difference can do, "
            "so an error of the gradient smaller than that is found by extrapolation or by another oracle."
        ),
        svg=pictures.v_curve(curve, "vcurve"),
        numbers=Table(head=("step", "measured error", "truncation", "rounding"), body=rows),
    )


def _scatter(samples: UlpSamples, name: str) -> Picture:
    x, errors, bounds = (np.asarray(a, np.float64).ravel() for a in (samples.inputs, samples.errors, samples.bounds))
    order = np.argsort(-np.where(np.isnan(errors), np.inf, errors), kind="stable")[:_WORST]
    resolved = errors[errors > bounds]
    if resolved.size:
        found = f"the largest error found is {float(resolved.max()):.4g} ulp"
        label = f"largest {float(resolved.max()):.4g} ulp, searched: lower bound"
    else:
        found = "no error was found that exceeds the bound of the truth"
        label = "none resolved, searched: lower bound"
    rows = tuple(
        (repr(float(x[k])), float(x[k]).hex(), f"{float(errors[k]):.4g}", f"{float(bounds[k]):.2g}") for k in order
    )
    shown = pictures.thinned(samples)[0].size
    return Picture(
        name=name,
        title=f"Error in ulp against the input, {samples.dtype}",
        about=f"{x.size} samples from {_range(x)}, {shown} drawn; {found}.",
        reading=(
            "Each mark is one entry of the gradient. Half an ulp is what rounding the exact value costs; "
            "a few ulp are usual. Errors that grow towards one place show where a formula loses digits. "
            "Crosses lie below the bound of the truth itself: there the error is not resolved."
        ),
        svg=pictures.ulp_scatter(samples, name),
        numbers=Table(head=("input", "input, exact", "error (ulp)", "bound of the truth (ulp)"), body=rows),
        label=label,
    )


def _range(values: Array) -> str:
    finite = np.asarray(values, np.float64)[np.isfinite(np.asarray(values, np.float64))]
    return f"{float(finite.min()):.3g} to {float(finite.max()):.3g}" if finite.size else "none finite"


def _coverage(record: Record) -> Table:
    body = tuple(
        (row.parameters or "none", row.shapes, row.dtype, *(f"{row.counts.get(key, 0):,}" for key in COUNTS))
        for row in record.coverage
    )
    return Table(head=("parameters", "shapes", "type", *COUNTS), body=body)


def _claim(claim: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    known = [(title, claim[key]) for key, title in _CLAIM.items() if claim.get(key)]
    return (
        *known,
        *((key, value) for key, value in claim.items() if key not in (*_CLAIM, "load", "exhibit") and value),
    )
