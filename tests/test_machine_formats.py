"""Machine output: each form is read back by what reads it, hostile names included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gradcheck import cli, machine_formats
from gradcheck.records import Record, Severity, finding_id
from gradcheck.records_io import Run
from tests.report import sample

NASTY = "<script>alert('\"')</script>\n]]>\x00\x1b[31m | ::error::%\ud800 ../../x"


def run_of(*records: Record) -> Run:
    return Run(header=sample.header(tuple((r.subject, r.operator) for r in records)), records=records)


def hostile() -> Record:
    record = sample.failing()
    finding = replace(
        record.findings[0], argument=NASTY, message=NASTY, where=f"{NASTY}:7 in {NASTY}", got=float("nan")
    )
    return replace(record, operator=NASTY, subject=NASTY, findings=(finding,))


def whole() -> Run:
    failing = sample.failing()
    note = replace(failing.findings[0], severity=Severity.INACCURATE, code="GC103")
    return run_of(
        sample.passing("sigmoid", "reference"), failing, replace(failing, operator="other", findings=(note,)), hostile()
    )


def test_json_has_every_check_and_every_finding() -> None:
    tree = json.loads(machine_formats.json_text(whole()))
    assert [check["status"] for check in tree["checks"]] == ["pass", "fail", "fail", "fail"]
    [*_, last] = tree["checks"]
    assert last["operator"] == NASTY.replace("\ud800", "\ud800")
    assert last["findings"][0]["got"] == "nan"
    failing = sample.failing()
    [shown] = [f for f in tree["checks"][1]["findings"] if f["code"] == "GC101"]
    assert shown["id"] == finding_id(failing, failing.findings[0])
    assert (shown["expected"], shown["index"]) == (1.0, [0, 1])


def test_junit_is_xml_and_counts() -> None:
    content = machine_formats.junit(whole())
    root = ElementTree.fromstring(content.encode("utf-8", "surrogatepass"))
    suites = root.findall("testsuite")
    assert sum(int(suite.get("tests", 0)) for suite in suites) == 4
    assert sum(int(suite.get("failures", 0)) for suite in suites) == 3
    for suite in suites:
        assert int(suite.get("tests", 0)) == len(suite.findall("testcase"))
        assert int(suite.get("failures", 0)) == len(suite.findall("testcase/failure"))
    failure = root.find(".//testcase[@name='matmul']/failure")
    assert failure is not None and failure.get("type") == "GC101" and "got 0.0   expected 1.0" in (failure.text or "")
    names = [case.get("name") or "" for case in root.iter("testcase")]
    assert any(name.startswith("<script>") for name in names)


def test_github_commands_are_one_line_each_and_carry_no_others() -> None:
    lines = machine_formats.github(whole()).splitlines()
    levels = [machine_formats.level(finding) for record in whole().records for finding in record.findings]
    assert len(lines) == len(levels) - levels.count("note") and "note" in levels
    for line in lines:
        found = re.fullmatch(r"::(error|warning) ((?:file=[^,:]*,line=\d+,)?title=[^,:]*)::(.*)", line)
        assert found, line
    hostile_line = lines[-1]
    assert "%25" in hostile_line and "%0A" in hostile_line


def test_a_summary_is_a_table_whatever_the_names_are() -> None:
    text = machine_formats.markdown(whole().records)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3
    for row in rows:
        assert len(re.findall(r"(?<!\\)\|", row)) == 7
    assert "<script" not in text
    many = [replace(sample.failing(), operator=f"op{k}") for k in range(60)]
    assert "10 more are not listed." in machine_formats.markdown(many)


MEMBERS = {
    "": {"$schema", "version", "runs"},
    "runs": {"tool", "invocations", "columnKind", "results"},
    "runs.tool": {"driver"},
    "runs.tool.driver": {"name", "version", "informationUri", "rules"},
    "runs.tool.driver.rules": {"id", "shortDescription", "defaultConfiguration", "helpUri"},
    "runs.tool.driver.rules.shortDescription": {"text"},
    "runs.tool.driver.rules.defaultConfiguration": {"level"},
    "runs.invocations": {"executionSuccessful", "commandLine"},
    "runs.results": {
        "ruleId",
        "ruleIndex",
        "kind",
        "level",
        "message",
        "partialFingerprints",
        "locations",
    },
    "runs.results.message": {"text"},
    "runs.results.locations": {"logicalLocations", "physicalLocation"},
    "runs.results.locations.logicalLocations": {"fullyQualifiedName", "kind"},
    "runs.results.locations.physicalLocation": {"artifactLocation", "region"},
    "runs.results.locations.physicalLocation.artifactLocation": {"uri", "uriBaseId"},
    "runs.results.locations.physicalLocation.region": {"startLine"},
}
"""Members of the schema that are written, by the path to the object."""


def walk(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, tree
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from walk(value, f"{path}.{key}".lstrip("."))
    elif isinstance(tree, list):
        for value in tree:
            yield from walk(value, path)


def test_sarif_has_what_the_standard_requires() -> None:
    """The required members of SARIF 2.1.0 sections 3.13, 3.14, 3.18, 3.19, 3.27, 3.28, 3.29, and their cross references."""
    tree = json.loads(machine_formats.sarif(whole()))
    assert tree["version"] == "2.1.0" and tree["$schema"].endswith("sarif-2.1.0.json")
    for path, value in walk(tree):
        if isinstance(value, dict) and path in MEMBERS:
            assert set(value) <= MEMBERS[path], path  # the schema allows no further members
    [run] = tree["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "gradcheck"
    rules = driver["rules"]
    identities = [rule["id"] for rule in rules]
    assert len(set(identities)) == len(identities)
    assert isinstance(run["invocations"][0]["executionSuccessful"], bool)
    assert len(run["results"]) == sum(len(record.findings) for record in whole().records)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        assert re.fullmatch("[0-9a-f]{12}", result["partialFingerprints"]["gradcheckFinding/v1"])
        for location in result["locations"]:
            assert location["logicalLocations"][0]["fullyQualifiedName"]
            physical = location.get("physicalLocation")
            if physical is not None:
                assert physical["region"]["startLine"] >= 1
                assert re.fullmatch(r"[!-~]+", physical["artifactLocation"]["uri"])
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert levels["GC101"] == "error" and levels["GC103"] == "note"


def test_the_place_is_that_of_the_backward_function(tmp_path: Path) -> None:
    record = sample.failing()
    finding = record.findings[0]
    assert machine_formats.place(replace(record, claim={"backward": "src/ops.py:41"}), finding) == ("src/ops.py", 41)
    loaded = replace(finding, where="machine_formats.py:3 in f")
    assert machine_formats.place(record, loaded) == ("gradcheck/machine_formats.py", 3)
    assert machine_formats.place(record, replace(finding, where="peer mine")) is None
    assert machine_formats.place(record, replace(finding, where="")) is None


@pytest.mark.parametrize("form", machine_formats.FORMATS)
def test_run_writes_it_alone_on_standard_output_or_into_a_file(
    form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    command = ["run", "tests.user_subjects:Wrong", "--operators", "tanh", "--profile", "quick", "--jobs", "1"]
    assert cli.execute([*command, "--out", str(tmp_path), "--format", form]) == cli.NOT_OK
    captured = capfd.readouterr()
    assert "mine  1 operators" in captured.err
    check: dict[str, Any] = {
        "json": json.loads,
        "sarif": json.loads,
        "junit": ElementTree.fromstring,
        "github": re.compile(r"(::error file=reference_nets/rules/\w+.py,line=\d+,.*\n)+").fullmatch,
    }
    assert check[form](captured.out) is not None
    assert (tmp_path / "summary.md").exists() == (form == "github")
    if form == "sarif":
        assert re.search(r'"uri": "reference_nets/rules/\w+.py"', captured.out)


def test_run_writes_into_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path), "--jobs", "1"]
    target = tmp_path / "deep" / "run.json"
    command = ["run", "--operators", "tanh", "--profile", "quick", *out]
    assert cli.execute([*command, "--format", "json", "--format-output", str(target)]) == cli.OK
    assert "reference  1 operators" in capfd.readouterr().out
    assert json.loads(target.read_text())["checks"][0]["status"] == "pass"
    assert cli.execute([*command, "--format-output", str(target)]) == cli.WRONG_USAGE
    assert "name a --format" in capfd.readouterr().err
    assert cli.execute([*command, "--format", "json", "--format-output", str(tmp_path)]) == cli.WRONG_USAGE
    assert "name another file" in capfd.readouterr().err
