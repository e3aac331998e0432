"""What was seen at one point: the answer, the truth, and the judgement of every coordinate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradcheck.engine.judge import Judgement, Truth
from gradcheck.engine.probes import Probe
from gradcheck.flat import Layout
from gradcheck.records import Array, Observation, Point


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one point.  ``judgement`` is per row of ``basis``, or None where probes were used instead."""

    point: Point
    observation: Observation
    layout: Layout
    answer: Array
    basis: Array | None
    truth: Truth | None
    judgement: Array | None
    probes: tuple[tuple[int, Probe], ...]
    evaluations: int
    slack: Array | None = None

    @property
    def settled(self) -> Array:
        """Rows whose judgement says something."""
        assert self.judgement is not None
        return np.asarray(self.judgement != Judgement.INCONCLUSIVE)

    def with_rows(self, rows: Array, other: Look) -> Look:
        """This look with some rows from another one, that looked at these rows only."""
        assert self.truth is not None and other.truth is not None
        assert self.judgement is not None and self.slack is not None
        judgement, slack = self.judgement.copy(), self.slack.copy()
        judgement[rows], slack[rows] = other.judgement, other.slack
        known = self.truth.with_rows(rows, other.truth)
        return replace(self, truth=known, judgement=judgement, slack=slack, evaluations=other.evaluations)

    def or_else(self, made: Look) -> Look:
        """This look, with rows that it left open taken from the short one, if that one found them right."""
        assert self.judgement is not None and made.judgement is not None
        assert self.slack is not None and made.slack is not None
        agreed = ~self.settled & (self.judgement == Judgement.INCONCLUSIVE) & (made.judgement == Judgement.RIGHT)
        judgement = np.where(agreed, int(Judgement.RIGHT), self.judgement)
        return replace(self, judgement=judgement, slack=np.where(agreed, made.slack, self.slack))

    def rows_of(self, leaf: int) -> Array:
        """The rows of the basis that move this active leaf."""
        assert self.basis is not None
        span = self.layout.spans()[leaf]
        return np.flatnonzero(np.any(self.basis[:, span] != 0, axis=1))
