"""The catalogue: WHAT is claimed, one file per family and one record per operator.

A record is mathematics alone.  It names no implementation, so any backend can be held against it.  To add an operator,
add its record to the ``OPERATORS`` of its family; nothing else changes.
"""

from __future__ import annotations

import difflib
import fnmatch
import functools
import types
from collections.abc import Mapping, Sequence

from gradcheck.catalogue import (
    activations,
    arithmetic,
    attention,
    bessel,
    classification,
    comparison,
    convolution,
    decompositions,
    distances,
    elementwise,
    exponential,
    extension,
    fourier,
    gates,
    indexing,
    interpolation,
    linear_algebra,
    losses,
    matrix_parts,
    normalisation,
    norms,
    pooling,
    products,
    rectifiers,
    recurrent,
    reductions,
    regression,
    scans,
    shaping,
    sorting,
    special,
    statistics,
    trigonometric,
)
from gradcheck.claim import Operator
from gradcheck.errors import UsageError

FAMILIES: tuple[types.ModuleType, ...] = (
    elementwise,
    arithmetic,
    exponential,
    trigonometric,
    special,
    bessel,
    comparison,
    activations,
    rectifiers,
    gates,
    reductions,
    statistics,
    norms,
    scans,
    linear_algebra,
    indexing,
    losses,
    regression,
    classification,
    distances,
    normalisation,
    pooling,
    convolution,
    shaping,
    extension,
    matrix_parts,
    sorting,
    products,
    decompositions,
    recurrent,
    attention,
    interpolation,
    fourier,
)


def collect(families: Sequence[types.ModuleType]) -> Mapping[str, Operator]:
    """The operators of some family modules, sorted by name.  A name that is used twice is a ``ValueError``."""
    found: dict[str, Operator] = {}
    for family in families:
        for record in family.OPERATORS:
            if record.name in found:
                raise ValueError(
                    f"two catalogue records are named {record.name!r}; rename the one in {family.__name__}"
                )
            found[record.name] = record
    return types.MappingProxyType(dict(sorted(found.items())))


@functools.cache
def operators() -> Mapping[str, Operator]:
    """Every operator of the catalogue by name, sorted by name."""
    return collect(FAMILIES)


def operator(name: str) -> Operator:
    """The operator of that name.  An unknown name is a ``UsageError`` that suggests the closest one."""
    known = operators()
    if name in known:
        return known[name]
    raise UsageError(f"the catalogue has no operator {name!r}; {_suggestion(name)}")


def select(pattern: str | Sequence[str]) -> list[Operator]:
    """The operators that match any of the shell-style patterns (``"max*"``, ``"log,exp*"``), sorted by name.

    A pattern that matches nothing is a ``UsageError``: a misspelt name must not look like a passing run.
    """
    given = [pattern] if isinstance(pattern, str) else list(pattern)
    patterns = [part.strip() for text in given for part in text.split(",") if part.strip()]
    if not patterns:
        raise UsageError("no operator was asked for; give a name or a pattern, '*' for all of them")
    names: set[str] = set()
    for part in patterns:
        matches = fnmatch.filter(operators(), part)
        if not matches:
            raise UsageError(f"no operator of the catalogue matches {part!r}; {_suggestion(part)}")
        names.update(matches)
    return [operators()[name] for name in sorted(names)]


def _suggestion(name: str) -> str:
    # Cutoff 0: a poor suggestion is still a name that exists.
    closest = difflib.get_close_matches(name, list(operators()), n=1, cutoff=0.0)
    return f"the closest is {closest[0]!r}; 'gradcheck list' names all {len(operators())}"
