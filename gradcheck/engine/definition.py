"""A catalogue operator at one of its examples: arguments for it, and its definition against a forward."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck import fingerprints
from gradcheck.claim import FIXED, Domain, Example, Kind, Operator, Set
from gradcheck.flat import pack, roundoff
from gradcheck.records import Array, Finding, Point, Record, Severity, Status, Verdict
from gradcheck.subjects.callables import CAUGHT, Call


def fill(example: Example, domain: Domain, dtype: str, rng: np.random.Generator) -> tuple[tuple[Any, ...], Domain]:
    """Arrays for an example: shapes are filled with numbers of their set, arrays are passed as they are (and fixed)."""
    inputs: list[Any] = []
    sets: list[Set] = []
    for k, shape in enumerate(example.shapes):
        where = domain.of(k) if len(domain.sets) == 1 or k < len(domain.sets) else Set()
        if isinstance(shape, tuple):
            inputs.append(draw(where, shape, rng).astype(dtype))
            sets.append(where)
        else:
            value = np.array(shape)  # a copy: whoever writes into it must not write into the catalogue
            inputs.append(value)
            sets.append(where if value.dtype.kind == "f" and where.kind is not Kind.FIXED else FIXED)
    return tuple(inputs), Domain(tuple(sets), domain.gauge)


def draw(where: Set, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """An ordinary member of the set, away from its ends."""
    x = rng.normal(size=shape)
    if where.kind is Kind.POSITIVE_DEFINITE:
        return np.asarray(x @ np.swapaxes(x, -1, -2) + shape[-1] * np.eye(shape[-1]))
    if where.kind is Kind.SYMMETRIC:
        return np.asarray(x + np.swapaxes(x, -1, -2))
    if where.kind is Kind.SIMPLEX:
        p = np.exp(x)
        return np.asarray(p / p.sum(-1, keepdims=True))
    if np.isfinite(where.low) and np.isfinite(where.high):
        return np.asarray(where.low + (where.high - where.low) * rng.uniform(0.05, 0.95, size=shape))
    if np.isfinite(where.low):
        return np.asarray(where.low + np.abs(x) + 0.125)
    return np.asarray(where.high - np.abs(x) - 0.125 if np.isfinite(where.high) else x)


def forward_findings(call: Call, definition: Callable[..., Any]) -> list[Finding]:
    """Whether the forward gives the values of the catalogue's definition, to half of the digits of its type.

    Half of the digits: this asks whether it is the same function, not how well it is rounded.  In a narrow type a definition that cancels
    has other values than in double precision; a forward may have either.
    """
    made = _Claimed(call)
    try:
        with np.errstate(all="ignore"):
            expected = call.forward(made.leaves(), definition)
            double = call.forward([wide(v) for v in made.leaves()], definition)
            got = call.forward(made.leaves())
    except CAUGHT as error:
        return [made.finding(f"one of forward and definition raised {type(error).__name__}: {error}")]
    if [o.shape for o in got] != [o.shape for o in expected]:
        shapes = f"the forward gives shapes {[o.shape for o in got]}, the definition {[o.shape for o in expected]}"
        return [made.finding(shapes)]
    a, b = pack(got), pack(expected)
    u = max((roundoff(o.dtype) for o in got if o.dtype.kind in "fc" or o.dtype.name == "bfloat16"), default=0.0)
    near = np.zeros(b.shape, bool)
    for known in (b, pack(double)):
        near |= np.abs(a - known) <= np.sqrt(u) * np.max(np.abs(known), initial=0.0)
    bad = np.flatnonzero(~near)
    if not bad.size:
        return []
    j = int(bad[0])
    return [
        made.finding(
            "the forward is not the catalogue's operator: its values differ",
            index=(j,),
            got=float(a[j]),
            expected=float(b[j]),
            wrong_entries=int(bad.size),
            entries=int(a.size),
        )
    ]


def wide(leaf: Any) -> Any:
    """Floats of 32 bits or fewer as float64."""
    narrow = isinstance(leaf, np.ndarray) and (leaf.dtype.kind == "f" or leaf.dtype.name == "bfloat16")
    return leaf.astype(np.float64) if narrow else leaf


class _Claimed:
    """Makes findings about the forward of one call."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def leaves(self) -> list[Any]:
        """Copies, which nobody else can change."""
        return [np.array(v) if isinstance(v, np.ndarray) else v for v in self.call.leaves]

    def finding(self, message: str, **more: Any) -> Finding:
        """GC120: the forward is another function; ``index`` counts the packed outputs."""
        inputs = tuple(np.asarray(v) for v in self.leaves())
        return Finding(
            code="GC120",
            severity=Severity.WRONG,
            argument="forward",
            message=message,
            point=Point(inputs=inputs, cotangents=()),
            kwargs=dict(self.call.kwargs),
            **more,
        )


def with_findings(record: Record, more: list[Finding]) -> Record:
    """The record with further wrong findings, failed if there are any."""
    if not more:
        return record
    return replace(record, findings=(*more, *record.findings), status=Status.FAIL, verdict=Verdict.WRONG)


def words(operator: Operator) -> Mapping[str, str]:
    """The claim in words, for the page."""
    try:
        source = inspect.getsource(operator.definition)
    except (OSError, TypeError):
        source = ""
    return {
        "formula": operator.formula,
        "citation": operator.citation,
        "family": operator.family,
        "signature": operator.signature,
        "domain": operator.domain.describe(),
        "kinks": "; ".join(f"{k.where}: {k.accepts}" for k in operator.kinks),
        "definition": source,
        **fingerprints.words(definition=operator.definition),
    }
