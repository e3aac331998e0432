"""tinygrad as a subject: methods of its ``Tensor``, reverse mode by ``Tensor.gradient``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from gradcheck.subjects import program_languages
from gradcheck.subjects.mapped import Function, Lacks, Table, active, implementation
from gradcheck.subjects.programs import Language
from gradcheck.subjects.protocol import Implementation

METHODS = """abs cos exp exp2 log log10 log2 reciprocal rsqrt sqrt square sigmoid sign sin sinh cosh tan tanh relu relu6
silu mish softplus softsign hardswish hardsigmoid erf selu add maximum minimum logaddexp lerp fmod"""
"""Names that tinygrad uses, too."""

RENAMED = {"arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan"} | {
    **{"arctanh": "atanh", "negative": "neg", "subtract": "sub", "multiply": "mul", "divide": "div", "power": "pow"},
    **{"log_sigmoid": "logsigmoid", "gelu_tanh": "gelu"},
}

SINGLE = frozenset("arccos arcsin arctan erf selu".split())
"""Their polynomials and constants have at most eight digits: in double precision they are other functions."""


class TinyGrad:
    """The methods of Tensor, on tinygrad's default device, or on its interpreter in Python where there is none."""

    name = "tinygrad"

    def __init__(self) -> None:
        """Raises ImportError where tinygrad is not installed."""
        from tinygrad import Device, Tensor
        from tinygrad.helpers import DEV

        self.version = metadata.version("tinygrad")
        if not _compiles(Device):  # nothing of tinygrad runs in this process, so nobody's choice is overruled
            DEV.value = "PYTHON"
        self._table = _table(Tensor)

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The method of that name with its reverse mode; None where tinygrad has none for these parameters."""
        function = self._table.function(operator, params)
        return None if function is None else implementation(function, forward, vjp)

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Single and double precision."""
        return self._table.supports(operator, dtype)

    def language(self) -> Language:
        """Whole programs: see ``gradcheck.subjects.programs``."""
        return program_languages.tinygrad_language()


def tensors(inputs: tuple[Any, ...]) -> list[Any]:
    """Tensors with copies of arrays.  An array without axes would become a constant, which wants a compiler."""
    from tinygrad import Tensor

    return [Tensor(np.array(x, order="C").reshape(-1)).reshape(np.shape(x)) for x in inputs]


def forward(function: Function, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """The value of a function of tensors."""
    return np.array(function(*tensors(inputs), **params).clone().numpy())


def vjp(function: Function, cotangent: Any, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> tuple[Any, ...]:
    """The gradients of the inputs of floating type."""
    given = tensors(inputs)
    value = function(*given, **params)
    gradients = value.gradient(*(given[k] for k in active(inputs)), gradient=tensors((cotangent,))[0])
    return tuple(np.array(g.clone().numpy()) for g in gradients)  # a constant has no device of its own


def _compiles(devices: Any) -> bool:
    """Whether the default device is there, and for the processor its compiler."""
    try:
        return devices.DEFAULT != "CPU" or shutil.which("clang") is not None
    except RuntimeError:
        return False


def _table(tensor: Any) -> Table:
    def over(method: str) -> Function:
        return lambda x, *, axis=None, keepdims=False: getattr(x, method)(axis=axis, keepdim=keepdims)

    def along(method: str) -> Function:
        return lambda x, *, axis=-1: getattr(x, method)(axis)

    def spread(method: str) -> Function:
        return lambda x, *, axis=None, ddof=0, keepdims=False: getattr(x, method)(
            axis=axis, keepdim=keepdims, correction=ddof
        )

    def scan(method: str) -> Function:
        return lambda x, *, axis=None: getattr(x.flatten() if axis is None else x, method)(0 if axis is None else axis)

    def entry(x: Any, i: Any, axis: int) -> Any:
        return x.gather(axis, (i < 0).where(i + x.shape[axis], i))

    functions: dict[str, Function] = {
        **{name: getattr(tensor, name) for name in METHODS.split()},
        **{name: getattr(tensor, theirs) for name, theirs in RENAMED.items()},
        **{name: over(name) for name in ("sum", "mean", "max", "min", "prod", "logsumexp")},
        **{name: along(name) for name in ("softmax", "log_softmax")},
        **{name: spread(name) for name in ("var", "std")},
        **{name: scan(name) for name in ("cumsum", "cumprod")},
        "matmul": tensor.matmul,
        "where": lambda condition, x, y: condition.where(x, y),
        "celu": lambda x, *, alpha=1.0: x.celu(alpha),
        "elu": lambda x, *, alpha=1.0: x.elu(alpha),
        "leaky_relu": lambda x, *, slope=0.01: x.leaky_relu(slope),
        "hardtanh": lambda x, *, low=-1.0, high=1.0: x.hardtanh(low, high),
        "concatenate": lambda x, y, *, axis=0: x.cat(y, dim=axis) if axis is not None else x.flatten().cat(y.flatten()),
        "stack": lambda x, y, *, axis=0: x.stack(y, dim=axis),
        "reshape": lambda x, *, shape, order="C": x.reshape(shape),
        "transpose": lambda x, *, axes=None: x.permute(tuple(reversed(range(x.ndim))) if axes is None else axes),
        "roll": lambda x, *, shift, axis=None: x.roll(shift, axis),
        "masked_fill": lambda x, mask, *, value: x.masked_fill(mask, value),
        "gather": lambda x, i, *, axis: entry(x, i, axis),
        "broadcast_to": lambda x, *, shape: x.expand(shape),
        "tril": lambda x, *, k=0: x.tril(k),
        "triu": lambda x, *, k=0: x.triu(k),
    }
    lacks: dict[str, Lacks] = {
        "reshape": lambda p: p.get("order", "C") != "C",
        "logsumexp": lambda p: isinstance(p.get("axis"), tuple),
    }
    return Table(functions=functions, lacks=lacks, single=SINGLE, types=("float32", "float64"))
