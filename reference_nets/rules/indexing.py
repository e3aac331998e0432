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


RULES = {"take": take, "where": where}
JVPS = {"take": take_jvp, "where": where_jvp}
