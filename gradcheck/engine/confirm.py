"""A wrong finding about a catalogue operator, computed once more by another library: at 50 digits, from values alone.

The finding says that the answer is not the derivative of the definition.  Here mpmath says what that derivative is.  Where it takes the
side of the answer, two computations exclude each other, and the finding becomes a conflict: nobody's gradient is called wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.engine.definition import wide
from gradcheck.engine.merging import numbers
from gradcheck.flat import largest, roundoff
from gradcheck.oracles import high_precision
from gradcheck.records import Array, Confirmation, Finding, Record, Severity, Verdict
from gradcheck.subjects.callables import CAUGHT, Call

ENTRIES = ("GC101", "GC102", "GC110")
"""Findings about an entry of the answer to one call."""

OPERATIONS = 50_000
"""Operations on single numbers up to which a definition is traced: half a second in mpmath."""


def with_confirmations(
    record: Record, call: Call, definition: Callable[..., Any], seed: int, known: dict[tuple[str, str], int]
) -> Record:
    """The record, each of its wrong findings with what mpmath says of it.

    Of several examples the smallest counterexample is kept: ``known`` has the size of the smallest that was refuted, by code and
    argument, and one that is no smaller is not computed.
    """
    found = []
    for finding in record.findings:
        key, size = (finding.code, finding.argument), numbers(finding)
        if key not in known or size < known[key]:
            finding = confirmed(finding, call, definition, seed)
            if finding.confirmation is not None and finding.confirmation.refutes:
                known[key] = size
        found.append(finding)
    severities = {finding.severity for finding in found}
    verdict = record.verdict
    if verdict is Verdict.WRONG and Severity.WRONG not in severities and Severity.CONFLICT in severities:
        verdict = Verdict.CONFLICT
    return replace(record, findings=tuple(found), verdict=verdict)


def confirmed(finding: Finding, call: Call, definition: Callable[..., Any], seed: int) -> Finding:
    """The finding with its confirmation, a conflict if that contradicts it; itself where there is nothing to confirm."""
    if finding.severity is not Severity.WRONG or finding.point is None or finding.got is None:
        return finding
    try:
        with np.errstate(all="ignore"):
            if finding.code == "GC120":
                made = _of_value(finding, call, definition)
            elif finding.code in ENTRIES:
                made = _of_entry(finding, call, definition, np.random.default_rng(seed))
            else:
                return finding
    except CAUGHT as error:
        made = _none(f"{type(error).__name__}: {error}")
    made = replace(made, method=made.method[:300])
    if made.values and not made.refutes and finding.code in ("GC101", "GC102"):
        return replace(
            finding,
            code="GC107",
            severity=Severity.CONFLICT,
            message=f"{finding.message}; but another library takes the side of the answer",
            confirmation=made,
        )
    return replace(finding, confirmation=made)


def _none(reason: str) -> Confirmation:
    return Confirmation(method=f"not confirmed: {reason}")


def _of_value(finding: Finding, call: Call, definition: Callable[..., Any]) -> Confirmation:
    assert finding.point is not None
    if finding.index is None:
        return _none("the shapes differ")
    leaves = _copies(finding.point.inputs)
    outputs = call.forward(list(map(wide, _copies(leaves))), definition)
    found = high_precision.value(
        definition, call.build(leaves), outputs, finding.index[0], kwargs=call.kwargs, limit=OPERATIONS
    )
    return _none(found) if isinstance(found, str) else _confirmation(found, finding, finding.got, np.dtype(np.float64))


def _of_entry(finding: Finding, call: Call, definition: Callable[..., Any], rng: np.random.Generator) -> Confirmation:
    point = finding.point
    assert point is not None
    if finding.argument not in call.paths or not call.plain:
        return _none("it is not about an entry of one argument")
    leaf = call.paths.index(finding.argument)
    index = finding.index if finding.index is not None else (0,) * np.ndim(point.inputs[leaf])
    value = call.implementation.forward(*call.build(_copies(point.inputs)), **call.kwargs)
    single = not isinstance(value, (tuple, list))
    seen = call.vjp(tuple(map(np.array, point.cotangents)), _copies(point.inputs), single)
    if seen.failure is not None or len(seen.gradients) != len(call.active):
        return _none("the vjp answers otherwise when it is asked once more")
    every = [None if g is None else np.asarray(g, np.float64) for g in seen.gradients]
    mine = every[call.active.index(leaf)]
    if mine is None or not np.array_equal(mine[index], float(np.real(finding.got or 0.0)), equal_nan=True):
        return _none("the finding is about a direction, or the vjp answers otherwise when it is asked once more")
    found = high_precision.derivative(
        definition,
        call.build(_copies(point.inputs)),
        call.active,
        point.cotangents,
        call.forward(list(map(wide, _copies(point.inputs))), definition),
        (leaf, index),
        kwargs=call.kwargs,
        limit=OPERATIONS,
        rng=rng,
    )
    if isinstance(found, str):
        return _none(found)
    dtype = np.asarray(point.inputs[leaf]).dtype
    if found.gradients is None:
        if len(found.values) == 1:
            return _confirmation(found, finding, finding.got, dtype)
        return _between(found, float(mine[index]))
    if any(g is None for g in every):
        return _none("another argument has no gradient")
    answer = np.concatenate([np.ravel(g) for g in every if g is not None])
    return _beside(found, answer, dtype)


def _confirmation(found: high_precision.Exact, finding: Finding, got: Any, dtype: np.dtype[Any]) -> Confirmation:
    """At a smooth place: the finding stands if the number is nearer to what it expected than half of what the answer is off by."""
    import mpmath

    [number] = found.values
    with mpmath.workprec(high_precision.BITS):
        if np.isfinite(got):
            off = abs(mpmath.mpf(float(got)) - number)
            refutes = off > 0 and (finding.expected is None or abs(_real(finding.expected) - number) <= off / 2)
        else:
            refutes = abs(number) <= largest(dtype)
    return Confirmation(
        method=found.method, values=(high_precision.shown(number),), digits=found.digits, refutes=bool(refutes)
    )


def _between(found: high_precision.Exact, got: float) -> Confirmation:
    """At a kink that no comparison makes, where only the slopes along one entry are known: what lies between them may yet be wrong."""
    low, high = found.values
    if low <= got <= high:
        return _none("a kink that no comparison makes, and each entry lies between the slopes to either side")
    values = tuple(map(high_precision.shown, found.values))
    return Confirmation(method=found.method, values=values, digits=found.digits, refutes=True)


def _real(expected: Any) -> Any:
    import mpmath

    return mpmath.mpf(float(expected))


def _beside(found: high_precision.Exact, answer: Array, dtype: np.dtype[Any]) -> Confirmation:
    """Next to a kink: the finding stands if no weighting of the branches' gradients gives the answer."""
    assert found.gradients is not None
    values = tuple(map(high_precision.shown, found.values))
    gap = distance(found.gradients, answer)
    if np.isnan(gap):
        return _none("the weights of the branches are not found")
    size = float(np.max(np.abs(found.gradients), initial=0.0))
    # Beyond what a sum of so many terms may lose in that type, on either side.
    refutes = not gap <= 8 * roundoff(dtype) * answer.size * size
    method = f"{found.method} ({len(found.gradients)}); no weighting of them is nearer to the answer than {gap:.3g}"
    return Confirmation(method=method, values=values, digits=found.digits, refutes=refutes)


def distance(gradients: Array, answer: Array) -> float:
    """max_i |(w G - a)_i| at its least over weights w >= 0 that add up to 1.

    inf for an answer that is not finite; nan where the linear program is not solved.
    """
    if not np.all(np.isfinite(answer)):
        return float("inf")
    from scipy.optimize import linprog  # late: heavy

    scale = float(max(np.max(np.abs(gradients), initial=0.0), np.max(np.abs(answer), initial=0.0))) or 1.0
    count, n = gradients.shape
    rows = np.block([[gradients.T / scale, -np.ones((n, 1))], [-gradients.T / scale, -np.ones((n, 1))]])
    least = linprog(
        np.r_[np.zeros(count), 1.0],
        A_ub=rows,
        b_ub=np.r_[answer / scale, -answer / scale],
        A_eq=np.r_[np.ones(count), 0.0][None],
        b_eq=[1.0],
    )
    return float(least.fun or 0.0) * scale if least.success else float("nan")


def _copies(leaves: Any) -> list[Any]:
    return [np.array(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
