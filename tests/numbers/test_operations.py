"""Every operation of the table: balls contain mpmath's numbers, and formulas are derivatives of the values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.numbers.balls import Balls
from gradcheck.numbers.mpfloats import context
from gradcheck.numbers.operations import REAL, TABLE, Operation
from gradcheck.numbers.program import Program, program
from gradcheck.numbers.tape import Tape
from gradcheck.numbers.truth import certified_difference
from tests.numbers.points import CASES, SLOW, in_balls, in_mpmath, meets, operands

HUGE = {"exp", "expm1", "sinh", "cosh", "powi", "erfi", "pow", "gamma"}
"""Operations whose value may be beyond what flint's exponents hold, or whose domain has holes (1/0)."""

NAMES = [f"{name}{'' if n is None else f' {n:.3g}'}" for name, n in CASES]


@pytest.mark.parametrize(("name", "n"), CASES, ids=NAMES)
def test_balls_contain_mpmaths_numbers_at_twice_the_precision(name: str, n: float | None) -> None:
    seen = []

    @settings(max_examples=4 if name in SLOW else 60)
    @given(operands(name))
    def holds(x: tuple[float, ...]) -> None:
        value, slopes = in_balls(TABLE[name], x, n)
        other, others = in_mpmath(TABLE[name], x, n, 300)
        for ball, number in zip([value, *slopes], [other, *others], strict=True):
            if isinstance(ball, int):
                continue
            finite = ball.is_finite()
            assert finite or name in HUGE, x
            if finite and context(300).isfinite(number):
                seen.append(x)
                assert meets(ball, number, 240), (x, ball, number)

    holds()
    assert seen


def alone(name: str, x: tuple[float, ...], n: float | None) -> Program:
    """The program that is one operation."""
    field = Balls(128)
    with field.working():
        tape = Tape(field)
        ids = [tape.input(field.constants(np.array([v]))) for v in x]
        return program(tape, ids, [tape.emit(name, *ids, parameter=n)])


def derivative_agrees(operation: Operation, x: tuple[float, ...], n: float | None) -> bool | None:
    """Whether the formulas meet what values alone say; None where these say too little to tell a part in 2^50."""
    _, slopes = in_balls(operation, x, n, 256)
    for k, found in enumerate(slopes):
        if operation.domain is REAL:
            truth, slack = _by_mpmath(operation.name, x, n, k), 2.0**-100
        else:
            known = certified_difference(alone(operation.name, x, n), [np.array([v]) for v in x], [np.ones(1)])[k]
            if not known.bound[0] <= 2.0**-55 * abs(known.value[0]):
                return None
            with Balls(256).working():
                truth = arb(known.value[0]) + arb(known.rest[0]) + arb(0, known.bound[0])
            slack = 0.0
        with Balls(256).working():
            ball = arb(found)
            if not ball.is_finite():
                return None
            if not ball.overlaps(truth + abs(truth) * arb(0, slack)):
                return False
    return True


def _by_mpmath(name: str, x: tuple[float, ...], n: float | None, k: int) -> Any:
    from gradcheck.numbers.mpfloats import MPField

    def line(t: Any) -> Any:
        field = MPField(t.context.prec)
        moved = [field.constants(np.array([v])) for v in x]
        moved[k][0] = moved[k][0] + context(field.bits).mpf(t)
        return t.context.mpf(field.apply(TABLE[name], tuple(moved), n)[0])

    with Balls(256).working():
        return arb(context(256).diff(line, 0))


@pytest.mark.parametrize(("name", "n"), CASES, ids=NAMES)
def test_formulas_are_the_derivatives_of_the_values(name: str, n: float | None) -> None:
    decided = []

    @settings(max_examples=5 if name in SLOW or TABLE[name].domain is REAL else 30)
    @given(operands(name))
    def holds(x: tuple[float, ...]) -> None:
        answer = derivative_agrees(TABLE[name], x, n)
        decided.append(answer is not None)
        assert answer is not False

    holds()
    assert any(decided)


@pytest.mark.parametrize(("name", "n"), CASES, ids=NAMES)
def test_a_formula_that_is_off_by_a_part_in_2_to_the_50_is_refused(name: str, n: float | None) -> None:
    right = TABLE[name]
    x = (0.4375, 0.8125)[: len(right.partials)] if name != "acosh" else (1.4375,)
    assert derivative_agrees(right, x, n)
    for k, formula in enumerate(right.partials):
        wrong = [*right.partials]
        wrong[k] = _off(formula)
        assert derivative_agrees(replace(right, partials=tuple(wrong)), x, n) is False


def _off(formula: Any) -> Any:
    def wrong(*arguments: Any) -> Any:
        slope = formula(*arguments)
        with Balls(256).working():
            factor = 1 + arb(2.0**-50)
            return np.array([slope * factor], object) if isinstance(slope, int) else slope * factor

    return wrong


@given(st.floats(-1e300, 1e300), st.sampled_from(["exp", "tanh", "expit", "log_expit", "sech", "atan"]))
def test_float64_is_within_its_own_rounding_of_the_balls(x: float, name: str) -> None:
    from gradcheck.numbers.floats import FLOAT64

    ball, _ = in_balls(TABLE[name], (x,), None)
    with FLOAT64.working():
        found = FLOAT64.apply(TABLE[name], (np.array([x]),))[0]
    if np.isfinite(found) and ball.is_finite():
        # four ulp is what the libraries promise, and 2^-1022 where the result leaves the normal numbers
        with Balls(128).working():
            assert abs(ball - arb(found)) < abs(arb(found)) * 2.0**-50 + arb(2.0**-1022)
