"""Reverse accumulation on ALL small graphs and ALL short programs: the code that runs, against the definition.

* Ordered graphs: every set of edges from smaller to greater vertices.  Every edge has an indeterminate weight and every vertex an
  indeterminate seed, so what is compared are polynomials: equality holds for all numbers of every commutative ring.
* Larger ordered graphs: the same at random weights modulo a prime, with the chance of error stated.
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
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


PRIME = 2**61 - 1
"""A Mersenne prime: the sum of two residues, and of eight, fits 64 bits."""


CHUNK = 1 << 16
"""Graphs whose sums over paths are formed at once."""


def _sums_modulo(weights: Sequence[Sequence[int]], graphs: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """``sums_over_paths`` of ordered graphs, given as sets of edges in bits, modulo the prime: a row for each vertex."""
    size = len(weights)
    total = np.zeros((size, len(graphs)), np.uint64)
    missing = ~graphs
    for length in range(1, size + 1):
        for path in itertools.combinations(range(size), length):
            product, needed = weights[path[-1]][path[-1]], 0
            for start, end in itertools.pairwise(path):
                product = product * weights[start][end] % PRIME
                needed |= 1 << _edge(start, end)
            total[path[0]] += np.where(missing & np.uint32(needed), 0, np.uint64(product))
            total[path[0]] %= PRIME
    return total


def _edge(start: int, end: int) -> int:
    """The number of an edge of an ordered graph: those into vertex 1, into vertex 2, and so on."""
    return end * (end - 1) // 2 + start


def all_modulo(model: Model, size: int, seed: int = 8, only: Sequence[int] | None = None) -> Enumerated:
    """Reverse accumulation on every ordered graph of ``size`` vertices (or on those sets of edges), at random numbers modulo a prime.

    On a graph on which it is wrong, both sides are different polynomials of degree ``size`` at most, so that they agree at random weights
    and seeds with probability size / (2^61 - 1) at most (Schwartz and Zippel): a wrong sweep passes with no more.
    """
    draw = random.Random(seed)
    weights = [[draw.randrange(PRIME) for _ in range(size)] for _ in range(size)]
    count = 2 ** (size * (size - 1) // 2)
    graphs = np.arange(count, dtype=np.uint32) if only is None else np.asarray(only, np.uint32)
    which = "all" if only is None else f"{len(graphs)} of the {count}"
    chance = math.ceil(math.log2(size)) - 61
    what = (
        f"{which} ordered graphs of {size} vertices, at random weights and seeds modulo 2^61 - 1: "
        f"a wrong sweep passes with probability 2^{chance} at most"
    )
    names = NAMES[:size]
    zeros, seeds = dict.fromkeys(names, 0), {name: weights[k][k] for k, name in enumerate(names)}
    made = _vertices(model, weights)
    expected: list[list[int]] = []
    for done, edges in enumerate(graphs.tolist()):
        if done % CHUNK == 0:
            expected = _sums_modulo(weights, graphs[done : done + CHUNK]).T.tolist()
        parents = [edges >> _edge(0, k) & (1 << k) - 1 for k in range(size)]
        sources = tuple(names[k] for k in range(size) if not parents[k])
        graph = model.graph(sources, tuple(made(k, one) for k, one in enumerate(parents) if one))
        found = model.vjp(graph, zeros, seeds, names)
        if [found[name] % PRIME for name in names] != expected[done % CHUNK]:
            starts = tuple(tuple(j for j in range(k) if one >> j & 1) for k, one in enumerate(parents))
            return Enumerated(what, done + 1, f"parents {starts}")
    return Enumerated(what, len(graphs))


def _vertices(model: Model, weights: Sequence[Sequence[int]]) -> Callable[[int, int], Any]:
    """The vertex ``end`` that sums its parents, given in bits, with their weights."""

    @cache
    def made(end: int, parents: int) -> Any:
        starts = [j for j in range(end) if parents >> j & 1]
        by = [weights[j][end] for j in starts]

        def evaluate(*x: Any) -> tuple[int]:
            return (sum(w * v for w, v in zip(by, x, strict=True)),)

        def vjp(x: Any, y: Any, c: Any) -> tuple[Any, ...]:
            return tuple(c[0] * w for w in by)

        linear = model.operation(f"linear{end}:{parents}", len(starts), 1, evaluate, vjp, lambda x, y, t: evaluate(*t))
        return model.vertex(linear, tuple(NAMES[j] for j in starts), (NAMES[end],))

    return made


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
