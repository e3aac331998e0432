"""The finite-difference oracle: its bounds hold, kinks, jumps and edges are recognised, and 30 evaluations are enough."""

from __future__ import annotations

import time

import mpmath as mp
import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.estimator_cases import committed, fresh
from gradcheck.oracles.extrapolation import neville, two_ladders
from gradcheck.oracles.finite_difference import line_derivatives, v_curve
from gradcheck.oracles.noise import PAIRED, sigma
from gradcheck.records import Local

UNIT = 2.0**-53
ONE = np.ones((1, 1))


class Counted:
    """Counts the evaluations of a function, and forgives what it does outside its domain."""

    def __init__(self, f):
        self.f, self.count = f, 0

    def __call__(self, x):
        self.count += 1
        with np.errstate(all="ignore"):
            return self.f(x)


def along(f, x, **kwargs):
    counted = Counted(f)
    e = line_derivatives(counted, np.array([x]), ONE, noise_floor=UNIT, **kwargs)
    assert e.evaluations == counted.count <= 30
    return e


def holds(e, truth):
    """The stated bound contains the truth, which was rounded once itself."""
    return abs(e.value[0, 0] - truth) <= e.bound[0, 0] + UNIT * abs(truth)


def test_every_smooth_pair_of_the_table_lies_within_its_bound_and_most_bounds_are_sharp():
    bounds = []
    for case in (c for c in committed() if c.smooth):
        e, truth = along(case.numpy, case.x), case.truth()
        assert e.kind[0, 0] == Local.SMOOTH and holds(e, truth), case
        bounds.append(e.bound[0, 0] / abs(truth))
    assert len(bounds) >= 200
    assert np.median(bounds) <= 1e-10 and np.quantile(bounds, 0.95) <= 1e-6  # what is promised


@pytest.mark.parametrize("seed", [101, 102])
def test_freshly_drawn_pairs_lie_within_their_bounds_in_99_of_100(seed):
    missed = [c.name for c in fresh(100, seed) if not holds(along(c.numpy, c.x), c.truth())]
    assert len(missed) <= 1, missed


# Largest relative bound that the noise of the function leaves possible: a few hundred times noise / (step f').
HARD = [
    ("log at 1e-6", np.log, 1e-6, 1e6, 1e-10),
    ("sqrt at 1e-8", np.sqrt, 1e-8, 5e3, 1e-10),
    ("sin 1000x", lambda x: np.sin(1000 * x), 1.0, 1000 * float(mp.cos(1000)), 1e-8),
    ("exp 100x", lambda x: np.exp(100 * x), 1.0, float(100 * mp.exp(100)), 1e-9),
    ("2x at 1e10", lambda x: 2 * x, 1e10, 2.0, 1e-13),
    ("2x at 1e200", lambda x: 2 * x, 1e200, 2.0, 1e-13),
    ("1e8 + sin", lambda x: 1e8 + np.sin(x), 1.0, float(mp.cos(1)), 1e-4),
    ("(1e8 + sin) - 1e8", lambda x: (1e8 + np.sin(x)) - 1e8, 1.0, float(mp.cos(1)), 1e-4),
    ("float32 inside", lambda x: np.sin(x.astype(np.float32)).astype(float), 1.0, float(mp.cos(1)), 1e-3),
    ("1/x near 0", lambda x: 1 / x, 1e-7, -1e14, 1e-10),
    ("sin at 1e-20", np.sin, 1e-20, 1.0, 1e-13),
    ("sin 1e6 x at 0", lambda x: np.sin(1e6 * x), 0.0, 1e6, 1e-8),
    ("sin x/1e6 at 0", lambda x: np.sin(1e-6 * x), 0.0, 1e-6, 1e-8),
    ("kink beyond reach", lambda x: np.maximum(x, 0), 1e-5, 1.0, 1e-12),
    ("kink at 1e-5", lambda x: np.abs(x - 1.00001), 1.0, -1.0, 1e-9),
    ("kink at 1e-3, curved", lambda x: np.exp(x) * np.abs(x - 1.001), 1.0, np.e * (0.001 - 1), 1e-9),
    ("jump at 1e-5", lambda x: x + (x >= 1.00001), 1.0, 1.0, 1e-6),
]


@pytest.mark.parametrize(("f", "x", "truth", "sharp"), [row[1:] for row in HARD], ids=[row[0] for row in HARD])
def test_hard_functions(f, x, truth, sharp):
    e = along(f, x)
    assert e.kind[0, 0] == Local.SMOOTH
    # The last row of truths is rounded more than once: allow ten roundings.
    assert abs(e.value[0, 0] - truth) <= e.bound[0, 0] + 10 * UNIT * abs(truth)
    assert e.bound[0, 0] <= sharp * abs(truth)


@pytest.mark.parametrize(
    ("f", "x", "largest"),
    [
        (lambda x: x**3, 0.0, 1e-12),
        (lambda x: x**3 + 1, 0.0, 1e-12),
        (np.cos, 0.0, 1e-11),
        (np.cos, 1e-20, 1e-11),
        (np.tanh, 20.0, 1e-13),
        (lambda x: 0 * x + 3, 1.7, 1e-12),
        (lambda x: np.maximum(x, 0), -0.5, 1e-15),
        (np.floor, 1.5, 1e-12),
    ],
)
def test_slopes_of_almost_0_are_bounded_absolutely(f, x, largest):
    e = along(f, x)
    assert e.kind[0, 0] == Local.SMOOTH
    assert abs(e.value[0, 0]) <= e.bound[0, 0] + UNIT and e.bound[0, 0] <= largest


@pytest.mark.parametrize(
    ("f", "x", "mean", "jump"),
    [
        (np.abs, 0.0, 0.0, 2.0),
        (lambda x: np.maximum(x, 0), 0.0, 0.5, 1.0),
        (lambda x: np.exp(x) * np.abs(x - 1), 1.0, 0.0, 2 * np.e),
        (lambda x: np.abs(x - 1) + 5, 1.0, 0.0, 2.0),
        (lambda x: np.minimum(np.sin(x), np.cos(x)), np.pi / 4, 0.0, -np.sqrt(2)),
        (lambda x: np.where(x > 1, 1.5 * x, x + 0.5), 1.0, 1.25, 0.5),
    ],
)
def test_a_kink_has_its_jump(f, x, mean, jump):
    e = along(f, x)
    assert e.kind[0, 0] == Local.KINK
    assert abs(e.jump[0, 0] - jump) <= e.jump_bound[0, 0] + 4 * UNIT * abs(jump)
    assert e.jump_bound[0, 0] < 1e-3 * abs(jump)
    assert abs(e.value[0, 0] - mean) <= e.bound[0, 0] + 4 * UNIT


def test_smooth_functions_show_no_jump_of_the_slope():
    for case in (c for c in committed() if c.smooth):
        e = along(case.numpy, case.x)
        assert abs(e.jump[0, 0]) <= e.jump_bound[0, 0], case


@pytest.mark.parametrize(
    "f",
    [
        np.sqrt,
        np.cbrt,
        np.sign,
        lambda x: np.sqrt(np.abs(x)),
        lambda x: np.where(x >= 0, 1.0, 0.0) + x,
        lambda x: np.where(x == 0, 0.0, x * np.log(np.abs(x))),
    ],
)
def test_jumps_and_infinite_slopes_are_outside(f):
    e = along(f, 0.0)
    assert e.kind[0, 0] == Local.OUTSIDE and np.isinf(e.bound[0, 0])


@pytest.mark.parametrize("x", [np.nan, -1.0])
def test_a_point_outside_the_domain_is_outside(x):
    e = along(np.log, x)
    assert e.kind[0, 0] == Local.OUTSIDE and np.isinf(e.bound[0, 0])


def test_what_cannot_be_resolved_has_no_bound():
    hidden = along(lambda x: np.sin(1e12 * x), 1.0)
    rounded = along(lambda x: np.round(100 * x) / 100, 1.5)
    random = along(lambda x: np.random.default_rng(x.view(np.uint64)).standard_normal(1), 1.0)
    for e in (hidden, rounded, random):
        assert e.kind[0, 0] == Local.UNDECIDED and np.isinf(e.bound[0, 0]) and np.isnan(e.value[0, 0])


@pytest.mark.parametrize("k", range(-40, 41, 4))
def test_aliasing_with_powers_of_the_ladder_is_not_taken_for_a_slope(k):
    # A wave with a period of 3^k has the same phase at all steps that are multiples of it.
    f = 2 * np.pi * 3.0**k
    e = along(lambda x: np.sin(f * x), 0.0)
    assert np.isinf(e.bound[0, 0]) or abs(e.value[0, 0] - f) <= e.bound[0, 0] + 4 * UNIT * f


@settings(max_examples=60, deadline=None)
@given(
    c=st.lists(st.floats(-10, 10).filter(lambda v: abs(v) > 1e-3), min_size=3, max_size=3),
    x=st.floats(-5, 5),
    decades=st.integers(-12, 12),
)
def test_scaling_the_argument_scales_slope_and_bound(c, x, decades):
    s = 10.0**decades
    p = np.polynomial.Polynomial([1.0, *c])
    e = along(lambda t: p(t / s), x * s)
    truth = float(p.deriv()(x)) / s
    # Evaluating the polynomial's derivative rounds by a few ulp of its largest term.
    slack = 32 * UNIT * float(np.polynomial.Polynomial(np.abs([1.0, *c])).deriv()(abs(x) + 1)) / s
    assert abs(e.value[0, 0] - truth) <= e.bound[0, 0] + slack


@settings(max_examples=60, deadline=None)
@given(x=st.floats(-3, 3), noise=st.integers(-13, -3), seed=st.integers(0, 2**31))
def test_noise_is_measured(x, noise, seed):
    amplitude = 10.0**noise

    def f(t):
        return np.exp(t) + amplitude * np.random.default_rng([seed, int(t.view(np.uint64)[0])]).uniform(-1, 1, 1)

    e = along(f, x)
    assert np.isinf(e.bound[0, 0]) or holds(e, float(np.exp(x)))


@settings(max_examples=60, deadline=None)
@given(x=st.floats(0.1, 10), distance=st.integers(-6, -1), side=st.sampled_from([-1, 1]), size=st.floats(0.1, 10))
def test_a_kink_beside_the_point_does_not_fool(x, distance, side, size):
    corner = x * (1 + side * 10.0**distance)
    e = along(lambda t: np.sin(t) + size * np.abs(t - corner), x)
    assert e.kind[0, 0] != Local.SMOOTH or holds(e, np.cos(x) - side * size)


def test_a_faint_kink_beside_a_steep_slope_does_not_fool():
    # The corner changes the slope by 1e-6 of itself: only the jump of the slope tells, and it may have no bound.
    wrong = []
    for exponent in np.linspace(-8, -2, 61):
        corner = 1.3 * (1 + 10.0**exponent)
        e = along(lambda t, corner=corner: 1e3 * np.exp(t) ** 2 + 0.01 * np.abs(t - corner), 1.3)
        truth = 2e3 * float(mp.exp(mp.mpf(2.6))) - 0.01
        # The literal 1.3 is not 13 / 10, which moves the truth by an ulp or two of the argument.
        if e.kind[0, 0] == Local.SMOOTH and abs(e.value[0, 0] - truth) > e.bound[0, 0] + 8 * UNIT * truth:
            wrong.append(exponent)
    assert not wrong


def test_a_fast_wave_on_a_steep_slope_is_not_taken_for_noise():
    x, k = 8837.125, 1000.0
    e = along(lambda t: t**3 + 6.5 * np.sin(k * t), x)
    truth = 3 * x * x + 6.5 * k * float(mp.cos(mp.mpf(k) * mp.mpf(x)))
    assert np.isinf(e.bound[0, 0]) or holds(e, truth)


def test_shapes_witnesses_and_scale_in_several_dimensions():
    rng = np.random.default_rng(0)
    x, d, a = rng.standard_normal(5), rng.standard_normal((7, 5)), rng.standard_normal((4, 5))
    e = line_derivatives(lambda p: np.tanh(a @ p), x, d, noise_floor=UNIT)
    truth = (a @ d.T / np.cosh(a @ x)[:, None] ** 2).T
    for array in (e.value, e.bound, e.scale, e.kind, e.jump, e.jump_bound, *(w for pair in e.witnesses for w in pair)):
        assert array.shape == (7, 4)
    assert np.all(np.abs(e.value - truth) <= e.bound + 64 * UNIT) and np.all(e.bound < 1e-8)
    assert len(e.witnesses) == 2
    for t, b in e.witnesses:
        assert np.all(np.abs(t - truth) <= b + 64 * UNIT)
    # |f| < 1, so min |f| / rho is no more than 1 / rho at the longest step that was tried.
    assert np.all(e.scale > 0) and np.all(e.scale < 1e3)


def test_directions_of_mixed_magnitudes():
    x = np.array([1e-6, 1.0, 1e6])
    d = np.array([[1e-6, 1.0, 1e6], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    e = line_derivatives(lambda p: np.array([np.log(p).sum(), p.sum()]), x, d, noise_floor=np.array([UNIT, UNIT]))
    truth = np.array([[3.0, 1e6 + 1.0 + 1e-6], [1e6, 1.0], [1e-6, 1.0]])
    assert np.all(np.abs(e.value - truth) <= e.bound + 4 * UNIT * truth)
    assert np.all(e.bound[[0, 1], [0, 0]] <= 1e-8 * truth[[0, 1], [0, 0]])


@pytest.mark.parametrize(("low", "high", "kind"), [(-1, 1, 0), (0, 1, 4), (-1, 0, 4), (-1e-3, 5, 0)])
def test_the_limits_of_the_line_are_kept(low, high, kind):
    seen = []

    def f(p):
        seen.append(float(p[0]))
        return np.exp(p)

    e = along(f, 0.3, low=np.array([low]), high=np.array([high]))
    assert min(seen) >= 0.3 + low and max(seen) <= 0.3 + high
    assert e.kind[0, 0] == kind and holds(e, np.exp(0.3)) and e.bound[0, 0] < 1e-7


def test_one_side_outside_the_domain_is_found_without_being_told():
    e = along(lambda x: np.sqrt(x) ** 4 + 2 * x, 0.0)
    assert e.kind[0, 0] == Local.ONE_SIDED
    assert abs(e.value[0, 0] - 2) <= e.bound[0, 0]
    both = line_derivatives(
        Counted(lambda p: np.sqrt(p[:1]) ** 2 + np.exp(p[1:])), np.array([0.0, 0.5]), np.eye(2), noise_floor=UNIT
    )
    assert list(both.kind[:, 0]) == [Local.ONE_SIDED, Local.SMOOTH]
    assert np.all(np.abs(both.value[:, 0] - [1.0, np.exp(0.5)]) <= both.bound[:, 0] + UNIT)


@pytest.mark.parametrize(("low", "high", "slope"), [(0, np.inf, 3.0), (-np.inf, 0, 1.0)])
def test_one_sided_slopes_at_a_kink(low, high, slope):
    e = along(lambda x: 2 * np.sin(x) + np.abs(x), 0.0, low=np.array([low]), high=np.array([high]))
    assert e.kind[0, 0] == Local.ONE_SIDED and holds(e, slope) and e.bound[0, 0] < 1e-7


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_inputs_stay_on_the_grid(dtype):
    def f(p):
        assert np.all(p == p.astype(dtype))
        return p**2

    x = np.array([float(dtype(1.1)), float(dtype(-0.3))])
    e = line_derivatives(f, x, np.eye(2), noise_floor=UNIT, grid=dtype)
    truth = np.diag(2 * x)
    # Steps are exact, so that the coarse grid costs no accuracy.
    assert np.all(np.abs(e.value - truth) <= e.bound + 4 * UNIT) and np.all(e.bound < 1e-8)


def test_a_native_float32_run():
    def f(p):
        return np.sin(p.astype(np.float32)).astype(np.float64)

    x = np.array([float(np.float32(0.7))])
    e = line_derivatives(f, x, ONE, noise_floor=2.0**-24, grid=np.float32)
    assert holds(e, np.cos(x[0])) and e.bound[0, 0] < 1e-3


@pytest.mark.parametrize(("d", "m", "n"), [(0, 3, 2), (2, 0, 2), (2, 3, 0), (0, 0, 0)])
def test_empty_shapes(d, m, n):
    e = line_derivatives(lambda p: np.zeros(m), np.zeros(n), np.ones((d, n)), noise_floor=UNIT)
    for array in (e.value, e.bound, e.scale, e.kind):
        assert array.shape == (d, m)
    assert not e.value.any() and not e.bound.any()


def test_complex_values():
    e = line_derivatives(lambda p: np.exp(1j * p), np.array([0.4]), ONE, noise_floor=UNIT)
    assert abs(e.value[0, 0] - 1j * np.exp(0.4j)) <= e.bound[0, 0] + 4 * UNIT and e.bound[0, 0] < 1e-10
    assert e.evaluations <= 31  # one more, to find out that the values are complex


def test_a_smaller_budget_is_refused():
    with pytest.raises(ValueError, match="30"):
        line_derivatives(np.sin, np.ones(1), ONE, noise_floor=UNIT, budget=10)


def test_the_analysis_of_100_entries_takes_milliseconds():
    rng = np.random.default_rng(0)
    x, d, zero = rng.standard_normal(10), rng.standard_normal((10, 10)), np.zeros(10)

    def once():
        start = time.perf_counter()
        line_derivatives(lambda p: zero, x, d, noise_floor=UNIT)
        return time.perf_counter() - start

    # About 1.5 ms on an idle machine; a Python loop over the 100 entries would take some 50.
    assert min(once() for _ in range(20)) < 15e-3


def test_the_v_curve_has_its_minimum_near_the_chosen_step():
    curve = v_curve(lambda p: np.array([0.0, np.exp(p[0]).sum()]), np.array([0.5]), np.array([1.0]), 1, np.exp(0.5))
    assert curve.steps.shape == curve.errors.shape == curve.truncation.shape == curve.rounding.shape == (40,)
    at = int(np.argmin(np.abs(curve.steps - curve.chosen)))
    assert curve.errors[at] < 1e-9 and curve.errors[0] > 1e-3 and curve.errors[-1] > curve.errors[at]


def test_neville_is_exact_for_polynomials_and_bounds_noise_by_its_weights():
    nodes = np.array([[1.0, 0.5, 0.3, 0.2, 0.1, 0.05]])
    values = (2 + 3 * nodes - nodes**2 + 5 * nodes**3)[:, :, None]
    value, _, _ = neville(nodes, values, np.zeros_like(values))
    assert abs(value[0, 0] - 2) < 64 * UNIT
    _, quiet, _ = neville(nodes, values, np.full_like(values, 1e-6))
    # Some weight is at least 1, as the weights of a window add up to 1.
    assert quiet[0, 0] >= 1e-6


def test_two_ladders_that_disagree_say_so():
    nodes = np.geomspace(1, 1e-3, 8)[None]
    values = np.where(np.arange(8) % 2, 1.0, 3.0)[None, :, None]
    _, bound, witnesses, _ = two_ladders(nodes, values, np.zeros_like(values))
    assert bound[0, 0] >= 2.0 and {float(w[0, 0]) for w, _ in witnesses} == {1.0, 3.0}


def test_sigma_of_noise_on_a_parabola_and_beside_a_kink():
    rng = np.random.default_rng(1)
    nodes = np.concatenate([-PAIRED[::-1], [0.0], PAIRED])[None].repeat(2000, axis=0)
    t = nodes[:, :, None]
    noise = rng.standard_normal((2000, 7, 1))
    measured = sigma(nodes, 5 * t**2 + noise)
    assert 0.7 < np.median(measured) < 1.3 and np.quantile(measured, 0.01) > 0.1
    assert np.median(sigma(nodes, 1e6 * np.abs(t) + noise)) < 3


@pytest.mark.parametrize("x", [2.643931626870381, -0.2573376791567801, 0.8683874555506276])
def test_rounding_of_an_inner_product_is_seen_although_it_advances_evenly(x):
    # With equally spaced samples the rounding of 1000 x drifts by 2 per cent of its amplitude from sample to sample here.
    for k in (100.0, 1000.0):
        e = along(lambda t, k=k: np.sin(k * t), x)
        assert holds(e, float(mp.mpf(k) * mp.cos(mp.mpf(k) * mp.mpf(x)))), k


@pytest.mark.parametrize("x", [1.1e-6, 1.2e-6, 3.6e-8, 1.5e-8, 9.3e-9, 1e-12])
@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: np.log(1 + x * x), lambda x: 2 * x),
        (lambda x: 1 - np.cos(x), lambda x: x),
        (lambda x: np.log(np.cosh(x)), lambda x: x),
        (lambda x: np.log(1 + (x**1.5) ** 2), lambda x: 3 * x * x),
    ],
)
def test_what_a_sum_with_1_swallows_near_0_is_not_taken_for_a_constant(f, slope, x):
    e = along(f, x)
    # The slopes are those at 0; the next term is x^2 of them.
    assert abs(e.value[0, 0] - slope(x)) <= e.bound[0, 0] + 1e-10 * slope(x)


@pytest.mark.parametrize("x", [-1e-20, -1e-12, -1e-8, -1e-5])
def test_what_is_constant_beside_a_kink_near_0_stays_sharp(x):
    e = along(lambda t: np.maximum(t, 0), x)
    assert e.kind[0, 0] == Local.SMOOTH and e.value[0, 0] == 0 and e.bound[0, 0] <= 2.0**-106


@pytest.mark.parametrize(
    "x", [1.0006409423733347, 2.0021187846260236, 249.22310085, -771.50547314, 589.15214399, -110.1151, 7.3, 0.4]
)
def test_a_staircase_is_flat_or_undecided_but_has_no_slope(x):
    e = along(np.floor, x)
    assert e.kind[0, 0] == Local.UNDECIDED or holds(e, 0.0)


def test_steps_that_rounding_makes_equal_do_not_vouch_for_each_other():
    # Steps along the direction are multiples of an ulp of 8e5, so near the first entry's root the finest ones coincide.
    x = np.array([7.69e-11, 5.3e-7, 3e2, 1e-3, 8e5])
    e = line_derivatives(lambda p: p**3, x, np.array([[1.0, -1, 1, 1, -1]]), noise_floor=UNIT)
    truth = 3 * x**2 * [1, -1, 1, 1, -1]
    assert np.all(np.abs(e.value[0] - truth) <= e.bound[0] + 4 * UNIT * np.abs(truth))


def test_a_fast_wave_on_a_huge_argument_has_no_bound_or_a_true_one():
    # All scouting steps are longer than the wave; the slopes at long steps, which a bounded wave makes small, agree at 0.
    x = 10187630714.189287
    e = along(lambda t: t**2 * np.exp(np.sin(3.4 * t)), x)
    m = mp.mpf(x)
    truth = float(mp.exp(mp.sin(3.4 * m)) * (2 * m + m**2 * 3.4 * mp.cos(3.4 * m)))
    assert np.isinf(e.bound[0, 0]) or holds(e, truth)


@pytest.mark.parametrize("scale", [1e-250, 1e-170, 1e170, 1e250])
def test_the_noise_of_huge_and_of_tiny_values_is_measured(scale):
    # The values err by 1e-8 of themselves: squares of such noise overflow, or vanish.
    e, wide = (along(lambda x, s=s: s * ((1e8 + np.sin(x)) - 1e8), 1.0) for s in (scale, 1.0))
    assert abs(e.value[0, 0] / scale - np.cos(1.0)) <= e.bound[0, 0] / scale
    assert 0.5 * wide.bound[0, 0] < e.bound[0, 0] / scale < 2 * wide.bound[0, 0]


def test_what_overflows_at_the_first_step_is_looked_at_more_closely():
    e = along(lambda x: np.sinh(1 + np.sinh(x) ** 2 / 3.12), -4.09)
    assert holds(e, float(mp.diff(lambda t: mp.sinh(1 + mp.sinh(t) ** 2 / mp.mpf(3.12)), mp.mpf(-4.09))))
    assert e.bound[0, 0] < 1e-9 * abs(e.value[0, 0])


def test_waves_too_fast_for_the_grid_are_no_constant():
    # Between neighbouring numbers at 1e30 lie 1e13 waves.  The values are below the roundoff of 1, and yet they are no rounding of it.
    e = line_derivatives(scipy.special.j1, np.array([1e30]), np.eye(1), noise_floor=2.0**-53)
    true = -5.589003e-16  # mpmath, 400 bits
    assert not abs(true - e.value[0, 0]) > e.bound[0, 0]  # nothing known (NaN) is well, too


def test_what_adds_up_to_zero_but_for_rounding_has_the_slope_zero():
    def nothing(v):
        p = np.exp(v - np.max(v))
        return np.sum(p / np.sum(p), keepdims=True) - 1.0

    x = np.random.default_rng(0).normal(size=5) * 20
    e = line_derivatives(nothing, x, np.eye(5), noise_floor=2.0**-53)
    # Jitter of a few 2^-53, over steps of 2^-13 of the least entry at the finest, and far below what a wrong formula costs.
    assert np.all(np.abs(e.value) <= e.bound) and np.all(e.bound <= 1e-12)
