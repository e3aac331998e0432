"""Polynomials with integer coefficients in many indeterminates, as a number type.

What holds for indeterminates holds for all numbers: two ways of computing that give one polynomial agree on every
commutative ring.  A monomial is one integer with four bits for each exponent, so a product of monomials is a sum; no
product here has more than eight factors, and four bits hold fifteen.
"""

from __future__ import annotations


class Polynomial:
    __slots__ = ("terms",)

    def __init__(self, terms=None):
        """From a dictionary of coefficients, of which none may be 0."""
        self.terms = terms or {}

    def __add__(self, other):
        terms = self.terms.copy()
        for monomial, factor in as_polynomial(other).terms.items():
            terms[monomial] = terms.get(monomial, 0) + factor
        return without_zeros(terms)

    def __mul__(self, other):
        terms = {}
        for m, f in self.terms.items():
            for n, g in as_polynomial(other).terms.items():
                terms[m + n] = terms.get(m + n, 0) + f * g
        return without_zeros(terms)

    def __neg__(self):
        return Polynomial({m: -f for m, f in self.terms.items()})

    def __sub__(self, other):
        return self + -as_polynomial(other)

    def __rsub__(self, other):
        return -self + other

    def __eq__(self, other):
        return self.terms == as_polynomial(other).terms

    def __repr__(self):
        return f"Polynomial({self.terms})"

    __radd__, __rmul__ = __add__, __mul__
    __hash__ = None


def without_zeros(terms):
    return Polynomial({m: f for m, f in terms.items() if f} if 0 in terms.values() else terms)


def as_polynomial(value):
    return value if isinstance(value, Polynomial) else Polynomial({0: value} if value else {})


def indeterminate(number):
    return Polynomial({1 << 4 * number: 1})
