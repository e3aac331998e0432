"""The pytest plugin: fixture, marker, options, report, known failures; nothing heavy is imported until a test asks for it.

A record travels with the report of its test, so that under pytest-xdist it reaches the controller as the report does, and a worker
that dies takes no finished test with it.  Only the controller writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gradcheck.config import PROFILES, Settings, load
from gradcheck.errors import UsageError

if TYPE_CHECKING:
    from gradcheck.engine.result import Result
    from gradcheck.pytesting.session import Session

DIRECTORY = "gradcheck-report"
"""Where the report goes if ``--gradcheck-report`` names no directory."""

SETTINGS = pytest.StashKey[Settings]()
SESSION: pytest.StashKey[Session] = pytest.StashKey()
PENDING = pytest.StashKey[list[dict[str, Any]]]()
"""What the checks of a test had to say since its last report."""


class Checker:
    """What the fixture gives: calling it asserts, ``check`` only answers; options of run and marker are filled in.

    Precedence: the call's own keyword, then the marker's, the command line's, the environment's, that of ``[tool.gradcheck]``.
    """

    def __init__(self, request: pytest.FixtureRequest, options: dict[str, Any]) -> None:
        self._request, self._options, self._calls = request, options, 0

    def __call__(self, forward: Callable[..., Any], vjp: Callable[..., Any], inputs: Any, **options: Any) -> None:
        """``gradcheck.assert_gradients`` with the run's options; raises GradientError if the result is not ok.

        A failure that is pinned in the file of known failures is an expected one, as long as it is exactly that failure.
        """
        from gradcheck.pytesting import checking

        __tracebackhide__ = True
        self._calls += 1
        checking.assert_gradients(self._request, self._calls, forward, vjp, inputs, {**self._options, **options})

    def check(self, forward: Callable[..., Any], vjp: Callable[..., Any], inputs: Any, **options: Any) -> Result:
        """``gradcheck.check`` with the run's options; never raises for a wrong gradient."""
        from gradcheck.pytesting import checking

        self._calls += 1
        return checking.check(self._request, self._calls, forward, vjp, inputs, {**self._options, **options})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line."""
    group = parser.getgroup("gradcheck", "gradients")
    group.addoption("--gradcheck-profile", choices=PROFILES, help="how much each gradient check looks at")
    group.addoption("--gradcheck-seed", type=int, metavar="N", help="seed of every gradient check")
    group.addoption(
        "--gradcheck-report",
        nargs="?",
        const=DIRECTORY,
        metavar="DIR",
        help=f"write records and pages of all gradient checks into DIR (default {DIRECTORY})",
    )
    group.addoption("--gradcheck-known", metavar="FILE", help="known failures: a JSON file, made by --gradcheck-pin")
    group.addoption(
        "--gradcheck-pin", action="store_true", help="write the failures of this run into the file of known failures"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and read the settings: what is misspelt in them is said before any test runs."""
    config.addinivalue_line("markers", "gradcheck(**options): keyword arguments for the gradcheck fixture of this test")
    try:
        settings = load(config.rootpath)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SETTINGS] = settings
    seed = config.getoption("--gradcheck-seed")
    if seed is not None and seed < 0:
        raise pytest.UsageError(f"--gradcheck-seed {seed}: give an integer that is not negative")
    report, known = config.getoption("--gradcheck-report"), config.getoption("--gradcheck-known")
    pin = bool(config.getoption("--gradcheck-pin"))
    directory = config.invocation_params.dir / report if report else settings.report
    file = config.invocation_params.dir / known if known else settings.known
    if pin and file is None:
        raise pytest.UsageError("--gradcheck-pin: name the file with --gradcheck-known FILE")
    if directory is None and file is None and not _on_github():
        return
    from gradcheck.pytesting.session import Session

    try:
        config.stash[SESSION] = Session.begun(config, directory, file, pin)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def _on_github() -> bool:
    return bool(os.environ.get("GITHUB_ACTIONS") or os.environ.get("GITHUB_STEP_SUMMARY"))


@pytest.fixture(name="gradcheck")
def gradcheck_fixture(request: pytest.FixtureRequest) -> Checker:
    """Assert that ``vjp`` is the derivative of ``forward``: ``gradcheck(forward, vjp, inputs, ...)``."""
    settings = request.config.stash[SETTINGS]
    said = (
        ("profile", request.config.getoption("--gradcheck-profile") or settings.profile),
        ("seed", _first(request.config.getoption("--gradcheck-seed"), settings.seed)),
    )
    options = {name: value for name, value in said if value is not None}
    for marker in reversed(list(request.node.iter_markers("gradcheck"))):  # the nearest marker last, so that it wins
        if marker.args:
            raise pytest.UsageError("the marker gradcheck takes keyword arguments only, such as profile='quick'")
        options |= marker.kwargs
    return Checker(request, options)


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Records and calls of the test go with its report, also from a worker to the controller."""
    report = yield
    if PENDING in item.stash:
        report.gradcheck = item.stash[PENDING][:]  # type: ignore[attr-defined]  # reports carry attributes
        item.stash[PENDING].clear()
    return report


def place(path: str | Path, root: Path) -> str:
    """``path`` relative to ``root`` where it lies below, with forward slashes."""
    resolved = Path(path).resolve()
    return (resolved.relative_to(root) if resolved.is_relative_to(root) else resolved).as_posix()
