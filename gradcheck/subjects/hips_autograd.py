"""The ``autograd`` package as a subject: catalogue names mapped to its own functions, or composed from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import numpy as np

from gradcheck.subjects.protocol import Implementation

Function = Callable[..., Any]


class HipsAutograd:
    """Reverse mode by ``autograd.make_vjp``.  The package is imported when the subject is made."""

    name = "autograd"

    def __init__(self) -> None:
        """Raises ImportError where autograd is not installed."""
        import autograd
        import autograd.scipy.signal  # not reached from the package itself

        self.version: str = metadata.version("autograd")
        self._make_vjp: Function = autograd.make_vjp
        self._functions = _functions()

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The function of that name with its reverse mode; None where autograd has none for these parameters."""
        if operator == "norm" and params.get("keepdims"):
            return None  # linalg.norm's derivative does not know keepdims
        function = self._functions.get(operator)
        return None if function is None else Implementation(forward=function, vjp=self._vjp(function))

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Single and double precision: its SciPy wrappers do not keep 16-bit types."""
        return operator in self._functions and np.dtype(dtype).name in ("float32", "float64")

    def _vjp(self, function: Function) -> Function:
        def vjp(cotangent: Any, *inputs: Any, **params: Any) -> tuple[Any, ...]:
            active = tuple(k for k, x in enumerate(inputs) if np.asarray(x).dtype.kind in "fc")
            pull, _ = self._make_vjp(function, active)(*inputs, **params)
            # autograd's cotangents and gradients are the complex conjugates of the adjoint's.
            return tuple(np.conj(gradient) for gradient in pull(np.conj(cotangent)))

        return vjp


def _functions() -> dict[str, Function]:
    """Catalogue name to function.  autograd has no derivative of a cumulative product."""
    import autograd.numpy as anp
    from autograd.scipy import signal, special

    def take(x: Any, indices: Any, *, axis: int | None = None) -> Any:
        return anp.ravel(x)[indices] if axis is None else x[(slice(None),) * (axis % x.ndim) + (indices,)]

    def reduced(losses: Any, reduction: str) -> Any:
        return losses if reduction == "none" else anp.mean(losses) if reduction == "mean" else anp.sum(losses)

    def cross_entropy(logits: Any, labels: Any, *, reduction: str = "mean") -> Any:
        chosen = logits[(*np.indices(labels.shape), labels)]
        return reduced(special.logsumexp(logits, axis=-1) - chosen, reduction)

    def huber(prediction: Any, target: Any, *, delta: float = 1.0, reduction: str = "mean") -> Any:
        residual = anp.abs(prediction - target)
        return reduced(anp.where(residual <= delta, residual**2 / 2, delta * (residual - delta / 2)), reduction)

    def standardised(x: Any, axes: Any, epsilon: float) -> Any:
        return (x - anp.mean(x, axes, keepdims=True)) / anp.sqrt(anp.var(x, axes, keepdims=True) + epsilon)

    def layer_norm(x: Any, scale: Any, shift: Any, *, epsilon: float = 1e-5) -> Any:
        return standardised(x, -1, epsilon) * scale + shift

    def batch_norm(x: Any, scale: Any, shift: Any, *, epsilon: float = 1e-5) -> Any:
        shape, axes = (-1,) + (1,) * (x.ndim - 2), (0, *range(2, x.ndim))
        return standardised(x, axes, epsilon) * anp.reshape(scale, shape) + anp.reshape(shift, shape)

    def starts(length: int, size: int, stride: int, overhang: bool) -> range:
        return range(0, length if overhang else length - size + 1, stride)

    def max_pool1d(x: Any, *, size: int, stride: int = 1, overhang: bool = False) -> Any:
        windows = [x[..., k : k + size] for k in starts(x.shape[-1], size, stride, overhang)]
        return anp.stack([anp.max(window, axis=-1) for window in windows], axis=-1)

    def avg_pool2d(x: Any, *, size: Any, stride: Any = (1, 1), overhang: bool = False) -> Any:
        rows, columns = (starts(x.shape[k], size[k], stride[k], overhang) for k in (-2, -1))
        means = [[anp.mean(x[..., i : i + size[0], j : j + size[1]], axis=(-2, -1)) for j in columns] for i in rows]
        return anp.stack([anp.stack(row, axis=-1) for row in means], axis=-2)

    def conv2d(x: Any, kernel: Any, *, stride: Any = (1, 1), padding: Any = ((0, 0), (0, 0))) -> Any:
        padded = anp.pad(x, ((0, 0), (0, 0), *padding), "constant")
        flipped = kernel[:, :, ::-1, ::-1]
        dense = signal.convolve(padded, flipped, axes=([2, 3], [2, 3]), dot_axes=([1], [1]), mode="valid")
        return dense[:, :, :: stride[0], :: stride[1]]

    def softmax(x: Any, *, axis: int = -1) -> Any:
        return anp.exp(x - special.logsumexp(x, axis=axis, keepdims=True))

    names = ("multiply", "divide", "power", "log", "abs", "maximum", "tanh", "sum", "prod", "max", "var", "cumsum")
    return {
        **{name: getattr(anp, name) for name in (*names, "matmul", "where")},
        **{name: getattr(anp.linalg, name) for name in ("inv", "solve", "norm")},
        "sigmoid": special.expit,
        "relu": lambda x: anp.maximum(x, 0),
        "softplus": lambda x: anp.logaddexp(0, x),
        "gelu": lambda x: x * special.erfc(x / -math.sqrt(2.0)) / 2,
        "logsumexp": special.logsumexp,
        "softmax": softmax,
        "take": take,
        "softmax_cross_entropy": cross_entropy,
        "huber": huber,
        "layer_norm": layer_norm,
        "batch_norm": batch_norm,
        "max_pool1d": max_pool1d,
        "avg_pool2d": avg_pool2d,
        "conv2d": conv2d,
    }
