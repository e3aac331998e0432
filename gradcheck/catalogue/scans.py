"""Operators whose every output entry depends on all inputs before it."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.reductions import SPECIAL
from gradcheck.claim import Example, Kink, Operator, Witness
from gradcheck.records import Array

AXES = (
    Example(((4,),)),
    Example(((1,),)),
    Example(((),)),
    Example(((2, 3),)),
    Example(((3, 2),), {"axis": 0}),
    Example(((2, 4),), {"axis": -1}),
    Example(((2, 3, 2),), {"axis": 1}),
    Example(((0, 3),), {"axis": 0}),
)
"""Every way to name the axis; 0-d, one entry, empty."""


def _flat(x: Array, axis: int | None) -> tuple[Array, int]:
    """Without an axis, the flattened array and its only one."""
    return (np.reshape(x, -1), 0) if axis is None else (x, axis)


def cummax(x: Array, *, axis: int | None = None) -> Array:
    """The largest entry so far."""
    x, axis = _flat(x, axis)
    result: Array = np.maximum.accumulate(x, axis=axis)
    return result


def cummin(x: Array, *, axis: int | None = None) -> Array:
    """The smallest entry so far."""
    x, axis = _flat(x, axis)
    result: Array = np.minimum.accumulate(x, axis=axis)
    return result


def logcumsumexp(x: Array, *, axis: int | None = None) -> Array:
    """The logarithm of the sum of the exponentials so far."""
    x, axis = _flat(x, axis)
    result: Array = np.logaddexp.accumulate(x, axis=axis)
    return result


CUMPROD_WITNESSES = (
    Witness((np.arange(1.0, 6.0),), np.array([1.0, 2.0, 6.0, 24.0, 120.0]), "factorials"),
    Witness((np.array([[2.0, 3.0], [0.0, -1.0]]),), np.array([[2.0, 3.0], [0.0, -3.0]]), "integers", {"axis": 0}),
)

OPERATORS = (
    Operator(
        name="cumsum",
        family="scans",
        signature="(...,n)->(...,n)",
        definition=np.cumsum,
        examples=AXES,
        formula="y_k = x_1 + ... + x_k along the axis (of the flattened array without one)",
        citation="Blelloch, Prefix Sums and Their Applications, CMU-CS-90-190, section 1",
        witnesses=(Witness((np.arange(1.0, 6.0),), np.array([1.0, 3.0, 6.0, 10.0, 15.0]), "triangular numbers"),),
        special=SPECIAL,
    ),
    Operator(
        name="cumprod",
        family="scans",
        signature="(...,n)->(...,n)",
        definition=np.cumprod,
        examples=AXES,
        formula="y_k = x_1 x_2 ... x_k along the axis (of the flattened array without one)",
        citation="Blelloch, Prefix Sums and Their Applications, CMU-CS-90-190, section 1",
        witnesses=CUMPROD_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="cummax",
        family="scans",
        signature="(...,n)->(...,n)",
        definition=cummax,
        examples=AXES,
        formula="y_k = largest of x_1, ..., x_k along the axis (of the flattened array without one)",
        citation="Blelloch, Prefix Sums and Their Applications, CMU-CS-90-190, section 1",
        witnesses=(Witness((np.array([3.0, -1.0, 4.0, 1.0, 5.0]),), np.array([3.0, 3.0, 4.0, 4.0, 5.0]), "exact"),),
        kinks=(Kink("several entries are largest so far", "any convex combination of their unit vectors"),),
        special=SPECIAL,
    ),
    Operator(
        name="cummin",
        family="scans",
        signature="(...,n)->(...,n)",
        definition=cummin,
        examples=AXES,
        formula="y_k = smallest of x_1, ..., x_k along the axis (of the flattened array without one)",
        citation="Blelloch, Prefix Sums and Their Applications, CMU-CS-90-190, section 1",
        witnesses=(Witness((np.array([3.0, 4.0, -1.0, 1.0, -5.0]),), np.array([3.0, 3.0, -1.0, -1.0, -5.0]), "exact"),),
        kinks=(Kink("several entries are smallest so far", "any convex combination of their unit vectors"),),
        special=SPECIAL,
    ),
    Operator(
        name="logcumsumexp",
        family="scans",
        signature="(...,n)->(...,n)",
        definition=logcumsumexp,
        examples=AXES,
        formula="y_k = ln(e^x_1 + ... + e^x_k) along the axis (of the flattened array without one)",
        citation="Blelloch, Prefix Sums and Their Applications, CMU-CS-90-190, section 1",
        witnesses=(Witness((np.log([1.0, 2.0, 5.0]),), np.log([1.0, 3.0, 8.0]), "partial sums of 1, 2, 5"),),
        special=SPECIAL,
    ),
)
