"""The form of a meta-test: one implementation, with the verdict that a perfect checker gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One call of ``gradcheck.check`` with the answer it must give.

    ``make()`` builds fresh ``(forward, vjp)`` (fresh, because some carry state).  ``ok`` is what ``result.ok`` must be.
    ``twin`` names the case on the other side of the pair.  ``group`` is the class of mistake, in the words of the
    survey of real bugs.  ``invisible``: a central difference at one random normal point with an all-ones
    cotangent does not see it.  ``hard``: a right implementation that careless checkers refuse.
    ``options`` are further keyword arguments of ``check`` (domain, kwargs, stateful, jvp, wrt, intent ...).
    ``severity``: the severity the wrong case must be reported with, where that matters.
    """

    name: str
    group: str
    make: Callable[[], tuple[Callable[..., Any], Callable[..., Any]]]
    inputs: tuple[Any, ...]
    ok: bool
    twin: str = ""
    invisible: bool = False
    hard: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    severity: str = ""
