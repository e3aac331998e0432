"""Forwards that are right to a tolerance only: what integrates, iterates or seeks a root stops where it is told to.

The derivative of what such a routine computes is not that of what it approximates: step sizes and iterations depend on the inputs.
An honest backward differentiates the latter.  Both agree to about the tolerance, which nobody can read from outside; a millionth of
the terms is granted (``GRANTED``).
"""

from __future__ import annotations

import os
import sys
import threading
from contextvars import copy_context
from dataclasses import dataclass, replace
from types import FrameType

import numpy as np

from gradcheck.engine.forward import Forward
from gradcheck.engine.judge import Judgement, Truth
from gradcheck.engine.truth import truth
from gradcheck.oracles.analytic import Choice, branches
from gradcheck.records import Array
from gradcheck.subjects.callables import CAUGHT

ROUTINES = tuple(
    os.path.join(os.sep, "scipy", *place, "")
    for place in (("integrate",), ("optimize",), ("sparse", "linalg", "_isolve"))
)
"""Folders of routines that take a tolerance."""


def works_to_a_tolerance(owner: Forward, x: Array) -> bool:
    """Whether the forward enters such a routine at x, or a loop of its own ends there as something has become tiny."""
    return _enters_a_routine(owner, x) or _iterates(owner, x)


def _enters_a_routine(owner: Forward, x: Array) -> bool:
    """Seen by a profiler's eyes, in one run of it: in a thread of its own where the caller is profiled, as every thread has its own."""
    entered = finished = False

    def watch(frame: FrameType, event: str, argument: object) -> None:
        nonlocal entered
        entered = entered or any(folder in frame.f_code.co_filename for folder in ROUTINES)

    def run() -> None:
        nonlocal finished
        sys.setprofile(watch)
        try:
            owner.outputs(x)
            finished = True
        except CAUGHT:
            pass
        finally:
            sys.setprofile(None)

    if sys.getprofile() is None:
        run()
    else:
        thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True)
        thread.start()
        thread.join()
    return entered and finished


def _iterates(owner: Forward, x: Array) -> bool:
    """Seen by the comparisons of arrays that keep to the branch of their real part."""
    with branches(Choice.NATIVE) as seen:
        try:
            replace(owner, mode="analytic").outputs(x.astype(complex))
        except CAUGHT:
            return False
        return seen.iterates()


GRANTED = 2.0**-20
"""Part of the terms by which an answer may differ from a forward that works to a tolerance.  Chosen, not derived, as the tolerance is
not known: a millionth is far above those of solvers that are asked for many digits, and far below what a wrong formula costs.  A looser
solver is refused."""


@dataclass(frozen=True, slots=True)
class Near:
    """Where inputs are so small that a tolerance counts as much as they do, how far that is left behind, and what is then alike.

    ``tiny``: largest input of such a place; ``away``: distance at which the tolerance matters no more; ``like``: part of the terms by which
    a smooth derivative may differ at that distance, with a second derivative that is hundreds of times as large.
    """

    tiny: float
    away: float
    like: float


ANY = Near(2.0**-40, 2.0**-26, 2.0**-16)
"""For every text: thresholds below which it goes another way are about 1e-12.  Chosen, not derived."""

TOLERANT = Near(2.0**-18, 2.0**-10, 2.0**-6)
"""For a text that works to a tolerance.  Chosen, not derived: the derivative of an iteration to 1e-14 was off
by 1e-5 of itself at inputs of 3e-8."""


@dataclass(slots=True)
class Tolerance:
    """Whether a forward works to a tolerance, found out when an answer is to be called wrong; what that excuses."""

    given: Array
    """The packed inputs at the user's own point."""
    works: bool = False
    asked: bool = False

    def at(self, owner: Forward, x: Array) -> bool:
        """Whether it does so at the user's own point, here, or where that was asked before."""
        if not self.works:
            self.works = (not self.asked and works_to_a_tolerance(owner, self.given)) or works_to_a_tolerance(owner, x)
            self.asked = True
        return self.works

    def excuse(
        self,
        owner: Forward,
        x: Array,
        g: Array,
        rows: Array,
        answer: Array,
        known: Truth,
        judgement: Array,
    ) -> Array:
        """The judgement with INACCURATE or INCONCLUSIVE for what is wrong by a tolerance only."""
        wrong = np.flatnonzero(judgement == Judgement.WRONG)
        if not wrong.size:
            return judgement
        out, some = judgement.copy(), known.part(wrong)
        tolerant = self.at(owner, x)
        if tolerant:
            small = np.abs(answer[wrong] - some.value) <= GRANTED * (some.magnitude + some.scale)
            out[wrong[small]] = int(Judgement.INACCURATE)
        short = as_a_little_away(owner, x, g, rows[wrong], answer[wrong], TOLERANT if tolerant else ANY)
        out[wrong[short]] = int(Judgement.INCONCLUSIVE)
        return out


def as_a_little_away(owner: Forward, x: Array, g: Array, rows: Array, answer: Array, near: Near) -> Array:
    """Of each row (D,), whether all inputs are tiny and the answer is the derivative a little away, on all of four sides.

    z = tanh(W z + x), iterated from 0 until it moves by less than 1e-14, is tanh(x) where x is smaller than that.  The answer of an honest
    backward is what the function has everywhere else; that of a wrong special case for tiny inputs is not.
    """
    rng = np.random.default_rng(0)  # any four sides will do
    alike = np.full(len(rows), bool(np.max(np.abs(x), initial=0.0) <= near.tiny))
    for side in (1.0, -1.0):
        for _ in range(2):
            if not alike.any():
                return alike
            beside = side * near.away * rng.choice((-1.0, 1.0), x.size) * rng.uniform(0.5, 1.0, x.size)
            there = truth(owner, beside, g, rows, sharp=False)
            slack = there.bound + near.like * there.magnitude
            with np.errstate(invalid="ignore"):
                alike &= (np.abs(answer - there.value) <= slack) & (there.bound <= near.like * there.magnitude)
    return alike
