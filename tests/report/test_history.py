"""Earlier runs are kept, the last one is found, and what changed since is named."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradcheck.records import Record, UlpSamples
from gradcheck.records_io import Run, Writer
from gradcheck.report import history
from gradcheck.report.difference import Change, between
from tests.report import sample


def run_of(*records: Record, name: str = "7f3a91c0") -> Run:
    planned = tuple((record.subject, record.operator) for record in records)
    return Run(header=replace(sample.header(planned), run=name), records=records)


def written(path: Path, run: Run, when: int) -> Path:
    with Writer(path) as writer:
        writer.header(run.header)
        for record in run.records:
            writer.record(record)
    os.utime(path, (when, when))
    return path


def test_a_run_is_kept_before_the_next_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    assert history.remember(path) is None
    first = run_of(sample.passing(), name="first")
    content = written(path, first, 1_000_000_000).read_bytes()
    kept = history.remember(path)
    assert kept is not None and kept.read_bytes() == content
    assert kept.name.startswith("20010909T014640Z-")
    assert history.remember(path) == kept
    assert history.files(tmp_path) == [kept]
    written(path, run_of(sample.passing(), name="second"), 1_000_000_100)
    found = history.previous(tmp_path, run_of(sample.passing(), name="second"))
    assert found is not None and found.header.run == "first"


def test_a_run_is_never_compared_with_itself_or_with_one_of_other_operators(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    history.remember(written(path, run_of(sample.passing(), name="same"), 1))
    assert history.previous(tmp_path, run_of(sample.passing(), name="same")) is None
    assert history.previous(tmp_path, run_of(sample.failing(), name="other")) is None
    assert history.previous(tmp_path, run_of(sample.passing(), name="other")) is not None


def test_the_oldest_beyond_the_limit_are_removed_and_foreign_files_are_not(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    for number in range(6):
        written(path, run_of(sample.passing(), name=str(number)), 100 * number)
        history.remember(path, kept=3)
        (tmp_path / "history" / "notes.jsonl").touch()
    names = [found.name[:16] for found in history.files(tmp_path)]
    assert names == ["19700101T000820Z", "19700101T000640Z", "19700101T000500Z"]
    assert (tmp_path / "history" / "notes.jsonl").exists()


def test_a_file_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    history.remember(written(path, run_of(sample.passing(), name="good"), 1))
    path.write_text("no records\n")
    os.utime(path, (9, 9))
    assert history.remember(path) is not None
    found = history.previous(tmp_path, run_of(sample.passing(), name="now"))
    assert found is not None and found.header.run == "good"


def test_a_beginning_without_a_whole_line_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_bytes(b'{"type"')
    assert history.remember(tmp_path / "records.jsonl") is None


def with_worst(error: float, bound: float = 0.1) -> Record:
    samples = UlpSamples(dtype="float64", inputs=np.ones(1), errors=np.array([error]), bounds=np.array([bound]))
    return replace(sample.passing("matmul", "autograd"), ulps=(samples,))


RIGHT, WRONG = sample.passing("matmul", "autograd"), sample.failing()
OPEN = replace(sample.open_(), operator="matmul", subject="autograd")


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (RIGHT, WRONG, Change.WRONG),
        (OPEN, WRONG, Change.WRONG),
        (WRONG, RIGHT, Change.RIGHT),
        (OPEN, RIGHT, Change.RIGHT),
        (RIGHT, OPEN, Change.VERDICT),
        (WRONG, OPEN, Change.VERDICT),
        (RIGHT, RIGHT, Change.SAME),
        (WRONG, WRONG, Change.SAME),
        (RIGHT, replace(RIGHT, seconds=99.0, seed=3), Change.SAME),
        (with_worst(1.0), with_worst(2.0), Change.DIGITS),
        (with_worst(2.0), with_worst(1.0), Change.DIGITS),
        (with_worst(1.0), with_worst(1.9), Change.SAME),
        (with_worst(0.05), with_worst(1.0), Change.DIGITS),
        (with_worst(0.05), with_worst(0.01), Change.SAME),
        (with_worst(0.0), with_worst(0.0), Change.SAME),
        (None, RIGHT, Change.NEW),
        (RIGHT, None, Change.GONE),
    ],
)
def test_each_pair_of_records_is_named_by_its_change(old: Record | None, new: Record | None, change: Change) -> None:
    found = between(*(run_of(*([] if record is None else [record])) for record in (old, new)))
    assert [pair.change for pair in found.pairs] == [change]
    assert len(found.changed) == (change is not Change.SAME)


def test_the_sentences_say_what_came_and_went() -> None:
    pair = between(run_of(RIGHT), run_of(WRONG)).pair("autograd", "matmul")
    assert pair is not None
    assert pair.sentences == ("pass before, fail now", "new findings: GC101 at A, GC301 at B")
    back = between(run_of(WRONG), run_of(RIGHT)).pair("autograd", "matmul")
    assert back is not None and back.sentences[1] == "findings that are gone: GC101 at A, GC301 at B"
    digits = between(run_of(with_worst(1.0)), run_of(with_worst(64.0))).pair("autograd", "matmul")
    assert digits is not None and digits.sentences == ("worst error in float64 1 ulp before, 64 ulp now",)


def test_conditions_that_differ_are_said() -> None:
    old, new = run_of(RIGHT), run_of(RIGHT)
    new = replace(new, header=replace(new.header, seed=8, versions={**new.header.versions, "numpy": "2.5"}))
    assert between(old, new).conditions == ("seed 7 before, 8 now", "numpy 2.4.6 before, 2.5 now")
    assert between(old, old).conditions == ()


def test_the_gravest_changes_come_first() -> None:
    records = (replace(RIGHT, operator="a", subject="s"), replace(WRONG, operator="b", subject="s"))
    old = run_of(records[0], replace(records[0], operator="b"), replace(WRONG, operator="c", subject="s"))
    new = run_of(records[0], records[1], replace(RIGHT, operator="c", subject="s"))
    assert [pair.change for pair in between(old, new).changed] == [Change.WRONG, Change.RIGHT]
