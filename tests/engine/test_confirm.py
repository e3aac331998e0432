"""Wrong findings about operators are computed once more by mpmath, which may also take the side of the answer."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from scipy import fft

from gradcheck import records_io
from gradcheck.catalogue import operator
from gradcheck.engine.confirm import confirmed, distance
from gradcheck.engine.verify import verify_operator
from gradcheck.oracles.high_precision import BITS, DIGITS, derivative, value
from gradcheck.records import Finding, Point, Record, Severity, Status, Verdict
from gradcheck.report import text
from gradcheck.report.terminal import describe
from gradcheck.subjects.callables import arrange
from gradcheck.subjects.protocol import Implementation

ONE = np.ones(())


def exact(function, x, index=(), g=None, **kwargs):
    out = np.asarray(function(np.array(x), **kwargs))
    options = {"kwargs": kwargs, "limit": 10_000, "rng": np.random.default_rng(0)}
    return derivative(
        function, [np.array(x)], [0], [np.ones(out.shape) if g is None else g], (out,), (0, index), **options
    )


@pytest.mark.parametrize(
    ("function", "known", "x"),
    [
        (np.sin, mpmath.cos, 0.75),
        (np.sin, mpmath.cos, 1e15),
        (np.log, lambda v: 1 / v, 3e-300),
        (np.sqrt, lambda v: 1 / (2 * mpmath.sqrt(v)), 5e-324),
        (np.exp, mpmath.exp, -700.0),
        (lambda x: x / np.sqrt(x * x + 1e-200), lambda v: 1e-200 / (v * v + 1e-200) ** mpmath.mpf(1.5), 1e-101),
        (lambda x: 1e-300 * np.tanh(x), lambda v: 1e-300 / mpmath.cosh(v) ** 2, 0.5),
    ],
)
def test_a_derivative_has_fifty_digits(function, known, x):
    found = exact(function, x)
    with mpmath.workprec(400):
        want = known(mpmath.mpf(x))
        assert found.digits >= DIGITS - 1
        assert abs(found.values[0] - want) <= mpmath.mpf(10) ** (1 - found.digits) * abs(want)


def test_digits_are_not_claimed_that_the_steps_do_not_share():
    """exp(-1/t^2)'s own length at 2^-12 is 2^-36: still far above the step; a staircase of length 2^-900 is not."""
    steep = 2.0**-900
    found = exact(lambda x: steep * np.sin(x / steep), 1.0)
    with mpmath.workprec(4000):
        want = mpmath.cos(mpmath.mpf(2) ** 900)
        right = abs(found.values[0] - want) <= 10 * mpmath.mpf(10) ** -found.digits * abs(want)
    assert right


@pytest.mark.parametrize(("function", "x"), [(np.cos, 0.0), (lambda x: x**4, 0.0), (lambda x: x - x, 0.3)])
def test_a_derivative_of_zero_is_zero(function, x):
    found = exact(function, x)
    assert (found.values, found.digits) == ((0,), DIGITS)


def test_beside_a_kink_there_is_a_gradient_for_each_branch():
    found = exact(np.abs, np.array([0.0, 2.0]), (0,))
    assert found.values == (-1, 1)
    assert found.gradients.tolist() == [[-1, 1], [1, 1]]
    found = exact(lambda x: np.max(x, axis=0), np.array([1.5, 1.5, 0.0]), (1,))
    assert found.values == (0, 1) and found.gradients.tolist() == [[0, 1, 0], [1, 0, 0]]


def test_a_root_has_a_slope_to_either_side():
    found = exact(lambda x: np.sqrt(np.sum(x * x)), np.zeros(2), (0,))
    assert (found.values, found.gradients) == ((-1, 1), None) and "either side" in found.method


def test_at_the_tip_of_a_root_nan_is_refuted_and_what_lies_between_the_slopes_is_not():
    """The generalised gradients of |x| are the disc: (1, 1) is none, and its entries alone do not show it."""
    _, found = wrong_of("hypot", lambda g, x, y: (g * x / np.hypot(x, y), g * y / np.hypot(x, y)))
    [worst] = {f.argument: f for f in found if f.code == "GC102" and f.argument == "x1"}.values()
    assert worst.confirmation.refutes and len(worst.confirmation.values) == 2

    def corner(g, x, y):
        z = np.where(np.hypot(x, y) == 0, 1.0, np.hypot(x, y))
        return tuple(np.where(np.hypot(x, y) == 0, g, g * v / z) for v in (x, y))

    _, found = wrong_of("hypot", corner)
    assert found and all(f.severity is Severity.WRONG for f in found)
    assert "no comparison makes" in found[0].confirmation.method


def test_what_cannot_be_traced_says_why():
    assert "scipy.fft" in exact(lambda x: fft.dct(x), np.ones(4), (0,))


def test_a_text_that_is_traced_otherwise_than_it_computes_says_so():
    def moody(x):
        moody.calls += 1
        return x * moody.calls

    moody.calls = 0
    assert "does not give the values" in exact(moody, 0.5)


def test_values_have_fifty_digits_too():
    x = np.array([0.5, 0.25])
    found = value(np.exp, [x], (np.exp(x),), 1, kwargs={}, limit=1000)
    with mpmath.workprec(BITS):
        assert found.digits == DIGITS and abs(found.values[0] - mpmath.exp(0.25)) < mpmath.mpf(10) ** -50


@pytest.mark.parametrize(
    ("answer", "gap"),
    [([0.5, 0.5], 0.0), ([1.0, 0.0], 0.0), ([0.0, 0.0], 0.5), ([0.8, 0.8], 0.3), ([np.nan, 0], np.inf)],
)
def test_the_distance_of_an_answer_from_all_weightings(answer, gap):
    assert distance(np.eye(2), np.array(answer)) == pytest.approx(gap, abs=1e-12)


class Spoilt:
    """One operator with its forward, and a vjp that is to be judged."""

    name, version = "spoilt", "0"

    def __init__(self, name, vjp, forward=None):
        self.only, self.vjp, self.forward = name, vjp, forward or operator(name).definition

    def supports(self, name, dtype):
        return name == self.only and dtype == np.float64

    def implementation(self, name, params):
        return Implementation(forward=self.forward, vjp=self.vjp) if name == self.only else None


def wrong_of(name, vjp, forward=None):
    record = verify_operator(Spoilt(name, vjp, forward), operator(name), profile="quick")
    return record, [f for f in record.findings if f.severity is Severity.WRONG]


def test_a_wrong_finding_has_its_confirmation_in_the_record_and_on_the_terminal():
    record, found = wrong_of("exp", lambda g, x: g * np.exp(x) * (1 + 2.0**-40))
    assert record.status is Status.FAIL and found
    for finding in found:
        made = finding.confirmation
        x, g = float(finding.point.inputs[0][finding.index]), float(finding.point.cotangents[0][finding.index])
        with mpmath.workprec(BITS):
            assert made.refutes and abs(mpmath.mpf(made.values[0]) - g * mpmath.exp(x)) < 1e-48 * abs(made_size(made))
    again = records_io.decode_line(records_io.encode_line(record))
    assert again.findings[0].confirmation == record.findings[0].confirmation
    assert f"once more      {record.findings[0].confirmation.values[0]}, 50 digits by mpmath" in describe(record)


def made_size(made):
    return mpmath.mpf(made.values[0])


def test_an_answer_that_is_nan_is_refuted():
    _, found = wrong_of("exp", lambda g, x: np.where(x > 0, np.nan, g * np.exp(x)))
    assert "GC102" in {f.code for f in found} and all(f.confirmation.refutes for f in found)


def test_at_a_tie_the_pair_of_answers_is_refuted_although_each_is_between_its_branches():
    _, found = wrong_of("maximum", lambda g, x, y: (g * (x > y), g * (y > x)))
    found = [f for f in found if len(f.confirmation.values) == 2]
    assert found and all(f.confirmation.refutes and "no weighting" in f.confirmation.method for f in found)


def test_another_function_is_refuted_by_its_value():
    _, found = wrong_of("exp", lambda g, x: g * np.exp(x), lambda x: np.exp(x) + 1e-3)
    [forward] = [f for f in found if f.code == "GC120"]
    assert forward.confirmation.refutes and forward.confirmation.method == "mpmath, the definition's value"


def test_what_mpmath_takes_the_side_of_becomes_a_conflict():
    """A finding made up: its answer is right, and what it expected is not."""
    x, g = np.array([0.5]), np.array([1.0])
    call = arrange(Implementation(forward=np.exp, vjp=lambda g, x: (g * np.exp(x),)), (x,))
    made_up = Finding(
        code="GC101",
        severity=Severity.WRONG,
        argument=call.paths[0],
        message="the gradient is not the derivative",
        index=(0,),
        got=float(np.exp(0.5)),
        expected=2.0,
        point=Point(inputs=(x,), cotangents=(g,)),
    )
    found = confirmed(made_up, call, np.exp, 0)
    assert (found.code, found.severity, found.confirmation.refutes) == ("GC107", Severity.CONFLICT, False)
    assert "takes the side of the answer" in found.message and "NOT what the finding says" in text.confirmation(found)
    right = confirmed(replace(made_up, expected=float(np.exp(0.5)), got=2.0), call, np.exp, 0)
    assert right.severity is Severity.WRONG and "asked once more" in right.confirmation.method  # it answers otherwise


def test_old_records_without_a_confirmation_can_be_read():
    record = Record(operator="exp", subject="s", verdict=Verdict.RIGHT, status=Status.PASS)
    assert b"confirmation" not in records_io.encode_line(record)
