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
import numpy.typing as npt

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


def _windows(count: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which nodes each difference of order 3 to 6 is made of, (C, count), and its pairs of unequal nodes, (C, count, count)."""
    inside = np.array(
        [[k <= j <= k + order for j in range(count)] for order in (3, 4, 5, 6) for k in range(count - order)]
    )
    return inside, inside[:, :, None] & inside[:, None, :] & ~np.eye(count, dtype=bool)


INSIDE, PAIRS = _windows(7)


def sigma(nodes: Array, samples: Array) -> Array:
    """Standard deviation of the noise in each component.

    nodes: (D, 7), increasing along each line.  samples: (D, 7, m), less a constant of their size.  Returns (D, m); 0 where
    all differences vanish, NaN where a sample is not finite.
    """
    # Weights of divided differences depend on the nodes only up to a factor: 1 / prod (t_j - t_k), over the window's k.
    where = nodes / (nodes[:, -1:] - nodes[:, :1])
    apart = np.where(PAIRS, (where[:, :, None] - where[:, None, :])[:, None], 1.0)
    weights = INSIDE / np.multiply.reduce(apart, axis=3)
    weights /= np.sqrt(np.add.reduce(weights * weights, axis=2))[:, :, None]
    # Scaled, so that squares neither overflow nor vanish.
    largest = np.maximum.reduce(np.abs(samples), axis=1, keepdims=True)
    unit = np.where(largest > 0.0, largest, 1.0)
    found = weights @ (samples / unit)
    found *= found
    # Orders 3, 4, 5 and 6 have 4, 3, 2 and 1 differences.
    a = np.sqrt(np.add.reduce(found[:, 4:7], axis=1) / 3.0)
    both = np.sqrt(np.maximum(np.add.reduce(found[:, 7:9], axis=1) / 2.0, found[:, 9]))
    both = np.where(a <= AGREE * both, np.maximum(a, both), both)
    # The outer third differences, f(x) and three samples to one side, do not straddle a kink at the middle sample.
    sides = np.sqrt(np.maximum(found[:, 0], found[:, 3]))
    return np.asarray(np.where(both > KINKED * sides, sides, both) * unit[:, 0])
