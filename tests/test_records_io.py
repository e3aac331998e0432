"""Records survive the trip through a file exactly, and a damaged file is read as far as it goes."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradcheck.errors import RecordError
from gradcheck.records import (
    FORMAT,
    Curve,
    Finding,
    Footer,
    Header,
    Jacobian,
    Point,
    Record,
    Severity,
    Status,
    UlpSamples,
    Verdict,
    finding_id,
)
from gradcheck.records_io import Writer, decode_line, encode_line, read
from tests.report import sample

DTYPES = st.sampled_from(
    [np.dtype(name) for name in ("?", "i1", "u8", "i8", "f2", "f4", "f8", "c8", "c16", "U3")]
    + [np.dtype(ml_dtypes.bfloat16), np.dtype(ml_dtypes.float8_e4m3fn)]
)


@st.composite
def arrays(draw: st.DrawFn, dtype: np.dtype[Any] | None = None) -> np.ndarray[Any, Any]:
    """Arrays of every bit pattern: payloads of NaN, subnormals, empty and 0-d shapes."""
    dtype = draw(DTYPES) if dtype is None else dtype
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    if dtype.kind == "U" or dtype.kind == "b":
        return draw(hnp.arrays(dtype, shape))
    size = math.prod(shape) * dtype.itemsize
    return np.ndarray(shape, dtype, draw(st.binary(min_size=size, max_size=size)))


TEXT = st.text(st.characters(exclude_categories=()), max_size=8)  # with lone surrogates
NUMBERS = st.one_of(st.floats(), st.complex_numbers())
PLAIN = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), NUMBERS, TEXT, arrays(), st.just(...), st.builds(slice, st.integers())
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(TEXT, st.integers()), inner, max_size=3),
    ),
    max_leaves=4,
)
F8 = arrays(np.dtype("f8"))
POINTS = st.builds(
    Point,
    inputs=st.lists(arrays(), max_size=2).map(tuple),
    cotangents=st.lists(arrays(), max_size=2).map(tuple),
    tangents=st.none() | st.lists(arrays(), max_size=2).map(tuple),
    origin=TEXT,
)
FINDINGS = st.builds(
    Finding,
    code=TEXT,
    severity=st.sampled_from(Severity),
    argument=TEXT,
    message=TEXT,
    index=st.none() | st.lists(st.integers(0, 9), max_size=3).map(tuple),
    got=st.none() | NUMBERS,
    expected=st.none() | NUMBERS,
    bound=st.none() | st.floats(),
    point=st.none() | POINTS,
    kwargs=st.dictionaries(TEXT, PLAIN, max_size=2),
)
RECORDS = st.builds(
    Record,
    operator=TEXT,
    subject=TEXT,
    verdict=st.sampled_from(Verdict),
    status=st.sampled_from(Status),
    findings=st.lists(FINDINGS, max_size=2).map(tuple),
    counts=st.dictionaries(TEXT, st.integers(), max_size=2),
    curve=st.none()
    | st.builds(
        Curve,
        steps=F8,
        errors=F8,
        truncation=F8,
        rounding=F8,
        chosen=st.floats(),
        entry=TEXT,
        remainder_steps=st.none() | F8,
        remainders=st.none() | F8,
        remainder_noise=st.none() | F8,
    ),
    ulps=st.lists(
        st.builds(
            UlpSamples,
            dtype=TEXT,
            inputs=F8,
            errors=F8,
            bounds=F8,
            bits=st.none() | arrays(),
            radii=st.none() | F8,
            method=TEXT,
        ),
        max_size=1,
    ).map(tuple),
    jacobian=st.none()
    | st.builds(
        Jacobian,
        rows=st.lists(TEXT, max_size=2).map(tuple),
        columns=st.lists(TEXT, max_size=2).map(tuple),
        got=F8,
        expected=F8,
        bounds=F8,
        wrong=arrays(np.dtype("?")),
        bits=arrays(np.dtype("i8")),
        dtype=TEXT,
        origin=TEXT,
        method=TEXT,
    ),
    untested=st.lists(TEXT, max_size=2).map(tuple),
    claim=st.dictionaries(TEXT, TEXT, max_size=2),
    seed=st.integers(),
    seconds=st.floats(),
)


def same(a: Any, b: Any) -> bool:
    """Equality of type, structure and bits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or a.hex() == b.hex()
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, slice):
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    return bool(a == b)


@given(RECORDS)
@settings(max_examples=120)
def test_a_record_comes_back_bit_for_bit(record: Record) -> None:
    line = encode_line(record)
    assert line.count(b"\n") == 1
    assert same(record, decode_line(line))
    assert encode_line(decode_line(line)) == line


@given(RECORDS)
@settings(max_examples=60)
def test_a_finding_has_the_same_name_after_the_trip_through_a_file(record: Record) -> None:
    back = decode_line(encode_line(record))
    assert isinstance(back, Record)
    names = [finding_id(record, finding) for finding in record.findings]
    assert names == [finding_id(back, finding) for finding in back.findings]
    assert all(len(name) == 12 and int(name, 16) >= 0 for name in names)


def test_a_finding_is_named_by_its_case_and_not_by_what_was_found() -> None:
    record = sample.failing()
    finding = record.findings[0]
    name = finding_id(record, finding)
    assert finding.point is not None
    inputs = finding.point.inputs
    reworded = dataclasses.replace(finding, message="other words", got=7.0, cause="another", evidence="")
    turned = dataclasses.replace(finding.point, inputs=(np.asfortranarray(inputs[0]).astype(">f8"), *inputs[1:]))
    for same_case in (reworded, dataclasses.replace(finding, point=turned)):
        assert finding_id(record, same_case) == name
    nudged = dataclasses.replace(finding.point, inputs=(np.nextafter(inputs[0], 2.0), *inputs[1:]))
    others = [
        finding_id(dataclasses.replace(record, operator="dot"), finding),
        finding_id(dataclasses.replace(record, subject="torch"), finding),
        *(
            finding_id(record, dataclasses.replace(finding, **change))
            for change in (
                {"code": "GC102"},
                {"argument": "B"},
                {"index": (1, 0)},
                {"kwargs": {"axis": 0}},
                {"kwargs": {"axis": False}},
                {"kwargs": {"axis": "0"}},
                {"point": nudged},
                {"point": None},
            )
        ),
    ]
    assert len({name, *others}) == 1 + len(others)


@given(RECORDS)
@settings(max_examples=60)
def test_a_line_is_strict_json_without_null_or_nan(record: Record) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    def no_null(tree: Any) -> None:
        assert tree is not None
        for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
            no_null(child)

    no_null(json.loads(encode_line(record), parse_constant=refuse))


@pytest.mark.parametrize(
    ("value", "back"),
    [
        (np.array([1.0, 2.0], ">f8"), np.array([1.0, 2.0])),
        (np.arange(6.0).reshape(2, 3).T, np.ascontiguousarray(np.arange(6.0).reshape(2, 3).T)),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.complex64(1 + 2j), 1 + 2j),
        (np.longdouble(0.5), 0.5),
    ],
)
def test_layouts_and_scalars_are_normalised(value: Any, back: Any) -> None:
    finding = Finding(code="GC1", severity=Severity.WRONG, argument="x", message="", kwargs={"k": value})
    record = Record(operator="o", subject="s", verdict=Verdict.WRONG, status=Status.FAIL, findings=(finding,))
    found = decode_line(encode_line(record))
    assert isinstance(found, Record)
    assert same(found.findings[0].kwargs["k"], back)


@pytest.mark.parametrize("value", [np.array([object()]), np.zeros(2, [("a", "f8")]), object()])
def test_what_has_no_exact_form_is_refused(value: Any) -> None:
    finding = Finding(code="GC1", severity=Severity.WRONG, argument="x", message="", kwargs={"k": value})
    record = Record(operator="o", subject="s", verdict=Verdict.WRONG, status=Status.FAIL, findings=(finding,))
    with pytest.raises(RecordError, match="no exact form"):
        encode_line(record)


def write(path: Path, *, footer: bool = True) -> Path:
    with Writer(path) as writer:
        writer.header(sample.header())
        for record in sample.records():
            writer.record(record)
        if footer:
            writer.footer(Footer(records=len(sample.records()), failed=1, seconds=3.0))
    return path


def test_a_whole_run_comes_back(tmp_path: Path) -> None:
    run = read(write(tmp_path / "deep" / "records.jsonl"))
    assert run.complete
    assert not run.problems
    assert same(run.header, sample.header())
    assert same(list(run.records), list(sample.records()))


def test_every_prefix_of_a_file_is_read_without_an_exception(tmp_path: Path) -> None:
    content = write(tmp_path / "whole").read_bytes()
    ends = [k for k, byte in enumerate(content) if byte == 10]
    cut = tmp_path / "cut"
    for end in ends:
        for size in {end - 7, end, end + 1} - {ends[0] - 7, len(content), ends[-1]}:
            cut.write_bytes(content[:size])
            run = read(cut)
            assert not run.complete
            assert any("cut" in problem for problem in run.problems)
            assert len(run.records) <= len(sample.records())


def test_a_corrupt_line_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "records.jsonl")
    lines = path.read_bytes().split(b"\n")
    for damage in (
        b"{not json",
        b'{"type": "record"}',
        b"[]",
        b"\xff\xfe",
        lines[2].replace(b'"RIGHT"', b'"RIHGT"'),
        b"[" * 9999,
    ):
        path.write_bytes(b"\n".join([*lines[:2], damage, *lines[3:]]))
        run = read(path)
        assert [r.operator for r in run.records] == [r.operator for k, r in enumerate(sample.records()) if k != 1]
        assert any(problem.startswith("line 3 ") for problem in run.problems)
        assert ("reference", "sigmoid") in run.missing
        assert not run.complete


def test_a_foreign_format_is_refused_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(encode_line(dataclasses.replace(sample.header(), format=FORMAT + 98)))
    with pytest.raises(RecordError, match=f"format {FORMAT + 98}; this version reads formats .*{FORMAT}"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"{}", b'{"type": "header"', b'{"type": "footer"}\n'])
def test_without_a_header_nothing_can_be_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"records\.jsonl:1"):
        read(path)


def test_a_damaged_header_does_not_hide_the_records(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    lines = write(path).read_bytes().split(b"\n")
    for damage in (lines[0][:40], lines[1], b'{"type":"header","format":2}'):
        path.write_bytes(b"\n".join([damage, *lines[1:]]))
        run = read(path)
        assert [r.operator for r in run.records] == [r.operator for r in sample.records()]
        assert run.problems[0].startswith("line 1 is no header: ")
        assert run.header.profile == "unknown"


def test_a_torn_line_is_named_by_its_number(tmp_path: Path) -> None:
    path = write(tmp_path / "records.jsonl", footer=False)
    path.write_bytes(path.read_bytes()[:-10])
    assert read(path).problems[0] == f"line {1 + len(sample.records())}, the last one, is cut off"


def test_a_file_of_the_older_format_is_read(tmp_path: Path) -> None:
    """Format 1 had none of the fields that format 2 adds."""
    path = tmp_path / "records.jsonl"
    old = []
    for line in write(tmp_path / "new").read_bytes().splitlines():
        tree = json.loads(line)
        if tree["type"] == "header":
            tree["format"] = 1
        tree.pop("jacobian", None)
        for name in ("remainder_steps", "remainders", "remainder_noise"):
            tree.get("curve", {}).pop(name, None)
        for samples in tree.get("ulps", ()):
            for name in ("bits", "radii", "method"):
                samples.pop(name, None)
        old.append(json.dumps(tree).encode())
    path.write_bytes(b"\n".join([*old, b""]))
    run = read(path)
    assert run.complete and not run.problems
    assert len(run.records) == len(sample.records())
    assert run.records[1].ulps[0].bits is None


def _with(path: str, value: Any) -> Any:
    """A change of a record's tree: the value at a path, put in its place."""

    def change(tree: Any) -> None:
        *steps, last = path.split(".")
        for step in steps:
            tree = tree[int(step)] if step.isdecimal() else tree[step]
        tree[last] = value

    return change


F8_TWO = {"$array": {"dtype": "<f8", "shape": [2], "b64": "AAAAAAAA8D8AAAAAAAAAQA=="}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_with("counts.right", "many"), "counts hold 'right': 'many', where int belongs"),
        (_with("claim.formula", 3), "claim hold 'formula': 3, where str belongs"),
        (_with("coverage.0.counts.right", 1.5), "counts of the coverage hold 'right': 1.5"),
        (_with("curve.errors", F8_TWO), "arrays of the curve do not fit each other"),
        (_with("curve.remainders", F8_TWO), "arrays of the remainders of the curve do not fit"),
        (_with("jacobian.got", F8_TWO), "arrays of the Jacobian do not fit"),
        (_with("jacobian.rows", ["y"]), "a Jacobian of shape .4, 4. with 1 rows and 4 columns"),
        (
            _with("graph", {"nodes": [{"operation": "+", "value": 1.0, "adjoint": 1.0, "inputs": [0]}]}),
            "node 0 of the graph",
        ),
        (_with("novelty", 1), "record has no field 'novelty'"),
    ],
)
def test_a_record_whose_parts_do_not_fit_is_left_out_with_the_reason(tmp_path: Path, change: Any, said: str) -> None:
    lines = write(tmp_path / "records.jsonl").read_bytes().split(b"\n")
    tree = json.loads(lines[5])
    assert tree["subject"] == "autograd" and tree["operator"] == "matmul"
    change(tree)
    path = tmp_path / "odd.jsonl"
    path.write_bytes(b"\n".join([*lines[:5], json.dumps(tree).encode(), *lines[6:]]))
    run = read(path)
    assert len(run.records) == len(sample.records()) - 1
    assert re.search(f"line 6 cannot be read and is left out: .*{said}", "\n".join(run.problems)), run.problems


def test_a_missing_file_is_a_record_error(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be read"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("torn", [b'{"type":"rec', b""])
def test_appending_mends_a_torn_tail(tmp_path: Path, torn: bytes) -> None:
    path = write(tmp_path / "records.jsonl", footer=False)
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    with Writer(path, append=True) as writer:
        writer.footer(Footer(records=len(sample.records()), failed=1, seconds=0.0))
    assert read(path).complete
    path.write_bytes(whole[:-1])  # the last line is whole, only its newline is missing
    with Writer(path, append=True) as writer:
        writer.footer(Footer(records=len(sample.records()), failed=1, seconds=0.0))
    assert read(path).complete


def test_a_footer_that_counts_otherwise_is_a_problem(tmp_path: Path) -> None:
    path = write(tmp_path / "records.jsonl", footer=False)
    with Writer(path, append=True) as writer:
        writer.footer(Footer(records=99, failed=0, seconds=0.0))
    assert any("counts 99" in problem for problem in read(path).problems)


def test_a_record_is_on_the_disk_before_the_next_one_is_made(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    with Writer(path) as writer:
        writer.header(sample.header())
        for number, record in enumerate(sample.records(), start=1):
            writer.record(record)
            assert len(read(path).records) == number


def test_equal_values_give_equal_bytes() -> None:
    assert [encode_line(r) for r in sample.records()] == [encode_line(r) for r in sample.records()]
    assert isinstance(decode_line(encode_line(sample.header())), Header)
