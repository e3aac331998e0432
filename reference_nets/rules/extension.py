"""Rules of operators that copy entries: the cotangents of all copies are added up at the original."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_nets.rules._shapes import Array, unbroadcast, wide

Widths = tuple[tuple[int, int], ...]


def collect(g: Array, origin: Array, axis: int, length: int) -> Array:
    """Entry ``k`` of the result is the sum of the slices of ``g`` along the axis whose ``origin`` is ``k``."""
    moved = np.moveaxis(g, axis, 0)
    total = np.zeros((length, *moved.shape[1:]), dtype=g.dtype)
    np.add.at(total, origin, moved)
    return np.moveaxis(total, 0, axis)


def _each(widths: Widths, x: Array) -> list[tuple[int, int]]:
    """One pair for each axis; a single pair stands for all."""
    return [(int(before), int(behind)) for before, behind in np.broadcast_to(np.array(widths), (x.ndim, 2))]


def pad_constant(g: Array, x: Array, *, widths: Widths, value: float = 0.0) -> tuple[Array]:
    """The inner part: what stands around it does not depend on x."""
    return (g[tuple(slice(before, before + n) for (before, _), n in zip(_each(widths, x), x.shape, strict=True))],)


def pad_constant_jvp(tangents: tuple[Array], x: Array, *, widths: Widths, value: float = 0.0) -> Array:
    """The value is constant: zeros around the tangent."""
    return np.pad(tangents[0], widths)


def _padding(mode: Any) -> tuple[Any, Any]:
    """Both rules of a padding with copies: the indices, padded in the same way, say where each came from."""

    def vjp(g: Array, x: Array, *, widths: Widths) -> tuple[Array]:
        """Axis by axis, since each is padded independently of the others."""
        if x.size == 0:
            return (np.zeros_like(x),)
        total = wide(g)
        for axis, (length, width) in enumerate(zip(x.shape, _each(widths, x), strict=True)):
            total = collect(total, np.pad(np.arange(length), width, mode=mode), axis, length)
        return (total.astype(x.dtype),)

    def jvp(tangents: tuple[Array], x: Array, *, widths: Widths) -> Array:
        """The tangent padded."""
        return np.pad(tangents[0], widths, mode=mode)

    return vjp, jvp


pad_edge, pad_edge_jvp = _padding("edge")
pad_reflect, pad_reflect_jvp = _padding("reflect")
pad_wrap, pad_wrap_jvp = _padding("wrap")


def repeat(g: Array, x: Array, *, repeats: Any, axis: int | None = None) -> tuple[Array]:
    """The sum over the copies of each entry."""
    flat = np.reshape(x, -1) if axis is None else x
    axis = 0 if axis is None else axis
    length = flat.shape[axis]
    total = collect(wide(g), np.repeat(np.arange(length), repeats), axis, length)
    return (np.reshape(total, x.shape).astype(x.dtype),)


def repeat_jvp(tangents: tuple[Array], x: Array, *, repeats: Any, axis: int | None = None) -> Array:
    """The tangent's entries repeated."""
    return np.repeat(tangents[0], repeats, axis=axis)


def tile(g: Array, x: Array, *, reps: int | tuple[int, ...]) -> tuple[Array]:
    """With each axis split in (copy, place), the sum over the copies."""
    counts = (reps,) if isinstance(reps, int) else reps
    axes = max(len(counts), x.ndim)
    counts = (1,) * (axes - len(counts)) + counts
    shape = (1,) * (axes - x.ndim) + x.shape
    split = np.reshape(g, [length for pair in zip(counts, shape, strict=True) for length in pair])
    return (np.reshape(np.sum(split, axis=tuple(range(0, 2 * axes, 2))), x.shape),)


def tile_jvp(tangents: tuple[Array], x: Array, *, reps: int | tuple[int, ...]) -> Array:
    """Copies of the tangent."""
    return np.tile(tangents[0], reps)


def broadcast_to(g: Array, x: Array, *, shape: tuple[int, ...]) -> tuple[Array]:
    """The sum over the axes that were stretched or added."""
    return (unbroadcast(g, x),)


def broadcast_to_jvp(tangents: tuple[Array], x: Array, *, shape: tuple[int, ...]) -> Array:
    """The tangent broadcast."""
    return np.broadcast_to(tangents[0], shape)


def unfold(g: Array, x: Array, *, size: int, step: int = 1) -> tuple[Array]:
    """Windows overlap: each adds its cotangents to the stretch that it shows."""
    gradient = np.zeros_like(x)
    for window in range(g.shape[-2]):
        gradient[..., window * step : window * step + size] += g[..., window, :]
    return (gradient,)


def unfold_jvp(tangents: tuple[Array], x: Array, *, size: int, step: int = 1) -> Array:
    """The windows of the tangent."""
    starts = range(0, x.shape[-1] - size + 1, step)
    return np.stack([tangents[0][..., i : i + size] for i in starts], axis=-2)


RULES = {
    "pad_constant": pad_constant,
    "pad_edge": pad_edge,
    "pad_reflect": pad_reflect,
    "pad_wrap": pad_wrap,
    "repeat": repeat,
    "tile": tile,
    "broadcast_to": broadcast_to,
    "unfold": unfold,
}
JVPS = {
    "pad_constant": pad_constant_jvp,
    "pad_edge": pad_edge_jvp,
    "pad_reflect": pad_reflect_jvp,
    "pad_wrap": pad_wrap_jvp,
    "repeat": repeat_jvp,
    "tile": tile_jvp,
    "broadcast_to": broadcast_to_jvp,
    "unfold": unfold_jvp,
}
