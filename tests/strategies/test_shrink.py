"""Shrinking: simple numbers where they fail as well, the original otherwise, and no trace left behind."""

from __future__ import annotations

import os
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.strategies.shrink import smallest


def vector(n: int) -> np.ndarray:
    return 3 * np.random.default_rng(0).standard_normal(n)


@pytest.mark.parametrize("n", [1, 10, 64, 1000])
def test_only_what_matters_is_kept(n):
    v = np.abs(vector(n)) + 1
    answer = smallest(v, lambda x: x[-1] > 0.7, seed=1)
    assert np.array_equal(answer, np.eye(n)[-1])


def test_two_coordinates_that_matter_together():
    v = vector(10)
    v[[2, 7]] = 3.3, -1.7
    answer = smallest(v, lambda x: x[2] > 0.2 and x[7] < -0.2, seed=1)
    expected = np.zeros(10)
    expected[[2, 7]] = 1, -1
    assert np.array_equal(answer, expected)


@pytest.mark.parametrize("kept", [-2.5, 0.5, 3.14159])
def test_rounded_values_and_the_original_are_candidates(kept):
    v = np.array([kept, 1.234])
    assert np.array_equal(smallest(v, lambda x: x[0] == kept, seed=3), [kept, 0])
    assert np.array_equal(smallest(np.array([2.718]), lambda x: x[0] > 2.5, seed=3), [3])
    assert np.array_equal(smallest(np.array([2.718]), lambda x: 2.6 < x[0] < 2.9, seed=3), [2.7])


@pytest.mark.parametrize("n", [1, 10, 64, 300])
def test_the_original_where_nothing_simpler_fails(n):
    v = vector(n)
    assert np.array_equal(smallest(v, lambda x: bool(np.all(x == v)), seed=1), v)


def test_trouble_gives_the_original():
    v = vector(5)

    def raises(x):
        raise ValueError

    calls = []

    def flaky(x):
        calls.append(1)
        return len(calls) % 2 == 1

    assert np.array_equal(smallest(v, raises, seed=1), v)
    assert np.array_equal(smallest(v, lambda x: False, seed=1), v)
    assert smallest(v, flaky, seed=1).shape == v.shape
    assert smallest(v[:0], lambda x: True, seed=1).shape == (0,)
    assert np.array_equal(
        smallest(np.array([np.nan]), lambda x: bool(np.isnan(x[0])), seed=1), [np.nan], equal_nan=True
    )


def test_the_predicate_may_write_to_its_argument():
    v = vector(4)
    before = v.copy()

    def greedy(x):
        failing = x[3] * before[3] > 0
        x[:] = 99
        return bool(failing)

    answer = smallest(v, greedy, seed=1)
    assert np.array_equal(v, before) and np.array_equal(np.abs(answer), [0, 0, 0, 1])


def test_dtype_is_kept():
    assert smallest(vector(3).astype(np.float32), lambda x: x[0] != 0, seed=1).dtype == np.float32


def test_no_state_and_no_files_are_left(tmp_path, monkeypatch):
    from hypothesis import configuration

    monkeypatch.chdir(tmp_path)
    random.seed(5)
    np.random.seed(5)
    before = random.getstate(), np.random.get_state()[1].tobytes(), configuration.storage_directory("x").path
    first = smallest(vector(6), lambda x: np.abs(x).sum() > 4, seed=1)
    assert before[:1] == (random.getstate(),)
    assert before[1] == np.random.get_state()[1].tobytes()
    assert before[2] == configuration.storage_directory("x").path
    assert os.listdir(tmp_path) == []
    random.seed(6)
    assert np.array_equal(first, smallest(vector(6), lambda x: np.abs(x).sum() > 4, seed=1))


@settings(max_examples=3, deadline=None, database=None)
@given(st.floats(1, 9))
def test_inside_a_users_own_given(size):
    answer = smallest(np.array([size, size + 1]), lambda x: x[1] > 0.5, seed=1)
    assert np.array_equal(answer, [0, 1])


def test_the_number_of_calls_and_the_time_are_bounded():
    calls = []

    def fails(x):
        calls.append(1)
        return np.abs(x).sum() > 12

    start = time.perf_counter()
    smallest(vector(10), fails, seed=1, max_examples=50)
    assert len(calls) <= 150
    assert time.perf_counter() - start < 5  # 0.1 s alone; room for a loaded machine
