"""The tape and its replay: constants, comparisons, dead code, sums over places that occur many times."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from flint import arb

from gradcheck.numbers.balls import Balls, ComplexBalls, precision
from gradcheck.numbers.errors import Undecided
from gradcheck.numbers.floats import FLOAT64
from gradcheck.numbers.program import program
from gradcheck.numbers.tape import Tape

FIELD = Balls(128)


@pytest.fixture
def tape() -> Iterator[Tape]:
    with FIELD.working():
        yield Tape(FIELD)


def test_place_zero_is_zero_and_equal_constants_share_a_place(tape: Tape) -> None:
    assert tape.constant(0.0) == tape.constant(-0.0) == 0
    assert tape.constant(0.1) == tape.constants(np.array([0.1]))[0]
    many = tape.constants(np.array([[0.5, 0.1, 2.0], [0.5, 3.0, 0.1]]))
    assert np.array_equal(tape.floats[many], [[0.5, 0.1, 2.0], [0.5, 3.0, 0.1]])


def test_instructions_own_their_places(tape: Tape) -> None:
    ids = tape.input(FIELD.constants(np.array([2.0, 3.0])))
    out = tape.emit("mul", ids, ids)
    made = program(tape, [ids.copy()], [out])
    ids[:] = 0
    assert [float(v) for v in made.evaluate(FIELD, [FIELD.constants(np.array([2.0, 3.0]))])[0]] == [4.0, 9.0]


def test_an_undecided_comparison_raises_and_a_decided_one_is_noted(tape: Tape) -> None:
    wide = tape.input(np.array([arb(0, 1), arb(3)], object))
    with pytest.raises(Undecided, match="maximum cannot be decided"):
        tape.compare("maximum", wide[:1], np.array([0]))
    assert tape.compare("maximum", wide[1:], np.array([0])).tolist() == [1]
    assert [(d.call, d.order.tolist()) for d in tape.decisions] == [("maximum", [1])]
    assert not tape.ties


def test_constants_are_compared_without_a_note(tape: Tape) -> None:
    assert tape.compare(
        "less", tape.constants(np.array([1.0, 2.0])), tape.constants(np.array([2.0, 2.0]))
    ).tolist() == [-1, 0]
    assert not tape.decisions


def test_a_place_against_itself_is_equal_without_a_tie(tape: Tape) -> None:
    wide = tape.input(np.array([arb(0, 1)], object))
    assert tape.compare("equal", wide, wide).tolist() == [0]
    assert not tape.ties


def test_what_no_output_needs_is_left_out(tape: Tape) -> None:
    x = tape.input(FIELD.constants(np.array([-1.0, 4.0])))
    tape.emit("log", x)
    roots = tape.emit("sqrt", x)
    made = program(tape, [x], [roots[1:]])
    assert [(s.name, s.places.size) for s in made.steps] == [("sqrt", 1)]


def test_a_place_that_occurs_many_times_gets_all_its_terms(tape: Tape) -> None:
    x = tape.input(FIELD.constants(np.array([2.0, 5.0])))
    total = tape.reduce("sum", np.array([[x[0], x[0], x[1]]]))
    product = tape.reduce("dot", np.array([[x[0], x[0]]]), np.array([[x[0], x[1]]]))
    made = program(tape, [x], [total, product])
    given = [FIELD.constants(np.array([2.0, 5.0]))]
    ones = FIELD.constants(np.ones(1))
    slopes = made.gradient(FIELD, given, [ones, ones])[0]
    assert [float(v) for v in slopes] == [2.0 + (4.0 + 5.0), 1.0 + 2.0]


def test_a_batch_is_each_of_its_rows(tape: Tape) -> None:
    x = tape.input(FIELD.constants(np.array([0.3, 0.4])))
    y = tape.emit("mul", tape.emit("tanh", x), tape.constants(np.full(2, 3.0)))
    made = program(tape, [x], [tape.reduce("sum", y[None])])
    rows = np.array([[0.3, 0.4], [-1.0, 2.0], [5.0, 0.0]])
    together = made.evaluate(FLOAT64, [rows])[0]
    slopes = made.gradient(FLOAT64, [rows], [np.ones((3, 1))])[0]
    for k, row in enumerate(rows):
        assert together[k] == made.evaluate(FLOAT64, [row])[0]
        assert np.array_equal(slopes[k], made.gradient(FLOAT64, [row], [np.ones(1)])[0])


def test_a_ball_around_zero_is_not_a_cotangent_of_zero(tape: Tape) -> None:
    x = tape.input(FIELD.constants(np.array([2.0])))
    made = program(tape, [x], [tape.emit("exp", x)])
    slope = made.gradient(FIELD, [FIELD.constants(np.array([2.0]))], [np.array([arb(0, 1)], object)])[0][0]
    assert slope.contains(arb(2).exp()) and slope.contains(-arb(2).exp())


def test_precision_is_restored_when_the_block_raises() -> None:
    from flint import ctx

    before = ctx.prec
    with pytest.raises(RuntimeError), precision(999):
        assert ctx.prec == 999
        raise RuntimeError
    assert ctx.prec == before


def test_complex_balls_that_touch_a_cut_are_no_numbers() -> None:
    from flint import acb

    from gradcheck.numbers.operations import TABLE

    plane = ComplexBalls(128)
    with plane.working():
        touching = np.array([acb(arb(0, 1), arb(0, 1))], object)
        clear = np.array([acb(arb(3, 1), arb(0, 1))], object)
        for name in ("sqrt", "log", "lgamma", "cbrt"):
            assert not plane.apply(TABLE[name], (touching,))[0].is_finite()
            assert plane.apply(TABLE[name], (clear,))[0].is_finite()
        with pytest.raises(Exception, match="erfcinv is not an operation of complex balls"):
            plane.apply(TABLE["erfcinv"], (clear,))
