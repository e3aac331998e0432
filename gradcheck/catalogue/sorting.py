"""Operators that order entries, or gather them in groups of equal label."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.shaping import SPECIAL
from gradcheck.claim import FIXED, REALS, Domain, Example, Kink, Operator, Witness
from gradcheck.records import Array


def sort(x: Array, *, axis: int = -1, descending: bool = False) -> Array:
    """The entries of each line along the axis in order."""
    ordered = np.sort(x, axis=axis)
    return np.flip(ordered, axis) if descending else ordered


def topk(x: Array, *, k: int, axis: int = -1) -> Array:
    """The ``k`` largest entries along the axis, largest first."""
    return np.flip(np.take(np.sort(x, axis=axis), range(-k, 0), axis=axis), axis)


def _within(labels: Array, segments: int) -> None:
    if labels.size and not 0 <= int(np.min(labels)) <= int(np.max(labels)) < segments:
        raise ValueError(f"labels: one is not below segments={segments}; every label names a segment")


def segment_sum(x: Array, labels: Array, *, segments: int) -> Array:
    """Row ``i`` is the sum of the rows of ``x`` with label ``i``; 0 for a label that does not occur."""
    _within(labels, segments)
    return np.stack([np.sum(x[labels == i], axis=0) for i in range(segments)])


def segment_mean(x: Array, labels: Array, *, segments: int) -> Array:
    """Row ``i`` is the mean of the rows of ``x`` with label ``i``; 0 for a label that does not occur."""
    _within(labels, segments)
    count = [max(1, int(np.sum(labels == i))) for i in range(segments)]
    return np.stack([np.sum(x[labels == i], axis=0) / count[i] for i in range(segments)])


def segment_max(x: Array, labels: Array, *, segments: int) -> Array:
    """Row ``i`` is the entrywise largest of the rows of ``x`` with label ``i``; each label occurs."""
    _within(labels, segments)
    return np.stack([np.max(x[labels == i], axis=0) for i in range(segments)])


SHUFFLED = np.array([[3.0, 1.0, 2.0], [-1.0, 5.0, 4.0]])
LABELS = np.array([0, 2, 0])

SORT_EXAMPLES = (
    Example(((5,),)),
    Example(((2, 4),)),
    Example(((3, 2),), {"axis": 0}),
    Example(((2, 3),), {"descending": True}),
    Example(((2, 3, 2),), {"axis": -2, "descending": True}),
    Example(((1,),)),
    Example(((0, 2),)),
)

TOPK_EXAMPLES = (
    Example(((5,),), {"k": 2}),
    Example(((2, 4),), {"k": 1}),
    Example(((3, 2),), {"k": 2, "axis": 0}),
    Example(((3,),), {"k": 3}),
    Example(((1,),), {"k": 1}),
    Example(((2, 3, 2),), {"k": 2, "axis": 1}),
)

SEGMENT_EXAMPLES = (
    Example(((5,), np.array([0, 1, 1, 0, 1])), {"segments": 2}),
    Example(((3, 2), np.array([2, 0, 1])), {"segments": 3}),
    Example(((4, 1, 2), np.array([1, 1, 1, 0])), {"segments": 2}),
    Example(((1,), np.array([0])), {"segments": 1}),
    Example(((4,), np.array([0, 0, 0, 0])), {"segments": 1}),
)

GAPPED_EXAMPLES = (*SEGMENT_EXAMPLES, Example(((3, 2), LABELS), {"segments": 4}))

SEGMENTS = "Blelloch, Vector Models for Data-Parallel Computing (1990), section 4.2.3"

OPERATORS = (
    Operator(
        name="sort",
        family="sorting",
        signature="(...,n)->(...,n)",
        definition=sort,
        examples=SORT_EXAMPLES,
        formula="y = x in ascending (or descending) order along the axis",
        citation="Knuth, The Art of Computer Programming, volume 3, chapter 5",
        witnesses=(Witness((SHUFFLED,), np.array([[1.0, 2.0, 3.0], [-1.0, 4.0, 5.0]]), "exact"),),
        kinks=(Kink("entries are equal", "any doubly stochastic assignment among them"),),
        special=SPECIAL,
    ),
    Operator(
        name="topk",
        family="sorting",
        signature="(...,n)->(...,k)",
        definition=topk,
        examples=TOPK_EXAMPLES,
        formula="y_1 >= ... >= y_k: the k largest entries along the axis",
        citation="Knuth, The Art of Computer Programming, volume 3, section 5.3.3",
        witnesses=(Witness((SHUFFLED,), np.array([[3.0, 2.0], [5.0, 4.0]]), "exact", {"k": 2}),),
        kinks=(Kink("entries are equal", "any doubly stochastic assignment among them"),),
        special=SPECIAL,
    ),
    Operator(
        name="segment_sum",
        family="sorting",
        signature="(n,...),(n)->(k,...)",
        definition=segment_sum,
        examples=GAPPED_EXAMPLES,
        formula="y_i = sum of x_j over all j of label i",
        citation=SEGMENTS,
        witnesses=(Witness((np.array([1.0, 2.0, 4.0]), LABELS), np.array([5.0, 0.0, 2.0]), "exact", {"segments": 3}),),
        domain=Domain((REALS, FIXED)),
        special=SPECIAL,
        parameters={"segments": range(3, 7)},
    ),
    Operator(
        name="segment_mean",
        family="sorting",
        signature="(n,...),(n)->(k,...)",
        definition=segment_mean,
        examples=GAPPED_EXAMPLES,
        formula="y_i = mean of x_j over all j of label i, 0 if there is none",
        citation=SEGMENTS,
        witnesses=(Witness((np.array([1.0, 2.0, 4.0]), LABELS), np.array([2.5, 0.0, 2.0]), "exact", {"segments": 3}),),
        domain=Domain((REALS, FIXED)),
        special=SPECIAL,
        parameters={"segments": range(3, 7)},
    ),
    Operator(
        name="segment_max",
        family="sorting",
        signature="(n,...),(n)->(k,...)",
        definition=segment_max,
        examples=SEGMENT_EXAMPLES,
        formula="y_i = largest x_j of label i",
        citation=SEGMENTS,
        witnesses=(
            Witness((np.array([1.0, 2.0, 4.0]), np.array([0, 1, 0])), np.array([4.0, 2.0]), "exact", {"segments": 2}),
        ),
        domain=Domain((REALS, FIXED)),
        kinks=(Kink("several entries of a segment are largest", "any convex combination of their unit vectors"),),
        special=SPECIAL,
    ),
)
