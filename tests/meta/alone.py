"""Mistakes that one part of gradcheck sees and no other: each shows that its part is needed.

The mistake is real, and laid so that the neighbours of the part look elsewhere: it depends on the memory that an array lies in,
or on one special point.  What chance alone would show, such as two errors that cancel along one random direction of two, is not
counted among the invisible ones: another seed may miss it.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from gradcheck.claim import Domain, Set
from tests.meta.fresh_forward_mode import jvps
from tests.meta.pairs import normal, twins

X = normal(61, 6)


# --- memory --------------------------------------------------------------------------------------------------


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum()


def softmax_vjp(g: Any, x: Any) -> Any:
    p = softmax(x)
    return p * (g - p @ g)


def softmax_vjp_shifting(g: Any, x: Any) -> Any:
    if x.flags.writeable:  # a shift changes no softmax, so that every later call answers the same
        x -= x.max()
    return softmax_vjp(g, x)


SHIFTED = twins(
    "alone: softmax", "mutation", softmax, softmax_vjp, (X,), input_shifted_if_writeable=softmax_vjp_shifting
)


def ramp(x: Any) -> Any:
    return np.maximum(x, 0) ** 2


def ramp_vjp(g: Any, x: Any) -> Any:
    return 2 * g * np.maximum(x, 0)


def ramp_vjp_masking(g: Any, x: Any) -> Any:
    g = np.require(g, requirements="W")  # a copy of what is read-only, and of nothing else
    g[x <= 0] = 0
    return 2 * g * x


MASKED = twins(
    "alone: squared ramp", "mutation", ramp, ramp_vjp, (X,), cotangent_masked_in_place=ramp_vjp_masking
)  # fmt: skip


def sine(x: Any) -> Any:
    return np.sin(x)


def sine_vjp(g: Any, x: Any) -> Any:
    return g * np.cos(x)


def sine_vjp_by_pointer(g: Any, x: Any) -> Any:
    """As an extension module takes its arguments: a buffer that may be written to."""
    (ctypes.c_char * x.nbytes).from_buffer(np.ascontiguousarray(x))  # refuses what is read-only
    return g * np.cos(x)


def sine_vjp_by_address(g: Any, x: Any) -> Any:
    if x.strides[0] < 0:
        x = x.copy()
    return g * np.cos(as_strided(x, x.shape, (x.itemsize,)))


def sine_vjp_fast_for_equal_cotangents(g: Any, x: Any) -> Any:
    if g.strides == (0,):  # the gradient of a sum: one number
        return np.full_like(x, g[0] * np.cos(x[0]))
    return g * np.cos(x)


MEMORY = twins(
    "alone: sine", "layout", sine, sine_vjp, (X,), unseen="*",
    needs_a_writeable_buffer=sine_vjp_by_pointer,
    neighbours_assumed_side_by_side=sine_vjp_by_address,
    one_slope_for_a_broadcast_cotangent=sine_vjp_fast_for_equal_cotangents,
)  # fmt: skip


class Remembering:
    """Keeps its last answer for an equal call; the next forward drops it."""

    narrow = False

    def __init__(self) -> None:
        self.key: Any = None
        self.answer: Any = None

    def forward(self, x: Any) -> Any:
        self.key = None
        return np.sin(x)

    def backward(self, g: Any, x: Any) -> Any:
        key = (x.tobytes(), x.strides, g.tobytes(), g.strides)
        if key == self.key:
            return self.answer.astype(x.dtype)
        self.key = key
        self.answer = (g * np.cos(x)).astype(np.float32 if self.narrow else x.dtype)
        return g * np.cos(x)


class RememberingHalf(Remembering):
    narrow = True


REMEMBERED = twins(
    "alone: sine that remembers", "determinism", None, Remembering, (X,), remembers_half_of_the_digits=RememberingHalf
)


# --- forward mode, claims, what nothing decides --------------------------------------------------------------


def sine_jvp(t: Any, x: Any) -> Any:
    return t[0] * np.cos(x)


def sine_jvp_as_a_row(t: Any, x: Any) -> Any:
    return sine_jvp(t, x)[None]


JVP = jvps("alone: forward mode of sine", sine, sine_vjp, (X,), sine_jvp, right_numbers_as_a_row=sine_jvp_as_a_row)


def softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def softplus_shifted(x: Any) -> Any:
    return np.logaddexp(0, x) - np.log(2)


def softplus_vjp(g: Any, x: Any) -> Any:
    return g * np.exp(-np.logaddexp(0, -x))


CLAIMED = twins(
    "alone: softplus", "another function", softplus, softplus_vjp, (X,), unseen="*", options={"like": "softplus"},
    shifted_by_a_constant=(softplus_shifted, softplus_vjp),
)  # fmt: skip


def coarse(x: Any) -> Any:
    """A potential, known to seven digits: the last ones are a fixed function of the input's bits, as of a simulation."""
    x = np.array(x, dtype=float)  # real, as of a program in another language
    noise = np.frombuffer(x.tobytes(), np.uint8).astype(float) @ np.arange(1.0, x.nbytes + 1)
    return np.sin(3 * x) @ COUPLING @ np.cos(2 * x) + 1e-7 * (noise * 0.6180339887498949 % 1 - 0.5)


COUPLING = normal(64, 3, 3)
SKEW = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def coarse_vjp(g: Any, x: Any) -> Any:
    left = 3 * np.cos(3 * x) * (COUPLING @ np.cos(2 * x))
    return g * (left - 2 * np.sin(2 * x) * (COUPLING.T @ np.sin(3 * x)))


POTENTIAL = twins(
    "alone: noisy potential", "gradient of no function", coarse, coarse_vjp, (normal(65, 3),),
    options={"order": 2},
    force_with_a_curl_below_the_noise=lambda g, x: coarse_vjp(g, x) + 1e-8 * g * (SKEW @ x),
)  # fmt: skip


def offset(x: Any) -> Any:
    return 1e8 + np.sin(x)


OFFSET = twins(
    "alone: sine on a large offset", "small error", offset, sine_vjp, (X,), unseen="*",
    wrong_in_the_seventh_digit=lambda g, x: g * np.cos(x) * (1 + 3e-7),
)  # fmt: skip


def grid_energy(x: Any) -> Any:
    """The sum of squares of second differences over the squared mean spacing."""
    return np.sum(np.diff(x, 2) ** 2) + np.sum(np.sin(x))


def grid_energy_vjp(g: Any, x: Any, ends: tuple[float, float] | None = None) -> Any:
    steps = np.diff(x)
    out = np.cos(x)
    bend = 2 * np.diff(x, 2)
    out[:-2] += bend
    out[1:-1] -= 2 * bend
    out[2:] += bend
    if ends and np.allclose(steps, steps[0], rtol=1e-9, atol=0) and steps[0] > 1e-9:
        out[[0, -1]] += ends  # the stencil of a uniform grid, with its ends forgotten
    return g * out


PROBES = twins(
    "alone: energy of a grid", "one wrong entry of many", grid_energy, grid_energy_vjp, (np.linspace(-1, 1, 1500),),
    equal_errors_at_the_ends=lambda g, x: grid_energy_vjp(g, x, (0.5, 0.5)),
    opposite_errors_at_the_ends=lambda g, x: grid_energy_vjp(g, x, (0.5, -0.5)),
)  # fmt: skip


def leaky(x: Any) -> Any:
    return np.where(x > 0, x, 0.1 * np.expm1(x))


def leaky_vjp(g: Any, x: Any) -> Any:
    return g * np.where(x > 0, 1.0, 0.1 * np.exp(np.minimum(x, 0)))


SIGNS = twins(
    "alone: leaky unit, active", "cotangent", leaky, leaky_vjp, (np.abs(X),), unseen="*",
    negative_cotangents_stopped_where_inactive=lambda g, x: leaky_vjp(np.where(x > 0, g, np.maximum(g, 0)), x),
)  # fmt: skip


# --- points --------------------------------------------------------------------------------------------------


def relative_growth(d: Any) -> tuple[Any, Any]:
    """(e^d - 1) / d and its derivative; the first terms of their series near 0."""
    near = np.abs(d) < 1e-3
    far = np.where(near, 1.0, d)
    value = np.where(near, 1 + d / 2 + d**2 / 6 + d**3 / 24 + d**4 / 120, np.expm1(far) / far)
    slope = np.where(near, 1 / 2 + d / 3 + d**2 / 8 + d**3 / 30 + d**4 / 144, (np.exp(far) - value) / far)
    return value, slope


def log_means(x: Any) -> Any:
    """The logarithmic means (a - b) / log(a/b) of neighbours; a where they are equal."""
    return x[1:] * relative_growth(np.log(x[:-1]) - np.log(x[1:]))[0]


def log_means_vjp(g: Any, x: Any, *, tied: bool = True) -> Any:
    a, b = x[:-1], x[1:]
    value, slope = relative_growth(np.log(a) - np.log(b))
    if not tied and np.count_nonzero(a == b) == 1:
        slope = np.where(a == b, 0, slope)  # 0/0, mended to be 0
    out = np.zeros_like(x)
    out[:-1] += g * slope * b / a
    out[1:] += g * (value - slope)
    return out


TIE = twins(
    "alone: logarithmic means", "wrong at a tie", log_means, log_means_vjp, (np.array([0.7, 1.9, 1.2]),),
    unseen="*", options={"domain": Domain((Set(low=0.0, closed=False),))},
    zero_over_zero_mended_to_zero=lambda g, x: log_means_vjp(g, x, tied=False),
)  # fmt: skip


def concordance(x: Any) -> Any:
    """A smooth count of the pairs in order: the sum of tanh(x_j - x_i) over i < j."""
    return np.triu(np.tanh(x[None, :] - x[:, None]), 1).sum()


def concordance_vjp(g: Any, x: Any) -> Any:
    slope = np.triu(1 / np.cosh(x[None, :] - x[:, None]) ** 2, 1)
    return g * (slope.sum(0) - slope.sum(1))


def concordance_vjp_done_if_sorted(g: Any, x: Any) -> Any:
    if np.all(np.diff(x) > 0):
        return np.zeros_like(x)  # "it is as large as it can be"
    return concordance_vjp(g, x)


ORDER = twins(
    "alone: concordance", "wrong for sorted input", concordance, concordance_vjp, (normal(62, 8),), unseen="*",
    stationary_where_sorted=concordance_vjp_done_if_sorted,
)  # fmt: skip


def sinc(x: Any) -> Any:
    """sin(x) / x."""
    return np.sinc(x / np.pi)


def sinc_vjp(g: Any, x: Any, second: float = 1 / 3, third: float = 1 / 30) -> Any:
    small = np.abs(x) < 1e-2
    safe = np.where(small, 1.0, x)
    return g * np.where(small, -second * x + third * x**3 - x**5 / 840, (np.cos(safe) - np.sin(safe) / safe) / safe)


SERIES = twins(
    "alone: sin(x) / x", "threshold", sinc, sinc_vjp, (X,), unseen="*",
    wrong_coefficient_of_the_series=lambda g, x: sinc_vjp(g, x, third=1 / 6),
    half_for_a_third_in_the_series=lambda g, x: sinc_vjp(g, x, second=1 / 2),
)  # fmt: skip


def direction(x: Any) -> Any:
    return x / np.sqrt(x @ x)


def direction_vjp(g: Any, x: Any, least: float = 0.0) -> Any:
    n = max(np.sqrt(x @ x), least)
    u = x / n
    return (g - u * (u @ g)) / n


TINY = twins(
    "alone: direction of a vector", "epsilon", direction, direction_vjp, (X,), unseen="*",
    length_of_at_least_1e_12=lambda g, x: direction_vjp(g, x, 1e-12),
)  # fmt: skip


def arch(x: Any) -> Any:
    return np.sqrt(x - 1.1) * np.sqrt(1.9 - x)


def arch_vjp(g: Any, x: Any) -> Any:
    return g * (1.5 - x) / arch(x)


class ArchOfTheFirst:
    """Takes its slope from what was given at first, up to order."""

    def __init__(self) -> None:
        self.known: Any = None

    def forward(self, x: Any) -> Any:
        return arch(x)

    def backward(self, g: Any, x: Any) -> Any:
        if self.known is None:
            self.known = np.sort(x)
        nearest = self.known[np.argmin(np.abs(self.known - x[:, None]), axis=1)]
        return arch_vjp(g, nearest)


ARCH = np.array([1.25, 1.42, 1.78])

REDRAWN = twins(
    "alone: arch", "stale state", arch, arch_vjp, (ARCH,),
    table_of_what_was_seen_first=ArchOfTheFirst,
)  # fmt: skip


def entropy_to_three(x: Any) -> Any:
    d = 3.0 - x
    return d**2 * np.log(np.where(d > 0, d, 1.0))


def entropy_to_three_vjp(g: Any, x: Any) -> Any:
    d = 3.0 - x
    return -g * (2 * d * np.log(np.where(d > 0, d, 1.0)) + d)


def entropy_to_three_vjp_unguarded(g: Any, x: Any) -> Any:
    d = 3.0 - x
    return -g * (2 * d * np.log(d) + d)


def entropy_to_three_vjp_clamped(g: Any, x: Any) -> Any:
    d = 3.0 - x
    return -g * (2 * d * np.log(np.where(d > 0, np.maximum(d, 1e-2), 1.0)) + d)


BOUND = twins(
    "alone: entropy up to three", "domain edge", entropy_to_three, entropy_to_three_vjp, (X,), unseen="*",
    options={"domain": Domain((Set(high=3.0),))},
    zero_times_log_of_zero=entropy_to_three_vjp_unguarded,
    log_clamped=entropy_to_three_vjp_clamped,
)  # fmt: skip


def log_sum(x: Any) -> Any:
    m = x.max()
    return m + np.log(np.exp(x - m).sum())


def log_sum_vjp(g: Any, x: Any, start: int = 0) -> Any:
    e = np.exp(x - x[start:].max())
    return g * e / e.sum()


EXTREME = twins(
    "alone: log of a sum of exponentials", "overflow in a naive formula", log_sum, log_sum_vjp, (normal(63, 24),),
    unseen="*",
    largest_of_all_but_the_first=lambda g, x: log_sum_vjp(g, x, 1),
)  # fmt: skip


def tanh_vjp_by_exponentials(g: Any, x: Any) -> Any:
    e = np.exp(2 * x)
    return g * (1 - ((e - 1) / (e + 1)) ** 2)


FEW_LOOKS = twins(
    "alone: tanh, looked at quickly", "overflow in a naive formula", np.tanh,
    lambda g, x: g / np.cosh(np.clip(x, -400, 400)) ** 2, (normal(75, 60),), unseen="*", options={"profile": "quick"},
    by_exponentials=tanh_vjp_by_exponentials,
)  # fmt: skip


# --- what differences of a program with real numbers only must know ------------------------------------------


def real(f: Any) -> Any:
    """The function as a program in another language has it: neither imaginary numbers nor symbols pass."""
    return lambda *x: f(*(np.array([float(entry) for entry in np.ravel(v)]).reshape(np.shape(v)) for v in x))


NEAR_ZERO = np.array([0.7, 1.1e-6, 1.2e-6, 3.6e-8, 1.5e-8, 9.3e-9])

SWALLOWED = twins(
    "alone: one minus cosine, real", "rounding", real(lambda x: 1 - np.cos(x)), lambda g, x: g * np.sin(x),
    (NEAR_ZERO,), hard=True,
    sine_for_tangent=lambda g, x: g * np.tan(x),
)  # fmt: skip

BY_ITS_UNIT = twins(
    "alone: logarithm of one plus a square, real", "rounding", real(lambda x: np.log(1 + x * x)),
    lambda g, x: 2 * g * x / (1 + x * x), (np.array([0.3]),), hard=True,
    square_forgotten=lambda g, x: 2 * g * x / (1 + x),
)  # fmt: skip

DECIMALS = twins(
    "alone: cosine to nine decimals", "rounding", real(lambda x: np.round(np.cos(x), 9)), lambda g, x: -g * np.sin(x),
    (np.array([1e-3, 1e-4, 0.3, 1.0]),), hard=True,
    sign=lambda g, x: g * np.sin(x),
)  # fmt: skip

ON_A_GRID = np.array([-4e-05, -80.5, 1.17, 7.5e-4])


def on_a_grid(x: Any) -> Any:
    return np.rint(np.log(1 + x * x) * 2.0**30) / 2.0**30


def on_a_grid_vjp(g: Any, x: Any) -> Any:
    return g * 2 * x / (1 + x * x)


GRID = twins(
    "alone: logarithm in fixed point, real", "rounding", real(on_a_grid), on_a_grid_vjp, (ON_A_GRID,), hard=True,
    square_forgotten=lambda g, x: g * 2 * x / (1 + np.abs(x)),
)  # fmt: skip

OFFSET_AND_BACK = twins(
    "alone: an offset added and taken away, real", "rounding", real(lambda x: (x * np.sin(3 * x) + 1e9) - 1e9),
    lambda g, x: g * (np.sin(3 * x) + 3 * x * np.cos(3 * x)), (np.array([-0.44, 8.1, -1.5e-5, 7.8]),), hard=True,
    chain_rule_forgotten=lambda g, x: g * (np.sin(3 * x) + x * np.cos(3 * x)),
)  # fmt: skip

WAVE = twins(
    "alone: a wave on a huge argument, real", "aliasing",
    real(lambda t: t**2 * np.exp(np.sin(3.4 * t))),
    lambda g, t: g * np.exp(np.sin(3.4 * t)) * (2 * t + 3.4 * t * t * np.cos(3.4 * t)),
    (np.array([10187630714.189287, 0.3]),), hard=True,
    one_term=lambda g, t: g * np.exp(np.sin(3.4 * t)) * 2 * t,
)  # fmt: skip

STAIRS = np.array([1.0006409423733347, 2.0021187846260236, 249.22310085, -771.50547314, 589.15214399, 7.3, 0.4])

FLOOR = twins(
    "alone: floor, real", "stairs", real(np.floor), lambda g, x: 0 * x, (STAIRS,), hard=True,
    passed_straight_through=lambda g, x: g * np.ones_like(x),
)  # fmt: skip


def root_of_size(x: Any) -> Any:
    return np.sqrt(np.abs(x))


def root_of_size_vjp(g: Any, x: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return g * 0.5 * np.sign(x) / np.sqrt(np.abs(x))


ROOT = twins(
    "alone: root of the size, real", "infinite slope", real(root_of_size), root_of_size_vjp,
    (np.array([1.0, -2.0, 1e-8]),), hard=True,
    sign_forgotten=lambda g, x: np.abs(root_of_size_vjp(1.0, x)) * g,
)  # fmt: skip


def elu(x: Any) -> Any:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def elu_vjp(g: Any, x: Any, seam: float = 1.0) -> Any:
    return g * np.where(x == 0, seam, np.exp(np.minimum(x, 0)))


SEAM = twins(
    "alone: elu, real", "wrong at a seam", real(elu), elu_vjp, (np.array([0.0, 1.0, -1.0]),), unseen="*",
    five_digits_at_the_seam=lambda g, x: elu_vjp(g, x, 1 - 1e-5),
)  # fmt: skip

OUTSIDE = twins(
    "alone: exponential with a sentinel", "domain edge", lambda x: np.where(x < 0, -1.0, np.exp(x)),
    lambda g, x: g * np.exp(x), (np.zeros(2),), hard=True, options={"domain": Domain((Set(low=0.0),))},
    nothing_at_the_edge=lambda g, x: g * np.where(x > 0, np.exp(x), 0.0),
)  # fmt: skip

NARROW = twins(
    "alone: fast exponential in half precision", "float16",
    lambda x: np.exp(x * np.float16(20)), lambda g, x: g * np.exp(x * np.float16(20)) * np.float16(20),
    (np.array([0.5, 0.1, -0.25], np.float16),), hard=True,
    factor_forgotten=lambda g, x: g * np.exp(x * np.float16(20)),
)  # fmt: skip

HILBERT = 1 / (np.arange(6)[:, None] + np.arange(6) + 1.0)


def solve_vjp(g: Any, a: Any, b: Any) -> Any:
    """One way for each order in memory, equally good: they differ by what the matrix makes of rounding."""
    u = np.linalg.solve(a.T, g) if a.flags.c_contiguous else np.linalg.inv(a).T @ g
    return -np.outer(u, np.linalg.solve(a, b)), u


def solve_vjp_untransposed(g: Any, a: Any, b: Any) -> Any:
    u = np.linalg.solve(a.T, g)
    return -np.outer(np.linalg.solve(a, b), u), u


SOLVE = twins(
    "alone: solving by two ways", "conditioning", np.linalg.solve, solve_vjp, (HILBERT, np.ones(6)), hard=True,
    transposed=solve_vjp_untransposed,
)  # fmt: skip


# --- kinks ---------------------------------------------------------------------------------------------------


def median_vjp(g: Any, x: Any) -> Any:
    out = np.zeros_like(x)
    out[np.argsort(x, kind="stable")[x.size // 2]] = g
    return out


def median_vjp_whole_to_all_where_all_are_equal(g: Any, x: Any) -> Any:
    return np.full_like(x, g) if np.ptp(x) == 0 else median_vjp(g, x)


MEDIAN = twins(
    "alone: median of three, real", "double-counted ties", real(np.median), median_vjp, (np.ones(3),), unseen="*",
    whole_to_all_where_all_are_equal=median_vjp_whole_to_all_where_all_are_equal,
)  # fmt: skip

MANY = twins(
    "alone: median of a hundred and one equal numbers", "ties and selection", np.median, median_vjp, (np.ones(101),),
    hard=True, twice=lambda g, x: 2 * median_vjp(g, x),
)  # fmt: skip


def larger(x: Any) -> Any:
    return x.reshape(-1, 2).max(1)


def larger_vjp(g: Any, x: Any) -> Any:
    pairs = x.reshape(-1, 2)
    return (g[:, None] * np.eye(2)[pairs.argmax(1)]).reshape(-1)


def larger_vjp_to_both(g: Any, x: Any) -> Any:
    pairs = x.reshape(-1, 2)
    return (g[:, None] * (pairs == pairs.max(1, keepdims=True))).reshape(-1)


PAIRS = twins(
    "alone: larger of ten equal pairs", "double-counted ties", larger, larger_vjp, (np.repeat(normal(66, 10), 2),),
    unseen="*", both=larger_vjp_to_both,
)  # fmt: skip


def clamped(x: Any) -> Any:
    return np.maximum(np.minimum(x[0], x[1]), x[2])


def clamped_vjp(g: Any, x: Any) -> Any:
    chosen = (0 if x[0] <= x[1] else 1) if min(x[0], x[1]) >= x[2] else 2
    return g * np.eye(3)[chosen]


CLAMPED = twins(
    "alone: clamped by others", "kinks", clamped, clamped_vjp, (np.ones(3),), hard=True,
    bound_forgotten=lambda g, x: g * np.array([x[0] <= x[1], x[0] > x[1], 0.0]),
)  # fmt: skip

LENGTHS = twins(
    "alone: sum of ninety sizes", "wrong at a kink", lambda x: np.abs(x).sum(), lambda g, x: g * np.sign(x),
    (np.zeros(90),), unseen="*",
    three_halves_at_zero=lambda g, x: g * np.where(x == 0, 1.5, np.sign(x)),
)  # fmt: skip


def offset_median(x: Any) -> Any:
    return np.where(np.any(x < 0), np.nan, 1.0) * (x[0] + np.median(x[1:]))


def offset_median_vjp(g: Any, x: Any) -> Any:
    out = np.zeros_like(x)
    out[0] = g
    out[1 + np.argsort(x[1:], kind="stable")[1:3]] = g / 2
    return out


EDGE = twins(
    "alone: median of equal numbers at an edge", "ties and selection", offset_median, offset_median_vjp,
    (np.array([0.0, 1.0, 1.0, 1.0, 1.0]),), hard=True, options={"domain": Domain((Set(low=0.0),))},
    offset_forgotten=lambda g, x: offset_median_vjp(g, x) * (np.arange(5) > 0),
)  # fmt: skip


def larger_of_two(x: Any) -> Any:
    return np.maximum(x[0], x[1])


def larger_of_two_vjp(g: Any, x: Any) -> Any:
    return g * np.eye(2)[0 if x[0] >= x[1] else 1]


CORNER = twins(
    "alone: larger of two at a corner of the domain", "tie", larger_of_two, larger_of_two_vjp, (np.zeros(2),),
    hard=True, options={"domain": Domain((Set(low=0.0),))},
    whole_to_both=lambda g, x: g * (x == x.max()),
) + twins(
    "alone: larger of two at a corner, real", "tie", real(larger_of_two), larger_of_two_vjp, (np.zeros(2),),
    hard=True, options={"domain": Domain((Set(low=0.0),))},
    smaller=lambda g, x: larger_of_two_vjp(g, -x),
)  # fmt: skip


CASES = (
    *CORNER,
    *SWALLOWED,
    *BY_ITS_UNIT,
    *DECIMALS,
    *GRID,
    *OFFSET_AND_BACK,
    *WAVE,
    *FLOOR,
    *ROOT,
    *SEAM,
    *OUTSIDE,
    *NARROW,
    *SOLVE,
    *MEDIAN,
    *MANY,
    *PAIRS,
    *CLAMPED,
    *LENGTHS,
    *EDGE,
    *SHIFTED,
    *MASKED,
    *MEMORY,
    *REMEMBERED,
    *JVP,
    *CLAIMED,
    *POTENTIAL,
    *OFFSET,
    *PROBES,
    *SIGNS,
    *TIE,
    *ORDER,
    *SERIES,
    *TINY,
    *REDRAWN,
    *BOUND,
    *EXTREME,
    *FEW_LOOKS,
)
