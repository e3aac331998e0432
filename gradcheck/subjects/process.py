"""The host's side of the process protocol: a peer that is started, asked, watched, and ended whatever it does.

What can go wrong has a name each: the peer does not answer in time (``PeerTimeout``), its process ends (``PeerCrash``), a
line is none of the protocol (``PeerProtocol``), an answer belongs to another question (``PeerDesync``), it raises (``PeerRaised``).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gradcheck.subjects import wire

RESTARTS = 10
"""Times that a peer which failed is started anew; after that every question fails at once."""

LONGEST = 512 * 2**20
"""Bytes of one line: 40 million doubles."""


class PeerError(Exception):
    """A peer did not do what the protocol asks."""


class PeerTimeout(PeerError):  # noqa: N818  # a verdict's name
    """No answer in time."""


class PeerCrash(PeerError):  # noqa: N818  # a verdict's name
    """The process ended."""


class PeerProtocol(PeerError):  # noqa: N818  # a verdict's name
    """A line that is no answer."""


class PeerDesync(PeerError):  # noqa: N818  # a verdict's name
    """The answer to another question."""


class PeerRaised(PeerError):  # noqa: N818  # a verdict's name
    """The peer raised, and said so."""


class PeerUnsupported(PeerError):  # noqa: N818  # a verdict's name
    """The peer does not have this, and said so."""


class Host:
    """One peer.  ``memory`` limits its address space in bytes; ``journal`` is a file that gets each line before it is sent;
    ``directory`` is where the command runs, by default here."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        timeout: float = 60.0,
        memory: int | None = None,
        journal: Path | None = None,
        longest: int = LONGEST,
        directory: Path | None = None,
    ) -> None:
        self.command, self.timeout, self.memory, self.journal = list(command), timeout, memory, journal
        self.longest, self.directory, self.starts, self._id = longest, directory, 0, 0
        self._process: subprocess.Popen[bytes] | None = None
        self._tail: deque[bytes] = deque(maxlen=64)
        self._rest = b""
        self.about = wire.Answer()

    def ask(self, method: str, asked: wire.Asked) -> wire.Answer:
        """The answer to one question.  Raises PeerError; after any but the last two kinds the process is ended."""
        if self._process is None:
            self._start()
        return self._ask(method, asked)

    def start(self) -> wire.Answer:
        """What the peer says of itself; starts it if it does not run."""
        if self._process is None:
            self._start()
        return self.about

    def close(self) -> None:
        """End the process and all that it started, and wait for it."""
        process, self._process, self._rest = self._process, None, b""
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                stream and stream.close()

    def _start(self) -> None:
        if self.starts > RESTARTS:
            raise PeerCrash(f"the peer failed {self.starts} times and is not started again: {' '.join(self.command)}")
        self.starts += 1
        self._tail.clear()
        try:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                cwd=self.directory,
            )
        except OSError as error:
            raise PeerCrash(f"{self.command[0]}: it cannot be started ({error})") from error
        if self.memory is not None:
            import resource

            resource.prlimit(process.pid, resource.RLIMIT_AS, (self.memory, self.memory))
        assert process.stdin and process.stdout and process.stderr
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError, AttributeError):  # where pipes can be wider, large arrays are faster
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 2**20)
        os.set_blocking(process.stdin.fileno(), False)
        os.set_blocking(process.stdout.fileno(), False)
        self._process = process
        threading.Thread(target=_drain, args=(process.stderr, self._tail), daemon=True).start()
        self.about = self._ask("initialize", wire.Asked(protocol=wire.PROTOCOL))

    def _ask(self, method: str, asked: wire.Asked) -> wire.Answer:
        self._id += 1
        text = wire.line(wire.Request(self._id, method, asked))
        if self.journal is not None:
            with open(self.journal, "ab") as file:
                file.write(text)
        try:
            got = self._exchange(text)
            try:
                response = msgspec.json.decode(got, type=wire.Response)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise PeerProtocol(
                    f"the peer wrote a line that is no answer ({error}): {got[:200]!r}; log to stderr, not to stdout"
                ) from None
            if response.id != self._id:
                raise PeerDesync(f"the peer answered question {response.id} where {self._id} was asked")
        except BaseException:
            self.close()
            raise
        if response.error is not None:
            kind = PeerUnsupported if response.error.code == wire.UNSUPPORTED else PeerRaised
            raise kind(f"{response.error.message[:1000]}\n{response.error.data[-1000:]}".strip())
        if response.result is None:
            self.close()
            raise PeerProtocol(f"the answer has neither result nor error: {got[:200]!r}")
        return response.result

    def _exchange(self, text: bytes) -> bytes:
        """Send one line and read one, both at once: a peer may answer before it has read everything."""
        process = self._process
        assert process is not None and process.stdin and process.stdout
        pieces, size, left = [self._rest], len(self._rest), memoryview(text)
        deadline = time.monotonic() + self.timeout
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            while b"\n" not in pieces[-1]:
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise PeerTimeout(f"no answer within {self.timeout:g} s")
                for key, _ in ready:
                    if key.fileobj is process.stdin:
                        try:
                            left = left[os.write(process.stdin.fileno(), left[: 2**20]) :]
                        except BlockingIOError:
                            continue
                        except BrokenPipeError:
                            left = left[len(left) :]
                        if not len(left):
                            selector.unregister(process.stdin)
                        continue
                    piece = os.read(process.stdout.fileno(), 2**20)
                    if not piece:
                        raise self._ended(b"".join(pieces))
                    pieces.append(piece)
                    size += len(piece)
                    if size > self.longest:
                        raise PeerProtocol(f"the peer wrote a line of more than {self.longest} bytes")
        got, _, self._rest = b"".join(pieces).partition(b"\n")
        return got

    def _ended(self, begun: bytes) -> PeerCrash:
        assert self._process is not None
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return PeerCrash("the peer closed its stdout and runs on")
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        time.sleep(0.01)  # the last words may still be on their way
        said = b"".join(self._tail)[-500:].decode(errors="replace").strip()
        cut = f"; it broke off within a line: {begun[:100]!r}" if begun else ""
        return PeerCrash(f"the peer ended with {how}{cut}{'; its last words: ' + said if said else ''}")


def _drain(stream: object, tail: deque[bytes]) -> None:
    with stream:  # type: ignore[attr-defined]  # a raw stream
        while piece := stream.read(1024):  # type: ignore[attr-defined]  # as above
            tail.append(piece)
