"""Terminal text, numbers and snippets."""

from __future__ import annotations

import ast
import contextlib
import io
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.records import Finding, Point, Record, Severity, Status, Verdict
from gradcheck.report import describe, snippet
from gradcheck.report import text as words
from gradcheck.report.literals import literal
from tests.report import sample
from tests.test_records_io import PLAIN, same

HOSTILE = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    [
        "'); raise SystemExit('",
        '"""',
        "\\",
        "\n\nraise SystemExit",
        "\x1b[2J",
        "\ud800",
        "\u2028raise",
        "#\r\nimport os",
    ]
)


def expected_line(line: str, text: str) -> bool:
    return any(line in row for row in text.splitlines())


def test_a_failure_says_code_cause_place_case_numbers_evidence_and_seed() -> None:
    text = describe(sample.failing())
    for line in (
        "FAIL  autograd matmul : A    GC101 the transpose of the other operand is missing",
        "my_ops.py:41 in matmul_backward",
        "smallest case  float64, shrunk from 5 x 5",
        "A[0, 1]   got 0.0   expected 1.0   bound 3.2e-15",
        "1 of 4 entries wrong in A",
        "evidence       dA equals G @ B in 120 of 120",
        "also           GC301 B",
        "certificate",
        "not tested     second derivatives",
        "seed           123",
        "gradcheck run autograd --operators matmul",
    ):
        assert expected_line(line, text), line


def test_an_unexplained_failure_is_headed_by_its_severity_and_counts_only_wrong_entries() -> None:
    finding = replace(sample.failing().findings[0], cause="unexplained", wrong_entries=0)
    text = describe(replace(sample.failing(), findings=(finding,)))
    assert text.startswith("FAIL  autograd matmul : A    GC101 wrong\n")
    assert "entries wrong" not in text


def test_a_pass_says_what_was_not_tested() -> None:
    text = describe(sample.passing())
    assert text.startswith("PASS  reference sigmoid\n  Every entry")
    assert "not tested     second derivatives" in text
    assert "certificate" in text


def test_inconclusive_is_neither() -> None:
    text = describe(sample.open_())
    assert text.startswith("INCONCLUSIVE")
    assert "GC901 x[2]" in text


def test_the_subject_of_a_users_own_function_is_not_named() -> None:
    text = describe(replace(sample.failing(), subject="given", operator="my_loss"))
    assert text.startswith("FAIL  my_loss : A")
    assert "the same call with seed=123" in text


def test_colour_is_an_addition_only() -> None:
    import re

    coloured = describe(sample.failing(), colour=True)
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == describe(sample.failing())


@given(HOSTILE, HOSTILE)
def test_names_cannot_send_control_codes_to_the_terminal(name: str, message: str) -> None:
    finding = replace(sample.failing().findings[0], argument=name, message=message, where=name, evidence=name)
    record = replace(sample.failing(), operator=name, subject=name, findings=(finding,), certificate=message)
    text = describe(record)
    assert "\x1b" not in text and "\r" not in text
    text.encode()


@given(PLAIN)
@settings(max_examples=150)
def test_a_literal_evaluates_to_its_value(value: Any) -> None:
    import base64

    found = eval(literal(value), {"np": np, "ml_dtypes": ml_dtypes, "base64": base64})
    assert same(canonical(value), canonical(found))


def canonical(value: Any) -> Any:
    """The value with every NaN in arrays made the same: sign and payload of a NaN have no literal."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "c":
            return canonical(np.stack([value.real, value.imag]))
        if value.dtype.kind in "fV":
            with np.errstate(invalid="ignore"):  # a signalling NaN is told when it is cast
                wide = value.astype(np.float64)
            return (value.dtype.name, value.shape, np.where(np.isnan(wide), np.float64(np.nan), wide))
        return value
    if isinstance(value, list | tuple):
        return type(value)(map(canonical, value))
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize("dtype", ["float16", "float64", "complex128", "int64", "longdouble", ml_dtypes.bfloat16])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 2), (20, 20)])
def test_a_snippet_has_the_exact_inputs(dtype: Any, shape: tuple[int, ...]) -> None:
    values = (np.arange(np.prod(shape, dtype=int)) / 7).reshape(shape).astype(dtype)
    finding = Finding(
        code="GC1",
        severity=Severity.WRONG,
        argument="x",
        message="",
        point=Point(inputs=(values,), cotangents=(values,)),
    )
    record = Record(
        operator="f", subject="given", verdict=Verdict.WRONG, status=Status.FAIL, claim={"forward": "numpy:sort"}
    )
    source = snippet(record, finding)
    assert "from numpy import sort" in source
    space: dict[str, Any] = {"vjp": None}
    exec(source[: source.index("result =")], space)
    assert same(space["inputs"], (values,))


@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from(["given", "other"]))
@settings(max_examples=200)
def test_names_cannot_put_code_into_a_snippet(name: str, message: str, key: str, subject: str) -> None:
    finding = replace(
        sample.failing().findings[0],
        code=key,
        argument=name,
        message=message,
        kwargs={key: name},
        got=None,
        expected=None,
    )
    claim = {"forward": name, "vjp": f"os:{message}", "load": message}
    record = replace(sample.failing(), operator=name, subject=subject, claim=claim)
    tree = ast.parse(snippet(record, finding))
    calm = replace(finding, code="GC1", argument="x", message="m", kwargs={"k": "v"})
    plain = snippet(replace(record, operator="o", claim={"load": "s"}), calm)
    assert [type(node) for node in tree.body] == [type(node) for node in ast.parse(plain).body] or subject == "given"
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert imported in (["numpy"], ["numpy", "gradcheck"])


def test_a_catalogue_snippet_runs_as_pasted() -> None:
    point = Point(inputs=(np.array([0.25, -1.0]),), cotangents=(np.array([1.0, -2.0]),))
    true = -2 * (1 - np.tanh(-1.0) ** 2)
    finding = Finding(
        code="GC101", severity=Severity.WRONG, argument="x", index=(1,), got=0.0, expected=true, message="", point=point
    )
    record = replace(sample.failing(), operator="tanh", subject="reference", findings=(finding,))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(snippet(record, finding), {})
    got, differences, outcome = out.getvalue().splitlines()
    assert got.startswith("got")
    assert outcome == "not reproduced"  # the reference's tanh is right
    slopes = np.array([1.0, -2.0]) * (1 - np.tanh([0.25, -1.0]) ** 2)
    assert all(f"{slope:.6f}"[:7] in differences for slope in slopes)


def test_a_snippet_of_a_users_function_runs_as_pasted() -> None:
    point = Point(inputs=(np.array([0.25]),), cotangents=(np.array([1.0]),))
    finding = replace(sample.failing().findings[0], point=point)
    claim = {"forward": "numpy:square", "vjp": "numpy:multiply"}
    record = replace(sample.failing(), subject="given", operator="square", claim=claim, findings=(finding,))
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(snippet(record, finding), {})
    assert out.getvalue().startswith("FAIL")


@pytest.mark.parametrize(
    ("got", "expected", "dtype", "ulps"),
    [
        (1.0 + 2**-52, 1.0, "float64", 1.0),
        (1.0 + 2**-10, 1.0, "float16", 1.0),
        (1.0 + 2**-7, 1.0, ml_dtypes.bfloat16, 1.0),
        (3 * 2.0**-1074, 0.0, "float64", 3.0),
        (float("nan"), 1.0, "float64", float("inf")),
    ],
)
def test_ulps_count_in_the_type_of_the_case(got: float, expected: float, dtype: Any, ulps: float) -> None:
    point = Point(inputs=(np.ones(1).astype(dtype),), cotangents=())
    finding = Finding(
        code="", severity=Severity.WRONG, argument="x", message="", got=got, expected=expected, point=point
    )
    assert words.ulps(finding) == ulps
