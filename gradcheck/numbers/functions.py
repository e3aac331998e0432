"""Functions of NumPy that compute: sums, means, norms, extremes, differences of kinds, written in traced arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.numbers.array import Traced, constants, demoted, lift, wrap
from gradcheck.numbers.compounds import circle
from gradcheck.numbers.dispatch import last
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.field import Array
from gradcheck.numbers.lowering import compare, emit, extreme
from gradcheck.numbers.structure import implements, stacked


def _given(**kwargs: Any) -> dict[str, Any]:
    return {key: value for key, value in kwargs.items() if value is not np._NoValue and value is not None}


def _check_dtype(dtype: Any, call: str) -> None:
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise Untraceable(call, f"dtype={dtype!r} is not a type of real numbers")


def _reduction(ufunc: Any, *functions: Any) -> None:
    @implements(*functions)
    def handler(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
        **_: Any,
    ) -> Any:
        _check_dtype(dtype, ufunc.__name__)
        options = _given(keepdims=keepdims, initial=initial, where=where)
        return ufunc.reduce(wrap(lift(a, ufunc.__name__)), axis=axis, **options)


_reduction(np.add, np.sum)
_reduction(np.multiply, np.prod)
_reduction(np.add, np.nansum)
_reduction(np.multiply, np.nanprod)


def _extreme_function(ufunc: Any, *functions: Any) -> None:
    @implements(*functions)
    def handler(
        a: Any, axis: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True, **_: Any
    ) -> Any:
        options = _given(keepdims=keepdims, initial=initial, where=where)
        return ufunc.reduce(wrap(lift(a, ufunc.__name__)), axis=axis, **options)


_extreme_function(np.maximum, np.max, np.amax, np.nanmax)
_extreme_function(np.minimum, np.min, np.amin, np.nanmin)


def _truth_function(ufunc: Any, function: Any) -> None:
    @implements(function)
    def handler(a: Any, axis: Any = None, keepdims: Any = False, where: Any = True, **_: Any) -> Any:
        return ufunc.reduce(np.asarray(a != 0), axis=axis, **_given(keepdims=keepdims, where=where))


_truth_function(np.logical_and, np.all)
_truth_function(np.logical_or, np.any)


def _extreme_index(sign: int, *functions: Any) -> None:
    @implements(*functions)
    def handler(a: Any, axis: Any = None, keepdims: Any = False, **_: Any) -> Any:
        call = "argmax" if sign > 0 else "argmin"
        ids, _axes, kept = last(a, axis, call)
        if ids.shape[-1] == 0:
            raise ValueError(f"attempt to get {call} of an empty sequence")
        index = extreme(call, ids, sign)
        return index.reshape(kept) if keepdims is True else index[()]


_extreme_index(1, np.argmax, np.nanargmax)
_extreme_index(-1, np.argmin, np.nanargmin)


def _count(a: Any, axis: Any, where: Any) -> Any:
    if where is not True:
        return np.sum(np.broadcast_to(where, np.shape(a)), axis=axis)
    axes = range(np.ndim(a)) if axis is None else np.atleast_1d(axis)
    return int(np.prod([np.shape(a)[int(k)] for k in axes], dtype=int))


@implements(np.mean, np.nanmean)
def mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, where: Any = True, **_: Any) -> Any:
    """The sum by the count."""
    _check_dtype(dtype, "numpy.mean")
    where, a = True if where is np._NoValue else where, wrap(lift(a, "numpy.mean"))
    total = np.sum(a, axis=axis, keepdims=keepdims is True, where=where)
    count = _count(a, axis, where)
    return total / (np.reshape(count, total.shape) if np.ndim(count) else count)


@implements(np.var, np.nanvar)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: Any = False,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
    **_: Any,
) -> Any:
    """The mean square of what is left when the mean is taken off."""
    where, a = True if where is np._NoValue else where, wrap(lift(a, "numpy.var"))
    given = mean is not None and mean is not np._NoValue
    middle = mean if given else np.mean(a, axis=axis, keepdims=True, where=where)
    rest = a - middle
    total = np.sum(rest * rest, axis=axis, keepdims=keepdims is True, where=where)
    less = correction if correction is not None and correction is not np._NoValue else ddof
    count = _count(a, axis, where)
    return total / ((np.reshape(count, total.shape) if np.ndim(count) else count) - less)


@implements(np.std, np.nanstd)
def std(a: Any, *args: Any, **kwargs: Any) -> Any:
    """The root of the variance."""
    return np.sqrt(np.var(a, *args, **kwargs))


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    """The weighted mean."""
    keepdims = keepdims is True
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keepdims)
        scale: Any = np.full(result.shape, float(np.size(a) // max(result.size, 1)))
    else:
        w = weights if isinstance(weights, Traced) else np.asarray(weights)
        if w.shape != np.shape(a):
            w = np.moveaxis(np.broadcast_to(w, np.shape(np.moveaxis(a, axis, -1))), -1, axis)
        scale = np.sum(w, axis=axis, keepdims=keepdims)
        result = np.sum(np.multiply(a, w), axis=axis, keepdims=keepdims) / scale
    return (result, scale) if returned else result


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, keepdims: Any = False, **_: Any) -> Any:
    """The largest less the smallest."""
    keepdims = keepdims is True
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


def _scan(ufunc: Any, *functions: Any) -> None:
    @implements(*functions)
    def handler(a: Any, axis: Any = None, dtype: Any = None, **_: Any) -> Any:
        row = np.ravel(a) if axis is None else a
        return ufunc.accumulate(wrap(lift(row, ufunc.__name__)), axis=0 if axis is None else axis)


_scan(np.add, np.cumsum, np.nancumsum)
_scan(np.multiply, np.cumprod, np.nancumprod)


def _scan_with_start(ufunc: Any, name: str, start: float) -> None:
    if not hasattr(np, name):
        return

    @implements(getattr(np, name))
    def handler(x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False, **_: Any) -> Any:
        axis = 0 if axis is None else axis
        scanned = ufunc.accumulate(x, axis=axis)
        if not include_initial:
            return scanned
        shape = tuple(1 if k == axis % x.ndim else n for k, n in enumerate(x.shape))
        return np.concatenate([constants(np.full(shape, start)), scanned], axis=axis)


_scan_with_start(np.add, "cumulative_sum", 0.0)
_scan_with_start(np.multiply, "cumulative_prod", 1.0)


@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None, **_: Any) -> Any:
    """Lifted to the lower bound, then lowered to the upper one."""
    low = a_min if a_min is not None and a_min is not np._NoValue else min
    high = a_max if a_max is not None and a_max is not np._NoValue else max
    raised = a if low is None or low is np._NoValue else np.maximum(a, low)
    return raised if high is None or high is np._NoValue else np.minimum(raised, high)


@implements(np.round, np.around)
def round_(a: Any, decimals: int = 0, **_: Any) -> Any:
    """To so many decimals: a step function, whose steps are decided."""
    if decimals == 0:
        return np.rint(a)
    return (
        np.rint(a * 10.0**decimals) / 10.0**decimals if decimals > 0 else np.rint(a / 10.0**-decimals) * 10.0**-decimals
    )


@implements(np.fix)
def fix(x: Any, **_: Any) -> Any:
    """Towards zero."""
    return np.trunc(x)


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), entire."""
    return wrap(emit("sinc", lift(x * circle(), "numpy.sinc"), n=0))


@implements(np.i0)
def i0(x: Any) -> Any:
    """The modified Bessel function of order 0."""
    return wrap(emit("bessel_i", lift(x, "numpy.i0"), n=0))


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Itself: that every number is one is decided."""
    if not np.all(np.isfinite(x)):
        raise Untraceable("numpy.nan_to_num", "there is a number that is not finite")
    return x.copy() if copy else x


@implements(np.isneginf, np.isposinf)
def never_infinite(x: Any, out: Any = None) -> Array:
    """Where all numbers are finite there is no infinite one."""
    if not np.all(np.isfinite(x)):
        raise Untraceable("numpy.isposinf", "there is a number that is not finite")
    return np.zeros(np.shape(x), bool)


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """NumPy's criterion, decided; the sign of a difference is not asked for, which may be one of zero and no precision tells it."""
    apart, slack = np.subtract(a, b), atol + rtol * np.abs(b)
    return (apart <= slack) & (-apart <= slack)


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """NumPy's criterion, decided."""
    return bool(np.all(isclose(a, b, rtol, atol)))


@implements(np.array_equal, np.array_equiv)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """All comparisons are decided, and noted as ties."""
    return np.shape(a1) == np.shape(a2) and bool(np.all(np.equal(a1, a2)))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """A step function, decided."""
    return np.count_nonzero(np.asarray(a != 0), axis=axis, keepdims=keepdims)


@implements(np.nonzero)
def nonzero(a: Any) -> Any:
    """Indices, decided."""
    return np.nonzero(np.asarray(a != 0))


@implements(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    """Indices, decided."""
    return np.flatnonzero(np.asarray(a != 0))


@implements(np.argwhere)
def argwhere(a: Any) -> Any:
    """Indices, decided."""
    return np.argwhere(np.asarray(a != 0))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norms of vectors, and of matrices those that need no singular values."""
    if axis is None and ord is None:
        square = np.sum(x * x, keepdims=keepdims)
        return np.sqrt(square)
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int | np.integer) else tuple(axis)
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, int(axes[0]), keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    row, column = (a % x.ndim for a in axes)
    if ord in (None, "fro"):
        return np.sqrt(np.sum(x * x, axis=(row, column), keepdims=keepdims))
    if ord in (1, -1, np.inf, -np.inf):
        inner, outer = (row, column) if abs(ord) == 1 else (column, row)
        sums = np.sum(np.abs(x), axis=inner, keepdims=True)
        best = (np.max if ord > 0 else np.min)(sums, axis=outer, keepdims=True)
        return best if keepdims else np.squeeze(best, axis=(row, column))
    raise Untraceable("numpy.linalg.norm", f"ord={ord!r} of a matrix needs singular values")


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord == 2:
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return constants(np.sum(np.asarray(x != 0), axis=axis, keepdims=keepdims))
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    return np.power(np.sum(np.power(np.abs(x), ord), axis=axis, keepdims=keepdims), 1 / ord)


if hasattr(np.linalg, "vector_norm"):

    @implements(np.linalg.vector_norm)
    def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
        """Over one axis, or all as one."""
        if axis is None:
            result = _vector_norm(np.ravel(x), ord, 0, False)
            return np.reshape(result, (1,) * x.ndim) if keepdims else result
        if not isinstance(axis, int | np.integer):
            raise Untraceable("numpy.linalg.vector_norm", "over several axes")
        return _vector_norm(x, ord, int(axis), keepdims)

    @implements(np.linalg.matrix_norm)
    def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
        """Of the last two axes."""
        return norm(x, ord, (-2, -1), keepdims)


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Sums of weights that share an index."""
    index = np.asarray(demoted(x)).astype(int)
    out = constants(np.zeros(max(int(index.max(initial=-1)) + 1, minlength)))
    np.add.at(out, index, weights)
    return out


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Piecewise linear: the piece is decided by comparisons with all nodes."""
    if period is not None:
        raise Untraceable("numpy.interp", "period=")
    ids, nodes, heights = (lift(v, "numpy.interp") for v in (x, xp, fp))
    order = compare("numpy.interp", ids[..., None], nodes)
    piece = np.clip(np.sum(order >= 0, axis=-1) - 1, 0, max(len(nodes) - 2, 0))
    after = np.minimum(piece + 1, len(nodes) - 1)
    x0, x1, y0, y1 = (wrap(v) for v in (nodes[piece], nodes[after], heights[piece], heights[after]))
    line = y0 + (y1 - y0) / (x1 - x0) * (wrap(ids) - x0)
    low = heights[0] if left is None else lift(left, "numpy.interp")
    high = heights[-1] if right is None else lift(right, "numpy.interp")
    line_ids = lift(line, "numpy.interp")
    return wrap(np.where(order[..., 0] < 0, low, np.where(order[..., -1] > 0, high, line_ids)))


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    **_: Any,
) -> Any:
    """The covariance of rows."""
    if y is not None or fweights is not None or aweights is not None:
        raise Untraceable("numpy.cov", "with y, fweights or aweights")
    rows = np.atleast_2d(m)
    rows = rows.T if not rowvar and rows.shape[0] != 1 else rows
    rest = rows - np.mean(rows, axis=1, keepdims=True)
    less = ddof if ddof is not None else (0 if bias else 1)
    return np.squeeze(np.matmul(rest, rest.T) / (rows.shape[1] - less))


@implements(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """Powers in columns."""
    count = len(x) if N is None else N
    exponents = range(count) if increasing else range(count - 1, -1, -1)
    return stacked([np.power(x, k) for k in exponents], "numpy.vander", axis=-1)
