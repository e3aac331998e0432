"""MyGrad as a subject: its NumPy-like functions, reverse mode by ``Tensor.backward``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import numpy as np

from gradcheck.subjects import composed, program_languages
from gradcheck.subjects.mapped import Function, Lacks, Table, active, implementation
from gradcheck.subjects.programs import Language
from gradcheck.subjects.protocol import Implementation

NUMPY = """abs add arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt cos cosh cumprod cumsum divide exp exp2 expm1
log log10 log1p log2 logaddexp logaddexp2 matmul max maximum mean min minimum multiply negative power prod reciprocal sinc
sin sinh sqrt square subtract sum tan tanh"""
"""Names that mygrad uses, too."""

COMPOSED = """mse mae huber smooth_l1 poisson_nll gaussian_nll bce hinge squared_hinge softmax_cross_entropy layer_norm
batch_norm rms_norm linear slice pick compress norm_1 sum_of_squares addcmul lerp hardsigmoid softsign"""

DOUBLE = frozenset(
    """addcmul batch_norm bce gaussian_nll hardsigmoid hardtanh hinge huber layer_norm leaky_relu rms_norm smooth_l1
    softsign squared_hinge""".split()
)
"""There a constant of Python becomes an array of doubles, and the result with it."""

TEXTS = {"leaky_relu": lambda x, *, slope=0.01: np.maximum(x, 0) + slope * np.minimum(x, 0)}
"""What it composes otherwise than the catalogue's definition, where that shows at a kink."""


class MyGrad:
    """The functions of mygrad and mygrad.nnet.  The package is imported when the subject is made."""

    name = "mygrad"

    def __init__(self) -> None:
        """Raises ImportError where mygrad is not installed."""
        self.version = metadata.version("mygrad")
        self._table = _table()

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The function of that name with its reverse mode; None where mygrad has none for these parameters."""
        function = self._table.function(operator, params)
        return None if function is None else implementation(function, forward, vjp, TEXTS.get(operator))

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Single and double precision."""
        return self._table.supports(operator, dtype)

    def language(self) -> Language:
        """Whole programs: see ``gradcheck.subjects.programs``."""
        return program_languages.mygrad_language()


def forward(function: Function, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """The value of a function of tensors."""
    return _data(function(*_tensors(inputs), **params))


def vjp(function: Function, cotangent: Any, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> tuple[Any, ...]:
    """The gradients that ``backward`` leaves in the inputs; zeros where it leaves none."""
    tensors = _tensors(inputs)
    value = function(*tensors, **params)
    if hasattr(value, "backward"):
        value.backward(np.array(cotangent))
    wanted = [tensors[k] for k in active(inputs)]
    return tuple(np.zeros_like(t.data) if t.grad is None else np.array(t.grad) for t in wanted)


def _tensors(inputs: tuple[Any, ...]) -> list[Any]:
    import mygrad

    floats = active(inputs)
    return [mygrad.tensor(np.array(x)) if k in floats else np.array(x) for k, x in enumerate(inputs)]


def _data(value: Any) -> Any:
    return np.array(getattr(value, "data", value)) if not isinstance(value, np.ndarray) else value


def _table() -> Table:
    import mygrad
    from mygrad import nnet

    parts = composed.table(mygrad, SimpleNamespace(logsumexp=_logsumexp))  # all that it takes from scipy.special
    functions: dict[str, Function] = {
        **{name: parts[name] for name in COMPOSED.split()},
        **{name: getattr(mygrad, name) for name in NUMPY.split()},
        **{name: getattr(nnet.activations, name) for name in ("relu", "selu", "sigmoid")},
        "elu": lambda x, *, alpha=1.0: nnet.activations.elu(x, alpha),
        "leaky_relu": lambda x, *, slope=0.01: nnet.activations.leaky_relu(x, slope),
        "hardtanh": lambda x, *, low=-1.0, high=1.0: nnet.activations.hard_tanh(x, lower_bound=low, upper_bound=high),
        "softmax": lambda x, *, axis=-1: nnet.activations.softmax(x, axis=axis),
        "log_softmax": lambda x, *, axis=-1: nnet.activations.logsoftmax(x, axis=axis),
        "norm": lambda x, *, axis=None, keepdims=False: mygrad.linalg.norm(x, axis=axis, keepdims=keepdims),
        "einsum": lambda x, y, *, equation: mygrad.einsum(equation, x, y),
        "var": lambda x, *, axis=None, ddof=0, keepdims=False: mygrad.var(x, axis=axis, ddof=ddof, keepdims=keepdims),
        "std": lambda x, *, axis=None, ddof=0, keepdims=False: mygrad.std(x, axis=axis, ddof=ddof, keepdims=keepdims),
        "concatenate": lambda x, y, *, axis=0: mygrad.concatenate((x, y), axis),
        "stack": lambda x, y, *, axis=0: mygrad.stack((x, y), axis),
        "reshape": lambda x, *, shape, order="C": mygrad.reshape(x, shape),
        "transpose": lambda x, *, axes=None: mygrad.transpose(x, *(() if axes is None else axes)),
        "moveaxis": lambda x, *, source, destination: mygrad.moveaxis(x, source, destination),
        "swapaxes": lambda x, *, first, second: mygrad.swapaxes(x, first, second),
        "roll": lambda x, *, shift, axis=None: mygrad.roll(x, shift, axis),
        "repeat": lambda x, *, repeats, axis=None: mygrad.repeat(x, repeats, axis),
        "broadcast_to": lambda x, *, shape: mygrad.broadcast_to(x, shape),
        "where": lambda condition, x, y: mygrad.where(condition, x, y),
        "clip": lambda x, low, high: mygrad.minimum(mygrad.maximum(x, low), high),
    }
    lacks: dict[str, Lacks] = {
        "norm": lambda p: isinstance(p.get("axis"), tuple),
        "reshape": lambda p: p.get("order", "C") != "C",
        "concatenate": lambda p: p.get("axis", 0) is None,
    }
    return Table(functions=functions, lacks=lacks, double=DOUBLE, types=("float32", "float64"))


def _logsumexp(x: Any, axis: Any) -> Any:
    import mygrad

    top = np.max(x.data, axis=axis, keepdims=True)
    return mygrad.log(mygrad.sum(mygrad.exp(x - top), axis=axis)) + np.squeeze(top, axis)
