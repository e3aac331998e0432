"""Operators whose every output entry depends on all inputs before it."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.reductions import SPECIAL
from gradcheck.claim import Example, Operator, Witness

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
)
