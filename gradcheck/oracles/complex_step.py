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
    slopes = np.empty((len(moves), count, m))
    values = np.empty((len(moves), count, m))
    for k, (base, mantissa) in enumerate(zip(bases, MANTISSAS, strict=True)):
        for d in range(count):
            h = TINY_STEP * mantissa * first[d]
            out = _call(f, base + 1j * (h * directions[d]), m)
            if out is None:
                return None
            slopes[k, d], values[k, d] = out.imag / h, out.real
    if not (np.isfinite(slopes).all() and np.isfinite(values).all() and np.isfinite(real).all()):
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
    holomorphic, slack, scale = _circles(f, x, directions, first, real, value, UNIT * size + moved)
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
        evaluations=1 + len(moves) * count + 5 * count * len(RADII),
    )


def _circles(
    f: Callable[[Array], Array], x: Array, directions: Array, first: Array, real: Array, slope: Array, noise: Array
) -> tuple[Array, Array, Array]:
    """Whether each entry is holomorphic, what its bound must grow by for that, and its natural scale; all (D, m).

    Where the noise of the test exceeds 2^-10 of the slope, the test says little, and its noise is added to the bound.
    """
    count, m = slope.shape
    passed = np.zeros((count, m), dtype=bool)
    slack = np.full((count, m), np.inf)
    scale = np.full((count, m), np.inf)
    before, sharpest = np.full((count, m), np.inf), np.full((count, m), np.inf)
    turns = np.exp(0.25j * np.pi * np.arange(8))
    for relative in RADII:
        for d in np.flatnonzero(~passed.all(axis=1)):
            r = relative * first[d]
            upper = [_call(f, x + r * turn * directions[d], m) for turn in turns[:5]]
            half = np.array([np.full(m, np.nan) if v is None else v for v in upper])
            ring = np.concatenate([half, np.conj(half[3:0:-1])])
            plus = turns.conj() @ ring / (8.0 * r)
            minus = turns @ ring / (8.0 * r)
            largest = np.max(np.abs(ring), axis=0)
            scale[d] = np.fmin(scale[d], largest / r)
            allowed = ALLOWANCE * (noise[d] + UNIT * largest) / r
            still = np.all(ring == real, axis=0) & (slope[d] == 0.0)
            residue = np.abs(minus) + np.abs(plus - slope[d])
            # What is not holomorphic stays as r shrinks, and must not hide in noise that grows like 1 / r.
            sharpest[d] = np.fmin(sharpest[d], allowed)
            blunt = (allowed > 2.0**-4 * before[d]) & (allowed > 2.0 * sharpest[d])
            fits = still | ((residue <= allowed) & ~blunt)
            before[d] = residue
            extra = np.where(still | (allowed <= 2.0**-10 * np.abs(slope[d])), 0.0, allowed)
            slack[d] = np.where(fits, np.minimum(slack[d], extra), slack[d])
            passed[d] |= fits
    return passed, np.where(passed, slack, 0.0), scale


def _call(f: Callable[[Array], Array], z: Array, m: int) -> Array | None:
    """f at a complex point, (m,), or None unless it is complex and of the right size."""
    out = np.asarray(f(z))
    return out.reshape(-1) if np.iscomplexobj(out) and out.size == m else None
