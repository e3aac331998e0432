"""What a page draws: errors against certified truth, the Jacobian entry by entry, and the Taylor remainder; each with a wrong twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest

from gradcheck import catalogue
from gradcheck.engine.jacobian import COLUMNS, jacobian_of
from gradcheck.engine.pictures import curve_of, ulps_of, unit_in_last_place
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Status
from gradcheck.subjects import load
from gradcheck.subjects.callables import Call, arrange
from gradcheck.subjects.protocol import Implementation

A = np.array([[1.0, 2.0], [3.0, 4.0]])
B = np.array([[0.5, -1.5], [2.0, 0.25]])


def arranged(forward: Callable[..., Any], vjp: Callable[..., Any], *inputs: Any) -> Call:
    return arrange(Implementation(forward=forward, vjp=vjp), inputs, kwargs={})


def tanh_vjp(g: Any, x: Any) -> Any:
    return g * (1 - np.tanh(x) ** 2)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_the_error_in_ulp_is_that_of_another_library_at_high_precision(dtype: str) -> None:
    call = arranged(np.tanh, tanh_vjp, np.array([0.5, -0.25]))
    (samples,) = ulps_of(call, np.tanh, np.random.default_rng(3), (dtype,))
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    assert samples.bits is not None and np.all(samples.bits >= 128)
    assert samples.method == ""
    with mpmath.workprec(400):
        for x, error, bound in zip(samples.inputs, samples.errors, samples.bounds, strict=True):
            given = np.array([x, -0.25]).astype(kind)
            assert float(given[0]) == x
            g = np.asarray(_weights(kind, np.random.default_rng(1)))
            answer = float(tanh_vjp(g, given)[0])
            exact = mpmath.mpf(float(g[0])) * mpmath.sech(mpmath.mpf(x)) ** 2
            unit = unit_in_last_place(float(exact), kind)
            assert abs(float(abs(answer - exact) / unit) - error) <= bound * (1 + 2.0**-40) + 2.0**-40 * error
            # An error of half an ulp is told from one that is a little more; one of 2^52 is known to 52 bits.
            assert bound <= 2.0**-6 + 2.0**-50 * error


def _weights(kind: np.dtype[Any], rng: np.random.Generator) -> Any:
    from gradcheck.strategies.directions import cotangent

    return cotangent((np.zeros(2, kind),), rng)[0]


def test_what_cannot_be_traced_is_estimated_and_says_by_what() -> None:
    def forward(x: Any) -> Any:
        return np.array([float(v) ** 2 for v in x])

    (samples,) = ulps_of(
        arranged(forward, lambda g, x: 2 * g * x, np.array([1.0, 2.0])), forward, np.random.default_rng(0), ("float64",)
    )
    assert samples.bits is not None and not samples.bits.any()
    assert samples.method


@pytest.mark.parametrize(
    ("value", "dtype", "unit"),
    [
        (1.0, "float64", 2.0**-52),
        (-1.5, "float64", 2.0**-52),
        (np.nextafter(2.0, 0), "float64", 2.0**-52),
        (2.0, "float32", 2.0**-22),
        (0.0, "float64", 2.0**-1074),
        (2.0**-1070, "float64", 2.0**-1074),
        (3.0, "bfloat16", 2.0**-6),
    ],
)
def test_the_unit_in_the_last_place(value: float, dtype: str, unit: float) -> None:
    assert unit_in_last_place(value, np.dtype(getattr(ml_dtypes, dtype, dtype))) == unit


def matmul_vjp(g: Any, a: Any, b: Any) -> Any:
    return g @ b.T, a.T @ g


def without_transpose(g: Any, a: Any, b: Any) -> Any:
    return g @ b, a.T @ g


def test_the_jacobian_marks_the_wrong_entries_and_no_other() -> None:
    call = arranged(np.matmul, matmul_vjp, A, B)
    right = jacobian_of(call, np.matmul, (A, B), "here", np.random.default_rng(0))
    assert right is not None
    assert right.got.shape == (4, 8) and not right.wrong.any() and np.all(right.bits > 0)
    assert right.columns[1] == f"{call.paths[0]}[0, 1]" and right.rows[-1] == "y[1, 1]"
    wrong = jacobian_of(
        arranged(np.matmul, without_transpose, A, B), np.matmul, (A, B), "here", np.random.default_rng(0)
    )
    assert wrong is not None
    np.testing.assert_array_equal(wrong.expected, right.expected)
    np.testing.assert_array_equal(wrong.wrong, wrong.got != wrong.expected)
    assert wrong.wrong[:, :4].any() and not wrong.wrong[:, 4:].any()
    products = np.kron(np.eye(2), B.T)  # d (A B)_ij / d A_kl = delta_ik B_lj
    np.testing.assert_array_equal(right.expected[:, :4], products)


def test_entries_that_are_zero_at_zero_are_wrong_where_the_gradient_is_known_to_be() -> None:
    """There the shortest differences are swallowed, and say of a missing term that it is missing."""
    x = np.zeros(3)

    def softmax(x: Any) -> Any:
        e = np.exp(x - np.max(x))
        return e / np.sum(e)

    call = arranged(softmax, lambda g, x: g * softmax(x) * (1 - softmax(x)), x)
    found = jacobian_of(call, softmax, (x,), "here", np.random.default_rng(0), failing=True)
    assert found is not None
    np.testing.assert_array_equal(found.wrong, ~np.eye(3, dtype=bool))


def test_a_large_jacobian_is_left_out() -> None:
    x = np.linspace(0.1, 1.0, COLUMNS + 1)
    assert jacobian_of(arranged(np.tanh, tanh_vjp, x), np.tanh, (x,), "here", np.random.default_rng(0)) is None


class Doubled:
    """The reference, but for a doubled gradient of tanh, and without bfloat16."""

    name, version = "doubled", "1"

    def __init__(self) -> None:
        self.reference = load("reference")

    def supports(self, operator: str, dtype: np.dtype[Any]) -> bool:
        return dtype.name != "bfloat16" and self.reference.supports(operator, dtype)

    def implementation(self, operator: str, params: Any) -> Any:
        right = self.reference.implementation(operator, params)
        if right is None or operator != "tanh":
            return right
        return replace(right, vjp=lambda g, x, **k: tuple(2 * v for v in right.vjp(g, x, **k)))


def test_a_record_has_the_pictures_of_its_failure_in_every_type_that_is_there() -> None:
    records = {name: verify_operator(Doubled(), catalogue.operator(name), profile="quick") for name in ("tanh", "exp")}
    wrong, right = records["tanh"].jacobian, records["exp"].jacobian
    assert records["tanh"].status is Status.FAIL and records["exp"].status is Status.PASS
    assert wrong is not None and wrong.wrong.any() and np.all(wrong.wrong == (wrong.expected != 0))
    assert right is not None and not right.wrong.any() and right.origin == "the given point"
    points = [f.point for f in records["tanh"].findings if f.severity.fails and f.point is not None]
    assert wrong.got.shape[1] == min(sum(x.size for x in point.inputs) for point in points)
    for record in records.values():
        assert [samples.dtype for samples in record.ulps] == ["float64", "float32", "float16"]
        assert all(samples.bits is not None and np.all(samples.bits > 0) for samples in record.ulps)
    # A doubled gradient is off by its own size: between 2^52 and 2^53 ulp, and honest rounding by a few.
    assert min(records["tanh"].ulps[0].errors[records["tanh"].ulps[0].inputs ** 2 < 1]) >= 2.0**52 - 8
    assert max(records["exp"].ulps[0].errors) < 8


def slope(curve: Any) -> float:
    used = curve.remainders > 64 * curve.remainder_noise
    return float(np.polyfit(np.log(curve.remainder_steps[used][-6:]), np.log(curve.remainders[used][-6:]), 1)[0])


def test_the_remainder_falls_with_the_square_of_the_step_only_for_the_derivative() -> None:
    x = np.array([0.5, -0.25, 1.5])

    def one_entry_off(g: Any, x: Any) -> Any:
        return tanh_vjp(g, x) * np.array([1.0, 1.0, 1 + 2.0**-10])

    right, wrong = (curve_of(arranged(np.tanh, vjp, x), np.tanh) for vjp in (tanh_vjp, one_entry_off))
    assert right is not None and wrong is not None
    # The next term of the expansion is smaller by a factor of h, at most a hundredth here.
    assert abs(slope(right) - 2) < 0.05
    assert abs(slope(wrong) - 1) < 0.05


def test_the_remainder_of_a_linear_function_is_rounding_alone() -> None:
    curve = curve_of(arranged(lambda x: 3 * x, lambda g, x: 3 * g, np.array([0.5, -0.25])), lambda x: 3 * x)
    assert curve is not None and curve.remainders is not None and curve.remainder_noise is not None
    assert np.all(curve.remainders <= 8 * curve.remainder_noise)
