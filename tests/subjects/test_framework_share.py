"""Frameworks really installed are verified over a fixed share of the catalogue: what is known to be wrong, and nothing else.

``.ci/frameworks`` asks for it; elsewhere it takes too long.  A framework that mends one of these fails here: take the
line off, and thank them.
"""

import importlib.util
import os

import numpy as np
import pytest

from gradcheck.catalogue import operator
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Severity, Verdict
from gradcheck.subjects import load

pytestmark = pytest.mark.skipif(
    os.environ.get("FRAMEWORKS") != "1", reason="takes minutes; .ci/frameworks sets FRAMEWORKS"
)

SHARE = """abs add arctan clip concatenate cumsum digamma divide exp hardsigmoid log logsumexp matmul max maximum mean mse
multiply prod relu sigmoid sinc softmax sum tanh transpose""".split()

EACH = {
    "torch": SHARE,
    "autograd": SHARE,
    "mygrad": SHARE,
    "micrograd": SHARE,
    "jax": "arcsinh arctan arctanh bessel_i0 exp log sin tanh".split(),  # each shape is compiled
    "tinygrad": "arctan exp relu tanh".split(),  # interpreted where there is no compiler
}

LEAST = {"torch": 26, "autograd": 20, "mygrad": 20, "micrograd": 8, "jax": 8, "tinygrad": 4}
"""How many of the share a framework has at the least: an adapter that lost its names would find nothing wrong."""

WRONG = {
    ("torch", "clip"),
    ("torch", "digamma"),
    ("torch", "hardsigmoid"),
    ("jax", "bessel_i0"),
    ("autograd", "prod"),
    ("autograd", "sinc"),
    ("mygrad", "clip"),  # composed of maximum and minimum
    ("mygrad", "maximum"),
    ("tinygrad", "arctan"),
}
"""Findings of severity wrong; ``test_framework_findings`` has each by the framework alone, against mpmath."""

SECONDS = 60.0
"""Beyond that an operator is cut off: what was found until then counts, and being cut off is no failure here."""


def installed(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return load(name)


@pytest.mark.parametrize(("name", "asked"), [(n, o) for n, share in EACH.items() for o in share])
def test_share(name, asked):
    record = verify_operator(installed(name), operator(asked), profile="quick", limit=SECONDS)
    if record.verdict is Verdict.UNSUPPORTED:
        pytest.skip(f"{name} has no {asked}")
    wrong = [f for f in record.findings if f.severity is Severity.WRONG]
    assert bool(wrong) == ((name, asked) in WRONG), wrong


@pytest.mark.parametrize("name", EACH)
def test_most_of_the_share_is_there(name):
    tested = installed(name)
    assert sum(any(tested.supports(o, np.dtype(t)) for t in ("float64", "float32")) for o in EACH[name]) >= LEAST[name]
