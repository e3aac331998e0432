"""Reverse accumulation on ALL small graphs and ALL short programs: the code that runs, against the definition.

* Ordered graphs: every set of edges from smaller to greater vertices.  Every edge has an indeterminate weight and every vertex an
  indeterminate seed, so what is compared are polynomials: equality holds for all numbers of every commutative ring.
* Labelled graphs: every acyclic set of edges.  The names say nothing of the order: it must be found.
* Straight-line programs over {+, -, *}, inputs repeated (x * x) or not read at all, against formal derivatives of the polynomial computed.

The sum over paths is written from the definition, with no graph: a sequence of vertices is a path if all its edges are there.  The
implementation is an argument: ``Model`` holds what it is built of.

Trusted: Python's integers, the enumeration (its counts are known numbers), the definition below.  Not covered: larger graphs (these are
the Coq theorem's), vertices with several outputs, other operations.

Source: Griewank, Walther, Evaluating Derivatives (2008), section 3.2; Bauer, SIAM J. Numer. Anal. 11 (1974) 87-96.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

BITS = 5
"""Of an exponent in a monomial: four squarings give 16, and no graph here has longer paths."""

LABELLED = (1, 1, 3, 25, 543, 29281)
"""Acyclic labelled digraphs on 0 to 5 vertices: Robinson (1973), sequence A003024 of the OEIS."""


class Polynomial:
    """Integer coefficients; a monomial is one integer with ``BITS`` bits for each exponent, so that a product is a sum."""

    __slots__ = ("terms",)
    __hash__ = None  # type: ignore[assignment]  # it is mutable

    def __init__(self, terms: dict[int, int] | None = None) -> None:
        self.terms = terms or {}

    def __add__(self, other: Any) -> Polynomial:
        terms = self.terms.copy()
        for monomial, c in polynomial(other).terms.items():
            total = terms.get(monomial, 0) + c
            if total:
                terms[monomial] = total
            else:
                terms.pop(monomial, None)
        return Polynomial(terms)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Polynomial:
        terms: dict[int, int] = {}
        for (m, a), (n, b) in itertools.product(self.terms.items(), polynomial(other).terms.items()):
            terms[m + n] = terms.get(m + n, 0) + a * b
        return Polynomial({m: c for m, c in terms.items() if c})

    __rmul__ = __mul__

    def __neg__(self) -> Polynomial:
        return Polynomial({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Any) -> Polynomial:
        return self + -polynomial(other)

    def __rsub__(self, other: Any) -> Polynomial:
        return polynomial(other) + -self

    def __eq__(self, other: object) -> bool:
        return self.terms == polynomial(other).terms

    def __repr__(self) -> str:
        return f"Polynomial({self.terms})"

    def slope(self, number: int) -> Polynomial:
        """The formal derivative by an indeterminate."""
        found = {}
        for monomial, c in self.terms.items():
            power = monomial >> BITS * number & (1 << BITS) - 1
            if power:
                found[monomial - (1 << BITS * number)] = c * power
        return Polynomial(found)


def polynomial(value: Any) -> Polynomial:
    """A number as a constant."""
    return value if isinstance(value, Polynomial) else Polynomial({0: value} if value else {})


def indeterminate(number: int) -> Polynomial:
    """The one with this number."""
    return Polynomial({1 << BITS * number: 1})


@dataclass(frozen=True)
class Model:
    """What an implementation is built of: constructors of graphs, its reverse sweep, and its operations +, -, *.

    ``operation(name, arity, outputs, evaluate, vjp, jvp)``, ``vertex(operation, inputs, outputs)``, ``graph(sources, vertices)``,
    ``vjp(graph, values, seeds, variables)`` to the adjoints by name.
    """

    operation: Callable[..., Any]
    vertex: Callable[..., Any]
    graph: Callable[..., Any]
    vjp: Callable[..., Any]
    arithmetic: tuple[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Enumerated:
    """``count`` cases were looked at; ``failing`` is the first that is wrong, in words, or empty."""

    what: str
    count: int
    failing: str = ""


NAMES = "abcdefg"


@cache
def _weight(size: int, start: int, end: int) -> Polynomial:
    """On the diagonal the seed."""
    return indeterminate(size * start + end)


@lru_cache(maxsize=64)
def _paths(size: int, ordered: bool) -> tuple[tuple[int, int, int], ...]:
    """All sequences of vertices: (start, edges needed as bits, monomial of the weights and the end's seed)."""
    choose = itertools.combinations if ordered else itertools.permutations
    found = []
    for length in range(1, size + 1):
        for path in choose(range(size), length):
            edges = list(itertools.pairwise(path))
            product = _weight(size, path[-1], path[-1])
            for start, end in edges:
                product = product * _weight(size, start, end)
            (monomial,) = product.terms
            found.append((path[0], sum(1 << size * j + i for j, i in edges), monomial))
    return tuple(found)


def sums_over_paths(parents: Sequence[tuple[int, ...]], ordered: bool) -> dict[str, Polynomial]:
    """For every vertex the sum over all paths from it of the product of the weights and the end's seed: its adjoint, by definition."""
    size = len(parents)
    missing = ~sum(1 << size * j + i for i, starts in enumerate(parents) for j in starts)
    terms: list[dict[int, int]] = [{} for _ in range(size)]
    for start, needed, monomial in _paths(size, ordered):
        if not needed & missing:
            terms[start][monomial] = 1
    return {NAMES[k]: Polynomial(found) for k, found in enumerate(terms)}


def ordered_graphs(size: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """For every vertex its parents, among those before it: 2^(n (n - 1) / 2) graphs."""
    subsets = [[s for length in range(i + 1) for s in itertools.combinations(range(i), length)] for i in range(size)]
    return itertools.product(*subsets)


def labelled_graphs(size: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every acyclic set of edges: vertices without parents can be taken away, until none is left."""
    pairs = [(j, i) for i in range(size) for j in range(size) if j != i]
    sets = np.arange(1 << len(pairs), dtype=np.uint32)
    parents = np.zeros((size, len(sets)), np.uint8)
    for bit, (j, i) in enumerate(pairs):
        parents[i] |= ((sets >> bit & 1) << j).astype(np.uint8)
    gone = np.zeros(len(sets), np.uint8)
    for _ in range(size):
        free = np.zeros(len(sets), np.uint8)
        for i in range(size):
            free |= ((parents[i] & ~gone) == 0).astype(np.uint8) << i
        gone |= free
    for place in np.flatnonzero(gone == (1 << size) - 1):
        yield tuple(tuple(j for j in range(size) if parents[i, place] >> j & 1) for i in range(size))


def _linear(model: Model, size: int) -> Callable[[int, tuple[int, ...]], Any]:
    @cache
    def made(end: int, starts: tuple[int, ...]) -> Any:
        weights = [_weight(size, start, end) for start in starts]

        def evaluate(*x: Any) -> tuple[Polynomial]:
            return (sum((w * v for w, v in zip(weights, x, strict=True)), Polynomial()),)

        return model.operation(
            f"linear{end}{starts}",
            len(starts),
            1,
            evaluate,
            lambda x, y, c: tuple(c[0] * w for w in weights),
            lambda x, y, t: evaluate(*t),
        )

    return made


def all_graphs(model: Model, size: int, *, ordered: bool) -> Enumerated:
    """Reverse accumulation with indeterminate weights and seeds on every graph of ``size`` vertices."""
    kind = "ordered" if ordered else "labelled"
    what = f"all {kind} graphs of {size} vertices, for all weights and seeds in any commutative ring"
    linear, count = _linear(model, size), 0
    names = NAMES[:size]
    zeros, seeds = dict.fromkeys(names, Polynomial()), {n: _weight(size, k, k) for k, n in enumerate(names)}
    for parents in ordered_graphs(size) if ordered else labelled_graphs(size):
        count += 1
        sources = tuple(NAMES[k] for k, starts in enumerate(parents) if not starts)
        vertices = tuple(
            model.vertex(linear(k, starts), tuple(NAMES[j] for j in starts), (NAMES[k],))
            for k, starts in enumerate(parents)
            if starts
        )
        found = model.vjp(model.graph(sources, vertices), zeros, seeds, names)
        if found != sums_over_paths(parents, ordered):
            return Enumerated(what, count, f"parents {parents}")
    expected = 2 ** (size * (size - 1) // 2) if ordered else LABELLED[size]
    if count != expected:
        raise AssertionError(f"{count} graphs of {size} vertices, and there are {expected}")
    return Enumerated(what, count)


def all_programs(model: Model, operations: int, inputs: int) -> Enumerated:
    """Every straight-line program of so many operations +, -, * on so many inputs; + and * with their arguments in one order."""
    what = f"all straight-line programs of {operations} operations +, -, * on {inputs} inputs, for all their values"
    sources = tuple(f"x{k}" for k in range(inputs))
    start = {name: indeterminate(k) for k, name in enumerate(sources)}
    count = 0
    for vertices, values in _programs(model, sources, (), start, operations):
        count += 1
        last = f"t{operations - 1}"
        found = model.vjp(model.graph(sources, vertices), values, {last: polynomial(1)}, sources)
        if any(found[name] != values[last].slope(k) for k, name in enumerate(sources)):
            return Enumerated(what, count, "; ".join(str(v) for v in vertices))
    return Enumerated(what, count)


def _programs(
    model: Model, sources: tuple[str, ...], vertices: tuple[Any, ...], values: dict[str, Polynomial], left: int
) -> Iterator[tuple[tuple[Any, ...], dict[str, Polynomial]]]:
    if not left:
        yield vertices, values
        return
    names = list(values)
    plus, minus, times = model.arithmetic
    unordered = list(itertools.combinations_with_replacement(names, 2))
    for operation, pairs in ((plus, unordered), (times, unordered), (minus, list(itertools.product(names, repeat=2)))):
        for one, two in pairs:
            a, b = values[one], values[two]
            value = a + b if operation is plus else a * b if operation is times else a - b
            name = f"t{len(vertices)}"
            grown = (*vertices, model.vertex(operation, (one, two), (name,)))
            yield from _programs(model, sources, grown, {**values, name: value}, left - 1)
