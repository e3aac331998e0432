"""Linear algebra on places: our own elimination, in operations that every field has.

Any pivot that is not zero gives the same inverse, solution and determinant, so the choice of a large one decides nothing: these functions
stay smooth.  A matrix that is singular ends in a division by zero, and its result is no number.

Source: Golub, Van Loan, Matrix Computations (2013), sections 3.2, 3.4 and 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from gradcheck.numbers.array import STATE, Traced, demoted, lift, tape, wrap
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.field import Array, Floats, Ids
from gradcheck.numbers.lowering import compare, emit, number
from gradcheck.numbers.structure import implements


def _square(ids: Ids, call: str) -> Ids:
    if ids.ndim < 2 or ids.shape[-1] != ids.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    return ids


def _near(ids: Ids) -> Floats:
    """Sizes close by, to choose pivots by; what is not known to be a number comes last."""
    t = tape("a pivot")
    finite = t.ordered.finite(t.values[ids.ravel()]).reshape(ids.shape)
    return np.where(finite, np.abs(t.show(ids)), -1.0)


def eliminate(matrix: Ids, right: Ids) -> tuple[Ids, Ids, Array]:
    """Gauss's elimination of (B, n, n) with right-hand sides (B, n, m): the triangle, what became of them, signs of permutations."""
    a, b = matrix.copy(), right.copy()
    batch, n = a.shape[0], a.shape[1]
    rows, signs = np.arange(batch), np.ones(batch)
    for k in range(n):
        best = k + np.argmax(_near(a[:, k:, k]), axis=1)
        signs[best != k] *= -1
        for block in (a, b):
            upper, lower = block[rows, k].copy(), block[rows, best].copy()
            block[rows, k], block[rows, best] = lower, upper
        if k + 1 < n:
            factor = emit("div", a[:, k + 1 :, k], a[:, k, k][:, None])[..., None]
            a[:, k + 1 :, k + 1 :] = emit("sub", a[:, k + 1 :, k + 1 :], emit("mul", factor, a[:, k, None, k + 1 :]))
            a[:, k + 1 :, k] = number(0.0)
            if b.shape[2]:
                b[:, k + 1 :] = emit("sub", b[:, k + 1 :], emit("mul", factor, b[:, k, None, :]))
    return a, b, signs


def back_substitute(a: Ids, b: Ids, *, unit: bool = False) -> Ids:
    """Solves the upper triangles (B, n, n) for (B, n, m)."""
    x = b.copy()
    n = a.shape[1]
    for k in range(n - 1, -1, -1):
        row = x[:, k]
        if k + 1 < n:
            known = np.swapaxes(x[:, k + 1 :], 1, 2)
            row = emit("sub", row, tape("solve").reduce("dot", known, a[:, k, None, k + 1 :]))
        x[:, k] = row if unit else emit("div", row, a[:, k, k][:, None])
    return x


def _solve_places(matrix: Ids, right: Ids) -> Ids:
    stack = np.broadcast_shapes(matrix.shape[:-2], right.shape[:-2])
    n, m = right.shape[-2:]
    if 0 in (*stack, n, m):
        return np.zeros((*stack, n, m), np.int64)
    a = np.broadcast_to(matrix, (*stack, n, n)).reshape(-1, n, n)
    b = np.broadcast_to(right, (*stack, n, m)).reshape(-1, n, m)
    triangle, rest, _ = eliminate(a, b)
    return back_substitute(triangle, rest).reshape(*stack, n, m)


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Traced:
    """x with a x = b; ``b`` is a vector if it has one axis."""
    matrix, right = _square(lift(a, "numpy.linalg.solve"), "numpy.linalg.solve"), lift(b, "numpy.linalg.solve")
    if right.ndim == 1:
        return wrap(_solve_places(matrix, right[:, None])[..., 0])
    return wrap(_solve_places(matrix, right))


class _Spectrum:
    """Singular values that a text is given and mostly drops: none is known here, and any use says so."""

    def _used(self, *_: Any) -> Any:
        with STATE.inside():
            raise Untraceable("numpy.linalg.lstsq", "the text uses its singular values")

    __getattr__ = __getitem__ = __iter__ = __len__ = __array__ = __bool__ = _used
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __sub__ = __rsub__ = _used
    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __neg__ = __abs__ = _used


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, Any]:
    """By the normal equations, of a matrix whose rank is full without doubt; of others NumPy drops small singular values."""
    ids, right = lift(a, "numpy.linalg.lstsq"), wrap(lift(b, "numpy.linalg.lstsq"))
    m, n = ids.shape
    # four: what rounding moves the singular values by is a fraction of the smallest cut
    cut = 4 * max(0.0 if rcond is None else float(demoted(rcond)), max(m, n) * 2.0**-52)
    sizes = np.linalg.svd(tape("numpy.linalg.lstsq").show(ids), compute_uv=False)
    if sizes.size and not sizes[-1] > cut * sizes[0]:
        raise Untraceable("numpy.linalg.lstsq", "the rank of its matrix is in doubt")
    matrix = wrap(ids)
    if m < n:
        return matrix.T @ np.linalg.solve(matrix @ matrix.T, right), np.zeros((0,)), m, _Spectrum()
    x = np.linalg.solve(matrix.T @ matrix, matrix.T @ right)
    rest = np.sum(np.square(right - matrix @ x), axis=0)
    return x, np.atleast_1d(rest) if m > n else np.zeros((0,)), n, _Spectrum()


def _identity(n: int) -> Ids:
    return np.where(np.eye(n, dtype=bool), number(1.0), number(0.0))


@implements(np.linalg.inv)
def inv(a: Any) -> Traced:
    """The solution for the unit vectors."""
    matrix = _square(lift(a, "numpy.linalg.inv"), "numpy.linalg.inv")
    return wrap(_solve_places(matrix, np.broadcast_to(_identity(matrix.shape[-1]), matrix.shape)))


def _det_places(a: Ids) -> Ids:
    """Of (B, n, n): expanded up to n = 3, where singular matrices have a derivative like others; else by elimination."""
    n = a.shape[1]
    if n == 0:
        return np.full(len(a), number(1.0))
    if n == 1:
        return a[:, 0, 0]
    if n == 2:
        return emit("sub", emit("mul", a[:, 0, 0], a[:, 1, 1]), emit("mul", a[:, 0, 1], a[:, 1, 0]))
    if n == 3:
        total = None
        for j in range(3):
            others = [k for k in range(3) if k != j]
            term = emit("mul", a[:, 0, j], _det_places(a[:, 1:, others]))
            total = term if total is None else emit("sub" if j == 1 else "add", total, term)
        assert total is not None
        return total
    triangle, _, signs = eliminate(a, np.zeros((len(a), n, 0), np.int64))
    product = np.multiply.reduce(wrap(np.diagonal(triangle, axis1=1, axis2=2)), axis=-1)
    return lift(product * signs, "numpy.linalg.det")


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """The determinant of each matrix."""
    matrix = _square(lift(a, "numpy.linalg.det"), "numpy.linalg.det")
    n = matrix.shape[-1]
    return wrap(_det_places(matrix.reshape(-1, n, n)).reshape(matrix.shape[:-2]))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Its sign, which is decided, and the logarithm of its size."""
    matrix = _square(lift(a, "numpy.linalg.slogdet"), "numpy.linalg.slogdet")
    n = matrix.shape[-1]
    triangle, _, signs = eliminate(
        matrix.reshape(-1, n, n), np.zeros((int(np.prod(matrix.shape[:-2], dtype=int)), n, 0), np.int64)
    )
    pivots = np.diagonal(triangle, axis1=1, axis2=2)
    order = compare("numpy.linalg.slogdet", pivots, number(0.0))
    sign = (signs * np.prod(order, axis=1)).reshape(matrix.shape[:-2])
    logs = np.sum(np.log(np.abs(wrap(pivots))), axis=-1).reshape(matrix.shape[:-2])
    kind = type(np.linalg.slogdet(np.eye(1)))
    return kind(wrap(lift(sign, "numpy.linalg.slogdet")), logs)


def _cholesky_places(a: Ids) -> Ids:
    """The lower triangle L of (B, n, n) with L L^T = a, whose lower triangle alone is read."""
    n = a.shape[1]
    out = np.zeros(a.shape, np.int64)
    for j in range(n):
        column = a[:, j:, j]
        if j:
            column = emit("sub", column, tape("cholesky").reduce("dot", out[:, j:, :j], out[:, j, None, :j]))
        root = emit("sqrt", column[:, 0])
        out[:, j, j] = root
        if j + 1 < n:
            out[:, j + 1 :, j] = emit("div", column[:, 1:], root[:, None])
    return out


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Traced:
    """The triangular root of each symmetric positive definite matrix."""
    matrix = _square(lift(a, "numpy.linalg.cholesky"), "numpy.linalg.cholesky")
    n = matrix.shape[-1]
    read = np.swapaxes(matrix, -1, -2) if upper else matrix
    lower = _cholesky_places(read.reshape(-1, n, n)).reshape(matrix.shape)
    return wrap(np.swapaxes(lower, -1, -2) if upper else lower)


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """By repeated squaring."""
    base = np.linalg.inv(a) if n < 0 else a
    result: Any = None
    for bit in bin(abs(n))[:1:-1]:
        if bit == "1":
            result = base if result is None else np.matmul(result, base)
        base = np.matmul(base, base)
    size = np.shape(a)[-1]
    return result if result is not None else wrap(np.broadcast_to(_identity(size), np.shape(a)))


def _flip(ids: Ids) -> Ids:
    return ids[..., ::-1, ::-1]


def solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, **_: Any
) -> Traced:
    """As SciPy's: one triangle is read."""
    matrix, right = lift(a, "scipy.linalg.solve_triangular"), lift(b, "scipy.linalg.solve_triangular")
    if trans not in (0, "N"):
        matrix, lower = np.swapaxes(matrix, -1, -2), not lower
    columns = right[:, None] if right.ndim == 1 else right
    if lower:
        x = back_substitute(_flip(matrix)[None], columns[::-1][None], unit=unit_diagonal)[0][::-1]
    else:
        x = back_substitute(matrix[None], columns[None], unit=unit_diagonal)[0]
    return wrap(x[:, 0] if right.ndim == 1 else x)


def _scipy_solve(a: Any, b: Any, lower: bool = False, **options: Any) -> Any:
    if options.get("assume_a") not in (None, "gen") or options.get("transposed"):
        matrix = _symmetric(a, lower, options.get("assume_a"))
        return np.linalg.solve(matrix.T if options.get("transposed") else matrix, b)
    return np.linalg.solve(a, b)


def _symmetric(a: Any, lower: bool, kind: Any) -> Any:
    """What SciPy reads of a matrix of the kind."""
    if kind in ("sym", "pos", "her", "symmetric", "positive definite", "hermitian"):
        half = np.tril(a) if lower else np.triu(a)
        rest = np.tril(a, -1) if lower else np.triu(a, 1)
        return half + rest.T
    if kind not in (None, "gen", "general"):
        raise Untraceable("scipy.linalg.solve", f"assume_a={kind!r}")
    return a


def _scipy_cholesky(a: Any, lower: bool = False, **_: Any) -> Any:
    return np.linalg.cholesky(a) if lower else np.linalg.cholesky(a, upper=True)


def _cho_factor(a: Any, lower: bool = False, **_: Any) -> Any:
    return _scipy_cholesky(a, lower), lower


def _cho_solve(factor: Any, b: Any, **_: Any) -> Any:
    root, lower = factor
    half = solve_triangular(root, b, trans=0 if lower else 1, lower=lower)
    return solve_triangular(root, half, trans=1 if lower else 0, lower=lower)


SCIPY: dict[Any, Callable[..., Any]] = {
    scipy.linalg.solve: _scipy_solve,
    scipy.linalg.solve_triangular: solve_triangular,
    scipy.linalg.inv: lambda a, **_: np.linalg.inv(a),
    scipy.linalg.det: lambda a, **_: np.linalg.det(a),
    scipy.linalg.cholesky: _scipy_cholesky,
    scipy.linalg.cho_factor: _cho_factor,
    scipy.linalg.cho_solve: _cho_solve,
    scipy.linalg.norm: lambda a, ord=None, axis=None, keepdims=False, **_: np.linalg.norm(a, ord, axis, keepdims),
}
"""SciPy's functions know no ``__array_function__``: while a text is traced these stand in their place."""
