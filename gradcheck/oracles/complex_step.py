"""The derivative from one imaginary step: Im f(x + i h d) / h, with no difference and so no cancellation.

After W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40
(1998).  h is 2^-100 of the size of x, so that the truncation error, of relative size h^2, is nothing.  What remains:

* f must be holomorphic where it is evaluated, and abs, conj, .real or a comparison are not.  f is therefore sampled on a
  circle of radius r about x.  With f_k = f(x + r w^k d), w = exp(i pi / 4), the coefficients
  c_j = (1/8) sum_k f_k w^(-jk) of a holomorphic f have c_1 = r f' and c_-1 = 0 up to r^7 (Cauchy, by the trapezoidal
  rule).  |z| z, say, has c_-1 = r / 2.  Four radii are tried, since the first may reach beyond the next singularity.
  The lower half of the circle is the mirror image of the upper one, f(conj z) = conj f(z), as f is real on the real line.
* Rounding: the answer is repeated with other h and with the input moved by a few ulp; how much it moves bounds the
  error that arithmetic made.  The bound is an estimate, not a theorem.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from gradcheck.oracles.steps import first_step
from gradcheck.records import Array, Estimate, Local

UNIT = 2.0**-53
TINY_STEP = 2.0**-100
"""Imaginary step relative to the size of x: its square is far below one ulp, and itself far above underflow."""

RADII = (2.0**-6, 2.0**-14, 2.0**-22, 2.0**-30)
"""Radii of the circles in units of the first step of ``steps``.  (2^-8)^7 is below one ulp already."""

MANTISSAS = (1.0, 1.2337005501361697, 1.6449340668482264, 1.0823232337111382, 1.2020569031595942, 1.0369277551433699)
"""Steps differ by factors without short mantissa: arithmetic in a narrower type than float64 then shows."""

NARROW = 2.0**-34
"""Relative movement, between steps at the same x, above which the arithmetic inside was not float64 (or cancels so much
that the answer is of no use)."""

TURNS = np.exp(0.25j * np.pi * np.arange(8))
"""The points of the unit circle at which f is sampled."""

ALLOWANCE = 16.0
"""Noise of a circle coefficient in units of the rounding of f: some operations each round once, in both parts."""

SPREAD = 4.0
"""Error over the movement seen in five repetitions: half of all errors exceed the least, few exceed four times the largest
of five."""


def complex_step(f: Callable[[Array], Array], x: Array, directions: Array) -> Estimate | None:
    """Derivatives along directions (D, n) at x (n,) of an f that accepts complex (n,) and gives (m,).

    None where f raises on complex input, gives real values, is not finite, or differs from itself on real input.
    Single entries that are not holomorphic have the kind UNDECIDED and the bound inf.
    """
    x = np.asarray(x, dtype=np.float64)
    directions = np.atleast_2d(np.asarray(directions, dtype=np.float64))
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            # A cast that drops imaginary parts is a warning of NumPy, and here a refusal.
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            return _complex_step(f, x, directions)
    except Exception:  # whatever f raises on complex input means that it rejects it
        return None


def _complex_step(f: Callable[[Array], Array], x: Array, directions: Array) -> Estimate | None:
    real = np.asarray(f(x.copy()))
    if np.iscomplexobj(real):
        return None
    real = real.astype(np.float64).reshape(-1)
    count, m = len(directions), real.size
    first = first_step(x, directions)
    # A few ulp to either side, with signs that differ from entry to entry.
    signs = np.where((np.arange(x.size) * 0.6180339887498949) % 1.0 < 0.5, 1.0, -1.0)
    moves = np.array([0.0, 0.0, 2.0, -2.0, 4.0, -6.0])
    bases = x * (1.0 + np.multiply.outer(2.0 * UNIT * moves, signs))
    # Steps (6, D), and the imaginary parts of the points (6, D, n); then slopes and values (6, D, m).
    h = TINY_STEP * np.multiply.outer(np.array(MANTISSAS), first)
    points = bases[:, None, :] + 1j * (h[:, :, None] * directions)
    points = points.reshape(-1, x.size)
    # What fails at the first point is not tried at the others.
    seen = _values(f, points[:1], m)
    if not (np.isfinite(real).all() and np.isfinite(seen).all()):
        return None
    seen = np.concatenate([seen, _values(f, points[1:], m)]).reshape(len(moves), count, m)
    if not np.isfinite(seen).all():
        return None
    slopes, values = seen.imag / h[:, :, None], seen.real
    if not np.isfinite(slopes).all():
        return None
    value = slopes[0]
    spread = np.max(np.abs(slopes - value), axis=0, initial=0.0)
    size = np.max(np.abs(values), axis=0, initial=0.0)
    moved = np.max(np.abs(values - values[0]), axis=0, initial=0.0)
    bound = SPREAD * spread + 16.0 * UNIT * np.abs(value) + np.finfo(np.float64).tiny
    # The same function on complex as on real input, within what half the digits of f and of its argument allow.
    span = np.abs(value) * first[:, None]
    if np.any(np.abs(values[0] - real) > np.sqrt(UNIT) * (size + span) + ALLOWANCE * moved):
        return None
    holomorphic, slack, scale, rings = _circles(f, x, directions, first, real, value, UNIT * size + moved)
    # A slope that is 0 but for the square of the imaginary step, as that of z^3 at 0, moves with it and is kept.
    good = holomorphic & (np.abs(slopes[1] - value) <= NARROW * np.abs(value) + UNIT**2 * scale)
    if value.size and not good.any():
        return None
    return Estimate(
        method="complex step",
        value=np.where(good, value, np.nan),
        bound=np.where(good, bound + slack, np.inf),
        scale=scale,
        kind=np.where(good, int(Local.SMOOTH), int(Local.UNDECIDED)),
        evaluations=1 + len(moves) * count + 5 * rings,
    )


def _circles(
    f: Callable[[Array], Array], x: Array, directions: Array, first: Array, real: Array, slope: Array, noise: Array
) -> tuple[Array, Array, Array, int]:
    """Whether each entry is holomorphic, what its bound must grow by for that, its natural scale, all (D, m); circles drawn.

    Where the noise of the test exceeds 2^-10 of the slope, the test says little, and its noise is added to the bound; so it is where the
    values stand still: an eigenvalue of LAPACK has no imaginary part, and a slope that is hidden by its rounding.
    """
    count, m = slope.shape
    passed = np.zeros((count, m), dtype=bool)
    slack, scale, before, sharpest = (np.full((count, m), np.inf) for _ in range(4))
    drawn = 0
    for relative in RADII:
        rows = np.flatnonzero(~passed.all(axis=1))
        if not rows.size:
            break
        drawn += rows.size
        r = relative * first[rows, None]
        points = x + (r * TURNS[:5])[:, :, None] * directions[rows, None, :]
        half = _values(f, points.reshape(-1, x.size), m).reshape(rows.size, 5, m)
        # The coefficients c_1 and c_-1 over r, from the upper half of the circle; the lower one is its mirror image.
        ring = np.concatenate([half, half[:, 3:0:-1].conj()], axis=1)
        plus = TURNS.conj() @ ring / (8.0 * r)
        minus = TURNS @ ring / (8.0 * r)
        largest = np.abs(half).max(axis=1)
        here, known = noise[rows], slope[rows]
        scale[rows] = np.fmin(scale[rows], largest / r)
        allowed = ALLOWANCE * (here + UNIT * largest) / r
        still = (half == real).all(axis=1) & (known == 0.0)
        residue = np.abs(minus) + np.abs(plus - known)
        # What is not holomorphic stays as r shrinks, and must not hide in noise that grows like 1 / r.
        sharpest[rows] = np.fmin(sharpest[rows], allowed)
        blunt = (allowed > 2.0**-4 * before[rows]) & (allowed > 2.0 * sharpest[rows])
        fits = still | ((residue <= allowed) & ~blunt)
        before[rows] = residue
        extra = np.where(allowed <= 2.0**-10 * np.abs(known), 0.0, allowed)
        slack[rows] = np.where(fits, np.minimum(slack[rows], extra), slack[rows])
        passed[rows] |= fits
    return passed, np.where(passed, slack, 0.0), scale, drawn


def _values(f: Callable[[Array], Array], points: Array, m: int) -> Array:
    """f at complex points (P, n), (P, m); NaN where the value is not complex or not of the right size."""
    out = np.full((len(points), m), np.nan, dtype=np.complex128)
    for row, point in zip(out, points, strict=True):
        value = np.asarray(f(point))
        if value.dtype.kind == "c" and value.size == m:
            row[:] = value.reshape(-1)
    return out
