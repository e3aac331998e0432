"""Pictures with their titles, what is to be seen in them, how to read them, and their numbers as tables."""

from __future__ import annotations

import numpy as np

from gradcheck.records import Array, Curve, Dataflow, Jacobian, UlpSamples
from gradcheck.report import graphs, matrices, pictures, taylor, text
from gradcheck.report.limits import Limits
from gradcheck.report.status import worst
from gradcheck.report.views import Picture, Table

_WORST = 12  # rows of the table under a scatter: the picture has the rest


def v_curve(curve: Curve) -> Picture:
    """Error of a central difference against its step."""
    columns = (curve.steps, curve.errors, curve.truncation, curve.rounding)
    rows = tuple(tuple(f"{float(value):.3e}" for value in row) for row in zip(*columns, strict=True))
    return Picture(
        name="vcurve",
        title=f"Error of a central difference against its step, {text.clean(text.clip(curve.entry, 80))}",
        about=f"Logarithmic axes; {len(rows)} steps from {_range(curve.steps)}; the chosen step is {curve.chosen:.2e}.",
        reading=(
            "To the right the truncation of the difference, which falls with the square of the step; to the left "
            "rounding, which rises as the step shrinks. Their crossing is the best that a single difference can do, "
            "so an error of the gradient smaller than that is found by extrapolation or by another oracle."
        ),
        svg=pictures.v_curve(curve, "vcurve"),
        numbers=Table(head=("step", "measured error", "truncation", "rounding"), body=rows),
    )


def remainder(curve: Curve) -> Picture | None:
    """The Taylor remainder of the subject's gradient; None for a record without one."""
    fit = taylor.slope(curve)
    if fit is None or curve.remainder_steps is None or curve.remainders is None or curve.remainder_noise is None:
        return None
    columns = zip(curve.remainder_steps, curve.remainders, curve.remainder_noise, fit.used, strict=True)
    rows = tuple(
        (f"{float(h):.3e}", f"{float(r):.3e}", f"{float(n):.3e}", "yes" if used else "no") for h, r, n, used in columns
    )
    if fit.value is None:
        found = "the remainder is rounding alone: exact model, the function is linear along this direction"
        label = "exact model"
    else:
        found = f"slope {fit.value:.3f} over the {int(fit.used.sum())} smallest steps above rounding"
        label = f"slope {fit.value:.2f} \N{PLUS-MINUS SIGN} {fit.spread:.2g}"
    return Picture(
        name="taylor",
        title="Taylor remainder of the gradient against the step",
        about=f"Logarithmic axes, along a direction that moves every entry; {found}.",
        reading=(
            "The function minus its value and its slope, as the gradient under test has it. With the derivative the remainder falls "
            "with the square of the step, slope 2; one wrong entry makes it fall with the step alone, slope 1. At a kink, or where "
            "the second derivative vanishes, other slopes are right. It is shown as evidence; the verdict does not rest on it."
        ),
        svg=pictures.taylor(curve.remainder_steps, curve.remainders, fit.used, fit.value, "taylor"),
        numbers=Table(head=("step", "remainder", "its rounding", "fitted"), body=rows),
        label=label,
    )


def ulps(samples: UlpSamples, number: int, limits: Limits) -> tuple[Picture, Picture]:
    """Error in ulp against the input, and how often each error occurs."""
    x, errors, bounds = (np.asarray(a, np.float64).ravel() for a in (samples.inputs, samples.errors, samples.bounds))
    bits = np.zeros(x.size, int) if samples.bits is None else np.asarray(samples.bits).ravel()
    dtype, name = text.clean(text.clip(samples.dtype, 80)), f"ulp{number}"
    order = np.argsort(-np.where(np.isnan(errors), np.inf, errors), kind="stable")[:_WORST]
    top = worst(samples)
    if top is not None:
        found = f"the largest error found is {top.error:.4g} ulp, at {top.input.hex()}"
        label = f"largest {top.error:.4g} ulp, searched: lower bound"
        label += f"; certified at its input to \N{PLUS-MINUS SIGN}{top.bound:.2g} ulp" if top.bits else ""
    else:
        found = "no error was found that exceeds the bound of the truth"
        label = "none resolved, searched: lower bound"
    rows = tuple(
        (
            repr(float(x[k])),
            float(x[k]).hex(),
            f"{float(errors[k]):.4g}",
            f"{float(bounds[k]):.2g}",
            f"certified, {int(bits[k])} bits" if bits[k] else "estimated",
        )
        for k in order
    )
    shown = pictures.thinned(samples, limits.marks)[0].size
    scatter = Picture(
        name=name,
        title=f"Error in ulp against the input, {dtype}",
        about=f"{x.size} samples from {_range(x)}, {shown} drawn; {found}. {truth_words(samples)}",
        reading=(
            "Each mark is one entry of the gradient. Half an ulp is what rounding the exact value costs; "
            "a few ulp are usual. Errors that grow towards one place show where a formula loses digits. "
            "Crosses lie within the bound of the truth itself: there the error is not resolved."
        ),
        svg=pictures.ulp_scatter(samples, name, limits.marks),
        numbers=Table(
            head=("input", "input, exact", "error (ulp)", "bound of the truth (ulp)", "truth"),
            body=rows,
            left_out=f"The {len(rows)} largest of {x.size}." if x.size > len(rows) else "",
        ),
        label=label,
    )
    counts = pictures.bins(errors)
    histogram = Picture(
        name=f"{name}-counts",
        title=f"How often each error occurs, {dtype}",
        about=f"{x.size} samples, each counted once, by the size of its error.",
        reading=(
            "Each bar counts the samples whose error is above that of the bar before it and at most what is written under it. "
            "A correctly rounded gradient has all of them at 0.5 ulp and below; a long tail to the right is lost digits."
        ),
        svg=pictures.histogram(errors, f"{name}-counts"),
        numbers=Table(head=("error in ulp", "samples"), body=tuple((words, str(count)) for words, count in counts)),
    )
    return scatter, histogram


def truth_words(samples: UlpSamples) -> str:
    """How the truth of the samples is known."""
    count = int(np.size(samples.errors))
    sure = 0 if samples.bits is None else int(np.count_nonzero(samples.bits))
    if not sure:
        method = text.clean(text.clip(samples.method, 120))
        return f"The truth is estimated{' by ' + method if method else ''}, with the bounds that the table shows."
    part = "each sample" if sure == count else f"{sure} of {count} samples"
    return f"The error at {part} is certified, to within the bound that the table shows."


def jacobian(found: Jacobian, limits: Limits) -> Picture:
    """Got, reference and error of every entry."""
    off = matrices.errors(found)
    m, n = off.shape
    wrong = int(np.count_nonzero(found.wrong))
    sure = int(np.count_nonzero(found.bits))
    order = sorted(np.ndindex(m, n), key=lambda index: not found.wrong[index])
    rows = tuple(
        (
            f"d {text.clean(text.clip(found.rows[j], 40))} / d {text.clean(text.clip(found.columns[i], 40))}",
            repr(float(found.got[j, i])),
            repr(float(found.expected[j, i])),
            text.short(float(found.bounds[j, i])),
            matrices.error_words(found, off, (j, i)),
            "wrong" if found.wrong[j, i] else "",
            f"certified, {int(found.bits[j, i])} bits" if found.bits[j, i] else "estimated",
        )
        for j, i in order[: limits.rows]
    )
    origin = f" The point: {text.clean(text.clip(found.origin, 120))}." if found.origin else ""
    return Picture(
        name="jacobian",
        title=f"The Jacobian, {m} by {n}, {text.clean(text.clip(found.dtype, 80))}",
        about=f"{wrong} of {m * n} entries wrong, {sure} references certified.{origin}",
        reading=(
            "A row is an output, a column an entry of the inputs; a row of the first grid is what the backward pass answers to a "
            "cotangent that is 1 there and 0 elsewhere. Entries that are judged wrong are hatched. The shade is the size of a "
            "value against the largest of the reference, in the last grid the number of digits that are lost. An error with a "
            "\N{PLUS-MINUS SIGN} is absolute: where the reference is 0 it has no last place."
        ),
        svg=matrices.panels(found, off, "jacobian"),
        numbers=Table(
            head=("entry", "got", "reference", "its bound", "error (ulp)", "judged", "reference is"),
            body=rows,
            left_out=f"The first {len(rows)} of {m * n}." if len(rows) < m * n else "",
        ),
        label="hatched: wrong" if wrong else "none wrong",
        wide=True,
    )


def graph(flow: Dataflow, limits: Limits) -> Picture:
    """The graph of a computation."""
    numbers, counts, total = graphs.nearest(flow, limits.drawn), graphs.readers(flow), len(flow.nodes)
    listed = list(enumerate(flow.nodes))[-limits.nodes :]
    rows = tuple(
        (
            str(number),
            text.clean(text.clip(node.operation, 80)),
            text.clip(", ".join(map(repr, node.left)) or "-", limits.words),
            repr(node.value),
            repr(node.adjoint),
            text.clip(", ".join(map(str, node.inputs)) or "-", limits.words),
            str(counts[number]),
        )
        for number, node in listed
    )
    parts = []
    if len(numbers) < total:
        parts.append(f"{len(numbers)} of {total} nodes drawn: those nearest to the output")
    if len(listed) < total:
        parts.append(f"the last {len(listed)} in the table")
    about = text.clean(text.clip(flow.about, limits.words))
    return Picture(
        name="dataflow",
        title="Values and adjoints on the nodes",
        about=f"{total} nodes; {about}." if about else f"{total} nodes.",
        reading=(
            "From the inputs, dashed, to the output. The right half of a node is its value o, the left half the "
            "derivative of o by what came in: one number for a unit, one partial per wire for a product. The coloured number below "
            "is the adjoint, the derivative of the output by o: what comes back along each wire out, added up. A node with "
            "a heavy frame is read more than once, so that its adjoint is such a sum: the number on each of its wires is what "
            "comes back along it. Numbers of the program are not nodes."
        ),
        svg=graphs.draw(flow, numbers, "dataflow"),
        numbers=Table(
            head=("node", "computes", "left: partials", "right: o", "adjoint", "reads", "read by"), body=rows
        ),
        label="; ".join(parts),
        wide=True,
    )


def _range(values: Array) -> str:
    finite = np.asarray(values, np.float64)[np.isfinite(np.asarray(values, np.float64))]
    return f"{float(finite.min()):.3g} to {float(finite.max()):.3g}" if finite.size else "none finite"
