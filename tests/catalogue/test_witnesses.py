"""The definitions meet exact values that they did not compute themselves."""

import numpy as np
import pytest

from gradcheck.catalogue import operators

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
