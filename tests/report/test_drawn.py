"""Only what changed is drawn again, and what is left alone is what would be drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gradcheck import records_io
from gradcheck.records_io import Run
from gradcheck.report import build, drawn, render
from tests.report import sample


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages of operators that are drawn, by file, from now on."""
    names: list[str] = []
    page = render._Report._page

    def counted(self: render._Report, number: int, values: dict[str, object]) -> str:
        names.append(self.views[number].file)
        return page(self, number, values)

    monkeypatch.setattr(render._Report, "_page", counted)
    return names


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.glob("*.html"))}


def test_a_report_that_is_read_again_is_not_drawn_again(tmp_path: Path, made: list[str]) -> None:
    run = sample.run()
    path = tmp_path / "records.jsonl"
    with records_io.Writer(path) as writer:
        writer.header(run.header)
        for record in run.records:
            writer.record(record)
    build(records_io.read(path), tmp_path)
    assert len(made) == len(run.records)
    made.clear()
    build(records_io.read(path), tmp_path)
    assert made == []


def test_one_record_that_changed_is_drawn_and_no_other(tmp_path: Path, made: list[str]) -> None:
    run = sample.run()
    build(run, tmp_path)
    made.clear()
    changed = replace(run.records[1], seconds=run.records[1].seconds + 1)
    after = Run(header=run.header, records=(run.records[0], changed, *run.records[2:]))
    build(after, tmp_path)
    assert len(made) == 1
    other = tmp_path / "other"
    build(after, other)
    assert contents(tmp_path) == contents(other), "as if all had been drawn"


def test_what_is_proved_and_who_the_neighbours_are_is_drawn_again(tmp_path: Path, made: list[str]) -> None:
    run = sample.run()
    build(run, tmp_path)
    for records in (run.records[1:], run.records[:-1]):
        made.clear()
        after = Run(header=run.header, records=records)
        build(after, tmp_path)
        other = tmp_path / f"other{len(made)}"
        build(after, other)
        for name, content in contents(other).items():
            assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("spoilt", ["page", "missing", "digests", "no digests", "another shape"])
def test_what_somebody_else_changed_is_drawn_again(tmp_path: Path, spoilt: str) -> None:
    run = sample.run()
    build(run, tmp_path)
    before = contents(tmp_path)
    page, known = tmp_path / sorted(before)[0], tmp_path / drawn.FILE
    if spoilt == "page":
        page.write_text("something else")
    elif spoilt == "missing":
        page.unlink()
    elif spoilt == "digests":
        known.write_text('{"index.html": 3')
    elif spoilt == "no digests":
        known.unlink()
    else:
        known.write_text(json.dumps([1, 2]))
    build(run, tmp_path)
    assert contents(tmp_path) == before


def test_another_text_of_the_package_draws_everything(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sample.run()
    build(run, tmp_path)
    made.clear()
    monkeypatch.setattr(drawn, "_code", lambda: b"another version")
    build(run, tmp_path)
    assert len(made) == len(run.records)
