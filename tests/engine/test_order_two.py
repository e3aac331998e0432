"""Order two in ``verify``: a vjp that is right in its values and wrong in its derivative is caught, and the right one passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck.engine.order_two import POINTS
from gradcheck.records import Status
from tests.user_subjects import Change, Reference


def patched(right: Any) -> Any:
    """A sawtooth of height 2^-31 is added: no value shows it, and every derivative is one too large."""
    rule = right.vjp_text

    def text(g: Any, x: Any, **params: Any) -> Any:
        (slope,) = rule(g, x, **params)
        return (slope + (x - np.rint(x * 2.0**30) / 2.0**30),)

    return replace(right, vjp_text=text)


class Patched(Reference):
    changes: Mapping[str, Change] = {"square": patched}


@pytest.mark.parametrize("name", ["square", "einsum", "digamma", "eigvalsh"])
def test_the_reference_has_order_two(name: str) -> None:
    record = gradcheck.verify("reference", name, profile="quick").records[0]
    assert record.status is Status.PASS
    assert record.counts[POINTS] >= 3


def test_a_vjp_that_is_right_to_first_order_alone_is_caught() -> None:
    record = gradcheck.verify(Patched(), "square", profile="quick").records[0]
    assert record.status is Status.FAIL
    assert [f.code for f in record.findings if f.severity.fails] == ["GC132"]


def test_a_subject_that_states_no_text_says_so() -> None:
    class Plain(Reference):
        changes: Mapping[str, Change] = {"square": lambda right: replace(right, vjp_text=None)}

    record = gradcheck.verify(Plain(), "square", profile="quick").records[0]
    assert POINTS not in record.counts
    assert any("no text of its vjp" in text for text in record.untested)
