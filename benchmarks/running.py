"""How the cases of tests/meta are run by the benchmarks: quietly, within a time, in worker processes, on a machine with noise."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import signal
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any

import numpy as np

from gradcheck.engine.containment import AGAIN, ringing

LIMIT = 80.0
"""Seconds after which a tool is stopped on one case: ten times the longest that a check is meant to take, on a machine four times slower
than that for which it was meant."""


class OverTimeError(BaseException):
    """The tool was stopped.  No ``Exception``: gradcheck takes these for what the user's function raised."""


@contextlib.contextmanager
def quiet_and_bounded(seconds: float = LIMIT) -> Iterator[None]:
    """No output, no warnings, and OverTimeError after so many seconds.

    The alarm is set last and taken back first: where the machine is busy it may ring at any line, and between a stream that is turned
    and the note to turn it back it would leave the process without output.
    """

    previous = signal.signal(signal.SIGALRM, ringing(OverTimeError))
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            stack.enter_context(np.errstate(all="ignore"))
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def spread(
    function: Callable[[Any], Any], jobs: Iterable[Any], workers: int, killed: Callable[[Any], Any]
) -> Iterator[Any]:
    """The answers, as they come; ``killed(job)`` where the job took its process down with it (a fault in compiled code).

    With one worker all is done in this process, and such a job ends it.  Jobs are asked for when they are to begin, so that
    they may depend on the answers so far.
    """
    if workers <= 1:
        yield from map(function, jobs)
        return
    waiting, begun, more = iter(jobs), list[Any](), True
    while more:
        running: dict[Future[Any], Any] = {}
        # Forked: the workers share what is imported, and need not find the cases again.
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
            try:
                while more:
                    for job in islice(waiting, 2 * workers - len(running)):
                        begun.append(job)  # first: a pool that is broken takes it no more
                        running[pool.submit(function, job)] = job
                    more = bool(running)
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        answer = future.result()
                        begun.remove(running.pop(future))
                        yield answer
            except BrokenProcessPool:
                pass
        # Which of those that were running did it shows when each runs alone.
        while begun:
            yield alone(function, begun.pop(), killed)


def alone(function: Callable[[Any], Any], job: Any, killed: Callable[[Any], Any]) -> Any:
    """The answer of a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        try:
            return pool.submit(function, job).result()
        except BrokenProcessPool:
            return killed(job)


def machine_noise(repetitions: int = 300) -> str:
    """What the clock says of one fixed piece of work, over and over: times below are no better than this."""
    a, seconds = np.linspace(0.0, 1.0, 64), []
    for _ in range(repetitions):
        start = time.perf_counter()
        total = 0.0
        for _ in range(300):
            total += float(np.sum(np.sin(a)))
        seconds.append(time.perf_counter() - start)
    low, middle, late = 1e3 * np.percentile(seconds, [1, 50, 95])
    return (
        f"machine noise: a fixed piece of work takes {middle:.2f} ms in the median, {low:.2f} ms at best "
        f"and {late:.2f} ms at the 95th percentile"
    )
