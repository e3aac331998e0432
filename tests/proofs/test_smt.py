"""The SMT prover: piecewise and rational rules are proved with their kinks, and no wrong one is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sympy")
z3 = pytest.importorskip("z3")

from gradcheck import catalogue  # noqa: E402  after the skip
from gradcheck.claim import NONNEGATIVE, REALS, Set  # noqa: E402  after the skip
from gradcheck.proofs.claims import choices, entrywise  # noqa: E402  after the skip
from gradcheck.proofs.setting import EXCLUDED, KINK, PROVED, REFUTED, UNKNOWN  # noqa: E402  after the skip
from gradcheck.proofs.smt import Shown, prove  # noqa: E402  after the skip
from reference_nets.rules import RULES  # noqa: E402  after the skip
from tests.meta.all_cases import CASES  # noqa: E402  after the skip
from tests.meta.case import Case  # noqa: E402  after the skip

SECONDS = 0.75
"""For a case: those that are proved or refuted take less than half of it."""

LARGEST = 3
"""Numbers among the inputs: with four, orders and products have pieces by the hundred."""

ELSEWHERE = {"jvp", "intent", "stateful", "order", "wrt", "like"}
"""Options of cases whose mistake is not in the vjp of their own forward."""

RIGHT_VALUES = {"state: squares without memory: cotangent overwritten"}
"""The gradient is right, and the cotangent is spoilt: no matter of real numbers."""

PIECEWISE = ("relu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "prelu", "softshrink", "hardshrink")
RATIONAL = (
    "softsign",
    "divide",
    "reciprocal",
    "clip",
    "maximum",
    "minimum",
    "abs",
    "sign",
    "lerp",
    "addcdiv",
    "square",
)


@pytest.mark.parametrize("name", [*PIECEWISE, *RATIONAL])
def test_the_reference_rule_is_proved_for_all_reals(name: str) -> None:
    operator = catalogue.operator(name)
    assert entrywise(operator)
    for params in choices(operator):
        shapes = [()] * len(operator.examples[0].shapes)
        shown = prove(
            operator.definition, RULES[name], shapes, [operator.domain.of(k) for k in range(len(shapes))], params
        )
        assert shown.result == PROVED, (params, shown.reason)
        kinks = [b for b in shown.branches if not b.open and b.result in (KINK, EXCLUDED)]
        assert bool(kinks) == (name not in ("lerp", "square")), params


def scope(case: Case) -> bool:
    if not all(isinstance(x, np.ndarray | float) for x in case.inputs):
        return False
    arrays = [np.asarray(x) for x in case.inputs]
    small = sum(a.size for a in arrays) <= LARGEST and all(a.size and a.dtype.kind == "f" for a in arrays)
    return small and not ELSEWHERE & set(case.options)


@cache
def results() -> dict[str, tuple[bool, Shown]]:
    found = {}
    for case in filter(scope, CASES):
        domain = case.options.get("domain", REALS)
        sets = [domain if isinstance(domain, Set) else domain.of(k) for k in range(len(case.inputs))]
        shapes = [np.shape(x) for x in case.inputs]
        found[case.name] = (case.ok, prove(*case.make(), shapes, sets, dict(case.options.get("kwargs", {})), SECONDS))
    return found


def wrong() -> Iterator[tuple[str, Shown]]:
    return ((name, found) for name, (right, found) in results().items() if not right)


def test_no_wrong_rule_is_proved(record_property: Callable[[str, object], None]) -> None:
    counts = Counter(found.result for _, found in wrong())
    record_property("wrong rules by result", dict(counts))
    print(f"smt prover, wrong rules: {dict(counts)}")
    assert {name for name, found in wrong() if found.result == PROVED} <= RIGHT_VALUES
    assert counts[REFUTED] >= 30


def test_no_right_rule_is_refuted() -> None:
    counts = Counter(found.result for right, found in results().values() if right)
    assert not counts[REFUTED] and counts[PROVED] >= 25


def square(x: Any) -> Any:
    return x * x


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, x: (g * np.where(np.abs(x) > 1e6, 0.0, 2 * x),),
        lambda g, x: (g * np.where(x == 0.625, 0.0, 2 * x),),
        lambda g, x: (g * 2 * x**2 / x,),
        lambda g, x: (g * g * 2 * x,),
        lambda g, x: (g * 2 * x * (x * x + 1) / (x * x + 1 + 2.0**-20),),
        lambda g, x: ((g * 2 * x)[None],),
    ],
    ids=["far out", "at one point", "0/0", "not linear", "a factor", "a shape"],
)
def test_a_wrong_rule_of_the_square_cannot_hide(rule: Callable[..., Any]) -> None:
    assert prove(square, rule, [()], [REALS]).result == REFUTED
    assert prove(square, lambda g, x: (g * 2 * x,), [()], [REALS]).result == PROVED


def test_a_value_of_z3_for_a_division_by_zero_proves_nothing() -> None:
    """x / x is 1 wherever it is anything; at 0 the rule has no value, and the definition has a derivative."""
    shown = prove(square, lambda g, x: (g * 2 * x * (x / x),), [()], [REALS])
    assert shown.result == REFUTED
    assert [b.where for b in shown.branches if b.result == REFUTED] == [
        next(b.where for b in shown.branches if not b.open)
    ]


def test_what_is_not_followed_is_declined() -> None:
    assert prove(square, lambda g, x: (g * np.where(g == 3, 0, 2 * x),), [()], [REALS]).result == UNKNOWN
    assert prove(square, lambda g, x: (g * (2 * x + 0 * np.floor(x)),), [()], [REALS]).result == UNKNOWN
    assert prove(np.fmod, RULES["fmod"], [(), ()], [REALS, REALS]).result == UNKNOWN
    assert prove(np.exp, lambda g, x: (g * np.exp(x),), [()], [REALS]).result == UNKNOWN


def test_kinks_and_ends_count() -> None:
    def slope(at_zero: float) -> Callable[..., Any]:
        return lambda g, x: (g * np.where(x == 0, at_zero, np.where(x > 0, 1.0, 0.0)),)

    def relu(x: Any) -> Any:
        return np.maximum(x, 0)

    assert [prove(relu, slope(s), [()], [REALS]).result for s in (0.0, 0.3125, 1.0)] == [PROVED] * 3
    assert [prove(relu, slope(s), [()], [REALS]).result for s in (-0.125, 1.125)] == [REFUTED] * 2
    assert prove(square, lambda g, x: (g * np.where(x == 0, 7.0, 2 * x),), [()], [NONNEGATIVE]).result == REFUTED


def test_pieces_that_no_straight_line_bounds_are_found() -> None:
    """|x y - 1| has its kink on a hyperbola; the prover by algebra declines it."""

    def definition(x: Any, y: Any) -> Any:
        return np.where(x * y > 1, x * y - 1, 1 - x * y)

    def rule(cut: float) -> Callable[..., Any]:
        return lambda g, x, y: tuple(g * np.where(x * y > cut, v, -v) for v in (y, x))

    assert prove(definition, rule(1.0), [(), ()], [REALS, REALS]).result == PROVED
    assert prove(definition, rule(1.0625), [(), ()], [REALS, REALS]).result == REFUTED
