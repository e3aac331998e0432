"""Operators that move entries and leave their values alone: permutations of what is there, and arrays put side by side."""

from __future__ import annotations

import numpy as np

from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array

SPECIAL = (0.0, -0.0, 1.0, -1.0, 1e4, -1e-20)
CITATION = "Iverson, A Programming Language (1962), chapter 1"

LETTER = np.arange(1.0, 7.0).reshape(2, 3)
"""1 2 3 over 4 5 6: no two entries are equal, so an entry in the wrong place shows."""


def reshape(x: Array, *, shape: tuple[int, ...], order: str = "C") -> Array:
    """The same entries in the same order, last index fastest (``C``) or first index fastest (``F``)."""
    return np.reshape(x, shape, order=order)  # type: ignore[call-overload,no-any-return]  # order is a literal


def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """Axis ``k`` of the result is axis ``axes[k]`` of ``x``; reversed axes without ``axes``."""
    return np.transpose(x, axes)


def swapaxes(x: Array, *, first: int, second: int) -> Array:
    """Two axes change places."""
    return np.swapaxes(x, first, second)


def moveaxis(x: Array, *, source: int, destination: int) -> Array:
    """One axis goes to a new place; the others keep their order."""
    return np.moveaxis(x, source, destination)


def flip(x: Array, *, axis: int | tuple[int, ...] | None = None) -> Array:
    """The order of the entries reversed along the axes, along all of them without ``axis``."""
    return np.flip(x, axis)


def roll(x: Array, *, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> Array:
    """Entries moved on by ``shift``, those beyond the end brought in at the beginning (flattened without ``axis``)."""
    return np.roll(x, shift, axis)


def rot90(x: Array, *, turns: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Quarter turns from the first of the axes towards the second."""
    return np.rot90(x, turns, axes)


def concatenate(x: Array, y: Array, *, axis: int | None = 0) -> Array:
    """``y`` behind ``x`` along the axis; both flattened where ``axis`` is None."""
    return np.concatenate((x, y), axis=axis)


def stack(x: Array, y: Array, *, axis: int = 0) -> Array:
    """``x`` and ``y`` side by side along a new axis of length two."""
    return np.stack((x, y), axis=axis)


def pixel_shuffle(x: Array, *, factor: int) -> Array:
    """(n, c r^2, h, w) to (n, c, h r, w r): r^2 channels become squares of r by r pixels."""
    n, c, h, w = x.shape
    blocks = np.reshape(x, (n, c // factor**2, factor, factor, h, w))
    return np.reshape(np.transpose(blocks, (0, 1, 4, 2, 5, 3)), (n, c // factor**2, h * factor, w * factor))


RESHAPE_EXAMPLES = (
    Example(((2, 3),), {"shape": (3, 2)}),
    Example(((4,),), {"shape": (2, 1, -1)}),
    Example(((),), {"shape": (1, 1)}),
    Example(((2, 3),), {"shape": (3, 2), "order": "F"}),
    Example(((2, 1, 3),), {"shape": (6,)}),
    Example(((0, 3),), {"shape": (3, 0)}),
)

TRANSPOSE_EXAMPLES = (
    Example(((2, 3),)),
    Example(((2, 3, 4),), {"axes": (1, 2, 0)}),
    Example(((2, 3, 2),), {"axes": (-1, 0, 1)}),
    Example(((2, 1, 3),)),
    Example(((4,),)),
    Example(((),)),
    Example(((0, 2),)),
)

SWAPAXES_EXAMPLES = (
    Example(((2, 3),), {"first": 0, "second": 1}),
    Example(((2, 3, 4),), {"first": 0, "second": -1}),
    Example(((2, 3, 2),), {"first": -2, "second": 2}),
    Example(((3, 1),), {"first": 1, "second": 1}),
    Example(((0, 2),), {"first": 1, "second": 0}),
)

MOVEAXIS_EXAMPLES = (
    Example(((2, 3, 4),), {"source": 0, "destination": 2}),
    Example(((2, 3, 4),), {"source": -1, "destination": 0}),
    Example(((2, 3),), {"source": 1, "destination": -2}),
    Example(((3, 1, 2),), {"source": 1, "destination": 1}),
    Example(((0, 2),), {"source": 0, "destination": 1}),
)

FLIP_EXAMPLES = (
    Example(((4,),)),
    Example(((2, 3),)),
    Example(((2, 3),), {"axis": 0}),
    Example(((3, 2),), {"axis": -1}),
    Example(((2, 3, 2),), {"axis": (0, 2)}),
    Example(((),)),
    Example(((0, 2),), {"axis": 1}),
)

ROLL_EXAMPLES = (
    Example(((5,),), {"shift": 2}),
    Example(((4,),), {"shift": -1, "axis": 0}),
    Example(((2, 3),), {"shift": 1}),
    Example(((3, 2),), {"shift": 7, "axis": -2}),
    Example(((2, 3, 2),), {"shift": (1, -1), "axis": (1, 2)}),
    Example(((2, 3),), {"shift": 0, "axis": 1}),
    Example(((0,),), {"shift": 1}),
)

ROT90_EXAMPLES = (
    Example(((2, 3),)),
    Example(((2, 3),), {"turns": -1}),
    Example(((3, 2),), {"turns": 2}),
    Example(((2, 3, 2),), {"turns": 3, "axes": (2, 0)}),
    Example(((2, 2),), {"turns": 5, "axes": (-1, -2)}),
)

CONCATENATE_EXAMPLES = (
    Example(((2,), (3,))),
    Example(((1, 3), (2, 3))),
    Example(((2, 3), (2, 1)), {"axis": -1}),
    Example(((2, 3), (2,)), {"axis": None}),
    Example(((2, 0, 2), (2, 3, 2)), {"axis": 1}),
    Example(((3,), (3,))),
)

STACK_EXAMPLES = (
    Example(((3,), (3,))),
    Example(((3,), (3,)), {"axis": -1}),
    Example(((2, 3), (2, 3)), {"axis": 1}),
    Example(((), ())),
    Example(((2, 1), (2, 1)), {"axis": -3}),
    Example(((0,), (0,))),
)

PIXEL_SHUFFLE_EXAMPLES = (
    Example(((1, 4, 2, 3),), {"factor": 2}),
    Example(((2, 8, 1, 2),), {"factor": 2}),
    Example(((1, 9, 1, 1),), {"factor": 3}),
    Example(((2, 3, 2, 2),), {"factor": 1}),
    Example(((0, 4, 1, 2),), {"factor": 2}),
)

CONCATENATE_WITNESSES = (
    Witness(
        (np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]])),
        np.array([[1.0, 3.0], [2.0, 4.0]]),
        "exact",
        {"axis": 1},
    ),
)

PIXEL_SHUFFLE_WITNESSES = (
    Witness(
        (np.arange(1.0, 5.0).reshape(1, 4, 1, 1),),
        np.array([[[[1.0, 2.0], [3.0, 4.0]]]]),
        "exact",
        {"factor": 2},
    ),
)

OPERATORS = (
    Operator(
        name="reshape",
        family="shaping",
        signature="(...)->(...)",
        definition=reshape,
        examples=RESHAPE_EXAMPLES,
        formula="y has the entries of x in the same order, and another shape",
        citation=CITATION,
        witnesses=(
            Witness((LETTER,), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), "read row by row", {"shape": (3, 2)}),
            Witness((LETTER,), np.array([1.0, 4.0, 2.0, 5.0, 3.0, 6.0]), "columns", {"shape": (6,), "order": "F"}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="transpose",
        family="shaping",
        signature="(...)->(...)",
        definition=transpose,
        examples=TRANSPOSE_EXAMPLES,
        formula="y_(i_axes) = x_i: the axes permuted",
        citation=CITATION,
        witnesses=(Witness((LETTER,), np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]), "rows become columns"),),
        special=SPECIAL,
    ),
    Operator(
        name="swapaxes",
        family="shaping",
        signature="(...)->(...)",
        definition=swapaxes,
        examples=SWAPAXES_EXAMPLES,
        formula="y_(..j..i..) = x_(..i..j..)",
        citation=CITATION,
        witnesses=(Witness((LETTER[None],), np.arange(1.0, 7.0).reshape(2, 1, 3), "exact", {"first": 0, "second": 1}),),
        special=SPECIAL,
    ),
    Operator(
        name="moveaxis",
        family="shaping",
        signature="(...)->(...)",
        definition=moveaxis,
        examples=MOVEAXIS_EXAMPLES,
        formula="y_(..i..) = x_(i....): one axis in a new place",
        citation=CITATION,
        witnesses=(Witness((LETTER[None],), LETTER.reshape(2, 3, 1), "exact", {"source": 0, "destination": 2}),),
        special=SPECIAL,
    ),
    Operator(
        name="flip",
        family="shaping",
        signature="(...)->(...)",
        definition=flip,
        examples=FLIP_EXAMPLES,
        formula="y_i = x_(n - 1 - i) along the axes",
        citation=CITATION,
        witnesses=(Witness((LETTER,), np.array([[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]), "exact", {"axis": 1}),),
        special=SPECIAL,
    ),
    Operator(
        name="roll",
        family="shaping",
        signature="(...)->(...)",
        definition=roll,
        examples=ROLL_EXAMPLES,
        formula="y_i = x_((i - shift) mod n) along the axes",
        citation=CITATION,
        witnesses=(
            Witness((LETTER,), np.array([[3.0, 1.0, 2.0], [6.0, 4.0, 5.0]]), "exact", {"shift": 1, "axis": 1}),
            Witness((LETTER,), np.array([[5.0, 6.0, 1.0], [2.0, 3.0, 4.0]]), "flattened", {"shift": 2}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="rot90",
        family="shaping",
        signature="(...)->(...)",
        definition=rot90,
        examples=ROT90_EXAMPLES,
        formula="y_ij = x_(j, n - 1 - i), once per quarter turn",
        citation=CITATION,
        witnesses=(Witness((LETTER,), np.array([[3.0, 6.0], [2.0, 5.0], [1.0, 4.0]]), "a quarter turn to the left"),),
        special=SPECIAL,
    ),
    Operator(
        name="concatenate",
        family="shaping",
        signature="(...,m,...),(...,n,...)->(...,m+n,...)",
        definition=concatenate,
        examples=CONCATENATE_EXAMPLES,
        formula="z = x, then y, along the axis",
        citation=CITATION,
        witnesses=CONCATENATE_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="stack",
        family="shaping",
        signature="(...),(...)->(...,2,...)",
        definition=stack,
        examples=STACK_EXAMPLES,
        formula="z_0 = x, z_1 = y along a new axis",
        citation=CITATION,
        witnesses=(Witness(tuple(LETTER), np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]), "exact", {"axis": 1}),),
        special=SPECIAL,
    ),
    Operator(
        name="pixel_shuffle",
        family="shaping",
        signature="(n,c r r,h,w)->(n,c,h r,w r)",
        definition=pixel_shuffle,
        examples=PIXEL_SHUFFLE_EXAMPLES,
        formula="y_(n, c, r h + i, r w + j) = x_(n, c r^2 + r i + j, h, w)",
        citation="Shi et al., Real-Time Single Image Super-Resolution, arXiv:1609.05158, equation 4",
        witnesses=PIXEL_SHUFFLE_WITNESSES,
        special=SPECIAL,
    ),
)
