"""The parts of a page: axes, bins, classes of shapes, the slope of a remainder, the Jacobian's errors, limits and labels."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.records import SECOND, SECOND_OPEN, Coverage, Dataflow, Node, Record, UlpSamples, finding_id
from gradcheck.records_io import Run
from gradcheck.report import build, figures, matrices, pictures, text
from gradcheck.report.axes import Axis, counted, logarithmic, signed
from gradcheck.report.coverage import by_class, by_subject, facts, shape_class
from gradcheck.report.limits import FULL, LARGEST
from gradcheck.report.status import worst
from gradcheck.report.summarise import certified
from gradcheck.report.taylor import slope
from tests.report import sample

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FINITE, max_size=8))
def test_axes_hold_every_value_in_order_and_their_ticks_lie_on_them(values: list[float]) -> None:
    data = np.array(sorted(values))
    for axis in (logarithmic([data], ""), signed(data, ""), counted(np.abs(data), "")):
        assert axis.low < axis.high
        places = axis.share(data)
        assert np.all((places >= 0) & (places <= 1))
        assert np.all(np.diff(places) >= 0)
        assert all(axis.low <= tick <= axis.high for tick in axis.ticks)
        assert len(axis.ticks) <= 13 and list(axis.ticks) == sorted(set(axis.ticks))


def test_a_decade_is_as_long_as_the_next_one() -> None:
    axis = Axis(kind="symlog", low=-1000.0, high=1000.0, label="")
    places = axis.share(np.array([1.0, 10.0, 100.0, 1000.0]))
    assert np.allclose(np.diff(places), 1 / 8, rtol=1e-12)  # four decades on either side; a few ulp of the division
    assert axis.share(np.array([0.0]))[0] == 0.5
    assert Axis(kind="linear", low=0.0, high=9.0, label="").ticks == (0.0, 2.0, 4.0, 6.0, 8.0)


@given(st.lists(st.floats(min_value=0), max_size=30))
def test_every_error_is_in_one_bin(errors: list[float]) -> None:
    found = pictures.bins(np.array(errors))
    assert sum(count for _, count in found) == len(errors)
    assert len(found) <= 11


def test_bins_end_where_they_say() -> None:
    errors = np.array([0.0, 0.25, 0.26, 0.5, 3.9, 4.0, 100.0, 1e9, np.nan])
    assert [count for _, count in pictures.bins(errors)] == [2, 2, 0, 0, 2, 0, 0, 0, 0, 2, 1]
    assert [words for words, _ in pictures.bins(errors)][-2:] == ["over 64", "not finite"]


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ("()", "scalars"),
        ("(3,) (3,)", "vectors"),
        ("(2,3) (3,4)", "matrices"),
        ("(2,3,4)", "rank 3 and more"),
        ("(2,3,4,5,6)", "rank 3 and more"),
        ("(3,) (3,4)", "ranks that broadcast"),
        ("(0,2) (2,)", "empty arrays"),
        ("(3, 4), (4, 2)", "matrices"),
        ("anything", "other"),
    ],
)
def test_shapes_have_a_class(shapes: str, expected: str) -> None:
    assert shape_class(shapes) == expected


def test_coverage_sums_what_has_one_type_and_class() -> None:
    rows = tuple(
        Coverage(parameters=p, shapes=s, dtype=d, counts=sample.counts(n, wrong=1))
        for p, s, d, n in (
            ("", "(2,)", "float64", 6),
            ("k=1", "(3,)", "float64", 12),
            ("", "(2,)", "float32", 18),
            ("", "()", "float64", 24),
        )
    )
    table = by_class(rows)
    right, wrong = table.head.index("right"), table.head.index("wrong")
    found = [(*row[:2], row[right], row[wrong]) for row in table.body]
    assert found == [
        ("float64", "scalars", "24", "1"),
        ("float64", "vectors", "18", "2"),
        ("float32", "vectors", "18", "1"),
    ]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_slope_of_a_remainder_is_its_order(order: int) -> None:
    found = slope(sample.curve(order))
    assert found is not None and found.value is not None
    # The sample's noise is up to a sixty-fourth of the least fitted remainder: a thirtieth in slope over a factor of 32.
    assert abs(found.value - order) < 0.03
    assert found.used.sum() == 6


def test_rounding_alone_has_no_slope() -> None:
    curve = sample.curve()
    assert curve.remainder_noise is not None
    found = slope(replace(curve, remainders=8 * curve.remainder_noise))
    assert found is not None and found.value is None and found.exact
    rough = slope(replace(curve, remainders=1e5 * curve.remainder_noise))
    assert rough is not None and rough.value is None and not rough.exact
    picture = figures.remainder(replace(curve, remainders=8 * curve.remainder_noise))
    assert picture is not None and "exact model" in picture.label
    old = replace(curve, remainder_steps=None, remainders=None, remainder_noise=None)
    assert slope(old) is None and figures.remainder(old) is None


def test_errors_of_the_jacobian_are_in_units_of_the_reference() -> None:
    found = sample.jacobian()
    off = matrices.errors(found)
    assert off[0, 1] == 2.0**52 * 0.5 / 1.0  # got 0.5, expected 1: half of 1, whose last place is 2^-52
    assert matrices.error_words(found, off, (0, 1)) == "2.25e+15"
    assert found.got[1, 0] == 1.0 and found.expected[1, 0] == 0.5
    exact = replace(found, got=found.expected, wrong=np.zeros((4, 4), bool))
    assert not matrices.errors(exact).any()
    zero = replace(found, got=found.expected + (found.expected == 0) * 0.25)
    assert matrices.error_words(zero, matrices.errors(zero), (0, 0)) == "\N{PLUS-MINUS SIGN}0.25"
    blank = replace(found, expected=np.full((4, 4), np.nan))
    assert matrices.error_words(blank, matrices.errors(blank), (0, 0)) == "-"


def test_the_worst_error_is_a_resolved_one_and_says_how_it_is_known() -> None:
    samples = UlpSamples(
        dtype="float64",
        inputs=np.array([1.0, 2.0, 3.0]),
        errors=np.array([9.0, 5.0, 1.0]),
        bounds=np.array([10.0, 0.5, 0.1]),
        bits=np.array([0, 128, 0]),
    )
    top = worst(samples)
    assert top is not None and (top.error, top.input, top.bits) == (5.0, 2.0, 128)
    assert figures.ulps(samples, 0, FULL)[0].label == (
        "largest 5 ulp, searched: lower bound; certified at its input to \N{PLUS-MINUS SIGN}0.5 ulp"
    )
    estimated = replace(samples, bits=np.zeros(3, int))
    assert figures.ulps(estimated, 0, FULL)[0].label == "largest 5 ulp, searched: lower bound"
    assert worst(replace(samples, bounds=np.full(3, 10.0))) is None


def test_what_is_certified_is_told_from_what_is_estimated() -> None:
    table = certified(replace(sample.failing(), ulps=(sample.ulps(),)))
    assert [(*row[:2], *row[3:5]) for row in table.body] == [
        ("the Jacobian, entry by entry", "certified balls", "16 of 16", "128"),
        ("one entry of the gradient, float64", "certified balls", "800 of 900", "128"),
        ("one entry of the gradient, float64", "finite differences", "100 of 900", "53"),
    ]
    assert table.body[2][5].endswith(", estimated") and "estimated" not in table.body[1][5]


def huge() -> Record:
    """More of everything than a page can hold."""
    finding = replace(sample.failing().findings[0], message="m" * 5000, evidence="e" * 5000, where="w" * 5000)
    findings = tuple(replace(finding, index=(k, k)) for k in range(500))
    nodes = [Node(operation="x" * 200, value=1.0 / 3, adjoint=1.0 / 7)]
    nodes += [
        Node(operation="+" * 200, value=k / 3, adjoint=k / 7, inputs=(k - 1,) * 9, left=(1 / 3,) * 9)
        for k in range(1, 900)
    ]
    rows = tuple(
        Coverage(parameters=f"k={k}" * 200, shapes=f"({k},)" * 100, dtype="float64", counts=sample.counts(k))
        for k in range(900)
    )
    rng = np.random.default_rng(0)
    inputs, errors = rng.normal(size=100_000), rng.exponential(size=100_000)
    samples = UlpSamples(dtype="float64", inputs=inputs, errors=errors, bounds=np.zeros(inputs.size))
    return replace(
        sample.failing(),
        findings=findings,
        graph=Dataflow(nodes=tuple(nodes)),
        coverage=rows,
        ulps=(samples,) * 4,
        untested=("u" * 5000,) * 300,
        claim={str(k): "c" * 5000 for k in range(300)} | {"definition": "d" * 100_000},
    )


def test_a_page_stays_a_page_whatever_the_record_holds(tmp_path: Path) -> None:
    run = Run(header=sample.header((("autograd", "matmul"),)), records=(huge(),))
    page = build(run, tmp_path)[1]
    content = page.read_text()
    assert 100_000 < len(content.encode()) <= LARGEST
    assert "This record is larger than a page" in content
    assert "485 more findings are in the records file." in content
    assert "870 more combinations are in the records file." in content
    assert "40 of 900 nodes drawn" in content
    small = build(sample.run(), tmp_path / "small")
    assert not any("This record is larger than a page" in path.read_text() for path in small)


def test_a_counterexample_too_large_to_paste_is_replayed(tmp_path: Path) -> None:
    finding = sample.failing().findings[0]
    assert finding.point is not None
    point = replace(finding.point, inputs=(np.random.default_rng(0).normal(size=(200, 200)),))
    record = replace(sample.failing(), findings=(replace(finding, point=point),))
    content = build(Run(header=sample.header(), records=(record,)), tmp_path)[1].read_text()
    assert f"gradcheck replay {finding_id(record, record.findings[0])}" in content
    assert "too many to paste" in content
    assert "too many to paste" not in build(sample.run(), tmp_path / "small")[1].read_text()


def test_text_is_clipped_and_what_cannot_be_seen_is_written_out() -> None:
    assert text.clip("abc", 3) == "abc"
    assert text.clip("abcd", 3) == "abc\N{HORIZONTAL ELLIPSIS} (1 more characters)"
    assert text.visible("a\tb\n\x1b[31m\x00\u202e\ud800") == "a\tb\n\\x1b[31m\\x00\\u202e\\ud800"


def test_units_in_the_last_place() -> None:
    assert text.in_ulps(2.0**-52, 1.5, "float64") == 1.0
    assert text.in_ulps(2.0**-23, 1.0, np.dtype(np.float32)) == 1.0
    assert text.in_ulps(1.0, 0.0, "float64") == math.inf
    assert text.in_ulps(5e-324, 0.0, "float64") == 1.0


def test_same_finding_twice_has_one_anchor(tmp_path: Path) -> None:
    record = sample.failing()
    record = replace(record, findings=(*record.findings, *record.findings))
    content = build(Run(header=sample.header(), records=(record,)), tmp_path)[1].read_text()
    for finding in record.findings:
        assert content.count(f'id="{finding_id(record, finding)}"') == 1


def tried_record() -> Record:
    """Two shapes, two combinations of parameters and two types, with points of order two."""
    row = Coverage(parameters="axis=0", shapes="(3,)", dtype="float64", counts=sample.counts(30))
    rows = (row, replace(row, dtype="float16"), replace(row, shapes="(2,3)", parameters=""))
    counts = sample.counts(6000, inconclusive=60) | {SECOND: 1700, SECOND_OPEN: 300}
    return replace(sample.passing(), coverage=rows, counts=counts, oracles={"steps": 5, "balls": 5995, "none": 0})


def test_what_was_tried_of_an_operator_is_told_in_words() -> None:
    assert facts(tried_record()) == (
        ("points", "1,000"),
        ("shapes", "2 combinations"),
        ("parameters", "2 combinations"),
        ("types", "float64, float16"),
        ("orders", "1, and 2 at 1,700 of 2,000 points"),
        ("inconclusive", "0.99% of the entries"),
        ("decided by", "balls 5995, steps 5"),
    )
    assert dict(facts(sample.passing()))["orders"] == "1"
    assert facts(sample.open_()) == ()


def test_what_was_tried_of_a_subject_is_summed_and_combinations_are_those_of_each_operator() -> None:
    other = replace(tried_record(), operator="tanh")
    table = by_subject([tried_record(), other, sample.passing(subject="mine"), sample.open_()])
    assert dict(zip(table.head, table.body[0], strict=True)) == {
        "subject": "reference",
        "decided by": "balls 11990, steps 10",
        "operators": "2",
        "points": "2,000",
        "shapes": "4",
        "parameters": "4",
        "types": "2",
        "of order two": "3,400 of 4,000",
        "inconclusive": "0.99%",
    }
    assert [row[0] for row in table.body] == ["reference", "mine"]
    assert table.body[1][-2] == "-"


def test_pages_say_what_was_tried(tmp_path: Path) -> None:
    records = (tried_record(), replace(sample.open_(), coverage=()))
    build(Run(header=sample.header(), records=records, footer=None, problems=()), tmp_path)
    page, index, nothing = (
        (tmp_path / name).read_text() for name in ("reference--sigmoid.html", "index.html", "reference--sort.html")
    )
    assert "1, and 2 at 1,700 of 2,000 points" in page[page.index('id="coverage"') :]
    assert "1,700 of 2,000" in index[index.index("How much was tried") :]
    assert "2 combinations" in page and "<dt>points</dt>" not in nothing
