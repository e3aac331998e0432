"""Ufuncs that are short formulas in other ones: logarithms to other bases, the functions of scipy.special for probabilities.

Written so that nothing is decided that need not be: ``logaddexp`` has no kink, and so it compares nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.numbers.array import tape, wrap
from gradcheck.numbers.field import Ids
from gradcheck.numbers.lowering import absolute, compare, emit, number, register


def _log_of(base: float) -> Ids:
    return emit("log", number(base))


@register("exp2")
def _exp2(x: Ids) -> Any:
    return wrap(emit("exp", emit("mul", x, _log_of(2.0))))


@register("exp10")
def _exp10(x: Ids) -> Any:
    return wrap(emit("exp", emit("mul", x, _log_of(10.0))))


@register("log2")
def _log2(x: Ids) -> Any:
    return wrap(emit("div", emit("log", x), _log_of(2.0)))


@register("log10")
def _log10(x: Ids) -> Any:
    return wrap(emit("div", emit("log", x), _log_of(10.0)))


@register("logaddexp")
def _logaddexp(a: Ids, b: Ids) -> Any:
    """log(e^a + e^b) = a - log_expit(a - b), without a decision; of -inf, which is log 0, it is the other one."""
    t = tape("logaddexp")
    a, b = np.broadcast_arrays(a, b)
    none = t.floats[a] == -np.inf, t.floats[b] == -np.inf
    out = np.where(none[0], b, a)
    rows = ~(none[0] | none[1])
    out[rows] = emit("sub", a[rows], emit("log_expit", emit("sub", a[rows], b[rows])))
    return wrap(out)


@register("logaddexp2")
def _logaddexp2(a: Ids, b: Ids) -> Any:
    two = wrap(_log_of(2.0))
    return np.logaddexp(wrap(a) * two, wrap(b) * two) / two


def circle() -> Any:
    """The number pi, as 4 atan 1."""
    return wrap(emit("mul", emit("atan", number(1.0)), number(4.0)))


@register("deg2rad radians")
def _radians(x: Ids) -> Any:
    return wrap(x) * circle() / 180


@register("rad2deg degrees")
def _degrees(x: Ids) -> Any:
    return wrap(x) * 180 / circle()


@register("logit")
def _logit(x: Ids) -> Any:
    return wrap(emit("sub", emit("log", x), emit("log1p", emit("neg", x))))


@register("erfcx")
def _erfcx(x: Ids) -> Any:
    return wrap(emit("mul", emit("exp", emit("mul", x, x)), emit("erfc", x)))


def _normal(x: Ids) -> Ids:
    """The normal distribution function, erfc(-x / sqrt 2) / 2."""
    tail = emit("erfc", emit("neg", emit("div", x, emit("sqrt", number(2.0)))))
    return emit("mul", tail, number(0.5))


@register("ndtr")
def _ndtr(x: Ids) -> Any:
    return wrap(_normal(x))


@register("log_ndtr")
def _log_ndtr(x: Ids) -> Any:
    return wrap(emit("log", _normal(x)))


@register("ndtri")
def _ndtri(p: Ids) -> Any:
    return wrap(emit("neg", emit("mul", emit("sqrt", number(2.0)), emit("erfcinv", emit("mul", p, number(2.0))))))


@register("gammaln loggamma")
def _gammaln(x: Ids) -> Any:
    """For negative x by reflection, DLMF 5.5.3: log|Gamma(x)| = log(pi / |sin(pi x)|) - log Gamma(1 - x)."""
    below = compare("gammaln", x, number(0.0)) < 0
    out = np.zeros(x.shape, np.int64)
    out[~below] = emit("lgamma", x[~below])
    if below.any():
        left = wrap(x[below])
        reflected = np.log(circle() / np.abs(np.sin(circle() * left))) - wrap(
            emit("lgamma", emit("sub", number(1.0), x[below]))
        )
        out[below] = np.ndarray.view(reflected, np.ndarray)["id"]
    return wrap(out)


@register("rgamma")
def _rgamma(x: Ids) -> Any:
    return wrap(emit("powi", emit("gamma", x), n=-1))


@register("betaln")
def _betaln(a: Ids, b: Ids) -> Any:
    return _gammaln(a) + _gammaln(b) - _gammaln(emit("add", a, b))


@register("beta")
def _beta(a: Ids, b: Ids) -> Any:
    return wrap(emit("div", emit("mul", emit("gamma", a), emit("gamma", b)), emit("gamma", emit("add", a, b))))


@register("i0e")
def _i0e(x: Ids) -> Any:
    return np.exp(-absolute(x)) * wrap(emit("bessel_i", x, n=0))


@register("i1e")
def _i1e(x: Ids) -> Any:
    return np.exp(-absolute(x)) * wrap(emit("bessel_i", x, n=1))


@register("k0e")
def _k0e(x: Ids) -> Any:
    return wrap(emit("mul", emit("exp", x), emit("bessel_k", x, n=0)))


@register("k1e")
def _k1e(x: Ids) -> Any:
    return wrap(emit("mul", emit("exp", x), emit("bessel_k", x, n=1)))


def _where_nonzero(x: Ids, call: str, formula: Callable[[Ids], Ids]) -> Any:
    """``formula`` where x is not zero, and zero where it is: the convention of xlogy and its kin."""
    rows = compare(call, x, number(0.0)) != 0
    out = np.zeros(x.shape, np.int64)
    out[rows] = formula(rows)
    return wrap(out)


@register("xlogy")
def _xlogy(x: Ids, y: Ids) -> Any:
    x, y = np.broadcast_arrays(x, y)
    return _where_nonzero(x, "xlogy", lambda rows: emit("mul", x[rows], emit("log", y[rows])))


@register("xlog1py")
def _xlog1py(x: Ids, y: Ids) -> Any:
    x, y = np.broadcast_arrays(x, y)
    return _where_nonzero(x, "xlog1py", lambda rows: emit("mul", x[rows], emit("log1p", y[rows])))


@register("entr")
def _entr(x: Ids) -> Any:
    return _where_nonzero(x, "entr", lambda rows: emit("neg", emit("mul", x[rows], emit("log", x[rows]))))


@register("rel_entr")
def _rel_entr(x: Ids, y: Ids) -> Any:
    x, y = np.broadcast_arrays(x, y)
    return _where_nonzero(x, "rel_entr", lambda rows: emit("mul", x[rows], emit("log", emit("div", x[rows], y[rows]))))


@register("kl_div")
def _kl_div(x: Ids, y: Ids) -> Any:
    return _rel_entr(x, y) - wrap(x) + wrap(y)


@register("boxcox")
def _boxcox(x: Ids, power: Ids) -> Any:
    log = wrap(emit("log", x))
    p = wrap(power)
    return np.where(p == 0, log, np.expm1(p * log) / np.where(p == 0, 1.0, p))


@register("huber")
def _huber(delta: Ids, r: Ids) -> Any:
    size, d = absolute(r), wrap(delta)
    return np.where(size <= d, wrap(r) ** 2 / 2, d * (size - d / 2))


@register("pseudo_huber")
def _pseudo_huber(delta: Ids, r: Ids) -> Any:
    d = wrap(delta)
    return d**2 * (np.sqrt(1 + (wrap(r) / d) ** 2) - 1)
