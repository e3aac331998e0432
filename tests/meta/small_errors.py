"""Backward passes whose error is small, or hidden: beside huge entries, among many, or behind the cotangent."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.drawn import pair

SMALL = "small relative error"
HIDDEN = "small component beside a huge one"
MANY = "one wrong entry of many"
IGNORED = "cotangent ignored"


def at(index: int, factor: float, right: Any) -> Any:
    """The right vjp, with one entry multiplied by ``factor``."""

    def vjp(g: Any, x: Any) -> Any:
        slope = np.array(right(g, x))
        slope.flat[index] *= factor
        return slope

    return vjp


def sine_vjp(g: Any, x: Any) -> Any:
    """g cos(x)."""
    return g * np.cos(x)


def square_vjp(g: Any, x: Any) -> Any:
    """2 g x."""
    return 2 * g * x


def sum_of_sines(x: Any) -> Any:
    """sum sin(x)."""
    return np.sum(np.sin(x))


def sum_of_squares(x: Any) -> Any:
    """sum x^2."""
    return np.sum(x * x)


def one_entry(name: str, forward: Any, right: Any, size: int, index: int, factor: float) -> tuple[Case, Case]:
    """One entry of a long gradient is off by ``factor``."""
    return pair(name, MANY, forward, right, at(index, factor, right), (size,))


def slightly(name: str, forward: Any, right: Any, error: float, *shape: int) -> tuple[Case, Case]:
    """A relative error in the second entry; below 1e-5 the customary test does not see it."""
    return pair(name, SMALL, forward, right, at(1, 1 + error, right), shape, invisible=error < 1e-5)


SCALES = np.array([1e3, 1e-4, 1.0])


def uneven(x: Any) -> Any:
    """sum of SCALES x^2: gradient entries seven orders of magnitude apart."""
    return np.sum(SCALES * x * x)


def uneven_vjp(signs: Any) -> Any:
    """``signs`` multiply the entries."""
    return lambda g, x: 2 * g * SCALES * x * np.array(signs)


def mixed(x: Any, y: Any) -> Any:
    """A huge and a small argument of one sum: nine orders of magnitude apart."""
    return 1e3 * np.sin(x) + 1e-6 * np.cos(y)


CASES: tuple[Case, ...] = (
    *slightly("sin/second-entry-off-by-1e-9", np.sin, sine_vjp, 1e-9, 4),
    *slightly("square/second-entry-off-by-1e-8", np.square, square_vjp, 1e-8, 5),
    *slightly("sum-of-sines/second-entry-off-by-1e-7", sum_of_sines, sine_vjp, 1e-7, 2, 3),
    *slightly("sum-of-squares/second-entry-off-by-1e-6", sum_of_squares, square_vjp, 1e-6, 6),
    *slightly("exp/second-entry-off-by-2e-7", np.exp, lambda g, x: g * np.exp(x), 2e-7, 4),
    *slightly("sin/second-entry-off-by-one-in-a-thousand", np.sin, sine_vjp, 1e-3, 4),
    *slightly("square/second-entry-off-by-one-in-ten-thousand", np.square, square_vjp, 1e-4, 2, 3),
    *one_entry("sin/one-of-1000-entries-halved", np.sin, sine_vjp, 1000, 617, 0.5),
    *one_entry("sum-of-squares/one-of-1000-entries-zero", sum_of_squares, square_vjp, 1000, 3, 0.0),
    *one_entry("sum-of-sines/one-of-10000-entries-with-the-wrong-sign", sum_of_sines, sine_vjp, 10000, 7777, -1.0),
    *one_entry("square/last-of-10000-entries-lost", np.square, square_vjp, 10000, 9999, 0.0),
    *one_entry("sum-of-squares/one-of-1000-entries-off-by-one-percent", sum_of_squares, square_vjp, 1000, 500, 1.01),
    *pair(
        "uneven-squares/sign-of-the-smallest-component",
        HIDDEN,
        uneven,
        uneven_vjp([1, 1, 1]),
        uneven_vjp([1, -1, 1]),
        (3,),
    ),
    *pair("uneven-squares/smallest-component-lost", HIDDEN, uneven, uneven_vjp([1, 1, 1]), uneven_vjp([1, 0, 1]), (3,)),
    *pair(
        "huge-and-small/sign-of-the-small-argument",
        HIDDEN,
        mixed,
        lambda g, x, y: (1e3 * g * np.cos(x), -1e-6 * g * np.sin(y)),
        lambda g, x, y: (1e3 * g * np.cos(x), 1e-6 * g * np.sin(y)),
        (3,),
        (3,),
        invisible=True,
    ),
    *pair(
        "tiny-slope/sign-below-any-absolute-tolerance",
        HIDDEN,
        lambda x: 1e-7 * np.sin(x),
        lambda g, x: 1e-7 * g * np.cos(x),
        lambda g, x: -1e-7 * g * np.cos(x),
        (4,),
        invisible=True,
    ),
    *pair(
        "tiny-slope/zero-below-any-absolute-tolerance",
        HIDDEN,
        lambda x: 1e-8 * x**2,
        lambda g, x: 2e-8 * g * x,
        lambda g, x: 0 * g * x,
        (5,),
        invisible=True,
    ),
    *pair("sin/cotangent-ignored", IGNORED, np.sin, sine_vjp, lambda g, x: np.cos(x), (4,), invisible=True),
    *pair(
        "sum-of-squares/cotangent-ignored",
        IGNORED,
        sum_of_squares,
        square_vjp,
        lambda g, x: 2 * x,
        (5,),
        invisible=True,
    ),
    *pair(
        "sin/mean-of-the-cotangent-for-all-entries",
        IGNORED,
        np.sin,
        sine_vjp,
        lambda g, x: np.mean(g) * np.cos(x),
        (6,),
        invisible=True,
    ),
    *pair(
        "sine-times-cosine/cotangent-used-for-one-argument-only",
        IGNORED,
        lambda x, y: np.sin(x) * np.cos(y),
        lambda g, x, y: (g * np.cos(x) * np.cos(y), -g * np.sin(x) * np.sin(y)),
        lambda g, x, y: (g * np.cos(x) * np.cos(y), -np.sin(x) * np.sin(y)),
        (3,),
        (3,),
        invisible=True,
    ),
)
