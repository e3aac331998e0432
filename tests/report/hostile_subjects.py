"""A subject that is hostile in all that it may choose: its name, its exhibits, its places, its exceptions and its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.subjects.protocol import Exhibit, Implementation
from tests import user_subjects

EVIL = "</script><script>document.title='caught'</script>\x1b[31m\x00\ud800\"'`&<img src=x onerror=alert(1)>\n::error::x\n../../x"
"""A name that would leave the folder, the page, the terminal and the line."""

LONG = EVIL + "0123456789" * 1_000_000
"""Ten megabytes."""

OPERATORS = ("tanh", "exp", "sin", "cos", "abs", "sum")


class Opaque:
    """Not an array, and of a long name."""

    def __repr__(self) -> str:
        return LONG


class EvilError(Exception):
    """An exception that cannot even say what it is."""

    def __str__(self) -> str:
        raise ValueError(LONG)


EvilError.__name__ = EVIL.replace("\x00", "").replace("\ud800", "")  # the two that Python itself refuses in a name


def raising(error: Exception) -> Callable[..., Any]:
    def wrong(*_: Any, **__: Any) -> Any:
        raise error

    return wrong


def shouting(right: Implementation) -> Implementation:
    """Prints what a terminal would obey, and answers by no number."""

    def wrong(*_: Any, **__: Any) -> Any:
        print("\x1b]0;caught\x07")
        return np.nan

    return replace(right, vjp=wrong)


CHANGES: Mapping[str, Callable[[Implementation], Implementation]] = {
    "tanh": lambda right: replace(right, vjp=raising(ValueError(LONG))),
    "exp": lambda right: replace(right, vjp=lambda *_, **__: Opaque()),
    "sin": lambda right: replace(right, vjp=raising(EvilError())),
    "cos": lambda right: replace(right, forward=raising(ValueError(EVIL))),
    "abs": shouting,
    "sum": lambda right: replace(right, vjp=lambda g, x, **_: 2 * np.ones_like(x)),
}


class Evil(user_subjects.Reference):
    """Everything that it says of itself is ``EVIL``."""

    name = EVIL
    version = LONG
    changes: Mapping[str, user_subjects.Change] = {
        name: lambda right, change=change: replace(change(right), where=f"{EVIL}:7 in {EVIL}")
        for name, change in CHANGES.items()
    }

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        return operator in OPERATORS and dtype == np.float64

    def exhibits(self) -> Mapping[str, Callable[[], Exhibit]]:
        """One of a hostile name and of hostile words."""
        return {f"../../{EVIL}": self._exhibit}

    @staticmethod
    def _exhibit() -> Exhibit:
        return Exhibit(
            forward=np.square,
            vjp=lambda g, x: 3 * g * x,
            inputs=(np.array([1.0, 2.0]),),
            wrt=(0,),
            words={"formula": EVIL, "citation": LONG, EVIL: LONG, "definition": LONG},
        )
