"""Every snippet of a run over wrong implementations of a user's is pasted into a fresh interpreter, and reproduces its finding."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gradcheck import cli, records_io
from gradcheck.records import Record
from gradcheck.report import snippet
from tests import user_subjects

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
