"""Every snippet of a run over wrong implementations of a user's is pasted into a fresh interpreter, and reproduces its finding."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck import cli, records_io
from gradcheck.records import Record
from gradcheck.report import build, snippet
from tests import user_subjects
from tests.report import ending_subjects, sample

ROOT = Path(__file__).parent.parent.parent

EXPECTED = {
    "tanh": "GC101",
    "softplus": "GC101",
    "prod": "GC102",
    "matmul": "GC101",
    "log": "GC206",
    "sum": "GC109",
    "cumsum": "GC203",
    "where": "GC202",
    "abs": "GC101",
    "sigmoid": "GC204",
    "gelu": "GC209",
    "multiply": "GC208",
    "take": "GC120",
    "softmax": "GC301",
}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    out = tmp_path_factory.mktemp("wrong")
    command = ["run", "tests.user_subjects:Wrong", "--operators", ",".join(user_subjects.Wrong.changes)]
    assert cli.execute([*command, "--profile", "quick", "--out", str(out)]) == cli.NOT_OK
    return {record.operator: record for record in records_io.read(out / "records.jsonl").records}


def test_every_way_of_being_wrong_is_here() -> None:
    assert set(EXPECTED) == set(user_subjects.Wrong.changes)


@pytest.mark.parametrize(("operator", "code"), EXPECTED.items())
def test_a_snippet_reproduces_its_finding_as_pasted(operator: str, code: str, records: dict[str, Record]) -> None:
    record = records[operator]
    failing = [finding for finding in record.findings if finding.severity.fails]
    assert code in {finding.code for finding in failing}
    for finding in failing:
        source = snippet(record, finding)
        assert "tests.user_subjects:Wrong" in source
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, cwd=ROOT, timeout=120
        )
        assert done.returncode == 0, source + done.stderr
        assert done.stdout.splitlines()[-1] == "reproduced", source + done.stdout


def test_a_snippet_says_where_it_does_not_reproduce(records: dict[str, Record]) -> None:
    """The same source with the right implementation in the place of the wrong one."""
    for operator, code in (("tanh", "GC101"), ("take", "GC120"), ("cumsum", "GC203"), ("sum", "GC109")):
        [finding] = [f for f in records[operator].findings if f.code == code]
        source = snippet(records[operator], finding).replace("tests.user_subjects:Wrong", "reference")
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, timeout=120)
        assert done.stdout.splitlines()[-1] == "not reproduced", source + done.stdout + done.stderr


ENDINGS = {
    "prod": ("GC124", "it did not return within 6.0 s"),
    "relu": ("GC124", "it did not return within 6.0 s"),
    "sin": ("GC124", "it did not return within 6.0 s"),
    "max": ("GC125", "was ended by SIGABRT"),
    "power": ("GC125", "exited with code 7"),
    "exp": ("GC125", "was ended by SIGSEGV"),
    "cos": ("GC125", "exited with code 0"),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    out = tmp_path_factory.mktemp("ended")
    command = ["run", "tests.report.ending_subjects:Ending", "--operators", ",".join(ENDINGS), "--time-limit", "6"]
    assert cli.execute([*command, "--profile", "quick", "--jobs", "2", "--out", str(out)]) == cli.NOT_OK
    return {record.operator: record for record in records_io.read(out / "records.jsonl").records}


def pasted(source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, source + done.stderr
    return done.stdout


def test_every_way_of_not_coming_back_is_here() -> None:
    assert set(ENDINGS) == set(ending_subjects.Ending.changes)


@pytest.mark.parametrize("operator", ENDINGS)
def test_what_does_not_come_back_is_repeated_in_a_process_of_its_own(operator: str, ended: dict[str, Record]) -> None:
    code, said = ENDINGS[operator]
    [finding] = [finding for finding in ended[operator].findings if finding.code == code]
    assert (finding.point is None) == (operator == "power"), "which ends before any call"
    source = snippet(ended[operator], finding)
    assert pasted(source).splitlines() == [f"got {said}", "reproduced"]


@pytest.mark.parametrize("operator", ["prod", "max", "exp", "cos"])
def test_what_comes_back_now_is_not_reproduced(operator: str, ended: dict[str, Record]) -> None:
    """The same source with the right implementation in the place of the one that ended, and with one that raises."""
    [finding] = [finding for finding in ended[operator].findings if finding.code == ENDINGS[operator][0]]
    source = snippet(ended[operator], finding)
    right = pasted(source.replace("tests.report.ending_subjects:Ending", "reference"))
    assert right.splitlines() == ["got it returns", "not reproduced"]
    other = pasted(source.replace("tests.report.ending_subjects:Ending", "tests.report.ending_subjects:Raising"))
    assert other.splitlines() == ["got it raises ArithmeticError", "not reproduced"]


def test_another_end_is_not_the_same(ended: dict[str, Record]) -> None:
    """A process that ends otherwise than it did, and one that hangs where it ended."""
    [finding] = [finding for finding in ended["max"].findings if finding.code == "GC125"]
    source = snippet(ended["max"], finding)
    for message in ("the process in which the subject ran was ended by SIGSEGV", "it ran exited with code 7"):
        other = pasted(snippet(ended["max"], replace(finding, message=message)))
        assert other.splitlines() == ["got was ended by SIGABRT", "not reproduced"]
    assert "was ended by SIGABRT" in source


def test_a_page_has_the_snippet_of_what_ended_before_any_call(ended: dict[str, Record], tmp_path: Path) -> None:
    run = records_io.Run(header=sample.header(), records=(ended["power"],))
    page = build(run, tmp_path)[1].read_text()
    assert "No call is on record; the whole check is repeated." in page
    assert "verify_operator(subject, catalogue.operator(" in page and "Copy the snippet" in page


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_names_end_no_text_of_a_snippet(name: str, message: str) -> None:
    """The inner program is one literal, whatever is in it, and names the subject by a literal of its own."""
    evil = f'{name}"""\\{message}\\"\'\n'
    finding = replace(sample.failing().findings[0], code="GC125", message=message, kwargs={evil: evil})
    record = replace(sample.failing(), operator=evil, claim={"load": evil})
    outer = ast.parse(snippet(record, finding))
    texts = [
        node.value.value for node in outer.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    ]
    calls = [node for node in ast.walk(ast.parse(texts[0])) if isinstance(node, ast.Call)]
    loads = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "load"]
    assert [ast.literal_eval(call.args[0]) for call in loads] == [evil]
