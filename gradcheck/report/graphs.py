"""The graph of a computation as inline SVG: layers from left to right, each node with its two halves.

Layers are the longest path from the inputs, an input standing one layer before its first reader; within a layer the
nodes are ordered by the mean place of their neighbours, in a fixed number of sweeps (the barycentre heuristic of
K. Sugiyama, S. Tagawa and M. Toda, IEEE Transactions on Systems, Man, and Cybernetics 11 (1981) 109-125).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import escape

from gradcheck.records import Dataflow, Node
from gradcheck.report import text

DRAWN = 80
"""Nodes of a picture at most: with more, nobody follows an edge."""

_WIDTH, _HEIGHT, _ACROSS, _DOWN, _EDGE = 120, 70, 64, 18, 10
"""Of a box, the gaps between boxes, which hold what comes back along a wire, and the margin."""
_SWEEPS = 8  # further sweeps change nothing in graphs of this size


@dataclass(frozen=True, slots=True)
class Shown:
    """The nodes that are drawn, by number, and where: the corner of each box, and the size of the picture."""

    corners: Mapping[int, tuple[float, float]]
    width: float
    height: float


def nearest(graph: Dataflow, limit: int = DRAWN) -> list[int]:
    """The nodes nearest to the output, at most ``limit``, in their order."""
    found = {len(graph.nodes) - 1: None} if graph.nodes else {}
    waiting = deque(found)
    while waiting:
        for number in graph.nodes[waiting.popleft()].inputs:
            if number not in found and len(found) < limit:
                found[number] = None
                waiting.append(number)
    return sorted(found)


def readers(graph: Dataflow) -> list[int]:
    """How many times each node is read: with more than one reader its adjoint is a sum."""
    counts = [0] * len(graph.nodes)
    for node in graph.nodes:
        for number in node.inputs:
            counts[number] += 1
    return counts


def place(graph: Dataflow, numbers: Sequence[int]) -> Shown:
    """Where each of these nodes stands."""
    inside = set(numbers)
    inputs = {n: [j for j in graph.nodes[n].inputs if j in inside] for n in numbers}
    outputs: dict[int, list[int]] = {n: [] for n in numbers}
    layer: dict[int, int] = {}
    for n in numbers:  # a node reads only nodes before it
        layer[n] = 1 + max((layer[j] for j in inputs[n]), default=-1)
        for j in inputs[n]:
            outputs[j].append(n)
    for n in numbers:
        if not inputs[n] and outputs[n]:
            layer[n] = min(layer[k] for k in outputs[n]) - 1
    columns: list[list[int]] = [
        [n for n in numbers if layer[n] == k] for k in range(1 + max(layer.values(), default=-1))
    ]
    order = {n: float(row) for column in columns for row, n in enumerate(column)}
    for sweep in range(_SWEEPS):
        neighbours = inputs if sweep % 2 == 0 else outputs
        for column in columns if sweep % 2 == 0 else reversed(columns):
            means = {
                n: sum(order[j] for j in neighbours[n]) / len(neighbours[n]) if neighbours[n] else order[n]
                for n in column
            }
            column.sort(key=lambda n: (means[n], n))
            middle = (len(column) - 1) / 2
            order |= {n: row - middle for row, n in enumerate(column)}
    tallest = max(map(len, columns), default=0)
    corners = {}
    for k, column in enumerate(columns):
        top = (tallest - len(column)) * (_HEIGHT + _DOWN) / 2
        for row, n in enumerate(column):
            corners[n] = (_EDGE + k * (_WIDTH + _ACROSS), _EDGE + top + row * (_HEIGHT + _DOWN))
    width = 2 * _EDGE + len(columns) * (_WIDTH + _ACROSS) - _ACROSS
    return Shown(corners, width, 2 * _EDGE + tallest * (_HEIGHT + _DOWN) - _DOWN)


def draw(graph: Dataflow, numbers: Sequence[int], name: str) -> str:
    """The picture of these nodes as an SVG element; the page's style sheet has the colours."""
    shown = place(graph, numbers)
    counts = readers(graph)
    wires = [(j, n, slot) for n in numbers for slot, j in enumerate(graph.nodes[n].inputs) if j in shown.corners]
    edges = [_edge(*_ends(graph, shown, *wire)) for wire in wires]
    terms = [_term(_share(graph, *wire, counts), *_ends(graph, shown, *wire)) for wire in wires]
    boxes = [_box(graph.nodes[n], n, *shown.corners[n], shared=counts[n] > 1) for n in numbers]
    size = f'viewBox="0 0 {shown.width:g} {shown.height:g}" width="{shown.width:g}" height="{shown.height:g}"'
    label = f'aria-labelledby="{name}-title" aria-describedby="{name}-about"'
    return "\n".join([f'<svg role="img" class="graph" {label} {size}>', *edges, *filter(None, terms), *boxes, "</svg>"])


def _share(graph: Dataflow, start: int, end: int, slot: int, counts: Sequence[int]) -> str:
    """What comes back along a wire of a node that is read more than once: a term of the sum that its adjoint is."""
    node = graph.nodes[end]
    if counts[start] < 2 or slot >= len(node.left):
        return ""
    return short(node.adjoint * node.left[slot])


def _ends(graph: Dataflow, shown: Shown, start: int, end: int, slot: int) -> tuple[float, float, float, float]:
    """Where a wire begins and ends; those into one node end side by side, in the order in which they are read."""
    (x0, y0), (x1, y1) = shown.corners[start], shown.corners[end]
    return x0 + _WIDTH, y0 + _HEIGHT / 2, x1, y1 + _HEIGHT * (slot + 1) / (len(graph.nodes[end].inputs) + 1)


def _edge(x0: float, y0: float, x1: float, y1: float) -> str:
    bend = max(24.0, (x1 - x0) / 2)
    return f'<path class="edge" d="M{x0:g} {y0:g}C{x0 + bend:g} {y0:g} {x1 - bend:g} {y1:g} {x1:g} {y1:g}"/>'


def _term(words: str, x0: float, y0: float, x1: float, y1: float) -> str:
    """What comes back along the wire, at its end."""
    return f'<text class="term" x="{x1 - 4:g}" y="{y1 - 3:g}" text-anchor="end">{words}</text>' if words else ""


def _box(node: Node, number: int, x: float, y: float, *, shared: bool) -> str:
    """Name and number on top, f' to the left, o to the right, the adjoint below."""
    kind = " input" * (not node.inputs) + " fan" * shared
    half, quarter = x + _WIDTH / 2, _WIDTH / 4
    lines = left(node)
    first = y + 38 - 6 * (len(lines) - 1)
    parts = [
        f'<rect class="node{kind}" x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="7"/>',
        f'<path class="halves" d="M{x:g} {y + 19:g}h{_WIDTH}M{x:g} {y + 49:g}h{_WIDTH}M{half:g} {y + 19:g}v30"/>',
        f'<text class="name" x="{x + 7:g}" y="{y + 14:g}">{escape(_cut(text.clean(node.operation), 13))}</text>',
        f'<text class="soft" x="{x + _WIDTH - 7:g}" y="{y + 14:g}" text-anchor="end">{number}</text>',
        *(_middle(x + quarter, first + 12 * row, line) for row, line in enumerate(lines)),
        _middle(half + quarter, y + 38, short(node.value)),
        f'<text class="adjoint" x="{half:g}" y="{y + 63:g}" text-anchor="middle">{short(node.adjoint)}</text>',
    ]
    return f"<g>{''.join(parts)}</g>"


def _middle(x: float, y: float, words: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle">{words}</text>'


def left(node: Node) -> list[str]:
    """The left half, in lines: one number where all partials are equal, two if there are two, else how many."""
    if len(set(node.left)) <= 1:
        return [short(value) for value in node.left[:1]]
    return [short(value) for value in node.left] if len(node.left) == 2 else [f"{len(node.left)} wires"]


def short(value: float) -> str:
    """Three digits: what fits into half a node; the table has them all."""
    return f"{value:.3g}"


def _cut(name: str, length: int) -> str:
    return name if len(name) <= length else name[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"
