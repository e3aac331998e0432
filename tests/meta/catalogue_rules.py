"""How wrong rules of catalogue operators are written down: the reference rule is right, its twins are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradcheck.catalogue import operator
from gradcheck.claim import Domain
from reference_nets.rules import RULES
from tests.meta.case import Case
from tests.meta.pairs import twins

Rule = Callable[..., Any]


def wrong_rules(
    name: str, inputs: tuple[Any, ...], params: Mapping[str, Any] | None = None, *, unseen: str = "", **wrong: Any
) -> tuple[Case, ...]:
    """Cases of the operator ``name`` at ``inputs``; its definition is the forward, each keyword a wrong rule."""
    record = operator(name)
    options: dict[str, Any] = {} if params is None else {"kwargs": dict(params)}
    if record.domain != Domain():
        options["domain"] = record.domain
    return twins(
        f"catalogue/{name}",
        record.family,
        record.definition,
        RULES[name],
        inputs,
        options=options,
        unseen=unseen,
        **wrong,
    )


def _edited(name: str, edit: Callable[[Any, Any], Any], leaf: int) -> Rule:
    def rule(g: Any, *inputs: Any, **params: Any) -> Any:
        gradients = list(RULES[name](g, *inputs, **params))
        floats = [x for x in inputs if np.asarray(x).dtype.kind == "f"]
        gradients[leaf] = edit(gradients[leaf], floats[leaf])
        return tuple(gradients)

    return rule


def lost_at_zero(name: str, leaf: int = 0) -> Rule:
    """The rule with a gradient of 0 at entries that are 0: a mask of what is set, taken from the values."""
    return _edited(name, lambda gradient, x: np.where(x == 0, 0, gradient), leaf)


def lost_from_far(name: str, limit: float = 50.0, leaf: int = 0) -> Rule:
    """The rule clipped: no gradient at entries beyond ``limit``."""
    return _edited(name, lambda gradient, x: np.where(np.abs(x) > limit, 0, gradient), leaf)


def lost_at_a_tie(name: str, leaf: int = 0) -> Rule:
    """No gradient at entries that are equal to the one before them (in the flattened argument)."""

    def edit(gradient: Any, x: Any) -> Any:
        flat = np.reshape(x, -1)
        tied = np.concatenate(([False], flat[1:] == flat[:-1]))[: flat.size]
        return np.where(np.reshape(tied, x.shape), 0, gradient)

    return _edited(name, edit, leaf)
