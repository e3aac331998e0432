"""The word for a record's outcome, and its worst error: what the index, the pages and the difference of two runs share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradcheck.records import Record, Status, UlpSamples, Verdict


def failed(record: Record) -> bool:
    """Whether the record counts as a failure and not only as undecided."""
    return record.status is Status.FAIL or any(finding.severity.fails for finding in record.findings)


def status_of(record: Record) -> str:
    """The word of the badge: pass, fail, inconclusive, or absent where the subject does not have the operator."""
    if record.verdict is Verdict.UNSUPPORTED:
        return "absent"
    return "fail" if failed(record) else record.status.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The largest error that exceeds the bound of its own truth: a lower bound of the maximum over all inputs, as it was searched for.

    ``bits`` is the precision at which that error is certified, 0 where its truth is an estimate.
    """

    error: float
    bound: float
    input: float
    bits: int


def worst(samples: UlpSamples) -> Worst | None:
    """The worst resolved sample; None where no error exceeds the bound of the truth."""
    x, errors, bounds = (np.asarray(a, np.float64).ravel() for a in (samples.inputs, samples.errors, samples.bounds))
    resolved = np.flatnonzero(errors > bounds)
    if not resolved.size:
        return None
    k = int(resolved[np.argmax(errors[resolved])])
    bits = 0 if samples.bits is None else int(np.ravel(samples.bits)[k])
    return Worst(error=float(errors[k]), bound=float(bounds[k]), input=float(x[k]), bits=bits)
