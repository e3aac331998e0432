"""Products of vectors, matrices and tensors: sums of products of places."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from gradcheck.numbers.array import Traced, constants, lift, tape, wrap
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.field import Ids
from gradcheck.numbers.structure import implements


def dot_places(a: Ids, b: Ids) -> Ids:
    """sum_k a_k b_k over the last axis, the others broadcast."""
    return tape("a product").reduce("dot", a, b)


def _matmul_places(a: Ids, b: Ids) -> Ids:
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("matmul: an operand has no axes")
    rows = a[None, :] if a.ndim == 1 else a
    columns = b[:, None] if b.ndim == 1 else b
    if rows.shape[-1] != columns.shape[-2]:
        raise ValueError(f"matmul: {rows.shape[-1]} columns meet {columns.shape[-2]} rows")
    out = dot_places(rows[..., :, None, :], np.swapaxes(columns, -1, -2)[..., None, :, :])
    if a.ndim == 1:
        out = out[..., 0, :]
    return out[..., 0] if b.ndim == 1 else out


@implements(np.matmul, np.linalg.matmul)
def matmul(a: Any, b: Any) -> Traced:
    """Over the last axis of ``a`` and the last but one of ``b``."""
    return wrap(_matmul_places(lift(a, "numpy.matmul"), lift(b, "numpy.matmul")))


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """As matmul for one and two axes; a product for none; else over ``a``'s last and ``b``'s last but one."""
    left, right = lift(a, "numpy.dot"), lift(b, "numpy.dot")
    if left.ndim == 0 or right.ndim == 0:
        return wrap(left) * wrap(right)
    if (left.ndim <= 2 and right.ndim <= 2) or right.ndim == 1:
        return wrap(_matmul_places(left, right))
    return tensordot(a, b, axes=(-1, -2))


@implements(np.vdot)
def vdot(a: Any, b: Any) -> Traced:
    """Of all entries in a row."""
    return wrap(dot_places(lift(a, "numpy.vdot").ravel(), lift(b, "numpy.vdot").ravel()))


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Over both last axes."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return wrap(lift(a, "numpy.inner")) * wrap(lift(b, "numpy.inner"))
    return tensordot(a, b, axes=(-1, -1))


if hasattr(np, "vecdot"):

    @implements(np.vecdot, np.linalg.vecdot)
    def vecdot(a: Any, b: Any, /, axis: int = -1) -> Traced:
        """Over one axis of both."""
        left, right = (np.moveaxis(lift(v, "numpy.vecdot"), axis, -1) for v in (a, b))
        return wrap(dot_places(left, right))


if hasattr(np, "matvec"):

    @implements(np.matvec)
    def matvec(a: Any, b: Any) -> Traced:
        """A stack of matrices with a stack of vectors."""
        return wrap(dot_places(lift(a, "numpy.matvec"), lift(b, "numpy.matvec")[..., None, :]))

    @implements(np.vecmat)
    def vecmat(a: Any, b: Any) -> Traced:
        """A stack of vectors with a stack of matrices."""
        matrix = np.swapaxes(lift(b, "numpy.vecmat"), -1, -2)
        return wrap(dot_places(lift(a, "numpy.vecmat")[..., None, :], matrix))


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Traced:
    """Over pairs of axes."""
    left, right = lift(a, "numpy.tensordot"), lift(b, "numpy.tensordot")
    if isinstance(axes, int | np.integer):
        over = (list(range(left.ndim - int(axes), left.ndim)), list(range(int(axes))))
    else:
        over = ([int(k) for k in np.atleast_1d(axes[0])], [int(k) for k in np.atleast_1d(axes[1])])
    summed = [[k % v.ndim for k in ks] for ks, v in zip(over, (left, right), strict=True)]
    rest = [[k for k in range(v.ndim) if k not in ks] for ks, v in zip(summed, (left, right), strict=True)]
    shape = tuple(left.shape[k] for k in rest[0]) + tuple(right.shape[k] for k in rest[1])
    length = int(np.prod([left.shape[k] for k in summed[0]], dtype=int))
    if [left.shape[k] for k in summed[0]] != [right.shape[k] for k in summed[1]]:
        raise ValueError("shape-mismatch for sum")
    rows = left.transpose(rest[0] + summed[0]).reshape(-1, length) if left.size else np.zeros((0, length), np.int64)
    columns = (
        right.transpose(rest[1] + summed[1]).reshape(-1, length) if right.size else np.zeros((0, length), np.int64)
    )
    if 0 in shape or length == 0:
        return constants(np.zeros(shape))
    return wrap(dot_places(rows[:, None], columns[None]).reshape(shape))


@implements(np.outer, np.linalg.outer)
def outer(a: Any, b: Any) -> Any:
    """Of all entries in a row."""
    return wrap(lift(a, "numpy.outer").ravel()[:, None]) * wrap(lift(b, "numpy.outer").ravel())


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Blocks of b, each times an entry of a."""
    left, right = lift(a, "numpy.kron"), lift(b, "numpy.kron")
    axes = max(left.ndim, right.ndim)
    left = left.reshape((1,) * (axes - left.ndim) + left.shape)
    right = right.reshape((1,) * (axes - right.ndim) + right.shape)
    spread = wrap(np.expand_dims(left, tuple(range(1, 2 * axes, 2)))) * wrap(
        np.expand_dims(right, tuple(range(0, 2 * axes, 2)))
    )
    return spread.reshape([m * n for m, n in zip(left.shape, right.shape, strict=True)])


@implements(np.trace, np.linalg.trace)
def trace(a: Any, offset: int = 0, axis1: int | None = None, axis2: int | None = None, **_: Any) -> Any:
    """The sum of a diagonal, by default that of the first two axes."""
    return np.sum(np.diagonal(a, offset, axis1 or 0, 1 if axis2 is None else axis2), axis=-1)


@implements(np.cross, np.linalg.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """Of vectors with three entries."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = (np.moveaxis(wrap(lift(v, "numpy.cross")), k, 0) for v, k in ((a, axisa), (b, axisb)))
    if len(x) != 3 or len(y) != 3:
        raise Untraceable("numpy.cross", "of vectors that have not three entries")
    parts = [x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.stack(parts, axis=axisc)


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    """From left to right."""
    total = arrays[0]
    for matrix in arrays[1:]:
        total = np.dot(total, matrix)
    return total


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Traced:
    """Sums over windows of ``a`` and the reversed ``v``."""
    long, short = lift(a, "numpy.convolve"), lift(v, "numpy.convolve")
    if len(long) < len(short):
        long, short = short, long
    n, k = len(long), len(short)
    padded = np.concatenate([np.zeros(k - 1, np.int64), long, np.zeros(k - 1, np.int64)])
    full = dot_places(np.lib.stride_tricks.sliding_window_view(padded, k), short[::-1])
    if mode == "full":
        return wrap(full)
    if mode == "same":
        start = (k - 1) // 2
        return wrap(full[start : start + n])
    return wrap(full[k - 1 : n])


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """A convolution with the reversed second argument."""
    if mode != "valid" and len(a) < len(v):
        return np.convolve(a, v[::-1], mode)
    return np.convolve(a, v[::-1], mode) if len(a) >= len(v) else np.convolve(a, v[::-1], mode)[::-1]


@implements(np.einsum)
def einsum(*operands: Any, **_: Any) -> Any:
    """One operand after another is multiplied in; a label is summed as soon as nobody needs it."""
    if not isinstance(operands[0], str):
        raise Untraceable("numpy.einsum", "in the form without a string of subscripts")
    terms = [lift(v, "numpy.einsum") for v in operands[1:]]
    labels, wanted = _subscripts(operands[0].replace(" ", ""), terms)
    current, names = _diagonals(terms[0], labels[0])
    for k in range(1, len(terms)):
        other, others = _diagonals(terms[k], labels[k])
        needed = set(wanted).union(*labels[k + 1 :])
        current, names = _contract(current, names, other, others, needed)
    gone = [n for n in names if n not in wanted]
    if len(terms) == 1 and not gone and isinstance(operands[1], Traced):
        # NumPy gives a view, through which diagonals are written.
        memory = np.ndarray.view(operands[1], np.ndarray)
        strides = np.einsum(operands[0], memory["id"]).strides
        return as_strided(memory, [current.shape[names.index(n)] for n in wanted], strides).view(Traced)
    order = [names.index(n) for n in wanted] + [names.index(n) for n in gone]
    moved = current.transpose(order)
    if not gone:
        return wrap(moved)
    shape = moved.shape[: len(wanted)]
    length = int(np.prod(moved.shape[len(wanted) :], dtype=int))
    return np.sum(wrap(moved.reshape(*shape, length)), axis=-1)


def _subscripts(text: str, terms: list[Ids]) -> tuple[list[str], str]:
    given, arrow, wanted = text.partition("->")
    labels = given.split(",")
    if len(labels) != len(terms):
        raise ValueError("einsum: as many subscripts as operands")
    spare = [chr(0x3B1 + k) for k in range(32)]
    widths = [v.ndim - len(s.replace("...", "")) for s, v in zip(labels, terms, strict=True) if "..." in s]
    dots = "".join(spare[: max(widths, default=0)])
    labels = [
        s.replace("...", dots[len(dots) - (v.ndim - len(s.replace("...", ""))) :])
        for s, v in zip(labels, terms, strict=True)
    ]
    if arrow:
        return labels, wanted.replace("...", dots)
    joined = "".join(labels)
    return labels, dots + "".join(sorted(n for n in set(joined) - set(dots) if joined.count(n) == 1))


def _diagonals(ids: Ids, labels: str) -> tuple[Ids, list[str]]:
    names = list(labels)
    while len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        i, j = (k for k, n in enumerate(names) if n == twice and names[:k].count(n) < 2)
        ids = np.diagonal(ids, axis1=i, axis2=j)
        names = [n for k, n in enumerate(names) if k not in (i, j)] + [twice]
    return ids, names


def _contract(a: Ids, names: list[str], b: Ids, others: list[str], needed: set[str]) -> tuple[Ids, list[str]]:
    every = list(dict.fromkeys(names + others))
    stay = [n for n in every if n in needed]
    gone = [n for n in every if n not in needed]

    def aligned(ids: Ids, own: list[str]) -> Ids:
        order = [own.index(n) for n in stay + gone if n in own]
        moved = ids.transpose(order)
        return moved.reshape([ids.shape[own.index(n)] if n in own else 1 for n in stay + gone])

    left, right = np.broadcast_arrays(aligned(a, names), aligned(b, others))
    if not gone:
        return tape("numpy.einsum").emit("mul", left, right), stay
    shape = left.shape[: len(stay)]
    length = int(np.prod(left.shape[len(stay) :], dtype=int))
    return dot_places(left.reshape(*shape, length), right.reshape(*shape, length)), stay
