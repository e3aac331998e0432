"""Complex numbers that keep to the branch of their real part, so that more forwards can be stepped through.

NumPy's ``abs(z)`` is the length of z, its ``sign(z)`` is z/|z|, and ``floor``, ``hypot`` or ``logaddexp`` refuse complex numbers: none of
them continues the real function off the real line.  An :class:`Analytic` array does: ``abs(z)`` is z or -z by the sign of the real
part, as J. Martins, P. Sturdza and J. Alonso, "The complex-step derivative approximation", ACM TOMS 29 (2003), section 3,
redefine it.  Comparisons look at real parts, so the branches that a text takes are those that it takes for real numbers.

Where real parts are equal, or zero in ``abs``, a primitive is *tied*: it has one derivative per branch.  Ties are counted, and a
:class:`Choice` says which branch each primitive takes: NumPy's, the least of the derivatives, or their mean.
"""

from __future__ import annotations

import enum
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


class Choice(enum.Enum):
    """Which of its derivatives a tied primitive has: what frameworks do, as far as they are consistent.

    LEAST is 0 where one branch is constant, as in relu and abs, else the derivative of the first; MEAN shares evenly.
    """

    NATIVE = "as NumPy"
    LEAST = "the least"
    MEAN = "the mean"


class _Ties(threading.local):
    """How ties are broken in this thread, how many there were, and how comparisons of two numbers came out, by line of the text."""

    choice: Choice = Choice.NATIVE
    count: int = 0
    outcomes: dict[tuple[str, int], list[bool]] | None = None

    def iterates(self) -> bool:
        """Whether a comparison with something tiny came out alike until its last time: a loop that ends at a tolerance."""
        series = (self.outcomes or {}).values()
        return any(len(seen) > 2 and seen[:-1] == [not seen[-1]] * (len(seen) - 1) for seen in series)


TIES = _Ties()

TOLERANCE = 2.0**-16
"""Numbers up to this size are tolerances where a loop compares something with them."""


@contextmanager
def branches(choice: Choice) -> Iterator[_Ties]:
    """Break ties by this choice while the context lasts; gives what counts them."""
    before = TIES.choice, TIES.count, TIES.outcomes
    TIES.choice, TIES.count, TIES.outcomes = choice, 0, {}
    try:
        yield TIES
    finally:
        TIES.choice, TIES.count, TIES.outcomes = before


class Analytic(np.ndarray):
    """A complex array whose ufuncs continue the real ones analytically from the real part."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        plain = tuple(_plain(a) for a in inputs)
        if out is not None:
            kwargs["out"] = tuple(_plain(a) for a in out)
        rule = RULES.get(ufunc.__name__)
        if rule is not None and method == "__call__":
            answer = _ruled(rule, plain, **kwargs)
        elif ufunc.__name__ in EXTREMA and method in ("reduce", "accumulate", "reduceat"):
            answer = _reduced(EXTREMA[ufunc.__name__], ufunc, method, *plain, **kwargs)
        else:
            answer = getattr(ufunc, method)(*plain, **kwargs)
        if out is not None:
            return out[0] if len(out) == 1 else out
        if isinstance(answer, tuple):
            return tuple(_kept(a) for a in answer)
        return _kept(answer)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = FUNCTIONS.get(getattr(func, "__name__", ""))
        if rule is not None and getattr(func, "__module__", "").startswith("numpy"):
            return rule(*args, **kwargs)
        # Joining arrays may give a plain one, which would no longer keep to its branch.
        answer = super().__array_function__(func, types, args, kwargs)
        if isinstance(answer, (tuple, list)):
            return type(answer)(_kept(a) for a in answer) if type(answer) in (tuple, list) else answer
        return _kept(answer)

    def __float__(self) -> float:
        raise TypeError("a complex step cannot pass through float()")

    def conj(self) -> Analytic:
        """Itself: the real function is the identity."""
        return self

    conjugate = conj

    def round(self, decimals: int = 0, out: Any = None) -> Any:  # type: ignore[override]  # ndarray's has overloads
        """Rounded real parts: steps, whose slope is 0."""
        return _kept(np.round(real(_plain(self)), decimals).astype(complex))


def _plain(a: Any) -> Any:
    return np.ndarray.view(a, np.ndarray) if isinstance(a, Analytic) else a


def _kept(a: Any) -> Any:
    if isinstance(a, np.ndarray) and a.dtype.kind == "c":
        return a.view(Analytic)
    if isinstance(a, np.complexfloating):
        return np.asarray(a).view(Analytic)
    return a


def real(a: Any) -> Any:
    """Real parts of plain numbers."""
    return np.real(np.asarray(a))


def _ruled(rule: Callable[..., Any], inputs: tuple[Any, ...], **kwargs: Any) -> Any:
    out, where = kwargs.pop("out", None), kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    if (
        kwargs.pop("casting", "same_kind") != "same_kind"
        or kwargs
        or (dtype is not None and np.dtype(dtype).kind != "c")
    ):
        raise TypeError("a complex step does not know these arguments of a ufunc")
    value = rule(*(np.asarray(a) for a in inputs))
    if out is None:
        if where is not True:
            raise TypeError("a complex step cannot leave entries unset")
        return value
    np.copyto(out[0], value, where=where, casting="same_kind")
    return out[0]


def _tie(tied: Any) -> bool:
    count = int(np.count_nonzero(tied))
    TIES.count += count
    return count > 0


def _mix(tied: Any, first: Any, second: Any, otherwise: Any) -> Any:
    if not _tie(tied) or TIES.choice is Choice.NATIVE:
        return otherwise
    if TIES.choice is Choice.MEAN:
        return np.where(tied, 0.5 * first + 0.5 * second, otherwise)
    constant = [np.asarray(a).dtype.kind != "c" for a in (first, second)]
    return np.where(tied, second if constant[1] and not constant[0] else first, otherwise)


def _absolute(z: Any) -> Any:
    x = real(z)
    # At 0 NumPy's own is 0, which is both the mean of z and -z and the least that frameworks give.
    _tie(x == 0)
    return np.where(x == 0, np.zeros_like(z), np.where(x < 0, -z, z))


def _sign(z: Any) -> Any:
    _tie(real(z) == 0)
    return np.sign(real(z)).astype(complex)


def _extremum(sign: float) -> Callable[[Any, Any], Any]:
    def choose(a: Any, b: Any) -> Any:
        x, y = sign * real(a), sign * real(b)
        # NaN goes through, as in maximum; fmax differs there and is not told apart, since no finite forward shows it.
        first = (x >= y) | np.isnan(x)
        return _mix((x == y) & (a != b), a, b, np.where(first, a, b))

    return choose


def _compare(name: str) -> Callable[[Any, Any], Any]:
    compare = getattr(np, name)

    def by_real_part(a: Any, b: Any) -> Any:
        x, y = real(a), real(b)
        _tie((x == y) & (a != b))
        outcome = compare(x, y)
        if TIES.outcomes is not None and np.ndim(outcome) == 0 and 0 < min(abs(x), abs(y)) <= TOLERANCE:
            text = sys._getframe(1)
            while text.f_code.co_filename == __file__ and text.f_back is not None:
                text = text.f_back
            TIES.outcomes.setdefault((text.f_code.co_filename, text.f_lineno), []).append(bool(outcome))
        return outcome

    return by_real_part


def _step(name: str) -> Callable[[Any], Any]:
    function = getattr(np, name)
    return lambda z: np.asarray(function(real(z))).astype(complex)


def _remainder(a: Any, b: Any) -> Any:
    return a - np.floor(real(a) / real(b)) * b


def _fmod(a: Any, b: Any) -> Any:
    return a - np.trunc(real(a) / real(b)) * b


def _logaddexp(a: Any, b: Any) -> Any:
    larger = np.where(real(a) >= real(b), a, b)
    smaller = np.where(real(a) >= real(b), b, a)
    return larger + np.log1p(np.exp(smaller - larger))


def _hypot(a: Any, b: Any) -> Any:
    size = np.maximum(np.abs(real(a)), np.abs(real(b)))
    size = np.where(size > 0, size, 1.0)
    return size * np.sqrt((a / size) ** 2 + (b / size) ** 2)


def _arctan2(y: Any, x: Any) -> Any:
    # The turn of (x, y) from where its real parts point, which is small, so that no branch is cut.
    at = np.arctan2(real(y), real(x))
    c, s = np.cos(at), np.sin(at)
    return at + np.arctan((c * y - s * x) / (c * x + s * y))


def _cbrt(z: Any) -> Any:
    sign = np.where(real(z) < 0, -1.0, 1.0)
    return sign * (sign * z) ** (1.0 / 3.0)


def _expit(z: Any) -> Any:
    decay = np.exp(np.where(real(z) >= 0, -z, z))
    return np.where(real(z) >= 0, 1.0 / (1.0 + decay), decay / (1.0 + decay))


def _log_expit(z: Any) -> Any:
    return -_logaddexp(np.zeros_like(z), -z)


def _gammaln(z: Any) -> Any:
    from scipy.special import loggamma  # late: heavy

    left = real(z) < 0.5
    sine = np.sin(np.pi * z)
    sine = np.where(real(sine) < 0, -sine, sine)
    with np.errstate(all="ignore"):
        return np.where(left, np.log(np.pi) - np.log(sine) - loggamma(np.where(left, 1.0 - z, z)), loggamma(z))


def _erfc(z: Any) -> Any:
    from scipy.special import erf, wofz  # late: heavy

    scaled = np.exp(-z * z) * wofz(1j * np.where(real(z) > 0, z, 1.0))
    return np.where(real(z) > 0.5, scaled, 1.0 - erf(z))


def _entr(z: Any) -> Any:
    return np.where(real(z) == 0, 0.0, -z * np.log(np.where(real(z) == 0, 1.0, z)))


def _xlogy(a: Any, b: Any) -> Any:
    return np.where((a == 0) & ~np.isnan(b), 0.0, a * np.log(np.where(a == 0, 1.0, b)))


RULES: dict[str, Callable[..., Any]] = {
    "absolute": _absolute,
    "fabs": _absolute,
    "sign": _sign,
    "maximum": _extremum(1.0),
    "minimum": _extremum(-1.0),
    "fmax": _extremum(1.0),
    "fmin": _extremum(-1.0),
    "clip": lambda z, low, high: _extremum(-1.0)(_extremum(1.0)(z, low), high),
    **{name: _compare(name) for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")},
    **{name: _step(name) for name in ("floor", "ceil", "trunc", "rint")},
    "signbit": lambda z: np.signbit(real(z)),
    "remainder": _remainder,
    "fmod": _fmod,
    "copysign": lambda a, b: np.where(np.signbit(real(a)) == np.signbit(real(b)), a, -a),
    "heaviside": lambda a, b: np.heaviside(real(a), real(b)).astype(complex),
    "logaddexp": _logaddexp,
    "logaddexp2": lambda a, b: _logaddexp(a * np.log(2.0), b * np.log(2.0)) / np.log(2.0),
    "hypot": _hypot,
    "arctan2": _arctan2,
    "cbrt": _cbrt,
    "deg2rad": lambda z: z * (np.pi / 180.0),
    "radians": lambda z: z * (np.pi / 180.0),
    "rad2deg": lambda z: z * (180.0 / np.pi),
    "degrees": lambda z: z * (180.0 / np.pi),
    "conjugate": lambda z: +z,
    "expit": _expit,
    "log_expit": _log_expit,
    "logit": lambda z: np.log(z / (1.0 - z)),
    "gammaln": _gammaln,
    "erfc": _erfc,
    "entr": _entr,
    "xlogy": _xlogy,
}
"""Continuations of ufuncs, by name, of plain complex (or real) arrays."""

EXTREMA = {"maximum": 1.0, "minimum": -1.0, "fmax": 1.0, "fmin": -1.0}


def _reduced(sign: float, ufunc: np.ufunc, method: str, z: Any, *args: Any, **kwargs: Any) -> Any:
    """Reductions compare complex numbers by real part first, as NumPy does; ties are counted and mixed."""
    answer = getattr(ufunc, method)(z, *args, **kwargs)
    if method != "reduce":
        return answer
    axis = args[0] if args else kwargs.get("axis", 0)
    widened = kwargs | {"keepdims": True, "axis": axis}
    widened.pop("out", None)
    top = ufunc.reduce(real(z), **widened)
    among = real(z) == top
    tied = np.sum(among, axis=axis, keepdims=True) > 1
    if not _tie(tied) or TIES.choice is not Choice.MEAN:
        return answer if TIES.choice is Choice.NATIVE else _unless(tied, _first(z, among, axis), answer, axis, kwargs)
    mean = np.sum(np.where(among, z, 0), axis=axis, keepdims=True) / np.sum(among, axis=axis, keepdims=True)
    return _unless(tied, mean, answer, axis, kwargs)


def _unless(tied: Any, chosen: Any, answer: Any, axis: Any, kwargs: Any) -> Any:
    if kwargs.get("keepdims"):
        return np.where(tied, chosen, answer)
    return np.where(np.squeeze(tied, axis=axis), np.squeeze(chosen, axis=axis), answer)


def _first(z: Any, among: Any, axis: Any) -> Any:
    if axis is None:
        return np.reshape(z.ravel()[np.argmax(among.ravel())], (1,) * z.ndim)
    if isinstance(axis, tuple):
        raise TypeError("a complex step breaks ties along one axis only")
    return np.take_along_axis(z, np.argmax(among, axis=axis, keepdims=True), axis=axis)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Vector norms; a matrix norm other than Frobenius' needs singular values and is not continued."""
    x = np.asanyarray(x)
    if axis is None and (ord is None or x.ndim == 1):
        flat = x.reshape(-1)
        value = _norm(flat, 2 if ord is None else ord, 0)
        return np.reshape(value, (1,) * x.ndim) if keepdims else value
    if axis is None and ord in ("f", "fro"):
        return _norm(x.reshape(-1), 2, 0)
    if not isinstance(axis, (int, np.integer)):
        raise TypeError("a complex step cannot pass through this norm")
    size = np.abs(x)
    if ord is None or ord == 2:
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if isinstance(ord, str) or ord == 0:
        raise TypeError("a complex step cannot pass through this norm")
    return np.sum(size**ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)


def _variance(x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, **kwargs: Any) -> Any:
    """NumPy's own takes squares of lengths for complex numbers."""
    if dtype is not None or out is not None or kwargs.keys() - {"keepdims"}:
        raise TypeError("a complex step does not know these arguments of var")
    rest = x - np.mean(x, axis=axis, keepdims=True)
    count = x.size / rest.sum(axis=axis).size if axis is not None else x.size
    return np.sum(rest * rest, axis=axis, **kwargs) / (count - ddof)


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise TypeError("a complex step cannot pass through this function")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "norm": _norm,
    "var": _variance,
    "std": lambda *args, **kwargs: np.sqrt(_variance(*args, **kwargs)),
    "vdot": lambda a, b: np.dot(np.ravel(a), np.ravel(b)),
    "round": lambda z, decimals=0, out=None: Analytic.round(z, decimals),
    "around": lambda z, decimals=0, out=None: Analytic.round(z, decimals),
    "isrealobj": lambda z: True,
    "iscomplexobj": lambda z: False,
    **{name: _refuse for name in ("angle", "imag", "eigh", "eigvalsh", "svd", "cholesky", "qr", "interp", "histogram")},
}
"""Functions that treat complex numbers in another way than the real ones whose continuation they are to be."""
