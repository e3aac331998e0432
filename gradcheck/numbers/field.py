"""What a number system must offer so that a program can be replayed in it.

A field computes with ARRAYS of its elements: NumPy arrays of any shape (of objects, unless the field is one of NumPy's own), or jets of
such arrays.  The last axis runs over places of the tape; axes before it are a batch.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradcheck.numbers.errors import Unsupported

if TYPE_CHECKING:
    from gradcheck.numbers.operations import Operation

Array = NDArray[Any]
Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
Values = Any
"""An array of a field's elements, or a jet of such arrays."""


LOCK = threading.RLock()
"""Held by whoever changes a state of the whole process: the working precision of a library, NumPy's creators while a text is traced."""


class Field(ABC):
    """A number system.  Fields are values: equal ones hash alike, so that converted constants can be kept."""

    name: str

    def working(self) -> AbstractContextManager[Any]:
        """The context in which its arithmetic runs: sets a precision where that is a global state."""
        return nullcontext()

    @abstractmethod
    def constants(self, values: Floats) -> Values:
        """Float64 numbers as elements, exactly; ``Unsupported`` where the field does not contain them."""

    @abstractmethod
    def zeros(self, shape: tuple[int, ...]) -> Values:
        """An array of zeros to be written into."""

    @abstractmethod
    def apply(self, operation: Operation, operands: tuple[Values, ...], parameter: float | None = None) -> Values:
        """One operation of the table, element by element."""

    def partials(self, operation: Operation) -> tuple[Callable[..., Any], ...]:
        """The partial derivatives of an operation, as formulas."""
        return operation.partials

    @abstractmethod
    def pi(self) -> Values:
        """The number pi, of shape (1,)."""

    def sum(self, terms: Values) -> Values:
        """The sum over the last axis."""
        if terms.shape[-1] == 0:
            return self.zeros(terms.shape[:-1])
        return np.add.reduce(terms, axis=-1)

    def term(self, values: Values) -> Values:
        """What is about to be added to an adjoint; as it is, unless rounding is imitated."""
        return values

    def accumulate(self, store: Values, ids: Ids, terms: Values) -> None:
        """Adds each term to its place of ``store``; a place may occur many times."""
        np.add.at(store, (..., ids), terms)  # type: ignore[arg-type]  # stubs lack ellipsis


class Ordered(Field):
    """A field whose comparisons can be decided, or recognised as undecided."""

    @abstractmethod
    def compare(self, left: Values, right: Values) -> NDArray[np.int8]:
        """Minus one, zero or one where the order is certain; ``UNDECIDED`` elsewhere."""

    @abstractmethod
    def keys(self, values: Values) -> list[Any]:
        """Something that sorts like the elements where these are apart: a candidate order, to be confirmed by ``compare``."""

    @abstractmethod
    def floor(self, values: Values) -> Floats:
        """The largest integer below or at each element; nan where that is undecided."""

    @abstractmethod
    def finite(self, values: Values) -> NDArray[np.bool_]:
        """Whether each element is known to be a finite number."""

    @abstractmethod
    def nearest(self, values: Values) -> Floats:
        """A float64 close by each element."""

    def show(self, value: Any) -> str:
        """One element for a message."""
        return str(value)


UNDECIDED = np.int8(2)
"""The answer of ``Ordered.compare`` where the order is not certain."""


class ObjectField(Field):
    """A field whose elements are Python objects with the operators ``+ - * /``; functions are found one by one."""

    @abstractmethod
    def function(self, operation: Operation, parameter: float | None) -> Callable[..., Any]:
        """The operation on single elements; ``Unsupported`` where the field lacks it."""

    @abstractmethod
    def element(self, value: float) -> Any:
        """A float64 number as an element, exactly."""

    def constants(self, values: Floats) -> Array:
        """Each number by ``element``."""
        return np.asarray(np.frompyfunc(self.element, 1, 1)(values), object)

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Elements are immutable, so that one zero may stand everywhere."""
        out = np.empty(shape, object)
        out.fill(self.element(0.0))
        return out

    def apply(self, operation: Operation, operands: tuple[Values, ...], parameter: float | None = None) -> Array:
        """Arithmetic by NumPy's loops over objects, which call the elements' operators."""
        arithmetic = ARITHMETIC.get(operation.name)
        if arithmetic is not None:
            return np.asarray(arithmetic(*operands), object)
        # Libraries overflow in floats of their own, estimates of sizes: NumPy's loop would warn of that.
        with np.errstate(all="ignore"):
            return np.asarray(_vectorised(self, operation, parameter)(*operands), object)


ARITHMETIC: dict[str, Any] = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "neg": np.negative}
"""Operations that every field has.  Division is not among them: rings lack it."""


@lru_cache(maxsize=1024)
def _vectorised(field: ObjectField, operation: Operation, parameter: float | None) -> Callable[..., Any]:
    made: Callable[..., Any] = np.frompyfunc(field.function(operation, parameter), len(operation.partials), 1)
    return made


def unsupported(field: Field, operation: Operation, reason: str = "") -> Unsupported:
    """The error for an operation that a field lacks."""
    return Unsupported(operation.name, field.name, reason)
