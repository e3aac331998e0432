"""The mutator of the reference rules: what it changes, that it puts it back, and what it asks of survivors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.mutation import EQUIVALENTS, Answer, applied, codes, collected, equivalents, judged, reached, report
from benchmarks.mutation_kinds import Mutant, mutants_of
from reference_nets.rules import RULES

TEXT = """
def rule(g: "a + b", x, k=1.0):
    '''Doc + string.'''
    low = x[0] < x[-1]
    return np.sum(np.where(low, g, x), axis=-1) - 2.0 / (x @ g)
"""


def changes(text: str) -> set[str]:
    return {mutant.key.removeprefix("m.rule ") for mutant in mutants_of(text, "/rules/m.py")}


def test_each_kind_of_fault_is_made_and_annotations_and_defaults_are_left_alone() -> None:
    whole = "np.sum(np.where(low, g, x), axis=-1) - 2.0 / (x @ g)"
    assert changes(TEXT) == {
        "comparison: x[0] < x[-1] -> x[0] <= x[-1]",
        "index: x[0] -> x[1]",
        "index: x[-1] -> x[0]",
        f"sign: {whole} -> {whole.replace(' - 2', ' + 2')}",
        f"dropped term: {whole} -> np.sum(np.where(low, g, x), axis=-1)",
        f"dropped term: {whole} -> 2.0 / (x @ g)",
        "axis: np.sum(np.where(low, g, x), axis=-1) -> np.sum(np.where(low, g, x), axis=0)",
        "operand: np.where(low, g, x) -> np.where(low, x, g)",
        "factor: 2.0 / (x @ g) -> 2.0 * (x @ g)",
        "operand: 2.0 / (x @ g) -> x @ g / 2.0",
        "dropped term: 2.0 / (x @ g) -> 2.0",
        "dropped term: 2.0 / (x @ g) -> x @ g",
        "factor: 2.0 -> 4.0",
        "operand: x @ g -> g @ x",
    }


def test_a_change_that_changes_nothing_is_none() -> None:
    assert changes("def rule(g, x):\n    return x @ x\n") == set()
    assert changes("def rule(g, x):\n    return g @ x\n") == {"operand: g @ x -> x @ g"}


def wrong(start: str) -> tuple[Mutant, tuple[str, ...]]:
    return next(job for job in collected("divide") if job[0].key.startswith(start))


def test_a_mutant_is_in_place_only_within_the_context() -> None:
    mutant, names = wrong("elementwise.divide factor: g / y")
    g, x, y = np.array([3.0]), np.array([1.0]), np.array([2.0])
    assert RULES["divide"](g, x, y)[0] == 1.5
    with pytest.raises(KeyError), applied(mutant, names):
        assert RULES["divide"](g, x, y)[0] == 6.0
        raise KeyError
    assert RULES["divide"](g, x, y)[0] == 1.5


@pytest.mark.parametrize("start", ["elementwise.divide sign", "elementwise.divide_jvp sign"])
def test_a_wrong_rule_is_killed(start: str) -> None:
    mutant, names = wrong(start)
    assert judged(mutant, names, (("quick", True),)).by == "divide"


def test_a_mutant_that_changes_nothing_survives() -> None:
    path = Path(RULES["divide"].__code__.co_filename)
    same = next(m for m in mutants_of(path.read_text(encoding="utf-8"), str(path)) if m.function == "log")
    unused = Mutant(same.file, same.line, "log", same.kind, "elementwise.log none", same.tree)
    assert judged(unused, ("divide",), (("quick", False),)).by == ""  # the rule of divide does not use log


def test_a_survivor_needs_a_reason_and_a_killed_one_must_have_none() -> None:
    mutant, _ = wrong("elementwise.divide sign")
    said: list[str] = []
    assert not report([Answer(mutant, "")], {}, said.append)
    assert "SURVIVES WITHOUT A REASON" in said[0]
    assert f"elementwise.py:{mutant.line}" in said[0]
    assert report([Answer(mutant, "")], {mutant.key: "both are the same number"}, said.append)
    assert report([Answer(mutant, "divide")], {}, said.append)
    assert not report([Answer(mutant, "divide")], {mutant.key: "both are the same number"}, said.append)
    assert not report([], {}, said.append)


def test_a_report_has_the_share_of_all_and_that_of_those_that_are_not_equivalent() -> None:
    mutant, _ = wrong("elementwise.divide sign")
    other, _ = wrong("elementwise.divide factor")
    said: list[str] = []
    answers = [Answer(mutant, "divide")] * 3 + [Answer(other, "")]
    assert report(answers, {other.key: "the divisor is one"}, said.append)
    assert said[-2].split() == "all 3 of 4 killed, 75.0 %".split()
    assert said[-1].split() == "not equivalent 3 of 3 killed, 100.0 %".split()
    assert not report(answers, {}, said.append)
    assert said[-1].split()[-2:] == ["75.0", "%"]


def test_every_reason_is_that_of_a_mutant() -> None:
    keys = {mutant.key for mutant, _ in collected("*")}
    assert not set(equivalents(EQUIVALENTS.read_text(encoding="utf-8"))) - keys


@pytest.mark.parametrize("line", ["f sign: a | b", "f sign: a -> b | ", "f sign: a -> b"])
def test_a_line_without_a_reason_is_refused(line: str) -> None:
    if line == "f sign: a | b":
        assert equivalents(f"# comment\n\n{line}\n") == {"f sign: a": "b"}
    else:
        with pytest.raises(ValueError, match="line 1"):
            equivalents(line)


def test_a_rule_reaches_its_helpers_but_no_rule_named_like_a_function_of_numpy() -> None:
    names = {function.__name__ for function in reached(RULES["power"]).values()}
    assert {"power", "_power_slopes", "unbroadcast"} <= names
    assert "log" not in names  # _power_slopes calls np.log, and "log" is a rule of the same file


def test_a_dropped_name_of_a_closure_leaves_its_cell_in_place() -> None:
    """``power(3)`` without its exponent: the function has a cell for it, which the mutant must have, too."""
    text = "def power(n):\n    def vjp(g, x):\n        return n * g * x\n    return vjp\n"
    mutant = next(m for m in mutants_of(text, "m.py") if m.key == "m.power dropped term: n * g -> g")
    space: dict[str, Any] = {}
    exec(compile(text, "m.py", "exec"), space)
    rule = space["power"](3)
    inner = next(c for c in codes(compile(mutant.tree, "m.py", "exec")) if c.co_name == "vjp")
    assert rule(2, 5) == 30
    assert inner.co_freevars == rule.__code__.co_freevars == ("n",)
    rule.__code__ = inner
    assert rule(2, 5) == 10
