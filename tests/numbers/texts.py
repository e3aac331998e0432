"""Texts as people write them: each traces, and its value is the float forward's.

Names of functions are imported in several ways on purpose.
"""

from __future__ import annotations

import functools
import math
from functools import partial
from math import exp as math_exp
from typing import Any

import numpy as np
import scipy.linalg
from numpy import asarray, zeros
from scipy import special
from scipy.special import logsumexp

VECTOR = np.array([0.75, -1.25, 0.4375])
MATRIX = np.array([[2.0, -0.5, 0.25], [0.75, 1.5, -1.0], [0.5, 0.125, -1.75]])


def softmax_by_hand(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def layer_norm(x: Any) -> Any:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def recurrent_buffer(x: Any) -> Any:
    out = zeros(len(x))
    for i in range(len(x)):
        out[i] = np.tanh(x[i] + (out[i - 1] if i else 0.0))
    return out


def in_place(x: Any) -> Any:
    y = x.copy()
    y[y < 0] *= 0.1
    y -= y.mean()
    y /= y.std() + 1e-5
    np.exp(y, out=y)
    np.add.at(y, [0, 0, 1], x)
    return y


def attention(x: Any) -> Any:
    scores = x @ x.T / math.sqrt(x.shape[-1])
    scores = np.where(np.tril(np.ones(scores.shape)) == 0, -np.inf, scores)
    return softmax_by_hand(scores) @ x


def python_loop(x: Any) -> Any:
    total = 0.0
    while total < 5:
        total = total + abs(x[0]) + 0.5
    return total


def branches(x: Any) -> Any:
    if x[0] > x[1]:
        return x * 2
    return x * 3


def local_import(x: Any) -> Any:
    import numpy
    from scipy.special import expit

    out = numpy.zeros(3)
    out[:2] = expit(x[:2])
    return out


def nested(x: Any) -> Any:
    def inner(v: Any) -> Any:
        buffer = np.empty((2, 3))
        buffer[0], buffer[1] = v, v * v
        return buffer

    return inner(x).sum(axis=0)


def closure(scale: Any) -> Any:
    make = np.zeros

    def text(x: Any) -> Any:
        out = make(x.shape)
        out += scale * x
        return out

    return text


def im2col(x: Any) -> Any:
    rows, step = len(x) - 1, x.strides[0]
    return np.lib.stride_tricks.as_strided(x, shape=(rows, 2), strides=(step, step)) @ np.array([1.0, -2.0])


@functools.lru_cache
def weight(n: int) -> float:
    return math.sqrt(n)


def cached(x: Any) -> Any:
    return weight(3) * x


class Layer:
    def __init__(self) -> None:
        self.weight = np.array([[1.0, -2.0, 0.5], [0.25, 1.0, 0.0]])

    def __call__(self, x: Any) -> Any:
        hidden = np.zeros(2, dtype=x.dtype)
        np.matmul(self.weight, x, out=hidden)
        return np.maximum(hidden, 0)


VECTOR_TEXTS: dict[str, Any] = {
    "asarray": lambda x: np.asarray(x, dtype=float) * 2,
    "imported asarray": lambda x: asarray(x) + 1,
    "astype": lambda x: x.astype(np.float64) + x.astype(float, copy=False),
    "float64()": lambda x: np.float64(x[0]) * x,
    "array of entries": lambda x: np.array([x[0], x[1] * 2, 3.0]),
    "array of rows": lambda x: np.array([[x[0], 1.0], [0.0, x[1]]]) @ np.ones(2),
    "zeros of its dtype": lambda x: np.zeros(3, dtype=x.dtype) + x,
    "eps of its dtype": lambda x: x + np.finfo(x.dtype).eps,
    "asks its dtype": lambda x: x if np.issubdtype(x.dtype, np.floating) and x.dtype == np.float64 else -x,
    "result_type": lambda x: np.ones(3, dtype=np.result_type(x, np.float32)) * x,
    "item": lambda x: np.array([v.item() ** 2 for v in x]),
    "tolist": lambda x: np.array([2 * v for v in x.tolist()]),
    "math": lambda x: math_exp(x[0]) + math.log(x[0]) + math.tanh(x[1]) + math.erf(x[2]),
    "python sum": lambda x: sum(v * v for v in x) + max(x) - min(x) + abs(x[1]) + pow(x[0], 3),
    "where": lambda x: np.where(x > 0, x, 0.1 * x),
    "select": lambda x: np.select([x > 0.5, x > 0], [x, x * x], default=-x),
    "piecewise": lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v * v]),
    "clip": lambda x: np.clip(x, -0.5, 0.5) + x.clip(min=0),
    "powers": lambda x: x**2 + x**3 + x**-1 + np.abs(x) ** 1.7 + 2.0**x + np.sqrt(x * x),
    "modulo": lambda x: x % 0.7 + x // 0.3 + np.mod(x, 1) + divmod(x, 2)[1] + np.fmod(x, 0.3),
    "rounding": lambda x: np.floor(3 * x) + np.ceil(x) + np.round(x, 1) + np.trunc(5 * x) + np.rint(x),
    "statistics": lambda x: x.mean() + x.std() + x.var(ddof=1) + np.median(x) + np.percentile(x, 30) + np.ptp(x),
    "orders": lambda x: np.sort(x) + x[np.argsort(x)] + np.partition(x, 1)[1] + np.searchsorted(np.sort(x), 0.1),
    "scans": lambda x: np.cumsum(x) + np.cumprod(x) + np.maximum.accumulate(x),
    "differences": lambda x: np.concatenate([np.diff(x), np.gradient(x), [np.trapezoid(x)]]),
    "convolution": lambda x: np.convolve(x, [1.0, 2.0], "same") + np.correlate(x, x, "same"),
    "padding": lambda x: np.pad(x, 2)[1:4] + np.pad(x, (1, 2), mode="reflect")[:3] + np.roll(x, 1),
    "products": lambda x: np.outer(x, x) @ np.cross(x, x[::-1]) + np.kron(x, x)[:3] + x.dot(x),
    "einsum": lambda x: np.einsum("i,j,j->i", x, x, x) + np.einsum("i,i", x, x),
    "norms": lambda x: np.linalg.norm(x) + np.linalg.norm(x, 1) + np.linalg.norm(x, np.inf) + np.linalg.norm(x, 3),
    "special": lambda x: special.expit(x) + special.gammaln(x) + special.ndtr(x) + special.j0(x) + special.erfcx(x),
    "log_softmax": lambda x: special.log_softmax(x) + logsumexp(x) + special.softmax(x),
    "xlogy": lambda x: special.xlogy(x * x, x * x) + special.entr(np.abs(x)),
    "logaddexp": lambda x: np.logaddexp(x, 0) + np.logaddexp2(x, 1) + np.logaddexp.reduce(x),
    "ufunc where": lambda x: np.divide(1, x, out=np.zeros_like(x), where=x > 0),
    "reduceat": lambda x: np.add.reduceat(x, [0, 1]).sum() + np.multiply.outer(x, x).sum(),
    "at": lambda x: [buffer := np.zeros(2), np.maximum.at(buffer, [0, 1, 0], x), buffer][2],
    "bincount": lambda x: np.bincount([0, 1, 0], weights=x),
    "interp": lambda x: np.interp(x, [-2.0, 0.0, 2.0], [1.0, 3.0, -1.0]),
    "linspace": lambda x: np.linspace(x[0], x[1], 5),
    "vectorize": lambda x: np.vectorize(lambda v: v * v if v > 0 else -v)(x),
    "frompyfunc": lambda x: np.frompyfunc(lambda v: v * v, 1, 1)(x).astype(float),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda v: v.sum() * v, 0, x),
    "fromiter": lambda x: np.fromiter((2 * v for v in x), dtype=float),
    "r_": lambda x: np.r_[x, 1.0] @ np.ones(4) + np.c_[x, x].sum(),
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2).sum(-1),
    "meshgrid": lambda x: np.meshgrid(x, x)[0] * np.broadcast_to(x, (3, 3)),
    "masks": lambda x: (x > 0).astype(x.dtype) * x + x[x > 0].sum() + np.count_nonzero(x) * x,
    "mean of a list": lambda x: np.mean([x[0], x[1]]) + np.sum([v for v in x]) + np.max([x[0], 0]),
    "flat": lambda x: [y := x.copy(), y.flat.__setitem__(0, 2.0), y][2],
    "fill_diagonal": lambda x: [y := np.outer(x, x), np.fill_diagonal(y, x), np.copyto(y[0], x), y][3],
    "cov": lambda x: np.cov(np.vstack([x, x**2])),
    "formatting": lambda x: x if f"{x[0]:.2f} {x}" and repr(x) else -x,
    "finite": lambda x: x if np.isfinite(x).all() and not np.isnan(x).any() else -x,
    "hand softmax": softmax_by_hand,
    "layer norm": layer_norm,
    "recurrence": recurrent_buffer,
    "in place": in_place,
    "loop": python_loop,
    "branches": branches,
    "local import": local_import,
    "nested": nested,
    "closure": closure(2.5),
    "strides": im2col,
    "cached": cached,
    "object": Layer(),
    "partial": partial(np.power, 2.0),
    "library function": np.tanh,
    "replaced library function": special.softmax,
}

MATRIX_TEXTS: dict[str, Any] = {
    "inv": np.linalg.inv,
    "solve": lambda a: np.linalg.solve(a, a[0]),
    "det": lambda a: np.linalg.det(a) + np.linalg.det(np.kron(a, a[:2, :2])),
    "slogdet": lambda a: np.linalg.slogdet(a)[0] * np.linalg.slogdet(a)[1],
    "cholesky": lambda a: np.linalg.cholesky(a @ a.T + np.eye(3)),
    "matrix_power": lambda a: np.linalg.matrix_power(a, -3) + np.linalg.multi_dot([a, a, a]),
    "scipy solve": lambda a: scipy.linalg.solve(a, np.ones(3)),
    "scipy symmetric": lambda a: scipy.linalg.solve(a + a.T + 9 * np.eye(3), np.ones(3), assume_a="pos"),
    "triangular": lambda a: scipy.linalg.solve_triangular(a, a[0], lower=True, trans=1),
    "unit triangular": lambda a: scipy.linalg.solve_triangular(a, a[:, :2], unit_diagonal=True),
    "cho_solve": lambda a: scipy.linalg.cho_solve(scipy.linalg.cho_factor(a @ a.T), a[0]),
    "scipy cholesky": lambda a: scipy.linalg.cholesky(a @ a.T) + scipy.linalg.inv(a) + scipy.linalg.det(a),
    "trace": lambda a: (
        a.trace() + np.trace(a, 1) + np.linalg.norm(a) + np.linalg.norm(a, 1) + np.linalg.norm(a, np.inf)
    ),
    "einsum": lambda a: np.einsum("ij,jk,kl->il", a, a, a) + np.einsum("ii", a) + np.einsum("...ij->...ji", a),
    "tensordot": lambda a: np.tensordot(a, a, 1) + np.tensordot(a, a, ([0], [1])) + np.inner(a, a),
    "axes": lambda a: a.mean(0) + a.std(axis=1) + np.sort(a, axis=0)[1] + a.max(1) + np.median(a, axis=1),
    "along an axis": lambda a: np.take_along_axis(a, np.argmax(a, axis=1)[:, None], axis=1),
    "indices": lambda a: a[np.arange(3), [0, 2, 1]] + a[[0, 2]].sum(0) + np.diagonal(a),
    "triangles": lambda a: np.tril(a) + np.triu(a, 1).T + np.diag(np.diag(a)),
    "moves": lambda a: (
        np.moveaxis(a[None], 0, -1)[..., 0] + a.swapaxes(0, 1) + np.rot90(a) + a.ravel("F").reshape(3, 3)
    ),
    "joins": lambda a: np.vstack([a, np.ones(3)]).T @ np.hstack([a, a[:, :1]]).T,
    "attention": attention,
}


def cases() -> list[Any]:
    """(text, input) with a name for each."""
    import pytest

    return [
        *(pytest.param(text, VECTOR, id=name) for name, text in VECTOR_TEXTS.items()),
        *(pytest.param(text, MATRIX, id=f"matrix {name}") for name, text in MATRIX_TEXTS.items()),
    ]
