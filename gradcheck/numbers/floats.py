"""NumPy's own floating-point numbers, float64 and complex128: what the text itself computes in, and complex steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.numbers.field import Array, Field, Floats, Values, unsupported
from gradcheck.numbers.operations import Operation


@dataclass(frozen=True)
class FloatField(Field):
    """``dtype`` is float64 or complex128; results that overflow or leave the domain are inf and nan."""

    dtype: Any = np.float64

    @property
    def name(self) -> str:  # type: ignore[override]  # read-only here
        """NumPy's name of the type."""
        return str(np.dtype(self.dtype).name)

    def working(self) -> AbstractContextManager[Any]:
        """Silently: inf and nan are answers."""
        return np.errstate(all="ignore")

    def constants(self, values: Floats) -> Array:
        """As they are."""
        return values.astype(self.dtype)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """NumPy's."""
        return np.zeros(shape, self.dtype)

    def pi(self) -> Array:
        """Rounded."""
        return np.full(1, np.pi, self.dtype)

    def apply(self, operation: Operation, operands: tuple[Values, ...], parameter: float | None = None) -> Array:
        """NumPy's and SciPy's functions."""
        extra = () if parameter is None else (parameter,)
        try:
            result: Array = operation.numpy(*operands, *extra)
        except TypeError as error:
            raise unsupported(self, operation) from error
        return result


@dataclass(frozen=True)
class Textbook(FloatField):
    """Differentiates as textbooks and frameworks do: tanh by 1 - y^2 and the logistic function by y (1 - y), which lose digits far out."""

    def partials(self, operation: Operation) -> tuple[Callable[..., Any], ...]:
        """Those of the table, but of these two."""
        return TEXTBOOK.get(operation.name, operation.partials)


@dataclass(frozen=True)
class Perturbed(Textbook):
    """Each result is changed in its last place, up or down at random, as other orders of the same operations would change it.

    Monte Carlo arithmetic (D. S. Parker 1997, UCLA technical report CSD-970002).  What happens to be exact in one
    order, x - mean(x) of a single number, say, is not in another.
    """

    unit: float = 2.0**-53
    rng: np.random.Generator = field(default_factory=np.random.default_rng, compare=False)

    def apply(self, operation: Operation, operands: tuple[Values, ...], parameter: float | None = None) -> Array:
        """NumPy's result, and a random roundoff."""
        return self._rounded(super().apply(operation, operands, parameter))

    def sum(self, terms: Values) -> Values:
        """Of terms that are each rounded."""
        return super().sum(self._rounded(terms))

    def term(self, values: Values) -> Values:
        """Rounded: another order leaves other sums of terms that cancel, as those of an entry that is subtracted from itself."""
        return self._rounded(values)

    def _rounded(self, values: Values) -> Array:
        # A change by less than half of a last place would be rounded away again.
        off = 2 * self.unit * self.rng.choice((-1.0, 1.0), size=np.shape(values))
        return np.asarray(values * (1 + off)).astype(self.dtype)


TEXTBOOK: dict[str, tuple[Callable[..., Any], ...]] = {
    "tanh": (lambda k, x, y: 1 - y * y,),
    "expit": (lambda k, x, y: y * (1 - y),),
}

FLOAT64 = FloatField()
COMPLEX128 = FloatField(np.complex128)
