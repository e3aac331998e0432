"""What every rule needs to bring a cotangent back to the shape of the input it belongs to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Axis = int | tuple[int, ...] | None


def unbroadcast(gradient: Array, like: Array) -> Array:
    """The adjoint of broadcasting: sum over every axis along which ``like`` was repeated, in the type of ``like``."""
    added = gradient.ndim - like.ndim
    repeated = tuple(added + k for k, length in enumerate(like.shape) if length == 1 and gradient.shape[added + k] != 1)
    summed = np.sum(gradient, axis=(*range(added), *repeated), keepdims=True)
    return np.reshape(summed, like.shape).astype(like.dtype)


def axes_of(x: Array, axis: Axis) -> tuple[int, ...]:
    """The axes that ``axis`` names, non-negative; None names all of them."""
    if axis is None:
        return tuple(range(x.ndim))
    named = axis if isinstance(axis, tuple) else (axis,)
    return tuple(k % x.ndim for k in named)


def expand(reduced: Array, x: Array, axis: Axis) -> Array:
    """A reduction of ``x`` over ``axis``, kept or not, with the reduced axes put back at length one."""
    folded = axes_of(x, axis)
    return np.reshape(reduced, tuple(1 if k in folded else length for k, length in enumerate(x.shape)))


def wide(x: Array) -> Array:
    """16-bit numbers as float32, others unchanged: for sums of many terms, and for what leaves the range on the way."""
    return x.astype(np.float32) if x.dtype.name in ("float16", "bfloat16") else x
