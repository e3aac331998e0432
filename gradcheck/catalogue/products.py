"""Products of vectors, matrices and arrays of any rank: linear in each factor."""

from __future__ import annotations

import numpy as np

from gradcheck.claim import Example, Operator, Witness
from gradcheck.records import Array

SPECIAL = (0.0, -0.0, 1.0, -1.0, 2.0, 1e-8, 1e4, -1e4)

Axes = int | tuple[tuple[int, ...], tuple[int, ...]]


def _einsum(equation: str, *operands: Array) -> Array:
    """NumPy's einsum knows no bfloat16."""
    dtype = np.result_type(*operands)
    result: Array = np.asanyarray(
        np.einsum(equation, *(x.astype(np.promote_types(dtype, np.float32)) for x in operands))
    )
    return result.astype(dtype)


def dot(x: Array, y: Array) -> Array:
    """Sum over the last axis of ``x`` and the last but one of ``y`` (its only one, if it is a vector)."""
    result: Array = np.asanyarray(np.dot(x, y))
    return result


def vdot(x: Array, y: Array) -> Array:
    """The inner product of all entries, whatever the shapes."""
    result: Array = np.asanyarray(np.dot(np.reshape(x, -1), np.reshape(y, -1)))
    return result


def inner(x: Array, y: Array) -> Array:
    """Sum over the last axes of both."""
    result: Array = np.asanyarray(np.inner(x, y))
    return result


def outer(x: Array, y: Array) -> Array:
    """The products of every entry of ``x`` with every entry of ``y``, both flattened."""
    return np.outer(x, y)


def kron(x: Array, y: Array) -> Array:
    """Each entry of ``x`` replaced by its product with the whole of ``y``."""
    return np.kron(x, y)


def einsum(x: Array, y: Array, *, equation: str) -> Array:
    """Products of the entries of both, summed over the letters that the result does not have."""
    sizes: dict[str, int] = {}
    for letter, n in zip(equation.partition("->")[0].replace(",", ""), (*x.shape, *y.shape), strict=True):
        if sizes.setdefault(letter, n) != n:
            raise ValueError(
                f"equation: {letter!r} of {equation!r} has the sizes {sizes[letter]} and {n}; a letter has one"
            )
    return _einsum(equation, x, y)


def tensordot(x: Array, y: Array, *, axes: Axes) -> Array:
    """Sum over the last ``axes`` axes of ``x`` and the first of ``y``, or over pairs of named axes."""
    return np.tensordot(x, y, axes)


def cross(x: Array, y: Array) -> Array:
    """The vector product along the last axis, of length three."""
    result: Array = np.cross(x, y)
    return result


def linear(x: Array, weights: Array, bias: Array) -> Array:
    """Rows of ``x`` times the transposed weights (out, in), plus the bias: a dense layer."""
    result: Array = np.matmul(x, np.transpose(weights)) + bias
    return result


def bilinear(x: Array, weights: Array, y: Array) -> Array:
    """One bilinear form (in, in) per output: (b, i), (o, i, j), (b, j) to (b, o)."""
    return _einsum("bi,oij,bj->bo", x, weights, y)


def quadratic_form(x: Array, a: Array) -> Array:
    """The form of a square matrix, which need not be symmetric, at each vector."""
    result: Array = np.sum(np.matmul(x, a) * x, axis=-1)
    return result


FIBONACCI = np.array([[1.0, 1.0], [1.0, 0.0]])


def _pairs(*shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[Example, ...]:
    return tuple(Example(pair) for pair in shapes)


DOT_EXAMPLES = _pairs(
    ((2, 3), (3, 2)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((), (2, 3)),
    ((3,), (2, 3, 2)),
    ((2, 1, 3), (2, 3, 2)),
    ((2, 0), (0, 3)),
)

VDOT_EXAMPLES = _pairs(((4,), (4,)), ((2, 3), (2, 3)), ((2, 3), (3, 2)), ((), ()), ((2, 1), (2,)), ((0,), (0,)))

INNER_EXAMPLES = _pairs(
    ((2, 3), (4, 3)),
    ((3,), (3,)),
    ((3,), (2, 3)),
    ((2, 1, 2), (3, 2)),
    ((2, 3), (2, 2, 3)),
    ((), (2,)),
    ((2, 0), (3, 0)),
)

OUTER_EXAMPLES = _pairs(((3,), (2,)), ((1,), (4,)), ((2, 2), (3,)), ((), (3,)), ((2,), (1, 2)), ((0,), (2,)))

KRON_EXAMPLES = _pairs(
    ((2, 2), (2, 3)), ((3,), (2,)), ((1, 2), (2, 1)), ((2,), (2, 2)), ((2, 1, 2), (1, 2, 2)), ((2, 2), ())
)

EINSUM_EXAMPLES = tuple(
    Example(shapes, {"equation": equation})
    for equation, shapes in (
        ("ij,jk->ik", ((2, 3), (3, 2))),
        ("bij,bj->bi", ((2, 2, 3), (2, 3))),
        ("i,j->ji", ((2,), (3,))),
        ("ij,ij->", ((2, 3), (2, 3))),
        ("ii,i->i", ((3, 3), (3,))),
        ("ij,k->k", ((2, 3), (2,))),
        ("ij,ji->j", ((2, 2), (2, 2))),
    )
)

TENSORDOT_EXAMPLES = tuple(
    Example(shapes, {"axes": axes})
    for axes, shapes in (
        (1, ((2, 3), (3, 2))),
        (2, ((2, 2, 3), (2, 3))),
        (0, ((2,), (3,))),
        (((0,), (1,)), ((3, 2), (2, 3, 1))),
        (((-1, 0), (0, 2)), ((2, 3, 2), (2, 1, 2))),
        (1, ((3,), (3,))),
    )
)

CROSS_EXAMPLES = _pairs(((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1, 3), (4, 3)), ((0, 3), (3,)))

LINEAR_EXAMPLES = tuple(
    Example(shapes)
    for shapes in (
        ((2, 3), (4, 3), (4,)),
        ((3,), (2, 3), (2,)),
        ((2, 3, 2), (1, 2), (1,)),
        ((1, 1), (1, 1), (1,)),
        ((0, 2), (3, 2), (3,)),
    )
)

BILINEAR_EXAMPLES = tuple(
    Example(shapes)
    for shapes in (
        ((2, 3), (2, 3, 2), (2, 2)),
        ((3, 2), (1, 2, 2), (3, 2)),
        ((1, 1), (3, 1, 2), (1, 2)),
        ((0, 2), (1, 2, 2), (0, 2)),
    )
)

QUADRATIC_EXAMPLES = _pairs(((3,), (3, 3)), ((2, 2), (2, 2)), ((1,), (1, 1)), ((2, 1, 3), (3, 3)), ((0, 2), (2, 2)))

HAMILTON = np.array([[[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]]])
"""The bilinear forms of the product of complex numbers."""

GOLUB = "Golub, Van Loan, Matrix Computations, section 1.1"

EINSUM_WITNESSES = (
    Witness((FIBONACCI, np.array([[8.0, 5.0], [5.0, 3.0]])), np.array(18.0), "8 + 5 + 5", {"equation": "ij,ij->"}),
    Witness((FIBONACCI, np.array([8.0, 5.0])), np.array([8.0, 0.0]), "diagonal", {"equation": "ii,i->i"}),
)

OPERATORS = (
    Operator(
        name="dot",
        family="products",
        signature="(...,n),(...,n,m)->(...,...,m)",
        definition=dot,
        examples=DOT_EXAMPLES,
        formula="z_(i.. j.. m) = sum_n x_(i.. n) y_(j.. n m)",
        citation=GOLUB,
        witnesses=(
            Witness((FIBONACCI, np.array([8.0, 5.0])), np.array([13.0, 8.0]), "Fibonacci numbers"),
            Witness((np.arange(1.0, 5.0), np.arange(1.0, 5.0)), np.array(30.0), "n (n + 1) (2 n + 1) / 6"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="vdot",
        family="products",
        signature="(...),(...)->()",
        definition=vdot,
        examples=VDOT_EXAMPLES,
        formula="z = sum_k x_k y_k over all entries",
        citation=GOLUB,
        witnesses=(
            Witness((np.arange(1.0, 5.0), np.arange(1.0, 5.0).reshape(2, 2)), np.array(30.0), "sum of squares"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="inner",
        family="products",
        signature="(...,n),(...,n)->(...,...)",
        definition=inner,
        examples=INNER_EXAMPLES,
        formula="z_(i.. j..) = sum_n x_(i.. n) y_(j.. n)",
        citation=GOLUB,
        witnesses=(
            Witness((np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])), np.array([[11.0, 17.0]]), "integers"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="outer",
        family="products",
        signature="(m),(n)->(m,n)",
        definition=outer,
        examples=OUTER_EXAMPLES,
        formula="z_ij = x_i y_j",
        citation=GOLUB,
        witnesses=(
            Witness((np.array([2.0, 3.0]), np.array([5.0, 7.0])), np.array([[10.0, 14.0], [15.0, 21.0]]), "primes"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="kron",
        family="products",
        signature="(m,n),(p,q)->(m p,n q)",
        definition=kron,
        examples=KRON_EXAMPLES,
        formula="z_(i p + k, j q + l) = x_ij y_kl",
        citation="Golub, Van Loan, Matrix Computations, section 1.3.6",
        witnesses=(
            Witness(
                (FIBONACCI, np.array([[2.0, 3.0]])), np.array([[2.0, 3.0, 2.0, 3.0], [2.0, 3.0, 0.0, 0.0]]), "exact"
            ),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="einsum",
        family="products",
        signature="(...),(...)->(...)",
        definition=einsum,
        examples=EINSUM_EXAMPLES,
        formula="z = sum of x y over the letters that do not occur in the result",
        citation="Einstein, Die Grundlage der allgemeinen Relativitaetstheorie, Ann. Phys. 354 (1916), section 5",
        witnesses=EINSUM_WITNESSES,
        special=SPECIAL,
    ),
    Operator(
        name="tensordot",
        family="products",
        signature="(...),(...)->(...)",
        definition=tensordot,
        examples=TENSORDOT_EXAMPLES,
        formula="z = sum of x y over pairs of axes",
        citation="Golub, Van Loan, Matrix Computations, section 12.4.8",
        witnesses=(
            Witness((FIBONACCI, np.array([[8.0, 5.0], [5.0, 3.0]])), np.array(18.0), "8 + 5 + 5", {"axes": 2}),
            Witness((np.array([[1.0, 2.0]]), np.array([3.0])), np.array([3.0, 6.0]), "exact", {"axes": ((0,), (0,))}),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="cross",
        family="products",
        signature="(...,3),(...,3)->(...,3)",
        definition=cross,
        examples=CROSS_EXAMPLES,
        formula="z = (x_2 y_3 - x_3 y_2, x_3 y_1 - x_1 y_3, x_1 y_2 - x_2 y_1)",
        citation="Gibbs, Vector Analysis (1901), chapter 2",
        witnesses=(
            Witness((np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])), np.array([0.0, 0.0, 1.0]), "i x j = k"),
            Witness((np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])), np.array([-3.0, 6.0, -3.0]), "integers"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="linear",
        family="products",
        signature="(...,i),(o,i),(o)->(...,o)",
        definition=linear,
        examples=LINEAR_EXAMPLES,
        formula="y = x W^T + b",
        citation="Goodfellow, Bengio, Courville, Deep Learning (2016), section 6.1",
        witnesses=(
            Witness((np.array([[8.0, 5.0]]), FIBONACCI, np.array([0.5, -8.0])), np.array([[13.5, 0.0]]), "Fibonacci"),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="bilinear",
        family="products",
        signature="(b,i),(o,i,j),(b,j)->(b,o)",
        definition=bilinear,
        examples=BILINEAR_EXAMPLES,
        formula="z_o = x^T W_o y",
        citation="Tenenbaum, Freeman, Separating Style and Content with Bilinear Models (2000), equation 1",
        witnesses=(
            Witness(
                (np.array([[1.0, 2.0]]), HAMILTON, np.array([[3.0, -1.0]])), np.array([[5.0, 5.0]]), "(1 + 2i)(3 - i)"
            ),
        ),
        special=SPECIAL,
    ),
    Operator(
        name="quadratic_form",
        family="products",
        signature="(...,n),(n,n)->(...)",
        definition=quadratic_form,
        examples=QUADRATIC_EXAMPLES,
        formula="y = x^T A x",
        citation="Golub, Van Loan, Matrix Computations, section 4.2",
        witnesses=(Witness((np.array([1.0, 2.0]), np.array([[1.0, 2.0], [0.0, 3.0]])), np.array(17.0), "1 + 4 + 12"),),
        special=(0.0, -0.0, 1.0, -1.0, 2.0, 1e-8, 100.0),
    ),
)
