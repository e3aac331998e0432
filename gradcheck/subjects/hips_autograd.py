"""The ``autograd`` package as a subject: catalogue names mapped to its own functions, or composed from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import numpy as np

from gradcheck.subjects import composed, program_languages
from gradcheck.subjects.programs import Language
from gradcheck.subjects.protocol import Implementation

Function = Callable[..., Any]

NUMPY = """abs add arccos arccosh arcsin arcsinh arctan arctan2 arctanh cos cosh cumsum divide dot exp exp2 expm1 inner
kron log log10 log1p log2 logaddexp logaddexp2 matmul max maximum mean min minimum moveaxis multiply negative outer power prod
reciprocal remainder sin sinc sinh sqrt square subtract sum tan tanh tensordot tile var where tril triu"""
"""Names that autograd.numpy uses, too."""

SPECIAL = """betaln digamma erf erfc erfinv gammaln logit logsumexp"""


class HipsAutograd:
    """Reverse mode by ``autograd.make_vjp``.  The package is imported when the subject is made."""

    name = "autograd"

    def __init__(self) -> None:
        """Raises ImportError where autograd is not installed."""
        import autograd.scipy.signal  # noqa: F401  # absence is told here

        self.version: str = metadata.version("autograd")
        self._functions = _functions()

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The function of that name with its reverse mode; None where autograd has none for these parameters."""
        if operator == "norm" and params.get("keepdims"):
            return None  # linalg.norm's derivative does not know keepdims
        if operator == "repeat" and isinstance(params.get("repeats"), tuple):
            return None  # its derivative wants one number
        function = self._functions.get(operator)
        return None if function is None else Implementation(forward=function, vjp=vjp_of(function))

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Single and double precision: its SciPy wrappers do not keep 16-bit types."""
        types = ("float64",) if operator == "trigamma" else ("float32", "float64")  # its polygamma gives doubles
        return operator in self._functions and np.dtype(dtype).name in types

    def language(self) -> Language:
        """Whole programs: see ``gradcheck.subjects.programs``."""
        return program_languages.autograd_language()


def vjp_of(function: Function) -> Function:
    """Reverse mode of a function that is written with autograd.numpy."""
    import autograd

    def vjp(cotangent: Any, *inputs: Any, **params: Any) -> tuple[Any, ...]:
        active = tuple(k for k, x in enumerate(inputs) if np.asarray(x).dtype.kind in "fc")
        pull, _ = autograd.make_vjp(function, active)(*inputs, **params)
        # autograd's cotangents and gradients are the complex conjugates of the adjoint's.
        return tuple(np.conj(gradient) for gradient in pull(np.conj(cotangent)))

    return vjp


def _functions() -> dict[str, Function]:
    """Catalogue name to function.  autograd has no derivative of a cumulative product."""
    import math

    import autograd.numpy as anp
    from autograd.scipy import signal, special

    def conv2d(x: Any, kernel: Any, *, stride: Any = (1, 1), padding: Any = ((0, 0), (0, 0))) -> Any:
        padded = anp.pad(x, ((0, 0), (0, 0), *padding), "constant")
        flipped = kernel[:, :, ::-1, ::-1]
        dense = signal.convolve(padded, flipped, axes=([2, 3], [2, 3]), dot_axes=([1], [1]), mode="valid")
        return dense[:, :, :: stride[0], :: stride[1]]

    def softmax(x: Any, *, axis: int = -1) -> Any:
        return anp.exp(x - special.logsumexp(x, axis=axis, keepdims=True))

    return {
        **composed.table(anp, special),
        **{name: getattr(anp, name) for name in NUMPY.split()},
        **{name: getattr(special, name) for name in SPECIAL.split()},
        **{name: getattr(anp.linalg, name) for name in ("inv", "solve", "norm", "det", "cholesky", "pinv")},
        "trigamma": lambda x: special.polygamma(1, x),
        "bessel_i0": special.i0,
        "bessel_i1": special.i1,
        "bessel_j0": special.j0,
        "bessel_j1": special.j1,
        "bessel_y0": special.y0,
        "bessel_y1": special.y1,
        "sigmoid": special.expit,
        "relu": lambda x: anp.maximum(x, 0),
        "softplus": lambda x: anp.logaddexp(0, x),
        "gelu": lambda x: x * special.erfc(x / -math.sqrt(2.0)) / 2,
        "silu": lambda x: x * special.expit(x),
        "softmax": softmax,
        "log_softmax": lambda x, *, axis=-1: x - special.logsumexp(x, axis=axis, keepdims=True),
        "conv2d": conv2d,
        "std": lambda x, *, axis=None, ddof=0, keepdims=False: anp.std(x, axis, ddof=ddof, keepdims=keepdims),
        "logabsdet": lambda a: anp.linalg.slogdet(a)[1],
        "concatenate": lambda x, y, *, axis=0: (
            anp.concatenate((anp.ravel(x), anp.ravel(y))) if axis is None else anp.concatenate((x, y), axis)
        ),
        "stack": lambda x, y, *, axis=0: anp.stack((x, y), axis),
        "reshape": lambda x, *, shape, order="C": anp.reshape(x, shape, order=order),
        "roll": lambda x, *, shift, axis=None: anp.roll(x, shift, axis),
        "swapaxes": lambda x, *, first, second: anp.swapaxes(x, first, second),
        "transpose": lambda x, *, axes=None: anp.transpose(x, axes),
        "repeat": lambda x, *, repeats, axis=None: anp.repeat(x, repeats, axis),
        "einsum": lambda x, y, *, equation: anp.einsum(equation, x, y),
        "pad_constant": lambda x, *, widths, value=0.0: anp.pad(x, widths, "constant", constant_values=value),
        "clip": lambda x, low, high: anp.minimum(anp.maximum(x, low), high),
    }
