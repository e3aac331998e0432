"""Every operator of the catalogue has wrong rules that are caught: two at least, and one that an ordinary point does not show."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck.catalogue import operators
from gradcheck.claim import Example
from reference_nets.rules import RULES
from tests.catalogue.drawn_inputs import draw
from tests.meta import catalogue_array, catalogue_layers, catalogue_matrix, catalogue_rules2, catalogue_scalar
from tests.meta.all_cases import check_pairs
from tests.meta.case import Case

SAME = 1e-9
"""Relative difference from which two rules are told apart here; the wrong ones are wrong by far more, or equal."""


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in catalogue_rules2.CASES])
def test_the_case_is_decided_rightly(case: Case) -> None:
    forward, vjp = case.make()
    result = gradcheck.check(forward, vjp, case.inputs, **case.options)
    assert result.ok == case.ok, str(result)


def test_the_cases_are_pairs() -> None:
    check_pairs(catalogue_rules2.CASES)


@cache
def wrong() -> Mapping[str, list[Case]]:
    """The wrong rules of each operator."""
    found = defaultdict(list)
    for module in (catalogue_array, catalogue_matrix, catalogue_layers, catalogue_scalar, catalogue_rules2):
        for case in module.CASES:
            named = re.match(r"(?:catalogue/|scalar: )(\w+)", case.name)
            if not case.ok and named is not None:
                found[named[1]].append(case)
    return found


def agrees(vjp: Any, name: str, inputs: list[Any], params: Mapping[str, Any]) -> bool:
    """Whether a wrong rule gives the right answer."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        output = np.asarray(operators()[name].definition(*inputs, **params))
        g = np.random.default_rng(3).normal(size=output.shape)
        try:
            got = vjp(g, *inputs, **params)
        except (ValueError, TypeError, IndexError):  # of another shape, or it does not know the parameter
            return False
    got, expected = got if isinstance(got, tuple) else (got,), RULES[name](g, *inputs, **params)
    pairs = zip(got, expected, strict=True)
    return all(
        np.shape(a) == b.shape and bool(np.all(np.abs(a - b) <= SAME * (1 + np.max(np.abs(b), initial=0.0))))
        for a, b in pairs
    )


def hidden(name: str, case: Case) -> bool:
    """Whether an ordinary point of some shape and some parameters does not show that the rule is wrong."""
    _, vjp = case.make()
    operator, given = operators()[name], case.options.get("kwargs", {})
    shapes = tuple(x if np.asarray(x).dtype.kind != "f" else np.shape(x) for x in case.inputs)
    tried = [Example(shapes, given), *([Example(shapes)] if given else []), *operator.examples]
    for example in tried:
        if any(isinstance(shape, tuple) and 0 in shape for shape in example.shapes):
            continue
        try:
            inputs = draw(operator, example, np.float64, seed=11)
            if agrees(vjp, name, inputs, example.params):
                return True
        except (ValueError, TypeError, IndexError):  # no example without its parameters
            continue
    return False


@pytest.mark.parametrize("name", operators())
def test_an_operator_has_two_wrong_rules_and_a_hidden_one(name: str) -> None:
    assert len(wrong()[name]) >= 2
    assert any(hidden(name, case) for case in wrong()[name])


def test_a_rule_that_is_wrong_everywhere_is_not_hidden() -> None:
    sign = next(case for case in wrong()["cos"] if case.name.endswith(": sign"))
    assert not hidden("cos", sign)
