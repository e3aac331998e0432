"""Rules of similarities and of losses of pairs and triplets."""

from __future__ import annotations

import numpy as np

from reference_nets.rules._entrywise import Partials
from reference_nets.rules._shapes import Array, unbroadcast
from reference_nets.rules.losses import per_row
from reference_nets.rules.regression import losses


def _unit(x: Array) -> tuple[Array, Array]:
    """The unit vector of x, 0 for 0, and the length; scaled first, since squares leave the range long before x does."""
    largest = np.max(np.abs(x), axis=-1, keepdims=True, initial=0)
    scaled = x / np.where(largest > 0, largest, 1)
    length = np.sqrt(np.sum(scaled * scaled, axis=-1, keepdims=True))
    return scaled / np.where(length > 0, length, 1), length * largest


def _cosine(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """The cosine, and what it changes by with x and with y: the part of the other's direction across one's own."""
    (of_x, length_x), (of_y, length_y) = _unit(x), _unit(y)
    cosine = np.sum(of_x * of_y, axis=-1, keepdims=True)
    return cosine[..., 0], (of_y - cosine * of_x) / length_x, (of_x - cosine * of_y) / length_y


def cosine_similarity(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """``(y/|y| - cos x/|x|) / |x|``, and the same with x and y exchanged."""
    _, in_x, in_y = _cosine(x, y)
    rows = np.asarray(g)[..., None]
    return unbroadcast(rows * in_x, x), unbroadcast(rows * in_y, y)


def cosine_embedding(
    g: Array, x: Array, y: Array, side: Array, *, margin: float = 0.0, reduction: str = "mean"
) -> tuple[Array, Array]:
    """Minus that of the cosine for the side 1; for the side -1 that of the cosine where it exceeds the margin."""
    cosine, in_x, in_y = _cosine(x, y)
    factor = np.where(side > 0, -1, cosine > margin).astype(x.dtype)
    rows = (per_row(g, cosine.shape, cosine.size, reduction) * factor)[..., None]
    return unbroadcast(rows * in_x, x), unbroadcast(rows * in_y, y)


def triplet_margin(
    g: Array, anchor: Array, positive: Array, negative: Array, *, margin: float = 1.0, reduction: str = "mean"
) -> tuple[Array, Array, Array]:
    """Towards the positive and away from the negative, by unit vectors, where the margin is missed."""
    (near, close), (far, away) = _unit(anchor - positive), _unit(anchor - negative)
    missed = (close - away + margin > 0).astype(anchor.dtype)
    shape = missed[..., 0].shape
    rows = per_row(g, shape, missed.size, reduction)[..., None] * missed
    return (
        unbroadcast(rows * (near - far), anchor),
        unbroadcast(-rows * near, positive),
        unbroadcast(rows * far, negative),
    )


def margin_ranking(x: Array, y: Array, side: Array, *, margin: float = 0.0) -> tuple[Array, Array]:
    """Minus the side for x, the side for y, where the margin is missed."""
    sign = side.astype(x.dtype)
    slope = np.where(sign * (x - y) < margin, -sign, 0)
    return slope, -slope


PARTIALS: dict[str, Partials] = {"margin_ranking": margin_ranking}

RULES = {
    **losses(PARTIALS),
    "cosine_similarity": cosine_similarity,
    "cosine_embedding": cosine_embedding,
    "triplet_margin": triplet_margin,
}
JVPS: dict[str, object] = {}
