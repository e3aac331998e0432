"""``gradcheck demo``: every planted mistake is found, and nothing is found where none is planted."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradcheck import catalogue, cli, records_io
from gradcheck.cli import demonstration, planted
from gradcheck.engine.verify import verify_operator
from gradcheck.records import Finding, Record, Status, finding_id
from gradcheck.replay import REPRODUCED, replay
from tests.report import sample


def used() -> float:
    """Seconds of processors that this process and those that it waited for have used."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def test_every_mistake_is_found_in_half_a_minute(shown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun = used()
    assert cli.execute(["demo", "--out", str(shown)]) == cli.OK
    out = capsys.readouterr().out
    for bug in planted.BUGS:
        assert f"planted        {bug.name}; right would be: {bug.right}" in out
    assert f"{len(planted.BUGS)} of {len(planted.BUGS)} mistakes were found." in out
    assert "got 0.0   expected 0.7874518905262988" in out  # tanh at 1: 1 - tanh(1)^2, times the cotangent 1.875
    run = records_io.read(shown / "records.jsonl")
    assert run.complete and all(record.status is Status.FAIL for record in run.records)
    # Half a minute on each of two processors; their time and not that of clocks, which others slow down.
    assert used() - begun < 2 * 30
    assert (shown / "index.html").exists()


def test_what_was_found_is_found_again_from_the_record(shown: Path) -> None:
    for record in records_io.read(shown / "records.jsonl").records:
        finding: Finding = next(f for f in record.findings if f.severity.fails)
        assert replay(planted.Planted(), record, finding).word == REPRODUCED, record.operator


def test_the_mistakes_are_where_they_are_said_to_be(shown: Path) -> None:
    """Without the planted rule the same subject passes, and an operator without one is the reference's own."""
    subject = planted.Planted()
    for operator in planted.RULES:
        right = subject.reference.implementation(operator, {})
        wrong = subject.implementation(operator, {})
        assert right is not None and wrong is not None and wrong.vjp is planted.RULES[operator]
    clean = verify_operator(subject, catalogue.operator("sin"), profile="quick")
    assert clean.status is Status.PASS


def test_a_mistake_that_is_not_found_is_said_and_is_exit_code_1(
    shown: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = records_io.read(shown / "records.jsonl")
    records: list[Record] = [r if r.operator != "cos" else sample.passing("cos", planted.NAME) for r in run.records]
    with records_io.Writer(tmp_path / "records.jsonl") as writer:
        writer.header(run.header)
        for record in records:
            writer.record(replace(record, seconds=0.0))
    assert demonstration.told(tmp_path, records, cli._console()) == cli.NOT_OK
    out = capsys.readouterr().out
    assert (
        "NOT FOUND  wrong sign, in cos" in out and f"{len(records) - 1} of {len(records)} mistakes were found." in out
    )


def test_the_planted_functions_are_wrong_by_hand() -> None:
    g, x = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [2.0, 3.0]])
    assert not np.array_equal(planted.product_vjp(g, x, x)[0], g @ x.T)
    assert planted.residual_vjp(np.array(1.0), np.array(1.0)) == 2.0  # and not 1 + 2
    assert planted.add(np.array([1.0, 2.0]), np.array([0.0, 0.0]), np.array(0.0))[1] == 1.0  # and not 3


def test_the_repro_line_names_the_finding(shown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = records_io.read(shown / "records.jsonl").records[-1]
    name = finding_id(record, next(f for f in record.findings if f.severity.fails))
    assert cli.execute(["replay", name, "--records", str(shown / "records.jsonl"), "--time-limit", "600"]) == cli.OK
    assert "reproduced" in capsys.readouterr().out
