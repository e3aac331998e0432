"""The points that are proposed: in the domain, distinct, repeatable, and special in the ways that are promised."""

from __future__ import annotations

from itertools import product
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from gradcheck.claim import FIXED, POSITIVE, POSITIVE_DEFINITE, SIMPLEX, SYMMETRIC, Domain, Set, interval
from gradcheck.strategies import sets
from gradcheck.strategies.directions import cotangent, signs
from gradcheck.strategies.points import CLOSER, closer, nearby
from gradcheck.subjects.callables import Call, arrange, recognise

SEED = 7


def call(*leaves: Any, domain: Domain | None = None) -> Call:
    def forward(*arguments: Any) -> Any:
        return arguments[0]

    return arrange(recognise(forward, forward, None, False), leaves, domain=domain)


def drawn(subject: Call, profile: str = "default", **more: Any) -> list[tuple[str, tuple[Any, ...]]]:
    return list(nearby(subject, np.random.default_rng(SEED), profile=profile, **more))


def normal(*shape: int) -> Any:
    return np.random.default_rng(1).standard_normal(shape)


@pytest.mark.parametrize("profile, count", [("quick", 4), ("default", 60), ("thorough", 300)])
@pytest.mark.parametrize("shapes", [((),), ((5,),), ((3, 4), (4, 2), (2,)), ((2,), (2,))])
def test_counts_shapes_and_no_repetition(profile, count, shapes):
    leaves = tuple(normal(*s) for s in shapes)
    points = drawn(call(*leaves), profile)
    assert len(points) == count
    keys = {b"".join(a.tobytes() for a in point) for _, point in points} | {b"".join(a.tobytes() for a in leaves)}
    assert len(keys) == count + 1
    for origin, point in points:
        assert origin
        assert [(a.shape, a.dtype) for a in point] == [(a.shape, a.dtype) for a in leaves]
        assert all(np.all(np.isfinite(a)) for a in point)


def test_equal_generators_give_equal_points_whatever_is_drawn_meanwhile():
    subject = call(normal(3), normal(3))
    rng = np.random.default_rng(SEED)
    disturbed = []
    for origin, point in nearby(subject, rng, profile="default"):
        rng.normal(size=3)
        disturbed.append((origin, point))
    for (a, p), (b, q) in zip(drawn(subject), disturbed, strict=True):
        assert a == b
        assert all(x.tobytes() == y.tobytes() for x, y in zip(p, q, strict=True))


def test_the_given_leaves_are_never_written_to():
    leaves = (normal(4), normal(4), np.array([1, 2]))
    before = [a.copy() for a in leaves]
    for a in leaves:
        a.flags.writeable = False
    for _, point in drawn(call(*leaves), "thorough"):
        assert point[2] is leaves[2]
    assert all(np.array_equal(a, b) for a, b in zip(before, leaves, strict=True))


def test_a_scalar_visits_every_decade_in_both_signs():
    values = np.array([point[0] for origin, point in drawn(call(0.7)) if origin.startswith("magnitudes")])
    assert all(type(v) is np.float64 or isinstance(v, float) for v in values)
    decades = {(int(np.floor(np.log10(abs(v)))), bool(v > 0)) for v in values}
    assert decades >= set(product(range(-8, 5), (True, False)))
    assert len(values) >= 30


@pytest.mark.parametrize("shapes", [((), ()), ((2,), (40,)), ((3, 4), (4,))])
def test_each_of_several_arguments_visits_every_decade_in_both_signs(shapes):
    points = [p for origin, p in drawn(call(*(normal(*s) for s in shapes))) if origin.startswith("magnitudes from")]
    for k in range(len(shapes)):
        values = np.concatenate([np.reshape(p[k], -1) for p in points])
        decades = {(int(d), bool(v > 0)) for v, d in zip(values, np.floor(np.log10(np.abs(values))), strict=True)}
        assert decades >= set(product(range(-8, 5), (True, False)))


def special_ones(x: Any) -> set[str]:
    """What is special about a vector of five numbers."""
    zeros = int(np.sum(x == 0))
    found = {f"{zeros} zeros"} if zeros else set()
    found |= {"-0.0"} if np.any((x == 0) & np.signbit(x)) else set()
    found |= {"equal"} if len(set(x)) == 1 and x[0] not in (0, 1) else set()
    found |= {"ones"} if np.all(x == 1) else set()
    found |= {"tie"} if len(set(x)) == 4 and not zeros else set()
    found |= {"sorted"} if np.all(np.diff(x) > 0) else set()
    found |= {f"{x.max():g}"} if x.max() >= 3 else set()
    found |= {f"{x.min():g}"} if x.min() <= -3 else set()
    found |= {"subnormal"} if np.any((x != 0) & (np.abs(x) < 1e-300)) else set()
    found |= {"1e-20"} if np.any(x == 1e-20) else set()
    return found


def test_default_has_what_wrong_gradients_hide_behind():
    found = set().union(*(special_ones(p[0]) for _, p in drawn(call(normal(5)))))
    assert found >= {"1 zeros", "2 zeros", "5 zeros", "-0.0", "equal", "ones", "tie", "sorted", "subnormal", "1e-20"}
    assert found >= {"-20", "20", "100", "-800"}


def test_thorough_has_every_extreme_in_both_signs():
    found = set().union(*(special_ones(p[0]) for _, p in drawn(call(normal(5)), "thorough")))
    assert found >= {f"{s * v:g}" for s in (1, -1) for v in (3, 6, 12, 20, 30, 60, 100, 300, 800, 1e4)}


def test_quick_has_a_zero_a_tie_and_large_numbers_in_both_signs_of_each_argument():
    points = [p for _, p in drawn(call(normal(5), 0.3 * normal(2)), "quick")]
    for k in (0, 1):
        assert any(np.any(p[k] == 0) for p in points)
        assert any(len(set(p[k])) < len(p[k]) for p in points)
        assert max(p[k].max() for p in points) > 3 and min(p[k].min() for p in points) < -3


def test_quick_scalar_is_large_in_both_signs():
    values = [p[0] for _, p in drawn(call(np.array(0.5)), "quick")]
    assert max(values) > 3 and min(values) < -3 and 0 in values


def test_arguments_of_one_shape_become_equal():
    points = [p for _, p in drawn(call(normal(3), normal(3) + 1))]
    assert any(np.array_equal(x, y) and len(set(x)) == 3 for x, y in points)
    assert any(np.sum(x == y) == 1 for x, y in points)


def test_special_values_at_one_entry_and_at_all():
    points = [p[0] for _, p in drawn(call(normal(4)), special=(0.125, -7.5, np.nan))]
    for value in (0.125, -7.5):
        assert {1, 4} <= {int(np.sum(p == value)) for p in points}


DOMAINS = [
    POSITIVE,
    interval(0.0),
    interval(-1.0, 1.0),
    interval(-1, 1, closed=False),
    interval(high=2.0, closed=False),
]
DOMAINS += [interval(1.0, closed=False), interval(0.1, 0.3)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("within", DOMAINS, ids=Set.describe)
def test_intervals_are_respected_and_closed_ends_visited(within, dtype):
    start = 1.5 if within.low == 1 else 0.2
    points = [p[0] for _, p in drawn(call(np.full(3, start, dtype=dtype), domain=Domain((within,))), special=(0.5,))]
    assert len(points) == 60
    assert all(p.dtype == dtype and np.all(sets.contains(p, within)) for p in points)
    if within.closed and dtype is np.float64:
        for end in (within.low, within.high):
            assert np.isinf(end) or any(np.any(p == end) for p in points)


def test_structured_sets():
    b = normal(3, 3)
    domain = Domain((SYMMETRIC, POSITIVE_DEFINITE, SIMPLEX, FIXED))
    leaves = (b + b.T, b @ b.T + np.eye(3), np.full((2, 3), 1 / 3), normal(3))
    points = [p for _, p in drawn(call(*leaves, domain=domain))]
    assert len(points) == 60
    for symmetric, definite, simplex, fixed in points:
        assert np.array_equal(symmetric, symmetric.T)
        assert np.array_equal(definite, definite.T) and np.linalg.eigvalsh(definite).min() > 0
        assert np.all(simplex > 0)
        assert np.allclose(simplex.sum(-1), 1, rtol=0, atol=4 * 2.0**-53)  # three additions and a division
        assert fixed is leaves[3]
    for k in range(3):
        assert any(not np.array_equal(p[k], leaves[k]) for p in points)


def test_a_hermitian_matrix_stays_hermitian():
    b = normal(3, 3) + 1j * normal(3, 3)[::-1]
    points = [p[0] for _, p in drawn(call(b + b.conj().T, domain=Domain((SYMMETRIC,))))]
    assert all(np.array_equal(a, a.conj().T) for a in points)
    assert any(np.any(a.imag) for a in points)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.complex64, np.complex128])
def test_dtypes_are_kept_and_nothing_overflows(dtype):
    points = [p[0] for _, p in drawn(call(normal(4).astype(dtype)), special=(1e6, 1e300))]
    assert len(points) == 60
    assert all(p.dtype == dtype and np.all(np.isfinite(p)) for p in points)


def test_python_and_numpy_scalars_stay_what_they_are():
    points = [p for _, p in drawn(call(0.5, 1 + 2j, np.float32(3), 4))]
    assert {tuple(type(x) for x in p) for p in points} == {(float, complex, np.float32, int)}


def test_where_nothing_can_be_drawn_nothing_is():
    assert drawn(call(np.zeros((0, 3)))) == []
    assert drawn(call(normal(2), domain=Domain((FIXED,)))) == []
    assert drawn(call(np.ones((2, 1)), domain=Domain((SIMPLEX,)))) == []


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64, np.complex64, np.int64])
def test_cotangents(dtype):
    outputs = (np.zeros((50, 4), dtype=dtype), np.zeros((), dtype=dtype))
    given = cotangent(outputs, np.random.default_rng(SEED))
    assert [g.shape for g in given] == [(50, 4), ()]
    assert all(g.dtype == (np.float64 if dtype is np.int64 else dtype) for g in given)
    wide = sets.wide(given[0])
    for part in (wide.real, wide.imag) if np.iscomplexobj(wide) else (wide,):
        assert part.min() < 0 < part.max() and len(set(np.abs(part).flat)) > 10
        assert np.all((np.abs(part) >= 0.5) & (np.abs(part) <= 2))
        assert np.array_equal(part * 16, np.round(part * 16))


def test_signs():
    drawn_signs = signs(200, np.random.default_rng(SEED))
    assert set(drawn_signs) == {-1.0, 1.0} and drawn_signs.dtype == np.float64
    assert abs(drawn_signs.sum()) < 100  # seven standard deviations


def test_points_draw_nearer_to_the_given_one():
    """Each about so far away as it says, zeros included, and in the domain."""
    given = np.array([2.0, 0.0, -300.0])
    points = list(closer(call(given, domain=Domain((interval(-301.0, 2.5),))), np.random.default_rng(SEED)))
    assert len(points) == len(CLOSER)
    for by, (origin, (leaf,)) in zip(CLOSER, points, strict=True):
        away = np.abs(leaf - given) / np.where(given == 0, 1.0, np.abs(given))
        assert 0 < np.max(away) < 6 * by, origin  # six standard deviations
        assert leaf.min() >= -301.0 and leaf.max() <= 2.5
