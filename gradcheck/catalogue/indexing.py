"""Selection of entries, by index or by mask."""

from __future__ import annotations

import numpy as np

from gradcheck.claim import FIXED, REALS, Domain, Example, Operator, Witness
from gradcheck.records import Array


def take(x: Array, indices: Array, *, axis: int | None = None) -> Array:
    """Entries of ``x`` along the axis (of the flattened array without one); an index may occur often or never."""
    return np.take(x, indices, axis=axis)


TAKE_EXAMPLES = (
    Example(((5,), np.array([0, 2, 2, 4, 2]))),
    Example(((5,), np.array(-1))),
    Example(((4,), np.array([], dtype=np.int64))),
    Example(((3, 4), np.array([[11, 0], [0, -1]]))),
    Example(((3, 4), np.array([1, 1])), {"axis": 0}),
    Example(((2, 3), np.array([[0, -1, 2], [2, 2, 2]])), {"axis": -1}),
    Example(((2, 3, 2), np.array(1)), {"axis": 1}),
    Example(((2, 1, 3), np.array([0, 0, -1])), {"axis": 1}),
)

TAKE_WITNESSES = (
    Witness((np.array([10.0, 20.0, 30.0]), np.array([2, 0, -1, 2])), np.array([30.0, 10.0, 30.0, 30.0]), "exact"),
    Witness(
        (np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1, 0])),
        np.array([[2.0, 2.0, 1.0], [4.0, 4.0, 3.0]]),
        "exact",
        {"axis": 1},
    ),
)

WHERE_EXAMPLES = (
    Example((np.array(True), (), ())),
    Example((np.array([True, False, True]), (3,), (3,))),
    Example((np.array([[True], [False]]), (3,), (2, 1))),
    Example((np.array([True, False]), (), (3, 2))),
    Example((np.array(False), (2, 3), (3,))),
    Example((np.array([False, False]), (1,), (2, 2))),
    Example((np.zeros((0, 2), dtype=bool), (2,), (1, 2))),
)

WHERE_WITNESSES = (
    Witness(
        (np.array([[True, False], [False, True]]), np.array([1.0, 2.0]), np.array(-3.0)),
        np.array([[1.0, -3.0], [-3.0, 2.0]]),
        "exact",
    ),
)

OPERATORS = (
    Operator(
        name="take",
        family="indexing",
        signature="(n),(k)->(k)",
        definition=take,
        examples=TAKE_EXAMPLES,
        formula="y_k = x_(i_k)",
        citation="Iverson, A Programming Language (1962), chapter 1",
        witnesses=TAKE_WITNESSES,
        domain=Domain((REALS, FIXED)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
    Operator(
        name="where",
        family="indexing",
        signature="(...),(...),(...)->(...)",
        definition=np.where,
        examples=WHERE_EXAMPLES,
        formula="z = x where the condition holds, else y",
        citation="Iverson, A Programming Language (1962), chapter 1",
        witnesses=WHERE_WITNESSES,
        domain=Domain((FIXED, REALS, REALS)),
        special=(0.0, 1.0, -1.0, 1e20),
    ),
)
