"""Texts are traced as they are; what cannot be traced says which call it was; nothing becomes floats, and nothing stays replaced."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from gradcheck.numbers.agreement import agrees
from gradcheck.numbers.array import STATE, Traced
from gradcheck.numbers.balls import Balls
from gradcheck.numbers.errors import Undecided, Untraceable
from gradcheck.numbers.exact import Rationals
from gradcheck.numbers.floats import FLOAT64
from gradcheck.numbers.tracing import trace
from gradcheck.numbers.truth import certified_difference, certified_gradient
from tests.numbers import texts
from tests.numbers.texts import VECTOR, cases


@pytest.mark.parametrize(("text", "x"), cases())
def test_the_value_is_the_float_forwards(text: Any, x: Any) -> None:
    before = x.copy()
    found = trace(text, [x])
    assert agrees(found, [x], text(x.copy()))
    assert np.array_equal(x, before)


@pytest.mark.parametrize(("text", "x"), cases())
def test_reverse_in_balls_and_values_alone_agree(text: Any, x: Any) -> None:
    found = trace(text, [x])
    g = [np.cos(np.arange(ids.size) + 1.0) for ids in found.program.outputs]
    by_rules = certified_gradient(found.program, [x], g)[0]
    by_values = certified_difference(found.program, [x], g)[0]
    gap = np.abs((by_rules.value - by_values.value) + (by_rules.rest - by_values.rest))
    # the sum of two float64 pairs is rounded once more
    assert np.all(gap <= by_rules.bound + by_values.bound + 2.0**-104 * np.abs(by_rules.value) + 2.0**-1074)
    assert np.all(by_values.bound <= 2.0**-50 * np.maximum(np.abs(by_values.value), 2.0**-50))


@pytest.mark.parametrize(
    ("text", "call"),
    [
        (lambda x: np.fft.fft(x).real, "numpy.fft.fft"),
        (lambda x: np.linalg.eigh(np.outer(x, x))[0], "numpy.linalg.eigh"),
        (lambda x: np.linalg.svd(np.outer(x, x))[1], "numpy.linalg.svd"),
        (lambda x: float(x[0]) * x, "float()"),
        (lambda x: complex(x[0]).real * x, "complex()"),
        (lambda x: math.fsum(x) * x, "float()"),
        (lambda x: x * 1j, "multiply"),
        (lambda x: special.zeta(x * x + 2), "zeta"),
        (lambda x: x.tobytes() and x, "tobytes"),
        (lambda x: x.view(np.int64) * x, "view"),
        (lambda x: np.frombuffer(x), "frombuffer"),
        (lambda x: np.unique(x), "unique"),
        (lambda x: np.histogram(x)[0] * x, "histogram"),
        (lambda x: np.quantile(x, 0.5, method="hazen"), "quantile"),
        (lambda x: PLAIN.__iadd__(x), "add"),
        (lambda x: PLAIN.__setitem__(0, x[0]) or x, "float()"),
        (lambda x: {"y": x}, "return value"),
    ],
)
def test_what_cannot_be_traced_says_which_call_it_was(text: Any, call: str) -> None:
    with pytest.raises(Untraceable) as caught:
        trace(text, [VECTOR])
    assert call in caught.value.call
    assert caught.value.call in str(caught.value)


PLAIN = np.zeros(3)
"""Made before any trace: it cannot hold traced numbers."""


def test_a_text_that_hides_the_refusal_is_refused_all_the_same() -> None:
    def text(x: Any) -> Any:
        try:
            return np.fft.fft(x).real
        except Exception:
            return x * 2

    with pytest.raises(Untraceable, match=r"numpy\.fft\.fft"):
        trace(text, [VECTOR])


def test_an_array_that_outlived_its_trace_is_refused() -> None:
    kept: list[Any] = []

    def text(x: Any) -> Any:
        kept.append(x)
        return x * kept[0]

    trace(text, [VECTOR])
    with pytest.raises(Untraceable, match="earlier trace"):
        trace(text, [VECTOR])
    with pytest.raises(Untraceable, match="outlived"):
        kept[0] + 1


def test_a_text_that_traces_is_refused() -> None:
    with pytest.raises(Untraceable, match="another one"):
        trace(lambda x: trace(np.exp, [VECTOR]).value[0] * x, [VECTOR])


def replaced_names() -> list[Any]:
    return [
        texts.zeros,
        texts.asarray,
        texts.np,
        texts.math,
        texts.math_exp,
        texts.logsumexp,
        np.zeros,
        np.float64,
        np.vectorize.__call__,
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_every_name_is_put_back(fails: bool) -> None:
    before = replaced_names()
    seen = []

    def text(x: Any) -> Any:
        seen.extend(replaced_names())
        if fails:
            raise RuntimeError("the text's own")
        return texts.recurrent_buffer(x) + make(3)

    make = np.zeros
    if fails:
        with pytest.raises(Untraceable, match="the text's own"):
            trace(text, [VECTOR])
    else:
        trace(text, [VECTOR])
    changed = [a is not b for a, b in zip(before, seen, strict=True)]
    assert changed[:6] == [True] * 6  # a test that could not fail otherwise
    assert seen[6] is not before[6]  # the text's own np is a proxy
    assert all(a is b for a, b in zip(before, replaced_names(), strict=True))
    assert make is np.zeros and STATE.tape is None


def test_other_threads_get_plain_arrays_meanwhile() -> None:
    kinds: list[type] = []

    def text(x: Any) -> Any:
        other = threading.Thread(target=lambda: kinds.append(type(np.zeros(2))))
        other.start()
        other.join()
        kinds.append(type(np.zeros(2)))
        return x

    trace(text, [VECTOR])
    assert kinds == [np.ndarray, Traced]


def test_traces_in_threads_wait_for_each_other() -> None:
    found: list[Any] = []

    def run(k: int) -> None:
        for _ in range(5):
            found.append((k, trace(lambda x: np.zeros(3) + k * x, [VECTOR]).value[0]))

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 20
    assert all(np.array_equal(value, k * VECTOR) for k, value in found)


def test_flints_precision_is_put_back() -> None:
    from flint import ctx

    before = ctx.prec
    trace(np.exp, [VECTOR], field=Balls(333))
    with pytest.raises(Untraceable):
        trace(np.fft.fft, [VECTOR])
    assert ctx.prec == before


def test_equal_numbers_are_a_tie_and_are_noted() -> None:
    at_kink = trace(lambda x: np.maximum(x, 0), [np.array([1.0, 0.0, -2.0])])
    assert [(t.call, t.left.size) for t in at_kink.ties] == [("maximum", 1)]
    assert not trace(lambda x: np.maximum(x, 0), [np.array([1.0, 1e-300, -2.0])]).ties


def test_numbers_made_by_one_expression_of_equal_numbers_are_equal() -> None:
    found = trace(lambda x: np.max(np.exp(x) / np.sum(np.exp(x))), [np.array([0.3, 0.3, 0.1])])
    assert len(found.ties) == 1


def test_a_comparison_that_no_precision_decides_is_raised() -> None:
    def text(x: Any) -> Any:
        return np.where(np.sin(x) ** 2 + np.cos(x) ** 2 > 1, x, -x)

    with pytest.raises(Undecided, match="greater cannot be decided"):
        trace(text, [np.array([0.3])])


def test_a_comparison_that_128_bits_do_not_decide_is_decided_by_more() -> None:
    # 1 + 2^-300 > 1 needs 300 bits.
    found = trace(lambda x: np.where(1 + x**300 > 1, x, -x), [np.array([0.5])])
    assert found.value[0] == 0.5
    with pytest.raises(Undecided):
        trace(lambda x: np.where(1 + x**300 > 1, x, -x), [np.array([0.5])], field=Balls(128))


@pytest.mark.parametrize(("side", "slope"), [(1.0, 1.0), (-1.0, 0.0)])
def test_a_direction_takes_the_branch_beside_a_tie(side: float, slope: float) -> None:
    x = np.array([0.0])
    found = trace(lambda x: np.where(x > 0, x, 0.0), [x], direction=[np.array([side])])
    assert not found.ties
    assert certified_gradient(found.program, [x], [np.ones(1)])[0].value == slope


def test_casts_to_narrower_types_are_the_identity_and_noted() -> None:
    x = np.array([0.1, 0.3])
    found = trace(lambda x: x.astype(np.float32) * 3 + np.float32(x[0]), [x])
    with Balls(256).working():
        assert np.allclose(found.value[0], 3 * x + x[0], rtol=2.0**-52, atol=0)
    assert found.notes == ("a cast to float32 denotes the same real number",)
    assert found.unit == 2.0**-24


def parabola(x: Any, y: Any) -> Any:
    return np.linalg.lstsq(np.vander(x, 3), y)[0]


def test_least_squares_of_full_rank_and_of_no_certain_rank() -> None:
    x, y = np.array([0.3, -1.2, 0.7, 1.9]), np.array([1.0, 0.2, -0.4, 0.9])
    for m in (2, 3, 4):  # fewer unknowns than equations, as many, more
        assert agrees(trace(parabola, [x[:m], y[:m]]), [x[:m], y[:m]], parabola(x[:m], y[:m]))
    for close in (0.0, 2.0**-50):  # two points of three are one, or nearly: NumPy drops a singular value
        with pytest.raises(Untraceable, match="the rank of its matrix is in doubt"):
            trace(parabola, [np.array([0.5, 1.0, 1.0 + close]), y[:3]])


def test_singular_values_that_least_squares_returns_are_not_used() -> None:
    uses: list[Any] = [lambda s: s[0], np.max, lambda s: 2 * s, np.sqrt, len, list, lambda s: s.sum(), lambda s: s > 0]
    for use in uses:
        with pytest.raises(Untraceable, match="the text uses its singular values"):
            trace(lambda a, use=use: a[0] * use(np.linalg.lstsq(a, a)[3]), [np.eye(2) + 0.5])


def test_close_numbers_need_no_sign_of_their_difference() -> None:
    """Those of one softmax sum to one: no precision tells the sign of what is left over."""

    def text(x: Any) -> Any:
        p = np.exp(x) / np.sum(np.exp(x))
        assert np.allclose(p.sum(), 1) and not np.allclose(p.sum(), 1 + 1e-4) and not np.isclose(1 + 1e-4, p.sum())
        return p

    x = np.array([0.3, -1.2, 0.7])
    assert agrees(trace(text, [x]), [x], text(x))


def test_enumerated_entries_are_traced() -> None:
    def text(x: Any) -> Any:
        return sum((i + 2 * j) * v**2 for (i, j), v in np.ndenumerate(x))

    x = np.array([[0.3, -1.2], [0.7, 2.0]])
    found = trace(text, [x])
    slopes = certified_gradient(found.program, [x], [np.ones(())])[0].value
    assert np.array_equal(slopes, 2 * x * np.array([[0, 2], [1, 3]]))


def test_an_output_without_entries_is_no_hindrance() -> None:
    x = np.array([0.3, -1.2])
    found = trace(lambda x: (x * x, x[:0]), [x])
    assert agrees(found, [x], (x * x, x[:0]))
    assert np.array_equal(certified_gradient(found.program, [x], [np.ones(2), np.ones(0)])[0].value, 2 * x)


def test_integers_stay_plain() -> None:
    kinds = []

    def text(x: Any, index: Any, flag: bool) -> Any:
        kinds.extend([type(x), type(index), type(flag)])
        return x[index]

    found = trace(text, [VECTOR, np.array([2, 0]), True])
    assert kinds == [Traced, np.ndarray, bool]
    assert len(found.program.inputs) == 1


def test_wrt_leaves_the_others_constant() -> None:
    found = trace(lambda a, b: a * b, [VECTOR, VECTOR], wrt=[1])
    assert len(found.program.inputs) == 1
    assert np.array_equal(certified_gradient(found.program, [VECTOR], [np.ones(3)])[0].value, VECTOR)


def test_constants_are_what_float64_makes_of_them() -> None:
    def text(x: Any) -> Any:
        table = np.zeros(2)
        table[0] = 0.1
        table += 0.2
        assert float(table[0]) == 0.1 + 0.2
        return x * table[0]

    found = trace(text, [np.ones(1)])
    assert found.value[0] == 0.1 + 0.2


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6))
def test_rationals_decide_and_compute_exactly(entries: list[int]) -> None:
    x = np.array(entries, float) / 4

    def text(x: Any) -> Any:
        return np.cumsum(np.sort(x) ** 2) / (1 + np.abs(x)) - np.max(x)

    found = trace(text, [x], field=Rationals())
    from fractions import Fraction

    exact = [Fraction(v) for v in x.tolist()]
    total, expected = Fraction(0), []
    for one, other in zip(sorted(exact), exact, strict=True):
        total += one**2
        expected.append(total / (1 + abs(other)) - max(exact))
    got = found.program.evaluate(Rationals(), [Rationals().constants(x)])[0]
    assert [Fraction(int(v.p), int(v.q)) for v in got] == expected


def test_complex_inputs_are_refused() -> None:
    with pytest.raises(Untraceable, match="complex"):
        trace(np.abs, [np.array([1j])])


def test_a_wrong_branch_does_not_agree() -> None:
    """Python's isinstance sees another type: only the value tells."""

    def text(v: Any) -> Any:
        return v * (2 if isinstance(v[0], float) else 3)

    found = trace(text, [VECTOR])
    assert not agrees(found, [VECTOR], text(VECTOR))


def test_what_einsum_gives_of_one_operand_is_a_view() -> None:
    def doubled_on_the_diagonal(x: Any) -> Any:
        out = x * x
        np.einsum("ii->i", out)[...] *= 2
        np.einsum("ij->ji", out)[0, 1] = 0.0
        return out

    x = np.arange(1.0, 10.0).reshape(3, 3)
    made = trace(doubled_on_the_diagonal, [x])
    got = made.program.gradient(FLOAT64, [x.ravel()], [np.ones(9)])[0]
    expected = 2 * x * (1 + np.eye(3))
    expected[1, 0] = 0.0
    assert np.array_equal(got.reshape(3, 3), expected)
