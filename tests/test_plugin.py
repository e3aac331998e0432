"""The pytest plugin, by running pytest on small test files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# A run inside this process forgets what it imported, and NumPy cannot be loaded twice: load everything beforehand.
import gradcheck.engine.check  # noqa: F401  # loaded before the plugin is timed

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
