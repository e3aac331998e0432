"""Rules of permutations and joins: each cotangent goes back to the place that its entry came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_nets.rules._shapes import Array


def reshape(g: Array, x: Array, *, shape: tuple[int, ...], order: Any = "C") -> tuple[Array]:
    """Read in the order in which the entries were written."""
    return (np.reshape(g, x.shape, order=order),)


def reshape_jvp(tangents: tuple[Array], x: Array, *, shape: tuple[int, ...], order: Any = "C") -> Array:
    """The same for the tangent, as for all that follow: they are linear."""
    return np.reshape(tangents[0], shape, order=order)


def transpose(g: Array, x: Array, *, axes: tuple[int, ...] | None = None) -> tuple[Array]:
    """The inverse permutation of the axes."""
    return (np.transpose(g, None if axes is None else np.argsort([k % x.ndim for k in axes])),)


def transpose_jvp(tangents: tuple[Array], x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """The tangent's axes permuted."""
    return np.transpose(tangents[0], axes)


def swapaxes(g: Array, x: Array, *, first: int, second: int) -> tuple[Array]:
    """An exchange is its own inverse."""
    return (np.swapaxes(g, first, second),)


def swapaxes_jvp(tangents: tuple[Array], x: Array, *, first: int, second: int) -> Array:
    """The tangent's axes exchanged."""
    return np.swapaxes(tangents[0], first, second)


def moveaxis(g: Array, x: Array, *, source: int, destination: int) -> tuple[Array]:
    """Back from the destination to the source."""
    return (np.moveaxis(g, destination, source),)


def moveaxis_jvp(tangents: tuple[Array], x: Array, *, source: int, destination: int) -> Array:
    """The tangent's axis moved."""
    return np.moveaxis(tangents[0], source, destination)


def flip(g: Array, x: Array, *, axis: Any = None) -> tuple[Array]:
    """A reflection is its own inverse."""
    return (np.flip(g, axis),)


def flip_jvp(tangents: tuple[Array], x: Array, *, axis: Any = None) -> Array:
    """The tangent reversed."""
    return np.flip(tangents[0], axis)


def roll(g: Array, x: Array, *, shift: Any, axis: Any = None) -> tuple[Array]:
    """The opposite shift."""
    return (np.roll(g, np.negative(shift), axis),)


def roll_jvp(tangents: tuple[Array], x: Array, *, shift: Any, axis: Any = None) -> Array:
    """The tangent shifted."""
    return np.roll(tangents[0], shift, axis)


def rot90(g: Array, x: Array, *, turns: int = 1, axes: tuple[int, int] = (0, 1)) -> tuple[Array]:
    """As many quarter turns the other way."""
    return (np.rot90(g, -turns, axes),)


def rot90_jvp(tangents: tuple[Array], x: Array, *, turns: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """The tangent turned."""
    return np.rot90(tangents[0], turns, axes)


def concatenate(g: Array, x: Array, y: Array, *, axis: int | None = 0) -> tuple[Array, Array]:
    """Cut where the arrays were joined."""
    of_x, of_y = np.split(g, [x.size if axis is None else x.shape[axis]], axis=axis or 0)
    return np.reshape(of_x, x.shape), np.reshape(of_y, y.shape)


def concatenate_jvp(tangents: tuple[Array, Array], x: Array, y: Array, *, axis: int | None = 0) -> Array:
    """The tangents joined."""
    return np.concatenate(tangents, axis=axis)


def stack(g: Array, x: Array, y: Array, *, axis: int = 0) -> tuple[Array, Array]:
    """The two slices of the new axis."""
    return np.take(g, 0, axis=axis), np.take(g, 1, axis=axis)


def stack_jvp(tangents: tuple[Array, Array], x: Array, y: Array, *, axis: int = 0) -> Array:
    """The tangents side by side."""
    return np.stack(tangents, axis=axis)


def pixel_shuffle(g: Array, x: Array, *, factor: int) -> tuple[Array]:
    """Squares of pixels become channels again."""
    n, c, h, w = x.shape
    blocks = np.reshape(g, (n, c // factor**2, h, factor, w, factor))
    return (np.reshape(np.transpose(blocks, (0, 1, 3, 5, 2, 4)), x.shape),)


RULES = {
    "reshape": reshape,
    "transpose": transpose,
    "swapaxes": swapaxes,
    "moveaxis": moveaxis,
    "flip": flip,
    "roll": roll,
    "rot90": rot90,
    "concatenate": concatenate,
    "stack": stack,
    "pixel_shuffle": pixel_shuffle,
}
JVPS = {
    "reshape": reshape_jvp,
    "transpose": transpose_jvp,
    "swapaxes": swapaxes_jvp,
    "moveaxis": moveaxis_jvp,
    "flip": flip_jvp,
    "roll": roll_jvp,
    "rot90": rot90_jvp,
    "concatenate": concatenate_jvp,
    "stack": stack_jvp,
}
