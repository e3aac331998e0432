"""Roads to a derivative overlap at random pairs of an operation and float64 numbers; a road that is wrong is seen to part."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.overlap import ROADS, Pair, Tally, compare, pairs
from gradcheck.numbers import operations
from gradcheck.numbers.operations import REAL, TABLE
from tests.numbers.points import SLOW

REASONS = {
    "beyond the range of float64",
    "analytic on none of its discs for certain",
    "flint has no complex version",
    "no finite ball, nor has mpmath one",
    "no finite ball; mpmath has a number",
    "not a finite real number",
    "the value is not a finite real number",
    "took more than 0.05 s",
    "took more than 1 s",
}


def test_two_thousand_pairs_overlap() -> None:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for pair in pairs(2000, seed=20):
        compare(pair, tallies[pair.name])
    assert [line for tally in tallies.values() for line in tally.parted] == []
    assert tallies.keys() == TABLE.keys()
    for name, tally in tallies.items():
        assert {why for _, why in tally.silent} <= REASONS
        assert tally.answered["reverse"] and tally.answered["jets"], name
        assert bool(tally.answered["values"]) == (TABLE[name].domain is not REAL), name
        assert tally.answered["mpmath"] or name in SLOW, name
        for road in ROADS:
            silent = sum(times for (r, _), times in tally.silent.items() if r == road)
            assert tally.answered[road] + silent == tally.derivatives
    answered: Counter[str] = Counter()
    sharp: Counter[str] = Counter()
    for tally in tallies.values():
        answered += tally.answered
        sharp += tally.sharp
    # What is missed are the two functions without a complex version, and what flint cannot bound.
    assert answered["values"] >= 0.95 * answered["reverse"]
    # Overlapping says little of wide answers.
    assert sharp["reverse"] >= 0.95 * answered["reverse"] and sharp["values"] >= 0.95 * answered["values"]


POINTS = [Pair("tanh", None, (0.7,)), Pair("erfcinv", None, (3e-79,)), Pair("polygamma", 2.0, (-7.3,))]


@pytest.mark.parametrize("pair", POINTS, ids=str)
def test_right_roads_overlap(pair: Pair) -> None:
    tally = Tally()
    compare(pair, tally)
    assert tally.parted == [] and tally.answered["mpmath"] == 1


def seen(pair: Pair, monkeypatch: pytest.MonkeyPatch, **wrong: Any) -> str:
    monkeypatch.setitem(operations.TABLE, pair.name, replace(TABLE[pair.name], **wrong))
    tally = Tally()
    compare(pair, tally)
    return "; ".join(tally.parted)


def test_a_wrong_formula_parts_from_values(monkeypatch: pytest.MonkeyPatch) -> None:
    parted = seen(POINTS[0], monkeypatch, partials=(lambda k, x, y: k.powi(k.sech(x), n=2) * (1 + 2.0**-50),))
    assert "reverse" in parted and "values" in parted


def test_a_function_of_mpmaths_that_cancels_parts_from_balls(monkeypatch: pytest.MonkeyPatch) -> None:
    parted = seen(POINTS[1], monkeypatch, mp=lambda m, x: m.erfinv(1 - x))
    assert "mpmath" in parted and "values" not in parted


@pytest.mark.parametrize("kind", ["asinh", "expi", "polygamma"])
def test_continuations_of_our_own_are_bounded_where_flints_are_not(kind: str) -> None:
    point = {"asinh": 8.8e282, "expi": -3.1, "polygamma": -1e6 + 0.5}[kind]
    tally = Tally()
    compare(Pair(kind, 1.0 if kind == "polygamma" else None, (point,)), tally)
    assert tally.parted == [] and tally.sharp["values"] == tally.sharp["reverse"] == 1
