"""What the code under test does to the process ends with its operator: state is put back, and time is limited."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from gradcheck.subjects import frameworks

AGAIN = 1.0
"""Seconds after which an interrupt that was swallowed (by a finalizer, by ``except:``) is raised again."""


class Expired(BaseException):
    """The time limit was reached; raised wherever the main thread stands.  No ``Exception``: a handler in the code under
    test must not take it for an error of its own."""


@contextmanager
def contained() -> Iterator[None]:
    """Put back afterwards: floating-point error handling, warning filters, the global random states, the recursion
    limit, the working directory, the environment, print options, the standard streams, the precision of mpmath and of
    flint, the settings of frameworks, and signal handlers (in the main thread, which alone may set them)."""
    errors, options, random_numbers = np.geterr(), np.get_printoptions(), np.random.get_state()
    plain, depth, environment = random.getstate(), sys.getrecursionlimit(), dict(os.environ)
    streams, directory = (sys.stdin, sys.stdout, sys.stderr), _directory()
    precisions, handlers, frameworks_back = _precisions(), _handlers(), frameworks.settings()
    with warnings.catch_warnings():
        try:
            yield
        finally:
            np.seterr(**errors)
            np.set_printoptions(**options)
            np.random.set_state(random_numbers)
            random.setstate(plain)
            sys.setrecursionlimit(depth)
            sys.stdin, sys.stdout, sys.stderr = streams
            if dict(os.environ) != environment:
                os.environ.clear()
                os.environ.update(environment)
            if directory and _directory() != directory:
                os.chdir(directory)
            for name, bits in precisions.items():
                if (context := _context(name)) is not None and context.prec != bits:
                    context.prec = bits
            frameworks_back()
            for number, handler in _handlers().items():
                if handlers[number] is not handler and handlers[number] is not None:
                    signal.signal(number, handlers[number])


def _context(module: str) -> Any:
    """The global context of mpmath or flint; None where it is not imported."""
    loaded = sys.modules.get(module)
    return getattr(loaded, "mp" if module == "mpmath" else "ctx", None)


def _precisions() -> dict[str, int]:
    """Bits of each; both begin with 53."""
    return {name: getattr(_context(name), "prec", 53) for name in ("mpmath", "flint")}


def _handlers() -> dict[int, Any]:
    """Of every signal; none outside of the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""


def ringing(error: type[BaseException]) -> Callable[[int, FrameType | None], None]:
    """A handler of an alarm that rings more than once: it raises, but not at the first ring where that would be lost.

    What is raised in a finaliser, or in a callback of the garbage collector, is printed as ignored.  One that still runs at the
    next ring hangs, and is ended by it; the one after that ends what it interrupted.
    """
    spared: FrameType | None = None

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal spared
        before, spared = spared, _swallowing(frame)
        if spared is None or spared is before:
            raise error

    return ring


def _swallowing(frame: FrameType | None) -> FrameType | None:
    """The frame, of this one and its callers, of which the interpreter prints and forgets what it raises; None if there is none."""
    callbacks = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        if frame.f_code.co_name == "__del__" or frame.f_code in callbacks:
            return frame
        frame = frame.f_back
    return None


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Raise ``Expired`` in here after so many seconds.

    By an alarm signal, so in the main thread of a POSIX process alone; elsewhere, and for None, nothing is limited.  Code
    that does not return to the interpreter (one long call of a C function) is interrupted when it returns.
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    armed, ring = True, ringing(Expired)

    def expire(number: int, frame: FrameType | None) -> None:
        if armed:
            ring(number, frame)

    before = signal.signal(signal.SIGALRM, expire)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        try:
            yield
        finally:
            armed = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
