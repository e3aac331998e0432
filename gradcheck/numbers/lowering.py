"""Ufuncs of NumPy and scipy.special as operations of the table, selections and decided comparisons.

A handler takes places and returns a traced array, or a plain one of bools.  Piecewise functions choose: ``abs`` keeps the places of what is
positive and emits a negation for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.numbers.array import UFUNCS, Traced, constants, tape, wrap
from gradcheck.numbers.dispatch import REDUCTIONS
from gradcheck.numbers.errors import Undecided, Untraceable
from gradcheck.numbers.field import Array, Ids

LARGEST_POWER = 2.0**53
"""Whole exponents up to here are integers without doubt."""


def emit(name: str, *operands: Ids, n: float | None = None) -> Ids:
    """One operation."""
    return tape(name).emit(name, *operands, parameter=n)


def number(value: float) -> Ids:
    """The place of a constant, without axes."""
    return np.asarray(tape("a constant").constant(value))


def compare(call: str, a: Ids, b: Ids) -> Array:
    """The certain order, as -1, 0, 1."""
    return tape(call).compare(call, a, b)


def register(names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Keeps a handler under the names of ufuncs, which blanks separate."""

    def keep(handler: Callable[..., Any]) -> Callable[..., Any]:
        for name in names.split():
            UFUNCS[name] = handler
        return handler

    return keep


DIRECT = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "sqrt": "sqrt",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "expit": "expit",
    "log_expit": "log_expit",
    "erf": "erf",
    "erfc": "erfc",
    "erfi": "erfi",
    "erfinv": "erfinv",
    "erfcinv": "erfcinv",
    "gamma": "gamma",
    "psi": "digamma",
}
"""Ufuncs that are an operation of the table."""

for _ufunc, _operation in DIRECT.items():
    UFUNCS[_ufunc] = lambda *ids, _name=_operation: wrap(emit(_name, *ids))

BESSEL = {"j0": ("bessel_j", 0), "j1": ("bessel_j", 1), "y0": ("bessel_y", 0), "y1": ("bessel_y", 1)}
BESSEL |= {"i0": ("bessel_i", 0), "i1": ("bessel_i", 1), "k0": ("bessel_k", 0), "k1": ("bessel_k", 1)}

for _ufunc, (_operation, _order) in BESSEL.items():
    UFUNCS[_ufunc] = lambda ids, _name=_operation, _n=_order: wrap(emit(_name, ids, n=_n))


def _by_order(call: str, operation: str, order: Ids, x: Ids) -> Traced:
    """A function with an integer constant as its first argument, one value of it after another."""
    if tape(call).active[order].any():
        raise Untraceable(call, "its order depends on the inputs")
    orders, ids = np.broadcast_arrays(tape(call).floats[order], x)
    out = np.zeros(ids.shape, np.int64)
    for n in np.unique(orders):
        if n != np.floor(n):
            raise Untraceable(call, f"order {n} is not an integer")
        out[orders == n] = emit(operation, ids[orders == n], n=int(n))
    return wrap(out)


for _ufunc, _operation in (("jv", "bessel_j"), ("jn", "bessel_j"), ("yn", "bessel_y"), ("yv", "bessel_y")):
    UFUNCS[_ufunc] = lambda n, x, _name=_operation, _call=_ufunc: _by_order(_call, _name, n, x)
for _ufunc, _operation in (("hyp0f1", "hyp0f1"), ("iv", "bessel_i"), ("kn", "bessel_k"), ("kv", "bessel_k")):
    UFUNCS[_ufunc] = lambda n, x, _name=_operation, _call=_ufunc: _by_order(_call, _name, n, x)


@register("positive conjugate")
def _same(x: Ids) -> Traced:
    return wrap(x)


@register("square")
def _square(x: Ids) -> Traced:
    return wrap(emit("mul", x, x))


@register("reciprocal")
def _reciprocal(x: Ids) -> Traced:
    return wrap(emit("powi", x, n=-1))


@register("power float_power")
def _power(a: Ids, b: Ids) -> Traced:
    t = tape("power")
    if t.active[b].any():
        return wrap(emit("pow", a, b))
    base, exponents = np.broadcast_arrays(a, t.floats[b])
    out = np.zeros(base.shape, np.int64)
    for r in np.unique(exponents):
        rows = exponents == r
        out[rows] = _fixed_power(base[rows], float(r))
    return wrap(out)


def _fixed_power(x: Ids, r: float) -> Ids:
    if r == 0:
        return np.full(x.shape, number(1.0))
    if r == 1:
        return x
    if r == 2:
        return emit("mul", x, x)
    if r == np.floor(r) and abs(r) <= LARGEST_POWER:
        return emit("powi", x, n=int(r))
    return emit("sqrt", x) if r == 0.5 else emit("powr", x, n=r)


@register("cbrt")
def _cbrt(x: Ids) -> Traced:
    signs = compare("cbrt", x, number(0.0))
    size = UFUNCS["absolute"](x)
    root = emit("cbrt", np.asarray(np.ndarray.view(size, np.ndarray)["id"]))
    return wrap(np.where(signs < 0, emit("neg", root), root))


@register("absolute fabs")
def absolute(x: Ids) -> Traced:
    """What is below zero is negated."""
    below = compare("abs", x, number(0.0)) < 0
    out = x.copy()
    out[below] = emit("neg", x[below])
    return wrap(out)


@register("sign")
def _sign(x: Ids) -> Traced:
    return constants(compare("sign", x, number(0.0)))


@register("signbit")
def _signbit(x: Ids) -> Array:
    return np.asarray(compare("signbit", x, number(0.0)) < 0)


@register("copysign")
def _copysign(x: Ids, y: Ids) -> Any:
    below = compare("copysign", y, number(0.0)) < 0
    size = UFUNCS["absolute"](x)
    return np.where(below, -size, size)


@register("heaviside")
def _heaviside(x: Ids, middle: Ids) -> Traced:
    order = compare("heaviside", x, number(0.0))
    return wrap(np.where(order < 0, number(0.0), np.where(order > 0, number(1.0), middle)))


@register("maximum fmax")
def _maximum(a: Ids, b: Ids) -> Traced:
    return wrap(np.where(compare("maximum", a, b) >= 0, a, b))


@register("minimum fmin")
def _minimum(a: Ids, b: Ids) -> Traced:
    return wrap(np.where(compare("minimum", a, b) <= 0, a, b))


@register("clip")
def _clip(x: Ids, low: Ids, high: Ids) -> Traced:
    raised = np.where(compare("clip", x, low) >= 0, x, low)
    return wrap(np.where(compare("clip", raised, high) <= 0, raised, high))


COMPARISONS: dict[str, Callable[[Array], Array]] = {
    "less": lambda order: order < 0,
    "less_equal": lambda order: order <= 0,
    "greater": lambda order: order > 0,
    "greater_equal": lambda order: order >= 0,
    "equal": lambda order: order == 0,
    "not_equal": lambda order: order != 0,
}

for _ufunc, _answer in COMPARISONS.items():
    UFUNCS[_ufunc] = lambda a, b, _name=_ufunc, _told=_answer: _told(compare(_name, a, b))


@register("isfinite")
def _isfinite(x: Ids) -> Array:
    t = tape("isfinite")
    finite = t.ordered.finite(t.values[x.ravel()]).reshape(x.shape)
    # A ball that is not finite may be a number that the precision does not reach; constants are what they are.
    return _certain("isfinite", x, np.where(t.active[x], finite, np.isfinite(t.floats[x])), finite)


@register("isnan")
def _isnan(x: Ids) -> Array:
    t = tape("isnan")
    finite = t.ordered.finite(t.values[x.ravel()]).reshape(x.shape)
    return _certain("isnan", x, np.where(t.active[x], False, np.isnan(t.floats[x])), finite)


@register("isinf")
def _isinf(x: Ids) -> Array:
    t = tape("isinf")
    finite = t.ordered.finite(t.values[x.ravel()]).reshape(x.shape)
    return _certain("isinf", x, np.where(t.active[x], False, np.isinf(t.floats[x])), finite)


def _certain(call: str, x: Ids, answer: Array, finite: Array) -> Array:
    t = tape(call)
    doubtful = np.flatnonzero(t.active[x] & ~finite)
    if doubtful.size:
        raise Undecided(call, t.ordered.show(t.values[x.ravel()[doubtful[0]]]), "the finite numbers")
    return np.asarray(answer, bool)


@register("floor")
def _floor(x: Ids) -> Traced:
    return constants(tape("floor").floor("floor", x))


@register("ceil")
def _ceil(x: Ids) -> Traced:
    return constants(-tape("ceil").floor("ceil", emit("neg", x)))


@register("trunc")
def _trunc(x: Ids) -> Traced:
    below = compare("trunc", x, number(0.0)) < 0
    size = np.where(below, emit("neg", x), x)
    return constants(np.where(below, -1.0, 1.0) * tape("trunc").floor("trunc", size))


@register("rint")
def _rint(x: Ids) -> Traced:
    t = tape("rint")
    whole = t.floor("rint", emit("add", x, number(0.5)))
    # Half goes to the even neighbour.
    half = t.compare("rint", emit("sub", x, t.constants(whole)), number(-0.5)) == 0
    return constants(np.where(half & (whole % 2 == 1), whole - 1, whole))


@register("floor_divide")
def _floor_divide(a: Ids, b: Ids) -> Traced:
    return constants(tape("floor_divide").floor("floor_divide", emit("div", a, b)))


@register("remainder mod")
def _remainder(a: Ids, b: Ids) -> Traced:
    t = tape("remainder")
    return wrap(emit("sub", a, emit("mul", b, t.constants(t.floor("remainder", emit("div", a, b))))))


@register("fmod")
def _fmod(a: Ids, b: Ids) -> Any:
    return wrap(a) - wrap(b) * np.trunc(wrap(emit("div", a, b)))


@register("divmod")
def _divmod(a: Ids, b: Ids) -> tuple[Traced, Traced]:
    whole = _floor_divide(a, b)
    return whole, wrap(a) - whole * wrap(b)


@register("modf")
def _modf(x: Ids) -> tuple[Traced, Traced]:
    whole = _trunc(x)
    return wrap(x) - whole, whole


@register("hypot")
def _hypot(a: Ids, b: Ids) -> Traced:
    return wrap(emit("sqrt", emit("add", emit("mul", a, a), emit("mul", b, b))))


def _tree(name: str) -> Callable[[Ids], Ids]:
    """Neighbours in pairs: the depth is the logarithm."""

    def fold(ids: Ids) -> Ids:
        while ids.shape[-1] > 1:
            even = ids.shape[-1] // 2 * 2
            paired = emit(name, ids[..., 0:even:2], ids[..., 1:even:2])
            ids = np.concatenate([paired, ids[..., even:]], axis=-1)
        return ids[..., 0]

    return fold


def extreme(call: str, ids: Ids, sign: int) -> Array:
    """The index of the largest (``sign`` 1) or smallest entry along the last axis, the first of equal ones.

    A candidate by midpoints is compared with all others; that decides, and notes ties.
    """
    t = tape(call)
    flat = ids.reshape(-1, ids.shape[-1])
    chosen = np.zeros(len(flat), np.int64)
    for row, entries in enumerate(flat):
        keys = t.ordered.keys(t.values[entries])
        best = 0
        for k in range(1, len(keys)):
            if (keys[k] > keys[best]) if sign > 0 else (keys[k] < keys[best]):
                best = k
        chosen[row] = best
    candidate = np.take_along_axis(flat, chosen[:, None], axis=1)
    others = np.ones(flat.shape, bool)
    others[np.arange(len(flat)), chosen] = False
    order = np.ones(flat.shape, np.int8)
    spread = np.broadcast_to(candidate, flat.shape)
    order[others] = sign * t.compare(call, spread[others], flat[others])
    if np.any(order < 0):
        raise AssertionError("a midpoint that is largest cannot be certainly smaller")
    first = np.where(others & (order == 0) & (np.arange(flat.shape[1]) < chosen[:, None]), 1, 0)
    chosen = np.where(first.any(axis=1), first.argmax(axis=1), chosen)
    return chosen.reshape(ids.shape[:-1])


def _extreme_place(call: str, sign: int) -> Callable[[Ids], Ids]:
    def reduce(ids: Ids) -> Ids:
        chosen = extreme(call, ids, sign)
        return np.asarray(np.take_along_axis(ids, chosen[..., None], axis=-1)[..., 0])

    return reduce


REDUCTIONS["add"] = lambda ids: ids[..., 0] if ids.shape[-1] == 1 else tape("sum").reduce("sum", ids)
REDUCTIONS["multiply"] = _tree("mul")
for _ufunc in ("maximum", "fmax"):
    REDUCTIONS[_ufunc] = _extreme_place("max", 1)
for _ufunc in ("minimum", "fmin"):
    REDUCTIONS[_ufunc] = _extreme_place("min", -1)
