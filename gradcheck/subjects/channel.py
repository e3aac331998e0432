"""Two pipes to a process, with a deadline: lines and raw bytes are read while the question is still being written."""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

PIECE = 2**20
"""Bytes that are read or written at once: what a wide pipe holds."""


class Ended(Exception):  # noqa: N818  # no error yet
    """The other side closed its end; ``begun`` is what it wrote of an answer."""

    def __init__(self, begun: bytes) -> None:
        super().__init__()
        self.begun = begun


class Channel:
    """``reading`` and ``writing`` are descriptors; both are made not to block."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._rest = b""
        self._out: deque[memoryview] = deque()
        self._selector = selectors.DefaultSelector()
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)
        self._selector.register(reading, selectors.EVENT_READ)

    def close(self) -> None:
        """Let go of what is its own; the descriptors are not."""
        self._selector.close()

    def send(self, parts: Iterable[Any]) -> None:
        """Write these buffers while answers are waited for, and none of them now."""
        idle = not self._out
        self._out.extend(view for part in parts if len(view := memoryview(part).cast("B")))
        if idle and self._out:
            self._selector.register(self._writing, selectors.EVENT_WRITE)

    def line(self, deadline: float, most: int) -> bytes:
        """The next line, without its end.  Raises ValueError for a longer one, TimeoutError, and Ended."""
        pieces, size = [self._rest], len(self._rest)
        while b"\n" not in pieces[-1]:
            if size > most:
                raise ValueError(f"a line of more than {most} bytes")
            self._wait(deadline)
            piece = os.read(self._reading, PIECE)
            if not piece:
                raise Ended(b"".join(pieces))
            pieces.append(piece)
            size += len(piece)
        got, _, self._rest = b"".join(pieces).partition(b"\n")
        if len(got) > most:
            raise ValueError(f"a line of more than {most} bytes")
        return got

    def fill(self, buffer: Any, deadline: float) -> None:
        """Read raw bytes until the buffer is full.  Raises TimeoutError and Ended."""
        view = memoryview(buffer).cast("B")
        done = min(len(view), len(self._rest))
        view[:done], self._rest = self._rest[:done], self._rest[done:]
        while done < len(view):
            self._wait(deadline, f" of the raw bytes: {done} came, of {len(view)}")
            count = os.readv(self._reading, [view[done:]])
            if not count:
                raise Ended(f"{done} of {len(view)} raw bytes".encode())
            done += count

    def finish(self, deadline: float) -> None:
        """Write what is left of the question: an answer may come before all of it was read.  Raises TimeoutError."""
        while self._out:
            self._wait(deadline, ": the peer answered, and does not read the rest of the question", reading=False)

    def stray(self) -> bytes:
        """What was written although nothing was asked; empty if there is nothing now."""
        if not self._rest:
            ready = [key.fd for key, _ in self._selector.select(0.0)]
            if self._reading in ready:
                self._rest = os.read(self._reading, PIECE)
        return self._rest

    def _wait(self, deadline: float, what: str = "", *, reading: bool = True) -> None:
        """Return when there is something to read, or the end; write as long as there is nothing."""
        while reading or self._out:
            ready = [key.fd for key, _ in self._selector.select(max(0.0, deadline - time.monotonic()))]
            if self._writing in ready:
                self._write()
            if reading and self._reading in ready:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(what)

    def _write(self) -> None:
        try:
            while self._out:
                first = self._out[0]
                count = os.write(self._writing, first[:PIECE])
                self._out[0] = first[count:]
                if not len(self._out[0]):
                    self._out.popleft()
        except BlockingIOError:
            return
        except BrokenPipeError:  # it reads no more: whether it ended is seen by reading
            self._out.clear()
        self._selector.unregister(self._writing)
