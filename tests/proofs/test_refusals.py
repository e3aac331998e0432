"""The algebra prover is given every entrywise wrong rule that there is: it refutes or declines each, and proves none.

Some wrong rules are right for all real numbers and wrong in float64 only: their exponentials overflow or underflow.  A proof over the reals
must accept them; they are named here, so that no other one slips in with them.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

sympy = pytest.importorskip("sympy")

from gradcheck.claim import Domain  # noqa: E402  after the skip
from gradcheck.cli.proving import limited  # noqa: E402  after the skip
from gradcheck.proofs.algebra import Shown, prove  # noqa: E402  after the skip
from gradcheck.proofs.setting import BOUNDED, PART, PROVED, REFUTED, UNKNOWN  # noqa: E402  after the skip
from tests.meta import catalogue_scalar, formulas, values  # noqa: E402  after the skip
from tests.meta.case import Case  # noqa: E402  after the skip

LIMIT = 3.0
"""Seconds for a case: all but one take less than one."""

RIGHT_FOR_REALS = {
    f"scalar: {name}"
    for name in (
        "logaddexp: overflow",
        "log_ndtr: nothing over nothing",
        "gelu_tanh: overflow",
        "silu: overflow",
        "mish: overflow",
        "scaled_softplus, beta 4.0: overflow",
        "log_sigmoid: overflow",
        "log_cosh, reduction none: overflow",
        "bce_with_logits, positive_weight 3.0, reduction none: overflow",
    )
}

# The time limit may fall into a garbage collector's callback, as Hypothesis installs one; it is raised again a second later.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def entrywise(case: Case) -> bool:
    """Whether the forward does to an array what it does to each entry: the prover's scope."""
    forward, params = case.make()[0], dict(case.options.get("kwargs", {}))
    if any(np.asarray(x).dtype.kind != "f" for x in case.inputs):
        return False
    try:
        inputs = np.broadcast_arrays(*case.inputs)
        with np.errstate(all="ignore"):
            whole = np.asarray(forward(*case.inputs, **params))
            rows = zip(*(x.ravel() for x in inputs), strict=True)
            single = [forward(*(np.array(x) for x in row), **params) for row in rows]
        return bool(whole.size) and np.allclose(np.reshape(single, inputs[0].shape), whole, equal_nan=True)
    except (ValueError, TypeError, IndexError, AttributeError):  # no single numbers, or several outputs
        return False


@cache
def results() -> dict[str, tuple[bool, Shown]]:
    """Of each case in scope: whether it is right, and what the prover shows of it."""
    found = {}
    for case in itertools.chain(catalogue_scalar.CASES, values.CASES, formulas.CASES):
        if entrywise(case):
            found[case.name] = (case.ok, shown(*case.make(), case))
    return found


def shown(forward: Callable[..., Any], vjp: Callable[..., Any], case: Case) -> Shown:
    domain = case.options.get("domain", Domain())
    try:
        with limited(LIMIT):
            sets = [domain.of(k) for k in range(len(case.inputs))]
            return prove(forward, vjp, sets, dict(case.options.get("kwargs", {})))
    except TimeoutError:
        return Shown(UNKNOWN, ())


def wrong() -> Iterator[tuple[str, Shown]]:
    return ((name, found) for name, (right, found) in results().items() if not right)


def test_no_wrong_rule_is_proved(record_property: Callable[[str, object], None]) -> None:
    counts = Counter(found.result for _, found in wrong())
    record_property("wrong rules by result", dict(counts))
    print(f"algebra prover, wrong rules: {dict(counts)}, of which right for all reals {len(RIGHT_FOR_REALS)}")
    assert {name for name, found in wrong() if found.result in (PROVED, BOUNDED, PART)} == RIGHT_FOR_REALS


def test_most_wrong_rules_are_refuted_and_not_just_declined() -> None:
    """A prover that declines everything would pass the test above; this one refutes two of three."""
    counts = Counter(found.result for name, found in wrong() if name not in RIGHT_FOR_REALS)
    assert counts[REFUTED] > 2 * counts[UNKNOWN]


def test_no_right_rule_is_refuted_and_most_are_proved() -> None:
    counts = Counter(found.result for right, found in results().values() if right)
    assert not counts[REFUTED]
    assert counts[PROVED] > 4 * (counts[UNKNOWN] + counts[PART])


def test_each_refutation_says_where() -> None:
    for name, found in wrong():
        assert found.result != REFUTED or found.reason.count(":"), name
