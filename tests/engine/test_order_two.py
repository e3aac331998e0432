"""Order two in ``verify``: a vjp that is right in its values and wrong in its derivative is caught, and the right one passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck.catalogue import operators
from gradcheck.engine.second_order import KinkError, Place
from gradcheck.records import SECOND, Status
from tests.user_subjects import Change, Reference


def patched(right: Any) -> Any:
    """A sawtooth of height 2^-31 is added: no value shows it, and every derivative is one too large."""
    rule = right.vjp_text

    def text(g: Any, x: Any, **params: Any) -> Any:
        (slope,) = rule(g, x, **params)
        return (slope + (x - np.rint(x * 2.0**30) / 2.0**30),)

    return replace(right, vjp_text=text)


def at_zero(right: Any) -> Any:
    """At exactly 0 the answer is a constant: the right one, whose derivative is not."""
    rule = right.vjp_text

    def text(g: Any, x: Any, **params: Any) -> Any:
        (slope,) = rule(g, x, **params)
        return (np.where(x == 0, 0 * slope, slope),)

    return replace(right, vjp=text, vjp_text=text)


class Patched(Reference):
    changes: Mapping[str, Change] = {"square": patched}


@pytest.mark.parametrize("name", ["square", "einsum", "digamma", "eigvalsh"])
def test_the_reference_has_order_two(name: str) -> None:
    record = gradcheck.verify("reference", name, profile="quick").records[0]
    assert record.status is Status.PASS
    assert record.counts[SECOND] >= 3


def test_a_vjp_that_is_right_to_first_order_alone_is_caught() -> None:
    record = gradcheck.verify(Patched(), "square", profile="quick").records[0]
    assert record.status is Status.FAIL
    assert [f.code for f in record.findings if f.severity.fails] == ["GC132"]


@pytest.mark.parametrize("name", ["square", "cosh"])
def test_a_vjp_that_is_patched_at_one_point_is_caught_there(name: str) -> None:
    class AtZero(Reference):
        changes: Mapping[str, Change] = {name: at_zero}

    record = gradcheck.verify(AtZero(), name, profile="quick").records[0]
    (found,) = [f for f in record.findings if f.severity.fails]
    assert found.code == "GC132"
    assert "branch of its own" in found.message
    assert found.point is not None and 0.0 in found.point.inputs[0]


def sinc_place(x: float) -> Place:
    operator = operators()["sinc"]
    return Place.of(operator, operator.examples[0], [np.array(x)], seed=1)


def test_a_second_derivative_where_the_definition_divides_zero_by_zero_is_the_limit_of_both_sides() -> None:
    second, _, (slope,), _ = sinc_place(0.0).truth()
    place = sinc_place(0.0)
    assert slope == pytest.approx(0.0, abs=1e-50)  # the trace lies 2^-200 away
    exact = -(np.pi**2) / 3 * float(place.cotangent * place.u[0] * place.v[0])
    assert second == pytest.approx(exact, rel=1e-15)  # an ulp of each factor


@pytest.mark.parametrize(("name", "x"), [("relu", 0.0), ("abs", -0.0), ("softsign", 0.0), ("reciprocal", 0.0)])
def test_a_kink_and_a_pole_have_no_second_derivative(name: str, x: float) -> None:
    operator = operators()[name]
    with np.errstate(divide="ignore"), pytest.raises(KinkError, match="different sides"):
        Place.of(operator, operator.examples[0], [np.array(x)], seed=1).truth()


def test_a_power_whose_second_derivative_is_infinite_has_no_limit() -> None:
    """``|x|^1.5`` is even, and both sides agree at each distance: that the limit does not exist is seen from two of them."""
    operator = replace(operators()["abs"], definition=lambda x: np.abs(x) ** 1.5)
    with pytest.raises(KinkError):
        Place.of(operator, operator.examples[0], [np.array(0.0)], seed=1).truth()


def test_a_subject_that_states_no_text_says_so() -> None:
    class Plain(Reference):
        changes: Mapping[str, Change] = {"square": lambda right: replace(right, vjp_text=None)}

    record = gradcheck.verify(Plain(), "square", profile="quick").records[0]
    assert SECOND not in record.counts
    assert any("no text of its vjp" in text for text in record.untested)
