"""How much the values of a function jitter, measured before any step is chosen.

After J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011): the k-th
differences of equally spaced samples of a smooth function fade like spacing^k, while those of independent noise
with standard deviation sigma have variance sigma^2 (2k)! / (k!)^2.  Orders 4, 5 and 6 of seven samples each give
a sigma; the median withstands one order that is small by chance and one that still sees the function.
"""

from __future__ import annotations

from math import comb

import numpy as np

from gradcheck.records import Array

AGREE = 4.0
"""Within this factor, as in the paper, the estimates of two orders count as agreeing."""

KINKED = 30.0
"""Two independent third differences of noise are both 30 times too small in one of about 1000 cases; a kink between
them makes every higher difference large, and them not."""


def sigma(samples: Array) -> Array:
    """Standard deviation of the noise in each component.

    samples: (D, 7, m), equally spaced along each line.  Returns (D, m); 0 where all differences vanish, NaN
    where a sample is not finite.
    """
    third = np.diff(samples, n=3, axis=1)
    table, estimates = third, []
    for order in (4, 5, 6):
        table = table[:, 1:] - table[:, :-1]
        estimates.append(np.sqrt(np.mean(table * table, axis=1) / comb(2 * order, order)))
    a, b, c = estimates
    both = np.maximum(b, c)
    both = np.where(a <= AGREE * both, np.maximum(a, both), both)
    # The outer third differences, f(x) and three samples to one side, do not straddle a kink at the middle sample.
    sides = np.sqrt(np.maximum(third[:, 0] ** 2, third[:, -1] ** 2) / comb(6, 3))
    return np.asarray(np.where(both > KINKED * sides, sides, both))
