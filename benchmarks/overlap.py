"""Roads to a derivative held against each other: ``python -m benchmarks.overlap [--pairs N] [--seed S]``.

Random pairs of an operation of the table and float64 numbers of the whole range, the domain's ends and outsides included.  Four roads
to its partial derivatives: certified by the table's formulas in reverse (``certified_gradient``) and forward (jets over balls),
certified by values alone (``certified_difference``), and mpmath.  Any two certified answers must overlap, and mpmath's must lie
inside all of them.  A road without an answer says why.  Exit code 1 if any two exclude each other.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb

from benchmarks.running import OverTimeError, quiet_and_bounded
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.jets import JetField
from gradcheck.numbers.mpfloats import MPField, context
from gradcheck.numbers.operations import REAL, TABLE
from gradcheck.numbers.program import Program, program
from gradcheck.numbers.tape import Tape
from gradcheck.numbers.truth import Certified, certified_difference, certified_gradient

PARAMETERS: dict[str, tuple[float, ...]] = {
    "powi": (-3, -1, 0, 1, 2, 3, 17),
    "powr": (0.5, -1.5, 2.25, 1 / 3),
    "polygamma": (1, 2, 3),
    "bessel_j": (0, 1, 3),
    "bessel_y": (0, 1, 3),
    "bessel_i": (0, 1, 3),
    "bessel_k": (0, 1, 3),
    "sinc": (0, 1, 2),
    "hyp0f1": (1, 3),
}
"""Exponents and orders at which parametric operations are looked at."""

EDGES = (0.0, 5e-324, 2.0**-1022, 1e-310, 1e-20, 0.5, 1.0, 2.0, 710.0, 1e16, 1e300, sys.float_info.max)
"""Both zeros, subnormal numbers, ends of domains, overflow of the exponential, the largest: with either sign, and neighbours."""

MP_BITS = 300
MP_SLACK = 240
"""mpmath's numbers are taken to be right to 240 of 300 bits: the formulas do not cancel, and its functions lose a few."""

MP_SECONDS, MP_PATIENCE, MP_EVERY = 0.05, 1.0, 20
"""Given to mpmath for each pair, and for every so many-th of an operation; its series take minutes at some large arguments."""

SHARP = 2.0**-60
"""Relative bound of a sharp answer: overlapping says little of wide ones."""


def number(rng: np.random.Generator) -> float:
    """A float64 number: a fifth edges, a fifth any bits at all, the rest of moderate size or in [-1, 1]."""
    kind = rng.integers(5)
    sign = 1.0 if rng.integers(2) else -1.0
    if kind == 0:
        edge = float(rng.choice(EDGES))
        near = edge if rng.integers(2) else math.nextafter(edge, float(rng.choice([-math.inf, math.inf])))
        return sign * (near if math.isfinite(near) else edge)
    if kind == 1:
        return sign * math.ldexp(1 + rng.random(), int(rng.integers(-1074, 1023)))
    if kind == 2:
        return float(rng.uniform(-1, 1))
    return float(rng.normal() * (3.0 if kind == 3 else 100.0))


@dataclass(frozen=True)
class Pair:
    """An operation with its parameter, and its operands."""

    name: str
    parameter: float | None
    operands: tuple[float, ...]

    def __str__(self) -> str:
        given = ", ".join(repr(x) for x in self.operands)
        return f"{self.name}({given}{'' if self.parameter is None else f'; {self.parameter:.17g}'})"


def pairs(count: int, seed: int) -> Iterator[Pair]:
    """Every operation in turn."""
    rng = np.random.default_rng(seed)
    names = list(TABLE)
    for k in range(count):
        name = names[k % len(names)]
        parameter = float(rng.choice(PARAMETERS[name])) if name in PARAMETERS else None
        yield Pair(name, parameter, tuple(number(rng) for _ in TABLE[name].partials))


@lru_cache(maxsize=256)
def alone(name: str, parameter: float | None) -> Program:
    """The program that is one operation."""
    if parameter is not None and parameter == math.floor(parameter) and name != "powr":
        parameter = int(parameter)
    ball = Balls(64)
    with ball.working():
        tape = Tape(ball)
        ids = [tape.input(ball.constants(np.array([0.5]))) for _ in TABLE[name].partials]
        return program(tape, ids, [tape.emit(name, *ids, parameter=parameter)])


ONE = [np.ones(1)]


def by_jets(replayed: Program, inputs: list[Any]) -> list[Any]:
    """The partial derivatives as balls of 128 bits, by jets along each operand."""
    base = Balls(128)
    jets = JetField(base)
    slopes = []
    with base.working():
        for k in range(len(inputs)):
            given = [
                jets.variable(base.constants(x), base.constants(np.full(1, float(i == k))))
                for i, x in enumerate(inputs)
            ]
            value, slope = replayed.evaluate(jets, given)[0].parts
            slopes.append(slope[0] if value[0].is_finite() else arb.nan())
    return slopes


def by_mpmath(replayed: Program, inputs: list[Any], seconds: float) -> tuple[list[Any] | None, str]:
    """The partial derivatives as mpmath's numbers, or None and why there are none."""
    mp = MPField(MP_BITS)
    try:
        with quiet_and_bounded(seconds):
            given = [mp.constants(x) for x in inputs]
            value = replayed.evaluate(mp, given)[0][0]
            if not context(MP_BITS).isfinite(value):
                return None, "the value is not a finite real number"
            slopes = replayed.gradient(mp, given, [mp.constants(ONE[0])])
    except OverTimeError:
        return None, f"took more than {seconds:g} s"
    except MemoryError:
        return None, "took too much memory"
    return [s[0] for s in slopes], ""


def enclosed(c: Certified) -> Any:
    """The certificate's interval as a ball, or None where nothing is known."""
    if not np.isfinite(c.bound[0]):
        return None
    return arb(float(c.value[0])) + arb(float(c.rest[0])) + arb(0, float(c.bound[0]))


@dataclass
class Tally:
    """What happened at one operation's derivatives: answers of each road, reasons for none, and pairs of roads that part."""

    pairs: int = 0
    derivatives: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    sharp: Counter[str] = field(default_factory=Counter)
    silent: Counter[tuple[str, str]] = field(default_factory=Counter)
    parted: list[str] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)


ROADS = ("reverse", "jets", "values", "mpmath")


def compare(pair: Pair, tally: Tally) -> None:
    """All roads at one pair."""
    replayed = alone(pair.name, pair.parameter)
    inputs = [np.array([x]) for x in pair.operands]

    def timed(road: str, call: Any, *arguments: Any) -> Any:
        start = time.perf_counter()
        result = call(*arguments)
        tally.seconds[road] += time.perf_counter() - start
        return result

    reverse = timed("reverse", certified_gradient, replayed, inputs, ONE)
    jets = timed("jets", by_jets, replayed, inputs)
    values = timed("values", certified_difference, replayed, inputs, ONE)
    patience = MP_SECONDS if tally.pairs % MP_EVERY else MP_PATIENCE
    mp, complaint = timed("mpmath", by_mpmath, replayed, inputs, patience)
    tally.pairs += 1
    with Balls(2 * MP_BITS).working():
        for k in range(len(inputs)):
            tally.derivatives += 1
            for road, c in (("reverse", reverse[k]), ("values", values[k])):
                # beside what underflows, too
                tally.sharp[road] += bool(c.bound[0] <= max(SHARP * abs(c.value[0]), 2.0**-1074) < np.inf)
            found: dict[str, Any] = {"reverse": enclosed(reverse[k]), "values": enclosed(values[k])}
            found["jets"] = arb(jets[k]) if arb(jets[k]).is_finite() else None
            point = None if mp is None else arb(mp[k])
            finite = point is not None and point.is_finite()
            found["mpmath"] = point + abs(point) * arb(0, 2.0**-MP_SLACK) if finite else None
            for road in ROADS:
                if found[road] is not None:
                    tally.answered[road] += 1
                else:
                    tally.silent[road, reason(road, pair, found, jets[k], complaint)] += 1
            for i, one in enumerate(ROADS):
                for other in ROADS[i + 1 :]:
                    a, b = found[one], found[other]
                    if a is not None and b is not None and not a.overlaps(b):
                        tally.parted.append(f"{pair}, derivative {k}: {one} {a}, {other} {b}")


def reason(road: str, pair: Pair, found: dict[str, Any], jet: Any, complaint: str) -> str:
    """Why a road has no answer."""
    if road == "mpmath":
        return complaint or "not a finite real number"
    if found["jets"] is not None and road == "reverse":
        return "beyond the range of float64"
    if found["jets"] is None:
        return (
            "no finite ball; mpmath has a number"
            if found["mpmath"] is not None
            else "no finite ball, nor has mpmath one"
        )
    if TABLE[pair.name].domain is REAL:
        return "flint has no complex version"
    return "beyond the range of float64" if found["reverse"] is None else "analytic on none of its discs for certain"


def row(name: str, tally: Tally) -> str:
    """One line of the table."""
    answers = " ".join(f"{tally.answered[road]:8d}" for road in ROADS)
    seconds = " ".join(f"{tally.seconds[road]:8.1f}" for road in ROADS)
    return f"{name:10s} {tally.derivatives:8d} {answers} {len(tally.parted):7d} {seconds}"


def main(count: int, seed: int) -> int:
    """Print the tables.  Returns 1 if any two roads part, or one of them answered nothing."""
    tallies = {name: Tally() for name in TABLE}
    for pair in pairs(count, seed):
        compare(pair, tallies[pair.name])
    total = Tally()
    print(
        f"{count} pairs, seed {seed}: derivatives, answers of each road, pairs of roads that part, seconds of each road"
    )
    print(f"{'operation':10s} {'all':>8s} {' '.join(f'{road:>8s}' for road in ROADS)} {'parted':>7s}")
    for name, tally in tallies.items():
        print(row(name, tally))
        total.derivatives += tally.derivatives
        total.answered += tally.answered
        total.silent += tally.silent
        total.seconds += tally.seconds
        total.sharp += tally.sharp
        total.parted += tally.parted
    print(row("all", total))
    for (road, why), times in sorted(total.silent.items()):
        print(f"  no answer, {road:8s} {times:7d}: {why}")
    for road in ("reverse", "values"):
        print(f"  sharp to 2^{math.log2(SHARP):.0f}, {road:8s} {total.sharp[road]:7d} of {total.answered[road]}")
    for line in total.parted:
        print(f"  parted: {line}")
    kept = not total.parted and all(total.answered[road] for road in ROADS)
    print(f"promised (certified roads overlap in all, mpmath lies inside): {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overlap", description="Roads to a derivative, compared."
    )
    parser.add_argument("--pairs", type=int, default=100_000, help="pairs of an operation and its operands")
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    options = parser.parse_args()
    if options.pairs < 1 or options.seed < 0:
        parser.error("--pairs must be 1 or more and --seed not negative")
    sys.exit(main(options.pairs, options.seed))
