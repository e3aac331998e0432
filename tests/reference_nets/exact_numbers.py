"""Exact derivatives over the rationals, by two routes that share no code with a backward pass.

*Dual numbers* a + b e with e^2 = 0: f(x + d e) = f(x) + f'(x)d e, for every rational f.
*Interpolation*: for a polynomial f of degree n, t -> f(x + t d) is known from n + 1 values, and so is its slope at 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import Phase, find, settings
from hypothesis import strategies as st


@dataclass(frozen=True)
class Dual:
    a: Any
    b: Any = Fraction(0)

    def __add__(self, other):
        other = as_dual(other)
        return Dual(self.a + other.a, self.b + other.b)

    def __mul__(self, other):
        other = as_dual(other)
        return Dual(self.a * other.a, self.a * other.b + self.b * other.a)

    def __truediv__(self, other):
        other = as_dual(other)
        quotient = self.a / other.a
        return Dual(quotient, (self.b - quotient * other.b) / other.a)

    def __neg__(self):
        return Dual(-self.a, -self.b)

    def __sub__(self, other):
        return self + -as_dual(other)

    def __rsub__(self, other):
        return as_dual(other) + -self

    def __rtruediv__(self, other):
        return as_dual(other) / self

    def __gt__(self, other):
        return self.a > as_dual(other).a

    __radd__, __rmul__ = __add__, __mul__


def as_dual(value):
    return value if isinstance(value, Dual) else Dual(Fraction(value))


lift = np.frompyfunc(lambda a, b: Dual(a, b), 2, 1)
slope = np.frompyfunc(lambda value: as_dual(value).b, 1, 1)
"""The part in e, entry by entry."""
exactly = np.frompyfunc(Fraction, 1, 1)
"""Integers or floats as the rationals that they are."""


def rationals(*shape):
    """Arrays of small rationals; denominators are not powers of 2 only, so that no float could hold them."""
    entry = st.builds(Fraction, st.integers(-6, 6), st.sampled_from([1, 2, 3, 5]))
    count = int(np.prod(shape))
    return st.lists(entry, min_size=count, max_size=count).map(lambda e: np.array(e, dtype=object).reshape(shape))


def random_rationals(seed, *shape):
    """The same kind of array from a seed, for fixed examples."""
    rng = np.random.default_rng(seed)
    return exactly(rng.integers(-9, 10, shape)) / exactly(rng.choice([1, 2, 3, 5, 7], shape))


def slope_by_interpolation(f, degree):
    """f'(0) of a polynomial f with at most that degree, from f(0) ... f(degree), by Lagrange's formula."""
    nodes = [Fraction(i) for i in range(degree + 1)]
    result = -sum((1 / node for node in nodes[1:]), Fraction(0)) * f(nodes[0])
    for node in nodes[1:]:
        others = [k for k in nodes if k != node]
        weight = Fraction(1)
        for k in others:
            weight *= (-k if k else 1) / (node - k)
        result += weight * f(node)
    return result


def inner(one, other):
    """The exact inner product of two trees of arrays of one shape."""
    if isinstance(one, tuple | list):
        return sum((inner(a, b) for a, b in zip(one, other, strict=True)), Fraction(0))
    return sum((a * b for a, b in zip(np.ravel(one), np.ravel(other), strict=True)), Fraction(0))


def tree_map(f, *trees):
    """Apply f to corresponding arrays of nested tuples (named tuples stay what they are)."""
    if isinstance(trees[0], tuple):
        parts = [tree_map(f, *branches) for branches in zip(*trees, strict=True)]
        return type(trees[0])(*parts) if hasattr(trees[0], "_fields") else tuple(parts)
    return f(*trees)


def all_fractions(tree):
    """Whether every entry is a Fraction still: no float has crept in, and no int that a division would turn to one."""
    if isinstance(tree, tuple | list):
        return all(all_fractions(branch) for branch in tree)
    return all(type(entry) is Fraction for entry in np.ravel(np.asarray(tree, dtype=object)))


exact_search = settings(max_examples=50, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""No deadline: exact sums take as long as their digits need.  No shrinking: examples are small as they are drawn,
and to make a failing one smaller takes minutes."""


def assert_caught(examples, is_wrong):
    """Some drawn example shows the error; any will do, so it is not made smaller."""
    find(
        examples,
        is_wrong,
        settings=settings(phases=[Phase.generate], max_examples=300, deadline=None, database=None, derandomize=True),
    )
