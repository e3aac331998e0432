"""``gradcheck list``: one line per operator in columns, and one operator explained."""

from __future__ import annotations

import re

import numpy as np
import pytest

from gradcheck import catalogue, cli
from gradcheck.claim import Domain, Example, Kink, Operator, Witness, interval
from gradcheck.cli.listing import COLUMNS, explained, table

TOY = Operator(
    name="toy",
    family="toys",
    signature="(n)->(n)",
    definition=lambda x, *, power=2: abs(x) ** power,
    examples=(Example(((3,),)), Example(((0,),), {"power": 3}), Example((np.array([1, 2]),), {"power": 2})),
    formula="y =\n  |x|^p",
    citation="a book",
    witnesses=(Witness((np.array([0.1, -2.0]),), np.array([0.001, 8.0]), "a table", {"power": 3}),),
    domain=Domain((interval(-4.0, 4.0),)),
    kinks=(Kink("x = 0", "anything"), Kink("x = 1", "nothing")),
    special=(0.0, -0.0, 1e-300),
)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert cli.execute(["list", *arguments]) == cli.OK
    return capsys.readouterr().out.splitlines()


def named(line: str) -> str:
    """The second column; columns are two spaces apart or more, words of a family one."""
    return re.split(r" {2,}", line)[1]


def test_there_is_one_line_per_operator_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys)
    assert len(lines) == len(catalogue.operators()) >= 150
    assert [named(line) for line in lines] == list(catalogue.operators())


def test_every_line_shows_what_the_record_says_in_its_column() -> None:
    header, *lines = table(list(catalogue.operators().values()), header=True)
    starts = [header.index(name) for name in COLUMNS]
    for operator, line in zip(catalogue.operators().values(), lines, strict=True):
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        assert cells[:4] == [operator.family, operator.name, operator.signature, operator.domain.describe()]
        assert cells[4] == ("; ".join(kink.where for kink in operator.kinks) or "-")
        assert cells[5] == " ".join(operator.formula.split())


def test_the_header_is_for_terminals_and_counts_as_no_operator() -> None:
    assert table([TOY], header=True)[0].split() == list(COLUMNS)
    assert table([TOY]) == ["toys  toy  (n)->(n)  [-4, 4]  x = 0; x = 1  y = |x|^p"]


def test_a_pattern_lists_and_an_exact_name_explains(capsys: pytest.CaptureFixture[str]) -> None:
    assert [named(line) for line in said(capsys, "sigmoid,softm*")] == [
        operator.name for operator in catalogue.select("sigmoid,softm*")
    ]
    [line] = said(capsys, "sigmoi*")  # one match of a pattern is a list of one
    assert named(line) == "sigmoid"
    assert said(capsys, "sigmoid")[0] == "sigmoid"


def test_an_explanation_has_every_part_of_the_record() -> None:
    assert list(explained(TOY)) == [
        "toy",
        "  family     toys",
        "  formula    y = |x|^p",
        "  signature  (n)->(n)",
        "  domain     [-4, 4]",
        "  kink       x = 0: accepts anything",
        "  kink       x = 1: accepts nothing",
        "  special    0, -0, 1e-300",
        "  parameter  power: default 2, tried 3, 2",
        "  example    (3,)",
        "  example    (0,), power=3",
        "  example    array([1, 2]), power=2",
        "  witness    ([0.1, -2.0], power=3) -> [0.001, 8.0], from a table",
        "  citation   a book",
        "  rule       the reference has none",
    ]


@pytest.mark.parametrize("name", catalogue.operators())
def test_every_operator_can_be_explained_and_has_a_rule(name: str) -> None:
    operator = catalogue.operator(name)
    lines = list(explained(operator))
    assert not any("\n" in line for line in lines)
    for label, count in (("example", len(operator.examples)), ("witness", len(operator.witnesses)), ("rule", 1)):
        assert sum(line.startswith(f"  {label} ") for line in lines) == count
    assert ".py:" in lines[-1]


def test_a_misspelt_name_is_refused_with_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["list", "sigmiod"]) == cli.WRONG_USAGE
    assert "the closest is 'sigmoid'" in capsys.readouterr().err
