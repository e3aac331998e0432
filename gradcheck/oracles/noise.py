"""How much the values of a function jitter, measured before any step is relied on.

After J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011): high differences of
closely spaced samples of a smooth function fade, while those of independent noise stay.  They take equal spacing.  But
then the rounding of an inner product such as 1000 x advances by the same amount from sample to sample, and if that amount
is a small part of an ulp the errors form a straight line, which no difference sees and which tilts the slope.  The samples
here are therefore spaced by factors near the golden ratio, and divided differences are normalised by the length of their
weights.  Orders 4, 5 and 6 of seven samples each give a sigma; what two of them agree on withstands one order that is
small by chance and one that still sees the function.
"""

from __future__ import annotations

import numpy as np

from gradcheck.records import Array

PAIRED = np.array([1.0, 1.6180339887498949, 2.618033988749895])
"""Distances of the samples on either side of the point."""

SINGLE_SIDED = np.array(
    [1.0, 1.6180339887498949, 2.618033988749895, 3.2360679774997898, 4.23606797749979, 5.618033988749895]
)
"""Distances of the samples where there is only one side."""

AGREE = 4.0
"""Within this factor, as in the paper, the estimates of two orders count as agreeing."""

KINKED = 30.0
"""Two independent third differences of noise are both 30 times too small in one of about 1000 cases; a kink between
them makes every higher difference large, and them not."""


def sigma(nodes: Array, samples: Array) -> Array:
    """Standard deviation of the noise in each component.

    nodes: (D, 7), increasing along each line.  samples: (D, 7, m).  Returns (D, m); 0 where all differences vanish, NaN
    where a sample is not finite.
    """
    # Differences of the identity are the weights of the differences; they depend on the nodes only up to a factor.
    count = nodes.shape[1]
    where = ((nodes - nodes[:, :1]) / (nodes[:, -1:] - nodes[:, :1]))[:, :, None]
    unit = np.broadcast_to(np.eye(count), (len(nodes), count, count))
    table = np.concatenate([samples, unit], axis=2)
    m, orders = samples.shape[2], []
    for order in range(1, count):
        table = (table[:, 1:] - table[:, :-1]) / (where[:, order:] - where[:, :-order])
        if order >= 3:
            weights = table[:, :, m:]
            length = np.sqrt(np.add.reduce(weights * weights, axis=2))[:, :, None]
            orders.append(np.abs(table[:, :, :m]) / length)
    third = orders[0]
    a, b, c = (np.sqrt(np.add.reduce(o * o, axis=1) / o.shape[1]) for o in orders[1:])
    both = np.maximum(b, c)
    both = np.where(a <= AGREE * both, np.maximum(a, both), both)
    # The outer third differences, f(x) and three samples to one side, do not straddle a kink at the middle sample.
    sides = np.maximum(third[:, 0], third[:, -1])
    return np.asarray(np.where(both > KINKED * sides, sides, both))
