"""Settings for every test: Hypothesis prints how to repeat a failure, and slow machines are no reason to fail.

A shell that starts the tests in the background has them ignore the interrupt from the keyboard, which some of them send.
"""

from __future__ import annotations

import os
import signal
import time

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "gradcheck",
    print_blob=True,
    deadline=None,  # two processors under load are slow, and that is not what is tested
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gradcheck")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

BEGUN = "TESTS_BEGUN"
"""Environment variable that workers inherit: when the run of the tests began, in seconds."""

MINUTES = "TESTS_MINUTES"
"""Environment variable: after so many minutes the wrong implementations that are left, which come last, are skipped and counted.

``.ci/run`` sets it, where a run that lasts too long is ended as a whole.  Elsewhere all tests run, however long it takes.
"""

os.environ.setdefault(BEGUN, str(time.time()))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The wrong implementations come last: they take long, and each is like others."""
    items.sort(key=_is_of_meta)


def _is_of_meta(item: pytest.Item) -> bool:
    return "/tests/meta/" in item.path.as_posix()


def pytest_runtest_setup(item: pytest.Item) -> None:
    minutes = float(os.environ.get(MINUTES, "inf"))
    if _is_of_meta(item) and time.time() - float(os.environ[BEGUN]) > 60 * minutes:
        pytest.skip(f"NOT RUN: this machine is slow, and {minutes:g} minutes are over")
