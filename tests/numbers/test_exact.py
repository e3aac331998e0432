"""Exact fields: a traced text computes in them without rounding, and they refuse what they lack."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.numbers.errors import Unsupported
from gradcheck.numbers.exact import ModP, Polynomials, Rationals
from gradcheck.numbers.mpfloats import MPField, context
from gradcheck.numbers.tracing import trace

P = 2**61 - 1


def fraction(v: Any) -> Fraction:
    return Fraction(int(v.p), int(v.q))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float64_number_is_a_rational_exactly(x: float) -> None:
    assert fraction(Rationals().element(x)) == Fraction(x)


@given(st.lists(st.integers(-9, 9), min_size=9, max_size=9))
def test_inverses_and_determinants_over_the_rationals_and_mod_p(entries: list[int]) -> None:
    a = np.array(entries, float).reshape(3, 3) + 31 * np.eye(3)  # strictly diagonally dominant
    exact = [[Fraction(v) for v in row] for row in a.tolist()]
    inverse = (
        trace(np.linalg.inv, [a]).program.evaluate(Rationals(), [Rationals().constants(a.ravel())])[0].reshape(3, 3)
    )
    for i in range(3):
        for j in range(3):
            assert sum(exact[i][k] * fraction(inverse[k, j]) for k in range(3)) == (i == j)
    big = np.kron(a, np.eye(2))  # by elimination, not by expansion
    det = trace(np.linalg.det, [big]).program
    over_q = det.evaluate(Rationals(), [Rationals().constants(big.ravel())])[0][0]
    mod_p = det.evaluate(ModP(P), [ModP(P).constants(big.ravel())])[0][0]
    expected = _det(exact) ** 2
    assert fraction(over_q) == expected
    assert int(mod_p) == expected.numerator % P


def _det(m: list[list[Fraction]]) -> Fraction:
    if len(m) == 1:
        return m[0][0]
    return sum(
        ((-1) ** j * m[0][j] * _det([row[:j] + row[j + 1 :] for row in m[1:]]) for j in range(len(m))), Fraction(0)
    )


@given(st.integers(-1000, 1000), st.integers(1, 1000))
def test_gradients_mod_p_are_those_over_the_rationals(a: int, b: int) -> None:
    x = np.array([a / 8, b / 4])

    def text(x: Any) -> Any:
        return x[0] ** 3 / x[1] - x[0] * x[1] ** 2

    program = trace(text, [x]).program
    g = program.gradient(Rationals(), [Rationals().constants(x)], [Rationals().constants(np.ones(1))])[0]
    exact = [Fraction(v) for v in x.tolist()]
    assert fraction(g[0]) == 3 * exact[0] ** 2 / exact[1] - exact[1] ** 2
    assert fraction(g[1]) == -(exact[0] ** 3) / exact[1] ** 2 - 2 * exact[0] * exact[1]
    mod = program.gradient(ModP(P), [ModP(P).constants(x)], [ModP(P).constants(np.ones(1))])[0]
    for one, other in zip(mod, g, strict=True):
        assert int(one) == int(other.p) * pow(int(other.q), -1, P) % P


def test_polynomials_divide_by_constants_only() -> None:
    ring = Polynomials(("a", "b"))
    halves = trace(lambda x: x / 2, [np.ones(2)]).program.evaluate(ring, [ring.variables()])[0]
    assert [2 * h for h in halves] == [*ring.variables()]
    with pytest.raises(Unsupported, match="division by a polynomial is not an operation of the polynomials in a, b"):
        trace(lambda x: 1 / x, [np.ones(2)]).program.evaluate(ring, [ring.variables()])
    with pytest.raises(Unsupported, match="tanh"):
        trace(np.tanh, [np.ones(2)]).program.evaluate(ring, [ring.variables()])


@pytest.mark.parametrize("field", [Rationals(), ModP(), Polynomials()])
def test_infinity_and_pi_are_in_no_exact_field(field: Any) -> None:
    with pytest.raises(Unsupported, match="inf"):
        field.element(np.inf)
    with pytest.raises(Unsupported, match="pi"):
        field.pi()


def test_mpmath_leaves_its_global_precision_alone() -> None:
    import mpmath

    before = mpmath.mp.prec
    value = trace(np.exp, [np.ones(1)]).program.evaluate(MPField(400), [MPField(400).constants(np.ones(1))])[0][0]
    assert abs(value - context(500).e) < context(500).mpf(2) ** -398
    assert mpmath.mp.prec == before


def test_outside_of_the_real_domain_mpmath_has_no_number() -> None:
    field = MPField(100)
    value = trace(lambda x: np.sqrt(x - 2), [np.full(1, 3.0)]).program.evaluate(field, [field.constants(np.ones(1))])
    assert context(100).isnan(value[0][0])
