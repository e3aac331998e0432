"""The charts of a page: error against step, Taylor remainder, error in ulp against the input, and how often each error occurs."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.records import Array, Curve, UlpSamples
from gradcheck.report import text
from gradcheck.report.axes import Axis, counted, logarithmic, signed
from gradcheck.report.chart import Chart

POINTS = 1500
"""More marks than this lie on top of each other at the width of a page, and cost a dozen bytes each."""


def v_curve(curve: Curve, name: str) -> str:
    """Error of a plain difference against the step, with the truncation and rounding that explain it; log-log."""
    lines = [_positive(curve.steps, y) for y in (curve.errors, curve.truncation, curve.rounding)]
    chart = Chart(
        logarithmic([x for x, _ in lines], "step h"), logarithmic([y for _, y in lines], "absolute error"), name
    )
    chart.line(*lines[1], "two dashed", "truncation")
    chart.line(*lines[2], "three dotted", "rounding")
    chart.line(*lines[0], "one", "measured error")
    chart.dots(*lines[0], "one small")
    if math.isfinite(curve.chosen) and curve.chosen > 0:
        chart.down(curve.chosen, "chosen")
    return chart.svg()


def taylor(steps: Array, remainders: Array, used: Array, slope: float | None, name: str) -> str:
    """The Taylor remainder against the step, log-log, with lines of slope 1 and 2 through the last of the steps that were fitted."""
    x, y = _positive(steps, remainders)
    fitted = np.isin(x, np.asarray(steps)[used])
    chart = Chart(logarithmic([x], "step h"), logarithmic([y], "remainder"), name)
    if slope is not None and fitted.any():
        end, top = float(x[fitted].max()), float(y[fitted][np.argmax(x[fitted])])
        for order, kind in ((1, "two dashed"), (2, "three dotted")):
            guide = top * (x / end) ** order
            seen = (guide >= chart.y.low) & (guide <= chart.y.high)
            chart.line(x[seen], guide[seen], kind, f"slope {order}")
    chart.crosses(x[~fitted], y[~fitted], "soft", "rounding or far away, not fitted")
    chart.dots(x[fitted], y[fitted], "one", "fitted")
    return chart.svg()


def ulp_scatter(samples: UlpSamples, name: str, limit: int = POINTS) -> str:
    """Error in ulp against the input entry; both axes are linear near zero and logarithmic beyond."""
    x, y, bound = thinned(samples, limit)
    chart = Chart(signed(x, f"input entry ({text.clip(samples.dtype, 40)})"), counted(y, "error in ulp"), name)
    resolved = y > bound
    chart.across(0.5, "0.5 ulp")
    chart.crosses(x[~resolved], y[~resolved], "two", "within the truth's own bound")
    chart.dots(x[resolved], y[resolved], "one", "resolved")
    return chart.svg()


def thinned(samples: UlpSamples, limit: int = POINTS) -> tuple[Array, Array, Array]:
    """The finite samples, at most ``limit`` of them: the worst of every stretch of the input axis is kept."""
    x, y, bound = (np.asarray(a, np.float64).ravel() for a in (samples.inputs, samples.errors, samples.bounds))
    finite = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[finite], kind="stable")
    x, y, bound = x[finite][order], y[finite][order], bound[finite][order]
    if x.size <= limit:
        return x, y, bound
    stretches = np.array_split(np.arange(x.size), limit // 2)
    keep = [k for part in stretches for k in {int(part[np.argmax(y[part])]), int(part[0])}]
    keep.sort()
    return x[keep], y[keep], bound[keep]


def bins(errors: Array) -> list[tuple[str, int]]:
    """How many errors there are up to 1/4, 1/2, 1, 2, 4 ... ulp: (what the bin holds, count), none empty at the top."""
    finite = np.asarray(errors, np.float64)[np.isfinite(errors)]
    edges, found = [0.25], [("up to 0.25", int(np.sum(finite <= 0.25)))]
    largest = min(float(np.max(finite, initial=0.0)), 1e300)
    # Ten bins fill the width of a page; beyond 64 ulp the order of magnitude is all that matters.
    while edges[-1] < largest and len(found) < 10:
        low, high = edges[-1], 2 * edges[-1]
        last = len(found) == 9
        inside = (finite > low) & (last | (finite <= high))
        found.append((f"over {low:g}" if last else f"to {high:g}", int(np.sum(inside))))
        edges.append(high)
    blank = int(np.size(errors) - finite.size)
    return found + ([("not finite", blank)] if blank else [])


def histogram(errors: Array, name: str) -> str:
    """How many samples have an error of up to so many ulp."""
    found = bins(errors)
    most = max(count for _, count in found)
    chart = Chart(
        Axis(kind="linear", low=0.0, high=1.0, label="error in ulp"),
        Axis(kind="linear", low=0.0, high=max(1.15 * most, 1.0), label="samples"),
        name,
    )
    for number, (words, count) in enumerate(found):
        left, right = (number + 0.12) / len(found), (number + 0.88) / len(found)
        chart.bar(left, right, float(count), str(count))
        chart.under((left + right) / 2, words)
    return chart.svg(ticks=False)


def _positive(x: Array, y: Array) -> tuple[Array, Array]:
    """The points that a logarithmic picture can show."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    shown = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    return x[shown], y[shown]
