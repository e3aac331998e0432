"""Functions of SciPy that only the provers read, by the equations that say what they are.

``widened`` adds them to the tracer's tables while a proof runs, and takes them away again.  Rounding to whole numbers becomes an operation
of its own: the proof then holds for every whole number, and not for the one at the point of the trace.  Each reading is an assumption of
what is proved, and is listed with it.

Source: NIST Digital Library of Mathematical Functions, at the equations named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from flint import arb
from scipy import special

from gradcheck.numbers.array import FUNCTIONS, UFUNCS, demoted, depends, lift, tape, wrap
from gradcheck.numbers.creation import REPLACEMENTS
from gradcheck.numbers.dispatch import REDUCTIONS
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.field import LOCK, Ids
from gradcheck.numbers.lowering import absolute, compare, emit, number
from gradcheck.numbers.operations import POSITIVE, REAL, TABLE, Operation

SAID = "read: "
"""Begins a note of the tape that is an assumption of the proof."""

WHOLE = f"{SAID}rounding as an unknown whole number; where it rounds a half, to either side"


def _gamma_density(k: Any, x: Any, a: float) -> Any:
    """x^(a-1) e^-x / Gamma(a), DLMF 8.8.13 over 5.2.1."""
    density = k.exp(-x) * k.powi(k.gamma(k.number(a)), n=-1)
    if a == 1:
        return density
    return density * (k.powi(x, n=int(a) - 1) if a == int(a) else k.powr(x, n=a - 1))


def _log_abs_gamma(kind: Any, x: Any) -> Any:
    """Left of 0 by reflection, DLMF 5.5.3."""
    if kind is not arb or not x < 0:
        return x.lgamma()
    return (arb.pi() / abs(x.sin_pi())).log() - (1 - x).lgamma()


OPERATIONS = (
    # the largest entry, as a number that does not move: whoever uses it must show that nothing depends on it
    Operation("shift", (lambda k, x, y: y * 0,), lambda kind, x: +x, lambda m, x: +x, lambda x: x, REAL),
    Operation("whole", (lambda k, x, y: y * 0,), "floor", "floor", np.floor, REAL),
    Operation(
        "hurwitz",  # DLMF 25.11.17
        (lambda k, x, y, s: k.hurwitz(x, n=s + 1) * k.number(-s),),
        lambda kind, x, s: kind(s).zeta(x),
        lambda m, x, s: m.zeta(s, x),
        lambda x, s: special.zeta(s, x),
        POSITIVE,
        parametric=True,
    ),
    Operation(
        "gamma_p",
        (lambda k, x, y, a: _gamma_density(k, x, a),),
        lambda kind, x, a: x.gamma_lower(kind(a), regularized=1),
        lambda m, x, a: m.gammainc(a, 0, x, regularized=True),
        lambda x, a: special.gammainc(a, x),
        POSITIVE,
        parametric=True,
    ),
    Operation(
        "gamma_q",
        (lambda k, x, y, a: -_gamma_density(k, x, a),),
        lambda kind, x, a: x.gamma_upper(kind(a), regularized=1),
        lambda m, x, a: m.gammainc(a, x, regularized=True),
        lambda x, a: special.gammaincc(a, x),
        POSITIVE,
        parametric=True,
    ),
    Operation(
        "hyp0f1",  # DLMF 16.3.1 with p = 0, q = 1
        (lambda k, x, y, b: k.hyp0f1(x, n=b + 1) * k.powi(k.number(b), n=-1),),
        lambda kind, x, b: x.hypgeom_0f1(kind(b)),
        lambda m, x, b: m.hyp0f1(b, x),
        lambda x, b: special.hyp0f1(b, x),
        REAL,
        parametric=True,
    ),
    # (ln |gamma|)' = gamma' / gamma on either side of 0, DLMF 5.2.2
    Operation("log_abs_gamma", (lambda k, x, y: k.digamma(x),), _log_abs_gamma, "loggamma", special.gammaln, REAL),
)


def _constant(ids: Ids, call: str) -> float:
    """An argument that does not depend on the inputs, one number for all entries."""
    values = np.unique(tape(call).floats[ids])
    if tape(call).active[ids].any() or values.size != 1:
        raise Untraceable(call, "its parameter depends on the inputs")
    return float(values[0])


def _note(said: str) -> None:
    notes = tape("a note").notes
    if said not in notes:
        notes.append(said)


def _regularised(operation: str, call: str) -> Callable[..., Any]:
    def handler(a: Ids, x: Ids) -> Any:
        _note(f"{SAID}{call}(a, x) as DLMF 8.2.4")
        return wrap(emit(operation, np.broadcast_to(x, np.broadcast(a, x).shape), n=_constant(a, call)))

    return handler


def _zeta(x: Any, q: Any = None, out: Any = None) -> Any:
    """scipy's function, written in Python, whose first argument is the power."""
    if q is None or out is not None or depends(x) or not depends(q):
        return special.zeta(demoted(x), demoted(q), out)
    s, x = lift(x, "zeta"), lift(q, "zeta")
    _note(f"{SAID}zeta(s, x) as DLMF 25.11.1, and for whole s as a derivative of digamma, 25.11.12")
    return wrap(emit("hurwitz", np.broadcast_to(x, np.broadcast(s, x).shape), n=_constant(s, "zeta")))


def _scaled(order: int) -> Callable[[Ids], Any]:
    def handler(x: Ids) -> Any:
        _note(f"{SAID}i0e, i1e as e^-|x| times I_0, I_1")
        size = np.asarray(np.ndarray.view(absolute(x), np.ndarray)["id"])
        return wrap(emit("mul", emit("exp", emit("neg", size)), emit("bessel_i", x, n=order)))

    return handler


def _hyp1f1(a: Ids, b: Ids, z: Ids) -> Any:
    """Of a = 3/2, b = 2 alone: twice the derivative of 1F1(1/2; 1; z) = e^(z/2) I_0(z/2)."""
    if (_constant(a, "hyp1f1"), _constant(b, "hyp1f1")) != (1.5, 2.0):
        raise Untraceable("hyp1f1", "with parameters other than 3/2 and 2")
    _note(f"{SAID}hyp1f1(3/2, 2, z) as e^(z/2) (I_0(z/2) + I_1(z/2)), by DLMF 13.3.15 of 13.6.9")
    half = emit("mul", z, number(0.5))
    both = emit("add", emit("bessel_i", half, n=0), emit("bessel_i", half, n=1))
    return wrap(emit("mul", emit("exp", half), both))


def _hyp0f1(b: Ids, z: Ids) -> Any:
    order = _constant(b, "hyp0f1")
    if order != int(order) or order < 1:
        raise Untraceable("hyp0f1", "of an order that is not 1, 2, 3 ..")
    _note(f"{SAID}0F1(; n; z) by Bessel functions of order n - 1, DLMF 10.39.9")
    return wrap(emit("hyp0f1", np.broadcast_to(z, np.broadcast(b, z).shape), n=order))


def _gammaln(x: Ids) -> Any:
    if np.any(tape("gammaln").active[x]):
        compare("gammaln", x, number(0.0))  # its formula is another on each side
    return wrap(emit("log_abs_gamma", x))


def _betaln(x: Ids, y: Ids) -> Any:
    """DLMF 5.12.1, of positive numbers."""
    for one in (x, y):
        compare("betaln", one, number(0.0))
    return wrap(emit("sub", emit("add", emit("lgamma", x), emit("lgamma", y)), emit("lgamma", emit("add", x, y))))


SPECIAL: dict[str, Callable[..., Any]] = {
    "gammainc": _regularised("gamma_p", "gammainc"),
    "gammaincc": _regularised("gamma_q", "gammaincc"),
    "i0e": _scaled(0),
    "i1e": _scaled(1),
    "hyp1f1": _hyp1f1,
    "hyp0f1": _hyp0f1,
}


def _largest(ids: Ids) -> Ids:
    """The entry of largest midpoint along the last axis.  Nothing is decided, so that this is right only where any number would do."""
    t = tape("max")
    sizes = t.ordered.nearest(t.values[ids.ravel()]).reshape(ids.shape)
    return emit("shift", np.take_along_axis(ids, np.argmax(sizes, axis=-1)[..., None], axis=-1)[..., 0])


class Chosen:
    """Where the largest entries are: places at which entries may be taken, as numbers that do not move, and nothing else."""

    __slots__ = ("_places",)
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]  # equality is no answer either

    def __init__(self, places: Ids) -> None:
        self._places = places

    def _refused(self, *_: Any, **__: Any) -> Any:
        raise Untraceable("argmax", "its result is used otherwise than to take what is there")

    __array__ = __index__ = __int__ = __bool__ = __iter__ = __len__ = __getitem__ = _refused
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refused
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __floordiv__ = _refused

    def __getattr__(self, name: str) -> Any:
        return self._refused()

    def taken(self, ids: Ids, axis: int) -> Ids:
        """The entries along the axis: whoever uses them must show that any others would do."""
        return emit("shift", np.take_along_axis(ids, self._places, axis))


def _argmax(a: Any, axis: Any = None, keepdims: Any = False, **_: Any) -> Chosen:
    ids, t = lift(a, "argmax"), tape("argmax")
    if axis is None or keepdims is not True:
        raise Untraceable("argmax", "without an axis that is kept")
    sizes = t.ordered.nearest(t.values[ids.ravel()]).reshape(ids.shape)
    return Chosen(np.argmax(sizes, axis=axis, keepdims=True))


def _take_along_axis(arr: Any, indices: Any, axis: Any) -> Any:
    if isinstance(indices, Chosen):
        return wrap(indices.taken(lift(arr, "take_along_axis"), axis))
    return _TAKE(arr, indices, axis)


_TAKE = FUNCTIONS[np.take_along_axis]


def _floor(x: Ids) -> Ids:
    _note(WHOLE)
    return emit("whole", x)


def _toward_zero(x: Ids) -> Ids:
    below = compare("trunc", x, number(0.0)) < 0
    out = np.zeros(x.shape, np.int64)
    out[~below] = _floor(x[~below])
    out[below] = emit("neg", _floor(emit("neg", x[below])))
    return out


def _rest(a: Ids, b: Ids, quotient: Ids) -> Ids:
    return emit("sub", a, emit("mul", b, quotient))


ROUNDING: dict[str, Callable[..., Any]] = {
    "floor": lambda x: wrap(_floor(x)),
    "ceil": lambda x: wrap(emit("neg", _floor(emit("neg", x)))),
    "trunc": lambda x: wrap(_toward_zero(x)),
    "rint": lambda x: wrap(_floor(emit("add", x, number(0.5)))),
    "floor_divide": lambda a, b: wrap(_floor(emit("div", a, b))),
    "remainder": lambda a, b: wrap(_rest(a, b, _floor(emit("div", a, b)))),
    "fmod": lambda a, b: wrap(_rest(a, b, _toward_zero(emit("div", a, b)))),
    "gammaln": _gammaln,
    "betaln": _betaln,
}
"""For symbols alone: there is a formula on every branch at once."""


@contextmanager
def widened(*, symbolic: bool = True, shifts: bool = False) -> Iterator[None]:
    """Within, the tracer reads them.

    ``symbolic``: rounding is an operation, and no branch.  ``shifts``: so is the maximum along an axis, as a number that does not move, and
    what is taken where the maximum stands.
    """
    with LOCK:
        handlers = SPECIAL | (ROUNDING if symbolic else {})
        before = {name: UFUNCS.get(name) for name in handlers}
        largest = REDUCTIONS["maximum"]
        functions = {f: FUNCTIONS[f] for f in (np.argmax, np.take_along_axis)}
        if shifts:
            REDUCTIONS["maximum"] = _largest
            FUNCTIONS.update({np.argmax: _argmax, np.take_along_axis: _take_along_axis})
        replaced = REPLACEMENTS.get(id(special.zeta))
        added = [one for one in OPERATIONS if one.name not in TABLE]
        TABLE.update({one.name: one for one in added})
        UFUNCS.update(handlers)
        REPLACEMENTS[id(special.zeta)] = (special.zeta, _zeta)
        try:
            yield
        finally:
            REDUCTIONS["maximum"] = largest
            FUNCTIONS.update(functions)
            del REPLACEMENTS[id(special.zeta)]
            if replaced is not None:  # nested
                REPLACEMENTS[id(special.zeta)] = replaced
            for name, handler in before.items():
                if handler is None:
                    del UFUNCS[name]
                else:
                    UFUNCS[name] = handler
            for one in added:
                del TABLE[one.name]
