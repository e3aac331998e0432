"""What the samples along a line say beside their slope: noise not seen at first, plateaus, kinks, endless growth.

Arrays are (D, K, m), with the steps h (D, K, 1) decreasing along the second axis.
"""

from __future__ import annotations

import numpy as np

from gradcheck.oracles.steps import SINGLE
from gradcheck.records import Array

RESOLVED = 2.0**-20
"""Smaller jumps, relative to f, may be the rounding of float32 values."""

UNIT = 2.0**-53
"""Roundoff of float64."""

FADING = 0.5
"""Power of the step with which slopes must fade to count as fading: 1 beside a parabola's vertex, 0 beside a kink, -1 beside a jump."""

PLATEAU = 2.0**-10
"""A function that is exactly flat so far, relative to x, is not one whose values were rounded to float16 or better."""

STEEP = 0.03
"""Slopes that grow like step^-0.03 or faster count as growing without end; x log x does so at steps of 1e-14 still."""


def unseen_noise(slope: Array, value: Array, bound: Array, jitter: Array, h: Array, power: int, used: Array) -> Array:
    """Noise (D, 1, m) that slopes at finer steps need to agree with the extrapolated value; 0 if none.

    Looked at are the five finest steps, and all that are finer than the finest one used, (D, m).  They may differ by the
    bound, and by what a coarser slope differs, times the ratio of the steps to the power of the step with which difference
    quotients err; that coarser slope is the sixth from the end or, before it, the neighbour.
    """
    apart = np.abs(slope - value[:, None])
    index = np.arange(h.shape[1])
    reference = np.minimum(index - 1, h.shape[1] - 6)
    ratio = h / h[:, reference]
    # A quarter more than that, for the fourth powers and the noise of the coarser slope itself.
    curvature = 1.25 * apart[:, reference] * (ratio * ratio if power == 2 else ratio)
    excess = (apart - bound[:, None] - curvature) * h
    index = index[:, None]
    found = (excess > 2.0 * jitter) & ((index > used[:, None]) | (index >= h.shape[1] - 5)) & np.isfinite(excess)
    if not found.any():
        return np.zeros(())
    return np.asarray(1.5 * np.max(np.where(found, excess, 0.0), axis=1, keepdims=True))


def hidden(slope: Array, steepest: Array, flat: Array, size: Array, h: Array, near: Array) -> Array:
    """What rounding inside f may hide at steps where f stays exactly the same, (D, K, m).

    Rounding to float32: the least slope seen at steps where f does move, times the step, unless float32 would have shown
    that much.  Rounding of intermediate results of size one, as in log(1 + x^2) or 1 - cos(x) next to 0: f moves at
    larger steps only, and there its steepest slope fades towards x like a power, fast enough to drown at the flat steps.
    Next to a kink, beyond which f moves, the slope does not fade, and what is flat is flat.
    near: (D, 1, 1), the size of x, to which the power is followed.
    """
    moving = ~flat & np.isfinite(steepest)
    least = np.min(np.where(moving & np.isfinite(slope), np.abs(slope), np.inf), axis=1, keepdims=True) * h
    single = np.where(least <= 4.0 * SINGLE * size, least, 0.0)
    # Steps decrease: the first moving one is the coarsest.
    rows, columns = np.arange(len(flat))[:, None], np.arange(flat.shape[2])
    coarse = moving.argmax(axis=1)
    fine = moving.shape[1] - 1 - moving[:, ::-1].argmax(axis=1)
    end, start = steepest[rows, coarse, columns], steepest[rows, fine, columns]
    far, close = h[rows, coarse, 0], h[rows, fine, 0]
    power = np.log(end / start) / np.log(far / close)
    swallowed: Array = np.any(moving, axis=1) & (far > close) & (power >= FADING)
    ratio = np.minimum((near + h) / close[:, None], 1.0)
    unit = UNIT * np.maximum(size, 1.0)
    drowned = swallowed[:, None] & (start[:, None] * ratio ** power[:, None] * h <= 4.0 * unit)
    fading = start[:, None] * ratio ** np.minimum(power, 1.0)[:, None] * h
    return np.where(flat, np.maximum(single, np.where(drowned, np.maximum(fading, unit), 0.0)), 0.0)


def quantum(rise: Array, fall: Array | None, flat: Array, size: Array) -> Array:
    """The common unit of all movements of f, where it is small enough for a rounding inside f; else 0; (D, 1, m).

    Equally spaced samples inside one stair see no noise.  That f(x + t d) - f(x) is, at every step, a small multiple of
    the least movement seen, shows the stairs nevertheless: log(1 + x^2) next to 0 moves by multiples of 2^-52.
    """
    partly: Array = np.any(flat, axis=1) & ~np.all(flat, axis=1)
    if not partly.any():
        return np.zeros(())
    moves = np.abs(rise if fall is None else np.concatenate([rise, fall], axis=1))
    least = np.min(np.where(moves > 0.0, moves, np.inf), axis=1, keepdims=True)
    small = least <= np.maximum(4.0 * SINGLE * size, 16.0 * UNIT).min(axis=1, keepdims=True)
    counts = moves / least
    # Multiples below 2^10, so that all being within 2^-20 of integers is no chance.
    whole = (np.abs(counts - np.rint(counts)) <= 2.0**-20 * counts) & (counts <= 2.0**10)
    steps = small & (whole | ~np.isfinite(counts)).all(axis=1, keepdims=True)
    return np.asarray(np.where(steps & partly[:, None], least, 0.0))


def staircase(value: Array, bound: Array, flat: Array, size: Array, h: Array, used: Array, near: Array) -> Array:
    """Whether f stays the same at steps finer than those used where the value says that it moves, (D, m).

    By more than rounding could hide, that is: to 2^-24 of its argument or value, or of results of size one.  Such a function,
    floor for instance, has the slope 0 that no coarser step shows, or it is noise of unusual size.
    """
    finer = np.arange(h.shape[1])[:, None] > used[:, None]
    told = (np.abs(value) - bound)[:, None] * h > np.maximum(4.0 * SINGLE * size, 8.0 * UNIT)
    return np.asarray((flat & told & (finer | (h >= PLATEAU * near)) & (h >= 4.0 * SINGLE * near)).any(axis=1))


def diverges(slope: Array, size: Array, h: Array) -> Array:
    """Whether one-sided slopes (D, K, m) grow without end towards step 0: a jump or an infinite slope.

    Looks at the six finest differences above RESOLVED |f|: of one sign, each slope larger than the one before, and
    the growth per factor of the step not fading, as it does where a slope is reached.
    """
    ratio = h[:, :-1] / h[:, 1:]
    grows = slope[:, 1:] / slope[:, :-1] > ratio**STEEP
    if not (np.add.reduce(grows, axis=1) >= 5).any():
        return np.zeros(slope.shape[::2], dtype=bool)
    seen = np.abs(slope) * h > RESOLVED * size
    # Slopes that go on growing move f by more than the last one seen tells; if f stays, the jump is beside x.
    last = h.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    steepest = np.take_along_axis(np.abs(slope), last[:, None], axis=1)
    finer = np.arange(h.shape[1])[:, None] > last[:, None]
    beside = (finer & (steepest * h > 2.0 * RESOLVED * size)).any(axis=1)
    rank = np.cumsum(seen[:, ::-1], axis=1)[:, ::-1]
    among = seen[:, 1:] & seen[:, :-1] & (rank[:, :-1] <= 6)
    growth = np.abs(slope[:, 1:] - slope[:, :-1]) / np.log(ratio)
    lasts = growth[:, 1:] > 0.8 * growth[:, :-1]
    steady = np.all(lasts | ~(among[:, 1:] & among[:, :-1]), axis=1) & np.all(grows | ~among, axis=1)
    return np.asarray(steady & ~beside & (np.count_nonzero(among, axis=1) == 5))


GROWS = 1.3
"""Growth of a second difference over a ninth of the step from which it is held to be without limit: 3 for x^1.5, and 1 for
what has a second derivative."""


def fractional(slope: Array, noise: Array, h: Array) -> Array:
    """Whether one-sided slopes (D, K, m) bend ever more towards step 0, as those of x^a with 1 < a < 2 do.

    Compares the rates (s_i - s_j) / (h_i - h_j) of neighbours in order of their steps, where noise lets them be seen.
    """
    change = slope[:, :-1] - slope[:, 1:]
    way = h[:, :-1] - h[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.abs(change) / way
        seen = np.abs(change) > 8.0 * (noise[:, :-1] + noise[:, 1:])
        first = np.argmax(seen, axis=1)[:, None]
        last = seen.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)[:, None]
        coarse, fine = (np.take_along_axis(rate, k, axis=1)[:, 0] for k in (first, last))
        steps = np.broadcast_to(h[:, :-1], rate.shape)
        far, near = (np.take_along_axis(steps, k, axis=1)[:, 0] for k in (first, last))
        order = np.log(fine / coarse) / np.log(far / near)
    # GROWS over a ninth of the step is an order of log 1.3 / log 9.
    return np.asarray(seen.any(axis=1) & (far >= 9.0 * near) & (order > np.log(GROWS) / np.log(9.0)))
