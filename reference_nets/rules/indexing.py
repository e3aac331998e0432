"""Rules of selections: a cotangent goes back to where its entry came from."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._shapes import Array, unbroadcast, wide


def take(g: Array, x: Array, indices: Array, *, axis: int | None = None) -> tuple[Array]:
    """Add each cotangent at its index; an index that occurs twice gets both, one that never occurs gets 0."""
    gradient = wide(np.zeros(x.shape, x.dtype))  # in C order whatever x has, so that the reshape below is a view
    if axis is None:
        np.add.at(np.reshape(gradient, -1), indices, g)
    else:
        axis = axis % x.ndim
        # take puts the axes of the indices where the axis was: bring both to the front.
        source = tuple(range(axis, axis + indices.ndim))
        front = tuple(range(indices.ndim))
        np.add.at(np.moveaxis(gradient, axis, 0), indices, np.moveaxis(g, source, front))
    return (gradient.astype(x.dtype),)


def take_jvp(tangents: tuple[Array], x: Array, indices: Array, *, axis: int | None = None) -> Array:
    """Selection is linear: the same selection of the tangent."""
    return np.take(tangents[0], indices, axis=axis)


def where(g: Array, condition: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Each cotangent goes to the side that was chosen.  Selected, not multiplied: 0 times inf is no 0."""
    return unbroadcast(np.where(condition, g, 0), x), unbroadcast(np.where(condition, 0, g), y)


def where_jvp(tangents: tuple[Array, Array], condition: Array, x: Array, y: Array) -> Array:
    """The same choice between the tangents."""
    return np.where(condition, tangents[0], tangents[1])


def slice_along(
    g: Array, x: Array, *, start: int | None, stop: int | None, step: int = 1, axis: int = 0
) -> tuple[Array]:
    """Written where it was read; the entries that were passed over get 0."""
    gradient = np.zeros_like(x)
    np.moveaxis(gradient, axis, 0)[start:stop:step] = np.moveaxis(g, axis, 0)
    return (gradient,)


def slice_jvp(
    tangents: tuple[Array], x: Array, *, start: int | None, stop: int | None, step: int = 1, axis: int = 0
) -> Array:
    """The same slice of the tangent."""
    return np.moveaxis(np.moveaxis(tangents[0], axis, 0)[start:stop:step], 0, axis)


def _places(indices: Array, axis: int) -> tuple[Array, ...]:
    """Indices of all axes: the given ones along the axis, an entry's own position along the others."""
    grid: list[Array] = list(np.indices(indices.shape, sparse=True))
    grid[axis] = indices
    return tuple(grid)


def gather(g: Array, x: Array, indices: Array, *, axis: int) -> tuple[Array]:
    """Each cotangent is added where its entry came from."""
    gradient = wide(np.zeros_like(x))
    np.add.at(gradient, _places(indices, axis), g)
    return (gradient.astype(x.dtype),)


def gather_jvp(tangents: tuple[Array], x: Array, indices: Array, *, axis: int) -> Array:
    """The same entries of the tangent."""
    return np.take_along_axis(tangents[0], indices, axis=axis)


def scatter(g: Array, x: Array, indices: Array, values: Array, *, axis: int) -> tuple[Array, Array]:
    """The values get the cotangents of their places; what they replaced gets 0."""
    in_x = np.array(g)
    np.put_along_axis(in_x, indices, 0, axis=axis)
    return in_x.astype(x.dtype), np.take_along_axis(g, indices, axis=axis).astype(values.dtype)


def scatter_jvp(tangents: tuple[Array, Array], x: Array, indices: Array, values: Array, *, axis: int) -> Array:
    """The values' tangents put into a copy of the other."""
    result = np.array(tangents[0])
    np.put_along_axis(result, indices, tangents[1], axis=axis)
    return result


def scatter_add(g: Array, x: Array, indices: Array, values: Array) -> tuple[Array, Array]:
    """``x`` is passed on; every value has reached the entry of its index."""
    return np.array(g), np.take(g, indices, axis=0)


def scatter_add_jvp(tangents: tuple[Array, Array], x: Array, indices: Array, values: Array) -> Array:
    """The values' tangents added to a copy of the other."""
    result = np.array(tangents[0])
    np.add.at(result, indices, tangents[1])
    return result


def index_put(g: Array, x: Array, rows: Array, columns: Array, values: Array) -> tuple[Array, Array]:
    """The values get the cotangents of their places; what they replaced gets 0."""
    in_x = np.array(g)
    in_x[rows, columns] = 0
    return in_x, unbroadcast(g[rows, columns], values)


def index_put_jvp(tangents: tuple[Array, Array], x: Array, rows: Array, columns: Array, values: Array) -> Array:
    """The values' tangents put into a copy of the other."""
    result = np.array(tangents[0])
    result[rows, columns] = tangents[1]
    return result


def embedding(g: Array, weights: Array, indices: Array, *, padding_index: int | None = None) -> tuple[Array]:
    """A row gets the sum of the cotangents of its uses; the padding row, which was never shown, gets 0."""
    gradient = wide(np.zeros_like(weights))
    np.add.at(gradient, indices, g)
    if padding_index is not None:
        gradient[padding_index] = 0
    return (gradient.astype(weights.dtype),)


def embedding_jvp(tangents: tuple[Array], weights: Array, indices: Array, *, padding_index: int | None = None) -> Array:
    """The tangent's rows, with the padding row at 0."""
    rows = np.array(tangents[0])
    if padding_index is not None:
        rows[padding_index] = 0
    return rows[indices]


def masked_fill(g: Array, x: Array, mask: Array, *, value: float) -> tuple[Array]:
    """0 where the value stands instead of x."""
    return (np.where(mask, 0, g),)


def masked_fill_jvp(tangents: tuple[Array], x: Array, mask: Array, *, value: float) -> Array:
    """0 where the value stands, which is constant."""
    return np.where(mask, 0, tangents[0])


def compress(g: Array, x: Array, mask: Array) -> tuple[Array]:
    """Written where the mask holds."""
    gradient = np.zeros_like(x)
    gradient[mask] = g
    return (gradient,)


def compress_jvp(tangents: tuple[Array], x: Array, mask: Array) -> Array:
    """The same entries of the tangent."""
    return tangents[0][mask]


def pick(g: Array, x: Array, labels: Array) -> tuple[Array]:
    """The cotangent at the label, 0 elsewhere: it times the one-hot vector."""
    gradient = np.zeros_like(x)
    np.put_along_axis(gradient, labels[..., None], np.asarray(g)[..., None], axis=-1)
    return (gradient,)


def pick_jvp(tangents: tuple[Array], x: Array, labels: Array) -> Array:
    """The tangent's entry at the label."""
    return np.take_along_axis(tangents[0], labels[..., None], axis=-1)[..., 0]


RULES = {
    "take": take,
    "where": where,
    "slice": slice_along,
    "gather": gather,
    "scatter": scatter,
    "scatter_add": scatter_add,
    "index_put": index_put,
    "embedding": embedding,
    "masked_fill": masked_fill,
    "compress": compress,
    "pick": pick,
}
JVPS = {
    "take": take_jvp,
    "where": where_jvp,
    "slice": slice_jvp,
    "gather": gather_jvp,
    "scatter": scatter_jvp,
    "scatter_add": scatter_add_jvp,
    "index_put": index_put_jvp,
    "embedding": embedding_jvp,
    "masked_fill": masked_fill_jvp,
    "compress": compress_jvp,
    "pick": pick_jvp,
}
