"""The exhibits of the reference subject: its networks, drawn, and the thread's formulas beside the right ones."""

from __future__ import annotations

import functools
import inspect
import math
import re
import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from gradcheck import fingerprints
from gradcheck.claim import REALS, Domain, interval
from gradcheck.records import Correction, Dataflow, Measured, Node
from gradcheck.subjects.protocol import Exhibit
from reference_nets import backprop, generic, thread
from reference_nets.drawings import DRAWING, draw
from reference_nets.networks import FLOATS, NETWORKS, RATIONALS, Network, random_inputs

LEGIBLE = 60
"""Nodes that a drawing may have and still be read."""

SIZES = ((2, 2, 2), (2, 1, 2), (1, 1, 2))
"""Sizes for a drawing, the largest first: the first that is legible is taken, or the last."""

ROWS = 6
"""Entries of a Jacobian that are shown of a formula: those that are off the most."""

LOW_DEGREE = {"O1": generic.square, "O2": generic.square, "O3": generic.identity}
"""Steps upon steps multiply the digits of a rational by the degree: these formulas get a polynomial of low degree."""

ABOUT_THE_SIGMOID = ("P1", "P3")
"""Formulas that hold for no other activation, and so not in rationals."""

ABOUT = {
    "sigmoid unit": ("P1", "P2", "P3", "P4", "P6", "P7", "P8", "P9", "P11"),
    "two hidden layers": ("L1", "L2", "L3"),
    "matrix form, error": ("O1", "O3"),
    "through time": ("O2",),
}
"""The network of each formula; a sentence about graphs has none of its own."""


def exhibits() -> Mapping[str, Callable[[], Exhibit]]:
    """All exhibits by name, in the order of the books; each is made when it is asked for."""
    networks = {f"net:{_slug(name)}": functools.partial(network, name) for name in NETWORKS}
    formulas = {f"thread:{number}": functools.partial(formula, number) for number in thread.formulas()}
    statements = {f"thread:{number}": functools.partial(statement, number) for number in thread.STATEMENTS}
    return {**networks, **formulas, **statements}


def network(name: str) -> Exhibit:
    """One network of the table: its pair of functions in float64, and its graph at a small size."""
    case = NETWORKS[name]
    forward, vjp = case.build(FLOATS)
    place = f"{case.build.__module__}.{case.build.__qualname__}".removesuffix(".<locals>.build")
    return Exhibit(
        forward=forward,
        vjp=vjp,
        inputs=random_inputs(case, _rng(name)),
        wrt=tuple(range(case.differentiated)),
        domain=_domain(case),
        words={"family": "networks", "formula": case.formula, "definition": f"built by {place}"}
        | fingerprints.words(vjp=backprop.vjp),
        graph=_graph(name, case),
    )


def _graph(name: str, case: Network) -> Dataflow:
    """The drawing at the largest of ``SIZES`` at which it is legible."""
    names = _names(case.build(FLOATS)[0], len(case.shapes(1, 1, 1)))
    for sizes in SIZES:
        inputs = random_inputs(case, _rng(name), sizes)
        value = case.build(FLOATS)[0](*inputs)
        cotangent = _rng(name).choice([1.0, 2.0], np.shape(value)) if np.shape(value) else np.asarray(1.0)
        drawn = draw(case.build(DRAWING)[0], names, inputs, case.differentiated, cotangent)
        if len(drawn) <= LEGIBLE:
            break
    nodes = tuple(
        Node(
            operation=node.name,
            value=float(node.value),
            adjoint=float(node.adjoint),
            inputs=node.inputs,
            left=tuple(map(float, node.left)),
        )
        for node in drawn
    )
    shapes = ", ".join(f"{n} {np.shape(part)}" for n, part in zip(names, inputs, strict=True))
    of = ", ".join(names[: case.differentiated])
    output = "" if not np.shape(value) else f"; the output node is <c, output>, c = {np.ravel(cotangent).tolist()}"
    return Dataflow(nodes=nodes, about=f"inputs {shapes}; there are nodes for the entries of {of}{output}")


def formula(number: str) -> Exhibit:
    """One formula of the thread: as printed, which is to be refuted, and as it should be."""
    found = thread.formulas()[number]
    inputs = found.example(_rng(number))
    measured = thread.measure(found, *inputs)
    unexplained, arithmetic = _unexplained(number, inputs)
    return Exhibit(
        forward=found.mended.forward,
        vjp=found.mended.vjp,
        printed=(found.claimed.forward, found.claimed.vjp),
        intent=found.mended.forward if found.definition else None,
        inputs=inputs,
        wrt=tuple(range(found.differentiated)),
        words={"family": "the thread", "formula": found.right},
        correction=Correction(
            number=number,
            printed=found.printed,
            right=found.right,
            relation=found.relation,
            network=next((f"net:{_slug(name)}" for name, numbers in ABOUT.items() if number in numbers), ""),
            off=float(measured.off),
            unexplained=unexplained,
            arithmetic=arithmetic,
            measured=_rows(found.inputs, measured),
            hidden_when=found.hidden_when,
        ),
    )


def _unexplained(number: str, inputs: tuple[Any, ...]) -> tuple[float, str]:
    """The largest |printed - predicted|, without rounding where that can be had, and how it was computed."""
    if number in ABOUT_THE_SIGMOID:
        return float(thread.measure(thread.formulas()[number], *inputs).unexplained), "float64"
    sigma = LOW_DEGREE.get(number, RATIONALS.sigmoid)
    exact = thread.formulas(sigma=sigma)[number]
    eighths = np.frompyfunc(lambda x: Fraction(round(8 * float(x)) or 1, 8), 1, 1)  # short, and not 0: two divide by it
    gap = thread.measure(exact, *(eighths(part) for part in inputs)).unexplained
    # A gap too small for a float is still a gap.
    return max(float(gap), math.ulp(0.0)) if gap else 0.0, f"exact rationals, with {sigma.name} for sigma"


def _rows(names: tuple[str, ...], measured: thread.Measurement) -> tuple[Measured, ...]:
    """The entries that are off the most, as (output, input) of the Jacobian."""
    rows = []
    for name, *parts in zip(names, measured.printed, measured.expected, measured.predicted, strict=False):
        printed, right, predicted = (np.asarray(part, float) for part in parts)
        for index in np.ndindex(printed.shape):
            entry = f"d f[{index[0]}] / d {name}{list(index[1:]) or ''}" if len(printed) > 1 else ""
            entry = entry or f"d f / d {name}{list(index[1:]) or ''}"
            numbers = (float(part[index]) for part in (printed, right, predicted))
            rows.append(Measured(entry=entry, **dict(zip(("printed", "right", "predicted"), numbers, strict=True))))
    rows.sort(key=lambda row: -abs(row.printed - row.right))
    return tuple(rows[:ROWS])


def statement(number: str) -> Exhibit:
    """One sentence about graphs, held against the graph of f(x) = -(x x): x is read twice, the product once."""
    found = thread.STATEMENTS[number]
    vertices, edges = ("x", "product", "negative"), [("x", "product"), ("x", "product"), ("product", "negative")]
    return Exhibit(
        words={"family": "the thread", "formula": found.right},
        holds=(lambda: found.claimed(vertices, edges), lambda: found.mended(vertices, edges)),
        correction=Correction(
            number=number, printed=found.printed, right=found.right, relation=found.relation, hidden_when="never"
        ),
    )


def _names(forward: Callable[..., Any], count: int) -> tuple[str, ...]:
    """The names of the inputs, as the forward has them; x0, x1, ... where it has none."""
    named = tuple(inspect.signature(forward).parameters)
    return named if len(named) == count else tuple(f"x{k}" for k in range(count))


def _rng(name: str) -> np.random.Generator:
    """The same numbers for the same name."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _domain(case: Network) -> Domain | None:
    """The reals, and (0, 1) for probabilities."""
    if not case.probabilities:
        return None
    count = len(case.shapes(1, 1, 1))
    return Domain(tuple(interval(0, 1) if place in case.probabilities else REALS for place in range(count)))
