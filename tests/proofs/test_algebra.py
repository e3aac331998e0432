"""The algebra prover's parts: cells cover the domain, literals are read as meant, formulas are data, and a rule cannot hide anywhere."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

sympy = pytest.importorskip("sympy")

from hypothesis import given, settings  # noqa: E402  after the skip
from hypothesis import strategies as st  # noqa: E402  after the skip

from gradcheck.claim import NONNEGATIVE, POSITIVE, REALS  # noqa: E402  after the skip
from gradcheck.proofs.algebra import prove  # noqa: E402  after the skip
from gradcheck.proofs.cells import Form, Unclear, arrange, feasible, forms_of  # noqa: E402  after the skip
from gradcheck.proofs.setting import BOUNDED, EXCLUDED, KINK, PART, PROVED, REFUTED, UNKNOWN  # noqa: E402  after the skip
from gradcheck.proofs.symbols import from_tree, literal, to_tree  # noqa: E402  after the skip
from gradcheck.proofs.zero import is_zero  # noqa: E402  after the skip

WHOLE = st.integers(-3, 3).map(Fraction)
FORM = st.tuples(WHOLE, WHOLE, WHOLE)


def sign(form: Form, point: tuple[Fraction, ...]) -> int:
    value = sum((c * x for c, x in zip(form[:-1], point, strict=True)), form[-1])
    return (value > 0) - (value < 0)


@given(st.lists(FORM, max_size=4), st.tuples(WHOLE, WHOLE))
@settings(deadline=None)
def test_every_point_lies_in_exactly_one_cell_and_each_cell_has_its_point(
    forms: list[Form], point: tuple[Fraction, Fraction]
) -> None:
    cells = arrange(forms, [], 2)
    assert all(sign(form, cell.point) == s for cell in cells for form, s in zip(forms, cell.signs, strict=True))
    here = tuple(sign(form, point) for form in forms)
    assert [cell.signs for cell in cells].count(here) == 1


@given(st.lists(st.tuples(FORM, st.sampled_from((-1, 0, 1))), max_size=5))
@settings(deadline=None)
def test_what_is_called_empty_has_no_point_on_a_grid(conditions: list[tuple[Form, int]]) -> None:
    found = feasible(conditions, 2)
    if found is not None:
        assert all(sign(form, found) == s for form, s in conditions)
        return
    grid = [Fraction(k, 4) for k in range(-12, 13)]
    assert not any(all(sign(f, p) == s for f, s in conditions) for p in itertools.product(grid, grid))


def test_a_curve_is_not_taken_for_a_line() -> None:
    x, y = sympy.symbols("x y", real=True)
    with pytest.raises(Unclear, match="not a straight line"):
        forms_of(x * y - 1, (x, y))
    with pytest.raises(Unclear, match="not a finite set"):
        forms_of(sympy.sin(x), (x,))


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (0.5, sympy.Rational(1, 2)),
        (0.1, sympy.Rational(1, 10)),
        (math.log(2), sympy.log(2)),
        (1 / math.log(10), 1 / sympy.log(10)),
        (math.sqrt(2 / math.pi), sympy.sqrt(2 / sympy.pi)),
        (-2 / math.sqrt(math.pi), -2 / sympy.sqrt(sympy.pi)),
    ],
)
def test_literals_are_read_as_meant_and_the_reading_is_said(value: float, meant: Any) -> None:
    read, said = literal(value)
    assert is_zero(read - meant)
    assert bool(said) == (value != 0.5)


def test_another_number_is_not_rounded_to_a_constant() -> None:
    value = math.log(2) * (1 + 2.0**-40)
    assert literal(value) == (sympy.Rational(*value.as_integer_ratio()), "")


def test_formulas_are_data_and_nothing_else_is_read() -> None:
    x = sympy.Symbol("x", positive=True)
    expression = sympy.exp(-(x**2)) * sympy.erf(x) / sympy.sqrt(sympy.pi) + sympy.besselj(1, x)
    assert from_tree(to_tree(expression)) == expression
    for tree in (["eval", "x"], ["Symbol", "x", "__class__"], "x", [], [["Add"]]):
        with pytest.raises(ValueError, match=r"not known|no formula"):
            from_tree(tree)


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, x: (g * np.where(np.abs(x) > 1e6, 0.0, 2 * x),),
        lambda g, x: (g * np.where(x == 0.625, 0.0, 2 * x),),
        lambda g, x: (g * np.where(x == 0, 1.0, 2 * x),),
        lambda g, x: (g * np.where(np.abs(x - 3) < 2.0**-30, 0.0, 2 * x),),
        lambda g, x: (g * 2 * x**2 / x,),
        lambda g, x: (g * g * 2 * x,),
        lambda g, x: (g * 2 * np.abs(x),),
        lambda g, x: (g * 2.0000001 * x,),
    ],
    ids=["far out", "at one point", "at zero", "in a gap", "0/0", "not linear", "by size", "a factor"],
)
def test_a_wrong_rule_of_the_square_cannot_hide(rule: Callable[..., Any]) -> None:
    assert prove(np.square, rule, [REALS]).result == REFUTED
    assert prove(np.square, lambda g, x: (g * 2 * x,), [REALS]).result == PROVED


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, x: (np.where(g == 3, 0, g) * 2 * x,),
        lambda g, x: (g * np.where(np.floor(x) == 7e5, 0, 2 * x),),
        lambda g, x: (g * 2 * x + np.sin(2.0**-80 * g * x),),
    ],
    ids=["compares the cotangent", "compares a rounded number", "off by less than is measured"],
)
def test_what_is_not_followed_is_declined(rule: Callable[..., Any]) -> None:
    assert prove(np.square, rule, [REALS]).result == UNKNOWN


def test_a_kink_takes_what_lies_between_and_nothing_else() -> None:
    def slope(at_zero: float) -> Callable[..., Any]:
        return lambda g, x: (g * np.where(x == 0, at_zero, np.sign(x)),)

    def absolute(x: Any) -> Any:
        return np.maximum(x, -x)

    for at_zero in (-1.0, 0.25, 1.0):
        shown = prove(absolute, slope(at_zero), [REALS])
        assert shown.result == PROVED and KINK in {branch.result for branch in shown.branches}
    assert prove(absolute, slope(1.5), [REALS]).result == REFUTED


def test_the_ends_of_a_domain_count_if_they_belong_to_it() -> None:
    def rule(g: Any, x: Any) -> Any:
        return (g * np.where(x == 0, 7.0, 2 * x),)

    assert prove(np.square, rule, [NONNEGATIVE]).result == REFUTED
    assert prove(np.square, rule, [POSITIVE]).result == PROVED


def test_where_the_slope_is_infinite_is_excluded_by_name() -> None:
    shown = prove(np.sqrt, lambda g, x: (g / (2 * np.sqrt(x)),), [NONNEGATIVE])
    assert [(b.where, b.result) for b in shown.branches if not b.open] == [("x = 0", EXCLUDED)]


def test_a_value_beyond_float64_hides_nothing() -> None:
    """e^1000001 is a real number, whatever float64 makes of it."""
    assert prove(np.exp, lambda g, x: (g * np.exp(x),), [REALS]).result == PROVED
    assert prove(np.exp, lambda g, x: (g * np.where(x > 1e6, 0.0, np.exp(x)),), [REALS]).result == REFUTED


def test_a_value_too_large_for_a_ball_is_declined_and_not_excluded() -> None:
    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    def rule(g: Any, x: Any) -> Any:
        return (g * np.where(x < -1e40, 1.0, sigmoid(x) * sigmoid(-x)),)

    assert prove(sigmoid, rule, [REALS]).result == UNKNOWN
    assert prove(sigmoid, lambda g, x: (g * sigmoid(x) * sigmoid(-x),), [REALS]).result == PROVED


def test_where_the_definition_has_no_value_is_excluded() -> None:
    shown = prove(np.log, lambda g, x: (g / x,), [REALS])
    assert [(b.where, b.result) for b in shown.branches] == [
        ("x < 0", EXCLUDED),
        ("x > 0", PROVED),
        ("x = 0", EXCLUDED),
    ]


def test_a_rounded_number_is_any_whole_number() -> None:
    """x - y floor(x / y) on every strip at once; a rule that is right on one strip only is not let through."""

    def rule(strip: Callable[..., Any]) -> Callable[..., Any]:
        return lambda g, x, y: (g * 1.0, -g * strip(x, y))

    positive = [REALS, POSITIVE]
    shown = prove(np.remainder, rule(lambda x, y: np.floor(x / y)), positive)
    assert shown.result == PROVED
    assert "x/y is a whole number" in {b.where for b in shown.branches if b.result == EXCLUDED}
    assert any("unknown whole number" in said for said in shown.assumptions)
    for wrong in (lambda x, y: np.trunc(x / y), lambda x, y: np.rint(x / y), lambda x, y: 0 * x + 2.0):
        assert prove(np.remainder, rule(wrong), positive).result in (REFUTED, UNKNOWN)
    assert prove(np.remainder, rule(lambda x, y: np.rint(x / y)), positive).result == REFUTED


def test_every_reading_of_a_special_function_is_what_scipy_computes() -> None:
    """At points on both sides; 2^-44 is room for scipy's own error, 256 ulp."""
    from scipy import special

    from gradcheck.numbers.tracing import trace
    from gradcheck.proofs.vocabulary import widened

    texts: dict[str, Callable[..., Any]] = {
        "zeta": lambda x: special.zeta(2.0, x),
        "zeta 3/2": lambda x: special.zeta(1.5, x),
        "gammainc": lambda x: special.gammainc(2.5, x),
        "gammaincc": lambda x: special.gammaincc(2.5, x),
        "i0e": special.i0e,
        "i1e": special.i1e,
        "hyp1f1": lambda x: special.hyp1f1(1.5, 2, x),
        "hyp0f1": lambda x: special.hyp0f1(3, x),
        "gammaln": special.gammaln,
        "fmod": lambda x: np.fmod(x, 0.75),
        "remainder": lambda x: np.remainder(x, 0.75),
        "floor_divide": lambda x: np.floor_divide(x, 0.75),
        "ceil": np.ceil,
        "rint": np.rint,
    }
    two_sided = ("i0e", "i1e", "hyp1f1", "hyp0f1", "gammaln", "fmod", "remainder", "floor_divide", "ceil", "rint")
    with widened():
        for name, text in texts.items():
            for x in (0.3, 1.7, 6.2) + ((-0.4, -3.3) if name in two_sided else ()):
                (value,) = trace(text, [np.array(x)]).value
                assert abs(value - text(x)) <= 2.0**-44 * max(1.0, abs(value)), (name, x)


def test_what_is_added_to_the_tracer_is_taken_away_again() -> None:
    from gradcheck.numbers.array import UFUNCS
    from gradcheck.numbers.creation import REPLACEMENTS
    from gradcheck.numbers.operations import TABLE
    from gradcheck.proofs.vocabulary import widened

    before = dict(UFUNCS), dict(TABLE), dict(REPLACEMENTS)
    with widened(), widened():
        assert (dict(UFUNCS), dict(TABLE)) != before[:2]
    assert (dict(UFUNCS), dict(TABLE), dict(REPLACEMENTS)) == before


def test_a_tail_that_is_cut_where_float64_cannot_tell_is_proved_up_to_a_bound() -> None:
    from scipy import special

    def rule(end: float) -> Callable[..., Any]:
        return lambda g, x: (g * 2 / np.sqrt(np.pi) * np.exp(-(np.clip(x, -end, end) ** 2)),)

    shown = prove(special.erf, rule(40.0), [REALS])
    assert shown.result == BOUNDED
    assert all("for |x| up to 2^1023" in b.how for b in shown.branches if b.result == BOUNDED)
    assert prove(special.erf, rule(5.0), [REALS]).result == REFUTED
    assert prove(special.erf, lambda g, x: (rule(40.0)(g, x)[0] * (1 + 2.0**-40),), [REALS]).result == PART


def test_rules_that_leave_the_range_on_their_way_are_the_derivative_all_the_same() -> None:
    """e^(-x^2) of a square that is infinite in float64 is 0; over the reals nothing is cut off, and a proof says so."""
    from gradcheck import catalogue
    from reference_nets.rules import RULES

    for name in ("erf", "ndtr", "gelu", "gelu_tanh"):
        shown = prove(catalogue.operator(name).definition, RULES[name], [REALS])
        assert (name, shown.result) == (name, PROVED)
        (far,) = RULES[name](np.array([1.0, 1.0]), np.array([-1e300, 1e300]))
        assert np.array_equal(far, [0.0, 1.0] if "gelu" in name else [0.0, 0.0])


def test_a_confluent_series_is_known_by_its_bessel_function_and_by_no_other() -> None:
    """I_1' = (I_0 + I_2) / 2 with I_2 = x^2/8 0F1(; 3; x^2/4), at 0 too; other orders, factors and arguments are no proof."""
    from scipy import special

    def rule(order: float, factor: float, quarter: float = 4.0) -> Callable[..., Any]:
        return lambda g, x: (g * (special.i0(x) + x * x / factor * special.hyp0f1(order, x * x / quarter)) / 2,)

    shown = prove(special.i1, rule(3, 8), [REALS])
    assert shown.result == PROVED and any("DLMF 10.39.9" in said for said in shown.assumptions)
    for wrong in (rule(2, 8), rule(3, 4), rule(3, 8, 2), rule(4, 8), rule(3, 8 * (1 + 2.0**-20))):
        assert prove(special.i1, wrong, [REALS]).result == REFUTED
    assert prove(special.i1, rule(2.5, 8), [REALS]).result == UNKNOWN
