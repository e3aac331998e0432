"""Pictures as inline SVG: the same data give the same bytes, and the page's style sheet gives the colours.

Colours are drawn as placeholders and then replaced by CSS variables, so one picture serves light and dark.
"""

from __future__ import annotations

import io
import re
from contextlib import AbstractContextManager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from gradcheck.records import Array, Curve, UlpSamples
from gradcheck.report import text

_COLOURS = {
    "#010203": "var(--ink-soft)",
    "#010204": "var(--rule)",
    "#010205": "var(--series-1)",
    "#010206": "var(--series-2)",
    "#010207": "var(--series-3)",
    "#010208": "var(--surface)",
}
_INK, _RULE, _ONE, _TWO, _THREE, _SURFACE = _COLOURS

_POINTS = 1500
"""More marks than this lie on top of each other at the width of a page, and cost 100 bytes each."""

_LARGEST = 1e200
"""Axes end here at the latest: ticks are sought up to 50 decades beyond, and 1.8e308 is the largest float."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: readable by a screen reader, set in the page's font
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.color": _INK,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _RULE,
    "legend.frameon": False,
    "path.simplify": False,
}


def v_curve(curve: Curve, name: str) -> str:
    """Error of a plain difference against the step, with the truncation and rounding that explain it; log-log."""
    with _style(name):
        figure, axes = _axes("step h", "absolute error")
        axes.set(xscale="log", yscale="log")
        lines = [_positive(curve.steps, y) for y in (curve.errors, curve.truncation, curve.rounding)]
        axes.set(xlim=_limits([x for x, _ in lines]), ylim=_limits([y for _, y in lines]))
        _plain_ticks(axes)
        axes.plot(*_positive(curve.steps, curve.truncation), "--", color=_TWO, lw=1.6, label="truncation")
        axes.plot(*_positive(curve.steps, curve.rounding), ":", color=_THREE, lw=2.0, label="rounding")
        axes.plot(*_positive(curve.steps, curve.errors), "o-", color=_ONE, ms=4, lw=1.4, label="measured error")
        if np.isfinite(curve.chosen) and curve.chosen > 0:
            axes.axvline(curve.chosen, color=_INK, lw=1, ls=(0, (2, 2)))
            axes.annotate(
                "chosen",
                (curve.chosen, 1),
                xycoords=("data", "axes fraction"),
                xytext=(5, -12),
                textcoords="offset points",
            )
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=3, handlelength=2.6)
        return _svg(figure, name)


def ulp_scatter(samples: UlpSamples, name: str) -> str:
    """Error in ulp against the input entry; both axes are linear near zero and logarithmic beyond."""
    x, y, bound = thinned(samples)
    with _style(name):
        figure, axes = _axes(f"input entry ({samples.dtype})", "error in ulp")
        # Limits come first: matplotlib's own margins overflow near the largest float.
        left, right = float(x.min(initial=-1)), float(x.max(initial=1))
        top = float(y.max(initial=1))
        if max(-left, right) > 100:  # on a linear axis everything near 0 would be one point
            axes.set_xscale("symlog", linthresh=1.0)
            axes.set_xticks(_decades(x))
        axes.set_yscale("symlog", linthresh=1.0)
        axes.set_yticks([0.0, *(10.0**power for power in _powers(top))])
        axes.set_xlim(max(1.2 * left, -_LARGEST), min(1.2 * right, _LARGEST))
        axes.set_ylim(0, min(2 * top, _LARGEST))
        resolved = y > bound
        axes.plot(x[~resolved], y[~resolved], "x", color=_TWO, ms=4, mew=1, label="below the truth's own bound")
        axes.plot(x[resolved], y[resolved], "o", color=_ONE, ms=4.6, mew=0, label="resolved")
        axes.axhline(0.5, color=_INK, lw=1, ls=(0, (2, 2)))
        _plain_ticks(axes)
        axes.annotate(
            "0.5 ulp", (1.005, 0.5), xycoords=("axes fraction", "data"), ha="left", va="center", annotation_clip=False
        )
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2, handletextpad=0.3)
        return _svg(figure, name)


def thinned(samples: UlpSamples) -> tuple[Array, Array, Array]:
    """The finite samples, at most ``_POINTS`` of them: the worst of every stretch of the input axis is kept."""
    x, y, bound = (np.asarray(a, np.float64).ravel() for a in (samples.inputs, samples.errors, samples.bounds))
    finite = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[finite], kind="stable")
    x, y, bound = x[finite][order], y[finite][order], bound[finite][order]
    if x.size <= _POINTS:
        return x, y, bound
    stretches = np.array_split(np.arange(x.size), _POINTS // 2)
    keep = [k for part in stretches for k in {int(part[np.argmax(y[part])]), int(part[0])}]
    keep.sort()
    return x[keep], y[keep], bound[keep]


def _style(name: str) -> AbstractContextManager[None]:
    """Our settings while a picture is made; ids in it are hashes salted with ``name``, not random."""
    settings: Any = {**_STYLE, "svg.hashsalt": name}  # the stubs list every key by name
    return matplotlib.rc_context(settings)


def _axes(horizontal: str, vertical: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.2, 3.5))
    figure.patch.set_alpha(0)
    axes = figure.add_axes((0.11, 0.15, 0.82, 0.73))  # fixed: measuring the text would take as long as drawing it
    axes.grid(True, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=6)
    axes.set_xlabel(text.clean(horizontal), parse_math=False)
    axes.set_ylabel(vertical)
    return figure, axes


def _plain_ticks(axes: Axes) -> None:
    """Ticks such as 1e-12, at powers of ten only: the usual raised exponents take half the time of a picture."""
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() != "linear":
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_locator(NullLocator())


def _positive(x: Array, y: Array) -> tuple[Array, Array]:
    """The points that a logarithmic picture can show."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    shown = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    return x[shown], y[shown]


def _limits(positive: list[Array]) -> tuple[float, float]:
    """Ends of a logarithmic axis: a factor of 3 beyond the data, where the scale does not overflow."""
    values = np.concatenate([*positive, [1.0]] if not any(a.size for a in positive) else positive)
    low, high = np.clip([values.min() / 3, values.max()], 1 / _LARGEST, _LARGEST / 3)
    return float(low), float(3 * high)


def _decades(x: Array) -> list[float]:
    """Ticks at 0 and about three powers of ten on either side that has data."""
    ticks = [0.0]
    for sign in (1.0, -1.0):
        side = sign * x[sign * x > 0]
        ticks += [sign * 10.0**power for power in _powers(float(np.max(side, initial=1.0))) if power]
    return sorted(ticks)


def _powers(top: float) -> range:
    """At most four exponents of powers of ten up to ``top`` (at least 1), evenly spaced."""
    last = int(np.floor(np.log10(top)))
    step = max(1, -(-last // 3))
    return range(0 if step == 1 else step, last + 1, step)


def _svg(figure: Figure, name: str) -> str:
    """The drawing as an SVG element without sizes, dates or colours of its own; every id begins with ``name``."""
    buffer = io.StringIO()
    metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    canvas: Any = FigureCanvasSVG(figure)  # its methods have no types
    canvas.print_svg(buffer, metadata=metadata)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1), count=1
    )
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    for placeholder, variable in _COLOURS.items():
        svg = svg.replace(placeholder, variable)
    svg = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    label = f'aria-labelledby="{name}-title" aria-describedby="{name}-about"'
    return svg.replace("<svg", f'<svg role="img" {label}', 1).strip()
