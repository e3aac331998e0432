"""At a kink, what a subject's own composition gives by one fixed choice per tied primitive is a convention, and no more is."""

import numpy as np
import pytest

from gradcheck.catalogue import operator
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Severity, Status
from gradcheck.subjects import load
from gradcheck.subjects.protocol import Implementation


def composed(x, *, slope=0.01):
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


def shifted(x, *, slope=0.01):
    return composed(x, slope=slope) + 1


class Leaky:
    """A leaky rectifier that cannot be read; at 0 its slope is ``at_zero``."""

    name, version = "leaky", "1"

    def __init__(self, text, at_zero):
        self.text, self.at_zero = text, at_zero

    def supports(self, operator, dtype):
        return dtype == np.float64

    def implementation(self, operator, params):
        def vjp(g, x, *, slope=0.01):
            return g * np.where(x == 0, self.at_zero, np.where(x > 0, 1.0, slope))

        opaque = load("reference").implementation("leaky_relu", {}).forward
        return Implementation(forward=opaque, vjp=vjp, composed=self.text)


def severities(text, at_zero):
    record = verify_operator(Leaky(text, at_zero), operator("leaky_relu"), profile="quick")
    return record.status, {f.severity for f in record.findings}


def test_a_choice_of_the_subjects_own_text_is_a_convention():
    status, found = severities(composed, 0.0)
    assert status is Status.PASS and found == {Severity.CONVENTION}


@pytest.mark.parametrize(
    ("text", "at_zero"),
    [
        (None, 0.0),  # the definition chooses between two slopes, of which 0 is none
        (composed, -0.25),
        (composed, 0.005),
        (composed, np.nan),
        (shifted, 0.0),  # another function
        (lambda x, *, slope=0.01: 1 / 0, 0.0),
    ],
)
def test_anything_else_is_wrong(text, at_zero):
    status, found = severities(text, at_zero)
    assert status is Status.FAIL and Severity.WRONG in found


def test_a_generalised_derivative_needs_no_excuse():
    assert severities(None, 1.0) == (Status.PASS, set())


def test_leaky_relu_of_mygrad_is_a_convention_and_its_text_is_the_operator():
    pytest.importorskip("mygrad")
    subject = load("mygrad")
    record = verify_operator(subject, operator("leaky_relu"), profile="quick")
    assert record.status is Status.PASS and {f.severity for f in record.findings} == {Severity.CONVENTION}, (
        record.findings
    )
    made, x = subject.implementation("leaky_relu", {}), np.array([-2.0, 0.0, 3.0])
    assert np.array_equal(made.text(x, slope=0.25), made.forward(x, slope=0.25))
