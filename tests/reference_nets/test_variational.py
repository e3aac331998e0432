"""The gradient of the discretised integral tends to the Euler-Lagrange equation: exactly, and at the stated speed."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_nets import variational
from reference_nets.variational import Lagrangian
from tests.reference_nets.exact_numbers import exact_search

EQUATIONS = {
    "stretched string": (variational.stretched_string, lambda u, p, q: -q),
    "oscillator": (variational.oscillator, lambda u, p, q: -u - q),
    "coupled": (variational.coupled, lambda u, p, q: -2 * u * (p * p + u * q)),
}
"""F_u - d/dx F_p by hand, from u, p = u' and q = u''."""


def polynomial(coefficients, x, order=0):
    """The derivative of that order of sum_k c_k x^k, exactly."""
    for _ in range(order):
        coefficients = [k * c for k, c in enumerate(coefficients)][1:]
    return sum((c * x**k for k, c in enumerate(coefficients)), Fraction(0))


def residual(lagrangian, coefficients, x, h, gradient=variational.gradient):
    """dJ/du_i / h at the middle of a grid of spacing h around x."""
    u = np.array([polynomial(coefficients, x + k * h) for k in (-2, -1, 0, 1, 2)], dtype=object)
    return gradient(lagrangian, u, h)[2] / h


def limit_at_zero(f, degree):
    """f(0) of a polynomial f of at most that degree, from its values at 1 ... degree + 1, by Lagrange's formula."""
    nodes = [Fraction(k) for k in range(1, degree + 2)]
    total = Fraction(0)
    for node in nodes:
        weight = Fraction(1)
        for other in nodes:
            if other != node:
                weight *= -other / (node - other)
        total += weight * f(node)
    return total


coefficients = st.lists(st.builds(Fraction, st.integers(-3, 3), st.sampled_from([1, 2, 3])), min_size=1, max_size=4)
places = st.builds(Fraction, st.integers(-3, 3), st.sampled_from([1, 2, 3]))


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_limit_is_the_euler_lagrange_equation(name):
    """u is a polynomial of degree at most 3, so the residual is a polynomial in h: of degree at most 3 * 4 - 1, as F has
    degree at most 4 in u and p.  Its value at h = 0 follows exactly from values at other h."""
    lagrangian, equation = EQUATIONS[name]

    @exact_search
    @given(coefficients, places)
    def holds(c, x):
        u, p, q = (polynomial(c, x, order) for order in (0, 1, 2))
        assert limit_at_zero(lambda h: residual(lagrangian, c, x, h), 11) == equation(u, p, q)

    holds()


def test_without_one_of_the_three_uses_there_is_no_limit():
    """The twin forgets that u_i also enters p_(i-1): the residual grows like 1/h, and is no equation of u."""

    def two_uses(lagrangian, u, h):
        p = (u[1:] - u[:-1]) / h
        return h * lagrangian.by_u(u[:-1], p) - lagrangian.by_p(u[:-1], p)

    c, x = [Fraction(1), Fraction(2), Fraction(3)], Fraction(1, 2)
    small = [residual(variational.oscillator, c, x, Fraction(1, 2**k), two_uses) for k in (20, 21)]
    assert abs(small[1] / small[0] - 2) < Fraction(1, 1000)  # 1/h doubles, up to a part of the order of h


def test_the_limit_is_reached_with_the_first_power_of_the_spacing():
    lagrangian, equation = EQUATIONS["coupled"]
    c, x = [Fraction(1), Fraction(2), Fraction(-1), Fraction(1, 3)], Fraction(1, 2)
    wanted = equation(*(polynomial(c, x, order) for order in (0, 1, 2)))
    gaps = [residual(lagrangian, c, x, Fraction(1, 2**k)) - wanted for k in (20, 21)]
    assert abs(gaps[0] / gaps[1] - 2) < Fraction(1, 1000)


def test_the_straight_line_is_where_the_gradient_vanishes():
    line = np.array([Fraction(k, 3) + 1 for k in range(7)], dtype=object)
    assert (variational.gradient(variational.stretched_string, line, Fraction(1, 6))[1:-1] == 0).all()
    line[3] += Fraction(1, 100)
    assert (variational.gradient(variational.stretched_string, line, Fraction(1, 6))[2:5] != 0).all()


def test_descent_straightens_a_string_and_leaves_its_ends():
    u = np.array([0.0, 1.0, -1.0, 2.0, 1.0])
    straight, curve = variational.descend(variational.stretched_string, u, 0.25, rate=0.1, steps=200)
    assert all(after <= before for before, after in itertools.pairwise(curve))
    # the slowest mode shrinks by 1 - 0.1 * (2 - 2 cos(pi/4)) / 0.25 = 0.766 a step: 2e-23 of 2 after 200, beside rounding
    assert np.abs(straight - np.linspace(0, 1, 5)).max() < 64 * np.finfo(float).eps
    assert (straight[[0, -1]] == u[[0, -1]]).all()


def test_a_grid_of_one_value_is_refused():
    with pytest.raises(ValueError, match=r"u has shape \(1,\); give at least two grid values"):
        variational.functional(Lagrangian("", *[lambda u, p: u] * 3), np.ones(1), 1.0)
