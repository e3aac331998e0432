"""micrograd as a subject: every entry of an array is a ``Value`` of its own, reverse mode by ``Value.backward``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from gradcheck.subjects import program_languages
from gradcheck.subjects.mapped import Function, Table, active, implementation
from gradcheck.subjects.programs import Language
from gradcheck.subjects.protocol import Implementation


class Micrograd:
    """Scalar programs out of sums, products, constant powers and relu.  The package is imported when the subject is made."""

    name = "micrograd"

    def __init__(self) -> None:
        """Raises ImportError where micrograd is not installed."""
        import micrograd.engine  # noqa: F401  # absence is told here

        self.version = metadata.version("micrograd")
        self._table = Table(functions=_functions(), types=("float64",))

    def implementation(self, operator: str, params: Mapping[str, Any]) -> Implementation | None:
        """The program of that name with its reverse mode; None where micrograd has none."""
        function = self._table.function(operator, params)
        return None if function is None else implementation(function, forward, vjp)

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        """Python's floats: double precision."""
        return self._table.supports(operator, dtype)

    def language(self) -> Language:
        """Whole programs: see ``gradcheck.subjects.programs``."""
        return program_languages.micrograd_language()


def values(inputs: tuple[Any, ...]) -> list[Any]:
    """Arrays of ``Value`` for the arrays of floats; others stay as they are."""
    from micrograd.engine import Value

    made = []
    for k, x in enumerate(inputs):
        flat = [Value(float(v)) for v in np.ravel(x)] if k in active(inputs) else []
        entries = np.empty(len(flat), dtype=object)
        entries[:] = flat
        made.append(entries.reshape(np.shape(x)) if k in active(inputs) else np.array(x))
    return made


def forward(function: Function, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
    """The numbers in the value of the program."""
    return numbers(function(*values(inputs), **params), "data")


def vjp(function: Function, cotangent: Any, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> tuple[Any, ...]:
    """The gradients of the one number sum_j g_j y_j."""
    from micrograd.engine import Value

    made = values(inputs)
    value = np.asarray(function(*made, **params), dtype=object)
    total = Value(0.0)
    for g, y in zip(np.ravel(cotangent), value.ravel(), strict=True):
        total = total + float(g) * y
    total.backward()
    return tuple(numbers(made[k], "grad") for k in active(inputs))


def numbers(entries: Any, field: str) -> Any:
    """One field of each ``Value``; a plain number is its own."""
    array = np.asarray(entries, dtype=object)
    return np.array([float(getattr(v, field, v)) for v in array.ravel()]).reshape(array.shape)


def _functions() -> dict[str, Function]:
    def each(function: Function) -> Function:
        return lambda x: np.frompyfunc(function, 1, 1)(x)

    def loss(terms: Function) -> Function:
        def value(x: Any, y: Any, *, reduction: str = "mean") -> Any:
            losses = np.asarray(terms(x, y), dtype=object)
            total = np.sum(losses)
            return losses if reduction == "none" else total / float(losses.size) if reduction == "mean" else total

        return value

    def mean(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        total = np.sum(x, axis=axis, keepdims=keepdims)
        return np.multiply(total, np.size(total) / max(np.size(x), 1))

    return {
        "add": lambda x, y: x + y,
        "subtract": lambda x, y: x - y,
        "multiply": lambda x, y: x * y,
        "divide": lambda x, y: x / y,
        "negative": lambda x: -x,
        "square": lambda x: x**2,
        "reciprocal": lambda x: x**-1,
        "sqrt": lambda x: x**0.5,
        "rsqrt": lambda x: x**-0.5,
        "relu": each(lambda v: v.relu()),
        "sum": lambda x, *, axis=None, keepdims=False: np.sum(x, axis=axis, keepdims=keepdims),
        "mean": mean,
        "prod": lambda x, *, axis=None, keepdims=False: np.prod(x, axis=axis, keepdims=keepdims),
        "sum_of_squares": lambda x, *, axis=None, keepdims=False: np.sum(x**2, axis=axis, keepdims=keepdims),
        "matmul": np.matmul,
        "addcmul": lambda x, y, z, *, value=1.0: np.add(x, np.multiply(np.multiply(y, z), value)),
        "lerp": lambda x, y, weight: np.add(x, np.multiply(weight, np.subtract(y, x))),
        "mse": loss(lambda x, y: (x - y) ** 2),
    }
