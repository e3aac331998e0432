"""The Jacobian as three grids: what the vjp gave, the reference, and the error in ulp; wrong entries are hatched."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from markupsafe import escape

from gradcheck.records import Array, Jacobian
from gradcheck.report import text

_WIDE, _HIGH, _LEFT, _TOP = 60, 25, 62, 24


def errors(jacobian: Jacobian) -> Array:
    """|got - expected| in ulp of the reference, (m, n); nan where either is missing, inf where the answer is not finite."""
    out = np.full(jacobian.got.shape, np.nan)
    for index in np.ndindex(out.shape):
        got, expected = float(jacobian.got[index]), float(jacobian.expected[index])
        if math.isfinite(expected):
            out[index] = (
                text.in_ulps(abs(got - expected), abs(expected), jacobian.dtype) if math.isfinite(got) else np.inf
            )
    return out


def error_words(jacobian: Jacobian, off: Array, index: tuple[int, ...]) -> str:
    """The error of one entry: in ulp, or as it is where the reference is 0, whose ulp would be the smallest number there is."""
    if float(jacobian.expected[index]) == 0 and float(jacobian.got[index]) != 0:
        return f"\N{PLUS-MINUS SIGN}{abs(float(jacobian.got[index])):.2g}"
    return "-" if math.isnan(off[index]) else f"{off[index]:.3g}"


def panels(jacobian: Jacobian, off: Array, name: str) -> str:
    """The three grids, side by side."""
    largest = float(np.max(np.abs(jacobian.expected), initial=0.0, where=np.isfinite(jacobian.expected))) or 1.0

    def size(values: Array) -> Callable[[tuple[int, ...]], tuple[str, float]]:
        def shade(index: tuple[int, ...]) -> tuple[str, float]:
            value = float(values[index])
            share = min(1.0, abs(value) / largest) if math.isfinite(value) else 1.0
            return "below" if value < 0 else "above", share

        return shade

    def digits(index: tuple[int, ...]) -> tuple[str, float]:
        lost = math.log2(1 + off[index]) / 53 if math.isfinite(off[index]) else 1.0
        return "off", min(1.0, lost)

    got = [[_short(float(v)) for v in row] for row in jacobian.got]
    expected = [[_short(float(v)) for v in row] for row in jacobian.expected]
    wrong = [[error_words(jacobian, off, (j, i)) for i in range(off.shape[1])] for j in range(off.shape[0])]
    parts = [
        _panel(jacobian, f"{name}-got", "got", got, size(jacobian.got), hatched=True),
        _panel(jacobian, f"{name}-reference", "reference", expected, size(jacobian.expected), hatched=False),
        _panel(jacobian, f"{name}-error", "error in ulp", wrong, digits, hatched=True),
    ]
    return f'<div class="panels">{"".join(parts)}</div>'


def _panel(
    jacobian: Jacobian,
    name: str,
    title: str,
    words: list[list[str]],
    shade: Callable[[tuple[int, ...]], tuple[str, float]],
    *,
    hatched: bool,
) -> str:
    m, n = jacobian.got.shape
    width, height = _LEFT + n * _WIDE + 2, _TOP + m * _HIGH + 2
    cells = []
    for j in range(m):
        cells.append(_label(_LEFT - 6, _TOP + j * _HIGH + 16, jacobian.rows[j], "end"))
        for i in range(n):
            x, y = _LEFT + i * _WIDE, _TOP + j * _HIGH
            kind, share = shade((j, i))
            box = f'x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}"'
            cells.append(f'<rect class="cell {kind}" {box} fill-opacity="{0.42 * share:.2f}"/>')
            if hatched and jacobian.wrong[j, i]:
                cells.append(f'<rect class="hatch" {box} fill="url(#{name}-lines)"/>')
            cells.append(f'<text x="{x + _WIDE / 2:g}" y="{y + 16}" text-anchor="middle">{escape(words[j][i])}</text>')
    cells += [_label(_LEFT + (i + 0.5) * _WIDE, _TOP - 8, jacobian.columns[i], "middle") for i in range(n)]
    pattern = (
        f'<pattern id="{name}-lines" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path class="stroke" d="M0 0V6"/></pattern>'
    )
    return (
        f'<figure><figcaption id="{name}">{escape(title)}</figcaption>'
        f'<svg role="img" class="matrix" aria-labelledby="{name}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}"><defs>{pattern}</defs>{"".join(cells)}</svg></figure>'
    )


def _label(x: float, y: float, words: str, anchor: str) -> str:
    words = text.clean(words)
    words = words if len(words) <= 9 else f"{words[:3]}\N{HORIZONTAL ELLIPSIS}{words[-5:]}"  # the index is at the end
    return f'<text class="soft" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def _short(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}"
