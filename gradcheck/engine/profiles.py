"""How much is looked at: counts, so that the same seed looks at the same points.

Seconds of the processor end a check only where a forward takes milliseconds, or more at extreme inputs: what was left out then is said.
A machine that is busy with other things changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradcheck.errors import UsageError


@dataclass(frozen=True, slots=True)
class Profile:
    """``short``: coordinates up to which imaginary steps and one difference are tried first; ``whole``: coordinates up to
    which every entry gets a bounded derivative of its own at the given point (``nearby`` at further points); ``probes``:
    random-sign directions per larger argument; ``evaluations``: forward calls after which no further point is begun, one point
    counting for a quarter of them at the most;
    ``shrink``: examples that Hypothesis may try; ``contract``: whether the contract is inspected in full;
    ``extremes``: whether every entry is taken to large values alone;
    ``full``: whether every entry gets a bounded derivative at the given point although the short way decided it;
    ``seconds``: of the processor, after which neither a further point nor the search for a smaller case is begun;
    ``convinced``: points at which every argument was found wrong, after which no further one is looked at.
    """

    name: str
    short: int
    whole: int
    nearby: int
    probes: int
    evaluations: int
    shrink: int
    contract: bool
    seconds: float
    extremes: bool = True
    full: bool = True
    convinced: int = 3


PROFILES = {
    "quick": Profile("quick", 32, 8, 4, 2, 400, 0, False, 10.0, False, False, 1),
    "default": Profile("default", 96, 64, 12, 3, 7_000, 100, True, 60.0),
    "thorough": Profile("thorough", 800, 400, 64, 8, 120_000, 400, True, 600.0),
}


def profile_named(name: str) -> Profile:
    """The profile of that name; a ``UsageError`` names the known ones."""
    try:
        return PROFILES[name]
    except KeyError:
        raise UsageError(f"profile: {name!r} is not known; choose one of {', '.join(PROFILES)}") from None
