"""The pytest plugin: a fixture, a marker and two options; nothing heavy is imported until a test asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gradcheck.engine.result import Result

PROFILES = ("quick", "default", "thorough")


class Checker:
    """What the fixture gives: calling it asserts, ``check`` only answers; options of run and marker are filled in.

    Precedence: the call's own keyword, then the marker's, then the command line's.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    def __call__(self, forward: Callable[..., Any], vjp: Callable[..., Any], inputs: Any, **options: Any) -> None:
        """``gradcheck.assert_gradients`` with the run's options; raises GradientError if the result is not ok."""
        import gradcheck

        __tracebackhide__ = True
        gradcheck.assert_gradients(forward, vjp, inputs, **{**self._options, **options})

    def check(self, forward: Callable[..., Any], vjp: Callable[..., Any], inputs: Any, **options: Any) -> Result:
        """``gradcheck.check`` with the run's options; never raises for a wrong gradient."""
        import gradcheck

        return gradcheck.check(forward, vjp, inputs, **{**self._options, **options})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line."""
    group = parser.getgroup("gradcheck", "gradients")
    group.addoption("--gradcheck-profile", choices=PROFILES, help="how much each gradient check looks at")
    group.addoption("--gradcheck-seed", type=int, metavar="N", help="seed of every gradient check")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "gradcheck(**options): keyword arguments for the gradcheck fixture of this test")


@pytest.fixture(name="gradcheck")
def gradcheck_fixture(request: pytest.FixtureRequest) -> Checker:
    """Assert that ``vjp`` is the derivative of ``forward``: ``gradcheck(forward, vjp, inputs, ...)``."""
    profile = request.config.getoption("--gradcheck-profile")
    seed = request.config.getoption("--gradcheck-seed")
    options = {name: value for name, value in (("profile", profile), ("seed", seed)) if value is not None}
    for marker in reversed(list(request.node.iter_markers("gradcheck"))):  # the nearest marker last, so that it wins
        if marker.args:
            raise pytest.UsageError("the marker gradcheck takes keyword arguments only, such as profile='quick'")
        options |= marker.kwargs
    return Checker(options)
