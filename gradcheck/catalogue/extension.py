"""Operators that copy entries: padding, repetition, broadcasting, overlapping windows."""

from __future__ import annotations

import numpy as np

from gradcheck.catalogue.shaping import CITATION, LETTER, SPECIAL
from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array

Widths = tuple[tuple[int, int], ...]


def pad_constant(x: Array, *, widths: Widths, value: float = 0.0) -> Array:
    """``value`` around ``x``: (before, after) entries per axis."""
    return np.pad(x, widths, constant_values=value)


def pad_edge(x: Array, *, widths: Widths) -> Array:
    """The first and the last entry of each axis continued outwards."""
    return np.pad(x, widths, mode="edge")


def pad_reflect(x: Array, *, widths: Widths) -> Array:
    """``x`` mirrored at its first and last entry, which are not doubled."""
    return np.pad(x, widths, mode="reflect")


def pad_wrap(x: Array, *, widths: Widths) -> Array:
    """``x`` continued periodically."""
    return np.pad(x, widths, mode="wrap")


def repeat(x: Array, *, repeats: int | tuple[int, ...], axis: int | None = None) -> Array:
    """Each entry so many times in a row; one count per entry if ``repeats`` is a tuple."""
    return np.repeat(x, repeats, axis=axis)


def tile(x: Array, *, reps: int | tuple[int, ...]) -> Array:
    """Copies of the whole of ``x`` side by side, per axis, counted from the last."""
    return np.tile(x, reps)


def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """Axes of length one stretched and leading axes added."""
    return np.broadcast_to(x, shape)


def unfold(x: Array, *, size: int, step: int = 1) -> Array:
    """The windows of ``size`` entries of the last axis, a ``step`` apart, as rows of a new last axis."""
    starts = range(0, x.shape[-1] - size + 1, step)
    return np.stack([x[..., i : i + size] for i in starts], axis=-2)


PAD_EXAMPLES = (
    Example(((2, 3),), {"widths": ((1, 0), (0, 2))}),
    Example(((4,),), {"widths": ((2, 1),)}),
    Example(((2, 3, 2),), {"widths": ((0, 1), (2, 1), (0, 0))}),
    Example(((3,),), {"widths": ((0, 0),)}),
    Example(((0, 3),), {"widths": ((0, 0), (1, 1))}),
)

PAD_CONSTANT_EXAMPLES = (
    *PAD_EXAMPLES,
    Example(((1,),), {"widths": ((1, 2),), "value": -1.5}),
    Example(((2, 2),), {"widths": ((0, 1), (1, 0)), "value": 3.0}),
)

PAD_EDGE_EXAMPLES = (*PAD_EXAMPLES, Example(((1,),), {"widths": ((2, 3),)}), Example(((3,),), {"widths": ((5, 4),)}))

PAD_WRAP_EXAMPLES = (*PAD_EXAMPLES, Example(((1,),), {"widths": ((2, 3),)}), Example(((3,),), {"widths": ((4, 7),)}))

REPEAT_EXAMPLES = (
    Example(((2, 3),), {"repeats": 2, "axis": 1}),
    Example(((3,),), {"repeats": (2, 0, 3), "axis": 0}),
    Example(((2, 2),), {"repeats": 3}),
    Example(((2, 3, 2),), {"repeats": (1, 4, 2), "axis": -2}),
    Example(((),), {"repeats": 3}),
    Example(((4,),), {"repeats": 1, "axis": 0}),
    Example(((2, 0),), {"repeats": 2, "axis": 0}),
)

TILE_EXAMPLES = (
    Example(((3,),), {"reps": 2}),
    Example(((2, 3),), {"reps": (2, 1)}),
    Example(((3,),), {"reps": (2, 3)}),
    Example(((2, 1, 2),), {"reps": 3}),
    Example(((),), {"reps": (2,)}),
    Example(((2, 2),), {"reps": (1, 1)}),
    Example(((0,),), {"reps": 2}),
)

BROADCAST_EXAMPLES = (
    Example(((3,),), {"shape": (2, 3)}),
    Example(((),), {"shape": (2, 2)}),
    Example(((2, 1),), {"shape": (2, 4)}),
    Example(((1, 3, 1),), {"shape": (2, 2, 3, 2)}),
    Example(((2,),), {"shape": (2,)}),
    Example(((1,),), {"shape": (0,)}),
)

UNFOLD_EXAMPLES = (
    Example(((5,),), {"size": 3}),
    Example(((2, 6),), {"size": 3, "step": 2}),
    Example(((7,),), {"size": 2, "step": 3}),
    Example(((2, 1, 4),), {"size": 4}),
    Example(((1,),), {"size": 1}),
    Example(((0, 3),), {"size": 2}),
)

REPEAT_WITNESSES = (
    Witness((LETTER[0],), np.array([1.0, 1.0, 3.0, 3.0, 3.0]), "exact", {"repeats": (2, 0, 3)}),
    Witness((LETTER,), np.array([LETTER[0], LETTER[0], LETTER[1], LETTER[1]]), "exact", {"repeats": 2, "axis": 0}),
)

OPERATORS = (
    Operator(
        name="pad_constant",
        family="extension",
        signature="(...)->(...)",
        definition=pad_constant,
        examples=PAD_CONSTANT_EXAMPLES,
        formula="y_i = x_(i - before) inside, the value outside",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.5",
        witnesses=(
            Witness((LETTER[0],), np.array([9.0, 1.0, 2.0, 3.0, 9.0, 9.0]), "exact", {"widths": ((1, 2),), "value": 9}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="pad_edge",
        family="extension",
        signature="(...)->(...)",
        definition=pad_edge,
        examples=PAD_EDGE_EXAMPLES,
        formula="y_i = x_min(max(i - before, 0), n - 1)",
        citation="Gonzalez, Woods, Digital Image Processing (4th ed.), section 3.4",
        witnesses=(Witness((LETTER[0],), np.array([1.0, 1.0, 1.0, 2.0, 3.0, 3.0]), "exact", {"widths": ((2, 1),)}),),
        special=SPECIAL,
    ),
    Operator(
        name="pad_reflect",
        family="extension",
        signature="(...)->(...)",
        definition=pad_reflect,
        examples=PAD_EXAMPLES,
        formula="y_i = x_|i - before|, mirrored likewise at n - 1",
        citation="Gonzalez, Woods, Digital Image Processing (4th ed.), section 3.4",
        witnesses=(Witness((LETTER[0],), np.array([3.0, 2.0, 1.0, 2.0, 3.0, 2.0]), "exact", {"widths": ((2, 1),)}),),
        special=SPECIAL,
    ),
    Operator(
        name="pad_wrap",
        family="extension",
        signature="(...)->(...)",
        definition=pad_wrap,
        examples=PAD_WRAP_EXAMPLES,
        formula="y_i = x_((i - before) mod n)",
        citation="Gonzalez, Woods, Digital Image Processing (4th ed.), section 4.6",
        witnesses=(Witness((LETTER[0],), np.array([2.0, 3.0, 1.0, 2.0, 3.0, 1.0]), "exact", {"widths": ((2, 1),)}),),
        special=SPECIAL,
    ),
    Operator(
        name="repeat",
        family="extension",
        signature="(...,n,...)->(...,m,...)",
        definition=repeat,
        examples=REPEAT_EXAMPLES,
        formula="y = x_1 (r_1 times), x_2 (r_2 times) ... along the axis, of the flattened array without one",
        citation=CITATION,
        witnesses=REPEAT_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="tile",
        family="extension",
        signature="(...)->(...)",
        definition=tile,
        examples=TILE_EXAMPLES,
        formula="y_i = x_(i mod n) along each axis",
        citation=CITATION,
        witnesses=(Witness((LETTER[0],), np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0]), "exact", {"reps": 2}),),
        special=SPECIAL,
    ),
    Operator(
        name="broadcast_to",
        family="extension",
        signature="(...)->(...)",
        definition=broadcast_to,
        examples=BROADCAST_EXAMPLES,
        formula="y_i = x_j, j the index i without the axes that were stretched or added",
        citation="Harris et al., Array programming with NumPy, Nature 585 (2020), figure 1",
        witnesses=(Witness((LETTER[:, :1],), np.array([[1.0, 1.0], [4.0, 4.0]]), "exact", {"shape": (2, 2)}),),
        special=SPECIAL,
    ),
    Operator(
        name="unfold",
        family="extension",
        signature="(...,n)->(...,m,k)",
        definition=unfold,
        examples=UNFOLD_EXAMPLES,
        formula="y_ij = x_(i step + j)",
        citation="Golub, Van Loan, Matrix Computations, section 4.7 (Hankel matrices)",
        witnesses=(
            Witness((np.arange(4.0),), np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]), "a Hankel matrix", {"size": 2}),
        ),
        special=SPECIAL,
    ),
)
