"""``gradcheck diff``, ``completion`` and ``--help``; what moves on a terminal and what does not elsewhere."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from gradcheck import cli, records_io
from gradcheck.cli import running
from gradcheck.records import Record
from tests.report import sample


def write(path: Path, records: Sequence[Record], *, run: str = "aaaa", seed: int = 7) -> Path:
    header = sample.header(tuple((r.subject, r.operator) for r in records))
    with records_io.Writer(path) as writer:
        writer.header(replace(header, run=run, seed=seed))
        for record in records:
            writer.record(record)
        writer.footer(running.footer_of(records))
    return path


def mine(name: str, *, wrong: bool = False) -> Record:
    return replace(sample.failing() if wrong else sample.passing(name), subject="mine", operator=name)


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    old = [mine("log"), mine("tanh", wrong=True), mine("abs"), mine("gone")]
    new = [mine("log", wrong=True), mine("tanh"), mine("abs"), mine("came")]
    return str(write(tmp_path / "old.jsonl", old)), str(write(tmp_path / "new.jsonl", new, run="bbbb", seed=8))


def test_what_is_newly_wrong_comes_first_and_is_exit_code_1(
    two: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.execute(["diff", *two]) == cli.NOT_OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["old  run aaaa", "new  run bbbb", "     seed 7 before, 8 now"]
    assert lines[3] == "newly wrong  1"
    assert lines[4].startswith("  mine log  pass before, fail now; new findings: GC101 at A")
    assert lines[5] == "newly right  1" and "mine tanh  fail before, pass now" in lines[6]
    assert "new in this run  1" in lines and "not in this run  1" in lines and lines[-1] == "unchanged  1"


def test_the_same_and_what_is_mended_are_exit_code_0(two: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["diff", two[0], two[0]]) == cli.OK
    assert capsys.readouterr().out.splitlines()[-1] == "unchanged  4"


def test_one_file_is_compared_with_the_run_before_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["run", "--operators", "tanh", "--profile", "quick", "--jobs", "1", "--out", str(tmp_path)]
    assert cli.execute(run) == cli.OK
    assert cli.execute(["diff", str(tmp_path)]) == cli.WRONG_USAGE
    assert "no earlier run of the same checks is kept beside it" in capsys.readouterr().err
    assert cli.execute([*run, "--seed", "1"]) == cli.OK
    capsys.readouterr()
    assert cli.execute(["diff", str(tmp_path)]) == cli.OK
    assert "     seed 0 before, 1 now" in capsys.readouterr().out.splitlines()


def test_a_file_that_is_none_is_wrong_usage(two: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["diff", two[0], "nowhere.jsonl"]) == cli.WRONG_USAGE
    assert "nowhere.jsonl: cannot be read" in capsys.readouterr().err


COMMANDS = ("completion", "demo", "diff", "list", "peer", "prove", "replay", "report", "run", "version")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["completion", shell]) == cli.OK
    script = capsys.readouterr().out
    assert all(name in script for name in (*COMMANDS, "thorough", "sarif"))
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)  # it is sound in its language


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        (["gradcheck", "rep"], {"replay", "report"}),
        (["gradcheck", "run", "--profile", ""], {"quick", "default", "thorough"}),
    ],
)
def test_bash_completes(words: list[str], offers: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    assert cli.execute(["completion", "bash"]) == cli.OK
    quoted = " ".join(f"'{word}'" for word in words)
    ask = f"\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _gradcheck; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    done = subprocess.run([bash], input=capsys.readouterr().out + ask, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offers


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does_and_what_each_option_is(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.execute(["--help"]) == cli.OK
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"│ {command} ")]
    assert len(line.strip("│ ").split()) > 2
    assert cli.execute([command, "--help"]) == cli.OK
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("│ --"):
            option = line.strip("│ ").split("  ", 1)
            assert len(option) == 2 and len(option[1].split()) > 2, line


def test_on_a_terminal_something_moves_and_elsewhere_nothing_does() -> None:
    records = [replace(sample.passing("tanh"), seconds=0.0), sample.failing()]
    plain, moving = io.StringIO(), io.StringIO()
    for stream, terminal in ((plain, False), (moving, True)):
        console = Console(file=stream, force_terminal=terminal, width=100, markup=False, highlight=False)
        assert list(running.shown(iter(records), 2, console)) == records
        with cli.busy(console, "building the pages"):
            pass
    assert "\x1b" not in plain.getvalue() and "[1/2] pass" in plain.getvalue() and "building" not in plain.getvalue()
    assert "\x1b[?25l" in moving.getvalue() and "2/2" in moving.getvalue() and "building" in moving.getvalue()


@pytest.mark.parametrize(("value", "coloured"), [("", True), ("1", False)])
def test_no_color_is_honoured(value: str, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    list(running.shown(iter([sample.failing()]), 1, console))
    assert bool(re.search(r"\x1b\[[0-9;]*(3[0-9]|38;5;[0-9]+)m", stream.getvalue())) is coloured


def test_a_run_tells_its_first_failures_in_full_with_command_and_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operators = "tanh,log,where,sum,cumsum"
    run = ["run", "tests.user_subjects:Wrong", "--operators", operators, "--profile", "quick", "--jobs", "1"]
    assert cli.execute([*run, "--out", str(tmp_path)]) == cli.NOT_OK
    out = capsys.readouterr().out
    assert len(re.findall(r"^FAIL  mine ", out, re.MULTILINE)) == 3 and "2 more fail; the pages have all of them" in out
    for name, page, anchor in re.findall(
        r"repro          gradcheck replay (\w+) .*\n  page           (.*)#(\w+)$", out, re.M
    ):
        assert name == anchor and f'id="{anchor}"' in Path(page).read_text()
    assert out.count("  page           ") == 3
