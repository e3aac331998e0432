"""Trees of arrays: nested tuples, lists, dicts and dataclasses, flattened to leaves with paths.

A path reads as the code that reaches the leaf: ``params['W'][0]``, ``state.h``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np


def children(tree: Any) -> list[tuple[str, Any, Any]] | None:
    """The (path suffix, key, child) triples of an inner node; None if ``tree`` is a leaf."""
    if isinstance(tree, np.ndarray):
        return None
    if isinstance(tree, Mapping):
        return [(f"[{key!r}]", key, tree[key]) for key in tree]
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return [(f".{f.name}", f.name, getattr(tree, f.name)) for f in dataclasses.fields(tree)]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return [(f".{name}", name, getattr(tree, name)) for name in tree._fields]
    if isinstance(tree, (list, tuple)):
        return [(f"[{k}]", k, child) for k, child in enumerate(tree)]
    return None


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, leaf) pairs in order of the nodes' own iteration."""
    below = children(tree)
    if below is None:
        yield path, tree
        return
    for suffix, _, child in below:
        yield from leaves(child, path + suffix)


def rebuild(tree: Any, values: Iterator[Any]) -> Any:
    """A tree of the same structure whose leaves are taken from ``values`` in order."""
    below = children(tree)
    if below is None:
        return next(values)
    new = [(key, rebuild(child, values)) for _, key, child in below]
    if isinstance(tree, Mapping):
        built = dict(new)
        return built if type(tree) is dict else type(tree)(built)  # type: ignore[call-arg]  # mappings take a dict
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return dataclasses.replace(tree, **{f.name: dict(new)[f.name] for f in dataclasses.fields(tree) if f.init})
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(value for _, value in new))
    return type(tree)(value for _, value in new)


def aligned(tree: Any, other: Any) -> list[Any]:
    """The nodes of ``other`` that stand where ``tree`` has its leaves; ``MISSING`` where there is none.

    Sequences are matched by position and everything else by key, so that a gradient may be a tuple where the argument is a list.
    """
    below = children(tree)
    if below is None:
        return [other]
    found: list[Any] = []
    for _, key, child in below:
        if isinstance(other, Mapping):
            node = other.get(key, MISSING)
        elif isinstance(key, int) and isinstance(other, Sequence) and not isinstance(other, str):
            node = other[key] if key < len(other) else MISSING
        else:
            node = getattr(other, key, MISSING) if isinstance(key, str) else MISSING
        found += aligned(child, node) if node is not MISSING else [MISSING] * sum(1 for _ in leaves(child))
    return found


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()
"""Stands where a gradient tree has no node for a leaf of its argument."""


def is_float(leaf: Any) -> bool:
    """Whether a leaf is an array or number that can be differentiated: real or complex floating point, bfloat16 too."""
    if isinstance(leaf, (bool, int, str, bytes)) or leaf is None:
        return False
    try:
        dtype = np.asarray(leaf).dtype
    except (TypeError, ValueError):
        return False
    return dtype.kind in "fc" or dtype.name.startswith(("bfloat16", "float8"))
