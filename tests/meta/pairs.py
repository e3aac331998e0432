"""How twins are written down: one right implementation, and the wrong ones that differ from it by one mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.meta.case import Case

Vjp = Any
"""A backward function; a pair (forward, backward) where the forward is at fault too; or a class with both."""


def maker(forward: Callable[..., Any] | None, vjp: Vjp) -> Callable[[], tuple[Any, Any]]:
    """A fresh (forward, backward) at every call: classes are instantiated anew, functions carry no state."""

    def make() -> tuple[Any, Any]:
        if isinstance(vjp, type):
            layer = vjp()
            return layer.forward, layer.backward
        return vjp if isinstance(vjp, tuple) else (forward, vjp)

    return make


def twins(
    name: str,
    group: str,
    forward: Callable[..., Any] | None,
    right: Vjp,
    inputs: tuple[Any, ...],
    *,
    unseen: str = "",
    hard: bool = False,
    severity: str = "",
    options: Mapping[str, Any] | None = None,
    **wrong: Vjp,
) -> tuple[Case, ...]:
    """The right case ``name`` and, per keyword, the wrong case ``name: keyword``.

    ``unseen`` holds the keywords of the invisible ones, or ``*`` for all of them.
    """
    options = {} if options is None else options
    titles = {key: f"{name}: {key.replace('_', ' ')}" for key in wrong}
    assert unseen == "*" or set(unseen.split()) <= set(wrong), f"{name}: unseen names no case"
    first = next(iter(titles.values()), "")
    good = Case(
        name=name,
        group=group,
        make=maker(forward, right),
        inputs=inputs,
        ok=True,
        twin=first,
        hard=hard,
        options=options,
    )
    bad = (
        Case(
            name=titles[key],
            group=group,
            make=maker(forward, vjp),
            inputs=inputs,
            ok=False,
            twin=name,
            invisible=unseen == "*" or key in unseen.split(),
            options=options,
            severity=severity,
        )
        for key, vjp in wrong.items()
    )
    return (good, *bad)


def normal(seed: int, *shape: int) -> Any:
    """Standard normal numbers of a fixed seed."""
    return np.random.default_rng(seed).normal(size=shape)
