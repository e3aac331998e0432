"""A chart as an inline SVG element: the same data give the same bytes, and the page's style sheet gives the colours.

Written by hand and not by a plotting library: a page of pictures takes milliseconds, its text is set in the page's font,
and the bytes do not depend on the version of a library.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from markupsafe import escape

from gradcheck.records import Array
from gradcheck.report import text
from gradcheck.report.axes import Axis

WIDTH, HEIGHT = 720, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 66, 40, 48


@dataclass(slots=True)
class Chart:
    """Axes, and what has been drawn on them so far.  Every method that draws names the class of the style sheet."""

    x: Axis
    y: Axis
    name: str
    _parts: list[str] = field(default_factory=list)
    _legend: list[tuple[str, str, str]] = field(default_factory=list)

    def place(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Where points stand in the picture."""
        across = _LEFT + self.x.share(x) * (WIDTH - _LEFT - _RIGHT)
        down = HEIGHT - _BOTTOM - self.y.share(y) * (HEIGHT - _TOP - _BOTTOM)
        return across, down

    def line(self, x: Array, y: Array, kind: str, legend: str = "") -> None:
        """A line through the points, in their order."""
        points = [f"{a:.1f} {b:.1f}" for a, b in zip(*self.place(x, y), strict=True)]
        if points:
            self._parts.append(f'<path class="line {kind}" d="M{"L".join(points)}"/>')
            self._note("line", kind, legend)

    def dots(self, x: Array, y: Array, kind: str, legend: str = "") -> None:
        """A round mark at each point: one path, whose strokes have no length and round ends."""
        points = [f"M{a:.1f} {b:.1f}h0" for a, b in zip(*self.place(x, y), strict=True)]
        if points:
            self._parts.append(f'<path class="dots {kind}" d="{"".join(points)}"/>')
            self._note("dots", kind, legend)

    def crosses(self, x: Array, y: Array, kind: str, legend: str = "") -> None:
        """A small cross at each point."""
        points = [f"M{a - 2.5:.1f} {b - 2.5:.1f}l5 5m-5 0l5-5" for a, b in zip(*self.place(x, y), strict=True)]
        if points:
            self._parts.append(f'<path class="crosses {kind}" d="{"".join(points)}"/>')
            self._note("crosses", kind, legend)

    def across(self, value: float, words: str) -> None:
        """A horizontal rule with its words at the right end."""
        _, (y,) = self.place(np.array([self.x.low]), np.array([value]))
        self._parts.append(f'<path class="mark" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
        self._parts.append(_words(WIDTH - _RIGHT + 5, y + 4, words))

    def down(self, value: float, words: str) -> None:
        """A vertical rule with its words at the top."""
        (x,), _ = self.place(np.array([value]), np.array([self.y.low]))
        self._parts.append(f'<path class="mark" d="M{x:.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>')
        self._parts.append(_words(x + 5, _TOP + 12, words))

    def bar(self, left: float, right: float, high: float, words: str) -> None:
        """A bar between shares of the horizontal axis, up to the value ``high``, with its words above."""
        x0, x1 = (_LEFT + share * (WIDTH - _LEFT - _RIGHT) for share in (left, right))
        _, (y,) = self.place(np.array([self.x.low]), np.array([high]))
        base = HEIGHT - _BOTTOM
        self._parts.append(
            f'<rect class="column" x="{x0:.1f}" y="{y:.1f}" width="{x1 - x0:.1f}" height="{base - y:.1f}"/>'
        )
        self._parts.append(_words((x0 + x1) / 2, y - 5, words, "middle"))

    def under(self, share: float, words: str) -> None:
        """A label under the horizontal axis."""
        self._parts.append(
            _words(_LEFT + share * (WIDTH - _LEFT - _RIGHT), HEIGHT - _BOTTOM + 17, words, "middle", "tick")
        )

    def _note(self, shape: str, kind: str, legend: str) -> None:
        if legend:
            self._legend.append((shape, kind, legend))

    def svg(self, *, ticks: bool = True) -> str:
        """The whole picture; ``ticks`` of the horizontal axis may be left to ``under``."""
        label = f'aria-labelledby="{self.name}-title" aria-describedby="{self.name}-about"'
        start = f'<svg role="img" class="chart" {label} viewBox="0 0 {WIDTH} {HEIGHT}">'
        return "\n".join([start, *self._frame(ticks), *self._parts, *self._key(), "</svg>"])

    def _frame(self, ticks: bool) -> list[str]:
        right, base = WIDTH - _RIGHT, HEIGHT - _BOTTOM
        parts, grid = [], []
        if ticks:
            places, _ = self.place(np.array(self.x.ticks), np.full(len(self.x.ticks), self.y.low))
            for value, x in zip(self.x.ticks, places, strict=True):
                grid.append(f"M{x:.1f} {_TOP}V{base}")
                parts.append(_words(x, base + 17, f"{value:g}", "middle", "tick"))
        _, places = self.place(np.full(len(self.y.ticks), self.x.low), np.array(self.y.ticks))
        for value, y in zip(self.y.ticks, places, strict=True):
            grid.append(f"M{_LEFT} {y:.1f}H{right}")
            parts.append(_words(_LEFT - 8, y + 4, f"{value:g}", "end", "tick"))
        frame = f'<path class="grid" d="{"".join(grid)}"/><path class="axis" d="M{_LEFT} {_TOP}V{base}H{right}"/>'
        across = _words((_LEFT + right) / 2, HEIGHT - 10, self.x.label, "middle")
        middle = (_TOP + base) / 2
        down = _words(0, 0, self.y.label, "middle", turned=f"translate(16 {middle:g}) rotate(-90)")
        return [frame, *parts, across, down]

    def _key(self) -> list[str]:
        """What the lines and marks mean, side by side above the picture."""
        parts, x = [], float(_LEFT)
        for shape, kind, words in self._legend:
            d = {
                "line": f"M{x:g} 18h26",
                "dots": f"M{x + 20:g} 18h0",
                "crosses": f"M{x + 17.5:g} 15.5l5 5m-5 0l5-5",
            }[shape]
            parts.append(f'<path class="{shape} {kind}" d="{d}"/>')
            parts.append(_words(x + 32, 22, words))
            x += 52 + 6.6 * len(words)  # the mean width of a letter at this size, and a gap
        return parts


def _words(x: float, y: float, words: str, anchor: str = "start", kind: str = "", turned: str = "") -> str:
    where = f'transform="{turned}"' if turned else f'x="{x:.1f}" y="{y:.1f}"'
    named = f' class="{kind}"' if kind else ""
    anchored = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f"<text {where}{named}{anchored}>{escape(text.clean(words))}</text>"
