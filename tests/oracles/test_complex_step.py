"""The complex step: sharp where a function is holomorphic, and silent wherever it is not."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.estimator_cases import committed
from gradcheck.oracles.complex_step import complex_step
from gradcheck.records import Local

UNIT = 2.0**-53
ONE = np.ones((1, 1))


def along(f, x):
    with np.errstate(all="ignore"):
        return complex_step(f, np.array([x]), ONE)


def test_smooth_pairs_of_the_table_lie_within_bounds_of_a_few_roundings():
    relative = []
    for case in (c for c in committed() if c.smooth):
        e = along(case.numpy, case.x)
        if e is None or np.isinf(e.bound[0, 0]):
            continue  # NumPy has no complex cbrt and logaddexp; and a function may cancel too much to be tested
        truth = case.truth()
        assert abs(e.value[0, 0] - truth) <= e.bound[0, 0] + UNIT * abs(truth), case
        relative.append(e.bound[0, 0] / abs(truth))
    # Functions that complex arithmetic has are most of the table.
    assert len(relative) >= 180
    assert np.median(relative) < 3e-14  # the aim is 1e-14


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.abs, 1.0),
        (lambda z: z * np.abs(z), 1.0),
        (lambda z: z * np.conj(z), 1.0),
        (lambda z: z * z.real, 1.3),
        (lambda z: np.sin(z) + 1e-6 * z * np.abs(z), 1.0),
        (lambda z: 1e3 * np.exp(z) + np.maximum(np.abs(z), 0), 0.7),
        (lambda z: np.maximum(z, 0), 0.0),
        (lambda z: np.where(z.real > 0, 2 * z, z), 0.0),
        (lambda z: np.real(z) + 0j, 1.0),
        (lambda z: np.sqrt(z * z), 0.0),
    ],
)
def test_what_is_not_holomorphic_is_refused(f, x):
    e = along(f, x)
    assert e is None or (e.kind[0, 0] == Local.UNDECIDED and np.isinf(e.bound[0, 0]) and np.isnan(e.value[0, 0]))


def test_a_jump_at_the_point_leaves_no_sharp_bound():
    e = along(lambda z: np.where(z.real > 1, 2 * z, z), 1.0)
    assert e is None or e.bound[0, 0] > 1


def rejecting(z):
    if np.iscomplexobj(z):
        raise TypeError("real numbers only")
    return z


@pytest.mark.parametrize(
    "f",
    [
        rejecting,
        np.floor,
        lambda z: z.real**2,
        lambda z: z.astype(np.float64) ** 2,  # drops the imaginary part with a warning
        lambda z: np.where(np.iscomplexobj(z), 2 * z, z),
        lambda z: z * np.nan,
        lambda z: np.zeros(2) + 1j if np.iscomplexobj(z) else np.zeros(1),
    ],
)
def test_none_where_there_is_no_complex_function(f):
    assert along(f, 1.5) is None


def test_each_entry_is_refused_by_itself():
    x = np.array([0.5, -1.2])
    with np.errstate(all="ignore"):
        e = complex_step(lambda z: np.array([z[0] ** 2 + np.sin(z[1]), np.exp(z[0]) * np.abs(z[1])]), x, np.eye(2))
    assert e.value.shape == e.bound.shape == e.kind.shape == e.scale.shape == (2, 2)
    assert np.array_equal(np.isinf(e.bound), [[False, False], [False, True]])
    truth = np.array([[1.0, 1.2 * np.exp(0.5)], [np.cos(-1.2), np.nan]])
    good = np.isfinite(e.bound)
    assert np.all(np.abs(e.value - truth)[good] <= e.bound[good] + 4 * UNIT)


@pytest.mark.parametrize("k", [1e3, 1e6, 1e8])
def test_an_ill_conditioned_wave_has_a_wide_bound_or_none(k):
    e = along(lambda z: np.sin(k * z), 1.0)
    if e is not None and np.isfinite(e.bound[0, 0]):
        truth = float(k * mp.cos(mp.mpf(k)))
        assert abs(e.value[0, 0] - truth) <= e.bound[0, 0]
        # x is known to half an ulp, and the slope moves by k^2 times that.
        assert e.bound[0, 0] >= 0.1 * k * k * UNIT


# With the offset the rounding on the circle hides the narrow type, and only the repetitions show it.
@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("x", [0.3, 1.1, 2.7, 5.9])
def test_single_precision_inside_is_refused(x, offset):
    def f(z):
        narrow = np.complex64 if np.iscomplexobj(z) else np.float32
        return offset + np.sin(30 * z.astype(narrow)).astype(z.dtype)

    e = along(f, x)
    assert e is None or np.isinf(e.bound[0, 0])


def test_a_constant_far_from_the_wave_costs_nothing():
    e = along(lambda z: 1e8 + np.sin(z), 1.0)
    assert abs(e.value[0, 0] - np.cos(1.0)) <= e.bound[0, 0] + UNIT


# Below 1e-200 the imaginary step would leave the normal numbers.
@given(x=st.floats(-3, 3).filter(lambda v: v == 0 or abs(v) > 1e-200), a=st.floats(0.1, 3), b=st.floats(-2, 2))
def test_the_bound_holds(x, a, b):
    e = along(lambda z: np.tanh(a * z) * np.exp(b * z) + z**3, x)
    with mp.workdps(60):
        h = mp.mpf(10) ** -25
        ma, mb = mp.mpf(a), mp.mpf(b)

        def exact(t):
            return mp.tanh(ma * t) * mp.exp(mb * t) + t**3

        truth = float((exact(mp.mpf(x) + h) - exact(mp.mpf(x) - h)) / (2 * h))
    assert e is not None
    assert np.isinf(e.bound[0, 0]) or abs(e.value[0, 0] - truth) <= e.bound[0, 0] + UNIT * abs(truth)


@pytest.mark.parametrize(("d", "m", "n"), [(0, 3, 2), (2, 0, 2), (2, 3, 0), (0, 0, 0)])
def test_empty_shapes(d, m, n):
    e = complex_step(lambda z: np.zeros(m) * (z.sum() if n else z.dtype.type(1)), np.zeros(n), np.ones((d, n)))
    assert e is None or e.value.shape == e.bound.shape == (d, m)


def test_evaluations_are_counted_and_one_circle_is_enough_for_smooth_functions():
    calls = []

    def f(z):
        calls.append(z)
        return np.array([np.sin(z[0]) * z[1], np.exp(z[0] - z[1])])

    e = complex_step(f, np.array([0.4, -1.3]), np.eye(2))
    assert e.evaluations == len(calls) == 1 + 2 * (6 + 5)


def test_what_rejects_complex_numbers_is_asked_once():
    calls = []

    def f(z):
        calls.append(z)
        return np.floor(z.real)

    assert complex_step(f, np.ones(5), np.eye(5)) is None and len(calls) == 2


def test_what_stands_still_in_floating_point_is_bounded_by_what_may_be_hidden() -> None:
    # An output without imaginary part, as the eigenvalues of LAPACK, whose slope its own rounding hides at this point.
    def f(z: np.ndarray) -> np.ndarray:
        return np.stack([1e4 + 1e-9 * np.real(z[0]) + 0 * z[0], z[0] * z[0]])

    found = complex_step(f, np.array([1e-4]), np.eye(1))
    assert found is not None
    assert abs(found.value[0, 0] - 1e-9) <= found.bound[0, 0]
    assert abs(found.value[0, 1] - 2e-4) <= found.bound[0, 1] <= 1e-15
