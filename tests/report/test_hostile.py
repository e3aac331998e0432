"""Through the real engine and command line: what a hostile subject says is text everywhere, and writes nowhere outside its folder.

And records that are spoilt: named with their line, the rest shown.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gradcheck import cli, records_io
from gradcheck.records import Record
from tests.report import hostile_subjects, sample
from tests.report.test_pages import Outline

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[bytes]]:
    """The folder of the run, and what it printed."""
    out = tmp_path_factory.mktemp("deep") / "deeper" / "pages"
    operators = ",".join((*hostile_subjects.OPERATORS, "*onerror*"))
    command = ["run", "tests.report.hostile_subjects:Evil", "--operators", operators, "--profile", "quick"]
    done = subprocess.run(
        [sys.executable, "-m", "gradcheck", *command, "--jobs", "1", "--out", str(out), "--format", "github"],
        capture_output=True,
        cwd=ROOT,
        timeout=300,
    )
    assert done.returncode == cli.NOT_OK, done.stderr[-3000:]
    return out, done


def records(out: Path) -> dict[str, Record]:
    run = records_io.read(out / "records.jsonl")
    assert run.complete and not run.problems
    return {record.operator: record for record in run.records}


def test_every_hostile_operator_is_judged(ran: tuple[Path, subprocess.CompletedProcess[bytes]]) -> None:
    found = records(ran[0])
    assert set(found) == {*hostile_subjects.OPERATORS, f"../../{hostile_subjects.EVIL}"}
    assert all(any(finding.severity.fails for finding in record.findings) for record in found.values())


def test_nothing_is_written_outside_of_the_folder(ran: tuple[Path, subprocess.CompletedProcess[bytes]]) -> None:
    out = ran[0]
    top = out.parent.parent
    assert [path for path in top.rglob("*") if path.is_file() and out not in path.parents] == []
    names = {path.name for path in out.iterdir()}
    assert names <= {"records.jsonl", "output.txt", ".drawn.json", *(name for name in names if name.endswith(".html"))}


def test_the_pages_are_pages(ran: tuple[Path, subprocess.CompletedProcess[bytes]]) -> None:
    pages = sorted(ran[0].glob("*.html"))
    assert len(pages) == 1 + len(records(ran[0]))
    for page in pages:
        content = page.read_text()
        assert len(content.encode()) <= 400_000, page
        outline = Outline(content)
        assert "img" not in outline.tags and outline.tags.count("script") == 1
        assert "\x1b" not in content and "\x00" not in content
        for link in outline.links:
            name = link.partition("#")[0]
            assert not name or (ran[0] / name).is_file()


def test_a_terminal_gets_no_control_characters(ran: tuple[Path, subprocess.CompletedProcess[bytes]]) -> None:
    """Nor ten megabytes, nor on standard output a line that a workflow would obey, except our own."""
    done = ran[1]
    for stream in (done.stdout, done.stderr):
        assert not set(stream) & (set(range(32)) - {10, 9})
        assert max(map(len, stream.split(b"\n"))) < 20_000
    lines = done.stdout.decode().splitlines()
    assert lines and all(line.startswith(("::error ", "::warning ")) for line in lines)
    assert b"\\x1b[31m" in done.stderr


def write(path: Path) -> list[bytes]:
    """A whole run of the sample, and its lines."""
    run = sample.run()
    assert run.footer is not None
    with records_io.Writer(path) as writer:
        writer.header(run.header)
        for record in run.records:
            writer.record(record)
        writer.footer(run.footer)
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("spoil", "says", "lost"),
    [
        (lambda lines: [*lines[:2], b"{not json\n", *lines[3:]], "line 3 ", "reference--sigmoid"),
        (lambda lines: [*lines[:2], lines[2][:200]], "line 3, the last one, is cut off", "reference--relu"),
        (lambda lines: [*lines[:2], b'{"type": "record"}\n', *lines[3:]], "line 3 ", "reference--sigmoid"),
        (lambda lines: [*lines[:2], b"\xff\xfe\n", *lines[3:]], "line 3 ", "reference--sigmoid"),
        (lambda lines: [b"{}\n", *lines[1:]], "line 1 is no header", "nothing"),
        (lambda lines: lines[:4], "cut short", "autograd--matmul"),
    ],
    ids=["corrupt", "torn", "empty", "no text", "header", "truncated"],
)
def test_spoilt_records_are_named_by_line_and_the_rest_is_shown(
    spoil: object, says: str, lost: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "records.jsonl", tmp_path / "out"
    lines = write(path)
    assert callable(spoil)
    path.write_bytes(b"".join(spoil(lines)))
    assert cli.execute(["report", str(path), "--out", str(out)]) == cli.OK
    assert says in capsys.readouterr().out
    index = (out / "index.html").read_text()
    assert says in index
    assert (out / "reference--matmul.html").exists() and not (out / f"{lost}.html").exists()


def test_records_of_a_foreign_version_are_refused_with_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "records.jsonl"
    first, *rest = write(path)
    path.write_bytes(b"".join([first.replace(b'"format":2', b'"format":99'), *rest]))
    assert cli.execute(["report", str(path), "--out", str(tmp_path / "out")]) == cli.WRONG_USAGE
    said = capsys.readouterr().err
    assert f"{path}:1: " in said and "format 99" in said and not (tmp_path / "out").exists()
