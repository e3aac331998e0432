"""How the benchmarks run what may take too long."""

from __future__ import annotations

import contextlib
import sys

import pytest

from benchmarks.running import OverTimeError, quiet_and_bounded


def test_output_is_turned_back_wherever_the_alarm_strikes() -> None:
    out, err = sys.stdout, sys.stderr
    for k in range(400):
        with contextlib.suppress(OverTimeError), quiet_and_bounded(1e-6 * (1 + k % 100)):
            sum(range(1000))
        assert sys.stdout is out and sys.stderr is err


def test_what_takes_too_long_is_stopped() -> None:
    with pytest.raises(OverTimeError), quiet_and_bounded(0.01):
        while True:
            pass
