"""The command line, with a fake engine: plans, exit codes, interruption, resumption, and what is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcheck.engine.verify
from gradcheck import catalogue, cli, records_io, subjects
from gradcheck.cli import running, telling, workers
from gradcheck.errors import UsageError
from gradcheck.records import Correction, Coverage, Record, Status, Verdict
from gradcheck.subjects.protocol import Exhibit
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

    def verify(subject: Any, operator: Any, *, profile: str, seed: int, limit: float | None) -> Record:
        pairs.append((subject.name, operator.name))
        if (subject.name, operator.name) == ("other", "tanh"):
            return replace(sample.failing(), subject="other", operator="tanh", seed=seed)
        if (subject.name, operator.name) == ("other", "softplus"):
            return Record(subject="other", operator="softplus", verdict=Verdict.UNSUPPORTED, status=Status.INCONCLUSIVE)
        return replace(sample.passing(operator.name, subject.name), curve=None, ulps=(), seed=seed)

    monkeypatch.setattr(subjects, "load", fake_load)
    monkeypatch.setattr(gradcheck.engine.verify, "verify_operator", verify)
    monkeypatch.setattr(workers, "checked", here)
    return pairs


def here(tasks: Sequence[workers.Task], jobs: int, scratch: Path) -> Iterator[workers.Done]:
    """In this process, where it can be watched; ``test_workers`` has the real thing."""
    for task in tasks:
        yield workers.Done(workers.check(task), "")


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
        ["run", "--seed", "-1"],
        ["run", "--time-limit", "-1"],
        ["run", "--time-limit", "nan"],
        ["run", "--oprators", "log"],
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


def test_pages_from_a_report_equal_those_of_the_run(checked: list[Any], go: Callable[..., int], tmp_path: Path) -> None:
    go()
    cli.execute(["report", str(tmp_path / "records.jsonl"), "--out", str(tmp_path / "again")])
    for page in (tmp_path / "again").iterdir():
        assert page.read_bytes() == (tmp_path / page.name).read_bytes()


def test_a_report_in_one_file_is_one_file(
    checked: list[Any], go: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    go("other")
    out = tmp_path / "one"
    assert cli.execute(["report", str(tmp_path / "records.jsonl"), "--out", str(out), "--single-file"]) == cli.OK
    assert [path.name for path in out.iterdir()] == ["report.html"]
    assert f"pages  {out / 'report.html'}" in capsys.readouterr().out
    content = (out / "report.html").read_text()
    assert all(name in content for name in OPERATORS.split(","))


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


def test_a_progress_bar_is_for_terminals_only(
    checked: list[Any], go: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert go() == cli.OK
    assert "\x1b[3" not in capsys.readouterr().out  # no colour


@pytest.mark.parametrize(
    ("arguments", "named", "mend"),
    [
        (["run", "refrence"], "'refrence'", "autograd, jax"),
        (["run", "no_such_module:it"], "no_such_module", "check that it can be imported"),
        (["run", "tests.test_cli:Fke"], "Fke", "did you mean 'Fake'?"),
        (["run", "--operators", "sotfmax"], "'sotfmax'", "the closest is 'softmax'"),
        (["run", "--operators", ","], "no operator", "'*' for all of them"),
        (["run", "--operators", "net:fan"], "--operators net:fan", "the closest is 'net:"),
        (["run", "--seed", "-3"], "--seed -3", "not negative"),
        (["run", "--seed", "soon"], "--seed", "soon"),
        (["run", "--seed", "1.5"], "--seed", "1.5"),
        (["run", "--jobs", "0.5"], "--jobs", "0.5"),
        (["run", "--sed", "1"], "--sed", "--seed"),
        (["run", "--profile", "heroic"], "heroic", "thorough"),
        (["run", "--jobs", "-2"], "--jobs -2", "0 for one per processor"),
        (["run", "--time-limit", "-2"], "--time-limit -2", "0 for no limit"),
        (["report", "nowhere.jsonl"], "nowhere.jsonl", "cannot be read"),
        (["list", "sotfmax"], "'sotfmax'", "the closest is 'softmax'"),
        (["rnu"], "rnu", "run"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_names_the_argument_and_the_mend(
    arguments: list[str], named: str, mend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "new")] if arguments[0] == "run" else []
    assert cli.execute([*arguments, *out]) == cli.WRONG_USAGE
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert named in said and mend in said
    assert "Traceback" not in said
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("content", [b"", b"not json\n", b'{"type":"footer","records":0,"failed":0,"seconds":0.0}\n'])
def test_a_file_of_something_else_is_refused(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(content)
    assert cli.execute(["report", str(path)]) == cli.WRONG_USAGE
    assert f"{path}:1: no header" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert cli.execute(["run", "--operators", "tanh", "--out", str(blocked / "pages")]) == cli.WRONG_USAGE
    said = capsys.readouterr().err
    assert f"--out {blocked / 'pages'}: it cannot be written to" in said and "name another directory" in said


def test_a_run_by_another_version_is_not_resumed(
    checked: list[Any],
    go: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        go()
    monkeypatch.setattr(Fake, "version", "2")
    assert go("--resume") == cli.WRONG_USAGE
    assert "was begun with subject reference 1, and this is 2" in capsys.readouterr().err


def test_a_file_cut_off_in_its_first_line_holds_nothing_to_resume(
    checked: list[Any], go: Callable[..., int], tmp_path: Path
) -> None:
    (tmp_path / "records.jsonl").write_bytes(b'{"type":"hea')
    assert go("--resume") == cli.OK
    assert len(checked) == 3
    assert records_io.read(tmp_path / "records.jsonl").complete


class Exhibitor(Fake):
    """A subject with two exhibits: a network that is right, and a formula of which ``wrong`` says whether it is printed wrong."""

    def __init__(self, name: str, wrong: bool) -> None:
        super().__init__(name)
        self.wrong = wrong

    def exhibits(self) -> dict[str, Callable[[], Exhibit]]:
        def pair(factor: float) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
            return lambda x: x * x, lambda g, x: factor * g * x

        def network() -> Exhibit:
            forward, vjp = pair(2.0)
            return Exhibit(forward=forward, vjp=vjp, inputs=(np.ones(2),), wrt=(0,), words={"formula": "x^2"})

        def formula() -> Exhibit:
            correction = Correction(number="P1", printed="x", right="2 x", relation="half", unexplained=0.0)
            return replace(network(), correction=correction, printed=pair(1.0 if self.wrong else 2.0))

        return {"net:square": network, "thread:P1": formula}


@pytest.mark.parametrize(("wrong", "code"), [(True, cli.OK), (False, cli.NOT_OK)])
def test_a_printed_formula_that_is_refuted_as_expected_is_exit_code_0(
    wrong: bool, code: int, checked: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "load", lambda name: Exhibitor(name, wrong))
    assert (
        cli.execute(["run", "it", "--operators", "net:*,thread:*,tanh", "--out", str(tmp_path), "--jobs", "1"]) == code
    )
    run = records_io.read(tmp_path / "records.jsonl")
    assert [operator for _, operator in run.header.planned] == ["tanh", "net:square", "thread:P1"]
    assert run.complete
    assert ("as expected" in (tmp_path / "thread.html").read_text()) and (tmp_path / "it--net-square.html").exists()
    statuses = {record.operator: record.status for record in run.records}
    assert statuses["net:square"] is Status.PASS
    assert statuses["thread:P1"] is (Status.PASS if wrong else Status.FAIL)


def test_exhibits_are_part_of_everything_and_can_be_asked_for_alone(
    checked: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "load", lambda name: Exhibitor(name, True))
    out = ["--out", str(tmp_path), "--jobs", "1"]
    assert cli.execute(["run", "it", "--operators", "net:square", *out]) == cli.OK
    assert records_io.read(tmp_path / "records.jsonl").header.planned == (("it", "net:square"),)
    assert not checked
    assert cli.execute(["run", "it", *out]) == cli.OK
    planned = [operator for _, operator in records_io.read(tmp_path / "records.jsonl").header.planned]
    assert planned == [*catalogue.operators(), "net:square", "thread:P1"]
    assert cli.execute(["run", "it", "--operators", "net:cube", *out]) == cli.WRONG_USAGE


def test_no_name_begins_a_line_of_its_own() -> None:
    """A line such as ``::error::`` is an order to GitHub: a subject's name does not get to write one."""
    row = Coverage(dtype="float64", shapes="(3,)", parameters="", counts={"right": 3})
    record = Record(operator="exp\n::error::x", subject="mine\n::error::y", verdict=Verdict.RIGHT, status=Status.PASS)
    record = replace(record, coverage=(row,), counts={"right": 3}, oracles={"finite differences": 3})
    lines = [running._headline(record), running._summary("mine\n::error::y", [record], 1), *telling.tried([record])]
    assert not [line for line in lines if "\n" in line] and all("::error::" in line for line in (lines[0], lines[-1]))
