"""From judgements to findings: one per argument and kind of trouble, at the smallest counterexample known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gradcheck.engine.judge import Judgement
from gradcheck.engine.look import Look
from gradcheck.engine.probes import Probe
from gradcheck.flat import Layout, pack
from gradcheck.oracles.ball import METHOD
from gradcheck.records import Array, Finding, Local, Number, Point, Severity
from gradcheck.subjects.callables import Call

SETTLED = (Judgement.RIGHT, Judgement.INACCURATE, Judgement.WRONG, Judgement.CONVENTION)

KINDS = {
    Judgement.WRONG: ("GC101", Severity.WRONG, "is not the derivative"),
    Judgement.CONFLICT: ("GC107", Severity.CONFLICT, "cannot be judged: two oracles exclude each other"),
    Judgement.INACCURATE: ("GC103", Severity.INACCURATE, "loses digits that rounding alone would keep"),
    Judgement.CONVENTION: (
        "GC108",
        Severity.CONVENTION,
        "is a convention at a kink: one fixed choice per tied primitive, though no generalised derivative of the whole",
    ),
    Judgement.INCONCLUSIVE: ("GC105", Severity.INCONCLUSIVE, "could not be decided: no oracle's bound is small enough"),
    Judgement.OUTSIDE: (
        "GC106",
        Severity.OUTSIDE,
        "has no derivative there (a jump, an infinite slope or an overflow)",
    ),
}


def of_look(call: Call, look: Look) -> list[Finding]:
    """The findings of one look, at most one per leaf and kind."""
    where = call.implementation.where
    if look.observation.failure is not None:
        failure = look.observation.failure
        return [
            Finding(
                code="GC109",
                severity=Severity.CONTRACT,
                argument=", ".join(call.paths[k] for k in call.active),
                message=f"the vjp raised {failure.kind}: {failure.message} ({failure.where}), at {look.point.origin}",
                point=look.point,
                where=where,
            )
        ]
    out = []
    for leaf, k in enumerate(call.active):
        if look.observation.gradients and look.observation.gradients[leaf] is None:
            continue
        if look.judgement is not None:
            out += _whole(call, look, leaf, call.paths[k])
    for leaf, probe in look.probes:
        if look.observation.gradients[leaf] is None:
            continue
        out += [_entry(call, look, leaf, c, t, b, probe) for c, t, b in probe.wrong[:1]]
    return out


def _entry(call: Call, look: Look, leaf: int, coordinate: int, t: float, b: float, probe: Probe) -> Finding:
    _, index = look.layout.locate(coordinate)
    path = call.paths[call.active[leaf]]
    size = look.layout.sizes[leaf]
    finite = bool(np.isfinite(look.answer[coordinate]))
    words = "is not the derivative" if finite else "is not finite, and the derivative is"
    return Finding(
        code="GC101" if finite else "GC102",
        severity=Severity.WRONG,
        argument=path,
        index=index,
        got=float(look.answer[coordinate]),
        expected=t,
        bound=b,
        point=look.point,
        message=f"the gradient of {path} {words} ({look.point.origin}; found by random-sign probes and bisection)",
        wrong_entries=len(probe.wrong),
        entries=size,
        where=call.implementation.where,
        evidence=probe.method if probe.method.startswith(METHOD) else "directional differences along random signs",
    )


def _whole(call: Call, look: Look, leaf: int, path: str) -> list[Finding]:
    assert look.judgement is not None and look.truth is not None
    rows = look.rows_of(leaf)
    out = []
    for judgement, (code, severity, words) in KINDS.items():
        bad = rows[look.judgement[rows] == judgement]
        if not bad.size:
            continue
        error = np.abs(look.answer[bad] - look.truth.value[bad])
        row = int(bad[np.argmax(np.where(np.isfinite(error), error, np.inf))])
        got, expected, index = _numbers(look, row)
        if judgement is Judgement.WRONG and not np.isfinite(got):
            code, words = "GC102", "is not finite, and the derivative is"
            if look.truth.kind[row] == Local.KINK:
                words = "is not finite, and the gradients beside this kink are"
        out.append(
            Finding(
                code=code,
                severity=severity,
                argument=path,
                index=index,
                got=got,
                expected=expected,
                bound=float(look.truth.bound[row]),
                point=look.point,
                message=f"the gradient of {path} {words} ({look.point.origin})",
                wrong_entries=int(bad.size) if judgement is Judgement.WRONG else 0,
                entries=int(rows.size),
                where=call.implementation.where,
                evidence=look.truth.method,
            )
        )
    return out


def _numbers(look: Look, row: int) -> tuple[Number, Number, tuple[int, ...]]:
    assert look.basis is not None and look.truth is not None
    coordinate = int(np.argmax(np.abs(look.basis[row])))
    _, index = look.layout.locate(coordinate)
    return float(look.answer[row]), float(look.truth.value[row]), index


def merge(findings: list[Finding]) -> list[Finding]:
    """One finding per (code, severity, argument), worst first; the counts say at how many points it was seen.

    The given point's own finding is kept where there is one.
    """
    kept: dict[tuple[str, str, str], Finding] = {}
    seen: dict[tuple[str, str, str], int] = {}
    for f in findings:
        key = (f.code, f.severity.value, f.argument)
        kept.setdefault(key, f)
        seen[key] = seen.get(key, 0) + 1
    order = list(Severity)
    out = [
        replace(f, evidence="; ".join(filter(None, (f.evidence, f"seen at {seen[k]} point(s)"))))
        for k, f in kept.items()
    ]
    return sorted(out, key=lambda f: order.index(f.severity))


def smaller(
    call: Call,
    finding: Finding,
    layout: Layout,
    again: Callable[[Point, bool], list[Finding]],
    shrink: Callable[..., object],
    seed: int,
    examples: int,
) -> Finding:
    """The same finding at the smallest inputs at which it is still found; itself where nothing smaller is."""
    point = finding.point
    if point is None or finding.severity is not Severity.WRONG or examples == 0:
        return finding
    spans = layout.spans()

    def at(vector: np.ndarray) -> Point:
        parts = [vector[s] for s in spans]
        leaves = list(point.inputs)
        for k, part in zip(
            call.active, Layout(layout.shapes, layout.dtypes).unpack(np.concatenate(parts)), strict=True
        ):
            leaves[k] = part
        return replace(point, inputs=tuple(leaves), origin=f"shrunk from {point.origin}")

    def fails(vector: np.ndarray, brief: bool = True) -> Finding | None:
        found = again(at(vector), brief)
        same = [f for f in found if f.code == finding.code and f.argument == finding.argument]
        return same[0] if same else None

    start = pack([point.inputs[k] for k in call.active])
    best = shrink(start, lambda v: fails(v) is not None, seed=seed, max_examples=examples)
    found = fails(np.asarray(best), brief=False)
    return replace(found, evidence=finding.evidence) if found is not None else finding


def common_factor(
    call: Call, path: str, factor: float, answer: Array, known: Array, u: float, point: Point | None
) -> Finding:
    """The finding that all entries of one argument are off by one factor; ``answer`` and ``known`` are those entries."""
    return Finding(
        code="GC101",
        severity=Severity.WRONG,
        argument=path,
        message=f"the gradient of {path} is {factor:.4g} times the derivative in all of {answer.size} entries; rounding would scatter",
        got=float(answer[0]),
        expected=float(known[0]),
        bound=4 * u * abs(float(known[0])),
        point=point,
        wrong_entries=answer.size,
        entries=answer.size,
        where=call.implementation.where,
    )


def certificate(call: Call, given: Look) -> str:
    """The smallest error of a single entry that would have been called wrong at the given point, per leaf."""
    parts = []
    if given.judgement is not None and given.truth is not None and given.slack is not None:
        seen = 2 * (
            given.truth.bound
            + given.slack
            + 8 * 2.0**-53 * np.where(np.isfinite(given.truth.scale), given.truth.scale, 0)
        )
        for leaf, k in enumerate(call.active):
            rows = given.rows_of(leaf)
            rows = rows[np.isin(given.judgement[rows], SETTLED)]
            if rows.size:
                parts.append(f"{call.paths[k]}: {float(np.max(seen[rows])):.2g}")
    parts += [f"{call.paths[call.active[leaf]]}: {p.seen:.2g}" for leaf, p in given.probes if p.decided]
    return (
        f"at the given point, would have caught any single-entry error of at least {', '.join(parts)}" if parts else ""
    )
