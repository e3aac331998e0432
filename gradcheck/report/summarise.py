"""From a record to the view of its page: everything the page shows, as frozen values that a template only has to lay out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gradcheck.claims_io import Found
from gradcheck.fingerprints import PREFIX
from gradcheck.records import ALONE, Array, Finding, Header, Point, Record, UlpSamples, finding_id
from gradcheck.report import coverage, figures, mathml, proved, text, thread
from gradcheck.report.difference import Pair
from gradcheck.report.endings import ENDED
from gradcheck.report.limits import FULL, LEAN, Limits
from gradcheck.report.snippet import snippet
from gradcheck.report.status import failed, status_of, worst
from gradcheck.report.views import Case, Named, Page, Picture, Row, Table

_CLAIM = {  # order and wording of the claim on the page
    "formula": "Formula",
    "signature": "Signature",
    "family": "Family",
    "citation": "Source",
    "domain": "Domain",
    "kinks": "Kinks",
    "definition": "Definition",
}

NOTHING = Found()
"""Nothing was proved."""

_PASTED = 40_000  # characters of a snippet that are still pasted; a larger counterexample is replayed from the records


def page(
    record: Record, header: Header, file: str, change: Pair | None = None, found: Found = NOTHING, limits: Limits = FULL
) -> Page:
    """The view of one record, with what was found that is proved of its operator."""

    def short(words: str) -> str:
        return text.clip(words, limits.words)

    findings = text.by_weight(record)
    pointed = next((finding for finding in findings if finding.point is not None or finding.code in ENDED), None)
    first = findings[0] if findings else None
    environment = {"run": header.run, "profile": header.profile, "seed": str(record.seed), "run seed": str(header.seed)}
    environment |= dict(header.environment) | dict(header.versions)
    rows = _rows(record, findings[: limits.findings], pointed, short)
    drawn = replace(record, jacobian=None, curve=None, ulps=(), graph=None) if not limits.pictures else record
    curves = (figures.v_curve(drawn.curve), figures.remainder(drawn.curve)) if drawn.curve else ()
    return Page(
        file=file,
        subject=short(record.subject),
        operator=short(record.operator),
        status=status_of(record),
        failed=failed(record),
        verdict=record.verdict.value,
        cause=short(first.cause) if first and first.severity.fails else "",
        change=change,
        case=_case(record, pointed, short) if pointed else None,
        findings=rows,
        unlisted=max(0, len(findings) - limits.findings),
        jacobian=figures.jacobian(drawn.jacobian, limits) if drawn.jacobian and drawn.jacobian.got.size else None,
        curves=tuple(curve for curve in curves if curve is not None),
        ulps=tuple(_accuracy(samples, number, limits) for number, samples in enumerate(drawn.ulps)),
        graph=figures.graph(drawn.graph, limits) if drawn.graph and drawn.graph.nodes else None,
        certified=certified(record),
        certificate=short(record.certificate),
        proved=proved.view(record, found, limits),
        tried=coverage.facts(record),
        coverage=coverage.by_class(record.coverage),
        combinations=coverage.combinations(record.coverage, limits),
        claim=_claim(record.claim, limits),
        untested=_listed([short(what) for what in record.untested], limits.items),
        oracles=tuple((short(name), f"{count:,}") for name, count in record.oracles.items()),
        environment=tuple((short(key), short(value)) for key, value in environment.items()),
        formula=mathml.formula(short(record.claim.get("formula", ""))),
        citation=short(record.claim.get("citation", "")),
        family=short(record.claim.get("family", "")),
        codes=tuple(dict.fromkeys(text.clip(finding.code, 40) for finding in findings)),
        right=record.counts.get("right", 0),
        inconclusive=record.counts.get("inconclusive", 0),
        seconds=f"{record.seconds:.2f}",
        seed=record.seed,
        repro=f"gradcheck run {short(record.claim.get('load', record.subject))} --operators {short(record.operator)}"
        f" --seed {header.seed} --profile {header.profile}",
        worst=tuple(_digits(record)),
        entry=thread.entry(record.correction, record.subject, file) if record.correction else None,
        lean=limits is LEAN,
    )


def _digits(record: Record) -> Iterator[tuple[str, str]]:
    for samples in record.ulps:
        top = worst(samples)
        exact = not np.any(samples.errors)
        yield text.clip(samples.dtype, 40), f"{top.error:.3g}" if top is not None else "0" if exact else "unresolved"


def _accuracy(samples: UlpSamples, number: int, limits: Limits) -> tuple[str, tuple[Picture, ...]]:
    made = figures.ulps(samples, number, limits)
    return f"{text.clean(text.clip(samples.dtype, 40))}: {made[0].label}", made


def _listed(items: Sequence[str], limit: int) -> tuple[str, ...]:
    """The first items, and how many more there are."""
    left = len(items) - limit
    return (*items[:limit], *((f"{left:,} more, in the records file",) if left > 0 else ()))


def certified(record: Record) -> Table:
    """What is enclosed by balls and what is only estimated: method, precision, radius and scope."""
    body: list[tuple[str, ...]] = []
    if record.jacobian is not None and record.jacobian.got.size:
        found = record.jacobian
        sure = np.asarray(found.bits) > 0
        body += _enclosure("the Jacobian, entry by entry", sure, found.bits, found.bounds, found.method, "at one point")
    for samples in record.ulps:
        count = int(np.size(samples.errors))
        bits = np.zeros(count, int) if samples.bits is None else np.asarray(samples.bits).ravel()
        radii = np.full(count, np.nan) if samples.radii is None else np.asarray(samples.radii).ravel()
        what = f"one entry of the gradient, {text.clip(samples.dtype, 40)}"
        body += _enclosure(what, bits > 0, bits, radii, samples.method, "at the inputs of the sweep")
    return Table(
        head=("truth of", "known by", "scope", "entries", "precision (bits)", "largest radius"), body=tuple(body)
    )


def _enclosure(
    what: str, sure: Array, bits: Array, radii: Array, method: str, scope: str
) -> Iterator[tuple[str, str, str, str, str, str]]:
    total = int(np.size(sure))
    for chosen, name in ((sure, "certified balls"), (~sure, text.clip(method, 120) or "an estimate")):
        count = int(np.count_nonzero(chosen))
        if not count:
            continue
        finite = np.asarray(radii, np.float64)[chosen & np.isfinite(radii)]
        radius = f"{float(finite.max()):.2g}" if finite.size else "-"
        certain = bool(np.all(sure[chosen]))
        precision = f"{int(np.max(np.asarray(bits)[chosen]))}" if certain else "53"
        yield (what, name, scope, f"{count} of {total}", precision, radius if certain else f"{radius}, estimated")


def _rows(
    record: Record, findings: Sequence[Finding], case: Finding | None, short: Callable[[str], str]
) -> tuple[Row, ...]:
    """The findings as rows.  The finding of the case has its anchor there, and one that equals an earlier one has none."""
    taken = {finding_id(record, case)} if case is not None else set()
    rows = []
    for finding in findings:
        name = finding_id(record, finding)
        rows.append(_row(finding, name, "" if name in taken else name, short))
        taken.add(name)
    return tuple(rows)


def _row(finding: Finding, name: str, anchor: str, short: Callable[[str], str]) -> Row:
    ulps = text.ulps(finding)
    return Row(
        name=name,
        anchor=anchor,
        code=text.clip(finding.code, 40),
        severity=finding.severity.value,
        place=text.clip(text.place(finding), 120),
        got=text.number(finding.got),
        expected=text.number(finding.expected),
        bound=text.short(finding.bound),
        ulps=text.short(ulps) if ulps is not None else "-",
        message=short(finding.message),
        cause="" if finding.cause == "unexplained" else short(finding.cause),
        entries=f"{finding.wrong_entries} of {finding.entries}" if finding.wrong_entries else "-",
        evidence=short(finding.evidence),
        where=short(finding.where),
        confirmation=short(text.confirmation(finding)),
    )


def _case(record: Record, finding: Finding, short: Callable[[str], str]) -> Case:
    point = finding.point or Point(
        inputs=(), cotangents=(), origin="No call is on record; the whole check is repeated."
    )
    groups: list[tuple[str, tuple[Array, ...]]] = [
        ("input", point.inputs),
        ("cotangent", point.cotangents),
        ("tangent", point.tangents or ()),
    ]
    arrays = [
        Named(
            label=name if len(group) == 1 else f"{name} {number}",
            kind=f"{values.dtype.name} {'x'.join(map(str, values.shape)) or 'scalar'}",
            text=text.clip(text.array(values), 4000),
            abridged=values.size > text.SHOWN_IN_FULL,
        )
        for name, group in groups
        for number, values in enumerate(group[:20])
    ]
    source = snippet(record, finding)
    if len(source) > _PASTED:
        source = (
            f"# The counterexample takes {len(source):,} characters: too many to paste.\n"
            "# The line above repeats it from the records file, bit for bit.\n"
        )
    name = finding_id(record, finding)
    return Case(
        finding=_row(finding, name, name, short),
        origin=short(point.origin),
        arrays=tuple(arrays),
        parameters=short(text.parameters(finding.kwargs)),
        snippet=source,
        replay=f"gradcheck replay {name}",
    )


def _claim(claim: Mapping[str, str], limits: Limits) -> tuple[tuple[str, str], ...]:
    known = [(title, text.clip(claim[key], limits.source)) for key, title in _CLAIM.items() if claim.get(key)]
    hidden = (*_CLAIM, "load", "exhibit", ALONE)
    others = [
        (key, value) for key, value in claim.items() if key not in hidden and not key.startswith(PREFIX) and value
    ]
    return (
        *known,
        *((text.clip(key, 60), text.clip(value, limits.words)) for key, value in others[: limits.items]),
    )
