"""The pytest plugin, by running pytest on small test files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

# A run inside this process forgets what it imported, and NumPy cannot be loaded twice: load everything beforehand.
import gradcheck.machine_formats
import gradcheck.pytesting.checking
import gradcheck.pytesting.known
import gradcheck.replay
import gradcheck.report.render  # loaded before the plugin is run in this process
from gradcheck import records_io

Runner = Callable[..., pytest.RunResult]
ROOT = Path(__file__).parent.parent

HEAD = """
import numpy as np
import pytest
import gradcheck as library

def square(x): return x * x
def right(g, x): return 2 * g * x
def wrong(g, x): return 3 * g * x
X = (np.array([1.0, -2.0]),)
"""


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Everything that a check needs, before pytester looks at what is loaded."""
    gradcheck.check(lambda x: x * x, lambda g, x: 3 * g * x, (np.ones(1),), profile="quick")


@pytest.fixture
def run(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> Runner:
    """Runs pytest on the text of a test file, with the plugin whether or not it is installed."""
    installed = request.config.pluginmanager.hasplugin("gradcheck")
    plugin = [] if installed else ["-p", "gradcheck.pytest_plugin"]

    def go(source: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(HEAD + source)
        return pytester.runpytest_inprocess(*plugin, *arguments)

    return go


def test_a_right_gradient_passes_and_a_wrong_one_fails(run: Runner) -> None:
    result = run(
        "def test_right(gradcheck): gradcheck(square, right, X)\n"
        "def test_wrong(gradcheck): gradcheck(square, wrong, X)\n"
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*GradientError: FAIL*"])


def test_check_answers_and_does_not_raise(run: Runner) -> None:
    run("def test_it(gradcheck): assert not gradcheck.check(square, wrong, X).ok\n").assert_outcomes(passed=1)


def test_options_come_from_the_call_then_the_marker_then_the_command_line(run: Runner) -> None:
    source = """
def test_line(gradcheck):
    assert gradcheck.check(square, right, X).seed == 5

@pytest.mark.gradcheck(seed=6)
def test_marker(gradcheck):
    assert gradcheck.check(square, right, X).seed == 6
    assert gradcheck.check(square, right, X, seed=7).seed == 7
"""
    run(source, "--gradcheck-seed=5", "--gradcheck-profile=quick").assert_outcomes(passed=2)


def test_the_marker_is_registered_and_refuses_positions(run: Runner) -> None:
    result = run("@pytest.mark.gradcheck('quick')\ndef test_it(gradcheck): pass\n", "--strict-markers")
    result.stdout.fnmatch_lines(["*takes keyword arguments only*"])


def test_an_unknown_profile_is_refused(run: Runner) -> None:
    assert run("", "--gradcheck-profile=heroic").ret == pytest.ExitCode.USAGE_ERROR


def test_the_idle_plugin_imports_nothing_heavy() -> None:
    code = "import sys, pytest, gradcheck.pytest_plugin\nprint('numpy' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "False"]


def test_settings_are_below_the_command_line(
    run: Runner, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    pytester.makepyprojecttoml('[tool.gradcheck]\nseed = 3\nprofile = "quick"\n')
    source = "def test_it(gradcheck): assert gradcheck.check(square, right, X).seed == {}\n"
    run(source.format(3)).assert_outcomes(passed=1)
    monkeypatch.setenv("GRADCHECK_SEED", "4")
    run(source.format(4)).assert_outcomes(passed=1)
    run(source.format(0), "--gradcheck-seed=0").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [
        ("[tool.gradcheck]\nsede = 3\n", [], "did you mean seed?"),
        ("", ["--gradcheck-seed=-1"], "give an integer that is not negative"),
        ("", ["--gradcheck-pin"], "name the file with --gradcheck-known FILE"),
        ("", ["--gradcheck-known=nowhere.json"], "there is no such file; --gradcheck-pin makes it"),
    ],
)
def test_what_is_misspelt_is_said_before_any_test_runs(
    text: str, arguments: list[str], says: str, run: Runner, pytester: pytest.Pytester
) -> None:
    pytester.makepyprojecttoml(text)
    result = run("def test_it(): pass\n", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{says}*"])


FAILING = """
def matmul(a, b): return a @ b
def matmul_vjp(g, a, b):
    return g @ b, a.T @ g  # should be g @ b.T
def test_wrong(gradcheck): gradcheck(matmul, matmul_vjp, (np.eye(2), np.arange(4.0).reshape(2, 2)))
def test_twice(gradcheck):
    gradcheck(square, right, X)
    gradcheck(square, wrong, X)
def test_right(gradcheck): gradcheck(square, right, X)
def test_none(): pass
"""


def test_a_failure_shows_the_source_the_case_and_how_to_see_it_again(run: Runner) -> None:
    result = run(FAILING, "--gradcheck-profile=quick", "--gradcheck-report=out")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "E*GradientError: FAIL  matmul : a    GC101 wrong",
            "E*test_*.py:* in matmul_vjp",
            "E*11 | def matmul_vjp(g, a, b):",
            "E*12 |     return g @ b, a.T @ g  # should be g @ b.T",
            "E*smallest case  float64, the given point",
            "E*a[[]*[]]   got * expected * bound *",
            "E     repro          pytest test_*.py::test_wrong --gradcheck-seed=*",
            "E     page           out/index.html#????????????",
        ]
    )


def records_of(directory: Path) -> records_io.Run:
    return records_io.read(directory / "records.jsonl")


def test_the_report_holds_every_check_under_the_name_of_its_test(run: Runner, pytester: pytest.Pytester) -> None:
    run(FAILING, "--gradcheck-profile=quick", "--gradcheck-report=out", "-p", "no:randomly")
    found = records_of(pytester.path / "out")
    assert found.complete and not found.problems
    names = [record.operator.partition("::")[2] for record in found.records]
    assert names == ["test_right", "test_twice", "test_twice #2", "test_wrong"]
    assert [record.status.value for record in found.records] == ["pass", "pass", "fail", "fail"]
    assert found.records[3].claim["checked"] == "matmul"
    assert found.records[3].claim["backward"].endswith(".py:11")
    index = (pytester.path / "out" / "index.html").read_text()
    assert "test_twice #2" in index
    assert all(page.name in index for page in (pytester.path / "out").glob("given--*.html"))


@pytest.mark.parametrize("outcome", ["report", "known"])
def test_two_processes_do_as_one(outcome: str, run: Runner, pytester: pytest.Pytester) -> None:
    """Under pytest-xdist the records of the workers are merged: the same bytes."""
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    quick = ["-p", "xdist", "--gradcheck-profile=quick"]
    if outcome == "known":
        run(FAILING, *quick, "--gradcheck-known=known.json", "--gradcheck-pin")
        for many in ("0", "2"):
            run(FAILING, *quick, "--gradcheck-known=known.json", "-n", many).assert_outcomes(passed=2, xfailed=2)
        before = (pytester.path / "known.json").read_bytes()
        run(FAILING, *quick, "--gradcheck-known=known.json", "--gradcheck-pin", "-n", "2")
        assert (pytester.path / "known.json").read_bytes() == before
        return
    for many in ("0", "2"):
        result = run(FAILING, *quick, f"--gradcheck-report=out{many}", "-n", many)
        result.assert_outcomes(passed=2, failed=2)
    files, others = (sorted(path.name for path in (pytester.path / out).glob("[!.]*")) for out in ("out0", "out2"))
    assert files == others and len(files) == 6
    for name in files:
        assert (pytester.path / "out0" / name).read_bytes() == (pytester.path / "out2" / name).read_bytes(), name


def test_properties_are_in_the_junit_file(run: Runner, pytester: pytest.Pytester) -> None:
    run(FAILING, "--gradcheck-profile=quick", "--junitxml=junit.xml")
    tree = ElementTree.parse(pytester.path / "junit.xml")
    cases = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in tree.iter("testcase")
    }
    assert cases["test_none"] == {}
    assert cases["test_right"]["gradcheck.verdict"] == "RIGHT"
    assert cases["test_wrong"]["gradcheck.verdict"] == "WRONG"
    assert (cases["test_wrong"]["gradcheck.finding"] or "").startswith("GC101 a[")
    assert (cases["test_wrong"]["gradcheck.backward"] or "").endswith(".py:11")


def test_on_github_failures_are_annotated_at_the_backward_function(
    run: Runner, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    result = run(FAILING, "--gradcheck-profile=quick")
    lines = [line for line in result.outlines if line.startswith("::")]
    assert len(lines) == 2
    assert re.match(
        r"::error file=test_\w+\.py,line=11,title=GC101 given [^:]*test_wrong%3A a\[.*::the gradient of a ", lines[1]
    )
    assert "%0Agot " in lines[1]
    summary = (pytester.path / "summary.md").read_text()
    assert "4 checks: 2 pass, 2 fail" in summary and ".py:11" in summary
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert not [line for line in run(FAILING, "--gradcheck-profile=quick").outlines if line.startswith("::")]


MEND = {"known": "wrong, X", "mended": "right, X", "changed": "other, X", "new": "wrong_in_two_ways, X"}
PINNED = """
def other(g, x): return 4 * g * x
def wrong_in_two_ways(g, x):
    out = 3 * g * x
    g *= 0
    return out
def test_it(gradcheck): gradcheck(square, {})
def test_other(gradcheck): gradcheck(square, right, X)
"""


def test_a_known_failure_is_expected_as_long_as_it_is_that_failure(run: Runner, pytester: pytest.Pytester) -> None:
    file = ["--gradcheck-known=known.json", "--gradcheck-seed=1", "-rx"]
    pin = run(PINNED.format(MEND["known"]), *file, "--gradcheck-pin")
    pin.assert_outcomes(passed=1, failed=1)
    pin.stdout.fnmatch_lines(["*1 failure pinned in *known.json"])
    path = pytester.path / "known.json"
    tree = json.loads(path.read_text())
    [entry] = tree["failures"]
    assert entry["test"].endswith("::test_it") and entry["call"] == 1
    entry["reason"] = "to be mended in spring"
    path.write_text(json.dumps(tree))

    result = run(PINNED.format(MEND["known"]), *file)
    result.assert_outcomes(passed=1, xfailed=1)
    result.stdout.fnmatch_lines(["*to be mended in spring*"])
    # Another seed draws other points; the stored case is the same.
    run(PINNED.format(MEND["known"]), *file, "--gradcheck-seed=77").assert_outcomes(passed=1, xfailed=1)

    for how, says in (
        ("mended", "no longer fails"),
        ("changed", "has changed: x[[]*is * now, and was"),
        ("new", "GC206"),
    ):
        result = run(PINNED.format(MEND[how]), *file)
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines([f"*{says}*"])

    before = path.read_text()
    run(PINNED.format(MEND["known"]), *file, "--gradcheck-pin")
    assert json.loads(path.read_text()) == json.loads(before)  # the reason is kept


def test_a_failure_that_its_stored_case_does_not_show_is_unreproduced(run: Runner, pytester: pytest.Pytester) -> None:
    """The stored case passes, and the check fails elsewhere in the same argument: that is another failure."""
    source = """
def partly(g, x): return np.where(x {} 0, 3.0, 2.0) * g * x
def test_it(gradcheck): gradcheck(square, partly, X)
"""
    file = ["--gradcheck-known=known.json"]
    run(source.format(">"), *file, "--gradcheck-pin").assert_outcomes(failed=1)
    run(source.format(">"), *file).assert_outcomes(xfailed=1)
    result = run(source.format("<"), *file)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*is not reproduced by its stored case, and the check fails all the same*"])


@pytest.mark.parametrize(
    ("source", "arguments", "says"),
    [
        ("def test_it(): pass\n", [], "the test does not make this call any more"),
        ("def test_another(): pass\n", [], "there is no such test any more"),
        ("def test_another(): pass\n", ["-k", "another"], "there is no such test any more"),
    ],
)
def test_a_stale_entry_fails_the_run(source: str, arguments: list[str], says: str, run: Runner) -> None:
    file = ["--gradcheck-known=known.json"]
    run(PINNED.format(MEND["known"]), *file, "--gradcheck-pin")
    result = run(source, *file, *arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*is stale: {says}*"])


def test_an_entry_whose_test_was_not_asked_for_is_not_stale(run: Runner) -> None:
    file = ["--gradcheck-known=known.json"]
    run(PINNED.format(MEND["known"]), *file, "--gradcheck-pin")
    result = run(PINNED.format(MEND["known"]), *file, "-k", "other")
    result.assert_outcomes(passed=1, deselected=1)
    assert result.ret == pytest.ExitCode.OK


def test_pinning_a_part_of_the_tests_keeps_the_entries_of_the_others(run: Runner, pytester: pytest.Pytester) -> None:
    file = ["--gradcheck-known=known.json", "--gradcheck-seed=1"]
    source = PINNED.format(MEND["known"])
    run(source, *file, "--gradcheck-pin")
    before = (pytester.path / "known.json").read_bytes()
    run(source, *file, "--gradcheck-pin", "-k", "test_other").assert_outcomes(passed=1, deselected=1)
    assert (pytester.path / "known.json").read_bytes() == before
    run(PINNED.format(MEND["mended"]), *file, "--gradcheck-pin")
    assert json.loads((pytester.path / "known.json").read_text())["failures"] == []


def test_a_report_is_not_overwritten_by_a_run_without_checks(run: Runner, pytester: pytest.Pytester) -> None:
    run(FAILING, "--gradcheck-profile=quick", "--gradcheck-report=out")
    before = (pytester.path / "out" / "records.jsonl").read_bytes()
    run(FAILING, "--gradcheck-report=out", "--collect-only")
    run(FAILING, "--gradcheck-report=out", "-k", "none").stdout.fnmatch_lines(["no gradient was checked, and nothing*"])
    assert (pytester.path / "out" / "records.jsonl").read_bytes() == before


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', '{"format": 1, "failures": [{"test": "a"}]}'])
def test_a_file_of_known_failures_that_is_none_is_refused(content: str, run: Runner, pytester: pytest.Pytester) -> None:
    (pytester.path / "known.json").write_text(content)
    result = run("def test_it(): pass\n", "--gradcheck-known=known.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*known.json: *--gradcheck-pin writes it anew*"])


def test_the_idle_plugin_costs_less_than_a_tenth_of_a_second() -> None:
    """What importing it costs beyond pytest itself, in time of the processor, the least of five: a busy machine only adds."""
    code = "import time, pytest\nbegun = time.process_time()\nimport gradcheck.pytest_plugin\nprint(time.process_time() - begun)"
    done = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        for _ in range(5)
    ]
    assert min(float(run.stdout) for run in done) <= 0.1
