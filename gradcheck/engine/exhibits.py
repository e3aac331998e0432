"""Check what is a subject's own and in no catalogue: a network, or a formula beside the wrong one that was printed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.engine.check import check
from gradcheck.engine.containment import Expired, contained, limited
from gradcheck.engine.jacobian import jacobian_of
from gradcheck.engine.pictures import curve_of, ulps_of
from gradcheck.engine.verify import place_of, stop_finding, with_stop
from gradcheck.errors import UsageError
from gradcheck.records import Correction, Finding, Record, Severity, Status, Verdict
from gradcheck.subjects.callables import CAUGHT, arrange, describe_failure
from gradcheck.subjects.protocol import Exhibit, Implementation, Subject, exhibits_of


def check_exhibit(
    subject: Subject, name: str, *, profile: str = "default", seed: int = 0, limit: float | None = None
) -> Record:
    """The record of one exhibit.  Where a formula is EXPECTED to be refuted, passing means that it was.

    ``limit``: seconds after which it is stopped and inconclusive.  Raises ``UsageError`` for a name that is not there.
    """
    known = exhibits_of(subject)
    if name not in known:
        raise UsageError(f"{subject.name} has no exhibit {name!r}; it has {', '.join(known) or 'none'}")
    exhibit = known[name]()
    begun = time.perf_counter()
    try:
        with contained(), limited(limit):
            record = _checked(exhibit, profile, seed)
    except Expired as error:
        undecided = exhibit.correction and replace(
            exhibit.correction, printed_verdict=str(Verdict.STOPPED), right_verdict=str(Verdict.STOPPED)
        )
        nothing = Record(
            operator=name, subject="", verdict=Verdict.STOPPED, status=Status.INCONCLUSIVE, correction=undecided
        )
        record = with_stop(nothing, stop_finding(limit or 0.0, place_of(error)))
    return replace(
        record,
        operator=name,
        subject=subject.name,
        claim={**exhibit.words, "exhibit": name},
        graph=exhibit.graph,
        untested=(*record.untested, *(("types other than those of the inputs",) if exhibit.inputs else ())),
        seed=seed,
        seconds=time.perf_counter() - begun,
    )


def _checked(exhibit: Exhibit, profile: str, seed: int) -> Record:
    def examined(forward: Callable[..., Any], vjp: Callable[..., Any], **more: Any) -> Record:
        options: Any = {"wrt": exhibit.wrt, "domain": exhibit.domain, "profile": profile, "seed": seed}
        return check(forward, vjp, exhibit.inputs, **options, **more).record

    if exhibit.correction is None:
        assert exhibit.forward is not None and exhibit.vjp is not None
        return _illustrated(examined(exhibit.forward, exhibit.vjp), exhibit, seed)
    if exhibit.holds is not None:
        printed, right = (holds() for holds in exhibit.holds)
        said = {True: "It holds.", False: "It does not hold."}
        found = replace(
            exhibit.correction,
            refuted=not printed,
            accepted=right,
            printed_verdict=said[printed],
            right_verdict=said[right],
        )
        return corrected(Record(operator="", subject="", verdict=Verdict.RIGHT, status=Status.PASS), found)
    assert exhibit.forward is not None and exhibit.vjp is not None and exhibit.printed is not None
    wrong = examined(*exhibit.printed, **({} if exhibit.intent is None else {"intent": exhibit.intent}))
    mended = examined(exhibit.forward, exhibit.vjp)
    found = replace(
        exhibit.correction,
        refuted=wrong.verdict is Verdict.WRONG,
        accepted=mended.status is Status.PASS,
        printed_verdict=str(wrong.verdict),
        right_verdict=str(mended.verdict),
        counterexample=next((f for f in wrong.findings if f.severity is Severity.WRONG), None),
    )
    return corrected(mended, found)


def _illustrated(record: Record, exhibit: Exhibit, seed: int) -> Record:
    """The record with its pictures, at the smallest counterexample if there is one; what cannot be drawn is said."""
    assert exhibit.forward is not None and exhibit.vjp is not None
    implementation = Implementation(forward=exhibit.forward, vjp=exhibit.vjp)
    call = arrange(implementation, exhibit.inputs, wrt=exhibit.wrt, domain=exhibit.domain)
    points = [f.point for f in record.findings if f.severity.fails and f.point is not None and f.point.inputs]
    leaves, origin = (points[0].inputs, points[0].origin) if points else (call.leaves, "the given point")
    rng = np.random.default_rng(seed)
    try:
        return replace(
            record,
            curve=curve_of(call, exhibit.forward),
            ulps=ulps_of(call, exhibit.forward, rng),
            jacobian=jacobian_of(call, exhibit.forward, leaves, origin, rng, failing=bool(points)),
        )
    except CAUGHT as error:
        said = f"pictures: {describe_failure(error).kind} was raised while they were made"
        return replace(record, untested=(*record.untested, said))


def corrected(mended: Record, found: Correction) -> Record:
    """The record of both forms: that of the mended one, which passes only if the printed one is refuted as well.

    GC131: the printed formula is not refuted, or the relation of the two is not as stated.
    """
    if found.as_expected:
        return replace(mended, correction=found, verdict=Verdict.REFUTED, status=Status.PASS)
    unexpected = []
    if not found.refuted:
        unexpected.append(_unexpected(f"the formula as printed is expected to be refuted: {found.printed_verdict}"))
    if not found.accepted:
        unexpected.append(_unexpected(f"the formula as it should be is not accepted: {found.right_verdict}"))
    if found.unexplained not in (None, 0):
        unexpected.append(
            _unexpected(f"the relation stated leaves {found.unexplained:.3g} unexplained, in {found.arithmetic}")
        )
    return replace(
        mended,
        correction=found,
        verdict=Verdict.UNREFUTED,
        status=Status.FAIL,
        findings=(*unexpected, *mended.findings),
    )


def _unexpected(message: str) -> Finding:
    return Finding(code="GC131", severity=Severity.WRONG, argument="*", message=message)
