"""Every float16 and bfloat16 input: rounding is held against exact fractions, and wrong rules are seen where they are wrong."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import gammaln

pytest.importorskip("sympy")

from gradcheck.claim import NONNEGATIVE, REALS
from gradcheck.proofs import exhaustive as every_input
from gradcheck.proofs.exhaustive import (
    DECIDED,
    KINK,
    NO_VALUE,
    TYPES,
    UNDECIDED,
    _odd,
    _rounded,
    every,
    numbers,
    slopes_of,
    truth,
)


def nearest(value: Fraction, dtype: str) -> float:
    """The nearest number of the type, ties to even, by search among all of them."""
    there = numbers(dtype)[:0x8000]
    there = there[np.isfinite(there)]
    size = abs(value)
    i = int(np.searchsorted(there, float(size)))
    near = range(max(0, i - 2), min(there.size, i + 3))
    best = min(near, key=lambda k: (abs(Fraction(float(there[k])) - size), k & 1))  # the pattern k is even or odd
    return float(np.copysign(there[best], float(value)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_rounding_by_way_of_odd_is_rounding_once(dtype: str) -> None:
    """Halfway points, and numbers beside them by less than float64 can say: where rounding twice goes wrong."""
    tiny = Fraction(1, 2**200)
    there = numbers(dtype)
    for low, high in zip(there[0x0001:0x7000:97], there[0x0002:0x7001:97], strict=True):
        middle = (Fraction(low) + Fraction(high)) / 2
        for side in (-1, 0, 1):
            found = _rounded(_odd(np.array([float(middle)]), np.array([float(side)])), dtype).view(TYPES[dtype])
            assert float(found[0]) == nearest(middle + side * tiny * middle, dtype)


def test_bfloat16_is_not_rounded_twice() -> None:
    """1 + 2^-8 + 2^-40 is above the middle of 1 and its successor; by way of a rounded float32 it would become 1."""
    found = _rounded(np.array([1 + 2.0**-8 + 2.0**-40]), "bfloat16").view(TYPES["bfloat16"])
    assert float(found[0]) == 1 + 2.0**-7


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_right_rule_is_right_everywhere_and_a_wrong_one_is_seen(tmp_path: Path, dtype: str) -> None:
    table = truth(np.square, REALS, dtype, {}, tmp_path)
    right = every(slopes_of(lambda g, x: (g * 2 * x,), dtype, {}), table, dtype)
    assert (right.wrong, right.undecided, right.worst) == (0, 0, 0.0)
    assert right.judged == int(np.sum(np.isfinite(numbers(dtype))))
    one_off = every(slopes_of(lambda g, x: (g * np.where(x == 3, 5, 2 * x),), dtype, {}), table, dtype)
    assert (one_off.wrong, one_off.where) == (1, 3.0)
    assert one_off.worst == 1 / np.ldexp(1.0, 3 - every_input.DIGITS[dtype])


def test_no_number_where_there_is_a_derivative_is_infinitely_wrong(tmp_path: Path) -> None:
    table = truth(np.sqrt, NONNEGATIVE, "float16", {}, tmp_path)
    found = every(
        slopes_of(lambda g, x: (np.where(x == 1, np.nan, g / 2 / np.sqrt(x)),), "float16", {}), table, "float16"
    )
    assert (found.worst, found.where) == (np.inf, 1.0)


def test_ties_are_left_out_and_branches_are_all_followed(tmp_path: Path) -> None:
    table = truth(lambda x: np.maximum(x, 0), REALS, "float16", {}, tmp_path)
    x = np.arange(65536, dtype=np.uint16).view(np.float16)
    assert np.array_equal(table.state == KINK, x == 0)
    decided = table.state == DECIDED
    assert np.array_equal(table.value[decided], (x[decided] > 0).astype(float))


def test_halfway_derivatives_are_decided_by_fractions(tmp_path: Path) -> None:
    """x (x + 3) / 6 has the slope (2x + 3) / 6, which no ball holds exactly; none of its values is left undecided."""
    table = truth(lambda x: x * (x + 3) / 6, REALS, "float16", {}, tmp_path)
    x = np.arange(65536, dtype=np.uint16).view(np.float16)
    decided = np.flatnonzero(table.state == DECIDED)
    assert decided.size == np.sum(np.isfinite(x))
    for k in decided[::997]:
        slope = (2 * Fraction(float(x[k])) + 3) / 6
        assert float(table.rounded[k : k + 1].view(np.float16)[0]) == nearest(slope, "float16")


def test_a_table_is_kept_made_anew_for_another_text_and_when_spoilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    real = every_input._make
    monkeypatch.setattr(every_input, "_make", lambda *given: made.append(given) or real(*given))
    first = truth(np.square, REALS, "float16", {}, tmp_path)
    truth(np.square, REALS, "float16", {}, tmp_path)
    assert len(made) == 1
    truth(np.negative, REALS, "float16", {}, tmp_path)
    assert len(made) == 2
    for file in tmp_path.glob("*.npz"):
        file.write_bytes(b"PK spoilt")
    again = truth(np.square, REALS, "float16", {}, tmp_path)
    assert len(made) == 3
    assert np.array_equal(first.rounded, again.rounded)


def test_a_derivative_beyond_the_type_rounds_to_infinity(tmp_path: Path) -> None:
    table = truth(np.exp, REALS, "float16", {}, tmp_path)
    x = numbers("float16")
    finite = np.isfinite(x)
    assert np.all(table.state[finite] == DECIDED)
    beyond = finite & (x > 12)  # e^12 > 65520
    assert np.all(np.isinf(table.rounded[beyond].view(np.float16)))
    found = every(
        slopes_of(lambda g, x: (g * np.minimum(np.exp(x), x.dtype.type(65504)),), "float16", {}), table, "float16"
    )
    assert found.wrong >= int(np.sum(beyond))


def test_a_pole_has_no_derivative_and_nothing_beside_it_is_left_open(tmp_path: Path) -> None:
    table = truth(gammaln, REALS, "float16", {}, tmp_path)
    x = numbers("float16")
    whole = np.isin(x, np.arange(-65504.0, 0.0))
    assert np.array_equal(table.state == NO_VALUE, whole) and not np.any(table.state == UNDECIDED)


def test_what_is_run_gets_the_numbers_as_they_are_and_must_answer_in_their_shape(tmp_path: Path) -> None:
    table = truth(np.square, REALS, "bfloat16", {}, tmp_path)
    seen = []

    def doubled(x: Any) -> Any:
        seen.append(x.dtype)
        return (2 * x.astype(np.float32)).astype(x.dtype)

    assert every(doubled, table, "bfloat16").wrong == 0 and seen == [TYPES["bfloat16"]]
    with pytest.raises(ValueError, match="shape"):
        every(lambda x: x[:3], table, "bfloat16")
