"""The definitions meet exact values that they did not compute themselves."""

import ast
import pathlib
import re
from dataclasses import replace

import numpy as np
import pytest

from gradcheck.catalogue import FAMILIES, operators
from gradcheck.claim import Witness

WITNESSES = [(o.name, k) for o in operators().values() for k in range(len(o.witnesses))]


def allowed(inputs, output):
    """NumPy's elementary functions err by less than 4 ulp; every further entry of a sum or product adds one rounding.

    Witnesses are well conditioned: no entry of an output is much smaller than the terms that it is made of, so ulps of
    its largest entry measure the error.
    """
    entries = sum(np.size(x) for x in inputs)
    return (4 + entries) * np.spacing(np.max(np.abs(output), initial=np.finfo(output.dtype).tiny))


@pytest.mark.parametrize(("name", "k"), WITNESSES)
def test_definition_meets_witness(name, k):
    operator = operators()[name]
    witness = operator.witnesses[k]
    # The branch of a selection that is not chosen may overflow, as softplus does at 800.
    with np.errstate(over="ignore"):
        got = np.asarray(operator.definition(*witness.inputs, **witness.params))
    expected = np.asarray(witness.output, dtype=np.float64)
    assert got.shape == expected.shape
    assert np.all(np.abs(got - expected) <= allowed(witness.inputs, expected)), f"{got} is not {expected}"


@pytest.mark.parametrize(("name", "k"), WITNESSES)
def test_witness_tells_a_wrong_definition(name, k):
    """A relative error of 1e-12, far below what a plot shows, exceeds the allowance; so does a constant."""
    witness = operators()[name].witnesses[k]
    expected = np.asarray(witness.output, dtype=np.float64)
    largest = np.max(np.abs(expected))
    assert largest > 0, "zeros alone are met by any definition that forgets its inputs"
    assert 1e-12 * largest > allowed(witness.inputs, expected)


CITED = re.compile(r"\b(A\d{6}|A&S|OEIS|DLMF|IEEE|ISO|Wikipedia|table|section|chapter|equation)\b")
BY_HAND = re.compile(r"exact|integer|dyadic|triple|fibonacci|binomial", re.I)
"""Values that anybody can count: then all numbers of the witness have few binary places, so that the counting is exact."""


def few_places(number):
    """Whether all entries are multiples of 2^-12 and below 2^20: sums and products of a handful are exact in float64."""
    values = np.asarray(number, dtype=np.float64)
    return bool(np.all((values * 4096 == np.rint(values * 4096)) & (np.abs(values) < 2**20)))


def kind(witness):
    """By what a witness knows its value: a citation, an identity that is written down, or counting."""
    if CITED.search(witness.source):
        return "cited"
    if BY_HAND.search(witness.source):
        return "counted" if few_places(witness.output) and all(map(few_places, witness.inputs)) else "nothing"
    return "identity"


@pytest.mark.parametrize("name", operators())
def test_a_value_is_known_by_a_citation_an_identity_or_by_counting(name):
    kinds = [kind(witness) for witness in operators()[name].witnesses]
    assert kinds and "nothing" not in kinds


def test_counting_needs_numbers_that_can_be_counted():
    third = Witness((np.array([1.0, 2.0]),), np.array(1 / 3), "exact")
    assert kind(third) == "nothing" and kind(replace(third, output=np.array(0.375))) == "counted"
    assert kind(replace(third, source="A002162")) == "cited"


def texts():
    """The modules of the catalogue, parsed."""
    return [ast.parse(pathlib.Path(module.__file__).read_text(encoding="utf-8")) for module in FAMILIES]


def computed_by_a_definition(tree):
    """Names of functions of the module itself that stand in a witness: a value that the text computes confirms nothing."""
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    witnesses = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Witness"]
    return {n.id for call in witnesses for n in ast.walk(call) if isinstance(n, ast.Name) and n.id in own}


def test_no_definition_stands_in_its_witness():
    assert not set().union(*map(computed_by_a_definition, texts()))
    spoilt = ast.parse("def twice(x):\n    return 2 * x\nW = Witness((1.0,), twice(1.0), 'exact')\n")
    assert computed_by_a_definition(spoilt) == {"twice"}


def test_no_witness_calls_what_its_definition_calls():
    """Nor does scipy.special stand there, of which most definitions are made."""
    for tree in texts():
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id == "Witness":
                assert not any(isinstance(n, ast.Name) and n.id in ("special", "scipy") for n in ast.walk(call))
