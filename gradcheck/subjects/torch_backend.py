"""PyTorch as a subject: eager functions on the CPU, reverse mode by ``torch.autograd.grad``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradcheck.subjects import program_languages
from gradcheck.subjects.mapped import Function, active, implementation
from gradcheck.subjects.programs import Language
from gradcheck.subjects.protocol import Implementation


class Torch:
    """The functions of torch and torch.nn.functional.  The package is imported when the subject is made."""

    name = "torch"

    def __init__(self) -> None:
        """Raises ImportError where torch is not installed."""
        import torch

        from gradcheck.subjects.torch_table import table

        self.version: str = torch.__version__
        self._table = table()

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The function of that name with its reverse mode; None where torch has none for these parameters."""
        function = self._table.function(operator, params)
        return None if function is None else implementation(function, forward, vjp)

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Whether the function is there in this type, on the CPU."""
        return self._table.supports(operator, dtype)

    def language(self) -> Language:
        """Whole programs: see ``gradcheck.subjects.programs``."""
        return program_languages.torch_language()


def tensor(x: Any) -> Any:
    """A tensor with a copy of an array; bfloat16 travels as the bits that it is."""
    import torch

    a = np.array(x, order="C")
    if a.dtype.name == "bfloat16":
        return torch.from_numpy(a.view(np.uint16)).view(torch.bfloat16)
    return torch.from_numpy(a)


def array(t: Any) -> np.ndarray[Any, Any]:
    """An array with a copy of a tensor."""
    import torch

    t = t.detach().resolve_conj().resolve_neg().contiguous()
    if t.dtype is torch.bfloat16:
        import ml_dtypes

        return np.array(t.view(torch.uint16).numpy()).view(ml_dtypes.bfloat16)
    return np.array(t.numpy())


def forward(function: Function, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """The value, as an array or a tuple of arrays."""
    value = function(*map(tensor, inputs), **params)
    return tuple(map(array, value)) if isinstance(value, (tuple, list)) else array(value)


def vjp(function: Function, cotangent: Any, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> tuple[Any, ...]:
    """The gradients of the inputs of floating type; zeros for one on which the value does not depend."""
    import torch

    tensors = [tensor(x) for x in inputs]
    wanted = [tensors[k].requires_grad_() for k in active(inputs)]
    value = function(*tensors, **params)
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    weights = cotangent if isinstance(cotangent, (tuple, list)) else (cotangent,)
    pairs = [(y, tensor(g).reshape(y.shape)) for y, g in zip(values, weights, strict=True) if y.requires_grad]
    if not pairs:
        return tuple(array(torch.zeros_like(x)) for x in wanted)
    outputs, cotangents = zip(*pairs, strict=True)
    return tuple(
        map(array, torch.autograd.grad(outputs, wanted, cotangents, allow_unused=True, materialize_grads=True))
    )
