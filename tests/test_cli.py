"""The command line, with a fake engine: plans, exit codes, interruption, resumption, and what is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import gradcheck.engine.verify
from gradcheck import catalogue, cli, records_io, subjects
from gradcheck.errors import UsageError
from gradcheck.records import Record, Status, Verdict
from tests.report import sample

OPERATORS = "sigmoid,tanh,softplus"


class Fake:
    """A subject that exists by name only."""

    version = "1"

    def __init__(self, name: str) -> None:
        self.name = name


def fake_load(name: str) -> Fake:
    if name not in ("reference", "other", "elsewhere:it"):
        raise UsageError(f"unknown subject {name!r}")
    return Fake("it" if ":" in name else name)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The (subject, operator) pairs that were verified; ``other`` fails at tanh."""
    pairs: list[tuple[str, str]] = []

    def verify(subject: Any, operator: Any, *, profile: str, seed: int) -> Record:
        pairs.append((subject.name, operator.name))
        if (subject.name, operator.name) == ("other", "tanh"):
            return replace(sample.failing(), subject="other", operator="tanh", seed=seed)
        if (subject.name, operator.name) == ("other", "softplus"):
            return Record(subject="other", operator="softplus", verdict=Verdict.UNSUPPORTED, status=Status.INCONCLUSIVE)
        return replace(sample.passing(operator.name, subject.name), curve=None, ulps=(), seed=seed)

    monkeypatch.setattr(subjects, "load", fake_load)
    monkeypatch.setattr(gradcheck.engine.verify, "verify_operator", verify)
    return pairs


@pytest.fixture
def go(tmp_path: Path) -> Callable[..., int]:
    def call(*arguments: str) -> int:
        return cli.execute(["run", *arguments, "--operators", OPERATORS, "--out", str(tmp_path), "--jobs", "1"])

    return call


def test_a_run_writes_records_and_pages(
    checked: list[Any], go: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go() == cli.OK
    run = records_io.read(tmp_path / "records.jsonl")
    assert run.complete
    assert [pair[0] for pair in run.header.planned] == ["reference"] * 3
    assert (tmp_path / "index.html").exists()
    assert (tmp_path / "reference--sigmoid.html").exists()
    out = capsys.readouterr().out
    assert "reference  3 operators, 3 ok, 0 not ok, 0 findings" in out
    assert str(tmp_path / "index.html") in out
    assert "\x1b" not in out


def test_a_failure_is_exit_code_1_and_unsupported_is_none(
    checked: list[Any], go: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert go("other") == cli.NOT_OK
    out = capsys.readouterr().out
    assert "other  2 operators, 1 ok, 1 not ok" in out
    assert "1 not implemented" in out
    assert "FAIL" in out


def test_a_subject_asked_for_by_path_is_loaded_by_it_in_the_snippet(
    checked: list[Any], go: Callable[..., int], tmp_path: Path
) -> None:
    assert go("elsewhere:it") == cli.OK
    run = records_io.read(tmp_path / "records.jsonl")
    assert {record.claim["load"] for record in run.records} == {"elsewhere:it"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nobody"],
        ["run", "--operators", "no_such_operator"],
        ["run", "--profile", "heroic"],
        ["run", "--jobs", "-1"],
        ["run", "--seed", "soon"],
        ["walk"],
        ["list", "no_such_operator"],
        ["report", "no_such_file"],
        ["report"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_4_and_writes_nothing(
    arguments: list[str], checked: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.execute(arguments) == cli.WRONG_USAGE
    assert not list(tmp_path.iterdir())


def interrupt_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    verify = gradcheck.engine.verify.verify_operator
    calls = iter(range(100))

    def interrupted(*arguments: Any, **options: Any) -> Record:
        if next(calls) == count:
            raise KeyboardInterrupt
        return verify(*arguments, **options)

    monkeypatch.setattr(gradcheck.engine.verify, "verify_operator", interrupted)


def test_an_interrupted_run_keeps_what_there_is_and_is_resumed(
    checked: list[Any],
    go: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(2, patch)
        assert go("--seed", "3") == cli.INTERRUPTED
    assert "INCOMPLETE: 1 missing" in capsys.readouterr().out
    run = records_io.read(tmp_path / "records.jsonl")
    assert run.footer is None
    assert len(run.records) == 2
    assert "incomplete" in (tmp_path / "index.html").read_text()

    checked.clear()
    assert go("--resume") == cli.OK  # profile and seed of the file
    assert [operator for _, operator in checked] == ["tanh"]
    run = records_io.read(tmp_path / "records.jsonl")
    assert run.complete
    assert run.header.seed == 3
    assert "incomplete" not in (tmp_path / "index.html").read_text()

    checked.clear()
    before = (tmp_path / "records.jsonl").read_bytes()
    assert go("--resume") == cli.OK
    assert not checked
    assert (tmp_path / "records.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (["--seed", "4"], "--seed 3, not 4"),
        (["--profile", "quick"], "--profile default, not quick"),
        (["other"], "other checks"),
    ],
)
def test_another_run_is_not_resumed(
    other: list[str],
    message: str,
    checked: list[Any],
    go: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        go("--seed", "3")
    before = (tmp_path / "records.jsonl").read_bytes()
    assert go("--resume", *other) == cli.WRONG_USAGE
    assert message in capsys.readouterr().err
    assert (tmp_path / "records.jsonl").read_bytes() == before


def test_resume_without_a_file_is_a_new_run(checked: list[Any], go: Callable[..., int]) -> None:
    assert go("--resume") == cli.OK
    assert len(checked) == 3


def test_a_killed_run_leaves_a_file_from_which_pages_are_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = textwrap.dedent("""
        import itertools, sys, time
        import gradcheck.engine.verify
        from gradcheck import cli, subjects
        from tests import test_cli
        from tests.report import sample
        calls = itertools.count()
        def verify(subject, operator, **options):
            if next(calls) == 2:
                print("ready", flush=True)
                time.sleep(60)
            return sample.passing(operator.name, subject.name)
        subjects.load = test_cli.fake_load
        gradcheck.engine.verify.verify_operator = verify
        cli.main(["run", "--operators", "s*", "--jobs", "1", "--out", sys.argv[1]])
    """)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    with child:
        assert child.stdout is not None
        for line in child.stdout:
            if "ready" in line:
                break
        child.send_signal(signal.SIGKILL)
    assert cli.execute(["report", str(tmp_path / "records.jsonl"), "--out", str(tmp_path / "pages")]) == cli.OK
    out = capsys.readouterr().out
    assert "The run is incomplete" in out
    assert len(list((tmp_path / "pages").glob("reference--*.html"))) == 2


def test_pages_from_a_report_equal_those_of_the_run(checked: list[Any], go: Callable[..., int], tmp_path: Path) -> None:
    go()
    cli.execute(["report", str(tmp_path / "records.jsonl"), "--out", str(tmp_path / "again")])
    for page in (tmp_path / "again").iterdir():
        assert page.read_bytes() == (tmp_path / page.name).read_bytes()


def test_list_names_every_operator_and_states_the_claim_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["list"]) == cli.OK
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in catalogue.operators())
    assert cli.execute(["list", "sigmoid"]) == cli.OK
    out = capsys.readouterr().out
    assert "citation" in out and "formula" in out


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(["version"]) == cli.OK
    assert capsys.readouterr().out.strip() == cli.version()
    assert cli.execute(["--help"]) == cli.OK
    assert "resume" in (cli.execute(["run", "--help"]), capsys.readouterr().out)[1]


def test_two_processes_give_the_records_of_one(tmp_path: Path) -> None:
    """With the real engine: workers load subjects and operators by name, and order does not depend on them."""
    found = []
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        common = ["--operators", "sum,take", "--profile", "quick", "--out", str(out)]
        cli.execute(["run", *common, "--jobs", jobs])
        found.append([replace(r, seconds=0.0) for r in records_io.read(out / "records.jsonl").records])
    assert list(map(records_io.encode_line, found[0])) == list(map(records_io.encode_line, found[1]))
    assert len(found[0]) == 2


def test_a_progress_bar_is_for_terminals_only(
    checked: list[Any], go: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert go() == cli.OK
    assert "\x1b[3" not in capsys.readouterr().out  # no colour
