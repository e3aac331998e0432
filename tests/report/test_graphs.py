"""Graphs and formulas on pages: nothing overlaps, nothing is cut silently, and all of it comes from the records."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.records import Correction, Dataflow, Finding, Measured, Node, Record, Severity, Status, Verdict
from gradcheck.records_io import Run
from gradcheck.report import build, graphs
from tests.report import sample
from tests.report.test_pages import Outline

EVIL = "</script><script>alert(1)</script>\x1b\"'&<img src=x onerror=alert(1)>"

GRAPH = Dataflow(
    nodes=(
        Node(operation="w", value=0.5, adjoint=0.8399486832280523),
        Node(operation="x", value=2.0, adjoint=0.20998717080701307),
        Node(
            operation="\N{MULTIPLICATION SIGN}", value=1.0, adjoint=0.41997434161402614, inputs=(0, 1), left=(2.0, 0.5)
        ),
        Node(operation="tanh", value=0.7615941559557649, adjoint=1.0, inputs=(2,), left=(0.41997434161402614,)),
    ),
    about="inputs w (), x ()",
)


def refuted(number: str = "P6") -> Correction:
    finding = Finding(
        code="GC101", severity=Severity.WRONG, argument="p", index=(0,), got=2.0, expected=0.5, bound=1e-16, message="m"
    )
    return Correction(
        number=number,
        printed="dC/dyhat = yhat - y",
        right="dC/dyhat_i = (yhat_i - y_i) / N",
        relation="printed / right = N",
        refuted=True,
        accepted=True,
        printed_verdict=str(Verdict.WRONG),
        right_verdict=str(Verdict.RIGHT),
        counterexample=finding,
        off=1.5,
        unexplained=0.0,
        arithmetic="exact rationals",
        measured=(Measured(entry="d f / d p[0]", printed=2.0, right=0.5, predicted=2.0),),
        hidden_when="N = 1",
    )


def record(**fields: object) -> Record:
    made = Record(
        operator="net:it", subject="s", verdict=Verdict.RIGHT, status=Status.PASS, claim={"exhibit": "net:it"}
    )
    return replace(made, **fields)  # type: ignore[arg-type]  # fields by name


def pages(directory: Path, *records: Record) -> dict[str, str]:
    planned = tuple((r.subject, r.operator) for r in records)
    written = build(Run(header=sample.header(planned), records=records), directory)
    return {path.name: path.read_text() for path in written}


def test_a_page_draws_the_graph_with_both_halves_and_adjoints(tmp_path: Path) -> None:
    text = pages(tmp_path, record(graph=GRAPH))["s--net-it.html"]
    [svg] = re.findall(r"<svg role=.*?</svg>", text, re.DOTALL)
    words = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert words == "w 0 0.5 0.84 x 1 2 0.21 \N{MULTIPLICATION SIGN} 2 2 0.5 1 0.42 tanh 3 0.42 0.762 1".split()
    assert svg.count('class="edge"') == 3
    for number in ("0.8399486832280523", "0.41997434161402614", "0.7615941559557649"):
        assert f">{number}</td>" in text
    assert not re.findall(r"#[0-9a-fA-F]{3,6}\b", svg)  # colours are the style sheet's, light and dark
    outline = Outline(text)
    assert "The graph" in outline.headings and not outline.external


def test_there_is_no_thread_page_without_formulas(tmp_path: Path) -> None:
    made = pages(tmp_path, record(graph=GRAPH))
    assert set(made) == {"index.html", "s--net-it.html"}
    assert "thread.html" not in "".join(made.values())


def test_the_thread_page_has_each_formula_with_what_was_measured(tmp_path: Path) -> None:
    formulas = [record(operator=f"thread:{n}", correction=refuted(n)) for n in ("P10", "P9", "L1")]
    made = pages(tmp_path, *formulas, record(graph=GRAPH))
    text = made["thread.html"]
    outline = Outline(text)
    assert outline.headings == ["The thread, checked", "All formulas", "L1", "P9", "P10"]
    for words in (
        "dC/dyhat = yhat - y",
        "dC/dyhat_i = (yhat_i - y_i) / N",
        "printed / right = N",
        "0, in exact rationals",
    ):
        assert words in text
    assert "GC101 p[0]: got 2.0, expected 0.5, bound 1e-16" in text
    assert "3 of 3 came out as expected" in text and "NOT" not in text
    assert all(link.removeprefix("#") in outline.ids or (tmp_path / link).exists() for link in outline.links)
    assert '<a href="thread.html">' in made["index.html"]
    assert "Printed wrong of this network" not in made["s--net-it.html"]
    assert "dC/dyhat = yhat - y" in made["s--thread-P9.html"]


def test_the_page_of_a_network_has_the_formulas_about_it(tmp_path: Path) -> None:
    mine = record(operator="thread:P6", correction=replace(refuted("P6"), network="net:it"))
    other = record(operator="thread:P9", correction=replace(refuted("P9"), network="net:other"))
    elsewhere = replace(mine, subject="t")
    text = pages(tmp_path, record(graph=GRAPH), mine, other, elsewhere)["s--net-it.html"]
    section = text[text.index("Printed wrong of this network") :]
    assert section.count("printed / right = N") == 1 and "0, in exact rationals" in section
    assert '<a href="s--thread-P6.html">P6</a>' in section and "P9" not in section
    assert '<a href="thread.html">' in section


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("refuted", False, "printed: NOT refuted"),
        ("accepted", False, "mended: NOT accepted"),
        ("unexplained", 0.25, "0.25"),
    ],
)
def test_a_formula_that_is_not_as_expected_says_so(field: str, value: object, words: str, tmp_path: Path) -> None:
    wrong = replace(refuted(), **{field: value})  # type: ignore[arg-type]  # a field by name
    text = pages(tmp_path, record(operator="thread:P6", correction=wrong))["thread.html"]
    assert "not as expected" in text and words in text and "0 of 1 came out as expected" in text


def chain(length: int) -> Dataflow:
    first = Node(operation="x", value=1.0, adjoint=1.0)
    rest = (Node(operation="f", value=1.0, adjoint=1.0, inputs=(k,), left=(1.0,)) for k in range(length - 1))
    return Dataflow(nodes=(first, *rest))


def test_a_large_graph_is_capped_and_says_so(tmp_path: Path) -> None:
    text = pages(tmp_path, record(graph=chain(500)))["s--net-it.html"]
    assert f"{graphs.DRAWN} of 500 nodes drawn: those nearest to the output; the last 400 in the table" in text
    assert text.count('<rect class="node') == graphs.DRAWN
    assert graphs.nearest(chain(500)) == list(range(500 - graphs.DRAWN, 500))
    whole = pages(tmp_path / "small", record(graph=chain(graphs.DRAWN)))["s--net-it.html"]
    assert "nodes drawn" not in whole and whole.count('<rect class="node') == graphs.DRAWN


@st.composite
def flows(draw: st.DrawFn) -> Dataflow:
    count = draw(st.integers(1, 25), label="nodes")
    nodes = []
    for number in range(count):
        inputs = tuple(draw(st.lists(st.integers(0, number - 1), max_size=4), label="inputs")) if number else ()
        nodes.append(Node(operation="f", value=1.0, adjoint=1.0, inputs=inputs, left=(1.0,) * len(inputs)))
    return Dataflow(nodes=tuple(nodes))


@given(flows())
def test_boxes_do_not_overlap_and_wires_go_to_the_right(graph: Dataflow) -> None:
    numbers = graphs.nearest(graph)
    shown = graphs.place(graph, numbers)
    corners = [shown.corners[n] for n in numbers]
    assert len(set(corners)) == len(numbers)
    for k, (x, y) in enumerate(corners):
        assert 0 <= x < shown.width and 0 <= y < shown.height
        for x1, y1 in corners[:k]:
            assert abs(x - x1) > 120 or abs(y - y1) > 70  # the width and the height of a box
    for n in numbers:
        for j in graph.nodes[n].inputs:
            if j in shown.corners:
                assert shown.corners[j][0] < shown.corners[n][0]


def test_hostile_names_and_numbers_are_text(tmp_path: Path) -> None:
    odd = Node(operation=EVIL, value=float("nan"), adjoint=float("-inf"), inputs=(0,), left=(float("inf"),))
    graph = Dataflow(nodes=(Node(operation=EVIL, value=1e300, adjoint=0.0), odd), about=EVIL)
    evil = replace(refuted(EVIL), printed=EVIL, right=EVIL, relation=EVIL, arithmetic=EVIL, hidden_when=EVIL)
    made = pages(tmp_path, record(graph=graph), record(operator="thread:x", correction=evil))
    for text in made.values():
        outline = Outline(text)
        assert "img" not in outline.tags
        assert outline.tags.count("script") == 1
