"""Real coordinates: leaves to one float64 vector and back.

A complex entry is two coordinates, its real and its imaginary part.  With outputs packed in the same way, the inner
product Re<g, f> is the dot product of the packed vectors, and so is Re<v, d>.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from gradcheck.records import Array


def pack(arrays: Sequence[Any]) -> Array:
    """The real coordinates of the arrays, as one float64 vector."""
    if len(arrays) == 1 and isinstance(arrays[0], np.ndarray) and arrays[0].dtype == np.float64:
        return arrays[0].reshape(-1).copy()
    parts = []
    for array in arrays:
        a = np.asarray(array)
        if a.dtype.kind == "c":
            parts.append(np.ascontiguousarray(a, dtype=np.complex128).reshape(-1).view(np.float64))
        else:
            parts.append(a.astype(np.float64).reshape(-1))
    return np.concatenate(parts) if parts else np.zeros(0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the coordinates of each leaf lie in the packed vector."""

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[np.dtype[Any], ...]

    @classmethod
    def of(cls, arrays: Sequence[Any]) -> Layout:
        """The layout of these arrays."""
        made = [np.asarray(a) for a in arrays]
        return cls(tuple(a.shape for a in made), tuple(a.dtype for a in made))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of coordinates per leaf."""
        return tuple(
            int(np.prod(s, dtype=np.int64)) * (2 if d.kind == "c" else 1)
            for s, d in zip(self.shapes, self.dtypes, strict=True)
        )

    @property
    def total(self) -> int:
        """Number of coordinates of all leaves."""
        return sum(self.sizes)

    def spans(self) -> list[slice]:
        """The slice of each leaf."""
        return _spans(self)

    def unpack(self, vector: Array, *, wide: bool = False) -> tuple[Array, ...]:
        """Leaves from coordinates, in their own dtypes; ``wide``: in float64 and complex128 instead."""
        if len(self.shapes) == 1 and self.dtypes[0] == np.float64:
            return (vector.reshape(self.shapes[0]).copy(),)
        out = []
        for shape, dtype, span in zip(self.shapes, self.dtypes, self.spans(), strict=True):
            part = vector[span]
            if dtype.kind == "c":
                array = np.ascontiguousarray(part).view(np.complex128).reshape(shape)
                out.append(array.copy() if wide else array.astype(dtype))
            else:
                out.append(part.reshape(shape).copy() if wide else part.reshape(shape).astype(dtype))
        return tuple(out)

    def locate(self, coordinate: int) -> tuple[int, tuple[int, ...]]:
        """(number of the leaf, index of the entry) of a coordinate."""
        for leaf, span in enumerate(self.spans()):
            if span.start <= coordinate < span.stop:
                entry = (coordinate - span.start) // (2 if self.dtypes[leaf].kind == "c" else 1)
                return leaf, tuple(int(k) for k in np.unravel_index(entry, self.shapes[leaf])) if self.shapes[
                    leaf
                ] else ()
        raise IndexError(coordinate)


@lru_cache(maxsize=256)
def _spans(layout: Layout) -> list[slice]:
    ends = np.cumsum((0, *layout.sizes))
    return [slice(int(a), int(b)) for a, b in pairwise(ends)]


@lru_cache(maxsize=64)
def roundoff(dtype: np.dtype[Any]) -> float:
    """Unit roundoff u (half the spacing at 1) of a floating or complex dtype, bfloat16 included."""
    return float(_finfo(dtype).eps) / 2


def least(dtype: np.dtype[Any]) -> float:
    """Least positive subnormal of the dtype."""
    return float(_finfo(dtype).smallest_subnormal)


def largest(dtype: np.dtype[Any]) -> float:
    """Largest finite number of the dtype."""
    return float(_finfo(dtype).max)


def _finfo(dtype: np.dtype[Any]) -> Any:
    if dtype.kind in "fc":
        return np.finfo(dtype)
    import ml_dtypes

    return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]  # ml_dtypes has no annotations
