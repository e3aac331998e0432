"""Functions of scipy.special that are written in Python and dispatch nothing: stand-ins while a text is traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from gradcheck.numbers.array import demoted, lift, tape, wrap
from gradcheck.numbers.compounds import circle
from gradcheck.numbers.dispatch import last
from gradcheck.numbers.errors import Untraceable
from gradcheck.numbers.field import Ids
from gradcheck.numbers.lowering import emit


def _shift(a: Any, axis: Any, call: str) -> Any:
    """The entry of largest midpoint: any number may be taken off, so nothing is decided."""
    ids, _, kept = last(a, axis, call)
    t = tape(call)
    sizes = t.ordered.nearest(t.values[ids.ravel()]).reshape(ids.shape)
    constant = t.floats[ids] == -np.inf
    best: Ids = np.argmax(np.where(constant, -np.inf, np.nan_to_num(sizes, nan=-np.inf)), axis=-1)
    return wrap(np.take_along_axis(ids, best[..., None], axis=-1).reshape(kept))


def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x) over its sum."""
    powers = np.exp(x - _shift(x, axis, "scipy.special.softmax"))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """x less the logarithm of the sum of exponentials."""
    rest = x - _shift(x, axis, "scipy.special.log_softmax")
    return rest - np.log(np.sum(np.exp(rest), axis=axis, keepdims=True))


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """log sum b exp(a)."""
    if return_sign:
        raise Untraceable("scipy.special.logsumexp", "return_sign=True")
    shift = _shift(a, axis, "scipy.special.logsumexp")
    powers = np.exp(a - shift)
    weighted = powers if b is None else np.multiply(b, powers)
    total = np.log(np.sum(weighted, axis=axis, keepdims=True)) + shift
    axes = tuple(range(np.ndim(a))) if axis is None else axis
    return total if keepdims else np.squeeze(total, axis=axes)


def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of digamma, n one integer."""
    order = np.asarray(demoted(n))
    if order.size != 1:
        raise Untraceable("scipy.special.polygamma", "of several orders at once")
    ids = lift(x, "scipy.special.polygamma")
    return wrap(emit("digamma", ids) if order.item() == 0 else emit("polygamma", ids, n=int(order.item())))


def multigammaln(a: Any, d: Any) -> Any:
    """log of the multivariate gamma function, DLMF 35.3.4."""
    k = np.arange(1, int(d) + 1)
    constant = d * (d - 1) / 4.0
    return constant * np.log(circle()) + np.sum(special.gammaln(np.expand_dims(a, -1) + (1 - k) / 2.0), axis=-1)


def lambertw(z: Any, k: int = 0, tol: float = 1e-8) -> Any:
    """The principal branch, whose complex type is left out; its real part is taken by ``.real``."""
    if k != 0:
        raise Untraceable("scipy.special.lambertw", f"branch k={k}")
    return wrap(emit("lambertw", lift(z, "scipy.special.lambertw")))


SCIPY: dict[Any, Callable[..., Any]] = {
    special.softmax: softmax,
    special.log_softmax: log_softmax,
    special.logsumexp: logsumexp,
    special.polygamma: polygamma,
    special.multigammaln: multigammaln,
    special.lambertw: lambertw,
}
if hasattr(special, "softplus"):
    SCIPY[special.softplus] = lambda x, **_: np.logaddexp(0.0, x)
