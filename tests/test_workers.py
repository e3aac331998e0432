"""Worker processes with the real engine: whatever a subject does, there is one record per operator and a run that ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradcheck import cli, records_io
from gradcheck.records import Record, Status, Verdict
from tests import user_subjects

ROOT = Path(__file__).parent.parent
HOSTILE = ",".join([*user_subjects.Hostile.changes, "softplus"])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, dict[str, Record]]:
    """Directory, terminal text and records of a run of the hostile subject."""
    out = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, "-m", "gradcheck", "run", "tests.user_subjects:Hostile", "--operators", HOSTILE]
    done = subprocess.run(
        [*command, "--profile", "quick", "--time-limit", "15", "--jobs", "2", "--out", str(out)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    assert done.returncode == cli.NOT_OK, done.stderr
    run = records_io.read(out / "records.jsonl")
    assert run.complete and not run.problems
    return out, done.stdout, {record.operator: record for record in run.records}


@pytest.mark.parametrize(
    ("operator", "code", "says"),
    [
        ("log", "GC109", "raised SystemExit: 3"),
        ("tanh", "GC123", "raised KeyboardInterrupt"),
        ("cumsum", "GC123", "raised OddError: odd"),
        ("sum", "GC109", "raised RecursionError"),
        ("prod", "GC124", "stopped after 15 s, at user_subjects.py"),
        ("relu", "GC124", "did not react"),
        ("max", "GC125", "ended by SIGABRT"),
        ("power", "GC125", 'exited with code 7, after "I am leaving"'),
        ("take", "GC205", "changes x1 in place"),
        ("var", "GC123", "raised ValueError: not today"),
        ("where", "GC123", "it must be an Implementation, or None"),
    ],
)
def test_what_a_subject_does_is_a_finding(
    operator: str, code: str, says: str, hostile: tuple[Path, str, dict[str, Record]]
) -> None:
    record = hostile[2][operator]
    [message] = [f.message for f in record.findings if f.code == code]
    assert says in message
    stopped = code == "GC124"
    assert record.status is (Status.INCONCLUSIVE if stopped else Status.FAIL)
    assert record.verdict is Verdict.STOPPED or not stopped


@pytest.mark.parametrize("operator", ["abs", "sigmoid", "softplus", "cumprod"])
def test_a_noisy_or_meddling_subject_whose_answers_are_right_passes(
    operator: str, hostile: tuple[Path, str, dict[str, Record]]
) -> None:
    record = hostile[2][operator]
    assert record.status is Status.PASS, record.findings
    assert record.counts["right"] > 0


def test_what_a_subject_prints_is_in_a_file_of_its_own(hostile: tuple[Path, str, dict[str, Record]]) -> None:
    out, terminal, _ = hostile
    printed = (out / "output.txt").read_text()
    for words in ("a line from the subject", "bytes past Python", "and an error"):
        assert words in printed and words not in terminal
    assert "--- hostile abs\n" in printed
    assert f"printed  {out / 'output.txt'}" in terminal
    shape = re.compile(
        r"\[ ?\d+/15\] \w+ +hostile \w+(  GC\d+( GC\d+)*)?|gradcheck .*|hostile  .*|pages  .*|printed  .*|[0-9.]+ s"
        r"| +points  shapes  .*|hostile \w+ .*"
    )
    told = re.compile(r"(?:FAIL  hostile .*\n(?:  .*\n)+\n){3}\d more fail; the pages have all of them\n")
    rest, count = told.subn("", terminal)
    assert count == 1 and all(shape.fullmatch(line) for line in rest.split("\n") if line), terminal


def test_every_operator_has_a_page_and_the_summary_names_the_undecided(
    hostile: tuple[Path, str, dict[str, Record]],
) -> None:
    out, terminal, records = hostile
    assert len(list(out.glob("hostile--*.html"))) == len(records) == 15
    assert re.search(r"no entry decided of .*\bprod\b", terminal)


def run(out: Path, operators: str, *more: str, subject: str = "reference") -> int:
    arguments = ["run", subject, "--operators", operators, "--profile", "quick", "--out", str(out)]
    return cli.execute([*arguments, *more])


def test_a_subject_that_changes_its_name_has_its_records_under_the_first(tmp_path: Path) -> None:
    assert run(tmp_path, "tanh,abs", subject="tests.user_subjects:Fickle") == cli.OK
    assert records_io.read(tmp_path / "records.jsonl").complete


def test_two_processes_give_the_records_of_one(tmp_path: Path) -> None:
    """Workers load subjects and operators by name; order and number of processes do not matter."""
    found = []
    for jobs in ("1", "2"):
        run(tmp_path / jobs, "sum,take,abs", "--jobs", jobs)
        found.append([replace(r, seconds=0.0) for r in records_io.read(tmp_path / jobs / "records.jsonl").records])
    assert list(map(records_io.encode_line, found[0])) == list(map(records_io.encode_line, found[1]))
    assert [record.operator for record in found[0]] == ["abs", "sum", "take"]


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process runs; one that is dead and not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def without_times(page: Path) -> str:
    """A page without what differs between any two runs: its seconds, and the run's random name."""
    text = re.sub(r"\(\d+\.\d\d s\)", "", page.read_text())
    text = re.sub(r'<td class="num" data-value="\d+\.\d\d">\d+\.\d\d</td>', "", text)
    return re.sub(r"<dt>run</dt><dd>[0-9a-f]{8}</dd>", "", text)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc")
@pytest.mark.parametrize("torn", [b"", b'{"type":"record","operator":"ta'], ids=["whole", "torn"])
def test_a_killed_run_is_reported_and_resumed(torn: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    operators = "abs,log,relu,sum,take,tanh"
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    path = cut / "records.jsonl"
    command = [sys.executable, "-m", "gradcheck", "run", "--operators", operators, "--profile", "quick"]
    child = subprocess.Popen([*command, "--jobs", "1", "--out", str(cut)], stdout=subprocess.DEVNULL, cwd=ROOT)
    with child:
        until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 3, "no records")
        workers = children(child.pid)
        child.send_signal(signal.SIGKILL)
    assert workers
    until(lambda: not any(map(alive, workers)), "a worker outlives its parent")
    with open(path, "ab") as file:
        file.write(torn)
    begun = path.read_bytes().removesuffix(torn)
    finished = [r.operator for r in records_io.read(path).records]
    assert 2 <= len(finished) < 6

    assert cli.execute(["report", str(path), "--out", str(tmp_path / "pages")]) == cli.OK
    said = capsys.readouterr().out
    assert "The run is incomplete" in said
    assert ("the last one, is cut off" in said) == bool(torn)
    assert len(list((tmp_path / "pages").glob("reference--*.html"))) == len(finished)
    assert "This run is incomplete" in (tmp_path / "pages" / "index.html").read_text()

    assert run(cut, operators, "--resume") == cli.OK
    said = capsys.readouterr().out
    assert f"{6 - len(finished)} checks to do" in said
    assert not [name for name in finished if re.search(rf"\] \w+ +reference {name}\b", said)]
    assert path.read_bytes().startswith(begun)
    assert run(whole, operators) == cli.OK
    pages = sorted(page.name for page in whole.glob("*.html"))
    assert pages == sorted(page.name for page in cut.glob("*.html")) and len(pages) == 7
    for name in pages:
        assert without_times(cut / name) == without_times(whole / name), name


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal")
def test_a_subject_that_prints_does_not_garble_the_progress_bar(tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gradcheck", "run", "tests.user_subjects:Hostile", "--operators", "abs,log"]
    command += ["--profile", "quick", "--out", str(tmp_path)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment) as child:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert child.returncode == cli.NOT_OK
    text = shown.decode()
    assert "\x1b[" in text and "2/2" in text  # there is a bar, and it came to its end
    assert "FAIL         hostile log  GC109" in text
    assert "from the subject" not in text and "past Python" not in text and "an error" not in text
    assert "a line from the subject" in (tmp_path / "output.txt").read_text()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt_from_the_keyboard_ends_the_run_with_pages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gradcheck", "run", "--profile", "quick", "--out", str(tmp_path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    path = tmp_path / "records.jsonl"
    until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 2, "no records")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == cli.INTERRUPTED
    assert "Interrupted" in out and "INCOMPLETE" in out and not err
    assert "This run is incomplete" in (tmp_path / "index.html").read_text()


def test_what_has_no_exact_form_does_not_stop_a_run() -> None:
    """A finding that holds an object of the user's class is recorded without it."""
    from gradcheck.cli.workers import line
    from gradcheck.records import Finding, Severity

    class Odd:
        pass

    findings = (
        Finding(code="GC1", severity=Severity.WRONG, argument="x", message="", kwargs={"k": Odd()}, got=1.0),
        Finding(
            code="GC2", severity=Severity.WRONG, argument="x", message="", kwargs={"k": np.array([1, "a"], object)}
        ),
    )
    record = Record(operator="o", subject="s", verdict=Verdict.WRONG, status=Status.FAIL, findings=findings)
    back = records_io.decode_line(line(record))
    assert isinstance(back, Record)
    assert back.findings[0].kwargs == {} and back.findings[0].got == 1.0
    assert list(back.findings[1].kwargs["k"]) == [1, "a"]
