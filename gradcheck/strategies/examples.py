"""Further examples of an operator, drawn: other sizes for the letters of its signature, other values of its parameters.

An example that the record states gives the rank of each argument.  The signature says which axes have one size: those of one letter, and
the axes behind ``...`` that lie one above the other.  A size that it writes as an expression (``2n``, ``c/groups``) stays, as do the
sizes of arrays that are passed as they are.  A parameter is drawn from what the record states of it; of one of which it states
nothing, numbers are drawn between the least and the largest that an example tries, and anything else is one of those tried.

What is drawn need not fit together, as a kernel wider than its input does not: the definition itself is asked (``fits``).
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gradcheck.claim import Example, Kind, Operator, Set
from gradcheck.strategies.sets import STRUCTURED, settle
from gradcheck.strategies.sets import draw as member

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

LARGER = 2
"""By how much a size may exceed that of the example: enough for a remainder of any stride tried, and quick."""

REACH = 4.0
"""Where a set has no end, a parameter is drawn from numbers up to this size."""

GRAIN = 64
"""Parameters are multiples of 1/64, which every type has exactly."""

TRIES = 40
"""Draws for one example, after which there is said to be none: one in four fits, where few do."""

Node = tuple[int, int]
"""An argument and one of its axes."""


class Chooser(Protocol):
    """Where the choices come from: a generator, or Hypothesis, which makes them smaller when a test fails."""

    def integer(self, low: int, high: int) -> int:
        """From ``low`` to ``high``, both included."""
        ...


@dataclass(frozen=True, slots=True)
class Seeded:
    """Choices of a generator."""

    rng: np.random.Generator

    def integer(self, low: int, high: int) -> int:
        """From ``low`` to ``high``, both included."""
        return int(self.rng.integers(low, high, endpoint=True))


def further(operator: Operator, count: int, seed: int = 0) -> Operator:
    """The operator with ``count`` more examples, or fewer if what is drawn does not fit."""
    chooser, drawn = Seeded(np.random.default_rng(seed)), list[Example]()
    for _ in range(count * TRIES):
        if len(drawn) == count:
            break
        example = redrawn(operator, chooser)
        if fits(operator, example):
            drawn.append(example)
    return replace(operator, examples=(*operator.examples, *drawn))


def examples_of(operator: Operator) -> SearchStrategy[Example]:
    """Examples that fit, as a Hypothesis strategy."""
    from hypothesis import strategies as st

    @st.composite
    def example(draw: Any) -> Example:
        @dataclass(frozen=True)
        class Shrinking:
            def integer(self, low: int, high: int) -> int:
                return int(draw(st.integers(low, high)))

        return redrawn(operator, Shrinking())

    return example().filter(lambda one: fits(operator, one))


def redrawn(operator: Operator, choose: Chooser) -> Example:
    """One of the record's examples with other sizes and parameters; whether it fits is not asked."""
    base = _one(operator.examples, choose)
    sizes = _sizes(operator, base, choose)
    shapes = tuple(
        tuple(sizes[leaf, axis] for axis in range(len(shape))) if isinstance(shape, tuple) else shape
        for leaf, shape in enumerate(base.shapes)
    )
    return Example(shapes, _parameters(operator, base, choose))


def fits(operator: Operator, example: Example) -> bool:
    """Whether the definition takes the example, and gives numbers at an ordinary point: none at all only where an input is empty."""
    rng, inputs = np.random.default_rng(0), list[Any]()
    for leaf, shape in enumerate(example.shapes):
        within = operator.domain.of(leaf)
        if not isinstance(shape, tuple):
            inputs.append(np.array(shape))
        elif within.kind is Kind.POSITIVE_DEFINITE and (len(shape) < 2 or shape[-1] != shape[-2]):
            return False
        else:
            model = np.empty(shape)
            inputs.append(
                member(model, within, rng)
                if within.kind in STRUCTURED
                else settle(rng.normal(size=shape), model, within)
            )
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # a mean of nothing warns, and is no number
            value = operator.definition(*inputs, **example.params)
    except (ValueError, IndexError, TypeError, ZeroDivisionError, np.linalg.LinAlgError):
        return False
    empty = any(np.size(x) == 0 for x in inputs)
    return bool(np.all(np.isfinite(np.asarray(value)))) and (np.size(value) > 0 or empty)


def _one(values: Sequence[Any], choose: Chooser) -> Any:
    return values[choose.integer(0, len(values) - 1)]


def _sizes(operator: Operator, base: Example, choose: Chooser) -> dict[Node, int]:
    """A size for each axis of each argument; axes of one class get one size."""
    known = {
        (leaf, axis): n for leaf, s in enumerate(base.shapes) for axis, n in enumerate(np.shape(s) if _fixed(s) else s)
    }
    classes, kept = _classes(operator.signature, base), set[object]()
    indexed = any(_fixed(s) and np.asarray(s).dtype.kind == "i" for s in base.shapes)
    for node, name in classes.items():
        if _fixed(base.shapes[node[0]]) or (isinstance(name, str) and not name.isalpha()):
            kept |= {name, *(letter for letter in str(name) if letter.isalpha())}
    drawn: dict[object, int] = {}
    for node, n in known.items():
        name = classes[node]
        if name in kept or n == 0:
            drawn.setdefault((name, n), n)
        elif (name, n) not in drawn:
            low = n if indexed else 1  # an index must not point beyond the axis
            drawn[name, n] = choose.integer(low, max(low, n + LARGER))
    stretched = {name for name in classes.values() if isinstance(name, tuple)}
    sizes = {node: drawn[classes[node], n] for node, n in known.items()}
    # An axis of length one beside another length is repeated, and stays so.
    for node, n in known.items():
        if classes[node] in stretched and n == 1 and any(known[o] != 1 for o in known if classes[o] == classes[node]):
            sizes[node] = 1
    return sizes


def _classes(signature: str, base: Example) -> dict[Node, object]:
    """The class of each axis: the term of the signature, or the distance to the term behind ``...``."""
    found: dict[Node, object] = {}
    bound: dict[str, int] = {}
    for leaf, terms in enumerate(re.findall(r"\(([^()]*)\)", signature.partition("->")[0])):
        shape = base.shapes[leaf]
        sizes = np.shape(shape) if _fixed(shape) else shape
        names = _named([term.strip() for term in terms.split(",") if term.strip()], sizes, bound)
        for axis, name in enumerate(names):
            found[leaf, axis] = name
            if isinstance(name, str):
                bound.setdefault(name, sizes[axis])
    return found


def _named(terms: list[str], sizes: tuple[int, ...], bound: Mapping[str, int]) -> list[object]:
    """A name for each axis: an optional term is there if the sizes agree with those that letters have already."""
    for optional in (True, False):
        kept = [t.removesuffix("?") for t in terms if optional or not t.endswith("?")]
        dots = kept.count("...")
        spare = len(sizes) - (len(kept) - dots)
        if spare < 0 or (dots == 0 and spare):
            continue
        if dots != 1:  # which axis the letter is says a parameter: all are named by their place
            return [("...", len(sizes) - axis) for axis in range(len(sizes))] if dots else list(kept)
        at = kept.index("...")
        names: list[object] = [*kept[:at], *(("...", spare - k) for k in range(spare)), *kept[at + 1 :]]
        if all(bound.get(str(name), n) == n for name, n in zip(names, sizes, strict=True)):
            return names
    return [("...", len(sizes) - axis) for axis in range(len(sizes))]


def _fixed(shape: Any) -> bool:
    return not isinstance(shape, tuple)


def _parameters(operator: Operator, base: Example, choose: Chooser) -> dict[str, Any]:
    """The example's parameters, about half of them drawn anew."""
    params = dict(base.params)
    tried = tried_values(operator)
    for name in dict.fromkeys([*tried, *operator.parameters]):
        if choose.integer(0, 1):
            stated = operator.parameters.get(name)
            if stated is not None:
                params[name] = (
                    _real(stated.low, stated.high, choose) if isinstance(stated, Set) else _one(stated, choose)
                )
            else:
                params[name] = _like(name, tried[name], base, choose)
    return params


def tried_values(operator: Operator) -> dict[str, list[Any]]:
    """The values of each parameter in the examples, with its default where it has one."""
    found: dict[str, list[Any]] = {}
    for example in operator.examples:
        for name, value in example.params.items():
            found.setdefault(name, []).append(value)
    try:
        stated = inspect.signature(operator.definition).parameters
    except ValueError:  # a ufunc tells no signature
        return found
    for name, values in found.items():
        if name in stated and isinstance(stated[name].default, (int, float, str, tuple, type(None))):
            values.append(stated[name].default)
    return found


def _like(name: str, tried: list[Any], base: Example, choose: Chooser) -> Any:
    """A value of the kind of those tried."""
    rank = len(base.shapes[0]) if not _fixed(base.shapes[0]) else np.ndim(base.shapes[0])
    kinds = {type(value) for value in tried}
    if name == "axis" and not rank:
        return None  # a single number has no axis, although NumPy takes 0
    if name == "axis" and kinds <= {int, type(None)}:
        return choose.integer(-rank, rank - 1)
    if kinds == {int}:
        return choose.integer(min(tried), max(tried))
    if kinds <= {int, float}:
        return _real(float(min(tried)), float(max(tried)), choose)
    return _one(tried, choose)


def _real(low: float, high: float, choose: Chooser) -> float:
    """A multiple of the grain between two numbers, or an end where none lies between."""
    low, high = max(low, -REACH), min(high, max(REACH, low + 1))
    first, last = int(np.ceil(low * GRAIN)), int(np.floor(high * GRAIN))
    if first > last:
        return low
    return choose.integer(first, last) / GRAIN
