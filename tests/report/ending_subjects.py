"""Subjects that do not come back: their calls hang, or end the process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.subjects.protocol import Implementation
from tests import user_subjects

Change = Callable[[Implementation], Implementation]


def in_the_forward(right: Implementation) -> Implementation:
    return replace(right, forward=lambda *x, **k: os.kill(os.getpid(), signal.SIGSEGV))


def in_the_jvp(right: Implementation) -> Implementation:
    return replace(right, jvp=user_subjects.spins(right.vjp))


def as_if_all_were_well(right: Implementation) -> Implementation:
    return replace(right, vjp=lambda *x, **k: os._exit(0))


class Ending(user_subjects.Reference):
    """Every operator named here ends in a way of its own."""

    name = "ending"
    changes: Mapping[str, Change] = {
        **{name: user_subjects.Hostile.changes[name] for name in ("prod", "relu", "max", "power")},
        "sin": in_the_jvp,
        "exp": in_the_forward,
        "cos": as_if_all_were_well,
    }

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        return dtype == np.float64


def raises(right: Implementation) -> Implementation:
    def wrong(*_: Any, **__: Any) -> Any:
        raise ArithmeticError("no answer")

    return replace(right, forward=wrong, vjp=wrong, jvp=wrong)


class Raising(Ending):
    """The same, with an exception in the place of each."""

    changes: Mapping[str, Change] = dict.fromkeys(Ending.changes, raises)
