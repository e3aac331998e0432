"""The pages: deterministic, self-contained, safe whatever the names, and complete about what is missing."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.records import Curve, Record, Status, UlpSamples, Verdict
from gradcheck.records_io import Run
from gradcheck.report import build
from gradcheck.report.render import file_names
from tests.report import sample

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Outline(HTMLParser):
    """Collects ids, links, headings and pictures, and checks that every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.labels: list[str] = []
        self.external: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if tag == "a" else []
        self.labels += [v or "" for k, v in attrs if k in ("aria-labelledby", "aria-describedby")]
        self.external += [v for k, v in attrs if k in ("src", "href") and v and re.match(r"(https?:)?//", v)]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("h1", "h2"):
            self.headings.append(data)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pages")
    build(sample.run(), directory)
    return directory


def test_there_is_an_index_and_a_page_per_pair(tmp_path: Path) -> None:
    written = build(sample.run(), tmp_path / "new")
    assert written[0].name == "index.html"
    assert len(written) == 1 + len(sample.records())
    assert sorted(written) == sorted((tmp_path / "new").glob("[!.]*"))


def test_the_same_records_give_the_same_bytes(pages: Path, tmp_path: Path) -> None:
    for path in build(sample.run(), tmp_path):
        assert path.read_bytes() == (pages / path.name).read_bytes()


def test_pages_are_whole_and_need_no_network(pages: Path) -> None:
    for path in pages.iterdir():
        text = path.read_text()
        outline = Outline(text)
        assert not outline.external, path
        assert "@import" not in text and "url(http" not in text
        assert len(outline.ids) == len(set(outline.ids)), path
        assert {name for label in outline.labels for name in label.split()} <= set(outline.ids)
        for link in outline.links:
            name, _, anchor = link.partition("#")
            assert (pages / name).exists(), link
            there = Outline((pages / name).read_text()).ids if name else outline.ids
            assert not anchor or anchor in there, link
        for reference in re.findall(r"url\(#([^)]+)\)|xlink:href=\"#([^\"]+)\"", text):
            assert "".join(reference) in outline.ids


def test_an_operator_page_is_in_reading_order(pages: Path) -> None:
    outline = Outline((pages / "autograd--matmul.html").read_text())
    assert outline.headings == [
        "matmul",
        "Smallest counterexample",
        "Findings",
        "Jacobian",
        "Error against step",
        "Certificates",
        "Proved",
        "Coverage",
        "Environment, seed, versions",
    ]
    text = (pages / "autograd--matmul.html").read_text()
    assert text.index("The gradient is not the derivative") < text.index("Smallest counterexample")
    assert "Cause:</b> the transpose of the other operand is missing" in text


def test_a_maximum_is_labelled_as_searched(pages: Path) -> None:
    assert "searched: lower bound" in (pages / "reference--sigmoid.html").read_text()


def test_a_maximum_counts_resolved_errors_only(tmp_path: Path) -> None:
    """An error below the bound of the truth may be the truth's own."""
    errors, bounds = np.array([1e9, 3.0]), np.array([1e10, 0.1])
    samples = UlpSamples(dtype="float64", inputs=np.array([1.0, 2.0]), errors=errors, bounds=bounds)
    run = Run(header=sample.header(), records=(replace(sample.passing(), ulps=(samples,)),))
    assert "largest 3 ulp, searched: lower bound" in build(run, tmp_path)[1].read_text()
    unresolved = replace(samples, bounds=np.array([1e10, 5.0]))
    run = Run(header=sample.header(), records=(replace(sample.passing(), ulps=(unresolved,)),))
    assert "none resolved, searched: lower bound" in build(run, tmp_path)[1].read_text()


def test_an_operator_that_is_not_there_is_neither_a_pass_nor_inconclusive(tmp_path: Path) -> None:
    record = Record(operator="sort", subject="s", verdict=Verdict.UNSUPPORTED, status=Status.INCONCLUSIVE)
    index, page = build(Run(header=sample.header((("s", "sort"),)), records=(record,)), tmp_path)
    text = index.read_text()
    assert '<span class="badge absent">' in text and "not implemented</span>" in text
    assert "0 operators, 1 not implemented" in text
    assert 'name="status" value="absent"' in text and 'value="inconclusive"' not in text
    assert "The subject does not implement this operator." in page.read_text()


def test_a_status_is_a_word_and_a_shape_not_a_colour_alone(pages: Path) -> None:
    text = (pages / "index.html").read_text()
    for status in ("pass", "fail", "inconclusive"):
        assert re.search(rf'badge {status}"><svg.*?</svg>{status}<', text)


def test_pictures_have_no_colours_dates_or_sizes_of_their_own(pages: Path) -> None:
    text = (pages / "reference--sigmoid.html").read_text()
    pictures = re.findall(r"<svg role.*?</svg>", text, re.DOTALL)
    assert pictures
    for svg in pictures:
        drawn = {name for names in re.findall(r'class="([^"]*)"', svg) for name in names.split()} - {
            "chart",
            "tick",
            "small",
        }
        assert drawn and all(re.search(rf"svg.*[.]{name} {{", text) for name in drawn)
        assert not re.findall(r"#[0-9a-fA-F]{3,6}\b|style=|(fill|stroke)=", svg)


def test_only_what_changed_is_written_again(tmp_path: Path) -> None:
    written = build(sample.run(), tmp_path)
    for path in written:
        os.utime(path, ns=(1, 1))
    (tmp_path / "reference--relu.html").write_text("another page")
    os.utime(tmp_path / "reference--relu.html", ns=(1, 1))
    changed = replace(sample.failing(), seconds=9.0)
    records = tuple(changed if r.operator == "matmul" and r.subject == "autograd" else r for r in sample.records())
    run = replace(sample.run(), records=records)
    build(run, tmp_path)
    touched = {path.name for path in written if path.stat().st_mtime_ns != 1}
    assert touched == {"index.html", "autograd--matmul.html", "reference--relu.html"}
    build(run, tmp_path / "anew")
    for path in written:
        assert path.read_bytes() == (tmp_path / "anew" / path.name).read_bytes()


def test_an_incomplete_run_says_what_is_missing(tmp_path: Path) -> None:
    text = build(sample.run(cut=True), tmp_path)[0].read_text()
    assert "This run is incomplete" in text
    assert "<li>autograd matmul</li>" in text
    assert "This run is incomplete" not in build(sample.run(), tmp_path)[0].read_text()


NAME = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    ["../../etc/passwd", "/root", "..", ".", "", "CON", "index", "a/b", "a b", "A B", "\x00", "a" * 300, "<script>"]
)


@given(st.lists(st.tuples(NAME, NAME), max_size=6))
def test_file_names_are_safe_and_distinct(pairs: list[tuple[str, str]]) -> None:
    names = file_names(pairs)
    assert len({name.lower() for name in names}) == len(pairs)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_-]+\.html", name)
        assert len(name) < 200
        assert name != "index.html"
    assert names == file_names(pairs)


def test_hostile_names_are_text(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>\x1b\ud800\"'&<img src=x onerror=alert(1)>"
    finding = replace(
        sample.failing().findings[0], argument=evil, message=evil, cause=evil, evidence=evil, where=evil, code=evil
    )
    record = replace(
        sample.failing(),
        operator=evil,
        subject="../" + evil,
        findings=(finding,),
        certificate=evil,
        untested=(evil,),
        claim={"formula": evil, evil: evil},
        curve=replace(sample.curve(), entry=evil),
        ulps=(replace(sample.ulps(), dtype=evil),),
    )
    run = Run(header=sample.header(((evil, evil),)), records=(record,), problems=(evil,))
    for path in build(run, tmp_path):
        assert path.parent == tmp_path
        outline = Outline(path.read_text())
        assert "img" not in outline.tags
        assert outline.tags.count("script") == 1


@pytest.mark.parametrize(
    "values",
    [[], [0.0], [np.nan, np.inf], [1e-300, 1e300, -1e300], [5e-324, -5e-324]],
    ids=["empty", "zero", "not finite", "huge", "tiny"],
)
def test_pictures_of_degenerate_data(tmp_path: Path, values: list[float]) -> None:
    data = np.array(values)
    record = replace(
        sample.passing(),
        curve=Curve(steps=data, errors=data, truncation=data, rounding=data, chosen=np.nan, entry="x"),
        ulps=(UlpSamples(dtype="float64", inputs=data, errors=np.abs(data), bounds=np.abs(data)),),
    )
    build(Run(header=sample.header(), records=(record,)), tmp_path)


def test_a_record_with_nothing_in_it_has_a_page(tmp_path: Path) -> None:
    record = Record(operator="o", subject="s", verdict=Verdict.EMPTY, status=Status.PASS)
    text = build(Run(header=sample.header(()), records=(record, record)), tmp_path)[1].read_text()
    assert "There is no differentiable entry to decide." in text
    assert (tmp_path / "s--o-2.html").exists()
