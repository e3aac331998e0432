"""Jets against exact formulas, over rationals, polynomials and balls."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.numbers.balls import Balls
from gradcheck.numbers.exact import Polynomials, Rationals
from gradcheck.numbers.floats import FLOAT64
from gradcheck.numbers.jets import Jet, JetField, along
from gradcheck.numbers.operations import TABLE
from gradcheck.numbers.tracing import trace

Q = Rationals()

SMALL = st.integers(-20, 20)


def column(*numbers: Any) -> Any:
    out = np.empty(len(numbers), object)
    for k, v in enumerate(numbers):
        out[k] = fmpq(v) if isinstance(v, int) else v
    return out


@given(SMALL, SMALL, st.integers(2, 6))
def test_a_power_has_the_derivatives_of_a_power(x: int, v: int, n: int) -> None:
    jets = JetField(Q, 3)
    result = jets.apply(TABLE["powi"], (jets.variable(column(x), column(v)),), n)
    falling = 1
    for k, part in enumerate(result.parts):
        assert part[0] == falling * (fmpq(x) ** (n - k) if n >= k else 0) * v**k
        falling *= n - k


@given(st.lists(SMALL, min_size=3, max_size=3), st.lists(SMALL, min_size=3, max_size=3))
def test_the_product_is_leibnizs_rule(a: list[int], b: list[int]) -> None:
    one, other = (Jet(*(column(v) for v in parts)) for parts in (a, b))
    expected = [sum(comb(k, j) * a[j] * b[k - j] for j in range(k + 1)) for k in range(3)]
    assert [part[0] for part in (one * other).parts] == expected


@given(SMALL.filter(bool), SMALL, SMALL.filter(bool), SMALL)
def test_the_quotients_second_derivative(a: int, da: int, b: int, db: int) -> None:
    jets = JetField(Q, 2)
    q = jets.apply(TABLE["div"], (jets.variable(column(a), column(da)), jets.variable(column(b), column(db))))
    A, dA, B, dB = (fmpq(v) for v in (a, da, b, db))
    assert q.parts[1][0] == (dA * B - A * dB) / B**2
    assert q.parts[2][0] == -2 * dA * dB / B**2 + 2 * A * dB**2 / B**3


def polynomial_text(x: Any) -> Any:
    return np.sum(x**3) * x[0] - np.prod(x) + (x @ x) ** 2


def test_jets_over_polynomials_are_formal_derivatives() -> None:
    ring = Polynomials(("x", "y"))
    found = trace(polynomial_text, [np.array([3.0, 2.0])])
    x = ring.variables()
    value = found.program.evaluate(ring, [x])[0][0]
    for k in range(2):
        direction = ring.zeros((2,))
        direction[k] = ring.element(1.0)
        jet = found.program.evaluate(JetField(ring, 2), [JetField(ring, 2).variable(x, direction)])[0]
        assert jet.parts[1][0] == value.derivative(k)
        assert jet.parts[2][0] == value.derivative(k).derivative(k)
    gradient = found.program.gradient(ring, [x], [ring.constants(np.ones(1))])[0]
    assert [*gradient] == [value.derivative(0), value.derivative(1)]


def test_reverse_over_jets_is_the_hessian() -> None:
    ring = Polynomials(("x", "y"))
    found = trace(polynomial_text, [np.array([3.0, 2.0])])
    x = ring.variables()
    value = found.program.evaluate(ring, [x])[0][0]
    jets = JetField(ring)
    for k in range(2):
        direction = ring.zeros((2,))
        direction[k] = ring.element(1.0)
        g = found.program.gradient(jets, [jets.variable(x, direction)], [jets.constants(np.ones(1))])[0]
        assert [*g.parts[1]] == [value.derivative(k).derivative(j) for j in range(2)]


def test_many_directions_at_once_are_the_jacobian() -> None:
    x = np.array([0.3, -1.2, 0.7])
    found = trace(lambda x: np.tanh(x) * x.sum(), [x])
    field = Balls(128)
    with field.working():
        given = along(field, field.constants(x), field.constants(np.eye(3)))
        jet = found.program.evaluate(JetField(field), [Jet(np.tile(given.parts[0], (3, 1)), given.parts[1])])[0]
        rows = [found.program.gradient(field, [field.constants(x)], [field.constants(e)])[0] for e in np.eye(3)]
        for out in range(3):
            for k in range(3):
                assert jet.parts[1][k, out].overlaps(rows[out][k])
                assert jet.parts[1][k, out].rad() < 1e-30


@pytest.mark.parametrize("name", ["tanh", "expit", "erf", "log", "exp", "atan", "lgamma"])
def test_second_derivatives_in_balls_contain_those_of_mpmath(name: str) -> None:
    from flint import arb

    from gradcheck.numbers.mpfloats import context

    m = context(200)
    field, jets = Balls(160), JetField(Balls(160), 2)
    operation = TABLE[name]
    with field.working():
        x = field.constants(np.array([0.8125]))
        second = jets.apply(operation, (jets.variable(x, field.constants(np.ones(1))),)).parts[2][0]
        f = getattr(m, operation.mp) if isinstance(operation.mp, str) else lambda t: operation.mp(m, t)
        truth = arb(m.diff(f, m.mpf(0.8125), 2))
        assert abs(second - truth) < 2.0**-80  # mpmath's step leaves about half of its digits
        assert second.rad() < 2.0**-140


def test_float_jets_are_the_float_formulas() -> None:
    jets = JetField(FLOAT64, 2)
    x = np.array([0.3, 2.0])
    result = jets.apply(TABLE["sin"], (jets.variable(x, np.ones(2)),))
    assert np.array_equal(result.parts[1], np.cos(x))
    assert np.array_equal(result.parts[2], -np.sin(x))


def test_rationals_say_what_they_lack() -> None:
    from gradcheck.numbers.errors import Unsupported

    found = trace(np.exp, [np.ones(1)])
    with pytest.raises(Unsupported, match="exp is not an operation of the rational numbers"):
        found.program.evaluate(Q, [Q.constants(np.ones(1))])
    assert Fraction(1, 2) == Fraction(int(Q.element(0.5).p), int(Q.element(0.5).q))
