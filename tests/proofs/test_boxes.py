"""Taylor models: what is proved of an interval holds at its points, and what is false is refuted with a box or given up."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb

from gradcheck import catalogue
from gradcheck.cli import NOT_OK, OK, WRONG_USAGE, execute
from gradcheck.errors import UsageError
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.program import Program
from gradcheck.numbers.tracing import trace
from gradcheck.proofs.boxes import Bounds, between, dyadic, enclosure, near, slopes
from gradcheck.proofs.intervals import on_interval
from reference_nets.rules import RULES


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def text(function: Callable[..., Any], *point: float) -> Program:
    return trace(function, [np.array(x) for x in point], field=Balls(256)).program


SIGMOID = text(sigmoid, 0.3)


def rule(factor: float) -> Program:
    return text(lambda g, x: g * factor * sigmoid(x) * (1 - sigmoid(x)), 1.0, 0.3)


def test_the_slope_of_the_sigmoid_lies_above_0_and_up_to_a_quarter() -> None:
    bounds = Bounds(0.0, 0.25, strict_low=True)
    assert between(SIGMOID, (-20.0, 20.0), bounds).result == "proved"
    assert between(SIGMOID, (-20.0, 31.0), bounds).result == "unknown"  # no box has 0 in its centre or at its end
    assert between(SIGMOID, (-20.0, 0.0), bounds).result == "proved"


@pytest.mark.parametrize("bounds", [Bounds(high=0.25, strict_high=True), Bounds(high=0.249), Bounds(low=2.0**-20)])
def test_a_false_bound_is_refuted_with_a_box_in_which_it_fails(bounds: Bounds) -> None:
    shown = between(SIGMOID, (-20.0, 20.0), bounds)
    assert shown.result == "refuted" and shown.failing is not None
    low, high = shown.failing
    middle = (low + high) / 2
    slope = math.exp(-abs(middle)) / (1 + math.exp(-abs(middle))) ** 2
    assert not (bounds.low <= slope and (slope < bounds.high if bounds.strict_high else slope <= bounds.high))


def test_a_rule_is_as_near_as_is_said_and_one_that_is_off_is_refuted() -> None:
    assert near(SIGMOID, rule(1.0), (-4.0, 4.0), 0.0, 2.0**-16).result == "proved"
    shown = near(SIGMOID, rule(1 + 2.0**-20), (-4.0, 4.0), 0.0, 2.0**-30)
    assert shown.result == "refuted" and shown.failing is not None
    room = near(SIGMOID, rule(1 + 2.0**-40), (-4.0, 4.0), 0.0, 2.0**-16)
    assert room.result == "proved" and room.bound >= 0.25 * 2.0**-40


def test_the_enclosure_of_a_box_contains_the_slope_at_its_points() -> None:
    box = (0.5, 1.25)
    with Balls(1280).working():
        ball = enclosure(slopes(SIGMOID)([box])[0], box)
        for k in range(9):
            x = arb(box[0]) + arb(k) / 8 * (arb(box[1]) - arb(box[0]))
            power = (-x).exp()
            assert ball.overlaps(power / (1 + power) ** 2)


@pytest.mark.parametrize("ends", [(-3.0, 2.5), (40.0, math.inf), (-math.inf, -50.0), (0.0, 0.5)])
def test_dyadic_boxes_cover_an_interval_without_gaps(ends: tuple[float, float]) -> None:
    boxes = sorted(dyadic(*ends))
    assert boxes[0][0] == max(ends[0], -(2.0**1023)) and boxes[-1][1] == min(ends[1], 2.0**1023)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(boxes))


def test_the_command_proves_what_holds_on_an_interval_and_refuses_what_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["prove", "sigmoid", "--box", "-20", "20", "--output", str(tmp_path)]
    for claim, code, said in [
        (
            ["--above", "0", "--below", "0.25"],
            OK,
            "proved: sigmoid: derivative > 0 and <= 0.25 on [-20, 20], ",
        ),
        (["--above", "0", "--below", "0.24"], NOT_OK, "refuted: sigmoid"),
        (
            ["--eps", "1e-6"],
            OK,
            "proved: sigmoid: |rule - derivative| <= 1e-06",
        ),  # the remainder of order 4 can carry it
    ]:
        assert execute([*command, *claim]) == code
        assert said in capsys.readouterr().out.replace("\n", " ")
        (record,) = json.loads((tmp_path / "boxes" / "sigmoid.json").read_text())
        assert record["result"] == ("proved" if code == OK else "refuted") and record["interval"] == [-20.0, 20.0]


@pytest.mark.parametrize("claim", [[], ["--eps", "1", "--below", "1"], ["--eps", "-1"], ["--below", "inf"]])
def test_a_box_without_one_sensible_claim_is_bad_usage(claim: list[str]) -> None:
    assert execute(["prove", "sigmoid", "--box", "-1", "1", *claim]) == WRONG_USAGE


def test_a_wrong_rule_is_refuted_on_an_interval_and_a_kink_in_it_is_left_out() -> None:
    operator = catalogue.operator("sigmoid")
    wrong = on_interval(operator, lambda g, x: g * sigmoid(x), {}, (-1.0, 1.0), 2.0**-10)
    assert wrong["result"] == "refuted" and wrong["failing"] is not None
    kinked = on_interval(catalogue.operator("abs"), RULES["abs"], {}, (-1.0, 2.0), 2.0**-10)
    assert kinked["result"] == "proved" and kinked["except"] == [0.0]
    one_sided = on_interval(catalogue.operator("abs"), lambda g, x: g + 0 * x, {}, (-1.0, 2.0), 2.0**-10)
    assert one_sided["result"] == "refuted" and one_sided["failing"][1] <= 0
    with pytest.raises(UsageError, match="the lower first"):
        on_interval(operator, RULES["sigmoid"], {}, (1.0, -1.0), 2.0**-10)
