"""The float32 sweep: errors in ulp are those of single numbers in high precision, it resumes, and a wrong rule is measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

pytest.importorskip("sympy")
pytest.importorskip("z3")

from gradcheck import catalogue
from gradcheck.claim import REALS
from gradcheck.cli import OK, WRONG_USAGE, execute
from gradcheck.proofs import sweep as module
from gradcheck.proofs.sweep import State, sweep
from reference_nets.rules import RULES

FIRST = 0x3F20
"""The block that begins with 0.625."""


def run(rule: Callable[..., Any], path: Path, **more: Any) -> State:
    return sweep(np.tanh, rule, REALS, {}, path, **({"first": FIRST, "last": FIRST + 1} | more))


def test_the_worst_error_is_that_of_single_numbers_in_high_precision(tmp_path: Path) -> None:
    state = run(RULES["tanh"], tmp_path / "state")
    assert (state.judged, state.undecided, state.infinite) == (module.BLOCK, 0, 0) and sum(state.errors) == module.BLOCK
    x = np.arange(FIRST << 16, (FIRST + 1) << 16, 97, dtype=np.uint32).view(np.float32)
    (given,) = RULES["tanh"](np.ones_like(x), x)
    with mpmath.workprec(120):
        errors = [
            abs(mpmath.mpf(float(r)) - mpmath.sech(float(v)) ** 2) / 2.0**-24 for r, v in zip(given, x, strict=True)
        ]
        (at,) = RULES["tanh"](np.float32([1.0]), np.float32([state.where]))
        worst = float(abs(mpmath.mpf(float(at[0])) - mpmath.sech(state.where) ** 2) / 2.0**-24)
    assert max(errors) <= state.worst + 2 * module.WIDEST
    assert abs(worst - state.worst) <= 2 * module.WIDEST  # the derivative there lies in [1/2, 1), whose ulp is 2^-24


@pytest.mark.parametrize(("factor", "ulps"), [(1 + 2.0**-18, 16.0), (1 - 2.0**-14, 256.0)])
def test_a_wrong_rule_is_measured(factor: float, ulps: float, tmp_path: Path) -> None:
    state = run(lambda g, x: (g * (1 - np.tanh(x) ** 2) * np.float32(factor),), tmp_path / "state")
    assert state.worst > ulps  # |factor - 1| times 2^23 and more


def test_a_rule_that_is_wrong_at_one_number_is_found(tmp_path: Path) -> None:
    spot = np.array([(FIRST << 16) + 12345], np.uint32).view(np.float32)[0]

    def rule(g: Any, x: Any) -> Any:
        (slope,) = RULES["tanh"](g, x)
        return (np.where(x == spot, np.float32(0.5), slope),)

    assert run(rule, tmp_path / "state").where == spot
    lost = run(lambda g, x: (np.where(x == spot, np.float32(np.nan), RULES["tanh"](g, x)[0]),), tmp_path / "other")
    assert (lost.infinite, lost.where) == (1, spot)


def test_ties_and_what_lies_outside_are_counted_and_not_judged(tmp_path: Path) -> None:
    relu = catalogue.operator("relu")
    zero = sweep(relu.definition, RULES["relu"], REALS, {}, tmp_path / "a", first=0, last=1)
    assert (zero.kinks, zero.judged, zero.worst) == (1, module.BLOCK - 1, 0.0)
    nans = sweep(relu.definition, RULES["relu"], REALS, {}, tmp_path / "b", first=0x7F80, last=0x7F81)
    assert (nans.outside, nans.judged) == (module.BLOCK, 0)


def test_a_sweep_that_was_stopped_goes_on_and_ends_as_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.0)
    seen: list[int] = []

    def stop(state: State) -> None:
        seen.append(state.next)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(RULES["tanh"], tmp_path / "state", last=FIRST + 4, tell=stop)
    resumed = run(RULES["tanh"], tmp_path / "state", last=FIRST + 4, tell=stop)
    whole = run(RULES["tanh"], tmp_path / "whole", last=FIRST + 4)
    assert seen == [FIRST + 1, FIRST + 2, FIRST + 3, FIRST + 4]
    assert (resumed.judged, resumed.errors, resumed.worst) == (whole.judged, whole.errors, whole.worst)
    fresh = run(lambda g, x: (g,), tmp_path / "state", last=FIRST + 4)  # another rule: the state is not taken over
    assert fresh.judged == whole.judged and fresh.worst > 1000


def test_the_command_sweeps_and_says_what_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module.sweep, "__kwdefaults__", {"first": 0x3F80, "last": 0x3F81, "tell": lambda state: None})
    assert execute(["prove", "--float32", "square", "--output", str(tmp_path)]) == OK
    assert "square, all float32 numbers: 65536 inputs judged" in capsys.readouterr().out
    assert execute(["prove", "--float32", "multiply", "--output", str(tmp_path)]) == WRONG_USAGE
    assert "more than a single argument" in capsys.readouterr().err
