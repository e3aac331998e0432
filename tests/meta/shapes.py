"""Backward passes with a mistake of axis, broadcast, transpose or order of operands."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.meta.case import Case
from tests.meta.drawn import pair
from tests.meta.stable import softmax, softmax_vjp

AXIS = "wrong axis"
BROADCAST = "broadcast axis not summed"
TRANSPOSE = "operand's transpose missing"
SWAPPED = "operands swapped"


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes along which an array of ``shape`` was repeated."""
    g = np.sum(g, axis=tuple(range(np.ndim(g) - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1)
    return np.sum(g, axis=stretched, keepdims=True)


def product_vjp(g: Any, x: Any, y: Any) -> Any:
    """vjp of the broadcast product."""
    return unbroadcast(g * y, x.shape), unbroadcast(g * x, y.shape)


def add_vjp(g: Any, x: Any, y: Any) -> Any:
    """vjp of the broadcast sum."""
    return unbroadcast(g, x.shape), unbroadcast(g, y.shape)


def linear(x: Any, w: Any, b: Any) -> Any:
    """x w + b for rows x."""
    return x @ w + b


def linear_vjp(g: Any, x: Any, w: Any, b: Any) -> Any:
    """(g w', x' g, sum of the rows of g)."""
    return g @ w.T, x.T @ g, np.sum(g, axis=0)


def matmul_vjp(g: Any, a: Any, b: Any) -> Any:
    """(g b', a' g) over the last two axes."""
    return g @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ g


def with_axis(function: Any) -> Any:
    """vjp of a sum or mean: ``function(x, g, axis)`` after the reduced axis was put back."""
    return lambda g, x, axis: function(x, np.expand_dims(g, axis), axis)


def along(x: Any, axis: Any) -> int:
    """Number of entries that a reduction over ``axis`` puts into one."""
    return int(np.prod([x.shape[a] for a in np.atleast_1d(axis)]))


REDUCTIONS = (
    *pair(
        "sum/square-array-expanded-along-the-other-axis",
        AXIS,
        lambda x: np.sum(x, axis=1),
        lambda g, x: np.repeat(g[:, None], 3, 1),
        lambda g, x: np.repeat(g[None], 3, 0),
        (3, 3),
        invisible=True,
    ),
    *pair(
        "sum-of-squares/square-array-broadcast-without-keepdims",
        AXIS,
        lambda x: np.sum(x * x, axis=1),
        lambda g, x: 2 * x * g[:, None],
        lambda g, x: 2 * x * g,
        (4, 4),
        invisible=True,
    ),
    *pair(
        "mean/forgets-to-divide-for-a-negative-axis",
        AXIS,
        lambda x, axis: np.mean(x, axis=axis),
        with_axis(lambda x, g, axis: np.broadcast_to(g / x.shape[axis], x.shape).copy()),
        with_axis(lambda x, g, axis: np.broadcast_to(g / (x.shape[axis] if axis >= 0 else 1), x.shape).copy()),
        (2, 3),
        kwargs={"axis": -1},
    ),
    *pair(
        "mean/divides-by-the-length-of-the-first-axis",
        AXIS,
        lambda x, axis: np.mean(x, axis=axis),
        with_axis(lambda x, g, axis: np.broadcast_to(g / x.shape[axis], x.shape).copy()),
        with_axis(lambda x, g, axis: np.broadcast_to(g / len(x), x.shape).copy()),
        (2, 3),
        kwargs={"axis": 1},
    ),
    *pair(
        "mean/divides-by-only-one-of-two-axes",
        AXIS,
        lambda x, axis: np.mean(x, axis=axis),
        with_axis(lambda x, g, axis: np.broadcast_to(g / along(x, axis), x.shape).copy()),
        with_axis(lambda x, g, axis: np.broadcast_to(g / x.shape[axis[0]], x.shape).copy()),
        (2, 3, 2),
        kwargs={"axis": (0, 2)},
    ),
    *pair(
        "mean/sum-taken-for-mean",
        AXIS,
        lambda x: np.mean(x * x, axis=0),
        lambda g, x: 2 * x * g / len(x),
        lambda g, x: 2 * x * g,
        (4, 2),
    ),
    *pair(
        "sum/mean-taken-for-sum",
        AXIS,
        lambda x: np.sum(np.sin(x)),
        lambda g, x: g * np.cos(x),
        lambda g, x: g * np.cos(x) / x.size,
        (5,),
    ),
    *pair(
        "softmax/sum-over-the-first-axis",
        AXIS,
        softmax,
        lambda g, x: softmax_vjp(g, softmax(x)),
        lambda g, x: softmax_vjp(g.T, softmax(x).T).T,
        (3, 3),
    ),
    *pair(
        "cumsum/reversed-along-the-wrong-axis",
        AXIS,
        lambda x: np.cumsum(x, axis=1),
        lambda g, x: np.cumsum(g[:, ::-1], axis=1)[:, ::-1],
        lambda g, x: np.cumsum(g[::-1], axis=0)[::-1],
        (3, 3),
    ),
    *pair(
        "variance/mean-over-all-instead-of-the-axis",
        AXIS,
        lambda x: np.var(x, axis=1),
        lambda g, x: 2 * g[:, None] * (x - np.mean(x, axis=1, keepdims=True)) / x.shape[1],
        lambda g, x: 2 * g[:, None] * (x - np.mean(x)) / x.shape[1],
        (3, 4),
    ),
)

BROADCASTS = (
    *pair(
        "add/row-mean-instead-of-sum", BROADCAST, np.add, add_vjp, lambda g, x, y: (g, np.mean(g, axis=0)), (4, 3), (3,)
    ),
    *pair(
        "add/summed-along-the-wrong-axis-of-a-square",
        BROADCAST,
        np.add,
        add_vjp,
        lambda g, x, y: (g, np.sum(g, axis=1)),
        (3, 3),
        (3,),
        invisible=True,
    ),
    *pair(
        "multiply/summed-along-the-wrong-axis-of-a-square",
        BROADCAST,
        np.multiply,
        product_vjp,
        lambda g, x, y: (g * y, np.sum(g * x, axis=1)),
        (4, 4),
        (4,),
    ),
    *pair(
        "multiply/column-taken-from-the-first-entry-only",
        BROADCAST,
        np.multiply,
        product_vjp,
        lambda g, x, y: (g * y, (g * x)[:, :1]),
        (3, 2),
        (3, 1),
    ),
    *pair(
        "multiply/scalar-operand-gets-the-mean",
        BROADCAST,
        np.multiply,
        product_vjp,
        lambda g, x, y: (g * y, np.mean(g * x)),
        (5,),
        (),
    ),
    *pair(
        "multiply/both-stretched-and-one-not-summed",
        BROADCAST,
        np.multiply,
        product_vjp,
        lambda g, x, y: (unbroadcast(g * y, x.shape), (g * x)[:1]),
        (3, 1),
        (1, 4),
    ),
    *pair(
        "multiply/unsummed-gradient-left-to-broadcast",
        BROADCAST,
        np.multiply,
        product_vjp,
        lambda g, x, y: (g * y, g * x),
        (2, 3),
        (3,),
    ),
    *pair(
        "multiply/axis-of-size-one-dropped",
        BROADCAST,
        np.multiply,
        product_vjp,
        lambda g, x, y: (g * y, np.sum(g * x, axis=0)),
        (4, 3),
        (1, 3),
    ),
    *pair(
        "linear/bias-summed-over-features",
        BROADCAST,
        linear,
        linear_vjp,
        lambda g, x, w, b: (g @ w.T, x.T @ g, np.sum(g, axis=1)),
        (3, 2),
        (2, 3),
        (3,),
        invisible=True,
    ),
    *pair(
        "linear/bias-gradient-averaged-over-the-batch",
        BROADCAST,
        linear,
        linear_vjp,
        lambda g, x, w, b: (g @ w.T, x.T @ g, np.mean(g, axis=0)),
        (4, 2),
        (2, 3),
        (3,),
    ),
    *pair(
        "linear/weight-gradient-averaged-over-the-batch",
        BROADCAST,
        linear,
        linear_vjp,
        lambda g, x, w, b: (g @ w.T, x.T @ g / len(x), np.sum(g, axis=0)),
        (4, 2),
        (2, 2),
        (2,),
    ),
    *pair(
        "broadcast-to/first-copy-only",
        BROADCAST,
        lambda x: np.broadcast_to(x, (3, 4)) * np.arange(1.0, 4.0)[:, None],
        lambda g, x: np.arange(1.0, 4.0) @ g,
        lambda g, x: g[0],
        (4,),
    ),
)

MATRICES = (
    *pair(
        "matmul/square-weight-not-transposed",
        TRANSPOSE,
        np.matmul,
        matmul_vjp,
        lambda g, a, b: (g @ b, a.T @ g),
        (2, 3),
        (3, 3),
    ),
    *pair(
        "matmul/square-input-not-transposed",
        TRANSPOSE,
        np.matmul,
        matmul_vjp,
        lambda g, a, b: (g @ b.T, a @ g),
        (3, 3),
        (3, 2),
    ),
    *pair(
        "matmul/gradients-returned-in-the-other-order",
        SWAPPED,
        np.matmul,
        matmul_vjp,
        lambda g, a, b: matmul_vjp(g, a, b)[::-1],
        (3, 3),
        (3, 3),
    ),
    *pair(
        "matmul/batch-not-summed-for-a-shared-matrix",
        BROADCAST,
        np.matmul,
        lambda g, a, b: (g @ b.T, np.einsum("nij,nik->jk", a, g)),
        lambda g, a, b: (g @ b.T, a[0].T @ g[0]),
        (2, 3, 4),
        (4, 2),
    ),
    *pair(
        "matmul/batch-averaged-for-a-shared-matrix",
        BROADCAST,
        np.matmul,
        lambda g, a, b: (g @ b.T, np.einsum("nij,nik->jk", a, g)),
        lambda g, a, b: (g @ b.T, np.mean(np.swapaxes(a, 1, 2) @ g, axis=0)),
        (3, 2, 2),
        (2, 3),
    ),
    *pair(
        "quadratic-form/only-one-side",
        TRANSPOSE,
        lambda x, a: x @ a @ x,
        lambda g, x, a: (g * (a + a.T) @ x, g * np.outer(x, x)),
        lambda g, x, a: (2 * g * a @ x, g * np.outer(x, x)),
        (3,),
        (3, 3),
    ),
    *pair(
        "outer/operands-swapped",
        SWAPPED,
        np.outer,
        lambda g, x, y: (g @ y, g.T @ x),
        lambda g, x, y: (g.T @ y, g @ x),
        (3,),
        (3,),
        invisible=True,
    ),
    *pair(
        "subtract/operands-swapped", SWAPPED, np.subtract, lambda g, x, y: (g, -g), lambda g, x, y: (-g, g), (4,), (4,)
    ),
    *pair(
        "bilinear/operands-swapped",
        SWAPPED,
        lambda x, a, y: x @ a @ y,
        lambda g, x, a, y: (g * a @ y, g * np.outer(x, y), g * a.T @ x),
        lambda g, x, a, y: (g * a @ y, g * np.outer(y, x), g * a.T @ x),
        (3,),
        (3, 3),
        (3,),
    ),
    *pair(
        "trace-of-product/not-transposed",
        TRANSPOSE,
        lambda a, b: np.sum(a * b.T),
        lambda g, a, b: (g * b.T, g * a.T),
        lambda g, a, b: (g * b, g * a),
        (3, 3),
        (3, 3),
    ),
)

CASES: tuple[Case, ...] = (*REDUCTIONS, *BROADCASTS, *MATRICES)
