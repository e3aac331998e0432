"""Means, spreads and order statistics over one or more axes."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.catalogue.reductions import AXES, SPECIAL, SQUARES, VAR_EXAMPLES, Axis, logsumexp, var
from gradcheck.claim import POSITIVE, REALS, Domain, Example, Kink, Operator, Witness
from gradcheck.records import Array

TIED = "any convex combination of their unit vectors"


def std(x: Array, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Array:
    """The root of the variance."""
    result: Array = np.sqrt(var(x, axis=axis, ddof=ddof, keepdims=keepdims))
    return result


def median(x: Array, *, axis: int = -1, keepdims: bool = False) -> Array:
    """The middle entry of an odd number, the mean of the two middle ones of an even number."""
    n = x.shape[axis]
    ordered = np.sort(x, axis=axis)
    middle = np.take(ordered, [(n - 1) // 2, n // 2], axis=axis)
    result: Array = np.mean(middle, axis=axis, keepdims=keepdims)
    return result


def ptp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """From the smallest entry to the largest (peak to peak)."""
    result: Array = np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)
    return result


def average(x: Array, weights: Array, *, axis: int = -1) -> Array:
    """The mean with weights, which are positive and need not add up to one."""
    result: Array = np.sum(x * weights, axis=axis) / np.sum(weights, axis=axis)
    return result


def logmeanexp(x: Array, *, axis: int = -1) -> Array:
    """The logarithm of the mean of the exponentials."""
    result: Array = logsumexp(x, axis=axis) - math.log(max(1, x.shape[axis]))
    return result


SPREAD_EXAMPLES = tuple(example for example in VAR_EXAMPLES if example.shapes[0] not in ((), (1,)))
"""One number alone has no spread, and no slope of it."""

ALONG = (
    Example(((5,),)),
    Example(((4,),)),
    Example(((1,),)),
    Example(((2,),)),
    Example(((3, 2),), {"axis": 0}),
    Example(((2, 4, 3),), {"axis": 1}),
    Example(((0, 3),), {"axis": 1}),
)
"""Odd and even numbers of entries, one and two of them, every axis, empty."""

MEDIAN_EXAMPLES = (*ALONG, Example(((2, 5),), {"axis": -1, "keepdims": True}))

AVERAGE_EXAMPLES = (
    Example(((4,), (4,))),
    Example(((1,), (1,))),
    Example(((3, 2), (3, 2)), {"axis": 0}),
    Example(((2, 3), (2, 3)), {"axis": -1}),
    Example(((0, 3), (0, 3)), {"axis": 1}),
)

OPERATORS = (
    Operator(
        name="mean",
        family="statistics",
        signature="(...)->(...)",
        definition=np.mean,
        examples=AXES,
        formula="y = sum of x over the axes, divided by the number of its terms",
        citation="Knuth, The Art of Computer Programming, volume 2, section 4.2.2",
        witnesses=(
            Witness((np.arange(1.0, 101.0),), np.array(50.5), "(n + 1) / 2"),
            Witness((np.array([[1.0, 2.0], [3.0, 4.0]]),), np.array([2.0, 3.0]), "integers", {"axis": 0}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="min",
        family="statistics",
        signature="(...)->(...)",
        definition=np.min,
        examples=AXES,
        formula="y = smallest x over the axes",
        citation="Clarke, Optimization and Nonsmooth Analysis, proposition 2.3.12",
        witnesses=(Witness((np.array([[1.0, 5.0], [-3.0, -2.0]]),), np.array([1.0, -3.0]), "exact", {"axis": 1}),),
        kinks=(Kink("several entries are smallest", TIED),),
        special=SPECIAL,
    ),
    Operator(
        name="ptp",
        family="statistics",
        signature="(...)->(...)",
        definition=ptp,
        examples=AXES,
        formula="y = largest x minus smallest x over the axes",
        citation="Clarke, Optimization and Nonsmooth Analysis, proposition 2.3.12",
        witnesses=(Witness((np.array([[1.0, 5.0], [-3.0, -2.0]]),), np.array([4.0, 1.0]), "exact", {"axis": 1}),),
        kinks=(Kink("several entries are largest, or smallest", TIED),),
        special=SPECIAL,
    ),
    Operator(
        name="std",
        family="statistics",
        signature="(...)->(...)",
        definition=std,
        examples=SPREAD_EXAMPLES,
        formula="y = sqrt(sum (x - mean x)^2 / (n - ddof))",
        citation="Knuth, The Art of Computer Programming, volume 2, section 4.2.2",
        witnesses=(
            Witness((np.arange(1.0, 8.0),), np.array(2.0), "variance of 1..n: (n^2 - 1) / 12"),
            Witness((np.array([3.0, 0.0, -3.0]),), np.array(3.0), "18 / 2", {"ddof": 1}),
        ),
        kinks=(Kink("all entries equal", "a deviation from their mean, of length up to (n - ddof)^(-1/2)"),),
        special=SQUARES,
    ),
    Operator(
        name="median",
        family="statistics",
        signature="(...,n)->(...)",
        definition=median,
        examples=MEDIAN_EXAMPLES,
        formula="y = the middle of the sorted entries, or the mean of the two middle ones",
        citation="Tukey, Exploratory Data Analysis (1977), section 2A",
        witnesses=(
            Witness((np.array([[7.0, 1.0, 3.0], [0.5, -2.0, 9.0]]),), np.array([3.0, 0.5]), "exact"),
            Witness((np.array([7.0, 1.0, 3.0, 4.0]),), np.array(3.5), "exact"),
        ),
        kinks=(Kink("several entries are in the middle", TIED),),
        special=SPECIAL,
    ),
    Operator(
        name="average",
        family="statistics",
        signature="(...,n),(...,n)->(...)",
        definition=average,
        examples=AVERAGE_EXAMPLES,
        formula="z = sum w x / sum w along the axis",
        citation="Hardy, Littlewood, Polya, Inequalities (1934), section 2.2",
        witnesses=(Witness((np.array([1.0, 2.0, 6.0]), np.array([1.0, 3.0, 4.0])), np.array(3.875), "31 / 8"),),
        domain=Domain((REALS, POSITIVE)),
        special=(0.0, -0.0, 1.0, -1.0, 0.5, 20.0, 1e-8, 1e4, -1e4),
    ),
    Operator(
        name="logmeanexp",
        family="statistics",
        signature="(...,n)->(...)",
        definition=logmeanexp,
        examples=ALONG,
        formula="y = ln(sum e^x / n) along the axis",
        citation="Boyd, Vandenberghe, Convex Optimization, section 3.1.5",
        witnesses=(
            Witness((np.log([1.0, 2.0, 9.0]),), np.array(math.log(4.0)), "the mean of 1, 2 and 9"),
            Witness((np.array([1000.0, 1000.0]),), np.array(1000.0), "equal entries"),
        ),
        special=SPECIAL,
    ),
)
